//! The mixed-integer program: least cost of servers that carry the traffic under the rules.

use std::fmt;

use good_lp::{Expression, ProblemVariables, Solution, SolverModel, constraint, microlp, variable};

use super::options::Option as Kind;
use super::spec::Spec;
use super::{Reason, Role};
use crate::names::key;

/// A rule that can be dropped, to find what clashes.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// Stock of a chip.
    Stock(String, u32),
    /// Bound on power, W.
    Watts(f64),
    /// Bound on cost, USD per hour.
    Cost(f64),
    /// Domestic chips only.
    DomesticOnly,
    /// Least share of the cost on domestic chips.
    DomesticShare(f64),
}

impl Rule {
    /// Whether `counts` of `kinds` keep it.
    pub(super) fn keeps(&self, kinds: &[Kind], counts: &[u32]) -> bool {
        let sum = |weight: &dyn Fn(&Kind) -> f64| -> f64 {
            let counted = kinds.iter().zip(counts);
            counted
                .map(|(kind, count)| weight(kind) * f64::from(*count))
                .sum()
        };
        let domestic = |kind: &Kind| f64::from(u8::from(kind.domestic));
        // Rounding must not make a rule that holds exactly a broken one.
        let slack = 1e-9;
        match self {
            Self::Stock(chip, stock) => {
                let of = |kind: &Kind| f64::from(u8::from(key(&kind.chip) == key(chip)));
                sum(&|kind| of(kind) * f64::from(kind.tensor)) <= f64::from(*stock) + slack
            }
            Self::Watts(watts) => sum(&|kind| kind.watts) <= *watts + slack,
            Self::Cost(usd) => sum(&|kind| kind.usd_per_h) <= *usd + slack,
            Self::DomesticOnly => sum(&|kind| 1.0 - domestic(kind)) <= slack,
            Self::DomesticShare(share) => {
                sum(&|kind| kind.usd_per_h * (domestic(kind) - share)) >= -slack
            }
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stock(chip, count) => write!(formatter, "stock of {count} {chip}"),
            Self::Watts(watts) => write!(formatter, "at most {watts} W"),
            Self::Cost(usd) => write!(formatter, "at most {usd} USD/h"),
            Self::DomesticOnly => formatter.write_str("domestic chips only"),
            Self::DomesticShare(share) => write!(formatter, "domestic share of at least {share}"),
        }
    }
}

/// The rules of `spec`.
pub(super) fn rules(spec: &Spec) -> Vec<Rule> {
    let mut rules = Vec::new();
    rules.extend(spec.rules.watts_max.map(Rule::Watts));
    rules.extend(spec.rules.usd_per_h_max.map(Rule::Cost));
    rules.extend(spec.rules.domestic_only.then_some(Rule::DomesticOnly));
    rules.extend(spec.rules.domestic_share_min.map(Rule::DomesticShare));
    for chip in &spec.chips {
        rules.extend(
            chip.stock
                .map(|stock| Rule::Stock(chip.name.clone(), stock)),
        );
    }
    rules
}

/// What must be carried, for people; with the model where there are several services.
pub(super) fn traffics(spec: &Spec) -> Vec<String> {
    let services = spec.services();
    services
        .iter()
        .map(|service| {
            let rate = service.traffic.rate;
            if services.len() == 1 {
                format!("traffic of {rate} requests/s")
            } else {
                format!("traffic of {rate} requests/s to {}", service.model)
            }
        })
        .collect()
}

/// Counts of `kinds` of least cost for `traffic` requests per second of each service, under all
/// rules but those `dropped`; None when there are none.
pub(super) fn solve(
    spec: &Spec,
    kinds: &[Kind],
    traffic: &[f64],
    dropped: &[Rule],
) -> Option<Vec<u32>> {
    let rules: Vec<Rule> = rules(spec)
        .into_iter()
        .filter(|it| !dropped.contains(it))
        .collect();
    let counts = solve_under(&rules, kinds, traffic, true)?;
    Some(counts.into_iter().map(whole).collect())
}

fn solve_under(rules: &[Rule], kinds: &[Kind], traffic: &[f64], integer: bool) -> Option<Vec<f64>> {
    let mut variables = ProblemVariables::new();
    let counts: Vec<_> = kinds
        .iter()
        .map(|kind| {
            // No optimum has more servers of a kind than would carry all traffic alone.
            let most = (traffic[kind.service] / kind.capacity_per_s.max(1e-9)).ceil() + 1.0;
            let count = variable().min(0.0).max(most.min(1e6));
            variables.add(if integer { count.integer() } else { count })
        })
        .collect();
    // Requests of each service whose phases part.
    let parted: Vec<_> = traffic
        .iter()
        .map(|_| variables.add(variable().min(0.0)))
        .collect();
    let sum = |weight: &dyn Fn(&Kind) -> f64| -> Expression {
        kinds
            .iter()
            .zip(&counts)
            .map(|(kind, count)| weight(kind) * *count)
            .sum()
    };
    let capacity = |service: usize, role: Role| {
        move |kind: &Kind| {
            if kind.service == service && kind.role == role {
                kind.capacity_per_s
            } else {
                0.0
            }
        }
    };
    let cost = sum(&|kind| kind.usd_per_h);
    let mut problem = variables.minimise(cost.clone()).using(microlp);
    for (service, (traffic, parted)) in traffic.iter().zip(parted).enumerate() {
        let of = |role: Role| sum(&capacity(service, role));
        problem = problem
            .with(constraint!(of(Role::Both) + parted >= *traffic))
            .with(constraint!(of(Role::Prefill) - parted >= 0.0))
            .with(constraint!(of(Role::Decode) - parted >= 0.0));
    }
    for rule in rules {
        problem = match rule {
            Rule::Stock(chip, stock) => {
                let used = sum(&|kind| {
                    if key(&kind.chip) == key(chip) {
                        f64::from(kind.tensor)
                    } else {
                        0.0
                    }
                });
                problem.with(constraint!(used <= f64::from(*stock)))
            }
            Rule::Watts(watts) => problem.with(constraint!(sum(&|kind| kind.watts) <= *watts)),
            Rule::Cost(usd) => problem.with(constraint!(cost.clone() <= *usd)),
            Rule::DomesticOnly => {
                let foreign = sum(&|kind| f64::from(u8::from(!kind.domestic)));
                problem.with(constraint!(foreign <= 0.0))
            }
            Rule::DomesticShare(share) => {
                let over =
                    sum(&|kind| kind.usd_per_h * (f64::from(u8::from(kind.domestic)) - share));
                problem.with(constraint!(over >= 0.0))
            }
        };
    }
    let solution = problem.solve().ok()?;
    Some(counts.iter().map(|count| solution.value(*count)).collect())
}

fn whole(value: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of servers that the program bounds to 0..=1e6"
    )]
    let count = value.round().max(0.0) as u32;
    count
}

/// What one unit more of traffic costs, and what one unit more of each rule saves: differences of
/// the program without whole numbers, in which a small change has a small effect.
pub(super) fn prices(spec: &Spec, kinds: &[Kind], traffic: &[f64]) -> Vec<Reason> {
    let all = rules(spec);
    let cost = |rules: &[Rule], traffic: &[f64]| -> Option<f64> {
        let counts = solve_under(rules, kinds, traffic, false)?;
        Some(
            kinds
                .iter()
                .zip(counts)
                .map(|(kind, count)| kind.usd_per_h * count)
                .sum(),
        )
    };
    let Some(now) = cost(&all, traffic) else {
        return Vec::new();
    };
    let mut reasons = Vec::new();
    for (index, rule) in traffics(spec).into_iter().enumerate() {
        let step = traffic[index] * 0.01;
        let mut grown = traffic.to_vec();
        grown[index] += step;
        if let Some(more) = cost(&all, &grown) {
            reasons.push(Reason {
                rule,
                usd_per_h: (more - now) / step,
                unit: "request/s",
            });
        }
    }
    for (index, rule) in all.iter().enumerate() {
        let (looser, step, unit) = match rule {
            Rule::Stock(chip, stock) => (Rule::Stock(chip.clone(), stock + 1), 1.0, "chip"),
            Rule::Watts(watts) => (Rule::Watts(watts * 1.01), watts * 0.01 / 1e3, "kW"),
            Rule::Cost(usd) => (Rule::Cost(usd * 1.01), usd * 0.01, "USD/h"),
            Rule::DomesticShare(share) => (Rule::DomesticShare(share - 0.01), 1.0, "hundredth"),
            Rule::DomesticOnly => (Rule::DomesticShare(0.0), 1.0, "rule"),
        };
        let mut loosened = all.clone();
        loosened[index] = looser;
        if let Some(less) = cost(&loosened, traffic)
            && now - less > 1e-6 * now
        {
            reasons.push(Reason {
                rule: rule.to_string(),
                usd_per_h: (now - less) / step,
                unit,
            });
        }
    }
    reasons
}
