//! The terminal form of a report: sections for each kernel.

use std::fmt::Write as _;

use weft_driver::KernelTiming;
use weft_driver::chip_timing::Stall;

use super::{Kernel, Report, bytes, grouped, joules, seconds};

/// Most stall reasons and source lines that are shown.
const ROWS_MAX: usize = 6;

/// All kernels, each with its sections, then the comparison with another run.
pub(super) fn render(report: &Report, other: Option<&Report>) -> String {
    let mut text = String::new();
    for kernel in &report.kernels {
        match &kernel.timing {
            Some(timing) => render_kernel(&mut text, kernel, timing),
            None => {
                let _ = writeln!(text, "{}: not timed (weft run --timing)\n", kernel.name);
            }
        }
    }
    if let Some(other) = other {
        compare(&mut text, report, other);
    }
    text
}

fn render_kernel(text: &mut String, kernel: &Kernel, timing: &KernelTiming) {
    let _ = writeln!(
        text,
        "{}  launches {}, CTAs {}",
        kernel.name,
        grouped(kernel.launches),
        grouped(kernel.ctas)
    );
    let mut section = |title: &str, rows: &[(&str, String)]| {
        let _ = writeln!(text, "  {title}");
        for (name, value) in rows {
            let _ = writeln!(text, "    {name:<28}{value:>16}");
        }
    };
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let roofs: Vec<(&str, String)> = timing
        .roofs
        .all()
        .into_iter()
        .map(|(name, share)| (name, percent(share)))
        .collect();
    section(
        "Speed of light",
        &[
            ("cycles", grouped(timing.cycles)),
            ("time", seconds(timing.chip_seconds)),
            ("of that launch overhead", seconds(timing.launch_seconds)),
            ("limited by", timing.limiter.clone()),
            (
                "instructions per cycle",
                format!("{:.2}", timing.instructions_per_cycle),
            ),
        ],
    );
    section("Roofs used", &roofs);
    section(
        "Memory",
        &[
            ("DRAM read", bytes(timing.dram_bytes_read)),
            ("DRAM written", bytes(timing.dram_bytes_written)),
            ("L2", bytes(timing.l2_bytes)),
            (
                "L1 hit rate",
                hit_rate(timing.l1_bytes, timing.l1_bytes_missed),
            ),
            ("scratchpad", bytes(timing.scratchpad_bytes)),
            ("bank conflict cycles", grouped(timing.scratchpad_conflicts)),
        ],
    );
    section(
        "Energy",
        &[
            ("energy", joules(timing.joules)),
            ("power", format!("{:.1} W", timing.watts)),
        ],
    );
    section(
        "Occupancy",
        &[("harts with a CTA", percent(timing.occupancy))],
    );
    let stalls: Vec<(&str, String)> = ranked_stalls(timing)
        .into_iter()
        .take(ROWS_MAX)
        .map(|(stall, share)| (stall.label(), percent(share)))
        .collect();
    section("Hart cycles spent on", &stalls);
    let _ = writeln!(text, "  Hottest lines");
    let all: u64 = timing.stalls.values().sum();
    for line in timing.lines.iter().take(ROWS_MAX) {
        let share = super::ratio(line.issued + line.stalled, all.max(1));
        let _ = writeln!(text, "    {:<28}{:>16}", place(line), percent(share));
    }
    text.push('\n');
}

/// Where a line is.
pub(super) fn place(line: &weft_driver::LineTiming) -> String {
    match (&line.file, line.ptx_line) {
        (Some(file), _) => {
            let name = file.rsplit('/').next().unwrap_or(file);
            format!("{name}:{}", line.line)
        }
        (None, 0) => "made by the compiler".to_owned(),
        (None, number) => format!("PTX line {number}"),
    }
}

fn hit_rate(all: u64, missed: u64) -> String {
    if all == 0 {
        return "-".to_owned();
    }
    format!(
        "{:.1} %",
        100.0 * super::ratio(all.saturating_sub(missed), all)
    )
}

/// Reasons with their share of hart-cycles, the largest first.
pub(super) fn ranked_stalls(timing: &KernelTiming) -> Vec<(Stall, f64)> {
    let all: u64 = timing.stalls.values().sum();
    let mut ranked: Vec<(Stall, f64)> = Stall::ALL
        .iter()
        .filter_map(|stall| {
            let cycles = *timing.stalls.get(stall.name())?;
            Some((*stall, super::ratio(cycles, all.max(1))))
        })
        .collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked
}

fn compare(text: &mut String, first: &Report, second: &Report) {
    let _ = writeln!(
        text,
        "comparison: {} to {}\n  {:<32}{:>14}{:>14}{:>8}{:>8}",
        first.chip_name(),
        second.chip_name(),
        "kernel",
        "cycles",
        "cycles",
        "time",
        "energy"
    );
    for (name, a, b) in pairs(first, second) {
        let _ = writeln!(
            text,
            "  {:<32}{:>14}{:>14}{:>7.2}x{:>7.2}x",
            super::shortened(name, 32),
            grouped(a.cycles),
            grouped(b.cycles),
            b.chip_seconds / a.chip_seconds,
            b.joules / a.joules,
        );
    }
}

/// Kernels that both runs timed.
pub(super) fn pairs<'a>(
    first: &'a Report,
    second: &'a Report,
) -> Vec<(&'a str, &'a KernelTiming, &'a KernelTiming)> {
    let find = |name: &str| second.kernels.iter().find(|kernel| kernel.name == name);
    first
        .kernels
        .iter()
        .filter_map(|kernel| {
            let other = find(&kernel.name)?;
            Some((
                kernel.name.as_str(),
                kernel.timing.as_ref()?,
                other.timing.as_ref()?,
            ))
        })
        .collect()
}
