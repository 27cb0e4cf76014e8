//! Xweft: vector atomics, approximations and products of matrices.

use weft_isa::{MatrixForm, Opcode, Sew};

use super::super::atomic::{self, VectorAtomic, VectorCompareAndSwap};
use super::super::special::{self, Special};
use super::super::{Handler, matrix, select, select_cold};
use super::operands::{Choice, NONE, Problem};

/// `xw.vamo*` at the element widths listed.
macro_rules! vector_atomic {
    ($choice:ident, $update:ty, [$($sew:ident $type:ident),*]) => {{
        $choice.atomic_groups();
        match $choice.vtype.sew {
            $(Sew::$sew => select_cold::<VectorAtomic<$update, $type>>(),)*
            #[allow(unreachable_patterns, reason = "some exist at every width")]
            _ => return $choice.width(),
        }
    }};
}

/// `xw.v*` approximations of singles.
macro_rules! special {
    ($choice:ident, $function:ident) => {{
        $choice.groups(0, 0, NONE);
        match $choice.vtype.sew {
            Sew::E32 => select::<Special<special::$function>>($choice.level),
            Sew::E8 | Sew::E16 | Sew::E64 => return $choice.width(),
        }
    }};
}

impl Choice {
    /// The instructions of Xweft that look at `vtype`.
    pub(super) fn xweft(&mut self) -> Option<Handler> {
        use Opcode as O;
        let choice = self;
        let handler: Handler = match choice.opcode {
            O::XwVamoswapV => {
                vector_atomic!(choice, atomic::Swap, [E32 u32, E64 u64])
            }
            O::XwVamoaddV => {
                vector_atomic!(choice, atomic::Add, [E32 u32, E64 u64])
            }
            O::XwVamoxorV => {
                vector_atomic!(choice, atomic::Xor, [E32 u32, E64 u64])
            }
            O::XwVamoandV => {
                vector_atomic!(choice, atomic::And, [E32 u32, E64 u64])
            }
            O::XwVamoorV => vector_atomic!(choice, atomic::Or, [E32 u32, E64 u64]),
            O::XwVamominV => {
                vector_atomic!(choice, atomic::MinS, [E32 u32, E64 u64])
            }
            O::XwVamomaxV => {
                vector_atomic!(choice, atomic::MaxS, [E32 u32, E64 u64])
            }
            O::XwVamominuV => {
                vector_atomic!(choice, atomic::MinU, [E32 u32, E64 u64])
            }
            O::XwVamomaxuV => {
                vector_atomic!(choice, atomic::MaxU, [E32 u32, E64 u64])
            }
            O::XwVamoincV => {
                vector_atomic!(choice, atomic::Inc, [E32 u32, E64 u64])
            }
            O::XwVamodecV => {
                vector_atomic!(choice, atomic::Dec, [E32 u32, E64 u64])
            }
            O::XwVamofaddV => vector_atomic!(choice, atomic::FloatAdd, [E16 u16, E32 u32, E64 u64]),
            O::XwVamofaddBf16V => vector_atomic!(choice, atomic::Bf16Add, [E16 u16]),
            O::XwVamofaddF16x2V => vector_atomic!(choice, atomic::HalfPairAdd, [E32 u32]),
            O::XwVamofaddBf16x2V => vector_atomic!(choice, atomic::Bf16PairAdd, [E32 u32]),
            O::XwVamocasV => {
                choice.atomic_groups();
                match choice.vtype.sew {
                    Sew::E8 => return choice.width(),
                    Sew::E16 => select_cold::<VectorCompareAndSwap<u16>>(),
                    Sew::E32 => select_cold::<VectorCompareAndSwap<u32>>(),
                    Sew::E64 => select_cold::<VectorCompareAndSwap<u64>>(),
                }
            }
            O::XwVrcpV => special!(choice, Reciprocal),
            O::XwVrsqrtV => special!(choice, ReciprocalSqrt),
            O::XwVsqrtV => special!(choice, Sqrt),
            O::XwVex2V => special!(choice, Exp2),
            O::XwVlg2V => special!(choice, Log2),
            O::XwVsinV => special!(choice, Sin),
            O::XwVcosV => special!(choice, Cos),
            O::XwVtanhV => special!(choice, Tanh),
            _ => return None,
        };
        Some(handler)
    }

    /// Checks the operands of a vector atomic: addresses have 64 bits whatever SEW is.
    fn atomic_groups(&mut self) {
        let wider = 3 - self.vtype.sew.log2_bytes() as i8;
        self.groups(0, wider, 0);
    }

    /// `xw.mma` looks at neither `vtype` nor `vl`.
    pub(super) fn matrix(&mut self) -> Option<Handler> {
        let form = MatrixForm::from_bits(self.op.imm as u16)?;
        if !matrix::groups_are_aligned(form, &self.op) {
            self.problem = Some(Problem::Group);
        }
        Some(matrix::handler(form, self.level))
    }
}
