//! A discrete-event simulation of a fleet: requests of a trace through a router into servers
//! with continuous batching, chunked prefill and prefix caches.
//!
//! The clock is virtual, and the outcome a function of trace and setup. Each request ends in
//! exactly one way: answered, refused (no server could ever hold it), or unserved (every server
//! that could was still gone when the trace ended). Time per step comes from [`Speed`], so what
//! is simulated is queues and batches, not kernels.

mod engine;
mod outcome;
mod server;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::policy::{Policy, Role, Slo, Speed};

pub use engine::{latencies, simulate};
pub use outcome::{Latency, Outcome, Percentiles};

/// A server of the fleet.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// The group it belongs to; servers of a group are alike.
    pub group: usize,
    /// Which phase it does.
    pub role: Role,
    /// Whether its chips are domestic.
    pub domestic: bool,
    /// How fast it is.
    pub speed: Speed,
    /// Most requests that run together.
    pub running_max: u32,
    /// Tokens that the KV cache can hold. The prefix cache keeps as many, least recent first out.
    pub kv_tokens_max: u64,
    /// Most tokens of prompts that are prefilled in one step.
    pub chunk_tokens: u32,
    /// Cost of having it, USD per second.
    pub usd_per_s: f64,
    /// Whether it is there from the beginning; others wait for the autoscaler.
    pub started: bool,
}

/// What happens to a server.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Incident {
    /// It is gone with all that it holds. Its requests are routed again; the tokens that were
    /// delivered become part of their prompts and are not delivered twice.
    Fails,
    /// It is back, empty.
    Recovers,
    /// Every step takes this many times as long, from the next one on. The router is not told.
    Slows(f64),
}

/// An incident with its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimedIncident {
    /// When, s.
    pub at_s: f64,
    /// Which server.
    pub server: usize,
    /// What.
    pub what: Incident,
}

/// The link over which keys and values go from prefill to decode. Each server sends one request
/// at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Its name in reports: `rdma-200g`, `tcp-10g`...
    pub name: String,
    /// Bandwidth, bytes/s.
    pub bytes_per_s: f64,
    /// Seconds before the first byte arrives.
    pub latency_s: f64,
}

/// When servers are started and stopped, by group.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Autoscale {
    /// Seconds between decisions.
    pub interval_s: f64,
    /// Requests for each place in a batch above which a server is started.
    pub load_high: f64,
    /// Below it one is drained and stopped.
    pub load_low: f64,
    /// Seconds until a started server serves. It costs from the start.
    pub start_s: f64,
}

/// A fleet and how it is run.
#[derive(Debug, Clone)]
pub struct Setup<'a> {
    /// The servers.
    pub servers: Vec<Server>,
    /// Where requests go.
    pub policy: &'a dyn Policy,
    /// What users were promised; goodput counts the requests that got it.
    pub slo: Option<Slo>,
    /// The link between prefill and decode, and the KV bytes of a token.
    pub link: Option<(Link, f64)>,
    /// What goes wrong.
    pub incidents: Vec<TimedIncident>,
    /// Whether servers are started and stopped.
    pub autoscale: Option<Autoscale>,
}
