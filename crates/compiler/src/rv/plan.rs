//! How masks move through the laid-out blocks: which edges are jumps and which hand lanes to
//! a waiting place.
//!
//! Execution sweeps forward through the layout. An edge is *plain* when all lanes that execute
//! its source, or those that remain of them, go on at its target with a jump. A block with an
//! edge that only some lanes take, while others execute something else first, is *masked*: it
//! has a mask of waiting lanes, to which every edge into it adds, and a dispatch at its start
//! that makes them the executing ones or, if there are none, goes on to the next such block.
//!
//! A plain edge may not jump over a masked block at which lanes can wait; its target becomes
//! masked then. Loops need no masks for going round: everything inside a loop that waits is
//! swept before its latch, which is its last block.

use crate::analysis::divergence::{Divergence, PostDominators};
use crate::analysis::graph::{Dominators, Graph};
use crate::analysis::loops::Loops;
use crate::ir::{Block, Function, Terminator};

/// How a masked block knows its lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// They are those that executed this block, which all come here: its execution mask is
    /// saved, and edges need not add to it.
    Saved(Block),
    /// Edges add to a mask that this block clears.
    ClearedIn(Block),
    /// Edges add to a mask that is clear at the start of the function and after dispatch.
    AlwaysClear,
}

/// What a divergent branch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Split {
    /// Lanes that go to the first target end; the others go on to the second with a jump.
    Ends { ends: bool },
    /// Lanes that take the edge (`then` or not) go on with a jump; the others wait.
    Narrow { plain: bool },
    /// All wait.
    Wait,
    /// All end.
    EndsAll,
}

/// The plan for one function.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) layout: Vec<Block>,
    pub(crate) position: Vec<usize>,
    /// The masked blocks.
    pub(crate) waiting: Vec<Option<Waiting>>,
    /// What each block with a divergent branch does.
    pub(crate) split: Vec<Option<Split>>,
    /// Least position from which lanes wait at each masked block.
    first: Vec<usize>,
}

impl Plan {
    pub(crate) fn new(
        function: &Function,
        graph: &Graph,
        (dominators, post_dominators): (&Dominators, &PostDominators),
        loops: &Loops,
        layout: Vec<Block>,
        divergence: &Divergence,
        calls_may_end_lanes: bool,
    ) -> Self {
        let count = function.blocks.len();
        let mut position = vec![usize::MAX; count];
        for (at, &block) in layout.iter().enumerate() {
            position[block.index()] = at;
        }
        let mut this = Self {
            layout,
            position,
            waiting: vec![None; count],
            split: vec![None; count],
            first: vec![usize::MAX; count],
        };
        let mut masked = vec![false; count];
        for &block in &this.layout {
            let Terminator::Branch {
                condition,
                then,
                otherwise,
            } = &function.block(block).terminator
            else {
                continue;
            };
            if !divergence.is_divergent(*condition) {
                continue;
            }
            let targets = [then.block, otherwise.block];
            let next = this.layout.get(this.position[block.index()] + 1).copied();
            let back = targets.map(|target| loops.is_back_edge(block, target));
            // A back edge is always a jump: nobody can wait at a place that the sweep has
            // passed. So lanes that leave the loop there wait, even if their target is next.
            let plain = |at: usize| {
                back[at]
                    || (!back[1 - at]
                        && Some(targets[at]) == next
                        && graph.predecessors[targets[at].index()].len() == 1)
            };
            let split = match targets.map(|target| is_end(function, target)) {
                [true, true] => Split::EndsAll,
                [true, false] => Split::Ends { ends: true },
                [false, true] => Split::Ends { ends: false },
                [false, false] => {
                    if plain(0) {
                        masked[targets[1].index()] = true;
                        Split::Narrow { plain: true }
                    } else if plain(1) {
                        masked[targets[0].index()] = true;
                        Split::Narrow { plain: false }
                    } else {
                        for target in targets {
                            masked[target.index()] = true;
                        }
                        Split::Wait
                    }
                }
            };
            this.split[block.index()] = Some(split);
        }
        this.spread(graph, loops, &mut masked);
        let physical = this.physical_dominators(function, graph, loops, &masked);
        for block in this.layout.clone() {
            if !masked[block.index()] {
                continue;
            }
            // The nearest dominator in the same loop: it executes once before the block does.
            let mut above = dominators.immediate(block);
            while let Some(candidate) = above
                && loops.innermost(candidate) != loops.innermost(block)
            {
                above = dominators.immediate(candidate);
            }
            let dispatch = Block(block.0 + node(count));
            this.waiting[block.index()] = Some(match above {
                Some(above) if physical.dominates(above, dispatch) => {
                    if !calls_may_end_lanes && post_dominators.post_dominates(block, above) {
                        Waiting::Saved(above)
                    } else {
                        Waiting::ClearedIn(above)
                    }
                }
                _ => Waiting::AlwaysClear,
            });
        }
        this
    }

    /// Makes targets of plain edges over waiting places masked, until there are none.
    fn spread(&mut self, graph: &Graph, loops: &Loops, masked: &mut [bool]) {
        loop {
            for (at, &block) in self.layout.iter().enumerate() {
                if !masked[block.index()] {
                    continue;
                }
                let mut first = at;
                for &from in &graph.predecessors[block.index()] {
                    if loops.is_back_edge(from, block) {
                        continue;
                    }
                    // Lanes that leave a loop wait while it goes on.
                    let start = loops
                        .ancestors(loops.innermost(from))
                        .take_while(|&id| !loops.contains(id, block))
                        .last()
                        .map_or(from, |id| loops.get(id).header);
                    first = first.min(self.position[start.index()]);
                }
                self.first[block.index()] = first;
            }
            let mut changed = false;
            for at in 0..self.layout.len() {
                let block = self.layout[at];
                for &target in &graph.successors[block.index()] {
                    if masked[target.index()] || loops.is_back_edge(block, target) {
                        continue;
                    }
                    let over = at + 1..self.position[target.index()];
                    if self.layout[over]
                        .iter()
                        .any(|other| masked[other.index()] && self.first[other.index()] <= at)
                    {
                        masked[target.index()] = true;
                        changed = true;
                    }
                }
            }
            if !changed {
                return;
            }
        }
    }

    /// Where control goes when no lane executes any more at a position: the next masked block
    /// at which lanes may wait.
    pub(crate) fn next_dispatch(&self, block: Block) -> Option<Block> {
        let at = self.position[block.index()];
        self.layout[at + 1..]
            .iter()
            .copied()
            .find(|other| self.first[other.index()] <= at)
    }

    /// Whether lanes may wait elsewhere while the block executes.
    pub(crate) fn is_partial(&self, block: Block) -> bool {
        self.next_dispatch(block).is_some()
    }

    pub(crate) fn is_masked(&self, block: Block) -> bool {
        self.waiting[block.index()].is_some()
    }

    /// Dominators of the code as it will be: dispatches are nodes of their own.
    fn physical_dominators(
        &self,
        function: &Function,
        graph: &Graph,
        loops: &Loops,
        masked: &[bool],
    ) -> Dominators {
        let count = function.blocks.len();
        let dispatch = |block: Block| Block(block.0 + node(count));
        let enter = |block: Block| {
            if masked[block.index()] {
                dispatch(block)
            } else {
                block
            }
        };
        let mut successors: Vec<Vec<Block>> = vec![Vec::new(); 2 * count];
        for &block in &self.layout {
            let elsewhere = self.next_dispatch(block).map(dispatch);
            let mut out: Vec<Block> = elsewhere.into_iter().collect();
            for &target in &graph.successors[block.index()] {
                if loops.is_back_edge(block, target) {
                    out.push(target);
                } else if !masked[target.index()] {
                    out.push(enter(target));
                }
            }
            successors[block.index()] = out;
            if masked[block.index()] {
                let mut out = vec![block];
                out.extend(elsewhere);
                successors[dispatch(block).index()] = out;
            }
        }
        Dominators::new(&Graph::from_successors(successors))
    }
}

fn node(count: usize) -> u32 {
    u32::try_from(count).expect("block numbers are 32 bits")
}

/// Whether threads only end in this block: nothing waits for what comes after.
pub(crate) fn is_end(function: &Function, block: Block) -> bool {
    let data = function.block(block);
    data.insts.is_empty() && matches!(data.terminator, Terminator::Return | Terminator::Exit)
}
