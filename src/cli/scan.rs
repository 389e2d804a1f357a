//! `stanch scan`.

use super::scanning::{self, Options};
use super::{Console, Error, Exit, Globals};
use stanch::source::archive::Limits;
use stanch::source::files::Files;
use stanch::text::size;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What `stanch scan` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files and folders; - is standard input [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Read also the files that FILE lists (- is standard input), one a line, or with NULs between when it has any
    #[arg(long, value_name = "FILE")]
    files_from: Option<PathBuf>,
    /// What --files-from lists has NULs between, also when it has none
    #[arg(long, short = '0', requires = "files_from")]
    null: bool,
    /// Read also what .gitignore names
    #[arg(long)]
    no_ignore: bool,
    #[command(flatten)]
    archives: Archives,
    #[command(flatten)]
    options: Options,
}

/// How archives are opened.
#[derive(Debug, clap::Args)]
struct Archives {
    /// Read archives, packed files and images of containers as they are, instead of what is in them
    #[arg(long)]
    no_archives: bool,
    /// Open archives and packed files within one another up to N deep
    #[arg(long, value_name = "N", default_value_t = Limits::default().depth)]
    archive_depth: u32,
    /// Unpack at most SIZE of one file, all that is unpacked on the way counted
    #[arg(long, value_name = "SIZE", default_value = "64GiB", value_parser = bytes)]
    archive_size: u64,
    /// Unpack at most N times the bytes of one file (256 MiB are free)
    #[arg(long, value_name = "N", default_value_t = Limits::default().ratio)]
    archive_ratio: u64,
}

impl Archives {
    fn limits(&self) -> Option<Limits> {
        let Archives { no_archives, archive_depth: depth, archive_size: size, archive_ratio: ratio } = *self;
        (!no_archives).then_some(Limits { depth, size, ratio })
    }
}

fn bytes(text: &str) -> Result<u64, String> {
    size::parse(text).ok_or_else(|| "a size is written 512MB or 2GiB".into())
}

/// Runs the verb.
pub fn run(args: &Args, globals: &Globals, console: &Console) -> Result<Exit, Error> {
    let here = [PathBuf::from(".")];
    // An empty list is nothing to read; it does not mean here.
    let paths = if args.paths.is_empty() && args.files_from.is_none() { &here } else { args.paths.as_slice() };
    let mut source = Files::new(paths, args.no_ignore || globals.no_config)?.archives(args.archives.limits());
    if let Some(list) = &args.files_from {
        source = source.and(listed(list, args.null)?);
    }
    scanning::run(Box::new(source), start(paths), &args.options, globals, console)
}

/// The paths that a list names, byte for byte.
fn listed(list: &Path, null: bool) -> Result<Vec<PathBuf>, Error> {
    let mut bytes = Vec::new();
    let read = match list.as_os_str() == "-" {
        true => io::stdin().lock().read_to_end(&mut bytes),
        false => File::open(list).and_then(|mut file| file.read_to_end(&mut bytes)),
    };
    read.map_err(|error| Error::new(format!("read the list {}: {error}", list.display())))?;
    let between = if null || bytes.contains(&0) { 0 } else { b'\n' };
    let names = bytes.split(|byte| *byte == between).filter(|name| !name.is_empty());
    Ok(names.map(path).collect())
}

#[cfg(unix)]
fn path(name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(name))
}

#[cfg(not(unix))]
fn path(name: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(name).into_owned())
}

/// Where the configuration is looked for: at the one path that was named, else here.
fn start(paths: &[PathBuf]) -> &Path {
    match paths {
        [path] if path.is_dir() => path,
        [path] if path.is_file() => {
            path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
        }
        _ => Path::new("."),
    }
}
