//! Memory devices on the timing model, against what their standards allow.

use serde::Serialize;
use weft_chip::ChipFile;
use weft_chip::microbench::Measured;

/// What a kind of memory reaches.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Device {
    /// Name of its chip file.
    pub(super) chip: String,
    /// Its kind.
    pub(super) memory: String,
    /// Peak, GB/s.
    pub(super) peak_gbs: f64,
    /// Share of the peak that streaming reads reach.
    pub(super) stream: f64,
    /// Share that copies reach, both ways together.
    pub(super) copy: f64,
    /// Share of time that refreshes leave: no stream can reach more.
    pub(super) refresh_cap: f64,
    /// Share that random sectors of 32 bytes reach.
    pub(super) random: f64,
    /// Share that four activates in a window of tFAW, and one in tRRD, allow them.
    pub(super) activate_cap: f64,
    /// Load-to-use latency of an access to a closed row, ns.
    pub(super) latency_ns: f64,
}

impl Device {
    /// Of a chip file and its microbenchmarks.
    pub(super) fn of(file: &ChipFile, measured: &Measured) -> Self {
        let (memory, timing) = (&file.memory, &file.memory_timing);
        let peak_gbs = file.memory_bytes_per_second() / 1e9;
        let between_ns = (timing.faw.value / 4.0).max(timing.rrd.value);
        let random_gbs = f64::from(memory.channels.value) * 32.0 / between_ns;
        // One bank at a time hides behind the others.
        let refresh_cap = if timing.refresh_banks.value == 1 {
            1.0
        } else {
            1.0 - timing.rfc.value / timing.refi.value
        };
        Self {
            chip: file.name.clone(),
            memory: file.memory_type.clone(),
            peak_gbs,
            stream: measured.dram_read_gbs / peak_gbs,
            copy: measured.dram_copy_gbs / peak_gbs,
            refresh_cap,
            random: measured.dram_random_sector_gbs / peak_gbs,
            activate_cap: (random_gbs / peak_gbs).min(refresh_cap),
            latency_ns: measured.dram_latency_cycles / file.clock_hz() * 1e9,
        }
    }
}
