//! The shape of a function's control-flow graph: orders, predecessors, dominators.

use super::{Block, Function};

/// Predecessors, reverse post-order and dominator tree of a function.
#[derive(Clone, Debug)]
pub struct Cfg {
    /// Reachable blocks in reverse post-order: the entry first, every block after the blocks
    /// that dominate it.
    pub order: Vec<Block>,
    /// Blocks with an edge to each block, once per edge, in order of block index.
    pub predecessors: Vec<Vec<Block>>,
    /// Position of each block in `order`; `None` for unreachable blocks.
    position: Vec<Option<u32>>,
    /// Immediate dominator of each reachable block but the entry.
    dominator: Vec<Option<Block>>,
    /// Interval of a depth-first walk of the dominator tree, for constant-time queries.
    interval: Vec<(u32, u32)>,
}

impl Cfg {
    /// Computes the shape. Edges must lead to blocks of the function.
    ///
    /// Dominators are those of Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm".
    #[must_use]
    pub fn new(function: &Function) -> Self {
        let count = function.blocks.len();
        let mut predecessors = vec![Vec::new(); count];
        for block in function.block_ids() {
            for edge in function.block(block).terminator.edges() {
                predecessors[edge.block.index()].push(block);
            }
        }
        let order = reverse_post_order(function);
        let mut position = vec![None; count];
        for (at, block) in (0_u32..).zip(&order) {
            position[block.index()] = Some(at);
        }
        let mut this = Self {
            order,
            predecessors,
            position,
            dominator: vec![None; count],
            interval: vec![(0, 0); count],
        };
        this.find_dominators();
        this.number_tree();
        this
    }

    /// Whether control can reach the block.
    #[must_use]
    pub fn is_reachable(&self, block: Block) -> bool {
        self.position[block.index()].is_some()
    }

    /// Position in reverse post-order of a reachable block.
    #[must_use]
    pub fn position(&self, block: Block) -> Option<u32> {
        self.position[block.index()]
    }

    /// Immediate dominator; `None` for the entry and unreachable blocks.
    #[must_use]
    pub fn immediate_dominator(&self, block: Block) -> Option<Block> {
        self.dominator[block.index()]
    }

    /// Whether every path to `b` passes `a`. A block dominates itself. Both must be reachable.
    #[must_use]
    pub fn dominates(&self, a: Block, b: Block) -> bool {
        let (a, b) = (self.interval[a.index()], self.interval[b.index()]);
        a.0 <= b.0 && b.1 <= a.1
    }

    fn find_dominators(&mut self) {
        let mut changed = true;
        while changed {
            changed = false;
            for &block in self.order.iter().skip(1) {
                let mut common: Option<Block> = None;
                for &predecessor in &self.predecessors[block.index()] {
                    let processed = self.dominator[predecessor.index()].is_some()
                        || self.position[predecessor.index()] == Some(0);
                    if processed {
                        common = Some(match common {
                            None => predecessor,
                            Some(other) => self.common_dominator(other, predecessor),
                        });
                    }
                }
                if self.dominator[block.index()] != common {
                    self.dominator[block.index()] = common;
                    changed = true;
                }
            }
        }
    }

    fn common_dominator(&self, mut a: Block, mut b: Block) -> Block {
        while a != b {
            let (at_a, at_b) = (self.position[a.index()], self.position[b.index()]);
            // The one further from the entry climbs.
            let (climber, other) = if at_a > at_b { (a, b) } else { (b, a) };
            let Some(up) = self.dominator[climber.index()] else {
                return other;
            };
            (a, b) = (up, other);
        }
        a
    }

    fn number_tree(&mut self) {
        let mut children = vec![Vec::new(); self.position.len()];
        for &block in &self.order {
            if let Some(dominator) = self.dominator[block.index()] {
                children[dominator.index()].push(block);
            }
        }
        let Some(&entry) = self.order.first() else {
            return;
        };
        let mut clock = 0;
        let mut stack = vec![(entry, 0)];
        self.interval[entry.index()].0 = clock;
        while let Some((block, next)) = stack.last_mut() {
            clock += 1;
            if let Some(&child) = children[block.index()].get(*next) {
                *next += 1;
                self.interval[child.index()].0 = clock;
                stack.push((child, 0));
            } else {
                self.interval[block.index()].1 = clock;
                stack.pop();
            }
        }
    }
}

fn reverse_post_order(function: &Function) -> Vec<Block> {
    let mut seen = vec![false; function.blocks.len()];
    let mut order = Vec::with_capacity(function.blocks.len());
    if function.blocks.is_empty() {
        return order;
    }
    let successors = |block: Block| {
        let mut list: Vec<Block> = function
            .block(block)
            .terminator
            .edges()
            .map(|edge| edge.block)
            .collect();
        // The last successor is walked first, so that the first one comes first in the result.
        list.reverse();
        list.into_iter()
    };
    seen[0] = true;
    let mut stack = vec![(Block(0), successors(Block(0)))];
    while let Some((block, rest)) = stack.last_mut() {
        if let Some(next) = rest.next() {
            if !std::mem::replace(&mut seen[next.index()], true) {
                stack.push((next, successors(next)));
            }
        } else {
            order.push(*block);
            stack.pop();
        }
    }
    order.reverse();
    order
}

#[cfg(test)]
mod tests {
    use super::Cfg;
    use crate::ir::{Block, Edge, FunctionBuilder, Op, Terminator, Type};

    #[test]
    fn dominators_of_a_loop_with_a_diamond() {
        // 0 -> 1; 1 -> 2 | 3; 2 -> 4; 3 -> 4; 4 -> 1 | 5
        let mut builder = FunctionBuilder::new("f");
        let blocks: Vec<Block> = (0..6).map(|_| builder.block()).collect();
        let edge = |to: usize| Edge {
            block: blocks[to],
            args: Vec::new(),
        };
        let condition = builder.value_of(blocks[0], Op::Const(Type::Pred, 1), Type::Pred);
        let branch = |then, otherwise| Terminator::Branch {
            condition,
            then: edge(then),
            otherwise: edge(otherwise),
        };
        builder.terminate(blocks[0], Terminator::Jump(edge(1)));
        builder.terminate(blocks[1], branch(2, 3));
        builder.terminate(blocks[2], Terminator::Jump(edge(4)));
        builder.terminate(blocks[3], Terminator::Jump(edge(4)));
        builder.terminate(blocks[4], branch(1, 5));
        builder.terminate(blocks[5], Terminator::Return);
        let cfg = Cfg::new(&builder.function);
        let immediate: Vec<Option<u32>> = blocks
            .iter()
            .map(|&b| cfg.immediate_dominator(b).map(|Block(d)| d))
            .collect();
        assert_eq!(
            immediate,
            [None, Some(0), Some(1), Some(1), Some(1), Some(4)]
        );
        assert!(cfg.dominates(blocks[1], blocks[5]) && cfg.dominates(blocks[4], blocks[4]));
        assert!(!cfg.dominates(blocks[2], blocks[4]) && !cfg.dominates(blocks[5], blocks[4]));
    }
}
