//! The catalogue of accelerators: published figures, each with unit, source and status.
//!
//! The data are the files of `data/chips/`. A figure that nobody published is absent, and what
//! needs it says so instead of guessing.

use serde::{Deserialize, Serialize};

use crate::names::{UnknownName, key};

/// How a number is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// By the maker of the chip.
    Published,
    /// By others.
    Reported,
    /// Computed from other figures.
    Derived,
    /// From memory: not seen in a source.
    Recalled,
    /// Our own assumption.
    Assumed,
}

impl Status {
    /// One letter for tables: p, r, d, m (memory), a.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Published => 'p',
            Self::Reported => 'r',
            Self::Derived => 'd',
            Self::Recalled => 'm',
            Self::Assumed => 'a',
        }
    }
}

/// A number of the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantity {
    /// The number, in `unit`.
    pub value: f64,
    /// Its unit, as the field of [`Chip`] documents.
    pub unit: String,
    /// How it is known.
    pub status: Status,
    /// Where it is from; the source of the chip when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// An accelerator. Peak rates are dense, for one card or module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chip {
    /// Name in commands and specifications: lower case with dashes.
    pub id: String,
    /// Name in the market.
    pub name: String,
    /// Its maker.
    pub vendor: String,
    /// Whether the maker is Chinese, which rules of residency and supply ask for.
    pub domestic: bool,
    /// Kind of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_type: Option<String>,
    /// Where the figures are from, unless a figure says otherwise.
    pub source: String,
    /// What a reader must know before using the figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Year of introduction.
    pub year: Option<Quantity>,
    /// Process in nm.
    pub process: Option<Quantity>,
    /// INT8 rate in TOPS.
    pub int8: Option<Quantity>,
    /// FP16 and BF16 rate in TFLOPS.
    pub fp16: Option<Quantity>,
    /// FP8 rate in TFLOPS.
    pub fp8: Option<Quantity>,
    /// FP4 rate in TFLOPS.
    pub fp4: Option<Quantity>,
    /// FP32 rate in TFLOPS.
    pub fp32: Option<Quantity>,
    /// Memory in GB (1e9 bytes).
    pub memory: Option<Quantity>,
    /// Memory bandwidth in GB/s.
    pub bandwidth: Option<Quantity>,
    /// Power of the board at its limit, in W.
    pub power: Option<Quantity>,
    /// Bandwidth to other chips, both directions together, in GB/s: NVLink class, else PCIe.
    pub link: Option<Quantity>,
    /// Last-level cache in MB.
    pub cache: Option<Quantity>,
    /// Price of one in USD.
    pub price: Option<Quantity>,
    /// Rent of one in USD per hour.
    pub rent: Option<Quantity>,
}

/// A value of a chip that is needed and not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no public figure for the {what} of {chip}")]
pub struct UnknownFigure {
    /// Name of the chip.
    pub chip: String,
    /// The figure.
    pub what: &'static str,
}

impl Chip {
    /// All figures with the names they have in the data files, in the order of the files.
    #[must_use]
    pub fn figures(&self) -> [(&'static str, Option<&Quantity>); 14] {
        [
            ("year", self.year.as_ref()),
            ("process", self.process.as_ref()),
            ("int8", self.int8.as_ref()),
            ("fp16", self.fp16.as_ref()),
            ("fp8", self.fp8.as_ref()),
            ("fp4", self.fp4.as_ref()),
            ("fp32", self.fp32.as_ref()),
            ("memory", self.memory.as_ref()),
            ("bandwidth", self.bandwidth.as_ref()),
            ("power", self.power.as_ref()),
            ("link", self.link.as_ref()),
            ("cache", self.cache.as_ref()),
            ("price", self.price.as_ref()),
            ("rent", self.rent.as_ref()),
        ]
    }

    /// Memory bandwidth in bytes/s.
    ///
    /// # Errors
    /// When it is not known.
    pub fn bandwidth_bytes_per_s(&self) -> Result<f64, UnknownFigure> {
        self.need("bandwidth", self.bandwidth.as_ref())
            .map(|value| value * 1e9)
    }

    /// Memory in bytes.
    ///
    /// # Errors
    /// When it is not known.
    pub fn memory_bytes(&self) -> Result<f64, UnknownFigure> {
        self.need("memory", self.memory.as_ref())
            .map(|value| value * 1e9)
    }

    /// Board power in W.
    ///
    /// # Errors
    /// When it is not known.
    pub fn power_watts(&self) -> Result<f64, UnknownFigure> {
        self.need("power", self.power.as_ref())
    }

    /// Bandwidth to a neighbour in one direction, bytes/s.
    ///
    /// # Errors
    /// When it is not known.
    pub fn link_bytes_per_s(&self) -> Result<f64, UnknownFigure> {
        self.need("link", self.link.as_ref())
            .map(|value| value * 0.5e9)
    }

    fn need(&self, what: &'static str, figure: Option<&Quantity>) -> Result<f64, UnknownFigure> {
        figure
            .map(|quantity| quantity.value)
            .ok_or_else(|| UnknownFigure {
                chip: self.id.clone(),
                what,
            })
    }
}

/// All chips, by vendor.
#[derive(Debug, Clone)]
pub struct Catalog {
    chips: Vec<Chip>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    chip: Vec<Chip>,
}

/// The data files, ours first.
const FILES: &[(&str, &str)] = &[
    ("weft", include_str!("../data/chips/weft.toml")),
    (
        "alibaba-t-head",
        include_str!("../data/chips/alibaba-t-head.toml"),
    ),
    ("huawei", include_str!("../data/chips/huawei.toml")),
    ("cambricon", include_str!("../data/chips/cambricon.toml")),
    ("metax", include_str!("../data/chips/metax.toml")),
    ("enflame", include_str!("../data/chips/enflame.toml")),
    ("biren", include_str!("../data/chips/biren.toml")),
    ("iluvatar", include_str!("../data/chips/iluvatar.toml")),
    ("kunlunxin", include_str!("../data/chips/kunlunxin.toml")),
    ("spacemit", include_str!("../data/chips/spacemit.toml")),
    ("nvidia", include_str!("../data/chips/nvidia.toml")),
    ("amd", include_str!("../data/chips/amd.toml")),
    ("intel", include_str!("../data/chips/intel.toml")),
    ("google", include_str!("../data/chips/google.toml")),
    (
        "tenstorrent",
        include_str!("../data/chips/tenstorrent.toml"),
    ),
    ("others", include_str!("../data/chips/others.toml")),
];

impl Catalog {
    /// The catalogue of this release.
    ///
    /// # Panics
    /// Never: a test reads every file.
    #[must_use]
    pub fn builtin() -> Self {
        let chips = FILES
            .iter()
            .flat_map(|(_, text)| {
                Self::parse(text)
                    .expect("a test reads every data file")
                    .chips
            })
            .collect();
        Self { chips }
    }

    /// The chips of one data file.
    ///
    /// # Errors
    /// When `text` is not TOML of the documented form; the message has the line.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str::<File>(text).map(|file| Self { chips: file.chip })
    }

    /// Every chip, ours first, then by vendor.
    #[must_use]
    pub fn chips(&self) -> &[Chip] {
        &self.chips
    }

    /// The chip called `name`; case and punctuation do not matter.
    ///
    /// # Errors
    /// When there is none; the error suggests near names.
    pub fn chip(&self, name: &str) -> Result<&Chip, UnknownName> {
        let wanted = key(name);
        self.chips
            .iter()
            .find(|chip| key(&chip.id) == wanted || key(&chip.name) == wanted)
            .ok_or_else(|| {
                UnknownName::new("chip", name, self.chips.iter().map(|chip| chip.id.as_str()))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_reads_and_every_number_has_its_unit() {
        const UNITS: [&str; 14] = [
            "year", "nm", "TOPS", "TFLOPS", "TFLOPS", "TFLOPS", "TFLOPS", "GB", "GB/s", "W",
            "GB/s", "MB", "USD", "USD/h",
        ];
        for (file, text) in FILES {
            let catalog = Catalog::parse(text).unwrap_or_else(|error| panic!("{file}: {error}"));
            for chip in &catalog.chips {
                assert!(!chip.source.is_empty(), "{}", chip.id);
                for ((name, figure), unit) in chip.figures().into_iter().zip(UNITS) {
                    if let Some(figure) = figure {
                        assert_eq!(figure.unit, unit, "{} {name}", chip.id);
                        assert!(figure.value > 0.0, "{} {name}", chip.id);
                    }
                }
            }
        }
    }

    #[test]
    fn identifiers_are_unique() {
        let catalog = Catalog::builtin();
        let mut names: Vec<String> = catalog.chips.iter().map(|chip| key(&chip.id)).collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(count >= 56);
    }

    #[test]
    fn what_nobody_published_is_said() {
        let catalog = Catalog::builtin();
        let chip = catalog.chip("S60").unwrap();
        assert_eq!(
            chip.bandwidth_bytes_per_s().unwrap_err().to_string(),
            "no public figure for the bandwidth of s60"
        );
    }

    #[test]
    fn a_misspelt_chip_gets_suggestions() {
        let error = Catalog::builtin().chip("h100").unwrap_err();
        assert!(error.near.contains(&"h100-sxm".to_owned()), "{error}");
    }
}
