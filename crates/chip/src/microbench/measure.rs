//! Running the programs and reading rates off their reports.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "counts in quotients, far below 2^53, and numbers of CTAs"
)]

use std::sync::Arc;

use weft_isa::Inst;
use weft_isa::abi::CODE_WINDOW;
use weft_isa::matrix::MatrixForm;

use super::{BenchError, programs};
use crate::chip::Chip;
use crate::chipfile::{ChipFile, LINE_BYTES};
use crate::config::ChipConfig;
use crate::launch::Launch;
use crate::mem::Access;
use crate::program::Program;
use crate::timing::TimingReport;

/// Device memory that is used.
const MEMORY_BYTES: u64 = 2 << 30;
/// Where streams write to, from the beginning of memory.
const TARGET: u64 = 1 << 30;
/// Bytes that a stream visits.
const STREAM_BYTES: u64 = 32 << 20;

/// A rate and the report that it comes from.
pub(super) struct Rate {
    /// Per second.
    pub(super) rate: f64,
    pub(super) report: TimingReport,
}

/// A chip under measurement.
pub(super) struct Bench {
    chip: Chip,
    file: Arc<ChipFile>,
    base: u64,
}

impl Bench {
    pub(super) fn new(file: Arc<ChipFile>) -> Result<Self, BenchError> {
        let mut config = ChipConfig::of(&file);
        config.memory_bytes = MEMORY_BYTES;
        config.host_threads = Some(1);
        let chip = Chip::new(config)?;
        let base = chip.memory().base();
        chip.memory()
            .map(base, MEMORY_BYTES, Access::ReadWrite)
            .map_err(|error| BenchError::Memory(error.to_string()))?;
        chip.set_timing(Some(Arc::clone(&file)))?;
        Ok(Self { chip, file, base })
    }

    fn cores(&self) -> u32 {
        self.file.cores.count.value
    }

    fn run(
        &self,
        program: &[Inst],
        ctas: u32,
        warps: u32,
        shared: u32,
    ) -> Result<TimingReport, BenchError> {
        self.run_at(program, ctas, warps, shared, self.base)
    }

    fn run_at(
        &self,
        program: &[Inst],
        ctas: u32,
        warps: u32,
        shared: u32,
        params: u64,
    ) -> Result<TimingReport, BenchError> {
        let code: Vec<u8> = program
            .iter()
            .flat_map(|inst| inst.encode().to_le_bytes())
            .collect();
        let report = self.chip.launch(&Launch {
            program: Program::at_window(&code),
            entry: CODE_WINDOW,
            grid: [ctas, 1, 1],
            block: [32 * warps, 1, 1],
            shared_static_bytes: shared,
            shared_dynamic_bytes: 0,
            local_bytes_per_lane: 0,
            stack_bytes_per_hart: 4096,
            params,
            symbols: 0,
            grid_id: 1,
        })?;
        let timing = report.timing.expect("timing is on, by Bench::new");
        Ok(*timing)
    }

    /// Operations of the matrix units in a second.
    pub(super) fn matrix(&self, form: MatrixForm) -> Result<Rate, BenchError> {
        let report = self.run(&programs::matrix(form), self.cores(), 8, 0)?;
        Ok(per_second(report.matrix_operations, report))
    }

    /// Operations of the vector units in a second.
    pub(super) fn vector(&self, program: Vec<Inst>) -> Result<Rate, BenchError> {
        let report = self.run(&program, self.cores(), 16, 0)?;
        Ok(per_second(report.vector_operations, report))
    }

    /// Bytes from and to memory in a second, of lines `stride` lines apart.
    pub(super) fn stream(
        &self,
        stride: u32,
        reads: bool,
        writes: bool,
    ) -> Result<Rate, BenchError> {
        self.chip.empty_caches();
        let log2 = stride.trailing_zeros() as u8;
        let warps = 1u64 << programs::STREAM_WARPS_LOG2;
        // Strides use as many lines less, so that memory suffices.
        let bytes = STREAM_BYTES >> log2.min(2);
        let ctas = bytes / (LINE_BYTES * programs::STREAM_LINES * warps);
        let program = programs::stream(log2, reads, writes);
        debug_assert!(ctas << (11 + 3 + u32::from(log2)) <= TARGET);
        let report = self.run(&program, ctas as u32, warps as u32, 0)?;
        Ok(per_second(
            report.dram_bytes_read + report.dram_bytes_written,
            report,
        ))
    }

    /// Bytes of sectors in a second, read at random places.
    pub(super) fn random_sectors(&self) -> Result<Rate, BenchError> {
        self.chip.empty_caches();
        let report = self.run(&programs::random_sectors(30), 8 * self.cores(), 8, 0)?;
        Ok(per_second(report.dram_bytes_read, report))
    }

    /// Bytes in a second that the second level gives.
    pub(super) fn l2_read(&self) -> Result<Rate, BenchError> {
        let warps = 1u32 << programs::STREAM_WARPS_LOG2;
        let l2 = u64::from(self.file.l2.size.value) * 1024;
        let ctas = l2 / 4 / (LINE_BYTES * programs::STREAM_LINES * u64::from(warps));
        let program = programs::stream(0, true, false);
        self.run(&program, ctas as u32, warps, 0)?;
        let report = self.run(&program, ctas as u32, warps, 0)?;
        Ok(per_second(report.l2_bytes_read, report))
    }

    /// Bytes in a second that scratchpads give.
    pub(super) fn scratchpad_read(&self) -> Result<Rate, BenchError> {
        let report = self.run(&programs::scratchpad_read(100), self.cores(), 16, 4096)?;
        Ok(per_second(report.scratchpad_bytes, report))
    }

    /// Cycles of a read of the scratchpad by lanes `stride` words apart.
    pub(super) fn scratchpad_cycles(&self, stride: u32) -> Result<f64, BenchError> {
        let cycles = |rounds| {
            let program = programs::scratchpad_stride(stride, rounds);
            self.run(&program, 1, 8, 8192).map(|report| report.cycles)
        };
        Ok((cycles(20)? - cycles(10)?) as f64 / (10 * 16 * 8) as f64)
    }

    pub(super) fn scratchpad_latency(&self) -> Result<f64, BenchError> {
        let cycles = |rounds| {
            let program = programs::scratchpad_chase(rounds);
            self.run(&program, 1, 1, 4096).map(|report| report.cycles)
        };
        // The last load of a round is waited for beyond the loop's own instructions.
        Ok((cycles(20)? - cycles(10)?) as f64 / (10 * 16) as f64)
    }

    /// Cycles of a load that waits for the one before: `lines` lines over `bytes` bytes in
    /// shuffled order.
    pub(super) fn chase(
        &self,
        bytes: u64,
        lines: u64,
        steps: usize,
        warm: bool,
    ) -> Result<f64, BenchError> {
        let mut order: Vec<u64> = (0..lines).map(|line| line * (bytes / lines)).collect();
        let mut state = 1u64;
        for i in (1..order.len()).rev() {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            order.swap(i, (state >> 33) as usize % i);
        }
        for (index, from) in order.iter().enumerate() {
            let to = self.base + order[(index + 1) % order.len()];
            self.chip
                .memory()
                .write(self.base + from, &to.to_le_bytes())
                .map_err(|error| BenchError::Memory(error.to_string()))?;
        }
        let cycles = |steps| {
            if !warm {
                self.chip.empty_caches();
            }
            self.run(&programs::chase(steps), 1, 1, 0)
                .map(|report| report.cycles)
        };
        cycles(2 * steps)?;
        Ok((cycles(2 * steps)? - cycles(steps)?) as f64 / steps as f64)
    }

    /// Atomic operations in a second.
    pub(super) fn atomics(&self, stride: i32) -> Result<Rate, BenchError> {
        let program = programs::atomics(stride);
        let report = self.run(&program, self.cores(), 8, 0)?;
        let operations = u64::from(self.cores()) * 8 * 8 * 8 * 32;
        Ok(per_second(operations, report))
    }

    pub(super) fn barrier_cycles(&self, warps: u32) -> Result<f64, BenchError> {
        let cycles = |rounds| {
            let program = programs::barriers(rounds);
            self.run(&program, 1, warps, 0).map(|report| report.cycles)
        };
        Ok((cycles(20)? - cycles(10)?) as f64 / 80.0)
    }

    /// Seconds of a kernel that does nothing.
    pub(super) fn launch_seconds(&self) -> Result<f64, BenchError> {
        Ok(self.run(&programs::nothing(), 1, 1, 0)?.seconds())
    }

    /// Most warps that were on a core at once, of CTAs of 4 warps.
    pub(super) fn resident_warps(&self, shared_kib: u32) -> Result<u32, BenchError> {
        let report = self.run(&programs::dwell(), 16 * self.cores(), 4, shared_kib * 1024)?;
        let first = report.spans.iter().filter(|span| span.core == 0);
        let begun = first.filter(|span| span.begin == 0).count();
        Ok(begun as u32 * 4)
    }
}

fn per_second(count: u64, report: TimingReport) -> Rate {
    let seconds = report.cycles as f64 / report.clock_hz;
    Rate {
        rate: count as f64 / seconds,
        report,
    }
}
