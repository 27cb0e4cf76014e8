//! Fetches a model of the Hugging Face hub and tells how far it is.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;
use weft_server::{Hub, Progress, RepoName};

use crate::failure;

/// Between two lines of progress: on a terminal one is written over the other.
const INTERVAL: Duration = Duration::from_millis(200);
const INTERVAL_OF_LINES: Duration = Duration::from_secs(10);

/// Fetches what is not here yet; gives the folder.
pub(crate) fn fetch(hub: &Hub, repo: &RepoName) -> Result<PathBuf> {
    failure::note(&format!("fetching {repo}"));
    let mut meter = Meter::new(std::io::stderr().is_terminal());
    let folder = hub.fetch(repo, &mut |progress| meter.tell(progress));
    meter.end();
    Ok(folder?)
}

/// Shows progress on stderr.
struct Meter {
    overwrites: bool,
    last: Option<Instant>,
    finished: bool,
}

impl Meter {
    const fn new(overwrites: bool) -> Self {
        Self {
            overwrites,
            last: None,
            finished: false,
        }
    }

    fn tell(&mut self, progress: &Progress<'_>) {
        let interval = if self.overwrites {
            INTERVAL
        } else {
            INTERVAL_OF_LINES
        };
        let now = Instant::now();
        let done = progress.done == progress.total;
        let soon = self.last.is_some_and(|last| now - last < interval);
        if self.finished || (soon && !done) {
            return;
        }
        self.finished = done;
        self.last = Some(now);
        let (begin, end) = if self.overwrites {
            ("\r", "\x1b[K")
        } else {
            ("", "\n")
        };
        let line = line_of(progress);
        // Progress that cannot be shown keeps nobody from fetching.
        let _ = write!(std::io::stderr(), "{begin}{line}{end}");
    }

    fn end(&self) {
        if self.overwrites && self.last.is_some() {
            let _ = writeln!(std::io::stderr());
        }
    }
}

fn line_of(progress: &Progress<'_>) -> String {
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let hundredfold = progress.done.saturating_mul(100);
    let percent = hundredfold.checked_div(progress.total).unwrap_or(100);
    format!(
        "{percent:>3} %  {:.1} of {:.1} MB  {}",
        megabytes(progress.done),
        megabytes(progress.total),
        progress.file
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_much_of_what() {
        let line = |done, total| {
            line_of(&Progress {
                file: "model.safetensors",
                done,
                total,
            })
        };
        assert_eq!(
            line(500_000, 2_000_000),
            " 25 %  0.5 of 2.0 MB  model.safetensors"
        );
        assert_eq!(line(0, 0), "100 %  0.0 of 0.0 MB  model.safetensors");
    }
}
