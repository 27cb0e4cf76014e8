//! Dot products of narrow floats: the RISC-V Bulk Normalization Algorithm (RVBNA).
//!
//! Products are exact, aligned to the largest reference exponent (the sum of the factors'
//! exponent fields, whatever their leading zeros), cut off by rounding to odd, and added as
//! integers; the sum is rounded to odd to binary32. An overflow gives infinity.

use crate::exec::soft::{self, F32, NV, OF, Rounding, Status};

/// A format of factors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factor {
    exponent_bits: u32,
    fraction_bits: u32,
    /// The largest exponent field holds numbers, and a NaN where the fraction is all ones.
    is_finite: bool,
    /// NaNs with a clear top fraction bit are signaling.
    has_signaling: bool,
}

impl Factor {
    pub(super) const F16: Self = Self::ieee(5, 10);
    pub(super) const BF16: Self = Self::ieee(8, 7);
    /// OCP 8-bit floating point: no signaling NaNs.
    pub(super) const E5M2: Self = Self {
        has_signaling: false,
        ..Self::ieee(5, 2)
    };
    pub(super) const E4M3: Self = Self {
        is_finite: true,
        has_signaling: false,
        ..Self::ieee(4, 3)
    };

    const fn ieee(exponent_bits: u32, fraction_bits: u32) -> Self {
        Self {
            exponent_bits,
            fraction_bits,
            is_finite: false,
            has_signaling: true,
        }
    }

    const fn bias(self) -> i32 {
        (1 << (self.exponent_bits - 1)) - 1
    }

    #[inline(always)]
    fn unpack(self, bits: u16) -> Number {
        let fraction = u64::from(bits) & ((1 << self.fraction_bits) - 1);
        let field = u32::from(bits) >> self.fraction_bits & ((1 << self.exponent_bits) - 1);
        let top = field == (1 << self.exponent_bits) - 1;
        let ones = fraction == (1 << self.fraction_bits) - 1;
        let is_nan = top && if self.is_finite { ones } else { fraction != 0 };
        let quiet = fraction >> (self.fraction_bits - 1) & 1 == 1;
        Number {
            negative: bits >> (self.exponent_bits + self.fraction_bits) & 1 == 1,
            significand: fraction | u64::from(field != 0) << self.fraction_bits,
            exponent: field.max(1) as i32,
            is_nan,
            is_signaling: is_nan && self.has_signaling && !quiet,
            is_infinite: top && !self.is_finite && fraction == 0,
        }
    }
}

#[derive(Clone, Copy)]
struct Number {
    negative: bool,
    /// With the implicit bit; zero for a zero.
    significand: u64,
    /// The field, 1 for subnormals.
    exponent: i32,
    is_nan: bool,
    is_signaling: bool,
    is_infinite: bool,
}

/// The bits of binary32's fraction.
const FRACTION_BITS: u32 = 23;

/// `a[0] b[0] + ... + a[N - 1] b[N - 1]` in binary32, and the exceptions NV and OF.
#[inline(always)]
pub(super) fn dot<const N: usize>(
    left: Factor,
    right: Factor,
    a: &[u16; N],
    b: &[u16; N],
) -> (u32, u8) {
    let guard_bits = N.ilog2();
    let mut products = [(false, 0u64, 0i32); N];
    let mut largest = 0;
    let (mut is_nan, mut flags) = (false, 0);
    let mut infinity = None;
    for i in 0..N {
        let (x, y) = (left.unpack(a[i]), right.unpack(b[i]));
        let negative = x.negative != y.negative;
        let significand = x.significand * y.significand;
        let has_infinity = x.is_infinite || y.is_infinite;
        let has_nan = x.is_nan || y.is_nan;
        let has_zero = x.significand == 0 || y.significand == 0;
        let mut invalid = x.is_signaling || y.is_signaling;
        // A NaN has a significand, so that no zero meets an infinity here by mistake.
        invalid |= has_infinity && has_zero;
        is_nan |= has_nan || has_infinity && has_zero;
        if has_infinity && !has_nan && !has_zero {
            if infinity.is_some_and(|sign| sign != negative) {
                invalid = true;
                is_nan = true;
            }
            infinity = Some(negative);
        }
        if invalid {
            flags = NV;
        }
        let exponent = if significand == 0 {
            0
        } else {
            x.exponent + y.exponent
        };
        largest = largest.max(exponent);
        products[i] = (negative, significand, exponent);
    }
    if is_nan {
        return (F32.canonical_nan() as u32, flags);
    }
    if let Some(negative) = infinity {
        return (with_sign(F32.infinity() as u32, negative), flags);
    }
    // Products have one or two bits before the binary point and these after it.
    let product_fraction_bits = left.fraction_bits + right.fraction_bits;
    let mut sum = 0i64;
    for (negative, significand, exponent) in products {
        let padded = significand << (FRACTION_BITS + guard_bits - product_fraction_bits);
        let aligned = shift_right_jam(padded, largest.abs_diff(exponent)) as i64;
        sum += if negative { -aligned } else { aligned };
    }
    let unit = largest - left.bias() - right.bias() - (FRACTION_BITS + guard_bits) as i32;
    let (bits, overflow) = round_to_odd(sum < 0, unit, sum.unsigned_abs());
    (bits, flags | overflow)
}

/// `c + x` rounded to odd, with the exceptions NV and OF.
#[inline(always)]
pub(super) fn accumulate(c: u32, x: u32) -> (u32, u8) {
    let mut status = Status::new(Rounding::Odd);
    let sum = soft::add(F32, u64::from(c), u64::from(x), &mut status) as u32;
    overflow_to_infinity(sum, status)
}

fn round_to_odd(negative: bool, exponent: i32, significand: u64) -> (u32, u8) {
    if significand == 0 {
        return (0, 0);
    }
    let mut status = Status::new(Rounding::Odd);
    let bits = soft::round(
        F32,
        negative,
        exponent,
        u128::from(significand),
        &mut status,
    ) as u32;
    overflow_to_infinity(bits, status)
}

/// Rounding to odd would end at the largest finite number; here overflow is infinity.
fn overflow_to_infinity(bits: u32, status: Status) -> (u32, u8) {
    let bits = if status.flags & OF != 0 {
        with_sign(F32.infinity() as u32, bits >> 31 == 1)
    } else {
        bits
    };
    (bits, status.flags & (NV | OF))
}

const fn with_sign(magnitude: u32, negative: bool) -> u32 {
    magnitude | (negative as u32) << 31
}

/// `value >> shift`, with the last bit set if a one was shifted out.
#[inline(always)]
fn shift_right_jam(value: u64, shift: u32) -> u64 {
    if shift >= u64::BITS {
        return u64::from(value != 0);
    }
    let kept = value >> shift;
    kept | u64::from(kept << shift != value)
}
