//! Seeded fuzzing on the stable toolchain: `cargo xtask fuzz`.
//!
//! A target makes an input from a random source and says what must hold for it; a panic
//! anywhere below is a finding as well. Case `i` of a run draws from seed `s + i`, so a finding
//! is reproduced from one number alone, whatever the time limit was. There is no coverage
//! feedback: inputs are mutations of real ones, close enough to valid to get past the first
//! check. README.md tells of the coverage-guided targets.
#![forbid(unsafe_code)]

mod corpus;
mod guest;
mod target;
mod words;

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Parser;
use weft_ptx::fuzz::Random;

use crate::corpus::Corpus;
use crate::target::{TARGETS, Target};

/// Feed mutated and generated input to every parser, decoder and to the compiler.
#[derive(Parser)]
#[command(name = "cargo xtask fuzz", bin_name = "cargo xtask fuzz")]
struct Arguments {
    /// Time to spend, shared evenly by the targets.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Cases per target at most.
    #[arg(long, default_value_t = u64::MAX, hide_default_value = true)]
    cases: u64,
    /// Seed of the first case.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Targets to run; all when none is named.
    targets: Vec<String>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(findings) => {
            say(&format!("{findings} target(s) with a finding"));
            ExitCode::FAILURE
        }
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs the targets one after the other; gives the number of those with a finding.
fn run(arguments: &Arguments) -> Result<usize> {
    let targets = selected(&arguments.targets)?;
    let corpus = Corpus::load()?;
    let count = u32::try_from(targets.len()).unwrap_or(u32::MAX);
    let share = Duration::from_secs(arguments.seconds) / count.max(1);
    let mut findings = 0;
    for target in targets {
        let begin = Instant::now();
        let mut cases = 0;
        let mut finding = None;
        while finding.is_none() && cases < arguments.cases && begin.elapsed() < share {
            let seed = arguments.seed.wrapping_add(cases);
            finding = run_case(target, &corpus, seed)
                .err()
                .map(|what| (seed, what));
            cases += 1;
        }
        match finding {
            None => say(&format!("{:<10} {cases} cases, no finding", target.name)),
            Some((seed, what)) => {
                findings += 1;
                say(&format!(
                    "{:<10} FINDING after {cases} cases: {what}\n  again with: cargo xtask fuzz --cases 1 --seed {seed} {}",
                    target.name, target.name
                ));
            }
        }
    }
    Ok(findings)
}

fn selected(names: &[String]) -> Result<Vec<&'static Target>> {
    if names.is_empty() {
        return Ok(TARGETS.iter().collect());
    }
    let mut targets = Vec::new();
    for name in names {
        match TARGETS.iter().find(|target| target.name == name) {
            Some(target) => targets.push(target),
            None => {
                let all: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
                bail!("no target `{name}`; there are {}", all.join(", "));
            }
        }
    }
    Ok(targets)
}

fn run_case(target: &Target, corpus: &Corpus, seed: u64) -> Result<(), String> {
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        (target.run)(corpus, &mut Random::new(seed))
    }));
    // The panic itself has been printed by the standard hook, with its place.
    outcome.unwrap_or_else(|_| Err("panic".to_owned()))
}

#[expect(clippy::print_stderr, reason = "progress and findings are for people")]
fn say(line: &str) {
    eprintln!("{line}");
}
