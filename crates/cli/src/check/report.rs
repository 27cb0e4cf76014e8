//! What was found, for people and for tools.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use serde::Serialize;

/// A kernel that does not compile, and where.
#[derive(Debug, Serialize)]
pub(super) struct KernelFailure {
    pub(super) kernel: String,
    pub(super) file: String,
    pub(super) line: u32,
    pub(super) message: String,
    /// Opcode with modifiers, if an instruction is what is missing.
    pub(super) instruction: Option<String>,
}

/// What was found in one file.
#[derive(Debug, Serialize)]
pub(super) struct FileReport {
    pub(super) file: String,
    pub(super) kind: &'static str,
    /// `runs`, `partly`, `missing` or `unknown`.
    verdict: &'static str,
    /// Kernels that come as PTX.
    pub(super) kernels: usize,
    /// Images of machine code, which are passed over.
    pub(super) machine_code: usize,
    /// Fatbins without PTX that this device can take.
    pub(super) without_ptx: usize,
    pub(super) failures: Vec<KernelFailure>,
    /// Functions of the driver or runtime API that are named and not implemented.
    pub(super) functions: Vec<String>,
    /// Libraries of Nvidia that are needed and not there.
    pub(super) libraries: Vec<String>,
    /// Everything else that is missing.
    pub(super) missing: Vec<String>,
    pub(super) notes: Vec<String>,
}

impl FileReport {
    pub(super) fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            kind: "",
            verdict: "unknown",
            kernels: 0,
            machine_code: 0,
            without_ptx: 0,
            failures: Vec::new(),
            functions: Vec::new(),
            libraries: Vec::new(),
            missing: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn failed_kernels(&self) -> usize {
        let mut names: Vec<&str> = self.failures.iter().map(|f| f.kernel.as_str()).collect();
        names.dedup();
        names.len()
    }

    fn judge(&self) -> &'static str {
        let lacks = !self.functions.is_empty()
            || !self.libraries.is_empty()
            || !self.missing.is_empty()
            || !self.failures.is_empty();
        match (lacks, self.kernels > self.failed_kernels()) {
            (false, _) if self.kind == "Python" => "unknown",
            (false, _) => "runs",
            (true, true) => "partly",
            (true, false) => "missing",
        }
    }
}

/// All findings.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    compute_capability: String,
    files: Vec<FileReport>,
    /// How often each missing instruction is the reason, over all files.
    instructions: BTreeMap<String, usize>,
}

impl Report {
    pub(super) fn new(capability: (u32, u32), mut files: Vec<FileReport>) -> Self {
        let mut instructions = BTreeMap::new();
        for file in &mut files {
            file.functions.sort();
            file.functions.dedup();
            file.verdict = file.judge();
            for instruction in file.failures.iter().filter_map(|f| f.instruction.clone()) {
                *instructions.entry(instruction).or_insert(0) += 1;
            }
        }
        Self {
            compute_capability: format!("{}.{}", capability.0, capability.1),
            files,
            instructions,
        }
    }

    /// Whether nothing is missing.
    pub(super) fn is_complete(&self) -> bool {
        self.files
            .iter()
            .all(|file| matches!(file.verdict, "runs" | "unknown"))
    }

    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        fs::write(path, text)
    }

    pub(super) fn show(&self) -> io::Result<()> {
        match io::stdout().write_all(self.text().as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        if self.files.is_empty() {
            text.push_str("nothing here uses CUDA\n");
        }
        for file in &self.files {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{:<8} {} ({})", file.verdict, file.file, file.kind);
            if file.kernels > 0 {
                let good = file.kernels - file.failed_kernels();
                let _ = writeln!(text, "         {good} of {} kernels compile", file.kernels);
            }
            if file.machine_code > 0 {
                let _ = writeln!(
                    text,
                    "         {} images of machine code, not used",
                    file.machine_code
                );
            }
            for failure in &file.failures {
                let KernelFailure {
                    kernel,
                    file,
                    line,
                    message,
                    ..
                } = failure;
                let _ = writeln!(text, "         {kernel}: {file}:{line}: {message}");
            }
            for (what, list) in [
                ("functions", &file.functions),
                ("libraries", &file.libraries),
            ] {
                if !list.is_empty() {
                    let _ = writeln!(text, "         missing {what}: {}", list.join(", "));
                }
            }
            for missing in &file.missing {
                let _ = writeln!(text, "         missing {}", missing.trim_end());
            }
            for note in &file.notes {
                let _ = writeln!(text, "         {note}");
            }
        }
        text
    }
}
