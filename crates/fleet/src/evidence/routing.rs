//! Policies against each other on one fleet, and against fleets of one chip for the same money.

use serde::Serialize;

use super::{Interval, capacity};
use crate::policy::{self, Policy};
use crate::sim::Setup;
use crate::trace::Trace;

/// A fleet with a policy.
#[derive(Debug, Clone)]
pub struct Contestant<'a> {
    /// What it is called in tables.
    pub name: String,
    /// The fleet and its policy.
    pub setup: Setup<'a>,
}

impl<'a> Contestant<'a> {
    /// The fleet of `setup` under every policy.
    #[must_use]
    pub fn policies(setup: &Setup<'a>) -> Vec<Self> {
        let under = |policy: &&'static dyn Policy| Self {
            name: policy.name().to_owned(),
            setup: Setup {
                policy: *policy,
                ..setup.clone()
            },
        };
        policy::ALL.iter().map(under).collect()
    }
}

/// What one contestant reached.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contest {
    /// Its name.
    pub name: String,
    /// Requests/s at capacity.
    pub rate_per_s: Interval,
    /// Capacity over that of the first contestant, sample by sample.
    pub ratio: Interval,
    /// Requests/s within the bounds at the capacity of the first contestant.
    pub goodput_per_s: Interval,
    /// Share of requests within the bounds at the capacity of the first contestant.
    pub slo_share: Interval,
    /// Cost of a thousand requests at its own capacity, USD.
    pub usd_per_1k: Interval,
    /// Share of prompt tokens that prefix caches held at the capacity of the first contestant.
    pub cached_share: f64,
    /// 95th percentile of the time to first token there, s.
    pub ttft_p95_s: f64,
    /// 95th percentile of the time per token there, s.
    pub tpot_p95_s: f64,
}

/// Lets `contestants` serve every sample of `trace`. The first of them is the one that others are
/// compared with. `share` of requests must be within the bounds at capacity.
///
/// A contestant that keeps the bounds at no rate has a capacity of zero.
#[must_use]
pub fn contest(
    trace: &Trace,
    contestants: &[Contestant<'_>],
    share: f64,
    seeds: u64,
) -> Vec<Contest> {
    let mut sums: Vec<Sums> = contestants.iter().map(|_| Sums::default()).collect();
    for seed in 0..seeds {
        let sample = trace.resampled(seed);
        let natural = sample.arrivals.len() as f64 / sample.seconds().max(f64::MIN_POSITIVE);
        let mut reference: Option<f64> = None;
        for (contestant, sums) in contestants.iter().zip(&mut sums) {
            let guess = sums.rates.last().copied().filter(|rate| *rate > 0.0);
            let guess = guess
                .or(reference.filter(|rate| *rate > 0.0))
                .unwrap_or(natural);
            let own = capacity(&sample, &contestant.setup, share, guess);
            let rate = own.as_ref().map_or(0.0, |own| own.rate_per_s);
            let first = *reference.get_or_insert(rate);
            sums.rates.push(rate);
            sums.ratios.push(rate / first.max(f64::MIN_POSITIVE));
            let there = match own {
                Some(own) => {
                    sums.usd.push(own.outcome.usd_per_1k_good);
                    if rate <= first && first <= rate {
                        own.outcome
                    } else {
                        let sped = sample.clone().faster(first / natural);
                        crate::sim::simulate(&sped, &contestant.setup)
                    }
                }
                None => continue,
            };
            sums.goodput.push(there.goodput_per_s);
            sums.shares.push(there.slo_share);
            sums.cached += there.cached_share / seeds as f64;
            sums.ttft += there.ttft.p95 / seeds as f64;
            sums.tpot += there.tpot.p95 / seeds as f64;
        }
    }
    contestants
        .iter()
        .zip(sums)
        .map(|(contestant, sums)| Contest {
            name: contestant.name.clone(),
            rate_per_s: Interval::of(&sums.rates),
            ratio: Interval::of(&sums.ratios),
            goodput_per_s: Interval::of(&sums.goodput),
            slo_share: Interval::of(&sums.shares),
            usd_per_1k: Interval::of(&sums.usd),
            cached_share: sums.cached,
            ttft_p95_s: sums.ttft,
            tpot_p95_s: sums.tpot,
        })
        .collect()
}

#[derive(Default)]
struct Sums {
    rates: Vec<f64>,
    ratios: Vec<f64>,
    goodput: Vec<f64>,
    shares: Vec<f64>,
    usd: Vec<f64>,
    cached: f64,
    ttft: f64,
    tpot: f64,
}
