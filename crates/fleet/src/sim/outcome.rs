//! What a simulation shows.

use serde::Serialize;

use crate::policy::Slo;

/// Percentiles of a latency, s.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Percentiles {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
}

impl Percentiles {
    /// Of `values`, which are put in order. All zero when there are none.
    #[must_use]
    pub fn of(values: &mut [f64]) -> Self {
        if values.is_empty() {
            return Self::default();
        }
        values.sort_unstable_by(f64::total_cmp);
        let at = |percent: usize| {
            let index = (values.len() * percent).div_ceil(100).max(1) - 1;
            values[index]
        };
        Self {
            mean: values.iter().sum::<f64>() / values.len() as f64,
            p50: at(50),
            p90: at(90),
            p95: at(95),
            p99: at(99),
        }
    }
}

/// When a request was answered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// Time to first token, s.
    pub ttft_s: f64,
    /// Time per output token after the first, s; 0 where there was none.
    pub tpot_s: f64,
    /// Time to the last token, s.
    pub total_s: f64,
}

impl Fate {
    /// None before it is answered whole.
    pub(super) fn latency(&self, output_tokens: u32) -> Option<Latency> {
        let further = output_tokens.saturating_sub(1);
        (self.answers > 0).then(|| Latency {
            ttft_s: self.ttft_s,
            tpot_s: (self.total_s - self.ttft_s) / f64::from(further.max(1)),
            total_s: self.total_s,
        })
    }
}

/// One request's fate, while it is simulated.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fate {
    /// Tokens that were delivered.
    pub(super) delivered: u32,
    /// When the first was, s after arrival; negative before.
    pub(super) ttft_s: f64,
    /// When the last was, s after arrival.
    pub(super) total_s: f64,
    /// How often it was answered whole. Never more than once.
    pub(super) answers: u8,
    /// No server could ever hold it.
    pub(super) refused: bool,
    /// Times it was routed again after a failure.
    pub(super) retries: u16,
}

/// The result of a simulation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// Requests of the trace.
    pub requests: u64,
    /// Answered whole.
    pub answered: u64,
    /// Refused: no server of the fleet could ever hold them.
    pub refused: u64,
    /// Still waiting when the trace ended and no server that could serve them came back.
    pub unserved: u64,
    /// Ended in none of these ways. 0: anything else is a fault of the simulator.
    pub lost: u64,
    /// Answered more than once. 0: anything else is a fault of the simulator.
    pub answered_twice: u64,
    /// Routed again after a failure.
    pub retries: u64,
    /// Simulated seconds.
    pub seconds: f64,
    /// Output tokens delivered.
    pub output_tokens: u64,
    /// Share of prompt tokens that prefix caches held.
    pub cached_share: f64,
    /// Requests answered within the bounds, as a share of all; all answered ones without bounds.
    pub slo_share: f64,
    /// Requests per second answered within the bounds.
    pub goodput_per_s: f64,
    /// Time to first token.
    pub ttft: Percentiles,
    /// Time per output token after the first, of requests with more than one.
    pub tpot: Percentiles,
    /// Time to the last token.
    pub total: Percentiles,
    /// Cost of the servers while they were up, USD.
    pub usd: f64,
    /// Cost of a thousand requests answered within the bounds, USD.
    pub usd_per_1k_good: f64,
    /// Events that were processed.
    pub events: u64,
}

/// Sums that the engine keeps besides the fates.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) unserved: u64,
    pub(super) seconds: f64,
    pub(super) prompt_tokens: u64,
    pub(super) cached_tokens: u64,
    pub(super) usd: f64,
    pub(super) events: u64,
}

/// Sums up.
pub(super) fn sum_up(
    fates: &[Fate],
    outputs: impl Fn(usize) -> u32,
    slo: Option<Slo>,
    totals: Totals,
) -> Outcome {
    let mut ttft = Vec::with_capacity(fates.len());
    let mut tpot = Vec::with_capacity(fates.len());
    let mut total = Vec::with_capacity(fates.len());
    let (mut refused, mut twice, mut retries, mut good, mut tokens) = (0, 0, 0, 0_u64, 0_u64);
    for (index, fate) in fates.iter().enumerate() {
        tokens += u64::from(fate.delivered);
        retries += u64::from(fate.retries);
        refused += u64::from(fate.refused);
        twice += u64::from(fate.answers > 1);
        let Some(latency) = fate.latency(outputs(index)) else {
            continue;
        };
        ttft.push(latency.ttft_s);
        total.push(latency.total_s);
        let further = outputs(index) > 1;
        if further {
            tpot.push(latency.tpot_s);
        }
        let kept = slo.is_none_or(|slo| {
            latency.ttft_s <= slo.ttft_s && (!further || latency.tpot_s <= slo.tpot_s)
        });
        good += u64::from(kept);
    }
    let requests = fates.len() as u64;
    let answered = total.len() as u64;
    Outcome {
        requests,
        answered,
        refused,
        unserved: totals.unserved,
        lost: requests - answered - refused - totals.unserved,
        answered_twice: twice,
        retries,
        seconds: totals.seconds,
        output_tokens: tokens,
        cached_share: totals.cached_tokens as f64 / totals.prompt_tokens.max(1) as f64,
        slo_share: good as f64 / requests.max(1) as f64,
        goodput_per_s: good as f64 / totals.seconds.max(f64::MIN_POSITIVE),
        ttft: Percentiles::of(&mut ttft),
        tpot: Percentiles::of(&mut tpot),
        total: Percentiles::of(&mut total),
        usd: totals.usd,
        usd_per_1k_good: totals.usd * 1e3 / good.max(1) as f64,
        events: totals.events,
    }
}
