//! Rounding modes of floating-point instructions.

use core::fmt;

use super::{Field, Implicit, Syntax, move_bits};
use crate::reg::{Access, Register};

/// Rounding mode of a floating-point instruction (F: "Floating-Point Control and Status
/// Register").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RoundingMode {
    /// To nearest, ties to even.
    Rne = 0,
    /// Towards zero.
    Rtz = 1,
    /// Down.
    Rdn = 2,
    /// Up.
    Rup = 3,
    /// To nearest, ties away from zero.
    Rmm = 4,
    /// The mode in the `frm` CSR.
    Dyn = 7,
}

impl RoundingMode {
    /// The mode with this encoding; 5 and 6 are reserved.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::Rne),
            1 => Some(Self::Rtz),
            2 => Some(Self::Rdn),
            3 => Some(Self::Rup),
            4 => Some(Self::Rmm),
            7 => Some(Self::Dyn),
            _ => None,
        }
    }
}

impl fmt::Display for RoundingMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Rne => "rne",
            Self::Rtz => "rtz",
            Self::Rdn => "rdn",
            Self::Rup => "rup",
            Self::Rmm => "rmm",
            Self::Dyn => "dyn",
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "three bits")]
const fn rounding_mode(word: u32) -> Option<RoundingMode> {
    RoundingMode::from_bits(move_bits(word, 12, 3, 0) as u8)
}

/// Rounding mode, bits 14:12.
#[derive(Clone, Copy, Debug)]
pub enum Rm {}

impl Field for Rm {
    type Value = RoundingMode;
    const MASK: u32 = 0x7000;

    fn extract(word: u32) -> Option<RoundingMode> {
        rounding_mode(word)
    }

    fn insert(value: RoundingMode) -> u32 {
        (value as u32) << 12
    }

    fn show(value: RoundingMode, syntax: &mut Syntax<'_, '_>) -> fmt::Result {
        syntax.operand(value)
    }
}

/// Rounding mode of a conversion whose result is always exact. It has no effect, and assembly
/// leaves out `rne`.
#[derive(Clone, Copy, Debug)]
pub enum ExactRm {}

impl Field for ExactRm {
    type Value = RoundingMode;
    const MASK: u32 = 0x7000;

    fn extract(word: u32) -> Option<RoundingMode> {
        rounding_mode(word)
    }

    fn insert(value: RoundingMode) -> u32 {
        (value as u32) << 12
    }

    fn show(value: RoundingMode, syntax: &mut Syntax<'_, '_>) -> fmt::Result {
        if value == RoundingMode::Rne {
            Ok(())
        } else {
            syntax.operand(value)
        }
    }
}

/// The rounding mode of `fcvtmod.w.d`, which has no other.
#[derive(Clone, Copy, Debug)]
pub enum TowardsZero {}

impl Implicit for TowardsZero {
    fn show(syntax: &mut Syntax<'_, '_>) -> fmt::Result {
        syntax.operand(RoundingMode::Rtz)
    }

    fn register(_: &mut impl FnMut(Register, Access)) {}
}
