//! The routes of a server of one model.

pub(crate) mod access;
mod admin;
pub(crate) mod body;
mod chat;
mod completions;
pub(crate) mod connection;
mod kv;
pub(crate) mod lifecycle;
mod pooling;
pub(crate) mod service;
pub(crate) mod sse;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;

use crate::handover::{self, Peers};
use crate::identity::Ids;
use crate::metrics::Metrics;
use crate::model::Model;
use crate::openai;
use crate::openai::error::ApiError;
use access::Keys;
use lifecycle::Lifecycle;

/// Everything that requests share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) model: Model,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) lifecycle: Arc<Lifecycle>,
    pub(crate) keys: Keys,
    pub(crate) peers: Peers,
    pub(crate) ids: Ids,
    pub(crate) created: u64,
    pub(crate) body_bytes_max: usize,
    pub(crate) body_time: Duration,
}

/// The name of a request in answers, logs and traces.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// All routes.
pub(crate) fn router(app: Arc<App>) -> Router {
    let guarded = Router::new()
        .route("/v1/chat/completions", post(chat::chat))
        .route("/v1/completions", post(completions::complete))
        .route("/v1/embeddings", post(pooling::embed))
        .route("/rerank", post(pooling::rerank))
        .route("/v1/rerank", post(pooling::rerank))
        .route("/v2/rerank", post(pooling::rerank))
        .route("/tokenize", post(tokens::tokenize))
        .route("/detokenize", post(tokens::detokenize))
        .route(handover::PATH, post(kv::blocks))
        .route("/v1/models", get(admin::models))
        .route("/v1/models/{model}", get(admin::model))
        .route("/version", get(admin::version))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), guard));
    Router::new()
        .merge(guarded)
        .route("/health", get(admin::health))
        .route("/ping", get(admin::health))
        .route("/load", get(admin::load))
        .route("/metrics", get(admin::metrics))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(app)
}

/// What every request of the API passes: key, whether the server is ending, counting, its name.
async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = request.headers().get(REQUEST_ID).cloned();
    let mut response = match admit(&app, &request) {
        Ok(()) => {
            let in_flight = app.lifecycle.enter();
            lifecycle::hold(next.run(request).await, in_flight)
        }
        Err(error) => reject(&app, error),
    };
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn admit(app: &App, request: &Request) -> Result<(), ApiError> {
    app.keys.check(request.headers())?;
    if app.lifecycle.is_draining() {
        return Err(ApiError::Unavailable {
            reason: "the server is shutting down".to_owned(),
        });
    }
    Ok(())
}

/// The response to a request that is not answered; counts it.
fn reject(app: &App, error: ApiError) -> Response {
    app.metrics.count_error(&error);
    error.into_response()
}

async fn not_found(request: Request) -> ApiError {
    ApiError::NotFound {
        path: request.uri().path().to_owned(),
    }
}

async fn method_not_allowed(request: Request) -> ApiError {
    ApiError::MethodNotAllowed {
        path: request.uri().path().to_owned(),
    }
}

/// Reads a body as JSON and prepares the answer on a thread that may compute: templates, grammars
/// and tokenisers take their time, and the threads of the connections must not.
async fn prepare<T: Send + 'static>(
    app: &Arc<App>,
    body: Body,
    work: impl FnOnce(&App, Value) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let bytes: Bytes = body::read(body, app.body_bytes_max, app.body_time).await?;
    let app = Arc::clone(app);
    let task = tokio::task::spawn_blocking(move || work(&app, openai::parse_body(&bytes)?));
    task.await.map_err(|error| ApiError::Internal {
        message: format!("the request could not be prepared: {error}"),
    })?
}

/// The answer, or the refusal with everything that a refusal entails.
fn finish(app: &App, result: Result<Response, ApiError>) -> Response {
    result.unwrap_or_else(|error| reject(app, error))
}

/// JSON with the name of the request in a header.
fn named(id: &str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}
