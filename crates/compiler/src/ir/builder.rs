//! Building a function block by block.

use super::{Block, BlockData, Function, Inst, InstData, Location, Op, Terminator, Type, Value};

/// Appends blocks and instructions to a [`Function`].
///
/// A block starts with the terminator `Fault(Unreachable)`, which [`Self::terminate`] replaces.
#[derive(Debug, Default)]
pub struct FunctionBuilder {
    /// What has been built so far.
    pub function: Function,
    /// Location given to the instructions appended next.
    pub location: Location,
}

impl FunctionBuilder {
    /// A function without blocks.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            function: Function {
                name: name.to_owned(),
                ..Function::default()
            },
            location: Location::default(),
        }
    }

    /// A new value of the type, defined by nothing yet.
    pub fn value(&mut self, ty: Type) -> Value {
        let value = Value(to_u32(self.function.value_types.len()));
        self.function.value_types.push(ty);
        value
    }

    /// A new empty block.
    pub fn block(&mut self) -> Block {
        let block = Block(to_u32(self.function.blocks.len()));
        self.function.blocks.push(BlockData {
            params: Vec::new(),
            insts: Vec::new(),
            terminator: Terminator::Fault(weft_isa::abi::FaultCode::Unreachable),
        });
        block
    }

    /// Appends a parameter to a block. The edges into it must each get an argument.
    pub fn param(&mut self, block: Block, ty: Type) -> Value {
        let value = self.value(ty);
        self.function.blocks[block.index()].params.push(value);
        value
    }

    /// Appends an instruction whose results have the given types.
    pub fn inst(&mut self, block: Block, op: Op, results: &[Type]) -> Inst {
        let results = results.iter().map(|&ty| self.value(ty)).collect();
        let inst = Inst(to_u32(self.function.insts.len()));
        self.function.insts.push(InstData {
            op,
            results,
            location: self.location,
        });
        self.function.blocks[block.index()].insts.push(inst);
        inst
    }

    /// Appends an instruction with one result and gives that.
    pub fn value_of(&mut self, block: Block, op: Op, ty: Type) -> Value {
        let inst = self.inst(block, op, &[ty]);
        self.function.insts[inst.index()].results[0]
    }

    /// Sets the way out of a block.
    pub fn terminate(&mut self, block: Block, terminator: Terminator) {
        self.function.blocks[block.index()].terminator = terminator;
    }
}

fn to_u32(len: usize) -> u32 {
    u32::try_from(len).expect("the parser bounds a function far below 2^32 entities")
}
