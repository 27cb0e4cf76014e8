//! The settings of two published planners, planned and simulated by ours.
//!
//! Their profiles are not public, so the laws of this release stand for them, and models of the
//! catalogue for theirs: what can agree is the size of the savings, not a number.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;
use weft_fleet::evidence::{Contest, Contestant, contest};
use weft_fleet::perf::Precision;
use weft_fleet::plan::{Offer, PlanError, Rules, Spec, Traffic, plan};
use weft_fleet::policy::Slo;
use weft_fleet::spec::Fleet;
use weft_fleet::trace::{Lengths, Synthetic};

use super::{SHARE, page::show};

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

/// Fleets of about the same cost, after Splitwise.
#[derive(Serialize)]
pub(super) struct Published {
    melange: Vec<Mixed>,
    splitwise: Vec<(f64, Contest)>,
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

/// Chip, servers and role of each group.
type Groups = &'static [(&'static str, u32, &'static str)];

/// Machines of eight H100 at 38 USD/h and of eight A100 at 17.6.
const SPLITWISE: [(&str, Groups); 5] = [
    ("8 H100 machines, together", &[("h100-sxm", 8, "both")]),
    (
        "17 A100 machines, together",
        &[("a100-80gb-sxm", 17, "both")],
    ),
    (
        "5 H100 prefill, 3 H100 decode",
        &[("h100-sxm", 5, "prefill"), ("h100-sxm", 3, "decode")],
    ),
    (
        "4 H100 prefill, 8 A100 decode",
        &[("h100-sxm", 4, "prefill"), ("a100-80gb-sxm", 8, "decode")],
    ),
    (
        "5 H100 prefill, 6 A100 decode",
        &[("h100-sxm", 5, "prefill"), ("a100-80gb-sxm", 6, "decode")],
    ),
];

fn splitwise(seeds: u64) -> Result<Vec<(f64, Contest)>> {
    let trace = Synthetic::azure_conversation(3000, 10.0, 1).trace();
    let mut contestants = Vec::new();
    let mut costs = Vec::new();
    for (name, groups) in SPLITWISE {
        let mut text = String::from(
            "model = \"llama-3.1-70b\"\npolicy = \"added-seconds\"\nslo = { ttft_s = 1.0, tpot_s = 0.06 }\n\
             link = { name = \"infiniband-400g\", bytes_per_s = 50e9, latency_s = 1e-5 }\n",
        );
        for (chip, count, role) in groups {
            let machine = if *chip == "h100-sxm" { 38.0 } else { 17.6 };
            let price = machine / 8.0;
            let _ = writeln!(
                text,
                "[[group]]\nchip = \"{chip}\"\ncount = {count}\ntensor = 8\nprecision = \"bf16\"\n\
                 batch_max = 128\nrole = \"{role}\"\nusd_per_h = {price}"
            );
        }
        let setup = Fleet::parse(&text)?.setup(trace.mean_tokens().0)?;
        costs.push(setup.servers.iter().map(|it| it.usd_per_s * 3600.0).sum());
        contestants.push(Contestant {
            name: name.to_owned(),
            setup,
        });
    }
    Ok(costs
        .into_iter()
        .zip(contest(&trace, &contestants, SHARE, seeds))
        .collect())
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
        "## Published planners\n\nTheir profiles are not public: the laws of this release stand for them. \
         Mélange (arXiv 2404.14527) reports savings of at most 77 % (chat), 33 % (documents) and 51 % \
         (mixed) against fleets of one kind. Here: llama-3.1-8b in BF16 on L4, A10, A100 and H100 at its \
         prices, 99 % of requests within 120 ms a token; lengths like its three traffics. Our planner \
         counts servers for the mean request and leaves sizes to the router, where Mélange also assigns \
         sizes to kinds.\n\n| traffic | requests/s | all kinds, USD/h | cheapest alone | dearest alone | \
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
        "\nSplitwise (arXiv 2311.18677) reports 1.4 times the throughput at 20 % less cost for phases apart. \
         Here: llama-3.1-70b in BF16 on machines of eight, lengths of the Azure conversations, 1 s and \
         60 ms; fleets of about the same cost.\n\n| fleet | USD/h | requests/s at capacity | requests for \
         a USD, over the first |\n|---|---|---|---|\n",
    );
    let first = published
        .splitwise
        .first()
        .map_or(1.0, |(usd, it)| it.rate_per_s.mean / usd);
    for (usd, it) in &published.splitwise {
        let _ = writeln!(
            text,
            "| {} | {usd:.0} | {} | {:.2} |",
            it.name,
            show(it.rate_per_s),
            it.rate_per_s.mean / usd / first
        );
    }
    text.push('\n');
}
