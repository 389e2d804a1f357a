//! What it means when a call has no success: was something done, and does another try make sense?
//!
//! | what came | a call that only reads | a call that changes |
//! |---|---|---|
//! | nothing was sent | try again | try again |
//! | no answer | try again | lost: it may have been done |
//! | 429, or 503 with Retry-After | try again | try again: the provider says it did nothing |
//! | another 5xx, 408 | try again | lost |
//! | a 2xx that was not expected | refused | lost |
//! | anything else (3xx, 4xx) | refused | refused |

use super::answer::Answer;
use super::options::Call;
use crate::http;
use crate::http::template::Values;
use crate::provider::Error;
use crate::secret::redact;
use jiff::Timestamp;
use std::time::Duration;

/// Longest wait that a provider is believed to ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// What a call does at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It only looks.
    Reads,
    /// It changes something.
    Changes,
}

/// The call that has no success.
pub struct Context<'a> {
    /// Provider id.
    pub provider: &'a str,
    /// The call.
    pub call: &'a Call,
    /// What it does.
    pub effect: Effect,
    /// All values in it: they are scrubbed out of every text.
    pub values: &'a Values,
}

impl Context<'_> {
    /// There is no answer.
    pub fn unanswered(&self, error: &http::Error) -> Error {
        let why = redact::scrub(&error.to_string(), self.values.values().map(|value| &**value));
        match error.may_have_acted() && self.effect == Effect::Changes {
            true => self.lost(why),
            false => self.again(why, None),
        }
    }

    /// The answer is no success.
    pub fn refused(&self, answer: &Answer) -> Error {
        let after = retry_after(answer, Timestamp::now());
        let why = format!("answered {}{}", answer.status, self.detail(answer));
        let changes = self.effect == Effect::Changes;
        match answer.status {
            429 => self.again(why, after),
            503 if after.is_some() => self.again(why, after),
            408 | 500.. if changes => self.lost(why),
            408 | 500.. => self.again(why, after),
            status @ 200..300 if changes && !self.call.done.contains(&status) => self.lost(why),
            status => Error::Refused {
                provider: self.provider.to_owned(),
                operation: self.call.operation,
                status: status.to_string(),
                detail: self.detail(answer),
            },
        }
    }

    fn detail(&self, answer: &Answer) -> String {
        // Ids and labels are no secrets, and a reason is clearer with them.
        let hidden = self.values.iter().filter(|(name, _)| !matches!(name.as_str(), "key" | "like" | "label"));
        let hidden = hidden.filter(|(name, _)| !name.starts_with("with."));
        let reason = answer.reason(self.call.reason.as_deref(), hidden.map(|(_, value)| &**value));
        reason.map(|reason| format!(": {reason}")).unwrap_or_default()
    }

    fn again(&self, why: String, after: Option<Duration>) -> Error {
        Error::TryAgain { provider: self.provider.to_owned(), operation: self.call.operation, why, after }
    }

    fn lost(&self, why: String) -> Error {
        Error::Lost { provider: self.provider.to_owned(), operation: self.call.operation, why }
    }
}

/// The wait that the provider asks for (RFC 9110, section 10.2.3): seconds, or a date.
fn retry_after(answer: &Answer, now: Timestamp) -> Option<Duration> {
    let text = answer.header("retry-after")?.trim();
    let seconds = text.parse().ok().map(Duration::from_secs);
    let until = || {
        let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
    };
    seconds.or_else(until).map(|wait| wait.min(LONGEST_WAIT))
}

/// An error with its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
