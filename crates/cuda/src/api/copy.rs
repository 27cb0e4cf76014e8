//! Copies, linear and pitched.

use crate::c::{DevicePtr, Handle, Memcpy2D, Memcpy3D, bytes, bytes_mut, get};
use crate::call::exports;
use crate::result::CUresult;
use crate::runtime::{code, usable};
use std::ffi::{c_uint, c_void};
use weft_driver::Context;

/// `CUmemorytype`.
mod memory_type {
    pub(super) const HOST: u32 = 1;
    pub(super) const DEVICE: u32 = 2;
    pub(super) const ARRAY: u32 = 3;
    pub(super) const UNIFIED: u32 = 4;
}

/// Where one side of a copy lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The program's memory, unknown to the device.
    Host(u64),
    /// Memory the device knows, checked.
    Device(u64),
}

impl Place {
    /// A host pointer; it may lie in memory that the device knows, such as pinned memory.
    fn host(context: &Context, address: u64) -> Self {
        Self::unified(context, address)
    }

    /// An address of either kind: the device knows its own.
    fn unified(context: &Context, address: u64) -> Self {
        if context.device().allocation_of(address).is_some() {
            Self::Device(address)
        } else {
            Self::Host(address)
        }
    }

    fn offset(self, bytes: u64) -> Result<Self, CUresult> {
        let add = |address: u64| address.checked_add(bytes).ok_or(CUresult::INVALID_VALUE);
        Ok(match self {
            Self::Host(address) => Self::Host(add(address)?),
            Self::Device(address) => Self::Device(add(address)?),
        })
    }
}

fn pointer(address: u64) -> *mut c_void {
    usize::try_from(address).expect("a 64-bit address space, as CUDA has") as *mut c_void
}

/// Copies bytes between any two places.
///
/// # Safety
/// Host places are valid for `length` bytes, and a host destination is apart from the source
/// or the same bytes.
unsafe fn copy(context: &Context, to: Place, from: Place, length: u64) -> Result<(), CUresult> {
    let device = context.device();
    let size = usize::try_from(length).map_err(|_| CUresult::INVALID_VALUE)?;
    match (to, from) {
        (Place::Device(to), Place::Device(from)) => device.copy(to, from, length).map_err(code),
        (Place::Device(to), Place::Host(from)) => {
            // SAFETY: the caller's range.
            let source = unsafe { bytes(pointer(from), size) }?;
            device.write(to, source).map_err(code)
        }
        (Place::Host(to), Place::Device(from)) => {
            // SAFETY: the caller's range.
            let destination = unsafe { bytes_mut(pointer(to), size) }?;
            device.read(from, destination).map_err(code)
        }
        (Place::Host(to), Place::Host(from)) => {
            if size != 0 && (to == 0 || from == 0) {
                return Err(CUresult::INVALID_VALUE);
            }
            // SAFETY: both are the caller's ranges, not null; `copy` allows overlap.
            unsafe { std::ptr::copy(pointer(from).cast::<u8>(), pointer(to).cast(), size) };
            Ok(())
        }
    }
}

/// One side of a pitched copy.
struct Side {
    place: Place,
    pitch: u64,
    /// Bytes from one plane to the next.
    plane: u64,
}

impl Side {
    /// `offset` is (x in bytes, y, z); `height` the rows of a plane.
    fn new(
        context: &Context,
        memory_type: c_uint,
        (host, device): (u64, DevicePtr),
        pitch: usize,
        height: usize,
        offset: [usize; 3],
    ) -> Result<Self, CUresult> {
        let place = match memory_type {
            memory_type::HOST => Place::host(context, host),
            memory_type::DEVICE => Place::Device(device),
            memory_type::UNIFIED => Place::unified(context, device),
            memory_type::ARRAY => return Err(CUresult::NOT_SUPPORTED),
            _ => return Err(CUresult::INVALID_VALUE),
        };
        let pitch = pitch as u64;
        let plane = pitch
            .checked_mul(height as u64)
            .ok_or(CUresult::INVALID_VALUE)?;
        let [x, y, z] = offset.map(|extent| extent as u64);
        let start = plane
            .checked_mul(z)
            .and_then(|planes| pitch.checked_mul(y)?.checked_add(planes)?.checked_add(x))
            .ok_or(CUresult::INVALID_VALUE)?;
        Ok(Self {
            place: place.offset(start)?,
            pitch,
            plane,
        })
    }

    fn row(&self, y: u64, z: u64) -> Result<Place, CUresult> {
        let offset = self
            .plane
            .checked_mul(z)
            .and_then(|planes| self.pitch.checked_mul(y)?.checked_add(planes))
            .ok_or(CUresult::INVALID_VALUE)?;
        self.place.offset(offset)
    }
}

/// Copies `depth` planes of `height` rows of `width` bytes.
///
/// # Safety
/// Host sides are valid for the rows.
unsafe fn copy_rows(
    context: &Context,
    to: &Side,
    from: &Side,
    [width, height, depth]: [usize; 3],
) -> Result<(), CUresult> {
    let width = width as u64;
    let rows = height as u64;
    let is_tall = rows > 1 || depth > 1;
    if is_tall && (to.pitch < width || from.pitch < width) {
        return Err(CUresult::INVALID_VALUE);
    }
    for z in 0..depth as u64 {
        for y in 0..rows {
            // SAFETY: the caller's rows.
            unsafe { copy(context, to.row(y, z)?, from.row(y, z)?, width) }?;
        }
    }
    Ok(())
}

fn copy_2d(request: *const Memcpy2D) -> Result<(), CUresult> {
    let context = usable()?;
    // SAFETY: the caller passes a valid request.
    let request = unsafe { get(request) }?;
    let from = Side::new(
        &context,
        request.src_type,
        (request.src_host as u64, request.src_device),
        request.src_pitch,
        request.height,
        [request.src_x, request.src_y, 0],
    )?;
    let to = Side::new(
        &context,
        request.dst_type,
        (request.dst_host as u64, request.dst_device),
        request.dst_pitch,
        request.height,
        [request.dst_x, request.dst_y, 0],
    )?;
    // SAFETY: the caller's rows.
    unsafe { copy_rows(&context, &to, &from, [request.width, request.height, 1]) }
}

fn copy_3d(request: *const Memcpy3D) -> Result<(), CUresult> {
    let context = usable()?;
    // SAFETY: the caller passes a valid request.
    let request = unsafe { get(request) }?;
    let from = Side::new(
        &context,
        request.src_type,
        (request.src_host as u64, request.src_device),
        request.src_pitch,
        request.src_height,
        [request.src_x, request.src_y, request.src_z],
    )?;
    let to = Side::new(
        &context,
        request.dst_type,
        (request.dst_host as u64, request.dst_device),
        request.dst_pitch,
        request.dst_height,
        [request.dst_x, request.dst_y, request.dst_z],
    )?;
    let extent = [request.width, request.height, request.depth];
    // SAFETY: the caller's rows.
    unsafe { copy_rows(&context, &to, &from, extent) }
}

fn unified(to: DevicePtr, from: DevicePtr, length: usize) -> Result<(), CUresult> {
    let context = usable()?;
    let (to, from) = (Place::unified(&context, to), Place::unified(&context, from));
    // SAFETY: the caller's ranges.
    unsafe { copy(&context, to, from, length as u64) }
}

fn host_to_device(to: DevicePtr, from: *const c_void, length: usize) -> Result<(), CUresult> {
    let context = usable()?;
    let from = Place::host(&context, from as u64);
    // SAFETY: the caller's ranges.
    unsafe { copy(&context, Place::Device(to), from, length as u64) }
}

fn device_to_host(to: *mut c_void, from: DevicePtr, length: usize) -> Result<(), CUresult> {
    let context = usable()?;
    let to = Place::host(&context, to as u64);
    // SAFETY: the caller's ranges.
    unsafe { copy(&context, to, Place::Device(from), length as u64) }
}

fn device_to_device(to: DevicePtr, from: DevicePtr, length: usize) -> Result<(), CUresult> {
    let context = usable()?;
    context.device().copy(to, from, length as u64).map_err(code)
}

exports! {
    fn cuMemcpy | cuMemcpy_ptds(to: DevicePtr, from: DevicePtr, length: usize) {
        unified(to, from, length)
    }

    fn cuMemcpyAsync | cuMemcpyAsync_ptsz(
        to: DevicePtr, from: DevicePtr, length: usize, stream: Handle,
    ) {
        super::stream::check(stream)?;
        unified(to, from, length)
    }

    fn cuMemcpyPeer | cuMemcpyPeer_ptds(
        to: DevicePtr, _to_context: Handle, from: DevicePtr, _from_context: Handle,
        length: usize,
    ) {
        device_to_device(to, from, length)
    }

    fn cuMemcpyPeerAsync | cuMemcpyPeerAsync_ptsz(
        to: DevicePtr, _to_context: Handle, from: DevicePtr, _from_context: Handle,
        length: usize, stream: Handle,
    ) {
        super::stream::check(stream)?;
        device_to_device(to, from, length)
    }

    fn cuMemcpyHtoD_v2 | cuMemcpyHtoD_v2_ptds(
        to: DevicePtr, from: *const c_void, length: usize,
    ) {
        host_to_device(to, from, length)
    }

    fn cuMemcpyHtoDAsync_v2 | cuMemcpyHtoDAsync_v2_ptsz(
        to: DevicePtr, from: *const c_void, length: usize, stream: Handle,
    ) {
        super::stream::check(stream)?;
        host_to_device(to, from, length)
    }

    fn cuMemcpyDtoH_v2 | cuMemcpyDtoH_v2_ptds(
        to: *mut c_void, from: DevicePtr, length: usize,
    ) {
        device_to_host(to, from, length)
    }

    fn cuMemcpyDtoHAsync_v2 | cuMemcpyDtoHAsync_v2_ptsz(
        to: *mut c_void, from: DevicePtr, length: usize, stream: Handle,
    ) {
        super::stream::check(stream)?;
        device_to_host(to, from, length)
    }

    fn cuMemcpyDtoD_v2 | cuMemcpyDtoD_v2_ptds(
        to: DevicePtr, from: DevicePtr, length: usize,
    ) {
        device_to_device(to, from, length)
    }

    fn cuMemcpyDtoDAsync_v2 | cuMemcpyDtoDAsync_v2_ptsz(
        to: DevicePtr, from: DevicePtr, length: usize, stream: Handle,
    ) {
        super::stream::check(stream)?;
        device_to_device(to, from, length)
    }

    fn cuMemcpy2D_v2 | cuMemcpy2D_v2_ptds(request: *const Memcpy2D) {
        copy_2d(request)
    }

    fn cuMemcpy2DUnaligned_v2 | cuMemcpy2DUnaligned_v2_ptds(request: *const Memcpy2D) {
        copy_2d(request)
    }

    fn cuMemcpy2DAsync_v2 | cuMemcpy2DAsync_v2_ptsz(request: *const Memcpy2D, stream: Handle) {
        super::stream::check(stream)?;
        copy_2d(request)
    }

    fn cuMemcpy3D_v2 | cuMemcpy3D_v2_ptds(request: *const Memcpy3D) {
        copy_3d(request)
    }

    fn cuMemcpy3DAsync_v2 | cuMemcpy3DAsync_v2_ptsz(request: *const Memcpy3D, stream: Handle) {
        super::stream::check(stream)?;
        copy_3d(request)
    }
}
