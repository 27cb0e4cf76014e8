//! The first half of a request whose phases part: its prompt is computed on one backend, so that
//! another can take over keys and values.

use axum::body::Bytes;
use axum::http::HeaderValue;
use serde_json::{Value, json};

use super::Shared;
use super::attempt::{Outgoing, Reply, send};
use super::fleet::Chosen;
use super::{backend::Backend, relay::note};
use crate::handover;
use std::sync::Arc;

/// Fields that say what the answer is like. The first half has none to speak of.
const OF_THE_ANSWER: [&str; 11] = [
    "max_completion_tokens",
    "stream_options",
    "n",
    "min_tokens",
    "logprobs",
    "top_logprobs",
    "echo",
    "response_format",
    "structured_outputs",
    "stop",
    "ignore_eos",
];

/// Computes the prompt on `backend`; gives the request for the other half, which names the place.
/// Without the first half the other one is the whole: it costs time only.
pub(crate) async fn compute(
    shared: &Shared,
    backend: &Arc<Backend>,
    outgoing: &Outgoing,
) -> Outgoing {
    let mut second = outgoing.clone();
    let (Some(body), Ok(place)) = (
        first_half(&outgoing.body),
        HeaderValue::from_str(&backend.config.url),
    ) else {
        return second;
    };
    let first = Outgoing {
        body,
        stream: false,
        ..outgoing.clone()
    };
    let chosen = Chosen::first_half(Arc::clone(backend));
    match send(&shared.client, &chosen, &first).await {
        Ok(Reply::Whole { status, .. }) if status.is_success() => {
            backend.succeeded();
            shared.metrics.count_prefill(&backend.config.name);
            second.headers.insert(handover::FROM, place);
        }
        // Refused: the second half will be too, and says why.
        Ok(_) => {}
        Err(failure) => note(shared, &backend.config.name, &failure),
    }
    second
}

/// The same prompt with an answer of one token.
fn first_half(body: &Bytes) -> Option<Bytes> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    let request = value.as_object_mut()?;
    for field in OF_THE_ANSWER {
        request.remove(field);
    }
    request.insert("max_tokens".to_owned(), json!(1));
    request.insert("stream".to_owned(), json!(false));
    Some(value.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_half_is_the_prompt_and_one_token() {
        let body = json!({"messages": [1], "tools": [2], "stream": true, "n": 3, "max_tokens": 9,
            "max_completion_tokens": 9, "stream_options": {}, "seed": 4});
        let half = first_half(&body.to_string().into()).unwrap();
        let half: Value = serde_json::from_slice(&half).unwrap();
        let expected =
            json!({"messages": [1], "tools": [2], "stream": false, "max_tokens": 1, "seed": 4});
        assert_eq!(half, expected);
        assert!(first_half(&Bytes::from_static(b"[]")).is_none());
    }
}
