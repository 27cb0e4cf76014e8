//! What a launch did, in counts that depend on the program alone.

use std::fmt;
use std::ops::{AddAssign, Index, IndexMut};

use weft_isa::Class;

use crate::timing::TimingReport;

/// Retired instructions by class, counted once per warp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassCounts([u64; Class::ALL.len()]);

impl ClassCounts {
    /// All instructions.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Classes with their counts, in the order of [`Class::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Class, u64)> + '_ {
        Class::ALL.iter().copied().zip(self.0)
    }
}

impl Default for ClassCounts {
    fn default() -> Self {
        Self([0; Class::ALL.len()])
    }
}

impl Index<Class> for ClassCounts {
    type Output = u64;
    fn index(&self, class: Class) -> &u64 {
        &self.0[class as usize]
    }
}

impl IndexMut<Class> for ClassCounts {
    fn index_mut(&mut self, class: Class) -> &mut u64 {
        &mut self.0[class as usize]
    }
}

impl AddAssign<&Self> for ClassCounts {
    fn add_assign(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}

/// Bytes that instructions asked for, before any coalescing or cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes loaded by active elements; atomics count as both.
    pub bytes_read: u64,
    /// Bytes stored by active elements.
    pub bytes_written: u64,
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        self.bytes_read += other.bytes_read;
        self.bytes_written += other.bytes_written;
    }
}

/// [`Traffic`] by where the bytes lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryTraffic {
    /// Device memory and host-registered ranges.
    pub global: Traffic,
    /// Shared windows.
    pub shared: Traffic,
    /// Local windows.
    pub local: Traffic,
    /// Stack windows.
    pub stack: Traffic,
}

impl AddAssign for MemoryTraffic {
    fn add_assign(&mut self, other: Self) {
        self.global += other.global;
        self.shared += other.shared;
        self.local += other.local;
        self.stack += other.stack;
    }
}

/// What a finished launch did.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct LaunchReport {
    /// CTAs run.
    pub ctas: u64,
    /// Warps run.
    pub warps: u64,
    /// Retired instructions by class.
    pub instructions: ClassCounts,
    /// Bytes asked for.
    pub memory: MemoryTraffic,
    /// What the timing model says, if it was on.
    pub timing: Option<Box<TimingReport>>,
    /// Time the launch took on the host. The only field that is not reproducible.
    pub host_seconds: f64,
}

impl fmt::Display for LaunchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "ctas          {:>16}", self.ctas)?;
        writeln!(f, "warps         {:>16}", self.warps)?;
        writeln!(f, "instructions  {:>16}", self.instructions.total())?;
        for (class, count) in self.instructions.iter().filter(|&(_, count)| count != 0) {
            writeln!(f, "  {class:<16}{count:>12}")?;
        }
        let spaces = [
            ("global", self.memory.global),
            ("shared", self.memory.shared),
            ("local", self.memory.local),
            ("stack", self.memory.stack),
        ];
        for (name, traffic) in spaces {
            if traffic != Traffic::default() {
                let Traffic {
                    bytes_read,
                    bytes_written,
                } = traffic;
                writeln!(
                    f,
                    "{name:<8} bytes read {bytes_read:>14}, written {bytes_written:>14}"
                )?;
            }
        }
        Ok(())
    }
}
