//! Which values may differ between the threads of a warp that compute them together.
//!
//! A value is *uniform* if, whenever its definition executes, all threads that execute it
//! together obtain the same bits; else it is *divergent*. Divergence comes
//!
//! - from data: the operation reads the lane number, lane-local memory or a divergent operand;
//! - from joins (*sync*): a block parameter whose incoming edges are chosen by a divergent
//!   branch;
//! - from time (*temporal*): a value that leaves a loop which threads leave in different
//!   iterations.
//!
//! Expects a reducible function in the form that `rv::normalise` makes: every loop has
//! one latch and exit blocks of its own, and values leave loops through parameters of those.
//! The method is that of LLVM's uniformity analysis (Rosemann, Moll, Hack: "An Abstract
//! Interpretation for SPMD Divergence on Reducible Control Flow Graphs").

use super::graph::Graph;
use super::loops::{LoopId, Loops};
use crate::ir::{Block, Function, Inst, Op, Rows, ShuffleMode, Space, Special, Terminator, Value};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Nearest post-dominators in the sweep order of the linearised code: a loop is left through
/// any of its exits once its latch is reached, and faults end everything, so that paths to
/// them do not count.
#[derive(Debug)]
pub(crate) struct PostDominators {
    immediate: Vec<Option<Block>>,
    /// Blocks from which no path leads on: all that post-dominates them is vacuous.
    vacuous: Vec<bool>,
    position: Vec<u32>,
}

impl PostDominators {
    pub(crate) fn new(function: &Function, graph: &Graph, loops: &Loops, layout: &[Block]) -> Self {
        let count = graph.successors.len();
        let mut position = vec![u32::MAX; count];
        for (at, &block) in (0..).zip(layout) {
            position[block.index()] = at;
        }
        let exits = loop_exits(graph, loops);
        let mut this = Self {
            immediate: vec![None; count],
            vacuous: vec![false; count],
            position,
        };
        for &block in layout.iter().rev() {
            if matches!(
                function.block(block).terminator,
                Terminator::Return | Terminator::Exit
            ) {
                continue;
            }
            let mut met: Option<Option<Block>> = None;
            let mut meet = |target: Block, this: &Self| {
                if !this.vacuous[target.index()] {
                    met = Some(match met {
                        None => Some(target),
                        Some(other) => this.common(other, target),
                    });
                }
            };
            for &target in &graph.successors[block.index()] {
                if loops.is_back_edge(block, target) {
                    let id = loops.innermost(target).expect("a header is in its loop");
                    exits[id.index()].iter().for_each(|&exit| meet(exit, &this));
                } else {
                    meet(target, &this);
                }
            }
            match met {
                Some(immediate) => this.immediate[block.index()] = immediate,
                None => this.vacuous[block.index()] = true,
            }
        }
        this
    }

    /// The nearest post-dominator, if any.
    pub(crate) fn immediate(&self, block: Block) -> Option<Block> {
        self.immediate[block.index()]
    }

    /// Whether every thread in `from` comes to `to` later in the same sweep, unless the
    /// launch fails.
    pub(crate) fn post_dominates(&self, to: Block, from: Block) -> bool {
        self.common(Some(to), from) == Some(to)
    }

    fn common(&self, a: Option<Block>, b: Block) -> Option<Block> {
        let (mut a, mut b) = (a, Some(b));
        while a != b {
            let (Some(x), Some(y)) = (a, b) else {
                return None;
            };
            if self.position[x.index()] < self.position[y.index()] {
                a = self.immediate[x.index()];
            } else {
                b = self.immediate[y.index()];
            }
        }
        a
    }
}

/// Targets of the edges that leave each loop, without repetition.
pub(crate) fn loop_exits(graph: &Graph, loops: &Loops) -> Vec<Vec<Block>> {
    let mut exits: Vec<Vec<Block>> = vec![Vec::new(); loops.loops.len()];
    for &from in &graph.order {
        for &to in &graph.successors[from.index()] {
            for id in loops.ancestors(loops.innermost(from)) {
                if loops.contains(id, to) {
                    break;
                }
                if !exits[id.index()].contains(&to) {
                    exits[id.index()].push(to);
                }
            }
        }
    }
    exits
}

/// The result of the analysis.
#[derive(Debug)]
pub(crate) struct Divergence {
    values: Vec<bool>,
    /// Loops that threads may leave in different iterations or to different places.
    loops: Vec<bool>,
    /// Blocks at which threads meet that came different ways or left a loop at different times.
    meetings: Vec<bool>,
}

impl Divergence {
    /// Whether the value may differ between threads that compute it together.
    pub(crate) fn is_divergent(&self, value: Value) -> bool {
        self.values[value.index()]
    }

    /// Whether threads that execute the block together may have come there along different edges,
    /// or from different iterations of a loop that ends there.
    pub(crate) fn is_meeting(&self, block: Block) -> bool {
        self.meetings[block.index()]
    }

    /// Whether threads may leave the loop in different iterations or to different places.
    pub(crate) fn is_loop_divergent(&self, id: LoopId) -> bool {
        self.loops[id.index()]
    }

    /// Analyses a function. `rows`: how thread indices follow from lanes.
    pub(crate) fn new(
        function: &Function,
        graph: &Graph,
        loops: &Loops,
        layout: &[Block],
        post_dominators: &PostDominators,
        rows: Rows,
    ) -> Self {
        let mut users: Vec<Vec<User>> = vec![Vec::new(); function.value_types.len()];
        let mut constants = vec![None; function.value_types.len()];
        for &block in layout {
            let data = function.block(block);
            for &inst in &data.insts {
                let data = function.inst(inst);
                data.op
                    .for_each_operand(|operand| users[operand.index()].push(User::Inst(inst)));
                if let Op::Const(_, bits) = data.op {
                    constants[data.results[0].index()] = Some(bits);
                }
            }
            if let Some(condition) = data.terminator.operand() {
                users[condition.index()].push(User::Branch(block));
            }
            for edge in data.terminator.edges() {
                let params = &function.block(edge.block).params;
                for (&arg, &param) in edge.args.iter().zip(params) {
                    users[arg.index()].push(User::Param(param));
                }
            }
        }
        let mut position = vec![u32::MAX; function.blocks.len()];
        for (at, &block) in (0..).zip(layout) {
            position[block.index()] = at;
        }
        let mut work = Propagation {
            function,
            graph,
            loops,
            layout,
            position,
            post_dominators,
            exits: loop_exits(graph, loops),
            defined_in: definitions(function, layout),
            constants,
            rows,
            result: Self {
                values: vec![false; function.value_types.len()],
                loops: vec![false; loops.loops.len()],
                meetings: vec![false; function.blocks.len()],
            },
            queue: Vec::new(),
        };
        for &block in layout {
            for &inst in &function.block(block).insts {
                work.visit(inst);
            }
        }
        while let Some(value) = work.queue.pop() {
            for &user in &users[value.index()] {
                match user {
                    User::Inst(inst) => work.visit(inst),
                    User::Param(param) => work.mark(param),
                    User::Branch(block) => work.branch(block),
                }
            }
        }
        work.result
    }
}

/// The block that defines each value.
fn definitions(function: &Function, layout: &[Block]) -> Vec<Block> {
    let mut defined_in = vec![Block(0); function.value_types.len()];
    for &block in layout {
        let data = function.block(block);
        let results = data
            .insts
            .iter()
            .flat_map(|&inst| &function.inst(inst).results);
        for value in data.params.iter().chain(results) {
            defined_in[value.index()] = block;
        }
    }
    defined_in
}

/// What depends on a value.
#[derive(Clone, Copy, Debug)]
enum User {
    Inst(Inst),
    Param(Value),
    Branch(Block),
}

struct Propagation<'a> {
    function: &'a Function,
    graph: &'a Graph,
    loops: &'a Loops,
    layout: &'a [Block],
    position: Vec<u32>,
    post_dominators: &'a PostDominators,
    exits: Vec<Vec<Block>>,
    defined_in: Vec<Block>,
    constants: Vec<Option<u64>>,
    rows: Rows,
    result: Divergence,
    queue: Vec<Value>,
}

impl Propagation<'_> {
    fn mark(&mut self, value: Value) {
        if !std::mem::replace(&mut self.result.values[value.index()], true) {
            self.queue.push(value);
        }
    }

    fn visit(&mut self, inst: Inst) {
        let function = self.function;
        let data = function.inst(inst);
        for (index, &result) in data.results.iter().enumerate() {
            if self.is_source_or_carries(&data.op, index) {
                self.mark(result);
            }
        }
    }

    /// Whether result `index` of the operation is divergent, given its operands.
    fn is_source_or_carries(&self, op: &Op, index: usize) -> bool {
        let divergent = |value: Value| self.result.values[value.index()];
        match *op {
            Op::ReadSpecial(special) => match special {
                Special::ThreadId(axis) => match self.rows {
                    Rows::Any => true,
                    Rows::Line | Rows::Whole => axis == 0,
                    Rows::Short { .. } => axis < 2,
                },
                Special::Lane
                | Special::LaneMaskEqual
                | Special::LaneMaskLess
                | Special::LaneMaskLessEqual
                | Special::LaneMaskGreater
                | Special::LaneMaskGreaterEqual => true,
                Special::FirstThreadId(_)
                | Special::CtaSize(_)
                | Special::CtaId(_)
                | Special::GridSize(_)
                | Special::Warp
                | Special::WarpsPerCta
                | Special::Core
                | Special::Cores
                | Special::Grid
                | Special::SharedDynamicBytes
                | Special::SharedTotalBytes
                | Special::Clock
                | Special::Clock64
                | Special::GlobalTimer => false,
            },
            Op::Load { space, address, .. } => space == Space::Local || divergent(address),
            // Each thread has other elements of the matrices.
            Op::ToGeneric(Space::Local, _) | Op::Atomic { .. } | Op::MultiplyMatrices(..) => true,
            Op::Affine { base, stride, wrap } => stride != 0 || wrap.is_some() || divergent(base),
            // The generic address minus the lane's own window.
            Op::FromGeneric(Space::Local, _) => true,
            Op::Shuffle { mode, b, c, .. } => {
                !(mode == ShuffleMode::Index
                    && !divergent(b)
                    && is_broadcast(self.constants[c.index()]))
            }
            Op::Vote(_, _, members) | Op::Reduce(_, _, members) => divergent(members),
            Op::Match { all, members, .. } => !all || divergent(members),
            _ => {
                let _ = index;
                let mut any = false;
                op.for_each_operand(|operand| any |= divergent(operand));
                any
            }
        }
    }

    /// The branch at the end of `block` has become divergent.
    fn branch(&mut self, block: Block) {
        let graph = self.graph;
        let loops = self.loops;
        self.mark_joins(&graph.successors[block.index()]);
        let meeting = self.post_dominators.immediate(block);
        for id in loops.ancestors(loops.innermost(block)) {
            if meeting.is_some_and(|meeting| loops.contains(id, meeting)) {
                break;
            }
            self.diverge_loop(id);
        }
    }

    fn diverge_loop(&mut self, id: LoopId) {
        if std::mem::replace(&mut self.result.loops[id.index()], true) {
            return;
        }
        let function = self.function;
        let exits = self.exits[id.index()].clone();
        for &exit in &exits {
            self.result.meetings[exit.index()] = true;
            for &from in &self.graph.predecessors[exit.index()] {
                for edge in function.block(from).terminator.edges() {
                    if edge.block != exit {
                        continue;
                    }
                    for (&arg, &param) in edge.args.iter().zip(&function.block(exit).params) {
                        if self.loops.contains(id, self.defined_in[arg.index()]) {
                            self.mark(param);
                        }
                    }
                }
            }
        }
        self.mark_joins(&exits);
    }

    /// Marks the parameters of every block that disjoint paths from two of `starts` reach.
    fn mark_joins(&mut self, starts: &[Block]) {
        let function = self.function;
        // The last start or join passed on the way to a block.
        let mut label: Vec<(u32, Block)> = Vec::new();
        let find = |label: &[(u32, Block)], at: u32| label.binary_search_by_key(&at, |l| l.0);
        let mut frontier = BinaryHeap::new();
        let reach = |label: &mut Vec<(u32, Block)>,
                     frontier: &mut BinaryHeap<Reverse<u32>>,
                     this: &mut Self,
                     target: Block,
                     from: Block| {
            let at = this.position[target.index()];
            match find(label, at) {
                Err(slot) => {
                    label.insert(slot, (at, from));
                    frontier.push(Reverse(at));
                }
                Ok(slot) if label[slot].1 == from => {}
                // Also when the target is a start itself: one path is the branch's own edge.
                Ok(slot) => {
                    label[slot].1 = target;
                    this.result.meetings[target.index()] = true;
                    for &param in &function.block(target).params {
                        this.mark(param);
                    }
                }
            }
        };
        for &start in starts {
            reach(&mut label, &mut frontier, self, start, start);
        }
        while let Some(Reverse(at)) = frontier.pop() {
            if frontier.is_empty() {
                break;
            }
            let block = self.layout[at as usize];
            let from = find(&label, at).map_or(block, |slot| label[slot].1);
            let graph = self.graph;
            for &target in &graph.successors[block.index()] {
                if !self.loops.is_back_edge(block, target) {
                    reach(&mut label, &mut frontier, self, target, from);
                }
            }
        }
    }
}

/// Whether the `c` operand of an indexed shuffle makes one segment of the whole warp and
/// lets every index in.
pub(crate) fn is_broadcast(c: Option<u64>) -> bool {
    c.is_some_and(|c| c & 0x1f1f == 0x1f)
}
