//! What differs between lanes: a number for each.

use super::build::Builder;
use super::{bits::LANE_BITS, constant, signed};
use crate::ir::{BinaryOp, Function, Inst, Op, ShiftOp, Special, Type, Value};
use std::collections::HashMap;

const LANES: usize = 1 << LANE_BITS;

/// A number for each lane.
pub(super) type Numbers = [i64; LANES];

/// Index of numbers of a [`Patterns`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pattern(u32);

impl Pattern {
    /// 0 in every lane.
    pub(super) const ZERO: Self = Self(0);
}

/// How far definitions are followed for values that depend on the lane alone.
const DEPTH_MAX: u32 = 8;

/// A value of 32 bits in every lane, if it depends on the lane alone.
pub(super) fn of_lanes(
    function: &Function,
    definitions: &[Option<Inst>],
    value: Value,
    depth: u32,
) -> Option<[u32; LANES]> {
    if depth > DEPTH_MAX || function.ty(value) != Type::B32 {
        return None;
    }
    if let Some(bits) = constant(function, definitions, value) {
        return u32::try_from(bits).ok().map(|bits| [bits; LANES]);
    }
    let inst = (*definitions.get(value.index())?)?;
    let of = |value| of_lanes(function, definitions, value, depth + 1);
    let each = |a: [u32; LANES], b: [u32; LANES], op: fn(u32, u32) -> u32| {
        Some(std::array::from_fn(|lane| op(a[lane], b[lane])))
    };
    match function.inst(inst).op {
        Op::ReadSpecial(Special::Lane) => {
            let mut next = 0..;
            Some([(); LANES].map(|()| next.next().unwrap_or(0)))
        }
        Op::Binary(BinaryOp::Add, a, b) => each(of(a)?, of(b)?, u32::wrapping_add),
        Op::Binary(BinaryOp::And, a, b) => each(of(a)?, of(b)?, |a, b| a & b),
        Op::Binary(BinaryOp::Or, a, b) => each(of(a)?, of(b)?, |a, b| a | b),
        Op::Binary(BinaryOp::Xor, a, b) => each(of(a)?, of(b)?, |a, b| a ^ b),
        Op::Shift(ShiftOp::Left, a, by) => {
            each(of(a)?, of(by)?, |a, by| a.checked_shl(by).unwrap_or(0))
        }
        Op::Shift(ShiftOp::RightLogical, a, by) => {
            each(of(a)?, of(by)?, |a, by| a.checked_shr(by).unwrap_or(0))
        }
        _ => None,
    }
}

/// All patterns there are, each once.
#[derive(Debug)]
pub(super) struct Patterns {
    list: Vec<Numbers>,
    indices: HashMap<Numbers, u32>,
}

impl Patterns {
    pub(super) fn new() -> Self {
        let mut this = Self {
            list: Vec::new(),
            indices: HashMap::new(),
        };
        this.add([0; LANES]);
        this
    }

    fn add(&mut self, numbers: Numbers) -> Pattern {
        let next = u32::try_from(self.list.len()).expect("one at most for each value");
        let index = *self.indices.entry(numbers).or_insert(next);
        if index == next {
            self.list.push(numbers);
        }
        Pattern(index)
    }

    /// The numbers that a function gives for the lanes, at the width of a type.
    pub(super) fn of(&mut self, ty: Type, number: impl Fn(usize) -> i64) -> Pattern {
        self.add(std::array::from_fn(|lane| {
            signed(ty, number(lane).cast_unsigned())
        }))
    }

    pub(super) fn get(&self, pattern: Pattern) -> &Numbers {
        &self.list[pattern.0 as usize]
    }

    /// The multiple of the lane that the numbers are, apart from that of lane 0.
    pub(super) fn stride(&self, pattern: Pattern) -> Option<i64> {
        let numbers = self.get(pattern);
        let stride = numbers[1].wrapping_sub(numbers[0]);
        let next = |pair: &[i64]| pair[1].wrapping_sub(pair[0]);
        numbers
            .windows(2)
            .all(|pair| next(pair) == stride)
            .then_some(stride)
    }

    /// Whether all numbers are from 0 to below a power of two.
    pub(super) fn fits(&self, pattern: Pattern, bits: u32) -> bool {
        let numbers = self.get(pattern);
        numbers
            .iter()
            .all(|&number| 0 <= number && number >> bits == 0)
    }

    /// The numbers as unsigned 32-bit offsets from the least of them.
    pub(super) fn index(&self, pattern: Pattern) -> Option<Index> {
        let numbers = self.get(pattern);
        let least = *numbers.iter().min()?;
        let far = numbers.iter().max()?.checked_sub(least)?;
        // What each bit of the lane adds.
        let parts: [i64; LANE_BITS as usize] =
            std::array::from_fn(|bit| numbers[1 << bit].wrapping_sub(numbers[0]));
        let is_sum = numbers.iter().enumerate().all(|(lane, &number)| {
            let chosen = parts
                .iter()
                .enumerate()
                .filter(|(bit, _)| lane >> bit & 1 != 0);
            let sum = chosen.fold(numbers[0], |sum, (_, &part)| sum.wrapping_add(part));
            sum == number
        });
        (is_sum && far <= i64::from(i32::MAX)).then_some(Index {
            least,
            first: numbers[0] - least,
            parts,
        })
    }
}

/// Numbers that are sums of what the bits of the lane add.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Index {
    /// The least number.
    pub(super) least: i64,
    /// Distance of that of lane 0 from the least.
    first: i64,
    parts: [i64; LANE_BITS as usize],
}

impl Index {
    /// Appends the computation of the distances from the least number (B32).
    pub(super) fn build(&self, builder: &mut Builder, function: &mut Function) -> Value {
        let ty = Type::B32;
        let lane = builder.add(function, Op::ReadSpecial(Special::Lane), ty);
        let mut sum = builder.constant(function, ty, self.first);
        let mut bit = 0;
        while bit < LANE_BITS {
            let part = self.parts[bit as usize];
            // Bits that add twice what the one before adds make a number.
            let mut end = bit + 1;
            while end < LANE_BITS && self.parts[end as usize] == self.parts[end as usize - 1] << 1 {
                end += 1;
            }
            if part != 0 {
                let mut digit = lane;
                if bit != 0 {
                    let by = builder.constant(function, ty, bit.into());
                    digit = builder.add(function, Op::Shift(ShiftOp::RightLogical, digit, by), ty);
                }
                if end != LANE_BITS {
                    let mask = builder.constant(function, ty, (1 << (end - bit)) - 1);
                    digit = builder.add(function, Op::Binary(BinaryOp::And, digit, mask), ty);
                }
                let added = if part == 1 {
                    digit
                } else if part > 0 && part.cast_unsigned().is_power_of_two() {
                    let by = builder.constant(function, ty, part.trailing_zeros().into());
                    builder.add(function, Op::Shift(ShiftOp::Left, digit, by), ty)
                } else {
                    let factor = builder.constant(function, ty, part);
                    builder.add(function, Op::Binary(BinaryOp::Mul, digit, factor), ty)
                };
                sum = builder.add(function, Op::Binary(BinaryOp::Add, sum, added), ty);
            }
            bit = end;
        }
        sum
    }
}
