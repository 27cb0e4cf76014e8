//! Streams that write words of memory and wait for them.

use crate::c::{BatchMemOp, DevicePtr, Handle, get};
use crate::call::exports;
use crate::result::CUresult;
use crate::runtime::{code, stream};
use std::ffi::c_uint;
use weft_driver::{Condition, MemoryOperation, Work};

/// `CUstreamBatchMemOpType`.
mod operation {
    pub(super) const WAIT_32: u32 = 1;
    pub(super) const WRITE_32: u32 = 2;
    pub(super) const FLUSH_REMOTE_WRITES: u32 = 3;
    pub(super) const WAIT_64: u32 = 4;
    pub(super) const WRITE_64: u32 = 5;
    pub(super) const BARRIER: u32 = 6;
    pub(super) const ATOMIC_REDUCTION: u32 = 8;
}

/// `CU_STREAM_WAIT_VALUE_FLUSH`: of writes from other devices, which there are none of.
const WAIT_FLUSH: c_uint = 1 << 30;

fn wait(address: u64, value: u64, bytes: u32, flags: c_uint) -> Result<MemoryOperation, CUresult> {
    let condition = match flags {
        0 => Condition::GreaterOrEqual,
        1 => Condition::Equal,
        2 => Condition::And,
        3 => Condition::Nor,
        _ if flags & WAIT_FLUSH != 0 => return Err(CUresult::NOT_SUPPORTED),
        _ => return Err(CUresult::INVALID_VALUE),
    };
    Ok(MemoryOperation::Wait {
        address,
        value,
        bytes,
        condition,
    })
}

fn write(address: u64, value: u64, bytes: u32, flags: c_uint) -> Result<MemoryOperation, CUresult> {
    /// `CU_STREAM_WRITE_VALUE_NO_MEMORY_BARRIER`.
    const NO_BARRIER: c_uint = 1;
    if flags & !NO_BARRIER != 0 {
        return Err(CUresult::INVALID_VALUE);
    }
    Ok(MemoryOperation::Write {
        address,
        value,
        bytes,
    })
}

/// The operation that a structure describes.
pub(super) fn operation_of(structure: &BatchMemOp) -> Result<MemoryOperation, CUresult> {
    let BatchMemOp {
        operation,
        address,
        value,
        flags,
        barrier_flags,
        ..
    } = *structure;
    match operation {
        operation::WAIT_32 => wait(address, value & 0xFFFF_FFFF, 4, flags),
        operation::WAIT_64 => wait(address, value, 8, flags),
        operation::WRITE_32 => write(address, value & 0xFFFF_FFFF, 4, flags),
        operation::WRITE_64 => write(address, value, 8, flags),
        operation::BARRIER if barrier_flags <= 1 => Ok(MemoryOperation::Barrier),
        operation::FLUSH_REMOTE_WRITES | operation::ATOMIC_REDUCTION => {
            Err(CUresult::NOT_SUPPORTED)
        }
        _ => Err(CUresult::INVALID_VALUE),
    }
}

/// The structure that describes an operation.
pub(super) fn structure_of(from: &MemoryOperation) -> BatchMemOp {
    let (operation, address, value, flags) = match *from {
        MemoryOperation::Wait {
            address,
            value,
            bytes,
            condition,
        } => (
            if bytes == 8 {
                operation::WAIT_64
            } else {
                operation::WAIT_32
            },
            address,
            value,
            match condition {
                Condition::GreaterOrEqual => 0,
                Condition::Equal => 1,
                Condition::And => 2,
                Condition::Nor => 3,
            },
        ),
        MemoryOperation::Write {
            address,
            value,
            bytes,
        } => (
            if bytes == 8 {
                operation::WRITE_64
            } else {
                operation::WRITE_32
            },
            address,
            value,
            0,
        ),
        MemoryOperation::Barrier => (operation::BARRIER, 0, 0, 0),
    };
    BatchMemOp {
        operation,
        barrier_flags: 0,
        address,
        value,
        flags,
        pad: 0,
        alias: 0,
        more: 0,
    }
}

fn submit(handle: Handle, operations: Vec<MemoryOperation>) -> Result<(), CUresult> {
    let stream = stream(handle)?;
    for operation in &operations {
        operation.check(stream.context()).map_err(code)?;
    }
    // SAFETY: memory that the device does not know was refused.
    unsafe { stream.submit(Work::Memory(operations.into())) }.map_err(code)
}

exports! {
    fn cuStreamWaitValue32_v2 | cuStreamWaitValue32_v2_ptsz | cuStreamWaitValue32 |
        cuStreamWaitValue32_ptsz(stream: Handle, address: DevicePtr, value: u32, flags: c_uint) {
        submit(stream, vec![wait(address, u64::from(value), 4, flags)?])
    }

    fn cuStreamWaitValue64_v2 | cuStreamWaitValue64_v2_ptsz | cuStreamWaitValue64 |
        cuStreamWaitValue64_ptsz(stream: Handle, address: DevicePtr, value: u64, flags: c_uint) {
        submit(stream, vec![wait(address, value, 8, flags)?])
    }

    fn cuStreamWriteValue32_v2 | cuStreamWriteValue32_v2_ptsz | cuStreamWriteValue32 |
        cuStreamWriteValue32_ptsz(stream: Handle, address: DevicePtr, value: u32, flags: c_uint) {
        submit(stream, vec![write(address, u64::from(value), 4, flags)?])
    }

    fn cuStreamWriteValue64_v2 | cuStreamWriteValue64_v2_ptsz | cuStreamWriteValue64 |
        cuStreamWriteValue64_ptsz(stream: Handle, address: DevicePtr, value: u64, flags: c_uint) {
        submit(stream, vec![write(address, value, 8, flags)?])
    }

    fn cuStreamBatchMemOp_v2 | cuStreamBatchMemOp_v2_ptsz | cuStreamBatchMemOp |
        cuStreamBatchMemOp_ptsz(
        stream: Handle, count: c_uint, operations: *const BatchMemOp, flags: c_uint,
    ) {
        /// Most operations of one call.
        const MOST: c_uint = 256;
        if flags != 0 || count == 0 || count > MOST {
            return Err(CUresult::INVALID_VALUE);
        }
        let list = (0..count as usize).map(|index| {
            // SAFETY: the caller's array.
            operation_of(&unsafe { get(operations.wrapping_add(index)) }?)
        });
        submit(stream, list.collect::<Result<_, CUresult>>()?)
    }
}
