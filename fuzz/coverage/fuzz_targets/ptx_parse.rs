//! PTX text: see `weft_ptx::fuzz::check_ptx`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| weft_ptx::fuzz::check_ptx(bytes));
