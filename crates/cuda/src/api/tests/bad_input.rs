//! What functions answer when they are called wrongly: with null, with what was freed, with handles of
//! another kind, with sizes that overflow, out of line.

use super::{allocate, alone, call, kernel, null, set_up, stream};
use crate::c::{Array3dDescriptor, Handle, Memcpy2D};
use crate::result::CUresult;
use std::ffi::c_void;

const VALUE: CUresult = CUresult::INVALID_VALUE;
const HANDLE: CUresult = CUresult::INVALID_HANDLE;

/// Runs a table of (what is wrong, answer, what the reference says).
fn check(rows: &[(&str, CUresult, CUresult)]) {
    for (what, found, expected) in rows {
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn null_pointers_are_refused() {
    let _alone = alone();
    set_up();
    let address = allocate(64);
    let stream = stream();
    check(&[
        (
            "allocation",
            call!(memory::cuMemAlloc_v2(null(), 64)),
            VALUE,
        ),
        (
            "host allocation",
            call!(memory::cuMemHostAlloc(null(), 64, 0)),
            VALUE,
        ),
        (
            "managed",
            call!(memory::cuMemAllocManaged(null(), 64, 1)),
            VALUE,
        ),
        (
            "stream ordered",
            call!(pool::cuMemAllocAsync(null(), 64, stream)),
            VALUE,
        ),
        (
            "read to null",
            call!(copy::cuMemcpyDtoH_v2(null(), address, 4)),
            VALUE,
        ),
        (
            "write from null",
            call!(copy::cuMemcpyHtoD_v2(address, null(), 4)),
            VALUE,
        ),
        ("2D request", call!(copy::cuMemcpy2D_v2(null())), VALUE),
        ("3D request", call!(copy::cuMemcpy3D_v2(null())), VALUE),
        ("stream", call!(stream::cuStreamCreate(null(), 0)), VALUE),
        ("event", call!(event::cuEventCreate(null(), 0)), VALUE),
        ("graph", call!(graph::cuGraphCreate(null(), 0)), VALUE),
        (
            "context",
            call!(context::cuCtxCreate_v2(null(), 0, 0)),
            VALUE,
        ),
        (
            "attribute",
            call!(device::cuDeviceGetAttribute(null(), 1, 0)),
            VALUE,
        ),
        (
            "array",
            call!(array::cuArray3DCreate_v2(null(), null())),
            VALUE,
        ),
        (
            "texture",
            call!(texture::cuTexObjectCreate(null(), null(), null(), null())),
            VALUE,
        ),
        (
            "addresses",
            call!(virtual_memory::cuMemAddressReserve(
                null(),
                2 << 20,
                0,
                0,
                0
            )),
            VALUE,
        ),
        (
            "memory",
            call!(virtual_memory::cuMemCreate(null(), 2 << 20, null(), 0)),
            VALUE,
        ),
        (
            "host function",
            call!(stream::cuLaunchHostFunc(stream, None, null())),
            VALUE,
        ),
        (
            "capture",
            call!(capture::cuStreamEndCapture(stream, null())),
            VALUE,
        ),
        (
            "capture status",
            call!(capture::cuStreamIsCapturing(stream, null())),
            VALUE,
        ),
        (
            "module",
            call!(module::cuModuleLoadData(null(), c"".as_ptr().cast())),
            VALUE,
        ),
        ("name", call!(module::cuModuleLoad(null(), null())), VALUE),
        (
            "kernel name",
            call!(execution::cuFuncGetName(null(), kernel())),
            VALUE,
        ),
        (
            "user object",
            call!(graph_exec::cuUserObjectCreate(null(), null(), None, 1, 1)),
            VALUE,
        ),
    ]);
}

#[test]
fn handles_that_were_destroyed_or_are_of_another_kind_are_refused() {
    let _alone = alone();
    set_up();
    let (gone, stream) = (stream(), stream());
    assert_eq!(call!(stream::cuStreamDestroy_v2(gone)), CUresult::SUCCESS);
    let mut event: Handle = null();
    assert_eq!(
        call!(event::cuEventCreate(&raw mut event, 0)),
        CUresult::SUCCESS
    );
    let foreign = 0x1234_5678_usize as Handle;
    let mut out: Handle = null();
    let mut number = 0;
    check(&[
        (
            "destroyed twice",
            call!(stream::cuStreamDestroy_v2(gone)),
            HANDLE,
        ),
        (
            "destroyed stream",
            call!(stream::cuStreamSynchronize(gone)),
            HANDLE,
        ),
        (
            "event as stream",
            call!(stream::cuStreamQuery(event)),
            HANDLE,
        ),
        (
            "stream as event",
            call!(event::cuEventRecord(stream, stream)),
            HANDLE,
        ),
        (
            "number as event",
            call!(event::cuEventQuery(foreign)),
            HANDLE,
        ),
        (
            "record in destroyed",
            call!(event::cuEventRecord(event, gone)),
            HANDLE,
        ),
        (
            "never recorded",
            call!(event::cuEventQuery(event)),
            CUresult::SUCCESS,
        ),
        ("module", call!(module::cuModuleUnload(foreign)), HANDLE),
        (
            "kernel",
            call!(execution::cuFuncGetAttribute(&raw mut number, 0, foreign)),
            HANDLE,
        ),
        (
            "context",
            call!(context::cuCtxPushCurrent_v2(foreign)),
            CUresult::INVALID_CONTEXT,
        ),
        (
            "device",
            call!(device::cuDeviceGet(&raw mut number, 1)),
            CUresult::INVALID_DEVICE,
        ),
        ("array", call!(array::cuArrayDestroy(foreign)), HANDLE),
        ("graph", call!(graph::cuGraphDestroy(foreign)), VALUE),
        (
            "node",
            call!(graph::cuGraphNodeGetContainingGraph(foreign, &raw mut out)),
            VALUE,
        ),
        (
            "executable graph",
            call!(graph_exec::cuGraphLaunch(foreign, stream)),
            VALUE,
        ),
        ("pool", call!(pool::cuMemPoolDestroy(foreign)), VALUE),
        (
            "physical memory",
            call!(virtual_memory::cuMemRelease(0x1234)),
            VALUE,
        ),
        ("texture", call!(texture::cuTexObjectDestroy(0x1234)), VALUE),
        (
            "user object",
            call!(graph_exec::cuUserObjectRetain(foreign, 1)),
            VALUE,
        ),
    ]);
}

#[test]
fn sizes_places_and_flags_that_cannot_be_are_refused() {
    let _alone = alone();
    set_up();
    let address = allocate(64);
    let freed = allocate(64);
    assert_eq!(call!(memory::cuMemFree_v2(freed)), CUresult::SUCCESS);
    let stream = stream();
    let mut bytes = [0u8; 64];
    let host: *mut c_void = bytes.as_mut_ptr().cast();
    let (mut out, mut handle): (u64, Handle) = (0, null());
    let plane = Array3dDescriptor {
        width: 1 << 20,
        height: 0,
        depth: 0,
        format: 0x20,
        channels: 1,
        flags: 0,
    };
    let odd = Array3dDescriptor {
        width: 4,
        channels: 3,
        ..plane
    };
    let narrow = Memcpy2D {
        src_x: 0,
        src_y: 0,
        src_type: 2,
        src_host: null(),
        src_device: address,
        src_array: null(),
        src_pitch: 8,
        dst_x: 0,
        dst_y: 0,
        dst_type: 1,
        dst_host: host,
        dst_device: 0,
        dst_array: null(),
        dst_pitch: 4,
        width: 8,
        height: 2,
    };
    let most = usize::MAX;
    check(&[
        (
            "no bytes",
            call!(memory::cuMemAlloc_v2(&raw mut out, 0)),
            VALUE,
        ),
        (
            "all bytes",
            call!(memory::cuMemAlloc_v2(&raw mut out, most)),
            CUresult::OUT_OF_MEMORY,
        ),
        ("freed twice", call!(memory::cuMemFree_v2(freed)), VALUE),
        ("inside", call!(memory::cuMemFree_v2(address + 8)), VALUE),
        (
            "beyond the end",
            call!(copy::cuMemcpyDtoH_v2(host, address + 60, 8)),
            VALUE,
        ),
        (
            "beyond all",
            call!(copy::cuMemcpyDtoH_v2(host, address, most)),
            VALUE,
        ),
        (
            "freed memory",
            call!(copy::cuMemcpyHtoD_v2(freed, host, 8)),
            VALUE,
        ),
        (
            "host as device",
            call!(copy::cuMemcpyDtoD_v2(address, host as u64, 8)),
            VALUE,
        ),
        (
            "odd word",
            call!(memory::cuMemsetD32_v2(address + 2, 0, 1)),
            VALUE,
        ),
        (
            "fill beyond",
            call!(memory::cuMemsetD32_v2(address, 0, 17)),
            VALUE,
        ),
        (
            "fill overflow",
            call!(memory::cuMemsetD32_v2(address, 0, most / 2)),
            VALUE,
        ),
        (
            "rows that overlap",
            call!(memory::cuMemsetD2D8_v2(address, 4, 0, 8, 2)),
            VALUE,
        ),
        (
            "copied rows that overlap",
            call!(copy::cuMemcpy2D_v2(&raw const narrow)),
            VALUE,
        ),
        (
            "stream flags",
            call!(stream::cuStreamCreate(&raw mut handle, 8)),
            VALUE,
        ),
        (
            "event flags",
            call!(event::cuEventCreate(&raw mut handle, 64)),
            VALUE,
        ),
        (
            "graph flags",
            call!(graph::cuGraphCreate(&raw mut handle, 1)),
            VALUE,
        ),
        (
            "managed flags",
            call!(memory::cuMemAllocManaged(&raw mut out, 4, 7)),
            VALUE,
        ),
        (
            "host flags",
            call!(memory::cuMemHostAlloc(&raw mut handle, 4, 64)),
            VALUE,
        ),
        (
            "capture mode",
            call!(capture::cuStreamBeginCapture_v2(stream, 9)),
            VALUE,
        ),
        (
            "default stream",
            call!(capture::cuStreamBeginCapture_v2(null(), 0)),
            CUresult::STREAM_CAPTURE_UNSUPPORTED,
        ),
        (
            "no capture",
            call!(capture::cuStreamEndCapture(stream, &raw mut handle)),
            CUresult::ILLEGAL_STATE,
        ),
        (
            "wide array",
            call!(array::cuArray3DCreate_v2(&raw mut handle, &raw const plane)),
            VALUE,
        ),
        (
            "three channels",
            call!(array::cuArray3DCreate_v2(&raw mut handle, &raw const odd)),
            VALUE,
        ),
        (
            "addresses",
            call!(virtual_memory::cuMemAddressReserve(
                &raw mut out,
                4096,
                0,
                0,
                0
            )),
            VALUE,
        ),
        (
            "not reserved",
            call!(virtual_memory::cuMemUnmap(address, 2 << 20)),
            VALUE,
        ),
        (
            "odd wait",
            call!(stream_memory::cuStreamWaitValue32_v2(
                stream,
                address + 2,
                0,
                0
            )),
            VALUE,
        ),
        (
            "wait at host",
            call!(stream_memory::cuStreamWaitValue64_v2(
                stream,
                host as u64,
                0,
                0
            )),
            VALUE,
        ),
        (
            "wait flags",
            call!(stream_memory::cuStreamWaitValue32_v2(stream, address, 0, 9)),
            VALUE,
        ),
        (
            "limit",
            call!(context::cuCtxSetLimit(99, 1)),
            CUresult::UNSUPPORTED_LIMIT,
        ),
        (
            "context flags",
            call!(context::cuCtxCreate_v2(&raw mut handle, 3, 0)),
            VALUE,
        ),
        (
            "no threads",
            call!(execution::cuLaunchKernel(
                kernel(),
                1,
                1,
                1,
                0,
                1,
                1,
                0,
                stream,
                null(),
                null()
            )),
            VALUE,
        ),
    ]);
}

#[test]
fn what_the_device_lacks_is_refused_as_its_attributes_say() {
    set_up();
    for absent in super::super::ABSENT {
        let mut value = 1;
        let asked = call!(device::cuDeviceGetAttribute(
            &raw mut value,
            absent.attribute,
            0
        ));
        assert_eq!((asked, value), (CUresult::SUCCESS, 0), "{}", absent.name);
    }
    assert_eq!(
        super::super::absent::cuMulticastCreate(),
        CUresult::NOT_SUPPORTED
    );
}
