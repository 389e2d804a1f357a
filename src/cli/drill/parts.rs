//! The drill's parts, each of which can be started by itself on a game day.

use crate::cli::{Console, Error, Exit};
use crate::sandbox::{app, provider};
use serde_json::json;
use stanch::secret::Secret;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What `stanch drill sandbox` takes.
#[derive(Debug, clap::Args)]
pub struct SandboxArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The file that holds the administrator's token
    #[arg(long, value_name = "FILE")]
    admin_token_file: PathBuf,
    /// How long a new key or a kill takes to reach the data plane; a longer one must be said in rules/sandbox.yaml too
    #[arg(long, value_name = "TIME", default_value = "200ms", value_parser = duration)]
    settle: Duration,
}

/// What `stanch drill app` takes.
#[derive(Debug, clap::Args)]
pub struct AppArgs {
    /// The dotenv file that holds the key; read again on SIGHUP
    #[arg(long, value_name = "FILE")]
    env_file: PathBuf,
    /// The key's name in it
    #[arg(long, default_value = "SANDBOX_KEY")]
    name: String,
    /// The sandbox, as http://HOST:PORT
    #[arg(long, value_name = "URL")]
    provider: String,
    /// Where to write the process id
    #[arg(long, value_name = "FILE")]
    pid_file: PathBuf,
    /// Where to serve /health; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where to write the counts of requests and failures
    #[arg(long, value_name = "FILE")]
    stats: PathBuf,
}

/// Serves the sandbox provider.
pub fn sandbox(args: &SandboxArgs, console: &Console) -> Result<Exit, Error> {
    let token = std::fs::read(&args.admin_token_file).map_err(|source| {
        Error::new(format!("read the administrator's token {}: {source}", args.admin_token_file.display()))
    })?;
    let options =
        provider::Options { listen: args.listen, admin: Secret::new(token.trim_ascii()), settle: args.settle };
    provider::serve(options, |address| announce(console, address))?;
    Ok(Exit::Done)
}

/// Runs the service that uses a key.
pub fn app(args: &AppArgs, console: &Console) -> Result<Exit, Error> {
    let options = app::Options {
        env_file: args.env_file.clone(),
        name: args.name.clone(),
        provider: args.provider.clone(),
        pid_file: args.pid_file.clone(),
        listen: args.listen,
        stats: args.stats.clone(),
    };
    app::run(options, |address| announce(console, address))?;
    Ok(Exit::Done)
}

/// A duration as it is written on the command line.
fn duration(text: &str) -> Result<Duration, String> {
    stanch::text::duration::parse(text).ok_or_else(|| "not a time such as 200ms or 5s".to_owned())
}

/// The one line that says where a part listens, for the one who started it.
fn announce(console: &Console, address: SocketAddr) {
    let line = json!({ "listening": format!("http://{address}") });
    // A reader that is gone has closed our input too: then the part ends.
    let _ = console.out(format!("{line}\n").as_bytes());
}
