//! How long a launch takes on the chip, and what that costs in energy.
//!
//! # How it works
//!
//! Execution is functional and observed ([`crate::observe`]); this module replays what warps
//! did on a model of the chip of a [`ChipFile`]: [`core`] has the pipeline of a core with its
//! scratchpad and first-level cache, [`system`] what cores share, [`dram`] the memory. Results
//! of programs do not depend on it: the model decides which CTA is executed next, never what an
//! instruction does.
//!
//! Cores run ahead of each other by at most the latency of the second-level cache, then their
//! requests are put in order of time and answered. No effect of one core on another is sooner
//! than that, so the result is the same as if all had advanced cycle by cycle. One host thread
//! does all of it: cycles do not depend on the host.
//!
//! # What it does not model
//!
//! Instruction fetch, register bank conflicts, address translation, power management (clocks
//! are constant), thermal limits. Caches hold tags only; the second level keeps them from
//! launch to launch.

mod calendar;
mod core;
mod dram;
mod l1;
mod launch;
mod link;
mod report;
mod stall;
mod system;

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use self::core::CoreModel;
use self::launch::{Pool, Work};
use self::system::{Request, Response, System};
use crate::chipfile::ChipFile;
use crate::environment::Environment;
use crate::exec::Level;
use crate::fault::Fault;
use crate::grid::Finished;
use crate::launch::Launch;
use crate::mem::Memory;
use crate::observe::ObservedCode;
use crate::program::Image;
use crate::report::ClassCounts;

pub use launch::CtaSpan;
pub use report::{Energy, HotSpot, Limiter, Roofs, Sample, TimingReport, UnitBusy};
pub use stall::Stall;

/// The model of a chip, with what it keeps from launch to launch.
pub(crate) struct TimingModel {
    chip: Arc<ChipFile>,
    level: Level,
    cores: Vec<CoreModel>,
    system: System,
    pool: Pool,
    programs: HashMap<u64, (Weak<Image>, ObservedCode)>,
}

impl TimingModel {
    pub(crate) fn new(chip: Arc<ChipFile>) -> Self {
        Self {
            level: Level::of_host(),
            cores: (0..chip.cores.count.value)
                .map(|index| CoreModel::new(index, &chip))
                .collect(),
            system: System::new(&chip),
            pool: Pool::default(),
            programs: HashMap::new(),
            chip,
        }
    }

    /// Forgets what caches hold.
    pub(crate) fn empty_caches(&mut self) {
        self.system.empty_cache();
    }

    /// Runs a launch to its end.
    pub(crate) fn run(
        &mut self,
        launch: &Launch,
        memory: &Arc<Memory>,
        environment: Option<&Arc<dyn Environment>>,
    ) -> Result<(Finished, TimingReport), Fault> {
        self.programs
            .retain(|_, (image, _)| image.strong_count() > 1);
        let image = launch.program.image();
        let (level, chip) = (self.level, &self.chip);
        let device = (memory.base(), memory.base() + memory.len());
        let (_, code) = self.programs.entry(image.id()).or_insert_with(|| {
            (
                Arc::downgrade(image),
                ObservedCode::new(Arc::clone(image), level, chip, device),
            )
        });
        let mut work = Work::new(
            launch,
            code,
            (memory, environment),
            &mut self.pool,
            &chip.cores,
        );
        for core in &mut self.cores {
            core.begin(chip);
        }
        self.system.begin();
        let outcome = replay(chip, &mut self.cores, &mut self.system, &mut work);
        let (cycles, samples) = match outcome {
            Ok(done) => done,
            Err(fault) => {
                for core in &mut self.cores {
                    core.abandon().for_each(|cta| work.abandon(cta));
                }
                return Err(fault);
            }
        };
        let mut counts = ClassCounts::default();
        for (info, seen) in work.code.infos().iter().zip(&work.ops) {
            counts[info.class] += seen.issued;
        }
        let finished = Finished {
            counts,
            traffic: work.traffic,
            ctas: work.finished,
        };
        let report = report::make(chip, &self.cores, &self.system, &work, cycles, samples);
        Ok((finished, report))
    }
}

/// Advances all parts until the launch is complete. Gives the cycles that it took.
fn replay(
    chip: &ChipFile,
    cores: &mut [CoreModel],
    system: &mut System,
    work: &mut Work<'_>,
) -> Result<(u64, Vec<Sample>), Fault> {
    dispatch_first(cores, work)?;
    let step = system.lookahead();
    let mut now = 0;
    let mut requests: Vec<Request> = Vec::new();
    let mut responses: Vec<Response> = Vec::new();
    let mut timeline = report::Timeline::new();
    loop {
        let until = now + step;
        for core in cores.iter_mut() {
            core.advance(until, work)?;
            requests.extend(core.requests.extract_if(.., |request| request.time < until));
        }
        requests.sort_by_key(|request| request.time);
        system.advance(&requests, until, &mut responses);
        requests.clear();
        for response in responses.drain(..) {
            cores[response.core as usize].answer(&response);
        }
        for core in cores.iter_mut() {
            core.resume(until);
        }
        timeline.add(until, chip, cores, system);
        now = until;
        let next = cores.iter().filter_map(CoreModel::next_time).min();
        let busy = cores.iter().any(CoreModel::awaits_answers) || !system.is_idle();
        match next {
            // Nothing happens before.
            Some(time) if time > now && !busy => now = time,
            None if !busy => break,
            _ => {}
        }
    }
    let ends = cores
        .iter()
        .map(|core| core.finished.max(core.last_arrival()));
    let cycles = ends.max().unwrap_or(0);
    Ok((cycles, timeline.finish(cycles)))
}

/// Gives the first CTAs to the cores, one to each in turn.
fn dispatch_first(cores: &mut [CoreModel], work: &mut Work<'_>) -> Result<(), Fault> {
    loop {
        let mut given = false;
        for core in cores.iter_mut() {
            if core.has_room(work.warps(), work.scratchpad_bytes())
                && let Some(cta) = work.next_cta()
            {
                core.start(cta, 0, work)?;
                given = true;
            }
        }
        if !given {
            return Ok(());
        }
    }
}
