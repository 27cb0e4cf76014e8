//! Comparisons and selection between values.

use super::forms::{r, ri, vi, vv, vx};
use super::{Selected, Selector, sew, vector_class};
use crate::ir::{FloatCompare, FloatType, IntCompare, Type, Value};
use crate::rv::machine::Reg;
use weft_isa::{Inst, V};

/// An instruction from mask, vector and immediate.
type ImmediateForm = fn(V, V, i32) -> Inst;

/// The comparison with a 5-bit immediate as an instruction and its immediate; `None` where there
/// is no such instruction.
fn immediate_form(op: IntCompare, imm: i32) -> Option<(i32, ImmediateForm)> {
    let form: ImmediateForm = match op {
        IntCompare::Equal => vi!(VmseqVi),
        IntCompare::NotEqual => vi!(VmsneVi),
        IntCompare::LessEqualSigned | IntCompare::LessSigned => vi!(VmsleVi),
        IntCompare::LessEqualUnsigned | IntCompare::LessUnsigned => vi!(VmsleuVi),
        IntCompare::GreaterSigned | IntCompare::GreaterEqualSigned => vi!(VmsgtVi),
        IntCompare::GreaterUnsigned | IntCompare::GreaterEqualUnsigned => vi!(VmsgtuVi),
    };
    let below = match op {
        IntCompare::LessSigned | IntCompare::GreaterEqualSigned => imm > -16,
        // Zero is the one value from which subtraction would wrap around.
        IntCompare::LessUnsigned | IntCompare::GreaterEqualUnsigned => imm > -16 && imm != 0,
        _ => return Some((imm, form)),
    };
    below.then_some((imm - 1, form))
}

impl Selector<'_> {
    pub(super) fn compare_int(
        &mut self,
        op: IntCompare,
        a: Value,
        b: Value,
        to: Value,
        divergent: bool,
    ) -> Selected {
        if self.ty(a) == Type::Pred {
            return self.compare_pred(op, a, b, to, divergent);
        }
        if divergent {
            self.compare_int_vector(op, a, b);
            self.set_mask_v0(to);
        } else {
            let reg = self.compare_int_scalar(op, a, b);
            self.set_x(to, reg);
        }
        Ok(())
    }

    fn compare_pred(
        &mut self,
        op: IntCompare,
        a: Value,
        b: Value,
        to: Value,
        divergent: bool,
    ) -> Selected {
        let (x, y) = if divergent {
            (self.mask(a), self.mask(b))
        } else {
            (self.x(a), self.x(b))
        };
        let different = self.op2(x, y, r!(Xor));
        let reg = match op {
            IntCompare::NotEqual => different,
            IntCompare::Equal => self.op_imm(different, if divergent { -1 } else { 1 }, ri!(Xori)),
            _ => return self.unsupported(format!("{op:?} of predicates")),
        };
        self.set_x(to, reg);
        Ok(())
    }

    fn compare_int_scalar(&mut self, op: IntCompare, a: Value, b: Value) -> Reg {
        // Values are sign-extended from their width, which keeps both orders.
        let invert = |this: &mut Self, reg| this.op_imm(reg, 1, ri!(Xori));
        match op {
            IntCompare::Equal | IntCompare::NotEqual => {
                let x = self.x(a);
                let difference = if self.constant(b) == Some(0) {
                    x
                } else {
                    let y = self.x(b);
                    self.op2(x, y, r!(Xor))
                };
                if op == IntCompare::Equal {
                    self.op_imm(difference, 1, ri!(Sltiu))
                } else {
                    self.op2(Reg::ZERO, difference, r!(Sltu))
                }
            }
            IntCompare::LessSigned => self.less(a, b, true),
            IntCompare::LessUnsigned => self.less(a, b, false),
            IntCompare::GreaterSigned => self.less(b, a, true),
            IntCompare::GreaterUnsigned => self.less(b, a, false),
            IntCompare::GreaterEqualSigned => {
                let less = self.less(a, b, true);
                invert(self, less)
            }
            IntCompare::GreaterEqualUnsigned => {
                let less = self.less(a, b, false);
                invert(self, less)
            }
            IntCompare::LessEqualSigned => {
                let less = self.less(b, a, true);
                invert(self, less)
            }
            IntCompare::LessEqualUnsigned => {
                let less = self.less(b, a, false);
                invert(self, less)
            }
        }
    }

    fn less(&mut self, a: Value, b: Value, signed: bool) -> Reg {
        let x = self.x(a);
        match (self.immediate(b), signed) {
            (Some(imm), true) => self.op_imm(x, imm, ri!(Slti)),
            (Some(imm), false) => self.op_imm(x, imm, ri!(Sltiu)),
            (None, _) => {
                let y = self.x(b);
                if signed {
                    self.op2(x, y, r!(Slt))
                } else {
                    self.op2(x, y, r!(Sltu))
                }
            }
        }
    }

    /// Compares into `v0`.
    pub(super) fn compare_int_vector(&mut self, op: IntCompare, a: Value, b: Value) {
        let ty = self.ty(a);
        let (op, a, b) = if self.is_divergent(a) {
            (op, a, b)
        } else {
            (op.swapped(), b, a)
        };
        let x = self.v(a);
        if let Some(imm) = self.small_constant(b)
            && let Some((imm, form)) = immediate_form(op, imm)
        {
            self.compare_imm(ty, x, imm, form);
            return;
        }
        let greater_equal = matches!(
            op,
            IntCompare::GreaterEqualSigned | IntCompare::GreaterEqualUnsigned
        );
        if !self.is_divergent(b) && !greater_equal {
            let y = self.x(b);
            match op {
                IntCompare::Equal => self.compare_x(ty, x, y, vx!(VmseqVx)),
                IntCompare::NotEqual => self.compare_x(ty, x, y, vx!(VmsneVx)),
                IntCompare::LessSigned => self.compare_x(ty, x, y, vx!(VmsltVx)),
                IntCompare::LessUnsigned => self.compare_x(ty, x, y, vx!(VmsltuVx)),
                IntCompare::LessEqualSigned => self.compare_x(ty, x, y, vx!(VmsleVx)),
                IntCompare::LessEqualUnsigned => self.compare_x(ty, x, y, vx!(VmsleuVx)),
                IntCompare::GreaterSigned => self.compare_x(ty, x, y, vx!(VmsgtVx)),
                IntCompare::GreaterUnsigned => self.compare_x(ty, x, y, vx!(VmsgtuVx)),
                IntCompare::GreaterEqualSigned | IntCompare::GreaterEqualUnsigned => {}
            }
            return;
        }
        let y = self.v(b);
        match op {
            IntCompare::Equal => self.compare2(ty, x, y, vv!(VmseqVv)),
            IntCompare::NotEqual => self.compare2(ty, x, y, vv!(VmsneVv)),
            IntCompare::LessSigned => self.compare2(ty, x, y, vv!(VmsltVv)),
            IntCompare::LessUnsigned => self.compare2(ty, x, y, vv!(VmsltuVv)),
            IntCompare::LessEqualSigned => self.compare2(ty, x, y, vv!(VmsleVv)),
            IntCompare::LessEqualUnsigned => self.compare2(ty, x, y, vv!(VmsleuVv)),
            IntCompare::GreaterSigned => self.compare2(ty, y, x, vv!(VmsltVv)),
            IntCompare::GreaterUnsigned => self.compare2(ty, y, x, vv!(VmsltuVv)),
            IntCompare::GreaterEqualSigned => self.compare2(ty, y, x, vv!(VmsleVv)),
            IntCompare::GreaterEqualUnsigned => self.compare2(ty, y, x, vv!(VmsleuVv)),
        }
    }

    pub(super) fn compare_float(
        &mut self,
        float: FloatType,
        op: FloatCompare,
        a: Value,
        b: Value,
        to: Value,
        divergent: bool,
    ) -> Selected {
        // The negations of the ordered comparisons are the unordered ones.
        let (positive, negate) = match op {
            FloatCompare::EqualOrNan => {
                // Neither less nor greater: two comparisons.
                return self.compare_float_pair(
                    float,
                    [FloatCompare::Less, FloatCompare::Greater],
                    (a, b),
                    to,
                    true,
                );
            }
            FloatCompare::NotEqual => {
                return self.compare_float_pair(
                    float,
                    [FloatCompare::Less, FloatCompare::Greater],
                    (a, b),
                    to,
                    false,
                );
            }
            FloatCompare::Ordered => {
                return self.compare_float_nan(float, (a, b), to, false);
            }
            FloatCompare::Unordered => {
                return self.compare_float_nan(float, (a, b), to, true);
            }
            FloatCompare::NotEqualOrNan => (FloatCompare::Equal, true),
            FloatCompare::LessOrNan => (FloatCompare::GreaterEqual, true),
            FloatCompare::LessEqualOrNan => (FloatCompare::Greater, true),
            FloatCompare::GreaterOrNan => (FloatCompare::LessEqual, true),
            FloatCompare::GreaterEqualOrNan => (FloatCompare::Less, true),
            FloatCompare::Equal
            | FloatCompare::Less
            | FloatCompare::LessEqual
            | FloatCompare::Greater
            | FloatCompare::GreaterEqual => (op, false),
        };
        if !divergent && float != FloatType::Bf16 {
            let bit = self.compare_float_scalar(float, positive, a, b);
            let bit = if negate {
                self.op_imm(bit, 1, ri!(Xori))
            } else {
                bit
            };
            self.set_x(to, bit);
            return Ok(());
        }
        if positive == FloatCompare::Equal && negate && float != FloatType::Bf16 {
            self.compare_float_vector(float, FloatCompare::NotEqualOrNan, a, b);
            self.set_mask_v0(to);
            return Ok(());
        }
        self.compare_float_vector(float, positive, a, b);
        let mask = self.take_v0();
        let mask = if negate {
            self.op_imm(mask, -1, ri!(Xori))
        } else {
            mask
        };
        self.set_mask(to, mask);
        Ok(())
    }

    /// Whether one of two comparisons holds, or (negated) neither.
    fn compare_float_pair(
        &mut self,
        float: FloatType,
        ops: [FloatCompare; 2],
        (a, b): (Value, Value),
        to: Value,
        negate: bool,
    ) -> Selected {
        let masks = ops.map(|op| {
            self.compare_float_vector(float, op, a, b);
            self.take_v0()
        });
        let either = self.op2(masks[0], masks[1], r!(Or));
        let mask = if negate {
            self.op_imm(either, -1, ri!(Xori))
        } else {
            either
        };
        self.set_mask(to, mask);
        Ok(())
    }

    /// Whether one of the operands is NaN, or (not `unordered`) neither.
    fn compare_float_nan(
        &mut self,
        float: FloatType,
        (a, b): (Value, Value),
        to: Value,
        unordered: bool,
    ) -> Selected {
        let masks = [a, b].map(|value| {
            let (ty, reg) = self.compare_operand(float, value);
            self.compare2(ty, reg, reg, vv!(VmfeqVv));
            self.take_v0()
        });
        let both = self.op2(masks[0], masks[1], r!(And));
        let mask = if unordered {
            self.op_imm(both, -1, ri!(Xori))
        } else {
            both
        };
        self.set_mask(to, mask);
        Ok(())
    }

    /// A float in vector registers, in a format that the hardware compares.
    fn compare_operand(&mut self, float: FloatType, value: Value) -> (Type, Reg) {
        let reg = self.v(value);
        match float {
            FloatType::Bf16 => (Type::B32, self.widen_bf16(reg)),
            FloatType::F16 | FloatType::F32 | FloatType::F64 => (float.ty(), reg),
        }
    }

    fn compare_float_scalar(
        &mut self,
        float: FloatType,
        op: FloatCompare,
        a: Value,
        b: Value,
    ) -> Reg {
        let (a, b) = match op {
            FloatCompare::Greater | FloatCompare::GreaterEqual => (b, a),
            _ => (a, b),
        };
        let (x, y) = (self.f(a), self.f(b));
        let to = self.m.reg(crate::rv::machine::RegClass::X);
        let (rd, rs1, rs2) = (self.m.x(to), self.m.f(x), self.m.f(y));
        let less = matches!(op, FloatCompare::Less | FloatCompare::Greater);
        let equal = op == FloatCompare::Equal;
        self.m.scalar(match float.ty() {
            Type::B64 if equal => Inst::FeqD { rd, rs1, rs2 },
            Type::B64 if less => Inst::FltD { rd, rs1, rs2 },
            Type::B64 => Inst::FleD { rd, rs1, rs2 },
            Type::B32 if equal => Inst::FeqS { rd, rs1, rs2 },
            Type::B32 if less => Inst::FltS { rd, rs1, rs2 },
            Type::B32 => Inst::FleS { rd, rs1, rs2 },
            _ if equal => Inst::FeqH { rd, rs1, rs2 },
            _ if less => Inst::FltH { rd, rs1, rs2 },
            _ => Inst::FleH { rd, rs1, rs2 },
        });
        to
    }

    /// Compares into `v0`. Unordered comparisons other than `NotEqualOrNan` have no form.
    fn compare_float_vector(&mut self, float: FloatType, op: FloatCompare, a: Value, b: Value) {
        if float != FloatType::Bf16 && self.is_divergent(a) != self.is_divergent(b) {
            let (op, a, b) = if self.is_divergent(a) {
                (op, a, b)
            } else {
                let op = match op {
                    FloatCompare::Less => FloatCompare::Greater,
                    FloatCompare::LessEqual => FloatCompare::GreaterEqual,
                    FloatCompare::Greater => FloatCompare::Less,
                    FloatCompare::GreaterEqual => FloatCompare::LessEqual,
                    other => other,
                };
                (op, b, a)
            };
            let ty = float.ty();
            let (x, y) = (self.v(a), self.f(b));
            match op {
                FloatCompare::Equal => self.compare_f(ty, x, y, vx!(VmfeqVf)),
                FloatCompare::Less => self.compare_f(ty, x, y, vx!(VmfltVf)),
                FloatCompare::LessEqual => self.compare_f(ty, x, y, vx!(VmfleVf)),
                FloatCompare::Greater => self.compare_f(ty, x, y, vx!(VmfgtVf)),
                FloatCompare::GreaterEqual => self.compare_f(ty, x, y, vx!(VmfgeVf)),
                _ => self.compare_f(ty, x, y, vx!(VmfneVf)),
            }
            return;
        }
        let (ty, x) = self.compare_operand(float, a);
        let (_, y) = self.compare_operand(float, b);
        match op {
            FloatCompare::Equal => self.compare2(ty, x, y, vv!(VmfeqVv)),
            FloatCompare::Less => self.compare2(ty, x, y, vv!(VmfltVv)),
            FloatCompare::LessEqual => self.compare2(ty, x, y, vv!(VmfleVv)),
            FloatCompare::Greater => self.compare2(ty, y, x, vv!(VmfltVv)),
            FloatCompare::GreaterEqual => self.compare2(ty, y, x, vv!(VmfleVv)),
            _ => self.compare2(ty, x, y, vv!(VmfneVv)),
        }
    }

    pub(super) fn select(
        &mut self,
        condition: Value,
        a: Value,
        b: Value,
        to: Value,
        divergent: bool,
    ) -> Selected {
        let ty = self.ty(to);
        if ty == Type::Pred {
            return self.select_pred(condition, a, b, to, divergent);
        }
        if !divergent {
            let (c, x, y) = (self.x(condition), self.x(a), self.x(b));
            let x = self.op2(x, c, r!(CzeroEqz));
            let reg = if self.constant(b) == Some(0) {
                x
            } else {
                let y = self.op2(y, c, r!(CzeroNez));
                self.op2(x, y, r!(Or))
            };
            self.set_x(to, reg);
            return Ok(());
        }
        let mask = self.mask(condition);
        let reg = if let Some(imm) = self.small_constant(a) {
            let y = self.v(b);
            self.merge_imm(ty, Some(mask), imm, y)
        } else if !self.is_divergent(a) && !self.wants_float_home(a) {
            let (x, y) = (self.x(a), self.v(b));
            self.merge_x(ty, Some(mask), x, y)
        } else if !self.is_divergent(a) {
            let (f, y) = (self.f(a), self.v(b));
            let reg = self.m.reg(vector_class(ty));
            let inst = Inst::VfmergeVfm {
                vd: self.m.v(reg),
                vs2: self.m.v(y),
                rs1: self.m.f(f),
            };
            self.m.masked(sew(ty), Some(mask), false, inst);
            reg
        } else {
            let (x, y) = (self.v(a), self.v(b));
            self.merge(ty, Some(mask), x, y)
        };
        self.set_v(to, reg);
        Ok(())
    }

    fn select_pred(
        &mut self,
        condition: Value,
        a: Value,
        b: Value,
        to: Value,
        divergent: bool,
    ) -> Selected {
        let (c, x, y) = if divergent {
            (self.mask(condition), self.mask(a), self.mask(b))
        } else {
            (self.x(condition), self.x(a), self.x(b))
        };
        let x = self.op2(c, x, r!(And));
        let y = self.op2(y, c, r!(Andn));
        let reg = self.op2(x, y, r!(Or));
        self.set_x(to, reg);
        Ok(())
    }

    /// An `x` register that is 1 if another is not zero.
    pub(super) fn is_not_zero(&mut self, a: Reg) -> Reg {
        self.op2(Reg::ZERO, a, r!(Sltu))
    }

    /// An `x` register that is 1 if another is zero.
    pub(super) fn is_zero(&mut self, a: Reg) -> Reg {
        self.op_imm(a, 1, ri!(Sltiu))
    }
}
