//! `POST /rerank`, as Cohere, Jina and vLLM have it.

use serde::{Deserialize, Serialize};

use super::embedding::EmbeddingUsage;

/// A query and the documents to put in order.
#[derive(Debug, Deserialize)]
pub(crate) struct RerankRequest {
    pub(crate) model: Option<String>,
    pub(crate) query: String,
    pub(crate) documents: Vec<Document>,
    pub(crate) top_n: Option<usize>,
    pub(crate) return_documents: Option<bool>,
}

/// A document: its text, bare or in an object.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Document {
    /// The text.
    Text(String),
    /// `{"text": ...}`.
    Object {
        /// The text.
        text: String,
    },
}

impl Document {
    /// The text of the document.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Object { text } => text,
        }
    }
}

/// Documents by falling relevance.
#[derive(Debug, Serialize)]
pub(crate) struct RerankResponse {
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) usage: EmbeddingUsage,
    pub(crate) results: Vec<RerankResult>,
}

/// One document and how well it fits the query.
#[derive(Debug, Serialize)]
pub(crate) struct RerankResult {
    pub(crate) index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) document: Option<RerankDocument>,
    pub(crate) relevance_score: f32,
}

/// A document given back.
#[derive(Debug, Serialize)]
pub(crate) struct RerankDocument {
    pub(crate) text: String,
}
