//! How long a part of the sandbox lives: until it is told to stop, or until the one who started it is gone.

use std::io::{self, Read};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Resolves at SIGTERM, at SIGINT, or when standard input is a pipe whose other end is closed: a drill holds that end,
/// so its parts never outlive it, however it ends.
pub async fn over() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = input_closed() => {}
    }
    Ok(())
}

/// Resolves when the pipe on standard input is closed; never, when standard input is no pipe.
async fn input_closed() {
    if !stdin_is_a_pipe() {
        return std::future::pending().await;
    }
    let (closed, heard) = oneshot::channel();
    std::thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        let mut bytes = [0u8; 64];
        while stdin.read(&mut bytes).is_ok_and(|count| count > 0) {}
        // Nobody waits any more: then it is over anyway.
        let _ = closed.send(());
    });
    // The sender is dropped only when its thread is over, which says the same.
    let _ = heard.await;
}

fn stdin_is_a_pipe() -> bool {
    let kind = rustix::fs::fstat(io::stdin()).map(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode));
    kind.is_ok_and(|kind| kind == rustix::fs::FileType::Fifo || kind == rustix::fs::FileType::Socket)
}
