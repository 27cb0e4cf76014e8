//! Logic, shifts and bit fields: PTX ISA section 9.7.8 and the bit-field instructions of 9.7.1.

use super::function::{Ins, Lowering};
use super::types;
use crate::ErrorKind;
use crate::ir::{BinaryOp, IntCompare, Op, ShiftOp, Type, UnaryOp, Value};
use weft_ptx::ast::{Operand, ScalarType};

type Lowered<T = ()> = Result<T, ErrorKind>;

/// Takes a type of untyped bits (or another of the same size) that a logic operation takes.
fn bits_type(ins: &mut Ins<'_, '_>) -> Lowered<ScalarType> {
    let ty = ins.ty()?;
    match ty {
        ScalarType::Pred | ScalarType::B16 | ScalarType::B32 | ScalarType::B64 => Ok(ty),
        _ => Err(ins.unsupported()),
    }
}

fn two_operands<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
    op: BinaryOp,
) -> Lowered {
    let ty = bits_type(ins)?;
    let [d, a, b] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    let b = f.read(ins, b, ty)?;
    let result = f.binary(op, a, b);
    f.write(ins, d, ty, result)
}

/// `and`
pub(super) fn and<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    two_operands(f, ins, BinaryOp::And)
}

/// `or`
pub(super) fn or<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    two_operands(f, ins, BinaryOp::Or)
}

/// `xor`
pub(super) fn xor<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    two_operands(f, ins, BinaryOp::Xor)
}

/// `not`
pub(super) fn not<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let ty = bits_type(ins)?;
    let [d, a] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    let result = f.unary(UnaryOp::Not, a);
    f.write(ins, d, ty, result)
}

/// `cnot`: 1 if the operand is 0, else 0.
pub(super) fn cnot<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let ty = bits_type(ins)?;
    if ty == ScalarType::Pred {
        return Err(ins.unsupported());
    }
    let [d, a] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    let zero = f.compare_with(IntCompare::Equal, a, 0);
    let (one, none) = (f.constant(f.ty(a), 1), f.constant(f.ty(a), 0));
    let result = f.select(zero, one, none);
    f.write(ins, d, ty, result)
}

/// `lop3`: any function of three operands, given by its truth table. With `.or` or `.and`, a
/// predicate also says whether the result is not zero, combined with another one.
pub(super) fn lop3<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let combination = ins.modifiers.take_map(|word| match word {
        "or" => Some(BinaryOp::Or),
        "and" => Some(BinaryOp::And),
        _ => None,
    });
    let ty = ins.ty()?;
    if ty != ScalarType::B32 {
        return Err(ins.unsupported());
    }
    let (d, a, b, c, table, combined) = match (ins.ast.operands.as_slice(), combination) {
        ([d, a, b, c, table], None) => (d, a, b, c, table, None),
        ([Operand::Pair(d, p), a, b, c, table, q], Some(op)) => {
            (&**d, a, b, c, table, Some((op, &**p, q)))
        }
        _ => return Err(ins.operand_count("5, or 6 with .or and .and")),
    };
    let Operand::Immediate(weft_ptx::ast::Immediate::Integer(table @ 0..=255, _)) = *table else {
        return Err(ins.wrong_operand(table, "a constant of 8 bits"));
    };
    let a = f.read(ins, a, ty)?;
    let b = f.read(ins, b, ty)?;
    let c = f.read(ins, c, ty)?;
    // Bit 4*a + 2*b + c of the table is the result: the high half is the function of b and c
    // where a is 1, the low half where a is 0.
    let (when_set, when_clear) = (table >> 4 & 15, table & 15);
    let result = if when_set == when_clear {
        function_of_two(f, when_set, b, c)
    } else if when_set == when_clear ^ 15 {
        let inner = function_of_two(f, when_clear, b, c);
        f.binary(BinaryOp::Xor, a, inner)
    } else {
        match (when_set, when_clear) {
            (15, _) => {
                let inner = function_of_two(f, when_clear, b, c);
                f.binary(BinaryOp::Or, a, inner)
            }
            (_, 0) => {
                let inner = function_of_two(f, when_set, b, c);
                f.binary(BinaryOp::And, a, inner)
            }
            _ => {
                let one = function_of_two(f, when_set, b, c);
                let other = function_of_two(f, when_clear, b, c);
                let selected = f.binary(BinaryOp::And, a, one);
                let not_a = f.unary(UnaryOp::Not, a);
                let rest = f.binary(BinaryOp::And, not_a, other);
                f.binary(BinaryOp::Or, selected, rest)
            }
        }
    };
    if let Some((op, p, q)) = combined {
        let q = f.read(ins, q, ScalarType::Pred)?;
        let any = f.compare_with(IntCompare::NotEqual, result, 0);
        let any = f.binary(op, any, q);
        f.write(ins, p, ScalarType::Pred, any)?;
    }
    f.write(ins, d, ty, result)
}

/// The function with the truth table (bit `2*b + c`).
fn function_of_two(f: &mut Lowering<'_, '_, '_>, table: u64, b: Value, c: Value) -> Value {
    let negated = |f: &mut Lowering<'_, '_, '_>| {
        let inner = function_of_two(f, table ^ 15, b, c);
        f.unary(UnaryOp::Not, inner)
    };
    match table {
        0b0000 => f.constant(f.ty(b), 0),
        0b1111 => f.constant(f.ty(b), u64::MAX),
        0b1100 => b,
        0b1010 => c,
        0b1000 => f.binary(BinaryOp::And, b, c),
        0b1110 => f.binary(BinaryOp::Or, b, c),
        0b0110 => f.binary(BinaryOp::Xor, b, c),
        0b0100 => {
            let not_c = f.unary(UnaryOp::Not, c);
            f.binary(BinaryOp::And, b, not_c)
        }
        0b0010 => {
            let not_b = f.unary(UnaryOp::Not, b);
            f.binary(BinaryOp::And, not_b, c)
        }
        _ => negated(f),
    }
}

/// `shl`
pub(super) fn shl<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let ty = ins.ty()?;
    match ty {
        ScalarType::B16 | ScalarType::B32 | ScalarType::B64 => shift(f, ins, ty, ShiftOp::Left),
        _ => Err(ins.unsupported()),
    }
}

/// `shr`
pub(super) fn shr<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let ty = ins.ty()?;
    if !matches!(types::bits(ty), 16 | 32 | 64) || types::float(ty).is_some() {
        return Err(ins.unsupported());
    }
    let op = if types::is_signed(ty) {
        ShiftOp::RightArithmetic
    } else {
        ShiftOp::RightLogical
    };
    shift(f, ins, ty, op)
}

fn shift<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    ty: ScalarType,
    op: ShiftOp,
) -> Lowered {
    let [d, a, amount] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    let amount = f.read(ins, amount, ScalarType::U32)?;
    let result = f.shift(op, a, amount);
    f.write(ins, d, ty, result)
}

/// `shf.{l,r}.{clamp,wrap}.b32`: a shift of the 64 bits made of two registers.
pub(super) fn shf<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let left = ins.modifiers.take("l");
    if !left && !ins.modifiers.take("r") {
        return Err(ins.wrong_modifiers("one of .l, .r is missing"));
    }
    let clamp = take_clamp(ins)?;
    if ins.ty()? != ScalarType::B32 {
        return Err(ins.unsupported());
    }
    let [d, low, high, amount] = ins.operands()?;
    let low = f.read(ins, low, ScalarType::B32)?;
    let high = f.read(ins, high, ScalarType::B32)?;
    let amount = f.read(ins, amount, ScalarType::U32)?;
    let amount = bounded(f, amount, clamp);
    let both = f.pack(low, high);
    let result = if left {
        let shifted = f.shift(ShiftOp::Left, both, amount);
        f.halves(shifted).1
    } else {
        let shifted = f.shift(ShiftOp::RightLogical, both, amount);
        f.emit(Op::Truncate(Type::B32, shifted), Type::B32)
    };
    f.write(ins, d, ScalarType::B32, result)
}

/// Whether `.clamp` rather than `.wrap` is given.
fn take_clamp(ins: &mut Ins<'_, '_>) -> Lowered<bool> {
    let clamp = ins.modifiers.take("clamp");
    if !clamp && !ins.modifiers.take("wrap") {
        return Err(ins.wrong_modifiers("one of .clamp, .wrap is missing"));
    }
    Ok(clamp)
}

/// An amount limited to 32, or taken modulo 32.
fn bounded(f: &mut Lowering<'_, '_, '_>, amount: Value, clamp: bool) -> Value {
    if clamp {
        f.binary_with(BinaryOp::MinUnsigned, amount, 32)
    } else {
        f.binary_with(BinaryOp::And, amount, 31)
    }
}

/// `len` ones in the low end: all for `len` of the width or more.
fn low_ones(f: &mut Lowering<'_, '_, '_>, ty: Type, len: Value) -> Value {
    let one = f.constant(ty, 1);
    let beyond = f.shift(ShiftOp::Left, one, len);
    f.binary_with(BinaryOp::Sub, beyond, 1)
}

/// The low `len` bits of a value, sign-extended; the whole value if `len` exceeds the width.
fn sign_extend(f: &mut Lowering<'_, '_, '_>, value: Value, len: Value) -> Value {
    let width = f.ty(value).bits();
    let len = f.binary_with(BinaryOp::MinUnsigned, len, u64::from(width));
    let width = f.constant(Type::B32, u64::from(width));
    let unused = f.binary(BinaryOp::Sub, width, len);
    let high = f.shift(ShiftOp::Left, value, unused);
    f.shift(ShiftOp::RightArithmetic, high, unused)
}

/// Position or length of a field. The manual restricts both to 0..=255; beyond that the devices look at the
/// low eight bits for a field of 32 bits, and at all bits for one of 64.
fn field_operand<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    operand: &'t Operand<'a>,
    ty: ScalarType,
) -> Lowered<Value> {
    let value = f.read(ins, operand, ScalarType::U32)?;
    Ok(match types::bits(ty) {
        32 => f.binary_with(BinaryOp::And, value, 255),
        _ => value,
    })
}

/// `bfe`: a field of `c` bits at bit `b`.
pub(super) fn bfe<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let ty = ins.ty()?;
    if !types::is_integer(ty) || types::bits(ty) < 32 {
        return Err(ins.unsupported());
    }
    let [d, a, at, len] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    let at = field_operand(f, ins, at, ty)?;
    let len = field_operand(f, ins, len, ty)?;
    let result = if types::is_signed(ty) {
        // Bits beyond the top are copies of the sign, as the arithmetic shift makes them.
        let shifted = f.shift(ShiftOp::RightArithmetic, a, at);
        sign_extend(f, shifted, len)
    } else {
        let shifted = f.shift(ShiftOp::RightLogical, a, at);
        let ones = low_ones(f, f.ty(a), len);
        f.binary(BinaryOp::And, shifted, ones)
    };
    f.write(ins, d, ty, result)
}

/// `bfi`: `a` inserted into `b` at bit `c`, `d` bits long.
pub(super) fn bfi<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let ty = ins.ty()?;
    if !matches!(ty, ScalarType::B32 | ScalarType::B64) {
        return Err(ins.unsupported());
    }
    let [d, a, b, at, len] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    let b = f.read(ins, b, ty)?;
    let at = field_operand(f, ins, at, ty)?;
    let len = field_operand(f, ins, len, ty)?;
    let ones = low_ones(f, f.ty(a), len);
    let mask = f.shift(ShiftOp::Left, ones, at);
    let field = f.shift(ShiftOp::Left, a, at);
    let field = f.binary(BinaryOp::And, field, mask);
    let outside = f.unary(UnaryOp::Not, mask);
    let rest = f.binary(BinaryOp::And, b, outside);
    let result = f.binary(BinaryOp::Or, field, rest);
    f.write(ins, d, ty, result)
}

/// `brev`
pub(super) fn brev<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let ty = ins.ty()?;
    if !matches!(ty, ScalarType::B32 | ScalarType::B64) {
        return Err(ins.unsupported());
    }
    let [d, a] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    let result = f.unary(UnaryOp::BitReverse, a);
    f.write(ins, d, ty, result)
}

/// `bmsk.{clamp,wrap}.b32`: `b` ones from bit `a`.
pub(super) fn bmsk<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let clamp = take_clamp(ins)?;
    if ins.ty()? != ScalarType::B32 {
        return Err(ins.unsupported());
    }
    let [d, at, len] = ins.operands()?;
    let at = f.read(ins, at, ScalarType::U32)?;
    let at = bounded(f, at, clamp);
    let len = f.read(ins, len, ScalarType::U32)?;
    let len = bounded(f, len, clamp);
    let ones = low_ones(f, Type::B32, len);
    let result = f.shift(ShiftOp::Left, ones, at);
    f.write(ins, d, ScalarType::B32, result)
}

/// `szext.{clamp,wrap}`: the low `b` bits, sign- or zero-extended.
pub(super) fn szext<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let clamp = take_clamp(ins)?;
    let ty = ins.ty()?;
    if !matches!(ty, ScalarType::U32 | ScalarType::S32) {
        return Err(ins.unsupported());
    }
    let [d, a, len] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    let len = f.read(ins, len, ScalarType::U32)?;
    let len = bounded(f, len, clamp);
    let result = if ty == ScalarType::S32 {
        sign_extend(f, a, len)
    } else {
        let ones = low_ones(f, Type::B32, len);
        f.binary(BinaryOp::And, a, ones)
    };
    f.write(ins, d, ty, result)
}

/// `prmt.b32{.mode}`: four bytes chosen among the eight of two registers.
pub(super) fn prmt<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let mode = ins.modifiers.take_map(|word| match word {
        "f4e" => Some(Mode::Forward),
        "b4e" => Some(Mode::Backward),
        "rc8" => Some(Mode::Replicate8),
        "ecl" => Some(Mode::ClampLeft),
        "ecr" => Some(Mode::ClampRight),
        "rc16" => Some(Mode::Replicate16),
        _ => None,
    });
    if ins.ty()? != ScalarType::B32 {
        return Err(ins.unsupported());
    }
    let [d, a, b, selector] = ins.operands()?;
    let a = f.read(ins, a, ScalarType::B32)?;
    let b = f.read(ins, b, ScalarType::B32)?;
    let selector = f.read(ins, selector, ScalarType::B32)?;
    let constant = f.constant_bits(selector);
    let result = match (mode, constant) {
        (None, Some(selector)) => permute_fixed(f, a, b, selector),
        (Some(mode), Some(index)) => permute_fixed(f, a, b, mode.selector(index & 3)),
        (None, None) => permute(f, a, b, selector),
        (Some(mode), None) => {
            let index = f.binary_with(BinaryOp::And, selector, 3);
            let mut chosen = f.constant(Type::B32, mode.selector(3));
            for candidate in (0..3).rev() {
                let is_it = f.compare_with(IntCompare::Equal, index, candidate);
                let nibbles = f.constant(Type::B32, mode.selector(candidate));
                chosen = f.select(is_it, nibbles, chosen);
            }
            permute(f, a, b, chosen)
        }
    };
    f.write(ins, d, ScalarType::B32, result)
}

/// Modes of `prmt`.
#[derive(Clone, Copy)]
enum Mode {
    Forward,
    Backward,
    Replicate8,
    ClampLeft,
    ClampRight,
    Replicate16,
}

impl Mode {
    /// The general selector that does what the mode does for an index 0..4.
    fn selector(self, index: u64) -> u64 {
        let nibble = |position: u64| match self {
            Self::Forward => position + index,
            Self::Backward => index.wrapping_sub(position) & 7,
            Self::Replicate8 => index,
            Self::ClampLeft => position.max(index),
            Self::ClampRight => position.min(index),
            Self::Replicate16 => (index & 1) * 2 + (position & 1),
        };
        (0..4).fold(0, |selector, position| {
            selector | nibble(position) << (4 * position)
        })
    }
}

/// `prmt` with a selector known only at run time.
fn permute(f: &mut Lowering<'_, '_, '_>, a: Value, b: Value, selector: Value) -> Value {
    let both = f.pack(a, b);
    let mut result = None;
    for position in 0..4 {
        let nibble = f.shift_by(ShiftOp::RightLogical, selector, 4 * position);
        let index = f.binary_with(BinaryOp::And, nibble, 7);
        let amount = f.shift_by(ShiftOp::Left, index, 3);
        let shifted = f.shift(ShiftOp::RightLogical, both, amount);
        let low = f.emit(Op::Truncate(Type::B32, shifted), Type::B32);
        let sign = f.field(low, 0, 8, true);
        let sign = f.shift_by(ShiftOp::RightArithmetic, sign, 7);
        let mode = f.binary_with(BinaryOp::And, nibble, 8);
        let replicate = f.compare_with(IntCompare::NotEqual, mode, 0);
        let byte = f.select(replicate, sign, low);
        let byte = f.binary_with(BinaryOp::And, byte, 255);
        let placed = f.shift_by(ShiftOp::Left, byte, 8 * position);
        result = Some(match result {
            None => placed,
            Some(others) => f.binary(BinaryOp::Or, others, placed),
        });
    }
    result.unwrap_or(a)
}

/// `prmt` with a constant selector: bytes that move together are moved together.
fn permute_fixed(f: &mut Lowering<'_, '_, '_>, a: Value, b: Value, selector: u64) -> Value {
    let nibble = |position: u32| (selector >> (4 * position) & 15) as u32;
    let mut done = [false; 4];
    let mut result: Option<Value> = None;
    for position in 0..4_u32 {
        if done[position as usize] {
            continue;
        }
        let chosen = nibble(position);
        let source = if chosen & 4 == 0 { a } else { b };
        let part = if chosen & 8 == 0 {
            // Bytes from the same register that move by the same distance.
            let mut mask = 0;
            for other in position..4 {
                let candidate = nibble(other);
                let together = candidate & 12 == chosen & 12
                    && (candidate & 3) + position == (chosen & 3) + other;
                if together {
                    done[other as usize] = true;
                    mask |= 0xff << (8 * other);
                }
            }
            let (from, to) = (8 * (chosen & 3), 8 * position);
            let moved = if from >= to {
                f.shift_by(ShiftOp::RightLogical, source, from - to)
            } else {
                f.shift_by(ShiftOp::Left, source, to - from)
            };
            if mask == 0xffff_ffff {
                moved
            } else {
                f.binary_with(BinaryOp::And, moved, mask)
            }
        } else {
            let byte = f.field(source, 8 * (chosen & 3), 8, true);
            let sign = f.shift_by(ShiftOp::RightArithmetic, byte, 7);
            f.binary_with(BinaryOp::And, sign, 0xff << (8 * position))
        };
        result = Some(match result {
            None => part,
            Some(others) => f.binary(BinaryOp::Or, others, part),
        });
    }
    result.unwrap_or(a)
}
