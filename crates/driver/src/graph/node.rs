//! Nodes of graphs.

use super::{Conditional, Graph, GraphAllocation};
use crate::context::Context;
use crate::error::{Error, invalid};
use crate::work::Work;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Number of a node; no other node of the process has it.
pub type NodeId = u64;

/// What a node does.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// Nothing: it joins dependencies.
    Empty,
    /// An operation of those that a stream has too, other than launching a graph.
    Work(Work),
    /// Executes a graph.
    Child(Arc<Graph>),
    /// Makes memory usable.
    Allocate(Arc<GraphAllocation>),
    /// Ends that.
    Free(u64),
    /// Executes one of its graphs, or none, or one repeatedly.
    Conditional(Arc<Conditional>),
}

impl NodeKind {
    /// Whether a graph can have such a node.
    pub(super) fn check(&self, graph: &Graph) -> Result<(), Error> {
        match self {
            Self::Work(Work::Graph(_) | Work::Free(_)) => {
                Err(invalid("an operation that is no node"))
            }
            Self::Work(Work::Kernel(launch)) => launch
                .kernel
                .check_launch(&launch.config, &launch.parameters),
            Self::Work(Work::Fill(fill)) => fill.check().map(|_| ()),
            Self::Child(child) if child.id() == graph.id() => Err(invalid("a graph inside itself")),
            Self::Work(_)
            | Self::Empty
            | Self::Child(_)
            | Self::Allocate(_)
            | Self::Free(_)
            | Self::Conditional(_) => Ok(()),
        }
    }

    /// Whether one can take the other's place.
    #[must_use]
    pub fn is_same_type(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Work(a), Self::Work(b)) => {
                std::mem::discriminant(a) == std::mem::discriminant(b)
            }
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// Whether it allocates or frees memory.
    #[must_use]
    pub const fn is_memory(&self) -> bool {
        matches!(self, Self::Allocate(_) | Self::Free(_))
    }
}

/// A node and its edges.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it does.
    pub kind: NodeKind,
    /// Context in which it does it.
    pub context: Arc<Context>,
    /// Nodes that come before it.
    pub dependencies: Vec<NodeId>,
    /// Nodes that come after it.
    pub dependents: Vec<NodeId>,
    /// The node it is a copy of.
    pub original: Option<NodeId>,
    /// Attributes that make no difference here, as the program set them: values by number.
    pub attributes: BTreeMap<u32, [u64; 8]>,
}
