//! Conversions to and from pairs of 8-bit floats, `.e4m3x2` and `.e5m2x2`: PTX ISA section
//! 9.7.9.21.

use super::function::{Ins, Lowering};
use crate::ErrorKind;
use crate::ir::{
    BinaryOp, FloatBinaryOp, FloatCompare, FloatType, FloatUnaryOp, IntCompare, Op, Rounding,
    ShiftOp, Type, Value,
};
use weft_ptx::ast::ScalarType;

type Lowered<T = ()> = Result<T, ErrorKind>;

/// An 8-bit format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// 4 bits of exponent, 3 of fraction, no infinity.
    E4m3,
    /// 5 bits of exponent, 2 of fraction.
    E5m2,
}

/// The 8-bit format that the word names.
pub(super) fn parse(word: &str) -> Option<Format> {
    match word {
        "e4m3x2" => Some(Format::E4m3),
        "e5m2x2" => Some(Format::E5m2),
        _ => None,
    }
}

/// `cvt.rn.satfinite{.relu}.f8x2.f32 d, a, b`, `cvt.rn.satfinite{.relu}.f8x2.f16x2 d, a` and `cvt.rn{.relu}.f16x2.f8x2 d, a`
pub(super) fn cvt<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    if ins.modifiers.take_rounding() != Some(Rounding::Nearest) {
        return Err(ins.wrong_modifiers(".rn is missing"));
    }
    let relu = ins.modifiers.take("relu");
    let saturate = ins.modifiers.take("satfinite");
    let Some(format) = ins.modifiers.take_map(parse) else {
        return Err(ins.unsupported());
    };
    match (ins.ty()?, saturate) {
        (ScalarType::F32, true) => {
            let [d, a, b] = ins.operands()?;
            let a = f.read(ins, a, ScalarType::F32)?;
            let b = f.read(ins, b, ScalarType::F32)?;
            let (high, low) = (narrow(f, format, relu, a), narrow(f, format, relu, b));
            let high = f.shift_by(ShiftOp::Left, high, 8);
            let both = f.binary(BinaryOp::Or, high, low);
            let result = f.emit(Op::Truncate(Type::B16, both), Type::B16);
            f.write(ins, d, ScalarType::B16, result)
        }
        // Every half is a single too, so that there is one rounding.
        (ScalarType::F16x2, true) => {
            let [d, a] = ins.operands()?;
            let a = f.read(ins, a, ScalarType::B32)?;
            let (low, high) = f.halves(a);
            let [low, high] = [low, high].map(|half| {
                let single = f.emit(
                    Op::FloatToFloat {
                        from: FloatType::F16,
                        to: FloatType::F32,
                        rounding: Rounding::Nearest,
                        value: half,
                    },
                    Type::B32,
                );
                narrow(f, format, relu, single)
            });
            let high = f.shift_by(ShiftOp::Left, high, 8);
            let both = f.binary(BinaryOp::Or, high, low);
            let result = f.emit(Op::Truncate(Type::B16, both), Type::B16);
            f.write(ins, d, ScalarType::B16, result)
        }
        (ScalarType::F16x2, false) => {
            let [d, a] = ins.operands()?;
            let a = f.read(ins, a, ScalarType::B16)?;
            let low = widen(f, format, relu, a);
            let high = f.shift_by(ShiftOp::RightLogical, a, 8);
            let high = widen(f, format, relu, high);
            let result = f.pack(low, high);
            f.write(ins, d, ScalarType::B32, result)
        }
        _ => Err(ins.unsupported()),
    }
}

/// The low byte of a B16 value as a half, which can hold it exactly.
fn widen(f: &mut Lowering<'_, '_, '_>, format: Format, relu: bool, value: Value) -> Value {
    let mut result = match format {
        // The upper byte of a half.
        Format::E5m2 => f.shift_by(ShiftOp::Left, value, 8),
        Format::E4m3 => {
            let magnitude = f.binary_with(BinaryOp::And, value, 0x7f);
            let is_nan = f.compare_with(IntCompare::Equal, magnitude, 0x7f);
            // Read as a half, the bits mean 2^-8 of the number.
            let scaled = f.shift_by(ShiftOp::Left, magnitude, 7);
            let factor = f.constant(Type::B16, 0x5c00);
            let (mul, half) = (FloatBinaryOp::Mul, FloatType::F16);
            let number = f.float_binary(mul, half, Rounding::Nearest, scaled, factor);
            let nan = f.constant(Type::B16, 0x7fff);
            let number = f.select(is_nan, nan, number);
            let sign = f.binary_with(BinaryOp::And, value, 0x80);
            let sign = f.shift_by(ShiftOp::Left, sign, 8);
            f.binary(BinaryOp::Or, number, sign)
        }
    };
    if relu {
        let zero = f.constant(Type::B16, 0);
        let (max, half) = (FloatBinaryOp::MaxNan, FloatType::F16);
        result = f.float_binary(max, half, Rounding::Nearest, result, zero);
    }
    result
}

/// A single rounded to 8 bits, in the low bits of a B32 value. Numbers out of range become the
/// largest finite ones, and NaN the positive NaN.
fn narrow(f: &mut Lowering<'_, '_, '_>, format: Format, relu: bool, value: Value) -> Value {
    let single = FloatType::F32;
    // Bits of the fraction that go; the difference of the exponents' biases, in place; the
    // smallest normal number; the number whose last place is the smallest subnormal one; the
    // largest finite result.
    let (dropped, rebias, normal, anchor, largest) = match format {
        Format::E4m3 => (20, 120 << 3, 0x3c80_0000, 0x4680_0000, 0x7e),
        Format::E5m2 => (21, 112 << 2, 0x3880_0000, 0x4300_0000, 0x7b),
    };
    let magnitude = f.float_unary(FloatUnaryOp::Abs, single, value);
    let kept = f.shift_by(ShiftOp::RightLogical, magnitude, dropped);
    let odd = f.binary_with(BinaryOp::And, kept, 1);
    let sum = f.binary_with(BinaryOp::Add, magnitude, (1 << (dropped - 1)) - 1);
    let sum = f.binary(BinaryOp::Add, sum, odd);
    let rounded = f.shift_by(ShiftOp::RightLogical, sum, dropped);
    let rounded = f.binary_with(BinaryOp::Sub, rounded, rebias);
    let rounded = f.binary_with(BinaryOp::MinUnsigned, rounded, largest);
    // Adding the anchor lets the sum's rounding be the one wanted.
    let anchor_value = f.constant(Type::B32, anchor);
    let add = FloatBinaryOp::Add;
    let anchored = f.float_binary(add, single, Rounding::Nearest, magnitude, anchor_value);
    let subnormal = f.binary_with(BinaryOp::Sub, anchored, anchor);
    let is_subnormal = f.compare_with(IntCompare::LessUnsigned, magnitude, normal);
    let result = f.select(is_subnormal, subnormal, rounded);
    let sign = f.shift_by(ShiftOp::RightLogical, value, 31);
    let result = if relu {
        let negative = f.compare_with(IntCompare::NotEqual, sign, 0);
        let zero = f.constant(Type::B32, 0);
        f.select(negative, zero, result)
    } else {
        let sign = f.shift_by(ShiftOp::Left, sign, 7);
        f.binary(BinaryOp::Or, result, sign)
    };
    let compare = Op::CompareFloat(single, FloatCompare::Unordered, value, value);
    let is_nan = f.emit(compare, Type::Pred);
    let nan = f.constant(Type::B32, 0x7f);
    f.select(is_nan, nan, result)
}
