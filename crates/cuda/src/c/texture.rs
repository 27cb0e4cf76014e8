//! Structures of arrays, textures and surfaces.

use super::{DevicePtr, Handle};
use std::ffi::{c_int, c_uint};

/// `CUDA_ARRAY_DESCRIPTOR`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct ArrayDescriptor {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) format: c_uint,
    pub(crate) channels: c_uint,
}

/// `CUDA_ARRAY3D_DESCRIPTOR`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Array3dDescriptor {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) depth: usize,
    pub(crate) format: c_uint,
    pub(crate) channels: c_uint,
    pub(crate) flags: c_uint,
}

/// `CUDA_ARRAY_MEMORY_REQUIREMENTS`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct ArrayMemoryRequirements {
    pub(crate) size: usize,
    pub(crate) alignment: usize,
    pub(crate) reserved: [c_uint; 4],
}

/// `CUDA_RESOURCE_DESC`: what it describes is in the words of `resource`, by `kind`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct ResourceDesc {
    pub(crate) kind: c_uint,
    pub(crate) resource: ResourceWords,
    pub(crate) flags: c_uint,
}

/// The union in `CUDA_RESOURCE_DESC`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) union ResourceWords {
    /// An array or a mipmapped one.
    pub(crate) array: Handle,
    pub(crate) linear: LinearResource,
    pub(crate) pitched: PitchedResource,
    pub(crate) reserved: [c_int; 32],
}

impl std::fmt::Debug for ResourceWords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("..")
    }
}

/// A resource in linear memory.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct LinearResource {
    pub(crate) address: DevicePtr,
    pub(crate) format: c_uint,
    pub(crate) channels: c_uint,
    pub(crate) bytes: usize,
}

/// A resource in pitched memory.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct PitchedResource {
    pub(crate) address: DevicePtr,
    pub(crate) format: c_uint,
    pub(crate) channels: c_uint,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pitch: usize,
}

/// `CUDA_TEXTURE_DESC`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct TextureDesc {
    pub(crate) address_modes: [c_uint; 3],
    pub(crate) filter_mode: c_uint,
    pub(crate) flags: c_uint,
    pub(crate) max_anisotropy: c_uint,
    pub(crate) level_filter_mode: c_uint,
    pub(crate) level_bias: f32,
    pub(crate) level_min: f32,
    pub(crate) level_max: f32,
    pub(crate) border: [f32; 4],
    pub(crate) reserved: [c_int; 12],
}

/// `CUDA_RESOURCE_VIEW_DESC`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct ResourceViewDesc {
    pub(crate) format: c_uint,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) depth: usize,
    pub(crate) first_level: c_uint,
    pub(crate) last_level: c_uint,
    pub(crate) first_layer: c_uint,
    pub(crate) last_layer: c_uint,
    pub(crate) reserved: [c_uint; 16],
}
