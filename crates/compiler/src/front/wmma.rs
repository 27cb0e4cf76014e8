//! `wmma.load`, `wmma.mma`, `wmma.store`: PTX ISA section 9.7.15.4.
//!
//! PTX leaves open which thread holds which element of a fragment. Here a fragment is a sequence
//! of fragments of `mma.sync`, so that `wmma.mma` is as many of those products as the shape
//! takes. A shape of 8 rows and 32 columns is computed transposed: the transposed B is the left
//! factor. Where PTX has more registers than elements take, they are repeated, so that
//! a program may treat all registers alike.

use super::function::{Ins, Lowering, MemoryOperand};
use super::memory;
use super::mma::{self, element_type, factors, read_fragment, sums, write_fragment};
use crate::ErrorKind;
use crate::ir::{BinaryOp, FloatType, Op, Rounding, ShiftOp, Special, Type, Value, Width};
use weft_isa::MatrixForm;
use weft_ptx::ast::{Operand, ScalarType};

type Lowered<T = ()> = Result<T, ErrorKind>;

/// Rows of one product on the left, where a shape is made of several.
const LEFT_ROWS: u32 = 16;
/// Columns of one product.
const COLUMNS: u32 = 8;
/// Bits of a row that one register holds.
const RUN_BITS: u32 = 128;

/// How a shape is made of products of `mma.sync`.
#[derive(Clone, Copy)]
struct Tiling {
    /// Rows of a product.
    rows: u32,
    /// Columns of its left factor.
    k: u32,
    /// Products one above the other.
    left: u32,
    /// Products side by side.
    right: u32,
    /// The products compute the transposed matrix.
    transposed: bool,
}

impl Tiling {
    /// The tiling of a shape that PTX has for elements of this width.
    fn new(shape: [u32; 3], bits: u32) -> Option<Self> {
        let (rows, left, right, transposed) = match (shape, bits) {
            ([16, 16, 16], 8 | 16) | ([16, 16, 8], 32) => (LEFT_ROWS, 1, 2, false),
            ([32, 8, 16], 8 | 16) => (LEFT_ROWS, 2, 1, false),
            ([8, 32, 16], 8 | 16) => (LEFT_ROWS, 2, 1, true),
            ([8, 8, 4], 64) | ([8, 8, 32], 4) | ([8, 8, 128], 1) => (COLUMNS, 1, 1, false),
            _ => return None,
        };
        Some(Self {
            rows,
            k: shape[2],
            left,
            right,
            transposed,
        })
    }
}

/// What a fragment holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    A,
    B,
    /// C or D.
    Sum,
}

/// A fragment in memory and registers.
struct Fragment {
    role: Role,
    tiling: Tiling,
    /// Width of an element.
    bits: u32,
    /// Rows follow one another in memory.
    row_major: bool,
    /// Registers that PTX gives it.
    registers: usize,
    ty: ScalarType,
}

impl Fragment {
    fn new(role: Role, shape: [u32; 3], element: &str, row_major: bool) -> Option<Self> {
        let bits = match element {
            "b1" => 1,
            "s4" | "u4" => 4,
            "s8" | "u8" => 8,
            "f16" | "bf16" => 16,
            "tf32" | "f32" | "s32" => 32,
            "f64" => 64,
            _ => return None,
        };
        let is_sum = matches!(element, "f16" | "f32" | "s32" | "f64");
        let tiling = if role == Role::Sum {
            // The shape alone tells the tiling: no two widths share one with different ones.
            [1, 4, 8, 16, 32, 64]
                .into_iter()
                .find_map(|bits| Tiling::new(shape, bits))?
        } else {
            Tiling::new(shape, bits)?
        };
        let [m, n, k] = shape;
        let elements = match role {
            Role::A => m * k,
            Role::B => k * n,
            Role::Sum => m * n,
        };
        let exists = match (role, element) {
            (Role::Sum, "f64") => shape == [8, 8, 4],
            (Role::Sum, _) => is_sum,
            // Bytes of floats are no elements of wmma.
            (_, "f32" | "s32") => false,
            // Only the layouts that run along k.
            (Role::A, "s4" | "u4" | "b1") => row_major,
            (Role::B, "s4" | "u4" | "b1") => !row_major,
            _ => true,
        };
        if !exists {
            return None;
        }
        let own = (elements * bits).div_ceil(32 * bits.max(32)) as usize;
        let registers = if role != Role::Sum && element == "f16" {
            8
        } else {
            own
        };
        Some(Self {
            role,
            tiling,
            bits,
            row_major,
            registers,
            ty: if bits == 64 {
                ScalarType::F64
            } else {
                ScalarType::B32
            },
        })
    }

    /// It is the left factor of the products.
    fn is_left(&self) -> bool {
        (self.role == Role::A) != self.tiling.transposed
    }

    /// Elements next to each other in a register are so in memory.
    fn is_contiguous(&self) -> bool {
        match self.role {
            Role::A => self.row_major,
            Role::B => !self.row_major,
            Role::Sum => self.row_major != self.tiling.transposed,
        }
    }

    /// Register pieces in the order of fragments: of a factor, which row (or column) above
    /// `g`, and which element along k above the lane's own; of a sum, row above `g` and
    /// column above `2 t`.
    fn pieces(&self) -> Vec<(u32, u32)> {
        let Tiling {
            rows,
            k,
            left,
            right,
            ..
        } = self.tiling;
        let mut pieces = Vec::new();
        if self.role == Role::Sum {
            for (tile_row, tile_column) in
                (0..left).flat_map(|row| (0..right).map(move |column| (row, column)))
            {
                for part in 0..rows / COLUMNS {
                    let row = LEFT_ROWS * tile_row + COLUMNS * part;
                    let columns: &[u32] = if self.bits == 16 { &[0] } else { &[0, 1] };
                    for column in columns {
                        pieces.push((row, COLUMNS * tile_column + column));
                    }
                }
            }
            return pieces;
        }
        let (tiles, tile_rows) = if self.is_left() {
            (left, rows)
        } else {
            (right, COLUMNS)
        };
        let run = RUN_BITS.max(4 * self.bits) / self.bits;
        for tile in 0..tiles {
            for along in (0..k).step_by(run as usize) {
                for part in 0..tile_rows / COLUMNS {
                    pieces.push((tile_rows * tile + COLUMNS * part, along));
                }
            }
        }
        pieces
    }
}

/// `wmma`
pub(super) fn wmma<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    if ins.modifiers.take("load") {
        return load(f, ins);
    }
    if ins.modifiers.take("store") {
        return store(f, ins);
    }
    if ins.modifiers.take("mma") {
        return multiply(f, ins);
    }
    Err(ins.unsupported())
}

fn take_sync(ins: &mut Ins<'_, '_>) -> Lowered {
    if ins.modifiers.take("sync") && ins.modifiers.take("aligned") {
        Ok(())
    } else {
        Err(ins.wrong_modifiers(".sync.aligned is missing"))
    }
}

/// Takes `.row` or `.col`: whether it is the former.
fn take_layout(ins: &mut Ins<'_, '_>) -> Lowered<bool> {
    let layout = ins.modifiers.take_map(|word| match word {
        "row" => Some(true),
        "col" => Some(false),
        _ => None,
    });
    layout.ok_or_else(|| ins.wrong_modifiers("the layout is missing"))
}

/// The rest of the modifiers of a load or store, and the place in memory.
fn access<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
    role: Role,
    address: &Operand<'a>,
    stride: Option<&Operand<'a>>,
) -> Lowered<(Fragment, Place)> {
    take_sync(ins)?;
    let row_major = take_layout(ins)?;
    let shape = ins.modifiers.take_map(mma::shape);
    let element = ins.modifiers.take_map(element_type);
    let (Some(shape), Some(element)) = (shape, element) else {
        return Err(ins.unsupported());
    };
    let space = memory::take_space(ins);
    let Some(fragment) = Fragment::new(role, shape, element, row_major) else {
        return Err(ins.unsupported());
    };
    let [m, n, k] = shape;
    let stride = match stride {
        Some(stride) => f.read(ins, stride, ScalarType::U32)?,
        None => {
            let shortest = match (role, row_major) {
                (Role::A, true) | (Role::B, false) => k,
                (Role::A, false) | (Role::Sum, false) => m,
                (Role::B, true) | (Role::Sum, true) => n,
            };
            f.constant(Type::B32, u64::from(shortest))
        }
    };
    let at = f.memory_operand(ins, address, space)?;
    f.effect(Op::FullWarp);
    let place = Place::new(f, &fragment, at, stride);
    Ok((fragment, place))
}

/// Where the elements of a lane lie.
struct Place {
    at: MemoryOperand,
    /// Bytes from one row (or column) to the next, of the type of the address.
    stride: Value,
    /// `g` and `t` of lane `4 g + t`, likewise.
    group: Value,
    thread: Value,
}

impl Place {
    fn new(
        f: &mut Lowering<'_, '_, '_>,
        fragment: &Fragment,
        at: MemoryOperand,
        stride: Value,
    ) -> Self {
        let ty = f.ty(at.address);
        let wide = |f: &mut Lowering<'_, '_, '_>, value| f.resize(value, 32, false, ty);
        let stride = wide(f, stride);
        let stride = if fragment.bits >= 8 {
            f.shift_by(ShiftOp::Left, stride, (fragment.bits / 8).ilog2())
        } else {
            f.shift_by(ShiftOp::RightLogical, stride, (8 / fragment.bits).ilog2())
        };
        let lane = f.emit(Op::ReadSpecial(Special::Lane), Type::B32);
        let group = f.shift_by(ShiftOp::RightLogical, lane, 2);
        let thread = f.binary_with(BinaryOp::And, lane, 3);
        let (group, thread) = (wide(f, group), wide(f, thread));
        Self {
            at,
            stride,
            group,
            thread,
        }
    }

    /// The place `across` strides and `along` bytes further.
    fn of(&self, f: &mut Lowering<'_, '_, '_>, across: Value, along: Value) -> MemoryOperand {
        let distance = f.binary(BinaryOp::Mul, across, self.stride);
        let address = f.binary(BinaryOp::Add, self.at.address, distance);
        MemoryOperand {
            address: f.binary(BinaryOp::Add, address, along),
            ..self.at
        }
    }

    /// Where the elements of a register lie: one place for each access, in order.
    fn of_piece(
        &self,
        f: &mut Lowering<'_, '_, '_>,
        fragment: &Fragment,
        (outer, inner): (u32, u32),
    ) -> Vec<MemoryOperand> {
        let bits = fragment.bits;
        let outer = f.binary_with(BinaryOp::Add, self.group, u64::from(outer));
        // Elements of the lane next to each other, and those of a register.
        let (own, each) = if fragment.role == Role::Sum {
            (2, if bits == 16 { 2 } else { 1 })
        } else {
            (bits.max(32) / bits, bits.max(32) / bits)
        };
        let first = f.binary_with(BinaryOp::Mul, self.thread, u64::from(own));
        let first = f.binary_with(BinaryOp::Add, first, u64::from(inner));
        if fragment.is_contiguous() {
            let along = if bits >= 8 {
                f.shift_by(ShiftOp::Left, first, (bits / 8).ilog2())
            } else {
                f.shift_by(ShiftOp::RightLogical, first, (8 / bits).ilog2())
            };
            return vec![self.of(f, outer, along)];
        }
        let along = f.shift_by(ShiftOp::Left, outer, (bits / 8).ilog2());
        (0..each)
            .map(|element| {
                let across = f.binary_with(BinaryOp::Add, first, u64::from(element));
                self.of(f, across, along)
            })
            .collect()
    }
}

/// `wmma.load.{a,b,c}`
fn load<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let role = ins.modifiers.take_map(|word| match word {
        "a" => Some(Role::A),
        "b" => Some(Role::B),
        "c" => Some(Role::Sum),
        _ => None,
    });
    let Some(role) = role else {
        return Err(ins.unsupported());
    };
    let (d, address, stride) = match ins.ast.operands.as_slice() {
        [d, address] => (d, address, None),
        [d, address, stride] => (d, address, Some(stride)),
        _ => return Err(ins.operand_count("2 or 3")),
    };
    let (fragment, place) = access(f, ins, role, address, stride)?;
    let mut values = Vec::new();
    for piece in fragment.pieces() {
        let places = place.of_piece(f, &fragment, piece);
        let bits = fragment.bits.max(32) / u32::try_from(places.len()).unwrap_or(1);
        let parts: Vec<Value> = places
            .into_iter()
            .map(|at| load_bits(f, at, bits))
            .collect();
        values.push(join(f, &parts, bits));
    }
    f.effect(Op::FullWarp);
    let own = values.len();
    values = (0..fragment.registers.max(own))
        .map(|register| values[register % own])
        .collect();
    write_fragment(f, ins, d, fragment.ty, &values)
}

fn load_bits(f: &mut Lowering<'_, '_, '_>, at: MemoryOperand, bits: u32) -> Value {
    let (width, ty) = match bits {
        8 => (Width::W8, Type::B16),
        16 => (Width::W16, Type::B16),
        32 => (Width::W32, Type::B32),
        _ => (Width::W64, Type::B64),
    };
    let op = Op::Load {
        space: at.space,
        width,
        signed: false,
        ty,
        address: at.address,
        offset: at.offset,
        ordered: false,
    };
    f.emit(op, ty)
}

/// The parts of a register, from the low end, put together.
fn join(f: &mut Lowering<'_, '_, '_>, parts: &[Value], bits: u32) -> Value {
    match *parts {
        [whole] => whole,
        [low, high] if bits == 16 => f.pack(low, high),
        [a, b, c, d] => {
            let [low, high] = [[a, b], [c, d]].map(|[low, high]| {
                let high = f.shift_by(ShiftOp::Left, high, 8);
                f.binary(BinaryOp::Or, low, high)
            });
            f.pack(low, high)
        }
        _ => unreachable!("a register holds 1, 2 or 4 separate elements"),
    }
}

/// `wmma.store.d`
fn store<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    if !ins.modifiers.take("d") {
        return Err(ins.unsupported());
    }
    let (address, source, stride) = match ins.ast.operands.as_slice() {
        [address, source] => (address, source, None),
        [address, source, stride] => (address, source, Some(stride)),
        _ => return Err(ins.operand_count("2 or 3")),
    };
    let (fragment, place) = access(f, ins, Role::Sum, address, stride)?;
    let values = read_fragment(f, ins, source, fragment.registers, fragment.ty)?;
    for (value, piece) in values.into_iter().zip(fragment.pieces()) {
        let places = place.of_piece(f, &fragment, piece);
        let parts = if places.len() == 2 {
            let (low, high) = f.halves(value);
            vec![low, high]
        } else {
            vec![value]
        };
        for (at, value) in places.into_iter().zip(parts) {
            let width = match f.ty(value) {
                Type::B64 => Width::W64,
                Type::B32 => Width::W32,
                Type::B16 | Type::Pred => Width::W16,
            };
            f.effect(Op::Store {
                space: at.space,
                width,
                address: at.address,
                offset: at.offset,
                value,
                ordered: false,
            });
        }
    }
    f.effect(Op::FullWarp);
    Ok(())
}

/// `wmma.mma`
fn multiply<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let bits = mma::take_bit_op(ins);
    take_sync(ins)?;
    let a_row = take_layout(ins)?;
    let b_row = take_layout(ins)?;
    let Some(shape) = ins.modifiers.take_map(mma::shape) else {
        return Err(ins.unsupported());
    };
    ins.modifiers.take("rn");
    let saturate = ins.modifiers.take("satfinite");
    let mut types = Vec::new();
    while let Some(word) = ins.modifiers.take_map(element_type) {
        types.push(word);
    }
    let (d_type, a_type, b_type, c_type) = match types[..] {
        // Halves are not named.
        [d, c] => (d, "f16", "f16", c),
        [d, a, b, c] => (d, a, b, c),
        _ => return Err(ins.wrong_modifiers("the types are missing")),
    };
    let a = Fragment::new(Role::A, shape, a_type, a_row);
    let b = Fragment::new(Role::B, shape, b_type, b_row);
    let c = Fragment::new(Role::Sum, shape, c_type, true);
    let d = Fragment::new(Role::Sum, shape, d_type, true);
    let (Some(a), Some(b), Some(c), Some(d)) = (a, b, c, d) else {
        return Err(ins.unsupported());
    };
    // The sum is computed in the wider of the two formats.
    let sum_type = if c_type == d_type { d_type } else { "f32" };
    let mixed = matches!((c_type, d_type), ("f16", "f32") | ("f32", "f16"));
    let tiling = a.tiling;
    let (left_type, right_type) = if tiling.transposed {
        (b_type, a_type)
    } else {
        (a_type, b_type)
    };
    let form = factors(left_type, right_type, bits)
        .zip(sums(sum_type, saturate))
        .and_then(|(factors, sums)| MatrixForm::new(factors, sums, tiling.rows, tiling.k));
    let Some(form) = form.filter(|_| c_type == d_type || mixed && a_type == "f16") else {
        return Err(ins.unsupported());
    };
    let [to, from_a, from_b, from_c] = ins.operands()?;
    let a_values = read_fragment(f, ins, from_a, a.registers, a.ty)?;
    let b_values = read_fragment(f, ins, from_b, b.registers, b.ty)?;
    let mut sums = read_fragment(f, ins, from_c, c.registers, c.ty)?;
    if mixed && c_type == "f16" {
        sums = sums.into_iter().flat_map(|pair| widen(f, pair)).collect();
    }
    let (left, right) = if tiling.transposed {
        (b_values, a_values)
    } else {
        (a_values, b_values)
    };
    let each = if form.factors().bits() == 64 { 2 } else { 1 };
    let [left_size, right_size, sum_size] =
        [form.a_registers(), form.b_registers(), form.d_registers()]
            .map(|registers| (registers / each) as usize);
    let mut results = Vec::new();
    let mut products = sums.chunks(sum_size);
    for left in left.chunks(left_size).take(tiling.left as usize) {
        for right in right.chunks(right_size).take(tiling.right as usize) {
            let sum = products.next().unwrap_or(&[]).to_vec();
            results.extend(f.multiply_matrices(form, left.to_vec(), right.to_vec(), sum));
        }
    }
    if mixed && d_type == "f16" {
        let pairs: Vec<[Value; 2]> = results.as_chunks().0.to_vec();
        results = pairs.into_iter().map(|pair| narrow(f, pair)).collect();
    }
    write_fragment(f, ins, to, d.ty, &results)
}

/// The elements of a pair of halves in single precision.
fn widen(f: &mut Lowering<'_, '_, '_>, pair: Value) -> [Value; 2] {
    let (low, high) = f.halves(pair);
    [low, high].map(|value| {
        let op = Op::FloatToFloat {
            from: FloatType::F16,
            to: FloatType::F32,
            rounding: Rounding::Nearest,
            value,
        };
        f.emit(op, Type::B32)
    })
}

/// Two singles as a pair of halves.
fn narrow(f: &mut Lowering<'_, '_, '_>, pair: [Value; 2]) -> Value {
    let [low, high] = pair.map(|value| {
        let op = Op::FloatToFloat {
            from: FloatType::F32,
            to: FloatType::F16,
            rounding: Rounding::Nearest,
            value,
        };
        f.emit(op, Type::B16)
    });
    f.pack(low, high)
}
