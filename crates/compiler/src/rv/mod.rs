//! Code generation: IR to an [`Image`] of RISC-V vector code.
use crate::image::Image;
use crate::{Error, ErrorKind, ir};

/// Compiles a verified unit.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] for what the chip or this compiler cannot do.
pub fn compile(unit: &ir::Unit) -> Result<Image, Error> {
    Err(Error {
        function: unit
            .functions
            .first()
            .map_or_else(String::new, |f| f.name.clone()),
        line: 0,
        span: weft_ptx::ast::Span::default(),
        kind: ErrorKind::Unsupported {
            feature: "code generation".to_owned(),
        },
    })
}
