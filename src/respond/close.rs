//! The end of an incident: what was sealed is wiped, the post-mortem written. All of it may be repeated.

use super::case::Case;
use super::{Ended, Error, Responder};
use crate::failpoint;
use crate::incident::{Event, Outcome, PostMortem};
use crate::report;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

impl Responder {
    /// Records the end, then finishes.
    pub(super) fn close(&self, case: &mut Case<'_>, outcome: Outcome) -> Result<Ended, Error> {
        case.append(Event::Closed { outcome })?;
        self.finish(case, outcome)
    }

    /// What follows the end. The debt is struck off last, so that a process that dies here is followed up.
    pub(super) fn finish(&self, case: &mut Case<'_>, outcome: Outcome) -> Result<Ended, Error> {
        self.ledger.wipe(&case.id, "")?;
        let postmortem = self.tell(case)?;
        if !case.story.filed {
            case.append(Event::Filed)?;
        }
        self.settle(&case.id)?;
        Ok(Ended::Closed { outcome, postmortem })
    }

    /// Tells the post-mortem from the events, keeps it in the ledger and writes it beside the others.
    pub(super) fn tell(&self, case: &Case<'_>) -> Result<PathBuf, Error> {
        let told = PostMortem::tell(&case.id.0, &case.title, &case.entries)?;
        let (markdown, json) = (report::postmortem::markdown(&told), report::postmortem::json(&told));
        self.ledger.keep_postmortem(&case.id, &markdown, &json)?;
        let opened = case.story.opened.detected.strftime("%Y-%m-%d");
        let path = self.options.postmortems.join(format!("{opened}-{}.md", case.id));
        let beside = path.with_extension("json");
        for (path, text) in [(&beside, &json), (&path, &markdown)] {
            failpoint::around("post-mortem write", || write(path, text))
                .map_err(|source| Error::PostMortem { path: path.clone(), source })?;
        }
        Ok(path)
    }
}

/// All of it or nothing: a reader never sees half a post-mortem.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
