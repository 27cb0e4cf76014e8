//! Products of matrices: one element after the other, from fragments laid out as the PTX manual
//! defines them for each lane (9.7.15.5). Floats are added as the chip's manual says (Xweft 7.4).

use super::eval::extend;
use super::float;
use crate::ir::{FloatType, Rounding};
use weft_isa::MatrixForm;
use weft_isa::abi::LANES;
use weft_isa::matrix::{BitOp, Factors, Fp8, Sums};

/// Threads that share a row of a fragment.
const THREADS_PER_ROW: usize = 4;
/// Rows of a fragment that one register holds.
const ROWS_PER_REGISTER: usize = 8;

/// A matrix as bits of its elements.
type Matrix = Vec<Vec<u64>>;

/// The fragments of D, by lane, of A B + C.
pub(super) fn multiply(
    form: MatrixForm,
    a: &[Vec<u64>],
    b: &[Vec<u64>],
    c: &[Vec<u64>],
) -> Vec<Vec<u64>> {
    let [m, n, k] = [form.m(), form.n(), form.k()].map(|extent| extent as usize);
    let width = form.factors().bits() as usize;
    let sum_width = match form.sums() {
        Sums::F16 => 16,
        Sums::F32 | Sums::S32 { .. } => 32,
        Sums::F64 => 64,
    };
    let per_register = (32 / width).max(1);
    let a = gather(a, width, [m, k], |lane, register, at| {
        let column = lane % THREADS_PER_ROW * per_register + at;
        let row = lane / THREADS_PER_ROW;
        if m == ROWS_PER_REGISTER {
            [row, column]
        } else {
            [
                row + ROWS_PER_REGISTER * (register % 2),
                column + THREADS_PER_ROW * per_register * (register / 2),
            ]
        }
    });
    let b = gather(b, width, [k, n], |lane, register, at| {
        let row = lane % THREADS_PER_ROW * per_register + at;
        [
            row + THREADS_PER_ROW * per_register * register,
            lane / THREADS_PER_ROW,
        ]
    });
    let place = |lane: usize, register: usize, at: usize| {
        // Two columns for each thread: in one register if they fit.
        let element = if sum_width == 16 {
            2 * register + at
        } else {
            register
        };
        [
            lane / THREADS_PER_ROW + ROWS_PER_REGISTER * (element / 2),
            lane % THREADS_PER_ROW * 2 + element % 2,
        ]
    };
    let sums = gather(c, sum_width, [m, n], place);
    let mut d = c.to_vec();
    for (lane, values) in d.iter_mut().enumerate() {
        for (register, value) in values.iter_mut().enumerate() {
            *value = 0;
            for at in 0..(32 / sum_width).max(1) {
                let [row, column] = place(lane, register, at);
                let pairs = (0..k).map(|k| (a[row][k], b[k][column]));
                let bits = element(form, pairs, sums[row][column]);
                *value |= bits << (sum_width * at);
            }
        }
    }
    d
}

/// Puts the fragments of all lanes together: `place` says which row and column an element of a
/// register is.
fn gather(
    fragments: &[Vec<u64>],
    width: usize,
    [rows, columns]: [usize; 2],
    place: impl Fn(usize, usize, usize) -> [usize; 2],
) -> Matrix {
    let mut matrix = vec![vec![0; columns]; rows];
    let all = u64::MAX >> (64 - width);
    for (lane, values) in fragments.iter().enumerate().take(LANES) {
        for (register, &value) in values.iter().enumerate() {
            for at in 0..(32 / width).max(1) {
                let [row, column] = place(lane, register, at);
                matrix[row][column] = value >> (width * at) & all;
            }
        }
    }
    matrix
}

/// One element of D.
fn element(form: MatrixForm, pairs: impl Iterator<Item = (u64, u64)>, c: u64) -> u64 {
    let integer =
        |bits: u64, width: u32, signed: bool| i128::from(extend(bits, width, signed).cast_signed());
    let sum = |terms: i128, saturate: bool| {
        let sum = integer(c, 32, true) + terms;
        let sum = if saturate {
            sum.clamp(i32::MIN.into(), i32::MAX.into())
        } else {
            sum
        };
        u64::try_from(sum & 0xffff_ffff).unwrap_or(0)
    };
    match (form.factors(), form.sums()) {
        (
            Factors::Int8 { a_signed, b_signed } | Factors::Int4 { a_signed, b_signed },
            Sums::S32 { saturate },
        ) => {
            let width = form.factors().bits();
            let terms = pairs
                .map(|(a, b)| integer(a, width, a_signed) * integer(b, width, b_signed))
                .sum();
            sum(terms, saturate)
        }
        (Factors::Bits(BitOp::Xor), _) => sum(pairs.map(|(a, b)| i128::from(a ^ b)).sum(), false),
        (Factors::Bits(BitOp::And), _) => sum(pairs.map(|(a, b)| i128::from(a & b)).sum(), false),
        (Factors::F64, _) => pairs.fold(c, |sum, (a, b)| {
            float::fused(FloatType::F64, Rounding::Nearest, a, b, sum)
        }),
        (factors, sums) => {
            let [of_a, of_b] = match factors {
                Factors::Fp8 { a, b } => [Factors::Fp8 { a, b: a }, Factors::Fp8 { a: b, b }],
                other => [other, other],
            };
            let start = if sums == Sums::F16 {
                single(FloatType::F16, c)
            } else {
                c
            };
            let sum = pairs.fold(start, |sum, (a, b)| {
                let (a, b) = (factor(of_a, a), factor(of_b, b));
                float::fused(FloatType::F32, Rounding::Nearest, a, b, sum)
            });
            if sums == Sums::F16 {
                float::convert(FloatType::F32, FloatType::F16, Rounding::Nearest, sum)
            } else {
                sum
            }
        }
    }
}

fn single(from: FloatType, bits: u64) -> u64 {
    float::convert(from, FloatType::F32, Rounding::Nearest, bits)
}

/// An element of A or B in single precision, which holds it exactly.
fn factor(factors: Factors, bits: u64) -> u64 {
    match factors {
        Factors::F16 => single(FloatType::F16, bits),
        Factors::Bf16 => single(FloatType::Bf16, bits),
        Factors::Fp8 { a: Fp8::E5m2, .. } => single(FloatType::F16, bits << 8),
        Factors::Fp8 { a: Fp8::E4m3, .. } => e4m3(bits),
        // The low 13 bits do not count.
        _ => bits & 0xffff_e000,
    }
}

fn e4m3(bits: u64) -> u64 {
    let fraction = u8::try_from(bits & 7).unwrap_or(0);
    let exponent = i32::try_from(bits >> 3 & 15).unwrap_or(0);
    let magnitude = if bits & 0x7f == 0x7f {
        f32::NAN
    } else if exponent == 0 {
        f32::from(fraction) / 512.0
    } else {
        f32::from(8 + fraction) / 8.0 * 2f32.powi(exponent - 7)
    };
    let signed = if bits & 0x80 == 0 {
        magnitude
    } else {
        -magnitude
    };
    signed.to_bits().into()
}
