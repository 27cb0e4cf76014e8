//! Graphs: work with dependencies, to be executed again and again.
//!
//! A [`Graph`] is built node by node, or by capturing what is submitted to streams ([`Capture`]). An
//! [`ExecGraph`] is a copy of it in an order of execution; it can be changed in place and is launched
//! as one operation of a stream. Nodes are named by their number, which no other node of the process
//! has; a copy of a graph has new numbers and remembers the old ones.

mod capture;
mod conditional;
mod dot;
mod exec;
mod memory;
mod node;
mod running;
mod update;
mod user;

pub use capture::{Capture, CaptureInfo, CaptureMode, DependencyChange};
pub(crate) use capture::{CapturedPoint, Captures, Participation, captured};
pub use conditional::{Conditional, ConditionalKind, ConditionalValue};
pub use dot::DotDetail;
pub use exec::{ExecGraph, instantiate_flag};
pub(crate) use memory::GraphMemory;
pub use memory::{GraphAllocation, GraphMemoryUse};
pub use node::{Node, NodeId, NodeKind};
pub use running::Running;
pub use update::{UpdateError, UpdateFailure};
pub use user::UserObject;

use crate::context::Context;
use crate::device::{Device, lock};
use crate::error::{Error, invalid};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// See the module documentation.
#[derive(Debug)]
pub struct Graph {
    id: u64,
    device: Arc<Device>,
    nodes: Mutex<BTreeMap<NodeId, Node>>,
    /// Objects of the program that live as long as the graph, with how often they are retained.
    users: Mutex<Vec<(Arc<UserObject>, u32)>>,
    /// Whether an executable graph exists: graphs that allocate memory can have one at a time.
    pub(crate) instantiated: Arc<AtomicBool>,
    /// Handles of conditional nodes.
    conditions: Mutex<Vec<Arc<ConditionalValue>>>,
}

impl Graph {
    /// An empty graph.
    #[must_use]
    pub fn new(device: &Arc<Device>) -> Arc<Self> {
        Arc::new(Self {
            id: device.new_id(),
            device: Arc::clone(device),
            nodes: Mutex::default(),
            users: Mutex::default(),
            instantiated: Arc::default(),
            conditions: Mutex::default(),
        })
    }

    /// Serial number, unique in the process.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Its device.
    #[must_use]
    pub const fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// Adds a node that comes after others.
    ///
    /// # Errors
    ///
    /// If a dependency is no node of this graph or listed twice, or the node is not allowed here.
    pub fn add(
        &self,
        context: &Arc<Context>,
        kind: NodeKind,
        dependencies: &[NodeId],
    ) -> Result<NodeId, Error> {
        kind.check(self)?;
        let mut nodes = lock(&self.nodes);
        let distinct: BTreeSet<_> = dependencies.iter().collect();
        if distinct.len() != dependencies.len() {
            return Err(invalid("a dependency that is listed twice"));
        }
        if let Some(foreign) = dependencies.iter().find(|id| !nodes.contains_key(id)) {
            return Err(invalid(format!("node {foreign} is not of this graph")));
        }
        if let NodeKind::Free(address) = &kind {
            self.check_free(&nodes, *address)?;
        }
        let id = self.device.new_id();
        for dependency in dependencies {
            if let Some(node) = nodes.get_mut(dependency) {
                node.dependents.push(id);
            }
        }
        let node = Node {
            kind,
            context: Arc::clone(context),
            dependencies: dependencies.to_vec(),
            dependents: Vec::new(),
            original: None,
            attributes: BTreeMap::new(),
        };
        nodes.insert(id, node);
        Ok(id)
    }

    /// Numbers of the nodes, in order of their making.
    #[must_use]
    pub fn node_ids(&self) -> Vec<NodeId> {
        lock(&self.nodes).keys().copied().collect()
    }

    /// Nodes that depend on none.
    #[must_use]
    pub fn roots(&self) -> Vec<NodeId> {
        let nodes = lock(&self.nodes);
        let roots = nodes
            .iter()
            .filter(|(_, node)| node.dependencies.is_empty());
        roots.map(|(id, _)| *id).collect()
    }

    /// A copy of a node.
    ///
    /// # Errors
    ///
    /// If there is no such node.
    pub fn node(&self, id: NodeId) -> Result<Node, Error> {
        let nodes = lock(&self.nodes);
        nodes.get(&id).cloned().ok_or_else(|| unknown(id))
    }

    /// Replaces what a node does by something of the same type.
    ///
    /// # Errors
    ///
    /// If there is no such node, it is of another type, or the new parameters are not allowed.
    pub fn set(&self, id: NodeId, kind: NodeKind) -> Result<(), Error> {
        kind.check(self)?;
        let mut nodes = lock(&self.nodes);
        let node = nodes.get_mut(&id).ok_or_else(|| unknown(id))?;
        if !node.kind.is_same_type(&kind) {
            return Err(invalid("parameters of another type of node"));
        }
        if node.kind.is_memory() {
            return Err(Error::NotSupported(
                "parameters of an allocation or free node cannot be changed".to_owned(),
            ));
        }
        node.kind = kind;
        Ok(())
    }

    /// Sets an attribute of a node that makes no difference here, by its number.
    ///
    /// # Errors
    ///
    /// If there is no such node.
    pub fn set_attribute(&self, id: NodeId, number: u32, value: [u64; 8]) -> Result<(), Error> {
        let mut nodes = lock(&self.nodes);
        let node = nodes.get_mut(&id).ok_or_else(|| unknown(id))?;
        node.attributes.insert(number, value);
        Ok(())
    }

    /// Edges from node to node, in order of the nodes they lead to.
    #[must_use]
    pub fn edges(&self) -> Vec<(NodeId, NodeId)> {
        let nodes = lock(&self.nodes);
        let edges = nodes
            .iter()
            .flat_map(|(&to, node)| node.dependencies.iter().map(move |&from| (from, to)));
        edges.collect()
    }

    /// Adds edges, all or none.
    ///
    /// # Errors
    ///
    /// If a node is not of this graph, a node would depend on itself, or an edge exists.
    pub fn add_edges(&self, edges: &[(NodeId, NodeId)]) -> Result<(), Error> {
        let mut nodes = lock(&self.nodes);
        let mut new = BTreeSet::new();
        for &(from, to) in edges {
            let target = nodes.get(&to).ok_or_else(|| unknown(to))?;
            if !nodes.contains_key(&from) {
                return Err(unknown(from));
            }
            if from == to || target.dependencies.contains(&from) || !new.insert((from, to)) {
                return Err(invalid(format!("an edge from {from} to {to}")));
            }
        }
        for &(from, to) in edges {
            if let Some(node) = nodes.get_mut(&to) {
                node.dependencies.push(from);
            }
            if let Some(node) = nodes.get_mut(&from) {
                node.dependents.push(to);
            }
        }
        Ok(())
    }

    /// Removes edges, all or none.
    ///
    /// # Errors
    ///
    /// If an edge does not exist, or the graph allocates or frees memory.
    pub fn remove_edges(&self, edges: &[(NodeId, NodeId)]) -> Result<(), Error> {
        let mut nodes = lock(&self.nodes);
        refuse_memory(&nodes)?;
        for &(from, to) in edges {
            let target = nodes.get(&to).ok_or_else(|| unknown(to))?;
            if !target.dependencies.contains(&from) {
                return Err(invalid(format!("no edge leads from {from} to {to}")));
            }
        }
        for &(from, to) in edges {
            if let Some(node) = nodes.get_mut(&to) {
                node.dependencies.retain(|&id| id != from);
            }
            if let Some(node) = nodes.get_mut(&from) {
                node.dependents.retain(|&id| id != to);
            }
        }
        Ok(())
    }

    /// Removes a node and its edges.
    ///
    /// # Errors
    ///
    /// If there is no such node, or the graph allocates or frees memory.
    pub fn remove(&self, id: NodeId) -> Result<(), Error> {
        let removed = {
            let mut nodes = lock(&self.nodes);
            refuse_memory(&nodes)?;
            let node = nodes.remove(&id).ok_or_else(|| unknown(id))?;
            for other in nodes.values_mut() {
                other.dependencies.retain(|&from| from != id);
                other.dependents.retain(|&to| to != id);
            }
            node
        };
        // May own the last handle of a kernel or event, so it goes after the lock.
        drop(removed);
        Ok(())
    }

    /// A copy with nodes of its own, graphs inside it included.
    ///
    /// # Errors
    ///
    /// If the graph allocates or frees memory, or has conditional nodes.
    pub fn duplicate(&self) -> Result<Arc<Self>, Error> {
        let nodes = lock(&self.nodes).clone();
        refuse_memory(&nodes)?;
        let numbers: BTreeMap<NodeId, NodeId> =
            nodes.keys().map(|&id| (id, self.device.new_id())).collect();
        let renamed = |ids: &[NodeId]| -> Vec<NodeId> {
            ids.iter()
                .filter_map(|id| numbers.get(id).copied())
                .collect()
        };
        let mut copies = BTreeMap::new();
        for (id, node) in nodes {
            let kind = match node.kind {
                NodeKind::Child(child) => NodeKind::Child(child.duplicate()?),
                NodeKind::Conditional(_) => {
                    return Err(Error::NotSupported(
                        "a copy of a graph with conditional nodes".to_owned(),
                    ));
                }
                kind => kind,
            };
            let copy = Node {
                kind,
                dependencies: renamed(&node.dependencies),
                dependents: renamed(&node.dependents),
                original: Some(id),
                ..node
            };
            copies.insert(numbers[&id], copy);
        }
        let users = lock(&self.users).clone();
        let graph = Self::new(&self.device);
        *lock(&graph.nodes) = copies;
        *lock(&graph.users) = users;
        Ok(graph)
    }

    /// The node of this copy that stands for `original`, also in graphs inside it.
    #[must_use]
    pub fn find_copy_of(&self, original: NodeId) -> Option<(NodeId, Option<Arc<Self>>)> {
        let nodes = lock(&self.nodes);
        let direct = nodes
            .iter()
            .find(|(_, node)| node.original == Some(original));
        if let Some((id, _)) = direct {
            return Some((*id, None));
        }
        nodes.values().find_map(|node| match &node.kind {
            NodeKind::Child(child) => {
                let (id, inner) = child.find_copy_of(original)?;
                Some((id, inner.or_else(|| Some(Arc::clone(child)))))
            }
            _ => None,
        })
    }

    /// Graphs inside nodes of this one, and inside those.
    #[must_use]
    pub fn inner_graphs(&self) -> Vec<Arc<Self>> {
        let mut found = Vec::new();
        for node in lock(&self.nodes).values() {
            let graphs = match &node.kind {
                NodeKind::Child(child) => std::slice::from_ref(child),
                NodeKind::Conditional(conditional) => conditional.bodies(),
                NodeKind::Empty | NodeKind::Work(_) | NodeKind::Allocate(_) | NodeKind::Free(_) => {
                    &[]
                }
            };
            for graph in graphs {
                found.push(Arc::clone(graph));
                found.extend(graph.inner_graphs());
            }
        }
        found
    }

    /// Whether it, or a graph inside it, allocates or frees memory or has conditional nodes, so that
    /// it can be copied neither as a whole nor into a node.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        let nodes = lock(&self.nodes);
        nodes.values().any(|node| match &node.kind {
            NodeKind::Allocate(_) | NodeKind::Free(_) | NodeKind::Conditional(_) => true,
            NodeKind::Child(child) => child.is_unique(),
            NodeKind::Empty | NodeKind::Work(_) => false,
        })
    }

    /// Lets an object of the program live as long as the graph.
    pub fn retain_user_object(&self, object: &Arc<UserObject>, count: u32) {
        let mut users = lock(&self.users);
        match users
            .iter_mut()
            .find(|(known, _)| Arc::ptr_eq(known, object))
        {
            Some((_, times)) => *times = times.saturating_add(count),
            None => users.push((Arc::clone(object), count)),
        }
    }

    /// Gives up references to an object of the program.
    ///
    /// # Errors
    ///
    /// If the graph has fewer.
    pub fn release_user_object(&self, object: &Arc<UserObject>, count: u32) -> Result<(), Error> {
        let mut users = lock(&self.users);
        let index = users
            .iter()
            .position(|(known, _)| Arc::ptr_eq(known, object));
        let Some(index) = index.filter(|&index| users[index].1 >= count) else {
            return Err(invalid("more references than the graph has"));
        };
        users[index].1 -= count;
        let gone = (users[index].1 == 0).then(|| users.swap_remove(index));
        drop(users);
        // Its end may call back into the program.
        drop(gone);
        Ok(())
    }

    /// A new handle for a conditional node of this graph.
    ///
    /// # Errors
    ///
    /// If there is no memory for it.
    pub fn add_condition(
        &self,
        context: &Arc<Context>,
        default: u32,
        assigns_default: bool,
    ) -> Result<u64, Error> {
        let value = ConditionalValue::new(context, default, assigns_default)?;
        let handle = value.handle();
        lock(&self.conditions).push(value);
        Ok(handle)
    }

    pub(crate) fn conditions(&self) -> Vec<Arc<ConditionalValue>> {
        lock(&self.conditions).clone()
    }

    pub(crate) fn with_nodes<T>(&self, look: impl FnOnce(&BTreeMap<NodeId, Node>) -> T) -> T {
        look(&lock(&self.nodes))
    }

    pub(crate) fn users(&self) -> Vec<(Arc<UserObject>, u32)> {
        lock(&self.users).clone()
    }

    /// Whether an executable graph of it exists.
    #[must_use]
    pub fn is_instantiated(&self) -> bool {
        self.instantiated.load(Ordering::Acquire)
    }
}

fn unknown(id: NodeId) -> Error {
    invalid(format!("node {id} is not of this graph"))
}

fn refuse_memory(nodes: &BTreeMap<NodeId, Node>) -> Result<(), Error> {
    if nodes.values().any(|node| node.kind.is_memory()) {
        return Err(Error::NotSupported(
            "a graph that allocates or frees memory can neither be copied nor lose nodes or edges"
                .to_owned(),
        ));
    }
    Ok(())
}
