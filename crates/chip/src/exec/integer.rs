//! Integer elements: unsigned host types with the operations of both signs.

use crate::hart::Element;

/// An element of 8 to 64 bits. Names ending in `_s` read operands as signed.
pub(crate) trait Int: Element + PartialEq + Ord {
    const BITS: u32;
    const ZERO: Self;
    /// All ones.
    const ONES: Self;
    /// The signed minimum.
    const SIGN: Self;
    /// The low bits.
    fn from_u64(value: u64) -> Self;
    /// Zero-extended.
    fn to_u64(self) -> u64;
    /// Sign-extended.
    fn to_i64(self) -> i64;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn mulh_s(self, other: Self) -> Self;
    fn mulh_u(self, other: Self) -> Self;
    fn mulh_su(self, other: Self) -> Self;
    fn div_s(self, other: Self) -> Self;
    fn div_u(self, other: Self) -> Self;
    fn rem_s(self, other: Self) -> Self;
    fn rem_u(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    fn not(self) -> Self;
    /// Shifts take the amount modulo the width.
    fn sll(self, amount: Self) -> Self;
    fn srl(self, amount: Self) -> Self;
    fn sra(self, amount: Self) -> Self;
    fn rol(self, amount: Self) -> Self;
    fn ror(self, amount: Self) -> Self;
    fn lt_s(self, other: Self) -> bool;
    fn min_s(self, other: Self) -> Self;
    fn max_s(self, other: Self) -> Self;
    fn min_u(self, other: Self) -> Self;
    fn max_u(self, other: Self) -> Self;
    fn clz(self) -> Self;
    fn ctz(self) -> Self;
    fn cpop(self) -> Self;
    fn brev(self) -> Self;
    fn brev8(self) -> Self;
    fn rev8(self) -> Self;
}

/// An element whose double width is an element too.
pub(crate) trait Narrow: Int {
    type Wide: Int;
    fn zext(self) -> Self::Wide;
    fn sext(self) -> Self::Wide;
    fn truncate(wide: Self::Wide) -> Self;
}

macro_rules! int {
    ($type:ident, $signed:ident, $wide:ident, $signed_wide:ident) => {
        impl Int for $type {
            const BITS: u32 = $type::BITS;
            const ZERO: Self = 0;
            const ONES: Self = $type::MAX;
            const SIGN: Self = 1 << ($type::BITS - 1);
            #[inline(always)]
            fn from_u64(value: u64) -> Self {
                value as Self
            }
            #[inline(always)]
            fn to_u64(self) -> u64 {
                self as u64
            }
            #[inline(always)]
            fn to_i64(self) -> i64 {
                self as $signed as i64
            }
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            #[inline(always)]
            fn mulh_s(self, other: Self) -> Self {
                let product = self as $signed as $signed_wide * other as $signed as $signed_wide;
                (product >> Self::BITS) as Self
            }
            #[inline(always)]
            fn mulh_u(self, other: Self) -> Self {
                ((self as $wide * other as $wide) >> Self::BITS) as Self
            }
            #[inline(always)]
            fn mulh_su(self, other: Self) -> Self {
                let product = (self as $signed as $signed_wide).wrapping_mul(other as $signed_wide);
                (product >> Self::BITS) as Self
            }
            #[inline(always)]
            fn div_s(self, other: Self) -> Self {
                if other == 0 {
                    Self::MAX
                } else {
                    (self as $signed).wrapping_div(other as $signed) as Self
                }
            }
            #[inline(always)]
            fn div_u(self, other: Self) -> Self {
                self.checked_div(other).unwrap_or(Self::MAX)
            }
            #[inline(always)]
            fn rem_s(self, other: Self) -> Self {
                if other == 0 {
                    self
                } else {
                    (self as $signed).wrapping_rem(other as $signed) as Self
                }
            }
            #[inline(always)]
            fn rem_u(self, other: Self) -> Self {
                self.checked_rem(other).unwrap_or(self)
            }
            #[inline(always)]
            fn and(self, other: Self) -> Self {
                self & other
            }
            #[inline(always)]
            fn or(self, other: Self) -> Self {
                self | other
            }
            #[inline(always)]
            fn xor(self, other: Self) -> Self {
                self ^ other
            }
            #[inline(always)]
            fn not(self) -> Self {
                !self
            }
            #[inline(always)]
            fn sll(self, amount: Self) -> Self {
                self << (amount & (Self::BITS - 1) as Self)
            }
            #[inline(always)]
            fn srl(self, amount: Self) -> Self {
                self >> (amount & (Self::BITS - 1) as Self)
            }
            #[inline(always)]
            fn sra(self, amount: Self) -> Self {
                (self as $signed >> (amount & (Self::BITS - 1) as Self)) as Self
            }
            #[inline(always)]
            fn rol(self, amount: Self) -> Self {
                self.rotate_left(amount as u32 & (Self::BITS - 1))
            }
            #[inline(always)]
            fn ror(self, amount: Self) -> Self {
                self.rotate_right(amount as u32 & (Self::BITS - 1))
            }
            #[inline(always)]
            fn lt_s(self, other: Self) -> bool {
                (self as $signed) < other as $signed
            }
            #[inline(always)]
            fn min_s(self, other: Self) -> Self {
                (self as $signed).min(other as $signed) as Self
            }
            #[inline(always)]
            fn max_s(self, other: Self) -> Self {
                (self as $signed).max(other as $signed) as Self
            }
            #[inline(always)]
            fn min_u(self, other: Self) -> Self {
                self.min(other)
            }
            #[inline(always)]
            fn max_u(self, other: Self) -> Self {
                self.max(other)
            }
            #[inline(always)]
            fn clz(self) -> Self {
                self.leading_zeros() as Self
            }
            #[inline(always)]
            fn ctz(self) -> Self {
                self.trailing_zeros() as Self
            }
            #[inline(always)]
            fn cpop(self) -> Self {
                self.count_ones() as Self
            }
            #[inline(always)]
            fn brev(self) -> Self {
                self.reverse_bits()
            }
            #[inline(always)]
            fn brev8(self) -> Self {
                self.reverse_bits().swap_bytes()
            }
            #[inline(always)]
            fn rev8(self) -> Self {
                self.swap_bytes()
            }
        }
    };
}

int!(u8, i8, u16, i16);
int!(u16, i16, u32, i32);
int!(u32, i32, u64, i64);
int!(u64, i64, u128, i128);

macro_rules! narrow {
    ($type:ident, $signed:ident, $wide:ident) => {
        impl Narrow for $type {
            type Wide = $wide;
            #[inline(always)]
            fn zext(self) -> $wide {
                $wide::from(self)
            }
            #[inline(always)]
            fn sext(self) -> $wide {
                self as $signed as $wide
            }
            #[inline(always)]
            fn truncate(wide: $wide) -> Self {
                wide as Self
            }
        }
    };
}

narrow!(u8, i8, u16);
narrow!(u16, i16, u32);
narrow!(u32, i32, u64);
