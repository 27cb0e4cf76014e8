//! Register groups read and written where they are, by bodies in AVX-512.

use std::arch::x86_64::*;
use std::marker::PhantomData;

use weft_isa::abi::VLEN_BYTES;

use super::OPERAND_BYTES;
#[cfg(test)]
use super::Operands;
#[cfg(not(debug_assertions))]
use super::{Hart, Op};

/// The register groups of an instruction. They may share registers, so a body reads all of A and B,
/// and of C the part that it replaces, before it writes to D.
pub(super) struct Groups<'a> {
    a: *const u8,
    b: *const u8,
    d: *mut u8,
    registers: PhantomData<&'a mut u8>,
}

/// Bytes of a host vector: of four rows, or of four columns of B.
pub(super) const BYTES: usize = 64;
const B_BYTES: usize = 2 * VLEN_BYTES;

impl<'a> Groups<'a> {
    /// Those of an instruction.
    #[cfg(not(debug_assertions))]
    #[inline(always)]
    pub(super) fn of_hart(hart: &'a mut Hart, op: &Op) -> Self {
        const { assert!(OPERAND_BYTES <= crate::hart::GROUP_BYTES && B_BYTES <= OPERAND_BYTES) };
        let [a, b, d] = hart.vector_groups([op.rs2, op.rs1, op.rd]);
        Self {
            a,
            b,
            d,
            registers: PhantomData,
        }
    }

    /// Copies of them.
    #[cfg(test)]
    pub(super) fn of_copies(operands: &'a mut Operands) -> Self {
        Self {
            a: operands.a.as_ptr(),
            b: operands.b.as_ptr(),
            d: operands.d.as_mut_ptr(),
            registers: PhantomData,
        }
    }

    /// A vector of A.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn a(&self, at: usize) -> __m512i {
        assert!(at + BYTES <= OPERAND_BYTES);
        // SAFETY: a group has so many bytes, or is followed by others.
        unsafe { _mm512_loadu_si512(self.a.wrapping_add(at).cast()) }
    }

    /// A vector of B.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn b(&self, at: usize) -> __m512i {
        assert!(at + BYTES <= B_BYTES);
        // SAFETY: a group has so many bytes, or is followed by others.
        unsafe { _mm512_loadu_si512(self.b.wrapping_add(at).cast()) }
    }

    /// A vector of C.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn c(&self, at: usize) -> __m512i {
        assert!(at + BYTES <= OPERAND_BYTES);
        // SAFETY: a group has so many bytes, or is followed by others.
        unsafe { _mm512_loadu_si512(self.d.wrapping_add(at).cast()) }
    }

    /// Replaces a vector of D.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn set_d(&mut self, at: usize, vector: __m512i) {
        assert!(at + BYTES <= OPERAND_BYTES);
        // SAFETY: a group has so many bytes, or is followed by others, and belongs to this value.
        unsafe { _mm512_storeu_si512(self.d.wrapping_add(at).cast(), vector) };
    }
}
