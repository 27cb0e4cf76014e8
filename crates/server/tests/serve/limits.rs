//! Bad input, and clients that misbehave: clear answers, and nobody else is harmed.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Answer, Client, options, question, shared, start, with};

/// The status and code of an error, which must have OpenAI's form.
fn refusal(answer: &Answer) -> (u16, Value) {
    let body = answer.json();
    let error = &body["error"];
    assert!(!error["message"].as_str().unwrap().is_empty());
    assert!(error["type"].is_string(), "{body}");
    assert!(
        error.get("param").is_some() && error.get("code").is_some(),
        "{body}"
    );
    (answer.status, error["code"].clone())
}

#[tokio::test]
async fn bad_requests_are_refused_by_name() {
    let client = shared();
    let path = "/v1/chat/completions";
    for body in [
        &b"{\"messages\": "[..],
        b"{\"messages\": \"\xff\"}",
        b"[]",
        b"",
        b"null",
    ] {
        let answer = client.send(client.posting(path, body.to_vec())).await;
        assert_eq!(answer.status, 400, "{body:?}: {}", answer.body);
        refusal(&answer);
    }
    let hi = || question("hi");
    for (request, param) in [
        (json!({"messages": []}), "messages"),
        (
            json!({"messages": [{"role": "user", "content": 7}]}),
            "messages[0].content",
        ),
        (with(hi(), "temperature", json!(-1)), "temperature"),
        (with(hi(), "temperature", json!("hot")), "temperature"),
        (with(hi(), "top_p", json!(0)), "top_p"),
        (with(hi(), "n", json!(0)), "n"),
        (with(hi(), "n", json!(100_000)), "n"),
        (with(hi(), "max_tokens", json!(0)), "max_tokens"),
        (with(hi(), "best_of", json!(3)), "best_of"),
        (with(hi(), "top_logprobs", json!(3)), "top_logprobs"),
        (
            with(hi(), "chat_template", json!("{{ 1 }}")),
            "chat_template",
        ),
        (
            with(hi(), "logit_bias", json!({"99999999": 1})),
            "logit_bias",
        ),
    ] {
        let answer = client.post(path, request.clone()).await;
        assert_eq!(answer.status, 400, "{request}: {}", answer.body);
        if param != "logit_bias" {
            assert_eq!(answer.json()["error"]["param"], param, "{}", answer.body);
        }
    }
    // Null is the default, and what is not known is ignored.
    let tolerant = json!({"messages": [{"role": "user", "content": "Bye", "mood": 1}],
        "temperature": 0, "n": null, "stop": null, "tools": null, "user": "u", "unknown": {}});
    assert_eq!(client.post(path, tolerant).await.status, 200);
}

#[tokio::test]
async fn what_does_not_fit_or_exist_is_told() {
    let client = shared();
    let long = client
        .post("/v1/chat/completions", question(&"word ".repeat(600)))
        .await;
    assert_eq!(refusal(&long), (400, json!("context_length_exceeded")));
    let other = with(question("hi"), "model", json!("gpt-4"));
    let other = client.post("/v1/chat/completions", other).await;
    assert_eq!(refusal(&other), (404, json!("model_not_found")));
    assert_eq!(
        refusal(&client.get("/v2/nothing").await),
        (404, json!("unknown_url"))
    );
    let wrong_method = client.get("/v1/chat/completions").await;
    assert_eq!(refusal(&wrong_method), (405, json!("method_not_allowed")));
    let unknown = client
        .post("/detokenize", json!({"tokens": [1, 4_000_000_000_u32]}))
        .await;
    assert_eq!(unknown.json()["error"]["param"], "tokens[1]");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_sizes_and_times_are_limits() {
    let mut options = options();
    options.api_keys = vec!["secret".to_owned()];
    options.body_bytes_max = 10_000;
    options.body_time = Duration::from_millis(300);
    let server = start(options);
    let client = Client::of(&server);
    let path = "/v1/chat/completions";
    assert_eq!(
        refusal(&client.post(path, question("hi")).await),
        (401, json!("invalid_api_key"))
    );
    assert_eq!(client.get("/v1/models").await.status, 401);
    assert_eq!(client.get("/health").await.status, 200);
    let ask = |body: String| client.posting(path, body).bearer_auth("secret");
    assert_eq!(
        client.send(ask(question("Bye").to_string())).await.status,
        200
    );
    let large = client
        .send(ask(question(&"x".repeat(20_000)).to_string()))
        .await;
    assert_eq!(refusal(&large), (413, json!("body_too_large")));

    // A client that stops in the middle of its body is told so, and others go on meanwhile.
    let address = client.base.strip_prefix("http://").unwrap().to_owned();
    let slow = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(&address).unwrap();
        let head =
            "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer secret\r\n";
        write!(stream, "{head}content-length: 100\r\n\r\n{{\"mess").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    assert_eq!(
        client.send(ask(question("Bye").to_string())).await.status,
        200
    );
    let answer = slow.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");

    // Not even HTTP.
    let mut stream = TcpStream::connect(client.base.strip_prefix("http://").unwrap()).unwrap();
    stream
        .write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01")
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"),
        "{answer:?}"
    );
    assert_eq!(
        client.send(ask(question("Bye").to_string())).await.status,
        200
    );
    server.signal();
    server.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_is_not_computed_for() {
    let server = start(options());
    let client = Client::of(&server);
    let request = with(
        question("Tell me a story about a fox."),
        "ignore_eos",
        json!(true),
    );
    for stream in [true, false] {
        let request = with(request.clone(), "stream", json!(stream)).to_string();
        let sending = client.posting("/v1/chat/completions", request).send();
        // Long enough to be under way, far too short for 450 tokens.
        let _ = tokio::time::timeout(Duration::from_millis(300), async {
            let mut response = sending.await.unwrap();
            while response.chunk().await.unwrap().is_some() {}
        })
        .await;
    }
    let aborted = "finished_reason=\"abort\"";
    for _ in 0..200 {
        let text = client.get("/metrics").await.body;
        let count = text.lines().find(|line| line.contains(aborted));
        if count.is_some_and(|line| line.ends_with(" 2")) {
            assert_eq!(client.metric("vllm:num_requests_running").await, 0.0);
            server.signal();
            server.wait().unwrap();
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!(
        "the answers were not aborted:\n{}",
        client.get("/metrics").await.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_slowly_delays_nobody() {
    let mut options = options();
    options.engine.max_running = 2;
    let server = start(options);
    let client = Client::of(&server);
    let address = client.base.strip_prefix("http://").unwrap().to_owned();
    let body = with(
        with(
            question("Tell me a story about a fox."),
            "stream",
            json!(true),
        ),
        "max_tokens",
        json!(40),
    );
    let body = with(body, "ignore_eos", json!(true)).to_string();
    // One that asks and does not read at all.
    let mut slow = TcpStream::connect(&address).unwrap();
    let length = body.len();
    write!(
        slow,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    for _ in 0..3 {
        assert_eq!(
            client
                .post("/v1/chat/completions", question("Bye"))
                .await
                .status,
            200
        );
    }
    // Its answer was computed meanwhile, and it is all there when it reads at last.
    while client.metric("vllm:num_requests_running").await > 0.0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let answer = tokio::task::spawn_blocking(move || {
        let mut answer = String::new();
        slow.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    assert!(answer.contains("\"finish_reason\":\"length\""), "{answer}");
    assert!(answer.contains("data: [DONE]"), "{answer}");
    server.signal();
    server.wait().unwrap();
}
