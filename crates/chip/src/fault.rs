//! Why a launch ended early, and where.

use std::fmt;

use weft_isa::abi::FaultCode;

use crate::launch::LaunchError;

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// An access to bytes that are not accessible in this way.
    IllegalAddress {
        /// First byte of the element accessed.
        address: u64,
        /// Size of the element in bytes.
        bytes: u32,
        /// It was a store or an atomic.
        write: bool,
    },
    /// An access that is not aligned to its element size.
    Misaligned {
        /// First byte of the element accessed.
        address: u64,
        /// Size of the element in bytes.
        bytes: u32,
        /// It was a store or an atomic.
        write: bool,
    },
    /// An encoding that the chip does not have, or that `vtype` or operands make illegal.
    IllegalInstruction {
        /// The instruction word (16-bit instructions zero-extended).
        word: u32,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An instruction that the table has and this chip does not execute.
    Unsupported {
        /// Its mnemonic.
        mnemonic: &'static str,
    },
    /// An access below the hart's stack window.
    StackOverflow {
        /// First byte of the element accessed.
        address: u64,
    },
    /// An access beyond the local memory of a lane.
    LocalOverflow {
        /// First byte of the element accessed.
        address: u64,
        /// Local memory of a lane in bytes.
        limit: u32,
    },
    /// The kernel executed `xw.fault` with this code.
    Code(FaultCode),
    /// The kernel executed `xw.fault` with a code that has no meaning, or `ebreak`, or
    /// `ecall` without an environment that serves it (code 0).
    UnknownCode(u16),
    /// `ebreak` of a program outside CUDA that nothing handles.
    Breakpoint,
    /// `pc` left the program or lost its alignment.
    InstructionAddress,
    /// Every hart of the CTA that has not exited waits for a barrier that none can complete.
    BarrierDeadlock,
    /// The launch itself cannot run on this chip.
    InvalidLaunch(LaunchError),
}

/// A located fault. The chip stays usable; memory holds what was written before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Fault {
    /// What went wrong.
    pub kind: FaultKind,
    /// Address of the instruction, 0 if none was reached.
    pub pc: u64,
    /// Index of the core.
    pub core: u32,
    /// Index of the CTA in the grid.
    pub cta: [u32; 3],
    /// Index of the warp in the CTA.
    pub warp: u32,
    /// Lane, when one is to blame.
    pub lane: Option<u32>,
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = |write: &bool| if *write { "write" } else { "read" };
        match self {
            Self::IllegalAddress {
                address,
                bytes,
                write,
            } => {
                write!(
                    f,
                    "illegal {} of {bytes} bytes at {address:#x}",
                    direction(write)
                )
            }
            Self::Misaligned {
                address,
                bytes,
                write,
            } => {
                write!(
                    f,
                    "misaligned {} of {bytes} bytes at {address:#x}",
                    direction(write)
                )
            }
            Self::IllegalInstruction { word, reason } => {
                write!(f, "illegal instruction {word:#010x}: {reason}")
            }
            Self::Unsupported { mnemonic } => write!(f, "unsupported instruction {mnemonic}"),
            Self::StackOverflow { address } => write!(f, "stack overflow at {address:#x}"),
            Self::LocalOverflow { address, limit } => {
                write!(
                    f,
                    "access at {address:#x} beyond {limit} bytes of local memory"
                )
            }
            Self::Code(code) => write!(f, "{code:?} raised by the kernel"),
            Self::UnknownCode(code) => write!(f, "unknown fault code {code} raised by the kernel"),
            Self::Breakpoint => f.write_str("breakpoint"),
            Self::InstructionAddress => f.write_str("no instruction at this address"),
            Self::BarrierDeadlock => f.write_str("barrier that no warp can complete"),
            Self::InvalidLaunch(error) => write!(f, "invalid launch: {error}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let FaultKind::InvalidLaunch(_) = self.kind {
            return self.kind.fmt(f);
        }
        let [x, y, z] = self.cta;
        write!(
            f,
            "{} (pc {:#x}, core {}, cta ({x}, {y}, {z}), warp {}",
            self.kind, self.pc, self.core, self.warp
        )?;
        if let Some(lane) = self.lane {
            write!(f, ", lane {lane}")?;
        }
        f.write_str(")")
    }
}
