//! Arrays and mipmapped arrays.

use crate::c::{
    Array3dDescriptor, ArrayDescriptor, ArrayMemoryRequirements, Device, Handle, get, put,
};
use crate::call::exports;
use crate::result::CUresult;
use crate::runtime::{ARRAYS, MIPMAPPED, check_unsafe_call, code, device, usable};
use std::ffi::{c_uint, c_void};
use std::sync::Arc;
use weft_driver::texture_layout::ChannelType;
use weft_driver::{Array, ArrayShape, MipmappedArray, TexelFormat};

/// Alignment of the memory of an array in bytes.
const ALIGNMENT: usize = 512;

/// Texels of a `CUarray_format` with so many channels.
pub(super) fn texel_format(format: c_uint, channels: c_uint) -> Result<TexelFormat, CUresult> {
    let plain = |channel| TexelFormat {
        channel,
        channels,
        normalized: false,
    };
    let normalized = |channel, channels| TexelFormat {
        channel,
        channels,
        normalized: true,
    };
    let found = match format {
        0x01 => plain(ChannelType::U8),
        0x02 => plain(ChannelType::U16),
        0x03 => plain(ChannelType::U32),
        0x08 => plain(ChannelType::S8),
        0x09 => plain(ChannelType::S16),
        0x0A => plain(ChannelType::S32),
        0x10 => plain(ChannelType::F16),
        0x20 => plain(ChannelType::F32),
        // CU_AD_FORMAT_UNORM_* and _SNORM_*: the number of channels is part of the name.
        0xC0..=0xC2 => normalized(ChannelType::U8, 1 << (format - 0xC0)),
        0xC3..=0xC5 => normalized(ChannelType::U16, 1 << (format - 0xC3)),
        0xC6..=0xC8 => normalized(ChannelType::S8, 1 << (format - 0xC6)),
        0xC9..=0xCB => normalized(ChannelType::S16, 1 << (format - 0xC9)),
        // Of several planes, compressed, or packed.
        0x50..=0x6F | 0x91..=0xB5 => return Err(CUresult::NOT_SUPPORTED),
        _ => return Err(CUresult::INVALID_VALUE),
    };
    if found.channels == channels && matches!(channels, 1 | 2 | 4) {
        Ok(found)
    } else {
        Err(CUresult::INVALID_VALUE)
    }
}

/// The `CUarray_format` and number of channels of texels.
pub(super) const fn format_number(format: TexelFormat) -> (c_uint, c_uint) {
    let plain = match format.channel {
        ChannelType::U8 => 0x01,
        ChannelType::U16 => 0x02,
        ChannelType::U32 => 0x03,
        ChannelType::S8 => 0x08,
        ChannelType::S16 => 0x09,
        ChannelType::S32 => 0x0A,
        ChannelType::F16 => 0x10,
        ChannelType::F32 => 0x20,
    };
    let first = match format.channel {
        ChannelType::U8 => 0xC0,
        ChannelType::U16 => 0xC3,
        ChannelType::S8 => 0xC6,
        ChannelType::S16 => 0xC9,
        ChannelType::U32 | ChannelType::S32 | ChannelType::F16 | ChannelType::F32 => {
            return (plain, format.channels);
        }
    };
    let number = if format.normalized {
        first + format.channels.ilog2()
    } else {
        plain
    };
    (number, format.channels)
}

fn shape_of(descriptor: &Array3dDescriptor) -> Result<ArrayShape, CUresult> {
    Ok(ArrayShape {
        width: descriptor.width as u64,
        height: descriptor.height as u64,
        depth: descriptor.depth as u64,
        format: texel_format(descriptor.format, descriptor.channels)?,
        flags: descriptor.flags,
    })
}

fn create(out: *mut Handle, descriptor: &Array3dDescriptor) -> Result<(), CUresult> {
    let context = usable()?;
    check_unsafe_call()?;
    if out.is_null() {
        return Err(CUresult::INVALID_VALUE);
    }
    let array = Array::new(&context, shape_of(descriptor)?).map_err(code)?;
    // SAFETY: the caller passes a valid out pointer.
    unsafe { put(out, array_handle(&array)) }
}

fn array_handle(array: &Arc<Array>) -> Handle {
    ARRAYS.insert_as(array.id(), || Arc::clone(array))
}

fn descriptor_of(shape: &ArrayShape) -> Array3dDescriptor {
    let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    let (format, channels) = format_number(shape.format);
    Array3dDescriptor {
        width: size(shape.width),
        height: size(shape.height),
        depth: size(shape.depth),
        format,
        channels,
        flags: shape.flags,
    }
}

fn requirements(bytes: u64) -> ArrayMemoryRequirements {
    ArrayMemoryRequirements {
        size: usize::try_from(bytes).unwrap_or(usize::MAX),
        alignment: ALIGNMENT,
        reserved: [0; 4],
    }
}

exports! {
    fn cuArrayCreate_v2(out: *mut Handle, descriptor: *const ArrayDescriptor) {
        device()?;
        // SAFETY: the caller's structure.
        let asked = unsafe { get(descriptor) }?;
        create(out, &Array3dDescriptor {
            width: asked.width,
            height: asked.height,
            depth: 0,
            format: asked.format,
            channels: asked.channels,
            flags: 0,
        })
    }

    fn cuArray3DCreate_v2(out: *mut Handle, descriptor: *const Array3dDescriptor) {
        device()?;
        // SAFETY: the caller's structure.
        create(out, &unsafe { get(descriptor) }?)
    }

    fn cuArrayGetDescriptor_v2(out: *mut ArrayDescriptor, array: Handle) {
        device()?;
        let found = descriptor_of(ARRAYS.get(array)?.shape());
        let value = ArrayDescriptor {
            width: found.width,
            height: found.height,
            format: found.format,
            channels: found.channels,
        };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, value) }
    }

    fn cuArray3DGetDescriptor_v2(out: *mut Array3dDescriptor, array: Handle) {
        device()?;
        let value = descriptor_of(ARRAYS.get(array)?.shape());
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, value) }
    }

    fn cuArrayDestroy(array: Handle) {
        usable()?;
        check_unsafe_call()?;
        ARRAYS.get(array)?.destroy().map_err(code)?;
        ARRAYS.remove(array).map(|_| ())
    }

    fn cuArrayGetMemoryRequirements(
        out: *mut ArrayMemoryRequirements, array: Handle, ordinal: Device,
    ) {
        super::device::known(ordinal)?;
        let value = requirements(ARRAYS.get(array)?.shape().bytes());
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, value) }
    }

    /// Formats of several planes do not exist here.
    fn cuArrayGetPlane(out: *mut Handle, array: Handle, _plane: c_uint) {
        device()?;
        ARRAYS.get(array)?;
        let _ = out;
        Err(CUresult::INVALID_VALUE)
    }

    /// The array is not sparse: none is.
    fn cuArrayGetSparseProperties(_out: *mut c_void, array: Handle) {
        device()?;
        ARRAYS.get(array)?;
        Err(CUresult::INVALID_VALUE)
    }

    fn cuMipmappedArrayCreate(
        out: *mut Handle, descriptor: *const Array3dDescriptor, levels: c_uint,
    ) {
        let context = usable()?;
        check_unsafe_call()?;
        // SAFETY: the caller's structure.
        let shape = shape_of(&unsafe { get(descriptor) }?)?;
        if out.is_null() {
            return Err(CUresult::INVALID_VALUE);
        }
        let array = MipmappedArray::new(&context, shape, levels).map_err(code)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, MIPMAPPED.insert_as(array.id(), || Arc::clone(&array))) }
    }

    fn cuMipmappedArrayGetLevel(out: *mut Handle, array: Handle, level: c_uint) {
        device()?;
        let array = MIPMAPPED.get(array)?;
        let level = array.levels().get(level as usize).ok_or(CUresult::INVALID_VALUE)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, array_handle(level)) }
    }

    fn cuMipmappedArrayDestroy(array: Handle) {
        usable()?;
        check_unsafe_call()?;
        let gone = MIPMAPPED.get(array)?;
        gone.destroy().map_err(code)?;
        for level in gone.levels() {
            // It may never have had a handle.
            let _ = ARRAYS.remove(ARRAYS.handle_of(level.id()));
        }
        MIPMAPPED.remove(array).map(|_| ())
    }

    fn cuMipmappedArrayGetMemoryRequirements(
        out: *mut ArrayMemoryRequirements, array: Handle, ordinal: Device,
    ) {
        super::device::known(ordinal)?;
        let value = requirements(MIPMAPPED.get(array)?.bytes());
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, value) }
    }

    /// The array is not sparse: none is.
    fn cuMipmappedArrayGetSparseProperties(_out: *mut c_void, array: Handle) {
        device()?;
        MIPMAPPED.get(array)?;
        Err(CUresult::INVALID_VALUE)
    }

    fn cuDeviceGetTexture1DLinearMaxWidth(
        width: *mut usize, format: c_uint, channels: c_uint, ordinal: Device,
    ) {
        let device = super::device::known(ordinal)?;
        texel_format(format, channels)?;
        /// `CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LINEAR_WIDTH`.
        const LINEAR_WIDTH: i32 = 69;
        let value = device.attribute(LINEAR_WIDTH).and_then(|texels| usize::try_from(texels).ok());
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(width, value.unwrap_or(0)) }
    }
}
