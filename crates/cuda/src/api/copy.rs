//! Copies, linear, pitched, and of arrays.

use super::stream::{execute, submit};
use crate::c::{DevicePtr, Handle, Memcpy2D, Memcpy3D, Memcpy3DPeer, get};
use crate::call::exports;
use crate::result::CUresult;
use crate::runtime::{ARRAYS, CONTEXTS, usable};
use std::ffi::{c_uint, c_void};
use weft_driver::{Copy, Place, Side, Work};

/// `CUmemorytype`.
mod memory_type {
    pub(super) const HOST: u32 = 1;
    pub(super) const DEVICE: u32 = 2;
    pub(super) const ARRAY: u32 = 3;
    pub(super) const UNIFIED: u32 = 4;
}

fn place(
    memory_type: c_uint,
    host: *const c_void,
    device: DevicePtr,
    array: Handle,
) -> Result<Place, CUresult> {
    match memory_type {
        memory_type::HOST => Ok(Place::Host(host as u64)),
        memory_type::DEVICE => Ok(Place::Device(device)),
        memory_type::UNIFIED => Ok(Place::Unified(device)),
        memory_type::ARRAY => ARRAYS.get(array).map(Place::Array),
        _ => Err(CUresult::INVALID_VALUE),
    }
}

/// The copy that a request describes.
pub(super) fn copy_of(request: &Memcpy3D) -> Result<Copy, CUresult> {
    if request.src_lod != 0 || request.dst_lod != 0 {
        return Err(CUresult::INVALID_VALUE);
    }
    let side = |place, pitch: usize, rows: usize, origin: [usize; 3]| Side {
        place,
        pitch: pitch as u64,
        rows: rows as u64,
        origin: origin.map(|extent| extent as u64),
    };
    let from = place(
        request.src_type,
        request.src_host,
        request.src_device,
        request.src_array,
    )?;
    let to = place(
        request.dst_type,
        request.dst_host,
        request.dst_device,
        request.dst_array,
    )?;
    Ok(Copy {
        from: side(
            from,
            request.src_pitch,
            request.src_height,
            [request.src_x, request.src_y, request.src_z],
        ),
        to: side(
            to,
            request.dst_pitch,
            request.dst_height,
            [request.dst_x, request.dst_y, request.dst_z],
        ),
        extent: [request.width, request.height, request.depth].map(|extent| extent as u64),
    })
}

/// The request that describes a copy.
pub(super) fn request_of(copy: &Copy) -> Memcpy3D {
    let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    let pointer = |address: u64| size(address) as *mut c_void;
    let null = std::ptr::null_mut();
    let parts = |place: &Place| match place {
        Place::Host(address) => (memory_type::HOST, pointer(*address), 0, null),
        Place::Device(address) => (memory_type::DEVICE, null, *address, null),
        Place::Unified(address) => (memory_type::UNIFIED, null, *address, null),
        Place::Array(array) => (memory_type::ARRAY, null, 0, ARRAYS.handle_of(array.id())),
    };
    let (src_type, src_host, src_device, src_array) = parts(&copy.from.place);
    let (dst_type, dst_host, dst_device, dst_array) = parts(&copy.to.place);
    let (from, to) = (copy.from.origin.map(size), copy.to.origin.map(size));
    Memcpy3D {
        src_x: from[0],
        src_y: from[1],
        src_z: from[2],
        src_lod: 0,
        src_type,
        src_host,
        src_device,
        src_array,
        reserved0: null,
        src_pitch: size(copy.from.pitch),
        src_height: size(copy.from.rows),
        dst_x: to[0],
        dst_y: to[1],
        dst_z: to[2],
        dst_lod: 0,
        dst_type,
        dst_host,
        dst_device,
        dst_array,
        reserved1: null,
        dst_pitch: size(copy.to.pitch),
        dst_height: size(copy.to.rows),
        width: size(copy.extent[0]),
        height: size(copy.extent[1]),
        depth: size(copy.extent[2]),
    }
}

fn copy_2d(request: *const Memcpy2D) -> Result<Work, CUresult> {
    usable()?;
    // SAFETY: the caller passes a valid request.
    let request = unsafe { get(request) }?;
    let copy = copy_of(&Memcpy3D {
        src_x: request.src_x,
        src_y: request.src_y,
        src_z: 0,
        src_lod: 0,
        src_type: request.src_type,
        src_host: request.src_host,
        src_device: request.src_device,
        src_array: request.src_array,
        reserved0: std::ptr::null_mut(),
        src_pitch: request.src_pitch,
        src_height: 0,
        dst_x: request.dst_x,
        dst_y: request.dst_y,
        dst_z: 0,
        dst_lod: 0,
        dst_type: request.dst_type,
        dst_host: request.dst_host,
        dst_device: request.dst_device,
        dst_array: request.dst_array,
        reserved1: std::ptr::null_mut(),
        dst_pitch: request.dst_pitch,
        dst_height: 0,
        width: request.width,
        height: request.height,
        depth: 1,
    })?;
    Ok(Work::Copy(copy))
}

fn copy_3d(request: *const Memcpy3D) -> Result<Work, CUresult> {
    usable()?;
    // SAFETY: the caller passes a valid request.
    Ok(Work::Copy(copy_of(&unsafe { get(request) }?)?))
}

/// A copy between contexts, which are all of one device.
fn copy_3d_peer(request: *const Memcpy3DPeer) -> Result<Work, CUresult> {
    usable()?;
    // SAFETY: the caller passes a valid request.
    let request = unsafe { get(request) }?;
    let mut copy = request.copy;
    for context in [copy.reserved0, copy.reserved1] {
        CONTEXTS.get(context)?;
    }
    copy.reserved0 = std::ptr::null_mut();
    copy.reserved1 = std::ptr::null_mut();
    Ok(Work::Copy(copy_of(&copy)?))
}

/// A copy of bytes.
fn linear(to: Place, from: Place, bytes: usize) -> Work {
    Work::Copy(Copy::linear(to, from, bytes as u64))
}

/// A part of an array that begins at a byte offset and lies in one row, or in whole rows.
fn part_of_array(array: Handle, offset: usize, bytes: usize) -> Result<(Side, [u64; 3]), CUresult> {
    let array = ARRAYS.get(array)?;
    let shape = array.shape();
    if shape.depth != 0 {
        return Err(CUresult::INVALID_VALUE);
    }
    let row = shape.width * u64::from(shape.format.bytes());
    let (offset, bytes) = (offset as u64, bytes as u64);
    let (x, y) = (offset % row, offset / row);
    let extent = if x + bytes <= row {
        [bytes, 1, 1]
    } else if x == 0 && bytes.is_multiple_of(row) {
        [row, bytes / row, 1]
    } else {
        return Err(CUresult::INVALID_VALUE);
    };
    let side = Side {
        place: Place::Array(array),
        pitch: 0,
        rows: 0,
        origin: [x, y, 0],
    };
    Ok((side, extent))
}

/// The other side of a copy of a part of an array.
const fn packed(place: Place, extent: [u64; 3]) -> Side {
    Side {
        place,
        pitch: extent[0],
        rows: extent[1],
        origin: [0; 3],
    }
}

fn to_array(array: Handle, offset: usize, from: Place, bytes: usize) -> Result<Work, CUresult> {
    usable()?;
    let (to, extent) = part_of_array(array, offset, bytes)?;
    let from = packed(from, extent);
    Ok(Work::Copy(Copy { to, from, extent }))
}

fn from_array(to: Place, array: Handle, offset: usize, bytes: usize) -> Result<Work, CUresult> {
    usable()?;
    let (from, extent) = part_of_array(array, offset, bytes)?;
    let to = packed(to, extent);
    Ok(Work::Copy(Copy { to, from, extent }))
}

fn host(pointer: *const c_void) -> Place {
    Place::Host(pointer as u64)
}

exports! {
    fn cuMemcpy | cuMemcpy_ptds(to: DevicePtr, from: DevicePtr, length: usize) {
        execute(linear(Place::Unified(to), Place::Unified(from), length))
    }

    fn cuMemcpyAsync | cuMemcpyAsync_ptsz(
        to: DevicePtr, from: DevicePtr, length: usize, stream: Handle,
    ) {
        submit(stream, linear(Place::Unified(to), Place::Unified(from), length))
    }

    fn cuMemcpyPeer | cuMemcpyPeer_ptds(
        to: DevicePtr, to_context: Handle, from: DevicePtr, from_context: Handle,
        length: usize,
    ) {
        usable()?;
        CONTEXTS.get(to_context)?;
        CONTEXTS.get(from_context)?;
        execute(linear(Place::Unified(to), Place::Unified(from), length))
    }

    fn cuMemcpyPeerAsync | cuMemcpyPeerAsync_ptsz(
        to: DevicePtr, to_context: Handle, from: DevicePtr, from_context: Handle,
        length: usize, stream: Handle,
    ) {
        usable()?;
        CONTEXTS.get(to_context)?;
        CONTEXTS.get(from_context)?;
        submit(stream, linear(Place::Unified(to), Place::Unified(from), length))
    }

    fn cuMemcpyHtoD_v2 | cuMemcpyHtoD_v2_ptds(
        to: DevicePtr, from: *const c_void, length: usize,
    ) {
        execute(linear(Place::Device(to), host(from), length))
    }

    fn cuMemcpyHtoDAsync_v2 | cuMemcpyHtoDAsync_v2_ptsz(
        to: DevicePtr, from: *const c_void, length: usize, stream: Handle,
    ) {
        submit(stream, linear(Place::Device(to), host(from), length))
    }

    fn cuMemcpyDtoH_v2 | cuMemcpyDtoH_v2_ptds(
        to: *mut c_void, from: DevicePtr, length: usize,
    ) {
        execute(linear(host(to), Place::Device(from), length))
    }

    fn cuMemcpyDtoHAsync_v2 | cuMemcpyDtoHAsync_v2_ptsz(
        to: *mut c_void, from: DevicePtr, length: usize, stream: Handle,
    ) {
        submit(stream, linear(host(to), Place::Device(from), length))
    }

    fn cuMemcpyDtoD_v2 | cuMemcpyDtoD_v2_ptds(
        to: DevicePtr, from: DevicePtr, length: usize,
    ) {
        execute(linear(Place::Device(to), Place::Device(from), length))
    }

    fn cuMemcpyDtoDAsync_v2 | cuMemcpyDtoDAsync_v2_ptsz(
        to: DevicePtr, from: DevicePtr, length: usize, stream: Handle,
    ) {
        submit(stream, linear(Place::Device(to), Place::Device(from), length))
    }

    fn cuMemcpyDtoA_v2 | cuMemcpyDtoA_v2_ptds(
        to: Handle, offset: usize, from: DevicePtr, length: usize,
    ) {
        execute(to_array(to, offset, Place::Device(from), length)?)
    }

    fn cuMemcpyAtoD_v2 | cuMemcpyAtoD_v2_ptds(
        to: DevicePtr, from: Handle, offset: usize, length: usize,
    ) {
        execute(from_array(Place::Device(to), from, offset, length)?)
    }

    fn cuMemcpyHtoA_v2 | cuMemcpyHtoA_v2_ptds(
        to: Handle, offset: usize, from: *const c_void, length: usize,
    ) {
        execute(to_array(to, offset, host(from), length)?)
    }

    fn cuMemcpyAtoH_v2 | cuMemcpyAtoH_v2_ptds(
        to: *mut c_void, from: Handle, offset: usize, length: usize,
    ) {
        execute(from_array(host(to), from, offset, length)?)
    }

    fn cuMemcpyAtoA_v2 | cuMemcpyAtoA_v2_ptds(
        to: Handle, to_offset: usize, from: Handle, from_offset: usize, length: usize,
    ) {
        usable()?;
        let (to, extent) = part_of_array(to, to_offset, length)?;
        let (from, other) = part_of_array(from, from_offset, length)?;
        if extent != other {
            return Err(CUresult::INVALID_VALUE);
        }
        execute(Work::Copy(Copy { to, from, extent }))
    }

    fn cuMemcpyHtoAAsync_v2 | cuMemcpyHtoAAsync_v2_ptsz(
        to: Handle, offset: usize, from: *const c_void, length: usize, stream: Handle,
    ) {
        submit(stream, to_array(to, offset, host(from), length)?)
    }

    fn cuMemcpyAtoHAsync_v2 | cuMemcpyAtoHAsync_v2_ptsz(
        to: *mut c_void, from: Handle, offset: usize, length: usize, stream: Handle,
    ) {
        submit(stream, from_array(host(to), from, offset, length)?)
    }

    fn cuMemcpy2D_v2 | cuMemcpy2D_v2_ptds(request: *const Memcpy2D) {
        execute(copy_2d(request)?)
    }

    fn cuMemcpy2DUnaligned_v2 | cuMemcpy2DUnaligned_v2_ptds(request: *const Memcpy2D) {
        execute(copy_2d(request)?)
    }

    fn cuMemcpy2DAsync_v2 | cuMemcpy2DAsync_v2_ptsz(request: *const Memcpy2D, stream: Handle) {
        submit(stream, copy_2d(request)?)
    }

    fn cuMemcpy3D_v2 | cuMemcpy3D_v2_ptds(request: *const Memcpy3D) {
        execute(copy_3d(request)?)
    }

    fn cuMemcpy3DAsync_v2 | cuMemcpy3DAsync_v2_ptsz(request: *const Memcpy3D, stream: Handle) {
        submit(stream, copy_3d(request)?)
    }

    fn cuMemcpy3DPeer | cuMemcpy3DPeer_ptds(request: *const Memcpy3DPeer) {
        execute(copy_3d_peer(request)?)
    }

    fn cuMemcpy3DPeerAsync | cuMemcpy3DPeerAsync_ptsz(
        request: *const Memcpy3DPeer, stream: Handle,
    ) {
        submit(stream, copy_3d_peer(request)?)
    }
}
