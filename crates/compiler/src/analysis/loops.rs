//! The loop forest of a reducible graph, and a layout in which every loop is contiguous.

use super::graph::{Dominators, Graph};
use crate::ir::Block;

/// Index of a loop of a [`Loops`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LoopId(pub(crate) u32);

impl LoopId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A natural loop.
#[derive(Debug)]
pub(crate) struct Loop {
    /// The only block through which it is entered.
    pub(crate) header: Block,
    /// Sources of the edges back to the header.
    pub(crate) latches: Vec<Block>,
    /// The loop directly around it.
    pub(crate) parent: Option<LoopId>,
}

/// Natural loops. Inner loops come before outer ones.
#[derive(Debug)]
pub(crate) struct Loops {
    pub(crate) loops: Vec<Loop>,
    /// Innermost loop of each block.
    innermost: Vec<Option<LoopId>>,
}

impl Loops {
    /// Finds the loops of a graph whose every cycle is entered through a block that dominates
    /// it.
    pub(crate) fn new(graph: &Graph, dominators: &Dominators) -> Self {
        let mut loops: Vec<Loop> = Vec::new();
        let mut innermost: Vec<Option<LoopId>> = vec![None; graph.successors.len()];
        for &header in graph.order.iter().rev() {
            let latches: Vec<Block> = graph.predecessors[header.index()]
                .iter()
                .copied()
                .filter(|&latch| dominators.dominates(header, latch))
                .collect();
            if latches.is_empty() {
                continue;
            }
            let id = LoopId(u32::try_from(loops.len()).expect("fewer loops than blocks"));
            let mut work = latches.clone();
            loops.push(Loop {
                header,
                latches,
                parent: None,
            });
            while let Some(block) = work.pop() {
                let Some(inner) = innermost[block.index()] else {
                    innermost[block.index()] = Some(id);
                    if block != header {
                        work.extend(&graph.predecessors[block.index()]);
                    }
                    continue;
                };
                // The block's outermost loop so far becomes a child; go on before its header.
                let mut outer = inner;
                while let Some(parent) = loops[outer.index()].parent {
                    outer = parent;
                }
                if outer != id {
                    loops[outer.index()].parent = Some(id);
                    work.extend(&graph.predecessors[loops[outer.index()].header.index()]);
                }
            }
            // A header that is itself in no inner loop belongs to its own.
            innermost[header.index()].get_or_insert(id);
        }
        Self { loops, innermost }
    }

    /// The innermost loop around a block.
    pub(crate) fn innermost(&self, block: Block) -> Option<LoopId> {
        self.innermost[block.index()]
    }

    pub(crate) fn get(&self, id: LoopId) -> &Loop {
        &self.loops[id.index()]
    }

    /// The loop and those around it, inside out.
    pub(crate) fn ancestors(&self, id: Option<LoopId>) -> impl Iterator<Item = LoopId> {
        std::iter::successors(id, |&id| self.get(id).parent)
    }

    /// Whether the loop contains the block.
    pub(crate) fn contains(&self, id: LoopId, block: Block) -> bool {
        self.ancestors(self.innermost(block)).any(|at| at == id)
    }

    /// Whether the edge goes back to the header of a loop around its source.
    pub(crate) fn is_back_edge(&self, from: Block, to: Block) -> bool {
        self.ancestors(self.innermost(from))
            .any(|id| self.get(id).header == to)
    }

    /// All reachable blocks, each loop contiguous and, apart from back edges, every block
    /// before its successors. Of two successors, the one for which `soon` holds, else the
    /// last, comes first.
    pub(crate) fn layout(&self, graph: &Graph, soon: impl Fn(Block) -> bool) -> Vec<Block> {
        // Each region (a loop, or everything) is ordered with its child loops contracted to
        // their headers. An edge belongs to the innermost region around both ends.
        let root = self.loops.len();
        let region_of = |id: Option<LoopId>| id.map_or(root, LoopId::index);
        // The child of `region` that contains the block, named by its first block.
        let child = |region: usize, block: Block| -> Option<Block> {
            let mut node = block;
            for id in self.ancestors(self.innermost(block)) {
                if id.index() == region {
                    return Some(node);
                }
                node = self.get(id).header;
            }
            (region == root).then_some(node)
        };
        let mut edges: Vec<Vec<Block>> = vec![Vec::new(); graph.successors.len()];
        // Edges out of a header are the header's own in its loop's region, and those of the
        // contracted loop in the region around it: kept apart by the second list.
        let mut outer_edges: Vec<Vec<(usize, Block)>> = vec![Vec::new(); graph.successors.len()];
        for &from in &graph.order {
            for &to in &graph.successors[from.index()] {
                if self.is_back_edge(from, to) {
                    continue;
                }
                let mut region = region_of(self.innermost(from));
                loop {
                    if let Some(target) = child(region, to)
                        && let Some(source) = child(region, from)
                    {
                        if region == region_of(self.innermost(source)) {
                            edges[source.index()].push(target);
                        } else {
                            outer_edges[source.index()].push((region, target));
                        }
                        break;
                    }
                    region = region_of(self.loops[region].parent);
                }
            }
        }
        let mut orders: Vec<Vec<Block>> = vec![Vec::new(); root + 1];
        let mut seen = vec![false; graph.successors.len()];
        for region in 0..=root {
            let Some(first) = (if region == root {
                graph.order.first().and_then(|&entry| child(root, entry))
            } else {
                Some(self.loops[region].header)
            }) else {
                continue;
            };
            let targets = |node: Block| -> Vec<Block> {
                let mut targets: Vec<Block> = if region == region_of(self.innermost(node)) {
                    edges[node.index()].clone()
                } else {
                    outer_edges[node.index()]
                        .iter()
                        .filter(|&&(of, _)| of == region)
                        .map(|&(_, target)| target)
                        .collect()
                };
                // Visited last is laid out first.
                targets.sort_by_key(|&target| soon(target));
                targets
            };
            let mut visited = Vec::new();
            let mut order = Vec::new();
            let mut stack = vec![(first, targets(first), 0)];
            seen[first.index()] = true;
            visited.push(first);
            while let Some((node, next_targets, next)) = stack.last_mut() {
                if let Some(&target) = next_targets.get(*next) {
                    *next += 1;
                    if !seen[target.index()] {
                        seen[target.index()] = true;
                        visited.push(target);
                        stack.push((target, targets(target), 0));
                    }
                } else {
                    order.push(*node);
                    stack.pop();
                }
            }
            for node in visited {
                seen[node.index()] = false;
            }
            let mut flat = Vec::new();
            for node in order.into_iter().rev() {
                // A contracted loop is the outermost one inside this region with this header.
                let inner = self
                    .ancestors(self.innermost(node))
                    .take_while(|id| id.index() != region)
                    .last();
                match inner {
                    Some(inner) => flat.append(&mut orders[inner.index()]),
                    None => flat.push(node),
                }
            }
            orders[region] = flat;
        }
        orders.swap_remove(root)
    }
}
