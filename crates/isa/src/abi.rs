//! The contract between compiled kernels and the chip that runs them.
//!
//! One warp is one hart with `vl` = 32: CUDA lane *i* is vector element *i*. Everything here
//! is an assumption that both sides make; neither may hold a private copy of a number.
//!
//! # Entry state of a hart
//!
//! | register | content |
//! |---|---|
//! | `pc` | address of the kernel's entry symbol in the code window |
//! | `a0` | generic address of the kernel parameter block |
//! | `a1` | generic address of the symbol table: one `u64` generic address per symbol slot |
//! | `sp` | end of the hart's stack window (16-byte aligned, grows downwards) |
//! | `tp` | 0: offset of the current frame in each lane's local window |
//! | other `x`, `f`, `v` | zero |
//! | `vl`, `vtype` | 32, `e32,m1,ta,ma` |
//! | `frm` | round to nearest, ties to even |
//!
//! The lanes that exist in this warp are the bits of [`csr::LANES`]; a CTA whose size is not
//! a multiple of 32 has a last warp with fewer. Execution masks are 32-bit values held
//! sign-extended in scalar registers; the mask operand of a vector instruction is made from
//! one with `vmv.s.x v0, mask` at SEW 32.
//!
//! # Device functions
//!
//! Called with `jal ra`/`jalr ra`. All registers except `sp` and `tp` are clobbered. `a0` and
//! `a1` keep their entry meaning, `a2` holds the execution mask of the call. Parameters and
//! return values are in lane-local memory: the callee's frame begins at `tp`, which the
//! caller has advanced by its own frame size and restores after the call. Parameters lie at
//! the start of the callee's frame in order of declaration, each at its natural alignment;
//! return values follow, aligned likewise. If a device function of the image contains PTX
//! `exit`, every function returns in `a0` the lanes of the call that have not exited, and the
//! caller goes on with those.
//!
//! # Function addresses
//!
//! An image that takes the address of a function, or calls through one, begins with a table of
//! jumps: [`FUNCTION_ENTRY_BYTES`] for each function of the module whose address is taken, in
//! an order that all images of the module share. The address of function *k* is that of entry
//! *k*, so it means the same in every kernel of the module if their images are placed at the
//! same base. The entry of a function that the image lacks faults with
//! [`FaultCode::BadTarget`]. An entry changes `t0` only.
//!
//! # Environment calls
//!
//! `ecall` asks the environment of the launch for a [`Service`], whose number is in `a0`, for
//! the lanes in `a2`. Parameters and results are in lane-local memory at `tp`, laid out as those
//! of a device function. No register changes.
//!
//! # Cooperative launches
//!
//! Behind the kernel parameters, at [`grid_workspace_offset`] in the block that `a0` points to, lies a `u64`: the
//! generic address of the grid's workspace, or 0 if the launch is not cooperative. The workspace is a `u32`
//! with its size and, at [`GRID_BARRIER_OFFSET`], a `u32` that the grid's CTAs count in; it is 0 when the
//! launch begins.
//!
//! # Address space
//!
//! One generic 64-bit space. User-space host addresses are below 2^56 on every supported
//! host, so windows above that can never collide with device memory, whose generic addresses
//! are host addresses.

/// Vector register length in bits.
pub const VLEN: usize = 1024;
/// Vector register length in bytes.
pub const VLEN_BYTES: usize = VLEN / 8;
/// Lanes of a warp: elements of one register at SEW 32.
pub const LANES: usize = 32;
/// Harts of a core, and so the most warps in a CTA.
pub const HARTS_PER_CORE: usize = 32;
/// Hardware barriers a CTA may use, as in CUDA.
pub const BARRIERS_PER_CTA: usize = 16;

/// Base of the window through which a hart sees its CTA's shared memory. A `.shared` address
/// is the offset from here.
pub const SHARED_WINDOW: u64 = 1 << 56;
/// Extent of the shared window in bytes (how much of it is backed is per launch). Behind it lies the same
/// window once more: a `.shared` address of 32 bits may be a negative number that an offset makes positive,
/// and code adds both to the base without cutting the sum to 32 bits.
pub const SHARED_WINDOW_BYTES: u64 = 1 << 32;
/// Base of the window of lane-local memory. Lane `i` owns
/// `LOCAL_WINDOW + i * LOCAL_LANE_STRIDE ..`; each hart sees its own contents.
/// A `.local` address is the offset from the start of the lane's own part.
pub const LOCAL_WINDOW: u64 = 2 << 56;
/// Distance between the local windows of neighbouring lanes in bytes.
pub const LOCAL_LANE_STRIDE: u64 = 1 << 24;
/// Base of the per-hart stack window (`sp` starts at its end); each hart sees its own.
pub const STACK_WINDOW: u64 = 3 << 56;
/// Base of the window in which images are placed; `pc` values lie here. Not readable as data.
pub const CODE_WINDOW: u64 = 4 << 56;

/// Bytes of an entry in the table of function addresses: two instructions.
pub const FUNCTION_ENTRY_BYTES: u64 = 8;

/// Offset in the parameter block of the address of the grid's workspace.
#[must_use]
pub const fn grid_workspace_offset(param_bytes: u32) -> u32 {
    param_bytes.next_multiple_of(8)
}
/// Offset of the barrier's word in the grid's workspace.
pub const GRID_BARRIER_OFFSET: i32 = 4;
/// Size of the grid's workspace in bytes.
pub const GRID_WORKSPACE_BYTES: u32 = 8;

/// What a kernel can ask of its environment. Parameters and results in order, with their sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Service {
    /// Formatted output: address of the format (8), address of the arguments (8); result: their
    /// number (4). The arguments lie one after the other, each at its natural alignment.
    Print = 1,
    /// A failed assertion: addresses of the condition's text (8), the file's name (8), the line
    /// (4), the address of the function's name (8), bytes of a character (8). Ends the launch.
    AssertionFailed = 2,
    /// Memory from the device's heap: bytes (8); result: the address, or 0 (8).
    Allocate = 3,
    /// Gives memory back to the device's heap: the address, or 0 (8).
    Free = 4,
}

impl Service {
    /// The service with this number, if there is one.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::Print),
            2 => Some(Self::AssertionFailed),
            3 => Some(Self::Allocate),
            4 => Some(Self::Free),
            _ => None,
        }
    }

    /// Sizes of the parameters in bytes, in order.
    #[must_use]
    pub const fn parameters(self) -> &'static [u32] {
        match self {
            Self::Print => &[8, 8],
            Self::AssertionFailed => &[8, 8, 4, 8, 8],
            Self::Allocate | Self::Free => &[8],
        }
    }

    /// Size of the result in bytes, 0 if there is none.
    #[must_use]
    pub const fn result(self) -> u32 {
        match self {
            Self::Print => 4,
            Self::Allocate => 8,
            Self::AssertionFailed | Self::Free => 0,
        }
    }
}

/// Special registers: read-only CSRs in the custom read-only user range (0xCC0-0xCFF of the
/// privileged specification, table "Allocation of RISC-V CSR address ranges").
pub mod csr {
    /// Index of this warp in its CTA.
    pub const WARP: u16 = 0xCD0;
    /// Number of warps of the CTA.
    pub const WARPS: u16 = 0xCD1;
    /// Mask of the lanes that exist in this warp (bit i: lane i), sign-extended.
    pub const LANES: u16 = 0xCD2;
    /// `%ctaid.x`; `.y` and `.z` follow.
    pub const CTAID_X: u16 = 0xCD3;
    /// `%ctaid.y`.
    pub const CTAID_Y: u16 = 0xCD4;
    /// `%ctaid.z`.
    pub const CTAID_Z: u16 = 0xCD5;
    /// `%ntid.x`; `.y` and `.z` follow.
    pub const NTID_X: u16 = 0xCD6;
    /// `%ntid.y`.
    pub const NTID_Y: u16 = 0xCD7;
    /// `%ntid.z`.
    pub const NTID_Z: u16 = 0xCD8;
    /// `%nctaid.x`; `.y` and `.z` follow.
    pub const NCTAID_X: u16 = 0xCD9;
    /// `%nctaid.y`.
    pub const NCTAID_Y: u16 = 0xCDA;
    /// `%nctaid.z`.
    pub const NCTAID_Z: u16 = 0xCDB;
    /// Index of this core: `%smid`.
    pub const CORE: u16 = 0xCDC;
    /// Number of cores: `%nsmid`.
    pub const CORES: u16 = 0xCDD;
    /// Sequence number of the launch: `%gridid`.
    pub const GRID: u16 = 0xCDE;
    /// Dynamic shared memory of the launch in bytes: `%dynamic_smem_size`.
    pub const SHARED_DYNAMIC_BYTES: u16 = 0xCDF;
    /// Static plus dynamic shared memory of the launch in bytes: `%total_smem_size`.
    pub const SHARED_TOTAL_BYTES: u16 = 0xCE0;
    /// Nanoseconds of modelled time: `%globaltimer`. Equals retired instructions of the hart
    /// when no timing model runs, so that results never depend on the host's clock.
    pub const GLOBALTIMER: u16 = 0xCE1;
}

/// Codes a kernel passes to `xw.fault` to end its launch with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum FaultCode {
    /// PTX `trap`.
    Trap = 1,
    /// A device assertion failed.
    Assert = 2,
    /// A CTA-wide barrier was reached by a part of a warp whose other lanes still run.
    DivergentBarrier = 3,
    /// Control reached a point that the program promised is unreachable.
    Unreachable = 4,
    /// An indirect branch or call had no valid target.
    BadTarget = 5,
    /// A matrix instruction was executed by a part of a warp.
    PartialWarp = 6,
}

impl FaultCode {
    /// The code with this number, if there is one.
    #[must_use]
    pub const fn from_u16(code: u16) -> Option<Self> {
        match code {
            1 => Some(Self::Trap),
            2 => Some(Self::Assert),
            3 => Some(Self::DivergentBarrier),
            4 => Some(Self::Unreachable),
            5 => Some(Self::BadTarget),
            6 => Some(Self::PartialWarp),
            _ => None,
        }
    }
}
