//! Sends one request of a load and notes when its tokens come.

use std::time::Instant;

use serde_json::{Value, json};

use super::workload::Planned;
use super::{LoadOptions, Outcome};
use crate::ServeError;

/// A server under load.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
    key: Option<String>,
    model: String,
}

impl Client {
    /// Asks a server for its model, unless that is given.
    pub(super) async fn connect(options: &LoadOptions) -> Result<Self, ServeError> {
        let failed =
            |error: reqwest::Error| ServeError::Config(format!("{}: {error}", options.base_url));
        let http = reqwest::Client::builder()
            .timeout(options.timeout)
            .no_proxy()
            .build()
            .map_err(failed)?;
        let base = options.base_url.trim_end_matches('/');
        let mut client = Self {
            http,
            url: format!("{base}/v1/completions"),
            key: options.api_key.clone(),
            model: String::new(),
        };
        client.model = match &options.model {
            Some(model) => model.clone(),
            None => {
                let request = client.with_key(client.http.get(format!("{base}/v1/models")));
                let response = request.send().await.map_err(failed)?;
                let response = response.error_for_status().map_err(failed)?;
                let text = response.text().await.map_err(failed)?;
                let list: Value = serde_json::from_str(&text).unwrap_or_default();
                let first = list["data"][0]["id"].as_str().map(str::to_owned);
                first
                    .ok_or_else(|| ServeError::Config(format!("{base}/v1/models lists no model")))?
            }
        };
        Ok(client)
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    fn with_key(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    /// Sends a request and reads its answer to the end.
    pub(super) async fn send(&self, request: &Planned, origin: Instant) -> Outcome {
        let begin = origin.elapsed();
        let mut outcome = Outcome {
            begin,
            end: begin,
            tokens_at: Vec::new(),
            input_tokens: request.prompt.len() as u64,
            output_tokens: 0,
            error: None,
        };
        let result = self.receive(request, origin, &mut outcome).await;
        outcome.end = origin.elapsed();
        outcome.error = result.err();
        outcome
    }

    async fn receive(
        &self,
        request: &Planned,
        origin: Instant,
        outcome: &mut Outcome,
    ) -> Result<(), String> {
        let body = json!({
            "model": self.model, "prompt": request.prompt, "max_tokens": request.output_tokens,
            "temperature": 0, "seed": request.seed, "ignore_eos": true, "stream": true,
            "stream_options": {"include_usage": true},
        });
        let sending = self.with_key(self.http.post(&self.url));
        let sending = sending
            .header("content-type", "application/json")
            .body(body.to_string());
        let mut response = sending.send().await.map_err(|error| error.to_string())?;
        let status = response.status();
        if !status.is_success() {
            let text = response.text().await.unwrap_or_default();
            return Err(format!("status {status}: {text}"));
        }
        let mut pending: Vec<u8> = Vec::new();
        let mut counted = None;
        loop {
            let piece = response.chunk().await.map_err(|error| error.to_string())?;
            let Some(piece) = piece else {
                return Err("the stream ended before [DONE]".to_owned());
            };
            let now = origin.elapsed();
            pending.extend_from_slice(&piece);
            while let Some(end) = pending.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = pending.drain(..end + 2).collect();
                let Some(event) = block.strip_prefix(b"data: ") else {
                    continue; // A comment keeps the stream alive.
                };
                let event = event.trim_ascii_end();
                if event == b"[DONE]" {
                    outcome.output_tokens = counted.unwrap_or(outcome.tokens_at.len() as u64);
                    return Ok(());
                }
                let value: Value = serde_json::from_slice(event)
                    .map_err(|error| format!("an event is not JSON: {error}"))?;
                if let Some(error) = value.get("error") {
                    return Err(error.to_string());
                }
                if let Some(count) = value["usage"]["completion_tokens"].as_u64() {
                    counted = Some(count);
                }
                let has_choice = value["choices"]
                    .as_array()
                    .is_some_and(|all| !all.is_empty());
                if has_choice {
                    outcome.tokens_at.push(now);
                }
            }
        }
    }
}
