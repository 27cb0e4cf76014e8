//! What code may assume of the launches that it is for.

use std::fmt;
use weft_isa::abi::LANES;

/// A class of launches. Code for a class is right for every launch in it; the default class has
/// all launches in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaunchShape {
    /// How thread indices follow from lanes.
    pub rows: Rows,
    /// Every warp has all its threads.
    pub full_warps: bool,
    /// Along each axis there are at most [`CTAS_MAX`] CTAs and [`THREADS_MAX`] threads, so that
    /// the index of a thread in the grid is far from the limits of 32 bits.
    pub bounded: bool,
}

/// Most CTAs along each axis of a launch of a bounded class.
pub const CTAS_MAX: u32 = 1 << 20;
/// Most threads along each axis of a launch of a bounded class.
pub const THREADS_MAX: u32 = 1 << 30;

/// How the indices of the threads of a warp in their CTA follow from their lanes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rows {
    /// Nothing is known.
    #[default]
    Any,
    /// CTAs extend along x only: y and z are 0, and x is that of the first lane plus the lane.
    Line,
    /// Each row of a CTA is made of whole warps: y and z are those of the first lane, and x is
    /// that of the first lane, a multiple of 32, plus the lane.
    Whole,
    /// Rows have this power of two of threads, less than a warp, and each layer of a CTA is made
    /// of whole warps: x is the lane modulo the length, y that of the first lane plus the lane
    /// divided by the length, and z that of the first lane.
    Short {
        /// Base-2 logarithm of the length: 0 to 4.
        log2: u8,
    },
}

impl LaunchShape {
    /// The smallest class with launches of this grid of CTAs of this shape. A grid of `None` may
    /// be of any size.
    #[must_use]
    pub fn of(grid: Option<[u32; 3]>, block: [u32; 3]) -> Self {
        let lanes = u32::try_from(LANES).expect("a warp has 32 lanes");
        let [x, y, z] = block;
        let rows = if y == 1 && z == 1 {
            Rows::Line
        } else if x.is_multiple_of(lanes) {
            Rows::Whole
        } else if x.is_power_of_two() && x < lanes && y.is_multiple_of(lanes / x) {
            Rows::Short {
                log2: u8::try_from(x.trailing_zeros()).expect("below 5"),
            }
        } else {
            Rows::Any
        };
        let threads = block
            .iter()
            .try_fold(1u32, |product, &axis| product.checked_mul(axis));
        Self {
            rows,
            full_warps: threads.is_some_and(|threads| threads.is_multiple_of(lanes)),
            bounded: grid.is_some_and(|grid| {
                grid.iter().zip(block).all(|(&ctas, threads)| {
                    ctas <= CTAS_MAX
                        && u64::from(ctas) * u64::from(threads) <= u64::from(THREADS_MAX)
                })
            }),
        }
    }

    /// Whether every launch of the class `other` is one of this class too.
    #[must_use]
    pub fn includes(self, other: Self) -> bool {
        (self.rows == Rows::Any || self.rows == other.rows)
            && self.full_warps <= other.full_warps
            && self.bounded <= other.bounded
    }

    /// The class as a number, for file formats: see [`Self::from_code`].
    #[must_use]
    pub fn code(self) -> u32 {
        let rows = match self.rows {
            Rows::Any => 0,
            Rows::Line => 1,
            Rows::Whole => 2,
            Rows::Short { log2 } => 3 + u32::from(log2),
        };
        rows | u32::from(self.full_warps) << 8 | u32::from(self.bounded) << 9
    }

    /// The class of a number, if it is that of one.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        let rows = match u8::try_from(code & 0xff).ok()? {
            0 => Rows::Any,
            1 => Rows::Line,
            2 => Rows::Whole,
            short @ 3..8 => Rows::Short { log2: short - 3 },
            _ => return None,
        };
        (code >> 10 == 0).then_some(Self {
            rows,
            full_warps: code & 1 << 8 != 0,
            bounded: code & 1 << 9 != 0,
        })
    }
}

impl fmt::Display for LaunchShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rows {
            Rows::Any => write!(f, "any rows")?,
            Rows::Line => write!(f, "one row")?,
            Rows::Whole => write!(f, "rows of warps")?,
            Rows::Short { log2 } => write!(f, "rows of {}", 1u32 << log2)?,
        }
        if self.full_warps {
            write!(f, ", full warps")?;
        }
        if self.bounded {
            write!(f, ", bounded grid")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_of_launches() {
        let of = |grid, block| LaunchShape::of(Some(grid), block).to_string();
        assert_eq!(
            of([9, 1, 1], [256, 1, 1]),
            "one row, full warps, bounded grid"
        );
        assert_eq!(of([9, 1, 1], [45, 1, 1]), "one row, bounded grid");
        assert_eq!(
            of([1, 9, 1], [64, 3, 1]),
            "rows of warps, full warps, bounded grid"
        );
        assert_eq!(
            of([1, 1, 1], [16, 16, 1]),
            "rows of 16, full warps, bounded grid"
        );
        assert_eq!(
            of([1, 1, 1], [8, 4, 3]),
            "rows of 8, full warps, bounded grid"
        );
        // Two rows of 16 are a warp, three are not.
        assert_eq!(
            of([1, 1, 1], [16, 3, 2]),
            "any rows, full warps, bounded grid"
        );
        assert_eq!(
            of([1, 1, 1], [24, 4, 1]),
            "any rows, full warps, bounded grid"
        );
        assert_eq!(of([1 << 21, 1, 1], [32, 1, 1]), "one row, full warps");
        assert_eq!(
            of([1 << 20, 1, 1], [1024, 1, 1]),
            "one row, full warps, bounded grid"
        );
        let any = LaunchShape::default();
        let own = LaunchShape::of(Some([1; 3]), [64, 1, 1]);
        assert!(any.includes(own) && own.includes(own) && !own.includes(any));
    }

    #[test]
    fn codes_are_read_back() {
        let mut seen = 0;
        for code in 0..2048 {
            if let Some(shape) = LaunchShape::from_code(code) {
                assert_eq!(shape.code(), code);
                seen += 1;
            }
        }
        assert_eq!(seen, 8 * 4);
    }
}
