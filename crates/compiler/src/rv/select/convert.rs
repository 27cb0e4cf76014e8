//! Conversions between widths, and between integers and floats.

use super::forms::{r, r1, ri, v1, vu, vv, vx};
use super::{Selected, Selector, sew};
use crate::ir::{FloatType, Rounding, Type, Value};
use crate::rv::machine::Reg;
use weft_isa::{Inst, RoundingMode, csr};

/// The static rounding mode of scalar instructions.
pub(super) const fn rounding_mode(rounding: Rounding) -> RoundingMode {
    match rounding {
        Rounding::Nearest => RoundingMode::Rne,
        Rounding::Zero => RoundingMode::Rtz,
        Rounding::Down => RoundingMode::Rdn,
        Rounding::Up => RoundingMode::Rup,
    }
}

impl Selector<'_> {
    /// Selects with the dynamic rounding mode set; outside it is always to nearest.
    pub(super) fn with_rounding<T>(
        &mut self,
        rounding: Rounding,
        select: impl FnOnce(&mut Self) -> T,
    ) -> T {
        if rounding == Rounding::Nearest {
            return select(self);
        }
        self.set_rounding(rounding);
        let result = select(self);
        self.set_rounding(Rounding::Nearest);
        result
    }

    fn set_rounding(&mut self, rounding: Rounding) {
        let rd = self.m.x(Reg::ZERO);
        self.m.scalar(Inst::Csrrwi {
            rd,
            csr: csr::FRM,
            uimm: rounding_mode(rounding) as u8,
        });
    }

    pub(super) fn truncate(&mut self, ty: Type, a: Value, to: Value, divergent: bool) -> Selected {
        if !divergent {
            let x = self.x(a);
            let reg = self.canonical(ty, x);
            self.set_x(to, reg);
            return Ok(());
        }
        let x = self.v(a);
        let reg = self.truncate_v(self.ty(a), ty, x);
        self.set_v(to, reg);
        Ok(())
    }

    /// The low bits of a vector's elements.
    pub(super) fn truncate_v(&mut self, from: Type, to: Type, a: Reg) -> Reg {
        let mut reg = a;
        if from == Type::B64 && to != Type::B64 {
            reg = self.narrow(Type::B32, reg);
        }
        if from != Type::B16 && to == Type::B16 {
            reg = self.narrow(Type::B16, reg);
        }
        reg
    }

    /// A vector's elements extended to a wider type.
    pub(super) fn extend_v(&mut self, from: Type, to: Type, signed: bool, a: Reg) -> Reg {
        match (to.bits() / from.bits(), signed) {
            (2, true) => self.resize(to, to, a, v1!(VsextVf2)),
            (2, false) => self.resize(to, to, a, v1!(VzextVf2)),
            (4, true) => self.resize(to, to, a, v1!(VsextVf4)),
            (4, false) => self.resize(to, to, a, v1!(VzextVf4)),
            _ => a,
        }
    }

    pub(super) fn extend(
        &mut self,
        signed: bool,
        from: u8,
        ty: Type,
        value: Value,
        to: Value,
        divergent: bool,
    ) -> Selected {
        if !divergent {
            let x = self.x(value);
            let reg = match (from, signed) {
                (8, true) => self.op1(x, r1!(SextB)),
                (8, false) => self.op_imm(x, 255, ri!(Andi)),
                (16, true) => self.op1(x, r1!(SextH)),
                (16, false) => {
                    let wide = self.op1(x, r1!(ZextH));
                    self.canonical(if ty == Type::B16 { ty } else { Type::B64 }, wide)
                }
                (_, true) => self.canonical(Type::B32, x),
                (_, false) => {
                    if ty == Type::B64 {
                        self.zero_extend_word(x)
                    } else {
                        self.canonical(Type::B32, x)
                    }
                }
            };
            self.set_x(to, reg);
            return Ok(());
        }
        let x = self.v(value);
        let mut held = self.ty(value);
        let mut reg = x;
        // No wider than the result, then the field filled up to what holds it.
        if held.bits() > ty.bits() || held.bits() > u32::from(from).max(16) {
            let target = match from {
                8 | 16 => Type::B16,
                _ => Type::B32,
            };
            reg = self.truncate_v(held, target, reg);
            held = target;
        }
        if u32::from(from) < held.bits() {
            let by = u8::try_from(held.bits()).expect("at most 64") - from;
            if !signed && from == 8 {
                let ones = self.constant_x(255);
                reg = self.vector_x(held, reg, ones, vx!(VandVx));
            } else {
                reg = self.vector_imm(held, reg, by, vu!(VsllVi));
                reg = if signed {
                    self.vector_imm(held, reg, by, vu!(VsraVi))
                } else {
                    self.vector_imm(held, reg, by, vu!(VsrlVi))
                };
            }
        }
        let reg = self.extend_v(held, ty, signed, reg);
        self.set_v(to, reg);
        Ok(())
    }

    pub(super) fn widen_bf16(&mut self, a: Reg) -> Reg {
        let wide = self.resize(Type::B32, Type::B32, a, v1!(VzextVf2));
        self.vector_imm(Type::B32, wide, 16, vu!(VsllVi))
    }

    /// Binary32 to BF16, rounded by `frm`.
    pub(super) fn narrow_bf16(&mut self, a: Reg) -> Reg {
        self.resize(Type::B16, Type::B16, a, v1!(Vfncvtbf16FFW))
    }

    pub(super) fn float_to_float(
        &mut self,
        from: FloatType,
        to_float: FloatType,
        rounding: Rounding,
        value: Value,
        to: Value,
    ) -> Selected {
        let no_bf16 = from != FloatType::Bf16 && to_float != FloatType::Bf16;
        if no_bf16 && !self.is_divergent(value) && from != to_float {
            let x = self.f(value);
            let reg = self.m.reg(crate::rv::machine::RegClass::F);
            let (rd, rs1, rm) = (self.m.f(reg), self.m.f(x), rounding_mode(rounding));
            let exact = RoundingMode::Rne;
            self.m.scalar(match (from.ty(), to_float.ty()) {
                (Type::B16, Type::B32) => Inst::FcvtSH { rd, rs1, rm: exact },
                (Type::B16, _) => Inst::FcvtDH { rd, rs1, rm: exact },
                (Type::B32, Type::B64) => Inst::FcvtDS { rd, rs1, rm: exact },
                (Type::B32, _) => Inst::FcvtHS { rd, rs1, rm },
                (_, Type::B32) => Inst::FcvtSD { rd, rs1, rm },
                _ => Inst::FcvtHD { rd, rs1, rm },
            });
            self.set_f(to, reg);
            return Ok(());
        }
        let x = self.v(value);
        let reg = self.with_rounding(rounding, |this| this.convert_float(from, to_float, x));
        self.set_v(to, reg);
        Ok(())
    }

    /// Between formats, rounded by `frm`.
    pub(super) fn convert_float(&mut self, from: FloatType, to: FloatType, x: Reg) -> Reg {
        use FloatType::{Bf16, F16, F32, F64};
        match (from, to) {
            (F16, F16) | (Bf16, Bf16) | (F32, F32) | (F64, F64) => x,
            (F16, F32) => self.resize(Type::B32, Type::B16, x, v1!(VfwcvtFFV)),
            (F32, F64) => self.resize(Type::B64, Type::B32, x, v1!(VfwcvtFFV)),
            (Bf16, F32) => self.resize(Type::B32, Type::B16, x, v1!(Vfwcvtbf16FFV)),
            (F16 | Bf16, _) => {
                let single = self.convert_float(from, F32, x);
                self.convert_float(F32, to, single)
            }
            (F32, F16) => self.resize(Type::B16, Type::B16, x, v1!(VfncvtFFW)),
            (F32, Bf16) => self.narrow_bf16(x),
            (F64, F32) => self.resize(Type::B32, Type::B32, x, v1!(VfncvtFFW)),
            // Rounding to odd first makes the second rounding the only one.
            (F64, F16 | Bf16) => {
                let odd = self.resize(Type::B32, Type::B32, x, v1!(VfncvtRodFFW));
                self.convert_float(F32, to, odd)
            }
        }
    }

    pub(super) fn float_to_int(
        &mut self,
        from: FloatType,
        signed: bool,
        bits: u8,
        rounding: Rounding,
        value: Value,
        to: Value,
    ) -> Selected {
        let x = self.v(value);
        // Halves go through binary32, which holds them exactly.
        let (from, x) = match from {
            FloatType::F16 | FloatType::Bf16 => {
                (FloatType::F32, self.convert_float(from, FloatType::F32, x))
            }
            FloatType::F32 | FloatType::F64 => (from, x),
        };
        let source = from.ty();
        let target = if bits == 64 { Type::B64 } else { Type::B32 };
        let converted = self.with_rounding(rounding, |this| match (source, target, signed) {
            (Type::B32, Type::B32, true) | (Type::B64, Type::B64, true) => {
                this.vector1(source, x, v1!(VfcvtXFV))
            }
            (Type::B32, Type::B32, false) | (Type::B64, Type::B64, false) => {
                this.vector1(source, x, v1!(VfcvtXuFV))
            }
            (Type::B32, _, true) => this.resize(Type::B64, Type::B32, x, v1!(VfwcvtXFV)),
            (Type::B32, _, false) => this.resize(Type::B64, Type::B32, x, v1!(VfwcvtXuFV)),
            (_, _, true) => this.resize(Type::B32, Type::B32, x, v1!(VfncvtXFW)),
            (_, _, false) => this.resize(Type::B32, Type::B32, x, v1!(VfncvtXuFW)),
        });
        let mut reg = converted;
        if bits < 32 {
            if signed {
                let high = self.constant_x((1 << (bits - 1)) - 1);
                let low = self.constant_x(-(1 << (bits - 1)));
                reg = self.vector_x(target, reg, high, vx!(VminVx));
                reg = self.vector_x(target, reg, low, vx!(VmaxVx));
            } else {
                let high = self.constant_x((1 << bits) - 1);
                reg = self.vector_x(target, reg, high, vx!(VminuVx));
            }
        }
        // The hardware turns NaN into the largest integer, PTX into 0.
        self.compare2(source, x, x, vv!(VmfneVv));
        reg = self.merge_imm(target, None, 0, reg);
        let reg = self.truncate_v(target, self.ty(to), reg);
        self.set_v(to, reg);
        Ok(())
    }

    pub(super) fn int_to_float(
        &mut self,
        float: FloatType,
        signed: bool,
        rounding: Rounding,
        value: Value,
        to: Value,
    ) -> Selected {
        let source = self.ty(value);
        if !self.is_divergent(value) && float != FloatType::Bf16 {
            return self.int_to_float_scalar(float, signed, rounding, value, to);
        }
        let mut x = self.v(value);
        let mut held = source;
        if held == Type::B16 {
            x = self.extend_v(held, Type::B32, signed, x);
            held = Type::B32;
        }
        let reg = match (held, float) {
            (Type::Pred | Type::B16 | Type::B32, FloatType::F64) => {
                if signed {
                    self.resize(Type::B64, Type::B32, x, v1!(VfwcvtFXV))
                } else {
                    self.resize(Type::B64, Type::B32, x, v1!(VfwcvtFXuV))
                }
            }
            (Type::B32, FloatType::F32) | (Type::B64, FloatType::F64) => {
                self.with_rounding(rounding, |this| {
                    if signed {
                        this.vector1(held, x, v1!(VfcvtFXV))
                    } else {
                        this.vector1(held, x, v1!(VfcvtFXuV))
                    }
                })
            }
            (Type::B32, FloatType::F16) | (_, FloatType::F32) => {
                self.narrow_to_float(float.ty(), signed, rounding, x)
            }
            (Type::B32, FloatType::Bf16) => {
                let double = if signed {
                    self.resize(Type::B64, Type::B32, x, v1!(VfwcvtFXV))
                } else {
                    self.resize(Type::B64, Type::B32, x, v1!(VfwcvtFXuV))
                };
                self.with_rounding(rounding, |this| {
                    this.convert_float(FloatType::F64, FloatType::Bf16, double)
                })
            }
            (_, FloatType::F16) => {
                // Anything beyond a million overflows a half all the same.
                let most = self.constant_x(1 << 20);
                x = if signed {
                    let least = self.constant_x(-(1 << 20));
                    let low = self.vector_x(held, x, most, vx!(VminVx));
                    self.vector_x(held, low, least, vx!(VmaxVx))
                } else {
                    self.vector_x(held, x, most, vx!(VminuVx))
                };
                let word = self.narrow(Type::B32, x);
                self.narrow_to_float(Type::B16, signed, rounding, word)
            }
            (_, FloatType::Bf16) => {
                return self.unsupported("conversion of a 64-bit integer to bf16".to_owned());
            }
        };
        self.set_v(to, reg);
        Ok(())
    }

    /// Integers to floats of half their width.
    fn narrow_to_float(&mut self, ty: Type, signed: bool, rounding: Rounding, x: Reg) -> Reg {
        self.with_rounding(rounding, |this| {
            if signed {
                this.resize(ty, ty, x, v1!(VfncvtFXW))
            } else {
                this.resize(ty, ty, x, v1!(VfncvtFXuW))
            }
        })
    }

    fn int_to_float_scalar(
        &mut self,
        float: FloatType,
        signed: bool,
        rounding: Rounding,
        value: Value,
        to: Value,
    ) -> Selected {
        let mut x = self.x(value);
        // A narrower unsigned integer is a positive 64-bit one.
        let long = match (self.ty(value), signed) {
            (Type::B64, _) => true,
            (_, true) => false,
            (Type::B16, false) => {
                x = self.op1(x, r1!(ZextH));
                false
            }
            (_, false) => {
                x = self.zero_extend_word(x);
                true
            }
        };
        let unsigned_long = self.ty(value) == Type::B64 && !signed;
        let reg = self.m.reg(crate::rv::machine::RegClass::F);
        let (rd, rs1, rm) = (self.m.f(reg), self.m.x(x), rounding_mode(rounding));
        self.m.scalar(match (float.ty(), long, unsigned_long) {
            (Type::B64, _, true) => Inst::FcvtDLu { rd, rs1, rm },
            (Type::B64, true, _) => Inst::FcvtDL { rd, rs1, rm },
            (Type::B64, ..) => Inst::FcvtDW {
                rd,
                rs1,
                rm: RoundingMode::Rne,
            },
            (Type::B32, _, true) => Inst::FcvtSLu { rd, rs1, rm },
            (Type::B32, true, _) => Inst::FcvtSL { rd, rs1, rm },
            (Type::B32, ..) => Inst::FcvtSW { rd, rs1, rm },
            (_, _, true) => Inst::FcvtHLu { rd, rs1, rm },
            (_, true, _) => Inst::FcvtHL { rd, rs1, rm },
            _ => Inst::FcvtHW { rd, rs1, rm },
        });
        self.set_f(to, reg);
        Ok(())
    }

    /// A vector of lane numbers at an element width.
    pub(super) fn lanes(&mut self, ty: Type) -> Reg {
        let reg = self.m.reg(super::vector_class(ty));
        let vd = self.m.v(reg);
        self.m.vector(sew(ty), Inst::VidV { vd, vm: true });
        reg
    }

    /// `a + b` of `x` registers.
    pub(super) fn sum(&mut self, a: Reg, b: Reg) -> Reg {
        if b == Reg::ZERO {
            return a;
        }
        if a == Reg::ZERO {
            return b;
        }
        self.op2(a, b, r!(Add))
    }
}
