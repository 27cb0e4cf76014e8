//! Walking over elements: chunks of 32, masks, tails and `vstart`, once for all instructions.
//!
//! Whatever LMUL is, a register group is one run of elements in the register file, so every
//! elementwise instruction is the same body over chunks of 32 elements with a 32-bit set of
//! active ones. At the types of a warp (32 elements) there is exactly one chunk, and the set
//! is full when the instruction is unmasked. Inactive and tail elements are left undisturbed,
//! which both agnostic policies allow.

use weft_isa::abi::LANES;

use super::float::{Float, unboxed};
use super::integer::Int;
use super::{Flow, Hart, Op};
use crate::hart::Element;

/// Ends the block: an instruction that cannot be interrupted was to begin in the middle.
#[cold]
pub(super) fn begun(hart: &mut Hart, op: &Op) -> Flow {
    super::illegal(hart, op, "vstart is not 0")
}

/// The elements of a chunk that `vl` and `vstart` leave.
#[inline(always)]
pub(super) fn body(hart: &Hart, chunk: usize) -> u32 {
    let first = (chunk * LANES) as u32;
    let mut set = u32::MAX;
    let left = hart.vl.saturating_sub(first);
    if left < LANES as u32 {
        set = (1 << left) - 1;
    }
    if hart.vstart > first {
        let skip = hart.vstart - first;
        set &= if skip < LANES as u32 {
            u32::MAX << skip
        } else {
            0
        };
    }
    set
}

/// The active elements of a chunk.
#[inline(always)]
pub(super) fn active(hart: &Hart, op: &Op, chunk: usize) -> u32 {
    let set = body(hart, chunk);
    if op.vm {
        set
    } else {
        set & hart.mask_word(0, chunk)
    }
}

/// Whether the elements are those of a warp: one whole chunk.
#[inline(always)]
pub(super) fn is_whole(hart: &Hart) -> bool {
    (hart.vl ^ LANES as u32) | hart.vstart == 0
}

/// The active elements of the first chunk.
#[inline(always)]
pub(super) fn first_active(hart: &Hart, op: &Op, whole: bool) -> u32 {
    if whole {
        if op.vm {
            u32::MAX
        } else {
            hart.mask_word(0, 0)
        }
    } else {
        active(hart, op, 0)
    }
}

/// Runs a block for every chunk below `vl` with active elements, and goes on with the next
/// instruction. A macro, because a closure would be compiled without the target features of
/// the function that it ends up in.
macro_rules! for_each_chunk {
    ($hart:ident, $op:ident, |$chunk:ident, $active:ident| $each:block) => {{
        let whole = $crate::exec::lanes::is_whole($hart);
        let mut $chunk = 0;
        let mut next = $crate::exec::lanes::first_active($hart, $op, whole);
        loop {
            let $active = next;
            if $active != 0 {
                $each
            }
            if whole {
                break;
            }
            $chunk += 1;
            if $chunk * weft_isa::abi::LANES >= $hart.vl as usize {
                $hart.vstart = 0;
                break;
            }
            next = $crate::exec::lanes::active($hart, $op, $chunk);
        }
        $crate::exec::Flow::Next
    }};
}
pub(super) use for_each_chunk;

/// `vd[i] = f(vs2[i])`.
#[inline(always)]
pub(super) fn map_v<A: Element, R: Element>(hart: &mut Hart, op: &Op, f: impl Fn(A) -> R) -> Flow {
    for_each_chunk!(hart, op, |chunk, active| {
        let a = hart.vector::<A>(op.rs2, chunk);
        let mut result = [R::default(); LANES];
        for lane in 0..LANES {
            result[lane] = f(a[lane]);
        }
        hart.merge_vector(op.rd, chunk, &result, active);
    })
}

/// `vd[i] = f(vs2[i], vs1[i])`.
#[inline(always)]
pub(super) fn map_vv<A: Element, B: Element, R: Element>(
    hart: &mut Hart,
    op: &Op,
    f: impl Fn(A, B) -> R,
) -> Flow {
    for_each_chunk!(hart, op, |chunk, active| {
        let a = hart.vector::<A>(op.rs2, chunk);
        let b = hart.vector::<B>(op.rs1, chunk);
        let mut result = [R::default(); LANES];
        for lane in 0..LANES {
            result[lane] = f(a[lane], b[lane]);
        }
        hart.merge_vector(op.rd, chunk, &result, active);
    })
}

/// `vd[i] = f(vs2[i], scalar)`.
#[inline(always)]
pub(super) fn map_vs<A: Element, B: Element, R: Element>(
    hart: &mut Hart,
    op: &Op,
    scalar: B,
    f: impl Fn(A, B) -> R,
) -> Flow {
    map_v(hart, op, |a: A| f(a, scalar))
}

/// `vd[i] = f(vs2[i], vs1[i], vd[i])`.
#[inline(always)]
pub(super) fn map_vvd<A: Element, D: Element>(
    hart: &mut Hart,
    op: &Op,
    f: impl Fn(A, A, D) -> D,
) -> Flow {
    for_each_chunk!(hart, op, |chunk, active| {
        let a = hart.vector::<A>(op.rs2, chunk);
        let b = hart.vector::<A>(op.rs1, chunk);
        let d = hart.vector::<D>(op.rd, chunk);
        let mut result = [D::default(); LANES];
        for lane in 0..LANES {
            result[lane] = f(a[lane], b[lane], d[lane]);
        }
        hart.merge_vector(op.rd, chunk, &result, active);
    })
}

/// `vd[i] = f(vs2[i], scalar, vd[i])`.
#[inline(always)]
pub(super) fn map_vsd<A: Element, D: Element>(
    hart: &mut Hart,
    op: &Op,
    scalar: A,
    f: impl Fn(A, A, D) -> D,
) -> Flow {
    for_each_chunk!(hart, op, |chunk, active| {
        let a = hart.vector::<A>(op.rs2, chunk);
        let d = hart.vector::<D>(op.rd, chunk);
        let mut result = [D::default(); LANES];
        for lane in 0..LANES {
            result[lane] = f(a[lane], scalar, d[lane]);
        }
        hart.merge_vector(op.rd, chunk, &result, active);
    })
}

/// Mask `vd.bit[i] = f(vs2[i], vs1[i])`.
#[inline(always)]
pub(super) fn test_vv<A: Element>(hart: &mut Hart, op: &Op, f: impl Fn(A, A) -> bool) -> Flow {
    for_each_chunk!(hart, op, |chunk, active| {
        let a = hart.vector::<A>(op.rs2, chunk);
        let b = hart.vector::<A>(op.rs1, chunk);
        let mut flags = [0u8; LANES];
        for lane in 0..LANES {
            flags[lane] = if f(a[lane], b[lane]) { 0xff } else { 0 };
        }
        merge_mask(hart, op.rd, chunk, bits(&flags), active);
    })
}

/// Mask `vd.bit[i] = f(vs2[i], scalar)`.
#[inline(always)]
pub(super) fn test_vs<A: Element>(
    hart: &mut Hart,
    op: &Op,
    scalar: A,
    f: impl Fn(A, A) -> bool,
) -> Flow {
    for_each_chunk!(hart, op, |chunk, active| {
        let a = hart.vector::<A>(op.rs2, chunk);
        let mut flags = [0u8; LANES];
        for lane in 0..LANES {
            flags[lane] = if f(a[lane], scalar) { 0xff } else { 0 };
        }
        merge_mask(hart, op.rd, chunk, bits(&flags), active);
    })
}

/// Replaces the active bits of a word of a mask register.
#[inline(always)]
pub(super) fn merge_mask(hart: &mut Hart, register: u8, chunk: usize, bits: u32, active: u32) {
    let old = hart.mask_word(register, chunk);
    hart.set_element(register, chunk, old & !active | bits & active);
}

/// Bit `i` of the result is the top bit of `flags[i]`; flags are 0 or 0xff.
#[inline(always)]
pub(super) fn bits(flags: &[u8; LANES]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_movemask_epi8};
        // SAFETY: SSE2 is part of x86-64.
        let mask = |bytes: __m128i| unsafe { _mm_movemask_epi8(bytes) };
        // SAFETY: the array has 32 bytes.
        let low = mask(unsafe { _mm_loadu_si128(flags.as_ptr().cast()) });
        // SAFETY: 16 bytes are left.
        let high = mask(unsafe { _mm_loadu_si128(flags[16..].as_ptr().cast()) });
        low as u32 | (high as u32) << 16
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let mut bits = 0;
        for (group, bytes) in flags.chunks_exact(8).enumerate() {
            let mut word = 0;
            for (i, &flag) in bytes.iter().enumerate() {
                word |= u64::from(flag & 1) << (8 * i);
            }
            // Each product bit 56 + i collects the flag of byte i.
            let packed = word.wrapping_mul(0x0102_0408_1020_4080) >> 56;
            bits |= (packed as u32) << (8 * group);
        }
        bits
    }
}

/// The scalar operand of `.vx` and `.vi`: exactly one of register and immediate is not zero.
#[inline(always)]
pub(super) fn scalar_x<T: Int>(hart: &Hart, op: &Op) -> T {
    T::from_u64(hart.x(op.rs1).wrapping_add(op.imm as u64))
}

/// The scalar operand of `.vf`.
#[inline(always)]
pub(super) fn scalar_f<T: Float>(hart: &Hart, op: &Op) -> T {
    T::from_bits(unboxed(hart.f(op.rs1), T::FORMAT))
}
