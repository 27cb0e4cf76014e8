//! Fleets in the simulator: enlarged until the bounds hold, then made as small as they allow.

use crate::policy::{self, Policy, Role};
use crate::sim::{Outcome, Server, Setup, simulate};
use crate::trace::Trace;

use super::options::Option as Kind;
use super::program::{self, Rule};
use super::spec::Spec;

/// Most rounds of solving and simulating.
const ROUNDS_MAX: u32 = 10;
/// How much more traffic each further round plans for.
const ROUND_FACTOR: f64 = 1.12;
/// Samples on which the bounds must hold: the trace, and bootstrap samples of it, so that a fleet
/// is not cut to fit one of them.
const SAMPLES: u64 = 3;
/// Policies under which a fleet may keep the bounds, in the order in which they are tried.
const POLICIES: [&dyn Policy; 2] = [&policy::AddedSeconds::USUAL, &policy::LeastLoad];
/// Growths of traffic that are tried to find the headroom.
const HEADROOMS: [f64; 7] = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0];

/// What must be served, on which chips.
pub(super) struct Trial<'a> {
    spec: &'a Spec,
    services: Vec<Spec>,
    kinds: &'a [Kind],
    /// Samples of the requests of each service.
    traces: Vec<Vec<Trace>>,
}

/// One service of a fleet in the simulator.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// The routing policy.
    pub(super) policy: &'static str,
    /// The first sample.
    pub(super) outcome: Outcome,
    /// Least share of requests within the bounds, of all samples.
    pub(super) slo_share: f64,
}

/// A fleet that was tried.
#[derive(Debug, Clone)]
pub(super) struct Fleet {
    /// Servers of each kind.
    pub(super) counts: Vec<u32>,
    /// Requests/s that the program was solved for, of each service.
    pub(super) traffic: Vec<f64>,
    /// What each service does.
    pub(super) seen: Vec<Seen>,
    /// Whether the bounds hold for all of them.
    pub(super) holds: bool,
    /// Times the program was solved for more traffic.
    pub(super) rounds: u32,
}

impl<'a> Trial<'a> {
    /// `traces` has a trace for each service, at its rate.
    pub(super) fn new(spec: &'a Spec, kinds: &'a [Kind], traces: Vec<Trace>) -> Self {
        let samples = |trace: Trace| {
            let more: Vec<Trace> = (1..SAMPLES).map(|seed| trace.resampled(seed)).collect();
            std::iter::once(trace).chain(more).collect()
        };
        Self {
            spec,
            services: spec.services(),
            kinds,
            traces: traces.into_iter().map(samples).collect(),
        }
    }

    /// Requests/s of each service.
    pub(super) fn traffic(&self) -> Vec<f64> {
        self.services.iter().map(|it| it.traffic.rate).collect()
    }

    /// Cost of `counts`, USD/h.
    pub(super) fn usd_per_h(&self, counts: &[u32]) -> f64 {
        let costs = self.kinds.iter().zip(counts);
        costs
            .map(|(kind, count)| kind.usd_per_h * f64::from(*count))
            .sum()
    }

    /// The cheapest fleet of the kinds that are `allowed`, in the program and then, with as many
    /// servers more as it takes and as few as suffice, in the simulator. None when there is none
    /// under the rules, or none that costs less than `than`, USD/h: when so much of it as that
    /// buys does not keep the bounds.
    pub(super) fn fleet(&self, allowed: &dyn Fn(&Kind) -> bool, than: f64) -> Option<Fleet> {
        let traffic = self.traffic();
        let counts = self.solve(allowed, &traffic)?;
        let mut fleet = if self.usd_per_h(&counts) > than {
            self.bought(&counts, than).filter(|fleet| fleet.holds)?
        } else {
            self.grown(allowed, counts, traffic)
        };
        if fleet.holds {
            self.cut(&mut fleet);
        }
        Some(fleet)
    }

    /// Cost of the program's fleet of the kinds that are `allowed`, USD/h.
    pub(super) fn usd_per_h_by_program(&self, allowed: &dyn Fn(&Kind) -> bool) -> Option<f64> {
        let counts = self.solve(allowed, &self.traffic())?;
        Some(self.usd_per_h(&counts))
    }

    /// So many of each of `counts` that all of them cost at most `most`, USD/h.
    fn bought(&self, counts: &[u32], most: f64) -> Option<Fleet> {
        let share = most / self.usd_per_h(counts);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a part of a count"
        )]
        let part = |count: &u32| (f64::from(*count) * share).floor() as u32;
        let counts: Vec<u32> = counts.iter().map(part).collect();
        let rules = program::rules(self.spec);
        let allowed = rules.iter().all(|rule| rule.keeps(self.kinds, &counts));
        allowed.then(|| {
            let seen = self.simulate(&counts);
            let holds = (0..seen.len()).all(|index| self.kept(index, &seen[index]));
            Fleet {
                counts,
                traffic: self.traffic(),
                seen,
                holds,
                rounds: 0,
            }
        })
    }

    /// `counts`, which the program gave for `traffic`, and more for more traffic until the bounds
    /// hold or the rules allow no more.
    fn grown(
        &self,
        allowed: &dyn Fn(&Kind) -> bool,
        mut counts: Vec<u32>,
        mut traffic: Vec<f64>,
    ) -> Fleet {
        let mut rounds = 0;
        let (seen, holds) = loop {
            let seen = self.simulate(&counts);
            let missed: Vec<usize> = (0..seen.len())
                .filter(|index| !self.kept(*index, &seen[*index]))
                .collect();
            if missed.is_empty() || rounds == ROUNDS_MAX {
                break (seen, missed.is_empty());
            }
            let mut more = traffic.clone();
            for index in missed {
                more[index] *= ROUND_FACTOR;
            }
            let Some(larger) = self.solve(allowed, &more) else {
                break (seen, false);
            };
            (counts, traffic) = (larger, more);
            rounds += 1;
        };
        Fleet {
            counts,
            traffic,
            seen,
            holds,
            rounds,
        }
    }

    /// The program over the kinds that are `allowed`; counts of all kinds.
    fn solve(&self, allowed: &dyn Fn(&Kind) -> bool, traffic: &[f64]) -> Option<Vec<u32>> {
        let left: Vec<Kind> = self
            .kinds
            .iter()
            .filter(|it| allowed(it))
            .cloned()
            .collect();
        let mut found = program::solve(self.spec, &left, traffic, &[])?.into_iter();
        let of = |kind: &Kind| {
            if allowed(kind) {
                found.next().unwrap_or(0)
            } else {
                0
            }
        };
        Some(self.kinds.iter().map(of).collect())
    }

    /// Takes servers away, the dearest kinds first, as long as the bounds hold: what the program
    /// counts is the mean request, and what a router makes of unequal ones only shows here.
    fn cut(&self, fleet: &mut Fleet) {
        let rules = program::rules(self.spec);
        let mut order: Vec<usize> = (0..self.kinds.len()).collect();
        order.sort_by(|left, right| {
            let usd = |index: &usize| self.kinds[*index].usd_per_h;
            usd(right).total_cmp(&usd(left))
        });
        for index in order {
            let service = self.kinds[index].service;
            let mut step = fleet.counts[index].div_ceil(4);
            while step > 0 {
                let mut fewer = fleet.counts.clone();
                fewer[index] -= step.min(fewer[index]);
                let under = |rule: &Rule| rule.keeps(self.kinds, &fewer);
                let seen = (fewer[index] < fleet.counts[index] && rules.iter().all(under))
                    .then(|| self.simulate_one(service, &fewer))
                    .filter(|seen| self.kept(service, seen));
                match seen {
                    Some(seen) => {
                        fleet.counts = fewer;
                        fleet.seen[service] = seen;
                    }
                    None => step /= 2,
                }
            }
        }
    }

    /// The largest growth of traffic, of a few, under which `fleet` keeps the bounds.
    pub(super) fn headroom(&self, fleet: &Fleet) -> f64 {
        let holds = |growth: f64| {
            (0..self.services.len()).all(|service| {
                let policy = policy::by_name(fleet.seen[service].policy);
                let setup = self.setup(service, &fleet.counts);
                policy.is_ok_and(|policy| {
                    let setup = Setup { policy, ..setup };
                    let trace = self.traces[service][0].clone().faster(1.0 + growth);
                    simulate(&trace, &setup).slo_share >= self.services[service].percentile
                })
            })
        };
        let mut headroom = 0.0;
        for growth in HEADROOMS {
            if !holds(growth) {
                break;
            }
            headroom = growth;
        }
        headroom
    }

    fn kept(&self, service: usize, seen: &Seen) -> bool {
        seen.slo_share >= self.services[service].percentile
    }

    fn simulate(&self, counts: &[u32]) -> Vec<Seen> {
        (0..self.services.len())
            .map(|service| self.simulate_one(service, counts))
            .collect()
    }

    /// One service under the first policy that keeps its bounds; under the best where none does.
    fn simulate_one(&self, service: usize, counts: &[u32]) -> Seen {
        let percentile = self.services[service].percentile;
        let mut best: Option<Seen> = None;
        for policy in POLICIES {
            let setup = Setup {
                policy,
                ..self.setup(service, counts)
            };
            let mut samples = self.traces[service].iter();
            let first = samples.next().expect("there is a trace for each service");
            let outcome = simulate(first, &setup);
            let mut slo_share = outcome.slo_share;
            for sample in samples {
                if slo_share < percentile {
                    break; // More samples cannot make it hold.
                }
                slo_share = slo_share.min(simulate(sample, &setup).slo_share);
            }
            let holds = slo_share >= percentile;
            if best.as_ref().is_none_or(|best| slo_share > best.slo_share) {
                best = Some(Seen {
                    policy: policy.name(),
                    outcome,
                    slo_share,
                });
            }
            if holds {
                break;
            }
        }
        best.expect("there is a policy")
    }

    /// The counted servers of one service, under the policy to begin with.
    pub(super) fn setup(&self, service: usize, counts: &[u32]) -> Setup<'static> {
        let mut servers = Vec::new();
        let mut kv_bytes: f64 = 0.0;
        let counted = self.kinds.iter().zip(counts).enumerate();
        for (group, (kind, count)) in counted.filter(|(_, (kind, _))| kind.service == service) {
            for _ in 0..*count {
                servers.push(Server {
                    group,
                    usd_per_s: kind.usd_per_h / 3600.0,
                    ..kind.server.clone()
                });
            }
            if *count > 0 {
                kv_bytes = kv_bytes.max(kind.kv_bytes_per_token);
            }
        }
        let service = &self.services[service];
        Setup {
            policy: POLICIES[0],
            slo: Some(service.slo),
            link: service.link.clone().map(|link| (link, kv_bytes)),
            incidents: Vec::new(),
            autoscale: None,
            servers,
        }
    }
}

/// A set of kinds of servers, by name.
type Set = (String, Box<dyn Fn(&Kind) -> bool>);

/// Sets of kinds of servers that are tried: all, each chip alone, all without each
/// chip, and phases together and apart. The sets of one service leave those of others free.
pub(super) fn sets(kinds: &[Kind]) -> Vec<Set> {
    let mut sets: Vec<Set> = vec![("all chips".to_owned(), Box::new(|_| true))];
    let services = kinds.iter().map(|kind| kind.service + 1).max().unwrap_or(0);
    for service in 0..services {
        let own = || kinds.iter().filter(move |kind| kind.service == service);
        let mut chips: Vec<&str> = own().map(|kind| kind.chip.as_str()).collect();
        chips.dedup();
        let model = own().next().map_or("", |kind| kind.model.as_str());
        let name = |what: String| {
            if services == 1 {
                what
            } else {
                format!("{what} for {model}")
            }
        };
        if chips.len() > 1 {
            for chip in &chips {
                let (with, without) = ((*chip).to_owned(), (*chip).to_owned());
                sets.push((
                    name(format!("{chip} only")),
                    Box::new(move |kind| kind.service != service || kind.chip == with),
                ));
                sets.push((
                    name(format!("without {chip}")),
                    Box::new(move |kind| kind.service != service || kind.chip != without),
                ));
            }
        }
        if own().any(|kind| kind.role != Role::Both) {
            sets.push((
                name("phases together".to_owned()),
                Box::new(move |kind| kind.service != service || kind.role == Role::Both),
            ));
            sets.push((
                name("phases apart".to_owned()),
                Box::new(move |kind| kind.service != service || kind.role != Role::Both),
            ));
        }
    }
    sets
}
