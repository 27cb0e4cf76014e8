//! The chip as a whole.

use crate::config::ChipConfig;
use crate::fault::{Fault, FaultKind};
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
}

/// A chip: memory, cores, and the host threads that run them.
#[derive(Debug)]
pub struct Chip {
    config: ChipConfig,
    memory: Memory,
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
        Ok(Self { config, memory })
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
        Err(Fault {
            kind: FaultKind::InstructionAddress,
            pc: launch.entry,
            core: 0,
            cta: [0; 3],
            warp: 0,
            lane: None,
        })
    }
}
