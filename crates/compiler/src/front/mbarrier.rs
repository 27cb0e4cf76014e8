//! Barriers in shared memory (`mbarrier`): PTX ISA section 9.7.14.15.
//!
//! The contents of the 64-bit object are the implementation's to choose. Here, from the low end:
//!
//! | bits | hold |
//! |---|---|
//! | 20 | arrivals that the current phase still waits for |
//! | 20 | arrivals that the next phase will wait for |
//! | 24 | number of the current phase, wrapping |
//!
//! So an arrival is one atomic subtraction, also where it lowers the next phase's count. Whoever takes
//! the pending arrivals to zero has seen the final count of the next phase, because nobody else may
//! arrive before the phase has changed, and begins it with one atomic addition. The state that an
//! arrival returns is the object as it was; a phase has completed when the object's number differs from
//! the state's.
//!
//! Copies of `cp.async` are complete when they have been asked for (see `async_copy`), and so is what
//! they would arrive for. Transaction counts belong to devices of compute capability 9.0.

use super::function::{Ins, Lowering, MemoryOperand};
use super::memory;
use crate::ErrorKind;
use crate::ir::{AtomicOp, BinaryOp, IntCompare, Op, ShiftOp, Space, Type, Value, Width};
use weft_ptx::ast::{Operand, ScalarType};

type Lowered<T = ()> = Result<T, ErrorKind>;

/// Width of the two counts.
const COUNT_BITS: u32 = 20;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;
/// Where the number of the phase begins.
const PHASE_SHIFT: u32 = 2 * COUNT_BITS;

/// `mbarrier.*`
pub(super) fn mbarrier<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let words = &mut ins.modifiers;
    if words.take("init") {
        init(f, ins)
    } else if words.take("inval") {
        inval(f, ins)
    } else if words.take("arrive") {
        arrival(f, ins, false)
    } else if words.take("arrive_drop") {
        arrival(f, ins, true)
    } else if words.take("test_wait") || words.take("try_wait") {
        wait(f, ins)
    } else if words.take("pending_count") {
        pending_count(f, ins)
    } else {
        Err(ins.unsupported())
    }
}

/// `cp.async.mbarrier.arrive{.noinc}`: an arrival when the thread's copies are complete, which they are.
/// Without `.noinc` it is added to those that the phase waits for, so that nothing changes.
pub(super) fn arrive_after_copies<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
) -> Lowered {
    if !ins.modifiers.take("arrive") {
        return Err(ins.unsupported());
    }
    let counted = ins.modifiers.take("noinc");
    let at = object(f, ins, 0)?;
    if ins.ast.operands.len() != 1 {
        return Err(ins.operand_count("1"));
    }
    if counted {
        let count = f.constant(Type::B64, 1);
        arrive_at(f, at, count, false, true)?;
    }
    Ok(())
}

/// Takes the space and `.b64`, and reads the address among the operands.
fn object<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
    place: usize,
) -> Lowered<MemoryOperand> {
    let space = memory::take_space(ins);
    if !matches!(space, Space::Generic | Space::Shared) || ins.ty()? != ScalarType::B64 {
        return Err(ins.unsupported());
    }
    let Some(address) = ins.ast.operands.get(place) else {
        return Err(ins.operand_count("more"));
    };
    f.memory_operand(ins, address, space)
}

fn init<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let at = object(f, ins, 0)?;
    let [_, count] = ins.operands()?;
    let count = read_count(f, ins, count)?;
    let next = f.shift_by(ShiftOp::Left, count, COUNT_BITS);
    let value = f.binary(BinaryOp::Or, count, next);
    store(f, at, value);
    Ok(())
}

fn inval<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let at = object(f, ins, 0)?;
    let [_] = ins.operands()?;
    let nothing = f.constant(Type::B64, 0);
    store(f, at, nothing);
    Ok(())
}

/// `mbarrier.arrive{.noComplete}` and `mbarrier.arrive_drop{.noComplete}`: `state, [address]{, count}`.
fn arrival<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>, drop: bool) -> Lowered {
    let may_complete = !ins.modifiers.take("noComplete");
    // Released by default.
    let relaxed = take_order(ins);
    let at = object(f, ins, 1)?;
    let (d, count) = match ins.ast.operands.as_slice() {
        [d, _] => (d, f.constant(Type::B64, 1)),
        [d, _, count] => (d, read_count(f, ins, count)?),
        _ => return Err(ins.operand_count("2 or 3")),
    };
    if !relaxed {
        f.effect(Op::Fence);
    }
    let state = arrive_at(f, at, count, drop, may_complete)?;
    f.write(ins, d, ScalarType::B64, state)
}

/// Counts an arrival, and begins the next phase if it was the last. The object as it was.
fn arrive_at(
    f: &mut Lowering<'_, '_, '_>,
    at: MemoryOperand,
    count: Value,
    drop: bool,
    may_complete: bool,
) -> Lowered<Value> {
    let mut change = count;
    if drop {
        let next = f.shift_by(ShiftOp::Left, count, COUNT_BITS);
        change = f.binary(BinaryOp::Add, change, next);
    }
    let change = f.unary(crate::ir::UnaryOp::Neg, change);
    let state = add(f, at, change);
    if may_complete {
        let pending = f.binary_with(BinaryOp::And, state, COUNT_MASK);
        let last = f.compare(IntCompare::Equal, pending, count);
        f.when(last, |f| {
            let after = f.binary(BinaryOp::Add, state, change);
            let next = f.shift_by(ShiftOp::RightLogical, after, COUNT_BITS);
            let next = f.binary_with(BinaryOp::And, next, COUNT_MASK);
            let begin = f.binary_with(BinaryOp::Add, next, 1 << PHASE_SHIFT);
            add(f, at, begin);
            Ok(())
        })?;
    }
    Ok(state)
}

/// `mbarrier.test_wait`, `mbarrier.try_wait`: `p, [address], state` or, with `.parity`, `p, [address],
/// parity`. The time that `try_wait` may be told to wait is no promise to wait.
fn wait<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let parity = ins.modifiers.take("parity");
    let relaxed = take_order(ins);
    let at = object(f, ins, 1)?;
    let (d, awaited) = match ins.ast.operands.as_slice() {
        [d, _, awaited] | [d, _, awaited, _] => (d, awaited),
        _ => return Err(ins.operand_count("3 or 4")),
    };
    let object = f.emit(
        Op::Load {
            space: at.space,
            width: Width::W64,
            signed: false,
            ty: Type::B64,
            address: at.address,
            offset: at.offset,
            ordered: true,
        },
        Type::B64,
    );
    let phase = f.shift_by(ShiftOp::RightLogical, object, PHASE_SHIFT);
    let complete = if parity {
        let awaited = f.read(ins, awaited, ScalarType::U32)?;
        let low = f.emit(Op::Truncate(Type::B32, phase), Type::B32);
        let differs = f.binary(BinaryOp::Xor, low, awaited);
        let differs = f.binary_with(BinaryOp::And, differs, 1);
        f.compare_with(IntCompare::NotEqual, differs, 0)
    } else {
        let state = f.read(ins, awaited, ScalarType::B64)?;
        let awaited = f.shift_by(ShiftOp::RightLogical, state, PHASE_SHIFT);
        f.compare(IntCompare::NotEqual, phase, awaited)
    };
    if !relaxed {
        f.effect(Op::Fence);
    }
    f.write(ins, d, ScalarType::Pred, complete)
}

fn pending_count<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    if ins.ty()? != ScalarType::B64 {
        return Err(ins.unsupported());
    }
    let [d, state] = ins.operands()?;
    let state = f.read(ins, state, ScalarType::B64)?;
    let pending = f.emit(Op::Truncate(Type::B32, state), Type::B32);
    let pending = f.binary_with(BinaryOp::And, pending, COUNT_MASK);
    f.write(ins, d, ScalarType::U32, pending)
}

/// Takes the memory order and its scope, which here is always the whole chip; whether it is relaxed.
fn take_order(ins: &mut Ins<'_, '_>) -> bool {
    let relaxed = ins.modifiers.take("relaxed");
    ins.modifiers
        .take_all(|word| matches!(word, "release" | "acquire" | "cta" | "cluster"));
    relaxed
}

/// A count, which is in range by the rules of PTX; what is beyond the range is dropped.
fn read_count<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    operand: &Operand<'a>,
) -> Lowered<Value> {
    let count = f.read(ins, operand, ScalarType::U32)?;
    let count = f.binary_with(BinaryOp::And, count, COUNT_MASK);
    Ok(f.resize(count, 32, false, Type::B64))
}

fn store(f: &mut Lowering<'_, '_, '_>, at: MemoryOperand, value: Value) {
    f.effect(Op::Store {
        space: at.space,
        width: Width::W64,
        address: at.address,
        offset: at.offset,
        value,
        ordered: true,
    });
}

fn add(f: &mut Lowering<'_, '_, '_>, at: MemoryOperand, change: Value) -> Value {
    let op = Op::Atomic {
        op: AtomicOp::Add,
        space: at.space,
        width: Width::W64,
        address: at.address,
        offset: at.offset,
        operand: change,
        compare: None,
    };
    f.emit(op, Type::B64)
}
