//! Host memory that holds code: written while it is writable, executable afterwards, never both.

use std::ptr;

/// A mapping with code.
pub(super) struct HostCode {
    start: *mut u8,
    bytes: usize,
}

// SAFETY: the mapping belongs to this value alone and is not written after it is made.
unsafe impl Send for HostCode {}

// SAFETY: as above.
unsafe impl Sync for HostCode {}

impl HostCode {
    /// A copy of `code`; none if the host gives no memory or does not let it be executed.
    pub(super) fn new(code: &[u8]) -> Option<Self> {
        // SAFETY: a new anonymous mapping, at an address of the host's choice.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                code.len(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return None;
        }
        let this = Self {
            start: start.cast(),
            bytes: code.len(),
        };
        // SAFETY: the mapping is new, writable and as long as the code.
        unsafe { ptr::copy_nonoverlapping(code.as_ptr(), this.start, code.len()) };
        // SAFETY: the whole mapping, which nothing else refers to.
        let result =
            unsafe { libc::mprotect(start, code.len(), libc::PROT_READ | libc::PROT_EXEC) };
        (result == 0).then_some(this)
    }

    /// Address of the first instruction.
    pub(super) fn start(&self) -> *const u8 {
        self.start
    }
}

impl Drop for HostCode {
    fn drop(&mut self) {
        // SAFETY: the mapping made by `new`; its owner is gone, and with it every caller.
        unsafe { libc::munmap(self.start.cast(), self.bytes) };
    }
}
