//! What is said on stderr. A failure is told by its message, a hint where there is one, and an
//! exit status.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// An error that knows what the user could do about it, or which exit status it deserves.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    /// Complete lines shown before the message.
    details: String,
    hint: Option<String>,
    status: u8,
}

impl Failure {
    /// A failure with exit status 1 and no hint. `message` is a lowercase fragment.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            details: String::new(),
            hint: None,
            status: 1,
        }
    }

    /// Adds complete lines that are shown before the message.
    pub(crate) fn details(mut self, details: String) -> Self {
        self.details = details;
        self
    }

    /// Adds what the user could do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Sets the exit status.
    pub(crate) const fn status(mut self, status: u8) -> Self {
        self.status = status;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl Error for Failure {}

/// `error`, to end the command with `status`.
pub(crate) fn with_status(error: anyhow::Error, status: u8) -> anyhow::Error {
    let message = format!("{error:#}");
    match error.downcast::<Failure>() {
        Ok(failure) => failure.status(status).into(),
        Err(_) => Failure::new(message).status(status).into(),
    }
}

/// Prints `error` with its causes and returns the exit status it deserves.
#[expect(clippy::print_stderr, reason = "the one place that tells of failures")]
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let failure = error.downcast_ref::<Failure>();
    if let Some(failure) = failure {
        eprint!("{}", failure.details);
    }
    eprintln!("error: {error:#}");
    if let Some(hint) = failure.and_then(|failure| failure.hint.as_deref()) {
        eprintln!("\nhint: {hint}");
    }
    ExitCode::from(failure.map_or(1, |failure| failure.status))
}

/// Prints something worth knowing that is no failure.
#[expect(clippy::print_stderr, reason = "the one place that warns")]
pub(crate) fn warn(message: &str, hint: Option<&str>) {
    eprintln!("warning: {message}");
    if let Some(hint) = hint {
        eprintln!("\nhint: {hint}\n");
    }
}

/// Prints something that was asked for and is not the command's data.
#[expect(clippy::print_stderr, reason = "stdout is for data")]
pub(crate) fn note(message: &str) {
    eprintln!("{message}");
}
