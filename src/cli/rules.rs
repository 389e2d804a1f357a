//! `stanch rules`.

mod cost;

use super::{Console, Error, Exit, Globals};
use clap::{Subcommand, ValueEnum};
use serde_json::json;
use stanch::catalog::{self, File};
use stanch::config;
use stanch::detect::{Detector, examples};
use stanch::rule::options::{self, Example};
use stanch::rule::{Rule, RuleSet};
use stanch::secret::FingerprintKey;
use stanch::yaml::Diagnostics;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What `stanch rules` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the rules in force
    List {
        /// Folders or files of rules to lay over those of the configuration
        #[arg(long = "rules", value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// How to write them
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Show all of one rule
    Show {
        /// Its id, as `stanch rules list` shows it
        id: String,
        /// Folders or files of rules to lay over those of the configuration
        #[arg(long = "rules", value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Show what each rule costs: how often it is led to a place, and how many it tries
    Cost {
        /// A folder or file to count in; else the text of the built-in rules
        path: Option<PathBuf>,
        /// Folders or files of rules to lay over those of the configuration
        #[arg(long = "rules", value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// How to write it
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Run the examples of every rule through the whole detector
    Test {
        /// Folders or files of rules to lay over those of the configuration
        paths: Vec<PathBuf>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Runs the verb.
pub fn run(args: &Args, globals: &Globals, console: &Console) -> Result<Exit, Error> {
    match &args.verb {
        Verb::List { paths, format } => list(&load(&folders(globals, paths)?)?, *format, console),
        Verb::Show { id, paths } => show(&folders(globals, paths)?, id, console),
        Verb::Cost { path, paths, format } => {
            cost::cost(&load(&folders(globals, paths)?)?, path.as_deref(), *format, console)
        }
        Verb::Test { paths } => test(&folders(globals, paths)?, console),
    }
}

/// The files of the configuration's folders of rules and of `paths`, to be laid over the built-in ones in this order.
pub fn folders(globals: &Globals, paths: &[PathBuf]) -> Result<Vec<Vec<File>>, Error> {
    let configured = match globals.no_config {
        true => Vec::new(),
        false => config::load(globals.config.as_deref(), Path::new("."))?.rules,
    };
    let files = |path: &PathBuf| Ok(catalog::folder(path)?);
    configured.iter().chain(paths).map(files).collect()
}

/// The rules in force: the built-in ones with `folders` laid over them.
pub fn load(folders: &[Vec<File>]) -> Result<RuleSet, Error> {
    RuleSet::load(folders).map_err(written)
}

fn written(mistakes: Diagnostics) -> Error {
    Error::new(format!("read the rules:\n{mistakes}"))
}

fn list(rules: &RuleSet, format: Format, console: &Console) -> Result<Exit, Error> {
    let rules = rules.rules();
    let text = match format {
        Format::Json => serde_json::to_string_pretty(&rules.iter().map(as_json).collect::<Vec<_>>())? + "\n",
        Format::Text => {
            let width = rules.iter().map(|rule| rule.id.len()).max().unwrap_or_default();
            let line =
                |rule: &Arc<Rule>| format!("{:width$}  {:6}  {}\n", rule.id, rule.confidence.label(), rule.description);
            rules.iter().map(line).collect()
        }
    };
    console.out(text.as_bytes())?;
    console.say(&format!("{} rules", rules.len()));
    Ok(Exit::Done)
}

fn as_json(rule: &Arc<Rule>) -> serde_json::Value {
    json!({
        "id": rule.id,
        "provider": rule.provider,
        "title": rule.title,
        "description": rule.description,
        "confidence": rule.confidence,
        "checksum": rule.checksum.map(|checksum| checksum.name()),
        "tags": rule.tags,
        "file": rule.file,
    })
}

fn show(folders: &[Vec<File>], id: &str, console: &Console) -> Result<Exit, Error> {
    let rules = load(folders)?;
    let rule = rules.get(id).ok_or_else(|| {
        Error::new(format!("show the rule {id}: there is none of that name"))
            .hint("`stanch rules list` shows the names of all rules")
    })?;
    let mut files = catalog::builtin().into_iter().chain(folders.iter().flatten().cloned());
    // Of two files of one name the later lies over the earlier.
    let document = files.rfind(|file| file.name == rule.file).map(|file| file.parse()).transpose();
    let document = document.map_err(written)?;
    let examples = document.as_ref().map(options::examples).unwrap_or_default();
    console.out(as_text(rule, &examples).as_bytes())?;
    Ok(Exit::Done)
}

/// All of a rule, a line each, with those of `examples` that are its own.
fn as_text(rule: &Rule, examples: &[Example<'_>]) -> String {
    let mut text = format!("{}\n", rule.id);
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            // A String takes all that is written to it.
            let _ = writeln!(text, "  {name:11} {value}");
        }
    };
    line("finds", rule.description.clone());
    line("provider", rule.provider.as_ref().map(|id| format!("{} ({id})", rule.title)).unwrap_or_default());
    line("file", rule.file.clone());
    line("confidence", rule.confidence.label().to_owned());
    line("keywords", rule.keywords.join(", "));
    line("pattern", rule.pattern.source().to_owned());
    line("at most", format!("{} bytes", rule.pattern.longest()));
    line("entropy", rule.entropy.map(|bits| format!("at least {bits} bits a byte")).unwrap_or_default());
    line("checksum", rule.checksum.map(|checksum| checksum.name().to_owned()).unwrap_or_default());
    for need in &rule.needs {
        let word = if need.required { "needs" } else { "takes" };
        line(word, format!("{} at most {} lines away: {}", need.part, need.lines, need.pattern.source()));
    }
    for pattern in &rule.allow.values {
        line("allows", pattern.source().to_owned());
    }
    for pattern in &rule.allow.paths {
        line("allows in", pattern.source().to_owned());
    }
    line("tags", rule.tags.join(", "));
    for example in examples.iter().filter(|example| example.rule == rule.id) {
        line(if example.matches { "match" } else { "no match" }, one_line(example.recipe));
    }
    text
}

fn one_line(text: &str) -> String {
    stanch::text::terminal::printable(text.as_bytes())
}

fn test(folders: &[Vec<File>], console: &Console) -> Result<Exit, Error> {
    let rules = load(folders)?;
    let count = rules.rules().len();
    let detector = Detector::new(Arc::new(rules), Arc::new(FingerprintKey::public()));
    let ours: Vec<File> = folders.iter().flatten().cloned().collect();
    let replaced = |file: &File| ours.iter().any(|our| our.name == file.name);
    let mut files = catalog::builtin();
    files.retain(|file| !replaced(file));
    files.extend(ours.iter().cloned());
    let outcome = examples::run(&files, &detector).map_err(written)?;
    match outcome.failed.len() {
        0 => {
            console.out(format!("{count} rules, {} examples: all hold\n", outcome.run).as_bytes())?;
            Ok(Exit::Done)
        }
        failed => {
            console.out(format!("{}\n", Diagnostics(outcome.failed)).as_bytes())?;
            Err(Error::new(format!("pass the tests of the rules: {failed} of {} examples do not hold", outcome.run)))
        }
    }
}
