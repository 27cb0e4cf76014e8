//! What the chip executed, for people and tools.

use crate::config::Config;
use crate::timeline::Elapsed;
use crate::timing::KernelTiming;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use weft_chip::{ChipFile, LaunchReport};

/// All launches of a process.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The chip.
    pub chip: ChipSummary,
    /// By kernel, in order of name.
    pub kernels: Vec<KernelReport>,
    /// Launches begun, including those that faulted.
    pub launches: u64,
    /// Modelled time of the whole run, if it was timed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed: Option<Elapsed>,
}

/// The chip's configuration, as far as results depend on it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChipSummary {
    /// Name of the configuration.
    pub name: String,
    /// Number of cores.
    pub cores: u32,
    /// Clock in Hz.
    pub clock_hz: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Peaks of the timing model, if launches are timed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peaks: Option<Peaks>,
    /// Compute capability reported, as "8.9".
    pub compute_capability: String,
    /// Version of Weft.
    pub version: String,
}

/// All completed launches of one kernel.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct KernelReport {
    /// PTX name.
    pub name: String,
    /// Launches that ran to their end.
    pub launches: u64,
    /// CTAs executed.
    pub ctas: u64,
    /// Warps executed.
    pub warps: u64,
    /// Retired instructions by class; each counts once for a whole warp.
    pub instructions: BTreeMap<&'static str, u64>,
    /// Bytes read from global memory by active lanes.
    pub bytes_read: u64,
    /// Bytes written to global memory by active lanes.
    pub bytes_written: u64,
    /// Bytes read and written in shared memory by active lanes.
    pub shared_bytes: u64,
    /// Modelled time and energy, if launches were timed.
    #[serde(flatten)]
    pub timing: Option<KernelTiming>,
    /// Time the host spent executing. Not time of the modelled chip.
    pub host_seconds: f64,
}

/// What a chip does at most, by its chip file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Peaks {
    /// Operations of matrix units on 8-bit integers in a second.
    pub int8_operations_per_second: f64,
    /// The same on FP16.
    pub fp16_operations_per_second: f64,
    /// Operations of vector units on FP32 in a second, two for a multiply-add.
    pub fp32_operations_per_second: f64,
    /// Bytes from and to memory devices in a second.
    pub memory_bytes_per_second: f64,
}

impl Peaks {
    fn of(chip: &ChipFile) -> Self {
        let core_cycles = f64::from(chip.cores.count.value) * chip.clock_hz();
        Self {
            int8_operations_per_second: chip.int8_operations_per_second(),
            fp16_operations_per_second: 2.0 * f64::from(chip.matrix.fp16.value) * core_cycles,
            fp32_operations_per_second: 2.0 * f64::from(chip.vector.lanes.value) * core_cycles,
            memory_bytes_per_second: chip.memory_bytes_per_second(),
        }
    }
}

impl Report {
    pub(crate) fn new(config: &Config) -> Self {
        let (major, minor) = config.compute_capability;
        Self {
            chip: ChipSummary {
                name: config.chip.name.clone(),
                cores: config.chip.cores,
                clock_hz: config.chip.clock_hz,
                memory_bytes: config.chip.memory_bytes,
                peaks: config.timing.as_deref().map(Peaks::of),
                compute_capability: format!("{major}.{minor}"),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            kernels: Vec::new(),
            launches: 0,
            elapsed: None,
        }
    }

    /// Serial number of a launch that begins.
    pub(crate) fn begin_launch(&mut self) -> u64 {
        self.launches += 1;
        self.launches
    }

    pub(crate) fn add(&mut self, name: &str, launch: &LaunchReport, timing: Option<KernelTiming>) {
        let found = self
            .kernels
            .binary_search_by(|kernel| kernel.name.as_str().cmp(name));
        let index = found.unwrap_or_else(|index| {
            let kernel = KernelReport {
                name: name.to_owned(),
                ..KernelReport::default()
            };
            self.kernels.insert(index, kernel);
            index
        });
        let kernel = &mut self.kernels[index];
        kernel.launches += 1;
        kernel.ctas += launch.ctas;
        kernel.warps += launch.warps;
        for (class, count) in launch.instructions.iter() {
            if count != 0 {
                *kernel.instructions.entry(class.name()).or_default() += count;
            }
        }
        let memory = &launch.memory;
        kernel.bytes_read += memory.global.bytes_read;
        kernel.bytes_written += memory.global.bytes_written;
        kernel.shared_bytes += memory.shared.bytes_read + memory.shared.bytes_written;
        kernel.host_seconds += launch.host_seconds;
        if let Some(timing) = timing {
            kernel.timing.get_or_insert_default().add(&timing);
        }
    }

    /// Writes the report as JSON.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        std::fs::write(path, text)
    }
}
