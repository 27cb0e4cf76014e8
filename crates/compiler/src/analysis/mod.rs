//! What the back end knows about a function before it generates code.
//!
//! [`graph`] has the control-flow graph and dominators, [`loops`] the loop forest of a
//! reducible graph and the order in which code is laid out, [`divergence`] which values may
//! differ between the threads of a warp that compute them together.

pub(crate) mod divergence;
pub(crate) mod graph;
pub(crate) mod loops;
