//! Texture and surface objects.

use super::array::texel_format;
use crate::c::{ResourceDesc, ResourceViewDesc, TextureDesc, get, put};
use crate::call::exports;
use crate::result::CUresult;
use crate::runtime::{ARRAYS, MIPMAPPED, code, device, usable};
use crate::textures::{self, TextureEntry};
use std::ffi::c_uint;
use weft_driver::texture_layout::{AddressMode, ChannelType, flag};
use weft_driver::{Resource, Sampler, TexelFormat, Texture, View};

/// `CUresourcetype`.
mod resource_type {
    pub(super) const ARRAY: u32 = 0;
    pub(super) const MIPMAPPED: u32 = 1;
    pub(super) const LINEAR: u32 = 2;
    pub(super) const PITCHED: u32 = 3;
}

/// `CU_TRSF_*`.
pub(super) mod texture_flag {
    pub(in super::super) const READ_AS_INTEGER: u32 = 0x01;
    pub(in super::super) const NORMALIZED_COORDINATES: u32 = 0x02;
    pub(in super::super) const SRGB: u32 = 0x10;
    pub(in super::super) const SEAMLESS_CUBEMAP: u32 = 0x40;
    pub(in super::super) const ALL: u32 = 0x73;
}

/// What a structure describes.
#[expect(
    clippy::multiple_unsafe_ops_per_block,
    reason = "fields of a union that are all plain data"
)]
fn resource_of(description: &ResourceDesc) -> Result<Resource, CUresult> {
    if description.flags != 0 {
        return Err(CUresult::INVALID_VALUE);
    }
    // SAFETY: each field of the union is plain data, and the type says which one is meant.
    let words = unsafe {
        (
            description.resource.array,
            description.resource.linear,
            description.resource.pitched,
        )
    };
    let (array, linear, pitched) = words;
    let known = |address| {
        let known = device()?.allocation_of(address).is_some();
        if known {
            Ok(())
        } else {
            Err(CUresult::INVALID_VALUE)
        }
    };
    match description.kind {
        resource_type::ARRAY => ARRAYS.get(array).map(Resource::Array),
        resource_type::MIPMAPPED => MIPMAPPED.get(array).map(Resource::Mipmapped),
        resource_type::LINEAR => {
            known(linear.address)?;
            Ok(Resource::Linear {
                address: linear.address,
                format: texel_format(linear.format, linear.channels)?,
                bytes: linear.bytes as u64,
            })
        }
        resource_type::PITCHED => {
            known(pitched.address)?;
            Ok(Resource::Pitched {
                address: pitched.address,
                format: texel_format(pitched.format, pitched.channels)?,
                width: pitched.width as u64,
                height: pitched.height as u64,
                pitch: pitched.pitch as u64,
            })
        }
        _ => Err(CUresult::INVALID_VALUE),
    }
}

/// An address mode by its `CUaddress_mode`.
pub(super) const fn address_mode(mode: c_uint) -> Result<AddressMode, CUresult> {
    match mode {
        0 => Ok(AddressMode::Wrap),
        1 => Ok(AddressMode::Clamp),
        2 => Ok(AddressMode::Mirror),
        3 => Ok(AddressMode::Border),
        _ => Err(CUresult::INVALID_VALUE),
    }
}

/// Descriptor flags of `CU_TRSF_*` flags and filter modes.
pub(super) fn descriptor_flags(
    flags: c_uint,
    filter: c_uint,
    level_filter: c_uint,
) -> Result<u32, CUresult> {
    if flags & !texture_flag::ALL != 0 || filter > 1 || level_filter > 1 {
        return Err(CUresult::INVALID_VALUE);
    }
    let bit = |set, flag| if set { flag } else { 0 };
    Ok(bit(
        flags & texture_flag::READ_AS_INTEGER == 0,
        flag::READ_NORMALIZED,
    ) | bit(
        flags & texture_flag::NORMALIZED_COORDINATES != 0,
        flag::NORMALIZED_COORDINATES,
    ) | bit(flags & texture_flag::SRGB != 0, flag::SRGB)
        | bit(
            flags & texture_flag::SEAMLESS_CUBEMAP != 0,
            flag::SEAMLESS_CUBE,
        )
        | bit(filter == 1, flag::LINEAR_FILTER)
        | bit(level_filter == 1, flag::LINEAR_LEVEL_FILTER))
}

fn sampler_of(description: &TextureDesc) -> Result<Sampler, CUresult> {
    let [x, y, z] = description.address_modes;
    Ok(Sampler {
        address_modes: [address_mode(x)?, address_mode(y)?, address_mode(z)?],
        flags: descriptor_flags(
            description.flags,
            description.filter_mode,
            description.level_filter_mode,
        )?,
        max_anisotropy: description.max_anisotropy,
        level_bias: description.level_bias,
        level_range: [description.level_min, description.level_max],
        border: description.border,
    })
}

/// Texels of a `CUresourceViewFormat`; `None` for those of the array.
fn view_format(number: c_uint) -> Result<Option<TexelFormat>, CUresult> {
    const TYPES: [ChannelType; 8] = [
        ChannelType::U8,
        ChannelType::S8,
        ChannelType::U16,
        ChannelType::S16,
        ChannelType::U32,
        ChannelType::S32,
        ChannelType::F16,
        ChannelType::F32,
    ];
    match number {
        0 => Ok(None),
        1..=24 => {
            let index = (number - 1) as usize;
            Ok(Some(TexelFormat {
                channel: TYPES[index / 3],
                channels: 1 << (index % 3),
                normalized: false,
            }))
        }
        // Block compression.
        25..=38 => Err(CUresult::NOT_SUPPORTED),
        _ => Err(CUresult::INVALID_VALUE),
    }
}

exports! {
    fn cuTexObjectCreate(
        out: *mut u64, resource: *const ResourceDesc, texture: *const TextureDesc,
        view: *const ResourceViewDesc,
    ) {
        let context = usable()?;
        if out.is_null() {
            return Err(CUresult::INVALID_VALUE);
        }
        // SAFETY: the caller's structures, here and below.
        let resource = unsafe { get(resource) }?;
        // SAFETY: as above.
        let texture = unsafe { get(texture) }?;
        // SAFETY: as above.
        let view = if view.is_null() { None } else { Some(unsafe { get(view) }?) };
        let asked = resource_of(&resource)?;
        let part = match &view {
            None => None,
            // Memory has no levels and layers to choose from.
            Some(_) if matches!(asked, Resource::Linear { .. } | Resource::Pitched { .. }) => {
                return Err(CUresult::INVALID_VALUE);
            }
            Some(view) => Some(View {
                format: view_format(view.format)?,
                levels: [view.first_level, view.last_level],
                layers: [view.first_layer, view.last_layer],
            }),
        };
        let sampler = sampler_of(&texture)?;
        let object = Texture::new(&context, &asked, &sampler, part.as_ref()).map_err(code)?;
        let texture = Some(texture);
        // SAFETY: as above.
        unsafe { put(out, textures::insert(TextureEntry { object, resource, texture, view })) }
    }

    fn cuTexObjectDestroy(object: u64) {
        device()?;
        textures::remove(object, false)
    }

    fn cuTexObjectGetResourceDesc(out: *mut ResourceDesc, object: u64) {
        device()?;
        let value = textures::with(object, false, |entry| Ok(entry.resource))?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, value) }
    }

    fn cuTexObjectGetTextureDesc(out: *mut TextureDesc, object: u64) {
        device()?;
        let value = textures::with(object, false, |entry| {
            entry.texture.ok_or(CUresult::INVALID_VALUE)
        })?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, value) }
    }

    fn cuTexObjectGetResourceViewDesc(out: *mut ResourceViewDesc, object: u64) {
        device()?;
        let value = textures::with(object, false, |entry| {
            entry.view.ok_or(CUresult::INVALID_VALUE)
        })?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, value) }
    }

    fn cuSurfObjectCreate(out: *mut u64, resource: *const ResourceDesc) {
        let context = usable()?;
        if out.is_null() {
            return Err(CUresult::INVALID_VALUE);
        }
        // SAFETY: the caller's structure.
        let resource = unsafe { get(resource) }?;
        let Resource::Array(array) = resource_of(&resource)? else {
            return Err(CUresult::INVALID_VALUE);
        };
        let object = Texture::surface(&context, &array).map_err(code)?;
        let entry = TextureEntry { object, resource, texture: None, view: None };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, textures::insert(entry)) }
    }

    fn cuSurfObjectDestroy(object: u64) {
        device()?;
        textures::remove(object, true)
    }

    fn cuSurfObjectGetResourceDesc(out: *mut ResourceDesc, object: u64) {
        device()?;
        let value = textures::with(object, true, |entry| Ok(entry.resource))?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, value) }
    }
}
