//! Running a grid: CTA `i` on core `i % cores`, cores on host threads.
//!
//! Worker `w` of `n` runs cores `w`, `w + n`, ... in turn, each for a CTA or, if that is long,
//! a slice of one. CTAs of a core run
//! one after the other in grid order, so what a core does depends on the launch alone, and a
//! CTA that waits for one with a smaller index always gets what it waits for.
#![expect(
    clippy::cast_possible_truncation,
    reason = "workers are at most as many as cores"
)]

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use crate::block::{Mode, Translation};
use crate::core::{Core, Slice};
use crate::engine::Engine;
use crate::environment::Environment;
use crate::fault::Fault;
use crate::first_fault::FirstFault;
use crate::launch::Launch;
use crate::machine::Enabled;
use crate::mem::Memory;
use crate::program::Image;
use crate::report::{ClassCounts, MemoryTraffic};

/// Most instructions of a core before the worker turns to its next core.
const CORE_SLICE: i64 = 1 << 20;

/// What all workers need to know of a launch.
pub(crate) struct Job {
    launch: Launch,
    memory: Arc<Memory>,
    environment: Option<Arc<dyn Environment>>,
    cores: u32,
    workers: u32,
    faults: Arc<FirstFault>,
}

/// What one worker did.
#[derive(Default)]
struct Outcome {
    counts: ClassCounts,
    traffic: MemoryTraffic,
    ctas: u64,
    /// The fault with its CTA's index in the grid.
    fault: Option<(u64, Fault)>,
}

/// A set of cores and the decoded programs that they have run.
struct Worker {
    cores: Vec<Core>,
    mode: Mode,
    translations: HashMap<u64, (Weak<Image>, Translation)>,
}

impl Worker {
    fn run(&mut self, job: &Job) -> Outcome {
        self.translations
            .retain(|_, (image, _)| image.strong_count() > 1);
        let image = job.launch.program.image();
        let mode = self.mode;
        let (_, code) = self.translations.entry(image.id()).or_insert_with(|| {
            (
                Arc::downgrade(image),
                Translation::new(Arc::clone(image), mode),
            )
        });
        let ctas = job.launch.ctas();
        let mut outcome = Outcome::default();
        // Next CTA of each core that has one: (core, index, begun).
        let mut queue: Vec<(usize, u64, bool)> = Vec::new();
        for (slot, core) in self.cores.iter_mut().enumerate() {
            if u64::from(core.index()) < ctas {
                core.begin_launch(
                    &job.launch,
                    job.cores,
                    &job.memory,
                    job.environment.as_ref(),
                    &job.faults,
                );
                queue.push((slot, u64::from(core.index()), false));
            }
        }
        while !queue.is_empty() {
            queue.retain_mut(|(slot, cta, begun)| {
                let core = &mut self.cores[*slot];
                let mut budget = CORE_SLICE;
                while budget > 0 {
                    if !*begun {
                        if !job.faults.lets_run(*cta, 0) {
                            return false;
                        }
                        core.begin_cta(&job.launch, *cta);
                        *begun = true;
                    }
                    match core.run(code, &mut budget) {
                        Slice::More => {}
                        Slice::Stopped => return false,
                        Slice::Done => {
                            outcome.ctas += 1;
                            *begun = false;
                            *cta += u64::from(job.cores);
                            // The next core's CTA is the next of the grid: its data
                            // is next to this one's, for the host's caches too.
                            return *cta < ctas;
                        }
                        Slice::Fault(fault) => {
                            job.faults.note(*cta);
                            if outcome
                                .fault
                                .as_ref()
                                .is_none_or(|(first, _)| *cta < *first)
                            {
                                outcome.fault = Some((*cta, fault));
                            }
                            return false;
                        }
                    }
                }
                true
            });
        }
        for core in &mut self.cores {
            if u64::from(core.index()) < ctas {
                outcome.traffic += core.end_launch();
            }
        }
        code.take_counts(&mut outcome.counts, &mut outcome.traffic);
        outcome
    }
}

/// The cores of a chip and the threads that run them. The thread that launches is the first
/// worker; the others wait for jobs.
pub(crate) struct Grid {
    first: Worker,
    others: Vec<Thread>,
    cores: u32,
}

struct Thread {
    jobs: Sender<Arc<Job>>,
    outcomes: Receiver<Outcome>,
    handle: Option<JoinHandle<()>>,
}

/// What a finished launch did.
pub(crate) struct Finished {
    pub(crate) counts: ClassCounts,
    pub(crate) traffic: MemoryTraffic,
    pub(crate) ctas: u64,
}

impl Grid {
    /// `cores` cores on at most `threads` threads, the caller's included.
    pub(crate) fn new(
        cores: u32,
        matrix_contexts: u32,
        threads: usize,
        engine: Engine,
    ) -> std::io::Result<Self> {
        let workers = threads.clamp(1, cores as usize) as u32;
        let mode = engine.mode(false, Enabled::ALL);
        let make = |worker: u32| Worker {
            cores: (worker..cores)
                .step_by(workers as usize)
                .map(|index| Core::new(index, matrix_contexts))
                .collect(),
            mode,
            translations: HashMap::new(),
        };
        let others = (1..workers)
            .map(|worker| Thread::start(make(worker)))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            first: make(0),
            others,
            cores,
        })
    }

    /// Runs a launch to its end.
    pub(crate) fn run(
        &mut self,
        launch: &Launch,
        memory: &Arc<Memory>,
        environment: Option<&Arc<dyn Environment>>,
    ) -> Result<Finished, Fault> {
        let workers = self.others.len() as u32 + 1;
        let job = Arc::new(Job {
            launch: launch.clone(),
            memory: Arc::clone(memory),
            environment: environment.cloned(),
            cores: self.cores,
            workers,
            faults: Arc::default(),
        });
        // Worker w runs core w first: workers beyond the CTAs have nothing to do.
        let busy = launch.ctas().min(u64::from(job.workers)) as usize - 1;
        let started = self.others[..busy]
            .iter()
            .filter(|thread| thread.start_job(&job))
            .count();
        let mut outcomes = vec![self.first.run(&job)];
        outcomes.extend(
            self.others[..busy]
                .iter()
                .filter_map(|thread| thread.outcomes.recv().ok()),
        );
        assert!(
            started == busy && outcomes.len() == busy + 1,
            "a worker thread panicked"
        );
        let first_fault = outcomes
            .iter_mut()
            .filter_map(|o| o.fault.take())
            .min_by_key(|f| f.0);
        if let Some((_, fault)) = first_fault {
            return Err(fault);
        }
        let mut finished = Finished {
            counts: ClassCounts::default(),
            traffic: MemoryTraffic::default(),
            ctas: 0,
        };
        for outcome in &outcomes {
            finished.counts += &outcome.counts;
            finished.traffic += outcome.traffic;
            finished.ctas += outcome.ctas;
        }
        Ok(finished)
    }
}

impl Thread {
    fn start(mut worker: Worker) -> std::io::Result<Self> {
        let (jobs, inbox) = channel::<Arc<Job>>();
        let (outbox, outcomes) = channel();
        let handle = std::thread::Builder::new()
            .name("weft-core".to_owned())
            .spawn(move || {
                while let Ok(job) = inbox.recv() {
                    let outcome = worker.run(&job);
                    // The job holds the program; a launch that has returned must hold nothing.
                    drop(job);
                    if outbox.send(outcome).is_err() {
                        break;
                    }
                }
            })?;
        Ok(Self {
            jobs,
            outcomes,
            handle: Some(handle),
        })
    }

    fn start_job(&self, job: &Arc<Job>) -> bool {
        self.jobs.send(Arc::clone(job)).is_ok()
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // Closing the channel ends the thread.
        self.jobs = channel().0;
        if let Some(handle) = self.handle.take() {
            // A worker that panicked has already been reported by `Grid::run`.
            let _ = handle.join();
        }
    }
}
