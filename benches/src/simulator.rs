//! `simulator`: host time of simulated fleets.
//!
//! One host thread, as the simulator has no others. There is no baseline: the bar is an absolute
//! one, a million requests in ten seconds, and each policy is the baseline of the others.

use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use weft_fleet::policy;
use weft_fleet::sim::simulate;
use weft_fleet::spec::Fleet;
use weft_fleet::trace::{Synthetic, Trace};

use crate::spread::Spread;

const FLEET: &str = include_str!("../../crates/fleet/data/fleets/generations.toml");
/// Requests of each trace.
const REQUESTS: u64 = 1_000_000;
/// Requests a second for each copy of the fleet: about three quarters of its capacity.
const RATE: f64 = 18.0;
/// Copies of the fleet of the large case.
const COPIES: u32 = 12;

/// Measures; gives the table.
pub(crate) fn run(runs: NonZeroU32) -> Result<String> {
    let mut table = String::new();
    let _ = writeln!(
        table,
        "host time in ms of {REQUESTS} requests, one host thread: min, median, max of {runs} runs\n\n\
         {:<22}{:>8}{:>22} {:>9} {:>9} {:>9} {:>12} {:>9}",
        "trace", "servers", "policy", "min", "median", "max", "events/s", "in SLO, %"
    );
    for (name, copies, rate) in [("azure", 1, RATE), ("azure", COPIES, RATE * 12.0)] {
        let trace = Synthetic::azure_conversation(REQUESTS, rate, 1).trace();
        for policy in ["round-robin", "predicted-seconds", "added-seconds"] {
            measure(name, &trace, copies, policy, runs, &mut table)?;
        }
    }
    let trace = Synthetic::mooncake_conversation(REQUESTS / 10, 4.0, 1).trace();
    measure(
        "mooncake, a tenth",
        &trace,
        1,
        "added-seconds",
        runs,
        &mut table,
    )?;
    Ok(table)
}

fn measure(
    name: &str,
    trace: &Trace,
    copies: u32,
    policy: &str,
    runs: NonZeroU32,
    table: &mut String,
) -> Result<()> {
    let mut fleet = Fleet::parse(FLEET)?;
    for group in &mut fleet.groups {
        group.count *= copies;
    }
    fleet.slo = Some(policy::Slo {
        ttft_s: 3.0,
        tpot_s: 0.08,
    });
    let mut setup = fleet.setup(trace.mean_tokens().0)?;
    setup.policy = policy::by_name(policy)?;
    let mut seconds = Vec::new();
    let mut first = None;
    for _ in 0..runs.get() {
        let begin = Instant::now();
        let outcome = simulate(trace, &setup);
        seconds.push(begin.elapsed().as_secs_f64());
        ensure!(
            outcome.lost == 0 && outcome.answered_twice == 0,
            "{policy} loses or repeats requests"
        );
        let first = first.get_or_insert_with(|| outcome.clone());
        ensure!(*first == outcome, "{policy} differs from run to run");
    }
    let outcome = first.context("nothing was measured")?;
    let spread = Spread::of(&seconds).context("nothing was measured")?;
    let _ = writeln!(
        table,
        "{name:<22}{:>8}{policy:>22} {spread} {:>12.0} {:>9.1}",
        setup.servers.len(),
        outcome.events as f64 / spread.median,
        outcome.slo_share * 100.0
    );
    Ok(())
}
