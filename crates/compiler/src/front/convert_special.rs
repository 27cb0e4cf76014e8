//! Conversions that are not between two types of registers: `cvt.pack` (PTX ISA section
//! 9.7.9.22) and those to `.tf32`.

use super::function::{Ins, Lowering};
use crate::ErrorKind;
use crate::ir::{BinaryOp, FloatCompare, FloatType, Op, Rounding, ShiftOp, Type, Value};
use weft_ptx::ast::ScalarType;

type Lowered<T = ()> = Result<T, ErrorKind>;

/// `cvt.pack.sat`: two signed numbers, clamped to a narrow type, below the low bits of a third.
pub(super) fn pack<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    if !ins.modifiers.take("sat") {
        return Err(ins.wrong_modifiers(".sat is missing"));
    }
    let narrow = ins.modifiers.take_map(|word| match word {
        "u16" => Some((false, 16)),
        "s16" => Some((true, 16)),
        "u8" => Some((false, 8)),
        "s8" => Some((true, 8)),
        "u4" => Some((false, 4)),
        "s4" => Some((true, 4)),
        "u2" => Some((false, 2)),
        "s2" => Some((true, 2)),
        _ => None,
    });
    let Some((signed, bits)) = narrow else {
        return Err(ins.unsupported());
    };
    if ins.ty()? != ScalarType::S32 {
        return Err(ins.unsupported());
    }
    let (d, a, b, c) = match ins.ast.operands.as_slice() {
        [d, a, b] if bits == 16 => (d, a, b, None),
        [d, a, b, c] if bits < 16 => (d, a, b, Some(c)),
        _ => return Err(ins.operand_count(if bits == 16 { "3" } else { "4" })),
    };
    if c.is_some() && ins.ty()? != ScalarType::B32 {
        return Err(ins.unsupported());
    }
    let a = f.read(ins, a, ScalarType::S32)?;
    let b = f.read(ins, b, ScalarType::S32)?;
    let high = clamp(f, a, signed, bits);
    let high = f.shift_by(ShiftOp::Left, high, bits);
    let low = clamp(f, b, signed, bits);
    let mut result = f.binary(BinaryOp::Or, high, low);
    if let Some(c) = c {
        let c = f.read(ins, c, ScalarType::B32)?;
        let above = f.shift_by(ShiftOp::Left, c, 2 * bits);
        result = f.binary(BinaryOp::Or, above, result);
    }
    f.write(ins, d, ScalarType::B32, result)
}

/// The clamped number in the low bits, zeros above.
fn clamp(f: &mut Lowering<'_, '_, '_>, value: Value, signed: bool, bits: u32) -> Value {
    let ones = (1 << bits) - 1;
    let largest = if signed { ones >> 1 } else { ones };
    let smallest = if signed { !largest } else { 0 };
    let value = f.binary_with(BinaryOp::MaxSigned, value, smallest);
    let value = f.binary_with(BinaryOp::MinSigned, value, largest);
    f.binary_with(BinaryOp::And, value, ones)
}

/// `cvt.{rna,rn,rz}.tf32.f32`: a single with 10 bits of fraction; the other 13 are zero.
pub(super) fn to_tf32<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    const DROPPED: u32 = 13;
    let nearest_away = ins.modifiers.take("rna");
    let rounding = ins.modifiers.take_rounding();
    ins.modifiers.take("tf32");
    if ins.ty()? != ScalarType::F32 {
        return Err(ins.unsupported());
    }
    let [d, a] = ins.operands()?;
    let a = f.read(ins, a, ScalarType::F32)?;
    // Adding to the bits rounds the magnitude; a carry into the exponent is what is wanted.
    let half = 1 << (DROPPED - 1);
    let rounded = match (nearest_away, rounding) {
        (true, None) => f.binary_with(BinaryOp::Add, a, half),
        (false, Some(Rounding::Nearest)) => {
            let kept = f.shift_by(ShiftOp::RightLogical, a, DROPPED);
            let odd = f.binary_with(BinaryOp::And, kept, 1);
            let sum = f.binary_with(BinaryOp::Add, a, half - 1);
            f.binary(BinaryOp::Add, sum, odd)
        }
        (false, Some(Rounding::Zero)) => a,
        _ => return Err(ins.unsupported()),
    };
    let result = f.binary_with(BinaryOp::And, rounded, !((1 << DROPPED) - 1));
    let compare = Op::CompareFloat(FloatType::F32, FloatCompare::Unordered, a, a);
    let is_nan = f.emit(compare, Type::Pred);
    let nan = f.constant(Type::B32, 0x7fff_ffff);
    let result = f.select(is_nan, nan, result);
    f.write(ins, d, ScalarType::B32, result)
}
