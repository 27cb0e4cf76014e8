//! Routing policies: where one request goes, given what is known of every backend.
//!
//! A policy is a pure function of a [`Request`] and a slice of [`Backend`]s. The gateway fills
//! them from metrics it has read, the simulator from its own state, so a policy that wins in the
//! simulator is the very code that routes. Policies keep no state: what must differ from request
//! to request comes from [`Request::sequence`].

mod added_seconds;
mod cost_first;
mod domestic_first;
mod least_load;
mod predicted_seconds;
mod prefill_decode_split;
mod prefix_affinity;
mod round_robin;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::names::{UnknownName, key};

pub use added_seconds::AddedSeconds;
pub use cost_first::CostFirst;
pub use domestic_first::DomesticFirst;
pub use least_load::LeastLoad;
pub use predicted_seconds::PredictedSeconds;
pub use prefill_decode_split::PrefillDecodeSplit;
pub use prefix_affinity::PrefixAffinity;
pub use round_robin::RoundRobin;

/// Which phase of a request a backend does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Both phases.
    #[default]
    Both,
    /// Prompts only; the keys and values then move to a decoder.
    Prefill,
    /// Output tokens only, over keys and values that another backend made.
    Decode,
}

/// How long work takes on a backend: the performance model of it, flattened to five numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Speed {
    /// Seconds of a prompt of no tokens: launches and host work.
    pub prefill_base_s: f64,
    /// Seconds per token of a prompt.
    pub prefill_s_per_token: f64,
    /// Seconds of a decode step of no sequences: streaming the weights, launches, host work.
    pub step_base_s: f64,
    /// Further seconds of a step for each sequence in the batch.
    pub step_s_per_sequence: f64,
    /// Further seconds of a step for each token in the KV cache.
    pub step_s_per_kv_token: f64,
}

impl Speed {
    /// Seconds to prefill `tokens`.
    #[must_use]
    pub fn prefill_s(&self, tokens: f64) -> f64 {
        self.prefill_base_s + tokens * self.prefill_s_per_token
    }

    /// Seconds of one decode step of `sequences` that hold `kv_tokens` together.
    #[must_use]
    pub fn step_s(&self, sequences: f64, kv_tokens: f64) -> f64 {
        self.step_base_s
            + sequences * self.step_s_per_sequence
            + kv_tokens * self.step_s_per_kv_token
    }
}

/// What is known of one backend when a request arrives. A backend is one server: one chip, or
/// several that share a model.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Backend {
    /// Alive, not draining, not ejected, and it serves the model under the rules of residency.
    /// The caller decides all of these; a policy never chooses a backend that does not accept.
    pub accepts: bool,
    /// Which phase it does.
    pub role: Role,
    /// Whether its chip is domestic, for [`DomesticFirst`].
    pub domestic: bool,
    /// Requests that wait, not yet begun.
    pub queued_requests: u32,
    /// Requests whose output is being made.
    pub running_requests: u32,
    /// Most requests that run together.
    pub running_max: u32,
    /// Tokens of prompts that wait or are under way and are not in a cache.
    pub queued_prompt_tokens: u64,
    /// Tokens of the KV cache that running requests hold.
    pub kv_tokens: u64,
    /// Tokens that the KV cache can hold.
    pub kv_tokens_max: u64,
    /// Most tokens of prompts in one of its steps; 0 when unknown.
    pub chunk_tokens: u32,
    /// Leading tokens of this request's prompt that its prefix cache holds.
    pub cached_tokens: u32,
    /// Cost of having it, USD per second.
    pub usd_per_s: f64,
    /// How fast it is. All zero when unknown: only policies that do not predict may then be used.
    pub speed: Speed,
}

impl Backend {
    /// Whether it can do the first phase of `request` at all.
    fn can_prefill(&self, request: &Request) -> bool {
        self.accepts && self.role != Role::Decode && self.fits(request)
    }

    /// Whether it can do the second phase of `request` at all.
    fn can_decode(&self, request: &Request) -> bool {
        self.accepts && self.role != Role::Prefill && self.fits(request)
    }

    /// Whether it can do both phases of `request`.
    fn can_serve(&self, request: &Request) -> bool {
        self.accepts && self.role == Role::Both && self.fits(request)
    }

    fn fits(&self, request: &Request) -> bool {
        u64::from(request.prompt_tokens) + u64::from(request.output_tokens) <= self.kv_tokens_max
    }

    /// Requests that wait or run.
    fn load(&self) -> u64 {
        u64::from(self.queued_requests) + u64::from(self.running_requests)
    }
}

/// Bounds on latency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// Time to first token, s.
    pub ttft_s: f64,
    /// Mean time per output token after the first, s.
    pub tpot_s: f64,
}

/// How keys and values travel from a prefill backend to a decoder.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Handover {
    /// Seconds before the first byte arrives.
    pub latency_s: f64,
    /// Seconds per token of the prompt: its KV bytes over the bandwidth of the link.
    pub s_per_token: f64,
}

/// A request as a policy sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Request {
    /// Number of the request; different for each.
    pub sequence: u64,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of output, or the expectation of it.
    pub output_tokens: u32,
    /// Latency that the user was promised, if any.
    pub slo: Option<Slo>,
    /// The link between the phases, where prefill and decode may part.
    pub handover: Option<Handover>,
}

/// What a policy expects of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Prediction {
    /// Time to first token, s.
    pub ttft_s: f64,
    /// Time per output token, s.
    pub tpot_s: f64,
    /// Seconds until the last token.
    pub total_s: f64,
    /// The request's share of the cost of the backends, USD.
    pub usd: f64,
}

impl Prediction {
    /// Whether it is within `slo`, using at most `share` of each bound.
    #[must_use]
    pub fn meets(&self, slo: Slo, share: f64) -> bool {
        self.ttft_s <= slo.ttft_s * share && self.tpot_s <= slo.tpot_s * share
    }
}

/// Why a backend was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It was its turn.
    Turn,
    /// It has the fewest requests for the number it can run.
    LeastLoaded,
    /// It holds the longest part of the prompt.
    Prefix,
    /// It is expected to answer first.
    Fastest,
    /// It is expected to keep the bounds, and to cost all requests together the least time.
    LeastAdded,
    /// It is the cheapest that is expected to keep the bounds.
    CheapestWithinSlo,
    /// It is domestic and expected to keep the bounds.
    DomesticWithinSlo,
    /// No domestic backend is expected to keep the bounds; this one is.
    Spilled,
    /// No backend is expected to keep the bounds; this one answers first.
    NoneWithinSlo,
    /// Prefill on one and decode on another is expected to answer first.
    Split,
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Turn => "its turn",
            Self::LeastLoaded => "fewest requests for its size",
            Self::Prefix => "holds the longest part of the prompt",
            Self::Fastest => "expected to answer first",
            Self::LeastAdded => "costs all requests together the least time",
            Self::CheapestWithinSlo => "cheapest that keeps the bounds",
            Self::DomesticWithinSlo => "domestic and keeps the bounds",
            Self::Spilled => "no domestic backend keeps the bounds",
            Self::NoneWithinSlo => "no backend keeps the bounds; this one answers first",
            Self::Split => "prefill and decode apart answer first",
        })
    }
}

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Choice {
    /// Index of the backend that makes the first token.
    pub prefill: usize,
    /// Index of the backend that makes the others; the same unless the phases part.
    pub decode: usize,
    /// What is expected, by policies that predict.
    pub prediction: Option<Prediction>,
    /// Why.
    pub reason: Reason,
}

impl Choice {
    fn whole(backend: usize, prediction: Option<Prediction>, reason: Reason) -> Self {
        Self {
            prefill: backend,
            decode: backend,
            prediction,
            reason,
        }
    }
}

/// Why no backend can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No backend accepts requests now; one may later.
    #[error("no backend accepts requests")]
    NoneAccepts,
    /// Some accept, but none of them can hold the tokens of the request.
    #[error("no backend can hold the tokens of the request")]
    NoneFits,
}

/// A way to choose backends.
pub trait Policy: fmt::Debug + Sync {
    /// Name in configurations.
    fn name(&self) -> &'static str;

    /// Chooses for `request` among `backends`.
    ///
    /// # Errors
    /// When no backend can serve it.
    fn choose(&self, request: &Request, backends: &[Backend]) -> Result<Choice, Refusal>;
}

/// Every policy with its usual parameters.
pub const ALL: &[&dyn Policy] = &[
    &RoundRobin,
    &LeastLoad,
    &PrefixAffinity::USUAL,
    &PredictedSeconds,
    &AddedSeconds::USUAL,
    &CostFirst::USUAL,
    &DomesticFirst::USUAL,
    &PrefillDecodeSplit,
];

/// The policy called `name`.
///
/// # Errors
/// When there is none; the error suggests near names.
pub fn by_name(name: &str) -> Result<&'static dyn Policy, UnknownName> {
    ALL.iter()
        .copied()
        .find(|policy| key(policy.name()) == key(name))
        .ok_or_else(|| UnknownName::new("policy", name, ALL.iter().map(|policy| policy.name())))
}

/// The backend that can serve both phases and has the least `cost`. Ties go to the one after
/// the last turn, so that equal backends share the work.
fn least<C: PartialOrd>(
    request: &Request,
    backends: &[Backend],
    mut cost: impl FnMut(&Backend) -> C,
) -> Result<usize, Refusal> {
    let mut best: Option<(usize, C)> = None;
    for index in turn_order(request.sequence, backends.len()) {
        if !backends[index].can_serve(request) {
            continue;
        }
        let candidate = cost(&backends[index]);
        if best.as_ref().is_none_or(|(_, least)| candidate < *least) {
            best = Some((index, candidate));
        }
    }
    best.map(|(index, _)| index)
        .ok_or_else(|| refusal(backends))
}

/// Indices 0..`count`, starting at the turn of request `sequence`.
fn turn_order(sequence: u64, count: usize) -> impl Iterator<Item = usize> {
    let first = usize::try_from(sequence % count.max(1) as u64).unwrap_or(0);
    (first..count).chain(0..first)
}

fn refusal(backends: &[Backend]) -> Refusal {
    if backends.iter().any(|backend| backend.accepts) {
        Refusal::NoneFits
    } else {
        Refusal::NoneAccepts
    }
}

/// What serving both phases of `request` on `backend` is expected to take.
///
/// Queue, then the part of the prompt that no cache holds, then steps in a batch with those that
/// run. The cost is the share of the backend's time that the request uses: its prefill, and its
/// part of each step.
#[must_use]
pub fn predict(request: &Request, backend: &Backend) -> Prediction {
    let uncached = f64::from(
        request
            .prompt_tokens
            .saturating_sub(backend.cached_tokens)
            .max(1),
    );
    let prefill_s = backend.speed.prefill_s(uncached);
    let ttft_s = place_s(request, backend) + prompts_s(backend, uncached);
    let (tpot_s, share_s) = decode_s(request, backend);
    let further = f64::from(request.output_tokens.saturating_sub(1));
    Prediction {
        ttft_s,
        tpot_s,
        total_s: ttft_s + further * tpot_s,
        usd: backend.usd_per_s * (prefill_s + further * share_s),
    }
}

/// As [`predict`], but with the prompts of others that are computed while this request's output is
/// made ([`interference_s`]).
#[must_use]
pub fn predict_busy(request: &Request, backend: &Backend) -> Prediction {
    let alone = predict(request, backend);
    let stall_s = interference_s(request, backend);
    let further = f64::from(request.output_tokens.saturating_sub(1));
    Prediction {
        tpot_s: alone.tpot_s + stall_s,
        total_s: alone.total_s + further * stall_s,
        ..alone
    }
}

/// Most tokens of prompts that servers compute in a step, where nothing else is known.
pub const CHUNK_TOKENS: u32 = 2048;

fn chunk(backend: &Backend) -> f64 {
    f64::from(match backend.chunk_tokens {
        0 => CHUNK_TOKENS,
        known => known,
    })
}

/// Seconds that prompts of others add to each step. In a steady state every running request is
/// replaced once while an output is made. And a queue of prompts tends to stay: for the share of
/// the output's time that it lasts, every step computes a chunk, taken to be as long as this
/// prompt.
fn interference_s(request: &Request, backend: &Backend) -> f64 {
    let output = f64::from(request.output_tokens.max(1));
    let replaced_s =
        f64::from(backend.running_requests) * usual_prefill_s(request, backend) / output;
    let queue_s = prompts_s(backend, 0.0);
    let chunk = chunk(backend).min(f64::from(request.prompt_tokens));
    let share = queue_s / (queue_s + output * decode_s(request, backend).0).max(f64::MIN_POSITIVE);
    replaced_s + share * backend.speed.prefill_s(chunk)
}

/// Seconds of the prompts that wait on `backend` and of `further` tokens after them: they are
/// computed in chunks, each in a step that also makes a token for every request that runs.
fn prompts_s(backend: &Backend, further: f64) -> f64 {
    let tokens = backend.queued_prompt_tokens as f64 + further;
    let steps = (tokens / chunk(backend)).ceil();
    let step_s = if backend.running_requests > 0 {
        let running = f64::from(backend.running_requests);
        backend.speed.step_s(running, backend.kv_tokens as f64)
    } else {
        backend.speed.prefill_base_s
    };
    tokens * backend.speed.prefill_s_per_token + steps * step_s
}

/// Seconds of prefill that a request of `backend` takes, as those that run show: what they hold
/// in the cache, less half of an output. As much of it is taken to be cached as of `request`.
fn usual_prefill_s(request: &Request, backend: &Backend) -> f64 {
    if backend.running_requests == 0 {
        return 0.0;
    }
    let held = backend.kv_tokens as f64 / f64::from(backend.running_requests);
    let prompt = (held - f64::from(request.output_tokens) / 2.0).max(1.0);
    let cached = f64::from(backend.cached_tokens) / f64::from(request.prompt_tokens.max(1));
    backend.speed.prefill_s(prompt * (1.0 - cached.min(1.0)))
}

/// Seconds until the prompt of `request` is begun: the prompts before it, and a place in the
/// batch where it is full.
fn queue_s(request: &Request, backend: &Backend) -> f64 {
    prompts_s(backend, 0.0) + place_s(request, backend)
}

/// Seconds until a place in the batch is free, taking the others to be as long as this one.
fn place_s(request: &Request, backend: &Backend) -> f64 {
    let places = f64::from(backend.running_max.max(1));
    let ahead = backend.load() as f64;
    if ahead < places {
        return 0.0;
    }
    let step_s = backend.speed.step_s(places, backend.kv_tokens as f64);
    // In a full batch of lengths L, one ends every L/places steps.
    (ahead - places + 1.0) * step_s * f64::from(request.output_tokens.max(1)) / places
}

/// Seconds per token of the batch with `request` in it, and the request's share of them.
fn decode_s(request: &Request, backend: &Backend) -> (f64, f64) {
    let places = f64::from(backend.running_max.max(1));
    let sequences = (backend.load() as f64 + 1.0).min(places);
    let own = f64::from(request.prompt_tokens) + f64::from(request.output_tokens) / 2.0;
    let step_s = backend
        .speed
        .step_s(sequences, backend.kv_tokens as f64 + own);
    (step_s, step_s / sequences)
}

#[cfg(test)]
mod tests;
