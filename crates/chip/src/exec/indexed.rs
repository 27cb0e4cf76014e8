//! Indexed loads and stores of whole warps with offsets of 32 bits, on hosts with AVX-512.
//!
//! All offsets are compared with what is left of the range that the instruction hit last, at once.
//! What that cannot tell goes the way of [`super::spread`]. Each half of the lanes is then one row,
//! one place, or 16 elements that are moved one by one, which is faster than the host's gathers and
//! scatters.

use std::arch::x86_64::{
    __m128i, __m512i, _mm_cvtsi32_si128, _mm_unpacklo_epi32, _mm_unpacklo_epi64,
    _mm256_castsi128_si256, _mm256_inserti128_si256, _mm512_broadcastd_epi32,
    _mm512_castsi256_si512, _mm512_castsi512_si128, _mm512_cmpeq_epi32_mask,
    _mm512_cmpgt_epu32_mask, _mm512_inserti64x4, _mm512_maskz_loadu_epi32, _mm512_max_epu32,
    _mm512_mullo_epi32, _mm512_or_si512, _mm512_set1_epi32, _mm512_setr_epi32, _mm512_sub_epi32,
    _mm512_test_epi32_mask,
};
use std::marker::PhantomData;

use super::access::{count, room};
use super::integer::Int;
use super::lanes::first_active;
use super::spread::lanes;
use super::vec_mem::{Indexed, MoveWhole};
use super::{Env, Flow, Hart, Kernel, Op};

/// Lanes of a host vector.
const HALF: usize = 16;

/// A load (`STORE` false) or store of one field.
pub(super) struct IndexedWhole<T, const STORE: bool>(PhantomData<T>);

impl<T: Int, const STORE: bool> Kernel for IndexedWhole<T, STORE> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        // SAFETY: this body is chosen for hosts with AVX-512 only.
        if unsafe { move_at_once::<T, STORE>(hart, env, op) } {
            return Flow::Next;
        }
        MoveWhole::<Indexed<u32>, T, STORE>::run(hart, env, op)
    }
}

/// Moves all active elements, or nothing: false if they are not known to be accessible and aligned.
#[target_feature(
    enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl"
)]
#[inline]
fn move_at_once<T: Int, const STORE: bool>(hart: &mut Hart, env: &mut Env, op: &Op) -> bool {
    let active = first_active(hart, op, true);
    if active == 0 {
        return true;
    }
    let bytes = size_of::<T>() as u64;
    let base = hart.x(op.rs1);
    let Some((place, room)) = room(env, op, base, STORE) else {
        return false;
    };
    let Some(most) = room.checked_sub(bytes) else {
        return false;
    };
    let most = most.min(u64::from(u32::MAX)) as u32;
    let low_bits = if env.misaligned { 0 } else { bytes as u32 - 1 };
    let [registers, index] = hart.vector_groups([op.rd, op.rs2]);
    let (registers, index) = (registers.cast::<T>(), index.cast::<u32>().cast_const());
    // Inactive lanes are at the base, which is accessible.
    // SAFETY: a register has 32 words.
    let first = unsafe { _mm512_maskz_loadu_epi32(active as u16, index.cast()) };
    let other = index.wrapping_add(HALF).cast();
    // SAFETY: as above.
    let second = unsafe { _mm512_maskz_loadu_epi32((active >> HALF) as u16, other) };
    let highest = _mm512_max_epu32(first, second);
    let beyond = _mm512_cmpgt_epu32_mask(highest, _mm512_set1_epi32(most as i32));
    let bits = _mm512_or_si512(first, second);
    let odd = _mm512_test_epi32_mask(bits, _mm512_set1_epi32(low_bits as i32));
    if beyond | odd != 0 || base as u32 & low_bits != 0 {
        return false;
    }
    let moved_bytes = bytes * u64::from(active.count_ones());
    count(env, place.space, moved_bytes, STORE);
    let elements = Elements {
        memory: place.pointer,
        registers,
        index,
    };
    if active != u32::MAX {
        for lane in lanes(active) {
            // SAFETY: the element was found to be accessible.
            unsafe { elements.move_one::<STORE>(lane) };
        }
        return true;
    }
    for (half, offsets) in [first, second].into_iter().enumerate() {
        // SAFETY: all elements were found to be accessible.
        unsafe { elements.half(half).move_half::<STORE>(offsets) };
    }
    true
}

/// Elements in memory and in registers.
#[derive(Clone, Copy)]
struct Elements<T> {
    /// The base on the host.
    memory: *mut u8,
    registers: *mut T,
    index: *const u32,
}

impl<T: Int> Elements<T> {
    fn half(self, half: usize) -> Self {
        Self {
            registers: self.registers.wrapping_add(HALF * half),
            index: self.index.wrapping_add(HALF * half),
            ..self
        }
    }

    /// Where an element is in memory.
    ///
    /// # Safety
    ///
    /// The index must have one for the lane.
    #[inline(always)]
    unsafe fn place(self, lane: usize) -> *mut T {
        // SAFETY: as the caller promises.
        let offset = unsafe { self.index.wrapping_add(lane).read() };
        self.memory.wrapping_add(offset as usize).cast()
    }

    /// # Safety
    ///
    /// The element must be accessible, for writing if `STORE`.
    #[inline(always)]
    unsafe fn move_one<const STORE: bool>(self, lane: usize) {
        // SAFETY: as the caller promises.
        let place = unsafe { self.place(lane) };
        let register = self.registers.wrapping_add(lane);
        let (from, to) = if STORE {
            (register, place)
        } else {
            (place, register)
        };
        // SAFETY: as the caller promises.
        let value = unsafe { from.read_unaligned() };
        // SAFETY: as the caller promises.
        unsafe { to.write_unaligned(value) };
    }

    /// Moves 16 elements at these offsets.
    ///
    /// # Safety
    ///
    /// They must be accessible, for writing if `STORE`.
    #[target_feature(
        enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl"
    )]
    #[inline]
    unsafe fn move_half<const STORE: bool>(self, offsets: __m512i) {
        let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        let row = _mm512_mullo_epi32(lanes, _mm512_set1_epi32(size_of::<T>() as i32));
        let start = _mm512_broadcastd_epi32(_mm512_castsi512_si128(offsets));
        let distances = _mm512_sub_epi32(offsets, start);
        // SAFETY: there is an offset for the first lane.
        let first = unsafe { self.place(0) };
        if _mm512_cmpeq_epi32_mask(distances, row) == u16::MAX {
            let (memory, registers) = (first.cast::<[T; HALF]>(), self.registers.cast());
            let (from, to) = if STORE {
                (registers, memory)
            } else {
                (memory, registers)
            };
            // SAFETY: 16 elements from there on are accessible.
            let values = unsafe { from.read_unaligned() };
            // SAFETY: 16 elements from there on are accessible for writing.
            unsafe { to.write_unaligned(values) };
        } else if !STORE && _mm512_test_epi32_mask(distances, distances) == 0 {
            // SAFETY: the element is accessible.
            let values = [unsafe { first.read_unaligned() }; HALF];
            // SAFETY: the register has 16 elements from there on.
            unsafe { self.registers.cast::<[T; HALF]>().write_unaligned(values) };
        } else if !STORE && size_of::<T>() == 4 {
            // SAFETY: as the caller promises.
            let values = unsafe { self.words() };
            // SAFETY: the register has 16 words from there on.
            unsafe { self.registers.cast::<__m512i>().write_unaligned(values) };
        } else {
            for lane in 0..HALF {
                // SAFETY: as the caller promises.
                unsafe { self.move_one::<STORE>(lane) };
            }
        }
    }

    /// Loads 16 words.
    ///
    /// # Safety
    ///
    /// They must be accessible.
    #[target_feature(
        enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl"
    )]
    #[inline]
    unsafe fn words(self) -> __m512i {
        let mut quarters = [_mm_cvtsi32_si128(0); 4];
        for (at, quarter) in quarters.iter_mut().enumerate() {
            let mut words = [_mm_cvtsi32_si128(0); 4];
            for (lane, word) in words.iter_mut().enumerate() {
                // SAFETY: there are offsets for 16 lanes.
                let place = unsafe { self.place(4 * at + lane) };
                // SAFETY: as the caller promises.
                *word = _mm_cvtsi32_si128(unsafe { place.cast::<i32>().read_unaligned() });
            }
            *quarter = joined(words);
        }
        let [a, b, c, d] = quarters;
        let low = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(a), b);
        let high = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(c), d);
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
    }
}

/// The lowest words of four vectors.
#[inline]
#[target_feature(enable = "sse2")]
fn joined([a, b, c, d]: [__m128i; 4]) -> __m128i {
    _mm_unpacklo_epi64(_mm_unpacklo_epi32(a, b), _mm_unpacklo_epi32(c, d))
}
