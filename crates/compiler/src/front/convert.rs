//! `cvt`: PTX ISA section 9.7.9.21.

use super::convert_fp8;
use super::convert_special;
use super::function::{Ins, Lowering};
use super::types;
use crate::ErrorKind;
use crate::ir::{
    BinaryOp, FloatBinaryOp, FloatCompare, FloatType, FloatUnaryOp, Op, Rounding, Type, Value,
};
use weft_ptx::ast::ScalarType;

type Lowered<T = ()> = Result<T, ErrorKind>;

/// Takes `.rni`, `.rzi`, `.rmi` or `.rpi`.
fn take_integer_rounding(ins: &mut Ins<'_, '_>) -> Option<Rounding> {
    ins.modifiers.take_map(|word| match word {
        "rni" => Some(Rounding::Nearest),
        "rzi" => Some(Rounding::Zero),
        "rmi" => Some(Rounding::Down),
        "rpi" => Some(Rounding::Up),
        _ => None,
    })
}

/// What the modifiers ask of a conversion.
#[derive(Clone, Copy)]
struct Style {
    to_integer: Option<Rounding>,
    rounding: Option<Rounding>,
    flush: bool,
    saturate: bool,
    relu: bool,
}

/// `cvt`
pub(super) fn cvt<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    if ins.modifiers.take("pack") {
        return convert_special::pack(f, ins);
    }
    let words = &ins.ast.modifiers;
    if words.iter().any(|word| convert_fp8::parse(word).is_some()) {
        return convert_fp8::cvt(f, ins);
    }
    if words.contains(&"tf32") {
        return convert_special::to_tf32(f, ins);
    }
    let style = Style {
        to_integer: take_integer_rounding(ins),
        rounding: ins.modifiers.take_rounding(),
        flush: ins.modifiers.take("ftz"),
        saturate: ins.modifiers.take("sat"),
        relu: ins.modifiers.take("relu"),
    };
    let to = ins.ty()?;
    let from = ins.ty()?;
    if let Some(format) = types::packed_float(to) {
        return to_pair(f, ins, style, to, format, from);
    }
    if style.flush && ![from, to].contains(&ScalarType::F32) {
        return Err(ins.wrong_modifiers(".ftz needs .f32 on one side"));
    }
    let [d, a] = ins.operands()?;
    let value = f.read_wide(ins, a, from)?;
    let result = match (types::float(from), types::float(to)) {
        (Some(from), Some(to)) => float_to_float(f, ins, style, from, to, value)?,
        (Some(format), None) if types::is_integer(to) => {
            let Some(rounding) = style.to_integer else {
                return Err(ins.wrong_modifiers("an integer rounding such as .rzi is missing"));
            };
            if style.relu || style.rounding.is_some() {
                return Err(ins.unsupported());
            }
            let value = low_bits(f, value, types::bits(from));
            let value = f.flush(format, style.flush && format == FloatType::F32, value);
            let ty = types::ir(to).unwrap_or(Type::B64);
            // Out-of-range values are clamped with and without `.sat`.
            let bits = u8::try_from(types::bits(to)).unwrap_or(64);
            let signed = types::is_signed(to);
            let op = Op::FloatToInt {
                from: format,
                signed,
                bits,
                rounding,
                value,
            };
            let result = f.emit(op, ty);
            if format == FloatType::F64 || bits == 64 {
                // Here NaN does not give zero, but the highest bit of the target alone.
                let op = Op::CompareFloat(format, FloatCompare::Unordered, value, value);
                let is_nan = f.emit(op, Type::Pred);
                let highest = f.constant(ty, 1 << (bits - 1));
                f.select(is_nan, highest, result)
            } else {
                result
            }
        }
        (None, Some(format)) if types::is_integer(from) => {
            let Some(rounding) = style.rounding else {
                return Err(ins.wrong_modifiers("a rounding such as .rn is missing"));
            };
            if style.relu || style.to_integer.is_some() {
                return Err(ins.unsupported());
            }
            let bits = types::bits(from);
            let signed = types::is_signed(from);
            let value = if bits == 8 {
                f.emit(
                    Op::Extend {
                        signed,
                        from: 8,
                        to: Type::B16,
                        value,
                    },
                    Type::B16,
                )
            } else {
                low_bits(f, value, bits)
            };
            let op = Op::IntToFloat {
                to: format,
                signed,
                rounding,
                value,
            };
            let result = f.emit(op, format.ty());
            saturated(f, style, format, result)
        }
        (None, None) if types::is_integer(from) && types::is_integer(to) => {
            let plain = style.to_integer.is_none() && style.rounding.is_none();
            if !plain || style.relu || style.flush {
                return Err(ins.wrong_modifiers("integer conversions take .sat only"));
            }
            if style.saturate && always_fits(from, to) {
                return Err(ins.wrong_modifiers(".sat needs values that the target does not hold"));
            }
            int_to_int(f, style.saturate, from, to, value)
        }
        _ => return Err(ins.unsupported()),
    };
    // An 8-bit register holds zero-extended bits; a wider one is extended as the type says.
    let result = if types::bits(to) == 8 {
        f.binary_with(BinaryOp::And, result, 0xff)
    } else {
        result
    };
    f.write_wide(ins, d, to, result)
}

/// The low bits of a register's value as the IR type of that size.
fn low_bits(f: &mut Lowering<'_, '_, '_>, value: Value, bits: u32) -> Value {
    let ty = match bits {
        8 | 16 => Type::B16,
        32 => Type::B32,
        _ => Type::B64,
    };
    if f.ty(value) == ty {
        value
    } else {
        f.emit(Op::Truncate(ty, value), ty)
    }
}

/// Whether the integer type `to` holds every value of `from`.
fn always_fits(from: ScalarType, to: ScalarType) -> bool {
    let (from_bits, to_bits) = (types::bits(from), types::bits(to));
    match (types::is_signed(from), types::is_signed(to)) {
        (true, true) | (false, false) => to_bits >= from_bits,
        (false, true) => to_bits > from_bits,
        (true, false) => false,
    }
}

fn int_to_int(
    f: &mut Lowering<'_, '_, '_>,
    saturate: bool,
    from: ScalarType,
    to: ScalarType,
    value: Value,
) -> Value {
    let (from_bits, to_bits) = (types::bits(from), types::bits(to));
    let (from_signed, to_signed) = (types::is_signed(from), types::is_signed(to));
    let target = types::ir(to).unwrap_or(Type::B64);
    if !saturate {
        return if to_bits <= from_bits {
            low_bits(f, value, to_bits)
        } else {
            f.resize(value, from_bits, from_signed, target)
        };
    }
    let mut value = f.resize(value, from_bits, from_signed, Type::B64);
    let largest = u64::MAX >> (64 - to_bits + u32::from(to_signed));
    if from_signed {
        let smallest = if to_signed { !largest } else { 0 };
        value = f.binary_with(BinaryOp::MaxSigned, value, smallest);
        // A maximum of 2^64 - 1 is no bound for a signed number, and it is not negative here.
        if to_signed || to_bits < 64 {
            value = f.binary_with(BinaryOp::MinSigned, value, largest);
        }
    } else {
        value = f.binary_with(BinaryOp::MinUnsigned, value, largest);
    }
    f.resize(value, to_bits.max(16), false, target)
}

fn saturated(f: &mut Lowering<'_, '_, '_>, style: Style, format: FloatType, value: Value) -> Value {
    if style.saturate {
        f.float_unary(FloatUnaryOp::Saturate, format, value)
    } else {
        value
    }
}

fn float_to_float(
    f: &mut Lowering<'_, '_, '_>,
    ins: &Ins<'_, '_>,
    style: Style,
    from: FloatType,
    to: FloatType,
    value: Value,
) -> Lowered<Value> {
    let value = low_bits(f, value, from.ty().bits());
    // Devices convert subnormal numbers to halves as they are, which `.rm` and `.rp` show.
    let flush = style.flush && from == FloatType::F32 && to != FloatType::F16;
    let value = f.flush(from, flush, value);
    let mut result = value;
    if from == to {
        if let Some(rounding) = style.to_integer {
            let op = Op::FloatUnary(FloatUnaryOp::RoundToIntegral, to, rounding, value);
            result = f.emit(op, to.ty());
        }
    } else {
        if style.to_integer.is_some() {
            return Err(ins.wrong_modifiers("integer rounding needs equal types"));
        }
        let exact = matches!(
            (from, to),
            (
                FloatType::F16 | FloatType::Bf16,
                FloatType::F32 | FloatType::F64
            ) | (FloatType::F32, FloatType::F64)
        );
        let rounding = match style.rounding {
            Some(rounding) => rounding,
            None if exact => Rounding::Nearest,
            None => return Err(ins.wrong_modifiers("a rounding such as .rn is missing")),
        };
        result = f.emit(
            Op::FloatToFloat {
                from,
                to,
                rounding,
                value,
            },
            to.ty(),
        );
    }
    result = f.flush(to, style.flush && to == FloatType::F32, result);
    let result = saturated(f, style, to, result);
    Ok(relu(f, style, to, result))
}

fn relu(f: &mut Lowering<'_, '_, '_>, style: Style, format: FloatType, value: Value) -> Value {
    if !style.relu {
        return value;
    }
    let zero = f.constant(format.ty(), 0);
    f.float_binary(
        FloatBinaryOp::MaxNan,
        format,
        Rounding::Nearest,
        value,
        zero,
    )
}

/// `cvt.rn.f16x2.f32 d, a, b`: `a` to the high half, `b` to the low half.
fn to_pair<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    style: Style,
    to: ScalarType,
    format: FloatType,
    from: ScalarType,
) -> Lowered {
    if from != ScalarType::F32 || style.saturate {
        return Err(ins.unsupported());
    }
    let [d, high, low] = ins.operands()?;
    let high = f.read(ins, high, from)?;
    let low = f.read(ins, low, from)?;
    let high = float_to_float(f, ins, style, FloatType::F32, format, high)?;
    let low = float_to_float(f, ins, style, FloatType::F32, format, low)?;
    let result = f.pack(low, high);
    f.write(ins, d, to, result)
}
