//! The page of validation.

use std::fmt::Write as _;

use weft_fleet::fit::Report;

use super::Validation;
use super::explain::explain;
use super::kernels::Case;
use super::memory::Device;

/// Disagreement that is explained.
const TELL: f64 = 0.15;

/// Errors that a roofline with three constants reached on the same sources: operator, chip,
/// precision, rows, MAPE in percent. For comparison, not a bar.
const BEFORE: [(&str, &str, &str, f64); 17] = [
    ("gemm", "a100-80gb-sxm", "bf16", 11.6),
    ("gemm", "a100-80gb-sxm", "int8", 18.1),
    ("gemm", "a100-80gb-sxm", "int8-weight", 15.8),
    ("gemm", "a100-80gb-sxm", "int4-weight", 17.6),
    ("gemm", "h100-sxm", "bf16", 7.4),
    ("gemm", "h100-sxm", "fp8", 11.1),
    ("gemm", "l40s", "bf16", 22.8),
    ("gemm", "l40s", "int8", 10.2),
    ("gemm", "l40s", "int4-weight", 12.2),
    ("gemm", "arc-pro-b60", "bf16", 12.3),
    ("attention-decode", "a100-80gb-sxm", "KV > 200 MB", 9.1),
    ("attention-decode", "h100-sxm", "KV > 200 MB", 8.7),
    ("attention-decode", "l40s", "KV > 200 MB", 6.5),
    ("attention-prefill", "a100-80gb-sxm", "", 17.0),
    ("attention-prefill", "h100-sxm", "", 14.0),
    ("attention-prefill", "l40s", "", 21.0),
    ("tpot", "h100-sxm", "qwen3-32b fp8", 27.6),
];

/// The whole page.
pub(super) fn page(validation: &Validation) -> String {
    let mut text = String::from(
        "# Validation\n\nWritten by `weft bench validation --tables crates/fleet/data/measured --page \
         docs`; not edited. What the models say, against measurements of others, published behaviour, \
         and each other.\n\n",
    );
    if let Some(laws) = &validation.laws {
        analytic(&mut text, laws);
    }
    kernels(&mut text, &validation.kernels);
    memory(&mut text, &validation.memory);
    energy(&mut text, validation);
    text
}

fn analytic(text: &mut String, laws: &Report) {
    text.push_str(
        "## Laws on measured kernels and servers\n\nErrors in percent on rows of shapes that were held \
         out of the fit (whole servers: of all rows of a group, none of which was fitted but those of \
         `qwen3-32b fp8`). `plain roofline`: what shares of peak and bandwidth and a launch time alone reach on the \
         same sources.\n\n| operator | chip | precision, rows | held out | MAPE | median | p90 | plain roofline |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for measure in &laws.measures {
        let precision = measure.precision.map_or("", |it| it.name());
        let rows = format!("{precision} {}", measure.rows);
        let rows = rows.trim();
        let before = BEFORE
            .iter()
            .find(|row| row.0 == measure.operator && row.1 == measure.chip && row.2 == rows);
        let errors = &measure.errors;
        let _ = writeln!(
            text,
            "| {} | {} | {rows} | {} | {:.1} | {:.1} | {:.1} | {} |",
            measure.operator,
            measure.chip,
            errors.held_out_rows,
            errors.mape * 100.0,
            errors.median * 100.0,
            errors.p90 * 100.0,
            before.map_or(String::new(), |row| format!("{:.1}", row.3))
        );
    }
    let _ = writeln!(
        text,
        "\nRows faster than their chip can be, left out: {}.\n\n| bar | reached | bound | |\n|---|---|---|---|",
        laws.rejected.len()
    );
    for bar in laws.bars() {
        let _ = writeln!(
            text,
            "| {} | {:.3} | {} | {} |",
            bar.what,
            bar.value,
            bar.bound,
            if bar.held { "held" } else { "missed" }
        );
    }
    if let Some([measured, predicted]) = &laws.ranking {
        let list = |chips: &[(String, f64)]| {
            let chips = chips.iter().map(|it| format!("{} {:.0}", it.0, it.1));
            chips.collect::<Vec<_>>().join(", ")
        };
        let _ = writeln!(
            text,
            "\nOffline tokens/s of a chip, MLPerf v5.1 llama3.1-8b: measured {}; predicted {}. Neighbours \
             whose measurements differ by less than the errors of the laws above cannot be told apart: \
             H100 and RTX PRO 6000 measured 1.4 % apart, in submissions of different makers and software.",
            list(measured),
            list(predicted)
        );
        text.push_str(
            "\nThe vLLM runs on H200 are the group that is farthest off. Their steps take 1.3 times what \
             arithmetic and memory take at full peak, where those of the other groups take 1.6 to 3.2 \
             times (but for one of three rows: 1.0), one is faster than its chip can compute the prompts, and time to first token hardly \
             grows with the number of requests. A server that finds its prompts in the prefix cache, \
             which vLLM has on by default, is the reading that fits: without prompts to compute the \
             error is that of `prompts cached`.\n",
        );
    }
    text.push('\n');
}

fn kernels(text: &mut String, cases: &[Case]) {
    let off = |case: &Case| case.model_s / case.law_s - 1.0;
    let mean = cases.iter().map(|case| off(case).abs()).sum::<f64>() / cases.len().max(1) as f64;
    let _ = writeln!(
        text,
        "## The timing model against the laws, on W1\n\nKernels run on the timing model with cold \
         caches; every result is checked. `roof`: operations over the peak or least bytes over the \
         bandwidth, and the launch. `law`: the fleet's model of W1 with the constants of this release. \
         Where model and law differ by more than {:.0} %, the reason is what the model saw. Mean \
         difference {:.1} %.\n\n| kernel | size | model, us | roof, us | share of roof, % | law, us | \
         model over law | limiter | why |\n|---|---|---|---|---|---|---|---|---|",
        TELL * 100.0,
        mean * 100.0
    );
    for case in cases {
        let why = if off(case).abs() > TELL {
            explain(case)
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "| {} | {} | {:.1} | {:.1} | {:.0} | {:.1} | {:.2} | {} | {why} |",
            case.problem.operator(),
            case.problem.sizes(),
            case.model_s * 1e6,
            case.roof_s * 1e6,
            case.roof_s / case.model_s * 100.0,
            case.law_s * 1e6,
            case.model_s / case.law_s,
            case.timing.limiter
        );
    }
    text.push('\n');
}

fn memory(text: &mut String, devices: &[Device]) {
    text.push_str(
        "## Memory\n\nShares of the peak, in percent. Published: streams reach 88 to 93 % of it (GPUs \
         with HBM 87 to 90 %; all-bank refresh alone costs 6.7 % of HBM2 at 4 Gb and 9.0 % at 8 Gb); \
         random sectors of 32 bytes open a row each, so four in tFAW bound them: 53 % of HBM2 at tFAW \
         15 ns, 27 % at 30 ns. An idle access takes 30 to 44 ns in the device, before controller and \
         network.\n\n| chip file | memory | peak, GB/s | stream | refresh allows | copy | random 32 B | \
         tFAW and tRRD allow | latency, ns |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for it in devices {
        let _ = writeln!(
            text,
            "| {} | {} | {:.0} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.0} |",
            it.chip,
            it.memory,
            it.peak_gbs,
            it.stream * 100.0,
            it.refresh_cap * 100.0,
            it.copy * 100.0,
            it.random * 100.0,
            it.activate_cap * 100.0,
            it.latency_ns
        );
    }
    text.push('\n');
}

/// Whole-chip energy that was measured on GPUs by board power: name, pJ an operation at its
/// median with 10th and 90th percentile, and pJ a bit of memory traffic.
const ANCHORS: [(&str, &str, &str); 5] = [
    ("H200, BF16", "0.99 (0.80-1.04)", "18.2 (10.7-19.5)"),
    ("H200, FP8", "0.61 (0.48-0.78)", "19.8 (7.7-22.4)"),
    ("B200, BF16", "0.66 (0.58-0.74)", "14.0 (10.1-17.3)"),
    ("B200, FP8", "0.43 (0.31-0.52)", "18.4 (9.8-40)"),
    ("B200, FP4", "0.26 (0.22-0.33)", ""),
];
/// Watts of an estimate for W1 from energies of circuits: streaming with all traffic, and matrix
/// units busy from registers: 1.8 W of theirs, 1.2 W of cores, 5 W of leakage and clock, 0.3 W of
/// link.
const ESTIMATE_WATTS: (f64, f64) = (32.0, 8.3);

fn energy(text: &mut String, validation: &Validation) {
    text.push_str(
        "## Energy\n\nAll-in energies of the two regimes: matrix units full, and memory streaming. Of \
         GPUs: board power over kernels that last a second (medians, 10th and 90th percentile). Of ours: \
         the energy model over microbenchmarks, static power included.\n\n| chip | pJ an operation | pJ a \
         bit of memory | W computing | W streaming |\n|---|---|---|---|---|\n",
    );
    for (name, compute, memory) in ANCHORS {
        let _ = writeln!(text, "| {name} | {compute} | {memory} | | |");
    }
    for it in &validation.chips {
        let _ = writeln!(
            text,
            "| {}, INT8 | {:.2} | {:.1} | {:.1} | {:.1} |",
            it.chip,
            1.0 / it.compute_tops_per_watt,
            1e3 / 8.0 / it.decode_gb_per_joule,
            it.compute_watts,
            it.decode_watts
        );
    }
    let Some(w1) = validation.chips.iter().find(|it| it.chip == "W1") else {
        return;
    };
    let off = |watts: f64, of: f64| (watts / of - 1.0) * 100.0;
    let _ = writeln!(
        text,
        "\nAn independent estimate from energies of circuits gives {} W streaming, and {} W computing \
         from registers, as the microbenchmark does (with the traffic of a prompt it would be 14 W); the \
         model is {:+.0} % and {:+.0} % from it (bound: 25 %). Next to the GPUs, W1 moves a bit for \
         {:.2} of the energy of a B200 in BF16: narrow channels of LPDDR5X and a small chip help, and no \
         voltage converters or fans are counted, so it is an optimistic figure. Its energy an operation is \
         high because 12 TOPS share the same static power as the memory.",
        ESTIMATE_WATTS.0,
        ESTIMATE_WATTS.1,
        off(w1.decode_watts, ESTIMATE_WATTS.0),
        off(w1.compute_watts, ESTIMATE_WATTS.1),
        1e3 / 8.0 / w1.decode_gb_per_joule / 14.0
    );
}
