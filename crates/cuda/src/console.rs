//! Where kernels print: the C library's streams, so that their lines come in order with those
//! that the program prints through the same streams.

use weft_driver::Console;

unsafe extern "C" {
    static stdout: *mut libc::FILE;
    static stderr: *mut libc::FILE;
}

/// Standard output and standard error of the C library.
#[derive(Debug)]
pub(crate) struct CStreams;

impl Console for CStreams {
    fn print(&self, text: &[u8]) {
        // SAFETY: the C library sets it before the program starts.
        write(unsafe { stdout }, text);
    }

    fn report(&self, text: &str) {
        // SAFETY: the C library sets it before the program starts.
        write(unsafe { stderr }, text.as_bytes());
    }
}

fn write(stream: *mut libc::FILE, text: &[u8]) {
    // SAFETY: an open stream of the C library, and bytes that are there. A reader that is gone
    // is no error of the kernel.
    unsafe { libc::fwrite(text.as_ptr().cast(), 1, text.len(), stream) };
    // SAFETY: as above.
    unsafe { libc::fflush(stream) };
}
