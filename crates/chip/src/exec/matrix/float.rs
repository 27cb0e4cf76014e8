//! Floating-point forms.
//!
//! An element of D is the chain of fused multiply-adds `d = a[i][k] * b[k][j] + d` for k from 0
//! up, begun with the element of C: in binary64 for those factors, in binary32 for all others.
//! The product inside is exact, each step rounds once, to nearest even, and subnormals are
//! kept. A binary16 accumulator is widened before the chain and rounded once after it. NaN
//! results are canonical.

use weft_isa::MatrixForm;
use weft_isa::matrix::{Factors, Fp8, Sums};

use super::super::Kernel;
use super::super::float::{Float as _, Half};
use super::{COLUMNS, Env, Flow, Hart, Op, Operands, REGISTER_ROWS, RUN_BYTES, execute};

/// Forms that add in binary32, with `K` columns of A.
pub(super) struct Singles<const K: usize>;

impl<const K: usize> Kernel for Singles<K> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        execute(hart, op, singles::<K>)
    }
}

#[inline(always)]
pub(super) fn singles<const K: usize>(form: MatrixForm, operands: &mut Operands) {
    let halves = super::halves(form);
    let mut b = [[0.0; COLUMNS]; K];
    for column in 0..COLUMNS {
        let mut values = [0.0; K];
        for half in 0..halves {
            let run = operands.b_run(column, half);
            widen(form, false, run, &mut values[K / halves * half..]);
        }
        for k in 0..K {
            b[k][column] = values[k];
        }
    }
    for group in 0..2 {
        let mut a = [[0.0; K]; REGISTER_ROWS];
        let mut sums = [[0.0; COLUMNS]; REGISTER_ROWS];
        for row in 0..REGISTER_ROWS {
            let matrix_row = REGISTER_ROWS * group + row;
            for half in 0..halves {
                let run = operands.a_run(matrix_row, half);
                widen(form, true, run, &mut a[row][K / halves * half..]);
            }
            for column in 0..COLUMNS {
                sums[row][column] = if form.sums() == Sums::F16 {
                    half_at(operands, matrix_row, column).to_f32()
                } else {
                    f32::from_bits(operands.c32(matrix_row, column))
                };
            }
        }
        for k in 0..K {
            for row in 0..REGISTER_ROWS {
                for column in 0..COLUMNS {
                    sums[row][column] = a[row][k].mul_add(b[k][column], sums[row][column]);
                }
            }
        }
        for row in 0..REGISTER_ROWS {
            let matrix_row = REGISTER_ROWS * group + row;
            for column in 0..COLUMNS {
                let sum = sums[row][column];
                if form.sums() == Sums::F16 {
                    set_half_at(operands, matrix_row, column, Half::from_f32(sum));
                } else {
                    operands.set_d32(matrix_row, column, sum.canonical().to_bits());
                }
            }
        }
    }
}

/// A run of elements of A (`first`) or B in binary32, which holds them all exactly.
#[inline(always)]
fn widen(form: MatrixForm, first: bool, run: &[u8; RUN_BYTES], to: &mut [f32]) {
    let half = |i: usize| u16::from_le_bytes([run[2 * i], run[2 * i + 1]]);
    match form.factors() {
        Factors::F16 => {
            for i in 0..8 {
                to[i] = Half(half(i)).to_f32();
            }
        }
        Factors::Bf16 => {
            for i in 0..8 {
                to[i] = f32::from_bits(u32::from(half(i)) << 16);
            }
        }
        Factors::Tf32 => {
            for i in 0..4 {
                let bits = u32::from(half(2 * i)) | u32::from(half(2 * i + 1)) << 16;
                to[i] = f32::from_bits(bits & 0xffff_e000);
            }
        }
        Factors::Fp8 { a, b } => match if first { a } else { b } {
            Fp8::E4m3 => {
                for i in 0..RUN_BYTES {
                    to[i] = e4m3(run[i]);
                }
            }
            Fp8::E5m2 => {
                for i in 0..RUN_BYTES {
                    to[i] = Half(u16::from(run[i]) << 8).to_f32();
                }
            }
        },
        Factors::F64 | Factors::Int8 { .. } | Factors::Int4 { .. } | Factors::Bits(_) => {}
    }
}

/// An E4M3 number: the fields of a half whose exponent is biased by 8 less. All ones but the
/// sign is NaN; there are no infinities.
#[inline(always)]
fn e4m3(bits: u8) -> f32 {
    let magnitude = Half(u16::from(bits & 0x7f) << 7).to_f32() * 256.0;
    let magnitude = if bits & 0x7f == 0x7f {
        f32::NAN
    } else {
        magnitude
    };
    f32::from_bits(magnitude.to_bits() | u32::from(bits & 0x80) << 24)
}

/// Where a half of C or D lies: the columns of a row follow one another.
const fn half_offset(row: usize, column: usize) -> usize {
    RUN_BYTES * row + 2 * column
}

#[inline(always)]
fn half_at(operands: &Operands, row: usize, column: usize) -> Half {
    let at = half_offset(row, column);
    Half(u16::from_le_bytes([operands.d[at], operands.d[at + 1]]))
}

#[inline(always)]
fn set_half_at(operands: &mut Operands, row: usize, column: usize, value: Half) {
    let at = half_offset(row, column);
    operands.d[at..at + 2].copy_from_slice(&value.0.to_le_bytes());
}

/// `m8n8k4` of binary64: one element of A and B and two of C in each lane.
pub(super) struct Doubles;

impl Kernel for Doubles {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        execute(hart, op, doubles)
    }
}

#[inline(always)]
pub(super) fn doubles(_: MatrixForm, operands: &mut Operands) {
    const K: usize = 4;
    let read = |bytes: &[u8], at: usize| {
        f64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
    };
    for row in 0..REGISTER_ROWS {
        for column in 0..COLUMNS {
            // Lane 4 g + t holds columns 2 t and 2 t + 1 of row g of C, in two registers each.
            let at = 256 * (column % 2) + 32 * row + 8 * (column / 2);
            let mut sum = read(&operands.d, at);
            for k in 0..K {
                let a = read(&operands.a, 32 * row + 8 * k);
                let b = read(&operands.b, 32 * column + 8 * k);
                sum = a.mul_add(b, sum);
            }
            let bits = sum.canonical().to_bits();
            operands.d[at..at + 8].copy_from_slice(&bits.to_le_bytes());
        }
    }
}
