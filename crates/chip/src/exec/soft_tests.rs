//! Tests of exact arithmetic against LLVM's APFloat, and of the special functions against the
//! host's mathematical library in double precision.

use rustc_apfloat::ieee::{BFloat, Double, Half, Single};
use rustc_apfloat::{Float, FloatConvert, Round, Status as Flags, StatusAnd};

use super::soft::{self, Format, Rounding, Status};
use super::special::{
    Cos, Exp2, Function, Log2, Reciprocal, ReciprocalSqrt, Sin, Sqrt, Tanh, value_of,
};

const ROUNDINGS: [(Rounding, Round); 5] = [
    (Rounding::NearestEven, Round::NearestTiesToEven),
    (Rounding::TowardsZero, Round::TowardZero),
    (Rounding::Down, Round::TowardNegative),
    (Rounding::Up, Round::TowardPositive),
    (Rounding::NearestAway, Round::NearestTiesToAway),
];

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Bits of a float: special values, subnormals, numbers near 1 with few ones.
    fn float(&mut self, format: Format) -> u64 {
        let bits = format.bits();
        let sign = (self.next() & 1) << (bits - 1);
        let infinity = format.infinity();
        let one = infinity >> 1 & infinity;
        let unit = format.smallest_normal();
        let tail = self.next() & (unit - 1);
        let magnitude = match self.next() % 12 {
            0 => 0,
            1 => infinity,
            2 => infinity | unit >> 1,
            3 => infinity | 1,
            4 => tail,
            5 => (infinity - unit) | tail,
            6 => one,
            7 => self.next() & (infinity | (unit - 1)),
            8 => one + unit * (self.next() % 8) + (tail & !(unit >> 4)),
            _ => (one + unit * (self.next() % 8)) - unit * 3 + tail,
        };
        sign | magnitude
    }
}

/// NX, UF, OF, DZ, NV as this crate encodes them.
fn flags_of(flags: Flags) -> u8 {
    let pairs = [
        (Flags::INEXACT, soft::NX),
        (Flags::UNDERFLOW, soft::UF),
        (Flags::OVERFLOW, soft::OF),
        (Flags::DIV_BY_ZERO, soft::DZ),
        (Flags::INVALID_OP, soft::NV),
    ];
    pairs
        .iter()
        .filter(|pair| flags.contains(pair.0))
        .fold(0, |all, pair| all | pair.1)
}

fn check<F: Float>(
    what: &str,
    format: Format,
    actual: (u64, u8),
    expected: StatusAnd<F>,
    operands: &[u64],
) {
    let is_nan = expected.value.is_nan();
    let bits = if is_nan {
        format.canonical_nan()
    } else {
        expected.value.to_bits() as u64
    };
    assert_eq!(
        actual.0, bits,
        "{what} of {operands:x?}: {:#x}, expected {bits:#x}",
        actual.0
    );
    // APFloat detects tininess before rounding, RISC-V after, and raises no overflow when the
    // result is the largest finite number: these two flags are tested apart. It
    // raises no exception for a signalling NaN operand.
    if !operands.iter().any(|&bits| format.is_signaling(bits)) {
        let apart = soft::UF | soft::OF;
        let (flags, expected) = (actual.1 & !apart, flags_of(expected.status) & !apart);
        assert_eq!(flags, expected, "flags of {what} of {operands:x?}");
    }
}

fn arithmetic_of<F: Float>(format: Format, seed: u64) {
    let mut random = Random(seed);
    for _ in 0..40_000 {
        let [a, b, c] = [0; 3].map(|_: u8| random.float(format));
        let [x, y, z] = [a, b, c].map(|bits| F::from_bits(u128::from(bits)));
        for (rounding, round) in ROUNDINGS {
            let run = |body: &dyn Fn(&mut Status) -> u64| {
                let mut status = Status::new(rounding);
                let value = body(&mut status);
                (value, status.flags)
            };
            let add = run(&|s| soft::add(format, a, b, s));
            check("add", format, add, x.add_r(y, round), &[a, b]);
            let sub = run(&|s| soft::sub(format, a, b, s));
            check("sub", format, sub, x.sub_r(y, round), &[a, b]);
            let mul = run(&|s| soft::mul(format, a, b, s));
            check("mul", format, mul, x.mul_r(y, round), &[a, b]);
            let div = run(&|s| soft::div(format, a, b, s));
            check("div", format, div, x.div_r(y, round), &[a, b]);
            let fma = run(&|s| soft::fma(format, a, b, c, s));
            let expected = x.mul_add_r(y, z, round);
            // RISC-V: zero times infinity is invalid even when a quiet NaN is added.
            if !format.is_nan(c) {
                check("fma", format, fma, expected, &[a, b, c]);
            }
            let (integer, flags) = run(&|s| soft::to_int(format, a, 64, true, s));
            let mut exact = false;
            let expected = x.to_i128_r(64, round, &mut exact);
            if format.is_nan(a) {
                assert_eq!((integer, flags), (i64::MAX as u64, soft::NV));
            } else {
                assert_eq!(integer as i64, expected.value as i64, "to_int of {a:#x}");
                assert_eq!(
                    flags,
                    flags_of(expected.status),
                    "flags of to_int of {a:#x}"
                );
            }
            let integer = random.0 as i64 >> (a % 64);
            let from = run(&|s| soft::from_signed(format, integer, s));
            let expected = F::from_i128_r(i128::from(integer), round);
            check("from_int", format, from, expected, &[]);
            let integral = run(&|s| soft::round_to_integral(format, a, true, s));
            let expected = x.round_to_integral(round);
            if !format.is_nan(a) {
                assert_eq!(
                    integral.0,
                    expected.value.to_bits() as u64,
                    "round of {a:#x}"
                );
            }
        }
    }
}

#[test]
fn exact_arithmetic_is_apfloat_arithmetic() {
    arithmetic_of::<Half>(soft::F16, 0x5eed_0011);
    arithmetic_of::<BFloat>(soft::BF16, 0x5eed_0012);
    arithmetic_of::<Single>(soft::F32, 0x5eed_0013);
    arithmetic_of::<Double>(soft::F64, 0x5eed_0014);
}

fn conversions_of<S: FloatConvert<D>, D: Float>(from: Format, to: Format) {
    let mut random = Random(0x5eed_0015);
    for _ in 0..40_000 {
        let a = random.float(from);
        for (rounding, round) in ROUNDINGS {
            let mut status = Status::new(rounding);
            let value = soft::convert(from, to, a, &mut status);
            let mut loses = false;
            let expected = S::from_bits(u128::from(a)).convert_r(round, &mut loses);
            if !from.is_nan(a) {
                check("convert", to, (value, status.flags), expected, &[]);
            } else {
                assert_eq!(value, to.canonical_nan());
            }
        }
    }
}

#[test]
fn conversions_are_apfloat_conversions() {
    conversions_of::<Single, Half>(soft::F32, soft::F16);
    conversions_of::<Double, Half>(soft::F64, soft::F16);
    conversions_of::<Double, Single>(soft::F64, soft::F32);
    conversions_of::<Single, BFloat>(soft::F32, soft::BF16);
    conversions_of::<Half, Single>(soft::F16, soft::F32);
    conversions_of::<Single, Double>(soft::F32, soft::F64);
}

#[test]
fn roots_are_correctly_rounded() {
    let mut random = Random(0x5eed_0016);
    for _ in 0..200_000 {
        let a = random.float(soft::F64);
        let mut status = Status::new(Rounding::NearestEven);
        let root = f64::from_bits(soft::sqrt(soft::F64, a, &mut status));
        let expected = f64::from_bits(a).sqrt();
        assert!(root.to_bits() == expected.to_bits() || root.is_nan() && expected.is_nan());
        let a = random.float(soft::F32);
        let root = f32::from_bits(soft::sqrt(soft::F32, a, &mut status) as u32);
        let expected = f32::from_bits(a as u32).sqrt();
        assert!(root.to_bits() == expected.to_bits() || root.is_nan() && expected.is_nan());
    }
}

/// Underflow is raised when the rounded result, with unbounded exponent, is still tiny.
#[test]
fn tininess_is_detected_after_rounding() {
    let flags = |a: f32, b: f32| {
        let mut status = Status::new(Rounding::NearestEven);
        soft::mul(
            soft::F32,
            a.to_bits().into(),
            b.to_bits().into(),
            &mut status,
        );
        status.flags
    };
    let smallest = f32::MIN_POSITIVE;
    // Rounds up to the smallest normal number at full precision: not tiny.
    let below_one = 1.0 - f32::EPSILON / 4.0;
    assert_eq!(below_one, 1.0);
    assert_eq!(
        flags(smallest, 1.0 - f32::EPSILON / 2.0),
        soft::NX | soft::UF
    );
    assert_eq!(
        flags(smallest * 1.5, 0.5),
        0,
        "exact subnormals raise nothing"
    );
    let root = f32::from_bits(0x3f7f_ffff);
    // (1 - 2^-24)^2 * 2^-126 * (1 + 2^-23) is within half an ulp of 2^-126 from below.
    let near = f32::from_bits(0x0080_0001);
    assert_eq!(flags(near, root), soft::NX);
}

#[test]
fn overflow_is_raised_whatever_the_result_is() {
    for (rounding, _) in ROUNDINGS {
        let mut status = Status::new(rounding);
        let largest = u64::from(f32::MAX.to_bits());
        let sum = soft::add(soft::F32, largest, largest, &mut status);
        let finite = matches!(rounding, Rounding::TowardsZero | Rounding::Down);
        let expected = if finite { f32::MAX } else { f32::INFINITY };
        assert_eq!(sum, u64::from(expected.to_bits()), "{rounding:?}");
        assert_eq!(status.flags, soft::OF | soft::NX, "{rounding:?}");
    }
}

/// Distance from the exact value in units of the last place of single precision.
fn error_in_ulps(actual: f32, exact: f64) -> f64 {
    let exponent = exact.abs().log2().floor().max(-126.0);
    let ulp = (exponent - 23.0).exp2();
    ((f64::from(actual) - exact) / ulp).abs()
}

fn greatest_error<F: Function>(reference: fn(f64) -> f64, arguments: &[f32]) -> f64 {
    let mut greatest = 0.0;
    for &x in arguments {
        let (actual, exact) = (value_of::<F>(x), reference(f64::from(x)));
        if exact.abs() > f64::from(f32::MAX) || exact == 0.0 || exact.is_nan() {
            continue;
        }
        let error = error_in_ulps(actual, exact);
        assert!(error < 1.0, "{actual:e} for {x:e}: {exact:e} is exact");
        greatest = f64::max(greatest, error);
    }
    greatest
}

#[test]
fn special_functions_are_within_one_ulp() {
    // Every 4,099th pattern, and a dense sweep of the range that most programs use.
    let sparse: Vec<f32> = (0..u32::MAX).step_by(4099).map(f32::from_bits).collect();
    let dense: Vec<f32> = (-400_000..400_000).map(|i| i as f32 * 1.1e-4).collect();
    let arguments: Vec<f32> = sparse
        .into_iter()
        .chain(dense)
        .filter(|x| x.is_finite())
        .collect();
    let limit = 0.51;
    assert!(greatest_error::<Reciprocal>(|x| 1.0 / x, &arguments) < limit);
    assert!(greatest_error::<ReciprocalSqrt>(|x| 1.0 / x.sqrt(), &arguments) < limit);
    assert!(greatest_error::<Sqrt>(f64::sqrt, &arguments) < limit);
    assert!(greatest_error::<Exp2>(f64::exp2, &arguments) < limit);
    assert!(greatest_error::<Log2>(f64::log2, &arguments) < limit);
    assert!(greatest_error::<Sin>(f64::sin, &arguments) < limit);
    assert!(greatest_error::<Cos>(f64::cos, &arguments) < limit);
    assert!(greatest_error::<Tanh>(f64::tanh, &arguments) < limit);
}

#[test]
fn special_values_are_those_of_the_manual() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    let check = |name: &str, body: fn(f32) -> f32, rows: &[(f32, f32)]| {
        for &(x, expected) in rows {
            let actual = body(x);
            let expected = if expected.is_nan() {
                0x7fc0_0000
            } else {
                expected.to_bits()
            };
            assert_eq!(actual.to_bits(), expected, "{name}({x})");
        }
        assert_eq!(body(nan).to_bits(), 0x7fc0_0000, "{name}(NaN)");
    };
    check(
        "rcp",
        value_of::<Reciprocal>,
        &[(0.0, inf), (-0.0, -inf), (inf, 0.0), (-inf, -0.0)],
    );
    check(
        "rsqrt",
        value_of::<ReciprocalSqrt>,
        &[
            (0.0, inf),
            (-0.0, -inf),
            (inf, 0.0),
            (-inf, nan),
            (-1.0, nan),
        ],
    );
    check(
        "sqrt",
        value_of::<Sqrt>,
        &[(0.0, 0.0), (-0.0, -0.0), (inf, inf), (-1.0, nan)],
    );
    check(
        "ex2",
        value_of::<Exp2>,
        &[(0.0, 1.0), (-0.0, 1.0), (inf, inf), (-inf, 0.0), (3.0, 8.0)],
    );
    check(
        "lg2",
        value_of::<Log2>,
        &[
            (0.0, -inf),
            (-0.0, -inf),
            (inf, inf),
            (-1.0, nan),
            (-inf, nan),
            (1.0, 0.0),
            (8.0, 3.0),
        ],
    );
    check(
        "sin",
        value_of::<Sin>,
        &[(0.0, 0.0), (-0.0, -0.0), (inf, nan), (-inf, nan)],
    );
    check(
        "cos",
        value_of::<Cos>,
        &[(0.0, 1.0), (-0.0, 1.0), (inf, nan), (-inf, nan)],
    );
    check(
        "tanh",
        value_of::<Tanh>,
        &[(0.0, 0.0), (-0.0, -0.0), (inf, 1.0), (-inf, -1.0)],
    );
}
