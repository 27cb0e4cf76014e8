//! Kernels: which come as PTX, and which of those compile.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use weft_compiler::{ErrorKind, Options, compile_kernel};
use weft_ptx::fatbin::{Entry, Kind};
use weft_ptx::source::{LineIndex, render_all};

use super::report::{FileReport, KernelFailure};

/// Compiles every kernel of a PTX text.
pub(super) fn check_ptx(
    name: &str,
    source: &[u8],
    capability: (u32, u32),
    report: &mut FileReport,
) {
    let module = match weft_ptx::parse(source) {
        Ok(module) => module,
        Err(errors) => {
            report
                .missing
                .push(format!("valid PTX\n{}", render_all(name, source, &errors)));
            return;
        }
    };
    let options = Options {
        compute_capability: capability,
        ..Options::default()
    };
    let names = weft_compiler::kernels(&module);
    let index = LineIndex::new(source);
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let compile = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(kernel) = names.get(at) else {
                return;
            };
            let Err(errors) = compile_kernel(&module, source, kernel, &options) else {
                continue;
            };
            for error in errors {
                let line = index.position(error.span.start).line;
                let failure = KernelFailure {
                    kernel: (*kernel).to_owned(),
                    file: name.to_owned(),
                    line,
                    message: error.kind.to_string(),
                    instruction: instruction(&error.kind),
                };
                // No thread panics while it holds the lock.
                if let Ok(mut failures) = failures.lock() {
                    failures.push((at, failure));
                }
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..threads.min(names.len()) {
            scope.spawn(compile);
        }
    });
    report.kernels += names.len();
    let mut failures = failures.into_inner().unwrap_or_default();
    failures.sort_by_key(|(at, failure)| (*at, failure.line));
    report
        .failures
        .extend(failures.into_iter().map(|(_, failure)| failure));
}

/// Opcode with modifiers, if that is what is missing.
fn instruction(kind: &ErrorKind) -> Option<String> {
    match kind {
        ErrorKind::UnsupportedInstruction { instruction, .. }
        | ErrorKind::UnknownInstruction { instruction } => Some(instruction.clone()),
        _ => None,
    }
}

/// Checks the entry of a fatbin that the device would take.
pub(super) fn check_fatbin(
    name: &str,
    entries: &[Entry<'_>],
    capability: (u32, u32),
    report: &mut FileReport,
) {
    report.machine_code += entries
        .iter()
        .filter(|entry| entry.kind == Kind::Elf)
        .count();
    match weft_ptx::fatbin::select_ptx(entries, capability.0 * 10 + capability.1) {
        Ok(text) => {
            let offset = entries
                .iter()
                .find(|entry| entry.kind == Kind::Ptx)
                .map_or(0, |entry| entry.offset);
            check_ptx(&format!("{name}@{offset:#x}"), &text, capability, report);
        }
        Err(error) => {
            report.without_ptx += 1;
            let text = format!("PTX for this device: {error}");
            if !report.missing.contains(&text) {
                report.missing.push(text);
            }
        }
    }
}
