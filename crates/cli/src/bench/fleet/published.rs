//! The settings of two published planners, planned and simulated by ours.
//!
//! Their profiles are not public, so the laws of this release stand for them, and models of the
//! catalogue for theirs: what can agree is the size of the savings, not a number.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;
use weft_fleet::evidence::{Interval, Slowdown};
use weft_fleet::perf::Precision;
use weft_fleet::plan::{Offer, PlanError, Rules, Spec, Traffic, plan};
use weft_fleet::policy::Slo;
use weft_fleet::sim::Setup;
use weft_fleet::spec::Fleet;
use weft_fleet::trace::{Lengths, Synthetic};

use super::page::show;

/// One traffic of Mélange.
#[derive(Serialize)]
pub(super) struct Mixed {
    traffic: &'static str,
    /// What it reports to save at most against fleets of one kind, percent.
    published: f64,
    rows: Vec<Saving>,
}

/// Costs of plans for one rate, USD/h.
#[derive(Serialize)]
struct Saving {
    /// Requests/s.
    rate: f64,
    /// With all kinds.
    together: f64,
    /// The cheapest kind alone.
    best: (String, f64),
    /// The dearest.
    worst: (String, f64),
}

/// A fleet after Splitwise.
#[derive(Serialize)]
struct Parted {
    name: String,
    /// Machines for prompts, or for both phases.
    prompts: u32,
    /// Machines for answers; 0 where the phases are together.
    answers: u32,
    usd_per_h: f64,
    /// Requests/s within the published bounds.
    rate_per_s: Interval,
}

/// The settings of both planners.
#[derive(Serialize)]
pub(super) struct Published {
    melange: Vec<Mixed>,
    /// Fleets for the same money; those of machines that do both phases first.
    splitwise: Vec<Parted>,
}

fn lengths(median: f64, p95: f64, most: u32) -> Lengths {
    Lengths { median, p95, most }
}

/// Llama 8B in BF16 on L4, A10, A100 and H100 at the prices of Mélange; 120 ms a token.
fn melange() -> Result<Vec<Mixed>> {
    let prices = [
        ("l4", 0.70),
        ("a10", 1.01),
        ("a100-80gb-sxm", 3.67),
        ("h100-sxm", 7.516),
    ];
    let offer = |(name, usd): (&str, f64)| Offer {
        name: name.to_owned(),
        usd_per_h: Some(usd),
        stock: None,
        precision: Some(Precision::Bf16),
        kv_bytes: 2.0,
        tensor: vec![1],
    };
    let traffics = [
        (
            "chat",
            77.0,
            lengths(80.0, 700.0, 2000),
            lengths(140.0, 500.0, 1000),
        ),
        (
            "documents",
            33.0,
            lengths(3000.0, 9000.0, 16_000),
            lengths(220.0, 450.0, 1000),
        ),
        (
            "mixed",
            51.0,
            lengths(300.0, 6000.0, 16_000),
            lengths(160.0, 480.0, 1000),
        ),
    ];
    let mut all = Vec::new();
    for (traffic, published, prompt, output) in traffics {
        let mut rows = Vec::new();
        for rate in [1.0, 4.0, 16.0] {
            let spec = |chips: Vec<Offer>| Spec {
                model: "llama-3.1-8b".to_owned(),
                traffic: Traffic {
                    rate,
                    burstiness: 1.0,
                    prompt,
                    output,
                    seed: 0,
                },
                slo: Slo {
                    ttft_s: 5.0,
                    tpot_s: 0.12,
                },
                percentile: 0.99,
                link: None,
                rules: Rules::default(),
                chips,
                further: Vec::new(),
            };
            let cost = |chips: Vec<Offer>| match plan(&spec(chips)) {
                Ok(plan) => Ok(plan.holds.then_some(plan.best.usd_per_h)),
                Err(PlanError::Clash(_)) => Ok(None),
                Err(error) => Err(error),
            };
            let Some(together) = cost(prices.map(offer).to_vec())? else {
                continue;
            };
            let mut alone = Vec::new();
            for price in prices {
                if let Some(usd) = cost(vec![offer(price)])? {
                    alone.push((price.0.to_owned(), usd));
                }
            }
            alone.sort_by(|left, right| left.1.total_cmp(&right.1));
            if let (Some(best), Some(worst)) = (alone.first(), alone.last()) {
                rows.push(Saving {
                    rate,
                    together,
                    best: best.clone(),
                    worst: worst.clone(),
                });
            }
        }
        all.push(Mixed {
            traffic,
            published,
            rows,
        });
    }
    Ok(all)
}

/// A machine of eight chips: which, and its cost in USD/h after Splitwise.
type Machine = (&'static str, f64);
const H100: Machine = ("h100-sxm", 38.0);
const A100: Machine = ("a100-80gb-sxm", 17.6);

/// What fleets may cost, USD/h: eight machines of H100.
const BUDGET: f64 = 304.0;

/// Fleets after Splitwise: name, machines for prompts, machines for answers; together where they
/// are the same and do both.
const SPLITWISE: [(&str, Machine, Machine, bool); 5] = [
    ("A100 machines, together", A100, A100, false),
    ("H100 machines, together", H100, H100, false),
    ("A100 machines, apart", A100, A100, true),
    ("H100 machines, apart", H100, H100, true),
    ("H100 for prompts, A100 for answers", H100, A100, true),
];

/// A fleet of machines of `first` and `second`, as a simulation.
fn machines(
    first: (&str, f64, u32),
    second: Option<(&str, f64, u32)>,
    prompt_tokens: f64,
) -> Result<Setup<'static>> {
    let policy = match second {
        None => "least-load",
        Some(_) => "prefill-decode-split",
    };
    let mut text = format!(
        "model = \"llama-3.1-70b\"\npolicy = \"{policy}\"\n\
         link = {{ name = \"infiniband-400g\", bytes_per_s = 50e9, latency_s = 1e-5 }}\n",
    );
    let roles = match second {
        None => ["both", ""],
        Some(_) => ["prefill", "decode"],
    };
    for ((chip, usd, count), role) in std::iter::once(first).chain(second).zip(roles) {
        let price = usd / 8.0;
        let _ = writeln!(
            text,
            "[[group]]\nchip = \"{chip}\"\ncount = {count}\ntensor = 8\nprecision = \"bf16\"\n\
             batch_max = 128\nrole = \"{role}\"\nusd_per_h = {price}"
        );
    }
    Ok(Fleet::parse(&text)?.setup(prompt_tokens)?)
}

/// Requests/s within the published bounds of the best fleet of each kind that the budget buys.
fn splitwise(seeds: u64) -> Result<Vec<Parted>> {
    let trace = Synthetic::azure_conversation(3000, 10.0, 1).trace();
    let prompt = trace.mean_tokens().0;
    let alone = machines((A100.0, A100.1, 1), None, prompt)?;
    let bounds = Slowdown::splitwise(alone.servers[0].speed);
    let mut all = Vec::new();
    for (name, first, second, apart) in SPLITWISE {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count of machines that some dollars buy"
        )]
        let bought = |usd: f64, price: f64| (usd / price).floor() as u32;
        let mut choices = Vec::new();
        if apart {
            for prompts in 1..bought(BUDGET, first.1) {
                let left = BUDGET - f64::from(prompts) * first.1;
                let answers = bought(left, second.1);
                if answers > 0 {
                    choices.push((prompts, answers));
                }
            }
        } else {
            choices.push((bought(BUDGET, first.1), 0));
        }
        let mut best: Option<(f64, (u32, u32), Setup<'static>)> = None;
        for (prompts, answers) in choices {
            let second = apart.then_some((second.0, second.1, answers));
            let setup = machines((first.0, first.1, prompts), second, prompt)?;
            let guess = best.as_ref().map_or(30.0, |it| it.0);
            let rate = bounds.capacity(&trace, &setup, guess).unwrap_or(0.0);
            if best.as_ref().is_none_or(|best| rate > best.0) {
                best = Some((rate, (prompts, answers), setup));
            }
        }
        let Some((guess, (prompts, answers), setup)) = best else {
            continue;
        };
        let mut rates = Vec::new();
        for seed in 0..seeds {
            let sample = trace.resampled(seed);
            rates.push(
                bounds
                    .capacity(&sample, &setup, guess.max(1.0))
                    .unwrap_or(0.0),
            );
        }
        all.push(Parted {
            name: name.to_owned(),
            prompts,
            answers,
            usd_per_h: f64::from(prompts) * first.1 + f64::from(answers) * second.1,
            rate_per_s: Interval::of(&rates),
        });
    }
    Ok(all)
}

/// Plans and simulates both settings.
///
/// # Errors
/// When the catalogue lacks a chip of theirs.
pub(super) fn run(seeds: u64) -> Result<Published> {
    Ok(Published {
        melange: melange()?,
        splitwise: splitwise(seeds)?,
    })
}

/// The section of the page.
pub(super) fn section(text: &mut String, published: &Published) {
    text.push_str(
        "\n## Published planners\n\nTheir profiles are not public: the laws of this release stand for them. \
         Mélange (arXiv 2404.14527) reports savings of at most 77 % (chat), 33 % (documents) and 51 % \
         (mixed) against fleets of one kind. Here: llama-3.1-8b in BF16 on L4, A10, A100 and H100 at its \
         prices, 99 % of requests within 120 ms a token; lengths like its three traffics. Our planner \
         counts servers for the mean request, leaves sizes to the router, and cuts the fleet to what \
         the simulator needs, where Mélange assigns sizes to kinds.\n\n| traffic | requests/s | all kinds, USD/h | cheapest alone | dearest alone | \
         saved against them, % | published, at most |\n|---|---|---|---|---|---|---|\n",
    );
    for mixed in &published.melange {
        for row in &mixed.rows {
            let Saving {
                rate,
                together,
                best,
                worst,
            } = row;
            let saved = |usd: f64| (1.0 - together / usd) * 100.0;
            let _ = writeln!(
                text,
                "| {} | {rate} | {together:.2} | {} {:.2} | {} {:.2} | {:.0} to {:.0} | {:.0} |",
                mixed.traffic,
                best.0,
                best.1,
                worst.0,
                worst.1,
                saved(best.1),
                saved(worst.1),
                mixed.published
            );
        }
    }
    text.push_str(
        "\nSplitwise (arXiv 2311.18677) reports at most 2.35 times the throughput for the same money and \
         power, and 1.4 times at 20 % less cost, for phases apart. Here: llama-3.1-70b in BF16 on \
         machines of eight at its prices, lengths of the Azure conversations, and its bounds: \
         slowdowns against an A100 machine without load of at most 2, 3 and 6 (time to first token) \
         and 1.25, 1.5 and 5 (per token, and in total) at the median, 90th and 99th percentile. Of \
         each kind the best division of the same budget.\n\n\
         | fleet | machines | USD/h | requests/s within the bounds | requests for a USD, over A100 \
         together | over H100 together |\n|---|---|---|---|---|---|\n",
    );
    let per_usd = |it: &Parted| it.rate_per_s.mean / it.usd_per_h;
    let over = |it: &Parted, base: Option<&Parted>| match base {
        Some(base) if base.rate_per_s.mean > 0.0 => format!("{:.2}", per_usd(it) / per_usd(base)),
        _ => "no capacity".to_owned(),
    };
    for it in &published.splitwise {
        let machines = match it.answers {
            0 => it.prompts.to_string(),
            answers => format!("{} + {answers}", it.prompts),
        };
        let _ = writeln!(
            text,
            "| {} | {machines} | {:.0} | {} | {} | {} |",
            it.name,
            it.usd_per_h,
            show(it.rate_per_s),
            over(it, published.splitwise.first()),
            over(it, published.splitwise.get(1)),
        );
    }
    text.push('\n');
}
