//! A gateway in front of backends that die, stall, refuse and lie: nothing is lost or repeated.
//!
//! The backends are small servers written here, so that each can fail at a chosen place, and real
//! servers of weft-tiny.
#![expect(clippy::unwrap_used, reason = "a panic is the report of a test")]

mod fakes;
mod handover;
mod real;

use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use weft_server::{Gateway, Running};

use fakes::{Behaviour, Fake};

/// A gateway with its configuration file.
struct Route {
    running: Running,
    file: tempfile::NamedTempFile,
    http: reqwest::Client,
}

/// Settings that make tests short.
const QUICK: &str = "listen = \"127.0.0.1:0\"\n\
    [health]\ninterval_s = 0.1\ntimeout_s = 0.5\nfailed_looks = 2\neject_s = 0.5\n\
    [retry]\nsilence_s = 1.0\n";

fn backend(name: &str, url: &str, more: &str) -> String {
    format!("[[backend]]\nname = \"{name}\"\nurl = \"{url}\"\n{more}\n")
}

impl Route {
    fn start(text: &str) -> Self {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        Self {
            running: Gateway::open(file.path()).unwrap().start().unwrap(),
            file,
            http: reqwest::Client::new(),
        }
    }

    fn reconfigure(&self, text: &str) {
        std::fs::write(self.file.path(), text).unwrap();
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address())
    }

    async fn ask(&self, request: &Value) -> (u16, String, String) {
        self.ask_with_key(request, "none").await
    }

    /// Status, the backend that answered, and the body.
    async fn ask_with_key(&self, request: &Value, key: &str) -> (u16, String, String) {
        let sending = self
            .http
            .post(self.url("/v1/chat/completions"))
            .bearer_auth(key);
        let response = sending.body(request.to_string()).send().await.unwrap();
        let name = response.headers().get("x-weft-backend");
        let name = name
            .map(|name| name.to_str().unwrap().to_owned())
            .unwrap_or_default();
        (
            response.status().as_u16(),
            name,
            response.text().await.unwrap(),
        )
    }

    async fn metric(&self, start: &str) -> u64 {
        let text = self
            .http
            .get(self.url("/metrics"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let lines = text.lines().filter(|line| line.starts_with(start));
        lines
            .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
            .sum()
    }

    async fn until(&self, start: &str, least: u64) {
        for _ in 0..1200 {
            if self.metric(start).await >= least {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{start} did not become {least}");
    }
}

fn question(stream: bool) -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": stream})
}

/// The contents of the events of a stream, which must end in order.
fn contents(body: &str) -> Vec<String> {
    assert!(body.ends_with("data: [DONE]\n\n"), "{body}");
    let events = body
        .split_terminator("\n\n")
        .filter_map(|event| event.strip_prefix("data: "));
    let values = events.filter_map(|event| serde_json::from_str::<Value>(event).ok());
    values
        .filter(|value| value.get("error").is_none())
        .map(|value| {
            value["choices"][0]["delta"]["content"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

fn expected() -> Vec<String> {
    (0..fakes::TOKENS)
        .map(|token| format!("t{token} "))
        .collect()
}

/// What came of an answer that broke off after three tokens: the last may not have left the backend.
fn assert_beginning(found: &[String]) {
    assert!((1..=3).contains(&found.len()), "{found:?}");
    assert!(expected().starts_with(found), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_a_backend_refuses_or_drops_is_answered_by_another() {
    for behaviour in [
        Behaviour::Status(500),
        Behaviour::Status(503),
        Behaviour::DropBeforeAnswer,
        Behaviour::BreakAfter(0),
        Behaviour::Silent,
    ] {
        let (bad, good) = (
            Fake::start(behaviour).await,
            Fake::start(Behaviour::Good).await,
        );
        // The order of the names decides ties, so half of the requests meet the bad one first.
        let text = [
            QUICK,
            &backend("a", &bad.url, ""),
            &backend("b", &good.url, ""),
        ]
        .concat();
        let route = Route::start(&format!("policy = \"round-robin\"\n{text}"));
        for stream in [true, false, true, false] {
            let (status, name, body) = route.ask(&question(stream)).await;
            assert_eq!((status, name.as_str()), (200, "b"), "{behaviour:?}: {body}");
            if stream {
                assert_eq!(contents(&body), expected());
            }
        }
        assert!(
            route.metric("weft:gateway_retries_total").await > 0,
            "{behaviour:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_off_is_taken_up_without_repeating_a_token() {
    let (bad, good) = (
        Fake::start(Behaviour::BreakAfter(3)).await,
        Fake::start(Behaviour::Good).await,
    );
    let replay = "replay = true";
    let backends = [
        backend("a", &bad.url, replay),
        backend("b", &good.url, replay),
    ]
    .concat();
    let route = Route::start(&format!("policy = \"round-robin\"\n{QUICK}{backends}"));
    for _ in 0..4 {
        let (status, _, body) = route.ask(&question(true)).await;
        assert_eq!(status, 200);
        assert_eq!(contents(&body), expected(), "{body}");
        let ids: Vec<&str> = body
            .match_indices("\"id\":\"")
            .map(|(at, _)| &body[at..at + 12])
            .collect();
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
    }
    assert!(route.metric("weft:gateway_replays_total").await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_cannot_be_taken_up_ends_with_an_error() {
    let bad = Fake::start(Behaviour::BreakAfter(3)).await;
    let liar = Fake::start(Behaviour::Different).await;
    // Not marked as repeatable: nobody may take it up.
    let route = Route::start(
        &[
            QUICK,
            &backend("a", &bad.url, ""),
            &backend("b", &bad.url, ""),
        ]
        .concat(),
    );
    let (_, _, body) = route.ask(&question(true)).await;
    assert_beginning(&contents(&body));
    assert!(body.contains("\"error\""), "{body}");
    // Taken up by one that says something else.
    let replay = "replay = true";
    let backends = [
        backend("a", &bad.url, replay),
        backend("b", &liar.url, replay),
    ]
    .concat();
    let route = Route::start(&format!("policy = \"round-robin\"\n{QUICK}{backends}"));
    for _ in 0..2 {
        let (_, name, body) = route.ask(&question(true)).await;
        if name == "a" {
            assert_beginning(&contents(&body));
            assert!(body.contains("it differs"), "{body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_backend_is_hedged() {
    let (slow, good) = (
        Fake::start(Behaviour::Silent).await,
        Fake::start(Behaviour::Good).await,
    );
    let backends = [backend("a", &slow.url, ""), backend("b", &good.url, "")].concat();
    let quick = QUICK.replace("silence_s = 1.0", "silence_s = 60.0\nhedge_s = 0.1");
    let route = Route::start(&format!("policy = \"round-robin\"\n{quick}{backends}"));
    for _ in 0..4 {
        let (status, name, _) = route.ask(&question(false)).await;
        assert_eq!((status, name.as_str()), (200, "b"));
    }
    assert!(route.metric("weft:gateway_hedges_total").await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_configuration_keeps_the_old_one_and_a_good_one_is_taken_over() {
    let (first, second) = (
        Fake::start(Behaviour::Good).await,
        Fake::start(Behaviour::Good).await,
    );
    let (a, b) = (backend("a", &first.url, ""), backend("b", &second.url, ""));
    let route = Route::start(&format!("{QUICK}{a}"));
    assert_eq!(route.ask(&question(false)).await.1, "a");
    route.reconfigure(&format!("{QUICK}{a}{b}colour = 1\n"));
    route.until("weft:gateway_refused_reloads_total", 1).await;
    assert_eq!(route.ask(&question(false)).await.1, "a");
    route.reconfigure(&format!("{QUICK}{a}drain = true\n{b}"));
    route.until("weft:gateway_reloads_total", 1).await;
    for _ in 0..3 {
        assert_eq!(route.ask(&question(false)).await.1, "b");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_have_quotas_and_errors_of_requests_are_passed_on() {
    let fake = Fake::start(Behaviour::Status(400)).await;
    let keys = "[[key]]\nkey = \"k\"\nname = \"one\"\nrequests_per_minute = 2.0\n";
    let route = Route::start(&[QUICK, keys, &backend("a", &fake.url, "")].concat());
    assert_eq!(route.ask_with_key(&question(false), "wrong").await.0, 401);
    assert_eq!(route.ask_with_key(&question(false), "k").await.0, 400);
    assert_eq!(route.ask_with_key(&question(false), "k").await.0, 400);
    assert_eq!(route.ask_with_key(&question(false), "k").await.0, 429);
    assert_eq!(route.metric("weft:gateway_retries_total").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_backends_the_answer_is_unavailable() {
    let route = Route::start(&[QUICK, &backend("a", "http://127.0.0.1:9", "")].concat());
    let (status, _, body) = route.ask(&question(false)).await;
    assert!([502, 503].contains(&status), "{status}: {body}");
    assert!(serde_json::from_str::<Value>(&body).unwrap()["error"]["message"].is_string());
}
