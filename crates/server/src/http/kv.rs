//! `POST /weft/kv`: blocks of the KV cache, for another server with the same model.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::oneshot;

use super::{App, finish, prepare};
use crate::handover;
use crate::openai::error::ApiError;
use crate::openai::read;

/// Which blocks are wanted.
#[derive(Deserialize)]
struct BlocksRequest {
    /// Of the cache that will take them.
    fingerprint: String,
    /// Blocks before this one are not wanted.
    #[serde(default)]
    first_block: usize,
    /// The prompt, or its beginning.
    tokens: Vec<u32>,
}

/// The blocks that the cache holds of the beginning of a prompt, one after the other, as many as
/// one answer may have. None is not an error.
pub(super) async fn blocks(State(app): State<Arc<App>>, body: Body) -> Response {
    let result = answer(&app, body).await;
    finish(&app, result)
}

async fn answer(app: &Arc<App>, body: Body) -> Result<Response, ApiError> {
    let request = prepare(app, body, |_, value| read::<BlocksRequest>(&value)).await?;
    let engine = &app.model.engine;
    let own = handover::fingerprint(engine);
    if request.fingerprint != own {
        let message = format!(
            "fingerprint: the cache of this server is of another model or format: {own}, not {}",
            request.fingerprint
        );
        return Err(ApiError::invalid_param("fingerprint", message));
    }
    let (sender, receiver) = oneshot::channel();
    let sink = Box::new(move |result| {
        // Nobody waits for it if the client has gone away.
        let _ = sender.send(result);
    });
    let blocks_max = handover::blocks_of_part(engine);
    engine.export_prefix(request.tokens, request.first_block, blocks_max, sink)?;
    let stopped = |_| ApiError::Unavailable {
        reason: "the engine has stopped".to_owned(),
    };
    let bytes = receiver.await.map_err(stopped)??;
    let kind = HeaderValue::from_static("application/octet-stream");
    Ok(([(header::CONTENT_TYPE, kind)], bytes).into_response())
}
