//! Warp instructions: the threads that take part exchange values as at one instant.

use super::thread::{State, Thread};
use super::{Fault, matrix};
use crate::ir::{Op, ReduceOp, ShuffleMode, Unit, Value, VoteMode};
use weft_isa::abi::{FaultCode, LANES};

/// Executes warp instructions that are complete: every member that has not exited is there.
/// `warp` holds the threads of one warp, all waiting or exited. False if nothing could be
/// executed.
///
/// # Errors
///
/// The lane of a thread at an instruction of the whole warp to which others do not come.
pub(super) fn exchange(unit: &Unit, warp: &mut [Thread]) -> Result<bool, (usize, Fault)> {
    let mut progress = false;
    for lane in 0..warp.len() {
        if warp[lane].state != State::AtWarp || is_active_mask(unit, &warp[lane]) {
            continue;
        }
        let place = warp[lane].next_inst();
        if is_of_full_warp(unit, &warp[lane]) {
            let all = warp.len() == LANES
                && warp
                    .iter()
                    .all(|other| other.state == State::AtWarp && other.next_inst() == place);
            if all {
                execute(unit, warp, &Vec::from_iter(0..LANES));
                progress = true;
            }
            continue;
        }
        let members = members(unit, &warp[lane]);
        let awaited: Vec<usize> = (0..warp.len())
            .filter(|&other| members >> other & 1 != 0 && warp[other].state != State::Exited)
            .collect();
        let complete = awaited
            .iter()
            .all(|&other| warp[other].state == State::AtWarp && warp[other].next_inst() == place);
        if complete {
            // A thread that names others without naming itself goes alone.
            let group = if awaited.contains(&lane) {
                awaited
            } else {
                vec![lane]
            };
            execute(unit, warp, &group);
            progress = true;
        }
    }
    if progress {
        return Ok(true);
    }
    // Nobody waits for a thread that asks who is here: all that ask at one place are.
    let Some(first) = (0..warp.len())
        .find(|&lane| warp[lane].state == State::AtWarp && is_active_mask(unit, &warp[lane]))
    else {
        let alone = (0..warp.len())
            .find(|&lane| warp[lane].state == State::AtWarp && is_of_full_warp(unit, &warp[lane]));
        return match alone {
            Some(lane) => Err((lane, Fault::Code(FaultCode::PartialWarp))),
            None => Ok(false),
        };
    };
    let place = warp[first].next_inst();
    let group: Vec<usize> = (0..warp.len())
        .filter(|&lane| warp[lane].state == State::AtWarp && warp[lane].next_inst() == place)
        .collect();
    execute(unit, warp, &group);
    Ok(true)
}

fn is_of_full_warp(unit: &Unit, thread: &Thread) -> bool {
    matches!(
        thread.next_op(unit),
        Op::FullWarp | Op::MultiplyMatrices(..)
    )
}

fn is_active_mask(unit: &Unit, thread: &Thread) -> bool {
    matches!(thread.next_op(unit), Op::ActiveMask)
}

/// The member mask of the warp instruction a thread waits at.
fn members(unit: &Unit, thread: &Thread) -> u64 {
    match *thread.next_op(unit) {
        Op::Shuffle { members, .. }
        | Op::Match { members, .. }
        | Op::Vote(_, _, members)
        | Op::Reduce(_, _, members)
        | Op::WarpBarrier(members) => thread.get(members),
        _ => 0,
    }
}

/// Executes the instruction that all lanes of the group wait at.
fn execute(unit: &Unit, warp: &mut [Thread], group: &[usize]) {
    let present = group.iter().fold(0_u64, |mask, &lane| mask | 1 << lane);
    let op = warp[group[0]].next_op(unit);
    if let Op::MultiplyMatrices(form, fragments) = op {
        let part = |values: &[Value]| -> Vec<Vec<u64>> {
            let of_lane = |thread: &Thread| values.iter().map(|&value| thread.get(value)).collect();
            warp.iter().map(of_lane).collect()
        };
        let results = matrix::multiply(
            *form,
            &part(&fragments.a),
            &part(&fragments.b),
            &part(&fragments.c),
        );
        for (thread, results) in warp.iter_mut().zip(results) {
            thread.complete(unit, &results);
        }
        return;
    }
    let results: Vec<[u64; 2]> = group
        .iter()
        .map(|&lane| {
            let get = |value| warp[lane].get(value);
            let values = |value| group.iter().map(move |&other| (other, value));
            match *op {
                Op::ActiveMask => [present, 0],
                Op::Shuffle {
                    mode, value, b, c, ..
                } => {
                    let (source, in_range) = shuffle_source(mode, lane, get(b), get(c));
                    let bits = if present >> source & 1 != 0 {
                        warp[source].get(value)
                    } else {
                        0
                    };
                    [bits, u64::from(in_range)]
                }
                Op::Vote(mode, pred, _) => {
                    let ballot = values(pred)
                        .filter(|&(other, pred)| warp[other].get(pred) != 0)
                        .fold(0, |mask, (other, _)| mask | 1 << other);
                    let result = match mode {
                        VoteMode::All => u64::from(ballot == present),
                        VoteMode::Any => u64::from(ballot != 0),
                        VoteMode::Uniform => u64::from(ballot == present || ballot == 0),
                        VoteMode::Ballot => ballot,
                    };
                    [result, 0]
                }
                Op::Match { all, value, .. } => {
                    let own = get(value);
                    let same = values(value)
                        .filter(|&(other, value)| warp[other].get(value) == own)
                        .fold(0, |mask, (other, _)| mask | 1 << other);
                    let equal = same == present;
                    [if all && !equal { 0 } else { same }, u64::from(equal)]
                }
                Op::Reduce(op, value, _) => {
                    let all = values(value).map(|(other, value)| warp[other].get(value));
                    [all.reduce(|a, b| reduce(op, a, b)).unwrap_or(0), 0]
                }
                _ => [0, 0],
            }
        })
        .collect();
    for (&lane, results) in group.iter().zip(results) {
        warp[lane].complete(unit, &results);
    }
}

/// Source lane of a shuffle and whether it is in range (PTX ISA section 9.7.9.6).
fn shuffle_source(mode: ShuffleMode, lane: usize, b: u64, c: u64) -> (usize, bool) {
    let lane_bits = LANES as u64 - 1;
    let lane = lane as u64;
    let (b, clamp, segment) = (b & lane_bits, c & lane_bits, c >> 8 & lane_bits);
    let max_lane = lane & segment | clamp & !segment;
    let min_lane = lane & segment;
    let (source, in_range) = match mode {
        ShuffleMode::Up => {
            let source = lane.cast_signed() - b.cast_signed();
            (source.cast_unsigned(), source >= max_lane.cast_signed())
        }
        ShuffleMode::Down => (lane + b, lane + b <= max_lane),
        ShuffleMode::Butterfly => (lane ^ b, lane ^ b <= max_lane),
        ShuffleMode::Index => {
            let source = min_lane | b & !segment;
            (source, source <= max_lane)
        }
    };
    let source = if in_range { source } else { lane };
    (usize::try_from(source & lane_bits).unwrap_or(0), in_range)
}

fn reduce(op: ReduceOp, a: u64, b: u64) -> u64 {
    let signed = |value| super::eval::extend(value, 32, true).cast_signed();
    match op {
        ReduceOp::Add => (a + b) & 0xffff_ffff,
        ReduceOp::MinSigned => {
            if signed(a) <= signed(b) {
                a
            } else {
                b
            }
        }
        ReduceOp::MaxSigned => {
            if signed(a) >= signed(b) {
                a
            } else {
                b
            }
        }
        ReduceOp::MinUnsigned => a.min(b),
        ReduceOp::MaxUnsigned => a.max(b),
        ReduceOp::And => a & b,
        ReduceOp::Or => a | b,
        ReduceOp::Xor => a ^ b,
    }
}
