//! A report as one HTML page that needs nothing else.

use std::fmt::Write as _;

use weft_driver::KernelTiming;

use super::roofline;
use super::sections::{pairs, place, ranked_stalls};
use super::{Kernel, Report, bytes, grouped, joules, seconds};

const STYLE: &str = "\
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1c2733}
h1{font-size:1.6rem;margin-bottom:.2rem}h2{font-size:1.2rem;margin-top:2.2rem;border-bottom:1px solid #d5dde5}
h3{font-size:1rem;margin:1.6rem 0 .4rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:.25rem .6rem;border-bottom:1px solid #e6ebf0}
th:first-child,td:first-child{text-align:left}
.columns{display:grid;grid-template-columns:1fr 1fr;gap:1.5rem}
.bar{display:flex;height:1.5rem;border-radius:3px;overflow:hidden;margin:.3rem 0}
.bar span{display:block;height:100%}
.key{font-size:.85rem;color:#44525f}.key i{display:inline-block;width:.7rem;height:.7rem;margin:0 .3rem 0 .8rem}
.note{color:#5b6976;font-size:.9rem}svg text{font:12px system-ui,sans-serif;fill:#1c2733}
";

/// Colours of parts, in their order.
const COLOURS: [&str; 10] = [
    "#2f6fb0", "#e08a2c", "#4a9c5d", "#c4504b", "#8a6db8", "#8c6b58", "#d67fb4", "#7f8a94",
    "#b5b13c", "#3fb3c2",
];

/// The page of a report, with a comparison if there is another.
pub(super) fn render(report: &Report, other: Option<&Report>) -> String {
    let mut page =
        String::from("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    let name = escape(report.chip_name());
    let _ = write!(
        page,
        "<title>Weft report: {name}</title><style>{STYLE}</style></head><body>\
         <h1>What the chip did</h1><p class=\"note\">{name}"
    );
    if let Some(elapsed) = &report.elapsed {
        let _ = write!(
            page,
            " &middot; {} on the chip: kernels {}, copies {} &middot; {}",
            seconds(elapsed.chip_seconds),
            seconds(elapsed.kernel_seconds),
            seconds(elapsed.copy_seconds),
            joules(elapsed.joules)
        );
    }
    page.push_str("</p>");
    let timed: Vec<(&Kernel, &KernelTiming)> = report
        .kernels
        .iter()
        .filter_map(|kernel| Some((kernel, kernel.timing.as_ref()?)))
        .collect();
    if timed.is_empty() {
        page.push_str("<p>No launch was timed: use <code>weft run --timing</code>.</p>");
    } else {
        overview(&mut page, &timed);
        page.push_str("<h2>Roofline</h2>");
        page.push_str(&roofline::draw(&report.chip, &timed));
        if let Some(other) = other {
            comparison(&mut page, report, other);
        }
        page.push_str("<h2>Kernels</h2>");
        for (kernel, timing) in &timed {
            details(&mut page, kernel, timing);
        }
    }
    page.push_str("</body></html>\n");
    page
}

fn overview(page: &mut String, timed: &[(&Kernel, &KernelTiming)]) {
    page.push_str(
        "<h2>Overview</h2><table><tr><th>kernel<th>launches<th>cycles<th>time<th>energy<th>power\
         <th>DRAM<th>vector<th>matrix<th>occupancy<th>limited by</tr>",
    );
    for (kernel, timing) in timed {
        let _ = write!(
            page,
            "<tr><td>{}<td>{}<td>{}<td>{}<td>{}<td>{:.1} W<td>{:.0} %<td>{:.0} %<td>{:.0} %\
             <td>{:.0} %<td>{}</tr>",
            escape(&kernel.name),
            grouped(kernel.launches),
            grouped(timing.cycles),
            seconds(timing.chip_seconds),
            joules(timing.joules),
            timing.watts,
            timing.roofs.dram * 100.0,
            timing.roofs.vector * 100.0,
            timing.roofs.matrix * 100.0,
            timing.occupancy * 100.0,
            escape(&timing.limiter),
        );
    }
    page.push_str("</table>");
}

fn details(page: &mut String, kernel: &Kernel, timing: &KernelTiming) {
    let _ = write!(page, "<h3>{}</h3>", escape(&kernel.name));
    page.push_str("<div class=\"columns\"><div><b>Hart cycles</b>");
    let stalls: Vec<(&str, f64)> = ranked_stalls(timing)
        .into_iter()
        .map(|(stall, share)| (stall.label(), share))
        .collect();
    bar(page, &stalls);
    page.push_str("</div><div><b>Energy</b>");
    let total = timing.energy.total();
    let parts = timing.energy.domains();
    let shares: Vec<(&str, f64)> = parts
        .iter()
        .map(|(name, joules)| (*name, if total > 0.0 { joules / total } else { 0.0 }))
        .collect();
    bar(page, &shares);
    page.push_str("</div></div><div class=\"columns\"><div><table>");
    for (name, share) in timing.roofs.all() {
        let _ = write!(
            page,
            "<tr><td>{name}<td>{:.1} % of its roof</tr>",
            share * 100.0
        );
    }
    page.push_str("</table></div><div><table>");
    for (name, value) in [
        ("DRAM read", bytes(timing.dram_bytes_read)),
        ("DRAM written", bytes(timing.dram_bytes_written)),
        ("L2", bytes(timing.l2_bytes)),
        ("L1", bytes(timing.l1_bytes)),
        ("scratchpad", bytes(timing.scratchpad_bytes)),
        ("bank conflict cycles", grouped(timing.scratchpad_conflicts)),
        (
            "instructions per core cycle",
            format!("{:.2}", timing.instructions_per_cycle),
        ),
        ("launch overhead", seconds(timing.launch_seconds)),
    ] {
        let _ = write!(page, "<tr><td>{name}<td>{value}</tr>");
    }
    page.push_str("</table></div></div>");
    lines(page, timing);
}

/// A stacked bar with its key.
fn bar(page: &mut String, parts: &[(&str, f64)]) {
    page.push_str("<div class=\"bar\">");
    for ((_, share), colour) in parts.iter().zip(COLOURS) {
        let _ = write!(
            page,
            "<span style=\"width:{:.2}%;background:{colour}\"></span>",
            share * 100.0
        );
    }
    page.push_str("</div><div class=\"key\">");
    for ((name, share), colour) in parts.iter().zip(COLOURS) {
        if *share >= 0.005 {
            let _ = write!(
                page,
                "<i style=\"background:{colour}\"></i>{name} {:.1} %",
                share * 100.0
            );
        }
    }
    page.push_str("</div>");
}

fn lines(page: &mut String, timing: &KernelTiming) {
    let all: u64 = timing.stalls.values().sum();
    page.push_str("<table><tr><th>hottest lines<th>issued<th>waited, hart cycles<th>share</tr>");
    for line in timing.lines.iter().take(12) {
        let _ = write!(
            page,
            "<tr><td>{}<td>{}<td>{}<td>{:.1} %</tr>",
            escape(&place(line)),
            grouped(line.issued),
            grouped(line.stalled),
            100.0 * super::ratio(line.issued + line.stalled, all.max(1)),
        );
    }
    page.push_str("</table>");
}

fn comparison(page: &mut String, first: &Report, second: &Report) {
    let _ = write!(
        page,
        "<h2>Comparison: {} to {}</h2><table><tr><th>kernel<th>cycles<th>cycles<th>time<th>time\
         <th>time ratio<th>energy<th>energy<th>energy ratio</tr>",
        escape(first.chip_name()),
        escape(second.chip_name())
    );
    for (name, a, b) in pairs(first, second) {
        let _ = write!(
            page,
            "<tr><td>{}<td>{}<td>{}<td>{}<td>{}<td>{:.2}x<td>{}<td>{}<td>{:.2}x</tr>",
            escape(name),
            grouped(a.cycles),
            grouped(b.cycles),
            seconds(a.chip_seconds),
            seconds(b.chip_seconds),
            b.chip_seconds / a.chip_seconds,
            joules(a.joules),
            joules(b.joules),
            b.joules / a.joules,
        );
    }
    page.push_str("</table>");
}

/// Text in HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(cycles: u64) -> Report {
        let timing = KernelTiming {
            timed_launches: 1,
            cycles,
            chip_seconds: 1e-3,
            joules: 0.02,
            limiter: "dram".to_owned(),
            vector_operations: 1_000_000,
            dram_bytes_read: 4_000_000,
            stalls: [("issued".to_owned(), 40), ("dram".to_owned(), 60)].into(),
            ..KernelTiming::default()
        };
        let kernel = Kernel {
            name: "copy<float>".to_owned(),
            launches: 1,
            timing: Some(timing),
            ..Kernel::default()
        };
        Report {
            chip: serde_json::json!({"name": "W1", "peaks": {
                "memory_bytes_per_second": 512e9, "int8_operations_per_second": 12e12,
            }}),
            kernels: vec![kernel],
            ..Report::default()
        }
    }

    #[test]
    fn the_page_stands_alone_and_shows_every_kernel() {
        let page = render(&report(1000), Some(&report(2000)));
        assert!(page.contains("copy&lt;float&gt;") && !page.contains("copy<float>"));
        assert!(page.contains("<svg") && page.contains("<circle"));
        assert!(page.contains("DRAM data 60.0 %"));
        assert!(page.contains("Comparison: W1 to W1"));
        for outside in ["http", "src=", "<script", "@import"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn the_terminal_names_limit_and_longest_wait() {
        let text = super::super::sections::render(&report(1000), None);
        assert!(text.contains("limited by") && text.contains("dram"));
        assert!(text.contains("DRAM data"), "{text}");
        assert!(text.contains("60.0 %"), "{text}");
    }

    #[test]
    fn a_report_without_timing_says_how_to_get_it() {
        let mut untimed = report(1);
        untimed.kernels[0].timing = None;
        assert!(render(&untimed, None).contains("weft run --timing"));
    }
}
