//! `POST /v1/completions`.

use serde::{Deserialize, Serialize};

use super::chat::StopReason;
use super::error::ApiError;
use super::logprobs::CompletionLogprobs;
use super::usage::Usage;

/// A text to continue. Sampling fields are read apart, from the same object.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CompletionRequest {
    pub(crate) model: Option<String>,
    pub(crate) prompt: Prompt,
    pub(crate) echo: Option<bool>,
    pub(crate) logprobs: Option<usize>,
}

/// One or several texts, as text or as tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Prompt {
    /// One text.
    Text(String),
    /// One text as tokens.
    Tokens(Vec<u32>),
    /// Several texts.
    Texts(Vec<String>),
    /// Several texts as tokens.
    TokenLists(Vec<Vec<u32>>),
}

/// One prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SinglePrompt {
    /// To be tokenised.
    Text(String),
    /// Already tokens.
    Tokens(Vec<u32>),
}

impl Prompt {
    /// The prompts in order. An empty list is an error that names `field`.
    pub(crate) fn into_singles(self, field: &str) -> Result<Vec<SinglePrompt>, ApiError> {
        let singles: Vec<SinglePrompt> = match self {
            Self::Text(text) => vec![SinglePrompt::Text(text)],
            Self::Tokens(tokens) => vec![SinglePrompt::Tokens(tokens)],
            Self::Texts(texts) => texts.into_iter().map(SinglePrompt::Text).collect(),
            Self::TokenLists(lists) => lists.into_iter().map(SinglePrompt::Tokens).collect(),
        };
        let empty = |single: &SinglePrompt| matches!(single, SinglePrompt::Tokens(tokens) if tokens.is_empty());
        if singles.is_empty() || singles.iter().any(empty) {
            return Err(ApiError::invalid_param(
                field,
                format!("{field}: must not be empty"),
            ));
        }
        Ok(singles)
    }
}

/// A whole answer.
#[derive(Debug, Serialize)]
pub(crate) struct CompletionResponse {
    pub(crate) id: String,
    pub(crate) object: &'static str,
    pub(crate) created: u64,
    pub(crate) model: String,
    pub(crate) choices: Vec<CompletionChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) usage: Option<Usage>,
}

/// One answer, whole or a piece of it; a stream uses the same shape.
#[derive(Debug, Serialize)]
pub(crate) struct CompletionChoice {
    pub(crate) index: usize,
    pub(crate) text: String,
    pub(crate) logprobs: Option<CompletionLogprobs>,
    pub(crate) finish_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stop_reason: Option<StopReason>,
}
