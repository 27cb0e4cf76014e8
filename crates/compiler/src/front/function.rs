//! The state of translating one function, and what every instruction's lowering uses:
//! reading and writing operands, guards, locations and errors.

use super::body::{self, Frame};
use super::modifiers::Modifiers;
use super::scope::{Entity, Item, Register, ScopeId, Scopes};
use super::ssa::{Ssa, Variable};
use super::unit::{MemoryBase, UnitLowering};
use super::{async_copy, control, dispatch, special, texture, types, variables};
use crate::ir::{self, Block, Edge, Location, Op, Space, Terminator, Type, UnaryOp, Value};
use crate::{Error, ErrorKind};
use std::collections::HashMap;
use weft_ptx::ast::{self, Operand, ScalarType, Span};
use weft_ptx::opcodes;

/// An instruction being translated.
pub(super) struct Ins<'t, 'a> {
    /// As parsed.
    pub(super) ast: &'t ast::Instruction<'a>,
    /// Scope in which its names are looked up.
    pub(super) scope: ScopeId,
    /// Modifiers not taken yet.
    pub(super) modifiers: Modifiers<'t, 'a>,
}

impl<'t, 'a> Ins<'t, 'a> {
    /// Opcode with its modifiers, as written.
    pub(super) fn name(&self) -> String {
        let mut name = self.ast.opcode.to_owned();
        for modifier in &self.ast.modifiers {
            name.push('.');
            name.push_str(modifier);
        }
        name
    }

    /// That this form of the instruction cannot be translated.
    pub(super) fn unsupported(&self) -> ErrorKind {
        let instruction = self.name();
        match opcodes::section_of(self.ast) {
            Some(section) => ErrorKind::UnsupportedInstruction {
                instruction,
                section,
            },
            None => ErrorKind::UnknownInstruction { instruction },
        }
    }

    /// That the modifiers make no sense together.
    pub(super) fn wrong_modifiers(&self, reason: &str) -> ErrorKind {
        ErrorKind::Modifiers {
            instruction: self.name(),
            reason: reason.to_owned(),
        }
    }

    /// That an operand has the wrong form or type.
    pub(super) fn wrong_operand(&self, operand: &Operand<'_>, expected: &str) -> ErrorKind {
        ErrorKind::Operand {
            instruction: self.name(),
            operand: describe(operand),
            expected: expected.to_owned(),
        }
    }

    /// Takes the next type modifier.
    pub(super) fn ty(&mut self) -> Result<ScalarType, ErrorKind> {
        let ty = self.modifiers.take_type();
        ty.ok_or_else(|| self.unsupported())
    }

    /// Exactly `N` operands.
    pub(super) fn operands<const N: usize>(&self) -> Result<[&'t Operand<'a>; N], ErrorKind> {
        const COUNTS: [&str; 8] = ["0", "1", "2", "3", "4", "5", "6", "7"];
        let operands: Vec<&Operand<'a>> = self.ast.operands.iter().collect();
        operands
            .try_into()
            .map_err(|_| self.operand_count(COUNTS.get(N).unwrap_or(&"fewer")))
    }

    /// That the number of operands is wrong.
    pub(super) fn operand_count(&self, expected: &'static str) -> ErrorKind {
        ErrorKind::OperandCount {
            instruction: self.name(),
            expected,
            found: self.ast.operands.len(),
        }
    }
}

/// How an operand is named in messages.
fn describe(operand: &Operand<'_>) -> String {
    match operand {
        Operand::Name(name) => (*name).to_owned(),
        Operand::Member(name, index) => format!("{name}[{index}]"),
        Operand::NameOffset(name, offset) => format!("{name}+{offset}"),
        Operand::Immediate(ast::Immediate::Integer(bits, _)) => bits.cast_signed().to_string(),
        Operand::Immediate(ast::Immediate::F32(bits)) => format!("0f{bits:08X}"),
        Operand::Immediate(ast::Immediate::F64(bits)) => format!("0d{bits:016X}"),
        Operand::Address(_) => "[...]".to_owned(),
        Operand::Vector(_) => "{...}".to_owned(),
        Operand::Pair(first, second) => format!("{}|{}", describe(first), describe(second)),
        Operand::Not(inner) => format!("!{}", describe(inner)),
        Operand::Negated(inner) => format!("-{}", describe(inner)),
        Operand::List(_) => "(...)".to_owned(),
        Operand::Selector(name, selector) => format!("{name}.{selector}"),
        Operand::Element(name, _) => format!("{name}[...]"),
        Operand::TextureAddress { .. } => "[texture, ...]".to_owned(),
        Operand::Discard => "_".to_owned(),
    }
}

/// What an address operand comes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemoryOperand {
    /// Space of the access.
    pub(super) space: Space,
    /// Address: B64, or B32 in an offset space.
    pub(super) address: Value,
    /// Bytes added.
    pub(super) offset: i32,
}

/// Instructions under one guard that are branched around together.
struct Region {
    guard: Variable,
    negated: bool,
    /// The guard's value when the region began.
    condition: Value,
    join: Block,
}

/// A function being translated.
pub(super) struct Lowering<'c, 't, 'a> {
    /// What is shared by the functions of the unit.
    pub(super) unit: &'c mut UnitLowering<'t, 'a>,
    /// The function as parsed.
    pub(super) function: &'t ast::Function<'a>,
    /// Blocks, instructions and registers.
    pub(super) ssa: Ssa,
    /// Names.
    pub(super) scopes: Scopes<'t, 'a>,
    /// Block to which instructions are appended.
    pub(super) block: Block,
    /// The carry flag `CC.CF`.
    pub(super) carry: Variable,
    /// Lane-local memory.
    pub(super) frame: Frame,
    /// What `cp.async` still has to store.
    pub(super) copies: async_copy::Copies,
    /// Branches to each label block that have not been translated yet.
    references: HashMap<Block, u32>,
    region: Option<Region>,
    /// Guard of the pure instruction being translated: condition, negated.
    select: Option<(Value, bool)>,
    /// Bits of the values made by `constant`.
    constants: HashMap<Value, u64>,
    errors: Vec<Error>,
}

impl<'c, 't, 'a> Lowering<'c, 't, 'a> {
    /// Translates a function with a body.
    pub(super) fn run(
        unit: &'c mut UnitLowering<'t, 'a>,
        function: &'t ast::Function<'a>,
    ) -> Result<ir::Function, Vec<Error>> {
        let mut ssa = Ssa::new(function.name);
        let block = ssa.block();
        ssa.begin(block);
        ssa.seal(block);
        let carry = ssa.variables(Type::Pred, 1);
        let mut this = Self {
            unit,
            function,
            ssa,
            scopes: Scopes::default(),
            block,
            carry,
            frame: Frame::default(),
            copies: async_copy::Copies::default(),
            references: HashMap::new(),
            region: None,
            select: None,
            constants: HashMap::new(),
            errors: Vec::new(),
        };
        let items = body::flatten(&mut this);
        if this.errors.is_empty() {
            this.load_register_parameters();
            this.items(&items);
            this.leave_region();
            async_copy::finish(&mut this);
            // Control that reaches the end of a body returns.
            this.return_from_function();
        }
        if !this.errors.is_empty() {
            return Err(this.errors);
        }
        let local_bytes = this.frame.finished_bytes();
        let mut lowered = this.ssa.finish();
        lowered.local_bytes = local_bytes;
        Ok(lowered)
    }

    /// Records an error at a place of the text.
    pub(super) fn error(&mut self, span: Span, kind: ErrorKind) {
        self.errors.push(Error {
            function: self.function.name.to_owned(),
            line: self.unit.lines.line(span.start),
            span,
            kind,
        });
    }

    fn items(&mut self, items: &[Item<'t, 'a>]) {
        let (mut file, mut line) = (0, 0);
        for item in items {
            match *item {
                Item::Location(new_file, new_line) => (file, line) = (new_file, new_line),
                Item::Label(block) => {
                    self.leave_region();
                    async_copy::finish(self);
                    self.ssa.terminate(self.block, jump(block));
                    self.start(block);
                    if self.references.get(&block).is_none_or(|&left| left == 0) {
                        self.ssa.seal(block);
                    }
                }
                Item::Instruction(ast, scope) => {
                    // What the compiler adds to a kernel has no place in its text.
                    let ptx_line = if texture::is_library(self.function) {
                        0
                    } else {
                        self.unit.lines.line(ast.span.start)
                    };
                    self.ssa.set_location(Location {
                        ptx_line,
                        file,
                        line,
                    });
                    let modifiers = Modifiers::new(&ast.modifiers);
                    let mut ins = Ins {
                        ast,
                        scope,
                        modifiers,
                    };
                    if let Err(kind) = self.instruction(&mut ins) {
                        self.select = None;
                        self.error(ast.span, kind);
                    }
                }
            }
        }
    }

    fn instruction(&mut self, ins: &mut Ins<'t, 'a>) -> Result<(), ErrorKind> {
        let Some(entry) = dispatch::find(ins.ast.opcode) else {
            return Err(ins.unsupported());
        };
        let stays = entry.guarding == dispatch::Guarding::Select
            || async_copy::may_wait_for(ins.ast.opcode);
        let Some(guard) = ins.ast.guard else {
            self.leave_region();
            if !stays {
                async_copy::finish(self);
            }
            return self.handle(entry, ins);
        };
        let variable = self.predicate_variable(ins, guard.predicate)?;
        let condition = self.ssa.read(self.block, variable);
        let in_region = self.region.as_ref().is_some_and(|region| {
            region.guard == variable
                && region.negated == guard.negated
                && region.condition == condition
        });
        if in_region {
            if !stays {
                async_copy::finish(self);
            }
            return self.handle(entry, ins);
        }
        self.leave_region();
        if entry.guarding == dispatch::Guarding::Branch {
            async_copy::finish(self);
        }
        if ins.ast.opcode == "bra" {
            let join = self.ssa.block();
            let target = control::branch_target(self, ins)?;
            self.branch(condition, guard.negated, target, join);
            self.refer(target);
            self.ssa.seal(join);
            self.start(join);
            return Ok(());
        }
        match entry.guarding {
            dispatch::Guarding::Select => {
                self.select = Some((condition, guard.negated));
                let result = self.handle(entry, ins);
                self.select = None;
                result
            }
            dispatch::Guarding::Branch => {
                let inside = self.ssa.block();
                let join = self.ssa.block();
                self.branch(condition, guard.negated, inside, join);
                self.ssa.seal(inside);
                self.start(inside);
                self.region = Some(Region {
                    guard: variable,
                    negated: guard.negated,
                    condition,
                    join,
                });
                self.handle(entry, ins)
            }
        }
    }

    fn handle(&mut self, entry: dispatch::Entry, ins: &mut Ins<'t, 'a>) -> Result<(), ErrorKind> {
        (entry.lower)(self, ins)?;
        if ins.modifiers.is_empty() {
            Ok(())
        } else {
            Err(ins.unsupported())
        }
    }

    /// Ends the run of instructions under one guard.
    fn leave_region(&mut self) {
        if let Some(region) = self.region.take() {
            async_copy::finish(self);
            self.ssa.terminate(self.block, jump(region.join));
            self.ssa.seal(region.join);
            self.start(region.join);
        }
    }

    /// Places a block; instructions go there from now on.
    pub(super) fn start(&mut self, block: Block) {
        self.ssa.begin(block);
        self.block = block;
    }

    /// Ends the current block for good. What follows is reached through labels only.
    pub(super) fn end(&mut self, terminator: Terminator) {
        self.ssa.terminate(self.block, terminator);
        let dead = self.ssa.block();
        self.ssa.seal(dead);
        self.start(dead);
    }

    /// Ends the current block with a branch.
    fn branch(&mut self, condition: Value, negated: bool, then: Block, otherwise: Block) {
        let (then, otherwise) = if negated {
            (otherwise, then)
        } else {
            (then, otherwise)
        };
        self.ssa.terminate(
            self.block,
            Terminator::Branch {
                condition,
                then: edge(then),
                otherwise: edge(otherwise),
            },
        );
    }

    /// Translates something to be executed where a condition is true.
    pub(super) fn when(
        &mut self,
        condition: Value,
        inside: impl FnOnce(&mut Self) -> Result<(), ErrorKind>,
    ) -> Result<(), ErrorKind> {
        let (then, join) = (self.ssa.block(), self.ssa.block());
        self.branch(condition, false, then, join);
        self.ssa.seal(then);
        self.start(then);
        let result = inside(self);
        self.ssa.terminate(self.block, jump(join));
        self.ssa.seal(join);
        self.start(join);
        result
    }

    /// Translates something to be executed again until the condition that it gives is true.
    pub(super) fn until(&mut self, inside: impl FnOnce(&mut Self) -> Value) {
        let (repeated, after) = (self.ssa.block(), self.ssa.block());
        self.ssa.terminate(self.block, jump(repeated));
        self.start(repeated);
        let done = inside(self);
        self.branch(done, false, after, repeated);
        self.ssa.seal(repeated);
        self.ssa.seal(after);
        self.start(after);
    }

    /// Counts a branch to a label before anything is translated.
    pub(super) fn count_reference(&mut self, scope: ScopeId, label: &str) {
        if let Some(Entity::Label(block)) = self.scopes.find(scope, label) {
            *self.references.entry(block).or_insert(0) += 1;
        }
    }

    /// Notes that an edge to a label's block has been made. After the last one the block is
    /// sealed, unless the text has not come to it: then the edge from above is still missing.
    pub(super) fn refer(&mut self, label: Block) {
        if let Some(left) = self.references.get_mut(&label) {
            *left = left.saturating_sub(1);
            if *left == 0 && self.ssa.is_placed(label) {
                self.ssa.seal(label);
            }
        }
    }

    fn predicate_variable(&self, ins: &Ins<'t, 'a>, name: &str) -> Result<Variable, ErrorKind> {
        match self.scopes.find(ins.scope, name) {
            Some(Entity::Register(Register {
                ty: ScalarType::Pred,
                elements: 1,
                first,
            })) => Ok(first),
            _ => Err(ErrorKind::Unknown {
                what: "predicate register",
                name: name.to_owned(),
            }),
        }
    }

    // Emission.

    /// Appends an instruction with one result.
    pub(super) fn emit(&mut self, op: Op, ty: Type) -> Value {
        self.ssa.value_of(self.block, op, ty)
    }

    /// Appends an instruction without a result.
    pub(super) fn effect(&mut self, op: Op) {
        self.ssa.inst(self.block, op, &[]);
    }

    /// Appends an instruction with two results.
    pub(super) fn emit_pair(&mut self, op: Op, types: [Type; 2]) -> (Value, Value) {
        let inst = self.ssa.inst(self.block, op, &types);
        let results = self.ssa.results(inst);
        (results[0], results[1])
    }

    /// Appends an instruction with any number of results.
    pub(super) fn emit_all(&mut self, op: Op, types: &[Type]) -> Vec<Value> {
        let inst = self.ssa.inst(self.block, op, types);
        self.ssa.results(inst).to_vec()
    }

    /// A constant; bits beyond the type are dropped.
    pub(super) fn constant(&mut self, ty: Type, bits: u64) -> Value {
        let bits = match ty {
            Type::Pred => bits & 1,
            Type::B16 => bits & 0xffff,
            Type::B32 => bits & 0xffff_ffff,
            Type::B64 => bits,
        };
        let value = self.emit(Op::Const(ty, bits), ty);
        self.constants.insert(value, bits);
        value
    }

    /// Bits of a value that is a constant.
    pub(super) fn constant_bits(&self, value: Value) -> Option<u64> {
        self.constants.get(&value).copied()
    }

    /// Type of a value.
    pub(super) fn ty(&self, value: Value) -> Type {
        self.ssa.ty(value)
    }

    /// The value with another width: its low bits, or zero- or sign-extended from `from` bits.
    pub(super) fn resize(&mut self, value: Value, from: u32, signed: bool, to: Type) -> Value {
        let have = self.ty(value);
        if to.bits() < from || (to.bits() == from && have != to) {
            return if have == to {
                value
            } else {
                self.emit(Op::Truncate(to, value), to)
            };
        }
        if to.bits() == from {
            return value;
        }
        let from = u8::try_from(from).unwrap_or(64);
        self.emit(
            Op::Extend {
                signed,
                from,
                to,
                value,
            },
            to,
        )
    }

    // Registers.

    /// Value of a register.
    pub(super) fn read_variable(&mut self, variable: Variable) -> Value {
        self.ssa.read(self.block, variable)
    }

    /// Writes a register, under the instruction's guard if it has one.
    pub(super) fn write_variable(&mut self, variable: Variable, value: Value) {
        let value = match self.select {
            None => value,
            Some((condition, negated)) => {
                let old = self.read_variable(variable);
                let (then, otherwise) = if negated { (old, value) } else { (value, old) };
                let ty = self.ssa.variable_type(variable);
                self.emit(Op::Select(condition, then, otherwise), ty)
            }
        };
        self.ssa.write(self.block, variable, value);
    }

    /// The scalar register an operand names, if it names one.
    pub(super) fn register(
        &self,
        ins: &Ins<'t, 'a>,
        operand: &Operand<'a>,
    ) -> Result<Option<Register>, ErrorKind> {
        let (name, element) = match operand {
            Operand::Name(name) => (name, None),
            Operand::Member(name, element) => (name, Some(*element)),
            _ => return Ok(None),
        };
        let Some(Entity::Register(register)) = self.scopes.find(ins.scope, name) else {
            return Ok(None);
        };
        match element {
            None if register.elements == 1 => Ok(Some(register)),
            Some(element) if element < register.elements => {
                let Variable(first) = register.first;
                Ok(Some(Register {
                    elements: 1,
                    first: Variable(first + u32::from(element)),
                    ..register
                }))
            }
            _ => Err(ins.wrong_operand(operand, "a scalar register or an element of a vector")),
        }
    }

    /// The operands that a vector operand, a vector register or a single operand stands for.
    pub(super) fn elements(&self, ins: &Ins<'t, 'a>, operand: &'t Operand<'a>) -> Vec<Operand<'a>> {
        match operand {
            Operand::Vector(elements) => elements.clone(),
            Operand::Name(name) => match self.scopes.find(ins.scope, name) {
                Some(Entity::Register(register)) if register.elements > 1 => (0..register.elements)
                    .map(|index| Operand::Member(name, index))
                    .collect(),
                _ => vec![operand.clone()],
            },
            _ => vec![operand.clone()],
        }
    }

    // Operands.

    /// Value of a source operand of the given type; a register must have the type's size.
    pub(super) fn read(
        &mut self,
        ins: &Ins<'t, 'a>,
        operand: &Operand<'a>,
        ty: ScalarType,
    ) -> Result<Value, ErrorKind> {
        let Some(ir_type) = types::ir(ty) else {
            return Err(ins.unsupported());
        };
        if let Some(register) = self.register(ins, operand)? {
            if types::bits(register.ty) != types::bits(ty) {
                let expected = format!("a register of {} bits", types::bits(ty));
                return Err(ins.wrong_operand(operand, &expected));
            }
            return Ok(self.read_variable(register.first));
        }
        match operand {
            Operand::Immediate(immediate) => {
                let Some(bits) = variables::scalar_bits(ty, *immediate) else {
                    return Err(ins.wrong_operand(operand, "a number of the instruction's type"));
                };
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "the type has 64 bits at most"
                )]
                let bits = match ty {
                    ScalarType::Pred => u64::from(bits != 0),
                    ScalarType::B8 | ScalarType::U8 | ScalarType::S8 => bits as u64 & 0xff,
                    _ => bits as u64,
                };
                Ok(self.constant(ir_type, bits))
            }
            Operand::Negated(inner) => {
                let value = self.read(ins, inner, ty)?;
                Ok(match types::float(ty) {
                    Some(format) => self.emit(
                        Op::FloatUnary(ir::FloatUnaryOp::Neg, format, ir::Rounding::Nearest, value),
                        ir_type,
                    ),
                    None => self.emit(Op::Unary(UnaryOp::Neg, value), ir_type),
                })
            }
            Operand::Not(inner) if ty == ScalarType::Pred => {
                let value = self.read(ins, inner, ty)?;
                Ok(self.emit(Op::Unary(UnaryOp::Not, value), Type::Pred))
            }
            Operand::Name("WARP_SZ") => Ok(self.constant(ir_type, 32)),
            Operand::Name(name) => {
                if let Some(value) = special::read(self, ins, name, ir_type)? {
                    return Ok(value);
                }
                self.address_of(ins, name, 0, ir_type)
            }
            Operand::NameOffset(name, offset) => {
                let Some(register) = self.register(ins, &Operand::Name(name))? else {
                    return self.address_of(ins, name, *offset, ir_type);
                };
                if types::float(ty).is_some() || types::packed_float(ty).is_some() {
                    return Err(ins.wrong_operand(operand, "a register or a constant"));
                }
                // `r + 1`: a register of the type's size or wider plus a constant.
                let value = self.read_wide(ins, &Operand::Name(name), ty)?;
                let sum = self.add_offset(value, *offset);
                Ok(self.resize(sum, types::bits(register.ty), false, ir_type))
            }
            Operand::Member(name, _) => Err(ErrorKind::Unknown {
                what: "vector register",
                name: (*name).to_owned(),
            }),
            Operand::Address(_)
            | Operand::Vector(_)
            | Operand::Pair(..)
            | Operand::Not(_)
            | Operand::List(_)
            | Operand::Selector(..)
            | Operand::Element(..)
            | Operand::TextureAddress { .. }
            | Operand::Discard => Err(ins.wrong_operand(operand, "a register or a constant")),
        }
    }

    /// Value of a source operand whose register may be wider than the type (`ld`, `st`, `cvt`).
    /// Only the low bits of the type count.
    pub(super) fn read_wide(
        &mut self,
        ins: &Ins<'t, 'a>,
        operand: &Operand<'a>,
        ty: ScalarType,
    ) -> Result<Value, ErrorKind> {
        match self.register(ins, operand)? {
            Some(register)
                if types::bits(register.ty) >= types::bits(ty)
                    && register.ty != ScalarType::Pred
                    && register.ty != ScalarType::B128 =>
            {
                Ok(self.read_variable(register.first))
            }
            Some(_) => {
                let expected = format!("a register of at least {} bits", types::bits(ty));
                Err(ins.wrong_operand(operand, &expected))
            }
            None => self.read(ins, operand, ty),
        }
    }

    /// Writes a destination operand of the given type; a register must have the type's size.
    pub(super) fn write(
        &mut self,
        ins: &Ins<'t, 'a>,
        operand: &Operand<'a>,
        ty: ScalarType,
        value: Value,
    ) -> Result<(), ErrorKind> {
        if matches!(operand, Operand::Discard | Operand::Name("_")) {
            return Ok(());
        }
        match self.register(ins, operand)? {
            Some(register) if types::bits(register.ty) == types::bits(ty) => {
                self.write_variable(register.first, value);
                Ok(())
            }
            Some(_) => {
                let expected = format!("a register of {} bits", types::bits(ty));
                Err(ins.wrong_operand(operand, &expected))
            }
            None => Err(self.not_a_register(ins, operand)),
        }
    }

    /// Writes a value of `ty` to a register that may be wider, extended as the type says.
    pub(super) fn write_wide(
        &mut self,
        ins: &Ins<'t, 'a>,
        operand: &Operand<'a>,
        ty: ScalarType,
        value: Value,
    ) -> Result<(), ErrorKind> {
        if matches!(operand, Operand::Discard | Operand::Name("_")) {
            return Ok(());
        }
        let Some(register) = self.register(ins, operand)? else {
            return Err(self.not_a_register(ins, operand));
        };
        let (have, want) = (types::bits(ty), types::bits(register.ty));
        let Some(target) = types::ir(register.ty)
            .filter(|&target| want >= have && (target == Type::Pred) == (ty == ScalarType::Pred))
        else {
            let expected = format!("a register of at least {have} bits");
            return Err(ins.wrong_operand(operand, &expected));
        };
        let value = if want == have {
            value
        } else {
            self.resize(value, have, types::is_signed(ty), target)
        };
        self.write_variable(register.first, value);
        Ok(())
    }

    /// The error for a destination that is no register.
    pub(super) fn not_a_register(&self, ins: &Ins<'t, 'a>, operand: &Operand<'a>) -> ErrorKind {
        match operand {
            Operand::Name(name) if self.scopes.find(ins.scope, name).is_none() => {
                ErrorKind::Unknown {
                    what: "register",
                    name: (*name).to_owned(),
                }
            }
            _ => ins.wrong_operand(operand, "a register"),
        }
    }

    // Addresses.

    /// Where a variable is, if the name is one.
    pub(super) fn memory_base(
        &mut self,
        scope: ScopeId,
        name: &str,
    ) -> Result<Option<(Space, MemoryBase)>, ErrorKind> {
        Ok(Some(match self.scopes.find(scope, name) {
            Some(Entity::Frame(offset)) => (Space::Local, MemoryBase::Frame(offset)),
            Some(Entity::Outgoing(offset)) => (Space::Local, MemoryBase::Outgoing(offset)),
            Some(Entity::KernelParam(offset)) => (Space::Param, MemoryBase::Offset(offset)),
            Some(Entity::Shared(offset)) => (Space::Shared, MemoryBase::Offset(offset)),
            Some(Entity::Symbol(symbol)) => (Space::Global, MemoryBase::Symbol(symbol)),
            Some(
                Entity::Register(_)
                | Entity::Label(_)
                | Entity::BranchTargets(_)
                | Entity::CallTargets(_)
                | Entity::Prototype(..),
            ) => return Ok(None),
            None => return self.unit.module_variable(name),
        }))
    }

    /// The address of a variable in its own space, and an offset that is still to be added.
    fn base_value(&mut self, base: MemoryBase) -> (Value, i64) {
        match base {
            MemoryBase::Offset(offset) => (self.constant(Type::B64, 0), i64::from(offset)),
            MemoryBase::Frame(offset) => (self.emit(Op::FrameAddress(offset), Type::B64), 0),
            MemoryBase::Outgoing(offset) => (self.emit(Op::OutgoingAddress(offset), Type::B64), 0),
            MemoryBase::Symbol(symbol) => (self.emit(Op::SymbolAddress(symbol), Type::B64), 0),
        }
    }

    fn address_of(
        &mut self,
        ins: &Ins<'t, 'a>,
        name: &str,
        offset: i64,
        ty: Type,
    ) -> Result<Value, ErrorKind> {
        if !matches!(ty, Type::B32 | Type::B64) {
            return Err(ErrorKind::Unknown {
                what: "register",
                name: name.to_owned(),
            });
        }
        let value = if let Some((_, base)) = self.memory_base(ins.scope, name)? {
            let (address, beyond) = self.base_value(base);
            self.add_offset(address, beyond.wrapping_add(offset))
        } else if let Some(function) = self.unit.addressable(name)? {
            self.emit(Op::FunctionAddress(function), Type::B64)
        } else if self.scopes.find(ins.scope, name).is_some() {
            let expected = "a register, a variable or a function";
            return Err(ins.wrong_operand(&Operand::Name(name), expected));
        } else {
            let what = if name.starts_with('%') {
                "register"
            } else {
                "register, variable or function"
            };
            let name = name.to_owned();
            return Err(ErrorKind::Unknown { what, name });
        };
        Ok(self.resize(value, 64, false, ty))
    }

    fn add_offset(&mut self, address: Value, offset: i64) -> Value {
        if offset == 0 {
            return address;
        }
        let ty = self.ty(address);
        let offset = self.constant(ty, offset.cast_unsigned());
        self.emit(Op::Binary(ir::BinaryOp::Add, address, offset), ty)
    }

    /// An address operand of an access to `space`. A variable of another space is given as
    /// its generic address when `space` is generic, and is an error otherwise.
    pub(super) fn memory_operand(
        &mut self,
        ins: &Ins<'t, 'a>,
        operand: &Operand<'a>,
        space: Space,
    ) -> Result<MemoryOperand, ErrorKind> {
        let &Operand::Address(ast::Address { base, offset }) = operand else {
            return Err(ins.wrong_operand(operand, "an address"));
        };
        let mut space = space;
        let mut offset = offset;
        let mut address = match base {
            None => self.constant(Type::B64, 0),
            Some(name) => match self.register(ins, &Operand::Name(name))? {
                Some(register) if matches!(types::bits(register.ty), 32 | 64) => {
                    if space == Space::Param && !self.function.is_entry {
                        space = Space::Local;
                    }
                    self.read_variable(register.first)
                }
                Some(_) => {
                    let register = Operand::Name(name);
                    return Err(ins.wrong_operand(&register, "an address of 32 or 64 bits"));
                }
                None => {
                    let Some((own, base)) = self.memory_base(ins.scope, name)? else {
                        let name = name.to_owned();
                        return Err(ErrorKind::Unknown {
                            what: "variable",
                            name,
                        });
                    };
                    let (address, beyond) = self.base_value(base);
                    offset = offset.wrapping_add(beyond);
                    if space == Space::Generic && !is_generic(own) {
                        let whole = self.add_offset(address, offset);
                        offset = 0;
                        self.emit(Op::ToGeneric(own, whole), Type::B64)
                    } else if same_space(space, own) {
                        space = if is_generic(own) { space } else { own };
                        address
                    } else {
                        let operand = Operand::Name(name);
                        return Err(ins.wrong_operand(&operand, "a variable of the space"));
                    }
                }
            },
        };
        if is_generic(space) && self.ty(address) == Type::B32 {
            address = self.resize(address, 32, false, Type::B64);
        }
        let offset = match i32::try_from(offset) {
            Ok(offset) => offset,
            Err(_) => {
                address = self.resize(address, self.ty(address).bits(), false, Type::B64);
                address = self.add_offset(address, offset);
                0
            }
        };
        Ok(MemoryOperand {
            space,
            address,
            offset,
        })
    }
}

/// Whether addresses of the space are generic addresses.
const fn is_generic(space: Space) -> bool {
    matches!(space, Space::Generic | Space::Global | Space::Const)
}

/// Whether an access written for one space may name a variable that lies in another:
/// parameters of device functions are in local memory, constants in global memory.
const fn same_space(written: Space, own: Space) -> bool {
    match written {
        Space::Generic | Space::Global | Space::Const => is_generic(own),
        Space::Shared => matches!(own, Space::Shared),
        Space::Local => matches!(own, Space::Local),
        Space::Param => matches!(own, Space::Local | Space::Param),
    }
}

/// An edge without arguments.
pub(super) const fn edge(block: Block) -> Edge {
    Edge {
        block,
        args: Vec::new(),
    }
}

/// A jump without arguments.
pub(super) const fn jump(block: Block) -> Terminator {
    Terminator::Jump(edge(block))
}
