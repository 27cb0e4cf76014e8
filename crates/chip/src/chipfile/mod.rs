//! Chip files: what a chip consists of, how fast each part is and what it costs in energy.
//!
//! A chip file is TOML. Every number is an [`Entry`] with value, unit, mark and source; unknown
//! keys, missing ones and impossible values are refused with the key and the reason. A file may
//! begin with `base = "w1"` (a built-in chip) and list only what differs.
//!
//! `docs/chip-files.md` is the guide.

mod check;
mod entry;
mod sections;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use entry::{Entry, Listed, Mark, Problem};
pub use sections::{
    Cores, Energy, Host, L1, L2, Latency, Matrix, MemoryShape, MemoryTiming, Network, Scratchpad,
    StaticPower, Vector,
};

/// Bytes of a cache line.
pub const LINE_BYTES: u64 = 128;
/// Bytes of a sector, the unit of transfers between cores, caches and memory.
pub const SECTOR_BYTES: u64 = 32;

/// A chip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChipFile {
    /// Name in reports.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Technology of the memory devices, for people.
    pub memory_type: String,
    /// See [`Cores`].
    pub cores: Cores,
    /// See [`Latency`].
    pub latency: Latency,
    /// See [`Vector`].
    pub vector: Vector,
    /// See [`Matrix`].
    pub matrix: Matrix,
    /// See [`Scratchpad`].
    pub scratchpad: Scratchpad,
    /// See [`L1`].
    pub l1: L1,
    /// See [`L2`].
    pub l2: L2,
    /// See [`Network`].
    pub network: Network,
    /// See [`MemoryShape`].
    pub memory: MemoryShape,
    /// See [`MemoryTiming`].
    pub memory_timing: MemoryTiming,
    /// See [`Host`].
    pub host: Host,
    /// See [`Energy`].
    pub energy: Energy,
    /// See [`StaticPower`].
    pub static_power: StaticPower,
}

/// Why there is no chip.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChipFileError {
    /// The file cannot be read.
    #[error("failed to read the chip file {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// The host's reason.
        source: std::io::Error,
    },
    /// Not TOML, an unknown key, a missing one, or a value of another type.
    #[error("chip file {path}: {message}")]
    Syntax {
        /// The file.
        path: String,
        /// Where and why.
        message: String,
    },
    /// `base` names no built-in chip.
    #[error("chip file {path}: base: no built-in chip is called `{base}`; there are {known}")]
    UnknownBase {
        /// The file.
        path: String,
        /// What it says.
        base: String,
        /// Names of the built-in chips.
        known: String,
    },
    /// Values that no chip can have.
    #[error("chip file {path}: {}", join(.problems))]
    Impossible {
        /// The file.
        path: String,
        /// All that was found.
        problems: Vec<Problem>,
    },
}

fn join(problems: &[Problem]) -> String {
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    texts.join("\n  ")
}

/// Built-in chips: name and text.
const BUILT_IN: &[(&str, &str)] = &[
    ("w1", include_str!("../../chips/w1.toml")),
    ("w0", include_str!("../../chips/w0.toml")),
    ("w1-hbm2", include_str!("../../chips/w1-hbm2.toml")),
    ("w1-gddr6", include_str!("../../chips/w1-gddr6.toml")),
];

impl ChipFile {
    /// Names of the chips that need no file.
    pub fn built_in_names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// The W1.
    ///
    /// # Panics
    ///
    /// Never: its file is part of the program and tested.
    #[must_use]
    pub fn w1() -> Self {
        Self::built_in("w1").expect("the built-in W1 is valid")
    }

    /// A built-in chip, if there is one of this name.
    #[must_use]
    pub fn built_in(name: &str) -> Option<Self> {
        let text = built_in_text(name)?;
        Self::parse(name, text).ok()
    }

    /// A built-in chip by name, or else the chip of the file at this path.
    ///
    /// # Errors
    ///
    /// If there is neither, or the file is no chip.
    pub fn named(name: &str) -> Result<Self, ChipFileError> {
        if let Some(text) = built_in_text(name) {
            return Self::parse(name, text);
        }
        let path = Path::new(name);
        let text = std::fs::read_to_string(path).map_err(|source| ChipFileError::Read {
            path: name.to_owned(),
            source,
        })?;
        Self::parse(name, &text)
    }

    /// Parses and checks the text of a chip file; `path` is for messages.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with keys and reasons.
    pub fn parse(path: &str, text: &str) -> Result<Self, ChipFileError> {
        let syntax = |message: String| ChipFileError::Syntax {
            path: path.to_owned(),
            message,
        };
        let mut table: toml::Table = toml::from_str(text).map_err(|e| syntax(e.to_string()))?;
        if let Some(base) = table.remove("base") {
            let base = base.as_str().unwrap_or_default().to_ascii_lowercase();
            let Some(base_text) = built_in_text(&base) else {
                return Err(ChipFileError::UnknownBase {
                    path: path.to_owned(),
                    base,
                    known: Self::built_in_names().collect::<Vec<_>>().join(", "),
                });
            };
            let mut merged = toml::to_string(&Self::parse(&base, base_text)?)
                .ok()
                .and_then(|text| toml::from_str(&text).ok())
                .ok_or_else(|| syntax("the base cannot be used".to_owned()))?;
            overlay(&mut merged, table);
            table = merged;
        }
        let file: Self = toml::Value::Table(table)
            .try_into()
            .map_err(|error: toml::de::Error| syntax(error.to_string()))?;
        let problems = file.problems();
        if problems.is_empty() {
            Ok(file)
        } else {
            Err(ChipFileError::Impossible {
                path: path.to_owned(),
                problems,
            })
        }
    }

    /// Every entry with its meaning, in the order of the file.
    #[must_use]
    pub fn entries(&self) -> Vec<Listed> {
        let mut all = Vec::new();
        self.cores.list(&mut all);
        self.latency.list(&mut all);
        self.vector.list(&mut all);
        self.matrix.list(&mut all);
        self.scratchpad.list(&mut all);
        self.l1.list(&mut all);
        self.l2.list(&mut all);
        self.network.list(&mut all);
        self.memory.list(&mut all);
        self.memory_timing.list(&mut all);
        self.host.list(&mut all);
        self.energy.list(&mut all);
        self.static_power.list(&mut all);
        all
    }

    /// Clock of the cores in hertz.
    #[must_use]
    pub fn clock_hz(&self) -> f64 {
        self.cores.clock.value * 1e6
    }

    /// Bytes that device memory moves in a second at most.
    #[must_use]
    pub fn memory_bytes_per_second(&self) -> f64 {
        let memory = &self.memory;
        f64::from(memory.channels.value) * f64::from(memory.channel_width.value) / 8.0
            * memory.data_rate.value
            * 1e6
    }

    /// Operations (two for each multiply-accumulate) that all matrix units do in a second at
    /// most on 8-bit integers.
    #[must_use]
    pub fn int8_operations_per_second(&self) -> f64 {
        2.0 * f64::from(self.matrix.int8.value)
            * f64::from(self.cores.count.value)
            * self.clock_hz()
    }
}

fn built_in_text(name: &str) -> Option<&'static str> {
    let found = BUILT_IN
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, text)| *text)
}

/// Replaces entries of `base` by those of `change`. An entry, a table with a `value`, is
/// replaced as a whole: a new value with the old source would be a false statement.
fn overlay(base: &mut toml::Table, change: toml::Table) {
    for (key, value) in change {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new))
                if !new.contains_key("value") =>
            {
                overlay(old, new);
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// W1 with one entry of a section replaced.
    fn changed(section: &str, entry: &str) -> Result<ChipFile, ChipFileError> {
        ChipFile::parse(
            "test.toml",
            &format!("base = \"w1\"\n[{section}]\n{entry}\n"),
        )
    }

    fn entry(key: &str, value: &str, unit: &str) -> String {
        format!(
            "{key} = {{ value = {value}, unit = \"{unit}\", mark = \"assumed\", source = \"test\" }}"
        )
    }

    #[test]
    fn built_in_chips_are_valid() {
        for name in ChipFile::built_in_names() {
            if let Err(error) = ChipFile::named(name) {
                panic!("{error}");
            }
        }
    }

    #[test]
    fn w1_is_the_chip_of_the_data_sheet() {
        let w1 = ChipFile::w1();
        assert!((w1.int8_operations_per_second() / 12.0e12 - 1.0).abs() < 0.01);
        assert!((w1.memory_bytes_per_second() / 512.0e9 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn impossible_values_are_refused_with_their_key() {
        let cases = [
            (
                "memory",
                entry("channels", "0", "channels"),
                "memory.channels",
            ),
            ("cores", entry("count", "0", "cores"), "cores.count"),
            ("cores", entry("clock", "1.465", "GHz"), "cores.clock"),
            ("cores", entry("harts", "16", "harts"), "cores.harts"),
            ("cores", entry("clock", "100", "MHz"), "matrix.peak_int8"),
            (
                "memory",
                entry("bandwidth", "1024", "GB/s"),
                "memory.bandwidth",
            ),
            ("memory", entry("burst", "8", "transfers"), "memory.burst"),
            ("l2", entry("slice_width", "8", "B/cycle"), "l2.slice_width"),
            (
                "network",
                entry("core_width", "4", "B/cycle"),
                "network.core_width",
            ),
            (
                "network",
                entry("latency", "200", "cycles"),
                "network.latency",
            ),
            ("l1", entry("ways", "7", "lines"), "l1.size"),
            ("l2", entry("slices", "7", "slices"), "l2.size"),
            (
                "scratchpad",
                entry("banks", "5", "banks"),
                "scratchpad.banks",
            ),
            (
                "memory_timing",
                entry("rfc", "4000", "ns"),
                "memory_timing.rfc",
            ),
            (
                "memory_timing",
                entry("refresh_banks", "3", "banks"),
                "memory_timing.refresh_banks",
            ),
            (
                "memory_timing",
                entry("ras", "1", "ns"),
                "memory_timing.ras",
            ),
            ("energy", entry("scalar", "-1.0", "pJ"), "energy.scalar"),
        ];
        for (section, entry, key) in cases {
            match changed(section, &entry) {
                Err(ChipFileError::Impossible { problems, .. }) => {
                    assert!(problems.iter().any(|p| p.key == key), "{key}: {problems:?}");
                }
                other => panic!("{key}: {other:?}"),
            }
        }
    }

    #[test]
    fn unknown_keys_and_missing_sources_are_refused() {
        let unknown = changed("cores", &entry("colour", "1", "1")).unwrap_err();
        assert!(unknown.to_string().contains("colour"), "{unknown}");
        let bare = changed("cores", "count = 16").unwrap_err();
        assert!(matches!(bare, ChipFileError::Syntax { .. }), "{bare}");
        let unsourced = changed(
            "cores",
            "count = { value = 16, unit = \"cores\", mark = \"assumed\" }",
        );
        assert!(unsourced.unwrap_err().to_string().contains("source"));
        let base = ChipFile::parse("x", "base = \"w9\"").unwrap_err();
        assert!(base.to_string().contains("w1-hbm2"), "{base}");
    }

    #[test]
    fn a_changed_entry_changes_and_the_rest_stays() {
        let chip = changed("l1", &entry("latency", "30", "cycles")).unwrap();
        assert_eq!(chip.l1.latency.value, 30);
        assert_eq!(chip.l1.ways, ChipFile::w1().l1.ways);
    }
}
