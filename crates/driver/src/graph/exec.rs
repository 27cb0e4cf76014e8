//! Executable graphs.

use super::running::distinct;
use super::{
    Conditional, ConditionalValue, Graph, GraphAllocation, Node, NodeId, NodeKind, Running,
    UserObject,
};
use crate::context::Context;
use crate::device::lock;
use crate::error::{Error, invalid};
use crate::stream::Stream;
use crate::work::Work;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Flags of instantiation (`CUDA_GRAPH_INSTANTIATE_FLAG_*`).
pub mod instantiate_flag {
    /// A launch frees what an earlier one allocated.
    pub const AUTO_FREE_ON_LAUNCH: u64 = 1;
    /// Upload at once; makes no difference here.
    pub const UPLOAD: u64 = 2;
    /// Kernels can launch it: not possible here.
    pub const DEVICE_LAUNCH: u64 = 4;
    /// Nodes have priorities of their own; makes no difference here.
    pub const USE_NODE_PRIORITY: u64 = 8;
    /// All of them.
    pub const ALL: u64 = 15;
}

/// A graph in an order of execution.
#[derive(Debug)]
pub struct ExecGraph {
    id: u64,
    flags: u64,
    body: Mutex<Arc<Body>>,
    conditions: Vec<Arc<ConditionalValue>>,
    /// Memory that it allocates and does not free.
    allocations: Vec<Arc<GraphAllocation>>,
    /// Says to the graph that it may be instantiated again.
    instantiated: Option<Arc<AtomicBool>>,
    _users: Vec<(Arc<UserObject>, u32)>,
}

/// Steps in an order in which each comes after those it depends on.
#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) id: NodeId,
    pub(super) context: Arc<Context>,
    pub(super) action: Action,
    /// Indices of the steps it depends on.
    pub(super) after: Vec<usize>,
    pub(super) enabled: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Action {
    Empty,
    Work(Work),
    Child(Arc<Body>),
    Allocate(Arc<GraphAllocation>),
    Free(u64),
    Conditional(Arc<Conditional>, Vec<Arc<Body>>),
}

/// What is gathered on the way through a graph.
#[derive(Default)]
struct Gathered {
    conditions: Vec<Arc<ConditionalValue>>,
    allocations: Vec<Arc<GraphAllocation>>,
}

impl Body {
    fn of(graph: &Graph, gathered: &mut Gathered) -> Result<Self, Error> {
        graph.with_nodes(|nodes| {
            let order = order(nodes)?;
            let index: BTreeMap<NodeId, usize> = order
                .iter()
                .enumerate()
                .map(|(index, &id)| (id, index))
                .collect();
            let steps = order.iter().map(|id| {
                let node = &nodes[id];
                Ok(Step {
                    id: *id,
                    context: Arc::clone(&node.context),
                    action: Action::of(&node.kind, gathered)?,
                    after: node.dependencies.iter().map(|id| index[id]).collect(),
                    enabled: true,
                })
            });
            Ok(Self {
                steps: steps.collect::<Result<_, Error>>()?,
            })
        })
    }

    /// Applies a change to the step of a node, also in graphs inside this one; `None` if there is no
    /// such node.
    fn change(
        &mut self,
        id: NodeId,
        change: &mut dyn FnMut(&mut Step) -> Result<(), Error>,
    ) -> Option<Result<(), Error>> {
        if let Some(step) = self.steps.iter_mut().find(|step| step.id == id) {
            return Some(change(step));
        }
        self.steps
            .iter_mut()
            .find_map(|step| match &mut step.action {
                Action::Child(body) => Arc::make_mut(body).change(id, change),
                Action::Conditional(_, bodies) => {
                    let mut bodies = bodies.iter_mut();
                    bodies.find_map(|body| Arc::make_mut(body).change(id, change))
                }
                Action::Empty | Action::Work(_) | Action::Allocate(_) | Action::Free(_) => None,
            })
    }
}

impl Action {
    fn of(kind: &NodeKind, gathered: &mut Gathered) -> Result<Self, Error> {
        Ok(match kind {
            NodeKind::Empty => Self::Empty,
            NodeKind::Work(work) => Self::Work(work.clone()),
            NodeKind::Child(graph) => Self::Child(Arc::new(Body::of(graph, gathered)?)),
            NodeKind::Allocate(allocation) => {
                gathered.allocations.push(Arc::clone(allocation));
                Self::Allocate(Arc::clone(allocation))
            }
            NodeKind::Free(address) => Self::Free(*address),
            NodeKind::Conditional(conditional) => {
                gathered.conditions.push(Arc::clone(conditional.value()));
                let bodies = conditional.bodies().iter();
                let bodies = bodies.map(|graph| Ok(Arc::new(Body::of(graph, gathered)?)));
                let bodies = bodies.collect::<Result<_, Error>>()?;
                Self::Conditional(Arc::clone(conditional), bodies)
            }
        })
    }
}

/// Numbers of the nodes, each after those it depends on, else in order of their making.
fn order(nodes: &BTreeMap<NodeId, Node>) -> Result<Vec<NodeId>, Error> {
    let mut open: BTreeMap<NodeId, usize> = BTreeMap::new();
    let mut ready = BTreeSet::new();
    for (&id, node) in nodes {
        open.insert(id, node.dependencies.len());
        if node.dependencies.is_empty() {
            ready.insert(id);
        }
    }
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(id) = ready.pop_first() {
        order.push(id);
        for dependent in &nodes[&id].dependents {
            if let Some(count) = open.get_mut(dependent) {
                *count -= 1;
                if *count == 0 {
                    ready.insert(*dependent);
                }
            }
        }
    }
    if order.len() < nodes.len() {
        return Err(invalid(
            "a graph in which nodes depend on each other in a circle",
        ));
    }
    Ok(order)
}

impl ExecGraph {
    /// Makes a graph executable.
    ///
    /// # Errors
    ///
    /// If nodes depend on each other in a circle, flags are unknown or contradict each other, or the
    /// graph allocates memory and is instantiated already.
    pub fn new(graph: &Graph, flags: u64) -> Result<Arc<Self>, Error> {
        let both = instantiate_flag::DEVICE_LAUNCH | instantiate_flag::AUTO_FREE_ON_LAUNCH;
        if flags & !instantiate_flag::ALL != 0 || flags & both == both {
            return Err(invalid(format!("instantiation flags {flags:#x}")));
        }
        if flags & instantiate_flag::DEVICE_LAUNCH != 0 {
            return Err(Error::NotSupported(
                "launching graphs from kernels".to_owned(),
            ));
        }
        let mut gathered = Gathered::default();
        let body = Body::of(graph, &mut gathered)?;
        let has_memory = graph.with_nodes(|nodes| nodes.values().any(|node| node.kind.is_memory()));
        if has_memory && graph.instantiated.swap(true, Ordering::AcqRel) {
            return Err(invalid(
                "a graph that allocates memory can have one executable graph at a time",
            ));
        }
        Ok(Arc::new(Self {
            id: graph.device().new_id(),
            flags,
            body: Mutex::new(Arc::new(body)),
            conditions: distinct(gathered.conditions),
            allocations: gathered
                .allocations
                .into_iter()
                .filter(|allocation| !allocation.is_freed_inside())
                .collect(),
            instantiated: has_memory.then(|| Arc::clone(&graph.instantiated)),
            _users: graph.users(),
        }))
    }

    /// Serial number, unique in the process.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// [`instantiate_flag`] bits it was made with.
    #[must_use]
    pub const fn flags(&self) -> u64 {
        self.flags
    }

    pub(super) fn body(&self) -> Arc<Body> {
        Arc::clone(&lock(&self.body))
    }

    pub(super) fn replace_body(&self, body: Body) {
        *lock(&self.body) = Arc::new(body);
    }

    pub(super) fn conditions(&self) -> &[Arc<ConditionalValue>] {
        &self.conditions
    }

    /// Memory of an earlier launch that the next one frees.
    pub(super) fn freed_at_launch(&self) -> Vec<Arc<GraphAllocation>> {
        if self.flags & instantiate_flag::AUTO_FREE_ON_LAUNCH == 0 {
            return Vec::new();
        }
        self.allocations.clone()
    }

    /// Launches it in a stream.
    ///
    /// # Errors
    ///
    /// If memory of an earlier launch is not freed; else those of [`Stream::submit`].
    ///
    /// # Safety
    ///
    /// As [`Stream::submit`], for every node.
    pub unsafe fn launch(self: &Arc<Self>, stream: &Arc<Stream>) -> Result<(), Error> {
        let left = self.flags & instantiate_flag::AUTO_FREE_ON_LAUNCH == 0
            && self.allocations.iter().any(|known| known.is_live());
        if left {
            return Err(invalid(
                "memory that an earlier launch allocated is not freed",
            ));
        }
        let running = Box::new(Running::new(self));
        // SAFETY: the caller's promise.
        unsafe { stream.submit(Work::Graph(running)) }
    }

    /// Replaces what a node does.
    ///
    /// # Errors
    ///
    /// If there is no such node, or it may not be changed like that.
    pub fn set(&self, id: NodeId, kind: &NodeKind) -> Result<(), Error> {
        self.change(id, &mut |step| {
            step.replace(kind).map_err(|error| {
                invalid(format!("the node cannot be changed like that: {error:?}"))
            })
        })
    }

    /// Switches a node on or off. Kernels, copies and fills can be off.
    ///
    /// # Errors
    ///
    /// If there is no such node, or it is of another type.
    pub fn set_enabled(&self, id: NodeId, enabled: bool) -> Result<(), Error> {
        self.change(id, &mut |step| {
            step.can_be_off()?;
            step.enabled = enabled;
            Ok(())
        })
    }

    /// Whether a node is on.
    ///
    /// # Errors
    ///
    /// As [`Self::set_enabled`].
    pub fn is_enabled(&self, id: NodeId) -> Result<bool, Error> {
        let mut found = true;
        let mut body = (*self.body()).clone();
        let looked = body.change(id, &mut |step| {
            step.can_be_off()?;
            found = step.enabled;
            Ok(())
        });
        looked.unwrap_or_else(|| Err(invalid("no such node")))?;
        Ok(found)
    }

    fn change(
        &self,
        id: NodeId,
        change: &mut dyn FnMut(&mut Step) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut body = lock(&self.body);
        let changed = Arc::make_mut(&mut body).change(id, change);
        changed.unwrap_or_else(|| Err(invalid(format!("node {id} is not of this graph"))))
    }
}

impl Step {
    fn can_be_off(&self) -> Result<(), Error> {
        match &self.action {
            Action::Work(Work::Kernel(_) | Work::Copy(_) | Work::Fill(_)) => Ok(()),
            _ => Err(invalid(
                "only kernels, copies and fills can be switched off",
            )),
        }
    }
}

impl Drop for ExecGraph {
    fn drop(&mut self) {
        if let Some(instantiated) = &self.instantiated {
            instantiated.store(false, Ordering::Release);
        }
    }
}
