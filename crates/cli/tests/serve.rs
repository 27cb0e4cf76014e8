//! `weft serve` and `weft route` as processes of their own, over TCP: what one of them says, what
//! two of them say together, and what becomes of requests when processes are killed or stopped.
#![expect(clippy::unwrap_used, reason = "a panic is the report of a test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// A command that serves, from the line that says where.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_weft"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let (_, url) = line
            .trim()
            .rsplit_once(' ')
            .expect("a line with the address");
        Self {
            child,
            url: url.to_owned(),
        }
    }

    fn serve(more: &[&str]) -> Self {
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/weft-tiny");
        let model = model.to_str().unwrap();
        Self::start(&[&["serve", model, "--port", "0"], more].concat())
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    fn host(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// Status and body of a request. In HTTP/1.0 the body is all that comes until the end.
    fn http(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.host()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(120)))
            .unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nhost: {}\r\ncontent-length: {}\r\n\r\n{body}",
            self.host(),
            body.len()
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    /// The text of an answer.
    fn ask(&self, request: &Value) -> String {
        let (status, body) = self.http("POST", "/v1/chat/completions", &request.to_string());
        assert_eq!(status, 200, "{body}");
        let value: Value = serde_json::from_str(&body).unwrap();
        let content = &value["choices"][0]["message"]["content"];
        content.as_str().unwrap().to_owned()
    }

    fn metric(&self, start: &str) -> f64 {
        let (_, text) = self.http("GET", "/metrics", "");
        let lines = text.lines().filter(|line| line.starts_with(start));
        lines
            .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
            .sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn request(seed: usize, repeat: usize) -> Value {
    let content = "Tell me a story about a fox. ".repeat(repeat);
    json!({"seed": seed, "temperature": 0.8, "max_tokens": 32, "ignore_eos": true,
        "messages": [{"role": "user", "content": content}]})
}

fn route(configuration: &str) -> (Server, tempfile::NamedTempFile) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(configuration.as_bytes()).unwrap();
    let route = Server::start(&["route", file.path().to_str().unwrap()]);
    (route, file)
}

#[test]
fn a_prompt_of_one_process_is_answered_by_another() {
    let first = Server::serve(&[]);
    let second = Server::serve(&["--kv-peer", &first.url]);
    let (route, _file) = route(&format!(
        "listen = \"127.0.0.1:0\"\npolicy = \"prefill-decode-split\"\n\
         [health]\ntimeout_s = 30.0\n\
         [handover]\nlatency_s = 0.001\ns_per_token = 1e-6\n\
         [[backend]]\nname = \"first\"\nurl = \"{}\"\nrole = \"prefill\"\n\
         [[backend]]\nname = \"second\"\nurl = \"{}\"\nrole = \"decode\"\n",
        first.url, second.url
    ));
    let request = request(1, 12);
    let apart = route.ask(&request);
    assert_eq!(apart, first.ask(&request), "as one process says it");
    let taken = second.metric("weft:kv_handover_tokens_total");
    assert!(taken >= 64.0, "{taken} tokens were taken over");
    let cached = second.metric("vllm:prompt_tokens_cached_total");
    assert!(
        (cached - taken).abs() < 0.5,
        "{cached} tokens were not computed"
    );
    // SIGTERM: a server that has nothing to do ends well.
    second.signal(Signal::TERM);
    let mut second = second;
    assert!(second.child.wait().unwrap().success());
}

#[test]
fn no_request_is_lost_when_processes_are_killed_and_stopped() {
    let servers: Vec<Server> = (0..3).map(|_| Server::serve(&[])).collect();
    let backends: String = servers
        .iter()
        .enumerate()
        .map(|(index, server)| {
            format!(
                "[[backend]]\nname = \"s{index}\"\nurl = \"{}\"\nreplay = true\n",
                server.url
            )
        })
        .collect();
    let (route, _file) = route(&format!(
        "listen = \"127.0.0.1:0\"\npolicy = \"round-robin\"\n\
         [health]\ninterval_s = 0.2\ntimeout_s = 4.0\nfailed_looks = 2\n\
         [retry]\nsilence_s = 60.0\nattempts = 8\n{backends}"
    ));
    let texts: Vec<String> = std::thread::scope(|scope| {
        let (route, servers) = (&route, &servers);
        let load: Vec<_> = (0..9)
            .map(|seed| scope.spawn(move || route.ask(&request(seed, 1))))
            .collect();
        // As soon as the first is at work, it is killed, and the second stands still.
        let begin = Instant::now();
        while servers[0].metric("vllm:num_requests_running") == 0.0 {
            assert!(begin.elapsed() < Duration::from_secs(60), "nothing runs");
        }
        servers[0].signal(Signal::KILL);
        servers[1].signal(Signal::STOP);
        let texts = load.into_iter().map(|task| task.join().unwrap()).collect();
        servers[1].signal(Signal::CONT);
        texts
    });
    let failures = route.metric("weft:gateway_failures_total{backend=\"s0\"}");
    assert!(failures > 0.0, "the killed one was at work");
    for seed in [0, 1, 5] {
        let expected = servers[2].ask(&request(seed, 1));
        assert_eq!(texts[seed], expected, "seed {seed}");
    }
}
