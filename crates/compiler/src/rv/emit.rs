//! Machine code with registers allocated to bytes.
//!
//! Pseudo-instructions become instructions, branches get their distances, and calls are left
//! to be filled in when all functions have their places. A branch beyond the reach of its
//! form becomes the opposite branch around a jump, and a jump beyond its reach `auipc` and `jalr`.

use super::machine::{Kind, Label, Machine, MachineInst, Reg};
use crate::image::LineEntry;
use crate::ir::{FunctionId, Location};
use weft_isa::{F, Inst, Register, V, X};

/// Code of a function, without the addresses of others.
#[derive(Debug, Default)]
pub(crate) struct Code {
    pub(crate) words: Vec<u32>,
    /// Pairs of `auipc` and a second instruction, by index of the first, whose distance is
    /// that to a function.
    pub(crate) links: Vec<(usize, FunctionId)>,
    pub(crate) lines: Vec<LineEntry>,
    /// Bytes of its stack frame: a multiple of 16.
    pub(crate) stack_bytes: u32,
}

/// How far the code of a branch or jump reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// 4 KiB for a branch.
    Branch,
    /// 1 MiB: `jal`.
    Jump,
    /// 2 GiB: `auipc` and `jalr`.
    Far,
}

/// The code of a function is longer than any jump reaches (2 GiB).
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooLong;

/// Emits a function whose registers are all physical.
pub(crate) fn emit(machine: &Machine, is_kernel: bool) -> Result<Code, TooLong> {
    let makes_calls = machine.code.iter().any(MachineInst::is_call);
    let mut offset = 0u32;
    let slots: Vec<u32> = machine
        .slots
        .iter()
        .map(|bytes| {
            let at = offset;
            offset += bytes;
            at
        })
        .collect();
    let saves_link = makes_calls && !is_kernel;
    let link_slot = offset;
    if saves_link {
        offset += 8;
    }
    let stack_bytes = offset.next_multiple_of(16);
    let mut reaches: Vec<Reach> = machine
        .code
        .iter()
        .map(|inst| match inst.kind {
            Kind::Jump(_) => Reach::Jump,
            _ => Reach::Branch,
        })
        .collect();
    loop {
        let mut emitter = Emitter {
            code: Code {
                stack_bytes,
                ..Code::default()
            },
            labels: vec![None; machine.labels as usize],
            fixups: Vec::new(),
            slots: &slots,
            link_slot: saves_link.then_some(link_slot),
        };
        emitter.prologue();
        for (at, inst) in machine.code.iter().enumerate() {
            emitter.locate(inst.location);
            emitter.inst(inst, at, reaches[at]);
        }
        // Branches that do not reach are made long, and everything is placed again.
        let too_far = emitter.resolve()?;
        if too_far.is_empty() {
            return Ok(emitter.code);
        }
        for at in too_far {
            reaches[at] = match reaches[at] {
                Reach::Branch => Reach::Jump,
                Reach::Jump | Reach::Far => Reach::Far,
            };
        }
    }
}

/// A branch or jump to fill in: index of its word, of its instruction, its target.
#[derive(Clone, Copy, Debug)]
struct Fixup {
    word: usize,
    inst: usize,
    target: Label,
}

struct Emitter<'a> {
    code: Code,
    labels: Vec<Option<usize>>,
    fixups: Vec<Fixup>,
    slots: &'a [u32],
    link_slot: Option<u32>,
}

/// What `lui` or `auipc` adds, and the 12 bits after it, that make up a 32-bit distance.
pub(crate) const fn split_distance(distance: i32) -> (i32, i32) {
    let low = (distance << 20) >> 20;
    (distance.wrapping_sub(low), low)
}

impl Emitter<'_> {
    fn word(&mut self, inst: Inst) {
        self.code.words.push(inst.encode());
    }

    fn locate(&mut self, location: Location) {
        let offset = self.code.words.len() as u64 * 4;
        if location == Location::default()
            || self
                .code
                .lines
                .last()
                .is_some_and(|line| line.location == location)
        {
            return;
        }
        if self
            .code
            .lines
            .last()
            .is_some_and(|line| line.offset == offset)
        {
            self.code.lines.pop();
        }
        self.code.lines.push(LineEntry { offset, location });
    }

    fn prologue(&mut self) {
        let bytes = i64::from(self.code.stack_bytes);
        self.add(X::SP, X::SP, -bytes);
        if let Some(slot) = self.link_slot {
            self.stack_access(slot, |imm, rs1| Inst::Sd {
                rs2: X::RA,
                imm,
                rs1,
            });
        }
    }

    fn epilogue(&mut self) {
        if let Some(slot) = self.link_slot {
            self.stack_access(slot, |imm, rs1| Inst::Ld {
                rd: X::RA,
                imm,
                rs1,
            });
        }
        let bytes = i64::from(self.code.stack_bytes);
        self.add(X::SP, X::SP, bytes);
        self.word(Inst::Jalr {
            rd: X::ZERO,
            imm: 0,
            rs1: X::RA,
        });
    }

    /// `rd = rs1 + amount`, through `gp` if it is large, which nothing else uses.
    fn add(&mut self, rd: X, rs1: X, amount: i64) {
        if amount == 0 && rd == rs1 {
            return;
        }
        match super::select::immediate(amount) {
            Some(imm) => self.word(Inst::Addi { rd, rs1, imm }),
            None => {
                self.constant(X::GP, amount);
                self.word(Inst::Add {
                    rd,
                    rs1,
                    rs2: X::GP,
                });
            }
        }
    }

    fn stack_access(&mut self, slot: u32, make: impl Fn(i32, X) -> Inst) {
        match super::select::immediate(i64::from(slot)) {
            Some(imm) => self.word(make(imm, X::SP)),
            None => {
                self.add(X::GP, X::SP, i64::from(slot));
                self.word(make(0, X::GP));
            }
        }
    }

    /// Loads a constant: the usual sequences of `lui`, `addi` and shifts.
    fn constant(&mut self, rd: X, value: i64) {
        if let Some(imm) = super::select::immediate(value) {
            self.word(Inst::Addi {
                rd,
                rs1: X::ZERO,
                imm,
            });
            return;
        }
        if let Ok(word) = i32::try_from(value) {
            let (imm, low) = split_distance(word);
            self.word(Inst::Lui { rd, imm });
            if low != 0 {
                self.word(Inst::Addiw {
                    rd,
                    rs1: rd,
                    imm: low,
                });
            }
            return;
        }
        if value.cast_unsigned().is_power_of_two() {
            let shamt = u8::try_from(value.trailing_zeros()).expect("below 64");
            self.word(Inst::Bseti {
                rd,
                rs1: X::ZERO,
                shamt,
            });
            return;
        }
        // The low 12 bits are added to the rest, which is loaded without its trailing zeros.
        let low = (value << 52) >> 52;
        let rest = value.wrapping_sub(low);
        let zeros = rest.trailing_zeros();
        self.constant(rd, rest >> zeros);
        let shamt = u8::try_from(zeros).expect("below 64");
        self.word(Inst::Slli { rd, rs1: rd, shamt });
        if low != 0 {
            let imm = i32::try_from(low).expect("12 bits");
            self.word(Inst::Addi { rd, rs1: rd, imm });
        }
    }

    fn inst(&mut self, inst: &MachineInst, at: usize, reach: Reach) {
        let x = |reg: Reg| match reg.physical() {
            Some(Register::X(x)) => x,
            other => unreachable!("an integer register, not {other:?}"),
        };
        match inst.kind {
            Kind::Inst(template) => {
                let placed = self.placed(inst, template);
                self.word(placed);
            }
            Kind::Branch(template, target) => {
                let mut placed = self.placed(inst, template);
                if reach == Reach::Branch {
                    self.fixups.push(Fixup {
                        word: self.code.words.len(),
                        inst: at,
                        target,
                    });
                } else {
                    placed = opposite(placed, if reach == Reach::Jump { 8 } else { 12 });
                }
                self.word(placed);
                if reach != Reach::Branch {
                    self.jump(at, target, reach);
                }
            }
            Kind::Jump(target) => self.jump(at, target, reach),
            Kind::Label(Label(label)) => {
                self.labels[label as usize] = Some(self.code.words.len());
            }
            Kind::Constant(value) => self.constant(x(inst.regs[0]), value),
            Kind::Copy => self.copy(inst),
            Kind::Undefined | Kind::LoopBegin | Kind::LoopEnd => {}
            Kind::Call(function) => {
                self.code.links.push((self.code.words.len(), function));
                self.word(Inst::Auipc { rd: X::RA, imm: 0 });
                self.word(Inst::Jalr {
                    rd: X::RA,
                    imm: 0,
                    rs1: X::RA,
                });
            }
            Kind::CallIndirect => self.word(Inst::Jalr {
                rd: X::RA,
                imm: 0,
                rs1: x(inst.regs[0]),
            }),
            Kind::CallEnvironment => self.word(Inst::Ecall),
            Kind::FunctionAddress(function) => {
                let rd = x(inst.regs[0]);
                self.code.links.push((self.code.words.len(), function));
                self.word(Inst::Auipc { rd, imm: 0 });
                self.word(Inst::Addi {
                    rd,
                    rs1: rd,
                    imm: 0,
                });
            }
            Kind::Matrix(form) => {
                let v = |reg: Reg| match reg.physical() {
                    Some(Register::V(v)) => v,
                    other => unreachable!("a vector register, not {other:?}"),
                };
                let [vd, vs2, vs1] = [inst.regs[0], inst.regs[1], inst.regs[2]].map(v);
                self.word(Inst::XwMma { form, vd, vs2, vs1 });
            }
            Kind::Return => self.epilogue(),
            Kind::Spill(slot) => self.spill(inst, self.slots[slot.0 as usize], true),
            Kind::Reload(slot) => self.spill(inst, self.slots[slot.0 as usize], false),
        }
    }

    fn placed(&self, inst: &MachineInst, template: Inst) -> Inst {
        template.map_registers(|register| {
            let number = match register {
                Register::X(x) => x.number(),
                Register::F(f) => f.number(),
                Register::V(v) => v.number(),
            };
            match usize::from(number).checked_sub(1) {
                Some(slot) => inst.regs[slot]
                    .physical()
                    .expect("allocation replaced every virtual register"),
                None => register,
            }
        })
    }

    /// A jump; a far one goes through `gp`, which nothing else uses across instructions.
    fn jump(&mut self, at: usize, target: Label, reach: Reach) {
        self.fixups.push(Fixup {
            word: self.code.words.len(),
            inst: at,
            target,
        });
        if reach == Reach::Far {
            self.word(Inst::Auipc { rd: X::GP, imm: 0 });
            self.word(Inst::Jalr {
                rd: X::ZERO,
                imm: 0,
                rs1: X::GP,
            });
        } else {
            self.word(Inst::Jal {
                rd: X::ZERO,
                offset: 0,
            });
        }
    }

    fn copy(&mut self, inst: &MachineInst) {
        let [to, from, ..] = inst.regs;
        if to == from {
            return;
        }
        let pair = inst.pair;
        match (to.physical(), from.physical()) {
            (Some(Register::X(rd)), Some(Register::X(rs1))) => {
                self.word(Inst::Addi { rd, rs1, imm: 0 });
            }
            (Some(Register::F(rd)), Some(Register::F(rs1))) => {
                self.word(Inst::FsgnjD { rd, rs1, rs2: rs1 })
            }
            (Some(Register::V(vd)), Some(Register::V(vs2))) => self.word(if pair {
                Inst::Vmv2rV { vd, vs2 }
            } else {
                Inst::Vmv1rV { vd, vs2 }
            }),
            other => unreachable!("a copy within a file, not {other:?}"),
        }
    }

    fn spill(&mut self, inst: &MachineInst, slot: u32, store: bool) {
        match inst.regs[0].physical() {
            Some(Register::X(x)) => self.stack_access(slot, |imm, rs1| {
                if store {
                    Inst::Sd { rs2: x, imm, rs1 }
                } else {
                    Inst::Ld { rd: x, imm, rs1 }
                }
            }),
            Some(Register::F(f)) => {
                self.stack_access(slot, |imm, rs1| spill_float(f, imm, rs1, store))
            }
            Some(Register::V(v)) => {
                let base = if slot == 0 {
                    X::SP
                } else {
                    self.add(X::GP, X::SP, i64::from(slot));
                    X::GP
                };
                self.word(spill_vector(v, base, store, inst.pair));
            }
            None => unreachable!("allocation replaced every virtual register"),
        }
    }

    /// Fills in distances; gives the instructions whose branches and jumps do not reach.
    fn resolve(&mut self) -> Result<Vec<usize>, TooLong> {
        let mut too_far = Vec::new();
        for fixup in &self.fixups {
            let target = self.labels[fixup.target.0 as usize].expect("every label is placed");
            let distance = 4
                * (i64::try_from(target).unwrap_or(i64::MAX)
                    - i64::try_from(fixup.word).unwrap_or(i64::MAX));
            let offset = i32::try_from(distance).map_err(|_| TooLong)?;
            let words = &mut self.code.words[fixup.word..];
            let inst = weft_isa::decode(words[0]).expect("encoded just now");
            if let Inst::Auipc { rd, .. } = inst {
                let (imm, low) = split_distance(offset);
                words[0] = Inst::Auipc { rd, imm }.encode();
                let jump = Inst::Jalr {
                    rd: X::ZERO,
                    imm: low,
                    rs1: rd,
                };
                words[1] = jump.encode();
                continue;
            }
            match with_offset(inst, offset).encode_checked() {
                Ok(placed) => words[0] = placed,
                Err(_) => too_far.push(fixup.inst),
            }
        }
        Ok(too_far)
    }
}

fn spill_float(f: F, imm: i32, rs1: X, store: bool) -> Inst {
    if store {
        Inst::Fsd { rs2: f, imm, rs1 }
    } else {
        Inst::Fld { rd: f, imm, rs1 }
    }
}

fn spill_vector(v: V, rs1: X, store: bool, pair: bool) -> Inst {
    match (store, pair) {
        (true, false) => Inst::Vs1rV { vs3: v, rs1 },
        (true, true) => Inst::Vs2rV { vs3: v, rs1 },
        (false, false) => Inst::Vl1re32V { vd: v, rs1 },
        (false, true) => Inst::Vl2re64V { vd: v, rs1 },
    }
}

fn with_offset(branch: Inst, offset: i32) -> Inst {
    match branch {
        Inst::Beq { rs1, rs2, .. } => Inst::Beq { rs1, rs2, offset },
        Inst::Bne { rs1, rs2, .. } => Inst::Bne { rs1, rs2, offset },
        Inst::Blt { rs1, rs2, .. } => Inst::Blt { rs1, rs2, offset },
        Inst::Bge { rs1, rs2, .. } => Inst::Bge { rs1, rs2, offset },
        Inst::Bltu { rs1, rs2, .. } => Inst::Bltu { rs1, rs2, offset },
        Inst::Bgeu { rs1, rs2, .. } => Inst::Bgeu { rs1, rs2, offset },
        Inst::Jal { rd, .. } => Inst::Jal { rd, offset },
        other => other,
    }
}

fn opposite(branch: Inst, offset: i32) -> Inst {
    match branch {
        Inst::Beq { rs1, rs2, .. } => Inst::Bne { rs1, rs2, offset },
        Inst::Bne { rs1, rs2, .. } => Inst::Beq { rs1, rs2, offset },
        Inst::Blt { rs1, rs2, .. } => Inst::Bge { rs1, rs2, offset },
        Inst::Bge { rs1, rs2, .. } => Inst::Blt { rs1, rs2, offset },
        Inst::Bltu { rs1, rs2, .. } => Inst::Bgeu { rs1, rs2, offset },
        Inst::Bgeu { rs1, rs2, .. } => Inst::Bltu { rs1, rs2, offset },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that the `auipc` and `jalr` at a word go ahead.
    fn far_distance(words: &[u32], at: usize) -> i32 {
        match [words[at], words[at + 1]].map(weft_isa::decode) {
            [
                Some(Inst::Auipc { rd, imm }),
                Some(Inst::Jalr { rs1, imm: low, .. }),
            ] => {
                assert_eq!((rd, rs1), (X::GP, X::GP));
                imm + low
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn branches_and_jumps_reach_across_more_than_a_mebibyte() {
        const BETWEEN: usize = 300_000;
        let nothing = Inst::Addi {
            rd: X::ZERO,
            rs1: X::ZERO,
            imm: 0,
        };
        let always = Inst::Beq {
            rs1: X::ZERO,
            rs2: X::ZERO,
            offset: 0,
        };
        let mut machine = Machine::default();
        let [start, end] = [machine.label(), machine.label()];
        let mut kinds = vec![Kind::Label(start), Kind::Branch(always, end)];
        kinds.extend(vec![Kind::Inst(nothing); BETWEEN]);
        kinds.extend([Kind::Label(end), Kind::Jump(start)]);
        machine.code = kinds
            .into_iter()
            .map(|kind| MachineInst::new(kind, &[]))
            .collect();

        let words = emit(&machine, true).expect("below 2 GiB").words;
        // The opposite branch around a far jump, the code between, a far jump.
        assert_eq!(words.len(), 3 + BETWEEN + 2);
        assert_eq!(weft_isa::decode(words[0]), Some(opposite(always, 12)));
        let bytes = i32::try_from(4 * BETWEEN).expect("small");
        assert_eq!(far_distance(&words, 1), 8 + bytes);
        assert_eq!(far_distance(&words, 3 + BETWEEN), -(12 + bytes));
    }
}
