//! Texture and surface references: the older way to bind textures, by variables of a module.
//!
//! A reference keeps what is bound to it. If it is a variable of a module, a descriptor is written to
//! the variable whenever something changes, because kernels read the variable itself
//! (`weft_driver::texture_layout`). A reference that the program made itself is never read by a kernel.

use super::array::{format_number, texel_format};
use super::texture::{address_mode, descriptor_flags, texture_flag};
use crate::c::{ArrayDescriptor, DevicePtr, Handle, get, put, put_optional, text};
use crate::call::exports;
use crate::handle::Registry;
use crate::result::CUresult;
use crate::runtime::{ARRAYS, KERNELS, MIPMAPPED, MODULES, code, device, number, usable};
use std::ffi::{c_char, c_int, c_uint};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use weft_driver::texture_layout::Kind;
use weft_driver::{Context, Module, Resource, Sampler, TexelFormat, Texture, texture_layout};

/// A variable of a module that is a reference.
#[derive(Clone, Debug)]
struct Variable {
    module: Arc<Module>,
    address: u64,
}

/// A reference.
#[derive(Debug)]
struct Reference {
    variable: Option<Variable>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    resource: Option<Resource>,
    format: TexelFormat,
    address_modes: [c_uint; 3],
    filter: c_uint,
    level_filter: c_uint,
    flags: c_uint,
    sampler: Sampler,
}

static TEXTURES: Registry<Reference> = Registry::new(15, CUresult::INVALID_HANDLE);
static SURFACES: Registry<Reference> = Registry::new(16, CUresult::INVALID_HANDLE);

impl Reference {
    fn new(variable: Option<Variable>) -> Arc<Self> {
        let format = TexelFormat {
            channel: texture_layout::ChannelType::F32,
            channels: 1,
            normalized: false,
        };
        Arc::new(Self {
            variable,
            state: Mutex::new(State {
                resource: None,
                format,
                // Clamped, nearest.
                address_modes: [1; 3],
                filter: 0,
                level_filter: 0,
                flags: 0,
                sampler: Sampler::default(),
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No operation under the lock can panic halfway, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the descriptor, if kernels read the reference and something is bound.
    fn publish(&self, state: &State, kind: Kind) -> Result<(), CUresult> {
        let (Some(variable), Some(resource)) = (&self.variable, &state.resource) else {
            return Ok(());
        };
        let context: &Context = variable.module.context();
        Texture::write_to(context, variable.address, kind, resource, &state.sampler).map_err(code)
    }

    /// Changes the state and lets kernels see it.
    fn change(
        &self,
        kind: Kind,
        change: impl FnOnce(&mut State) -> Result<(), CUresult>,
    ) -> Result<(), CUresult> {
        let mut state = self.state();
        change(&mut state)?;
        state.sampler.flags = descriptor_flags(state.flags, state.filter, state.level_filter)?;
        for axis in 0..state.address_modes.len() {
            state.sampler.address_modes[axis] = address_mode(state.address_modes[axis])?;
        }
        self.publish(&state, kind)
    }
}

/// Changes a texture reference.
fn change(
    handle: Handle,
    change: impl FnOnce(&mut State) -> Result<(), CUresult>,
) -> Result<(), CUresult> {
    device()?;
    TEXTURES.get(handle)?.change(Kind::Texture, change)
}

/// Looks at a texture reference.
fn look<T>(handle: Handle, look: impl FnOnce(&State) -> T) -> Result<T, CUresult> {
    device()?;
    Ok(look(&TEXTURES.get(handle)?.state()))
}

/// The reference that is a variable of a module.
///
/// # Safety
/// `name` is null or a NUL-terminated string.
unsafe fn of_module(
    registry: &Registry<Reference>,
    out: *mut Handle,
    module: Handle,
    name: *const c_char,
) -> Result<(), CUresult> {
    usable()?;
    let module = MODULES.get(module)?;
    // SAFETY: the caller's string.
    let name = unsafe { text(name) }?;
    let (address, _) = module.reference(name).map_err(|error| number(&error))?;
    let known = registry.find(|known| {
        known
            .variable
            .as_ref()
            .is_some_and(|known| known.address == address && Arc::ptr_eq(&known.module, &module))
    });
    let handle = known
        .unwrap_or_else(|| registry.insert(Reference::new(Some(Variable { module, address }))));
    // SAFETY: the caller passes a valid out pointer.
    unsafe { put(out, handle) }
}

exports! {
    fn cuModuleGetTexRef(out: *mut Handle, module: Handle, name: *const c_char) {
        // SAFETY: the caller's string and pointer.
        unsafe { of_module(&TEXTURES, out, module, name) }
    }

    fn cuModuleGetSurfRef(out: *mut Handle, module: Handle, name: *const c_char) {
        // SAFETY: the caller's string and pointer.
        unsafe { of_module(&SURFACES, out, module, name) }
    }

    fn cuTexRefCreate(out: *mut Handle) {
        usable()?;
        if out.is_null() {
            return Err(CUresult::INVALID_VALUE);
        }
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, TEXTURES.insert(Reference::new(None))) }
    }

    fn cuTexRefDestroy(handle: Handle) {
        device()?;
        // A reference of a module ends with the module.
        if TEXTURES.get(handle)?.variable.is_some() {
            return Err(CUresult::INVALID_VALUE);
        }
        TEXTURES.remove(handle).map(|_| ())
    }

    fn cuTexRefSetArray(handle: Handle, array: Handle, flags: c_uint) {
        /// `CU_TRSA_OVERRIDE_FORMAT`, which has to be given.
        const OVERRIDE_FORMAT: c_uint = 1;
        let array = ARRAYS.get(array)?;
        if flags != OVERRIDE_FORMAT {
            return Err(CUresult::INVALID_VALUE);
        }
        change(handle, |state| {
            state.format = array.shape().format;
            state.resource = Some(Resource::Array(array));
            Ok(())
        })
    }

    fn cuTexRefGetArray(out: *mut Handle, handle: Handle) {
        let array = look(handle, |state| match &state.resource {
            Some(Resource::Array(array)) => Some(ARRAYS.handle_of(array.id())),
            _ => None,
        })?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, array.ok_or(CUresult::INVALID_VALUE)?) }
    }

    fn cuTexRefSetMipmappedArray(handle: Handle, array: Handle, flags: c_uint) {
        const OVERRIDE_FORMAT: c_uint = 1;
        let array = MIPMAPPED.get(array)?;
        if flags != OVERRIDE_FORMAT {
            return Err(CUresult::INVALID_VALUE);
        }
        change(handle, |state| {
            state.format = array.shape().format;
            state.resource = Some(Resource::Mipmapped(array));
            Ok(())
        })
    }

    fn cuTexRefGetMipmappedArray(out: *mut Handle, handle: Handle) {
        let array = look(handle, |state| match &state.resource {
            Some(Resource::Mipmapped(array)) => Some(MIPMAPPED.handle_of(array.id())),
            _ => None,
        })?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, array.ok_or(CUresult::INVALID_VALUE)?) }
    }

    /// The address is aligned down to what textures need, and the rest given as an offset.
    fn cuTexRefSetAddress_v2(
        offset: *mut usize, handle: Handle, address: DevicePtr, bytes: usize,
    ) {
        /// `CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT`.
        const TEXTURE_ALIGNMENT: i32 = 14;
        let device = device()?;
        let alignment = device
            .attribute(TEXTURE_ALIGNMENT)
            .and_then(|bytes| u64::try_from(bytes).ok())
            .unwrap_or(1);
        let rest = address % alignment;
        if device.allocation_of(address).is_none() || (rest != 0 && offset.is_null()) {
            return Err(CUresult::INVALID_VALUE);
        }
        change(handle, |state| {
            state.resource = Some(Resource::Linear {
                address: address - rest,
                format: state.format,
                bytes: (bytes as u64).saturating_add(rest),
            });
            Ok(())
        })?;
        // SAFETY: the caller passes null or a valid out pointer.
        unsafe { put_optional(offset, usize::try_from(rest).unwrap_or(0)) };
        Ok(())
    }

    fn cuTexRefSetAddress2D_v3 | cuTexRefSetAddress2D_v2(
        handle: Handle, descriptor: *const ArrayDescriptor, address: DevicePtr, pitch: usize,
    ) {
        // SAFETY: the caller's structure.
        let asked = unsafe { get(descriptor) }?;
        let format = texel_format(asked.format, asked.channels)?;
        if device()?.allocation_of(address).is_none() {
            return Err(CUresult::INVALID_VALUE);
        }
        change(handle, |state| {
            state.format = format;
            state.resource = Some(Resource::Pitched {
                address,
                format,
                width: asked.width as u64,
                height: asked.height as u64,
                pitch: pitch as u64,
            });
            Ok(())
        })
    }

    fn cuTexRefGetAddress_v2(out: *mut DevicePtr, handle: Handle) {
        let address = look(handle, |state| match state.resource {
            Some(Resource::Linear { address, .. } | Resource::Pitched { address, .. }) => {
                Some(address)
            }
            _ => None,
        })?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, address.ok_or(CUresult::INVALID_VALUE)?) }
    }

    fn cuTexRefSetFormat(handle: Handle, format: c_uint, channels: c_int) {
        let channels = c_uint::try_from(channels).map_err(|_| CUresult::INVALID_VALUE)?;
        let format = texel_format(format, channels)?;
        change(handle, |state| {
            state.format = format;
            if let Some(Resource::Linear { format: bound, .. }) = &mut state.resource {
                *bound = format;
            }
            Ok(())
        })
    }

    fn cuTexRefGetFormat(format: *mut c_uint, channels: *mut c_int, handle: Handle) {
        let (number, count) = look(handle, |state| format_number(state.format))?;
        // SAFETY: the caller passes null or valid out pointers.
        unsafe { put_optional(format, number) };
        // SAFETY: as above.
        unsafe { put_optional(channels, c_int::try_from(count).unwrap_or(0)) };
        Ok(())
    }

    fn cuTexRefSetAddressMode(handle: Handle, dimension: c_int, mode: c_uint) {
        address_mode(mode)?;
        change(handle, |state| {
            let axis = usize::try_from(dimension).ok();
            let place = axis.and_then(|axis| state.address_modes.get_mut(axis));
            *place.ok_or(CUresult::INVALID_VALUE)? = mode;
            Ok(())
        })
    }

    fn cuTexRefGetAddressMode(mode: *mut c_uint, handle: Handle, dimension: c_int) {
        let modes = look(handle, |state| state.address_modes)?;
        let axis = usize::try_from(dimension).map_err(|_| CUresult::INVALID_VALUE)?;
        let value = *modes.get(axis).ok_or(CUresult::INVALID_VALUE)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(mode, value) }
    }

    fn cuTexRefSetFilterMode(handle: Handle, mode: c_uint) {
        change(handle, |state| {
            state.filter = mode;
            descriptor_flags(state.flags, mode, 0).map(|_| ())
        })
    }

    fn cuTexRefGetFilterMode(mode: *mut c_uint, handle: Handle) {
        let value = look(handle, |state| state.filter)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(mode, value) }
    }

    fn cuTexRefSetMipmapFilterMode(handle: Handle, mode: c_uint) {
        change(handle, |state| {
            state.level_filter = mode;
            descriptor_flags(state.flags, 0, mode).map(|_| ())
        })
    }

    fn cuTexRefGetMipmapFilterMode(mode: *mut c_uint, handle: Handle) {
        let value = look(handle, |state| state.level_filter)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(mode, value) }
    }

    fn cuTexRefSetMipmapLevelBias(handle: Handle, bias: f32) {
        change(handle, |state| {
            state.sampler.level_bias = bias;
            Ok(())
        })
    }

    fn cuTexRefGetMipmapLevelBias(bias: *mut f32, handle: Handle) {
        let value = look(handle, |state| state.sampler.level_bias)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(bias, value) }
    }

    fn cuTexRefSetMipmapLevelClamp(handle: Handle, least: f32, greatest: f32) {
        change(handle, |state| {
            state.sampler.level_range = [least, greatest];
            Ok(())
        })
    }

    fn cuTexRefGetMipmapLevelClamp(least: *mut f32, greatest: *mut f32, handle: Handle) {
        let range = look(handle, |state| state.sampler.level_range)?;
        // SAFETY: the caller passes valid out pointers.
        unsafe { put(least, range[0]) }?;
        // SAFETY: as above.
        unsafe { put(greatest, range[1]) }
    }

    fn cuTexRefSetMaxAnisotropy(handle: Handle, most: c_uint) {
        change(handle, |state| {
            state.sampler.max_anisotropy = most;
            Ok(())
        })
    }

    fn cuTexRefGetMaxAnisotropy(most: *mut c_int, handle: Handle) {
        let value = look(handle, |state| state.sampler.max_anisotropy)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(most, c_int::try_from(value).unwrap_or(c_int::MAX)) }
    }

    fn cuTexRefSetBorderColor(handle: Handle, color: *const [f32; 4]) {
        // SAFETY: the caller passes four numbers.
        let color = unsafe { get(color) }?;
        change(handle, |state| {
            state.sampler.border = color;
            Ok(())
        })
    }

    fn cuTexRefGetBorderColor(color: *mut [f32; 4], handle: Handle) {
        let value = look(handle, |state| state.sampler.border)?;
        // SAFETY: the caller passes room for four numbers.
        unsafe { put(color, value) }
    }

    fn cuTexRefSetFlags(handle: Handle, flags: c_uint) {
        if flags & !texture_flag::ALL != 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        change(handle, |state| {
            state.flags = flags;
            Ok(())
        })
    }

    fn cuTexRefGetFlags(flags: *mut c_uint, handle: Handle) {
        let value = look(handle, |state| state.flags)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(flags, value) }
    }

    fn cuSurfRefSetArray(handle: Handle, array: Handle, flags: c_uint) {
        device()?;
        let (reference, array) = (SURFACES.get(handle)?, ARRAYS.get(array)?);
        let is_for_surfaces = array.shape().flags & weft_driver::array_flag::SURFACE != 0;
        if flags != 0 || !is_for_surfaces {
            return Err(CUresult::INVALID_VALUE);
        }
        reference.change(Kind::Surface, |state| {
            state.resource = Some(Resource::Array(array));
            Ok(())
        })
    }

    fn cuSurfRefGetArray(out: *mut Handle, handle: Handle) {
        device()?;
        let reference = SURFACES.get(handle)?;
        let array = match &reference.state().resource {
            Some(Resource::Array(array)) => ARRAYS.handle_of(array.id()),
            _ => return Err(CUresult::INVALID_VALUE),
        };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, array) }
    }

    /// Every texture of a module is visible to its kernels anyway.
    fn cuParamSetTexRef(function: Handle, _unit: c_int, texture: Handle) {
        KERNELS.get(function)?;
        TEXTURES.get(texture).map(|_| ())
    }
}
