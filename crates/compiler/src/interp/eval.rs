//! The value of pure operations, for constant folding and the interpreter.

use super::float;
use crate::ir::{BinaryOp, IntCompare, Op, ShiftOp, Type, UnaryOp, Value};

/// Results of a pure operation on given operand bits, or `None` for operations whose result
/// depends on more than that: special registers, addresses, approximations.
///
/// Bits beyond a value's type are zero, in operands and results. The second result is 0 for
/// operations that have one.
pub fn evaluate(
    op: &Op,
    ty: impl Fn(Value) -> Type,
    bits: impl Fn(Value) -> u64,
) -> Option<[u64; 2]> {
    let one = |result: u64| Some([result, 0]);
    match *op {
        Op::Undef(_) => one(0),
        Op::Const(_, constant) => one(constant),
        Op::Binary(op, a, b) => one(binary(op, ty(a), bits(a), bits(b))),
        Op::Shift(op, a, amount) => one(shift(op, ty(a), bits(a), bits(amount))),
        Op::Unary(op, a) => one(unary(op, ty(a), bits(a))),
        Op::MulWide { signed, a, b } => {
            let narrow = ty(a);
            let factor = |value| extend(bits(value), narrow.bits(), signed);
            one(mask(narrow.bits() * 2, factor(a).wrapping_mul(factor(b))))
        }
        Op::AddCarry(a, b, carry) => {
            let width = ty(a).bits();
            let sum = u128::from(bits(a)) + u128::from(bits(b)) + u128::from(bits(carry));
            Some([low(width, sum), u64::from(sum >> width != 0)])
        }
        Op::SubBorrow(a, b, borrow) => {
            let width = ty(a).bits();
            let subtracted = u128::from(bits(b)) + u128::from(bits(borrow));
            let difference = u128::from(bits(a)).wrapping_sub(subtracted);
            Some([
                low(width, difference),
                u64::from(subtracted > u128::from(bits(a))),
            ])
        }
        Op::CompareInt(op, a, b) => one(u64::from(compare(op, ty(a), bits(a), bits(b)))),
        Op::CompareFloat(format, op, a, b) => {
            one(u64::from(float::compare(op, format, bits(a), bits(b))))
        }
        Op::Select(condition, then, otherwise) => one(if bits(condition) != 0 {
            bits(then)
        } else {
            bits(otherwise)
        }),
        Op::Truncate(to, value) => one(mask(to.bits(), bits(value))),
        Op::Extend {
            signed,
            from,
            to,
            value,
        } => {
            let narrow = mask(u32::from(from), bits(value));
            one(mask(to.bits(), extend(narrow, u32::from(from), signed)))
        }
        Op::Pack(low, high) => one(bits(low) | bits(high) << ty(low).bits()),
        Op::FloatBinary(op, format, rounding, a, b) => {
            one(float::binary(op, format, rounding, bits(a), bits(b)))
        }
        Op::FusedMultiplyAdd(format, rounding, a, b, c) => {
            one(float::fused(format, rounding, bits(a), bits(b), bits(c)))
        }
        Op::FloatUnary(op, format, rounding, a) => one(float::unary(op, format, rounding, bits(a))),
        Op::FloatToInt {
            from,
            signed,
            bits: width,
            rounding,
            value,
        } => {
            let result = float::to_int(from, signed, width, rounding, bits(value));
            let result_bits = u32::from(width).max(16);
            one(mask(result_bits, result))
        }
        Op::IntToFloat {
            to,
            signed,
            rounding,
            value,
        } => {
            let wide = extend(bits(value), ty(value).bits(), signed);
            one(float::from_int(to, signed, rounding, wide))
        }
        Op::FloatToFloat {
            from,
            to,
            rounding,
            value,
        } => one(float::convert(from, to, rounding, bits(value))),
        Op::Approx(..)
        | Op::ReadSpecial(_)
        | Op::Affine { .. }
        | Op::SymbolAddress(_)
        | Op::FunctionAddress(_)
        | Op::FrameAddress(_)
        | Op::OutgoingAddress(_)
        | Op::ToGeneric(..)
        | Op::FromGeneric(..)
        | Op::IsSpace(..)
        | Op::Load { .. }
        | Op::Store { .. }
        | Op::Atomic { .. }
        | Op::Fence
        | Op::Shuffle { .. }
        | Op::Vote(..)
        | Op::Match { .. }
        | Op::Reduce(..)
        | Op::ActiveMask
        | Op::WarpBarrier(_)
        | Op::FullWarp
        | Op::MultiplyMatrices(..)
        | Op::Barrier { .. }
        | Op::Call(_)
        | Op::CallIndirect(_)
        | Op::CallEnvironment(_) => None,
    }
}

/// The low bits.
pub(super) const fn mask(width: u32, bits: u64) -> u64 {
    if width >= 64 {
        bits
    } else {
        bits & ((1 << width) - 1)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low 64 bits are wanted"
)]
const fn low(width: u32, bits: u128) -> u64 {
    mask(width, bits as u64)
}

/// Bits of a narrow value as 64 bits.
pub(super) const fn extend(bits: u64, width: u32, signed: bool) -> u64 {
    if signed {
        sign(bits, width).cast_unsigned()
    } else {
        bits
    }
}

/// A narrow value as a signed number.
const fn sign(bits: u64, width: u32) -> i64 {
    let unused = 64 - width;
    (bits << unused).cast_signed() >> unused
}

fn binary(op: BinaryOp, ty: Type, a: u64, b: u64) -> u64 {
    let width = ty.bits();
    let (x, y) = (sign(a, width), sign(b, width));
    let (smallest, largest) = (i64::MIN >> (64 - width), i64::MAX >> (64 - width));
    let clamp = |exact: i128| {
        let exact = exact.clamp(smallest.into(), largest.into());
        i64::try_from(exact).expect("clamped").cast_unsigned()
    };
    let result = match op {
        BinaryOp::Add => a.wrapping_add(b),
        BinaryOp::Sub => a.wrapping_sub(b),
        BinaryOp::Mul => a.wrapping_mul(b),
        BinaryOp::MulHighSigned => low(
            64,
            ((i128::from(x) * i128::from(y)) >> width).cast_unsigned(),
        ),
        BinaryOp::MulHighUnsigned => low(64, (u128::from(a) * u128::from(b)) >> width),
        BinaryOp::DivSigned => {
            if y == 0 {
                u64::MAX
            } else {
                x.wrapping_div(y).cast_unsigned()
            }
        }
        BinaryOp::DivUnsigned => a.checked_div(b).unwrap_or(u64::MAX),
        BinaryOp::RemSigned => {
            if y == 0 {
                a
            } else {
                x.wrapping_rem(y).cast_unsigned()
            }
        }
        BinaryOp::RemUnsigned => a.checked_rem(b).unwrap_or(a),
        BinaryOp::MinSigned => x.min(y).cast_unsigned(),
        BinaryOp::MinUnsigned => a.min(b),
        BinaryOp::MaxSigned => x.max(y).cast_unsigned(),
        BinaryOp::MaxUnsigned => a.max(b),
        BinaryOp::AddSaturating => clamp(i128::from(x) + i128::from(y)),
        BinaryOp::SubSaturating => clamp(i128::from(x) - i128::from(y)),
        BinaryOp::And => a & b,
        BinaryOp::Or => a | b,
        BinaryOp::Xor => a ^ b,
    };
    mask(width, result)
}

fn shift(op: ShiftOp, ty: Type, a: u64, amount: u64) -> u64 {
    let width = ty.bits();
    let amount = u32::try_from(amount).unwrap_or(u32::MAX);
    let result = match op {
        ShiftOp::Left if amount < width => a << amount,
        ShiftOp::RightLogical if amount < width => a >> amount,
        ShiftOp::Left | ShiftOp::RightLogical => 0,
        ShiftOp::RightArithmetic => (sign(a, width) >> amount.min(63)).cast_unsigned(),
    };
    mask(width, result)
}

fn unary(op: UnaryOp, ty: Type, a: u64) -> u64 {
    let width = ty.bits();
    let result = match op {
        UnaryOp::Not => !a,
        UnaryOp::Neg => a.wrapping_neg(),
        UnaryOp::Abs => sign(a, width).unsigned_abs(),
        UnaryOp::PopCount => a.count_ones().into(),
        UnaryOp::LeadingZeros => (a.leading_zeros() + width - 64).into(),
        UnaryOp::BitReverse => a.reverse_bits() >> (64 - width),
    };
    mask(width, result)
}

fn compare(op: IntCompare, ty: Type, a: u64, b: u64) -> bool {
    let (x, y) = (sign(a, ty.bits()), sign(b, ty.bits()));
    match op {
        IntCompare::Equal => a == b,
        IntCompare::NotEqual => a != b,
        IntCompare::LessSigned => x < y,
        IntCompare::LessEqualSigned => x <= y,
        IntCompare::GreaterSigned => x > y,
        IntCompare::GreaterEqualSigned => x >= y,
        IntCompare::LessUnsigned => a < b,
        IntCompare::LessEqualUnsigned => a <= b,
        IntCompare::GreaterUnsigned => a > b,
        IntCompare::GreaterEqualUnsigned => a >= b,
    }
}
