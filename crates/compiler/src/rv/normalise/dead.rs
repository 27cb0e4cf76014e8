//! Removes pure instructions and block parameters whose values nothing needs.

use crate::ir::{Block, Function, Inst, Value};

/// What defines a value.
#[derive(Clone, Copy, Debug)]
enum Definition {
    Inst(Inst),
    Param(Block, usize),
}

pub(in crate::rv) fn remove_dead(function: &mut Function) {
    let mut definition: Vec<Option<Definition>> = vec![None; function.value_types.len()];
    let mut into: Vec<Vec<Block>> = vec![Vec::new(); function.blocks.len()];
    for block in function.block_ids() {
        let data = function.block(block);
        for (slot, &param) in data.params.iter().enumerate() {
            definition[param.index()] = Some(Definition::Param(block, slot));
        }
        for &inst in &data.insts {
            for &result in &function.inst(inst).results {
                definition[result.index()] = Some(Definition::Inst(inst));
            }
        }
        for edge in data.terminator.edges() {
            into[edge.block.index()].push(block);
        }
    }
    let mut live = vec![false; function.value_types.len()];
    let mut work: Vec<Value> = Vec::new();
    for block in function.block_ids() {
        let data = function.block(block);
        for &inst in &data.insts {
            let op = &function.inst(inst).op;
            if !op.is_pure() {
                op.for_each_operand(|value| work.push(value));
            }
        }
        work.extend(data.terminator.operand());
    }
    while let Some(value) = work.pop() {
        if std::mem::replace(&mut live[value.index()], true) {
            continue;
        }
        match definition[value.index()] {
            Some(Definition::Inst(inst)) => {
                function
                    .inst(inst)
                    .op
                    .for_each_operand(|value| work.push(value));
            }
            Some(Definition::Param(block, slot)) => {
                for &from in &into[block.index()] {
                    for edge in function.block(from).terminator.edges() {
                        if edge.block == block {
                            work.push(edge.args[slot]);
                        }
                    }
                }
            }
            None => {}
        }
    }
    let insts = &function.insts;
    let mut kept_params: Vec<Vec<bool>> = Vec::with_capacity(function.blocks.len());
    for block in &mut function.blocks {
        block.insts.retain(|inst| {
            let data = &insts[inst.index()];
            !data.op.is_pure() || data.results.iter().any(|result| live[result.index()])
        });
        kept_params.push(
            block
                .params
                .iter()
                .map(|param| live[param.index()])
                .collect(),
        );
        block.params.retain(|param| live[param.index()]);
    }
    for block in &mut function.blocks {
        for edge in block.terminator.edges_mut() {
            let mut kept = kept_params[edge.block.index()].iter();
            edge.args.retain(|_| kept.next().is_some_and(|&kept| kept));
        }
    }
}
