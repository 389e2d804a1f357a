//! Archives opened on the way: what lies in a zip, tar or 7z file, in a packed stream, in an image of containers, and in
//! such a thing within another, comes out as blobs of its own.
//!
//! Known by how they start, never by name. Everything is a stream: a member is unpacked, cut into parts and handed over
//! while it is read; nothing is written to disk, and nothing that a member is called is ever used but to be shown. Where
//! something lies is told as `app.zip!/lib/inner.jar!/conf.yml`; a packed stream has one content and no names, so that
//! `app.log.gz:12` is line 12 of what is in it and `a.tar.gz!/b` lies in the tar in the gzip.
//!
//! What cannot be read is told as [`Skipped`] by the place of the innermost thing that failed, and the rest of what is
//! around it goes on where it can be found. [`Limits`] bound what a small file may swell to; they, too, are told.
//!
//! An [`Opener`] reads one file. Failures are noted where they happen, by the level (how many things are around) at which
//! they are to be told: decoders in between may dress up an error as they like.

mod ahead;
mod checked;
mod image;
mod kind;
mod sevenz;
mod tar;
mod zip;

use super::file::{provenance, shown};
use super::unpack;
use super::{Blob, Bytes, Item, Provenance, SkipReason, Skipped, parts, stdin};
use crate::text::terminal::printable;
use ahead::Ahead;
use image::Image;
pub use image::Layer;
pub(super) use kind::{HEAD, Kind, kind_of};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How far archives are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Archives and packed streams within one another.
    pub depth: u32,
    /// Bytes that may come out of one file, all that is unpacked on the way counted.
    pub size: u64,
    /// How many times its own bytes may come out of one file, once they are more than [`FREE`].
    pub ratio: u64,
}

impl Default for Limits {
    /// Eight deep: a jar in a jar in a packed layer of a packed image is six. 64 GiB. The ratio is more than deflate can
    /// reach (1032: RFC 1951 codes 258 bytes in two bits at best), so that only what is packed twice, or made to swell, gets there.
    fn default() -> Limits {
        Limits { depth: 8, size: 64 << 30, ratio: 1100 }
    }
}

/// Bytes that come out before the ratio counts.
pub const FREE: u64 = 256 << 20;
/// What of one file is told that could not be read; the rest is counted.
const TOLD: u32 = 100;
/// Bytes of a member's name that are kept.
const NAME: usize = 4096;

/// Who gets what is read.
pub(super) trait Sink {
    /// A buffer to read into.
    fn spare(&self) -> Bytes;
    /// Looks at a blob; whether more is wanted.
    fn look(&self, blob: Blob) -> bool;
    /// Tells what could not be read.
    fn skip(&self, skipped: Skipped);
}

/// Hands over one after another.
pub(super) struct Each<'e> {
    sink: RefCell<&'e mut dyn FnMut(Item) -> bool>,
    more: Cell<bool>,
}

impl<'e> Each<'e> {
    pub fn new(sink: &'e mut dyn FnMut(Item) -> bool) -> Each<'e> {
        Each { sink: RefCell::new(sink), more: Cell::new(true) }
    }

    /// Whether the sink wants more.
    pub fn more(&self) -> bool {
        self.more.get()
    }

    fn give(&self, item: Item) -> bool {
        let more = (self.sink.borrow_mut())(item);
        self.more.set(more && self.more.get());
        self.more.get()
    }
}

impl Sink for Each<'_> {
    fn spare(&self) -> Bytes {
        Bytes::default()
    }

    fn look(&self, blob: Blob) -> bool {
        self.give(Item::Blob(blob))
    }

    fn skip(&self, skipped: Skipped) {
        self.give(Item::Skipped(skipped));
    }
}

/// Hands over what lies in `bytes`, which lie at `path`; the sink answers whether it wants more.
pub fn open(bytes: &[u8], path: &[u8], limits: Limits, sink: &mut dyn FnMut(Item) -> bool) {
    let provenance = Provenance::File { path: path.to_vec() };
    Archives::new(limits).read(provenance, &mut &*bytes, None, &Each::new(sink));
}

/// What is common to all files of a scan.
#[derive(Debug, Default)]
pub(super) struct Archives {
    pub limits: Limits,
    /// Held by who unpacks with a window of more than [`unpack::SMALL`]: one at a time.
    wide: Mutex<()>,
    /// Folders that hold an image, as far as they were asked for.
    images: Mutex<BTreeMap<PathBuf, Option<Arc<Image>>>>,
}

impl Archives {
    pub fn new(limits: Limits) -> Archives {
        Archives { limits, ..Archives::default() }
    }

    /// Where an archive lies: in a folder that holds an image it may be a layer of that. What such a folder lacks is told
    /// when it is met first.
    pub fn provenance(&self, path: &Path, sink: &dyn Sink) -> Provenance {
        let plain = provenance(path);
        let Some((folder, name)) = image::layout_of(path) else { return plain };
        let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        let image = images.entry(folder.to_owned()).or_insert_with(|| {
            let image = Image::of_folder(folder)?;
            for (missing, layer) in &image.missing {
                let what = shown(&folder.join(missing));
                sink.skip(Skipped::asked(what, SkipReason::Absent, layer.describe()));
            }
            Some(Arc::new(image))
        });
        match image.as_ref().and_then(|image| image.layer(name.as_bytes())) {
            Some(layer) => Provenance::Layer { path: plain.raw_path().to_vec(), layer: layer.clone() },
            None => plain,
        }
    }

    /// Reads what `reader` gives and opens what it is; `file` is the same when one can go to any place of it.
    pub fn read(&self, provenance: Provenance, reader: &mut dyn Read, file: Option<&File>, sink: &dyn Sink) {
        let top = At { provenance: Arc::new(provenance), level: 0 };
        let opener = Opener {
            archives: self,
            sink,
            top: top.provenance.clone(),
            file,
            read: Cell::new(0),
            unpacked: Cell::new(0),
            broken: RefCell::default(),
            told: Cell::new(0),
            wide: RefCell::default(),
        };
        let mut reader = Watched { opener: &opener, at: &top, inner: reader, gives: Gives::Read };
        // At the top there is nobody left to tell.
        let _ = opener.content(&top, &mut reader);
        opener.told_all(&top);
    }
}

/// Where something lies.
struct At {
    provenance: Arc<Provenance>,
    /// How many archives and packed streams are around it.
    level: u32,
}

impl At {
    fn path(&self) -> &[u8] {
        self.provenance.raw_path()
    }

    /// What a person calls it.
    fn shown(&self) -> String {
        match &*self.provenance {
            Provenance::Stdin => stdin::NAME.to_owned(),
            _ => printable(self.path()),
        }
    }

    /// What lies in this under `name`.
    fn member(&self, name: &[u8]) -> At {
        let name = name.strip_prefix(b"./").unwrap_or(name);
        let name = name.get(..NAME).unwrap_or(name);
        let path = [self.path(), b"!/", name].concat();
        let provenance = match &*self.provenance {
            Provenance::Layer { layer, .. } => Provenance::Layer { path, layer: layer.clone() },
            _ => Provenance::File { path },
        };
        At { provenance: Arc::new(provenance), level: self.level + 1 }
    }

    /// The same, as a layer of an image.
    fn of_layer(self, layer: &Arc<Layer>) -> At {
        let provenance = Provenance::Layer { path: self.path().to_vec(), layer: layer.clone() };
        At { provenance: Arc::new(provenance), ..self }
    }

    /// What this unpacks to.
    fn unpacked(&self) -> At {
        At { provenance: self.provenance.clone(), level: self.level + 1 }
    }
}

/// Something around it failed, or nothing more is wanted.
#[derive(Debug)]
struct Stop;

/// What failed, until it is told.
struct Broken {
    /// Who tells it: what lies this deep, and everything in it, ends here.
    level: u32,
    what: String,
    why: SkipReason,
    detail: String,
}

/// Reads one file.
struct Opener<'o> {
    archives: &'o Archives,
    sink: &'o dyn Sink,
    /// Where the file lies.
    top: Arc<Provenance>,
    /// The file, when one can go to any place of it.
    file: Option<&'o File>,
    /// Bytes of the file that were read.
    read: Cell<u64>,
    /// Bytes that were unpacked of it.
    unpacked: Cell<u64>,
    broken: RefCell<Option<Broken>>,
    told: Cell<u32>,
    wide: RefCell<Option<MutexGuard<'o, ()>>>,
}

impl Opener<'_> {
    /// Reads what lies at `at`. Tells what failed in it; an error is for who reads what is around it.
    fn content(&self, at: &At, reader: &mut dyn Read) -> Result<(), Stop> {
        let mut ahead = Ahead::new(reader);
        let result = match ahead.peek(HEAD).map(kind_of) {
            Err(error) => Err(self.fails(at, &error)),
            Ok(None) => self.plain(at, &mut ahead),
            Ok(Some(kind)) => self.open(at, kind, &mut ahead),
        };
        result.or_else(|Stop| self.tell_own(at))
    }

    fn open(&self, at: &At, kind: Kind, ahead: &mut Ahead<&mut dyn Read>) -> Result<(), Stop> {
        if at.level >= self.archives.limits.depth {
            let limit = self.archives.limits.depth;
            self.tell(at, SkipReason::TooDeep, format!("{limit} are, so this {} is not", kind.label()));
            return self.plain(at, ahead);
        }
        match kind {
            Kind::Packed(kind) => self.unpack(at, kind, ahead),
            Kind::Zip => zip::read(self, at, ahead),
            Kind::Tar => tar::read(self, at, ahead),
            Kind::SevenZip => sevenz::read(self, at, ahead),
            Kind::Other(name) => {
                self.tell(at, SkipReason::Unsupported, name);
                self.plain(at, ahead)
            }
        }
    }

    /// The image that a tar file is, when it is one and its members can be gone through beforehand.
    fn image(&self, at: &At, first: &[u8]) -> Option<Image> {
        let file = self.file.filter(|_| Arc::ptr_eq(&at.provenance, &self.top))?;
        let image = Image::of_tar(file, first)?;
        for (missing, layer) in &image.missing {
            self.tell(&at.member(missing.as_bytes()), SkipReason::Absent, layer.describe());
        }
        Some(image)
    }

    /// Bytes as they are.
    fn plain(&self, at: &At, reader: &mut dyn Read) -> Result<(), Stop> {
        let result = parts::cut(reader, &at.provenance, &|| self.sink.spare(), &mut |blob| self.sink.look(blob));
        match result {
            Ok(true) => Ok(()),
            Ok(false) => Err(Stop),
            Err(error) => Err(self.fails(at, &error)),
        }
    }

    /// Bytes of a container that are in none of its members.
    fn between(&self, at: &At, reader: &mut dyn Read) -> Result<(), Stop> {
        self.plain(&At { provenance: at.member(b"(between its members)").provenance, level: at.level }, reader)
    }

    fn unpack(&self, at: &At, kind: unpack::Kind, packed: &mut Ahead<&mut dyn Read>) -> Result<(), Stop> {
        let mut unpacked = self.decoder(kind, packed).map_err(|error| self.fails(at, &error))?;
        let mut watched = Watched { opener: self, at, inner: &mut *unpacked, gives: Gives::Unpacked };
        self.content(&at.unpacked(), &mut watched)
    }

    fn decoder<'r, R: Read>(&self, kind: unpack::Kind, packed: &'r mut Ahead<R>) -> io::Result<Box<dyn Read + 'r>> {
        let window = unpack::window(kind, packed.peek(unpack::HEAD)?);
        self.widen(window);
        Ok(unpack::reader_within(kind, packed, window))
    }

    /// Waits until nobody else unpacks with a wide window, when this one is. Kept until the file is read.
    fn widen(&self, window: u64) {
        let mut held = self.wide.borrow_mut();
        if window > unpack::SMALL && held.is_none() {
            *held = Some(self.archives.wide.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Notes a failure of what lies at `at`, unless it comes from one further within that is noted already.
    fn fails(&self, at: &At, error: &io::Error) -> Stop {
        let why = match error.kind() {
            ErrorKind::OutOfMemory => SkipReason::TooLarge,
            ErrorKind::Unsupported => SkipReason::Unsupported,
            _ => SkipReason::Damaged,
        };
        self.breaks(at.level, at, why, error.to_string())
    }

    fn breaks(&self, level: u32, at: &At, why: SkipReason, detail: String) -> Stop {
        let mut broken = self.broken.borrow_mut();
        broken.get_or_insert_with(|| Broken { level, what: at.shown(), why, detail });
        Stop
    }

    /// Tells what failed when it is this that failed, so that what is around it goes on.
    fn tell_own(&self, at: &At) -> Result<(), Stop> {
        let mut broken = self.broken.borrow_mut();
        match broken.take() {
            Some(own) if own.level >= at.level => {
                self.skip(Skipped::asked(own.what, own.why, own.detail));
                Ok(())
            }
            other => {
                *broken = other;
                Err(Stop)
            }
        }
    }

    fn tell(&self, at: &At, why: SkipReason, detail: impl std::fmt::Display) {
        self.skip(Skipped::asked(at.shown(), why, detail));
    }

    fn skip(&self, skipped: Skipped) {
        let told = self.told.get() + 1;
        self.told.set(told);
        if told <= TOLD {
            self.sink.skip(skipped);
        }
    }

    /// Says how many more could not be read than were told.
    fn told_all(&self, top: &At) {
        if let Some(more) = self.told.get().checked_sub(TOLD).filter(|more| *more > 0) {
            let detail = format!("{more} more of what is in it, beyond those told");
            self.sink.skip(Skipped::asked(top.shown(), SkipReason::Unreadable, detail));
        }
    }

    /// Counts what was unpacked at `at`, and ends the whole file when it is too much.
    fn counts(&self, at: &At, bytes: usize) -> io::Result<()> {
        let limits = &self.archives.limits;
        let unpacked = self.unpacked.get() + bytes as u64;
        self.unpacked.set(unpacked);
        let detail = if unpacked > limits.size {
            format!("more than {} bytes come out of the file, and no more was read of it", limits.size)
        } else if unpacked > FREE && unpacked / self.read.get().max(1) > limits.ratio {
            format!("more than {} times its bytes come out of the file, and no more was read of it", limits.ratio)
        } else {
            return Ok(());
        };
        self.breaks(0, at, SkipReason::TooLarge, detail);
        Err(io::Error::other("a limit"))
    }
}

/// What a layer gives.
#[derive(Clone, Copy, PartialEq)]
enum Gives {
    /// Bytes of the file itself.
    Read,
    /// Bytes that were unpacked.
    Unpacked,
    /// Bytes that lie in a container as they are.
    Stored,
}

/// A reader whose failures are those of what lies at `at`, and whose bytes are counted.
struct Watched<'l, 'o> {
    opener: &'l Opener<'o>,
    at: &'l At,
    inner: &'l mut dyn Read,
    gives: Gives,
}

impl Read for Watched<'_, '_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(room) {
            Ok(read) => {
                match self.gives {
                    Gives::Read => self.opener.read.set(self.opener.read.get() + read as u64),
                    Gives::Unpacked => self.opener.counts(self.at, read)?,
                    Gives::Stored => {}
                }
                Ok(read)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
            Err(error) => {
                match self.gives {
                    Gives::Read => self.opener.breaks(0, self.at, SkipReason::Unreadable, error.to_string()),
                    Gives::Unpacked | Gives::Stored => self.opener.fails(self.at, &error),
                };
                Err(error)
            }
        }
    }
}
