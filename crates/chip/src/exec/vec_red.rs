//! Reductions (V 14): a fold of the active elements of `vs2` into element 0 of `vs1`.
//!
//! Float sums are taken in order of index, unordered ones too, so that results are the same
//! bits everywhere. Where none is active an unordered sum is that of nothing and the scalar, so a
//! NaN becomes canonical, and an ordered one is the scalar as it is (V 14.3).

use std::marker::PhantomData;

use weft_isa::abi::LANES;

use super::float::Float;
use super::integer::{Int, Narrow};
use super::lanes::{active, begun};
use super::soft::{self, Status};
use super::vec_arith::Binary;
use super::vec_fp::{exact_status, rounding_is_host};
use super::{Env, Flow, Hart, Kernel, Op, illegal};

/// Folds active elements into the element 0 of `vs1`; no effect when `vl` is 0.
#[inline(always)]
fn fold<A: crate::hart::Element, D: crate::hart::Element>(
    hart: &mut Hart,
    op: &Op,
    f: impl Fn(D, A) -> D,
) -> Flow {
    if hart.vstart != 0 {
        return begun(hart, op);
    }
    if hart.vl != 0 {
        let mut sum = hart.element::<D>(op.rs1, 0);
        for chunk in 0..(hart.vl as usize).div_ceil(LANES) {
            let active = active(hart, op, chunk);
            let values = hart.vector::<A>(op.rs2, chunk);
            for lane in 0..LANES {
                let next = f(sum, values[lane]);
                sum = if active & (1 << lane) != 0 { next } else { sum };
            }
        }
        hart.set_element(op.rd, 0, sum);
    }
    Flow::Next
}

/// `vredsum`, `vredand`, ... by the elementwise operation.
pub(super) struct Reduce<F, T>(PhantomData<(F, T)>);

impl<F: Binary, T: Int> Kernel for Reduce<F, T> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        fold(hart, op, |sum: T, value: T| F::apply(sum, value))
    }
}

/// `vwredsum` and `vwredsumu`.
pub(super) struct WideningSum<T, const SIGNED: bool>(PhantomData<T>);

impl<T: Narrow, const SIGNED: bool> Kernel for WideningSum<T, SIGNED> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        fold(hart, op, |sum: T::Wide, value: T| {
            sum.add(if SIGNED { value.sext() } else { value.zext() })
        })
    }
}

/// Float reductions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FloatFold {
    Sum,
    Min,
    Max,
}

/// `vfredosum`, `vfredusum`, `vfredmin`, `vfredmax`: `FOLD` is a [`FloatFold`].
pub(super) struct FloatReduce<T, const FOLD: u8>(PhantomData<T>);

impl<T: Float, const FOLD: u8> Kernel for FloatReduce<T, FOLD> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        if !rounding_is_host(hart, env) {
            return reduce_exactly(hart, op, T::FORMAT, T::FORMAT, FOLD);
        }
        let flow = fold(hart, op, |sum: T, value: T| {
            if FOLD == FloatFold::Sum as u8 {
                sum.add(value)
            } else if FOLD == FloatFold::Min as u8 {
                sum.min(value)
            } else {
                sum.max(value)
            }
        });
        if is_unordered(op) && flow == Flow::Next && hart.vl != 0 {
            let sum = hart.element::<T>(op.rd, 0);
            hart.set_element(op.rd, 0, sum.canonical());
        }
        flow
    }
}

/// `vfwredosum` and `vfwredusum`, and every float reduction whose rounding or flags the host
/// does not provide.
pub(super) struct FloatWideningSum<N, W>(PhantomData<(N, W)>);

impl<N: Float, W: Float> Kernel for FloatWideningSum<N, W> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        reduce_exactly(hart, op, N::FORMAT, W::FORMAT, FloatFold::Sum as u8)
    }
}

/// `vfredusum` and `vfwredusum`, as translation marks them.
#[inline(always)]
fn is_unordered(op: &Op) -> bool {
    op.imm != 0
}

fn reduce_exactly(
    hart: &mut Hart,
    op: &Op,
    from: soft::Format,
    to: soft::Format,
    fold: u8,
) -> Flow {
    let Some(mut status) = exact_status(hart) else {
        return illegal(hart, op, "reserved rounding mode");
    };
    if hart.vstart != 0 {
        return begun(hart, op);
    }
    if hart.vl != 0 {
        let mut sum = super::vec_fp::element(hart, to, op.rs1, 0);
        for index in 0..hart.vl as usize {
            if active(hart, op, index / LANES) & 1 << (index % LANES) == 0 {
                continue;
            }
            let value = super::vec_fp::element(hart, from, op.rs2, index);
            let value = if from == to {
                value
            } else {
                soft::convert(from, to, value, &mut status)
            };
            sum = step(fold, to, sum, value, &mut status);
        }
        if is_unordered(op) && to.is_nan(sum) {
            // Of a NaN that was quieted already, nothing is raised a second time.
            if to.is_signaling(sum) {
                status.flags |= soft::NV;
            }
            sum = to.canonical_nan();
        }
        super::vec_fp::set_element(hart, to, op.rd, 0, sum);
    }
    hart.fflags |= status.flags;
    Flow::Next
}

fn step(fold: u8, format: soft::Format, sum: u64, value: u64, status: &mut Status) -> u64 {
    if fold == FloatFold::Sum as u8 {
        soft::add(format, sum, value, status)
    } else {
        soft::min_max(format, sum, value, fold == FloatFold::Max as u8, status)
    }
}
