//! Fuzzing of this crate's readers: what must hold for any bytes, and a source of bytes.
//!
//! The targets of `fuzz/` and the mutation tests are thin loops around these. A `check_*`
//! function panics if its property is broken, and returns otherwise. Everything is a function of
//! the seed, so a failure is repeated by its seed and number.

mod containers;
mod mutate;

pub use containers::{Entry, TEXT, elf, fatbin};
pub use mutate::{Random, mutate};

use crate::{
    elf::{HostProgram, classify},
    fatbin::{Compression, entries, select_ptx},
    parse, parse_with_errors,
    source::render_all,
};

/// Entries that claim to expand to more than this are not expanded while fuzzing.
const EXPANDED_SIZE_MAX: u64 = 1 << 24;

/// PTX text: errors lie in the text, in order, and can be shown; a tree without errors survives
/// printing and parsing.
///
/// # Panics
/// If one of these does not hold.
pub fn check_ptx(bytes: &[u8]) {
    let (mut module, errors) = parse_with_errors(bytes);
    for error in &errors {
        let (start, end) = (error.span.start as usize, error.span.end as usize);
        assert!(
            start <= end && end <= bytes.len(),
            "span outside the text: {error:?}"
        );
    }
    assert!(
        errors.is_sorted_by_key(|error| error.span.start),
        "errors out of order: {errors:?}"
    );
    let _ = render_all("fuzz.ptx", bytes, &errors);
    if !errors.is_empty() {
        return;
    }
    let printed = module.to_string();
    let mut again = match parse(printed.as_bytes()) {
        Ok(again) => again,
        Err(errors) => panic!(
            "printed module does not parse:\n{}",
            render_all("printed.ptx", printed.as_bytes(), &errors)
        ),
    };
    module.clear_spans();
    again.clear_spans();
    assert!(
        module == again,
        "printed module has another tree:\n{printed}"
    );
}

/// A fatbin: entries lie in the bytes, and expand to what they say or not at all.
///
/// # Panics
/// If one of these does not hold.
pub fn check_fatbin(bytes: &[u8]) {
    let Ok(entries) = entries(bytes, 0) else {
        return;
    };
    for entry in &entries {
        assert!(
            entry.offset < bytes.len() as u64,
            "entry outside the fatbin: {}",
            entry.offset
        );
        if entry.expanded_size > EXPANDED_SIZE_MAX {
            continue;
        }
        if let Ok(contents) = entry.contents() {
            assert!(contents.len() as u64 <= entry.expanded_size, "entry grew");
            assert!(
                entry.compression != Compression::None || contents.len() <= entry.payload.len()
            );
        }
    }
    if entries
        .iter()
        .all(|entry| entry.expanded_size <= EXPANDED_SIZE_MAX)
    {
        let _ = select_ptx(&entries, 89);
    }
}

/// A module image or a host program: its fatbins lie in the file.
///
/// # Panics
/// If this does not hold.
pub fn check_image(bytes: &[u8]) {
    let _ = classify(bytes);
    if let Ok(program) = HostProgram::parse(bytes) {
        for range in &program.fatbins {
            assert!(
                range.start < range.end && range.end <= bytes.len(),
                "fatbin outside the file"
            );
        }
        let _ = program.entries(bytes);
    }
}
