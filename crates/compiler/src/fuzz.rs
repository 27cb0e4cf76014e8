//! What must hold of the compiler for any input: the oracles of the fuzz targets in `fuzz/`.
//!
//! A `check_*` function panics if its property is broken, and returns otherwise.

use crate::{Image, Options, compile, ir, kernels, lower, optimise, verify};

/// PTX text: what parses is lowered to IR that the verifier accepts, before and after
/// optimisation, and compiled to an image that survives writing and reading; or there is an
/// error.
///
/// # Panics
///
/// If one of these does not hold.
pub fn check_compile(bytes: &[u8]) {
    let Ok(module) = weft_ptx::parse(bytes) else {
        return;
    };
    let options = Options::default();
    for kernel in kernels(&module) {
        match lower(&module, bytes, kernel, &options) {
            Ok(mut unit) => {
                check_ir(&unit, "lowered");
                optimise(&mut unit);
                check_ir(&unit, "optimised");
                if let Ok(image) = compile(&unit) {
                    check_round_trip(&image);
                }
            }
            Err(errors) => assert!(!errors.is_empty(), "`{kernel}` failed without an error"),
        }
    }
}

/// An image file: what is read can be shown, searched, and written so that it reads the same.
///
/// # Panics
///
/// If one of these does not hold.
pub fn check_image(bytes: &[u8]) {
    let Ok(image) = Image::from_elf(bytes) else {
        return;
    };
    let _ = image.disassemble();
    for offset in [0, image.entry, image.code.len() as u64, u64::MAX] {
        let _ = (image.function_at(offset), image.location_at(offset));
    }
    check_round_trip(&image);
}

fn check_round_trip(image: &Image) {
    let Ok(bytes) = image.to_elf() else {
        return;
    };
    match Image::from_elf(&bytes) {
        Ok(again) => assert!(again == *image, "an image reads differently than written"),
        Err(error) => panic!("an image that was written cannot be read: {error}"),
    }
}

fn check_ir(unit: &ir::Unit, what: &str) {
    if let Err(errors) = verify::verify(unit) {
        let first = errors.first().map(ToString::to_string).unwrap_or_default();
        panic!("{what} IR is ill-formed: {first}");
    }
}
