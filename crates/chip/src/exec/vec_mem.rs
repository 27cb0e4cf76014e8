//! Vector loads and stores (V 7).
//!
//! The addresses of a chunk of 32 elements are checked together: their smallest and largest
//! against one accessible range, their low bits against the alignment. Consecutive addresses
//! become one block copy and equal ones one load, whatever the addressing mode. Only when the
//! range check fails is each element looked at by itself, which also finds the one to blame.

use std::marker::PhantomData;

use weft_isa::abi::{LANES, LOCAL_LANE_STRIDE, LOCAL_WINDOW, VLEN_BYTES};

use super::access::{Place, Space, count, explain, resolve};
use super::integer::Int;
use super::lanes::active;
use super::{Env, Flow, Hart, Kernel, Op, fault};
use crate::fault::FaultKind;
use crate::hart::Stop;

/// Addresses of the elements of a chunk.
type Addresses = [u64; LANES];

/// Ends the block with a fault of element `lane` of a chunk.
#[cold]
fn refuse(hart: &mut Hart, op: &Op, chunk: usize, lane: usize, kind: FaultKind) -> Flow {
    fault(hart, op, kind, Some((chunk * LANES + lane) as u32))
}

/// What the addresses of a chunk have in common.
struct Shape {
    min: u64,
    /// From the smallest address to the end of the element at the largest.
    span: u64,
    /// Each active address is an element after that of the lane before.
    consecutive: bool,
    /// All active addresses are the same.
    equal: bool,
    /// Low bits of all active addresses.
    low_bits: u64,
}

#[inline(always)]
fn shape<T: Int>(addresses: &Addresses, active: u32) -> Shape {
    let bytes = size_of::<T>() as u64;
    let first = active.trailing_zeros() as usize % LANES;
    let any = addresses[first];
    let origin = any.wrapping_sub(first as u64 * bytes);
    let (mut min, mut max, mut low_bits) = (u64::MAX, 0, 0);
    let (mut strange, mut different) = (0, 0);
    for lane in 0..LANES {
        // An inactive lane counts as the first active one, and as being in its place.
        let on = active & (1 << lane) != 0;
        let address = if on { addresses[lane] } else { any };
        min = min.min(address);
        max = max.max(address);
        low_bits |= address;
        different |= address ^ any;
        let expected = origin.wrapping_add(lane as u64 * bytes);
        strange |= if on { address ^ expected } else { 0 };
    }
    Shape {
        min,
        span: (max - min).saturating_add(bytes),
        consecutive: strange == 0,
        equal: different == 0,
        low_bits: low_bits & (bytes - 1),
    }
}

/// The host addresses of a chunk's active elements.
#[expect(clippy::large_enum_variant, reason = "lives in one function")]
enum Located {
    /// At `pointer` plus the distance from the smallest address.
    Linear(Place),
    /// Each by itself.
    Scattered([*mut u8; LANES]),
}

#[inline(always)]
#[expect(
    clippy::too_many_arguments,
    reason = "the state of one access, passed in registers"
)]
fn locate<T: Int>(
    hart: &mut Hart,
    env: &mut Env,
    op: &Op,
    chunk: usize,
    addresses: &Addresses,
    active: u32,
    shape: &Shape,
    write: bool,
) -> Option<Located> {
    let bytes = size_of::<T>() as u64;
    if shape.low_bits != 0 && !env.misaligned {
        let lane = lanes(active)
            .find(|&lane| addresses[lane] & (bytes - 1) != 0)
            .unwrap_or(0);
        let kind = FaultKind::Misaligned {
            address: addresses[lane],
            bytes: bytes as u32,
            write,
        };
        refuse(hart, op, chunk, lane, kind);
        return None;
    }
    if let Some(place) = resolve(hart, env, op, shape.min, shape.span, write) {
        count(
            env,
            place.space,
            bytes * u64::from(active.count_ones()),
            write,
        );
        return Some(Located::Linear(place));
    }
    locate_each(hart, env, op, chunk, addresses, active, bytes, write).map(Located::Scattered)
}

#[inline(never)]
#[expect(clippy::too_many_arguments, reason = "as for locate")]
fn locate_each(
    hart: &mut Hart,
    env: &mut Env,
    op: &Op,
    chunk: usize,
    addresses: &Addresses,
    active: u32,
    bytes: u64,
    write: bool,
) -> Option<[*mut u8; LANES]> {
    let mut pointers = [std::ptr::null_mut(); LANES];
    let local_bytes = hart.windows.local_bytes;
    for lane in lanes(active) {
        let address = addresses[lane];
        // Most scattered accesses are to local memory: one part of the window per lane.
        let offset = address.wrapping_sub(LOCAL_WINDOW);
        let (owner, within) = (offset / LOCAL_LANE_STRIDE, offset % LOCAL_LANE_STRIDE);
        if owner < LANES as u64 && within + bytes <= local_bytes {
            let index = (owner * local_bytes + within) as usize;
            pointers[lane] = hart.windows.local.wrapping_add(index);
            count(env, Space::Local, bytes, write);
            continue;
        }
        let Some(place) = resolve(hart, env, op, address, bytes, write) else {
            let kind = explain(hart, address, bytes as u32, write);
            refuse(hart, op, chunk, lane, kind);
            return None;
        };
        count(env, place.space, bytes, write);
        pointers[lane] = place.pointer;
    }
    Some(pointers)
}

/// Indices of the bits of a set, in order.
#[inline(always)]
fn lanes(mut set: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lane = set.trailing_zeros() as usize;
        set &= set.wrapping_sub(1);
        (lane < LANES).then_some(lane)
    })
}

/// Loads the active elements of a chunk into register group `rd`.
#[inline(always)]
fn load_chunk<T: Int>(
    hart: &mut Hart,
    env: &mut Env,
    op: &Op,
    rd: u8,
    chunk: usize,
    addresses: &Addresses,
    active: u32,
) -> Flow {
    let shape = shape::<T>(addresses, active);
    let Some(located) = locate::<T>(hart, env, op, chunk, addresses, active, &shape, false) else {
        return Flow::Leave;
    };
    match located {
        Located::Linear(place) => {
            let from = place.pointer.cast::<T>();
            if shape.consecutive && active == u32::MAX {
                // SAFETY: 32 elements from the smallest address are accessible.
                let values = unsafe { from.cast::<[T; LANES]>().read_unaligned() };
                hart.set_vector(rd, chunk, &values);
            } else if shape.equal {
                // SAFETY: the element is accessible.
                let value = unsafe { from.read_unaligned() };
                hart.merge_vector(rd, chunk, &[value; LANES], active);
            } else {
                let mut values = [T::ZERO; LANES];
                for lane in 0..LANES {
                    // Inactive lanes read the first byte of the range instead.
                    let on = active & (1 << lane) != 0;
                    let offset = if on { addresses[lane] - shape.min } else { 0 };
                    // SAFETY: inside the range that was checked.
                    let at = unsafe { place.pointer.add(offset as usize) };
                    // SAFETY: the element there is accessible.
                    values[lane] = unsafe { at.cast::<T>().read_unaligned() };
                }
                hart.merge_vector(rd, chunk, &values, active);
            }
        }
        Located::Scattered(pointers) => {
            for lane in lanes(active) {
                // SAFETY: accessible, as each was checked.
                let value = unsafe { pointers[lane].cast::<T>().read_unaligned() };
                hart.set_element(rd, chunk * LANES + lane, value);
            }
        }
    }
    Flow::Next
}

/// Stores the active elements of a chunk of register group `vs3`, in order.
#[inline(always)]
fn store_chunk<T: Int>(
    hart: &mut Hart,
    env: &mut Env,
    op: &Op,
    vs3: u8,
    chunk: usize,
    addresses: &Addresses,
    active: u32,
) -> Flow {
    let shape = shape::<T>(addresses, active);
    let Some(located) = locate::<T>(hart, env, op, chunk, addresses, active, &shape, true) else {
        return Flow::Leave;
    };
    let values = hart.vector::<T>(vs3, chunk);
    match located {
        Located::Linear(place) => {
            if shape.consecutive && active == u32::MAX {
                let to = place.pointer.cast::<[T; LANES]>();
                // SAFETY: 32 elements from the smallest address are accessible.
                unsafe { to.write_unaligned(values) };
            } else {
                for lane in lanes(active) {
                    let offset = addresses[lane] - shape.min;
                    // SAFETY: inside the range that was checked.
                    let at = unsafe { place.pointer.add(offset as usize) };
                    // SAFETY: the element there is accessible.
                    unsafe { at.cast::<T>().write_unaligned(values[lane]) };
                }
            }
        }
        Located::Scattered(pointers) => {
            for lane in lanes(active) {
                // SAFETY: accessible, as each was checked.
                unsafe { pointers[lane].cast::<T>().write_unaligned(values[lane]) };
            }
        }
    }
    Flow::Next
}

/// How element addresses are formed.
pub(super) trait Addressing: 'static {
    /// Addresses of the first fields of a chunk's elements.
    fn addresses(hart: &Hart, op: &Op, chunk: usize, element_bytes: u64) -> Addresses;
}

/// Elements one after the other: fields of a segment are adjacent.
pub(super) enum Unit {}
/// Elements `rs2` bytes apart.
pub(super) enum Strided {}
/// Elements at zero-extended offsets from `vs2`.
pub(super) struct Indexed<I>(PhantomData<I>);

/// Fields of a segment, and registers from one field to the next, as translation packs them
/// into the immediate.
pub(super) const fn segment(fields: u8, registers: u8) -> i64 {
    (registers as i64) << 8 | fields as i64
}

const fn fields(op: &Op) -> u8 {
    op.imm as u8
}

const fn field_registers(op: &Op) -> u8 {
    (op.imm >> 8) as u8
}

#[inline(always)]
fn strided(base: u64, stride: u64, chunk: usize) -> Addresses {
    let mut addresses = [0; LANES];
    for lane in 0..LANES {
        let index = (chunk * LANES + lane) as u64;
        addresses[lane] = base.wrapping_add(index.wrapping_mul(stride));
    }
    addresses
}

impl Addressing for Unit {
    #[inline(always)]
    fn addresses(hart: &Hart, op: &Op, chunk: usize, element_bytes: u64) -> Addresses {
        strided(hart.x(op.rs1), element_bytes * u64::from(fields(op)), chunk)
    }
}

impl Addressing for Strided {
    #[inline(always)]
    fn addresses(hart: &Hart, op: &Op, chunk: usize, _: u64) -> Addresses {
        strided(hart.x(op.rs1), hart.x(op.rs2), chunk)
    }
}

impl<I: Int> Addressing for Indexed<I> {
    #[inline(always)]
    fn addresses(hart: &Hart, op: &Op, chunk: usize, _: u64) -> Addresses {
        let base = hart.x(op.rs1);
        let offsets = hart.vector::<I>(op.rs2, chunk);
        let mut addresses = [0; LANES];
        for lane in 0..LANES {
            addresses[lane] = base.wrapping_add(offsets[lane].to_u64());
        }
        addresses
    }
}

/// A load (`STORE` false) or store of any addressing mode, segments included.
pub(super) struct Move<A, T, const STORE: bool>(PhantomData<(A, T)>);

impl<A: Addressing, T: Int, const STORE: bool> Kernel for Move<A, T, STORE> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        let bytes = size_of::<T>() as u64;
        let mut chunk = 0;
        while chunk * LANES < hart.vl as usize {
            let active = active(hart, op, chunk);
            if active != 0 {
                let first = A::addresses(hart, op, chunk, bytes);
                // Segments may overlap in memory: the last element wins, not the last field.
                if STORE && fields(op) > 1 {
                    if in_order::<T, STORE>(hart, env, op, chunk, &first, active) == Flow::Leave {
                        return Flow::Leave;
                    }
                    chunk += 1;
                    continue;
                }
                let mut addresses = first;
                let mut register = op.rd;
                for field in 0..fields(op) {
                    let flow = if STORE {
                        store_chunk::<T>(hart, env, op, register, chunk, &addresses, active)
                    } else {
                        load_chunk::<T>(hart, env, op, register, chunk, &addresses, active)
                    };
                    if flow == Flow::Leave {
                        let flow = in_order::<T, STORE>(hart, env, op, chunk, &first, active);
                        if flow == Flow::Leave {
                            return flow;
                        }
                        break;
                    }
                    if field + 1 < fields(op) {
                        register += field_registers(op);
                        for address in &mut addresses {
                            *address = address.wrapping_add(bytes);
                        }
                    }
                }
            }
            chunk += 1;
        }
        hart.vstart = 0;
        Flow::Next
    }
}

/// A chunk with a fault in it again, element by element with all fields of each: whole elements
/// before the one that faults are moved, as a precise trap demands. `addresses` are those of
/// the first fields.
#[cold]
#[inline(never)]
fn in_order<T: Int, const STORE: bool>(
    hart: &mut Hart,
    env: &mut Env,
    op: &Op,
    chunk: usize,
    addresses: &Addresses,
    active: u32,
) -> Flow {
    for lane in lanes(active) {
        let mut addresses = *addresses;
        let mut register = op.rd;
        for field in 0..fields(op) {
            let flow = if STORE {
                store_chunk::<T>(hart, env, op, register, chunk, &addresses, 1 << lane)
            } else {
                load_chunk::<T>(hart, env, op, register, chunk, &addresses, 1 << lane)
            };
            if flow == Flow::Leave {
                return flow;
            }
            if field + 1 < fields(op) {
                register += field_registers(op);
                let address = &mut addresses[lane];
                *address = address.wrapping_add(size_of::<T>() as u64);
            }
        }
    }
    // After a fault: another thread has made the bytes accessible in between.
    hart.stop = Stop::None;
    Flow::Next
}

/// Unit-stride load or store of one field: one check for all elements when unmasked.
pub(super) struct UnitMove<T, const STORE: bool>(PhantomData<T>);

impl<T: Int, const STORE: bool> Kernel for UnitMove<T, STORE> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        let bytes = size_of::<T>() as u64;
        let base = hart.x(op.rs1);
        if op.vm && hart.vl as usize == LANES && hart.vstart == 0 && base & (bytes - 1) == 0 {
            let total = LANES as u64 * bytes;
            if let Some(place) = resolve(hart, env, op, base, total, STORE) {
                count(env, place.space, total, STORE);
                let pointer = place.pointer.cast::<[T; LANES]>();
                if STORE {
                    let values = hart.vector::<T>(op.rd, 0);
                    // SAFETY: the elements are accessible for writing.
                    unsafe { pointer.write_unaligned(values) };
                } else {
                    // SAFETY: the elements are accessible.
                    let values = unsafe { pointer.read_unaligned() };
                    hart.set_vector(op.rd, 0, &values);
                }
                return Flow::Next;
            }
        }
        Move::<Unit, T, STORE>::run(hart, env, op)
    }
}

/// Copies bytes between memory and the registers from `rd` on, beginning with element `vstart`
/// of elements as large as the alignment.
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
        return fault(hart, op, kind, None);
    }
    let Some(place) = resolve(hart, env, op, address, bytes as u64, write) else {
        let kind = explain(hart, address, bytes as u32, write);
        return fault(hart, op, kind, None);
    };
    count(env, place.space, bytes as u64, write);
    hart.vstart = 0;
    let registers = hart.vector_bytes(op.rd, all_bytes.div_ceil(VLEN_BYTES));
    let registers = &mut registers[done..all_bytes];
    if write {
        let from = registers.as_ptr();
        // SAFETY: the bytes are accessible for writing and not part of the hart.
        unsafe { std::ptr::copy_nonoverlapping(from, place.pointer, bytes) };
    } else {
        let to = registers.as_mut_ptr();
        // SAFETY: the bytes are accessible and not part of the hart.
        unsafe { std::ptr::copy_nonoverlapping(place.pointer, to, bytes) };
    }
    Flow::Next
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
