//! Moves of a chunk with the masks, gathers and registers of AVX-512.

use std::arch::x86_64::{
    __m256i, __m512i, _mm256_loadu_si256, _mm256_mask_loadu_epi8, _mm256_mask_storeu_epi8,
    _mm256_storeu_si256, _mm512_i32gather_epi32, _mm512_i32gather_epi64, _mm512_loadu_si512,
    _mm512_mask_loadu_epi16, _mm512_mask_loadu_epi32, _mm512_mask_loadu_epi64,
    _mm512_mask_storeu_epi16, _mm512_mask_storeu_epi32, _mm512_mask_storeu_epi64,
    _mm512_storeu_si512,
};

use weft_isa::abi::LANES;

use super::integer::Int;

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
