//! What `v0` and `vtype` hold along the code, and the instructions that change them.
//!
//! Instructions say which lane mask they need in `v0` and which element width they need
//! `vtype` to have. Both are followed forward through the code, over branches, and set only
//! where they are not known to be right. `vl` is 32 throughout, which every width keeps.

use super::machine::{Kind, Label, Machine, MachineInst, Reg, Width};
use weft_isa::{Access, Class, Inst, Lmul, Sew, VType, X};

/// The type of 32 elements of a width.
const fn vtype(sew: Sew) -> VType {
    VType::new(
        sew,
        match sew {
            Sew::E8 => Lmul::Mf4,
            Sew::E16 => Lmul::Mf2,
            Sew::E32 => Lmul::M1,
            Sew::E64 => Lmul::M2,
        },
    )
}

/// What is known at a point: nothing yet, one thing on all paths so far, or nothing for sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known<T> {
    Unreached,
    Is(T),
    Varies,
}

impl<T: Copy + PartialEq> Known<T> {
    fn meet(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unreached, known) | (known, Self::Unreached) => known,
            (Self::Is(a), Self::Is(b)) if a == b => self,
            _ => Self::Varies,
        }
    }
}

/// Where each label may be come to from: follows `transfer` to a fixed point and gives the
/// state before each instruction.
fn follow<T: Copy + PartialEq>(
    machine: &Machine,
    entry: Known<T>,
    transfer: impl Fn(&MachineInst, Known<T>) -> Known<T>,
) -> Vec<Known<T>> {
    let mut at_label = vec![Known::Unreached; machine.labels as usize];
    let mut before = vec![Known::Unreached; machine.code.len()];
    let mut changed = true;
    while changed {
        changed = false;
        let mut state = entry;
        for (at, inst) in machine.code.iter().enumerate() {
            let mut reach = |Label(label): Label, state: Known<T>| {
                let slot: &mut Known<T> = &mut at_label[label as usize];
                let met = slot.meet(state);
                if *slot != met {
                    *slot = met;
                    changed = true;
                }
                met
            };
            if let Kind::Label(label) = inst.kind {
                state = reach(label, state);
            }
            before[at] = state;
            match inst.kind {
                Kind::Branch(_, label) => {
                    reach(label, state);
                }
                Kind::Jump(label) => {
                    reach(label, state);
                    state = Known::Unreached;
                }
                Kind::Return | Kind::Inst(Inst::XwExit | Inst::XwFault { .. }) => {
                    state = Known::Unreached;
                }
                _ => state = transfer(inst, state),
            }
        }
    }
    before
}

/// Inserts `vmv.s.x v0, mask` before instructions that need a mask which `v0` does not hold.
pub(crate) fn place_masks(machine: &mut Machine) {
    let transfer = |inst: &MachineInst, mut state: Known<Reg>| {
        if let Some(mask) = inst.mask {
            state = Known::Is(mask);
        }
        if let Kind::Inst(Inst::VmvXS { vs2, .. }) = inst.kind
            && vs2 == weft_isa::V::V0
        {
            return Known::Is(inst.regs[0]);
        }
        if inst.is_call() {
            return Known::Varies;
        }
        inst.for_each_register(|reg, access| {
            let replaced = access != Access::Read;
            if replaced && (reg == Reg::V0 || state == Known::Is(reg)) {
                state = Known::Varies;
            }
        });
        state
    };
    let before = follow(machine, Known::Varies, transfer);
    let mut code = Vec::with_capacity(machine.code.len());
    for (inst, state) in std::mem::take(&mut machine.code).into_iter().zip(before) {
        if let Some(mask) = inst.mask
            && state != Known::Is(mask)
        {
            machine.location = inst.location;
            let rs1 = machine.x(mask);
            machine.wide(Inst::VmvSX {
                vd: weft_isa::V::V0,
                rs1,
            });
            code.append(&mut machine.code);
        }
        code.push(inst);
    }
    machine.code = code;
}

/// Inserts the `vsetvli` that the instructions need. A kernel is entered with 32-bit elements.
pub(crate) fn place_widths(machine: &mut Machine, is_kernel: bool) {
    let transfer = |inst: &MachineInst, state: Known<Sew>| match inst.width {
        _ if inst.is_call() => Known::Varies,
        Width::Any => state,
        Width::Exact(sew) => Known::Is(sew),
        Width::Wide => match state {
            Known::Unreached | Known::Is(Sew::E32 | Sew::E64) => state,
            Known::Is(Sew::E8 | Sew::E16) | Known::Varies => Known::Is(Sew::E32),
        },
    };
    let entry = if is_kernel {
        Known::Is(Sew::E32)
    } else {
        Known::Varies
    };
    let before = follow(machine, entry, transfer);
    let mut code = Vec::with_capacity(machine.code.len());
    for (inst, state) in std::mem::take(&mut machine.code).into_iter().zip(before) {
        let wanted = match (inst.width, state) {
            (Width::Any, _) | (Width::Wide, Known::Is(Sew::E32 | Sew::E64)) => None,
            (Width::Exact(sew), Known::Is(held)) if held == sew => None,
            (Width::Exact(sew), _) => Some(sew),
            (Width::Wide, _) => Some(Sew::E32),
        };
        if let Some(sew) = wanted {
            code.push(MachineInst {
                location: inst.location,
                ..MachineInst::new(
                    Kind::Inst(Inst::Vsetvli {
                        rd: X::ZERO,
                        rs1: X::ZERO,
                        vtype: vtype(sew).immediate(),
                    }),
                    &[],
                )
            });
        }
        code.push(inst);
    }
    machine.code = code;
}

/// Whether an instruction only computes its results.
pub(crate) fn only_computes(inst: &MachineInst) -> bool {
    match inst.kind {
        Kind::Constant(_) | Kind::Copy | Kind::Undefined | Kind::FunctionAddress(_) => true,
        Kind::Inst(Inst::Csrrs { rs1, csr, .. }) => {
            rs1 == X::ZERO && csr != weft_isa::csr::CYCLE && csr != weft_isa::abi::csr::GLOBALTIMER
        }
        Kind::Inst(inst) => matches!(
            inst.class(),
            Class::ScalarInt
                | Class::ScalarMuldiv
                | Class::ScalarFp
                | Class::VectorInt
                | Class::VectorMuldiv
                | Class::VectorFp
                | Class::VectorSpecial
                | Class::VectorMask
                | Class::VectorPermute
                | Class::VectorReduce
        ),
        _ => false,
    }
}

/// Removes instructions whose results nothing reads. Run after masks are placed.
pub(crate) fn remove_dead(machine: &mut Machine) {
    let mut reads = vec![0u32; machine.classes.len()];
    for inst in &machine.code {
        inst.for_each_register(|reg, access| {
            if access != Access::Write
                && let Some(index) = reg.virtual_index()
            {
                reads[index] += 1;
            }
        });
    }
    let mut removed = true;
    while removed {
        removed = false;
        let mut kept = Vec::with_capacity(machine.code.len());
        for inst in std::mem::take(&mut machine.code).into_iter().rev() {
            let mut needed = !only_computes(&inst);
            inst.for_each_register(|reg, access| {
                if access == Access::Read {
                    return;
                }
                needed |= match reg.virtual_index() {
                    // A result that is also an operand reads itself.
                    Some(index) => reads[index] > u32::from(access == Access::ReadWrite),
                    None => reg != Reg::ZERO,
                };
            });
            if needed {
                kept.push(inst);
                continue;
            }
            removed = true;
            inst.for_each_register(|reg, access| {
                if access != Access::Write
                    && let Some(index) = reg.virtual_index()
                {
                    reads[index] -= 1;
                }
            });
        }
        kept.reverse();
        machine.code = kept;
    }
}
