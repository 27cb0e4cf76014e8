//! The planner: which chips, how many, in which role, for a service with bounds on latency.
//!
//! Capacities come from the performance models, counts from a mixed-integer program over all
//! chips and over parts of them. Each result is run in the simulator. Where the bounds do not hold
//! there, the program is solved again for more traffic, until they hold; then servers are taken
//! away as long as they do. The cheapest fleet of all is the plan.

mod manifests;
mod options;
mod program;
mod spec;
#[cfg(test)]
mod tests;
mod trial;

use serde::Serialize;

use crate::policy::{self, Role};
use crate::sim::{Outcome, Setup};
use crate::spec::FleetError;
use crate::trace::Trace;
use trial::Trial;

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
    /// How much more traffic of every service it carries in the simulator, as a share of what was
    /// asked for: the largest of a few that were tried, 0..=1.
    pub headroom: f64,
    /// The routing policy under which the bounds hold, of each service.
    pub policies: Vec<String>,
    /// What it does in the simulator.
    pub verified: Outcome,
    /// What it does there for each further service.
    pub further: Vec<Outcome>,
    /// Whether the bounds hold there for the asked share of requests, of every service.
    pub holds: bool,
    /// Times the program was solved for more traffic.
    pub rounds: u32,
    /// Other fleets that keep the bounds in the simulator, by cost: of one chip alone, without
    /// one of the chips, with phases together or apart.
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

/// Requests of the simulation that verifies a plan.
const VERIFIED_REQUESTS: u64 = 8_000;
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
    let trial = Trial::new(spec, &options, traces);
    let mut tried: Vec<(String, trial::Fleet)> = Vec::new();
    let mut least = f64::INFINITY;
    let mut dear = Vec::new();
    for (name, allowed) in trial::sets(&options) {
        let Some(fleet) = trial.fleet(&allowed, least) else {
            if let Some(usd_per_h) = trial.usd_per_h_by_program(&allowed) {
                dear.push((usd_per_h, name, allowed));
            }
            continue;
        };
        if fleet.holds {
            least = least.min(trial.usd_per_h(&fleet.counts));
        }
        tried.push((name, fleet));
    }
    // Fleets that keep the bounds first, then by cost; of equal ones the first that was tried.
    tried.sort_by(|(_, left), (_, right)| {
        let usd = |fleet: &trial::Fleet| trial.usd_per_h(&fleet.counts);
        let share = |fleet: &trial::Fleet| {
            let shares = fleet.seen.iter().map(|seen| seen.slo_share);
            shares.fold(1.0, f64::min)
        };
        match (left.holds, right.holds) {
            (true, true) => usd(left).total_cmp(&usd(right)),
            (false, false) => share(right).total_cmp(&share(left)),
            (left, right) => right.cmp(&left),
        }
    });
    let mut tried = tried.into_iter();
    let Some((_, best)) = tried.next() else {
        let traffic = trial.traffic();
        return Err(PlanError::Clash(clash(spec, &options, &traffic, &excluded)));
    };
    let mut seen_counts = vec![best.counts.clone()];
    let mut others: Vec<(String, Choice)> = Vec::new();
    for (name, fleet) in tried.filter(|(_, fleet)| fleet.holds) {
        if others.len() == OTHERS_MAX || seen_counts.contains(&fleet.counts) {
            continue;
        }
        others.push((name, choice(&options, &fleet.counts)));
        seen_counts.push(fleet.counts);
    }
    // The rest of the alternatives are dearer than the plan.
    dear.sort_by(|left, right| left.0.total_cmp(&right.0));
    for (_, name, allowed) in dear {
        if best.holds
            && others.len() < OTHERS_MAX
            && let Some(fleet) = trial.fleet(&allowed, f64::INFINITY)
            && fleet.holds
            && !seen_counts.contains(&fleet.counts)
        {
            others.push((name, choice(&options, &fleet.counts)));
            seen_counts.push(fleet.counts);
        }
    }
    others.sort_by(|left, right| left.1.usd_per_h.total_cmp(&right.1.usd_per_h));
    let mut outcomes = best.seen.iter().map(|seen| seen.outcome.clone());
    let verified = outcomes.next().expect("there is a service");
    Ok(Plan {
        best: choice(&options, &best.counts),
        headroom: if best.holds {
            trial.headroom(&best)
        } else {
            0.0
        },
        policies: best
            .seen
            .iter()
            .map(|seen| seen.policy.to_owned())
            .collect(),
        verified,
        further: outcomes.collect(),
        holds: best.holds,
        rounds: best.rounds,
        others,
        reasons: program::prices(spec, &options, &best.traffic),
        excluded,
    })
}

fn choice(options: &[options::Option], counts: &[u32]) -> Choice {
    let used = options.iter().zip(counts).filter(|(_, count)| **count > 0);
    let parts: Vec<Part> = used
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
    Choice {
        usd_per_h: parts.iter().map(|part| part.usd_per_h).sum(),
        watts: parts.iter().map(|part| part.watts).sum(),
        parts,
    }
}

/// The servers of the first service of `plan`, which came of `spec`, for the simulator, under the
/// policy that the plan was verified with.
///
/// # Errors
/// When `plan` has parts that `spec` does not offer.
pub fn setup(spec: &Spec, plan: &Plan) -> Result<Setup<'static>, FleetError> {
    let (options, _) = options::all(spec)?;
    let count = |option: &options::Option| {
        let same = |part: &&Part| {
            part.model == option.model
                && part.chip == option.chip
                && part.role == option.role
                && part.tensor == option.tensor
        };
        let part = plan.best.parts.iter().find(same);
        part.map_or(0, |part| part.servers)
    };
    let counts: Vec<u32> = options.iter().map(count).collect();
    let setup = Trial::new(spec, &options, Vec::new()).setup(0, &counts);
    Ok(match plan.policies.first() {
        Some(policy) => Setup {
            policy: policy::by_name(policy)?,
            ..setup
        },
        None => setup,
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
