//! `weft-ptxas`: stands where a compiler runs an assembler for Nvidia GPUs.
//!
//! Frameworks such as Triton turn PTX into machine code before they call the driver. This program
//! takes the same arguments, checks that the PTX compiles for the chip, and hands it on
//! unchanged, so that the driver gets PTX. `weft run` points `TRITON_PTXAS_PATH` at it.
#![forbid(unsafe_code)]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use weft_compiler::{Options, compile_kernel, kernels};
use weft_ptx::source::{LineIndex, render_all};

/// What `--version` says. The number is that of the CUDA release whose PTX version programs may
/// use: they choose by the words `release MAJOR.MINOR`.
const VERSION: &str = concat!(
    "weft-ptxas ",
    env!("CARGO_PKG_VERSION"),
    ": hands PTX on to Weft; understands PTX of CUDA release 13.1"
);

fn main() -> ExitCode {
    match run(std::env::args_os().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Vec<OsString>) -> Result<()> {
    if arguments
        .iter()
        .any(|argument| argument == "--version" || argument == "-V")
    {
        say(VERSION);
        return Ok(());
    }
    let Request {
        input,
        output,
        capability,
    } = Request::of(arguments)?;
    let source = fs::read(&input).with_context(|| format!("failed to read {}", input.display()))?;
    check(&input.display().to_string(), &source, capability)?;
    fs::write(&output, &source).with_context(|| format!("failed to write {}", output.display()))
}

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    input: PathBuf,
    output: PathBuf,
    capability: (u32, u32),
}

impl Request {
    /// Reads the options that matter here; the others tune machine code.
    fn of(arguments: Vec<OsString>) -> Result<Self> {
        let mut input = None;
        let mut output = None;
        let mut capability = Options::default().compute_capability;
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            let text = argument.to_string_lossy();
            if text == "-o" || text == "--output-file" {
                output = rest.next().map(PathBuf::from);
            } else if text == "-arch" || text == "--gpu-name" {
                capability = target(&rest.next().unwrap_or_default())?;
            } else if let Some(name) = text.strip_prefix("--gpu-name=") {
                capability = target(OsStr::new(name))?;
            } else if let Some(name) = text.strip_prefix("-arch=") {
                capability = target(OsStr::new(name))?;
            } else if !text.starts_with('-') {
                input = Some(PathBuf::from(argument));
            }
        }
        let input = input.context("no input file is named")?;
        let output = output.unwrap_or_else(|| PathBuf::from("elf.o"));
        Ok(Self {
            input,
            output,
            capability,
        })
    }
}

/// The compute capability of a target such as `sm_89` or `sm_90a`.
fn target(name: &OsStr) -> Result<(u32, u32)> {
    let text = name.to_string_lossy();
    let digits = text.strip_prefix("sm_").unwrap_or(&text);
    match digits
        .trim_end_matches(|c: char| c.is_ascii_alphabetic())
        .parse::<u32>()
    {
        Ok(number) => Ok((number / 10, number % 10)),
        Err(_) => bail!("`{text}` is no target such as sm_89"),
    }
}

/// Compiles every kernel, so that what cannot run is told where the PTX is made.
fn check(name: &str, source: &[u8], capability: (u32, u32)) -> Result<()> {
    let module = match weft_ptx::parse(source) {
        Ok(module) => module,
        Err(errors) => bail!("invalid PTX\n{}", render_all(name, source, &errors)),
    };
    let options = Options {
        compute_capability: capability,
        ..Options::default()
    };
    let index = LineIndex::new(source);
    for kernel in kernels(&module) {
        if let Err(errors) = compile_kernel(&module, source, kernel, &options) {
            let text: String = errors
                .iter()
                .map(|error| index.render(name, error.span, &error.kind.to_string()))
                .collect();
            bail!("failed to compile kernel `{kernel}`\n{text}");
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the answer to --version")]
fn say(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "the one place where a failure is told")]
fn complain(text: &str) {
    eprintln!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(words: &[&str]) -> Result<Request> {
        Request::of(words.iter().map(OsString::from).collect())
    }

    #[test]
    fn tuning_options_are_passed_over() {
        let words = "-lineinfo -v --regAllocOptLevel=2 --gpu-name=sm_80 k.ptx -o k.ptx.o";
        let words: Vec<&str> = words.split(' ').collect();
        let expected = Request {
            input: PathBuf::from("k.ptx"),
            output: PathBuf::from("k.ptx.o"),
            capability: (8, 0),
        };
        assert_eq!(request(&words).unwrap(), expected);
        assert_eq!(
            request(&["-arch", "sm_90a", "k.ptx"]).unwrap().capability,
            (9, 0)
        );
        assert!(request(&["--gpu-name=fast", "k.ptx"]).is_err());
        assert!(request(&["-v"]).is_err());
    }

    #[test]
    fn what_does_not_compile_is_refused_with_its_line() {
        let head = ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k() {\n";
        let good = format!("{head}ret; }}");
        assert!(check("k.ptx", good.as_bytes(), (8, 0)).is_ok());
        let bad = format!("{head}tex.1d.v4.f32.s32 {{%r0,%r1,%r2,%r3}}, [t, {{%r4}}];\nret; }}");
        let error = check("k.ptx", bad.as_bytes(), (8, 0))
            .unwrap_err()
            .to_string();
        assert!(error.contains("k.ptx:5"), "{error}");
    }

    #[test]
    fn the_version_is_one_that_triton_reads() {
        assert!(VERSION.contains("release 13.1"));
    }
}
