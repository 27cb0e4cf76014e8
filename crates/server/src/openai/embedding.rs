//! `POST /v1/embeddings`.

use serde::{Deserialize, Serialize};

use super::completion::Prompt;

/// Texts to embed.
#[derive(Debug, Deserialize)]
pub(crate) struct EmbeddingRequest {
    pub(crate) model: Option<String>,
    pub(crate) input: Prompt,
    pub(crate) encoding_format: Option<EncodingFormat>,
    pub(crate) dimensions: Option<usize>,
}

/// How vectors are written.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EncodingFormat {
    /// A JSON array of numbers.
    #[default]
    Float,
    /// Little-endian f32, in base64.
    Base64,
}

/// The vectors, in the order of the texts.
#[derive(Debug, Serialize)]
pub(crate) struct EmbeddingResponse {
    pub(crate) object: &'static str,
    pub(crate) data: Vec<Embedding>,
    pub(crate) model: String,
    pub(crate) usage: EmbeddingUsage,
}

/// One vector.
#[derive(Debug, Serialize)]
pub(crate) struct Embedding {
    pub(crate) object: &'static str,
    pub(crate) index: usize,
    pub(crate) embedding: Vector,
}

/// A vector in either of the two formats.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Vector {
    /// Numbers.
    Float(Vec<f32>),
    /// Base64 of little-endian f32.
    Base64(String),
}

/// Token counts of a request without an answer text.
#[derive(Debug, Serialize)]
pub(crate) struct EmbeddingUsage {
    pub(crate) prompt_tokens: usize,
    pub(crate) total_tokens: usize,
}
