//! Simplification and common subexpressions, in one walk in reverse post-order.
//!
//! An instruction is equal to an earlier one if it has the same operation on the same values; it
//! is replaced if the earlier one's block dominates its own.

use super::simplify::{self, Known, Simplified};
use crate::ir::{Block, Cfg, Function, Inst, InstData, Op, Terminator, Type, Value};
use std::collections::HashMap;

/// Runs the pass.
pub(super) fn run(function: &mut Function) {
    let cfg = Cfg::new(function);
    let count = function.value_types.len();
    let mut walk = Walk {
        known: Known {
            definition: vec![None; count],
        },
        replacement: (0..u32::try_from(count).unwrap_or(u32::MAX))
            .map(Value)
            .collect(),
        seen: HashMap::new(),
    };
    for &block in &cfg.order {
        walk.block(function, &cfg, block);
    }
    // Back edges carry values that were replaced after their argument was looked at.
    for block in &mut function.blocks {
        for edge in block.terminator.edges_mut() {
            for arg in &mut edge.args {
                *arg = walk.resolve(*arg);
            }
        }
    }
}

struct Walk {
    known: Known,
    /// What to use in place of each value; itself if it stays.
    replacement: Vec<Value>,
    seen: HashMap<Op, Vec<(Block, Inst)>>,
}

impl Walk {
    fn resolve(&self, value: Value) -> Value {
        let mut value = value;
        while self.replacement[value.index()] != value {
            value = self.replacement[value.index()];
        }
        value
    }

    fn block(&mut self, function: &mut Function, cfg: &Cfg, block: Block) {
        let insts = std::mem::take(&mut function.blocks[block.index()].insts);
        let mut kept = Vec::with_capacity(insts.len());
        for inst in insts {
            let mut op = std::mem::replace(&mut function.insts[inst.index()].op, Op::Fence);
            op.map_operands(|value| self.resolve(value));
            // Every step brings the operation closer to a form no rule applies to; the bound
            // keeps a mistake in the rules from becoming an endless loop.
            let mut same_as = None;
            for _ in 0..16 {
                match simplify::simplify(function, &self.known, &op) {
                    Simplified::No => break,
                    Simplified::Op(better) => op = better,
                    Simplified::Steps(steps, last) => {
                        op = self.steps(function, cfg, block, inst, &mut kept, steps, last);
                    }
                    Simplified::Value(value) => {
                        same_as = Some(value);
                        break;
                    }
                }
            }
            let results = function.insts[inst.index()].results.clone();
            if let (Some(value), &[result]) = (same_as, results.as_slice()) {
                self.replacement[result.index()] = value;
                function.insts[inst.index()].op = op;
                continue;
            }
            if op.is_pure() {
                if let Some(earlier) = self.earlier(cfg, block, &op) {
                    let values = function.insts[earlier.index()].results.clone();
                    for (result, value) in results.into_iter().zip(values) {
                        self.replacement[result.index()] = value;
                    }
                    function.insts[inst.index()].op = op;
                    continue;
                }
                self.seen.entry(op.clone()).or_default().push((block, inst));
            }
            function.insts[inst.index()].op = op;
            for result in results {
                self.known.definition[result.index()] = Some(inst);
            }
            kept.push(inst);
        }
        function.blocks[block.index()].insts = kept;
        let mut terminator = std::mem::replace(
            &mut function.blocks[block.index()].terminator,
            Terminator::Return,
        );
        match &mut terminator {
            Terminator::Branch {
                condition: value, ..
            }
            | Terminator::Switch { index: value, .. } => *value = self.resolve(*value),
            Terminator::Jump(_) | Terminator::Return | Terminator::Exit | Terminator::Fault(_) => {}
        }
        for edge in terminator.edges_mut() {
            for arg in &mut edge.args {
                *arg = self.resolve(*arg);
            }
        }
        simplify::terminator(function, &self.known, &mut terminator);
        function.blocks[block.index()].terminator = terminator;
    }

    /// An instruction that computes the same and has run before every instruction of the block.
    fn earlier(&self, cfg: &Cfg, block: Block, op: &Op) -> Option<Inst> {
        let same = self.seen.get(op)?;
        let found = same.iter().rev().find(|(at, _)| cfg.dominates(*at, block));
        found.map(|&(_, inst)| inst)
    }

    /// Places the steps of a rule in front of an instruction; gives its operation with the
    /// placeholders replaced.
    #[expect(
        clippy::too_many_arguments,
        reason = "the state of the walk around one instruction"
    )]
    fn steps(
        &mut self,
        function: &mut Function,
        cfg: &Cfg,
        block: Block,
        before: Inst,
        kept: &mut Vec<Inst>,
        steps: Vec<(Op, Type)>,
        last: Op,
    ) -> Op {
        let mut values: Vec<Value> = Vec::new();
        let count = steps.len();
        let in_place = |values: &[Value], op: &mut Op| {
            op.map_operands(|value| match simplify::step_of(value, count) {
                Some(index) => values[index],
                None => value,
            });
        };
        for (mut op, ty) in steps {
            in_place(&values, &mut op);
            if let Some(earlier) = self.earlier(cfg, block, &op) {
                values.push(function.insts[earlier.index()].results[0]);
                continue;
            }
            let value = Value(u32::try_from(function.value_types.len()).unwrap_or(u32::MAX));
            let inst = Inst(u32::try_from(function.insts.len()).unwrap_or(u32::MAX));
            function.value_types.push(ty);
            self.replacement.push(value);
            self.known.definition.push(Some(inst));
            let location = function.insts[before.index()].location;
            function.insts.push(InstData {
                op: op.clone(),
                results: vec![value],
                location,
            });
            self.seen.entry(op).or_default().push((block, inst));
            kept.push(inst);
            values.push(value);
        }
        let mut last = last;
        in_place(&values, &mut last);
        last
    }
}
