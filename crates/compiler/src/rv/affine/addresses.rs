//! Addresses that are affine, made so in the code.

use super::bits::low_zeros;
use super::build::{Builder, new_value};
use super::pattern::{Index, Pattern, Patterns, of_lanes};
use super::range::Ranges;
use super::{constant, definitions, signed_constant};
use crate::analysis::divergence::{Divergence, PostDominators, is_broadcast};
use crate::analysis::graph::{Dominators, Graph};
use crate::analysis::loops::Loops;
use crate::ir::{
    BinaryOp, Block, Edge, Function, Inst, LaunchShape, Op, ShiftOp, ShuffleMode, Space, Special,
    Terminator, Type, Value, Wrap,
};
use crate::rv::normalise::remove_dead;

/// What is known of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Nothing yet: it is only reached from values of which nothing is known.
    Unknown,
    /// A uniform base plus the pattern; from some lane on, also plus `wrap`. Uniform values are
    /// their own bases.
    Apart {
        pattern: Pattern,
        /// Low bits of the base that are zero.
        zeros: u32,
        wrap: Option<i64>,
    },
    /// Neither.
    Other,
}

/// Largest distance between lanes of a 32-bit value that is followed through a widening: far from
/// wrapping around twice within a warp.
const STRIDE_MAX: i64 = 1 << 20;
/// Largest number of a pattern of such a value.
const NUMBER_MAX: i64 = 1 << 26;
/// Where the bounds of such a value have to be for neither it nor its base to wrap around.
const BOUND_MAX: i64 = (1 << 31) - (1 << 27);
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
        launch,
        patterns: Patterns::new(),
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
            indices: Vec::new(),
        }
        .run(function);
        remove_dead(function);
    }
}

/// Whether a value of a type has so many low bits that are zero that it is zero.
fn is_zero(ty: Type, zeros: u32) -> bool {
    ty == Type::B32 && zeros >= ty.bits()
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
    launch: LaunchShape,
    patterns: Patterns,
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
                    changed |= self.set(function, param, |this| this.param(function, block, slot));
                }
                for &inst in &data.insts {
                    let data = function.inst(inst);
                    match data.results.as_slice() {
                        &[result] => {
                            changed |= self
                                .set(function, result, |this| this.op(function, &data.op, result));
                        }
                        results => {
                            for (place, &result) in results.iter().enumerate() {
                                changed |=
                                    self.set(function, result, |this| match (place, &data.op) {
                                        (0, op @ Op::Shuffle { .. }) => this.shuffle(function, op),
                                        _ => Form::Other,
                                    });
                            }
                        }
                    }
                }
            }
        }
    }

    /// Looks at a value again; tells whether its form is another one.
    fn set(
        &mut self,
        function: &Function,
        value: Value,
        find: impl FnOnce(&mut Self) -> Form,
    ) -> bool {
        let old = self.forms[value.index()];
        let divergent = self.divergence.is_divergent(value);
        if old == Form::Other || (!divergent && old != Form::Unknown) {
            return false;
        }
        let found = if divergent {
            find(self)
        } else {
            Form::Apart {
                pattern: Pattern::ZERO,
                zeros: low_zeros(function, &self.definitions, self.launch, value),
                wrap: None,
            }
        };
        let new = match (old, found) {
            (Form::Unknown, found) => found,
            (old, found) if old == found => return false,
            // The wrap of one argument of a parameter is seen later than the other arguments.
            (
                Form::Apart {
                    pattern: a,
                    wrap: None,
                    ..
                },
                Form::Apart {
                    pattern: b,
                    wrap: Some(_),
                    ..
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
        let mut met = None;
        for argument in arguments(function, self.graph, block, slot) {
            let (pattern, wrap) = match self.form(argument) {
                Form::Unknown => continue,
                Form::Apart { pattern, wrap, .. } => (pattern, wrap),
                Form::Other => return Form::Other,
            };
            let (same, other) = met.unwrap_or((pattern, wrap));
            if same != pattern || (wrap.is_some() && other.is_some() && wrap != other) {
                return Form::Other;
            }
            met = Some((pattern, wrap.or(other)));
        }
        met.map_or(Form::Unknown, |(pattern, wrap)| Form::Apart {
            pattern,
            zeros: 0,
            wrap,
        })
    }

    fn op(&mut self, function: &Function, op: &Op, result: Value) -> Form {
        let ty = function.ty(result);
        if !matches!(ty, Type::B32 | Type::B64) {
            return Form::Other;
        }
        match *op {
            Op::ReadSpecial(Special::Lane) => self.affine(ty, 1, 32, None),
            Op::Affine {
                base,
                stride,
                wrap: None,
            } => match self.form(base) {
                Form::Apart {
                    pattern,
                    zeros,
                    wrap,
                } => {
                    let steps = self.affine(ty, stride, 32, None);
                    let base = Form::Apart {
                        pattern,
                        zeros,
                        wrap,
                    };
                    self.binary(ty, BinaryOp::Add, base, steps)
                }
                other => other,
            },
            Op::Binary(BinaryOp::Mul, a, b) => match self.factor(function, a, b) {
                Some((a, factor)) => self.product(ty, self.form(a), factor),
                None => Form::Other,
            },
            Op::Binary(op @ (BinaryOp::And | BinaryOp::Or | BinaryOp::Xor), a, b)
                if self.factor(function, a, b).is_some() =>
            {
                match self.factor(function, a, b) {
                    Some((a, constant)) => self.bitwise(ty, op, self.form(a), constant),
                    None => Form::Other,
                }
            }
            Op::Binary(op, a, b) => self.binary(ty, op, self.form(a), self.form(b)),
            Op::Shift(op, a, by) => match constant(function, &self.definitions, by) {
                Some(by) if by < u64::from(ty.bits()) => self.shift(ty, op, self.form(a), by),
                _ => Form::Other,
            },
            Op::Select(condition, a, b) if !self.divergence.is_divergent(condition) => {
                match (self.form(a), self.form(b)) {
                    (Form::Unknown, _) | (_, Form::Unknown) => Form::Unknown,
                    (
                        Form::Apart {
                            pattern: a,
                            wrap: None,
                            ..
                        },
                        Form::Apart {
                            pattern: b,
                            wrap: None,
                            ..
                        },
                    ) if a == b => Form::Apart {
                        pattern: a,
                        zeros: 0,
                        wrap: None,
                    },
                    _ => Form::Other,
                }
            }
            Op::ToGeneric(space, a) | Op::FromGeneric(space, a) if space != Space::Local => {
                match self.form(a) {
                    Form::Apart { pattern, wrap, .. } => Form::Apart {
                        pattern,
                        zeros: 0,
                        wrap,
                    },
                    other => other,
                }
            }
            Op::Truncate(Type::B32, a) => match self.form(a) {
                // A multiple of 2^32 does not show.
                Form::Apart { pattern, zeros, .. } => {
                    let numbers = *self.patterns.get(pattern);
                    Form::Apart {
                        pattern: self.patterns.of(ty, |lane| numbers[lane]),
                        zeros,
                        wrap: None,
                    }
                }
                other => other,
            },
            _ => match self.widening(function, op) {
                Some(widening) => self.widened(function, widening),
                None => Form::Other,
            },
        }
    }

    /// What the lanes that are named get of others, if these are known: the base is the same.
    fn shuffle(&mut self, function: &Function, op: &Op) -> Form {
        let &Op::Shuffle {
            mode: ShuffleMode::Index,
            value,
            b,
            c,
            ..
        } = op
        else {
            return Form::Other;
        };
        if !is_broadcast(constant(function, &self.definitions, c)) {
            return Form::Other;
        }
        let Some(from) = of_lanes(function, &self.definitions, b, 0) else {
            return Form::Other;
        };
        match self.form(value) {
            Form::Apart {
                pattern,
                zeros,
                wrap: None,
            } => {
                let numbers = *self.patterns.get(pattern);
                let number = |lane: usize| numbers[from[lane] as usize % numbers.len()];
                Form::Apart {
                    pattern: self.patterns.of(Type::B32, number),
                    zeros,
                    wrap: None,
                }
            }
            Form::Unknown => Form::Unknown,
            _ => Form::Other,
        }
    }

    fn affine(&mut self, ty: Type, stride: i64, zeros: u32, wrap: Option<i64>) -> Form {
        let number = |lane| i64::try_from(lane).unwrap_or(0).wrapping_mul(stride);
        Form::Apart {
            pattern: self.patterns.of(ty, number),
            zeros,
            wrap,
        }
    }

    /// A sum, difference or bitwise operation.
    fn binary(&mut self, ty: Type, op: BinaryOp, a: Form, b: Form) -> Form {
        let (pattern, zeros, wrap, other, more_zeros, more_wrap) = match (a, b) {
            (Form::Other, _) | (_, Form::Other) => return Form::Other,
            (Form::Unknown, _) | (_, Form::Unknown) => return Form::Unknown,
            (
                Form::Apart {
                    pattern: a,
                    zeros,
                    wrap,
                },
                Form::Apart {
                    pattern: b,
                    zeros: more,
                    wrap: other,
                },
            ) => (a, zeros, wrap, b, more, other),
        };
        let (x, y) = (*self.patterns.get(pattern), *self.patterns.get(other));
        // Where both bases have zeros in the bits of both patterns, these are apart. So they are
        // where one base is zero and its pattern only has bits in which the other base has none:
        // an operation on these carries nothing into the others.
        let are_zero = |zeros| is_zero(ty, zeros);
        let is_bitwise = wrap.is_none()
            && more_wrap.is_none()
            && (self.patterns.fits(pattern, zeros.min(more_zeros))
                && self.patterns.fits(other, zeros.min(more_zeros))
                || are_zero(more_zeros) && self.patterns.fits(other, zeros)
                || are_zero(zeros) && self.patterns.fits(pattern, more_zeros));
        let zeros = zeros.min(more_zeros);
        let made = |pattern, wrap| Form::Apart {
            pattern,
            zeros,
            wrap,
        };
        match op {
            BinaryOp::Add | BinaryOp::Sub => {
                let sign = if op == BinaryOp::Add { 1 } else { -1 };
                let more_wrap = more_wrap.map(|amount: i64| amount.wrapping_mul(sign));
                if wrap.is_some() && more_wrap.is_some() {
                    return Form::Other;
                }
                let sum = |lane: usize| x[lane].wrapping_add(y[lane].wrapping_mul(sign));
                made(self.patterns.of(ty, sum), wrap.or(more_wrap))
            }
            BinaryOp::Or | BinaryOp::Xor | BinaryOp::And if is_bitwise => {
                let pattern = match op {
                    BinaryOp::Or => self.patterns.of(ty, |lane| x[lane] | y[lane]),
                    BinaryOp::Xor => self.patterns.of(ty, |lane| x[lane] ^ y[lane]),
                    _ => self.patterns.of(ty, |lane| x[lane] & y[lane]),
                };
                made(pattern, None)
            }
            _ => Form::Other,
        }
    }

    /// A bitwise operation with a constant.
    fn bitwise(&mut self, ty: Type, op: BinaryOp, a: Form, constant: i64) -> Form {
        let (pattern, zeros) = match a {
            Form::Apart {
                pattern,
                zeros,
                wrap: None,
            } if self.patterns.fits(pattern, zeros) => (pattern, zeros),
            Form::Unknown => return Form::Unknown,
            _ => return Form::Other,
        };
        let numbers = *self.patterns.get(pattern);
        let low = constant & ((1 << zeros) - 1);
        let is_low = low == constant & i64::from(u32::MAX);
        // The operation on the base has the low bits of the constant in it, if they are set.
        let (pattern, zeros) = match op {
            BinaryOp::And => {
                // All that the mask leaves of the base may be nothing.
                let zeros = if ty == Type::B32 && is_low {
                    ty.bits()
                } else {
                    zeros
                };
                (self.patterns.of(ty, |lane| numbers[lane] & low), zeros)
            }
            BinaryOp::Or => (self.patterns.of(ty, |lane| (numbers[lane] | low) - low), 0),
            _ => (self.patterns.of(ty, |lane| (numbers[lane] ^ low) - low), 0),
        };
        Form::Apart {
            pattern,
            zeros,
            wrap: None,
        }
    }

    fn product(&mut self, ty: Type, a: Form, factor: i64) -> Form {
        match a {
            Form::Apart {
                pattern,
                zeros,
                wrap,
            } => {
                let numbers = *self.patterns.get(pattern);
                Form::Apart {
                    pattern: self
                        .patterns
                        .of(ty, |lane| numbers[lane].wrapping_mul(factor)),
                    zeros: (zeros + factor.trailing_zeros()).min(32),
                    wrap: wrap.map(|amount| amount.wrapping_mul(factor)),
                }
            }
            other => other,
        }
    }

    /// A shift by less than the width.
    fn shift(&mut self, ty: Type, op: ShiftOp, a: Form, by: u64) -> Form {
        match (op, a) {
            (ShiftOp::Left, a) => self.product(ty, a, 1 << by),
            // What the base and the pattern lose does not carry into what stays.
            (
                _,
                Form::Apart {
                    pattern,
                    zeros,
                    wrap: None,
                },
            ) => {
                if !self.patterns.fits(pattern, zeros) {
                    return Form::Other;
                }
                let numbers = *self.patterns.get(pattern);
                let by_bits = u32::try_from(by).unwrap_or(32);
                let zeros = if is_zero(ty, zeros) {
                    zeros
                } else {
                    zeros.saturating_sub(by_bits)
                };
                Form::Apart {
                    pattern: self.patterns.of(ty, |lane| numbers[lane] >> by),
                    zeros,
                    wrap: None,
                }
            }
            (_, Form::Unknown) => Form::Unknown,
            _ => Form::Other,
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
        let (pattern, zeros) = match self.form(widening.value) {
            Form::Apart {
                pattern,
                zeros,
                wrap: None,
            } => (pattern, zeros),
            Form::Unknown => return Form::Unknown,
            _ => return Form::Other,
        };
        let numbers = *self.patterns.get(pattern);
        if numbers.iter().any(|number| number.abs() > NUMBER_MAX) {
            return Form::Other;
        }
        let wrap = if self.wraps(function, widening) {
            // The base is that of lane 0: see the documentation of the module.
            match self.patterns.stride(pattern) {
                Some(stride) if numbers[0] == 0 && stride != 0 && stride.abs() <= STRIDE_MAX => {
                    let amount = if stride > 0 { -WRAPPED } else { WRAPPED };
                    Some(amount.wrapping_mul(widening.factor))
                }
                _ => return Form::Other,
            }
        } else {
            None
        };
        Form::Apart {
            pattern: self.patterns.of(Type::B64, |lane| {
                numbers[lane].wrapping_mul(widening.factor)
            }),
            zeros,
            wrap,
        }
    }

    /// Whether a 32-bit base or its sum with the pattern may wrap around, for all that is known.
    fn wraps(&mut self, function: &Function, widening: Widening) -> bool {
        if !self.divergence.is_divergent(widening.value) {
            return false;
        }
        let Form::Apart { pattern, .. } = self.form(widening.value) else {
            return true;
        };
        // The base is the value itself.
        if pattern == Pattern::ZERO {
            return false;
        }
        let Some((low, high)) = self.ranges.of(function, widening.value) else {
            return true;
        };
        // The base is a value less its number in the pattern, in every lane.
        let least = if widening.signed {
            -BOUND_MAX
        } else {
            let numbers = self.patterns.get(pattern);
            numbers
                .iter()
                .copied()
                .min()
                .map_or(0, |least| least.max(0))
        };
        low < least || high > BOUND_MAX
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

    /// Whether a value is a base and something that differs.
    fn is_apart(&self, value: Value) -> bool {
        self.divergence.is_divergent(value) && matches!(self.form(value), Form::Apart { .. })
    }
}

/// `factor` times a 32-bit value that has been widened.
#[derive(Clone, Copy, Debug)]
struct Widening {
    signed: bool,
    value: Value,
    factor: i64,
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
    /// Indices that are made at the entry, and their values.
    indices: Vec<(Index, Value)>,
}

/// Most indices that are made at the entry and kept for the whole function.
const KEPT_MAX: usize = 3;

impl Rewriting<'_> {
    fn run(mut self, function: &mut Function) {
        let order = &self.search.graph.order;
        for &block in order {
            for param in function.block(block).params.clone() {
                if !self.needed[param.index()] {
                    continue;
                }
                let Form::Apart { wrap, .. } = self.search.form(param) else {
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
        self.make_indices(function);
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
                if let &[result, ..] = function.inst(inst).results.as_slice()
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

    /// Makes what accesses need at the entry, whose instructions come next.
    fn make_indices(&mut self, function: &mut Function) {
        let mut indices: Vec<Index> = Vec::new();
        for &block in &self.search.graph.order {
            for &inst in &function.block(block).insts {
                if let Some(Plan {
                    shape: Shape::Indexed(index),
                    ..
                }) = self.plan(function, inst)
                    && !indices.contains(&index)
                {
                    indices.push(index);
                }
            }
        }
        if indices.len() <= KEPT_MAX {
            for index in indices {
                let value = index.build(&mut self.builder, function);
                self.indices.push((index, value));
            }
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
            Op::Affine { base, .. } | Op::Shuffle { value: base, .. } => self.parts(base),
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
                // Of a sum at most one operand wraps; other operations have one operand that is
                // not uniform, or none that wraps.
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
        let stride = match self.search.form(widening.value) {
            Form::Apart { pattern, .. } => self.search.patterns.stride(pattern).unwrap_or(0),
            Form::Unknown | Form::Other => unreachable!("only what has parts is taken apart"),
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

    /// What to make of the address of an access.
    fn plan(&mut self, function: &Function, inst: Inst) -> Option<Plan> {
        let address = address_of(&function.inst(inst).op)?;
        if !self.needed[address.index()] {
            return None;
        }
        // Offsets of 32 bits are zero-extended.
        let widening = (function.ty(address) == Type::B32).then_some(Widening {
            signed: false,
            value: address,
            factor: 1,
        });
        let form = match widening {
            Some(widening) => self.search.widened(function, widening),
            None => self.search.form(address),
        };
        let Form::Apart { pattern, wrap, .. } = form else {
            return None;
        };
        let patterns = &self.search.patterns;
        let shape = match patterns.stride(pattern) {
            Some(stride) => Shape::Strided {
                first: patterns.get(pattern)[0],
                stride,
            },
            None if wrap.is_none() => Shape::Indexed(patterns.index(pattern)?),
            None => return None,
        };
        Some(Plan {
            address,
            widening,
            shape,
            wrap,
        })
    }

    /// Rewrites the address of an access.
    fn access(&mut self, function: &mut Function, inst: Inst) {
        let Some(plan) = self.plan(function, inst) else {
            return;
        };
        let ty = Type::B64;
        let parts = match plan.widening {
            Some(widening) => {
                let op = Op::Extend {
                    signed: false,
                    from: 32,
                    to: ty,
                    value: plan.address,
                };
                self.widen(function, &op, widening)
            }
            None => self.parts(plan.address),
        };
        let better = match plan.shape {
            Shape::Strided { first, stride } => {
                let base = self.plus(function, parts.base, first);
                let wrap = parts
                    .from
                    .zip(plan.wrap)
                    .map(|(from, amount)| Wrap { from, amount });
                if stride == 0 && wrap.is_none() {
                    base
                } else {
                    let op = Op::Affine { base, stride, wrap };
                    self.add(function, op, ty)
                }
            }
            Shape::Indexed(index) => {
                let base = self.plus(function, parts.base, index.least);
                let kept = self.indices.iter().find(|kept| kept.0 == index);
                let value = match kept {
                    Some(&(_, value)) => value,
                    None => index.build(&mut self.builder, function),
                };
                let wide = Op::Extend {
                    signed: false,
                    from: 32,
                    to: ty,
                    value,
                };
                let wide = self.add(function, wide, ty);
                self.add(function, Op::Binary(BinaryOp::Add, base, wide), ty)
            }
        };
        if let Op::Load { address, .. } | Op::Store { address, .. } =
            &mut function.insts[inst.index()].op
        {
            *address = better;
        }
    }

    /// A B64 value plus a constant.
    fn plus(&mut self, function: &mut Function, value: Value, constant: i64) -> Value {
        if constant == 0 {
            return value;
        }
        let constant = self.builder.constant(function, Type::B64, constant);
        self.add(
            function,
            Op::Binary(BinaryOp::Add, value, constant),
            Type::B64,
        )
    }
}

/// What becomes of an address.
#[derive(Clone, Copy, Debug)]
struct Plan {
    address: Value,
    /// How it is widened, if it has 32 bits.
    widening: Option<Widening>,
    shape: Shape,
    wrap: Option<i64>,
}

/// What is added to the base.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// `first + stride * lane`
    Strided { first: i64, stride: i64 },
    /// The least number of an index and the distances from it.
    Indexed(Index),
}
