//! Vector loads and stores (V 7). How the elements of a chunk are checked and moved together is in
//! [`super::spread`].

use std::marker::PhantomData;
use std::ops::Range;

use weft_isa::abi::{LANES, LOCAL_LANE_STRIDE, VLEN_BYTES};

use super::access::{Place, count, explain, resolve};
use super::integer::Int;
use super::lanes::{active, first_active, for_each_chunk, is_whole};
use super::spread::{
    Addresses, Index, Moved, lanes, move_consecutive, move_indexed, move_local, move_spread,
};
use super::{Env, Flow, Hart, Kernel, Op, fault};
use crate::fault::FaultKind;
use crate::hart::Stop;

/// How element addresses are formed.
pub(super) trait Addressing: 'static {
    /// Moves the active elements of a chunk whose addresses are `distance` bytes after those
    /// that the instruction forms.
    fn move_elements<T: Int, const STORE: bool, const WIDE: bool>(
        hart: &mut Hart,
        env: &mut Env,
        moved: Moved<'_>,
        distance: u64,
    ) -> Flow;
}

/// Elements one after the other: fields of a segment are adjacent.
pub(super) enum Unit {}
/// Elements `rs2` bytes apart.
pub(super) enum Strided {}
/// Elements at zero-extended offsets from `vs2`.
pub(super) struct Indexed<I>(PhantomData<I>);

/// Fields of a segment, and registers from one field to the next, as translation packs them
/// into the immediate. `rs3` is the size of an element.
pub(super) const fn segment(fields: u8, registers: u8) -> i64 {
    (registers as i64) << 8 | fields as i64
}

const fn fields(op: &Op) -> u8 {
    op.imm as u8
}

const fn field_registers(op: &Op) -> u8 {
    (op.imm >> 8) as u8
}

/// Moves elements `stride` bytes apart.
#[inline(always)]
fn move_strided<X: Index, T: Int, const STORE: bool, const WIDE: bool>(
    hart: &mut Hart,
    env: &mut Env,
    moved: Moved<'_>,
    base: u64,
    stride: u64,
) -> Flow {
    let base = base.wrapping_add(((moved.chunk * LANES) as u64).wrapping_mul(stride));
    if stride == size_of::<T>() as u64 {
        return move_consecutive::<T, STORE, WIDE>(hart, env, moved, base);
    }
    if stride == LOCAL_LANE_STRIDE && move_local::<T, STORE>(hart, env, moved, base) {
        return Flow::Next;
    }
    move_indexed::<X, T, STORE, WIDE>(hart, env, moved, base)
}

impl Addressing for Unit {
    #[inline(always)]
    fn move_elements<T: Int, const STORE: bool, const WIDE: bool>(
        hart: &mut Hart,
        env: &mut Env,
        moved: Moved<'_>,
        distance: u64,
    ) -> Flow {
        let base = hart.x(moved.op.rs1).wrapping_add(distance);
        let stride = size_of::<T>() as u64 * u64::from(fields(moved.op));
        move_strided::<Self, T, STORE, WIDE>(hart, env, moved, base, stride)
    }
}

impl Addressing for Strided {
    #[inline(always)]
    fn move_elements<T: Int, const STORE: bool, const WIDE: bool>(
        hart: &mut Hart,
        env: &mut Env,
        moved: Moved<'_>,
        distance: u64,
    ) -> Flow {
        let base = hart.x(moved.op.rs1).wrapping_add(distance);
        let stride = hart.x(moved.op.rs2);
        move_strided::<Self, T, STORE, WIDE>(hart, env, moved, base, stride)
    }
}

impl<I: Int> Addressing for Indexed<I> {
    #[inline(always)]
    fn move_elements<T: Int, const STORE: bool, const WIDE: bool>(
        hart: &mut Hart,
        env: &mut Env,
        moved: Moved<'_>,
        distance: u64,
    ) -> Flow {
        let base = hart.x(moved.op.rs1).wrapping_add(distance);
        move_indexed::<Self, T, STORE, WIDE>(hart, env, moved, base)
    }
}

/// Multiples of a stride.
#[inline(always)]
fn multiples(stride: u64) -> Addresses {
    let mut offsets = [0; LANES];
    for lane in 0..LANES {
        offsets[lane] = (lane as u64).wrapping_mul(stride);
    }
    offsets
}

impl Index for Unit {
    const NARROW: bool = false;

    #[inline(always)]
    fn offsets(_: &Hart, op: &Op, _: usize) -> Addresses {
        multiples(u64::from(op.rs3) * u64::from(fields(op)))
    }
}

impl Index for Strided {
    const NARROW: bool = false;

    #[inline(always)]
    fn offsets(hart: &Hart, op: &Op, _: usize) -> Addresses {
        multiples(hart.x(op.rs2))
    }
}

impl<I: Int> Index for Indexed<I> {
    const NARROW: bool = I::BITS <= 32;

    #[inline(always)]
    fn offsets(hart: &Hart, op: &Op, chunk: usize) -> Addresses {
        let indices = hart.vector::<I>(op.rs2, chunk);
        let mut offsets = [0; LANES];
        for lane in 0..LANES {
            offsets[lane] = indices[lane].to_u64();
        }
        offsets
    }
}

/// A load (`STORE` false) or store of any addressing mode, segments included.
pub(super) struct Move<A, T, const STORE: bool>(PhantomData<(A, T)>);

impl<A: Addressing, T: Int, const STORE: bool> Kernel for Move<A, T, STORE> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        for_each_chunk!(hart, op, |chunk, active| {
            // Segments may overlap in memory: the last element wins, not the last field.
            let in_element_order = STORE && fields(op) > 1;
            if in_element_order || !move_fields::<A, T, STORE>(hart, env, op, (chunk, active)) {
                let flow = in_order::<A, T, STORE>(hart, env, op, (chunk, active));
                if flow == Flow::Leave {
                    return flow;
                }
            }
        })
    }
}

/// Moves a chunk, field after field; false if there is a fault in it.
#[inline(always)]
fn move_fields<A: Addressing, T: Int, const STORE: bool>(
    hart: &mut Hart,
    env: &mut Env,
    op: &Op,
    (chunk, active): (usize, u32),
) -> bool {
    let mut moved = Moved {
        op,
        register: op.rd,
        chunk,
        active,
    };
    for field in 0..fields(op) {
        let distance = u64::from(field) * size_of::<T>() as u64;
        if A::move_elements::<T, STORE, false>(hart, env, moved, distance) == Flow::Leave {
            return false;
        }
        moved.register += field_registers(op);
    }
    true
}

/// A chunk element by element with all fields of each. Of a chunk with a fault in it, whole
/// elements before the one that faults are moved, as a precise trap demands.
#[cold]
#[inline(never)]
fn in_order<A: Addressing, T: Int, const STORE: bool>(
    hart: &mut Hart,
    env: &mut Env,
    op: &Op,
    (chunk, active): (usize, u32),
) -> Flow {
    for lane in lanes(active) {
        let mut moved = Moved {
            op,
            register: op.rd,
            chunk,
            active: 1 << lane,
        };
        for field in 0..fields(op) {
            let distance = u64::from(field) * size_of::<T>() as u64;
            let flow = A::move_elements::<T, STORE, false>(hart, env, moved, distance);
            if flow == Flow::Leave {
                return flow;
            }
            moved.register += field_registers(op);
        }
    }
    // After a fault: another thread has made the bytes accessible in between.
    hart.stop = Stop::None;
    Flow::Next
}

/// The same for whole warps and one field, on hosts with AVX-512.
pub(super) struct MoveWhole<A, T, const STORE: bool>(PhantomData<(A, T)>);

impl<A: Addressing, T: Int, const STORE: bool> Kernel for MoveWhole<A, T, STORE> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        match first_active(hart, op, true) {
            0 => Flow::Next,
            active => A::move_elements::<T, STORE, true>(hart, env, Moved::warp(op, active), 0),
        }
    }
}

/// An indexed load or store of one field with an index that an earlier instruction of the block
/// had: see [`super::reuse`]. `WIDE` needs AVX-512.
pub(super) struct MoveKept<T, const STORE: bool, const WIDE: bool>(PhantomData<T>);

impl<T: Int, const STORE: bool, const WIDE: bool> Kernel for MoveKept<T, STORE, WIDE> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        if is_whole(hart) {
            let active = first_active(hart, op, true);
            if active == 0 {
                return Flow::Next;
            }
            let base = hart.x(op.rs1);
            if move_spread::<T, STORE, WIDE>(hart, env, Moved::warp(op, active), base) {
                return Flow::Next;
            }
        }
        // SAFETY: chosen for the same host as this function.
        unsafe { (op.full)(hart, env, op) }
    }
}

/// Unit-stride load or store of one field.
pub(super) struct UnitMove<T, const STORE: bool, const WIDE: bool>(PhantomData<T>);

impl<T: Int, const STORE: bool, const WIDE: bool> Kernel for UnitMove<T, STORE, WIDE> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        for_each_chunk!(hart, op, |chunk, active| {
            let moved = Moved {
                op,
                register: op.rd,
                chunk,
                active,
            };
            let distance = (chunk * LANES * size_of::<T>()) as u64;
            let base = hart.x(op.rs1).wrapping_add(distance);
            let flow = move_consecutive::<T, STORE, WIDE>(hart, env, moved, base);
            if flow == Flow::Leave {
                return flow;
            }
        })
    }
}

/// Copies bytes between memory and the registers from `rd` on, beginning with element `vstart`
/// of elements as large as the alignment. Elements before one that may not be accessed are copied.
fn move_bytes(
    hart: &mut Hart,
    env: &mut Env,
    op: &Op,
    all_bytes: usize,
    alignment: u64,
    write: bool,
) -> Flow {
    let done = (hart.vstart as usize * alignment as usize).min(all_bytes);
    let address = hart.x(op.rs1).wrapping_add(done as u64);
    let bytes = all_bytes - done;
    if bytes == 0 {
        hart.vstart = 0;
        return Flow::Next;
    }
    if address & (alignment - 1) != 0 && !env.misaligned {
        let kind = FaultKind::Misaligned {
            address,
            bytes: alignment as u32,
            write,
        };
        return fault(hart, op, kind, Some((done as u64 / alignment) as u32));
    }
    if let Some(place) = resolve(hart, env, op, address, bytes as u64, write) {
        copy_bytes(hart, env, op, place, done..all_bytes, write);
    } else {
        let element = alignment as usize;
        for begin in (done..all_bytes).step_by(element) {
            let address = hart.x(op.rs1).wrapping_add(begin as u64);
            let Some(place) = resolve(hart, env, op, address, alignment, write) else {
                let kind = explain(hart, address, alignment as u32, write);
                return fault(hart, op, kind, Some((begin / element) as u32));
            };
            copy_bytes(hart, env, op, place, begin..begin + element, write);
        }
    }
    hart.vstart = 0;
    Flow::Next
}

/// Copies bytes of the registers from `rd` on from or to an accessible place.
fn copy_bytes(
    hart: &mut Hart,
    env: &mut Env,
    op: &Op,
    place: Place,
    range: Range<usize>,
    write: bool,
) {
    let bytes = range.len();
    count(env, place.space, bytes as u64, write);
    let registers = hart.vector_bytes(op.rd, range.end.div_ceil(VLEN_BYTES));
    let registers = &mut registers[range];
    if write {
        let from = registers.as_ptr();
        // SAFETY: the bytes are accessible for writing and not part of the hart.
        unsafe { std::ptr::copy_nonoverlapping(from, place.pointer, bytes) };
    } else {
        let to = registers.as_mut_ptr();
        // SAFETY: the bytes are accessible and not part of the hart.
        unsafe { std::ptr::copy_nonoverlapping(place.pointer, to, bytes) };
    }
}

/// `vl<n>re<e>.v`: `imm` is the number of registers, `rs3` the alignment.
pub(super) fn load_registers(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    move_bytes(
        hart,
        env,
        op,
        op.imm as usize * VLEN_BYTES,
        u64::from(op.rs3),
        false,
    )
}

/// `vs<n>r.v`.
pub(super) fn store_registers(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    move_bytes(hart, env, op, op.imm as usize * VLEN_BYTES, 1, true)
}

/// `vlm.v`.
pub(super) fn load_mask(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    let bytes = (hart.vl as usize).div_ceil(8);
    move_bytes(hart, env, op, bytes, 1, false)
}

/// `vsm.v`.
pub(super) fn store_mask(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    let bytes = (hart.vl as usize).div_ceil(8);
    move_bytes(hart, env, op, bytes, 1, true)
}

/// `vle<e>ff.v` and segments of it: a fault of any element but the first shortens `vl`.
pub(super) struct FaultFirst<T>(PhantomData<T>);

impl<T: Int> Kernel for FaultFirst<T> {
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        let bytes = size_of::<T>() as u64;
        let segment_bytes = bytes * u64::from(fields(op));
        for index in hart.vstart as usize..hart.vl as usize {
            if active(hart, op, index / LANES) & (1 << (index % LANES)) == 0 {
                continue;
            }
            let address = hart.x(op.rs1).wrapping_add(index as u64 * segment_bytes);
            let aligned = address & (bytes - 1) == 0 || env.misaligned;
            let place = if aligned {
                resolve(hart, env, op, address, segment_bytes, false)
            } else {
                None
            };
            let Some(place) = place else {
                if index != 0 {
                    hart.vl = index as u32;
                    break;
                }
                let kind = if aligned {
                    explain(hart, address, bytes as u32, false)
                } else {
                    FaultKind::Misaligned {
                        address,
                        bytes: bytes as u32,
                        write: false,
                    }
                };
                return fault(hart, op, kind, Some(0));
            };
            count(env, place.space, segment_bytes, false);
            for field in 0..fields(op) {
                let from = place
                    .pointer
                    .wrapping_add(usize::from(field) * size_of::<T>());
                // SAFETY: inside the segment that was checked.
                let value = unsafe { from.cast::<T>().read_unaligned() };
                hart.set_element(op.rd + field * field_registers(op), index, value);
            }
        }
        hart.vstart = 0;
        Flow::Next
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use weft_isa::{Inst, Lmul, Sew, V, VType, X};

    use super::super::differential::env;
    use super::super::{Level, translate};
    use super::*;
    use crate::fault::FaultKind;
    use crate::mem::{Access, Intervals};

    const BASE: u64 = 0x1000;

    /// Executes an instruction; gives the address, size and element of its fault.
    fn execute(hart: &mut Hart, env: &mut Env, inst: Inst) -> Option<(u64, u32, Option<u32>)> {
        let word = inst.encode();
        let translated = translate(Some(inst), word, 4, 0, hart.vtype, Level::of_host());
        // SAFETY: the level is the host's.
        unsafe { (translated.op.handler)(hart, env, &translated.op) };
        match std::mem::replace(&mut hart.stop, Stop::None) {
            Stop::Fault {
                kind: FaultKind::IllegalAddress { address, bytes, .. },
                lane,
                ..
            } => Some((address, bytes, lane)),
            Stop::None => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn whole_registers_fault_at_the_first_element_that_is_not_there() {
        let mut host: Vec<u8> = (0..=255).collect();
        let accessible = |host: &mut Vec<u8>, bytes| {
            let range = (BASE, bytes, Access::ReadWrite);
            Arc::new(Intervals::translated(BASE, host.as_mut_ptr(), [range]))
        };
        let mut env = env(false);
        env.set_intervals(&accessible(&mut host, 100));
        let mut hart = Hart::new();
        hart.x[5] = BASE;
        let (vd, rs1) = (V::new(8), X::new(5));
        let load = Inst::Vl2re32V { vd, rs1 };
        let fault = execute(&mut hart, &mut env, load);
        assert_eq!(fault, Some((BASE + 100, 4, Some(25))));
        let words =
            |hart: &Hart| -> Vec<u32> { (0..64).map(|index| hart.element(8, index)).collect() };
        let expected =
            |index: u32| u32::from_le_bytes([0, 1, 2, 3].map(|at| (4 * index + at) as u8));
        for (index, word) in (0..).zip(words(&hart)) {
            assert_eq!(word, if index < 25 { expected(index) } else { 0 });
        }
        // The rest, as a handler that has mapped it would go on.
        env.set_intervals(&accessible(&mut host, 256));
        hart.vstart = 25;
        assert_eq!(execute(&mut hart, &mut env, load), None);
        assert!(
            words(&hart)
                .into_iter()
                .zip(0..)
                .all(|(word, index)| word == expected(index))
        );
        assert_eq!((hart.vstart, env.traffic.global.bytes_read), (0, 256));

        // Stores and masks are of bytes.
        env.set_intervals(&accessible(&mut host, 7));
        let store = Inst::Vs1rV { vs3: vd, rs1 };
        assert_eq!(
            execute(&mut hart, &mut env, store),
            Some((BASE + 7, 1, Some(7)))
        );
        (hart.vtype, hart.vl) = (VType::new(Sew::E8, Lmul::M1), 128);
        let mask = Inst::VlmV { vd, rs1 };
        assert_eq!(
            execute(&mut hart, &mut env, mask),
            Some((BASE + 7, 1, Some(7)))
        );
    }
}
