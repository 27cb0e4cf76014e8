//! Configuring the matrix unit: `mset*` (Zvt, Matrix Configuration Instructions).

use weft_isa::field::{Field as _, MatrixTypeImm};
use weft_isa::{Lmul, VType};

use super::{MatrixType, TE, dot_length_max, edge};
use crate::exec::{Env, Flow, Hart, Op, illegal};

/// ETE of the current configuration; none if there is none.
fn configured_edge(hart: &Hart) -> Option<u64> {
    let tew = hart.matrix.mtype.tew(hart.vtype.sew)?;
    Some(edge(tew) as u64)
}

/// `msettn`: `vl`, which is `tn`.
pub(super) fn set_tn(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    let most = configured_edge(hart).unwrap_or(hart.vtype.vlmax() as u64);
    let vl = hart.x(op.rs1).min(most);
    hart.vl = vl as u32;
    hart.vstart = 0;
    hart.set_x(op.rd, vl);
    Flow::Next
}

/// `msettm`
pub(super) fn set_tm(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    let Some(most) = configured_edge(hart) else {
        return illegal(hart, op, "the matrix unit is not configured");
    };
    let tm = hart.x(op.rs1).min(most);
    hart.matrix.mtype.tm = tm as u16;
    hart.vstart = 0;
    hart.set_x(op.rd, tm);
    Flow::Next
}

/// `msettk`
pub(super) fn set_tk(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    if configured_edge(hart).is_none() {
        return illegal(hart, op, "the matrix unit is not configured");
    }
    let most = dot_length_max(hart.vtype.sew) as u64;
    let tk = hart.x(op.rs1).min(most);
    hart.matrix.mtype.tk = tk as u8;
    hart.vstart = 0;
    hart.set_x(op.rd, tk);
    Flow::Next
}

/// `msetmtype`: `mtype` and `vtype` from registers. Always the last of its block.
pub(super) fn set_type(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    let (mtype, vtype) = (hart.x(op.rs1), hart.x(op.rs2));
    configure(hart, mtype, vtype);
    Flow::Next
}

/// The immediate of `msetmtypei`: what [`set_type_immediate`] expects.
pub(super) fn immediate(word: u32) -> i64 {
    let mtype = MatrixTypeImm::extract(word);
    mtype.map_or(0, |mtype| (mtype.vtype() << 32 | mtype.mtype()) as i64)
}

/// `msetmtypei`: `imm` is `mtwiden`, and the bits of `vtype` above it from bit 32 on. Always the
/// last of its block.
pub(super) fn set_type_immediate(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    let imm = op.imm as u64;
    configure(hart, imm & 3, imm >> 32);
    Flow::Next
}

fn configure(hart: &mut Hart, mtype: u64, vtype: u64) {
    let mut mtype = MatrixType::from_bits(mtype);
    let vtype = if mtype.widen == 0 {
        VType::decode(vtype)
    } else {
        VType::decode_matrix(vtype)
    };
    hart.vl = 0;
    hart.vstart = 0;
    hart.vtype = vtype;
    hart.matrix.mtype = MatrixType::default();
    if vtype.vill || mtype.widen == 0 {
        return;
    }
    let Some(tew) = mtype.tew(vtype.sew) else {
        hart.vtype = VType::ILL;
        return;
    };
    // LMUL is min(8 / KMAX, 8 / TWIDEN, ceil(ETE / (VLEN / SEW))), which is 1: a register holds
    // as many elements as a tile has columns, at every width.
    const { assert!(TE * 32 == weft_isa::abi::VLEN) };
    hart.vtype = VType {
        lmul: Lmul::M1,
        ta: true,
        ma: true,
        ..vtype
    };
    mtype.tk = mtype.tk.min(dot_length_max(vtype.sew) as u8);
    mtype.tm = mtype.tm.min(edge(tew) as u16);
    hart.matrix.mtype = mtype;
}
