//! CSR access, fences, traps, and the control instructions of Xweft.

use weft_isa::abi::{self, FaultCode, VLEN_BYTES};
use weft_isa::csr;

use super::{Env, Flow, Hart, Op, fault, illegal};
use crate::fault::FaultKind;
use crate::hart::{BarrierCall, Stop};
use crate::machine::{Enabled, Mode, is_protection};

/// What a CSR instruction does with the old value and its operand.
#[derive(Clone, Copy)]
enum Update {
    Write,
    Set,
    Clear,
}

/// Orders the accesses of this hart before accesses of others. The others have their turn: what a
/// hart does before a fence it may do for them, and a loop that waits for them has one.
pub(super) fn fence(hart: &mut Hart, _: &mut Env, _: &Op) -> Flow {
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
    hart.stop = Stop::Yield;
    Flow::Leave
}

/// `fence.i`: outside CUDA, what follows is decoded anew. Kernels cannot write their code.
pub(super) fn fence_i(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    if env.bare {
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
        hart.stop = Stop::Refetch { pc: op.next_pc() };
        return Flow::Leave;
    }
    fence(hart, env, op)
}

/// Hints: `pause`, `wrs.sto`. The block ends here, so that others get their turn sooner.
pub(super) fn hint(_: &mut Hart, _: &mut Env, _: &Op) -> Flow {
    Flow::Next
}

/// `wfi`, `wrs.nto`: nothing to wait for, but not every mode may try.
pub(super) fn wait(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    match &hart.machine {
        Some(machine) if !machine.may_wait() => illegal(hart, op, "mstatus.TW is set"),
        _ => Flow::Next,
    }
}

/// `ecall`.
pub(super) fn ecall(hart: &mut Hart, _: &mut Env, _: &Op) -> Flow {
    hart.stop = Stop::Ecall;
    Flow::Leave
}

/// `ebreak`: nothing handles it in a kernel.
pub(super) fn ebreak(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    if env.bare {
        hart.stop = Stop::Ebreak { pc: op.pc };
        return Flow::Leave;
    }
    fault(hart, op, FaultKind::UnknownCode(0), None)
}

/// `mret`: back to `mepc`. Machine mode only.
pub(super) fn mret(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    let before = hart.machine.as_ref().map(|machine| machine.modes());
    let machine = hart.machine.as_mut();
    let Some(pc) = machine.and_then(|machine| machine.return_from_trap()) else {
        return illegal(hart, op, "not in machine mode");
    };
    hart.pc = pc;
    if hart.machine.as_ref().map(|machine| machine.modes()) != before {
        hart.stop = Stop::Mode;
        return Flow::Leave;
    }
    Flow::Next
}

/// `xw.exit`.
pub(super) fn exit(hart: &mut Hart, _: &mut Env, _: &Op) -> Flow {
    hart.stop = Stop::Exit;
    Flow::Leave
}

/// `xw.fault`.
pub(super) fn raise(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    let code = op.imm as u16;
    let kind = FaultCode::from_u16(code).map_or(FaultKind::UnknownCode(code), FaultKind::Code);
    fault(hart, op, kind, None)
}

fn barrier(hart: &mut Hart, op: &Op, waits: bool, reduce: Option<(u8, u64)>) -> Flow {
    let id = hart.x(op.rs1);
    if id >= abi::BARRIERS_PER_CTA as u64 {
        return illegal(hart, op, "no such barrier");
    }
    let warps = hart.x(op.rs2);
    hart.stop = Stop::Barrier(BarrierCall {
        id: id as u8,
        warps,
        waits,
        reduce,
    });
    Flow::Leave
}

/// `xw.bar.sync`: wait at barrier `rs1` for `rs2` warps, 0 for all that have not exited.
pub(super) fn barrier_sync(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    barrier(hart, op, true, None)
}

/// `xw.bar.arrive`: the same without waiting.
pub(super) fn barrier_arrive(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    barrier(hart, op, false, None)
}

/// `xw.bar.popc`: wait, and sum the ones of the low 32 bits of `rs3` over the warps.
pub(super) fn barrier_popc(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    let ones = (hart.x(op.rs3) as u32).count_ones();
    barrier(hart, op, true, Some((op.rd, u64::from(ones))))
}

macro_rules! csr_bodies {
    ($($name:ident / $immediate:ident = $update:ident;)*) => {$(
        pub(super) fn $name(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
            let operand = hart.x(op.rs1);
            access(hart, env, op, Update::$update, operand)
        }
        pub(super) fn $immediate(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
            access(hart, env, op, Update::$update, u64::from(op.rs1))
        }
    )*};
}

csr_bodies! {
    csrrw / csrrwi = Write;
    csrrs / csrrsi = Set;
    csrrc / csrrci = Clear;
}

fn access(hart: &mut Hart, env: &mut Env, op: &Op, update: Update, operand: u64) -> Flow {
    let address = op.imm as u16;
    if let Some(machine) = &hart.machine
        && !machine.permits(address)
    {
        return illegal(
            hart,
            op,
            "CSR of another mode or of an extension that is off",
        );
    }
    let Some(old) = read(hart, env, address) else {
        return illegal(hart, op, "no such CSR");
    };
    // Set and clear of x0 or 0 do not write, so they may name read-only registers.
    let new = match update {
        Update::Write => Some(operand),
        Update::Set => (op.rs1 != 0).then_some(old | operand),
        Update::Clear => (op.rs1 != 0).then_some(old & !operand),
    };
    let before = legality(hart);
    if let Some(new) = new
        && !write(hart, address, new)
    {
        return illegal(hart, op, "read-only CSR");
    }
    hart.set_x(op.rd, old);
    let protects = new.is_some() && is_protection(address);
    if env.bare && (legality(hart) != before || protects) {
        hart.stop = Stop::Refetch { pc: op.next_pc() };
        return Flow::Leave;
    }
    Flow::Next
}

/// What of a hart's state decides which instructions are legal and where accesses succeed, apart
/// from physical memory protection.
fn legality(hart: &Hart) -> (Enabled, Option<(Mode, Mode)>) {
    let modes = hart.machine.as_ref().map(|machine| machine.modes());
    (hart.enabled(), modes)
}

fn read(hart: &Hart, env: &Env, address: u16) -> Option<u64> {
    let constants = &env.constants;
    Some(match address {
        csr::FFLAGS => u64::from(hart.fflags),
        csr::FRM => u64::from(hart.frm),
        csr::FCSR => u64::from(hart.frm) << 5 | u64::from(hart.fflags),
        csr::VSTART => u64::from(hart.vstart),
        csr::VXSAT => u64::from(hart.vxsat),
        csr::VXRM => u64::from(hart.vxrm),
        csr::VCSR => u64::from(hart.vxrm) << 1 | u64::from(hart.vxsat),
        csr::VL => u64::from(hart.vl),
        csr::VTYPE => hart.vtype.encode(),
        csr::VLENB => VLEN_BYTES as u64,
        csr::MTYPE => hart.matrix.mtype.bits(),
        // The instruction itself is counted already.
        _ if env.bare => {
            let machine = hart.machine.as_ref()?;
            return machine.read(address, hart.retired.wrapping_sub(1));
        }
        // Without a timing model every instruction takes one cycle.
        csr::CYCLE | csr::TIME | csr::INSTRET => hart.retired,
        abi::csr::WARP => u64::from(hart.warp),
        abi::csr::WARPS => u64::from(constants.warps),
        abi::csr::LANES => hart.lanes as i32 as u64,
        abi::csr::CTAID_X => u64::from(constants.cta[0]),
        abi::csr::CTAID_Y => u64::from(constants.cta[1]),
        abi::csr::CTAID_Z => u64::from(constants.cta[2]),
        abi::csr::NTID_X => u64::from(constants.block[0]),
        abi::csr::NTID_Y => u64::from(constants.block[1]),
        abi::csr::NTID_Z => u64::from(constants.block[2]),
        abi::csr::NCTAID_X => u64::from(constants.grid[0]),
        abi::csr::NCTAID_Y => u64::from(constants.grid[1]),
        abi::csr::NCTAID_Z => u64::from(constants.grid[2]),
        abi::csr::CORE => u64::from(constants.core),
        abi::csr::CORES => u64::from(constants.cores),
        abi::csr::GRID => constants.grid_id,
        abi::csr::SHARED_DYNAMIC_BYTES => u64::from(constants.shared_dynamic_bytes),
        abi::csr::SHARED_TOTAL_BYTES => u64::from(constants.shared_bytes),
        abi::csr::GLOBALTIMER => hart.retired,
        _ => return None,
    })
}

/// Writes a CSR that [`read`] knows; false if it is read-only (address bits 11:10 are ones).
fn write(hart: &mut Hart, address: u16, value: u64) -> bool {
    if address >> 10 & 3 == 3 {
        return false;
    }
    match address {
        csr::FFLAGS => hart.fflags = value as u8 & 31,
        csr::FRM => hart.frm = value as u8 & 7,
        csr::FCSR => {
            hart.fflags = value as u8 & 31;
            hart.frm = (value >> 5) as u8 & 7;
        }
        csr::VSTART => hart.vstart = value as u32 & 1023,
        csr::VXSAT => hart.vxsat = value & 1 != 0,
        csr::VXRM => hart.vxrm = value as u8 & 3,
        csr::VCSR => {
            hart.vxsat = value & 1 != 0;
            hart.vxrm = (value >> 1) as u8 & 3;
        }
        _ => {
            let retired = hart.retired;
            let machine = hart.machine.as_mut();
            return machine.is_some_and(|machine| machine.write(address, value, retired));
        }
    }
    true
}
