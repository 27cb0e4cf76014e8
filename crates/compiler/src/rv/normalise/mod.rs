//! Puts a function into the form that divergence analysis and linearisation expect.
//!
//! After [`normalise`]:
//!
//! - every block is reachable, and terminators are `Jump`, `Branch`, `Return`, `Exit` and
//!   `Fault` (a `Switch` becomes a chain of branches);
//! - the two targets of a branch differ;
//! - every cycle is a natural loop (an irreducible one gets a dispatch block as its header);
//! - a loop header has two predecessors: one outside, which only jumps to it, and one latch;
//! - a block outside a loop that is reached from inside is reached only from there;
//! - a value that is used outside the loop that defines it leaves through a parameter of a
//!   block just outside (loop-closed SSA);
//! - no parameter or pure instruction is dead.

mod closed;
mod dead;
mod reducible;

pub(super) use dead::remove_dead;

use crate::analysis::graph::{Dominators, Graph};
use crate::analysis::loops::Loops;
use crate::ir::{
    Block, BlockData, Edge, Function, Inst, InstData, IntCompare, Location, Op, Terminator, Type,
    Value,
};
use weft_isa::abi::FaultCode;

/// Rewrites the function. See the module documentation.
pub(crate) fn normalise(function: &mut Function) {
    lower_switches(function);
    separate_equal_targets(function);
    remove_unreachable(function);
    reducible::make_reducible(function);
    shape_loops(function);
    closed::close_loops(function);
    remove_dead(function);
}

/// A new empty block that jumps along `edge`.
fn block_before(function: &mut Function, edge: Edge) -> Block {
    let block = Block(index(function.blocks.len()));
    function.blocks.push(BlockData {
        params: Vec::new(),
        insts: Vec::new(),
        terminator: Terminator::Jump(edge),
    });
    block
}

fn new_value(function: &mut Function, ty: Type) -> Value {
    let value = Value(index(function.value_types.len()));
    function.value_types.push(ty);
    value
}

fn append(function: &mut Function, block: Block, op: Op, ty: Type) -> Value {
    let result = new_value(function, ty);
    let inst = Inst(index(function.insts.len()));
    function.insts.push(InstData {
        op,
        results: vec![result],
        location: Location::default(),
    });
    function.blocks[block.index()].insts.push(inst);
    result
}

fn index(len: usize) -> u32 {
    u32::try_from(len).expect("the parser bounds a function far below 2^32 entities")
}

fn lower_switches(function: &mut Function) {
    for block in function.block_ids() {
        let Terminator::Switch { index, targets } = &function.block(block).terminator else {
            continue;
        };
        let (index, targets) = (*index, targets.clone());
        let bad = block_before(
            function,
            Edge {
                block: Block(0),
                args: Vec::new(),
            },
        );
        function.blocks[bad.index()].terminator = Terminator::Fault(FaultCode::BadTarget);
        // Built from the end, each test jumping on to the next.
        let mut next = bad;
        for (case, edge) in targets.into_iter().enumerate().rev() {
            let test = if case == 0 {
                block
            } else {
                block_before(
                    function,
                    Edge {
                        block: next,
                        args: Vec::new(),
                    },
                )
            };
            let number = append(function, test, Op::Const(Type::B32, case as u64), Type::B32);
            let condition = append(
                function,
                test,
                Op::CompareInt(IntCompare::NotEqual, index, number),
                Type::Pred,
            );
            // The second target is laid out first: cases execute in order, so that of the lanes that
            // take a step each, those that are behind go first, as they would on hardware.
            function.blocks[test.index()].terminator = Terminator::Branch {
                condition,
                then: Edge {
                    block: next,
                    args: Vec::new(),
                },
                otherwise: edge,
            };
            next = test;
        }
        if next == bad {
            function.blocks[block.index()].terminator = Terminator::Fault(FaultCode::BadTarget);
        }
    }
}

fn separate_equal_targets(function: &mut Function) {
    for block in function.block_ids() {
        if let Terminator::Branch {
            then, otherwise, ..
        } = &function.block(block).terminator
            && then.block == otherwise.block
        {
            if then.args == otherwise.args {
                let edge = then.clone();
                function.blocks[block.index()].terminator = Terminator::Jump(edge);
                continue;
            }
            let middle = block_before(function, then.clone());
            if let Terminator::Branch { then, .. } = &mut function.blocks[block.index()].terminator
            {
                *then = Edge {
                    block: middle,
                    args: Vec::new(),
                };
            }
        }
    }
}

pub(super) fn remove_unreachable(function: &mut Function) {
    let graph = Graph::new(function);
    let mut renumbered = vec![Block(0); function.blocks.len()];
    let mut kept = Vec::with_capacity(function.blocks.len());
    for (at, data) in std::mem::take(&mut function.blocks).into_iter().enumerate() {
        if graph.is_reachable(Block(index(at))) {
            renumbered[at] = Block(index(kept.len()));
            kept.push(data);
        }
    }
    for block in &mut kept {
        for edge in block.terminator.edges_mut() {
            edge.block = renumbered[edge.block.index()];
        }
    }
    function.blocks = kept;
}

/// Sends all edges from the `sources` to `target` through a new block with parameters of its
/// own, which it passes on.
fn merge_edges(function: &mut Function, sources: &[Block], target: Block) -> Block {
    let types: Vec<Type> = function
        .block(target)
        .params
        .iter()
        .map(|&param| function.ty(param))
        .collect();
    let params: Vec<Value> = types.iter().map(|&ty| new_value(function, ty)).collect();
    let middle = block_before(
        function,
        Edge {
            block: target,
            args: params.clone(),
        },
    );
    function.blocks[middle.index()].params = params;
    for &source in sources {
        for edge in function.blocks[source.index()].terminator.edges_mut() {
            if edge.block == target {
                edge.block = middle;
            }
        }
    }
    middle
}

/// Gives loops one latch, a block before the header, and exit blocks of their own.
fn shape_loops(function: &mut Function) {
    let graph = Graph::new(function);
    let loops = Loops::new(&graph, &Dominators::new(&graph));
    let mut headers: Vec<(Block, Vec<Block>, Vec<Block>)> = Vec::new();
    for natural in &loops.loops {
        let mut outside: Vec<Block> = graph.predecessors[natural.header.index()].clone();
        outside.retain(|block| !natural.latches.contains(block));
        headers.push((natural.header, natural.latches.clone(), outside));
    }
    // Edges that leave a loop, by the innermost loop of their source and by target.
    let mut leaving: Vec<(u32, Block, Vec<Block>)> = Vec::new();
    for &from in &graph.order {
        let Some(inner) = loops.innermost(from) else {
            continue;
        };
        for &to in &graph.successors[from.index()] {
            if loops.contains(inner, to) {
                continue;
            }
            match leaving
                .iter_mut()
                .find(|(id, target, _)| *id == inner.0 && *target == to)
            {
                Some((_, _, sources)) => sources.push(from),
                None => leaving.push((inner.0, to, vec![from])),
            }
        }
    }
    for (_, target, sources) in leaving {
        if graph.predecessors[target.index()].len() > sources.len() {
            merge_edges(function, &sources, target);
        }
    }
    // Sources may have been replaced by exit blocks of inner loops: look at the graph again.
    let graph = Graph::new(function);
    let dominators = Dominators::new(&graph);
    for (header, _, _) in headers {
        let (latches, outside): (Vec<Block>, Vec<Block>) = graph.predecessors[header.index()]
            .iter()
            .partition(|&&block| dominators.dominates(header, block));
        if latches.len() > 1 {
            merge_edges(function, &latches, header);
        }
        let only_jumps =
            |block: Block| matches!(function.block(block).terminator, Terminator::Jump(_));
        if outside.len() > 1 || !outside.iter().all(|&block| only_jumps(block)) {
            merge_edges(function, &outside, header);
        }
    }
}
