//! Special registers and barriers.

use super::forms::{r, ri, rs, vi, vv, vx};
use super::{Selected, Selector};
use crate::ir::{BarrierKind, Rows, Special, Type, Value};
use crate::rv::machine::{Kind, Reg, RegClass};
use weft_isa::{Inst, Sew, abi, csr};

impl Selector<'_> {
    pub(super) fn read_csr(&mut self, csr: u16) -> Reg {
        let reg = self.m.reg(RegClass::X);
        let (rd, rs1) = (self.m.x(reg), self.m.x(Reg::ZERO));
        self.m.scalar(Inst::Csrrs { rd, csr, rs1 });
        reg
    }

    pub(super) fn read_special(&mut self, special: Special, to: Value) -> Selected {
        let number = match special {
            Special::ThreadId(axis) => {
                let reg = self.thread_id[usize::from(axis.min(2))];
                match reg {
                    Some(reg) => self.set_v(to, reg),
                    // A one-dimensional CTA.
                    None => self.set_x(to, Reg::ZERO),
                }
                return Ok(());
            }
            Special::FirstThreadId(axis) => {
                let reg = self.first_thread_id[usize::from(axis.min(2))];
                self.set_x(to, reg.unwrap_or(Reg::ZERO));
                return Ok(());
            }
            Special::Lane => {
                let reg = self.lanes(Type::B32);
                self.set_v(to, reg);
                return Ok(());
            }
            Special::LaneMaskEqual
            | Special::LaneMaskLess
            | Special::LaneMaskLessEqual
            | Special::LaneMaskGreater
            | Special::LaneMaskGreaterEqual => {
                let reg = self.lane_mask(special);
                self.set_v(to, reg);
                return Ok(());
            }
            Special::CtaSize(axis) => abi::csr::NTID_X + u16::from(axis.min(2)),
            Special::CtaId(axis) => abi::csr::CTAID_X + u16::from(axis.min(2)),
            Special::GridSize(axis) => abi::csr::NCTAID_X + u16::from(axis.min(2)),
            Special::Warp => abi::csr::WARP,
            Special::WarpsPerCta => abi::csr::WARPS,
            Special::Core => abi::csr::CORE,
            Special::Cores => abi::csr::CORES,
            Special::Grid => abi::csr::GRID,
            Special::SharedDynamicBytes => abi::csr::SHARED_DYNAMIC_BYTES,
            Special::SharedTotalBytes => abi::csr::SHARED_TOTAL_BYTES,
            Special::Clock | Special::Clock64 => csr::CYCLE,
            Special::GlobalTimer => abi::csr::GLOBALTIMER,
        };
        let reg = self.read_csr(number);
        // Sizes and indices are below 2^31; the counters are not.
        let reg = if special == Special::Clock {
            self.canonical(Type::B32, reg)
        } else {
            reg
        };
        self.set_x(to, reg);
        Ok(())
    }

    fn lane_mask(&mut self, special: Special) -> Reg {
        let ty = Type::B32;
        let lanes = self.lanes(ty);
        let one = self.constant_v(ty, 1);
        let equal = self.vector2(ty, one, lanes, vv!(VsllVv));
        match special {
            Special::LaneMaskLess => self.vector_imm(ty, equal, -1, vi!(VaddVi)),
            Special::LaneMaskLessEqual => {
                let less = self.vector_imm(ty, equal, -1, vi!(VaddVi));
                self.vector2(ty, less, equal, vv!(VorVv))
            }
            Special::LaneMaskGreaterEqual => self.vector_imm(ty, equal, 0, vi!(VrsubVi)),
            Special::LaneMaskGreater => {
                let from = self.vector_imm(ty, equal, 0, vi!(VrsubVi));
                self.vector2(ty, from, equal, vv!(VxorVv))
            }
            _ => equal,
        }
    }

    /// Computes the thread indices that the function reads. They follow from the index of the
    /// thread in its CTA, which for a one-dimensional CTA is the first of them.
    pub(crate) fn thread_ids(&mut self, wanted: [bool; 3]) {
        if wanted == [false; 3] {
            return;
        }
        let ty = Type::B32;
        let lanes = self.lanes(ty);
        let warp = self.read_csr(abi::csr::WARP);
        let first = self.op_imm(warp, 5, rs!(Slli));
        let linear = self.vector_x(ty, lanes, first, vx!(VaddVx));
        if self.facts.rows == Rows::Line {
            self.thread_id[0] = Some(linear);
            return;
        }
        let ids: [Option<Reg>; 3] = wanted.map(|wanted| wanted.then(|| self.m.reg(RegClass::V)));
        for (axis, id) in ids.iter().enumerate() {
            let Some(id) = *id else { continue };
            if axis == 0 {
                self.m.pseudo(Kind::Copy, &[id, linear]);
            } else {
                let vd = self.m.v(id);
                self.m.vector(Sew::E32, Inst::VmvVI { vd, imm: 0 });
            }
        }
        let done = self.m.label();
        let size_y = self.read_csr(abi::csr::NTID_Y);
        let size_z = self.read_csr(abi::csr::NTID_Z);
        let layers = self.op2(size_y, size_z, r!(Mul));
        let one = self.constant_x(1);
        let (rs1, rs2) = (self.m.x(layers), self.m.x(one));
        self.m.branch(
            Inst::Beq {
                rs1,
                rs2,
                offset: 0,
            },
            done,
        );
        let size_x = self.read_csr(abi::csr::NTID_X);
        let write = |this: &mut Self, id: Reg, from: Reg| this.m.pseudo(Kind::Copy, &[id, from]);
        if let Some(id) = ids[0] {
            let x = self.vector_x(ty, linear, size_x, vx!(VremuVx));
            write(self, id, x);
        }
        if ids[1].is_some() || ids[2].is_some() {
            let row = self.vector_x(ty, linear, size_x, vx!(VdivuVx));
            if let Some(id) = ids[1] {
                let y = self.vector_x(ty, row, size_y, vx!(VremuVx));
                write(self, id, y);
            }
            if let Some(id) = ids[2] {
                let z = self.vector_x(ty, row, size_y, vx!(VdivuVx));
                write(self, id, z);
            }
        }
        self.m.pseudo(Kind::Label(done), &[]);
        self.thread_id = ids;
        // What was computed behind the branch may not have been.
        self.begin_block();
    }

    /// Computes the thread indices of lane 0 that the function reads.
    pub(crate) fn first_thread_ids(&mut self, wanted: [bool; 3]) {
        if wanted == [false; 3] {
            return;
        }
        let warp = self.read_csr(abi::csr::WARP);
        let linear = self.op_imm(warp, 5, rs!(Slli));
        if self.facts.rows == Rows::Line {
            self.first_thread_id[0] = Some(linear);
            return;
        }
        let size_x = self.read_csr(abi::csr::NTID_X);
        if wanted[0] {
            self.first_thread_id[0] = Some(self.op2(linear, size_x, r!(Remu)));
        }
        if wanted[1] || wanted[2] {
            let row = self.op2(linear, size_x, r!(Divu));
            let size_y = self.read_csr(abi::csr::NTID_Y);
            if wanted[1] {
                self.first_thread_id[1] = Some(self.op2(row, size_y, r!(Remu)));
            }
            if wanted[2] {
                self.first_thread_id[2] = Some(self.op2(row, size_y, r!(Divu)));
            }
        }
    }

    pub(super) fn barrier(
        &mut self,
        kind: BarrierKind,
        id: Value,
        threads: Option<Value>,
        pred: Option<Value>,
        result: Option<Value>,
    ) -> Selected {
        let uniform =
            !self.is_divergent(id) && threads.is_none_or(|value| !self.is_divergent(value));
        if !uniform {
            return self
                .unsupported("barrier chosen by a value that differs between threads".to_owned());
        }
        self.check_converged();
        let id = self.x(id);
        let warps = match threads {
            None => Reg::ZERO,
            Some(threads) => {
                let threads = self.x(threads);
                let up = self.op_imm(threads, 31, ri!(Addi));
                self.op_imm(up, 5, rs!(Srli))
            }
        };
        let (rs1, rs2) = (id, warps);
        match kind {
            BarrierKind::Sync => {
                let (rs1, rs2) = (self.m.x(rs1), self.m.x(rs2));
                self.m.scalar(Inst::XwBarSync { rs1, rs2 });
            }
            BarrierKind::Arrive => {
                let (rs1, rs2) = (self.m.x(rs1), self.m.x(rs2));
                self.m.scalar(Inst::XwBarArrive { rs1, rs2 });
            }
            BarrierKind::CountPred => {
                let mask = match pred {
                    Some(pred) => self.mask(pred),
                    None => {
                        return self
                            .unsupported("barrier reduction without a predicate".to_owned());
                    }
                };
                let mask = self.op2(mask, self.exec, r!(And));
                let to = self.m.reg(RegClass::X);
                let (rd, rs1) = (self.m.x(to), self.m.x(rs1));
                let (rs2, rs3) = (self.m.x(rs2), self.m.x(mask));
                self.m.scalar(Inst::XwBarPopc { rd, rs1, rs2, rs3 });
                if let Some(result) = result {
                    self.set_x(result, to);
                }
            }
        }
        Ok(())
    }

    /// Faults unless all lanes that have not exited execute.
    fn check_converged(&mut self) {
        let Some(live) = self.live else { return };
        let fine = self.m.label();
        let (rs1, rs2) = (self.m.x(self.exec), self.m.x(live));
        self.m.branch(
            Inst::Beq {
                rs1,
                rs2,
                offset: 0,
            },
            fine,
        );
        self.m.scalar(Inst::XwFault {
            code: abi::FaultCode::DivergentBarrier as u16,
        });
        self.m.pseudo(Kind::Label(fine), &[]);
    }
}
