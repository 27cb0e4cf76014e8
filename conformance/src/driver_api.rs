//! The CUDA driver API, loaded by path: the few functions that suites need, with results as `Result`.
//!
//! Handles are plain numbers here, because tests hand in destroyed and invented ones on purpose. The
//! library under test promises to answer those with an error.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::fmt;
use std::path::Path;
use std::ptr;

use libloading::Library;

/// A `CUresult` other than `CUDA_SUCCESS`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CudaError(pub c_int);

macro_rules! error_codes {
    ($($name:ident = $code:literal,)*) => {
        impl CudaError {
            $(
                #[doc = concat!("`CUDA_ERROR_", stringify!($name), "`.")]
                pub const $name: Self = Self($code);
            )*
        }

        impl fmt::Debug for CudaError {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0 {
                    $($code => formatter.write_str(concat!("CUDA_ERROR_", stringify!($name))),)*
                    code => write!(formatter, "CUDA error {code}"),
                }
            }
        }
    };
}

// Source: CUDA Driver API reference, CUresult.
error_codes! {
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    INVALID_DEVICE = 101,
    INVALID_IMAGE = 200,
    INVALID_CONTEXT = 201,
    NO_BINARY_FOR_GPU = 209,
    INVALID_PTX = 218,
    INVALID_HANDLE = 400,
    NOT_FOUND = 500,
    ILLEGAL_ADDRESS = 700,
    CONTEXT_IS_DESTROYED = 709,
    ASSERT = 710,
    HARDWARE_STACK_ERROR = 714,
    ILLEGAL_INSTRUCTION = 715,
    MISALIGNED_ADDRESS = 716,
    LAUNCH_FAILED = 719,
    NOT_SUPPORTED = 801,
}

impl fmt::Display for CudaError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

impl std::error::Error for CudaError {}

/// Result of a driver call.
pub type Result<T> = std::result::Result<T, CudaError>;

/// A handle as the library gave it, or any other number.
pub type Handle = usize;

/// A device address.
pub type DevicePointer = u64;

/// Blocks or threads in x, y and z.
pub type Dimensions = [u32; 3];

/// `CU_JIT_ERROR_LOG_BUFFER` and `CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES`.
const ERROR_LOG_OPTIONS: [c_int; 2] = [5, 6];

const ERROR_LOG_BYTES: usize = 4096;

macro_rules! driver_functions {
    ($($field:ident: $symbol:ident($($argument:ty),*);)*) => {
        /// A loaded driver library.
        ///
        /// Every method is one call of the function that its documentation names.
        pub struct Driver {
            $($field: unsafe extern "C" fn($($argument),*) -> c_int,)*
            // Last: the functions above live in it.
            _library: Library,
        }

        impl Driver {
            /// Loads the library at `path`.
            ///
            /// # Errors
            /// When it cannot be loaded or lacks a function.
            ///
            /// # Safety
            /// The library must implement the CUDA driver API, and must check every handle and
            /// device address that it is given.
            pub unsafe fn load(path: &Path) -> std::result::Result<Self, libloading::Error> {
                // SAFETY: the caller vouches for the library.
                let library = unsafe { Library::new(path) }?;
                $(
                    // SAFETY: the type is that of the function in cuda.h.
                    let $field = *unsafe {
                        library.get::<unsafe extern "C" fn($($argument),*) -> c_int>(
                            concat!(stringify!($symbol), "\0").as_bytes(),
                        )
                    }?;
                )*
                Ok(Self { $($field,)* _library: library })
            }
        }
    };
}

driver_functions! {
    init: cuInit(c_uint);
    device_get: cuDeviceGet(*mut c_int, c_int);
    ctx_create: cuCtxCreate_v2(*mut Handle, c_uint, c_int);
    ctx_destroy: cuCtxDestroy_v2(Handle);
    ctx_set_current: cuCtxSetCurrent(Handle);
    ctx_synchronize: cuCtxSynchronize();
    module_load_data: cuModuleLoadData(*mut Handle, *const c_void);
    module_load_data_ex: cuModuleLoadDataEx(*mut Handle, *const c_void, c_uint, *const c_int, *const *mut c_void);
    module_unload: cuModuleUnload(Handle);
    module_get_function: cuModuleGetFunction(*mut Handle, Handle, *const c_char);
    module_get_global: cuModuleGetGlobal_v2(*mut DevicePointer, *mut usize, Handle, *const c_char);
    mem_alloc: cuMemAlloc_v2(*mut DevicePointer, usize);
    mem_free: cuMemFree_v2(DevicePointer);
    memcpy_htod: cuMemcpyHtoD_v2(DevicePointer, *const c_void, usize);
    memcpy_dtoh: cuMemcpyDtoH_v2(*mut c_void, DevicePointer, usize);
    memset_d8: cuMemsetD8_v2(DevicePointer, u8, usize);
    launch_kernel: cuLaunchKernel(Handle, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, Handle, *const *const c_void, *const *const c_void);
    stream_create: cuStreamCreate(*mut Handle, c_uint);
    stream_destroy: cuStreamDestroy_v2(Handle);
    stream_synchronize: cuStreamSynchronize(Handle);
    event_create: cuEventCreate(*mut Handle, c_uint);
    event_destroy: cuEventDestroy_v2(Handle);
    event_record: cuEventRecord(Handle, Handle);
}

fn check(code: c_int) -> Result<()> {
    match code {
        0 => Ok(()),
        code => Err(CudaError(code)),
    }
}

#[expect(
    clippy::missing_errors_doc,
    reason = "each method returns what the function named in its documentation returns"
)]
impl Driver {
    /// `cuInit`.
    pub fn init(&self) -> Result<()> {
        // SAFETY: takes a number.
        check(unsafe { (self.init)(0) })
    }

    /// `cuDeviceGet`.
    pub fn device_get(&self, ordinal: c_int) -> Result<c_int> {
        let mut device = 0;
        // SAFETY: `device` is writable.
        check(unsafe { (self.device_get)(&raw mut device, ordinal) }).map(|()| device)
    }

    /// `cuCtxCreate`: a context on the device, current in this thread.
    pub fn ctx_create(&self, device: c_int) -> Result<Handle> {
        let mut context = 0;
        // SAFETY: `context` is writable.
        check(unsafe { (self.ctx_create)(&raw mut context, 0, device) }).map(|()| context)
    }

    /// `cuCtxDestroy`.
    pub fn ctx_destroy(&self, context: Handle) -> Result<()> {
        // SAFETY: the library checks handles.
        check(unsafe { (self.ctx_destroy)(context) })
    }

    /// `cuCtxSetCurrent`.
    pub fn ctx_set_current(&self, context: Handle) -> Result<()> {
        // SAFETY: the library checks handles.
        check(unsafe { (self.ctx_set_current)(context) })
    }

    /// `cuCtxSynchronize`.
    pub fn ctx_synchronize(&self) -> Result<()> {
        // SAFETY: takes nothing.
        check(unsafe { (self.ctx_synchronize)() })
    }

    /// `cuModuleLoadData` with text, to which the end of a C string is added.
    pub fn module_load_text(&self, text: &[u8]) -> Result<Handle> {
        let terminated: Vec<u8> = text.iter().copied().chain([0]).collect();
        self.module_load_image(&terminated)
    }

    /// `cuModuleLoadData` with an image as it is, which must tell its own size or end with a zero.
    pub fn module_load_image(&self, image: &[u8]) -> Result<Handle> {
        let mut module = 0;
        // SAFETY: `module` is writable and the image readable as far as it says it reaches.
        check(unsafe { (self.module_load_data)(&raw mut module, image.as_ptr().cast()) })
            .map(|()| module)
    }

    /// `cuModuleLoadDataEx` with an error log; on failure, the error and the log.
    pub fn module_load_logged(
        &self,
        text: &[u8],
    ) -> std::result::Result<Handle, (CudaError, String)> {
        let terminated: Vec<u8> = text.iter().copied().chain([0]).collect();
        let mut log = vec![0_u8; ERROR_LOG_BYTES];
        // An option that is a number travels as the pointer's value.
        let values = [
            log.as_mut_ptr().cast(),
            ptr::without_provenance_mut::<c_void>(ERROR_LOG_BYTES),
        ];
        let mut module = 0;
        // SAFETY: two options with two values; the log is writable for the size that is given.
        let code = unsafe {
            (self.module_load_data_ex)(
                &raw mut module,
                terminated.as_ptr().cast(),
                2,
                ERROR_LOG_OPTIONS.as_ptr(),
                values.as_ptr(),
            )
        };
        check(code).map(|()| module).map_err(|error| {
            let text = CStr::from_bytes_until_nul(&log).map(CStr::to_string_lossy);
            (error, text.unwrap_or_default().into_owned())
        })
    }

    /// `cuModuleUnload`.
    pub fn module_unload(&self, module: Handle) -> Result<()> {
        // SAFETY: the library checks handles.
        check(unsafe { (self.module_unload)(module) })
    }

    /// `cuModuleGetFunction`.
    pub fn module_get_function(&self, module: Handle, name: &CStr) -> Result<Handle> {
        let mut function = 0;
        // SAFETY: `function` is writable and `name` a C string; the library checks handles.
        check(unsafe { (self.module_get_function)(&raw mut function, module, name.as_ptr()) })
            .map(|()| function)
    }

    /// `cuModuleGetGlobal`: address and size in bytes.
    pub fn module_get_global(&self, module: Handle, name: &CStr) -> Result<(DevicePointer, usize)> {
        let (mut address, mut bytes) = (0, 0);
        // SAFETY: both results are writable and `name` a C string; the library checks handles.
        let code = unsafe {
            (self.module_get_global)(&raw mut address, &raw mut bytes, module, name.as_ptr())
        };
        check(code).map(|()| (address, bytes))
    }

    /// `cuMemAlloc`.
    pub fn mem_alloc(&self, bytes: usize) -> Result<DevicePointer> {
        let mut address = 0;
        // SAFETY: `address` is writable.
        check(unsafe { (self.mem_alloc)(&raw mut address, bytes) }).map(|()| address)
    }

    /// `cuMemFree`.
    pub fn mem_free(&self, address: DevicePointer) -> Result<()> {
        // SAFETY: the library checks device addresses.
        check(unsafe { (self.mem_free)(address) })
    }

    /// `cuMemcpyHtoD`.
    pub fn memcpy_htod(&self, address: DevicePointer, bytes: &[u8]) -> Result<()> {
        // SAFETY: the source is readable; the library checks device addresses.
        check(unsafe { (self.memcpy_htod)(address, bytes.as_ptr().cast(), bytes.len()) })
    }

    /// `cuMemcpyDtoH`.
    pub fn memcpy_dtoh(&self, bytes: &mut [u8], address: DevicePointer) -> Result<()> {
        // SAFETY: the target is writable; the library checks device addresses.
        check(unsafe { (self.memcpy_dtoh)(bytes.as_mut_ptr().cast(), address, bytes.len()) })
    }

    /// `cuMemsetD8`.
    pub fn memset_d8(&self, address: DevicePointer, value: u8, bytes: usize) -> Result<()> {
        // SAFETY: the library checks device addresses.
        check(unsafe { (self.memset_d8)(address, value, bytes) })
    }

    /// `cuLaunchKernel` in the default stream; every parameter is one 64-bit value.
    pub fn launch(
        &self,
        function: Handle,
        grid: Dimensions,
        block: Dimensions,
        shared_bytes: u32,
        parameters: &[u64],
    ) -> Result<()> {
        let pointers: Vec<*const c_void> = parameters
            .iter()
            .map(|parameter| ptr::from_ref(parameter).cast())
            .collect();
        // SAFETY: each pointer is to eight readable bytes; the library checks handles. The caller
        // gives as many parameters as the kernel has.
        check(unsafe {
            (self.launch_kernel)(
                function,
                grid[0],
                grid[1],
                grid[2],
                block[0],
                block[1],
                block[2],
                shared_bytes,
                0,
                pointers.as_ptr(),
                ptr::null(),
            )
        })
    }

    /// `cuStreamCreate`.
    pub fn stream_create(&self) -> Result<Handle> {
        let mut stream = 0;
        // SAFETY: `stream` is writable.
        check(unsafe { (self.stream_create)(&raw mut stream, 0) }).map(|()| stream)
    }

    /// `cuStreamDestroy`.
    pub fn stream_destroy(&self, stream: Handle) -> Result<()> {
        // SAFETY: the library checks handles.
        check(unsafe { (self.stream_destroy)(stream) })
    }

    /// `cuStreamSynchronize`.
    pub fn stream_synchronize(&self, stream: Handle) -> Result<()> {
        // SAFETY: the library checks handles.
        check(unsafe { (self.stream_synchronize)(stream) })
    }

    /// `cuEventCreate`.
    pub fn event_create(&self) -> Result<Handle> {
        let mut event = 0;
        // SAFETY: `event` is writable.
        check(unsafe { (self.event_create)(&raw mut event, 0) }).map(|()| event)
    }

    /// `cuEventDestroy`.
    pub fn event_destroy(&self, event: Handle) -> Result<()> {
        // SAFETY: the library checks handles.
        check(unsafe { (self.event_destroy)(event) })
    }

    /// `cuEventRecord`.
    pub fn event_record(&self, event: Handle, stream: Handle) -> Result<()> {
        // SAFETY: the library checks handles.
        check(unsafe { (self.event_record)(event, stream) })
    }
}
