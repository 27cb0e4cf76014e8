//! Stream capture, and attributes of streams.

use super::forward;
use crate::c::Handle;
use crate::driver::HostFn;
use std::ffi::{c_int, c_uint, c_void};

forward! {
    cudaStreamBeginCapture | cudaStreamBeginCapture_ptsz =
        cuStreamBeginCapture_v2(stream: Handle, mode: c_uint);
    cudaStreamBeginCaptureToGraph | cudaStreamBeginCaptureToGraph_ptsz =
        cuStreamBeginCaptureToGraph(
            stream: Handle, graph: Handle, nodes: *const Handle, data: *const c_void,
            count: usize, mode: c_uint
        );
    cudaStreamEndCapture | cudaStreamEndCapture_ptsz =
        cuStreamEndCapture(stream: Handle, graph: *mut Handle);
    cudaStreamIsCapturing | cudaStreamIsCapturing_ptsz =
        cuStreamIsCapturing(stream: Handle, status: *mut c_int);
    cudaStreamGetCaptureInfo_v3 | cudaStreamGetCaptureInfo_v3_ptsz =
        cuStreamGetCaptureInfo_v3(
            stream: Handle, status: *mut c_int, id: *mut u64, graph: *mut Handle,
            nodes: *mut *const Handle, data: *mut *const c_void, count: *mut usize
        );
    cudaStreamUpdateCaptureDependencies_v2 | cudaStreamUpdateCaptureDependencies_v2_ptsz =
        cuStreamUpdateCaptureDependencies_v2(
            stream: Handle, nodes: *mut Handle, data: *const c_void, count: usize, flags: c_uint
        );
    cudaThreadExchangeStreamCaptureMode = cuThreadExchangeStreamCaptureMode(mode: *mut c_uint);
    cudaStreamCopyAttributes | cudaStreamCopyAttributes_ptsz =
        cuStreamCopyAttributes(to: Handle, from: Handle);
    cudaStreamGetAttribute | cudaStreamGetAttribute_ptsz =
        cuStreamGetAttribute(stream: Handle, attribute: c_uint, value: *mut c_void);
    cudaStreamSetAttribute | cudaStreamSetAttribute_ptsz =
        cuStreamSetAttribute(stream: Handle, attribute: c_uint, value: *const c_void);
    cudaStreamGetDevice | cudaStreamGetDevice_ptsz =
        cuStreamGetDevice(stream: Handle, device: *mut c_int);
    cudaStreamGetId | cudaStreamGetId_ptsz = cuStreamGetId(stream: Handle, id: *mut u64);
    cudaStreamAttachMemAsync | cudaStreamAttachMemAsync_ptsz =
        cuStreamAttachMemAsync(stream: Handle, pointer: u64, bytes: usize, flags: c_uint);
    cudaLaunchHostFunc_v2 | cudaLaunchHostFunc_v2_ptsz =
        cuLaunchHostFunc_v2(stream: Handle, function: HostFn, data: *mut c_void, mode: c_uint);
}
