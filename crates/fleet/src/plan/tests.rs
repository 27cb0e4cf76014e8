//! Plans against brute force, and against what must follow from their rules.

use super::*;

const SPEC: &str = r#"
model = "qwen2.5-7b"
slo = { ttft_s = 3.0, tpot_s = 0.08 }
percentile = 0.9
link = { name = "rdma-200g", bytes_per_s = 25e9, latency_s = 1e-4 }
[traffic]
rate = 6.0
prompt = { median = 1024, p95 = 1024, most = 1024 }
output = { median = 256, p95 = 256, most = 256 }
[[chip]]
name = "l4"
usd_per_h = 0.8
[[chip]]
name = "w1"
usd_per_h = 0.25
kv_bytes = 1
[[chip]]
name = "h100-sxm"
"#;

fn spec() -> Spec {
    Spec::parse(SPEC).unwrap()
}

/// The least cost of all counts up to `most` of each kind.
fn brute_force(spec: &Spec, kinds: &[options::Option], most: u32) -> Option<f64> {
    let mut best: Option<f64> = None;
    let mut counts = vec![0_u32; kinds.len()];
    loop {
        let sum = |weight: &dyn Fn(&options::Option) -> f64| -> f64 {
            kinds
                .iter()
                .zip(&counts)
                .map(|(kind, count)| weight(kind) * f64::from(*count))
                .sum()
        };
        let of = |role: Role| {
            sum(&|kind| {
                if kind.role == role {
                    kind.capacity_per_s
                } else {
                    0.0
                }
            })
        };
        let cost = sum(&|kind| kind.usd_per_h);
        let stock = spec.chips.iter().all(|offer| {
            offer.stock.is_none_or(|stock| {
                sum(&|kind| {
                    if kind.chip == offer.name {
                        f64::from(kind.tensor)
                    } else {
                        0.0
                    }
                }) <= f64::from(stock)
            })
        });
        let carried = of(Role::Both) + of(Role::Prefill).min(of(Role::Decode));
        let watts = spec
            .rules
            .watts_max
            .is_none_or(|most| sum(&|kind| kind.watts) <= most);
        let share = spec.rules.domestic_share_min.is_none_or(|share| {
            sum(&|kind| if kind.domestic { kind.usd_per_h } else { 0.0 }) >= share * cost - 1e-9
        });
        if carried >= spec.traffic.rate - 1e-9 && stock && watts && share {
            best = Some(best.map_or(cost, |best| best.min(cost)));
        }
        let Some(digit) = counts.iter().position(|count| *count < most) else {
            return best;
        };
        counts[..digit].fill(0);
        counts[digit] += 1;
    }
}

#[test]
fn the_program_finds_what_brute_force_finds() {
    for (rate, stock, watts, share) in [
        (1.0, None, None, None),
        (3.0, Some(1), None, None),
        (4.0, Some(2), Some(700.0), None),
        (2.0, None, None, Some(0.4)),
        (9.0, Some(1), Some(300.0), None),
    ] {
        let mut spec = spec();
        spec.traffic.rate = rate;
        spec.chips[0].stock = stock;
        spec.chips[2].stock = Some(1);
        spec.rules.watts_max = watts;
        spec.rules.domestic_share_min = share;
        let (kinds, _) = options::all(&spec).unwrap();
        // Few enough kinds to count them all: the cheapest seven.
        let kinds = &kinds[..kinds.len().min(7)];
        let counts = program::solve(&spec, kinds, &[rate], &[]);
        let found = counts
            .as_ref()
            .map(|counts| choice(kinds, counts).usd_per_h);
        let most = counts
            .as_ref()
            .and_then(|it| it.iter().max().copied())
            .unwrap_or(0)
            .max(4);
        let best = brute_force(&spec, kinds, most.min(6));
        match (found, best) {
            (Some(found), Some(best)) => {
                assert!((found - best).abs() < 1e-6, "{rate}: {found} {best}")
            }
            (None, None) => {}
            other => panic!("{rate} {stock:?} {watts:?}: {other:?}"),
        }
    }
}

#[test]
fn a_plan_holds_in_the_simulator_and_has_reasons() {
    let plan = plan(&spec()).unwrap();
    assert!(plan.holds, "{plan:?}");
    assert!(plan.verified.slo_share >= 0.9 && plan.verified.lost == 0);
    assert!((0.0..=1.0).contains(&plan.headroom));
    assert!(plan.reasons[0].usd_per_h > 0.0 && plan.reasons[0].rule.contains("traffic"));
    assert!(!plan.others.is_empty());
    for (name, other) in &plan.others {
        assert!(other.usd_per_h >= plan.best.usd_per_h - 1e-6, "{name}");
    }
}

/// The program counts the mean request, so on unequal ones the mix that it finds may cost more in
/// the end than one chip alone would.
#[test]
fn a_plan_is_not_dearer_than_one_chip_alone() {
    let mut spec = spec();
    spec.traffic.prompt = crate::trace::Lengths {
        median: 300.0,
        p95: 6000.0,
        most: 16_000,
    };
    spec.traffic.rate = 2.0;
    let together = plan(&spec).unwrap();
    assert!(together.holds);
    for offer in &spec.chips {
        let alone = Spec {
            chips: vec![offer.clone()],
            ..spec.clone()
        };
        if let Ok(alone) = plan(&alone)
            && alone.holds
        {
            assert!(
                together.best.usd_per_h <= alone.best.usd_per_h + 1e-6,
                "{} {:?} {:?}",
                offer.name,
                together.best,
                alone.best
            );
        }
    }
}

/// A plan of one kind of server is compared with one of another, however dear.
#[test]
fn there_is_an_alternative_where_rules_allow_one() {
    let mut spec = spec();
    spec.link = None;
    spec.chips.pop();
    spec.chips[1].usd_per_h = Some(1.0);
    spec.traffic.rate = 2.0;
    spec.slo.ttft_s = 6.0;
    let found = plan(&spec).unwrap();
    assert!(
        found.holds && found.best.parts.len() == 1,
        "{:?}",
        found.best
    );
    assert_eq!(found.others.len(), 1);
    let (name, other) = &found.others[0];
    assert!(other.usd_per_h > found.best.usd_per_h, "{name}");
}

/// One server less of any kind, and the bounds do not hold any more.
#[test]
fn a_plan_has_no_server_too_many() {
    let spec = spec();
    let found = plan(&spec).unwrap();
    let trace = spec.traffic.synthetic(VERIFIED_REQUESTS).trace();
    for index in 0..found.best.parts.len() {
        let mut fewer = found.clone();
        fewer.best.parts[index].servers -= 1;
        let setup = setup(&spec, &fewer).unwrap();
        let samples = [trace.clone(), trace.resampled(1), trace.resampled(2)];
        let held = samples
            .iter()
            .all(|trace| crate::sim::simulate(trace, &setup).slo_share >= spec.percentile);
        assert!(!held, "{:?}", fewer.best);
    }
}

#[test]
fn rules_are_kept() {
    let mut domestic = spec();
    domestic.rules.domestic_only = true;
    domestic.slo.ttft_s = 6.0;
    let kept = plan(&domestic).unwrap();
    assert!(
        kept.best.parts.iter().all(|part| part.chip == "w1"),
        "{:?}",
        kept.best
    );
    let mut forbidden = spec();
    forbidden.rules.vendors_forbidden = vec!["nvidia".to_owned()];
    forbidden.slo.ttft_s = 6.0;
    let kept = plan(&forbidden).unwrap();
    assert!(kept.best.parts.iter().all(|part| part.chip == "w1"));
    assert!(
        kept.excluded
            .iter()
            .any(|why| why.contains("Nvidia is forbidden"))
    );
}

#[test]
fn a_clash_names_the_rules_that_clash_and_no_other() {
    let mut spec = spec();
    spec.rules.watts_max = Some(100.0);
    spec.rules.usd_per_h_max = Some(1000.0);
    spec.chips[0].stock = Some(100);
    let error = plan(&spec).unwrap_err().to_string();
    assert!(
        error.contains("at most 100 W") && error.contains("traffic of 6"),
        "{error}"
    );
    assert!(
        !error.contains("USD/h") && !error.contains("stock"),
        "{error}"
    );
}

#[test]
fn bounds_that_no_chip_keeps_are_said() {
    let mut spec = spec();
    spec.slo.ttft_s = 0.001;
    let error = plan(&spec).unwrap_err().to_string();
    assert!(
        error.contains("time to first token of 0.001 s") && error.contains("l4"),
        "{error}"
    );
}

/// Two services cost together what each costs alone, unless they want the same scarce chip.
#[test]
fn services_share_stock_and_nothing_else() {
    let mut both = spec();
    both.traffic.rate = 2.0;
    let small = Service {
        model: "qwen3-1.7b".to_owned(),
        traffic: both.traffic.clone(),
        slo: both.slo,
        percentile: 0.9,
    };
    let first = plan(&both).unwrap();
    let alone = Spec {
        model: small.model.clone(),
        ..both.clone()
    };
    let second = plan(&alone).unwrap();
    both.further = vec![small];
    let together = plan(&both).unwrap();
    assert!(together.holds && together.further.len() == 1);
    assert!(together.further[0].slo_share >= 0.9 && together.further[0].lost == 0);
    let sum = first.best.usd_per_h + second.best.usd_per_h;
    assert!(
        (together.best.usd_per_h - sum).abs() < 1e-6,
        "{} {sum}",
        together.best.usd_per_h
    );
    for model in ["qwen2.5-7b", "qwen3-1.7b"] {
        assert!(together.best.parts.iter().any(|part| part.model == model));
        assert!(manifests(&together.best).contains(&format!("weft.dev/model: \"{model}\"")));
    }
    // One chip of each kind cannot serve both.
    for offer in &mut both.chips {
        offer.stock = Some(1);
    }
    both.traffic.rate = 200.0;
    let error = plan(&both).unwrap_err().to_string();
    assert!(
        error.contains("traffic of 200 requests/s to qwen2.5-7b") && error.contains("stock"),
        "{error}"
    );
}

#[test]
fn mistakes_in_a_specification_are_named() {
    let error = Spec::parse(&SPEC.replace("rate", "rat"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("line "), "{error}");
    let error = plan(&Spec::parse(&SPEC.replace("\"l4\"", "\"l5\"")).unwrap()).unwrap_err();
    assert!(error.to_string().contains("unknown chip `l5`"), "{error}");
}
