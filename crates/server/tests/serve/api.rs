//! What clients of the API read.

use serde_json::{Value, json};

use super::client::{model, question, shared, with};

/// Questions with the answers that Transformers gave with the same weights.
fn samples(count: usize) -> Vec<(String, String)> {
    let report = std::fs::read_to_string(model().join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let samples = report["samples"].as_array().unwrap().iter();
    samples
        .map(|sample| (text(&sample["prompt"]), text(&sample["greedy"])))
        .filter(|(_, answer)| answer.len() < 80)
        .step_by(5)
        .take(count)
        .collect()
}

#[tokio::test]
async fn answers_are_those_of_transformers() {
    let client = shared();
    for (prompt, expected) in samples(3) {
        let answer = client.post("/v1/chat/completions", question(&prompt)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let body = answer.json();
        assert_eq!(body["object"], "chat.completion");
        assert_eq!(body["model"], "weft-tiny");
        let choice = &body["choices"][0];
        assert_eq!(choice["message"]["content"], expected.as_str());
        assert_eq!(choice["message"]["role"], "assistant");
        assert_eq!(choice["finish_reason"], "stop");
        let usage = &body["usage"];
        let total =
            usage["prompt_tokens"].as_u64().unwrap() + usage["completion_tokens"].as_u64().unwrap();
        assert_eq!(usage["total_tokens"], total);
    }
}

#[tokio::test]
async fn a_stream_has_the_form_that_clients_expect() {
    let client = shared();
    let request = with(question("What is 2 + 24?"), "stream", json!(true));
    let request = with(request, "stream_options", json!({"include_usage": true}));
    let answer = client.post("/v1/chat/completions", request).await;
    assert!(
        answer.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/event-stream")
    );
    let events = answer.events();
    let first = &events[0];
    assert_eq!(
        first["choices"][0]["delta"],
        json!({"role": "assistant", "content": ""})
    );
    for event in &events {
        assert_eq!(event["object"], "chat.completion.chunk");
        assert_eq!(
            (&event["id"], &event["created"]),
            (&first["id"], &first["created"])
        );
    }
    let (usage, chunks) = events.split_last().unwrap();
    assert_eq!(usage["choices"], json!([]));
    assert!(usage["usage"]["completion_tokens"].as_u64().unwrap() > 3);
    let (last, chunks) = chunks.split_last().unwrap();
    assert_eq!(last["choices"][0]["finish_reason"], "stop");
    assert_eq!(last["choices"][0]["delta"], json!({}));
    let text: String = chunks
        .iter()
        .map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().unwrap())
        .collect();
    assert_eq!(text, "2 + 24 = 26.");
    assert!(chunks.len() > 4, "the answer did not come in pieces");
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk["choices"][0]["finish_reason"].is_null())
    );
}

#[tokio::test]
async fn stop_strings_seeds_and_several_answers_agree_streamed_or_not() {
    let client = shared();
    let request = json!({"prompt": ["Once there was", "2 + 5 ="], "max_tokens": 12, "n": 2,
        "seed": 7, "temperature": 1.5, "stop": ["s", "\n"], "logprobs": 2});
    let whole = client.post("/v1/completions", request.clone()).await.json();
    let choices = whole["choices"].as_array().unwrap();
    assert_eq!(choices.len(), 4);
    let streamed = client
        .post("/v1/completions", with(request, "stream", json!(true)))
        .await;
    let mut texts = vec![String::new(); 4];
    for event in streamed.events() {
        let choice = &event["choices"][0];
        let index = usize::try_from(choice["index"].as_u64().unwrap()).unwrap();
        texts[index].push_str(choice["text"].as_str().unwrap());
    }
    for (index, choice) in choices.iter().enumerate() {
        assert_eq!(choice["index"], index);
        let text = choice["text"].as_str().unwrap();
        assert_eq!(text, texts[index]);
        assert!(!text.contains(['s', '\n']), "{text:?}");
        if choice["finish_reason"] == "stop" && !choice["stop_reason"].is_null() {
            assert!(
                [json!("s"), json!("\n")].contains(&choice["stop_reason"]),
                "{choice}"
            );
        }
        let logprobs = &choice["logprobs"];
        let chosen = logprobs["token_logprobs"].as_array().unwrap();
        assert_eq!(chosen.len(), logprobs["tokens"].as_array().unwrap().len());
        assert!(
            chosen
                .iter()
                .all(|logprob| logprob.as_f64().unwrap() <= 0.0)
        );
    }
    let differ = (0..4).any(|i| choices[i]["text"] != choices[i / 2 * 2]["text"]);
    assert!(differ, "all draws are the same: {whole}");
}

#[tokio::test]
async fn log_probabilities_of_a_greedy_answer_are_the_largest() {
    let request = with(question("Thanks"), "logprobs", json!(true));
    let body = shared()
        .post(
            "/v1/chat/completions",
            with(request, "top_logprobs", json!(3)),
        )
        .await
        .json();
    let tokens = body["choices"][0]["logprobs"]["content"]
        .as_array()
        .unwrap();
    let mut bytes = Vec::new();
    for token in tokens {
        let top = token["top_logprobs"].as_array().unwrap();
        assert_eq!(top.len(), 3);
        assert_eq!(
            (&top[0]["token"], &top[0]["logprob"]),
            (&token["token"], &token["logprob"])
        );
        let falls = |pair: &[Value]| pair[0]["logprob"].as_f64() >= pair[1]["logprob"].as_f64();
        assert!(top.windows(2).all(falls));
        let own = token["bytes"].as_array().unwrap().iter();
        bytes.extend(own.map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap()));
    }
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("You are welcome!"), "{text}");
}

#[cfg(feature = "structured-output")]
#[tokio::test]
async fn a_schema_is_kept_even_when_the_model_would_say_something_else() {
    let schema = json!({"type": "object", "required": ["mood", "score"], "additionalProperties": false,
        "properties": {"mood": {"enum": ["good", "bad"]}, "score": {"type": "integer", "minimum": 0, "maximum": 9}}});
    let format = json!({"type": "json_schema", "json_schema": {"name": "mood", "schema": schema}});
    let request = with(
        question("Tell me a story about a fox."),
        "response_format",
        format,
    );
    let body = shared().post("/v1/chat/completions", request).await.json();
    let content = body["choices"][0]["message"]["content"].as_str().unwrap();
    let value: Value = serde_json::from_str(content).unwrap_or_else(|_| panic!("{content}"));
    assert!(["good", "bad"].contains(&value["mood"].as_str().unwrap()));
    assert!((0..=9).contains(&value["score"].as_i64().unwrap()));
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
}

#[cfg(feature = "structured-output")]
#[tokio::test]
async fn a_required_tool_is_called() {
    let tool = json!({"type": "function", "function": {"name": "lamp", "parameters": {
        "type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"],
        "additionalProperties": false}}});
    let request = with(question("Hello!"), "tools", json!([tool]));
    let request = with(
        request,
        "tool_choice",
        json!({"type": "function", "function": {"name": "lamp"}}),
    );
    let client = shared();
    let body = client
        .post("/v1/chat/completions", request.clone())
        .await
        .json();
    let choice = &body["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls", "{body}");
    assert!(choice["message"]["content"].is_null());
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!(call["function"]["name"], "lamp");
    let arguments = call["function"]["arguments"].as_str().unwrap();
    assert!(serde_json::from_str::<Value>(arguments).unwrap()["on"].is_boolean());

    let streamed = client
        .post("/v1/chat/completions", with(request, "stream", json!(true)))
        .await;
    let mut pieces = String::new();
    for event in streamed.events() {
        if let Some(calls) = event["choices"][0]["delta"]["tool_calls"].as_array() {
            pieces.push_str(
                calls[0]["function"]["arguments"]
                    .as_str()
                    .unwrap_or_default(),
            );
        }
    }
    assert_eq!(pieces, arguments);
}

#[tokio::test]
async fn tokens_go_there_and_back() {
    let client = shared();
    let text = "<|im_start|>user\nné 你好 🙂<|im_end|>";
    let body = client
        .post(
            "/tokenize",
            json!({"prompt": text, "return_token_strs": true}),
        )
        .await
        .json();
    assert_eq!(body["count"], body["tokens"].as_array().unwrap().len());
    assert_eq!(body["count"], body["token_strs"].as_array().unwrap().len());
    assert_eq!(body["max_model_len"], 512);
    let back = client
        .post("/detokenize", json!({"tokens": body["tokens"]}))
        .await
        .json();
    assert_eq!(back["prompt"], text);
    let chat = json!({"messages": [{"role": "user", "content": "hi"}]});
    let chat = client.post("/tokenize", chat).await.json();
    let text = client
        .post("/detokenize", json!({"tokens": chat["tokens"]}))
        .await
        .json();
    assert_eq!(
        text["prompt"],
        "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    );
}

#[tokio::test]
async fn vectors_have_length_one_in_both_formats() {
    let client = shared();
    let request =
        json!({"input": ["The food is great.", "The food is great."], "model": "weft-tiny"});
    let floats = client.post("/v1/embeddings", request.clone()).await.json();
    let vector = |index: usize| -> Vec<f32> {
        serde_json::from_value(floats["data"][index]["embedding"].clone()).unwrap()
    };
    let length: f32 = vector(0).iter().map(|value| value * value).sum();
    assert!((length - 1.0).abs() < 1e-5, "{length}");
    assert_eq!(vector(0), vector(1));
    let packed = client
        .post(
            "/v1/embeddings",
            with(request, "encoding_format", json!("base64")),
        )
        .await
        .json();
    let text = packed["data"][0]["embedding"].as_str().unwrap();
    assert_eq!(text.len(), (vector(0).len() * 4).div_ceil(3) * 4);
    let ranked = json!({"query": "The food is great.", "documents": ["Bye", "The food is great."], "top_n": 1});
    let ranked = client.post("/rerank", ranked).await.json();
    assert_eq!(ranked["results"][0]["index"], 1);
    assert_eq!(ranked["results"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn models_health_and_metrics_are_there() {
    let client = shared();
    let models = client.get("/v1/models").await.json();
    assert_eq!(models["data"][0]["id"], "weft-tiny");
    assert_eq!(models["data"][0]["max_model_len"], 512);
    assert_eq!(
        client.get("/v1/models/weft-tiny").await.json()["object"],
        "model"
    );
    assert_eq!(client.get("/v1/models/gpt").await.status, 404);
    assert_eq!(client.get("/health").await.status, 200);
    client.post("/v1/chat/completions", question("Bye")).await;
    assert!(client.metric("vllm:generation_tokens_total").await > 0.0);
    assert!(client.metric("vllm:kv_cache_usage_perc").await <= 1.0);
    assert!(client.metric("weft:device_launches_total").await > 0.0);
    assert!(client.get("/metrics").await.body.contains("block_size=\""));
}
