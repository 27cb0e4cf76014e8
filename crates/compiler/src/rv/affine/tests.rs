//! What random programs rarely do: sums that wrap around within a warp, and the shape of the code.

use super::{expose, rewrite_addresses};
use crate::interp;
use crate::ir::{
    BinaryOp, Block, Edge, Function, FunctionBuilder, LaunchShape, Op, ShiftOp, Space, Special,
    Terminator, Type, Unit, Value, Width,
};
use weft_chip::{Access, Chip, ChipConfig, Launch, Program};

const LANES: u32 = 32;

struct Build {
    builder: FunctionBuilder,
    block: Block,
}

impl Build {
    fn op(&mut self, op: Op, ty: Type) -> Value {
        self.builder.value_of(self.block, op, ty)
    }

    fn constant(&mut self, ty: Type, value: i64) -> Value {
        let bits = value.cast_unsigned() & (u64::MAX >> (64 - ty.bits()));
        self.op(Op::Const(ty, bits), ty)
    }

    fn binary(&mut self, op: BinaryOp, a: Value, b: Value) -> Value {
        let ty = self.builder.function.ty(a);
        self.op(Op::Binary(op, a, b), ty)
    }

    fn param(&mut self, at: i64, width: Width, ty: Type) -> Value {
        let address = self.constant(Type::B64, at);
        self.load(Space::Param, width, ty, address)
    }

    fn load(&mut self, space: Space, width: Width, ty: Type, address: Value) -> Value {
        let op = Op::Load {
            space,
            width,
            signed: false,
            ty,
            address,
            offset: 0,
            ordered: false,
        };
        self.op(op, ty)
    }

    fn store(&mut self, space: Space, address: Value, value: Value) {
        let op = Op::Store {
            space,
            width: Width::W32,
            address,
            offset: 0,
            value,
            ordered: false,
        };
        self.builder.inst(self.block, op, &[]);
    }
}

/// What an address is made of: `base + factor * widened(number + step * lane)`.
#[derive(Clone, Copy, Debug)]
struct Sum {
    signed: bool,
    step: i64,
    factor: i64,
}

/// A kernel that, in the lanes of a mask, reads a word at such an address and stores it to
/// `output[lane]`. Parameters: output and base (8 bytes each), number and mask (4 bytes each).
fn kernel(sum: Sum) -> Unit {
    let mut builder = FunctionBuilder::new("wraps");
    let [block, then, end] = std::array::from_fn(|_| builder.block());
    let mut b = Build { builder, block };
    let output = b.param(0, Width::W64, Type::B64);
    let base = b.param(8, Width::W64, Type::B64);
    let number = b.param(16, Width::W32, Type::B32);
    let mask = b.param(20, Width::W32, Type::B32);
    let lane = b.op(Op::ReadSpecial(Special::Lane), Type::B32);
    let shifted = b.op(Op::Shift(ShiftOp::RightLogical, mask, lane), Type::B32);
    let one = b.constant(Type::B32, 1);
    let bit = b.binary(BinaryOp::And, shifted, one);
    let condition = Op::CompareInt(crate::ir::IntCompare::Equal, bit, one);
    let condition = b.op(condition, Type::Pred);
    let edge = |block| Edge {
        block,
        args: Vec::new(),
    };
    b.builder.terminate(
        block,
        Terminator::Branch {
            condition,
            then: edge(then),
            otherwise: edge(end),
        },
    );
    b.block = then;
    let step = b.constant(Type::B32, sum.step);
    let steps = b.binary(BinaryOp::Mul, lane, step);
    let narrow = b.binary(BinaryOp::Add, steps, number);
    let factor = b.constant(Type::B32, sum.factor);
    let wide = Op::MulWide {
        signed: sum.signed,
        a: narrow,
        b: factor,
    };
    let wide = b.op(wide, Type::B64);
    let address = b.binary(BinaryOp::Add, base, wide);
    let value = b.load(Space::Global, Width::W32, Type::B32, address);
    let four = b.constant(Type::B32, 4);
    let place = Op::MulWide {
        signed: false,
        a: lane,
        b: four,
    };
    let place = b.op(place, Type::B64);
    let place = b.binary(BinaryOp::Add, output, place);
    b.store(Space::Global, place, value);
    b.builder.terminate(then, Terminator::Jump(edge(end)));
    b.builder.terminate(end, Terminator::Return);
    Unit {
        functions: vec![b.builder.function],
        param_bytes: 24,
        params: vec![(0, 8), (8, 8), (16, 4), (20, 4)],
        ..Unit::default()
    }
}

fn params(output: u64, base: u64, number: u32, mask: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(output.to_le_bytes());
    bytes.extend(base.to_le_bytes());
    bytes.extend(number.to_le_bytes());
    bytes.extend(mask.to_le_bytes());
    bytes
}

fn rewritten(unit: &Unit, launch: LaunchShape) -> Unit {
    let mut unit = unit.clone();
    let function = &mut unit.functions[0];
    expose(function, launch);
    crate::rv::normalise::normalise(function);
    rewrite_addresses(function, launch);
    if let Err(errors) = crate::verify::verify(&unit) {
        panic!("{}\n{unit}", errors[0]);
    }
    unit
}

/// Every lane's address apart from the base, as the definition says.
fn distances(sum: Sum, number: u32) -> Vec<i64> {
    let lane_of = |lane: i64| {
        let narrow = u32::try_from((i64::from(number) + lane * sum.step) & 0xffff_ffff).unwrap();
        let wide = if sum.signed {
            i64::from(narrow.cast_signed())
        } else {
            i64::from(narrow)
        };
        wide * sum.factor
    };
    (0..i64::from(LANES)).map(lane_of).collect()
}

#[test]
fn sums_that_wrap_around_within_a_warp_are_right() {
    let mut config = ChipConfig::default();
    config.cores = 1;
    config.host_threads = Some(1);
    config.memory_bytes = 1 << 30;
    let chip = Chip::new(config).unwrap();
    let memory = chip.memory();
    const TABLE: u64 = 1 << 14;
    let table: Vec<u8> = (0..TABLE / 4)
        .flat_map(|word| (u32::try_from(word).unwrap() + 1).to_le_bytes())
        .collect();
    let [output_at, table_at, params_at] = [0u64, 1 << 20, 2 << 20].map(|at| memory.base() + at);
    for (at, bytes) in [(output_at, 128), (table_at, TABLE), (params_at, 64)] {
        memory.map(at, bytes, Access::ReadWrite).unwrap();
    }
    memory.write(table_at, &table).unwrap();
    let launch_shape = LaunchShape::of(Some([1, 1, 1]), [LANES, 1, 1]);
    let mut launches = 0;
    for signed in [false, true] {
        for (step, factor) in [
            (1, 4),
            (4, 1),
            (-1, 4),
            (-4, 1),
            (3, 4),
            (-5, 4),
            (1, 8),
            (4, -1),
        ] {
            if !signed && factor < 0 {
                continue;
            }
            let sum = Sum {
                signed,
                step,
                factor,
            };
            let mut unit = kernel(sum);
            unit.launch = launch_shape;
            let changed = rewritten(&unit, launch_shape);
            assert!(changed.to_string().contains("Wrap"), "{changed}");
            let image = crate::rv::compile(&unit).unwrap();
            let limit: i64 = if signed { 1 << 31 } else { 1 << 32 };
            // Numbers from which lane `at` is the first behind the limit, or none is.
            for at in [0, 1, 2, 15, 16, 30, 31, 32, 40] {
                let past = if step > 0 {
                    limit
                } else {
                    limit - (1 << 32) - 1
                };
                let slack = if step.abs() > 1 { 1 } else { 0 };
                let number = past - at * step + slack * step.signum();
                let number = u32::try_from(number & 0xffff_ffff).unwrap();
                let distances = distances(sum, number);
                for chosen in 0..2 {
                    // The lanes on one side of the step, near the middle of the table.
                    let origin = if chosen == 0 {
                        distances[0]
                    } else {
                        distances[31]
                    };
                    let base = (table_at + TABLE / 2).wrapping_add_signed(-origin);
                    let near = |distance: i64| (distance - origin).abs() < 2048;
                    let mask = (0..LANES)
                        .zip(&distances)
                        .filter(|(_, distance)| near(**distance))
                        .fold(0, |mask, (lane, _)| mask | 1 << lane);
                    let expected: Vec<u32> = (0..LANES)
                        .zip(&distances)
                        .map(|(lane, &distance)| {
                            let at = base.wrapping_add_signed(distance).wrapping_sub(table_at);
                            if mask >> lane & 1 == 0 {
                                return 0;
                            }
                            u32::try_from(at / 4).unwrap() + 1
                        })
                        .collect();
                    let words = |bytes: &[u8]| -> Vec<u32> {
                        let words = bytes.chunks(4);
                        words
                            .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
                            .collect()
                    };
                    let context = format!("{sum:?}, number {number:#x}, mask {mask:#x}");
                    for unit in [&unit, &changed] {
                        let mut device = interp::DeviceMemory::new();
                        let output = device.allocate(vec![0; 128]);
                        let own_table = device.allocate(table.clone());
                        let base = base.wrapping_add(own_table).wrapping_sub(table_at);
                        let params = params(output, base, number, mask);
                        let launch = interp::Launch {
                            grid: [1; 3],
                            block: [LANES, 1, 1],
                            params: &params,
                            shared_dynamic_bytes: 0,
                            symbols: &[],
                            steps_max: 10_000,
                        };
                        interp::run(unit, &launch, &mut device).unwrap();
                        let found = words(device.allocation(output).unwrap());
                        assert_eq!(found, expected, "interpreter: {context}\n{unit}");
                    }
                    memory.fill(output_at, 128, &[0]).unwrap();
                    memory
                        .write(params_at, &params(output_at, base, number, mask))
                        .unwrap();
                    let program = Program::at_window(&image.code);
                    let launch = Launch {
                        entry: program.base() + image.entry,
                        program,
                        grid: [1; 3],
                        block: [LANES, 1, 1],
                        shared_static_bytes: 0,
                        shared_dynamic_bytes: 0,
                        local_bytes_per_lane: image.local_bytes_per_lane,
                        stack_bytes_per_hart: image.stack_bytes_per_hart,
                        params: params_at,
                        symbols: params_at,
                        grid_id: 1,
                    };
                    chip.launch(&launch).unwrap();
                    let mut bytes = vec![0; 128];
                    memory.read(output_at, &mut bytes).unwrap();
                    assert_eq!(words(&bytes), expected, "chip: {context}");
                    launches += 1;
                }
            }
        }
    }
    assert_eq!(launches, (7 + 8) * 9 * 2);
}

/// The operations of a function that has been rewritten.
fn ops(function: &Function) -> Vec<Op> {
    let insts = function.blocks.iter().flat_map(|block| &block.insts);
    insts.map(|&inst| function.inst(inst).op.clone()).collect()
}

/// `output[index]`, where the function makes the index of thread indices, is set to 1.
fn store_at(index: impl Fn(&mut Build) -> Value) -> Unit {
    let mut builder = FunctionBuilder::new("store");
    let block = builder.block();
    let mut b = Build { builder, block };
    let output = b.param(0, Width::W64, Type::B64);
    let index = index(&mut b);
    let four = b.constant(Type::B32, 4);
    let offset = Op::MulWide {
        signed: true,
        a: index,
        b: four,
    };
    let offset = b.op(offset, Type::B64);
    let address = b.binary(BinaryOp::Add, output, offset);
    let one = b.constant(Type::B32, 1);
    b.store(Space::Global, address, one);
    b.builder.terminate(block, Terminator::Return);
    Unit {
        functions: vec![b.builder.function],
        param_bytes: 8,
        params: vec![(0, 8)],
        ..Unit::default()
    }
}

fn special(b: &mut Build, special: Special) -> Value {
    b.op(Op::ReadSpecial(special), Type::B32)
}

#[test]
fn the_usual_index_needs_no_vector_and_no_check() {
    let unit = store_at(|b| {
        let [cta, size, thread] = [Special::CtaId(0), Special::CtaSize(0), Special::ThreadId(0)]
            .map(|each| special(b, each));
        let first = b.binary(BinaryOp::Mul, cta, size);
        b.binary(BinaryOp::Add, first, thread)
    });
    let of = |grid, block| ops(&rewritten(&unit, LaunchShape::of(grid, block)).functions[0]);
    let address = |ops: &[Op]| {
        ops.iter().find_map(|op| match op {
            Op::Affine { stride, wrap, .. } => Some((*stride, wrap.is_some())),
            _ => None,
        })
    };
    for block in [[256, 1, 1], [45, 1, 1], [32, 8, 1]] {
        assert_eq!(address(&of(Some([64, 1, 1]), block)), Some((4, false)));
        // Of a grid of any size the index may wrap around.
        assert_eq!(address(&of(None, block)), Some((4, true)));
    }
    assert_eq!(address(&of(Some([64, 1, 1]), [24, 2, 1])), None);
}

#[test]
fn what_the_high_bits_of_an_index_decide_is_uniform() {
    let unit = store_at(|b| {
        let thread = special(b, Special::ThreadId(0));
        let five = b.constant(Type::B32, 5);
        b.op(Op::Shift(ShiftOp::RightLogical, thread, five), Type::B32)
    });
    let launch = LaunchShape::of(None, [64, 1, 1]);
    let ops = ops(&rewritten(&unit, launch).functions[0]);
    let lanes = |op: &Op| {
        matches!(
            op,
            Op::ReadSpecial(Special::ThreadId(_) | Special::Lane) | Op::Affine { .. }
        )
    };
    assert!(!ops.iter().any(lanes), "{ops:?}");
}

#[test]
fn a_tile_of_short_rows_is_addressed_from_a_scalar() {
    // tid.y * 64 + tid.x / 4: sixteen lanes of a row, two rows in a warp.
    let unit = store_at(|b| {
        let [x, y] = [Special::ThreadId(0), Special::ThreadId(1)].map(|each| special(b, each));
        let pitch = b.constant(Type::B32, 64);
        let two = b.constant(Type::B32, 2);
        let row = b.binary(BinaryOp::Mul, y, pitch);
        let column = b.op(Op::Shift(ShiftOp::RightLogical, x, two), Type::B32);
        b.binary(BinaryOp::Or, row, column)
    });
    let launch = LaunchShape::of(None, [16, 16, 1]);
    let ops = ops(&rewritten(&unit, launch).functions[0]);
    // The index is the only thing that is computed of lanes.
    let signed = |op: &&Op| matches!(op, Op::MulWide { .. } | Op::Extend { signed: true, .. });
    let indices = |op: &&Op| matches!(op, Op::Extend { signed: false, .. });
    assert_eq!(ops.iter().filter(signed).count(), 1, "{ops:?}");
    assert_eq!(ops.iter().filter(indices).count(), 1, "{ops:?}");
    assert!(!ops.contains(&Op::ReadSpecial(Special::ThreadId(0))));
}

#[test]
fn a_shifted_index_of_which_a_mask_leaves_no_lane_is_uniform() {
    for (op, by, mask) in [
        (ShiftOp::RightLogical, 2, 0x3fff_fff8),
        (ShiftOp::RightArithmetic, 1, 0x30),
        (ShiftOp::Left, 3, 0x7f00),
    ] {
        let unit = store_at(|b| {
            let thread = special(b, Special::ThreadId(0));
            let by = b.constant(Type::B32, by);
            let shifted = b.op(Op::Shift(op, thread, by), Type::B32);
            let mask = b.constant(Type::B32, mask);
            b.binary(BinaryOp::And, shifted, mask)
        });
        let launch = LaunchShape::of(None, [512, 1, 1]);
        let ops = ops(&rewritten(&unit, launch).functions[0]);
        let lanes = |op: &Op| {
            matches!(
                op,
                Op::ReadSpecial(Special::ThreadId(_) | Special::Lane) | Op::Affine { .. }
            )
        };
        assert!(!ops.iter().any(lanes), "{op:?}: {ops:?}");
    }
}

#[test]
fn rows_that_are_padded_share_an_index_of_lanes() {
    // (tid / 32 * 8 + lane / 4) * 144 | lane % 4 * 4, in which the pitch is no power of two.
    let unit = store_at(|b| {
        let thread = special(b, Special::ThreadId(0));
        let [two, low, rows, pitch, words] =
            [2, 7, 0x3fff_fff8, 144, 12].map(|each| b.constant(Type::B32, each));
        let quarter = b.op(Op::Shift(ShiftOp::RightLogical, thread, two), Type::B32);
        let first = b.binary(BinaryOp::And, quarter, rows);
        let group = b.binary(BinaryOp::And, quarter, low);
        let row = b.binary(BinaryOp::Or, first, group);
        let start = b.binary(BinaryOp::Mul, row, pitch);
        let column = b.op(Op::Shift(ShiftOp::Left, thread, two), Type::B32);
        let column = b.binary(BinaryOp::And, column, words);
        b.binary(BinaryOp::Or, start, column)
    });
    let launch = LaunchShape::of(Some([64, 1, 1]), [512, 1, 1]);
    let ops = ops(&rewritten(&unit, launch).functions[0]);
    let indices = |op: &&Op| matches!(op, Op::Extend { signed: false, .. });
    assert_eq!(ops.iter().filter(indices).count(), 1, "{ops:?}");
    assert!(!ops.contains(&Op::ReadSpecial(Special::ThreadId(0))));
}

#[test]
fn an_address_that_lanes_ask_each_other_for_needs_no_exchange() {
    // What `ldmatrix` does: lane 4 g + t reads word t of the row that lane g names.
    let unit = store_at(|b| {
        let lane = special(b, Special::Lane);
        let [pitch, two, three, c, members] =
            [144, 2, 3, 31, -1].map(|each| b.constant(Type::B32, each));
        let row = b.binary(BinaryOp::Mul, lane, pitch);
        let from = b.op(Op::Shift(ShiftOp::RightLogical, lane, two), Type::B32);
        let shuffle = Op::Shuffle {
            mode: crate::ir::ShuffleMode::Index,
            value: row,
            b: from,
            c,
            members,
        };
        let inst = b.builder.inst(b.block, shuffle, &[Type::B32, Type::Pred]);
        let row = b.builder.function.inst(inst).results[0];
        let word = b.binary(BinaryOp::And, lane, three);
        b.binary(BinaryOp::Add, row, word)
    });
    let launch = LaunchShape::of(Some([64, 1, 1]), [512, 1, 1]);
    let ops = ops(&rewritten(&unit, launch).functions[0]);
    let indices = |op: &&Op| matches!(op, Op::Extend { signed: false, .. });
    assert_eq!(ops.iter().filter(indices).count(), 1, "{ops:?}");
}
