//! Scalar video instructions: PTX ISA section 9.7.19.
//!
//! Operands are bytes, halves or whole registers, extended to 33 bits with a sign; an
//! intermediate result of 34 bits is clamped if asked for, combined with a third operand, or
//! merged into it. Here the intermediate results are held in 64 bits.

use super::compare;
use super::function::{Ins, Lowering};
use crate::ErrorKind;
use crate::ir::{BinaryOp, Op, ShiftOp, Type, UnaryOp, Value};
use weft_ptx::ast::{Operand, ScalarType};

type Lowered<T = ()> = Result<T, ErrorKind>;

/// A part of a register: the first bit and the number of bits.
#[derive(Clone, Copy, Debug)]
struct Part {
    at: u32,
    bits: u32,
}

const WHOLE: Part = Part { at: 0, bits: 32 };

/// `.b0` to `.b3`, `.h0`, `.h1`
fn parse_part(selector: &str) -> Option<Part> {
    let (bits, number) = match selector.split_at_checked(1)? {
        ("b", number) => (8, number),
        ("h", number) => (16, number),
        _ => return None,
    };
    let index: u32 = number.parse().ok()?;
    (index < 32 / bits).then_some(Part {
        at: index * bits,
        bits,
    })
}

/// The register or constant of an operand and the part of it that is meant.
fn take_apart<'a>(ins: &Ins<'_, 'a>, operand: &Operand<'a>) -> Lowered<(Operand<'a>, Part)> {
    match operand {
        Operand::Selector(name, selector) => match parse_part(selector) {
            Some(part) => Ok((Operand::Name(name), part)),
            None => Err(ins.wrong_operand(operand, "one of .b0 to .b3, .h0, .h1")),
        },
        _ => Ok((operand.clone(), WHOLE)),
    }
}

/// Takes one of `.u32` and `.s32`; true for signed.
pub(super) fn take_sign(ins: &mut Ins<'_, '_>) -> Lowered<bool> {
    match ins.ty()? {
        ScalarType::U32 => Ok(false),
        ScalarType::S32 => Ok(true),
        _ => Err(ins.unsupported()),
    }
}

/// Value of a source operand, extended to 64 bits.
fn source<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    operand: &Operand<'a>,
    signed: bool,
) -> Lowered<Value> {
    let (register, part) = take_apart(ins, operand)?;
    let value = f.read_plain(ins, &register)?;
    let value = f.shift_by(ShiftOp::RightLogical, value, part.at);
    Ok(f.resize(value, part.bits, signed, Type::B64))
}

/// Takes the secondary operation.
fn take_secondary(ins: &mut Ins<'_, '_>) -> Option<BinaryOp> {
    ins.modifiers.take_map(|word| match word {
        "add" => Some(BinaryOp::Add),
        "min" => Some(BinaryOp::MinSigned),
        "max" => Some(BinaryOp::MaxSigned),
        _ => None,
    })
}

/// An intermediate result and what is to become of it.
#[derive(Clone, Copy, Debug)]
struct Intermediate {
    /// B64.
    value: Value,
    /// The value is a signed number, otherwise an unsigned one.
    value_signed: bool,
    /// The destination, and the third operand, are signed.
    signed: bool,
    saturate: bool,
    secondary: Option<BinaryOp>,
}

/// Clamps, combines or merges an intermediate result, and writes it.
fn finish<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    result: Intermediate,
    d: &Operand<'a>,
    c: Option<&Operand<'a>>,
) -> Lowered {
    let (register, part) = take_apart(ins, d)?;
    let merges = part.bits < 32;
    if merges && result.secondary.is_some() {
        return Err(ins.wrong_operand(d, "a whole register with a secondary operation"));
    }
    let mut value = result.value;
    if result.saturate {
        value = clamp(f, value, result.value_signed, result.signed, part.bits);
    }
    if let Some(op) = result.secondary {
        let Some(c) = c else {
            return Err(ins.operand_count("4"));
        };
        let c = source(f, ins, c, result.signed)?;
        // The intermediate result has 33 bits here.
        let high = f.shift_by(ShiftOp::Left, value, 31);
        value = f.shift_by(ShiftOp::RightArithmetic, high, 31);
        value = f.binary(op, value, c);
    }
    let mut low = f.emit(Op::Truncate(Type::B32, value), Type::B32);
    if merges {
        let Some(c) = c else {
            return Err(ins.operand_count("4"));
        };
        let c = f.read_plain(ins, c)?;
        let mask = ((1 << part.bits) - 1) << part.at;
        let placed = f.shift_by(ShiftOp::Left, low, part.at);
        let placed = f.binary_with(BinaryOp::And, placed, mask);
        let rest = f.binary_with(BinaryOp::And, c, !mask);
        low = f.binary(BinaryOp::Or, placed, rest);
    } else if result.secondary.is_none() && c.is_some() {
        return Err(ins.operand_count("3"));
    }
    f.write(ins, &register, ScalarType::B32, low)
}

/// Clamps a number of 64 bits to the range of a narrower type.
pub(super) fn clamp(
    f: &mut Lowering<'_, '_, '_>,
    value: Value,
    value_signed: bool,
    signed: bool,
    bits: u32,
) -> Value {
    let largest = u64::MAX >> (64 - bits + u32::from(signed));
    if !value_signed {
        return f.binary_with(BinaryOp::MinUnsigned, value, largest);
    }
    let smallest = if signed { !largest } else { 0 };
    let value = f.binary_with(BinaryOp::MaxSigned, value, smallest);
    f.binary_with(BinaryOp::MinSigned, value, largest)
}

/// `d, a, b` with an optional `c`.
type Operands<'t, 'a> = (
    &'t Operand<'a>,
    &'t Operand<'a>,
    &'t Operand<'a>,
    Option<&'t Operand<'a>>,
);

fn operands<'t, 'a>(ins: &Ins<'t, 'a>) -> Lowered<Operands<'t, 'a>> {
    match ins.ast.operands.as_slice() {
        [d, a, b] => Ok((d, a, b, None)),
        [d, a, b, c] => Ok((d, a, b, Some(c))),
        _ => Err(ins.operand_count("3 or 4")),
    }
}

/// `vadd`, `vsub`, `vabsdiff`, `vmin`, `vmax`
pub(super) fn arithmetic<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let saturate = ins.modifiers.take("sat");
    let secondary = take_secondary(ins);
    let signed = take_sign(ins)?;
    let (a_signed, b_signed) = (take_sign(ins)?, take_sign(ins)?);
    let (d, a, b, c) = operands(ins)?;
    let a = source(f, ins, a, a_signed)?;
    let b = source(f, ins, b, b_signed)?;
    let value = match ins.ast.opcode {
        "vadd" => f.binary(BinaryOp::Add, a, b),
        "vsub" => f.binary(BinaryOp::Sub, a, b),
        "vmin" => f.binary(BinaryOp::MinSigned, a, b),
        "vmax" => f.binary(BinaryOp::MaxSigned, a, b),
        _ => {
            let difference = f.binary(BinaryOp::Sub, a, b);
            f.unary(UnaryOp::Abs, difference)
        }
    };
    let result = Intermediate {
        value,
        value_signed: true,
        signed,
        saturate,
        secondary,
    };
    finish(f, ins, result, d, c)
}

/// `vshl`, `vshr`
pub(super) fn shift<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let saturate = ins.modifiers.take("sat");
    let clamps = ins.modifiers.take("clamp");
    if !clamps && !ins.modifiers.take("wrap") {
        return Err(ins.wrong_modifiers("one of .clamp, .wrap is missing"));
    }
    let secondary = take_secondary(ins);
    let signed = take_sign(ins)?;
    let a_signed = take_sign(ins)?;
    if take_sign(ins)? {
        return Err(ins.wrong_modifiers("the amount is .u32"));
    }
    let (d, a, b, c) = operands(ins)?;
    let a = source(f, ins, a, a_signed)?;
    let amount = source(f, ins, b, false)?;
    let amount = f.emit(Op::Truncate(Type::B32, amount), Type::B32);
    let amount = if clamps {
        f.binary_with(BinaryOp::MinUnsigned, amount, 32)
    } else {
        f.binary_with(BinaryOp::And, amount, 31)
    };
    // 32 bits shifted by 32 at most: no bit is lost to the left.
    let op = if ins.ast.opcode == "vshl" {
        ShiftOp::Left
    } else {
        ShiftOp::RightArithmetic
    };
    let value = f.shift(op, a, amount);
    let result = Intermediate {
        value,
        value_signed: a_signed,
        signed,
        saturate,
        secondary,
    };
    finish(f, ins, result, d, c)
}

/// `vset`
pub(super) fn set<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let Some(comparison) = ins.modifiers.take_map(compare::parse_signed) else {
        return Err(ins.wrong_modifiers("a comparison is missing"));
    };
    let secondary = take_secondary(ins);
    let (a_signed, b_signed) = (take_sign(ins)?, take_sign(ins)?);
    let (d, a, b, c) = operands(ins)?;
    let a = source(f, ins, a, a_signed)?;
    let b = source(f, ins, b, b_signed)?;
    let holds = f.compare(comparison, a, b);
    let (one, zero) = (f.constant(Type::B64, 1), f.constant(Type::B64, 0));
    let result = Intermediate {
        value: f.select(holds, one, zero),
        value_signed: true,
        signed: false,
        saturate: false,
        secondary,
    };
    finish(f, ins, result, d, c)
}

/// A factor or summand of `vmad` without its minus sign, and whether it had one.
fn without_sign<'b, 'a>(operand: &'b Operand<'a>) -> (&'b Operand<'a>, bool) {
    match operand {
        Operand::Negated(inner) => (inner, true),
        _ => (operand, false),
    }
}

/// `vmad`: `(a * b + c) >> scale` with 128 bits between.
pub(super) fn mad<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let saturate = ins.modifiers.take("sat");
    let plus_one = ins.modifiers.take("po");
    let scale = ins.modifiers.take_map(|word| match word {
        "shr7" => Some(7),
        "shr15" => Some(15),
        _ => None,
    });
    take_sign(ins)?;
    let (a_signed, b_signed) = (take_sign(ins)?, take_sign(ins)?);
    let [d, a, b, c] = ins.operands()?;
    let ((a, a_minus), (b, b_minus), (c, c_minus)) =
        (without_sign(a), without_sign(b), without_sign(c));
    let negate_product = a_minus != b_minus;
    if plus_one && (a_minus || b_minus || c_minus) || negate_product && c_minus {
        return Err(ins.wrong_modifiers("one of the product, the summand and .po at most"));
    }
    let signed = a_signed || b_signed || negate_product || c_minus;
    let a = source(f, ins, a, a_signed)?;
    let b = source(f, ins, b, b_signed)?;
    let mut low = f.binary(BinaryOp::Mul, a, b);
    let mut high = if a_signed || b_signed {
        f.shift_by(ShiftOp::RightArithmetic, low, 63)
    } else {
        f.constant(Type::B64, 0)
    };
    let mut c = f.read_plain(ins, c)?;
    if negate_product {
        low = f.unary(UnaryOp::Not, low);
        high = f.unary(UnaryOp::Not, high);
    } else if c_minus {
        c = f.unary(UnaryOp::Not, c);
    }
    let c = f.resize(c, 32, signed, Type::B64);
    let c_high = if signed {
        f.shift_by(ShiftOp::RightArithmetic, c, 63)
    } else {
        f.constant(Type::B64, 0)
    };
    let one = f.constant(Type::Pred, u64::from(plus_one || negate_product || c_minus));
    let types = [Type::B64, Type::Pred];
    let (low, carry) = f.emit_pair(Op::AddCarry(low, c, one), types);
    let (high, _) = f.emit_pair(Op::AddCarry(high, c_high, carry), types);
    let mut value = low;
    if let Some(amount) = scale {
        // The sum has 66 bits at most, so that nothing is left above the 64 taken here.
        let below = f.shift_by(ShiftOp::RightLogical, low, amount);
        let above = f.shift_by(ShiftOp::Left, high, 64 - amount);
        value = f.binary(BinaryOp::Or, below, above);
    }
    if saturate {
        value = clamp(f, value, signed, signed, 32);
        if signed && scale.is_none() {
            value = clamp_beyond(f, value, low, high);
        }
    }
    let result = f.emit(Op::Truncate(Type::B32, value), Type::B32);
    f.write(ins, d, ScalarType::B32, result)
}

/// The clamped number, or a bound of `.s32` where the number needs more than 64 bits.
fn clamp_beyond(f: &mut Lowering<'_, '_, '_>, clamped: Value, low: Value, high: Value) -> Value {
    let sign = f.shift_by(ShiftOp::RightArithmetic, low, 63);
    let fits = f.compare(crate::ir::IntCompare::Equal, sign, high);
    let negative = f.compare_with(crate::ir::IntCompare::LessSigned, high, 0);
    let (smallest, largest) = (
        f.constant(Type::B64, 0x8000_0000),
        f.constant(Type::B64, 0x7fff_ffff),
    );
    let bound = f.select(negative, smallest, largest);
    f.select(fits, clamped, bound)
}

impl<'t, 'a> Lowering<'_, 't, 'a> {
    /// Bits of a source operand of 32 bits.
    pub(super) fn read_plain(
        &mut self,
        ins: &Ins<'t, 'a>,
        operand: &Operand<'a>,
    ) -> Lowered<Value> {
        self.read(ins, operand, ScalarType::B32)
    }
}
