//! Texture and surface objects.

use super::array::format_of;
use super::exports;
use crate::c::{ChannelFormat, Handle, get, put};
use crate::driver::call;
use crate::error::Error;
use std::ffi::{c_int, c_uint, c_void};

/// `cudaResourceDesc`.
#[derive(Clone, Copy)]
#[repr(C)]
struct ResourceDesc {
    kind: c_uint,
    resource: Resource,
    flags: c_uint,
}

/// The union in it, by `kind`: an array or a mipmapped one, linear or pitched memory.
#[derive(Clone, Copy)]
#[repr(C)]
union Resource {
    array: Handle,
    linear: Linear,
    pitched: Pitched,
    reserved: [c_int; 32],
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Linear {
    pointer: *mut c_void,
    description: ChannelFormat,
    bytes: usize,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Pitched {
    pointer: *mut c_void,
    description: ChannelFormat,
    width: usize,
    height: usize,
    pitch: usize,
}

/// `CUDA_RESOURCE_DESC` of the driver API.
#[derive(Clone, Copy)]
#[repr(C)]
struct DriverResourceDesc {
    kind: c_uint,
    resource: DriverResource,
    flags: c_uint,
}

#[derive(Clone, Copy)]
#[repr(C)]
union DriverResource {
    array: Handle,
    /// Address, format and channels, bytes; or width, height, pitch.
    memory: DriverMemory,
    reserved: [c_int; 32],
}

#[derive(Clone, Copy)]
#[repr(C)]
struct DriverMemory {
    address: u64,
    format: c_uint,
    channels: c_uint,
    sizes: [usize; 3],
}

/// `cudaTextureDesc`.
#[derive(Clone, Copy)]
#[repr(C)]
struct TextureDesc {
    address_modes: [c_uint; 3],
    filter_mode: c_uint,
    read_mode: c_uint,
    srgb: c_int,
    border: [f32; 4],
    normalized_coordinates: c_int,
    max_anisotropy: c_uint,
    level_filter_mode: c_uint,
    level_bias: f32,
    level_min: f32,
    level_max: f32,
    disable_trilinear_optimization: c_int,
    seamless_cubemap: c_int,
}

/// `CUDA_TEXTURE_DESC` of the driver API.
#[derive(Clone, Copy)]
#[repr(C)]
struct DriverTextureDesc {
    address_modes: [c_uint; 3],
    filter_mode: c_uint,
    flags: c_uint,
    max_anisotropy: c_uint,
    level_filter_mode: c_uint,
    level_bias: f32,
    level_min: f32,
    level_max: f32,
    border: [f32; 4],
    reserved: [c_int; 12],
}

/// `cudaResourceType`.
const ARRAY: c_uint = 0;
const MIPMAPPED: c_uint = 1;
const LINEAR: c_uint = 2;
const PITCHED: c_uint = 3;

/// `CU_TRSF_*` flags of the driver API, in the order of the fields that they stand for.
const READ_AS_INTEGER: c_uint = 0x01;
const NORMALIZED_COORDINATES: c_uint = 0x02;
const SRGB: c_uint = 0x10;
const DISABLE_TRILINEAR_OPTIMIZATION: c_uint = 0x20;
const SEAMLESS_CUBEMAP: c_uint = 0x40;

fn resource_of(asked: &ResourceDesc) -> Result<DriverResourceDesc, Error> {
    let mut made = DriverResourceDesc {
        kind: asked.kind,
        resource: DriverResource { reserved: [0; 32] },
        flags: asked.flags,
    };
    match asked.kind {
        // SAFETY: the type says which field of the union is meant, here and below.
        ARRAY | MIPMAPPED => made.resource.array = unsafe { asked.resource.array },
        LINEAR => {
            // SAFETY: as above.
            let linear = unsafe { asked.resource.linear };
            let (format, channels) = format_of(&linear.description)?;
            let address = linear.pointer as u64;
            let sizes = [linear.bytes, 0, 0];
            made.resource.memory = DriverMemory {
                address,
                format,
                channels,
                sizes,
            };
        }
        PITCHED => {
            // SAFETY: as above.
            let pitched = unsafe { asked.resource.pitched };
            let (format, channels) = format_of(&pitched.description)?;
            let address = pitched.pointer as u64;
            let sizes = [pitched.width, pitched.height, pitched.pitch];
            made.resource.memory = DriverMemory {
                address,
                format,
                channels,
                sizes,
            };
        }
        _ => return Err(Error::INVALID_VALUE),
    }
    Ok(made)
}

const fn texture_of(asked: &TextureDesc) -> DriverTextureDesc {
    const fn flag(set: bool, flag: c_uint) -> c_uint {
        if set { flag } else { 0 }
    }
    DriverTextureDesc {
        address_modes: asked.address_modes,
        filter_mode: asked.filter_mode,
        // `cudaReadModeElementType` is 0.
        flags: flag(asked.read_mode == 0, READ_AS_INTEGER)
            | flag(asked.normalized_coordinates != 0, NORMALIZED_COORDINATES)
            | flag(asked.srgb != 0, SRGB)
            | flag(
                asked.disable_trilinear_optimization != 0,
                DISABLE_TRILINEAR_OPTIMIZATION,
            )
            | flag(asked.seamless_cubemap != 0, SEAMLESS_CUBEMAP),
        max_anisotropy: asked.max_anisotropy,
        level_filter_mode: asked.level_filter_mode,
        level_bias: asked.level_bias,
        level_min: asked.level_min,
        level_max: asked.level_max,
        border: asked.border,
        reserved: [0; 12],
    }
}

/// The runtime's structure for one of the driver's.
#[expect(
    clippy::multiple_unsafe_ops_per_block,
    reason = "fields of a union that are all plain data"
)]
fn resource_from(found: &DriverResourceDesc) -> Result<ResourceDesc, Error> {
    let mut made = ResourceDesc {
        kind: found.kind,
        resource: Resource { reserved: [0; 32] },
        flags: found.flags,
    };
    // SAFETY: both fields of the union are plain data.
    let (array, memory) = unsafe { (found.resource.array, found.resource.memory) };
    let description = || super::array::description_of(memory.format, memory.channels);
    let pointer = || crate::c::pointer(memory.address);
    let [first, second, third] = memory.sizes;
    match found.kind {
        ARRAY | MIPMAPPED => made.resource.array = array,
        LINEAR => {
            made.resource.linear = Linear {
                pointer: pointer(),
                description: description(),
                bytes: first,
            };
        }
        PITCHED => {
            made.resource.pitched = Pitched {
                pointer: pointer(),
                description: description(),
                width: first,
                height: second,
                pitch: third,
            };
        }
        _ => return Err(Error::UNKNOWN),
    }
    Ok(made)
}

const fn empty_resource() -> DriverResourceDesc {
    DriverResourceDesc {
        kind: 0,
        resource: DriverResource { reserved: [0; 32] },
        flags: 0,
    }
}

exports! {
    fn cudaCreateTextureObject(
        object: *mut u64, resource: *const c_void, texture: *const c_void, view: *const c_void,
    ) {
        // SAFETY: the caller passes valid structures, here and below.
        let resource = resource_of(&unsafe { get(resource.cast()) }?)?;
        // SAFETY: as above.
        let texture = texture_of(&unsafe { get(texture.cast()) }?);
        call!(cuTexObjectCreate(
            *mut u64: object, *const DriverResourceDesc: &raw const resource,
            *const DriverTextureDesc: &raw const texture, *const c_void: view
        ))
    }

    fn cudaDestroyTextureObject(object: u64) {
        call!(cuTexObjectDestroy(u64: object))
    }

    fn cudaGetTextureObjectResourceDesc(out: *mut c_void, object: u64) {
        let mut found = empty_resource();
        call!(cuTexObjectGetResourceDesc(
            *mut DriverResourceDesc: &raw mut found, u64: object
        ))?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out.cast(), resource_from(&found)?) }
    }

    fn cudaGetTextureObjectTextureDesc(out: *mut c_void, object: u64) {
        let mut found = DriverTextureDesc {
            address_modes: [0; 3],
            filter_mode: 0,
            flags: 0,
            max_anisotropy: 0,
            level_filter_mode: 0,
            level_bias: 0.0,
            level_min: 0.0,
            level_max: 0.0,
            border: [0.0; 4],
            reserved: [0; 12],
        };
        call!(cuTexObjectGetTextureDesc(*mut DriverTextureDesc: &raw mut found, u64: object))?;
        let flag = |flag| c_int::from(found.flags & flag != 0);
        let value = TextureDesc {
            address_modes: found.address_modes,
            filter_mode: found.filter_mode,
            read_mode: c_uint::from(found.flags & READ_AS_INTEGER == 0),
            srgb: flag(SRGB),
            border: found.border,
            normalized_coordinates: flag(NORMALIZED_COORDINATES),
            max_anisotropy: found.max_anisotropy,
            level_filter_mode: found.level_filter_mode,
            level_bias: found.level_bias,
            level_min: found.level_min,
            level_max: found.level_max,
            disable_trilinear_optimization: flag(DISABLE_TRILINEAR_OPTIMIZATION),
            seamless_cubemap: flag(SEAMLESS_CUBEMAP),
        };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out.cast(), value) }
    }

    /// The structure is the driver's.
    fn cudaGetTextureObjectResourceViewDesc(out: *mut c_void, object: u64) {
        call!(cuTexObjectGetResourceViewDesc(*mut c_void: out, u64: object))
    }

    fn cudaCreateSurfaceObject(object: *mut u64, resource: *const c_void) {
        // SAFETY: the caller passes a valid structure.
        let resource = resource_of(&unsafe { get(resource.cast()) }?)?;
        call!(cuSurfObjectCreate(
            *mut u64: object, *const DriverResourceDesc: &raw const resource
        ))
    }

    fn cudaDestroySurfaceObject(object: u64) {
        call!(cuSurfObjectDestroy(u64: object))
    }

    fn cudaGetSurfaceObjectResourceDesc(out: *mut c_void, object: u64) {
        let mut found = empty_resource();
        call!(cuSurfObjectGetResourceDesc(
            *mut DriverResourceDesc: &raw mut found, u64: object
        ))?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out.cast(), resource_from(&found)?) }
    }
}
