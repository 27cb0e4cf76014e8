//! Products of bytes in x86-64 intrinsics.

use std::arch::x86_64::*;

use super::TE;

/// Moves signed bytes to unsigned ones and back, in each byte of a dword.
const FLIP: u32 = 0x8080_8080;

/// [`super::multiply::bytes`] with the instruction that multiplies four unsigned by four signed
/// bytes. Where the signs are not one of each, A is taken 128 too large or too small, and 128
/// times the sums of the columns of B is put right again.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) fn vnni(
    rows: &mut [[u32; TE]; TE],
    a: &[u32; TE],
    b: &[u32; TE],
    count: usize,
    signs: [bool; 2],
) {
    match signs {
        [false, false] => of_signs::<false, false>(rows, a, b, count),
        [false, true] => of_signs::<false, true>(rows, a, b, count),
        [true, false] => of_signs::<true, false>(rows, a, b, count),
        [true, true] => of_signs::<true, true>(rows, a, b, count),
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn of_signs<const A_SIGNED: bool, const B_SIGNED: bool>(
    rows: &mut [[u32; TE]; TE],
    a: &[u32; TE],
    b: &[u32; TE],
    count: usize,
) {
    let dot = |sum: __m512i, a: __m512i, b: __m512i| {
        if B_SIGNED {
            _mm512_dpbusd_epi32(sum, a, b)
        } else {
            _mm512_dpbusd_epi32(sum, b, a)
        }
    };
    let flip = if A_SIGNED == B_SIGNED { FLIP } else { 0 };
    let b = [load(&b[..16]), load(&b[16..])];
    // 128 times the sums of the columns: to be subtracted, or, of unsigned bytes, -128 times.
    let corrections = b.map(|b| {
        let factor = _mm512_set1_epi32(flip as i32);
        dot(_mm512_setzero_si512(), factor, b)
    });
    for (row, &quad) in rows.iter_mut().zip(a).take(count) {
        let factor = _mm512_set1_epi32((quad ^ flip) as i32);
        for half in 0..2 {
            let words = &mut row[16 * half..16 * half + 16];
            let sum = dot(load(words), factor, b[half]);
            let sum = _mm512_sub_epi32(sum, corrections[half]);
            // SAFETY: sixteen words are 64 bytes.
            unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), sum) };
        }
    }
}

#[target_feature(enable = "avx512f")]
fn load(words: &[u32]) -> __m512i {
    assert!(words.len() >= 16);
    // SAFETY: sixteen words are 64 bytes.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}
