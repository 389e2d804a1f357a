//! The sandbox's provider over HTTP: management with the administrator's token, the data plane with a key, and the
//! controls of a game day. The calls and their answers are described in `rules/sandbox.yaml`.

use super::account::{Account, Refusal, Wish};
use super::faults::{Fate, Faults, Order};
use super::{Error, life};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use stanch::secret::Secret;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How the provider is started.
#[derive(Debug)]
pub struct Options {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The administrator's token.
    pub admin: Secret,
    /// How long a change takes to reach the data plane.
    pub settle: Duration,
}

/// Serves until it is told to stop; `ready` hears where it listens.
pub fn serve(options: Options, ready: impl FnOnce(SocketAddr)) -> Result<(), Error> {
    let listen = options.listen;
    let failed = |source| Error::Serve { listen: listen.to_string(), source };
    if options.admin.is_empty() {
        return Err(Error::NoToken);
    }
    let settle = SignedDuration::try_from(options.settle).unwrap_or(SignedDuration::ZERO);
    let account = Mutex::new(Account::new(settle).map_err(failed)?);
    let world = Arc::new(World { account, faults: Mutex::default(), admin: options.admin });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(listen).await.map_err(failed)?;
        ready(listener.local_addr().map_err(failed)?);
        tokio::select! {
            served = axum::serve(listener, router(world)) => served.map_err(failed),
            over = life::over() => over.map_err(failed),
        }
    })
}

/// All that a call can reach.
struct World {
    account: Mutex<Account>,
    faults: Mutex<Faults>,
    admin: Secret,
}

type Shared = State<Arc<World>>;

/// Status and body of an answer.
type Reply = (StatusCode, Value);

fn router(world: Arc<World>) -> Router {
    Router::new()
        .route("/v1/me", get(introspect))
        .route("/v1/work", get(work))
        .route("/v1/keys", post(create).get(list))
        .route("/v1/keys/lookup", post(lookup))
        .route("/v1/keys/{id}", get(show).delete(delete))
        .route("/v1/keys/{id}/disable", post(disable))
        .route("/v1/keys/{id}/enable", post(enable))
        .route("/control/faults", post(order))
        .route("/control/stats", get(stats))
        .with_state(world)
}

async fn introspect(State(world): Shared, headers: HeaderMap) -> Response {
    if world.faults().introspection() {
        lose_reply();
    }
    let known = bearer(&headers).and_then(|secret| world.account().introspect(Timestamp::now(), &secret));
    answer(known.map_or_else(refused_key, |body| (StatusCode::OK, body)))
}

async fn work(State(world): Shared, headers: HeaderMap) -> Response {
    let secret = bearer(&headers).unwrap_or_else(|| Secret::new(""));
    let taken = world.account().work(Timestamp::now(), &secret);
    answer(if taken { (StatusCode::OK, json!({ "ok": true })) } else { refused_key() })
}

async fn create(State(world): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let wish: Option<Wish> = serde_json::from_slice(&body).ok();
    let act = |account: &mut Account, now| match wish {
        Some(wish) => reply(StatusCode::CREATED, account.create(now, wish)),
        None => (StatusCode::BAD_REQUEST, json!({ "error": "the body is not a wish for a key" })),
    };
    world.manage(&headers, act).await
}

async fn list(State(world): Shared, headers: HeaderMap) -> Response {
    world.manage(&headers, |account, _| (StatusCode::OK, account.list())).await
}

async fn show(State(world): Shared, headers: HeaderMap, UrlPath(id): UrlPath<String>) -> Response {
    world.manage(&headers, |account, _| reply(StatusCode::OK, account.show(&id))).await
}

async fn lookup(State(world): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let secret = Secret::new(asked.get("secret").and_then(Value::as_str).unwrap_or_default());
    world.manage(&headers, |account, _| reply(StatusCode::OK, account.lookup(&secret))).await
}

async fn disable(State(world): Shared, headers: HeaderMap, UrlPath(id): UrlPath<String>) -> Response {
    world.manage(&headers, |account, now| reply(StatusCode::OK, account.switch(now, &id, false))).await
}

async fn enable(State(world): Shared, headers: HeaderMap, UrlPath(id): UrlPath<String>) -> Response {
    world.manage(&headers, |account, now| reply(StatusCode::OK, account.switch(now, &id, true))).await
}

async fn delete(State(world): Shared, headers: HeaderMap, UrlPath(id): UrlPath<String>) -> Response {
    let act =
        |account: &mut Account, now| reply(StatusCode::NO_CONTENT, account.delete(now, &id).map(|()| Value::Null));
    world.manage(&headers, act).await
}

async fn order(State(world): Shared, headers: HeaderMap, body: Bytes) -> Response {
    if !world.is_admin(&headers) {
        return answer(refused_admin());
    }
    answer(match serde_json::from_slice::<Order>(&body) {
        Ok(order) => {
            world.faults().order(&order);
            (StatusCode::OK, json!({ "ok": true }))
        }
        Err(error) => (StatusCode::BAD_REQUEST, json!({ "error": error.to_string() })),
    })
}

async fn stats(State(world): Shared, headers: HeaderMap) -> Response {
    if !world.is_admin(&headers) {
        return answer(refused_admin());
    }
    let calls = world.faults().calls();
    answer((StatusCode::OK, world.account().stats(calls)))
}

impl World {
    /// One management call: counted, refused or acted upon, and answered unless the answer is to be lost.
    async fn manage(&self, headers: &HeaderMap, act: impl FnOnce(&mut Account, Timestamp) -> Reply) -> Response {
        let (fate, delay) = self.faults().next();
        let reply = match fate {
            Fate::Refused => (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": "try again later" })),
            _ if !self.is_admin(headers) => refused_admin(),
            _ => act(&mut self.account(), Timestamp::now()),
        };
        tokio::time::sleep(delay).await;
        if fate == Fate::Lost {
            lose_reply();
        }
        let mut response = answer(reply);
        if fate == Fate::Refused {
            // Says that nothing was done: another try is safe, at once.
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("0"));
        }
        response
    }

    fn is_admin(&self, headers: &HeaderMap) -> bool {
        bearer(headers).is_some_and(|token| token == self.admin)
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends this connection's task, and with it the connection, without an answer and without a panic's message.
fn lose_reply() -> ! {
    std::panic::resume_unwind(Box::new("the reply is lost, as ordered"))
}

fn bearer(headers: &HeaderMap) -> Option<Secret> {
    headers.get(header::AUTHORIZATION)?.as_bytes().strip_prefix(b"Bearer ").map(Secret::new)
}

fn refused_key() -> Reply {
    (StatusCode::UNAUTHORIZED, json!({ "error": "this key is not accepted" }))
}

fn refused_admin() -> Reply {
    (StatusCode::UNAUTHORIZED, json!({ "error": "not the administrator" }))
}

fn reply(good: StatusCode, result: Result<Value, Refusal>) -> Reply {
    match result {
        Ok(body) => (good, body),
        Err(Refusal::NoKey) => (StatusCode::NOT_FOUND, json!({ "error": "no such key" })),
        Err(Refusal::Full) => (StatusCode::CONFLICT, json!({ "error": "the account has as many keys as it may" })),
        Err(Refusal::Broken) => (StatusCode::INTERNAL_SERVER_ERROR, json!({ "error": "no randomness" })),
    }
}

fn answer((status, body): Reply) -> Response {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}
