//! Programs of HeCBench that check themselves, from a checkout that the user has.
//!
//! `hecbench.txt` lists them, with arguments that make them small: their own are meant for hardware. Each is
//! built in its folder by its own Makefile, against the shared runtime and as PTX alone, and passes when it
//! ends with status 0 and says PASS and nowhere FAIL.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::process::{Finished, Weft, run_limited};
use crate::table::{Case, Table, Verdict};

/// Names and arguments, a line each.
const PROGRAMS: &str = include_str!("../hecbench.txt");

/// Time that one build may take.
const BUILD_LIMIT: Duration = Duration::from_secs(300);

/// Stands before the command in `make run`, so that it is found.
const LAUNCHER: &str = "weft-launcher";

/// Builds and runs the programs of the checkout `hecbench` whose line in the list contains `filter`.
///
/// # Errors
/// When the checkout or the toolchain is missing, or a program cannot be started.
pub fn run(
    weft: &Weft,
    toolchain: &Path,
    hecbench: &Path,
    filter: &str,
    table: &mut Table,
) -> Result<()> {
    let nvcc = toolchain.join("cuda/bin/nvcc");
    ensure!(
        nvcc.is_file(),
        "{} is missing: run `cargo xtask toolchain`",
        nvcc.display()
    );
    let nvcc = std::path::absolute(nvcc)?;
    let sources = hecbench.join("src");
    ensure!(
        sources.is_dir(),
        "{} is no checkout of HeCBench",
        hecbench.display()
    );
    for (name, arguments) in programs() {
        let folder = std::path::absolute(sources.join(format!("{name}-cuda")))?;
        let case_name = match arguments.is_empty() {
            true => name.to_owned(),
            false => format!("{name} {}", arguments.join(" ")),
        };
        if !case_name.contains(filter) || table.passed_earlier(&case_name) {
            continue;
        }
        let (verdict, elapsed) = match build(&nvcc, &folder) {
            Err(error) => (
                Verdict::Fail(format!("not built: {error:#}")),
                Duration::ZERO,
            ),
            Ok(program) => {
                let finished = weft.run(&program, &arguments, Some(&folder))?;
                (judge(&finished), finished.elapsed)
            }
        };
        table.add(Case {
            name: case_name,
            verdict,
            elapsed,
        })?;
    }
    Ok(())
}

/// The programs of the list, with their arguments.
fn programs() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    PROGRAMS.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let name = words.next().filter(|name| !name.starts_with('#'))?;
        Some((name, words.collect()))
    })
}

/// Builds the program of a folder with its Makefile, and finds out what it is called.
fn build(nvcc: &Path, folder: &Path) -> Result<PathBuf> {
    ensure!(folder.is_dir(), "there is no folder {}", folder.display());
    // The `-arch` of a virtual architecture alone embeds PTX and no machine code.
    let make = |arguments: &[&str]| {
        let mut command = Command::new("make");
        command
            .arg("-C")
            .arg(folder)
            .args(["--no-print-directory", "ARCH=compute_80"])
            .arg(format!("CC={} -cudart shared", nvcc.display()))
            .args(arguments);
        run_limited(&mut command, BUILD_LIMIT)
    };
    let launcher = format!("LAUNCHER={LAUNCHER}");
    let told = make(&["-n", "run", &launcher])?;
    let program = program_of(&told.stdout)
        .with_context(|| format!("make run names no program: {}", told.reason()))?;
    let finished = make(&[])?;
    ensure!(finished.succeeded(), "{}", finished.reason());
    Ok(folder.join(program))
}

/// The word after the launcher in the commands of `make run`, or where they have none, what they start from
/// the folder.
fn program_of(commands: &str) -> Option<&str> {
    let mut words = commands.split_whitespace();
    if words.any(|word| word == LAUNCHER) {
        return words.next();
    }
    commands
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .find(|word| word.starts_with("./"))
}

fn judge(finished: &Finished) -> Verdict {
    let said = |word: &str| finished.stdout.contains(word) || finished.stderr.contains(word);
    if !finished.succeeded() || said("FAIL") {
        Verdict::Fail(finished.reason())
    } else if said("PASS") {
        Verdict::Pass
    } else {
        Verdict::Fail(format!("did not say PASS; {}", finished.reason()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_list_is_a_program() {
        assert!(programs().count() >= 200);
        for (name, _) in programs() {
            assert!(
                name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
                "{name}"
            );
        }
    }

    #[test]
    fn the_program_is_what_make_would_launch() {
        let commands = "nvcc -c main.cu\nnvcc -o main main.o\nweft-launcher ./main 1 2\n";
        assert_eq!(program_of(commands), Some("./main"));
        let without = "nvcc -c main.cu\n./main 1 2\n";
        assert_eq!(program_of(without), Some("./main"));
        assert_eq!(program_of("nvcc -c main.cu\n"), None);
    }
}
