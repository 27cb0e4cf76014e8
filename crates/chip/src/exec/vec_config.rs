//! `vsetvli`, `vsetivli` and `vsetvl` (V 6). They leave the matrix unit unconfigured (Zvt).

use weft_isa::VType;

use super::zvt::MatrixType;
use super::{Env, Flow, Hart, Op};

/// `vl` for an application vector length, as much as fits.
fn set(hart: &mut Hart, op: &Op, vtype: VType, length: u64) -> Flow {
    let vl = length.min(vtype.vlmax() as u64);
    hart.vtype = vtype;
    hart.matrix.mtype = MatrixType::default();
    hart.vl = vl as u32;
    hart.vstart = 0;
    hart.set_x(op.rd, vl);
    if vtype.vill {
        leave(hart, op)
    } else {
        Flow::Next
    }
}

/// Ends the block, because what follows was not translated for this type.
#[cold]
fn leave(hart: &mut Hart, op: &Op) -> Flow {
    hart.pc = op.next_pc();
    Flow::Leave
}

/// The application vector length that register operands ask for. `None`: keep `vl`.
fn requested(hart: &Hart, op: &Op) -> Option<u64> {
    match (op.rs1, op.rd) {
        (0, 0) => None,
        (0, _) => Some(u64::MAX),
        (register, _) => Some(hart.x(register)),
    }
}

fn set_from_registers(hart: &mut Hart, op: &Op, vtype: VType) -> Flow {
    match requested(hart, op) {
        Some(length) => set(hart, op, vtype, length),
        // Keeping vl is reserved unless VLMAX stays (V 6.2): then the type is illegal.
        None if hart.vtype.vlmax() != vtype.vlmax() => set(hart, op, VType::ILL, 0),
        None => {
            hart.vtype = vtype;
            hart.matrix.mtype = MatrixType::default();
            hart.vstart = 0;
            if vtype.vill {
                leave(hart, op)
            } else {
                Flow::Next
            }
        }
    }
}

/// `vsetvli`: `imm` is the requested type.
pub(super) fn vsetvli(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    set_from_registers(hart, op, VType::decode(op.imm as u64))
}

/// `vsetivli`: the length is the register field.
pub(super) fn vsetivli(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    set(hart, op, VType::decode(op.imm as u64), u64::from(op.rs1))
}

/// `vsetvl`: the type is in `rs2`. Always the last of its block.
pub(super) fn vsetvl(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    let vtype = VType::decode(hart.x(op.rs2));
    set_from_registers(hart, op, vtype)
}
