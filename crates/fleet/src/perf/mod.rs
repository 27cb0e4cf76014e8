//! How long a chip takes: one law for each operator, with constants fitted to measurements.
//!
//! An operator's time is a launch time plus a smooth maximum of the time its arithmetic takes
//! and the time its bytes take ([`roofline`]). What makes chips differ from a plain roofline is
//! in a few constants for each chip and precision ([`constants`]); `fit` finds them from the
//! tables of `data/measured`. A chip without measurements uses assumed constants and says so.

pub mod all_reduce;
pub mod attention;
pub mod constants;
pub mod deployment;
pub mod gemm;
pub mod mixture;
pub mod roofline;
pub mod serving;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::catalog::{Chip, UnknownFigure};
use crate::names::UnknownName;

/// How weights and activations are stored and multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// BF16 weights and activations.
    Bf16,
    /// FP8 weights and activations.
    Fp8,
    /// INT8 weights and activations.
    Int8,
    /// FP4 weights and activations with a scale for each block of 16.
    Fp4,
    /// INT8 weights, multiplied in BF16.
    Int8Weight,
    /// INT4 weights with a scale for each block of 128, multiplied in BF16.
    Int4Weight,
}

impl Precision {
    /// Every precision.
    pub const ALL: [Self; 6] = [
        Self::Bf16,
        Self::Fp8,
        Self::Int8,
        Self::Fp4,
        Self::Int8Weight,
        Self::Int4Weight,
    ];

    /// Bytes of one weight.
    #[must_use]
    pub fn weight_bytes(self) -> f64 {
        match self {
            Self::Bf16 => 2.0,
            Self::Fp8 | Self::Int8 | Self::Int8Weight => 1.0,
            Self::Fp4 => 0.5 + 1.0 / 16.0,
            Self::Int4Weight => 0.5 + 2.0 / 128.0,
        }
    }

    /// Bytes of one activation that is multiplied.
    #[must_use]
    pub fn activation_bytes(self) -> f64 {
        match self {
            Self::Bf16 | Self::Int8Weight | Self::Int4Weight => 2.0,
            Self::Fp8 | Self::Int8 => 1.0,
            Self::Fp4 => 0.5 + 1.0 / 16.0,
        }
    }

    /// Name in commands, specifications and data files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bf16 => "bf16",
            Self::Fp8 => "fp8",
            Self::Int8 => "int8",
            Self::Fp4 => "fp4",
            Self::Int8Weight => "int8-weight",
            Self::Int4Weight => "int4-weight",
        }
    }

    /// Peak rate of `chip` in this precision, operations/s.
    ///
    /// # Errors
    /// When the chip has no published rate in it.
    pub fn peak_ops_per_s(self, chip: &Chip) -> Result<f64, UnknownFigure> {
        let (figure, what) = match self {
            Self::Bf16 | Self::Int8Weight | Self::Int4Weight => (&chip.fp16, "FP16 rate"),
            Self::Fp8 => (&chip.fp8, "FP8 rate"),
            Self::Int8 => (&chip.int8, "INT8 rate"),
            Self::Fp4 => (&chip.fp4, "FP4 rate"),
        };
        figure
            .as_ref()
            .map(|quantity| quantity.value * 1e12)
            .ok_or_else(|| UnknownFigure {
                chip: chip.id.clone(),
                what,
            })
    }

    /// The best of INT8, FP8 and BF16 that `chip` has, in this order.
    #[must_use]
    pub fn usual(chip: &Chip) -> Self {
        [Self::Int8, Self::Fp8, Self::Bf16]
            .into_iter()
            .find(|precision| precision.peak_ops_per_s(chip).is_ok())
            .unwrap_or(Self::Bf16)
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Precision {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|precision| precision.name() == name)
            .ok_or_else(|| UnknownName::new("precision", name, Self::ALL.map(Self::name)))
    }
}
