//! What a chip consists of, as far as its functional model depends on it.

use crate::chipfile::ChipFile;
use crate::engine::Engine;

/// Organisation of a chip. The default is W1.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChipConfig {
    /// Name in reports.
    pub name: String,
    /// Cores; at least 1. CTA `i` of a launch runs on core `i % cores`.
    pub cores: u32,
    /// Scratchpad of one core in bytes: the most shared memory of a CTA.
    pub shared_bytes_per_core: u32,
    /// Device memory in bytes: the size of the reserved region.
    pub memory_bytes: u64,
    /// Matrix contexts of a core: harts that have tiles (Zvt), the first ones. At most 32.
    pub matrix_contexts_per_core: u32,
    /// Core clock in hertz.
    pub clock_hz: u64,
    /// Host threads that run cores; `None`: one per host processor, at most one per core.
    pub host_threads: Option<usize>,
    /// How instructions are executed on the host. Results and counts do not depend on it.
    pub engine: Engine,
}

impl ChipConfig {
    /// The organisation of the chip of a file.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a checked file has at most 10 GHz"
    )]
    pub fn of(file: &ChipFile) -> Self {
        Self {
            name: file.name.clone(),
            cores: file.cores.count.value,
            shared_bytes_per_core: file.scratchpad.size.value << 10,
            memory_bytes: u64::from(file.memory.capacity.value) << 30,
            matrix_contexts_per_core: file.cores.matrix_contexts.value,
            clock_hz: file.clock_hz().round() as u64,
            host_threads: None,
            engine: Engine::best(),
        }
    }
}

impl Default for ChipConfig {
    fn default() -> Self {
        Self {
            name: "W1".to_owned(),
            cores: 16,
            shared_bytes_per_core: 128 << 10,
            memory_bytes: 64 << 30,
            matrix_contexts_per_core: 4,
            clock_hz: 1_465_000_000,
            host_threads: None,
            engine: Engine::best(),
        }
    }
}
