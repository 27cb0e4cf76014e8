//! Video instructions on two halves or four bytes: PTX ISA section 9.7.19.
//!
//! Each element is computed in 32 bits, which hold every intermediate result exactly.

use super::compare;
use super::function::{Ins, Lowering};
use super::video::take_sign;
use crate::ErrorKind;
use crate::ir::{BinaryOp, IntCompare, ShiftOp, Type, UnaryOp, Value};
use weft_ptx::ast::{Operand, ScalarType};

type Lowered<T = ()> = Result<T, ErrorKind>;

/// How registers are divided.
#[derive(Clone, Copy, Debug)]
struct Shape {
    /// Letter of selectors.
    letter: char,
    /// Number of elements.
    count: u32,
    /// Bits of an element.
    bits: u32,
}

fn shape(ins: &Ins<'_, '_>) -> Shape {
    let (letter, count) = if ins.ast.opcode.ends_with('2') {
        ('h', 2)
    } else {
        ('b', 4)
    };
    Shape {
        letter,
        count,
        bits: 32 / count,
    }
}

/// Digits of a selector such as `.b3210`, the last first; `default` where none is written.
fn selector<'a>(
    ins: &Ins<'_, 'a>,
    shape: Shape,
    operand: &Operand<'a>,
    default: &[u32],
    limit: u32,
) -> Lowered<(Operand<'a>, Vec<u32>)> {
    let Operand::Selector(name, word) = operand else {
        return Ok((operand.clone(), default.to_vec()));
    };
    let digits = word.strip_prefix(shape.letter).and_then(|digits| {
        let digits = digits.chars().rev().map(|digit| digit.to_digit(limit));
        digits.collect::<Option<Vec<u32>>>()
    });
    match digits {
        Some(digits) if !digits.is_empty() && digits.len() <= shape.count as usize => {
            Ok((Operand::Name(name), digits))
        }
        _ => Err(ins.wrong_operand(operand, "a selector of elements")),
    }
}

/// The four operands with what their selectors select.
struct Operands<'a> {
    d: Operand<'a>,
    /// Which elements are written.
    mask: Vec<u32>,
    a: Vec<Value>,
    b: Vec<Value>,
    c: Value,
}

fn operands<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    shape: Shape,
    a_signed: bool,
    b_signed: bool,
) -> Lowered<Operands<'a>> {
    let [d, a, b, c] = ins.operands()?;
    let elements = |from: u32| -> Vec<u32> { (from..from + shape.count).collect() };
    let (d, mask) = selector(ins, shape, d, &elements(0), shape.count)?;
    let (a, a_from) = selector(ins, shape, a, &elements(0), 2 * shape.count)?;
    let (b, b_from) = selector(ins, shape, b, &elements(shape.count), 2 * shape.count)?;
    for (from, operand) in [(&a_from, 1), (&b_from, 2)] {
        if from.len() != shape.count as usize {
            let operand = &ins.ast.operands[operand];
            return Err(ins.wrong_operand(operand, "one number for each element"));
        }
    }
    let a = f.read_plain(ins, &a)?;
    let b = f.read_plain(ins, &b)?;
    let c = f.read_plain(ins, c)?;
    let mut pick = |from: Vec<u32>, signed: bool| -> Vec<Value> {
        from.into_iter()
            .map(|index| {
                let register = if index < shape.count { a } else { b };
                f.field(
                    register,
                    index % shape.count * shape.bits,
                    shape.bits,
                    signed,
                )
            })
            .collect()
    };
    Ok(Operands {
        d,
        mask,
        a: pick(a_from, a_signed),
        b: pick(b_from, b_signed),
        c,
    })
}

/// Adds the elements to the third operand, or merges them into it, and writes the result.
fn finish<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    shape: Shape,
    accumulate: bool,
    operands: &Operands<'a>,
    elements: &[Value],
) -> Lowered {
    let mut result = operands.c;
    let mut written = 0;
    let mut merged = None;
    for (index, &element) in (0..).zip(elements) {
        if !operands.mask.contains(&index) {
            continue;
        }
        if accumulate {
            result = f.binary(BinaryOp::Add, result, element);
            continue;
        }
        let at = index * shape.bits;
        let mask = ((1 << shape.bits) - 1) << at;
        written |= mask;
        let placed = f.shift_by(ShiftOp::Left, element, at);
        let placed = f.binary_with(BinaryOp::And, placed, mask);
        merged = Some(match merged {
            None => placed,
            Some(others) => f.binary(BinaryOp::Or, others, placed),
        });
    }
    if let Some(merged) = merged {
        let rest = f.binary_with(BinaryOp::And, result, !written);
        result = f.binary(BinaryOp::Or, merged, rest);
    }
    f.write(ins, &operands.d, ScalarType::B32, result)
}

/// `vadd2`, `vsub2`, `vavrg2`, `vabsdiff2`, `vmin2`, `vmax2` and those of four
pub(super) fn arithmetic<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let shape = shape(ins);
    let saturate = ins.modifiers.take("sat");
    let accumulate = ins.modifiers.take("add");
    if saturate && accumulate {
        return Err(ins.wrong_modifiers(".sat and .add exclude each other"));
    }
    let signed = take_sign(ins)?;
    let (a_signed, b_signed) = (take_sign(ins)?, take_sign(ins)?);
    let operands = operands(f, ins, shape, a_signed, b_signed)?;
    let elements: Vec<Value> = operands
        .a
        .iter()
        .zip(&operands.b)
        .map(|(&a, &b)| {
            let value = element(f, ins.ast.opcode.trim_end_matches(['2', '4']), a, b);
            if !saturate {
                return value;
            }
            let largest = u64::MAX >> (64 - shape.bits + u32::from(signed));
            let smallest = if signed { !largest } else { 0 };
            let value = f.binary_with(BinaryOp::MaxSigned, value, smallest);
            f.binary_with(BinaryOp::MinSigned, value, largest)
        })
        .collect();
    finish(f, ins, shape, accumulate, &operands, &elements)
}

fn element(f: &mut Lowering<'_, '_, '_>, operation: &str, a: Value, b: Value) -> Value {
    match operation {
        "vadd" => f.binary(BinaryOp::Add, a, b),
        "vsub" => f.binary(BinaryOp::Sub, a, b),
        "vmin" => f.binary(BinaryOp::MinSigned, a, b),
        "vmax" => f.binary(BinaryOp::MaxSigned, a, b),
        "vabsdiff" => {
            let difference = f.binary(BinaryOp::Sub, a, b);
            f.unary(UnaryOp::Abs, difference)
        }
        _ => {
            // The average, rounded away from zero at halves above and below it.
            let sum = f.binary(BinaryOp::Add, a, b);
            let above = f.compare_with(IntCompare::GreaterEqualSigned, sum, 0);
            let (one, zero) = (f.constant(Type::B32, 1), f.constant(Type::B32, 0));
            let round = f.select(above, one, zero);
            let sum = f.binary(BinaryOp::Add, sum, round);
            f.shift_by(ShiftOp::RightArithmetic, sum, 1)
        }
    }
}

/// `vset2`, `vset4`
pub(super) fn set<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let shape = shape(ins);
    let Some(comparison) = ins.modifiers.take_map(compare::parse_signed) else {
        return Err(ins.wrong_modifiers("a comparison is missing"));
    };
    let accumulate = ins.modifiers.take("add");
    let (a_signed, b_signed) = (take_sign(ins)?, take_sign(ins)?);
    let operands = operands(f, ins, shape, a_signed, b_signed)?;
    let (one, zero) = (f.constant(Type::B32, 1), f.constant(Type::B32, 0));
    let elements: Vec<Value> = operands
        .a
        .iter()
        .zip(&operands.b)
        .map(|(&a, &b)| {
            let holds = f.compare(comparison, a, b);
            f.select(holds, one, zero)
        })
        .collect();
    finish(f, ins, shape, accumulate, &operands, &elements)
}
