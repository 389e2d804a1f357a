//! `stanch scan`.

use super::scanning::{self, Options};
use super::{Console, Error, Exit, Globals};
use stanch::source::files::Files;
use std::path::{Path, PathBuf};

/// What `stanch scan` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files and folders; - is standard input
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Read also what .gitignore names
    #[arg(long)]
    no_ignore: bool,
    #[command(flatten)]
    options: Options,
}

/// Runs the verb.
pub fn run(args: &Args, globals: &Globals, console: &Console) -> Result<Exit, Error> {
    let source = Files::new(&args.paths, args.no_ignore || globals.no_config)?;
    scanning::run(Box::new(source), start(&args.paths), &args.options, globals, console)
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
