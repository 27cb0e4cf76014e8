//! A child process that stands in for this one: signals go to it, its end becomes ours.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitCode, ExitStatus};
use std::thread;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

use crate::failure::Failure;
use crate::run::STATUS_OWN_FAILURE;

/// How the child ended.
#[derive(Clone, Copy)]
pub(super) struct Ended(ExitStatus);

impl Ended {
    pub(super) fn succeeded(self) -> bool {
        self.0.success()
    }

    /// The child's own status, or 128 + N when signal N ended it.
    pub(super) fn exit_code(self) -> ExitCode {
        let status = match (self.0.code(), self.0.signal()) {
            (Some(code), _) => code,
            (None, Some(signal)) => 128 + signal,
            (None, None) => i32::from(STATUS_OWN_FAILURE),
        };
        ExitCode::from(u8::try_from(status).unwrap_or(STATUS_OWN_FAILURE))
    }
}

/// Runs `command` with our standard streams until it ends.
///
/// # Errors
/// When it cannot be started, with exit status 127 (not found) or 126.
pub(super) fn run(mut command: Command) -> Result<Ended> {
    // Before the child exists: a signal that comes in between must not end us without it.
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2])
        .context("failed to listen for signals")?;
    let mut child = command.spawn().map_err(|error| {
        let status = if error.kind() == io::ErrorKind::NotFound {
            127
        } else {
            126
        };
        let program = command.get_program().display();
        let failure = Failure::new(format!("failed to start {program}: {error}")).status(status);
        if status == 127 {
            failure
                .hint("a program in the current directory is named with its path, as in ./program")
        } else {
            failure
        }
    })?;
    // A pidfd cannot come to mean another process, even after the child has been waited for.
    let process = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())
        .context("failed to open the child process")?;

    let listener = signals.handle();
    let forwarder = thread::spawn(move || {
        for number in signals.forever() {
            if comes_from_terminal(number) {
                continue;
            }
            if let Some(signal) = Signal::from_named_raw(number) {
                // Fails only when the child has ended, and then there is nobody to tell.
                let _ = pidfd_send_signal(&process, signal);
            }
        }
    });
    let status = child.wait().context("failed to wait for the program");
    listener.close();
    if forwarder.join().is_err() {
        return Err(Failure::new("the signal thread panicked").into());
    }
    Ok(Ended(status?))
}

/// Whether the terminal has sent this signal to the child already: keys signal the whole
/// foreground process group, to which the child belongs as long as we do.
fn comes_from_terminal(number: i32) -> bool {
    use std::io::IsTerminal as _;
    matches!(number, SIGINT | SIGQUIT) && (io::stdin().is_terminal() || io::stderr().is_terminal())
}
