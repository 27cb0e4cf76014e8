//! Whether routing and planning are worth it: the same requests on the same chips, or for the
//! same money, under every policy, with confidence intervals.
//!
//! Each seed is a bootstrap sample of a trace ([`crate::trace::Trace::resampled`]). All policies
//! and fleets see the same samples, so their ratios are taken sample by sample. What is compared
//! is capacity, the highest rate at which the asked share of requests is within the bounds, and
//! cost at it: at a fixed rate, policies look alike below capacity and hopeless above it.

mod capacity;
mod interval;
mod plans;
mod routing;
mod slowdown;
mod split;

pub use capacity::{Capacity, capacity};
pub use interval::Interval;
pub use plans::{Planned, plans};
pub use routing::{Contest, Contestant, contest};
pub use slowdown::Slowdown;
pub use split::{Phases, phases};
