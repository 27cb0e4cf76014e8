//! Fields of vector instructions other than registers and immediates.

use core::fmt;

use super::{Field, Implicit, Syntax, move_bits};
use crate::reg::{Access, Register, V};
use crate::vtype::VType;

/// `vm`: true when the instruction is unmasked. A masked one also reads `v0`.
#[derive(Clone, Copy, Debug)]
pub enum Vm {}

impl Field for Vm {
    type Value = bool;
    const MASK: u32 = 1 << 25;

    fn extract(word: u32) -> Option<bool> {
        Some(word & Self::MASK != 0)
    }

    fn insert(value: bool) -> u32 {
        u32::from(value) << 25
    }

    fn show(value: bool, syntax: &mut Syntax<'_, '_>) -> fmt::Result {
        if value {
            Ok(())
        } else {
            syntax.operand("v0.t")
        }
    }

    fn register(value: bool, visit: &mut impl FnMut(Register, Access)) {
        if !value {
            visit(Register::V(V::V0), Access::Read);
        }
    }
}

/// The mask register as an operand that is always there: the `v0` of `vadc.vvm` and `vmerge`.
#[derive(Clone, Copy, Debug)]
pub enum MaskV0 {}

impl Implicit for MaskV0 {
    fn show(syntax: &mut Syntax<'_, '_>) -> fmt::Result {
        syntax.operand(V::V0)
    }

    fn register(visit: &mut impl FnMut(Register, Access)) {
        visit(Register::V(V::V0), Access::Read);
    }
}

/// Fields of a segment load or store, 2 to 8: `nf` plus one, bits 31:29. One field is the
/// plain load or store, which is a row of its own.
#[derive(Clone, Copy, Debug)]
pub enum Nf {}

impl Field for Nf {
    type Value = u8;
    const MASK: u32 = 0xe000_0000;

    fn extract(word: u32) -> Option<u8> {
        let nf = (word >> 29) as u8;
        if nf == 0 { None } else { Some(nf + 1) }
    }

    fn insert(value: u8) -> u32 {
        u32::from(value).wrapping_sub(1) << 29
    }

    fn show(_: u8, _: &mut Syntax<'_, '_>) -> fmt::Result {
        // Part of the mnemonic.
        Ok(())
    }
}

macro_rules! vtype_fields {
    ($($(#[$doc:meta])* $name:ident: $bits:literal bits;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub enum $name {}

            impl Field for $name {
                type Value = u16;
                const MASK: u32 = ((1 << $bits) - 1) << 20;

                #[expect(clippy::cast_possible_truncation, reason = "at most eleven bits")]
                fn extract(word: u32) -> Option<u16> {
                    Some(move_bits(word, 20, $bits, 0) as u16)
                }

                fn insert(value: u16) -> u32 {
                    move_bits(u32::from(value), 0, $bits, 20)
                }

                fn show(value: u16, syntax: &mut Syntax<'_, '_>) -> fmt::Result {
                    let vtype = VType::parts(u64::from(value));
                    if vtype.vill { syntax.operand(value) } else { syntax.operand(vtype) }
                }
            }
        )*
    };
}

vtype_fields! {
    /// Requested `vtype` of `vsetvli` as it stands in the word, reserved settings included;
    /// see [`VType::decode`] and [`VType::immediate`].
    VType11: 11 bits;
    /// The same for `vsetivli`.
    VType10: 10 bits;
}
