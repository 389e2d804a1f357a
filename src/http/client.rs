//! The transport over the network.

use super::{Error, Request, Response, Transport};

/// Sends requests over the network. Costs nothing until the first one.
#[derive(Default)]
pub struct Client {}

impl Client {
    /// A client.
    pub fn new() -> Self {
        Client::default()
    }
}

impl Transport for Client {
    fn send(&self, request: &Request) -> Result<Response, Error> {
        Err(Error::NotSent { label: request.label.clone(), why: "no network yet".into() })
    }
}
