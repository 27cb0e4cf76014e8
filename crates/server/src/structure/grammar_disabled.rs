//! Stands in for the grammars when the feature `structured-output` is off: a request that asks
//! for a structure is refused.

use weft_engine::{TokenConstraint, Tokenizer};

use super::{Structure, Thinking};
use crate::openai::error::ApiError;

/// No grammars.
#[derive(Debug)]
pub(crate) struct Grammars;

impl Grammars {
    /// Nothing to prepare.
    pub(crate) fn new(_: &Tokenizer, _: usize, _: &[u32]) -> Self {
        Self
    }

    /// Refuses the structure.
    pub(crate) fn constraint(
        &self,
        _: &Structure,
        _: Thinking,
    ) -> Result<Box<dyn TokenConstraint>, ApiError> {
        Err(ApiError::invalid(
            "this server was built without structured output (feature `structured-output`)",
        ))
    }
}
