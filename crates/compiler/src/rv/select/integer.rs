//! Integer arithmetic, logic and shifts.

use super::forms::{r, r1, ri, rs, v1, vi, vu, vv, vx};
use super::{Selected, Selector, immediate, sew};
use crate::ir::{BinaryOp, ShiftOp, Type, UnaryOp, Value};
use crate::rv::machine::{Reg, RegClass};
use weft_isa::Inst;

impl Selector<'_> {
    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        a: Value,
        b: Value,
        to: Value,
        divergent: bool,
    ) -> Selected {
        let ty = self.ty(to);
        if ty == Type::Pred {
            return self.binary_pred(op, a, b, to, divergent);
        }
        if !divergent && self.binary_scalar(op, ty, a, b, to) {
            return Ok(());
        }
        let reg = self.binary_vector(op, ty, a, b);
        self.set_v(to, reg);
        Ok(())
    }

    fn binary_pred(
        &mut self,
        op: BinaryOp,
        a: Value,
        b: Value,
        to: Value,
        divergent: bool,
    ) -> Selected {
        let (a, b) = if divergent {
            (self.mask(a), self.mask(b))
        } else {
            (self.x(a), self.x(b))
        };
        let reg = match op {
            BinaryOp::And => self.op2(a, b, r!(And)),
            BinaryOp::Or => self.op2(a, b, r!(Or)),
            BinaryOp::Xor => self.op2(a, b, r!(Xor)),
            _ => return self.unsupported(format!("{op:?} of predicates")),
        };
        self.set_x(to, reg);
        Ok(())
    }

    /// The scalar form, if there is a good one.
    fn binary_scalar(&mut self, op: BinaryOp, ty: Type, a: Value, b: Value, to: Value) -> bool {
        let (mut a, mut b) = (a, b);
        let commutes = matches!(
            op,
            BinaryOp::Add | BinaryOp::And | BinaryOp::Or | BinaryOp::Xor | BinaryOp::Mul
        );
        if commutes && self.constant(a).is_some() {
            std::mem::swap(&mut a, &mut b);
        }
        if let Some(reg) = self.binary_scalar_imm(op, ty, a, b) {
            self.set_x(to, reg);
            return true;
        }
        let signed_ok = !matches!(ty, Type::B16);
        let (x, y) = (self.x(a), self.x(b));
        let reg = match (op, ty) {
            (BinaryOp::Add, Type::B64) => self.op2(x, y, r!(Add)),
            (BinaryOp::Add, Type::B32) => self.op2(x, y, r!(Addw)),
            (BinaryOp::Add, _) => self.narrow2(x, y, r!(Add)),
            (BinaryOp::Sub, Type::B64) => self.op2(x, y, r!(Sub)),
            (BinaryOp::Sub, Type::B32) => self.op2(x, y, r!(Subw)),
            (BinaryOp::Sub, _) => self.narrow2(x, y, r!(Sub)),
            (BinaryOp::Mul, Type::B64) => self.op2(x, y, r!(Mul)),
            (BinaryOp::Mul, Type::B32) => self.op2(x, y, r!(Mulw)),
            (BinaryOp::Mul, _) => self.narrow2(x, y, r!(Mul)),
            (BinaryOp::MulHighSigned, Type::B64) => self.op2(x, y, r!(Mulh)),
            (BinaryOp::MulHighUnsigned, Type::B64) => self.op2(x, y, r!(Mulhu)),
            (BinaryOp::MulHighSigned, Type::B32) => {
                let product = self.op2(x, y, r!(Mul));
                self.op_imm(product, 32, rs!(Srai))
            }
            (BinaryOp::MulHighUnsigned, Type::B32) => {
                let (x, y) = (self.zero_extend_word(x), self.zero_extend_word(y));
                let product = self.op2(x, y, r!(Mul));
                self.op_imm(product, 32, rs!(Srai))
            }
            (BinaryOp::DivSigned, Type::B64) => self.op2(x, y, r!(Div)),
            (BinaryOp::DivUnsigned, Type::B64) => self.op2(x, y, r!(Divu)),
            (BinaryOp::RemSigned, Type::B64) => self.op2(x, y, r!(Rem)),
            (BinaryOp::RemUnsigned, Type::B64) => self.op2(x, y, r!(Remu)),
            (BinaryOp::DivSigned, Type::B32) => self.op2(x, y, r!(Divw)),
            (BinaryOp::DivUnsigned, Type::B32) => self.op2(x, y, r!(Divuw)),
            (BinaryOp::RemSigned, Type::B32) => self.op2(x, y, r!(Remw)),
            (BinaryOp::RemUnsigned, Type::B32) => self.op2(x, y, r!(Remuw)),
            // Sign extension keeps both orders.
            (BinaryOp::MinSigned, _) => self.op2(x, y, r!(Min)),
            (BinaryOp::MaxSigned, _) => self.op2(x, y, r!(Max)),
            (BinaryOp::MinUnsigned, _) => self.op2(x, y, r!(Minu)),
            (BinaryOp::MaxUnsigned, _) => self.op2(x, y, r!(Maxu)),
            (BinaryOp::And, _) => self.op2(x, y, r!(And)),
            (BinaryOp::Or, _) => self.op2(x, y, r!(Or)),
            (BinaryOp::Xor, _) => self.op2(x, y, r!(Xor)),
            (BinaryOp::AddSaturating, Type::B32) if signed_ok => {
                let sum = self.op2(x, y, r!(Add));
                self.clamp_word(sum)
            }
            (BinaryOp::SubSaturating, Type::B32) if signed_ok => {
                let difference = self.op2(x, y, r!(Sub));
                self.clamp_word(difference)
            }
            _ => return false,
        };
        self.set_x(to, reg);
        true
    }

    fn binary_scalar_imm(&mut self, op: BinaryOp, ty: Type, a: Value, b: Value) -> Option<Reg> {
        let constant = self.signed_constant(b)?;
        let bits = self.constant(b)?;
        if op == BinaryOp::Mul && bits.is_power_of_two() {
            let x = self.x(a);
            let by = u8::try_from(bits.trailing_zeros()).ok()?;
            return match ty {
                Type::B64 => Some(self.op_imm(x, by, rs!(Slli))),
                Type::B32 => Some(self.op_imm(x, by, rs!(Slliw))),
                Type::B16 | Type::Pred => None,
            };
        }
        let sum = if op == BinaryOp::Sub {
            constant.checked_neg()?
        } else {
            constant
        };
        let imm = immediate(sum)?;
        match (op, ty) {
            (BinaryOp::Add | BinaryOp::Sub, Type::B64) => {
                let x = self.x(a);
                Some(self.op_imm(x, imm, ri!(Addi)))
            }
            (BinaryOp::Add | BinaryOp::Sub, Type::B32) => {
                let x = self.x(a);
                Some(self.op_imm(x, imm, ri!(Addiw)))
            }
            (BinaryOp::And, _) => {
                let x = self.x(a);
                Some(self.op_imm(x, imm, ri!(Andi)))
            }
            (BinaryOp::Or, _) => {
                let x = self.x(a);
                Some(self.op_imm(x, imm, ri!(Ori)))
            }
            (BinaryOp::Xor, _) => {
                let x = self.x(a);
                Some(self.op_imm(x, imm, ri!(Xori)))
            }
            _ => None,
        }
    }

    /// A 64-bit operation whose low 16 bits are the result.
    fn narrow2(
        &mut self,
        a: Reg,
        b: Reg,
        make: impl Fn(weft_isa::X, weft_isa::X, weft_isa::X) -> Inst,
    ) -> Reg {
        let wide = self.op2(a, b, make);
        self.op1(wide, r1!(SextH))
    }

    fn clamp_word(&mut self, a: Reg) -> Reg {
        let high = self.constant_x(i64::from(i32::MAX));
        let low = self.constant_x(i64::from(i32::MIN));
        let a = self.op2(a, high, r!(Min));
        self.op2(a, low, r!(Max))
    }

    fn binary_vector(&mut self, op: BinaryOp, ty: Type, a: Value, b: Value) -> Reg {
        let (mut a, mut b) = (a, b);
        let commutes = !matches!(
            op,
            BinaryOp::Sub
                | BinaryOp::DivSigned
                | BinaryOp::DivUnsigned
                | BinaryOp::RemSigned
                | BinaryOp::RemUnsigned
                | BinaryOp::SubSaturating
        );
        if commutes && !self.is_divergent(a) {
            std::mem::swap(&mut a, &mut b);
        }
        if let Some(imm) = self.small_constant(b) {
            let reg = match op {
                BinaryOp::Add => Some(vi_form(self, ty, a, imm, vi!(VaddVi))),
                BinaryOp::Sub if imm > -16 => Some(vi_form(self, ty, a, -imm, vi!(VaddVi))),
                BinaryOp::And => Some(vi_form(self, ty, a, imm, vi!(VandVi))),
                BinaryOp::Or => Some(vi_form(self, ty, a, imm, vi!(VorVi))),
                BinaryOp::Xor => Some(vi_form(self, ty, a, imm, vi!(VxorVi))),
                BinaryOp::AddSaturating => Some(vi_form(self, ty, a, imm, vi!(VsaddVi))),
                _ => None,
            };
            if let Some(reg) = reg {
                return reg;
            }
        }
        if op == BinaryOp::Mul
            && let Some(bits) = self.constant(b)
            && bits.is_power_of_two()
            && let Ok(by) = u8::try_from(bits.trailing_zeros())
        {
            let x = self.v(a);
            if by < 32 {
                return self.vector_imm(ty, x, by, vu!(VsllVi));
            }
            let by = self.constant_x(i64::from(by));
            return self.vector_x(ty, x, by, vx!(VsllVx));
        }
        if op == BinaryOp::Sub && !self.is_divergent(a) && self.is_divergent(b) {
            let y = self.v(b);
            if let Some(imm) = self.small_constant(a) {
                return self.vector_imm(ty, y, imm, vi!(VrsubVi));
            }
            let x = self.x(a);
            return self.vector_x(ty, y, x, vx!(VrsubVx));
        }
        if !self.is_divergent(b) && !self.wants_float_home(b) {
            let (x, y) = (self.v(a), self.x(b));
            return match op {
                BinaryOp::Add => self.vector_x(ty, x, y, vx!(VaddVx)),
                BinaryOp::Sub => self.vector_x(ty, x, y, vx!(VsubVx)),
                BinaryOp::Mul => self.vector_x(ty, x, y, vx!(VmulVx)),
                BinaryOp::MulHighSigned => self.vector_x(ty, x, y, vx!(VmulhVx)),
                BinaryOp::MulHighUnsigned => self.vector_x(ty, x, y, vx!(VmulhuVx)),
                BinaryOp::DivSigned => self.vector_x(ty, x, y, vx!(VdivVx)),
                BinaryOp::DivUnsigned => self.vector_x(ty, x, y, vx!(VdivuVx)),
                BinaryOp::RemSigned => self.vector_x(ty, x, y, vx!(VremVx)),
                BinaryOp::RemUnsigned => self.vector_x(ty, x, y, vx!(VremuVx)),
                BinaryOp::MinSigned => self.vector_x(ty, x, y, vx!(VminVx)),
                BinaryOp::MinUnsigned => self.vector_x(ty, x, y, vx!(VminuVx)),
                BinaryOp::MaxSigned => self.vector_x(ty, x, y, vx!(VmaxVx)),
                BinaryOp::MaxUnsigned => self.vector_x(ty, x, y, vx!(VmaxuVx)),
                BinaryOp::AddSaturating => self.vector_x(ty, x, y, vx!(VsaddVx)),
                BinaryOp::SubSaturating => self.vector_x(ty, x, y, vx!(VssubVx)),
                BinaryOp::And => self.vector_x(ty, x, y, vx!(VandVx)),
                BinaryOp::Or => self.vector_x(ty, x, y, vx!(VorVx)),
                BinaryOp::Xor => self.vector_x(ty, x, y, vx!(VxorVx)),
            };
        }
        let (x, y) = (self.v(a), self.v(b));
        match op {
            BinaryOp::Add => self.vector2(ty, x, y, vv!(VaddVv)),
            BinaryOp::Sub => self.vector2(ty, x, y, vv!(VsubVv)),
            BinaryOp::Mul => self.vector2(ty, x, y, vv!(VmulVv)),
            BinaryOp::MulHighSigned => self.vector2(ty, x, y, vv!(VmulhVv)),
            BinaryOp::MulHighUnsigned => self.vector2(ty, x, y, vv!(VmulhuVv)),
            BinaryOp::DivSigned => self.vector2(ty, x, y, vv!(VdivVv)),
            BinaryOp::DivUnsigned => self.vector2(ty, x, y, vv!(VdivuVv)),
            BinaryOp::RemSigned => self.vector2(ty, x, y, vv!(VremVv)),
            BinaryOp::RemUnsigned => self.vector2(ty, x, y, vv!(VremuVv)),
            BinaryOp::MinSigned => self.vector2(ty, x, y, vv!(VminVv)),
            BinaryOp::MinUnsigned => self.vector2(ty, x, y, vv!(VminuVv)),
            BinaryOp::MaxSigned => self.vector2(ty, x, y, vv!(VmaxVv)),
            BinaryOp::MaxUnsigned => self.vector2(ty, x, y, vv!(VmaxuVv)),
            BinaryOp::AddSaturating => self.vector2(ty, x, y, vv!(VsaddVv)),
            BinaryOp::SubSaturating => self.vector2(ty, x, y, vv!(VssubVv)),
            BinaryOp::And => self.vector2(ty, x, y, vv!(VandVv)),
            BinaryOp::Or => self.vector2(ty, x, y, vv!(VorVv)),
            BinaryOp::Xor => self.vector2(ty, x, y, vv!(VxorVv)),
        }
    }

    pub(super) fn shift(
        &mut self,
        op: ShiftOp,
        a: Value,
        by: Value,
        to: Value,
        divergent: bool,
    ) -> Selected {
        let ty = self.ty(to);
        if divergent {
            let reg = self.shift_vector(op, ty, a, by);
            self.set_v(to, reg);
        } else {
            let reg = self.shift_scalar(op, ty, a, by);
            self.set_x(to, reg);
        }
        Ok(())
    }

    fn shift_scalar(&mut self, op: ShiftOp, ty: Type, a: Value, by: Value) -> Reg {
        let bits = ty.bits();
        if let Some(by) = self.constant(by) {
            if by >= u64::from(bits) && op != ShiftOp::RightArithmetic {
                return Reg::ZERO;
            }
            let by = u8::try_from(by.min(u64::from(bits) - 1)).expect("below 64");
            let x = self.x(a);
            return match (op, ty) {
                (ShiftOp::Left, Type::B64) => self.op_imm(x, by, rs!(Slli)),
                (ShiftOp::Left, Type::B32) => self.op_imm(x, by, rs!(Slliw)),
                (ShiftOp::Left, _) => {
                    let wide = self.op_imm(x, by, rs!(Slli));
                    self.op1(wide, r1!(SextH))
                }
                (ShiftOp::RightLogical, Type::B64) => self.op_imm(x, by, rs!(Srli)),
                (ShiftOp::RightLogical, Type::B32) => self.op_imm(x, by, rs!(Srliw)),
                (ShiftOp::RightLogical, _) => {
                    let wide = self.op1(x, r1!(ZextH));
                    let wide = self.op_imm(wide, by, rs!(Srli));
                    self.op1(wide, r1!(SextH))
                }
                (ShiftOp::RightArithmetic, _) => self.op_imm(x, by, rs!(Srai)),
            };
        }
        let (x, by) = (self.x(a), self.x(by));
        if op == ShiftOp::RightArithmetic {
            let most = self.constant_x(i64::from(bits) - 1);
            let by = self.op2(by, most, r!(Minu));
            return self.op2(x, by, r!(Sra));
        }
        let width = i32::try_from(bits).expect("at most 64");
        let fits = self.op_imm(by, width, ri!(Sltiu));
        let shifted = match (op, ty) {
            (ShiftOp::Left, Type::B64) => self.op2(x, by, r!(Sll)),
            (ShiftOp::Left, Type::B32) => self.op2(x, by, r!(Sllw)),
            (ShiftOp::Left, _) => self.narrow2(x, by, r!(Sll)),
            (_, Type::B64) => self.op2(x, by, r!(Srl)),
            (_, Type::B32) => self.op2(x, by, r!(Srlw)),
            _ => {
                let wide = self.op1(x, r1!(ZextH));
                self.narrow2(wide, by, r!(Srl))
            }
        };
        self.op2(shifted, fits, r!(CzeroEqz))
    }

    fn shift_vector(&mut self, op: ShiftOp, ty: Type, a: Value, by: Value) -> Reg {
        let bits = ty.bits();
        if let Some(by) = self.constant(by) {
            if by >= u64::from(bits) && op != ShiftOp::RightArithmetic {
                return self.constant_v(ty, 0);
            }
            let by = by.min(u64::from(bits) - 1);
            let x = self.v(a);
            if by >= 32 {
                let by = self.constant_x(i64::try_from(by).expect("below 64"));
                return match op {
                    ShiftOp::Left => self.vector_x(ty, x, by, vx!(VsllVx)),
                    ShiftOp::RightLogical => self.vector_x(ty, x, by, vx!(VsrlVx)),
                    ShiftOp::RightArithmetic => self.vector_x(ty, x, by, vx!(VsraVx)),
                };
            }
            let by = u8::try_from(by).expect("below 32");
            return match op {
                ShiftOp::Left => self.vector_imm(ty, x, by, vu!(VsllVi)),
                ShiftOp::RightLogical => self.vector_imm(ty, x, by, vu!(VsrlVi)),
                ShiftOp::RightArithmetic => self.vector_imm(ty, x, by, vu!(VsraVi)),
            };
        }
        let x = self.v(a);
        if !self.is_divergent(by) {
            let by = self.x(by);
            if op == ShiftOp::RightArithmetic {
                let most = self.constant_x(i64::from(bits) - 1);
                let by = self.op2(by, most, r!(Minu));
                return self.vector_x(ty, x, by, vx!(VsraVx));
            }
            let width = i32::try_from(bits).expect("at most 64");
            let fits = self.op_imm(by, width, ri!(Sltiu));
            let keep = self.op2(Reg::ZERO, fits, r!(Sub));
            let shifted = if op == ShiftOp::Left {
                self.vector_x(ty, x, by, vx!(VsllVx))
            } else {
                self.vector_x(ty, x, by, vx!(VsrlVx))
            };
            return self.vector_x(ty, shifted, keep, vx!(VandVx));
        }
        // The hardware takes amounts modulo the width.
        let by = self.v(by);
        let most = self.constant_x(i64::from(bits) - 1);
        if op == ShiftOp::RightArithmetic {
            let by = self.vector_x(Type::B32, by, most, vx!(VminuVx));
            let by = self.amount(ty, by);
            return self.vector2(ty, x, by, vv!(VsraVv));
        }
        let amount = self.amount(ty, by);
        let shifted = if op == ShiftOp::Left {
            self.vector2(ty, x, amount, vv!(VsllVv))
        } else {
            self.vector2(ty, x, amount, vv!(VsrlVv))
        };
        self.compare_x(Type::B32, by, most, vx!(VmsgtuVx));
        self.merge_imm(ty, None, 0, shifted)
    }

    /// A 32-bit vector of shift amounts at the width of a type.
    fn amount(&mut self, ty: Type, by: Reg) -> Reg {
        match ty {
            Type::B64 => self.resize(Type::B64, Type::B64, by, v1!(VzextVf2)),
            Type::B16 => self.narrow(Type::B16, by),
            Type::B32 | Type::Pred => by,
        }
    }

    /// The low half of each element: to `ty` from twice its width.
    pub(super) fn narrow(&mut self, ty: Type, a: Reg) -> Reg {
        self.resize(ty, ty, a, |vd, vs2| Inst::VnsrlWi {
            vd,
            vs2,
            uimm: 0,
            vm: true,
        })
    }

    pub(super) fn unary(&mut self, op: UnaryOp, a: Value, to: Value, divergent: bool) -> Selected {
        let ty = self.ty(a);
        if ty == Type::Pred {
            if op != UnaryOp::Not {
                return self.unsupported(format!("{op:?} of a predicate"));
            }
            let x = if divergent { self.mask(a) } else { self.x(a) };
            let reg = self.op_imm(x, if divergent { -1 } else { 1 }, ri!(Xori));
            self.set_x(to, reg);
            return Ok(());
        }
        if !divergent && self.unary_scalar(op, ty, a, to) {
            return Ok(());
        }
        let x = self.v(a);
        let reg = match op {
            UnaryOp::Not => self.vector_imm(ty, x, -1, vi!(VxorVi)),
            UnaryOp::Neg => self.vector_imm(ty, x, 0, vi!(VrsubVi)),
            UnaryOp::Abs => {
                let negated = self.vector_imm(ty, x, 0, vi!(VrsubVi));
                self.vector2(ty, x, negated, vv!(VmaxVv))
            }
            UnaryOp::PopCount => {
                let count = self.vector1(ty, x, v1!(VcpopV));
                self.count_to_word(ty, count)
            }
            UnaryOp::LeadingZeros => {
                let count = self.vector1(ty, x, v1!(VclzV));
                self.count_to_word(ty, count)
            }
            UnaryOp::BitReverse => self.vector1(ty, x, v1!(VbrevV)),
        };
        self.set_v(to, reg);
        Ok(())
    }

    fn unary_scalar(&mut self, op: UnaryOp, ty: Type, a: Value, to: Value) -> bool {
        let x = self.x(a);
        let reg = match (op, ty) {
            (UnaryOp::Not, _) => self.op_imm(x, -1, ri!(Xori)),
            (UnaryOp::Neg, Type::B64) => self.op2(Reg::ZERO, x, r!(Sub)),
            (UnaryOp::Neg, Type::B32) => self.op2(Reg::ZERO, x, r!(Subw)),
            (UnaryOp::Neg, _) => self.narrow2(Reg::ZERO, x, r!(Sub)),
            (UnaryOp::Abs, _) => {
                let negated = self.op2(Reg::ZERO, x, r!(Sub));
                let positive = self.op2(x, negated, r!(Max));
                self.canonical(ty, positive)
            }
            (UnaryOp::PopCount, Type::B64) => self.op1(x, r1!(Cpop)),
            (UnaryOp::PopCount, Type::B32) => self.op1(x, r1!(Cpopw)),
            (UnaryOp::PopCount, _) => {
                let x = self.op1(x, r1!(ZextH));
                self.op1(x, r1!(Cpop))
            }
            (UnaryOp::LeadingZeros, Type::B64) => self.op1(x, r1!(Clz)),
            (UnaryOp::LeadingZeros, Type::B32) => self.op1(x, r1!(Clzw)),
            (UnaryOp::LeadingZeros, _) => {
                let x = self.op1(x, r1!(ZextH));
                let count = self.op1(x, r1!(Clzw));
                self.op_imm(count, -16, ri!(Addi))
            }
            (UnaryOp::BitReverse, _) => return false,
        };
        self.set_x(to, reg);
        true
    }

    /// A count held at the width of `ty` as 32 bits.
    fn count_to_word(&mut self, ty: Type, count: Reg) -> Reg {
        match ty {
            Type::B64 => self.narrow(Type::B32, count),
            Type::B16 => self.resize(Type::B32, Type::B32, count, v1!(VzextVf2)),
            Type::B32 | Type::Pred => count,
        }
    }

    pub(super) fn mul_wide(
        &mut self,
        signed: bool,
        a: Value,
        b: Value,
        to: Value,
        divergent: bool,
    ) -> Selected {
        let (from, wide) = (self.ty(a), self.ty(to));
        if !divergent {
            let (mut x, mut y) = (self.x(a), self.x(b));
            if !signed {
                if from == Type::B16 {
                    (x, y) = (self.op1(x, r1!(ZextH)), self.op1(y, r1!(ZextH)));
                } else {
                    (x, y) = (self.zero_extend_word(x), self.zero_extend_word(y));
                }
            }
            let product = self.op2(x, y, r!(Mul));
            let product = self.canonical(wide, product);
            self.set_x(to, product);
            return Ok(());
        }
        let (a, b) = if self.is_divergent(a) { (a, b) } else { (b, a) };
        let x = self.v(a);
        // A power of two widens, then shifts.
        if let Some(bits) = self.constant(b)
            && bits.is_power_of_two()
            && bits.trailing_zeros() < 31
            && bits.trailing_zeros() + 1 < from.bits()
        {
            let by = u8::try_from(bits.trailing_zeros()).expect("below 31");
            let extended = if signed {
                self.resize(wide, wide, x, v1!(VsextVf2))
            } else {
                self.resize(wide, wide, x, v1!(VzextVf2))
            };
            let reg = self.vector_imm(wide, extended, by, vu!(VsllVi));
            self.set_v(to, reg);
            return Ok(());
        }
        let reg = self.m.reg(super::vector_class(wide));
        if self.is_divergent(b) {
            let y = self.v(b);
            let (vd, vs2, vs1) = (self.m.v(reg), self.m.v(x), self.m.v(y));
            let vm = true;
            self.m.early(
                sew(from),
                if signed {
                    Inst::VwmulVv { vd, vs2, vs1, vm }
                } else {
                    Inst::VwmuluVv { vd, vs2, vs1, vm }
                },
            );
        } else {
            let y = self.x(b);
            let (vd, vs2, rs1) = (self.m.v(reg), self.m.v(x), self.m.x(y));
            let vm = true;
            self.m.early(
                sew(from),
                if signed {
                    Inst::VwmulVx { vd, vs2, rs1, vm }
                } else {
                    Inst::VwmuluVx { vd, vs2, rs1, vm }
                },
            );
        }
        self.set_v(to, reg);
        Ok(())
    }

    pub(super) fn add_carry(
        &mut self,
        a: Value,
        b: Value,
        carry: Value,
        sum: Value,
        out: Value,
        divergent: bool,
    ) -> Selected {
        let ty = self.ty(sum);
        if !divergent && ty != Type::B16 {
            let (x, y, c) = (self.x(a), self.x(b), self.x(carry));
            let (total, carried) = if ty == Type::B32 {
                let (x, y) = (self.zero_extend_word(x), self.zero_extend_word(y));
                let total = self.op2(x, y, r!(Add));
                let total = self.op2(total, c, r!(Add));
                let carried = self.op_imm(total, 32, rs!(Srli));
                (self.op_imm(total, 0, ri!(Addiw)), carried)
            } else {
                let first = self.op2(x, y, r!(Add));
                let over = self.op2(first, y, r!(Sltu));
                let total = self.op2(first, c, r!(Add));
                let again = self.op2(total, c, r!(Sltu));
                (total, self.op2(over, again, r!(Or)))
            };
            self.set_x(sum, total);
            self.set_x(out, carried);
            return Ok(());
        }
        let (x, y) = (self.v(a), self.v(b));
        if self.constant(carry) == Some(0) {
            let total = self.vector2(ty, x, y, vv!(VaddVv));
            self.set_v(sum, total);
            self.compare2(ty, x, y, |vd, vs2, vs1| Inst::VmadcVv { vd, vs2, vs1 });
        } else {
            let mask = self.mask(carry);
            let total = self.m.reg(super::vector_class(ty));
            let inst = Inst::VadcVvm {
                vd: self.m.v(total),
                vs2: self.m.v(x),
                vs1: self.m.v(y),
            };
            self.m.masked(sew(ty), Some(mask), false, inst);
            let inst = Inst::VmadcVvm {
                vd: self.m.v(Reg::V0),
                vs2: self.m.v(x),
                vs1: self.m.v(y),
            };
            self.m.masked(sew(ty), Some(mask), false, inst);
            let out_mask = self.take_v0();
            self.set_v(sum, total);
            self.set_mask(out, out_mask);
            return Ok(());
        }
        self.set_mask_v0(out);
        Ok(())
    }

    pub(super) fn sub_borrow(
        &mut self,
        a: Value,
        b: Value,
        borrow: Value,
        difference: Value,
        out: Value,
        divergent: bool,
    ) -> Selected {
        let ty = self.ty(difference);
        if !divergent && ty != Type::B16 {
            let (x, y, c) = (self.x(a), self.x(b), self.x(borrow));
            let (total, borrowed) = if ty == Type::B32 {
                let (x, y) = (self.zero_extend_word(x), self.zero_extend_word(y));
                let total = self.op2(x, y, r!(Sub));
                let total = self.op2(total, c, r!(Sub));
                let borrowed = self.op_imm(total, 63, rs!(Srli));
                (self.op_imm(total, 0, ri!(Addiw)), borrowed)
            } else {
                let first = self.op2(x, y, r!(Sub));
                let under = self.op2(x, y, r!(Sltu));
                let total = self.op2(first, c, r!(Sub));
                let again = self.op2(first, c, r!(Sltu));
                (total, self.op2(under, again, r!(Or)))
            };
            self.set_x(difference, total);
            self.set_x(out, borrowed);
            return Ok(());
        }
        let (x, y) = (self.v(a), self.v(b));
        let mask = self.mask(borrow);
        let total = self.m.reg(super::vector_class(ty));
        let inst = Inst::VsbcVvm {
            vd: self.m.v(total),
            vs2: self.m.v(x),
            vs1: self.m.v(y),
        };
        self.m.masked(sew(ty), Some(mask), false, inst);
        let inst = Inst::VmsbcVvm {
            vd: self.m.v(Reg::V0),
            vs2: self.m.v(x),
            vs1: self.m.v(y),
        };
        self.m.masked(sew(ty), Some(mask), false, inst);
        let out_mask = self.take_v0();
        self.set_v(difference, total);
        self.set_mask(out, out_mask);
        Ok(())
    }

    pub(super) fn pack(&mut self, low: Value, high: Value, to: Value, divergent: bool) -> Selected {
        let (half, ty) = (self.ty(low), self.ty(to));
        if !divergent {
            let (x, y) = (self.x(low), self.x(high));
            let reg = if half == Type::B32 {
                let shifted = self.op_imm(y, 32, rs!(Slli));
                self.op2(x, shifted, r!(AddUw))
            } else {
                let shifted = self.op_imm(y, 16, rs!(Slliw));
                let low = self.op1(x, r1!(ZextH));
                self.op2(low, shifted, r!(Or))
            };
            self.set_x(to, reg);
            return Ok(());
        }
        if self.constant(high) == Some(0) {
            let x = self.v(low);
            let reg = self.resize(ty, ty, x, v1!(VzextVf2));
            self.set_v(to, reg);
            return Ok(());
        }
        // low + high, then high * (2^n - 1) more: low + high * 2^n.
        let (x, y) = (self.v(low), self.v(high));
        let ones = self.constant_x(-1);
        let sum = self.m.reg(super::vector_class(ty));
        let inst = Inst::VwadduVv {
            vd: self.m.v(sum),
            vs2: self.m.v(x),
            vs1: self.m.v(y),
            vm: true,
        };
        self.m.early(sew(half), inst);
        let inst = Inst::VwmaccuVx {
            vd: self.m.v(sum),
            rs1: self.m.x(ones),
            vs2: self.m.v(y),
            vm: true,
        };
        self.m.early(sew(half), inst);
        self.set_v(to, sum);
        Ok(())
    }

    /// `a * b + c` on integers is not an operation of the IR; this is a copy to a register
    /// that an instruction may overwrite.
    pub(super) fn copy_v(&mut self, class: RegClass, from: Reg) -> Reg {
        let reg = self.m.reg(class);
        self.m.pseudo(crate::rv::machine::Kind::Copy, &[reg, from]);
        reg
    }
}

fn vi_form(
    this: &mut Selector<'_>,
    ty: Type,
    a: Value,
    imm: i32,
    make: impl Fn(weft_isa::V, weft_isa::V, i32) -> Inst,
) -> Reg {
    let a = this.v(a);
    this.vector_imm(ty, a, imm, make)
}
