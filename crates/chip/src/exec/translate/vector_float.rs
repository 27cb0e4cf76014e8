//! Floating-point vector arithmetic and conversions (V 13, Zvfh, Zvfbfmin, Zvfbfwma).

use weft_isa::{Opcode, Sew};

use super::super::estimate::Estimate;
use super::super::float::Half;
use super::super::{Handler, select, select_cold, vec_fp as vfp};
use super::operands::{Choice, NONE};
use vfp::{
    FloatBinary, FloatClass, FloatCompare, FloatExtend, FloatMerge, FloatMulAdd, FloatSplat,
    FloatToInt, FloatTruncate, FloatUnary, FloatWideNarrow, FloatWiden, FloatWidenMulAdd,
    FlushSubnormal, IntToFloat,
};

/// `vd = vs2 op vs1`.
macro_rules! float_binary {
    ($choice:ident, $operation:ty) => {
        forms!($choice, (0, 0, 0), by_float_sew, FloatBinary<$operation, T, false>, FloatBinary<$operation, T, true>)
    };
}

/// Fused multiply-adds.
macro_rules! float_mul_add {
    ($choice:ident, $operation:ty) => {
        forms!($choice, (0, 0, 0), by_float_sew, FloatMulAdd<$operation, T, false>, FloatMulAdd<$operation, T, true>)
    };
}

/// Two operands of SEW, a result of twice SEW.
macro_rules! float_widen {
    ($choice:ident, $operation:ty) => {
        forms!($choice, (1, 0, 0), by_narrow_float_sew, FloatWiden<$operation, T, false>, FloatWiden<$operation, T, true>)
    };
}

/// An operand of twice SEW and one of SEW, a result of twice SEW.
macro_rules! float_wide_narrow {
    ($choice:ident, $operation:ty) => {
        forms!($choice, (1, 1, 0), by_narrow_float_sew, FloatWideNarrow<$operation, T, false>, FloatWideNarrow<$operation, T, true>)
    };
}

/// Fused multiply-adds into twice SEW.
macro_rules! float_widen_mul_add {
    ($choice:ident, $operation:ty) => {
        forms!($choice, (1, 0, 0), by_narrow_float_sew, FloatWidenMulAdd<$operation, T, false>, FloatWidenMulAdd<$operation, T, true>)
    };
}

/// A mask of comparisons.
macro_rules! float_compare {
    ($choice:ident, $operation:ty) => {
        forms!($choice, (NONE, 0, 0), by_float_sew, FloatCompare<$operation, T, false>, FloatCompare<$operation, T, true>)
    };
}

impl Choice {
    /// Arithmetic, comparisons and moves within vectors.
    pub(super) fn vector_float(&mut self) -> Option<Handler> {
        use Opcode as O;
        let choice = self;
        let handler: Handler = match choice.opcode {
            O::VfmergeVfm => {
                choice.groups(0, 0, NONE);
                choice.op.vm = true;
                by_float_sew!(choice, FloatMerge<T>)
            }
            O::VfaddVv | O::VfaddVf => float_binary!(choice, vfp::Fadd),
            O::VfsubVv | O::VfsubVf => float_binary!(choice, vfp::Fsub),
            O::VfrsubVf => float_binary!(choice, vfp::Frsub),
            O::VfmulVv | O::VfmulVf => float_binary!(choice, vfp::Fmul),
            O::VfdivVv | O::VfdivVf => float_binary!(choice, vfp::Fdiv),
            O::VfrdivVf => float_binary!(choice, vfp::Frdiv),
            O::VfminVv | O::VfminVf => float_binary!(choice, vfp::Fmin),
            O::VfmaxVv | O::VfmaxVf => float_binary!(choice, vfp::Fmax),
            O::VfsgnjVv | O::VfsgnjVf => float_binary!(choice, vfp::Fsgnj),
            O::VfsgnjnVv | O::VfsgnjnVf => float_binary!(choice, vfp::Fsgnjn),
            O::VfsgnjxVv | O::VfsgnjxVf => float_binary!(choice, vfp::Fsgnjx),
            O::VfmaccVv | O::VfmaccVf => float_mul_add!(choice, vfp::Fmacc),
            O::VfnmaccVv | O::VfnmaccVf => float_mul_add!(choice, vfp::Fnmacc),
            O::VfmsacVv | O::VfmsacVf => float_mul_add!(choice, vfp::Fmsac),
            O::VfnmsacVv | O::VfnmsacVf => float_mul_add!(choice, vfp::Fnmsac),
            O::VfmaddVv | O::VfmaddVf => float_mul_add!(choice, vfp::Fmadd),
            O::VfnmaddVv | O::VfnmaddVf => float_mul_add!(choice, vfp::Fnmadd),
            O::VfmsubVv | O::VfmsubVf => float_mul_add!(choice, vfp::Fmsub),
            O::VfnmsubVv | O::VfnmsubVf => float_mul_add!(choice, vfp::Fnmsub),
            O::VfwaddVv | O::VfwaddVf => float_widen!(choice, vfp::Fadd),
            O::VfwsubVv | O::VfwsubVf => float_widen!(choice, vfp::Fsub),
            O::VfwmulVv | O::VfwmulVf => float_widen!(choice, vfp::Fmul),
            O::VfwaddWv | O::VfwaddWf => float_wide_narrow!(choice, vfp::Fadd),
            O::VfwsubWv | O::VfwsubWf => float_wide_narrow!(choice, vfp::Fsub),
            O::VfwmaccVv | O::VfwmaccVf => float_widen_mul_add!(choice, vfp::Fmacc),
            O::VfwnmaccVv | O::VfwnmaccVf => float_widen_mul_add!(choice, vfp::Fnmacc),
            O::VfwmsacVv | O::VfwmsacVf => float_widen_mul_add!(choice, vfp::Fmsac),
            O::VfwnmsacVv | O::VfwnmsacVf => float_widen_mul_add!(choice, vfp::Fnmsac),
            O::VmfeqVv | O::VmfeqVf => float_compare!(choice, vfp::Feq),
            O::VmfneVv | O::VmfneVf => float_compare!(choice, vfp::Fne),
            O::VmfltVv | O::VmfltVf => float_compare!(choice, vfp::Flt),
            O::VmfleVv | O::VmfleVf => float_compare!(choice, vfp::Fle),
            O::VmfgtVf => float_compare!(choice, vfp::Fgt),
            O::VmfgeVf => float_compare!(choice, vfp::Fge),
            O::VfsqrtV => {
                choice.groups(0, 0, NONE);
                by_float_sew!(choice, FloatUnary<vfp::Fsqrt, T>)
            }
            O::VfclassV => {
                choice.groups(0, 0, NONE);
                by_float_sew!(choice, FloatClass<T>)
            }
            O::XwVftzV => {
                choice.groups(0, 0, NONE);
                at_widths!(choice, E16: FlushSubnormal<Half>, E32: FlushSubnormal<f32>)
            }
            O::VfmvVF => {
                choice.groups(0, NONE, NONE);
                by_float_sew!(choice, FloatSplat<T>)
            }
            O::Vfwmaccbf16Vv | O::Vfwmaccbf16Vf => {
                choice.groups(1, 0, 0);
                if choice.vtype.sew != Sew::E16 {
                    return choice.width();
                }
                if choice.is_vv() {
                    select::<vfp::Bf16MulAdd<false>>(choice.level)
                } else {
                    select::<vfp::Bf16MulAdd<true>>(choice.level)
                }
            }
            O::Vfrec7V => {
                choice.groups(0, 0, NONE);
                by_float_sew_cold!(choice, Estimate<T, false>)
            }
            O::Vfrsqrt7V => {
                choice.groups(0, 0, NONE);
                by_float_sew_cold!(choice, Estimate<T, true>)
            }
            _ => return None,
        };
        Some(handler)
    }
}

impl Choice {
    /// Conversions.
    #[expect(clippy::too_many_lines, reason = "one line per instruction")]
    pub(super) fn vector_convert(&mut self) -> Option<Handler> {
        use Opcode as O;
        let choice = self;
        let handler: Handler = match choice.opcode {
            O::Vfwcvtbf16FFV => {
                choice.groups(1, 0, NONE);
                if choice.vtype.sew != Sew::E16 {
                    return choice.width();
                }
                select::<vfp::Bf16Extend>(choice.level)
            }
            O::Vfncvtbf16FFW => {
                choice.groups(0, 1, NONE);
                if choice.vtype.sew != Sew::E16 {
                    return choice.width();
                }
                select::<vfp::Bf16Truncate>(choice.level)
            }
            O::VfcvtXuFV => {
                choice.groups(0, 0, NONE);
                at_widths!(choice, E16: FloatToInt<Half, u16, false, false>, E32: FloatToInt<f32, u32, false, false>, E64: FloatToInt<f64, u64, false, false>)
            }
            O::VfwcvtXuFV => {
                choice.groups(1, 0, NONE);
                at_widths!(choice, E16: FloatToInt<Half, u32, false, false>, E32: FloatToInt<f32, u64, false, false>)
            }
            O::VfncvtXuFW => {
                choice.groups(0, 1, NONE);
                at_widths!(choice, E8: FloatToInt<Half, u8, false, false>, E16: FloatToInt<f32, u16, false, false>, E32: FloatToInt<f64, u32, false, false>)
            }
            O::VfcvtRtzXuFV => {
                choice.groups(0, 0, NONE);
                at_widths!(choice, E16: FloatToInt<Half, u16, false, true>, E32: FloatToInt<f32, u32, false, true>, E64: FloatToInt<f64, u64, false, true>)
            }
            O::VfwcvtRtzXuFV => {
                choice.groups(1, 0, NONE);
                at_widths!(choice, E16: FloatToInt<Half, u32, false, true>, E32: FloatToInt<f32, u64, false, true>)
            }
            O::VfncvtRtzXuFW => {
                choice.groups(0, 1, NONE);
                at_widths!(choice, E8: FloatToInt<Half, u8, false, true>, E16: FloatToInt<f32, u16, false, true>, E32: FloatToInt<f64, u32, false, true>)
            }
            O::VfcvtFXuV => {
                choice.groups(0, 0, NONE);
                at_widths!(choice, E16: IntToFloat<u16, Half, false>, E32: IntToFloat<u32, f32, false>, E64: IntToFloat<u64, f64, false>)
            }
            O::VfwcvtFXuV => {
                choice.groups(1, 0, NONE);
                at_widths!(choice, E8: IntToFloat<u8, Half, false>, E16: IntToFloat<u16, f32, false>, E32: IntToFloat<u32, f64, false>)
            }
            O::VfncvtFXuW => {
                choice.groups(0, 1, NONE);
                at_widths!(choice, E16: IntToFloat<u32, Half, false>, E32: IntToFloat<u64, f32, false>)
            }
            O::VfcvtXFV => {
                choice.groups(0, 0, NONE);
                at_widths!(choice, E16: FloatToInt<Half, u16, true, false>, E32: FloatToInt<f32, u32, true, false>, E64: FloatToInt<f64, u64, true, false>)
            }
            O::VfwcvtXFV => {
                choice.groups(1, 0, NONE);
                at_widths!(choice, E16: FloatToInt<Half, u32, true, false>, E32: FloatToInt<f32, u64, true, false>)
            }
            O::VfncvtXFW => {
                choice.groups(0, 1, NONE);
                at_widths!(choice, E8: FloatToInt<Half, u8, true, false>, E16: FloatToInt<f32, u16, true, false>, E32: FloatToInt<f64, u32, true, false>)
            }
            O::VfcvtRtzXFV => {
                choice.groups(0, 0, NONE);
                at_widths!(choice, E16: FloatToInt<Half, u16, true, true>, E32: FloatToInt<f32, u32, true, true>, E64: FloatToInt<f64, u64, true, true>)
            }
            O::VfwcvtRtzXFV => {
                choice.groups(1, 0, NONE);
                at_widths!(choice, E16: FloatToInt<Half, u32, true, true>, E32: FloatToInt<f32, u64, true, true>)
            }
            O::VfncvtRtzXFW => {
                choice.groups(0, 1, NONE);
                at_widths!(choice, E8: FloatToInt<Half, u8, true, true>, E16: FloatToInt<f32, u16, true, true>, E32: FloatToInt<f64, u32, true, true>)
            }
            O::VfcvtFXV => {
                choice.groups(0, 0, NONE);
                at_widths!(choice, E16: IntToFloat<u16, Half, true>, E32: IntToFloat<u32, f32, true>, E64: IntToFloat<u64, f64, true>)
            }
            O::VfwcvtFXV => {
                choice.groups(1, 0, NONE);
                at_widths!(choice, E8: IntToFloat<u8, Half, true>, E16: IntToFloat<u16, f32, true>, E32: IntToFloat<u32, f64, true>)
            }
            O::VfncvtFXW => {
                choice.groups(0, 1, NONE);
                at_widths!(choice, E16: IntToFloat<u32, Half, true>, E32: IntToFloat<u64, f32, true>)
            }
            O::VfwcvtFFV => {
                choice.groups(1, 0, NONE);
                by_narrow_float_sew!(choice, FloatExtend<T>)
            }
            O::VfncvtFFW => {
                choice.groups(0, 1, NONE);
                by_narrow_float_sew!(choice, FloatTruncate<T, false>)
            }
            O::VfncvtRodFFW => {
                choice.groups(0, 1, NONE);
                by_narrow_float_sew!(choice, FloatTruncate<T, true>)
            }
            _ => return None,
        };
        Some(handler)
    }
}
