//! The fields of an instruction word: where each lies, what values it takes, how assembly
//! shows it and which register it names.
//!
//! A row of the instruction table lists its operands as `name: Field`, in the order of
//! assembly syntax. The types of this module are only names for those fields; the values in
//! an [`Inst`](crate::Inst) have the type [`Field::Value`].

use core::fmt;

use crate::csr;
use crate::reg::{Access, F, Register, V, X};
use crate::vtype::VType;

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
const fn sign_extend(value: u32, bits: u32) -> i32 {
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
const fn move_bits(value: u32, from: u32, count: u32, to: u32) -> u32 {
    (value >> from & ((1 << count) - 1)) << to
}

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

/// The rounding mode of `fcvtmod.w.d`, which has no other.
#[derive(Clone, Copy, Debug)]
pub enum TowardsZero {}

impl Implicit for TowardsZero {
    fn show(syntax: &mut Syntax<'_, '_>) -> fmt::Result {
        syntax.operand(RoundingMode::Rtz)
    }

    fn register(_: &mut impl FnMut(Register, Access)) {}
}

/// Fields of a segment load or store, 2 to 8: `nf` plus one, bits 31:29. One field is the
/// plain load or store, which is a row of its own.
#[derive(Clone, Copy, Debug)]
pub enum Nf {}

impl Field for Nf {
    type Value = u8;
    const MASK: u32 = 0xe000_0000;

    #[expect(clippy::cast_possible_truncation, reason = "three bits")]
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

/// Address of a CSR, bits 31:20.
#[derive(Clone, Copy, Debug)]
pub enum Csr {}

impl Field for Csr {
    type Value = u16;
    const MASK: u32 = 0xfff0_0000;

    #[expect(clippy::cast_possible_truncation, reason = "twelve bits")]
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

                #[expect(clippy::cast_possible_truncation, reason = "four bits")]
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

    #[expect(clippy::cast_possible_truncation, reason = "five bits")]
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
