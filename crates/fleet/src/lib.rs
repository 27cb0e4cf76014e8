//! Fleets of unequal accelerators: which chips exist, how fast they serve a model, where a
//! request goes, how many of each chip a service needs.
//!
//! Everything here is a pure function of its arguments: no files, clocks, threads or network.
//! Times are seconds, sizes bytes, rates per second, unless a name says otherwise.
#![forbid(unsafe_code)]

pub mod catalog;
pub mod compare;
pub mod evidence;
pub mod fit;
pub mod model;
pub mod names;
pub mod perf;
pub mod plan;
pub mod policy;
pub mod prefix;
pub mod random;
pub mod sim;
pub mod spec;
pub mod trace;
