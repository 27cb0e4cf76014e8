//! Compressed instructions (C) to the instructions they stand for.

use crate::inst::Inst;

/// The base instruction that a 16-bit encoding of RV64C stands for, or `None` if it is
/// reserved or not a 16-bit encoding.
#[must_use]
pub fn decode_compressed(half: u16) -> Option<Inst> {
    let _ = half;
    None
}
