//! What a plan is asked for.

use serde::{Deserialize, Serialize};

use crate::perf::Precision;
use crate::policy::Slo;
use crate::sim::Link;
use crate::spec::FleetError;
use crate::trace::{Lengths, Synthetic, Trace};

/// A service, its bounds, and the chips that can be had.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The model.
    pub model: String,
    /// Requests and their lengths.
    pub traffic: Traffic,
    /// Bounds on latency.
    pub slo: Slo,
    /// Share of requests that must be within the bounds, 0..=1.
    #[serde(default = "percentile")]
    pub percentile: f64,
    /// The link between prefill and decode; without one the phases do not part.
    pub link: Option<Link>,
    /// Rules for the whole fleet.
    #[serde(default)]
    pub rules: Rules,
    /// The chips.
    #[serde(rename = "chip")]
    pub chips: Vec<Offer>,
    /// Other services that share chips, link and rules with this one. Each has servers of its
    /// own.
    #[serde(default, rename = "service")]
    pub further: Vec<Service>,
}

/// One more service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The model.
    pub model: String,
    /// Requests and their lengths.
    pub traffic: Traffic,
    /// Bounds on latency.
    pub slo: Slo,
    /// Share of requests that must be within the bounds, 0..=1.
    #[serde(default = "percentile")]
    pub percentile: f64,
}

/// Requests and their lengths.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Requests per second.
    pub rate: f64,
    /// Coefficient of variation of the time between requests.
    #[serde(default = "one")]
    pub burstiness: f64,
    /// Tokens of prompts.
    pub prompt: Lengths,
    /// Tokens of outputs.
    pub output: Lengths,
    /// Seed of the trace that verifies a plan.
    #[serde(default)]
    pub seed: u64,
}

/// Rules for the whole fleet. Absent means no rule.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Most board power, W.
    pub watts_max: Option<f64>,
    /// Most cost, USD per hour.
    pub usd_per_h_max: Option<f64>,
    /// Only domestic chips: data may not be processed on others.
    #[serde(default)]
    pub domestic_only: bool,
    /// Least share of the cost that goes to domestic chips, 0..=1.
    pub domestic_share_min: Option<f64>,
    /// Vendors that may not be used.
    #[serde(default)]
    pub vendors_forbidden: Vec<String>,
}

/// A chip that can be had.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// A chip of the catalogue.
    pub name: String,
    /// Cost of one, USD per hour; the rent of the catalogue when absent.
    pub usd_per_h: Option<f64>,
    /// How many there are; no limit when absent.
    pub stock: Option<u32>,
    /// Precision of the weights; the best of INT8, FP8 and BF16 that the chip has when absent.
    pub precision: Option<Precision>,
    /// Bytes of an element of keys and values.
    #[serde(default = "two")]
    pub kv_bytes: f64,
    /// Numbers of chips that may share each layer.
    #[serde(default = "tensors")]
    pub tensor: Vec<u32>,
}

fn percentile() -> f64 {
    0.95
}
fn one() -> f64 {
    1.0
}
fn two() -> f64 {
    2.0
}
fn tensors() -> Vec<u32> {
    vec![1]
}

impl Spec {
    /// Reads a specification.
    ///
    /// # Errors
    /// When `text` is not one; the message has the line.
    pub fn parse(text: &str) -> Result<Self, FleetError> {
        toml::from_str(text).map_err(|error| FleetError::Text(error.to_string()))
    }

    /// The services, each as a specification of its own with all chips and rules.
    #[must_use]
    pub fn services(&self) -> Vec<Self> {
        let own = Self {
            further: Vec::new(),
            ..self.clone()
        };
        let others = self.further.iter().map(|service| Self {
            model: service.model.clone(),
            traffic: service.traffic.clone(),
            slo: service.slo,
            percentile: service.percentile,
            ..own.clone()
        });
        std::iter::once(own.clone()).chain(others).collect()
    }
}

impl Traffic {
    /// Traffic like the requests of `trace`, `rate` of them a second: their median and 95th
    /// percentile of lengths, and how unevenly they arrive.
    #[must_use]
    pub fn of(trace: &Trace, rate: f64) -> Self {
        Self {
            rate,
            burstiness: trace.burstiness(),
            prompt: Lengths::of(trace.arrivals.iter().map(|it| it.prompt_tokens)),
            output: Lengths::of(trace.arrivals.iter().map(|it| it.output_tokens)),
            seed: 0,
        }
    }

    /// `requests` requests of this traffic.
    #[must_use]
    pub fn synthetic(&self, requests: u64) -> Synthetic {
        Synthetic {
            requests,
            rate: self.rate,
            burstiness: self.burstiness,
            prompt: self.prompt,
            output: self.output,
            shared: 0.0,
            prefixes: 0,
            prefix_tokens: 0,
            seed: self.seed,
        }
    }
}
