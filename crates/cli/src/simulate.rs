//! `weft simulate`: replays a trace on a fleet.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result};
use weft_fleet::policy;
use weft_fleet::sim::{Outcome, Percentiles, simulate};
use weft_fleet::spec::Fleet;
use weft_fleet::trace::{Synthetic, Trace, read};

use crate::chips::table::align;
use crate::print::say;

/// Replay a trace of requests on a fleet, in virtual time.
///
/// TRACE is a file in the format of Azure LLM 2023, Mooncake or BurstGPT, or a synthetic trace:
/// azure-conversation, azure-code or mooncake-conversation. FLEET is a TOML file; docs/fleets.md
/// describes it.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  weft simulate azure-conversation fleet.toml --rate 20 --requests 100000
  weft simulate conversation_trace.jsonl fleet.toml --policy prefix-affinity --json result.json")]
pub(crate) struct Arguments {
    /// The trace.
    trace: String,
    /// The fleet.
    fleet: PathBuf,
    /// Requests of a synthetic trace.
    #[arg(long, default_value = "20000")]
    requests: u64,
    /// Requests per second of a synthetic trace.
    #[arg(long, default_value = "10")]
    rate: f64,
    /// Seed of a synthetic trace.
    #[arg(long, default_value = "1")]
    seed: u64,
    /// Times as fast as the trace was.
    #[arg(long, default_value = "1")]
    faster: f64,
    /// Another routing policy than the fleet's.
    #[arg(long)]
    policy: Option<String>,
    /// Write the result as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Simulates.
///
/// # Errors
/// When a file is broken, with its line; when a name is unknown; when a file cannot be written.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let trace = load(
        &arguments.trace,
        arguments.requests,
        arguments.rate,
        arguments.seed,
    )?
    .faster(arguments.faster);
    let shown = arguments.fleet.display();
    let text =
        fs::read_to_string(&arguments.fleet).with_context(|| format!("failed to read {shown}"))?;
    let fleet = Fleet::parse(&text).with_context(|| format!("in {shown}"))?;
    let mut setup = fleet
        .setup(trace.mean_tokens().0)
        .with_context(|| format!("in {shown}"))?;
    if let Some(name) = &arguments.policy {
        setup.policy = policy::by_name(name)?;
    }
    let begun = Instant::now();
    let outcome = simulate(&trace, &setup);
    let host_s = begun.elapsed().as_secs_f64();
    say(&table(&outcome, setup.policy.name(), host_s))?;
    if let Some(path) = &arguments.json {
        let mut value = serde_json::to_value(&outcome)?;
        if let Some(map) = value.as_object_mut() {
            map.insert("policy".to_owned(), setup.policy.name().into());
            map.insert("host_seconds".to_owned(), host_s.into());
            map.insert(
                "events_per_host_second".to_owned(),
                (outcome.events as f64 / host_s).into(),
            );
        }
        fs::write(path, serde_json::to_string_pretty(&value)?)
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The trace called `name`, or in the file of that name. Count, rate and seed are of synthetic
/// ones.
///
/// # Errors
/// When the file cannot be read, or is broken: then with the line.
pub(crate) fn load(name: &str, count: u64, rate: f64, seed: u64) -> Result<Trace> {
    let made = match name {
        "azure-conversation" => Some(Synthetic::azure_conversation(count, rate, seed)),
        "azure-code" => Some(Synthetic::azure_code(count, rate, seed)),
        "mooncake-conversation" => Some(Synthetic::mooncake_conversation(count, rate, seed)),
        _ => None,
    };
    if let Some(service) = made {
        return Ok(service.trace());
    }
    let text = fs::read_to_string(name).with_context(|| format!("failed to read {name}"))?;
    read(&text).with_context(|| format!("in {name}"))
}

/// The outcome as text.
pub(crate) fn table(outcome: &Outcome, policy: &str, host_s: f64) -> String {
    let latency = |name: &str, it: &Percentiles| -> Vec<String> {
        let mut row = vec![name.to_owned()];
        row.extend([it.mean, it.p50, it.p90, it.p95, it.p99].map(|value| format!("{value:.4}")));
        row
    };
    let header = ["s", "mean", "p50", "p90", "p95", "p99"]
        .map(str::to_owned)
        .to_vec();
    let rows = [
        header,
        latency("time to first token", &outcome.ttft),
        latency("time per output token", &outcome.tpot),
        latency("time to last token", &outcome.total),
    ];
    format!(
        "policy {policy}\n\
         requests {}: answered {}, refused {}, unserved {}, lost {}, routed again {}\n\
         simulated {:.0} s; cached {:.1} % of prompt tokens\n\
         within the bounds {:.2} %, {:.3} requests/s; cost {:.2} USD, {:.4} for 1,000 of them\n\
         {}host: {:.2} s, {:.0} events/s\n",
        outcome.requests,
        outcome.answered,
        outcome.refused,
        outcome.unserved,
        outcome.lost,
        outcome.retries,
        outcome.seconds,
        outcome.cached_share * 100.0,
        outcome.slo_share * 100.0,
        outcome.goodput_per_s,
        outcome.usd,
        outcome.usd_per_1k_good,
        align(&rows, 1),
        host_s,
        outcome.events as f64 / host_s.max(1e-9),
    )
}
