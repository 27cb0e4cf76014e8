//! Stream-ordered memory and its pools.

use crate::c::{Device, DevicePtr, Handle, MemLocation, MemPoolProps, get, put};
use crate::call::exports;
use crate::result::CUresult;
use crate::runtime::{POOLS, code, number, usable};
use std::ffi::{c_int, c_uint, c_void};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use weft_driver::{GraphAllocation, NodeKind, Pool, Work};

/// `CU_MEM_LOCATION_TYPE_DEVICE`.
const LOCATION_DEVICE: c_uint = 1;

/// Handle of the device's default pool.
fn default_pool(ordinal: Device) -> Result<Handle, CUresult> {
    static POOL: OnceLock<usize> = OnceLock::new();
    let device = super::device::known(ordinal)?;
    let handle = *POOL.get_or_init(|| POOLS.insert(Pool::new(device)) as usize);
    Ok(handle as Handle)
}

/// The pool that `cuMemAllocAsync` uses: the default, or what the program set.
static CURRENT: Mutex<Option<usize>> = Mutex::new(None);

fn current_pool(ordinal: Device) -> Result<Handle, CUresult> {
    let set = *CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    match set {
        Some(handle) if POOLS.get(handle as Handle).is_ok() => Ok(handle as Handle),
        _ => default_pool(ordinal),
    }
}

fn allocate(
    out: *mut DevicePtr,
    bytes: usize,
    pool: Handle,
    stream: Handle,
) -> Result<(), CUresult> {
    let context = usable()?;
    if out.is_null() {
        return Err(CUresult::INVALID_VALUE);
    }
    let pool: Arc<Pool> = POOLS.get(pool)?;
    let stream = crate::runtime::stream(stream)?;
    let mut captured = None;
    let node = stream.capture_node(|graph| {
        let allocation = GraphAllocation::new(&context, graph, bytes as u64)?;
        captured = Some(allocation.address());
        Ok(NodeKind::Allocate(allocation))
    });
    let address = match node.map_err(code)?.and(captured) {
        Some(address) => address,
        None => {
            stream.usable().map_err(|error| number(&error))?;
            pool.allocate(&context, bytes as u64).map_err(code)?
        }
    };
    // SAFETY: the caller passes a valid out pointer.
    unsafe { put(out, address) }
}

fn located(location: *mut MemLocation) -> Result<Device, CUresult> {
    // SAFETY: the caller passes a valid location.
    let location = unsafe { get(location) }?;
    if location.kind == LOCATION_DEVICE {
        Ok(location.id)
    } else {
        Err(CUresult::NOT_SUPPORTED)
    }
}

exports! {
    fn cuMemAllocAsync | cuMemAllocAsync_ptsz(
        out: *mut DevicePtr, bytes: usize, stream: Handle,
    ) {
        allocate(out, bytes, current_pool(0)?, stream)
    }

    fn cuMemAllocFromPoolAsync | cuMemAllocFromPoolAsync_ptsz(
        out: *mut DevicePtr, bytes: usize, pool: Handle, stream: Handle,
    ) {
        allocate(out, bytes, pool, stream)
    }

    fn cuMemFreeAsync | cuMemFreeAsync_ptsz(address: DevicePtr, stream: Handle) {
        if address == 0 {
            return super::stream::check(stream);
        }
        super::stream::submit(stream, Work::Free(address))
    }

    fn cuDeviceGetDefaultMemPool(pool: *mut Handle, ordinal: Device) {
        let handle = default_pool(ordinal)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(pool, handle) }
    }

    fn cuDeviceGetMemPool(pool: *mut Handle, ordinal: Device) {
        let handle = current_pool(ordinal)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(pool, handle) }
    }

    fn cuDeviceSetMemPool(ordinal: Device, pool: Handle) {
        super::device::known(ordinal)?;
        POOLS.get(pool)?;
        *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(pool as usize);
        Ok(())
    }

    fn cuMemGetDefaultMemPool(pool: *mut Handle, location: *mut MemLocation, _kind: c_int) {
        let handle = default_pool(located(location)?)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(pool, handle) }
    }

    fn cuMemGetMemPool(pool: *mut Handle, location: *mut MemLocation, _kind: c_int) {
        let handle = current_pool(located(location)?)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(pool, handle) }
    }

    fn cuMemSetMemPool(location: *mut MemLocation, _kind: c_int, pool: Handle) {
        super::device::known(located(location)?)?;
        POOLS.get(pool)?;
        *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(pool as usize);
        Ok(())
    }

    fn cuMemPoolCreate(pool: *mut Handle, properties: *const MemPoolProps) {
        let context = usable()?;
        // SAFETY: the caller passes valid properties.
        let properties = unsafe { get(properties) }?;
        if properties.handle_types != 0 || properties.location.kind != LOCATION_DEVICE {
            return Err(CUresult::NOT_SUPPORTED);
        }
        super::device::known(properties.location.id)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(pool, POOLS.insert(Pool::new(context.device()))) }
    }

    fn cuMemPoolDestroy(pool: Handle) {
        if pool == default_pool(0)? {
            return Err(CUresult::INVALID_VALUE);
        }
        POOLS.remove(pool).map(|_| ())
    }

    fn cuMemPoolTrimTo(pool: Handle, _bytes_to_keep: usize) {
        // Freed memory goes back at once; nothing is held.
        POOLS.get(pool).map(|_| ())
    }

    fn cuMemPoolGetAttribute(pool: Handle, attribute: c_int, value: *mut c_void) {
        let found = POOLS
            .get(pool)?
            .attribute(attribute)
            .ok_or(CUresult::INVALID_VALUE)?;
        if is_switch(attribute) {
            let found = c_int::try_from(found).unwrap_or(1);
            // SAFETY: the caller passes an `int` for this attribute.
            unsafe { put(value.cast::<c_int>(), found) }
        } else {
            // SAFETY: the caller passes a `cuuint64_t` for this attribute.
            unsafe { put(value.cast::<u64>(), found) }
        }
    }

    fn cuMemPoolSetAttribute(pool: Handle, attribute: c_int, value: *mut c_void) {
        let pool = POOLS.get(pool)?;
        let value = if is_switch(attribute) {
            // SAFETY: the caller passes an `int` for this attribute.
            u64::from(unsafe { get(value.cast::<c_int>()) }? != 0)
        } else {
            // SAFETY: the caller passes a `cuuint64_t` for this attribute.
            unsafe { get(value.cast::<u64>()) }?
        };
        pool.set_attribute(attribute, value).map_err(code)
    }

    /// The one device always has access.
    fn cuMemPoolSetAccess(pool: Handle, _descriptors: *const c_void, _count: usize) {
        POOLS.get(pool).map(|_| ())
    }

    fn cuMemPoolGetAccess(flags: *mut c_uint, pool: Handle, location: *mut MemLocation) {
        POOLS.get(pool)?;
        super::device::known(located(location)?)?;
        /// `CU_MEM_ACCESS_FLAGS_PROT_READWRITE`.
        const READ_WRITE: c_uint = 3;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(flags, READ_WRITE) }
    }
}

/// The reuse attributes 1 to 3 are `int` switches, the others 64-bit sizes.
const fn is_switch(attribute: c_int) -> bool {
    matches!(attribute, 1..=3)
}
