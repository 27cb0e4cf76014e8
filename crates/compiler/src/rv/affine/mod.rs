//! Values that are affine in the lane, and what follows from them.
//!
//! A value is *affine* if it is `base + stride * lane` with a uniform base and a constant stride
//! (Collange, Defour, Zhang: "Dynamic detection of uniform and affine vectors in GPGPU
//! computations"). More generally a value may be a uniform base plus a [`pattern`]: a number for
//! each lane that is known when the code is made, such as `lane / 16 * 64`. Two passes make use of
//! it, and each keeps the meaning of the function, so that the interpreter can run what they make:
//!
//! 1. [`expose()`], on IR of any form, writes thread indices as sums of those of lane 0 and of
//!    lanes, as the class of launches allows, and turns what depends on their high bits only into
//!    operations on uniform values: `tid.x >> 5` is one.
//! 2. [`rewrite_addresses`], on normalised IR, finds the addresses that are a base plus a pattern
//!    and computes the base beside the original. An affine address becomes an
//!    [`Op::Affine`](crate::ir::Op::Affine), another the sum of the base and an index that is made
//!    once at the entry. Selection turns accesses there into unit-stride and strided ones, and
//!    indexed ones with a scalar base. What was needed for addresses alone is dead afterwards.
//!
//! # Wrapping
//!
//! Arithmetic is modulo 2 to the width, in which sums and products by constants keep the form
//! whatever they do. Widening does not: `sext(base + stride * lane)` is `sext(base) + stride *
//! lane` only up to the lane at which the 32-bit sum wraps around, and differs by 2^32 from there
//! on. Where bounds ([`range`]) cannot exclude that, the lane at which it happens is computed at run time
//! as a uniform value and carried along ([`crate::ir::Wrap`]): it is 32 or more unless it does
//! happen. Selection branches on it.

mod addresses;
mod bits;
mod build;
mod expose;
mod pattern;
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
