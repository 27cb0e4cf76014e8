//! Copies with attributes, and many at once.

use super::stream::submit;
use crate::c::{
    Copy3dBatchOp, Copy3dOperand, DevicePtr, Handle, MemcpyAttributes, get, put_optional,
};
use crate::call::exports;
use crate::result::CUresult;
use crate::runtime::{ARRAYS, usable};
use std::ffi::c_uint;
use weft_driver::{Copy, Place, Side, Work};

/// Whether the order in which a source may be read is one (`CUmemcpySrcAccessOrder`). Every order is
/// kept by reading it when the copy is done, in stream order.
const fn check_order(order: c_uint) -> Result<(), CUresult> {
    match order {
        1..=3 => Ok(()),
        _ => Err(CUresult::INVALID_VALUE),
    }
}

fn check_attributes(attributes: &MemcpyAttributes) -> Result<(), CUresult> {
    /// `CU_MEMCPY_FLAG_PREFER_OVERLAP_WITH_COMPUTE`.
    const PREFER_OVERLAP: c_uint = 1;
    check_order(attributes.order)?;
    if attributes.flags & !PREFER_OVERLAP != 0 {
        return Err(CUresult::INVALID_VALUE);
    }
    Ok(())
}

/// # Safety
/// The arrays are valid for as many elements as the counts say.
#[expect(
    clippy::too_many_arguments,
    reason = "the parameters of cuMemcpyBatchAsync, in its order"
)]
unsafe fn batch(
    to: *const DevicePtr,
    from: *const DevicePtr,
    sizes: *const usize,
    count: usize,
    attributes: *const MemcpyAttributes,
    indices: *const usize,
    attribute_count: usize,
    stream: Handle,
) -> Result<(), (CUresult, Option<usize>)> {
    let whole = |error| (error, None);
    usable().map_err(whole)?;
    // The default stream of a context cannot be given.
    if (stream as usize) < 2 || count == 0 || attribute_count == 0 || attribute_count > count {
        return Err(whole(CUresult::INVALID_VALUE));
    }
    let mut last = None;
    for index in 0..attribute_count {
        // SAFETY: the caller's arrays.
        check_attributes(&unsafe { get(attributes.wrapping_add(index)) }.map_err(whole)?)
            .map_err(whole)?;
        // SAFETY: as above.
        let first = unsafe { get(indices.wrapping_add(index)) }.map_err(whole)?;
        let ascends = last.map_or(first == 0, |last| first > last);
        if !ascends || first >= count {
            return Err(whole(CUresult::INVALID_VALUE));
        }
        last = Some(first);
    }
    for index in 0..count {
        let at = |error| (error, Some(index));
        // SAFETY: the caller's arrays, here and below.
        let to = unsafe { get(to.wrapping_add(index)) }.map_err(at)?;
        // SAFETY: as above.
        let from = unsafe { get(from.wrapping_add(index)) }.map_err(at)?;
        // SAFETY: as above.
        let bytes = unsafe { get(sizes.wrapping_add(index)) }.map_err(at)?;
        let copy = Copy::linear(Place::Unified(to), Place::Unified(from), bytes as u64);
        submit(stream, Work::Copy(copy)).map_err(at)?;
    }
    Ok(())
}

/// One side of a copy of a volume, and bytes of its elements if it is an array.
fn side(operand: &Copy3dOperand) -> Result<(Side, u64), CUresult> {
    /// `CU_MEMCPY_OPERAND_TYPE_*`.
    const POINTER: c_uint = 1;
    const ARRAY: c_uint = 2;
    let [first, second, third, fourth] = operand.words;
    match operand.kind {
        POINTER => Ok((
            Side {
                place: Place::Unified(first),
                // Elements of a row and rows of a layer, 0 for as many as are copied.
                pitch: second,
                rows: third,
                origin: [0; 3],
            },
            0,
        )),
        ARRAY => {
            let array = ARRAYS.get(usize::try_from(first).unwrap_or(0) as Handle)?;
            let element = u64::from(array.shape().format.bytes());
            let x = second.checked_mul(element).ok_or(CUresult::INVALID_VALUE)?;
            let side = Side {
                place: Place::Array(array),
                pitch: 0,
                rows: 0,
                origin: [x, third, fourth],
            };
            Ok((side, element))
        }
        _ => Err(CUresult::INVALID_VALUE),
    }
}

fn copy_3d(operation: &Copy3dBatchOp) -> Result<Work, CUresult> {
    usable()?;
    check_order(operation.order)?;
    let (mut from, from_element) = side(&operation.from)?;
    let (mut to, to_element) = side(&operation.to)?;
    // Extents are in elements where an array takes part, else in bytes.
    let element = from_element.max(to_element).max(1);
    if from_element != 0 && to_element != 0 && from_element != to_element {
        return Err(CUresult::INVALID_VALUE);
    }
    let [width, height, depth] = operation.extent.map(|extent| extent as u64);
    let width = width.checked_mul(element).ok_or(CUresult::INVALID_VALUE)?;
    for side in [&mut from, &mut to] {
        if matches!(side.place, Place::Unified(_)) {
            side.pitch = match side.pitch {
                0 => width,
                elements => elements
                    .checked_mul(element)
                    .ok_or(CUresult::INVALID_VALUE)?,
            };
            if side.rows == 0 {
                side.rows = height;
            }
        }
    }
    Ok(Work::Copy(Copy {
        to,
        from,
        extent: [width, height, depth],
    }))
}

/// # Safety
/// The array is valid for `count` elements.
unsafe fn batch_3d(
    count: usize,
    operations: *const Copy3dBatchOp,
    flags: u64,
    stream: Handle,
) -> Result<(), (CUresult, Option<usize>)> {
    if count == 0 || flags != 0 || (stream as usize) < 2 {
        return Err((CUresult::INVALID_VALUE, None));
    }
    for index in 0..count {
        let at = |error| (error, Some(index));
        // SAFETY: the caller's array.
        let operation = unsafe { get(operations.wrapping_add(index)) }.map_err(at)?;
        let work = copy_3d(&operation).map_err(at)?;
        submit(stream, work).map_err(at)?;
    }
    Ok(())
}

/// Tells which copy failed, if it was one.
///
/// # Safety
/// `failed` is null or valid.
unsafe fn tell(
    outcome: Result<(), (CUresult, Option<usize>)>,
    failed: *mut usize,
) -> Result<(), CUresult> {
    outcome.map_err(|(error, index)| {
        // SAFETY: the caller's pointer. An error of no copy in particular is told as SIZE_MAX.
        unsafe { put_optional(failed, index.unwrap_or(usize::MAX)) };
        error
    })
}

exports! {
    fn cuMemcpyBatchAsync | cuMemcpyBatchAsync_ptsz(
        to: *const DevicePtr, from: *const DevicePtr, sizes: *const usize, count: usize,
        attributes: *const MemcpyAttributes, indices: *const usize, attribute_count: usize,
        failed: *mut usize, stream: Handle,
    ) {
        // SAFETY: the caller's arrays.
        let outcome = unsafe {
            batch(to, from, sizes, count, attributes, indices, attribute_count, stream)
        };
        // SAFETY: the caller's pointer.
        unsafe { tell(outcome, failed) }
    }

    fn cuMemcpyBatchAsync_v2 | cuMemcpyBatchAsync_v2_ptsz(
        to: *const DevicePtr, from: *const DevicePtr, sizes: *const usize, count: usize,
        attributes: *const MemcpyAttributes, indices: *const usize, attribute_count: usize,
        stream: Handle,
    ) {
        // SAFETY: the caller's arrays.
        let outcome = unsafe {
            batch(to, from, sizes, count, attributes, indices, attribute_count, stream)
        };
        outcome.map_err(|(error, _)| error)
    }

    fn cuMemcpyWithAttributesAsync | cuMemcpyWithAttributesAsync_ptsz(
        to: DevicePtr, from: DevicePtr, bytes: usize, attributes: *const MemcpyAttributes,
        stream: Handle,
    ) {
        usable()?;
        // SAFETY: the caller's structure.
        check_attributes(&unsafe { get(attributes) }?)?;
        let copy = Copy::linear(Place::Unified(to), Place::Unified(from), bytes as u64);
        submit(stream, Work::Copy(copy))
    }

    fn cuMemcpy3DBatchAsync | cuMemcpy3DBatchAsync_ptsz(
        count: usize, operations: *const Copy3dBatchOp, failed: *mut usize, flags: u64,
        stream: Handle,
    ) {
        // SAFETY: the caller's array.
        let outcome = unsafe { batch_3d(count, operations, flags, stream) };
        // SAFETY: the caller's pointer.
        unsafe { tell(outcome, failed) }
    }

    fn cuMemcpy3DBatchAsync_v2 | cuMemcpy3DBatchAsync_v2_ptsz(
        count: usize, operations: *const Copy3dBatchOp, flags: u64, stream: Handle,
    ) {
        // SAFETY: the caller's array.
        let outcome = unsafe { batch_3d(count, operations, flags, stream) };
        outcome.map_err(|(error, _)| error)
    }

    fn cuMemcpy3DWithAttributesAsync | cuMemcpy3DWithAttributesAsync_ptsz(
        operation: *const Copy3dBatchOp, flags: u64, stream: Handle,
    ) {
        if flags != 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        // SAFETY: the caller's structure.
        submit(stream, copy_3d(&unsafe { get(operation) }?)?)
    }
}
