//! Where the output of kernels goes.

use std::fmt;
use std::io::{Write as _, stderr, stdout};

/// Receives what kernels print, whole launches at a time.
pub trait Console: fmt::Debug + Send + Sync {
    /// Output of `printf`.
    fn print(&self, text: &[u8]);

    /// Messages of failed assertions.
    fn report(&self, text: &str);
}

/// Standard output and standard error of the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct StandardStreams;

impl Console for StandardStreams {
    fn print(&self, text: &[u8]) {
        // A reader that is gone is no error of the kernel.
        let _ = stdout().write_all(text).and_then(|()| stdout().flush());
    }

    fn report(&self, text: &str) {
        let _ = stderr().write_all(text.as_bytes());
    }
}
