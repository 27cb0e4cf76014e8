//! Execution control: launching kernels, their attributes, occupancy.

use super::exports;
use crate::c::{Dim3, DriverLaunchConfig, FuncAttributes, Handle, LaunchConfig, Status, get, put};
use crate::driver::{HostFn, check, with_context};
use crate::error::{Error, guarded};
use crate::registry::{is_kernel, kernel};
use std::cell::RefCell;
use std::ffi::{c_int, c_uint, c_void};

/// A pending `<<<grid, block, shared, stream>>>`.
#[derive(Clone, Copy)]
struct Configuration {
    grid: Dim3,
    block: Dim3,
    shared_bytes: usize,
    stream: Handle,
}

thread_local! {
    /// nvcc pushes the configuration before it evaluates the arguments and pops it in the stub.
    static PENDING: RefCell<Vec<Configuration>> = const { RefCell::new(Vec::new()) };
}

/// `CU_FUNC_ATTRIBUTE_*` numbers.
mod attribute {
    pub(super) const MAX_THREADS_PER_BLOCK: i32 = 0;
    pub(super) const SHARED_BYTES: i32 = 1;
    pub(super) const CONST_BYTES: i32 = 2;
    pub(super) const LOCAL_BYTES: i32 = 3;
    pub(super) const REGISTERS: i32 = 4;
    pub(super) const PTX_VERSION: i32 = 5;
    pub(super) const BINARY_VERSION: i32 = 6;
    pub(super) const CACHE_MODE_CA: i32 = 7;
    pub(super) const MAX_DYNAMIC_SHARED_BYTES: i32 = 8;
    pub(super) const PREFERRED_SHARED_CARVEOUT: i32 = 9;
}

fn launch(
    function: Handle,
    grid: Dim3,
    block: Dim3,
    arguments: *mut *mut c_void,
    shared_bytes: usize,
    stream: Handle,
    attributes: (*const c_void, c_uint),
) -> Result<(), Error> {
    let driver = with_context()?;
    if [grid.x, grid.y, grid.z, block.x, block.y, block.z].contains(&0) {
        return Err(Error::INVALID_CONFIGURATION);
    }
    let config = DriverLaunchConfig {
        grid,
        block,
        shared_bytes: c_uint::try_from(shared_bytes).map_err(|_| Error::INVALID_VALUE)?,
        stream,
        attributes: attributes.0,
        attribute_count: attributes.1,
    };
    // SAFETY: the caller's arguments are as the kernel's parameters require.
    let code = unsafe {
        (driver.cuLaunchKernelEx)(&raw const config, function, arguments, std::ptr::null_mut())
    };
    // The driver calls a bad configuration an invalid value; the runtime has its own word.
    match check(code) {
        Err(Error::INVALID_VALUE) => Err(Error::INVALID_CONFIGURATION),
        other => other,
    }
}

/// Remembers a launch configuration; 0 on success.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn __cudaPushCallConfiguration(
    grid: Dim3,
    block: Dim3,
    shared_bytes: usize,
    stream: Handle,
) -> c_uint {
    PENDING.with_borrow_mut(|pending| {
        pending.push(Configuration {
            grid,
            block,
            shared_bytes,
            stream,
        });
    });
    0
}

/// Takes back the configuration pushed last.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn __cudaPopCallConfiguration(
    grid: *mut Dim3,
    block: *mut Dim3,
    shared_bytes: *mut usize,
    stream: *mut c_void,
) -> Status {
    guarded(|| {
        let pending = PENDING
            .with_borrow_mut(Vec::pop)
            .ok_or(Error::MISSING_CONFIGURATION)?;
        // SAFETY: nvcc passes addresses of locals.
        unsafe { put(grid, pending.grid) }?;
        // SAFETY: as above.
        unsafe { put(block, pending.block) }?;
        // SAFETY: as above.
        unsafe { put(shared_bytes, pending.shared_bytes) }?;
        // SAFETY: as above.
        unsafe { put(stream.cast::<Handle>(), pending.stream) }
    })
}

exports! {
    /// Launch by kernel handle (what nvcc 13 emits). `__cudaGetKernel` gives out host stubs as
    /// handles, and nothing for a kernel that it does not know; other handles are the driver's.
    fn __cudaLaunchKernel | __cudaLaunchKernel_ptsz(
        function: Handle, grid: Dim3, block: Dim3, arguments: *mut *mut c_void,
        shared_bytes: usize, stream: Handle,
    ) {
        let function = if function.is_null() || is_kernel(function) {
            kernel(function)?
        } else {
            function
        };
        launch(function, grid, block, arguments, shared_bytes, stream, (std::ptr::null(), 0))
    }

    /// Launch by host stub (what nvcc 12 emits).
    fn cudaLaunchKernel | cudaLaunchKernel_ptsz(
        stub: *const c_void, grid: Dim3, block: Dim3, arguments: *mut *mut c_void,
        shared_bytes: usize, stream: Handle,
    ) {
        launch(kernel(stub)?, grid, block, arguments, shared_bytes, stream, (std::ptr::null(), 0))
    }

    fn cudaLaunchKernelExC | cudaLaunchKernelExC_ptsz(
        config: *const LaunchConfig, stub: *const c_void, arguments: *mut *mut c_void,
    ) {
        // SAFETY: the caller passes a valid configuration.
        let config = unsafe { get(config) }?;
        launch(
            kernel(stub)?,
            config.grid,
            config.block,
            arguments,
            config.shared_bytes,
            config.stream,
            (config.attributes, config.attribute_count),
        )
    }

    fn cudaLaunchCooperativeKernel | cudaLaunchCooperativeKernel_ptsz(
        stub: *const c_void, grid: Dim3, block: Dim3, arguments: *mut *mut c_void,
        shared_bytes: usize, stream: Handle,
    ) {
        let function = kernel(stub)?;
        let driver = with_context()?;
        let shared = c_uint::try_from(shared_bytes).map_err(|_| Error::INVALID_VALUE)?;
        // SAFETY: the caller's arguments are as the kernel's parameters require.
        check(unsafe {
            (driver.cuLaunchCooperativeKernel)(
                function, grid.x, grid.y, grid.z, block.x, block.y, block.z, shared, stream,
                arguments,
            )
        })
    }

    fn cudaLaunchHostFunc | cudaLaunchHostFunc_ptsz(
        stream: Handle, function: HostFn, data: *mut c_void,
    ) {
        let driver = with_context()?;
        // SAFETY: the caller's function may be called with its data.
        check(unsafe { (driver.cuLaunchHostFunc)(stream, function, data) })
    }

    fn cudaGetFuncBySymbol(function: *mut Handle, stub: *const c_void) {
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(function, kernel(stub)?) }
    }

    fn cudaFuncGetAttributes(attributes: *mut FuncAttributes, stub: *const c_void) {
        let function = kernel(stub)?;
        let read = |number| function_attribute(number, function);
        let size = |number| {
            read(number).map(|value| usize::try_from(value).unwrap_or(0))
        };
        let value = FuncAttributes {
            shared_bytes: size(attribute::SHARED_BYTES)?,
            const_bytes: size(attribute::CONST_BYTES)?,
            local_bytes: size(attribute::LOCAL_BYTES)?,
            max_threads_per_block: read(attribute::MAX_THREADS_PER_BLOCK)?,
            registers: read(attribute::REGISTERS)?,
            ptx_version: read(attribute::PTX_VERSION)?,
            binary_version: read(attribute::BINARY_VERSION)?,
            cache_mode_ca: read(attribute::CACHE_MODE_CA)?,
            max_dynamic_shared_bytes: read(attribute::MAX_DYNAMIC_SHARED_BYTES)?,
            preferred_shared_carveout: read(attribute::PREFERRED_SHARED_CARVEOUT)?,
        };
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(attributes, value) }
    }

    fn cudaFuncSetAttribute(stub: *const c_void, number: c_int, value: c_int) {
        let function = kernel(stub)?;
        let driver = with_context()?;
        // SAFETY: the handle comes from the driver.
        check(unsafe { (driver.cuFuncSetAttribute)(function, number, value) })
    }

    fn cudaFuncSetCacheConfig(stub: *const c_void, config: c_uint) {
        let function = kernel(stub)?;
        let driver = with_context()?;
        // SAFETY: the handle comes from the driver.
        check(unsafe { (driver.cuFuncSetCacheConfig)(function, config) })
    }

    fn cudaOccupancyMaxActiveBlocksPerMultiprocessor(
        blocks: *mut c_int, stub: *const c_void, block_size: c_int, shared_bytes: usize,
    ) {
        occupancy(blocks, stub, block_size, shared_bytes, 0)
    }

    fn cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
        blocks: *mut c_int, stub: *const c_void, block_size: c_int, shared_bytes: usize,
        flags: c_uint,
    ) {
        occupancy(blocks, stub, block_size, shared_bytes, flags)
    }
}

fn function_attribute(number: c_int, function: Handle) -> Result<c_int, Error> {
    let driver = with_context()?;
    let mut value = 0;
    // SAFETY: an out pointer to a local; the handle comes from the driver.
    check(unsafe { (driver.cuFuncGetAttribute)(&raw mut value, number, function) })?;
    Ok(value)
}

fn occupancy(
    blocks: *mut c_int,
    stub: *const c_void,
    block_size: c_int,
    shared_bytes: usize,
    flags: c_uint,
) -> Result<(), Error> {
    let function = kernel(stub)?;
    let driver = with_context()?;
    let query = driver.cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags;
    // SAFETY: the caller passes a valid out pointer; the handle comes from the driver.
    check(unsafe { query(blocks, function, block_size, shared_bytes, flags) })
}
