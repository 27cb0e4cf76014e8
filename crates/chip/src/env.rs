//! What the harts of a core share while a CTA runs.

use std::sync::Arc;

use crate::exec::access::Recent;
use crate::exec::reuse::SLOTS;
use crate::exec::spread::Spread;
use crate::mem::{Intervals, Memory};
use crate::report::MemoryTraffic;

/// The surroundings of a hart: memory, launch constants and counters.
pub(crate) struct Env {
    /// Where intervals mapped since the snapshot are found; none for bare programs.
    pub(crate) memory: Option<Arc<Memory>>,
    /// Accessible intervals, as they were when last looked up.
    pub(crate) intervals: Arc<Intervals>,
    /// Ranges that accesses hit lately.
    pub(crate) recent: Recent,
    /// What the addresses of indexed accesses have in common.
    pub(crate) spreads: [Spread; SLOTS],
    /// Scratchpad of the core.
    pub(crate) shared: *mut u8,
    /// Bytes of it that the launch uses.
    pub(crate) shared_bytes: u64,
    /// Bytes moved.
    pub(crate) traffic: MemoryTraffic,
    /// Constants of the launch and the CTA.
    pub(crate) constants: Constants,
    /// The program reads accrued exceptions, so every operation must raise them.
    pub(crate) tracks_flags: bool,
    /// Loads and stores need no alignment; atomics always do.
    pub(crate) misaligned: bool,
    /// Bare programs have machine-mode CSRs and no special registers.
    pub(crate) bare: bool,
}

impl Env {
    /// Makes other intervals accessible.
    pub(crate) fn set_intervals(&mut self, intervals: &Arc<Intervals>) {
        self.intervals = Arc::clone(intervals);
        self.recent = Recent::default();
    }
}

/// What the special registers of a hart show, apart from those of the warp.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Constants {
    pub(crate) warps: u32,
    pub(crate) cta: [u32; 3],
    pub(crate) block: [u32; 3],
    pub(crate) grid: [u32; 3],
    pub(crate) core: u32,
    pub(crate) cores: u32,
    pub(crate) grid_id: u64,
    pub(crate) shared_dynamic_bytes: u32,
    pub(crate) shared_bytes: u32,
    /// Harts of a core that have tiles.
    pub(crate) matrix_contexts: u32,
}
