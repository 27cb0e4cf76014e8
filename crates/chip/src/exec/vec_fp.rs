//! Vector floating point (V 13), Zvfh and the BF16 conversions.
//!
//! In every body `a` is the element of `vs2`, `b` that of `vs1` or the scalar, `d` that of the
//! old `vd`. Each has a host form, used when rounding to nearest even in programs that never
//! read the accrued exceptions, and an exact form for everything else.

use std::marker::PhantomData;

use weft_isa::abi::LANES;

use super::float::{Float, Half, unboxed};
use super::integer::Int;
use super::lanes::{
    active, map_v, map_vs, map_vsd, map_vv, map_vvd, merge_mask, scalar_f, test_vs, test_vv,
};
use super::soft::{self, Format, Rounding, Status};
use super::vec_arith::merge;
use super::{Env, Flow, Hart, Kernel, Op, illegal};

/// Whether host arithmetic gives all that can be observed.
#[inline(always)]
pub(super) fn rounding_is_host(hart: &Hart, env: &Env) -> bool {
    hart.frm == 0 && !env.tracks_flags
}

/// The dynamic rounding mode, unless reserved.
pub(super) fn exact_status(hart: &Hart) -> Option<Status> {
    Rounding::from_bits(hart.frm).map(Status::new)
}

/// An element of a format as bits.
pub(super) fn element(hart: &Hart, format: Format, register: u8, index: usize) -> u64 {
    raw_element(hart, format.bits(), register, index)
}

fn raw_element(hart: &Hart, bits: u32, register: u8, index: usize) -> u64 {
    match bits {
        8 => u64::from(hart.element::<u8>(register, index)),
        16 => u64::from(hart.element::<u16>(register, index)),
        32 => u64::from(hart.element::<u32>(register, index)),
        _ => hart.element::<u64>(register, index),
    }
}

/// Sets an element of a format.
pub(super) fn set_element(hart: &mut Hart, format: Format, register: u8, index: usize, value: u64) {
    set_raw_element(hart, format.bits(), register, index, value);
}

fn set_raw_element(hart: &mut Hart, bits: u32, register: u8, index: usize, value: u64) {
    match bits {
        8 => hart.set_element(register, index, value as u8),
        16 => hart.set_element(register, index, value as u16),
        32 => hart.set_element(register, index, value as u32),
        _ => hart.set_element(register, index, value),
    }
}

/// Calls `each(hart, index, status)` for every active element and accrues the flags.
pub(super) fn for_each_exactly(
    hart: &mut Hart,
    op: &Op,
    rounding: Option<Rounding>,
    mut each: impl FnMut(&mut Hart, usize, &mut Status),
) -> Flow {
    let Some(rounding) = rounding.or(Rounding::from_bits(hart.frm)) else {
        return illegal(hart, op, "reserved rounding mode");
    };
    let mut status = Status::new(rounding);
    for index in hart.vstart as usize..hart.vl as usize {
        if active(hart, op, index / LANES) & 1 << (index % LANES) != 0 {
            each(hart, index, &mut status);
        }
    }
    hart.fflags |= status.flags;
    hart.vstart = 0;
    Flow::Next
}

/// Formats of the operands and the result of an elementwise instruction.
#[derive(Clone, Copy)]
struct Formats {
    /// Of `vs2`.
    a: Format,
    /// Of `vs1` or the scalar.
    b: Format,
    /// Of `vd`.
    d: Format,
}

type ExactBody = fn(Format, u64, u64, u64, &mut Status) -> u64;

/// Elementwise instruction of two or three operands, computed in the format of `vd`.
#[inline(never)]
fn exactly(hart: &mut Hart, op: &Op, formats: Formats, scalar: bool, body: ExactBody) -> Flow {
    let fixed = unboxed(hart.f(op.rs1), formats.b);
    let Formats {
        a: from_a,
        b: from_b,
        d: to,
    } = formats;
    let widen = |from: Format, value: u64, status: &mut Status| {
        if from == to {
            value
        } else {
            soft::convert(from, to, value, status)
        }
    };
    for_each_exactly(hart, op, None, |hart, index, status| {
        let a = widen(from_a, element(hart, from_a, op.rs2, index), status);
        let b = if scalar {
            fixed
        } else {
            element(hart, from_b, op.rs1, index)
        };
        let b = widen(from_b, b, status);
        let d = element(hart, to, op.rd, index);
        let result = body(to, a, b, d, status);
        set_element(hart, to, op.rd, index, result);
    })
}

/// Bodies with a host form and an exact form. All get `a`, `b` and `d`.
pub(super) trait FloatOp: 'static {
    fn host<T: Float>(a: T, b: T, d: T) -> T;
    fn exact(format: Format, a: u64, b: u64, d: u64, status: &mut Status) -> u64;
}

macro_rules! float_ops {
    ($($name:ident ($a:ident, $b:ident, $d:ident)
        = $host:expr, |$format:ident, $status:ident| $exact:expr;)*) => {$(
        pub(super) enum $name {}
        impl FloatOp for $name {
            #[inline(always)]
            #[allow(unused_variables, reason = "most bodies have two operands")]
            fn host<T: Float>($a: T, $b: T, $d: T) -> T {
                $host
            }
            #[allow(unused_variables, reason = "most bodies have two operands")]
            fn exact($format: Format, $a: u64, $b: u64, $d: u64, $status: &mut Status) -> u64 {
                $exact
            }
        }
    )*};
}

/// The bits with the sign flipped.
fn flip(format: Format, bits: u64) -> u64 {
    bits ^ 1 << (format.bits() - 1)
}

fn sign(format: Format, bits: u64) -> u64 {
    bits & 1 << (format.bits() - 1)
}

float_ops! {
    Fadd(a, b, d) = a.add(b), |f, s| soft::add(f, a, b, s);
    Fsub(a, b, d) = a.sub(b), |f, s| soft::sub(f, a, b, s);
    Frsub(a, b, d) = b.sub(a), |f, s| soft::sub(f, b, a, s);
    Fmul(a, b, d) = a.mul(b), |f, s| soft::mul(f, a, b, s);
    Fdiv(a, b, d) = a.div(b), |f, s| soft::div(f, a, b, s);
    Frdiv(a, b, d) = b.div(a), |f, s| soft::div(f, b, a, s);
    Fmin(a, b, d) = a.min(b), |f, s| soft::min_max(f, a, b, false, s);
    Fmax(a, b, d) = a.max(b), |f, s| soft::min_max(f, a, b, true, s);
    Fsgnj(a, b, d) = a.copysign(b), |f, s| a & !sign(f, u64::MAX) | sign(f, b);
    Fsgnjn(a, b, d) = a.copysign(b.neg()), |f, s| a & !sign(f, u64::MAX) | sign(f, !b);
    Fsgnjx(a, b, d) = {
        T::from_bits(a.to_bits() ^ sign(T::FORMAT, b.to_bits()))
    }, |f, s| a ^ sign(f, b);
    Fmacc(a, b, d) = a.fma(b, d), |f, s| soft::fma(f, a, b, d, s);
    Fnmacc(a, b, d) = a.neg().fma(b, d.neg()), |f, s| soft::fma(f, flip(f, a), b, flip(f, d), s);
    Fmsac(a, b, d) = a.fma(b, d.neg()), |f, s| soft::fma(f, a, b, flip(f, d), s);
    Fnmsac(a, b, d) = a.neg().fma(b, d), |f, s| soft::fma(f, flip(f, a), b, d, s);
    Fmadd(a, b, d) = d.fma(b, a), |f, s| soft::fma(f, d, b, a, s);
    Fnmadd(a, b, d) = d.neg().fma(b, a.neg()), |f, s| soft::fma(f, flip(f, d), b, flip(f, a), s);
    Fmsub(a, b, d) = d.fma(b, a.neg()), |f, s| soft::fma(f, d, b, flip(f, a), s);
    Fnmsub(a, b, d) = d.neg().fma(b, a), |f, s| soft::fma(f, flip(f, d), b, a, s);
    Fsqrt(a, b, d) = a.sqrt(), |f, s| soft::sqrt(f, a, s);
}

const fn uniform<T: Float>() -> Formats {
    Formats {
        a: T::FORMAT,
        b: T::FORMAT,
        d: T::FORMAT,
    }
}

/// Two operands, one width.
pub(super) struct FloatBinary<F, T, const SCALAR: bool>(PhantomData<(F, T)>);

impl<F: FloatOp, T: Float, const SCALAR: bool> Kernel for FloatBinary<F, T, SCALAR> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        if !rounding_is_host(hart, env) {
            return exactly(hart, op, uniform::<T>(), SCALAR, F::exact);
        }
        let body = |a: T, b: T| F::host(a, b, a);
        if SCALAR {
            map_vs(hart, op, scalar_f::<T>(hart, op), body)
        } else {
            map_vv(hart, op, body)
        }
    }
}

/// Three operands, one width.
pub(super) struct FloatMulAdd<F, T, const SCALAR: bool>(PhantomData<(F, T)>);

impl<F: FloatOp, T: Float, const SCALAR: bool> Kernel for FloatMulAdd<F, T, SCALAR> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        if !rounding_is_host(hart, env) {
            return exactly(hart, op, uniform::<T>(), SCALAR, F::exact);
        }
        if SCALAR {
            map_vsd(hart, op, scalar_f::<T>(hart, op), F::host::<T>)
        } else {
            map_vvd(hart, op, F::host::<T>)
        }
    }
}

/// One operand.
pub(super) struct FloatUnary<F, T>(PhantomData<(F, T)>);

impl<F: FloatOp, T: Float> Kernel for FloatUnary<F, T> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        if !rounding_is_host(hart, env) {
            return exactly(hart, op, uniform::<T>(), false, F::exact);
        }
        map_v(hart, op, |a: T| F::host(a, a, a))
    }
}

/// A format whose values a wider one holds exactly.
pub(super) trait Widen: Float {
    type Wide: Float;
    fn widen(self) -> Self::Wide;
}

impl Widen for Half {
    type Wide = f32;
    #[inline(always)]
    fn widen(self) -> f32 {
        self.to_f32()
    }
}

impl Widen for f32 {
    type Wide = f64;
    #[inline(always)]
    fn widen(self) -> f64 {
        f64::from(self)
    }
}

/// bfloat16: only converted and multiplied widening.
#[derive(Clone, Copy, Default)]
#[repr(transparent)]
pub(super) struct Bf16(u16);

impl crate::hart::Element for Bf16 {}

impl Bf16 {
    pub(super) fn from_bits(bits: u64) -> Self {
        Self(bits as u16)
    }

    pub(super) fn to_bits(self) -> u64 {
        u64::from(self.0)
    }

    #[inline(always)]
    pub(super) fn to_f32(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }

    /// Rounded to nearest even; NaN becomes the canonical one.
    #[inline(always)]
    pub(super) fn from_f32(value: f32) -> Self {
        let bits = value.to_bits();
        let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
        Self(if value.is_nan() {
            0x7fc0
        } else {
            rounded as u16
        })
    }
}

/// Two narrow operands, wide result: `vfwadd.vv`, ...
pub(super) struct FloatWiden<F, N, const SCALAR: bool>(PhantomData<(F, N)>);

impl<F: FloatOp, N: Widen, const SCALAR: bool> Kernel for FloatWiden<F, N, SCALAR> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        if !rounding_is_host(hart, env) {
            let formats = Formats {
                a: N::FORMAT,
                b: N::FORMAT,
                d: N::Wide::FORMAT,
            };
            return exactly(hart, op, formats, SCALAR, F::exact);
        }
        let body = |a: N, b: N| F::host(a.widen(), b.widen(), a.widen());
        if SCALAR {
            map_vs(hart, op, scalar_f::<N>(hart, op), body)
        } else {
            map_vv(hart, op, body)
        }
    }
}

/// Wide `vs2`, narrow second operand: `vfwadd.wv`, ...
pub(super) struct FloatWideNarrow<F, N, const SCALAR: bool>(PhantomData<(F, N)>);

impl<F: FloatOp, N: Widen, const SCALAR: bool> Kernel for FloatWideNarrow<F, N, SCALAR> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        if !rounding_is_host(hart, env) {
            let formats = Formats {
                a: N::Wide::FORMAT,
                b: N::FORMAT,
                d: N::Wide::FORMAT,
            };
            return exactly(hart, op, formats, SCALAR, F::exact);
        }
        let body = |a: N::Wide, b: N| F::host(a, b.widen(), a);
        if SCALAR {
            map_vs(hart, op, scalar_f::<N>(hart, op), body)
        } else {
            map_vv(hart, op, body)
        }
    }
}

/// Narrow factors, wide accumulator: `vfwmacc`, ...
pub(super) struct FloatWidenMulAdd<F, N, const SCALAR: bool>(PhantomData<(F, N)>);

impl<F: FloatOp, N: Widen, const SCALAR: bool> Kernel for FloatWidenMulAdd<F, N, SCALAR> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        if !rounding_is_host(hart, env) {
            let formats = Formats {
                a: N::FORMAT,
                b: N::FORMAT,
                d: N::Wide::FORMAT,
            };
            return exactly(hart, op, formats, SCALAR, F::exact);
        }
        let body = |a: N, b: N, d: N::Wide| F::host(a.widen(), b.widen(), d);
        if SCALAR {
            map_vsd(hart, op, scalar_f::<N>(hart, op), body)
        } else {
            map_vvd(hart, op, body)
        }
    }
}

/// `vfwmaccbf16`.
pub(super) struct Bf16MulAdd<const SCALAR: bool>;

impl<const SCALAR: bool> Kernel for Bf16MulAdd<SCALAR> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        if !rounding_is_host(hart, env) {
            let formats = Formats {
                a: soft::BF16,
                b: soft::BF16,
                d: soft::F32,
            };
            return exactly(hart, op, formats, SCALAR, Fmacc::exact);
        }
        let body = |a: Bf16, b: Bf16, d: f32| Float::fma(a.to_f32(), b.to_f32(), d);
        if SCALAR {
            let scalar = Bf16(unboxed(hart.f(op.rs1), soft::BF16) as u16);
            map_vsd(hart, op, scalar, body)
        } else {
            map_vvd(hart, op, body)
        }
    }
}

/// Comparisons that give masks.
pub(super) trait FloatTest: 'static {
    fn host<T: Float>(a: T, b: T) -> bool;
    fn exact(format: Format, a: u64, b: u64, status: &mut Status) -> bool;
}

macro_rules! float_tests {
    ($($name:ident ($a:ident, $b:ident) = $host:expr, |$format:ident, $status:ident| $exact:expr;)*) => {$(
        pub(super) enum $name {}
        impl FloatTest for $name {
            #[inline(always)]
            fn host<T: Float>($a: T, $b: T) -> bool {
                $host
            }
            fn exact($format: Format, $a: u64, $b: u64, $status: &mut Status) -> bool {
                $exact
            }
        }
    )*};
}

float_tests! {
    Feq(a, b) = a.eq(b), |f, s| soft::eq(f, a, b, s);
    Fne(a, b) = !a.eq(b), |f, s| !soft::eq(f, a, b, s);
    Flt(a, b) = a.lt(b), |f, s| soft::lt(f, a, b, true, s);
    Fle(a, b) = a.le(b), |f, s| soft::le(f, a, b, true, s);
    Fgt(a, b) = b.lt(a), |f, s| soft::lt(f, b, a, true, s);
    Fge(a, b) = b.le(a), |f, s| soft::le(f, b, a, true, s);
}

/// `vmfeq`, ...
pub(super) struct FloatCompare<F, T, const SCALAR: bool>(PhantomData<(F, T)>);

impl<F: FloatTest, T: Float, const SCALAR: bool> Kernel for FloatCompare<F, T, SCALAR> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        if env.tracks_flags {
            return compare_exactly(hart, op, T::FORMAT, SCALAR, F::exact);
        }
        if SCALAR {
            test_vs(hart, op, scalar_f::<T>(hart, op), F::host::<T>)
        } else {
            test_vv(hart, op, F::host::<T>)
        }
    }
}

fn compare_exactly(
    hart: &mut Hart,
    op: &Op,
    format: Format,
    scalar: bool,
    test: fn(Format, u64, u64, &mut Status) -> bool,
) -> Flow {
    let fixed = unboxed(hart.f(op.rs1), format);
    for_each_exactly(
        hart,
        op,
        Some(Rounding::NearestEven),
        |hart, index, status| {
            let a = element(hart, format, op.rs2, index);
            let b = if scalar {
                fixed
            } else {
                element(hart, format, op.rs1, index)
            };
            let result = test(format, a, b, status);
            let bit = 1 << (index % LANES);
            merge_mask(
                hart,
                op.rd,
                index / LANES,
                if result { bit } else { 0 },
                bit,
            );
        },
    )
}

/// `vfmerge.vfm`.
pub(super) struct FloatMerge<T>(PhantomData<T>);

impl<T: Float> Kernel for FloatMerge<T> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        let scalar = scalar_f::<T>(hart, op);
        merge(hart, op, |_, _| [scalar; LANES])
    }
}

/// `vfmv.v.f`.
pub(super) struct FloatSplat<T>(PhantomData<T>);

impl<T: Float> Kernel for FloatSplat<T> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        map_vs(hart, op, scalar_f::<T>(hart, op), |_: T, b: T| b)
    }
}

/// `vfmv.s.f`: element 0.
pub(super) struct FloatMoveFromF<T>(PhantomData<T>);

impl<T: Float> Kernel for FloatMoveFromF<T> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        if hart.vstart < hart.vl {
            hart.set_element(op.rd, 0, scalar_f::<T>(hart, op));
        }
        hart.vstart = 0;
        Flow::Next
    }
}

/// `vfclass.v`.
pub(super) struct FloatClass<T>(PhantomData<T>);

impl<T: Float> Kernel for FloatClass<T> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        map_v(hart, op, |a: T| {
            T::from_bits(soft::classify(T::FORMAT, a.to_bits()))
        })
    }
}

/// `xw.vftz.v`: subnormals become zeros of the same sign.
pub(super) struct FlushSubnormal<T>(PhantomData<T>);

impl<T: Float> Kernel for FlushSubnormal<T> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        map_v(hart, op, |a: T| {
            let bits = a.to_bits();
            let flushed = sign(T::FORMAT, bits);
            // The infinity is the exponent field: no bit of it in a subnormal or zero.
            T::from_bits(if bits & T::FORMAT.infinity() == 0 {
                flushed
            } else {
                bits
            })
        })
    }
}

/// Conversions of a float to and from integers of the host.
pub(super) trait Convert: Float {
    /// The integral value in a rounding direction other than to nearest away.
    fn integral(self, rounding: Rounding) -> Self;
    /// Truncated and saturated; NaN gives 0.
    fn to_i32(self) -> i32;
    fn to_u32(self) -> u32;
    fn to_i64(self) -> i64;
    fn to_u64(self) -> u64;
    fn from_i32(value: i32) -> Self;
    fn from_u32(value: u32) -> Self;
    fn from_i64(value: i64) -> Self;
    fn from_u64(value: u64) -> Self;
}

macro_rules! convert {
    ($type:ident, |$value:ident| $to:expr, |$integer:ident| $from:expr, |$wide:ident| $from_wide:expr, |$rounded:ident| $narrow:expr) => {
        impl Convert for $type {
            #[inline(always)]
            fn integral(self, rounding: Rounding) -> Self {
                let $value = self;
                let value = $to;
                let $rounded = match rounding {
                    Rounding::Down => value.floor(),
                    Rounding::Up => value.ceil(),
                    Rounding::TowardsZero => value.trunc(),
                    Rounding::NearestEven | Rounding::NearestAway | Rounding::Odd => {
                        value.round_ties_even()
                    }
                };
                $narrow
            }
            #[inline(always)]
            fn to_i32(self) -> i32 {
                let $value = self;
                $to as i32
            }
            #[inline(always)]
            fn to_u32(self) -> u32 {
                let $value = self;
                $to as u32
            }
            #[inline(always)]
            fn to_i64(self) -> i64 {
                let $value = self;
                $to as i64
            }
            #[inline(always)]
            fn to_u64(self) -> u64 {
                let $value = self;
                $to as u64
            }
            #[inline(always)]
            fn from_i32($integer: i32) -> Self {
                $from
            }
            #[inline(always)]
            fn from_u32($integer: u32) -> Self {
                $from
            }
            #[inline(always)]
            fn from_i64($wide: i64) -> Self {
                $from_wide
            }
            #[inline(always)]
            fn from_u64($wide: u64) -> Self {
                $from_wide
            }
        }
    };
}

convert!(
    f32,
    |value| value,
    |integer| integer as Self,
    |wide| wide as Self,
    |rounded| rounded
);
convert!(
    f64,
    |value| value,
    |integer| integer as Self,
    |wide| wide as Self,
    |rounded| rounded
);
// Halves hold no integer beyond 65504, so an f64 that saturates serves all.
convert!(
    Half,
    |value| value.to_f32(),
    |integer| Self::from_f64(f64::from(integer)),
    |wide| Self::from_f64(wide as f64),
    |rounded| Self::from_f32(rounded)
);

/// Float to integer of another or the same width. `RTZ`: towards zero whatever `frm` says.
pub(super) struct FloatToInt<S, I, const SIGNED: bool, const RTZ: bool>(PhantomData<(S, I)>);

impl<S: Convert, I: Int, const SIGNED: bool, const RTZ: bool> Kernel
    for FloatToInt<S, I, SIGNED, RTZ>
{
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        let rounding = if RTZ {
            Some(Rounding::TowardsZero)
        } else {
            Rounding::from_bits(hart.frm)
        };
        let max = if SIGNED { I::SIGN.not() } else { I::ONES };
        let truncated = |a: S| {
            let value = if SIGNED {
                let wide = if I::BITS == 64 {
                    a.to_i64()
                } else {
                    i64::from(a.to_i32())
                };
                let (low, high) = (I::SIGN.to_i64(), I::SIGN.not().to_i64());
                I::from_u64(wide.max(low).min(high) as u64)
            } else {
                let wide = if I::BITS == 64 {
                    a.to_u64()
                } else {
                    u64::from(a.to_u32())
                };
                I::from_u64(wide.min(I::ONES.to_u64()))
            };
            if a.is_nan() { max } else { value }
        };
        match rounding {
            _ if env.tracks_flags => {
                float_to_int_exactly(hart, op, S::FORMAT, I::BITS, SIGNED, RTZ)
            }
            Some(Rounding::TowardsZero) => map_v(hart, op, truncated),
            Some(Rounding::NearestEven) => map_v(hart, op, |a: S| {
                truncated(a.integral(Rounding::NearestEven))
            }),
            Some(Rounding::Down) => map_v(hart, op, |a: S| truncated(a.integral(Rounding::Down))),
            Some(Rounding::Up) => map_v(hart, op, |a: S| truncated(a.integral(Rounding::Up))),
            Some(Rounding::NearestAway | Rounding::Odd) | None => {
                float_to_int_exactly(hart, op, S::FORMAT, I::BITS, SIGNED, RTZ)
            }
        }
    }
}

#[inline(never)]
fn float_to_int_exactly(
    hart: &mut Hart,
    op: &Op,
    from: Format,
    bits: u32,
    signed: bool,
    towards_zero: bool,
) -> Flow {
    let rounding = towards_zero.then_some(Rounding::TowardsZero);
    for_each_exactly(hart, op, rounding, |hart, index, status| {
        let a = element(hart, from, op.rs2, index);
        let result = soft::to_int(from, a, bits, signed, status);
        set_raw_element(hart, bits, op.rd, index, result);
    })
}

/// Integer to float of another or the same width.
pub(super) struct IntToFloat<I, D, const SIGNED: bool>(PhantomData<(I, D)>);

impl<I: Int, D: Convert, const SIGNED: bool> Kernel for IntToFloat<I, D, SIGNED> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        if !rounding_is_host(hart, env) {
            return int_to_float_exactly(hart, op, I::BITS, SIGNED, D::FORMAT);
        }
        map_v(hart, op, |a: I| match (SIGNED, I::BITS) {
            (true, 64) => D::from_i64(a.to_i64()),
            (true, _) => D::from_i32(a.to_i64() as i32),
            (false, 64) => D::from_u64(a.to_u64()),
            (false, _) => D::from_u32(a.to_u64() as u32),
        })
    }
}

#[inline(never)]
fn int_to_float_exactly(hart: &mut Hart, op: &Op, bits: u32, signed: bool, to: Format) -> Flow {
    for_each_exactly(hart, op, None, |hart, index, status| {
        let raw = raw_element(hart, bits, op.rs2, index);
        let result = if signed {
            let shift = 64 - bits;
            soft::from_signed(to, (raw << shift) as i64 >> shift, status)
        } else {
            soft::from_int(to, false, raw, status)
        };
        set_element(hart, to, op.rd, index, result);
    })
}

/// `vfwcvt.f.f.v`.
pub(super) struct FloatExtend<N>(PhantomData<N>);

impl<N: Widen> Kernel for FloatExtend<N> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        if env.tracks_flags {
            return float_to_float_exactly(hart, op, N::FORMAT, N::Wide::FORMAT, None);
        }
        map_v(hart, op, |a: N| a.widen().canonical())
    }
}

/// `vfncvt.f.f.w`; `ODD`: `vfncvt.rod.f.f.w`.
pub(super) struct FloatTruncate<N, const ODD: bool>(PhantomData<N>);

impl<const ODD: bool> Kernel for FloatTruncate<Half, ODD> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        if ODD || !rounding_is_host(hart, env) {
            let rounding = ODD.then_some(Rounding::Odd);
            return float_to_float_exactly(hart, op, soft::F32, soft::F16, rounding);
        }
        map_v(hart, op, Half::from_f32)
    }
}

impl<const ODD: bool> Kernel for FloatTruncate<f32, ODD> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        if ODD || !rounding_is_host(hart, env) {
            let rounding = ODD.then_some(Rounding::Odd);
            return float_to_float_exactly(hart, op, soft::F64, soft::F32, rounding);
        }
        map_v(hart, op, |a: f64| (a as f32).canonical())
    }
}

#[inline(never)]
fn float_to_float_exactly(
    hart: &mut Hart,
    op: &Op,
    from: Format,
    to: Format,
    rounding: Option<Rounding>,
) -> Flow {
    // A wider destination may overlap its source; V 5.2 makes this order safe.
    for_each_exactly(hart, op, rounding, |hart, index, status| {
        let a = element(hart, from, op.rs2, index);
        let result = soft::convert(from, to, a, status);
        set_element(hart, to, op.rd, index, result);
    })
}

/// `vfwcvtbf16.f.f.v`.
pub(super) struct Bf16Extend;

impl Kernel for Bf16Extend {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        if env.tracks_flags {
            return float_to_float_exactly(hart, op, soft::BF16, soft::F32, None);
        }
        map_v(hart, op, |a: Bf16| a.to_f32().canonical())
    }
}

/// `vfncvtbf16.f.f.w`.
pub(super) struct Bf16Truncate;

impl Kernel for Bf16Truncate {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        if !rounding_is_host(hart, env) {
            return float_to_float_exactly(hart, op, soft::F32, soft::BF16, None);
        }
        map_v(hart, op, Bf16::from_f32)
    }
}
