//! The highest rate at which a fleet keeps its promise.

use crate::sim::{Outcome, Setup, simulate};
use crate::trace::Trace;

/// A capacity, and what the fleet does at it.
#[derive(Debug, Clone, PartialEq)]
pub struct Capacity {
    /// Requests per second, as a mean over the trace.
    pub rate_per_s: f64,
    /// The simulation at that rate.
    pub outcome: Outcome,
}

/// Relative width at which the search for a rate ends.
const RESOLUTION: f64 = 0.015;
/// Range of rates around the first guess, to either side, as a power of two.
const DOUBLINGS_MAX: u32 = 12;

/// The highest rate at which at least `share` of the requests of `trace`, sped up or slowed
/// down, are within the bounds of `setup`. `guess_per_s` only saves time. None when not even a
/// rate far below it will do.
#[must_use]
pub fn capacity(
    trace: &Trace,
    setup: &Setup<'_>,
    share: f64,
    guess_per_s: f64,
) -> Option<Capacity> {
    let natural = trace.arrivals.len() as f64 / trace.seconds().max(f64::MIN_POSITIVE);
    let found = search(guess_per_s, &|rate_per_s| {
        let outcome = simulate(&trace.clone().faster(rate_per_s / natural), setup);
        (outcome.slo_share >= share).then_some(outcome)
    });
    found.map(|(rate_per_s, outcome)| Capacity {
        rate_per_s,
        outcome,
    })
}

/// The highest rate at which `at` gives something, with that. `guess_per_s` only saves time.
pub(super) fn search<T>(guess_per_s: f64, at: &dyn Fn(f64) -> Option<T>) -> Option<(f64, T)> {
    let mut high = guess_per_s;
    let mut best = at(high).map(|it| (high, it));
    // Steps grow, since a guess is usually near.
    let mut step: f64 = 1.06;
    if best.is_some() {
        for _ in 0..DOUBLINGS_MAX {
            high = best.as_ref().map_or(high, |it| it.0) * step;
            step *= step;
            match at(high) {
                Some(better) => best = Some((high, better)),
                None => break,
            }
        }
    } else {
        let mut low = high;
        for _ in 0..DOUBLINGS_MAX {
            low /= step;
            step = (step * step).min(4.0);
            best = at(low).map(|it| (low, it));
            if best.is_some() {
                break;
            }
            high = low;
        }
    }
    let mut best = best?;
    while high / best.0 > 1.0 + RESOLUTION {
        let middle = (high * best.0).sqrt();
        match at(middle) {
            Some(better) => best = (middle, better),
            None => high = middle,
        }
    }
    Some(best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{LeastLoad, Role, Slo, Speed};
    use crate::sim::Server;
    use crate::trace::{Lengths, Synthetic};

    /// One place and one token: the rate cannot exceed one over the service time, and with bounds
    /// of many service times it comes near it.
    #[test]
    fn capacity_of_a_plain_queue_is_its_service_rate() {
        let service_s = 0.1;
        let server = Server {
            group: 0,
            role: Role::Both,
            domestic: false,
            speed: Speed {
                prefill_s_per_token: service_s / 100.0,
                ..Speed::default()
            },
            running_max: 1,
            kv_tokens_max: 1000,
            chunk_tokens: 100,
            usd_per_s: 0.0,
            started: true,
        };
        let trace = Synthetic {
            prompt: Lengths::fixed(100),
            output: Lengths::fixed(1),
            burstiness: 1.0,
            ..Synthetic::azure_conversation(20_000, 1.0, 2)
        }
        .trace();
        let setup = Setup {
            servers: vec![server; 2],
            policy: &LeastLoad,
            slo: Some(Slo {
                ttft_s: 50.0 * service_s,
                tpot_s: 1.0,
            }),
            link: None,
            incidents: Vec::new(),
            autoscale: None,
        };
        for guess in [0.1, 15.0, 900.0] {
            let found = capacity(&trace, &setup, 0.99, guess).unwrap();
            assert!((18.5..=20.5).contains(&found.rate_per_s), "{found:?}");
            assert!(found.outcome.slo_share >= 0.99);
        }
    }

    #[test]
    fn bounds_that_never_hold_have_no_capacity() {
        let trace = Synthetic::azure_conversation(50, 1.0, 2).trace();
        let setup = Setup {
            servers: Vec::new(),
            policy: &LeastLoad,
            slo: None,
            link: None,
            incidents: Vec::new(),
            autoscale: None,
        };
        assert_eq!(capacity(&trace, &setup, 0.9, 1.0), None);
    }
}
