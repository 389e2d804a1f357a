//! A transport that answers from recorded exchanges: for tests, which then need no network.
//!
//! It is strict: a request that nobody expected is not sent, and says so.

use super::{Error, Request, Response, Transport};
use crate::secret::Secret;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Answers each request with the first exchange left that was recorded for it.
#[derive(Debug, Default)]
pub struct Canned {
    left: Vec<Exchange>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    used: Vec<usize>,
    sent: Vec<String>,
}

#[derive(Debug)]
struct Exchange {
    request: String,
    answer: Answer,
}

#[derive(Debug)]
enum Answer {
    Reply { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    NotSent,
    Lost,
}

impl Canned {
    /// A transport that expects nothing yet.
    pub fn new() -> Self {
        Canned::default()
    }

    /// Expects `request` (`GET https://api.example.com/user`) and answers it.
    pub fn on(mut self, request: &str, status: u16, body: impl Into<Vec<u8>>) -> Self {
        self.expect(request, Answer::Reply { status, headers: Vec::new(), body: body.into() });
        self
    }

    /// Gives the answer before this a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Some(Exchange { answer: Answer::Reply { headers, .. }, .. }) = self.left.last_mut() {
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        self
    }

    /// Expects `request` and does not send it: there is no connection.
    pub fn not_sent(mut self, request: &str) -> Self {
        self.expect(request, Answer::NotSent);
        self
    }

    /// Expects `request` and loses the answer.
    pub fn lost(mut self, request: &str) -> Self {
        self.expect(request, Answer::Lost);
        self
    }

    /// What was sent, in order: method and URL, headers, an empty line and the body, with all their values.
    pub fn sent(&self) -> Vec<String> {
        self.state().sent.clone()
    }

    fn expect(&mut self, request: &str, answer: Answer) {
        self.left.push(Exchange { request: request.to_owned(), answer });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Canned {
    fn send(&self, request: &Request) -> Result<Response, Error> {
        let label = request.label.clone();
        let mut state = self.state();
        let line = format!("{} {}", request.method, written(&request.url));
        let fits = |(at, exchange): &(usize, &Exchange)| exchange.request == line && !state.used.contains(at);
        let Some((at, exchange)) = self.left.iter().enumerate().find(fits) else {
            return Err(Error::NotSent { label, why: format!("nobody expected {line}") });
        };
        state.used.push(at);
        state.sent.push(whole(request, line));
        match &exchange.answer {
            Answer::Reply { status, headers, body } => {
                Ok(Response { status: *status, headers: headers.clone(), body: Secret::new(body.clone()) })
            }
            Answer::NotSent => Err(Error::NotSent { label, why: "connection refused".to_owned() }),
            Answer::Lost => Err(Error::Lost { label, why: "connection closed before the answer".to_owned() }),
        }
    }
}

fn whole(request: &Request, line: String) -> String {
    let mut text = line;
    for (name, value) in &request.headers {
        text.push_str(&format!("\n{name}: {}", written(value)));
    }
    if let Some(body) = &request.body {
        text.push_str(&format!("\n\n{}", written(body)));
    }
    text
}

#[expect(clippy::disallowed_methods, reason = "tests compare what is sent; nothing real passes here")]
fn written(value: &Secret) -> String {
    String::from_utf8_lossy(value.expose()).into_owned()
}
