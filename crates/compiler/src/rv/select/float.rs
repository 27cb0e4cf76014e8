//! Floating-point arithmetic.

use super::convert::rounding_mode;
use super::forms::{v1, vv, vx};
use super::{Selected, Selector, sew, vector_class};
use crate::ir::{ApproxOp, FloatBinaryOp, FloatType, FloatUnaryOp, Rounding, Type, Value};
use crate::rv::machine::{Reg, RegClass};
use weft_isa::{F, Inst};

/// The canonical NaN of a format.
const fn canonical_nan(ty: Type) -> u64 {
    match ty {
        Type::B64 => 0x7ff8_0000_0000_0000,
        Type::B32 => 0x7fc0_0000,
        Type::B16 | Type::Pred => 0x7e00,
    }
}

/// The bits of 1.
const fn one(ty: Type) -> u64 {
    match ty {
        Type::B64 => 0x3ff0_0000_0000_0000,
        Type::B32 => 0x3f80_0000,
        Type::B16 | Type::Pred => 0x3c00,
    }
}

/// The least power of two from which every float is an integer.
const fn integral(ty: Type) -> u64 {
    match ty {
        Type::B64 => 0x4330_0000_0000_0000,
        Type::B32 => 0x4b00_0000,
        Type::B16 | Type::Pred => 0x6400,
    }
}

/// The instruction of the format: half, single or double.
macro_rules! by_format {
    ($ty:expr, $h:ident, $s:ident, $d:ident, $($operands:tt)*) => {
        match $ty {
            Type::B64 => Inst::$d { $($operands)* },
            Type::B32 => Inst::$s { $($operands)* },
            Type::B16 | Type::Pred => Inst::$h { $($operands)* },
        }
    };
}

impl Selector<'_> {
    pub(super) fn float_binary(
        &mut self,
        op: FloatBinaryOp,
        float: FloatType,
        rounding: Rounding,
        [a, b]: [Value; 2],
        to: Value,
        divergent: bool,
    ) -> Selected {
        let ty = float.ty();
        if float == FloatType::Bf16 {
            return self.float_binary_bf16(op, rounding, a, b, to);
        }
        if !divergent {
            let reg = self.float_binary_scalar(op, ty, rounding, a, b);
            self.set_f(to, reg);
            return Ok(());
        }
        let reg = self.with_rounding(rounding, |this| this.float_binary_vector(op, ty, a, b));
        let reg = match op {
            FloatBinaryOp::MinNan | FloatBinaryOp::MaxNan => {
                let (x, y) = (self.v(a), self.v(b));
                self.nan_if_either(ty, x, y, reg)
            }
            _ => reg,
        };
        self.set_v(to, reg);
        Ok(())
    }

    fn float_binary_scalar(
        &mut self,
        op: FloatBinaryOp,
        ty: Type,
        rounding: Rounding,
        a: Value,
        b: Value,
    ) -> Reg {
        let (x, y) = (self.f(a), self.f(b));
        let to = self.m.reg(RegClass::F);
        let (x, y) = if op == FloatBinaryOp::CopySign {
            (y, x)
        } else {
            (x, y)
        };
        let (rd, rs1, rs2) = (self.m.f(to), self.m.f(x), self.m.f(y));
        let rm = rounding_mode(rounding);
        self.m.scalar(match op {
            FloatBinaryOp::Add => by_format!(ty, FaddH, FaddS, FaddD, rd, rs1, rs2, rm),
            FloatBinaryOp::Sub => by_format!(ty, FsubH, FsubS, FsubD, rd, rs1, rs2, rm),
            FloatBinaryOp::Mul => by_format!(ty, FmulH, FmulS, FmulD, rd, rs1, rs2, rm),
            FloatBinaryOp::Div => by_format!(ty, FdivH, FdivS, FdivD, rd, rs1, rs2, rm),
            FloatBinaryOp::Min => by_format!(ty, FminH, FminS, FminD, rd, rs1, rs2),
            FloatBinaryOp::Max => by_format!(ty, FmaxH, FmaxS, FmaxD, rd, rs1, rs2),
            FloatBinaryOp::MinNan => by_format!(ty, FminmH, FminmS, FminmD, rd, rs1, rs2),
            FloatBinaryOp::MaxNan => by_format!(ty, FmaxmH, FmaxmS, FmaxmD, rd, rs1, rs2),
            FloatBinaryOp::CopySign => by_format!(ty, FsgnjH, FsgnjS, FsgnjD, rd, rs1, rs2),
        });
        to
    }

    /// `MinNan` and `MaxNan` come out as `Min` and `Max`.
    fn float_binary_vector(&mut self, op: FloatBinaryOp, ty: Type, a: Value, b: Value) -> Reg {
        let (a, b) = if op == FloatBinaryOp::CopySign {
            (b, a)
        } else {
            (a, b)
        };
        let commutes = !matches!(
            op,
            FloatBinaryOp::Sub | FloatBinaryOp::Div | FloatBinaryOp::CopySign
        );
        let (a, b) = if commutes && !self.is_divergent(a) {
            (b, a)
        } else {
            (a, b)
        };
        if self.is_divergent(a) && !self.is_divergent(b) {
            let (x, y) = (self.v(a), self.f(b));
            return match op {
                FloatBinaryOp::Add => self.vector_f(ty, x, y, vx!(VfaddVf)),
                FloatBinaryOp::Sub => self.vector_f(ty, x, y, vx!(VfsubVf)),
                FloatBinaryOp::Mul => self.vector_f(ty, x, y, vx!(VfmulVf)),
                FloatBinaryOp::Div => self.vector_f(ty, x, y, vx!(VfdivVf)),
                FloatBinaryOp::Min | FloatBinaryOp::MinNan => self.vector_f(ty, x, y, vx!(VfminVf)),
                FloatBinaryOp::Max | FloatBinaryOp::MaxNan => self.vector_f(ty, x, y, vx!(VfmaxVf)),
                FloatBinaryOp::CopySign => self.vector_f(ty, x, y, vx!(VfsgnjVf)),
            };
        }
        if !self.is_divergent(a) && matches!(op, FloatBinaryOp::Sub | FloatBinaryOp::Div) {
            let (x, y) = (self.f(a), self.v(b));
            return if op == FloatBinaryOp::Sub {
                self.vector_f(ty, y, x, vx!(VfrsubVf))
            } else {
                self.vector_f(ty, y, x, vx!(VfrdivVf))
            };
        }
        let (x, y) = (self.v(a), self.v(b));
        self.float_vv(op, ty, x, y)
    }

    fn float_vv(&mut self, op: FloatBinaryOp, ty: Type, x: Reg, y: Reg) -> Reg {
        match op {
            FloatBinaryOp::Add => self.vector2(ty, x, y, vv!(VfaddVv)),
            FloatBinaryOp::Sub => self.vector2(ty, x, y, vv!(VfsubVv)),
            FloatBinaryOp::Mul => self.vector2(ty, x, y, vv!(VfmulVv)),
            FloatBinaryOp::Div => self.vector2(ty, x, y, vv!(VfdivVv)),
            FloatBinaryOp::Min | FloatBinaryOp::MinNan => self.vector2(ty, x, y, vv!(VfminVv)),
            FloatBinaryOp::Max | FloatBinaryOp::MaxNan => self.vector2(ty, x, y, vv!(VfmaxVv)),
            FloatBinaryOp::CopySign => self.vector2(ty, x, y, vv!(VfsgnjVv)),
        }
    }

    /// The canonical NaN where an operand is NaN, else `reg`.
    fn nan_if_either(&mut self, ty: Type, x: Reg, y: Reg, reg: Reg) -> Reg {
        let nan = self.constant_x(super::sign_extend(canonical_nan(ty), ty.bits()));
        self.compare2(ty, x, x, vv!(VmfneVv));
        let reg = self.merge_x(ty, None, nan, reg);
        self.compare2(ty, y, y, vv!(VmfneVv));
        self.merge_x(ty, None, nan, reg)
    }

    /// BF16 arithmetic in binary32, whose 24 bits of precision exceed twice 8 by enough that
    /// rounding the rounded result again gives what one rounding would.
    fn float_binary_bf16(
        &mut self,
        op: FloatBinaryOp,
        rounding: Rounding,
        a: Value,
        b: Value,
        to: Value,
    ) -> Selected {
        if op == FloatBinaryOp::CopySign {
            // A sign is a bit of any 16-bit format.
            let (x, y) = (self.v(a), self.v(b));
            let reg = self.vector2(Type::B16, y, x, vv!(VfsgnjVv));
            self.set_v(to, reg);
            return Ok(());
        }
        let (x, y) = (self.v(a), self.v(b));
        let (x, y) = (self.widen_bf16(x), self.widen_bf16(y));
        let reg = self.with_rounding(rounding, |this| {
            let wide = this.float_vv(op, Type::B32, x, y);
            let wide = match op {
                FloatBinaryOp::MinNan | FloatBinaryOp::MaxNan => {
                    this.nan_if_either(Type::B32, x, y, wide)
                }
                _ => wide,
            };
            this.narrow_bf16(wide)
        });
        self.set_v(to, reg);
        Ok(())
    }

    pub(super) fn fused_multiply_add(
        &mut self,
        float: FloatType,
        rounding: Rounding,
        [a, b, c]: [Value; 3],
        to: Value,
        divergent: bool,
    ) -> Selected {
        let ty = float.ty();
        if float == FloatType::Bf16 {
            return self.fused_bf16(rounding, [a, b, c], to);
        }
        if !divergent {
            let (x, y, z) = (self.f(a), self.f(b), self.f(c));
            let reg = self.m.reg(RegClass::F);
            let (rd, rs1) = (self.m.f(reg), self.m.f(x));
            let (rs2, rs3, rm) = (self.m.f(y), self.m.f(z), rounding_mode(rounding));
            self.m.scalar(by_format!(
                ty, FmaddH, FmaddS, FmaddD, rd, rs1, rs2, rs3, rm
            ));
            self.set_f(to, reg);
            return Ok(());
        }
        let (a, b) = if self.is_divergent(a) { (a, b) } else { (b, a) };
        let reg = self.with_rounding(rounding, |this| {
            if this.is_divergent(a) && !this.is_divergent(b) {
                let (x, y, z) = (this.v(a), this.f(b), this.v(c));
                return this.fma_f(ty, x, y, z, this.dies_here(a) && !this.dies_here(c));
            }
            let (x, y, z) = (this.v(a), this.v(b), this.v(c));
            let into_factor = !this.dies_here(c) && (this.dies_here(a) || this.dies_here(b));
            let (x, y) = if into_factor && !this.dies_here(a) {
                (y, x)
            } else {
                (x, y)
            };
            this.fma_v(ty, x, y, z, into_factor)
        });
        self.set_v(to, reg);
        Ok(())
    }

    /// Whether the value has no other use, so that its register may be overwritten.
    fn dies_here(&self, value: Value) -> bool {
        self.uses[value.index()] == 1 && self.is_divergent(value) && self.constant(value).is_none()
    }

    /// `x * y + z`, written over `x` if `into_factor`, else over `z`.
    fn fma_v(&mut self, ty: Type, x: Reg, y: Reg, z: Reg, into_factor: bool) -> Reg {
        let reg = self.copy_v(vector_class(ty), if into_factor { x } else { z });
        let (vd, vs1) = (self.m.v(reg), self.m.v(y));
        let inst = if into_factor {
            Inst::VfmaddVv {
                vd,
                vs1,
                vs2: self.m.v(z),
                vm: true,
            }
        } else {
            Inst::VfmaccVv {
                vd,
                vs1,
                vs2: self.m.v(x),
                vm: true,
            }
        };
        self.m.vector(sew(ty), inst);
        reg
    }

    /// The same with a scalar factor.
    fn fma_f(&mut self, ty: Type, x: Reg, y: Reg, z: Reg, into_factor: bool) -> Reg {
        let reg = self.copy_v(vector_class(ty), if into_factor { x } else { z });
        let (vd, rs1): (_, F) = (self.m.v(reg), self.m.f(y));
        let inst = if into_factor {
            Inst::VfmaddVf {
                vd,
                rs1,
                vs2: self.m.v(z),
                vm: true,
            }
        } else {
            Inst::VfmaccVf {
                vd,
                rs1,
                vs2: self.m.v(x),
                vm: true,
            }
        };
        self.m.vector(sew(ty), inst);
        reg
    }

    /// BF16: the exact product and the addend meet in binary64; the error of that sum says
    /// how to make it a sum rounded to odd, which rounds to BF16 as the exact one would.
    fn fused_bf16(&mut self, rounding: Rounding, operands: [Value; 3], to: Value) -> Selected {
        let ty = Type::B64;
        let [x, y, z] = operands.map(|value| {
            let reg = self.v(value);
            self.convert_float(FloatType::Bf16, FloatType::F64, reg)
        });
        let product = self.vector2(ty, x, y, vv!(VfmulVv));
        let sum = self.vector2(ty, product, z, vv!(VfaddVv));
        // Knuth's two-sum: error = (product - (sum - t)) + (z - t), t = sum - product.
        let t = self.vector2(ty, sum, product, vv!(VfsubVv));
        let back = self.vector2(ty, sum, t, vv!(VfsubVv));
        let left = self.vector2(ty, product, back, vv!(VfsubVv));
        let right = self.vector2(ty, z, t, vv!(VfsubVv));
        let error = self.vector2(ty, left, right, vv!(VfaddVv));
        // Inexact and even: one step towards the exact value.
        let zero = self.constant_f(ty, 0);
        self.compare_f(ty, error, zero, vx!(VmfltVf));
        let below = self.take_v0();
        self.compare_f(ty, error, zero, vx!(VmfgtVf));
        let above = self.take_v0();
        let odd = self.vector_imm(ty, sum, 1, super::forms::vi!(VandVi));
        self.compare_imm(ty, odd, 0, super::forms::vi!(VmseqVi));
        let even = self.take_v0();
        self.compare_imm(ty, sum, 0, super::forms::vi!(VmsleVi));
        let negative = self.take_v0();
        let inexact = self.op2(below, above, super::forms::r!(Or));
        let adjust = self.op2(inexact, even, super::forms::r!(And));
        let towards_zero = self.op2(below, negative, super::forms::r!(Xor));
        let up = self.add_constant_v(ty, sum, 1);
        let down = self.add_constant_v(ty, sum, -1);
        let step = self.merge(ty, Some(towards_zero), down, up);
        let sum = self.merge(ty, Some(adjust), step, sum);
        let reg = self.with_rounding(rounding, |this| {
            this.convert_float(FloatType::F64, FloatType::Bf16, sum)
        });
        self.set_v(to, reg);
        Ok(())
    }

    pub(super) fn float_unary(
        &mut self,
        op: FloatUnaryOp,
        float: FloatType,
        rounding: Rounding,
        a: Value,
        to: Value,
        divergent: bool,
    ) -> Selected {
        let ty = float.ty();
        let sign_only = matches!(op, FloatUnaryOp::Neg | FloatUnaryOp::Abs);
        if float == FloatType::Bf16 && !sign_only {
            let x = self.v(a);
            let x = self.widen_bf16(x);
            let reg = self.with_rounding(rounding, |this| {
                let wide = this.float_unary_vector(op, Type::B32, x)?;
                Ok(this.narrow_bf16(wide))
            })?;
            self.set_v(to, reg);
            return Ok(());
        }
        if !divergent
            && float != FloatType::Bf16
            && self.float_unary_scalar(op, ty, rounding, a, to)
        {
            return Ok(());
        }
        let x = self.v(a);
        let reg = self.with_rounding(rounding, |this| this.float_unary_vector(op, ty, x))?;
        self.set_v(to, reg);
        Ok(())
    }

    fn float_unary_scalar(
        &mut self,
        op: FloatUnaryOp,
        ty: Type,
        rounding: Rounding,
        a: Value,
        to: Value,
    ) -> bool {
        if op == FloatUnaryOp::FlushSubnormal {
            return false;
        }
        let x = self.f(a);
        let constants = (op == FloatUnaryOp::Saturate)
            .then(|| (self.constant_f(ty, 0), self.constant_f(ty, one(ty))));
        let reg = self.m.reg(RegClass::F);
        let (rd, rs1, rm) = (self.m.f(reg), self.m.f(x), rounding_mode(rounding));
        let inst = match (op, constants) {
            (FloatUnaryOp::Neg, _) => {
                by_format!(ty, FsgnjnH, FsgnjnS, FsgnjnD, rd, rs1, rs2: rs1)
            }
            (FloatUnaryOp::Abs, _) => {
                by_format!(ty, FsgnjxH, FsgnjxS, FsgnjxD, rd, rs1, rs2: rs1)
            }
            (FloatUnaryOp::Sqrt, _) => by_format!(ty, FsqrtH, FsqrtS, FsqrtD, rd, rs1, rm),
            (FloatUnaryOp::RoundToIntegral, _) => {
                by_format!(ty, FroundH, FroundS, FroundD, rd, rs1, rm)
            }
            (_, Some((zero, one))) => {
                let rs2 = self.m.f(zero);
                self.m
                    .scalar(by_format!(ty, FmaxH, FmaxS, FmaxD, rd, rs1, rs2));
                let clamped = self.m.reg(RegClass::F);
                let (rd, rs1, rs2) = (self.m.f(clamped), self.m.f(reg), self.m.f(one));
                self.m
                    .scalar(by_format!(ty, FminH, FminS, FminD, rd, rs1, rs2));
                self.set_f(to, clamped);
                return true;
            }
            (FloatUnaryOp::FlushSubnormal | FloatUnaryOp::Saturate, None) => return false,
        };
        self.m.scalar(inst);
        self.set_f(to, reg);
        true
    }

    fn float_unary_vector(
        &mut self,
        op: FloatUnaryOp,
        ty: Type,
        x: Reg,
    ) -> Result<Reg, super::Unsupported> {
        Ok(match op {
            FloatUnaryOp::Neg => self.vector2(ty, x, x, vv!(VfsgnjnVv)),
            FloatUnaryOp::Abs => self.vector2(ty, x, x, vv!(VfsgnjxVv)),
            FloatUnaryOp::Sqrt => self.vector1(ty, x, v1!(VfsqrtV)),
            FloatUnaryOp::FlushSubnormal if ty != Type::B64 => self.vector1(ty, x, v1!(XwVftzV)),
            FloatUnaryOp::FlushSubnormal => {
                return self.unsupported("flushing of binary64 subnormals".to_owned());
            }
            FloatUnaryOp::Saturate => {
                let (zero, one) = (self.constant_f(ty, 0), self.constant_f(ty, one(ty)));
                let positive = self.vector_f(ty, x, zero, vx!(VfmaxVf));
                self.vector_f(ty, positive, one, vx!(VfminVf))
            }
            FloatUnaryOp::RoundToIntegral => {
                let limit = self.constant_f(ty, integral(ty));
                let integer = self.vector1(ty, x, v1!(VfcvtXFV));
                let rounded = self.vector1(ty, integer, v1!(VfcvtFXV));
                let signed = self.vector2(ty, rounded, x, vv!(VfsgnjVv));
                let magnitude = self.vector2(ty, x, x, vv!(VfsgnjxVv));
                self.compare_f(ty, magnitude, limit, vx!(VmfltVf));
                self.merge(ty, None, signed, x)
            }
        })
    }

    pub(super) fn approx(&mut self, op: ApproxOp, a: Value, to: Value) -> Selected {
        let ty = Type::B32;
        let x = self.v(a);
        let reg = match op {
            ApproxOp::Reciprocal => self.vector1(ty, x, v1!(XwVrcpV)),
            ApproxOp::ReciprocalSqrt => self.vector1(ty, x, v1!(XwVrsqrtV)),
            ApproxOp::Sqrt => self.vector1(ty, x, v1!(XwVsqrtV)),
            ApproxOp::Sin => self.vector1(ty, x, v1!(XwVsinV)),
            ApproxOp::Cos => self.vector1(ty, x, v1!(XwVcosV)),
            ApproxOp::Exp2 => self.vector1(ty, x, v1!(XwVex2V)),
            ApproxOp::Log2 => self.vector1(ty, x, v1!(XwVlg2V)),
            ApproxOp::Tanh => self.vector1(ty, x, v1!(XwVtanhV)),
        };
        self.set_v(to, reg);
        Ok(())
    }
}
