//! What the timing model said of the launches of a kernel, added up.
#![expect(
    clippy::cast_precision_loss,
    reason = "cycles as weights of means, far below 2^53"
)]

use crate::kernel::Code;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use weft_chip::TimingReport;
use weft_chip::timing::{Energy, HotSpot, Limiter, Roofs, Stall};

/// Most source lines kept of a kernel.
const LINES_MAX: usize = 24;

/// Modelled time and energy of all timed launches of a kernel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KernelTiming {
    /// Launches that were timed.
    pub timed_launches: u64,
    /// Cycles from the first CTA to the last effect.
    pub cycles: u64,
    /// Time on the chip, launch overhead included.
    pub chip_seconds: f64,
    /// Part of it that passes before the first CTA.
    pub launch_seconds: f64,
    /// Energy.
    pub joules: f64,
    /// Mean power.
    pub watts: f64,
    /// What it is bound by: a roof, `latency:REASON`, `launch` or `occupancy`.
    pub limiter: String,
    /// Share of each roof that was used, mean over cycles.
    pub roofs: Roofs,
    /// Share of harts that had a CTA, mean over cycles.
    pub occupancy: f64,
    /// Joules by part of the chip.
    pub energy: Energy,
    /// Hart-cycles by what they were spent on.
    pub stalls: BTreeMap<String, u64>,
    /// Warp instructions in a cycle of a core.
    pub instructions_per_cycle: f64,
    /// Operations on data by vector units, two for a multiply-add.
    pub vector_operations: u64,
    /// Operations of matrix units, two for a multiply-accumulate.
    pub matrix_operations: u64,
    /// Bytes read from memory devices.
    pub dram_bytes_read: u64,
    /// Bytes written to memory devices.
    pub dram_bytes_written: u64,
    /// Bytes between cores and the second-level cache.
    pub l2_bytes: u64,
    /// Bytes of reads that missed in it.
    pub l2_bytes_missed: u64,
    /// Bytes read through first-level caches.
    pub l1_bytes: u64,
    /// Bytes of these that missed.
    pub l1_bytes_missed: u64,
    /// Cycles that scratchpads were busy, all cores together.
    pub scratchpad_passes: u64,
    /// Cycles of these that bank conflicts added.
    pub scratchpad_conflicts: u64,
    /// Bytes moved in scratchpads.
    pub scratchpad_bytes: u64,
    /// Source lines by hart-cycles, the most first.
    pub lines: Vec<LineTiming>,
}

/// What a source line cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineTiming {
    /// Line of the PTX, 0 if unknown.
    pub ptx_line: u32,
    /// Source file, if the PTX names one.
    pub file: Option<String>,
    /// Line of it, 0 if unknown.
    pub line: u32,
    /// Warp instructions issued.
    pub issued: u64,
    /// Hart-cycles spent waiting to issue them.
    pub stalled: u64,
}

impl LineTiming {
    fn place(&self) -> (Option<&str>, u32, u32) {
        (self.file.as_deref(), self.line, self.ptx_line)
    }
}

impl KernelTiming {
    /// What the model says of one launch of `kernel`.
    pub(crate) fn of_launch(code: &Code, report: &TimingReport, cores: u32) -> Self {
        let stalls = Stall::ALL.iter().zip(report.stalls);
        Self {
            timed_launches: 1,
            cycles: report.cycles,
            chip_seconds: report.seconds(),
            launch_seconds: report.launch_seconds,
            joules: report.energy.total(),
            watts: report.watts(),
            limiter: report.limiter.name(),
            roofs: report.roofs,
            occupancy: report.occupancy(),
            energy: report.energy,
            stalls: stalls
                .filter(|(_, cycles)| *cycles > 0)
                .map(|(stall, cycles)| (stall.name().to_owned(), cycles))
                .collect(),
            instructions_per_cycle: quotient(report.issued, report.cycles * u64::from(cores)),
            vector_operations: report.vector_operations,
            matrix_operations: report.matrix_operations,
            dram_bytes_read: report.dram_bytes_read,
            dram_bytes_written: report.dram_bytes_written,
            l2_bytes: report.l2_bytes_read + report.l2_bytes_written,
            l2_bytes_missed: report.l2_bytes_missed,
            l1_bytes: report.l1_bytes,
            l1_bytes_missed: report.l1_bytes_missed,
            scratchpad_passes: report.scratchpad_passes,
            scratchpad_conflicts: report.scratchpad_conflicts,
            scratchpad_bytes: report.scratchpad_bytes,
            lines: lines(code, &report.hot_spots),
        }
    }

    /// Adds other launches of the kernel.
    pub fn add(&mut self, other: &Self) {
        let (mine, theirs) = (self.cycles as f64, other.cycles as f64);
        let mean = |a: f64, b: f64| {
            let whole = mine + theirs;
            if whole > 0.0 {
                (a * mine + b * theirs) / whole
            } else {
                0.0
            }
        };
        let (a, b) = (&self.roofs, &other.roofs);
        self.roofs = Roofs {
            dram: mean(a.dram, b.dram),
            l2: mean(a.l2, b.l2),
            memory_unit: mean(a.memory_unit, b.memory_unit),
            scratchpad: mean(a.scratchpad, b.scratchpad),
            vector: mean(a.vector, b.vector),
            special: mean(a.special, b.special),
            matrix: mean(a.matrix, b.matrix),
            scalar: mean(a.scalar, b.scalar),
        };
        self.occupancy = mean(self.occupancy, other.occupancy);
        self.instructions_per_cycle =
            mean(self.instructions_per_cycle, other.instructions_per_cycle);
        self.timed_launches += other.timed_launches;
        self.cycles += other.cycles;
        self.chip_seconds += other.chip_seconds;
        self.launch_seconds += other.launch_seconds;
        self.joules += other.joules;
        self.watts = if self.chip_seconds > 0.0 {
            self.joules / self.chip_seconds
        } else {
            0.0
        };
        self.energy += other.energy;
        for (reason, cycles) in &other.stalls {
            *self.stalls.entry(reason.clone()).or_default() += cycles;
        }
        self.vector_operations += other.vector_operations;
        self.matrix_operations += other.matrix_operations;
        self.dram_bytes_read += other.dram_bytes_read;
        self.dram_bytes_written += other.dram_bytes_written;
        self.l2_bytes += other.l2_bytes;
        self.l2_bytes_missed += other.l2_bytes_missed;
        self.l1_bytes += other.l1_bytes;
        self.l1_bytes_missed += other.l1_bytes_missed;
        self.scratchpad_passes += other.scratchpad_passes;
        self.scratchpad_conflicts += other.scratchpad_conflicts;
        self.scratchpad_bytes += other.scratchpad_bytes;
        self.lines.extend(other.lines.iter().cloned());
        merge_lines(&mut self.lines);
        let stalls = Stall::ALL.map(|stall| self.stalls.get(stall.name()).copied().unwrap_or(0));
        let launch_share = if self.chip_seconds > 0.0 {
            self.launch_seconds / self.chip_seconds
        } else {
            0.0
        };
        self.limiter = Limiter::of(launch_share, &self.roofs, &stalls, self.occupancy).name();
    }
}

fn quotient(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// Source lines of the hottest instructions.
fn lines(code: &Code, spots: &[HotSpot]) -> Vec<LineTiming> {
    let mut lines: Vec<LineTiming> = Vec::new();
    for spot in spots {
        let offset = spot.pc.wrapping_sub(code.program.base());
        let location = code.image.location_at(offset);
        let file = location.and_then(|location| {
            let files = &code.image.files;
            files
                .iter()
                .find(|file| location.line != 0 && file.0 == location.file)
        });
        lines.push(LineTiming {
            ptx_line: location.map_or(0, |location| location.ptx_line),
            file: file.map(|(_, name)| name.clone()),
            line: location.map_or(0, |location| location.line),
            issued: spot.issued,
            stalled: spot.stalled,
        });
    }
    merge_lines(&mut lines);
    lines
}

/// Adds up equal lines, sorts by cost, and keeps the most costly.
fn merge_lines(lines: &mut Vec<LineTiming>) {
    lines.sort_by(|a, b| a.place().cmp(&b.place()));
    lines.dedup_by(|next, kept| {
        let same = next.place() == kept.place();
        if same {
            kept.issued += next.issued;
            kept.stalled += next.stalled;
        }
        same
    });
    lines.sort_by_key(|line| std::cmp::Reverse(line.issued + line.stalled));
    lines.truncate(LINES_MAX);
}
