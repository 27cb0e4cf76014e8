//! Shapes of instructions: how operands and a result become one.

use super::{Selector, sew, vector_class};
use crate::ir::Type;
use crate::rv::machine::{Reg, RegClass};
use weft_isa::{F, Inst, V, X};

/// A closure that makes a register-register instruction of this name.
macro_rules! r {
    ($name:ident) => {
        |rd, rs1, rs2| weft_isa::Inst::$name { rd, rs1, rs2 }
    };
}
/// Register-immediate.
macro_rules! ri {
    ($name:ident) => {
        |rd, rs1, imm| weft_isa::Inst::$name { rd, rs1, imm }
    };
}
/// Register shifted by an immediate.
macro_rules! rs {
    ($name:ident) => {
        |rd, rs1, shamt| weft_isa::Inst::$name { rd, rs1, shamt }
    };
}
/// One register operand.
macro_rules! r1 {
    ($name:ident) => {
        |rd, rs1| weft_isa::Inst::$name { rd, rs1 }
    };
}
/// Vector-vector.
macro_rules! vv {
    ($name:ident) => {
        |vd, vs2, vs1| weft_isa::Inst::$name {
            vd,
            vs2,
            vs1,
            vm: true,
        }
    };
}
/// Vector-scalar, integer or float.
macro_rules! vx {
    ($name:ident) => {
        |vd, vs2, rs1| weft_isa::Inst::$name {
            vd,
            vs2,
            rs1,
            vm: true,
        }
    };
}
/// Vector-immediate.
macro_rules! vi {
    ($name:ident) => {
        |vd, vs2, imm| weft_isa::Inst::$name {
            vd,
            vs2,
            imm,
            vm: true,
        }
    };
}
/// Vector and unsigned immediate.
macro_rules! vu {
    ($name:ident) => {
        |vd, vs2, uimm| weft_isa::Inst::$name {
            vd,
            vs2,
            uimm,
            vm: true,
        }
    };
}
/// One vector operand.
macro_rules! v1 {
    ($name:ident) => {
        |vd, vs2| weft_isa::Inst::$name { vd, vs2, vm: true }
    };
}
pub(super) use {r, r1, ri, rs, v1, vi, vu, vv, vx};

impl Selector<'_> {
    pub(crate) fn op2(&mut self, a: Reg, b: Reg, make: impl Fn(X, X, X) -> Inst) -> Reg {
        let to = self.m.reg(RegClass::X);
        let inst = make(self.m.x(to), self.m.x(a), self.m.x(b));
        self.m.scalar(inst);
        to
    }

    pub(crate) fn op1(&mut self, a: Reg, make: impl Fn(X, X) -> Inst) -> Reg {
        let to = self.m.reg(RegClass::X);
        let inst = make(self.m.x(to), self.m.x(a));
        self.m.scalar(inst);
        to
    }

    /// With an immediate or a shift amount.
    pub(crate) fn op_imm<I>(&mut self, a: Reg, imm: I, make: impl Fn(X, X, I) -> Inst) -> Reg {
        let to = self.m.reg(RegClass::X);
        let inst = make(self.m.x(to), self.m.x(a), imm);
        self.m.scalar(inst);
        to
    }

    /// Two vectors to one, all of the type.
    pub(crate) fn vector2(
        &mut self,
        ty: Type,
        a: Reg,
        b: Reg,
        make: impl Fn(V, V, V) -> Inst,
    ) -> Reg {
        let to = self.m.reg(vector_class(ty));
        let inst = make(self.m.v(to), self.m.v(a), self.m.v(b));
        self.m.vector(sew(ty), inst);
        to
    }

    pub(crate) fn vector1(&mut self, ty: Type, a: Reg, make: impl Fn(V, V) -> Inst) -> Reg {
        let to = self.m.reg(vector_class(ty));
        let inst = make(self.m.v(to), self.m.v(a));
        self.m.vector(sew(ty), inst);
        to
    }

    pub(crate) fn vector_x(
        &mut self,
        ty: Type,
        a: Reg,
        x: Reg,
        make: impl Fn(V, V, X) -> Inst,
    ) -> Reg {
        let to = self.m.reg(vector_class(ty));
        let inst = make(self.m.v(to), self.m.v(a), self.m.x(x));
        self.m.vector(sew(ty), inst);
        to
    }

    pub(crate) fn vector_f(
        &mut self,
        ty: Type,
        a: Reg,
        f: Reg,
        make: impl Fn(V, V, F) -> Inst,
    ) -> Reg {
        let to = self.m.reg(vector_class(ty));
        let inst = make(self.m.v(to), self.m.v(a), self.m.f(f));
        self.m.vector(sew(ty), inst);
        to
    }

    /// With a signed or unsigned immediate.
    pub(crate) fn vector_imm<I>(
        &mut self,
        ty: Type,
        a: Reg,
        imm: I,
        make: impl Fn(V, V, I) -> Inst,
    ) -> Reg {
        let to = self.m.reg(vector_class(ty));
        let inst = make(self.m.v(to), self.m.v(a), imm);
        self.m.vector(sew(ty), inst);
        to
    }

    /// From a vector of one type to another width: `width` is what `vtype` must say.
    pub(crate) fn resize(
        &mut self,
        to_ty: Type,
        width: Type,
        a: Reg,
        make: impl Fn(V, V) -> Inst,
    ) -> Reg {
        let to = self.m.reg(vector_class(to_ty));
        let inst = make(self.m.v(to), self.m.v(a));
        self.m.early(sew(width), inst);
        to
    }

    /// A comparison of two vectors into `v0`.
    pub(crate) fn compare2(&mut self, ty: Type, a: Reg, b: Reg, make: impl Fn(V, V, V) -> Inst) {
        let inst = make(self.m.v(Reg::V0), self.m.v(a), self.m.v(b));
        self.m.vector(sew(ty), inst);
    }

    pub(crate) fn compare_x(&mut self, ty: Type, a: Reg, x: Reg, make: impl Fn(V, V, X) -> Inst) {
        let inst = make(self.m.v(Reg::V0), self.m.v(a), self.m.x(x));
        self.m.vector(sew(ty), inst);
    }

    pub(crate) fn compare_f(&mut self, ty: Type, a: Reg, f: Reg, make: impl Fn(V, V, F) -> Inst) {
        let inst = make(self.m.v(Reg::V0), self.m.v(a), self.m.f(f));
        self.m.vector(sew(ty), inst);
    }

    pub(crate) fn compare_imm<I>(
        &mut self,
        ty: Type,
        a: Reg,
        imm: I,
        make: impl Fn(V, V, I) -> Inst,
    ) {
        let inst = make(self.m.v(Reg::V0), self.m.v(a), imm);
        self.m.vector(sew(ty), inst);
    }

    /// `mask ? a : b`, lane by lane; without a mask, by what `v0` holds.
    pub(crate) fn merge(&mut self, ty: Type, mask: Option<Reg>, a: Reg, b: Reg) -> Reg {
        let to = self.m.reg(vector_class(ty));
        let inst = Inst::VmergeVvm {
            vd: self.m.v(to),
            vs2: self.m.v(b),
            vs1: self.m.v(a),
        };
        self.m.masked(sew(ty), mask, false, inst);
        to
    }

    /// `mask ? imm : b`.
    pub(crate) fn merge_imm(&mut self, ty: Type, mask: Option<Reg>, imm: i32, b: Reg) -> Reg {
        let to = self.m.reg(vector_class(ty));
        let inst = Inst::VmergeVim {
            vd: self.m.v(to),
            vs2: self.m.v(b),
            imm,
        };
        self.m.masked(sew(ty), mask, false, inst);
        to
    }

    /// `mask ? x : b`.
    pub(crate) fn merge_x(&mut self, ty: Type, mask: Option<Reg>, x: Reg, b: Reg) -> Reg {
        let to = self.m.reg(vector_class(ty));
        let inst = Inst::VmergeVxm {
            vd: self.m.v(to),
            vs2: self.m.v(b),
            rs1: self.m.x(x),
        };
        self.m.masked(sew(ty), mask, false, inst);
        to
    }
}
