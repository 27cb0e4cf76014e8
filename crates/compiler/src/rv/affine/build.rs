//! Adding instructions to a function.

use crate::ir::{Block, Function, Inst, InstData, Location, Op, Type, Value};
use std::collections::HashMap;

/// New instructions for one block after another. Those of a block that do the same are one.
pub(super) struct Builder {
    /// Instructions of the block so far.
    insts: Vec<Inst>,
    /// What was added to the block.
    added: HashMap<Op, Value>,
    /// Location given to new instructions.
    pub(super) location: Location,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            insts: Vec::new(),
            added: HashMap::new(),
            location: Location::default(),
        }
    }

    /// Appends an instruction that is there already.
    pub(super) fn keep(&mut self, inst: Inst) {
        self.insts.push(inst);
    }

    /// Appends a pure operation with one result, unless the block has got it.
    pub(super) fn add(&mut self, function: &mut Function, op: Op, ty: Type) -> Value {
        if let Some(&value) = self.added.get(&op) {
            return value;
        }
        let value = new_value(function, ty);
        let inst = Inst(u32::try_from(function.insts.len()).expect("the parser bounds functions"));
        function.insts.push(InstData {
            op: op.clone(),
            results: vec![value],
            location: self.location,
        });
        self.insts.push(inst);
        self.added.insert(op, value);
        value
    }

    /// Appends a constant.
    pub(super) fn constant(&mut self, function: &mut Function, ty: Type, value: i64) -> Value {
        let bits = value.cast_unsigned() & (u64::MAX >> (64 - ty.bits()));
        self.add(function, Op::Const(ty, bits), ty)
    }

    /// Gives the block its instructions and begins another one.
    pub(super) fn finish(&mut self, function: &mut Function, block: Block) {
        self.added.clear();
        function.blocks[block.index()].insts = std::mem::take(&mut self.insts);
    }
}

/// A new value, defined by nothing yet.
pub(super) fn new_value(function: &mut Function, ty: Type) -> Value {
    let value = Value(u32::try_from(function.value_types.len()).expect("as for instructions"));
    function.value_types.push(ty);
    value
}
