//! The intermediate representation: what a kernel means, before it is mapped onto the chip.
//!
//! # What there is
//!
//! A [`Unit`] is what one launch needs: a kernel (function 0), every device function it can
//! reach, the layout of its shared memory, and the list of module symbols whose addresses it
//! wants. A [`Function`] is a control-flow graph of [`Block`]s in SSA form. A block has
//! parameters (the phis), instructions, and exactly one [`Terminator`], whose edges pass
//! arguments to the parameters of the successor. The first block is the entry; it has no
//! predecessors and no parameters.
//!
//! # The viewpoint is one thread
//!
//! The IR is written from the viewpoint of a single CUDA thread (lane), as PTX is. A value is
//! one scalar of one thread. Warps, masks and vector registers appear only behind this room,
//! in instruction selection. Threads of a warp execute the same graph; which of them execute
//! an instruction *together* is observable only by the warp instructions ([`Op::Shuffle`],
//! [`Op::Vote`], [`Op::Match`], [`Op::Reduce`], [`Op::ActiveMask`], [`Op::MultiplyMatrices`]) and
//! by barriers.
//!
//! # Values and types
//!
//! A value is [`Type::Pred`] (one bit) or a bag of 16, 32 or 64 bits. Types carry no
//! signedness and no float-ness: the operation says how it reads the bits, exactly as a
//! register file would. So `mov.b32` between an integer and a float register is no operation.
//! PTX 8-bit registers are held zero-extended in 16 bits.
//!
//! # When an operation happens
//!
//! Instructions of a block happen in order. An instruction is *pure* ([`Op::is_pure`]) when
//! its result depends on its operands alone: it may be removed, duplicated or moved wherever
//! its operands are defined. All others (memory, barriers, warp operations, calls, clocks)
//! stay where they are, in order, executed by exactly the threads that reach them.
//! An arithmetic result that is NaN is the format's canonical quiet NaN.
//! No pure operation faults: integer division by zero yields all ones (remainder: the
//! dividend), as RISC-V defines.
//!
//! # Convergence
//!
//! A warp instruction names its participants with a member mask; threads named there that
//! reach the instruction exchange values as if they executed it at one instant. The compiler
//! may never move such an instruction over a branch, nor make one execute in a different set
//! of threads. Threads of a warp that diverge at a branch reconverge no later than at the
//! nearest point in layout order that post-dominates it, unless a thread exits or waits.
//!
//! Matrix operations name no members: they are the work of the whole warp, and a fault if a
//! thread of it is missing, be it because it takes another path, has exited or never existed.
//!
//! # Memory
//!
//! Every access names a [`Space`]. An address in [`Space::Generic`], [`Space::Global`] or
//! [`Space::Const`] is a 64-bit generic address. In the other spaces it is an offset, 32 or 64
//! bits wide, from the start of the window that `weft_isa::abi` defines:
//! [`Space::Shared`] the CTA's shared window, where address and offset add modulo 2^32, [`Space::Local`] the executing lane's own part
//! of the local window, [`Space::Param`] the kernel parameter block (kernels only; parameters
//! of device functions are in local memory). [`Op::ToGeneric`] and [`Op::FromGeneric`]
//! convert. Accesses are naturally aligned or fault. Bytes are little-endian. Plain accesses of different threads are
//! unordered except through [`Op::Fence`], barriers and atomics.
//!
//! # Undefined things
//!
//! A register that PTX reads before writing it is an [`Op::Undef`] value: any fixed bits (the
//! compiler uses zero). Nothing else is undefined.

use std::fmt;
use weft_isa::MatrixForm;
use weft_isa::abi::Service;

mod builder;
mod cfg;
mod launch;
mod print;

pub use builder::FunctionBuilder;
pub use cfg::Cfg;
pub use launch::{CTAS_MAX, LaunchShape, Rows, THREADS_MAX};

/// Index of a value of a function.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(pub u32);

/// Index of a block of a function.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block(pub u32);

/// Index of an instruction of a function.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Inst(pub u32);

/// Index of a function of a unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionId(pub u32);

/// Index of a module symbol of a unit: its slot in the symbol table at run time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolId(pub u32);

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// One bit.
    Pred,
    /// 16 bits.
    B16,
    /// 32 bits.
    B32,
    /// 64 bits.
    B64,
}

impl Type {
    /// Size in bits: 1, 16, 32 or 64.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Pred => 1,
            Self::B16 => 16,
            Self::B32 => 32,
            Self::B64 => 64,
        }
    }
}

/// What one launch needs of a module. See the module documentation.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// The kernel is element 0.
    pub functions: Vec<Function>,
    /// Module variables (`.global`, `.const`) whose addresses the code takes.
    pub symbols: Vec<String>,
    /// The functions whose addresses the module takes, in the order of their table (see
    /// `weft_isa::abi`); `None`: this unit does not have the function. Empty if the unit neither
    /// takes an address nor calls through one.
    pub addressable: Vec<Option<FunctionId>>,
    /// Bytes of statically declared shared memory. Dynamic shared memory begins at
    /// `shared_dynamic_offset`.
    pub shared_static_bytes: u32,
    /// Offset of `extern .shared` arrays, aligned for the strictest of them.
    pub shared_dynamic_offset: u32,
    /// Names and layout of shared variables, for symbols in the image: (name, offset, bytes).
    pub shared_variables: Vec<(String, u32, u32)>,
    /// Size of the kernel parameter block in bytes.
    pub param_bytes: u32,
    /// Kernel parameters in order: (offset, bytes).
    pub params: Vec<(u32, u32)>,
    /// `.maxntid` / `.reqntid` product, if given.
    pub max_threads_per_cta: Option<u32>,
    /// `.reqntid`, if given: launches with another CTA shape are errors.
    pub required_cta: Option<[u32; 3]>,
    /// The launches that code is wanted for.
    pub launch: LaunchShape,
    /// Source file names by PTX `.file` index, for [`Function::lines`].
    pub files: Vec<(u32, String)>,
}

/// A kernel or device function.
#[derive(Clone, Debug, Default)]
pub struct Function {
    /// PTX name.
    pub name: String,
    /// Type of each value; index is [`Value`].
    pub value_types: Vec<Type>,
    /// Instructions; index is [`Inst`].
    pub insts: Vec<InstData>,
    /// Blocks; index is [`Block`]. Block 0 is the entry.
    pub blocks: Vec<BlockData>,
    /// Bytes of lane-local memory of this function's frame: parameters and return values of a
    /// device function first (see `weft_isa::abi`), then `.local` variables. Outgoing
    /// arguments are beyond it, in the callee's frame. A multiple of 16.
    pub local_bytes: u32,
}

/// A block: parameters, instructions in order, and the way out.
#[derive(Clone, Debug)]
pub struct BlockData {
    /// Phis.
    pub params: Vec<Value>,
    /// Instructions in order.
    pub insts: Vec<Inst>,
    /// The way out.
    pub terminator: Terminator,
}

/// An instruction with its results and where it came from.
#[derive(Clone, Debug)]
pub struct InstData {
    /// What it does.
    pub op: Op,
    /// The results, as [`Op`] documents.
    pub results: Vec<Value>,
    /// Where it came from.
    pub location: Location,
}

/// Source position of an instruction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// Line in the PTX text, from 1; 0 when unknown.
    pub ptx_line: u32,
    /// Index of the source file (`.file`), 0 when unknown.
    pub file: u32,
    /// Line in that file, from 1; 0 when unknown.
    pub line: u32,
}

/// An edge: the successor and the arguments for its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Successor.
    pub block: Block,
    /// One argument for each of its parameters, of the same type.
    pub args: Vec<Value>,
}

/// The way out of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Terminator {
    /// Unconditional.
    Jump(Edge),
    /// On a predicate.
    Branch {
        /// [`Type::Pred`].
        condition: Value,
        /// Taken when it is true.
        then: Edge,
        /// Taken when it is false.
        otherwise: Edge,
    },
    /// `brx.idx`: on a B32 index, unsigned; out of range is a fault (`BadTarget`).
    Switch {
        /// [`Type::B32`].
        index: Value,
        /// One edge per index from 0.
        targets: Vec<Edge>,
    },
    /// Return from a device function; from a kernel the thread exits.
    Return,
    /// The thread exits (PTX `exit`).
    Exit,
    /// The launch ends with an error.
    Fault(weft_isa::abi::FaultCode),
}

/// Integer (and, at [`Type::Pred`], logical) operations of two operands of one type, which is
/// also the result's. `Pred` allows only `And`, `Or` and `Xor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// Wrapping sum.
    Add,
    /// Wrapping difference.
    Sub,
    /// Low half of the product.
    Mul,
    /// High half of the signed product.
    MulHighSigned,
    /// High half of the unsigned product.
    MulHighUnsigned,
    /// Signed quotient, towards zero; by zero: -1; overflow wraps.
    DivSigned,
    /// Unsigned quotient; by zero: all ones.
    DivUnsigned,
    /// Signed remainder; by zero: the dividend.
    RemSigned,
    /// Unsigned remainder; by zero: the dividend.
    RemUnsigned,
    /// Signed minimum.
    MinSigned,
    /// Unsigned minimum.
    MinUnsigned,
    /// Signed maximum.
    MaxSigned,
    /// Unsigned maximum.
    MaxUnsigned,
    /// Signed saturating sum.
    AddSaturating,
    /// Signed saturating difference.
    SubSaturating,
    /// Bitwise and.
    And,
    /// Bitwise or.
    Or,
    /// Bitwise exclusive or.
    Xor,
}

/// Shifts. The amount is [`Type::B32`], unsigned, and clamped to the width as PTX defines
/// (a left or logical right shift by the width or more is 0, an arithmetic one all signs).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ShiftOp {
    Left,
    RightLogical,
    RightArithmetic,
}

/// Integer operations of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// Bitwise complement; logical at [`Type::Pred`].
    Not,
    /// Two's complement negation.
    Neg,
    /// Signed absolute value; the minimum wraps.
    Abs,
    /// Number of ones; result [`Type::B32`].
    PopCount,
    /// Number of leading zeros, the width for 0; result [`Type::B32`].
    LeadingZeros,
    /// Bits reversed.
    BitReverse,
}

/// Comparison of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum IntCompare {
    Equal,
    NotEqual,
    LessSigned,
    LessEqualSigned,
    GreaterSigned,
    GreaterEqualSigned,
    LessUnsigned,
    LessEqualUnsigned,
    GreaterUnsigned,
    GreaterEqualUnsigned,
}

/// Comparison of floats. The ordered ones are false when an operand is NaN, the unordered
/// ones (`...OrNan`) true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum FloatCompare {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    EqualOrNan,
    NotEqualOrNan,
    LessOrNan,
    LessEqualOrNan,
    GreaterOrNan,
    GreaterEqualOrNan,
    /// Neither is NaN.
    Ordered,
    /// At least one is NaN.
    Unordered,
}

/// Floating-point formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FloatType {
    /// IEEE binary16, in B16.
    F16,
    /// bfloat16, in B16.
    Bf16,
    /// IEEE binary32, in B32.
    F32,
    /// IEEE binary64, in B64.
    F64,
}

impl FloatType {
    /// The type that holds it.
    #[must_use]
    pub const fn ty(self) -> Type {
        match self {
            Self::F16 | Self::Bf16 => Type::B16,
            Self::F32 => Type::B32,
            Self::F64 => Type::B64,
        }
    }
}

/// IEEE rounding directions, with PTX's suffixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// `.rn`: nearest, ties to even.
    Nearest,
    /// `.rz`: towards zero.
    Zero,
    /// `.rm`: towards minus infinity.
    Down,
    /// `.rp`: towards plus infinity.
    Up,
}

/// IEEE operations of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FloatBinaryOp {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Quotient.
    Div,
    /// minimumNumber: the other operand if one is NaN; -0 < +0.
    Min,
    /// maximumNumber.
    Max,
    /// minimum: NaN if one operand is NaN.
    MinNan,
    /// maximum: NaN if one operand is NaN.
    MaxNan,
    /// Magnitude of the second operand with the sign of the first (PTX order).
    CopySign,
}

/// IEEE operations of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FloatUnaryOp {
    /// Sign flipped.
    Neg,
    /// Sign cleared.
    Abs,
    /// Correctly rounded square root.
    Sqrt,
    /// Subnormal to zero of the same sign (how `.ftz` is expressed).
    FlushSubnormal,
    /// Clamp to [0, 1], NaN to +0 (how `.sat` is expressed).
    Saturate,
    /// Rounded to an integral value in the same format with the given rounding.
    RoundToIntegral,
}

/// Single-precision approximations; error bounds are those of the PTX manual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are PTX's")]
pub enum ApproxOp {
    Reciprocal,
    ReciprocalSqrt,
    Sqrt,
    Sin,
    Cos,
    Exp2,
    Log2,
    Tanh,
}

/// Address spaces. See the module documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "described in the module documentation")]
pub enum Space {
    Generic,
    Global,
    Const,
    Shared,
    Local,
    Param,
}

/// Width of a memory access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Width {
    W8,
    W16,
    W32,
    W64,
}

impl Width {
    /// Bytes moved: 1, 2, 4 or 8.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        match self {
            Self::W8 => 1,
            Self::W16 => 2,
            Self::W32 => 4,
            Self::W64 => 8,
        }
    }
}

/// Atomic read-modify-write operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are PTX's")]
pub enum AtomicOp {
    Exchange,
    Add,
    And,
    Or,
    Xor,
    MinSigned,
    MaxSigned,
    MinUnsigned,
    MaxUnsigned,
    /// `old >= b ? 0 : old + 1`
    Increment,
    /// `old == 0 || old > b ? b : old - 1`
    Decrement,
    /// Stores the operand if the old value equals the comparand.
    CompareExchange,
    /// Float sum (F16 at W16, F32 at W32, F64 at W64), round to nearest.
    FloatAdd,
    /// Sum of bfloat16 (W16), round to nearest.
    FloatAddBf16,
    /// Sum of each half (W32), in the format: F16 or Bf16.
    FloatAddPair(FloatType),
}

impl AtomicOp {
    /// The widths at which it exists.
    #[must_use]
    pub const fn widths(self) -> &'static [Width] {
        match self {
            Self::CompareExchange | Self::FloatAdd => &[Width::W16, Width::W32, Width::W64],
            Self::FloatAddBf16 => &[Width::W16],
            Self::FloatAddPair(_) => &[Width::W32],
            Self::Exchange
            | Self::Add
            | Self::And
            | Self::Or
            | Self::Xor
            | Self::MinSigned
            | Self::MaxSigned
            | Self::MinUnsigned
            | Self::MaxUnsigned
            | Self::Increment
            | Self::Decrement => &[Width::W32, Width::W64],
        }
    }
}

/// `shfl.sync` modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are PTX's")]
pub enum ShuffleMode {
    Up,
    Down,
    Butterfly,
    Index,
}

/// `vote.sync` modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are PTX's")]
pub enum VoteMode {
    All,
    Any,
    Uniform,
    Ballot,
}

/// `redux.sync` operations on B32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are PTX's")]
pub enum ReduceOp {
    Add,
    MinSigned,
    MaxSigned,
    MinUnsigned,
    MaxUnsigned,
    And,
    Or,
    Xor,
}

/// Barrier forms; see [`Op::Barrier`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BarrierKind {
    /// Wait for all participants.
    Sync,
    /// Count without waiting.
    Arrive,
    /// Wait, and give the number of participating threads whose predicate is true.
    CountPred,
}

/// Registers a thread can read about itself and its launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are PTX's; all are B32 unless said")]
pub enum Special {
    /// Axis 0..3 for x, y, z.
    ThreadId(u8),
    /// `ThreadId` of lane 0 of the warp.
    FirstThreadId(u8),
    CtaSize(u8),
    CtaId(u8),
    GridSize(u8),
    Lane,
    Warp,
    WarpsPerCta,
    LaneMaskEqual,
    LaneMaskLess,
    LaneMaskLessEqual,
    LaneMaskGreater,
    LaneMaskGreaterEqual,
    Core,
    Cores,
    /// B64.
    Grid,
    SharedDynamicBytes,
    SharedTotalBytes,
    /// B32: low half of `Clock64`.
    Clock,
    /// B64; not pure.
    Clock64,
    /// B64; not pure.
    GlobalTimer,
}

/// What an instruction does. "Result: T" gives the type of its single result; operations
/// without that line have none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Any fixed bits. Result: the type.
    Undef(Type),
    /// A constant, zero-extended bits in the low end. Result: the type (`Pred`: 0 or 1).
    Const(Type, u64),
    /// Result: type of the operands.
    Binary(BinaryOp, Value, Value),
    /// Operand, amount (B32). Result: type of the operand (B16, B32, B64).
    Shift(ShiftOp, Value, Value),
    /// Result: type of the operand except where [`UnaryOp`] says.
    Unary(UnaryOp, Value),
    /// Full product: B16 x B16 -> B32, B32 x B32 -> B64.
    MulWide {
        /// Operands are signed.
        signed: bool,
        /// First factor.
        a: Value,
        /// Second factor.
        b: Value,
    },
    /// Sum with a carry: `a + b + carry`. Results: sum, carry out (Pred).
    AddCarry(Value, Value, Value),
    /// Difference with a borrow: `a - b - borrow`. Results: difference, borrow out (Pred).
    SubBorrow(Value, Value, Value),
    /// Result: Pred.
    CompareInt(IntCompare, Value, Value),
    /// Result: Pred.
    CompareFloat(FloatType, FloatCompare, Value, Value),
    /// Condition (Pred), value if true, value if false. Result: their type (Pred allowed).
    Select(Value, Value, Value),
    /// Low bits of a wider value. Result: the type.
    Truncate(Type, Value),
    /// The low `from` bits (8, 16 or 32) of the operand, sign- or zero-extended. Result: the
    /// type, at least as wide as `from`; the operand may be of any width >= `from`.
    Extend {
        /// Sign-extend.
        signed: bool,
        /// Bits taken.
        from: u8,
        /// Result type.
        to: Type,
        /// Operand.
        value: Value,
    },
    /// Two halves to one value of twice the width: low, high. B16 -> B32, B32 -> B64.
    Pack(Value, Value),
    /// Rounded as given. `CopySign`, `Min` and `Max` ignore the rounding. Result: `ty`.
    FloatBinary(FloatBinaryOp, FloatType, Rounding, Value, Value),
    /// `a * b + c` with one rounding. Result: `ty`.
    FusedMultiplyAdd(FloatType, Rounding, Value, Value, Value),
    /// Result: `ty`.
    FloatUnary(FloatUnaryOp, FloatType, Rounding, Value),
    /// F32. Result: B32.
    Approx(ApproxOp, Value),
    /// Float to integer with rounding, out-of-range values clamped to the range of the target
    /// (`bits` 8, 16, 32 or 64, then extended by its sign to the result type), NaN to 0.
    /// Result: B16 for 8 and 16 bits, B32, B64.
    FloatToInt {
        /// Source format.
        from: FloatType,
        /// Target is signed.
        signed: bool,
        /// Target width.
        bits: u8,
        /// Rounding.
        rounding: Rounding,
        /// Operand.
        value: Value,
    },
    /// Integer (B16, B32, B64, all bits) to float. Result: `to`.
    IntToFloat {
        /// Target format.
        to: FloatType,
        /// Source is signed.
        signed: bool,
        /// Rounding.
        rounding: Rounding,
        /// Operand.
        value: Value,
    },
    /// Between float formats. Result: `to`.
    FloatToFloat {
        /// Source format.
        from: FloatType,
        /// Target format.
        to: FloatType,
        /// Rounding of a narrowing conversion.
        rounding: Rounding,
        /// Operand.
        value: Value,
    },
    /// Result: B32, or B64 where [`Special`] says.
    ReadSpecial(Special),
    /// `base + stride * lane`, and from lane `from` on `base + stride * lane + amount`, modulo 2
    /// to the width. B32 or B64; result like the base.
    Affine {
        /// The value of lane 0.
        base: Value,
        /// From each lane to the next.
        stride: i64,
        /// Where a 32-bit sum wrapped around before it was widened.
        wrap: Option<Wrap>,
    },
    /// Generic address of a module variable. Result: B64.
    SymbolAddress(SymbolId),
    /// Address of a function of [`Unit::addressable`] for indirect calls. Result: B64.
    FunctionAddress(FunctionId),
    /// Local-space offset of a byte of this function's frame (frame offset). Result: B64.
    FrameAddress(u32),
    /// Local-space offset of a byte of the frame of a function called next: this frame's
    /// size plus the offset. Result: B64.
    OutgoingAddress(u32),
    /// An offset in `Shared`, `Local`, `Const`, `Global` or `Param` to a generic address.
    /// Operand and result B64.
    ToGeneric(Space, Value),
    /// The reverse. Operand and result B64.
    FromGeneric(Space, Value),
    /// Whether a generic address (B64) lies in the space's window. Result: Pred.
    IsSpace(Space, Value),
    /// Loads `width` bytes at `address + offset`. Result: `ty`, extended as `signed` says
    /// when wider than `width`.
    Load {
        /// Address space.
        space: Space,
        /// Bytes.
        width: Width,
        /// Sign-extend.
        signed: bool,
        /// Result type.
        ty: Type,
        /// B64, or B32 in an offset space.
        address: Value,
        /// Bytes added to the address.
        offset: i32,
        /// `.volatile` or a memory-order qualifier stronger than `.weak`.
        ordered: bool,
    },
    /// Stores the low `width` bytes of the value.
    Store {
        /// Address space.
        space: Space,
        /// Bytes.
        width: Width,
        /// B64, or B32 in an offset space.
        address: Value,
        /// Bytes added to the address.
        offset: i32,
        /// What is stored.
        value: Value,
        /// `.volatile` or a memory-order qualifier stronger than `.weak`.
        ordered: bool,
    },
    /// Read-modify-write. Result: the old value.
    Atomic {
        /// Operation.
        op: AtomicOp,
        /// `Generic`, `Global` or `Shared`.
        space: Space,
        /// One of [`AtomicOp::widths`].
        width: Width,
        /// B64, or B32 in `Shared`.
        address: Value,
        /// Bytes added to the address.
        offset: i32,
        /// Operand.
        operand: Value,
        /// Comparand of `CompareExchange`.
        compare: Option<Value>,
    },
    /// Orders memory accesses of this thread (membar, fence).
    Fence,
    /// `shfl.sync`: value (B32), `b` and `c` operands (B32), member mask (B32).
    /// Results: value (B32), in-range (Pred). A source lane that does not execute it gives
    /// an undefined value.
    Shuffle {
        /// Mode.
        mode: ShuffleMode,
        /// The value offered.
        value: Value,
        /// Lane or delta.
        b: Value,
        /// Clamp and segment mask, as PTX encodes them.
        c: Value,
        /// Participants.
        members: Value,
    },
    /// `vote.sync`: predicate, member mask. Result: Pred, or B32 for `Ballot`.
    Vote(VoteMode, Value, Value),
    /// `match.any.sync` (all = false) or `match.all.sync` of a B32 or B64 value, with a
    /// member mask. Results: mask (B32), all-equal (Pred).
    Match {
        /// `match.all`.
        all: bool,
        /// Compared value.
        value: Value,
        /// Participants.
        members: Value,
    },
    /// `redux.sync`: value (B32), member mask. Result: B32.
    Reduce(ReduceOp, Value, Value),
    /// `activemask`. Result: B32.
    ActiveMask,
    /// `bar.warp.sync`: member mask. Participants wait for each other.
    WarpBarrier(Value),
    /// All 32 threads of the warp execute it together, or the launch ends with the fault
    /// `PartialWarp`.
    FullWarp,
    /// `mma.sync`: D = A B + C. The values of all threads together are the fragments of the
    /// matrices, laid out as PTX defines (9.7.15.5). It is an [`Op::FullWarp`] too. Results: D, as
    /// many values as C and of the same type.
    MultiplyMatrices(MatrixForm, Box<Fragments>),
    /// CTA barrier: id (B32), number of participating threads (B32; `None`: the whole CTA),
    /// predicate of `CountPred`. Result: none, or B32 for `CountPred`.
    Barrier {
        /// Form.
        kind: BarrierKind,
        /// Barrier number 0..16.
        id: Value,
        /// Participating threads, a multiple of 32.
        threads: Option<Value>,
        /// Predicate of `CountPred`.
        pred: Option<Value>,
    },
    /// Direct call. Parameters and return values are in local memory at
    /// [`Op::OutgoingAddress`].
    Call(FunctionId),
    /// Indirect call through a function address (B64).
    CallIndirect(Value),
    /// Environment call. Parameters and the result are in local memory as those of a call.
    CallEnvironment(Service),
}

/// A step in an [`Op::Affine`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wrap {
    /// First lane behind the step, unsigned, 32 or more if there is none (B64).
    pub from: Value,
    /// What is added from there on.
    pub amount: i64,
}

/// One thread's part of the operands of [`Op::MultiplyMatrices`]: one value for each register
/// of the form, of type B32, or for each two registers, of type B64, if elements have 64 bits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fragments {
    /// The left factor.
    pub a: Vec<Value>,
    /// The right factor.
    pub b: Vec<Value>,
    /// What is added.
    pub c: Vec<Value>,
}

macro_rules! index_debug {
    ($($name:ident $prefix:literal),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self, f)
            }
        }
        impl $name {
            /// The index for use with slices.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}
index_debug!(Value "v", Block "b", Inst "i", FunctionId "f", SymbolId "s");

impl IntCompare {
    /// The comparison that holds with the operands exchanged.
    #[must_use]
    pub const fn swapped(self) -> Self {
        match self {
            Self::Equal | Self::NotEqual => self,
            Self::LessSigned => Self::GreaterSigned,
            Self::LessEqualSigned => Self::GreaterEqualSigned,
            Self::GreaterSigned => Self::LessSigned,
            Self::GreaterEqualSigned => Self::LessEqualSigned,
            Self::LessUnsigned => Self::GreaterUnsigned,
            Self::LessEqualUnsigned => Self::GreaterEqualUnsigned,
            Self::GreaterUnsigned => Self::LessUnsigned,
            Self::GreaterEqualUnsigned => Self::LessEqualUnsigned,
        }
    }
}

/// Applies `$each` to every operand of an operation in order: to shared references, or to mutable ones if
/// `mut` is given.
macro_rules! each_operand {
    ($op:expr, $each:ident $(, $mutable:tt)?) => {
        match $op {
            Op::Undef(_)
            | Op::Const(..)
            | Op::ReadSpecial(_)
            | Op::SymbolAddress(_)
            | Op::FunctionAddress(_)
            | Op::FrameAddress(_)
            | Op::OutgoingAddress(_)
            | Op::Fence
            | Op::ActiveMask
            | Op::FullWarp
            | Op::Call(_)
            | Op::CallEnvironment(_) => {}
            Op::Unary(_, a)
            | Op::Truncate(_, a)
            | Op::Extend { value: a, .. }
            | Op::FloatUnary(_, _, _, a)
            | Op::Approx(_, a)
            | Op::FloatToInt { value: a, .. }
            | Op::IntToFloat { value: a, .. }
            | Op::FloatToFloat { value: a, .. }
            | Op::ToGeneric(_, a)
            | Op::FromGeneric(_, a)
            | Op::IsSpace(_, a)
            | Op::Load { address: a, .. }
            | Op::WarpBarrier(a)
            | Op::CallIndirect(a) => $each(a),
            Op::Binary(_, a, b)
            | Op::Shift(_, a, b)
            | Op::MulWide { a, b, .. }
            | Op::CompareInt(_, a, b)
            | Op::CompareFloat(_, _, a, b)
            | Op::Pack(a, b)
            | Op::FloatBinary(_, _, _, a, b)
            | Op::Store {
                address: a,
                value: b,
                ..
            }
            | Op::Vote(_, a, b)
            | Op::Match {
                value: a,
                members: b,
                ..
            }
            | Op::Reduce(_, a, b) => {
                $each(a);
                $each(b);
            }
            Op::AddCarry(a, b, c)
            | Op::SubBorrow(a, b, c)
            | Op::Select(a, b, c)
            | Op::FusedMultiplyAdd(_, _, a, b, c) => {
                $each(a);
                $each(b);
                $each(c);
            }
            Op::Affine { base, wrap, .. } => {
                $each(base);
                if let Some(wrap) = wrap {
                    $each(&$($mutable)? wrap.from);
                }
            }
            Op::Atomic {
                address,
                operand,
                compare,
                ..
            } => {
                $each(address);
                $each(operand);
                if let Some(compare) = compare {
                    $each(compare);
                }
            }
            Op::Shuffle {
                value,
                b,
                c,
                members,
                ..
            } => {
                $each(value);
                $each(b);
                $each(c);
                $each(members);
            }
            Op::MultiplyMatrices(_, fragments) => {
                let Fragments { a, b, c } = &$($mutable)? **fragments;
                for values in [a, b, c] {
                    for value in values {
                        $each(value);
                    }
                }
            }
            Op::Barrier {
                id, threads, pred, ..
            } => {
                $each(id);
                if let Some(threads) = threads {
                    $each(threads);
                }
                if let Some(pred) = pred {
                    $each(pred);
                }
            }
        }
    };
}

impl Op {
    /// Whether the result depends on the operands alone (see the module documentation).
    #[must_use]
    pub const fn is_pure(&self) -> bool {
        match self {
            Self::Undef(_)
            | Self::Const(..)
            | Self::Binary(..)
            | Self::Shift(..)
            | Self::Unary(..)
            | Self::MulWide { .. }
            | Self::AddCarry(..)
            | Self::SubBorrow(..)
            | Self::CompareInt(..)
            | Self::CompareFloat(..)
            | Self::Select(..)
            | Self::Truncate(..)
            | Self::Extend { .. }
            | Self::Pack(..)
            | Self::FloatBinary(..)
            | Self::FusedMultiplyAdd(..)
            | Self::FloatUnary(..)
            | Self::Approx(..)
            | Self::FloatToInt { .. }
            | Self::IntToFloat { .. }
            | Self::FloatToFloat { .. }
            | Self::Affine { .. }
            | Self::SymbolAddress(_)
            | Self::FunctionAddress(_)
            | Self::FrameAddress(_)
            | Self::OutgoingAddress(_)
            | Self::ToGeneric(..)
            | Self::FromGeneric(..)
            | Self::IsSpace(..) => true,
            Self::ReadSpecial(special) => !matches!(
                special,
                Special::Clock | Special::Clock64 | Special::GlobalTimer
            ),
            Self::Load { .. }
            | Self::Store { .. }
            | Self::Atomic { .. }
            | Self::Fence
            | Self::Shuffle { .. }
            | Self::Vote(..)
            | Self::Match { .. }
            | Self::Reduce(..)
            | Self::ActiveMask
            | Self::WarpBarrier(_)
            | Self::FullWarp
            | Self::MultiplyMatrices(..)
            | Self::Barrier { .. }
            | Self::Call(_)
            | Self::CallIndirect(_)
            | Self::CallEnvironment(_) => false,
        }
    }

    /// Calls `visit` with every operand in order.
    pub fn for_each_operand(&self, mut visit: impl FnMut(Value)) {
        let mut each = |value: &Value| visit(*value);
        each_operand!(self, each);
    }

    /// Replaces every operand, in order.
    pub fn map_operands(&mut self, mut map: impl FnMut(Value) -> Value) {
        let mut each = |value: &mut Value| *value = map(*value);
        each_operand!(self, each, mut);
    }
}

impl Terminator {
    /// The edges out, in order.
    pub fn edges(&self) -> impl Iterator<Item = &Edge> {
        let (pair, list): ([Option<&Edge>; 2], &[Edge]) = match self {
            Self::Jump(edge) => ([Some(edge), None], &[]),
            Self::Branch {
                then, otherwise, ..
            } => ([Some(then), Some(otherwise)], &[]),
            Self::Switch { targets, .. } => ([None, None], targets),
            Self::Return | Self::Exit | Self::Fault(_) => ([None, None], &[]),
        };
        pair.into_iter().flatten().chain(list)
    }

    /// The edges out, in order, to change.
    pub fn edges_mut(&mut self) -> impl Iterator<Item = &mut Edge> {
        let (pair, list): ([Option<&mut Edge>; 2], &mut [Edge]) = match self {
            Self::Jump(edge) => ([Some(edge), None], &mut []),
            Self::Branch {
                then, otherwise, ..
            } => ([Some(then), Some(otherwise)], &mut []),
            Self::Switch { targets, .. } => ([None, None], targets),
            Self::Return | Self::Exit | Self::Fault(_) => ([None, None], &mut []),
        };
        pair.into_iter().flatten().chain(list)
    }

    /// The value it decides on, if it decides.
    #[must_use]
    pub const fn operand(&self) -> Option<Value> {
        match self {
            Self::Branch { condition, .. } => Some(*condition),
            Self::Switch { index, .. } => Some(*index),
            Self::Jump(_) | Self::Return | Self::Exit | Self::Fault(_) => None,
        }
    }
}

impl Function {
    /// Type of a value.
    #[must_use]
    pub fn ty(&self, value: Value) -> Type {
        self.value_types[value.index()]
    }

    /// Data of a block.
    #[must_use]
    pub fn block(&self, block: Block) -> &BlockData {
        &self.blocks[block.index()]
    }

    /// Data of an instruction.
    #[must_use]
    pub fn inst(&self, inst: Inst) -> &InstData {
        &self.insts[inst.index()]
    }

    /// All blocks in order of index.
    pub fn block_ids(&self) -> impl Iterator<Item = Block> + use<> {
        (0..u32::try_from(self.blocks.len()).expect("block count fits u32")).map(Block)
    }
}
