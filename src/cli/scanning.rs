//! What the scanning verbs share: their options, and the way from a source to a report and an exit code.

use super::{Console, Error, Exit, Globals};
use jiff::Timestamp;
use stanch::catalog;
use stanch::config::{self, Origin, Settings};
use stanch::detect::{Baseline, Confidence, Detector, Finding};
use stanch::file::{self, Readers};
use stanch::http::client::Client;
use stanch::provider::Registry;
use stanch::report::{self, Format, Report, Tool};
use stanch::rule::RuleSet;
use stanch::scan::{self, Engine, Limit, Scan};
use stanch::secret::FingerprintKey;
use stanch::source::Source;
use stanch::text::size;
use stanch::text::terminal::printable;
use stanch::validate::{self, Judged};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What every scanning verb takes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Options {
    /// How to write the report
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = format_parser())]
    pub format: String,
    /// Write the report to FILE instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Show the secrets themselves: on a terminal, or in --output FILE (then readable by you alone)
    #[arg(long)]
    pub reveal: bool,
    /// Show also what was not reported, and why
    #[arg(long)]
    pub explain: bool,
    /// Ask the providers whether what was found still lives (goes online)
    #[arg(long)]
    pub validate: bool,
    /// Report also what the baseline holds
    #[arg(long)]
    pub no_baseline: bool,
    /// Write what is found to FILE as a baseline
    #[arg(long, value_name = "FILE")]
    pub write_baseline: Option<PathBuf>,
    /// Lay the rules of DIR over the built-in ones (may be repeated)
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    /// Report findings of this confidence and more; the others are counted
    #[arg(long, value_name = "LEVEL", default_value = "medium", value_parser = ["low", "medium", "high"])]
    pub min_confidence: String,
    /// Threads that look at files [default: one for each core]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub threads: usize,
    /// Memory for what is read and not yet looked at: 512MB, 2GiB
    #[arg(long, value_name = "SIZE", default_value = "512MB", value_parser = memory)]
    pub max_memory: usize,
    /// How a whole history is read.
    #[arg(skip)]
    pub engine: Engine,
    /// Since when what lies in logs is told.
    #[arg(skip)]
    pub since: Option<Timestamp>,
    /// When to end, whatever is left.
    #[arg(skip)]
    pub limit: Option<Arc<Limit>>,
}

/// At least what one part of a big file takes.
const LEAST_MEMORY: usize = 16_000_000;

fn memory(text: &str) -> Result<usize, String> {
    let bytes = size::parse(text).and_then(|bytes| usize::try_from(bytes).ok());
    bytes
        .filter(|bytes| *bytes >= LEAST_MEMORY)
        .ok_or_else(|| "a size is written 512MB or 2GiB, and is at least 16MB".into())
}

fn format_parser() -> clap::builder::PossibleValuesParser {
    report::FORMATS.iter().map(|(name, _)| *name).collect::<Vec<_>>().into()
}

/// Scans and reports; the configuration is looked for upward from `start`.
pub fn run(
    source: Box<dyn Source>,
    start: &Path,
    options: &Options,
    globals: &Globals,
    console: &Console,
) -> Result<Exit, Error> {
    make_ready(options, &[], console)?;
    let report = report(source, start, options, globals, console)?;
    write(&report, options, console)?;
    Ok(exit(&report))
}

/// What would fail behind a scan fails before it: files that cannot be written (also those of `others`), and secrets that
/// would go into a pipe or a log, not to a terminal or into a file.
pub fn make_ready(options: &Options, others: &[&Path], console: &Console) -> Result<(), Error> {
    if options.reveal && options.output.is_none() && !console.shows() {
        return Err(Error::new("show secrets: standard output is not a terminal").hint("name a file: --output FILE"));
    }
    let named = [&options.output, &options.write_baseline].into_iter().filter_map(Option::as_deref);
    for path in named.chain(others.iter().copied()) {
        file::try_to_save(path).map_err(|error| unwritten(path, &error))?;
    }
    Ok(())
}

fn unwritten(path: &Path, error: &io::Error) -> Error {
    Error::new(format!("write {}: {error}", printable(path.as_os_str().as_encoded_bytes())))
}

/// Writes a report into a file; one with secrets in it is for its owner alone.
pub fn save(path: &Path, bytes: &[u8], secret: bool) -> Result<(), Error> {
    let readers = if secret { Readers::Owner } else { Readers::All };
    file::save(path, bytes, readers).map_err(|error| unwritten(path, &error))
}

/// How a verb ends that made this report.
pub fn exit(report: &Report) -> Exit {
    match (report.findings.is_empty(), report.complete) {
        (false, _) => Exit::Findings,
        (true, false) => Exit::Incomplete,
        (true, true) => Exit::Done,
    }
}

/// Settings, rules, scan, and when asked for verdicts: all that there is to say.
pub fn report(
    source: Box<dyn Source>,
    start: &Path,
    options: &Options,
    globals: &Globals,
    console: &Console,
) -> Result<Report, Error> {
    let Eyes { settings, detector, how, .. } = eyes(start, options, globals)?;
    let at = how.at;
    let scanned = {
        let bar = console.progress(&source.describe());
        scan::scan(source, &detector, &how, &bar)?
    };
    let Scan { asked, findings, dropped, mut notes, skipped, accounting, complete } = scanned;
    if options.validate && settings.withholds_providers() {
        notes.push(
            "the providers section of a stanch.yaml that was not named with --config is not used to ask providers"
                .into(),
        );
    }
    let findings = judge(findings, &settings, options)?;
    Ok(Report { tool: Tool::this(), asked, at, findings, skipped, dropped, accounting, complete, notes })
}

/// What looks, and how.
pub struct Eyes {
    /// The settings in force.
    pub settings: Settings,
    /// What fingerprints are made with.
    pub key: Arc<FingerprintKey>,
    /// Who looks.
    pub detector: Detector,
    /// How, from now on.
    pub how: scan::Options,
}

/// Settings, rules, what is known already.
pub fn eyes(start: &Path, options: &Options, globals: &Globals) -> Result<Eyes, Error> {
    let settings = settings(start, globals)?;
    let folders = folders(&settings, options)?;
    let rules = Arc::new(RuleSet::load(&folders)?);
    let key = Arc::new(settings.fingerprint_key()?);
    let detector = match options.engine {
        Engine::Delta => Detector::new(rules, Arc::clone(&key)),
        Engine::Full => Detector::plain(rules, Arc::clone(&key)),
    };
    let how = scan::Options {
        threads: options.threads,
        engine: options.engine,
        memory: options.max_memory,
        least: least(&options.min_confidence),
        allow: settings.allow.clone(),
        baseline: baseline(&settings, options)?,
        at: Timestamp::now(),
        since: options.since,
        limit: options.limit.clone(),
    };
    Ok(Eyes { settings, key, detector, how })
}

/// The settings in force; none with `--no-config`.
pub fn settings(start: &Path, globals: &Globals) -> Result<Settings, config::Error> {
    match globals.no_config {
        true => Ok(Settings::none()),
        false => config::load(globals.config.as_deref(), start),
    }
}

/// The folders of rules that lie over the built-in ones.
fn folders(settings: &Settings, options: &Options) -> Result<Vec<Vec<catalog::File>>, catalog::Error> {
    settings.rules.iter().chain(&options.rules).map(|path| catalog::folder(path)).collect()
}

/// What names the rules in force.
pub fn digest(start: &Path, options: &Options, globals: &Globals) -> Result<String, Error> {
    Ok(catalog::digest(&folders(&settings(start, globals)?, options)?))
}

fn least(name: &str) -> Confidence {
    match name {
        "low" => Confidence::Low,
        "high" => Confidence::High,
        _ => Confidence::Medium,
    }
}

fn baseline(settings: &Settings, options: &Options) -> Result<Baseline, Error> {
    let read = !options.no_baseline && options.write_baseline.is_none();
    match settings.baseline.as_deref().filter(|_| read) {
        Some(path) => Baseline::load(path)
            .map_err(|error| Error::from(error).hint("--write-baseline FILE makes one, --no-baseline goes without it")),
        None => Ok(Baseline::default()),
    }
}

/// Asks the providers when that was asked for. Who answers for a provider is said by the built-in files, and by those
/// that a person named: never by a configuration that was merely found.
fn judge(findings: Vec<Finding>, settings: &Settings, options: &Options) -> Result<Vec<Judged>, Error> {
    if !options.validate || findings.is_empty() {
        return Ok(findings.into_iter().map(Judged::unasked).collect());
    }
    let mut files = catalog::builtin();
    let configured = settings.rules.iter().filter(|_| matches!(settings.origin, Origin::Named(_)));
    for path in configured.chain(&options.rules) {
        files.extend(catalog::folder(path)?);
    }
    let registry = Registry::load(&files, settings.providers_to_ask(), Arc::new(Client::new()))?;
    Ok(validate::validate(findings, &registry, &validate::Options::default()))
}

/// In which form, and how.
pub fn form(options: &Options, console: &Console) -> (Format, report::Options) {
    let (_, format) =
        report::FORMATS.iter().find(|(name, _)| *name == options.format).unwrap_or(&("text", Format::Text));
    let look = report::Options {
        reveal: options.reveal,
        width: console.width().filter(|_| options.output.is_none()).unwrap_or(report::Options::default().width),
        color: options.output.is_none() && console.paints(),
        explain: options.explain,
    };
    (*format, look)
}

/// Writes the report where it is wanted, a baseline when one is, and a line for the person when that is not the terminal.
pub fn write(report: &Report, options: &Options, console: &Console) -> Result<(), Error> {
    if let Some(path) = &options.write_baseline {
        let known = report.findings.iter().map(|judged| judged.finding.fingerprint).collect();
        Baseline(known).save(path)?;
        console.say(&format!("stanch: wrote a baseline of {} to {}", count(report.findings.len()), path.display()));
    }
    let (format, look) = form(options, console);
    let bytes = report::write(report, format, &look);
    match &options.output {
        None => console.out(&bytes)?,
        Some(path) => save(path, &bytes, options.reveal)?,
    }
    if options.output.is_some() || format != Format::Text {
        console.say(&summary(report));
    }
    Ok(())
}

/// One line: what was found, and whether that is all.
fn summary(report: &Report) -> String {
    let missing = report.skipped.iter().filter(|one| one.asked).count();
    let rest = if report.complete { String::new() } else { format!("; incomplete: {missing} could not be read") };
    format!("stanch: {} in {}{rest}", count(report.findings.len()), report.asked)
}

/// `1 finding`, `2 findings`.
pub fn count(findings: usize) -> String {
    if findings == 1 { "1 finding".into() } else { format!("{findings} findings") }
}
