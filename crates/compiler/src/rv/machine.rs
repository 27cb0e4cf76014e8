//! Machine code over virtual registers, before registers are allocated.
//!
//! A [`Machine`] is the code of one function in its final order. Instructions are those of
//! [`weft_isa`] whose register operands stand for [`Reg`]s, and a few pseudo-instructions that
//! become instructions (or nothing) at emission. What an instruction reads and writes follows
//! from the instruction table.

use crate::ir::{FunctionId, Location};
use std::cell::RefCell;
use std::collections::BTreeMap;
use weft_isa::matrix::Sums;
use weft_isa::{Access, F, Inst, MatrixForm, Register, Sew, V, X};

/// A register of [`Machine`] code: physical below [`Reg::FIRST_VIRTUAL`], else virtual.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Reg(u32);

impl Reg {
    /// Number of the first virtual register: 32 each of `x`, `f` and `v` come before.
    const FIRST_VIRTUAL: u32 = 96;
    pub(crate) const ZERO: Self = Self(0);
    pub(crate) const TP: Self = Self(4);
    pub(crate) const A0: Self = Self(10);
    pub(crate) const A1: Self = Self(11);
    pub(crate) const A2: Self = Self(12);
    pub(crate) const V0: Self = Self(64);

    pub(crate) const fn virtual_index(self) -> Option<usize> {
        match self.0.checked_sub(Self::FIRST_VIRTUAL) {
            Some(index) => Some(index as usize),
            None => None,
        }
    }

    pub(crate) fn physical(self) -> Option<Register> {
        let number = u8::try_from(self.0 % 32).ok()?;
        match self.0 / 32 {
            0 => Some(Register::X(X::new(number))),
            1 => Some(Register::F(F::new(number))),
            2 => Some(Register::V(V::new(number))),
            _ => None,
        }
    }

    /// Register `number` of a file: 0 `x`, 1 `f`, 2 `v`.
    pub(crate) const fn of(file: u8, number: u8) -> Self {
        Self(file as u32 * 32 + number as u32)
    }

    /// File and number of a physical register.
    pub(crate) const fn file_and_number(self) -> Option<(usize, u32)> {
        if self.0 < Self::FIRST_VIRTUAL {
            Some((self.0 as usize / 32, self.0 % 32))
        } else {
            None
        }
    }

    /// Index of a physical register among those of all files.
    pub(crate) const fn unit(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn from_unit(unit: usize) -> Self {
        Self(u32::try_from(unit).expect("96 units"))
    }

    fn from_virtual(index: usize) -> Self {
        let index = u32::try_from(index).expect("registers are bounded by instructions");
        Self(index + Self::FIRST_VIRTUAL)
    }
}

impl From<Register> for Reg {
    fn from(register: Register) -> Self {
        match register {
            Register::X(x) => Self(u32::from(x.number())),
            Register::F(f) => Self(32 + u32::from(f.number())),
            Register::V(v) => Self(64 + u32::from(v.number())),
        }
    }
}

impl std::fmt::Debug for Reg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.physical() {
            Some(register) => write!(f, "{register}"),
            None => write!(f, "%{}", self.0 - Self::FIRST_VIRTUAL),
        }
    }
}

/// What a register can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RegClass {
    /// Integer register.
    X,
    /// Floating-point register.
    F,
    /// One vector register.
    V,
    /// An aligned pair of vector registers.
    V2,
}

/// A place in the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Label(pub(crate) u32);

/// A place in the stack frame: its index in [`Machine::slots`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(pub(crate) u32);

/// Element width that an instruction needs `vtype` to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    /// It does not look at `vtype`.
    Any,
    /// Exactly this.
    Exact(Sew),
    /// 32 or 64 bits, which make no difference to it.
    Wide,
}

/// What an instruction does, apart from its registers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// An instruction. Register operand number *n* stands for `regs[n - 1]`; number 0 is
    /// itself (`x0`, `v0`).
    Inst(Inst),
    /// A conditional branch, as `Inst`, whose offset leads to the label.
    Branch(Inst, Label),
    /// A jump.
    Jump(Label),
    /// A place to go to.
    Label(Label),
    /// `regs[0]` = constant.
    Constant(i64),
    /// `regs[0]` = `regs[1]`, of the same class.
    Copy,
    /// `regs[0]` gets any value.
    Undefined,
    /// Direct call: clobbers everything but `sp` and `tp`.
    Call(FunctionId),
    /// Indirect call to `regs[0]`; clobbers likewise.
    CallIndirect,
    /// Environment call, its number in `a0`; taken to clobber likewise.
    CallEnvironment,
    /// `regs[0]` = address of a function.
    FunctionAddress(FunctionId),
    /// `xw.mma` on the groups that begin at `regs`: D, A, B. Members of a group follow one
    /// another, as virtual registers and as physical ones.
    Matrix(MatrixForm),
    /// Return from a device function, with its epilogue.
    Return,
    /// Start of the code of a loop: everything up to the matching `LoopEnd` may repeat.
    LoopBegin,
    /// End of the code of a loop.
    LoopEnd,
    /// Stack slot = `regs[0]`.
    Spill(Slot),
    /// `regs[0]` = stack slot.
    Reload(Slot),
}

/// An instruction of [`Machine`] code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MachineInst {
    pub(crate) kind: Kind,
    pub(crate) regs: [Reg; 4],
    /// Lane mask that `v0` must hold.
    pub(crate) mask: Option<Reg>,
    pub(crate) width: Width,
    /// The result may not share a register with an operand.
    pub(crate) early: bool,
    /// `Copy`, `Spill`, `Reload`: of a pair of vector registers.
    pub(crate) pair: bool,
    pub(crate) location: Location,
}

impl MachineInst {
    pub(crate) fn new(kind: Kind, regs: &[Reg]) -> Self {
        let mut all = [Reg::ZERO; 4];
        all[..regs.len()].copy_from_slice(regs);
        Self {
            kind,
            regs: all,
            mask: None,
            width: Width::Any,
            early: false,
            pair: false,
            location: Location::default(),
        }
    }

    /// The register that an operand of the instruction stands for.
    fn operand(&self, register: Register) -> Reg {
        let number = match register {
            Register::X(x) => x.number(),
            Register::F(f) => f.number(),
            Register::V(v) => v.number(),
        };
        match usize::from(number).checked_sub(1) {
            Some(slot) => self.regs[slot],
            None => register.into(),
        }
    }

    /// Calls `visit` for each register with what is done to it.
    pub(crate) fn for_each_register(&self, mut visit: impl FnMut(Reg, Access)) {
        match self.kind {
            Kind::Inst(inst) | Kind::Branch(inst, _) => {
                inst.for_each_register(|register, access| visit(self.operand(register), access));
            }
            Kind::Constant(_) | Kind::Undefined | Kind::FunctionAddress(_) | Kind::Reload(_) => {
                visit(self.regs[0], Access::Write);
            }
            Kind::Copy => {
                visit(self.regs[1], Access::Read);
                visit(self.regs[0], Access::Write);
            }
            Kind::CallIndirect | Kind::Spill(_) => visit(self.regs[0], Access::Read),
            Kind::Matrix(_) => {
                for (group, access) in self.matrix_groups().into_iter().zip([
                    Access::ReadWrite,
                    Access::Read,
                    Access::Read,
                ]) {
                    for member in group {
                        visit(member, access);
                    }
                }
            }
            Kind::Jump(_)
            | Kind::Label(_)
            | Kind::Call(_)
            | Kind::CallEnvironment
            | Kind::Return
            | Kind::LoopBegin
            | Kind::LoopEnd => {}
        }
    }

    /// The members of the groups of a matrix instruction: D, A, B.
    pub(crate) fn matrix_groups(&self) -> [Vec<Reg>; 3] {
        let Kind::Matrix(form) = self.kind else {
            return [const { Vec::new() }; 3];
        };
        // A member of 64-bit elements is a pair of registers.
        let each = if form.sums() == Sums::F64 { 2 } else { 1 };
        let counts = [form.d_registers(), form.a_registers(), form.b_registers()];
        std::array::from_fn(|operand| {
            let Reg(first) = self.regs[operand];
            let step = if first < Reg::FIRST_VIRTUAL { each } else { 1 };
            (0..counts[operand] / each)
                .map(|member| Reg(first + member * step))
                .collect()
        })
    }

    /// Replaces registers.
    pub(crate) fn map_registers(&mut self, mut map: impl FnMut(Reg) -> Reg) {
        for reg in &mut self.regs {
            *reg = map(*reg);
        }
    }

    pub(crate) fn is_call(&self) -> bool {
        matches!(
            self.kind,
            Kind::Call(_) | Kind::CallIndirect | Kind::CallEnvironment
        )
    }
}

/// Virtual registers in a row that get physical registers in a row, the first of which is a
/// multiple of their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// Virtual index of the first member.
    pub(crate) first: usize,
    /// Number of members: a power of two.
    pub(crate) count: usize,
}

impl Group {
    /// Virtual indices of its members.
    pub(crate) const fn members(self) -> std::ops::Range<usize> {
        self.first..self.first + self.count
    }
}

/// The code of a function.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    pub(crate) code: Vec<MachineInst>,
    pub(crate) classes: Vec<RegClass>,
    pub(crate) labels: u32,
    /// Virtual registers that must become consecutive physical ones, each with its group.
    pub(crate) groups: BTreeMap<usize, Group>,
    /// Size in bytes of each stack slot, in order of offset.
    pub(crate) slots: Vec<u32>,
    /// Location given to the instructions appended next.
    pub(crate) location: Location,
    /// Operands named since the last instruction.
    pending: RefCell<Vec<Reg>>,
}

impl Machine {
    /// A new virtual register.
    pub(crate) fn reg(&mut self, class: RegClass) -> Reg {
        self.classes.push(class);
        Reg::from_virtual(self.classes.len() - 1)
    }

    /// New virtual registers of a class that make a group.
    pub(crate) fn group(&mut self, class: RegClass, count: usize) -> Vec<Reg> {
        let first = self.classes.len();
        let members: Vec<Reg> = (0..count).map(|_| self.reg(class)).collect();
        if count > 1 {
            let group = Group { first, count };
            self.groups
                .extend(group.members().map(|member| (member, group)));
        }
        members
    }

    /// The group that a virtual register is a member of, be it alone.
    pub(crate) fn group_of(&self, index: usize) -> Group {
        self.groups.get(&index).copied().unwrap_or(Group {
            first: index,
            count: 1,
        })
    }

    pub(crate) fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels - 1)
    }

    pub(crate) fn class(&self, reg: Reg) -> RegClass {
        match (reg.virtual_index(), reg.physical()) {
            (Some(index), _) => self.classes[index],
            (None, Some(Register::F(_))) => RegClass::F,
            (None, Some(Register::V(_))) => RegClass::V,
            (None, _) => RegClass::X,
        }
    }

    /// Number by which the next instruction names a register.
    fn slot(&self, reg: Reg) -> u8 {
        if reg == Reg::ZERO || reg == Reg::V0 {
            return 0;
        }
        let mut pending = self.pending.borrow_mut();
        pending.push(reg);
        u8::try_from(pending.len()).expect("instructions have at most four registers")
    }

    /// An integer operand of the next instruction.
    pub(crate) fn x(&self, reg: Reg) -> X {
        debug_assert_eq!(self.class(reg), RegClass::X, "{reg:?}");
        X::new(self.slot(reg))
    }

    /// A floating-point operand of the next instruction.
    pub(crate) fn f(&self, reg: Reg) -> F {
        debug_assert_eq!(self.class(reg), RegClass::F, "{reg:?}");
        F::new(self.slot(reg))
    }

    /// A vector operand of the next instruction.
    pub(crate) fn v(&self, reg: Reg) -> V {
        debug_assert!(
            matches!(self.class(reg), RegClass::V | RegClass::V2),
            "{reg:?}"
        );
        V::new(self.slot(reg))
    }

    /// Appends a pseudo-instruction.
    pub(crate) fn pseudo(&mut self, kind: Kind, regs: &[Reg]) {
        let location = self.location;
        let pair = regs
            .first()
            .is_some_and(|&reg| self.class(reg) == RegClass::V2);
        self.code.push(MachineInst {
            pair,
            location,
            ..MachineInst::new(kind, regs)
        });
    }

    /// Appends an instruction whose operands were named by [`Self::x`], [`Self::f`] and
    /// [`Self::v`].
    pub(crate) fn scalar(&mut self, inst: Inst) {
        self.push(Kind::Inst(inst), Width::Any, None, false);
    }

    /// Appends a conditional branch with operands as in [`Self::scalar`].
    pub(crate) fn branch(&mut self, inst: Inst, target: Label) {
        self.push(Kind::Branch(inst, target), Width::Any, None, false);
    }

    /// Appends an unmasked vector instruction.
    pub(crate) fn vector(&mut self, width: Sew, inst: Inst) {
        self.push(Kind::Inst(inst), Width::Exact(width), None, false);
    }

    /// Appends a vector instruction of either width of 32 bits or more.
    pub(crate) fn wide(&mut self, inst: Inst) {
        self.push(Kind::Inst(inst), Width::Wide, None, false);
    }

    /// Appends an unmasked vector instruction whose result must not overlap an operand.
    pub(crate) fn early(&mut self, width: Sew, inst: Inst) {
        self.push(Kind::Inst(inst), Width::Exact(width), None, true);
    }

    /// Appends a vector instruction that reads a lane mask from `v0`.
    pub(crate) fn masked(&mut self, width: Sew, mask: Option<Reg>, early: bool, inst: Inst) {
        self.push(Kind::Inst(inst), Width::Exact(width), mask, early);
    }

    fn push(&mut self, kind: Kind, width: Width, mask: Option<Reg>, early: bool) {
        let named = std::mem::take(&mut *self.pending.borrow_mut());
        let location = self.location;
        self.code.push(MachineInst {
            width,
            mask,
            early,
            location,
            ..MachineInst::new(kind, &named)
        });
    }
}
