//! Latency and throughput of a server with continuous batching, in closed form.
//!
//! The simulator replays requests; these formulas answer for a steady state, which is what
//! measured tables of TTFT and TPOT hold and what a comparison of chips needs.

use serde::{Deserialize, Serialize};

use super::deployment::Deployment;

/// What a server adds to the operators of a step. Fitted to end-to-end measurements.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Constants {
    /// Share of the launch time of kernels that is left when they follow each other in a graph.
    pub launch_share: f64,
    /// Host work of a step: scheduling, sampling, detokenising, s.
    pub step_s: f64,
    /// Time of prefill in a running server, over that of its operators alone.
    pub prefill_share: f64,
    /// Seconds of a request before its prefill: tokenising, scheduling, first answer.
    pub first_token_s: f64,
}

/// A steady state with a fixed number of requests under way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Steady {
    /// Mean time to first token, s.
    pub ttft_s: f64,
    /// Mean time per further token, s.
    pub tpot_s: f64,
    /// Output tokens per second.
    pub output_tokens_per_s: f64,
    /// Requests per second.
    pub requests_per_s: f64,
}

/// `batch` requests under way, each of `isl` tokens in and `osl` out, a new one for each that
/// ends. Prefills take turns with the steps, so that in the time of one request's output every
/// other request is replaced once: each step waits for its share of the prefills.
#[must_use]
pub fn steady(deployment: &Deployment, isl: f64, osl: f64, batch: f64) -> Steady {
    let step_s = deployment.decode_s(batch, batch * (isl + osl / 2.0));
    let prefill_s = deployment.prefill_s(isl, 0.0);
    let tpot_s = step_s + batch * prefill_s / osl.max(1.0);
    // A new prompt waits for the step under way.
    let ttft_s = deployment.serving().first_token_s + step_s / 2.0 + prefill_s;
    let request_s = prefill_s + osl * tpot_s;
    Steady {
        ttft_s,
        tpot_s,
        output_tokens_per_s: batch * osl / request_s.max(f64::MIN_POSITIVE),
        requests_per_s: batch / request_s.max(f64::MIN_POSITIVE),
    }
}

/// Output tokens per second at the largest batch that memory holds, up to `batch_max`.
#[must_use]
pub fn throughput(deployment: &Deployment, isl: f64, osl: f64, batch_max: f64) -> (f64, Steady) {
    let held = (deployment.kv_tokens_max() / (isl + osl)).floor();
    let batch = held.min(batch_max).max(1.0);
    (batch, steady(deployment, isl, osl, batch))
}

/// Mean time to first token in a closed loop of `batch` requests. Prompts wait for the prefills
/// before them: those of the others that fall due while one is served.
#[must_use]
pub fn closed_ttft_s(deployment: &Deployment, isl: f64, osl: f64, batch: f64) -> f64 {
    let state = steady(deployment, isl, osl, batch);
    let prefill_s = deployment.prefill_s(isl, 0.0);
    let busy = (prefill_s * state.requests_per_s).min(0.95);
    state.ttft_s + prefill_s * (busy / (1.0 - busy)).min(batch / 2.0)
}
