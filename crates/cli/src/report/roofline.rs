//! The roofline: what kernels reach against what memory and units allow.
#![expect(clippy::cast_precision_loss, reason = "counts as places in a picture")]

use std::fmt::Write as _;

use weft_driver::KernelTiming;

use super::Kernel;
use super::page::escape;

const WIDTH: f64 = 1040.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 50.0;
const TOP: f64 = 20.0;
const RIGHT: f64 = 20.0;

/// Axes in powers of ten.
struct Axes {
    x: (f64, f64),
    y: (f64, f64),
}

impl Axes {
    fn x(&self, value: f64) -> f64 {
        let share = (value.log10() - self.x.0) / (self.x.1 - self.x.0);
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value.log10() - self.y.0) / (self.y.1 - self.y.0);
        HEIGHT - BOTTOM - share.clamp(0.0, 1.0) * (HEIGHT - BOTTOM - TOP)
    }
}

/// The picture, as SVG.
pub(super) fn draw(chip: &serde_json::Value, timed: &[(&Kernel, &KernelTiming)]) -> String {
    let peak = |name: &str| chip["peaks"][name].as_f64().filter(|peak| *peak > 0.0);
    let Some(bandwidth) = peak("memory_bytes_per_second") else {
        return "<p class=\"note\">The report does not say what the chip can do.</p>".to_owned();
    };
    let roofs: Vec<(&str, f64)> = [
        ("matrix INT8", "int8_operations_per_second"),
        ("matrix FP16", "fp16_operations_per_second"),
        ("vector FP32", "fp32_operations_per_second"),
    ]
    .iter()
    .filter_map(|(label, name)| Some((*label, peak(name)?)))
    .collect();
    let top = roofs.iter().map(|(_, peak)| *peak).fold(1e9, f64::max);
    let axes = Axes {
        x: (-2.0, 4.0),
        y: (top.log10().ceil() - 5.0, top.log10().ceil()),
    };
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"100%\" role=\"img\">");
    grid(&mut svg, &axes);
    for (label, peak) in &roofs {
        let from = axes.x(peak / bandwidth);
        let y = axes.y(*peak);
        let _ = write!(
            svg,
            "<line x1=\"{from:.1}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"#44525f\" stroke-width=\"1.5\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}, {:.1} T/s</text>",
            WIDTH - RIGHT,
            WIDTH - RIGHT - 4.0,
            y - 5.0,
            peak / 1e12,
        );
    }
    let low = 10f64.powf(axes.y.0) / bandwidth;
    let _ = write!(
        svg,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#44525f\" stroke-width=\"1.5\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\">DRAM, {:.0} GB/s</text>",
        axes.x(low.max(1e-2)),
        axes.y(low.max(1e-2) * bandwidth),
        axes.x(top / bandwidth),
        axes.y(top),
        axes.x(0.012),
        axes.y(0.03 * bandwidth),
        bandwidth / 1e9,
    );
    let mut idle = Vec::new();
    for (index, (kernel, timing)) in timed.iter().enumerate() {
        dot(&mut svg, &axes, index, kernel, timing, &mut idle);
    }
    svg.push_str("</svg>");
    svg.push_str(
        "<p class=\"note\">Operations are two for a multiply-add. Hollow dots read and wrote no DRAM: \
         they are drawn at the right end.",
    );
    if !idle.is_empty() {
        let _ = write!(
            svg,
            " Without operations on data: {}.",
            escape(&idle.join(", "))
        );
    }
    svg.push_str("</p>");
    svg
}

fn dot(
    svg: &mut String,
    axes: &Axes,
    index: usize,
    kernel: &Kernel,
    timing: &KernelTiming,
    idle: &mut Vec<String>,
) {
    let operations = (timing.vector_operations + timing.matrix_operations) as f64;
    let moved = (timing.dram_bytes_read + timing.dram_bytes_written) as f64;
    let busy = timing.chip_seconds - timing.launch_seconds;
    if operations <= 0.0 || busy <= 0.0 {
        idle.push(kernel.name.clone());
        return;
    }
    let x = if moved > 0.0 {
        axes.x(operations / moved)
    } else {
        WIDTH - RIGHT
    };
    let y = axes.y(operations / busy);
    let fill = if moved > 0.0 { "#2f6fb0" } else { "white" };
    let right = x > WIDTH * 0.7;
    let (anchor, shift) = if right { ("end", -9.0) } else { ("start", 9.0) };
    let lift = if index.is_multiple_of(2) { -7.0 } else { 15.0 };
    let _ = write!(
        svg,
        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{fill}\" stroke=\"#2f6fb0\" stroke-width=\"2\">\
         <title>{}: {:.3} T/s</title></circle>\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
        escape(&kernel.name),
        operations / busy / 1e12,
        x + shift,
        y + lift,
        escape(&super::shortened(&kernel.name, 28)),
    );
}

fn grid(svg: &mut String, axes: &Axes) {
    let powers = |range: (f64, f64)| {
        let mut at = range.0;
        std::iter::from_fn(move || {
            let here = at;
            at += 1.0;
            (here <= range.1 + 1e-9).then_some(here)
        })
    };
    for power in powers(axes.x) {
        let x = axes.x(10f64.powf(power));
        let _ = write!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"#e6ebf0\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - BOTTOM,
            HEIGHT - BOTTOM + 18.0,
            10f64.powf(power),
        );
    }
    for power in powers(axes.y) {
        let y = axes.y(10f64.powf(power));
        let _ = write!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"#e6ebf0\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            y + 4.0,
            10f64.powf(power - 12.0),
        );
    }
    let _ = write!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">operations per byte of DRAM</text>\
         <text transform=\"translate(14 {:.1}) rotate(-90)\" text-anchor=\"middle\">10^12 operations a second</text>",
        (LEFT + WIDTH) / 2.0,
        HEIGHT - 10.0,
        HEIGHT / 2.0,
    );
}
