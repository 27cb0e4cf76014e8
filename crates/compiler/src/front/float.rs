//! Floating-point arithmetic: PTX ISA sections 9.7.3 (single and double), 9.7.4 (half) and 9.7.5.
//!
//! `.ftz` flushes subnormal operands and results, `.sat` clamps the result; both are operations
//! of their own in the IR. Pairs (`.f16x2`, `.bf16x2`) are taken apart and put together again.

use super::compare::one_bits;
use super::function::{Ins, Lowering};
use super::types;
use crate::ErrorKind;
use crate::ir::{
    ApproxOp, BinaryOp, FloatBinaryOp, FloatType, FloatUnaryOp, IntCompare, Op, Rounding, ShiftOp,
    Type, Value,
};
use weft_ptx::ast::{Operand, ScalarType};

type Lowered<T = ()> = Result<T, ErrorKind>;

/// Modifiers of the result and operands of arithmetic.
#[derive(Clone, Copy, Debug)]
struct Style {
    rounding: Rounding,
    flush: bool,
    saturate: bool,
    relu: bool,
}

fn take_style(ins: &mut Ins<'_, '_>) -> Style {
    Style {
        rounding: ins.modifiers.take_rounding().unwrap_or(Rounding::Nearest),
        flush: ins.modifiers.take("ftz"),
        saturate: ins.modifiers.take("sat"),
        relu: ins.modifiers.take("relu"),
    }
}

impl Lowering<'_, '_, '_> {
    /// The value with subnormals replaced by zero, if `enabled`.
    pub(super) fn flush(&mut self, format: FloatType, enabled: bool, value: Value) -> Value {
        match (enabled, format) {
            (false, _) => value,
            (true, FloatType::F16 | FloatType::Bf16 | FloatType::F32) => {
                self.float_unary(FloatUnaryOp::FlushSubnormal, format, value)
            }
            // Only the approximations of doubles flush.
            (true, FloatType::F64) => {
                let exponent = self.binary_with(BinaryOp::And, value, 0x7ff0_0000_0000_0000);
                let tiny = self.compare_with(IntCompare::Equal, exponent, 0);
                let zero = self.binary_with(BinaryOp::And, value, 1 << 63);
                self.select(tiny, zero, value)
            }
        }
    }

    /// Operation of one operand, without rounding.
    pub(super) fn float_unary(&mut self, op: FloatUnaryOp, format: FloatType, a: Value) -> Value {
        self.emit(
            Op::FloatUnary(op, format, Rounding::Nearest, a),
            format.ty(),
        )
    }

    /// Operation of two operands.
    pub(super) fn float_binary(
        &mut self,
        op: FloatBinaryOp,
        format: FloatType,
        rounding: Rounding,
        a: Value,
        b: Value,
    ) -> Value {
        self.emit(Op::FloatBinary(op, format, rounding, a, b), format.ty())
    }

    fn approximate(&mut self, op: ApproxOp, a: Value) -> Value {
        self.emit(Op::Approx(op, a), Type::B32)
    }

    /// Applies `.ftz`, `.sat` and `.relu` to a result.
    fn finish_float(&mut self, style: Style, format: FloatType, value: Value) -> Value {
        let mut value = self.flush(format, style.flush, value);
        if style.saturate {
            value = self.float_unary(FloatUnaryOp::Saturate, format, value);
        }
        if style.relu {
            let zero = self.constant(format.ty(), 0);
            let op = FloatBinaryOp::MaxNan;
            value = self.float_binary(op, format, Rounding::Nearest, value, zero);
        }
        value
    }
}

/// Reads the operands after the first, applies the function to them or to each half of them, and
/// writes the result to the first.
fn elementwise<'t, 'a, const N: usize>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
    ty: ScalarType,
    mut op: impl FnMut(&mut Lowering<'_, 't, 'a>, FloatType, [Value; N]) -> Value,
) -> Lowered {
    let Some((d, sources)) = ins.ast.operands.split_first() else {
        return Err(ins.operand_count("more"));
    };
    let sources: &'t [Operand<'a>; N] = sources.try_into().map_err(|_| {
        ins.operand_count(match N {
            1 => "2",
            2 => "3",
            _ => "4",
        })
    })?;
    let mut values = Vec::with_capacity(N);
    for source in sources {
        values.push(f.read(ins, source, ty)?);
    }
    let values: [Value; N] = values
        .try_into()
        .map_err(|_| ins.operand_count("as many as described"))?;
    let result = if let Some(format) = types::float(ty) {
        op(f, format, values)
    } else if let Some(format) = types::packed_float(ty) {
        let halves = values.map(|value| f.halves(value));
        let low = op(f, format, halves.map(|(low, _)| low));
        let high = op(f, format, halves.map(|(_, high)| high));
        f.pack(low, high)
    } else {
        return Err(ins.unsupported());
    };
    f.write(ins, d, ty, result)
}

/// Whether the instruction's type is a floating-point one.
pub(super) fn is_float(ins: &Ins<'_, '_>) -> bool {
    let ty = ins.modifiers.last_type();
    ty.is_some_and(|ty| types::float(ty).is_some() || types::packed_float(ty).is_some())
}

fn arithmetic<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
    op: FloatBinaryOp,
) -> Lowered {
    let style = take_style(ins);
    let ty = ins.ty()?;
    elementwise(f, ins, ty, |f, format, [a, b]| {
        let a = f.flush(format, style.flush, a);
        let b = f.flush(format, style.flush, b);
        let result = f.float_binary(op, format, style.rounding, a, b);
        f.finish_float(style, format, result)
    })
}

/// `add`
pub(super) fn add<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    arithmetic(f, ins, FloatBinaryOp::Add)
}

/// `sub`
pub(super) fn sub<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    arithmetic(f, ins, FloatBinaryOp::Sub)
}

/// `mul`
pub(super) fn mul<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    arithmetic(f, ins, FloatBinaryOp::Mul)
}

/// `fma`, and `mad` on floats, which is the same on every current target.
pub(super) fn fma<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let style = take_style(ins);
    let ty = ins.ty()?;
    elementwise(f, ins, ty, |f, format, [a, b, c]| {
        let a = f.flush(format, style.flush, a);
        let b = f.flush(format, style.flush, b);
        let c = f.flush(format, style.flush, c);
        let op = Op::FusedMultiplyAdd(format, style.rounding, a, b, c);
        let result = f.emit(op, format.ty());
        f.finish_float(style, format, result)
    })
}

/// `div`
pub(super) fn div<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let approximate = ins.modifiers.take("approx");
    // `.full` promises 2 ulp; the correctly rounded quotient keeps that.
    ins.modifiers.take("full");
    if !approximate {
        return arithmetic(f, ins, FloatBinaryOp::Div);
    }
    let style = take_style(ins);
    let ty = ins.ty()?;
    if ty != ScalarType::F32 {
        return Err(ins.unsupported());
    }
    elementwise(f, ins, ty, |f, format, [a, b]| {
        let a = f.flush(format, style.flush, a);
        let b = f.flush(format, style.flush, b);
        // Flushing the reciprocal gives 0 (NaN for an infinite dividend) for divisors above
        // 2^126, as the manual asks.
        let reciprocal = f.approximate(ApproxOp::Reciprocal, b);
        let reciprocal = f.flush(format, true, reciprocal);
        let mul = FloatBinaryOp::Mul;
        let result = f.float_binary(mul, format, Rounding::Nearest, a, reciprocal);
        f.finish_float(style, format, result)
    })
}

/// `min`
pub(super) fn min<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    min_or_max(f, ins, FloatBinaryOp::Min, FloatBinaryOp::MinNan)
}

/// `max`
pub(super) fn max<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    min_or_max(f, ins, FloatBinaryOp::Max, FloatBinaryOp::MaxNan)
}

fn min_or_max<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
    number: FloatBinaryOp,
    nan: FloatBinaryOp,
) -> Lowered {
    let flush = ins.modifiers.take("ftz");
    let op = if ins.modifiers.take("NaN") {
        nan
    } else {
        number
    };
    let xor_sign = ins.modifiers.take("xorsign");
    if xor_sign && !ins.modifiers.take("abs") {
        return Err(ins.wrong_modifiers(".xorsign needs .abs"));
    }
    let ty = ins.ty()?;
    elementwise(f, ins, ty, |f, format, [a, b]| {
        let a = f.flush(format, flush, a);
        let b = f.flush(format, flush, b);
        if !xor_sign {
            return f.float_binary(op, format, Rounding::Nearest, a, b);
        }
        let sign = f.binary(BinaryOp::Xor, a, b);
        let a = f.float_unary(FloatUnaryOp::Abs, format, a);
        let b = f.float_unary(FloatUnaryOp::Abs, format, b);
        let result = f.float_binary(op, format, Rounding::Nearest, a, b);
        f.float_binary(
            FloatBinaryOp::CopySign,
            format,
            Rounding::Nearest,
            sign,
            result,
        )
    })
}

/// `abs`
pub(super) fn abs<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    one_operand(f, ins, FloatUnaryOp::Abs)
}

/// `neg`
pub(super) fn neg<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    one_operand(f, ins, FloatUnaryOp::Neg)
}

fn one_operand<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
    op: FloatUnaryOp,
) -> Lowered {
    let flush = ins.modifiers.take("ftz");
    let ty = ins.ty()?;
    elementwise(f, ins, ty, |f, format, [a]| {
        let a = f.flush(format, flush, a);
        f.float_unary(op, format, a)
    })
}

/// `copysign`
pub(super) fn copysign<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let ty = ins.ty()?;
    if !matches!(ty, ScalarType::F32 | ScalarType::F64) {
        return Err(ins.unsupported());
    }
    elementwise(f, ins, ty, |f, format, [a, b]| {
        f.float_binary(FloatBinaryOp::CopySign, format, Rounding::Nearest, a, b)
    })
}

/// `rcp`
pub(super) fn rcp<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let approximate = ins.modifiers.take("approx");
    let style = take_style(ins);
    let ty = ins.ty()?;
    match (ty, approximate) {
        (ScalarType::F32, true) => elementwise(f, ins, ty, |f, format, [a]| {
            let a = f.flush(format, style.flush, a);
            let result = f.approximate(ApproxOp::Reciprocal, a);
            f.finish_float(style, format, result)
        }),
        // `rcp.approx.ftz.f64` reads and gives the high 32 bits only (section 9.7.3.14).
        (ScalarType::F64, true) => elementwise(f, ins, ty, |f, format, [a]| {
            let a = f.binary_with(BinaryOp::And, a, HIGH_WORD);
            let a = f.flush(format, true, a);
            let result = reciprocal(f, format, Rounding::Nearest, a);
            let result = f.flush(format, true, result);
            f.binary_with(BinaryOp::And, result, HIGH_WORD)
        }),
        (ScalarType::F32 | ScalarType::F64, false) => elementwise(f, ins, ty, |f, format, [a]| {
            let a = f.flush(format, style.flush, a);
            let result = reciprocal(f, format, style.rounding, a);
            f.finish_float(style, format, result)
        }),
        _ => Err(ins.unsupported()),
    }
}

/// The part of a double that the coarse approximations use.
const HIGH_WORD: u64 = 0xffff_ffff_0000_0000;

fn reciprocal(
    f: &mut Lowering<'_, '_, '_>,
    format: FloatType,
    rounding: Rounding,
    a: Value,
) -> Value {
    let one = f.constant(format.ty(), one_bits(format));
    f.float_binary(FloatBinaryOp::Div, format, rounding, one, a)
}

/// `sqrt`
pub(super) fn sqrt<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let approximate = ins.modifiers.take("approx");
    let style = take_style(ins);
    let ty = ins.ty()?;
    match (ty, approximate) {
        (ScalarType::F32, true) => elementwise(f, ins, ty, |f, format, [a]| {
            let a = f.flush(format, style.flush, a);
            let result = f.approximate(ApproxOp::Sqrt, a);
            f.finish_float(style, format, result)
        }),
        (ScalarType::F32 | ScalarType::F64, false) => elementwise(f, ins, ty, |f, format, [a]| {
            let a = f.flush(format, style.flush, a);
            let op = Op::FloatUnary(FloatUnaryOp::Sqrt, format, style.rounding, a);
            let result = f.emit(op, format.ty());
            f.finish_float(style, format, result)
        }),
        _ => Err(ins.unsupported()),
    }
}

/// `rsqrt`
pub(super) fn rsqrt<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    if !ins.modifiers.take("approx") {
        return Err(ins.unsupported());
    }
    let style = take_style(ins);
    let ty = ins.ty()?;
    match ty {
        ScalarType::F32 => elementwise(f, ins, ty, |f, format, [a]| {
            let a = f.flush(format, style.flush, a);
            let result = f.approximate(ApproxOp::ReciprocalSqrt, a);
            f.finish_float(style, format, result)
        }),
        ScalarType::F64 => elementwise(f, ins, ty, |f, format, [a]| {
            // With .ftz the instruction reads and gives the high 32 bits only.
            let a = if style.flush {
                f.binary_with(BinaryOp::And, a, HIGH_WORD)
            } else {
                a
            };
            let a = f.flush(format, style.flush, a);
            let root = f.float_unary(FloatUnaryOp::Sqrt, format, a);
            let result = reciprocal(f, format, Rounding::Nearest, root);
            if style.flush {
                f.binary_with(BinaryOp::And, result, HIGH_WORD)
            } else {
                result
            }
        }),
        _ => Err(ins.unsupported()),
    }
}

/// `ex2`
pub(super) fn ex2<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    transcendental(f, ins, ApproxOp::Exp2)
}

/// `lg2`
pub(super) fn lg2<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    transcendental(f, ins, ApproxOp::Log2)
}

/// `sin`
pub(super) fn sin<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    transcendental(f, ins, ApproxOp::Sin)
}

/// `cos`
pub(super) fn cos<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    transcendental(f, ins, ApproxOp::Cos)
}

/// `tanh`
pub(super) fn tanh<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    transcendental(f, ins, ApproxOp::Tanh)
}

fn transcendental<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
    op: ApproxOp,
) -> Lowered {
    if !ins.modifiers.take("approx") {
        return Err(ins.wrong_modifiers(".approx is missing"));
    }
    let flush = ins.modifiers.take("ftz");
    let ty = ins.ty()?;
    let narrow = matches!(op, ApproxOp::Exp2 | ApproxOp::Tanh);
    if ty == ScalarType::F64 || ty != ScalarType::F32 && !narrow {
        return Err(ins.unsupported());
    }
    elementwise(f, ins, ty, |f, format, [a]| {
        if format == FloatType::F32 {
            let a = f.flush(format, flush, a);
            let result = f.approximate(op, a);
            return f.flush(format, flush, result);
        }
        let convert = |from, to: FloatType, value| {
            (
                Op::FloatToFloat {
                    from,
                    to,
                    rounding: Rounding::Nearest,
                    value,
                },
                to.ty(),
            )
        };
        let a = f.flush(format, flush, a);
        let (widen, ty) = convert(format, FloatType::F32, a);
        let wide = f.emit(widen, ty);
        let result = f.approximate(op, wide);
        let (narrow, ty) = convert(FloatType::F32, format, result);
        let result = f.emit(narrow, ty);
        f.flush(format, flush, result)
    })
}

/// `testp`: what kind of number it is.
pub(super) fn testp<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    use IntCompare::{Equal, GreaterEqualUnsigned, GreaterUnsigned, LessUnsigned};
    // The magnitude as an integer: zero, subnormals, normals, infinity, NaNs, in this order.
    let Some(test) = ins.modifiers.take_map(|word| match word {
        "finite" => Some(Test::Infinity(LessUnsigned)),
        "infinite" => Some(Test::Infinity(Equal)),
        "number" => Some(Test::Infinity(IntCompare::LessEqualUnsigned)),
        "notanumber" => Some(Test::Infinity(GreaterUnsigned)),
        "normal" => Some(Test::Normal),
        "subnormal" => Some(Test::Subnormal),
        _ => None,
    }) else {
        return Err(ins.wrong_modifiers("the property to test is missing"));
    };
    let ty = ins.ty()?;
    let (infinity, smallest_normal) = match ty {
        ScalarType::F32 => (0x7f80_0000, 0x0080_0000),
        ScalarType::F64 => (0x7ff0_0000_0000_0000, 0x0010_0000_0000_0000),
        _ => return Err(ins.unsupported()),
    };
    let [d, a] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    let doubled = f.shift_by(ShiftOp::Left, a, 1);
    let magnitude = f.shift_by(ShiftOp::RightLogical, doubled, 1);
    let result = match test {
        Test::Infinity(comparison) => f.compare_with(comparison, magnitude, infinity),
        Test::Normal => {
            // Zero counts as a normal number.
            let zero = f.compare_with(Equal, magnitude, 0);
            let low = f.compare_with(GreaterEqualUnsigned, magnitude, smallest_normal);
            let high = f.compare_with(LessUnsigned, magnitude, infinity);
            let normal = f.binary(BinaryOp::And, low, high);
            f.binary(BinaryOp::Or, normal, zero)
        }
        Test::Subnormal => {
            let low = f.compare_with(GreaterUnsigned, magnitude, 0);
            let high = f.compare_with(LessUnsigned, magnitude, smallest_normal);
            f.binary(BinaryOp::And, low, high)
        }
    };
    f.write(ins, d, ScalarType::Pred, result)
}

/// Properties `testp` tests.
enum Test {
    /// How the magnitude compares with infinity.
    Infinity(IntCompare),
    Normal,
    Subnormal,
}
