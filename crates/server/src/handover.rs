//! Takes over keys and values of a prompt that another server has computed.
//!
//! A request with the header `x-weft-kv-from` names that server. What it holds of the prompt is
//! fetched block by block into the prefix cache, then the request goes its usual way and finds it
//! there. So nothing depends on the hand-over but time: what cannot be had is computed here.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName};
use serde_json::json;
use tokio::sync::oneshot;
use weft_engine::{EngineHandle, RequestError, SubmitError};

use crate::ServeError;
use crate::metrics::Metrics;
use crate::openai::error::ApiError;

/// The server that holds keys and values of the prompt.
pub(crate) const FROM: HeaderName = HeaderName::from_static("x-weft-kv-from");

/// Where keys and values are given out.
pub(crate) const PATH: &str = "/weft/kv";

/// Bytes of blocks in one answer, about: a server must not need memory for a whole context.
const PART_BYTES: usize = 32 << 20;

/// How long a part may take.
const PART_TIME: Duration = Duration::from_secs(30);

/// How long it may take to connect.
const CONNECT_TIME: Duration = Duration::from_secs(2);

/// The servers from which keys and values are taken.
#[derive(Debug)]
pub(crate) struct Peers {
    /// Their addresses, without a slash at the end. A request can name no others: that would let
    /// it make this server connect anywhere, and fill the cache that all requests share.
    urls: Vec<String>,
    key: Option<String>,
    client: reqwest::Client,
}

/// Blocks in one answer.
pub(crate) fn blocks_of_part(engine: &EngineHandle) -> usize {
    (PART_BYTES / engine.kv_block_bytes()).max(1)
}

impl Peers {
    /// Peers at these addresses; `key` is sent to them.
    pub(crate) fn new(urls: &[String], key: Option<String>) -> Result<Self, ServeError> {
        for url in urls {
            let wrong = |reason: String| ServeError::Config(format!("peer `{url}`: {reason}"));
            let parsed = reqwest::Url::parse(url).map_err(|error| wrong(error.to_string()))?;
            if parsed.scheme() != "http" {
                return Err(wrong("only http is supported".to_owned()));
            }
        }
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIME)
            .no_proxy()
            .build()
            .map_err(|error| ServeError::Config(error.to_string()))?;
        let urls = urls.iter().map(|url| trimmed(url).to_owned()).collect();
        Ok(Self { urls, key, client })
    }

    /// Takes over what the server that `headers` names holds of the prompts. A failure costs time
    /// only and is counted.
    ///
    /// # Errors
    ///
    /// If the server is not one of the peers.
    pub(crate) async fn take_over(
        &self,
        engine: &EngineHandle,
        metrics: &Arc<Metrics>,
        headers: &HeaderMap,
        prompts: &[&[u32]],
    ) -> Result<(), ApiError> {
        let Some(from) = headers.get(FROM) else {
            return Ok(());
        };
        let from = trimmed(from.to_str().unwrap_or_default());
        if !self.urls.iter().any(|url| url == from) {
            let message = format!("{FROM}: `{from}` is not one of this server's --kv-peer");
            return Err(ApiError::invalid_param(FROM.as_str(), message));
        }
        for prompt in prompts {
            match self.fetch(engine, from, prompt).await {
                Ok(tokens) => metrics.count_handover(Some(tokens)),
                Err(_) => metrics.count_handover(None),
            }
        }
        Ok(())
    }

    /// Fetches a prompt; gives how many tokens were taken over.
    async fn fetch(
        &self,
        engine: &EngineHandle,
        from: &str,
        prompt: &[u32],
    ) -> Result<usize, FetchError> {
        let block = engine.kv_block_tokens();
        // The last token is computed in any case.
        let whole = prompt.len().saturating_sub(1) / block * block;
        let tokens = &prompt[..whole];
        let own = import(engine, tokens, 0, Vec::new()).await?;
        let mut held = own;
        while held < whole {
            let part = self.part(engine, from, tokens, held / block).await?;
            let after = import(engine, tokens, held / block, part.into()).await?;
            if after <= held {
                break; // The other holds no more, or there is no room here.
            }
            held = after;
        }
        Ok(held - own)
    }

    /// Blocks of `tokens` from block `first` on, as many as the other server gives at once.
    async fn part(
        &self,
        engine: &EngineHandle,
        from: &str,
        tokens: &[u32],
        first: usize,
    ) -> Result<Bytes, FetchError> {
        let body = json!({
            "fingerprint": fingerprint(engine), "first_block": first, "tokens": tokens,
        });
        let mut request = self
            .client
            .post(format!("{from}{PATH}"))
            .timeout(PART_TIME)
            .body(body.to_string());
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        let mut response = request.send().await?.error_for_status()?;
        let limit = blocks_of_part(engine) * engine.kv_block_bytes();
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await? {
            if bytes.len() + piece.len() > limit {
                return Err(FetchError::TooLarge);
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.into())
    }
}

/// The fingerprint of an engine's cache as it is sent: JSON numbers have 53 bits.
pub(crate) fn fingerprint(engine: &EngineHandle) -> String {
    format!("{:016x}", engine.kv_fingerprint())
}

fn trimmed(url: &str) -> &str {
    url.trim_end_matches('/')
}

async fn import(
    engine: &EngineHandle,
    tokens: &[u32],
    first: usize,
    bytes: Vec<u8>,
) -> Result<usize, FetchError> {
    let (sender, receiver) = oneshot::channel();
    let sink = Box::new(move |result| {
        // Nobody waits for it if the client has gone away.
        let _ = sender.send(result);
    });
    engine.import_prefix(tokens.to_vec(), first, bytes, sink)?;
    Ok(receiver.await.map_err(|_| FetchError::Stopped)??)
}

/// Why a prompt was not taken over.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error(transparent)]
    Engine(#[from] RequestError),
    #[error(transparent)]
    Refused(#[from] SubmitError),
    #[error("the answer is larger than was asked for")]
    TooLarge,
    #[error("the engine has stopped")]
    Stopped,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_must_be_reachable_by_http() {
        for (url, good) in [
            ("http://10.0.0.1:8000/", true),
            ("https://10.0.0.1:8000", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(Peers::new(&[url.to_owned()], None).is_ok(), good, "{url}");
        }
    }
}
