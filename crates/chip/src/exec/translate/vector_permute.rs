//! Reductions, mask instructions and permutations (V 14 to 16).

use weft_isa::{Opcode, Sew};

use super::super::float::Half;
use super::super::vec_fp::FloatMoveFromF;
use super::super::vec_mask::{Id, Iota};
use super::super::{
    Handler, select, select_cold, vec_arith as arith, vec_mask, vec_perm as perm, vec_red as red,
};
use super::operands::{Choice, MASK, NONE};
use perm::{
    Broadcast, Compress, Gather, MoveFromX, MoveToF, MoveToX, Slide1Down, Slide1Up, SlideDown,
    SlideUp,
};
use red::{FloatReduce, Reduce, WideningSum};

const SUM: u8 = red::FloatFold::Sum as u8;
const MIN: u8 = red::FloatFold::Min as u8;
const MAX: u8 = red::FloatFold::Max as u8;

type GatherEi16<T> = Gather<T, u16>;

impl Choice {
    /// What looks across elements.
    #[expect(clippy::too_many_lines, reason = "one line per instruction")]
    pub(super) fn vector_permute(&mut self) -> Option<Handler> {
        use Opcode as O;
        let choice = self;
        let handler: Handler = match choice.opcode {
            O::VredsumVs => {
                choice.groups(NONE, 0, NONE);
                by_sew!(choice, Reduce<arith::Add, T>)
            }
            O::VredandVs => {
                choice.groups(NONE, 0, NONE);
                by_sew!(choice, Reduce<arith::And, T>)
            }
            O::VredorVs => {
                choice.groups(NONE, 0, NONE);
                by_sew!(choice, Reduce<arith::Or, T>)
            }
            O::VredxorVs => {
                choice.groups(NONE, 0, NONE);
                by_sew!(choice, Reduce<arith::Xor, T>)
            }
            O::VredminuVs => {
                choice.groups(NONE, 0, NONE);
                by_sew!(choice, Reduce<arith::MinU, T>)
            }
            O::VredminVs => {
                choice.groups(NONE, 0, NONE);
                by_sew!(choice, Reduce<arith::MinS, T>)
            }
            O::VredmaxuVs => {
                choice.groups(NONE, 0, NONE);
                by_sew!(choice, Reduce<arith::MaxU, T>)
            }
            O::VredmaxVs => {
                choice.groups(NONE, 0, NONE);
                by_sew!(choice, Reduce<arith::MaxS, T>)
            }
            O::VwredsumuVs => {
                choice.groups(NONE, 0, NONE);
                by_narrow_sew!(choice, WideningSum<T, false>)
            }
            O::VwredsumVs => {
                choice.groups(NONE, 0, NONE);
                by_narrow_sew!(choice, WideningSum<T, true>)
            }
            O::VfredosumVs | O::VfredusumVs => {
                choice.op.imm = i64::from(choice.opcode == O::VfredusumVs);
                choice.groups(NONE, 0, NONE);
                by_float_sew!(choice, FloatReduce<T, { SUM }>)
            }
            O::VfredminVs => {
                choice.groups(NONE, 0, NONE);
                by_float_sew!(choice, FloatReduce<T, { MIN }>)
            }
            O::VfredmaxVs => {
                choice.groups(NONE, 0, NONE);
                by_float_sew!(choice, FloatReduce<T, { MAX }>)
            }
            O::VfwredosumVs | O::VfwredusumVs => {
                choice.op.imm = i64::from(choice.opcode == O::VfwredusumVs);
                choice.groups(NONE, 0, NONE);
                match choice.vtype.sew {
                    Sew::E8 | Sew::E64 => return choice.width(),
                    Sew::E16 => select_cold::<red::FloatWideningSum<Half, f32>>(),
                    Sew::E32 => select_cold::<red::FloatWideningSum<f32, f64>>(),
                }
            }
            O::VmandMm => vec_mask::vmand,
            O::VmnandMm => vec_mask::vmnand,
            O::VmandnMm => vec_mask::vmandn,
            O::VmxorMm => vec_mask::vmxor,
            O::VmorMm => vec_mask::vmor,
            O::VmnorMm => vec_mask::vmnor,
            O::VmornMm => vec_mask::vmorn,
            O::VmxnorMm => vec_mask::vmxnor,
            O::VcpopM => vec_mask::vcpop,
            O::VfirstM => vec_mask::vfirst,
            O::VmsbfM => {
                choice.apart_from_mask(MASK);
                vec_mask::vmsbf
            }
            O::VmsifM => {
                choice.apart_from_mask(MASK);
                vec_mask::vmsif
            }
            O::VmsofM => {
                choice.apart_from_mask(MASK);
                vec_mask::vmsof
            }
            O::ViotaM => {
                choice.groups(0, NONE, NONE);
                choice.apart_from_mask(choice.vtype.lmul.log2());
                by_sew!(choice, Iota<T>)
            }
            O::VidV => {
                choice.groups(0, NONE, NONE);
                by_sew!(choice, Id<T>)
            }
            O::VmvXS => by_sew!(choice, MoveToX<T>),
            O::VmvSX => by_sew!(choice, MoveFromX<T>),
            O::VfmvFS => {
                choice.float_width()?;
                by_sew!(choice, MoveToF<T>)
            }
            O::VfmvSF => by_float_sew!(choice, FloatMoveFromF<T>),
            O::VslideupVx | O::VslideupVi => {
                choice.groups(0, 0, NONE);
                choice.apart(None);
                by_sew!(choice, SlideUp<T>)
            }
            O::VslidedownVx | O::VslidedownVi => {
                choice.groups(0, 0, NONE);
                by_sew!(choice, SlideDown<T>)
            }
            O::Vslide1upVx => {
                choice.groups(0, 0, NONE);
                choice.apart(None);
                by_sew!(choice, Slide1Up<T, false>)
            }
            O::Vfslide1upVf => {
                choice.float_width()?;
                choice.groups(0, 0, NONE);
                choice.apart(None);
                by_sew!(choice, Slide1Up<T, true>)
            }
            O::Vslide1downVx => {
                choice.groups(0, 0, NONE);
                by_sew!(choice, Slide1Down<T, false>)
            }
            O::Vfslide1downVf => {
                choice.float_width()?;
                choice.groups(0, 0, NONE);
                by_sew!(choice, Slide1Down<T, true>)
            }
            O::VrgatherVv => {
                choice.groups(0, 0, 0);
                choice.apart(Some(choice.vtype.lmul.log2()));
                at_widths!(choice, E8: Gather<u8, u8>, E16: Gather<u16, u16>, E32: Gather<u32, u32>, E64: Gather<u64, u64>)
            }
            O::Vrgatherei16Vv => {
                let wider = 1 - choice.vtype.sew.log2_bytes() as i8;
                choice.groups(0, 0, wider);
                choice.apart(Some(choice.vtype.lmul.log2() + wider));
                by_sew!(choice, GatherEi16<T>)
            }
            O::VrgatherVx | O::VrgatherVi => {
                choice.groups(0, 0, NONE);
                choice.apart(None);
                by_sew!(choice, Broadcast<T>)
            }
            O::VcompressVm => {
                choice.groups(0, 0, NONE);
                choice.apart(Some(MASK));
                by_sew!(choice, Compress<T>)
            }
            _ => return None,
        };
        Some(handler)
    }
}
