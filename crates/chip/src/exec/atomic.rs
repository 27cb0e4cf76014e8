//! Atomic memory operations: A, Zacas, Zabha, and the vector atomics of Xweft.
//!
//! Device memory is shared by cores on several host threads, so its atomics are host atomics.
//! The windows belong to one core, which one thread runs, but take the same way: an
//! uncontended host atomic is cheap. Ordering bits are not looked at: everything is
//! sequentially consistent.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::SeqCst};

use weft_isa::abi::LANES;

use super::float::{Float, Half};
use super::integer::Int;
use super::lanes::active;
use super::mem::aligned;
use super::vec_fp::Bf16;
use super::{Env, Flow, Hart, Kernel, Op};
use crate::fault::FaultKind;
use crate::hart::Stop;

/// An integer that the host can update atomically.
pub(super) trait Atomic: Int {
    /// Replaces the value by `update` of it, and gives the old one. An update that gives the
    /// old value may leave out the store.
    ///
    /// # Safety
    ///
    /// `at` must be aligned and valid for reads and writes.
    unsafe fn fetch_update(at: *mut u8, update: impl Fn(Self) -> Self) -> Self;
}

macro_rules! atomic {
    ($($type:ident, $atomic:ident;)*) => {$(
        impl Atomic for $type {
            unsafe fn fetch_update(at: *mut u8, update: impl Fn(Self) -> Self) -> Self {
                // SAFETY: the caller promises alignment and validity.
                let cell = unsafe { $atomic::from_ptr(at.cast()) };
                let mut old = cell.load(SeqCst);
                loop {
                    match cell.compare_exchange_weak(old, update(old), SeqCst, SeqCst) {
                        Ok(_) => return old,
                        Err(now) => old = now,
                    }
                }
            }
        }
    )*};
}

atomic! {
    u8, AtomicU8;
    u16, AtomicU16;
    u32, AtomicU32;
    u64, AtomicU64;
}

/// New value from the old one and the operand.
pub(super) trait Update: 'static {
    fn apply<T: Int>(old: T, operand: T) -> T;
}

macro_rules! updates {
    ($($name:ident ($old:ident, $operand:ident) = $body:expr;)*) => {$(
        pub(super) enum $name {}
        impl Update for $name {
            #[inline(always)]
            #[allow(unused_variables, reason = "a swap does not read the old value")]
            fn apply<T: Int>($old: T, $operand: T) -> T {
                $body
            }
        }
    )*};
}

updates! {
    Swap(old, operand) = operand;
    Add(old, operand) = old.add(operand);
    Xor(old, operand) = old.xor(operand);
    And(old, operand) = old.and(operand);
    Or(old, operand) = old.or(operand);
    MinS(old, operand) = old.min_s(operand);
    MaxS(old, operand) = old.max_s(operand);
    MinU(old, operand) = old.min_u(operand);
    MaxU(old, operand) = old.max_u(operand);
    // PTX atom.inc and atom.dec.
    Inc(old, operand) = if old >= operand { T::ZERO } else { old.add(T::from_u64(1)) };
    Dec(old, operand) = {
        if old == T::ZERO || old > operand { operand } else { old.sub(T::from_u64(1)) }
    };
    FloatAdd(old, operand) = match T::BITS {
        16 => add_float::<Half, T>(old, operand),
        32 => add_float::<f32, T>(old, operand),
        _ => add_float::<f64, T>(old, operand),
    };
    Bf16Add(old, operand) = T::from_u64(add_bf16(old.to_u64(), operand.to_u64()));
    HalfPairAdd(old, operand) = {
        let (old, operand) = (old.to_u64(), operand.to_u64());
        let part = |shift: u32| {
            Half((old >> shift) as u16).add(Half((operand >> shift) as u16)).to_bits() << shift
        };
        T::from_u64(part(0) | part(16))
    };
    Bf16PairAdd(old, operand) = {
        let (old, operand) = (old.to_u64(), operand.to_u64());
        let part = |shift: u32| {
            add_bf16(old >> shift & 0xffff, operand >> shift & 0xffff) << shift
        };
        T::from_u64(part(0) | part(16))
    };
}

fn add_float<F: Float, T: Int>(a: T, b: T) -> T {
    T::from_u64(
        F::from_bits(a.to_u64())
            .add(F::from_bits(b.to_u64()))
            .to_bits(),
    )
}

fn add_bf16(a: u64, b: u64) -> u64 {
    let sum = Bf16::from_bits(a).to_f32() + Bf16::from_bits(b).to_f32();
    Bf16::from_f32(sum).to_bits()
}

/// `amo*`: loads sign-extended into `rd`.
pub(super) fn amo<U: Update, T: Atomic>(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    let operand = T::from_u64(hart.x(op.rs2));
    update(hart, env, op, |old: T| U::apply(old, operand))
}

/// `amocas` of up to 64 bits: compares with `rd`, stores `rs2`.
pub(super) fn compare_and_swap<T: Atomic>(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    let (expected, new) = (T::from_u64(hart.x(op.rd)), T::from_u64(hart.x(op.rs2)));
    update(
        hart,
        env,
        op,
        |old: T| if old == expected { new } else { old },
    )
}

/// `amocas.q`: compares with the pair `rd`, stores the pair `rs2`. A pair that begins with `x0`
/// is zero, and swallows results. Only outside CUDA, where a hart is alone: hosts have no
/// portable atomic of this width.
pub(super) fn compare_and_swap_pair(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    if !env.bare {
        let mnemonic = "amocas.q";
        return super::fault(hart, op, FaultKind::Unsupported { mnemonic }, None);
    }
    let pair = |hart: &Hart, register: u8| match register {
        0 => 0,
        low => u128::from(hart.x(low)) | u128::from(hart.x(low + 1)) << 64,
    };
    let (expected, new) = (pair(hart, op.rd), pair(hart, op.rs2));
    let address = hart.x(op.rs1);
    let Some(place) = aligned(hart, env, op, address, 16, true) else {
        return Flow::Leave;
    };
    super::access::count(env, place.space, 16, false);
    let at = place.pointer.cast::<u128>();
    // SAFETY: aligned and accessible; no other hart shares the memory of a bare program.
    let old = unsafe { at.read() };
    if old == expected {
        // SAFETY: as above, and accessible for writing.
        unsafe { at.write(new) };
    }
    if op.rd != 0 {
        hart.set_x(op.rd, old as u64);
        hart.set_x(op.rd + 1, (old >> 64) as u64);
    }
    Flow::Next
}

fn update<T: Atomic>(hart: &mut Hart, env: &mut Env, op: &Op, update: impl Fn(T) -> T) -> Flow {
    let (address, bytes) = (hart.x(op.rs1), size_of::<T>() as u64);
    let Some(place) = aligned(hart, env, op, address, bytes, true) else {
        return Flow::Leave;
    };
    super::access::count(env, place.space, bytes, false);
    // SAFETY: aligned, accessible for writing; all atomics of the chip come through here.
    let old = unsafe { T::fetch_update(place.pointer, update) };
    hart.set_x(op.rd, old.to_i64() as u64);
    Flow::Next
}

/// `lr`: remembers address and value.
pub(super) fn load_reserved<T: Atomic>(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    let address = hart.x(op.rs1);
    let Some(place) = aligned(hart, env, op, address, size_of::<T>() as u64, false) else {
        return Flow::Leave;
    };
    // SAFETY: aligned and accessible; reading through an update that changes nothing would
    // need write access, so this is a plain copy, made atomic by its alignment on all hosts.
    let value = unsafe { place.pointer.cast::<T>().read() };
    hart.reservation = Some((address, value.to_u64()));
    hart.set_x(op.rd, value.to_i64() as u64);
    Flow::Next
}

/// `sc`: stores if the reserved word still has the value that `lr` saw. A value that changed
/// and changed back goes unnoticed, which only a program that never compares could observe.
pub(super) fn store_conditional<T: Atomic>(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    let address = hart.x(op.rs1);
    let Some(place) = aligned(hart, env, op, address, size_of::<T>() as u64, true) else {
        return Flow::Leave;
    };
    let reservation = hart.reservation.take();
    let failed = match reservation {
        Some((reserved, seen)) if reserved == address => {
            let (seen, new) = (T::from_u64(seen), T::from_u64(hart.x(op.rs2)));
            // SAFETY: aligned and accessible for writing.
            let old = unsafe {
                T::fetch_update(place.pointer, |old| if old == seen { new } else { old })
            };
            old != seen
        }
        Some(_) | None => true,
    };
    hart.set_x(op.rd, u64::from(failed));
    Flow::Next
}

/// `xw.vamo*`: for each active element in order, updates memory at the address in `vs2` with
/// the element of `vs1` and puts the old value into `vd`.
pub(super) struct VectorAtomic<U, T>(PhantomData<(U, T)>);

impl<U: Update, T: Atomic> Kernel for VectorAtomic<U, T> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        for_each_address_of::<T>(hart, env, op, |hart, pointer, index| {
            let operand = hart.element::<T>(op.rs1, index);
            // SAFETY: aligned and accessible for writing, as the caller has checked.
            let old = unsafe { T::fetch_update(pointer, |old| U::apply(old, operand)) };
            hart.set_element(op.rd, index, old);
        })
    }
}

/// `xw.vamocas.v`: compares with `vd`, stores `vs1`.
pub(super) struct VectorCompareAndSwap<T>(PhantomData<T>);

impl<T: Atomic> Kernel for VectorCompareAndSwap<T> {
    #[inline(always)]
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
        for_each_address_of::<T>(hart, env, op, |hart, pointer, index| {
            let expected = hart.element::<T>(op.rd, index);
            let new = hart.element::<T>(op.rs1, index);
            // SAFETY: aligned and accessible for writing, as the caller has checked.
            let old =
                unsafe { T::fetch_update(pointer, |old| if old == expected { new } else { old }) };
            hart.set_element(op.rd, index, old);
        })
    }
}

/// Calls `each(hart, pointer, index)` for the active elements in order.
fn for_each_address_of<T: Atomic>(
    hart: &mut Hart,
    env: &mut Env,
    op: &Op,
    mut each: impl FnMut(&mut Hart, *mut u8, usize),
) -> Flow {
    let bytes = size_of::<T>() as u64;
    for index in hart.vstart as usize..hart.vl as usize {
        if active(hart, op, index / LANES) & 1 << (index % LANES) == 0 {
            continue;
        }
        let address = hart.element::<u64>(op.rs2, index);
        let Some(place) = aligned(hart, env, op, address, bytes, true) else {
            if let Stop::Fault { lane, .. } = &mut hart.stop {
                *lane = Some(index as u32);
            }
            return Flow::Leave;
        };
        super::access::count(env, place.space, bytes, false);
        each(hart, place.pointer, index);
    }
    hart.vstart = 0;
    Flow::Next
}
