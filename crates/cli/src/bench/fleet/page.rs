//! The page of evidence: what was compared, what came of it, and where ours does not win.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use weft_fleet::evidence::{Contest, Interval, Phases, Planned};
use weft_fleet::policy;

use super::{Evidence, OURS, SHARE, Scene, TOKENS_PER_S, TPOT_S, picture, published};

/// The verdicts, for a terminal.
pub(super) fn summary(evidence: &Evidence) -> String {
    let mut text = verdicts(evidence);
    text.push_str(&phases_verdict(&evidence.phases));
    text
}

/// Writes `evidence.md` and its pictures.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn write(directory: &Path, evidence: &Evidence) -> Result<()> {
    let pictures = directory.join("evidence");
    fs::create_dir_all(&pictures)
        .with_context(|| format!("failed to make {}", pictures.display()))?;
    let put = |path: &Path, text: &str| {
        fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))
    };
    let mut text = format!(
        "# Evidence: routing, plans, phases\n\n\
         Written by `weft bench fleet`; not edited. {} bootstrap samples of each trace; `a ± b` is a \
         mean with its 95 % confidence interval over them. Capacity is the highest rate at which \
         {:.0} % of requests are within the bounds, in the simulator. Bounds: a second and one more \
         for each {TOKENS_PER_S:.0} tokens of the mean prompt until the first token, rounded; {TPOT_S} s \
         per token. Ratios are taken sample by sample, so their intervals are narrower than those of \
         the rates suggest. Fleets are in `crates/fleet/data/fleets`; prices in them are \
         assumptions where no rent is published.\n\n## In short\n\n{}\n",
        evidence.seeds,
        SHARE * 100.0,
        summary(evidence)
    );
    for scene in &evidence.scenes {
        let stem = format!("{}-{}", scene.fleet, scene.trace);
        let rows: Vec<(String, Interval)> = scene
            .contests
            .iter()
            .map(|it| (it.name.clone(), it.rate_per_s))
            .collect();
        let title = format!(
            "requests/s at capacity: fleet {}, trace {}",
            scene.fleet, scene.trace
        );
        put(
            &pictures.join(format!("{stem}.svg")),
            &picture::intervals(&title, &rows)?,
        )?;
        describe(&mut text, scene, &stem);
    }
    phases_section(&mut text, &evidence.phases);
    if let Some(published) = &evidence.published {
        published::section(&mut text, published);
    }
    let rows: Vec<(String, Interval)> = evidence
        .phases
        .iter()
        .flat_map(|row| {
            let fleet = fleet_name(row);
            let mut bars = vec![(format!("{fleet}, together"), row.together_per_s)];
            if row.gpus > 0 && row.decoders > 0 {
                bars.push((format!("{fleet}, apart"), row.apart_per_s));
                bars.push((format!("{fleet}, by request"), row.chosen_per_s));
            }
            bars
        })
        .collect();
    put(
        &pictures.join("phases.svg"),
        &picture::intervals("requests/s at capacity, 1,024 tokens in, 256 out", &rows)?,
    )?;
    put(&directory.join("evidence.md"), &text)
}

pub(super) fn show(it: Interval) -> String {
    if it.half.is_finite() {
        format!("{:.2} ± {:.2}", it.mean, it.half)
    } else {
        format!("{:.2}", it.mean)
    }
}

fn describe(text: &mut String, scene: &Scene, stem: &str) {
    let _ = writeln!(
        text,
        "## Fleet {}, trace {}\n\n\
         Bounds {} s and {} s; the fleet costs {:.2} USD/h.\n\n![capacities](evidence/{stem}.svg)\n\n\
         | policy or fleet | requests/s at capacity | over ours | USD for 1,000 | within the bounds \
         at our capacity, % | TTFT p95 there, s | prompts cached there, % |\n\
         |---|---|---|---|---|---|---|",
        scene.fleet, scene.trace, scene.slo.ttft_s, scene.slo.tpot_s, scene.usd_per_h
    );
    for it in &scene.contests {
        if it.rate_per_s.mean <= 0.0 {
            let _ = writeln!(text, "| {} | none | | | | | |", it.name);
            continue;
        }
        let percent = Interval {
            mean: it.slo_share.mean * 100.0,
            half: it.slo_share.half * 100.0,
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {:.1} | {:.0} |",
            it.name,
            show(it.rate_per_s),
            show(it.ratio),
            show(it.usd_per_1k),
            show(percent),
            it.ttft_p95_s,
            it.cached_share * 100.0
        );
    }
    let _ = writeln!(
        text,
        "\nPlans for {:.2} requests/s of this trace, {:.0} % within the bounds:\n\n\
         | chips allowed | fleet | USD/h | W | within the bounds, % | USD for 1,000 |\n\
         |---|---|---|---|---|---|",
        scene.planned_for,
        SHARE * 100.0
    );
    for plan in &scene.plans {
        plan_row(text, plan);
    }
    text.push('\n');
}

fn plan_row(text: &mut String, plan: &Planned) {
    let Some(choice) = &plan.choice else {
        let why = plan.why.as_deref().unwrap_or("no plan");
        let _ = writeln!(text, "| {} | none: {why} | | | | |", plan.name);
        return;
    };
    let parts: Vec<String> = choice
        .parts
        .iter()
        .map(|part| format!("{} {} ({:?})", part.servers, part.chip, part.role).to_lowercase())
        .collect();
    let share = plan.slo_share.map_or(String::new(), |it| {
        show(Interval {
            mean: it.mean * 100.0,
            half: it.half * 100.0,
        })
    });
    let _ = writeln!(
        text,
        "| {} | {} | {:.2} | {:.0} | {share} | {} |",
        plan.name,
        parts.join(", "),
        choice.usd_per_h,
        choice.watts,
        plan.usd_per_1k.map_or(String::new(), show)
    );
}

/// Where ours wins, where it draws, where it loses: for policies, fleets of one chip, plans.
fn verdicts(evidence: &Evidence) -> String {
    let mut text = String::new();
    let mixed = |scene: &Scene, name: &str| -> Option<Contest> {
        scene.contests.iter().find(|it| it.name == name).cloned()
    };
    for other in policy::ALL.iter().map(|it| it.name()) {
        if other == OURS {
            continue;
        }
        let found: Vec<(String, Interval)> = evidence
            .scenes
            .iter()
            .filter_map(|scene| {
                let it = mixed(scene, other)?;
                Some((format!("{}/{}", scene.fleet, scene.trace), it.ratio))
            })
            .collect();
        verdict(&mut text, &format!("`{other}`"), &found);
    }
    let alone: Vec<(String, Interval)> = evidence
        .scenes
        .iter()
        .filter_map(|scene| {
            let best = scene
                .contests
                .iter()
                .filter(|it| it.name.contains(" only, "))
                .max_by(|left, right| left.rate_per_s.mean.total_cmp(&right.rate_per_s.mean))?;
            let place = format!("{}/{} ({})", scene.fleet, scene.trace, best.name);
            Some((place, best.ratio))
        })
        .collect();
    verdict(
        &mut text,
        "the best fleet of one chip for the same money",
        &alone,
    );
    for scene in &evidence.scenes {
        let cost = |plan: &Planned| plan.choice.as_ref().map(|choice| choice.usd_per_h);
        let all = scene.plans.iter().find(|it| it.name == "all chips");
        let one = scene
            .plans
            .iter()
            .filter(|it| it.name != "all chips" && it.why.is_none())
            .filter_map(|plan| Some((plan.name.as_str(), cost(plan)?)))
            .min_by(|left, right| left.1.total_cmp(&right.1));
        if let (Some(all), Some((name, one))) = (all.and_then(cost), one) {
            let _ = writeln!(
                text,
                "- Plan, {}/{}: {all:.2} USD/h with all chips; {one:.2} with the best alone, {name}: \
                 {:+.0} %.",
                scene.fleet,
                scene.trace,
                (one / all - 1.0) * 100.0
            );
        }
    }
    text
}

fn verdict(text: &mut String, other: &str, found: &[(String, Interval)]) {
    let wins = found.iter().filter(|it| it.1.below(1.0)).count();
    let losses: Vec<String> = found
        .iter()
        .filter(|it| it.1.above(1.0))
        .map(|(place, ratio)| format!("{place}: {}", show(*ratio)))
        .collect();
    let mean = found.iter().map(|it| it.1.mean).sum::<f64>() / (found.len().max(1)) as f64;
    let _ = writeln!(
        text,
        "- `{OURS}` on the mixed fleet against {other}: wins {wins} of {}, draws {}, loses {}; the \
         other has {mean:.2} of its capacity on average.{}",
        found.len(),
        found.len() - wins - losses.len(),
        losses.len(),
        if losses.is_empty() {
            String::new()
        } else {
            format!(" Lost: {}.", losses.join("; "))
        }
    );
}

fn fleet_name(row: &Phases) -> String {
    match (row.gpus, row.decoders) {
        (gpus, 0) => format!("{gpus} L4"),
        (0, decoders) => format!("{decoders} W1"),
        (gpus, decoders) => format!("{gpus} L4 + {decoders} W1"),
    }
}

fn phases_verdict(phases: &[Phases]) -> String {
    let best = phases
        .iter()
        .filter(|row| row.gpus > 0 && row.decoders > 0)
        .max_by(|left, right| {
            let gain = |row: &Phases| row.apart_per_s.mean / row.together_per_s.mean.max(1e-9);
            gain(left).total_cmp(&gain(right))
        });
    let Some(best) = best else {
        return String::new();
    };
    let gain = best.apart_per_s.mean / best.together_per_s.mean.max(1e-9);
    format!(
        "- Prefill on L4 and decode on W1, 7 B parameters, 1,024 in and 256 out: at best ({}) {:.2} of \
         the capacity of the same chips with both phases of a request on one: {}.\n",
        fleet_name(best),
        gain,
        if best.apart_per_s.mean - best.apart_per_s.half
            > best.together_per_s.mean + best.together_per_s.half
        {
            "the finding is reproduced"
        } else {
            "the finding is refuted"
        }
    )
}

fn phases_section(text: &mut String, phases: &[Phases]) {
    let _ = writeln!(
        text,
        "## Prefill on L4, decode on W1\n\n\
         Requests of 1,024 tokens in and 256 out to qwen2.5-7b in INT8, at Poisson times; bounds 3 s \
         and {TPOT_S} s; keys and values move at 25 GB/s. `together`: both phases of a request on one \
         chip, whichever, under the best policy; `apart`: prefill on the L4 only, decode on the W1 \
         only; `by request`: the better of `prefill-decode-split` and `added-seconds` decides for \
         each.\n\n\
         ![capacities](evidence/phases.svg)\n\n\
         | fleet | together, requests/s | apart | by request | W | requests/s for a kW, best |\n\
         |---|---|---|---|---|---|"
    );
    for row in phases {
        let parted = row.gpus > 0 && row.decoders > 0;
        let best = row
            .together_per_s
            .mean
            .max(row.apart_per_s.mean)
            .max(row.chosen_per_s.mean);
        let cell = |it: Interval| if parted { show(it) } else { String::new() };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {:.0} | {:.1} |",
            fleet_name(row),
            show(row.together_per_s),
            cell(row.apart_per_s),
            cell(row.chosen_per_s),
            row.watts,
            best / row.watts.max(1e-9) * 1e3
        );
    }
}
