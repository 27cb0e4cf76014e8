//! Stream capture: what is submitted to streams becomes nodes of a graph instead of being executed.
//!
//! A capture begins in one stream. Others join it by waiting for an event that was recorded in it,
//! and have to be joined back before it ends. What would mix captured work with work that is executed
//! makes the capture invalid.

use super::{Graph, NodeId, NodeKind};
use crate::device::lock;
use crate::error::{CaptureError, Error, invalid};
use crate::event::Event;
use crate::stream::{NON_BLOCKING, Stream, StreamKind};
use crate::work::Work;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::ThreadId;

/// Which calls a capture forbids, and a thread keeps away from captures
/// (`CUstreamCaptureMode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CaptureMode {
    /// Unsafe calls of all threads.
    #[default]
    Global,
    /// Unsafe calls of the thread that began it.
    ThreadLocal,
    /// None.
    Relaxed,
}

/// A capture in progress.
#[derive(Debug)]
pub struct Capture {
    id: u64,
    graph: Arc<Graph>,
    mode: CaptureMode,
    thread: ThreadId,
    /// Number of the stream where it began.
    origin: u64,
    valid: AtomicBool,
    streams: Mutex<Vec<Weak<Stream>>>,
    /// What streams that have been destroyed would have gone on after.
    left: Mutex<Vec<NodeId>>,
}

/// A stream's part in a capture: the nodes that what it is given next comes after.
#[derive(Clone, Debug)]
pub(crate) struct Participation {
    pub(crate) capture: Arc<Capture>,
    pub(crate) dependencies: Vec<NodeId>,
}

/// A point in a capture, as an event remembers it.
pub(crate) type CapturedPoint = Participation;

/// Captures in progress.
#[derive(Debug, Default)]
pub(crate) struct Captures(Mutex<Vec<Arc<Capture>>>);

/// What is known of a stream's capture.
#[derive(Clone, Debug)]
pub struct CaptureInfo {
    /// Whether it can still be ended with success.
    pub is_valid: bool,
    /// Number of the capture, unique in the process.
    pub id: u64,
    /// The graph that is being made.
    pub graph: Arc<Graph>,
    /// Nodes that what the stream is given next comes after.
    pub dependencies: Vec<NodeId>,
}

/// What to do with dependencies that a program gives for a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DependencyChange {
    /// Add them.
    Add,
    /// Put them in the place of those there are.
    Set,
}

impl Capture {
    /// Makes the capture fail at its end, and everything till then.
    pub(crate) fn invalidate(&self) {
        self.valid.store(false, Ordering::Release);
    }

    /// A stream of it is destroyed: without the one where it began it cannot end well, and what
    /// another did has to be joined all the same.
    pub(crate) fn leave(&self, stream: &Stream, dependencies: Vec<NodeId>) {
        if self.origin == stream.id() {
            self.invalidate();
            stream.context().device().captures.end_of(self.origin);
        } else {
            lock(&self.left).extend(dependencies);
        }
    }

    fn is_valid(&self) -> bool {
        self.valid.load(Ordering::Acquire)
    }

    fn streams(&self) -> Vec<Arc<Stream>> {
        lock(&self.streams)
            .iter()
            .filter_map(Weak::upgrade)
            .collect()
    }

    /// Whether a stream of it waits for the default stream of a context.
    fn waits_for_default_of(&self, context: u64) -> bool {
        self.streams()
            .iter()
            .any(|stream| stream.context().id() == context && stream.flags() & NON_BLOCKING == 0)
    }

    fn fail<T>(&self, error: CaptureError) -> Result<T, Error> {
        self.invalidate();
        Err(error.into())
    }
}

impl Captures {
    fn all(&self) -> Vec<Arc<Capture>> {
        lock(&self.0).clone()
    }

    /// Forgets the capture that began in a stream.
    pub(crate) fn end_of(&self, origin: u64) {
        let ended: Vec<_> = lock(&self.0)
            .extract_if(.., |capture| capture.origin == origin)
            .collect();
        // May own the last handle of something that takes these locks, so it goes later.
        drop(ended);
    }

    /// Makes captures in a context invalid; true if there was one.
    pub(crate) fn invalidate_of(&self, context: u64) -> bool {
        let mut found = false;
        for capture in self.all() {
            if capture
                .streams()
                .iter()
                .any(|stream| stream.context().id() == context)
            {
                capture.invalidate();
                found = true;
            }
        }
        found
    }

    /// Whether a thread in this mode may make a call that could break a capture, such as one that
    /// allocates memory. Captures that forbid it become invalid.
    pub(crate) fn check_unsafe_call(&self, mode: CaptureMode) -> Result<(), Error> {
        if mode == CaptureMode::Relaxed {
            return Ok(());
        }
        let thread = std::thread::current().id();
        let mut allowed = true;
        for capture in self.all() {
            let forbids = if capture.thread == thread {
                capture.mode != CaptureMode::Relaxed
            } else {
                mode == CaptureMode::Global && capture.mode == CaptureMode::Global
            };
            if forbids {
                capture.invalidate();
                allowed = false;
            }
        }
        if allowed {
            Ok(())
        } else {
            Err(CaptureError::Unsupported.into())
        }
    }
}

/// Makes `work` a node if `stream` is captured, else gives it back to be executed. With `external`,
/// recordings and waits are nodes too, instead of dependencies inside the capture.
pub(crate) fn captured(
    stream: &Arc<Stream>,
    work: Work,
    external: bool,
) -> Result<Option<Work>, Error> {
    let mut part = lock(&stream.capture);
    if let Some(part) = &mut *part {
        return capture_work(stream, part, work, external).map(|()| None);
    }
    if stream.kind() == StreamKind::Legacy {
        let context = stream.context().id();
        for capture in stream.context().device().captures.all() {
            if capture.waits_for_default_of(context) {
                return capture.fail(CaptureError::Implicit);
            }
        }
    }
    if let Work::Wait(event, _) = &work
        && let Some(point) = event.captured()
    {
        if !point.capture.is_valid() {
            return Err(CaptureError::Invalidated.into());
        }
        if stream.kind() == StreamKind::Legacy {
            return point.capture.fail(CaptureError::Implicit);
        }
        lock(&point.capture.streams).push(Arc::downgrade(stream));
        *part = Some(point);
        return Ok(None);
    }
    Ok(Some(work))
}

fn capture_work(
    stream: &Stream,
    part: &mut Participation,
    work: Work,
    external: bool,
) -> Result<(), Error> {
    let capture = Arc::clone(&part.capture);
    if !capture.is_valid() {
        return Err(CaptureError::Invalidated.into());
    }
    let kind = match work {
        Work::Record(event, _) if !external => {
            event.usable()?;
            event.record_captured(part.clone());
            return Ok(());
        }
        Work::Wait(event, _) if !external => return join(part, &event),
        Work::Free(address) => NodeKind::Free(address),
        Work::Graph(running) => NodeKind::Child(running.to_graph(capture.graph.device())?),
        work => NodeKind::Work(work),
    };
    let id = capture
        .graph
        .add(stream.context(), kind, &part.dependencies)?;
    part.dependencies = vec![id];
    Ok(())
}

/// What is given next comes after what an event was recorded after.
fn join(part: &mut Participation, event: &Event) -> Result<(), Error> {
    match event.captured() {
        None => part.capture.fail(CaptureError::Isolation),
        Some(point) if point.capture.id != part.capture.id => {
            point.capture.invalidate();
            part.capture.fail(CaptureError::Merge)
        }
        Some(point) => {
            for id in point.dependencies {
                if !part.dependencies.contains(&id) {
                    part.dependencies.push(id);
                }
            }
            Ok(())
        }
    }
}

impl Stream {
    /// Begins a capture into `graph`, or a new one; the first nodes come after `dependencies`.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Unsupported`] for the default stream, [`Error::IllegalState`] if the stream is
    /// captured already; if a dependency is not of the graph.
    pub fn begin_capture(
        self: &Arc<Self>,
        mode: CaptureMode,
        graph: Option<(Arc<Graph>, Vec<NodeId>)>,
    ) -> Result<(), Error> {
        self.usable()?;
        if self.kind() == StreamKind::Legacy {
            return Err(CaptureError::Unsupported.into());
        }
        let mut part = lock(&self.capture);
        if part.is_some() {
            return Err(Error::IllegalState(
                "the stream is captured already".to_owned(),
            ));
        }
        let device = self.context().device();
        let (graph, dependencies) = graph.unwrap_or_else(|| (Graph::new(device), Vec::new()));
        let known = graph.node_ids();
        if dependencies.iter().any(|id| !known.contains(id)) {
            return Err(invalid("a dependency that is no node of the graph"));
        }
        let capture = Arc::new(Capture {
            id: device.new_id(),
            graph,
            mode,
            thread: std::thread::current().id(),
            origin: self.id(),
            valid: AtomicBool::new(true),
            streams: Mutex::new(vec![Arc::downgrade(self)]),
            left: Mutex::default(),
        });
        lock(&device.captures.0).push(Arc::clone(&capture));
        *part = Some(Participation {
            capture,
            dependencies,
        });
        Ok(())
    }

    /// Ends the capture that began in this stream and gives its graph.
    ///
    /// # Errors
    ///
    /// [`Error::IllegalState`] if the stream is not captured, [`CaptureError::Unmatched`] if the
    /// capture began in another; and, with the capture at its end all the same,
    /// [`CaptureError::WrongThread`], [`CaptureError::Invalidated`] or [`CaptureError::Unjoined`].
    pub fn end_capture(&self) -> Result<Arc<Graph>, Error> {
        let part = lock(&self.capture).clone();
        let Some(part) = part else {
            return Err(Error::IllegalState("the stream is not captured".to_owned()));
        };
        let capture = part.capture;
        if capture.origin != self.id() {
            return Err(CaptureError::Unmatched.into());
        }
        let wrong_thread =
            capture.mode != CaptureMode::Relaxed && capture.thread != std::thread::current().id();
        if wrong_thread {
            return capture.fail(CaptureError::WrongThread);
        }
        let ancestors = ancestors(&capture.graph, &part.dependencies);
        let mut joined = lock(&capture.left).iter().all(|id| ancestors.contains(id));
        for stream in capture.streams() {
            let ended = lock(&stream.capture).take_if(|part| part.capture.id == capture.id);
            let nodes = ended.into_iter().flat_map(|part| part.dependencies);
            joined &= nodes.into_iter().all(|id| ancestors.contains(&id));
        }
        let device = self.context().device();
        device.captures.end_of(capture.origin);
        let valid = capture.valid.swap(false, Ordering::AcqRel);
        if !valid {
            return Err(CaptureError::Invalidated.into());
        }
        if !joined {
            return Err(CaptureError::Unjoined.into());
        }
        Ok(Arc::clone(&capture.graph))
    }

    /// The capture that the stream takes part in.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Implicit`] for a default stream that waits for a stream that is captured.
    pub fn capture_info(&self) -> Result<Option<CaptureInfo>, Error> {
        self.usable()?;
        if self.kind() == StreamKind::Legacy {
            let context = self.context().id();
            let captures = self.context().device().captures.all();
            if captures
                .iter()
                .any(|capture| capture.waits_for_default_of(context))
            {
                return Err(CaptureError::Implicit.into());
            }
        }
        let part = lock(&self.capture).clone();
        Ok(part.map(|part| CaptureInfo {
            is_valid: part.capture.is_valid(),
            id: part.capture.id,
            graph: Arc::clone(&part.capture.graph),
            dependencies: part.dependencies,
        }))
    }

    /// Changes what the next captured operation comes after.
    ///
    /// # Errors
    ///
    /// [`Error::IllegalState`] if the stream is not captured; if a node is not of the graph.
    pub fn change_dependencies(
        &self,
        change: DependencyChange,
        nodes: &[NodeId],
    ) -> Result<(), Error> {
        self.usable()?;
        let mut part = lock(&self.capture);
        let Some(part) = &mut *part else {
            return Err(Error::IllegalState("the stream is not captured".to_owned()));
        };
        if !part.capture.is_valid() {
            return Err(CaptureError::Invalidated.into());
        }
        let known = part.capture.graph.node_ids();
        if nodes.iter().any(|id| !known.contains(id)) {
            return Err(invalid("a dependency that is no node of the graph"));
        }
        if change == DependencyChange::Set {
            part.dependencies.clear();
        }
        for &id in nodes {
            if !part.dependencies.contains(&id) {
                part.dependencies.push(id);
            }
        }
        Ok(())
    }

    /// Adds a node to the graph of the stream's capture; `None` if the stream is not captured.
    ///
    /// # Errors
    ///
    /// If the capture is invalid, or the node not allowed.
    pub fn capture_node(
        &self,
        make: impl FnOnce(&Graph) -> Result<NodeKind, Error>,
    ) -> Result<Option<NodeId>, Error> {
        self.usable()?;
        let mut part = lock(&self.capture);
        let Some(part) = &mut *part else {
            return Ok(None);
        };
        if !part.capture.is_valid() {
            return Err(CaptureError::Invalidated.into());
        }
        let graph = &part.capture.graph;
        let id = graph.add(self.context(), make(graph)?, &part.dependencies)?;
        part.dependencies = vec![id];
        Ok(Some(id))
    }
}

impl crate::Device {
    /// Whether a thread in this mode may make a call that could break a capture in progress, such as
    /// one that allocates memory. Captures that forbid it become invalid.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Unsupported`].
    pub fn check_unsafe_call(&self, mode: CaptureMode) -> Result<(), Error> {
        self.captures.check_unsafe_call(mode)
    }
}

/// The nodes and all that come before them.
fn ancestors(graph: &Graph, nodes: &[NodeId]) -> BTreeSet<NodeId> {
    graph.with_nodes(|all| {
        let mut found = BTreeSet::new();
        let mut next: Vec<NodeId> = nodes.to_vec();
        while let Some(id) = next.pop() {
            if found.insert(id)
                && let Some(node) = all.get(&id)
            {
                next.extend(&node.dependencies);
            }
        }
        found
    })
}
