//! Mappings of the process that virtual memory management is made of: ranges of addresses without
//! memory, and memory files that can be mapped into them, several times and in several processes.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "addresses and sizes of the host are 64 bits wide; sizes stay far below 2^63"
)]

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

/// Addresses of the process that nothing else uses.
#[derive(Debug)]
pub(crate) struct Addresses {
    start: u64,
    bytes: u64,
    /// The whole mapping, of which alignment may leave parts unused.
    whole: (u64, u64),
}

impl Addresses {
    /// Reserves addresses, the first at a multiple of `alignment`.
    pub(crate) fn reserve(bytes: u64, alignment: u64) -> io::Result<Self> {
        let length = bytes
            .checked_add(alignment)
            .ok_or(io::ErrorKind::OutOfMemory)?;
        // SAFETY: a new mapping without access, at an address of the host's choice.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length as usize,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = base.expose_provenance() as u64;
        Ok(Self {
            start: base.next_multiple_of(alignment),
            bytes,
            whole: (base, length),
        })
    }

    /// First address.
    pub(crate) const fn start(&self) -> u64 {
        self.start
    }

    /// How many.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether a range lies in them.
    pub(crate) fn contains(&self, address: u64, bytes: u64) -> bool {
        address
            .checked_sub(self.start)
            .is_some_and(|offset| offset <= self.bytes && bytes <= self.bytes - offset)
    }

    /// Puts a part of a memory file at a range of the addresses.
    pub(crate) fn map(
        &self,
        address: u64,
        bytes: u64,
        file: &MemoryFile,
        offset: u64,
    ) -> io::Result<()> {
        assert!(self.contains(address, bytes), "a range of these addresses");
        // SAFETY: replaces pages of this mapping, which no Rust object lives in.
        let mapped = unsafe {
            libc::mmap(
                std::ptr::with_exposed_provenance_mut(address as usize),
                bytes as usize,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_FIXED,
                file.0.as_raw_fd(),
                offset as libc::off_t,
            )
        };
        if mapped == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// Takes away what [`Self::map`] put at a range of the addresses.
    pub(crate) fn unmap(&self, address: u64, bytes: u64) -> io::Result<()> {
        assert!(self.contains(address, bytes), "a range of these addresses");
        // SAFETY: replaces pages of this mapping, which no Rust object lives in.
        let mapped = unsafe {
            libc::mmap(
                std::ptr::with_exposed_provenance_mut(address as usize),
                bytes as usize,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED,
                -1,
                0,
            )
        };
        if mapped == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

impl Drop for Addresses {
    fn drop(&mut self) {
        let (base, length) = self.whole;
        // SAFETY: the mapping made by `reserve`, of the same size; whoever made it accessible to
        // kernels has ended that.
        unsafe {
            libc::munmap(
                std::ptr::with_exposed_provenance_mut(base as usize),
                length as usize,
            );
        }
    }
}

/// Memory that can be mapped.
#[derive(Debug)]
pub(crate) struct MemoryFile(OwnedFd);

impl MemoryFile {
    /// New memory, zero.
    pub(crate) fn new(bytes: u64) -> io::Result<Self> {
        // SAFETY: the name is NUL-terminated.
        let descriptor = unsafe { libc::memfd_create(c"weft".as_ptr(), libc::MFD_CLOEXEC) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a descriptor that was just opened, and that nobody else has.
        let file = File::from(unsafe { OwnedFd::from_raw_fd(descriptor) });
        file.set_len(bytes)?;
        Ok(Self(file.into()))
    }

    /// The memory behind a descriptor that another file gave out, and its size. The descriptor stays
    /// the caller's.
    pub(crate) fn import(descriptor: i32) -> io::Result<(Self, u64)> {
        // SAFETY: any number may be passed; a wrong one is an error.
        let copy = unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 0) };
        if copy < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a descriptor that was just opened, and that nobody else has.
        let file = File::from(unsafe { OwnedFd::from_raw_fd(copy) });
        let bytes = file.metadata()?.len();
        Ok((Self(file.into()), bytes))
    }

    /// A descriptor for it that is the caller's.
    pub(crate) fn export(&self) -> io::Result<OwnedFd> {
        self.0.try_clone()
    }
}
