//! Prompts on one server, answers by another: what is said is what one server says.

use serde_json::{Value, json};
use weft_engine::ChipAccelerator;
use weft_server::{Running, ServeOptions, Server};

use super::real::{model, text_of};
use super::{QUICK, Route, backend};

/// A server that takes keys and values from these.
fn server(peers: Vec<String>, keys: &[&str]) -> Running {
    let mut options = ServeOptions::new(model());
    options.kv_peers = peers;
    options.kv_key = Some("between".to_owned());
    options.api_keys = keys.iter().map(|&key| key.to_owned()).collect();
    let chip = ChipAccelerator::new(Default::default()).unwrap();
    Server::load(options, Box::new(chip))
        .unwrap()
        .start()
        .unwrap()
}

fn url(server: &Running) -> String {
    format!("http://{}", server.address())
}

fn request(stream: bool, seed: u32) -> Value {
    let content = "Tell me a story about a fox. ".repeat(12);
    json!({"stream": stream, "seed": seed, "temperature": 0.8, "max_tokens": 24, "ignore_eos": true,
        "messages": [{"role": "user", "content": content}]})
}

async fn ask(url: &str, from: Option<&str>, request: &Value) -> (u16, String) {
    let mut sending = reqwest::Client::new()
        .post(format!("{url}/v1/chat/completions"))
        .body(request.to_string());
    if let Some(from) = from {
        sending = sending.header("x-weft-kv-from", from);
    }
    let response = sending.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

async fn metric(url: &str, start: &str) -> u64 {
    let response = reqwest::get(format!("{url}/metrics")).await.unwrap();
    let text = response.text().await.unwrap();
    let lines = text.lines().filter(|line| line.starts_with(start));
    lines
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_those_of_one_server() {
    let alone = server(Vec::new(), &[]);
    let first = server(Vec::new(), &["between"]);
    let second = server(vec![url(&first)], &[]);
    let slow = "speed = { prefill_base_s = 9.0, prefill_s_per_token = 1.0, step_base_s = 0.1, step_s_per_sequence = 0.0, step_s_per_kv_token = 0.0 }\n";
    let fast = slow.replace("9.0", "0.01").replace("1.0", "0.001");
    let backends = [
        backend(
            "first",
            &url(&first),
            &format!("role = \"prefill\"\napi_key = \"between\"\n{fast}"),
        ),
        backend(
            "second",
            &url(&second),
            &format!("role = \"decode\"\n{slow}"),
        ),
    ]
    .concat();
    let quick = QUICK
        .replace("timeout_s = 0.5", "timeout_s = 20.0")
        .replace("silence_s = 1.0", "silence_s = 60.0");
    let route = Route::start(&format!(
        "policy = \"prefill-decode-split\"\n{quick}[handover]\nlatency_s = 0.001\ns_per_token = 1e-6\n{backends}"
    ));
    for (stream, seed) in [(false, 1), (true, 2)] {
        let request = request(stream, seed);
        let (status, expected) = ask(&url(&alone), None, &request).await;
        assert_eq!(status, 200, "{expected}");
        let (status, name, body) = route.ask(&request).await;
        assert_eq!((status, name.as_str()), (200, "second"), "{body}");
        assert_eq!(text_of(&body, stream), text_of(&expected, stream));
    }
    assert_eq!(
        route
            .metric("weft:gateway_prefills_total{backend=\"first\"}")
            .await,
        2
    );
    // The second has computed no whole block of the prompt: it took over all there are.
    let taken = metric(&url(&second), "weft:kv_handover_tokens_total").await;
    assert!(taken >= 64 && taken.is_multiple_of(32), "{taken}");
    assert_eq!(
        metric(
            &url(&second),
            "weft:kv_handovers_total{model_name=\"weft-tiny\",result=\"done\""
        )
        .await,
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_other_server_the_answer_is_the_same() {
    // A port where nobody listens.
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let second = server(vec![gone.clone()], &[]);
    let request = request(false, 3);
    let (status, expected) = ask(&url(&second), None, &request).await;
    assert_eq!(status, 200, "{expected}");
    let (status, body) = ask(&url(&second), Some(&gone), &request).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(text_of(&body, false), text_of(&expected, false));
    // Whom it does not know it does not ask.
    let (status, body) = ask(&url(&second), Some("http://127.0.0.1:1"), &request).await;
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("--kv-peer"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_for_those_with_the_same_model() {
    let server = server(Vec::new(), &["between"]);
    let client = reqwest::Client::new();
    let ask = async |key: &str, body: &str| {
        let sending = client
            .post(format!("{}/weft/kv", url(&server)))
            .bearer_auth(key)
            .body(body.to_owned());
        let response = sending.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let good = json!({"fingerprint": "0000000000000000", "tokens": [1, 2]}).to_string();
    for (key, body, status, part) in [
        ("other", good.as_str(), 401, "key"),
        ("between", good.as_str(), 400, "another model"),
        ("between", "{", 400, "JSON"),
        ("between", "{\"fingerprint\": 1}", 400, "fingerprint"),
        (
            "between",
            "{\"fingerprint\": \"0\", \"tokens\": [-1]}",
            400,
            "tokens",
        ),
    ] {
        let (found, text) = ask(key, body).await;
        assert_eq!(found, status, "{body}: {text}");
        assert!(text.contains(part), "{body}: {text}");
    }
}
