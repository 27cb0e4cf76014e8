//! The event loop: arrivals, ends of steps, handovers, incidents, scaling.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::outcome::{Fate, Latency, Outcome, Totals, sum_up};
use super::server::{Job, Life, State};
use super::{Incident, Setup};
use crate::policy::{Backend, Handover, Refusal, Request, Role};
use crate::trace::Trace;

#[derive(Debug, Clone, Copy)]
enum What {
    /// A server ends what it does.
    End {
        server: usize,
        version: u64,
    },
    /// Keys and values arrive at a decoder.
    Handed {
        server: usize,
        job: Job,
    },
    Incident(usize),
    /// A started server begins to serve.
    Started(usize),
    /// The autoscaler looks.
    Scale,
}

/// An event; of equal times, the one that was made first comes first.
#[derive(Debug, Clone, Copy)]
struct Event {
    at_s: f64,
    number: u64,
    what: What,
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Event {}
impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Event {
    /// Reversed: the heap gives the earliest.
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .at_s
            .total_cmp(&self.at_s)
            .then(other.number.cmp(&self.number))
    }
}

struct Engine<'a> {
    setup: &'a Setup<'a>,
    trace: &'a Trace,
    servers: Vec<State>,
    events: BinaryHeap<Event>,
    made: u64,
    routed: u64,
    fates: Vec<Fate>,
    /// Decoder of a request whose phases part.
    decoders: Vec<u32>,
    /// Requests that no server accepts now.
    parked: Vec<u32>,
    output_mean: u32,
    backends: Vec<Backend>,
    totals: Totals,
    first: Vec<Job>,
    last: Vec<u32>,
}

/// Not parted.
const WHOLE: u32 = u32::MAX;

/// Runs `trace` through the fleet of `setup`.
#[must_use]
pub fn simulate(trace: &Trace, setup: &Setup<'_>) -> Outcome {
    let engine = played(trace, setup);
    let outputs = |index: usize| trace.arrivals[index].output_tokens;
    sum_up(&engine.fates, outputs, setup.slo, engine.totals)
}

/// As [`simulate`], but what each request met, in the order of the trace; None where it was not
/// answered.
#[must_use]
pub fn latencies(trace: &Trace, setup: &Setup<'_>) -> Vec<Option<Latency>> {
    let engine = played(trace, setup);
    let fates = engine.fates.iter().zip(&trace.arrivals);
    fates
        .map(|(fate, arrival)| fate.latency(arrival.output_tokens))
        .collect()
}

/// The state when everything has happened.
fn played<'a>(trace: &'a Trace, setup: &'a Setup<'a>) -> Engine<'a> {
    let (_, output_mean) = trace.mean_tokens();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a mean of counts of 32 bits"
    )]
    let output_mean = output_mean.round().max(1.0) as u32;
    let mut engine = Engine {
        setup,
        trace,
        servers: setup
            .servers
            .iter()
            .map(|server| State::new(server.clone(), trace.block_tokens))
            .collect(),
        events: BinaryHeap::new(),
        made: 0,
        routed: 0,
        fates: vec![
            Fate {
                ttft_s: -1.0,
                ..Fate::default()
            };
            trace.arrivals.len()
        ],
        decoders: vec![WHOLE; trace.arrivals.len()],
        parked: Vec::new(),
        output_mean,
        backends: Vec::new(),
        totals: Totals::default(),
        first: Vec::new(),
        last: Vec::new(),
    };
    engine.run();
    engine
}

impl Engine<'_> {
    fn run(&mut self) {
        for (index, incident) in self.setup.incidents.iter().enumerate() {
            self.at(incident.at_s, What::Incident(index));
        }
        if let Some(scale) = self.setup.autoscale {
            self.at(scale.interval_s, What::Scale);
        }
        let mut now_s: f64 = 0.0;
        let mut next = 0;
        loop {
            let arrival = self.trace.arrivals.get(next);
            let event = self.events.peek();
            let arrives = match (arrival, event) {
                (None, None) => break,
                (Some(arrival), Some(event)) => arrival.at_s <= event.at_s,
                (arrival, None) => arrival.is_some(),
                (None, Some(_)) => false,
            };
            self.totals.events += 1;
            if arrives {
                now_s = now_s.max(self.trace.arrivals[next].at_s);
                self.route(index_u32(next), now_s);
                next += 1;
            } else if let Some(event) = self.events.pop() {
                now_s = now_s.max(event.at_s);
                let busy = next < self.trace.arrivals.len();
                self.handle(event.what, now_s, busy);
            }
        }
        self.totals.seconds = now_s;
        self.totals.unserved = self.parked.len() as u64;
        for server in &mut self.servers {
            if !matches!(server.life, Life::Off | Life::Down) {
                server.up_s += now_s - server.up_since_s;
            }
            self.totals.usd += server.up_s * server.spec.usd_per_s;
        }
    }

    fn at(&mut self, at_s: f64, what: What) {
        self.made += 1;
        self.events.push(Event {
            at_s,
            number: self.made,
            what,
        });
    }

    fn handle(&mut self, what: What, now_s: f64, arrivals_left: bool) {
        match what {
            What::End { server, version } => {
                if self.servers[server].version == version {
                    self.end(server, now_s);
                }
            }
            What::Handed { server, job } => match self.servers[server].life {
                Life::Up | Life::Draining => self.give(server, job, now_s),
                Life::Off | Life::Starting | Life::Down => {
                    self.fates[job.request as usize].retries += 1;
                    self.route(job.request, now_s);
                }
            },
            What::Incident(index) => self.incident(index, now_s),
            What::Started(server) => {
                if self.servers[server].life == Life::Starting {
                    self.servers[server].life = Life::Up;
                    self.route_parked(now_s);
                }
            }
            What::Scale => self.scale(now_s, arrivals_left),
        }
    }

    /// Sends a request where the policy says, with what is left of it.
    fn route(&mut self, request: u32, now_s: f64) {
        let arrival = self.trace.arrivals[request as usize];
        let delivered = self.fates[request as usize].delivered;
        let prompt = arrival.prompt_tokens.saturating_add(delivered);
        let output = arrival.output_tokens - delivered;
        let needed = u64::from(prompt) + u64::from(output);
        let blocks = self.trace.blocks_of(&arrival);
        self.backends.clear();
        for server in &self.servers {
            let held = if blocks.is_empty() {
                0
            } else {
                server.cache.held(blocks)
            };
            let held = index_u32(held).saturating_mul(self.trace.block_tokens);
            // At least one token is computed, to have a next one.
            let mut backend = server.backend(held.min(prompt - 1));
            backend.accepts &= needed <= server.spec.kv_tokens_max;
            self.backends.push(backend);
        }
        self.routed += 1;
        let wanted = Request {
            sequence: self.routed,
            prompt_tokens: prompt,
            // A router does not know how long the answer will be.
            output_tokens: self.output_mean,
            slo: self.setup.slo,
            handover: self.setup.link.as_ref().map(|(link, kv_bytes)| Handover {
                latency_s: link.latency_s,
                s_per_token: kv_bytes / link.bytes_per_s,
            }),
        };
        let choice = match self.setup.policy.choose(&wanted, &self.backends) {
            Ok(choice) => choice,
            Err(Refusal::NoneAccepts | Refusal::NoneFits) => {
                let ever = self
                    .servers
                    .iter()
                    .any(|it| needed <= it.spec.kv_tokens_max);
                if ever {
                    self.parked.push(request);
                } else {
                    self.fates[request as usize].refused = true;
                }
                return;
            }
        };
        let uncached = prompt - self.backends[choice.prefill].cached_tokens;
        self.totals.prompt_tokens += u64::from(prompt);
        self.totals.cached_tokens += u64::from(prompt - uncached);
        let parted = choice.prefill != choice.decode && output > 1;
        self.decoders[request as usize] = if parted {
            index_u32(choice.decode)
        } else {
            WHOLE
        };
        let job = Job {
            request,
            prompt,
            output: if parted { 1 } else { output },
            uncached,
            prefill_only: parted,
        };
        self.give(choice.prefill, job, now_s);
    }

    fn route_parked(&mut self, now_s: f64) {
        for request in std::mem::take(&mut self.parked) {
            self.route(request, now_s);
        }
    }

    /// Puts a job into a server's queue and wakes it.
    fn give(&mut self, server: usize, job: Job, now_s: f64) {
        let state = &mut self.servers[server];
        state.push(job);
        if matches!(state.doing, super::server::Doing::Idle) {
            self.begin(server, now_s);
        } else if let Some(end_s) = state.cut(now_s) {
            self.schedule_end(server, end_s);
        }
    }

    fn begin(&mut self, server: usize, now_s: f64) {
        if let Some(end_s) = self.servers[server].begin(now_s) {
            self.schedule_end(server, end_s);
        } else if self.servers[server].life == Life::Draining && self.servers[server].load() == 0 {
            let state = &mut self.servers[server];
            state.life = Life::Off;
            state.up_s += now_s - state.up_since_s;
            state.cache.clear();
        }
    }

    fn schedule_end(&mut self, server: usize, end_s: f64) {
        self.servers[server].version += 1;
        let version = self.servers[server].version;
        self.at(end_s, What::End { server, version });
    }

    fn end(&mut self, server: usize, now_s: f64) {
        let (mut first, mut last) = (
            std::mem::take(&mut self.first),
            std::mem::take(&mut self.last),
        );
        self.servers[server].end(&mut first, &mut last);
        for job in first.drain(..) {
            let index = job.request as usize;
            let arrival = self.trace.arrivals[index];
            let fate = &mut self.fates[index];
            fate.delivered += 1;
            if fate.ttft_s < 0.0 {
                fate.ttft_s = now_s - arrival.at_s;
            }
            let blocks = self.trace.blocks_of(&arrival);
            if !blocks.is_empty() {
                self.servers[server].cache.insert(blocks);
            }
            if job.prefill_only {
                self.hand_over(server, &job, now_s);
            }
        }
        for request in last.drain(..) {
            let arrival = self.trace.arrivals[request as usize];
            let fate = &mut self.fates[request as usize];
            fate.delivered = arrival.output_tokens;
            fate.total_s = now_s - arrival.at_s;
            fate.answers += 1;
        }
        (self.first, self.last) = (first, last);
        self.begin(server, now_s);
    }

    /// Sends keys and values over the link of `server`.
    fn hand_over(&mut self, server: usize, job: &Job, now_s: f64) {
        let Some((link, kv_bytes)) = &self.setup.link else {
            return;
        };
        let seconds = f64::from(job.prompt) * kv_bytes / link.bytes_per_s;
        let begin_s = self.servers[server].link_free_s.max(now_s);
        self.servers[server].link_free_s = begin_s + seconds;
        let arrival = self.trace.arrivals[job.request as usize];
        let delivered = self.fates[job.request as usize].delivered;
        let handed = Job {
            request: job.request,
            prompt: arrival.prompt_tokens + delivered,
            output: arrival.output_tokens - delivered,
            uncached: 0,
            prefill_only: false,
        };
        let decoder = self.decoders[job.request as usize] as usize;
        self.at(
            begin_s + seconds + link.latency_s,
            What::Handed {
                server: decoder,
                job: handed,
            },
        );
    }

    fn incident(&mut self, index: usize, now_s: f64) {
        let incident = self.setup.incidents[index];
        let state = &mut self.servers[incident.server];
        match incident.what {
            Incident::Slows(factor) => state.slow = factor.max(1e-3),
            Incident::Recovers => {
                if state.life == Life::Down {
                    state.life = Life::Up;
                    state.up_since_s = now_s;
                    self.route_parked(now_s);
                }
            }
            Incident::Fails => {
                if matches!(state.life, Life::Off | Life::Down) {
                    return;
                }
                state.life = Life::Down;
                state.up_s += now_s - state.up_since_s;
                state.version += 1;
                let lost = state.clear(now_s);
                for job in lost {
                    let index = job.request as usize;
                    let output = self.trace.arrivals[index].output_tokens;
                    let fate = &mut self.fates[index];
                    fate.retries += 1;
                    if !job.prefill_only {
                        fate.delivered = output - job.output.min(output);
                    }
                    self.route(job.request, now_s);
                }
            }
        }
    }

    /// Starts or drains a server of each group whose load is out of bounds.
    fn scale(&mut self, now_s: f64, arrivals_left: bool) {
        let Some(scale) = self.setup.autoscale else {
            return;
        };
        let groups = self
            .servers
            .iter()
            .map(|it| it.spec.group + 1)
            .max()
            .unwrap_or(0);
        for group in 0..groups {
            let of_group =
                |life: Life| move |state: &&State| state.spec.group == group && state.life == life;
            let up: Vec<&State> = self.servers.iter().filter(of_group(Life::Up)).collect();
            let places: f64 = up.iter().map(|it| f64::from(it.spec.running_max)).sum();
            let load: usize = up.iter().map(|it| it.load()).sum();
            let share = (load + self.parked.len()) as f64 / places.max(1.0);
            let starting = self.servers.iter().any(|it| of_group(Life::Starting)(&it));
            let more = up.len() > 1;
            let find = |wanted: Life| self.servers.iter().position(|it| of_group(wanted)(&it));
            if share > scale.load_high && !starting {
                if let Some(server) = find(Life::Off) {
                    self.servers[server].life = Life::Starting;
                    self.servers[server].up_since_s = now_s;
                    self.at(now_s + scale.start_s, What::Started(server));
                }
            } else if share < scale.load_low && more {
                let idlest = (0..self.servers.len())
                    .filter(|index| of_group(Life::Up)(&&self.servers[*index]))
                    .min_by_key(|index| self.servers[*index].load());
                if let Some(server) = idlest {
                    self.servers[server].life = Life::Draining;
                    if matches!(self.servers[server].doing, super::server::Doing::Idle) {
                        self.begin(server, now_s);
                    }
                }
            }
        }
        let can_start = |state: &State| {
            matches!(state.life, Life::Off | Life::Starting) && state.spec.role != Role::Decode
        };
        let waits = !self.parked.is_empty() && self.servers.iter().any(can_start);
        if arrivals_left || waits || self.servers.iter().any(|it| it.load() > 0) {
            self.at(now_s + scale.interval_s, What::Scale);
        }
    }
}

fn index_u32(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
