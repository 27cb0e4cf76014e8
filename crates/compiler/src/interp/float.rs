//! Floating-point arithmetic on bit patterns: every format, every rounding.
//!
//! Results that are NaN are the format's canonical quiet NaN, as RISC-V gives it; sign
//! operations work on any bits. The common case, round to nearest in single and double, uses the
//! host's arithmetic, which IEEE 754 defines to the last bit.

use crate::ir::{ApproxOp, FloatBinaryOp, FloatCompare, FloatType, FloatUnaryOp, Rounding};
use rustc_apfloat::ieee::{BFloat, Double, Half, Quad, Single};
use rustc_apfloat::{Float, FloatConvert, Round};
use std::cmp::Ordering;

const fn round(rounding: Rounding) -> Round {
    match rounding {
        Rounding::Nearest => Round::NearestTiesToEven,
        Rounding::Zero => Round::TowardZero,
        Rounding::Down => Round::TowardNegative,
        Rounding::Up => Round::TowardPositive,
    }
}

/// Layout of a format.
#[derive(Clone, Copy)]
struct Format {
    bits: u32,
    mantissa: u32,
}

const fn format(ty: FloatType) -> Format {
    match ty {
        FloatType::F16 => Format {
            bits: 16,
            mantissa: 10,
        },
        FloatType::Bf16 => Format {
            bits: 16,
            mantissa: 7,
        },
        FloatType::F32 => Format {
            bits: 32,
            mantissa: 23,
        },
        FloatType::F64 => Format {
            bits: 64,
            mantissa: 52,
        },
    }
}

impl Format {
    const fn sign(self) -> u64 {
        1 << (self.bits - 1)
    }

    const fn magnitude(self, bits: u64) -> u64 {
        bits & (self.sign() - 1)
    }

    /// Bits of infinity: all ones in the exponent.
    const fn infinity(self) -> u64 {
        (self.sign() - 1) >> self.mantissa << self.mantissa
    }

    const fn canonical_nan(self) -> u64 {
        self.infinity() | 1 << (self.mantissa - 1)
    }

    const fn is_nan(self, bits: u64) -> bool {
        self.magnitude(bits) > self.infinity()
    }

    const fn is_subnormal(self, bits: u64) -> bool {
        let magnitude = self.magnitude(bits);
        magnitude != 0 && magnitude >> self.mantissa == 0
    }

    /// Bits of 1.0.
    const fn one(self) -> u64 {
        self.infinity() >> 1 >> self.mantissa << self.mantissa
    }
}

/// The canonical NaN in place of any NaN.
const fn canonical(ty: FloatType, bits: u64) -> u64 {
    if format(ty).is_nan(bits) {
        format(ty).canonical_nan()
    } else {
        bits
    }
}

fn to_u64(bits: u128) -> u64 {
    u64::try_from(bits).expect("no format is wider than 64 bits")
}

fn low32(bits: u64) -> u32 {
    u32::try_from(bits & 0xffff_ffff).expect("masked to 32 bits")
}

fn single(bits: u64) -> f32 {
    f32::from_bits(low32(bits))
}

/// Evaluates with the type of software float that a format has.
macro_rules! with_format {
    ($ty:expr, $float:ident => $body:expr) => {
        match $ty {
            FloatType::F16 => {
                type $float = Half;
                $body
            }
            FloatType::Bf16 => {
                type $float = BFloat;
                $body
            }
            FloatType::F32 => {
                type $float = Single;
                $body
            }
            FloatType::F64 => {
                type $float = Double;
                $body
            }
        }
    };
}

/// Operation of two operands.
pub(super) fn binary(op: FloatBinaryOp, ty: FloatType, rounding: Rounding, a: u64, b: u64) -> u64 {
    match op {
        FloatBinaryOp::Add | FloatBinaryOp::Sub | FloatBinaryOp::Mul | FloatBinaryOp::Div => {
            canonical(ty, arithmetic(op, ty, rounding, a, b))
        }
        FloatBinaryOp::Min | FloatBinaryOp::MinNan => minimum(op, ty, a, b, Ordering::Less),
        FloatBinaryOp::Max | FloatBinaryOp::MaxNan => minimum(op, ty, a, b, Ordering::Greater),
        FloatBinaryOp::CopySign => format(ty).magnitude(b) | a & format(ty).sign(),
    }
}

fn arithmetic(op: FloatBinaryOp, ty: FloatType, rounding: Rounding, a: u64, b: u64) -> u64 {
    match (ty, rounding) {
        (FloatType::F32, Rounding::Nearest) => {
            let (a, b) = (single(a), single(b));
            let result = match op {
                FloatBinaryOp::Add => a + b,
                FloatBinaryOp::Sub => a - b,
                FloatBinaryOp::Mul => a * b,
                _ => a / b,
            };
            u64::from(result.to_bits())
        }
        (FloatType::F64, Rounding::Nearest) => {
            let (a, b) = (f64::from_bits(a), f64::from_bits(b));
            let result = match op {
                FloatBinaryOp::Add => a + b,
                FloatBinaryOp::Sub => a - b,
                FloatBinaryOp::Mul => a * b,
                _ => a / b,
            };
            result.to_bits()
        }
        _ => with_format!(ty, F => {
            let (a, b) = (F::from_bits(a.into()), F::from_bits(b.into()));
            let rounding = round(rounding);
            let result = match op {
                FloatBinaryOp::Add => a.add_r(b, rounding),
                FloatBinaryOp::Sub => a.sub_r(b, rounding),
                FloatBinaryOp::Mul => a.mul_r(b, rounding),
                _ => a.div_r(b, rounding),
            };
            to_u64(result.value.to_bits())
        }),
    }
}

/// Minimum (`wanted` less) or maximum, with zeros ordered by sign.
fn minimum(op: FloatBinaryOp, ty: FloatType, a: u64, b: u64, wanted: Ordering) -> u64 {
    let layout = format(ty);
    let propagate = matches!(op, FloatBinaryOp::MinNan | FloatBinaryOp::MaxNan);
    match (layout.is_nan(a), layout.is_nan(b)) {
        (false, false) => {
            let key = |bits: u64| {
                let magnitude = i128::from(layout.magnitude(bits));
                // -0 is one below +0.
                if bits & layout.sign() == 0 {
                    magnitude
                } else {
                    -1 - magnitude
                }
            };
            if key(a).cmp(&key(b)) == wanted { a } else { b }
        }
        (true, false) if !propagate => b,
        (false, true) if !propagate => a,
        _ => layout.canonical_nan(),
    }
}

/// `a * b + c`, rounded once.
pub(super) fn fused(ty: FloatType, rounding: Rounding, a: u64, b: u64, c: u64) -> u64 {
    let result = match (ty, rounding) {
        (FloatType::F32, Rounding::Nearest) => {
            u64::from(single(a).mul_add(single(b), single(c)).to_bits())
        }
        (FloatType::F64, Rounding::Nearest) => f64::from_bits(a)
            .mul_add(f64::from_bits(b), f64::from_bits(c))
            .to_bits(),
        _ => with_format!(ty, F => {
            let [a, b, c] = [a, b, c].map(|bits| F::from_bits(bits.into()));
            to_u64(a.mul_add_r(b, c, round(rounding)).value.to_bits())
        }),
    };
    canonical(ty, result)
}

/// Operation of one operand.
pub(super) fn unary(op: FloatUnaryOp, ty: FloatType, rounding: Rounding, a: u64) -> u64 {
    let layout = format(ty);
    match op {
        FloatUnaryOp::Neg => a ^ layout.sign(),
        FloatUnaryOp::Abs => layout.magnitude(a),
        FloatUnaryOp::Sqrt => canonical(ty, square_root(ty, rounding, a)),
        FloatUnaryOp::FlushSubnormal => {
            if layout.is_subnormal(a) {
                a & layout.sign()
            } else {
                a
            }
        }
        FloatUnaryOp::Saturate => {
            if layout.is_nan(a) || a & layout.sign() != 0 {
                0
            } else {
                a.min(layout.one())
            }
        }
        FloatUnaryOp::RoundToIntegral => with_format!(ty, F => {
            let result = F::from_bits(a.into()).round_to_integral(round(rounding)).value;
            canonical(ty, to_u64(result.to_bits()))
        }),
    }
}

/// Correctly rounded square root: the nearest one, moved by one unit when the direction asks
/// for it. Whether the root is above or below the exact one is seen from its square.
fn square_root(ty: FloatType, rounding: Rounding, a: u64) -> u64 {
    let layout = format(ty);
    if layout.magnitude(a) == 0 {
        return a;
    }
    if a >= layout.infinity() {
        // Negative: NaN. Infinity and NaN: themselves.
        return if a == layout.infinity() {
            a
        } else {
            layout.canonical_nan()
        };
    }
    // A root of up to 24 bits is found exactly enough in double; of 53 bits by the host itself.
    let nearest = match ty {
        FloatType::F64 => f64::from_bits(a).sqrt().to_bits(),
        FloatType::F16 | FloatType::Bf16 | FloatType::F32 => {
            let wide = f64::from_bits(convert(ty, FloatType::F64, Rounding::Nearest, a)).sqrt();
            // Double rounding is harmless: 53 >= 2 * 24 + 2.
            convert(FloatType::F64, ty, Rounding::Nearest, wide.to_bits())
        }
    };
    let square_compared = square_compared(ty, nearest, a);
    match (rounding, square_compared) {
        (Rounding::Zero | Rounding::Down, Ordering::Greater) => nearest - 1,
        (Rounding::Up, Ordering::Less) => nearest + 1,
        _ => nearest,
    }
}

/// How the square of `root` compares with `a`, both positive and finite. Both are widened to
/// quadruple precision, where a square of 53 bits is exact.
fn square_compared(ty: FloatType, root: u64, a: u64) -> Ordering {
    let widen = |bits: u64| {
        let double = convert(ty, FloatType::F64, Rounding::Nearest, bits);
        let mut loses = false;
        let wide: Quad = Double::from_bits(double.into()).convert(&mut loses).value;
        wide
    };
    let root = widen(root);
    let square = root.mul_r(root, Round::NearestTiesToEven).value;
    square.partial_cmp(&widen(a)).unwrap_or(Ordering::Equal)
}

/// Comparison.
pub(super) fn compare(op: FloatCompare, ty: FloatType, a: u64, b: u64) -> bool {
    let layout = format(ty);
    let unordered = layout.is_nan(a) || layout.is_nan(b);
    let key = |bits: u64| {
        let magnitude = i128::from(layout.magnitude(bits));
        if bits & layout.sign() == 0 {
            magnitude
        } else {
            -magnitude
        }
    };
    let order = key(a).cmp(&key(b));
    let (holds, with_nan) = match op {
        FloatCompare::Equal => (order.is_eq(), false),
        FloatCompare::NotEqual => (order.is_ne(), false),
        FloatCompare::Less => (order.is_lt(), false),
        FloatCompare::LessEqual => (order.is_le(), false),
        FloatCompare::Greater => (order.is_gt(), false),
        FloatCompare::GreaterEqual => (order.is_ge(), false),
        FloatCompare::EqualOrNan => (order.is_eq(), true),
        FloatCompare::NotEqualOrNan => (order.is_ne(), true),
        FloatCompare::LessOrNan => (order.is_lt(), true),
        FloatCompare::LessEqualOrNan => (order.is_le(), true),
        FloatCompare::GreaterOrNan => (order.is_gt(), true),
        FloatCompare::GreaterEqualOrNan => (order.is_ge(), true),
        FloatCompare::Ordered => (true, false),
        FloatCompare::Unordered => (false, true),
    };
    if unordered { with_nan } else { holds }
}

/// Float to integer: clamped to the range, NaN to 0. The result is the integer's low 64 bits.
pub(super) fn to_int(ty: FloatType, signed: bool, bits: u8, rounding: Rounding, a: u64) -> u64 {
    if format(ty).is_nan(a) {
        return 0;
    }
    let width = usize::from(bits);
    let mut exact = false;
    with_format!(ty, F => {
        let value = F::from_bits(a.into());
        if signed {
            let wide = value.to_i128_r(width, round(rounding), &mut exact).value;
            i64::try_from(wide).expect("clamped to 64 bits").cast_unsigned()
        } else {
            to_u64(value.to_u128_r(width, round(rounding), &mut exact).value)
        }
    })
}

/// Integer to float. `a` is already extended to 64 bits.
pub(super) fn from_int(ty: FloatType, signed: bool, rounding: Rounding, a: u64) -> u64 {
    with_format!(ty, F => {
        let rounding = round(rounding);
        let result = if signed {
            F::from_i128_r(a.cast_signed().into(), rounding)
        } else {
            F::from_u128_r(a.into(), rounding)
        };
        to_u64(result.value.to_bits())
    })
}

/// Between formats.
pub(super) fn convert(from: FloatType, to: FloatType, rounding: Rounding, a: u64) -> u64 {
    fn narrow<A: Float + FloatConvert<B>, B: Float>(bits: u64, rounding: Round) -> u64 {
        let mut loses = false;
        to_u64(
            A::from_bits(bits.into())
                .convert_r(rounding, &mut loses)
                .value
                .to_bits(),
        )
    }
    let rounding = round(rounding);
    let result = with_format!(from, A => with_format!(to, B => narrow::<A, B>(a, rounding)));
    canonical(to, result)
}

/// An approximation, computed in double and rounded to single: closer than any bound the PTX
/// manual gives.
pub(super) fn approximate(op: ApproxOp, a: u64) -> u64 {
    let x = f64::from(single(a));
    let result = match op {
        ApproxOp::Reciprocal => 1.0 / x,
        ApproxOp::ReciprocalSqrt => 1.0 / libm::sqrt(x),
        ApproxOp::Sqrt => libm::sqrt(x),
        ApproxOp::Sin => libm::sin(x),
        ApproxOp::Cos => libm::cos(x),
        ApproxOp::Exp2 => libm::exp2(x),
        ApproxOp::Log2 => libm::log2(x),
        ApproxOp::Tanh => libm::tanh(x),
    };
    convert(
        FloatType::F64,
        FloatType::F32,
        Rounding::Nearest,
        result.to_bits(),
    )
}
