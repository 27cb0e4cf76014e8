//! What nvcc-built programs announce at start-up, and the modules loaded from it.
//!
//! A program registers its fatbins, kernels and variables from static initialisers, before
//! `main` and before any driver exists; nothing is loaded until the first use. Host addresses
//! of kernel stubs and variables are the keys: the program never dereferences them on the
//! device's behalf.

use crate::c::{Handle, pointer};
use crate::driver::{Driver, check, device, with_context};
use crate::error::Error;
use std::collections::BTreeMap;
use std::ffi::{CString, c_int, c_void};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Everything registered.
#[derive(Default)]
struct Registry {
    /// Serial number of the last fatbin.
    last_fatbin: usize,
    fatbins: BTreeMap<usize, Fatbin>,
    /// By host address of the kernel stub.
    kernels: BTreeMap<usize, Symbol>,
    /// By host address of the shadow variable.
    variables: BTreeMap<usize, Symbol>,
}

struct Fatbin {
    /// Address of the wrapper in the program's data.
    wrapper: usize,
    /// Module handle by device, once loaded.
    modules: Vec<(c_int, usize)>,
}

struct Symbol {
    fatbin: usize,
    name: CString,
    /// For a managed variable: where the program keeps the pointer to it.
    managed_pointer: Option<usize>,
    /// Device function or address by device, once looked up.
    resolved: Vec<(c_int, u64)>,
    bytes: usize,
}

fn registry() -> MutexGuard<'static, Registry> {
    static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
        last_fatbin: 0,
        fatbins: BTreeMap::new(),
        kernels: BTreeMap::new(),
        variables: BTreeMap::new(),
    });
    // No operation under the lock panics halfway, so a poisoned registry is still whole.
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes a fatbin wrapper; the result identifies it.
pub(crate) fn add_fatbin(wrapper: *const c_void) -> usize {
    let mut registry = registry();
    registry.last_fatbin += 1;
    let id = registry.last_fatbin;
    registry.fatbins.insert(
        id,
        Fatbin {
            wrapper: wrapper as usize,
            modules: Vec::new(),
        },
    );
    id
}

/// Forgets a fatbin and what belongs to it.
pub(crate) fn remove_fatbin(id: usize) {
    let mut registry = registry();
    registry.fatbins.remove(&id);
    registry.kernels.retain(|_, symbol| symbol.fatbin != id);
    registry.variables.retain(|_, symbol| symbol.fatbin != id);
}

/// Notes a kernel by the address of its host stub.
pub(crate) fn add_kernel(fatbin: usize, stub: *const c_void, name: CString) {
    registry()
        .kernels
        .insert(stub as usize, Symbol::new(fatbin, name, None));
}

/// Notes a variable by the address of its host shadow; for a managed variable,
/// `managed_pointer` is where its address is to be stored when it is known.
pub(crate) fn add_variable(
    fatbin: usize,
    shadow: *const c_void,
    name: CString,
    managed_pointer: Option<*mut *mut c_void>,
) {
    let symbol = Symbol::new(
        fatbin,
        name,
        managed_pointer.map(|pointer| pointer as usize),
    );
    registry().variables.insert(shadow as usize, symbol);
}

/// The device function of a host stub.
pub(crate) fn kernel(stub: *const c_void) -> Result<Handle, Error> {
    let driver = with_context()?;
    let mut guard = registry();
    let Registry {
        fatbins, kernels, ..
    } = &mut *guard;
    let symbol = kernels
        .get_mut(&(stub as usize))
        .ok_or(Error::INVALID_DEVICE_FUNCTION)?;
    if let Some(value) = symbol.known() {
        return Ok(pointer(value));
    }
    let module = module(driver, fatbins, symbol.fatbin)?;
    let mut function: Handle = std::ptr::null_mut();
    // SAFETY: the module comes from the driver, the name is NUL-terminated.
    check(unsafe {
        (driver.cuModuleGetFunction)(&raw mut function, module, symbol.name.as_ptr())
    })?;
    symbol.resolved.push((device(), function as usize as u64));
    Ok(function)
}

/// Device address and size in bytes of a variable.
pub(crate) fn variable(shadow: *const c_void) -> Result<(u64, usize), Error> {
    let driver = with_context()?;
    let mut guard = registry();
    let Registry {
        fatbins, variables, ..
    } = &mut *guard;
    let symbol = variables
        .get_mut(&(shadow as usize))
        .ok_or(Error::INVALID_SYMBOL)?;
    resolve_variable(driver, fatbins, symbol)
}

/// Stores the addresses of all managed variables where the program reads them.
pub(crate) fn publish_managed_variables() -> Result<(), Error> {
    let driver = with_context()?;
    let mut guard = registry();
    let Registry {
        fatbins, variables, ..
    } = &mut *guard;
    for symbol in variables.values_mut() {
        if symbol.managed_pointer.is_some() {
            resolve_variable(driver, fatbins, symbol)?;
        }
    }
    Ok(())
}

/// Forgets what was loaded on the thread's device, after its context was reset.
pub(crate) fn forget_loaded() {
    let device = device();
    let mut registry = registry();
    for fatbin in registry.fatbins.values_mut() {
        fatbin.modules.retain(|row| row.0 != device);
    }
    let Registry {
        kernels, variables, ..
    } = &mut *registry;
    for symbol in kernels.values_mut().chain(variables.values_mut()) {
        symbol.resolved.retain(|row| row.0 != device);
    }
}

impl Symbol {
    fn new(fatbin: usize, name: CString, managed_pointer: Option<usize>) -> Self {
        Self {
            fatbin,
            name,
            managed_pointer,
            resolved: Vec::new(),
            bytes: 0,
        }
    }

    fn known(&self) -> Option<u64> {
        let device = device();
        let row = self.resolved.iter().find(|row| row.0 == device)?;
        Some(row.1)
    }
}

fn resolve_variable(
    driver: &Driver,
    fatbins: &mut BTreeMap<usize, Fatbin>,
    symbol: &mut Symbol,
) -> Result<(u64, usize), Error> {
    if let Some(address) = symbol.known() {
        return Ok((address, symbol.bytes));
    }
    let module = module(driver, fatbins, symbol.fatbin)?;
    let mut address = 0;
    let mut bytes = 0;
    // SAFETY: the module comes from the driver, the name is NUL-terminated.
    check(unsafe {
        (driver.cuModuleGetGlobal_v2)(
            &raw mut address,
            &raw mut bytes,
            module,
            symbol.name.as_ptr(),
        )
    })
    .map_err(|_| Error::INVALID_SYMBOL)?;
    symbol.bytes = bytes;
    symbol.resolved.push((device(), address));
    if let Some(pointer) = symbol.managed_pointer {
        // SAFETY: the program registered this location for this purpose; it is in its data.
        unsafe { (pointer as *mut u64).write(address) };
    }
    Ok((address, bytes))
}

fn module(
    driver: &Driver,
    fatbins: &mut BTreeMap<usize, Fatbin>,
    id: usize,
) -> Result<Handle, Error> {
    let fatbin = fatbins.get_mut(&id).ok_or(Error::INVALID_DEVICE_FUNCTION)?;
    let device = device();
    if let Some(row) = fatbin.modules.iter().find(|row| row.0 == device) {
        return Ok(row.1 as Handle);
    }
    let mut module: Handle = std::ptr::null_mut();
    // SAFETY: the program registered the wrapper, which lives in its data.
    check(unsafe { (driver.cuModuleLoadData)(&raw mut module, fatbin.wrapper as *const c_void) })?;
    fatbin.modules.push((device, module as usize));
    Ok(module)
}
