//! Register names: the integer, floating-point and vector files.
//!
//! A register is its number in a type of its file, so that a vector operand cannot stand
//! where an integer one belongs. Numbers are below 32 by construction.

use core::fmt;

/// Registers in each file (Unprivileged ISA, 2.1; F: register state; V 3.1).
pub const REGISTERS: usize = 32;

macro_rules! register_file {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u8);

        impl $name {
            /// The register with this number.
            ///
            /// # Panics
            ///
            /// If `number` is 32 or more; in a constant that is a compile error.
            #[must_use]
            pub const fn new(number: u8) -> Self {
                assert!(number < 32, concat!($what, " register number above 31"));
                Self(number)
            }

            /// The register with this number, or `None` if there is none.
            #[must_use]
            pub const fn try_new(number: u8) -> Option<Self> {
                if number < 32 { Some(Self(number)) } else { None }
            }

            /// The register named by the low five bits of `bits`.
            #[must_use]
            pub(crate) const fn from_low_bits(bits: u32) -> Self {
                Self((bits & 31) as u8)
            }

            /// The number, 0 to 31.
            #[must_use]
            pub const fn number(self) -> u8 {
                self.0
            }

            /// The number as an index below [`REGISTERS`]. The bound is visible to the
            /// optimiser, so indexing an array of 32 costs no check.
            #[must_use]
            pub const fn index(self) -> usize {
                (self.0 & 31) as usize
            }

            /// All registers of the file in order of number.
            pub fn all() -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator {
                (0..32u8).map(Self)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

register_file!(
    /// An integer register, `x0` to `x31`. Displays its ABI name.
    X,
    "integer"
);
register_file!(
    /// A floating-point register, `f0` to `f31`. Displays its ABI name.
    F,
    "floating-point"
);
register_file!(
    /// A vector register, `v0` to `v31`, or the group that begins with it.
    V,
    "vector"
);

/// ABI names of the integer registers (RISC-V psABI, "Integer Register Convention").
const X_NAMES: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6",
];

/// ABI names of the floating-point registers (psABI, "Floating-point Register Convention").
const F_NAMES: [&str; 32] = [
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2",
    "fa3", "fa4", "fa5", "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9",
    "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
];

impl fmt::Display for X {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(X_NAMES[self.index()])
    }
}

impl fmt::Display for F {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(F_NAMES[self.index()])
    }
}

impl fmt::Display for V {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

macro_rules! abi_names {
    ($type:ident: $($name:ident = $number:literal),* $(,)?) => {
        impl $type {
            $(
                #[doc = concat!("Register number ", stringify!($number), ".")]
                pub const $name: Self = Self::new($number);
            )*
        }
    };
}

abi_names!(X:
    ZERO = 0, RA = 1, SP = 2, GP = 3, TP = 4, T0 = 5, T1 = 6, T2 = 7, S0 = 8, S1 = 9, A0 = 10,
    A1 = 11, A2 = 12, A3 = 13, A4 = 14, A5 = 15, A6 = 16, A7 = 17, S2 = 18, S3 = 19, S4 = 20,
    S5 = 21, S6 = 22, S7 = 23, S8 = 24, S9 = 25, S10 = 26, S11 = 27, T3 = 28, T4 = 29, T5 = 30,
    T6 = 31,
);

abi_names!(F:
    FT0 = 0, FT1 = 1, FT2 = 2, FT3 = 3, FT4 = 4, FT5 = 5, FT6 = 6, FT7 = 7, FS0 = 8, FS1 = 9,
    FA0 = 10, FA1 = 11, FA2 = 12, FA3 = 13, FA4 = 14, FA5 = 15, FA6 = 16, FA7 = 17, FS2 = 18,
    FS3 = 19, FS4 = 20, FS5 = 21, FS6 = 22, FS7 = 23, FS8 = 24, FS9 = 25, FS10 = 26, FS11 = 27,
    FT8 = 28, FT9 = 29, FT10 = 30, FT11 = 31,
);

abi_names!(V: V0 = 0);

/// A register of any file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Register {
    /// Integer.
    X(X),
    /// Floating point.
    F(F),
    /// Vector: the first register of the group that the operand names.
    V(V),
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::X(register) => fmt::Display::fmt(register, f),
            Self::F(register) => fmt::Display::fmt(register, f),
            Self::V(register) => fmt::Display::fmt(register, f),
        }
    }
}

/// What an instruction does with a register operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// The old value is an input.
    Read,
    /// The value is replaced. A vector destination may keep tail and inactive elements.
    Write,
    /// The old value is an input and the value is replaced, as the accumulator of `vmacc`.
    ReadWrite,
}
