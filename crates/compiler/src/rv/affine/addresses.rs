//! Addresses that are affine, made so in the code.

use super::build::{Builder, new_value};
use super::range::Ranges;
use super::{constant, definitions, signed, signed_constant};
use crate::analysis::divergence::{Divergence, PostDominators};
use crate::analysis::graph::{Dominators, Graph};
use crate::analysis::loops::Loops;
use crate::ir::{
    BinaryOp, Block, Edge, Function, Inst, LaunchShape, Op, ShiftOp, Space, Special, Terminator,
    Type, Value, Wrap,
};
use crate::rv::normalise::remove_dead;

/// What is known of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Nothing yet: it is only reached from values of which nothing is known.
    Unknown,
    /// A uniform base plus the stride times the lane; from some lane on, also plus `wrap`. Both
    /// are 0 and none for uniform values, which are their own bases.
    Affine { stride: i64, wrap: Option<i64> },
    /// Neither.
    Other,
}

impl Form {
    const UNIFORM: Self = Self::stride(0);

    const fn stride(stride: i64) -> Self {
        Self::Affine { stride, wrap: None }
    }
}

/// Largest distance between lanes of a 32-bit value that is followed through a widening: far from
/// wrapping around twice within a warp.
const STRIDE_MAX: i64 = 1 << 20;
/// By how much a 32-bit value is off when it wraps around.
const WRAPPED: i64 = 1 << 32;

/// See the module documentation. The function is in the form that `normalise` makes, and stays
/// so.
pub(in crate::rv) fn rewrite_addresses(function: &mut Function, launch: LaunchShape) {
    let graph = Graph::new(function);
    let dominators = Dominators::new(&graph);
    let loops = Loops::new(&graph, &dominators);
    let is_fault = |block: Block| matches!(function.block(block).terminator, Terminator::Fault(_));
    let layout = loops.layout(&graph, is_fault);
    let post_dominators = PostDominators::new(function, &graph, &loops, &layout);
    let rows = launch.rows;
    let divergence = Divergence::new(function, &graph, &loops, &layout, &post_dominators, rows);
    let mut search = Search {
        graph: &graph,
        divergence: &divergence,
        definitions: definitions(function),
        ranges: Ranges::new(function, launch),
        forms: vec![Form::Unknown; function.value_types.len()],
    };
    search.run(function);
    let needed = search.needed(function);
    if needed.iter().any(|&needed| needed) {
        Rewriting {
            parts: vec![None; function.value_types.len()],
            search,
            needed,
            builder: Builder::new(),
        }
        .run(function);
        remove_dead(function);
    }
}

/// The address of an access that may be rewritten.
fn address_of(op: &Op) -> Option<Value> {
    let (Op::Load { space, address, .. } | Op::Store { space, address, .. }) = *op else {
        return None;
    };
    // Each lane has its own local memory, and parameters are read from uniform addresses.
    (!matches!(space, Space::Local | Space::Param)).then_some(address)
}

/// Arguments that the edges into a block have for its parameter of this number.
fn arguments(function: &Function, graph: &Graph, block: Block, slot: usize) -> Vec<Value> {
    let edges = graph.predecessors[block.index()]
        .iter()
        .flat_map(|&from| function.block(from).terminator.edges());
    edges
        .filter(|edge| edge.block == block)
        .map(|edge| edge.args[slot])
        .collect()
}

struct Search<'a> {
    graph: &'a Graph,
    divergence: &'a Divergence,
    definitions: Vec<Option<Inst>>,
    ranges: Ranges,
    forms: Vec<Form>,
}

impl Search<'_> {
    /// Finds the form of every value: the best that is consistent with all definitions.
    fn run(&mut self, function: &Function) {
        let mut changed = true;
        while changed {
            changed = false;
            for &block in &self.graph.order {
                let data = function.block(block);
                for (slot, &param) in data.params.iter().enumerate() {
                    changed |= self.set(param, |this| this.param(function, block, slot));
                }
                for &inst in &data.insts {
                    let data = function.inst(inst);
                    match data.results.as_slice() {
                        &[result] => {
                            changed |= self.set(result, |this| this.op(function, &data.op, result));
                        }
                        results => {
                            for &result in results {
                                changed |= self.set(result, |_| Form::Other);
                            }
                        }
                    }
                }
            }
        }
    }

    /// Looks at a value again; tells whether its form is another one.
    fn set(&mut self, value: Value, find: impl FnOnce(&mut Self) -> Form) -> bool {
        let old = self.forms[value.index()];
        if old == Form::Other {
            return false;
        }
        let found = if self.divergence.is_divergent(value) {
            find(self)
        } else {
            Form::UNIFORM
        };
        let new = match (old, found) {
            (Form::Unknown, found) => found,
            (old, found) if old == found => return false,
            // The wrap of one argument of a parameter is seen later than the other arguments.
            (
                Form::Affine {
                    stride: a,
                    wrap: None,
                },
                Form::Affine {
                    stride: b,
                    wrap: Some(_),
                },
            ) if a == b => found,
            _ => Form::Other,
        };
        self.forms[value.index()] = new;
        new != old
    }

    fn form(&self, value: Value) -> Form {
        self.forms[value.index()]
    }

    /// Lanes that come to the block together come along one edge, so that what is uniform on
    /// each edge is uniform.
    fn param(&self, function: &Function, block: Block, slot: usize) -> Form {
        if self.divergence.is_meeting(block) {
            return Form::Other;
        }
        let mut met = Form::Unknown;
        for argument in arguments(function, self.graph, block, slot) {
            met = match (met, self.form(argument)) {
                (form, Form::Unknown) | (Form::Unknown, form) => form,
                (
                    Form::Affine { stride: a, wrap },
                    Form::Affine {
                        stride: b,
                        wrap: other,
                    },
                ) if a == b && (wrap.is_none() || other.is_none() || wrap == other) => {
                    Form::Affine {
                        stride: a,
                        wrap: wrap.or(other),
                    }
                }
                _ => return Form::Other,
            };
        }
        met
    }

    fn op(&mut self, function: &Function, op: &Op, result: Value) -> Form {
        let ty = function.ty(result);
        match *op {
            Op::ReadSpecial(Special::Lane) => Form::stride(1),
            Op::Affine {
                base,
                stride,
                wrap: None,
            } => sum(ty, self.form(base), Form::stride(stride), 1),
            Op::Binary(BinaryOp::Add, a, b) => sum(ty, self.form(a), self.form(b), 1),
            Op::Binary(BinaryOp::Sub, a, b) => sum(ty, self.form(a), self.form(b), -1),
            Op::Binary(BinaryOp::Mul, a, b) => match self.factor(function, a, b) {
                Some((a, factor)) => product(ty, self.form(a), factor),
                None => Form::Other,
            },
            Op::Shift(ShiftOp::Left, a, by) => match constant(function, &self.definitions, by) {
                Some(by) if by < u64::from(ty.bits()) => product(ty, self.form(a), 1 << by),
                _ => Form::Other,
            },
            Op::Select(condition, a, b) if !self.divergence.is_divergent(condition) => {
                match (self.form(a), self.form(b)) {
                    (Form::Unknown, _) | (_, Form::Unknown) => Form::Unknown,
                    (a @ Form::Affine { wrap: None, .. }, b) if a == b => a,
                    _ => Form::Other,
                }
            }
            Op::ToGeneric(space, a) | Op::FromGeneric(space, a) if space != Space::Local => {
                self.form(a)
            }
            Op::Truncate(Type::B32, a) => match self.form(a) {
                // A multiple of 2^32 does not show.
                Form::Affine { stride, .. } => Form::stride(signed(ty, stride.cast_unsigned())),
                other => other,
            },
            _ => match self.widening(function, op) {
                Some(widening) => self.widened(function, widening),
                None => Form::Other,
            },
        }
    }

    fn constant(&self, function: &Function, value: Value) -> Option<i64> {
        signed_constant(function, &self.definitions, value)
    }

    /// A value and a constant, if one of two is.
    fn factor(&self, function: &Function, a: Value, b: Value) -> Option<(Value, i64)> {
        match (self.constant(function, a), self.constant(function, b)) {
            (_, Some(b)) => Some((a, b)),
            (Some(a), None) => Some((b, a)),
            (None, None) => None,
        }
    }

    /// An operation as the widening of 32 bits to 64 and a product, if it is that.
    fn widening(&self, function: &Function, op: &Op) -> Option<Widening> {
        match *op {
            Op::Extend {
                signed,
                from: 32,
                to: Type::B64,
                value,
            } if function.ty(value) == Type::B32 => Some(Widening {
                signed,
                value,
                factor: 1,
            }),
            Op::Pack(value, high)
                if function.ty(value) == Type::B32
                    && constant(function, &self.definitions, high) == Some(0) =>
            {
                Some(Widening {
                    signed: false,
                    value,
                    factor: 1,
                })
            }
            Op::MulWide { signed, a, b } if function.ty(a) == Type::B32 => {
                let (value, factor) = self.factor(function, a, b)?;
                let unsigned = factor & i64::from(u32::MAX);
                Some(Widening {
                    signed,
                    value,
                    factor: if signed { factor } else { unsigned },
                })
            }
            _ => None,
        }
    }

    fn widened(&mut self, function: &Function, widening: Widening) -> Form {
        match self.form(widening.value) {
            Form::Affine { stride, wrap: None } if stride.abs() <= STRIDE_MAX => {
                let amount = self.wraps(function, widening).then(|| {
                    let amount = if stride > 0 { -WRAPPED } else { WRAPPED };
                    amount.wrapping_mul(widening.factor)
                });
                Form::Affine {
                    stride: stride.wrapping_mul(widening.factor),
                    wrap: amount,
                }
            }
            Form::Affine { .. } => Form::Other,
            other => other,
        }
    }

    /// Whether an affine 32-bit value may wrap around between lanes, for all that is known.
    fn wraps(&mut self, function: &Function, widening: Widening) -> bool {
        if self.form(widening.value) == Form::UNIFORM {
            return false;
        }
        match self.ranges.exact(function, widening.value) {
            Some((low, _)) => !widening.signed && low < 0,
            None => true,
        }
    }

    /// Which values need to be taken apart for the addresses of accesses.
    fn needed(&self, function: &Function) -> Vec<bool> {
        let mut needed = vec![false; function.value_types.len()];
        let mut places = vec![None; function.value_types.len()];
        let mut work = Vec::new();
        for &block in &self.graph.order {
            let data = function.block(block);
            for (slot, &param) in data.params.iter().enumerate() {
                places[param.index()] = Some((block, slot));
            }
            let ops = data.insts.iter().map(|&inst| &function.inst(inst).op);
            work.extend(ops.filter_map(address_of));
        }
        while let Some(value) = work.pop() {
            if !self.is_apart(value) || std::mem::replace(&mut needed[value.index()], true) {
                continue;
            }
            match (self.definitions[value.index()], places[value.index()]) {
                (Some(inst), _) => function.inst(inst).op.for_each_operand(|operand| {
                    work.push(operand);
                }),
                (None, Some((block, slot))) => {
                    work.extend(arguments(function, self.graph, block, slot));
                }
                (None, None) => {}
            }
        }
        needed
    }

    /// Whether a value is affine and not uniform: something other than its base.
    fn is_apart(&self, value: Value) -> bool {
        self.divergence.is_divergent(value) && matches!(self.form(value), Form::Affine { .. })
    }
}

/// `factor` times a 32-bit value that has been widened.
#[derive(Clone, Copy, Debug)]
struct Widening {
    signed: bool,
    value: Value,
    factor: i64,
}

/// `a + sign * b`.
fn sum(ty: Type, a: Form, b: Form, sign: i64) -> Form {
    match (a, b) {
        (Form::Other, _) | (_, Form::Other) => Form::Other,
        (Form::Unknown, _) | (_, Form::Unknown) => Form::Unknown,
        (
            Form::Affine { stride: a, wrap },
            Form::Affine {
                stride: b,
                wrap: other,
            },
        ) => {
            let other = other.map(|amount| amount.wrapping_mul(sign));
            if wrap.is_some() && other.is_some() {
                return Form::Other;
            }
            let stride = a.wrapping_add(b.wrapping_mul(sign));
            Form::Affine {
                stride: signed(ty, stride.cast_unsigned()),
                wrap: wrap.or(other),
            }
        }
    }
}

fn product(ty: Type, a: Form, factor: i64) -> Form {
    match a {
        Form::Affine { stride, wrap } => Form::Affine {
            stride: signed(ty, stride.wrapping_mul(factor).cast_unsigned()),
            wrap: wrap.map(|amount| amount.wrapping_mul(factor)),
        },
        other => other,
    }
}

/// The values that an affine value consists of.
#[derive(Clone, Copy, Debug)]
struct Parts {
    /// The value of lane 0.
    base: Value,
    /// [`Wrap::from`].
    from: Option<Value>,
}

struct Rewriting<'a> {
    search: Search<'a>,
    needed: Vec<bool>,
    parts: Vec<Option<Parts>>,
    builder: Builder,
}

impl Rewriting<'_> {
    fn run(mut self, function: &mut Function) {
        let order = &self.search.graph.order;
        for &block in order {
            for param in function.block(block).params.clone() {
                if !self.needed[param.index()] {
                    continue;
                }
                let Form::Affine { wrap, .. } = self.search.form(param) else {
                    continue;
                };
                let base = new_value(function, function.ty(param));
                let from = wrap.map(|_| new_value(function, Type::B64));
                self.parts[param.index()] = Some(Parts { base, from });
            }
        }
        // Parameters of the blocks as they were: those of the parts come behind them.
        let params: Vec<Vec<Value>> = function
            .blocks
            .iter()
            .map(|block| block.params.clone())
            .collect();
        for &block in order {
            for &param in &params[block.index()] {
                if let Some(parts) = self.parts[param.index()] {
                    let params = &mut function.blocks[block.index()].params;
                    params.push(parts.base);
                    params.extend(parts.from);
                }
            }
            for inst in function.block(block).insts.clone() {
                self.builder.location = function.inst(inst).location;
                self.access(function, inst);
                self.builder.keep(inst);
                if let &[result] = function.inst(inst).results.as_slice()
                    && self.needed[result.index()]
                {
                    let op = function.inst(inst).op.clone();
                    self.parts[result.index()] = Some(self.take_apart(function, &op, result));
                }
            }
            self.edges(function, block, &params);
            self.builder.finish(function, block);
        }
    }

    /// Hands on the parts of the arguments.
    fn edges(&mut self, function: &mut Function, block: Block, params: &[Vec<Value>]) {
        let mut terminator = function.block(block).terminator.clone();
        for Edge { block: to, args } in terminator.edges_mut() {
            for (slot, param) in params[to.index()].iter().enumerate() {
                let Some(parts) = self.parts[param.index()] else {
                    continue;
                };
                let argument = self.parts(args[slot]);
                args.push(argument.base);
                if parts.from.is_some() {
                    args.push(match argument.from {
                        Some(from) => from,
                        None => self.builder.constant(function, Type::B64, 64),
                    });
                }
            }
        }
        function.blocks[block.index()].terminator = terminator;
    }

    fn parts(&self, value: Value) -> Parts {
        match self.parts.get(value.index()) {
            Some(&Some(parts)) => parts,
            _ => Parts {
                base: value,
                from: None,
            },
        }
    }

    fn add(&mut self, function: &mut Function, op: Op, ty: Type) -> Value {
        self.builder.add(function, op, ty)
    }

    /// The parts of a value from those of the operands of its operation.
    fn take_apart(&mut self, function: &mut Function, op: &Op, result: Value) -> Parts {
        let ty = function.ty(result);
        if let Some(widening) = self.search.widening(function, op) {
            return self.widen(function, op, widening);
        }
        match *op {
            Op::Affine { base, .. } => self.parts(base),
            Op::ReadSpecial(_) => Parts {
                base: self.builder.constant(function, ty, 0),
                from: None,
            },
            _ => {
                let mut from = None;
                let mut on_bases = op.clone();
                on_bases.map_operands(|operand| {
                    let parts = self.parts(operand);
                    from = from.or(parts.from);
                    parts.base
                });
                // Of a sum at most one operand wraps; other operations have one affine operand,
                // or, for a selection, none that wraps.
                if matches!(op, Op::Truncate(..)) {
                    from = None;
                }
                Parts {
                    base: self.add(function, on_bases, ty),
                    from,
                }
            }
        }
    }

    fn widen(&mut self, function: &mut Function, op: &Op, widening: Widening) -> Parts {
        let mut on_bases = op.clone();
        on_bases.map_operands(|operand| self.parts(operand).base);
        let base = self.add(function, on_bases, Type::B64);
        let from = self
            .search
            .wraps(function, widening)
            .then(|| self.first_wrapped(function, widening));
        Parts { base, from }
    }

    /// The lane from which on a widened value has wrapped around, or a larger number.
    fn first_wrapped(&mut self, function: &mut Function, widening: Widening) -> Value {
        let Form::Affine { stride, .. } = self.search.form(widening.value) else {
            unreachable!("only affine values are taken apart");
        };
        let ty = Type::B64;
        let signed = widening.signed;
        let value = self.parts(widening.value).base;
        let wide = Op::Extend {
            signed,
            from: 32,
            to: ty,
            value,
        };
        let base = self.add(function, wide, ty);
        let (least, past) = if signed {
            (i64::from(i32::MIN), i64::from(i32::MAX) + 1)
        } else {
            (0, WRAPPED)
        };
        // Upwards, lane l has wrapped if base + stride * l >= past; downwards, if it is < least.
        let (distance, round) = if stride > 0 {
            let past = self.builder.constant(function, ty, past + stride - 1);
            (Op::Binary(BinaryOp::Sub, past, base), 0)
        } else {
            let least = self.builder.constant(function, ty, -least);
            (Op::Binary(BinaryOp::Add, base, least), 1)
        };
        let distance = self.add(function, distance, ty);
        let step = stride.unsigned_abs();
        let lanes = if step.is_power_of_two() {
            let by = self
                .builder
                .constant(function, Type::B32, step.trailing_zeros().into());
            Op::Shift(ShiftOp::RightLogical, distance, by)
        } else {
            let step = self.builder.constant(function, ty, stride.abs());
            Op::Binary(BinaryOp::DivUnsigned, distance, step)
        };
        let lanes = self.add(function, lanes, ty);
        let round = self.builder.constant(function, ty, round);
        self.add(function, Op::Binary(BinaryOp::Add, lanes, round), ty)
    }

    /// Rewrites the address of an access.
    fn access(&mut self, function: &mut Function, inst: Inst) {
        let Some(address) = address_of(&function.inst(inst).op) else {
            return;
        };
        if !self.needed[address.index()] {
            return;
        }
        let Form::Affine { stride, wrap } = self.search.form(address) else {
            return;
        };
        let (parts, wrap) = if function.ty(address) == Type::B64 {
            (self.parts(address), wrap)
        } else {
            // Offsets of 32 bits are zero-extended.
            let widening = Widening {
                signed: false,
                value: address,
                factor: 1,
            };
            let op = Op::Extend {
                signed: false,
                from: 32,
                to: Type::B64,
                value: address,
            };
            let Form::Affine { wrap, .. } = self.search.widened(function, widening) else {
                return;
            };
            (self.widen(function, &op, widening), wrap)
        };
        let better = if stride == 0 && wrap.is_none() {
            parts.base
        } else {
            let wrap = parts
                .from
                .zip(wrap)
                .map(|(from, amount)| Wrap { from, amount });
            let op = Op::Affine {
                base: parts.base,
                stride,
                wrap,
            };
            self.add(function, op, Type::B64)
        };
        if let Op::Load { address, .. } | Op::Store { address, .. } =
            &mut function.insts[inst.index()].op
        {
            *address = better;
        }
    }
}
