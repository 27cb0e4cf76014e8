//! The forms of `xw.mma`: shape, element types and accumulator (Xweft 7).
//!
//! A form says how the bits of its register groups are read; the layout of fragments is that of
//! the PTX manual, "Matrix fragments for mma.sync" (9.7.15.5). The matrices are A of m rows by
//! k columns, B of k rows by 8 columns, and C and D of m rows by 8 columns.

use core::fmt;

/// The 8-bit floating-point formats (OCP OFP8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fp8 {
    /// 4 exponent bits, 3 of fraction; no infinities.
    E4m3,
    /// 5 exponent bits, 2 of fraction.
    E5m2,
}

/// How two single bits are combined before they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BitOp {
    /// Exclusive or.
    Xor,
    /// And.
    And,
}

/// The elements of A and B.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Factors {
    /// IEEE binary16.
    F16,
    /// bfloat16.
    Bf16,
    /// binary32 of which the low 13 bits are ignored.
    Tf32,
    /// 8-bit floats.
    Fp8 {
        /// Format of A.
        a: Fp8,
        /// Format of B.
        b: Fp8,
    },
    /// IEEE binary64.
    F64,
    /// 8-bit integers.
    Int8 {
        /// A is signed.
        a_signed: bool,
        /// B is signed.
        b_signed: bool,
    },
    /// 4-bit integers.
    Int4 {
        /// A is signed.
        a_signed: bool,
        /// B is signed.
        b_signed: bool,
    },
    /// Single bits: the sum counts the ones of the combination.
    Bits(BitOp),
}

impl Factors {
    /// Width of an element in bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::F16 | Self::Bf16 => 16,
            Self::Tf32 => 32,
            Self::Fp8 { .. } | Self::Int8 { .. } => 8,
            Self::F64 => 64,
            Self::Int4 { .. } => 4,
            Self::Bits(_) => 1,
        }
    }
}

/// The elements of C and D.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sums {
    /// IEEE binary32.
    F32,
    /// IEEE binary16.
    F16,
    /// IEEE binary64.
    F64,
    /// 32-bit integers.
    S32 {
        /// The sum is clamped instead of wrapping.
        saturate: bool,
    },
}

/// A form of `xw.mma`: only those that exist can be made, with [`MatrixForm::new`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MatrixForm {
    factors: Factors,
    sums: Sums,
    rows: u8,
    /// Bits of a row of A, which are those of a column of B: 64 << this.
    row_bits_log2: u8,
}

/// Bits of a vector register.
const REGISTER_BITS: u32 = 1024;

impl MatrixForm {
    /// The form with `rows` rows of A (8 or 16) and `k` columns, if there is one.
    #[must_use]
    pub const fn new(factors: Factors, sums: Sums, rows: u32, k: u32) -> Option<Self> {
        let row_bits = factors.bits() * k;
        let row_bits_log2 = match row_bits {
            128 => 1,
            256 => 2,
            _ => return None,
        };
        let exists = match (factors, sums) {
            (Factors::F16 | Factors::Fp8 { .. }, Sums::F32 | Sums::F16)
            | (Factors::Bf16 | Factors::Tf32, Sums::F32) => rows == 16,
            (Factors::Int8 { .. } | Factors::Int4 { .. }, Sums::S32 { .. })
            | (Factors::Bits(_), Sums::S32 { saturate: false }) => {
                rows == 16 || rows == 8 && row_bits == 128
            }
            (Factors::F64, Sums::F64) => rows == 8 && row_bits == 256,
            _ => false,
        };
        if !exists {
            return None;
        }
        Some(Self {
            factors,
            sums,
            rows: if rows == 16 { 16 } else { 8 },
            row_bits_log2,
        })
    }

    /// The form that these ten bits encode: the accumulator in bits 2:0 (funct3), the types of A
    /// and B in 6:3, the length of a row of A in 8:7, its number of rows in 9 (funct7).
    #[must_use]
    pub const fn from_bits(bits: u16) -> Option<Self> {
        let sums = match bits & 7 {
            0 => Sums::F32,
            1 => Sums::F16,
            2 => Sums::S32 { saturate: false },
            3 => Sums::S32 { saturate: true },
            4 => Sums::F64,
            _ => return None,
        };
        let types = bits >> 3 & 15;
        let factors = match (sums, types) {
            (Sums::S32 { .. }, 0..=3) => Factors::Int8 {
                a_signed: types & 2 != 0,
                b_signed: types & 1 != 0,
            },
            (Sums::S32 { .. }, 4..=7) => Factors::Int4 {
                a_signed: types & 2 != 0,
                b_signed: types & 1 != 0,
            },
            (Sums::S32 { .. }, 8) => Factors::Bits(BitOp::Xor),
            (Sums::S32 { .. }, 9) => Factors::Bits(BitOp::And),
            (Sums::F64, 8) => Factors::F64,
            (Sums::F32 | Sums::F16, 0) => Factors::F16,
            (Sums::F32, 1) => Factors::Bf16,
            (Sums::F32, 2) => Factors::Tf32,
            (Sums::F32 | Sums::F16, 4..=7) => Factors::Fp8 {
                a: fp8(types & 2 != 0),
                b: fp8(types & 1 != 0),
            },
            _ => return None,
        };
        let rows = if bits >> 9 & 1 == 1 { 16 } else { 8 };
        Self::new(
            factors,
            sums,
            rows,
            (64 << (bits >> 7 & 3)) / factors.bits(),
        )
    }

    /// The ten bits of [`MatrixForm::from_bits`].
    #[must_use]
    pub const fn bits(self) -> u16 {
        let sums = match self.sums {
            Sums::F32 => 0,
            Sums::F16 => 1,
            Sums::S32 { saturate: false } => 2,
            Sums::S32 { saturate: true } => 3,
            Sums::F64 => 4,
        };
        let types = match self.factors {
            Factors::F16 => 0,
            Factors::Bf16 => 1,
            Factors::Tf32 => 2,
            Factors::Fp8 { a, b } => {
                4 | (matches!(a, Fp8::E5m2) as u16) << 1 | matches!(b, Fp8::E5m2) as u16
            }
            Factors::Int8 { a_signed, b_signed } => (a_signed as u16) << 1 | b_signed as u16,
            Factors::Int4 { a_signed, b_signed } => 4 | (a_signed as u16) << 1 | b_signed as u16,
            Factors::Bits(BitOp::Xor) | Factors::F64 => 8,
            Factors::Bits(BitOp::And) => 9,
        };
        ((self.rows == 16) as u16) << 9 | (self.row_bits_log2 as u16) << 7 | types << 3 | sums
    }

    /// Every form, in the order of their bits.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..1 << 10).filter_map(Self::from_bits)
    }

    /// The elements of A and B.
    #[must_use]
    pub const fn factors(self) -> Factors {
        self.factors
    }

    /// The elements of C and D.
    #[must_use]
    pub const fn sums(self) -> Sums {
        self.sums
    }

    /// Rows of A, C and D: 8 or 16.
    #[must_use]
    pub const fn m(self) -> u32 {
        self.rows as u32
    }

    /// Columns of B, C and D: 8.
    #[must_use]
    pub const fn n(self) -> u32 {
        8
    }

    /// Columns of A and rows of B.
    #[must_use]
    pub const fn k(self) -> u32 {
        self.row_bits() / self.factors.bits()
    }

    const fn row_bits(self) -> u32 {
        64 << self.row_bits_log2
    }

    /// Registers of A: 1, 2 or 4. The first one is a multiple of their number, as that of B and D.
    #[must_use]
    pub const fn a_registers(self) -> u32 {
        self.m() * self.row_bits() / REGISTER_BITS
    }

    /// Registers of B: 1 or 2.
    #[must_use]
    pub const fn b_registers(self) -> u32 {
        self.n() * self.row_bits() / REGISTER_BITS
    }

    /// Registers of C and D: 2 or 4.
    #[must_use]
    pub const fn d_registers(self) -> u32 {
        let bits = match self.sums {
            Sums::F16 => 16,
            Sums::F32 | Sums::S32 { .. } => 32,
            Sums::F64 => 64,
        };
        self.m() * self.n() * bits / REGISTER_BITS
    }

    /// Multiplications, which is also additions.
    #[must_use]
    pub const fn macs(self) -> u32 {
        self.m() * self.n() * self.k()
    }
}

const fn fp8(e5m2: bool) -> Fp8 {
    if e5m2 { Fp8::E5m2 } else { Fp8::E4m3 }
}

const fn fp8_name(format: Fp8) -> &'static str {
    match format {
        Fp8::E4m3 => "e4m3",
        Fp8::E5m2 => "e5m2",
    }
}

/// The suffix of the mnemonic: `.m16n8k32.s32.s8.s8`, in the order of PTX (shape, D, A, B).
impl fmt::Display for MatrixForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sums = match self.sums {
            Sums::F32 => "f32",
            Sums::F16 => "f16",
            Sums::F64 => "f64",
            Sums::S32 { .. } => "s32",
        };
        let sign = |signed| if signed { 's' } else { 'u' };
        write!(f, ".m{}n{}k{}.{sums}", self.m(), self.n(), self.k())?;
        match self.factors {
            Factors::F16 => f.write_str(".f16.f16"),
            Factors::Bf16 => f.write_str(".bf16.bf16"),
            Factors::Tf32 => f.write_str(".tf32.tf32"),
            Factors::F64 => f.write_str(".f64.f64"),
            Factors::Fp8 { a, b } => write!(f, ".{}.{}", fp8_name(a), fp8_name(b)),
            Factors::Int8 { a_signed, b_signed } => {
                write!(f, ".{}8.{}8", sign(a_signed), sign(b_signed))
            }
            Factors::Int4 { a_signed, b_signed } => {
                write!(f, ".{}4.{}4", sign(a_signed), sign(b_signed))
            }
            Factors::Bits(BitOp::Xor) => f.write_str(".b1.b1.xor"),
            Factors::Bits(BitOp::And) => f.write_str(".b1.b1.and"),
        }?;
        match self.sums {
            Sums::S32 { saturate: true } => f.write_str(".sat"),
            Sums::F32 | Sums::F16 | Sums::F64 | Sums::S32 { saturate: false } => Ok(()),
        }
    }
}
