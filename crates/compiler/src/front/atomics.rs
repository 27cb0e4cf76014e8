//! Atomic read-modify-write: PTX ISA sections 9.7.14.6 (atom) and 9.7.14.7 (red).

use super::function::{Ins, Lowering};
use super::{body, memory, types};
use crate::ErrorKind;
use crate::ir::{AtomicOp, FloatType, Op, Space};
use weft_ptx::ast::{Operand, ScalarType};

type Lowered<T = ()> = Result<T, ErrorKind>;

/// `atom`
pub(super) fn atom<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let Some((d, rest)) = ins.ast.operands.split_first() else {
        return Err(ins.operand_count("3 or 4"));
    };
    atomic(f, ins, Some(d), rest)
}

/// `red`
pub(super) fn red<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    atomic(f, ins, None, &ins.ast.operands)
}

fn atomic<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
    d: Option<&'t Operand<'a>>,
    operands: &'t [Operand<'a>],
) -> Lowered {
    let order = memory::take_order(ins);
    let space = memory::take_space(ins);
    let policy = ins.modifiers.take("L2::cache_hint");
    let ty = ins.modifiers.last_type();
    let signed = ty.is_some_and(types::is_signed);
    let pair = ty.and_then(types::packed_float);
    let format = ty.and_then(types::float);
    let float = format.is_some() || pair.is_some();
    // Halves are added without flushing subnormals, and must say so.
    let halves = pair.is_some() || matches!(format, Some(FloatType::F16 | FloatType::Bf16));
    if halves && !ins.modifiers.take("noftz") {
        return Err(ins.wrong_modifiers(".noftz is missing"));
    }
    let op = ins.modifiers.take_map(|word| {
        Some(match (word, float, signed) {
            ("exch", ..) => AtomicOp::Exchange,
            ("cas", ..) => AtomicOp::CompareExchange,
            ("and", false, _) => AtomicOp::And,
            ("or", false, _) => AtomicOp::Or,
            ("xor", false, _) => AtomicOp::Xor,
            ("add", true, _) => match (format, pair) {
                (_, Some(format)) => AtomicOp::FloatAddPair(format),
                (Some(FloatType::Bf16), _) => AtomicOp::FloatAddBf16,
                _ => AtomicOp::FloatAdd,
            },
            ("add", false, _) => AtomicOp::Add,
            ("inc", false, false) => AtomicOp::Increment,
            ("dec", false, false) => AtomicOp::Decrement,
            ("min", false, true) => AtomicOp::MinSigned,
            ("min", false, false) => AtomicOp::MinUnsigned,
            ("max", false, true) => AtomicOp::MaxSigned,
            ("max", false, false) => AtomicOp::MaxUnsigned,
            _ => return None,
        })
    });
    let ty = ins.ty()?;
    let Some(op) = op else {
        return Err(ins.unsupported());
    };
    let width = match body::width(ty) {
        Some(width) if op.widths().contains(&width) => width,
        _ => return Err(ins.unsupported()),
    };
    if matches!(op, AtomicOp::Increment | AtomicOp::Decrement) && ty != ScalarType::U32 {
        return Err(ins.unsupported());
    }
    let operands = match operands.split_last() {
        Some((_, rest)) if policy => rest,
        _ => operands,
    };
    let (address, operand, compare) = match (operands, op) {
        ([address, compare, operand], AtomicOp::CompareExchange) => {
            (address, operand, Some(compare))
        }
        (_, AtomicOp::CompareExchange) => return Err(ins.operand_count("4")),
        ([address, operand], _) => (address, operand, None),
        _ => return Err(ins.operand_count(if d.is_some() { "3" } else { "2" })),
    };
    let at = f.memory_operand(ins, address, space)?;
    if !matches!(at.space, Space::Generic | Space::Global | Space::Shared) {
        return Err(ins.unsupported());
    }
    let operand = f.read(ins, operand, ty)?;
    let compare = match compare {
        Some(compare) => Some(f.read(ins, compare, ty)?),
        None => None,
    };
    if order.release {
        f.effect(Op::Fence);
    }
    let Some(ir_type) = types::ir(ty) else {
        return Err(ins.unsupported());
    };
    let old = f.emit(
        Op::Atomic {
            op,
            space: at.space,
            width,
            address: at.address,
            offset: at.offset,
            operand,
            compare,
        },
        ir_type,
    );
    if order.acquire {
        f.effect(Op::Fence);
    }
    match d {
        Some(d) => f.write(ins, d, ty, old),
        None => Ok(()),
    }
}
