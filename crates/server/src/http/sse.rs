//! Server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;

use crate::openai::error::ApiError;

/// After this much silence a comment is sent, so that proxies do not close the connection while a
/// request waits or the chip computes.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The end of a stream, as OpenAI marks it.
const DONE: &[u8] = b"data: [DONE]\n\n";

/// Where events come from.
pub(crate) trait EventSource: Send + 'static {
    /// The next events, each written with [`event`]; `None` at the end. May be dropped and called
    /// again.
    fn next(&mut self) -> impl Future<Output = Result<Option<Vec<Bytes>>, ApiError>> + Send;
}

/// One event.
pub(crate) fn event(value: &impl Serialize) -> Bytes {
    let mut bytes = b"data: ".to_vec();
    if let Err(error) = serde_json::to_writer(&mut bytes, value) {
        // Wire types have text keys and finite numbers only.
        debug_assert!(false, "an event is not JSON: {error}");
    }
    bytes.extend_from_slice(b"\n\n");
    Bytes::from(bytes)
}

/// A response that sends events as they come, an error as the last of them, then `[DONE]`.
pub(crate) fn respond(source: impl EventSource) -> Response {
    let events = stream::unfold(Some(source), |source| async move {
        let mut source = source?;
        let (bytes, rest) = match tokio::time::timeout(KEEP_ALIVE, source.next()).await {
            Err(_) => (Bytes::from_static(b": keep-alive\n\n"), Some(source)),
            Ok(Ok(Some(events))) => (Bytes::from(events.concat()), Some(source)),
            Ok(Ok(None)) => (Bytes::from_static(DONE), None),
            Ok(Err(error)) => {
                let mut bytes = event(&error.body()).to_vec();
                bytes.extend_from_slice(DONE);
                (Bytes::from(bytes), None)
            }
        };
        Some((Ok::<_, Infallible>(bytes), rest))
    });
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream; charset=utf-8"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, Body::from_stream(events)).into_response()
}
