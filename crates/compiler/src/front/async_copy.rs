//! Asynchronous copies from global to shared memory: PTX ISA section 9.7.9.25.
//!
//! The source is loaded when a copy is asked for. The program may not look at the destination, nor
//! change the source, before it has waited, so the values may be stored at any time until then, and
//! are stored as late as the block of code and registers allow: loads of several copies, and what is
//! computed meanwhile, overlap. What is stored at once makes its group complete early, which is one
//! of the orders that the memory model allows too.

use super::function::{Ins, Lowering, MemoryOperand};
use super::ssa::Variable;
use super::{mbarrier, memory};
use crate::ErrorKind;
use crate::ir::{BinaryOp, IntCompare, Location, Op, ShiftOp, Space, Type, Value, Width};
use weft_ptx::ast::{Immediate, Operand, ScalarType};

type Lowered<T = ()> = Result<T, ErrorKind>;

/// Most vector registers of values that wait to be stored.
const WAITING_REGISTERS_MAX: u32 = 8;

/// Copies of the current block whose values have been loaded and not stored yet.
#[derive(Debug, Default)]
pub(super) struct Copies {
    waiting: Vec<Waiting>,
    /// Groups that have been committed.
    groups: u64,
}

#[derive(Debug)]
struct Waiting {
    location: Location,
    /// Groups committed before.
    group: u64,
    width: Width,
    store: Op,
}

impl Copies {
    fn registers(&self) -> u32 {
        let registers = |waiting: &Waiting| waiting.width.bytes().div_ceil(4);
        self.waiting.iter().map(registers).sum()
    }
}

/// Whether what is waiting to be stored may be stored after an instruction, if it is in the same
/// block. `cp` itself sees to it where it waits.
pub(super) fn may_wait_for(opcode: &str) -> bool {
    matches!(
        opcode,
        "cp" | "ld" | "ldmatrix" | "st" | "mma" | "bar" | "barrier"
    )
}

/// Stores what has been copied.
pub(super) fn finish(f: &mut Lowering<'_, '_, '_>) {
    finish_all_but(f, 0);
}

/// Stores what has been copied by all groups but the `count` committed last.
fn finish_all_but(f: &mut Lowering<'_, '_, '_>, count: u64) {
    if f.copies.waiting.is_empty() {
        return;
    }
    let here = f.ssa.location();
    let complete = |waiting: &Waiting| waiting.group.saturating_add(count) < f.copies.groups;
    let first = if count == 0 {
        f.copies.waiting.len()
    } else {
        f.copies.waiting.partition_point(complete)
    };
    let done: Vec<Waiting> = f.copies.waiting.drain(..first).collect();
    for waiting in done {
        f.ssa.set_location(waiting.location);
        f.effect(waiting.store);
    }
    f.ssa.set_location(here);
}

/// `cp.async`, `cp.async.commit_group`, `cp.async.wait_group`, `cp.async.wait_all`,
/// `cp.async.mbarrier.arrive`. The other forms of `cp` copy in bulk, on devices of compute capability
/// 9.0, and are not supported.
pub(super) fn cp<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    if !ins.modifiers.take("async") {
        return Err(ins.unsupported());
    }
    if ins.modifiers.take("commit_group") {
        let [] = ins.operands()?;
        f.copies.groups += 1;
        return Ok(());
    }
    if ins.modifiers.take("wait_all") {
        let [] = ins.operands()?;
        finish(f);
        return Ok(());
    }
    if ins.modifiers.take("mbarrier") {
        finish(f);
        return mbarrier::arrive_after_copies(f, ins);
    }
    if ins.modifiers.take("wait_group") {
        let [Operand::Immediate(Immediate::Integer(count, _))] = ins.operands()? else {
            return Err(ins.wrong_operand(&ins.ast.operands[0], "a constant"));
        };
        finish_all_but(f, *count);
        return Ok(());
    }
    let shared = ins.modifiers.take("shared") || ins.modifiers.take("shared::cta");
    if !shared || !ins.modifiers.take("global") {
        return Err(ins.unsupported());
    }
    memory::take_cache_hints(ins);
    let policy = ins.modifiers.take("L2::cache_hint");
    if !ins.modifiers.is_empty() {
        return Err(ins.unsupported());
    }
    copy(f, ins, policy)
}

fn copy<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &Ins<'t, 'a>, policy: bool) -> Lowered {
    let operands = match ins.ast.operands.split_last() {
        Some((_, rest)) if policy => rest,
        _ => &ins.ast.operands,
    };
    let (to, from, bytes, limit) = match operands {
        [to, from, bytes] => (to, from, bytes, None),
        [to, from, bytes, limit] => (to, from, bytes, Some(limit)),
        _ => return Err(ins.operand_count("3 or 4, and a policy with .L2::cache_hint")),
    };
    let &Operand::Immediate(Immediate::Integer(bytes @ (4 | 8 | 16), _)) = bytes else {
        return Err(ins.wrong_operand(bytes, "4, 8 or 16"));
    };
    let to = f.memory_operand(ins, to, Space::Shared)?;
    let from = f.memory_operand(ins, from, Space::Global)?;
    let limit = match limit {
        Some(limit) => source_bytes(f, ins, limit, bytes)?,
        None => None,
    };
    match limit {
        None => copy_all(f, ins, to, from, bytes),
        Some(limit) => copy_some(f, ins, to, from, bytes, limit),
    }
}

/// How many bytes of the source count, by its size or by a predicate that says to ignore it;
/// `None` for all of them.
fn source_bytes<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    operand: &Operand<'a>,
    bytes: u64,
) -> Lowered<Option<Value>> {
    if matches!(operand, Operand::Immediate(Immediate::Integer(size, _)) if *size == bytes) {
        return Ok(None);
    }
    let is_predicate = match operand {
        Operand::Not(_) => true,
        _ => f
            .register(ins, operand)?
            .is_some_and(|register| register.ty == ScalarType::Pred),
    };
    if !is_predicate {
        return f.read(ins, operand, ScalarType::U32).map(Some);
    }
    let ignore = f.read(ins, operand, ScalarType::Pred)?;
    let (none, all) = (f.constant(Type::B32, 0), f.constant(Type::B32, bytes));
    Ok(Some(f.select(ignore, none, all)))
}

fn copy_all(
    f: &mut Lowering<'_, '_, '_>,
    ins: &Ins<'_, '_>,
    to: MemoryOperand,
    from: MemoryOperand,
    bytes: u64,
) -> Lowered {
    let (width, ty, count) = if bytes == 4 {
        (Width::W32, Type::B32, 1)
    } else {
        (Width::W64, Type::B64, bytes / 8)
    };
    let registers = width.bytes().div_ceil(4) * u32::try_from(count).unwrap_or(u32::MAX);
    if f.copies.registers() + registers > WAITING_REGISTERS_MAX {
        finish(f);
    }
    for index in 0..count {
        let value = load(f, ins, from, index, width, ty)?;
        let store = store(ins, to, index, width, value)?;
        let (location, group) = (f.ssa.location(), f.copies.groups);
        f.copies.waiting.push(Waiting {
            location,
            group,
            width,
            store,
        });
    }
    Ok(())
}

/// Copies the first `limit` bytes and fills up with zeros. The source is not touched beyond
/// them, except for the rest of a word of 4 bytes.
fn copy_some(
    f: &mut Lowering<'_, '_, '_>,
    ins: &Ins<'_, '_>,
    to: MemoryOperand,
    from: MemoryOperand,
    bytes: u64,
    limit: Value,
) -> Lowered {
    for index in 0..bytes / 4 {
        let word = f.ssa.variables(Type::B32, 1);
        let zero = f.constant(Type::B32, 0);
        f.write_variable(word, zero);
        let wanted = f.compare_with(IntCompare::GreaterUnsigned, limit, 4 * index);
        f.when(wanted, |f| load_word(f, ins, from, index, limit, word))?;
        let value = f.read_variable(word);
        let store = store(ins, to, index, Width::W32, value)?;
        f.effect(store);
    }
    Ok(())
}

/// Loads a word of the source, with zeros for its bytes beyond the limit.
fn load_word(
    f: &mut Lowering<'_, '_, '_>,
    ins: &Ins<'_, '_>,
    from: MemoryOperand,
    index: u64,
    limit: Value,
    word: Variable,
) -> Lowered {
    let value = load(f, ins, from, index, Width::W32, Type::B32)?;
    let left = f.binary_with(BinaryOp::Sub, limit, 4 * index);
    let left = f.binary_with(BinaryOp::MinUnsigned, left, 4);
    let bits = f.shift_by(ShiftOp::Left, left, 3);
    let ones = f.constant(Type::B32, u64::MAX);
    let beyond = f.shift(ShiftOp::Left, ones, bits);
    let within = f.unary(crate::ir::UnaryOp::Not, beyond);
    let value = f.binary(BinaryOp::And, value, within);
    f.write_variable(word, value);
    Ok(())
}

fn load(
    f: &mut Lowering<'_, '_, '_>,
    ins: &Ins<'_, '_>,
    from: MemoryOperand,
    index: u64,
    width: Width,
    ty: Type,
) -> Lowered<Value> {
    let op = Op::Load {
        space: from.space,
        width,
        signed: false,
        ty,
        address: from.address,
        offset: memory::element_offset(ins, from, index, width.bytes())?,
        ordered: false,
    };
    Ok(f.emit(op, ty))
}

fn store(
    ins: &Ins<'_, '_>,
    to: MemoryOperand,
    index: u64,
    width: Width,
    value: Value,
) -> Lowered<Op> {
    Ok(Op::Store {
        space: to.space,
        width,
        address: to.address,
        offset: memory::element_offset(ins, to, index, width.bytes())?,
        value,
        ordered: false,
    })
}
