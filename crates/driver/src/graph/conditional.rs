//! Conditional nodes: a value in device memory decides what they execute.
//!
//! The handle of a value is its address: what sets it from a kernel is a store.

use super::Graph;
use crate::context::Context;
use crate::error::{Error, invalid};
use crate::memory::AllocationKind;
use std::sync::Arc;

/// Bytes of a value.
const VALUE_BYTES: u64 = 4;

/// A value that decides.
#[derive(Debug)]
pub struct ConditionalValue {
    address: u64,
    context: Arc<Context>,
    default: u32,
    /// Whether every launch begins with the default.
    assigns_default: bool,
}

impl ConditionalValue {
    pub(super) fn new(
        context: &Arc<Context>,
        default: u32,
        assigns_default: bool,
    ) -> Result<Arc<Self>, Error> {
        let address = context.allocate(VALUE_BYTES, AllocationKind::Internal, 0)?;
        let new = Arc::new(Self {
            address,
            context: Arc::clone(context),
            default,
            assigns_default,
        });
        context.device().put(address, &default.to_le_bytes())?;
        Ok(new)
    }

    /// What programs name it by.
    #[must_use]
    pub const fn handle(&self) -> u64 {
        self.address
    }

    /// A launch begins.
    pub(super) fn begin(&self) -> Result<(), Error> {
        if self.assigns_default {
            let device = self.context.device();
            device.put(self.address, &self.default.to_le_bytes())?;
        }
        Ok(())
    }

    pub(super) fn read(&self) -> Result<u32, Error> {
        let mut value = [0; 4];
        self.context.device().take(self.address, &mut value)?;
        Ok(u32::from_le_bytes(value))
    }
}

impl Drop for ConditionalValue {
    fn drop(&mut self) {
        // After a reset or a fault the context frees its memory itself.
        let _ = self
            .context
            .free(self.address, |kind| kind == AllocationKind::Internal);
    }
}

/// How the value decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionalKind {
    /// The first graph if it is not 0, else the second if there is one.
    If,
    /// The only graph, again and again while it is not 0.
    While,
    /// The graph with this index, if there is one.
    Switch,
}

/// A conditional node.
#[derive(Debug)]
pub struct Conditional {
    value: Arc<ConditionalValue>,
    kind: ConditionalKind,
    bodies: Vec<Arc<Graph>>,
}

impl Conditional {
    /// A conditional node of `graph`, with as many empty graphs as it needs.
    ///
    /// # Errors
    ///
    /// If the handle is not one of the graph, or the number of graphs does not fit the kind.
    pub fn new(
        graph: &Graph,
        handle: u64,
        kind: ConditionalKind,
        count: u32,
    ) -> Result<Arc<Self>, Error> {
        let most = match kind {
            ConditionalKind::If => 2,
            ConditionalKind::While => 1,
            ConditionalKind::Switch => 1 << 16,
        };
        if !(1..=most).contains(&count) {
            return Err(invalid(format!("a conditional node with {count} graphs")));
        }
        let values = graph.conditions();
        let value = values.iter().find(|value| value.handle() == handle);
        let value = value.ok_or_else(|| invalid("a conditional handle of another graph"))?;
        Ok(Arc::new(Self {
            value: Arc::clone(value),
            kind,
            bodies: (0..count).map(|_| Graph::new(graph.device())).collect(),
        }))
    }

    /// How the value decides.
    #[must_use]
    pub const fn kind(&self) -> ConditionalKind {
        self.kind
    }

    /// Handle of the value.
    #[must_use]
    pub fn handle(&self) -> u64 {
        self.value.handle()
    }

    /// The graphs.
    #[must_use]
    pub fn bodies(&self) -> &[Arc<Graph>] {
        &self.bodies
    }

    /// Index of the graph to execute now.
    pub(super) fn choose(&self) -> Result<Option<usize>, Error> {
        let value = self.value.read()?;
        let index = match self.kind {
            ConditionalKind::If => usize::from(value == 0),
            ConditionalKind::While if value == 0 => return Ok(None),
            ConditionalKind::While => 0,
            ConditionalKind::Switch => usize::try_from(value).unwrap_or(usize::MAX),
        };
        Ok((index < self.bodies.len()).then_some(index))
    }

    pub(super) const fn value(&self) -> &Arc<ConditionalValue> {
        &self.value
    }
}
