//! Mask instructions (V 15).

use std::marker::PhantomData;

use weft_isa::abi::LANES;

use super::integer::Int;
use super::lanes::{active, begun, body, for_each_chunk, merge_mask};
use super::{Env, Flow, Hart, Kernel, Op};

macro_rules! mask_logic {
    ($($name:ident ($a:ident, $b:ident) = $body:expr;)*) => {$(
        pub(super) fn $name(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
            for chunk in 0..(hart.vl as usize).div_ceil(LANES) {
                let ($a, $b) = (hart.mask_word(op.rs2, chunk), hart.mask_word(op.rs1, chunk));
                let written = body(hart, chunk);
                merge_mask(hart, op.rd, chunk, $body, written);
            }
            hart.vstart = 0;
            Flow::Next
        }
    )*};
}

mask_logic! {
    vmand (a, b) = a & b;
    vmnand (a, b) = !(a & b);
    vmandn (a, b) = a & !b;
    vmxor (a, b) = a ^ b;
    vmor (a, b) = a | b;
    vmnor (a, b) = !(a | b);
    vmorn (a, b) = a | !b;
    vmxnor (a, b) = !(a ^ b);
}

/// The active ones of `vs2` in a chunk.
fn ones(hart: &Hart, op: &Op, chunk: usize) -> u32 {
    hart.mask_word(op.rs2, chunk) & active(hart, op, chunk)
}

/// `vcpop.m`.
pub(super) fn vcpop(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    if hart.vstart != 0 {
        return begun(hart, op);
    }
    let chunks = (hart.vl as usize).div_ceil(LANES);
    let count = (0..chunks)
        .map(|chunk| u64::from(ones(hart, op, chunk).count_ones()))
        .sum();
    hart.set_x(op.rd, count);
    hart.vstart = 0;
    Flow::Next
}

/// `vfirst.m`.
pub(super) fn vfirst(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    if hart.vstart != 0 {
        return begun(hart, op);
    }
    let chunks = (hart.vl as usize).div_ceil(LANES);
    let first = (0..chunks).find_map(|chunk| {
        let ones = ones(hart, op, chunk);
        (ones != 0).then(|| (chunk * LANES) as u64 + u64::from(ones.trailing_zeros()))
    });
    hart.set_x(op.rd, first.unwrap_or(u64::MAX));
    hart.vstart = 0;
    Flow::Next
}

/// Sets bits relative to the first one: `before(lowest)` gives the bits of the chunk that has
/// it, chunks before it are all `earlier`.
fn set_around_first(hart: &mut Hart, op: &Op, earlier: u32, around: impl Fn(u32) -> u32) -> Flow {
    if hart.vstart != 0 {
        return begun(hart, op);
    }
    let mut found = false;
    for chunk in 0..(hart.vl as usize).div_ceil(LANES) {
        let active = active(hart, op, chunk);
        let ones = hart.mask_word(op.rs2, chunk) & active;
        let bits = match (found, ones) {
            (true, _) => 0,
            (false, 0) => earlier,
            (false, _) => around(ones & ones.wrapping_neg()),
        };
        found |= ones != 0;
        merge_mask(hart, op.rd, chunk, bits, active);
    }
    hart.vstart = 0;
    Flow::Next
}

/// `vmsbf.m`: the elements before the first one.
pub(super) fn vmsbf(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    set_around_first(hart, op, u32::MAX, |lowest| lowest - 1)
}

/// `vmsif.m`: the elements up to the first one.
pub(super) fn vmsif(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    set_around_first(hart, op, u32::MAX, |lowest| lowest | (lowest - 1))
}

/// `vmsof.m`: the first one only.
pub(super) fn vmsof(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    set_around_first(hart, op, 0, |lowest| lowest)
}

/// `viota.m`: how many active ones come before each element.
pub(super) struct Iota<T>(PhantomData<T>);

impl<T: Int> Kernel for Iota<T> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        if hart.vstart != 0 {
            return begun(hart, op);
        }
        let mut before = 0u32;
        for_each_chunk!(hart, op, |chunk, active| {
            let ones = hart.mask_word(op.rs2, chunk) & active;
            let mut result = [T::ZERO; LANES];
            for lane in 0..LANES {
                let lower = ones & ((1 << lane) - 1);
                result[lane] = T::from_u64(u64::from(before + lower.count_ones()));
            }
            before += ones.count_ones();
            hart.merge_vector(op.rd, chunk, &result, active);
        })
    }
}

/// `vid.v`: the index of each element.
pub(super) struct Id<T>(PhantomData<T>);

impl<T: Int> Kernel for Id<T> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        for_each_chunk!(hart, op, |chunk, active| {
            let mut result = [T::ZERO; LANES];
            for lane in 0..LANES {
                result[lane] = T::from_u64((chunk * LANES + lane) as u64);
            }
            hart.merge_vector(op.rd, chunk, &result, active);
        })
    }
}
