//! What must hold between the entries of a chip file.

use super::entry::Problem;
use super::{ChipFile, LINE_BYTES, SECTOR_BYTES};

/// How far the numbers of a data sheet may be from what the others give.
const DATA_SHEET_TOLERANCE: f64 = 0.01;

impl ChipFile {
    /// Everything that is wrong with the values.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.cores.check(&mut problems);
        self.latency.check(&mut problems);
        self.vector.check(&mut problems);
        self.matrix.check(&mut problems);
        self.scratchpad.check(&mut problems);
        self.l1.check(&mut problems);
        self.l2.check(&mut problems);
        self.network.check(&mut problems);
        self.memory.check(&mut problems);
        self.memory_timing.check(&mut problems);
        self.host.check(&mut problems);
        self.energy.check(&mut problems);
        self.static_power.check(&mut problems);
        if self.name.trim().is_empty() {
            problems.push(Problem::new("name", "is empty"));
        }
        // The rest divides by these values.
        if problems.is_empty() {
            self.check_data_sheet(&mut problems);
            self.check_caches(&mut problems);
            self.check_paths(&mut problems);
            self.check_memory(&mut problems);
        }
        problems
    }

    fn check_data_sheet(&self, problems: &mut Vec<Problem>) {
        let stated = self.matrix.peak_int8.value;
        let derived = self.int8_operations_per_second() / 1e12;
        if (stated / derived - 1.0).abs() > DATA_SHEET_TOLERANCE {
            problems.push(Problem::new(
                "matrix.peak_int8",
                format!(
                    "{stated} TOPS, but cores.count, cores.clock and matrix.int8 give {derived:.3}"
                ),
            ));
        }
        let stated = self.memory.bandwidth.value;
        let derived = self.memory_bytes_per_second() / 1e9;
        if (stated / derived - 1.0).abs() > DATA_SHEET_TOLERANCE {
            problems.push(Problem::new(
                "memory.bandwidth",
                format!("{stated} GB/s, but memory.channels, channel_width and data_rate give {derived:.3}"),
            ));
        }
    }

    fn check_caches(&self, problems: &mut Vec<Problem>) {
        let caches = [
            ("l1.size", self.l1.size.value, self.l1.ways.value, 1),
            (
                "l2.size",
                self.l2.size.value,
                self.l2.ways.value,
                self.l2.slices.value,
            ),
        ];
        for (key, size, ways, slices) in caches {
            let set = LINE_BYTES * u64::from(ways) * u64::from(slices);
            if !(u64::from(size) * 1024).is_multiple_of(set) {
                problems.push(Problem::new(
                    key,
                    format!(
                        "{size} KiB are no whole number of sets of {ways} lines in {slices} slices"
                    ),
                ));
            }
        }
        if !self.scratchpad.banks.value.is_power_of_two() {
            problems.push(Problem::new("scratchpad.banks", "must be a power of two"));
        }
        if self.l1.latency.value >= self.l2.latency.value {
            problems.push(Problem::new("l1.latency", "must be below l2.latency"));
        }
        if 2 * self.network.latency.value >= self.l2.latency.value {
            problems.push(Problem::new(
                "network.latency",
                "there and back must take less than l2.latency, of which it is a part",
            ));
        }
    }

    /// What carries the bandwidth of memory to the cores must be able to.
    fn check_paths(&self, problems: &mut Vec<Problem>) {
        let memory = self.memory_bytes_per_second();
        let paths = [
            (
                "l2.slice_width",
                self.l2.slice_width.value,
                self.l2.slices.value,
            ),
            (
                "network.core_width",
                self.network.core_width.value,
                self.cores.count.value,
            ),
        ];
        for (key, width, count) in paths {
            let carried = f64::from(width) * f64::from(count) * self.clock_hz();
            if carried < memory {
                problems.push(Problem::new(
                    key,
                    format!(
                        "{count} x {width} B/cycle at {} MHz carry {:.0} GB/s, less than the {:.0} GB/s of memory",
                        self.cores.clock.value,
                        carried / 1e9,
                        memory / 1e9
                    ),
                ));
            }
        }
    }

    fn check_memory(&self, problems: &mut Vec<Problem>) {
        let memory = &self.memory;
        let burst = u64::from(memory.channel_width.value) * u64::from(memory.burst.value) / 8;
        if burst != SECTOR_BYTES {
            problems.push(Problem::new(
                "memory.burst",
                format!("a burst is {burst} B; it must be a sector of {SECTOR_BYTES} B"),
            ));
        }
        if !u64::from(memory.page.value).is_multiple_of(LINE_BYTES) {
            problems.push(Problem::new(
                "memory.page",
                format!("must hold whole lines of {LINE_BYTES} B"),
            ));
        }
        let banks = memory.bank_groups.value * memory.banks.value;
        let timing = &self.memory_timing;
        let refreshed = timing.refresh_banks.value;
        if refreshed != 1 && refreshed != banks {
            problems.push(Problem::new(
                "memory_timing.refresh_banks",
                format!("is {refreshed}, must be 1 or all {banks} of a channel"),
            ));
        }
        if timing.rfc.value >= timing.refi.value {
            problems.push(Problem::new(
                "memory_timing.rfc",
                "a refresh takes as long as the time between two: none is left for accesses",
            ));
        }
        if timing.ras.value < timing.rcd_read.value {
            problems.push(Problem::new(
                "memory_timing.ras",
                "a row must stay open for rcd_read at least",
            ));
        }
        if timing.faw.value < timing.rrd.value {
            problems.push(Problem::new(
                "memory_timing.faw",
                "is below rrd, which bounds one activate",
            ));
        }
        let transfer_ns = f64::from(memory.burst.value) / memory.data_rate.value * 1e3;
        if timing.ccd_long.value < transfer_ns * 0.99 {
            problems.push(Problem::new(
                "memory_timing.ccd_long",
                format!("is below the {transfer_ns:.3} ns that a burst takes on the bus"),
            ));
        }
    }
}
