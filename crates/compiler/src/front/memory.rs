//! Loads, stores and cache control: PTX ISA section 9.7.9.
//!
//! A vector access is made of scalar ones in order of address, as the memory model allows (its
//! elements are separate accesses, section 8.2.2).

use super::body;
use super::function::{Ins, Lowering, MemoryOperand};
use super::types;
use crate::ErrorKind;
use crate::ir::{Op, Space, Type};
use weft_ptx::ast::{Operand, ScalarType};

type Lowered<T = ()> = Result<T, ErrorKind>;

/// Length of a vector from its modifier.
pub(super) fn vector_length(word: &str) -> Option<u8> {
    match word {
        "v2" => Some(2),
        "v4" => Some(4),
        "v8" => Some(8),
        _ => None,
    }
}

/// Takes the state space; generic if there is none.
pub(super) fn take_space(ins: &mut Ins<'_, '_>) -> Space {
    let space = ins.modifiers.take_map(|word| match word {
        "global" => Some(Space::Global),
        "const" => Some(Space::Const),
        "shared" | "shared::cta" => Some(Space::Shared),
        "local" => Some(Space::Local),
        "param" | "param::entry" | "param::func" => Some(Space::Param),
        _ => None,
    });
    space.unwrap_or(Space::Generic)
}

/// How an access is ordered with others.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Order {
    /// Stronger than `.weak`, or volatile.
    pub(super) ordered: bool,
    /// Later accesses stay after it.
    pub(super) acquire: bool,
    /// Earlier accesses stay before it.
    pub(super) release: bool,
}

/// Takes memory-order and scope words.
pub(super) fn take_order(ins: &mut Ins<'_, '_>) -> Order {
    let mut order = Order::default();
    let words = &mut ins.modifiers;
    words.take("weak");
    if words.take("volatile") || words.take("relaxed") || words.take("mmio") {
        order.ordered = true;
    }
    if words.take("acquire") {
        order = Order {
            ordered: true,
            acquire: true,
            ..order
        };
    }
    if words.take("release") {
        order = Order {
            ordered: true,
            release: true,
            ..order
        };
    }
    if words.take("acq_rel") {
        order = Order {
            ordered: true,
            acquire: true,
            release: true,
        };
    }
    // Scopes: every order holds for the whole chip.
    words.take_all(|word| matches!(word, "cta" | "cluster" | "gpu" | "sys"));
    order
}

/// Takes words that only advise the caches.
pub(super) fn take_cache_hints(ins: &mut Ins<'_, '_>) {
    ins.modifiers.take_all(|word| {
        matches!(
            word,
            "ca" | "cg" | "cs" | "lu" | "cv" | "wb" | "wt" | "nc" | "no_allocate" | "unified"
        ) || word.starts_with("L1::")
            || word.starts_with("L2::") && word != "L2::cache_hint"
    });
}

/// `ld`, `ldu`
pub(super) fn ld<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let order = take_order(ins);
    let space = take_space(ins);
    take_cache_hints(ins);
    let policy = ins.modifiers.take("L2::cache_hint");
    let vector = ins.modifiers.take_map(vector_length);
    let ty = ins.ty()?;
    let Some(width) = body::width(ty) else {
        return Err(ins.unsupported());
    };
    let (d, address) = match ins.ast.operands.as_slice() {
        [d, address] if !policy => (d, address),
        [d, address, _] if policy => (d, address),
        _ => return Err(ins.operand_count(if policy { "3" } else { "2" })),
    };
    let targets = targets(f, ins, d, vector)?;
    let at = f.memory_operand(ins, address, space)?;
    let mut values = Vec::new();
    for (index, target) in (0..).zip(&targets) {
        // A register wider than the access is filled by the load itself.
        let wide = match f.register(ins, target)? {
            Some(register) => types::ir(register.ty),
            None => types::ir(ty),
        };
        let Some(ty_wide) = wide.filter(|wide| wide.bits() >= types::bits(ty)) else {
            return Err(ins.wrong_operand(target, "a register as wide as the access"));
        };
        let offset = element_offset(ins, at, index, width.bytes())?;
        let op = Op::Load {
            space: at.space,
            width,
            signed: types::is_signed(ty),
            ty: ty_wide,
            address: at.address,
            offset,
            ordered: order.ordered,
        };
        values.push(f.emit(op, ty_wide));
    }
    if order.acquire {
        f.effect(Op::Fence);
    }
    for (target, mut value) in targets.iter().zip(values) {
        let ty_target = match f.register(ins, target)? {
            Some(register) => register.ty,
            None => ty,
        };
        if types::bits(ty_target) == 8 && types::is_signed(ty) {
            value = f.binary_with(crate::ir::BinaryOp::And, value, 0xff);
        }
        f.write(ins, target, ty_target, value)?;
    }
    Ok(())
}

/// `st`
pub(super) fn st<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let order = take_order(ins);
    let space = take_space(ins);
    take_cache_hints(ins);
    let policy = ins.modifiers.take("L2::cache_hint");
    let vector = ins.modifiers.take_map(vector_length);
    let ty = ins.ty()?;
    let Some(width) = body::width(ty) else {
        return Err(ins.unsupported());
    };
    let (address, source) = match ins.ast.operands.as_slice() {
        [address, source] if !policy => (address, source),
        [address, source, _] if policy => (address, source),
        _ => return Err(ins.operand_count(if policy { "3" } else { "2" })),
    };
    let sources = targets(f, ins, source, vector)?;
    let at = f.memory_operand(ins, address, space)?;
    let values = sources
        .iter()
        .map(|source| f.read_wide(ins, source, ty))
        .collect::<Lowered<Vec<_>>>()?;
    if order.release {
        f.effect(Op::Fence);
    }
    for (index, value) in (0..).zip(values) {
        let offset = element_offset(ins, at, index, width.bytes())?;
        f.effect(Op::Store {
            space: at.space,
            width,
            address: at.address,
            offset,
            value,
            ordered: order.ordered,
        });
    }
    Ok(())
}

/// The registers of a vector access, or the one of a scalar access.
fn targets<'t, 'a>(
    f: &Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    operand: &'t Operand<'a>,
    vector: Option<u8>,
) -> Lowered<Vec<Operand<'a>>> {
    let elements = f.elements(ins, operand);
    if elements.len() == usize::from(vector.unwrap_or(1)) {
        Ok(elements)
    } else {
        Err(ins.wrong_operand(operand, "as many registers as the vector has elements"))
    }
}

/// Offset of an element of a vector that begins at an address.
pub(super) fn element_offset(
    ins: &Ins<'_, '_>,
    at: MemoryOperand,
    index: u64,
    bytes: u32,
) -> Lowered<i32> {
    let step = i32::try_from(index * u64::from(bytes)).ok();
    let offset = step.and_then(|step| at.offset.checked_add(step));
    offset.ok_or_else(|| ins.wrong_modifiers("the address offset exceeds 2^31"))
}

/// `prefetch`, `prefetchu`, `discard`, `applypriority`: advice to caches, whose meaning does not
/// depend on being followed. The address must still make sense.
pub(super) fn prefetch<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let space = take_space(ins);
    ins.modifiers
        .take_all(|word| matches!(word, "L1" | "L2" | "tensormap") || word.starts_with("L2::"));
    let Some(address) = ins.ast.operands.first() else {
        return Err(ins.operand_count("1"));
    };
    f.memory_operand(ins, address, space).map(|_| ())
}

/// `createpolicy`: a policy only advises caches, so that any value will do.
pub(super) fn createpolicy<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    ins.modifiers.take_all(|word| {
        matches!(word, "range" | "fractional" | "cvt" | "global") || word.starts_with("L2")
    });
    if ins.ty()? != ScalarType::B64 {
        return Err(ins.unsupported());
    }
    let Some(d) = ins.ast.operands.first() else {
        return Err(ins.operand_count("1 to 4"));
    };
    let policy = f.constant(Type::B64, 0);
    f.write(ins, d, ScalarType::B64, policy)
}

/// `membar`, `fence`
pub(super) fn fence<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    ins.modifiers.take_all(|word| {
        matches!(
            word,
            "cta" | "cluster" | "gl" | "gpu" | "sys" | "sc" | "acq_rel" | "acquire" | "release"
        )
    });
    let [] = ins.operands()?;
    f.effect(Op::Fence);
    Ok(())
}

impl Lowering<'_, '_, '_> {
    /// Copies bytes between two places of local memory, for arguments of calls.
    pub(super) fn copy_local(&mut self, from: Op, to: Op, bytes: u32) {
        let from = self.emit(from, Type::B64);
        let to = self.emit(to, Type::B64);
        let mut done = 0;
        while done < bytes {
            // Byte arrays may be aligned to one byte only.
            let (width, ty) = (crate::ir::Width::W8, Type::B16);
            let offset = i32::try_from(done).unwrap_or(i32::MAX);
            let load = Op::Load {
                space: Space::Local,
                width,
                signed: false,
                ty,
                address: from,
                offset,
                ordered: false,
            };
            let value = self.emit(load, ty);
            self.effect(Op::Store {
                space: Space::Local,
                width,
                address: to,
                offset,
                value,
                ordered: false,
            });
            done += width.bytes();
        }
    }
}
