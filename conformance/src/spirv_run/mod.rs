//! ZLUDA's `spirv_run` suite: small PTX kernels of one instruction family each, with inputs and expected
//! outputs as Rust literals in its `mod.rs`.
//!
//! The suite is read from a folder that the user has (`ptx/src/test/spirv_run` of vosen/ZLUDA). Every
//! kernel has the name of its file and takes two pointers, input and output; the kernels of warp tests
//! have no input and run with 64 threads. Each runs in a process of its own, so that one that
//! does not end costs its time limit and nothing else.
//!
//! Expected values are compared as the suite does, by value and exactly: also for functions that the PTX
//! manual allows an error.

mod cases;
mod literals;

use std::ffi::CString;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::driver_api::{CudaError, Driver};
use crate::process::run_limited;
use crate::table::{Case, Table, Verdict};
use cases::TestCase;

/// Dynamic shared memory that the suite gives every kernel, in bytes.
const SHARED_BYTES: u32 = 1024;

/// Warp tests whose second warp reads and writes past the end of its buffers. Hardware does not notice what
/// happens within a page; here it is an illegal address. The first warp gives all of the expected output.
const ONE_WARP: [&str; 2] = ["ldmatrix", "mma_m16n8k16_f32_bf16_bf16_f32_2x"];

/// Starts of lines by which a child tells its parent how its case ended.
const FAILED: &str = "failed: ";

/// Runs the cases whose name contains `filter`, each in a child process that runs this program with
/// the arguments of `one`.
///
/// # Errors
/// When the folder holds no such suite, or a child cannot be started.
pub fn run(
    folder: &Path,
    filter: &str,
    limit: Duration,
    one: impl Fn(&str) -> Result<Command>,
    table: &mut Table,
) -> Result<()> {
    for case in read_cases(folder)? {
        if !case.name.contains(filter) {
            continue;
        }
        let (verdict, elapsed) = match &case.expected {
            None => (
                Verdict::Skip("the suite gives no expected output".to_owned()),
                Duration::ZERO,
            ),
            Some(_) => {
                let mut command = one(&case.name)?;
                if let Some(capability) = newer_target(&read_ptx(folder, &case.name)?) {
                    command.env("WEFT_CC", capability);
                }
                let finished = run_limited(&mut command, limit)?;
                let told = finished
                    .stdout
                    .lines()
                    .find_map(|line| line.strip_prefix(FAILED));
                let verdict = match told {
                    None if finished.succeeded() => Verdict::Pass,
                    None => Verdict::Fail(finished.reason()),
                    Some(reason) => Verdict::Fail(reason.to_owned()),
                };
                (verdict, finished.elapsed)
            }
        };
        table.add(Case {
            name: case.name,
            verdict,
            elapsed,
        })?;
    }
    Ok(())
}

/// Runs the case `name` in this process through the driver library at `library`, and prints how it
/// failed when it did.
///
/// # Errors
/// When there is no such case or the library cannot be loaded; a failed case is `Ok(false)`.
#[expect(clippy::print_stdout, reason = "how a child tells its parent")]
pub fn run_one(folder: &Path, name: &str, library: &Path) -> Result<bool> {
    let Some(case) = read_cases(folder)?
        .into_iter()
        .find(|case| case.name == name)
    else {
        bail!("the suite has no case {name}");
    };
    // SAFETY: the user names the library as the driver under test.
    let driver = unsafe { Driver::load(library) }
        .with_context(|| format!("failed to load {}", library.display()))?;
    let ptx = read_ptx(folder, name)?;
    match execute(&driver, &case, &ptx) {
        Ok(()) => Ok(true),
        Err(reason) => {
            println!("{FAILED}{reason}");
            Ok(false)
        }
    }
}

fn read_ptx(folder: &Path, name: &str) -> Result<Vec<u8>> {
    fs::read(folder.join(format!("{name}.ptx")))
        .with_context(|| format!("failed to read {name}.ptx"))
}

/// The compute capability that a case needs, if the device must be told to report it: the suite
/// has kernels for devices newer than the one that is reported by default.
fn newer_target(ptx: &[u8]) -> Option<String> {
    const DEFAULT: u32 = 89;
    let text = String::from_utf8_lossy(ptx);
    let target = text
        .lines()
        .find_map(|line| line.trim().strip_prefix(".target sm_"))?;
    let digits: String = target.chars().take_while(char::is_ascii_digit).collect();
    let number: u32 = digits.parse().ok().filter(|&number| number > DEFAULT)?;
    Some(format!("{}.{}", number / 10, number % 10))
}

fn read_cases(folder: &Path) -> Result<Vec<TestCase>> {
    let path = folder.join("mod.rs");
    let text =
        fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    cases::parse(&text).with_context(|| format!("failed to parse {}", path.display()))
}

/// Loads, launches and compares; an error says in one line what went wrong.
fn execute(driver: &Driver, case: &TestCase, ptx: &[u8]) -> std::result::Result<(), String> {
    let expected = case.expected.as_ref().ok_or("no expected output")?;
    let at = |step: &'static str| move |error: CudaError| format!("{step}: {error}");
    driver.init().map_err(at("cuInit"))?;
    let device = driver.device_get(0).map_err(at("cuDeviceGet"))?;
    let context = driver.ctx_create(device).map_err(at("cuCtxCreate"))?;
    let module = driver.module_load_logged(ptx).map_err(|(error, log)| {
        let log = log.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("cuModuleLoadDataEx: {error}: {log}")
    })?;
    let name = CString::new(case.name.as_str()).map_err(|error| error.to_string())?;
    let function = driver
        .module_get_function(module, &name)
        .map_err(at("cuModuleGetFunction"))?;

    let output_bytes = expected.bytes().len();
    let output = driver.mem_alloc(output_bytes).map_err(at("cuMemAlloc"))?;
    driver
        .memset_d8(output, 0, output_bytes)
        .map_err(at("cuMemsetD8"))?;
    let parameters = match &case.input {
        // As the suite does: some of these kernels declare two parameters and use the second.
        None => vec![output, output],
        Some(input) => {
            let address = driver
                .mem_alloc(input.bytes().len())
                .map_err(at("cuMemAlloc"))?;
            driver
                .memcpy_htod(address, &input.bytes())
                .map_err(at("cuMemcpyHtoD"))?;
            vec![address, output]
        }
    };
    let threads = match ONE_WARP.contains(&case.name.as_str()) {
        true => case.threads.min(32),
        false => case.threads,
    };
    driver
        .launch(
            function,
            [1, 1, 1],
            [threads, 1, 1],
            SHARED_BYTES,
            &parameters,
        )
        .map_err(at("cuLaunchKernel"))?;
    driver.ctx_synchronize().map_err(at("cuCtxSynchronize"))?;
    let mut got = vec![0; output_bytes];
    driver
        .memcpy_dtoh(&mut got, output)
        .map_err(at("cuMemcpyDtoH"))?;
    driver.module_unload(module).map_err(at("cuModuleUnload"))?;
    driver.ctx_destroy(context).map_err(at("cuCtxDestroy"))?;
    expected.compare(&got)
}
