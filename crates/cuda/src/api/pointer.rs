//! Unified addressing: what is known of a pointer.

use crate::c::{DevicePtr, put};
use crate::call::exports;
use crate::result::CUresult;
use crate::runtime::{CONTEXTS, POOLS, device};
use std::ffi::{c_int, c_uint, c_void};
use weft_driver::{Allocation, AllocationKind};

/// `CU_MEMORYTYPE_HOST` and `_DEVICE`.
const MEMORY_HOST: c_uint = 1;
const MEMORY_DEVICE: c_uint = 2;

/// The allocation that holds an address, if it is one that the program can know of.
pub(super) fn allocation_of_program(address: DevicePtr) -> Result<Option<Allocation>, CUresult> {
    let allocation = device()?.allocation_of(address);
    Ok(allocation.filter(|allocation| allocation.kind != AllocationKind::Internal))
}

/// Stores one attribute (`CU_POINTER_ATTRIBUTE_*` number) of an allocation.
///
/// # Safety
/// `out` is valid for the type of the attribute.
#[expect(
    clippy::multiple_unsafe_ops_per_block,
    reason = "one of the stores is made, and all have the same contract"
)]
unsafe fn store(
    out: *mut c_void,
    attribute: c_int,
    address: DevicePtr,
    allocation: &Allocation,
) -> Result<(), CUresult> {
    let is_host = allocation.kind.is_host();
    let is_managed = allocation.kind.is_managed();
    // SAFETY: the caller's out pointer, for each store below.
    unsafe {
        match attribute {
            1 => {
                let context = CONTEXTS.find(|context| context.id() == allocation.context);
                put(out.cast(), context.unwrap_or(std::ptr::null_mut()))
            }
            2 => put(
                out.cast(),
                if is_host { MEMORY_HOST } else { MEMORY_DEVICE },
            ),
            3 => put(out.cast(), address),
            4 if is_host || is_managed => put(out.cast(), address),
            4 => Err(CUresult::INVALID_VALUE),
            6 | 10 | 15 => put(out.cast(), 0 as c_uint),
            7 => put(out.cast(), allocation.id),
            8 => put(out.cast(), c_uint::from(is_managed)),
            9 => put(out.cast(), 0 as c_int),
            11 => put(out.cast(), allocation.address),
            12 => put(
                out.cast(),
                usize::try_from(allocation.bytes).unwrap_or(usize::MAX),
            ),
            13 => put(out.cast(), 1 as c_uint),
            14 => put(out.cast(), 0u64),
            // CU_MEM_ACCESS_FLAGS_PROT_READWRITE.
            16 => put(out.cast(), 3 as c_uint),
            17 => {
                let pool = POOLS.find(|pool| allocation.tag != 0 && pool.id() == allocation.tag);
                put(out.cast(), pool.unwrap_or(std::ptr::null_mut()))
            }
            _ => Err(CUresult::INVALID_VALUE),
        }
    }
}

/// Stores what stands for "no such allocation" in `cuPointerGetAttributes`.
///
/// # Safety
/// As [`store`].
#[expect(
    clippy::multiple_unsafe_ops_per_block,
    reason = "one of the stores is made, and all have the same contract"
)]
unsafe fn store_unknown(out: *mut c_void, attribute: c_int) {
    // SAFETY: the caller's out pointer, for each store below; a null one is skipped.
    unsafe {
        match attribute {
            1 | 3 | 4 | 7 | 11 | 12 | 14 | 17 => crate::c::put_optional(out.cast(), 0u64),
            9 => crate::c::put_optional(out.cast(), -2 as c_int),
            _ => crate::c::put_optional(out.cast(), 0 as c_uint),
        }
    }
}

exports! {
    fn cuPointerGetAttribute(out: *mut c_void, attribute: c_int, address: DevicePtr) {
        let allocation = allocation_of_program(address)?.ok_or(CUresult::INVALID_VALUE)?;
        // SAFETY: the caller passes a pointer for the attribute's type.
        unsafe { store(out, attribute, address, &allocation) }
    }

    fn cuPointerGetAttributes(
        count: c_uint, attributes: *const c_int, out: *const *mut c_void, address: DevicePtr,
    ) {
        let known = allocation_of_program(address)?;
        if attributes.is_null() || out.is_null() {
            return Err(CUresult::INVALID_VALUE);
        }
        for index in 0..count as usize {
            // SAFETY: the caller passes `count` attributes.
            let attribute = unsafe { attributes.wrapping_add(index).read() };
            // SAFETY: and as many pointers.
            let target = unsafe { out.wrapping_add(index).read() };
            match &known {
                Some(allocation) => {
                    // SAFETY: the caller passes a pointer for the attribute's type.
                    if unsafe { store(target, attribute, address, allocation) }.is_err() {
                        // SAFETY: as above.
                        unsafe { store_unknown(target, attribute) };
                    }
                }
                // SAFETY: as above.
                None => unsafe { store_unknown(target, attribute) },
            }
        }
        Ok(())
    }

    /// The attribute is about the order of host accesses, which is always synchronous here.
    fn cuPointerSetAttribute(_value: *const c_void, _attribute: c_int, address: DevicePtr) {
        allocation_of_program(address)?
            .map(|_| ())
            .ok_or(CUresult::INVALID_VALUE)
    }
}
