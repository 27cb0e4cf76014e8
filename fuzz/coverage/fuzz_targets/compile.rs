//! PTX text: see `weft_compiler::fuzz::check_compile`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| weft_compiler::fuzz::check_compile(bytes));
