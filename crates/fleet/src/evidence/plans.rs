//! Plans of mixed chips against plans of one kind of chip.

use serde::Serialize;

use super::Interval;
use crate::plan::{Choice, PlanError, Spec, plan_on, setup};
use crate::sim::simulate;
use crate::trace::Trace;

/// A plan, and how it does on samples of the trace that it was not verified on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Planned {
    /// What was allowed: `all chips`, or the one.
    pub name: String,
    /// The fleet; absent when there is none, with the reason in `why`.
    pub choice: Option<Choice>,
    /// Why there is none.
    pub why: Option<String>,
    /// Share of requests within the bounds.
    pub slo_share: Option<Interval>,
    /// Cost of a thousand requests within the bounds, USD.
    pub usd_per_1k: Option<Interval>,
}

/// Plans `spec` with all its chips, and with each of them alone, for the requests of `trace` at
/// the rate of `spec`; each is verified on the trace and then run on `seeds` samples of it.
///
/// # Errors
/// When `spec` has a mistake; a chip with which there is no plan is no mistake.
pub fn plans(spec: &Spec, trace: &Trace, seeds: u64) -> Result<Vec<Planned>, PlanError> {
    let mut allowed = vec![("all chips".to_owned(), spec.clone())];
    for offer in &spec.chips {
        let alone = Spec {
            chips: vec![offer.clone()],
            ..spec.clone()
        };
        allowed.push((offer.name.clone(), alone));
    }
    let natural =
        |trace: &Trace| trace.arrivals.len() as f64 / trace.seconds().max(f64::MIN_POSITIVE);
    allowed
        .into_iter()
        .map(|(name, spec)| {
            let plan = match plan_on(&spec, trace) {
                Ok(plan) => plan,
                Err(clash @ PlanError::Clash(_)) => {
                    return Ok(Planned {
                        name,
                        choice: None,
                        why: Some(clash.to_string()),
                        slo_share: None,
                        usd_per_1k: None,
                    });
                }
                Err(error) => return Err(error),
            };
            let setup = setup(&spec, &plan)?;
            let (mut shares, mut usd) = (Vec::new(), Vec::new());
            for seed in 0..seeds {
                let sample = trace.resampled(seed);
                let factor = spec.traffic.rate / natural(&sample);
                let outcome = simulate(&sample.faster(factor), &setup);
                shares.push(outcome.slo_share);
                usd.push(outcome.usd_per_1k_good);
            }
            Ok(Planned {
                name,
                why: (!plan.holds).then(|| {
                    format!(
                        "on the trace itself {:.1} % of requests are within the bounds",
                        plan.verified.slo_share * 100.0
                    )
                }),
                choice: Some(plan.best),
                slo_share: Some(Interval::of(&shares)),
                usd_per_1k: Some(Interval::of(&usd)),
            })
        })
        .collect()
}
