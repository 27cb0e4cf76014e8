//! Memory as the interpreter sees it: allocations with bounds, and windows.

use super::Fault;
use std::collections::BTreeMap;

/// Device memory: allocations that every access is checked against.
#[derive(Clone, Debug, Default)]
pub struct DeviceMemory {
    allocations: BTreeMap<u64, Vec<u8>>,
    end: u64,
}

/// Where the first allocation is. Low addresses stay unmapped, so that null pointers fault.
const DEVICE_BASE: u64 = 1 << 20;
/// Unmapped bytes between allocations, so that running over an end faults.
const GUARD_BYTES: u64 = 4096;

impl DeviceMemory {
    /// Memory without allocations.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an allocation with the given content and gives its address, a multiple of 256.
    pub fn allocate(&mut self, content: Vec<u8>) -> u64 {
        let address = self.end.max(DEVICE_BASE).next_multiple_of(256);
        self.end = address + content.len() as u64 + GUARD_BYTES;
        self.allocations.insert(address, content);
        address
    }

    /// Content of the allocation that begins at the address.
    #[must_use]
    pub fn allocation(&self, address: u64) -> Option<&[u8]> {
        self.allocations.get(&address).map(Vec::as_slice)
    }

    fn find(&mut self, address: u64, bytes: u32) -> Option<&mut [u8]> {
        let (&base, content) = self.allocations.range_mut(..=address).next_back()?;
        window(content, address - base, bytes)
    }

    /// The bytes at an address.
    pub(super) fn slice(&mut self, address: u64, bytes: u32) -> Result<&mut [u8], Fault> {
        self.find(address, bytes)
            .ok_or(Fault::OutOfBounds { address, bytes })
    }
}

/// Bytes of a window by offset.
pub(super) fn window(content: &mut [u8], offset: u64, bytes: u32) -> Option<&mut [u8]> {
    let start = usize::try_from(offset).ok()?;
    content.get_mut(start..start.checked_add(bytes as usize)?)
}

/// Little-endian bytes as a number.
pub(super) fn load(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// Stores the low bytes of a number.
pub(super) fn store(bytes: &mut [u8], value: u64) {
    let length = bytes.len();
    bytes.copy_from_slice(&value.to_le_bytes()[..length]);
}
