//! Ordering of memory accesses: the bits of atomics and fences.

use core::fmt;

use super::{Field, Syntax};

/// The `aq` and `rl` bits of an atomic memory operation (A: "Specifying Ordering of Atomic
/// Instructions").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MemoryOrder {
    /// Neither bit.
    Relaxed = 0,
    /// `rl`: earlier accesses are not delayed past it.
    Release = 1,
    /// `aq`: later accesses are not moved before it.
    Acquire = 2,
    /// Both.
    AcquireRelease = 3,
}

/// Memory ordering of an atomic, bits 26:25. A suffix of the mnemonic in assembly.
#[derive(Clone, Copy, Debug)]
pub enum AqRl {}

impl Field for AqRl {
    type Value = MemoryOrder;
    const MASK: u32 = 3 << 25;

    fn extract(word: u32) -> Option<MemoryOrder> {
        Some(match word >> 25 & 3 {
            0 => MemoryOrder::Relaxed,
            1 => MemoryOrder::Release,
            2 => MemoryOrder::Acquire,
            _ => MemoryOrder::AcquireRelease,
        })
    }

    fn insert(value: MemoryOrder) -> u32 {
        (value as u32) << 25
    }

    fn show(value: MemoryOrder, syntax: &mut Syntax<'_, '_>) -> fmt::Result {
        match value {
            MemoryOrder::Relaxed => Ok(()),
            MemoryOrder::Release => syntax.append(".rl"),
            MemoryOrder::Acquire => syntax.append(".aq"),
            MemoryOrder::AcquireRelease => syntax.append(".aqrl"),
        }
    }
}

/// A set of access kinds as `fence` orders them: 8 device input, 4 device output, 2 memory
/// reads, 1 memory writes.
struct FenceSet(u8);

impl fmt::Display for FenceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0");
        }
        for (bit, letter) in [(8, "i"), (4, "o"), (2, "r"), (1, "w")] {
            if self.0 & bit != 0 {
                f.write_str(letter)?;
            }
        }
        Ok(())
    }
}

macro_rules! fence_fields {
    ($($(#[$doc:meta])* $name:ident at $at:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub enum $name {}

            impl Field for $name {
                type Value = u8;
                const MASK: u32 = 15 << $at;

                fn extract(word: u32) -> Option<u8> {
                    Some((word >> $at & 15) as u8)
                }

                fn insert(value: u8) -> u32 {
                    u32::from(value & 15) << $at
                }

                fn show(value: u8, syntax: &mut Syntax<'_, '_>) -> fmt::Result {
                    syntax.operand(FenceSet(value))
                }
            }
        )*
    };
}

fence_fields! {
    /// Accesses that must come before a fence, bits 27:24: 8 input, 4 output, 2 read, 1 write.
    Pred at 24;
    /// Accesses that must come after a fence, bits 23:20, coded as [`Pred`].
    Succ at 20;
}
