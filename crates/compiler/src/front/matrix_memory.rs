//! Moving 8x8 matrices of 16-bit elements: PTX ISA sections 9.7.15.5.15 to 9.7.15.5.17
//! (`ldmatrix`, `stmatrix`, `movmatrix`).
//!
//! Lane `4 g + t` holds elements `2 t` and `2 t + 1` of row `g` of a matrix. Lane `r` of eight has
//! the address of row `r`, so the others ask it by a shuffle.

use super::function::{Ins, Lowering};
use super::mma::{read_fragment, write_fragment};
use crate::ErrorKind;
use crate::ir::{
    BinaryOp, IntCompare, Op, ShiftOp, ShuffleMode, Space, Special, Type, Value, Width,
};
use weft_ptx::ast::{Operand, ScalarType};

type Lowered<T = ()> = Result<T, ErrorKind>;

/// Rows of a matrix, which is also the number of lanes that give its addresses.
const ROWS: u64 = 8;

/// What `ldmatrix` and `stmatrix` have in common.
struct Access {
    matrices: usize,
    transposed: bool,
    /// This lane's row, as an offset into shared memory (B32).
    address: Value,
}

/// `ldmatrix.sync.aligned.m8n8.num{.trans}{.shared}.b16 d, [address]`
pub(super) fn ldmatrix<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let [d, address] = ins.operands()?;
    let access = access(f, ins, address)?;
    let mut values = Vec::new();
    for matrix in 0..access.matrices {
        values.push(if access.transposed {
            let [low, high] = [0, 1].map(|half| {
                let place = f.transposed_place(&access, matrix, half);
                f.emit(load(place, Width::W16, Type::B16), Type::B16)
            });
            f.pack(low, high)
        } else {
            let place = f.row_place(&access, matrix);
            f.emit(load(place, Width::W32, Type::B32), Type::B32)
        });
    }
    // No lane goes on before all have been served.
    f.effect(Op::FullWarp);
    write_fragment(f, ins, d, ScalarType::B32, &values)
}

/// `stmatrix.sync.aligned.m8n8.num{.trans}{.shared}.b16 [address], values`
pub(super) fn stmatrix<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let [address, values] = ins.operands()?;
    let access = access(f, ins, address)?;
    let values = read_fragment(f, ins, values, access.matrices, ScalarType::B32)?;
    for (matrix, value) in values.into_iter().enumerate() {
        if access.transposed {
            let (low, high) = f.halves(value);
            for (half, value) in [(0, low), (1, high)] {
                let place = f.transposed_place(&access, matrix, half);
                f.effect(store(place, Width::W16, value));
            }
        } else {
            let place = f.row_place(&access, matrix);
            f.effect(store(place, Width::W32, value));
        }
    }
    f.effect(Op::FullWarp);
    Ok(())
}

fn access<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
    address: &Operand<'a>,
) -> Lowered<Access> {
    if !ins.modifiers.take("sync") || !ins.modifiers.take("aligned") {
        return Err(ins.wrong_modifiers(".sync.aligned is missing"));
    }
    let matrices = ins.modifiers.take_map(|word| match word {
        "x1" => Some(1),
        "x2" => Some(2),
        "x4" => Some(4),
        _ => None,
    });
    let (Some(matrices), true) = (matrices, ins.modifiers.take("m8n8")) else {
        return Err(ins.unsupported());
    };
    let transposed = ins.modifiers.take("trans");
    let shared = ins.modifiers.take("shared") || ins.modifiers.take("shared::cta");
    if ins.ty()? != ScalarType::B16 {
        return Err(ins.unsupported());
    }
    let space = if shared {
        Space::Shared
    } else {
        Space::Generic
    };
    let place = f.memory_operand(ins, address, space)?;
    f.effect(Op::FullWarp);
    let mut at = place.address;
    if space == Space::Generic {
        at = f.emit(Op::FromGeneric(Space::Shared, at), Type::B64);
    }
    if f.ty(at) == Type::B64 {
        at = f.emit(Op::Truncate(Type::B32, at), Type::B32);
    }
    if place.offset != 0 {
        let offset = u64::from(place.offset.cast_unsigned());
        at = f.binary_with(BinaryOp::Add, at, offset);
    }
    Ok(Access {
        matrices,
        transposed,
        address: at,
    })
}

fn load(address: Value, width: Width, ty: Type) -> Op {
    Op::Load {
        space: Space::Shared,
        width,
        signed: false,
        ty,
        address,
        offset: 0,
        ordered: false,
    }
}

fn store(address: Value, width: Width, value: Value) -> Op {
    Op::Store {
        space: Space::Shared,
        width,
        address,
        offset: 0,
        value,
        ordered: false,
    }
}

impl Lowering<'_, '_, '_> {
    /// What another lane has: `lane` is below 32.
    fn value_of_lane(&mut self, value: Value, lane: Value) -> Value {
        let c = self.constant(Type::B32, 31);
        let members = self.constant(Type::B32, u64::from(u32::MAX));
        let op = Op::Shuffle {
            mode: ShuffleMode::Index,
            value,
            b: lane,
            c,
            members,
        };
        self.emit_pair(op, [Type::B32, Type::Pred]).0
    }

    /// `g` and `t` of lane `4 g + t`.
    fn group_and_thread(&mut self) -> (Value, Value) {
        let lane = self.emit(Op::ReadSpecial(Special::Lane), Type::B32);
        let group = self.shift_by(ShiftOp::RightLogical, lane, 2);
        (group, self.binary_with(BinaryOp::And, lane, 3))
    }

    /// Where elements `2 t` and `2 t + 1` of row `g` lie.
    fn row_place(&mut self, access: &Access, matrix: usize) -> Value {
        let (group, thread) = self.group_and_thread();
        let from = self.binary_with(BinaryOp::Add, group, ROWS * matrix as u64);
        let row = self.value_of_lane(access.address, from);
        let column = self.shift_by(ShiftOp::Left, thread, 2);
        self.binary(BinaryOp::Add, row, column)
    }

    /// Where element `g` of row `2 t + half` lies.
    fn transposed_place(&mut self, access: &Access, matrix: usize, half: u64) -> Value {
        let (group, thread) = self.group_and_thread();
        let from = self.shift_by(ShiftOp::Left, thread, 1);
        let from = self.binary_with(BinaryOp::Add, from, ROWS * matrix as u64 + half);
        let row = self.value_of_lane(access.address, from);
        let column = self.shift_by(ShiftOp::Left, group, 1);
        self.binary(BinaryOp::Add, row, column)
    }
}

/// `movmatrix.sync.aligned.m8n8.trans.b16 d, a`
pub(super) fn movmatrix<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    for word in ["sync", "aligned", "m8n8", "trans"] {
        if !ins.modifiers.take(word) {
            return Err(ins.wrong_modifiers(".sync.aligned.m8n8.trans is missing"));
        }
    }
    if ins.ty()? != ScalarType::B16 {
        return Err(ins.unsupported());
    }
    let [d, a] = ins.operands()?;
    let a = f.read(ins, a, ScalarType::B32)?;
    f.effect(Op::FullWarp);
    // Element g of row 2 t + half is in lane 4 (2 t + half) + g / 2, in its half g % 2.
    let (group, thread) = f.group_and_thread();
    let column_lane = f.shift_by(ShiftOp::RightLogical, group, 1);
    let parity = f.binary_with(BinaryOp::And, group, 1);
    let is_high = f.compare_with(IntCompare::NotEqual, parity, 0);
    let first = f.shift_by(ShiftOp::Left, thread, 3);
    let first = f.binary(BinaryOp::Add, first, column_lane);
    let halves = [0, 4].map(|row| {
        let lane = f.binary_with(BinaryOp::Add, first, row);
        let pair = f.value_of_lane(a, lane);
        let (low, high) = f.halves(pair);
        f.select(is_high, high, low)
    });
    let value = f.pack(halves[0], halves[1]);
    f.write(ins, d, ScalarType::B32, value)
}
