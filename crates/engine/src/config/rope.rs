//! Rotary position embedding: base and scaling, to a table of angles.
//!
//! Source: Transformers `modeling_rope_utils.py` (`default`, `linear`, `yarn`, `llama3`).

use super::fields::{Fields, unsupported, wrong};
use crate::error::Error;
use serde_json::{Map, Value};
use std::f64::consts::PI;

/// Rotation of the two halves of a head by position-dependent angles.
#[derive(Clone, Debug, PartialEq)]
pub struct Rope {
    /// Base of the geometric series of frequencies.
    pub theta: f64,
    /// How frequencies change for longer contexts.
    pub scaling: RopeScaling,
}

/// How frequencies change for longer contexts.
#[derive(Clone, Debug, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// Positions are divided by a factor.
    Linear {
        /// The factor.
        factor: f64,
    },
    /// YaRN: high frequencies stay, low ones are divided, with a ramp between; static.
    Yarn {
        /// By what low frequencies are divided.
        factor: f64,
        /// Context of the unscaled model.
        original_max_position: f64,
        /// Rotations in the original context above which a frequency stays.
        beta_fast: f64,
        /// Rotations below which a frequency is divided.
        beta_slow: f64,
        /// Factor of cosine and sine.
        attention_factor: f64,
        /// The ends of the ramp are whole dimensions.
        truncate: bool,
    },
    /// Llama 3.1.
    Llama3 {
        /// By what low frequencies are divided.
        factor: f64,
        /// Wavelengths above the original context divided by this are low frequencies.
        low_freq_factor: f64,
        /// Wavelengths below the original context divided by this are high frequencies.
        high_freq_factor: f64,
        /// Context of the unscaled model.
        original_max_position: f64,
    },
}

impl Rope {
    pub(super) fn from_fields(fields: &Fields<'_>, max_position: u32) -> Result<Self, Error> {
        // Version 5 writes `rope_parameters`; checkpoints of before have two fields. A file may
        // carry both.
        let old_theta = fields.get("rope_theta");
        let (name, parameters) = match fields.get("rope_parameters") {
            Some(value) => ("rope_parameters", Some(value)),
            None => ("rope_scaling", fields.get("rope_scaling")),
        };
        let empty = Map::new();
        let map = match parameters {
            None => &empty,
            Some(Value::Object(map)) => map,
            Some(other) => return Err(wrong(name, other, "an object")),
        };
        let number = |key: &str| match map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_f64() {
                Some(number) if number > 0.0 && number.is_finite() => Ok(Some(number)),
                _ => Err(wrong(&format!("{name}.{key}"), value, "a positive number")),
            },
        };
        let needed = |key: &str| {
            number(key)?.ok_or_else(|| Error::InvalidConfig(format!("`{name}.{key}` is missing")))
        };
        let theta = match (number("rope_theta")?, old_theta) {
            (Some(theta), _) => theta,
            (None, None) => 10_000.0,
            (None, Some(value)) => match value.as_f64() {
                Some(theta) if theta > 0.0 && theta.is_finite() => theta,
                _ => return Err(wrong("rope_theta", value, "a positive number")),
            },
        };
        let kind = map.get("rope_type").or_else(|| map.get("type"));
        let kind_name = match kind {
            None | Some(Value::Null) => "default",
            Some(Value::String(text)) => text.as_str(),
            Some(other) => return Err(wrong(&format!("{name}.rope_type"), other, "a string")),
        };
        let original = || {
            Ok::<_, Error>(
                number("original_max_position_embeddings")?.unwrap_or(f64::from(max_position)),
            )
        };
        let (scaling, used): (_, &[&str]) = match kind_name {
            "default" => (RopeScaling::None, &[]),
            "linear" => {
                let factor = needed("factor")?;
                (RopeScaling::Linear { factor }, &["factor"])
            }
            "yarn" => {
                let factor = needed("factor")?;
                let scaling = RopeScaling::Yarn {
                    factor,
                    original_max_position: original()?,
                    beta_fast: number("beta_fast")?.unwrap_or(32.0),
                    beta_slow: number("beta_slow")?.unwrap_or(1.0),
                    attention_factor: number("attention_factor")?.unwrap_or(if factor <= 1.0 {
                        1.0
                    } else {
                        0.1 * factor.ln() + 1.0
                    }),
                    truncate: !matches!(map.get("truncate"), Some(Value::Bool(false))),
                };
                (
                    scaling,
                    &[
                        "factor",
                        "original_max_position_embeddings",
                        "beta_fast",
                        "beta_slow",
                        "attention_factor",
                        "truncate",
                    ],
                )
            }
            "llama3" => {
                let scaling = RopeScaling::Llama3 {
                    factor: needed("factor")?,
                    low_freq_factor: needed("low_freq_factor")?,
                    high_freq_factor: needed("high_freq_factor")?,
                    original_max_position: needed("original_max_position_embeddings")?,
                };
                (
                    scaling,
                    &[
                        "factor",
                        "low_freq_factor",
                        "high_freq_factor",
                        "original_max_position_embeddings",
                    ],
                )
            }
            _ => {
                let value = Value::from(kind_name);
                return Err(unsupported(
                    &format!("{name}.rope_type"),
                    &value,
                    "default, linear, yarn and llama3 are supported",
                ));
            }
        };
        for (key, value) in map {
            let known = ["rope_theta", "rope_type", "type"].contains(&key.as_str())
                || used.contains(&key.as_str());
            if !known && !value.is_null() {
                return Err(unsupported(
                    &format!("{name}.{key}"),
                    value,
                    &format!("it has no meaning for \"{kind_name}\" here"),
                ));
            }
        }
        Ok(Self { theta, scaling })
    }

    /// Angle per position of each pair of a head, in radians, and the factor of cosine and
    /// sine. `head_dim / 2` values.
    #[must_use]
    pub fn frequencies(&self, head_dim: u32) -> (Vec<f64>, f64) {
        let dim = f64::from(head_dim);
        let plain: Vec<f64> = (0..head_dim / 2)
            .map(|pair| self.theta.powf(-f64::from(2 * pair) / dim))
            .collect();
        match self.scaling {
            RopeScaling::None => (plain, 1.0),
            RopeScaling::Linear { factor } => (
                plain.iter().map(|frequency| frequency / factor).collect(),
                1.0,
            ),
            RopeScaling::Yarn {
                factor,
                original_max_position,
                beta_fast,
                beta_slow,
                attention_factor,
                truncate,
            } => {
                // The dimension that makes so many rotations in the original context.
                let dimension = |rotations: f64| {
                    dim * (original_max_position / (rotations * 2.0 * PI)).ln()
                        / (2.0 * self.theta.ln())
                };
                let (mut low, mut high) = (dimension(beta_fast), dimension(beta_slow));
                if truncate {
                    (low, high) = (low.floor(), high.ceil());
                }
                (low, high) = (low.max(0.0), high.min(dim - 1.0));
                if low == high {
                    high += 0.001;
                }
                let scaled = (0u32..).zip(&plain).map(|(pair, &frequency)| {
                    let ramp = ((f64::from(pair) - low) / (high - low)).clamp(0.0, 1.0);
                    frequency / factor * ramp + frequency * (1.0 - ramp)
                });
                (scaled.collect(), attention_factor)
            }
            RopeScaling::Llama3 {
                factor,
                low_freq_factor,
                high_freq_factor,
                original_max_position,
            } => {
                let scaled = plain.iter().map(|&frequency| {
                    let wavelength = 2.0 * PI / frequency;
                    if wavelength < original_max_position / high_freq_factor {
                        frequency
                    } else if wavelength > original_max_position / low_freq_factor {
                        frequency / factor
                    } else {
                        let smooth = (original_max_position / wavelength - low_freq_factor)
                            / (high_freq_factor - low_freq_factor);
                        (1.0 - smooth) * frequency / factor + smooth * frequency
                    }
                });
                (scaled.collect(), 1.0)
            }
        }
    }
}
