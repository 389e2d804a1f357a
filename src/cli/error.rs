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
            let mut text = error.cause.to_string();
            let mut source = error.cause.source();
            while let Some(cause) = source {
                let cause_text = cause.to_string();
                if !text.ends_with(&cause_text) {
                    text.push_str(": ");
                    text.push_str(&cause_text);
                }
                source = cause.source();
            }
            console.error(&text, error.hint.as_deref());
            ExitCode::from(2)
        }
    }
}
