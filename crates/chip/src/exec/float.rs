//! Floating-point elements: host arithmetic that rounds to nearest even, and its link to the
//! exact arithmetic of [`soft`](super::soft).
//!
//! Host operations on `f32` and `f64` are IEEE operations; results that are NaN are replaced by
//! the canonical NaN. Halves compute in `f32`, which is exact or rounds twice harmlessly for
//! sums, products, quotients and roots (24 >= 2 * 11 + 2 bits), and in `f64` for fused
//! multiply-add, where a sum that `f64` cannot hold exactly is too far from a tie of the half
//! format to be rounded wrongly.

use super::soft::{self, Format};
use crate::hart::Element;

/// A value of `bits` bits in a floating-point register: the upper bits are ones (NaN boxing).
#[inline(always)]
pub(super) fn boxed(value: u64, bits: u32) -> u64 {
    if bits == 64 {
        value
    } else {
        value | u64::MAX << bits
    }
}

/// The value in a floating-point register; the canonical NaN if it is not boxed.
#[inline(always)]
pub(super) fn unboxed(register: u64, format: Format) -> u64 {
    let bits = format.bits();
    if bits == 64 {
        register
    } else if register >> bits == u64::MAX >> bits {
        register & ((1 << bits) - 1)
    } else {
        unboxed_nan(format)
    }
}

/// The NaN as a value that the optimiser does not know: bodies would get a second form for it,
/// and results would go through the stack.
#[cold]
#[inline(never)]
fn unboxed_nan(format: Format) -> u64 {
    std::hint::black_box(format.canonical_nan())
}

/// IEEE binary16 as its bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Half(pub(crate) u16);

impl Element for Half {}

/// A format with host arithmetic.
pub(crate) trait Float: Element {
    /// The format.
    const FORMAT: Format;
    fn from_bits(bits: u64) -> Self;
    fn to_bits(self) -> u64;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn div(self, other: Self) -> Self;
    fn sqrt(self) -> Self;
    /// `self * b + c` with one rounding.
    fn fma(self, b: Self, c: Self) -> Self;
    fn neg(self) -> Self;
    fn is_nan(self) -> bool;
    fn lt(self, other: Self) -> bool;
    fn le(self, other: Self) -> bool;
    fn eq(self, other: Self) -> bool;
    /// The same, with the canonical NaN for any NaN.
    fn canonical(self) -> Self;
    /// Sign of `sign`, magnitude of `self`.
    fn copysign(self, sign: Self) -> Self;
    /// minimumNumber with -0 < +0.
    fn min(self, other: Self) -> Self;
    /// maximumNumber.
    fn max(self, other: Self) -> Self;
}

/// The sign bit of a host type, in the host's integer of its size.
trait HostFloat {
    type Bits;
    const SIGN: Self::Bits;
}

/// Replaces a NaN result by the canonical NaN.
macro_rules! canonical {
    ($result:expr) => {{
        // On the bits: of an operation's result the optimiser may assume any NaN.
        let bits = $result.to_bits();
        let canonical = Self::FORMAT.canonical_nan() as _;
        let infinity = Self::FORMAT.infinity() as _;
        let is_nan = bits & !Self::SIGN > infinity;
        Self::from_bits(if is_nan { canonical } else { bits })
    }};
}

macro_rules! host_float {
    ($type:ident, $bits:ident, $format:expr) => {
        impl HostFloat for $type {
            type Bits = $bits;
            const SIGN: $bits = 1 << ($bits::BITS - 1);
        }

        impl Float for $type {
            const FORMAT: Format = $format;
            #[inline(always)]
            fn from_bits(bits: u64) -> Self {
                Self::from_bits(bits as $bits)
            }
            #[inline(always)]
            fn to_bits(self) -> u64 {
                u64::from(self.to_bits())
            }
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                canonical!(self + other)
            }
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                canonical!(self - other)
            }
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                canonical!(self * other)
            }
            #[inline(always)]
            fn div(self, other: Self) -> Self {
                canonical!(self / other)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                canonical!(self.sqrt())
            }
            #[inline(always)]
            fn fma(self, b: Self, c: Self) -> Self {
                canonical!(self.mul_add(b, c))
            }
            #[inline(always)]
            fn neg(self) -> Self {
                -self
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                self.is_nan()
            }
            #[inline(always)]
            fn canonical(self) -> Self {
                canonical!(self)
            }
            #[inline(always)]
            fn lt(self, other: Self) -> bool {
                self < other
            }
            #[inline(always)]
            fn le(self, other: Self) -> bool {
                self <= other
            }
            #[inline(always)]
            fn eq(self, other: Self) -> bool {
                self == other
            }
            #[inline(always)]
            fn copysign(self, sign: Self) -> Self {
                Self::from_bits(self.to_bits() & !Self::SIGN | sign.to_bits() & Self::SIGN)
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                // Bits order zeros: the or of two zeros is -0 if one of them is.
                let zeros = Self::from_bits(self.to_bits() | other.to_bits());
                let number = if self < other { self } else { other };
                let number = if self == other { zeros } else { number };
                let number = if other.is_nan() { self } else { number };
                let number = if self.is_nan() { other } else { number };
                canonical!(number)
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                let zeros = Self::from_bits(self.to_bits() & other.to_bits());
                let number = if self > other { self } else { other };
                let number = if self == other { zeros } else { number };
                let number = if other.is_nan() { self } else { number };
                let number = if self.is_nan() { other } else { number };
                canonical!(number)
            }
        }
    };
}

host_float!(f32, u32, soft::F32);
host_float!(f64, u64, soft::F64);

impl Half {
    /// The value in single precision; NaN payloads are kept.
    #[inline(always)]
    pub(crate) fn to_f32(self) -> f32 {
        let bits = u32::from(self.0);
        let sign = (bits & 0x8000) << 16;
        let magnitude = bits & 0x7fff;
        // Normals: move the fraction and rebias. Infinities and NaNs: the exponent is all ones.
        let rebias = if magnitude >= 0x7c00 {
            0x7000_0000
        } else {
            0x3800_0000
        };
        let normal = (magnitude << 13) + rebias;
        // Subnormals: the integer times 2^-24, which is exact.
        let subnormal = (magnitude as f32 * f32::from_bits(0x3380_0000)).to_bits();
        f32::from_bits(
            sign | if magnitude < 0x0400 {
                subnormal
            } else {
                normal
            },
        )
    }

    /// Rounded to nearest even; NaN becomes the canonical one.
    #[inline(always)]
    pub(crate) fn from_f32(value: f32) -> Self {
        let bits = value.to_bits();
        let sign = (bits >> 16 & 0x8000) as u16;
        let magnitude = bits & 0x7fff_ffff;
        // Normal results: rebias, then round to nearest even at bit 13.
        let odd = magnitude >> 13 & 1;
        let normal = magnitude
            .wrapping_sub(0x3800_0000)
            .wrapping_add(0x0fff + odd)
            >> 13;
        // Subnormal results: adding 0.5 puts the rounding where the host rounds.
        let shifted = f32::from_bits(magnitude) + 0.5;
        let subnormal = shifted.to_bits().wrapping_sub(0x3f00_0000);
        let finite = if magnitude < 0x3880_0000 {
            subnormal
        } else {
            normal
        };
        // 65520 and beyond round to infinity.
        let finite = if magnitude >= 0x477f_f000 {
            0x7c00
        } else {
            finite
        };
        if magnitude > 0x7f80_0000 {
            Self(0x7e00)
        } else {
            Self(sign | finite as u16)
        }
    }

    #[inline(always)]
    pub(crate) fn from_f64(value: f64) -> Self {
        // To odd in single precision first, so that the second rounding sees the truth.
        let nearest = value as f32;
        let exact = f64::from(nearest);
        let bits = nearest.to_bits();
        let inexact = exact != value && !value.is_nan();
        let overshot = exact.abs() > value.abs();
        let truncated = if inexact && overshot {
            bits.wrapping_sub(1)
        } else {
            bits
        };
        let odd = if inexact { truncated | 1 } else { truncated };
        Self::from_f32(f32::from_bits(odd))
    }
}

impl Float for Half {
    const FORMAT: Format = soft::F16;
    #[inline(always)]
    fn from_bits(bits: u64) -> Self {
        Self(bits as u16)
    }
    #[inline(always)]
    fn to_bits(self) -> u64 {
        u64::from(self.0)
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self::from_f32(self.to_f32() + other.to_f32())
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self::from_f32(self.to_f32() - other.to_f32())
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self::from_f32(self.to_f32() * other.to_f32())
    }
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        Self::from_f32(self.to_f32() / other.to_f32())
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self::from_f32(self.to_f32().sqrt())
    }
    #[inline(always)]
    fn fma(self, b: Self, c: Self) -> Self {
        let product = f64::from(self.to_f32()) * f64::from(b.to_f32());
        Self::from_f64(product + f64::from(c.to_f32()))
    }
    #[inline(always)]
    fn neg(self) -> Self {
        Self(self.0 ^ 0x8000)
    }
    #[inline(always)]
    fn is_nan(self) -> bool {
        self.0 & 0x7fff > 0x7c00
    }
    #[inline(always)]
    fn canonical(self) -> Self {
        if self.is_nan() { Self(0x7e00) } else { self }
    }
    #[inline(always)]
    fn lt(self, other: Self) -> bool {
        self.to_f32() < other.to_f32()
    }
    #[inline(always)]
    fn le(self, other: Self) -> bool {
        self.to_f32() <= other.to_f32()
    }
    #[inline(always)]
    fn eq(self, other: Self) -> bool {
        self.to_f32() == other.to_f32()
    }
    #[inline(always)]
    fn copysign(self, sign: Self) -> Self {
        Self(self.0 & 0x7fff | sign.0 & 0x8000)
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self::from_f32(Float::min(self.to_f32(), other.to_f32()))
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self::from_f32(Float::max(self.to_f32(), other.to_f32()))
    }
}
