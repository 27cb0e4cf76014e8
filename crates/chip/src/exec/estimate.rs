//! `vfrec7` and `vfrsqrt7`: estimates of reciprocal and reciprocal square root to 7 bits
//! (V 13.9, 13.10). Both are defined by tables, so results are the same bits everywhere.

use std::marker::PhantomData;

use super::float::Float;
use super::soft::{DZ, Format, NV, NX, OF, Rounding, Status};
use super::vec_fp::{element, for_each_exactly, set_element};
use super::{Env, Flow, Hart, Kernel, Op};

/// Bits of an estimate.
const BITS: u32 = 7;

/// Fractions of 2/x for x in the middle of each 128th of [1, 2).
const RECIPROCALS: [u8; 128] = [
    127, 125, 123, 121, 119, 117, 116, 114, 112, 110, 109, 107, 105, 104, 102, 100, 99, 97, 96, 94,
    93, 91, 90, 88, 87, 85, 84, 83, 81, 80, 79, 77, 76, 75, 74, 72, 71, 70, 69, 68, 66, 65, 64, 63,
    62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 40,
    39, 38, 37, 36, 35, 35, 34, 33, 32, 31, 31, 30, 29, 28, 28, 27, 26, 25, 25, 24, 23, 23, 22, 21,
    21, 20, 19, 19, 18, 17, 17, 16, 15, 15, 14, 14, 13, 12, 12, 11, 11, 10, 9, 9, 8, 8, 7, 7, 6, 5,
    5, 4, 4, 3, 3, 2, 2, 1, 1, 0,
];

/// Fractions of 2/sqrt(x) for x in the middle of each 64th of [2, 4), then of [1, 2).
const ROOTS: [u8; 128] = [
    52, 51, 50, 48, 47, 46, 44, 43, 42, 41, 40, 39, 38, 36, 35, 34, 33, 32, 31, 30, 30, 29, 28, 27,
    26, 25, 24, 23, 23, 22, 21, 20, 19, 19, 18, 17, 16, 16, 15, 14, 14, 13, 12, 12, 11, 10, 10, 9,
    9, 8, 7, 7, 6, 6, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 127, 125, 123, 121, 119, 118, 116, 114, 113,
    111, 109, 108, 106, 105, 103, 102, 100, 99, 97, 96, 95, 93, 92, 91, 90, 88, 87, 86, 85, 84, 83,
    82, 80, 79, 78, 77, 76, 75, 74, 73, 72, 71, 70, 70, 69, 68, 67, 66, 65, 64, 63, 63, 62, 61, 60,
    59, 59, 58, 57, 56, 56, 55, 54, 53,
];

/// `vfrec7.v`, or `vfrsqrt7.v` if `ROOT`.
pub(super) struct Estimate<T, const ROOT: bool>(PhantomData<T>);

impl<T: Float, const ROOT: bool> Kernel for Estimate<T, ROOT> {
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        for_each_exactly(hart, op, None, |hart, index, status| {
            let a = element(hart, T::FORMAT, op.rs2, index);
            let result = if ROOT {
                reciprocal_root(T::FORMAT, a, status)
            } else {
                reciprocal(T::FORMAT, a, status)
            };
            set_element(hart, T::FORMAT, op.rd, index, result);
        })
    }
}

/// Biased exponent, 0 or less for subnormal numbers, and fraction of the normalised value.
fn normalised(format: Format, magnitude: u64) -> (i64, u64) {
    let fraction_bits = format.fraction_bits();
    let exponent = (magnitude >> fraction_bits) as i64;
    let mask = (1 << fraction_bits) - 1;
    let fraction = magnitude & mask;
    if exponent != 0 {
        return (exponent, fraction);
    }
    let zeros = fraction.leading_zeros() - (64 - fraction_bits);
    (-i64::from(zeros), fraction << (zeros + 1) & mask)
}

fn not_a_number(format: Format, a: u64, status: &mut Status) -> u64 {
    if format.is_signaling(a) {
        status.flags |= NV;
    }
    format.canonical_nan()
}

/// An estimate of `1 / a`.
fn reciprocal(format: Format, a: u64, status: &mut Status) -> u64 {
    let sign = a & 1 << (format.bits() - 1);
    let magnitude = a ^ sign;
    if format.is_nan(a) {
        return not_a_number(format, a, status);
    }
    if magnitude == format.infinity() {
        return sign;
    }
    if magnitude == 0 {
        status.flags |= DZ;
        return sign | format.infinity();
    }
    let (exponent, fraction) = normalised(format, magnitude);
    if exponent < -1 {
        // Too large for the format, except as what the rounding mode makes of that.
        status.flags |= NX | OF;
        let to_largest = match status.rounding {
            Rounding::TowardsZero => true,
            Rounding::Down => sign == 0,
            Rounding::Up => sign != 0,
            Rounding::NearestEven | Rounding::NearestAway | Rounding::Odd => false,
        };
        return sign | (format.infinity() - u64::from(to_largest));
    }
    let fraction_bits = format.fraction_bits();
    let entry = RECIPROCALS[(fraction >> (fraction_bits - BITS)) as usize];
    let mut result = u64::from(entry) << (fraction_bits - BITS);
    let result_exponent = 2 * i64::from(format.bias()) - 1 - exponent;
    if result_exponent <= 0 {
        // Subnormal, by one or two places: the leading one becomes explicit.
        result = result >> 1 | 1 << (fraction_bits - 1);
        if result_exponent < 0 {
            result >>= 1;
        }
    }
    sign | (result_exponent.max(0) as u64) << fraction_bits | result
}

/// An estimate of `1 / sqrt(a)`.
fn reciprocal_root(format: Format, a: u64, status: &mut Status) -> u64 {
    let sign = a & 1 << (format.bits() - 1);
    let magnitude = a ^ sign;
    if format.is_nan(a) {
        return not_a_number(format, a, status);
    }
    if magnitude == 0 {
        status.flags |= DZ;
        return sign | format.infinity();
    }
    if sign != 0 {
        status.flags |= NV;
        return format.canonical_nan();
    }
    if magnitude == format.infinity() {
        return 0;
    }
    let (exponent, fraction) = normalised(format, magnitude);
    let fraction_bits = format.fraction_bits();
    let index = (exponent as u64 & 1) << (BITS - 1) | fraction >> (fraction_bits - BITS + 1);
    let entry = u64::from(ROOTS[index as usize]);
    let result_exponent = (3 * i64::from(format.bias()) - 1 - exponent) / 2;
    (result_exponent as u64) << fraction_bits | entry << (fraction_bits - BITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::soft;

    #[test]
    fn estimates_are_good_to_seven_bits() {
        const ERROR_MAX: f64 = 1.0 / 128.0;
        let mut status = Status::new(Rounding::NearestEven);
        for step in 0..4096_u64 {
            let bits = 0x3f00_0000 + (step << 12);
            let a = f64::from(f32::from_bits(bits as u32));
            let back = |bits: u64| f64::from(f32::from_bits(bits as u32));
            let inverse = back(reciprocal(soft::F32, bits, &mut status));
            assert!(
                (inverse * a - 1.0).abs() < ERROR_MAX,
                "1/{a} is not {inverse}"
            );
            let root = back(reciprocal_root(soft::F32, bits, &mut status));
            assert!(
                (root * a.sqrt() - 1.0).abs() < ERROR_MAX,
                "1/sqrt({a}) is not {root}"
            );
        }
        assert_eq!(status.flags, 0);
    }
}
