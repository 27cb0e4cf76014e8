//! The few functions of the CUDA driver API that the program uses, loaded at run time.
//!
//! Signatures: CUDA Driver API reference manual, sections 6.2 (initialisation) to 6.22
//! (execution control). Each wrapper owns what it made and gives it back when dropped.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::fmt;
use std::marker::PhantomData;
use std::ptr;

use libloading::Library;

/// `CUresult`.
type Status = c_int;

/// `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR`.
const ATTRIBUTE_CAPABILITY_MAJOR: c_int = 75;
/// `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR`.
const ATTRIBUTE_CAPABILITY_MINOR: c_int = 76;

/// Why a step did not succeed.
#[derive(Debug)]
pub(crate) enum Error {
    /// The library or one of its functions cannot be loaded.
    Library(libloading::Error),
    /// A function answered with an error.
    Call {
        /// Name of the function.
        function: &'static str,
        /// `CUresult` as a number.
        status: Status,
        /// `CUresult` as text, where the library has one.
        name: String,
    },
}

impl From<libloading::Error> for Error {
    fn from(error: libloading::Error) -> Self {
        Self::Library(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Library(error) => write!(formatter, "failed to load the CUDA driver: {error}"),
            Self::Call {
                function,
                status,
                name,
            } => write!(formatter, "{function} failed with {status} ({name})"),
        }
    }
}

/// Declares the function table: each entry is loaded once by its exported name.
macro_rules! functions {
    ($($field:ident = $symbol:literal ($($argument:ty),*);)*) => {
        struct Functions {
            $($field: unsafe extern "C" fn($($argument),*) -> Status,)*
        }

        impl Functions {
            fn load(library: &Library) -> Result<Self, libloading::Error> {
                Ok(Self {
                    $(
                        // SAFETY: the type is the function's documented C signature.
                        $field: unsafe { *library.get($symbol)? },
                    )*
                })
            }
        }
    };
}

functions! {
    init = b"cuInit\0" (c_uint);
    error_name = b"cuGetErrorName\0" (Status, *mut *const c_char);
    device_get = b"cuDeviceGet\0" (*mut c_int, c_int);
    device_get_name = b"cuDeviceGetName\0" (*mut c_char, c_int, c_int);
    device_get_attribute = b"cuDeviceGetAttribute\0" (*mut c_int, c_int, c_int);
    primary_context_retain = b"cuDevicePrimaryCtxRetain\0" (*mut *mut c_void, c_int);
    primary_context_release = b"cuDevicePrimaryCtxRelease_v2\0" (c_int);
    context_set_current = b"cuCtxSetCurrent\0" (*mut c_void);
    context_synchronize = b"cuCtxSynchronize\0" ();
    module_load_data = b"cuModuleLoadData\0" (*mut *mut c_void, *const c_void);
    module_unload = b"cuModuleUnload\0" (*mut c_void);
    module_get_function = b"cuModuleGetFunction\0" (*mut *mut c_void, *mut c_void, *const c_char);
    mem_alloc = b"cuMemAlloc_v2\0" (*mut u64, usize);
    mem_free = b"cuMemFree_v2\0" (u64);
    copy_to_device = b"cuMemcpyHtoD_v2\0" (u64, *const c_void, usize);
    copy_to_host = b"cuMemcpyDtoH_v2\0" (*mut c_void, u64, usize);
    launch_kernel = b"cuLaunchKernel\0" (
        *mut c_void,
        c_uint, c_uint, c_uint,
        c_uint, c_uint, c_uint,
        c_uint, *mut c_void, *mut *mut c_void, *mut *mut c_void
    );
}

/// The loaded and initialised driver.
pub(crate) struct Driver {
    functions: Functions,
    /// Keeps `functions` valid.
    _library: Library,
}

impl Driver {
    /// Opens `libcuda.so.1` from the loader's path and initialises it.
    pub(crate) fn open() -> Result<Self, Error> {
        // SAFETY: a driver library's initialisers ask nothing of the program.
        let library = unsafe { Library::new("libcuda.so.1") }?;
        let functions = Functions::load(&library)?;
        let driver = Self {
            functions,
            _library: library,
        };
        // SAFETY: takes no pointer; 0 is the only defined value of the flags.
        let status = unsafe { (driver.functions.init)(0) };
        driver.check("cuInit", status)?;
        Ok(driver)
    }

    /// Device 0.
    pub(crate) fn first_device(&self) -> Result<Device<'_>, Error> {
        let mut ordinal = 0;
        // SAFETY: the pointer is to a live `CUdevice`.
        let status = unsafe { (self.functions.device_get)(&raw mut ordinal, 0) };
        self.check("cuDeviceGet", status)?;
        Ok(Device {
            driver: self,
            ordinal,
        })
    }

    fn check(&self, function: &'static str, status: Status) -> Result<(), Error> {
        if status == 0 {
            return Ok(());
        }
        let mut text = ptr::null();
        // SAFETY: the pointer is to a live `const char *`.
        let found = unsafe { (self.functions.error_name)(status, &raw mut text) };
        let name = if found == 0 && !text.is_null() {
            // SAFETY: on success the driver stores a pointer to a static C string.
            unsafe { CStr::from_ptr(text) }
                .to_string_lossy()
                .into_owned()
        } else {
            "no name".to_owned()
        };
        Err(Error::Call {
            function,
            status,
            name,
        })
    }
}

/// A device of the driver.
#[derive(Clone, Copy)]
pub(crate) struct Device<'a> {
    driver: &'a Driver,
    ordinal: c_int,
}

impl<'a> Device<'a> {
    /// The marketing name.
    pub(crate) fn name(&self) -> Result<String, Error> {
        let mut bytes = [0; 128];
        // SAFETY: the buffer holds the 128 characters that the call is told of.
        let status = unsafe {
            (self.driver.functions.device_get_name)(bytes.as_mut_ptr(), 128, self.ordinal)
        };
        self.driver.check("cuDeviceGetName", status)?;
        // SAFETY: the driver ends the name with a zero inside the buffer.
        let name = unsafe { CStr::from_ptr(bytes.as_ptr()) };
        Ok(name.to_string_lossy().into_owned())
    }

    /// Major and minor compute capability.
    pub(crate) fn compute_capability(&self) -> Result<(c_int, c_int), Error> {
        Ok((
            self.attribute(ATTRIBUTE_CAPABILITY_MAJOR)?,
            self.attribute(ATTRIBUTE_CAPABILITY_MINOR)?,
        ))
    }

    fn attribute(&self, attribute: c_int) -> Result<c_int, Error> {
        let mut value = 0;
        // SAFETY: the pointer is to a live `int`.
        let status = unsafe {
            (self.driver.functions.device_get_attribute)(&raw mut value, attribute, self.ordinal)
        };
        self.driver.check("cuDeviceGetAttribute", status)?;
        Ok(value)
    }

    /// The device's primary context, made current on this thread.
    pub(crate) fn context(&self) -> Result<Context<'a>, Error> {
        let mut handle = ptr::null_mut();
        // SAFETY: the pointer is to a live `CUcontext`.
        let status = unsafe {
            (self.driver.functions.primary_context_retain)(&raw mut handle, self.ordinal)
        };
        self.driver.check("cuDevicePrimaryCtxRetain", status)?;
        let context = Context { device: *self };
        // SAFETY: the handle was retained just above and lives as long as `context`.
        let status = unsafe { (self.driver.functions.context_set_current)(handle) };
        self.driver.check("cuCtxSetCurrent", status)?;
        Ok(context)
    }
}

/// A retained primary context.
pub(crate) struct Context<'a> {
    device: Device<'a>,
}

impl Context<'_> {
    /// Loads PTX text.
    pub(crate) fn load(&self, ptx: &str) -> Result<Module<'_>, Error> {
        let text = CString::new(ptx).expect("PTX text holds no zero byte");
        let mut handle = ptr::null_mut();
        // SAFETY: `text` ends with a zero, as PTX images must.
        let status =
            unsafe { (self.functions().module_load_data)(&raw mut handle, text.as_ptr().cast()) };
        self.check("cuModuleLoadData", status)?;
        Ok(Module {
            context: self,
            handle,
        })
    }

    /// Device memory with the contents of `host`.
    pub(crate) fn upload<T: Element>(&self, host: &[T]) -> Result<Array<'_, T>, Error> {
        let mut address = 0;
        let bytes = size_of_val(host);
        // SAFETY: the pointer is to a live `CUdeviceptr`.
        let status = unsafe { (self.functions().mem_alloc)(&raw mut address, bytes) };
        self.check("cuMemAlloc", status)?;
        let array = Array {
            context: self,
            address,
            count: host.len(),
            element: PhantomData,
        };
        // SAFETY: source and destination are both `bytes` long.
        let status =
            unsafe { (self.functions().copy_to_device)(address, host.as_ptr().cast(), bytes) };
        self.check("cuMemcpyHtoD", status)?;
        Ok(array)
    }

    /// Waits until all launched work is done.
    pub(crate) fn synchronize(&self) -> Result<(), Error> {
        // SAFETY: takes no argument.
        let status = unsafe { (self.functions().context_synchronize)() };
        self.check("cuCtxSynchronize", status)
    }

    fn functions(&self) -> &Functions {
        &self.device.driver.functions
    }

    fn check(&self, function: &'static str, status: Status) -> Result<(), Error> {
        self.device.driver.check(function, status)
    }
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        // SAFETY: undoes the retain in `Device::context`.
        let _ = unsafe { (self.functions().primary_context_release)(self.device.ordinal) };
    }
}

/// A type that device and host store alike.
pub(crate) trait Element: Copy + Default {}
impl Element for f32 {}
impl Element for i32 {}

/// An array in device memory.
pub(crate) struct Array<'a, T> {
    context: &'a Context<'a>,
    address: u64,
    count: usize,
    element: PhantomData<T>,
}

impl<T: Element> Array<'_, T> {
    /// The contents, after all work launched before.
    pub(crate) fn download(&self) -> Result<Vec<T>, Error> {
        let mut host = vec![T::default(); self.count];
        let bytes = size_of_val(host.as_slice());
        // SAFETY: source and destination are both `bytes` long, and any bits are a `T`.
        let status = unsafe {
            (self.context.functions().copy_to_host)(host.as_mut_ptr().cast(), self.address, bytes)
        };
        self.context.check("cuMemcpyDtoH", status)?;
        Ok(host)
    }
}

impl<T> Drop for Array<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the address came from `cuMemAlloc` and is freed once.
        let _ = unsafe { (self.context.functions().mem_free)(self.address) };
    }
}

/// A loaded module.
pub(crate) struct Module<'a> {
    context: &'a Context<'a>,
    handle: *mut c_void,
}

impl Module<'_> {
    /// The kernel `name`.
    pub(crate) fn kernel(&self, name: &CStr) -> Result<Kernel<'_>, Error> {
        let mut handle = ptr::null_mut();
        // SAFETY: the module is loaded and `name` is a C string.
        let status = unsafe {
            (self.context.functions().module_get_function)(
                &raw mut handle,
                self.handle,
                name.as_ptr(),
            )
        };
        self.context.check("cuModuleGetFunction", status)?;
        Ok(Kernel {
            module: self,
            handle,
        })
    }
}

impl Drop for Module<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle came from `cuModuleLoadData` and is unloaded once.
        let _ = unsafe { (self.context.functions().module_unload)(self.handle) };
    }
}

/// One kernel parameter.
#[derive(Clone, Copy)]
pub(crate) enum Parameter {
    /// A device address.
    Address(u64),
    /// A signed 32-bit number.
    Int(i32),
    /// A 32-bit floating-point number.
    Float(f32),
}

impl<T> From<&Array<'_, T>> for Parameter {
    fn from(array: &Array<'_, T>) -> Self {
        Self::Address(array.address)
    }
}

impl Parameter {
    fn as_pointer(&self) -> *mut c_void {
        match self {
            Self::Address(value) => ptr::from_ref(value).cast_mut().cast(),
            Self::Int(value) => ptr::from_ref(value).cast_mut().cast(),
            Self::Float(value) => ptr::from_ref(value).cast_mut().cast(),
        }
    }
}

/// A kernel of a loaded module.
pub(crate) struct Kernel<'a> {
    module: &'a Module<'a>,
    handle: *mut c_void,
}

impl Kernel<'_> {
    /// Launches `grid` blocks of `block` threads (x, y) on the default stream.
    ///
    /// # Safety
    /// `parameters` must match the kernel's own in number, order and type, and the arrays
    /// among them must be as long as the kernel assumes.
    pub(crate) unsafe fn launch(
        &self,
        grid: (u32, u32),
        block: (u32, u32),
        parameters: &[Parameter],
    ) -> Result<(), Error> {
        let mut pointers: Vec<*mut c_void> = parameters.iter().map(Parameter::as_pointer).collect();
        let context = self.module.context;
        // SAFETY: the pointers are to live values of the types the caller promised.
        let status = unsafe {
            (context.functions().launch_kernel)(
                self.handle,
                grid.0,
                grid.1,
                1,
                block.0,
                block.1,
                1,
                0,
                ptr::null_mut(),
                pointers.as_mut_ptr(),
                ptr::null_mut(),
            )
        };
        context.check("cuLaunchKernel", status)
    }
}
