//! Control-flow graph, reverse post-order and dominators.

use crate::ir::{Block, Function};

/// Predecessors and successors of every block, and a reverse post-order of the reachable ones.
#[derive(Debug)]
pub(crate) struct Graph {
    /// Sources of the edges into each block; a block with two edges appears twice.
    pub(crate) predecessors: Vec<Vec<Block>>,
    /// Targets of the edges out of each block, in the terminator's order.
    pub(crate) successors: Vec<Vec<Block>>,
    /// Reachable blocks, each before its successors except along back edges.
    pub(crate) order: Vec<Block>,
    /// Index in `order`, `u32::MAX` for unreachable blocks.
    pub(crate) position: Vec<u32>,
}

impl Graph {
    pub(crate) fn new(function: &Function) -> Self {
        let successors: Vec<Vec<Block>> = function
            .blocks
            .iter()
            .map(|block| block.terminator.edges().map(|edge| edge.block).collect())
            .collect();
        Self::from_successors(successors)
    }

    /// The graph with these edges, entered at block 0.
    pub(crate) fn from_successors(successors: Vec<Vec<Block>>) -> Self {
        let order = reverse_post_order(&successors);
        let mut position = vec![u32::MAX; successors.len()];
        let mut predecessors = vec![Vec::new(); successors.len()];
        for (index, &block) in (0..).zip(&order) {
            position[block.index()] = index;
            for &target in &successors[block.index()] {
                predecessors[target.index()].push(block);
            }
        }
        Self {
            predecessors,
            successors,
            order,
            position,
        }
    }

    /// Whether the entry reaches the block.
    pub(crate) fn is_reachable(&self, block: Block) -> bool {
        self.position[block.index()] != u32::MAX
    }
}

fn reverse_post_order(successors: &[Vec<Block>]) -> Vec<Block> {
    let mut order = Vec::with_capacity(successors.len());
    if successors.is_empty() {
        return order;
    }
    let mut seen = vec![false; successors.len()];
    let mut stack = vec![(Block(0), 0)];
    seen[0] = true;
    while let Some((block, next)) = stack.last_mut() {
        match successors[block.index()].get(*next) {
            Some(&target) => {
                *next += 1;
                if !seen[target.index()] {
                    seen[target.index()] = true;
                    stack.push((target, 0));
                }
            }
            None => {
                order.push(*block);
                stack.pop();
            }
        }
    }
    order.reverse();
    order
}

/// The dominator tree (Cooper, Harvey, Kennedy: "A Simple, Fast Dominance Algorithm").
#[derive(Debug)]
pub(crate) struct Dominators {
    immediate: Vec<Option<Block>>,
    /// Entry and exit numbers of a walk over the tree: an ancestor's interval contains those
    /// of its descendants.
    interval: Vec<(u32, u32)>,
}

impl Dominators {
    pub(crate) fn new(graph: &Graph) -> Self {
        let count = graph.successors.len();
        // Positions in reverse post-order stand for blocks: a dominator's is smaller.
        let unknown = u32::MAX;
        let mut idom = vec![unknown; graph.order.len()];
        if let Some(first) = idom.first_mut() {
            *first = 0;
        }
        let mut changed = true;
        while changed {
            changed = false;
            for (at, &block) in graph.order.iter().enumerate().skip(1) {
                let mut new = unknown;
                for predecessor in &graph.predecessors[block.index()] {
                    let other = graph.position[predecessor.index()];
                    if idom[other as usize] == unknown {
                        continue;
                    }
                    new = if new == unknown {
                        other
                    } else {
                        intersect(&idom, new, other)
                    };
                }
                if idom[at] != new {
                    idom[at] = new;
                    changed = true;
                }
            }
        }
        let mut immediate = vec![None; count];
        let mut children = vec![Vec::new(); count];
        for (at, &block) in graph.order.iter().enumerate().skip(1) {
            let parent = graph.order[idom[at] as usize];
            immediate[block.index()] = Some(parent);
            children[parent.index()].push(block);
        }
        let mut interval = vec![(0, 0); count];
        let mut clock = 0;
        let mut stack: Vec<(Block, usize)> =
            graph.order.first().map(|&b| (b, 0)).into_iter().collect();
        while let Some((block, next)) = stack.last_mut() {
            if *next == 0 {
                clock += 1;
                interval[block.index()].0 = clock;
            }
            match children[block.index()].get(*next) {
                Some(&child) => {
                    *next += 1;
                    stack.push((child, 0));
                }
                None => {
                    clock += 1;
                    interval[block.index()].1 = clock;
                    stack.pop();
                }
            }
        }
        Self {
            immediate,
            interval,
        }
    }

    /// The closest strict dominator; none for the entry and unreachable blocks.
    pub(crate) fn immediate(&self, block: Block) -> Option<Block> {
        self.immediate[block.index()]
    }

    /// Whether every path from the entry to `below` passes `above` (or they are the same).
    pub(crate) fn dominates(&self, above: Block, below: Block) -> bool {
        let (from, to) = self.interval[above.index()];
        let (low, high) = self.interval[below.index()];
        from <= low && high <= to
    }
}

fn intersect(idom: &[u32], mut a: u32, mut b: u32) -> u32 {
    while a != b {
        while a > b {
            a = idom[a as usize];
        }
        while b > a {
            b = idom[b as usize];
        }
    }
    a
}

/// Strongly connected components of the subgraph of the blocks for which `inside` holds, in
/// no particular order (Tarjan's algorithm, without recursion).
pub(crate) fn components(
    successors: &[Vec<Block>],
    nodes: &[Block],
    inside: impl Fn(Block) -> bool,
) -> Vec<Vec<Block>> {
    const NEW: u32 = u32::MAX;
    let mut index = vec![NEW; successors.len()];
    let mut low = vec![0; successors.len()];
    let mut open = vec![false; successors.len()];
    let mut path = Vec::new();
    let mut found = Vec::new();
    let mut clock = 0;
    for &root in nodes {
        if index[root.index()] != NEW {
            continue;
        }
        let mut stack = vec![(root, 0)];
        while let Some(&mut (block, ref mut next)) = stack.last_mut() {
            let at = block.index();
            if *next == 0 {
                index[at] = clock;
                low[at] = clock;
                clock += 1;
                open[at] = true;
                path.push(block);
            }
            if let Some(&target) = successors[at].get(*next) {
                *next += 1;
                if !inside(target) {
                } else if index[target.index()] == NEW {
                    stack.push((target, 0));
                } else if open[target.index()] {
                    low[at] = low[at].min(index[target.index()]);
                }
                continue;
            }
            stack.pop();
            if let Some(&(parent, _)) = stack.last() {
                low[parent.index()] = low[parent.index()].min(low[at]);
            }
            if low[at] == index[at] {
                let start = path.iter().rposition(|&b| b == block).unwrap_or(0);
                let members = path.split_off(start);
                for member in &members {
                    open[member.index()] = false;
                }
                found.push(members);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Edge, FunctionBuilder, Op, Terminator, Type};

    /// A function whose blocks have these successors (one: jump, two: branch, none: return).
    pub(crate) fn function(successors: &[&[u32]]) -> Function {
        let mut builder = FunctionBuilder::new("f");
        let blocks: Vec<Block> = successors.iter().map(|_| builder.block()).collect();
        for (&block, targets) in blocks.iter().zip(successors) {
            let edge = |&target: &u32| Edge {
                block: Block(target),
                args: Vec::new(),
            };
            let terminator = match targets {
                [] => Terminator::Return,
                [one] => Terminator::Jump(edge(one)),
                [then, otherwise, ..] => Terminator::Branch {
                    condition: builder.value_of(block, Op::Undef(Type::Pred), Type::Pred),
                    then: edge(then),
                    otherwise: edge(otherwise),
                },
            };
            builder.terminate(block, terminator);
        }
        builder.function
    }

    #[test]
    fn dominators_of_a_diamond_in_a_loop() {
        // 0 -> 1 -> {2, 3} -> 4 -> {1, 5}; 6 is unreachable.
        let function = function(&[&[1], &[2, 3], &[4], &[4], &[1, 5], &[], &[5]]);
        let graph = Graph::new(&function);
        let dominators = Dominators::new(&graph);
        let immediate: Vec<_> = (0..7)
            .map(|b| dominators.immediate(Block(b)).map(|b| b.0))
            .collect();
        assert_eq!(
            immediate,
            [None, Some(0), Some(1), Some(1), Some(1), Some(4), None]
        );
        assert!(dominators.dominates(Block(1), Block(5)));
        assert!(!dominators.dominates(Block(2), Block(4)));
        assert!(!graph.is_reachable(Block(6)));
    }

    #[test]
    fn components_finds_the_cycle() {
        let function = function(&[&[1], &[2, 3], &[1], &[]]);
        let graph = Graph::new(&function);
        let mut sizes: Vec<usize> = components(&graph.successors, &graph.order, |_| true)
            .iter()
            .map(Vec::len)
            .collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [1, 1, 2]);
    }
}
