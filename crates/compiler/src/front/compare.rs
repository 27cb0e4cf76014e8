//! Comparison and selection: PTX ISA sections 9.7.6 and 9.7.7.

use super::function::{Ins, Lowering};
use super::types;
use crate::ErrorKind;
use crate::ir::{BinaryOp, FloatCompare, FloatType, IntCompare, Op, Type, UnaryOp, Value};
use weft_ptx::ast::{Operand, ScalarType};

type Lowered<T = ()> = Result<T, ErrorKind>;

/// A comparison before its type is known.
#[derive(Clone, Copy)]
struct Comparison {
    /// For floats.
    float: Option<FloatCompare>,
    /// For signed integers.
    signed: Option<IntCompare>,
    /// For unsigned integers and bits.
    unsigned: Option<IntCompare>,
}

fn parse_comparison(word: &str) -> Option<Comparison> {
    use FloatCompare as F;
    use IntCompare as I;
    let both = |float, signed, unsigned| Comparison {
        float: Some(float),
        signed: Some(signed),
        unsigned: Some(unsigned),
    };
    let unsigned = |op| Comparison {
        float: None,
        signed: None,
        unsigned: Some(op),
    };
    let float = |op| Comparison {
        float: Some(op),
        signed: None,
        unsigned: None,
    };
    Some(match word {
        "eq" => both(F::Equal, I::Equal, I::Equal),
        "ne" => both(F::NotEqual, I::NotEqual, I::NotEqual),
        "lt" => both(F::Less, I::LessSigned, I::LessUnsigned),
        "le" => both(F::LessEqual, I::LessEqualSigned, I::LessEqualUnsigned),
        "gt" => both(F::Greater, I::GreaterSigned, I::GreaterUnsigned),
        "ge" => both(
            F::GreaterEqual,
            I::GreaterEqualSigned,
            I::GreaterEqualUnsigned,
        ),
        "lo" => unsigned(I::LessUnsigned),
        "ls" => unsigned(I::LessEqualUnsigned),
        "hi" => unsigned(I::GreaterUnsigned),
        "hs" => unsigned(I::GreaterEqualUnsigned),
        "equ" => float(F::EqualOrNan),
        "neu" => float(F::NotEqualOrNan),
        "ltu" => float(F::LessOrNan),
        "leu" => float(F::LessEqualOrNan),
        "gtu" => float(F::GreaterOrNan),
        "geu" => float(F::GreaterEqualOrNan),
        "num" => float(F::Ordered),
        "nan" => float(F::Unordered),
        _ => return None,
    })
}

/// A comparison of signed integers.
pub(super) fn parse_signed(word: &str) -> Option<IntCompare> {
    parse_comparison(word)?.signed
}

/// Emits a comparison of two values of a scalar type.
fn compare(
    f: &mut Lowering<'_, '_, '_>,
    ins: &Ins<'_, '_>,
    comparison: Comparison,
    ty: ScalarType,
    flush: bool,
    a: Value,
    b: Value,
) -> Lowered<Value> {
    if let Some(format) = types::float(ty) {
        let Some(op) = comparison.float else {
            return Err(ins.wrong_modifiers("the comparison is not for floats"));
        };
        return Ok(compare_float(f, format, op, flush, a, b));
    }
    if types::bits(ty) < 16 {
        return Err(ins.unsupported());
    }
    let op = if types::is_signed(ty) {
        comparison.signed
    } else {
        comparison.unsigned
    };
    let untyped = matches!(ty, ScalarType::B16 | ScalarType::B32 | ScalarType::B64);
    match op {
        Some(op) if !untyped || matches!(op, IntCompare::Equal | IntCompare::NotEqual) => {
            Ok(f.compare(op, a, b))
        }
        _ => Err(ins.wrong_modifiers("the comparison is not for this type")),
    }
}

fn compare_float(
    f: &mut Lowering<'_, '_, '_>,
    format: FloatType,
    op: FloatCompare,
    flush: bool,
    a: Value,
    b: Value,
) -> Value {
    let a = f.flush(format, flush, a);
    let b = f.flush(format, flush, b);
    f.emit(Op::CompareFloat(format, op, a, b), Type::Pred)
}

/// The second half of `setp.op.bool` and `set.op.bool`: combining with a predicate.
fn take_combination(ins: &mut Ins<'_, '_>) -> Option<BinaryOp> {
    ins.modifiers.take_map(|word| match word {
        "and" => Some(BinaryOp::And),
        "or" => Some(BinaryOp::Or),
        "xor" => Some(BinaryOp::Xor),
        _ => None,
    })
}

/// `setp`
pub(super) fn setp<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let Some(comparison) = ins.modifiers.take_map(parse_comparison) else {
        return Err(ins.wrong_modifiers("a comparison is missing"));
    };
    let combination = take_combination(ins);
    let flush = ins.modifiers.take("ftz");
    let ty = ins.ty()?;
    let (d, a, b, other) = match (ins.ast.operands.as_slice(), combination) {
        ([d, a, b], None) => (d, a, b, None),
        ([d, a, b, c], Some(op)) => (d, a, b, Some((op, c))),
        (_, None) => return Err(ins.operand_count("3")),
        (_, Some(_)) => return Err(ins.operand_count("4")),
    };
    let (first, second) = match d {
        Operand::Pair(first, second) => (&**first, Some(&**second)),
        _ => (d, None),
    };
    let other = match other {
        Some((op, c)) => Some((op, f.read(ins, c, ScalarType::Pred)?)),
        None => None,
    };
    let combine = |f: &mut Lowering<'_, 't, 'a>, value: Value| match other {
        Some((op, c)) => f.binary(op, value, c),
        None => value,
    };
    if let Some(format) = types::packed_float(ty) {
        // One predicate for each element of the pair.
        let Some(op) = comparison.float else {
            return Err(ins.wrong_modifiers("the comparison is not for floats"));
        };
        let a = f.read(ins, a, ty)?;
        let b = f.read(ins, b, ty)?;
        let ((a_low, a_high), (b_low, b_high)) = (f.halves(a), f.halves(b));
        let low = compare_float(f, format, op, flush, a_low, b_low);
        let high = compare_float(f, format, op, flush, a_high, b_high);
        let (low, high) = (combine(f, low), combine(f, high));
        let Some(second) = second else {
            return Err(ins.wrong_operand(d, "two predicates p|q"));
        };
        f.write(ins, first, ScalarType::Pred, low)?;
        return f.write(ins, second, ScalarType::Pred, high);
    }
    let a = f.read(ins, a, ty)?;
    let b = f.read(ins, b, ty)?;
    let result = compare(f, ins, comparison, ty, flush, a, b)?;
    let p = combine(f, result);
    let q = match second {
        Some(_) => {
            let inverse = f.unary(UnaryOp::Not, result);
            Some(combine(f, inverse))
        }
        None => None,
    };
    f.write(ins, first, ScalarType::Pred, p)?;
    match (second, q) {
        (Some(second), Some(q)) => f.write(ins, second, ScalarType::Pred, q),
        _ => Ok(()),
    }
}

/// `set`: all ones (or 1.0) where true, zero where false.
pub(super) fn set<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let Some(comparison) = ins.modifiers.take_map(parse_comparison) else {
        return Err(ins.wrong_modifiers("a comparison is missing"));
    };
    let combination = take_combination(ins);
    let flush = ins.modifiers.take("ftz");
    let to = ins.ty()?;
    let ty = ins.ty()?;
    let (d, a, b, other) = match (ins.ast.operands.as_slice(), combination) {
        ([d, a, b], None) => (d, a, b, None),
        ([d, a, b, c], Some(op)) => (d, a, b, Some((op, c))),
        (_, None) => return Err(ins.operand_count("3")),
        (_, Some(_)) => return Err(ins.operand_count("4")),
    };
    let other = match other {
        Some((op, c)) => Some((op, f.read(ins, c, ScalarType::Pred)?)),
        None => None,
    };
    let a_value = f.read(ins, a, ty)?;
    let b_value = f.read(ins, b, ty)?;
    if let (Some(format), Some(op)) = (types::packed_float(ty), comparison.float) {
        // Pairs: each half is 1.0 (f16x2, bf16x2) or all ones (u16x2 is written as .u32).
        let ((a_low, a_high), (b_low, b_high)) = (f.halves(a_value), f.halves(b_value));
        let mut half = |a, b| {
            let mut p = compare_float(f, format, op, flush, a, b);
            if let Some((op, c)) = other {
                p = f.binary(op, p, c);
            }
            let one = match types::packed_float(to) {
                Some(format) => one_bits(format),
                None => 0xffff,
            };
            let (one, zero) = (f.constant(Type::B16, one), f.constant(Type::B16, 0));
            f.select(p, one, zero)
        };
        let (low, high) = (half(a_low, b_low), half(a_high, b_high));
        let result = f.pack(low, high);
        return f.write(ins, d, to, result);
    }
    let mut p = compare(f, ins, comparison, ty, flush, a_value, b_value)?;
    if let Some((op, c)) = other {
        p = f.binary(op, p, c);
    }
    let bits = match types::float(to) {
        Some(format) => one_bits(format),
        None if types::is_integer(to) && types::bits(to) >= 16 => u64::MAX,
        None => return Err(ins.unsupported()),
    };
    let Some(ty) = types::ir(to) else {
        return Err(ins.unsupported());
    };
    let (one, zero) = (f.constant(ty, bits), f.constant(ty, 0));
    let result = f.select(p, one, zero);
    f.write(ins, d, to, result)
}

/// Bits of 1.0.
pub(super) const fn one_bits(format: FloatType) -> u64 {
    match format {
        FloatType::F16 => 0x3c00,
        FloatType::Bf16 => 0x3f80,
        FloatType::F32 => 0x3f80_0000,
        FloatType::F64 => 0x3ff0_0000_0000_0000,
    }
}

/// `selp`
pub(super) fn selp<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let ty = ins.ty()?;
    if types::bits(ty) < 16 {
        return Err(ins.unsupported());
    }
    let [d, a, b, c] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    let b = f.read(ins, b, ty)?;
    let c = f.read(ins, c, ScalarType::Pred)?;
    let result = f.select(c, a, b);
    f.write(ins, d, ty, result)
}

/// `slct`: `a` if `c` is at least zero, else `b`.
pub(super) fn slct<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let flush = ins.modifiers.take("ftz");
    let ty = ins.ty()?;
    let condition = ins.ty()?;
    let [d, a, b, c] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    let b = f.read(ins, b, ty)?;
    let c = f.read(ins, c, condition)?;
    let p = match condition {
        ScalarType::S32 => f.compare_with(IntCompare::GreaterEqualSigned, c, 0),
        ScalarType::F32 => {
            // -0.0 counts as at least zero, NaN does not.
            let zero = f.constant(Type::B32, 0);
            compare_float(
                f,
                FloatType::F32,
                FloatCompare::GreaterEqual,
                flush,
                c,
                zero,
            )
        }
        _ => return Err(ins.unsupported()),
    };
    let result = f.select(p, a, b);
    f.write(ins, d, ty, result)
}
