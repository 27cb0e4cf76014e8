//! NVIDIA's CUDA samples, from a checkout that the user has, built against the shared runtime.
//!
//! The defaults are meant for hardware. Sizes are reduced through the samples' own options where they have
//! them, else by other values for their own constants: the sources are copied, and each edit is listed here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::process::{Finished, Weft, run_limited};
use crate::table::{Case, Table, Verdict};

/// One sample.
struct Sample {
    /// Folder below `Samples`.
    folder: &'static str,
    /// A source that is not part of the host program but is compiled to a fat binary and PTX beside it.
    kernel: Option<&'static str>,
    arguments: &'static [&'static str],
    /// Constants of the sources and what they become.
    edits: &'static [(&'static str, &'static str)],
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
        edits: &[],
        says,
    }
}

const fn edited(
    folder: &'static str,
    edits: &'static [(&'static str, &'static str)],
    says: &'static str,
) -> Sample {
    Sample {
        edits,
        ..sample(folder, &[], says)
    }
}

const fn driver_sample(folder: &'static str, kernel: &'static str, says: &'static str) -> Sample {
    Sample {
        folder,
        kernel: Some(kernel),
        arguments: &[],
        edits: &[],
        says,
    }
}

/// Samples that check their results and need no library beside the runtime and the driver.
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
    edited(
        "5_Domain_Specific/fastWalshTransform",
        &[("log2Data   = 23", "log2Data   = 16")],
        "Test passed",
    ),
    sample("0_Introduction/fp16ScalarProduct", &[], "PASSED"),
    sample("0_Introduction/simpleAWBarrier", &[], "PASSED"),
    driver_sample(
        "0_Introduction/simpleDrvRuntime",
        "vectorAdd_kernel",
        "Result = PASS",
    ),
    sample("0_Introduction/simpleMultiCopy", &[], "Avg. speedup gained"),
    edited(
        "0_Introduction/simpleOccupancy",
        &[("count = 1000000", "count = 100000")],
        "Test PASSED",
    ),
    sample("0_Introduction/simpleP2P", &[], "Test passed"),
    driver_sample(
        "0_Introduction/vectorAddMMAP",
        "vectorAdd_kernel",
        "Result = PASS",
    ),
    driver_sample("1_Utilities/deviceQueryDrv", "", "Result = PASS"),
    edited(
        "2_Concepts_and_Techniques/convolutionSeparable",
        &[
            ("imageW     = 3072", "imageW     = 256"),
            ("imageH     = 3072", "imageH     = 256"),
            ("iterations = 16", "iterations = 1"),
        ],
        "Test passed",
    ),
    edited(
        "2_Concepts_and_Techniques/convolutionTexture",
        &[
            ("imageW     = 3072", "imageW     = 256"),
            ("imageH     = 3072 / 2", "imageH     = 128"),
            ("iterations = 10", "iterations = 1"),
        ],
        "Test passed",
    ),
    edited(
        "2_Concepts_and_Techniques/dct8x8",
        &[("numIterations = 100", "numIterations = 1")],
        "Test passed",
    ),
    sample(
        "2_Concepts_and_Techniques/radixSortThrust",
        &["-n=10000", "-iterations=1"],
        "Test passed",
    ),
    sample(
        "2_Concepts_and_Techniques/reductionMultiBlockCG",
        &["--n=65536"],
        "GPU result =",
    ),
    edited(
        "2_Concepts_and_Techniques/streamOrderedAllocation",
        &[("MAX_ITER 20", "MAX_ITER 2")],
        "streamOrderedAllocationPostSync PASSED",
    ),
    sample(
        "2_Concepts_and_Techniques/streamOrderedAllocationP2P",
        &[],
        "PASSED",
    ),
    sample(
        "3_CUDA_Features/cdpAdvancedQuicksort",
        &["size=1000"],
        "cdpAdvancedQuicksort PASSED",
    ),
    sample(
        "3_CUDA_Features/globalToShmemAsyncCopy",
        &["-wA=64", "-hA=64", "-wB=64", "-hB=64"],
        "Result = PASS",
    ),
    edited(
        "3_CUDA_Features/graphMemoryNodes",
        &[("NUM_ELEMENTS       8000000", "NUM_ELEMENTS       80000")],
        "Validation PASSED!",
    ),
    edited("3_CUDA_Features/jacobiCudaGraphs", &[], "PASSED"),
    driver_sample(
        "3_CUDA_Features/memMapIPCDrv",
        "memMapIpc_kernel",
        "verifying",
    ),
    sample("3_CUDA_Features/newdelete", &[], "OK"),
    edited(
        "3_CUDA_Features/warpAggregatedAtomicsCG",
        &[(
            "NUM_ELEMS             10000000",
            "NUM_ELEMS             100000",
        )],
        "PASSED",
    ),
    sample("4_CUDA_Libraries/lineOfSight", &[], "Test passed"),
    edited(
        "5_Domain_Specific/BlackScholes",
        &[
            ("OPT_N          = 4000000", "OPT_N          = 40000"),
            ("NUM_ITERATIONS = 512", "NUM_ITERATIONS = 1"),
        ],
        "Test passed",
    ),
    edited(
        "5_Domain_Specific/binomialOptions",
        &[("MAX_OPTIONS 1024", "MAX_OPTIONS 16")],
        "Test passed",
    ),
    sample("5_Domain_Specific/dxtc", &[], "Test passed"),
    edited(
        "6_Performance/LargeKernelParameter",
        &[("TEST_ITERATIONS     (1000)", "TEST_ITERATIONS     (2)")],
        "Test passed!",
    ),
    edited(
        "6_Performance/alignedTypes",
        &[
            ("MEM_SIZE       = 50000000", "MEM_SIZE       = 500000"),
            ("NUM_ITERATIONS = 32", "NUM_ITERATIONS = 1"),
        ],
        "Test passed",
    ),
    sample(
        "6_Performance/cudaGraphsPerfScaling",
        &["3", "1", "20"],
        "Test passed",
    ),
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
        if table.passed_earlier(name) {
            continue;
        }
        let folder = std::path::absolute(out.join(name))?;
        let program = folder.join(name);
        let built = copy(
            &samples.join("Samples").join(sample.folder),
            &folder,
            sample.edits,
        )
        .and_then(|()| build(&nvcc, weft.folder(), samples, &folder, sample, &program));
        let (verdict, elapsed) = match built {
            Err(error) => (
                Verdict::Fail(format!("not built: {error:#}")),
                Duration::ZERO,
            ),
            Ok(()) => {
                let finished = weft.run(&program, sample.arguments, Some(&folder))?;
                (judge(sample, &finished), finished.elapsed)
            }
        };
        table.add(Case {
            name: name.to_owned(),
            verdict,
            elapsed,
        })?;
    }
    Ok(())
}

fn judge(sample: &Sample, finished: &Finished) -> Verdict {
    if !finished.succeeded() {
        return Verdict::Fail(finished.reason());
    }
    // A sample that does not want to run on this device says so and succeeds.
    if let Some(line) = finished.stdout.lines().find(|line| line.contains("Waiv")) {
        return Verdict::Fail(format!("declined: {}", line.trim()));
    }
    // One of them goes on after a wrong result.
    if let Some(line) = finished
        .stdout
        .lines()
        .find(|line| line.contains("mismatch"))
    {
        return Verdict::Fail(line.trim().to_owned());
    }
    if finished.stdout.contains(sample.says) {
        Verdict::Pass
    } else {
        Verdict::Fail(format!("did not print \"{}\"", sample.says))
    }
}

/// Copies a sample's folder, and puts other values in its sources. What is there already is kept.
fn copy(from: &Path, to: &Path, edits: &[(&str, &str)]) -> Result<()> {
    if to.is_dir() {
        return Ok(());
    }
    copy_folder(from, to)?;
    for &(constant, value) in edits {
        let mut found = false;
        for entry in fs::read_dir(to)? {
            let path = entry?.path();
            let Ok(text) = fs::read_to_string(&path) else {
                continue;
            };
            if text.contains(constant) {
                found = true;
                fs::write(&path, text.replace(constant, value))?;
            }
        }
        ensure!(found, "`{constant}` is not in {}", from.display());
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let context = || format!("failed to copy {}", from.display());
    fs::create_dir_all(to).with_context(context)?;
    for entry in fs::read_dir(from).with_context(context)? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_folder(&path, &target)?;
        } else {
            fs::copy(&path, &target).with_context(context)?;
        }
    }
    Ok(())
}

fn build(
    nvcc: &Path,
    libraries: &Path,
    samples: &Path,
    folder: &Path,
    sample: &Sample,
    program: &Path,
) -> Result<()> {
    if program.is_file() {
        return Ok(());
    }
    let mut sources = sources(folder)?;
    let base = |nvcc: &Path| {
        let mut command = Command::new(nvcc);
        command
            .args(["-std=c++17", "--extended-lambda"])
            .arg("-gencode=arch=compute_80,code=compute_80")
            .arg("-I")
            .arg(samples.join("Common"))
            .arg("-I")
            .arg(folder);
        command
    };
    if let Some(kernel) = sample.kernel.filter(|kernel| !kernel.is_empty()) {
        sources.retain(|path| path.file_stem().is_none_or(|stem| stem != kernel));
        // Some look for the one, some for the other.
        for (option, extension) in [("-fatbin", "fatbin"), ("-ptx", "ptx")] {
            let mut command = Command::new(nvcc);
            command
                .args(["-std=c++17", "-arch=compute_80", option, "-I"])
                .arg(samples.join("Common"))
                .arg(folder.join(format!("{kernel}.cu")))
                .arg("-o")
                .arg(folder.join(format!("{kernel}64.{extension}")));
            compile(&mut command)?;
        }
    }
    let mut command = base(nvcc);
    command.args(["-cudart", "shared"]).args(&sources);
    let common = samples.join("Common/helper_multiprocess.cpp");
    if common.is_file() && uses(&sources, "helper_multiprocess.h") {
        command.arg(common);
    }
    if sample.kernel.is_some() {
        command.arg("-L").arg(libraries).arg("-l:libcuda.so");
    }
    command.arg("-o").arg(program);
    compile(&mut command)
}

fn uses(sources: &[PathBuf], header: &str) -> bool {
    sources
        .iter()
        .any(|path| fs::read_to_string(path).is_ok_and(|text| text.contains(header)))
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
