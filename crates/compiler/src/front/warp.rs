//! Warp exchange and barriers: PTX ISA sections 9.7.9.5 (shfl), 9.7.14 (barriers, vote, match,
//! redux, elect).

use super::function::{Ins, Lowering};
use super::types;
use crate::ErrorKind;
use crate::ir::{
    BarrierKind, IntCompare, Op, ReduceOp, ShuffleMode, Special, Type, UnaryOp, Value, VoteMode,
};
use weft_ptx::ast::{Operand, ScalarType};

type Lowered<T = ()> = Result<T, ErrorKind>;

/// A destination and an optional second one: `d` or `d|p`.
fn pair<'t, 'a>(operand: &'t Operand<'a>) -> (&'t Operand<'a>, Option<&'t Operand<'a>>) {
    match operand {
        Operand::Pair(first, second) => (first, Some(second)),
        _ => (operand, None),
    }
}

/// The member mask: the operand of a `.sync` form, the active threads otherwise (targets before
/// `sm_70`, where a warp executes in lock step).
fn members<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    operand: Option<&Operand<'a>>,
) -> Lowered<Value> {
    match operand {
        Some(operand) => f.read(ins, operand, ScalarType::B32),
        None => Ok(f.emit(Op::ActiveMask, Type::B32)),
    }
}

/// `shfl.sync`, `shfl`
pub(super) fn shfl<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let sync = ins.modifiers.take("sync");
    let mode = ins.modifiers.take_map(|word| match word {
        "up" => Some(ShuffleMode::Up),
        "down" => Some(ShuffleMode::Down),
        "bfly" => Some(ShuffleMode::Butterfly),
        "idx" => Some(ShuffleMode::Index),
        _ => None,
    });
    let Some(mode) = mode else {
        return Err(ins.wrong_modifiers("the mode is missing"));
    };
    if ins.ty()? != ScalarType::B32 {
        return Err(ins.unsupported());
    }
    let (d, value, b, c, mask) = match ins.ast.operands.as_slice() {
        [d, value, b, c, mask] if sync => (d, value, b, c, Some(mask)),
        [d, value, b, c] if !sync => (d, value, b, c, None),
        _ => return Err(ins.operand_count(if sync { "5" } else { "4" })),
    };
    let (d, p) = pair(d);
    let value = f.read(ins, value, ScalarType::B32)?;
    let b = f.read(ins, b, ScalarType::B32)?;
    let c = f.read(ins, c, ScalarType::B32)?;
    let members = members(f, ins, mask)?;
    let op = Op::Shuffle {
        mode,
        value,
        b,
        c,
        members,
    };
    let (result, in_range) = f.emit_pair(op, [Type::B32, Type::Pred]);
    f.write(ins, d, ScalarType::B32, result)?;
    match p {
        Some(p) => f.write(ins, p, ScalarType::Pred, in_range),
        None => Ok(()),
    }
}

/// `vote.sync`, `vote`
pub(super) fn vote<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let sync = ins.modifiers.take("sync");
    let mode = ins.modifiers.take_map(|word| match word {
        "all" => Some(VoteMode::All),
        "any" => Some(VoteMode::Any),
        "uni" => Some(VoteMode::Uniform),
        "ballot" => Some(VoteMode::Ballot),
        _ => None,
    });
    let Some(mode) = mode else {
        return Err(ins.wrong_modifiers("the mode is missing"));
    };
    let ty = ins.ty()?;
    let expected = if mode == VoteMode::Ballot {
        ScalarType::B32
    } else {
        ScalarType::Pred
    };
    if ty != expected {
        return Err(ins.wrong_modifiers("ballot is .b32, the other modes are .pred"));
    }
    let (d, a, mask) = match ins.ast.operands.as_slice() {
        [d, a, mask] if sync => (d, a, Some(mask)),
        [d, a] if !sync => (d, a, None),
        _ => return Err(ins.operand_count(if sync { "3" } else { "2" })),
    };
    let a = f.read(ins, a, ScalarType::Pred)?;
    let members = members(f, ins, mask)?;
    let result_type = if mode == VoteMode::Ballot {
        Type::B32
    } else {
        Type::Pred
    };
    let result = f.emit(Op::Vote(mode, a, members), result_type);
    f.write(ins, d, ty, result)
}

/// `match.sync`
pub(super) fn match_sync<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let all = ins.modifiers.take("all");
    if !all && !ins.modifiers.take("any") || !ins.modifiers.take("sync") {
        return Err(ins.wrong_modifiers("one of .any.sync, .all.sync is missing"));
    }
    let ty = ins.ty()?;
    if !matches!(ty, ScalarType::B32 | ScalarType::B64) {
        return Err(ins.unsupported());
    }
    let [d, value, mask] = ins.operands()?;
    let (d, p) = pair(d);
    let value = f.read(ins, value, ty)?;
    let members = f.read(ins, mask, ScalarType::B32)?;
    let op = Op::Match {
        all,
        value,
        members,
    };
    let (mask, equal) = f.emit_pair(op, [Type::B32, Type::Pred]);
    f.write(ins, d, ScalarType::B32, mask)?;
    match p {
        Some(p) => f.write(ins, p, ScalarType::Pred, equal),
        None => Ok(()),
    }
}

/// `redux.sync`
pub(super) fn redux<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    if !ins.modifiers.take("sync") {
        return Err(ins.wrong_modifiers(".sync is missing"));
    }
    let ty = ins.modifiers.last_type();
    let signed = ty == Some(ScalarType::S32);
    let op = ins.modifiers.take_map(|word| match (word, signed) {
        ("add", _) => Some(ReduceOp::Add),
        ("min", true) => Some(ReduceOp::MinSigned),
        ("min", false) => Some(ReduceOp::MinUnsigned),
        ("max", true) => Some(ReduceOp::MaxSigned),
        ("max", false) => Some(ReduceOp::MaxUnsigned),
        ("and", _) => Some(ReduceOp::And),
        ("or", _) => Some(ReduceOp::Or),
        ("xor", _) => Some(ReduceOp::Xor),
        _ => None,
    });
    let ty = ins.ty()?;
    let Some(op) = op else {
        return Err(ins.unsupported());
    };
    if types::bits(ty) != 32 || types::float(ty).is_some() {
        return Err(ins.unsupported());
    }
    let [d, value, mask] = ins.operands()?;
    let value = f.read(ins, value, ty)?;
    let members = f.read(ins, mask, ScalarType::B32)?;
    let result = f.emit(Op::Reduce(op, value, members), Type::B32);
    f.write(ins, d, ty, result)
}

/// `activemask`
pub(super) fn activemask<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    if ins.ty()? != ScalarType::B32 {
        return Err(ins.unsupported());
    }
    let [d] = ins.operands()?;
    let result = f.emit(Op::ActiveMask, Type::B32);
    f.write(ins, d, ScalarType::B32, result)
}

/// `elect.sync d|p, members`: the lowest member is elected; `d` is its lane.
pub(super) fn elect<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    if !ins.modifiers.take("sync") {
        return Err(ins.wrong_modifiers(".sync is missing"));
    }
    let [d, mask] = ins.operands()?;
    let (d, p) = pair(d);
    let members = f.read(ins, mask, ScalarType::B32)?;
    f.effect(Op::WarpBarrier(members));
    let reversed = f.unary(UnaryOp::BitReverse, members);
    let leader = f.unary(UnaryOp::LeadingZeros, reversed);
    let lane = f.emit(Op::ReadSpecial(Special::Lane), Type::B32);
    let elected = f.compare(IntCompare::Equal, lane, leader);
    f.write(ins, d, ScalarType::B32, leader)?;
    match p {
        Some(p) => f.write(ins, p, ScalarType::Pred, elected),
        None => Err(ins.wrong_operand(&ins.ast.operands[0], "d|p")),
    }
}

/// `bar`, `barrier`
pub(super) fn bar<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    if ins.modifiers.take("warp") {
        if !ins.modifiers.take("sync") {
            return Err(ins.unsupported());
        }
        let [mask] = ins.operands()?;
        let members = f.read(ins, mask, ScalarType::B32)?;
        f.effect(Op::WarpBarrier(members));
        return Ok(());
    }
    ins.modifiers.take("cta");
    ins.modifiers.take("aligned");
    if ins.modifiers.take("sync") {
        let (id, threads) = match ins.ast.operands.as_slice() {
            [id] => (id, None),
            [id, threads] => (id, Some(threads)),
            _ => return Err(ins.operand_count("1 or 2")),
        };
        return barrier(f, ins, BarrierKind::Sync, id, threads);
    }
    if ins.modifiers.take("arrive") {
        let [id, threads] = ins.operands()?;
        return barrier(f, ins, BarrierKind::Arrive, id, Some(threads));
    }
    if ins.modifiers.take("red") {
        return reduce(f, ins);
    }
    Err(ins.unsupported())
}

fn barrier<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    kind: BarrierKind,
    id: &Operand<'a>,
    threads: Option<&Operand<'a>>,
) -> Lowered {
    let id = f.read(ins, id, ScalarType::U32)?;
    let threads = match threads {
        Some(threads) => Some(f.read(ins, threads, ScalarType::U32)?),
        None => None,
    };
    f.effect(Op::Barrier {
        kind,
        id,
        threads,
        pred: None,
    });
    Ok(())
}

/// `bar.red.popc.u32 d, id{, threads}, p` and `bar.red.{and,or}.pred q, id{, threads}, p`
fn reduce<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let words = &mut ins.modifiers;
    let (popc, and, or) = (words.take("popc"), words.take("and"), words.take("or"));
    let ty = ins.ty()?;
    let expected = if popc {
        ScalarType::U32
    } else {
        ScalarType::Pred
    };
    if ty != expected || !(popc || and || or) {
        return Err(ins.wrong_modifiers("one of .popc.u32, .and.pred, .or.pred is missing"));
    }
    let (d, id, threads, p) = match ins.ast.operands.as_slice() {
        [d, id, p] => (d, id, None, p),
        [d, id, threads, p] => (d, id, Some(threads), p),
        _ => return Err(ins.operand_count("3 or 4")),
    };
    let id = f.read(ins, id, ScalarType::U32)?;
    let threads = match threads {
        Some(threads) => Some(f.read(ins, threads, ScalarType::U32)?),
        None => None,
    };
    let mut pred = f.read(ins, p, ScalarType::Pred)?;
    if and {
        // All are true when none is false.
        pred = f.unary(UnaryOp::Not, pred);
    }
    let kind = BarrierKind::CountPred;
    let count = f.emit(
        Op::Barrier {
            kind,
            id,
            threads,
            pred: Some(pred),
        },
        Type::B32,
    );
    if popc {
        return f.write(ins, d, ty, count);
    }
    let comparison = if and {
        IntCompare::Equal
    } else {
        IntCompare::NotEqual
    };
    let result = f.compare_with(comparison, count, 0);
    f.write(ins, d, ty, result)
}
