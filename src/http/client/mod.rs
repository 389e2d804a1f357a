//! The transport over the network: the window on `reqwest`.
//!
//! - *Where to*: the host is resolved here, every address is checked ([`address`]), and the connection goes to a checked
//!   address and no other, so a name that resolves differently the second time gains nothing. Without
//!   [`Request::allow_private`] only public addresses and only TLS are spoken to. There are no redirects (a 3xx is an
//!   answer like any other) and no proxies: behind one, the proxy would choose the address.
//! - *How often*: each host and port has a bucket of sends ([`pace`]). Nothing is retried and no connection is used twice, since
//!   a stale one makes it doubtful whether a request was sent.
//! - *What is known after a failure*: before the connection stands nothing was sent; after that, all may have happened.
//!
//! Two engines are made at the first send that needs them: one for TLS, which reads the machine's certificates, and one
//! without, so that a machine without certificates can still speak to itself.

mod address;
mod pace;

use super::{Error, MAX_BODY, Request, Response, Transport};
use crate::failpoint;
use crate::secret::Secret;
use reqwest::blocking::{Body, Client as Engine, ClientBuilder};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use std::collections::HashMap;
use std::error::Error as StdError;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Longest wait for a name to be resolved, and then for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Most bytes set aside before the answer is there.
const FIRST_ROOM: usize = 64 << 10;

/// Sends requests over the network. Costs nothing until the first one.
#[derive(Default)]
pub struct Client {
    public: Lane,
    named: Lane,
    pace: pace::Pace,
}

impl Client {
    /// A client.
    pub fn new() -> Self {
        Client::default()
    }

    fn attempt(&self, request: &Request) -> Result<Response, Failure> {
        let url = destination(request)?;
        let lane = if request.allow_private { &self.named } else { &self.public };
        let host = url.host_str().unwrap_or_default().to_owned();
        let port = url.port_or_known_default().unwrap_or(0);
        self.pace.wait(&format!("{host}:{port}"));
        let found = address::resolve(&host, port, CONNECT).map_err(Failure::NotSent)?;
        if !request.allow_private {
            found.iter().try_for_each(|found| address::check(found.ip())).map_err(Failure::NotSent)?;
        }
        lane.resolved.keep(host, found);
        let engine = lane.engine(&url)?;
        let deadline = Instant::now() + request.timeout;
        let answer = engine.execute(outgoing(request, url)?).map_err(|error| {
            match error.is_connect() || error.is_builder() {
                true => Failure::NotSent(cause(error)),
                false => Failure::Lost(cause(error)),
            }
        })?;
        read(answer, deadline)
    }
}

impl Transport for Client {
    fn send(&self, request: &Request) -> Result<Response, Error> {
        let begun = Instant::now();
        let result = failpoint::around(&format!("http {}", request.label), || self.attempt(request));
        let took = begun.elapsed().as_millis();
        let label = request.label.clone();
        match result {
            Ok(response) => {
                tracing::debug!(label, status = response.status, ms = took, "answered");
                Ok(response)
            }
            Err(Failure::NotSent(why)) => {
                tracing::debug!(label, why, ms = took, "not sent");
                Err(Error::NotSent { label, why })
            }
            Err(Failure::Lost(why)) => {
                tracing::debug!(label, why, ms = took, "lost");
                Err(Error::Lost { label, why })
            }
        }
    }
}

/// As [`Error`], before it knows its label.
#[derive(Debug)]
enum Failure {
    NotSent(String),
    Lost(String),
}

/// One way out: for public hosts, or for hosts that the configuration named. What one may reach is out of the other's
/// reach, also when both speak to one host at the same time.
#[derive(Default)]
struct Lane {
    tls: OnceLock<Result<Engine, String>>,
    plain: OnceLock<Result<Engine, String>>,
    resolved: Arc<Resolved>,
}

impl Lane {
    fn engine(&self, url: &Url) -> Result<&Engine, Failure> {
        let engine = match url.scheme() {
            "https" => self.tls.get_or_init(|| build(self.resolved.clone(), true)),
            _ => self.plain.get_or_init(|| build(self.resolved.clone(), false)),
        };
        engine.as_ref().map_err(|why| Failure::NotSent(why.clone()))
    }
}

/// The addresses that were checked, by host: all that an engine may connect to.
#[derive(Default)]
struct Resolved(Mutex<HashMap<String, Vec<SocketAddr>>>);

impl Resolved {
    fn keep(&self, host: String, addresses: Vec<SocketAddr>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(host, addresses);
    }
}

impl Resolve for Resolved {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name.as_str()).cloned();
        let addresses: Addrs = Box::new(found.unwrap_or_default().into_iter());
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

fn build(resolved: Arc<Resolved>, tls: bool) -> Result<Engine, String> {
    // Refused when another engine installed it already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = ClientBuilder::new()
        .user_agent(concat!("stanch/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .pool_max_idle_per_host(0)
        .connect_timeout(CONNECT)
        .dns_resolver(resolved);
    let builder = if tls { builder.https_only(true) } else { builder.tls_certs_only([]) };
    builder.build().map_err(cause)
}

/// Where the request goes, unless that is nowhere to send a secret.
fn destination(request: &Request) -> Result<Url, Failure> {
    let refuse = |why: &str| Failure::NotSent(why.to_owned());
    #[expect(clippy::disallowed_methods, reason = "the URL is parsed here and sent from here")]
    let text = std::str::from_utf8(request.url.expose()).map_err(|_| refuse("the URL is not text"))?;
    let url = Url::parse(text).map_err(|_| refuse("the URL cannot be read"))?;
    match url.scheme() {
        "https" => {}
        "http" if request.allow_private => {}
        "http" => return Err(refuse("without TLS only to a host that the configuration allows (`allow-private`)")),
        _ => return Err(refuse("the URL is neither https nor http")),
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(refuse("the URL has no host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("the URL holds a user name or password"));
    }
    Ok(url)
}

/// The request as the engine wants it. Values are marked sensitive: the engine shows none of them.
#[expect(clippy::disallowed_methods, reason = "hands the values to the engine that sends them")]
fn outgoing(request: &Request, url: Url) -> Result<reqwest::blocking::Request, Failure> {
    let method = Method::from_bytes(request.method.as_bytes());
    let method = method.map_err(|_| Failure::NotSent("the method cannot be read".to_owned()))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let unfit = || Failure::NotSent(format!("the header {name} cannot be sent with this value"));
        let mut value = HeaderValue::from_bytes(value.expose()).map_err(|_| unfit())?;
        value.set_sensitive(true);
        headers.append(HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit())?, value);
    }
    let mut outgoing = reqwest::blocking::Request::new(method, url);
    *outgoing.headers_mut() = headers;
    *outgoing.timeout_mut() = Some(request.timeout);
    *outgoing.body_mut() = request.body.as_ref().map(|body| Body::from(body.expose().to_vec()));
    Ok(outgoing)
}

/// The whole answer, or none: half an answer must not be taken for one.
fn read(mut answer: reqwest::blocking::Response, deadline: Instant) -> Result<Response, Failure> {
    let lost = |why: &str| Failure::Lost(why.to_owned());
    let status = answer.status().as_u16();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = answer.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let mut body = Zeroizing::new(Vec::with_capacity(FIRST_ROOM));
    let mut part = Zeroizing::new([0u8; 16 << 10]);
    loop {
        if Instant::now() >= deadline {
            return Err(lost("it did not end in time"));
        }
        match answer.read(part.as_mut_slice()) {
            Ok(0) => break,
            Ok(got) => body.extend_from_slice(part.get(..got).unwrap_or_default()),
            Err(error) if is_timeout(&error) => return Err(lost("it did not end in time")),
            Err(_) => return Err(lost("it broke off")),
        }
        if body.len() > MAX_BODY {
            return Err(lost("it is longer than 4 MiB"));
        }
    }
    Ok(Response { status, headers, body: Secret::new(std::mem::take(&mut *body)) })
}

fn is_timeout(error: &std::io::Error) -> bool {
    let engine = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
    error.kind() == std::io::ErrorKind::TimedOut || engine.is_some_and(reqwest::Error::is_timeout)
}

/// What an error says, without the URL, which may hold a secret. The innermost cause is the telling one.
fn cause(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let error = error.without_url();
    let mut inner: &dyn StdError = &error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::{Context, Poll, Waker};

    #[test]
    fn an_engine_connects_to_checked_addresses_only() {
        let resolved = Resolved::default();
        let ask = |name: &str| {
            let mut answer = resolved.resolve(name.parse().unwrap());
            match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(found) => found.unwrap().collect::<Vec<SocketAddr>>(),
                Poll::Pending => panic!("it is known at once"),
            }
        };
        assert_eq!(ask("localhost"), [], "the machine's resolver is not asked again");
        let checked: SocketAddr = "93.184.215.14:443".parse().unwrap();
        resolved.keep("localhost".into(), vec![checked]);
        assert_eq!(ask("localhost"), [checked]);
    }
}
