//! What is served, and how the server is.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{App, finish};
use crate::metrics::CONTENT_TYPE;
use crate::openai::error::ApiError;
use crate::openai::model::{ModelCard, ModelList};

fn cards(app: &App) -> Vec<ModelCard> {
    let card = |name: &String| ModelCard {
        id: name.clone(),
        object: "model",
        created: app.created,
        owned_by: "weft",
        root: app.model.name().to_owned(),
        max_model_len: app.model.context,
    };
    app.model.names.iter().map(card).collect()
}

/// `GET /v1/models`.
pub(super) async fn models(State(app): State<Arc<App>>) -> Json<ModelList> {
    Json(ModelList {
        object: "list",
        data: cards(&app),
    })
}

/// `GET /v1/models/{model}`.
pub(super) async fn model(State(app): State<Arc<App>>, Path(name): Path<String>) -> Response {
    let card = cards(&app).into_iter().find(|card| card.id == name);
    let result = match card {
        Some(card) => Ok(Json(card).into_response()),
        None => app
            .model
            .check_name(Some(&name))
            .map(|()| StatusCode::NOT_FOUND.into_response()),
    };
    finish(&app, result)
}

/// `GET /version`.
pub(super) async fn version() -> Response {
    Json(json!({"version": env!("CARGO_PKG_VERSION")})).into_response()
}

/// `GET /health`: 200 while requests are taken.
pub(super) async fn health(State(app): State<Arc<App>>) -> Response {
    let reason = if app.lifecycle.is_draining() {
        "the server is shutting down".to_owned()
    } else if let Some(reason) = app.model.failure() {
        reason
    } else {
        return StatusCode::OK.into_response();
    };
    ApiError::Unavailable { reason }.into_response()
}

/// `GET /load`: requests being answered, as vLLM reports them.
pub(super) async fn load(State(app): State<Arc<App>>) -> Response {
    Json(json!({"server_load": app.lifecycle.answering()})).into_response()
}

/// `GET /metrics`.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let result = app.metrics.encode().map(|text| {
        let content_type = HeaderValue::from_static(CONTENT_TYPE);
        ([(header::CONTENT_TYPE, content_type)], text).into_response()
    });
    finish(&app, result)
}
