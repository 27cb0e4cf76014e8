//! The routes of a gateway.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::Shared;
use super::attempt::{Outgoing, Reply, forwarded};
use super::config::KeyConfig;
use super::fleet::Wish;
use super::relay::Relay;
use crate::http::access::bearer;
use crate::http::lifecycle::hold;
use crate::http::sse::{self, EventSource};
use crate::http::{REQUEST_ID, body};
use crate::metrics::CONTENT_TYPE;
use crate::openai;
use crate::openai::error::ApiError;

/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Events that wait for a client that reads slowly; then its backend waits too.
const EVENTS_MAX: usize = 64;

/// The backend that answered.
const BACKEND: HeaderName = HeaderName::from_static("x-weft-backend");

/// All routes.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let mut router = Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .route("/v1/models", get(models));
    for path in [
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/rerank",
        "/v1/rerank",
        "/tokenize",
        "/detokenize",
    ] {
        router = router.route(path, post(relay));
    }
    router
        .fallback(async |request: Request| ApiError::NotFound {
            path: request.uri().path().to_owned(),
        })
        .with_state(shared)
}

async fn health(State(shared): State<Arc<Shared>>) -> Response {
    let alive = shared
        .fleet()
        .backends
        .iter()
        .any(|backend| !backend.is_dead());
    if alive && !shared.lifecycle.is_draining() {
        return StatusCode::OK.into_response();
    }
    let reason = if alive {
        "the gateway is shutting down"
    } else {
        "no backend lives"
    };
    ApiError::Unavailable {
        reason: reason.to_owned(),
    }
    .into_response()
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    match shared.metrics.encode(&shared.fleet()) {
        Ok(text) => {
            let content_type = HeaderValue::from_static(CONTENT_TYPE);
            ([(header::CONTENT_TYPE, content_type)], text).into_response()
        }
        Err(error) => error.into_response(),
    }
}

/// The models of all backends.
async fn models(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if let Err(error) = key_of(&shared, &headers) {
        return error.into_response();
    }
    let fleet = shared.fleet();
    let names: BTreeSet<String> = fleet
        .backends
        .iter()
        .flat_map(|backend| backend.models())
        .collect();
    let card = |name| json!({"id": name, "object": "model", "created": 0, "owned_by": "weft"});
    Json(json!({"object": "list", "data": names.into_iter().map(card).collect::<Vec<_>>()}))
        .into_response()
}

async fn relay(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let id = request
        .headers()
        .get(REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .map_or_else(|| shared.ids.next(), str::to_owned);
    let mut response = answer(&shared, request, &id).await.unwrap_or_else(|error| {
        shared.metrics.count_refusal(&error);
        error.into_response()
    });
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

async fn answer(shared: &Arc<Shared>, request: Request, id: &str) -> Result<Response, ApiError> {
    let key = key_of(shared, request.headers())?;
    if shared.lifecycle.is_draining() {
        return Err(ApiError::Unavailable {
            reason: "the gateway is shutting down".to_owned(),
        });
    }
    let in_flight = shared.lifecycle.enter();
    if let Some(key) = &key {
        shared.quotas.take(key, Instant::now())?;
    }
    let fleet = shared.fleet();
    let (parts, body) = request.into_parts();
    let bytes = body::read(body, fleet.config.body_bytes_max, BODY_TIME).await?;
    let mut value = openai::parse_body(&bytes)?;
    let mut wish = Wish::of(&value, &shared.sequence);
    wish.generates = parts.uri.path().ends_with("completions");
    if !fleet.knows(wish.model.as_deref()) {
        let names: BTreeSet<String> = fleet
            .backends
            .iter()
            .flat_map(|backend| backend.models())
            .collect();
        return Err(ApiError::ModelNotFound {
            model: wish.model.unwrap_or_default(),
            available: names.into_iter().collect::<Vec<_>>().join(", "),
        });
    }
    let replays = fleet.backends.iter().any(|backend| backend.config.replay);
    let bytes = if replays && give_seed(&mut value, wish.sequence) {
        Bytes::from(value.to_string())
    } else {
        bytes
    };
    let prompt_tokens = f64::from(wish.prompt_tokens);
    let trace = parts
        .headers
        .get("traceparent")
        .and_then(|trace| trace.to_str().ok())
        .map_or_else(|| new_trace(shared), str::to_owned);
    let outgoing = Outgoing {
        method: parts.method,
        path: parts
            .uri
            .path_and_query()
            .map_or("/", |path| path.as_str())
            .to_owned(),
        headers: forwarded(&parts.headers, id, &trace),
        body: bytes,
        stream: value.get("stream") == Some(&Value::Bool(true)),
        silence: Duration::from_secs_f64(fleet.config.retry.silence_s),
    };
    let repeatable = value.get("seed").is_some_and(Value::is_number);
    let mut relay = Relay::new(
        Arc::clone(shared),
        wish,
        outgoing,
        id.to_owned(),
        repeatable,
    );
    let (reply, name) = relay.first_reply(false).await?;
    let mut response = match reply {
        Reply::Whole {
            status,
            headers,
            body,
        } => {
            if let Some(key) = &key {
                shared
                    .quotas
                    .pay(key, tokens_of(&body).unwrap_or(prompt_tokens));
            }
            hold(whole(status, &headers, body), in_flight)
        }
        Reply::Stream { first, events } => {
            let (sender, receiver) = mpsc::channel(EVENTS_MAX);
            let quotas = Arc::clone(shared);
            tokio::spawn(async move {
                let tokens = relay.pump(first, events, sender).await;
                if let (Some(key), Ok(tokens)) = (&key, u32::try_from(tokens)) {
                    // An event is a token, nearly.
                    quotas.quotas.pay(key, prompt_tokens + f64::from(tokens));
                }
            });
            hold(sse::respond(Pumped(receiver)), in_flight)
        }
    };
    if let Ok(name) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(BACKEND, name);
    }
    Ok(response)
}

/// The key of a request, where keys are needed.
fn key_of(shared: &Shared, headers: &HeaderMap) -> Result<Option<KeyConfig>, ApiError> {
    let fleet = shared.fleet();
    if fleet.config.keys.is_empty() {
        return Ok(None);
    }
    let given = bearer(headers).ok_or(ApiError::Unauthorized)?;
    let key = fleet.config.keys.iter().find(|key| key.key == given);
    key.cloned().map(Some).ok_or(ApiError::Unauthorized)
}

/// Gives a request that has none a seed, so that its answer can be made again; whether it did.
fn give_seed(value: &mut Value, sequence: u64) -> bool {
    let draws = value.get("messages").is_some() || value.get("prompt").is_some();
    let Some(request) = value.as_object_mut().filter(|_| draws) else {
        return false;
    };
    if request.get("seed").is_some_and(|seed| !seed.is_null()) {
        return false;
    }
    // Seeds are signed in the API.
    request.insert("seed".to_owned(), json!(sequence >> 1));
    true
}

/// A trace that begins here, in the form of W3C Trace Context.
fn new_trace(shared: &Shared) -> String {
    let id = shared.ids.next();
    format!("00-{id}-{}-01", &shared.ids.next()[16..])
}

/// The tokens that an answer says it took.
fn tokens_of(body: &[u8]) -> Option<f64> {
    let value: Value = serde_json::from_slice(body).ok()?;
    value.get("usage")?.get("total_tokens")?.as_f64()
}

fn whole(status: StatusCode, headers: &HeaderMap, body: Bytes) -> Response {
    let mut response = (status, Body::from(body)).into_response();
    for name in [header::CONTENT_TYPE, header::RETRY_AFTER] {
        if let Some(value) = headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// Events that another task receives from backends.
struct Pumped(mpsc::Receiver<Result<Bytes, ApiError>>);

impl EventSource for Pumped {
    async fn next(&mut self) -> Result<Option<Vec<Bytes>>, ApiError> {
        let event = self.0.recv().await.transpose()?;
        Ok(event.map(|event| vec![event]))
    }
}
