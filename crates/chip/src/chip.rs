//! The chip as a whole.

use std::fmt;
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::chipfile::ChipFile;
use crate::config::ChipConfig;
use crate::environment::Environment;
use crate::fault::{Fault, FaultKind};
use crate::grid::Grid;
use crate::launch::Launch;
use crate::mem::Memory;
use crate::report::LaunchReport;
use crate::timing::TimingModel;

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
    /// A chip file for the timing model is of a chip with other cores, scratchpads or
    /// matrix contexts.
    #[error("the chip file {0} describes a chip of another organisation")]
    OtherChip(String),
    /// The host refused to start a thread.
    #[error("failed to start a host thread: {0}")]
    Threads(std::io::Error),
}

/// A chip: memory, cores, and the host threads that run them.
pub struct Chip {
    config: ChipConfig,
    memory: Arc<Memory>,
    grid: Mutex<Grid>,
    timing: Mutex<Option<TimingModel>>,
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
        let contexts = config.matrix_contexts_per_core;
        let grid = Grid::new(config.cores, contexts, threads, config.engine)
            .map_err(ChipError::Threads)?;
        Ok(Self {
            config,
            memory: Arc::new(memory),
            grid: Mutex::new(grid),
            timing: Mutex::default(),
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

    /// Switches the timing model on, for the launches from now on, or off. The model of a chip
    /// begins with empty caches.
    ///
    /// # Errors
    ///
    /// [`ChipError::OtherChip`] if the file describes a chip of another organisation than this
    /// one, whose results could differ.
    pub fn set_timing(&self, file: Option<Arc<ChipFile>>) -> Result<(), ChipError> {
        if let Some(file) = &file {
            let described = ChipConfig::of(file);
            if described.cores != self.config.cores
                || described.shared_bytes_per_core != self.config.shared_bytes_per_core
                || described.matrix_contexts_per_core != self.config.matrix_contexts_per_core
            {
                return Err(ChipError::OtherChip(file.name.clone()));
            }
        }
        *self.timing_model() = file.map(TimingModel::new);
        Ok(())
    }

    /// Empties the caches of the timing model, if it is on.
    pub fn empty_caches(&self) {
        if let Some(model) = &mut *self.timing_model() {
            model.empty_caches();
        }
    }

    fn timing_model(&self) -> MutexGuard<'_, Option<TimingModel>> {
        // A panic of an earlier launch is a bug, but every launch begins anew.
        self.timing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a grid to its end. Several threads may launch at once; the launches then run one
    /// after the other.
    ///
    /// # Errors
    ///
    /// The fault that ended the launch. When several CTAs fault, that of the first in grid order,
    /// for any number of host threads, if it executes fewer than 2^24 instructions. With the timing
    /// model it is the first in modelled time.
    pub fn launch(&self, launch: &Launch) -> Result<LaunchReport, Fault> {
        self.launch_in(launch, None)
    }

    /// Runs a grid as [`Self::launch`] does, with an environment that serves its `ecall`s.
    ///
    /// # Errors
    ///
    /// As [`Self::launch`]; without an environment, an `ecall` is a fault.
    pub fn launch_in(
        &self,
        launch: &Launch,
        environment: Option<&Arc<dyn Environment>>,
    ) -> Result<LaunchReport, Fault> {
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
        let (finished, timing) = match &mut *self.timing_model() {
            Some(model) => {
                let (finished, timing) = model.run(launch, &self.memory, environment)?;
                (finished, Some(Box::new(timing)))
            }
            None => (grid.run(launch, &self.memory, environment)?, None),
        };
        Ok(LaunchReport {
            ctas: finished.ctas,
            warps: finished.ctas * launch.warps_per_cta(),
            instructions: finished.counts,
            memory: finished.traffic,
            timing,
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
