//! The heap of device `malloc`: one allocation of the context, divided up.

use crate::allocator::Allocator;

/// Alignment of what `malloc` gives, in bytes (CUDA C++ Programming Guide, "Dynamic Global
/// Memory Allocation and Operations").
const ALIGNMENT: u64 = 16;

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct Heap(Allocator);

impl Heap {
    /// Over a range of device memory.
    pub(crate) fn new(address: u64, bytes: u64) -> Self {
        Self(Allocator::with_granularity(address, bytes, ALIGNMENT, 0))
    }

    /// Room for so many bytes; `None` if there is none.
    pub(crate) fn allocate(&mut self, bytes: u64) -> Option<u64> {
        self.0.allocate(bytes, ALIGNMENT)
    }

    /// Gives back what began at an address; false if nothing did.
    pub(crate) fn free(&mut self, address: u64) -> bool {
        self.0.release(address)
    }
}
