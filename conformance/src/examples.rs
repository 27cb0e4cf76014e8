//! The example programs of the tree, each of which checks itself against the CPU.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::process::{Finished, Weft};
use crate::table::{Case, Table, Verdict};

/// What a program must do besides exit with 0 and print `NAME: PASS`.
const PRINTED: &[(&str, &str)] = &[(
    "device_printf",
    "lane 0 of 32: -1.00 other a 0x123456789 100%\n\
     lane 1 of 32:  0.50 one b 0x2468acf12 100%\n\
     lane 2 of 32:  2.00 other c 0x369d0369b 100%\n\
     no arguments\n",
)];

/// Programs that must be refused, and words that the refusal must contain: the remedy.
const REFUSED: &[(&str, &str)] = &[
    // cudaGetErrorString(cudaErrorNoKernelImageForDevice).
    ("sass_only", "no kernel image is available"),
    // Said by `weft run`, which sees that the program needs no shared runtime.
    ("static_cudart", "-cudart shared"),
];

/// Runs every program below `folder` whose name contains `filter`.
///
/// # Errors
/// When the folder is missing or `weft` cannot be started.
pub fn run(weft: &Weft, folder: &Path, filter: &str, table: &mut Table) -> Result<()> {
    ensure!(
        folder.is_dir(),
        "{} is missing: cargo xtask kernels build-examples makes it",
        folder.display()
    );
    for (prefix, subfolder) in [("", ""), ("driver/", "driver"), ("variants/", "variants")] {
        for program in programs(&folder.join(subfolder))? {
            let file = program
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            let name = format!("{prefix}{file}");
            if !name.contains(filter) {
                continue;
            }
            let none: &[&str] = &[];
            let finished = weft.run(&program, none, None)?;
            table.add(Case {
                verdict: judge(&file, prefix == "variants/", &finished),
                elapsed: finished.elapsed,
                name,
            })?;
        }
    }
    Ok(())
}

fn judge(name: &str, is_variant: bool, finished: &Finished) -> Verdict {
    let refusal = REFUSED
        .iter()
        .find(|(refused, _)| is_variant && *refused == name);
    if let Some((_, words)) = refusal {
        let said = finished.stdout.contains(words) || finished.stderr.contains(words);
        return if finished.succeeded() {
            Verdict::Fail("ran, but cannot have been run on the chip".to_owned())
        } else if said {
            Verdict::Pass
        } else {
            Verdict::Fail(format!("nothing says \"{words}\"; {}", finished.reason()))
        };
    }
    let verdict = if is_variant { "vector_add" } else { name };
    if !finished.succeeded() || !finished.stdout.contains(&format!("{verdict}: PASS")) {
        return Verdict::Fail(finished.reason());
    }
    match PRINTED.iter().find(|(printing, _)| *printing == name) {
        Some((_, text)) if !finished.stdout.starts_with(text) => {
            Verdict::Fail(format!("printed {:?}", finished.stdout))
        }
        _ => Verdict::Pass,
    }
}

/// The executable files of a folder, by name; no folder, no programs.
fn programs(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut programs = Vec::new();
    if !folder.is_dir() {
        return Ok(programs);
    }
    let entries =
        fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_file() && path.extension().is_none() {
            programs.push(path);
        }
    }
    programs.sort();
    Ok(programs)
}
