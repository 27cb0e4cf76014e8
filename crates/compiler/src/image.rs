//! A compiled kernel: code, what a launch must know, and what people want to see.
//!
//! An [`Image`] is position-independent RISC-V code for one kernel and the device functions it
//! reaches, to be placed anywhere in the code window of [`weft_isa::abi`]. [`Image::to_elf`]
//! and [`Image::from_elf`] convert to and from an ELF file, which is also the format of the
//! compile cache: reading never panics and rejects whatever is inconsistent.

mod disassembly;
mod elf;

pub use elf::ImageError;

use crate::ir::{LaunchShape, Location};

/// Local memory given to each lane beyond the sum over the call graph when the graph has a
/// cycle or an indirect call, in bytes.
pub const RECURSION_LOCAL_BYTES: u32 = 16 << 10;
/// Stack given to each hart beyond the sum over the call graph in the same case, in bytes.
pub const RECURSION_STACK_BYTES: u32 = 256 << 10;

/// A compiled kernel. See the module documentation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// Instructions, little-endian. Position-independent; begins 4-byte aligned.
    pub code: Vec<u8>,
    /// Offset of the first instruction of the kernel in `code`.
    pub entry: u64,
    /// Functions in order of offset; the kernel is one of them.
    pub functions: Vec<FunctionSymbol>,
    /// Module symbols in order of their slots in the table that `a1` points to.
    pub symbols: Vec<String>,
    /// Size of the kernel parameter block in bytes.
    pub param_bytes: u32,
    /// Kernel parameters in order: (offset, bytes).
    pub params: Vec<(u32, u32)>,
    /// Statically declared shared memory in bytes.
    pub shared_static_bytes: u32,
    /// Offset in shared memory at which `extern .shared` arrays begin.
    pub shared_dynamic_offset: u32,
    /// Shared variables: (name, offset, bytes).
    pub shared_variables: Vec<(String, u32, u32)>,
    /// Local memory that each lane needs, in bytes. A multiple of 16.
    pub local_bytes_per_lane: u32,
    /// Stack that each hart needs, in bytes. A multiple of 16.
    pub stack_bytes_per_hart: u32,
    /// The call graph has a cycle or an indirect call, so that the two sizes above include
    /// [`RECURSION_LOCAL_BYTES`] and [`RECURSION_STACK_BYTES`] and may be too small.
    pub unbounded_calls: bool,
    /// Product of `.maxntid` or `.reqntid`, if given.
    pub max_threads_per_cta: Option<u32>,
    /// `.reqntid`, if given.
    pub required_cta: Option<[u32; 3]>,
    /// The launches that the code is for.
    pub launch: LaunchShape,
    /// Source file names by PTX `.file` index.
    pub files: Vec<(u32, String)>,
    /// Where instructions came from, in order of offset: an entry holds up to the next.
    pub lines: Vec<LineEntry>,
    /// Version of the compiler that made it.
    pub compiler_version: String,
}

/// A function in an [`Image`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionSymbol {
    /// PTX name.
    pub name: String,
    /// Offset in the code.
    pub offset: u64,
    /// Size in bytes.
    pub bytes: u64,
    /// Registers of the `x`, `f` and `v` files that it uses.
    pub registers: [u32; 3],
    /// Values kept in memory for want of registers or across calls.
    pub spills: u32,
    /// Bytes of its own local frame in each lane.
    pub local_bytes: u32,
    /// Bytes of its own stack frame.
    pub stack_bytes: u32,
}

/// Start of a run of instructions with one source position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineEntry {
    /// Offset of the first instruction.
    pub offset: u64,
    /// Where it came from.
    pub location: Location,
}

impl Image {
    /// The function that contains a code offset.
    #[must_use]
    pub fn function_at(&self, offset: u64) -> Option<&FunctionSymbol> {
        let after = self
            .functions
            .partition_point(|function| function.offset <= offset);
        let function = self.functions.get(after.checked_sub(1)?)?;
        (offset - function.offset < function.bytes).then_some(function)
    }

    /// Where the instruction at a code offset came from.
    #[must_use]
    pub fn location_at(&self, offset: u64) -> Option<Location> {
        let after = self.lines.partition_point(|line| line.offset <= offset);
        let line = self.lines.get(after.checked_sub(1)?)?;
        (line.location != Location::default()).then_some(line.location)
    }
}
