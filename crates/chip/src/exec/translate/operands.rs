//! An op in the making, and the rules of V 3.4 and 5.2 for its groups of registers.

use weft_isa::{Class, Opcode, Sew, VType};

use super::super::{Handler, Level, Op};

/// What makes a vector instruction illegal at a vector type.
#[derive(Clone, Copy)]
pub(super) enum Problem {
    Type,
    Width,
    Group,
    Overlap,
}

/// An op in the making.
pub(super) struct Choice {
    pub(super) op: Op,
    pub(super) opcode: Opcode,
    pub(super) vtype: VType,
    pub(super) level: Level,
    pub(super) problem: Option<Problem>,
    pub(super) kept: Option<Handler>,
}

/// EMUL of a mask register.
pub(super) const MASK: i8 = 0;

/// Registers of an operand.
#[derive(Clone, Copy)]
pub(super) struct Group {
    first: u8,
    /// Base-2 logarithm of EMUL.
    log2: i8,
}

impl Group {
    pub(super) fn new(first: u8, log2: i8) -> Self {
        Self { first, log2 }
    }

    pub(super) fn end(self) -> u8 {
        self.first + (1 << self.log2.clamp(0, 3))
    }

    pub(super) fn meets(self, other: Self) -> bool {
        self.first < other.end() && other.first < self.end()
    }

    /// Whether writing this group, in order, may destroy elements of `source` before they are
    /// read (V 5.2): groups of different EMUL may only share the lowest registers of the larger
    /// source, or the highest of the larger destination.
    pub(super) fn clobbers(self, source: Self) -> bool {
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
pub(super) const NONE: i8 = i8::MIN;

impl Choice {
    /// The form of a vector instruction has `vs1`.
    pub(super) fn is_vv(&self) -> bool {
        matches!(self.op.word >> 12 & 7, 0..=2)
    }

    pub(super) fn width(&mut self) -> Option<Handler> {
        self.problem = Some(Problem::Width);
        None
    }

    /// Whether there is a floating-point format of SEW; otherwise a problem.
    pub(super) fn float_width(&mut self) -> Option<()> {
        if self.vtype.sew == Sew::E8 {
            self.problem = Some(Problem::Width);
            return None;
        }
        Some(())
    }

    pub(super) fn group_at(&mut self, register: u8, log2: i8) -> u8 {
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
    pub(super) fn groups(&mut self, vd: i8, vs2: i8, vs1: i8) {
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
    pub(super) fn apart(&mut self, vs1: Option<i8>) {
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
    pub(super) fn apart_from_mask(&mut self, vd: i8) {
        let meets = Group::new(self.op.rd, vd).meets(Group::new(self.op.rs2, MASK));
        if meets || !self.op.vm && self.op.rd == 0 {
            self.problem = self.problem.or(Some(Problem::Overlap));
        }
    }
}
