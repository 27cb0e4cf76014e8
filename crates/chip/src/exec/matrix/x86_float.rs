//! Floating-point forms in AVX-512: 16-bit and TF32 factors, and E5M2.
//!
//! A vector holds four rows of four columns, even or odd ones, as D does. Each element goes
//! through the same fused multiply-adds in the same order as in the portable body, so the bits
//! are the same.

use std::arch::x86_64::*;

use weft_isa::MatrixForm;
use weft_isa::abi::VLEN_BYTES;
use weft_isa::matrix::{Factors, Fp8, Sums};

use super::groups::{BYTES, Groups};
#[cfg(not(debug_assertions))]
use super::{Env, Flow, Handler, Hart, Level, Op, form_of};

/// The handler for a form at a level, if there is one better than the portable body.
#[cfg(not(debug_assertions))]
pub(super) fn handler(form: MatrixForm, level: Level) -> Option<Handler> {
    (level == Level::V4 && Widening::of(form).is_some()).then_some(run as Handler)
}

#[cfg(not(debug_assertions))]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,f16c")]
fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    singles(form_of(op), &mut Groups::of_hart(hart, op));
    hart.vstart = 0;
    Flow::Next
}

/// How elements become binary32.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Widening {
    Half,
    Bf16,
    Tf32,
    E5m2,
}

impl Widening {
    /// That of the factors of a form, if this module multiplies them.
    pub(super) fn of(form: MatrixForm) -> Option<Self> {
        match form.factors() {
            Factors::F16 => Some(Self::Half),
            Factors::Bf16 => Some(Self::Bf16),
            Factors::Tf32 => Some(Self::Tf32),
            Factors::Fp8 {
                a: Fp8::E5m2,
                b: Fp8::E5m2,
            } => Some(Self::E5m2),
            Factors::Fp8 { .. }
            | Factors::F64
            | Factors::Int8 { .. }
            | Factors::Int4 { .. }
            | Factors::Bits(_) => None,
        }
    }
}

/// The halves in the low 16 bits of each word.
#[target_feature(enable = "avx512f")]
fn halves_to_singles(words: __m512i) -> __m512 {
    _mm512_cvtph_ps(_mm512_cvtepi32_epi16(words))
}

/// Element `P` of each word.
#[target_feature(enable = "avx512f")]
fn widen<const P: u32>(words: __m512i, widening: Widening) -> __m512 {
    match widening {
        Widening::Half if P == 0 => halves_to_singles(words),
        Widening::Half => halves_to_singles(_mm512_srli_epi32::<16>(words)),
        Widening::Bf16 if P == 0 => _mm512_castsi512_ps(_mm512_slli_epi32::<16>(words)),
        Widening::Bf16 => {
            _mm512_castsi512_ps(_mm512_and_si512(words, _mm512_set1_epi32(-0x1_0000)))
        }
        Widening::Tf32 => _mm512_castsi512_ps(_mm512_and_si512(words, _mm512_set1_epi32(-0x2000))),
        // The byte becomes the upper one of a half.
        Widening::E5m2 => {
            let byte = match P {
                0 => _mm512_slli_epi32::<8>(words),
                1 => words,
                2 => _mm512_srli_epi32::<8>(words),
                _ => _mm512_srli_epi32::<16>(words),
            };
            halves_to_singles(_mm512_and_si512(byte, _mm512_set1_epi32(0xff00)))
        }
    }
}

/// A form for which [`Widening::of`] gives one.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,f16c")]
pub(super) fn singles(form: MatrixForm, groups: &mut Groups<'_>) {
    match Widening::of(form) {
        Some(Widening::Half) => multiply::<2>(form, groups, Widening::Half),
        Some(Widening::Bf16) => multiply::<2>(form, groups, Widening::Bf16),
        Some(Widening::E5m2) => multiply::<4>(form, groups, Widening::E5m2),
        Some(Widening::Tf32) | None => multiply::<1>(form, groups, Widening::Tf32),
    }
}

/// `PER` is the number of elements in a word.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,f16c")]
#[inline]
fn multiply<const PER: usize>(form: MatrixForm, groups: &mut Groups<'_>, widening: Widening) {
    let to_halves = form.sums() == Sums::F16;
    // Quarters of the rows (rows 4 q to 4 q + 3) by parity of the columns.
    let mut sums = [[_mm512_setzero_ps(); 2]; 4];
    for quarter in 0..4 {
        sums[quarter] = if to_halves {
            let pairs = groups.c(BYTES * quarter);
            [
                widen::<0>(pairs, Widening::Half),
                widen::<1>(pairs, Widening::Half),
            ]
        } else {
            [0, 1].map(|parity| _mm512_castsi512_ps(groups.c(sum_offset(quarter, parity))))
        };
    }
    // Word t of columns 0, 2, 4, 6 (of 1, 3, 5, 7 with 4 more), for each of four rows.
    let index = _mm512_set4_epi32(24, 16, 8, 0);
    for half in 0..super::halves(form) {
        let planes = |words: __m512i| -> [__m512; PER] {
            std::array::from_fn(|element| match element {
                0 => widen::<0>(words, widening),
                1 => widen::<1>(words, widening),
                2 => widen::<2>(words, widening),
                _ => widen::<3>(words, widening),
            })
        };
        let [b_low, b_high] = [0, BYTES].map(|at| planes(groups.b(VLEN_BYTES * half + at)));
        let a: [[__m512; PER]; 4] = std::array::from_fn(|quarter| {
            planes(groups.a(2 * VLEN_BYTES * half + BYTES * quarter))
        });
        macro_rules! word {
            ($t:literal) => {{
                for element in 0..PER {
                    let columns: [__m512; 2] = std::array::from_fn(|parity| {
                        let index =
                            _mm512_add_epi32(index, _mm512_set1_epi32($t + 4 * parity as i32));
                        _mm512_permutex2var_ps(b_low[element], index, b_high[element])
                    });
                    for quarter in 0..4 {
                        let rows = _mm512_permute_ps::<{ $t * 0x55 }>(a[quarter][element]);
                        for parity in 0..2 {
                            sums[quarter][parity] =
                                _mm512_fmadd_ps(rows, columns[parity], sums[quarter][parity]);
                        }
                    }
                }
            }};
        }
        word!(0);
        word!(1);
        word!(2);
        word!(3);
    }
    for quarter in 0..4 {
        let [even, odd] = sums[quarter].map(|sum| {
            let is_nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(sum, sum);
            let canonical = _mm512_castsi512_ps(_mm512_set1_epi32(0x7fc0_0000));
            _mm512_mask_mov_ps(sum, is_nan, canonical)
        });
        if to_halves {
            let [even, odd] = [even, odd].map(|sum| {
                _mm512_cvtepu16_epi32(_mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(sum))
            });
            let pairs = _mm512_or_si512(even, _mm512_slli_epi32::<16>(odd));
            groups.set_d(BYTES * quarter, pairs);
        } else {
            for (parity, sum) in [even, odd].into_iter().enumerate() {
                groups.set_d(sum_offset(quarter, parity), _mm512_castps_si512(sum));
            }
        }
    }
}

/// Where a quarter of the rows of D begins, of even or odd columns.
const fn sum_offset(quarter: usize, parity: usize) -> usize {
    VLEN_BYTES * (quarter / 2 * 2 + parity) + BYTES * (quarter % 2)
}
