//! Which of the CTAs that faulted is reported: the first in grid order.
//!
//! A fault ends the launch, but not at once: CTAs that come before it in the grid go on, because
//! one of them may fault as well, and then that is the fault of the launch however fast host
//! threads are. They may also wait for a CTA that will not come any more, so each of them has only
//! so many instructions: those of [`PATIENCE`], counted from its own beginning.

use std::sync::atomic::{AtomicU64, Ordering};

/// Instructions that a CTA may execute in all, by all its warps, when a later one has faulted.
const PATIENCE: u64 = 1 << 24;

/// The first CTA, in grid order, of those that have faulted in a launch.
#[derive(Debug)]
pub(crate) struct FirstFault(AtomicU64);

impl Default for FirstFault {
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
}

impl FirstFault {
    /// A CTA has faulted.
    pub(crate) fn note(&self, cta: u64) {
        self.0.fetch_min(cta, Ordering::Relaxed);
    }

    /// Whether a CTA that has executed so many instructions goes on.
    pub(crate) fn lets_run(&self, cta: u64, instructions: u64) -> bool {
        let first = self.0.load(Ordering::Relaxed);
        first == u64::MAX || cta < first && instructions < PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ctas_before_a_fault_go_on_for_a_while() {
        let faults = FirstFault::default();
        assert!(faults.lets_run(7, u64::MAX));
        faults.note(5);
        faults.note(6);
        assert!(faults.lets_run(4, PATIENCE - 1) && !faults.lets_run(4, PATIENCE));
        assert!(!faults.lets_run(5, 0) && !faults.lets_run(6, 0));
    }
}
