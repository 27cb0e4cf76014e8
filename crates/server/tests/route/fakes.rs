//! Backends that fail where they are told to.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::StreamExt;

/// Tokens of an answer.
pub(crate) const TOKENS: usize = 6;

/// How a backend answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Behaviour {
    Good,
    /// Good in form, with other tokens.
    Different,
    /// With this status and no more.
    Status(u16),
    /// The connection ends before anything of the answer.
    DropBeforeAnswer,
    /// The connection ends after so many tokens.
    BreakAfter(usize),
    /// Healthy, but never answers a request.
    Silent,
}

/// A backend.
pub(crate) struct Fake {
    pub(crate) url: String,
}

impl Fake {
    /// Starts a backend.
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let name = url.rsplit(':').next().unwrap().to_owned();
        let router = Router::new()
            .route("/health", get(async || StatusCode::OK))
            .route("/v1/models", get(async || "{\"data\": [{\"id\": \"m\"}]}"))
            .route(
                "/v1/chat/completions",
                post(move |body: Bytes| {
                    let name = name.clone();
                    async move { answer(behaviour, &name, &body).await }
                }),
            );
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url }
    }
}

async fn answer(behaviour: Behaviour, name: &str, body: &[u8]) -> Response {
    let stream = body.windows(13).any(|window| window == b"\"stream\":true");
    let (tokens, letter, ends) = match behaviour {
        Behaviour::Good => (TOKENS, 't', true),
        Behaviour::Different => (TOKENS, 'u', true),
        Behaviour::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap();
            return (status, "{\"error\": {\"message\": \"no\"}}").into_response();
        }
        // A task that panics closes its connection.
        Behaviour::DropBeforeAnswer => panic!("dropped, as the test wants"),
        Behaviour::BreakAfter(tokens) => (tokens, 't', false),
        Behaviour::Silent => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            (0, 't', true)
        }
    };
    if !stream && ends {
        return "{\"choices\": [], \"usage\": {\"total_tokens\": 5}}".into_response();
    }
    let event = {
        let name = name.to_owned();
        move |token: usize| {
            Ok::<_, Infallible>(Bytes::from(format!(
                "data: {{\"id\":\"{name}\",\"created\":1,\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{letter}{token} \"}}}}]}}\n\n"
            )))
        }
    };
    let events = futures_util::stream::iter(0..tokens).then(move |token| {
        let event = event(token);
        async move {
            tokio::time::sleep(Duration::from_millis(2)).await;
            event
        }
    });
    let last = async move {
        if ends {
            return Ok(Bytes::from_static(b"data: [DONE]\n\n"));
        }
        // An error of the body closes the connection in its middle.
        Err(std::io::Error::other("broken off, as the test wants"))
    };
    let events = events.map(|event| event.map_err(|never| match never {}));
    let body = Body::from_stream(events.chain(futures_util::stream::once(last)));
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}
