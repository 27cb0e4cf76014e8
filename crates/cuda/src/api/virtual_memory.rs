//! Virtual memory management.

use crate::c::{DevicePtr, Handle, MemAccessDesc, MemAllocationProp, MemLocation, get, put};
use crate::call::exports;
use crate::handle::Registry;
use crate::result::CUresult;
use crate::runtime::{code, device};
use std::ffi::{c_int, c_uint, c_void};
use std::os::fd::IntoRawFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use weft_driver::{GRANULARITY, Physical, Protection};

/// Physical memory that the program has handles of.
#[derive(Debug)]
struct Entry {
    physical: Arc<Physical>,
    /// How often the program has to release it.
    references: AtomicUsize,
}

static PHYSICAL: Registry<Entry> = Registry::new(14, CUresult::INVALID_VALUE);

/// `CUmemLocationType`.
const LOCATION_DEVICE: c_uint = 1;
/// `CU_MEM_ALLOCATION_TYPE_PINNED`.
const ALLOCATION_PINNED: c_uint = 1;
/// `CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR`; the other types are of other systems or fabrics.
const FILE_DESCRIPTOR: c_uint = 1;

fn check_location(location: MemLocation) -> Result<(), CUresult> {
    match (location.kind, location.id) {
        (LOCATION_DEVICE, 0) => Ok(()),
        (LOCATION_DEVICE, _) => Err(CUresult::INVALID_DEVICE),
        // Host memory that is managed like this, by node of the host.
        (2..=4, _) => Err(CUresult::NOT_SUPPORTED),
        _ => Err(CUresult::INVALID_VALUE),
    }
}

/// Checks what memory is asked for; whether it is to be shared.
fn check_properties(properties: &MemAllocationProp) -> Result<bool, CUresult> {
    check_location(properties.location)?;
    if properties.allocation_type != ALLOCATION_PINNED || !properties.metadata.is_null() {
        return Err(CUresult::INVALID_VALUE);
    }
    match properties.handle_types {
        0 => {}
        FILE_DESCRIPTOR => {}
        _ => return Err(CUresult::NOT_SUPPORTED),
    }
    // Compression, and sparse arrays, which there are none of.
    let [compression, _, usage_low, usage_high, ..] = properties.allocation_flags;
    if compression > 1 || usage_high != 0 {
        return Err(CUresult::INVALID_VALUE);
    }
    if usage_low != 0 {
        return Err(CUresult::NOT_SUPPORTED);
    }
    Ok(properties.handle_types == FILE_DESCRIPTOR)
}

fn entry(handle: u64) -> Result<Arc<Entry>, CUresult> {
    PHYSICAL.get(usize::try_from(handle).unwrap_or(0) as Handle)
}

/// Gives the program a handle of memory, which it has to release once more.
fn give(physical: &Arc<Physical>) -> u64 {
    let handle = PHYSICAL.insert_as(physical.id(), || {
        Arc::new(Entry {
            physical: Arc::clone(physical),
            references: AtomicUsize::new(0),
        })
    });
    if let Ok(entry) = PHYSICAL.get(handle) {
        entry.references.fetch_add(1, Ordering::AcqRel);
    }
    handle as u64
}

exports! {
    fn cuMemAddressReserve(
        out: *mut DevicePtr, bytes: usize, alignment: usize, _hint: DevicePtr, flags: u64,
    ) {
        let device = device()?;
        if out.is_null() || flags != 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        let address =
            device.reserve_addresses(bytes as u64, alignment as u64).map_err(code)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, address) }
    }

    fn cuMemAddressFree(address: DevicePtr, bytes: usize) {
        device()?.release_addresses(address, bytes as u64).map_err(code)
    }

    fn cuMemCreate(
        out: *mut u64, bytes: usize, properties: *const MemAllocationProp, flags: u64,
    ) {
        let device = device()?;
        // SAFETY: the caller's structure.
        let properties = unsafe { get(properties) }?;
        let shareable = check_properties(&properties)?;
        if out.is_null() || flags != 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        let kept = u64::from_le_bytes(properties.allocation_flags);
        let physical =
            device.create_physical(bytes as u64, shareable, kept).map_err(code)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, give(&physical)) }
    }

    fn cuMemRelease(handle: u64) {
        device()?;
        let entry = entry(handle)?;
        if entry.references.fetch_sub(1, Ordering::AcqRel) == 1 {
            PHYSICAL.remove(usize::try_from(handle).unwrap_or(0) as Handle)?;
        }
        Ok(())
    }

    fn cuMemMap(address: DevicePtr, bytes: usize, offset: usize, handle: u64, flags: u64) {
        let device = device()?;
        let entry = entry(handle)?;
        if flags != 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        device
            .map_physical(address, bytes as u64, &entry.physical, offset as u64)
            .map_err(code)
    }

    fn cuMemUnmap(address: DevicePtr, bytes: usize) {
        device()?.unmap_physical(address, bytes as u64).map_err(code)
    }

    fn cuMemSetAccess(
        address: DevicePtr, bytes: usize, access: *const MemAccessDesc, count: usize,
    ) {
        let device = device()?;
        if count == 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        for index in 0..count {
            // SAFETY: the caller's array.
            let asked = unsafe { get(access.wrapping_add(index)) }?;
            check_location(asked.location)?;
            let protection = match asked.flags {
                0 => Protection::None,
                1 => Protection::Read,
                3 => Protection::ReadWrite,
                _ => return Err(CUresult::INVALID_VALUE),
            };
            device.set_access(address, bytes as u64, protection).map_err(code)?;
        }
        Ok(())
    }

    fn cuMemGetAccess(flags: *mut u64, location: *const MemLocation, address: DevicePtr) {
        let device = device()?;
        // SAFETY: the caller's structure.
        check_location(unsafe { get(location) }?)?;
        let value = match device.access_of(address).map_err(code)? {
            Protection::None => 0,
            Protection::Read => 1,
            Protection::ReadWrite => 3,
        };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(flags, value) }
    }

    fn cuMemGetAllocationGranularity(
        out: *mut usize, properties: *const MemAllocationProp, option: c_uint,
    ) {
        device()?;
        // SAFETY: the caller's structure.
        check_properties(&unsafe { get(properties) }?)?;
        if option > 1 {
            return Err(CUresult::INVALID_VALUE);
        }
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, usize::try_from(GRANULARITY).unwrap_or(usize::MAX)) }
    }

    fn cuMemGetAllocationPropertiesFromHandle(out: *mut MemAllocationProp, handle: u64) {
        device()?;
        let entry = entry(handle)?;
        let shareable = entry.physical.is_shareable();
        let value = MemAllocationProp {
            allocation_type: ALLOCATION_PINNED,
            handle_types: if shareable { FILE_DESCRIPTOR } else { 0 },
            location: MemLocation { kind: LOCATION_DEVICE, id: 0 },
            metadata: std::ptr::null_mut(),
            allocation_flags: entry.physical.flags().to_le_bytes(),
        };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, value) }
    }

    fn cuMemRetainAllocationHandle(out: *mut u64, address: *mut c_void) {
        let device = device()?;
        if out.is_null() {
            return Err(CUresult::INVALID_VALUE);
        }
        let physical = device.physical_at(address as u64).map_err(code)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, give(&physical)) }
    }

    fn cuMemExportToShareableHandle(
        out: *mut c_int, handle: u64, handle_type: c_uint, flags: u64,
    ) {
        device()?;
        let entry = entry(handle)?;
        if out.is_null() || flags != 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        match handle_type {
            FILE_DESCRIPTOR => {}
            2 | 4 | 8 => return Err(CUresult::NOT_SUPPORTED),
            _ => return Err(CUresult::INVALID_VALUE),
        }
        let descriptor = entry.physical.export().map_err(code)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, descriptor.into_raw_fd()) }
    }

    /// The descriptor is passed in the place of a pointer.
    fn cuMemImportFromShareableHandle(
        out: *mut u64, os_handle: *mut c_void, handle_type: c_uint,
    ) {
        let device = device()?;
        if out.is_null() {
            return Err(CUresult::INVALID_VALUE);
        }
        match handle_type {
            FILE_DESCRIPTOR => {}
            2 | 4 | 8 => return Err(CUresult::NOT_SUPPORTED),
            _ => return Err(CUresult::INVALID_VALUE),
        }
        let descriptor = c_int::try_from(os_handle as usize).map_err(|_| CUresult::INVALID_VALUE)?;
        let physical = device.import_physical(descriptor).map_err(code)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, give(&physical)) }
    }
}
