//! Microbenchmarks: small RISC-V programs that run on the timing model and measure it.
//!
//! What they report is what programs reach, not what the chip file says. Every program is
//! executed on the chip, and every number comes from its [`TimingReport`].

mod measure;
mod programs;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::chip::ChipError;
use crate::chipfile::ChipFile;
use crate::fault::Fault;
use measure::Bench;

/// Why a measurement did not come about: a bug of this module, or a chip that cannot run it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// There is no chip.
    #[error(transparent)]
    Chip(#[from] ChipError),
    /// A program faulted.
    #[error("a microbenchmark faulted: {0}")]
    Fault(#[from] Fault),
    /// Memory of the chip could not be used.
    #[error("a microbenchmark has no memory: {0}")]
    Memory(String),
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Measured {
    /// Name of the chip.
    pub chip: String,
    /// Matrix unit on 8-bit integers, tera-operations a second (two for a multiply-accumulate).
    pub int8_tops: f64,
    /// The same on 4-bit integers.
    pub int4_tops: f64,
    /// The same on FP8.
    pub fp8_tflops: f64,
    /// The same on FP16.
    pub fp16_tflops: f64,
    /// The same on BF16.
    pub bf16_tflops: f64,
    /// The same on TF32.
    pub tf32_tflops: f64,
    /// Vector units on FP32.
    pub fp32_tflops: f64,
    /// Vector units on packed FP16.
    pub vector_fp16_tflops: f64,
    /// Special functions, tera-operations a second.
    pub special_tops: f64,
    /// Reads of device memory by all cores, 10^9 bytes a second.
    pub dram_read_gbs: f64,
    /// Writes.
    pub dram_write_gbs: f64,
    /// Copies; reads and writes together.
    pub dram_copy_gbs: f64,
    /// Reads of lines that are so many lines apart.
    pub dram_read_gbs_by_stride_lines: BTreeMap<u32, f64>,
    /// Reads of one sector of 32 bytes at random places; bytes of sectors.
    pub dram_random_sector_gbs: f64,
    /// Reads that hit in the second level.
    pub l2_read_gbs: f64,
    /// Reads of scratchpads, all cores.
    pub scratchpad_read_gbs: f64,
    /// Cycles of a read of the scratchpad by 32 lanes that are so many words apart.
    pub scratchpad_cycles_by_stride_words: BTreeMap<u32, f64>,
    /// Load-to-use latency.
    pub scratchpad_latency_cycles: f64,
    /// Load-to-use latency of a hit in the first level.
    pub l1_latency_cycles: f64,
    /// Of a hit in the second level.
    pub l2_latency_cycles: f64,
    /// Of an access to device memory, rows closed.
    pub dram_latency_cycles: f64,
    /// Atomic additions to distinct words, 10^9 a second.
    pub atomics_distinct_gops: f64,
    /// Atomic additions to one word, 10^9 a second.
    pub atomics_same_gops: f64,
    /// Cycles of a barrier of as many warps.
    pub barrier_cycles_by_warps: BTreeMap<u32, f64>,
    /// A kernel that does nothing, in microseconds.
    pub launch_us: f64,
    /// Warps on a core at once, by KiB of shared memory of CTAs of 4 warps.
    pub resident_warps_by_shared_kib: BTreeMap<u32, u32>,
    /// Watts of the matrix units at their INT8 rate, whole chip.
    pub compute_watts: f64,
    /// Watts of streaming reads, whole chip.
    pub decode_watts: f64,
    /// INT8 operations of a joule, tera.
    pub compute_tops_per_watt: f64,
    /// Gigabytes read from memory of a joule.
    pub decode_gb_per_joule: f64,
}

/// Performance per watt over another chip.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Efficiency {
    /// Operations of a joule when bound by the matrix units.
    pub compute: f64,
    /// Bytes of a joule when bound by memory: tokens of a joule in decoding.
    pub decode: f64,
    /// Requests of a joule to a dense model of 7 billion 8-bit weights, 1,024 tokens in and 256
    /// out, one at a time.
    pub model: f64,
}

/// Operations of the prefill of [`Efficiency::model`], tera.
const PREFILL_TERA_OPERATIONS: f64 = 2.0 * 7.07e9 * 1024.0 * 1e-12;
/// Gigabytes of weights that its decoding reads.
const DECODE_GIGABYTES: f64 = 7.07 * 256.0;

impl Measured {
    /// Joules of the request of [`Efficiency::model`].
    fn request_joules(&self) -> f64 {
        PREFILL_TERA_OPERATIONS / self.compute_tops_per_watt
            + DECODE_GIGABYTES / self.decode_gb_per_joule
    }

    /// How many times more efficient it is than `other`.
    #[must_use]
    pub fn over(&self, other: &Self) -> Efficiency {
        Efficiency {
            compute: self.compute_tops_per_watt / other.compute_tops_per_watt,
            decode: self.decode_gb_per_joule / other.decode_gb_per_joule,
            model: other.request_joules() / self.request_joules(),
        }
    }
}

/// Runs all microbenchmarks on a chip.
///
/// # Errors
///
/// If the host refuses resources.
pub fn run(file: &ChipFile) -> Result<Measured, BenchError> {
    let bench = Bench::new(Arc::new(file.clone()))?;
    let int8 = bench.matrix(programs::int8())?;
    let read = bench.stream(1, true, false)?;
    let (compute, decode) = (int8.report.clone(), read.report.clone());
    let mut by_stride = BTreeMap::new();
    for stride in [1, 2, 4, 8, 16, 32] {
        by_stride.insert(stride, bench.stream(stride, true, false)?.rate / 1e9);
    }
    let mut conflicts = BTreeMap::new();
    for stride in [1, 2, 4, 8, 16, 32, 33] {
        conflicts.insert(stride, bench.scratchpad_cycles(stride)?);
    }
    let mut barriers = BTreeMap::new();
    for warps in [2, 8, 32] {
        barriers.insert(warps, bench.barrier_cycles(warps)?);
    }
    let mut resident = BTreeMap::new();
    for kibibytes in [0, 16, 32, 64] {
        resident.insert(kibibytes, bench.resident_warps(kibibytes)?);
    }
    let tera = |rate: f64| rate / 1e12;
    Ok(Measured {
        chip: file.name.clone(),
        int8_tops: tera(int8.rate),
        int4_tops: tera(bench.matrix(programs::int4())?.rate),
        fp8_tflops: tera(bench.matrix(programs::fp8())?.rate),
        fp16_tflops: tera(bench.matrix(programs::fp16())?.rate),
        bf16_tflops: tera(bench.matrix(programs::bf16())?.rate),
        tf32_tflops: tera(bench.matrix(programs::tf32())?.rate),
        fp32_tflops: tera(bench.vector(programs::multiply_add(false))?.rate),
        vector_fp16_tflops: tera(bench.vector(programs::multiply_add(true))?.rate),
        special_tops: tera(bench.vector(programs::special())?.rate),
        dram_read_gbs: read.rate / 1e9,
        dram_write_gbs: bench.stream(1, false, true)?.rate / 1e9,
        dram_copy_gbs: bench.stream(1, true, true)?.rate / 1e9,
        dram_read_gbs_by_stride_lines: by_stride,
        dram_random_sector_gbs: bench.random_sectors()?.rate / 1e9,
        l2_read_gbs: bench.l2_read()?.rate / 1e9,
        scratchpad_read_gbs: bench.scratchpad_read()?.rate / 1e9,
        scratchpad_cycles_by_stride_words: conflicts,
        scratchpad_latency_cycles: bench.scratchpad_latency()?,
        l1_latency_cycles: bench.chase(16 << 10, 128, 500, true)?,
        l2_latency_cycles: bench.chase(1 << 20, 8192, 3000, true)?,
        dram_latency_cycles: bench.chase(256 << 20, 4096, 1000, false)?,
        atomics_distinct_gops: bench.atomics(4)?.rate / 1e9,
        atomics_same_gops: bench.atomics(0)?.rate / 1e9,
        barrier_cycles_by_warps: barriers,
        launch_us: bench.launch_seconds()? * 1e6,
        resident_warps_by_shared_kib: resident,
        compute_watts: compute.watts(),
        decode_watts: decode.watts(),
        compute_tops_per_watt: compute.matrix_operations as f64 / compute.energy.total() / 1e12,
        decode_gb_per_joule: decode.dram_bytes_read as f64 / decode.energy.total() / 1e9,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bench() -> (ChipFile, Bench) {
        let file = ChipFile::w1();
        let bench = Bench::new(Arc::new(file.clone())).unwrap();
        (file, bench)
    }

    #[test]
    fn the_data_sheet_is_reached() {
        let (file, bench) = bench();
        let int8 = bench.matrix(programs::int8()).unwrap().rate;
        let share = int8 / file.int8_operations_per_second();
        assert!((0.95..=1.0).contains(&share), "INT8 {share}");
        let read = bench.stream(1, true, false).unwrap().rate;
        let share = read / file.memory_bytes_per_second();
        assert!((0.88..=0.97).contains(&share), "memory {share}");
    }

    #[test]
    fn conflicts_cost_a_cycle_each() {
        let (_, bench) = bench();
        for (stride, cycles) in [(1, 1.0), (2, 2.0), (32, 32.0), (33, 1.0)] {
            let measured = bench.scratchpad_cycles(stride).unwrap();
            assert!(
                (measured - cycles).abs() < 0.3,
                "stride {stride}: {measured}"
            );
        }
        let latency = bench.scratchpad_latency().unwrap();
        assert!((latency - 24.0).abs() < 1.0, "{latency}");
    }

    #[test]
    fn shared_memory_bounds_the_warps_of_a_core() {
        let (_, bench) = bench();
        assert_eq!(bench.resident_warps(0).unwrap(), 32);
        assert_eq!(bench.resident_warps(32).unwrap(), 16);
        assert_eq!(bench.resident_warps(64).unwrap(), 8);
    }
}
