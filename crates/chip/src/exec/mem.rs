//! Scalar loads and stores on `x` and `f` registers.

use super::access::{Place, count, explain, resolve};
use super::float::boxed;
use super::{Env, Flow, Hart, Op, fault};
use crate::fault::FaultKind;

/// Where `bytes` bytes at an accessible address lie, which is aligned if it must be; otherwise the block has ended
/// with a fault.
#[inline(always)]
pub(super) fn place(
    hart: &mut Hart,
    env: &mut Env,
    op: &Op,
    address: u64,
    bytes: u64,
    write: bool,
) -> Option<Place> {
    if address & (bytes - 1) != 0 && !env.misaligned {
        return misaligned(hart, op, address, bytes, write);
    }
    let place = resolve(hart, env, op, address, bytes, write);
    match place {
        Some(place) => count(env, place.space, bytes, write),
        None => {
            let kind = explain(hart, address, bytes as u32, write);
            fault(hart, op, kind, None);
        }
    }
    place
}

/// [`place`] for accesses that must be aligned everywhere: atomics.
#[inline(always)]
pub(super) fn aligned(
    hart: &mut Hart,
    env: &mut Env,
    op: &Op,
    address: u64,
    bytes: u64,
    write: bool,
) -> Option<Place> {
    if address & (bytes - 1) != 0 {
        return misaligned(hart, op, address, bytes, write);
    }
    place(hart, env, op, address, bytes, write)
}

#[cold]
fn misaligned(hart: &mut Hart, op: &Op, address: u64, bytes: u64, write: bool) -> Option<Place> {
    let kind = FaultKind::Misaligned {
        address,
        bytes: bytes as u32,
        write,
    };
    fault(hart, op, kind, None);
    None
}

/// Loads that put `$convert(value)` into the register file of `$set`.
macro_rules! load {
    ($($name:ident: $type:ty, $set:ident, |$value:ident| $convert:expr;)*) => {$(
        pub(super) fn $name(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
            let address = hart.x(op.rs1).wrapping_add(op.imm as u64);
            let bytes = size_of::<$type>() as u64;
            let Some(place) = place(hart, env, op, address, bytes, false) else {
                return Flow::Leave;
            };
            // SAFETY: the bytes are accessible (see crate::mem on races).
            let $value = unsafe { place.pointer.cast::<$type>().read_unaligned() };
            hart.$set(op.rd, $convert);
            Flow::Next
        }
    )*};
}

load! {
    lb: i8, set_x, |value| value as u64;
    lh: i16, set_x, |value| value as u64;
    lw: i32, set_x, |value| value as u64;
    ld: u64, set_x, |value| value;
    lbu: u8, set_x, |value| u64::from(value);
    lhu: u16, set_x, |value| u64::from(value);
    lwu: u32, set_x, |value| u64::from(value);
    flh: u16, set_f, |value| boxed(u64::from(value), 16);
    flw: u32, set_f, |value| boxed(u64::from(value), 32);
    fld: u64, set_f, |value| value;
}

macro_rules! store {
    ($($name:ident: $type:ty, $get:ident;)*) => {$(
        pub(super) fn $name(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
            let address = hart.x(op.rs1).wrapping_add(op.imm as u64);
            let bytes = size_of::<$type>() as u64;
            let Some(place) = place(hart, env, op, address, bytes, true) else {
                return Flow::Leave;
            };
            let value = hart.$get(op.rs2) as $type;
            // SAFETY: the bytes are accessible for writing (see crate::mem on races).
            unsafe { place.pointer.cast::<$type>().write_unaligned(value) };
            Flow::Next
        }
    )*};
}

store! {
    sb: u8, x;
    sh: u16, x;
    sw: u32, x;
    sd: u64, x;
    fsh: u16, f;
    fsw: u32, f;
    fsd: u64, f;
}
