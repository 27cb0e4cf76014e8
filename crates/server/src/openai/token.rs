//! `POST /tokenize` and `POST /detokenize`, with vLLM's fields.

use serde::{Deserialize, Serialize};

/// Text to tokens: `prompt`, or `messages` through the chat template.
#[derive(Debug, Deserialize)]
pub(crate) struct TokenizeRequest {
    pub(crate) model: Option<String>,
    pub(crate) prompt: Option<String>,
    #[serde(default)]
    pub(crate) return_token_strs: Option<bool>,
}

/// Tokens and the length they count against.
#[derive(Debug, Serialize)]
pub(crate) struct TokenizeResponse {
    pub(crate) count: usize,
    pub(crate) max_model_len: usize,
    pub(crate) tokens: Vec<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token_strs: Option<Vec<String>>,
}

/// Tokens to text.
#[derive(Debug, Deserialize)]
pub(crate) struct DetokenizeRequest {
    pub(crate) model: Option<String>,
    pub(crate) tokens: Vec<u32>,
}

/// The text of the tokens, special ones included.
#[derive(Debug, Serialize)]
pub(crate) struct DetokenizeResponse {
    pub(crate) prompt: String,
}
