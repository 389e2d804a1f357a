//! Named points at which a test or a drill may end the process, to show that nothing is lost.
//!
//! Every durable write and every outside act passes a point before and after ([`around`]). Nothing happens there unless
//! the binary installed a handler; the cost is one relaxed load. Knows nothing of what it stands beside.

use std::sync::OnceLock;

type Handler = Box<dyn Fn(&str) + Send + Sync>;

static HANDLER: OnceLock<Handler> = OnceLock::new();

/// Installs what is called at each point, with its name. Only the first call counts.
pub fn install(handler: impl Fn(&str) + Send + Sync + 'static) {
    // A second handler would be a second plan of where to crash: the first one holds.
    let _ = HANDLER.set(Box::new(handler));
}

/// Passes a point.
pub fn point(name: &str) {
    if let Some(handler) = HANDLER.get() {
        handler(name);
    }
}

/// Runs `act` between the points `before <name>` and `after <name>`.
pub fn around<T>(name: &str, act: impl FnOnce() -> T) -> T {
    if HANDLER.get().is_none() {
        return act();
    }
    point(&format!("before {name}"));
    let result = act();
    point(&format!("after {name}"));
    result
}
