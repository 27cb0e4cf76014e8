//! The fields of an instruction word: where each lies, what values it takes, how assembly
//! shows it and which register it names.
//!
//! A row of the instruction table lists its operands as `name: Field`, in the order of
//! assembly syntax. The types of this module are only names for those fields; the values in
//! an [`Inst`](crate::Inst) have the type [`Field::Value`].

mod immediate;
mod matrix;
mod memory;
mod register;
mod rounding;
mod tile;
mod vector;

use core::fmt;

use crate::matrix::MatrixForm;
use crate::reg::{Access, F, Register, V, X};

pub use immediate::{
    BranchOffset, Code12, Csr, FliConstant, Imm12, JumpOffset, Rotate6, Shamt5, Shamt6, StoreImm12,
    Uimm5, UpperImm, VImm5,
};
pub use matrix::Mma;
pub use memory::{AqRl, MemoryOrder, Pred, Succ};
pub use register::{
    Address, Base, Fd, Fs1, Fs2, Fs3, Rd, RdPair, RdRw, Rs1, Rs2, Rs2Pair, Rs3, VAddress, Vd,
    VdBy2, VdBy4, VdBy8, VdRw, Vs1, Vs2, Vs2By2, Vs2By4, Vs2By8, Vs3, Vs3By2, Vs3By4, Vs3By8,
};
pub use rounding::{ExactRm, Rm, RoundingMode, TowardsZero};
pub use tile::{MatrixType, MatrixTypeImm, Tile, Tile2, Tile3, Tile4};
pub use vector::{MaskV0, Nf, VType10, VType11, Vm};

/// Part of an instruction word that holds one operand.
pub trait Field {
    /// The operand as programs see it.
    type Value: Operand;

    /// The bits of the word that it occupies.
    const MASK: u32;

    /// The operand in this word, or `None` if the bits are reserved.
    fn extract(word: u32) -> Option<Self::Value>;

    /// The bits for this operand. Bits of a value that do not fit are dropped.
    fn insert(value: Self::Value) -> u32;

    /// Writes the operand, with the punctuation that leads to it.
    ///
    /// # Errors
    ///
    /// Those of the formatter.
    fn show(value: Self::Value, syntax: &mut Syntax<'_, '_>) -> fmt::Result;

    /// Reports the register that the operand names, if it names one.
    fn register(value: Self::Value, visit: &mut impl FnMut(Register, Access)) {
        let _ = (value, visit);
    }

    /// The operand with the register that it names, if it names one, replaced.
    ///
    /// # Panics
    ///
    /// If the replacement is a register of another file.
    fn map_register(value: Self::Value, map: &mut impl FnMut(Register) -> Register) -> Self::Value {
        let _ = map;
        value
    }

    /// Whether the field can hold this value.
    fn holds(value: Self::Value) -> bool {
        Self::extract(Self::insert(value)) == Some(value)
    }
}

/// A value that a field can hold.
pub trait Operand: Copy + PartialEq + fmt::Debug {
    /// The value as a number, for messages.
    fn number(self) -> i64;
}

macro_rules! operands {
    ($($type:ident: $value:ident => $number:expr;)*) => {
        $(impl Operand for $type {
            fn number(self) -> i64 {
                let $value = self;
                i64::from($number)
            }
        })*
    };
}

operands! {
    i32: value => value;
    u8: value => value;
    u16: value => value;
    bool: value => value;
    X: value => value.number();
    F: value => value.number();
    V: value => value.number();
    RoundingMode: value => value as u8;
    MemoryOrder: value => value as u8;
    MatrixForm: value => value.bits();
    Tile: value => value.number();
    MatrixType: value => value.bits();
}

/// An operand that a row always has, without bits of its own.
pub trait Implicit {
    /// Writes the operand.
    ///
    /// # Errors
    ///
    /// Those of the formatter.
    fn show(syntax: &mut Syntax<'_, '_>) -> fmt::Result;

    /// Reports the register that is used.
    fn register(visit: &mut impl FnMut(Register, Access));
}

/// Writes the operand part of an instruction and keeps account of separators.
pub struct Syntax<'a, 'f> {
    formatter: &'a mut fmt::Formatter<'f>,
    any: bool,
}

impl<'a, 'f> Syntax<'a, 'f> {
    pub(crate) fn new(formatter: &'a mut fmt::Formatter<'f>) -> Self {
        Self {
            formatter,
            any: false,
        }
    }

    /// The next operand, after a space or a comma.
    fn operand(&mut self, operand: impl fmt::Display) -> fmt::Result {
        let separator = if self.any { ", " } else { " " };
        self.any = true;
        write!(self.formatter, "{separator}{operand}")
    }

    /// Text that belongs to what is already written: a mnemonic suffix or a `(base)`.
    fn append(&mut self, text: impl fmt::Display) -> fmt::Result {
        write!(self.formatter, "{text}")
    }
}

/// The low `bits` bits of `value`, sign-extended.
#[expect(
    clippy::cast_possible_wrap,
    reason = "reinterpreting a word as signed is the point"
)]
pub(crate) const fn sign_extend(value: u32, bits: u32) -> i32 {
    (value << (32 - bits)) as i32 >> (32 - bits)
}

/// The two's complement bits of a signed operand.
#[expect(
    clippy::cast_sign_loss,
    reason = "reinterpreting a signed operand as bits is the point"
)]
const fn bits_of(value: i32) -> u32 {
    value as u32
}

/// `count` bits of `value` from bit `from`, moved to bit `to`.
pub(crate) const fn move_bits(value: u32, from: u32, count: u32, to: u32) -> u32 {
    (value >> from & ((1 << count) - 1)) << to
}
