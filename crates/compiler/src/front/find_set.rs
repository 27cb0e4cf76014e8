//! `fns`: PTX ISA section 9.7.1.17.

use super::function::{Ins, Lowering};
use crate::ErrorKind;
use crate::ir::{BinaryOp, IntCompare, ShiftOp, Type, UnaryOp};
use weft_ptx::ast::ScalarType;

/// `fns.b32 d, mask, base, offset`: the place of the `offset`-th one from bit `base` upwards, downwards for a
/// negative offset; for an offset of 0 `base` itself, if its bit is set. All ones if there is none.
pub(super) fn fns<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
) -> Result<(), ErrorKind> {
    if ins.ty()? != ScalarType::B32 {
        return Err(ins.unsupported());
    }
    let [d, mask, base, offset] = ins.operands()?;
    let mask = f.read(ins, mask, ScalarType::B32)?;
    let base = f.read(ins, base, ScalarType::B32)?;
    let offset = f.read(ins, offset, ScalarType::S32)?;
    let last = f.constant(Type::B32, 31);

    // Downwards is upwards in the reversed mask.
    let down = f.compare_with(IntCompare::LessSigned, offset, 0);
    let reversed = f.unary(UnaryOp::BitReverse, mask);
    let mask = f.select(down, reversed, mask);
    let base_reversed = f.binary(BinaryOp::Sub, last, base);
    let base = f.select(down, base_reversed, base);
    let magnitude = f.unary(UnaryOp::Abs, offset);

    // The ones that count: from `base` on, or there alone.
    let ones = f.constant(Type::B32, u64::from(u32::MAX));
    let one = f.constant(Type::B32, 1);
    let here = f.compare_with(IntCompare::Equal, offset, 0);
    let window = f.select(here, one, ones);
    let window = f.shift(ShiftOp::Left, window, base);
    let candidates = f.binary(BinaryOp::And, mask, window);
    let wanted = f.select(here, one, magnitude);

    // Halving: where the lower half has too few, the place is in the upper one.
    let mut place = f.constant(Type::B32, 0);
    let mut left = wanted;
    for bits in [16, 8, 4, 2, 1] {
        let from_place = f.shift(ShiftOp::RightLogical, candidates, place);
        let half = f.binary_with(BinaryOp::And, from_place, (1 << bits) - 1);
        let count = f.unary(UnaryOp::PopCount, half);
        let above = f.compare(IntCompare::GreaterUnsigned, left, count);
        let fewer = f.binary(BinaryOp::Sub, left, count);
        left = f.select(above, fewer, left);
        let further = f.binary_with(BinaryOp::Add, place, bits);
        place = f.select(above, further, place);
    }
    let mirrored = f.binary(BinaryOp::Sub, last, place);
    let place = f.select(down, mirrored, place);
    let there = f.unary(UnaryOp::PopCount, candidates);
    let none = f.compare(IntCompare::LessUnsigned, there, wanted);
    let result = f.select(none, ones, place);
    f.write(ins, d, ScalarType::B32, result)
}
