//! `weft bench fleet`: routing policies and plans against each other on traces.

mod page;
mod picture;
mod published;

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use serde::Serialize;
use weft_fleet::catalog::Catalog;
use weft_fleet::evidence::{Contest, Contestant, Phases, Planned, contest, phases, plans};
use weft_fleet::plan::{Offer, Rules, Spec, Traffic};
use weft_fleet::policy::{self, Slo};
use weft_fleet::sim::Link;
use weft_fleet::spec::{Fleet, Group};
use weft_fleet::trace::Trace;

use crate::failure::note;
use crate::print::say;
use crate::simulate::load;

/// Compare routing policies, plans and phases apart, on traces and mixed fleets.
///
/// Every policy serves bootstrap samples of every trace on three mixed fleets, and on fleets of
/// one chip for the same money. Capacity is the highest rate at which nine in ten requests are
/// within the bounds. A page with tables and pictures states all of it with 95 % confidence.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  weft bench fleet
  weft bench fleet AzureLLMInferenceTrace_conv.csv conversation_trace.jsonl --page docs

The traces are public: github.com/Azure/AzurePublicDataset and github.com/kvcache-ai/Mooncake.
Without any, synthetic traces with their distributions are used.")]
pub(super) struct Arguments {
    /// Traces: files, or the synthetic ones of `weft simulate`.
    #[arg(default_values = ["azure-conversation", "azure-code", "mooncake-conversation"])]
    traces: Vec<String>,
    /// Samples of each trace.
    #[arg(long, default_value = "10")]
    seeds: u64,
    /// Most requests of a trace that are used, from its beginning.
    #[arg(long, default_value = "6000")]
    requests: usize,
    /// Leave the settings of published planners out, and few fleets with phases apart.
    #[arg(long)]
    quick: bool,
    /// Write evidence.md and its pictures into this directory.
    #[arg(long, value_name = "DIRECTORY")]
    page: Option<PathBuf>,
    /// Write all figures as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// The mixed fleets.
const FLEETS: [(&str, &str); 3] = [
    (
        "edge",
        include_str!("../../../../fleet/data/fleets/edge.toml"),
    ),
    (
        "generations",
        include_str!("../../../../fleet/data/fleets/generations.toml"),
    ),
    (
        "domestic",
        include_str!("../../../../fleet/data/fleets/domestic.toml"),
    ),
];
/// Share of requests that must be within the bounds at capacity.
const SHARE: f64 = 0.9;
/// Bound on the time per token, s.
const TPOT_S: f64 = 0.08;
/// Tokens of the mean prompt for each second of the bound on the time to first token, which is a
/// second more.
const TOKENS_PER_S: f64 = 500.0;
/// The policy that the others are compared with.
const OURS: &str = "added-seconds";
/// Share of the capacity of a fleet that its plan is made for.
const PLAN_SHARE: f64 = 1.0;

/// A trace with what is promised to its users.
struct Load {
    name: String,
    trace: Trace,
    slo: Slo,
}

/// One fleet on one trace.
#[derive(Serialize)]
struct Scene {
    fleet: &'static str,
    trace: String,
    slo: Slo,
    /// Policies on the mixed fleet, ours first, then fleets of one chip for the same money.
    contests: Vec<Contest>,
    /// Cost of the mixed fleet, USD/h.
    usd_per_h: f64,
    /// Requests/s that plans are made for.
    planned_for: f64,
    plans: Vec<Planned>,
}

/// Everything that was measured.
#[derive(Serialize)]
struct Evidence {
    seeds: u64,
    share: f64,
    scenes: Vec<Scene>,
    /// Prefill on L4 and decode on W1.
    phases: Vec<Phases>,
    /// The settings of published planners.
    published: Option<published::Published>,
}

/// Measures and prints.
///
/// # Errors
/// When a trace is broken, with its line; when a file cannot be written.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let loads = loads(arguments)?;
    let mut jobs = Vec::new();
    for (fleet, text) in FLEETS {
        for load in &loads {
            jobs.push((fleet, text, load));
        }
    }
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<Scene>)>> = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(jobs.len()) {
            scope.spawn(|| {
                while let Some((fleet, text, load)) = jobs.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let index = jobs
                        .iter()
                        .position(|job| job.0 == *fleet && std::ptr::eq(job.2, *load));
                    let scene = scene(fleet, text, load, arguments.seeds);
                    note(&format!("{fleet} on {} is done", load.name));
                    if let Ok(mut done) = done.lock() {
                        done.push((index.unwrap_or(0), scene));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(index, _)| *index);
    let scenes: Result<Vec<Scene>> = done.into_iter().map(|(_, scene)| scene).collect();
    let link = Link {
        name: "rdma-200g".to_owned(),
        bytes_per_s: 25e9,
        latency_s: 1e-4,
    };
    let slo = Slo {
        ttft_s: 3.0,
        tpot_s: TPOT_S,
    };
    let fleets: &[(u32, u32)] = if arguments.quick {
        &[(1, 4)]
    } else {
        &[(1, 0), (0, 1), (1, 1), (1, 2), (1, 4), (1, 6), (1, 8)]
    };
    let evidence = Evidence {
        seeds: arguments.seeds,
        share: SHARE,
        scenes: scenes?,
        phases: phases(
            "qwen2.5-7b",
            ("l4", "w1"),
            fleets,
            (slo, &link),
            arguments.seeds,
        )?,
        published: if arguments.quick {
            None
        } else {
            Some(published::run(arguments.seeds)?)
        },
    };
    say(&page::summary(&evidence))?;
    if let Some(path) = &arguments.json {
        fs::write(path, serde_json::to_string_pretty(&evidence)?)
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    if let Some(directory) = &arguments.page {
        page::write(directory, &evidence)?;
    }
    Ok(())
}

fn loads(arguments: &Arguments) -> Result<Vec<Load>> {
    let mut loads = Vec::new();
    for name in &arguments.traces {
        let mut trace = load(name, arguments.requests as u64, 10.0, 1)?;
        trace.arrivals.truncate(arguments.requests);
        let end = trace
            .arrivals
            .iter()
            .map(|it| (it.blocks_begin + it.blocks_count) as usize)
            .max();
        trace.blocks.truncate(end.unwrap_or(0));
        let slo = Slo {
            ttft_s: (1.0 + trace.mean_tokens().0 / TOKENS_PER_S).round(),
            tpot_s: TPOT_S,
        };
        let stem = std::path::Path::new(name).file_stem();
        loads.push(Load {
            name: stem.map_or(name.clone(), |it| it.to_string_lossy().into_owned()),
            trace,
            slo,
        });
    }
    Ok(loads)
}

fn scene(name: &'static str, text: &str, load: &Load, seeds: u64) -> Result<Scene> {
    let fleet = Fleet {
        slo: Some(load.slo),
        ..Fleet::parse(text)?
    };
    let prompt = load.trace.mean_tokens().0;
    let mixed = fleet.setup(prompt)?;
    let usd_per_h = |setup: &weft_fleet::sim::Setup<'_>| -> f64 {
        setup.servers.iter().map(|it| it.usd_per_s * 3600.0).sum()
    };
    let budget = usd_per_h(&mixed);
    let mut contestants = Contestant::policies(&mixed);
    contestants.sort_by_key(|it| it.name != OURS);
    for group in &fleet.groups {
        let price = price(group)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count of chips that some dollars buy"
        )]
        let count = (budget / price).floor() as u32;
        let alone = Fleet {
            groups: vec![Group {
                count,
                ..group.clone()
            }],
            ..fleet.clone()
        };
        for policy in ["least-load", OURS] {
            let mut setup = alone.setup(prompt)?;
            setup.policy = policy::by_name(policy)?;
            contestants.push(Contestant {
                name: format!("{count} {} only, {policy}", group.chip),
                setup,
            });
        }
    }
    let contests = contest(&load.trace, &contestants, SHARE, seeds);
    let rate = contests.first().map_or(0.0, |it| it.rate_per_s.mean) * PLAN_SHARE;
    let spec = spec(&fleet, load, rate)?;
    Ok(Scene {
        fleet: name,
        trace: load.name.clone(),
        slo: load.slo,
        usd_per_h: budget,
        planned_for: rate,
        plans: plans(&spec, &load.trace, seeds)?,
        contests,
    })
}

fn price(group: &Group) -> Result<f64> {
    let catalog = Catalog::builtin();
    let chip = catalog.chip(&group.chip)?;
    let rent = chip.rent.as_ref().map(|rent| rent.value);
    group
        .usd_per_h
        .or(rent)
        .with_context(|| format!("no price of {}", group.chip))
}

/// A specification that offers the chips of `fleet` for the requests of `load`.
fn spec(fleet: &Fleet, load: &Load, rate: f64) -> Result<Spec> {
    let offers: Result<Vec<Offer>> = fleet
        .groups
        .iter()
        .map(|group| {
            Ok(Offer {
                name: group.chip.clone(),
                usd_per_h: Some(price(group)?),
                stock: None,
                precision: group.precision,
                kv_bytes: group.kv_bytes,
                tensor: vec![1],
            })
        })
        .collect();
    Ok(Spec {
        model: fleet.model.clone(),
        traffic: Traffic::of(&load.trace, rate),
        slo: load.slo,
        percentile: SHARE,
        link: fleet.link.clone(),
        rules: Rules::default(),
        chips: offers?,
        further: Vec::new(),
    })
}
