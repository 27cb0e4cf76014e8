//! Real servers behind the gateway, one of which ends in the middle of the load.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use weft_engine::ChipAccelerator;
use weft_server::{Running, ServeOptions, Server};

use super::{QUICK, Route, backend};

/// The directory of weft-tiny.
pub(crate) fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/weft-tiny")
}

fn server(drain_ms: u64) -> Running {
    let mut options = ServeOptions::new(model());
    options.drain_time = std::time::Duration::from_millis(drain_ms);
    let chip = ChipAccelerator::new(Default::default()).unwrap();
    Server::load(options, Box::new(chip))
        .unwrap()
        .start()
        .unwrap()
}

/// The text of a streamed or whole answer.
pub(crate) fn text_of(body: &str, stream: bool) -> String {
    if !stream {
        let value: Value = serde_json::from_str(body).unwrap();
        return value["choices"][0]["message"]["content"]
            .as_str()
            .unwrap()
            .to_owned();
    }
    assert!(
        body.ends_with("data: [DONE]\n\n") && !body.contains("\"error\""),
        "{body}"
    );
    let events = body
        .split_terminator("\n\n")
        .filter_map(|event| event.strip_prefix("data: "));
    let values = events.filter_map(|event| serde_json::from_str::<Value>(event).ok());
    values
        .map(|value| {
            value["choices"][0]["delta"]["content"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_a_server_is_killed_during_load() {
    let (victim, survivor) = (server(1), server(30_000));
    let url = |server: &Running| format!("http://{}", server.address());
    let backends = [
        backend("victim", &url(&victim), "replay = true"),
        backend("survivor", &url(&survivor), "replay = true"),
    ]
    .concat();
    // Both compute on the same two cores: silence is no sign of death here.
    let quick = QUICK.replace("timeout_s = 0.5", "timeout_s = 20.0");
    let quick = quick.replace("silence_s = 1.0", "silence_s = 60.0");
    let route = Route::start(&format!("policy = \"least-load\"\n{quick}{backends}"));
    let ask = |seed: usize, stream: bool| {
        let request = json!({"model": "weft-tiny", "stream": stream, "seed": seed, "temperature": 0.8,
            "max_tokens": 24, "ignore_eos": true,
            "messages": [{"role": "user", "content": format!("Tell me a story about a fox. {seed}")}]});
        let sending = route
            .http
            .post(route.url("/v1/chat/completions"))
            .body(request.to_string());
        async move {
            let response = sending.send().await.unwrap();
            let (status, body) = (response.status(), response.text().await.unwrap());
            assert_eq!(status, 200, "{body}");
            text_of(&body, stream)
        }
    };
    let load: Vec<_> = (0..12)
        .map(|seed| tokio::spawn(ask(seed, seed % 3 != 0)))
        .collect();
    // As soon as the victim is at work, it ends: what it has is cut off.
    route
        .until("weft:gateway_replies_total{backend=\"victim\"}", 2)
        .await;
    victim.signal();
    victim.signal();
    let mut texts = Vec::new();
    for task in load {
        texts.push(task.await.unwrap());
    }
    assert!(
        victim.wait().is_err(),
        "the victim was not cut off in the middle of its work"
    );
    // The survivor alone says the same.
    for seed in [1, 3, 4] {
        assert_eq!(ask(seed, false).await, texts[seed]);
    }
    assert!(
        route
            .metric("weft:gateway_failures_total{backend=\"victim\"}")
            .await
            > 0
    );
}
