//! Thread indices as sums, and operations on their high bits as uniform ones.

use super::bits::{LANE_BITS, low_zeros};
use super::build::Builder;
use super::{constant, definitions};
use crate::analysis::graph::Graph;
use crate::ir::{
    BinaryOp, Function, Inst, IntCompare, LaunchShape, Op, Rows, ShiftOp, Special, Type, Value,
};

/// The bits of a lane.
const LANE_MASK: u64 = (1 << LANE_BITS) - 1;

/// See the module documentation.
pub(in crate::rv) fn expose(function: &mut Function, launch: LaunchShape) {
    if launch.rows == Rows::Any || !reads_thread_ids(function) {
        return;
    }
    let mut pass = Exposing {
        launch,
        definitions: definitions(function),
        aligned: vec![None; function.value_types.len()],
        builder: Builder::new(),
    };
    for block in Graph::new(function).order {
        for inst in function.block(block).insts.clone() {
            pass.builder.location = function.inst(inst).location;
            pass.visit(function, inst);
            pass.builder.keep(inst);
        }
        pass.builder.finish(function, block);
    }
}

fn reads_thread_ids(function: &Function) -> bool {
    let is_thread_id = |op: &Op| matches!(op, Op::ReadSpecial(Special::ThreadId(_)));
    function.insts.iter().any(|inst| is_thread_id(&inst.op))
}

struct Exposing {
    launch: LaunchShape,
    definitions: Vec<Option<Inst>>,
    /// For values that are `base + lane` with a base that is a multiple of 32: the base. Then the
    /// sum has no carries: its low five bits are the lane, and the others those of the base.
    aligned: Vec<Option<Value>>,
    builder: Builder,
}

impl Exposing {
    fn add(&mut self, function: &mut Function, op: Op) -> Value {
        let ty = match op {
            Op::Binary(_, a, _) | Op::Shift(_, a, _) => function.ty(a),
            _ => Type::B32,
        };
        let value = self.builder.add(function, op, ty);
        self.definitions.resize(function.value_types.len(), None);
        self.aligned.resize(function.value_types.len(), None);
        let inst = u32::try_from(function.insts.len() - 1).expect("as for values");
        let defined = &mut self.definitions[value.index()];
        // Unless the block had it already.
        if defined.is_none() {
            *defined = Some(Inst(inst));
        }
        value
    }

    fn constant(&mut self, function: &mut Function, bits: u64) -> Value {
        self.add(function, Op::Const(Type::B32, bits))
    }

    fn first(&mut self, function: &mut Function, axis: u8) -> Value {
        self.add(function, Op::ReadSpecial(Special::FirstThreadId(axis)))
    }

    /// Rewrites one instruction.
    fn visit(&mut self, function: &mut Function, inst: Inst) {
        let data = function.inst(inst);
        let &[result] = data.results.as_slice() else {
            return;
        };
        let better = match data.op {
            Op::ReadSpecial(Special::ThreadId(axis)) => self.thread_id(function, axis, result),
            Op::Binary(op, a, b) if function.ty(a) == Type::B32 => {
                self.binary(function, op, a, b, result)
            }
            Op::Shift(op, a, by) => self.shift(function, op, a, by),
            Op::CompareInt(op, a, b) => self.compare(function, op, a, b),
            _ => None,
        };
        if let Some(op) = better {
            function.insts[inst.index()].op = op;
        }
    }

    /// `base + lane`, which `result` is.
    fn sum(&mut self, base: Value, result: Value) -> Op {
        self.aligned[result.index()] = Some(base);
        Op::Affine {
            base,
            stride: 1,
            wrap: None,
        }
    }

    fn thread_id(&mut self, function: &mut Function, axis: u8, result: Value) -> Option<Op> {
        match (self.launch.rows, axis) {
            (Rows::Any, _) => None,
            (Rows::Line | Rows::Whole, 0) => {
                let base = self.first(function, 0);
                Some(self.sum(base, result))
            }
            (Rows::Line, _) => Some(Op::Const(Type::B32, 0)),
            (Rows::Short { log2 }, 0) => {
                let lane = self.add(function, Op::ReadSpecial(Special::Lane));
                let mask = self.constant(function, (1 << log2) - 1);
                Some(Op::Binary(BinaryOp::And, lane, mask))
            }
            (Rows::Short { log2 }, 1) => {
                let lane = self.add(function, Op::ReadSpecial(Special::Lane));
                let by = self.constant(function, log2.into());
                let row = self.add(function, Op::Shift(ShiftOp::RightLogical, lane, by));
                let first = self.first(function, 1);
                Some(Op::Binary(BinaryOp::Add, first, row))
            }
            (Rows::Whole | Rows::Short { .. }, _) => {
                Some(Op::ReadSpecial(Special::FirstThreadId(axis)))
            }
        }
    }

    fn base(&self, value: Value) -> Option<Value> {
        self.aligned.get(value.index()).copied().flatten()
    }

    fn is_multiple(&self, function: &Function, value: Value) -> bool {
        low_zeros(function, &self.definitions, self.launch, value) >= LANE_BITS
    }

    fn binary(
        &mut self,
        function: &mut Function,
        op: BinaryOp,
        a: Value,
        b: Value,
        result: Value,
    ) -> Option<Op> {
        let ((base, other), swapped) = match (self.base(a), self.base(b)) {
            (Some(base), None) => ((base, b), false),
            (None, Some(base)) => ((base, a), true),
            (None, None) if op == BinaryOp::And => return self.masked_shift(function, a, b),
            _ => return None,
        };
        match op {
            BinaryOp::Add | BinaryOp::Or | BinaryOp::Xor if self.is_multiple(function, other) => {
                let base = self.add(function, Op::Binary(op, base, other));
                Some(self.sum(base, result))
            }
            BinaryOp::Sub if !swapped && self.is_multiple(function, other) => {
                let base = self.add(function, Op::Binary(op, base, other));
                Some(self.sum(base, result))
            }
            BinaryOp::And => {
                let mask = constant(function, &self.definitions, other)?;
                if mask & LANE_MASK == 0 {
                    Some(Op::Binary(BinaryOp::And, base, other))
                } else if mask & LANE_MASK == LANE_MASK {
                    let base = if mask == LANE_MASK {
                        self.constant(function, 0)
                    } else {
                        self.add(function, Op::Binary(BinaryOp::And, base, other))
                    };
                    Some(self.sum(base, result))
                } else if mask < LANE_MASK {
                    let lane = self.add(function, Op::ReadSpecial(Special::Lane));
                    Some(Op::Binary(BinaryOp::And, lane, other))
                } else {
                    None
                }
            }
            _ => None,
        }
    }

    /// A shifted sum of which a mask leaves no bit of the lane.
    fn masked_shift(&mut self, function: &mut Function, a: Value, b: Value) -> Option<Op> {
        let (shifted, mask, bits) = match (
            constant(function, &self.definitions, a),
            constant(function, &self.definitions, b),
        ) {
            (_, Some(bits)) => (a, b, bits),
            (Some(bits), None) => (b, a, bits),
            (None, None) => return None,
        };
        let definition = (*self.definitions.get(shifted.index())?)?;
        let Op::Shift(op, sum, by) = function.inst(definition).op else {
            return None;
        };
        let base = self.base(sum)?;
        let count = constant(function, &self.definitions, by)?;
        if count >= u64::from(Type::B32.bits()) {
            return None;
        }
        let of_lane = match op {
            ShiftOp::Left => LANE_MASK << count,
            ShiftOp::RightLogical | ShiftOp::RightArithmetic => LANE_MASK >> count,
        };
        (bits & of_lane & u64::from(u32::MAX) == 0).then(|| {
            let shifted = self.add(function, Op::Shift(op, base, by));
            Op::Binary(BinaryOp::And, shifted, mask)
        })
    }

    fn shift(&mut self, function: &Function, op: ShiftOp, a: Value, by: Value) -> Option<Op> {
        let base = self.base(a)?;
        let count = constant(function, &self.definitions, by)?;
        (op != ShiftOp::Left && count >= u64::from(LANE_BITS)).then_some(Op::Shift(op, base, by))
    }

    /// Whether a sum is below a multiple of 32 its base decides, and likewise for the others.
    fn compare(&mut self, function: &Function, op: IntCompare, a: Value, b: Value) -> Option<Op> {
        use IntCompare as C;
        let (op, base, other) = match (self.base(a), self.base(b)) {
            (Some(base), None) => (op, base, b),
            (None, Some(base)) => (op.swapped(), base, a),
            _ => return None,
        };
        let decides = match op {
            C::LessSigned | C::LessUnsigned | C::GreaterEqualSigned | C::GreaterEqualUnsigned => {
                self.is_multiple(function, other)
            }
            C::GreaterSigned | C::GreaterUnsigned | C::LessEqualSigned | C::LessEqualUnsigned => {
                constant(function, &self.definitions, other)
                    .is_some_and(|bits| bits & LANE_MASK == LANE_MASK)
            }
            C::Equal | C::NotEqual => false,
        };
        decides.then_some(Op::CompareInt(op, base, other))
    }
}
