//! From a decoded instruction to an [`Op`]: which body executes it at the current `vtype`.
//!
//! The one place that lists which instructions are executed. What the instruction table has
//! and this list has not is an illegal instruction that names it.

use std::cell::Cell;

use weft_isa::{Class, Inst, MatrixForm, Opcode, Sew, VType, csr};

use super::float::Half;
use super::reuse::SCRATCH;
use super::vec_mem::{
    self, FaultFirst, Indexed, Move, MoveKept, MoveWhole, Strided, Unit, UnitMove, segment,
};
use super::{
    Env, Flow, Handler, Hart, Level, Op, atomic, estimate, fp, illegal, int, matrix, mem, select,
    select_cold, select_wide, special, system, vec_arith as arith, vec_config, vec_fixed as fixed,
    vec_fp as vfp, vec_mask, vec_perm as perm, vec_red as red, zvt,
};
use arith::{
    BinaryVv, BinaryVx, CarryOp, CompareVv, CompareVx, Extend, Merge, MulAddVv, MulAddVx,
    NarrowingVv, NarrowingVx, UnaryV, WideNarrowVv, WideNarrowVx, WideningMulAddVv,
    WideningMulAddVx, WideningVv, WideningVx,
};
use atomic::{VectorAtomic, VectorCompareAndSwap};
use estimate::Estimate;
use fixed::{FixedBinary, FixedNarrow};
use perm::{
    Broadcast, Compress, Gather, MoveFromX, MoveToF, MoveToX, Slide1Down, Slide1Up, SlideDown,
    SlideUp,
};
use red::{FloatReduce, Reduce, WideningSum};
use special::Special;
use vec_mask::{Id, Iota};
use vfp::{
    FloatBinary, FloatClass, FloatCompare, FloatExtend, FloatMerge, FloatMoveFromF, FloatMulAdd,
    FloatSplat, FloatToInt, FloatTruncate, FloatUnary, FloatWideNarrow, FloatWiden,
    FloatWidenMulAdd, FlushSubnormal, IntToFloat,
};

use crate::fault::FaultKind;

/// An op, and what it means for the rest of the block.
pub(crate) struct Translated {
    pub(crate) op: Op,
    /// Nothing after it belongs to the block.
    pub(crate) ends_block: bool,
    /// The vector type after it.
    pub(crate) vtype: VType,
    /// What executes it when the slot of the op holds what its addresses have in common.
    pub(crate) kept: Option<Handler>,
}

/// The op for an instruction at `pc` when the vector type is `vtype`. `word` is the 32-bit
/// form of the instruction, `bytes` its size in memory.
pub(crate) fn translate(
    inst: Option<Inst>,
    word: u32,
    bytes: u8,
    pc: u64,
    vtype: VType,
    level: Level,
) -> Translated {
    let op = Op {
        handler: unknown,
        imm: 0,
        pc,
        word,
        cache: Cell::new(0),
        rd: (word >> 7 & 31) as u8,
        rs1: (word >> 15 & 31) as u8,
        rs2: (word >> 20 & 31) as u8,
        rs3: (word >> 27) as u8,
        vm: word >> 25 & 1 == 1,
        bytes,
        slot: SCRATCH,
        full: unknown,
    };
    let Some(inst) = inst else {
        return Translated {
            op,
            ends_block: true,
            vtype,
            kept: None,
        };
    };
    let opcode = inst.opcode();
    let mut choice = Choice {
        op,
        opcode,
        vtype,
        level,
        problem: None,
        kept: None,
    };
    choice.set_immediate();
    let handler = choice.handler();
    choice.op.handler = match (handler, choice.problem) {
        (Some(handler), None) => handler,
        (_, Some(Problem::Type)) => illegal_type,
        (_, Some(Problem::Width)) => illegal_width,
        (_, Some(Problem::Group)) => illegal_group,
        (_, Some(Problem::Overlap)) => illegal_overlap,
        (None, None) => unsupported,
    };
    choice.op.full = choice.op.handler;
    let vtype = match opcode {
        Opcode::Vsetvli | Opcode::Vsetivli => VType::decode(choice.op.imm as u64),
        _ => vtype,
    };
    let ends_block = choice.ends_block() || choice.problem.is_some();
    Translated {
        op: choice.op,
        ends_block,
        vtype,
        kept: choice.kept,
    }
}

fn unknown(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    illegal(hart, op, "no such instruction")
}

/// An instruction of the table that the chip does not execute. Its mnemonic is the reason.
fn unsupported(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    let reason = weft_isa::decode(op.word).map_or("no such instruction", Inst::mnemonic);
    let kind = FaultKind::Unsupported { mnemonic: reason };
    super::fault(hart, op, kind, None)
}

fn illegal_type(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    illegal(hart, op, "vtype is illegal")
}

fn illegal_width(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    illegal(hart, op, "no such element width for this instruction")
}

fn illegal_overlap(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    illegal(hart, op, "destination overlaps an operand or the mask")
}

fn illegal_group(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    illegal(
        hart,
        op,
        "register is not the first of a group of this size",
    )
}

/// What makes a vector instruction illegal at a vector type.
#[derive(Clone, Copy)]
enum Problem {
    Type,
    Width,
    Group,
    Overlap,
}

/// An op in the making.
struct Choice {
    op: Op,
    opcode: Opcode,
    vtype: VType,
    level: Level,
    problem: Option<Problem>,
    kept: Option<Handler>,
}

/// EMUL of a mask register.
const MASK: i8 = 0;

/// Registers of an operand.
#[derive(Clone, Copy)]
struct Group {
    first: u8,
    /// Base-2 logarithm of EMUL.
    log2: i8,
}

impl Group {
    fn new(first: u8, log2: i8) -> Self {
        Self { first, log2 }
    }

    fn end(self) -> u8 {
        self.first + (1 << self.log2.clamp(0, 3))
    }

    fn meets(self, other: Self) -> bool {
        self.first < other.end() && other.first < self.end()
    }

    /// Whether writing this group, in order, may destroy elements of `source` before they are
    /// read (V 5.2): groups of different EMUL may only share the lowest registers of the larger
    /// source, or the highest of the larger destination.
    fn clobbers(self, source: Self) -> bool {
        if self.log2 == source.log2 || !self.meets(source) {
            return false;
        }
        if self.log2 < source.log2 {
            self.first != source.first
        } else {
            source.log2 < 0 || self.end() != source.end()
        }
    }
}

/// In place of a difference of LMUL: not a vector register operand.
const NONE: i8 = i8::MIN;

/// The handler of a kernel in which `T` stands for the integer of SEW.
macro_rules! by_sew {
    ($choice:ident, $kernel:ty) => {
        match $choice.vtype.sew {
            Sew::E8 => {
                type T = u8;
                select::<$kernel>($choice.level)
            }
            Sew::E16 => {
                type T = u16;
                select::<$kernel>($choice.level)
            }
            Sew::E32 => {
                type T = u32;
                select::<$kernel>($choice.level)
            }
            Sew::E64 => {
                type T = u64;
                select::<$kernel>($choice.level)
            }
        }
    };
}

/// The same for bodies that are not worth an instance for each host.
macro_rules! by_sew_cold {
    ($kernel:ty, $choice:ident) => {
        match $choice.vtype.sew {
            Sew::E8 => {
                type T = u8;
                select_cold::<$kernel>()
            }
            Sew::E16 => {
                type T = u16;
                select_cold::<$kernel>()
            }
            Sew::E32 => {
                type T = u32;
                select_cold::<$kernel>()
            }
            Sew::E64 => {
                type T = u64;
                select_cold::<$kernel>()
            }
        }
    };
}

/// The same for instructions whose SEW has a double width.
macro_rules! by_narrow_sew {
    ($choice:ident, $kernel:ty) => {
        match $choice.vtype.sew {
            Sew::E8 => {
                type T = u8;
                select::<$kernel>($choice.level)
            }
            Sew::E16 => {
                type T = u16;
                select::<$kernel>($choice.level)
            }
            Sew::E32 => {
                type T = u32;
                select::<$kernel>($choice.level)
            }
            Sew::E64 => return $choice.width(),
        }
    };
}

/// The same for floating-point elements.
macro_rules! by_float_sew {
    ($choice:ident, $kernel:ty) => {
        match $choice.vtype.sew {
            Sew::E8 => return $choice.width(),
            Sew::E16 => {
                type T = Half;
                select::<$kernel>($choice.level)
            }
            Sew::E32 => {
                type T = f32;
                select::<$kernel>($choice.level)
            }
            Sew::E64 => {
                type T = f64;
                select::<$kernel>($choice.level)
            }
        }
    };
}

/// The same for bodies that are not worth an instance for each host.
macro_rules! by_float_sew_cold {
    ($kernel:ty, $choice:ident) => {
        match $choice.vtype.sew {
            Sew::E8 => return $choice.width(),
            Sew::E16 => {
                type T = Half;
                select_cold::<$kernel>()
            }
            Sew::E32 => {
                type T = f32;
                select_cold::<$kernel>()
            }
            Sew::E64 => {
                type T = f64;
                select_cold::<$kernel>()
            }
        }
    };
}

/// The same for floating-point elements whose SEW has a double width.
macro_rules! by_narrow_float_sew {
    ($choice:ident, $kernel:ty) => {
        match $choice.vtype.sew {
            Sew::E8 | Sew::E64 => return $choice.width(),
            Sew::E16 => {
                type T = Half;
                select::<$kernel>($choice.level)
            }
            Sew::E32 => {
                type T = f32;
                select::<$kernel>($choice.level)
            }
        }
    };
}

/// `vdot4a*`.
macro_rules! dot4 {
    ($choice:ident, $a:literal, $b:literal, $scalar:literal) => {{
        $choice.groups(0, 0, 0);
        if $choice.vtype.sew != Sew::E32 {
            return $choice.width();
        }
        select::<arith::Dot4<$a, $b, $scalar>>($choice.level)
    }};
}

/// `xw.vamo*` at the element widths listed.
macro_rules! vector_atomic {
    ($choice:ident, $update:ty, [$($sew:ident $type:ident),*]) => {{
        $choice.atomic_groups();
        match $choice.vtype.sew {
            $(Sew::$sew => select_cold::<VectorAtomic<$update, $type>>(),)*
            #[allow(unreachable_patterns, reason = "some exist at every width")]
            _ => return $choice.width(),
        }
    }};
}

/// `xw.v*` approximations of singles.
macro_rules! special {
    ($choice:ident, $function:ident) => {{
        $choice.groups(0, 0, NONE);
        match $choice.vtype.sew {
            Sew::E32 => select::<Special<special::$function>>($choice.level),
            Sew::E8 | Sew::E16 | Sew::E64 => return $choice.width(),
        }
    }};
}

const SUM: u8 = red::FloatFold::Sum as u8;
const MIN: u8 = red::FloatFold::Min as u8;
const MAX: u8 = red::FloatFold::Max as u8;

type GatherEi16<T> = Gather<T, u16>;

impl Choice {
    /// The form of a vector instruction has `vs1`.
    fn is_vv(&self) -> bool {
        matches!(self.op.word >> 12 & 7, 0..=2)
    }

    fn width(&mut self) -> Option<Handler> {
        self.problem = Some(Problem::Width);
        None
    }

    /// Whether there is a floating-point format of SEW; otherwise a problem.
    fn float_width(&mut self) -> Option<()> {
        if self.vtype.sew == Sew::E8 {
            self.problem = Some(Problem::Width);
            return None;
        }
        Some(())
    }

    fn group_at(&mut self, register: u8, log2: i8) -> u8 {
        if !(-3..=3).contains(&log2) {
            self.problem = Some(Problem::Width);
            return 1;
        }
        let registers = 1 << log2.max(0);
        if !register.is_multiple_of(registers) {
            self.problem = Some(Problem::Group);
        }
        registers
    }

    /// Checks the operands' groups, given by how much larger than LMUL each is (base-2
    /// logarithm). `vs1` counts only in vector-vector forms.
    fn groups(&mut self, vd: i8, vs2: i8, vs1: i8) {
        if self.vtype.vill {
            self.problem = Some(Problem::Type);
            return;
        }
        let lmul = self.vtype.lmul.log2();
        let vs1 = if self.is_vv() { vs1 } else { NONE };
        for (register, wider) in [(self.op.rd, vd), (self.op.rs2, vs2), (self.op.rs1, vs1)] {
            if wider != NONE {
                self.group_at(register, lmul + wider);
            }
        }
        // The result of a reduction is a scalar, which may lie anywhere; our own instructions
        // have no such rules.
        let is_free = matches!(
            self.opcode.class(),
            Class::VectorReduce | Class::VectorAtomic
        );
        if self.problem.is_some() || is_free || self.op.word & 0x7f != 0x57 {
            return;
        }
        let masked = !self.op.vm && vd != NONE;
        let destination = Group::new(self.op.rd, if vd == NONE { MASK } else { lmul + vd });
        let clobbers = |register: u8, wider: i8| {
            if wider == NONE {
                return false;
            }
            let source = Group::new(register, lmul + wider);
            if vd == NONE {
                // A mask may share the first register of a source.
                return destination.meets(source) && destination.first != source.first;
            }
            destination.clobbers(source)
        };
        if masked && self.op.rd == 0 || clobbers(self.op.rs2, vs2) || clobbers(self.op.rs1, vs1) {
            self.problem = Some(Problem::Overlap);
        }
    }

    /// Refuses a destination that has a register in common with `vs2` (of LMUL), or with the
    /// operand in `vs1` of this EMUL.
    fn apart(&mut self, vs1: Option<i8>) {
        let lmul = self.vtype.lmul.log2();
        let destination = Group::new(self.op.rd, lmul);
        let second = vs1.map(|log2| Group::new(self.op.rs1, log2));
        let meets = |group| destination.meets(group);
        if meets(Group::new(self.op.rs2, lmul)) || second.is_some_and(meets) {
            self.problem = self.problem.or(Some(Problem::Overlap));
        }
    }

    /// Refuses a destination, of LMUL or a mask register, that has a register in common with the
    /// mask register `vs2`, and a masked one that has `v0`.
    fn apart_from_mask(&mut self, vd: i8) {
        let meets = Group::new(self.op.rd, vd).meets(Group::new(self.op.rs2, MASK));
        if meets || !self.op.vm && self.op.rd == 0 {
            self.problem = self.problem.or(Some(Problem::Overlap));
        }
    }

    /// The immediate of the instruction's format. In a `.vi` form the register field is not a
    /// register, so that `x0` stands there.
    fn set_immediate(&mut self) {
        let word = self.op.word;
        let signed = word as i32;
        let relative = |offset: i32| self.op.pc.wrapping_add(offset as i64 as u64) as i64;
        let upper = signed & !0xfff;
        self.op.imm = match word & 0x7f {
            0x13 | 0x1b | 0x03 | 0x67 => i64::from(signed >> 20),
            0x07 if !is_vector_memory(word) => i64::from(signed >> 20),
            0x27 if is_vector_memory(word) => 0,
            0x23 | 0x27 => i64::from(signed >> 25 << 5 | (word >> 7 & 31) as i32),
            0x63 => {
                let offset = signed >> 31 << 12
                    | ((word >> 7 & 1) << 11 | (word >> 25 & 63) << 5 | (word >> 8 & 15) << 1)
                        as i32;
                relative(offset)
            }
            0x6f => {
                let offset = signed >> 31 << 20
                    | (word & 0xff000 | (word >> 20 & 1) << 11 | (word >> 21 & 1023) << 1) as i32;
                relative(offset)
            }
            0x37 => i64::from(upper),
            0x17 => relative(upper),
            0x73 => i64::from(word >> 20),
            0x0b => i64::from(word >> 20),
            0x57 => match word >> 12 & 7 {
                3 => {
                    let field = i64::from(word >> 15 & 31);
                    self.op.rs1 = 0;
                    match self.opcode {
                        Opcode::VrorVi => field | i64::from(word >> 26 & 1) << 5,
                        opcode if has_unsigned_immediate(opcode) => field,
                        _ => (field ^ 16) - 16,
                    }
                }
                7 if word >> 31 == 0 => i64::from(word >> 20 & 0x7ff),
                7 if word >> 30 == 3 => i64::from(word >> 20 & 0x3ff),
                _ => 0,
            },
            0x7b => i64::from(word >> 25 << 3 | word >> 12 & 7),
            _ => 0,
        };
    }

    fn ends_block(&self) -> bool {
        match self.opcode {
            Opcode::Jal
            | Opcode::Jalr
            | Opcode::Beq
            | Opcode::Bne
            | Opcode::Blt
            | Opcode::Bge
            | Opcode::Bltu
            | Opcode::Bgeu
            | Opcode::Ecall
            | Opcode::Ebreak
            | Opcode::Mret
            | Opcode::Wfi
            | Opcode::Pause
            | Opcode::WrsNto
            | Opcode::WrsSto
            | Opcode::FenceI
            | Opcode::Vsetvl
            | Opcode::Msetmtype
            | Opcode::Msetmtypei
            | Opcode::XwBarSync
            | Opcode::XwBarArrive
            | Opcode::XwBarPopc
            | Opcode::XwExit
            | Opcode::XwFault => true,
            // Counters are kept per block: a reading must be the last of its block, so that
            // what it shows does not depend on where blocks were cut.
            Opcode::Csrrw
            | Opcode::Csrrs
            | Opcode::Csrrc
            | Opcode::Csrrwi
            | Opcode::Csrrsi
            | Opcode::Csrrci => matches!(
                self.op.imm as u16,
                csr::CYCLE
                    | csr::TIME
                    | csr::INSTRET
                    | csr::MCYCLE
                    | csr::MINSTRET
                    | csr::MCOUNTINHIBIT
                    | csr::MSTATUS
                    | weft_isa::abi::csr::GLOBALTIMER
            ),
            _ => false,
        }
    }

    fn handler(&mut self) -> Option<Handler> {
        let sew = self.vtype.sew;
        if let Some(handler) = zvt::handler(self.opcode, &mut self.op, sew, self.level) {
            return Some(handler);
        }
        if self.vtype.altfmt && is_vector_float(self.op.word) {
            self.problem = Some(Problem::Type);
            return None;
        }
        if is_vector_memory(self.op.word) && matches!(self.op.word & 0x7f, 0x07 | 0x27) {
            return self.vector_memory();
        }
        self.scalar()
            .or_else(|| self.scalar_float())
            .or_else(|| self.vector())
    }

    fn scalar(&self) -> Option<Handler> {
        use Opcode as O;
        let handler: Handler = match self.opcode {
            O::Lui | O::Auipc => int::load_immediate,
            O::Jal => int::jal,
            O::Jalr => int::jalr,
            O::Beq => int::beq,
            O::Bne => int::bne,
            O::Blt => int::blt,
            O::Bge => int::bge,
            O::Bltu => int::bltu,
            O::Bgeu => int::bgeu,
            O::Lb => mem::lb,
            O::Lh => mem::lh,
            O::Lw => mem::lw,
            O::Ld => mem::ld,
            O::Lbu => mem::lbu,
            O::Lhu => mem::lhu,
            O::Lwu => mem::lwu,
            O::Sb => mem::sb,
            O::Sh => mem::sh,
            O::Sw => mem::sw,
            O::Sd => mem::sd,
            O::Flh => mem::flh,
            O::Flw => mem::flw,
            O::Fld => mem::fld,
            O::Fsh => mem::fsh,
            O::Fsw => mem::fsw,
            O::Fsd => mem::fsd,
            O::Addi => int::addi,
            O::Slti => int::slti,
            O::Sltiu => int::sltiu,
            O::Xori => int::xori,
            O::Ori => int::ori,
            O::Andi => int::andi,
            O::Slli => int::slli,
            O::Srli => int::srli,
            O::Srai => int::srai,
            O::Add => int::add,
            O::Sub => int::sub,
            O::Sll => int::sll,
            O::Slt => int::slt,
            O::Sltu => int::sltu,
            O::Xor => int::xor,
            O::Srl => int::srl,
            O::Sra => int::sra,
            O::Or => int::or,
            O::And => int::and,
            O::Addiw => int::addiw,
            O::Slliw => int::slliw,
            O::Srliw => int::srliw,
            O::Sraiw => int::sraiw,
            O::Addw => int::addw,
            O::Subw => int::subw,
            O::Sllw => int::sllw,
            O::Srlw => int::srlw,
            O::Sraw => int::sraw,
            O::Mul => int::mul,
            O::Mulh => int::mulh,
            O::Mulhsu => int::mulhsu,
            O::Mulhu => int::mulhu,
            O::Div => int::div,
            O::Divu => int::divu,
            O::Rem => int::rem,
            O::Remu => int::remu,
            O::Mulw => int::mulw,
            O::Divw => int::divw,
            O::Divuw => int::divuw,
            O::Remw => int::remw,
            O::Remuw => int::remuw,
            O::AddUw => int::add_uw,
            O::Sh1add => int::sh1add,
            O::Sh2add => int::sh2add,
            O::Sh3add => int::sh3add,
            O::Sh1addUw => int::sh1add_uw,
            O::Sh2addUw => int::sh2add_uw,
            O::Sh3addUw => int::sh3add_uw,
            O::SlliUw => int::slli_uw,
            O::Andn => int::andn,
            O::Orn => int::orn,
            O::Xnor => int::xnor,
            O::Clz => int::clz,
            O::Clzw => int::clzw,
            O::Ctz => int::ctz,
            O::Ctzw => int::ctzw,
            O::Cpop => int::cpop,
            O::Cpopw => int::cpopw,
            O::Max => int::max,
            O::Maxu => int::maxu,
            O::Min => int::min,
            O::Minu => int::minu,
            O::SextB => int::sext_b,
            O::SextH => int::sext_h,
            O::ZextH => int::zext_h,
            O::Rol => int::rol,
            O::Rolw => int::rolw,
            O::Ror => int::ror,
            O::Rori => int::rori,
            O::Rorw => int::rorw,
            O::Roriw => int::roriw,
            O::OrcB => int::orc_b,
            O::Rev8 => int::rev8,
            O::Bclr => int::bclr,
            O::Bclri => int::bclri,
            O::Bext => int::bext,
            O::Bexti => int::bexti,
            O::Binv => int::binv,
            O::Binvi => int::binvi,
            O::Bset => int::bset,
            O::Bseti => int::bseti,
            O::CzeroEqz => int::czero_eqz,
            O::CzeroNez => int::czero_nez,
            O::Fence | O::FenceTso => system::fence,
            O::FenceI => system::fence_i,
            O::Pause | O::WrsSto => system::hint,
            O::Wfi | O::WrsNto => system::wait,
            O::Ecall => system::ecall,
            O::Ebreak => system::ebreak,
            O::Mret => system::mret,
            O::Csrrw => system::csrrw,
            O::Csrrs => system::csrrs,
            O::Csrrc => system::csrrc,
            O::Csrrwi => system::csrrwi,
            O::Csrrsi => system::csrrsi,
            O::Csrrci => system::csrrci,
            O::XwBarSync => system::barrier_sync,
            O::XwBarArrive => system::barrier_arrive,
            O::XwBarPopc => system::barrier_popc,
            O::XwExit => system::exit,
            O::XwFault => system::raise,
            O::LrW => atomic::load_reserved::<u32>,
            O::LrD => atomic::load_reserved::<u64>,
            O::ScW => atomic::store_conditional::<u32>,
            O::ScD => atomic::store_conditional::<u64>,
            O::AmocasQ => atomic::compare_and_swap_pair,
            O::AmocasB => atomic::compare_and_swap::<u8>,
            O::AmocasH => atomic::compare_and_swap::<u16>,
            O::AmocasW => atomic::compare_and_swap::<u32>,
            O::AmocasD => atomic::compare_and_swap::<u64>,
            O::AmoswapB => atomic::amo::<atomic::Swap, u8>,
            O::AmoswapH => atomic::amo::<atomic::Swap, u16>,
            O::AmoswapW => atomic::amo::<atomic::Swap, u32>,
            O::AmoswapD => atomic::amo::<atomic::Swap, u64>,
            O::AmoaddB => atomic::amo::<atomic::Add, u8>,
            O::AmoaddH => atomic::amo::<atomic::Add, u16>,
            O::AmoaddW => atomic::amo::<atomic::Add, u32>,
            O::AmoaddD => atomic::amo::<atomic::Add, u64>,
            O::AmoxorB => atomic::amo::<atomic::Xor, u8>,
            O::AmoxorH => atomic::amo::<atomic::Xor, u16>,
            O::AmoxorW => atomic::amo::<atomic::Xor, u32>,
            O::AmoxorD => atomic::amo::<atomic::Xor, u64>,
            O::AmoandB => atomic::amo::<atomic::And, u8>,
            O::AmoandH => atomic::amo::<atomic::And, u16>,
            O::AmoandW => atomic::amo::<atomic::And, u32>,
            O::AmoandD => atomic::amo::<atomic::And, u64>,
            O::AmoorB => atomic::amo::<atomic::Or, u8>,
            O::AmoorH => atomic::amo::<atomic::Or, u16>,
            O::AmoorW => atomic::amo::<atomic::Or, u32>,
            O::AmoorD => atomic::amo::<atomic::Or, u64>,
            O::AmominB => atomic::amo::<atomic::MinS, u8>,
            O::AmominH => atomic::amo::<atomic::MinS, u16>,
            O::AmominW => atomic::amo::<atomic::MinS, u32>,
            O::AmominD => atomic::amo::<atomic::MinS, u64>,
            O::AmomaxB => atomic::amo::<atomic::MaxS, u8>,
            O::AmomaxH => atomic::amo::<atomic::MaxS, u16>,
            O::AmomaxW => atomic::amo::<atomic::MaxS, u32>,
            O::AmomaxD => atomic::amo::<atomic::MaxS, u64>,
            O::AmominuB => atomic::amo::<atomic::MinU, u8>,
            O::AmominuH => atomic::amo::<atomic::MinU, u16>,
            O::AmominuW => atomic::amo::<atomic::MinU, u32>,
            O::AmominuD => atomic::amo::<atomic::MinU, u64>,
            O::AmomaxuB => atomic::amo::<atomic::MaxU, u8>,
            O::AmomaxuH => atomic::amo::<atomic::MaxU, u16>,
            O::AmomaxuW => atomic::amo::<atomic::MaxU, u32>,
            O::AmomaxuD => atomic::amo::<atomic::MaxU, u64>,
            _ => return None,
        };
        Some(handler)
    }

    fn scalar_float(&self) -> Option<Handler> {
        use Opcode as O;
        let handler: Handler = match self.opcode {
            O::FaddS => fp::arithmetic::<vfp::Fadd, f32>,
            O::FsubS => fp::arithmetic::<vfp::Fsub, f32>,
            O::FmulS => fp::arithmetic::<vfp::Fmul, f32>,
            O::FdivS => fp::arithmetic::<vfp::Fdiv, f32>,
            O::FsqrtS => fp::arithmetic::<vfp::Fsqrt, f32>,
            O::FmaddS => fp::arithmetic::<vfp::Fmacc, f32>,
            O::FmsubS => fp::arithmetic::<vfp::Fmsac, f32>,
            O::FnmsubS => fp::arithmetic::<vfp::Fnmsac, f32>,
            O::FnmaddS => fp::arithmetic::<vfp::Fnmacc, f32>,
            O::FsgnjS => fp::selection::<vfp::Fsgnj, f32>,
            O::FsgnjnS => fp::selection::<vfp::Fsgnjn, f32>,
            O::FsgnjxS => fp::selection::<vfp::Fsgnjx, f32>,
            O::FminS => fp::selection::<vfp::Fmin, f32>,
            O::FmaxS => fp::selection::<vfp::Fmax, f32>,
            O::FeqS => fp::compare::<vfp::Feq, f32>,
            O::FltS => fp::compare::<vfp::Flt, f32>,
            O::FleS => fp::compare::<vfp::Fle, f32>,
            O::FltqS => fp::compare_quietly::<f32, false>,
            O::FleqS => fp::compare_quietly::<f32, true>,
            O::FminmS => fp::min_max_nan::<f32, false>,
            O::FmaxmS => fp::min_max_nan::<f32, true>,
            O::FclassS => fp::classify::<f32>,
            O::FliS => fp::load_constant::<f32>,
            O::FroundS => fp::round::<f32, false>,
            O::FroundnxS => fp::round::<f32, true>,
            O::FcvtWS => fp::to_int::<f32, 32, true>,
            O::FcvtSW => fp::from_int::<f32, 32, true>,
            O::FcvtWuS => fp::to_int::<f32, 32, false>,
            O::FcvtSWu => fp::from_int::<f32, 32, false>,
            O::FcvtLS => fp::to_int::<f32, 64, true>,
            O::FcvtSL => fp::from_int::<f32, 64, true>,
            O::FcvtLuS => fp::to_int::<f32, 64, false>,
            O::FcvtSLu => fp::from_int::<f32, 64, false>,
            O::FaddD => fp::arithmetic::<vfp::Fadd, f64>,
            O::FsubD => fp::arithmetic::<vfp::Fsub, f64>,
            O::FmulD => fp::arithmetic::<vfp::Fmul, f64>,
            O::FdivD => fp::arithmetic::<vfp::Fdiv, f64>,
            O::FsqrtD => fp::arithmetic::<vfp::Fsqrt, f64>,
            O::FmaddD => fp::arithmetic::<vfp::Fmacc, f64>,
            O::FmsubD => fp::arithmetic::<vfp::Fmsac, f64>,
            O::FnmsubD => fp::arithmetic::<vfp::Fnmsac, f64>,
            O::FnmaddD => fp::arithmetic::<vfp::Fnmacc, f64>,
            O::FsgnjD => fp::selection::<vfp::Fsgnj, f64>,
            O::FsgnjnD => fp::selection::<vfp::Fsgnjn, f64>,
            O::FsgnjxD => fp::selection::<vfp::Fsgnjx, f64>,
            O::FminD => fp::selection::<vfp::Fmin, f64>,
            O::FmaxD => fp::selection::<vfp::Fmax, f64>,
            O::FeqD => fp::compare::<vfp::Feq, f64>,
            O::FltD => fp::compare::<vfp::Flt, f64>,
            O::FleD => fp::compare::<vfp::Fle, f64>,
            O::FltqD => fp::compare_quietly::<f64, false>,
            O::FleqD => fp::compare_quietly::<f64, true>,
            O::FminmD => fp::min_max_nan::<f64, false>,
            O::FmaxmD => fp::min_max_nan::<f64, true>,
            O::FclassD => fp::classify::<f64>,
            O::FliD => fp::load_constant::<f64>,
            O::FroundD => fp::round::<f64, false>,
            O::FroundnxD => fp::round::<f64, true>,
            O::FcvtWD => fp::to_int::<f64, 32, true>,
            O::FcvtDW => fp::from_int::<f64, 32, true>,
            O::FcvtWuD => fp::to_int::<f64, 32, false>,
            O::FcvtDWu => fp::from_int::<f64, 32, false>,
            O::FcvtLD => fp::to_int::<f64, 64, true>,
            O::FcvtDL => fp::from_int::<f64, 64, true>,
            O::FcvtLuD => fp::to_int::<f64, 64, false>,
            O::FcvtDLu => fp::from_int::<f64, 64, false>,
            O::FaddH => fp::arithmetic::<vfp::Fadd, Half>,
            O::FsubH => fp::arithmetic::<vfp::Fsub, Half>,
            O::FmulH => fp::arithmetic::<vfp::Fmul, Half>,
            O::FdivH => fp::arithmetic::<vfp::Fdiv, Half>,
            O::FsqrtH => fp::arithmetic::<vfp::Fsqrt, Half>,
            O::FmaddH => fp::arithmetic::<vfp::Fmacc, Half>,
            O::FmsubH => fp::arithmetic::<vfp::Fmsac, Half>,
            O::FnmsubH => fp::arithmetic::<vfp::Fnmsac, Half>,
            O::FnmaddH => fp::arithmetic::<vfp::Fnmacc, Half>,
            O::FsgnjH => fp::selection::<vfp::Fsgnj, Half>,
            O::FsgnjnH => fp::selection::<vfp::Fsgnjn, Half>,
            O::FsgnjxH => fp::selection::<vfp::Fsgnjx, Half>,
            O::FminH => fp::selection::<vfp::Fmin, Half>,
            O::FmaxH => fp::selection::<vfp::Fmax, Half>,
            O::FeqH => fp::compare::<vfp::Feq, Half>,
            O::FltH => fp::compare::<vfp::Flt, Half>,
            O::FleH => fp::compare::<vfp::Fle, Half>,
            O::FltqH => fp::compare_quietly::<Half, false>,
            O::FleqH => fp::compare_quietly::<Half, true>,
            O::FminmH => fp::min_max_nan::<Half, false>,
            O::FmaxmH => fp::min_max_nan::<Half, true>,
            O::FclassH => fp::classify::<Half>,
            O::FliH => fp::load_constant::<Half>,
            O::FroundH => fp::round::<Half, false>,
            O::FroundnxH => fp::round::<Half, true>,
            O::FcvtWH => fp::to_int::<Half, 32, true>,
            O::FcvtHW => fp::from_int::<Half, 32, true>,
            O::FcvtWuH => fp::to_int::<Half, 32, false>,
            O::FcvtHWu => fp::from_int::<Half, 32, false>,
            O::FcvtLH => fp::to_int::<Half, 64, true>,
            O::FcvtHL => fp::from_int::<Half, 64, true>,
            O::FcvtLuH => fp::to_int::<Half, 64, false>,
            O::FcvtHLu => fp::from_int::<Half, 64, false>,
            O::FcvtSD => fp::convert::<f32, f64>,
            O::FcvtSH => fp::convert::<f32, Half>,
            O::FcvtDS => fp::convert::<f64, f32>,
            O::FcvtDH => fp::convert::<f64, Half>,
            O::FcvtHS => fp::convert::<Half, f32>,
            O::FcvtHD => fp::convert::<Half, f64>,
            O::FmvXW => fp::move_to_x::<f32>,
            O::FmvWX => fp::move_from_x::<f32>,
            O::FmvXD => fp::move_to_x::<f64>,
            O::FmvDX => fp::move_from_x::<f64>,
            O::FmvXH => fp::move_to_x::<Half>,
            O::FmvHX => fp::move_from_x::<Half>,
            O::FcvtmodWD => fp::to_int_modular,
            _ => return None,
        };
        Some(handler)
    }

    #[expect(clippy::too_many_lines, reason = "one line per instruction")]
    fn vector(&mut self) -> Option<Handler> {
        use Opcode as O;
        let choice = self;
        let handler: Handler = match choice.opcode {
            O::Vsetvli => return Some(vec_config::vsetvli),
            O::Vsetivli => return Some(vec_config::vsetivli),
            O::Vsetvl => return Some(vec_config::vsetvl),
            O::Vmv1rV | O::Vmv2rV | O::Vmv4rV | O::Vmv8rV if !choice.vtype.vill => {
                let count = (choice.op.word >> 15 & 7) as u8 + 1;
                if !choice.op.rd.is_multiple_of(count) || !choice.op.rs2.is_multiple_of(count) {
                    choice.problem = Some(Problem::Group);
                }
                choice.op.imm = i64::from(count);
                return Some(perm::move_registers);
            }
            _ if choice.vtype.vill => {
                choice.problem = Some(Problem::Type);
                return None;
            }
            O::VaddVv | O::VaddVx | O::VaddVi => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::Add, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::Add, T>)
                }
            }
            O::VsubVv | O::VsubVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::Sub, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::Sub, T>)
                }
            }
            O::VrsubVx | O::VrsubVi => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::ReverseSub, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::ReverseSub, T>)
                }
            }
            O::VandVv | O::VandVx | O::VandVi => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::And, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::And, T>)
                }
            }
            O::VorVv | O::VorVx | O::VorVi => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::Or, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::Or, T>)
                }
            }
            O::VxorVv | O::VxorVx | O::VxorVi => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::Xor, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::Xor, T>)
                }
            }
            O::VsllVv | O::VsllVx | O::VsllVi => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::Sll, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::Sll, T>)
                }
            }
            O::VsrlVv | O::VsrlVx | O::VsrlVi => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::Srl, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::Srl, T>)
                }
            }
            O::VsraVv | O::VsraVx | O::VsraVi => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::Sra, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::Sra, T>)
                }
            }
            O::VminuVv | O::VminuVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::MinU, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::MinU, T>)
                }
            }
            O::VminVv | O::VminVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::MinS, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::MinS, T>)
                }
            }
            O::VmaxuVv | O::VmaxuVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::MaxU, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::MaxU, T>)
                }
            }
            O::VmaxVv | O::VmaxVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::MaxS, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::MaxS, T>)
                }
            }
            O::VmulVv | O::VmulVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::Mul, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::Mul, T>)
                }
            }
            O::VmulhVv | O::VmulhVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::MulhS, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::MulhS, T>)
                }
            }
            O::VmulhuVv | O::VmulhuVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::MulhU, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::MulhU, T>)
                }
            }
            O::VmulhsuVv | O::VmulhsuVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::MulhSU, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::MulhSU, T>)
                }
            }
            O::VdivuVv | O::VdivuVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::DivU, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::DivU, T>)
                }
            }
            O::VdivVv | O::VdivVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::DivS, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::DivS, T>)
                }
            }
            O::VremuVv | O::VremuVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::RemU, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::RemU, T>)
                }
            }
            O::VremVv | O::VremVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::RemS, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::RemS, T>)
                }
            }
            O::VandnVv | O::VandnVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::Andn, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::Andn, T>)
                }
            }
            O::VrolVv | O::VrolVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::Rol, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::Rol, T>)
                }
            }
            O::VrorVv | O::VrorVx | O::VrorVi => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::Ror, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::Ror, T>)
                }
            }
            O::VmvVV | O::VmvVX | O::VmvVI => {
                choice.groups(0, NONE, 0);
                if choice.is_vv() {
                    by_sew!(choice, BinaryVv<arith::Move, T>)
                } else {
                    by_sew!(choice, BinaryVx<arith::Move, T>)
                }
            }
            O::VmseqVv | O::VmseqVx | O::VmseqVi => {
                choice.groups(NONE, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, CompareVv<arith::Equal, T>)
                } else {
                    by_sew!(choice, CompareVx<arith::Equal, T>)
                }
            }
            O::VmsneVv | O::VmsneVx | O::VmsneVi => {
                choice.groups(NONE, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, CompareVv<arith::NotEqual, T>)
                } else {
                    by_sew!(choice, CompareVx<arith::NotEqual, T>)
                }
            }
            O::VmsltuVv | O::VmsltuVx => {
                choice.groups(NONE, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, CompareVv<arith::LessU, T>)
                } else {
                    by_sew!(choice, CompareVx<arith::LessU, T>)
                }
            }
            O::VmsltVv | O::VmsltVx => {
                choice.groups(NONE, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, CompareVv<arith::LessS, T>)
                } else {
                    by_sew!(choice, CompareVx<arith::LessS, T>)
                }
            }
            O::VmsleuVv | O::VmsleuVx | O::VmsleuVi => {
                choice.groups(NONE, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, CompareVv<arith::LessEqualU, T>)
                } else {
                    by_sew!(choice, CompareVx<arith::LessEqualU, T>)
                }
            }
            O::VmsleVv | O::VmsleVx | O::VmsleVi => {
                choice.groups(NONE, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, CompareVv<arith::LessEqualS, T>)
                } else {
                    by_sew!(choice, CompareVx<arith::LessEqualS, T>)
                }
            }
            O::VmsgtuVx | O::VmsgtuVi => {
                choice.groups(NONE, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, CompareVv<arith::GreaterU, T>)
                } else {
                    by_sew!(choice, CompareVx<arith::GreaterU, T>)
                }
            }
            O::VmsgtVx | O::VmsgtVi => {
                choice.groups(NONE, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, CompareVv<arith::GreaterS, T>)
                } else {
                    by_sew!(choice, CompareVx<arith::GreaterS, T>)
                }
            }
            O::VbrevV => {
                choice.groups(0, 0, NONE);
                by_sew!(choice, UnaryV<arith::BitReverse, T>)
            }
            O::Vbrev8V => {
                choice.groups(0, 0, NONE);
                by_sew!(choice, UnaryV<arith::BitReverseBytes, T>)
            }
            O::Vrev8V => {
                choice.groups(0, 0, NONE);
                by_sew!(choice, UnaryV<arith::ByteReverse, T>)
            }
            O::VclzV => {
                choice.groups(0, 0, NONE);
                by_sew!(choice, UnaryV<arith::LeadingZeros, T>)
            }
            O::VctzV => {
                choice.groups(0, 0, NONE);
                by_sew!(choice, UnaryV<arith::TrailingZeros, T>)
            }
            O::VcpopV => {
                choice.groups(0, 0, NONE);
                by_sew!(choice, UnaryV<arith::PopCount, T>)
            }
            O::VmaccVv | O::VmaccVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, MulAddVv<arith::Macc, T>)
                } else {
                    by_sew!(choice, MulAddVx<arith::Macc, T>)
                }
            }
            O::VnmsacVv | O::VnmsacVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, MulAddVv<arith::Nmsac, T>)
                } else {
                    by_sew!(choice, MulAddVx<arith::Nmsac, T>)
                }
            }
            O::VmaddVv | O::VmaddVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, MulAddVv<arith::Madd, T>)
                } else {
                    by_sew!(choice, MulAddVx<arith::Madd, T>)
                }
            }
            O::VnmsubVv | O::VnmsubVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, MulAddVv<arith::Nmsub, T>)
                } else {
                    by_sew!(choice, MulAddVx<arith::Nmsub, T>)
                }
            }
            O::VwadduVv | O::VwadduVx => {
                choice.groups(1, 0, 0);
                if choice.is_vv() {
                    by_narrow_sew!(choice, WideningVv<arith::WaddU, T>)
                } else {
                    by_narrow_sew!(choice, WideningVx<arith::WaddU, T>)
                }
            }
            O::VwaddVv | O::VwaddVx => {
                choice.groups(1, 0, 0);
                if choice.is_vv() {
                    by_narrow_sew!(choice, WideningVv<arith::WaddS, T>)
                } else {
                    by_narrow_sew!(choice, WideningVx<arith::WaddS, T>)
                }
            }
            O::VwsubuVv | O::VwsubuVx => {
                choice.groups(1, 0, 0);
                if choice.is_vv() {
                    by_narrow_sew!(choice, WideningVv<arith::WsubU, T>)
                } else {
                    by_narrow_sew!(choice, WideningVx<arith::WsubU, T>)
                }
            }
            O::VwsubVv | O::VwsubVx => {
                choice.groups(1, 0, 0);
                if choice.is_vv() {
                    by_narrow_sew!(choice, WideningVv<arith::WsubS, T>)
                } else {
                    by_narrow_sew!(choice, WideningVx<arith::WsubS, T>)
                }
            }
            O::VwmuluVv | O::VwmuluVx => {
                choice.groups(1, 0, 0);
                if choice.is_vv() {
                    by_narrow_sew!(choice, WideningVv<arith::WmulU, T>)
                } else {
                    by_narrow_sew!(choice, WideningVx<arith::WmulU, T>)
                }
            }
            O::VwmulVv | O::VwmulVx => {
                choice.groups(1, 0, 0);
                if choice.is_vv() {
                    by_narrow_sew!(choice, WideningVv<arith::WmulS, T>)
                } else {
                    by_narrow_sew!(choice, WideningVx<arith::WmulS, T>)
                }
            }
            O::VwmulsuVv | O::VwmulsuVx => {
                choice.groups(1, 0, 0);
                if choice.is_vv() {
                    by_narrow_sew!(choice, WideningVv<arith::WmulSU, T>)
                } else {
                    by_narrow_sew!(choice, WideningVx<arith::WmulSU, T>)
                }
            }
            O::VwsllVv | O::VwsllVx | O::VwsllVi => {
                choice.groups(1, 0, 0);
                if choice.is_vv() {
                    by_narrow_sew!(choice, WideningVv<arith::Wsll, T>)
                } else {
                    by_narrow_sew!(choice, WideningVx<arith::Wsll, T>)
                }
            }
            O::VwadduWv | O::VwadduWx => {
                choice.groups(1, 1, 0);
                if choice.is_vv() {
                    by_narrow_sew!(choice, WideNarrowVv<arith::AddWideU, T>)
                } else {
                    by_narrow_sew!(choice, WideNarrowVx<arith::AddWideU, T>)
                }
            }
            O::VwaddWv | O::VwaddWx => {
                choice.groups(1, 1, 0);
                if choice.is_vv() {
                    by_narrow_sew!(choice, WideNarrowVv<arith::AddWideS, T>)
                } else {
                    by_narrow_sew!(choice, WideNarrowVx<arith::AddWideS, T>)
                }
            }
            O::VwsubuWv | O::VwsubuWx => {
                choice.groups(1, 1, 0);
                if choice.is_vv() {
                    by_narrow_sew!(choice, WideNarrowVv<arith::SubWideU, T>)
                } else {
                    by_narrow_sew!(choice, WideNarrowVx<arith::SubWideU, T>)
                }
            }
            O::VwsubWv | O::VwsubWx => {
                choice.groups(1, 1, 0);
                if choice.is_vv() {
                    by_narrow_sew!(choice, WideNarrowVv<arith::SubWideS, T>)
                } else {
                    by_narrow_sew!(choice, WideNarrowVx<arith::SubWideS, T>)
                }
            }
            O::VnsrlWv | O::VnsrlWx | O::VnsrlWi => {
                choice.groups(0, 1, 0);
                if choice.is_vv() {
                    by_narrow_sew!(choice, NarrowingVv<arith::NarrowSrl, T>)
                } else {
                    by_narrow_sew!(choice, NarrowingVx<arith::NarrowSrl, T>)
                }
            }
            O::VnsraWv | O::VnsraWx | O::VnsraWi => {
                choice.groups(0, 1, 0);
                if choice.is_vv() {
                    by_narrow_sew!(choice, NarrowingVv<arith::NarrowSra, T>)
                } else {
                    by_narrow_sew!(choice, NarrowingVx<arith::NarrowSra, T>)
                }
            }
            O::VwmaccuVv | O::VwmaccuVx => {
                choice.groups(1, 0, 0);
                if choice.is_vv() {
                    by_narrow_sew!(choice, WideningMulAddVv<arith::WmaccU, T>)
                } else {
                    by_narrow_sew!(choice, WideningMulAddVx<arith::WmaccU, T>)
                }
            }
            O::VwmaccVv | O::VwmaccVx => {
                choice.groups(1, 0, 0);
                if choice.is_vv() {
                    by_narrow_sew!(choice, WideningMulAddVv<arith::WmaccS, T>)
                } else {
                    by_narrow_sew!(choice, WideningMulAddVx<arith::WmaccS, T>)
                }
            }
            O::VwmaccsuVv | O::VwmaccsuVx => {
                choice.groups(1, 0, 0);
                if choice.is_vv() {
                    by_narrow_sew!(choice, WideningMulAddVv<arith::WmaccSU, T>)
                } else {
                    by_narrow_sew!(choice, WideningMulAddVx<arith::WmaccSU, T>)
                }
            }
            O::VwmaccusVx => {
                choice.groups(1, 0, 0);
                if choice.is_vv() {
                    by_narrow_sew!(choice, WideningMulAddVv<arith::WmaccUS, T>)
                } else {
                    by_narrow_sew!(choice, WideningMulAddVx<arith::WmaccUS, T>)
                }
            }
            O::VzextVf2 => {
                choice.groups(0, -1, NONE);
                match choice.vtype.sew {
                    Sew::E8 => return choice.width(),
                    Sew::E16 => select::<Extend<u8, u16, false>>(choice.level),
                    Sew::E32 => select::<Extend<u16, u32, false>>(choice.level),
                    Sew::E64 => select::<Extend<u32, u64, false>>(choice.level),
                }
            }
            O::VzextVf4 => {
                choice.groups(0, -2, NONE);
                match choice.vtype.sew {
                    Sew::E8 | Sew::E16 => return choice.width(),
                    Sew::E32 => select::<Extend<u8, u32, false>>(choice.level),
                    Sew::E64 => select::<Extend<u16, u64, false>>(choice.level),
                }
            }
            O::VzextVf8 => {
                choice.groups(0, -3, NONE);
                match choice.vtype.sew {
                    Sew::E8 | Sew::E16 | Sew::E32 => return choice.width(),
                    Sew::E64 => select::<Extend<u8, u64, false>>(choice.level),
                }
            }
            O::VsextVf2 => {
                choice.groups(0, -1, NONE);
                match choice.vtype.sew {
                    Sew::E8 => return choice.width(),
                    Sew::E16 => select::<Extend<u8, u16, true>>(choice.level),
                    Sew::E32 => select::<Extend<u16, u32, true>>(choice.level),
                    Sew::E64 => select::<Extend<u32, u64, true>>(choice.level),
                }
            }
            O::VsextVf4 => {
                choice.groups(0, -2, NONE);
                match choice.vtype.sew {
                    Sew::E8 | Sew::E16 => return choice.width(),
                    Sew::E32 => select::<Extend<u8, u32, true>>(choice.level),
                    Sew::E64 => select::<Extend<u16, u64, true>>(choice.level),
                }
            }
            O::VsextVf8 => {
                choice.groups(0, -3, NONE);
                match choice.vtype.sew {
                    Sew::E8 | Sew::E16 | Sew::E32 => return choice.width(),
                    Sew::E64 => select::<Extend<u8, u64, true>>(choice.level),
                }
            }
            O::VmergeVvm | O::VmergeVxm | O::VmergeVim => {
                choice.groups(0, 0, 0);
                // The mask chooses; it does not make elements inactive.
                choice.op.vm = true;
                if choice.is_vv() {
                    by_sew!(choice, Merge<T, false>)
                } else {
                    by_sew!(choice, Merge<T, true>)
                }
            }
            O::VfmergeVfm => {
                choice.groups(0, 0, NONE);
                choice.op.vm = true;
                by_float_sew!(choice, FloatMerge<T>)
            }
            O::VadcVvm | O::VadcVxm | O::VadcVim => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, CarryOp<arith::Adc, T, false>)
                } else {
                    by_sew!(choice, CarryOp<arith::Adc, T, true>)
                }
            }
            O::VmadcVvm | O::VmadcVxm | O::VmadcVim | O::VmadcVv | O::VmadcVx | O::VmadcVi => {
                choice.groups(NONE, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, CarryOp<arith::Madc, T, false>)
                } else {
                    by_sew!(choice, CarryOp<arith::Madc, T, true>)
                }
            }
            O::VsbcVvm | O::VsbcVxm => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, CarryOp<arith::Sbc, T, false>)
                } else {
                    by_sew!(choice, CarryOp<arith::Sbc, T, true>)
                }
            }
            O::VmsbcVvm | O::VmsbcVxm | O::VmsbcVv | O::VmsbcVx => {
                choice.groups(NONE, 0, 0);
                if choice.is_vv() {
                    by_sew!(choice, CarryOp<arith::Msbc, T, false>)
                } else {
                    by_sew!(choice, CarryOp<arith::Msbc, T, true>)
                }
            }
            O::Vdot4aVv => dot4!(choice, true, true, false),
            O::Vdot4aVx => dot4!(choice, true, true, true),
            O::Vdot4auVv => dot4!(choice, false, false, false),
            O::Vdot4auVx => dot4!(choice, false, false, true),
            O::Vdot4asuVv => dot4!(choice, true, false, false),
            O::Vdot4asuVx => dot4!(choice, true, false, true),
            O::Vdot4ausVx => dot4!(choice, false, true, true),
            O::VsadduVv | O::VsadduVx | O::VsadduVi => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew_cold!(FixedBinary<fixed::SaddU, T, false>, choice)
                } else {
                    by_sew_cold!(FixedBinary<fixed::SaddU, T, true>, choice)
                }
            }
            O::VsaddVv | O::VsaddVx | O::VsaddVi => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew_cold!(FixedBinary<fixed::SaddS, T, false>, choice)
                } else {
                    by_sew_cold!(FixedBinary<fixed::SaddS, T, true>, choice)
                }
            }
            O::VssubuVv | O::VssubuVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew_cold!(FixedBinary<fixed::SsubU, T, false>, choice)
                } else {
                    by_sew_cold!(FixedBinary<fixed::SsubU, T, true>, choice)
                }
            }
            O::VssubVv | O::VssubVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew_cold!(FixedBinary<fixed::SsubS, T, false>, choice)
                } else {
                    by_sew_cold!(FixedBinary<fixed::SsubS, T, true>, choice)
                }
            }
            O::VaadduVv | O::VaadduVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew_cold!(FixedBinary<fixed::AaddU, T, false>, choice)
                } else {
                    by_sew_cold!(FixedBinary<fixed::AaddU, T, true>, choice)
                }
            }
            O::VaaddVv | O::VaaddVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew_cold!(FixedBinary<fixed::AaddS, T, false>, choice)
                } else {
                    by_sew_cold!(FixedBinary<fixed::AaddS, T, true>, choice)
                }
            }
            O::VasubuVv | O::VasubuVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew_cold!(FixedBinary<fixed::AsubU, T, false>, choice)
                } else {
                    by_sew_cold!(FixedBinary<fixed::AsubU, T, true>, choice)
                }
            }
            O::VasubVv | O::VasubVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew_cold!(FixedBinary<fixed::AsubS, T, false>, choice)
                } else {
                    by_sew_cold!(FixedBinary<fixed::AsubS, T, true>, choice)
                }
            }
            O::VsmulVv | O::VsmulVx => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew_cold!(FixedBinary<fixed::Smul, T, false>, choice)
                } else {
                    by_sew_cold!(FixedBinary<fixed::Smul, T, true>, choice)
                }
            }
            O::VssrlVv | O::VssrlVx | O::VssrlVi => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew_cold!(FixedBinary<fixed::Ssrl, T, false>, choice)
                } else {
                    by_sew_cold!(FixedBinary<fixed::Ssrl, T, true>, choice)
                }
            }
            O::VssraVv | O::VssraVx | O::VssraVi => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_sew_cold!(FixedBinary<fixed::Ssra, T, false>, choice)
                } else {
                    by_sew_cold!(FixedBinary<fixed::Ssra, T, true>, choice)
                }
            }
            O::VnclipuWv | O::VnclipuWx | O::VnclipuWi => {
                choice.groups(0, 1, 0);
                if choice.is_vv() {
                    by_narrow_sew!(choice, FixedNarrow<fixed::ClipU, T, false>)
                } else {
                    by_narrow_sew!(choice, FixedNarrow<fixed::ClipU, T, true>)
                }
            }
            O::VnclipWv | O::VnclipWx | O::VnclipWi => {
                choice.groups(0, 1, 0);
                if choice.is_vv() {
                    by_narrow_sew!(choice, FixedNarrow<fixed::ClipS, T, false>)
                } else {
                    by_narrow_sew!(choice, FixedNarrow<fixed::ClipS, T, true>)
                }
            }
            O::VfaddVv | O::VfaddVf => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatBinary<vfp::Fadd, T, false>)
                } else {
                    by_float_sew!(choice, FloatBinary<vfp::Fadd, T, true>)
                }
            }
            O::VfsubVv | O::VfsubVf => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatBinary<vfp::Fsub, T, false>)
                } else {
                    by_float_sew!(choice, FloatBinary<vfp::Fsub, T, true>)
                }
            }
            O::VfrsubVf => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatBinary<vfp::Frsub, T, false>)
                } else {
                    by_float_sew!(choice, FloatBinary<vfp::Frsub, T, true>)
                }
            }
            O::VfmulVv | O::VfmulVf => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatBinary<vfp::Fmul, T, false>)
                } else {
                    by_float_sew!(choice, FloatBinary<vfp::Fmul, T, true>)
                }
            }
            O::VfdivVv | O::VfdivVf => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatBinary<vfp::Fdiv, T, false>)
                } else {
                    by_float_sew!(choice, FloatBinary<vfp::Fdiv, T, true>)
                }
            }
            O::VfrdivVf => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatBinary<vfp::Frdiv, T, false>)
                } else {
                    by_float_sew!(choice, FloatBinary<vfp::Frdiv, T, true>)
                }
            }
            O::VfminVv | O::VfminVf => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatBinary<vfp::Fmin, T, false>)
                } else {
                    by_float_sew!(choice, FloatBinary<vfp::Fmin, T, true>)
                }
            }
            O::VfmaxVv | O::VfmaxVf => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatBinary<vfp::Fmax, T, false>)
                } else {
                    by_float_sew!(choice, FloatBinary<vfp::Fmax, T, true>)
                }
            }
            O::VfsgnjVv | O::VfsgnjVf => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatBinary<vfp::Fsgnj, T, false>)
                } else {
                    by_float_sew!(choice, FloatBinary<vfp::Fsgnj, T, true>)
                }
            }
            O::VfsgnjnVv | O::VfsgnjnVf => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatBinary<vfp::Fsgnjn, T, false>)
                } else {
                    by_float_sew!(choice, FloatBinary<vfp::Fsgnjn, T, true>)
                }
            }
            O::VfsgnjxVv | O::VfsgnjxVf => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatBinary<vfp::Fsgnjx, T, false>)
                } else {
                    by_float_sew!(choice, FloatBinary<vfp::Fsgnjx, T, true>)
                }
            }
            O::VfmaccVv | O::VfmaccVf => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatMulAdd<vfp::Fmacc, T, false>)
                } else {
                    by_float_sew!(choice, FloatMulAdd<vfp::Fmacc, T, true>)
                }
            }
            O::VfnmaccVv | O::VfnmaccVf => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatMulAdd<vfp::Fnmacc, T, false>)
                } else {
                    by_float_sew!(choice, FloatMulAdd<vfp::Fnmacc, T, true>)
                }
            }
            O::VfmsacVv | O::VfmsacVf => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatMulAdd<vfp::Fmsac, T, false>)
                } else {
                    by_float_sew!(choice, FloatMulAdd<vfp::Fmsac, T, true>)
                }
            }
            O::VfnmsacVv | O::VfnmsacVf => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatMulAdd<vfp::Fnmsac, T, false>)
                } else {
                    by_float_sew!(choice, FloatMulAdd<vfp::Fnmsac, T, true>)
                }
            }
            O::VfmaddVv | O::VfmaddVf => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatMulAdd<vfp::Fmadd, T, false>)
                } else {
                    by_float_sew!(choice, FloatMulAdd<vfp::Fmadd, T, true>)
                }
            }
            O::VfnmaddVv | O::VfnmaddVf => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatMulAdd<vfp::Fnmadd, T, false>)
                } else {
                    by_float_sew!(choice, FloatMulAdd<vfp::Fnmadd, T, true>)
                }
            }
            O::VfmsubVv | O::VfmsubVf => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatMulAdd<vfp::Fmsub, T, false>)
                } else {
                    by_float_sew!(choice, FloatMulAdd<vfp::Fmsub, T, true>)
                }
            }
            O::VfnmsubVv | O::VfnmsubVf => {
                choice.groups(0, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatMulAdd<vfp::Fnmsub, T, false>)
                } else {
                    by_float_sew!(choice, FloatMulAdd<vfp::Fnmsub, T, true>)
                }
            }
            O::VfwaddVv | O::VfwaddVf => {
                choice.groups(1, 0, 0);
                if choice.is_vv() {
                    by_narrow_float_sew!(choice, FloatWiden<vfp::Fadd, T, false>)
                } else {
                    by_narrow_float_sew!(choice, FloatWiden<vfp::Fadd, T, true>)
                }
            }
            O::VfwsubVv | O::VfwsubVf => {
                choice.groups(1, 0, 0);
                if choice.is_vv() {
                    by_narrow_float_sew!(choice, FloatWiden<vfp::Fsub, T, false>)
                } else {
                    by_narrow_float_sew!(choice, FloatWiden<vfp::Fsub, T, true>)
                }
            }
            O::VfwmulVv | O::VfwmulVf => {
                choice.groups(1, 0, 0);
                if choice.is_vv() {
                    by_narrow_float_sew!(choice, FloatWiden<vfp::Fmul, T, false>)
                } else {
                    by_narrow_float_sew!(choice, FloatWiden<vfp::Fmul, T, true>)
                }
            }
            O::VfwaddWv | O::VfwaddWf => {
                choice.groups(1, 1, 0);
                if choice.is_vv() {
                    by_narrow_float_sew!(choice, FloatWideNarrow<vfp::Fadd, T, false>)
                } else {
                    by_narrow_float_sew!(choice, FloatWideNarrow<vfp::Fadd, T, true>)
                }
            }
            O::VfwsubWv | O::VfwsubWf => {
                choice.groups(1, 1, 0);
                if choice.is_vv() {
                    by_narrow_float_sew!(choice, FloatWideNarrow<vfp::Fsub, T, false>)
                } else {
                    by_narrow_float_sew!(choice, FloatWideNarrow<vfp::Fsub, T, true>)
                }
            }
            O::VfwmaccVv | O::VfwmaccVf => {
                choice.groups(1, 0, 0);
                if choice.is_vv() {
                    by_narrow_float_sew!(choice, FloatWidenMulAdd<vfp::Fmacc, T, false>)
                } else {
                    by_narrow_float_sew!(choice, FloatWidenMulAdd<vfp::Fmacc, T, true>)
                }
            }
            O::VfwnmaccVv | O::VfwnmaccVf => {
                choice.groups(1, 0, 0);
                if choice.is_vv() {
                    by_narrow_float_sew!(choice, FloatWidenMulAdd<vfp::Fnmacc, T, false>)
                } else {
                    by_narrow_float_sew!(choice, FloatWidenMulAdd<vfp::Fnmacc, T, true>)
                }
            }
            O::VfwmsacVv | O::VfwmsacVf => {
                choice.groups(1, 0, 0);
                if choice.is_vv() {
                    by_narrow_float_sew!(choice, FloatWidenMulAdd<vfp::Fmsac, T, false>)
                } else {
                    by_narrow_float_sew!(choice, FloatWidenMulAdd<vfp::Fmsac, T, true>)
                }
            }
            O::VfwnmsacVv | O::VfwnmsacVf => {
                choice.groups(1, 0, 0);
                if choice.is_vv() {
                    by_narrow_float_sew!(choice, FloatWidenMulAdd<vfp::Fnmsac, T, false>)
                } else {
                    by_narrow_float_sew!(choice, FloatWidenMulAdd<vfp::Fnmsac, T, true>)
                }
            }
            O::VmfeqVv | O::VmfeqVf => {
                choice.groups(NONE, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatCompare<vfp::Feq, T, false>)
                } else {
                    by_float_sew!(choice, FloatCompare<vfp::Feq, T, true>)
                }
            }
            O::VmfneVv | O::VmfneVf => {
                choice.groups(NONE, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatCompare<vfp::Fne, T, false>)
                } else {
                    by_float_sew!(choice, FloatCompare<vfp::Fne, T, true>)
                }
            }
            O::VmfltVv | O::VmfltVf => {
                choice.groups(NONE, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatCompare<vfp::Flt, T, false>)
                } else {
                    by_float_sew!(choice, FloatCompare<vfp::Flt, T, true>)
                }
            }
            O::VmfleVv | O::VmfleVf => {
                choice.groups(NONE, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatCompare<vfp::Fle, T, false>)
                } else {
                    by_float_sew!(choice, FloatCompare<vfp::Fle, T, true>)
                }
            }
            O::VmfgtVf => {
                choice.groups(NONE, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatCompare<vfp::Fgt, T, false>)
                } else {
                    by_float_sew!(choice, FloatCompare<vfp::Fgt, T, true>)
                }
            }
            O::VmfgeVf => {
                choice.groups(NONE, 0, 0);
                if choice.is_vv() {
                    by_float_sew!(choice, FloatCompare<vfp::Fge, T, false>)
                } else {
                    by_float_sew!(choice, FloatCompare<vfp::Fge, T, true>)
                }
            }
            O::VfsqrtV => {
                choice.groups(0, 0, NONE);
                by_float_sew!(choice, FloatUnary<vfp::Fsqrt, T>)
            }
            O::VfclassV => {
                choice.groups(0, 0, NONE);
                by_float_sew!(choice, FloatClass<T>)
            }
            O::XwVftzV => {
                choice.groups(0, 0, NONE);
                match choice.vtype.sew {
                    Sew::E8 | Sew::E64 => return choice.width(),
                    Sew::E16 => select::<FlushSubnormal<Half>>(choice.level),
                    Sew::E32 => select::<FlushSubnormal<f32>>(choice.level),
                }
            }
            O::VfmvVF => {
                choice.groups(0, NONE, NONE);
                by_float_sew!(choice, FloatSplat<T>)
            }
            O::Vfwmaccbf16Vv | O::Vfwmaccbf16Vf => {
                choice.groups(1, 0, 0);
                if choice.vtype.sew != Sew::E16 {
                    return choice.width();
                }
                if choice.is_vv() {
                    select::<vfp::Bf16MulAdd<false>>(choice.level)
                } else {
                    select::<vfp::Bf16MulAdd<true>>(choice.level)
                }
            }
            O::Vfwcvtbf16FFV => {
                choice.groups(1, 0, NONE);
                if choice.vtype.sew != Sew::E16 {
                    return choice.width();
                }
                select::<vfp::Bf16Extend>(choice.level)
            }
            O::Vfncvtbf16FFW => {
                choice.groups(0, 1, NONE);
                if choice.vtype.sew != Sew::E16 {
                    return choice.width();
                }
                select::<vfp::Bf16Truncate>(choice.level)
            }
            O::VfcvtXuFV => {
                choice.groups(0, 0, NONE);
                match choice.vtype.sew {
                    Sew::E8 => return choice.width(),
                    Sew::E16 => select::<FloatToInt<Half, u16, false, false>>(choice.level),
                    Sew::E32 => select::<FloatToInt<f32, u32, false, false>>(choice.level),
                    Sew::E64 => select::<FloatToInt<f64, u64, false, false>>(choice.level),
                }
            }
            O::VfwcvtXuFV => {
                choice.groups(1, 0, NONE);
                match choice.vtype.sew {
                    Sew::E8 | Sew::E64 => return choice.width(),
                    Sew::E16 => select::<FloatToInt<Half, u32, false, false>>(choice.level),
                    Sew::E32 => select::<FloatToInt<f32, u64, false, false>>(choice.level),
                }
            }
            O::VfncvtXuFW => {
                choice.groups(0, 1, NONE);
                match choice.vtype.sew {
                    Sew::E64 => return choice.width(),
                    Sew::E8 => select::<FloatToInt<Half, u8, false, false>>(choice.level),
                    Sew::E16 => select::<FloatToInt<f32, u16, false, false>>(choice.level),
                    Sew::E32 => select::<FloatToInt<f64, u32, false, false>>(choice.level),
                }
            }
            O::VfcvtRtzXuFV => {
                choice.groups(0, 0, NONE);
                match choice.vtype.sew {
                    Sew::E8 => return choice.width(),
                    Sew::E16 => select::<FloatToInt<Half, u16, false, true>>(choice.level),
                    Sew::E32 => select::<FloatToInt<f32, u32, false, true>>(choice.level),
                    Sew::E64 => select::<FloatToInt<f64, u64, false, true>>(choice.level),
                }
            }
            O::VfwcvtRtzXuFV => {
                choice.groups(1, 0, NONE);
                match choice.vtype.sew {
                    Sew::E8 | Sew::E64 => return choice.width(),
                    Sew::E16 => select::<FloatToInt<Half, u32, false, true>>(choice.level),
                    Sew::E32 => select::<FloatToInt<f32, u64, false, true>>(choice.level),
                }
            }
            O::VfncvtRtzXuFW => {
                choice.groups(0, 1, NONE);
                match choice.vtype.sew {
                    Sew::E64 => return choice.width(),
                    Sew::E8 => select::<FloatToInt<Half, u8, false, true>>(choice.level),
                    Sew::E16 => select::<FloatToInt<f32, u16, false, true>>(choice.level),
                    Sew::E32 => select::<FloatToInt<f64, u32, false, true>>(choice.level),
                }
            }
            O::VfcvtFXuV => {
                choice.groups(0, 0, NONE);
                match choice.vtype.sew {
                    Sew::E8 => return choice.width(),
                    Sew::E16 => select::<IntToFloat<u16, Half, false>>(choice.level),
                    Sew::E32 => select::<IntToFloat<u32, f32, false>>(choice.level),
                    Sew::E64 => select::<IntToFloat<u64, f64, false>>(choice.level),
                }
            }
            O::VfwcvtFXuV => {
                choice.groups(1, 0, NONE);
                match choice.vtype.sew {
                    Sew::E64 => return choice.width(),
                    Sew::E8 => select::<IntToFloat<u8, Half, false>>(choice.level),
                    Sew::E16 => select::<IntToFloat<u16, f32, false>>(choice.level),
                    Sew::E32 => select::<IntToFloat<u32, f64, false>>(choice.level),
                }
            }
            O::VfncvtFXuW => {
                choice.groups(0, 1, NONE);
                match choice.vtype.sew {
                    Sew::E8 | Sew::E64 => return choice.width(),
                    Sew::E16 => select::<IntToFloat<u32, Half, false>>(choice.level),
                    Sew::E32 => select::<IntToFloat<u64, f32, false>>(choice.level),
                }
            }
            O::VfcvtXFV => {
                choice.groups(0, 0, NONE);
                match choice.vtype.sew {
                    Sew::E8 => return choice.width(),
                    Sew::E16 => select::<FloatToInt<Half, u16, true, false>>(choice.level),
                    Sew::E32 => select::<FloatToInt<f32, u32, true, false>>(choice.level),
                    Sew::E64 => select::<FloatToInt<f64, u64, true, false>>(choice.level),
                }
            }
            O::VfwcvtXFV => {
                choice.groups(1, 0, NONE);
                match choice.vtype.sew {
                    Sew::E8 | Sew::E64 => return choice.width(),
                    Sew::E16 => select::<FloatToInt<Half, u32, true, false>>(choice.level),
                    Sew::E32 => select::<FloatToInt<f32, u64, true, false>>(choice.level),
                }
            }
            O::VfncvtXFW => {
                choice.groups(0, 1, NONE);
                match choice.vtype.sew {
                    Sew::E64 => return choice.width(),
                    Sew::E8 => select::<FloatToInt<Half, u8, true, false>>(choice.level),
                    Sew::E16 => select::<FloatToInt<f32, u16, true, false>>(choice.level),
                    Sew::E32 => select::<FloatToInt<f64, u32, true, false>>(choice.level),
                }
            }
            O::VfcvtRtzXFV => {
                choice.groups(0, 0, NONE);
                match choice.vtype.sew {
                    Sew::E8 => return choice.width(),
                    Sew::E16 => select::<FloatToInt<Half, u16, true, true>>(choice.level),
                    Sew::E32 => select::<FloatToInt<f32, u32, true, true>>(choice.level),
                    Sew::E64 => select::<FloatToInt<f64, u64, true, true>>(choice.level),
                }
            }
            O::VfwcvtRtzXFV => {
                choice.groups(1, 0, NONE);
                match choice.vtype.sew {
                    Sew::E8 | Sew::E64 => return choice.width(),
                    Sew::E16 => select::<FloatToInt<Half, u32, true, true>>(choice.level),
                    Sew::E32 => select::<FloatToInt<f32, u64, true, true>>(choice.level),
                }
            }
            O::VfncvtRtzXFW => {
                choice.groups(0, 1, NONE);
                match choice.vtype.sew {
                    Sew::E64 => return choice.width(),
                    Sew::E8 => select::<FloatToInt<Half, u8, true, true>>(choice.level),
                    Sew::E16 => select::<FloatToInt<f32, u16, true, true>>(choice.level),
                    Sew::E32 => select::<FloatToInt<f64, u32, true, true>>(choice.level),
                }
            }
            O::VfcvtFXV => {
                choice.groups(0, 0, NONE);
                match choice.vtype.sew {
                    Sew::E8 => return choice.width(),
                    Sew::E16 => select::<IntToFloat<u16, Half, true>>(choice.level),
                    Sew::E32 => select::<IntToFloat<u32, f32, true>>(choice.level),
                    Sew::E64 => select::<IntToFloat<u64, f64, true>>(choice.level),
                }
            }
            O::VfwcvtFXV => {
                choice.groups(1, 0, NONE);
                match choice.vtype.sew {
                    Sew::E64 => return choice.width(),
                    Sew::E8 => select::<IntToFloat<u8, Half, true>>(choice.level),
                    Sew::E16 => select::<IntToFloat<u16, f32, true>>(choice.level),
                    Sew::E32 => select::<IntToFloat<u32, f64, true>>(choice.level),
                }
            }
            O::VfncvtFXW => {
                choice.groups(0, 1, NONE);
                match choice.vtype.sew {
                    Sew::E8 | Sew::E64 => return choice.width(),
                    Sew::E16 => select::<IntToFloat<u32, Half, true>>(choice.level),
                    Sew::E32 => select::<IntToFloat<u64, f32, true>>(choice.level),
                }
            }
            O::VfwcvtFFV => {
                choice.groups(1, 0, NONE);
                by_narrow_float_sew!(choice, FloatExtend<T>)
            }
            O::VfncvtFFW => {
                choice.groups(0, 1, NONE);
                by_narrow_float_sew!(choice, FloatTruncate<T, false>)
            }
            O::VfncvtRodFFW => {
                choice.groups(0, 1, NONE);
                by_narrow_float_sew!(choice, FloatTruncate<T, true>)
            }
            O::VredsumVs => {
                choice.groups(NONE, 0, NONE);
                by_sew!(choice, Reduce<arith::Add, T>)
            }
            O::VredandVs => {
                choice.groups(NONE, 0, NONE);
                by_sew!(choice, Reduce<arith::And, T>)
            }
            O::VredorVs => {
                choice.groups(NONE, 0, NONE);
                by_sew!(choice, Reduce<arith::Or, T>)
            }
            O::VredxorVs => {
                choice.groups(NONE, 0, NONE);
                by_sew!(choice, Reduce<arith::Xor, T>)
            }
            O::VredminuVs => {
                choice.groups(NONE, 0, NONE);
                by_sew!(choice, Reduce<arith::MinU, T>)
            }
            O::VredminVs => {
                choice.groups(NONE, 0, NONE);
                by_sew!(choice, Reduce<arith::MinS, T>)
            }
            O::VredmaxuVs => {
                choice.groups(NONE, 0, NONE);
                by_sew!(choice, Reduce<arith::MaxU, T>)
            }
            O::VredmaxVs => {
                choice.groups(NONE, 0, NONE);
                by_sew!(choice, Reduce<arith::MaxS, T>)
            }
            O::VwredsumuVs => {
                choice.groups(NONE, 0, NONE);
                by_narrow_sew!(choice, WideningSum<T, false>)
            }
            O::VwredsumVs => {
                choice.groups(NONE, 0, NONE);
                by_narrow_sew!(choice, WideningSum<T, true>)
            }
            O::VfredosumVs | O::VfredusumVs => {
                choice.groups(NONE, 0, NONE);
                by_float_sew!(choice, FloatReduce<T, { SUM }>)
            }
            O::VfredminVs => {
                choice.groups(NONE, 0, NONE);
                by_float_sew!(choice, FloatReduce<T, { MIN }>)
            }
            O::VfredmaxVs => {
                choice.groups(NONE, 0, NONE);
                by_float_sew!(choice, FloatReduce<T, { MAX }>)
            }
            O::VfwredosumVs | O::VfwredusumVs => {
                choice.groups(NONE, 0, NONE);
                match choice.vtype.sew {
                    Sew::E8 | Sew::E64 => return choice.width(),
                    Sew::E16 => select_cold::<red::FloatWideningSum<Half, f32>>(),
                    Sew::E32 => select_cold::<red::FloatWideningSum<f32, f64>>(),
                }
            }
            O::Vfrec7V => {
                choice.groups(0, 0, NONE);
                by_float_sew_cold!(Estimate<T, false>, choice)
            }
            O::Vfrsqrt7V => {
                choice.groups(0, 0, NONE);
                by_float_sew_cold!(Estimate<T, true>, choice)
            }
            O::VmandMm => vec_mask::vmand,
            O::VmnandMm => vec_mask::vmnand,
            O::VmandnMm => vec_mask::vmandn,
            O::VmxorMm => vec_mask::vmxor,
            O::VmorMm => vec_mask::vmor,
            O::VmnorMm => vec_mask::vmnor,
            O::VmornMm => vec_mask::vmorn,
            O::VmxnorMm => vec_mask::vmxnor,
            O::VcpopM => vec_mask::vcpop,
            O::VfirstM => vec_mask::vfirst,
            O::VmsbfM => {
                choice.apart_from_mask(MASK);
                vec_mask::vmsbf
            }
            O::VmsifM => {
                choice.apart_from_mask(MASK);
                vec_mask::vmsif
            }
            O::VmsofM => {
                choice.apart_from_mask(MASK);
                vec_mask::vmsof
            }
            O::ViotaM => {
                choice.groups(0, NONE, NONE);
                choice.apart_from_mask(choice.vtype.lmul.log2());
                by_sew!(choice, Iota<T>)
            }
            O::VidV => {
                choice.groups(0, NONE, NONE);
                by_sew!(choice, Id<T>)
            }
            O::VmvXS => by_sew!(choice, MoveToX<T>),
            O::VmvSX => by_sew!(choice, MoveFromX<T>),
            O::VfmvFS => {
                choice.float_width()?;
                by_sew!(choice, MoveToF<T>)
            }
            O::VfmvSF => by_float_sew!(choice, FloatMoveFromF<T>),
            O::VslideupVx | O::VslideupVi => {
                choice.groups(0, 0, NONE);
                choice.apart(None);
                by_sew!(choice, SlideUp<T>)
            }
            O::VslidedownVx | O::VslidedownVi => {
                choice.groups(0, 0, NONE);
                by_sew!(choice, SlideDown<T>)
            }
            O::Vslide1upVx => {
                choice.groups(0, 0, NONE);
                choice.apart(None);
                by_sew!(choice, Slide1Up<T, false>)
            }
            O::Vfslide1upVf => {
                choice.float_width()?;
                choice.groups(0, 0, NONE);
                choice.apart(None);
                by_sew!(choice, Slide1Up<T, true>)
            }
            O::Vslide1downVx => {
                choice.groups(0, 0, NONE);
                by_sew!(choice, Slide1Down<T, false>)
            }
            O::Vfslide1downVf => {
                choice.float_width()?;
                choice.groups(0, 0, NONE);
                by_sew!(choice, Slide1Down<T, true>)
            }
            O::VrgatherVv => {
                choice.groups(0, 0, 0);
                choice.apart(Some(choice.vtype.lmul.log2()));
                match choice.vtype.sew {
                    Sew::E8 => select::<Gather<u8, u8>>(choice.level),
                    Sew::E16 => select::<Gather<u16, u16>>(choice.level),
                    Sew::E32 => select::<Gather<u32, u32>>(choice.level),
                    Sew::E64 => select::<Gather<u64, u64>>(choice.level),
                }
            }
            O::Vrgatherei16Vv => {
                let wider = 1 - choice.vtype.sew.log2_bytes() as i8;
                choice.groups(0, 0, wider);
                choice.apart(Some(choice.vtype.lmul.log2() + wider));
                by_sew!(choice, GatherEi16<T>)
            }
            O::VrgatherVx | O::VrgatherVi => {
                choice.groups(0, 0, NONE);
                choice.apart(None);
                by_sew!(choice, Broadcast<T>)
            }
            O::VcompressVm => {
                choice.groups(0, 0, NONE);
                choice.apart(Some(MASK));
                by_sew!(choice, Compress<T>)
            }
            O::XwVamoswapV => {
                vector_atomic!(choice, atomic::Swap, [E32 u32, E64 u64])
            }
            O::XwVamoaddV => {
                vector_atomic!(choice, atomic::Add, [E32 u32, E64 u64])
            }
            O::XwVamoxorV => {
                vector_atomic!(choice, atomic::Xor, [E32 u32, E64 u64])
            }
            O::XwVamoandV => {
                vector_atomic!(choice, atomic::And, [E32 u32, E64 u64])
            }
            O::XwVamoorV => vector_atomic!(choice, atomic::Or, [E32 u32, E64 u64]),
            O::XwVamominV => {
                vector_atomic!(choice, atomic::MinS, [E32 u32, E64 u64])
            }
            O::XwVamomaxV => {
                vector_atomic!(choice, atomic::MaxS, [E32 u32, E64 u64])
            }
            O::XwVamominuV => {
                vector_atomic!(choice, atomic::MinU, [E32 u32, E64 u64])
            }
            O::XwVamomaxuV => {
                vector_atomic!(choice, atomic::MaxU, [E32 u32, E64 u64])
            }
            O::XwVamoincV => {
                vector_atomic!(choice, atomic::Inc, [E32 u32, E64 u64])
            }
            O::XwVamodecV => {
                vector_atomic!(choice, atomic::Dec, [E32 u32, E64 u64])
            }
            O::XwVamofaddV => vector_atomic!(choice, atomic::FloatAdd, [E16 u16, E32 u32, E64 u64]),
            O::XwVamofaddBf16V => vector_atomic!(choice, atomic::Bf16Add, [E16 u16]),
            O::XwVamofaddF16x2V => vector_atomic!(choice, atomic::HalfPairAdd, [E32 u32]),
            O::XwVamofaddBf16x2V => vector_atomic!(choice, atomic::Bf16PairAdd, [E32 u32]),
            O::XwVamocasV => {
                choice.atomic_groups();
                match choice.vtype.sew {
                    Sew::E8 => return choice.width(),
                    Sew::E16 => select_cold::<VectorCompareAndSwap<u16>>(),
                    Sew::E32 => select_cold::<VectorCompareAndSwap<u32>>(),
                    Sew::E64 => select_cold::<VectorCompareAndSwap<u64>>(),
                }
            }
            O::XwVrcpV => special!(choice, Reciprocal),
            O::XwVrsqrtV => special!(choice, ReciprocalSqrt),
            O::XwVsqrtV => special!(choice, Sqrt),
            O::XwVex2V => special!(choice, Exp2),
            O::XwVlg2V => special!(choice, Log2),
            O::XwVsinV => special!(choice, Sin),
            O::XwVcosV => special!(choice, Cos),
            O::XwVtanhV => special!(choice, Tanh),
            O::XwMma => return choice.matrix(),
            _ => return None,
        };
        Some(handler)
    }

    /// Checks the operands of a vector atomic: addresses have 64 bits whatever SEW is.
    fn atomic_groups(&mut self) {
        let wider = 3 - self.vtype.sew.log2_bytes() as i8;
        self.groups(0, wider, 0);
    }

    /// `xw.mma` looks at neither `vtype` nor `vl`.
    fn matrix(&mut self) -> Option<Handler> {
        let form = MatrixForm::from_bits(self.op.imm as u16)?;
        if !matrix::groups_are_aligned(form, &self.op) {
            self.problem = Some(Problem::Group);
        }
        Some(matrix::handler(form, self.level))
    }

    fn vector_memory(&mut self) -> Option<Handler> {
        let word = self.op.word;
        let store = word & 0x7f == 0x27;
        let fields = (word >> 29) as u8 + 1;
        let width_log2 = match word >> 12 & 7 {
            0 => 0,
            5 => 1,
            6 => 2,
            _ => 3,
        };
        let mode = word >> 26 & 3;
        let submode = word >> 20 & 31;
        if mode == 0 && submode == 8 {
            // Whole registers: no vtype. The count is in the field of segment fields.
            if !self.op.rd.is_multiple_of(fields) {
                self.problem = Some(Problem::Group);
            }
            self.op.imm = i64::from(fields);
            self.op.rs3 = 1 << width_log2;
            return Some(if store {
                vec_mem::store_registers
            } else {
                vec_mem::load_registers
            });
        }
        if self.vtype.vill {
            self.problem = Some(Problem::Type);
            return None;
        }
        if mode == 0 && submode == 11 {
            return Some(if store {
                vec_mem::store_mask
            } else {
                vec_mem::load_mask
            });
        }
        let indexed = mode & 1 == 1;
        let sew_log2 = self.vtype.sew.log2_bytes() as i8;
        let lmul = self.vtype.lmul.log2();
        let (data_log2, data_lmul) = if indexed {
            (sew_log2, lmul)
        } else {
            (width_log2, width_log2 - sew_log2 + lmul)
        };
        let registers = self.group_at(self.op.rd, data_lmul);
        if fields * registers > 8 || self.op.rd + fields * registers > 32 {
            self.problem = Some(Problem::Group);
        }
        let index_lmul = width_log2 - sew_log2 + lmul;
        if indexed {
            self.group_at(self.op.rs2, index_lmul);
        }
        if !store && self.problem.is_none() {
            let index = Group::new(self.op.rs2, index_lmul);
            let clobbered = (0..fields).any(|field| {
                let data = Group::new(self.op.rd + field * registers, data_lmul);
                data.clobbers(index) || fields > 1 && data.meets(index)
            });
            if !self.op.vm && self.op.rd == 0 || indexed && clobbered {
                self.problem = Some(Problem::Overlap);
            }
        }
        self.op.imm = segment(fields, registers);
        self.op.rs3 = 1 << data_log2;
        let level = self.level;
        macro_rules! by_data {
            ($select:ident: $($kernel:ty),*) => {
                match data_log2 {
                    0 => {
                        type T = u8;
                        $select::<$($kernel),*>(level)
                    }
                    1 => {
                        type T = u16;
                        $select::<$($kernel),*>(level)
                    }
                    2 => {
                        type T = u32;
                        $select::<$($kernel),*>(level)
                    }
                    _ => {
                        type T = u64;
                        $select::<$($kernel),*>(level)
                    }
                }
            };
        }
        macro_rules! by_fields {
            ($addressing:ty, $store:literal) => {
                if fields == 1 {
                    by_data!(select_wide:
                        Move<$addressing, T, $store>, MoveWhole<$addressing, T, $store>)
                } else {
                    by_data!(select: Move<$addressing, T, $store>)
                }
            };
        }
        macro_rules! by_index {
            ($store:literal) => {{
                if fields == 1 {
                    self.kept = Some(by_data!(select_wide:
                        MoveKept<T, $store, false>, MoveKept<T, $store, true>));
                }
                match width_log2 {
                    0 => by_fields!(Indexed<u8>, $store),
                    1 => by_fields!(Indexed<u16>, $store),
                    2 => by_fields!(Indexed<u32>, $store),
                    _ => by_fields!(Indexed<u64>, $store),
                }
            }};
        }
        Some(match (mode, store) {
            (0, false) if submode == 16 => match data_log2 {
                0 => select_cold::<FaultFirst<u8>>(),
                1 => select_cold::<FaultFirst<u16>>(),
                2 => select_cold::<FaultFirst<u32>>(),
                _ => select_cold::<FaultFirst<u64>>(),
            },
            (0, false) if fields == 1 => {
                by_data!(select_wide: UnitMove<T, false, false>, UnitMove<T, false, true>)
            }
            (0, true) if fields == 1 => {
                by_data!(select_wide: UnitMove<T, true, false>, UnitMove<T, true, true>)
            }
            (0, false) => by_data!(select: Move<Unit, T, false>),
            (0, true) => by_data!(select: Move<Unit, T, true>),
            (2, false) => by_fields!(Strided, false),
            (2, true) => by_fields!(Strided, true),
            (_, false) => by_index!(false),
            (_, true) => by_index!(true),
        })
    }
}

/// Whether a word is floating-point vector arithmetic (OPFVV, OPFVF), of which there is none for
/// alternative formats.
fn is_vector_float(word: u32) -> bool {
    word & 0x7f == 0x57 && matches!(word >> 12 & 7, 1 | 5)
}

/// Whether a load or store opcode is a vector one: by its width field.
fn is_vector_memory(word: u32) -> bool {
    matches!(word >> 12 & 7, 0 | 5 | 6 | 7)
}

/// `.vi` forms whose immediate is not sign-extended.
fn has_unsigned_immediate(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::VsllVi
            | Opcode::VsrlVi
            | Opcode::VsraVi
            | Opcode::VnsrlWi
            | Opcode::VnsraWi
            | Opcode::VssrlVi
            | Opcode::VssraVi
            | Opcode::VnclipuWi
            | Opcode::VnclipWi
            | Opcode::VslideupVi
            | Opcode::VslidedownVi
            | Opcode::VrgatherVi
            | Opcode::VwsllVi
    )
}
