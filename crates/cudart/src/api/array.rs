//! Arrays and mipmapped arrays.

use super::copy_3d::array_of;
use super::exports;
use crate::c::{ChannelFormat, DriverArrayDescriptor, Extent, Handle, get, put};
use crate::driver::call;
use crate::error::Error;
use std::ffi::{c_int, c_uint, c_void};

/// `CUarray_format` and number of channels of a channel description.
pub(super) fn format_of(description: &ChannelFormat) -> Result<(c_uint, c_uint), Error> {
    let [x, y, z, w] = description.bits;
    let channels = match [y, z, w].map(|bits| bits == x) {
        [false, false, false] if [y, z, w] == [0; 3] => 1,
        [true, false, false] if [z, w] == [0; 2] => 2,
        [true, true, true] => 4,
        _ => return Err(Error::INVALID_CHANNEL_DESCRIPTOR),
    };
    // Signed, unsigned and floating-point; then formats with names, which fix the rest.
    let format = match (description.kind, x) {
        (0, 8) => 0x08,
        (0, 16) => 0x09,
        (0, 32) => 0x0A,
        (1, 8) => 0x01,
        (1, 16) => 0x02,
        (1, 32) => 0x03,
        (2, 16) => 0x10,
        (2, 32) => 0x20,
        // cudaChannelFormatKindUnsignedNormalized8X1 to SignedNormalized16X4.
        (kind @ 5..=16, 8 | 16) => 0xC0 + (kind - 5).cast_unsigned(),
        (3 | 4 | 17.., _) => return Err(Error::NOT_SUPPORTED),
        _ => return Err(Error::INVALID_CHANNEL_DESCRIPTOR),
    };
    Ok((format, channels))
}

/// The channel description of an array's texels.
pub(super) fn description_of(format: c_uint, channels: c_uint) -> ChannelFormat {
    let (kind, bits) = match format {
        0x08 => (0, 8),
        0x09 => (0, 16),
        0x0A => (0, 32),
        0x01 => (1, 8),
        0x02 => (1, 16),
        0x03 => (1, 32),
        0x10 => (2, 16),
        0x20 => (2, 32),
        0xC0..=0xC2 | 0xC6..=0xC8 => (5 + (format - 0xC0).cast_signed(), 8),
        _ => (5 + format.saturating_sub(0xC0).cast_signed(), 16),
    };
    let mut description = ChannelFormat { bits: [0; 4], kind };
    for channel in description.bits.iter_mut().take(channels as usize) {
        *channel = bits;
    }
    description
}

fn descriptor(
    description: *const ChannelFormat,
    extent: Extent,
    flags: c_uint,
) -> Result<DriverArrayDescriptor, Error> {
    // SAFETY: the caller passes a valid structure.
    let (format, channels) = format_of(&unsafe { get(description) }?)?;
    Ok(DriverArrayDescriptor {
        width: extent.width,
        height: extent.height,
        depth: extent.depth,
        format,
        channels,
        flags,
    })
}

fn create(array: *mut Handle, descriptor: &DriverArrayDescriptor) -> Result<(), Error> {
    call!(cuArray3DCreate_v2(*mut Handle: array, *const DriverArrayDescriptor: descriptor))
}

exports! {
    fn cudaMallocArray(
        array: *mut Handle, description: *const ChannelFormat, width: usize, height: usize,
        flags: c_uint,
    ) {
        let extent = Extent { width, height, depth: 0 };
        create(array, &descriptor(description, extent, flags)?)
    }

    fn cudaMalloc3DArray(
        array: *mut Handle, description: *const ChannelFormat, extent: Extent, flags: c_uint,
    ) {
        create(array, &descriptor(description, extent, flags)?)
    }

    fn cudaMallocMipmappedArray(
        array: *mut Handle, description: *const ChannelFormat, extent: Extent, levels: c_uint,
        flags: c_uint,
    ) {
        let descriptor = descriptor(description, extent, flags)?;
        call!(cuMipmappedArrayCreate(
            *mut Handle: array, *const DriverArrayDescriptor: &raw const descriptor,
            c_uint: levels
        ))
    }

    fn cudaGetMipmappedArrayLevel(level_array: *mut Handle, array: Handle, level: c_uint) {
        call!(cuMipmappedArrayGetLevel(
            *mut Handle: level_array, Handle: array, c_uint: level
        ))
    }

    fn cudaFreeArray(array: Handle) {
        if array.is_null() {
            return Ok(());
        }
        call!(cuArrayDestroy(Handle: array))
    }

    fn cudaFreeMipmappedArray(array: Handle) {
        if array.is_null() {
            return Ok(());
        }
        call!(cuMipmappedArrayDestroy(Handle: array))
    }

    fn cudaGetChannelDesc(description: *mut ChannelFormat, array: Handle) {
        let (found, _) = array_of(array)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(description, description_of(found.format, found.channels)) }
    }

    fn cudaArrayGetInfo(
        description: *mut ChannelFormat, extent: *mut Extent, flags: *mut c_uint, array: Handle,
    ) {
        let (found, _) = array_of(array)?;
        if !description.is_null() {
            // SAFETY: the caller passes valid out pointers, here and below.
            unsafe { put(description, description_of(found.format, found.channels)) }?;
        }
        if !extent.is_null() {
            let value =
                Extent { width: found.width, height: found.height, depth: found.depth };
            // SAFETY: as above.
            unsafe { put(extent, value) }?;
        }
        if !flags.is_null() {
            // SAFETY: as above.
            unsafe { put(flags, found.flags) }?;
        }
        Ok(())
    }

    fn cudaArrayGetMemoryRequirements(out: *mut c_void, array: Handle, device: c_int) {
        call!(cuArrayGetMemoryRequirements(*mut c_void: out, Handle: array, c_int: device))
    }

    fn cudaMipmappedArrayGetMemoryRequirements(
        out: *mut c_void, array: Handle, device: c_int,
    ) {
        call!(cuMipmappedArrayGetMemoryRequirements(
            *mut c_void: out, Handle: array, c_int: device
        ))
    }

    fn cudaArrayGetPlane(plane: *mut Handle, array: Handle, index: c_uint) {
        call!(cuArrayGetPlane(*mut Handle: plane, Handle: array, c_uint: index))
    }

    fn cudaArrayGetSparseProperties(out: *mut c_void, array: Handle) {
        call!(cuArrayGetSparseProperties(*mut c_void: out, Handle: array))
    }

    fn cudaMipmappedArrayGetSparseProperties(out: *mut c_void, array: Handle) {
        call!(cuMipmappedArrayGetSparseProperties(*mut c_void: out, Handle: array))
    }

    fn cudaDeviceGetTexture1DLinearMaxWidth(
        width: *mut usize, description: *const ChannelFormat, device: c_int,
    ) {
        // SAFETY: the caller passes a valid structure.
        let (format, channels) = format_of(&unsafe { get(description) }?)?;
        call!(cuDeviceGetTexture1DLinearMaxWidth(
            *mut usize: width, c_uint: format, c_uint: channels, c_int: device
        ))
    }
}

/// A channel description of its parts; it cannot fail, and what the parts mean is checked where it is used.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn cudaCreateChannelDesc(
    x: c_int,
    y: c_int,
    z: c_int,
    w: c_int,
    kind: c_int,
) -> ChannelFormat {
    ChannelFormat {
        bits: [x, y, z, w],
        kind,
    }
}

/// Names of the functions that give a description instead of a status.
#[cfg(test)]
pub(crate) const DESCRIPTION_NAMES: &[&str] = &["cudaCreateChannelDesc"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_and_descriptions_are_inverse() {
        let formats = [0x01, 0x02, 0x03, 0x08, 0x09, 0x0A, 0x10, 0x20];
        let plain = formats
            .iter()
            .flat_map(|&format| [1, 2, 4].map(|channels| (format, channels)));
        let named = (0..12).map(|index| (0xC0 + index, 1 << (index % 3)));
        for (format, channels) in plain.chain(named) {
            let description = description_of(format, channels);
            assert_eq!(
                format_of(&description),
                Ok((format, channels)),
                "{description:?}"
            );
        }
        for bits in [[8, 8, 8, 0], [0; 4], [8, 16, 0, 0], [12, 0, 0, 0]] {
            assert!(
                format_of(&ChannelFormat { bits, kind: 1 }).is_err(),
                "{bits:?}"
            );
        }
    }
}
