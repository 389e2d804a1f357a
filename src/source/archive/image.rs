//! Images of containers: what `docker save` writes, and OCI layouts, as a tar (packed or not) or as a folder.
//!
//! Such a file is an archive like any other: each layer in it is a tar of its own, read once, files that a later layer takes
//! away included, and so is the configuration (environment, labels, the commands that built it). What makes it an image is
//! its manifests: they say which member is which layer. They may stand behind the layers, so the file's headers are gone
//! through beforehand. A layer that a manifest names and the file does not have is told.
//!
//! docker: "Docker Image Specification v1.2.0", "Combined Image JSON + Filesystem Changeset Format". OCI: "Image Layout",
//! "Image Manifest" and "Image Configuration" of image-spec v1.1.1. Read 2026-11-20.

use super::tar;
use crate::source::ranges;
use crate::source::unpack;
use crate::text::terminal::printable;
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path};
use std::sync::Arc;

/// Bytes of a manifest or configuration at most, and of all of them.
const MANIFEST: u64 = 4 << 20;
const MANIFESTS: u64 = 16 << 20;
/// Members whose names are kept.
const MEMBERS: usize = 100_000;
/// Indexes within indexes.
const DEPTH: u32 = 4;
/// Bytes of JSON that are parsed for one image, those that are named again counted again.
const PARSED: usize = 64 << 20;

/// A layer of an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Layer {
    /// The image's name, printable, when it has one.
    pub image: Option<String>,
    /// Which layer it is, the lowest being 1.
    pub number: usize,
    /// How many layers the image has.
    pub of: usize,
    /// The digest by which manifest or configuration names it: `sha256:...`.
    pub digest: String,
}

impl Layer {
    /// `layer 2 of 3 of app:1.2 (sha256:9f86d081884c)`.
    pub fn describe(&self) -> String {
        let image = self.image.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
        let digest = self.digest.get(..SHORT).unwrap_or(&self.digest);
        format!("layer {} of {}{image} ({digest})", self.number, self.of)
    }
}

/// Characters of a digest that are shown to a person: as many digits as docker shows.
const SHORT: usize = "sha256:".len() + 12;

/// What the manifests say.
#[derive(Debug, Default)]
pub(super) struct Image {
    layers: BTreeMap<String, Arc<Layer>>,
    /// Bytes that were parsed.
    parsed: usize,
    /// Named, and not there.
    pub missing: Vec<(String, Arc<Layer>)>,
}

impl Image {
    /// The layer that lies in this member or file.
    pub fn layer(&self, name: &[u8]) -> Option<&Arc<Layer>> {
        let name = std::str::from_utf8(name).ok()?;
        self.layers.get(name.strip_prefix("./").unwrap_or(name))
    }

    /// An image in a tar file, by the name of its first member.
    pub fn of_tar(file: &File, first: &[u8]) -> Option<Image> {
        if !is_of_image(first) {
            return None;
        }
        let mut head = [0; unpack::HEAD];
        let read = ranges::read_at(file, &mut head, 0).ok()?;
        let members = match unpack::kind_of(head.get(..read)?) {
            None => Members::read(&mut |place, room| ranges::read_at(file, room, place)),
            Some(kind) => {
                let from_start = BufReader::new(Placed { file, place: 0 });
                let mut stream = Forward { inner: unpack::reader(kind, from_start), place: 0 };
                Members::read(&mut |place, room| stream.read_at(place, room))
            }
        };
        // What is damaged is told by who reads it.
        Image::of(&members.ok()?)
    }

    /// An image in a folder.
    pub fn of_folder(folder: &Path) -> Option<Image> {
        folder.join("oci-layout").is_file().then(|| Image::of(&Folder(folder))).flatten()
    }

    fn of(files: &dyn Files) -> Option<Image> {
        let mut image = Image::default();
        if let Some(Value::Array(manifests)) = image.json("manifest.json", files) {
            manifests.iter().for_each(|manifest| image.docker(manifest, files));
        }
        if let Some(index) = image.json("index.json", files) {
            image.index(&index, files, None, DEPTH);
        }
        (!image.layers.is_empty() || !image.missing.is_empty()).then_some(image)
    }

    /// An entry of `manifest.json`.
    fn docker(&mut self, manifest: &Value, files: &dyn Files) {
        let name = manifest.pointer("/RepoTags/0").and_then(Value::as_str);
        let config = text(manifest, "Config").and_then(|config| self.json(config, files)).unwrap_or_default();
        let paths: Vec<&str> = strings(manifest.get("Layers"));
        let digests: Vec<&str> = strings(config.pointer("/rootfs/diff_ids"));
        for (at, path) in paths.iter().enumerate() {
            let digest = match digest_of(path) {
                Some(digest) => digest,
                None => digests.get(at).map_or_else(String::new, |digest| (*digest).to_owned()),
            };
            self.add((*path).to_owned(), (name, at + 1, paths.len()), &digest, files);
        }
    }

    /// An index, and what it leads to. Manifests that are not there were never in the file: of an image for many machines
    /// mostly one is kept.
    fn index(&mut self, index: &Value, files: &dyn Files, name: Option<&str>, depth: u32) {
        for entry in list(index, "manifests").iter().filter(|_| depth > 0) {
            let named = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];
            let notes = entry.get("annotations");
            let name = named.iter().find_map(|key| text(notes?, key)).or(name);
            let Some(inner) = text(entry, "digest").and_then(blob_of).and_then(|path| self.json(&path, files)) else {
                continue;
            };
            self.index(&inner, files, name, depth - 1);
            let layers = list(&inner, "layers");
            for (at, layer) in layers.iter().enumerate() {
                let Some(digest) = text(layer, "digest") else { continue };
                if let Some(path) = blob_of(digest) {
                    self.add(path, (name, at + 1, layers.len()), digest, files);
                }
            }
        }
    }

    fn json(&mut self, path: &str, files: &dyn Files) -> Option<Value> {
        let text = files.text(path).filter(|_| self.parsed < PARSED)?;
        self.parsed += text.len().max(1024);
        serde_json::from_slice(&text).ok()
    }

    /// Notes a layer. One that several images have is the first one's.
    fn add(
        &mut self,
        path: String,
        (image, number, of): (Option<&str>, usize, usize),
        digest: &str,
        files: &dyn Files,
    ) {
        if self.layers.contains_key(&path) || self.layers.len() >= MEMBERS {
            return;
        }
        let (image, digest) = (image.map(|name| printable(name.as_bytes())), printable(digest.as_bytes()));
        let layer = Arc::new(Layer { image, number, of, digest });
        if !files.has(&path) {
            self.missing.push((path.clone(), layer.clone()));
        }
        self.layers.insert(path, layer);
    }
}

/// Where an image keeps a blob: `sha256:ab...` as `blobs/sha256/ab...`.
fn blob_of(digest: &str) -> Option<String> {
    let (kind, digits) = digest.split_once(':')?;
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (plain(kind) && plain(digits)).then(|| format!("blobs/{kind}/{digits}"))
}

fn digest_of(path: &str) -> Option<String> {
    let (kind, digits) = path.strip_prefix("blobs/")?.split_once('/')?;
    Some(format!("{kind}:{digits}"))
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str()
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn strings(list: Option<&Value>) -> Vec<&str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Whether a member is one that an image starts with.
fn is_of_image(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name);
    let name = name.strip_prefix("./").unwrap_or(&name);
    let first = name.split('/').next().unwrap_or_default();
    let stem = first.strip_suffix(".json").or(first.strip_suffix(".tar.gz")).or(first.strip_suffix(".tar"));
    let hex = stem.unwrap_or(first).trim_start_matches("sha256:");
    matches!(first, "blobs" | "oci-layout" | "index.json" | "manifest.json" | "repositories")
        || hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The folder of the image that a file would be a blob of, and what the image calls that.
pub(super) fn layout_of(path: &Path) -> Option<(&Path, String)> {
    let digits = path.file_name()?.to_str()?;
    let kind = path.parent()?;
    let blobs = kind.parent()?;
    let named = blobs.file_name()? == "blobs" && digits.len() >= 64;
    let name = format!("blobs/{}/{digits}", kind.file_name()?.to_str()?);
    named.then_some((blobs.parent()?, name))
}

/// What a manifest may name.
trait Files {
    fn text(&self, path: &str) -> Option<Cow<'_, [u8]>>;
    fn has(&self, path: &str) -> bool;
}

struct Folder<'f>(&'f Path);

/// A path that leads down only.
fn within(path: &str) -> Option<&Path> {
    let path = Path::new(path);
    path.components().all(|part| matches!(part, Component::Normal(_))).then_some(path)
}

impl Files for Folder<'_> {
    fn text(&self, path: &str) -> Option<Cow<'_, [u8]>> {
        let path = self.0.join(within(path)?);
        let regular = fs::symlink_metadata(&path).is_ok_and(|found| found.is_file() && found.len() <= MANIFEST);
        regular.then(|| fs::read(path).ok()).flatten().map(Cow::Owned)
    }

    fn has(&self, path: &str) -> bool {
        within(path).is_some_and(|path| self.0.join(path).exists())
    }
}

/// The members of a tar file: all names, and what is small and looks like JSON.
#[derive(Default)]
struct Members {
    names: BTreeSet<String>,
    texts: BTreeMap<String, Vec<u8>>,
}

impl Members {
    fn read(read_at: &mut dyn FnMut(u64, &mut [u8]) -> io::Result<usize>) -> io::Result<Members> {
        let (mut members, mut place, mut kept) = (Members::default(), 0, 0);
        while members.names.len() < MEMBERS {
            let mut block = [0; tar::BLOCK];
            fill(read_at, place, &mut block)?;
            let Some(header) = tar::Header::parse(&block) else { break };
            let content = place + tar::BLOCK as u64;
            let size = header.content();
            let name = String::from_utf8_lossy(&header.name).into_owned();
            let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
            if (1..=MANIFEST.min(MANIFESTS - kept)).contains(&size) {
                let mut first = [0];
                fill(read_at, content, &mut first)?;
                if matches!(first, [b'{' | b'[']) {
                    let mut text = vec![0; usize::try_from(size).unwrap_or_default()];
                    let (start, rest) = text.split_at_mut(1);
                    start.copy_from_slice(&first);
                    fill(read_at, content + 1, rest)?;
                    kept += size;
                    members.texts.insert(name.clone(), text);
                }
            }
            members.names.insert(name);
            place = content.saturating_add(size).saturating_add(tar::padding(size));
        }
        Ok(members)
    }
}

impl Files for Members {
    fn text(&self, path: &str) -> Option<Cow<'_, [u8]>> {
        self.texts.get(path).map(|text| Cow::Borrowed(text.as_slice()))
    }

    fn has(&self, path: &str) -> bool {
        self.names.contains(path)
    }
}

/// Fills `room` from `place` on.
fn fill(read_at: &mut dyn FnMut(u64, &mut [u8]) -> io::Result<usize>, place: u64, room: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    while filled < room.len() {
        match read_at(place + filled as u64, room.get_mut(filled..).unwrap_or_default())? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => filled += read,
        }
    }
    Ok(())
}

/// A file read from its start, without moving anybody's place in it.
struct Placed<'f> {
    file: &'f File,
    place: u64,
}

impl Read for Placed<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = ranges::read_at(self.file, room, self.place)?;
        self.place += read as u64;
        Ok(read)
    }
}

/// A stream of which places are asked for in their order.
struct Forward<R> {
    inner: R,
    place: u64,
}

impl<R: Read> Forward<R> {
    fn read_at(&mut self, place: u64, room: &mut [u8]) -> io::Result<usize> {
        let between = place.saturating_sub(self.place);
        self.place += io::copy(&mut (&mut self.inner).take(between), &mut io::sink())?;
        let read = if self.place == place { self.inner.read(room)? } else { 0 };
        self.place += read as u64;
        Ok(read)
    }
}
