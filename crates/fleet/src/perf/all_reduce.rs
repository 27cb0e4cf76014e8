//! Time of a sum over chips that each chip gets.

use serde::{Deserialize, Serialize};

/// Fitted constants of a chip and its link.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Constants {
    /// Share of the link's bandwidth in one direction.
    pub link_share: f64,
    /// Seconds of the smallest sum over two chips.
    pub launch_s: f64,
    /// Further seconds for each further chip.
    pub chip_s: f64,
}

/// Seconds to sum `bytes` over `chips` with `link_bytes_per_s` in each direction. One chip sums
/// nothing.
#[must_use]
pub fn seconds(c: &Constants, link_bytes_per_s: f64, chips: f64, bytes: f64) -> f64 {
    if chips < 1.5 {
        return 0.0;
    }
    // A chip sends and receives 2 (n - 1) / n of the bytes, in a ring as in two steps of a
    // direct exchange.
    let moved = 2.0 * (chips - 1.0) / chips * bytes;
    c.launch_s + c.chip_s * (chips - 2.0) + moved / (link_bytes_per_s * c.link_share)
}
