//! Low bits that are zero.

use super::constant;
use crate::ir::{BinaryOp, Function, Inst, LaunchShape, Op, Rows, ShiftOp, Special, Value};

/// Base-2 logarithm of the lanes of a warp.
pub(super) const LANE_BITS: u32 = 5;
/// How far definitions are followed.
const DEPTH_MAX: u32 = 6;

/// How many low bits of a value are known to be zero; at most 32.
pub(super) fn low_zeros(
    function: &Function,
    definitions: &[Option<Inst>],
    launch: LaunchShape,
    value: Value,
) -> u32 {
    zeros(function, definitions, launch, value, 0)
}

fn zeros(
    function: &Function,
    definitions: &[Option<Inst>],
    launch: LaunchShape,
    value: Value,
    depth: u32,
) -> u32 {
    let Some(&Some(inst)) = definitions.get(value.index()) else {
        return 0;
    };
    if depth > DEPTH_MAX {
        return 0;
    }
    let of = |value| zeros(function, definitions, launch, value, depth + 1);
    let found = match function.inst(inst).op {
        Op::Undef(_) => 32,
        Op::Const(_, bits) => bits.trailing_zeros(),
        Op::ReadSpecial(Special::FirstThreadId(0)) => match launch.rows {
            Rows::Line | Rows::Whole => LANE_BITS,
            Rows::Short { .. } => 32,
            Rows::Any => 0,
        },
        Op::ReadSpecial(Special::FirstThreadId(1)) => match launch.rows {
            Rows::Short { log2 } => LANE_BITS - u32::from(log2),
            Rows::Any | Rows::Line | Rows::Whole => 0,
        },
        Op::ReadSpecial(Special::CtaSize(0)) => match launch.rows {
            Rows::Whole => LANE_BITS,
            Rows::Line if launch.full_warps => LANE_BITS,
            Rows::Short { log2 } => log2.into(),
            Rows::Any | Rows::Line => 0,
        },
        Op::Binary(BinaryOp::Mul, a, b) => of(a) + of(b),
        Op::Binary(BinaryOp::And, a, b) => of(a).max(of(b)),
        Op::Binary(BinaryOp::Add | BinaryOp::Sub | BinaryOp::Or | BinaryOp::Xor, a, b) => {
            of(a).min(of(b))
        }
        Op::Shift(ShiftOp::Left, a, by) => {
            let by = constant(function, definitions, by).unwrap_or(0);
            of(a) + u32::try_from(by.min(32)).unwrap_or(32)
        }
        _ => 0,
    };
    found.min(32)
}
