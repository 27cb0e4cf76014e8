//! Any CUDA driver, opened at run time: an Nvidia GPU's, or this project's own `libcuda.so.1`.
//!
//! Source of signatures and result codes: CUDA Driver API reference, 12.0.

use super::{Accelerator, Arguments, DeviceAddress, DeviceCounters, Grid, KernelId};
use crate::error::Error;
use libloading::Library;
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::path::Path;
use std::ptr;

type Handle = *mut c_void;

macro_rules! driver {
    ($($name:ident($($ty:ty),*);)*) => {
        /// Addresses of the driver functions, named as exported.
        #[expect(non_snake_case, reason = "names of the C functions")]
        struct Driver {
            $($name: unsafe extern "C" fn($($ty),*) -> c_int,)*
            /// Keeps the functions loaded.
            _library: Library,
        }

        impl Driver {
            fn load(path: &Path) -> Result<Self, libloading::Error> {
                // SAFETY: the initialisers of a CUDA driver library have no precondition.
                let library = unsafe { Library::new(path) }?;
                Ok(Self {
                    $(
                        // SAFETY: the symbol has this signature in every CUDA driver since 12.0.
                        $name: *unsafe { library.get::<unsafe extern "C" fn($($ty),*) -> c_int>(
                            concat!(stringify!($name), "\0").as_bytes(),
                        ) }?,
                    )*
                    _library: library,
                })
            }
        }
    };
}

driver! {
    cuInit(c_uint);
    cuGetErrorName(c_int, *mut *const c_char);
    cuDeviceGet(*mut c_int, c_int);
    cuDeviceGetName(*mut c_char, c_int, c_int);
    cuDevicePrimaryCtxRetain(*mut Handle, c_int);
    cuDevicePrimaryCtxRelease_v2(c_int);
    cuCtxSetCurrent(Handle);
    cuMemGetInfo_v2(*mut usize, *mut usize);
    cuMemAlloc_v2(*mut u64, usize);
    cuMemFree_v2(u64);
    cuMemcpyHtoD_v2(u64, *const c_void, usize);
    cuMemcpyDtoH_v2(*mut c_void, u64, usize);
    cuMemcpyDtoD_v2(u64, u64, usize);
    cuModuleLoadData(*mut Handle, *const c_void);
    cuModuleGetFunction(*mut Handle, Handle, *const c_char);
    cuLaunchKernel(Handle, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, Handle, *mut *mut c_void, *mut *mut c_void);
}

/// See the module documentation. Allocations and modules live as long as it does.
pub struct CudaAccelerator {
    driver: Driver,
    name: String,
    device: c_int,
    context: Handle,
    /// Loaded PTX by the address of its text.
    modules: Vec<(&'static str, Handle)>,
    kernels: Vec<Handle>,
    launches: u64,
}

// SAFETY: handles of the driver API may be used from any thread, and every call here first makes
// the context current on its thread; a `&mut self` or `&self` is on one thread at a time, because
// the type is not `Sync`.
unsafe impl Send for CudaAccelerator {}

impl CudaAccelerator {
    /// Opens a driver library (`libcuda.so.1` is found as the loader finds it) and device
    /// `ordinal` of it.
    ///
    /// # Errors
    ///
    /// If there is no such library or device.
    pub fn open(library: &Path, ordinal: u32) -> Result<Self, Error> {
        let driver = Driver::load(library)
            .map_err(|error| Error::Accelerator(format!("{}: {error}", library.display())))?;
        // SAFETY: no precondition.
        driver.check("cuInit", unsafe { (driver.cuInit)(0) })?;
        let ordinal = c_int::try_from(ordinal).unwrap_or(c_int::MAX);
        let mut device = 0;
        // SAFETY: `device` is written, and outlives the call.
        let result = unsafe { (driver.cuDeviceGet)(&raw mut device, ordinal) };
        driver.check("cuDeviceGet", result)?;
        let mut text = [0u8; 128];
        // SAFETY: at most the 127 bytes said are written, into an array of 128 that stays 0 after.
        let result = unsafe { (driver.cuDeviceGetName)(text.as_mut_ptr().cast(), 127, device) };
        driver.check("cuDeviceGetName", result)?;
        let name = CStr::from_bytes_until_nul(&text)
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let mut context = ptr::null_mut();
        // SAFETY: `context` is written, and outlives the call.
        let result = unsafe { (driver.cuDevicePrimaryCtxRetain)(&raw mut context, device) };
        driver.check("cuDevicePrimaryCtxRetain", result)?;
        Ok(Self {
            driver,
            name,
            device,
            context,
            modules: Vec::new(),
            kernels: Vec::new(),
            launches: 0,
        })
    }

    /// Makes the context current on this thread.
    fn enter(&self) -> Result<&Driver, Error> {
        // SAFETY: the context is retained until `self` is dropped.
        let result = unsafe { (self.driver.cuCtxSetCurrent)(self.context) };
        self.driver.check("cuCtxSetCurrent", result)?;
        Ok(&self.driver)
    }
}

impl Driver {
    fn check(&self, what: &str, result: c_int) -> Result<(), Error> {
        if result == 0 {
            return Ok(());
        }
        let mut text = ptr::null();
        // SAFETY: `text` is written, and outlives the call.
        let found = unsafe { (self.cuGetErrorName)(result, &raw mut text) };
        let name = if found == 0 && !text.is_null() {
            // SAFETY: the driver gives a C string that lives as long as its library.
            let name = unsafe { CStr::from_ptr(text) };
            name.to_string_lossy().into_owned()
        } else {
            format!("error {result}")
        };
        Err(Error::Accelerator(format!("{what}: {name}")))
    }
}

impl Accelerator for CudaAccelerator {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn free_memory(&self) -> Result<u64, Error> {
        let driver = self.enter()?;
        let (mut free, mut total) = (0, 0);
        // SAFETY: both are written, and outlive the call.
        let result = unsafe { (driver.cuMemGetInfo_v2)(&raw mut free, &raw mut total) };
        driver.check("cuMemGetInfo", result)?;
        Ok(free as u64)
    }

    fn load(&mut self, ptx: &'static str, name: &str) -> Result<KernelId, Error> {
        let driver = self.enter()?;
        let loaded = self
            .modules
            .iter()
            .find(|(text, _)| ptr::eq(*text, ptx))
            .map(|&(_, module)| module);
        let module = if let Some(module) = loaded {
            module
        } else {
            let text = CString::new(ptx)
                .map_err(|_| Error::Accelerator("PTX with a NUL byte".to_owned()))?;
            let mut module = ptr::null_mut();
            // SAFETY: `module` is written; the text is NUL-terminated and read during the call.
            let result =
                unsafe { (driver.cuModuleLoadData)(&raw mut module, text.as_ptr().cast()) };
            driver.check("cuModuleLoadData", result)?;
            self.modules.push((ptx, module));
            module
        };
        let driver = &self.driver;
        let symbol = CString::new(name)
            .map_err(|_| Error::Accelerator("a kernel name with a NUL byte".to_owned()))?;
        let mut kernel = ptr::null_mut();
        // SAFETY: `kernel` is written; the module is loaded, the name NUL-terminated.
        let result =
            unsafe { (driver.cuModuleGetFunction)(&raw mut kernel, module, symbol.as_ptr()) };
        driver.check(name, result)?;
        self.kernels.push(kernel);
        Ok(KernelId(self.kernels.len() - 1))
    }

    fn allocate(&mut self, bytes: u64) -> Result<DeviceAddress, Error> {
        let driver = self.enter()?;
        let size = usize::try_from(bytes.max(1)).unwrap_or(usize::MAX);
        let mut address = 0;
        // SAFETY: `address` is written, and outlives the call.
        let result = unsafe { (driver.cuMemAlloc_v2)(&raw mut address, size) };
        driver.check("cuMemAlloc", result)?;
        Ok(address)
    }

    fn free(&mut self, address: DeviceAddress) -> Result<(), Error> {
        let driver = self.enter()?;
        // SAFETY: the driver refuses an address that it did not allocate.
        driver.check("cuMemFree", unsafe { (driver.cuMemFree_v2)(address) })
    }

    fn write(&mut self, to: DeviceAddress, bytes: &[u8]) -> Result<(), Error> {
        let driver = self.enter()?;
        if bytes.is_empty() {
            return Ok(());
        }
        // SAFETY: the source is read in its length; the driver checks the device range.
        let result = unsafe { (driver.cuMemcpyHtoD_v2)(to, bytes.as_ptr().cast(), bytes.len()) };
        driver.check("cuMemcpyHtoD", result)
    }

    fn read(&mut self, from: DeviceAddress, bytes: &mut [u8]) -> Result<(), Error> {
        let driver = self.enter()?;
        if bytes.is_empty() {
            return Ok(());
        }
        // SAFETY: the destination is written in its length; the driver checks the device range.
        let result =
            unsafe { (driver.cuMemcpyDtoH_v2)(bytes.as_mut_ptr().cast(), from, bytes.len()) };
        driver.check("cuMemcpyDtoH", result)
    }

    fn copy(&mut self, to: DeviceAddress, from: DeviceAddress, bytes: u64) -> Result<(), Error> {
        let driver = self.enter()?;
        let size = usize::try_from(bytes).unwrap_or(usize::MAX);
        // SAFETY: the driver checks both device ranges.
        let result = unsafe { (driver.cuMemcpyDtoD_v2)(to, from, size) };
        driver.check("cuMemcpyDtoD", result)
    }

    fn launch(&mut self, kernel: KernelId, grid: Grid, arguments: &Arguments) -> Result<(), Error> {
        let driver = self.enter()?;
        let block = arguments.bytes();
        let mut pointers: Vec<*mut c_void> = arguments
            .offsets()
            .iter()
            .map(|&offset| block[offset..].as_ptr().cast_mut().cast())
            .collect();
        let [x, y, z] = grid.ctas;
        let (stream, extra) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: each pointer is to a value in `block`, of the size of the kernel's parameter
        // (the caller's duty, as for the chip), which is read during the call and not written.
        let result = unsafe {
            (driver.cuLaunchKernel)(
                self.kernels[kernel.0],
                x,
                y,
                z,
                grid.threads,
                1,
                1,
                0,
                stream,
                pointers.as_mut_ptr(),
                extra,
            )
        };
        driver.check("cuLaunchKernel", result)?;
        self.launches += 1;
        Ok(())
    }

    fn counters(&self) -> DeviceCounters {
        DeviceCounters {
            launches: self.launches,
            ..DeviceCounters::default()
        }
    }
}

impl Drop for CudaAccelerator {
    fn drop(&mut self) {
        // SAFETY: retained once by `open`. A driver that refuses keeps the context: harmless.
        let _ = unsafe { (self.driver.cuDevicePrimaryCtxRelease_v2)(self.device) };
    }
}
