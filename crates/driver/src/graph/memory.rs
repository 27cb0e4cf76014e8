//! Memory that graphs allocate: its address is fixed when the node is made, the memory behind it
//! exists from the node's execution until it is freed.

use super::{Graph, Node, NodeId, NodeKind};
use crate::allocator::ALIGNMENT;
use crate::context::Context;
use crate::device::{Device, lock};
use crate::error::{Error, invalid};
use crate::memory::AllocationKind;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

/// Addresses that an allocation node has.
#[derive(Debug)]
pub struct GraphAllocation {
    address: u64,
    bytes: u64,
    device: Arc<Device>,
    /// Graph that has the node.
    owner: u64,
    /// Graph that has a node that frees it.
    freed_by: Mutex<Option<u64>>,
}

impl GraphAllocation {
    /// Addresses for an allocation node of a graph.
    ///
    /// # Errors
    ///
    /// If `bytes` is 0, or there is no room.
    pub fn new(context: &Context, graph: &Graph, bytes: u64) -> Result<Arc<Self>, Error> {
        context.usable()?;
        if bytes == 0 {
            return Err(invalid("an allocation of 0 bytes"));
        }
        let device = context.device();
        let mut allocator = lock(&device.allocator);
        let free = allocator.free_bytes();
        let address = allocator
            .allocate(bytes, ALIGNMENT)
            .ok_or(Error::OutOfMemory {
                requested: bytes,
                free,
            })?;
        drop(allocator);
        let new = Arc::new(Self {
            address,
            bytes,
            device: Arc::clone(device),
            owner: graph.id(),
            freed_by: Mutex::default(),
        });
        lock(&device.graph_memory.known).insert(address, Arc::downgrade(&new));
        device.graph_memory.note(0, bytes.cast_signed());
        Ok(new)
    }

    /// First byte.
    #[must_use]
    pub const fn address(&self) -> u64 {
        self.address
    }

    /// Bytes asked for.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the memory exists.
    #[must_use]
    pub fn is_live(&self) -> bool {
        lock(&self.device.graph_memory.live).contains_key(&self.address)
    }

    /// Whether a node of the graph that owns it frees it.
    pub(crate) fn is_freed_inside(&self) -> bool {
        *lock(&self.freed_by) == Some(self.owner)
    }

    /// Lets the memory exist.
    pub(super) fn begin(self: &Arc<Self>, context: &Context) -> Result<(), Error> {
        context.map_reserved(self.address, self.bytes, AllocationKind::Graph)?;
        lock(&self.device.graph_memory.live).insert(self.address, Arc::clone(self));
        self.device.graph_memory.note(self.bytes.cast_signed(), 0);
        Ok(())
    }
}

impl Drop for GraphAllocation {
    fn drop(&mut self) {
        lock(&self.device.graph_memory.known).remove(&self.address);
        lock(&self.device.allocator).release(self.address);
        self.device.graph_memory.note(0, -self.bytes.cast_signed());
    }
}

/// Bytes that graphs use (`CU_GRAPH_MEM_ATTR_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GraphMemoryUse {
    /// In allocations that exist.
    pub used: u64,
    /// The most so far.
    pub used_high: u64,
    /// In addresses of nodes.
    pub reserved: u64,
    /// The most so far.
    pub reserved_high: u64,
}

/// What a device knows of the memory of graphs.
#[derive(Debug, Default)]
pub(crate) struct GraphMemory {
    known: Mutex<BTreeMap<u64, Weak<GraphAllocation>>>,
    live: Mutex<BTreeMap<u64, Arc<GraphAllocation>>>,
    usage: Mutex<GraphMemoryUse>,
}

impl GraphMemory {
    fn note(&self, used: i64, reserved: i64) {
        let mut usage = lock(&self.usage);
        usage.used = usage.used.saturating_add_signed(used);
        usage.used_high = usage.used_high.max(usage.used);
        usage.reserved = usage.reserved.saturating_add_signed(reserved);
        usage.reserved_high = usage.reserved_high.max(usage.reserved);
    }

    /// Notes that memory ended, whose addresses go when no node has them any more.
    pub(crate) fn end(&self, address: u64) {
        let ended = lock(&self.live).remove(&address);
        if let Some(ended) = &ended {
            self.note(-ended.bytes.cast_signed(), 0);
        }
        // May take the locks above.
        drop(ended);
    }
}

impl Device {
    /// Bytes that graphs use.
    #[must_use]
    pub fn graph_memory_use(&self) -> GraphMemoryUse {
        *lock(&self.graph_memory.usage)
    }

    /// Sets the high-water marks to what is used now.
    pub fn reset_graph_memory_marks(&self, used: bool, reserved: bool) {
        let mut usage = lock(&self.graph_memory.usage);
        if used {
            usage.used_high = usage.used;
        }
        if reserved {
            usage.reserved_high = usage.reserved;
        }
    }
}

impl Graph {
    /// Whether a node may free this address.
    pub(super) fn check_free(
        &self,
        nodes: &BTreeMap<NodeId, Node>,
        address: u64,
    ) -> Result<(), Error> {
        let known = lock(&self.device.graph_memory.known);
        let allocation = known.get(&address).and_then(Weak::upgrade);
        drop(known);
        let allocation = allocation
            .ok_or_else(|| invalid(format!("no allocation node gave out {address:#x}")))?;
        let again = nodes
            .values()
            .any(|node| matches!(node.kind, NodeKind::Free(freed) if freed == address));
        let mut freed_by = lock(&allocation.freed_by);
        let elsewhere = freed_by.is_some_and(|other| {
            other != self.id && (other == allocation.owner || self.id == allocation.owner)
        });
        if again || elsewhere {
            return Err(invalid(format!("{address:#x} is freed by another node")));
        }
        *freed_by = Some(self.id);
        Ok(())
    }
}
