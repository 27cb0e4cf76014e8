//! Log-probabilities, in the two shapes that chat and text completions have.

use serde::Serialize;

/// `choices[].logprobs` of a chat completion.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct ChatLogprobs {
    pub(crate) content: Vec<ChatTokenLogprob>,
}

/// A token of the answer with the most likely alternatives.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ChatTokenLogprob {
    pub(crate) token: String,
    pub(crate) logprob: f32,
    pub(crate) bytes: Vec<u8>,
    pub(crate) top_logprobs: Vec<TopLogprob>,
}

/// An alternative.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct TopLogprob {
    pub(crate) token: String,
    pub(crate) logprob: f32,
    pub(crate) bytes: Vec<u8>,
}

/// `choices[].logprobs` of a text completion: parallel arrays.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct CompletionLogprobs {
    pub(crate) text_offset: Vec<usize>,
    pub(crate) token_logprobs: Vec<f32>,
    pub(crate) tokens: Vec<String>,
    pub(crate) top_logprobs: Vec<serde_json::Map<String, serde_json::Value>>,
}
