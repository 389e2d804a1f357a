//! The webhook door: a signed delivery comes in, and ends in a rotated key with nobody involved.
//!
//! The order is the promise: the signature is checked over the raw bytes before anything in them is read ([`signature`]),
//! the delivery is durable in the ledger's inbox before it is answered with 202 ([`door`]), and workers take it from
//! there ([`worker`]) by the path of `stanch respond` ([`desk`]). So a delivery that was answered is never lost, one that
//! comes twice is one delivery, and one that is not signed leaves nothing behind.
//!
//! Only this folder and `sandbox/` await; workers are plain threads. Speaks plain HTTP: TLS ends at a proxy in front.

mod desk;
mod door;
mod github;
mod partner;
mod push;
mod signature;
mod worker;

pub use desk::Desk;

use door::{Bell, Door};
use stanch::config::Serve;
use stanch::http::Transport;
use stanch::ledger::Ledger;
use stanch::secret::{FingerprintKey, Secret};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use worker::Shift;

/// Workers beside each other: one that waits for a provider does not hold up the next delivery.
const WORKERS: usize = 2;
/// Longest wait for deliveries that are being received when the server stops.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// Longest wait for the workers when the server stops. What is not finished then is in the ledger, to be gone on with.
const FAREWELL: Duration = Duration::from_secs(30);

/// What the door stands on.
pub struct Ground {
    /// Where deliveries are kept.
    pub ledger: Arc<dyn Ledger>,
    /// How GitHub is reached.
    pub transport: Arc<dyn Transport>,
    /// Names deliveries that have no id of their own.
    pub key: Arc<FingerprintKey>,
    /// What GitHub's webhooks are signed with; without it they are not taken in.
    pub secret: Option<Secret>,
}

/// Why the door cannot be kept open.
#[derive(Debug, thiserror::Error)]
#[error("serve on {listen}")]
pub struct Error {
    listen: SocketAddr,
    source: io::Error,
}

/// Serves until SIGTERM or SIGINT, then takes nothing more in, lets each worker finish what it has in hand, and returns.
pub fn serve(
    listen: SocketAddr,
    serve: &Serve,
    ground: Ground,
    desk: Arc<dyn worker::Desk>,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), Error> {
    let failed = |source| Error { listen, source };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(failed)?;
    let bell = Arc::new(Bell::default());
    let stop = Arc::new(AtomicBool::new(false));
    let shift = Shift { ledger: Arc::clone(&ground.ledger), desk, bell: Arc::clone(&bell), stop: Arc::clone(&stop) };
    let door = Door::new(serve, ground, Arc::clone(&bell));
    let mut workers = Vec::new();
    let served = runtime.block_on(async {
        // Before anybody can know the address: an early SIGTERM must stop us in good order.
        let over = over().map_err(failed)?;
        let listener = tokio::net::TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        for _ in 0..WORKERS {
            let shift = shift.clone();
            workers.push(std::thread::spawn(move || shift.work()));
        }
        ready(address);
        let (stopping, stopped) = oneshot::channel();
        let over = async {
            over.await;
            // Nobody listens only when serving has ended by itself.
            let _ = stopping.send(());
        };
        tokio::select! {
            served = axum::serve(listener, door::router(door)).with_graceful_shutdown(over) => served.map_err(failed),
            // Who is still sending then, sends too slowly; what was not answered is not ours yet.
            () = async { let _ = stopped.await; tokio::time::sleep(LAST_ANSWERS).await } => Ok(()),
        }
    });
    stop.store(true, Ordering::SeqCst);
    bell.ring_all();
    see_off(workers, Instant::now() + FAREWELL);
    served
}

/// Resolves at SIGTERM or SIGINT, from now on.
fn over() -> io::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn see_off(workers: Vec<JoinHandle<()>>, until: Instant) {
    while workers.iter().any(|worker| !worker.is_finished()) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
}
