//! 8-bit and 4-bit integer forms in x86-64 intrinsics.
//!
//! Nibbles are widened to bytes first: low and high nibbles of a run make two runs, which pairs
//! the same elements of A and B, and the order of exact sums does not matter.

use std::arch::x86_64::*;

use weft_isa::MatrixForm;
use weft_isa::abi::VLEN_BYTES;
use weft_isa::matrix::Factors;

use super::groups::{BYTES, Groups};
#[cfg(not(debug_assertions))]
use super::{Env, Flow, Handler, Hart, Level, Op, execute, form_of};
use super::{Operands, saturates};

/// The handler for a form at a level, if there is one better than the portable body.
#[cfg(not(debug_assertions))]
pub(super) fn handler(form: MatrixForm, level: Level) -> Option<Handler> {
    match level {
        Level::V4 if form.m() == 16 && is_x86_feature_detected!("avx512vnni") => Some(run_vnni),
        Level::V3 | Level::V4 => Some(run_avx2),
        Level::Baseline => None,
    }
}

/// Whether the bytes of A and B are signed. Nibbles fit a signed byte either way.
fn signs(form: MatrixForm) -> Option<(bool, bool)> {
    match form.factors() {
        Factors::Int8 { a_signed, b_signed } => Some((a_signed, b_signed)),
        Factors::Int4 { .. } => Some((true, true)),
        Factors::F16
        | Factors::Bf16
        | Factors::Tf32
        | Factors::Fp8 { .. }
        | Factors::F64
        | Factors::Bits(_) => None,
    }
}

/// Bytes of A and B of all runs: 1, 2 or 4 of them.
#[repr(align(64))]
struct Runs {
    count: usize,
    /// Run `h` of rows 0 to 7 is at `256 h`, of rows 8 to 15 at `256 h + 128`.
    a: [u8; 8 * VLEN_BYTES],
    /// Run `h` of the columns is at `128 h`.
    b: [u8; 4 * VLEN_BYTES],
}

impl Runs {
    #[inline(always)]
    fn new(form: MatrixForm, operands: &Operands) -> Self {
        let halves = super::halves(form);
        let mut runs = Self {
            count: halves,
            a: [0; 8 * VLEN_BYTES],
            b: [0; 4 * VLEN_BYTES],
        };
        match form.factors() {
            Factors::Int4 { a_signed, b_signed } => {
                runs.count = 2 * halves;
                for half in 0..halves {
                    let (a, b) = (2 * VLEN_BYTES * half, VLEN_BYTES * half);
                    let (a_length, b_length) = (2 * VLEN_BYTES, VLEN_BYTES);
                    let from = &operands.a[a..a + a_length];
                    unpack(from, a_signed, &mut runs.a[2 * a..]);
                    let from = &operands.b[b..b + b_length];
                    unpack(from, b_signed, &mut runs.b[2 * b..]);
                }
            }
            _ => {
                runs.a[..operands.a.len()].copy_from_slice(&operands.a);
                runs.b[..operands.b.len()].copy_from_slice(&operands.b);
            }
        }
        runs
    }
}

/// Low nibbles of `from` to the begin of `to`, high nibbles after them.
#[inline(always)]
fn unpack(from: &[u8], signed: bool, to: &mut [u8]) {
    let top = if signed { 8u8 } else { 0 };
    let (low, high) = to.split_at_mut(from.len());
    for i in 0..from.len() {
        low[i] = ((from[i] & 15) ^ top).wrapping_sub(top);
        high[i] = ((from[i] >> 4) ^ top).wrapping_sub(top);
    }
}

#[cfg(not(debug_assertions))]
#[target_feature(enable = "avx2")]
fn run_avx2(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    execute(hart, op, |form, operands| avx2(form, operands))
}

/// Widens to 16 bits and multiplies pairs.
#[target_feature(enable = "avx2")]
pub(super) fn avx2(form: MatrixForm, operands: &mut Operands) {
    let (a_signed, b_signed) = signs(form).unwrap_or((true, true));
    let runs = Runs::new(form, operands);
    let widen = |bytes: &[u8], signed: bool| {
        assert!(bytes.len() >= 16);
        // SAFETY: there are 16 bytes.
        let run = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
        if signed {
            _mm256_cvtepi8_epi16(run)
        } else {
            _mm256_cvtepu8_epi16(run)
        }
    };
    // The columns in the order of the lanes that hold D: even ones, then odd ones.
    const ORDER: [usize; 8] = [0, 2, 4, 6, 1, 3, 5, 7];
    // Pair p of 16-bit elements of every column.
    let mut pairs = [[[0u32; 8]; 8]; 4];
    for run in 0..runs.count {
        for (lane, column) in ORDER.into_iter().enumerate() {
            let wide = widen(&runs.b[VLEN_BYTES * run + 16 * column..], b_signed);
            // SAFETY: 32 bytes either way.
            let words = unsafe { std::mem::transmute::<__m256i, [u32; 8]>(wide) };
            for pair in 0..8 {
                pairs[run][pair][lane] = words[pair];
            }
        }
    }
    for row in 0..form.m() as usize {
        let mut sums = [_mm256_setzero_si256(); 2];
        for run in 0..runs.count {
            let at = 2 * VLEN_BYTES * run + VLEN_BYTES * (row / 8) + 16 * (row % 8);
            let wide = widen(&runs.a[at..], a_signed);
            // SAFETY: 32 bytes either way.
            let words = unsafe { std::mem::transmute::<__m256i, [i32; 8]>(wide) };
            for pair in 0..8 {
                // SAFETY: eight words are 32 bytes.
                let b = unsafe { _mm256_loadu_si256(pairs[run][pair].as_ptr().cast()) };
                let product = _mm256_madd_epi16(_mm256_set1_epi32(words[pair]), b);
                sums[pair % 2] = _mm256_add_epi32(sums[pair % 2], product);
            }
        }
        let sums = _mm256_add_epi32(sums[0], sums[1]);
        // SAFETY: 32 bytes either way.
        let sums = unsafe { std::mem::transmute::<__m256i, [i32; 8]>(sums) };
        for (lane, column) in ORDER.into_iter().enumerate() {
            let c = operands.c32(row, column) as i32;
            let d = if saturates(form) {
                c.saturating_add(sums[lane])
            } else {
                c.wrapping_add(sums[lane])
            };
            operands.set_d32(row, column, d as u32);
        }
    }
}

#[cfg(not(debug_assertions))]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn run_vnni(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    vnni(form_of(op), &mut Groups::of_hart(hart, op));
    hart.vstart = 0;
    Flow::Next
}

/// Multiplies four unsigned by four signed bytes at once, for 16 rows of A.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) fn vnni(form: MatrixForm, groups: &mut Groups<'_>) {
    match form.factors() {
        Factors::Int4 { a_signed, b_signed } => {
            let top = [a_signed, b_signed].map(|signed| if signed { NIBBLE_TOP } else { 0 });
            vnni_of::<true, true, true>(form, top, groups);
        }
        _ => match signs(form).unwrap_or((true, true)) {
            (false, false) => vnni_of::<false, false, false>(form, [0; 2], groups),
            (false, true) => vnni_of::<false, true, false>(form, [0; 2], groups),
            (true, false) => vnni_of::<true, false, false>(form, [0; 2], groups),
            (true, true) => vnni_of::<true, true, false>(form, [0; 2], groups),
        },
    }
}

/// The byte that moves signed bytes to unsigned ones and back.
const FLIP: u8 = 0x80;
/// The top bit of a nibble, which counts -8 if it is signed.
const NIBBLE_TOP: i8 = 8;

/// A vector holds four rows of four columns, even or odd ones, as D does. Where the signs are
/// not one of each, A is taken 128 too large (or too small), and 128 times the sums of the
/// columns of B is subtracted again. Of `NIBBLES` the low and the high ones of a run make a
/// run of bytes each; `top` is the top bit of those of A and B that are signed.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn vnni_of<const A_SIGNED: bool, const B_SIGNED: bool, const NIBBLES: bool>(
    form: MatrixForm,
    top: [i8; 2],
    groups: &mut Groups<'_>,
) {
    let dot = |sum: __m512i, a: __m512i, b: __m512i| match (A_SIGNED, B_SIGNED) {
        // A is unsigned, or made so.
        (_, true) => _mm512_dpbusd_epi32(sum, a, b),
        (_, false) => _mm512_dpbusd_epi32(sum, b, a),
    };
    let [a_top, b_top] = top.map(|top| _mm512_set1_epi8(top));
    let bytes = |run: __m512i, high: bool, top: __m512i| {
        if !NIBBLES {
            return run;
        }
        let moved = if high {
            _mm512_srli_epi16::<4>(run)
        } else {
            run
        };
        let nibbles = _mm512_and_si512(moved, _mm512_set1_epi8(15));
        _mm512_sub_epi8(_mm512_xor_si512(nibbles, top), top)
    };
    let flips = A_SIGNED == B_SIGNED;
    let flip = _mm512_set1_epi8(FLIP as i8);
    // Dword q of columns 0, 2, 4, 6 (of 1, 3, 5, 7 with 4 more), for each of four rows.
    let index = _mm512_set4_epi32(24, 16, 8, 0);
    // Quarters of the rows by parity of the columns: rows 4 q to 4 q + 3.
    let mut sums = [[_mm512_setzero_si512(); 2]; 4];
    // 128 times the sums of dwords of B.
    let mut corrections = [_mm512_setzero_si512(); 2];
    for run in 0..super::halves(form) * if NIBBLES { 2 } else { 1 } {
        let (half, high) = if NIBBLES {
            (run / 2, run % 2 != 0)
        } else {
            (run, false)
        };
        let [b_low, b_high] =
            [0, BYTES].map(|at| bytes(groups.b(VLEN_BYTES * half + at), high, b_top));
        let quarters: [__m512i; 4] = std::array::from_fn(|quarter| {
            let a = groups.a(2 * VLEN_BYTES * half + BYTES * quarter);
            let a = bytes(a, high, a_top);
            if flips { _mm512_xor_si512(a, flip) } else { a }
        });
        if flips {
            corrections = [
                dot(corrections[0], flip, b_low),
                dot(corrections[1], flip, b_high),
            ];
        }
        macro_rules! dword {
            ($q:literal) => {{
                for parity in 0..2 {
                    let index = _mm512_add_epi32(index, _mm512_set1_epi32($q + 4 * parity as i32));
                    let columns = _mm512_permutex2var_epi32(b_low, index, b_high);
                    for quarter in 0..4 {
                        let rows = _mm512_shuffle_epi32::<{ $q * 0x55 }>(quarters[quarter]);
                        sums[quarter][parity] = dot(sums[quarter][parity], rows, columns);
                    }
                }
            }};
        }
        dword!(0);
        dword!(1);
        dword!(2);
        dword!(3);
    }
    let saturate = saturates(form);
    for parity in 0..2 {
        let mut correction = _mm512_setzero_si512();
        if flips {
            for dword in 0..4 {
                let index = _mm512_add_epi32(index, _mm512_set1_epi32(dword + 4 * parity));
                let part = _mm512_permutex2var_epi32(corrections[0], index, corrections[1]);
                correction = _mm512_add_epi32(correction, part);
            }
        }
        for quarter in 0..4 {
            let at = VLEN_BYTES * (quarter / 2 * 2 + parity as usize) + BYTES * (quarter % 2);
            let sum = _mm512_sub_epi32(sums[quarter][parity as usize], correction);
            let c = groups.c(at);
            let wrapped = _mm512_add_epi32(c, sum);
            let d = if saturate {
                // Overflow: the sign of the result is that of neither operand.
                let overflow = sign_bits(_mm512_and_si512(
                    _mm512_xor_si512(c, wrapped),
                    _mm512_xor_si512(sum, wrapped),
                ));
                let limit =
                    _mm512_xor_si512(_mm512_srai_epi32::<31>(c), _mm512_set1_epi32(i32::MAX));
                _mm512_mask_mov_epi32(wrapped, overflow, limit)
            } else {
                wrapped
            };
            groups.set_d(at, d);
        }
    }
}

/// The sign bits of 16 elements.
#[target_feature(enable = "avx512f")]
fn sign_bits(vector: __m512i) -> __mmask16 {
    _mm512_cmplt_epi32_mask(vector, _mm512_setzero_si512())
}
