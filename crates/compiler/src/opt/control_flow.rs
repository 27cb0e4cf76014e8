//! Removes blocks and block parameters that control flow has no use for.

use crate::ir::{Block, Cfg, Function, Op, Terminator, Value};

/// Runs the pass.
pub(super) fn run(function: &mut Function) {
    skip_empty_blocks(function);
    merge_chains(function);
    remove_unreachable(function);
    remove_redundant_params(function);
}

/// Lets edges to a block that does nothing but jump on lead to where it jumps.
///
/// Only blocks without parameters that pass no arguments are skipped, so the values that arrive
/// do not depend on the way taken.
fn skip_empty_blocks(function: &mut Function) {
    let onward: Vec<Option<Block>> = function
        .blocks
        .iter()
        .map(|data| match &data.terminator {
            Terminator::Jump(edge)
                if data.insts.is_empty() && data.params.is_empty() && edge.args.is_empty() =>
            {
                Some(edge.block)
            }
            _ => None,
        })
        .collect();
    let limit = onward.len();
    for data in &mut function.blocks {
        for edge in data.terminator.edges_mut() {
            // The bound ends cycles of empty blocks, which loop for ever and may stay.
            for _ in 0..limit.min(64) {
                match onward[edge.block.index()] {
                    Some(next) if next != edge.block => edge.block = next,
                    _ => break,
                }
            }
        }
        if let Terminator::Branch {
            then, otherwise, ..
        } = &data.terminator
            && then == otherwise
        {
            data.terminator = Terminator::Jump(then.clone());
        }
    }
}

/// Takes a block into its predecessor when each is the other's only neighbour there.
fn merge_chains(function: &mut Function) {
    let cfg = Cfg::new(function);
    let mut replacement: Vec<Value> = (0..u32::try_from(function.value_types.len())
        .unwrap_or(u32::MAX))
        .map(Value)
        .collect();
    let mut predecessors: Vec<usize> = vec![0; function.blocks.len()];
    for &block in &cfg.order {
        for edge in function.block(block).terminator.edges() {
            predecessors[edge.block.index()] += 1;
        }
    }
    let mut taken = vec![false; function.blocks.len()];
    for &block in &cfg.order {
        if taken[block.index()] {
            continue;
        }
        while let Terminator::Jump(edge) = &function.block(block).terminator {
            let next = edge.block;
            if predecessors[next.index()] != 1 || next == block || next == Block(0) {
                break;
            }
            let args = edge.args.clone();
            let data = &mut function.blocks[next.index()];
            let params = std::mem::take(&mut data.params);
            let insts = std::mem::take(&mut data.insts);
            let terminator = std::mem::replace(&mut data.terminator, Terminator::Return);
            for (param, arg) in params.into_iter().zip(args) {
                replacement[param.index()] = arg;
            }
            let data = &mut function.blocks[block.index()];
            data.insts.extend(insts);
            data.terminator = terminator;
            taken[next.index()] = true;
        }
    }
    replace_values(function, &replacement);
}

/// Removes blocks that control cannot reach; the others keep their order.
fn remove_unreachable(function: &mut Function) {
    let cfg = Cfg::new(function);
    let mut renumbered = vec![Block(0); function.blocks.len()];
    let mut next = 0;
    for block in function.block_ids() {
        if cfg.is_reachable(block) {
            renumbered[block.index()] = Block(next);
            next += 1;
        }
    }
    let mut index = 0_u32;
    function.blocks.retain(|_| {
        index += 1;
        cfg.is_reachable(Block(index - 1))
    });
    for data in &mut function.blocks {
        for edge in data.terminator.edges_mut() {
            edge.block = renumbered[edge.block.index()];
        }
    }
}

/// Replaces parameters that get the same value on every edge, themselves aside.
fn remove_redundant_params(function: &mut Function) {
    let mut replacement: Vec<Value> = (0..u32::try_from(function.value_types.len())
        .unwrap_or(u32::MAX))
        .map(Value)
        .collect();
    // Replacing one can make another redundant: a few rounds find nearly all.
    for _ in 0..4 {
        let mut only: Vec<Vec<Option<Value>>> = function
            .blocks
            .iter()
            .map(|data| vec![None; data.params.len()])
            .collect();
        let mut redundant: Vec<Vec<bool>> = function
            .blocks
            .iter()
            .map(|data| vec![true; data.params.len()])
            .collect();
        for data in &function.blocks {
            for edge in data.terminator.edges() {
                let target = edge.block.index();
                let params = &function.blocks[target].params;
                for (index, &arg) in edge.args.iter().enumerate() {
                    let arg = resolve(&replacement, arg);
                    if arg == params[index] {
                        continue;
                    }
                    let seen = only[target][index].get_or_insert(arg);
                    redundant[target][index] &= *seen == arg;
                }
            }
        }
        let mut changed = false;
        for (target, data) in function.blocks.iter_mut().enumerate() {
            for (index, &param) in data.params.iter().enumerate() {
                let Some(value) = only[target][index] else {
                    redundant[target][index] = false;
                    continue;
                };
                // Two parameters that are each other must not both go.
                if redundant[target][index] && resolve(&replacement, value) != param {
                    replacement[param.index()] = value;
                    changed = true;
                } else {
                    redundant[target][index] = false;
                }
            }
            let mut gone = redundant[target].iter();
            data.params
                .retain(|_| !gone.next().copied().unwrap_or(false));
        }
        for data in &mut function.blocks {
            for edge in data.terminator.edges_mut() {
                let mut gone = redundant[edge.block.index()].iter();
                edge.args.retain(|_| !gone.next().copied().unwrap_or(false));
            }
        }
        if !changed {
            break;
        }
    }
    replace_values(function, &replacement);
}

fn resolve(replacement: &[Value], value: Value) -> Value {
    let mut value = value;
    while replacement[value.index()] != value {
        value = replacement[value.index()];
    }
    value
}

fn replace_values(function: &mut Function, replacement: &[Value]) {
    for inst in &mut function.insts {
        let op: &mut Op = &mut inst.op;
        op.map_operands(|value| resolve(replacement, value));
    }
    for data in &mut function.blocks {
        match &mut data.terminator {
            Terminator::Branch {
                condition: value, ..
            }
            | Terminator::Switch { index: value, .. } => *value = resolve(replacement, *value),
            Terminator::Jump(_) | Terminator::Return | Terminator::Exit | Terminator::Fault(_) => {}
        }
        for edge in data.terminator.edges_mut() {
            for arg in &mut edge.args {
                *arg = resolve(replacement, *arg);
            }
        }
    }
}
