//! `weft compile`: one PTX file to IR, assembly or an ELF image, to read or to keep.
//!
//! Errors of the parser and of the compiler are shown with the source line and a caret.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use weft_compiler::ir::LaunchShape;
use weft_compiler::{Options, compile_kernel, lower};
use weft_ptx::ast::Module;
use weft_ptx::source::LineIndex;

use crate::failure::Failure;

/// What to make of the PTX.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Emit {
    /// The compiler's intermediate representation, before optimisation.
    Ir,
    /// RISC-V assembly, with the PTX line of each run of instructions.
    Asm,
    /// A RISC-V ELF file with the code and what a launch must know.
    Elf,
}

/// Compile PTX to RISC-V and show the result.
///
/// Takes what `nvcc -ptx` writes. Errors are shown with their source lines.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  weft compile vector_add.ptx
  weft compile kernels.ptx --kernel sgemm --emit ir
  weft compile vector_add.ptx --block 256 --grid 16384
  weft compile vector_add.ptx --emit elf -o vector_add.elf")]
pub(crate) struct Arguments {
    /// The PTX file.
    file: PathBuf,

    /// The kernel to compile [default: all; with `--emit elf` there must be only one].
    #[arg(long, value_name = "NAME")]
    kernel: Option<String>,

    /// What to write.
    #[arg(long, value_enum, default_value = "asm")]
    emit: Emit,

    /// Threads of a block, X[,Y[,Z]], of the launches that the code is for [default: any].
    ///
    /// A launch compiles for its class: whether blocks are one row or rows of whole warps, whether
    /// all warps are full, and whether the grid is far from the limits of 32 bits.
    #[arg(long, value_name = "THREADS", value_parser = extents)]
    block: Option<[u32; 3]>,

    /// Blocks of a grid, X[,Y[,Z]], of the launches that the code is for [default: any].
    #[arg(long, value_name = "BLOCKS", value_parser = extents, requires = "block")]
    grid: Option<[u32; 3]>,

    /// Where to write it [default: stdout].
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
}

/// One to three numbers above 0; those left out are 1.
fn extents(text: &str) -> Result<[u32; 3], String> {
    let mut extents = [1; 3];
    let numbers: Vec<&str> = text.split(',').collect();
    if numbers.len() > extents.len() {
        return Err("more than three numbers".to_owned());
    }
    for (extent, number) in extents.iter_mut().zip(numbers) {
        *extent = number
            .trim()
            .parse()
            .map_err(|_| format!("`{number}` is not a number"))?;
        if *extent == 0 {
            return Err("an extent of 0".to_owned());
        }
    }
    Ok(extents)
}

/// Compiles the file.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let source = fs::read(&arguments.file)
        .with_context(|| format!("failed to read {}", arguments.file.display()))?;
    if source.contains(&0) {
        let failure = Failure::new(format!("{} is not PTX text", arguments.file.display()));
        return Err(failure.hint("nvcc -ptx writes PTX text").into());
    }
    let file = Source {
        name: arguments.file.display().to_string(),
        index: LineIndex::new(&source),
    };
    let module = weft_ptx::parse(&source).map_err(|errors| {
        file.failure(
            errors
                .iter()
                .map(|error| (error.span, error.cause.to_string())),
        )
    })?;

    let compilation = Compilation {
        file,
        source: &source,
        module: &module,
        options: Options {
            launch: match arguments.block {
                Some(block) => LaunchShape::of(arguments.grid, block),
                None => LaunchShape::default(),
            },
            ..Options::default()
        },
    };
    let mut output = Vec::new();
    for kernel in compilation.selected(arguments)? {
        output.extend(compilation.emit(kernel, arguments.emit)?);
    }
    write(&output, arguments.output.as_deref())?;
    Ok(ExitCode::SUCCESS)
}

/// A parsed file that is being compiled.
struct Compilation<'a> {
    file: Source<'a>,
    source: &'a [u8],
    module: &'a Module<'a>,
    options: Options,
}

impl Compilation<'_> {
    /// The kernels asked for.
    fn selected(&self, arguments: &Arguments) -> Result<Vec<&str>, Failure> {
        let file = &self.file.name;
        let kernels = weft_compiler::kernels(self.module);
        let listed = || format!("kernels of {file}: {}", kernels.join(", "));
        match &arguments.kernel {
            _ if kernels.is_empty() => Err(Failure::new(format!("{file} has no kernel"))),
            Some(name) => match kernels.iter().find(|kernel| *kernel == name) {
                Some(kernel) => Ok(vec![kernel]),
                None => Err(Failure::new(format!("{file} has no kernel `{name}`")).hint(listed())),
            },
            None if arguments.emit == Emit::Elf && kernels.len() > 1 => Err(Failure::new(
                "an ELF file holds one kernel: choose with --kernel",
            )
            .hint(listed())),
            None => Ok(kernels),
        }
    }

    fn emit(&self, kernel: &str, emit: Emit) -> Result<Vec<u8>> {
        let options = &self.options;
        let failure = |errors: Vec<weft_compiler::Error>| {
            let located = errors
                .iter()
                .map(|error| (error.span, error.kind.to_string()));
            self.file.failure(located)
        };
        let image = || compile_kernel(self.module, self.source, kernel, options).map_err(failure);
        Ok(match emit {
            Emit::Ir => {
                let unit = lower(self.module, self.source, kernel, options).map_err(failure)?;
                format!("{unit}\n").into_bytes()
            }
            Emit::Asm => image()?.disassemble().into_bytes(),
            Emit::Elf => image()?.to_elf().context("failed to make an ELF file")?,
        })
    }
}

fn write(output: &[u8], file: Option<&Path>) -> Result<()> {
    match file {
        Some(file) => {
            fs::write(file, output).with_context(|| format!("failed to write {}", file.display()))
        }
        None => match io::stdout().write_all(output) {
            // A reader such as `head` that has seen enough is no failure.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result.context("failed to write to stdout"),
        },
    }
}

/// Most errors that are shown; all are counted.
const ERRORS_SHOWN_MAX: usize = 20;

/// A source file that errors point into.
struct Source<'a> {
    name: String,
    index: LineIndex<'a>,
}

impl Source<'_> {
    /// All errors with their source lines, as one failure.
    fn failure(&self, errors: impl IntoIterator<Item = (weft_ptx::ast::Span, String)>) -> Failure {
        let mut rendered = String::new();
        let mut count = 0;
        for (span, message) in errors {
            if count < ERRORS_SHOWN_MAX {
                rendered.push_str(&self.index.render(&self.name, span, &message));
                rendered.push('\n');
            }
            count += 1;
        }
        let plural = if count == 1 { "" } else { "s" };
        Failure::new(format!(
            "failed to compile {}: {count} error{plural}",
            self.name
        ))
        .details(rendered)
    }
}
