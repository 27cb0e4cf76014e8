//! The elements of a chunk in memory: from their addresses to checked host memory, and moving
//! them.
//!
//! Addresses become a lowest one and 32-bit distances from it, whatever the addressing mode. The
//! range that they span is checked as one; where that fails or is too wide, each element is looked
//! at by itself, which also finds the one to blame. Consecutive elements are then one copy, equal
//! addresses one load, and what is left a gather or scatter. What was found is kept for other
//! instructions of the block with the same index: see [`super::reuse`].

use weft_isa::abi::{LANES, LOCAL_LANE_STRIDE, LOCAL_WINDOW};

use super::access::{Place, Space, count, explain, resolve};
use super::integer::Int;
use super::reuse::SCRATCH;
use super::{Env, Flow, Hart, Op, fault};
use crate::fault::FaultKind;

/// Addresses of the elements of a chunk.
pub(super) type Addresses = [u64; LANES];

/// An instruction that moves elements of type `T`, and the elements of a chunk that it moves.
#[derive(Clone, Copy)]
pub(super) struct Moved<'a> {
    pub(super) op: &'a Op,
    /// First register of the group that is loaded or stored.
    pub(super) register: u8,
    pub(super) chunk: usize,
    /// Active elements; not empty.
    pub(super) active: u32,
}

impl<'a> Moved<'a> {
    /// The elements of a warp, of one field.
    #[inline(always)]
    pub(super) fn warp(op: &'a Op, active: u32) -> Self {
        Self {
            op,
            register: op.rd,
            chunk: 0,
            active,
        }
    }

    #[inline(always)]
    fn slot(&self) -> usize {
        usize::from(self.op.slot.min(SCRATCH))
    }
}

/// Where a chunk's active elements of one size lie, relative to a base.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(crate) struct Spread {
    /// Of each element from the lowest. Inactive lanes have that of the first active one.
    distances: [u32; LANES],
    /// Of the lowest from the base.
    low: u64,
    /// The largest distance.
    reach: u64,
    /// Low bits in which the elements differ.
    bits: u32,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Not in one span that can be checked as one.
    Apart,
    /// Each active element follows that of the lane before.
    Row,
    /// All at one place.
    Equal,
    /// All are active, and each half of the lanes is a row.
    HalfRows,
    /// All are active, and each half of the lanes is at one place.
    HalfEqual,
    /// Anything else.
    Scattered,
}

/// Widest span that is checked as one: distances are signed in the host's gathers.
const REACH_MAX: u64 = i32::MAX as u64;
const HALF: usize = LANES / 2;

impl Spread {
    pub(crate) const EMPTY: Self = Self {
        distances: [0; LANES],
        low: 0,
        reach: 0,
        bits: 0,
        shape: Shape::Apart,
    };

    /// Of zero-extended offsets. `WIDE` needs AVX-512.
    #[inline(always)]
    fn of_offsets<T: Int, const WIDE: bool>(&mut self, offsets: &[u32; LANES], active: u32) {
        let any = offsets[first(active)];
        #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
        if WIDE {
            // SAFETY: the host has AVX-512.
            let extent = unsafe { super::wide::extent(offsets, active, any) };
            self.low = u64::from(extent.low);
            self.reach = u64::from(extent.high - extent.low);
            self.bits = extent.bits;
            self.describe::<T>(&extent.distances, active);
            return;
        }
        let (mut low, mut high, mut bits) = (u32::MAX, 0, 0);
        let mut chosen = [0; LANES];
        for lane in 0..LANES {
            let on = active & (1 << lane) != 0;
            chosen[lane] = if on { offsets[lane] } else { any };
            low = low.min(chosen[lane]);
            high = high.max(chosen[lane]);
            bits |= chosen[lane] ^ any;
        }
        let mut distances = [0; LANES];
        for lane in 0..LANES {
            distances[lane] = chosen[lane] - low;
        }
        self.low = u64::from(low);
        self.reach = u64::from(high - low);
        self.bits = bits;
        self.describe::<T>(&distances, active);
    }

    /// Of whole addresses.
    #[inline(always)]
    fn of_addresses<T: Int>(&mut self, addresses: &Addresses, active: u32) {
        let any = addresses[first(active)];
        let (mut low, mut high, mut bits) = (u64::MAX, 0, 0);
        let mut chosen = [0; LANES];
        for lane in 0..LANES {
            let on = active & (1 << lane) != 0;
            chosen[lane] = if on { addresses[lane] } else { any };
            low = low.min(chosen[lane]);
            high = high.max(chosen[lane]);
            bits |= chosen[lane] ^ any;
        }
        let mut distances = [0; LANES];
        for lane in 0..LANES {
            distances[lane] = (chosen[lane] - low) as u32;
        }
        self.low = low;
        self.reach = high - low;
        self.bits = bits as u32;
        self.describe::<T>(&distances, active);
    }

    #[inline(always)]
    fn describe<T: Int>(&mut self, distances: &[u32; LANES], active: u32) {
        self.shape = shape::<T>(distances, self.reach, active);
        self.distances = *distances;
    }

    /// The lowest address and whether the elements can be checked as one, from this base.
    #[inline(always)]
    fn lowest(&self, base: u64) -> Option<u64> {
        let low = base.wrapping_add(self.low);
        let whole = self.shape != Shape::Apart && low.checked_add(self.reach).is_some();
        whole.then_some(low)
    }
}

#[inline(always)]
fn shape<T: Int>(distances: &[u32; LANES], reach: u64, active: u32) -> Shape {
    let bytes = size_of::<T>();
    let (first, last) = (first(active), last(active));
    if reach > REACH_MAX {
        return Shape::Apart;
    }
    if reach == 0 {
        return Shape::Equal;
    }
    if reach as usize == (last - first) * bytes {
        let mut strange = 0;
        for lane in 0..LANES {
            let expected = ((lane as i32 - first as i32) * bytes as i32) as u32;
            let on = active & (1 << lane) != 0;
            strange |= if on { distances[lane] ^ expected } else { 0 };
        }
        if strange == 0 {
            return Shape::Row;
        }
    }
    if active == u32::MAX {
        let (mut unequal, mut strange) = (0, 0);
        for lane in 0..LANES {
            let start = distances[lane / HALF * HALF];
            let step = ((lane % HALF) * bytes) as u32;
            unequal |= distances[lane] ^ start;
            strange |= distances[lane] ^ start.wrapping_add(step);
        }
        if unequal == 0 {
            return Shape::HalfEqual;
        }
        if strange == 0 {
            return Shape::HalfRows;
        }
    }
    Shape::Scattered
}

/// The first active lane.
#[inline(always)]
fn first(active: u32) -> usize {
    active.trailing_zeros() as usize % LANES
}

/// The last active lane.
#[inline(always)]
fn last(active: u32) -> usize {
    (LANES - 1) - active.leading_zeros() as usize % LANES
}

/// Indices of the bits of a set, in order.
#[inline(always)]
pub(super) fn lanes(mut set: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lane = set.trailing_zeros() as usize;
        set &= set.wrapping_sub(1);
        (lane < LANES).then_some(lane)
    })
}

/// Element addresses that an instruction forms, apart from its base. No closures: those would be
/// compiled without the target features of the function that they end up in.
pub(super) trait Index {
    /// All offsets are below 2^32.
    const NARROW: bool;
    /// What to add to the base for each element of a chunk.
    fn offsets(hart: &Hart, op: &Op, chunk: usize) -> Addresses;
}

/// Moves active elements at `base` plus the offsets of an index.
#[inline(always)]
pub(super) fn move_indexed<X: Index, T: Int, const STORE: bool, const WIDE: bool>(
    hart: &mut Hart,
    env: &mut Env,
    moved: Moved<'_>,
    base: u64,
) -> Flow {
    let offsets = X::offsets(hart, moved.op, moved.chunk);
    let spread = &mut env.spreads[moved.slot()];
    if X::NARROW {
        let mut narrow = [0; LANES];
        for lane in 0..LANES {
            narrow[lane] = offsets[lane] as u32;
        }
        spread.of_offsets::<T, WIDE>(&narrow, moved.active);
    } else {
        spread.of_addresses::<T>(&offsets, moved.active);
    }
    if move_spread::<T, STORE, WIDE>(hart, env, moved, base) {
        return Flow::Next;
    }
    move_index::<X, T, STORE>(hart, env, moved, base)
}

/// Moves elements of an index one by one.
#[inline(never)]
fn move_index<X: Index, T: Int, const STORE: bool>(
    hart: &mut Hart,
    env: &mut Env,
    moved: Moved<'_>,
    base: u64,
) -> Flow {
    let mut addresses = X::offsets(hart, moved.op, moved.chunk);
    for address in &mut addresses {
        *address = address.wrapping_add(base);
    }
    move_each::<T, STORE>(hart, env, moved, &addresses)
}

/// Moves active elements one after the other, the first at `low`.
#[inline(always)]
pub(super) fn move_consecutive<T: Int, const STORE: bool, const WIDE: bool>(
    hart: &mut Hart,
    env: &mut Env,
    moved: Moved<'_>,
    base: u64,
) -> Flow {
    let bytes = size_of::<T>() as u64;
    let (first, last) = (first(moved.active) as u64, last(moved.active) as u64);
    let low = base.wrapping_add(first * bytes);
    if (low & (bytes - 1) == 0 || env.misaligned)
        && let Some(place) = resolve(hart, env, moved.op, low, (last - first + 1) * bytes, STORE)
    {
        let moved_bytes = bytes * u64::from(moved.active.count_ones());
        count(env, place.space, moved_bytes, STORE);
        let row = place.pointer.wrapping_sub((first * bytes) as usize);
        // SAFETY: the elements from the first to the last active one are accessible.
        unsafe { move_row::<T, STORE, WIDE>(hart, moved, row) };
        return Flow::Next;
    }
    move_row_slowly::<T, STORE>(hart, env, moved, base)
}

/// Moves elements of a row one by one.
#[inline(never)]
fn move_row_slowly<T: Int, const STORE: bool>(
    hart: &mut Hart,
    env: &mut Env,
    moved: Moved<'_>,
    base: u64,
) -> Flow {
    let mut addresses = [0; LANES];
    for lane in 0..LANES {
        addresses[lane] = base.wrapping_add((lane * size_of::<T>()) as u64);
    }
    move_each::<T, STORE>(hart, env, moved, &addresses)
}

/// Moves active elements at one offset in the local memory of each lane, or nothing: false if
/// `base` is not in that of lane 0.
#[inline(always)]
pub(super) fn move_local<T: Int, const STORE: bool>(
    hart: &mut Hart,
    env: &mut Env,
    moved: Moved<'_>,
    base: u64,
) -> bool {
    let bytes = size_of::<T>() as u64;
    let local_bytes = hart.windows.local_bytes;
    let within = base.wrapping_sub(LOCAL_WINDOW);
    if within & (bytes - 1) != 0 && !env.misaligned {
        return false;
    }
    if within >= local_bytes || bytes > local_bytes - within {
        return false;
    }
    let moved_bytes = bytes * u64::from(moved.active.count_ones());
    count(env, Space::Local, moved_bytes, STORE);
    let start = hart.windows.local.wrapping_add(within as usize);
    let mut left = moved.active;
    while left != 0 {
        let lane = left.trailing_zeros() as usize % LANES;
        left &= left - 1;
        let at = start.wrapping_add(lane * local_bytes as usize).cast::<T>();
        let index = moved.chunk * LANES + lane;
        if STORE {
            let value = hart.element::<T>(moved.register, index);
            // SAFETY: the window has `local_bytes` for every lane.
            unsafe { at.write_unaligned(value) };
        } else {
            // SAFETY: the window has `local_bytes` for every lane.
            let value = unsafe { at.read_unaligned() };
            hart.set_element(moved.register, index, value);
        }
    }
    true
}

/// Moves all elements of the spread in the op's slot, or nothing: false if they are not known to be
/// accessible and aligned.
#[inline(always)]
pub(super) fn move_spread<T: Int, const STORE: bool, const WIDE: bool>(
    hart: &mut Hart,
    env: &mut Env,
    moved: Moved<'_>,
    base: u64,
) -> bool {
    let slot = moved.slot();
    let bytes = size_of::<T>() as u64;
    let spread = &env.spreads[slot];
    let Some(low) = spread.lowest(base) else {
        return false;
    };
    if (low as u32 | spread.bits) & (bytes as u32 - 1) != 0 && !env.misaligned {
        return false;
    }
    let span = spread.reach + bytes;
    let Some(place) = resolve(hart, env, moved.op, low, span, STORE) else {
        return false;
    };
    let moved_bytes = bytes * u64::from(moved.active.count_ones());
    count(env, place.space, moved_bytes, STORE);
    let pointer = place.pointer;
    let spread = &env.spreads[slot];
    macro_rules! at {
        ($lane:expr) => {
            pointer
                .wrapping_add(spread.distances[$lane] as usize)
                .cast::<T>()
        };
    }
    if spread.shape == Shape::Row {
        let start = first(moved.active) * size_of::<T>();
        // SAFETY: the elements from the first to the last active one are accessible.
        unsafe { move_row::<T, STORE, WIDE>(hart, moved, pointer.wrapping_sub(start)) };
    } else if STORE {
        let values = hart.vector::<T>(moved.register, moved.chunk);
        match spread.shape {
            Shape::HalfRows => {
                for half in 0..LANES / HALF {
                    let values = values[half * HALF..].as_ptr().cast::<[T; HALF]>();
                    // SAFETY: the array has 16 elements from there on.
                    let values = unsafe { values.read_unaligned() };
                    let to = at!(half * HALF).cast::<[T; HALF]>();
                    // SAFETY: 16 elements from there on are accessible for writing.
                    unsafe { to.write_unaligned(values) };
                }
            }
            _ if moved.active == u32::MAX => {
                for lane in 0..LANES {
                    // SAFETY: the element there is accessible for writing.
                    unsafe { at!(lane).write_unaligned(values[lane]) };
                }
            }
            _ => {
                let mut left = moved.active;
                while left != 0 {
                    let lane = left.trailing_zeros() as usize % LANES;
                    left &= left - 1;
                    // SAFETY: the element there is accessible for writing.
                    unsafe { at!(lane).write_unaligned(values[lane]) };
                }
            }
        }
    } else {
        let mut values = [T::ZERO; LANES];
        match spread.shape {
            Shape::Equal => {
                // SAFETY: the element is accessible.
                values = [unsafe { at!(0).read_unaligned() }; LANES];
            }
            Shape::HalfRows | Shape::HalfEqual => {
                for half in 0..LANES / HALF {
                    let from = at!(half * HALF);
                    let row = if spread.shape == Shape::HalfRows {
                        // SAFETY: 16 elements from there on are accessible.
                        unsafe { from.cast::<[T; HALF]>().read_unaligned() }
                    } else {
                        // SAFETY: the element is accessible.
                        [unsafe { from.read_unaligned() }; HALF]
                    };
                    values[half * HALF..][..HALF].copy_from_slice(&row);
                }
            }
            Shape::Apart | Shape::Row | Shape::Scattered => {
                // SAFETY: the elements at all distances are accessible.
                values = unsafe { gather::<T, WIDE>(pointer, &spread.distances) };
            }
        }
        hart.merge_vector(moved.register, moved.chunk, &values, moved.active);
    }
    true
}

/// Moves active elements of a row that begins at `row`.
///
/// # Safety
///
/// The active elements must be accessible, for writing if `STORE`.
#[inline(always)]
unsafe fn move_row<T: Int, const STORE: bool, const WIDE: bool>(
    hart: &mut Hart,
    moved: Moved<'_>,
    row: *mut u8,
) {
    let Moved {
        register,
        chunk,
        active,
        ..
    } = moved;
    let row = row.cast::<T>();
    if active == u32::MAX {
        let row = row.cast::<[T; LANES]>();
        if STORE {
            let values = hart.vector::<T>(register, chunk);
            // SAFETY: all 32 elements are accessible for writing.
            unsafe { row.write_unaligned(values) };
        } else {
            // SAFETY: all 32 elements are accessible.
            let values = unsafe { row.read_unaligned() };
            hart.set_vector(register, chunk, &values);
        }
        return;
    }
    #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
    if WIDE {
        let mut values = hart.vector::<T>(register, chunk);
        if STORE {
            // SAFETY: only active elements are written, and the host has AVX-512.
            unsafe { super::wide::store(row, active, &values) };
        } else {
            // SAFETY: only active elements are read, and the host has AVX-512.
            unsafe { super::wide::load(row, active, &mut values) };
            hart.set_vector(register, chunk, &values);
        }
        return;
    }
    let mut left = active;
    while left != 0 {
        let lane = left.trailing_zeros() as usize % LANES;
        left &= left - 1;
        let at = row.wrapping_add(lane);
        let index = chunk * LANES + lane;
        if STORE {
            let value = hart.element::<T>(register, index);
            // SAFETY: the element is active, and so accessible for writing.
            unsafe { at.write_unaligned(value) };
        } else {
            // SAFETY: the element is active, and so accessible.
            let value = unsafe { at.read_unaligned() };
            hart.set_element(register, index, value);
        }
    }
}

/// The elements at 32 distances from `pointer`.
///
/// # Safety
///
/// They must be accessible, and if `WIDE` the host must have AVX-512.
#[inline(always)]
unsafe fn gather<T: Int, const WIDE: bool>(
    pointer: *const u8,
    distances: &[u32; LANES],
) -> [T; LANES] {
    #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
    if WIDE && size_of::<T>() >= 4 {
        // SAFETY: as the caller promises; distances are below 2^31.
        return unsafe { super::wide::gather(pointer, distances) };
    }
    let mut values = [T::ZERO; LANES];
    for lane in 0..LANES {
        let at = pointer.wrapping_add(distances[lane] as usize);
        // SAFETY: the element there is accessible.
        values[lane] = unsafe { at.cast::<T>().read_unaligned() };
    }
    values
}

/// Moves active elements one by one, in order, up to the first that may not be accessed.
#[inline(never)]
fn move_each<T: Int, const STORE: bool>(
    hart: &mut Hart,
    env: &mut Env,
    moved: Moved<'_>,
    addresses: &Addresses,
) -> Flow {
    let bytes = size_of::<T>() as u64;
    let local_bytes = hart.windows.local_bytes;
    for lane in lanes(moved.active) {
        let address = addresses[lane];
        let index = moved.chunk * LANES + lane;
        let place = if address & (bytes - 1) == 0 || env.misaligned {
            // Most scattered accesses are to local memory: one part of the window per lane.
            let offset = address.wrapping_sub(LOCAL_WINDOW);
            let (owner, within) = (offset / LOCAL_LANE_STRIDE, offset % LOCAL_LANE_STRIDE);
            if owner < LANES as u64 && within + bytes <= local_bytes {
                let index = (owner * local_bytes + within) as usize;
                Some(Place {
                    pointer: hart.windows.local.wrapping_add(index),
                    space: Space::Local,
                })
            } else {
                resolve(hart, env, moved.op, address, bytes, STORE)
            }
        } else {
            None
        };
        let Some(place) = place else {
            let kind = if address & (bytes - 1) == 0 || env.misaligned {
                explain(hart, address, bytes as u32, STORE)
            } else {
                FaultKind::Misaligned {
                    address,
                    bytes: bytes as u32,
                    write: STORE,
                }
            };
            return fault(hart, moved.op, kind, Some(index as u32));
        };
        count(env, place.space, bytes, STORE);
        let at = place.pointer.cast::<T>();
        if STORE {
            let value = hart.element::<T>(moved.register, index);
            // SAFETY: accessible for writing, as was checked.
            unsafe { at.write_unaligned(value) };
        } else {
            // SAFETY: accessible, as was checked.
            let value = unsafe { at.read_unaligned() };
            hart.set_element(moved.register, index, value);
        }
    }
    Flow::Next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(f: impl Fn(u32) -> u32) -> [u32; LANES] {
        std::array::from_fn(|lane| f(lane as u32))
    }

    fn spread<T: Int>(offsets: &[u32; LANES], active: u32) -> Spread {
        let mut spread = Spread::EMPTY;
        spread.of_offsets::<T, false>(offsets, active);
        spread
    }

    #[test]
    fn rows_are_recognised_whatever_is_masked_off() {
        let mut row = offsets(|lane| 64 + 4 * lane);
        row[0] = 5;
        row[9] = 0xffff_fff0;
        row[31] = 7;
        let active = !(1 | 1 << 9 | 1 << 31);
        let seen = spread::<u32>(&row, active);
        assert_eq!((seen.low, seen.reach), (68, 29 * 4));
        assert_eq!(seen.shape, Shape::Row);
        assert_eq!(spread::<u16>(&row, active).shape, Shape::Scattered);
        row[8] += 4;
        let doubled = spread::<u32>(&row, active);
        assert_eq!(doubled.shape, Shape::Scattered, "an element is doubled");
    }

    #[test]
    fn halves_are_recognised_when_all_lanes_are_active() {
        let rows = offsets(|lane| {
            if lane < 16 {
                256 + 4 * lane
            } else {
                4 * lane - 64
            }
        });
        let seen = spread::<u32>(&rows, u32::MAX);
        assert_eq!(
            (seen.shape, seen.low, seen.reach),
            (Shape::HalfRows, 0, 316)
        );
        assert_eq!(spread::<u32>(&rows, !4).shape, Shape::Scattered);
        let places = offsets(|lane| 64 * (lane / 16));
        assert_eq!(spread::<u32>(&places, u32::MAX).shape, Shape::HalfEqual);
        assert_eq!(spread::<u32>(&places, 0xffff).shape, Shape::Equal);
    }

    #[test]
    fn spans_that_wrap_around_are_left_to_each_element() {
        let two = offsets(|lane| if lane == 3 { 0x20 } else { 0 });
        let base = u64::MAX - 0x10;
        assert_eq!(spread::<u32>(&two, u32::MAX).lowest(base), None);
        assert_eq!(spread::<u32>(&two, !8).lowest(base), Some(base));
        let far = offsets(|lane| if lane == 3 { 1 << 31 } else { 0 });
        assert_eq!(spread::<u32>(&far, u32::MAX).lowest(0), None);
        let addresses = std::array::from_fn(|lane| if lane == 7 { 1 << 40 } else { 1 << 30 });
        let mut seen = Spread::EMPTY;
        seen.of_addresses::<u32>(&addresses, u32::MAX);
        assert_eq!(seen.lowest(0), None);
        seen.of_addresses::<u32>(&addresses, 1 << 7);
        assert_eq!((seen.lowest(8), seen.reach), (Some((1 << 40) + 8), 0));
    }
}
