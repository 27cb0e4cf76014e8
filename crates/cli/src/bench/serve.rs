//! `weft bench serve`: load on a server, in the lines of `vllm bench serve`.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;
use weft_server::{LoadFigures, LoadOptions, Percentiles, load_server};

use crate::failure::Failure;

/// Measure an OpenAI-compatible server under load.
///
/// Sends completions with random prompts as they stream and prints the lines of `vllm bench
/// serve`. Times are this host's: those of a server that simulates a chip say nothing of the chip.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  weft bench serve --base-url http://127.0.0.1:8000 --num-prompts 64 --request-rate 4
  weft bench serve --input-len 200 --output-len 50 --max-concurrency 8 --json FILE")]
pub(crate) struct Arguments {
    /// The server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8000")]
    base_url: String,
    /// Key to send.
    #[arg(long, value_name = "KEY", env = "WEFT_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// The model in requests [default: the first that the server lists].
    #[arg(long)]
    model: Option<String>,
    /// Requests in all.
    #[arg(long, value_name = "N", default_value_t = 32)]
    num_prompts: u32,
    /// Tokens of a prompt.
    #[arg(long, value_name = "N", default_value_t = 128)]
    input_len: u32,
    /// Tokens of an answer; ends of sequence are ignored.
    #[arg(long, value_name = "N", default_value_t = 32)]
    output_len: u32,
    /// Tokens that all prompts begin with, beside their own.
    #[arg(long, value_name = "N", default_value_t = 0)]
    prefix_len: u32,
    /// Lengths vary by this part of themselves, up and down.
    #[arg(long, value_name = "PART", default_value_t = 0.0)]
    range_ratio: f64,
    /// Token ids of prompts are below this.
    #[arg(long, value_name = "N", default_value_t = 256)]
    vocab_size: u32,
    /// Requests per second; `inf` sends all at once.
    #[arg(long, value_name = "RATE", default_value_t = f64::INFINITY)]
    request_rate: f64,
    /// 1: pauses of a Poisson process; less is burstier, more is steadier.
    #[arg(long, default_value_t = 1.0)]
    burstiness: f64,
    /// Requests under way at once.
    #[arg(long, value_name = "N")]
    max_concurrency: Option<u32>,
    /// Seconds that a request may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
    /// Of prompts, lengths and pauses.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Write the figures as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut options = LoadOptions::new(arguments.base_url.clone());
    options.api_key.clone_from(&arguments.api_key);
    options.model.clone_from(&arguments.model);
    options.requests = arguments.num_prompts;
    options.input_tokens = arguments.input_len;
    options.output_tokens = arguments.output_len;
    options.prefix_tokens = arguments.prefix_len;
    options.range_ratio = arguments.range_ratio;
    options.vocabulary = arguments.vocab_size;
    options.request_rate = arguments.request_rate;
    options.burstiness = arguments.burstiness;
    options.max_concurrency = arguments.max_concurrency;
    options.timeout = Duration::from_secs(arguments.timeout);
    options.seed = arguments.seed;
    let figures = load_server(&options, |_| {})?;
    print(arguments, &figures);
    if let Some(path) = &arguments.json {
        let mut text = serde_json::to_string_pretty(&json_of(arguments, &figures))?;
        text.push('\n');
        fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))?;
    }
    if let Some(reason) = &figures.first_failure {
        let message = format!("{} requests failed: {reason}", figures.failed);
        return Err(Failure::new(message).into());
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the result")]
fn print(arguments: &Arguments, figures: &LoadFigures) {
    let whole = |label: &str, value: u64| println!("{label:<40} {value:<10}");
    let fraction = |label: &str, value: f64| println!("{label:<40} {value:<10.2}");
    println!("{:=^50}", " Serving Benchmark Result ");
    whole("Successful requests:", figures.successful.into());
    whole("Failed requests:", figures.failed.into());
    if let Some(places) = arguments.max_concurrency {
        whole("Maximum request concurrency:", places.into());
    }
    if arguments.request_rate.is_finite() {
        fraction("Request rate configured (RPS):", arguments.request_rate);
    }
    fraction("Benchmark duration (s):", figures.duration_s);
    whole("Total input tokens:", figures.input_tokens);
    whole("Total generated tokens:", figures.output_tokens);
    fraction("Request throughput (req/s):", figures.requests_per_s);
    fraction(
        "Output token throughput (tok/s):",
        figures.output_tokens_per_s,
    );
    fraction(
        "Peak output token throughput (tok/s):",
        figures.output_tokens_per_s_peak,
    );
    fraction("Peak concurrent requests:", figures.concurrency_peak.into());
    fraction("Total token throughput (tok/s):", figures.tokens_per_s);
    for (title, name, values) in metrics(figures) {
        println!("{title:-^50}");
        fraction(&format!("Mean {name} (ms):"), values.mean);
        fraction(&format!("Median {name} (ms):"), values.median);
        fraction(&format!("P99 {name} (ms):"), values.p99);
    }
    println!("{}", "=".repeat(50));
}

const fn metrics(figures: &LoadFigures) -> [(&'static str, &'static str, Percentiles); 4] {
    [
        ("Time to First Token", "TTFT", figures.ttft_ms),
        (
            "Time per Output Token (excl. 1st token)",
            "TPOT",
            figures.tpot_ms,
        ),
        ("Inter-token Latency", "ITL", figures.itl_ms),
        ("End-to-end Latency", "E2EL", figures.e2el_ms),
    ]
}

/// The keys of the file that vLLM writes.
fn json_of(arguments: &Arguments, figures: &LoadFigures) -> serde_json::Value {
    let mut value = json!({
        "model_id": figures.model,
        "num_prompts": arguments.num_prompts,
        "request_rate": if arguments.request_rate.is_finite() { json!(arguments.request_rate) } else { json!("inf") },
        "burstiness": arguments.burstiness,
        "max_concurrency": arguments.max_concurrency,
        "duration": figures.duration_s,
        "completed": figures.successful,
        "failed": figures.failed,
        "total_input_tokens": figures.input_tokens,
        "total_output_tokens": figures.output_tokens,
        "request_throughput": figures.requests_per_s,
        "output_throughput": figures.output_tokens_per_s,
        "max_output_tokens_per_s": figures.output_tokens_per_s_peak,
        "max_concurrent_requests": figures.concurrency_peak,
        "total_token_throughput": figures.tokens_per_s,
    });
    for (_, name, values) in metrics(figures) {
        let name = name.to_lowercase();
        value[format!("mean_{name}_ms")] = json!(values.mean);
        value[format!("median_{name}_ms")] = json!(values.median);
        value[format!("p99_{name}_ms")] = json!(values.p99);
    }
    value
}
