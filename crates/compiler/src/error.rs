//! What can be wrong with a program given to the compiler.

use weft_ptx::ast::Span;

/// A located error. Lowering collects all errors of a kernel instead of stopping at the first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{function}: line {line}: {kind}")]
pub struct Error {
    /// Function or module variable in which it is.
    pub function: String,
    /// Line of the PTX text, from 1; 0 when unknown.
    pub line: u32,
    /// Place in the PTX text; empty when unknown.
    pub span: Span,
    /// What is wrong.
    #[source]
    pub kind: ErrorKind,
}

/// Causes of an [`Error`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// The program is (or may be) right, but this compiler cannot translate the instruction.
    #[error(
        "unsupported {instruction} (PTX ISA {version}, section {section})",
        version = weft_ptx::opcodes::MANUAL_VERSION
    )]
    UnsupportedInstruction {
        /// Opcode with its modifiers.
        instruction: String,
        /// Sections of the PTX ISA manual that describe it.
        section: &'static str,
    },
    /// The PTX ISA manual has no such instruction.
    #[error(
        "unknown instruction {instruction} (not in PTX ISA {version})",
        version = weft_ptx::opcodes::MANUAL_VERSION
    )]
    UnknownInstruction {
        /// Opcode with its modifiers.
        instruction: String,
    },
    /// The program is (or may be) right, but uses something else this compiler cannot translate.
    #[error("unsupported {feature}")]
    Unsupported {
        /// What it is.
        feature: String,
    },
    /// A call reaches a function that has no body in the module and is none of the system.
    #[error("call to extern function `{name}`, which nothing defines")]
    ExternCall {
        /// The function.
        name: String,
    },
    /// The opcode does not take this many operands.
    #[error("wrong number of operands for {instruction}: expected {expected}, found {found}")]
    OperandCount {
        /// Opcode with its modifiers.
        instruction: String,
        /// How many it takes.
        expected: &'static str,
        /// How many are written.
        found: usize,
    },
    /// An operand has a form or type that the instruction does not take.
    #[error("wrong operand `{operand}` for {instruction}: expected {expected}")]
    Operand {
        /// Opcode with its modifiers.
        instruction: String,
        /// The operand as written, or its number.
        operand: String,
        /// What would be right.
        expected: String,
    },
    /// A modifier that the instruction does not have, or a required one is missing.
    #[error("wrong modifiers on {instruction}: {reason}")]
    Modifiers {
        /// Opcode with its modifiers.
        instruction: String,
        /// What is wrong with them.
        reason: String,
    },
    /// A name that is not declared, or is declared as something else.
    #[error("unknown {what} `{name}`")]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A name is declared twice in one scope.
    #[error("`{name}` is declared twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A declaration that has no meaning, such as a size that does not fit.
    #[error("invalid declaration of `{name}`: {reason}")]
    Declaration {
        /// The name.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

impl ErrorKind {
    /// Whether the program may be right and this compiler is what lacks something; otherwise
    /// the program is wrong.
    #[must_use]
    pub const fn is_unsupported(&self) -> bool {
        match self {
            Self::UnsupportedInstruction { .. } | Self::Unsupported { .. } => true,
            Self::UnknownInstruction { .. }
            | Self::ExternCall { .. }
            | Self::OperandCount { .. }
            | Self::Operand { .. }
            | Self::Modifiers { .. }
            | Self::Unknown { .. }
            | Self::Duplicate { .. }
            | Self::Declaration { .. } => false,
        }
    }
}

/// Finds lines from byte offsets of a source text.
#[derive(Debug)]
pub(crate) struct Lines {
    /// Offset of the first byte of each line.
    starts: Vec<u32>,
}

impl Lines {
    /// Indexes a text.
    pub(crate) fn new(source: &[u8]) -> Self {
        let newlines = source
            .iter()
            .enumerate()
            .filter(|&(_, &byte)| byte == b'\n');
        let starts = std::iter::once(0)
            .chain(newlines.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX)))
            .collect();
        Self { starts }
    }

    /// Line of an offset, from 1.
    pub(crate) fn line(&self, offset: u32) -> u32 {
        let line = self.starts.partition_point(|&start| start <= offset);
        u32::try_from(line).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn lines_count_from_one() {
        let lines = Lines::new(b"a\nbc\n\nd");
        let found: Vec<u32> = (0..7).map(|offset| lines.line(offset)).collect();
        assert_eq!(found, [1, 1, 2, 2, 2, 3, 4]);
    }
}
