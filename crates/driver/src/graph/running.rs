//! A graph in execution.

use super::exec::{Action, Body};
use super::{ConditionalKind, ConditionalValue, ExecGraph, Graph, GraphAllocation, NodeKind};
use crate::context::Context;
use crate::device::Device;
use crate::error::Error;
use crate::work::{Progress, Work};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A launch of a graph, as far as it got.
#[derive(Clone, Debug)]
pub struct Running {
    body: Arc<Body>,
    states: Vec<State>,
    /// What is done before the first node, if it has not been done.
    prologue: Option<Prologue>,
}

#[derive(Clone, Debug)]
struct Prologue {
    conditions: Vec<Arc<ConditionalValue>>,
    /// Memory of an earlier launch that is to be freed.
    freed: Vec<Arc<GraphAllocation>>,
    /// Lives as long as the launch has not begun.
    _exec: Arc<ExecGraph>,
}

#[derive(Clone, Debug)]
enum State {
    Waiting,
    /// Begun, but blocked.
    Begun(Box<Work>),
    /// Executes a graph of its own.
    Inside(Box<Running>),
    Done,
}

impl Running {
    /// A launch that has not begun.
    pub(super) fn new(exec: &Arc<ExecGraph>) -> Self {
        Self {
            prologue: Some(Prologue {
                conditions: exec.conditions().to_vec(),
                freed: exec.freed_at_launch(),
                _exec: Arc::clone(exec),
            }),
            ..Self::of(exec.body())
        }
    }

    fn of(body: Arc<Body>) -> Self {
        Self {
            states: vec![State::Waiting; body.steps.len()],
            body,
            prologue: None,
        }
    }

    /// The same as a graph, to be a node.
    pub(super) fn to_graph(&self, device: &Arc<Device>) -> Result<Arc<Graph>, Error> {
        let graph = Graph::new(device);
        let mut ids = Vec::new();
        for step in &self.body.steps {
            let kind = match &step.action {
                _ if !step.enabled => NodeKind::Empty,
                Action::Empty => NodeKind::Empty,
                Action::Work(work) => NodeKind::Work(work.clone()),
                Action::Child(body) => {
                    NodeKind::Child(Self::of(Arc::clone(body)).to_graph(device)?)
                }
                Action::Allocate(_) | Action::Free(_) | Action::Conditional(..) => {
                    return Err(Error::NotSupported(
                        "a graph that allocates memory, or with conditional nodes, inside another"
                            .to_owned(),
                    ));
                }
            };
            let after: Vec<_> = step.after.iter().map(|&index: &usize| ids[index]).collect();
            ids.push(graph.add(&step.context, kind, &after)?);
        }
        Ok(graph)
    }

    /// Goes on as far as it can.
    ///
    /// # Safety
    ///
    /// As [`Work::step`] for every node.
    pub(crate) unsafe fn step(
        &mut self,
        context: &Arc<Context>,
        stream: u64,
    ) -> Result<Progress, Error> {
        if let Some(prologue) = self.prologue.take() {
            for condition in &prologue.conditions {
                condition.begin()?;
            }
            for allocation in &prologue.freed {
                if allocation.is_live() {
                    context.free_device_memory(allocation.address())?;
                }
            }
        }
        loop {
            let (mut progressed, mut done) = (false, true);
            for index in 0..self.states.len() {
                if matches!(self.states[index], State::Done) {
                    continue;
                }
                let after = &self.body.steps[index].after;
                let ready = after
                    .iter()
                    .all(|&other| matches!(self.states[other], State::Done));
                // SAFETY: the caller's promise.
                if ready && unsafe { self.step_node(index, stream) }? == Progress::Done {
                    self.states[index] = State::Done;
                    progressed = true;
                } else {
                    done = false;
                }
            }
            if done {
                return Ok(Progress::Done);
            }
            if !progressed {
                return Ok(Progress::Blocked);
            }
        }
    }

    /// # Safety
    ///
    /// As [`Work::step`].
    unsafe fn step_node(&mut self, index: usize, stream: u64) -> Result<Progress, Error> {
        let step = &self.body.steps[index];
        if !step.enabled {
            return Ok(Progress::Done);
        }
        let state = &mut self.states[index];
        match &step.action {
            Action::Empty => {}
            Action::Allocate(allocation) => allocation.begin(&step.context)?,
            Action::Free(address) => step.context.free_device_memory(*address)?,
            Action::Work(work) => {
                let mut work = match std::mem::replace(state, State::Waiting) {
                    State::Begun(work) => work,
                    State::Waiting | State::Inside(_) | State::Done => Box::new(work.clone()),
                };
                // SAFETY: the caller's promise.
                if unsafe { work.step(&step.context, stream) }? == Progress::Blocked {
                    *state = State::Begun(work);
                    return Ok(Progress::Blocked);
                }
            }
            Action::Child(body) => {
                let mut inside = match std::mem::replace(state, State::Waiting) {
                    State::Inside(inside) => inside,
                    State::Waiting | State::Begun(_) | State::Done => {
                        Box::new(Self::of(Arc::clone(body)))
                    }
                };
                // SAFETY: the caller's promise.
                if unsafe { inside.step(&step.context, stream) }? == Progress::Blocked {
                    *state = State::Inside(inside);
                    return Ok(Progress::Blocked);
                }
            }
            Action::Conditional(conditional, bodies) => loop {
                let mut inside = match std::mem::replace(state, State::Waiting) {
                    State::Inside(inside) => inside,
                    State::Waiting | State::Begun(_) | State::Done => match conditional.choose()? {
                        Some(index) => Box::new(Self::of(Arc::clone(&bodies[index]))),
                        None => break,
                    },
                };
                // SAFETY: the caller's promise.
                if unsafe { inside.step(&step.context, stream) }? == Progress::Blocked {
                    *state = State::Inside(inside);
                    return Ok(Progress::Blocked);
                }
                if conditional.kind() != ConditionalKind::While {
                    break;
                }
            },
        }
        Ok(Progress::Done)
    }
}

/// Conditional values by handle, each once.
pub(super) fn distinct(
    values: impl IntoIterator<Item = Arc<ConditionalValue>>,
) -> Vec<Arc<ConditionalValue>> {
    let by_handle: BTreeMap<u64, _> = values
        .into_iter()
        .map(|value| (value.handle(), value))
        .collect();
    by_handle.into_values().collect()
}
