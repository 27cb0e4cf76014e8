//! Moves of a chunk with the masks, gathers and registers of AVX-512.

use std::arch::x86_64::{
    __m256i, __m512i, _mm256_loadu_si256, _mm256_mask_loadu_epi8, _mm256_mask_storeu_epi8,
    _mm256_storeu_si256, _mm512_i32gather_epi32, _mm512_i32gather_epi64, _mm512_loadu_si512,
    _mm512_mask_loadu_epi16, _mm512_mask_loadu_epi32, _mm512_mask_loadu_epi64,
    _mm512_mask_mov_epi32, _mm512_mask_storeu_epi16, _mm512_mask_storeu_epi32,
    _mm512_mask_storeu_epi64, _mm512_max_epu32, _mm512_min_epu32, _mm512_or_si512,
    _mm512_reduce_max_epu32, _mm512_reduce_min_epu32, _mm512_reduce_or_epi32, _mm512_set1_epi32,
    _mm512_storeu_si512, _mm512_sub_epi32, _mm512_xor_si512,
};

use weft_isa::abi::LANES;

use super::integer::Int;

/// What offsets have in common.
pub(super) struct Extent {
    /// The lowest.
    pub(super) low: u32,
    /// The highest.
    pub(super) high: u32,
    /// Bits in which they differ.
    pub(super) bits: u32,
    /// Of each from the lowest.
    pub(super) distances: [u32; LANES],
}

/// What the active offsets have in common; `any` stands for the inactive ones.
///
/// # Safety
///
/// The host must have AVX-512 F.
#[inline(always)]
pub(super) unsafe fn extent(offsets: &[u32; LANES], active: u32, any: u32) -> Extent {
    // SAFETY: 16 offsets are there.
    let low_half = unsafe { _mm512_loadu_si512(offsets.as_ptr().cast()) };
    // SAFETY: 16 offsets are left.
    let high_half = unsafe { _mm512_loadu_si512(offsets[16..].as_ptr().cast()) };
    // SAFETY: the caller promises AVX-512 F, here and below.
    let filler = unsafe { _mm512_set1_epi32(any as i32) };
    // SAFETY: as above.
    let a = unsafe { _mm512_mask_mov_epi32(filler, active as u16, low_half) };
    // SAFETY: as above.
    let b = unsafe { _mm512_mask_mov_epi32(filler, (active >> 16) as u16, high_half) };
    // SAFETY: as above.
    let least = unsafe { _mm512_min_epu32(a, b) };
    // SAFETY: as above.
    let most = unsafe { _mm512_max_epu32(a, b) };
    // SAFETY: as above.
    let low = unsafe { _mm512_reduce_min_epu32(least) };
    // SAFETY: as above.
    let high = unsafe { _mm512_reduce_max_epu32(most) };
    // SAFETY: as above.
    let differ_a = unsafe { _mm512_xor_si512(a, filler) };
    // SAFETY: as above.
    let differ_b = unsafe { _mm512_xor_si512(b, filler) };
    // SAFETY: as above.
    let differ = unsafe { _mm512_or_si512(differ_a, differ_b) };
    // SAFETY: as above.
    let bits = unsafe { _mm512_reduce_or_epi32(differ) };
    // SAFETY: as above.
    let lowest = unsafe { _mm512_set1_epi32(low as i32) };
    let mut distances = [0; LANES];
    for (part, half) in [a, b].into_iter().enumerate() {
        // SAFETY: as above.
        let half = unsafe { _mm512_sub_epi32(half, lowest) };
        let to = distances[16 * part..].as_mut_ptr().cast();
        // SAFETY: 16 distances are left.
        unsafe { _mm512_storeu_si512(to, half) };
    }
    Extent {
        low,
        high,
        bits: bits as u32,
        distances,
    }
}

/// The elements at 32 distances below 2^31 from `pointer`, of 4 or 8 bytes.
///
/// # Safety
///
/// They must be accessible, and the host must have AVX-512 F.
#[inline(always)]
pub(super) unsafe fn gather<T: Int>(pointer: *const u8, distances: &[u32; LANES]) -> [T; LANES] {
    let mut values = [T::ZERO; LANES];
    let to = values.as_mut_ptr();
    if size_of::<T>() == 4 {
        for part in 0..LANES / 16 {
            let from = distances[16 * part..].as_ptr();
            // SAFETY: 16 distances are left.
            let distances = unsafe { _mm512_loadu_si512(from.cast()) };
            // SAFETY: the caller promises that the elements are accessible.
            let found = unsafe { _mm512_i32gather_epi32::<1>(distances, pointer.cast()) };
            let to = to.wrapping_add(16 * part).cast::<__m512i>();
            // SAFETY: 16 values are left.
            unsafe { _mm512_storeu_si512(to, found) };
        }
    } else {
        assert!(size_of::<T>() == 8, "gathers are of 4 or 8 bytes");
        for part in 0..LANES / 8 {
            let from = distances[8 * part..].as_ptr();
            // SAFETY: 8 distances are left.
            let distances = unsafe { _mm256_loadu_si256(from.cast()) };
            // SAFETY: the caller promises that the elements are accessible.
            let found = unsafe { _mm512_i32gather_epi64::<1>(distances, pointer.cast()) };
            let to = to.wrapping_add(8 * part).cast::<__m512i>();
            // SAFETY: 8 values are left.
            unsafe { _mm512_storeu_si512(to, found) };
        }
    }
    values
}

/// Replaces active values by elements of a row.
///
/// # Safety
///
/// The active elements must be accessible, and the host must have AVX-512 F, BW and VL.
#[inline(always)]
pub(super) unsafe fn load<T: Int>(row: *const T, active: u32, values: &mut [T; LANES]) {
    let to = values.as_mut_ptr();
    macro_rules! parts {
        ($lanes:literal, $mask:ty, $old:ident, $load:ident, $keep:ident, $vector:ty) => {
            for part in 0..LANES / $lanes {
                let to = to.wrapping_add($lanes * part).cast::<$vector>();
                let from = row.wrapping_add($lanes * part);
                let mask = (active >> ($lanes * part)) as $mask;
                // SAFETY: the part is inside the array.
                let old = unsafe { $old(to.cast()) };
                // SAFETY: the caller promises that active elements are accessible.
                let new = unsafe { $load(old, mask, from.cast()) };
                // SAFETY: the part is inside the array.
                unsafe { $keep(to, new) };
            }
        };
    }
    match size_of::<T>() {
        1 => parts!(
            32,
            u32,
            _mm256_loadu_si256,
            _mm256_mask_loadu_epi8,
            _mm256_storeu_si256,
            __m256i
        ),
        2 => parts!(
            32,
            u32,
            _mm512_loadu_si512,
            _mm512_mask_loadu_epi16,
            _mm512_storeu_si512,
            __m512i
        ),
        4 => parts!(
            16,
            u16,
            _mm512_loadu_si512,
            _mm512_mask_loadu_epi32,
            _mm512_storeu_si512,
            __m512i
        ),
        _ => parts!(
            8,
            u8,
            _mm512_loadu_si512,
            _mm512_mask_loadu_epi64,
            _mm512_storeu_si512,
            __m512i
        ),
    }
}

/// Replaces active elements of a row by values.
///
/// # Safety
///
/// The active elements must be accessible for writing, and the host must have AVX-512 F, BW and
/// VL.
#[inline(always)]
pub(super) unsafe fn store<T: Int>(row: *mut T, active: u32, values: &[T; LANES]) {
    macro_rules! parts {
        ($lanes:literal, $mask:ty, $load:ident, $store:ident, $vector:ty) => {
            for part in 0..LANES / $lanes {
                let from = values[$lanes * part..].as_ptr().cast::<$vector>();
                let to = row.wrapping_add($lanes * part);
                let mask = (active >> ($lanes * part)) as $mask;
                // SAFETY: the part is inside the array.
                let part = unsafe { $load(from.cast()) };
                // SAFETY: the caller promises that active elements are accessible.
                unsafe { $store(to.cast(), mask, part) };
            }
        };
    }
    match size_of::<T>() {
        1 => parts!(
            32,
            u32,
            _mm256_loadu_si256,
            _mm256_mask_storeu_epi8,
            __m256i
        ),
        2 => parts!(
            32,
            u32,
            _mm512_loadu_si512,
            _mm512_mask_storeu_epi16,
            __m512i
        ),
        4 => parts!(
            16,
            u16,
            _mm512_loadu_si512,
            _mm512_mask_storeu_epi32,
            __m512i
        ),
        _ => parts!(8, u8, _mm512_loadu_si512, _mm512_mask_storeu_epi64, __m512i),
    }
}
