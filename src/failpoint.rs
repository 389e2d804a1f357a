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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[test]
    fn both_sides_of_an_act_are_passed_in_order() {
        let passed = Arc::new(Mutex::new(Vec::new()));
        let (seen, not_first) = (passed.clone(), passed.clone());
        // Other tests of this binary pass points of other names.
        install(move |name| {
            if name.ends_with("the act of this test") {
                seen.lock().unwrap().push(name.to_owned());
            }
        });
        install(move |_| not_first.lock().unwrap().push("a second handler".to_owned()));
        let seen_in_between = around("the act of this test", || passed.lock().unwrap().len());
        assert_eq!(seen_in_between, 1);
        assert_eq!(*passed.lock().unwrap(), ["before the act of this test", "after the act of this test"]);
    }
}
