//! Atomic memory operations: one per executing lane, even at a uniform address.

use super::{Selected, Selector, sew, vector_class};
use crate::ir::{AtomicOp, FloatType, Space, Type, Value, Width};
use weft_isa::Inst;

impl Selector<'_> {
    pub(super) fn atomic(
        &mut self,
        op: AtomicOp,
        (space, address, offset): (Space, Value, i32),
        width: Width,
        operand: Value,
        compare: Option<Value>,
        to: Value,
    ) -> Selected {
        let ty = match width {
            Width::W8 | Width::W16 => Type::B16,
            Width::W32 => Type::B32,
            Width::W64 => Type::B64,
        };
        let addresses = self.generic_address(space, address, offset);
        let data = self.v(operand);
        let mask = self.effect_mask();
        let vm = mask.is_none();
        let reg = match (op, compare) {
            (AtomicOp::CompareExchange, Some(compare)) => {
                let expected = self.v(compare);
                self.copy_v(vector_class(ty), expected)
            }
            (AtomicOp::CompareExchange, None) => {
                return self.unsupported("compare and exchange without a comparand".to_owned());
            }
            _ => self.m.reg(vector_class(ty)),
        };
        let (vd, vs2, vs1) = (self.m.v(reg), self.m.v(addresses), self.m.v(data));
        let inst = match op {
            AtomicOp::Exchange => Inst::XwVamoswapV { vd, vs2, vs1, vm },
            AtomicOp::Add => Inst::XwVamoaddV { vd, vs2, vs1, vm },
            AtomicOp::And => Inst::XwVamoandV { vd, vs2, vs1, vm },
            AtomicOp::Or => Inst::XwVamoorV { vd, vs2, vs1, vm },
            AtomicOp::Xor => Inst::XwVamoxorV { vd, vs2, vs1, vm },
            AtomicOp::MinSigned => Inst::XwVamominV { vd, vs2, vs1, vm },
            AtomicOp::MaxSigned => Inst::XwVamomaxV { vd, vs2, vs1, vm },
            AtomicOp::MinUnsigned => Inst::XwVamominuV { vd, vs2, vs1, vm },
            AtomicOp::MaxUnsigned => Inst::XwVamomaxuV { vd, vs2, vs1, vm },
            AtomicOp::Increment => Inst::XwVamoincV { vd, vs2, vs1, vm },
            AtomicOp::Decrement => Inst::XwVamodecV { vd, vs2, vs1, vm },
            AtomicOp::CompareExchange => Inst::XwVamocasV { vd, vs2, vs1, vm },
            AtomicOp::FloatAdd => Inst::XwVamofaddV { vd, vs2, vs1, vm },
            AtomicOp::FloatAddBf16 => Inst::XwVamofaddBf16V { vd, vs2, vs1, vm },
            AtomicOp::FloatAddPair(FloatType::Bf16) => Inst::XwVamofaddBf16x2V { vd, vs2, vs1, vm },
            AtomicOp::FloatAddPair(_) => Inst::XwVamofaddF16x2V { vd, vs2, vs1, vm },
        };
        self.m.masked(sew(ty), mask, true, inst);
        self.set_v(to, reg);
        Ok(())
    }
}
