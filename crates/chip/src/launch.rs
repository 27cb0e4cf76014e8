//! One launch: which code, over which grid, with which memory.

use weft_isa::abi::{CODE_WINDOW, HARTS_PER_CORE, LANES, LOCAL_LANE_STRIDE, STACK_WINDOW};

use crate::config::ChipConfig;
use crate::program::Program;

/// A launch of a kernel over a grid of CTAs.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The code.
    pub program: Program,
    /// Address of the first instruction, in the code window.
    pub entry: u64,
    /// CTAs in x, y and z; each at least 1.
    pub grid: [u32; 3],
    /// Threads of a CTA in x, y and z; each at least 1, at most 1,024 together.
    pub block: [u32; 3],
    /// Statically declared shared memory in bytes.
    pub shared_static_bytes: u32,
    /// Dynamic shared memory in bytes, after the static part.
    pub shared_dynamic_bytes: u32,
    /// Local memory of one lane in bytes.
    pub local_bytes_per_lane: u32,
    /// Stack of one hart in bytes, a multiple of 16.
    pub stack_bytes_per_hart: u32,
    /// Generic address of the kernel parameter block (`a0`).
    pub params: u64,
    /// Generic address of the symbol table (`a1`).
    pub symbols: u64,
    /// `%gridid`.
    pub grid_id: u64,
}

/// Why a chip cannot run a launch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// An axis of the grid or the block is 0.
    #[error("an axis of the grid or the block is 0")]
    Empty,
    /// More CTAs than 2^62.
    #[error("grid has too many CTAs")]
    GridTooLarge,
    /// More threads than a core has lanes.
    #[error("block of {threads} threads; a core has {limit}")]
    BlockTooLarge {
        /// Threads asked for.
        threads: u64,
        /// Threads of a core.
        limit: u64,
    },
    /// More shared memory than the scratchpad.
    #[error("{bytes} bytes of shared memory; a core has {limit}")]
    SharedTooLarge {
        /// Bytes asked for.
        bytes: u64,
        /// Scratchpad in bytes.
        limit: u64,
    },
    /// More local memory than a lane's part of the window.
    #[error("{bytes} bytes of local memory per lane; the window has {limit}")]
    LocalTooLarge {
        /// Bytes asked for.
        bytes: u64,
        /// The window in bytes.
        limit: u64,
    },
    /// A stack whose size is not a multiple of 16.
    #[error("stack of {0} bytes is not a multiple of 16")]
    StackUnaligned(u32),
    /// The entry is not an instruction of the program.
    #[error("entry {0:#x} is outside the program")]
    Entry(u64),
}

impl Launch {
    /// Threads of a CTA.
    #[must_use]
    pub fn threads_per_cta(&self) -> u64 {
        self.block
            .iter()
            .map(|&n| u64::from(n))
            .fold(1, u64::saturating_mul)
    }

    /// Warps of a CTA.
    #[must_use]
    pub fn warps_per_cta(&self) -> u64 {
        self.threads_per_cta().div_ceil(LANES as u64)
    }

    /// CTAs of the grid.
    #[must_use]
    pub fn ctas(&self) -> u64 {
        self.grid
            .iter()
            .map(|&n| u64::from(n))
            .fold(1, u64::saturating_mul)
    }

    /// Static plus dynamic shared memory in bytes.
    #[must_use]
    pub fn shared_bytes(&self) -> u64 {
        u64::from(self.shared_static_bytes) + u64::from(self.shared_dynamic_bytes)
    }

    /// Whether the chip can run this launch.
    ///
    /// # Errors
    ///
    /// The first limit that it exceeds.
    pub fn check(&self, config: &ChipConfig) -> Result<(), LaunchError> {
        const { assert!(STACK_WINDOW < CODE_WINDOW) };
        if self.grid.contains(&0) || self.block.contains(&0) {
            return Err(LaunchError::Empty);
        }
        if self.ctas() >= 1 << 62 {
            return Err(LaunchError::GridTooLarge);
        }
        let threads = self.threads_per_cta();
        let limit = (HARTS_PER_CORE * LANES) as u64;
        if threads > limit {
            return Err(LaunchError::BlockTooLarge { threads, limit });
        }
        let bytes = self.shared_bytes();
        let limit = u64::from(config.shared_bytes_per_core);
        if bytes > limit {
            return Err(LaunchError::SharedTooLarge { bytes, limit });
        }
        let bytes = u64::from(self.local_bytes_per_lane);
        if bytes > LOCAL_LANE_STRIDE {
            return Err(LaunchError::LocalTooLarge {
                bytes,
                limit: LOCAL_LANE_STRIDE,
            });
        }
        if !self.stack_bytes_per_hart.is_multiple_of(16) {
            return Err(LaunchError::StackUnaligned(self.stack_bytes_per_hart));
        }
        if !self.program.contains(self.entry) {
            return Err(LaunchError::Entry(self.entry));
        }
        Ok(())
    }
}
