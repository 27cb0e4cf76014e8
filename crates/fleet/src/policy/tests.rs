//! Each policy against small fleets whose best choice is plain, and all of them against rules
//! that hold for every policy.

use super::*;

const GPU: Speed = Speed {
    prefill_base_s: 0.004,
    prefill_s_per_token: 5e-5,
    step_base_s: 0.012,
    step_s_per_sequence: 1e-4,
    step_s_per_kv_token: 1e-7,
};

/// Decodes as fast as the GPU above and prefills twenty times slower.
const DECODER: Speed = Speed {
    prefill_s_per_token: 1e-3,
    ..GPU
};

fn backend(speed: Speed) -> Backend {
    Backend {
        accepts: true,
        running_max: 8,
        kv_tokens_max: 100_000,
        usd_per_s: 1.0 / 3600.0,
        speed,
        ..Backend::default()
    }
}

fn request(sequence: u64) -> Request {
    Request {
        sequence,
        prompt_tokens: 1024,
        output_tokens: 256,
        slo: None,
        handover: None,
    }
}

#[test]
fn round_robin_gives_each_its_turn_and_skips_the_dead() {
    let mut fleet = [backend(GPU); 3];
    fleet[1].accepts = false;
    let chosen: Vec<usize> = (0..6)
        .map(|turn| RoundRobin.choose(&request(turn), &fleet).unwrap().decode)
        .collect();
    assert_eq!(chosen, [0, 2, 2, 0, 2, 2]);
}

#[test]
fn least_load_counts_places_not_requests() {
    let mut fleet = [backend(GPU); 2];
    fleet[0].running_requests = 6;
    fleet[1].running_requests = 4;
    fleet[1].running_max = 4;
    assert_eq!(LeastLoad.choose(&request(0), &fleet).unwrap().decode, 0);
}

#[test]
fn prefix_affinity_follows_the_cache_until_it_is_overloaded() {
    let mut fleet = [backend(GPU); 3];
    fleet[2].cached_tokens = 900;
    fleet[2].running_requests = 8;
    let choice = PrefixAffinity::USUAL.choose(&request(0), &fleet).unwrap();
    assert_eq!((choice.decode, choice.reason), (2, Reason::Prefix));
    fleet[2].queued_requests = 20;
    let choice = PrefixAffinity::USUAL.choose(&request(0), &fleet).unwrap();
    assert_eq!((choice.decode, choice.reason), (0, Reason::LeastLoaded));
}

#[test]
fn predicted_seconds_weighs_queue_against_speed() {
    let mut fleet = [backend(GPU), backend(DECODER)];
    let at = |fleet: &[Backend]| PredictedSeconds.choose(&request(0), fleet).unwrap().decode;
    assert_eq!(at(&fleet), 0);
    // 30,000 tokens ahead on the GPU take 1.5 s; the slower prefill takes 1 s.
    fleet[0].queued_prompt_tokens = 30_000;
    assert_eq!(at(&fleet), 1);
    fleet[0].queued_prompt_tokens = 10_000;
    assert_eq!(at(&fleet), 0);
}

#[test]
fn predicted_seconds_is_the_least_of_all_predictions() {
    let mut fleet = [backend(GPU), backend(DECODER), backend(GPU)];
    for step in 0..200_u32 {
        fleet[0].queued_prompt_tokens = u64::from(step * 977 % 40_000);
        fleet[2].running_requests = step * 7 % 20;
        fleet[1].cached_tokens = step * 31 % 1024;
        let wanted = request(u64::from(step));
        let chosen = PredictedSeconds.choose(&wanted, &fleet).unwrap();
        let least = fleet
            .iter()
            .map(|backend| predict(&wanted, backend).total_s)
            .fold(f64::MAX, f64::min);
        assert_eq!(
            chosen.prediction.unwrap().total_s.to_bits(),
            least.to_bits()
        );
    }
}

#[test]
fn added_seconds_counts_what_others_lose() {
    let mut fleet = [backend(GPU), backend(DECODER)];
    // 20 answers wait 1 s each for a prompt on the slow one, and 0.05 s on the fast one.
    fleet[0].running_requests = 20;
    fleet[1].running_requests = 20;
    for backend in &mut fleet {
        backend.running_max = 64;
        backend.kv_tokens = 20 * 1100;
    }
    let at = |fleet: &[Backend], wanted: &Request| {
        let choice = AddedSeconds::USUAL.choose(wanted, fleet).unwrap();
        (choice.prefill, choice.decode, choice.reason)
    };
    assert_eq!(at(&fleet, &request(0)), (0, 0, Reason::LeastAdded));
    // Few answers on the GPU, and an idle decoder: the prompt goes to the one, the answer to the
    // other.
    fleet[0].running_requests = 4;
    fleet[0].kv_tokens = 4 * 1100;
    let mut wanted = request(0);
    wanted.handover = Some(Handover {
        latency_s: 1e-4,
        s_per_token: 1e-6,
    });
    fleet[1].running_requests = 0;
    fleet[1].kv_tokens = 0;
    assert_eq!(at(&fleet, &wanted), (0, 1, Reason::Split));
    // A link that takes a minute: together again.
    wanted.handover = Some(Handover {
        latency_s: 60.0,
        s_per_token: 1e-6,
    });
    assert_eq!(at(&fleet, &wanted), (0, 0, Reason::LeastAdded));
}

#[test]
fn added_seconds_keeps_bounds_before_it_saves_time() {
    let mut wanted = request(0);
    wanted.slo = Some(Slo {
        ttft_s: 0.5,
        tpot_s: 0.05,
    });
    let mut fleet = [backend(GPU), backend(DECODER)];
    // The GPU is full of answers that a prompt would stall, but only it keeps the bound.
    fleet[0].running_requests = 30;
    fleet[0].running_max = 64;
    fleet[0].kv_tokens = 30 * 300;
    let choice = AddedSeconds::USUAL.choose(&wanted, &fleet).unwrap();
    assert_eq!((choice.decode, choice.reason), (0, Reason::LeastAdded));
    wanted.slo = Some(Slo {
        ttft_s: 1e-3,
        tpot_s: 0.05,
    });
    let choice = AddedSeconds::USUAL.choose(&wanted, &fleet).unwrap();
    assert_eq!(choice.reason, Reason::NoneWithinSlo);
}

#[test]
fn cost_first_pays_more_only_to_keep_the_bounds() {
    let mut cheap = backend(DECODER);
    cheap.usd_per_s = 1e-5;
    let fleet = [backend(GPU), cheap];
    let mut wanted = request(0);
    let at = |wanted: &Request| {
        let choice = CostFirst::USUAL.choose(wanted, &fleet).unwrap();
        (choice.decode, choice.reason)
    };
    assert_eq!(at(&wanted), (1, Reason::CheapestWithinSlo));
    wanted.slo = Some(Slo {
        ttft_s: 0.5,
        tpot_s: 0.05,
    });
    assert_eq!(at(&wanted), (0, Reason::CheapestWithinSlo));
    wanted.slo = Some(Slo {
        ttft_s: 0.01,
        tpot_s: 0.05,
    });
    assert_eq!(at(&wanted), (0, Reason::NoneWithinSlo));
}

#[test]
fn domestic_first_spills_only_when_it_must() {
    let mut domestic = backend(DECODER);
    domestic.domestic = true;
    let mut fleet = [backend(GPU), domestic];
    let mut wanted = request(0);
    wanted.slo = Some(Slo {
        ttft_s: 2.0,
        tpot_s: 0.05,
    });
    let at = |fleet: &[Backend]| {
        let choice = DomesticFirst::USUAL.choose(&wanted, fleet).unwrap();
        (choice.decode, choice.reason)
    };
    assert_eq!(at(&fleet), (1, Reason::DomesticWithinSlo));
    fleet[1].queued_prompt_tokens = 2_000;
    assert_eq!(at(&fleet), (0, Reason::Spilled));
    fleet[0].accepts = false;
    assert_eq!(at(&fleet), (1, Reason::NoneWithinSlo));
}

#[test]
fn the_phases_part_when_the_link_is_fast() {
    let mut gpu = backend(GPU);
    gpu.running_requests = 8;
    gpu.queued_requests = 40; // Its batch is full, and the queue long.
    let fleet = [gpu, backend(DECODER)];
    let mut wanted = request(0);
    let at = |wanted: &Request| {
        let choice = PrefillDecodeSplit.choose(wanted, &fleet).unwrap();
        (choice.prefill, choice.decode)
    };
    assert_eq!(at(&wanted), (1, 1), "there is no link");
    wanted.handover = Some(Handover {
        latency_s: 1e-3,
        s_per_token: 3e-6,
    });
    assert_eq!(at(&wanted), (0, 1));
    wanted.handover = Some(Handover {
        latency_s: 1e-3,
        s_per_token: 3e-3,
    });
    assert_eq!(at(&wanted), (1, 1), "the link is slower than prefill");
}

#[test]
fn roles_are_kept() {
    let mut fleet = [backend(GPU), backend(DECODER)];
    fleet[0].role = Role::Prefill;
    fleet[1].role = Role::Decode;
    let mut wanted = request(0);
    wanted.handover = Some(Handover {
        latency_s: 1e-3,
        s_per_token: 3e-6,
    });
    for policy in ALL {
        if ["prefill-decode-split", "added-seconds"].contains(&policy.name()) {
            let choice = policy.choose(&wanted, &fleet).unwrap();
            assert_eq!((choice.prefill, choice.decode), (0, 1), "{policy:?}");
            continue;
        }
        assert_eq!(
            policy.choose(&wanted, &fleet),
            Err(Refusal::NoneFits),
            "{policy:?}"
        );
    }
}

#[test]
fn no_policy_chooses_what_cannot_serve() {
    let mut fleet = [backend(GPU); 4];
    fleet[0].accepts = false;
    fleet[1].kv_tokens_max = 1000; // The request needs 1,280.
    fleet[2].accepts = false;
    for policy in ALL {
        for turn in 0..8 {
            let choice = policy.choose(&request(turn), &fleet).unwrap();
            assert_eq!((choice.prefill, choice.decode), (3, 3), "{policy:?}");
        }
        let none = policy.choose(&request(0), &fleet[..1]);
        assert_eq!(none, Err(Refusal::NoneAccepts), "{policy:?}");
        let small = policy.choose(&request(0), &fleet[..2]);
        assert_eq!(small, Err(Refusal::NoneFits), "{policy:?}");
        assert_eq!(
            policy.choose(&request(0), &[]),
            Err(Refusal::NoneAccepts),
            "{policy:?}"
        );
    }
}

#[test]
fn equal_backends_share_the_work() {
    let fleet = [backend(GPU); 4];
    for policy in ALL {
        let mut counts = [0; 4];
        for turn in 0..100 {
            counts[policy.choose(&request(turn), &fleet).unwrap().decode] += 1;
        }
        assert_eq!(counts, [25; 4], "{policy:?}");
    }
}

#[test]
fn names_are_unique_and_found() {
    for policy in ALL {
        assert_eq!(by_name(policy.name()).unwrap().name(), policy.name());
    }
    assert_eq!(by_name("least-laod").unwrap_err().near[0], "least-load");
}
