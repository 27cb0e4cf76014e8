//! Floating-point instructions on `f` registers: F, D, Zfh, Zfa.
//!
//! Arithmetic reuses the elementwise bodies of [`vec_fp`](super::vec_fp), with `a`, `b`, `d`
//! the operands `rs1`, `rs2`, `rs3`.

use super::float::{Float, boxed, unboxed};
use super::soft::{self, Format, Rounding, Status};
use super::vec_fp::{FloatOp, FloatTest};
use super::{Env, Flow, Hart, Op, illegal};

/// The static or dynamic rounding mode, 0 to 7.
#[inline(always)]
fn mode(hart: &Hart, op: &Op) -> u8 {
    let field = (op.word >> 12 & 7) as u8;
    if field == 7 { hart.frm } else { field }
}

fn get(hart: &Hart, format: Format, register: u8) -> u64 {
    unboxed(hart.f(register), format)
}

fn set(hart: &mut Hart, format: Format, register: u8, value: u64) {
    hart.set_f(register, boxed(value, format.bits()));
}

/// Runs `body` with the rounding mode of the instruction and accrues its flags.
fn exactly(hart: &mut Hart, op: &Op, body: impl FnOnce(&mut Hart, &mut Status)) -> Flow {
    let Some(rounding) = Rounding::from_bits(mode(hart, op)) else {
        return illegal(hart, op, "reserved rounding mode");
    };
    let mut status = Status::new(rounding);
    body(hart, &mut status);
    hart.fflags |= status.flags;
    Flow::Next
}

/// An operation that rounds: sum, product, quotient, root, fused multiply-add.
pub(super) fn arithmetic<F: FloatOp, T: Float>(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    let [a, b, d] = [op.rs1, op.rs2, op.rs3].map(|register| get(hart, T::FORMAT, register));
    if mode(hart, op) == 0 && !env.tracks_flags {
        let result = F::host(T::from_bits(a), T::from_bits(b), T::from_bits(d));
        set(hart, T::FORMAT, op.rd, result.to_bits());
        return Flow::Next;
    }
    exactly(hart, op, |hart, status| {
        let result = F::exact(T::FORMAT, a, b, d, status);
        set(hart, T::FORMAT, op.rd, result);
    })
}

/// An operation that does not round: minimum, maximum, sign injection.
pub(super) fn selection<F: FloatOp, T: Float>(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    let [a, b] = [op.rs1, op.rs2].map(|register| get(hart, T::FORMAT, register));
    let mut status = Status::new(Rounding::NearestEven);
    let result = F::exact(T::FORMAT, a, b, a, &mut status);
    set(hart, T::FORMAT, op.rd, result);
    hart.fflags |= status.flags;
    Flow::Next
}

/// `fminm` and `fmaxm` (Zfa): a NaN operand gives NaN.
pub(super) fn min_max_nan<T: Float, const MAX: bool>(
    hart: &mut Hart,
    _: &mut Env,
    op: &Op,
) -> Flow {
    let [a, b] = [op.rs1, op.rs2].map(|register| get(hart, T::FORMAT, register));
    let mut status = Status::new(Rounding::NearestEven);
    let result = soft::min_max_nan(T::FORMAT, a, b, MAX, &mut status);
    set(hart, T::FORMAT, op.rd, result);
    hart.fflags |= status.flags;
    Flow::Next
}

/// `feq`, `flt`, `fle`.
pub(super) fn compare<F: FloatTest, T: Float>(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    let [a, b] = [op.rs1, op.rs2].map(|register| get(hart, T::FORMAT, register));
    let mut status = Status::new(Rounding::NearestEven);
    let result = F::exact(T::FORMAT, a, b, &mut status);
    hart.set_x(op.rd, u64::from(result));
    hart.fflags |= status.flags;
    Flow::Next
}

/// `fltq` and `fleq` (Zfa): only a signalling NaN is an exception.
pub(super) fn compare_quietly<T: Float, const EQUAL: bool>(
    hart: &mut Hart,
    _: &mut Env,
    op: &Op,
) -> Flow {
    let [a, b] = [op.rs1, op.rs2].map(|register| get(hart, T::FORMAT, register));
    let mut status = Status::new(Rounding::NearestEven);
    let result = if EQUAL {
        soft::le(T::FORMAT, a, b, false, &mut status)
    } else {
        soft::lt(T::FORMAT, a, b, false, &mut status)
    };
    hart.set_x(op.rd, u64::from(result));
    hart.fflags |= status.flags;
    Flow::Next
}

/// `fclass`.
pub(super) fn classify<T: Float>(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    let class = soft::classify(T::FORMAT, get(hart, T::FORMAT, op.rs1));
    hart.set_x(op.rd, class);
    Flow::Next
}

/// `fmv.x.*`: the low bits, sign-extended, boxed or not.
pub(super) fn move_to_x<T: Float>(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    let shift = 64 - T::FORMAT.bits();
    let value = (hart.f(op.rs1) << shift) as i64 >> shift;
    hart.set_x(op.rd, value as u64);
    Flow::Next
}

/// `fmv.*.x`.
pub(super) fn move_from_x<T: Float>(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    let value = hart.x(op.rs1);
    set(hart, T::FORMAT, op.rd, value);
    Flow::Next
}

/// `fcvt.{w,wu,l,lu}.*`. Results of 32 bits are sign-extended, unsigned ones too.
pub(super) fn to_int<T: Float, const BITS: u32, const SIGNED: bool>(
    hart: &mut Hart,
    _: &mut Env,
    op: &Op,
) -> Flow {
    exactly(hart, op, |hart, status| {
        let a = get(hart, T::FORMAT, op.rs1);
        let value = soft::to_int(T::FORMAT, a, BITS, SIGNED, status);
        hart.set_x(
            op.rd,
            if BITS == 32 {
                value as i32 as u64
            } else {
                value
            },
        );
    })
}

/// `fcvt.*.{w,wu,l,lu}`.
pub(super) fn from_int<T: Float, const BITS: u32, const SIGNED: bool>(
    hart: &mut Hart,
    _: &mut Env,
    op: &Op,
) -> Flow {
    exactly(hart, op, |hart, status| {
        let x = hart.x(op.rs1);
        let value = match (BITS, SIGNED) {
            (32, true) => soft::from_signed(T::FORMAT, i64::from(x as i32), status),
            (32, false) => soft::from_int(T::FORMAT, false, u64::from(x as u32), status),
            (_, true) => soft::from_signed(T::FORMAT, x as i64, status),
            (_, false) => soft::from_int(T::FORMAT, false, x, status),
        };
        set(hart, T::FORMAT, op.rd, value);
    })
}

/// `fcvt` from format `S` to format `D`.
pub(super) fn convert<D: Float, S: Float>(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    exactly(hart, op, |hart, status| {
        let a = get(hart, S::FORMAT, op.rs1);
        let value = soft::convert(S::FORMAT, D::FORMAT, a, status);
        set(hart, D::FORMAT, op.rd, value);
    })
}

/// `fround` and, if `INEXACT`, `froundnx` (Zfa).
pub(super) fn round<T: Float, const INEXACT: bool>(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    exactly(hart, op, |hart, status| {
        let a = get(hart, T::FORMAT, op.rs1);
        let value = soft::round_to_integral(T::FORMAT, a, INEXACT, status);
        set(hart, T::FORMAT, op.rd, value);
    })
}

/// `fcvtmod.w.d` (Zfa).
pub(super) fn to_int_modular(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    let mut status = Status::new(Rounding::TowardsZero);
    let value = soft::to_int_modular(hart.f(op.rs1), &mut status);
    hart.set_x(op.rd, value);
    hart.fflags |= status.flags;
    Flow::Next
}

/// The constants of `fli` as doubles, by index; `min`, infinity and NaN depend on the format.
const CONSTANTS: [f64; 32] = [
    -1.0,
    0.0,
    1.0 / 65536.0,
    1.0 / 32768.0,
    1.0 / 256.0,
    1.0 / 128.0,
    0.0625,
    0.125,
    0.25,
    0.3125,
    0.375,
    0.4375,
    0.5,
    0.625,
    0.75,
    0.875,
    1.0,
    1.25,
    1.5,
    1.75,
    2.0,
    2.5,
    3.0,
    4.0,
    8.0,
    16.0,
    128.0,
    256.0,
    32768.0,
    65536.0,
    f64::INFINITY,
    f64::NAN,
];

/// `fli` (Zfa).
pub(super) fn load_constant<T: Float>(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    let index = usize::from(op.rs1 & 31);
    let mut status = Status::new(Rounding::NearestEven);
    let value = if index == 1 {
        T::FORMAT.smallest_normal()
    } else {
        soft::convert(
            soft::F64,
            T::FORMAT,
            CONSTANTS[index].to_bits(),
            &mut status,
        )
    };
    set(hart, T::FORMAT, op.rd, value);
    Flow::Next
}
