//! Fields of matrix tiles (Zvt): which tile, and how the matrix unit is configured.

use core::fmt;

use super::{Field, Syntax, move_bits};
use crate::vtype::Sew;

/// A matrix tile, `mt0` to `mt15`. Which exist depends on the width of their elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tile(u8);

impl Tile {
    /// The tile with this number, modulo 16.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number & 15)
    }

    /// Its number, below 16.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mt{}", self.0)
    }
}

macro_rules! tile_fields {
    ($($(#[$doc:meta])* $name:ident: $bits:literal bits at $at:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub enum $name {}

            impl Field for $name {
                type Value = Tile;
                const MASK: u32 = ((1 << $bits) - 1) << $at;

                #[expect(clippy::cast_possible_truncation, reason = "at most four bits")]
                fn extract(word: u32) -> Option<Tile> {
                    Some(Tile::new(move_bits(word, $at, $bits, 4 - $bits) as u8))
                }

                fn insert(value: Tile) -> u32 {
                    move_bits(u32::from(value.number()), 4 - $bits, $bits, $at)
                }

                fn show(value: Tile, syntax: &mut Syntax<'_, '_>) -> fmt::Result {
                    syntax.operand(value)
                }
            }
        )*
    };
}

tile_fields! {
    /// Tile that is written, bits 11:8.
    Tile4: 4 bits at 8;
    /// Tile of floats that is multiplied into, bits 11:9: an even one.
    Tile3: 3 bits at 9;
    /// Tile of 32-bit integers that is multiplied into, bits 11:10: a multiple of 4.
    Tile2: 2 bits at 10;
}

/// Configuration of the matrix unit as `msetmtypei` asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MatrixType(u8);

impl MatrixType {
    /// Inputs of this width, of the alternative format or not; accumulators are
    /// `1 << (widen - 1)` times as wide, and `widen` 0 leaves the unit unconfigured. `widen` is
    /// taken modulo 4.
    #[must_use]
    pub const fn new(sew: Sew, altfmt: bool, widen: u8) -> Self {
        Self((altfmt as u8) << 4 | (sew as u8) << 2 | widen & 3)
    }

    /// The bits of `mtype`: its field `mtwiden`.
    #[must_use]
    pub const fn mtype(self) -> u64 {
        (self.0 & 3) as u64
    }

    /// The bits of `vtype`.
    #[must_use]
    pub const fn vtype(self) -> u64 {
        ((self.0 >> 4 & 1) as u64) << 8 | ((self.0 >> 2 & 3) as u64) << 3
    }

    /// `altfmt`, `vsew` and `mtwiden`, from the top of five bits down.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }
}

impl fmt::Display for MatrixType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alt = if self.0 >> 4 & 1 == 1 { "alt" } else { "" };
        let widen = (1u8 << (self.0 & 3)) >> 1;
        write!(f, "e{}{alt}, w{widen}", 8u8 << (self.0 >> 2 & 3))
    }
}

/// What `msetmtypei` sets: `altfmt` in bit 28, `vsew` in bits 24:23, `mtwiden` in bits 16:15.
#[derive(Clone, Copy, Debug)]
pub enum MatrixTypeImm {}

impl Field for MatrixTypeImm {
    type Value = MatrixType;
    const MASK: u32 = 1 << 28 | 3 << 23 | 3 << 15;

    #[expect(clippy::cast_possible_truncation, reason = "five bits")]
    fn extract(word: u32) -> Option<MatrixType> {
        let bits =
            move_bits(word, 28, 1, 4) | move_bits(word, 23, 2, 2) | move_bits(word, 15, 2, 0);
        Some(MatrixType(bits as u8))
    }

    fn insert(value: MatrixType) -> u32 {
        let bits = u32::from(value.bits());
        move_bits(bits, 4, 1, 28) | move_bits(bits, 2, 2, 23) | move_bits(bits, 0, 2, 15)
    }

    fn show(value: MatrixType, syntax: &mut Syntax<'_, '_>) -> fmt::Result {
        syntax.operand(value)
    }
}
