//! Instruction selection: IR operations to machine code over virtual registers.
//!
//! # Where values live
//!
//! | value | home |
//! |---|---|
//! | uniform, used as an integer | `x` register, sign-extended from its width |
//! | uniform, used as a float | `f` register (both, if used as both) |
//! | uniform predicate | `x` register: 0 or 1 |
//! | divergent 16 or 32 bits | vector register |
//! | divergent 64 bits | pair of vector registers |
//! | divergent predicate | `x` register: lane mask, sign-extended from 32 bits |
//!
//! Pure operations are computed for all lanes, whether they execute or not; bits of a mask
//! for lanes that do not execute mean nothing. What has an effect is masked by the execution
//! mask, [`Selector::exec`].
//!
//! An operation on uniform values has a scalar form where the instruction set has a good one;
//! otherwise it is computed on vectors and lane 0 extracted.

mod atomic;
mod compare;
mod convert;
mod float;
mod forms;
mod integer;
mod matrix;
mod memory;
mod special;
mod warp;

use super::machine::{Kind, Label, Machine, Reg, RegClass};
use crate::analysis::divergence::Divergence;
use crate::ir::{FloatType, Function, FunctionId, Inst as IrInst, Op, Rows, Type, Value};
use forms::{r1, ri, vx};
use std::collections::BTreeMap;
use weft_isa::abi::Service;
use weft_isa::{Inst, Sew};

/// Selection cannot express an operation.
#[derive(Clone, Debug)]
pub(crate) struct Unsupported {
    pub(crate) feature: String,
    pub(crate) line: u32,
}

/// What selection needs to know of the unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnitFacts {
    /// How thread indices follow from lanes.
    pub(crate) rows: Rows,
    /// Every warp has all its lanes.
    pub(crate) full_warps: bool,
    /// Some device function has the PTX `exit`: calls return the lanes that live on.
    pub(crate) callees_exit: bool,
    /// The function is the kernel.
    pub(crate) is_kernel: bool,
}

/// Registers that hold a value.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Home {
    /// Uniform integer or predicate, or the mask of a divergent predicate.
    pub(crate) x: Option<Reg>,
    /// Uniform float.
    pub(crate) f: Option<Reg>,
    /// Divergent value.
    pub(crate) v: Option<Reg>,
}

/// Copies and constants that hold within a block only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Local {
    Constant(i64),
    FloatConstant(FloatWidth, u64),
    SplatConstant(u32, u64),
    Float(Value),
    Splat(Value),
    Mask(Value),
    Integer(Value),
    /// The sum of two registers.
    Sum(Reg, Reg),
    /// First member of a group of registers with copies of values.
    Group([Option<Value>; GROUP_VALUES_MAX]),
    /// That all lanes have been seen to execute the block.
    FullWarp,
}

/// Most values that an operand of a matrix instruction takes.
const GROUP_VALUES_MAX: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FloatWidth {
    H,
    S,
    D,
}

/// Selects the instructions of one function into a [`Machine`].
pub(crate) struct Selector<'a> {
    pub(crate) function: &'a Function,
    pub(crate) divergence: &'a Divergence,
    pub(crate) facts: UnitFacts,
    pub(crate) m: Machine,
    pub(crate) homes: Vec<Home>,
    /// Lanes that execute the current block.
    pub(crate) exec: Reg,
    /// Lanes that have not exited, where some may be elsewhere.
    pub(crate) live: Option<Reg>,
    /// Where to go on when no lane is left to execute the current block.
    pub(crate) elsewhere: Option<Label>,
    /// Generic address of the parameter block.
    pub(crate) param_base: Reg,
    /// Generic address of the symbol table.
    pub(crate) symbol_table: Reg,
    /// Thread index along each axis, for those that the function reads.
    pub(crate) thread_id: [Option<Reg>; 3],
    /// That of lane 0 of the warp, likewise.
    pub(crate) first_thread_id: [Option<Reg>; 3],
    definitions: Vec<Option<IrInst>>,
    uses: Vec<u32>,
    /// Uses as the address of a load or store.
    address_uses: Vec<u32>,
    needs_float: Vec<bool>,
    needs_integer: Vec<bool>,
    local: BTreeMap<Local, Reg>,
}

/// Result of selecting one operation.
pub(crate) type Selected = Result<(), Unsupported>;

impl<'a> Selector<'a> {
    pub(crate) fn new(
        function: &'a Function,
        divergence: &'a Divergence,
        facts: UnitFacts,
    ) -> Self {
        let mut m = Machine::default();
        let [exec, param_base, symbol_table] = std::array::from_fn(|_| m.reg(RegClass::X));
        let count = function.value_types.len();
        let mut this = Self {
            function,
            divergence,
            facts,
            m,
            homes: vec![Home::default(); count],
            exec,
            live: None,
            elsewhere: None,
            param_base,
            symbol_table,
            thread_id: [None; 3],
            first_thread_id: [None; 3],
            definitions: vec![None; count],
            uses: vec![0; count],
            address_uses: vec![0; count],
            needs_float: vec![false; count],
            needs_integer: vec![false; count],
            local: BTreeMap::new(),
        };
        this.scan_uses();
        this
    }

    fn scan_uses(&mut self) {
        let function = self.function;
        for block in &function.blocks {
            for &inst in &block.insts {
                let data = function.inst(inst);
                for &result in &data.results {
                    self.definitions[result.index()] = Some(inst);
                }
                let float = reads_floats(&data.op);
                if let Op::Load { address, .. } | Op::Store { address, .. } = data.op {
                    self.address_uses[address.index()] += 1;
                }
                data.op.for_each_operand(|operand| {
                    self.uses[operand.index()] += 1;
                    let needs = if float {
                        &mut self.needs_float
                    } else {
                        &mut self.needs_integer
                    };
                    needs[operand.index()] = true;
                });
            }
            if let Some(condition) = block.terminator.operand() {
                self.uses[condition.index()] += 1;
                self.needs_integer[condition.index()] = true;
            }
            for edge in block.terminator.edges() {
                for arg in &edge.args {
                    self.uses[arg.index()] += 1;
                }
            }
        }
        // A value handed to a float parameter had better be a float, and the other way round.
        for _ in 0..2 {
            for block in &function.blocks {
                for edge in block.terminator.edges() {
                    for (arg, param) in edge.args.iter().zip(&function.block(edge.block).params) {
                        if self.wants_float_home(*param) {
                            self.needs_float[arg.index()] = true;
                        }
                    }
                }
            }
        }
    }

    /// Whether a uniform value is best kept in an `f` register only.
    pub(crate) fn wants_float_home(&self, value: Value) -> bool {
        self.needs_float[value.index()] && !self.needs_integer[value.index()]
    }

    /// Forgets what holds only within a block.
    pub(crate) fn begin_block(&mut self) {
        self.local.clear();
    }

    /// What holds in the block so far, to come back to with [`Self::restore_local`].
    pub(crate) fn keep_local(&self) -> BTreeMap<Local, Reg> {
        self.local.clone()
    }

    pub(crate) fn restore_local(&mut self, kept: BTreeMap<Local, Reg>) {
        self.local = kept;
    }

    /// Registers for a block parameter, written by the edges.
    pub(crate) fn param_home(&mut self, param: Value) {
        let class = self.home_class(param);
        let reg = Some(self.m.reg(class));
        let home = &mut self.homes[param.index()];
        match class {
            RegClass::X => home.x = reg,
            RegClass::F => home.f = reg,
            RegClass::V | RegClass::V2 => home.v = reg,
        }
    }

    /// Class of the register that a value has when it has one only.
    fn home_class(&self, value: Value) -> RegClass {
        let ty = self.function.ty(value);
        if ty == Type::Pred {
            RegClass::X
        } else if self.is_divergent(value) {
            vector_class(ty)
        } else if self.wants_float_home(value) {
            RegClass::F
        } else {
            RegClass::X
        }
    }

    pub(crate) fn is_divergent(&self, value: Value) -> bool {
        self.divergence.is_divergent(value)
    }

    pub(crate) fn ty(&self, value: Value) -> Type {
        self.function.ty(value)
    }

    /// The operation that defines a value, unless it is a parameter.
    pub(crate) fn definition(&self, value: Value) -> Option<&'a Op> {
        let inst = self.definitions[value.index()]?;
        Some(&self.function.inst(inst).op)
    }

    /// The bits of a constant.
    pub(crate) fn constant(&self, value: Value) -> Option<u64> {
        match self.definition(value)? {
            Op::Const(_, bits) => Some(*bits),
            Op::Undef(_) => Some(0),
            _ => None,
        }
    }

    /// A constant sign-extended from its width.
    pub(crate) fn signed_constant(&self, value: Value) -> Option<i64> {
        self.constant(value)
            .map(|bits| sign_extend(bits, self.ty(value).bits()))
    }

    /// A constant that fits the immediate of a vector instruction.
    pub(crate) fn small_constant(&self, value: Value) -> Option<i32> {
        let constant = self.signed_constant(value)?;
        (-16..16)
            .contains(&constant)
            .then(|| i32::try_from(constant).expect("five bits fit"))
    }

    /// A constant that fits a 12-bit immediate.
    pub(crate) fn immediate(&self, value: Value) -> Option<i32> {
        self.signed_constant(value).and_then(immediate)
    }

    // Operands.

    /// An integer constant in an `x` register.
    pub(crate) fn constant_x(&mut self, value: i64) -> Reg {
        if value == 0 {
            return Reg::ZERO;
        }
        self.cached(Local::Constant(value), |this| {
            let reg = this.m.reg(RegClass::X);
            this.m.pseudo(Kind::Constant(value), &[reg]);
            reg
        })
    }

    fn cached(&mut self, key: Local, make: impl FnOnce(&mut Self) -> Reg) -> Reg {
        if let Some(&reg) = self.local.get(&key) {
            return reg;
        }
        let reg = make(self);
        self.local.insert(key, reg);
        reg
    }

    /// Whether a fact has not been noted in the block before; it is from now on.
    fn is_first(&mut self, fact: Local) -> bool {
        self.local.insert(fact, Reg::ZERO).is_none()
    }

    /// A uniform value in an `x` register; for a divergent predicate, its mask.
    pub(crate) fn x(&mut self, value: Value) -> Reg {
        if let Some(constant) = self.signed_constant(value) {
            // Predicates are 0 or 1, not sign-extended.
            let constant = if self.ty(value) == Type::Pred {
                constant & 1
            } else {
                constant
            };
            return self.constant_x(constant);
        }
        let home = self.homes[value.index()];
        if let Some(reg) = home.x {
            return reg;
        }
        let f = home.f.expect("a uniform value has a scalar home");
        let ty = self.ty(value);
        self.cached(Local::Integer(value), |this| this.move_to_x(f, ty))
    }

    /// A uniform float in an `f` register.
    pub(crate) fn f(&mut self, value: Value) -> Reg {
        let ty = self.ty(value);
        if let Some(bits) = self.constant(value) {
            return self.constant_f(ty, bits);
        }
        let home = self.homes[value.index()];
        if let Some(reg) = home.f {
            return reg;
        }
        let x = home.x.expect("a uniform value has a scalar home");
        self.cached(Local::Float(value), |this| this.move_to_f(x, ty))
    }

    /// A float constant, given by its bits, in an `f` register.
    pub(crate) fn constant_f(&mut self, ty: Type, bits: u64) -> Reg {
        let width = match ty {
            Type::B64 => FloatWidth::D,
            Type::B32 => FloatWidth::S,
            Type::B16 | Type::Pred => FloatWidth::H,
        };
        self.cached(Local::FloatConstant(width, bits), |this| {
            let x = this.constant_x(sign_extend(bits, ty.bits()));
            this.move_to_f(x, ty)
        })
    }

    fn move_to_f(&mut self, x: Reg, ty: Type) -> Reg {
        let reg = self.m.reg(RegClass::F);
        let (rd, rs1) = (self.m.f(reg), self.m.x(x));
        self.m.scalar(match ty {
            Type::B64 => Inst::FmvDX { rd, rs1 },
            Type::B32 => Inst::FmvWX { rd, rs1 },
            Type::B16 | Type::Pred => Inst::FmvHX { rd, rs1 },
        });
        reg
    }

    fn move_to_x(&mut self, f: Reg, ty: Type) -> Reg {
        let reg = self.m.reg(RegClass::X);
        let (rd, rs1) = (self.m.x(reg), self.m.f(f));
        self.m.scalar(match ty {
            Type::B64 => Inst::FmvXD { rd, rs1 },
            Type::B32 => Inst::FmvXW { rd, rs1 },
            Type::B16 | Type::Pred => Inst::FmvXH { rd, rs1 },
        });
        reg
    }

    /// A value of 16, 32 or 64 bits in vector registers.
    pub(crate) fn v(&mut self, value: Value) -> Reg {
        let home = self.homes[value.index()];
        if let Some(reg) = home.v {
            return reg;
        }
        let ty = self.ty(value);
        if let Some(bits) = self.constant(value) {
            return self.constant_v(ty, bits);
        }
        if let Some(&Op::Affine { base, stride, wrap }) = self.definition(value) {
            return self.cached(Local::Splat(value), |this| {
                this.affine_value(ty, base, stride, wrap)
            });
        }
        self.cached(Local::Splat(value), |this| match (home.x, home.f) {
            (None, Some(f)) => {
                let reg = this.m.reg(vector_class(ty));
                let (vd, rs1) = (this.m.v(reg), this.m.f(f));
                this.m.vector(sew(ty), Inst::VfmvVF { vd, rs1 });
                reg
            }
            _ => {
                let x = this.x(value);
                this.splat(ty, x)
            }
        })
    }

    /// A constant in every lane.
    pub(crate) fn constant_v(&mut self, ty: Type, bits: u64) -> Reg {
        self.cached(Local::SplatConstant(ty.bits(), bits), |this| {
            let constant = sign_extend(bits, ty.bits());
            if let Ok(imm) = i32::try_from(constant)
                && (-16..16).contains(&imm)
            {
                let reg = this.m.reg(vector_class(ty));
                let vd = this.m.v(reg);
                this.m.vector(sew(ty), Inst::VmvVI { vd, imm });
                return reg;
            }
            let x = this.constant_x(constant);
            this.splat(ty, x)
        })
    }

    /// An `x` register in every lane.
    pub(crate) fn splat(&mut self, ty: Type, x: Reg) -> Reg {
        let reg = self.m.reg(vector_class(ty));
        let (vd, rs1) = (self.m.v(reg), self.m.x(x));
        self.m.vector(sew(ty), Inst::VmvVX { vd, rs1 });
        reg
    }

    /// A predicate as a lane mask.
    pub(crate) fn mask(&mut self, value: Value) -> Reg {
        if self.is_divergent(value) {
            return self.x(value);
        }
        if let Some(bits) = self.constant(value) {
            return self.constant_x(if bits & 1 == 0 { 0 } else { -1 });
        }
        self.cached(Local::Mask(value), |this| {
            let bit = this.x(value);
            this.op2(Reg::ZERO, bit, forms::r!(Sub))
        })
    }

    // Results.

    /// Gives a value its `x` register (uniform values and predicates).
    pub(crate) fn set_x(&mut self, value: Value, reg: Reg) {
        if !self.is_divergent(value)
            && self.ty(value) != Type::Pred
            && self.needs_float[value.index()]
        {
            let f = self.move_to_f(reg, self.ty(value));
            self.homes[value.index()].f = Some(f);
        }
        self.homes[value.index()].x = Some(reg);
    }

    /// Gives a uniform value its `f` register.
    pub(crate) fn set_f(&mut self, value: Value, reg: Reg) {
        if !self.wants_float_home(value) {
            let x = self.move_to_x(reg, self.ty(value));
            self.homes[value.index()].x = Some(x);
        }
        self.homes[value.index()].f = Some(reg);
    }

    /// Gives a value the result of a vector computation; a uniform one takes lane 0 of it.
    pub(crate) fn set_v(&mut self, value: Value, reg: Reg) {
        if self.is_divergent(value) {
            self.homes[value.index()].v = Some(reg);
            return;
        }
        let ty = self.ty(value);
        if self.wants_float_home(value) {
            let f = self.m.reg(RegClass::F);
            let (rd, vs2) = (self.m.f(f), self.m.v(reg));
            self.m.vector(sew(ty), Inst::VfmvFS { rd, vs2 });
            self.homes[value.index()].f = Some(f);
        } else {
            let x = self.extract(ty, reg);
            self.set_x(value, x);
        }
    }

    /// Lane 0, sign-extended.
    pub(crate) fn extract(&mut self, ty: Type, reg: Reg) -> Reg {
        let x = self.m.reg(RegClass::X);
        let (rd, vs2) = (self.m.x(x), self.m.v(reg));
        self.m.vector(sew(ty), Inst::VmvXS { rd, vs2 });
        x
    }

    /// Gives a predicate the lane mask that a computation left in `v0`.
    pub(crate) fn set_mask_v0(&mut self, value: Value) {
        let mask = self.take_v0();
        self.set_mask(value, mask);
    }

    /// The lane mask in `v0` as an `x` register.
    pub(crate) fn take_v0(&mut self) -> Reg {
        let reg = self.m.reg(RegClass::X);
        let (rd, vs2) = (self.m.x(reg), self.m.v(Reg::V0));
        self.m.vector(Sew::E32, Inst::VmvXS { rd, vs2 });
        reg
    }

    /// Gives a predicate a lane mask; a uniform one takes lane 0 of it.
    pub(crate) fn set_mask(&mut self, value: Value, mask: Reg) {
        let reg = if self.is_divergent(value) {
            mask
        } else {
            self.op_imm(mask, 1, ri!(Andi))
        };
        self.homes[value.index()].x = Some(reg);
    }

    /// The mask for operations with an effect; none if all lanes execute.
    pub(crate) fn effect_mask(&self) -> Option<Reg> {
        (!self.facts.full_warps).then_some(self.exec)
    }

    /// Selects one instruction.
    pub(crate) fn inst(&mut self, inst: IrInst) -> Selected {
        let function = self.function;
        let data = function.inst(inst);
        self.m.location = data.location;
        let results = &data.results[..];
        let divergent = results.iter().any(|&result| self.is_divergent(result));
        match (&data.op, results) {
            (Op::Undef(_) | Op::Const(..), &[value]) => {
                // Made where it is used, except a divergent one, which has a home.
                if self.is_divergent(value) {
                    let bits = self.constant(value).unwrap_or(0);
                    let reg = self.constant_v(self.ty(value), bits);
                    self.homes[value.index()].v = Some(reg);
                }
                Ok(())
            }
            (&Op::Binary(op, a, b), &[to]) => self.binary(op, a, b, to, divergent),
            (&Op::Shift(op, a, by), &[to]) => self.shift(op, a, by, to, divergent),
            (&Op::Unary(op, a), &[to]) => self.unary(op, a, to, divergent),
            (&Op::MulWide { signed, a, b }, &[to]) => self.mul_wide(signed, a, b, to, divergent),
            (&Op::AddCarry(a, b, carry), &[sum, out]) => {
                self.add_carry(a, b, carry, sum, out, divergent)
            }
            (&Op::SubBorrow(a, b, borrow), &[difference, out]) => {
                self.sub_borrow(a, b, borrow, difference, out, divergent)
            }
            (&Op::CompareInt(op, a, b), &[to]) => self.compare_int(op, a, b, to, divergent),
            (&Op::CompareFloat(ty, op, a, b), &[to]) => {
                self.compare_float(ty, op, a, b, to, divergent)
            }
            (&Op::Select(condition, a, b), &[to]) => self.select(condition, a, b, to, divergent),
            (&Op::Truncate(ty, a), &[to]) => self.truncate(ty, a, to, divergent),
            (
                &Op::Extend {
                    signed,
                    from,
                    to: ty,
                    value,
                },
                &[to],
            ) => self.extend(signed, from, ty, value, to, divergent),
            (&Op::Pack(low, high), &[to]) => self.pack(low, high, to, divergent),
            (&Op::FloatBinary(op, ty, rounding, a, b), &[to]) => {
                self.float_binary(op, ty, rounding, [a, b], to, divergent)
            }
            (&Op::FusedMultiplyAdd(ty, rounding, a, b, c), &[to]) => {
                self.fused_multiply_add(ty, rounding, [a, b, c], to, divergent)
            }
            (&Op::FloatUnary(op, ty, rounding, a), &[to]) => {
                self.float_unary(op, ty, rounding, a, to, divergent)
            }
            (&Op::Approx(op, a), &[to]) => self.approx(op, a, to),
            (
                &Op::FloatToInt {
                    from,
                    signed,
                    bits,
                    rounding,
                    value,
                },
                &[to],
            ) => self.float_to_int(from, signed, bits, rounding, value, to),
            (
                &Op::IntToFloat {
                    to: ty,
                    signed,
                    rounding,
                    value,
                },
                &[to],
            ) => self.int_to_float(ty, signed, rounding, value, to),
            (
                &Op::FloatToFloat {
                    from,
                    to: ty,
                    rounding,
                    value,
                },
                &[to],
            ) => self.float_to_float(from, ty, rounding, value, to),
            (&Op::ReadSpecial(special), &[to]) => self.read_special(special, to),
            (&Op::Affine { base, stride, wrap }, &[to]) => {
                if !divergent {
                    let reg = self.x(base);
                    self.set_x(to, reg);
                } else if self.uses[to.index()] > self.address_uses[to.index()] {
                    let reg = self.affine_value(self.ty(to), base, stride, wrap);
                    self.homes[to.index()].v = Some(reg);
                }
                // Otherwise it is made where it is needed, which mostly is nowhere.
                Ok(())
            }
            (&Op::SymbolAddress(symbol), &[to]) => self.symbol_address(symbol, to),
            (&Op::FunctionAddress(id), &[to]) => {
                let reg = self.m.reg(RegClass::X);
                self.m.pseudo(Kind::FunctionAddress(id), &[reg]);
                self.set_x(to, reg);
                Ok(())
            }
            (&Op::FrameAddress(offset), &[to]) => self.frame_address(u64::from(offset), to),
            (&Op::OutgoingAddress(offset), &[to]) => {
                let frame = u64::from(self.function.local_bytes);
                self.frame_address(frame + u64::from(offset), to)
            }
            (&Op::ToGeneric(space, a), &[to]) => self.generic_of(space, a, to),
            (&Op::FromGeneric(space, a), &[to]) => self.offset_in(space, a, to),
            (&Op::IsSpace(space, a), &[to]) => self.is_space(space, a, to, divergent),
            (
                &Op::Load {
                    space,
                    width,
                    signed,
                    ty,
                    address,
                    offset,
                    ..
                },
                &[to],
            ) => self.load(space, (width, signed, ty), address, offset, to),
            (
                &Op::Store {
                    space,
                    width,
                    address,
                    offset,
                    value,
                    ..
                },
                [],
            ) => self.store(space, width, address, offset, value),
            (
                &Op::Atomic {
                    op,
                    space,
                    width,
                    address,
                    offset,
                    operand,
                    compare,
                },
                &[to],
            ) => self.atomic(op, (space, address, offset), width, operand, compare, to),
            (Op::Fence, []) => {
                self.m.scalar(Inst::Fence { pred: 3, succ: 3 });
                Ok(())
            }
            (
                &Op::Shuffle {
                    mode, value, b, c, ..
                },
                &[to, in_range],
            ) => self.shuffle(mode, value, b, c, to, in_range),
            (&Op::Vote(mode, pred, members), &[to]) => self.vote(mode, pred, members, to),
            (
                &Op::Match {
                    all,
                    value,
                    members,
                },
                &[mask, equal],
            ) => self.match_values(all, value, members, mask, equal),
            (&Op::Reduce(op, value, members), &[to]) => self.reduce(op, value, members, to),
            (Op::ActiveMask, &[to]) => {
                let mask = self.exec;
                let reg = self.copy_x(mask);
                self.set_x(to, reg);
                Ok(())
            }
            // Lanes that reach it do so together.
            (Op::WarpBarrier(_), []) => Ok(()),
            (Op::FullWarp, []) => {
                self.check_full_warp();
                Ok(())
            }
            (Op::MultiplyMatrices(form, fragments), results) => {
                self.multiply_matrices(*form, fragments, results)
            }
            (
                &Op::Barrier {
                    kind,
                    id,
                    threads,
                    pred,
                },
                results,
            ) => self.barrier(kind, id, threads, pred, results.first().copied()),
            (&Op::Call(id), []) => self.call(id),
            (&Op::CallIndirect(target), []) => self.call_indirect(target),
            (&Op::CallEnvironment(service), []) => self.call_environment(service),
            (op, _) => self.unsupported(format!(
                "IR operation {op:?} with {} results",
                results.len()
            )),
        }
    }

    pub(crate) fn unsupported<T>(&self, feature: String) -> Result<T, Unsupported> {
        Err(Unsupported {
            feature,
            line: self.m.location.ptx_line,
        })
    }

    fn call(&mut self, id: FunctionId) -> Selected {
        self.enter_callee(self.exec);
        self.m.pseudo(Kind::Call(id), &[]);
        self.leave_callee(self.exec);
        self.skip_if_empty();
        Ok(())
    }

    fn call_environment(&mut self, service: Service) -> Selected {
        let number = self.constant_x(service as i64);
        self.enter_callee(self.exec);
        self.m.pseudo(Kind::Copy, &[Reg::A0, number]);
        self.m.pseudo(Kind::CallEnvironment, &[]);
        self.local.clear();
        self.adjust_frame(-i64::from(self.function.local_bytes));
        Ok(())
    }

    /// Sets up the registers of a call by the lanes of `mask`.
    fn enter_callee(&mut self, mask: Reg) {
        self.adjust_frame(i64::from(self.function.local_bytes));
        for (to, from) in [
            (Reg::A0, self.param_base),
            (Reg::A1, self.symbol_table),
            (Reg::A2, mask),
        ] {
            self.m.pseudo(Kind::Copy, &[to, from]);
        }
    }

    /// After a call by the lanes of `group`, some or all of those that execute.
    fn leave_callee(&mut self, group: Reg) {
        self.local.clear();
        if !self.facts.callees_exit {
            self.adjust_frame(-i64::from(self.function.local_bytes));
            return;
        }
        let alive = self.copy_x(Reg::A0);
        self.adjust_frame(-i64::from(self.function.local_bytes));
        let ended = self.op2(group, alive, forms::r!(Andn));
        for reg in [Some(self.exec), self.live].into_iter().flatten() {
            let (rd, rs1, rs2) = (self.m.x(reg), self.m.x(reg), self.m.x(ended));
            self.m.scalar(Inst::Andn { rd, rs1, rs2 });
        }
    }

    /// Leaves the block if a call ended all lanes that execute it.
    fn skip_if_empty(&mut self) {
        if let (true, Some(elsewhere)) = (self.facts.callees_exit, self.elsewhere) {
            let (rs1, rs2) = (self.m.x(self.exec), self.m.x(Reg::ZERO));
            self.m.branch(
                Inst::Beq {
                    rs1,
                    rs2,
                    offset: 0,
                },
                elsewhere,
            );
        }
    }

    fn adjust_frame(&mut self, bytes: i64) {
        if bytes == 0 {
            return;
        }
        if let Some(imm) = immediate(bytes) {
            let (rd, rs1) = (self.m.x(Reg::TP), self.m.x(Reg::TP));
            self.m.scalar(Inst::Addi { rd, rs1, imm });
        } else {
            let amount = self.constant_x(bytes);
            let (rd, rs1, rs2) = (self.m.x(Reg::TP), self.m.x(Reg::TP), self.m.x(amount));
            self.m.scalar(Inst::Add { rd, rs1, rs2 });
        }
    }

    pub(crate) fn copy_x(&mut self, from: Reg) -> Reg {
        let reg = self.m.reg(RegClass::X);
        self.m.pseudo(Kind::Copy, &[reg, from]);
        reg
    }

    /// A vector sum with a small or large constant.
    pub(crate) fn add_constant_v(&mut self, ty: Type, a: Reg, constant: i64) -> Reg {
        if constant == 0 {
            return a;
        }
        if let Ok(imm) = i32::try_from(constant)
            && (-16..16).contains(&imm)
        {
            return self.vector_imm(ty, a, imm, forms::vi!(VaddVi));
        }
        let x = self.constant_x(constant);
        self.vector_x(ty, a, x, vx!(VaddVx))
    }

    /// Zero-extends the low 32 bits of an `x` register.
    pub(crate) fn zero_extend_word(&mut self, a: Reg) -> Reg {
        self.op2(a, Reg::ZERO, forms::r!(AddUw))
    }

    /// Makes an `x` register canonical for a type: sign-extended from its width.
    pub(crate) fn canonical(&mut self, ty: Type, a: Reg) -> Reg {
        match ty {
            Type::B16 => self.op1(a, r1!(SextH)),
            Type::B32 => self.op_imm(a, 0, ri!(Addiw)),
            Type::B64 | Type::Pred => a,
        }
    }
}

/// The vector registers that a divergent value of the type takes.
pub(crate) const fn vector_class(ty: Type) -> RegClass {
    match ty {
        Type::B64 => RegClass::V2,
        Type::Pred | Type::B16 | Type::B32 => RegClass::V,
    }
}

/// The element width of a type.
pub(crate) const fn sew(ty: Type) -> Sew {
    match ty {
        Type::B16 => Sew::E16,
        Type::Pred | Type::B32 => Sew::E32,
        Type::B64 => Sew::E64,
    }
}

/// The low `bits` of a value, sign-extended.
pub(crate) const fn sign_extend(value: u64, bits: u32) -> i64 {
    (value << (64 - bits)).cast_signed() >> (64 - bits)
}

/// A constant that fits a 12-bit immediate.
pub(crate) fn immediate(constant: i64) -> Option<i32> {
    let imm = i32::try_from(constant).ok()?;
    (-2048..2048).contains(&imm).then_some(imm)
}

/// Whether the operands are floats of a format that `f` registers compute with.
fn reads_floats(op: &Op) -> bool {
    match *op {
        Op::FloatBinary(_, ty, ..)
        | Op::FusedMultiplyAdd(ty, ..)
        | Op::FloatUnary(_, ty, ..)
        | Op::CompareFloat(ty, ..)
        | Op::FloatToInt { from: ty, .. }
        | Op::FloatToFloat { from: ty, .. } => ty != FloatType::Bf16,
        Op::Approx(..) => true,
        _ => false,
    }
}
