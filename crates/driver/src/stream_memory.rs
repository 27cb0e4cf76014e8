//! Words of memory that streams write and wait for (`cuStreamWriteValue`, `cuStreamWaitValue`).

use crate::context::Context;
use crate::error::{Error, invalid};
use crate::work::Progress;

/// When a wait is over, for a word and the value waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The word less the value, as a number with a sign, is not negative.
    GreaterOrEqual,
    /// They are equal.
    Equal,
    /// They have a one in common.
    And,
    /// There is a place where neither has a one.
    Nor,
}

/// One operation on a word of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryOperation {
    /// Waits.
    Wait {
        /// Address of the word, at a multiple of its size.
        address: u64,
        /// The value.
        value: u64,
        /// 4 or 8.
        bytes: u32,
        /// What is waited for.
        condition: Condition,
    },
    /// Writes.
    Write {
        /// Address of the word, at a multiple of its size.
        address: u64,
        /// The value.
        value: u64,
        /// 4 or 8.
        bytes: u32,
    },
    /// Orders earlier writes before later ones, as they are anyway.
    Barrier,
}

impl MemoryOperation {
    /// Does it if it can be done now.
    pub(crate) fn step(&self, context: &Context) -> Result<Progress, Error> {
        context.usable()?;
        let device = context.device();
        match *self {
            Self::Barrier => Ok(Progress::Done),
            Self::Write {
                address,
                value,
                bytes,
            } => {
                device.put(address, &value.to_le_bytes()[..bytes as usize])?;
                Ok(Progress::Done)
            }
            Self::Wait {
                address,
                value,
                bytes,
                condition,
            } => {
                let mut word = [0; 8];
                device.take(address, &mut word[..bytes as usize])?;
                if condition.holds(u64::from_le_bytes(word), value, bytes) {
                    Ok(Progress::Done)
                } else {
                    Ok(Progress::Blocked)
                }
            }
        }
    }

    /// Whether it can be done at all.
    ///
    /// # Errors
    ///
    /// If the word is not at a multiple of its size, or the device does not know the memory.
    pub fn check(&self, context: &Context) -> Result<(), Error> {
        let (Self::Wait { address, bytes, .. } | Self::Write { address, bytes, .. }) = *self else {
            return Ok(());
        };
        let size = u64::from(bytes);
        if address.is_multiple_of(size) && context.device().is_accessible(address, size) {
            Ok(())
        } else {
            Err(invalid(format!("a word of {bytes} bytes at {address:#x}")))
        }
    }
}

impl Condition {
    fn holds(self, word: u64, value: u64, bytes: u32) -> bool {
        let shift = 64 - 8 * bytes;
        match self {
            // The sign of a difference of 32 bits is at the top after the shift.
            Self::GreaterOrEqual => (word.wrapping_sub(value) << shift).cast_signed() >= 0,
            Self::Equal => word << shift == value << shift,
            Self::And => (word & value) << shift != 0,
            Self::Nor => !(word | value) << shift != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_those_of_the_manual() {
        use Condition::{And, Equal, GreaterOrEqual, Nor};
        let rows = [
            (GreaterOrEqual, 5, 5, 4, true),
            (GreaterOrEqual, 4, 5, 4, false),
            // (int32_t)(1 - 0xFFFF_FFFF) is 2.
            (GreaterOrEqual, 1, 0xFFFF_FFFF, 4, true),
            (GreaterOrEqual, 1, 0xFFFF_FFFF, 8, false),
            (Equal, 7, 7, 8, true),
            (Equal, 7, 0x1_0000_0007, 4, true),
            (Equal, 7, 0x1_0000_0007, 8, false),
            (And, 6, 2, 4, true),
            (And, 6, 1, 4, false),
            (Nor, 0xFFFF_FFFF, 0, 4, false),
            (Nor, 0xFFFF_FFFE, 0, 4, true),
            (Nor, u64::MAX, 0, 8, false),
        ];
        for (condition, word, value, bytes, expected) in rows {
            let found = condition.holds(word, value, bytes);
            assert_eq!(
                found, expected,
                "{condition:?} {word:#x} {value:#x} {bytes}"
            );
        }
    }
}
