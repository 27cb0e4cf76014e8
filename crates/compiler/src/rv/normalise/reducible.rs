//! Makes every cycle a natural loop.
//!
//! A cycle with several entries gets one header: every edge to an entry, from outside or
//! inside, goes to a new dispatch block instead and says by a selector which entry it means.
//! The dispatch block has the parameters of all the entries.

use super::{append, block_before, new_value};
use crate::analysis::graph::{Graph, components};
use crate::ir::{Block, Edge, Function, IntCompare, Op, Terminator, Type, Value};

pub(super) fn make_reducible(function: &mut Function) {
    let all: Vec<Block> = function.block_ids().collect();
    let mut regions = vec![(all, None)];
    while let Some((nodes, header)) = regions.pop() {
        let mut inside = vec![false; function.blocks.len()];
        for &node in &nodes {
            inside[node.index()] = Some(node) != header;
        }
        let graph = Graph::new(function);
        let nodes: Vec<Block> = nodes
            .into_iter()
            .filter(|node| inside[node.index()])
            .collect();
        let within = |block: Block| inside.get(block.index()).is_some_and(|&inside| inside);
        for mut members in components(&graph.successors, &nodes, within) {
            let single =
                members.len() == 1 && !graph.successors[members[0].index()].contains(&members[0]);
            if single {
                continue;
            }
            members.sort_unstable();
            let mut is_member = vec![false; function.blocks.len()];
            for member in &members {
                is_member[member.index()] = true;
            }
            let entries: Vec<Block> = members
                .iter()
                .copied()
                .filter(|member| {
                    graph.predecessors[member.index()]
                        .iter()
                        .any(|from| !is_member.get(from.index()).is_some_and(|&inside| inside))
                })
                .collect();
            let header = match entries[..] {
                [only] => only,
                _ => {
                    let dispatch = dispatch(function, &graph, &entries);
                    members.extend(dispatch.iter());
                    dispatch[0]
                }
            };
            regions.push((members, Some(header)));
        }
    }
}

/// Puts a dispatch before the entries. Gives its blocks, the new header first.
fn dispatch(function: &mut Function, graph: &Graph, entries: &[Block]) -> Vec<Block> {
    let selector = new_value(function, Type::B32);
    let mut params = vec![selector];
    let mut edges = Vec::new();
    // First parameter of each entry among those of the dispatch.
    let mut first_param = Vec::new();
    for &entry in entries {
        first_param.push(params.len());
        let types: Vec<Type> = function
            .block(entry)
            .params
            .iter()
            .map(|&param| function.ty(param))
            .collect();
        let args: Vec<Value> = types
            .into_iter()
            .map(|ty| new_value(function, ty))
            .collect();
        params.extend(&args);
        edges.push(Edge { block: entry, args });
    }
    // The last entry needs no test.
    let last = edges.pop().expect("an irreducible cycle has two entries");
    let mut next = last;
    let mut blocks = Vec::new();
    for (case, edge) in edges.into_iter().enumerate().rev() {
        let test = block_before(function, next.clone());
        let number = append(function, test, Op::Const(Type::B32, case as u64), Type::B32);
        let condition = append(
            function,
            test,
            Op::CompareInt(IntCompare::Equal, selector, number),
            Type::Pred,
        );
        function.blocks[test.index()].terminator = Terminator::Branch {
            condition,
            then: edge,
            otherwise: next,
        };
        next = Edge {
            block: test,
            args: Vec::new(),
        };
        blocks.insert(0, test);
    }
    let header = blocks[0];
    for (case, &entry) in entries.iter().enumerate() {
        let mut sources = graph.predecessors[entry.index()].clone();
        sources.dedup();
        for source in sources {
            redirect(
                function,
                source,
                entry,
                header,
                case,
                first_param[case],
                &params,
            );
        }
    }
    function.blocks[header.index()].params = params;
    blocks
}

/// Sends the edges from `source` to the entry through a block that selects it in the dispatch.
fn redirect(
    function: &mut Function,
    source: Block,
    entry: Block,
    header: Block,
    case: usize,
    first_param: usize,
    params: &[Value],
) {
    let position = |function: &Function| {
        let mut edges = function.block(source).terminator.edges();
        edges.position(|edge| edge.block == entry)
    };
    while let Some(at) = position(function) {
        let middle = block_before(
            function,
            Edge {
                block: header,
                args: Vec::new(),
            },
        );
        let edge = function.blocks[source.index()]
            .terminator
            .edges_mut()
            .nth(at)
            .expect("found just now");
        let passed = std::mem::take(&mut edge.args);
        edge.block = middle;
        let mut args = vec![append(
            function,
            middle,
            Op::Const(Type::B32, case as u64),
            Type::B32,
        )];
        for (slot, &param) in params.iter().enumerate().skip(1) {
            let own = slot
                .checked_sub(first_param)
                .and_then(|offset| passed.get(offset));
            let arg = match own {
                Some(&arg) => arg,
                None => {
                    let ty = function.ty(param);
                    append(function, middle, Op::Undef(ty), ty)
                }
            };
            args.push(arg);
        }
        function.blocks[middle.index()].terminator = Terminator::Jump(Edge {
            block: header,
            args,
        });
    }
}
