//! Finds loops in which a lane may wait for another lane of its warp.
//!
//! Linearised code makes lanes that left a loop, or went another way, wait for those in the
//! loop. That is right for every program except one whose loop ends only after one of the
//! waiting lanes has done something: a lock taken by each thread, a flag that one lane sets for
//! another. Such a loop
//!
//! - *observes*: whether it is left depends on an atomic operation in it, or on a load that is
//!   volatile or stronger (other loads may not be used to wait for other threads: they are data
//!   races);
//! - *keeps lanes waiting* elsewhere: lanes leave it at different times, or it is entered by a
//!   part of the warp;
//! - and those lanes, if they were let go, could *release* it: a store, an atomic operation or a
//!   call is on their way before the next barrier that the lanes in the loop take part in.
//!
//! The answer errs on the side of yes. One common loop is known to need nobody: a compare-and-
//! swap repeated with the value that it found, until it finds the one expected.

use crate::analysis::divergence::{Divergence, PostDominators, loop_exits};
use crate::analysis::graph::{Dominators, Graph};
use crate::analysis::loops::{LoopId, Loops};
use crate::ir::{
    AtomicOp, BarrierKind, Block, Function, IntCompare, Op, Rows, Space, Terminator, Value,
};
use std::collections::BTreeSet;

/// Whether the function has such a loop. It is in the form that `normalise` makes.
pub(crate) fn may_wait_within_warp(function: &Function, is_kernel: bool, rows: Rows) -> bool {
    if !function.insts.iter().any(|inst| observes(&inst.op)) {
        return false;
    }
    let graph = Graph::new(function);
    let dominators = Dominators::new(&graph);
    let loops = Loops::new(&graph, &dominators);
    let is_fault = |block: Block| matches!(function.block(block).terminator, Terminator::Fault(_));
    let layout = loops.layout(&graph, is_fault);
    let post_dominators = PostDominators::new(function, &graph, &loops, &layout);
    let divergence = Divergence::new(function, &graph, &loops, &layout, &post_dominators, rows);
    let search = Search {
        function,
        graph: &graph,
        loops: &loops,
        post_dominators: &post_dominators,
        divergence: &divergence,
        exits: loop_exits(&graph, &loops),
        is_kernel,
    };
    (0..loops.loops.len()).any(|index| {
        let id = LoopId(u32::try_from(index).unwrap_or(u32::MAX));
        search.observes(id) && search.could_be_released(id)
    })
}

/// Whether the result tells of what other threads do.
const fn observes(op: &Op) -> bool {
    matches!(op, Op::Atomic { .. } | Op::Load { ordered: true, .. })
}

/// Whether the operation may be what another thread waits for.
const fn releases(op: &Op) -> bool {
    match op {
        Op::Store { space, .. } => !matches!(space, Space::Local | Space::Param),
        Op::Atomic { .. } | Op::Call(_) | Op::CallIndirect(_) => true,
        _ => false,
    }
}

struct Search<'a> {
    function: &'a Function,
    graph: &'a Graph,
    loops: &'a Loops,
    post_dominators: &'a PostDominators,
    divergence: &'a Divergence,
    exits: Vec<Vec<Block>>,
    is_kernel: bool,
}

impl Search<'_> {
    fn blocks(&self, id: LoopId) -> impl Iterator<Item = Block> {
        let all = self.graph.order.iter().copied();
        all.filter(move |&block| self.loops.contains(id, block))
    }

    /// Whether leaving the loop depends on what other threads do.
    fn observes(&self, id: LoopId) -> bool {
        let function = self.function;
        let mut observed = vec![false; function.value_types.len()];
        let mut control = false;
        loop {
            let mut changed = false;
            let mark = |value: Value, observed: &mut Vec<bool>| {
                !std::mem::replace(&mut observed[value.index()], true)
            };
            for block in self.blocks(id) {
                let data = function.block(block);
                for &inst in &data.insts {
                    let data = function.inst(inst);
                    let mut depends =
                        observes(&data.op) && !self.is_optimistic(id, &data.op, &data.results);
                    data.op
                        .for_each_operand(|operand| depends |= observed[operand.index()]);
                    if depends {
                        for &result in &data.results {
                            changed |= mark(result, &mut observed);
                        }
                    }
                }
                for edge in data.terminator.edges() {
                    let params = &function.block(edge.block).params;
                    for (&arg, &param) in edge.args.iter().zip(params) {
                        // Which edge is taken may be what depends on the others.
                        if observed[arg.index()] || control {
                            changed |= mark(param, &mut observed);
                        }
                    }
                }
                let decides = data.terminator.operand();
                if decides.is_some_and(|value| observed[value.index()]) && !control {
                    control = true;
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        self.blocks(id).any(|block| {
            let decides = function.block(block).terminator.operand();
            let leaves = self.graph.successors[block.index()]
                .iter()
                .any(|&target| !self.loops.contains(id, target));
            leaves && decides.is_some_and(|value| observed[value.index()])
        })
    }

    /// Whether it is a compare-and-swap that expects what it found the last time, in a loop
    /// that is left when it finds what it expects. If it fails, another thread succeeded.
    fn is_optimistic(&self, id: LoopId, op: &Op, results: &[Value]) -> bool {
        let function = self.function;
        let (
            &Op::Atomic {
                op: AtomicOp::CompareExchange,
                compare: Some(expected),
                ..
            },
            &[found],
        ) = (op, results)
        else {
            return false;
        };
        let header = self.loops.get(id).header;
        let params = &function.block(header).params;
        let Some(place) = params.iter().position(|&param| param == expected) else {
            return false;
        };
        let expects_found = self.loops.get(id).latches.iter().all(|&latch| {
            let edges = function.block(latch).terminator.edges();
            edges
                .filter(|edge| edge.block == header)
                .all(|edge| edge.args.get(place) == Some(&found))
        });
        let is_found = |value: Value| {
            self.blocks(id).any(|block| {
                function.block(block).insts.iter().any(|&inst| {
                    let data = function.inst(inst);
                    let &Op::CompareInt(IntCompare::Equal | IntCompare::NotEqual, a, b) = &data.op
                    else {
                        return false;
                    };
                    data.results == [value]
                        && ((a, b) == (found, expected) || (a, b) == (expected, found))
                })
            })
        };
        let leaves_when_found = self.blocks(id).any(|block| {
            let leaves = self.graph.successors[block.index()]
                .iter()
                .any(|&target| !self.loops.contains(id, target));
            leaves
                && function
                    .block(block)
                    .terminator
                    .operand()
                    .is_some_and(is_found)
        });
        expects_found && leaves_when_found
    }

    /// Whether lanes that are kept waiting by lanes in the loop may do what those wait for.
    fn could_be_released(&self, id: LoopId) -> bool {
        let mut starts = BTreeSet::new();
        for around in self.loops.ancestors(Some(id)) {
            if self.divergence.is_loop_divergent(around) {
                starts.extend(self.exits[around.index()].iter().copied());
            }
        }
        let header = self.loops.get(id).header;
        for &block in &self.graph.order {
            let condition = self.function.block(block).terminator.operand();
            let parts = condition.is_some_and(|value| self.divergence.is_divergent(value));
            if !parts || self.loops.contains(id, block) {
                continue;
            }
            let meeting = self.post_dominators.immediate(block);
            let successors = &self.graph.successors[block.index()];
            if successors
                .iter()
                .any(|&target| self.reaches(target, header, meeting))
            {
                starts.extend(successors.iter().copied());
            }
        }
        // Lanes of the caller may wait for those that called.
        !self.is_kernel || self.finds_release(id, starts)
    }

    /// Whether control gets from one block to another without passing a third.
    fn reaches(&self, from: Block, to: Block, without: Option<Block>) -> bool {
        let mut seen = vec![false; self.graph.successors.len()];
        let mut work = vec![from];
        while let Some(block) = work.pop() {
            if Some(block) == without || std::mem::replace(&mut seen[block.index()], true) {
                continue;
            }
            if block == to {
                return true;
            }
            work.extend(&self.graph.successors[block.index()]);
        }
        false
    }

    /// Whether something on the way from these blocks may release the loop.
    fn finds_release(&self, id: LoopId, starts: BTreeSet<Block>) -> bool {
        let mut seen = vec![false; self.graph.successors.len()];
        let mut work: Vec<Block> = starts.into_iter().collect();
        'blocks: while let Some(block) = work.pop() {
            let seen = std::mem::replace(&mut seen[block.index()], true);
            if seen || self.loops.contains(id, block) {
                continue;
            }
            for &inst in &self.function.block(block).insts {
                let op = &self.function.inst(inst).op;
                if releases(op) {
                    return true;
                }
                if self.meets_whole_warp(op) {
                    continue 'blocks;
                }
            }
            work.extend(&self.graph.successors[block.index()]);
        }
        false
    }

    /// Whether all lanes of the warp take part, so that none goes on without those in the loop.
    fn meets_whole_warp(&self, op: &Op) -> bool {
        let members = match *op {
            Op::Barrier { kind, .. } => return !matches!(kind, BarrierKind::Arrive),
            Op::FullWarp | Op::MultiplyMatrices(..) => return true,
            Op::Shuffle { members, .. }
            | Op::Vote(_, _, members)
            | Op::Match { members, .. }
            | Op::Reduce(_, _, members)
            | Op::WarpBarrier(members) => members,
            _ => return false,
        };
        self.function.insts.iter().any(|inst| {
            inst.results == [members]
                && matches!(inst.op, Op::Const(_, bits) if bits == 0xffff_ffff)
        })
    }
}
