//! One request to one backend.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::backend::{Backend, Busy};
use super::fleet::Chosen;

/// Largest whole answer that is read, bytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// A request as it is sent to backends.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    /// Path with its query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) stream: bool,
    /// Silence after which an attempt has failed.
    pub(crate) silence: Duration,
}

/// What a backend answered.
pub(crate) enum Reply {
    /// All of it.
    Whole {
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
    },
    /// The first event of a stream, and where the others come from.
    Stream { first: Bytes, events: Events },
}

/// Why there is no reply.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// Whether the backend is at fault, rather than full.
    pub(crate) counts: bool,
    pub(crate) reason: String,
}

impl Failure {
    fn of(reason: impl Into<String>) -> Self {
        Self {
            counts: true,
            reason: reason.into(),
        }
    }
}

/// Sends a request to the chosen backend and waits for all of the answer, or the first event.
pub(crate) async fn send(
    client: &reqwest::Client,
    chosen: &Chosen,
    outgoing: &Outgoing,
) -> Result<Reply, Failure> {
    let backend = Arc::clone(&chosen.backend);
    let busy = backend.enter();
    let begin = Instant::now();
    let work = send_alive(client, &backend, outgoing, busy);
    let reply = tokio::select! {
        reply = work => reply?,
        () = backend.dies() => return Err(Failure::of("it died")),
    };
    if let Reply::Stream { .. } = reply {
        backend.observe_first_token(begin.elapsed().as_secs_f64(), chosen.predicted_s);
    }
    Ok(reply)
}

async fn send_alive(
    client: &reqwest::Client,
    backend: &Arc<Backend>,
    outgoing: &Outgoing,
    busy: Busy,
) -> Result<Reply, Failure> {
    let url = format!(
        "{}{}",
        backend.config.url.trim_end_matches('/'),
        outgoing.path
    );
    let mut request = client
        .request(outgoing.method.clone(), url)
        .headers(outgoing.headers.clone())
        .body(outgoing.body.clone());
    if let Some(key) = &backend.config.api_key {
        request = request.bearer_auth(key);
    }
    let response = within(outgoing.silence, request.send()).await?;
    let status = response.status();
    let headers = response.headers().clone();
    let is_stream = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    let mut events = Events {
        response,
        pending: Vec::new(),
        backend: Arc::clone(backend),
        silence: outgoing.silence,
        last: None,
        _busy: busy,
    };
    if outgoing.stream && status.is_success() && is_stream {
        let first = events.next().await?;
        let first = first.ok_or_else(|| Failure::of("it ended the stream before an event"))?;
        return Ok(Reply::Stream { first, events });
    }
    let mut body = Vec::new();
    while let Some(piece) = within(outgoing.silence, events.response.chunk()).await? {
        if body.len() + piece.len() > ANSWER_BYTES_MAX {
            return Err(Failure::of("its answer is too large"));
        }
        body.extend_from_slice(&piece);
    }
    let body = Bytes::from(body);
    // Full, or ending: others may have room.
    let full = [
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    if full.contains(&status) {
        return Err(Failure {
            counts: false,
            reason: format!("it answered {status}"),
        });
    }
    if status.is_server_error() {
        return Err(Failure {
            counts: true,
            reason: format!("it answered {status}"),
        });
    }
    Ok(Reply::Whole {
        status,
        headers,
        body,
    })
}

/// The result, or a failure when it errs or there is silence for too long.
async fn within<T>(
    silence: Duration,
    work: impl Future<Output = Result<T, reqwest::Error>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(silence, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Failure::of(chain(&error))),
        Err(_) => Err(Failure::of(format!(
            "silent for {} s",
            silence.as_secs_f64()
        ))),
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// The events of a backend's stream.
pub(crate) struct Events {
    response: reqwest::Response,
    pending: Vec<u8>,
    pub(crate) backend: Arc<Backend>,
    silence: Duration,
    last: Option<Instant>,
    _busy: Busy,
}

impl Events {
    /// What stands after `data: ` in the next event; `None` at `[DONE]`. Comments keep the stream
    /// alive and are not given out.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some(end) = find(&self.pending, b"\n\n") {
                let block: Vec<u8> = self.pending.drain(..end + 2).collect();
                let Some(event) = block.strip_prefix(b"data: ") else {
                    continue;
                };
                let event = event.trim_ascii_end();
                if event == b"[DONE]" {
                    return Ok(None);
                }
                // A backend that fails, or is killed in good order, says so in its stream.
                if event.starts_with(b"{\"error\"") {
                    return Err(Failure::of(String::from_utf8_lossy(event)));
                }
                let now = Instant::now();
                if let Some(last) = self.last.replace(now) {
                    self.backend.observe_token((now - last).as_secs_f64());
                }
                return Ok(Some(Bytes::copy_from_slice(event)));
            }
            let backend = Arc::clone(&self.backend);
            let piece = tokio::select! {
                piece = within(self.silence, self.response.chunk()) => piece?,
                () = backend.dies() => return Err(Failure::of("it died")),
            };
            let piece = piece.ok_or_else(|| Failure::of("its stream broke off"))?;
            self.pending.extend_from_slice(&piece);
            if self.pending.len() > ANSWER_BYTES_MAX {
                return Err(Failure::of("an event is too large"));
            }
        }
    }
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes
        .windows(pattern.len())
        .position(|window| window == pattern)
}

/// Headers of a client's request that go to backends. Keys are the gateway's own affair.
pub(crate) fn forwarded(headers: &HeaderMap, request_id: &str, trace: &str) -> HeaderMap {
    const PASSED: [HeaderName; 4] = [
        header::CONTENT_TYPE,
        header::ACCEPT,
        header::USER_AGENT,
        HeaderName::from_static("tracestate"),
    ];
    let mut out = HeaderMap::new();
    for name in PASSED {
        if let Some(value) = headers.get(&name) {
            out.insert(name, value.clone());
        }
    }
    for (name, text) in [("x-request-id", request_id), ("traceparent", trace)] {
        if let Ok(value) = HeaderValue::from_str(text) {
            out.insert(HeaderName::from_static(name), value);
        }
    }
    out
}
