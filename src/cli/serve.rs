//! `stanch serve`: webhooks come in, and end in rotated keys.

use super::responding::Workshop;
use super::{Console, Error, Exit, Globals};
use crate::server::{self, Desk, Ground};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Longest wait that a worker sleeps through; a longer one becomes a debt, which is paid when it is due.
const PATIENCE: Duration = Duration::from_secs(10);

/// What `stanch serve` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Doors: POST /github (webhooks: secret_scanning_alert, push), POST /github/partner (the secret \
    scanning partner programme), GET /healthz."
)]
pub struct Args {
    /// Where to listen, instead of what stanch.yaml says; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

/// Runs the verb.
pub fn run(args: &Args, globals: &Globals, console: &Console) -> Result<Exit, Error> {
    let Workshop { settings, responder, detector, ledger, transport, key } = Workshop::open(globals, PATIENCE)?;
    let listen = address(args.listen, settings.serve.listen, console)?;
    if settings.serve.github.is_none() && settings.serve.partner.is_none() {
        let hint = "Say in stanch.yaml under `serve` which doors are wanted: `github`, `partner`.";
        return Err(Error::new("serve: no door is configured").hint(hint));
    }
    let secret = settings.serve.github.as_ref().map(|github| github.secret.read()).transpose()?;
    let desk = Desk {
        responder,
        responses: settings.responses.clone(),
        github: settings.serve.github.clone(),
        transport: Arc::clone(&transport),
        mirrors: settings.serve.mirrors.clone(),
        detector,
        allow: settings.allow.clone(),
        resting: Mutex::default(),
    };
    let ground = Ground { ledger, transport, key, secret };
    server::serve(listen, &settings.serve, ground, Arc::new(desk), |address| announce(console, address))?;
    console.say("stanch: stopped; what was not finished is in the ledger and goes on at the next start");
    Ok(Exit::Done)
}

/// Loopback, unless somebody said otherwise on the command line: then they are told what that means.
fn address(asked: Option<SocketAddr>, configured: SocketAddr, console: &Console) -> Result<SocketAddr, Error> {
    let listen = asked.unwrap_or(configured);
    if !listen.ip().is_loopback() {
        if asked.is_none() {
            return Err(Error::new(format!("serve on {listen}: it is no loopback address")).hint(format!(
                "Put a proxy with TLS in front of it, or say it on the command line: --listen {listen}"
            )));
        }
        console.warn(&format!("{listen} can be reached from outside, and there is no TLS: put a proxy in front of it"));
    }
    Ok(listen)
}

fn announce(console: &Console, address: SocketAddr) {
    let url = format!("http://{address}");
    console.say(&format!("stanch: listening on {url}"));
    // For a script that asked for a free port; a reader that is gone does not stop the server.
    let _ = console.out(format!("{}\n", json!({ "listening": url })).as_bytes());
}
