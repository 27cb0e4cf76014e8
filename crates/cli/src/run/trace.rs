//! Traces of modelled time: what the library wrote for each process, as one file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

/// Distance between the track numbers of two processes.
const TRACKS: u64 = 100;

/// Writes every `trace-*.json` of `directory` as one trace to `file`.
///
/// # Errors
/// When one cannot be read, or the file not be written.
pub(super) fn merge(directory: &Path, file: &Path) -> Result<()> {
    let mut events: Vec<Value> = Vec::new();
    for (process, path) in files(directory)?.iter().enumerate() {
        let text = fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
        let mut trace: Value = serde_json::from_slice(&text)
            .with_context(|| format!("failed to read the trace {}", path.display()))?;
        let Some(own) = trace.get_mut("traceEvents").and_then(Value::as_array_mut) else {
            continue;
        };
        for mut event in own.drain(..) {
            if let Some(track) = event.get("pid").and_then(Value::as_u64) {
                event["pid"] = (track + TRACKS * process as u64).into();
            }
            events.push(event);
        }
    }
    let whole = serde_json::json!({"displayTimeUnit": "ns", "traceEvents": events});
    let text = serde_json::to_vec(&whole).context("failed to encode the trace")?;
    fs::write(file, text).with_context(|| format!("failed to write {}", file.display()))
}

fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory)
        .with_context(|| format!("failed to list {}", directory.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.context("failed to list the traces")?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with("trace-") && name.ends_with(".json")) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
