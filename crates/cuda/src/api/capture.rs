//! Stream capture.

use crate::c::{EdgeData, Handle, get, put, put_optional};
use crate::call::exports;
use crate::graphs::{check_edges, give_graph, graph, lend_graph, node_handle, node_ids};
use crate::result::CUresult;
use crate::runtime::{code, exchange_capture_mode, stream};
use std::cell::RefCell;
use std::ffi::{c_int, c_uint};
use weft_driver::{CaptureMode, DependencyChange};

fn mode_of(mode: c_uint) -> Result<CaptureMode, CUresult> {
    match mode {
        0 => Ok(CaptureMode::Global),
        1 => Ok(CaptureMode::ThreadLocal),
        2 => Ok(CaptureMode::Relaxed),
        _ => Err(CUresult::INVALID_VALUE),
    }
}

thread_local! {
    /// Dependencies that this thread asked for last; the program may read them till its next call
    /// that concerns captures.
    static DEPENDENCIES: RefCell<(Vec<Handle>, Vec<EdgeData>)> =
        const { RefCell::new((Vec::new(), Vec::new())) };
}

/// Where to put what is asked of a capture.
struct Wanted {
    status: *mut c_int,
    id: *mut u64,
    graph: *mut Handle,
    dependencies: *mut *const Handle,
    edges: *mut *const EdgeData,
    count: *mut usize,
}

impl Wanted {
    const fn status(status: *mut c_int, id: *mut u64) -> Self {
        Self {
            status,
            id,
            graph: std::ptr::null_mut(),
            dependencies: std::ptr::null_mut(),
            edges: std::ptr::null_mut(),
            count: std::ptr::null_mut(),
        }
    }
}

/// # Safety
/// The pointers are valid or, other than `status`, null.
unsafe fn capture_info(handle: Handle, wanted: &Wanted) -> Result<(), CUresult> {
    /// `CU_STREAM_CAPTURE_STATUS_*`.
    const NONE: c_int = 0;
    const ACTIVE: c_int = 1;
    const INVALIDATED: c_int = 2;
    if wanted.status.is_null() {
        return Err(CUresult::INVALID_VALUE);
    }
    let info = stream(handle)?.capture_info().map_err(code)?;
    let status = match &info {
        None => NONE,
        Some(info) if info.is_valid => ACTIVE,
        Some(_) => INVALIDATED,
    };
    // SAFETY: the caller's pointer.
    unsafe { put(wanted.status, status) }?;
    let Some(info) = info.filter(|info| info.is_valid) else {
        return Ok(());
    };
    // SAFETY: as above.
    unsafe { put_optional(wanted.id, info.id) };
    if !wanted.graph.is_null() {
        // SAFETY: as above.
        unsafe { put(wanted.graph, lend_graph(&info.graph)) }?;
    }
    let nodes: Vec<Handle> = info
        .dependencies
        .iter()
        .map(|&id| node_handle(&info.graph, id))
        .collect();
    let edges = vec![EdgeData::default(); nodes.len()];
    // SAFETY: as above.
    unsafe { put_optional(wanted.count, nodes.len()) };
    DEPENDENCIES.with_borrow_mut(|kept| {
        *kept = (nodes, edges);
        // SAFETY: as above.
        unsafe { put_optional(wanted.dependencies, kept.0.as_ptr()) };
        // SAFETY: as above.
        unsafe { put_optional(wanted.edges, kept.1.as_ptr()) };
    });
    Ok(())
}

/// # Safety
/// The arrays are valid for `count` elements, `data` may be null.
unsafe fn update(
    handle: Handle,
    nodes: *const Handle,
    data: *const EdgeData,
    count: usize,
    flags: c_uint,
) -> Result<(), CUresult> {
    let change = match flags {
        0 => DependencyChange::Add,
        1 => DependencyChange::Set,
        _ => return Err(CUresult::INVALID_VALUE),
    };
    let stream = stream(handle)?;
    let info = stream
        .capture_info()
        .map_err(code)?
        .ok_or(CUresult::ILLEGAL_STATE)?;
    // SAFETY: the caller's arrays.
    unsafe { check_edges(data, count) }?;
    // SAFETY: as above.
    let nodes = unsafe { node_ids(&info.graph, nodes, count) }?;
    stream.change_dependencies(change, &nodes).map_err(code)
}

exports! {
    fn cuStreamBeginCapture | cuStreamBeginCapture_ptsz(handle: Handle) {
        stream(handle)?.begin_capture(CaptureMode::Global, None).map_err(code)
    }

    fn cuStreamBeginCapture_v2 | cuStreamBeginCapture_v2_ptsz(handle: Handle, mode: c_uint) {
        let mode = mode_of(mode)?;
        stream(handle)?.begin_capture(mode, None).map_err(code)
    }

    fn cuStreamBeginCaptureToGraph | cuStreamBeginCaptureToGraph_ptsz(
        handle: Handle, target: Handle, dependencies: *const Handle, data: *const EdgeData,
        count: usize, mode: c_uint,
    ) {
        let mode = mode_of(mode)?;
        let stream = stream(handle)?;
        let graph = graph(target)?;
        // SAFETY: the caller's arrays.
        unsafe { check_edges(data, count) }?;
        // SAFETY: as above.
        let nodes = unsafe { node_ids(&graph, dependencies, count) }?;
        stream.begin_capture(mode, Some((graph, nodes))).map_err(code)
    }

    fn cuStreamEndCapture | cuStreamEndCapture_ptsz(handle: Handle, out: *mut Handle) {
        if out.is_null() {
            return Err(CUresult::INVALID_VALUE);
        }
        let ended = stream(handle)?.end_capture();
        let value = ended.as_ref().map_or(std::ptr::null_mut(), give_graph);
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(out, value) }?;
        ended.map(|_| ()).map_err(code)
    }

    fn cuStreamIsCapturing | cuStreamIsCapturing_ptsz(stream: Handle, status: *mut c_int) {
        // SAFETY: the caller's pointers.
        unsafe { capture_info(stream, &Wanted::status(status, std::ptr::null_mut())) }
    }

    fn cuStreamGetCaptureInfo | cuStreamGetCaptureInfo_ptsz(
        stream: Handle, status: *mut c_int, id: *mut u64,
    ) {
        // SAFETY: the caller's pointers.
        unsafe { capture_info(stream, &Wanted::status(status, id)) }
    }

    fn cuStreamGetCaptureInfo_v2 | cuStreamGetCaptureInfo_v2_ptsz(
        stream: Handle, status: *mut c_int, id: *mut u64, graph: *mut Handle,
        dependencies: *mut *const Handle, count: *mut usize,
    ) {
        let edges = std::ptr::null_mut();
        // SAFETY: the caller's pointers.
        unsafe {
            capture_info(stream, &Wanted { status, id, graph, dependencies, edges, count })
        }
    }

    fn cuStreamGetCaptureInfo_v3 | cuStreamGetCaptureInfo_v3_ptsz(
        stream: Handle, status: *mut c_int, id: *mut u64, graph: *mut Handle,
        dependencies: *mut *const Handle, edges: *mut *const EdgeData, count: *mut usize,
    ) {
        // SAFETY: the caller's pointers.
        unsafe {
            capture_info(stream, &Wanted { status, id, graph, dependencies, edges, count })
        }
    }

    fn cuStreamUpdateCaptureDependencies | cuStreamUpdateCaptureDependencies_ptsz(
        stream: Handle, nodes: *const Handle, count: usize, flags: c_uint,
    ) {
        // SAFETY: the caller's array.
        unsafe { update(stream, nodes, std::ptr::null(), count, flags) }
    }

    fn cuStreamUpdateCaptureDependencies_v2 | cuStreamUpdateCaptureDependencies_v2_ptsz(
        stream: Handle, nodes: *const Handle, data: *const EdgeData, count: usize,
        flags: c_uint,
    ) {
        // SAFETY: the caller's arrays.
        unsafe { update(stream, nodes, data, count, flags) }
    }

    fn cuThreadExchangeStreamCaptureMode(mode: *mut c_uint) {
        // SAFETY: the caller passes a valid pointer.
        let new = mode_of(unsafe { get(mode) }?)?;
        let old = match exchange_capture_mode(new) {
            CaptureMode::Global => 0,
            CaptureMode::ThreadLocal => 1,
            CaptureMode::Relaxed => 2,
        };
        // SAFETY: as above.
        unsafe { put(mode, old) }
    }
}
