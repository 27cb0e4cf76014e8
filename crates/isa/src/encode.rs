//! Instructions to words.

use core::fmt;

use crate::inst::Inst;

/// An operand that the instruction has no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeError {
    /// Mnemonic of the instruction.
    pub mnemonic: &'static str,
    /// Name of the operand: `imm`, `offset`, ...
    pub field: &'static str,
    /// Its value.
    pub value: i64,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            mnemonic,
            field,
            value,
        } = self;
        write!(
            f,
            "encode `{mnemonic}`: operand `{field}` cannot be {value}"
        )
    }
}

impl core::error::Error for EncodeError {}

impl Inst {
    /// The instruction word. Ranges of operands are those of their fields (see
    /// [`field`](crate::field)): 12-bit signed immediates, even branch offsets from -4096 to
    /// 4094, and so on.
    ///
    /// # Panics
    ///
    /// With debug assertions, if an operand does not fit its field; without them such an
    /// operand is cut off. Use [`Inst::encode_checked`] for operands that may not fit.
    #[must_use]
    pub fn encode(self) -> u32 {
        debug_assert!(
            self.unfit_operand().is_none(),
            "operand out of range: {self:?}"
        );
        self.assemble()
    }

    /// The instruction word, if every operand fits its field.
    ///
    /// # Errors
    ///
    /// The first operand, in assembly order, that does not fit.
    pub fn encode_checked(self) -> Result<u32, EncodeError> {
        match self.unfit_operand() {
            None => Ok(self.assemble()),
            Some((field, value)) => Err(EncodeError {
                mnemonic: self.mnemonic(),
                field,
                value,
            }),
        }
    }
}
