//! The Python suites of `conformance/python`, which print one line a test and `N passed, N failed`.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::process::{Finished, Weft};
use crate::table::{Case, Table, Verdict};

/// A suite: a script that takes the text that names of tests must contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    /// Kernels in Python through numba-cuda.
    NumbaKernels,
    /// CUDA C++ through NVRTC and cuda.core.
    CudaCore,
    /// OpenAI's client against `weft serve`.
    OpenAi,
    /// Kernels of Triton's tutorials, without PyTorch.
    Triton,
}

impl Suite {
    fn script(self) -> &'static str {
        match self {
            Self::NumbaKernels => "numba_kernels.py",
            Self::CudaCore => "cuda_core_kernels.py",
            Self::OpenAi => "openai_client.py",
            Self::Triton => "triton_kernels.py",
        }
    }
}

/// Runs the suite's script with the Python of `toolchain`.
///
/// # Errors
/// When the toolchain has no Python or `weft` cannot be started.
pub fn run(
    weft: &Weft,
    toolchain: &Path,
    suite: Suite,
    filter: &str,
    table: &mut Table,
) -> Result<()> {
    let python = toolchain.join("bin/python");
    ensure!(
        python.exists(),
        "{} is missing: run `cargo xtask toolchain`",
        python.display()
    );
    let python = std::path::absolute(python)?;
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    let command = weft.folder().join("weft");
    let command = command.to_string_lossy();
    let mut arguments = vec![suite.script(), filter];
    if suite == Suite::OpenAi {
        arguments.push(&command);
    }
    let finished = weft.run(python, &arguments, Some(&scripts))?;
    let cases = read(&finished);
    let ended = cases.is_empty() || !finished.stdout.contains(" passed, ");
    for case in cases {
        table.add(case)?;
    }
    if ended {
        // It fell over before it could count: the import failed, or a test took the process with it.
        table.add(Case {
            name: suite.script().to_owned(),
            verdict: Verdict::Fail(finished.reason()),
            elapsed: finished.elapsed,
        })?;
    }
    Ok(())
}

/// The cases among the lines of output. The scripts tell no times, so each case has none.
fn read(finished: &Finished) -> Vec<Case> {
    let case = |name: &str, verdict| Case {
        name: name.trim().to_owned(),
        verdict,
        elapsed: std::time::Duration::ZERO,
    };
    finished
        .stdout
        .lines()
        .filter_map(|line| {
            if let Some(name) = line.strip_prefix("ok ") {
                return Some(case(name, Verdict::Pass));
            }
            let (name, reason) = line.strip_prefix("FAILED ")?.split_once(':')?;
            Some(case(name, Verdict::Fail(reason.trim().to_owned())))
        })
        .collect()
}
