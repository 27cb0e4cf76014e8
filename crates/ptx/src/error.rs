//! What can be wrong with PTX text and with the files that hold it, and where.
//!
//! A [`Cause`] is a message without a location, because the caller knows the file name:
//! [`crate::source::render`] adds name, line, column and the source line. Errors in binary files
//! are located by their offset.

use crate::ast::Span;

/// An error at a place in the source text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause} (at byte {})", span.start)]
pub struct Error {
    /// The bytes at fault.
    pub span: Span,
    /// What is wrong with them.
    #[source]
    pub cause: Cause,
}

/// What is wrong with a piece of PTX text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// Something else belongs here.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What the grammar has at this place.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A byte that starts no token.
    #[error("unexpected {}", byte_name(*.0))]
    UnexpectedByte(u8),
    /// A string or a name that is not UTF-8.
    #[error("text is not valid UTF-8")]
    NotUtf8,
    /// `/*` without `*/`.
    #[error("comment is never closed")]
    UnclosedComment,
    /// A string without its closing quotation mark on the same line.
    #[error("string is never closed")]
    UnclosedString,
    /// `{`, `(` or `[` without its counterpart.
    #[error("`{0}` is never closed")]
    Unclosed(char),
    /// Digits that form no number, such as `0x` or `12ab`.
    #[error("malformed number `{0}`")]
    MalformedNumber(String),
    /// A number beyond what its place can hold.
    #[error("number is out of range: {what} is at most {max}")]
    NumberTooLarge {
        /// What the number stands for.
        what: &'static str,
        /// The largest value allowed.
        max: u64,
    },
    /// Division or remainder by zero in a constant expression.
    #[error("constant expression divides by zero")]
    DivisionByZero,
    /// An operator of integers, or a cast, applied to a floating-point number.
    #[error("operator does not apply to floating-point numbers")]
    FloatInExpression,
    /// A word after a dot that is no directive here.
    #[error("unknown directive `{0}`")]
    UnknownDirective(String),
    /// A member selector such as `.q` that PTX does not have.
    #[error("unknown member `{0}`")]
    UnknownMember(String),
    /// The text does not begin with this directive.
    #[error("`{0}` directive is missing")]
    MissingDirective(&'static str),
    /// Blocks, initialisers, vectors or expressions too deep inside each other.
    #[error("nesting is deeper than {0} levels")]
    TooDeep(u32),
    /// More registers than any program has.
    #[error("{count} registers declared in one function: at most {max} are supported")]
    TooManyRegisters {
        /// Registers of the function so far, this declaration included.
        count: u64,
        /// The limit.
        max: u64,
    },
    /// `name<count>` of something that is not a register.
    #[error("only registers are declared with a count")]
    CountOutsideRegisters,
    /// An alignment that is not a power of two.
    #[error("alignment {0} is not a power of two")]
    BadAlignment(u32),
    /// `.version` without two numbers.
    #[error("version is not of the form `8.0`")]
    BadVersion,
    /// `.address_size` other than 32 and 64.
    #[error("address size is neither 32 nor 64")]
    BadAddressSize,
    /// An array whose size in bytes does not fit in the address space.
    #[error("array is larger than the address space")]
    ArrayTooLarge,
    /// Text of 4 GiB or more.
    #[error("source of {0} bytes is too large: at most 4 GiB are supported")]
    SourceTooLarge(usize),
    /// The parser gave up.
    #[error("too many errors: stopped after {0}")]
    TooManyErrors(usize),
}

/// A byte for a message.
fn byte_name(byte: u8) -> String {
    if byte.is_ascii_graphic() {
        format!("`{}`", char::from(byte))
    } else {
        format!("byte 0x{byte:02x}")
    }
}

impl Error {
    /// An error at `span`.
    #[must_use]
    pub const fn new(span: Span, cause: Cause) -> Self {
        Self { span, cause }
    }
}

/// An error at an offset of a fatbin or an ELF file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause} (at offset 0x{offset:x})")]
pub struct ContainerError {
    /// Offset of the bytes at fault from the beginning of the file or fatbin.
    pub offset: u64,
    /// What is wrong with them.
    #[source]
    pub cause: ContainerCause,
}

/// What is wrong with a fatbin or an ELF file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContainerCause {
    /// The bytes end before the thing does.
    #[error("{what} is cut off: {needed} bytes needed, {available} there")]
    Truncated {
        /// What is cut off.
        what: &'static str,
        /// Its size.
        needed: u64,
        /// Bytes there are.
        available: u64,
    },
    /// The bytes are something else.
    #[error("{what} has magic number 0x{found:08x}")]
    BadMagic {
        /// What should be there.
        what: &'static str,
        /// The first four bytes, little-endian.
        found: u32,
    },
    /// A version or size of a header that is not known.
    #[error("{what} is {found}")]
    BadField {
        /// The field.
        what: &'static str,
        /// Its value.
        found: u64,
    },
    /// Flags that name no known compression.
    #[error("compressed entry has flags 0x{0:x}, which name no known compression")]
    UnknownCompression(u64),
    /// Compressed data that cannot be expanded.
    #[error("{method} data cannot be decompressed: {reason}")]
    Decompression {
        /// `LZ4` or `zstd`.
        method: &'static str,
        /// What the decoder says.
        reason: String,
    },
    /// An entry expands to another size than its header says.
    #[error("entry expands to {found} bytes instead of {declared}")]
    SizeMismatch {
        /// Bytes the header says.
        declared: u64,
        /// Bytes there are, or more.
        found: u64,
    },
    /// An entry is larger than is supported.
    #[error("entry of {size} bytes is too large: at most {max} are supported")]
    TooLarge {
        /// Bytes the header says.
        size: u64,
        /// The limit.
        max: u64,
    },
    /// Neither PTX, nor a fatbin, nor an ELF file.
    #[error("no PTX text, fatbin or ELF file")]
    UnknownFormat,
    /// An ELF file that cannot be read.
    #[error("malformed ELF file: {0}")]
    MalformedElf(String),
    /// No PTX fits the device.
    #[error("no PTX for compute capability {}.{}: {found}", capability / 10, capability % 10)]
    NoPtx {
        /// Compute capability as in `sm_89`.
        capability: u32,
        /// What there is instead, for a message.
        found: String,
    },
}

impl ContainerError {
    /// An error at `offset`.
    #[must_use]
    pub const fn new(offset: u64, cause: ContainerCause) -> Self {
        Self { offset, cause }
    }
}
