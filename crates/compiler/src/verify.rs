//! Whether IR is well formed. An error here is a bug of this compiler, never of a program.
//!
//! # Rules
//!
//! - A unit has a kernel; calls, function addresses and symbols name what the unit has.
//! - Block 0 is the entry: no predecessors, no parameters. Every block is reachable.
//! - Every instruction is in one block at most; every value has one definition at most.
//! - Every use of a value is dominated by its definition. Arguments of an edge are used at the
//!   end of the block the edge leaves.
//! - An edge has one argument for each parameter of its successor, of the same type.
//! - Operands and results have the types that [`Op`] documents, in the number it documents.
//! - Constants fit their types; loads are not wider than their results, stores not wider than
//!   their values; 32-bit addresses are used in offset spaces only.
//! - Frame addresses lie in the frame, whose size is a multiple of 16.

use crate::ir::{
    AtomicOp, BarrierKind, BinaryOp, Block, Cfg, Fragments, Function, FunctionId, Inst, Op, Space,
    Special, Terminator, Type, UnaryOp, Unit, Value, VoteMode, Width,
};
use weft_isa::matrix::Sums;

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{function}: {place}: {rule}")]
pub struct Error {
    /// Function.
    pub function: String,
    /// The block, instruction or terminator, as printed.
    pub place: String,
    /// What is wrong.
    pub rule: String,
}

/// Checks a unit.
///
/// # Errors
///
/// Every broken rule, in order of the text.
pub fn verify(unit: &Unit) -> Result<(), Vec<Error>> {
    let mut errors = Vec::new();
    if unit.functions.is_empty() {
        errors.push(Error {
            function: String::new(),
            place: "unit".to_owned(),
            rule: "there is no kernel".to_owned(),
        });
    }
    for function in &unit.functions {
        let mut verifier = Verifier {
            unit,
            function,
            errors: Vec::new(),
        };
        verifier.run();
        errors.append(&mut verifier.errors);
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

/// Where a value is defined.
#[derive(Clone, Copy)]
struct Definition {
    block: Block,
    /// 0 for parameters, 1 and up for instructions in order.
    position: usize,
}

struct Verifier<'u> {
    unit: &'u Unit,
    function: &'u Function,
    errors: Vec<Error>,
}

impl Verifier<'_> {
    fn error(&mut self, place: impl ToString, rule: impl ToString) {
        self.errors.push(Error {
            function: self.function.name.clone(),
            place: place.to_string(),
            rule: rule.to_string(),
        });
    }

    fn run(&mut self) {
        if !self.indices_are_in_range() {
            return;
        }
        let function = self.function;
        if !function.local_bytes.is_multiple_of(16) {
            self.error("frame", "the size is not a multiple of 16");
        }
        let cfg = Cfg::new(function);
        let entry = function.block(Block(0));
        if !cfg.predecessors[0].is_empty() || !entry.params.is_empty() {
            self.error(Block(0), "the entry has predecessors or parameters");
        }
        let Some(definitions) = self.definitions() else {
            return;
        };
        for block in function.block_ids() {
            if !cfg.is_reachable(block) {
                self.error(block, "the block is unreachable");
                continue;
            }
            let data = function.block(block);
            for (index, &inst) in data.insts.iter().enumerate() {
                let mut operands = Vec::new();
                function
                    .inst(inst)
                    .op
                    .for_each_operand(|value| operands.push(value));
                for value in operands {
                    self.check_use(
                        &cfg,
                        &definitions,
                        value,
                        block,
                        index + 1,
                        &self.print(inst),
                    );
                }
                self.check_inst(inst);
            }
            let end = data.insts.len() + 1;
            let place = format!("{block}: {}", data.terminator);
            let decided = data.terminator.operand();
            let arguments = data
                .terminator
                .edges()
                .flat_map(|edge| edge.args.iter().copied());
            for value in decided.into_iter().chain(arguments) {
                self.check_use(&cfg, &definitions, value, block, end, &place);
            }
            self.check_terminator(&data.terminator, &place);
        }
    }

    /// Whether every index names something, so that the other rules can be looked at.
    fn indices_are_in_range(&mut self) -> bool {
        let function = self.function;
        let before = self.errors.len();
        if function.blocks.is_empty() {
            self.error("function", "there is no entry block");
        }
        let (values, blocks) = (function.value_types.len(), function.blocks.len());
        for block in function.block_ids() {
            let data = function.block(block);
            let mut used: Vec<Value> = data.params.clone();
            for &inst in &data.insts {
                if inst.index() >= function.insts.len() {
                    self.error(block, format!("{inst} does not exist"));
                    continue;
                }
                let data = function.inst(inst);
                used.extend(&data.results);
                data.op.for_each_operand(|value| used.push(value));
            }
            used.extend(data.terminator.operand());
            for edge in data.terminator.edges() {
                used.extend(&edge.args);
                if edge.block.index() >= blocks {
                    self.error(block, format!("{} does not exist", edge.block));
                }
            }
            for value in used {
                if value.index() >= values {
                    self.error(block, format!("{value} does not exist"));
                }
            }
        }
        self.errors.len() == before
    }

    /// Where each value is defined; `None` if something is defined or placed twice.
    fn definitions(&mut self) -> Option<Vec<Option<Definition>>> {
        let function = self.function;
        let before = self.errors.len();
        let mut definitions: Vec<Option<Definition>> = vec![None; function.value_types.len()];
        let mut placed = vec![false; function.insts.len()];
        for block in function.block_ids() {
            let data = function.block(block);
            let params = data.params.iter().map(|&value| (value, 0));
            let results = data.insts.iter().enumerate().flat_map(|(index, &inst)| {
                function
                    .inst(inst)
                    .results
                    .iter()
                    .map(move |&value| (value, index + 1))
            });
            for (value, position) in params.chain(results) {
                let definition = &mut definitions[value.index()];
                if definition.replace(Definition { block, position }).is_some() {
                    self.error(block, format!("{value} is defined twice"));
                }
            }
            for &inst in &data.insts {
                if std::mem::replace(&mut placed[inst.index()], true) {
                    self.error(block, format!("{inst} is placed twice"));
                }
            }
        }
        (self.errors.len() == before).then_some(definitions)
    }

    fn check_use(
        &mut self,
        cfg: &Cfg,
        definitions: &[Option<Definition>],
        value: Value,
        block: Block,
        position: usize,
        place: &str,
    ) {
        let dominated = definitions[value.index()].is_some_and(|definition| {
            if definition.block == block {
                definition.position < position
            } else {
                cfg.is_reachable(definition.block) && cfg.dominates(definition.block, block)
            }
        });
        if !dominated {
            self.error(
                place,
                format!("{value} is used where its definition may not have run"),
            );
        }
    }

    fn print(&self, inst: Inst) -> String {
        let data = self.function.inst(inst);
        format!("{:?} = {:?}", data.results, data.op)
    }

    fn check_terminator(&mut self, terminator: &Terminator, place: &str) {
        let expected = match terminator {
            Terminator::Branch { .. } => Some(Type::Pred),
            Terminator::Switch { .. } => Some(Type::B32),
            Terminator::Jump(_) | Terminator::Return | Terminator::Exit | Terminator::Fault(_) => {
                None
            }
        };
        if let (Some(value), Some(expected)) = (terminator.operand(), expected)
            && self.function.ty(value) != expected
        {
            self.error(place, format!("the operand is not {expected:?}"));
        }
        for edge in terminator.edges() {
            let params = &self.function.block(edge.block).params;
            let types = |values: &[Value]| -> Vec<Type> {
                values
                    .iter()
                    .map(|&value| self.function.ty(value))
                    .collect()
            };
            if types(params) != types(&edge.args) {
                self.error(
                    place,
                    format!("the arguments for {} do not fit", edge.block),
                );
            }
        }
    }

    fn check_inst(&mut self, inst: Inst) {
        let results: Vec<Type> = self
            .function
            .inst(inst)
            .results
            .iter()
            .map(|&value| self.function.ty(value))
            .collect();
        if let Err(rule) = self.types_of(&self.function.inst(inst).op, &results) {
            self.error(self.print(inst), rule);
        }
    }

    /// Checks the types of an operation's operands and results.
    fn types_of(&self, op: &Op, results: &[Type]) -> Result<(), &'static str> {
        let ty = |value: &Value| self.function.ty(*value);
        let is = |value: &Value, expected: Type, rule| check(ty(value) == expected, rule);
        let one = |expected: Type| check(results == [expected], "the results do not fit");
        let int = |ty: Type, rule| check(ty != Type::Pred, rule);
        match op {
            Op::Undef(undefined) => one(*undefined),
            Op::Const(constant, bits) => {
                let fits = constant.bits() == 64 || bits >> constant.bits() == 0;
                check(fits, "the constant does not fit its type")?;
                one(*constant)
            }
            Op::Binary(op, a, b) => {
                let logical = matches!(op, BinaryOp::And | BinaryOp::Or | BinaryOp::Xor);
                check(logical || ty(a) != Type::Pred, "arithmetic on a predicate")?;
                is(b, ty(a), "the operands differ in type")?;
                one(ty(a))
            }
            Op::Shift(_, a, amount) => {
                int(ty(a), "shift of a predicate")?;
                is(amount, Type::B32, "the amount is not B32")?;
                one(ty(a))
            }
            Op::Unary(op, a) => {
                check(
                    *op == UnaryOp::Not || ty(a) != Type::Pred,
                    "arithmetic on a predicate",
                )?;
                one(match op {
                    UnaryOp::PopCount | UnaryOp::LeadingZeros => Type::B32,
                    UnaryOp::Not | UnaryOp::Neg | UnaryOp::Abs | UnaryOp::BitReverse => ty(a),
                })
            }
            Op::MulWide { a, b, .. } => {
                is(b, ty(a), "the operands differ in type")?;
                match ty(a) {
                    Type::B16 => one(Type::B32),
                    Type::B32 => one(Type::B64),
                    Type::Pred | Type::B64 => Err("the factors are not B16 or B32"),
                }
            }
            Op::AddCarry(a, b, carry) | Op::SubBorrow(a, b, carry) => {
                int(ty(a), "arithmetic on a predicate")?;
                is(b, ty(a), "the operands differ in type")?;
                is(carry, Type::Pred, "the carry is not a predicate")?;
                check(results == [ty(a), Type::Pred], "the results do not fit")
            }
            Op::CompareInt(_, a, b) => {
                int(ty(a), "comparison of predicates")?;
                is(b, ty(a), "the operands differ in type")?;
                one(Type::Pred)
            }
            Op::CompareFloat(format, _, a, b) => {
                is(a, format.ty(), "an operand does not have the format")?;
                is(b, format.ty(), "an operand does not have the format")?;
                one(Type::Pred)
            }
            Op::Select(condition, then, otherwise) => {
                is(condition, Type::Pred, "the condition is not a predicate")?;
                is(otherwise, ty(then), "the operands differ in type")?;
                one(ty(then))
            }
            Op::Truncate(to, value) => {
                check(
                    *to != Type::Pred && to.bits() < ty(value).bits(),
                    "not a truncation",
                )?;
                one(*to)
            }
            Op::Extend {
                from, to, value, ..
            } => {
                let from = u32::from(*from);
                check(matches!(from, 8 | 16 | 32), "the width is not 8, 16 or 32")?;
                check(
                    from <= ty(value).bits() && from <= to.bits(),
                    "not an extension",
                )?;
                one(*to)
            }
            Op::Pack(low, high) => {
                is(high, ty(low), "the halves differ in type")?;
                match ty(low) {
                    Type::B16 => one(Type::B32),
                    Type::B32 => one(Type::B64),
                    Type::Pred | Type::B64 => Err("the halves are not B16 or B32"),
                }
            }
            Op::FloatBinary(_, format, _, a, b) => {
                is(a, format.ty(), "an operand does not have the format")?;
                is(b, format.ty(), "an operand does not have the format")?;
                one(format.ty())
            }
            Op::FusedMultiplyAdd(format, _, a, b, c) => {
                for value in [a, b, c] {
                    is(value, format.ty(), "an operand does not have the format")?;
                }
                one(format.ty())
            }
            Op::FloatUnary(_, format, _, a) => {
                is(a, format.ty(), "the operand does not have the format")?;
                one(format.ty())
            }
            Op::Approx(_, a) => {
                is(a, Type::B32, "the operand is not B32")?;
                one(Type::B32)
            }
            Op::FloatToInt {
                from, bits, value, ..
            } => {
                is(value, from.ty(), "the operand does not have the format")?;
                match bits {
                    8 | 16 => one(Type::B16),
                    32 => one(Type::B32),
                    64 => one(Type::B64),
                    _ => Err("the width is not 8, 16, 32 or 64"),
                }
            }
            Op::IntToFloat { to, value, .. } => {
                int(ty(value), "conversion of a predicate")?;
                one(to.ty())
            }
            Op::FloatToFloat {
                from, to, value, ..
            } => {
                is(value, from.ty(), "the operand does not have the format")?;
                one(to.ty())
            }
            Op::ReadSpecial(special) => one(match special {
                Special::Grid | Special::Clock64 | Special::GlobalTimer => Type::B64,
                _ => Type::B32,
            }),
            Op::Affine { base, wrap, .. } => {
                let ty = self.function.ty(*base);
                check(
                    matches!(ty, Type::B32 | Type::B64),
                    "the base is not of 32 or 64 bits",
                )?;
                if let Some(wrap) = wrap {
                    is(&wrap.from, Type::B64, "the lane of the step is not 64 bits")?;
                }
                one(ty)
            }
            Op::SymbolAddress(symbol) => {
                check(
                    symbol.index() < self.unit.symbols.len(),
                    "the symbol does not exist",
                )?;
                one(Type::B64)
            }
            Op::FunctionAddress(function) => {
                check(
                    self.unit.addressable.contains(&Some(*function)),
                    "the function is not in the table",
                )?;
                one(Type::B64)
            }
            Op::FrameAddress(offset) => {
                check(
                    *offset <= self.function.local_bytes,
                    "the address is beyond the frame",
                )?;
                one(Type::B64)
            }
            Op::OutgoingAddress(_) => one(Type::B64),
            Op::ToGeneric(space, value) | Op::FromGeneric(space, value) => {
                check(
                    *space != Space::Generic,
                    "a generic address is converted to itself",
                )?;
                is(value, Type::B64, "the operand is not B64")?;
                one(Type::B64)
            }
            Op::IsSpace(_, value) => {
                is(value, Type::B64, "the operand is not B64")?;
                one(Type::Pred)
            }
            Op::Load {
                space,
                width,
                ty: loaded,
                address,
                ..
            } => {
                self.check_address(*space, *address)?;
                let fits = *loaded != Type::Pred && width.bytes() * 8 <= loaded.bits();
                check(fits, "the access is wider than the result")?;
                one(*loaded)
            }
            Op::Store {
                space,
                width,
                address,
                value,
                ..
            } => {
                self.check_address(*space, *address)?;
                check(
                    width.bytes() * 8 <= ty(value).bits(),
                    "the access is wider than the value",
                )?;
                check(results.is_empty(), "there is a result")
            }
            Op::Atomic {
                op,
                space,
                width,
                address,
                operand,
                compare,
                ..
            } => {
                self.check_address(*space, *address)?;
                let in_space = matches!(space, Space::Generic | Space::Global | Space::Shared);
                check(in_space, "atomics are in generic, global or shared memory")?;
                let has_width = op.widths().contains(width);
                check(has_width, "the operation does not exist at this width")?;
                let own = match width {
                    Width::W8 | Width::W16 => Type::B16,
                    Width::W32 => Type::B32,
                    Width::W64 => Type::B64,
                };
                is(operand, own, "the operand does not have the width")?;
                let exchange = *op == AtomicOp::CompareExchange;
                check(
                    exchange == compare.is_some(),
                    "only CompareExchange has a comparand",
                )?;
                if let Some(compare) = compare {
                    is(compare, own, "the comparand does not have the width")?;
                }
                one(own)
            }
            Op::Fence => check(results.is_empty(), "there is a result"),
            Op::Shuffle {
                value,
                b,
                c,
                members,
                ..
            } => {
                for operand in [value, b, c, members] {
                    is(operand, Type::B32, "an operand is not B32")?;
                }
                check(results == [Type::B32, Type::Pred], "the results do not fit")
            }
            Op::Vote(mode, pred, members) => {
                is(pred, Type::Pred, "the operand is not a predicate")?;
                is(members, Type::B32, "the members are not B32")?;
                one(if *mode == VoteMode::Ballot {
                    Type::B32
                } else {
                    Type::Pred
                })
            }
            Op::Match { value, members, .. } => {
                check(
                    matches!(ty(value), Type::B32 | Type::B64),
                    "the value is not B32 or B64",
                )?;
                is(members, Type::B32, "the members are not B32")?;
                check(results == [Type::B32, Type::Pred], "the results do not fit")
            }
            Op::Reduce(_, value, members) => {
                is(value, Type::B32, "the value is not B32")?;
                is(members, Type::B32, "the members are not B32")?;
                one(Type::B32)
            }
            Op::ActiveMask => one(Type::B32),
            Op::WarpBarrier(members) => {
                is(members, Type::B32, "the members are not B32")?;
                check(results.is_empty(), "there is a result")
            }
            Op::FullWarp => check(results.is_empty(), "there is a result"),
            Op::MultiplyMatrices(form, fragments) => {
                let Fragments { a, b, c } = &**fragments;
                let (own, registers) = if form.sums() == Sums::F64 {
                    (Type::B64, 2)
                } else {
                    (Type::B32, 1)
                };
                for (values, count) in [
                    (a, form.a_registers()),
                    (b, form.b_registers()),
                    (c, form.d_registers()),
                ] {
                    check(
                        values.len() == (count / registers) as usize,
                        "a fragment does not have the values of the form",
                    )?;
                    for value in values {
                        is(value, own, "a value of a fragment has the wrong type")?;
                    }
                }
                check(
                    results.len() == c.len() && results.iter().all(|&result| result == own),
                    "the results do not fit",
                )
            }
            Op::Barrier {
                kind,
                id,
                threads,
                pred,
            } => {
                is(id, Type::B32, "the barrier number is not B32")?;
                if let Some(threads) = threads {
                    is(threads, Type::B32, "the number of threads is not B32")?;
                }
                check(
                    pred.is_some() == (*kind == BarrierKind::CountPred),
                    "only CountPred has a predicate",
                )?;
                match pred {
                    Some(pred) => {
                        is(pred, Type::Pred, "the operand is not a predicate")?;
                        one(Type::B32)
                    }
                    None => check(results.is_empty(), "there is a result"),
                }
            }
            Op::Call(function) => {
                self.check_function(*function)?;
                check(results.is_empty(), "there is a result")
            }
            Op::CallIndirect(address) => {
                is(address, Type::B64, "the address is not B64")?;
                check(results.is_empty(), "there is a result")
            }
            Op::CallEnvironment(_) => check(results.is_empty(), "there is a result"),
        }
    }

    fn check_function(&self, function: FunctionId) -> Result<(), &'static str> {
        check(
            function.index() < self.unit.functions.len(),
            "the function does not exist",
        )
    }

    fn check_address(&self, space: Space, address: Value) -> Result<(), &'static str> {
        let offset_space = matches!(space, Space::Shared | Space::Local | Space::Param);
        match self.function.ty(address) {
            Type::B64 => Ok(()),
            Type::B32 if offset_space => Ok(()),
            Type::B32 | Type::B16 | Type::Pred => {
                Err("the address does not have a width that fits")
            }
        }
    }
}

fn check(holds: bool, rule: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(rule) }
}

#[cfg(test)]
mod tests {
    use super::verify;
    use crate::ir::{BinaryOp, Edge, FunctionBuilder, Op, Terminator, Type, Unit};

    fn rules(builder: FunctionBuilder) -> Vec<String> {
        let unit = Unit {
            functions: vec![builder.function],
            ..Unit::default()
        };
        let errors = verify(&unit).err().unwrap_or_default();
        errors.into_iter().map(|error| error.rule).collect()
    }

    #[test]
    fn a_use_before_its_definition_is_found() {
        let mut builder = FunctionBuilder::new("f");
        let block = builder.block();
        let late = builder.value(Type::B32);
        builder.value_of(block, Op::Binary(BinaryOp::Add, late, late), Type::B32);
        builder.terminate(block, Terminator::Return);
        assert!(rules(builder)[0].contains("may not have run"));
    }

    #[test]
    fn arguments_must_fit_parameters() {
        let mut builder = FunctionBuilder::new("f");
        let (entry, next) = (builder.block(), builder.block());
        builder.param(next, Type::B32);
        let wrong = builder.value_of(entry, Op::Const(Type::B64, 1), Type::B64);
        builder.terminate(
            entry,
            Terminator::Jump(Edge {
                block: next,
                args: vec![wrong],
            }),
        );
        builder.terminate(next, Terminator::Return);
        assert!(rules(builder)[0].contains("do not fit"));
    }

    #[test]
    fn mixed_widths_are_found() {
        let mut builder = FunctionBuilder::new("f");
        let block = builder.block();
        let a = builder.value_of(block, Op::Const(Type::B32, 1), Type::B32);
        let b = builder.value_of(block, Op::Const(Type::B64, 1), Type::B64);
        builder.value_of(block, Op::Binary(BinaryOp::Add, a, b), Type::B32);
        builder.terminate(block, Terminator::Return);
        assert_eq!(rules(builder), ["the operands differ in type"]);
    }
}
