//! `POST /tokenize` and `POST /detokenize`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::{App, finish, prepare};
use crate::openai::error::ApiError;
use crate::openai::token::{
    DetokenizeRequest, DetokenizeResponse, TokenizeRequest, TokenizeResponse,
};
use crate::openai::{chat, read};
use crate::token_bytes;

/// Tokens of a text or of a conversation.
pub(super) async fn tokenize(State(app): State<Arc<App>>, body: Body) -> Response {
    let prepared = prepare(&app, body, |app, value| {
        let request: TokenizeRequest = read(&value)?;
        app.model.check_name(request.model.as_deref())?;
        let tokens = match &request.prompt {
            Some(text) => app.model.encode(text)?,
            None if value.get("messages").is_some() => {
                app.model
                    .chat_prompt(&read::<chat::ChatRequest>(&value)?)?
                    .tokens
            }
            None => {
                let message = "`prompt` or `messages` is required";
                return Err(ApiError::invalid_param("prompt", message));
            }
        };
        let text_of = |&token: &u32| {
            let bytes = token_bytes::of(&app.model.tokenizer, token);
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Ok(TokenizeResponse {
            count: tokens.len(),
            max_model_len: app.model.context,
            token_strs: (request.return_token_strs == Some(true))
                .then(|| tokens.iter().map(text_of).collect()),
            tokens,
        })
    });
    finish(
        &app,
        prepared
            .await
            .map(|response| Json(response).into_response()),
    )
}

/// Text of tokens.
pub(super) async fn detokenize(State(app): State<Arc<App>>, body: Body) -> Response {
    let prepared = prepare(&app, body, |app, value| {
        let request: DetokenizeRequest = read(&value)?;
        app.model.check_name(request.model.as_deref())?;
        let tokenizer = &app.model.tokenizer;
        let unknown = request
            .tokens
            .iter()
            .position(|&id| tokenizer.id_to_token(id).is_none());
        if let Some(index) = unknown {
            let message = format!(
                "tokens[{index}]: there is no token {}",
                request.tokens[index]
            );
            return Err(ApiError::invalid_param(format!("tokens[{index}]"), message));
        }
        let prompt = tokenizer
            .decode(&request.tokens, false)
            .map_err(|error| ApiError::invalid_param("tokens", error.to_string()))?;
        Ok(DetokenizeResponse { prompt })
    });
    finish(
        &app,
        prepared
            .await
            .map(|response| Json(response).into_response()),
    )
}
