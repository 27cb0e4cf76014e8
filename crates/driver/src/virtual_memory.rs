//! Virtual memory management: addresses, physical memory, and which of it is where.
//!
//! Physical memory is a memory file, so that it can be mapped at several addresses and shared with other
//! processes. What kernels and copies may access follows from [`Device::set_access`]: neighbouring
//! mappings with the same access are one interval.

use crate::device::{Device, lock};
use crate::error::{Error, invalid};
use crate::host_mapping::{Addresses, MemoryFile};
use crate::memory::{Allocation, AllocationKind};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use weft_chip::Access;

/// Sizes, offsets and addresses are multiples of this many bytes.
pub const GRANULARITY: u64 = 2 << 20;

/// Physical memory.
#[derive(Debug)]
pub struct Physical {
    id: u64,
    device: Arc<Device>,
    file: MemoryFile,
    bytes: u64,
    /// Whether other processes may have it.
    shareable: bool,
    flags: u64,
}

/// What may access a mapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protection {
    /// Nothing.
    #[default]
    None,
    /// Reads.
    Read,
    /// Reads and writes.
    ReadWrite,
}

#[derive(Debug)]
struct Mapping {
    bytes: u64,
    physical: Arc<Physical>,
    protection: Protection,
}

#[derive(Debug)]
struct Reservation {
    addresses: Addresses,
    mappings: BTreeMap<u64, Mapping>,
    /// First addresses of the intervals that the chip knows.
    intervals: Vec<u64>,
}

/// What a device knows of its virtual memory.
#[derive(Debug, Default)]
pub(crate) struct VirtualMemory {
    reservations: Mutex<BTreeMap<u64, Reservation>>,
    /// Bytes of physical memory.
    physical: AtomicU64,
}

impl VirtualMemory {
    pub(crate) fn physical_bytes(&self) -> u64 {
        self.physical.load(Ordering::Relaxed)
    }
}

fn whole(bytes: u64, what: &str) -> Result<(), Error> {
    if bytes != 0 && bytes.is_multiple_of(GRANULARITY) {
        Ok(())
    } else {
        Err(invalid(format!(
            "{what} of {bytes} bytes; a multiple of {GRANULARITY} is needed"
        )))
    }
}

fn host(error: &std::io::Error, bytes: u64, device: &Device) -> Error {
    match error.kind() {
        std::io::ErrorKind::OutOfMemory => Error::OutOfMemory {
            requested: bytes,
            free: device.free_memory(),
        },
        _ => invalid(format!("the host refuses it: {error}")),
    }
}

/// The one reservation that holds a range.
fn holding(
    reservations: &mut BTreeMap<u64, Reservation>,
    address: u64,
    bytes: u64,
) -> Result<&mut Reservation, Error> {
    let found = reservations.range_mut(..=address).next_back();
    found
        .map(|(_, reservation)| reservation)
        .filter(|reservation| reservation.addresses.contains(address, bytes))
        .ok_or_else(|| invalid(format!("{bytes} bytes at {address:#x} are not reserved")))
}

impl Reservation {
    /// First addresses of the mappings that make up a range exactly.
    fn exactly(&self, address: u64, bytes: u64) -> Result<Vec<u64>, Error> {
        let wrong = || {
            invalid(format!(
                "{bytes} bytes at {address:#x} are not whole mappings"
            ))
        };
        let end = address.checked_add(bytes).ok_or_else(wrong)?;
        let mut next = address;
        let mut found = Vec::new();
        for (&start, mapping) in self.mappings.range(address..end) {
            if start != next {
                return Err(wrong());
            }
            found.push(start);
            next = start + mapping.bytes;
        }
        if next == end && !found.is_empty() {
            Ok(found)
        } else {
            Err(wrong())
        }
    }

    /// Tells the chip what may be accessed.
    fn publish(&mut self, device: &Device) -> Result<(), Error> {
        let memory = device.chip.memory();
        for start in std::mem::take(&mut self.intervals) {
            let ended = memory.unmap_host(start);
            debug_assert!(ended.is_ok(), "the table and the chip agree: {ended:?}");
        }
        let mut runs: Vec<(u64, u64, Protection)> = Vec::new();
        for (&start, mapping) in &self.mappings {
            match runs.last_mut() {
                Some((first, bytes, protection))
                    if *first + *bytes == start && *protection == mapping.protection =>
                {
                    *bytes += mapping.bytes;
                }
                _ => runs.push((start, mapping.bytes, mapping.protection)),
            }
        }
        for (start, bytes, protection) in runs {
            let access = match protection {
                Protection::None => continue,
                Protection::Read => Access::ReadOnly,
                Protection::ReadWrite => Access::ReadWrite,
            };
            // SAFETY: pages of a mapping that stays till the interval is removed, above or in
            // `release_addresses`; no Rust object lives in them.
            unsafe { memory.map_host(start, bytes, access) }
                .map_err(|error| invalid(error.to_string()))?;
            self.intervals.push(start);
        }
        Ok(())
    }
}

impl Device {
    /// Physical memory, zero.
    ///
    /// # Errors
    ///
    /// If the size is no multiple of [`GRANULARITY`], or there is no room.
    pub fn create_physical(
        self: &Arc<Self>,
        bytes: u64,
        shareable: bool,
        flags: u64,
    ) -> Result<Arc<Physical>, Error> {
        whole(bytes, "physical memory")?;
        let free = self.free_memory();
        if bytes > free {
            return Err(Error::OutOfMemory {
                requested: bytes,
                free,
            });
        }
        let file = MemoryFile::new(bytes).map_err(|error| host(&error, bytes, self))?;
        Ok(self.physical(file, bytes, shareable, flags))
    }

    /// Physical memory that another process gave out as a descriptor, which stays the caller's.
    ///
    /// # Errors
    ///
    /// If it is no such descriptor.
    pub fn import_physical(self: &Arc<Self>, descriptor: i32) -> Result<Arc<Physical>, Error> {
        let (file, bytes) =
            MemoryFile::import(descriptor).map_err(|error| host(&error, 0, self))?;
        whole(bytes, "imported memory")?;
        Ok(self.physical(file, bytes, true, 0))
    }

    fn physical(
        self: &Arc<Self>,
        file: MemoryFile,
        bytes: u64,
        shareable: bool,
        flags: u64,
    ) -> Arc<Physical> {
        self.virtual_memory
            .physical
            .fetch_add(bytes, Ordering::Relaxed);
        Arc::new(Physical {
            id: self.new_id(),
            device: Arc::clone(self),
            file,
            bytes,
            shareable,
            flags,
        })
    }

    /// Reserves addresses, the first at a multiple of `alignment`, a power of two, if it is not 0.
    ///
    /// # Errors
    ///
    /// If the size is no multiple of [`GRANULARITY`], or the host has no such range.
    pub fn reserve_addresses(&self, bytes: u64, alignment: u64) -> Result<u64, Error> {
        whole(bytes, "addresses")?;
        if alignment != 0 && !alignment.is_power_of_two() {
            return Err(invalid(format!("an alignment of {alignment}")));
        }
        let addresses = Addresses::reserve(bytes, alignment.max(GRANULARITY))
            .map_err(|error| host(&error, bytes, self))?;
        let start = addresses.start();
        let reservation = Reservation {
            addresses,
            mappings: BTreeMap::new(),
            intervals: Vec::new(),
        };
        lock(&self.virtual_memory.reservations).insert(start, reservation);
        Ok(start)
    }

    /// Gives addresses back.
    ///
    /// # Errors
    ///
    /// If they are not exactly what was reserved, or something is mapped there.
    pub fn release_addresses(&self, address: u64, bytes: u64) -> Result<(), Error> {
        let mut reservations = lock(&self.virtual_memory.reservations);
        let exact = reservations.get(&address).is_some_and(|reservation| {
            reservation.addresses.bytes() == bytes && reservation.mappings.is_empty()
        });
        if !exact {
            return Err(invalid(format!(
                "{bytes} bytes at {address:#x} were not reserved like that, or are in use"
            )));
        }
        reservations.remove(&address);
        Ok(())
    }

    /// Maps physical memory at reserved addresses. Nothing may access it yet.
    ///
    /// # Errors
    ///
    /// If the addresses are not reserved or in use, or the range is beyond the memory.
    pub fn map_physical(
        &self,
        address: u64,
        bytes: u64,
        physical: &Arc<Physical>,
        offset: u64,
    ) -> Result<(), Error> {
        whole(bytes, "a mapping")?;
        let inside = offset
            .checked_add(bytes)
            .is_some_and(|end| end <= physical.bytes);
        let aligned = address.is_multiple_of(GRANULARITY) && offset.is_multiple_of(GRANULARITY);
        if !inside || !aligned {
            return Err(invalid(format!(
                "{bytes} bytes from {offset} of {} at {address:#x}",
                physical.bytes
            )));
        }
        let mut reservations = lock(&self.virtual_memory.reservations);
        let reservation = holding(&mut reservations, address, bytes)?;
        let before = reservation.mappings.range(..address + bytes).next_back();
        if before.is_some_and(|(start, mapping)| start + mapping.bytes > address) {
            return Err(invalid(format!("something is mapped at {address:#x}")));
        }
        let mapped = reservation
            .addresses
            .map(address, bytes, &physical.file, offset);
        mapped.map_err(|error| host(&error, bytes, self))?;
        let mapping = Mapping {
            bytes,
            physical: Arc::clone(physical),
            protection: Protection::None,
        };
        reservation.mappings.insert(address, mapping);
        self.insert(Allocation {
            address,
            bytes,
            kind: AllocationKind::Mapped,
            context: 0,
            tag: physical.id,
            id: self.new_id(),
        });
        Ok(())
    }

    /// Says what may access a range of whole mappings.
    ///
    /// # Errors
    ///
    /// If the range is not made of whole mappings.
    pub fn set_access(
        &self,
        address: u64,
        bytes: u64,
        protection: Protection,
    ) -> Result<(), Error> {
        let mut reservations = lock(&self.virtual_memory.reservations);
        let reservation = holding(&mut reservations, address, bytes)?;
        for start in reservation.exactly(address, bytes)? {
            if let Some(mapping) = reservation.mappings.get_mut(&start) {
                mapping.protection = protection;
            }
        }
        reservation.publish(self)
    }

    /// What may access an address.
    ///
    /// # Errors
    ///
    /// If nothing is mapped there.
    pub fn access_of(&self, address: u64) -> Result<Protection, Error> {
        self.with_mapping(address, |mapping| mapping.protection)
    }

    /// Physical memory behind an address.
    ///
    /// # Errors
    ///
    /// If nothing is mapped there.
    pub fn physical_at(&self, address: u64) -> Result<Arc<Physical>, Error> {
        self.with_mapping(address, |mapping| Arc::clone(&mapping.physical))
    }

    fn with_mapping<T>(&self, address: u64, look: impl FnOnce(&Mapping) -> T) -> Result<T, Error> {
        let mut reservations = lock(&self.virtual_memory.reservations);
        let reservation = holding(&mut reservations, address, 1)?;
        let found = reservation.mappings.range(..=address).next_back();
        found
            .filter(|(start, mapping)| address - **start < mapping.bytes)
            .map(|(_, mapping)| look(mapping))
            .ok_or_else(|| invalid(format!("nothing is mapped at {address:#x}")))
    }

    /// Ends mappings.
    ///
    /// # Errors
    ///
    /// If the range is not made of whole mappings.
    pub fn unmap_physical(&self, address: u64, bytes: u64) -> Result<(), Error> {
        let mut reservations = lock(&self.virtual_memory.reservations);
        let reservation = holding(&mut reservations, address, bytes)?;
        let starts = reservation.exactly(address, bytes)?;
        let mut ended = Vec::new();
        for start in starts {
            ended.extend(reservation.mappings.remove(&start));
            self.forget(start);
        }
        reservation.publish(self)?;
        let unmapped = reservation.addresses.unmap(address, bytes);
        unmapped.map_err(|error| host(&error, bytes, self))
    }
}

impl Physical {
    /// Serial number, unique in the process.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Size.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether other processes may have it.
    #[must_use]
    pub const fn is_shareable(&self) -> bool {
        self.shareable
    }

    /// What the program made it with.
    #[must_use]
    pub const fn flags(&self) -> u64 {
        self.flags
    }

    /// A descriptor for another process.
    ///
    /// # Errors
    ///
    /// If it was not made to be shared, or the host has no descriptor left.
    pub fn export(&self) -> Result<OwnedFd, Error> {
        if !self.shareable {
            return Err(invalid("memory that was not made to be shared"));
        }
        self.file
            .export()
            .map_err(|error| invalid(error.to_string()))
    }
}

impl Drop for Physical {
    fn drop(&mut self) {
        let physical = &self.device.virtual_memory.physical;
        physical.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
