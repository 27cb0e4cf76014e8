//! Launch reports: what the library wrote for each process, merged, and shown.
//!
//! The library writes `report-<pid>.json` in the directory that `WEFT_REPORT_DIR` names. The
//! merged report has the same form: kernels of the same name are added up.

mod command;
mod page;
mod roofline;
mod sections;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use weft_driver::{Elapsed, KernelTiming};

pub(crate) use command::{Arguments, run};

/// Everything the chip did for one run of a program.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The configuration of the chip, as the library describes it.
    chip: serde_json::Value,
    /// One entry per kernel name, in order of name after merging: launches that ran to their end.
    kernels: Vec<Kernel>,
    /// Launches begun, including those that faulted.
    launches: u64,
    /// Modelled time of the whole run, if it was timed. Of several processes: the sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    elapsed: Option<Elapsed>,
}

/// All launches of one kernel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Kernel {
    name: String,
    launches: u64,
    ctas: u64,
    warps: u64,
    /// Retired instructions by class.
    instructions: BTreeMap<String, u64>,
    /// Bytes that instructions read from global memory.
    bytes_read: u64,
    /// Bytes that instructions wrote to global memory.
    bytes_written: u64,
    /// Bytes read and written in shared memory.
    shared_bytes: u64,
    /// Modelled time and energy, if launches were timed.
    #[serde(flatten)]
    timing: Option<KernelTiming>,
    /// Time the host spent in launches. Not time of the modelled chip.
    host_seconds: f64,
}

impl Kernel {
    fn instruction_count(&self) -> u64 {
        self.instructions.values().sum()
    }

    fn add(&mut self, other: &Self) {
        self.launches += other.launches;
        self.ctas += other.ctas;
        self.warps += other.warps;
        for (class, count) in &other.instructions {
            *self.instructions.entry(class.clone()).or_default() += count;
        }
        self.bytes_read += other.bytes_read;
        self.bytes_written += other.bytes_written;
        self.shared_bytes += other.shared_bytes;
        self.host_seconds += other.host_seconds;
        if let Some(timing) = &other.timing {
            self.timing.get_or_insert_default().add(timing);
        }
    }
}

impl Report {
    /// Merges every `report-*.json` in `directory`.
    ///
    /// # Errors
    /// When one cannot be read.
    pub(crate) fn collect(directory: &Path) -> Result<Self> {
        let mut merged = Self::default();
        for path in report_files(directory)? {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("failed to read {}", path.display()))?;
            let report: Self = serde_json::from_str(&text)
                .with_context(|| format!("failed to read the report {}", path.display()))?;
            merged.merge(report);
        }
        Ok(merged)
    }

    /// Name of the chip.
    fn chip_name(&self) -> &str {
        self.chip["name"].as_str().unwrap_or("unknown chip")
    }

    /// Launches begun, including those that faulted.
    pub(crate) const fn launches(&self) -> u64 {
        self.launches
    }

    /// Writes the report as JSON.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        let mut text = serde_json::to_string_pretty(self).context("failed to encode the report")?;
        text.push('\n');
        fs::write(file, text).with_context(|| format!("failed to write {}", file.display()))
    }

    /// Prints a summary for people.
    #[expect(clippy::print_stderr, reason = "stdout belongs to the program")]
    pub(crate) fn summarise(&self) {
        eprint!("{}", self.summary());
    }

    fn merge(&mut self, other: Self) {
        if self.chip.is_null() {
            self.chip = other.chip;
        }
        self.launches += other.launches;
        if let Some(elapsed) = other.elapsed {
            self.elapsed.get_or_insert_default().add(&elapsed);
        }
        let mut kernels: BTreeMap<String, Kernel> = BTreeMap::new();
        for kernel in self.kernels.drain(..).chain(other.kernels) {
            match kernels.get_mut(&kernel.name) {
                Some(sum) => sum.add(&kernel),
                None => {
                    kernels.insert(kernel.name.clone(), kernel);
                }
            }
        }
        self.kernels = kernels.into_values().collect();
    }

    /// Modelled time and energy of each kernel.
    fn time_summary(&self, text: &mut String, width: usize) {
        let timed: Vec<(&Kernel, &KernelTiming)> = self
            .kernels
            .iter()
            .filter_map(|kernel| Some((kernel, kernel.timing.as_ref()?)))
            .collect();
        if timed.is_empty() {
            return;
        }
        let _ = writeln!(
            text,
            "\n{:width$} {:>13} {:>10} {:>7} {:>9} {:>6} {:>6} {:>6} limited by",
            "on the chip", "cycles", "time", "watts", "energy", "dram", "vector", "matrix",
        );
        for (kernel, timing) in timed {
            let _ = writeln!(
                text,
                "{:width$} {:>13} {:>10} {:>7.1} {:>9} {:>5.0}% {:>5.0}% {:>5.0}% {}",
                shortened(&kernel.name, width),
                grouped(timing.cycles),
                seconds(timing.chip_seconds),
                timing.watts,
                joules(timing.joules),
                timing.roofs.dram * 100.0,
                timing.roofs.vector * 100.0,
                timing.roofs.matrix * 100.0,
                timing.limiter,
            );
        }
        if let Some(elapsed) = &self.elapsed {
            let _ = writeln!(
                text,
                "whole run: {} on the chip, kernels {}, copies {}, {}",
                seconds(elapsed.chip_seconds),
                seconds(elapsed.kernel_seconds),
                seconds(elapsed.copy_seconds),
                joules(elapsed.joules),
            );
        }
    }

    fn summary(&self) -> String {
        let mut text = String::new();
        if self.kernels.is_empty() {
            return text;
        }
        let width = self
            .kernels
            .iter()
            .map(|kernel| kernel.name.chars().count())
            .chain(["kernel".len(), "total".len()])
            .max()
            .unwrap_or(0)
            .min(NAME_WIDTH_MAX);
        let mut total = Kernel {
            name: "total".to_owned(),
            ..Kernel::default()
        };
        for kernel in &self.kernels {
            total.add(kernel);
        }
        let _ = writeln!(
            text,
            "\n{:width$} {:>9} {:>11} {:>13} {:>10} {:>10} {:>9}",
            "kernel", "launches", "warps", "instructions", "read", "written", "host time",
        );
        let rows = self.kernels.iter();
        let rows: Vec<&Kernel> = if self.kernels.len() > 1 {
            rows.chain([&total]).collect()
        } else {
            rows.collect()
        };
        for kernel in rows {
            let _ = writeln!(
                text,
                "{:width$} {:>9} {:>11} {:>13} {:>10} {:>10} {:>9}",
                shortened(&kernel.name, width),
                grouped(kernel.launches),
                grouped(kernel.warps),
                grouped(kernel.instruction_count()),
                bytes(kernel.bytes_read),
                bytes(kernel.bytes_written),
                seconds(kernel.host_seconds),
            );
        }
        text.push_str(&classes(&total));
        self.time_summary(&mut text, width);
        text
    }
}

/// Longest kernel name that a summary shows whole, in characters.
const NAME_WIDTH_MAX: usize = 40;

fn report_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory)
        .with_context(|| format!("failed to list {}", directory.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.context("failed to list the reports")?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with("report-") && name.ends_with(".json")) {
            files.push(path);
        }
    }
    // The order of a directory is the file system's; that of the report must not be.
    files.sort();
    Ok(files)
}

/// One line with the share of each class of instruction, largest first.
fn classes(total: &Kernel) -> String {
    let all = total.instruction_count();
    if all == 0 {
        return String::new();
    }
    let mut classes: Vec<_> = total
        .instructions
        .iter()
        .filter(|(_, count)| **count > 0)
        .collect();
    classes.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let shares: Vec<String> = classes
        .iter()
        .map(|(class, count)| format!("{class} {:.1} %", ratio(**count, all) * 100.0))
        .collect();
    format!("instructions: {}\n", shares.join(", "))
}

fn ratio(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    let ratio = part as f64 / whole as f64;
    ratio
}

fn shortened(name: &str, width: usize) -> String {
    if name.chars().count() <= width {
        return name.to_owned();
    }
    name.chars()
        .take(width.saturating_sub(3))
        .chain("...".chars())
        .collect()
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes with a decimal prefix and three or four digits.
fn bytes(count: u64) -> String {
    const PREFIXES: [(u64, &str); 4] = [
        (1_000_000_000_000, "TB"),
        (1_000_000_000, "GB"),
        (1_000_000, "MB"),
        (1_000, "kB"),
    ];
    for (size, unit) in PREFIXES {
        if count >= size {
            return format!("{:.1} {unit}", ratio(count, size));
        }
    }
    format!("{count} B")
}

fn joules(value: f64) -> String {
    if value < 1e-3 {
        format!("{:.1} uJ", value * 1e6)
    } else if value < 1.0 {
        format!("{:.2} mJ", value * 1e3)
    } else {
        format!("{value:.2} J")
    }
}

fn seconds(value: f64) -> String {
    if value < 1e-3 {
        format!("{:.0} us", value * 1e6)
    } else if value < 1.0 {
        format!("{:.1} ms", value * 1e3)
    } else {
        format!("{value:.2} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(kernels: &str) -> Report {
        let text =
            format!(r#"{{"chip": {{"name": "W1"}}, "kernels": [{kernels}], "launches": 9}}"#);
        serde_json::from_str(&text).unwrap()
    }

    const ADD: &str = r#"{"name": "add", "launches": 2, "ctas": 8, "warps": 64,
        "instructions": {"scalar": 100, "vector": 300}, "bytes_read": 8192,
        "bytes_written": 4096, "shared_bytes": 0, "host_seconds": 0.25}"#;
    const MUL: &str = r#"{"name": "mul", "launches": 1, "ctas": 1, "warps": 1,
        "instructions": {"matrix": 5}, "bytes_read": 0, "bytes_written": 12, "shared_bytes": 7,
        "host_seconds": 0.0}"#;

    #[test]
    fn kernels_of_one_name_are_added_up() {
        let mut merged = Report::default();
        merged.merge(report(MUL));
        merged.merge(report(&format!("{ADD}, {ADD}")));
        let names: Vec<_> = merged.kernels.iter().map(|k| k.name.as_str()).collect();
        assert_eq!(names, ["add", "mul"]);
        let add = &merged.kernels[0];
        assert_eq!((add.launches, add.warps), (4, 128));
        assert_eq!(add.instructions["vector"], 600);
        assert_eq!((add.bytes_read, add.bytes_written), (16_384, 8192));
        assert_eq!(merged.launches(), 18);
        assert_eq!(merged.chip["name"], "W1");
    }

    #[test]
    fn the_written_report_reads_back_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let written = report(&format!("{ADD}, {MUL}"));
        written
            .write(&directory.path().join("report-1.json"))
            .unwrap();
        fs::write(directory.path().join("notes.txt"), "not a report").unwrap();
        assert_eq!(Report::collect(directory.path()).unwrap(), written);
    }

    #[test]
    fn a_broken_report_is_an_error_that_names_the_file() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("report-7.json"), "{").unwrap();
        let error = Report::collect(directory.path()).unwrap_err();
        assert!(format!("{error:#}").contains("report-7.json"));
    }

    #[test]
    fn the_summary_has_a_row_for_each_kernel_and_the_sum() {
        let summary = report(&format!("{ADD}, {MUL}")).summary();
        let lines: Vec<&str> = summary.lines().collect();
        assert_eq!(lines.len(), 6, "{summary}");
        assert!(lines[2].starts_with("add ") && lines[2].contains("8.2 kB"));
        assert!(lines[4].starts_with("total ") && lines[4].contains("405"));
        assert!(lines[5].starts_with("instructions: vector 74.1 %, scalar 24.7 %"));
        assert_eq!(Report::default().summary(), "");
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_500_000), "1.5 MB");
        assert_eq!(seconds(0.000_012), "12 us");
        assert_eq!(seconds(2.5), "2.50 s");
    }
}
