//! The handlers: check who sent it, keep it, answer. Nothing is read from a body here but its signature.

use super::Ground;
use super::partner::PartnerKeys;
use super::signature;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use jiff::Timestamp;
use serde_json::{Value, json};
use stanch::config::{Partner, Serve};
use stanch::ledger::{Ledger, NewDelivery};
use stanch::secret::{FingerprintKey, Secret};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Longest body that is taken in, in bytes: GitHub caps its payloads at 25 MB
/// (<https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap>, read 2026-11-20).
const MAX_BODY: usize = 25 << 20;
/// Longest id of a delivery; GitHub's are GUIDs of 36 characters.
const MAX_ID: usize = 100;
/// The webhook events that are kept. Others are answered and forgotten.
const EVENTS: &[&str] = &["secret_scanning_alert", "push"];

/// What the handlers share.
pub struct Door {
    ledger: Arc<dyn Ledger>,
    key: Arc<FingerprintKey>,
    /// What webhooks are signed with.
    secret: Option<Secret>,
    partners: Option<PartnerKeys>,
    bell: Arc<Bell>,
}

/// Rung when there is a delivery, so that no worker sleeps through it.
#[derive(Default)]
pub struct Bell {
    rung: Mutex<u64>,
    changed: Condvar,
}

type Shared = State<Arc<Door>>;
/// Status and body of an answer.
type Reply = (StatusCode, Value);

impl Door {
    /// The door as configured.
    pub fn new(serve: &Serve, ground: Ground, bell: Arc<Bell>) -> Arc<Door> {
        let keys = |partner: &Partner| PartnerKeys::new(Arc::clone(&ground.transport), partner.clone());
        let partners = serve.partner.as_ref().map(keys);
        Arc::new(Door { ledger: ground.ledger, key: ground.key, secret: ground.secret, partners, bell })
    }

    /// A webhook: `x-hub-signature-256` over the body, then its event and its id.
    fn webhook(&self, headers: &HeaderMap, body: &Bytes) -> Reply {
        let Some(secret) = &self.secret else { return not_configured("serve.github") };
        if !signature::hmac_holds(secret, body, text(headers, "x-hub-signature-256")) {
            return unsigned();
        }
        let event = text(headers, "x-github-event");
        if !EVENTS.contains(&event) {
            return (StatusCode::ACCEPTED, json!({ "kept": false, "why": "nothing is done about this event" }));
        }
        let id = text(headers, "x-github-delivery");
        if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return (StatusCode::BAD_REQUEST, json!({ "error": "x-github-delivery is missing or no id" }));
        }
        self.keep("github", event, id.to_owned(), body)
    }

    /// A post of the partner programme: signed with one of GitHub's published keys. It has no id: its body is its id.
    fn partner(&self, headers: &HeaderMap, body: &Bytes) -> Reply {
        let Some(partners) = &self.partners else { return not_configured("serve.partner") };
        let id = text(headers, "github-public-key-identifier");
        let signature = text(headers, "github-public-key-signature");
        if id.is_empty() || signature.is_empty() {
            return unsigned();
        }
        match partners.find(id, Instant::now()) {
            Ok(Some(key)) if key.holds(body, signature) => {
                let id = format!("partner-{}", self.key.fingerprint_bytes(body));
                self.keep("github-partner", "tokens", id, body)
            }
            Ok(_) => unsigned(),
            Err(error) => {
                tracing::warn!(%error, "a partner post cannot be checked now");
                (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": "the signature cannot be checked now" }))
            }
        }
    }

    /// Makes a delivery durable; only then it is answered.
    fn keep(&self, source: &str, event: &str, id: String, body: &Bytes) -> Reply {
        let delivery = NewDelivery {
            id: id.clone(),
            source: source.to_owned(),
            event: event.to_owned(),
            body: Secret::new(body.to_vec()),
            at: Timestamp::now(),
        };
        match self.ledger.deliver(&delivery) {
            Ok(new) => {
                tracing::info!(id, event, new, "delivery kept");
                self.bell.ring();
                (StatusCode::ACCEPTED, json!({ "kept": true, "delivery": id, "known": !new }))
            }
            Err(error) => {
                tracing::error!(%error, "a delivery cannot be kept");
                (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": "the delivery cannot be kept now" }))
            }
        }
    }
}

impl Bell {
    /// Wakes one worker.
    pub fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.changed.notify_one();
    }

    /// Wakes all of them.
    pub fn ring_all(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.changed.notify_all();
    }

    /// How often it was rung.
    pub fn count(&self) -> u64 {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it was rung more often than `heard`, or for `longest`.
    pub fn wait(&self, heard: u64, longest: Duration) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(rung, longest, |rung| *rung == heard);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

/// The paths.
pub fn router(door: Arc<Door>) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/github", post(webhook))
        .route("/github/partner", post(partner))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(door)
}

async fn webhook(State(door): Shared, headers: HeaderMap, body: Bytes) -> Response {
    blocking(move || door.webhook(&headers, &body)).await
}

async fn partner(State(door): Shared, headers: HeaderMap, body: Bytes) -> Response {
    blocking(move || door.partner(&headers, &body)).await
}

/// Whether the door can do its work: the ledger answers.
async fn healthz(State(door): Shared) -> Response {
    blocking(move || match door.ledger.debts(None) {
        Ok(_) => (StatusCode::OK, json!({ "ok": true })),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, json!({ "ok": false, "why": "the ledger does not answer" })),
    })
    .await
}

/// The ledger and the transport block: they have threads of their own.
async fn blocking(act: impl FnOnce() -> Reply + Send + 'static) -> Response {
    let failed = |_| (StatusCode::INTERNAL_SERVER_ERROR, json!({ "error": "the handler failed" }));
    let (status, body) = tokio::task::spawn_blocking(act).await.unwrap_or_else(failed);
    let mut response = Response::new(Body::from(format!("{body}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn unsigned() -> Reply {
    (StatusCode::UNAUTHORIZED, json!({ "error": "the signature does not hold" }))
}

fn not_configured(what: &str) -> Reply {
    (StatusCode::NOT_FOUND, json!({ "error": format!("{what} is not configured") }))
}

/// A header's text; empty when it is missing or no text.
fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
