//! Advice about ranges of memory, prefetching, copies in batches.

use super::forward;
use crate::c::{Handle, MemLocation};
use std::ffi::{c_int, c_uint, c_void};

forward! {
    cudaMemAdvise_v2 =
        cuMemAdvise_v2(pointer: u64, bytes: usize, advice: c_int, location: MemLocation);
    cudaMemPrefetchAsync_v2 | cudaMemPrefetchAsync_v2_ptsz = cuMemPrefetchAsync_v2(
        pointer: u64, bytes: usize, location: MemLocation, flags: c_uint, stream: Handle
    );
    cudaMemPrefetchBatchAsync | cudaMemPrefetchBatchAsync_ptsz = cuMemPrefetchBatchAsync(
        pointers: *mut u64, sizes: *mut usize, count: usize, locations: *mut MemLocation,
        indices: *mut usize, location_count: usize, flags: u64, stream: Handle
    );
    cudaMemDiscardBatchAsync | cudaMemDiscardBatchAsync_ptsz = cuMemDiscardBatchAsync(
        pointers: *mut u64, sizes: *mut usize, count: usize, flags: u64, stream: Handle
    );
    cudaMemDiscardAndPrefetchBatchAsync | cudaMemDiscardAndPrefetchBatchAsync_ptsz =
        cuMemDiscardAndPrefetchBatchAsync(
            pointers: *mut u64, sizes: *mut usize, count: usize, locations: *mut MemLocation,
            indices: *mut usize, location_count: usize, flags: u64, stream: Handle
        );
    cudaMemRangeGetAttribute = cuMemRangeGetAttribute(
        out: *mut c_void, size: usize, attribute: c_uint, pointer: u64, bytes: usize
    );
    cudaMemRangeGetAttributes = cuMemRangeGetAttributes(
        outs: *mut *mut c_void, sizes: *mut usize, attributes: *mut c_uint, count: usize,
        pointer: u64, bytes: usize
    );
    cudaMemcpyWithAttributesAsync | cudaMemcpyWithAttributesAsync_ptsz =
        cuMemcpyWithAttributesAsync(
            to: u64, from: u64, bytes: usize, attributes: *mut c_void, stream: Handle
        );
    cudaMemcpyBatchAsync_v2 | cudaMemcpyBatchAsync_v2_ptsz = cuMemcpyBatchAsync_v2(
        to: *const u64, from: *const u64, sizes: *const usize, count: usize,
        attributes: *mut c_void, indices: *mut usize, attribute_count: usize, stream: Handle
    );
    cudaMemcpyBatchAsync_v1 = cuMemcpyBatchAsync(
        to: *const u64, from: *const u64, sizes: *const usize, count: usize,
        attributes: *mut c_void, indices: *mut usize, attribute_count: usize,
        failed: *mut usize, stream: Handle
    );
    cudaMemcpy3DBatchAsync_v1 = cuMemcpy3DBatchAsync(
        count: usize, operations: *mut c_void, failed: *mut usize, flags: u64, stream: Handle
    );
    cudaMemcpy3DBatchAsync_v2 | cudaMemcpy3DBatchAsync_v2_ptsz = cuMemcpy3DBatchAsync_v2(
        count: usize, operations: *mut c_void, flags: u64, stream: Handle
    );
    cudaMemcpy3DWithAttributesAsync | cudaMemcpy3DWithAttributesAsync_ptsz =
        cuMemcpy3DWithAttributesAsync(operation: *mut c_void, flags: u64, stream: Handle);
}
