//! Execution control and occupancy.

use crate::c::{BlockToShared, Handle, LaunchConfig as CLaunchConfig, get, put};
use crate::call::{exports, message};
use crate::result::CUresult;
use crate::runtime::{KERNELS, code, usable};
use std::collections::BTreeMap;
use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::sync::{Mutex, PoisonError};
use weft_driver::{Kernel, KernelLaunch, LaunchConfig, Work};

/// Markers in the `extra` list of a launch.
mod extra {
    pub(super) const END: usize = 0;
    pub(super) const BUFFER_POINTER: usize = 1;
    pub(super) const BUFFER_SIZE: usize = 2;
}

/// `CUlaunchAttributeID`.
mod launch_attribute {
    pub(super) const IGNORE: u32 = 0;
    pub(super) const COOPERATIVE: u32 = 2;
    pub(super) const CLUSTER_DIMENSION: u32 = 4;
    pub(super) const PROGRAMMATIC_EVENT: u32 = 7;
    pub(super) const COMPLETION_EVENT: u32 = 12;
    pub(super) const UPDATABLE_NODE: u32 = 13;
    /// From here on they change what a launch does, or are not known.
    pub(super) const NO_HINT: u32 = 18;
}

/// The parameter block of a launch, from the list of pointers or from the `extra` buffer.
///
/// # Safety
/// `pointers` has one pointer per parameter of the kernel, each valid for its size; `extra` is
/// a list as the driver API describes it.
pub(super) unsafe fn parameter_block(
    kernel: &Kernel,
    pointers: *const *const c_void,
    extra_list: *const *const c_void,
) -> Result<Vec<u8>, CUresult> {
    let size = kernel.parameter_bytes() as usize;
    if !extra_list.is_null() {
        if !pointers.is_null() {
            return Err(CUresult::INVALID_VALUE);
        }
        // SAFETY: the caller's list.
        let buffer = unsafe { extra_buffer(extra_list) }?;
        let mut block = buffer.to_vec();
        // Buffers may be padded, or lack the padding at the end.
        block.resize(size, 0);
        return Ok(block);
    }
    let mut block = vec![0; size];
    if kernel.parameters().is_empty() {
        return Ok(block);
    }
    if pointers.is_null() {
        message(format_args!(
            "kernel `{}` takes {} parameters, the launch passes none",
            kernel.name(),
            kernel.parameters().len()
        ));
        return Err(CUresult::INVALID_VALUE);
    }
    for (index, &(offset, bytes)) in kernel.parameters().iter().enumerate() {
        // SAFETY: the caller's list has a pointer per parameter.
        let pointer = unsafe { pointers.wrapping_add(index).read() };
        // SAFETY: each is valid for its parameter's size.
        let value = unsafe { crate::c::bytes(pointer, bytes as usize) }?;
        let start = offset as usize;
        block[start..start + value.len()].copy_from_slice(value);
    }
    Ok(block)
}

/// # Safety
/// `list` alternates markers and values up to the end marker.
unsafe fn extra_buffer<'a>(list: *const *const c_void) -> Result<&'a [u8], CUresult> {
    let mut buffer = std::ptr::null();
    let mut size = None;
    let mut next = list;
    loop {
        // SAFETY: the end marker was not met yet.
        let marker = unsafe { next.read() } as usize;
        if marker == extra::END {
            break;
        }
        // SAFETY: a value follows every other marker.
        let value = unsafe { next.wrapping_add(1).read() };
        match marker {
            extra::BUFFER_POINTER => buffer = value,
            // SAFETY: the value is a pointer to a size.
            extra::BUFFER_SIZE => size = Some(unsafe { get(value.cast::<usize>()) }?),
            _ => return Err(CUresult::INVALID_VALUE),
        }
        next = next.wrapping_add(2);
    }
    let size = size.ok_or(CUresult::INVALID_VALUE)?;
    // SAFETY: the caller's buffer has that size.
    unsafe { crate::c::bytes(buffer, size) }
}

/// # Safety
/// As [`parameter_block`].
unsafe fn launch(
    function: Handle,
    config: &LaunchConfig,
    stream: Handle,
    pointers: *const *const c_void,
    extra_list: *const *const c_void,
) -> Result<(), CUresult> {
    usable()?;
    let kernel = KERNELS.get(function)?;
    // SAFETY: the caller's parameters.
    let parameters = unsafe { parameter_block(&kernel, pointers, extra_list) }?;
    let launch = KernelLaunch {
        kernel,
        config: *config,
        parameters,
    };
    super::stream::submit(stream, Work::Kernel(launch))
}

/// # Safety
/// `config` is a valid configuration with as many attributes as it says.
unsafe fn launch_ex(
    config: *const CLaunchConfig,
    function: Handle,
    pointers: *const *const c_void,
    extra_list: *const *const c_void,
) -> Result<(), CUresult> {
    // SAFETY: the caller's configuration.
    let config = unsafe { get(config) }?;
    let mut cooperative = false;
    for index in 0..config.attribute_count as usize {
        // SAFETY: the caller's attributes.
        let attribute = unsafe { get(config.attributes.wrapping_add(index)) }?;
        let first = attribute.value[0];
        match attribute.id {
            launch_attribute::COOPERATIVE => cooperative = first & 0xFFFF_FFFF != 0,
            launch_attribute::CLUSTER_DIMENSION => {
                let second = attribute.value[1] & 0xFFFF_FFFF;
                if (first & 0xFFFF_FFFF) * (first >> 32) * second > 1 {
                    message(format_args!(
                        "unsupported: a launch with thread block clusters"
                    ));
                    return Err(CUresult::NOT_SUPPORTED);
                }
            }
            // These ask for an effect: an event to record, a node to update later.
            launch_attribute::PROGRAMMATIC_EVENT
            | launch_attribute::COMPLETION_EVENT
            | launch_attribute::UPDATABLE_NODE
            | launch_attribute::NO_HINT.. => {
                let id = attribute.id;
                message(format_args!(
                    "unsupported: launch attribute {id} (CUlaunchAttributeID)"
                ));
                return Err(CUresult::NOT_SUPPORTED);
            }
            // The rest are hints (cache windows, priorities, serialisation, carveout), which
            // allow more freedom than the eager order of execution takes.
            launch_attribute::IGNORE..launch_attribute::NO_HINT => {}
        }
    }
    let shape = LaunchConfig {
        grid: config.grid,
        block: config.block,
        shared_bytes: config.shared_bytes,
        cooperative,
    };
    // SAFETY: the caller's parameters.
    unsafe { launch(function, &shape, config.stream, pointers, extra_list) }
}

/// C string of a kernel's name, kept for the life of the process.
fn kernel_name(kernel: &Kernel) -> Result<*const c_char, CUresult> {
    static NAMES: Mutex<BTreeMap<String, &'static CString>> = Mutex::new(BTreeMap::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(name) = names.get(kernel.name()) {
        return Ok(name.as_ptr());
    }
    let name = CString::new(kernel.name()).map_err(|_| CUresult::UNKNOWN)?;
    // Programs hold on to the pointer as long as the module; there are few distinct names.
    let name: &'static CString = Box::leak(Box::new(name));
    names.insert(kernel.name().to_owned(), name);
    Ok(name.as_ptr())
}

fn attribute(out: *mut c_int, number: c_int, function: Handle) -> Result<(), CUresult> {
    let kernel = KERNELS.get(function)?;
    let value = kernel.attribute(number).ok_or(CUresult::INVALID_VALUE)?;
    // SAFETY: the caller passes a valid out pointer.
    unsafe { put(out, value) }
}

fn parameter_info(
    function: Handle,
    index: usize,
    offset: *mut usize,
    size: *mut usize,
) -> Result<(), CUresult> {
    let kernel = KERNELS.get(function)?;
    let &(start, bytes) = kernel
        .parameters()
        .get(index)
        .ok_or(CUresult::INVALID_VALUE)?;
    // SAFETY: the caller passes a valid out pointer.
    unsafe { put(offset, start as usize) }?;
    // SAFETY: the caller passes null or a valid out pointer.
    unsafe { crate::c::put_optional(size, bytes as usize) };
    Ok(())
}

fn ctas_per_core(function: Handle, block_size: c_int, shared: usize) -> Result<c_int, CUresult> {
    let kernel = KERNELS.get(function)?;
    let threads = u32::try_from(block_size).map_err(|_| CUresult::INVALID_VALUE)?;
    let ctas = kernel.ctas_per_core(threads, shared as u64).map_err(code)?;
    Ok(c_int::try_from(ctas).unwrap_or(c_int::MAX))
}

/// The largest block, in whole warps, that runs, and a grid that fills the device with it.
fn best_block(
    function: Handle,
    shared_of_block: BlockToShared,
    shared: usize,
    limit: c_int,
) -> Result<(c_int, c_int), CUresult> {
    let kernel = KERNELS.get(function)?;
    let most = c_int::try_from(kernel.max_threads()).unwrap_or(1024);
    let mut size = if limit > 0 { most.min(limit) } else { most };
    while size > 0 {
        // SAFETY: the caller's function takes a block size.
        let bytes = shared_of_block.map_or(shared, |function| unsafe { function(size) });
        if ctas_per_core(function, size, bytes)? > 0 {
            let cores = usable()?.device().attribute(16).unwrap_or(1);
            return Ok((cores, size));
        }
        size = (size - 1) / 32 * 32;
    }
    Err(CUresult::INVALID_VALUE)
}

exports! {
    fn cuLaunchKernel | cuLaunchKernel_ptsz(
        function: Handle, grid_x: c_uint, grid_y: c_uint, grid_z: c_uint, block_x: c_uint,
        block_y: c_uint, block_z: c_uint, shared_bytes: c_uint, stream: Handle,
        parameters: *const *const c_void, extra: *const *const c_void,
    ) {
        let config = LaunchConfig {
            grid: [grid_x, grid_y, grid_z],
            block: [block_x, block_y, block_z],
            shared_bytes,
            cooperative: false,
        };
        // SAFETY: the caller's parameters.
        unsafe { launch(function, &config, stream, parameters, extra) }
    }

    fn cuLaunchKernelEx | cuLaunchKernelEx_ptsz(
        config: *const CLaunchConfig, function: Handle, parameters: *const *const c_void,
        extra: *const *const c_void,
    ) {
        // SAFETY: the caller's configuration and parameters.
        unsafe { launch_ex(config, function, parameters, extra) }
    }

    fn cuLaunchCooperativeKernel | cuLaunchCooperativeKernel_ptsz(
        function: Handle, grid_x: c_uint, grid_y: c_uint, grid_z: c_uint, block_x: c_uint,
        block_y: c_uint, block_z: c_uint, shared_bytes: c_uint, stream: Handle,
        parameters: *const *const c_void,
    ) {
        let config = LaunchConfig {
            grid: [grid_x, grid_y, grid_z],
            block: [block_x, block_y, block_z],
            shared_bytes,
            cooperative: true,
        };
        // SAFETY: the caller's parameters.
        unsafe { launch(function, &config, stream, parameters, std::ptr::null()) }
    }

    fn cuFuncGetAttribute(value: *mut c_int, number: c_int, function: Handle) {
        attribute(value, number, function)
    }

    fn cuKernelGetAttribute(
        value: *mut c_int, number: c_int, function: Handle, _device: c_int,
    ) {
        attribute(value, number, function)
    }

    fn cuFuncSetAttribute(function: Handle, number: c_int, value: c_int) {
        KERNELS.get(function)?.set_attribute(number, value).map_err(code)
    }

    fn cuKernelSetAttribute(number: c_int, value: c_int, function: Handle, _device: c_int) {
        KERNELS.get(function)?.set_attribute(number, value).map_err(code)
    }

    /// A hint about the split of scratchpad and L1, which are apart here.
    fn cuFuncSetCacheConfig(function: Handle, _config: c_uint) {
        KERNELS.get(function).map(|_| ())
    }

    /// See `cuFuncSetCacheConfig`.
    fn cuKernelSetCacheConfig(function: Handle, _config: c_uint, _device: c_int) {
        KERNELS.get(function).map(|_| ())
    }

    /// A hint about bank width, which is fixed here.
    fn cuFuncSetSharedMemConfig(function: Handle, _config: c_uint) {
        KERNELS.get(function).map(|_| ())
    }

    fn cuFuncGetName | cuKernelGetName(name: *mut *const c_char, function: Handle) {
        let value = kernel_name(&*KERNELS.get(function)?)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(name, value) }
    }

    fn cuKernelGetFunction(out: *mut Handle, kernel: Handle) {
        KERNELS.get(kernel)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, kernel) }
    }

    fn cuFuncGetParamInfo | cuKernelGetParamInfo(
        function: Handle, index: usize, offset: *mut usize, size: *mut usize,
    ) {
        parameter_info(function, index, offset, size)
    }

    fn cuFuncGetParamCount | cuKernelGetParamCount(function: Handle, count: *mut usize) {
        let value = KERNELS.get(function)?.parameters().len();
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(count, value) }
    }

    fn cuFuncIsLoaded(state: *mut c_uint, function: Handle) {
        KERNELS.get(function)?;
        /// `CU_FUNCTION_LOADING_STATE_LOADED`: a kernel with a handle is compiled.
        const LOADED: c_uint = 1;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(state, LOADED) }
    }

    fn cuFuncLoad(function: Handle) {
        KERNELS.get(function).map(|_| ())
    }

    fn cuOccupancyAvailableDynamicSMemPerBlock(
        bytes: *mut usize, function: Handle, blocks: c_int, block_size: c_int,
    ) {
        let kernel = KERNELS.get(function)?;
        let count = |value| u32::try_from(value).map_err(|_| CUresult::INVALID_VALUE);
        let room = kernel.available_shared_bytes(count(blocks)?, count(block_size)?);
        let room = usize::try_from(room.map_err(code)?).unwrap_or(usize::MAX);
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(bytes, room) }
    }

    fn cuOccupancyMaxActiveBlocksPerMultiprocessor(
        blocks: *mut c_int, function: Handle, block_size: c_int, shared_bytes: usize,
    ) {
        let value = ctas_per_core(function, block_size, shared_bytes)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(blocks, value) }
    }

    fn cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
        blocks: *mut c_int, function: Handle, block_size: c_int, shared_bytes: usize,
        _flags: c_uint,
    ) {
        let value = ctas_per_core(function, block_size, shared_bytes)?;
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(blocks, value) }
    }

    fn cuOccupancyMaxPotentialBlockSize(
        grid: *mut c_int, block: *mut c_int, function: Handle, shared_of_block: BlockToShared,
        shared_bytes: usize, limit: c_int,
    ) {
        let (ctas, size) = best_block(function, shared_of_block, shared_bytes, limit)?;
        // SAFETY: the caller passes valid out pointers.
        unsafe { put(grid, ctas) }?;
        // SAFETY: as above.
        unsafe { put(block, size) }
    }

    fn cuOccupancyMaxPotentialBlockSizeWithFlags(
        grid: *mut c_int, block: *mut c_int, function: Handle, shared_of_block: BlockToShared,
        shared_bytes: usize, limit: c_int, _flags: c_uint,
    ) {
        let (ctas, size) = best_block(function, shared_of_block, shared_bytes, limit)?;
        // SAFETY: the caller passes valid out pointers.
        unsafe { put(grid, ctas) }?;
        // SAFETY: as above.
        unsafe { put(block, size) }
    }
}
