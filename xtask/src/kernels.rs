//! `cargo xtask kernels`: CUDA sources and the PTX checked in beside them.
//!
//! The PTX is what the parser, the compiler and the benchmarks read, so it is in the tree and nobody
//! needs a CUDA compiler to build or test. This task writes it again, or with `--check` says which files
//! differ from what the pinned compiler makes. `build-examples` makes the executables that the
//! conformance runner starts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::SystemTime;

use anyhow::{Context as _, Result, ensure};

use crate::cargo::workspace_root;
use crate::toolchain::Toolchain;

/// Oldest compute capability that the kernels are written for.
const ARCHITECTURE: &str = "compute_80";

/// What every compilation gets. Without contraction on the host side, a CPU reference computes what its
/// source says.
const NVCC_FLAGS: &[&str] = &["-std=c++17", "-Xcompiler", "-ffp-contract=off"];

/// Compilations that must all differ from the file in the tree before it is called stale.
const COMPILATIONS_BEFORE_STALE: u32 = 5;

/// The program that the variants are made of.
const VARIANT_SOURCE: &str = "vector_add";

/// Executables of one program that differ in how they carry its code: name and compiler flags.
const VARIANTS: &[(&str, &[&str])] = &[
    (
        "compress_none",
        &["-cudart", "shared", PTX_ONLY, "-compress-mode", "none"],
    ),
    (
        "compress_speed",
        &["-cudart", "shared", PTX_ONLY, "-compress-mode", "speed"],
    ),
    (
        "compress_size",
        &["-cudart", "shared", PTX_ONLY, "-compress-mode", "size"],
    ),
    ("default_flags", &["-cudart", "shared"]),
    (
        "debug_info",
        &["-cudart", "shared", PTX_ONLY, "-G", "-lineinfo"],
    ),
    ("relocatable", &["-cudart", "shared", PTX_ONLY, "-rdc=true"]),
    // These two must be refused with a message that says why.
    (
        "sass_only",
        &["-cudart", "shared", "-gencode=arch=compute_80,code=sm_80"],
    ),
    ("static_cudart", &["-cudart", "static", PTX_ONLY]),
];

const PTX_ONLY: &str = "-gencode=arch=compute_80,code=compute_80";

/// Arguments of `kernels`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folder of `cargo xtask toolchain`; relative to the workspace.
    #[arg(long, default_value = "toolchain", global = true)]
    toolchain: PathBuf,
    /// Change nothing; fail when a PTX file is not what its source compiles to.
    #[arg(long)]
    check: bool,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Compile the example programs, and one of them in every form of fat binary.
    BuildExamples {
        /// Folder for the executables; relative to the workspace.
        #[arg(long, default_value = "target/examples-cuda")]
        out: PathBuf,
    },
}

/// Writes or checks the PTX, or builds the example programs.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let toolchain = Toolchain::open(&arguments.toolchain)?;
    match &arguments.action {
        Some(Action::BuildExamples { out }) => build_examples(&toolchain, out),
        None => regenerate(&toolchain, arguments.check),
    }
}

/// Compiles every source to PTX and writes it, or compares it with the file in the tree.
fn regenerate(toolchain: &Toolchain, check: bool) -> Result<()> {
    let root = workspace_root();
    let kernels = kernels(&root)?;
    let scratch = root.join("target/kernels");
    fs::create_dir_all(&scratch)
        .with_context(|| format!("failed to create {}", scratch.display()))?;

    let findings = Mutex::new(Vec::new());
    in_parallel(&kernels.sources, |(source, target)| {
        let name = stem(source);
        let present = fs::read_to_string(target).unwrap_or_default();
        let raw = scratch.join(format!("{name}.ptx"));
        let Some(text) = compile_unless(&present, || compile_to_ptx(toolchain, source, &raw))?
        else {
            return Ok(());
        };
        if !check {
            fs::write(target, text)
                .with_context(|| format!("failed to write {}", target.display()))?;
        }
        findings
            .lock()
            .expect("no thread panics while it holds the lock")
            .push(name);
        Ok(())
    })?;

    let mut changed = findings
        .into_inner()
        .expect("no thread panics while it holds the lock");
    changed.sort();
    let orphans = kernels.orphans()?;
    if check {
        let names: Vec<String> = orphans.iter().map(|path| stem(path)).collect();
        ensure!(
            changed.is_empty() && orphans.is_empty(),
            "stale PTX: [{}], without a source: [{}]; run `cargo xtask kernels`",
            changed.join(", "),
            names.join(", ")
        );
    } else {
        for path in &orphans {
            fs::remove_file(path)
                .with_context(|| format!("failed to remove {}", path.display()))?;
        }
    }
    say(&format!(
        "{} PTX files, {} changed, {} removed",
        kernels.sources.len(),
        changed.len(),
        orphans.len()
    ));
    Ok(())
}

/// CUDA sources of the tree with the PTX that is made of each.
struct Kernels {
    sources: Vec<(PathBuf, PathBuf)>,
}

/// The examples, whose PTX is in a folder of its own, and the engine's kernels: a folder each, with
/// source and PTX.
fn kernels(root: &Path) -> Result<Kernels> {
    let mut sources = Vec::new();
    for source in files_with_extension(&root.join("examples/cuda"), "cu")? {
        let target = root.join("examples/ptx").join(stem(&source));
        sources.push((source, target.with_extension("ptx")));
    }
    let engine = root.join("crates/engine/kernels");
    let entries =
        fs::read_dir(&engine).with_context(|| format!("failed to read {}", engine.display()))?;
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    for folder in folders {
        for source in files_with_extension(&folder, "cu")? {
            let target = source.with_extension("ptx");
            sources.push((source, target));
        }
    }
    Ok(Kernels { sources })
}

impl Kernels {
    /// PTX files whose source is gone.
    fn orphans(&self) -> Result<Vec<PathBuf>> {
        let targets: BTreeSet<&Path> = self.sources.iter().map(|(_, to)| to.as_path()).collect();
        let folders: BTreeSet<&Path> = targets.iter().filter_map(|to| to.parent()).collect();
        let mut orphans = Vec::new();
        for folder in folders {
            let files = files_with_extension(folder, "ptx")?;
            orphans.extend(
                files
                    .into_iter()
                    .filter(|file| !targets.contains(file.as_path())),
            );
        }
        Ok(orphans)
    }
}

/// The PTX of one source, as it is kept in the tree; `raw` is where nvcc writes it.
fn compile_to_ptx(toolchain: &Toolchain, source: &Path, raw: &Path) -> Result<String> {
    run_quietly(
        Command::new(toolchain.nvcc())
            .args(NVCC_FLAGS)
            .arg("-ptx")
            .arg(format!("-arch={ARCHITECTURE}"))
            .arg(source)
            .arg("-o")
            .arg(raw),
    )?;
    let text =
        fs::read_to_string(raw).with_context(|| format!("failed to read {}", raw.display()))?;
    Ok(without_build_id(&text))
}

/// `None` when `compile` makes `present`, else what it makes most often.
///
/// nvcc is not deterministic: of one source in the tree it makes another register numbering in about one
/// run of twenty. One different result therefore says nothing.
fn compile_unless(
    present: &str,
    mut compile: impl FnMut() -> Result<String>,
) -> Result<Option<String>> {
    let mut results: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..COMPILATIONS_BEFORE_STALE {
        let text = compile()?;
        if text == present {
            return Ok(None);
        }
        *results.entry(text).or_default() += 1;
    }
    Ok(results
        .into_iter()
        .max_by_key(|(_, count)| *count)
        .map(|(text, _)| text))
}

/// The text without the one line of nvcc's banner that changes between builds of the same version.
fn without_build_id(ptx: &str) -> String {
    ptx.lines()
        .filter(|line| !line.starts_with("// Compiler Build ID:"))
        .flat_map(|line| [line, "\n"])
        .collect()
}

/// Builds each program once, PTX only and with the shared runtime, then the variants and the programs
/// written in C against the driver API. What is newer than its sources is kept.
fn build_examples(toolchain: &Toolchain, out: &Path) -> Result<()> {
    let root = workspace_root();
    let out = root.join(out);
    let variants = out.join("variants");
    let driver = out.join("driver");
    for folder in [&out, &variants, &driver] {
        fs::create_dir_all(folder)
            .with_context(|| format!("failed to create {}", folder.display()))?;
    }
    let cuda = root.join("examples/cuda");
    let common = modified(&cuda.join("check.cuh"))?.max(modified(&toolchain.nvcc())?);

    let mut jobs: Vec<Job> = Vec::new();
    for source in files_with_extension(&cuda, "cu")? {
        jobs.push(Job {
            output: out.join(stem(&source)),
            compiler: Compiler::Nvcc(&["-cudart", "shared", PTX_ONLY]),
            source,
        });
    }
    for (name, flags) in VARIANTS {
        jobs.push(Job {
            source: cuda.join(format!("{VARIANT_SOURCE}.cu")),
            output: variants.join(name),
            compiler: Compiler::Nvcc(flags),
        });
    }
    for source in files_with_extension(&root.join("examples/driver"), "c")? {
        jobs.push(Job {
            output: driver.join(stem(&source)),
            compiler: Compiler::HostC,
            source,
        });
    }
    in_parallel(&jobs, |job| {
        let fresh = modified(&job.output).is_ok_and(|built| {
            modified(&job.source).is_ok_and(|source| built > source.max(common))
        });
        if fresh {
            return Ok(());
        }
        say(&format!("building {}", job.output.display()));
        match job.compiler {
            Compiler::Nvcc(flags) => run_quietly(
                Command::new(toolchain.nvcc())
                    .args(NVCC_FLAGS)
                    .args(flags)
                    .arg(&job.source)
                    .arg("-o")
                    .arg(&job.output),
            ),
            Compiler::HostC => build_driver_program(toolchain, &job.source, &job.output),
        }
    })?;
    say(&format!("{} programs in {}", jobs.len(), out.display()));
    Ok(())
}

struct Job {
    source: PathBuf,
    output: PathBuf,
    compiler: Compiler,
}

enum Compiler {
    /// nvcc with these flags.
    Nvcc(&'static [&'static str]),
    /// The host's C compiler, linked with `libcuda.so.1`.
    HostC,
}

/// Compiles and links a C program of the driver API on a machine without a driver: the linker sees an
/// empty library of the right name that defines what the program imports.
fn build_driver_program(toolchain: &Toolchain, source: &Path, output: &Path) -> Result<()> {
    let object = output.with_extension("o");
    run_quietly(
        Command::new("cc")
            .args(["-std=c11", "-Wall", "-Werror", "-O1", "-c", "-I"])
            .arg(toolchain.include())
            .arg(source)
            .arg("-o")
            .arg(&object),
    )?;
    let listing = Command::new("nm")
        .args(["--undefined-only", "--format=just-symbols"])
        .arg(&object)
        .output()
        .context("failed to start nm")?;
    let stub_source: String = String::from_utf8_lossy(&listing.stdout)
        .lines()
        .map(str::trim)
        .filter(|symbol| symbol.starts_with("cu"))
        .map(|symbol| format!("void {symbol}(void) {{}}\n"))
        .collect();
    let stub = output.with_extension("stub.c");
    let library = output.with_extension("libcuda.so");
    fs::write(&stub, stub_source).with_context(|| format!("failed to write {}", stub.display()))?;
    run_quietly(
        Command::new("cc")
            .args([
                "-shared",
                "-fPIC",
                "-fno-builtin",
                "-Wl,-soname,libcuda.so.1",
            ])
            .arg(&stub)
            .arg("-o")
            .arg(&library),
    )?;
    run_quietly(
        Command::new("cc")
            .arg(&object)
            .arg(&library)
            .arg("-lm")
            .arg("-o")
            .arg(output),
    )?;
    for scratch in [&object, &stub, &library] {
        fs::remove_file(scratch)
            .with_context(|| format!("failed to remove {}", scratch.display()))?;
    }
    Ok(())
}

/// Runs a compiler, whose output is shown only when it fails.
fn run_quietly(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("failed to start {}", command.get_program().display()))?;
    ensure!(
        output.status.success(),
        "{command:?} failed: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Does every item on as many threads as the machine has; the first error in order of items is returned.
fn in_parallel<T: Sync>(items: &[T], work: impl Fn(&T) -> Result<()> + Sync) -> Result<()> {
    let next = Mutex::new(0..items.len());
    let errors = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let taken = next.lock().expect("taking an index cannot panic").next();
                    let Some(index) = taken else { break };
                    if let Err(error) = work(&items[index]) {
                        errors
                            .lock()
                            .expect("pushing an error cannot panic")
                            .push((index, error));
                    }
                }
            });
        }
    });
    let mut errors = errors.into_inner().expect("pushing an error cannot panic");
    errors.sort_by_key(|(index, _)| *index);
    errors
        .into_iter()
        .next()
        .map_or(Ok(()), |(_, error)| Err(error))
}

/// Files of `folder` that end in `.extension`, by name.
fn files_with_extension(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn modified(path: &Path) -> Result<SystemTime> {
    fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .with_context(|| format!("failed to read {}", path.display()))
}

#[expect(clippy::print_stdout, reason = "progress of a task started by hand")]
fn say(line: &str) {
    println!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_build_id_is_dropped_from_the_banner() {
        let raw = "//\n// Compiler Build ID: CL-1\n// release 13.5\n.version 9.5\n";
        assert_eq!(without_build_id(raw), "//\n// release 13.5\n.version 9.5\n");
    }

    #[test]
    fn a_rare_result_of_the_compiler_is_not_a_change() -> Result<()> {
        let results_of = |texts: [&'static str; 5]| {
            let mut texts = texts.into_iter();
            move || Ok(texts.next().unwrap_or_default().to_owned())
        };
        assert_eq!(
            compile_unless("a", results_of(["b", "b", "b", "b", "a"]))?,
            None
        );
        assert_eq!(
            compile_unless("a", results_of(["b", "c", "c", "b", "c"]))?,
            Some("c".to_owned())
        );
        Ok(())
    }

    #[test]
    fn the_first_error_of_parallel_work_is_kept() {
        let items: Vec<u32> = (0..100).collect();
        let result = in_parallel(&items, |item| {
            ensure!(item % 40 != 39, "item {item}");
            Ok(())
        });
        assert_eq!(
            result.map_err(|error| error.to_string()),
            Err("item 39".to_owned())
        );
    }

    #[test]
    fn every_example_has_its_ptx() -> Result<()> {
        let root = workspace_root();
        let sources = files_with_extension(&root.join("examples/cuda"), "cu")?;
        let names: Vec<String> = sources.iter().map(|source| stem(source)).collect();
        let ptx: Vec<String> = files_with_extension(&root.join("examples/ptx"), "ptx")?
            .iter()
            .map(|file| stem(file))
            .collect();
        assert_eq!(names, ptx);
        Ok(())
    }
}
