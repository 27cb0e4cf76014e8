//! From a decoded instruction to an [`Op`]: which body executes it at the current `vtype`.
//!
//! The one place that lists which instructions are executed. What the instruction table has
//! and this list has not is an illegal instruction that names it.

#[macro_use]
mod by_sew;
mod immediate;
mod operands;
mod scalar;
mod vector_float;
mod vector_integer;
mod vector_memory;
mod vector_permute;
mod xweft;

use std::cell::Cell;

use weft_isa::{Inst, Opcode, VType, csr};

use super::access::FIRST_INTERVAL;
use super::reuse::SCRATCH;
use super::{Env, Flow, Handler, Hart, Level, Op, illegal, vec_config, vec_perm as perm, zvt};
use crate::fault::FaultKind;
use immediate::is_vector_memory;
use operands::{Choice, Problem};

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
        cache: Cell::new(FIRST_INTERVAL),
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

impl Choice {
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
            | Opcode::Fence
            | Opcode::FenceTso
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

    fn vector(&mut self) -> Option<Handler> {
        use Opcode as O;
        let choice = self;
        match choice.opcode {
            O::Vsetvli => return Some(vec_config::vsetvli),
            O::Vsetivli => return Some(vec_config::vsetivli),
            O::Vsetvl => return Some(vec_config::vsetvl),
            O::XwMma => return choice.matrix(),
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
            _ => {}
        }
        choice
            .vector_integer()
            .or_else(|| choice.vector_fixed())
            .or_else(|| choice.vector_float())
            .or_else(|| choice.vector_convert())
            .or_else(|| choice.vector_permute())
            .or_else(|| choice.xweft())
    }
}

/// Whether a word is floating-point vector arithmetic (OPFVV, OPFVF), of which there is none for
/// alternative formats.
fn is_vector_float(word: u32) -> bool {
    word & 0x7f == 0x57 && matches!(word >> 12 & 7, 1 | 5)
}
