//! Fields that hold numbers.

use core::fmt;

use super::{Field, Syntax, bits_of, move_bits, sign_extend};
use crate::csr;

macro_rules! signed_fields {
    ($(
        $(#[$doc:meta])*
        $name:ident: $bits:literal bits, $mask:literal,
        extract $extract:expr, insert $insert:expr;
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub enum $name {}

            impl Field for $name {
                type Value = i32;
                const MASK: u32 = $mask;

                fn extract(word: u32) -> Option<i32> {
                    let extract: fn(u32) -> u32 = $extract;
                    Some(sign_extend(extract(word), $bits))
                }

                fn insert(value: i32) -> u32 {
                    let insert: fn(u32) -> u32 = $insert;
                    insert(bits_of(value))
                }

                fn show(value: i32, syntax: &mut Syntax<'_, '_>) -> fmt::Result {
                    syntax.operand(value)
                }
            }
        )*
    };
}

signed_fields! {
    /// I-type immediate, -2048 to 2047.
    Imm12: 12 bits, 0xfff0_0000,
        extract |word| word >> 20,
        insert |value| value << 20;
    /// S-type immediate, -2048 to 2047.
    StoreImm12: 12 bits, 0xfe00_0f80,
        extract |word| move_bits(word, 25, 7, 5) | move_bits(word, 7, 5, 0),
        insert |value| move_bits(value, 5, 7, 25) | move_bits(value, 0, 5, 7);
    /// B-type branch offset in bytes from the instruction: even, -4096 to 4094.
    BranchOffset: 13 bits, 0xfe00_0f80,
        extract |word| {
            move_bits(word, 31, 1, 12) | move_bits(word, 7, 1, 11)
                | move_bits(word, 25, 6, 5) | move_bits(word, 8, 4, 1)
        },
        insert |value| {
            move_bits(value, 12, 1, 31) | move_bits(value, 11, 1, 7)
                | move_bits(value, 5, 6, 25) | move_bits(value, 1, 4, 8)
        };
    /// J-type jump offset in bytes from the instruction: even, -2^20 to 2^20 - 2.
    JumpOffset: 21 bits, 0xffff_f000,
        extract |word| {
            move_bits(word, 31, 1, 20) | move_bits(word, 12, 8, 12)
                | move_bits(word, 20, 1, 11) | move_bits(word, 21, 10, 1)
        },
        insert |value| {
            move_bits(value, 20, 1, 31) | move_bits(value, 12, 8, 12)
                | move_bits(value, 11, 1, 20) | move_bits(value, 1, 10, 21)
        };
    /// Signed immediate of `.vi` forms, bits 19:15, -16 to 15.
    VImm5: 5 bits, 0x000f_8000,
        extract |word| word >> 15,
        insert |value| move_bits(value, 0, 5, 15);
}

/// U-type immediate: the sign-extended 32-bit value that is loaded or added, whose low 12 bits
/// are zero. Assembly shows its upper 20 bits unsigned.
#[derive(Clone, Copy, Debug)]
pub enum UpperImm {}

impl Field for UpperImm {
    type Value = i32;
    const MASK: u32 = 0xffff_f000;

    fn extract(word: u32) -> Option<i32> {
        Some(sign_extend(word & Self::MASK, 32))
    }

    fn insert(value: i32) -> u32 {
        bits_of(value) & Self::MASK
    }

    fn show(value: i32, syntax: &mut Syntax<'_, '_>) -> fmt::Result {
        syntax.operand(bits_of(value) >> 12)
    }
}

macro_rules! unsigned_fields {
    ($($(#[$doc:meta])* $name:ident: $type:ident, $bits:literal bits at $at:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub enum $name {}

            impl Field for $name {
                type Value = $type;
                const MASK: u32 = ((1 << $bits) - 1) << $at;

                #[expect(clippy::cast_possible_truncation, reason = "the field is no wider than its type")]
                fn extract(word: u32) -> Option<$type> {
                    Some(move_bits(word, $at, $bits, 0) as $type)
                }

                fn insert(value: $type) -> u32 {
                    move_bits(u32::from(value), 0, $bits, $at)
                }

                fn show(value: $type, syntax: &mut Syntax<'_, '_>) -> fmt::Result {
                    syntax.operand(value)
                }
            }
        )*
    };
}

unsigned_fields! {
    /// Shift amount of 64-bit shifts, 0 to 63.
    Shamt6: u8, 6 bits at 20;
    /// Shift amount of 32-bit (`w`) shifts, 0 to 31.
    Shamt5: u8, 5 bits at 20;
    /// Unsigned immediate in place of `rs1`, 0 to 31: CSR immediates, `vsetivli` and the `.vi`
    /// forms of vector shifts, slides, gathers and clips.
    Uimm5: u8, 5 bits at 15;
    /// Code of `xw.fault`, 0 to 4095.
    Code12: u16, 12 bits at 20;
}

/// Rotate amount of `vror.vi`, 0 to 63: bit 26 and bits 19:15.
#[derive(Clone, Copy, Debug)]
pub enum Rotate6 {}

impl Field for Rotate6 {
    type Value = u8;
    const MASK: u32 = 0x040f_8000;

    #[expect(clippy::cast_possible_truncation, reason = "six bits")]
    fn extract(word: u32) -> Option<u8> {
        Some((move_bits(word, 26, 1, 5) | move_bits(word, 15, 5, 0)) as u8)
    }

    fn insert(value: u8) -> u32 {
        let value = u32::from(value);
        move_bits(value, 5, 1, 26) | move_bits(value, 0, 5, 15)
    }

    fn show(value: u8, syntax: &mut Syntax<'_, '_>) -> fmt::Result {
        syntax.operand(value)
    }
}

/// Address of a CSR, bits 31:20.
#[derive(Clone, Copy, Debug)]
pub enum Csr {}

impl Field for Csr {
    type Value = u16;
    const MASK: u32 = 0xfff0_0000;

    fn extract(word: u32) -> Option<u16> {
        Some((word >> 20) as u16)
    }

    fn insert(value: u16) -> u32 {
        u32::from(value) << 20
    }

    fn show(value: u16, syntax: &mut Syntax<'_, '_>) -> fmt::Result {
        match csr::name(value) {
            Some(name) => syntax.operand(name),
            None => syntax.operand(value),
        }
    }
}

/// Index of a constant of `fli` (Zfa: table "Immediate values loaded by the FLI instructions"),
/// bits 19:15.
#[derive(Clone, Copy, Debug)]
pub enum FliConstant {}

impl FliConstant {
    /// The constants as assembly names them, by index. `min` is the smallest positive normal
    /// number of the format.
    pub const NAMES: [&'static str; 32] = [
        "-1.0",
        "min",
        "1.52587890625e-05",
        "3.0517578125e-05",
        "0.00390625",
        "0.0078125",
        "0.0625",
        "0.125",
        "0.25",
        "0.3125",
        "0.375",
        "0.4375",
        "0.5",
        "0.625",
        "0.75",
        "0.875",
        "1.0",
        "1.25",
        "1.5",
        "1.75",
        "2.0",
        "2.5",
        "3.0",
        "4.0",
        "8.0",
        "16.0",
        "128.0",
        "256.0",
        "32768.0",
        "65536.0",
        "inf",
        "nan",
    ];
}

impl Field for FliConstant {
    type Value = u8;
    const MASK: u32 = 31 << 15;

    fn extract(word: u32) -> Option<u8> {
        Some((word >> 15 & 31) as u8)
    }

    fn insert(value: u8) -> u32 {
        move_bits(u32::from(value), 0, 5, 15)
    }

    fn show(value: u8, syntax: &mut Syntax<'_, '_>) -> fmt::Result {
        match Self::NAMES.get(usize::from(value)) {
            Some(name) => syntax.operand(name),
            None => syntax.operand(value),
        }
    }
}
