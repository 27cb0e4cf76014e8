//! The decision log: why each request went where, one JSON object a line.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

/// Where decisions are written, if anywhere.
#[derive(Debug, Default)]
pub(crate) struct Log(Option<Mutex<File>>);

impl Log {
    /// A log at the end of a file.
    pub(crate) fn open(path: Option<&Path>) -> std::io::Result<Self> {
        let open = |path| OpenOptions::new().create(true).append(true).open(path);
        Ok(Self(path.map(open).transpose()?.map(Mutex::new)))
    }

    /// Adds a line. A log that cannot be written must not keep requests from being answered.
    pub(crate) fn write(&self, decision: &Value) {
        if let Some(file) = &self.0 {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = file.write_all(format!("{decision}\n").as_bytes());
        }
    }
}

/// A backend was chosen.
pub(crate) fn choice(request: &str, replay: bool, decision: &Value) -> Value {
    json!({"event": "choice", "request": request, "takes_up": replay, "decision": decision})
}

/// A backend failed.
pub(crate) fn failure(backend: &str, reason: &str, ejected: bool) -> Value {
    json!({"event": "failure", "backend": backend, "reason": reason, "ejected": ejected})
}

/// The configuration changed, or was refused.
pub(crate) fn reload(error: Option<&str>) -> Value {
    json!({"event": "reload", "refused": error})
}
