//! The reserved range of host addresses that is device memory.
#![expect(
    clippy::cast_possible_truncation,
    reason = "addresses and sizes of the host are 64 bits wide"
)]

use std::io;
use std::ptr;

/// A mapping that the host commits page by page when it is touched.
#[derive(Debug)]
pub(super) struct Region {
    base: u64,
    bytes: u64,
    page: u64,
}

impl Region {
    pub(super) fn reserve(bytes: u64) -> io::Result<Self> {
        // SAFETY: sysconf has no preconditions.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let page = u64::try_from(page).map_err(|_| io::Error::last_os_error())?;
        let bytes = bytes.max(1).checked_next_multiple_of(page);
        let length = bytes.and_then(|bytes| usize::try_from(bytes).ok());
        let (Some(bytes), Some(length)) = (bytes, length) else {
            return Err(io::Error::from(io::ErrorKind::OutOfMemory));
        };
        // SAFETY: a new anonymous mapping, at an address of the host's choice.
        let base = unsafe {
            libc::mmap(
                ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            base: base.expose_provenance() as u64,
            bytes,
            page,
        })
    }

    pub(super) fn base(&self) -> u64 {
        self.base
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn contains(&self, address: u64, bytes: u64) -> bool {
        address
            .checked_sub(self.base)
            .is_some_and(|offset| offset <= self.bytes && bytes <= self.bytes - offset)
    }

    pub(super) fn overlaps(&self, address: u64, bytes: u64) -> bool {
        address < self.base + self.bytes && self.base < address.saturating_add(bytes)
    }

    /// Gives the whole pages of a range inside the region back to the host.
    pub(super) fn discard(&self, address: u64, bytes: u64) {
        let begin = address.next_multiple_of(self.page);
        let end = (address + bytes) / self.page * self.page;
        if begin >= end || !self.contains(begin, end - begin) {
            return;
        }
        // SAFETY: whole pages of this mapping; no Rust object lives in them.
        // The result is advice not taken at worst: then the pages stay committed.
        unsafe {
            libc::madvise(
                ptr::with_exposed_provenance_mut(begin as usize),
                (end - begin) as usize,
                libc::MADV_DONTNEED,
            );
        }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the mapping made by `reserve`, of the same size; the owner is gone, and with
        // it every way to launch kernels that could access it.
        unsafe {
            libc::munmap(
                ptr::with_exposed_provenance_mut(self.base as usize),
                self.bytes as usize,
            );
        }
    }
}
