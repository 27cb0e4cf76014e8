//! What a device is made with. Parsed at the edge (environment, command line), passed down.

use std::path::PathBuf;
use weft_chip::ChipConfig;

/// Configuration of a [`crate::Device`].
#[derive(Clone, Debug)]
pub struct Config {
    /// The chip.
    pub chip: ChipConfig,
    /// Compute capability that the device reports: programs choose their code path by it.
    pub compute_capability: (u32, u32),
    /// Where compiled kernels are kept between runs; `None`: nowhere.
    pub cache: Option<CacheConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            chip: ChipConfig::default(),
            compute_capability: (8, 9),
            cache: None,
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
