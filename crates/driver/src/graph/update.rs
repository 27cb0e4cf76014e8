//! Changing executable graphs in place.

use super::exec::{Action, Body, Step};
use super::{ExecGraph, Graph, Node, NodeId, NodeKind};
use crate::copy::Place;
use crate::error::Error;
use crate::work::Work;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why an executable graph cannot be changed (`CUgraphExecUpdateResult`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateError {
    /// Number of nodes or dependencies.
    TopologyChanged,
    /// Type of a node.
    NodeTypeChanged,
    /// Parameters of a node that cannot change.
    ParametersChanged,
    /// A node that cannot be updated at all.
    NotSupported,
    /// The function of a kernel node, in a way that is not possible.
    UnsupportedFunctionChange,
    /// An attribute of a kernel node.
    AttributesChanged,
}

/// An update that was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpdateFailure {
    /// Why.
    pub error: UpdateError,
    /// Node of the new graph.
    pub node: Option<NodeId>,
    /// Node of the new graph that it depends on, if that is what is wrong.
    pub from: Option<NodeId>,
}

impl Step {
    /// Lets a step do something else of the same type.
    pub(super) fn replace(&mut self, kind: &NodeKind) -> Result<(), UpdateError> {
        match (&mut self.action, kind) {
            (Action::Work(old), NodeKind::Work(new)) => {
                check(old, new)?;
                *old = new.clone();
                Ok(())
            }
            (Action::Child(body), NodeKind::Child(graph)) => {
                let new = updated(body, graph).map_err(|failure| failure.error)?;
                *body = Arc::new(new);
                Ok(())
            }
            (Action::Conditional(_, bodies), NodeKind::Conditional(conditional)) => {
                if bodies.len() != conditional.bodies().len() {
                    return Err(UpdateError::ParametersChanged);
                }
                for (body, graph) in bodies.iter_mut().zip(conditional.bodies()) {
                    *body = Arc::new(updated(body, graph).map_err(|failure| failure.error)?);
                }
                Ok(())
            }
            (Action::Empty, NodeKind::Empty) => Ok(()),
            (Action::Allocate(_), NodeKind::Allocate(_)) | (Action::Free(_), NodeKind::Free(_)) => {
                Err(UpdateError::NotSupported)
            }
            _ => Err(UpdateError::NodeTypeChanged),
        }
    }
}

/// Whether work can take the place of other work.
fn check(old: &Work, new: &Work) -> Result<(), UpdateError> {
    match (old, new) {
        (Work::Kernel(old), Work::Kernel(new)) => {
            if old.kernel.context().id() != new.kernel.context().id() {
                return Err(UpdateError::UnsupportedFunctionChange);
            }
            if old.config.cooperative != new.config.cooperative {
                return Err(UpdateError::AttributesChanged);
            }
            Ok(())
        }
        (Work::Copy(old), Work::Copy(new)) => {
            let same =
                |a: &Place, b: &Place| std::mem::discriminant(a) == std::mem::discriminant(b);
            if same(&old.to.place, &new.to.place) && same(&old.from.place, &new.from.place) {
                Ok(())
            } else {
                Err(UpdateError::ParametersChanged)
            }
        }
        (Work::Fill(old), Work::Fill(new)) => {
            let is_flat = old.height == 1 && new.height == 1;
            let shape = |fill: &crate::copy::Fill| {
                (fill.width, fill.height, fill.pitch, fill.element_bytes)
            };
            if is_flat || shape(old) == shape(new) {
                Ok(())
            } else {
                Err(UpdateError::ParametersChanged)
            }
        }
        (Work::Memory(old), Work::Memory(new)) if old.len() != new.len() => {
            Err(UpdateError::ParametersChanged)
        }
        _ if std::mem::discriminant(old) == std::mem::discriminant(new) => Ok(()),
        _ => Err(UpdateError::NodeTypeChanged),
    }
}

/// A body with what the nodes of a graph of the same form do. Nodes are paired by the order of their
/// making.
fn updated(body: &Body, graph: &Graph) -> Result<Body, UpdateFailure> {
    graph.with_nodes(|nodes| {
        let fail = |error, node, from| UpdateFailure { error, node, from };
        if nodes.len() != body.steps.len() {
            return Err(fail(UpdateError::TopologyChanged, None, None));
        }
        let mut by_age: Vec<usize> = (0..body.steps.len()).collect();
        by_age.sort_by_key(|&index| body.steps[index].id);
        let step_of: BTreeMap<NodeId, usize> =
            nodes.keys().copied().zip(by_age.iter().copied()).collect();
        let mut new = body.clone();
        for (&id, node) in nodes {
            let index = step_of[&id];
            let step = &mut new.steps[index];
            let Node {
                kind, dependencies, ..
            } = node;
            if dependencies.len() != step.after.len() {
                return Err(fail(UpdateError::TopologyChanged, Some(id), None));
            }
            let stranger = dependencies
                .iter()
                .find(|from| !step.after.contains(&step_of[from]));
            if let Some(&from) = stranger {
                return Err(fail(UpdateError::TopologyChanged, Some(id), Some(from)));
            }
            step.replace(kind)
                .map_err(|error| fail(error, Some(id), None))?;
        }
        Ok(new)
    })
}

impl ExecGraph {
    /// Takes over what the nodes of a graph of the same form do, all or nothing.
    ///
    /// # Errors
    ///
    /// The first difference that an update cannot bridge.
    pub fn update(&self, graph: &Graph) -> Result<(), UpdateFailure> {
        let new = updated(&self.body(), graph)?;
        self.replace_body(new);
        Ok(())
    }
}

impl From<UpdateFailure> for Error {
    fn from(failure: UpdateFailure) -> Self {
        Self::GraphUpdate(format!("{:?}", failure.error))
    }
}
