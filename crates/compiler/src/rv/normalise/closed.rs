//! Loop-closed SSA: values leave loops through parameters of the blocks just outside.

use super::new_value;
use crate::analysis::divergence::loop_exits;
use crate::analysis::graph::{Dominators, Graph};
use crate::analysis::loops::Loops;
use crate::ir::{Block, Function, Inst, Value};
use std::collections::BTreeMap;

/// Where a value is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Site {
    Inst(Inst),
    /// Operand of the terminator, or arguments of its edges.
    Terminator,
}

pub(super) fn close_loops(function: &mut Function) {
    let graph = Graph::new(function);
    let dominators = Dominators::new(&graph);
    let loops = Loops::new(&graph, &dominators);
    if loops.loops.is_empty() {
        return;
    }
    let mut closer = Closer {
        exits: loop_exits(&graph, &loops),
        frontiers: dominance_frontiers(&graph, &dominators),
        graph: &graph,
        dominators: &dominators,
        loops: &loops,
        defined_in: vec![None; function.value_types.len()],
    };
    for &block in &graph.order {
        let data = function.block(block);
        let results = data.insts.iter().flat_map(|&i| &function.inst(i).results);
        for value in data.params.iter().chain(results) {
            closer.defined_in[value.index()] = Some(block);
        }
    }
    // Uses outside the loop of the definition.
    let mut work: BTreeMap<Value, Vec<(Block, Site)>> = BTreeMap::new();
    for &block in &graph.order {
        let mut note = |value: Value, site: Site| {
            if closer.escapes(value, block) {
                let uses = work.entry(value).or_default();
                if uses.last() != Some(&(block, site)) {
                    uses.push((block, site));
                }
            }
        };
        let data = function.block(block);
        for &inst in &data.insts {
            function
                .inst(inst)
                .op
                .for_each_operand(|value| note(value, Site::Inst(inst)));
        }
        if let Some(value) = data.terminator.operand() {
            note(value, Site::Terminator);
        }
        for edge in data.terminator.edges() {
            edge.args
                .iter()
                .for_each(|&value| note(value, Site::Terminator));
        }
    }
    while let Some((value, uses)) = work.pop_first() {
        closer.close(function, value, &uses, &mut work);
    }
}

struct Closer<'a> {
    graph: &'a Graph,
    dominators: &'a Dominators,
    loops: &'a Loops,
    exits: Vec<Vec<Block>>,
    frontiers: Vec<Vec<Block>>,
    defined_in: Vec<Option<Block>>,
}

impl Closer<'_> {
    /// Whether a use in `block` is outside the innermost loop of the value's definition.
    fn escapes(&self, value: Value, block: Block) -> bool {
        let home = self.defined_in[value.index()].and_then(|home| self.loops.innermost(home));
        home.is_some_and(|home| !self.loops.contains(home, block))
    }

    /// Replaces the uses, all outside the value's loop, by parameters.
    fn close(
        &mut self,
        function: &mut Function,
        value: Value,
        uses: &[(Block, Site)],
        work: &mut BTreeMap<Value, Vec<(Block, Site)>>,
    ) {
        let (Some(home), ty) = (self.defined_in[value.index()], function.ty(value)) else {
            return;
        };
        let Some(home_loop) = self.loops.innermost(home) else {
            return;
        };
        // Parameters at the exits, then where different ones meet.
        let mut at: BTreeMap<Block, Value> = BTreeMap::new();
        let mut pending: Vec<Block> = self.exits[home_loop.index()]
            .iter()
            .copied()
            .filter(|&exit| self.dominators.dominates(home, exit))
            .collect();
        while let Some(block) = pending.pop() {
            if at.contains_key(&block) {
                continue;
            }
            let param = new_value(function, ty);
            self.defined_in.push(Some(block));
            function.blocks[block.index()].params.push(param);
            at.insert(block, param);
            for &join in &self.frontiers[block.index()] {
                let outside = !self.loops.contains(home_loop, join);
                if outside && self.dominators.dominates(home, join) && join != home {
                    pending.push(join);
                }
            }
        }
        let added: Vec<Block> = at.keys().copied().collect();
        let mut note = |this: &Self, value: Value, block: Block, site: Site| {
            if this.escapes(value, block) {
                let uses = work.entry(value).or_default();
                if !uses.contains(&(block, site)) {
                    uses.push((block, site));
                }
            }
        };
        for block in added {
            let mut sources = self.graph.predecessors[block.index()].clone();
            sources.sort_unstable();
            sources.dedup();
            for source in sources {
                let arg = self.value_at_end(value, home_loop, source, &at);
                for edge in function.blocks[source.index()].terminator.edges_mut() {
                    if edge.block == block {
                        edge.args.push(arg);
                    }
                }
                if arg != value {
                    note(self, arg, source, Site::Terminator);
                }
            }
        }
        for &(block, site) in uses {
            let new = self.value_at_end(value, home_loop, block, &at);
            let replace = |operand: &mut Value| {
                if *operand == value {
                    *operand = new;
                }
            };
            match site {
                Site::Inst(inst) => function.insts[inst.index()].op.map_operands(|mut operand| {
                    replace(&mut operand);
                    operand
                }),
                Site::Terminator => {
                    let terminator = &mut function.blocks[block.index()].terminator;
                    match terminator {
                        crate::ir::Terminator::Branch { condition, .. } => replace(condition),
                        crate::ir::Terminator::Switch { index, .. } => replace(index),
                        crate::ir::Terminator::Jump(_)
                        | crate::ir::Terminator::Return
                        | crate::ir::Terminator::Exit
                        | crate::ir::Terminator::Fault(_) => {}
                    }
                    for edge in terminator.edges_mut() {
                        edge.args.iter_mut().for_each(replace);
                    }
                }
            }
            note(self, new, block, site);
        }
    }

    /// What stands for the value at the end of a block.
    fn value_at_end(
        &self,
        value: Value,
        home_loop: crate::analysis::loops::LoopId,
        block: Block,
        at: &BTreeMap<Block, Value>,
    ) -> Value {
        let mut here = block;
        loop {
            if let Some(&param) = at.get(&here) {
                return param;
            }
            if self.loops.contains(home_loop, here) {
                return value;
            }
            match self.dominators.immediate(here) {
                Some(above) => here = above,
                None => return value,
            }
        }
    }
}

fn dominance_frontiers(graph: &Graph, dominators: &Dominators) -> Vec<Vec<Block>> {
    let mut frontiers: Vec<Vec<Block>> = vec![Vec::new(); graph.successors.len()];
    for &block in &graph.order {
        let predecessors = &graph.predecessors[block.index()];
        if predecessors.len() < 2 {
            continue;
        }
        for &from in predecessors {
            let mut runner = Some(from);
            while let Some(here) = runner
                && runner != dominators.immediate(block)
            {
                let frontier = &mut frontiers[here.index()];
                if frontier.last() != Some(&block) {
                    frontier.push(block);
                }
                runner = dominators.immediate(here);
            }
        }
    }
    frontiers
}
