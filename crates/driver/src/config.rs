//! What a device is made with. Parsed at the edge (environment, command line), passed down.

use crate::environment::{Console, StandardStreams};
use std::path::PathBuf;
use std::sync::Arc;
use weft_chip::{ChipConfig, ChipFile};

/// Configuration of a [`crate::Device`].
#[derive(Clone, Debug)]
pub struct Config {
    /// The chip.
    pub chip: ChipConfig,
    /// Compute capability that the device reports: programs choose their code path by it.
    pub compute_capability: (u32, u32),
    /// Chip file of the timing model, if launches are to be timed from the beginning.
    pub timing: Option<Arc<ChipFile>>,
    /// Where compiled kernels are kept between runs; `None`: nowhere.
    pub cache: Option<CacheConfig>,
    /// Where the output of kernels goes.
    pub console: Arc<dyn Console>,
}

impl Config {
    /// The chip of a file; with `timing`, launches are timed on it.
    #[must_use]
    pub fn of_chip(file: ChipFile, timing: bool) -> Self {
        Self {
            chip: ChipConfig::of(&file),
            timing: timing.then(|| Arc::new(file)),
            ..Self::default()
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            chip: ChipConfig::default(),
            compute_capability: (8, 9),
            timing: None,
            cache: None,
            console: Arc::new(StandardStreams),
        }
    }
}

/// The compile cache on disk.
#[derive(Clone, Debug)]
pub struct CacheConfig {
    /// Folder of the entries; made when missing.
    pub directory: PathBuf,
    /// When entries take more than this many bytes, the oldest are deleted.
    pub max_bytes: u64,
}
