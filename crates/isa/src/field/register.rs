//! Fields that name registers.

use core::fmt;

use super::{Field, Syntax};
use crate::reg::{Access, F, Register, V, X};

macro_rules! register_fields {
    ($($(#[$doc:meta])* $name:ident: $file:ident at $at:literal, $access:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub enum $name {}

            impl Field for $name {
                type Value = $file;
                const MASK: u32 = 31 << $at;

                fn extract(word: u32) -> Option<$file> {
                    Some($file::from_low_bits(word >> $at))
                }

                fn insert(value: $file) -> u32 {
                    u32::from(value.number()) << $at
                }

                fn show(value: $file, syntax: &mut Syntax<'_, '_>) -> fmt::Result {
                    syntax.operand(value)
                }

                fn register(value: $file, visit: &mut impl FnMut(Register, Access)) {
                    visit(Register::$file(value), Access::$access);
                }

                fn map_register(value: $file, map: &mut impl FnMut(Register) -> Register) -> $file {
                    match map(Register::$file(value)) {
                        Register::$file(register) => register,
                        other => panic!("{value} cannot become {other}"),
                    }
                }
            }
        )*
    };
}

register_fields! {
    /// Integer destination, bits 11:7.
    Rd: X at 7, Write;
    /// Integer destination that is also a source, bits 11:7.
    RdRw: X at 7, ReadWrite;
    /// First integer source, bits 19:15.
    Rs1: X at 15, Read;
    /// Second integer source, bits 24:20.
    Rs2: X at 20, Read;
    /// Third integer source, bits 31:27.
    Rs3: X at 27, Read;
    /// Floating-point destination, bits 11:7.
    Fd: F at 7, Write;
    /// First floating-point source, bits 19:15.
    Fs1: F at 15, Read;
    /// Second floating-point source, bits 24:20.
    Fs2: F at 20, Read;
    /// Third floating-point source, bits 31:27.
    Fs3: F at 27, Read;
    /// Vector destination, bits 11:7.
    Vd: V at 7, Write;
    /// Vector destination that is also a source, bits 11:7.
    VdRw: V at 7, ReadWrite;
    /// Vector source in bits 19:15.
    Vs1: V at 15, Read;
    /// Vector source in bits 24:20.
    Vs2: V at 20, Read;
    /// Vector store data, bits 11:7.
    Vs3: V at 7, Read;
}

macro_rules! aligned_fields {
    ($($(#[$doc:meta])* $name:ident: $multiple:literal at $at:literal, $access:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub enum $name {}

            impl Field for $name {
                type Value = V;
                const MASK: u32 = 31 << $at;

                fn extract(word: u32) -> Option<V> {
                    let register = V::from_low_bits(word >> $at);
                    if register.number() % $multiple == 0 { Some(register) } else { None }
                }

                fn insert(value: V) -> u32 {
                    u32::from(value.number()) << $at
                }

                fn show(value: V, syntax: &mut Syntax<'_, '_>) -> fmt::Result {
                    syntax.operand(value)
                }

                fn register(value: V, visit: &mut impl FnMut(Register, Access)) {
                    visit(Register::V(value), Access::$access);
                }

                fn map_register(value: V, map: &mut impl FnMut(Register) -> Register) -> V {
                    match map(Register::V(value)) {
                        Register::V(register) => register,
                        other => panic!("{value} cannot become {other}"),
                    }
                }
            }
        )*
    };
}

aligned_fields! {
    /// Vector destination of two whole registers, bits 11:7: a multiple of 2.
    VdBy2: 2 at 7, Write;
    /// Vector destination of four whole registers, bits 11:7: a multiple of 4.
    VdBy4: 4 at 7, Write;
    /// Vector destination of eight whole registers, bits 11:7: a multiple of 8.
    VdBy8: 8 at 7, Write;
    /// Vector source of two whole registers, bits 24:20: a multiple of 2.
    Vs2By2: 2 at 20, Read;
    /// Vector source of four whole registers, bits 24:20: a multiple of 4.
    Vs2By4: 4 at 20, Read;
    /// Vector source of eight whole registers, bits 24:20: a multiple of 8.
    Vs2By8: 8 at 20, Read;
    /// Store data of two whole registers, bits 11:7: a multiple of 2.
    Vs3By2: 2 at 7, Read;
    /// Store data of four whole registers, bits 11:7: a multiple of 4.
    Vs3By4: 4 at 7, Read;
    /// Store data of eight whole registers, bits 11:7: a multiple of 8.
    Vs3By8: 8 at 7, Read;
}

/// Registers that stand in parentheses because they hold an address.
macro_rules! address_fields {
    ($($(#[$doc:meta])* $name:ident: $file:ident at $at:literal, $write:ident $format:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub enum $name {}

            impl Field for $name {
                type Value = $file;
                const MASK: u32 = 31 << $at;

                fn extract(word: u32) -> Option<$file> {
                    Some($file::from_low_bits(word >> $at))
                }

                fn insert(value: $file) -> u32 {
                    u32::from(value.number()) << $at
                }

                fn show(value: $file, syntax: &mut Syntax<'_, '_>) -> fmt::Result {
                    syntax.$write(format_args!($format, value))
                }

                fn register(value: $file, visit: &mut impl FnMut(Register, Access)) {
                    visit(Register::$file(value), Access::Read);
                }

                fn map_register(value: $file, map: &mut impl FnMut(Register) -> Register) -> $file {
                    match map(Register::$file(value)) {
                        Register::$file(register) => register,
                        other => panic!("{value} cannot become {other}"),
                    }
                }
            }
        )*
    };
}

address_fields! {
    /// Base register after an offset, bits 19:15: the `(a0)` of `8(a0)`.
    Base: X at 15, append "({})";
    /// Address register that stands alone, bits 19:15: `(a0)`.
    Address: X at 15, operand "({})";
    /// Vector of addresses, bits 24:20: `(v8)`.
    VAddress: V at 20, operand "({})";
}

macro_rules! pair_fields {
    ($($(#[$doc:meta])* $name:ident at $at:literal, $access:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub enum $name {}

            impl Field for $name {
                type Value = X;
                const MASK: u32 = 31 << $at;

                fn extract(word: u32) -> Option<X> {
                    if word >> $at & 1 == 0 { Some(X::from_low_bits(word >> $at)) } else { None }
                }

                fn insert(value: X) -> u32 {
                    u32::from(value.number()) << $at
                }

                fn show(value: X, syntax: &mut Syntax<'_, '_>) -> fmt::Result {
                    syntax.operand(value)
                }

                fn register(value: X, visit: &mut impl FnMut(Register, Access)) {
                    visit(Register::X(value), Access::$access);
                    // The pair of x0 is x0: both halves read as zero (Zacas).
                    if value != X::ZERO {
                        visit(Register::X(X::new(value.number() + 1)), Access::$access);
                    }
                }
            }
        )*
    };
}

pair_fields! {
    /// 128-bit compare value and result in an even-odd pair, bits 11:7; the even register.
    RdPair at 7, ReadWrite;
    /// 128-bit source in an even-odd pair, bits 24:20; the even register.
    Rs2Pair at 20, Read;
}
