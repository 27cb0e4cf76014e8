//! The work of a launch: CTAs in grid order, and the functional execution behind them.
//!
//! A CTA is executed a slice at a time, whenever the model needs to know what one of its warps
//! does next. The order in which its harts execute is that of unobserved execution; CTAs begin
//! in grid order.
#![expect(
    clippy::cast_possible_truncation,
    reason = "warps of a CTA, and CTAs modulo cores"
)]

use std::sync::Arc;

use crate::chipfile::Cores;
use crate::core::{Core, Slice};
use crate::environment::Environment;
use crate::fault::Fault;
use crate::first_fault::FirstFault;
use crate::launch::Launch;
use crate::mem::Memory;
use crate::observe::{Observed, ObservedCode, OpInfo, WarpRecord};
use crate::report::MemoryTraffic;

/// Most spans of CTAs that are kept of a launch.
const SPANS_MAX: usize = 4096;

/// A CTA in execution.
pub(super) struct Cta {
    index: u64,
    core: Box<Core>,
    pub(super) records: Vec<WarpRecord>,
}

/// Executors of CTAs, kept from launch to launch.
#[derive(Default)]
pub(super) struct Pool(Vec<Cta>);

impl Pool {
    pub(super) fn give_back(&mut self, cta: Cta) {
        self.0.push(cta);
    }
}

/// When a CTA was on a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CtaSpan {
    /// The core.
    pub core: u32,
    /// Index of the CTA in the grid.
    pub cta: u64,
    /// First cycle, counted from the start of the launch.
    pub begin: u64,
    /// Cycle after the last.
    pub end: u64,
}

/// What an instruction was seen to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OpCounts {
    pub(super) issued: u64,
    /// Hart-cycles spent waiting to issue it.
    pub(super) stalled: u64,
}

/// The work of a launch.
pub(super) struct Work<'a> {
    pub(super) launch: &'a Launch,
    pub(super) code: &'a mut ObservedCode,
    memory: &'a Arc<Memory>,
    environment: Option<&'a Arc<dyn Environment>>,
    /// Nobody tells it of a fault: the first ends the launch at once.
    faults: Arc<FirstFault>,
    pool: &'a mut Pool,
    cores: u32,
    matrix_contexts: u32,
    next: u64,
    pub(super) ops: Vec<OpCounts>,
    pub(super) finished: u64,
    pub(super) traffic: MemoryTraffic,
    pub(super) spans: Vec<CtaSpan>,
    warps: u32,
    scratchpad_bytes: u64,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        launch: &'a Launch,
        code: &'a mut ObservedCode,
        (memory, environment): (&'a Arc<Memory>, Option<&'a Arc<dyn Environment>>),
        pool: &'a mut Pool,
        cores: &Cores,
    ) -> Self {
        Self {
            launch,
            code,
            memory,
            environment,
            faults: Arc::default(),
            pool,
            cores: cores.count.value,
            matrix_contexts: cores.matrix_contexts.value,
            next: 0,
            ops: Vec::new(),
            finished: 0,
            traffic: MemoryTraffic::default(),
            spans: Vec::new(),
            warps: launch.warps_per_cta() as u32,
            scratchpad_bytes: launch.shared_bytes(),
        }
    }

    /// Warps of a CTA.
    pub(super) fn warps(&self) -> u32 {
        self.warps
    }

    /// Bytes of scratchpad that a CTA takes.
    pub(super) fn scratchpad_bytes(&self) -> u64 {
        self.scratchpad_bytes
    }

    /// Whether CTAs are left that have not begun.
    pub(super) fn has_next(&self) -> bool {
        self.next < self.launch.ctas()
    }

    /// The next CTA of the grid, ready to execute.
    pub(super) fn next_cta(&mut self) -> Option<Cta> {
        if !self.has_next() {
            return None;
        }
        let index = self.next;
        self.next += 1;
        let mut cta = self.pool.0.pop().unwrap_or_else(|| Cta {
            index,
            core: Box::new(Core::new(0, self.matrix_contexts)),
            records: Vec::new(),
        });
        cta.index = index;
        cta.records
            .resize_with(self.warps as usize, WarpRecord::default);
        for record in &mut cta.records {
            record.clear();
        }
        cta.core.begin_launch(
            self.launch,
            self.cores,
            self.memory,
            self.environment,
            &self.faults,
        );
        // The program sees the core that unobserved execution would have used.
        cta.core.set_index((index % u64::from(self.cores)) as u32);
        cta.core.begin_cta(self.launch, index);
        Some(cta)
    }

    /// The next block of a warp, executing more of its CTA if need be.
    pub(super) fn next_block(&mut self, cta: &mut Cta, warp: usize) -> Result<u32, Fault> {
        loop {
            if let Some(block) = cta.records[warp].take_block() {
                return Ok(block);
            }
            let mut runner = Observed {
                code: self.code,
                records: &mut cta.records,
            };
            // One turn of each hart.
            let mut budget = 1;
            let slice = cta.core.run(&mut runner, &mut budget);
            self.ops
                .resize(self.code.infos().len(), OpCounts::default());
            match slice {
                Slice::More | Slice::Done | Slice::Stopped => {}
                Slice::Fault(fault) => return Err(fault),
            }
        }
    }

    /// First instruction of a block, and the one after its last.
    pub(super) fn block(&self, block: u32) -> (u32, u32) {
        self.code.block(block)
    }

    #[inline]
    pub(super) fn info(&self, op: u32) -> &OpInfo {
        &self.code.infos()[op as usize]
    }

    #[inline]
    pub(super) fn count_issue(&mut self, op: u32) {
        self.ops[op as usize].issued += 1;
    }

    #[inline]
    pub(super) fn count_stall(&mut self, op: u32, cycles: u64) {
        self.ops[op as usize].stalled += cycles;
    }

    /// A CTA has ended.
    pub(super) fn finish(&mut self, core: u32, mut cta: Cta, begin: u64, end: u64) {
        self.finished += 1;
        self.traffic += cta.core.end_launch();
        if self.spans.len() < SPANS_MAX {
            self.spans.push(CtaSpan {
                core,
                cta: cta.index,
                begin,
                end,
            });
        }
        self.pool.0.push(cta);
    }

    /// Gives back a CTA that will not end.
    pub(super) fn abandon(&mut self, mut cta: Cta) {
        cta.core.end_launch();
        self.pool.give_back(cta);
    }
}
