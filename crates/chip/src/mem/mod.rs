//! Device memory: one reserved region, and the intervals of it that may be accessed.
//!
//! A device address is the host address of the byte, so there is no translation. The region
//! is reserved at once and committed by the host when touched. Which parts are allocated is
//! decided by the driver, which tells [`Memory`] with [`Memory::map`] and [`Memory::unmap`];
//! kernels can access exactly the intervals mapped. An access never spans two intervals.
//!
//! # Why plain copies are sound
//!
//! Kernels of several host threads and the host itself may access the same device bytes at
//! once. No Rust reference to device memory is ever made: every access is a copy through a
//! raw pointer into a mapping that the Rust abstract machine knows nothing about (it comes
//! from `mmap` or from the caller of [`Memory::map_host`]), of at most a few vector registers,
//! into or out of hart state. A racing program may see torn or stale values, as it may on any
//! chip; the compiler cannot derive anything else from a race, because the values copied are
//! plain integers in arrays, never re-read, and no control decision of memory safety depends
//! on them after they were checked. Atomic instructions use host atomics.

mod intervals;
mod region;

use std::io;
use std::sync::{Arc, RwLock, RwLockReadGuard};

pub(crate) use intervals::Intervals;
pub use intervals::{Access, Interval};
use region::Region;

/// Why an interval could not be made accessible or inaccessible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MapError {
    /// Of no bytes.
    #[error("empty interval at {0:#x}")]
    Empty(u64),
    /// Not inside the device memory region.
    #[error("{bytes} bytes at {address:#x} are outside device memory")]
    OutsideRegion {
        /// First byte.
        address: u64,
        /// Size.
        bytes: u64,
    },
    /// Shares bytes with an interval that is accessible already.
    #[error("{bytes} bytes at {address:#x} overlap an interval that is mapped")]
    Overlap {
        /// First byte.
        address: u64,
        /// Size.
        bytes: u64,
    },
    /// No interval of this kind begins there.
    #[error("no mapped interval begins at {0:#x}")]
    NotMapped(u64),
}

/// An access by the host to bytes that are not accessible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{bytes} bytes at {address:#x} are not accessible")]
pub struct AccessError {
    /// First byte.
    pub address: u64,
    /// Size.
    pub bytes: u64,
}

/// The memory of a chip. See the module documentation.
#[derive(Debug)]
pub struct Memory {
    region: Region,
    /// Replaced as a whole by every change, so that running cores keep a snapshot.
    intervals: RwLock<Arc<Intervals>>,
    /// Read-locked while a launch runs; removing intervals waits for it.
    running: RwLock<()>,
}

impl Memory {
    /// Reserves `bytes` of memory, rounded up to whole pages.
    ///
    /// # Errors
    ///
    /// If the host refuses the reservation.
    pub(crate) fn reserve(bytes: u64) -> io::Result<Self> {
        Ok(Self {
            region: Region::reserve(bytes)?,
            intervals: RwLock::new(Arc::new(Intervals::default())),
            running: RwLock::new(()),
        })
    }

    /// Address of the first byte of the region.
    #[must_use]
    pub fn base(&self) -> u64 {
        self.region.base()
    }

    /// Size of the region in bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a region is never empty")]
    pub fn len(&self) -> u64 {
        self.region.bytes()
    }

    /// Makes an interval of the region accessible. Its content is unspecified: zero, or what
    /// an earlier interval left in a page that it shared.
    ///
    /// # Errors
    ///
    /// If it is empty, outside the region, or overlaps a mapped interval.
    pub fn map(&self, address: u64, bytes: u64, access: Access) -> Result<(), MapError> {
        if !self.region.contains(address, bytes) {
            return Err(MapError::OutsideRegion { address, bytes });
        }
        self.insert(Interval {
            address,
            bytes,
            access,
            host: false,
            delta: 0,
        })
    }

    /// Makes the interval that begins at `address` inaccessible and discards its contents.
    /// Waits for running launches.
    ///
    /// # Errors
    ///
    /// If no interval of the region begins there.
    pub fn unmap(&self, address: u64) -> Result<(), MapError> {
        let interval = self.remove(address, false)?;
        self.region.discard(interval.address, interval.bytes);
        Ok(())
    }

    /// Makes bytes of the process outside the region accessible to kernels.
    ///
    /// # Errors
    ///
    /// If the interval is empty, or overlaps the region or a mapped interval.
    ///
    /// # Safety
    ///
    /// Until [`Memory::unmap_host`] of the same address has returned, the bytes must be valid
    /// for reads, and for writes if `access` allows them, from any thread, and no Rust
    /// reference may be live to bytes that kernels or the host copies of this type touch.
    pub unsafe fn map_host(
        &self,
        address: u64,
        bytes: u64,
        access: Access,
    ) -> Result<(), MapError> {
        let end = address.checked_add(bytes);
        // Addresses from 2^56 on are windows.
        if address == 0 || end.is_none_or(|end| end > weft_isa::abi::SHARED_WINDOW) {
            return Err(MapError::OutsideRegion { address, bytes });
        }
        if self.region.overlaps(address, bytes) {
            return Err(MapError::Overlap { address, bytes });
        }
        self.insert(Interval {
            address,
            bytes,
            access,
            host: true,
            delta: 0,
        })
    }

    /// Ends what [`Memory::map_host`] began. Waits for running launches.
    ///
    /// # Errors
    ///
    /// If no host interval begins there.
    pub fn unmap_host(&self, address: u64) -> Result<(), MapError> {
        self.remove(address, true).map(|_| ())
    }

    /// Whether all the bytes lie in one mapped interval.
    #[must_use]
    pub fn is_accessible(&self, address: u64, bytes: u64) -> bool {
        self.snapshot().find(address, bytes).is_some()
    }

    /// The mapped interval that holds the byte at `address`.
    #[must_use]
    pub fn interval_of(&self, address: u64) -> Option<Interval> {
        let snapshot = self.snapshot();
        snapshot.find(address, 1).map(|index| snapshot.get(index))
    }

    /// Copies out of memory.
    ///
    /// # Errors
    ///
    /// If the bytes do not lie in one mapped interval.
    pub fn read(&self, address: u64, destination: &mut [u8]) -> Result<(), AccessError> {
        let _pin = self.check(address, destination.len() as u64)?;
        // SAFETY: the bytes are inside a mapped interval, which the lock keeps mapped, so they
        // are valid for reads; `destination` is a Rust object and so apart from them.
        unsafe {
            std::ptr::copy_nonoverlapping(
                address as *const u8,
                destination.as_mut_ptr(),
                destination.len(),
            );
        }
        Ok(())
    }

    /// Copies into memory. Read-only intervals too: they are so for kernels.
    ///
    /// # Errors
    ///
    /// If the bytes do not lie in one mapped interval of the region, or in a writable one.
    pub fn write(&self, address: u64, source: &[u8]) -> Result<(), AccessError> {
        let bytes = source.len() as u64;
        let _pin = self.check_host_write(address, bytes)?;
        // SAFETY: as in `read`; writable because the region is, and host intervals were checked.
        unsafe {
            std::ptr::copy_nonoverlapping(source.as_ptr(), address as *mut u8, source.len());
        }
        Ok(())
    }

    /// Copies within memory; the ranges may overlap.
    ///
    /// # Errors
    ///
    /// If the source or the destination does not lie in one mapped interval.
    pub fn copy(&self, to: u64, from: u64, bytes: u64) -> Result<(), AccessError> {
        let _pin = self.check_host_write(to, bytes)?;
        if bytes != 0 && !self.is_accessible(from, bytes) {
            return Err(AccessError {
                address: from,
                bytes,
            });
        }
        let length = usize::try_from(bytes).map_err(|_| AccessError { address: to, bytes })?;
        // SAFETY: both ranges were checked and stay mapped while `_pin` lives.
        unsafe { std::ptr::copy(from as *const u8, to as *mut u8, length) };
        Ok(())
    }

    /// Fills memory by repeating `pattern` (1, 2, 4 or any number of bytes; a last part may be
    /// cut off).
    ///
    /// # Errors
    ///
    /// If the bytes do not lie in one mapped interval.
    pub fn fill(&self, address: u64, bytes: u64, pattern: &[u8]) -> Result<(), AccessError> {
        let _pin = self.check_host_write(address, bytes)?;
        let error = AccessError { address, bytes };
        let length = usize::try_from(bytes).map_err(|_| error)?;
        if let [byte] = pattern {
            // SAFETY: the range was checked and stays mapped while `_pin` lives.
            unsafe { std::ptr::write_bytes(address as *mut u8, *byte, length) };
        } else if !pattern.is_empty() {
            let mut done = 0;
            while done < length {
                let step = pattern.len().min(length - done);
                let to = (address + done as u64) as *mut u8;
                // SAFETY: inside the range that was checked.
                unsafe { std::ptr::copy_nonoverlapping(pattern.as_ptr(), to, step) };
                done += step;
            }
        }
        Ok(())
    }

    /// The intervals as they are now.
    pub(crate) fn snapshot(&self) -> Arc<Intervals> {
        Arc::clone(
            &self
                .intervals
                .read()
                .unwrap_or_else(|poison| poison.into_inner()),
        )
    }

    /// Keeps intervals from being removed while the guard lives.
    pub(crate) fn pin(&self) -> RwLockReadGuard<'_, ()> {
        self.running
            .read()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    fn check(&self, address: u64, bytes: u64) -> Result<RwLockReadGuard<'_, ()>, AccessError> {
        let pin = self.pin();
        if bytes != 0 && !self.is_accessible(address, bytes) {
            return Err(AccessError { address, bytes });
        }
        Ok(pin)
    }

    fn check_host_write(
        &self,
        address: u64,
        bytes: u64,
    ) -> Result<RwLockReadGuard<'_, ()>, AccessError> {
        let pin = self.check(address, bytes)?;
        let read_only_host =
            |interval: Interval| interval.host && interval.access == Access::ReadOnly;
        if bytes != 0 && self.interval_of(address).is_none_or(read_only_host) {
            return Err(AccessError { address, bytes });
        }
        Ok(pin)
    }

    fn insert(&self, interval: Interval) -> Result<(), MapError> {
        if interval.bytes == 0 {
            return Err(MapError::Empty(interval.address));
        }
        let mut current = self
            .intervals
            .write()
            .unwrap_or_else(|poison| poison.into_inner());
        let next = current.with(interval).ok_or(MapError::Overlap {
            address: interval.address,
            bytes: interval.bytes,
        })?;
        *current = Arc::new(next);
        Ok(())
    }

    fn remove(&self, address: u64, host: bool) -> Result<Interval, MapError> {
        let _idle = self
            .running
            .write()
            .unwrap_or_else(|poison| poison.into_inner());
        let mut current = self
            .intervals
            .write()
            .unwrap_or_else(|poison| poison.into_inner());
        let (next, removed) = current
            .without(address, host)
            .ok_or(MapError::NotMapped(address))?;
        *current = Arc::new(next);
        Ok(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mapped_bytes_are_accessible() {
        let memory = Memory::reserve(1 << 30).unwrap();
        let base = memory.base();
        assert!(!memory.is_accessible(base, 1));
        memory.map(base + 256, 512, Access::ReadWrite).unwrap();
        memory.map(base + 768, 16, Access::ReadOnly).unwrap();
        assert!(memory.is_accessible(base + 256, 512));
        assert!(!memory.is_accessible(base + 255, 2));
        assert!(
            !memory.is_accessible(base + 760, 16),
            "an access spans two intervals"
        );
        assert_eq!(memory.interval_of(base + 770).unwrap().address, base + 768);
        let overlap = MapError::Overlap {
            address: base,
            bytes: 257,
        };
        assert_eq!(memory.map(base, 257, Access::ReadWrite), Err(overlap));
        memory.unmap(base + 256).unwrap();
        assert!(!memory.is_accessible(base + 256, 1));
        assert_eq!(
            memory.unmap(base + 256),
            Err(MapError::NotMapped(base + 256))
        );
    }

    #[test]
    fn unmapping_discards_whole_pages() {
        let memory = Memory::reserve(1 << 24).unwrap();
        let base = memory.base();
        memory.map(base, 1 << 20, Access::ReadWrite).unwrap();
        memory.write(base + 5000, &[1, 2, 3]).unwrap();
        memory.unmap(base).unwrap();
        memory.map(base, 1 << 20, Access::ReadWrite).unwrap();
        let mut bytes = [9; 3];
        memory.read(base + 5000, &mut bytes).unwrap();
        assert_eq!(bytes, [0; 3]);
    }

    #[test]
    fn host_copies_are_checked() {
        let memory = Memory::reserve(1 << 24).unwrap();
        let base = memory.base();
        memory.map(base, 64, Access::ReadOnly).unwrap();
        memory.fill(base, 64, &[1, 2, 3]).unwrap();
        memory.copy(base + 3, base, 6).unwrap();
        let mut bytes = [0; 8];
        memory.read(base + 2, &mut bytes).unwrap();
        assert_eq!(bytes, [3, 1, 2, 3, 1, 2, 3, 1]);
        assert!(memory.write(base + 63, &[0, 0]).is_err());
        assert!(memory.copy(base + 60, base, 8).is_err());
        assert!(
            memory
                .map(base + memory.len(), 1, Access::ReadWrite)
                .is_err()
        );
        assert!(memory.map(u64::MAX, 2, Access::ReadWrite).is_err());
    }
}
