//! PTX text to its tree (under construction).

use crate::{
    ast::{Module, Span},
    error::{Cause, Error},
};

/// Parses a PTX module.
///
/// # Errors
/// Every error found; see [`parse_with_errors`] to have the tree as well.
pub fn parse(source: &[u8]) -> Result<Module<'_>, Vec<Error>> {
    let (module, errors) = parse_with_errors(source);
    if errors.is_empty() {
        Ok(module)
    } else {
        Err(errors)
    }
}

/// Parses what can be parsed: the tree of the sound statements, and the errors of the others
/// in the order of the text.
#[must_use]
pub fn parse_with_errors(_source: &[u8]) -> (Module<'_>, Vec<Error>) {
    (
        Module::default(),
        vec![Error::new(
            Span::default(),
            Cause::MissingDirective(".version"),
        )],
    )
}
