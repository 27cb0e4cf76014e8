//! PTX tree to SSA IR.
//!
//! Lowering is lazy: a kernel and the device functions it reaches are translated, nothing
//! else, so a module with hundreds of kernels costs what one of them costs, and an instruction
//! that cannot be translated is an error only for the kernels that contain it.
//!
//! Promises: every tree the parser can produce ends in a [`Unit`] that the verifier accepts or
//! in a list of located errors; nothing is dropped silently; the result depends on the input
//! alone.

mod addressable;
mod async_copy;
mod atomics;
mod body;
mod compare;
mod control;
mod convert;
mod convert_fp8;
mod convert_special;
mod data;
mod dispatch;
mod emit;
mod find_set;
mod float;
mod function;
mod grid_sync;
mod int;
mod logic;
mod matrix_memory;
mod mbarrier;
mod memory;
mod mma;
mod modifiers;
mod scope;
mod special;
mod ssa;
mod texture;
mod types;
mod unit;
mod variables;
mod video;
mod video_simd;
mod warp;
mod wmma;

use crate::ir::Unit;
use crate::{Error, ErrorKind, Options};
use weft_ptx::ast::{Directive, Module, Span};

pub use addressable::AddressableFunctions;
pub use variables::{ModuleVariable, Relocation, RelocationKind, module_variables};

/// Names of the kernels of a module, in order of definition.
#[must_use]
pub fn kernels<'a>(module: &Module<'a>) -> Vec<&'a str> {
    let functions = module
        .directives
        .iter()
        .filter_map(|directive| match directive {
            Directive::Function(function) => Some(function),
            Directive::Variable(_) | Directive::Alias { .. } | Directive::Pragma { .. } => None,
        });
    functions
        .filter(|function| function.is_entry && function.body.is_some())
        .map(|function| function.name)
        .collect()
}

/// Translates a kernel and every device function it reaches.
///
/// `source` is the text the module was parsed from; it gives the lines of errors and
/// instructions.
///
/// # Errors
///
/// All errors found, in order of the functions reached and of the text within each.
pub fn lower(
    module: &Module<'_>,
    source: &[u8],
    kernel: &str,
    options: &Options,
) -> Result<Unit, Vec<Error>> {
    check_target(module, options)?;
    unit::lower(module, source, kernel)
}

/// Refuses modules for newer devices than the one reported, and 32-bit ones.
fn check_target(module: &Module<'_>, options: &Options) -> Result<(), Vec<Error>> {
    let unsupported = |feature: String| {
        Err(vec![Error {
            function: "module".to_owned(),
            line: 0,
            span: Span::default(),
            kind: ErrorKind::Unsupported { feature },
        }])
    };
    if module.address_size == 32 {
        return unsupported(".address_size 32".to_owned());
    }
    for target in &module.target {
        let Some(digits) = target.strip_prefix("sm_") else {
            continue;
        };
        let number: u32 = digits
            .trim_end_matches(['a', 'f'])
            .parse()
            .unwrap_or(u32::MAX);
        let (major, minor) = options.compute_capability;
        if number > major * 10 + minor {
            return unsupported(format!("target {target}: the device is sm_{major}{minor}"));
        }
    }
    Ok(())
}
