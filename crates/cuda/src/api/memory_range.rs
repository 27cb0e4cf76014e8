//! Advice about ranges of memory, prefetching, and what was advised.

use super::memory::known_range;
use crate::c::{Device, DevicePtr, Handle, MemLocation, get, put};
use crate::call::exports;
use crate::result::CUresult;
use crate::runtime::device;
use std::ffi::{c_int, c_uint, c_void};
use weft_driver::{Advice, Location};

/// `CUmemLocationType`.
mod location_type {
    pub(super) const INVALID: u32 = 0;
    pub(super) const DEVICE: u32 = 1;
    pub(super) const HOST: u32 = 2;
    pub(super) const HOST_NUMA_CURRENT: u32 = 4;
}

/// `CU_DEVICE_CPU` and `CU_DEVICE_INVALID`.
const CPU: c_int = -1;
const NONE: c_int = -2;

fn location_of(location: MemLocation) -> Result<Location, CUresult> {
    match (location.kind, location.id) {
        (location_type::DEVICE, 0) => {}
        (location_type::DEVICE, _) => return Err(CUresult::INVALID_DEVICE),
        (location_type::HOST..=location_type::HOST_NUMA_CURRENT, _) => {}
        _ => return Err(CUresult::INVALID_VALUE),
    }
    Ok(Location {
        kind: location.kind,
        id: location.id,
    })
}

/// The location that a device number means, where -1 is the host.
const fn of_device(number: Device) -> MemLocation {
    if number == CPU {
        MemLocation {
            kind: location_type::HOST,
            id: 0,
        }
    } else {
        MemLocation {
            kind: location_type::DEVICE,
            id: number,
        }
    }
}

fn advise(
    address: DevicePtr,
    bytes: usize,
    advice: c_int,
    location: MemLocation,
) -> Result<(), CUresult> {
    known_range(address, bytes)?;
    if bytes == 0 {
        return Err(CUresult::INVALID_VALUE);
    }
    // Only some kinds of advice name a place.
    let place = match advice {
        3 | 5 | 6 => Some(location_of(location)?),
        1 | 2 | 4 => None,
        _ => return Err(CUresult::INVALID_VALUE),
    };
    let is_host = place.is_some_and(|place| place.kind != location_type::DEVICE);
    device()?.advise(address, bytes as u64, |known| match advice {
        1 => known.read_mostly = true,
        2 => known.read_mostly = false,
        3 => known.preferred = place,
        4 => known.preferred = None,
        5 | 6 if is_host => known.accessed_by_host = advice == 5,
        _ => known.accessed = advice == 5,
    });
    Ok(())
}

fn prefetch(
    address: DevicePtr,
    bytes: usize,
    location: MemLocation,
    stream: Handle,
) -> Result<(), CUresult> {
    known_range(address, bytes)?;
    let place = location_of(location)?;
    super::stream::check(stream)?;
    if bytes == 0 {
        return Err(CUresult::INVALID_VALUE);
    }
    device()?.advise(address, bytes as u64, |known| {
        known.prefetched = Some(place)
    });
    Ok(())
}

/// What all parts of a range agree on.
fn agreed<T: PartialEq + Copy>(parts: &[Advice], look: impl Fn(&Advice) -> Option<T>) -> Option<T> {
    let first = look(parts.first()?)?;
    parts
        .iter()
        .all(|part| look(part) == Some(first))
        .then_some(first)
}

const fn device_number(location: Option<Location>) -> c_int {
    match location {
        Some(Location {
            kind: location_type::DEVICE,
            id,
        }) => id,
        Some(_) => CPU,
        None => NONE,
    }
}

/// Stores one attribute (`CU_MEM_RANGE_ATTRIBUTE_*`) of a range.
///
/// # Safety
/// `out` is null or valid for `size` bytes.
unsafe fn store(
    out: *mut c_void,
    size: usize,
    attribute: c_uint,
    address: DevicePtr,
    bytes: usize,
) -> Result<(), CUresult> {
    known_range(address, bytes)?;
    let parts = device()?.advice(address, bytes as u64);
    let preferred = agreed(&parts, |part| part.preferred);
    let prefetched = agreed(&parts, |part| part.prefetched);
    let kind = |location: Option<Location>| {
        location
            .map_or(location_type::INVALID, |location| location.kind)
            .cast_signed()
    };
    let id = |location: Option<Location>| location.map_or(0, |location| location.id);
    /// `CU_MEM_RANGE_ATTRIBUTE_ACCESSED_BY`, a list.
    const ACCESSED_BY: c_uint = 3;
    if bytes == 0 || size == 0 || (attribute != ACCESSED_BY && size != 4) || !size.is_multiple_of(4)
    {
        return Err(CUresult::INVALID_VALUE);
    }
    let value = match attribute {
        1 => c_int::from(parts.iter().all(|part| part.read_mostly)),
        2 => device_number(preferred),
        ACCESSED_BY => {
            let mut places = Vec::new();
            if parts.iter().all(|part| part.accessed) {
                places.push(0);
            }
            if parts.iter().all(|part| part.accessed_by_host) {
                places.push(CPU);
            }
            for index in 0..size / 4 {
                let place = places.get(index).copied().unwrap_or(NONE);
                // SAFETY: the caller's array.
                unsafe { put(out.cast::<c_int>().wrapping_add(index), place) }?;
            }
            return Ok(());
        }
        4 => device_number(prefetched),
        5 => kind(preferred),
        6 => id(preferred),
        7 => kind(prefetched),
        8 => id(prefetched),
        _ => return Err(CUresult::INVALID_VALUE),
    };
    // SAFETY: the caller passes room for a number of 32 bits.
    unsafe { put(out.cast::<c_int>(), value) }
}

/// Ranges of a batch.
///
/// # Safety
/// The arrays are valid for `count` elements.
unsafe fn ranges(
    addresses: *const DevicePtr,
    sizes: *const usize,
    count: usize,
    flags: u64,
) -> Result<Vec<(DevicePtr, usize)>, CUresult> {
    if count == 0 || flags != 0 {
        return Err(CUresult::INVALID_VALUE);
    }
    (0..count)
        .map(|index| {
            // SAFETY: the caller's arrays.
            let address = unsafe { get(addresses.wrapping_add(index)) }?;
            // SAFETY: as above.
            let bytes = unsafe { get(sizes.wrapping_add(index)) }?;
            known_range(address, bytes)?;
            if bytes == 0 {
                return Err(CUresult::INVALID_VALUE);
            }
            Ok((address, bytes))
        })
        .collect()
}

/// Places of a batch: each is for the ranges from its index to the next.
///
/// # Safety
/// The arrays are valid for `count` elements.
unsafe fn places(
    locations: *const MemLocation,
    indices: *const usize,
    count: usize,
    ranges: usize,
) -> Result<Vec<MemLocation>, CUresult> {
    let mut places: Vec<MemLocation> = Vec::new();
    for index in 0..count {
        // SAFETY: the caller's arrays.
        let first = unsafe { get(indices.wrapping_add(index)) }?;
        // SAFETY: as above.
        let location = unsafe { get(locations.wrapping_add(index)) }?;
        location_of(location)?;
        let ascends = if index == 0 {
            first == 0
        } else {
            first > 0 && first >= places.len()
        };
        if !ascends || first >= ranges {
            return Err(CUresult::INVALID_VALUE);
        }
        if let Some(&before) = places.last() {
            places.resize(first, before);
        }
        places.push(location);
    }
    match places.last() {
        Some(&last) => places.resize(ranges, last),
        None => return Err(CUresult::INVALID_VALUE),
    }
    Ok(places)
}

exports! {
    fn cuMemAdvise(address: DevicePtr, bytes: usize, advice: c_int, number: Device) {
        advise(address, bytes, advice, of_device(number))
    }

    fn cuMemAdvise_v2(address: DevicePtr, bytes: usize, advice: c_int, location: MemLocation) {
        advise(address, bytes, advice, location)
    }

    fn cuMemPrefetchAsync | cuMemPrefetchAsync_ptsz(
        address: DevicePtr, bytes: usize, number: Device, stream: Handle,
    ) {
        prefetch(address, bytes, of_device(number), stream)
    }

    fn cuMemPrefetchAsync_v2 | cuMemPrefetchAsync_v2_ptsz(
        address: DevicePtr, bytes: usize, location: MemLocation, flags: c_uint, stream: Handle,
    ) {
        if flags != 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        prefetch(address, bytes, location, stream)
    }

    fn cuMemPrefetchBatchAsync | cuMemPrefetchBatchAsync_ptsz(
        addresses: *const DevicePtr, sizes: *const usize, count: usize,
        locations: *const MemLocation, indices: *const usize, location_count: usize,
        flags: u64, stream: Handle,
    ) {
        // SAFETY: the caller's arrays.
        let ranges = unsafe { ranges(addresses, sizes, count, flags) }?;
        // SAFETY: as above.
        let places = unsafe { places(locations, indices, location_count, count) }?;
        ranges
            .into_iter()
            .zip(places)
            .try_for_each(|((address, bytes), place)| prefetch(address, bytes, place, stream))
    }

    /// Contents that are not wanted any more stay what they are, which is allowed.
    fn cuMemDiscardBatchAsync | cuMemDiscardBatchAsync_ptsz(
        addresses: *const DevicePtr, sizes: *const usize, count: usize, flags: u64,
        stream: Handle,
    ) {
        // SAFETY: the caller's arrays.
        unsafe { ranges(addresses, sizes, count, flags) }?;
        super::stream::check(stream)
    }

    fn cuMemDiscardAndPrefetchBatchAsync | cuMemDiscardAndPrefetchBatchAsync_ptsz(
        addresses: *const DevicePtr, sizes: *const usize, count: usize,
        locations: *const MemLocation, indices: *const usize, location_count: usize,
        flags: u64, stream: Handle,
    ) {
        // SAFETY: the caller's arrays.
        let ranges = unsafe { ranges(addresses, sizes, count, flags) }?;
        // SAFETY: as above.
        let places = unsafe { places(locations, indices, location_count, count) }?;
        ranges
            .into_iter()
            .zip(places)
            .try_for_each(|((address, bytes), place)| prefetch(address, bytes, place, stream))
    }

    fn cuMemRangeGetAttribute(
        out: *mut c_void, size: usize, attribute: c_uint, address: DevicePtr, bytes: usize,
    ) {
        // SAFETY: the caller passes room for the attribute.
        unsafe { store(out, size, attribute, address, bytes) }
    }

    fn cuMemRangeGetAttributes(
        outs: *const *mut c_void, sizes: *const usize, attributes: *const c_uint, count: usize,
        address: DevicePtr, bytes: usize,
    ) {
        if count == 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        for index in 0..count {
            // SAFETY: the caller's arrays, here and below.
            let out = unsafe { get(outs.wrapping_add(index)) }?;
            // SAFETY: as above.
            let size = unsafe { get(sizes.wrapping_add(index)) }?;
            // SAFETY: as above.
            let attribute = unsafe { get(attributes.wrapping_add(index)) }?;
            // SAFETY: as above.
            unsafe { store(out, size, attribute, address, bytes) }?;
        }
        Ok(())
    }
}
