//! `timed`: what the timing model costs in host time.
//!
//! The same launches with the model on and off alternate on one chip with one host thread.

use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::chip::{Chip, launch};
use crate::first_light::{Workload, workloads};
use crate::spread::Spread;

/// Measures all workloads; gives the table.
pub(crate) fn run(runs: NonZeroU32) -> Result<String> {
    let mut table = String::new();
    let _ = writeln!(
        table,
        "host time in ms, one host thread: min, median, max of {runs} runs; ratio of medians\n\n\
         {:<14}{:<14}{:>9} {:>9} {:>9} {:>9}",
        "workload", "timing", "min", "median", "max", "ratio"
    );
    let chip = Chip::new(1)?;
    for workload in workloads() {
        let name = workload.name;
        measure(&chip, &workload, runs, &mut table)
            .with_context(|| format!("failed to measure {name}"))?;
    }
    Ok(table)
}

fn measure(chip: &Chip, workload: &Workload, runs: NonZeroU32, table: &mut String) -> Result<()> {
    let kernel = chip.kernel(workload.ptx)?;
    let mut parameters = Vec::new();
    for array in &workload.arrays {
        let address = match array {
            Some(words) => chip.upload(words)?,
            None => chip.upload(&vec![[0; 4]; workload.result_count])?,
        };
        parameters.extend(address.to_le_bytes());
    }
    parameters.extend(&workload.scalars);
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..=runs.get() {
        for (on, seconds) in [(false, &mut without), (true, &mut with)] {
            chip.time_launches(on)?;
            let begin = Instant::now();
            launch(&kernel, workload.grid, workload.block, &parameters)?;
            seconds.push(begin.elapsed().as_secs_f64());
        }
    }
    // The first of each decodes.
    let off = Spread::of(&without[1..]).context("nothing was measured")?;
    let on = Spread::of(&with[1..]).context("nothing was measured")?;
    let _ = writeln!(table, "{:<14}{:<14}{off}", workload.name, "off");
    let _ = writeln!(
        table,
        "{:<14}{:<14}{on} {:>9.2}",
        "",
        "on",
        on.median / off.median
    );
    Ok(())
}
