//! Host code of integer instructions on `x` registers, and of the conditions of branches.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use weft_isa::Inst;

use super::emit::Emitter;
use super::instruction;
use crate::exec::Op;

impl Emitter<'_> {
    /// The result of an integer instruction that is host code.
    pub(super) fn integer(&mut self, inst: Inst, op: &Op) -> Option<Value> {
        let (a, b) = (op.rs1, op.rs2);
        macro_rules! host {
            ($method:ident($($value:expr),*)) => {{
                let arguments = ($($value,)*);
                host!(@call $method arguments)
            }};
            (@call $method:ident $arguments:ident) => {{
                let (first, second) = $arguments;
                self.b.ins().$method(first, second)
            }};
        }
        let immediate = op.imm.cast_unsigned();
        Some(match inst {
            Inst::Lui { .. } | Inst::Auipc { .. } => self.constant(immediate),
            Inst::Jal { .. } => self.constant(op.next_pc()),
            Inst::Add { .. } => host!(iadd(self.x(a), self.x(b))),
            Inst::Addi { .. } => host!(iadd(self.x(a), self.constant(immediate))),
            Inst::Sub { .. } => host!(isub(self.x(a), self.x(b))),
            Inst::And { .. } => host!(band(self.x(a), self.x(b))),
            Inst::Andi { .. } => host!(band(self.x(a), self.constant(immediate))),
            Inst::Or { .. } => host!(bor(self.x(a), self.x(b))),
            Inst::Ori { .. } => host!(bor(self.x(a), self.constant(immediate))),
            Inst::Xor { .. } => host!(bxor(self.x(a), self.x(b))),
            Inst::Xori { .. } => host!(bxor(self.x(a), self.constant(immediate))),
            // Shifts of the host's code generator take the amount modulo the width too.
            Inst::Sll { .. } => host!(ishl(self.x(a), self.x(b))),
            Inst::Slli { .. } => host!(ishl(self.x(a), self.constant(immediate & 63))),
            Inst::Srl { .. } => host!(ushr(self.x(a), self.x(b))),
            Inst::Srli { .. } => host!(ushr(self.x(a), self.constant(immediate & 63))),
            Inst::Sra { .. } => host!(sshr(self.x(a), self.x(b))),
            Inst::Srai { .. } => host!(sshr(self.x(a), self.constant(immediate & 63))),
            Inst::Mul { .. } => host!(imul(self.x(a), self.x(b))),
            Inst::Mulh { .. } => host!(smulhi(self.x(a), self.x(b))),
            Inst::Mulhu { .. } => host!(umulhi(self.x(a), self.x(b))),
            Inst::Slt { .. } => {
                let (a, b) = (self.x(a), self.x(b));
                self.flag(IntCC::SignedLessThan, a, b)
            }
            Inst::Slti { .. } => {
                let (a, b) = (self.x(a), self.constant(immediate));
                self.flag(IntCC::SignedLessThan, a, b)
            }
            Inst::Sltu { .. } => {
                let (a, b) = (self.x(a), self.x(b));
                self.flag(IntCC::UnsignedLessThan, a, b)
            }
            Inst::Sltiu { .. } => {
                let (a, b) = (self.x(a), self.constant(immediate));
                self.flag(IntCC::UnsignedLessThan, a, b)
            }
            Inst::Addw { .. } => {
                self.word(op, Word::Registers, |this, a, b| this.b.ins().iadd(a, b))
            }
            Inst::Addiw { .. } => {
                self.word(op, Word::Immediate, |this, a, b| this.b.ins().iadd(a, b))
            }
            Inst::Subw { .. } => {
                self.word(op, Word::Registers, |this, a, b| this.b.ins().isub(a, b))
            }
            Inst::Mulw { .. } => {
                self.word(op, Word::Registers, |this, a, b| this.b.ins().imul(a, b))
            }
            Inst::Sllw { .. } => {
                self.word(op, Word::Registers, |this, a, b| this.b.ins().ishl(a, b))
            }
            Inst::Slliw { .. } => {
                self.word(op, Word::Immediate, |this, a, b| this.b.ins().ishl(a, b))
            }
            Inst::Srlw { .. } => {
                self.word(op, Word::Registers, |this, a, b| this.b.ins().ushr(a, b))
            }
            Inst::Srliw { .. } => {
                self.word(op, Word::Immediate, |this, a, b| this.b.ins().ushr(a, b))
            }
            Inst::Sraw { .. } => {
                self.word(op, Word::Registers, |this, a, b| this.b.ins().sshr(a, b))
            }
            Inst::Sraiw { .. } => {
                self.word(op, Word::Immediate, |this, a, b| this.b.ins().sshr(a, b))
            }
            Inst::Sh1add { .. } => self.shifted_sum(op, 1, false),
            Inst::Sh2add { .. } => self.shifted_sum(op, 2, false),
            Inst::Sh3add { .. } => self.shifted_sum(op, 3, false),
            Inst::AddUw { .. } => self.shifted_sum(op, 0, true),
            Inst::Sh1addUw { .. } => self.shifted_sum(op, 1, true),
            Inst::Sh2addUw { .. } => self.shifted_sum(op, 2, true),
            Inst::Sh3addUw { .. } => self.shifted_sum(op, 3, true),
            Inst::SlliUw { .. } => {
                let low = self.low_word(op.rs1);
                let amount = self.constant(immediate & 63);
                self.b.ins().ishl(low, amount)
            }
            Inst::Rol { .. } => host!(rotl(self.x(a), self.x(b))),
            Inst::Ror { .. } => host!(rotr(self.x(a), self.x(b))),
            Inst::Rori { .. } => host!(rotr(self.x(a), self.constant(immediate & 63))),
            Inst::Rolw { .. } => {
                self.word(op, Word::Registers, |this, a, b| this.b.ins().rotl(a, b))
            }
            Inst::Rorw { .. } => {
                self.word(op, Word::Registers, |this, a, b| this.b.ins().rotr(a, b))
            }
            Inst::Roriw { .. } => {
                self.word(op, Word::Immediate, |this, a, b| this.b.ins().rotr(a, b))
            }
            Inst::SextB { .. } => self.part(op.rs1, types::I8, true),
            Inst::SextH { .. } => self.part(op.rs1, types::I16, true),
            Inst::ZextH { .. } => self.part(op.rs1, types::I16, false),
            Inst::Rev8 { .. } => {
                let a = self.x(a);
                self.b.ins().bswap(a)
            }
            Inst::Clz { .. } => {
                let a = self.x(a);
                self.b.ins().clz(a)
            }
            Inst::Ctz { .. } => {
                let a = self.x(a);
                self.b.ins().ctz(a)
            }
            Inst::Cpop { .. } => {
                let a = self.x(a);
                self.b.ins().popcnt(a)
            }
            Inst::Bclr { .. } | Inst::Bclri { .. } => {
                let bit = self.bit(inst, op);
                host!(band_not(self.x(a), bit))
            }
            Inst::Binv { .. } | Inst::Binvi { .. } => {
                let bit = self.bit(inst, op);
                host!(bxor(self.x(a), bit))
            }
            Inst::Bset { .. } | Inst::Bseti { .. } => {
                let bit = self.bit(inst, op);
                host!(bor(self.x(a), bit))
            }
            Inst::Bext { .. } => {
                let shifted = host!(ushr(self.x(a), self.x(b)));
                host!(band(shifted, self.constant(1)))
            }
            Inst::Bexti { .. } => {
                let shifted = host!(ushr(self.x(a), self.constant(immediate & 63)));
                host!(band(shifted, self.constant(1)))
            }
            Inst::CzeroEqz { .. } => self.kept_unless(op, IntCC::Equal),
            Inst::CzeroNez { .. } => self.kept_unless(op, IntCC::NotEqual),
            Inst::Xnor { .. } => {
                let differ = host!(bxor(self.x(a), self.x(b)));
                self.b.ins().bnot(differ)
            }
            Inst::Andn { .. } => host!(band_not(self.x(a), self.x(b))),
            Inst::Orn { .. } => host!(bor_not(self.x(a), self.x(b))),
            Inst::Min { .. } => host!(smin(self.x(a), self.x(b))),
            Inst::Max { .. } => host!(smax(self.x(a), self.x(b))),
            Inst::Minu { .. } => host!(umin(self.x(a), self.x(b))),
            Inst::Maxu { .. } => host!(umax(self.x(a), self.x(b))),
            _ => return None,
        })
    }

    fn flag(&mut self, condition: IntCC, a: Value, b: Value) -> Value {
        let flag = self.b.ins().icmp(condition, a, b);
        self.b.ins().uextend(types::I64, flag)
    }

    /// An operation on the low words, sign-extended.
    fn word(
        &mut self,
        op: &Op,
        second: Word,
        operate: impl Fn(&mut Self, Value, Value) -> Value,
    ) -> Value {
        let a = self.x(op.rs1);
        let a = self.b.ins().ireduce(types::I32, a);
        let b = match second {
            Word::Registers => {
                let b = self.x(op.rs2);
                self.b.ins().ireduce(types::I32, b)
            }
            Word::Immediate => self.b.ins().iconst(types::I32, op.imm & 0xffff_ffff),
        };
        let result = operate(self, a, b);
        self.b.ins().sextend(types::I64, result)
    }

    fn shifted_sum(&mut self, op: &Op, shift: u64, of_word: bool) -> Value {
        let a = if of_word {
            self.low_word(op.rs1)
        } else {
            self.x(op.rs1)
        };
        let shift = self.constant(shift);
        let a = self.b.ins().ishl(a, shift);
        let b = self.x(op.rs2);
        self.b.ins().iadd(a, b)
    }

    /// The low word of a register, zero-extended.
    fn low_word(&mut self, register: u8) -> Value {
        self.part(register, types::I32, false)
    }

    /// The low part of a register, extended.
    fn part(&mut self, register: u8, ty: Type, signed: bool) -> Value {
        let whole = self.x(register);
        let low = self.b.ins().ireduce(ty, whole);
        if signed {
            self.b.ins().sextend(types::I64, low)
        } else {
            self.b.ins().uextend(types::I64, low)
        }
    }

    /// The bit that an instruction on single bits is about.
    fn bit(&mut self, inst: Inst, op: &Op) -> Value {
        let number = match inst {
            Inst::Bclr { .. } | Inst::Binv { .. } | Inst::Bset { .. } => self.x(op.rs2),
            _ => self.constant(op.imm.cast_unsigned() & 63),
        };
        let one = self.constant(1);
        self.b.ins().ishl(one, number)
    }

    /// The first operand, or 0 if the second compares so with 0.
    fn kept_unless(&mut self, op: &Op, condition: IntCC) -> Value {
        let (a, b) = (self.x(op.rs1), self.x(op.rs2));
        let zero = self.constant(0);
        let gone = self.b.ins().icmp(condition, b, zero);
        self.b.ins().select(gone, zero, a)
    }

    /// Whether the branch at the end of a block is taken.
    pub(super) fn condition(&mut self, op: &Op) -> Value {
        let condition = match instruction(op) {
            Inst::Beq { .. } => IntCC::Equal,
            Inst::Bne { .. } => IntCC::NotEqual,
            Inst::Blt { .. } => IntCC::SignedLessThan,
            Inst::Bge { .. } => IntCC::SignedGreaterThanOrEqual,
            Inst::Bltu { .. } => IntCC::UnsignedLessThan,
            _ => IntCC::UnsignedGreaterThanOrEqual,
        };
        let (a, b) = (self.x(op.rs1), self.x(op.rs2));
        self.b.ins().icmp(condition, a, b)
    }
}

/// Where the second operand of an instruction on words is.
#[derive(Clone, Copy)]
enum Word {
    Registers,
    Immediate,
}
