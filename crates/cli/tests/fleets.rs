//! `weft chips`, `weft simulate`, `weft plan` and `weft bench fleet` as a user sees them: what they
//! print and write, and what they say of mistakes.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

const FLEET: &str = r#"
model = "qwen2.5-7b"
policy = "added-seconds"
slo = { ttft_s = 3.0, tpot_s = 0.08 }
[[group]]
chip = "l4"
count = 2
usd_per_h = 0.8
[[group]]
chip = "w1"
count = 3
kv_bytes = 1
usd_per_h = 0.25
"#;

const SPEC: &str = r#"
model = "qwen2.5-7b"
slo = { ttft_s = 3.0, tpot_s = 0.08 }
percentile = 0.9
[traffic]
rate = 4.0
prompt = { median = 600, p95 = 1500, most = 4000 }
output = { median = 100, p95 = 300, most = 600 }
[rules]
watts_max = 900
[[chip]]
name = "l4"
usd_per_h = 0.8
stock = 30
[[chip]]
name = "w1"
usd_per_h = 0.25
kv_bytes = 1
"#;

/// A directory with files of a test.
struct Place(TempDir);

struct Said {
    status: i32,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn with(self, name: &str, text: &str) -> Self {
        fs::write(self.path(name), text).unwrap();
        self
    }

    /// Runs `weft` in the directory.
    fn weft(&self, arguments: &[&str]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_weft"))
            .args(arguments)
            .current_dir(self.0.path())
            .output()
            .unwrap();
        Said {
            status: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap()
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The one line of the failure of `arguments`.
    fn fails(&self, arguments: &[&str]) -> String {
        let said = self.weft(arguments);
        assert_ne!(said.status, 0, "{}", said.out);
        assert!(said.err.starts_with("error: "), "{}", said.err);
        said.err
    }
}

#[test]
fn chips_are_compared_in_text_json_and_pictures() {
    let place = Place::new();
    let said = place.weft(&[
        "chips", "compare", "w1", "l4", "h100-sxm", "--model", "qwen3-8b", "--isl", "1024",
        "--osl", "256", "--json", "c.json", "--html", "c.html",
    ]);
    assert_eq!(said.status, 0, "{}", said.err);
    let table = place.json("c.json");
    let chips = table["chips"].as_array().unwrap();
    assert_eq!(chips.len(), 3);
    let of = |chip: &str, key: &str| -> f64 {
        let row = chips.iter().find(|it| it["chip"] == chip).unwrap();
        row[key].as_f64().unwrap()
    };
    // 3,350 GB/s against 512 and 300.
    assert!(of("h100-sxm", "alone_tokens_per_s") > of("w1", "alone_tokens_per_s"));
    assert!(of("w1", "alone_tokens_per_s") > of("l4", "alone_tokens_per_s"));
    assert!(of("w1", "ttft_s") > 3.0 * of("l4", "ttft_s"));
    let page = place.text("c.html");
    assert!(page.matches("<svg").count() >= 5 && page.contains("roofline"));
}

#[test]
fn unknown_chips_and_models_suggest_near_ones() {
    let place = Place::new();
    let error = place.fails(&["chips", "compare", "l44"]);
    assert!(error.contains("unknown chip `l44`; near it: l4"), "{error}");
    let error = place.fails(&["chips", "compare", "l4", "--model", "qwen3-8"]);
    assert!(error.contains("qwen3-8b"), "{error}");
    let error = place.fails(&["chips", "compare", "l4", "--price", "l4=free"]);
    assert!(error.contains("`free` is no price"), "{error}");
}

#[test]
fn a_simulation_is_told_and_written() {
    let place = Place::new().with("fleet.toml", FLEET);
    let arguments = [
        "simulate",
        "azure-conversation",
        "fleet.toml",
        "--requests",
        "2000",
        "--rate",
        "3",
        "--json",
        "s.json",
    ];
    let said = place.weft(&arguments);
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(said.out.contains("policy added-seconds"), "{}", said.out);
    let first = place.json("s.json");
    assert_eq!(first["requests"], 2000);
    assert_eq!(first["answered"], 2000);
    for (key, zero) in [("lost", 0), ("answered_twice", 0), ("refused", 0)] {
        assert_eq!(first[key], zero, "{key}");
    }
    for key in ["goodput_per_s", "usd", "events_per_host_second"] {
        assert!(first[key].as_f64().unwrap() > 0.0, "{key}");
    }
    for key in ["ttft", "tpot"] {
        assert!(first[key]["p99"].as_f64().unwrap() >= first[key]["p50"].as_f64().unwrap());
    }
    // But for the host's time, the same again.
    place.weft(&arguments);
    let mut again = place.json("s.json");
    for key in ["host_seconds", "events_per_host_second"] {
        again[key] = first[key].clone();
    }
    assert_eq!(first, again);
}

#[test]
fn broken_traces_and_fleets_name_the_line() {
    let place = Place::new()
        .with("fleet.toml", FLEET)
        .with("typo.toml", &FLEET.replace("count = 3", "cout = 3"))
        .with("policy.toml", &FLEET.replace("added-seconds", "add-seconds"))
        .with(
            "azure.csv",
            "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,374,44\n2023-11-16 18:15:47,x,1\n",
        )
        .with(
            "mooncake.jsonl",
            "{\"timestamp\": 1, \"input_length\": 2, \"output_length\": 3}\n{\"timestamp\": 1}\n",
        );
    let error = place.fails(&["simulate", "azure.csv", "fleet.toml"]);
    assert!(
        error.contains("azure.csv") && error.contains("line 3: `x` is no count of tokens"),
        "{error}"
    );
    let error = place.fails(&["simulate", "mooncake.jsonl", "fleet.toml"]);
    assert!(
        error.contains("line 2") && error.contains("input_length"),
        "{error}"
    );
    let error = place.fails(&["simulate", "azure-code", "typo.toml"]);
    assert!(
        error.contains("line 11") && error.contains("cout"),
        "{error}"
    );
    let error = place.fails(&["simulate", "azure-code", "policy.toml"]);
    assert!(error.contains("near it: added-seconds"), "{error}");
    let error = place.fails(&["simulate", "no-such-trace", "fleet.toml"]);
    assert!(error.contains("failed to read no-such-trace"), "{error}");
}

#[test]
fn a_plan_comes_with_all_its_outputs() {
    let place = Place::new().with("spec.toml", SPEC);
    let said = place.weft(&[
        "plan",
        "spec.toml",
        "--json",
        "p.json",
        "--html",
        "p.html",
        "--manifests",
        "p.yaml",
    ]);
    assert_eq!(said.status, 0, "{}{}", said.out, said.err);
    for wanted in [
        "total ",
        "in the simulator",
        "binds: traffic of 4",
        "instead, ",
    ] {
        assert!(said.out.contains(wanted), "{wanted}: {}", said.out);
    }
    let plan = place.json("p.json");
    assert_eq!(plan["holds"], true);
    let parts = plan["best"]["parts"].as_array().unwrap();
    let servers: u64 = parts.iter().map(|it| it["servers"].as_u64().unwrap()).sum();
    assert!(plan["best"]["watts"].as_f64().unwrap() <= 900.0);
    assert!(plan["verified"]["slo_share"].as_f64().unwrap() >= 0.9);
    assert!(!plan["others"].as_array().unwrap().is_empty());
    assert!(plan["reasons"][0]["usd_per_h"].as_f64().unwrap() > 0.0);
    assert!(place.text("p.html").matches("<svg").count() >= 3);
    let manifests = place.text("p.yaml");
    assert_eq!(manifests.matches("kind: Deployment").count(), parts.len());
    let replicas: u64 = manifests
        .lines()
        .filter_map(|line| line.trim().strip_prefix("replicas: "))
        .map(|count| count.parse::<u64>().unwrap())
        .sum();
    assert_eq!(replicas, servers);
}

#[test]
fn a_plan_can_follow_a_recorded_trace() {
    let mut trace = String::from("TIMESTAMP,ContextTokens,GeneratedTokens\n");
    for second in 0..600 {
        let (prompt, output) = (300 + second * 37 % 900, 40 + second * 13 % 90);
        let (minute, left) = (second / 60, second % 60);
        trace.push_str(&format!(
            "2023-11-16 18:{minute:02}:{left:02},{prompt},{output}\n"
        ));
    }
    let place = Place::new().with("spec.toml", SPEC).with("t.csv", &trace);
    let said = place.weft(&["plan", "spec.toml", "--trace", "t.csv", "--json", "p.json"]);
    assert_eq!(said.status, 0, "{}{}", said.out, said.err);
    let plan = place.json("p.json");
    assert_eq!(plan["verified"]["requests"], 600);
    // At the rate of the specification, four times that of the trace.
    let seconds = plan["verified"]["seconds"].as_f64().unwrap();
    assert!((140.0..200.0).contains(&seconds), "{seconds}");
}

#[test]
fn infeasible_specifications_say_what_clashes() {
    let place = Place::new()
        .with(
            "watts.toml",
            &SPEC.replace("watts_max = 900", "watts_max = 60"),
        )
        .with(
            "fast.toml",
            &SPEC.replace("ttft_s = 3.0", "ttft_s = 0.0001"),
        )
        .with("chip.toml", &SPEC.replace("\"l4\"", "\"l5\""))
        .with("typo.toml", &SPEC.replace("rate = 4.0", "rat = 4.0"));
    let error = place.fails(&["plan", "watts.toml"]);
    assert!(
        error.contains("at most 60 W")
            && error.contains("traffic of 4")
            && !error.contains("stock"),
        "{error}"
    );
    let error = place.fails(&["plan", "fast.toml"]);
    assert!(error.contains("time to first token of 0.0001 s"), "{error}");
    let error = place.fails(&["plan", "chip.toml"]);
    assert!(
        error.contains("unknown chip `l5`") && error.contains("l4"),
        "{error}"
    );
    let error = place.fails(&["plan", "typo.toml"]);
    assert!(error.contains("line 6") && error.contains("rat"), "{error}");
    let error = place.fails(&["plan", "no.toml"]);
    assert!(error.contains("failed to read no.toml"), "{error}");
}

#[test]
fn policies_are_compared_on_synthetic_traces() {
    let place = Place::new();
    let said = place.weft(&[
        "bench",
        "fleet",
        "azure-conversation",
        "--requests",
        "250",
        "--seeds",
        "2",
        "--quick",
        "--page",
        ".",
        "--json",
        "e.json",
    ]);
    assert_eq!(said.status, 0, "{}", said.err);
    let evidence = place.json("e.json");
    let scenes = evidence["scenes"].as_array().unwrap();
    assert_eq!(scenes.len(), 3);
    for scene in scenes {
        let contests = scene["contests"].as_array().unwrap();
        assert_eq!(contests[0]["name"], "added-seconds");
        assert!(contests.len() > 10);
        assert!(contests[0]["rate_per_s"]["mean"].as_f64().unwrap() > 0.0);
    }
    let page = place.text("evidence.md");
    for picture in page
        .split("](")
        .skip(1)
        .filter_map(|it| it.split(')').next())
    {
        assert!(place.path(picture).exists(), "{picture}");
    }
    assert!(page.contains("the finding is"), "{page}");
}
