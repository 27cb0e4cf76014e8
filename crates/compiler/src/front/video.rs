//! SIMD video instructions: PTX ISA section 9.7.19. Of these, `vabsdiff4` is what compilers still
//! emit, for the byte-wise difference intrinsics.

use super::function::{Ins, Lowering};
use super::types;
use crate::ErrorKind;
use crate::ir::{BinaryOp, ShiftOp, UnaryOp};
use weft_ptx::ast::ScalarType;

/// `vabsdiff4.dtype.atype.btype{.add} d, a, b, c`: the absolute differences of the four pairs of
/// bytes, in place or (`.add`) summed with `c`. Selectors and masks are not supported.
pub(super) fn vabsdiff4<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
) -> Result<(), ErrorKind> {
    let (to, a_type, b_type) = (ins.ty()?, ins.ty()?, ins.ty()?);
    for ty in [to, a_type, b_type] {
        if !matches!(ty, ScalarType::U32 | ScalarType::S32) {
            return Err(ins.unsupported());
        }
    }
    let sum = ins.modifiers.take("add");
    let [d, a, b, c] = ins.operands()?;
    let a = f.read(ins, a, a_type)?;
    let b = f.read(ins, b, b_type)?;
    let c = f.read(ins, c, to)?;
    let mut result = sum.then_some(c);
    for index in 0..4 {
        let x = f.field(a, 8 * index, 8, types::is_signed(a_type));
        let y = f.field(b, 8 * index, 8, types::is_signed(b_type));
        // Both fit 9 bits, so the difference does not wrap.
        let difference = f.binary(BinaryOp::Sub, x, y);
        let magnitude = f.unary(UnaryOp::Abs, difference);
        let part = if sum {
            magnitude
        } else {
            f.shift_by(ShiftOp::Left, magnitude, 8 * index)
        };
        result = Some(match result {
            None => part,
            Some(others) => f.binary(if sum { BinaryOp::Add } else { BinaryOp::Or }, others, part),
        });
    }
    f.write(ins, d, to, result.unwrap_or(c))
}
