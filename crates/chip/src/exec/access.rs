//! Checking addresses and translating them to host memory.
//!
//! An instruction nearly always walks one allocation or window, and remembers which one it hit
//! last by its place in [`Recent`], so the common case is two comparisons. Anything else goes
//! through [`resolve_slowly`], which knows the windows and the table of intervals and is the only
//! judge of what is a fault.

use std::cell::Cell;

use weft_isa::abi::{
    LANES, LOCAL_LANE_STRIDE, LOCAL_WINDOW, SHARED_WINDOW, SHARED_WINDOW_BYTES, STACK_WINDOW,
};

use crate::env::Env;
use crate::fault::FaultKind;
use crate::hart::{Hart, Windows};
use crate::mem::{Access, Interval};
use crate::report::{MemoryTraffic, Traffic};

use super::Op;

/// The part of the address space that an access went to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    Global,
    Shared,
    Local,
    Stack,
}

/// Host pointer to accessible bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) pointer: *mut u8,
    pub(crate) space: Space,
}

/// Addresses below this are looked up in the table of intervals.
const WINDOWS: u64 = SHARED_WINDOW;
/// How far below the stack window an access counts as an overflow of the stack.
const STACK_GUARD_BYTES: u64 = 1 << 32;

/// Ranges of addresses that were hit lately.
#[derive(Clone, Debug)]
pub(crate) struct Recent([Range; RANGES]);

const RANGES: usize = 32;
/// Places of the windows; the others are shared by the intervals.
const STACK: u32 = 0;
const SHARED: u32 = 1;
/// The place of the first interval, where instructions that have hit nothing yet look.
pub(crate) const FIRST_INTERVAL: u32 = 2;

/// Accessible bytes from `begin` on, at `begin + delta` on the host.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(feature = "jit"),
    expect(dead_code, reason = "some fields are for compiled code")
)]
struct Range {
    begin: u64,
    readable: u64,
    writable: u64,
    /// How many aligned units of 1, 2, 4 and 8 bytes, which begin eight bytes before the end at the
    /// latest, can be read; none if the first byte is not aligned.
    readable_units: [u64; 4],
    /// How many can be written.
    writable_units: [u64; 4],
    delta: u64,
    space: Space,
}

/// Bytes of the widest scalar access.
const WORD: u64 = 8;

impl Range {
    const EMPTY: Self = Self::new(0, 0, 0, 0, Space::Global);

    const fn new(begin: u64, readable: u64, writable: u64, delta: u64, space: Space) -> Self {
        Self {
            begin,
            readable,
            writable,
            readable_units: Self::units(begin, readable),
            writable_units: Self::units(begin, writable),
            delta,
            space,
        }
    }

    const fn units(begin: u64, bytes: u64) -> [u64; 4] {
        let starts = bytes.saturating_sub(WORD - 1);
        if begin.is_multiple_of(WORD) {
            [
                starts,
                starts.div_ceil(2),
                starts.div_ceil(4),
                starts.div_ceil(8),
            ]
        } else {
            [0; 4]
        }
    }

    fn window(begin: u64, bytes: u64, host: *mut u8, space: Space) -> Self {
        let delta = (host.expose_provenance() as u64).wrapping_sub(begin);
        Self::new(begin, bytes, bytes, delta, space)
    }

    #[inline(always)]
    fn find(&self, address: u64, bytes: u64, write: bool) -> Option<Place> {
        let limit = if write { self.writable } else { self.readable };
        let offset = address.wrapping_sub(self.begin);
        (offset < limit && bytes <= limit - offset).then(|| Place {
            pointer: host_pointer(address, self.delta),
            space: self.space,
        })
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self([Range::EMPTY; RANGES])
    }
}

impl Recent {
    /// Forgets all ranges but the scratchpad's, which is new.
    pub(crate) fn begin_launch(&mut self, shared: *mut u8, shared_bytes: u64) {
        *self = Self::default();
        self.0[SHARED as usize] = Range::window(SHARED_WINDOW, shared_bytes, shared, Space::Shared);
    }

    /// A hart with these windows is about to run.
    #[inline]
    pub(crate) fn begin_hart(&mut self, windows: &Windows) {
        let Windows {
            stack, stack_bytes, ..
        } = *windows;
        self.0[STACK as usize] = Range::window(STACK_WINDOW, stack_bytes, stack, Space::Stack);
    }

    /// Keeps an interval; gives its place.
    fn keep(&mut self, index: u32, interval: Interval) -> u32 {
        let place = FIRST_INTERVAL + index % (RANGES as u32 - FIRST_INTERVAL);
        let Interval {
            address,
            bytes,
            access,
            delta,
            ..
        } = interval;
        let writable = match access {
            Access::ReadWrite => bytes,
            Access::ReadOnly => 0,
        };
        self.0[place as usize] = Range::new(address, bytes, writable, delta, Space::Global);
        place
    }

    #[inline(always)]
    fn find(&self, place: u32, address: u64, bytes: u64, write: bool) -> Option<Place> {
        self.0[place as usize % RANGES].find(address, bytes, write)
    }
}

/// Offsets of the fields of a range from the beginning of [`Recent`], for compiled code.
#[cfg(feature = "jit")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct RangeOffsets {
    /// First byte.
    pub(crate) begin: usize,
    /// How many aligned accesses there are, from the first byte on.
    pub(crate) limit: usize,
    /// What to add to an address to get a host address.
    pub(crate) delta: usize,
}

#[cfg(feature = "jit")]
impl Recent {
    /// The offsets of a place, for scalar accesses of 1, 2, 4 or 8 bytes.
    pub(crate) fn range_offsets(place: u32, write: bool, bytes: u32) -> RangeOffsets {
        let at = place as usize % RANGES * size_of::<Range>();
        let limits = if write {
            std::mem::offset_of!(Range, writable_units)
        } else {
            std::mem::offset_of!(Range, readable_units)
        };
        RangeOffsets {
            begin: at + std::mem::offset_of!(Range, begin),
            limit: at + limits + bytes.trailing_zeros() as usize * size_of::<u64>(),
            delta: at + std::mem::offset_of!(Range, delta),
        }
    }

    /// What counts the bytes of accesses to a place.
    pub(crate) fn counter(place: u32, write: bool) -> Counter {
        let space = match place {
            STACK => Space::Stack,
            SHARED => Space::Shared,
            _ => Space::Global,
        };
        Counter { space, write }
    }
}

/// Bytes read from, or written to, a part of the address space.
#[cfg(feature = "jit")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counter {
    space: Space,
    write: bool,
}

#[cfg(feature = "jit")]
impl Counter {
    /// How many there are.
    pub(crate) const COUNT: usize = 8;

    /// All, in the order of their indices.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let spaces = [Space::Global, Space::Shared, Space::Local, Space::Stack];
        spaces
            .into_iter()
            .flat_map(|space| [false, true].map(|write| Self { space, write }))
    }

    /// Number, from 0.
    pub(crate) fn index(self) -> usize {
        2 * self.space as usize + usize::from(self.write)
    }

    /// What it counts.
    pub(crate) fn of(self, traffic: &mut MemoryTraffic) -> &mut u64 {
        self.space.traffic(traffic).bytes(self.write)
    }
}

impl Space {
    #[inline(always)]
    fn traffic(self, all: &mut MemoryTraffic) -> &mut Traffic {
        match self {
            Self::Global => &mut all.global,
            Self::Shared => &mut all.shared,
            Self::Local => &mut all.local,
            Self::Stack => &mut all.stack,
        }
    }
}

impl Traffic {
    #[inline(always)]
    fn bytes(&mut self, write: bool) -> &mut u64 {
        if write {
            &mut self.bytes_written
        } else {
            &mut self.bytes_read
        }
    }
}

/// Where `bytes` bytes at `address` lie, if they all lie in one accessible range. `bytes` is not
/// 0. Alignment is not checked.
#[inline(always)]
pub(crate) fn resolve(
    hart: &Hart,
    env: &mut Env,
    op: &Op,
    address: u64,
    bytes: u64,
    write: bool,
) -> Option<Place> {
    match env.recent.find(op.cache.get(), address, bytes, write) {
        Some(place) => Some(place),
        None => resolve_slowly(hart, env, &op.cache, address, bytes, write),
    }
}

/// Where `address` lies and how many bytes from there on are accessible, as far as the range that the
/// instruction hit last tells.
#[cfg_attr(
    any(debug_assertions, not(target_arch = "x86_64")),
    expect(dead_code, reason = "of bodies that are optimised")
)]
#[inline(always)]
pub(crate) fn room(env: &Env, op: &Op, address: u64, write: bool) -> Option<(Place, u64)> {
    let range = &env.recent.0[op.cache.get() as usize % RANGES];
    let limit = if write {
        range.writable
    } else {
        range.readable
    };
    let room = limit.checked_sub(address.checked_sub(range.begin)?)?;
    let place = Place {
        pointer: host_pointer(address, range.delta),
        space: range.space,
    };
    Some((place, room))
}

/// As [`resolve`], for an access that no instruction remembers.
pub(crate) fn resolve_uncached(
    hart: &Hart,
    env: &mut Env,
    address: u64,
    bytes: u64,
    write: bool,
) -> Option<Place> {
    resolve_slowly(hart, env, &Cell::new(0), address, bytes, write)
}

/// The host pointer to a guest address that an interval holds.
#[inline(always)]
pub(crate) fn host_pointer(address: u64, delta: u64) -> *mut u8 {
    std::ptr::with_exposed_provenance_mut(address.wrapping_add(delta) as usize)
}

#[inline(never)]
fn resolve_slowly(
    hart: &Hart,
    env: &mut Env,
    cache: &Cell<u32>,
    address: u64,
    bytes: u64,
    write: bool,
) -> Option<Place> {
    let within = |offset: u64, limit: u64| offset <= limit && bytes <= limit - offset;
    if address < WINDOWS {
        let find = |env: &mut Env| {
            let index = env.intervals.find(address, bytes)?;
            let interval = env.intervals.get(index);
            let place = env.recent.keep(u32::try_from(index).ok()?, interval);
            cache.set(place);
            env.recent.find(place, address, bytes, write)
        };
        return find(env).or_else(|| {
            env.intervals = env.memory.as_ref()?.snapshot();
            find(env)
        });
    }
    let windows = &hart.windows;
    let (base, offset, space) = if address >= STACK_WINDOW {
        let offset = address - STACK_WINDOW;
        cache.set(STACK);
        within(offset, windows.stack_bytes).then_some((windows.stack, offset, Space::Stack))
    } else if address >= LOCAL_WINDOW {
        let lane = (address - LOCAL_WINDOW) / LOCAL_LANE_STRIDE;
        let offset = (address - LOCAL_WINDOW) % LOCAL_LANE_STRIDE;
        (lane < LANES as u64 && within(offset, windows.local_bytes)).then_some((
            windows.local,
            lane * windows.local_bytes + offset,
            Space::Local,
        ))
    } else {
        let mut offset = address - SHARED_WINDOW;
        if (SHARED_WINDOW_BYTES..2 * SHARED_WINDOW_BYTES).contains(&offset) {
            offset -= SHARED_WINDOW_BYTES;
        }
        cache.set(SHARED);
        within(offset, env.shared_bytes).then_some((env.shared, offset, Space::Shared))
    }?;
    // SAFETY: the offset is inside the allocation behind the window.
    let pointer = unsafe { base.add(offset as usize) };
    Some(Place { pointer, space })
}

/// Why an access that [`resolve`] refused is a fault.
#[cold]
pub(crate) fn explain(hart: &Hart, address: u64, bytes: u32, write: bool) -> FaultKind {
    let local_end = LOCAL_WINDOW + LANES as u64 * LOCAL_LANE_STRIDE;
    let in_kernel = hart.machine.is_none();
    if in_kernel && (STACK_WINDOW - STACK_GUARD_BYTES..STACK_WINDOW).contains(&address) {
        FaultKind::StackOverflow { address }
    } else if in_kernel && (LOCAL_WINDOW..local_end).contains(&address) {
        FaultKind::LocalOverflow {
            address,
            limit: hart.windows.local_bytes as u32,
        }
    } else {
        FaultKind::IllegalAddress {
            address,
            bytes,
            write,
        }
    }
}

/// Counts bytes moved.
#[inline(always)]
pub(crate) fn count(env: &mut Env, space: Space, bytes: u64, write: bool) {
    *space.traffic(&mut env.traffic).bytes(write) += bytes;
}
