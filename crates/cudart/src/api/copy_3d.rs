//! Copies of volumes and arrays, and fills of volumes.

use super::exports;
use crate::c::{
    DriverArrayDescriptor, DriverMemcpy3D, Extent, Handle, Memcpy3DParms, Memcpy3DPeerParms,
    PitchedPtr, Pos, get,
};
use crate::driver::call;
use crate::error::Error;
use std::ffi::{c_int, c_uint, c_void};

/// `CUmemorytype`.
const ARRAY: c_uint = 3;

/// Extents of an array and bytes of an element.
pub(super) fn array_of(array: Handle) -> Result<(DriverArrayDescriptor, usize), Error> {
    let mut found = DriverArrayDescriptor {
        width: 0,
        height: 0,
        depth: 0,
        format: 0,
        channels: 0,
        flags: 0,
    };
    call!(cuArray3DGetDescriptor_v2(*mut DriverArrayDescriptor: &raw mut found, Handle: array))?;
    let channel = match found.format {
        0x01 | 0x08 | 0xC0..=0xC2 | 0xC6..=0xC8 => 1,
        0x02 | 0x09 | 0x10 | 0xC3..=0xC5 | 0xC9..=0xCB => 2,
        _ => 4,
    };
    Ok((found, channel * found.channels as usize))
}

/// One side of a copy: an array or memory, with an offset.
struct Side {
    array: Handle,
    pos: Pos,
    memory: PitchedPtr,
}

impl Side {
    fn new(array: Handle, pos: Pos, memory: PitchedPtr) -> Result<Self, Error> {
        if array.is_null() == memory.pointer.is_null() {
            return Err(Error::INVALID_VALUE);
        }
        Ok(Self { array, pos, memory })
    }

    /// Bytes of an element, for an array.
    fn element(&self) -> Result<Option<usize>, Error> {
        if self.array.is_null() {
            return Ok(None);
        }
        array_of(self.array).map(|(_, element)| Some(element))
    }

    fn memory_type(&self, direction: c_int, is_source: bool) -> Result<c_uint, Error> {
        if self.array.is_null() {
            super::memory::side(direction, is_source)
        } else {
            Ok(ARRAY)
        }
    }
}

fn request(from: &Side, to: &Side, extent: Extent, kind: c_int) -> Result<DriverMemcpy3D, Error> {
    let (from_element, to_element) = (from.element()?, to.element()?);
    if let (Some(one), Some(other)) = (from_element, to_element)
        && one != other
    {
        return Err(Error::INVALID_VALUE);
    }
    // Extents are in elements where an array takes part, else in bytes; so is the offset in an array.
    let bytes = |elements: usize, element: Option<usize>| {
        elements
            .checked_mul(element.unwrap_or(1))
            .ok_or(Error::INVALID_VALUE)
    };
    let pointer = |side: &Side| side.memory.pointer;
    Ok(DriverMemcpy3D {
        src_x: bytes(from.pos.x, from_element)?,
        src_y: from.pos.y,
        src_z: from.pos.z,
        src_lod: 0,
        src_type: from.memory_type(kind, true)?,
        src_host: pointer(from),
        src_device: pointer(from) as u64,
        src_array: from.array,
        reserved0: std::ptr::null_mut(),
        src_pitch: from.memory.pitch,
        src_height: from.memory.y,
        dst_x: bytes(to.pos.x, to_element)?,
        dst_y: to.pos.y,
        dst_z: to.pos.z,
        dst_lod: 0,
        dst_type: to.memory_type(kind, false)?,
        dst_host: pointer(to),
        dst_device: pointer(to) as u64,
        dst_array: to.array,
        reserved1: std::ptr::null_mut(),
        dst_pitch: to.memory.pitch,
        dst_height: to.memory.y,
        width: bytes(extent.width, from_element.or(to_element))?,
        height: extent.height,
        depth: extent.depth,
    })
}

/// The driver's structure for one of the runtime's.
pub(super) fn request_of(parms: &Memcpy3DParms) -> Result<DriverMemcpy3D, Error> {
    let from = Side::new(parms.src_array, parms.src_pos, parms.src)?;
    let to = Side::new(parms.dst_array, parms.dst_pos, parms.dst)?;
    request(&from, &to, parms.extent, parms.kind)
}

/// The driver's structure for a copy of bytes from address to address.
pub(super) fn linear(
    to: *mut c_void,
    from: *const c_void,
    bytes: usize,
    kind: c_int,
) -> Result<DriverMemcpy3D, Error> {
    let memory = |pointer: *mut c_void| PitchedPtr {
        pointer,
        pitch: bytes,
        x_bytes: bytes,
        y: 1,
    };
    let origin = Pos { x: 0, y: 0, z: 0 };
    let null = std::ptr::null_mut();
    let from = Side::new(null, origin, memory(from.cast_mut()))?;
    let to = Side::new(null, origin, memory(to))?;
    request(
        &from,
        &to,
        Extent {
            width: bytes,
            height: 1,
            depth: 1,
        },
        kind,
    )
}

/// The runtime's structure for one of the driver's.
pub(super) fn parms_of(request: &DriverMemcpy3D) -> Result<Memcpy3DParms, Error> {
    const HOST: c_uint = 1;
    const UNIFIED: c_uint = 4;
    let side = |memory_type, host: *mut c_void, device: u64, array, pitch, height| {
        if memory_type == ARRAY {
            let none = PitchedPtr {
                pointer: std::ptr::null_mut(),
                pitch: 0,
                x_bytes: 0,
                y: 0,
            };
            return (array, none);
        }
        let pointer = if memory_type == HOST {
            host
        } else {
            crate::c::pointer(device)
        };
        (
            std::ptr::null_mut(),
            PitchedPtr {
                pointer,
                pitch,
                x_bytes: pitch,
                y: height,
            },
        )
    };
    let (src_array, src) = side(
        request.src_type,
        request.src_host.cast_mut(),
        request.src_device,
        request.src_array,
        request.src_pitch,
        request.src_height,
    );
    let (dst_array, dst) = side(
        request.dst_type,
        request.dst_host,
        request.dst_device,
        request.dst_array,
        request.dst_pitch,
        request.dst_height,
    );
    let element = |array: Handle| {
        if array.is_null() {
            Ok(1)
        } else {
            array_of(array).map(|(_, element)| element)
        }
    };
    let (src_element, dst_element) = (element(src_array)?, element(dst_array)?);
    let kind = match (request.src_type, request.dst_type) {
        (UNIFIED, _) | (_, UNIFIED) => 4,
        (HOST, HOST) => 0,
        (HOST, _) => 1,
        (_, HOST) => 2,
        _ => 3,
    };
    Ok(Memcpy3DParms {
        src_array,
        src_pos: Pos {
            x: request.src_x / src_element,
            y: request.src_y,
            z: request.src_z,
        },
        src,
        dst_array,
        dst_pos: Pos {
            x: request.dst_x / dst_element,
            y: request.dst_y,
            z: request.dst_z,
        },
        dst,
        extent: Extent {
            width: request.width / src_element.max(dst_element),
            height: request.height,
            depth: request.depth,
        },
        kind,
    })
}

fn copy(request: &DriverMemcpy3D, stream: Option<Handle>) -> Result<(), Error> {
    match stream {
        None => call!(cuMemcpy3D_v2(*const DriverMemcpy3D: request)),
        Some(stream) => {
            call!(cuMemcpy3DAsync_v2(*const DriverMemcpy3D: request, Handle: stream))
        }
    }
}

/// A copy between devices, of which there is one.
fn peer(parms: &Memcpy3DPeerParms) -> Result<DriverMemcpy3D, Error> {
    if parms.src_device != 0 || parms.dst_device != 0 {
        return Err(Error::INVALID_DEVICE);
    }
    const DEFAULT: c_int = 4;
    let from = Side::new(parms.src_array, parms.src_pos, parms.src)?;
    let to = Side::new(parms.dst_array, parms.dst_pos, parms.dst)?;
    request(&from, &to, parms.extent, DEFAULT)
}

/// A rectangle in an array: byte offset, row, and how many bytes of how many rows.
#[derive(Clone, Copy)]
struct Window {
    array: Handle,
    x: usize,
    y: usize,
}

impl Window {
    /// As a side of a copy; its offset is a whole number of elements.
    fn side(self) -> Result<Side, Error> {
        let (_, element) = array_of(self.array)?;
        if !self.x.is_multiple_of(element) {
            return Err(Error::INVALID_VALUE);
        }
        let none = PitchedPtr {
            pointer: std::ptr::null_mut(),
            pitch: 0,
            x_bytes: 0,
            y: 0,
        };
        Side::new(
            self.array,
            Pos {
                x: self.x / element,
                y: self.y,
                z: 0,
            },
            none,
        )
    }
}

/// Memory as a side of a copy.
fn memory(pointer: *const c_void, pitch: usize, height: usize) -> Result<Side, Error> {
    let memory = PitchedPtr {
        pointer: pointer.cast_mut(),
        pitch,
        x_bytes: pitch,
        y: height,
    };
    Side::new(std::ptr::null_mut(), Pos { x: 0, y: 0, z: 0 }, memory)
}

/// Copies a rectangle of `width` bytes by `height` rows.
fn rectangle(
    to: &Side,
    from: &Side,
    width: usize,
    height: usize,
    kind: c_int,
    stream: Option<Handle>,
) -> Result<(), Error> {
    let array = if to.array.is_null() { from } else { to };
    let element = array.element()?.unwrap_or(1);
    if !width.is_multiple_of(element) {
        return Err(Error::INVALID_VALUE);
    }
    let extent = Extent {
        width: width / element,
        height,
        depth: 1,
    };
    copy(&request(from, to, extent, kind)?, stream)
}

/// Bytes that an array holds from an offset on, in its rows.
fn rows(window: Window, bytes: usize) -> Result<Vec<(Window, usize, usize)>, Error> {
    let (shape, element) = array_of(window.array)?;
    let row = shape.width * element;
    let (mut window, mut left, mut done) = (window, bytes, 0);
    let mut parts = Vec::new();
    while left > 0 {
        if window.x >= row || window.y >= shape.height.max(1) {
            return Err(Error::INVALID_VALUE);
        }
        let part = left.min(row - window.x);
        parts.push((window, done, part));
        done += part;
        left -= part;
        window = Window {
            x: 0,
            y: window.y + 1,
            ..window
        };
    }
    Ok(parts)
}

fn to_array(
    window: Window,
    from: *const c_void,
    bytes: usize,
    kind: c_int,
    stream: Option<Handle>,
) -> Result<(), Error> {
    for (window, offset, part) in rows(window, bytes)? {
        let from = memory(from.wrapping_byte_add(offset), part, 1)?;
        rectangle(&window.side()?, &from, part, 1, kind, stream)?;
    }
    Ok(())
}

fn from_array(
    to: *mut c_void,
    window: Window,
    bytes: usize,
    kind: c_int,
    stream: Option<Handle>,
) -> Result<(), Error> {
    for (window, offset, part) in rows(window, bytes)? {
        let to = memory(to.wrapping_byte_add(offset), part, 1)?;
        rectangle(&to, &window.side()?, part, 1, kind, stream)?;
    }
    Ok(())
}

fn fill(
    memory: &PitchedPtr,
    value: c_int,
    extent: Extent,
    stream: Option<Handle>,
) -> Result<(), Error> {
    let [byte, ..] = value.to_le_bytes();
    for z in 0..extent.depth {
        let plane = memory
            .pitch
            .checked_mul(memory.y)
            .and_then(|plane| plane.checked_mul(z));
        let start = memory.pointer as u64 + plane.ok_or(Error::INVALID_VALUE)? as u64;
        match stream {
            None => call!(cuMemsetD2D8_v2(
                u64: start, usize: memory.pitch, u8: byte, usize: extent.width,
                usize: extent.height
            )),
            Some(stream) => call!(cuMemsetD2D8Async(
                u64: start, usize: memory.pitch, u8: byte, usize: extent.width,
                usize: extent.height, Handle: stream
            )),
        }?;
    }
    Ok(())
}

exports! {
    fn cudaMemcpy3D | cudaMemcpy3D_ptds(parms: *const Memcpy3DParms) {
        // SAFETY: the caller passes a valid structure.
        copy(&request_of(&unsafe { get(parms) }?)?, None)
    }

    fn cudaMemcpy3DAsync | cudaMemcpy3DAsync_ptsz(parms: *const Memcpy3DParms, stream: Handle) {
        // SAFETY: the caller passes a valid structure.
        copy(&request_of(&unsafe { get(parms) }?)?, Some(stream))
    }

    fn cudaMemcpy3DPeer | cudaMemcpy3DPeer_ptds(parms: *const Memcpy3DPeerParms) {
        // SAFETY: the caller passes a valid structure.
        copy(&peer(&unsafe { get(parms) }?)?, None)
    }

    fn cudaMemcpy3DPeerAsync | cudaMemcpy3DPeerAsync_ptsz(
        parms: *const Memcpy3DPeerParms, stream: Handle,
    ) {
        // SAFETY: the caller passes a valid structure.
        copy(&peer(&unsafe { get(parms) }?)?, Some(stream))
    }

    fn cudaMemcpyPeerAsync(
        to: *mut c_void, to_device: c_int, from: *const c_void, from_device: c_int,
        bytes: usize, stream: Handle,
    ) {
        if to_device != 0 || from_device != 0 {
            return Err(Error::INVALID_DEVICE);
        }
        call!(cuMemcpyAsync(u64: to as u64, u64: from as u64, usize: bytes, Handle: stream))
    }

    fn cudaMemcpy2DToArray | cudaMemcpy2DToArray_ptds(
        array: Handle, x: usize, y: usize, from: *const c_void, pitch: usize, width: usize,
        height: usize, kind: c_int,
    ) {
        let to = Window { array, x, y }.side()?;
        rectangle(&to, &memory(from, pitch, height)?, width, height, kind, None)
    }

    fn cudaMemcpy2DToArrayAsync | cudaMemcpy2DToArrayAsync_ptsz(
        array: Handle, x: usize, y: usize, from: *const c_void, pitch: usize, width: usize,
        height: usize, kind: c_int, stream: Handle,
    ) {
        let to = Window { array, x, y }.side()?;
        rectangle(&to, &memory(from, pitch, height)?, width, height, kind, Some(stream))
    }

    fn cudaMemcpy2DFromArray | cudaMemcpy2DFromArray_ptds(
        to: *mut c_void, pitch: usize, array: Handle, x: usize, y: usize, width: usize,
        height: usize, kind: c_int,
    ) {
        let from = Window { array, x, y }.side()?;
        rectangle(&memory(to, pitch, height)?, &from, width, height, kind, None)
    }

    fn cudaMemcpy2DFromArrayAsync | cudaMemcpy2DFromArrayAsync_ptsz(
        to: *mut c_void, pitch: usize, array: Handle, x: usize, y: usize, width: usize,
        height: usize, kind: c_int, stream: Handle,
    ) {
        let from = Window { array, x, y }.side()?;
        rectangle(&memory(to, pitch, height)?, &from, width, height, kind, Some(stream))
    }

    fn cudaMemcpy2DArrayToArray | cudaMemcpy2DArrayToArray_ptds(
        to: Handle, to_x: usize, to_y: usize, from: Handle, from_x: usize, from_y: usize,
        width: usize, height: usize, kind: c_int,
    ) {
        let to = Window { array: to, x: to_x, y: to_y }.side()?;
        let from = Window { array: from, x: from_x, y: from_y }.side()?;
        rectangle(&to, &from, width, height, kind, None)
    }

    fn cudaMemcpyToArray | cudaMemcpyToArray_ptds(
        array: Handle, x: usize, y: usize, from: *const c_void, bytes: usize, kind: c_int,
    ) {
        to_array(Window { array, x, y }, from, bytes, kind, None)
    }

    fn cudaMemcpyToArrayAsync | cudaMemcpyToArrayAsync_ptsz(
        array: Handle, x: usize, y: usize, from: *const c_void, bytes: usize, kind: c_int,
        stream: Handle,
    ) {
        to_array(Window { array, x, y }, from, bytes, kind, Some(stream))
    }

    fn cudaMemcpyFromArray | cudaMemcpyFromArray_ptds(
        to: *mut c_void, array: Handle, x: usize, y: usize, bytes: usize, kind: c_int,
    ) {
        from_array(to, Window { array, x, y }, bytes, kind, None)
    }

    fn cudaMemcpyFromArrayAsync | cudaMemcpyFromArrayAsync_ptsz(
        to: *mut c_void, array: Handle, x: usize, y: usize, bytes: usize, kind: c_int,
        stream: Handle,
    ) {
        from_array(to, Window { array, x, y }, bytes, kind, Some(stream))
    }

    fn cudaMemset3D | cudaMemset3D_ptds(memory: PitchedPtr, value: c_int, extent: Extent) {
        fill(&memory, value, extent, None)
    }

    fn cudaMemset3DAsync | cudaMemset3DAsync_ptsz(
        memory: PitchedPtr, value: c_int, extent: Extent, stream: Handle,
    ) {
        fill(&memory, value, extent, Some(stream))
    }
}
