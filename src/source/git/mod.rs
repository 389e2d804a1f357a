//! Git repositories: the history, a range of it, and what is staged.
//!
//! Only git's own files are read, and by us: refs, the index and a few words of the config as files, objects from the
//! `objects` folder alone ([`pack`]), each a regular file: a pipe or a device in its place is no trap. No `Repository` is
//! ever opened and no `git` is started, so
//!
//! - nothing that a repository's config, attributes or hooks name is run, included or followed (no textconv, no filter,
//!   no `core.fsmonitor`): a hostile clone is only data;
//! - the check of who owns the folder (`safe.directory`), which guards against just that, is not needed, and a CI
//!   container that mounts a checkout of another user works;
//! - an extension that does not change how things are read (a partial clone) stops nothing; of those that do, SHA-256 names
//!   and refs that are kept as a reftable are read, and another is refused by its name;
//! - nothing is written and no lock is taken; absent objects are never fetched: they are reported as missing.
//!
//! `GIT_DIR`, `GIT_INDEX_FILE`, `GIT_OBJECT_DIRECTORY` and `GIT_ALTERNATE_OBJECT_DIRECTORIES` are honoured, as a hook of
//! git's needs, when the repository asked for is the one that they are about.
//!
//! [`history`] attributes every blob to the first commit that brought it; [`staged`] compares the index with HEAD. Knows
//! nothing of rules or secrets.

mod added;
pub mod attribute;
mod boundary;
pub mod commit_graph;
mod compare;
mod graph;
pub mod history;
pub mod id;
pub mod index;
mod indexes;
mod loose_end;
mod object;
mod order;
mod origins;
pub mod pack;
mod place;
mod refs;
pub mod reftable;
mod regular;
mod remotes;
mod revision;
pub mod staged;
mod tips;
mod told;
mod tree;
pub mod whole;

pub use history::History;
pub use remotes::remotes;
pub use staged::Staged;
