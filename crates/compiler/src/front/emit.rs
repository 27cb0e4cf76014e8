//! Short names for the operations that lowerings combine.

use super::function::Lowering;
use crate::ir::{BinaryOp, IntCompare, Op, ShiftOp, Type, UnaryOp, Value};

impl Lowering<'_, '_, '_> {
    /// Operation of two operands of one type.
    pub(super) fn binary(&mut self, op: BinaryOp, a: Value, b: Value) -> Value {
        let ty = self.ty(a);
        self.emit(Op::Binary(op, a, b), ty)
    }

    /// Operation with a constant.
    pub(super) fn binary_with(&mut self, op: BinaryOp, a: Value, bits: u64) -> Value {
        let ty = self.ty(a);
        let b = self.constant(ty, bits);
        self.binary(op, a, b)
    }

    /// Operation of one operand.
    pub(super) fn unary(&mut self, op: UnaryOp, a: Value) -> Value {
        let ty = match op {
            UnaryOp::PopCount | UnaryOp::LeadingZeros => Type::B32,
            UnaryOp::Not | UnaryOp::Neg | UnaryOp::Abs | UnaryOp::BitReverse => self.ty(a),
        };
        self.emit(Op::Unary(op, a), ty)
    }

    /// Shift by a value of type B32.
    pub(super) fn shift(&mut self, op: ShiftOp, a: Value, amount: Value) -> Value {
        let ty = self.ty(a);
        self.emit(Op::Shift(op, a, amount), ty)
    }

    /// Shift by a constant.
    pub(super) fn shift_by(&mut self, op: ShiftOp, a: Value, amount: u32) -> Value {
        if amount == 0 {
            return a;
        }
        let amount = self.constant(Type::B32, u64::from(amount));
        self.shift(op, a, amount)
    }

    /// Comparison of integers.
    pub(super) fn compare(&mut self, op: IntCompare, a: Value, b: Value) -> Value {
        self.emit(Op::CompareInt(op, a, b), Type::Pred)
    }

    /// Comparison with a constant.
    pub(super) fn compare_with(&mut self, op: IntCompare, a: Value, bits: u64) -> Value {
        let ty = self.ty(a);
        let b = self.constant(ty, bits);
        self.compare(op, a, b)
    }

    /// One of two values.
    pub(super) fn select(&mut self, condition: Value, then: Value, otherwise: Value) -> Value {
        let ty = self.ty(then);
        self.emit(Op::Select(condition, then, otherwise), ty)
    }

    /// Two halves, low then high.
    pub(super) fn pack(&mut self, low: Value, high: Value) -> Value {
        let ty = if self.ty(low) == Type::B16 {
            Type::B32
        } else {
            Type::B64
        };
        self.emit(Op::Pack(low, high), ty)
    }

    /// The low and the high half of a value.
    pub(super) fn halves(&mut self, value: Value) -> (Value, Value) {
        let (half, bits) = match self.ty(value) {
            Type::B64 => (Type::B32, 32),
            Type::Pred | Type::B16 | Type::B32 => (Type::B16, 16),
        };
        let low = self.emit(Op::Truncate(half, value), half);
        let shifted = self.shift_by(ShiftOp::RightLogical, value, bits);
        let high = self.emit(Op::Truncate(half, shifted), half);
        (low, high)
    }

    /// Full product.
    pub(super) fn mul_wide(&mut self, signed: bool, a: Value, b: Value) -> Value {
        let ty = if self.ty(a) == Type::B16 {
            Type::B32
        } else {
            Type::B64
        };
        self.emit(Op::MulWide { signed, a, b }, ty)
    }
}
