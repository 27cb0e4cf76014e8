//! Removes pure instructions and block parameters that nothing needs.

use crate::ir::{Block, Function, Op, Value};

/// Runs the pass.
pub(super) fn run(function: &mut Function) {
    let needed = needed_values(function);
    let is_needed = |value: &Value| needed[value.index()];
    let kept_params: Vec<Vec<bool>> = function
        .blocks
        .iter()
        .map(|block| block.params.iter().map(is_needed).collect())
        .collect();
    for index in 0..function.blocks.len() {
        let insts = std::mem::take(&mut function.blocks[index].insts);
        let kept = insts
            .into_iter()
            .filter(|inst| {
                let data = &function.insts[inst.index()];
                !data.op.is_pure() || data.results.iter().any(is_needed)
            })
            .collect();
        let block = &mut function.blocks[index];
        block.insts = kept;
        block.params.retain(is_needed);
        for edge in block.terminator.edges_mut() {
            let mut keep = kept_params[edge.block.index()].iter();
            edge.args.retain(|_| keep.next().copied().unwrap_or(true));
        }
    }
}

/// Which values something that stays depends on.
fn needed_values(function: &Function) -> Vec<bool> {
    let mut needed = vec![false; function.value_types.len()];
    let mut pending = Vec::new();
    // Where each value comes from: the operands of its instruction, or the arguments for a
    // parameter.
    let mut sources: Vec<Source<'_>> = vec![Source::None; function.value_types.len()];
    let mut incoming: Vec<Vec<(Block, usize)>> = vec![Vec::new(); function.blocks.len()];
    for block in function.block_ids() {
        let data = function.block(block);
        for (index, param) in data.params.iter().enumerate() {
            sources[param.index()] = Source::Param(block, index);
        }
        for &inst in &data.insts {
            let data = function.inst(inst);
            for result in &data.results {
                sources[result.index()] = Source::Op(&data.op);
            }
            if !data.op.is_pure() {
                data.op.for_each_operand(|value| pending.push(value));
            }
        }
        pending.extend(data.terminator.operand());
        for (index, edge) in data.terminator.edges().enumerate() {
            incoming[edge.block.index()].push((block, index));
        }
    }
    while let Some(value) = pending.pop() {
        if std::mem::replace(&mut needed[value.index()], true) {
            continue;
        }
        match sources[value.index()] {
            Source::None => {}
            Source::Op(op) => op.for_each_operand(|operand| pending.push(operand)),
            Source::Param(block, index) => {
                for &(from, edge) in &incoming[block.index()] {
                    let edge = function.block(from).terminator.edges().nth(edge);
                    pending.extend(edge.and_then(|edge| edge.args.get(index)));
                }
            }
        }
    }
    needed
}

/// Where a value comes from.
#[derive(Clone, Copy)]
enum Source<'f> {
    None,
    Op(&'f Op),
    Param(Block, usize),
}
