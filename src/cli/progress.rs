//! A bar for long work, drawn on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use stanch::scan::Progress;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Shorter work draws nothing.
const PATIENCE: Duration = Duration::from_millis(500);
/// Bytes between two looks at the clock.
const STEP: u64 = 1 << 16;
/// How often it is drawn, a second.
const RATE: u8 = 10;

/// How far a scan is. Gone from the screen when it is dropped.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    began: Instant,
    read: Arc<AtomicU64>,
    /// It may be drawn, and is not yet.
    waits: AtomicBool,
}

impl Bar {
    /// A bar for `what`, drawn if `draws` and when the work takes a while.
    pub fn new(what: &str, draws: bool) -> Bar {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let read = Arc::new(AtomicU64::new(0));
        bar.set_message(what.to_owned());
        bar.set_style(style("{msg}: {read}", &read));
        Bar { bar, began: Instant::now(), read, waits: AtomicBool::new(draws) }
    }
}

impl Progress for Bar {
    fn commits(&self, total: u64) {
        self.bar.set_length(total);
        self.bar.set_style(style("{msg} {bar:24} {pos}/{len} commits, {read}", &self.read));
    }

    fn commit(&self) {
        self.bar.inc(1);
    }

    fn blob(&self, bytes: u64) {
        let before = self.read.fetch_add(bytes, Ordering::Relaxed);
        if before / STEP == (before + bytes) / STEP {
            return;
        }
        if self.began.elapsed() >= PATIENCE && self.waits.swap(false, Ordering::Relaxed) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(RATE));
        }
        self.bar.tick();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A line of that form, in which `{read}` is the megabytes read.
fn style(form: &str, read: &Arc<AtomicU64>) -> ProgressStyle {
    let read = read.clone();
    let megabytes = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
        // A bar that cannot be written is no bar.
        let _ = write!(out, "{:.1} MB", read.load(Ordering::Relaxed) as f64 / 1e6);
    };
    let style = ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("read", megabytes)
}
