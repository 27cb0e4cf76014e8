//! The planner: which chips, how many, in which role, for a service with bounds on latency.
//!
//! Capacities come from the performance models, counts from a mixed-integer program, and the
//! result is run in the simulator. Where the bounds do not hold there, the program is solved
//! again for more traffic, until they hold.

mod manifests;
mod options;
mod program;
mod spec;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::policy::Role;
use crate::sim::{Outcome, Server, Setup, simulate};
use crate::trace::Trace;
use crate::{policy, spec::FleetError};

pub use manifests::manifests;
pub use options::Option as ServerOption;
pub use program::Rule;
pub use spec::{Offer, Rules, Service, Spec, Traffic};

/// How many servers of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// The model it serves.
    pub model: String,
    /// The chip.
    pub chip: String,
    /// Which phase.
    pub role: Role,
    /// Chips of a server.
    pub tensor: u32,
    /// Servers.
    pub servers: u32,
    /// Precision of the weights.
    pub precision: String,
    /// Requests per second that one server can take within the bounds.
    pub capacity_per_s: f64,
    /// Largest batch within the bounds.
    pub batch_max: u32,
    /// Cost of all of them, USD per hour.
    pub usd_per_h: f64,
    /// Board power of all of them, W.
    pub watts: f64,
}

/// A fleet with its cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// The servers.
    pub parts: Vec<Part>,
    /// Cost, USD per hour.
    pub usd_per_h: f64,
    /// Board power, W.
    pub watts: f64,
    /// Capacity over traffic, less one: the least of all services.
    pub headroom: f64,
}

/// Why the plan is as it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reason {
    /// The rule.
    pub rule: String,
    /// What one unit more of it would save (or, of traffic, cost), USD per hour.
    pub usd_per_h: f64,
    /// The unit.
    pub unit: &'static str,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The fleet.
    pub best: Choice,
    /// What it does in the simulator.
    pub verified: Outcome,
    /// What it does there for each further service.
    pub further: Vec<Outcome>,
    /// Whether the bounds hold there for the asked share of requests, of every service.
    pub holds: bool,
    /// Times the program was solved for more traffic.
    pub rounds: u32,
    /// The best fleets without one of the chips of the best, by cost.
    pub others: Vec<(String, Choice)>,
    /// The rules that bind, with their prices.
    pub reasons: Vec<Reason>,
    /// Kinds of servers that were not considered, and why.
    pub excluded: Vec<String>,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// The specification is not one.
    #[error(transparent)]
    Spec(#[from] FleetError),
    /// The rules cannot be kept together.
    #[error("no fleet keeps these together: {}", .0.join("; "))]
    Clash(Vec<String>),
}

/// Most rounds of solving and simulating.
const ROUNDS_MAX: u32 = 10;
/// How much more traffic each further round plans for.
const ROUND_FACTOR: f64 = 1.12;
/// Requests of the simulation that verifies a plan.
const VERIFIED_REQUESTS: u64 = 20_000;
/// Alternatives that are reported.
const OTHERS_MAX: usize = 3;

/// Plans a fleet for `spec`.
///
/// # Errors
/// When a name is unknown, or when rules clash: then the least set of them that cannot be kept.
pub fn plan(spec: &Spec) -> Result<Plan, PlanError> {
    plan_on(spec, &spec.traffic.synthetic(VERIFIED_REQUESTS).trace())
}

/// Plans a fleet for `spec`, verified with the requests of `trace` at the rate of `spec`.
///
/// # Errors
/// As [`plan`].
pub fn plan_on(spec: &Spec, trace: &Trace) -> Result<Plan, PlanError> {
    let services = spec.services();
    let at_rate = |trace: Trace, rate: f64| {
        let natural = trace.arrivals.len() as f64 / trace.seconds().max(f64::MIN_POSITIVE);
        trace.faster(rate / natural)
    };
    let traces: Vec<Trace> = services
        .iter()
        .enumerate()
        .map(|(index, service)| {
            let trace = match index {
                0 => trace.clone(),
                _ => service.traffic.synthetic(VERIFIED_REQUESTS).trace(),
            };
            at_rate(trace, service.traffic.rate)
        })
        .collect();
    let (options, excluded) = options::all(spec)?;
    let mut traffic: Vec<f64> = services.iter().map(|it| it.traffic.rate).collect();
    let mut rounds = 0;
    let (best, mut outcomes, holds) = loop {
        let counts = program::solve(spec, &options, &traffic, &[])
            .ok_or_else(|| PlanError::Clash(clash(spec, &options, &traffic, &excluded)))?;
        let best = choice(&services, &options, &counts);
        let mut outcomes = Vec::new();
        for (index, service) in services.iter().enumerate() {
            let setup = assemble(service, index, &options, &counts)?;
            outcomes.push(simulate(&traces[index], &setup));
        }
        let missed: Vec<usize> = (0..services.len())
            .filter(|index| outcomes[*index].slo_share < services[*index].percentile)
            .collect();
        let mut more = traffic.clone();
        for index in &missed {
            more[*index] *= ROUND_FACTOR;
        }
        let ends = missed.is_empty()
            || rounds == ROUNDS_MAX
            || program::solve(spec, &options, &more, &[]).is_none();
        if ends {
            break (best, outcomes, missed.is_empty());
        }
        traffic = more;
        rounds += 1;
    };
    let further = outcomes.split_off(1);
    let verified = outcomes.remove(0);
    let mut others: Vec<(String, Choice)> = Vec::new();
    for part in &best.parts {
        let name = format!("without {}", part.chip);
        if others.iter().any(|(other, _)| *other == name) {
            continue;
        }
        let left: Vec<options::Option> = options
            .iter()
            .filter(|it| it.chip != part.chip)
            .cloned()
            .collect();
        if let Some(counts) = program::solve(spec, &left, &traffic, &[]) {
            others.push((name, choice(&services, &left, &counts)));
        }
    }
    let parted = best.parts.iter().any(|part| part.role != Role::Both);
    let left: Vec<options::Option> = options
        .iter()
        .filter(|it| (it.role == Role::Both) == parted)
        .cloned()
        .collect();
    if let Some(counts) = program::solve(spec, &left, &traffic, &[]) {
        let name = if parted {
            "phases together"
        } else {
            "phases apart"
        };
        others.push((name.to_owned(), choice(&services, &left, &counts)));
    }
    others.sort_by(|left, right| left.1.usd_per_h.total_cmp(&right.1.usd_per_h));
    others.truncate(OTHERS_MAX);
    let reasons = program::prices(spec, &options, &traffic);
    Ok(Plan {
        best,
        verified,
        further,
        holds,
        rounds,
        others,
        reasons,
        excluded,
    })
}

fn choice(services: &[Spec], options: &[options::Option], counts: &[u32]) -> Choice {
    let used = || options.iter().zip(counts).filter(|(_, count)| **count > 0);
    let parts: Vec<Part> = used()
        .map(|(option, count)| Part {
            model: option.model.clone(),
            chip: option.chip.clone(),
            role: option.role,
            tensor: option.tensor,
            servers: *count,
            precision: option.precision.name().to_owned(),
            capacity_per_s: option.capacity_per_s,
            batch_max: option.batch_max,
            usd_per_h: f64::from(*count) * option.usd_per_h,
            watts: f64::from(*count) * option.watts,
        })
        .collect();
    let headroom = |(index, service): (usize, &Spec)| {
        let of = |role: Role| -> f64 {
            used()
                .filter(|(option, _)| option.service == index && option.role == role)
                .map(|(option, count)| f64::from(*count) * option.capacity_per_s)
                .sum()
        };
        let capacity = of(Role::Both) + of(Role::Prefill).min(of(Role::Decode));
        capacity / service.traffic.rate - 1.0
    };
    let headroom = services.iter().enumerate().map(headroom);
    Choice {
        usd_per_h: parts.iter().map(|part| part.usd_per_h).sum(),
        watts: parts.iter().map(|part| part.watts).sum(),
        headroom: headroom.fold(f64::INFINITY, f64::min),
        parts,
    }
}

/// The servers of the first service of `choice`, which came of `spec`, for the simulator.
///
/// # Errors
/// When `choice` has parts that `spec` does not offer.
pub fn setup(spec: &Spec, choice: &Choice) -> Result<Setup<'static>, FleetError> {
    let (options, _) = options::all(spec)?;
    let count = |option: &options::Option| {
        let same = |part: &&Part| {
            part.model == option.model
                && part.chip == option.chip
                && part.role == option.role
                && part.tensor == option.tensor
        };
        choice
            .parts
            .iter()
            .find(same)
            .map_or(0, |part| part.servers)
    };
    let counts: Vec<u32> = options.iter().map(count).collect();
    assemble(spec, 0, &options, &counts)
}

/// The counted servers of one service, under the policy to begin with.
fn assemble(
    spec: &Spec,
    service: usize,
    options: &[options::Option],
    counts: &[u32],
) -> Result<Setup<'static>, FleetError> {
    let mut servers = Vec::new();
    let mut kv_bytes: f64 = 0.0;
    let of_service =
        |(_, (option, _)): &(usize, (&options::Option, &u32))| option.service == service;
    let counted = options.iter().zip(counts).enumerate().filter(of_service);
    for (group, (option, count)) in counted {
        for _ in 0..*count {
            servers.push(Server {
                group,
                usd_per_s: option.usd_per_h / 3600.0,
                ..option.server.clone()
            });
        }
        if *count > 0 {
            kv_bytes = kv_bytes.max(option.kv_bytes_per_token);
        }
    }
    Ok(Setup {
        policy: policy::by_name("added-seconds")?,
        slo: Some(spec.slo),
        link: spec.link.clone().map(|link| (link, kv_bytes)),
        incidents: Vec::new(),
        autoscale: None,
        servers,
    })
}

/// The least set of rules that cannot be kept together: of all rules, those without each of
/// which there would be a fleet, given that the ones found needless before are gone.
fn clash(
    spec: &Spec,
    options: &[options::Option],
    traffic: &[f64],
    excluded: &[String],
) -> Vec<String> {
    let mut dropped: Vec<Rule> = Vec::new();
    let mut kept = Vec::new();
    for rule in program::rules(spec) {
        dropped.push(rule.clone());
        if program::solve(spec, options, traffic, &dropped).is_some() {
            dropped.pop();
            kept.push(rule.to_string());
        }
    }
    let bounds = kept.is_empty();
    kept.splice(0..0, program::traffics(spec));
    if bounds {
        for service in spec.services() {
            kept.push(format!(
                "time to first token of {} s and per token of {} s",
                service.slo.ttft_s, service.slo.tpot_s
            ));
        }
        kept.extend(excluded.iter().cloned());
    }
    kept
}
