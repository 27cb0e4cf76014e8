//! `weft bench chip`: the data sheet of a chip as microbenchmarks measure it on the model.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Serialize;
use weft_chip::ChipFile;
use weft_chip::microbench::{self, Efficiency, Measured};
use weft_fleet::perf::constants::Constants;

/// Measure the modelled chip with microbenchmarks that run on it.
///
/// Small RISC-V programs reach for each rate, bandwidth and latency; what they reach is printed,
/// not what the chip file says. Performance per watt is given over W0, for each of three readings.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  weft bench chip
  weft bench chip --chip w1-hbm2 --json measured.json")]
pub(crate) struct Arguments {
    /// The chip: a built-in one (w1, w0, w1-hbm2, w1-gddr6) or a chip file.
    #[arg(long, value_name = "NAME|FILE", default_value = "w1")]
    chip: String,

    /// Write what was measured as JSON to FILE.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Write the constants that the models of fleets take from this chip and from W0 to FILE:
    /// the form of crates/fleet/data/modelled.toml.
    #[arg(long, value_name = "FILE")]
    constants: Option<PathBuf>,
}

/// The JSON document.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    measured: &'a Measured,
    /// Performance per watt of the chip over W0.
    w1_over_w0: Efficiency,
    /// What each of these numbers is of.
    readings: Readings,
}

#[derive(Serialize)]
struct Readings {
    compute: &'static str,
    decode: &'static str,
    model: &'static str,
}

const READINGS: Readings = Readings {
    compute: "INT8 operations per joule, matrix units busy: the chip and its memory, static power included",
    decode: "bytes of weights per joule, reads of memory at full bandwidth: tokens per joule in decoding",
    model: "requests per joule to a dense model of 7 billion 8-bit weights, 1,024 tokens in, 256 out, batch 1",
};

/// Measures and prints.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let file = ChipFile::named(&arguments.chip)?;
    let before = ChipFile::named("w0")?;
    let measured = microbench::run(&file).context("failed to measure the chip")?;
    let reference = microbench::run(&before).context("failed to measure W0")?;
    let over = measured.over(&reference);
    let text = describe(&file, &measured, over);
    std::io::stdout()
        .write_all(text.as_bytes())
        .context("failed to write to stdout")?;
    if let Some(path) = &arguments.json {
        let document = Document {
            measured: &measured,
            w1_over_w0: over,
            readings: READINGS,
        };
        let mut text = serde_json::to_string_pretty(&document).context("failed to encode")?;
        text.push('\n');
        fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))?;
    }
    if let Some(path) = &arguments.constants {
        let text = constants(&[(&file, &measured), (&before, &reference)])?;
        fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

/// Constants of chips, as TOML.
fn constants(chips: &[(&ChipFile, &Measured)]) -> Result<String> {
    // Four digits: the fifth is of no use, and files that are made again stay alike.
    let rounded = |value: f64| (value * 1e4).round() / 1e4;
    let mut all = Constants::default();
    for (file, measured) in chips {
        let one = Constants::of_microbenchmarks(
            &file.name.to_lowercase(),
            rounded(measured.int8_tops * 1e12 / file.int8_operations_per_second()),
            rounded(measured.dram_read_gbs * 1e9 / file.memory_bytes_per_second()),
            rounded(measured.launch_us) * 1e-6,
        );
        all.gemm.extend(one.gemm);
        all.attention_decode.extend(one.attention_decode);
    }
    let text = toml::to_string(&all).context("failed to encode")?;
    Ok(format!(
        "# Written by `weft bench chip --constants`: microbenchmarks of the timing model, as shares of \
         peak and\n# in seconds. `weft bench validation` says what kernels reach.\n\n{text}"
    ))
}

fn describe(file: &ChipFile, m: &Measured, over: Efficiency) -> String {
    let mut text = String::new();
    let peak_tops = file.int8_operations_per_second() / 1e12;
    let peak_gbs = file.memory_bytes_per_second() / 1e9;
    let _ = writeln!(text, "{}: {}\n", file.name, file.description);
    let mut line = |what: &str, value: f64, unit: &str, note: &str| {
        let _ = writeln!(text, "{what:<34}{value:>10.2} {unit:<10}{note}");
    };
    let share = |value: f64, peak: f64, of: &str| {
        format!("{:.1} % of {peak:.1} {of}", 100.0 * value / peak)
    };
    line(
        "matrix INT8",
        m.int8_tops,
        "TOPS",
        &share(m.int8_tops, peak_tops, "TOPS"),
    );
    line("matrix INT4", m.int4_tops, "TOPS", "");
    line("matrix FP8", m.fp8_tflops, "TFLOPS", "");
    line("matrix FP16", m.fp16_tflops, "TFLOPS", "");
    line("matrix BF16", m.bf16_tflops, "TFLOPS", "");
    line("matrix TF32", m.tf32_tflops, "TFLOPS", "");
    line("vector FP32", m.fp32_tflops, "TFLOPS", "");
    line("vector FP16, packed", m.vector_fp16_tflops, "TFLOPS", "");
    line("special functions", m.special_tops, "T/s", "");
    line(
        "DRAM read",
        m.dram_read_gbs,
        "GB/s",
        &share(m.dram_read_gbs, peak_gbs, "GB/s"),
    );
    line("DRAM write", m.dram_write_gbs, "GB/s", "");
    line("DRAM copy, both ways", m.dram_copy_gbs, "GB/s", "");
    for (stride, rate) in &m.dram_read_gbs_by_stride_lines {
        line(
            &format!("DRAM read, every {stride} lines"),
            *rate,
            "GB/s",
            "",
        );
    }
    line(
        "DRAM read, random 32 B",
        m.dram_random_sector_gbs,
        "GB/s",
        "",
    );
    line("L2 read", m.l2_read_gbs, "GB/s", "");
    line("scratchpad read", m.scratchpad_read_gbs, "GB/s", "");
    for (stride, cycles) in &m.scratchpad_cycles_by_stride_words {
        line(
            &format!("scratchpad, every {stride} words"),
            *cycles,
            "cycles",
            "per 32 lanes",
        );
    }
    line(
        "latency, scratchpad",
        m.scratchpad_latency_cycles,
        "cycles",
        "",
    );
    line("latency, L1", m.l1_latency_cycles, "cycles", "");
    line("latency, L2", m.l2_latency_cycles, "cycles", "");
    line("latency, DRAM", m.dram_latency_cycles, "cycles", "");
    line(
        "atomics, distinct words",
        m.atomics_distinct_gops,
        "G/s",
        "",
    );
    line("atomics, one word", m.atomics_same_gops, "G/s", "");
    for (warps, cycles) in &m.barrier_cycles_by_warps {
        line(&format!("barrier of {warps} warps"), *cycles, "cycles", "");
    }
    line("empty launch", m.launch_us, "us", "");
    for (shared, warps) in &m.resident_warps_by_shared_kib {
        line(
            &format!("warps a core, {shared} KiB a CTA"),
            f64::from(*warps),
            "warps",
            "CTAs of 4 warps",
        );
    }
    line(
        "power, matrix units busy",
        m.compute_watts,
        "W",
        "chip and memory",
    );
    line("power, streaming", m.decode_watts, "W", "chip and memory");
    line("efficiency, compute", m.compute_tops_per_watt, "TOPS/W", "");
    line("efficiency, streaming", m.decode_gb_per_joule, "GB/J", "");
    let _ = writeln!(text, "\nperformance per watt over W0, by reading:");
    for (name, value, reading) in [
        ("compute", over.compute, READINGS.compute),
        ("decode", over.decode, READINGS.decode),
        ("model", over.model, READINGS.model),
    ] {
        let _ = writeln!(text, "  {name:<8}{value:>5.2}x  {reading}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_fleet::catalog::Catalog;

    /// The catalogue that plans are made from and the files that timing is computed from describe
    /// the same chips.
    #[test]
    fn the_catalogue_agrees_with_the_chip_files() {
        let catalog = Catalog::builtin();
        for name in ["w1", "w0"] {
            let file = ChipFile::named(name).unwrap();
            let chip = catalog.chip(name).unwrap();
            let near = |left: f64, right: f64| (left / right - 1.0).abs() < 0.005;
            let int8 = chip.int8.as_ref().map_or(0.0, |it| it.value * 1e12);
            assert!(near(int8, file.int8_operations_per_second()), "{name}");
            let bytes = chip.bandwidth_bytes_per_s().unwrap();
            assert!(near(bytes, file.memory_bytes_per_second()), "{name}");
        }
    }
}
