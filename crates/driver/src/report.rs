//! What the chip executed, for people and tools.

use crate::config::Config;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use weft_chip::LaunchReport;

/// All launches of a process.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The chip.
    pub chip: ChipSummary,
    /// By kernel, in order of name.
    pub kernels: Vec<KernelReport>,
    /// Launches begun, including those that faulted.
    pub launches: u64,
}

/// The chip's configuration, as far as results depend on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChipSummary {
    /// Name of the configuration.
    pub name: String,
    /// Number of cores.
    pub cores: u32,
    /// Clock in Hz.
    pub clock_hz: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
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
    /// Time the host spent executing. Not time of the modelled chip.
    pub host_seconds: f64,
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
                compute_capability: format!("{major}.{minor}"),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            kernels: Vec::new(),
            launches: 0,
        }
    }

    /// Serial number of a launch that begins.
    pub(crate) fn begin_launch(&mut self) -> u64 {
        self.launches += 1;
        self.launches
    }

    pub(crate) fn add(&mut self, name: &str, launch: &LaunchReport) {
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
