//! Image files: see `weft_compiler::fuzz::check_image`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| weft_compiler::fuzz::check_image(bytes));
