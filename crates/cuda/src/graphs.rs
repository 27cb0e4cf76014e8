//! Handles of graphs, their nodes and executable graphs.
//!
//! Graphs and nodes have numbers of their own in the process, so a handle is made of the number and is
//! the same whenever it is asked for. Graphs inside others have handles too, but cannot be destroyed.

use crate::c::{EdgeData, Handle, get};
use crate::handle::Registry;
use crate::result::CUresult;
use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use weft_driver::{ExecGraph, Graph, NodeId, UserObject};

/// A graph that the program knows.
#[derive(Debug)]
pub(crate) struct GraphEntry {
    pub(crate) graph: Arc<Graph>,
    /// Whether the program has to destroy it, and nobody else.
    owned: AtomicBool,
    /// Of the first graph of a conditional node: the handles of all of them, which the program reads as
    /// long as the node lives.
    bodies: OnceLock<Box<[usize]>>,
}

/// A node that the program knows.
#[derive(Debug)]
pub(crate) struct NodeEntry {
    pub(crate) graph: Arc<Graph>,
    pub(crate) id: NodeId,
    /// What the program was given pointers to, which live as long as the node or till they are
    /// asked for again.
    lent: Mutex<Option<Lent>>,
}

/// Memory that the program reads.
#[derive(Debug)]
struct Lent(#[expect(dead_code, reason = "the program reads it")] Box<dyn Any + Send>);

/// A user object, with the references that the program itself has.
#[derive(Debug)]
pub(crate) struct UserEntry {
    pub(crate) object: Weak<UserObject>,
    pub(crate) own: Mutex<(u32, Option<Arc<UserObject>>)>,
}

static GRAPHS: Registry<GraphEntry> = Registry::new(10, CUresult::INVALID_VALUE);
static NODES: Registry<NodeEntry> = Registry::new(11, CUresult::INVALID_VALUE);
/// Executable graphs by handle.
pub(crate) static EXECS: Registry<ExecGraph> = Registry::new(12, CUresult::INVALID_VALUE);
/// User objects by handle.
pub(crate) static USER_OBJECTS: Registry<UserEntry> = Registry::new(13, CUresult::INVALID_VALUE);

/// The handle of a graph that the program is to destroy.
pub(crate) fn give_graph(graph: &Arc<Graph>) -> Handle {
    let handle = lend_graph(graph);
    if let Ok(entry) = GRAPHS.get(handle) {
        entry.owned.store(true, Ordering::Release);
    }
    handle
}

/// The handle of a graph that belongs to something else.
pub(crate) fn lend_graph(graph: &Arc<Graph>) -> Handle {
    GRAPHS.insert_as(graph.id(), || {
        Arc::new(GraphEntry {
            graph: Arc::clone(graph),
            owned: AtomicBool::new(false),
            bodies: OnceLock::new(),
        })
    })
}

/// The handles of a conditional node's graphs, in an array that lives as long as they.
///
/// # Errors
///
/// `INVALID_VALUE` without graphs.
pub(crate) fn lend_bodies(bodies: &[Arc<Graph>]) -> Result<*mut Handle, CUresult> {
    let handles: Box<[usize]> = bodies
        .iter()
        .map(|body| lend_graph(body) as usize)
        .collect();
    let first = bodies.first().ok_or(CUresult::INVALID_VALUE)?;
    let entry = GRAPHS.get(lend_graph(first))?;
    let array = entry.bodies.get_or_init(|| handles);
    // A handle is a pointer that nobody follows.
    Ok(array.as_ptr().cast_mut().cast())
}

/// The graph of a handle.
pub(crate) fn graph(handle: Handle) -> Result<Arc<Graph>, CUresult> {
    Ok(Arc::clone(&GRAPHS.get(handle)?.graph))
}

/// The handle of a node.
pub(crate) fn node_handle(graph: &Arc<Graph>, id: NodeId) -> Handle {
    NODES.insert_as(id, || {
        Arc::new(NodeEntry {
            graph: Arc::clone(graph),
            id,
            lent: Mutex::default(),
        })
    })
}

/// The node of a handle.
pub(crate) fn node(handle: Handle) -> Result<Arc<NodeEntry>, CUresult> {
    NODES.get(handle)
}

impl NodeEntry {
    /// Keeps memory that the program is given pointers to.
    pub(crate) fn lend<T: Send + 'static>(&self, memory: T) {
        let mut lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner);
        *lent = Some(Lent(Box::new(memory)));
    }
}

/// Forgets a node that is gone.
pub(crate) fn forget_node(handle: Handle) {
    // It may never have had a handle that was asked for.
    let _ = NODES.remove(handle);
}

/// Forgets a graph with its nodes and what is inside it.
///
/// # Errors
///
/// `INVALID_VALUE` for a graph that belongs to something else.
pub(crate) fn destroy_graph(handle: Handle) -> Result<(), CUresult> {
    let entry = GRAPHS.get(handle)?;
    if !entry.owned.swap(false, Ordering::AcqRel) {
        return Err(CUresult::INVALID_VALUE);
    }
    forget_graph(&entry.graph);
    Ok(())
}

/// Hands a graph over to a node: the program can use it, but not destroy it.
///
/// # Errors
///
/// `INVALID_VALUE` for a graph that belongs to something else.
pub(crate) fn give_up(handle: Handle) -> Result<Arc<Graph>, CUresult> {
    let entry = GRAPHS.get(handle)?;
    if !entry.owned.swap(false, Ordering::AcqRel) {
        return Err(CUresult::INVALID_VALUE);
    }
    Ok(Arc::clone(&entry.graph))
}

/// Forgets the handles of a graph, its nodes, and what is inside it.
pub(crate) fn forget_graph(graph: &Arc<Graph>) {
    for inner in graph.inner_graphs().iter().chain([graph]) {
        for id in inner.node_ids() {
            forget_node(NODES.handle_of(id));
        }
        // It may never have had a handle.
        let _ = GRAPHS.remove(GRAPHS.handle_of(inner.id()));
    }
}

/// Numbers of the nodes in an array of handles.
///
/// # Safety
/// `handles` is null or valid for `count` handles.
pub(crate) unsafe fn node_ids(
    graph: &Arc<Graph>,
    handles: *const Handle,
    count: usize,
) -> Result<Vec<NodeId>, CUresult> {
    (0..count)
        .map(|index| {
            if handles.is_null() {
                return Err(CUresult::INVALID_VALUE);
            }
            // SAFETY: the caller's array.
            let node = node(unsafe { get(handles.wrapping_add(index)) }?)?;
            if node.graph.id() != graph.id() {
                return Err(CUresult::INVALID_VALUE);
            }
            Ok(node.id)
        })
        .collect()
}

/// Checks edge data: all edges of this device order whole nodes.
///
/// # Safety
/// `data` is null or valid for `count` structures.
pub(crate) unsafe fn check_edges(data: *const EdgeData, count: usize) -> Result<(), CUresult> {
    if data.is_null() {
        return Ok(());
    }
    for index in 0..count {
        // SAFETY: the caller's array.
        let edge = unsafe { get(data.wrapping_add(index)) }?;
        if edge != EdgeData::default() {
            // Kernels that begin before another has ended exist from compute capability 9.0 on.
            return Err(if edge.kind == 1 {
                CUresult::NOT_SUPPORTED
            } else {
                CUresult::INVALID_VALUE
            });
        }
    }
    Ok(())
}

/// Stores handles, or only their number, as the functions that list nodes do.
///
/// # Safety
/// `count` is null or valid; `out` is null or valid for as many handles as `count` says.
pub(crate) unsafe fn put_list(
    handles: &[Handle],
    out: *mut Handle,
    count: *mut usize,
) -> Result<(), CUresult> {
    // SAFETY: the caller's pointer.
    let room = unsafe { get(count) }?;
    if out.is_null() {
        // SAFETY: as above.
        return unsafe { crate::c::put(count, handles.len()) };
    }
    for index in 0..room {
        let handle = handles.get(index).copied().unwrap_or(std::ptr::null_mut());
        // SAFETY: the caller's array.
        unsafe { out.wrapping_add(index).write(handle) };
    }
    // SAFETY: as above.
    unsafe { crate::c::put(count, handles.len().min(room)) }
}
