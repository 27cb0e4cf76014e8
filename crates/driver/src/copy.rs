//! Copies and fills of any shape between any two places: what the copy functions of the API, and the
//! nodes of graphs, come down to.

use crate::array::Array;
use crate::context::Context;
use crate::device::Device;
use crate::error::{Error, invalid};
use crate::timeline::OperationKind;
use std::sync::Arc;

/// Where one side of a copy lies.
#[derive(Clone, Debug)]
pub enum Place {
    /// A host address. It may lie in memory that the device knows too, such as pinned memory.
    Host(u64),
    /// A device address.
    Device(u64),
    /// An address of either kind.
    Unified(u64),
    /// An array.
    Array(Arc<Array>),
}

/// One side of a copy: a place, and where in it the first row begins.
#[derive(Clone, Debug)]
pub struct Side {
    /// The place.
    pub place: Place,
    /// Bytes from row to row; an array has its own.
    pub pitch: u64,
    /// Rows from plane to plane; an array has its own.
    pub rows: u64,
    /// First byte of a row, first row, first plane.
    pub origin: [u64; 3],
}

impl Side {
    /// All of what begins at a place, in one row.
    #[must_use]
    pub const fn flat(place: Place) -> Self {
        Self {
            place,
            pitch: 0,
            rows: 0,
            origin: [0; 3],
        }
    }
}

/// A copy of `extent` (bytes of a row, rows, planes).
#[derive(Clone, Debug)]
pub struct Copy {
    /// What is written.
    pub to: Side,
    /// What is read.
    pub from: Side,
    /// Bytes of a row, rows, planes.
    pub extent: [u64; 3],
}

/// Rows whose addresses are known.
#[derive(Clone, Copy, Debug)]
struct Rows {
    start: u64,
    /// Whether the device knows the memory, and so checks it.
    is_device: bool,
    pitch: u64,
    plane: u64,
}

impl Rows {
    fn of(side: &Side, device: &Device, extent: [u64; 3]) -> Result<Self, Error> {
        let (start, is_device, pitch, plane) = match &side.place {
            Place::Host(address) | Place::Unified(address) => (
                *address,
                device.allocation_of(*address).is_some(),
                side.pitch,
                side.pitch.checked_mul(side.rows),
            ),
            Place::Device(address) => (
                *address,
                true,
                side.pitch,
                side.pitch.checked_mul(side.rows),
            ),
            Place::Array(array) => {
                array.usable()?;
                let shape = array.shape();
                let row = shape.width * u64::from(shape.format.bytes());
                let limits = [row, shape.height.max(1), shape.depth.max(1)];
                let inside = (0..3).all(|axis| {
                    let end = side.origin[axis].checked_add(extent[axis]);
                    end.is_some_and(|end| end <= limits[axis])
                });
                if !inside {
                    return Err(invalid(format!(
                        "a copy of {extent:?} from {:?} of an array of {limits:?}",
                        side.origin
                    )));
                }
                let (pitch, plane) = array.pitches();
                (array.address(), true, pitch, Some(plane))
            }
        };
        let too_large = || invalid("a copy beyond the address space");
        let is_volume = extent[2] > 1 || side.origin[2] > 0;
        let plane = if is_volume {
            plane.ok_or_else(too_large)?
        } else {
            0
        };
        let [x, y, z] = side.origin;
        let start = plane
            .checked_mul(z)
            .and_then(|planes| pitch.checked_mul(y)?.checked_add(planes)?.checked_add(x))
            .and_then(|offset| start.checked_add(offset))
            .ok_or_else(too_large)?;
        if (extent[1] > 1 || extent[2] > 1) && pitch < extent[0] {
            return Err(invalid(format!(
                "rows of {} bytes {pitch} bytes apart",
                extent[0]
            )));
        }
        // The end must be an address too, so that no row's address overflows.
        plane
            .checked_mul(extent[2].saturating_sub(1))
            .and_then(|planes| {
                pitch
                    .checked_mul(extent[1].saturating_sub(1))?
                    .checked_add(planes)
            })
            .and_then(|offset| start.checked_add(offset)?.checked_add(extent[0]))
            .ok_or_else(too_large)?;
        Ok(Self {
            start,
            is_device,
            pitch,
            plane,
        })
    }

    const fn row(&self, y: u64, z: u64) -> u64 {
        self.start + self.plane * z + self.pitch * y
    }
}

fn host_bytes(address: u64, bytes: u64) -> Result<(*mut u8, usize), Error> {
    match (usize::try_from(address), usize::try_from(bytes)) {
        (Ok(address), Ok(bytes)) if address != 0 => Ok((address as *mut u8, bytes)),
        _ => Err(invalid("a host pointer that is null")),
    }
}

/// Copies one row.
///
/// # Safety
///
/// Host places are valid for `bytes`, and a host destination is apart from a device source.
unsafe fn copy_row(
    device: &Device,
    (to, to_device): (u64, bool),
    (from, from_device): (u64, bool),
    bytes: u64,
) -> Result<(), Error> {
    match (to_device, from_device) {
        (true, true) => device.move_bytes(to, from, bytes),
        (true, false) => {
            let (pointer, length) = host_bytes(from, bytes)?;
            // SAFETY: the caller's bytes.
            device.put(to, unsafe { std::slice::from_raw_parts(pointer, length) })
        }
        (false, true) => {
            let (pointer, length) = host_bytes(to, bytes)?;
            // SAFETY: the caller's bytes.
            device.take(from, unsafe {
                std::slice::from_raw_parts_mut(pointer, length)
            })
        }
        (false, false) => {
            let (target, length) = host_bytes(to, bytes)?;
            let (source, _) = host_bytes(from, bytes)?;
            // SAFETY: the caller's bytes; `copy` allows overlap.
            unsafe { std::ptr::copy(source, target, length) };
            Ok(())
        }
    }
}

impl Copy {
    /// A copy of bytes from address to address.
    #[must_use]
    pub const fn linear(to: Place, from: Place, bytes: u64) -> Self {
        Self {
            to: Side::flat(to),
            from: Side::flat(from),
            extent: [bytes, 1, 1],
        }
    }

    /// Copies. An extent of 0 copies nothing.
    ///
    /// # Errors
    ///
    /// If a side is not inside one allocation or array, rows overlap, or a host pointer is null.
    ///
    /// # Safety
    ///
    /// Host memory that the device does not know is valid for the bytes of the rows, and nothing
    /// else uses what is written.
    pub unsafe fn run(&self, context: &Context) -> Result<(), Error> {
        context.usable()?;
        let device = context.device();
        let from = Rows::of(&self.from, device, self.extent)?;
        let to = Rows::of(&self.to, device, self.extent)?;
        let [mut width, mut height, mut depth] = self.extent;
        let total = width.saturating_mul(height).saturating_mul(depth);
        if total == 0 {
            return Ok(());
        }
        // Rows that follow each other on both sides are one row.
        if height > 1 && to.pitch == width && from.pitch == width {
            (width, height) = (width * height, 1);
        }
        if height == 1 && depth > 1 && to.plane == width && from.plane == width {
            (width, depth) = (width * depth, 1);
        }
        for z in 0..depth {
            for y in 0..height {
                let target = (to.row(y, z), to.is_device);
                let source = (from.row(y, z), from.is_device);
                // SAFETY: the caller's rows.
                unsafe { copy_row(device, target, source, width) }?;
            }
        }
        match (to.is_device, from.is_device) {
            (true, true) => device.note_copy(OperationKind::CopyOnDevice, total),
            (true, false) => device.note_copy(OperationKind::CopyToDevice, total),
            (false, true) => device.note_copy(OperationKind::CopyToHost, total),
            (false, false) => {}
        }
        Ok(())
    }
}

/// A fill of `height` rows of `width` elements with one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// First element.
    pub address: u64,
    /// Bytes from row to row.
    pub pitch: u64,
    /// The value; of its bytes the lowest [`Fill::element_bytes`] count.
    pub value: u32,
    /// 1, 2 or 4.
    pub element_bytes: u32,
    /// Elements of a row.
    pub width: u64,
    /// Rows.
    pub height: u64,
}

impl Fill {
    /// Whether the device can do it at all, wherever it is.
    ///
    /// # Errors
    ///
    /// If elements have another size, are not aligned, or rows overlap.
    pub fn check(&self) -> Result<u64, Error> {
        let element = u64::from(self.element_bytes);
        let row = self.width.checked_mul(element);
        let (Some(row), true) = (row, matches!(element, 1 | 2 | 4)) else {
            return Err(invalid(format!(
                "{} elements of {element} bytes",
                self.width
            )));
        };
        let aligned = self.address.is_multiple_of(element)
            && (self.height <= 1 || (self.pitch.is_multiple_of(element) && self.pitch >= row));
        if !aligned {
            return Err(invalid(format!(
                "elements of {element} bytes at {:#x}, rows {} bytes apart",
                self.address, self.pitch
            )));
        }
        Ok(row)
    }

    /// Fills.
    ///
    /// # Errors
    ///
    /// Those of [`Self::check`], or if a row is not inside one allocation.
    pub fn run(&self, context: &Context) -> Result<(), Error> {
        context.usable()?;
        let row = self.check()?;
        let pattern = &self.value.to_le_bytes()[..self.element_bytes as usize];
        for index in 0..self.height {
            let start = index
                .checked_mul(self.pitch)
                .and_then(|offset| self.address.checked_add(offset))
                .ok_or_else(|| invalid("a fill beyond the address space"))?;
            context.device().fill_bytes(start, row, pattern)?;
        }
        let total = row.saturating_mul(self.height);
        context
            .device()
            .note_copy(OperationKind::CopyOnDevice, total);
        Ok(())
    }
}
