//! Values that are affine in the lane, and what follows from them.
//!
//! A value is *affine* if it is `base + stride * lane` with a uniform base and a constant stride
//! (Collange, Defour, Zhang: "Dynamic detection of uniform and affine vectors in GPGPU
//! computations"). Two passes make use of it, and each keeps the meaning of the function, so that
//! the interpreter can run what they make:
//!
//! 1. [`expose()`], on IR of any form, writes thread indices as sums of those of lane 0 and of
//!    lanes, as the class of launches allows, and turns what depends on their high bits only into
//!    operations on uniform values: `tid.x >> 5` is one.
//! 2. [`rewrite_addresses`], on normalised IR, finds the addresses that are affine and makes
//!    them [`Op::Affine`](crate::ir::Op::Affine) operations on a base that is computed beside
//!    the original. Selection turns accesses there into unit-stride and strided ones. What was
//!    needed for addresses alone is dead afterwards.
//!
//! # Wrapping
//!
//! Arithmetic is modulo 2 to the width, in which sums and products by constants stay affine
//! whatever they do. Widening does not: `sext(base + stride * lane)` is `sext(base) + stride *
//! lane` only up to the lane at which the 32-bit sum wraps around, and differs by 2^32 from there
//! on. Where [`range`] cannot exclude that, the lane at which it happens is computed at run time
//! as a uniform value and carried along ([`crate::ir::Wrap`]): it is 32 or more unless it does
//! happen. Selection branches on it.

mod addresses;
mod build;
mod expose;
mod range;

pub(super) use addresses::rewrite_addresses;
pub(super) use expose::expose;

use crate::ir::{Function, Inst, Op, Type, Value};

/// Instruction that defines each value; none for parameters.
fn definitions(function: &Function) -> Vec<Option<Inst>> {
    let mut definitions = vec![None; function.value_types.len()];
    for block in &function.blocks {
        for &inst in &block.insts {
            for &result in &function.inst(inst).results {
                definitions[result.index()] = Some(inst);
            }
        }
    }
    definitions
}

/// Bits of a constant.
fn constant(function: &Function, definitions: &[Option<Inst>], value: Value) -> Option<u64> {
    let inst = (*definitions.get(value.index())?)?;
    match function.inst(inst).op {
        Op::Const(_, bits) => Some(bits),
        Op::Undef(_) => Some(0),
        _ => None,
    }
}

/// A constant sign-extended from its width.
fn signed_constant(function: &Function, definitions: &[Option<Inst>], value: Value) -> Option<i64> {
    let bits = constant(function, definitions, value)?;
    Some(signed(function.ty(value), bits))
}

/// Bits of a type as a signed number.
const fn signed(ty: Type, bits: u64) -> i64 {
    let unused = 64 - ty.bits();
    (bits << unused).cast_signed() >> unused
}

#[cfg(test)]
mod tests;
