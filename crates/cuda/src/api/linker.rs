//! The JIT linker.

use super::module::JitOptions;
use crate::c::{Handle, bytes, put, text};
use crate::call::exports;
use crate::result::CUresult;
use crate::runtime::{LINKERS, LinkState, code, usable};
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use weft_driver::{Error, Linker};

/// `CUjitInputType`.
mod input {
    pub(super) const CUBIN: i32 = 0;
    pub(super) const PTX: i32 = 1;
    pub(super) const FATBINARY: i32 = 2;
    pub(super) const LIBRARY: i32 = 4;
}

fn add(
    state: Handle,
    kind: c_int,
    name: &str,
    data: &[u8],
    options: JitOptions,
) -> Result<(), CUresult> {
    let state = LINKERS.get(state)?;
    let mut linker = state.linker.lock().unwrap_or_else(PoisonError::into_inner);
    match kind {
        input::PTX | input::FATBINARY => linker
            .add(name, data)
            .map_err(|error| options.report(error)),
        input::LIBRARY => linker
            .add_library(name, data)
            .map_err(|error| options.report(error)),
        input::CUBIN => Err(code(Linker::refuse_machine_code())),
        _ => Err(code(Error::NotSupported(format!(
            "linking input `{name}` of type {kind} (CUjitInputType)"
        )))),
    }
}

exports! {
    fn cuLinkCreate_v2 | cuLinkCreate(
        _count: c_uint, _names: *const c_int, _values: *const *mut c_void, out: *mut Handle,
    ) {
        let context = usable()?;
        if out.is_null() {
            return Err(CUresult::INVALID_VALUE);
        }
        let state = LinkState {
            linker: Mutex::new(Linker::new(context.device())),
            image: OnceLock::new(),
        };
        // SAFETY: not null, and valid by the caller's contract.
        unsafe { put(out, LINKERS.insert(Arc::new(state))) }
    }

    fn cuLinkAddData_v2 | cuLinkAddData(
        state: Handle, kind: c_int, data: *const c_void, size: usize, name: *const c_char,
        count: c_uint, names: *const c_int, values: *const *mut c_void,
    ) {
        // SAFETY: the caller passes `size` bytes.
        let data = unsafe { bytes(data, size) }?;
        let name = if name.is_null() {
            "<unnamed>"
        } else {
            // SAFETY: the caller's string.
            unsafe { text(name) }?
        };
        add(state, kind, name, data, JitOptions { count, names, values })
    }

    fn cuLinkAddFile_v2 | cuLinkAddFile(
        state: Handle, kind: c_int, path: *const c_char, count: c_uint, names: *const c_int,
        values: *const *mut c_void,
    ) {
        // SAFETY: the caller's string.
        let path = unsafe { text(path) }?;
        let data = std::fs::read(path).map_err(|error| {
            code(Error::File { path: path.to_owned(), reason: error.to_string() })
        })?;
        add(state, kind, path, &data, JitOptions { count, names, values })
    }

    /// The image belongs to the link state and lives until `cuLinkDestroy`.
    fn cuLinkComplete(state: Handle, image: *mut *const c_void, size: *mut usize) {
        let state = LINKERS.get(state)?;
        if state.image.get().is_none() {
            let linker = state.linker.lock().unwrap_or_else(PoisonError::into_inner);
            let made = linker.complete().map_err(code)?;
            // Another thread may have completed it too, with the same result.
            let _ = state.image.set(made);
        }
        let made = state.image.get().ok_or(CUresult::UNKNOWN)?;
        // SAFETY: the caller passes valid out pointers.
        unsafe { put(image, made.as_ptr().cast()) }?;
        // SAFETY: as above.
        unsafe { put(size, made.len()) }
    }

    fn cuLinkDestroy(state: Handle) {
        LINKERS.remove(state).map(|_| ())
    }
}
