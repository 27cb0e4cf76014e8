//! From registers that are written many times to values that are defined once.
//!
//! The construction is that of Braun, Buchwald, Hack, Leissa, Mallon and Zwinkau, "Simple and
//! Efficient Construction of Static Single Assignment Form" (CC 2013), with two changes: the
//! arguments of block parameters are filled in at the end instead of when a block is sealed,
//! and nothing is recursive, so that no program can exhaust the stack. Parameters with only one
//! distinct argument are removed, which gives minimal form for reducible graphs.

use crate::ir::{
    Block, BlockData, Function, FunctionBuilder, Inst, InstData, Location, Op, Terminator, Type,
    Value,
};
use std::collections::HashMap;

/// Index of a register of the function being built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Variable(pub(super) u32);

/// A function under construction whose registers can be read and written.
#[derive(Debug)]
pub(super) struct Ssa {
    builder: FunctionBuilder,
    /// Type of each variable.
    variables: Vec<Type>,
    blocks: Vec<BlockState>,
    /// Blocks in the order in which they were begun: the order of the finished function.
    order: Vec<Block>,
    params: Vec<Param>,
}

#[derive(Debug, Default)]
struct BlockState {
    /// Value of each variable at the end of the block, as far as it is known.
    defined: HashMap<Variable, Value>,
    /// Blocks with an edge to this one, once per edge.
    predecessors: Vec<Block>,
    /// No further predecessor will appear.
    sealed: bool,
    placed: bool,
}

/// A block parameter that stands for a variable.
#[derive(Debug)]
struct Param {
    block: Block,
    variable: Variable,
    value: Value,
    /// One for each reachable predecessor, filled at the end.
    args: Vec<Value>,
}

impl Ssa {
    pub(super) fn new(name: &str) -> Self {
        Self {
            builder: FunctionBuilder::new(name),
            variables: Vec::new(),
            blocks: Vec::new(),
            order: Vec::new(),
            params: Vec::new(),
        }
    }

    /// New variables of one type, with consecutive indices; gives the first.
    pub(super) fn variables(&mut self, ty: Type, count: usize) -> Variable {
        let first = Variable(u32::try_from(self.variables.len()).unwrap_or(u32::MAX));
        self.variables.resize(self.variables.len() + count, ty);
        first
    }

    /// How many variables there are.
    pub(super) fn variable_count(&self) -> usize {
        self.variables.len()
    }

    /// Type of a variable.
    pub(super) fn variable_type(&self, variable: Variable) -> Type {
        self.variables[variable.0 as usize]
    }

    /// Type of a value.
    pub(super) fn ty(&self, value: Value) -> Type {
        self.builder.function.ty(value)
    }

    /// A new block, not placed yet and open for predecessors.
    pub(super) fn block(&mut self) -> Block {
        self.blocks.push(BlockState::default());
        self.builder.block()
    }

    /// Places a block after those placed before.
    pub(super) fn begin(&mut self, block: Block) {
        self.blocks[block.index()].placed = true;
        self.order.push(block);
    }

    /// Whether the block has been placed.
    pub(super) fn is_placed(&self, block: Block) -> bool {
        self.blocks[block.index()].placed
    }

    /// Promises that the block gets no more predecessors.
    pub(super) fn seal(&mut self, block: Block) {
        self.blocks[block.index()].sealed = true;
    }

    /// Sets the location of the instructions appended next.
    pub(super) fn set_location(&mut self, location: Location) {
        self.builder.location = location;
    }

    /// Location of the instructions appended next.
    pub(super) fn location(&self) -> Location {
        self.builder.location
    }

    /// Appends an instruction and gives its results.
    pub(super) fn inst(&mut self, block: Block, op: Op, results: &[Type]) -> Inst {
        self.builder.inst(block, op, results)
    }

    /// Results of an instruction.
    pub(super) fn results(&self, inst: Inst) -> &[Value] {
        &self.builder.function.inst(inst).results
    }

    /// Appends an instruction with one result and gives that.
    pub(super) fn value_of(&mut self, block: Block, op: Op, ty: Type) -> Value {
        self.builder.value_of(block, op, ty)
    }

    /// Ends a block. Edges carry no arguments yet.
    pub(super) fn terminate(&mut self, block: Block, terminator: Terminator) {
        for edge in terminator.edges() {
            self.blocks[edge.block.index()].predecessors.push(block);
        }
        self.builder.terminate(block, terminator);
    }

    /// Gives a variable a value from here to the end of the block.
    pub(super) fn write(&mut self, block: Block, variable: Variable, value: Value) {
        self.blocks[block.index()].defined.insert(variable, value);
    }

    /// Value of a variable at this point of a block (the end of what has been appended).
    pub(super) fn read(&mut self, block: Block, variable: Variable) -> Value {
        let mut passed = Vec::new();
        let mut at = block;
        let value = loop {
            let state = &self.blocks[at.index()];
            if let Some(&value) = state.defined.get(&variable) {
                break value;
            }
            match (state.sealed, state.predecessors.as_slice()) {
                (true, []) => break self.undefined(at, variable),
                // A chain longer than the number of blocks is an unreachable cycle.
                (true, &[only]) if passed.len() <= self.blocks.len() => {
                    passed.push(at);
                    at = only;
                }
                (true, &[_]) => break self.undefined(at, variable),
                (true, _) | (false, _) => break self.param(at, variable),
            }
        };
        for block in passed {
            self.write(block, variable, value);
        }
        self.write(at, variable, value);
        value
    }

    fn undefined(&mut self, block: Block, variable: Variable) -> Value {
        let ty = self.variable_type(variable);
        // Placed first, because the value may be wanted before what the block already holds.
        let value = self.builder.value(ty);
        let function = &mut self.builder.function;
        let inst = Inst(u32::try_from(function.insts.len()).unwrap_or(u32::MAX));
        function.insts.push(InstData {
            op: Op::Undef(ty),
            results: vec![value],
            location: Location::default(),
        });
        function.blocks[block.index()].insts.insert(0, inst);
        value
    }

    fn param(&mut self, block: Block, variable: Variable) -> Value {
        let ty = self.variable_type(variable);
        let value = self.builder.value(ty);
        self.params.push(Param {
            block,
            variable,
            value,
            args: Vec::new(),
        });
        value
    }

    /// The finished function: unreachable blocks removed, parameters and edge arguments in
    /// place, blocks and values in order of the text.
    pub(super) fn finish(mut self) -> Function {
        for block in &mut self.blocks {
            block.sealed = true;
        }
        self.drop_unreachable();
        let mut next = 0;
        while next < self.params.len() {
            let (block, variable) = (self.params[next].block, self.params[next].variable);
            let predecessors = self.blocks[block.index()].predecessors.clone();
            let args = predecessors
                .iter()
                .map(|&from| self.read(from, variable))
                .collect();
            self.params[next].args = args;
            next += 1;
        }
        let replacement = self.remove_trivial_params();
        self.assemble(&replacement)
    }

    /// Removes unreachable blocks from the order and from the predecessors of others.
    fn drop_unreachable(&mut self) {
        let mut reachable = vec![false; self.blocks.len()];
        let mut pending: Vec<Block> = self.order.first().copied().into_iter().collect();
        while let Some(block) = pending.pop() {
            if std::mem::replace(&mut reachable[block.index()], true) {
                continue;
            }
            let terminator = &self.builder.function.block(block).terminator;
            pending.extend(terminator.edges().map(|edge| edge.block));
        }
        self.order.retain(|block| reachable[block.index()]);
        self.params.retain(|param| reachable[param.block.index()]);
        for state in &mut self.blocks {
            state.predecessors.retain(|block| reachable[block.index()]);
        }
    }

    /// Finds parameters that can only be one value, and what to use in their place.
    fn remove_trivial_params(&mut self) -> Vec<Value> {
        let count = self.builder.function.value_types.len();
        let all = (0..u32::try_from(count).unwrap_or(u32::MAX)).map(Value);
        let mut replacement: Vec<Value> = all.collect();
        // Which parameters use a parameter's value: looked at again when it is replaced.
        let mut of_value: Vec<Option<usize>> = vec![None; count];
        for (index, param) in self.params.iter().enumerate() {
            of_value[param.value.index()] = Some(index);
        }
        let mut users: Vec<Vec<usize>> = vec![Vec::new(); self.params.len()];
        for (index, param) in self.params.iter().enumerate() {
            for arg in &param.args {
                if let Some(used) = of_value[arg.index()] {
                    users[used].push(index);
                }
            }
        }
        let mut removed = vec![false; self.params.len()];
        let mut pending: Vec<usize> = (0..self.params.len()).rev().collect();
        while let Some(index) = pending.pop() {
            if removed[index] {
                continue;
            }
            let own = self.params[index].value;
            let mut others = self.params[index]
                .args
                .iter()
                .map(|&arg| resolve(&mut replacement, arg))
                .filter(|&arg| arg != own);
            let Some(only) = others.next() else { continue };
            if others.any(|other| other != only) {
                continue;
            }
            removed[index] = true;
            replacement[own.index()] = only;
            let waiting = std::mem::take(&mut users[index]);
            if let Some(target) = of_value[only.index()] {
                users[target].extend_from_slice(&waiting);
            }
            pending.extend(waiting);
        }
        let mut index = 0;
        self.params.retain(|_| {
            index += 1;
            !removed[index - 1]
        });
        replacement
    }

    fn assemble(mut self, replacement: &[Value]) -> Function {
        let mut renumbered = vec![Block(u32::MAX); self.blocks.len()];
        for (index, block) in self.order.iter().enumerate() {
            renumbered[block.index()] = Block(u32::try_from(index).unwrap_or(u32::MAX));
        }
        let mut replacement = replacement.to_vec();
        // Values made while filling arguments stand for themselves.
        let known = replacement.len();
        let total = self.builder.function.value_types.len();
        for index in known..total {
            replacement.push(Value(u32::try_from(index).unwrap_or(u32::MAX)));
        }
        let mut params_of: Vec<Vec<usize>> = vec![Vec::new(); self.blocks.len()];
        for (index, param) in self.params.iter().enumerate() {
            params_of[param.block.index()].push(index);
        }
        // Predecessors are listed once per edge in the order of termination; the same order
        // gives each edge its place.
        let mut place: HashMap<(Block, Block), usize> = HashMap::new();
        let source = std::mem::take(&mut self.builder.function);
        let mut function = Function {
            name: source.name,
            value_types: source.value_types,
            ..Function::default()
        };
        let mut insts: Vec<Option<InstData>> = source.insts.into_iter().map(Some).collect();
        let mut blocks: Vec<Option<BlockData>> = source.blocks.into_iter().map(Some).collect();
        for &block in &self.order {
            let Some(mut data) = blocks[block.index()].take() else {
                continue;
            };
            data.params = params_of[block.index()]
                .iter()
                .map(|&index| self.params[index].value)
                .collect();
            for inst in &mut data.insts {
                if let Some(mut moved) = insts[inst.index()].take() {
                    moved
                        .op
                        .map_operands(|value| resolve(&mut replacement, value));
                    *inst = Inst(u32::try_from(function.insts.len()).unwrap_or(u32::MAX));
                    function.insts.push(moved);
                }
            }
            match &mut data.terminator {
                Terminator::Branch {
                    condition: value, ..
                }
                | Terminator::Switch { index: value, .. } => {
                    *value = resolve(&mut replacement, *value);
                }
                Terminator::Jump(_)
                | Terminator::Return
                | Terminator::Exit
                | Terminator::Fault(_) => {}
            }
            for edge in data.terminator.edges_mut() {
                let target = edge.block;
                let predecessors = &self.blocks[target.index()].predecessors;
                let from = place.entry((block, target)).or_insert(0);
                let position = predecessors
                    .iter()
                    .enumerate()
                    .filter(|&(_, &predecessor)| predecessor == block)
                    .nth(*from)
                    .map_or(0, |(position, _)| position);
                *from += 1;
                edge.args = params_of[target.index()]
                    .iter()
                    .map(|&index| resolve(&mut replacement, self.params[index].args[position]))
                    .collect();
                edge.block = renumbered[target.index()];
            }
            function.blocks.push(data);
        }
        function
    }
}

/// Follows replacements to the value that remains, shortening the way for the next time.
fn resolve(replacement: &mut [Value], value: Value) -> Value {
    let mut root = value;
    while replacement[root.index()] != root {
        root = replacement[root.index()];
    }
    let mut at = value;
    while replacement[at.index()] != root {
        let next = replacement[at.index()];
        replacement[at.index()] = root;
        at = next;
    }
    root
}
