//! Starting programs with a time limit, with or without `weft run` around them.

use std::ffi::OsStr;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

/// The `weft` command that programs run under.
#[derive(Debug, Clone)]
pub struct Weft {
    path: PathBuf,
    limit: Duration,
}

impl Weft {
    /// The command at `path`, giving each program `limit` of host time.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn new(path: &Path, limit: Duration) -> Result<Self> {
        ensure!(
            path.is_file(),
            "{} is missing: cargo build --release builds it",
            path.display()
        );
        // Programs are started in other folders than ours.
        let path = std::path::absolute(path)
            .with_context(|| format!("failed to resolve {}", path.display()))?;
        Ok(Self { path, limit })
    }

    /// The folder that holds the command and, beside it, the libraries.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// Runs `weft` itself with these arguments.
    ///
    /// # Errors
    /// When the command cannot be started.
    pub fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Result<Finished> {
        run_limited(Command::new(&self.path).args(arguments), self.limit)
    }

    /// `weft` itself with these arguments, not yet started.
    #[must_use]
    pub fn start(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(&self.path);
        command.args(arguments).stdin(Stdio::null());
        command
    }

    /// The engines of `weft exec` on this host.
    ///
    /// # Errors
    /// When the command fails.
    pub fn engines(&self) -> Result<Vec<String>> {
        let finished = self.command(&["exec", "--engines"])?;
        ensure!(
            finished.succeeded(),
            "weft exec --engines: {}",
            finished.reason()
        );
        Ok(finished.stdout.lines().map(str::to_owned).collect())
    }

    /// Runs `program` with `arguments` under `weft run`, in `folder` when one is given.
    ///
    /// # Errors
    /// When the command cannot be started.
    pub fn run(
        &self,
        program: impl AsRef<OsStr>,
        arguments: &[impl AsRef<OsStr>],
        folder: Option<&Path>,
    ) -> Result<Finished> {
        let mut command = self.run_command(program);
        command.args(arguments);
        if let Some(folder) = folder {
            command.current_dir(folder);
        }
        run_limited(&mut command, self.limit)
    }

    /// The command that runs `program` under `weft run`, to which its arguments are added.
    #[must_use]
    pub fn run_command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(&self.path);
        command.args(["run", "--"]).arg(program);
        command
    }
}

/// A program that has ended, or was stopped.
#[derive(Debug)]
pub struct Finished {
    /// Its status; `None` when it was stopped at the time limit.
    pub status: Option<ExitStatus>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
    /// How long it ran.
    pub elapsed: Duration,
}

impl Finished {
    /// Whether it ended by itself with status 0.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// One line that says how it failed: the status and the last words of its output.
    #[must_use]
    pub fn reason(&self) -> String {
        let status = match self.status {
            None => format!("stopped after {} s", self.elapsed.as_secs()),
            Some(status) => status.to_string(),
        };
        let last_line = |text: &str| -> String {
            text.lines()
                .map(str::trim)
                .rfind(|line| !line.is_empty() && !line.ends_with(": FAIL"))
                .unwrap_or_default()
                .to_owned()
        };
        let error_line = self
            .stderr
            .lines()
            .map(str::trim)
            .find(|line| line.contains("error") || line.contains("panicked"))
            .map_or_else(|| last_line(&self.stderr), str::to_owned);
        [status, last_line(&self.stdout), error_line]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("; ")
    }
}

/// Runs `command` to its end, or stops it when `limit` has passed.
///
/// # Errors
/// When it cannot be started or waited for.
pub fn run_limited(command: &mut Command, limit: Duration) -> Result<Finished> {
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to start {}", command.get_program().display()))?;
    // Threads of their own drain the pipes: a program that fills one would wait for ever.
    let mut stdout = child.stdout.take().context("standard output is no pipe")?;
    let mut stderr = child.stderr.take().context("standard error is no pipe")?;
    let stdout_reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).map(|_| bytes)
    });
    let stderr_reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        stderr.read_to_end(&mut bytes).map(|_| bytes)
    });

    let status = loop {
        if let Some(status) = child.try_wait().context("failed to wait for the program")? {
            break Some(status);
        }
        if start.elapsed() >= limit {
            stop(&mut child)?;
            break None;
        }
        thread::sleep(Duration::from_millis(2));
    };
    let text = |reader: thread::JoinHandle<std::io::Result<Vec<u8>>>| -> Result<String> {
        let bytes = reader
            .join()
            .map_err(|_| anyhow::anyhow!("the thread that reads output panicked"))?
            .context("failed to read the program's output")?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    Ok(Finished {
        status,
        elapsed: start.elapsed(),
        stdout: text(stdout_reader)?,
        stderr: text(stderr_reader)?,
    })
}

/// Ends the child: with SIGTERM first, which `weft run` hands on to the program it started, and
/// with SIGKILL when that does not end it within two seconds.
pub(crate) fn stop(child: &mut std::process::Child) -> Result<()> {
    let terminated = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    let deadline = Instant::now() + Duration::from_secs(2);
    while terminated.is_ok() && Instant::now() < deadline {
        if child
            .try_wait()
            .context("failed to wait for the program")?
            .is_some()
        {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.kill().context("failed to stop the program")?;
    child.wait().context("failed to wait for the program")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Finished {
        run_limited(Command::new("sh").args(["-c", script]), limit).expect("sh exists")
    }

    #[test]
    fn output_larger_than_a_pipe_is_read() {
        let finished = shell(
            "head -c 300000 /dev/zero | tr '\\0' x; echo end >&2",
            Duration::from_secs(60),
        );
        assert!(finished.succeeded());
        assert_eq!(finished.stdout.len(), 300_000);
        assert_eq!(finished.stderr, "end\n");
    }

    #[test]
    fn a_program_is_stopped_at_its_limit() {
        let finished = shell("exec sleep 1000", Duration::from_millis(50));
        assert_eq!(finished.status, None);
        assert!(finished.reason().starts_with("stopped after"));
    }

    #[test]
    fn the_reason_is_the_last_line_before_the_verdict() {
        let finished = shell(
            "echo 'c[3] = 1, expected 2'; echo 'x: FAIL'; exit 1",
            Duration::from_secs(60),
        );
        assert_eq!(finished.reason(), "exit status: 1; c[3] = 1, expected 2");
    }
}
