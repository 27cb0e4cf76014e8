//! PTX to RISC-V vector code for the Weft chip.
//!
//! The path: PTX tree ([`weft_ptx`]) -> SSA IR ([`ir`]), checked by a verifier and given
//! meaning by an interpreter -> divergence analysis -> linearised, masked machine code ->
//! register allocation -> image. Nothing here executes machine code.
//!
//! ```text
//! weft_ptx::ast::Module --lower--> ir::Unit --optimise--> ir::Unit --compile--> image
//! ```
#![forbid(unsafe_code)]

mod analysis;
mod error;
mod front;
#[cfg(feature = "fuzzing")]
pub mod fuzz;
pub mod image;
pub mod interp;
pub mod ir;
mod opt;
mod rv;
pub mod verify;

pub use error::{Error, ErrorKind};
pub use front::{
    AddressableFunctions, ModuleVariable, Relocation, RelocationKind, kernels, lower,
    module_variables,
};
pub use image::{Image, ImageError};
pub use opt::optimise;
pub use rv::compile;

/// What a program may ask the compiler to assume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Compute capability (major, minor) that the device reports. PTX for a newer target is an
    /// error, as it is for an Nvidia driver.
    pub compute_capability: (u32, u32),
    /// The launches that the code is for. The narrower the class, the faster the code; it is
    /// right for no other launch.
    pub launch: ir::LaunchShape,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            compute_capability: (8, 9),
            launch: ir::LaunchShape::default(),
        }
    }
}

/// Compiles a kernel of a parsed module: all the steps of the module documentation.
/// `source` is the text the module was parsed from.
///
/// # Errors
///
/// All errors found in the kernel and the functions it reaches.
pub fn compile_kernel(
    module: &weft_ptx::ast::Module<'_>,
    source: &[u8],
    kernel: &str,
    options: &Options,
) -> Result<Image, Vec<Error>> {
    let mut unit = lower(module, source, kernel, options)?;
    unit.launch = options.launch;
    optimise(&mut unit);
    debug_assert_eq!(verify::verify(&unit), Ok(()), "lowering made broken IR");
    compile(&unit).map_err(|error| vec![error])
}
