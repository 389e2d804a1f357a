//! A service that uses a key: it reads the key from a dotenv file at its start and on SIGHUP, calls the provider without
//! a pause, counts what failed, and says on `/health` which key it uses.
//!
//! It takes up what the file says at once and unseen, as services do: a key that is brought out before it works, or
//! killed before this service has let go of it, is counted as failed requests. A request that is under way keeps the
//! key that it started with.

use super::meter::Meter;
use super::{Error, dotenv, life};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};
use stanch::secret::Secret;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Pause between two requests: about 200 a second, enough to see a gap of a few milliseconds.
const PACE: Duration = Duration::from_millis(5);
/// How often the counts are written to the stats file.
const STATS_EVERY: Duration = Duration::from_millis(100);

/// How the service is started.
#[derive(Debug)]
pub struct Options {
    /// The dotenv file.
    pub env_file: PathBuf,
    /// The key's name in it.
    pub name: String,
    /// The provider, as `http://HOST:PORT`.
    pub provider: String,
    /// Where its process id is written once it is ready.
    pub pid_file: PathBuf,
    /// Where `/health` is served.
    pub listen: SocketAddr,
    /// Where its counts are written.
    pub stats: PathBuf,
}

/// Runs until it is told to stop; `ready` hears where it listens.
pub fn run(options: Options, ready: impl FnOnce(SocketAddr)) -> Result<(), Error> {
    let failed = |source| Error::Serve { listen: options.listen.to_string(), source };
    let key = dotenv::read(&options.env_file, &options.name)?;
    let service = Arc::new(Service { state: Mutex::new(Run::new(key)) });
    let worker = Arc::clone(&service);
    let meter = Meter::new(&options.provider)?;
    std::thread::spawn(move || worker.work(meter));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(failed)?;
    let ended = runtime.block_on(async {
        // Before anybody can know the process id: an early SIGHUP must not end the process.
        let mut hangups = signal(SignalKind::hangup()).map_err(failed)?;
        let listener = tokio::net::TcpListener::bind(options.listen).await.map_err(failed)?;
        let listen = listener.local_addr().map_err(failed)?;
        write(&options.pid_file, &std::process::id().to_string())?;
        ready(listen);
        let router = Router::new().route("/health", get(health)).with_state(Arc::clone(&service));
        tokio::select! {
            served = axum::serve(listener, router) => served.map_err(failed),
            over = life::over() => over.map_err(failed),
            stopped = attend(&options, &service, &mut hangups) => stopped,
        }
    });
    let written = write(&options.stats, &service.counts().to_string());
    ended.and(written)
}

/// What the worker, the reload and `/health` share.
struct Service {
    state: Mutex<Run>,
}

struct Run {
    key: Arc<Secret>,
    /// The provider's id of that key, once it has said so.
    id: Option<String>,
    healthy: bool,
    requests: u64,
    failed: u64,
    reloads: u64,
}

impl Run {
    fn new(key: Secret) -> Run {
        Run { key: Arc::new(key), id: None, healthy: false, requests: 0, failed: 0, reloads: 0 }
    }
}

impl Service {
    /// Calls the provider for ever, each time with the key of the moment.
    fn work(&self, mut meter: Meter) {
        loop {
            let (key, id_is_known) = self.with(|run| (Arc::clone(&run.key), run.id.is_some()));
            let good = meter.get("/v1/work", &key).is_ok_and(|answer| answer.status == 200);
            let id = if id_is_known || !good { None } else { introspect(&mut meter, &key) };
            self.with(|run| {
                run.requests += 1;
                run.failed += u64::from(!good);
                // A reload may have come between: what was learned of the old key is no news of the new one.
                if Arc::ptr_eq(&run.key, &key) {
                    run.healthy = good;
                    run.id = id.or(run.id.take());
                }
            });
            std::thread::sleep(PACE);
        }
    }

    fn reload(&self, key: Secret) {
        self.with(|run| {
            run.reloads += 1;
            if *run.key != key {
                run.key = Arc::new(key);
                run.id = None;
                run.healthy = false;
            }
        });
    }

    fn counts(&self) -> Value {
        self.with(|run| {
            json!({
                "ok": run.healthy && run.id.is_some(),
                "key": run.id,
                "requests": run.requests,
                "failed": run.failed,
                "reloads": run.reloads,
            })
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Run) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn introspect(meter: &mut Meter, key: &Secret) -> Option<String> {
    let answer = meter.get("/v1/me", key).ok().filter(|answer| answer.status == 200)?;
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    body.get("key")?.as_str().map(str::to_owned)
}

async fn health(State(service): State<Arc<Service>>) -> Response {
    let mut response = Response::new(Body::from(service.counts().to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Reloads at each SIGHUP (a file that cannot be read leaves the key as it is) and writes the counts now and then.
async fn attend(options: &Options, service: &Service, hangups: &mut Signal) -> Result<(), Error> {
    let mut ticks = tokio::time::interval(STATS_EVERY);
    loop {
        tokio::select! {
            hangup = hangups.recv() => match hangup {
                Some(()) => {
                    if let Ok(key) = dotenv::read(&options.env_file, &options.name) {
                        service.reload(key);
                    }
                }
                None => return Ok(()),
            },
            _ = ticks.tick() => write(&options.stats, &service.counts().to_string())?,
        }
    }
}

/// Writes a file whole: who reads it sees the old text or the new one.
fn write(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |source| Error::File { action: "write", path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    io::Write::write_all(&mut file, text.as_bytes()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
