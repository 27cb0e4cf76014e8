//! Integer and fixed-point vector arithmetic (V 11, V 12, Zvbb, Zvdot4a8i).

use weft_isa::{Opcode, Sew};

use super::super::{Handler, select, select_cold, vec_arith as arith, vec_fixed as fixed};
use super::operands::{Choice, NONE};
use arith::{
    BinaryVv, BinaryVx, CarryOp, CompareVv, CompareVx, Extend, Merge, MulAddVv, MulAddVx,
    NarrowingVv, NarrowingVx, UnaryV, WideNarrowVv, WideNarrowVx, WideningMulAddVv,
    WideningMulAddVx, WideningVv, WideningVx,
};
use fixed::{FixedBinary, FixedNarrow};

/// `vd = vs2 op vs1`.
macro_rules! binary {
    ($choice:ident, $operation:ty) => {
        forms!($choice, (0, 0, 0), by_sew, BinaryVv<$operation, T>, BinaryVx<$operation, T>)
    };
}

/// A mask of comparisons.
macro_rules! compare {
    ($choice:ident, $operation:ty) => {
        forms!($choice, (NONE, 0, 0), by_sew, CompareVv<$operation, T>, CompareVx<$operation, T>)
    };
}

/// Products added to, or subtracted from, a third operand.
macro_rules! mul_add {
    ($choice:ident, $operation:ty) => {
        forms!($choice, (0, 0, 0), by_sew, MulAddVv<$operation, T>, MulAddVx<$operation, T>)
    };
}

/// Two operands of SEW, a result of twice SEW.
macro_rules! widening {
    ($choice:ident, $operation:ty) => {
        forms!($choice, (1, 0, 0), by_narrow_sew, WideningVv<$operation, T>, WideningVx<$operation, T>)
    };
}

/// An operand of twice SEW and one of SEW, a result of twice SEW.
macro_rules! wide_narrow {
    ($choice:ident, $operation:ty) => {
        forms!($choice, (1, 1, 0), by_narrow_sew, WideNarrowVv<$operation, T>, WideNarrowVx<$operation, T>)
    };
}

/// An operand of twice SEW, a result of SEW.
macro_rules! narrowing {
    ($choice:ident, $operation:ty) => {
        forms!($choice, (0, 1, 0), by_narrow_sew, NarrowingVv<$operation, T>, NarrowingVx<$operation, T>)
    };
}

/// Products of twice SEW added to the destination.
macro_rules! widening_mul_add {
    ($choice:ident, $operation:ty) => {
        forms!($choice, (1, 0, 0), by_narrow_sew, WideningMulAddVv<$operation, T>, WideningMulAddVx<$operation, T>)
    };
}

/// `vdot4a*`.
macro_rules! dot4 {
    ($choice:ident, $a:literal, $b:literal, $scalar:literal) => {{
        $choice.groups(0, 0, 0);
        if $choice.vtype.sew != Sew::E32 {
            return $choice.width();
        }
        select::<arith::Dot4<$a, $b, $scalar>>($choice.level)
    }};
}

impl Choice {
    /// Integer arithmetic.
    #[expect(clippy::too_many_lines, reason = "one line per instruction")]
    pub(super) fn vector_integer(&mut self) -> Option<Handler> {
        use Opcode as O;
        let choice = self;
        let handler: Handler = match choice.opcode {
            O::VaddVv | O::VaddVx | O::VaddVi => binary!(choice, arith::Add),
            O::VsubVv | O::VsubVx => binary!(choice, arith::Sub),
            O::VrsubVx | O::VrsubVi => binary!(choice, arith::ReverseSub),
            O::VandVv | O::VandVx | O::VandVi => binary!(choice, arith::And),
            O::VorVv | O::VorVx | O::VorVi => binary!(choice, arith::Or),
            O::VxorVv | O::VxorVx | O::VxorVi => binary!(choice, arith::Xor),
            O::VsllVv | O::VsllVx | O::VsllVi => binary!(choice, arith::Sll),
            O::VsrlVv | O::VsrlVx | O::VsrlVi => binary!(choice, arith::Srl),
            O::VsraVv | O::VsraVx | O::VsraVi => binary!(choice, arith::Sra),
            O::VminuVv | O::VminuVx => binary!(choice, arith::MinU),
            O::VminVv | O::VminVx => binary!(choice, arith::MinS),
            O::VmaxuVv | O::VmaxuVx => binary!(choice, arith::MaxU),
            O::VmaxVv | O::VmaxVx => binary!(choice, arith::MaxS),
            O::VmulVv | O::VmulVx => binary!(choice, arith::Mul),
            O::VmulhVv | O::VmulhVx => binary!(choice, arith::MulhS),
            O::VmulhuVv | O::VmulhuVx => binary!(choice, arith::MulhU),
            O::VmulhsuVv | O::VmulhsuVx => binary!(choice, arith::MulhSU),
            O::VdivuVv | O::VdivuVx => binary!(choice, arith::DivU),
            O::VdivVv | O::VdivVx => binary!(choice, arith::DivS),
            O::VremuVv | O::VremuVx => binary!(choice, arith::RemU),
            O::VremVv | O::VremVx => binary!(choice, arith::RemS),
            O::VandnVv | O::VandnVx => binary!(choice, arith::Andn),
            O::VrolVv | O::VrolVx => binary!(choice, arith::Rol),
            O::VrorVv | O::VrorVx | O::VrorVi => binary!(choice, arith::Ror),
            O::VmvVV | O::VmvVX | O::VmvVI => {
                forms!(choice, (0, NONE, 0), by_sew, BinaryVv<arith::Move, T>, BinaryVx<arith::Move, T>)
            }
            O::VmseqVv | O::VmseqVx | O::VmseqVi => compare!(choice, arith::Equal),
            O::VmsneVv | O::VmsneVx | O::VmsneVi => compare!(choice, arith::NotEqual),
            O::VmsltuVv | O::VmsltuVx => compare!(choice, arith::LessU),
            O::VmsltVv | O::VmsltVx => compare!(choice, arith::LessS),
            O::VmsleuVv | O::VmsleuVx | O::VmsleuVi => compare!(choice, arith::LessEqualU),
            O::VmsleVv | O::VmsleVx | O::VmsleVi => compare!(choice, arith::LessEqualS),
            O::VmsgtuVx | O::VmsgtuVi => compare!(choice, arith::GreaterU),
            O::VmsgtVx | O::VmsgtVi => compare!(choice, arith::GreaterS),
            O::VbrevV => {
                choice.groups(0, 0, NONE);
                by_sew!(choice, UnaryV<arith::BitReverse, T>)
            }
            O::Vbrev8V => {
                choice.groups(0, 0, NONE);
                by_sew!(choice, UnaryV<arith::BitReverseBytes, T>)
            }
            O::Vrev8V => {
                choice.groups(0, 0, NONE);
                by_sew!(choice, UnaryV<arith::ByteReverse, T>)
            }
            O::VclzV => {
                choice.groups(0, 0, NONE);
                by_sew!(choice, UnaryV<arith::LeadingZeros, T>)
            }
            O::VctzV => {
                choice.groups(0, 0, NONE);
                by_sew!(choice, UnaryV<arith::TrailingZeros, T>)
            }
            O::VcpopV => {
                choice.groups(0, 0, NONE);
                by_sew!(choice, UnaryV<arith::PopCount, T>)
            }
            O::VmaccVv | O::VmaccVx => mul_add!(choice, arith::Macc),
            O::VnmsacVv | O::VnmsacVx => mul_add!(choice, arith::Nmsac),
            O::VmaddVv | O::VmaddVx => mul_add!(choice, arith::Madd),
            O::VnmsubVv | O::VnmsubVx => mul_add!(choice, arith::Nmsub),
            O::VwadduVv | O::VwadduVx => widening!(choice, arith::WaddU),
            O::VwaddVv | O::VwaddVx => widening!(choice, arith::WaddS),
            O::VwsubuVv | O::VwsubuVx => widening!(choice, arith::WsubU),
            O::VwsubVv | O::VwsubVx => widening!(choice, arith::WsubS),
            O::VwmuluVv | O::VwmuluVx => widening!(choice, arith::WmulU),
            O::VwmulVv | O::VwmulVx => widening!(choice, arith::WmulS),
            O::VwmulsuVv | O::VwmulsuVx => widening!(choice, arith::WmulSU),
            O::VwsllVv | O::VwsllVx | O::VwsllVi => widening!(choice, arith::Wsll),
            O::VwadduWv | O::VwadduWx => wide_narrow!(choice, arith::AddWideU),
            O::VwaddWv | O::VwaddWx => wide_narrow!(choice, arith::AddWideS),
            O::VwsubuWv | O::VwsubuWx => wide_narrow!(choice, arith::SubWideU),
            O::VwsubWv | O::VwsubWx => wide_narrow!(choice, arith::SubWideS),
            O::VnsrlWv | O::VnsrlWx | O::VnsrlWi => narrowing!(choice, arith::NarrowSrl),
            O::VnsraWv | O::VnsraWx | O::VnsraWi => narrowing!(choice, arith::NarrowSra),
            O::VwmaccuVv | O::VwmaccuVx => widening_mul_add!(choice, arith::WmaccU),
            O::VwmaccVv | O::VwmaccVx => widening_mul_add!(choice, arith::WmaccS),
            O::VwmaccsuVv | O::VwmaccsuVx => widening_mul_add!(choice, arith::WmaccSU),
            O::VwmaccusVx => widening_mul_add!(choice, arith::WmaccUS),
            O::VzextVf2 => {
                choice.groups(0, -1, NONE);
                at_widths!(choice, E16: Extend<u8, u16, false>, E32: Extend<u16, u32, false>, E64: Extend<u32, u64, false>)
            }
            O::VzextVf4 => {
                choice.groups(0, -2, NONE);
                at_widths!(choice, E32: Extend<u8, u32, false>, E64: Extend<u16, u64, false>)
            }
            O::VzextVf8 => {
                choice.groups(0, -3, NONE);
                at_widths!(choice, E64: Extend<u8, u64, false>)
            }
            O::VsextVf2 => {
                choice.groups(0, -1, NONE);
                at_widths!(choice, E16: Extend<u8, u16, true>, E32: Extend<u16, u32, true>, E64: Extend<u32, u64, true>)
            }
            O::VsextVf4 => {
                choice.groups(0, -2, NONE);
                at_widths!(choice, E32: Extend<u8, u32, true>, E64: Extend<u16, u64, true>)
            }
            O::VsextVf8 => {
                choice.groups(0, -3, NONE);
                at_widths!(choice, E64: Extend<u8, u64, true>)
            }
            O::VmergeVvm | O::VmergeVxm | O::VmergeVim => {
                choice.groups(0, 0, 0);
                // The mask chooses; it does not make elements inactive.
                choice.op.vm = true;
                if choice.is_vv() {
                    by_sew!(choice, Merge<T, false>)
                } else {
                    by_sew!(choice, Merge<T, true>)
                }
            }
            O::VadcVvm | O::VadcVxm | O::VadcVim => {
                forms!(choice, (0, 0, 0), by_sew, CarryOp<arith::Adc, T, false>, CarryOp<arith::Adc, T, true>)
            }
            O::VmadcVvm | O::VmadcVxm | O::VmadcVim | O::VmadcVv | O::VmadcVx | O::VmadcVi => {
                forms!(choice, (NONE, 0, 0), by_sew, CarryOp<arith::Madc, T, false>, CarryOp<arith::Madc, T, true>)
            }
            O::VsbcVvm | O::VsbcVxm => {
                forms!(choice, (0, 0, 0), by_sew, CarryOp<arith::Sbc, T, false>, CarryOp<arith::Sbc, T, true>)
            }
            O::VmsbcVvm | O::VmsbcVxm | O::VmsbcVv | O::VmsbcVx => {
                forms!(choice, (NONE, 0, 0), by_sew, CarryOp<arith::Msbc, T, false>, CarryOp<arith::Msbc, T, true>)
            }
            O::Vdot4aVv => dot4!(choice, true, true, false),
            O::Vdot4aVx => dot4!(choice, true, true, true),
            O::Vdot4auVv => dot4!(choice, false, false, false),
            O::Vdot4auVx => dot4!(choice, false, false, true),
            O::Vdot4asuVv => dot4!(choice, true, false, false),
            O::Vdot4asuVx => dot4!(choice, true, false, true),
            O::Vdot4ausVx => dot4!(choice, false, true, true),
            _ => return None,
        };
        Some(handler)
    }
}

/// Fixed-point arithmetic: rounded by `vxrm`, saturated into `vxsat`.
macro_rules! fixed {
    ($choice:ident, $operation:ty) => {
        forms!($choice, (0, 0, 0), by_sew_cold, FixedBinary<$operation, T, false>, FixedBinary<$operation, T, true>)
    };
}

/// Narrowing fixed-point clips.
macro_rules! fixed_narrow {
    ($choice:ident, $operation:ty) => {
        forms!($choice, (0, 1, 0), by_narrow_sew, FixedNarrow<$operation, T, false>, FixedNarrow<$operation, T, true>)
    };
}

impl Choice {
    /// Fixed-point arithmetic.
    pub(super) fn vector_fixed(&mut self) -> Option<Handler> {
        use Opcode as O;
        let choice = self;
        let handler: Handler = match choice.opcode {
            O::VsadduVv | O::VsadduVx | O::VsadduVi => fixed!(choice, fixed::SaddU),
            O::VsaddVv | O::VsaddVx | O::VsaddVi => fixed!(choice, fixed::SaddS),
            O::VssubuVv | O::VssubuVx => fixed!(choice, fixed::SsubU),
            O::VssubVv | O::VssubVx => fixed!(choice, fixed::SsubS),
            O::VaadduVv | O::VaadduVx => fixed!(choice, fixed::AaddU),
            O::VaaddVv | O::VaaddVx => fixed!(choice, fixed::AaddS),
            O::VasubuVv | O::VasubuVx => fixed!(choice, fixed::AsubU),
            O::VasubVv | O::VasubVx => fixed!(choice, fixed::AsubS),
            O::VsmulVv | O::VsmulVx => fixed!(choice, fixed::Smul),
            O::VssrlVv | O::VssrlVx | O::VssrlVi => fixed!(choice, fixed::Ssrl),
            O::VssraVv | O::VssraVx | O::VssraVi => fixed!(choice, fixed::Ssra),
            O::VnclipuWv | O::VnclipuWx | O::VnclipuWi => fixed_narrow!(choice, fixed::ClipU),
            O::VnclipWv | O::VnclipWx | O::VnclipWi => fixed_narrow!(choice, fixed::ClipS),
            _ => return None,
        };
        Some(handler)
    }
}
