//! Attributes of coredumps. None is ever made: a fault is reported with kernel, thread, address and line
//! instead. Programs can read and set where and how one would be made, but not switch that on.

use crate::c::{Handle, bytes, get, put, text};
use crate::call::exports;
use crate::handle::Registry;
use crate::result::CUresult;
use crate::runtime::{current, device};
use std::collections::BTreeMap;
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::sync::{Arc, Mutex, PoisonError};

/// `CUcoredumpSettings`.
mod setting {
    pub(super) const ENABLE_ON_EXCEPTION: u32 = 1;
    pub(super) const TRIGGER_HOST: u32 = 2;
    pub(super) const LIGHTWEIGHT: u32 = 3;
    pub(super) const ENABLE_USER_TRIGGER: u32 = 4;
    pub(super) const FILE: u32 = 5;
    pub(super) const PIPE: u32 = 6;
    pub(super) const GENERATION_FLAGS: u32 = 7;
}

/// Most bytes of a path, its end included.
const PATH_BYTES: usize = 1024;

/// What programs set, by context (0 for all) and attribute.
static SET: Mutex<BTreeMap<(u64, u32), Vec<u8>>> = Mutex::new(BTreeMap::new());
/// Registrations of functions to be called when a dump begins or ends.
static CALLBACKS: Registry<()> = Registry::new(19, CUresult::INVALID_VALUE);

/// Bytes that a value has.
const fn size_of_setting(attribute: c_uint) -> Result<usize, CUresult> {
    match attribute {
        setting::ENABLE_ON_EXCEPTION
        | setting::TRIGGER_HOST
        | setting::LIGHTWEIGHT
        | setting::ENABLE_USER_TRIGGER => Ok(1),
        setting::FILE | setting::PIPE => Ok(PATH_BYTES),
        setting::GENERATION_FLAGS => Ok(size_of::<c_int>()),
        _ => Err(CUresult::INVALID_VALUE),
    }
}

/// The value for a context, else for all, else what it is without being set.
fn value_of(context: u64, attribute: c_uint) -> Vec<u8> {
    let set = SET.lock().unwrap_or_else(PoisonError::into_inner);
    let found = set
        .get(&(context, attribute))
        .or_else(|| set.get(&(0, attribute)));
    found.cloned().unwrap_or_else(|| match attribute {
        setting::TRIGGER_HOST => vec![1],
        setting::FILE => default_path("core"),
        setting::PIPE => default_path("corepipe"),
        setting::GENERATION_FLAGS => vec![0; size_of::<c_int>()],
        _ => vec![0],
    })
}

fn default_path(kind: &str) -> Vec<u8> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{kind}.cuda.{}.{}", host.trim(), std::process::id()).into_bytes()
}

/// # Safety
/// `size` is null or valid; `value` is null or valid for as many bytes as it says.
unsafe fn read(
    context: u64,
    attribute: c_uint,
    value: *mut c_void,
    size: *mut usize,
) -> Result<(), CUresult> {
    let needed = size_of_setting(attribute)?;
    if value.is_null() {
        // SAFETY: the caller's pointer.
        return unsafe { put(size, needed) };
    }
    let mut found = value_of(context, attribute);
    if needed == PATH_BYTES {
        found.truncate(PATH_BYTES - 1);
        found.push(0);
    }
    // SAFETY: as above.
    if unsafe { get(size) }? < found.len() {
        return Err(CUresult::INVALID_VALUE);
    }
    // SAFETY: the caller's bytes.
    let target = unsafe { crate::c::bytes_mut(value, found.len()) }?;
    target.copy_from_slice(&found);
    Ok(())
}

/// # Safety
/// As [`read`]; a path is a NUL-terminated string.
unsafe fn write(
    context: u64,
    attribute: c_uint,
    value: *mut c_void,
    size: *mut usize,
) -> Result<(), CUresult> {
    let needed = size_of_setting(attribute)?;
    if value.is_null() {
        // SAFETY: the caller's pointer.
        return unsafe { put(size, needed) };
    }
    let new = if needed == PATH_BYTES {
        // SAFETY: the caller's string.
        let path = unsafe { text(value.cast::<c_char>()) }?;
        if path.len() >= PATH_BYTES {
            return Err(CUresult::INVALID_VALUE);
        }
        path.as_bytes().to_vec()
    } else {
        // SAFETY: the caller's bytes.
        unsafe { bytes(value, needed) }?.to_vec()
    };
    let switches_on = matches!(
        attribute,
        setting::ENABLE_ON_EXCEPTION | setting::ENABLE_USER_TRIGGER
    ) && new != [0];
    if switches_on {
        return Err(CUresult::NOT_SUPPORTED);
    }
    let mut set = SET.lock().unwrap_or_else(PoisonError::into_inner);
    set.insert((context, attribute), new);
    Ok(())
}

/// Registers a function; it is never called, because no dump is made.
///
/// # Safety
/// `out` is null or valid.
unsafe fn register(function: *const c_void, out: *mut Handle) -> Result<(), CUresult> {
    device()?;
    if function.is_null() || out.is_null() {
        return Err(CUresult::INVALID_VALUE);
    }
    // SAFETY: the caller's pointer.
    unsafe { put(out, CALLBACKS.insert(Arc::new(()))) }
}

exports! {
    fn cuCoredumpGetAttribute(attribute: c_uint, value: *mut c_void, size: *mut usize) {
        // SAFETY: the caller's pointers.
        unsafe { read(current()?.id(), attribute, value, size) }
    }

    fn cuCoredumpGetAttributeGlobal(attribute: c_uint, value: *mut c_void, size: *mut usize) {
        // SAFETY: the caller's pointers.
        unsafe { read(0, attribute, value, size) }
    }

    fn cuCoredumpSetAttribute(attribute: c_uint, value: *mut c_void, size: *mut usize) {
        let context = current()?.id();
        // The pipe is that of the process.
        if matches!(attribute, setting::ENABLE_USER_TRIGGER | setting::PIPE) {
            return Err(CUresult::NOT_SUPPORTED);
        }
        // SAFETY: the caller's pointers.
        unsafe { write(context, attribute, value, size) }
    }

    fn cuCoredumpSetAttributeGlobal(attribute: c_uint, value: *mut c_void, size: *mut usize) {
        // SAFETY: the caller's pointers.
        unsafe { write(0, attribute, value, size) }
    }

    fn cuCoredumpRegisterStartCallback(
        function: *const c_void, _data: *mut c_void, out: *mut Handle,
    ) {
        // SAFETY: the caller's pointer.
        unsafe { register(function, out) }
    }

    fn cuCoredumpRegisterCompleteCallback(
        function: *const c_void, _data: *mut c_void, out: *mut Handle,
    ) {
        // SAFETY: the caller's pointer.
        unsafe { register(function, out) }
    }

    fn cuCoredumpDeregisterStartCallback | cuCoredumpDeregisterCompleteCallback(
        callback: Handle,
    ) {
        CALLBACKS.remove(callback).map(|_| ())
    }
}
