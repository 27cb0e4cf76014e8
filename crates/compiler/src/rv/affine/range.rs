//! Bounds of 32-bit values.

use super::{definitions, signed_constant};
use crate::ir::{
    BinaryOp, CTAS_MAX, Function, Inst, LaunchShape, Op, ShiftOp, Special, THREADS_MAX, Type, Value,
};

/// Least and largest signed value.
pub(super) type Bounds = (i64, i64);

const INT: Bounds = (i32::MIN as i64, i32::MAX as i64);
/// How far definitions are followed.
const DEPTH_MAX: u32 = 16;

/// Finds bounds of the values of a function.
pub(super) struct Ranges {
    launch: LaunchShape,
    definitions: Vec<Option<Inst>>,
    known: Vec<Option<Option<Bounds>>>,
}

impl Ranges {
    pub(super) fn new(function: &Function, launch: LaunchShape) -> Self {
        Self {
            launch,
            definitions: definitions(function),
            known: vec![None; function.value_types.len()],
        }
    }

    /// Bounds of a B32 value read as a signed number, in every lane, whether it executes or not;
    /// none if it may be any.
    pub(super) fn of(&mut self, function: &Function, value: Value) -> Option<Bounds> {
        self.bounds(function, value, 0)
    }

    fn bounds(&mut self, function: &Function, value: Value, depth: u32) -> Option<Bounds> {
        if let Some(&Some(known)) = self.known.get(value.index()) {
            return known;
        }
        if depth > DEPTH_MAX || function.ty(value) != Type::B32 {
            return None;
        }
        let found = self
            .compute(function, value, depth)
            .filter(|&(low, high)| INT.0 <= low && low <= high && high <= INT.1);
        // What was cut off by the depth may be found from nearer.
        if (found.is_some() || depth == 0)
            && let Some(known) = self.known.get_mut(value.index())
        {
            *known = Some(found);
        }
        found
    }

    fn compute(&mut self, function: &Function, value: Value, depth: u32) -> Option<Bounds> {
        let inst = (*self.definitions.get(value.index())?)?;
        if let Some(constant) = signed_constant(function, &self.definitions, value) {
            return Some((constant, constant));
        }
        let constant = |this: &Self, value| signed_constant(function, &this.definitions, value);
        match function.inst(inst).op {
            Op::ReadSpecial(special) => self.special(special),
            Op::Affine {
                base,
                stride,
                wrap: None,
            } => {
                let (low, high) = self.bounds(function, base, depth + 1)?;
                let last = stride.checked_mul(31)?;
                Some((
                    low.checked_add(last.min(0))?,
                    high.checked_add(last.max(0))?,
                ))
            }
            Op::Binary(op, a, b) => {
                if op == BinaryOp::Mul && self.is_first_of_cta(function, a, b) {
                    return Some((0, THREADS_MAX.into()));
                }
                if op == BinaryOp::And
                    && let Some(mask) = constant(self, b)
                    && mask >= 0
                {
                    let high = match self.bounds(function, a, depth + 1) {
                        Some((low, high)) if low >= 0 => high.min(mask),
                        _ => mask,
                    };
                    return Some((0, high));
                }
                let x = self.bounds(function, a, depth + 1)?;
                let y = self.bounds(function, b, depth + 1)?;
                binary(op, x, y)
            }
            Op::Shift(ShiftOp::Left, a, by) => {
                let (low, high) = self.bounds(function, a, depth + 1)?;
                let by = u32::try_from(constant(self, by)?)
                    .ok()
                    .filter(|&by| by < 32)?;
                Some((low << by, high << by))
            }
            Op::Shift(op, a, by) => {
                let by = u32::try_from(constant(self, by)?)
                    .ok()
                    .filter(|&by| by < 32)?;
                match self.bounds(function, a, depth + 1) {
                    Some((low, high)) if low >= 0 => Some((low >> by, high >> by)),
                    _ if op == ShiftOp::RightLogical && by > 0 => Some((0, (1 << (32 - by)) - 1)),
                    _ => None,
                }
            }
            Op::Extend {
                signed: false,
                from,
                ..
            } if from < 32 => Some((0, (1 << from) - 1)),
            // What some lane has.
            Op::Shuffle { value, .. } => self.bounds(function, value, depth + 1),
            Op::Select(_, a, b) => {
                let x = self.bounds(function, a, depth + 1)?;
                let y = self.bounds(function, b, depth + 1)?;
                Some((x.0.min(y.0), x.1.max(y.1)))
            }
            _ => None,
        }
    }

    fn special(&self, special: Special) -> Option<Bounds> {
        let ctas = |least: i64| {
            if self.launch.bounded {
                (least, i64::from(CTAS_MAX) - 1 + least)
            } else {
                (least, i64::from(i32::MAX) - 1 + least)
            }
        };
        match special {
            Special::ThreadId(_) | Special::FirstThreadId(_) => Some((0, 1023)),
            Special::CtaSize(_) => Some((1, 1024)),
            Special::CtaId(_) => Some(ctas(0)),
            Special::GridSize(_) => Some(ctas(1)),
            Special::Lane | Special::Warp => Some((0, 31)),
            Special::WarpsPerCta => Some((1, 32)),
            _ => None,
        }
    }

    /// Whether two factors are the index of a CTA and the size of CTAs along one axis of a
    /// bounded launch.
    fn is_first_of_cta(&self, function: &Function, a: Value, b: Value) -> bool {
        let special = |value: Value| {
            let inst = (*self.definitions.get(value.index())?)?;
            match function.inst(inst).op {
                Op::ReadSpecial(special) => Some(special),
                _ => None,
            }
        };
        let axes = match (special(a), special(b)) {
            (Some(Special::CtaId(a)), Some(Special::CtaSize(b)))
            | (Some(Special::CtaSize(a)), Some(Special::CtaId(b))) => (a, b),
            _ => return false,
        };
        self.launch.bounded && axes.0 == axes.1
    }
}

fn binary(op: BinaryOp, x: Bounds, y: Bounds) -> Option<Bounds> {
    let nonnegative = x.0 >= 0 && y.0 >= 0;
    match op {
        BinaryOp::Add => Some((x.0 + y.0, x.1 + y.1)),
        BinaryOp::Sub => Some((x.0 - y.1, x.1 - y.0)),
        BinaryOp::Mul => {
            // Factors are within 32 bits.
            let products = [x.0 * y.0, x.0 * y.1, x.1 * y.0, x.1 * y.1];
            Some((*products.iter().min()?, *products.iter().max()?))
        }
        BinaryOp::MinSigned => Some((x.0.min(y.0), x.1.min(y.1))),
        BinaryOp::MaxSigned => Some((x.0.max(y.0), x.1.max(y.1))),
        BinaryOp::And if nonnegative => Some((0, x.1.min(y.1))),
        BinaryOp::And if x.0 >= 0 => Some((0, x.1)),
        BinaryOp::And if y.0 >= 0 => Some((0, y.1)),
        // No more bits than the longer of the two.
        BinaryOp::Or | BinaryOp::Xor if nonnegative => {
            let bits = 64 - (x.1 | y.1).leading_zeros();
            Some((0, (1i64 << bits) - 1))
        }
        BinaryOp::DivUnsigned if nonnegative && y.0 > 0 => Some((x.0 / y.1, x.1 / y.0)),
        BinaryOp::RemUnsigned if nonnegative && y.0 > 0 => Some((0, x.1.min(y.1 - 1))),
        _ => None,
    }
}
