//! Scheduling of lanes by themselves: a function becomes a loop in which every lane executes one
//! step of its own and all meet again.
//!
//! Linearised code lets lanes that part meet again at the nearest point that all must pass. A
//! lane that spins until another lane of its warp acts then waits for one that waits for it.
//! The form made here has no such dependence: where a lane is, is a value (its *state*), and
//! one turn of the loop moves every lane by one state. The meaning of the function for one
//! thread is the same, so every other part of the compiler stays as it is. Price: values that
//! live from one state to another are parameters of the loop, and lanes that part for good
//! share no more instructions.
//!
//! ```text
//! entry ─► loop(waited, state, values) ─► state 1 ─► loop
//!                                      ├► state 2 ─► loop
//!                                      ├► ...
//!                                      └► end
//! ```
//!
//! A state is a block, or a part of one: an instruction at which threads wait for others
//! (`shfl.sync` and the like, CTA barriers) begins a state of its own, in which lanes stay until
//! all that they wait for are there. Lanes that all wait, and so for ever, are a fault.

use crate::analysis::graph::Graph;
use crate::ir::{
    BarrierKind, BinaryOp, Block, BlockData, Edge, Function, FunctionBuilder, Inst, IntCompare, Op,
    Terminator, Type, UnaryOp, Value, VoteMode,
};
use std::collections::BTreeMap;
use weft_isa::abi::FaultCode;

/// The function in the form that the module documentation describes.
pub(crate) fn separate_lanes(function: &Function) -> Function {
    let states = States::of(function);
    let carried = Carried::of(function, &states);
    Separation::new(function, states, carried).run()
}

/// Whether an instruction makes threads wait for other threads of their warp.
const fn waits(op: &Op) -> bool {
    match op {
        Op::Shuffle { .. }
        | Op::Vote(..)
        | Op::Match { .. }
        | Op::Reduce(..)
        | Op::WarpBarrier(_)
        | Op::FullWarp
        | Op::MultiplyMatrices(..) => true,
        Op::Barrier { kind, .. } => !matches!(kind, BarrierKind::Arrive),
        _ => false,
    }
}

/// A part of a block.
#[derive(Clone, Copy, Debug)]
struct State {
    block: Block,
    /// Its instructions, as a range of the block's.
    begin: usize,
    end: usize,
}

/// All states. State 0 begins the function.
struct States {
    states: Vec<State>,
    /// First state of each reachable block.
    first: Vec<Option<usize>>,
}

impl States {
    fn of(function: &Function) -> Self {
        let graph = Graph::new(function);
        let mut states = Vec::new();
        let mut first = vec![None; function.blocks.len()];
        for &block in &graph.order {
            first[block.index()] = Some(states.len());
            let insts = &function.block(block).insts;
            let mut begin = 0;
            for (at, &inst) in insts.iter().enumerate() {
                if waits(&function.inst(inst).op) && at > begin {
                    states.push(State {
                        block,
                        begin,
                        end: at,
                    });
                    begin = at;
                }
            }
            states.push(State {
                block,
                begin,
                end: insts.len(),
            });
        }
        Self { states, first }
    }

    /// The state that follows in the same block, if one does.
    fn next(&self, state: usize) -> Option<usize> {
        let next = state + 1;
        (self.states.get(next)?.block == self.states[state].block).then_some(next)
    }
}

/// Whether an operation gives the same value wherever it is computed, from nothing.
const fn is_free(op: &Op) -> bool {
    matches!(
        op,
        Op::Const(..)
            | Op::Undef(_)
            | Op::SymbolAddress(_)
            | Op::FunctionAddress(_)
            | Op::FrameAddress(_)
            | Op::OutgoingAddress(_)
    )
}

/// Values that the loop carries: those used in another state than the one that defines them,
/// unless they are defined before the loop or can be made again.
struct Carried {
    /// Place of each value among the loop's parameters.
    place: BTreeMap<Value, usize>,
    /// In order of place.
    values: Vec<Value>,
    /// Operations that are made again where their value is used.
    free: BTreeMap<Value, Op>,
}

impl Carried {
    fn of(function: &Function, states: &States) -> Self {
        let mut this = Self {
            place: BTreeMap::new(),
            values: Vec::new(),
            free: BTreeMap::new(),
        };
        let mut defined: Vec<Option<usize>> = vec![None; function.value_types.len()];
        for (number, state) in states.states.iter().enumerate() {
            let data = function.block(state.block);
            if state.begin == 0 && number != 0 {
                // Parameters are set by the edges, in other states.
                for &param in &data.params {
                    this.carry(param);
                }
            }
            for &inst in &data.insts[state.begin..state.end] {
                let data = function.inst(inst);
                if is_free(&data.op) {
                    this.free.insert(data.results[0], data.op.clone());
                }
                for &result in &data.results {
                    defined[result.index()] = Some(number);
                }
            }
        }
        for (number, state) in states.states.iter().enumerate() {
            let data = function.block(state.block);
            let mut used = Vec::new();
            for &inst in &data.insts[state.begin..state.end] {
                function
                    .inst(inst)
                    .op
                    .for_each_operand(|value| used.push(value));
            }
            if states.next(number).is_none() {
                used.extend(data.terminator.operand());
                used.extend(data.terminator.edges().flat_map(|edge| &edge.args));
            }
            for value in used {
                let elsewhere =
                    defined[value.index()].is_some_and(|state| state != number && state != 0);
                if elsewhere && !this.free.contains_key(&value) {
                    this.carry(value);
                }
            }
        }
        this
    }

    fn carry(&mut self, value: Value) {
        self.place.entry(value).or_insert_with(|| {
            self.values.push(value);
            self.values.len() - 1
        });
    }
}

struct Separation<'a> {
    function: &'a Function,
    states: States,
    carried: Carried,
    out: FunctionBuilder,
    /// New values of those defined before the loop.
    before: BTreeMap<Value, Value>,
    /// The loop's block and its parameters: waited, state, the carried values.
    header: Block,
    params: Vec<Value>,
    /// Lanes in the loop.
    live: Value,
    /// First block of each state, and of the two in which lanes end.
    blocks: Vec<Block>,
    returns: usize,
    exits: usize,
}

/// Values within a state: old to new.
type Names = BTreeMap<Value, Value>;

/// Parameters in front of the carried values.
const OWN_PARAMS: usize = 2;

impl<'a> Separation<'a> {
    fn new(function: &'a Function, states: States, carried: Carried) -> Self {
        let mut out = FunctionBuilder::new(&function.name);
        out.function.local_bytes = function.local_bytes;
        let entry = out.block();
        debug_assert_eq!(entry, Block(0));
        let header = out.block();
        let mut params = vec![out.param(header, Type::Pred), out.param(header, Type::B32)];
        for &value in &carried.values {
            params.push(out.param(header, function.ty(value)));
        }
        let count = states.states.len();
        let others = (1..count + 2).map(|_| out.block());
        let blocks: Vec<Block> = std::iter::once(entry).chain(others).collect();
        out.terminate(blocks[count], Terminator::Return);
        out.terminate(blocks[count + 1], Terminator::Exit);
        Self {
            returns: count,
            exits: count + 1,
            function,
            states,
            carried,
            out,
            before: BTreeMap::new(),
            header,
            live: params[0],
            params,
            blocks,
        }
    }

    fn run(mut self) -> Function {
        self.entry();
        self.dispatch();
        for state in 1..self.states.states.len() {
            self.state(state);
        }
        self.out.function
    }

    /// State 0, in front of the loop: all lanes execute it together, once.
    fn entry(&mut self) {
        let entry = Block(0);
        let State { block, begin, end } = self.states.states[0];
        let mut names = Names::new();
        for at in begin..end {
            let inst = self.function.block(block).insts[at];
            self.copy(entry, inst, &mut names);
        }
        // A wait at the very beginning is one for lanes that are all there.
        self.before = names.clone();
        self.leave(0, entry, &mut names);
    }

    /// The loop's head: a fault if all lanes wait, else each to its state.
    fn dispatch(&mut self) {
        let header = self.header;
        let live = self.out.value_of(header, Op::ActiveMask, Type::B32);
        self.live = live;
        let stuck = self.out.value_of(
            header,
            Op::Vote(VoteMode::All, self.params[0], live),
            Type::Pred,
        );
        let (fault, dispatch) = (self.out.block(), self.out.block());
        self.out
            .terminate(fault, Terminator::Fault(FaultCode::DivergentBarrier));
        self.out.terminate(
            header,
            Terminator::Branch {
                condition: stuck,
                then: edge(fault, Vec::new()),
                otherwise: edge(dispatch, Vec::new()),
            },
        );
        // State 0 has no number: nothing leads back to it.
        let index = self.params[1];
        let one = self.constant(dispatch, Type::B32, 1);
        let index = self
            .out
            .value_of(dispatch, Op::Binary(BinaryOp::Sub, index, one), Type::B32);
        let targets = self.blocks[1..]
            .iter()
            .map(|&block| edge(block, Vec::new()))
            .collect();
        self.out
            .terminate(dispatch, Terminator::Switch { index, targets });
    }

    fn state(&mut self, number: usize) {
        let State { block, begin, end } = self.states.states[number];
        let function = self.function;
        let insts = &function.block(block).insts;
        let mut at = self.blocks[number];
        let mut names = Names::new();
        if let Some(&first) = insts[begin..end].first()
            && waits(&function.inst(first).op)
        {
            at = self.gate(number, at, first, &mut names);
        }
        for &inst in &insts[begin..end] {
            self.copy(at, inst, &mut names);
        }
        self.leave(number, at, &mut names);
    }

    /// Lets lanes pass whose partners are all in the same state; the others come again. Gives
    /// the block for those that pass.
    fn gate(&mut self, number: usize, block: Block, inst: Inst, names: &mut Names) -> Block {
        let members = match self.function.inst(inst).op {
            Op::Shuffle { members, .. }
            | Op::Vote(_, _, members)
            | Op::Match { members, .. }
            | Op::Reduce(_, _, members)
            | Op::WarpBarrier(members) => Some(self.name(block, members, names)),
            // A CTA barrier counts whole warps, and a matrix operation is the work of one.
            _ => None,
        };
        let here = self.out.value_of(block, Op::ActiveMask, Type::B32);
        let absent = self
            .out
            .value_of(block, Op::Unary(UnaryOp::Not, here), Type::B32);
        let mut wanted = self.live;
        if let Some(members) = members {
            wanted =
                self.out
                    .value_of(block, Op::Binary(BinaryOp::And, members, wanted), Type::B32);
        }
        let missing =
            self.out
                .value_of(block, Op::Binary(BinaryOp::And, wanted, absent), Type::B32);
        let zero = self.constant(block, Type::B32, 0);
        let complete = self.out.value_of(
            block,
            Op::CompareInt(IntCompare::Equal, missing, zero),
            Type::Pred,
        );
        let (pass, wait) = (self.out.block(), self.out.block());
        self.out.terminate(
            block,
            Terminator::Branch {
                condition: complete,
                then: edge(pass, Vec::new()),
                otherwise: edge(wait, Vec::new()),
            },
        );
        let args = self.stay(wait, true, number);
        self.jump(wait, args);
        pass
    }

    /// Appends a copy of an instruction.
    fn copy(&mut self, block: Block, inst: Inst, names: &mut Names) {
        let data = self.function.inst(inst);
        let mut op = data.op.clone();
        op.map_operands(|value| self.name(block, value, names));
        self.out.location = data.location;
        let types: Vec<Type> = data.results.iter().map(|&v| self.function.ty(v)).collect();
        let copy = self.out.inst(block, op, &types);
        let results = self.out.function.insts[copy.index()].results.clone();
        names.extend(data.results.iter().copied().zip(results));
    }

    /// What stands for a value in a state.
    fn name(&mut self, block: Block, value: Value, names: &mut Names) -> Value {
        if let Some(&new) = names.get(&value).or_else(|| self.before.get(&value)) {
            return new;
        }
        if let Some(op) = self.carried.free.get(&value) {
            let op = op.clone();
            let new = self.out.value_of(block, op, self.function.ty(value));
            names.insert(value, new);
            return new;
        }
        let place = self.carried.place.get(&value);
        self.params[OWN_PARAMS + *place.expect("a value used elsewhere is carried")]
    }

    /// Ends a state: the lanes go to the states that follow.
    fn leave(&mut self, number: usize, block: Block, names: &mut Names) {
        if let Some(next) = self.states.next(number) {
            let args = self.arguments(block, next, &[], names);
            return self.jump(block, args);
        }
        let terminator = self
            .function
            .block(self.states.states[number].block)
            .terminator
            .clone();
        match terminator {
            Terminator::Jump(edge) => {
                let args = self.edge_arguments(block, &edge, names);
                self.jump(block, args);
            }
            Terminator::Branch {
                condition,
                then,
                otherwise,
            } => {
                let condition = self.name(block, condition, names);
                let then = self.edge_arguments(block, &then, names);
                let otherwise = self.edge_arguments(block, &otherwise, names);
                let args = then
                    .into_iter()
                    .zip(otherwise)
                    .map(|(then, otherwise)| self.select(block, condition, then, otherwise))
                    .collect();
                self.jump(block, args);
            }
            Terminator::Switch { index, targets } => {
                let index = self.name(block, index, names);
                let mut edges = Vec::new();
                for target in targets {
                    let via = self.out.block();
                    let mut names = names.clone();
                    let args = self.edge_arguments(via, &target, &mut names);
                    self.jump(via, args);
                    edges.push(edge(via, Vec::new()));
                }
                self.out.terminate(
                    block,
                    Terminator::Switch {
                        index,
                        targets: edges,
                    },
                );
            }
            end if block == Block(0) => self.out.terminate(block, end),
            Terminator::Return => self.go_to_end(block, self.returns),
            Terminator::Exit => self.go_to_end(block, self.exits),
            Terminator::Fault(code) => self.fault(number, block, code),
        }
    }

    /// Sends lanes to a state in which they end. It has nothing else in it, because lanes there
    /// have left the loop, and wait for those that have not.
    fn go_to_end(&mut self, block: Block, state: usize) {
        let args = self.stay(block, false, state);
        self.jump(block, args);
    }

    /// Ends the launch. There seems to be a way back, so that it happens in the loop.
    fn fault(&mut self, number: usize, block: Block, code: FaultCode) {
        let state = self.constant(block, Type::B32, number as u64);
        let always = self.out.value_of(
            block,
            Op::CompareInt(IntCompare::Equal, self.params[1], state),
            Type::Pred,
        );
        let (fault, back) = (self.out.block(), self.out.block());
        self.out.terminate(fault, Terminator::Fault(code));
        self.out.terminate(
            block,
            Terminator::Branch {
                condition: always,
                then: edge(fault, Vec::new()),
                otherwise: edge(back, Vec::new()),
            },
        );
        let args = self.stay(back, true, number);
        self.jump(back, args);
    }

    /// Arguments of the loop for lanes that go to a state with no value changed.
    fn stay(&mut self, block: Block, waited: bool, state: usize) -> Vec<Value> {
        let waited = self.constant(block, Type::Pred, u64::from(waited));
        let state = self.constant(block, Type::B32, state as u64);
        let mut args = vec![waited, state];
        args.extend_from_slice(&self.params[OWN_PARAMS..]);
        args
    }

    /// Arguments of the loop for lanes that go along an edge of the function.
    fn edge_arguments(&mut self, block: Block, edge: &Edge, names: &mut Names) -> Vec<Value> {
        let target = self.states.first[edge.block.index()].expect("the target is reachable");
        let BlockData { params, .. } = self.function.block(edge.block);
        let assigned: Vec<(Value, Value)> = params
            .iter()
            .copied()
            .zip(edge.args.iter().copied())
            .collect();
        self.arguments(block, target, &assigned, names)
    }

    /// Arguments of the loop for lanes that go to a state, with parameters of its block given
    /// values.
    fn arguments(
        &mut self,
        block: Block,
        state: usize,
        assigned: &[(Value, Value)],
        names: &mut Names,
    ) -> Vec<Value> {
        let waited = self.constant(block, Type::Pred, 0);
        let mut args = vec![waited, self.constant(block, Type::B32, state as u64)];
        // Before the loop there is nothing to carry on.
        let enters = block == Block(0);
        for place in 0..self.carried.values.len() {
            let value = self.carried.values[place];
            let source = assigned.iter().find(|&&(param, _)| param == value);
            let arg = match source {
                Some(&(_, arg)) => self.name(block, arg, names),
                None => match names.get(&value) {
                    Some(&new) => new,
                    None if enters => {
                        let ty = self.function.ty(value);
                        self.out.value_of(block, Op::Undef(ty), ty)
                    }
                    None => self.params[OWN_PARAMS + place],
                },
            };
            args.push(arg);
        }
        args
    }

    fn select(&mut self, block: Block, condition: Value, then: Value, otherwise: Value) -> Value {
        if then == otherwise {
            return then;
        }
        let ty = self.out.function.ty(then);
        self.out
            .value_of(block, Op::Select(condition, then, otherwise), ty)
    }

    fn constant(&mut self, block: Block, ty: Type, bits: u64) -> Value {
        self.out.value_of(block, Op::Const(ty, bits), ty)
    }

    fn jump(&mut self, block: Block, args: Vec<Value>) {
        let target = self.header;
        self.out
            .terminate(block, Terminator::Jump(edge(target, args)));
    }
}

const fn edge(block: Block, args: Vec<Value>) -> Edge {
    Edge { block, args }
}
