//! Which indexed loads and stores of a block have the same index as an earlier one.
//!
//! What the addresses of a vector have in common is the same for every instruction that uses it
//! with the same mask, whatever the scalar base; unrolled loops do so many times. The first such
//! instruction leaves what it found in one of the slots of [`Env`](crate::env::Env), and the later
//! ones of the same block take it from there: blocks are executed as a whole, by one hart.

use weft_isa::{Access, Inst, Lmul, Register, VType};

use super::{Handler, Op};

/// Indices that are kept at once.
const KEPT: usize = 4;
/// The slot of accesses that leave nothing for others.
pub(crate) const SCRATCH: u8 = KEPT as u8;
/// Number of slots.
pub(crate) const SLOTS: usize = KEPT + 1;

/// Registers of the largest group.
const GROUP_MAX: u8 = 8;
const MAJOR_LOAD: u32 = 0x07;
const MAJOR_STORE: u32 = 0x27;
const MAJOR_VECTOR: u32 = 0x57;
const MAJOR_SYSTEM: u32 = 0x73;

/// An index in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kept {
    register: u8,
    /// Registers of its group.
    group: u8,
    unmasked: bool,
    /// Field of the instruction that tells the width of the index.
    width: u32,
}

/// What the slots hold at a place in a block.
#[derive(Debug, Default)]
pub(crate) struct Reuse {
    slots: [Option<Kept>; KEPT],
    next: u8,
}

impl Reuse {
    /// Gives an op that follows those seen so far its slot, and the handler `kept` if that slot has
    /// been filled; takes note of what it does. `vtype` is the type that it executes at.
    pub(crate) fn visit(&mut self, inst: Inst, op: &mut Op, kept: Option<Handler>, vtype: VType) {
        let word = op.word;
        let (major, width) = (word & 0x7f, word >> 12 & 7);
        // Configuration and CSR instructions may change which elements are active.
        if major == MAJOR_SYSTEM || (major == MAJOR_VECTOR && width == 7) {
            *self = Self::default();
            return;
        }
        let is_vector_memory =
            matches!(major, MAJOR_LOAD | MAJOR_STORE) && matches!(width, 0 | 5 | 6 | 7);
        if let Some(kept) = kept {
            self.choose(op, kept, width, vtype);
        }
        let group = match (major, vtype.lmul) {
            // Results of widening instructions are twice as long.
            (MAJOR_VECTOR, Lmul::M2) => 4,
            (MAJOR_VECTOR, Lmul::M1 | Lmul::Mf2 | Lmul::Mf4 | Lmul::Mf8) => 2,
            (MAJOR_LOAD, _) if is_vector_memory && word >> 26 & 3 != 0 => {
                // Fields of the segment times registers of each.
                (op.imm as u8).saturating_mul((op.imm >> 8) as u8)
            }
            _ => GROUP_MAX,
        };
        inst.for_each_register(|register, access| {
            if let (Register::V(v), true) = (register, access != Access::Read) {
                self.forget(v.number(), group);
            }
        });
    }

    fn choose(&mut self, op: &mut Op, kept: Handler, width: u32, vtype: VType) {
        let width_log2 = width.saturating_sub(4) as i8;
        let group_log2 = width_log2 - vtype.sew.log2_bytes() as i8 + vtype.lmul.log2();
        let index = Kept {
            register: op.rs2,
            group: 1 << group_log2.clamp(0, 3),
            unmasked: op.vm,
            width,
        };
        if let Some(slot) = self.slots.iter().position(|&kept| kept == Some(index)) {
            op.slot = slot as u8;
            op.handler = kept;
        } else {
            op.slot = self.next;
            self.slots[usize::from(self.next)] = Some(index);
            self.next = (self.next + 1) % KEPT as u8;
        }
    }

    /// `count` registers from `first` on have changed.
    fn forget(&mut self, first: u8, count: u8) {
        for slot in &mut self.slots {
            let stale = |kept: &mut Kept| {
                let overlaps = first < kept.register + kept.group && kept.register < first + count;
                overlaps || (first == 0 && !kept.unmasked)
            };
            let _ = slot.take_if(stale);
        }
    }
}
