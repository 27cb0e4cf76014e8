//! Arrays of Rust literals, as the suite's test macros write inputs and outputs.
//!
//! Read are numbers with and without a type suffix, signs, quotients of floats, and the constants and
//! constructors of the number types and of `half::f16`. As in Rust, all elements of an array have one
//! type: that of any element that names one, else `i32`, or `f64` when an element has a fraction.

use anyhow::{Context as _, Result, bail, ensure};
use half::f16;

/// Type of an array's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ElementType {
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F16,
    F32,
    F64,
}

/// An array, as its elements lie in memory, little-endian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Array {
    element: ElementType,
    bits: Vec<u64>,
}

impl ElementType {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "u8" => Self::U8,
            "u16" => Self::U16,
            "u32" => Self::U32,
            "u64" => Self::U64,
            "i8" => Self::I8,
            "i16" => Self::I16,
            "i32" => Self::I32,
            "i64" => Self::I64,
            "f16" => Self::F16,
            "f32" => Self::F32,
            "f64" => Self::F64,
            _ => return None,
        })
    }

    fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::F32 | Self::F64)
    }

    fn is_signed(self) -> bool {
        matches!(self, Self::I8 | Self::I16 | Self::I32 | Self::I64)
    }

    /// The bits of a number rounded to this float type.
    fn encode(self, value: f64) -> u64 {
        match self {
            Self::F16 => u64::from(f16::from_f64(value).to_bits()),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "rounds to nearest, as meant"
            )]
            Self::F32 => u64::from((value as f32).to_bits()),
            _ => value.to_bits(),
        }
    }

    fn decode(self, bits: u64) -> f64 {
        match self {
            Self::F16 => f16::from_bits(low_bits(bits)).to_f64(),
            Self::F32 => f64::from(f32::from_bits(low_bits(bits))),
            _ => f64::from_bits(bits),
        }
    }

    fn mask(self) -> u64 {
        u64::MAX >> (64 - 8 * self.size())
    }

    fn show(self, bits: u64) -> String {
        if self.is_float() {
            format!("{:?} (0x{bits:x})", self.decode(bits))
        } else if self.is_signed() {
            let unused = 64 - 8 * self.size();
            format!("{}", (bits << unused).cast_signed() >> unused)
        } else {
            format!("{bits}")
        }
    }
}

/// The low bits of `bits` as a narrower type; the callers keep the others zero.
fn low_bits<T: TryFrom<u64>>(bits: u64) -> T
where
    T::Error: std::fmt::Debug,
{
    T::try_from(bits).expect("bits above the element's width are zero")
}

impl Array {
    /// Reads the text between the brackets of an array.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let elements: Vec<&str> = text
            .split(',')
            .map(str::trim)
            .filter(|element| !element.is_empty())
            .collect();
        ensure!(!elements.is_empty(), "an array without elements");
        let element = elements
            .iter()
            .find_map(|element| named_type(element))
            .unwrap_or_else(|| {
                let fraction = elements.iter().any(|element| element.contains('.'));
                if fraction {
                    ElementType::F64
                } else {
                    ElementType::I32
                }
            });
        let bits = elements
            .iter()
            .map(|text| evaluate(text, element).with_context(|| format!("in element {text}")))
            .collect::<Result<_>>()?;
        Ok(Self { element, bits })
    }

    /// The elements as they lie in memory.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.bits
            .iter()
            .flat_map(|bits| bits.to_le_bytes().into_iter().take(self.element.size()))
            .collect()
    }

    /// Compares with memory, by value: the zeros of a float are equal.
    pub(super) fn compare(&self, got: &[u8]) -> std::result::Result<(), String> {
        for (index, (chunk, want)) in got
            .chunks_exact(self.element.size())
            .zip(&self.bits)
            .enumerate()
        {
            let bits = chunk
                .iter()
                .rev()
                .fold(0, |bits, byte| bits << 8 | u64::from(*byte));
            #[expect(clippy::float_cmp, reason = "the suite compares exactly")]
            let equal = bits == *want
                || self.element.is_float()
                    && self.element.decode(bits) == self.element.decode(*want);
            if !equal {
                return Err(format!(
                    "output[{index}] = {}, expected {}",
                    self.element.show(bits),
                    self.element.show(*want)
                ));
            }
        }
        Ok(())
    }
}

/// The type that an element's text names, if it names one.
fn named_type(text: &str) -> Option<ElementType> {
    let text = text.trim_start_matches('-');
    // `half::f16::NAN.to_bits()` is an integer.
    if text.ends_with(".to_bits()") {
        return Some(if text.contains("f16") {
            ElementType::U16
        } else {
            ElementType::U32
        });
    }
    if text.contains("::") {
        return text.split("::").find_map(ElementType::named);
    }
    suffix(text).1
}

/// Splits a literal into its digits and its type suffix.
fn suffix(literal: &str) -> (&str, Option<ElementType>) {
    // Every digit of a hexadecimal literal but a suffix's first letter could be part of the number:
    // `f` is a digit, so only integer suffixes end such literals.
    let hexadecimal = literal.starts_with("0x");
    for length in [3, 2] {
        let Some(split) = literal.len().checked_sub(length).filter(|split| *split > 0) else {
            continue;
        };
        let (digits, name) = literal.split_at(split);
        if let Some(element) =
            ElementType::named(name).filter(|element| !(hexadecimal && element.is_float()))
        {
            return (digits, Some(element));
        }
    }
    (literal, None)
}

/// The bits of one element.
fn evaluate(text: &str, element: ElementType) -> Result<u64> {
    if let Some((left, right)) = text.split_once('/') {
        let quotient = element.decode(evaluate(left.trim(), element)?)
            / element.decode(evaluate(right.trim(), element)?);
        return Ok(element.encode(quotient));
    }
    if let Some(positive) = text.strip_prefix('-') {
        let bits = evaluate(positive, element)?;
        return Ok(if element.is_float() {
            bits ^ (1 << (8 * element.size() - 1))
        } else {
            bits.wrapping_neg() & element.mask()
        });
    }
    if let Some(inner) = text.strip_suffix(".to_bits()") {
        let float = named_type(&format!("{inner}.")).context("a float whose bits are taken")?;
        return evaluate(inner, float);
    }
    if text.contains("::") {
        return constant(text, element);
    }
    let (digits, _) = suffix(text);
    let digits = digits.replace('_', "");
    let parsed = if let Some(hexadecimal) = digits.strip_prefix("0x") {
        u64::from_str_radix(hexadecimal, 16)
    } else if let Some(binary) = digits.strip_prefix("0b") {
        u64::from_str_radix(binary, 2)
    } else if element.is_float() {
        return float_bits(&digits, element);
    } else {
        digits.parse()
    };
    let bits = parsed.with_context(|| format!("{digits} is no number"))?;
    ensure!(
        bits & !element.mask() == 0,
        "{digits} does not fit {element:?}"
    );
    Ok(bits)
}

/// A decimal number, rounded once.
fn float_bits(digits: &str, element: ElementType) -> Result<u64> {
    let context = || format!("{digits} is no number");
    Ok(match element {
        ElementType::F32 => u64::from(digits.parse::<f32>().with_context(context)?.to_bits()),
        _ => element.encode(digits.parse().with_context(context)?),
    })
}

/// An associated constant or a constructor, such as `i32::MIN` or `half::f16::from_f32(0.0)`.
fn constant(text: &str, element: ElementType) -> Result<u64> {
    let name = text.rsplit("::").next().unwrap_or(text);
    if let Some((constructor, argument)) = name.split_once('(') {
        let argument = argument.trim_end_matches(')');
        return match constructor {
            "from_bits" => {
                let bits = evaluate(argument, ElementType::U64)?;
                ensure!(
                    bits & !element.mask() == 0,
                    "{argument} does not fit {element:?}"
                );
                Ok(bits)
            }
            "from_f32" => {
                Ok(element.encode(ElementType::F32.decode(evaluate(argument, ElementType::F32)?)))
            }
            "from_f64" => {
                Ok(element.encode(ElementType::F64.decode(evaluate(argument, ElementType::F64)?)))
            }
            "max_value" => constant("::MAX", element),
            "min_value" => constant("::MIN", element),
            _ => bail!("the constructor {constructor} is not known"),
        };
    }
    let sign_bit = 1 << (8 * element.size() - 1);
    Ok(match (name, element.is_float(), element.is_signed()) {
        ("NAN", true, _) => element.encode(f64::NAN),
        ("INFINITY", true, _) => element.encode(f64::INFINITY),
        ("NEG_INFINITY", true, _) => element.encode(f64::NEG_INFINITY),
        ("PI", true, _) => element.encode(std::f64::consts::PI),
        ("MAX", false, false) => element.mask(),
        ("MAX", false, true) => element.mask() ^ sign_bit,
        ("MIN", false, false) => 0,
        ("MIN", false, true) => sign_bit,
        _ => bail!("the constant {text} is not known"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(text: &str) -> Vec<u8> {
        Array::parse(text).expect("the text is an array").bytes()
    }

    fn joined<const N: usize>(elements: &[[u8; N]]) -> Vec<u8> {
        elements.concat()
    }

    #[test]
    fn integers_take_the_type_that_any_element_names() {
        assert_eq!(
            bytes_of("0x8e2da590u32, 16, 0b1_01"),
            joined(&[0x8e2d_a590_u32, 16, 5].map(u32::to_le_bytes))
        );
        assert_eq!(
            bytes_of("12i64, -38,"),
            joined(&[12_i64, -38].map(i64::to_le_bytes))
        );
        assert_eq!(bytes_of("0xDEAD"), 0xdead_i32.to_le_bytes());
        assert_eq!(
            bytes_of("i32::MIN, -1"),
            joined(&[i32::MIN, -1].map(i32::to_le_bytes))
        );
        assert_eq!(bytes_of("u64::max_value()"), u64::MAX.to_le_bytes());
        assert_eq!(bytes_of("0u8, 255u8"), [0, 255]);
    }

    #[test]
    fn floats_are_rounded_once_to_their_type() {
        assert_eq!(
            bytes_of("1.0000001, 1.0f32"),
            joined(&[1.000_000_1_f32, 1.0].map(f32::to_le_bytes))
        );
        assert_eq!(
            bytes_of("-1f32, f32::from_bits(0x33800000), f32::NEG_INFINITY"),
            joined(&[-1.0, f32::from_bits(0x3380_0000), f32::NEG_INFINITY].map(f32::to_le_bytes))
        );
        assert_eq!(
            bytes_of("std::f32::consts::PI / 2f32"),
            std::f32::consts::FRAC_PI_2.to_le_bytes()
        );
        assert_eq!(bytes_of("0.125f64"), 0.125_f64.to_le_bytes());
        assert_eq!(
            bytes_of("half::f16::from_f32(-0.0), half::f16::from_bits(0x38d3)"),
            [0x00, 0x80, 0xd3, 0x38]
        );
    }

    #[test]
    fn bits_of_a_float_are_an_integer() {
        assert_eq!(
            bytes_of("0u16, half::f16::NAN.to_bits()"),
            joined(&[0, f16::NAN.to_bits()].map(u16::to_le_bytes))
        );
    }

    #[test]
    fn what_is_no_literal_is_an_error() {
        for text in ["", "fn()", "1 << 5", "300u8", "i32::PI", "0xg"] {
            assert!(Array::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_difference_names_its_place_and_both_values() {
        let array = Array::parse("1i16, -2").expect("the text is an array");
        assert_eq!(array.compare(&[1, 0, 0xfe, 0xff]), Ok(()));
        assert_eq!(
            array.compare(&[1, 0, 3, 0]),
            Err("output[1] = 3, expected -2".to_owned())
        );
        let zero = Array::parse("0f32").expect("the text is an array");
        assert_eq!(zero.compare(&(-0.0_f32).to_le_bytes()), Ok(()));
    }
}
