//! NVIDIA's CUDA samples, from a checkout that the user has, built against the shared runtime.
//!
//! Sizes are reduced through the samples' own options where they have them: the defaults are meant for
//! hardware.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::process::{Weft, run_limited};
use crate::table::{Case, Table, Verdict};

/// One sample.
struct Sample {
    /// Folder below `Samples`.
    folder: &'static str,
    /// A source that is not part of the host program but is compiled to a fat binary beside it.
    kernel: Option<&'static str>,
    arguments: &'static [&'static str],
    /// Words that the sample prints only when its results are right.
    says: &'static str,
}

const fn sample(
    folder: &'static str,
    arguments: &'static [&'static str],
    says: &'static str,
) -> Sample {
    Sample {
        folder,
        kernel: None,
        arguments,
        says,
    }
}

const fn driver_sample(folder: &'static str, kernel: &'static str, says: &'static str) -> Sample {
    Sample {
        folder,
        kernel: Some(kernel),
        arguments: &[],
        says,
    }
}

/// Samples that check their results. `BlackScholes` is not among them: its 2 billion options have no
/// switch that makes them fewer.
const SAMPLES: &[Sample] = &[
    sample("0_Introduction/vectorAdd", &[], "Test PASSED"),
    driver_sample(
        "0_Introduction/vectorAddDrv",
        "vectorAdd_kernel",
        "Result = PASS",
    ),
    sample(
        "0_Introduction/matrixMul",
        &["-wA=64", "-hA=64", "-wB=64", "-hB=64"],
        "Result = PASS",
    ),
    driver_sample(
        "0_Introduction/matrixMulDrv",
        "matrixMul_kernel",
        "Result = PASS",
    ),
    sample(
        "2_Concepts_and_Techniques/reduction",
        &["--n=65536"],
        "Test passed",
    ),
    sample("2_Concepts_and_Techniques/scalarProd", &[], "Test passed"),
    sample("0_Introduction/mergeSort", &[], "OK"),
    sample("0_Introduction/simpleAtomicIntrinsics", &[], "returned OK"),
    sample("0_Introduction/simpleVoteIntrinsics", &[], "OK"),
    sample("0_Introduction/simpleTemplates", &[], "0 Failures"),
    sample("0_Introduction/simplePrintf", &[], "Value is:10"),
    sample("0_Introduction/clock", &[], "Average clocks/block"),
    // Checks its array and has an exit status, but says nothing when all is well.
    sample(
        "0_Introduction/asyncAPI",
        &[],
        "time spent executing by the GPU",
    ),
    sample("1_Utilities/deviceQuery", &[], "Result = PASS"),
    sample("2_Concepts_and_Techniques/histogram", &[], "Test passed"),
    sample(
        "2_Concepts_and_Techniques/shfl_scan",
        &[],
        "diff (GPUvsCPU) = 0",
    ),
    sample(
        "2_Concepts_and_Techniques/threadFenceReduction",
        &["--n=65536"],
        "GPU result",
    ),
    sample("5_Domain_Specific/fastWalshTransform", &[], "Test passed"),
    sample(
        "6_Performance/transpose",
        &["-dimX=64", "-dimY=64"],
        "Test passed",
    ),
];

/// Time that one compilation may take.
const BUILD_LIMIT: Duration = Duration::from_secs(300);

/// Builds and runs the samples of the checkout `samples` whose folder contains `filter`.
///
/// # Errors
/// When the checkout or the toolchain is missing, or a program cannot be started.
pub fn run(
    weft: &Weft,
    toolchain: &Path,
    samples: &Path,
    out: &Path,
    filter: &str,
    table: &mut Table,
) -> Result<()> {
    let nvcc = toolchain.join("cuda/bin/nvcc");
    ensure!(
        nvcc.is_file(),
        "{} is missing: run `cargo xtask toolchain`",
        nvcc.display()
    );
    ensure!(
        samples.join("Samples").is_dir() && samples.join("Common").is_dir(),
        "{} is no checkout of cuda-samples",
        samples.display()
    );
    for sample in SAMPLES
        .iter()
        .filter(|sample| sample.folder.contains(filter))
    {
        let name = sample.folder.rsplit('/').next().unwrap_or(sample.folder);
        let folder = std::path::absolute(out.join(name))?;
        fs::create_dir_all(&folder)
            .with_context(|| format!("failed to create {}", folder.display()))?;
        let program = folder.join(name);
        let source = samples.join("Samples").join(sample.folder);
        if let Err(error) = build(
            &nvcc,
            weft.folder(),
            samples,
            &source,
            sample.kernel,
            &program,
        ) {
            table.add(Case {
                name: name.to_owned(),
                verdict: Verdict::Fail(format!("not built: {error:#}")),
                elapsed: Duration::ZERO,
            });
            continue;
        }
        let finished = weft.run(&program, sample.arguments, Some(&folder))?;
        let verdict = if !finished.succeeded() {
            Verdict::Fail(finished.reason())
        } else if finished.stdout.contains(sample.says) {
            Verdict::Pass
        } else {
            Verdict::Fail(format!("did not print \"{}\"", sample.says))
        };
        table.add(Case {
            name: name.to_owned(),
            verdict,
            elapsed: finished.elapsed,
        });
    }
    Ok(())
}

fn build(
    nvcc: &Path,
    libraries: &Path,
    samples: &Path,
    source: &Path,
    kernel: Option<&str>,
    program: &Path,
) -> Result<()> {
    if program.is_file() {
        return Ok(());
    }
    let mut sources = sources(source)?;
    let include = samples.join("Common");
    let base = |nvcc: &Path| {
        let mut command = Command::new(nvcc);
        command
            .arg("-std=c++17")
            .arg("-gencode=arch=compute_80,code=compute_80")
            .arg("-I")
            .arg(&include)
            .arg("-I")
            .arg(source);
        command
    };
    if let Some(kernel) = kernel {
        sources.retain(|path| path.file_stem().is_none_or(|stem| stem != kernel));
        let mut command = base(nvcc);
        command
            .arg("-fatbin")
            .arg(source.join(format!("{kernel}.cu")))
            .arg("-o")
            .arg(program.with_file_name(format!("{kernel}64.fatbin")));
        compile(&mut command)?;
    }
    let mut command = base(nvcc);
    command.args(["-cudart", "shared"]).args(&sources);
    if kernel.is_some() {
        command.arg("-L").arg(libraries).arg("-l:libcuda.so");
    }
    command.arg("-o").arg(program);
    compile(&mut command)
}

fn compile(command: &mut Command) -> Result<()> {
    let finished = run_limited(command, BUILD_LIMIT)?;
    ensure!(finished.succeeded(), "{}", finished.reason());
    Ok(())
}

/// The C++ and CUDA sources of a sample, by name.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut sources = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "cu" || extension == "cpp")
        {
            sources.push(path);
        }
    }
    sources.sort();
    Ok(sources)
}
