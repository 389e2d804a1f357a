//! The one translation of what went wrong into words and an exit code.

use super::Console;
use std::error::Error as StdError;
use std::process::ExitCode;

/// How a verb ended when nothing went wrong with the program itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Clean, or done: 0.
    Done,
    /// Findings: 1.
    Findings,
    /// Nothing found, but something asked for was not read: 3.
    Incomplete,
    /// A person is needed: 4.
    Person,
}

/// A verb that failed: exit code 2.
#[derive(Debug)]
pub struct Error {
    cause: Box<dyn StdError + Send + Sync>,
    hint: Option<String>,
}

impl Error {
    /// A failure said in words (completing "failed to ...").
    pub fn new(text: impl Into<String>) -> Self {
        Error { cause: text.into().into(), hint: None }
    }

    /// The same with what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(cause: E) -> Self {
        Error { cause: Box::new(cause), hint: None }
    }
}

/// Prints a failure with its chain of causes and gives the exit code.
pub fn report(result: Result<Exit, Error>, console: &Console) -> ExitCode {
    match result {
        Ok(Exit::Done) => ExitCode::SUCCESS,
        Ok(Exit::Findings) => ExitCode::from(1),
        Ok(Exit::Incomplete) => ExitCode::from(3),
        Ok(Exit::Person) => ExitCode::from(4),
        Err(error) => {
            console.error(&chain(error.cause.as_ref()), error.hint.as_deref());
            ExitCode::from(2)
        }
    }
}

/// A failure and its causes on one line, none of them said twice (some messages quote their cause already). A list of
/// mistakes keeps its lines.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("read {what}")]
    struct Outer {
        what: &'static str,
        source: std::io::Error,
    }

    #[test]
    fn causes_follow_and_none_is_said_twice() {
        let error = Outer { what: "the ledger", source: std::io::Error::other("disk full") };
        assert_eq!(chain(&error), "read the ledger: disk full");
        let error = Outer { what: "the ledger: disk full", source: std::io::Error::other("disk full") };
        assert_eq!(chain(&error), "read the ledger: disk full");
    }
}
