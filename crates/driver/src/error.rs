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
    /// An object that is in the middle of something else: `CUDA_ERROR_ILLEGAL_STATE`.
    #[error("{0}")]
    IllegalState(String),
    /// Work that is not done yet: `CUDA_ERROR_NOT_READY`.
    #[error("not ready")]
    NotReady,
    /// A call from a function that a stream called: `CUDA_ERROR_NOT_PERMITTED`.
    #[error("not permitted in a function that a stream calls")]
    NotPermitted,
    /// What a stream capture does not allow. The result depends on the cause.
    #[error("{0}")]
    Capture(#[from] CaptureError),
    /// A graph that an executable graph cannot be updated with:
    /// `CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE`.
    #[error("the executable graph cannot be updated: {0}")]
    GraphUpdate(String),
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

/// What stream capture does not allow (`CUDA_ERROR_STREAM_CAPTURE_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// An operation that cannot be captured, or that could break a capture in progress.
    #[error("not possible while a stream is captured")]
    Unsupported,
    /// An earlier error made the capture invalid.
    #[error("the capture was invalidated by an earlier error")]
    Invalidated,
    /// An event would join two captures.
    #[error("two captures would be merged")]
    Merge,
    /// The capture was not begun in this stream.
    #[error("the capture was not begun in this stream")]
    Unmatched,
    /// A stream that takes part was not joined to the one where the capture began.
    #[error("a stream that takes part in the capture was not joined to where it began")]
    Unjoined,
    /// A dependency of captured work on work that is not captured.
    #[error("captured work would depend on work that is not captured")]
    Isolation,
    /// The default stream would wait for a stream that is captured.
    #[error("the default stream would wait for a stream that is captured")]
    Implicit,
    /// An event that was last recorded in a capture.
    #[error("the event was last recorded in a capture")]
    CapturedEvent,
    /// The capture was begun by another thread.
    #[error("the capture was begun by another thread")]
    WrongThread,
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
