//! A server for tests, and a client that is not ours.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::{Value, json};
use weft_engine::ChipAccelerator;
use weft_server::{Running, ServeOptions, Server};

/// The directory of weft-tiny.
pub(crate) fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/weft-tiny")
}

/// Options for weft-tiny.
pub(crate) fn options() -> ServeOptions {
    ServeOptions::new(model())
}

/// Starts a server.
pub(crate) fn start(options: ServeOptions) -> Running {
    let chip = ChipAccelerator::new(Default::default()).unwrap();
    Server::load(options, Box::new(chip))
        .unwrap()
        .start()
        .unwrap()
}

/// A server that tests share when they need no other.
pub(crate) fn shared() -> Client {
    static SERVER: OnceLock<Running> = OnceLock::new();
    Client::of(SERVER.get_or_init(|| start(options())))
}

/// Talks to one server.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    pub(crate) base: String,
}

/// A whole response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The events of a stream, without the end, which must be there.
    pub(crate) fn events(&self) -> Vec<Value> {
        let mut events: Vec<&str> = Vec::new();
        for block in self.body.split_terminator("\n\n") {
            if !block.starts_with(':') {
                events.push(block.strip_prefix("data: ").unwrap());
            }
        }
        assert_eq!(events.pop(), Some("[DONE]"), "{}", self.body);
        events
            .iter()
            .map(|event| serde_json::from_str(event).unwrap())
            .collect()
    }
}

impl Client {
    /// A client of this server.
    pub(crate) fn of(server: &Running) -> Self {
        Self {
            http: reqwest::Client::new(),
            base: format!("http://{}", server.address()),
        }
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        }
    }

    /// A POST with any body, not sent yet.
    pub(crate) fn posting(
        &self,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> reqwest::RequestBuilder {
        self.http.post(format!("{}{path}", self.base)).body(body)
    }

    /// POSTs JSON.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.posting(path, body.to_string())).await
    }

    /// GETs a path.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(format!("{}{path}", self.base)))
            .await
    }

    /// The value of a metric, without labels or with exactly these.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").await.body;
        let line = text.lines().find(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['{', ' ']))
        });
        let line = line.unwrap_or_else(|| panic!("{name} is not in\n{text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

/// A greedy question.
pub(crate) fn question(text: &str) -> Value {
    json!({"messages": [{"role": "user", "content": text}], "temperature": 0})
}

/// `request` with one more field.
pub(crate) fn with(mut request: Value, field: &str, value: Value) -> Value {
    request[field] = value;
    request
}
