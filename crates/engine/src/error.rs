//! What can go wrong while a model is loaded or run.

use std::path::{Path, PathBuf};

/// An error of the engine. Refusals of single requests are [`crate::SubmitError`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read.
    #[error("failed to read {}: {reason}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// A file is not what its name says.
    #[error("{}: {reason}", path.display())]
    Format {
        /// Its path.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A model configuration that this engine does not compute.
    #[error("unsupported model: `{field}` is {value}; {supported}")]
    UnsupportedConfig {
        /// Name of the field in config.json (or of the GGUF key).
        field: String,
        /// Its value as JSON.
        value: String,
        /// What is supported.
        supported: String,
    },
    /// A model configuration that contradicts itself or lacks a field.
    #[error("invalid model configuration: {0}")]
    InvalidConfig(String),
    /// A tensor of the checkpoint that is absent, of a wrong shape or type, or not finite.
    #[error("tensor `{name}`: {reason}")]
    Tensor {
        /// Its name in the checkpoint.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The tokenizer cannot be read, does not fit the model, or failed on a text.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// The accelerator failed: no memory left, a kernel that does not compile or that faults.
    #[error("accelerator: {0}")]
    Accelerator(String),
    /// The caller asks for something that makes no sense or that does not exist.
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    pub(crate) fn file(path: &Path, reason: &std::io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn format(path: &Path, reason: impl ToString) -> Self {
        Self::Format {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn tensor(name: &str, reason: impl ToString) -> Self {
        Self::Tensor {
            name: name.to_owned(),
            reason: reason.to_string(),
        }
    }
}
