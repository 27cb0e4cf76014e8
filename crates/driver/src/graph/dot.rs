//! Graphs as text for Graphviz.

use super::{Graph, Node, NodeKind};
use crate::copy::Place;
use crate::work::Work;
use std::fmt::Write as _;

/// How much is said of nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DotDetail {
    /// Parameters of nodes.
    pub parameters: bool,
}

fn place(place: &Place) -> String {
    match place {
        Place::Host(address) => format!("host {address:#x}"),
        Place::Device(address) => format!("device {address:#x}"),
        Place::Unified(address) => format!("unified {address:#x}"),
        Place::Array(array) => format!("array {}", array.id()),
    }
}

/// Type and parameters of a node.
fn label(node: &Node) -> (&'static str, String) {
    match &node.kind {
        NodeKind::Empty => ("EMPTY", String::new()),
        NodeKind::Child(graph) => ("CHILD_GRAPH", format!("graph {}", graph.id())),
        NodeKind::Allocate(allocation) => (
            "MEM_ALLOC",
            format!("{:#x}, {} bytes", allocation.address(), allocation.bytes()),
        ),
        NodeKind::Free(address) => ("MEM_FREE", format!("{address:#x}")),
        NodeKind::Conditional(conditional) => (
            "CONDITIONAL",
            format!("{:?} of {:#x}", conditional.kind(), conditional.handle()),
        ),
        NodeKind::Work(work) => match work {
            Work::Kernel(launch) => (
                "KERNEL",
                format!(
                    "{}\\n<<<{:?}, {:?}, {}>>>",
                    launch.kernel.name(),
                    launch.config.grid,
                    launch.config.block,
                    launch.config.shared_bytes
                ),
            ),
            Work::Copy(copy) => (
                "MEMCPY",
                format!(
                    "{} to {}, {:?}",
                    place(&copy.from.place),
                    place(&copy.to.place),
                    copy.extent
                ),
            ),
            Work::Fill(fill) => (
                "MEMSET",
                format!(
                    "{:#x} = {:#x}, {} x {}",
                    fill.address, fill.value, fill.width, fill.height
                ),
            ),
            Work::Host(host) => ("HOST", format!("{:#x}({:#x})", host.function, host.data)),
            Work::Memory(operations) => {
                ("BATCH_MEM_OP", format!("{} operations", operations.len()))
            }
            Work::Record(event, _) => ("EVENT_RECORD", format!("event {}", event.id())),
            Work::Wait(event, _) => ("EVENT_WAIT", format!("event {}", event.id())),
            Work::Free(address) => ("MEM_FREE", format!("{address:#x}")),
            Work::Graph(_) => ("CHILD_GRAPH", String::new()),
        },
    }
}

impl Graph {
    /// The graph in the DOT language, graphs inside it as clusters.
    #[must_use]
    pub fn to_dot(&self, detail: DotDetail) -> String {
        let mut text = String::from("digraph dot {\n");
        self.write_dot(&mut text, detail, "graph");
        text.push_str("}\n");
        text
    }

    fn write_dot(&self, text: &mut String, detail: DotDetail, prefix: &str) {
        let id = self.id();
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "subgraph cluster_{id} {{\nlabel=\"{prefix}_{id}\" graph[style=\"dashed\"];"
        );
        self.with_nodes(|nodes| {
            for (id, node) in nodes {
                let (kind, parameters) = label(node);
                let parameters = parameters.replace('"', "'");
                let more = if detail.parameters && !parameters.is_empty() {
                    format!("\\n{parameters}")
                } else {
                    String::new()
                };
                let _ = writeln!(
                    text,
                    "\"node_{id}\"[shape=\"box\" label=\"{id}\\n{kind}{more}\"];"
                );
            }
            for (to, node) in nodes {
                for from in &node.dependencies {
                    let _ = writeln!(text, "\"node_{from}\" -> \"node_{to}\";");
                }
            }
            for node in nodes.values() {
                match &node.kind {
                    NodeKind::Child(graph) => graph.write_dot(text, detail, "child"),
                    NodeKind::Conditional(conditional) => {
                        for body in conditional.bodies() {
                            body.write_dot(text, detail, "body");
                        }
                    }
                    NodeKind::Empty
                    | NodeKind::Work(_)
                    | NodeKind::Allocate(_)
                    | NodeKind::Free(_) => {}
                }
            }
        });
        text.push_str("}\n");
    }
}
