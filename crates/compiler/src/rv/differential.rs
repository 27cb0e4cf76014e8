//! Random programs run by the IR interpreter and, compiled, by the chip.
//!
//! Control flow is arbitrary: every block may branch to any other, so that loops have several
//! exits, entries and latches, on conditions that differ between threads or do not. A counter
//! in each thread ends it after a while. Values are used far from where they are defined,
//! wherever dominance allows. Each thread writes what it computes to places of its own, which are
//! neighbours of those of other threads or of each other. Blocks have all shapes, and code is for
//! any launch or for those like the one that is run.

use super::affine;
use super::lane_groups::separate_lanes;
use crate::analysis::graph::{Dominators, Graph};
use crate::interp;
use crate::ir::{
    BinaryOp, Block, Edge, FunctionBuilder, IntCompare, LaunchShape, Op, ShiftOp, Space, Special,
    Terminator, Type, UnaryOp, Unit, Value, Width,
};
use weft_chip::{Access, Chip, ChipConfig, Launch, Program};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// 32-bit words that each thread may write.
const WORDS: u64 = 16;
/// Words of read-only input.
const INPUT: u64 = 2048;
/// CTAs of a launch.
const CTAS: u32 = 2;
/// Shapes of CTAs: one row, rows of warps, short rows, and others, with warps full and partial.
const BLOCKS: [[u32; 3]; 12] = [
    [32, 1, 1],
    [45, 1, 1],
    [16, 4, 1],
    [32, 2, 1],
    [64, 1, 1],
    [8, 8, 1],
    [24, 2, 1],
    [4, 4, 4],
    [32, 1, 2],
    [1, 33, 1],
    [2, 16, 2],
    [16, 3, 1],
];
/// Types of the parameters of every block but the first; the first of them counts down.
const STATE: [Type; 8] = [
    Type::B32,
    Type::B32,
    Type::B32,
    Type::B32,
    Type::B64,
    Type::B16,
    Type::Pred,
    Type::B32,
];

struct Generator {
    random: Random,
    builder: FunctionBuilder,
    /// Values defined in each block.
    values: Vec<Vec<Value>>,
    input: Value,
    output: Value,
    /// Bytes from one word of a thread to the next.
    word_bytes: u64,
    /// Small numbers that differ between lanes.
    lanes: Vec<Value>,
}

impl Generator {
    fn value(&mut self, block: Block, op: Op, ty: Type) -> Value {
        let value = self.builder.value_of(block, op, ty);
        self.values[block.index()].push(value);
        value
    }

    /// A value of the type that the block may use: mostly a recent one.
    fn pick(&mut self, block: Block, visible: &[Value], ty: Type) -> Value {
        let of_type: Vec<Value> = visible
            .iter()
            .chain(&self.values[block.index()])
            .copied()
            .filter(|&value| self.builder.function.ty(value) == ty)
            .collect();
        if of_type.is_empty() || self.random.chance(12) {
            let bits = match self.random.below(4) {
                0 => 0,
                1 => self.random.next() % 40,
                2 => u64::MAX,
                _ => self.random.next(),
            };
            let mask = u64::MAX >> (64 - ty.bits());
            return self.value(block, Op::Const(ty, bits & mask), ty);
        }
        if self.random.chance(50) {
            let near = of_type.len().min(4);
            return of_type[of_type.len() - 1 - self.random.below(near)];
        }
        self.random.of(&of_type)
    }

    fn operation(&mut self, block: Block, visible: &[Value]) {
        use BinaryOp as B;
        let ty = self
            .random
            .of(&[Type::B32, Type::B32, Type::B32, Type::B64, Type::B16]);
        match self.random.below(18) {
            0..=4 => {
                let op = self.random.of(&[
                    B::Add,
                    B::Add,
                    B::Sub,
                    B::Mul,
                    B::MulHighSigned,
                    B::MulHighUnsigned,
                    B::DivSigned,
                    B::DivUnsigned,
                    B::RemSigned,
                    B::RemUnsigned,
                    B::MinSigned,
                    B::MinUnsigned,
                    B::MaxSigned,
                    B::MaxUnsigned,
                    B::And,
                    B::Or,
                    B::Xor,
                ]);
                let (a, b) = (self.pick(block, visible, ty), self.pick(block, visible, ty));
                self.value(block, Op::Binary(op, a, b), ty);
            }
            5 => {
                let op = self.random.of(&[
                    ShiftOp::Left,
                    ShiftOp::RightLogical,
                    ShiftOp::RightArithmetic,
                ]);
                let (a, by) = (
                    self.pick(block, visible, ty),
                    self.pick(block, visible, Type::B32),
                );
                self.value(block, Op::Shift(op, a, by), ty);
            }
            6 => {
                let op = self.random.of(&[
                    UnaryOp::Not,
                    UnaryOp::Neg,
                    UnaryOp::Abs,
                    UnaryOp::BitReverse,
                ]);
                let a = self.pick(block, visible, ty);
                self.value(block, Op::Unary(op, a), ty);
            }
            7 => {
                let op = self.random.of(&[UnaryOp::PopCount, UnaryOp::LeadingZeros]);
                let a = self.pick(block, visible, ty);
                self.value(block, Op::Unary(op, a), Type::B32);
            }
            8 | 9 => {
                self.compare(block, visible);
            }
            10 => {
                let ty = self.random.of(&STATE);
                let condition = self.pick(block, visible, Type::Pred);
                let (a, b) = (self.pick(block, visible, ty), self.pick(block, visible, ty));
                self.value(block, Op::Select(condition, a, b), ty);
            }
            11 => {
                let from = self.random.of(&[8u8, 16, 32]);
                let least: &[Type] = match from {
                    32 => &[Type::B32, Type::B64],
                    _ => &[Type::B16, Type::B32, Type::B64],
                };
                let (source, to) = (self.random.of(least), self.random.of(least));
                let value = self.pick(block, visible, source);
                let signed = self.random.chance(50);
                self.value(
                    block,
                    Op::Extend {
                        signed,
                        from,
                        to,
                        value,
                    },
                    to,
                );
            }
            12 => {
                let (from, to) = self.random.of(&[
                    (Type::B64, Type::B32),
                    (Type::B64, Type::B16),
                    (Type::B32, Type::B16),
                ]);
                let a = self.pick(block, visible, from);
                self.value(block, Op::Truncate(to, a), to);
            }
            13 => {
                let (half, ty) = self
                    .random
                    .of(&[(Type::B16, Type::B32), (Type::B32, Type::B64)]);
                let (a, b) = (
                    self.pick(block, visible, half),
                    self.pick(block, visible, half),
                );
                let signed = self.random.chance(50);
                let op = if self.random.chance(50) {
                    Op::Pack(a, b)
                } else {
                    Op::MulWide { signed, a, b }
                };
                self.value(block, op, ty);
            }
            14 => {
                let ty = self.random.of(&[Type::B32, Type::B64]);
                let (a, b) = (self.pick(block, visible, ty), self.pick(block, visible, ty));
                let carry = self.pick(block, visible, Type::Pred);
                let op = if self.random.chance(50) {
                    Op::AddCarry(a, b, carry)
                } else {
                    Op::SubBorrow(a, b, carry)
                };
                let inst = self.builder.inst(block, op, &[ty, Type::Pred]);
                let results = self.builder.function.insts[inst.index()].results.clone();
                self.values[block.index()].extend(results);
            }
            15 | 16 => self.load_in_step(block, visible),
            _ => {
                let index = self.pick(block, visible, Type::B32);
                let most = self.value(block, Op::Const(Type::B32, INPUT - 1), Type::B32);
                let index = self.value(block, Op::Binary(B::And, index, most), Type::B32);
                let four = self.value(block, Op::Const(Type::B32, 4), Type::B32);
                let offset = self.value(
                    block,
                    Op::MulWide {
                        signed: false,
                        a: index,
                        b: four,
                    },
                    Type::B64,
                );
                let address = Op::Binary(B::Add, self.input, offset);
                // Addresses differ between interpreter and chip: never among the values.
                let address = self.builder.value_of(block, address, Type::B64);
                let (width, ty) = self.random.of(&[
                    (Width::W32, Type::B32),
                    (Width::W8, Type::B32),
                    (Width::W16, Type::B16),
                    (Width::W8, Type::B16),
                    (Width::W32, Type::B64),
                ]);
                let signed = self.random.chance(50);
                let op = Op::Load {
                    space: Space::Global,
                    width,
                    signed,
                    ty,
                    address,
                    offset: 0,
                    ordered: false,
                };
                self.value(block, op, ty);
            }
        }
    }

    /// A load at an address that is affine in the lane, or was meant to be.
    fn load_in_step(&mut self, block: Block, visible: &[Value]) {
        let (width, ty) = self.random.of(&[
            (Width::W32, Type::B32),
            (Width::W64, Type::B64),
            (Width::W8, Type::B32),
            (Width::W16, Type::B16),
            (Width::W8, Type::B16),
            (Width::W32, Type::B64),
        ]);
        let constant = |this: &mut Self, ty, bits: u64| {
            let mask = u64::MAX >> (64 - Type::bits(ty));
            this.builder.value_of(block, Op::Const(ty, bits & mask), ty)
        };
        let mut lane = self.random.of(&self.lanes);
        // Operations on bits leave it below 64.
        for _ in 0..self.random.below(3) {
            let bits = self.random.next() % 64;
            let op = match self.random.below(4) {
                0 => BinaryOp::And,
                1 => BinaryOp::Or,
                2 => BinaryOp::Xor,
                _ => {
                    let by = constant(self, Type::B32, bits % 6);
                    let op = Op::Shift(ShiftOp::RightLogical, lane, by);
                    lane = self.builder.value_of(block, op, Type::B32);
                    continue;
                }
            };
            let bits = constant(self, Type::B32, bits);
            let op = Op::Binary(op, lane, bits);
            lane = self.builder.value_of(block, op, Type::B32);
        }
        let step = self
            .random
            .of(&[1u64, 1, 1, 2, 3, 4, 0, u64::MAX, u64::MAX - 1]);
        let step = constant(self, Type::B32, step);
        let steps = Op::Binary(BinaryOp::Mul, lane, step);
        let steps = self.builder.value_of(block, steps, Type::B32);
        // Indices are below 2 * 63 + 255 + 4 * 63.
        let near = self.pick(block, visible, Type::B32);
        let mask = constant(self, Type::B32, 255);
        let near = Op::Binary(BinaryOp::And, near, mask);
        let near = self.builder.value_of(block, near, Type::B32);
        let least = constant(self, Type::B32, 2 * 63);
        let from = Op::Binary(BinaryOp::Add, near, least);
        let from = self.builder.value_of(block, from, Type::B32);
        let index = Op::Binary(BinaryOp::Add, steps, from);
        let index = self.builder.value_of(block, index, Type::B32);
        let scale = u64::from(width.bytes());
        let signed = self.random.chance(50);
        let offset = if self.random.chance(50) {
            let scale = constant(self, Type::B32, scale);
            let op = Op::MulWide {
                signed,
                a: index,
                b: scale,
            };
            self.builder.value_of(block, op, Type::B64)
        } else {
            let op = Op::Extend {
                signed,
                from: 32,
                to: Type::B64,
                value: index,
            };
            let wide = self.builder.value_of(block, op, Type::B64);
            let by = constant(self, Type::B32, scale.trailing_zeros().into());
            let op = Op::Shift(ShiftOp::Left, wide, by);
            self.builder.value_of(block, op, Type::B64)
        };
        let address = Op::Binary(BinaryOp::Add, self.input, offset);
        let address = self.builder.value_of(block, address, Type::B64);
        let op = Op::Load {
            space: Space::Global,
            width,
            signed: self.random.chance(50),
            ty,
            address,
            offset: 0,
            ordered: false,
        };
        self.value(block, op, ty);
    }

    fn compare(&mut self, block: Block, visible: &[Value]) -> Value {
        use IntCompare as C;
        let ty = self
            .random
            .of(&[Type::B32, Type::B32, Type::B64, Type::B16]);
        let op = self.random.of(&[
            C::Equal,
            C::NotEqual,
            C::LessSigned,
            C::LessEqualSigned,
            C::GreaterSigned,
            C::GreaterEqualSigned,
            C::LessUnsigned,
            C::LessEqualUnsigned,
            C::GreaterUnsigned,
            C::GreaterEqualUnsigned,
        ]);
        let (a, b) = (self.pick(block, visible, ty), self.pick(block, visible, ty));
        let compared = self.value(block, Op::CompareInt(op, a, b), Type::Pred);
        match self.random.below(4) {
            0 => {
                let other = self.pick(block, visible, Type::Pred);
                let op = self
                    .random
                    .of(&[BinaryOp::And, BinaryOp::Or, BinaryOp::Xor]);
                self.value(block, Op::Binary(op, compared, other), Type::Pred)
            }
            1 => self.value(block, Op::Unary(UnaryOp::Not, compared), Type::Pred),
            _ => compared,
        }
    }

    fn store(&mut self, block: Block, word: u64, value: Value) {
        let op = Op::Store {
            space: Space::Global,
            width: Width::W32,
            address: self.output,
            offset: i32::try_from(word * self.word_bytes).unwrap(),
            value,
            ordered: false,
        };
        self.builder.inst(block, op, &[]);
    }

    fn args(&mut self, block: Block, visible: &[Value], fuel: Value) -> Vec<Value> {
        let mut args = vec![fuel];
        for ty in &STATE[1..] {
            args.push(self.pick(block, visible, *ty));
        }
        args
    }
}

/// Whether the words of one thread follow one another, not those of one number.
const fn is_by_thread(seed: u64) -> bool {
    (seed / BLOCKS.len() as u64).is_multiple_of(2)
}

fn threads(block: [u32; 3]) -> u32 {
    block.iter().product()
}

/// A kernel with parameters: output (8 bytes), input (8 bytes), a number.
fn generate(seed: u64, block: [u32; 3]) -> Unit {
    let mut random = Random(seed);
    let count = 3 + random.below(14);
    let mut builder = FunctionBuilder::new("random");
    let blocks: Vec<Block> = (0..count).map(|_| builder.block()).collect();
    // Each block is entered at its first half, which leaves if the counter is at zero.
    let rest: Vec<Block> = (0..count).map(|_| builder.block()).collect();
    let end = builder.block();
    for &block in blocks[1..].iter().chain([&end]) {
        for ty in STATE {
            builder.param(block, ty);
        }
    }
    // Shape first, so that dominance is known: targets near their sources make nested loops.
    let mut targets: Vec<Vec<Block>> = Vec::new();
    for at in 0..count {
        let near = |random: &mut Random| {
            let low = at.saturating_sub(random.below(4)).max(1);
            let high = (at + 1 + random.below(4)).min(count - 1);
            blocks[low + random.below(high.max(low) - low + 1)]
        };
        let ways = 1 + usize::from(random.chance(75));
        targets.push((0..ways).map(|_| near(&mut random)).collect());
        let to_edge = |block: &Block| Edge {
            block: *block,
            args: Vec::new(),
        };
        let undecided = Value(0);
        builder.terminate(
            blocks[at],
            Terminator::Branch {
                condition: undecided,
                then: to_edge(&end),
                otherwise: to_edge(&rest[at]),
            },
        );
        builder.terminate(
            rest[at],
            match &targets[at][..] {
                [one] => Terminator::Jump(to_edge(one)),
                [a, b, ..] => Terminator::Branch {
                    condition: undecided,
                    then: to_edge(a),
                    otherwise: to_edge(b),
                },
                [] => Terminator::Return,
            },
        );
    }
    builder.terminate(end, Terminator::Return);
    let graph = Graph::new(&builder.function);
    let dominators = Dominators::new(&graph);
    let values = vec![Vec::new(); builder.function.blocks.len()];
    let mut this = Generator {
        random,
        builder,
        values,
        input: Value(0),
        output: Value(0),
        word_bytes: if is_by_thread(seed) {
            4
        } else {
            u64::from(CTAS * threads(block)) * 4
        },
        lanes: Vec::new(),
    };
    for block in this.builder.function.block_ids() {
        this.values[block.index()] = this.builder.function.block(block).params.clone();
    }
    entry(&mut this, blocks[0]);
    // Dominators come before what they dominate.
    for &block in &graph.order {
        let mut visible = Vec::new();
        let mut above = dominators.immediate(block);
        while let Some(dominator) = above {
            visible.splice(0..0, this.values[dominator.index()].iter().copied());
            above = dominators.immediate(dominator);
        }
        for _ in 0..1 + this.random.below(6) {
            this.operation(block, &visible);
        }
        if this.random.chance(15) {
            let word = STATE.len() as u64 + this.random.next() % (WORDS - STATE.len() as u64);
            let value = this.pick(block, &visible, Type::B32);
            this.store(block, word, value);
        }
        finish(&mut this, block, end, &visible);
    }
    let mut function = this.builder.function;
    super::normalise::remove_unreachable(&mut function);
    Unit {
        functions: vec![function],
        param_bytes: 20,
        params: vec![(0, 8), (8, 8), (16, 4)],
        ..Unit::default()
    }
}

fn entry(this: &mut Generator, block: Block) {
    let param = |this: &mut Generator, at: u64, width, ty| {
        let address = this
            .builder
            .value_of(block, Op::Const(Type::B64, at), Type::B64);
        let op = Op::Load {
            space: Space::Param,
            width,
            signed: false,
            ty,
            address,
            offset: 0,
            ordered: false,
        };
        this.builder.value_of(block, op, ty)
    };
    let output = param(this, 0, Width::W64, Type::B64);
    this.input = param(this, 8, Width::W64, Type::B64);
    let number = param(this, 16, Width::W32, Type::B32);
    let read = |this: &mut Generator, special| {
        this.builder
            .value_of(block, Op::ReadSpecial(special), Type::B32)
    };
    let special = [
        Special::ThreadId(0),
        Special::ThreadId(1),
        Special::ThreadId(2),
        Special::CtaSize(0),
        Special::CtaSize(1),
        Special::CtaSize(2),
        Special::CtaId(0),
    ];
    let [x, y, z, width, height, depth, cta] = special.map(|special| read(this, special));
    let mut binary = |op, a, b| {
        this.builder
            .value_of(block, Op::Binary(op, a, b), Type::B32)
    };
    // ((cta * depth + z) * height + y) * width + x
    let mut global = cta;
    for (size, index) in [(depth, z), (height, y), (width, x)] {
        global = binary(BinaryOp::Mul, global, size);
        global = binary(BinaryOp::Add, global, index);
    }
    let bytes = if this.word_bytes == 4 { WORDS * 4 } else { 4 };
    let stride = this
        .builder
        .value_of(block, Op::Const(Type::B32, bytes), Type::B32);
    let op = Op::MulWide {
        signed: false,
        a: global,
        b: stride,
    };
    let offset = this.builder.value_of(block, op, Type::B64);
    this.output =
        this.builder
            .value_of(block, Op::Binary(BinaryOp::Add, output, offset), Type::B64);
    let lane = read(this, Special::Lane);
    this.values[block.index()].extend([global, x, y, cta, number, lane]);
    this.lanes = vec![x, x, y, lane];
}

/// Terminates a block whose targets are known.
fn finish(this: &mut Generator, block: Block, end: Block, visible: &[Value]) {
    let mut terminator = this.builder.function.block(block).terminator.clone();
    if block == end {
        let params = this.builder.function.block(block).params.clone();
        for (word, &param) in params.iter().enumerate() {
            let value = match this.builder.function.ty(param) {
                Type::B32 => param,
                Type::B64 => this.value(block, Op::Truncate(Type::B32, param), Type::B32),
                Type::B16 => this.value(
                    block,
                    Op::Extend {
                        signed: true,
                        from: 16,
                        to: Type::B32,
                        value: param,
                    },
                    Type::B32,
                ),
                Type::Pred => {
                    let one = this.value(block, Op::Const(Type::B32, 1), Type::B32);
                    let zero = this.value(block, Op::Const(Type::B32, 0), Type::B32);
                    this.value(block, Op::Select(param, one, zero), Type::B32)
                }
            };
            this.store(block, word as u64, value);
        }
        return;
    }
    let leaves = terminator
        .edges()
        .next()
        .is_some_and(|edge| edge.block == end);
    let fuel = if leaves {
        // The first half counts; the second finds the count among what it sees.
        let fuel = match this.builder.function.block(block).params.first() {
            Some(&fuel) => fuel,
            None => this.value(block, Op::Const(Type::B32, 25), Type::B32),
        };
        let one = this.value(block, Op::Const(Type::B32, 1), Type::B32);
        let less = this.value(block, Op::Binary(BinaryOp::Sub, fuel, one), Type::B32);
        let zero = this.value(block, Op::Const(Type::B32, 0), Type::B32);
        let empty = this.value(
            block,
            Op::CompareInt(IntCompare::Equal, less, zero),
            Type::Pred,
        );
        if let Terminator::Branch {
            condition, then, ..
        } = &mut terminator
        {
            *condition = empty;
            then.args = this.args(block, visible, less);
        }
        // Last of the block's values: see below.
        this.values[block.index()].push(less);
        this.builder.function.blocks[block.index()].terminator = terminator;
        return;
    } else {
        *visible.last().unwrap()
    };
    if let Terminator::Branch { condition, .. } = &mut terminator {
        *condition = this.compare(block, visible);
    }
    let targets: Vec<Block> = terminator.edges().map(|edge| edge.block).collect();
    let all: Vec<Vec<Value>> = targets
        .iter()
        .map(|_| this.args(block, visible, fuel))
        .collect();
    for (edge, args) in terminator.edges_mut().zip(all) {
        edge.args = args;
    }
    this.builder.function.blocks[block.index()].terminator = terminator;
}

fn input() -> Vec<u8> {
    let mut random = Random(99);
    (0..INPUT)
        .flat_map(|_| {
            let word = random.next();
            // Small numbers make comparisons interesting.
            let word = if word.is_multiple_of(3) {
                word % 17
            } else {
                word
            };
            word.to_le_bytes().into_iter().take(4)
        })
        .collect()
}

fn interpret(unit: &Unit, block: [u32; 3]) -> Vec<u8> {
    let mut memory = interp::DeviceMemory::new();
    let size = usize::try_from(u64::from(CTAS * threads(block)) * WORDS * 4).unwrap();
    let output = memory.allocate(vec![0; size]);
    let input = memory.allocate(input());
    let mut params = Vec::new();
    params.extend(output.to_le_bytes());
    params.extend(input.to_le_bytes());
    params.extend(7u32.to_le_bytes());
    let launch = interp::Launch {
        grid: [CTAS, 1, 1],
        block,
        params: &params,
        shared_dynamic_bytes: 0,
        symbols: &[],
        steps_max: 100_000_000,
    };
    interp::run(unit, &launch, &mut memory).unwrap();
    memory.allocation(output).unwrap().to_vec()
}

fn execute(chip: &Chip, unit: &Unit, block: [u32; 3]) -> Vec<u8> {
    let image = super::compile(unit).unwrap();
    let memory = chip.memory();
    let size = u64::from(CTAS * threads(block)) * WORDS * 4;
    let [output, input_at, params_at] = [0, 1 << 20, 2 << 20].map(|at| memory.base() + at);
    for (at, bytes) in [(output, size), (input_at, INPUT * 4), (params_at, 64)] {
        memory.map(at, bytes, Access::ReadWrite).unwrap();
    }
    memory.fill(output, size, &[0]).unwrap();
    memory.write(input_at, &input()).unwrap();
    memory.write(params_at, &output.to_le_bytes()).unwrap();
    memory
        .write(params_at + 8, &input_at.to_le_bytes())
        .unwrap();
    memory.write(params_at + 16, &7u32.to_le_bytes()).unwrap();
    let program = Program::at_window(&image.code);
    let entry = program.base() + image.entry;
    let launch = Launch {
        program,
        entry,
        grid: [CTAS, 1, 1],
        block,
        shared_static_bytes: 0,
        shared_dynamic_bytes: 0,
        local_bytes_per_lane: image.local_bytes_per_lane,
        stack_bytes_per_hart: image.stack_bytes_per_hart,
        params: params_at,
        symbols: params_at,
        grid_id: 1,
    };
    chip.launch(&launch).unwrap();
    let mut bytes = vec![0; usize::try_from(size).unwrap()];
    memory.read(output, &mut bytes).unwrap();
    for at in [output, input_at, params_at] {
        memory.unmap(at).unwrap();
    }
    bytes
}

#[test]
fn random_programs_agree_with_the_interpreter() {
    let mut config = ChipConfig::default();
    config.cores = 1;
    config.host_threads = Some(1);
    config.memory_bytes = 1 << 30;
    let chip = Chip::new(config).unwrap();
    let seeds = match std::env::var("WEFT_SEED") {
        Ok(seed) => {
            let seed: u64 = seed.parse().unwrap();
            seed..seed + 1
        }
        Err(_) => {
            let programs = std::env::var("WEFT_PROGRAMS");
            0..programs.map_or(288, |count| count.parse().unwrap())
        }
    };
    for seed in seeds {
        let shape = seed % BLOCKS.len() as u64;
        let block = BLOCKS[usize::try_from(shape).unwrap()];
        let mut unit = generate(seed, block);
        if let Err(errors) = crate::verify::verify(&unit) {
            panic!("seed {seed} makes no valid program: {}", errors[0]);
        }
        let expected = interpret(&unit, block);
        let own = LaunchShape::of(Some([CTAS, 1, 1]), block);
        // The IR that machine code is made of means the same.
        let mut rewritten = unit.clone();
        let function = &mut rewritten.functions[0];
        affine::expose(function, own);
        super::normalise::normalise(function);
        affine::rewrite_addresses(function, own);
        if let Err(errors) = crate::verify::verify(&rewritten) {
            panic!("seed {seed}, rewritten, is no valid program: {}", errors[0]);
        }
        compare(seed, &rewritten, &expected, &interpret(&rewritten, block));
        for launch in [LaunchShape::default(), own] {
            unit.launch = launch;
            compare(seed, &unit, &expected, &execute(&chip, &unit, block));
        }
        // A program means the same when its lanes are scheduled by themselves.
        if (seed / BLOCKS.len() as u64).is_multiple_of(4) {
            let mut separated = unit.clone();
            separated.functions[0] = separate_lanes(&unit.functions[0]);
            if let Err(errors) = crate::verify::verify(&separated) {
                panic!(
                    "seed {seed}, lanes apart, is no valid program: {}",
                    errors[0]
                );
            }
            compare(seed, &separated, &expected, &interpret(&separated, block));
            let found = execute(&chip, &separated, block);
            compare(seed, &separated, &expected, &found);
        }
    }
}

fn compare(seed: u64, unit: &Unit, expected: &[u8], found: &[u8]) {
    let words = expected.len() as u64 / 4;
    let threads = words / WORDS;
    for (at, (a, b)) in (0..words).zip(expected.chunks(4).zip(found.chunks(4))) {
        let (thread, word) = if is_by_thread(seed) {
            (at / WORDS, at % WORDS)
        } else {
            (at % threads, at / threads)
        };
        assert_eq!(
            a, b,
            "seed {seed}: thread {thread}, word {word}: interpreter, then found\n{unit}"
        );
    }
}
