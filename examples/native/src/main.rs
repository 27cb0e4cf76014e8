//! A CUDA program, as a stranger would write it: it opens `libcuda.so.1` from the loader's
//! path, loads PTX, launches kernels, and compares every result with the CPU.
//!
//! It knows nothing of Weft and runs as it is on a machine with an Nvidia GPU. Under
//! `weft run` the loader finds Weft's library instead. It exits with 0 when all results equal
//! the CPU's, else with 1.

mod cuda;
mod workload;

use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Runs every workload; says whether all were right.
fn run() -> Result<bool, cuda::Error> {
    let driver = cuda::Driver::open()?;
    let device = driver.first_device()?;
    let (major, minor) = device.compute_capability()?;
    say(&format!(
        "device 0: {}, compute capability {major}.{minor}",
        device.name()?
    ));
    let context = device.context()?;
    let outcomes = [
        workload::vector_add(&context)?,
        workload::sgemm(&context)?,
        workload::mandelbrot(&context)?,
    ];
    for outcome in &outcomes {
        if let Some(picture) = &outcome.picture {
            say(picture);
        }
    }
    for outcome in &outcomes {
        say(&outcome.to_string());
    }
    Ok(outcomes.iter().all(workload::Outcome::is_right))
}

#[expect(clippy::print_stdout, reason = "the program's output")]
fn say(line: &str) {
    println!("{line}");
}

#[expect(clippy::print_stderr, reason = "the program's own failure")]
fn complain(error: &cuda::Error) {
    eprintln!("error: {error}");
}
