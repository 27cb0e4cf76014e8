//! Measured tables, read from CSV.

use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::perf::Precision;

/// One measured matrix product.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gemm {
    /// The chip.
    pub chip: String,
    /// The precision.
    pub precision: Precision,
    /// Rows of activations.
    pub m: f64,
    /// Columns of weights.
    pub n: f64,
    /// Summed dimension.
    pub k: f64,
    /// Time, microseconds.
    pub us: f64,
}

/// Phase of a measured attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Causal attention of prompts.
    Prefill,
    /// One query for each sequence.
    Decode,
}

/// One measured attention over BF16 heads of 128.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attention {
    /// The chip.
    pub chip: String,
    /// The phase.
    pub phase: Phase,
    /// Sequences.
    pub batch: f64,
    /// Tokens of each, with the new one.
    pub tokens: f64,
    /// Query heads.
    pub heads: f64,
    /// Key and value heads.
    pub kv_heads: f64,
    /// Time, microseconds.
    pub us: f64,
}

/// One measured mixture of experts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mixture {
    /// The chip.
    pub chip: String,
    /// The precision.
    pub precision: Precision,
    /// Tokens.
    pub tokens: f64,
    /// Width of the residual stream.
    pub hidden: f64,
    /// Width of an expert.
    pub intermediate: f64,
    /// Experts.
    pub experts: f64,
    /// Experts of a token.
    pub used: f64,
    /// Time, microseconds.
    pub us: f64,
}

/// One measured sum over chips.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllReduce {
    /// The chip.
    pub chip: String,
    /// How many take part.
    pub chips: f64,
    /// Bytes that are summed.
    pub bytes: f64,
    /// Time, microseconds.
    pub us: f64,
}

/// One measured run of a server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Served {
    /// The model.
    pub model: String,
    /// The chip.
    pub chip: String,
    /// The server.
    pub backend: String,
    /// The precision; empty where the source names none.
    pub precision: String,
    /// Tokens of each prompt.
    pub isl: f64,
    /// Tokens of each output.
    pub osl: f64,
    /// Requests under way.
    pub batch: f64,
    /// Chips that share each layer.
    pub tensor: u32,
    /// Mean time to first token, ms.
    pub ttft_ms: f64,
    /// Mean time per output token, ms.
    pub tpot_ms: f64,
}

/// One result of MLPerf Inference v5.1, llama3.1-8b, offline, best of its chip.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offline {
    /// The chip.
    pub chip: String,
    /// Who submitted it.
    pub submitter: String,
    /// The precision that the submission used.
    pub precision: Precision,
    /// Bytes of an element of keys and values.
    pub kv_bytes: f64,
    /// Chips of the system.
    pub count: f64,
    /// Tokens per second of the system.
    pub tokens_per_s: f64,
}

/// All tables.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    /// Matrix products.
    pub gemm: Vec<Gemm>,
    /// Attention.
    pub attention: Vec<Attention>,
    /// Mixtures of experts.
    pub mixture: Vec<Mixture>,
    /// Sums over chips.
    pub all_reduce: Vec<AllReduce>,
    /// Servers.
    pub served: Vec<Served>,
    /// Offline throughput.
    pub offline: Vec<Offline>,
}

/// What is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct TableError {
    /// The table.
    pub table: &'static str,
    /// The line, from 1, where it is known.
    pub line: Option<u64>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for TableError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "{}.csv:{line}: {}", self.table, self.what),
            None => write!(formatter, "{}.csv: {}", self.table, self.what),
        }
    }
}

/// Reads the rows of `text`, whose first line names the columns.
///
/// # Errors
/// On the first line that is not of the form.
pub fn rows<T: DeserializeOwned>(table: &'static str, text: &str) -> Result<Vec<T>, TableError> {
    csv::Reader::from_reader(text.as_bytes())
        .into_deserialize()
        .collect::<Result<_, csv::Error>>()
        .map_err(|error| TableError {
            table,
            line: error.position().map(csv::Position::line),
            what: error.to_string(),
        })
}

impl Tables {
    /// Reads each table with `read`, which gives its text by name.
    ///
    /// # Errors
    /// On the first bad line of a table.
    pub fn read(read: impl Fn(&'static str) -> String) -> Result<Self, TableError> {
        Ok(Self {
            gemm: rows("gemm", &read("gemm"))?,
            attention: rows("attention", &read("attention"))?,
            mixture: rows("mixture", &read("mixture"))?,
            all_reduce: rows("all_reduce", &read("all_reduce"))?,
            served: rows("served", &read("served"))?,
            offline: rows("offline", &read("offline"))?,
        })
    }
}
