//! Modules, libraries and what is looked up in them.
//!
//! A library is a module of the current context: with one device there is no difference that a
//! program can see, except that `cuLibraryLoadData` works before any context exists, in which
//! case the primary one is used.

use crate::c::{DevicePtr, Handle, get, put, put_optional, text};
use crate::call::exports;
use crate::result::CUresult;
use crate::runtime::{KERNELS, MODULES, code, current_handle, device, number, usable};
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::Arc;
use weft_driver::{Context, Error, Kernel, Linker, Module, ModuleImage};

/// `__fatBinC_Wrapper_t`: magic, version, data, file name or prelinked list.
const WRAPPER_MAGIC: u32 = 0x4662_43B1;
/// First word of a fatbin; its header has 16 bytes, the last 8 the size of what follows.
const FATBIN_MAGIC: u32 = 0xBA55_ED50;
const FATBIN_HEADER: usize = 16;
/// First word of an ELF file.
const ELF_MAGIC: u32 = 0x464C_457F;
const ELF_HEADER: usize = 64;

/// What a pointer to a module points at.
///
/// # Safety
/// `pointer` is what the driver API allows: NUL-terminated PTX, an ELF file, a fatbin, or a
/// wrapper that points to one.
unsafe fn image_at<'a>(pointer: *const c_void) -> Result<ModuleImage<'a>, CUresult> {
    // SAFETY: every kind of module has at least four bytes.
    let first = unsafe { get(pointer.cast::<u32>()) }?;
    match first {
        WRAPPER_MAGIC => {
            // SAFETY: the wrapper's third field, after two words, is a pointer.
            let data = unsafe { get(pointer.cast::<*const c_void>().wrapping_add(1)) }?;
            // SAFETY: it points to a fatbin.
            let magic = unsafe { get(data.cast::<u32>()) }?;
            if magic != FATBIN_MAGIC {
                return Err(CUresult::INVALID_IMAGE);
            }
            // SAFETY: as above.
            unsafe { fatbin_at(data) }
        }
        // SAFETY: the caller's pointer is to a fatbin.
        FATBIN_MAGIC => unsafe { fatbin_at(pointer) },
        ELF_MAGIC => {
            // SAFETY: an ELF file begins with a header of 64 bytes.
            let header = unsafe { crate::c::bytes(pointer, ELF_HEADER) }?;
            match ModuleImage::linked_size(header) {
                Some(size) => {
                    // SAFETY: the header is of an image that our linker made, of this size.
                    Ok(ModuleImage::Linked(unsafe {
                        crate::c::bytes(pointer, size)
                    }?))
                }
                None => ModuleImage::of_bytes(header).map_err(code),
            }
        }
        _ => {
            // SAFETY: everything else is NUL-terminated text.
            let text = unsafe { CStr::from_ptr(pointer.cast()) };
            Ok(ModuleImage::Ptx(text.to_bytes()))
        }
    }
}

/// The list of fatbins that a program compiled in parts (`nvcc -rdc=true`) leaves to be linked,
/// if `pointer` is to its wrapper.
///
/// # Safety
/// As [`image_at`].
unsafe fn prelinked(pointer: *const c_void) -> Result<Option<*const *const c_void>, CUresult> {
    const WRAPPER_OF_PARTS: u32 = 2;
    // SAFETY: every kind of module has at least four bytes.
    if unsafe { get(pointer.cast::<u32>()) }? != WRAPPER_MAGIC {
        return Ok(None);
    }
    // SAFETY: the version follows the magic.
    if unsafe { get(pointer.cast::<u32>().wrapping_add(1)) }? != WRAPPER_OF_PARTS {
        return Ok(None);
    }
    // SAFETY: the fourth field, after two words and a pointer, is a pointer.
    let parts = unsafe { get(pointer.cast::<*const *const c_void>().wrapping_add(2)) }?;
    Ok((!parts.is_null()).then_some(parts))
}

/// Links the parts of a program. Nvidia's device runtime is among them, as machine code: parts
/// without PTX are left out, and what needs something of them does not find it.
///
/// # Safety
/// `parts` is a list of pointers to fatbins that ends in a null pointer.
unsafe fn link(context: &Context, parts: *const *const c_void) -> Result<Vec<u8>, CUresult> {
    let mut linker = Linker::new(context.device());
    let mut left_out = None;
    for number in 0.. {
        // SAFETY: the null pointer that ends the list has not been reached.
        let part = unsafe { get(parts.wrapping_add(number)) }?;
        if part.is_null() {
            break;
        }
        // SAFETY: the list holds fatbins.
        let ModuleImage::Fatbin(bytes) = (unsafe { fatbin_at(part) })? else {
            return Err(CUresult::INVALID_IMAGE);
        };
        match linker.add(&format!("part {number}"), bytes) {
            Err(error @ Error::NoBinaryForGpu(_)) => left_out = Some(error),
            added => added.map_err(code)?,
        }
    }
    match left_out {
        Some(error) if linker.is_empty() => Err(code(error)),
        _ => linker.complete().map_err(code),
    }
}

/// # Safety
/// `pointer` is to a fatbin.
unsafe fn fatbin_at<'a>(pointer: *const c_void) -> Result<ModuleImage<'a>, CUresult> {
    // SAFETY: the size of the entries is in the last 8 of the 16 header bytes.
    let entries = unsafe { get(pointer.cast::<u64>().wrapping_add(1)) }?;
    let size = usize::try_from(entries)
        .ok()
        .and_then(|entries| entries.checked_add(FATBIN_HEADER))
        .ok_or(CUresult::INVALID_IMAGE)?;
    // SAFETY: the header says so.
    Ok(ModuleImage::Fatbin(unsafe {
        crate::c::bytes(pointer, size)
    }?))
}

/// JIT options that a call came with.
#[derive(Clone, Copy)]
pub(super) struct JitOptions {
    pub(super) count: c_uint,
    pub(super) names: *const c_int,
    pub(super) values: *const *mut c_void,
}

impl JitOptions {
    const ERROR_LOG: c_int = 5;
    const ERROR_LOG_BYTES: c_int = 6;

    fn find(self, wanted: c_int) -> Option<*mut c_void> {
        if self.names.is_null() || self.values.is_null() {
            return None;
        }
        (0..self.count as usize).find_map(|index| {
            // SAFETY: the caller passes `count` names and values.
            let name = unsafe { self.names.wrapping_add(index).read() };
            if name != wanted {
                return None;
            }
            // SAFETY: as above.
            Some(unsafe { self.values.wrapping_add(index).read() })
        })
    }

    /// Reports an error on stderr and in the caller's error log, if it passed one.
    pub(super) fn report(self, error: Error) -> CUresult {
        if let (Some(buffer), Some(size)) =
            (self.find(Self::ERROR_LOG), self.find(Self::ERROR_LOG_BYTES))
        {
            // The size is passed as a number in place of a pointer; the option's type is
            // `unsigned int`, so the rest of the pointer is unspecified.
            let room = size as usize & 0xFFFF_FFFF;
            let text = error.to_string();
            let length = text.len().min(room.saturating_sub(1));
            if room != 0
                // SAFETY: the caller passes a buffer of that size.
                && let Ok(target) = unsafe { crate::c::bytes_mut(buffer, length + 1) }
            {
                target[..length].copy_from_slice(&text.as_bytes()[..length]);
                target[length] = 0;
            }
        }
        code(error)
    }
}

/// The context for a library: the current one, or the primary one.
fn library_context() -> Result<Arc<Context>, CUresult> {
    if current_handle().is_null() {
        // Kept for the life of the process, as the library's owner.
        Ok(device()?.retain_primary())
    } else {
        usable()
    }
}

/// # Safety
/// As [`image_at`].
unsafe fn load(
    out: *mut Handle,
    context: &Arc<Context>,
    pointer: *const c_void,
    options: JitOptions,
) -> Result<(), CUresult> {
    if out.is_null() {
        return Err(CUresult::INVALID_VALUE);
    }
    // SAFETY: the caller's pointer.
    let module = match unsafe { prelinked(pointer) }? {
        Some(parts) => {
            // SAFETY: a list of fatbins that ends in a null pointer.
            let image = unsafe { link(context, parts) }?;
            Module::load(context, ModuleImage::Linked(&image))
        }
        // SAFETY: the caller's pointer.
        None => Module::load(context, unsafe { image_at(pointer) }?),
    };
    let module = module.map_err(|error| options.report(error))?;
    // SAFETY: not null, and valid by the caller's contract.
    unsafe { put(out, MODULES.insert(module)) }
}

/// # Safety
/// `path` is a NUL-terminated string.
unsafe fn load_file(
    out: *mut Handle,
    context: &Arc<Context>,
    path: *const c_char,
    options: JitOptions,
) -> Result<(), CUresult> {
    // SAFETY: the caller's string.
    let path = unsafe { text(path) }?;
    let bytes = std::fs::read(path).map_err(|error| {
        code(Error::File {
            path: path.to_owned(),
            reason: error.to_string(),
        })
    })?;
    let image = ModuleImage::of_bytes(&bytes).map_err(code)?;
    let module = Module::load(context, image).map_err(|error| options.report(error))?;
    // SAFETY: the caller passes a valid out pointer.
    unsafe { put(out, MODULES.insert(module)) }
}

fn unload(handle: Handle) -> Result<(), CUresult> {
    let module = MODULES.get(handle)?;
    let context = module.context().id();
    MODULES.remove(handle)?;
    module.unload().map_err(code)?;
    KERNELS.remove_if(|kernel| kernel.context().id() == context && kernel.is_unloaded());
    Ok(())
}

/// # Safety
/// `name` is a NUL-terminated string.
unsafe fn find_kernel(
    out: *mut Handle,
    module: Handle,
    name: *const c_char,
) -> Result<(), CUresult> {
    let module = MODULES.get(module)?;
    // SAFETY: the caller's string.
    let name = unsafe { text(name) }?;
    let kernel = module.kernel(name).map_err(|error| match error {
        // Clients probe for optional kernels; the code says enough.
        Error::NotFound { .. } => number(&error),
        other => code(other),
    })?;
    // SAFETY: the caller passes a valid out pointer.
    unsafe { put(out, kernel_handle(&kernel)) }
}

/// Handle of a kernel that already has one, or a new one.
fn kernel_handle(kernel: &Arc<Kernel>) -> Handle {
    KERNELS
        .find(|known| std::ptr::eq(known, Arc::as_ptr(kernel)))
        .unwrap_or_else(|| KERNELS.insert(Arc::clone(kernel)))
}

/// # Safety
/// `name` is a NUL-terminated string.
unsafe fn find_variable(
    address: *mut DevicePtr,
    bytes: *mut usize,
    module: Handle,
    name: *const c_char,
) -> Result<(), CUresult> {
    let module = MODULES.get(module)?;
    // SAFETY: the caller's string.
    let name = unsafe { text(name) }?;
    let (found, size) = module.variable(name).map_err(|error| number(&error))?;
    // SAFETY: the caller passes null or valid out pointers.
    unsafe { put_optional(address, found) };
    // SAFETY: as above.
    unsafe { put_optional(bytes, usize::try_from(size).unwrap_or(usize::MAX)) };
    Ok(())
}

fn kernel_handles(module: &Module) -> Result<Vec<Handle>, CUresult> {
    let names = module.kernel_names();
    names
        .into_iter()
        .map(|name| Ok(kernel_handle(&module.kernel(name).map_err(code)?)))
        .collect()
}

/// # Safety
/// `out` is valid for `count` handles.
unsafe fn enumerate(out: *mut Handle, count: c_uint, module: Handle) -> Result<(), CUresult> {
    if out.is_null() {
        return Err(CUresult::INVALID_VALUE);
    }
    let handles = kernel_handles(&*MODULES.get(module)?)?;
    for (index, handle) in handles.into_iter().take(count as usize).enumerate() {
        // SAFETY: the caller's array.
        unsafe { out.wrapping_add(index).write(handle) };
    }
    Ok(())
}

exports! {
    fn cuModuleLoad(out: *mut Handle, path: *const c_char) {
        let options = JitOptions { count: 0, names: std::ptr::null(), values: std::ptr::null() };
        // SAFETY: the caller's string.
        unsafe { load_file(out, &usable()?, path, options) }
    }

    fn cuModuleLoadData | cuModuleLoadFatBinary(out: *mut Handle, image: *const c_void) {
        let options = JitOptions { count: 0, names: std::ptr::null(), values: std::ptr::null() };
        // SAFETY: the caller's module.
        unsafe { load(out, &usable()?, image, options) }
    }

    fn cuModuleLoadDataEx(
        out: *mut Handle, image: *const c_void, count: c_uint, names: *const c_int,
        values: *const *mut c_void,
    ) {
        // SAFETY: the caller's module.
        unsafe { load(out, &usable()?, image, JitOptions { count, names, values }) }
    }

    fn cuModuleUnload(module: Handle) {
        usable()?;
        unload(module)
    }

    fn cuModuleGetFunction(out: *mut Handle, module: Handle, name: *const c_char) {
        usable()?;
        // SAFETY: the caller's string.
        unsafe { find_kernel(out, module, name) }
    }

    fn cuModuleGetFunctionCount(count: *mut c_uint, module: Handle) {
        let names = MODULES.get(module)?.kernel_names().len();
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(count, c_uint::try_from(names).unwrap_or(c_uint::MAX)) }
    }

    fn cuModuleEnumerateFunctions(out: *mut Handle, count: c_uint, module: Handle) {
        // SAFETY: the caller's array.
        unsafe { enumerate(out, count, module) }
    }

    fn cuModuleGetGlobal_v2(
        address: *mut DevicePtr, bytes: *mut usize, module: Handle, name: *const c_char,
    ) {
        usable()?;
        // SAFETY: the caller's string.
        unsafe { find_variable(address, bytes, module, name) }
    }

    fn cuFuncGetModule | cuKernelGetLibrary(out: *mut Handle, function: Handle) {
        let kernel = KERNELS.get(function)?;
        let module = MODULES.find(|module| module.owns(&kernel));
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, module.ok_or(CUresult::INVALID_HANDLE)?) }
    }

    /// Kernels are compiled when they are first asked for: `CU_MODULE_LAZY_LOADING`.
    fn cuModuleGetLoadingMode(mode: *mut c_uint) {
        /// `CU_MODULE_LAZY_LOADING`.
        const LAZY: c_uint = 2;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(mode, LAZY) }
    }

    fn cuLibraryLoadData(
        out: *mut Handle, image: *const c_void, names: *const c_int,
        values: *const *mut c_void, count: c_uint, _options: *const c_int,
        _option_values: *const *mut c_void, _option_count: c_uint,
    ) {
        // SAFETY: the caller's module.
        unsafe { load(out, &library_context()?, image, JitOptions { count, names, values }) }
    }

    fn cuLibraryLoadFromFile(
        out: *mut Handle, path: *const c_char, names: *const c_int,
        values: *const *mut c_void, count: c_uint, _options: *const c_int,
        _option_values: *const *mut c_void, _option_count: c_uint,
    ) {
        // SAFETY: the caller's string.
        unsafe { load_file(out, &library_context()?, path, JitOptions { count, names, values }) }
    }

    fn cuLibraryUnload(library: Handle) {
        device()?;
        unload(library)
    }

    fn cuLibraryGetKernel(out: *mut Handle, library: Handle, name: *const c_char) {
        device()?;
        // SAFETY: the caller's string.
        unsafe { find_kernel(out, library, name) }
    }

    fn cuLibraryGetKernelCount(count: *mut c_uint, library: Handle) {
        let names = MODULES.get(library)?.kernel_names().len();
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(count, c_uint::try_from(names).unwrap_or(c_uint::MAX)) }
    }

    fn cuLibraryEnumerateKernels(out: *mut Handle, count: c_uint, library: Handle) {
        // SAFETY: the caller's array.
        unsafe { enumerate(out, count, library) }
    }

    fn cuLibraryGetModule(out: *mut Handle, library: Handle) {
        MODULES.get(library)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, library) }
    }

    fn cuLibraryGetGlobal(
        address: *mut DevicePtr, bytes: *mut usize, library: Handle, name: *const c_char,
    ) {
        // SAFETY: the caller's string.
        unsafe { find_variable(address, bytes, library, name) }
    }

    fn cuLibraryGetManaged(
        address: *mut DevicePtr, bytes: *mut usize, library: Handle, name: *const c_char,
    ) {
        // SAFETY: the caller's string.
        unsafe { find_variable(address, bytes, library, name) }
    }
}
