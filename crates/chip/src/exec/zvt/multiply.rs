//! Matrix arithmetic: `vtmmu`, `vtmms`, `vtfmm`, `vtfmm.alt`.
//!
//! Rows of A and B beyond `tk`, and elements beyond `tm` and `tn`, count as zero, which leaves
//! the rest of the tile as it was (it is agnostic). Bodies for bytes work on whole rows of the
//! tile, so that they vectorise.

use weft_isa::Sew;

use super::bulk::{self, Factor};
use super::{TE, dot_length_max, edge, tile_step, tiles};
use crate::exec::float::Float;
use crate::exec::soft::{self, F32, F64, NV, OF, Rounding, Status};
use crate::exec::{Env, Flow, Hart, Kernel, Level, Op, illegal, select};

/// What an instruction multiplies.
struct Shape {
    tile: u8,
    tew: Sew,
    rows: usize,
    columns: usize,
    /// Rows of A and of B.
    length: usize,
}

/// Checks what is the same for all; none, and the hart has stopped, if the instruction is
/// illegal now. `widen` is the only `mtwiden` for which it exists, `imm` the tile.
fn shape(hart: &mut Hart, op: &Op, widen: u8) -> Option<Shape> {
    let mtype = hart.matrix.mtype;
    let sew = hart.vtype.sew;
    let spacing = 8 / dot_length_max(sew) as u8;
    let tile = op.imm as u8;
    let problem = match mtype.tew(sew) {
        None => "the matrix unit is not configured",
        Some(_) if mtype.widen != widen => "no such accumulator width for this instruction",
        Some(_) if hart.vstart != 0 => "vstart is not zero",
        Some(_) if op.rs1 % 8 >= spacing || op.rs2 % 8 >= spacing => {
            "register is not the first of a matrix operand"
        }
        Some(tew) if !tile.is_multiple_of(tile_step(tew)) => {
            "no such tile of elements of this width"
        }
        Some(tew) => {
            let length = usize::from(mtype.tk);
            let columns = (hart.vl as usize).min(edge(tew));
            return Some(Shape {
                tile,
                tew,
                rows: if length == 0 {
                    0
                } else {
                    usize::from(mtype.tm)
                },
                columns,
                length,
            });
        }
    };
    illegal(hart, op, problem);
    None
}

/// The first 32 elements of each row of an operand of bytes, as dwords: element `i` of all four
/// rows, the first lowest. Elements beyond `count` are zero.
#[inline(always)]
fn quads(hart: &Hart, register: u8, shape: &Shape, count: usize) -> [u32; TE] {
    let mut quads = [0u32; TE];
    for k in 0..shape.length {
        let row = hart.vector::<u8>(register + 2 * k as u8, 0);
        for i in 0..TE {
            quads[i] |= u32::from(row[i]) << (8 * k);
        }
    }
    for (i, quad) in quads.iter_mut().enumerate() {
        *quad = if i < count { *quad } else { 0 };
    }
    quads
}

/// Executes a body that adds to each row of the tile its products. Operands are [`quads`].
#[inline(always)]
fn multiply_bytes(
    hart: &mut Hart,
    env: &Env,
    op: &Op,
    a_signed: bool,
    body: impl FnOnce(&mut [[u32; TE]; TE], &[u32; TE], &[u32; TE], usize, [bool; 2]),
) -> Flow {
    if hart.vtype.sew != Sew::E8 {
        return illegal(hart, op, "no such element width for this instruction");
    }
    let Some(shape) = shape(hart, op, 3) else {
        return Flow::Leave;
    };
    let b_signed = hart.vtype.altfmt;
    let a = quads(hart, op.rs2, &shape, shape.rows);
    let b = quads(hart, op.rs1, &shape, shape.columns);
    let Some(tiles) = tiles(hart, env, op) else {
        return Flow::Leave;
    };
    let rows = tiles.rows32(shape.tile);
    body(rows, &a, &b, shape.rows, [a_signed, b_signed]);
    Flow::Next
}

/// Sums of products of bytes, wrapping.
#[inline(always)]
pub(super) fn bytes(
    rows: &mut [[u32; TE]; TE],
    a: &[u32; TE],
    b: &[u32; TE],
    count: usize,
    [a_signed, b_signed]: [bool; 2],
) {
    let byte = |quad: u32, k: usize, signed: bool| {
        let byte = (quad >> (8 * k)) as u8;
        if signed {
            i32::from(byte as i8)
        } else {
            i32::from(byte)
        }
    };
    let mut columns = [[0i32; TE]; 4];
    for k in 0..4 {
        for j in 0..TE {
            columns[k][j] = byte(b[j], k, b_signed);
        }
    }
    for (row, &quad) in rows.iter_mut().zip(a).take(count) {
        for k in 0..4 {
            let factor = byte(quad, k, a_signed);
            for j in 0..TE {
                row[j] = row[j].wrapping_add((factor * columns[k][j]) as u32);
            }
        }
    }
}

struct PortableBytes<const A_SIGNED: bool>;

impl<const A_SIGNED: bool> Kernel for PortableBytes<A_SIGNED> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        multiply_bytes(hart, env, op, A_SIGNED, bytes)
    }
}

/// `vtmmu` and `vtmms` for a host.
pub(super) fn integers(a_signed: bool, level: Level) -> crate::exec::Handler {
    #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
    if level == Level::V4 && is_x86_feature_detected!("avx512vnni") {
        return if a_signed { signed_vnni } else { unsigned_vnni };
    }
    if a_signed {
        select::<PortableBytes<true>>(level)
    } else {
        select::<PortableBytes<false>>(level)
    }
}

#[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn signed_vnni(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    multiply_bytes(hart, env, op, true, |rows, a, b, count, signs| {
        super::x86::vnni(rows, a, b, count, signs);
    })
}

#[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn unsigned_vnni(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    multiply_bytes(hart, env, op, false, |rows, a, b, count, signs| {
        super::x86::vnni(rows, a, b, count, signs);
    })
}

/// `vtfmm` (`ALTERNATIVE`: `vtfmm.alt`) of 8- and 16-bit floats.
pub(super) struct Narrow<const ALTERNATIVE: bool>;

impl<const ALTERNATIVE: bool> Kernel for Narrow<ALTERNATIVE> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        match (hart.vtype.sew, ALTERNATIVE, hart.vtype.altfmt) {
            (Sew::E8, false, alt) => fp8(hart, env, op, Factor::E4M3, alt),
            (Sew::E8, true, alt) => fp8(hart, env, op, Factor::E5M2, alt),
            (Sew::E16, false, false) => halves(hart, env, op, Factor::F16),
            (Sew::E16, true, true) => halves(hart, env, op, Factor::BF16),
            _ => illegal(hart, op, "no such element format for this instruction"),
        }
    }
}

#[inline(always)]
fn fp8(hart: &mut Hart, env: &Env, op: &Op, left: Factor, alt: bool) -> Flow {
    let right = if alt { Factor::E5M2 } else { Factor::E4M3 };
    narrow::<4>(hart, env, op, left, right, |hart, register, i| {
        u16::from(hart.element::<u8>(register, i))
    })
}

#[inline(always)]
fn halves(hart: &mut Hart, env: &Env, op: &Op, factor: Factor) -> Flow {
    narrow::<2>(hart, env, op, factor, factor, |hart, register, i| {
        hart.element::<u16>(register, i)
    })
}

#[inline(always)]
fn narrow<const N: usize>(
    hart: &mut Hart,
    env: &Env,
    op: &Op,
    left: Factor,
    right: Factor,
    element: impl Fn(&Hart, u8, usize) -> u16,
) -> Flow {
    let widen = if N == 4 { 3 } else { 2 };
    let Some(shape) = float_shape(hart, op, widen) else {
        return Flow::Leave;
    };
    let operand = |register: u8| -> [[u16; N]; TE] {
        std::array::from_fn(|i| {
            std::array::from_fn(|k| {
                if k < shape.length {
                    element(hart, register + (8 / N * k) as u8, i)
                } else {
                    0
                }
            })
        })
    };
    let (a, b) = (operand(op.rs2), operand(op.rs1));
    let Some(tiles) = tiles(hart, env, op) else {
        return Flow::Leave;
    };
    let mut flags = 0;
    for (row, a) in tiles.rows32(shape.tile).iter_mut().zip(&a).take(shape.rows) {
        for (c, b) in row.iter_mut().zip(&b).take(shape.columns) {
            let (dot, dot_flags) = bulk::dot(left, right, a, b);
            let (sum, sum_flags) = bulk::accumulate(*c, dot);
            *c = sum;
            flags |= dot_flags | sum_flags;
        }
    }
    hart.fflags |= flags;
    Flow::Next
}

/// [`shape`] of floats: `frm` must be a rounding mode.
fn float_shape(hart: &mut Hart, op: &Op, widen: u8) -> Option<Shape> {
    if Rounding::from_bits(hart.frm).is_none() {
        illegal(hart, op, "frm is not a rounding mode");
        return None;
    }
    shape(hart, op, widen)
}

/// `vtfmm` of singles and doubles: product and sum are rounded each.
pub(super) struct Wide;

impl Kernel for Wide {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        if hart.vtype.sew == Sew::E32 {
            singles(hart, env, op)
        } else {
            doubles(hart, env, op)
        }
    }
}

#[inline(always)]
fn singles(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    let Some(shape) = float_shape(hart, op, 1) else {
        return Flow::Leave;
    };
    let rounding = Rounding::from_bits(hart.frm).unwrap_or(Rounding::NearestEven);
    let a = hart.vector::<f32>(op.rs2, 0);
    let b = hart.vector::<f32>(op.rs1, 0);
    let fast = rounding == Rounding::NearestEven && !env.tracks_flags;
    let Some(tiles) = tiles(hart, env, op) else {
        return Flow::Leave;
    };
    let mut status = Status::new(rounding);
    for (row, a) in tiles.rows32(shape.tile).iter_mut().zip(a).take(shape.rows) {
        if fast {
            let mut sums = [0u32; TE];
            for j in 0..TE {
                let c = f32::from_bits(row[j]);
                sums[j] = Float::add(c, Float::mul(a, b[j])).canonical().to_bits();
            }
            row[..shape.columns].copy_from_slice(&sums[..shape.columns]);
        } else {
            for (c, b) in row.iter_mut().zip(b).take(shape.columns) {
                let (a, b) = (u64::from(a.to_bits()), u64::from(b.to_bits()));
                let product = soft::mul(F32, a, b, &mut status);
                *c = soft::add(F32, u64::from(*c), product, &mut status) as u32;
            }
        }
    }
    hart.fflags |= status.flags & (NV | OF);
    Flow::Next
}

fn doubles(hart: &mut Hart, env: &Env, op: &Op) -> Flow {
    let Some(shape) = float_shape(hart, op, 1) else {
        return Flow::Leave;
    };
    let rounding = Rounding::from_bits(hart.frm).unwrap_or(Rounding::NearestEven);
    let mut status = Status::new(rounding);
    for row in 0..shape.rows {
        let a = hart.element::<u64>(op.rs2, row);
        for column in 0..shape.columns {
            let b = hart.element::<u64>(op.rs1, column);
            let product = soft::mul(F64, a, b, &mut status);
            let Some(tiles) = tiles(hart, env, op) else {
                return Flow::Leave;
            };
            let c = tiles.get(shape.tew, shape.tile, row, column);
            let sum = soft::add(F64, c, product, &mut status);
            tiles.set(shape.tew, shape.tile, row, column, sum);
        }
    }
    hart.fflags |= status.flags & (NV | OF);
    Flow::Next
}
