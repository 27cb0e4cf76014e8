//! Rules that make an operation simpler, looking at the operations that define its operands.
//!
//! A rule gives an operation of the same results, a value that is already there, or a few steps.

use crate::interp::evaluate;
use crate::ir::{
    BinaryOp, FloatCompare, FloatUnaryOp, Function, Inst, IntCompare, Op, ShiftOp, Space,
    Terminator, Type, UnaryOp, Value,
};

/// Definitions seen so far.
#[derive(Debug)]
pub(super) struct Known {
    /// Instruction that defines each value.
    pub(super) definition: Vec<Option<Inst>>,
}

impl Known {
    fn op<'f>(&self, function: &'f Function, value: Value) -> Option<&'f Op> {
        self.definition[value.index()].map(|inst| &function.insts[inst.index()].op)
    }

    fn constant(&self, function: &Function, value: Value) -> Option<u64> {
        match self.op(function, value) {
            Some(&Op::Const(_, bits)) => Some(bits),
            _ => None,
        }
    }
}

/// What a rule found.
#[derive(Debug)]
pub(super) enum Simplified {
    /// No rule applies.
    No,
    /// The same results, more simply.
    Op(Op),
    /// The result is this value.
    Value(Value),
    /// Operations with one result each, then the one with the same results. An operand
    /// `step(i)` is the result of step `i`.
    Steps(Vec<(Op, Type)>, Op),
}

/// Stands for the result of a step until that has a value.
pub(super) const fn step(index: u32) -> Value {
    Value(u32::MAX - index)
}

/// The step a placeholder stands for, if it is one.
pub(super) const fn step_of(value: Value, steps: usize) -> Option<usize> {
    let index = (u32::MAX - value.0) as usize;
    if index < steps { Some(index) } else { None }
}

/// An operation on a value and a constant of its type, or of B32 for shifts.
fn with_constant(ty: Type, bits: u64, op: Op) -> Option<Simplified> {
    Some(Simplified::Steps(vec![(Op::Const(ty, bits), ty)], op))
}

/// Applies the first rule that fits.
pub(super) fn simplify(function: &Function, known: &Known, op: &Op) -> Simplified {
    let rules = Rules { function, known };
    rules
        .fold(op)
        .map_or_else(|| rules.apply(op).unwrap_or(Simplified::No), Simplified::Op)
}

/// Simplifies a branch on a constant or on a negation.
pub(super) fn terminator(function: &Function, known: &Known, terminator: &mut Terminator) {
    match terminator {
        Terminator::Branch {
            condition,
            then,
            otherwise,
        } => {
            if let Some(bits) = known.constant(function, *condition) {
                let taken = if bits != 0 {
                    then.clone()
                } else {
                    otherwise.clone()
                };
                *terminator = Terminator::Jump(taken);
            } else if then == otherwise {
                *terminator = Terminator::Jump(then.clone());
            } else if let Some(&Op::Unary(UnaryOp::Not, inner)) = known.op(function, *condition) {
                *condition = inner;
                std::mem::swap(then, otherwise);
            }
        }
        Terminator::Switch { index, targets } => {
            if let Some(bits) = known.constant(function, *index) {
                let target = usize::try_from(bits)
                    .ok()
                    .and_then(|index| targets.get(index));
                *terminator = match target {
                    Some(edge) => Terminator::Jump(edge.clone()),
                    None => Terminator::Fault(weft_isa::abi::FaultCode::BadTarget),
                };
            }
        }
        Terminator::Jump(_) | Terminator::Return | Terminator::Exit | Terminator::Fault(_) => {}
    }
}

struct Rules<'f> {
    function: &'f Function,
    known: &'f Known,
}

impl Rules<'_> {
    fn op(&self, value: Value) -> Option<&Op> {
        self.known.op(self.function, value)
    }

    fn constant(&self, value: Value) -> Option<u64> {
        self.known.constant(self.function, value)
    }

    fn ty(&self, value: Value) -> Type {
        self.function.ty(value)
    }

    fn ones(&self, value: Value) -> u64 {
        u64::MAX >> (64 - self.ty(value).bits())
    }

    /// The constant an operation of constants comes to.
    fn fold(&self, op: &Op) -> Option<Op> {
        let two_results = matches!(op, Op::AddCarry(..) | Op::SubBorrow(..));
        if matches!(op, Op::Const(..) | Op::Undef(_)) || two_results || !op.is_pure() {
            return None;
        }
        let mut all_constant = true;
        op.for_each_operand(|value| all_constant &= self.constant(value).is_some());
        if !all_constant {
            return None;
        }
        let bits = |value| self.constant(value).unwrap_or(0);
        let [result, _] = evaluate(op, |value| self.ty(value), bits)?;
        Some(Op::Const(self.result_type(op)?, result))
    }

    /// Type of the result of an operation that can be folded.
    fn result_type(&self, op: &Op) -> Option<Type> {
        Some(match *op {
            Op::Binary(_, a, _) | Op::Shift(_, a, _) | Op::Select(_, a, _) => self.ty(a),
            Op::Unary(UnaryOp::PopCount | UnaryOp::LeadingZeros, _) => Type::B32,
            Op::Unary(_, a) => self.ty(a),
            Op::MulWide { a, .. } | Op::Pack(a, _) => double(self.ty(a)),
            Op::CompareInt(..) | Op::CompareFloat(..) => Type::Pred,
            Op::Truncate(to, _) | Op::Extend { to, .. } => to,
            Op::FloatBinary(_, format, ..)
            | Op::FusedMultiplyAdd(format, ..)
            | Op::FloatUnary(_, format, ..)
            | Op::IntToFloat { to: format, .. }
            | Op::FloatToFloat { to: format, .. } => format.ty(),
            Op::FloatToInt { bits: 8 | 16, .. } => Type::B16,
            Op::FloatToInt { bits: 32, .. } => Type::B32,
            Op::FloatToInt { .. } => Type::B64,
            _ => return None,
        })
    }

    fn apply(&self, op: &Op) -> Option<Simplified> {
        match *op {
            Op::Binary(op, a, b) => self.binary(op, a, b),
            Op::Shift(op, a, amount) => self.shift(op, a, amount),
            Op::Unary(UnaryOp::Not, a) => self.not(a),
            Op::MulWide { signed, a, b } => self.mul_wide(signed, a, b),
            Op::CompareInt(op, a, b) => self.compare(op, a, b),
            Op::Select(condition, then, otherwise) => self.select(condition, then, otherwise),
            Op::Truncate(to, value) => self.truncate(to, value),
            Op::Extend {
                signed,
                from,
                to,
                value,
            } => self.extend(signed, from, to, value),
            Op::Pack(low, high) => self.pack(low, high),
            Op::FloatUnary(op, format, rounding, a) => match self.op(a) {
                // Doing it twice changes nothing more.
                Some(&Op::FloatUnary(inner, ..))
                    if inner == op && !matches!(op, FloatUnaryOp::Neg | FloatUnaryOp::Sqrt) =>
                {
                    (op != FloatUnaryOp::RoundToIntegral).then_some(Simplified::Value(a))
                }
                Some(&Op::FloatUnary(FloatUnaryOp::Neg, _, _, inner)) => match op {
                    FloatUnaryOp::Neg => Some(Simplified::Value(inner)),
                    FloatUnaryOp::Abs => {
                        Some(Simplified::Op(Op::FloatUnary(op, format, rounding, inner)))
                    }
                    _ => None,
                },
                _ => None,
            },
            Op::ToGeneric(Space::Global | Space::Const, value)
            | Op::FromGeneric(Space::Global | Space::Const, value) => {
                Some(Simplified::Value(value))
            }
            Op::ToGeneric(space, value) => match self.op(value) {
                Some(&Op::FromGeneric(inner, original)) if inner == space => {
                    Some(Simplified::Value(original))
                }
                _ => None,
            },
            Op::FromGeneric(space, value) => match self.op(value) {
                Some(&Op::ToGeneric(inner, original)) if inner == space => {
                    Some(Simplified::Value(original))
                }
                _ => None,
            },
            Op::Load {
                space,
                width,
                signed,
                ty,
                address,
                offset,
                ordered,
            } => {
                let (space, address, offset) = self.address(space, address, offset)?;
                let load = Op::Load {
                    space,
                    width,
                    signed,
                    ty,
                    address,
                    offset,
                    ordered,
                };
                Some(Simplified::Op(load))
            }
            Op::Store {
                space,
                width,
                address,
                offset,
                value,
                ordered,
            } => {
                let (space, address, offset) = self.address(space, address, offset)?;
                let store = Op::Store {
                    space,
                    width,
                    address,
                    offset,
                    value,
                    ordered,
                };
                Some(Simplified::Op(store))
            }
            Op::Atomic {
                op,
                space,
                width,
                address,
                offset,
                operand,
                compare,
            } => {
                let (space, address, offset) = self.address(space, address, offset)?;
                if !matches!(space, Space::Generic | Space::Global | Space::Shared) {
                    return None;
                }
                let atomic = Op::Atomic {
                    op,
                    space,
                    width,
                    address,
                    offset,
                    operand,
                    compare,
                };
                Some(Simplified::Op(atomic))
            }
            _ => None,
        }
    }

    fn binary(&self, op: BinaryOp, a: Value, b: Value) -> Option<Simplified> {
        let ty = self.ty(a);
        let (ca, cb) = (self.constant(a), self.constant(b));
        // Constants go to the right.
        if ca.is_some() && cb.is_none() && is_commutative(op) {
            return Some(Simplified::Op(Op::Binary(op, b, a)));
        }
        let constant = |bits: u64| Some(Simplified::Op(Op::Const(ty, bits & self.ones(a))));
        if a == b {
            match op {
                BinaryOp::Sub | BinaryOp::Xor => return constant(0),
                BinaryOp::And
                | BinaryOp::Or
                | BinaryOp::MinSigned
                | BinaryOp::MinUnsigned
                | BinaryOp::MaxSigned
                | BinaryOp::MaxUnsigned => return Some(Simplified::Value(a)),
                _ => {}
            }
        }
        let cb = cb?;
        let same = Some(Simplified::Value(a));
        let power = (cb.count_ones() == 1).then(|| cb.trailing_zeros());
        match op {
            BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Or
            | BinaryOp::Xor
            | BinaryOp::AddSaturating
            | BinaryOp::SubSaturating
            | BinaryOp::MaxUnsigned
                if cb == 0 =>
            {
                same
            }
            BinaryOp::Mul | BinaryOp::DivSigned | BinaryOp::DivUnsigned if cb == 1 => same,
            BinaryOp::Mul | BinaryOp::And | BinaryOp::MinUnsigned | BinaryOp::MulHighUnsigned
                if cb == 0 =>
            {
                constant(0)
            }
            BinaryOp::And | BinaryOp::MinUnsigned if cb == self.ones(a) => same,
            BinaryOp::Or | BinaryOp::MaxUnsigned if cb == self.ones(a) => constant(u64::MAX),
            BinaryOp::Xor if ty == Type::Pred => Some(Simplified::Op(Op::Unary(UnaryOp::Not, a))),
            BinaryOp::RemUnsigned if cb == 1 => constant(0),
            BinaryOp::Mul => {
                let amount = power?;
                let op = Op::Shift(ShiftOp::Left, a, step(0));
                with_constant(Type::B32, amount.into(), op)
            }
            BinaryOp::DivUnsigned => {
                let amount = power?;
                let op = Op::Shift(ShiftOp::RightLogical, a, step(0));
                with_constant(Type::B32, amount.into(), op)
            }
            BinaryOp::RemUnsigned => {
                power?;
                with_constant(ty, cb - 1, Op::Binary(BinaryOp::And, a, step(0)))
            }
            BinaryOp::Sub => {
                let negated = cb.wrapping_neg() & self.ones(a);
                with_constant(ty, negated, Op::Binary(BinaryOp::Add, a, step(0)))
            }
            BinaryOp::Add | BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => {
                // Two constants in a row become one.
                let Some(&Op::Binary(inner, x, c)) = self.op(a) else {
                    return None;
                };
                let ca = self.constant(c).filter(|_| inner == op)?;
                let both = match op {
                    BinaryOp::Add => ca.wrapping_add(cb),
                    BinaryOp::And => ca & cb,
                    BinaryOp::Or => ca | cb,
                    _ => ca ^ cb,
                };
                with_constant(ty, both & self.ones(a), Op::Binary(op, x, step(0)))
            }
            _ => None,
        }
    }

    fn shift(&self, op: ShiftOp, a: Value, amount: Value) -> Option<Simplified> {
        let amount = self.constant(amount)?;
        let width = u64::from(self.ty(a).bits());
        match op {
            _ if amount == 0 => Some(Simplified::Value(a)),
            ShiftOp::Left | ShiftOp::RightLogical if amount >= width => {
                Some(Simplified::Op(Op::Const(self.ty(a), 0)))
            }
            ShiftOp::Left | ShiftOp::RightLogical | ShiftOp::RightArithmetic => {
                let Some(&Op::Shift(inner, x, before)) = self.op(a) else {
                    return None;
                };
                let before = self.constant(before).filter(|_| inner == op)?;
                // Beyond the width a sum of amounts still says the same.
                let both = before.saturating_add(amount).min(255);
                with_constant(Type::B32, both, Op::Shift(op, x, step(0)))
            }
        }
    }

    fn not(&self, a: Value) -> Option<Simplified> {
        match *self.op(a)? {
            Op::Unary(UnaryOp::Not, inner) => Some(Simplified::Value(inner)),
            Op::CompareInt(op, x, y) => Some(Simplified::Op(Op::CompareInt(opposite(op), x, y))),
            Op::CompareFloat(format, op, x, y) => Some(Simplified::Op(Op::CompareFloat(
                format,
                opposite_float(op),
                x,
                y,
            ))),
            _ => None,
        }
    }

    fn mul_wide(&self, signed: bool, a: Value, b: Value) -> Option<Simplified> {
        if self.constant(a).is_some() && self.constant(b).is_none() {
            return Some(Simplified::Op(Op::MulWide { signed, a: b, b: a }));
        }
        let (from, to) = (self.ty(a), double(self.ty(a)));
        match self.constant(b)? {
            0 => Some(Simplified::Op(Op::Const(to, 0))),
            power if power.count_ones() == 1 && !(signed && power >> (from.bits() - 1) != 0) => {
                let amount = power.trailing_zeros();
                let from = u8::try_from(from.bits()).unwrap_or(32);
                let extended = Op::Extend {
                    signed,
                    from,
                    to,
                    value: a,
                };
                if amount == 0 {
                    return Some(Simplified::Op(extended));
                }
                let amount = (Op::Const(Type::B32, amount.into()), Type::B32);
                let op = Op::Shift(ShiftOp::Left, step(0), step(1));
                Some(Simplified::Steps(vec![(extended, to), amount], op))
            }
            _ => None,
        }
    }

    fn compare(&self, op: IntCompare, a: Value, b: Value) -> Option<Simplified> {
        if a == b {
            let holds = matches!(
                op,
                IntCompare::Equal
                    | IntCompare::LessEqualSigned
                    | IntCompare::LessEqualUnsigned
                    | IntCompare::GreaterEqualSigned
                    | IntCompare::GreaterEqualUnsigned
            );
            return Some(Simplified::Op(Op::Const(Type::Pred, u64::from(holds))));
        }
        let (ca, cb) = (self.constant(a), self.constant(b));
        if ca.is_some() && cb.is_none() {
            return Some(Simplified::Op(Op::CompareInt(op.swapped(), b, a)));
        }
        let cb = cb?;
        // A predicate made a number and tested again.
        if let Some(&Op::Select(condition, then, otherwise)) = self.op(a)
            && let (Some(then), Some(otherwise)) = (self.constant(then), self.constant(otherwise))
            && matches!(op, IntCompare::Equal | IntCompare::NotEqual)
        {
            let equal = op == IntCompare::Equal;
            return match ((then == cb) == equal, (otherwise == cb) == equal) {
                (true, false) => Some(Simplified::Value(condition)),
                (false, true) => Some(Simplified::Op(Op::Unary(UnaryOp::Not, condition))),
                (both, _) => Some(Simplified::Op(Op::Const(Type::Pred, u64::from(both)))),
            };
        }
        None
    }

    fn select(&self, condition: Value, then: Value, otherwise: Value) -> Option<Simplified> {
        if let Some(bits) = self.constant(condition) {
            return Some(Simplified::Value(if bits != 0 { then } else { otherwise }));
        }
        let undefined = |value| matches!(self.op(value), Some(Op::Undef(_)));
        if then == otherwise || undefined(otherwise) {
            return Some(Simplified::Value(then));
        }
        if undefined(then) {
            return Some(Simplified::Value(otherwise));
        }
        if let Some(&Op::Unary(UnaryOp::Not, inner)) = self.op(condition) {
            return Some(Simplified::Op(Op::Select(inner, otherwise, then)));
        }
        if self.ty(then) == Type::Pred {
            return match (self.constant(then), self.constant(otherwise)) {
                (Some(1), Some(0)) => Some(Simplified::Value(condition)),
                (Some(0), Some(1)) => Some(Simplified::Op(Op::Unary(UnaryOp::Not, condition))),
                (Some(1), None) => Some(Simplified::Op(Op::Binary(
                    BinaryOp::Or,
                    condition,
                    otherwise,
                ))),
                (None, Some(0)) => Some(Simplified::Op(Op::Binary(BinaryOp::And, condition, then))),
                _ => None,
            };
        }
        None
    }

    fn truncate(&self, to: Type, value: Value) -> Option<Simplified> {
        let narrower = |value: Value| {
            if self.ty(value) == to {
                Simplified::Value(value)
            } else {
                Simplified::Op(Op::Truncate(to, value))
            }
        };
        match *self.op(value)? {
            Op::Truncate(_, inner) => Some(Simplified::Op(Op::Truncate(to, inner))),
            Op::Extend {
                from,
                value: inner,
                signed,
                ..
            } => {
                if u32::from(from) >= to.bits() && self.ty(inner).bits() >= to.bits() {
                    Some(narrower(inner))
                } else {
                    Some(Simplified::Op(Op::Extend {
                        signed,
                        from,
                        to,
                        value: inner,
                    }))
                }
            }
            Op::Pack(low, _) if self.ty(low).bits() >= to.bits() => Some(narrower(low)),
            // The high half of a pair.
            Op::Shift(ShiftOp::RightLogical, pair, amount) => match self.op(pair) {
                Some(&Op::Pack(_, high))
                    if self.constant(amount) == Some(self.ty(high).bits().into())
                        && self.ty(high).bits() >= to.bits() =>
                {
                    Some(narrower(high))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn extend(&self, signed: bool, from: u8, to: Type, value: Value) -> Option<Simplified> {
        if self.ty(value) == to && u32::from(from) == to.bits() {
            return Some(Simplified::Value(value));
        }
        match *self.op(value)? {
            // The bits that count are those of the wider value.
            Op::Truncate(_, inner) => Some(Simplified::Op(Op::Extend {
                signed,
                from,
                to,
                value: inner,
            })),
            Op::Extend {
                signed: inner_signed,
                from: inner_from,
                value: inner,
                ..
            } => {
                if inner_from >= from {
                    Some(Simplified::Op(Op::Extend {
                        signed,
                        from,
                        to,
                        value: inner,
                    }))
                } else if !inner_signed || signed {
                    // Between the two widths the bits are zeros, or copies of the sign.
                    let op = Op::Extend {
                        signed: inner_signed,
                        from: inner_from,
                        to,
                        value: inner,
                    };
                    Some(Simplified::Op(op))
                } else {
                    None
                }
            }
            _ => None,
        }
    }

    fn pack(&self, low: Value, high: Value) -> Option<Simplified> {
        // Two halves of one value put together again.
        let &Op::Truncate(_, whole) = self.op(low)? else {
            return None;
        };
        let &Op::Truncate(_, shifted) = self.op(high)? else {
            return None;
        };
        let &Op::Shift(ShiftOp::RightLogical, source, amount) = self.op(shifted)? else {
            return None;
        };
        let half = u64::from(self.ty(low).bits());
        let fits = source == whole
            && self.constant(amount) == Some(half)
            && u64::from(self.ty(whole).bits()) == 2 * half;
        fits.then_some(Simplified::Value(whole))
    }

    /// A simpler address: constants move into the offset, generic addresses of a known space
    /// become offsets in it.
    fn address(&self, space: Space, address: Value, offset: i32) -> Option<(Space, Value, i32)> {
        match *self.op(address)? {
            Op::Binary(BinaryOp::Add, base, constant) if self.ty(address) == Type::B64 => {
                let added = self.constant(constant)?.cast_signed();
                let offset = i64::from(offset).checked_add(added)?;
                Some((space, base, i32::try_from(offset).ok()?))
            }
            Op::ToGeneric(own @ (Space::Shared | Space::Local | Space::Param), inner)
                if space == Space::Generic =>
            {
                Some((own, inner, offset))
            }
            _ => None,
        }
    }
}

/// The type of twice the width.
const fn double(ty: Type) -> Type {
    match ty {
        Type::B16 => Type::B32,
        Type::Pred | Type::B32 | Type::B64 => Type::B64,
    }
}

const fn is_commutative(op: BinaryOp) -> bool {
    match op {
        BinaryOp::Add
        | BinaryOp::Mul
        | BinaryOp::MulHighSigned
        | BinaryOp::MulHighUnsigned
        | BinaryOp::MinSigned
        | BinaryOp::MinUnsigned
        | BinaryOp::MaxSigned
        | BinaryOp::MaxUnsigned
        | BinaryOp::AddSaturating
        | BinaryOp::And
        | BinaryOp::Or
        | BinaryOp::Xor => true,
        BinaryOp::Sub
        | BinaryOp::DivSigned
        | BinaryOp::DivUnsigned
        | BinaryOp::RemSigned
        | BinaryOp::RemUnsigned
        | BinaryOp::SubSaturating => false,
    }
}

/// The comparison that holds when the given one does not.
const fn opposite(op: IntCompare) -> IntCompare {
    match op {
        IntCompare::Equal => IntCompare::NotEqual,
        IntCompare::NotEqual => IntCompare::Equal,
        IntCompare::LessSigned => IntCompare::GreaterEqualSigned,
        IntCompare::LessEqualSigned => IntCompare::GreaterSigned,
        IntCompare::GreaterSigned => IntCompare::LessEqualSigned,
        IntCompare::GreaterEqualSigned => IntCompare::LessSigned,
        IntCompare::LessUnsigned => IntCompare::GreaterEqualUnsigned,
        IntCompare::LessEqualUnsigned => IntCompare::GreaterUnsigned,
        IntCompare::GreaterUnsigned => IntCompare::LessEqualUnsigned,
        IntCompare::GreaterEqualUnsigned => IntCompare::LessUnsigned,
    }
}

/// The comparison that holds when the given one does not; NaN changes sides.
const fn opposite_float(op: FloatCompare) -> FloatCompare {
    match op {
        FloatCompare::Equal => FloatCompare::NotEqualOrNan,
        FloatCompare::NotEqual => FloatCompare::EqualOrNan,
        FloatCompare::Less => FloatCompare::GreaterEqualOrNan,
        FloatCompare::LessEqual => FloatCompare::GreaterOrNan,
        FloatCompare::Greater => FloatCompare::LessEqualOrNan,
        FloatCompare::GreaterEqual => FloatCompare::LessOrNan,
        FloatCompare::EqualOrNan => FloatCompare::NotEqual,
        FloatCompare::NotEqualOrNan => FloatCompare::Equal,
        FloatCompare::LessOrNan => FloatCompare::GreaterEqual,
        FloatCompare::LessEqualOrNan => FloatCompare::Greater,
        FloatCompare::GreaterOrNan => FloatCompare::LessEqual,
        FloatCompare::GreaterEqualOrNan => FloatCompare::Less,
        FloatCompare::Ordered => FloatCompare::Unordered,
        FloatCompare::Unordered => FloatCompare::Ordered,
    }
}
