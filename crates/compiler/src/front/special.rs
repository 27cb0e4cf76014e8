//! Special registers: PTX ISA chapter 10.

use super::function::{Ins, Lowering};
use crate::ErrorKind;
use crate::ir::{Op, ShiftOp, Special, Type, Value};

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
        "total_smem_size" => Special::SharedTotalBytes,
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

/// Registers of the PTX ISA that nothing on the chip corresponds to.
fn is_unsupported(register: &str) -> bool {
    let numbered = |stem: &str| {
        register
            .strip_prefix(stem)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    numbered("envreg")
        || (numbered("pm")
            || register
                .strip_suffix("_64")
                .is_some_and(|r| r.starts_with("pm")))
        || register.starts_with("reserved_smem_")
        || matches!(register, "aggr_smem_size" | "current_graph_exec")
}
