//! Permutations: slides, gathers, compress, moves (V 16).

use std::marker::PhantomData;

use weft_isa::abi::{LANES, VLEN_BYTES};

use super::float::boxed;
use super::integer::Int;
use super::lanes::{active, begun, body, for_each_chunk, scalar_x};
use super::{Env, Flow, Hart, Kernel, Op};

/// `vmv.x.s`: element 0, sign-extended, whatever `vl` is.
pub(super) struct MoveToX<T>(PhantomData<T>);

impl<T: Int> Kernel for MoveToX<T> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        let value = hart.element::<T>(op.rs2, 0).to_i64();
        hart.set_x(op.rd, value as u64);
        hart.vstart = 0;
        Flow::Next
    }
}

/// `vmv.s.x`: element 0.
pub(super) struct MoveFromX<T>(PhantomData<T>);

impl<T: Int> Kernel for MoveFromX<T> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        if hart.vstart < hart.vl {
            hart.set_element(op.rd, 0, T::from_u64(hart.x(op.rs1)));
        }
        hart.vstart = 0;
        Flow::Next
    }
}

/// `vfmv.f.s`: element 0.
pub(super) struct MoveToF<T>(PhantomData<T>);

impl<T: Int> Kernel for MoveToF<T> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        let value = hart.element::<T>(op.rs2, 0).to_u64();
        hart.set_f(op.rd, boxed(value, T::BITS));
        hart.vstart = 0;
        Flow::Next
    }
}

/// `vmv<n>r.v`: `imm` is the number of registers.
pub(super) fn move_registers(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    let element_bytes = if hart.vtype.vill {
        1
    } else {
        hart.vtype.sew.bytes()
    };
    let first = hart.vstart as usize * element_bytes;
    if first == 0 {
        for register in 0..op.imm as u8 {
            for chunk in 0..VLEN_BYTES / (4 * LANES) {
                let values = hart.vector::<u32>(op.rs2 + register, chunk);
                hart.set_vector(op.rd + register, chunk, &values);
            }
        }
    } else {
        for byte in first..op.imm as usize * VLEN_BYTES {
            let value = hart.element::<u8>(op.rs2, byte);
            hart.set_element(op.rd, byte, value);
        }
    }
    hart.vstart = 0;
    Flow::Next
}

/// `vslideup`: element `i` moves to `i + amount`; those below `amount` stay.
pub(super) struct SlideUp<T>(PhantomData<T>);

impl<T: Int> Kernel for SlideUp<T> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        let amount = hart.x(op.rs1).wrapping_add(op.imm as u64);
        let first = amount.max(u64::from(hart.vstart)).min(u64::from(hart.vl)) as usize;
        // Groups do not overlap, so the order does not matter.
        for index in first..hart.vl as usize {
            if active(hart, op, index / LANES) & 1 << (index % LANES) != 0 {
                let value = hart.element::<T>(op.rs2, index - amount as usize);
                hart.set_element(op.rd, index, value);
            }
        }
        hart.vstart = 0;
        Flow::Next
    }
}

/// `vslidedown`: element `i + amount` moves to `i`; 0 from beyond VLMAX.
pub(super) struct SlideDown<T>(PhantomData<T>);

impl<T: Int> Kernel for SlideDown<T> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        let amount = hart.x(op.rs1).wrapping_add(op.imm as u64);
        let limit = hart.vtype.vlmax() as u64;
        for index in hart.vstart as usize..hart.vl as usize {
            if active(hart, op, index / LANES) & 1 << (index % LANES) != 0 {
                let from = amount.saturating_add(index as u64);
                let value = if from < limit {
                    hart.element::<T>(op.rs2, from as usize)
                } else {
                    T::ZERO
                };
                hart.set_element(op.rd, index, value);
            }
        }
        hart.vstart = 0;
        Flow::Next
    }
}

/// `vslide1up` and `vfslide1up`: `FLOAT` takes the scalar from an `f` register.
pub(super) struct Slide1Up<T, const FLOAT: bool>(PhantomData<T>);

impl<T: Int, const FLOAT: bool> Kernel for Slide1Up<T, FLOAT> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        let scalar = slide_scalar::<T, FLOAT>(hart, op);
        for index in hart.vstart as usize..hart.vl as usize {
            if active(hart, op, index / LANES) & 1 << (index % LANES) != 0 {
                let value = if index == 0 {
                    scalar
                } else {
                    hart.element::<T>(op.rs2, index - 1)
                };
                hart.set_element(op.rd, index, value);
            }
        }
        hart.vstart = 0;
        Flow::Next
    }
}

/// `vslide1down` and `vfslide1down`.
pub(super) struct Slide1Down<T, const FLOAT: bool>(PhantomData<T>);

impl<T: Int, const FLOAT: bool> Kernel for Slide1Down<T, FLOAT> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        let scalar = slide_scalar::<T, FLOAT>(hart, op);
        let vl = hart.vl as usize;
        for index in hart.vstart as usize..vl {
            if active(hart, op, index / LANES) & 1 << (index % LANES) != 0 {
                let value = if index + 1 == vl {
                    scalar
                } else {
                    hart.element::<T>(op.rs2, index + 1)
                };
                hart.set_element(op.rd, index, value);
            }
        }
        hart.vstart = 0;
        Flow::Next
    }
}

#[inline(always)]
fn slide_scalar<T: Int, const FLOAT: bool>(hart: &Hart, op: &Op) -> T {
    if !FLOAT {
        return scalar_x(hart, op);
    }
    let register = hart.f(op.rs1);
    // A value that is not NaN-boxed is the canonical NaN.
    match T::BITS {
        16 if register >> 16 != u64::MAX >> 16 => T::from_u64(super::soft::F16.canonical_nan()),
        32 if register >> 32 != u64::MAX >> 32 => T::from_u64(super::soft::F32.canonical_nan()),
        _ => T::from_u64(register),
    }
}

/// `vrgather.vv` with indices of type `I`: `vd[i] = vs2[vs1[i]]`, 0 from beyond VLMAX.
pub(super) struct Gather<T, I>(PhantomData<(T, I)>);

impl<T: Int, I: Int> Kernel for Gather<T, I> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        let limit = hart.vtype.vlmax();
        if limit == LANES {
            // The table is one chunk.
            return for_each_chunk!(hart, op, |chunk, active| {
                let table = hart.vector::<T>(op.rs2, 0);
                let indices = hart.vector::<I>(op.rs1, chunk);
                let mut result = [T::ZERO; LANES];
                for lane in 0..LANES {
                    let index = indices[lane].to_u64();
                    let value = table[index as usize % LANES];
                    result[lane] = if index < LANES as u64 { value } else { T::ZERO };
                }
                hart.merge_vector(op.rd, chunk, &result, active);
            });
        }
        for_each_chunk!(hart, op, |chunk, active| {
            let indices = hart.vector::<I>(op.rs1, chunk);
            let mut result = [T::ZERO; LANES];
            for lane in 0..LANES {
                let index = indices[lane].to_u64();
                if index < limit as u64 {
                    result[lane] = hart.element::<T>(op.rs2, index as usize);
                }
            }
            hart.merge_vector(op.rd, chunk, &result, active);
        })
    }
}

/// `vrgather.vx` and `.vi`: one element for all.
pub(super) struct Broadcast<T>(PhantomData<T>);

impl<T: Int> Kernel for Broadcast<T> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        let index = hart.x(op.rs1).wrapping_add(op.imm as u64);
        let value = if index < hart.vtype.vlmax() as u64 {
            hart.element::<T>(op.rs2, index as usize)
        } else {
            T::ZERO
        };
        for_each_chunk!(hart, op, |chunk, active| {
            hart.merge_vector(op.rd, chunk, &[value; LANES], active);
        })
    }
}

/// `vcompress.vm`: the elements of `vs2` whose bit in `vs1` is set, packed.
pub(super) struct Compress<T>(PhantomData<T>);

impl<T: Int> Kernel for Compress<T> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        if hart.vstart != 0 {
            return begun(hart, op);
        }
        let mut next = 0;
        for chunk in 0..(hart.vl as usize).div_ceil(LANES) {
            let mut chosen = hart.mask_word(op.rs1, chunk) & body(hart, chunk);
            while chosen != 0 {
                let index = chunk * LANES + chosen.trailing_zeros() as usize;
                chosen &= chosen - 1;
                let value = hart.element::<T>(op.rs2, index);
                hart.set_element(op.rd, next, value);
                next += 1;
            }
        }
        Flow::Next
    }
}
