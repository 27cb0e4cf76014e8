//! What can go wrong. Each variant names the CUDA result that it means.

use weft_chip::FaultKind;
use weft_isa::abi::FaultCode;

/// An error of the device runtime.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument is out of its range: `CUDA_ERROR_INVALID_VALUE`.
    #[error("{0}")]
    InvalidValue(String),
    /// No memory left on the device or host: `CUDA_ERROR_OUT_OF_MEMORY`.
    #[error("out of memory: {requested} bytes asked for, {free} free")]
    OutOfMemory {
        /// Bytes asked for.
        requested: u64,
        /// Bytes free in total.
        free: u64,
    },
    /// The context was destroyed: `CUDA_ERROR_CONTEXT_IS_DESTROYED`.
    #[error("the context is destroyed")]
    ContextDestroyed,
    /// PTX that is wrong; the text is the compiler's log: `CUDA_ERROR_INVALID_PTX`.
    #[error("invalid PTX\n{0}")]
    InvalidPtx(String),
    /// PTX that uses what the compiler lacks, and is not known to be wrong; the text is the
    /// compiler's log: `CUDA_ERROR_NOT_SUPPORTED`.
    #[error("unsupported PTX\n{0}")]
    UnsupportedPtx(String),
    /// Machine code but no PTX this device can take: `CUDA_ERROR_NO_BINARY_FOR_GPU`.
    #[error("{0}")]
    NoBinaryForGpu(String),
    /// Bytes that are no module: `CUDA_ERROR_INVALID_IMAGE`.
    #[error("{0}")]
    InvalidImage(String),
    /// No kernel, variable or other thing of this name: `CUDA_ERROR_NOT_FOUND`.
    #[error("{kind} `{name}` not found")]
    NotFound {
        /// What kind of thing.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// Something CUDA has and this device does not: `CUDA_ERROR_NOT_SUPPORTED`.
    #[error("unsupported: {0}")]
    NotSupported(String),
    /// An event or stream that is not of the state the call needs:
    /// `CUDA_ERROR_INVALID_HANDLE`.
    #[error("{0}")]
    InvalidHandle(String),
    /// A cooperative grid that does not fit on the device at once:
    /// `CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE`.
    #[error("cooperative launch of {ctas} blocks; the device holds {limit} at once")]
    CooperativeTooLarge {
        /// Blocks asked for.
        ctas: u64,
        /// Blocks that fit.
        limit: u64,
    },
    /// Host memory already registered: `CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED`.
    #[error("host memory at {0:#x} is already registered")]
    AlreadyRegistered(u64),
    /// Host memory not registered: `CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED`.
    #[error("host memory at {0:#x} is not registered")]
    NotRegistered(u64),
    /// A file could not be read: `CUDA_ERROR_FILE_NOT_FOUND`.
    #[error("failed to read {path}: {reason}")]
    File {
        /// Its path.
        path: String,
        /// The system's reason.
        reason: String,
    },
    /// A kernel ended with a fault; its context is unusable from then on. The result depends
    /// on the fault: see [`FaultClass`].
    #[error("{message}")]
    Fault {
        /// What kind of fault.
        class: FaultClass,
        /// Kernel, thread, address and source line.
        message: String,
    },
    /// The chip could not be made: `CUDA_ERROR_NO_DEVICE`.
    #[error("failed to set up the chip: {0}")]
    Chip(String),
}

/// Kinds of kernel faults, as far as CUDA tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultClass {
    /// `CUDA_ERROR_ILLEGAL_ADDRESS`
    IllegalAddress,
    /// `CUDA_ERROR_MISALIGNED_ADDRESS`
    MisalignedAddress,
    /// `CUDA_ERROR_ILLEGAL_INSTRUCTION`
    IllegalInstruction,
    /// `CUDA_ERROR_HARDWARE_STACK_ERROR`
    Stack,
    /// `CUDA_ERROR_ASSERT`
    Assert,
    /// `CUDA_ERROR_INVALID_PC`
    InvalidPc,
    /// `CUDA_ERROR_LAUNCH_FAILED`: traps and everything without a name of its own.
    Launch,
}

impl FaultClass {
    pub(crate) const fn of(kind: &FaultKind) -> Self {
        match kind {
            FaultKind::IllegalAddress { .. } => Self::IllegalAddress,
            FaultKind::Misaligned { .. } => Self::MisalignedAddress,
            FaultKind::IllegalInstruction { .. } => Self::IllegalInstruction,
            FaultKind::StackOverflow { .. } | FaultKind::LocalOverflow { .. } => Self::Stack,
            FaultKind::Code(FaultCode::Assert) => Self::Assert,
            FaultKind::Code(FaultCode::BadTarget) | FaultKind::InstructionAddress => {
                Self::InvalidPc
            }
            _ => Self::Launch,
        }
    }
}

/// Shorthand for a refused argument.
pub(crate) fn invalid(text: impl Into<String>) -> Error {
    Error::InvalidValue(text.into())
}
