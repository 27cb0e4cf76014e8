//! Device memory: allocations and access to their contents.
//!
//! Device, managed and pinned host memory all lie in the chip's region, where a device address
//! is a host address; they differ only in what CUDA says of them. Registered host memory lies
//! outside. Every copy is checked against the allocations.

use crate::advice::Advice;
use crate::allocator::ALIGNMENT;
use crate::context::Context;
use crate::device::{Device, lock};
use crate::error::{Error, invalid};
use crate::timeline::OperationKind;
use std::collections::BTreeMap;
use weft_chip::{Access, AccessError, MapError};

/// Alignment of pinned host memory: a page of the host.
const HOST_ALIGNMENT: u64 = 4096;

/// What an allocation was made as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllocationKind {
    /// `cuMemAlloc` and its kin.
    Device,
    /// `cuMemAllocManaged`: host and device may use it.
    Managed,
    /// `cuMemAllocHost`, `cuMemHostAlloc`: pinned host memory, mapped.
    Host,
    /// `cuMemHostRegister`: the program's own memory, mapped.
    Registered,
    /// By a node of a graph.
    Graph,
    /// Physical memory mapped at reserved addresses (`cuMemMap`).
    Mapped,
    /// A variable of a loaded module, in device memory; the module frees it.
    Variable,
    /// The same, declared managed.
    ManagedVariable,
    /// What a kernel needs besides: its symbol table and parameter blocks. Nothing of the
    /// program's.
    Internal,
}

impl AllocationKind {
    /// Whether the program frees it as device memory (`cuMemFree`).
    #[must_use]
    pub const fn is_freed_as_device_memory(self) -> bool {
        matches!(self, Self::Device | Self::Managed | Self::Graph)
    }

    /// Whether host and device may both use it at any time.
    #[must_use]
    pub const fn is_managed(self) -> bool {
        matches!(self, Self::Managed | Self::ManagedVariable)
    }

    /// Whether it is host memory.
    #[must_use]
    pub const fn is_host(self) -> bool {
        matches!(self, Self::Host | Self::Registered)
    }
}

/// An allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// First byte; generic address and host address in one.
    pub address: u64,
    /// Bytes asked for.
    pub bytes: u64,
    /// What it was made as.
    pub kind: AllocationKind,
    /// [`Context::id`] of its owner.
    pub context: u64,
    /// Flags given when it was made; for [`AllocationKind::Device`] the id of its pool, or 0.
    pub tag: u64,
    /// Serial number, unique in the process (`CU_POINTER_ATTRIBUTE_BUFFER_ID`).
    pub id: u64,
}

/// All allocations by address.
#[derive(Debug, Default)]
pub(crate) struct Allocations(BTreeMap<u64, Allocation>);

impl Allocations {
    fn containing(&self, address: u64) -> Option<Allocation> {
        let (_, allocation) = self.0.range(..=address).next_back()?;
        (address - allocation.address < allocation.bytes).then_some(*allocation)
    }
}

impl Device {
    /// The allocation that holds an address.
    #[must_use]
    pub fn allocation_of(&self, address: u64) -> Option<Allocation> {
        lock(&self.allocations).containing(address)
    }

    /// Whether all the bytes are inside one allocation.
    #[must_use]
    pub fn is_accessible(&self, address: u64, bytes: u64) -> bool {
        self.chip.memory().is_accessible(address, bytes)
    }

    /// Copies to the host.
    ///
    /// # Errors
    ///
    /// If the bytes are not inside one allocation.
    pub fn read(&self, address: u64, destination: &mut [u8]) -> Result<(), Error> {
        let bytes = destination.len() as u64;
        self.take(address, destination)?;
        self.note_copy(OperationKind::CopyToHost, bytes);
        Ok(())
    }

    /// [`Device::read`] as part of something that is noted as a whole.
    pub(crate) fn take(&self, address: u64, destination: &mut [u8]) -> Result<(), Error> {
        self.chip
            .memory()
            .read(address, destination)
            .map_err(outside)
    }

    /// Copies from the host.
    ///
    /// # Errors
    ///
    /// If the bytes are not inside one allocation.
    pub fn write(&self, address: u64, source: &[u8]) -> Result<(), Error> {
        self.put(address, source)?;
        self.note_copy(OperationKind::CopyToDevice, source.len() as u64);
        Ok(())
    }

    /// [`Device::write`] for the driver's own purposes: no copy of the program's.
    pub(crate) fn put(&self, address: u64, source: &[u8]) -> Result<(), Error> {
        self.chip.memory().write(address, source).map_err(outside)
    }

    /// Copies within the device; the ranges may overlap.
    ///
    /// # Errors
    ///
    /// If either range is not inside one allocation.
    pub fn copy(&self, to: u64, from: u64, bytes: u64) -> Result<(), Error> {
        self.move_bytes(to, from, bytes)?;
        self.note_copy(OperationKind::CopyOnDevice, bytes);
        Ok(())
    }

    /// [`Device::copy`] as part of something that is noted as a whole.
    pub(crate) fn move_bytes(&self, to: u64, from: u64, bytes: u64) -> Result<(), Error> {
        self.chip.memory().copy(to, from, bytes).map_err(outside)
    }

    /// Fills with repetitions of a pattern of 1, 2 or 4 bytes.
    ///
    /// # Errors
    ///
    /// If the bytes are not inside one allocation.
    pub fn fill(&self, address: u64, bytes: u64, pattern: &[u8]) -> Result<(), Error> {
        self.fill_bytes(address, bytes, pattern)?;
        self.note_copy(OperationKind::CopyOnDevice, bytes);
        Ok(())
    }

    /// [`Device::fill`] as part of something that is noted as a whole.
    pub(crate) fn fill_bytes(&self, address: u64, bytes: u64, pattern: &[u8]) -> Result<(), Error> {
        let memory = self.chip.memory();
        memory.fill(address, bytes, pattern).map_err(outside)
    }

    /// Forgets an allocation whose memory is not this module's.
    pub(crate) fn forget(&self, address: u64) {
        lock(&self.allocations).0.remove(&address);
    }

    pub(crate) fn insert(&self, allocation: Allocation) {
        let mut allocations = lock(&self.allocations);
        allocations.0.insert(allocation.address, allocation);
    }

    /// Gives the memory of an allocation back.
    fn release(&self, allocation: &Allocation) {
        if allocation.kind == AllocationKind::Managed {
            self.advise(allocation.address, allocation.bytes, |advice| {
                *advice = Advice::default()
            });
        }
        let memory = self.chip.memory();
        let unmapped = match allocation.kind {
            AllocationKind::Registered => memory.unmap_host(allocation.address),
            AllocationKind::Graph => {
                let unmapped = memory.unmap(allocation.address);
                self.graph_memory.end(allocation.address);
                unmapped
            }
            // Its access ends with the mapping.
            AllocationKind::Mapped => Ok(()),
            AllocationKind::Device
            | AllocationKind::Managed
            | AllocationKind::Host
            | AllocationKind::Variable
            | AllocationKind::ManagedVariable
            | AllocationKind::Internal => {
                let unmapped = memory.unmap(allocation.address);
                lock(&self.allocator).release(allocation.address);
                unmapped
            }
        };
        debug_assert!(
            unmapped.is_ok(),
            "the table and the chip agree: {unmapped:?}"
        );
    }

    pub(crate) fn release_all_of(&self, context: u64) {
        let mut released = Vec::new();
        lock(&self.allocations).0.retain(|_, allocation| {
            let keep = allocation.context != context;
            if !keep {
                released.push(*allocation);
            }
            keep
        });
        for allocation in released {
            self.release(&allocation);
        }
    }
}

impl Context {
    /// Allocates memory aligned to 256 bytes, or to a page for [`AllocationKind::Host`]. Its contents are unspecified.
    ///
    /// # Errors
    ///
    /// If `bytes` is 0, or there is no room.
    pub fn allocate(&self, bytes: u64, kind: AllocationKind, tag: u64) -> Result<u64, Error> {
        let alignment = match kind {
            AllocationKind::Host => HOST_ALIGNMENT,
            AllocationKind::Device
            | AllocationKind::Managed
            | AllocationKind::Graph
            | AllocationKind::Mapped
            | AllocationKind::Registered
            | AllocationKind::Variable
            | AllocationKind::ManagedVariable
            | AllocationKind::Internal => ALIGNMENT,
        };
        self.allocate_aligned(bytes, alignment, kind, tag)
    }

    /// Allocates memory at a multiple of `alignment`, a power of two, and of 256 bytes.
    pub(crate) fn allocate_aligned(
        &self,
        bytes: u64,
        alignment: u64,
        kind: AllocationKind,
        tag: u64,
    ) -> Result<u64, Error> {
        self.usable()?;
        if bytes == 0 {
            return Err(invalid("an allocation of 0 bytes"));
        }
        let device = self.device();
        let address = {
            let mut allocator = lock(&device.allocator);
            allocator
                .allocate(bytes, alignment)
                .ok_or_else(|| Error::OutOfMemory {
                    requested: bytes,
                    free: allocator.free_bytes(),
                })?
        };
        if device
            .chip
            .memory()
            .map(address, bytes, Access::ReadWrite)
            .is_err()
        {
            lock(&device.allocator).release(address);
            return Err(Error::OutOfMemory {
                requested: bytes,
                free: device.free_memory(),
            });
        }
        device.insert(Allocation {
            address,
            bytes,
            kind,
            context: self.id(),
            tag,
            id: device.new_id(),
        });
        Ok(address)
    }

    /// Lets memory exist at addresses that are reserved for it.
    pub(crate) fn map_reserved(
        &self,
        address: u64,
        bytes: u64,
        kind: AllocationKind,
    ) -> Result<(), Error> {
        self.usable()?;
        let device = self.device();
        let mapped = device.chip.memory().map(address, bytes, Access::ReadWrite);
        mapped.map_err(|error| invalid(error.to_string()))?;
        device.insert(Allocation {
            address,
            bytes,
            kind,
            context: self.id(),
            tag: 0,
            id: device.new_id(),
        });
        Ok(())
    }

    /// Frees device memory; freeing null does nothing.
    ///
    /// # Errors
    ///
    /// If no device memory begins there.
    pub fn free_device_memory(&self, address: u64) -> Result<(), Error> {
        if address == 0 {
            return self.usable();
        }
        let allocation = self.device().allocation_of(address);
        self.free(address, AllocationKind::is_freed_as_device_memory)?;
        if let Some(allocation) = allocation {
            self.device().pools.note_freed(&allocation);
        }
        Ok(())
    }

    /// Frees an allocation of this device by its first address. Contexts of one process share
    /// the address space, so any of them may free it.
    ///
    /// # Errors
    ///
    /// If no allocation of such a kind begins there.
    pub fn free(
        &self,
        address: u64,
        is_kind: impl Fn(AllocationKind) -> bool,
    ) -> Result<(), Error> {
        self.usable()?;
        let device = self.device();
        let allocation = {
            let mut allocations = lock(&device.allocations);
            match allocations.0.get(&address) {
                Some(found) if is_kind(found.kind) => {}
                _ => return Err(invalid(format!("no allocation begins at {address:#x}"))),
            }
            allocations.0.remove(&address)
        };
        if let Some(allocation) = allocation {
            device.release(&allocation);
        }
        Ok(())
    }

    /// Makes the program's own memory accessible to kernels.
    ///
    /// # Errors
    ///
    /// If the range is empty, or overlaps memory that is allocated or registered.
    ///
    /// # Safety
    ///
    /// The bytes stay valid for reads and writes from any thread until they are unregistered,
    /// and no Rust reference is live to what kernels touch.
    pub unsafe fn register_host(&self, address: u64, bytes: u64, flags: u32) -> Result<(), Error> {
        self.usable()?;
        if address == 0 || bytes == 0 {
            return Err(invalid("an empty range of host memory"));
        }
        let device = self.device();
        let memory = device.chip.memory();
        // SAFETY: passed on to the caller.
        unsafe { memory.map_host(address, bytes, Access::ReadWrite) }.map_err(
            |error| match error {
                MapError::Overlap { .. } => Error::AlreadyRegistered(address),
                _ => invalid(format!("host memory cannot be registered: {error}")),
            },
        )?;
        device.insert(Allocation {
            address,
            bytes,
            kind: AllocationKind::Registered,
            context: self.id(),
            tag: u64::from(flags),
            id: device.new_id(),
        });
        Ok(())
    }

    /// Ends what [`Self::register_host`] began.
    ///
    /// # Errors
    ///
    /// If no registered range begins there.
    pub fn unregister_host(&self, address: u64) -> Result<(), Error> {
        self.free(address, |kind| kind == AllocationKind::Registered)
            .map_err(|error| match error {
                Error::InvalidValue(_) => Error::NotRegistered(address),
                other => other,
            })
    }
}

fn outside(error: AccessError) -> Error {
    invalid(format!(
        "{} bytes at {:#x} are not inside one allocation",
        error.bytes, error.address
    ))
}
