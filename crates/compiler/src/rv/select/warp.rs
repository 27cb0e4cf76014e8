//! Exchange between the lanes of a warp.

use super::forms::{r, ri, vu, vv, vx};
use super::{Selected, Selector};
use crate::analysis::divergence::is_broadcast;
use crate::ir::{ReduceOp, ShuffleMode, Type, Value, VoteMode};
use crate::rv::machine::{Kind, Reg, RegClass};
use weft_isa::{Inst, Sew};

impl Selector<'_> {
    /// `shfl.sync`, PTX ISA 9.7.9: the source lane is computed within the segment that the
    /// upper five bits of `c` name, and clamped by its lower five.
    pub(super) fn shuffle(
        &mut self,
        mode: ShuffleMode,
        value: Value,
        b: Value,
        c: Value,
        to: Value,
        in_range: Value,
    ) -> Selected {
        let ty = Type::B32;
        if mode == ShuffleMode::Index && is_broadcast(self.constant(c)) {
            return if self.is_divergent(b) {
                let source = self.lane_operand(b);
                self.gather_lanes(value, source, to, in_range)
            } else {
                self.broadcast(value, b, to, in_range)
            };
        }
        let lanes = self.lanes(ty);
        // Bounds of the lane's segment.
        let (first, last, whole) = match self.constant(c) {
            Some(c) => {
                let (clamp, segment) = (c & 31, c >> 8 & 31);
                let keep = i64::try_from(segment).expect("five bits");
                let first = if segment == 0 {
                    self.constant_v(ty, 0)
                } else {
                    let keep = self.constant_x(keep);
                    self.vector_x(ty, lanes, keep, vx!(VandVx))
                };
                let within = i32::try_from(clamp & !segment).expect("five bits");
                let last = if segment == 0 {
                    self.constant_v(ty, clamp)
                } else {
                    let within = self.constant_x(i64::from(within));
                    self.vector_x(ty, first, within, vx!(VorVx))
                };
                (first, last, segment == 0)
            }
            None => {
                let c = self.v(c);
                let mask = self.constant_x(31);
                let high = self.vector_imm(ty, c, 8, vu!(VsrlVi));
                let segment = self.vector_x(ty, high, mask, vx!(VandVx));
                let clamp = self.vector_x(ty, c, mask, vx!(VandVx));
                let first = self.vector2(ty, lanes, segment, vv!(VandVv));
                let outside = self.vector2(ty, clamp, segment, vv!(VandnVv));
                let last = self.vector2(ty, first, outside, vv!(VorVv));
                (first, last, false)
            }
        };
        let delta = self.lane_operand(b);
        let source = match mode {
            ShuffleMode::Up => self.vector2(ty, lanes, delta, vv!(VsubVv)),
            ShuffleMode::Down => self.vector2(ty, lanes, delta, vv!(VaddVv)),
            ShuffleMode::Butterfly => self.vector2(ty, lanes, delta, vv!(VxorVv)),
            ShuffleMode::Index if whole => delta,
            ShuffleMode::Index => {
                // Bits of the index inside the segment; the rest is the segment's.
                let segment = match self.constant(c) {
                    Some(c) => self.constant_v(ty, c >> 8 & 31),
                    None => {
                        let c = self.v(c);
                        let mask = self.constant_x(31);
                        let high = self.vector_imm(ty, c, 8, vu!(VsrlVi));
                        self.vector_x(ty, high, mask, vx!(VandVx))
                    }
                };
                let inside = self.vector2(ty, delta, segment, vv!(VandnVv));
                self.vector2(ty, first, inside, vv!(VorVv))
            }
        };
        // Up: the clamp is the least lane, 0 in what compilers write.
        if mode == ShuffleMode::Up {
            self.compare2(ty, last, source, vv!(VmsleVv));
        } else {
            self.compare2(ty, source, last, vv!(VmsleVv));
        }
        let valid = self.take_v0();
        let source = self.merge(ty, Some(valid), source, lanes);
        let data = self.v(value);
        let reg = self.m.reg(RegClass::V);
        let inst = Inst::VrgatherVv {
            vd: self.m.v(reg),
            vs2: self.m.v(data),
            vs1: self.m.v(source),
            vm: true,
        };
        self.m.early(Sew::E32, inst);
        self.set_v(to, reg);
        self.set_mask(in_range, valid);
        Ok(())
    }

    /// Each lane gets what the lane in its element of `source` has: all are in range.
    fn gather_lanes(&mut self, value: Value, source: Reg, to: Value, in_range: Value) -> Selected {
        let data = self.v(value);
        let reg = self.m.reg(RegClass::V);
        let inst = Inst::VrgatherVv {
            vd: self.m.v(reg),
            vs2: self.m.v(data),
            vs1: self.m.v(source),
            vm: true,
        };
        self.m.early(Sew::E32, inst);
        self.set_v(to, reg);
        let all = self.constant_x(-1);
        let all = self.copy_x(all);
        self.set_mask(in_range, all);
        Ok(())
    }

    /// The low five bits of the lane operand in every lane.
    fn lane_operand(&mut self, b: Value) -> Reg {
        if let Some(constant) = self.constant(b) {
            return self.constant_v(Type::B32, constant & 31);
        }
        let b = self.v(b);
        let mask = self.constant_x(31);
        self.vector_x(Type::B32, b, mask, vx!(VandVx))
    }

    /// One lane's value for all.
    fn broadcast(&mut self, value: Value, b: Value, to: Value, in_range: Value) -> Selected {
        let data = self.v(value);
        let index = self.x(b);
        let index = self.op_imm(index, 31, ri!(Andi));
        let reg = self.m.reg(RegClass::V);
        let inst = Inst::VrgatherVx {
            vd: self.m.v(reg),
            vs2: self.m.v(data),
            rs1: self.m.x(index),
            vm: true,
        };
        self.m.early(Sew::E32, inst);
        self.set_v(to, reg);
        let all = self.constant_x(-1);
        let all = self.copy_x(all);
        self.set_mask(in_range, all);
        Ok(())
    }

    /// Lanes that execute and are named by a uniform member mask.
    fn participants(&mut self, members: Value) -> Reg {
        if self.signed_constant(members) == Some(-1) {
            return self.exec;
        }
        let members = self.x(members);
        self.op2(self.exec, members, r!(And))
    }

    pub(super) fn vote(
        &mut self,
        mode: VoteMode,
        pred: Value,
        members: Value,
        to: Value,
    ) -> Selected {
        if self.is_divergent(members) {
            self.vote_in_groups(mode, pred, members, to);
            return Ok(());
        }
        let lanes = self.participants(members);
        let mask = self.mask(pred);
        match mode {
            VoteMode::Ballot => {
                let reg = self.op2(lanes, mask, r!(And));
                self.set_x(to, reg);
            }
            VoteMode::Any => {
                let found = self.op2(lanes, mask, r!(And));
                let reg = self.is_not_zero(found);
                self.set_x(to, reg);
            }
            VoteMode::All => {
                let missing = self.op2(lanes, mask, r!(Andn));
                let reg = self.is_zero(missing);
                self.set_x(to, reg);
            }
            VoteMode::Uniform => {
                let found = self.op2(lanes, mask, r!(And));
                let missing = self.op2(lanes, mask, r!(Andn));
                let (none, all) = (self.is_zero(found), self.is_zero(missing));
                let reg = self.op2(none, all, r!(Or));
                self.set_x(to, reg);
            }
        }
        Ok(())
    }

    /// A vote in which each lane names its own group: what all lanes say, cut to the group.
    fn vote_in_groups(&mut self, mode: VoteMode, pred: Value, members: Value, to: Value) {
        let mask = self.mask(pred);
        let members = self.v(members);
        let ty = Type::B32;
        let found = self.op2(self.exec, mask, r!(And));
        let found = self.vector_x(ty, members, found, vx!(VandVx));
        if mode == VoteMode::Ballot {
            self.set_v(to, found);
            return;
        }
        let missing = self.op2(self.exec, mask, r!(Andn));
        let missing = self.vector_x(ty, members, missing, vx!(VandVx));
        let any = {
            self.compare_x(ty, found, Reg::ZERO, vx!(VmsneVx));
            self.take_v0()
        };
        let all = {
            self.compare_x(ty, missing, Reg::ZERO, vx!(VmseqVx));
            self.take_v0()
        };
        let result = match mode {
            VoteMode::Any | VoteMode::Ballot => any,
            VoteMode::All => all,
            VoteMode::Uniform => {
                let some = self.op2(any, all, r!(Andn));
                self.op1(some, |rd, rs1| Inst::Xori { rd, rs1, imm: -1 })
            }
        };
        self.set_mask(to, result);
    }

    pub(super) fn reduce(
        &mut self,
        op: ReduceOp,
        value: Value,
        members: Value,
        to: Value,
    ) -> Selected {
        if self.is_divergent(members) {
            self.reduce_in_groups(op, value, members, to);
            return Ok(());
        }
        let lanes = self.participants(members);
        let data = self.v(value);
        let x = self.reduce_lanes(op, data, lanes);
        self.set_x(to, x);
        Ok(())
    }

    /// A reduction in which each lane names its own group: group after group.
    fn reduce_in_groups(&mut self, op: ReduceOp, value: Value, members: Value, to: Value) {
        let ty = Type::B32;
        let members = self.v(members);
        let members = self.copy_v(RegClass::V, members);
        let data = self.v(value);
        let data = self.copy_v(RegClass::V, data);
        let none = self.constant_v(ty, 0);
        let result = self.copy_v(RegClass::V, none);
        let left = self.copy_x(self.exec);
        let again = self.m.label();
        self.m.pseudo(Kind::LoopBegin, &[]);
        self.m.pseudo(Kind::Label(again), &[]);
        self.begin_block();
        let same = self.lanes_equal_to_first(ty, members, left);
        let group = self.op2(same, left, r!(And));
        let x = self.reduce_lanes(op, data, group);
        let next = self.merge_x(ty, Some(group), x, result);
        self.m.pseudo(Kind::Copy, &[result, next]);
        let rest = self.op2(left, group, r!(Andn));
        self.m.pseudo(Kind::Copy, &[left, rest]);
        let (rs1, rs2) = (self.m.x(left), self.m.x(Reg::ZERO));
        self.m.branch(
            Inst::Bne {
                rs1,
                rs2,
                offset: 0,
            },
            again,
        );
        self.m.pseudo(Kind::LoopEnd, &[]);
        self.begin_block();
        self.set_v(to, result);
    }

    /// The reduction of the elements of some lanes, as a scalar.
    fn reduce_lanes(&mut self, op: ReduceOp, data: Reg, lanes: Reg) -> Reg {
        let ty = Type::B32;
        let neutral: u64 = match op {
            ReduceOp::Add | ReduceOp::Or | ReduceOp::Xor | ReduceOp::MaxUnsigned => 0,
            ReduceOp::And | ReduceOp::MinUnsigned => 0xffff_ffff,
            ReduceOp::MinSigned => 0x7fff_ffff,
            ReduceOp::MaxSigned => 0x8000_0000,
        };
        let neutral = self.constant_v(ty, neutral);
        let reg = self.m.reg(RegClass::V);
        let (vd, vs2, vs1) = (self.m.v(reg), self.m.v(data), self.m.v(neutral));
        let vm = false;
        self.m.masked(
            Sew::E32,
            Some(lanes),
            false,
            match op {
                ReduceOp::Add => Inst::VredsumVs { vd, vs2, vs1, vm },
                ReduceOp::MinSigned => Inst::VredminVs { vd, vs2, vs1, vm },
                ReduceOp::MaxSigned => Inst::VredmaxVs { vd, vs2, vs1, vm },
                ReduceOp::MinUnsigned => Inst::VredminuVs { vd, vs2, vs1, vm },
                ReduceOp::MaxUnsigned => Inst::VredmaxuVs { vd, vs2, vs1, vm },
                ReduceOp::And => Inst::VredandVs { vd, vs2, vs1, vm },
                ReduceOp::Or => Inst::VredorVs { vd, vs2, vs1, vm },
                ReduceOp::Xor => Inst::VredxorVs { vd, vs2, vs1, vm },
            },
        );
        self.extract(ty, reg)
    }

    /// `match.sync`: goes through the distinct values, each time serving the lanes that hold
    /// the value of the first lane left.
    pub(super) fn match_values(
        &mut self,
        all: bool,
        value: Value,
        members: Value,
        mask: Value,
        equal: Value,
    ) -> Selected {
        // Lanes that name groups of their own compare with all, and keep what is in the group.
        let own = self.is_divergent(members).then(|| self.v(members));
        let lanes = match own {
            Some(_) => self.exec,
            None => self.participants(members),
        };
        let ty = self.ty(value);
        let data = self.v(value);
        if all && own.is_none() {
            let same = self.lanes_equal_to_first(ty, data, lanes);
            let differing = self.op2(lanes, same, r!(Andn));
            let is_equal = self.is_zero(differing);
            let result = self.op2(lanes, is_equal, r!(CzeroEqz));
            self.set_x(mask, result);
            if self.is_divergent(equal) {
                let as_mask = self.op2(Reg::ZERO, is_equal, r!(Sub));
                self.set_mask(equal, as_mask);
            } else {
                self.set_x(equal, is_equal);
            }
            return Ok(());
        }
        let (left, result) = (self.copy_x(lanes), self.constant_v(Type::B32, 0));
        let result = self.copy_v(RegClass::V, result);
        let data = self.copy_v(super::vector_class(ty), data);
        let own = own.map(|own| self.copy_v(RegClass::V, own));
        let (again, done) = (self.m.label(), self.m.label());
        self.m.pseudo(Kind::LoopBegin, &[]);
        self.m.pseudo(Kind::Label(again), &[]);
        self.begin_block();
        let same = self.lanes_equal_to_first(ty, data, left);
        let group = self.op2(same, left, r!(And));
        let next = self.merge_x(Type::B32, Some(group), group, result);
        self.m.pseudo(Kind::Copy, &[result, next]);
        let rest = self.op2(left, group, r!(Andn));
        self.m.pseudo(Kind::Copy, &[left, rest]);
        let (rs1, rs2) = (self.m.x(left), self.m.x(Reg::ZERO));
        self.m.branch(
            Inst::Bne {
                rs1,
                rs2,
                offset: 0,
            },
            again,
        );
        self.m.pseudo(Kind::LoopEnd, &[]);
        self.m.pseudo(Kind::Label(done), &[]);
        self.begin_block();
        let Some(own) = own else {
            self.set_v(mask, result);
            let everyone = self.copy_x(Reg::ZERO);
            self.set_mask(equal, everyone);
            return Ok(());
        };
        let same = self.vector2(Type::B32, result, own, vv!(VandVv));
        let present = self.vector_x(Type::B32, own, lanes, vx!(VandVx));
        self.compare2(Type::B32, same, present, vv!(VmseqVv));
        let whole = self.take_v0();
        if all {
            let none = self.constant_v(Type::B32, 0);
            let result = self.merge(Type::B32, Some(whole), same, none);
            self.set_v(mask, result);
            self.set_mask(equal, whole);
        } else {
            self.set_v(mask, same);
            let everyone = self.copy_x(Reg::ZERO);
            self.set_mask(equal, everyone);
        }
        Ok(())
    }

    /// Lanes whose element equals that of the first lane of a mask that is not empty.
    fn lanes_equal_to_first(&mut self, ty: Type, data: Reg, mask: Reg) -> Reg {
        let lane = self.op1(mask, |rd, rs1| Inst::Ctzw { rd, rs1 });
        let first = self.m.reg(super::vector_class(ty));
        let inst = Inst::VslidedownVx {
            vd: self.m.v(first),
            vs2: self.m.v(data),
            rs1: self.m.x(lane),
            vm: true,
        };
        self.m.vector(super::sew(ty), inst);
        let scalar = self.extract(ty, first);
        self.compare_x(ty, data, scalar, vx!(VmseqVx));
        self.take_v0()
    }

    /// Calls the target of each lane: lanes with the same one together.
    pub(super) fn call_indirect(&mut self, target: Value) -> Selected {
        if !self.is_divergent(target) {
            let address = self.x(target);
            self.enter_callee(self.exec);
            self.m.pseudo(Kind::CallIndirect, &[address]);
            self.leave_callee(self.exec);
            self.skip_if_empty();
            return Ok(());
        }
        let data = self.v(target);
        let data = self.copy_v(RegClass::V2, data);
        let left = self.copy_x(self.exec);
        let again = self.m.label();
        self.m.pseudo(Kind::LoopBegin, &[]);
        self.m.pseudo(Kind::Label(again), &[]);
        self.begin_block();
        let lane = self.op1(left, |rd, rs1| Inst::Ctzw { rd, rs1 });
        let first = self.m.reg(RegClass::V2);
        let inst = Inst::VslidedownVx {
            vd: self.m.v(first),
            vs2: self.m.v(data),
            rs1: self.m.x(lane),
            vm: true,
        };
        self.m.vector(Sew::E64, inst);
        let address = self.extract(Type::B64, first);
        self.compare_x(Type::B64, data, address, vx!(VmseqVx));
        let same = self.take_v0();
        let group = self.op2(same, left, r!(And));
        let rest = self.op2(left, group, r!(Andn));
        self.m.pseudo(Kind::Copy, &[left, rest]);
        self.enter_callee(group);
        self.m.pseudo(Kind::CallIndirect, &[address]);
        self.leave_callee(group);
        let (rs1, rs2) = (self.m.x(left), self.m.x(Reg::ZERO));
        self.m.branch(
            Inst::Bne {
                rs1,
                rs2,
                offset: 0,
            },
            again,
        );
        self.m.pseudo(Kind::LoopEnd, &[]);
        self.begin_block();
        self.skip_if_empty();
        Ok(())
    }
}
