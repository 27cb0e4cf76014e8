//! Special registers: PTX ISA chapter 10.
//!
//! Environment registers 1 and 2 are the high and low half of the address of a cooperative launch's
//! workspace, 0 if there is none. The others are 0: nobody says what they hold.
//!
//! System software, such as the groups of CUDA that span warps, has 1 KiB of shared memory of
//! its own in each CTA. It is laid out behind the static variables of the kernels that ask where
//! it is, and counts as one of them for the driver.

use super::function::{Ins, Lowering};
use super::grid_sync;
use crate::ErrorKind;
use crate::ir::{BinaryOp, Op, ShiftOp, Special, Type, Value};

/// Bytes of shared memory reserved for system software (1 KiB per CTA since `sm_80`).
pub(super) const RESERVED_SHARED_BYTES: u32 = 1024;
/// Alignment of the reserved shared memory.
pub(super) const RESERVED_SHARED_ALIGN: u32 = 128;
/// Name of the reserved shared memory among the shared variables.
pub(super) const RESERVED_SHARED_NAME: &str = "reserved_smem";
/// Distance from `%reserved_smem_offset_0` to `_1`. The groups of CUDA use the second alone and
/// expect 288 bytes there.
const RESERVED_SHARED_SECOND: u32 = 512;

/// Whether the name is a register whose value depends on there being reserved shared memory.
pub(super) fn tells_of_reserved_shared(name: &str) -> bool {
    name.starts_with("%reserved_smem_offset_") || name == "%aggr_smem_size"
}

/// Value of a special register as the given type, or `None` if the name is not one.
///
/// # Errors
///
/// The register exists but has no counterpart on the chip.
pub(super) fn read<'a>(
    f: &mut Lowering<'_, '_, 'a>,
    ins: &Ins<'_, 'a>,
    name: &str,
    ty: Type,
) -> Result<Option<Value>, ErrorKind> {
    let Some(register) = name.strip_prefix('%') else {
        return Ok(None);
    };
    let special = match register {
        "tid.x" | "tid" => Special::ThreadId(0),
        "tid.y" => Special::ThreadId(1),
        "tid.z" => Special::ThreadId(2),
        "ntid.x" | "ntid" => Special::CtaSize(0),
        "ntid.y" => Special::CtaSize(1),
        "ntid.z" => Special::CtaSize(2),
        "ctaid.x" | "ctaid" => Special::CtaId(0),
        "ctaid.y" => Special::CtaId(1),
        "ctaid.z" => Special::CtaId(2),
        "nctaid.x" | "nctaid" => Special::GridSize(0),
        "nctaid.y" => Special::GridSize(1),
        "nctaid.z" => Special::GridSize(2),
        "laneid" => Special::Lane,
        "warpid" => Special::Warp,
        "nwarpid" => Special::WarpsPerCta,
        "lanemask_eq" => Special::LaneMaskEqual,
        "lanemask_lt" => Special::LaneMaskLess,
        "lanemask_le" => Special::LaneMaskLessEqual,
        "lanemask_gt" => Special::LaneMaskGreater,
        "lanemask_ge" => Special::LaneMaskGreaterEqual,
        "smid" => Special::Core,
        "nsmid" => Special::Cores,
        "gridid" => Special::Grid,
        "dynamic_smem_size" => Special::SharedDynamicBytes,
        // The chip counts the reserved memory; the total without it is what the program has.
        "total_smem_size" if f.unit.reserved_shared().is_some() => {
            let all = f.emit(Op::ReadSpecial(Special::SharedTotalBytes), Type::B32);
            let own = f.binary_with(BinaryOp::Sub, all, u64::from(RESERVED_SHARED_BYTES));
            return Ok(Some(f.resize(own, 32, false, ty)));
        }
        "total_smem_size" | "aggr_smem_size" => Special::SharedTotalBytes,
        "clock" => Special::Clock,
        "clock64" => Special::Clock64,
        "globaltimer" => Special::GlobalTimer,
        "clock_hi" => {
            let value = f.emit(Op::ReadSpecial(Special::Clock64), Type::B64);
            return Ok(Some(high_half(f, value, ty)));
        }
        "globaltimer_lo" => {
            let value = f.emit(Op::ReadSpecial(Special::GlobalTimer), Type::B64);
            return Ok(Some(f.resize(value, 32, false, ty)));
        }
        "globaltimer_hi" => {
            let value = f.emit(Op::ReadSpecial(Special::GlobalTimer), Type::B64);
            return Ok(Some(high_half(f, value, ty)));
        }
        // A grid is one cluster per CTA (PTX ISA: the default when no cluster is launched).
        "is_explicit_cluster" => return Ok(Some(f.constant(Type::Pred, 0))),
        "cluster_ctaid.x" | "cluster_ctaid.y" | "cluster_ctaid.z" | "cluster_ctarank" => {
            return Ok(Some(f.constant(ty, 0)));
        }
        "cluster_nctaid.x" | "cluster_nctaid.y" | "cluster_nctaid.z" | "cluster_nctarank" => {
            return Ok(Some(f.constant(ty, 1)));
        }
        "clusterid.x" => Special::CtaId(0),
        "clusterid.y" => Special::CtaId(1),
        "clusterid.z" => Special::CtaId(2),
        "nclusterid.x" => Special::GridSize(0),
        "nclusterid.y" => Special::GridSize(1),
        "nclusterid.z" => Special::GridSize(2),
        "reserved_smem_offset_cap" => {
            return Ok(Some(f.constant(ty, u64::from(RESERVED_SHARED_BYTES))));
        }
        "reserved_smem_offset_begin"
        | "reserved_smem_offset_end"
        | "reserved_smem_offset_0"
        | "reserved_smem_offset_1" => {
            let Some(begin) = f.unit.reserved_shared() else {
                return Ok(None);
            };
            let within = match register {
                "reserved_smem_offset_end" => RESERVED_SHARED_BYTES,
                "reserved_smem_offset_1" => RESERVED_SHARED_SECOND,
                _ => 0,
            };
            return Ok(Some(f.constant(ty, u64::from(begin + within))));
        }
        "envreg1" => {
            let workspace = grid_sync::workspace(f);
            return Ok(Some(high_half(f, workspace, ty)));
        }
        "envreg2" => {
            let workspace = grid_sync::workspace(f);
            return Ok(Some(f.resize(workspace, 32, false, ty)));
        }
        _ if numbered(register, "envreg").is_some_and(|number| number < 32) => {
            return Ok(Some(f.constant(ty, 0)));
        }
        _ if is_unsupported(register) => {
            return Err(ErrorKind::Unsupported {
                feature: format!("special register {name}"),
            });
        }
        _ => return Ok(None),
    };
    if ty == Type::Pred {
        let register = weft_ptx::ast::Operand::Name("special register");
        return Err(ins.wrong_operand(&register, "a predicate"));
    }
    let own = match special {
        Special::Grid | Special::Clock64 | Special::GlobalTimer => Type::B64,
        _ => Type::B32,
    };
    let value = f.emit(Op::ReadSpecial(special), own);
    // `mov.u16 %rs, %tid.x` and `mov.u64 %rd, %ctaid.x` are both written.
    Ok(Some(f.resize(value, own.bits(), false, ty)))
}

fn high_half(f: &mut Lowering<'_, '_, '_>, value: Value, ty: Type) -> Value {
    let high = f.shift_by(ShiftOp::RightLogical, value, 32);
    f.resize(high, 32, false, ty)
}

/// The number behind a stem: 12 of `envreg12`.
fn numbered(register: &str, stem: &str) -> Option<u32> {
    register.strip_prefix(stem)?.parse().ok()
}

/// Registers of the PTX ISA that nothing on the chip corresponds to.
fn is_unsupported(register: &str) -> bool {
    let counter = register.strip_suffix("_64").unwrap_or(register);
    numbered(counter, "pm").is_some() || register == "current_graph_exec"
}
