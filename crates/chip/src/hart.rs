//! Architectural state of a hart: registers, `pc`, vector configuration, and how it stopped.

use weft_isa::abi::{HARTS_PER_CORE, LANES, VLEN_BYTES};
use weft_isa::{Lmul, Sew, VType};

use crate::exec::zvt::MatrixState;
use crate::fault::FaultKind;
use crate::machine::MachineState;

/// Bytes after `v31` that a 32-element access of a short group may touch: such an access reads
/// and writes back what lies there.
const VECTOR_FILE_SLACK: usize = 2 * VLEN_BYTES;
const VECTOR_FILE_BYTES: usize = 32 * VLEN_BYTES + VECTOR_FILE_SLACK;

/// Where the vector registers are in a hart.
#[cfg(feature = "jit")]
pub(crate) const VECTORS: usize = std::mem::offset_of!(Hart, v);

/// Bytes from the beginning of any group of two or four registers that are in the file.
pub(crate) const GROUP_BYTES: usize = 4 * VLEN_BYTES;
const _: () = assert!(30 * VLEN_BYTES + GROUP_BYTES <= VECTOR_FILE_BYTES);

/// The vector register file as bytes: element `i` of a group that begins at register `r` is at
/// `r * VLEN_BYTES + i * size`, across register boundaries.
#[repr(C, align(64))]
struct VectorFile([u8; VECTOR_FILE_BYTES]);

/// Why a hart left the block it was executing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It did not: it goes on at `pc`.
    None,
    /// `xw.exit`.
    Exit,
    /// A fence: what it waits for may be what others do, who are to have their turn.
    Yield,
    /// A barrier instruction.
    Barrier(BarrierCall),
    /// `ecall`.
    Ecall,
    /// `ebreak` of a program outside CUDA.
    Ebreak {
        /// The instruction.
        pc: u64,
    },
    /// Instructions may have changed, or may have become legal or illegal: those that follow
    /// are to be decoded anew. Outside CUDA only.
    Refetch {
        /// The next instruction.
        pc: u64,
    },
    /// The hart changed its mode, and with it what it may reach. Outside CUDA only.
    Mode,
    /// The instruction could not be executed.
    Fault {
        /// What is wrong.
        kind: FaultKind,
        /// The instruction.
        pc: u64,
        /// The element to blame.
        lane: Option<u32>,
    },
}

/// What a hart asks of a barrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BarrierCall {
    /// Barrier of the CTA, below 16.
    pub(crate) id: u8,
    /// Warps that take part, 0 for all that have not exited.
    pub(crate) warps: u64,
    /// The hart waits until all have arrived.
    pub(crate) waits: bool,
    /// Register that receives the sum of the counts, and this hart's count.
    pub(crate) reduce: Option<(u8, u64)>,
}

/// A hart.
#[repr(C)]
pub(crate) struct Hart {
    /// Integer registers; the first is kept zero.
    pub(crate) x: [u64; 32],
    /// Floating-point registers, NaN-boxed.
    pub(crate) f: [u64; 32],
    v: VectorFile,
    /// Address of the next instruction outside a block; inside, of the one after the block.
    pub(crate) pc: u64,
    /// Vector length. Compiled code reads it and the next field as one word.
    pub(crate) vl: u32,
    /// First element to execute.
    pub(crate) vstart: u32,
    /// Vector type.
    pub(crate) vtype: VType,
    /// Configuration of the matrix unit, and tiles.
    pub(crate) matrix: MatrixState,
    /// Dynamic rounding mode, 0 to 7 as software wrote it.
    pub(crate) frm: u8,
    /// Accrued exceptions.
    pub(crate) fflags: u8,
    /// Fixed-point rounding mode.
    pub(crate) vxrm: u8,
    /// Fixed-point saturation flag.
    pub(crate) vxsat: bool,
    /// Instructions of the blocks begun so far.
    pub(crate) retired: u64,
    /// Why the last block ended.
    pub(crate) stop: Stop,
    /// What a body said that compiled code called and that cannot give results.
    pub(crate) flow: u8,
    /// Index of this warp in its CTA.
    pub(crate) warp: u32,
    /// Lanes that exist.
    pub(crate) lanes: u32,
    /// Address reserved by `lr` and the value seen there.
    pub(crate) reservation: Option<(u64, u64)>,
    /// Privileged state; none for kernels.
    pub(crate) machine: Option<Box<MachineState>>,
    /// This hart's part of the core's backing store.
    pub(crate) windows: Windows,
    /// For [`LaneBits::select`].
    pub(crate) lane_bits: LaneBits,
}

/// Where the windows of one hart lie in host memory. Null when empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    /// First byte of the stack window.
    pub(crate) stack: *mut u8,
    /// Its size.
    pub(crate) stack_bytes: u64,
    /// First byte of lane 0's local memory; those of other lanes follow without gaps.
    pub(crate) local: *mut u8,
    /// Local memory of one lane.
    pub(crate) local_bytes: u64,
}

impl Windows {
    pub(crate) const NONE: Self = Self {
        stack: std::ptr::null_mut(),
        stack_bytes: 0,
        local: std::ptr::null_mut(),
        local_bytes: 0,
    };
}

/// `vl` of a warp.
#[expect(clippy::cast_possible_truncation, reason = "32")]
const FULL_LENGTH: u32 = LANES as u32;

const _: () = assert!(HARTS_PER_CORE <= 32, "hart sets are 32-bit masks");

impl Hart {
    pub(crate) fn new() -> Self {
        Self {
            x: [0; 32],
            f: [0; 32],
            v: VectorFile([0; VECTOR_FILE_BYTES]),
            pc: 0,
            vl: FULL_LENGTH,
            vstart: 0,
            vtype: VType::new(Sew::E32, Lmul::M1),
            matrix: MatrixState::default(),
            frm: 0,
            fflags: 0,
            vxrm: 0,
            vxsat: false,
            retired: 0,
            stop: Stop::None,
            flow: 0,
            warp: 0,
            lanes: u32::MAX,
            reservation: None,
            machine: None,
            windows: Windows::NONE,
            lane_bits: LaneBits::new(),
        }
    }

    /// The integer register with this number.
    #[inline(always)]
    pub(crate) fn x(&self, register: u8) -> u64 {
        self.x[usize::from(register & 31)]
    }

    /// Sets an integer register; `x0` stays zero.
    #[inline(always)]
    pub(crate) fn set_x(&mut self, register: u8, value: u64) {
        self.x[usize::from(register & 31)] = value;
        self.x[0] = 0;
    }

    /// The raw 64 bits of a floating-point register.
    #[inline(always)]
    pub(crate) fn f(&self, register: u8) -> u64 {
        self.f[usize::from(register & 31)]
    }

    /// Sets the raw 64 bits of a floating-point register.
    #[inline(always)]
    pub(crate) fn set_f(&mut self, register: u8, bits: u64) {
        self.f[usize::from(register & 31)] = bits;
    }

    /// Byte offset of element `first` of the group that begins at `register`.
    #[inline(always)]
    fn vector_offset<T>(register: u8, first: usize) -> usize {
        let offset = usize::from(register & 31) * VLEN_BYTES + first * size_of::<T>();
        debug_assert!(offset + size_of::<T>() <= VECTOR_FILE_BYTES);
        offset
    }

    /// 32 elements of a vector register group from element `32 * chunk` on, those beyond the
    /// group included. `T` is a plain integer or float.
    #[inline(always)]
    pub(crate) fn vector<T: Element>(&self, register: u8, chunk: usize) -> [T; LANES] {
        let offset = Self::vector_offset::<T>(register, chunk * LANES);
        assert!(offset + size_of::<[T; LANES]>() <= VECTOR_FILE_BYTES);
        let from = self.v.0[offset..].as_ptr().cast::<[T; LANES]>();
        // SAFETY: in bounds by the assertion; every bit pattern is an element.
        unsafe { from.read_unaligned() }
    }

    /// Replaces 32 elements as [`Hart::vector`] reads them.
    #[inline(always)]
    pub(crate) fn set_vector<T: Element>(
        &mut self,
        register: u8,
        chunk: usize,
        values: &[T; LANES],
    ) {
        let offset = Self::vector_offset::<T>(register, chunk * LANES);
        assert!(offset + size_of::<[T; LANES]>() <= VECTOR_FILE_BYTES);
        let to = self.v.0[offset..].as_mut_ptr().cast::<[T; LANES]>();
        // SAFETY: in bounds by the assertion.
        unsafe { to.write_unaligned(*values) }
    }

    /// Replaces those of 32 elements whose bit in `active` is set.
    #[inline(always)]
    pub(crate) fn merge_vector<T: Element>(
        &mut self,
        register: u8,
        chunk: usize,
        values: &[T; LANES],
        active: u32,
    ) {
        if active == u32::MAX {
            self.set_vector(register, chunk, values);
        } else {
            let old = self.vector::<T>(register, chunk);
            let new = self.lane_bits.select(active, values, &old);
            self.set_vector(register, chunk, &new);
        }
    }

    /// One element of a vector register group.
    #[inline(always)]
    pub(crate) fn element<T: Element>(&self, register: u8, index: usize) -> T {
        let offset = Self::vector_offset::<T>(register, index);
        let from = self.v.0[offset..offset + size_of::<T>()]
            .as_ptr()
            .cast::<T>();
        // SAFETY: in bounds by the slice; every bit pattern is an element.
        unsafe { from.read_unaligned() }
    }

    /// Sets one element of a vector register group.
    #[inline(always)]
    pub(crate) fn set_element<T: Element>(&mut self, register: u8, index: usize, value: T) {
        let offset = Self::vector_offset::<T>(register, index);
        let to = self.v.0[offset..offset + size_of::<T>()]
            .as_mut_ptr()
            .cast::<T>();
        // SAFETY: in bounds by the slice.
        unsafe { to.write_unaligned(value) }
    }

    /// 32 bits of a mask register: elements `32 * chunk` on.
    #[inline(always)]
    pub(crate) fn mask_word(&self, register: u8, chunk: usize) -> u32 {
        self.element::<u32>(register, chunk)
    }

    /// The bytes of `count` registers from `register` on, cut off at the end of the file.
    pub(crate) fn vector_bytes(&mut self, register: u8, count: usize) -> &mut [u8] {
        let begin = usize::from(register & 31) * VLEN_BYTES;
        let end = (begin + count * VLEN_BYTES).min(32 * VLEN_BYTES);
        &mut self.v.0[begin..end]
    }

    /// Where groups of at least two registers begin: [`GROUP_BYTES`] from there on are in the file.
    #[cfg_attr(
        debug_assertions,
        expect(dead_code, reason = "of bodies that are optimised")
    )]
    #[inline(always)]
    pub(crate) fn vector_groups<const N: usize>(&mut self, registers: [u8; N]) -> [*mut u8; N] {
        let file = self.v.0.as_mut_ptr();
        registers.map(|register| file.wrapping_add(usize::from(register & 31) * VLEN_BYTES))
    }

    /// Zeroes all registers.
    pub(crate) fn clear_registers(&mut self) {
        self.x = [0; 32];
        self.f = [0; 32];
        self.v.0.fill(0);
        self.matrix.clear();
    }
}

/// The bit of each lane in a set.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(crate) struct LaneBits([u32; LANES]);

impl LaneBits {
    fn new() -> Self {
        Self(std::array::from_fn(|lane| 1 << lane))
    }

    /// Of each lane the element of `on` if its bit in `active` is set, else that of `off`.
    ///
    /// The bits are read from memory although they are constants: of constants the optimiser
    /// makes tests that differ from lane to lane, and no vector instructions.
    #[inline(always)]
    pub(crate) fn select<T: Element>(
        &self,
        active: u32,
        on: &[T; LANES],
        off: &[T; LANES],
    ) -> [T; LANES] {
        let mut result = [T::default(); LANES];
        for lane in 0..LANES {
            result[lane] = if active & self.0[lane] != 0 {
                on[lane]
            } else {
                off[lane]
            };
        }
        result
    }
}

/// What a vector element can be: any bit pattern is a value.
pub(crate) trait Element: Copy + Default + 'static {}

impl Element for u8 {}
impl Element for u16 {}
impl Element for u32 {}
impl Element for u64 {}
impl Element for f32 {}
impl Element for f64 {}
