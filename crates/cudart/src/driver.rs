//! The driver API as this runtime uses it, found in `libcuda.so.1` at run time.

use crate::c::{DriverLaunchConfig, DriverMemcpy2D, Handle};
use crate::error::Error;
use libloading::Library;
use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::OnceLock;

/// Callback of `cuLaunchHostFunc`.
pub(crate) type HostFn = Option<unsafe extern "C" fn(*mut c_void)>;
/// Callback of `cuStreamAddCallback`; runtime and driver callbacks have one shape.
pub(crate) type StreamCallback = Option<unsafe extern "C" fn(Handle, c_int, *mut c_void)>;

macro_rules! driver {
    ($($name:ident($($ty:ty),*);)*) => {
        /// Addresses of the driver functions, named as exported.
        pub(crate) struct Driver {
            $(pub(crate) $name: unsafe extern "C" fn($($ty),*) -> c_int,)*
            /// Keeps the functions loaded, and finds others.
            library: Library,
            suffixes: &'static [&'static str],
        }

        impl Driver {
            /// The functions whose names end in the first of the suffixes with which there is one.
            fn load(suffixes: &'static [&'static str]) -> Result<Self, libloading::Error> {
                // SAFETY: the initialisers of a CUDA driver library have no precondition.
                let library = unsafe { Library::new("libcuda.so.1") }?;
                Ok(Self {
                    $(
                        // SAFETY: the symbol has this signature in every CUDA driver since 12.0.
                        $name: unsafe { symbol::<unsafe extern "C" fn($($ty),*) -> c_int>(
                            &library, stringify!($name), suffixes,
                        ) }?,
                    )*
                    library,
                    suffixes,
                })
            }
        }
    };
}

/// Names of driver functions that use the legacy default stream, where they use one.
const LEGACY: &[&str] = &[""];
/// Those that use the default stream of the thread, and those that use none.
const PER_THREAD: &[&str] = &["_ptds", "_ptsz", ""];

/// The function of this name with the first suffix that there is.
///
/// # Safety
///
/// `F` is the type of all of them.
unsafe fn symbol<F: Copy>(
    library: &Library,
    name: &str,
    suffixes: &[&str],
) -> Result<F, libloading::Error> {
    let [others @ .., last] = suffixes else {
        unreachable!("a list of suffixes is not empty")
    };
    for suffix in others {
        // SAFETY: the caller's type.
        if let Ok(found) = unsafe { library.get::<F>(format!("{name}{suffix}\0").as_bytes()) } {
            return Ok(*found);
        }
    }
    // SAFETY: as above.
    let found = unsafe { library.get::<F>(format!("{name}{last}\0").as_bytes()) }?;
    Ok(*found)
}

driver! {
    cuInit(c_uint);
    cuDriverGetVersion(*mut c_int);
    cuGetErrorString(c_int, *mut *const c_char);
    cuDeviceGetCount(*mut c_int);
    cuDeviceGetName(*mut c_char, c_int, c_int);
    cuDeviceGetUuid_v2(*mut c_void, c_int);
    cuDeviceTotalMem_v2(*mut usize, c_int);
    cuDeviceGetAttribute(*mut c_int, c_int, c_int);
    cuDeviceGetPCIBusId(*mut c_char, c_int, c_int);
    cuDeviceCanAccessPeer(*mut c_int, c_int, c_int);
    cuDevicePrimaryCtxRetain(*mut Handle, c_int);
    cuDevicePrimaryCtxReset_v2(c_int);
    cuDevicePrimaryCtxSetFlags_v2(c_int, c_uint);
    cuDevicePrimaryCtxGetState(c_int, *mut c_uint, *mut c_int);
    cuCtxSetCurrent(Handle);
    cuCtxGetCurrent(*mut Handle);
    cuCtxSynchronize();
    cuCtxGetLimit(*mut usize, c_uint);
    cuCtxSetLimit(c_uint, usize);
    cuCtxGetCacheConfig(*mut c_uint);
    cuCtxSetCacheConfig(c_uint);
    cuCtxGetStreamPriorityRange(*mut c_int, *mut c_int);
    cuModuleLoadData(*mut Handle, *const c_void);
    cuModuleGetFunction(*mut Handle, Handle, *const c_char);
    cuModuleGetGlobal_v2(*mut u64, *mut usize, Handle, *const c_char);
    cuFuncGetAttribute(*mut c_int, c_int, Handle);
    cuFuncSetAttribute(Handle, c_int, c_int);
    cuFuncSetCacheConfig(Handle, c_uint);
    cuLaunchKernelEx(*const DriverLaunchConfig, Handle, *mut *mut c_void, *mut *mut c_void);
    cuLaunchCooperativeKernel(Handle, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, Handle, *mut *mut c_void);
    cuLaunchHostFunc(Handle, HostFn, *mut c_void);
    cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(*mut c_int, Handle, c_int, usize, c_uint);
    cuMemAlloc_v2(*mut u64, usize);
    cuMemAllocPitch_v2(*mut u64, *mut usize, usize, usize, c_uint);
    cuMemAllocManaged(*mut u64, usize, c_uint);
    cuMemFree_v2(u64);
    cuMemHostAlloc(*mut *mut c_void, usize, c_uint);
    cuMemFreeHost(*mut c_void);
    cuMemHostRegister_v2(*mut c_void, usize, c_uint);
    cuMemHostUnregister(*mut c_void);
    cuMemHostGetDevicePointer_v2(*mut u64, *mut c_void, c_uint);
    cuMemHostGetFlags(*mut c_uint, *mut c_void);
    cuMemGetInfo_v2(*mut usize, *mut usize);
    cuMemAllocAsync(*mut u64, usize, Handle);
    cuMemFreeAsync(u64, Handle);
    cuMemcpy(u64, u64, usize);
    cuMemcpyAsync(u64, u64, usize, Handle);
    cuMemcpyHtoD_v2(u64, *const c_void, usize);
    cuMemcpyHtoDAsync_v2(u64, *const c_void, usize, Handle);
    cuMemcpyDtoH_v2(*mut c_void, u64, usize);
    cuMemcpyDtoHAsync_v2(*mut c_void, u64, usize, Handle);
    cuMemcpyDtoD_v2(u64, u64, usize);
    cuMemcpyDtoDAsync_v2(u64, u64, usize, Handle);
    cuMemcpy2D_v2(*const DriverMemcpy2D);
    cuMemcpy2DAsync_v2(*const DriverMemcpy2D, Handle);
    cuMemsetD8_v2(u64, u8, usize);
    cuMemsetD8Async(u64, u8, usize, Handle);
    cuMemsetD2D8_v2(u64, usize, u8, usize, usize);
    cuMemsetD2D8Async(u64, usize, u8, usize, usize, Handle);
    cuPointerGetAttribute(*mut c_void, c_int, u64);
    cuStreamCreateWithPriority(*mut Handle, c_uint, c_int);
    cuStreamDestroy_v2(Handle);
    cuStreamQuery(Handle);
    cuStreamSynchronize(Handle);
    cuStreamWaitEvent(Handle, Handle, c_uint);
    cuStreamAddCallback(Handle, StreamCallback, *mut c_void, c_uint);
    cuStreamGetPriority(Handle, *mut c_int);
    cuStreamGetFlags(Handle, *mut c_uint);
    cuEventCreate(*mut Handle, c_uint);
    cuEventDestroy_v2(Handle);
    cuEventQuery(Handle);
    cuEventRecord(Handle, Handle);
    cuEventRecordWithFlags(Handle, Handle, c_uint);
    cuEventSynchronize(Handle);
    cuEventElapsedTime(*mut f32, Handle, Handle);
}

impl Driver {
    /// The function of this name, looked up once.
    ///
    /// # Safety
    ///
    /// `F` is the function's type, and `places` are used for no other.
    pub(crate) unsafe fn find<F: Copy>(
        &self,
        places: &[OnceLock<usize>; 2],
        name: &'static str,
    ) -> Result<F, Error> {
        const { assert!(size_of::<F>() == size_of::<usize>(), "a function pointer") };
        let [legacy, per_thread] = places;
        let place = if self.suffixes.len() == 1 {
            legacy
        } else {
            per_thread
        };
        let address = *place.get_or_init(|| {
            // SAFETY: taken as an address only.
            let found = unsafe { symbol::<*const c_void>(&self.library, name, self.suffixes) };
            found.map_or(0, |address| address as usize)
        });
        if address == 0 {
            return Err(Error::INSUFFICIENT_DRIVER);
        }
        // SAFETY: the address is of a function of the caller's type.
        Ok(unsafe { std::mem::transmute_copy::<usize, F>(&address) })
    }
}

/// Calls a driver function that is needed in few places: `call!(cuName(type: value, ...))`.
macro_rules! call {
    ($name:ident($($ty:ty: $value:expr),* $(,)?)) => {{
        static PLACES: [std::sync::OnceLock<usize>; 2] =
            [const { std::sync::OnceLock::new() }; 2];
        let driver = $crate::driver::with_context()?;
        // SAFETY: the types are those of the driver API reference.
        let function = unsafe {
            driver.find::<unsafe extern "C" fn($($ty),*) -> std::ffi::c_int>(
                &PLACES, stringify!($name),
            )
        }?;
        // SAFETY: pointers are those of the caller of the API, or to locals; the driver refuses
        // unknown handles.
        $crate::driver::check(unsafe { function($($value),*) })
    }};
}
pub(crate) use call;

/// Turns a driver result into ours.
pub(crate) const fn check(code: c_int) -> Result<(), Error> {
    if code == 0 { Ok(()) } else { Err(Error(code)) }
}

thread_local! {
    /// Whether this thread is in a function for programs with a default stream for each thread.
    static OWN_STREAM: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, [`driver`] gives the functions that use the thread's own default stream.
pub(crate) struct OwnStreamScope(bool);

/// Begins such a scope in this thread.
pub(crate) fn own_stream_scope() -> OwnStreamScope {
    OwnStreamScope(OWN_STREAM.replace(true))
}

impl Drop for OwnStreamScope {
    fn drop(&mut self) {
        OWN_STREAM.set(self.0);
    }
}

/// The driver, loaded and initialised at the first call.
pub(crate) fn driver() -> Result<&'static Driver, Error> {
    static LEGACY_DRIVER: OnceLock<Result<Driver, Error>> = OnceLock::new();
    static PER_THREAD_DRIVER: OnceLock<Result<Driver, Error>> = OnceLock::new();
    let (place, suffixes) = match OWN_STREAM.get() {
        false => (&LEGACY_DRIVER, LEGACY),
        true => (&PER_THREAD_DRIVER, PER_THREAD),
    };
    let loaded = place.get_or_init(|| {
        let driver = Driver::load(suffixes).map_err(|error| {
            report(&error);
            Error::INSUFFICIENT_DRIVER
        })?;
        // SAFETY: flags must be 0.
        check(unsafe { (driver.cuInit)(0) })?;
        Ok(driver)
    });
    match loaded {
        Ok(driver) => Ok(driver),
        Err(error) => Err(*error),
    }
}

#[expect(
    clippy::print_stderr,
    reason = "a shared library inside a stranger's process has no other channel"
)]
fn report(error: &libloading::Error) {
    eprintln!(
        "weft: failed to load the CUDA driver libcuda.so.1: {error}\n\
         hint: start the program with `weft run -- PROGRAM`"
    );
}

thread_local! {
    /// Device chosen by `cudaSetDevice` in this thread.
    static DEVICE: Cell<c_int> = const { Cell::new(0) };
}

/// The device this thread uses.
pub(crate) fn device() -> c_int {
    DEVICE.get()
}

/// Chooses the device this thread uses and makes its primary context current.
pub(crate) fn set_device(device: c_int) -> Result<(), Error> {
    let driver = driver()?;
    let mut count = 0;
    // SAFETY: an out pointer to a local.
    check(unsafe { (driver.cuDeviceGetCount)(&raw mut count) })?;
    if !(0..count).contains(&device) {
        return Err(Error::INVALID_DEVICE);
    }
    DEVICE.set(device);
    // SAFETY: the handle comes from the driver.
    check(unsafe { (driver.cuCtxSetCurrent)(primary_context(driver, device)?) })
}

/// The driver with a context current in this thread: the one the program made current through
/// the driver API, else the primary context of the thread's device.
pub(crate) fn with_context() -> Result<&'static Driver, Error> {
    let driver = driver()?;
    let mut current: Handle = std::ptr::null_mut();
    // SAFETY: an out pointer to a local.
    check(unsafe { (driver.cuCtxGetCurrent)(&raw mut current) })?;
    if current.is_null() {
        let context = primary_context(driver, device())?;
        // SAFETY: the handle comes from the driver.
        check(unsafe { (driver.cuCtxSetCurrent)(context) })?;
    }
    Ok(driver)
}

/// The primary context, retained once for the life of the process.
fn primary_context(driver: &Driver, device: c_int) -> Result<Handle, Error> {
    static RETAINED: std::sync::Mutex<Vec<(c_int, usize)>> = std::sync::Mutex::new(Vec::new());
    let mut retained = RETAINED
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(row) = retained.iter().find(|row| row.0 == device) {
        return Ok(row.1 as Handle);
    }
    let mut context: Handle = std::ptr::null_mut();
    // SAFETY: an out pointer to a local.
    check(unsafe { (driver.cuDevicePrimaryCtxRetain)(&raw mut context, device) })?;
    retained.push((device, context as usize));
    Ok(context)
}

/// Text of a driver error.
pub(crate) fn error_text(code: c_int) -> Option<&'static CStr> {
    let driver = driver().ok()?;
    let mut text: *const c_char = std::ptr::null();
    // SAFETY: an out pointer to a local.
    check(unsafe { (driver.cuGetErrorString)(code, &raw mut text) }).ok()?;
    // SAFETY: the driver gives a static NUL-terminated string, or null.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })
}
