//! Matrix products: groups of registers around one instruction.

use super::{GROUP_VALUES_MAX, Local, Selected, Selector, forms, vector_class};
use crate::ir::{Fragments, Value};
use crate::rv::machine::{Kind, Reg};
use forms::ri;
use weft_isa::abi::FaultCode;
use weft_isa::{Inst, MatrixForm};

impl Selector<'_> {
    pub(super) fn multiply_matrices(
        &mut self,
        form: MatrixForm,
        fragments: &Fragments,
        results: &[Value],
    ) -> Selected {
        self.check_full_warp();
        let a = self.group(&fragments.a);
        let b = self.group(&fragments.b);
        // The instruction adds to what D holds. The copies cost nothing where C is not used again
        // and has registers that suit.
        let class = vector_class(self.ty(fragments.c[0]));
        let added: Vec<Reg> = fragments.c.iter().map(|&value| self.v(value)).collect();
        let d = self.m.group(class, added.len());
        for (&to, &from) in d.iter().zip(&added) {
            self.m.pseudo(Kind::Copy, &[to, from]);
        }
        self.m.pseudo(Kind::Matrix(form), &[d[0], a, b]);
        for (&result, &reg) in results.iter().zip(&d) {
            self.set_v(result, reg);
        }
        Ok(())
    }

    /// The first register of a group that holds these values. Products of a block that have an
    /// operand in common share the group.
    fn group(&mut self, values: &[Value]) -> Reg {
        if let &[value] = values {
            return self.v(value);
        }
        let mut key = [None; GROUP_VALUES_MAX];
        for (slot, &value) in key.iter_mut().zip(values) {
            *slot = Some(value);
        }
        self.cached(Local::Group(key), |this| {
            let class = vector_class(this.ty(values[0]));
            let from: Vec<Reg> = values.iter().map(|&value| this.v(value)).collect();
            let group = this.m.group(class, from.len());
            for (&to, &from) in group.iter().zip(&from) {
                this.m.pseudo(Kind::Copy, &[to, from]);
            }
            group[0]
        })
    }

    /// Faults unless every lane executes.
    pub(super) fn check_full_warp(&mut self) {
        let Some(mask) = self.effect_mask() else {
            return;
        };
        if !self.is_first(Local::FullWarp) {
            return;
        }
        // All lanes are the mask -1.
        let missing = self.op_imm(mask, 1, ri!(Addi));
        let fine = self.m.label();
        let (rs1, rs2) = (self.m.x(missing), self.m.x(Reg::ZERO));
        self.m.branch(
            Inst::Beq {
                rs1,
                rs2,
                offset: 0,
            },
            fine,
        );
        self.m.scalar(Inst::XwFault {
            code: FaultCode::PartialWarp as u16,
        });
        self.m.pseudo(Kind::Label(fine), &[]);
    }
}
