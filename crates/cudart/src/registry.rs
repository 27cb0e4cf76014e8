//! What nvcc-built programs announce at start-up, and the modules loaded from it.
//!
//! A program registers its fatbins, kernels and variables from static initialisers, before
//! `main` and before any driver exists; nothing is loaded until the first use. Host addresses
//! of kernel stubs and variables are the keys: the program never dereferences them on the
//! device's behalf.
//!
//! What a module or a kernel failed with is remembered: every later use of it gives the same
//! error, without another attempt. Only errors that come from the image are kept, because another
//! attempt after, say, a lack of memory may succeed.

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
    /// Module handle.
    module: PerDevice<usize>,
}

struct Symbol {
    fatbin: usize,
    name: CString,
    /// For a managed variable: where the program keeps the pointer to it.
    managed_pointer: Option<usize>,
    /// Device function, or device address and size in bytes of a variable.
    resolved: PerDevice<(u64, usize)>,
}

/// Outcomes of attempts that are made at most once a device.
struct PerDevice<T>(Vec<(c_int, Result<T, Error>)>);

impl<T: Copy> PerDevice<T> {
    const fn new() -> Self {
        Self(Vec::new())
    }

    /// The outcome on a device: of the first attempt if that settled it, else of this one.
    fn get_or_try(
        &mut self,
        device: c_int,
        attempt: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        if let Some(row) = self.0.iter().find(|row| row.0 == device) {
            return row.1;
        }
        let outcome = attempt();
        if outcome.is_ok() || outcome.is_err_and(Error::is_of_the_image) {
            self.0.push((device, outcome));
        }
        outcome
    }

    fn forget(&mut self, device: c_int) {
        self.0.retain(|row| row.0 != device);
    }
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
            module: PerDevice::new(),
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

/// Whether a kernel is registered by this host stub.
pub(crate) fn is_kernel(stub: *const c_void) -> bool {
    registry().kernels.contains_key(&(stub as usize))
}

/// The device function of a host stub.
///
/// # Errors
///
/// `INVALID_DEVICE_FUNCTION` if no kernel is registered by it or its module lacks the kernel; the
/// error of its module if that cannot be loaded.
pub(crate) fn kernel(stub: *const c_void) -> Result<Handle, Error> {
    let driver = with_context()?;
    let mut guard = registry();
    let Registry {
        fatbins, kernels, ..
    } = &mut *guard;
    let Symbol {
        fatbin,
        name,
        resolved,
        ..
    } = kernels
        .get_mut(&(stub as usize))
        .ok_or(Error::INVALID_DEVICE_FUNCTION)?;
    let (function, _) = resolved.get_or_try(device(), || {
        let module = module(driver, fatbins, *fatbin)?;
        let mut function: Handle = std::ptr::null_mut();
        // SAFETY: the module comes from the driver, the name is NUL-terminated.
        check(unsafe { (driver.cuModuleGetFunction)(&raw mut function, module, name.as_ptr()) })
            .map_err(|error| match error {
                Error::SYMBOL_NOT_FOUND => Error::INVALID_DEVICE_FUNCTION,
                other => other,
            })?;
        Ok((function as usize as u64, 0))
    })?;
    Ok(pointer(function))
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
        fatbin.module.forget(device);
    }
    let Registry {
        kernels, variables, ..
    } = &mut *registry;
    for symbol in kernels.values_mut().chain(variables.values_mut()) {
        symbol.resolved.forget(device);
    }
}

impl Symbol {
    fn new(fatbin: usize, name: CString, managed_pointer: Option<usize>) -> Self {
        Self {
            fatbin,
            name,
            managed_pointer,
            resolved: PerDevice::new(),
        }
    }
}

fn resolve_variable(
    driver: &Driver,
    fatbins: &mut BTreeMap<usize, Fatbin>,
    symbol: &mut Symbol,
) -> Result<(u64, usize), Error> {
    let Symbol {
        fatbin,
        name,
        managed_pointer,
        resolved,
    } = symbol;
    resolved.get_or_try(device(), || {
        let module = module(driver, fatbins, *fatbin)?;
        let mut address = 0;
        let mut bytes = 0;
        // SAFETY: the module comes from the driver, the name is NUL-terminated.
        check(unsafe {
            (driver.cuModuleGetGlobal_v2)(&raw mut address, &raw mut bytes, module, name.as_ptr())
        })
        .map_err(|error| match error {
            Error::SYMBOL_NOT_FOUND => Error::INVALID_SYMBOL,
            other => other,
        })?;
        if let Some(pointer) = *managed_pointer {
            // SAFETY: the program registered this location for this purpose; it is in its data.
            unsafe { (pointer as *mut u64).write(address) };
        }
        Ok((address, bytes))
    })
}

fn module(
    driver: &Driver,
    fatbins: &mut BTreeMap<usize, Fatbin>,
    id: usize,
) -> Result<Handle, Error> {
    let Fatbin { wrapper, module } = fatbins.get_mut(&id).ok_or(Error::INVALID_DEVICE_FUNCTION)?;
    let handle = module.get_or_try(device(), || {
        let mut module: Handle = std::ptr::null_mut();
        // SAFETY: the program registered the wrapper, which lives in its data.
        check(unsafe { (driver.cuModuleLoadData)(&raw mut module, *wrapper as *const c_void) })?;
        Ok(module as usize)
    })?;
    Ok(handle as Handle)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Outcomes of three attempts on device 0, and how many were made.
    fn attempts(first: Result<u64, Error>) -> ([Result<u64, Error>; 3], usize) {
        let mut outcomes = PerDevice::new();
        let mut made = 0;
        let all = [first, Ok(2), Ok(3)].map(|next| {
            outcomes.get_or_try(0, || {
                made += 1;
                next
            })
        });
        (all, made)
    }

    #[test]
    fn a_success_and_an_error_of_the_image_settle_the_outcome() {
        assert_eq!(attempts(Ok(1)), ([Ok(1); 3], 1));
        for number in [209, 218, 222, 801] {
            let error = Err(Error(number));
            assert_eq!(attempts(error), ([error; 3], 1));
        }
    }

    #[test]
    fn after_a_passing_error_the_next_attempt_counts() {
        let out_of_memory = Err(Error(2));
        let expected = [out_of_memory, Ok(2), Ok(2)];
        assert_eq!(attempts(out_of_memory), (expected, 2));
    }

    #[test]
    fn devices_are_apart_and_can_be_forgotten() {
        let no_image = Error(209);
        let mut outcomes = PerDevice::new();
        assert_eq!(outcomes.get_or_try(0, || Err(no_image)), Err(no_image));
        assert_eq!(outcomes.get_or_try(1, || Ok(1)), Ok(1));
        outcomes.forget(0);
        assert_eq!(outcomes.get_or_try(0, || Ok(2)), Ok(2));
        assert_eq!(outcomes.get_or_try(1, || Ok(3)), Ok(1));
    }
}
