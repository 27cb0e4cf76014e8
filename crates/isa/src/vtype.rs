//! The vector type: element width, register grouping and tail/mask policy.
//!
//! V 3.4. Element widths are 8 to 64 bits (ELEN 64), groupings 1/8 to 8.

use core::fmt;

use crate::abi::VLEN;

/// Selected element width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Sew {
    /// 8 bits.
    E8 = 0,
    /// 16 bits.
    E16 = 1,
    /// 32 bits.
    E32 = 2,
    /// 64 bits.
    E64 = 3,
}

impl Sew {
    /// Every width, narrowest first.
    pub const ALL: [Self; 4] = [Self::E8, Self::E16, Self::E32, Self::E64];

    /// Width in bits.
    #[must_use]
    pub const fn bits(self) -> usize {
        8 << self as usize
    }

    /// Width in bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        1 << self as usize
    }

    /// Base-2 logarithm of the width in bytes: the `vsew` field.
    #[must_use]
    pub const fn log2_bytes(self) -> u8 {
        self as u8
    }

    /// The width of this many bits.
    #[must_use]
    pub const fn from_bits(bits: usize) -> Option<Self> {
        match bits {
            8 => Some(Self::E8),
            16 => Some(Self::E16),
            32 => Some(Self::E32),
            64 => Some(Self::E64),
            _ => None,
        }
    }
}

impl fmt::Display for Sew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::E8 => "e8",
            Self::E16 => "e16",
            Self::E32 => "e32",
            Self::E64 => "e64",
        })
    }
}

/// Vector register grouping: how many registers, or what part of one, hold an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Lmul {
    /// One register.
    M1 = 0,
    /// Two registers.
    M2 = 1,
    /// Four registers.
    M4 = 2,
    /// Eight registers.
    M8 = 3,
    /// An eighth of a register.
    Mf8 = 5,
    /// A quarter of a register.
    Mf4 = 6,
    /// Half a register.
    Mf2 = 7,
}

impl Lmul {
    /// Every grouping, smallest first.
    pub const ALL: [Self; 7] = [
        Self::Mf8,
        Self::Mf4,
        Self::Mf2,
        Self::M1,
        Self::M2,
        Self::M4,
        Self::M8,
    ];

    /// Base-2 logarithm of the grouping, -3 to 3.
    #[must_use]
    pub const fn log2(self) -> i8 {
        match self {
            Self::Mf8 => -3,
            Self::Mf4 => -2,
            Self::Mf2 => -1,
            Self::M1 => 0,
            Self::M2 => 1,
            Self::M4 => 2,
            Self::M8 => 3,
        }
    }

    /// The grouping with this logarithm.
    #[must_use]
    pub const fn from_log2(log2: i8) -> Option<Self> {
        match log2 {
            -3 => Some(Self::Mf8),
            -2 => Some(Self::Mf4),
            -1 => Some(Self::Mf2),
            0 => Some(Self::M1),
            1 => Some(Self::M2),
            2 => Some(Self::M4),
            3 => Some(Self::M8),
            _ => None,
        }
    }

    /// Registers that an operand takes; a fraction of one still takes one.
    #[must_use]
    pub const fn registers(self) -> usize {
        match self {
            Self::Mf8 | Self::Mf4 | Self::Mf2 | Self::M1 => 1,
            Self::M2 => 2,
            Self::M4 => 4,
            Self::M8 => 8,
        }
    }
}

impl fmt::Display for Lmul {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::M1 => "m1",
            Self::M2 => "m2",
            Self::M4 => "m4",
            Self::M8 => "m8",
            Self::Mf8 => "mf8",
            Self::Mf4 => "mf4",
            Self::Mf2 => "mf2",
        })
    }
}

/// Content of the `vtype` CSR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VType {
    /// Element width.
    pub sew: Sew,
    /// Register grouping.
    pub lmul: Lmul,
    /// Elements past `vl` are agnostic: they may be overwritten with ones.
    pub ta: bool,
    /// Inactive elements are agnostic.
    pub ma: bool,
    /// Elements are of the alternative format of their width (Zvt 0.4, `mtype`). Only while
    /// the matrix unit is configured: see [`VType::decode_matrix`].
    pub altfmt: bool,
    /// The last `vset{i}vl{i}` asked for an unsupported type; vector instructions that depend
    /// on `vtype` are illegal. The other fields are then those of [`VType::ILL`].
    pub vill: bool,
}

impl VType {
    /// The illegal type.
    pub const ILL: Self = Self {
        sew: Sew::E8,
        lmul: Lmul::M1,
        ta: false,
        ma: false,
        altfmt: false,
        vill: true,
    };

    /// This width and grouping with tail and inactive elements agnostic. The result is not
    /// checked: see [`VType::is_supported`].
    #[must_use]
    pub const fn new(sew: Sew, lmul: Lmul) -> Self {
        Self {
            sew,
            lmul,
            ta: true,
            ma: true,
            altfmt: false,
            vill: false,
        }
    }

    /// The same with tail elements left undisturbed.
    #[must_use]
    pub const fn tail_undisturbed(self) -> Self {
        Self { ta: false, ..self }
    }

    /// The same with inactive elements left undisturbed.
    #[must_use]
    pub const fn mask_undisturbed(self) -> Self {
        Self { ma: false, ..self }
    }

    /// The type that these bits ask for, as `vsetvl` reads them from a register and `vsetvli`
    /// from its immediate. Reserved and unsupported settings give [`VType::ILL`].
    #[must_use]
    pub const fn decode(bits: u64) -> Self {
        let vtype = Self::parts(bits);
        if vtype.is_supported() {
            vtype
        } else {
            Self::ILL
        }
    }

    /// The same for a hart whose matrix unit is being configured: bit 8 selects the alternative
    /// format of elements of 8 and 16 bits (Zvt 0.4).
    #[must_use]
    pub const fn decode_matrix(bits: u64) -> Self {
        const ALTFMT: u64 = 1 << 8;
        let vtype = Self::decode(bits & !ALTFMT);
        if vtype.vill || bits & ALTFMT == 0 {
            return vtype;
        }
        match vtype.sew {
            Sew::E8 | Sew::E16 => Self {
                altfmt: true,
                ..vtype
            },
            Sew::E32 | Sew::E64 => Self::ILL,
        }
    }

    /// The settings in these bits, whether or not the combination is supported;
    /// [`VType::ILL`] for reserved ones.
    pub(crate) const fn parts(bits: u64) -> Self {
        let sew = match bits >> 3 & 7 {
            0 => Sew::E8,
            1 => Sew::E16,
            2 => Sew::E32,
            3 => Sew::E64,
            _ => return Self::ILL,
        };
        let lmul = match bits & 7 {
            0 => Lmul::M1,
            1 => Lmul::M2,
            2 => Lmul::M4,
            3 => Lmul::M8,
            5 => Lmul::Mf8,
            6 => Lmul::Mf4,
            7 => Lmul::Mf2,
            _ => return Self::ILL,
        };
        if bits >> 8 != 0 {
            return Self::ILL;
        }
        Self {
            sew,
            lmul,
            ta: bits >> 6 & 1 == 1,
            ma: bits >> 7 & 1 == 1,
            altfmt: false,
            vill: false,
        }
    }

    /// The value of the CSR: `vill` is bit 63.
    #[must_use]
    pub const fn encode(self) -> u64 {
        if self.vill {
            1 << 63
        } else {
            (self.altfmt as u64) << 8 | self.immediate() as u64
        }
    }

    /// The immediate of `vsetvli` and `vsetivli` that asks for this type. `vill` and `altfmt`
    /// are ignored: no immediate asks for them.
    #[must_use]
    pub const fn immediate(self) -> u16 {
        (self.ma as u16) << 7 | (self.ta as u16) << 6 | (self.sew as u16) << 3 | self.lmul as u16
    }

    /// Whether the chip has it: a fraction of a register must still hold an element of ELEN
    /// scaled by the fraction, so SEW <= LMUL * ELEN (V 3.4.2).
    #[must_use]
    pub const fn is_supported(self) -> bool {
        !self.vill && self.sew.log2_bytes().cast_signed() <= self.lmul.log2() + 3
    }

    /// VLMAX: elements in a group of this type, LMUL * VLEN / SEW; 0 for `vill`.
    #[must_use]
    pub const fn vlmax(self) -> usize {
        if self.vill {
            return 0;
        }
        let per_register = VLEN / self.sew.bits();
        match self.lmul {
            Lmul::Mf8 => per_register / 8,
            Lmul::Mf4 => per_register / 4,
            Lmul::Mf2 => per_register / 2,
            Lmul::M1 | Lmul::M2 | Lmul::M4 | Lmul::M8 => per_register * self.lmul.registers(),
        }
    }
}

impl fmt::Display for VType {
    /// As the operands of `vsetvli`: `e32, m1, ta, ma`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.vill {
            return f.pad("vill");
        }
        let tail = if self.ta { "ta" } else { "tu" };
        let mask = if self.ma { "ma" } else { "mu" };
        write!(f, "{}, {}, {tail}, {mask}", self.sew, self.lmul)
    }
}
