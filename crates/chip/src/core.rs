//! A core: the harts of the CTA that it runs, its scratchpad, and the barriers between them.
//!
//! Harts run in turn, each for a quantum of instructions, in order of warp index, so that a
//! warp which spins cannot starve the others and the order of execution depends on the program
//! alone. A hart that waits at a barrier is passed over.
#![expect(
    clippy::cast_possible_truncation,
    reason = "sizes that Launch::check has bounded, and warp indices"
)]

use std::sync::Arc;

use weft_isa::abi::{BARRIERS_PER_CTA, HARTS_PER_CORE, LANES, SHARED_WINDOW, STACK_WINDOW};
use weft_isa::{Lmul, Sew, VType, X};

use crate::block::Translation;
use crate::env::{Constants, Env};
use crate::environment::{Environment, EnvironmentCall, Refusal};
use crate::exec::access::Recent;
use crate::exec::reuse::SLOTS;
use crate::exec::spread::Spread;
use crate::fault::{Fault, FaultKind};
use crate::first_fault::FirstFault;
use crate::hart::{BarrierCall, Hart, Stop, Windows};
use crate::launch::Launch;
use crate::mem::{Intervals, Memory};
use crate::report::MemoryTraffic;

const _: () = assert!(SHARED_WINDOW < STACK_WINDOW);

/// What a hart did in its turn.
struct Turn {
    /// Instructions.
    spent: i64,
    /// It ended its turn for the sake of others.
    yields: bool,
}

/// Instructions a hart executes before the next one has its turn.
const HART_QUANTUM: i64 = 4096;

/// What executes the code of harts.
pub(crate) trait Runner {
    /// Runs a hart until it stops or has begun blocks of at least `budget` instructions.
    /// Returns how much of the budget is left, 0 or less when it ran out.
    fn run(&mut self, hart: &mut Hart, env: &mut Env, budget: i64) -> i64;
}

impl Runner for Translation {
    fn run(&mut self, hart: &mut Hart, env: &mut Env, budget: i64) -> i64 {
        Self::run(self, hart, env, budget)
    }
}

/// How a slice of a core's work ended.
#[derive(Debug)]
pub(crate) enum Slice {
    /// Harts are left to run.
    More,
    /// Every hart of the CTA has exited.
    Done,
    /// A hart faulted.
    Fault(Fault),
    /// The launch ends with the fault of another CTA.
    Stopped,
}

#[derive(Clone, Copy, Default)]
struct Barrier {
    /// Warps that have arrived.
    arrived: u64,
    /// Warps that must arrive; 0: all that have not exited.
    expected: u64,
    /// Harts that wait.
    waiting: u32,
    /// Sum of the counts brought so far.
    sum: u64,
}

/// Backing store of a window: zeroed when it grows, otherwise keeping its contents, as
/// uninitialised shared and local memory does.
#[derive(Default)]
struct Store(Vec<u64>);

impl Store {
    fn ensure(&mut self, bytes: usize) -> *mut u8 {
        let words = bytes.div_ceil(8);
        if self.0.len() < words {
            self.0 = vec![0; words];
        }
        self.0.as_mut_ptr().cast()
    }
}

/// A core and the CTA on it.
pub(crate) struct Core {
    index: u32,
    /// Harts that have tiles.
    matrix_contexts: u32,
    harts: Vec<Hart>,
    env: Env,
    faults: Arc<FirstFault>,
    /// Index in the grid of the CTA, and the instructions that it has executed.
    cta: u64,
    spent: u64,
    environment: Option<Arc<dyn Environment>>,
    shared: Store,
    local: Store,
    stack: Store,
    barriers: [Barrier; BARRIERS_PER_CTA],
    /// Harts that exist, have not exited, and do not wait.
    ready: u32,
    /// Harts that have not exited.
    live: u32,
    /// Registers to set when a hart next runs: result of a reducing barrier.
    results: [Option<u8>; HARTS_PER_CORE],
}

// SAFETY: the pointers in `env` and in the harts' windows point into this core's own stores,
// which move with it (the buffers of a Vec stay where they are).
unsafe impl Send for Core {}

impl Core {
    pub(crate) fn new(index: u32, matrix_contexts: u32) -> Self {
        Self {
            index,
            matrix_contexts,
            harts: Vec::new(),
            env: Env {
                memory: None,
                intervals: Arc::new(Intervals::default()),
                recent: Recent::default(),
                spreads: [const { Spread::EMPTY }; SLOTS],
                shared: std::ptr::null_mut(),
                shared_bytes: 0,
                traffic: MemoryTraffic::default(),
                constants: Constants::default(),
                tracks_flags: false,
                misaligned: false,
                bare: false,
            },
            faults: Arc::default(),
            cta: 0,
            spent: 0,
            environment: None,
            shared: Store::default(),
            local: Store::default(),
            stack: Store::default(),
            barriers: [Barrier::default(); BARRIERS_PER_CTA],
            ready: 0,
            live: 0,
            results: [None; HARTS_PER_CORE],
        }
    }

    /// Index of this core.
    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    /// Becomes another core: what the program sees of it, not what is in it.
    pub(crate) fn set_index(&mut self, index: u32) {
        self.index = index;
        self.env.constants.core = index;
    }

    /// Prepares for the CTAs of a launch.
    pub(crate) fn begin_launch(
        &mut self,
        launch: &Launch,
        cores: u32,
        memory: &Arc<Memory>,
        environment: Option<&Arc<dyn Environment>>,
        faults: &Arc<FirstFault>,
    ) {
        self.environment = environment.cloned();
        let warps = launch.warps_per_cta() as usize;
        while self.harts.len() < warps {
            self.harts.push(Hart::new());
        }
        let shared_bytes = launch.shared_bytes() as usize;
        // Lanes follow each other, each aligned for the widest element.
        let local_bytes = launch.local_bytes_per_lane.next_multiple_of(16) as usize;
        let stack_bytes = launch.stack_bytes_per_hart as usize;
        let shared = self.shared.ensure(shared_bytes);
        let local = self.local.ensure(warps * LANES * local_bytes);
        let stack = self.stack.ensure(warps * stack_bytes);
        for (warp, hart) in self.harts.iter_mut().enumerate() {
            // Harts beyond the CTA's warps are not run.
            let warp = warp.min(warps - 1);
            hart.windows = Windows {
                stack: stack.wrapping_add(warp * stack_bytes),
                stack_bytes: stack_bytes as u64,
                local: local.wrapping_add(warp * LANES * local_bytes),
                local_bytes: local_bytes as u64,
            };
        }
        self.env.memory = Some(Arc::clone(memory));
        self.env.intervals = memory.snapshot();
        self.env.shared = shared;
        self.env.shared_bytes = shared_bytes as u64;
        self.env.recent.begin_launch(shared, shared_bytes as u64);
        self.env.traffic = MemoryTraffic::default();
        self.faults = Arc::clone(faults);
        self.env.tracks_flags = launch.program.image().tracks_flags();
        self.env.constants = Constants {
            warps: warps as u32,
            cta: [0; 3],
            block: launch.block,
            grid: launch.grid,
            core: self.index,
            cores,
            grid_id: launch.grid_id,
            shared_dynamic_bytes: launch.shared_dynamic_bytes,
            shared_bytes: shared_bytes as u32,
            matrix_contexts: self.matrix_contexts,
        };
    }

    /// Lets go of what belongs to the launch; gives the bytes moved since it began.
    pub(crate) fn end_launch(&mut self) -> MemoryTraffic {
        self.environment = None;
        self.env.traffic
    }

    /// Puts CTA `cta` of the launch on the core: every hart at the entry, in the state that
    /// [`weft_isa::abi`] describes.
    pub(crate) fn begin_cta(&mut self, launch: &Launch, cta: u64) {
        (self.cta, self.spent) = (cta, 0);
        let [x, y, _] = launch.grid.map(u64::from);
        self.env.constants.cta = [(cta % x) as u32, (cta / x % y) as u32, (cta / x / y) as u32];
        let shared_bytes = self.env.shared_bytes as usize;
        self.shared.0[..shared_bytes.div_ceil(8)].fill(0);
        let warps = self.env.constants.warps as usize;
        let threads = launch.threads_per_cta() as usize;
        let entry = launch.entry;
        for (warp, hart) in self.harts[..warps].iter_mut().enumerate() {
            hart.clear_registers();
            hart.pc = entry;
            hart.set_x(X::A0.number(), launch.params);
            hart.set_x(X::A1.number(), launch.symbols);
            hart.set_x(X::SP.number(), STACK_WINDOW + hart.windows.stack_bytes);
            hart.vl = LANES as u32;
            hart.vtype = VType::new(Sew::E32, Lmul::M1);
            hart.vstart = 0;
            (hart.frm, hart.fflags, hart.vxrm, hart.vxsat) = (0, 0, 0, false);
            hart.retired = 0;
            hart.reservation = None;
            hart.warp = warp as u32;
            let lanes = (threads - warp * LANES).min(LANES);
            hart.lanes = u32::MAX >> (LANES - lanes);
        }
        self.barriers = [Barrier::default(); BARRIERS_PER_CTA];
        self.results = [None; HARTS_PER_CORE];
        self.live = u32::MAX >> (HARTS_PER_CORE - warps);
        self.ready = self.live;
    }

    /// Runs the CTA for about `budget` instructions, which are taken from it.
    pub(crate) fn run<R: Runner>(&mut self, code: &mut R, budget: &mut i64) -> Slice {
        while self.live != 0 {
            if self.ready == 0 {
                return Slice::Fault(self.deadlock());
            }
            if *budget <= 0 {
                return Slice::More;
            }
            if !self.faults.lets_run(self.cta, self.spent) {
                return Slice::Stopped;
            }
            let mut turn = self.ready;
            let mut all_yield = true;
            while turn != 0 {
                let warp = turn.trailing_zeros() as usize;
                turn &= turn - 1;
                match self.run_hart(code, warp) {
                    Ok(Turn { spent, yields }) => {
                        *budget -= spent;
                        self.spent += spent.unsigned_abs();
                        all_yield &= yields;
                    }
                    Err(fault) => return Slice::Fault(fault),
                }
            }
            if all_yield {
                // They may wait for other cores.
                *budget = 0;
            }
        }
        Slice::Done
    }

    /// Runs one hart for a quantum, or until it lets others go first.
    fn run_hart<R: Runner>(&mut self, code: &mut R, warp: usize) -> Result<Turn, Fault> {
        let mut left = HART_QUANTUM;
        self.env.recent.begin_hart(&self.harts[warp].windows);
        loop {
            let hart = &mut self.harts[warp];
            left = code.run(hart, &mut self.env, left);
            let over = |left: i64, yields: bool| {
                Ok(Turn {
                    spent: HART_QUANTUM - left,
                    yields,
                })
            };
            match std::mem::replace(&mut hart.stop, Stop::None) {
                Stop::None => return over(left, false),
                Stop::Yield => return over(left, true),
                Stop::Exit => {
                    self.live &= !(1 << warp);
                    self.ready &= !(1 << warp);
                    for id in 0..BARRIERS_PER_CTA {
                        self.complete_barrier(id);
                    }
                    return over(left, false);
                }
                Stop::Barrier(call) => {
                    self.arrive(warp, call);
                    if self.ready & 1 << warp == 0 {
                        return over(left, false);
                    }
                }
                Stop::Ebreak { pc } => {
                    return Err(self.locate(warp, FaultKind::UnknownCode(0), pc, None));
                }
                Stop::Refetch { .. } | Stop::Mode => {}
                Stop::Ecall => {
                    let pc = hart.pc.wrapping_sub(4);
                    if let Err(Refusal { kind, lane }) = self.call_environment(warp) {
                        return Err(self.locate(warp, kind, pc, lane));
                    }
                }
                Stop::Fault { kind, pc, lane } => return Err(self.locate(warp, kind, pc, lane)),
            }
            if left <= 0 {
                return over(left, false);
            }
        }
    }

    fn call_environment(&mut self, warp: usize) -> Result<(), Refusal> {
        let Some(environment) = &self.environment else {
            return Err(Refusal {
                kind: FaultKind::UnknownCode(0),
                lane: None,
            });
        };
        environment.call(&mut EnvironmentCall {
            hart: &self.harts[warp],
            env: &mut self.env,
        })
    }

    fn arrive(&mut self, warp: usize, call: BarrierCall) {
        let id = usize::from(call.id);
        let barrier = &mut self.barriers[id];
        barrier.arrived += 1;
        barrier.expected = call.warps;
        if let Some((register, count)) = call.reduce {
            barrier.sum += count;
            self.results[warp] = Some(register);
        }
        if call.waits {
            barrier.waiting |= 1 << warp;
            self.ready &= !(1 << warp);
        }
        self.complete_barrier(id);
    }

    /// Releases the harts that wait at a barrier if all expected have arrived.
    fn complete_barrier(&mut self, id: usize) {
        let barrier = self.barriers[id];
        let expected = match barrier.expected {
            0 => u64::from(self.live.count_ones()),
            warps => warps,
        };
        if barrier.arrived == 0 || barrier.arrived < expected {
            return;
        }
        let mut waiting = barrier.waiting;
        self.ready |= waiting;
        while waiting != 0 {
            let warp = waiting.trailing_zeros() as usize;
            waiting &= waiting - 1;
            if let Some(register) = self.results[warp].take() {
                self.harts[warp].set_x(register, barrier.sum);
            }
        }
        self.barriers[id] = Barrier::default();
    }

    fn deadlock(&self) -> Fault {
        let warp = self.live.trailing_zeros() as usize;
        // A waiting hart's pc is that of the instruction after the barrier.
        let pc = self.harts[warp].pc.wrapping_sub(4);
        self.locate(warp, FaultKind::BarrierDeadlock, pc, None)
    }

    fn locate(&self, warp: usize, kind: FaultKind, pc: u64, lane: Option<u32>) -> Fault {
        let cta = self.env.constants.cta;
        Fault {
            kind,
            pc,
            core: self.index,
            cta,
            warp: warp as u32,
            lane,
        }
    }
}
