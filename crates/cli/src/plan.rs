//! `weft plan`: the cheapest fleet for a service.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use weft_fleet::plan::{Choice, Plan, Spec, manifests, plan, plan_on};
use weft_fleet::policy::Role;

use crate::chips::picture::{bars_svg, head, significant};
use crate::chips::table::align;
use crate::failure::Failure;
use crate::print::say;
use crate::simulate::load;

/// Plan the cheapest fleet that serves a model within bounds on latency.
///
/// SPEC is a TOML file with model, traffic, bounds, rules and the chips that can be had;
/// docs/fleets.md describes it. The plan is verified in the simulator.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  weft plan service.toml
  weft plan service.toml --json plan.json --html plan.html --manifests plan.yaml
  weft plan service.toml --trace AzureLLMInferenceTrace_conv.csv")]
pub(crate) struct Arguments {
    /// The specification.
    spec: PathBuf,
    /// Verify with the requests of this trace, at the rate of the specification: a file, or a
    /// synthetic one of `weft simulate`. Without it they are made from the lengths of the
    /// specification.
    #[arg(long, value_name = "TRACE")]
    trace: Option<String>,
    /// Write the plan as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write a page with tables and pictures.
    #[arg(long)]
    html: Option<PathBuf>,
    /// Write Kubernetes manifests of the servers.
    #[arg(long)]
    manifests: Option<PathBuf>,
}

/// Plans. The status is 1 when the bounds do not hold in the simulator.
///
/// # Errors
/// When the specification is broken or its rules clash, or a file cannot be written.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let shown = arguments.spec.display();
    let text =
        fs::read_to_string(&arguments.spec).with_context(|| format!("failed to read {shown}"))?;
    let spec = Spec::parse(&text).with_context(|| format!("in {shown}"))?;
    let plan = match &arguments.trace {
        None => plan(&spec),
        Some(name) => plan_on(&spec, &load(name, 20_000, spec.traffic.rate, 1)?),
    };
    let plan = plan.with_context(|| format!("in {shown}"))?;
    say(&table(&plan))?;
    let write = |path: &Path, text: String| {
        fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))
    };
    if let Some(path) = &arguments.json {
        write(path, serde_json::to_string_pretty(&plan)?)?;
    }
    if let Some(path) = &arguments.html {
        write(path, page(&spec, &plan)?)?;
    }
    if let Some(path) = &arguments.manifests {
        write(path, manifests(&plan.best))?;
    }
    if plan.holds {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::new(format!(
        "the bounds do not hold in the simulator: within them are {} % of requests",
        std::iter::once(&plan.verified)
            .chain(&plan.further)
            .map(|seen| format!("{:.1}", seen.slo_share * 100.0))
            .collect::<Vec<_>>()
            .join(" and ")
    ))
    .hint("loosen the bounds or a rule of the fleet")
    .into())
}

fn rows(choice: &Choice) -> Vec<Vec<String>> {
    let header = [
        "model",
        "chip",
        "phase",
        "precision",
        "servers",
        "chips of each",
        "batch",
        "requests/s of each",
        "USD/h",
        "W",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for part in &choice.parts {
        let role = match part.role {
            Role::Both => "both",
            Role::Prefill => "prefill",
            Role::Decode => "decode",
        };
        rows.push(vec![
            part.model.clone(),
            part.chip.clone(),
            role.to_owned(),
            part.precision.clone(),
            part.servers.to_string(),
            part.tensor.to_string(),
            part.batch_max.to_string(),
            significant(part.capacity_per_s),
            format!("{:.2}", part.usd_per_h),
            format!("{:.0}", part.watts),
        ]);
    }
    rows
}

fn short(choice: &Choice) -> String {
    let parts: Vec<String> = choice
        .parts
        .iter()
        .map(|part| format!("{} {} ({:?})", part.servers, part.chip, part.role).to_lowercase())
        .collect();
    format!(
        "{:.2} USD/h, {:.0} W: {}",
        choice.usd_per_h,
        choice.watts,
        parts.join(", ")
    )
}

fn table(plan: &Plan) -> String {
    let mut text = align(&rows(&plan.best), 4);
    let best = &plan.best;
    let _ = writeln!(
        text,
        "total {:.2} USD/h, {:.0} W, carries {:.0} % more traffic in the simulator",
        best.usd_per_h,
        best.watts,
        plan.headroom * 100.0
    );
    let seen = std::iter::once(&plan.verified).chain(&plan.further);
    for (seen, policy) in seen.zip(&plan.policies) {
        let _ = writeln!(
            text,
            "in the simulator ({} rounds, policy {policy}): {:.2} % within the bounds, TTFT p95 {:.3} s, \
             TPOT p95 {:.4} s",
            plan.rounds,
            seen.slo_share * 100.0,
            seen.ttft.p95,
            seen.tpot.p95
        );
    }
    for reason in &plan.reasons {
        let _ = writeln!(
            text,
            "binds: {}: {:.3} USD/h for one more {}",
            reason.rule, reason.usd_per_h, reason.unit
        );
    }
    for (name, other) in &plan.others {
        let _ = writeln!(text, "instead, {name}: {}", short(other));
    }
    for why in &plan.excluded {
        let _ = writeln!(text, "not considered: {why}");
    }
    text
}

fn page(spec: &Spec, plan: &Plan) -> Result<String> {
    let title = format!("{} at {} requests/s", spec.model, spec.traffic.rate);
    let mut text = head(&title);
    let mut tag = "th";
    text.push_str("<table>");
    for row in rows(&plan.best) {
        text.push_str("<tr>");
        for cell in row {
            let _ = write!(text, "<{tag}>{cell}</{tag}>");
        }
        text.push_str("</tr>\n");
        tag = "td";
    }
    text.push_str("</table>\n");
    let mut costs = vec![("this plan".to_owned(), plan.best.usd_per_h)];
    costs.extend(
        plan.others
            .iter()
            .map(|(name, other)| (name.clone(), other.usd_per_h)),
    );
    text.push_str(&bars_svg("USD per hour", &costs)?);
    let parts = |value: fn(&weft_fleet::plan::Part) -> f64| -> Vec<(String, f64)> {
        let parts = plan.best.parts.iter();
        parts
            .map(|part| {
                (
                    format!("{} {:?}", part.chip, part.role).to_lowercase(),
                    value(part),
                )
            })
            .collect()
    };
    text.push_str(&bars_svg("board power, W", &parts(|part| part.watts))?);
    let it = &plan.verified;
    let latency = [
        ("TTFT p50", it.ttft.p50),
        ("TTFT p95", it.ttft.p95),
        ("TTFT p99", it.ttft.p99),
    ];
    text.push_str(&bars_svg(
        "seconds in the simulator",
        &latency.map(|(name, value)| (name.to_owned(), value)),
    )?);
    let _ = writeln!(text, "<pre>{}</pre></body></html>", table(plan));
    Ok(text)
}
