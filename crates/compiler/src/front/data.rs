//! Moves and address conversions: PTX ISA sections 9.7.9.6 (mov), 9.7.9.20 (cvta), 9.7.9.19
//! (isspacep).

use super::function::{Ins, Lowering};
use super::types;
use crate::ErrorKind;
use crate::ir::{Op, Space, Type, Value};
use weft_ptx::ast::ScalarType;

type Lowered<T = ()> = Result<T, ErrorKind>;

/// `mov`, with packing and unpacking of vectors.
pub(super) fn mov<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let vector = ins.modifiers.take_map(super::memory::vector_length);
    let ty = ins.ty()?;
    let [d, a] = ins.operands()?;
    if let Some(length) = vector {
        // `mov.v2.b32 {a, b}, {c, d}`: element by element.
        let (targets, sources) = (f.elements(ins, d), f.elements(ins, a));
        if targets.len() != usize::from(length) || sources.len() != targets.len() {
            return Err(ins.wrong_operand(d, "vectors of the length given"));
        }
        let values: Vec<Value> = sources
            .iter()
            .map(|source| f.read(ins, source, ty))
            .collect::<Lowered<_>>()?;
        for (target, value) in targets.iter().zip(values) {
            f.write(ins, target, ty, value)?;
        }
        return Ok(());
    }
    let (targets, sources) = (f.elements(ins, d), f.elements(ins, a));
    match (targets.as_slice(), sources.as_slice()) {
        ([_], [_, _, ..]) => {
            let element = element_type(ins, ty, sources.len())?;
            let values = sources
                .iter()
                .map(|source| f.read(ins, source, element))
                .collect::<Lowered<Vec<_>>>()?;
            let value = pack(f, ty, element, &values);
            f.write(ins, d, ty, value)
        }
        ([_, _, ..], [_]) => {
            let element = element_type(ins, ty, targets.len())?;
            let value = f.read(ins, a, ty)?;
            let values = unpack(f, element, value, targets.len());
            for (target, value) in targets.iter().zip(values) {
                f.write(ins, target, element, value)?;
            }
            Ok(())
        }
        ([_], [_]) => {
            let value = f.read(ins, a, ty)?;
            f.write(ins, d, ty, value)
        }
        _ => Err(ins.wrong_operand(d, "one vector at most")),
    }
}

/// Type of the elements of a `count`-element vector that is moved as one `ty`.
fn element_type(ins: &Ins<'_, '_>, ty: ScalarType, count: usize) -> Lowered<ScalarType> {
    match (types::bits(ty), count) {
        (64, 2) => Ok(ScalarType::B32),
        (64, 4) | (32, 2) => Ok(ScalarType::B16),
        (32, 4) | (16, 2) => Ok(ScalarType::B8),
        _ => Err(ins.unsupported()),
    }
}

fn pack(
    f: &mut Lowering<'_, '_, '_>,
    ty: ScalarType,
    element: ScalarType,
    values: &[Value],
) -> Value {
    let mut parts = values.to_vec();
    if element == ScalarType::B8 {
        // Bytes are held zero-extended in 16 bits.
        parts = parts
            .chunks_exact(2)
            .map(|pair| {
                let high = f.shift_by(crate::ir::ShiftOp::Left, pair[1], 8);
                f.binary(crate::ir::BinaryOp::Or, pair[0], high)
            })
            .collect();
    }
    while parts.len() > 1 && f.ty(parts[0]).bits() < types::bits(ty) {
        parts = parts
            .chunks_exact(2)
            .map(|pair| f.pack(pair[0], pair[1]))
            .collect();
    }
    parts[0]
}

fn unpack(
    f: &mut Lowering<'_, '_, '_>,
    element: ScalarType,
    value: Value,
    count: usize,
) -> Vec<Value> {
    let mut parts = vec![value];
    while parts.len() < count {
        parts = parts
            .into_iter()
            .flat_map(|part| {
                let (low, high) = if f.ty(part) == Type::B16 && element == ScalarType::B8 {
                    (
                        f.resize_byte(part),
                        f.shift_by(crate::ir::ShiftOp::RightLogical, part, 8),
                    )
                } else {
                    f.halves(part)
                };
                [low, high]
            })
            .collect();
    }
    parts
}

impl Lowering<'_, '_, '_> {
    /// The low byte of a B16 value, zero-extended.
    fn resize_byte(&mut self, value: Value) -> Value {
        self.binary_with(crate::ir::BinaryOp::And, value, 0xff)
    }
}

/// Takes a state-space word of `cvta` or `isspacep`.
fn take_space(ins: &mut Ins<'_, '_>) -> Option<Space> {
    ins.modifiers.take_map(|word| match word {
        "global" => Some(Space::Global),
        "const" => Some(Space::Const),
        "shared" | "shared::cta" => Some(Space::Shared),
        "local" => Some(Space::Local),
        "param" | "param::entry" => Some(Space::Param),
        _ => None,
    })
}

/// `cvta`, `cvta.to`
pub(super) fn cvta<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let to_space = ins.modifiers.take("to");
    let Some(mut space) = take_space(ins) else {
        return Err(ins.unsupported());
    };
    if space == Space::Param && !f.function.is_entry {
        space = Space::Local;
    }
    let ty = ins.ty()?;
    if !matches!(ty, ScalarType::U64 | ScalarType::U32) {
        return Err(ins.unsupported());
    }
    let [d, a] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    // 32-bit generic addresses exist in modules with `.address_size 32` only.
    if ty == ScalarType::U32 {
        return Err(ins.unsupported());
    }
    let op = if to_space {
        Op::FromGeneric(space, a)
    } else {
        Op::ToGeneric(space, a)
    };
    let result = f.emit(op, Type::B64);
    f.write(ins, d, ty, result)
}

/// `isspacep`
pub(super) fn isspacep<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let Some(space) = take_space(ins) else {
        return Err(ins.unsupported());
    };
    let [d, a] = ins.operands()?;
    let a = f.read(ins, a, ScalarType::U64)?;
    let result = f.emit(Op::IsSpace(space, a), Type::Pred);
    f.write(ins, d, ScalarType::Pred, result)
}
