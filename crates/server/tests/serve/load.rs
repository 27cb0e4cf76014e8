//! Many clients at once, a full queue, and an ending server: every request gets its answer.

use std::time::Duration;

use serde_json::json;

use super::client::{Client, options, question, start, with};

#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_lost_or_mixed_up_under_load() {
    let mut options = options();
    options.engine.max_running = 8;
    let server = start(options);
    let client = Client::of(&server);
    let mut tasks = Vec::new();
    for index in 0..24_u32 {
        let client = client.clone();
        tasks.push(tokio::spawn(async move {
            // Sums that the model was trained on, each with an answer of its own.
            let (a, b) = (index % 12 + 1, index / 12 + 3);
            let request = question(&format!("What is {a} + {b}?"));
            let stream = index % 2 == 0;
            let answer = client
                .post(
                    "/v1/chat/completions",
                    with(request, "stream", json!(stream)),
                )
                .await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let text = if stream {
                let pieces = answer.events();
                pieces
                    .iter()
                    .map(|event| {
                        event["choices"][0]["delta"]["content"]
                            .as_str()
                            .unwrap_or_default()
                    })
                    .collect()
            } else {
                let body = answer.json();
                body["choices"][0]["message"]["content"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            };
            assert!(
                text.starts_with(&format!("{a} + {b} = ")),
                "{a} + {b}: {text}"
            );
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(client.metric("vllm:num_requests_running").await, 0.0);
    assert_eq!(client.metric("vllm:num_requests_waiting").await, 0.0);
    server.signal();
    server.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_and_what_it_took_is_answered() {
    let mut options = options();
    options.engine.max_running = 1;
    options.engine.max_waiting = 2;
    let server = start(options);
    let client = Client::of(&server);
    let request = with(
        question("Tell me a story about a fox."),
        "max_tokens",
        json!(20),
    );
    // One that runs for a while, so that the queue is what takes the others.
    let long = with(request.clone(), "stream", json!(true));
    let long = with(long, "ignore_eos", json!(true));
    let long = with(long, "max_tokens", json!(100));
    let mut running = client
        .posting("/v1/chat/completions", long.to_string())
        .send()
        .await
        .unwrap();
    let mut body = running.chunk().await.unwrap().unwrap().to_vec();
    let tasks: Vec<_> = (0..12)
        .map(|_| {
            let (client, request) = (client.clone(), request.clone());
            tokio::spawn(async move { client.post("/v1/chat/completions", request).await })
        })
        .collect();
    let (mut answered, mut refused) = (0, 0);
    for task in tasks {
        let answer = task.await.unwrap();
        match answer.status {
            200 => {
                answered += 1;
                assert_eq!(answer.json()["usage"]["completion_tokens"], 20);
            }
            503 => {
                refused += 1;
                assert!(answer.headers.contains_key("retry-after"));
                assert_eq!(answer.json()["error"]["code"], "overloaded");
            }
            status => panic!("{status}: {}", answer.body),
        }
    }
    assert!(
        answered >= 2 && refused >= 1,
        "{answered} answered, {refused} refused"
    );
    while let Some(more) = running.chunk().await.unwrap() {
        body.extend_from_slice(&more);
    }
    let body = String::from_utf8(body).unwrap();
    assert!(body.ends_with("data: [DONE]\n\n"), "{body}");
    assert_eq!(
        client.post("/v1/chat/completions", request).await.status,
        200
    );
    server.signal();
    server.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ending_server_finishes_what_it_has_and_takes_nothing_new() {
    let server = start(options());
    let client = Client::of(&server);
    let request = with(
        question("Tell me a story about a fox."),
        "stream",
        json!(true),
    );
    let request = with(request, "ignore_eos", json!(true));
    let request = with(request, "max_tokens", json!(60));
    let mut response = client
        .posting("/v1/chat/completions", request.to_string())
        .send()
        .await
        .unwrap();
    let mut body = response.chunk().await.unwrap().unwrap().to_vec();
    server.signal();
    let refused = loop {
        let answer = client.get("/health").await;
        if answer.status == 503 {
            break answer;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(refused.json()["error"]["code"], "unavailable");
    assert_eq!(
        client
            .post("/v1/chat/completions", question("hi"))
            .await
            .status,
        503
    );
    while let Some(piece) = response.chunk().await.unwrap() {
        body.extend_from_slice(&piece);
    }
    let body = String::from_utf8(body).unwrap();
    assert!(body.contains("\"finish_reason\":\"length\""), "{body}");
    assert!(body.ends_with("data: [DONE]\n\n"));
    server.wait().unwrap();
}
