//! The launch functions of the first CUDA releases: shape and parameters are set on the function one
//! by one, then it is launched.

use crate::c::{Handle, bytes};
use crate::call::exports;
use crate::result::CUresult;
use crate::runtime::{KERNELS, usable};
use std::collections::BTreeMap;
use std::ffi::{c_int, c_uint, c_void};
use std::sync::{Mutex, MutexGuard, PoisonError};
use weft_driver::{KernelLaunch, LaunchConfig, Work};

/// What was set on a function.
#[derive(Clone, Debug)]
struct Prepared {
    block: [u32; 3],
    shared_bytes: u32,
    parameters: Vec<u8>,
}

/// By handle of the function.
static PREPARED: Mutex<BTreeMap<usize, Prepared>> = Mutex::new(BTreeMap::new());

fn prepared() -> MutexGuard<'static, BTreeMap<usize, Prepared>> {
    // No operation under the lock can panic halfway, so a poisoned map is still whole.
    PREPARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Most bytes of parameters, as in every CUDA release.
const PARAMETER_BYTES_MAX: usize = 4096;

fn set<T>(
    function: Handle,
    change: impl FnOnce(&mut Prepared) -> Result<T, CUresult>,
) -> Result<T, CUresult> {
    KERNELS.get(function)?;
    let mut all = prepared();
    let entry = all.entry(function as usize).or_insert_with(|| Prepared {
        block: [1; 3],
        shared_bytes: 0,
        parameters: Vec::new(),
    });
    change(entry)
}

fn store(function: Handle, offset: c_int, value: &[u8]) -> Result<(), CUresult> {
    let start = usize::try_from(offset).map_err(|_| CUresult::INVALID_VALUE)?;
    let end = start
        .checked_add(value.len())
        .ok_or(CUresult::INVALID_VALUE)?;
    if end > PARAMETER_BYTES_MAX {
        return Err(CUresult::INVALID_VALUE);
    }
    set(function, |prepared| {
        if prepared.parameters.len() < end {
            prepared.parameters.resize(end, 0);
        }
        prepared.parameters[start..end].copy_from_slice(value);
        Ok(())
    })
}

fn launch(function: Handle, width: c_int, height: c_int, stream: Handle) -> Result<(), CUresult> {
    usable()?;
    let extent = |value| c_uint::try_from(value).map_err(|_| CUresult::INVALID_VALUE);
    let grid = [extent(width)?, extent(height)?, 1];
    let kernel = KERNELS.get(function)?;
    let prepared = set(function, |prepared| Ok(prepared.clone()))?;
    let mut parameters = prepared.parameters;
    parameters.resize(kernel.parameter_bytes() as usize, 0);
    let config = LaunchConfig {
        grid,
        block: prepared.block,
        shared_bytes: prepared.shared_bytes,
        cooperative: false,
    };
    super::stream::submit(
        stream,
        Work::Kernel(KernelLaunch {
            kernel,
            config,
            parameters,
        }),
    )
}

exports! {
    fn cuFuncSetBlockShape(function: Handle, x: c_int, y: c_int, z: c_int) {
        let extent = |value| match c_uint::try_from(value) {
            Ok(value) if value != 0 => Ok(value),
            _ => Err(CUresult::INVALID_VALUE),
        };
        let block = [extent(x)?, extent(y)?, extent(z)?];
        set(function, |prepared| {
            prepared.block = block;
            Ok(())
        })
    }

    fn cuFuncSetSharedSize(function: Handle, bytes: c_uint) {
        set(function, |prepared| {
            prepared.shared_bytes = bytes;
            Ok(())
        })
    }

    fn cuParamSetSize(function: Handle, size: c_uint) {
        let size = size as usize;
        if size > PARAMETER_BYTES_MAX {
            return Err(CUresult::INVALID_VALUE);
        }
        set(function, |prepared| {
            prepared.parameters.resize(size, 0);
            Ok(())
        })
    }

    fn cuParamSeti(function: Handle, offset: c_int, value: c_uint) {
        store(function, offset, &value.to_le_bytes())
    }

    fn cuParamSetf(function: Handle, offset: c_int, value: f32) {
        store(function, offset, &value.to_le_bytes())
    }

    fn cuParamSetv(function: Handle, offset: c_int, value: *const c_void, size: c_uint) {
        // SAFETY: the caller passes `size` bytes.
        store(function, offset, unsafe { bytes(value, size as usize) }?)
    }

    fn cuLaunch(function: Handle) {
        launch(function, 1, 1, std::ptr::null_mut())
    }

    fn cuLaunchGrid(function: Handle, width: c_int, height: c_int) {
        launch(function, width, height, std::ptr::null_mut())
    }

    fn cuLaunchGridAsync(function: Handle, width: c_int, height: c_int, stream: Handle) {
        launch(function, width, height, stream)
    }
}
