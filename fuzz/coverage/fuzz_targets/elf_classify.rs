//! Module images and host programs: see `weft_ptx::fuzz::check_image`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| weft_ptx::fuzz::check_image(bytes));
