//! The smooth maximum under every operator.

/// `(a^q + b^q)^(1/q)`: the larger of two times, and more than it where they are near each
/// other, since a kernel overlaps arithmetic and memory only in part. `sharpness` is q; at 1 the
/// times add, and they are never more than that.
#[must_use]
pub fn smooth_max(left: f64, right: f64, sharpness: f64) -> f64 {
    let (large, small) = if left > right {
        (left, right)
    } else {
        (right, left)
    };
    if large <= 0.0 {
        return 0.0;
    }
    large * (1.0 + (small / large).powf(sharpness)).powf(1.0 / sharpness)
}

/// Share of accesses that the last-level cache serves, 0..=1, for a working set of `bytes`.
#[must_use]
pub fn cached_share(bytes: f64, cache_bytes: f64) -> f64 {
    if cache_bytes <= 0.0 {
        return 0.0;
    }
    1.0 / (1.0 + (bytes / cache_bytes).powi(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smooth_maximum_lies_between_the_maximum_and_the_sum() {
        for (left, right) in [(1.0, 3.0), (3.0, 1.0), (2.0, 2.0), (0.0, 5.0), (0.0, 0.0)] {
            for sharpness in [1.0, 2.0, 8.0] {
                let value = smooth_max(left, right, sharpness);
                assert!(value >= left.max(right) - 1e-12 && value <= left + right + 1e-12);
            }
        }
    }

    #[test]
    fn what_fits_is_cached() {
        assert!(cached_share(1e6, 40e6) > 0.99);
        assert!(cached_share(400e6, 40e6) < 0.01);
        assert!(cached_share(1.0, 0.0) < 1e-9);
    }
}
