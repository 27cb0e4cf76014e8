//! Fixed-point vector arithmetic (V 12): saturation, averaging, scaling shifts, clips.
//!
//! Computed in 128-bit integers element by element: rarely used on this chip.

use std::marker::PhantomData;

use weft_isa::abi::LANES;

use super::integer::{Int, Narrow};
use super::lanes::{active, scalar_x};
use super::{Env, Flow, Hart, Kernel, Op};

/// Rounding mode and the saturation flag.
pub(super) struct Fixed {
    vxrm: u8,
    saturated: bool,
}

impl Fixed {
    /// `value >> shift`, rounded as `vxrm` says (V 3.8).
    fn round(&self, value: i128, shift: u32) -> i128 {
        if shift == 0 {
            return value;
        }
        let kept = value >> shift;
        let half = value >> (shift - 1) & 1;
        let below = value & ((1 << (shift - 1)) - 1) != 0;
        let increment = match self.vxrm {
            0 => half,
            1 => half & i128::from(below || kept & 1 == 1),
            2 => 0,
            _ => i128::from(kept & 1 == 0 && (half == 1 || below)),
        };
        kept + increment
    }

    fn clamp(&mut self, value: i128, low: i128, high: i128) -> i128 {
        let clamped = value.clamp(low, high);
        self.saturated |= clamped != value;
        clamped
    }

    fn clamp_signed(&mut self, value: i128, bits: u32) -> i128 {
        let limit = 1i128 << (bits - 1);
        self.clamp(value, -limit, limit - 1)
    }

    fn clamp_unsigned(&mut self, value: i128, bits: u32) -> i128 {
        self.clamp(value, 0, (1i128 << bits) - 1)
    }
}

/// A body: `a` is `vs2`, `b` is `vs1` or the scalar, read as `SIGNED` says; the shift amounts
/// are unsigned.
pub(super) trait FixedOp: 'static {
    const SIGNED: bool;
    fn apply(fixed: &mut Fixed, a: i128, b: i128, bits: u32) -> i128;
}

macro_rules! fixed_ops {
    ($($name:ident signed $signed:literal ($fixed:ident, $a:ident, $b:ident, $bits:ident)
        = $body:expr;)*) => {$(
        pub(super) enum $name {}
        impl FixedOp for $name {
            const SIGNED: bool = $signed;
            #[allow(unused_variables, reason = "not every body saturates")]
            fn apply($fixed: &mut Fixed, $a: i128, $b: i128, $bits: u32) -> i128 {
                $body
            }
        }
    )*};
}

/// The shift amount in the low bits of an operand.
fn amount(b: i128, bits: u32) -> u32 {
    b as u32 & (bits - 1)
}

fixed_ops! {
    SaddU signed false (f, a, b, bits) = f.clamp_unsigned(a + b, bits);
    SaddS signed true (f, a, b, bits) = f.clamp_signed(a + b, bits);
    SsubU signed false (f, a, b, bits) = f.clamp_unsigned(a - b, bits);
    SsubS signed true (f, a, b, bits) = f.clamp_signed(a - b, bits);
    AaddU signed false (f, a, b, bits) = f.round(a + b, 1);
    AaddS signed true (f, a, b, bits) = f.round(a + b, 1);
    AsubU signed false (f, a, b, bits) = f.round(a - b, 1);
    AsubS signed true (f, a, b, bits) = f.round(a - b, 1);
    Smul signed true (f, a, b, bits) = {
        let product = f.round(a * b, bits - 1);
        f.clamp_signed(product, bits)
    };
    Ssrl signed false (f, a, b, bits) = f.round(a, amount(b, bits));
    Ssra signed true (f, a, b, bits) = f.round(a, amount(b, bits));
    // Clips: `a` has twice the bits of the result, and the amount is modulo that width.
    ClipU signed false (f, a, b, bits) = {
        let shifted = f.round(a, amount(b, 2 * bits));
        f.clamp_unsigned(shifted, bits)
    };
    ClipS signed true (f, a, b, bits) = {
        let shifted = f.round(a, amount(b, 2 * bits));
        f.clamp_signed(shifted, bits)
    };
}

fn extended<T: Int>(value: T, signed: bool) -> i128 {
    if signed {
        i128::from(value.to_i64())
    } else {
        i128::from(value.to_u64())
    }
}

#[inline(always)]
fn walk<A: Int, T: Int, F: FixedOp, const SCALAR: bool>(hart: &mut Hart, op: &Op) -> Flow {
    let mut fixed = Fixed {
        vxrm: hart.vxrm,
        saturated: false,
    };
    let scalar = scalar_x::<T>(hart, op);
    for index in hart.vstart as usize..hart.vl as usize {
        if active(hart, op, index / LANES) & 1 << (index % LANES) == 0 {
            continue;
        }
        let a = extended(hart.element::<A>(op.rs2, index), F::SIGNED);
        let b = if SCALAR {
            scalar
        } else {
            hart.element::<T>(op.rs1, index)
        };
        let result = F::apply(&mut fixed, a, extended(b, F::SIGNED), T::BITS);
        hart.set_element(op.rd, index, T::from_u64(result as u64));
    }
    hart.vxsat |= fixed.saturated;
    hart.vstart = 0;
    Flow::Next
}

/// One width.
pub(super) struct FixedBinary<F, T, const SCALAR: bool>(PhantomData<(F, T)>);

impl<F: FixedOp, T: Int, const SCALAR: bool> Kernel for FixedBinary<F, T, SCALAR> {
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        walk::<T, T, F, SCALAR>(hart, op)
    }
}

/// `vnclip` and `vnclipu`: `vs2` is twice as wide.
pub(super) struct FixedNarrow<F, T, const SCALAR: bool>(PhantomData<(F, T)>);

impl<F: FixedOp, T: Narrow, const SCALAR: bool> Kernel for FixedNarrow<F, T, SCALAR> {
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        walk::<T::Wide, T, F, SCALAR>(hart, op)
    }
}
