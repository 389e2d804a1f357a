//! `stanch incident`: what became of each leak, and what a person does about it.

use super::respond::show::{self, Format};
use super::respond::{PATIENCE, Progress, explain, secret_on_stdin};
use super::responding::{self, Workshop};
use super::{Console, Error, Exit, Globals};
use jiff::Timestamp;
use serde_json::{Value, json};
use stanch::incident::{self, PostMortem, Story};
use stanch::ledger::{self, Incident, IncidentId, Ledger, Status, chain};
use stanch::report::postmortem;
use stanch::respond::{self, Responder};
use stanch::text::terminal::ellipsis;

/// What `stanch incident` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    #[command(flatten)]
    Look(Look),
    #[command(flatten)]
    Act(Act),
}

/// The verbs that need nothing but the ledger.
#[derive(Debug, clap::Subcommand)]
enum Look {
    /// List the incidents that are not closed
    List {
        /// Also the closed ones
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        how: How,
    },
    /// Show where an incident stands, and all that happened
    Show {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        how: How,
    },
    /// Write an incident's post-mortem to standard output
    Postmortem {
        #[command(flatten)]
        which: Which,
        /// How to write it
        #[arg(long, value_name = "FORMAT", default_value = "markdown")]
        format: Form,
    },
    /// Check that no event of an incident (or of any) was changed, removed or put in later
    Verify {
        /// The incident's id, or how it starts [default: all]
        id: Option<String>,
        #[command(flatten)]
        how: How,
    },
}

/// The verbs that act on the world.
#[derive(Debug, clap::Subcommand)]
enum Act {
    /// Go on with an incident: after a crash, a wait, or what a person had to do
    Resume {
        /// The incident's id, or how it starts
        #[arg(required_unless_present = "due", conflicts_with = "due")]
        id: Option<String>,
        /// Take in the key that was made by hand, from standard input
        #[arg(long, value_name = "-", value_parser = ["-"], conflicts_with = "due")]
        new_secret: Option<String>,
        /// Go on with every incident that is due
        #[arg(long)]
        due: bool,
        #[command(flatten)]
        how: How,
    },
    /// Take everything back and close an incident; the leaked key stays as it was
    Abort {
        #[command(flatten)]
        which: Which,
        /// Why, for the record
        #[arg(long, default_value = "no reason given")]
        reason: String,
        #[command(flatten)]
        how: How,
    },
    /// Approve a plan that waits for it
    Approve {
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The incident's id, or how it starts
    id: String,
}

#[derive(Debug, clap::Args)]
struct How {
    /// How to write the result
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// The two forms of a post-mortem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people
    Markdown,
    /// For programs
    Json,
}

/// Runs the verb.
pub fn run(args: &Args, globals: &Globals, console: &Console) -> Result<Exit, Error> {
    match &args.verb {
        Verb::Look(verb) => look(verb, &*responding::ledger(&responding::settings(globals)?)?, console),
        Verb::Act(verb) => act(verb, &Workshop::open(globals, PATIENCE)?.responder, console),
    }
}

fn look(verb: &Look, ledger: &dyn Ledger, console: &Console) -> Result<Exit, Error> {
    match verb {
        Look::Show { which, how } => show(ledger, &which.id, how.format, console),
        Look::Postmortem { which, format } => tell(ledger, &which.id, *format, console),
        Look::Verify { id, how } => verify(ledger, id.as_deref(), how.format, console),
        Look::List { all, how } => list(ledger, *all, how.format, console),
    }
}

fn act(verb: &Act, responder: &Responder, console: &Console) -> Result<Exit, Error> {
    let id = |prefix: &str| find(&*responder.ledger, prefix).map(|found| found.id);
    let (by, mut progress) = (responding::person(), Progress::new(console));
    match verb {
        Act::Resume { due: true, how, .. } => due(responder, how.format, console),
        Act::Resume { id: prefix, new_secret, how, .. } => {
            let id = id(prefix.as_deref().unwrap_or_default())?;
            let secret = new_secret.as_ref().map(|_| secret_on_stdin()).transpose()?;
            let ended = responder.resume(&id, &by, secret, &mut progress).map_err(explain)?;
            show::ended(responder, &id, &ended, how.format, console)
        }
        Act::Abort { which, reason, how } => {
            let id = id(&which.id)?;
            let ended = responder.abort(&id, &by, reason, &mut progress).map_err(explain)?;
            show::ended(responder, &id, &ended, how.format, console)
        }
        Act::Approve { which } => approve(responder, id(&which.id)?, &by, console),
    }
}

fn find(ledger: &dyn Ledger, prefix: &str) -> Result<Incident, Error> {
    ledger.incident(prefix).map_err(|error| match error {
        ledger::Error::NoIncident(_) => Error::from(error).hint("stanch incident list --all shows them"),
        ledger::Error::ManyIncidents { .. } => Error::from(error).hint("give more of the id"),
        error => Error::from(error),
    })
}

fn list(ledger: &dyn Ledger, all: bool, format: Format, console: &Console) -> Result<Exit, Error> {
    let incidents: Vec<Incident> = ledger.incidents()?;
    let shown: Vec<&Incident> = incidents.iter().filter(|one| all || one.status != Status::Closed).collect();
    if format == Format::Json {
        console.out(show::pretty(&json!({ "incidents": shown })).as_bytes())?;
        return Ok(Exit::Done);
    }
    if shown.is_empty() {
        let closed = incidents.len();
        let more = if closed > 0 { format!(" ({closed} closed; --all shows them)") } else { String::new() };
        console.say(&format!("No incident is open.{more}"));
        return Ok(Exit::Done);
    }
    let title = show::columns(console).saturating_sub(61).max(12);
    let mut text = format!("{:<21} {:<10} {:<17} {:<9} CREDENTIAL\n", "INCIDENT", "STATUS", "OPENED (UTC)", "AGE");
    for one in shown {
        let opened = one.opened.strftime("%Y-%m-%d %H:%M").to_string();
        let what = ellipsis(&one.title, title);
        text.push_str(&format!(
            "{:<21} {:<10} {opened:<17} {:<9} {what}\n",
            one.id.0,
            one.status.as_str(),
            age(one.opened)
        ));
    }
    console.out(text.as_bytes())?;
    Ok(Exit::Done)
}

/// `12 min`, `3 h`, `4 d`.
fn age(since: Timestamp) -> String {
    let seconds = Timestamp::now().duration_since(since).unsigned_abs().as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn show(ledger: &dyn Ledger, prefix: &str, format: Format, console: &Console) -> Result<Exit, Error> {
    let found = find(ledger, prefix)?;
    let entries = incident::read(ledger.events(&found.id)?)?;
    let (story, told) = (Story::read(&entries)?, PostMortem::tell(&found.id.0, &found.title, &entries)?);
    if format == Format::Json {
        let object = json!({ "incident": found, "told": told });
        console.out(show::pretty(&object).as_bytes())?;
        return Ok(Exit::Done);
    }
    let mut text = show::Text { out: String::new(), width: show::columns(console) };
    text.line(&format!("{}  {}  {}", found.id, found.status.as_str(), found.title));
    let refused =
        if told.old_key_refused { "the old value is proven to be refused" } else { "the old value may still work" };
    text.wrapped("", "", &format!("{} · severity {} · {refused}", story.opened.redacted, told.severity));
    text.line("");
    for line in &told.timeline {
        let time = line.at.strftime("%m-%d %H:%M:%S");
        text.wrapped(&format!("  {time}  "), "                  ", &line.what);
    }
    if let Some(stuck) = story.run.stuck() {
        text.line("");
        text.wrapped("", "", &format!("A person is needed: {}.", stuck.why));
        text.wrapped("  ", "  ", &stuck.instructions);
    }
    if let Some(debt) = ledger.debts(None)?.into_iter().find(|debt| debt.incident == found.id) {
        text.line("");
        text.wrapped("", "", &format!("Owed from {} on: {}.", show::time(debt.due), debt.what));
    }
    console.out(text.out.as_bytes())?;
    Ok(Exit::Done)
}

fn tell(ledger: &dyn Ledger, prefix: &str, form: Form, console: &Console) -> Result<Exit, Error> {
    let found = find(ledger, prefix)?;
    let kept = ledger.postmortem(&found.id)?.filter(|_| found.status == Status::Closed);
    let (markdown, json) = match kept {
        Some(kept) => kept,
        None => {
            let entries = incident::read(ledger.events(&found.id)?)?;
            let told = PostMortem::tell(&found.id.0, &found.title, &entries)?;
            (postmortem::markdown(&told), postmortem::json(&told))
        }
    };
    console.out(if form == Form::Markdown { markdown.as_bytes() } else { json.as_bytes() })?;
    Ok(Exit::Done)
}

fn verify(ledger: &dyn Ledger, prefix: Option<&str>, format: Format, console: &Console) -> Result<Exit, Error> {
    let incidents = match prefix {
        Some(prefix) => vec![find(ledger, prefix)?],
        None => ledger.incidents()?,
    };
    let mut checked = Vec::new();
    for one in &incidents {
        let entries = ledger.events(&one.id)?;
        let head = chain::verify(&one.id, &entries).map_err(|broken| tampered(&one.id, &broken.to_string()))?;
        if let Some((_, kept)) = ledger.postmortem(&one.id)?.filter(|(_, kept)| !ends_at(kept, &entries)) {
            let event =
                serde_json::from_str::<Value>(&kept).ok().and_then(|kept| kept.pointer("/chain/event")?.as_u64());
            let why = format!("the post-mortem ends with event {}, which is gone or another", event.unwrap_or(0));
            return Err(tampered(&one.id, &why));
        }
        checked.push(json!({ "incident": one.id, "events": entries.len(), "head": head }));
        if format == Format::Text {
            let head: String = head.chars().take(16).collect();
            console.out(format!("{}  {} events, unbroken, head {head}…\n", one.id, entries.len()).as_bytes())?;
        }
    }
    if format == Format::Json {
        console.out(show::pretty(&json!({ "verified": checked })).as_bytes())?;
    }
    Ok(Exit::Done)
}

fn tampered(id: &IncidentId, why: &str) -> Error {
    Error::new(format!("verify {id}: {why}"))
        .hint("something other than stanch changed the ledger; compare it with a backup and with postmortems/")
}

/// Whether the event that a post-mortem names as the last it saw is still there: a chain cannot miss its own end.
fn ends_at(postmortem: &str, entries: &[ledger::Entry]) -> bool {
    let Ok(told) = serde_json::from_str::<Value>(postmortem) else { return false };
    let (event, hash) = (told.pointer("/chain/event"), told.pointer("/chain/hash"));
    let (event, hash) = (event.and_then(Value::as_u64), hash.and_then(Value::as_str));
    entries.iter().any(|entry| Some(entry.seq) == event && Some(entry.hash.as_str()) == hash)
}

fn approve(responder: &Responder, id: IncidentId, by: &str, console: &Console) -> Result<Exit, Error> {
    responder.approve(&id, by).map_err(explain)?;
    console.say(&format!("Approved. A running `stanch serve` goes on with {id}; without one:"));
    show::next(console, &id, "", "resume");
    Ok(Exit::Done)
}

/// Goes on with each that is due; one that is not ours to act on now is left for the next time.
fn due(responder: &Responder, format: Format, console: &Console) -> Result<Exit, Error> {
    let (mut exit, due) = (Exit::Done, responder.due()?);
    if due.is_empty() {
        console.say("Nothing is due.");
    }
    for id in due {
        console.say(&format!("{id}:"));
        let ended = match responder.run(&id, &mut Progress::new(console)) {
            Err(respond::Error::Ledger(busy @ ledger::Error::Leased { .. })) => {
                console.say(&format!("  left for later: failed to {busy}"));
                continue;
            }
            ended => ended.map_err(explain)?,
        };
        if show::ended(responder, &id, &ended, format, console)? != Exit::Done {
            exit = Exit::Person;
        }
    }
    Ok(exit)
}
