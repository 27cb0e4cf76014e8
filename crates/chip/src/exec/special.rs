//! The special functions of Xweft: reciprocal, roots, powers, logarithm, circular functions.
//!
//! Each is computed in `f64` with additions, multiplications, divisions and square roots only,
//! which every host rounds alike, so results are the same bits everywhere; no library function
//! is called and no fused multiply-add is used. The result is rounded once to single
//! precision, so errors are hardly more than half an ulp. Special values are those of the PTX
//! manual (9.7.3, `rcp.approx` to `tanh.approx`). Neither `frm` nor `fflags` has a part.

use std::marker::PhantomData;

use weft_isa::abi::LANES;

use super::float::Float as _;
use super::lanes::for_each_chunk;
use super::{Env, Flow, Hart, Kernel, Op};

/// Adding and subtracting this rounds to the nearest integer, up to 2^51 in magnitude.
const ROUND: f64 = 1.5 * (1u64 << 52) as f64;

/// Sum of `coefficients[i] * x^i`.
#[inline(always)]
fn polynomial<const N: usize>(x: f64, coefficients: &[f64; N]) -> f64 {
    let mut sum = coefficients[N - 1];
    for index in (0..N - 1).rev() {
        sum = sum * x + coefficients[index];
    }
    sum
}

/// 2^x, exact to about 2^-37 of the result.
#[inline(always)]
fn exp2(x: f64) -> f64 {
    /// 1 / i!
    const FACTORIALS: [f64; 11] = [
        1.0,
        1.0,
        1.0 / 2.0,
        1.0 / 6.0,
        1.0 / 24.0,
        1.0 / 120.0,
        1.0 / 720.0,
        1.0 / 5040.0,
        1.0 / 40320.0,
        1.0 / 362_880.0,
        1.0 / 3_628_800.0,
    ];
    // Beyond this the result is 0 or infinite in single precision. NaN passes.
    let x = if x < -400.0 { -400.0 } else { x };
    let x = if x > 400.0 { 400.0 } else { x };
    let shifted = x + ROUND;
    let whole = shifted - ROUND;
    let power = polynomial((x - whole) * std::f64::consts::LN_2, &FACTORIALS);
    // The low bits of `shifted` are the integer: move it to the exponent field.
    let scale = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52));
    power * scale
}

/// Base-2 logarithm of a positive normal number, exact to about 2^-38.
#[inline(always)]
fn log2_of_normal(x: f64) -> f64 {
    /// 2 / ((2 i + 1) ln 2)
    const ODD_TERMS: [f64; 8] = {
        let mut terms = [0.0; 8];
        let mut i = 0;
        while i < 8 {
            terms[i] = 2.0 * std::f64::consts::LOG2_E / (2 * i + 1) as f64;
            i += 1;
        }
        terms
    };
    /// Bits of the square root of one half: significands are taken from there to twice that.
    const LOWEST: u64 = 0x3fe6_a09e_667f_3bcd;
    let bits = x.to_bits();
    let exponent_bits = bits.wrapping_sub(LOWEST) & 0xfff0_0000_0000_0000;
    let significand = f64::from_bits(bits.wrapping_sub(exponent_bits));
    let exponent = (exponent_bits as i64 >> 52) as i32;
    let ratio = (significand - 1.0) / (significand + 1.0);
    f64::from(exponent) + ratio * polynomial(ratio * ratio, &ODD_TERMS)
}

/// pi / 2 in three parts of 28 bits and the rest, so that a multiple by less than 2^25 of a
/// part is exact.
const HALF_PI: [f64; 3] = {
    // pi / 2 = 0x1.921fb54442d18469898cc51701b8...
    [
        f64::from_bits(0x3ff9_21fb_5400_0000),
        f64::from_bits(0x3e11_0b46_1000_0000),
        f64::from_bits(0x3c5a_6263_3145_c06e),
    ]
};

/// Magnitudes from here on are reduced by [`reduce_exactly`].
const LARGE: f64 = 33_554_432.0;

/// Sine (`quadrant` 0) or cosine (1) of `rest + quadrants * pi / 2`.
#[inline(always)]
fn circular(rest: f64, quadrants: i32) -> f64 {
    const SINE: [f64; 7] = [
        1.0,
        -1.0 / 6.0,
        1.0 / 120.0,
        -1.0 / 5040.0,
        1.0 / 362_880.0,
        -1.0 / 39_916_800.0,
        1.0 / 6_227_020_800.0,
    ];
    const COSINE: [f64; 8] = [
        1.0,
        -1.0 / 2.0,
        1.0 / 24.0,
        -1.0 / 720.0,
        1.0 / 40320.0,
        -1.0 / 3_628_800.0,
        1.0 / 479_001_600.0,
        -1.0 / 87_178_291_200.0,
    ];
    let square = rest * rest;
    let sine = rest * polynomial(square, &SINE);
    let cosine = polynomial(square, &COSINE);
    let value = if quadrants & 1 == 0 { sine } else { cosine };
    if quadrants & 2 == 0 { value } else { -value }
}

/// Sine or cosine of a number below [`LARGE`].
#[inline(always)]
fn circular_of_small(x: f64, first_quadrant: i32) -> f64 {
    let shifted = x * std::f64::consts::FRAC_2_PI + ROUND;
    let multiple = shifted - ROUND;
    let rest = x - multiple * HALF_PI[0];
    let rest = rest - multiple * HALF_PI[1];
    let rest = rest - multiple * HALF_PI[2];
    circular(
        rest,
        (shifted.to_bits() as i32).wrapping_add(first_quadrant),
    )
}

/// The nearest multiple of pi / 2 modulo 4 and the rest, of a finite number of at least
/// [`LARGE`] with 24 significant bits.
fn reduce_exactly(x: f64) -> (f64, i32) {
    /// The binary digits of 2 / pi after the point.
    const DIGITS: [u32; 8] = [
        0xa2f9_836e,
        0x4e44_1529,
        0xfc27_57d1,
        0xf534_ddc0,
        0xdb62_9599,
        0x3c43_9041,
        0xfe51_63ab,
        0xdebb_c561,
    ];
    let bits = x.abs().to_bits();
    // |x| = significand * 2^exponent with a 24-bit significand, exponent from 2 to 104.
    let exponent = (bits >> 52) as i32 - 1023 - 23;
    let significand = u128::from((bits & ((1 << 52) - 1) | 1 << 52) >> 29);
    // Digits whose product with 2^exponent is 4 or more add whole turns: begin after them.
    let first = (exponent - 2).max(0) as usize;
    let mut window = 0u128;
    for index in first..first + 96 {
        let digit = DIGITS[index / 32] >> (31 - index % 32) & 1;
        window = window << 1 | u128::from(digit);
    }
    // The window's unit is 2^-94, and so is that of the product.
    let product = significand.wrapping_mul(window) & ((1 << 96) - 1);
    let quadrants = (product + (1 << 93)) >> 94;
    let rest = product as i128 - (quadrants << 94) as i128;
    let unit = f64::from_bits((1023 - 94) << 52);
    let rest = rest as f64 * unit * std::f64::consts::FRAC_PI_2;
    if x < 0.0 {
        (-rest, -(quadrants as i32))
    } else {
        (rest, quadrants as i32)
    }
}

/// A function of one real number.
pub(super) trait Function: 'static {
    /// Its value for a single-precision argument.
    fn value(x: f64) -> f64;
    /// Whether [`Function::value`] does not serve for this argument.
    #[inline(always)]
    fn is_hard(_: f64) -> bool {
        false
    }
    /// The value where it does not.
    fn hard_value(x: f64) -> f64 {
        Self::value(x)
    }
}

pub(super) enum Reciprocal {}
pub(super) enum ReciprocalSqrt {}
pub(super) enum Sqrt {}
pub(super) enum Exp2 {}
pub(super) enum Log2 {}
pub(super) enum Sin {}
pub(super) enum Cos {}
pub(super) enum Tanh {}

impl Function for Reciprocal {
    #[inline(always)]
    fn value(x: f64) -> f64 {
        1.0 / x
    }
}

impl Function for ReciprocalSqrt {
    #[inline(always)]
    fn value(x: f64) -> f64 {
        1.0 / x.sqrt()
    }
}

impl Function for Sqrt {
    #[inline(always)]
    fn value(x: f64) -> f64 {
        x.sqrt()
    }
}

impl Function for Exp2 {
    #[inline(always)]
    fn value(x: f64) -> f64 {
        exp2(x)
    }
}

impl Function for Log2 {
    #[inline(always)]
    fn value(x: f64) -> f64 {
        let value = log2_of_normal(x);
        let value = if x == f64::INFINITY { x } else { value };
        let value = if x == 0.0 { f64::NEG_INFINITY } else { value };
        if x >= 0.0 { value } else { f64::NAN }
    }
}

impl Function for Sin {
    #[inline(always)]
    fn value(x: f64) -> f64 {
        // The sum with the multiple of pi / 2 loses the sign of zero.
        if x == 0.0 { x } else { circular_of_small(x, 0) }
    }
    #[inline(always)]
    fn is_hard(x: f64) -> bool {
        x.abs() >= LARGE
    }
    fn hard_value(x: f64) -> f64 {
        if x.is_infinite() {
            return f64::NAN;
        }
        let (rest, quadrants) = reduce_exactly(x);
        circular(rest, quadrants)
    }
}

impl Function for Cos {
    #[inline(always)]
    fn value(x: f64) -> f64 {
        circular_of_small(x, 1)
    }
    #[inline(always)]
    fn is_hard(x: f64) -> bool {
        x.abs() >= LARGE
    }
    fn hard_value(x: f64) -> f64 {
        if x.is_infinite() {
            return f64::NAN;
        }
        let (rest, quadrants) = reduce_exactly(x);
        circular(rest, quadrants + 1)
    }
}

impl Function for Tanh {
    #[inline(always)]
    fn value(x: f64) -> f64 {
        // Near zero the quotient would lose the argument in the one.
        let series = x * (1.0 - x * x * (1.0 / 3.0));
        let power = exp2(x * (2.0 * std::f64::consts::LOG2_E));
        let quotient = 1.0 - 2.0 / (power + 1.0);
        if x.abs() < 1e-4 { series } else { quotient }
    }
}

/// `xw.v<function>.v`.
pub(super) struct Special<F>(PhantomData<F>);

impl<F: Function> Kernel for Special<F> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        for_each_chunk!(hart, op, |chunk, active| {
            let arguments = hart.vector::<f32>(op.rs2, chunk);
            let mut hard = 0;
            let mut result = [0f32; LANES];
            for lane in 0..LANES {
                let x = f64::from(arguments[lane]);
                hard |= u32::from(F::is_hard(x));
                result[lane] = rounded(F::value(x));
            }
            if hard != 0 {
                for lane in 0..LANES {
                    let x = f64::from(arguments[lane]);
                    if F::is_hard(x) {
                        result[lane] = rounded(F::hard_value(x));
                    }
                }
            }
            hart.merge_vector(op.rd, chunk, &result, active);
        })
    }
}

/// Rounded to single precision, NaN made canonical.
#[inline(always)]
fn rounded(value: f64) -> f32 {
    (value as f32).canonical()
}

/// The value for one argument, as an element gets it.
#[cfg(test)]
pub(super) fn value_of<F: Function>(x: f32) -> f32 {
    let x = f64::from(x);
    rounded(if F::is_hard(x) {
        F::hard_value(x)
    } else {
        F::value(x)
    })
}
