//! The chip as a whole.

use std::fmt;
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::config::ChipConfig;
use crate::fault::{Fault, FaultKind};
use crate::grid::Grid;
use crate::launch::Launch;
use crate::mem::Memory;
use crate::report::LaunchReport;

/// Why there is no chip.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChipError {
    /// The configuration has no cores.
    #[error("a chip needs at least one core")]
    NoCores,
    /// The host refused to reserve device memory.
    #[error("failed to reserve {bytes} bytes of device memory: {source}")]
    Memory {
        /// Size asked for.
        bytes: u64,
        /// The host's reason.
        source: std::io::Error,
    },
    /// The host refused to start a thread.
    #[error("failed to start a host thread: {0}")]
    Threads(std::io::Error),
}

/// A chip: memory, cores, and the host threads that run them.
pub struct Chip {
    config: ChipConfig,
    memory: Arc<Memory>,
    grid: Mutex<Grid>,
}

impl Chip {
    /// A chip of this configuration with nothing mapped.
    ///
    /// # Errors
    ///
    /// If the configuration has no cores or the host refuses resources.
    pub fn new(config: ChipConfig) -> Result<Self, ChipError> {
        if config.cores == 0 {
            return Err(ChipError::NoCores);
        }
        let bytes = config.memory_bytes;
        let memory =
            Memory::reserve(bytes).map_err(|source| ChipError::Memory { bytes, source })?;
        let threads = config
            .host_threads
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get));
        let grid = Grid::new(config.cores, threads).map_err(ChipError::Threads)?;
        Ok(Self {
            config,
            memory: Arc::new(memory),
            grid: Mutex::new(grid),
        })
    }

    /// What the chip consists of.
    #[must_use]
    pub fn config(&self) -> &ChipConfig {
        &self.config
    }

    /// Device memory.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Runs a grid to its end. Several threads may launch at once; the launches then run one
    /// after the other.
    ///
    /// # Errors
    ///
    /// The fault that ended the launch. When several CTAs fault, the one of the smallest
    /// index among those that were reached.
    pub fn launch(&self, launch: &Launch) -> Result<LaunchReport, Fault> {
        launch.check(&self.config).map_err(|error| Fault {
            kind: FaultKind::InvalidLaunch(error),
            pc: 0,
            core: 0,
            cta: [0; 3],
            warp: 0,
            lane: None,
        })?;
        // A panic of an earlier launch is a bug, but the cores are reset by the next CTA.
        let mut grid = self.grid.lock().unwrap_or_else(PoisonError::into_inner);
        let _mapped = self.memory.pin();
        let begin = Instant::now();
        let finished = grid.run(launch, &self.memory)?;
        Ok(LaunchReport {
            ctas: finished.ctas,
            warps: finished.ctas * launch.warps_per_cta(),
            instructions: finished.counts,
            memory: finished.traffic,
            host_seconds: begin.elapsed().as_secs_f64(),
        })
    }
}

impl fmt::Debug for Chip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chip")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
