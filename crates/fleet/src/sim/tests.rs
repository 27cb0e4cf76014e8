//! Cases that can be counted by hand, and rules that hold for every random fleet and trace.

use super::*;
use crate::policy::{self, PredictedSeconds, PrefillDecodeSplit, RoundRobin};
use crate::random::Random;
use crate::trace::{Lengths, Synthetic, Trace};

const SPEED: Speed = Speed {
    prefill_base_s: 0.01,
    prefill_s_per_token: 1e-4,
    step_base_s: 0.02,
    step_s_per_sequence: 1e-3,
    step_s_per_kv_token: 1e-7,
};

fn server() -> Server {
    Server {
        group: 0,
        role: Role::Both,
        domestic: false,
        speed: SPEED,
        running_max: 16,
        kv_tokens_max: 50_000,
        chunk_tokens: 2048,
        usd_per_s: 1.0 / 3600.0,
        started: true,
    }
}

fn setup(servers: Vec<Server>, policy: &dyn Policy) -> Setup<'_> {
    Setup {
        servers,
        policy,
        slo: None,
        link: None,
        incidents: Vec::new(),
        autoscale: None,
    }
}

fn fixed(requests: u64, rate: f64, prompt: u32, output: u32) -> Trace {
    Synthetic {
        prompt: Lengths::fixed(prompt),
        output: Lengths::fixed(output),
        ..Synthetic::azure_conversation(requests, rate, 5)
    }
    .trace()
}

#[test]
fn one_request_alone_takes_prefill_and_its_steps() {
    let outcome = simulate(
        &fixed(1, 1.0, 1000, 11),
        &setup(vec![server()], &RoundRobin),
    );
    assert!((outcome.ttft.p50 - 0.11).abs() < 1e-9, "{outcome:?}");
    // Ten steps of one sequence that holds 1,001 tokens and grows.
    let steps: f64 = (0..10)
        .map(|step| SPEED.step_s(1.0, 1001.0 + f64::from(step)))
        .sum();
    assert!(
        (outcome.total.p50 - 0.11 - steps).abs() < 1e-9,
        "{outcome:?}"
    );
    assert_eq!(outcome.output_tokens, 11);
}

#[test]
fn a_long_prompt_is_prefilled_in_chunks() {
    let outcome = simulate(&fixed(1, 1.0, 5000, 1), &setup(vec![server()], &RoundRobin));
    // Chunks of 2,048, 2,048 and 904 tokens, each with the base.
    assert!((outcome.ttft.p50 - 0.53).abs() < 1e-9, "{outcome:?}");
}

/// A single server without batching is the M/D/1 queue: its mean wait is
/// rho / (2 (1 - rho)) of the service time.
#[test]
fn one_place_and_poisson_arrivals_wait_as_the_formula_says() {
    let mut random = Random::new(11);
    let mut trace = fixed(200_000, 1.0, 1000, 1);
    let service_s = 0.11;
    let rho = 0.7;
    let mut at_s = 0.0;
    for arrival in &mut trace.arrivals {
        arrival.at_s = at_s;
        at_s += random.exponential() * service_s / rho;
    }
    let alone = Server {
        chunk_tokens: 1000,
        ..server()
    };
    let outcome = simulate(&trace, &setup(vec![alone], &RoundRobin));
    let wait = outcome.ttft.mean - service_s;
    let expected = rho / (2.0 * (1.0 - rho)) * service_s;
    assert!((wait / expected - 1.0).abs() < 0.03, "{wait} {expected}");
}

#[test]
fn decode_is_a_batch_not_a_queue() {
    let at_once = fixed(16, 1e9, 10, 101);
    let outcome = simulate(&at_once, &setup(vec![server()], &RoundRobin));
    let one = simulate(&fixed(1, 1.0, 10, 101), &setup(vec![server()], &RoundRobin));
    assert!(
        outcome.total.p99 < 2.0 * one.total.p99,
        "{} {}",
        outcome.total.p99,
        one.total.p99
    );
    assert!(outcome.tpot.p50 > one.tpot.p50);
}

#[test]
fn a_failure_moves_requests_and_repeats_no_token() {
    let trace = fixed(8, 1e9, 100, 500);
    let mut failing = setup(vec![server(), server()], &RoundRobin);
    failing.incidents = vec![TimedIncident {
        at_s: 5.0,
        server: 0,
        what: Incident::Fails,
    }];
    let outcome = simulate(&trace, &failing);
    assert_eq!(
        (outcome.answered, outcome.lost, outcome.answered_twice),
        (8, 0, 0)
    );
    assert_eq!(outcome.retries, 4);
    assert_eq!(outcome.output_tokens, 8 * 500);
    let calm = simulate(&trace, &setup(vec![server(), server()], &RoundRobin));
    assert!(outcome.total.p99 > calm.total.p99);
    // Tokens delivered before the failure are not made again.
    assert!(outcome.total.p99 < 2.0 * calm.total.p99);
    assert!(outcome.usd < calm.usd * 2.0);
}

#[test]
fn requests_wait_for_a_server_that_recovers() {
    let trace = fixed(4, 1e9, 100, 50);
    let mut failing = setup(vec![server()], &RoundRobin);
    failing.incidents = vec![
        TimedIncident {
            at_s: 0.0005,
            server: 0,
            what: Incident::Fails,
        },
        TimedIncident {
            at_s: 60.0,
            server: 0,
            what: Incident::Recovers,
        },
    ];
    let outcome = simulate(&trace, &failing);
    assert_eq!((outcome.answered, outcome.unserved), (4, 0));
    assert!(outcome.ttft.p50 > 59.0);
    failing.incidents.pop();
    let outcome = simulate(&trace, &failing);
    assert_eq!(
        (outcome.answered, outcome.unserved, outcome.lost),
        (0, 4, 0)
    );
}

#[test]
fn a_request_that_no_server_can_hold_is_refused() {
    let outcome = simulate(
        &fixed(3, 1.0, 60_000, 5),
        &setup(vec![server()], &RoundRobin),
    );
    assert_eq!((outcome.answered, outcome.refused, outcome.lost), (0, 3, 0));
}

#[test]
fn a_slow_node_is_slow() {
    let trace = fixed(50, 2.0, 500, 50);
    let mut slow = setup(vec![server()], &RoundRobin);
    slow.incidents = vec![TimedIncident {
        at_s: 0.0,
        server: 0,
        what: Incident::Slows(3.0),
    }];
    let usual = simulate(&trace, &setup(vec![server()], &RoundRobin));
    let outcome = simulate(&trace, &slow);
    assert!(outcome.tpot.p50 > 2.5 * usual.tpot.p50);
    assert_eq!(outcome.answered, 50);
}

#[test]
fn phases_part_over_the_link() {
    let trace = fixed(20, 1.0, 1000, 100);
    let mut prefiller = server();
    prefiller.role = Role::Prefill;
    let mut decoder = server();
    decoder.role = Role::Decode;
    let mut parted = setup(vec![prefiller, decoder], &PrefillDecodeSplit);
    let link = Link {
        name: "tcp-10g".to_owned(),
        bytes_per_s: 1.25e9,
        latency_s: 1e-3,
    };
    parted.link = Some((link, 1.25e6)); // A millisecond for a token: a second for a prompt.
    let outcome = simulate(&trace, &parted);
    assert_eq!((outcome.answered, outcome.lost), (20, 0));
    assert!(outcome.ttft.p50 < 0.2, "{outcome:?}");
    assert!(outcome.total.p50 > 1.0 + 0.1 + 99.0 * 0.021, "{outcome:?}");
    assert_eq!(outcome.output_tokens, 2000);
}

#[test]
fn prefix_caches_hit_what_was_seen() {
    let mut service = Synthetic::mooncake_conversation(300, 0.5, 4);
    service.prompt = Lengths::fixed(6400);
    service.shared = 1.0;
    service.prefixes = 1;
    service.prefix_tokens = 3200;
    let outcome = simulate(&service.trace(), &setup(vec![server()], &RoundRobin));
    // Half of each prompt but the first.
    assert!(
        (outcome.cached_share - 0.5).abs() < 0.02,
        "{}",
        outcome.cached_share
    );
}

#[test]
fn the_autoscaler_follows_the_load_with_a_delay() {
    let trace = fixed(3000, 20.0, 200, 100);
    let mut servers = vec![server(); 6];
    for server in &mut servers[1..] {
        server.started = false;
    }
    let mut scaled = setup(servers, &PredictedSeconds);
    scaled.autoscale = Some(Autoscale {
        interval_s: 5.0,
        load_high: 0.8,
        load_low: 0.2,
        start_s: 20.0,
    });
    let outcome = simulate(&trace, &scaled);
    assert_eq!((outcome.answered, outcome.lost), (3000, 0));
    scaled.autoscale = None;
    let alone = simulate(&trace, &scaled);
    assert!(
        outcome.ttft.p95 < alone.ttft.p95 / 2.0,
        "{} {}",
        outcome.ttft.p95,
        alone.ttft.p95
    );
    assert!(outcome.usd > alone.usd * 0.5);
}

/// Whatever happens, each request ends in one way, once, and the outcome is the same again.
#[test]
#[expect(
    clippy::cast_possible_truncation,
    reason = "random numbers below small bounds"
)]
fn no_request_is_lost_or_answered_twice() {
    for seed in 0..150 {
        let mut random = Random::new(seed);
        let count = 1 + random.below(5) as usize;
        let servers: Vec<Server> = (0..count)
            .map(|_| Server {
                group: random.below(2) as usize,
                role: [Role::Both, Role::Both, Role::Prefill, Role::Decode]
                    [random.below(4) as usize],
                domestic: random.below(2) == 0,
                running_max: 1 + random.below(12) as u32,
                kv_tokens_max: 2000 + random.below(30_000),
                chunk_tokens: 1 + random.below(3000) as u32,
                started: random.below(4) > 0,
                ..server()
            })
            .collect();
        let incidents = (0..random.below(8))
            .map(|_| TimedIncident {
                at_s: random.unit() * 120.0,
                server: random.below(count as u64) as usize,
                what: [
                    Incident::Fails,
                    Incident::Recovers,
                    Incident::Slows(0.5 + random.unit() * 3.0),
                ][random.below(3) as usize],
            })
            .collect();
        let mut service = Synthetic::mooncake_conversation(200, 1.0 + random.unit() * 20.0, seed);
        service.prompt = Lengths {
            median: 500.0,
            p95: 3000.0,
            most: 9000,
        };
        service.output = Lengths {
            median: 30.0,
            p95: 200.0,
            most: 400,
        };
        service.prefix_tokens = 300;
        let trace = service.trace();
        let link = Link {
            name: "rdma".to_owned(),
            bytes_per_s: 1e9,
            latency_s: 1e-3,
        };
        let setup = Setup {
            servers,
            policy: policy::ALL[random.below(policy::ALL.len() as u64) as usize],
            slo: Some(Slo {
                ttft_s: 2.0,
                tpot_s: 0.1,
            }),
            link: (random.below(2) == 0).then_some((link, 50_000.0)),
            incidents,
            autoscale: (random.below(2) == 0).then_some(Autoscale {
                interval_s: 3.0,
                load_high: 0.7,
                load_low: 0.1,
                start_s: 5.0,
            }),
        };
        let outcome = simulate(&trace, &setup);
        assert_eq!(
            (outcome.lost, outcome.answered_twice),
            (0, 0),
            "seed {seed}: {outcome:?}"
        );
        let tokens: u64 = trace
            .arrivals
            .iter()
            .map(|it| u64::from(it.output_tokens))
            .sum();
        assert!(outcome.output_tokens <= tokens, "seed {seed}");
        if outcome.answered == outcome.requests {
            assert_eq!(outcome.output_tokens, tokens, "seed {seed}");
        }
        assert_eq!(simulate(&trace, &setup), outcome, "seed {seed}");
    }
}
