//! The field of matrix instructions that says what they multiply.

use core::fmt;

use super::{Field, Syntax, move_bits};
use crate::matrix::MatrixForm;

/// The form of `xw.mma`, bits 31:25 and 14:12. A suffix of the mnemonic in assembly.
#[derive(Clone, Copy, Debug)]
pub enum Mma {}

impl Field for Mma {
    type Value = MatrixForm;
    const MASK: u32 = 0xfe00_7000;

    #[expect(clippy::cast_possible_truncation, reason = "ten bits")]
    fn extract(word: u32) -> Option<MatrixForm> {
        let bits = move_bits(word, 25, 7, 3) | move_bits(word, 12, 3, 0);
        MatrixForm::from_bits(bits as u16)
    }

    fn insert(value: MatrixForm) -> u32 {
        let bits = u32::from(value.bits());
        move_bits(bits, 3, 7, 25) | move_bits(bits, 0, 3, 12)
    }

    fn show(value: MatrixForm, syntax: &mut Syntax<'_, '_>) -> fmt::Result {
        syntax.append(value)
    }
}
