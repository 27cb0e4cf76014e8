//! Text on stdout. A reader that went away (`| head`) is no failure.

use std::io::{self, Write as _};

use anyhow::{Result, bail};

/// Writes `text` and a line end.
///
/// # Errors
/// When stdout cannot be written, unless its reader is gone.
pub(crate) fn say(text: &str) -> Result<()> {
    match writeln!(io::stdout().lock(), "{}", text.trim_end()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            bail!("failed to write to stdout: {error}")
        }
        _ => Ok(()),
    }
}
