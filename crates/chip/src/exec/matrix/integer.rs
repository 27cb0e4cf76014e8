//! Integer and single-bit forms: exact sums, wrapped or clamped once at the end.

use weft_isa::MatrixForm;
use weft_isa::matrix::{BitOp, Factors};

use super::super::Kernel;
use super::{COLUMNS, Env, Flow, Hart, Op, Operands, RUN_BYTES, execute, saturates};

/// Integers of 8 or 4 bits, with `K` columns of A.
pub(super) struct Integers<const K: usize>;

impl<const K: usize> Kernel for Integers<K> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        execute(hart, op, integers::<K>)
    }
}

#[inline(always)]
pub(super) fn integers<const K: usize>(form: MatrixForm, operands: &mut Operands) {
    let (halves, rows) = (super::halves(form), form.m() as usize);
    let widened = |run: &dyn Fn(usize) -> [u8; RUN_BYTES], first: bool| {
        let mut values = [0i16; K];
        for half in 0..halves {
            widen(form, first, &run(half), &mut values[K / halves * half..]);
        }
        values
    };
    let mut b = [[0i16; K]; COLUMNS];
    for column in 0..COLUMNS {
        b[column] = widened(&|half| *operands.b_run(column, half), false);
    }
    for row in 0..rows {
        let a = widened(&|half| *operands.a_run(row, half), true);
        for column in 0..COLUMNS {
            let mut sum = 0i32;
            for k in 0..K {
                sum += i32::from(a[k]) * i32::from(b[column][k]);
            }
            let c = operands.c32(row, column) as i32;
            let d = if saturates(form) {
                c.saturating_add(sum)
            } else {
                c.wrapping_add(sum)
            };
            operands.set_d32(row, column, d as u32);
        }
    }
}

/// A run of elements of A (`first`) or B. Nibbles come low half first.
#[inline(always)]
fn widen(form: MatrixForm, first: bool, run: &[u8; RUN_BYTES], to: &mut [i16]) {
    let sign = |a_signed: bool, b_signed: bool| if first { a_signed } else { b_signed };
    match form.factors() {
        Factors::Int8 { a_signed, b_signed } => {
            let signed = sign(a_signed, b_signed);
            for i in 0..RUN_BYTES {
                to[i] = if signed {
                    i16::from(run[i] as i8)
                } else {
                    i16::from(run[i])
                };
            }
        }
        Factors::Int4 { a_signed, b_signed } => {
            // Of a signed nibble the top bit counts -8.
            let top = if sign(a_signed, b_signed) { 8 } else { 0 };
            for i in 0..RUN_BYTES {
                let (low, high) = (i16::from(run[i] & 15), i16::from(run[i] >> 4));
                to[2 * i] = (low ^ top) - top;
                to[2 * i + 1] = (high ^ top) - top;
            }
        }
        Factors::F16
        | Factors::Bf16
        | Factors::Tf32
        | Factors::Fp8 { .. }
        | Factors::F64
        | Factors::Bits(_) => {}
    }
}

/// Single bits: counts the ones of the combined row and column.
pub(super) struct Bits;

impl Kernel for Bits {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        execute(hart, op, bits)
    }
}

#[inline(always)]
pub(super) fn bits(form: MatrixForm, operands: &mut Operands) {
    let and = form.factors() == Factors::Bits(BitOp::And);
    for row in 0..form.m() as usize {
        for column in 0..COLUMNS {
            let mut ones = 0;
            for half in 0..super::halves(form) {
                let a = u128::from_le_bytes(*operands.a_run(row, half));
                let b = u128::from_le_bytes(*operands.b_run(column, half));
                ones += if and { a & b } else { a ^ b }.count_ones();
            }
            let sum = operands.c32(row, column).wrapping_add(ones);
            operands.set_d32(row, column, sum);
        }
    }
}
