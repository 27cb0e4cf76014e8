//! IEEE 754 arithmetic in integers: every format, rounding mode and exception flag.
//!
//! The reference that host floating point is an optimisation of. It serves rounding modes
//! other than to nearest, programs that read `fflags`, and everything for which the host has
//! no operation. A finite value is `significand * 2^exponent` with a 128-bit significand, in
//! which every intermediate result is exact or has its last bit set when it is not ("jammed"),
//! far below the place where it is rounded.

/// A binary interchange format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    exponent_bits: u32,
    fraction_bits: u32,
}

/// IEEE binary16.
pub(crate) const F16: Format = Format {
    exponent_bits: 5,
    fraction_bits: 10,
};
/// bfloat16.
pub(crate) const BF16: Format = Format {
    exponent_bits: 8,
    fraction_bits: 7,
};
/// IEEE binary32.
pub(crate) const F32: Format = Format {
    exponent_bits: 8,
    fraction_bits: 23,
};
/// IEEE binary64.
pub(crate) const F64: Format = Format {
    exponent_bits: 11,
    fraction_bits: 52,
};

/// Rounding direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    NearestEven,
    TowardsZero,
    Down,
    Up,
    NearestAway,
    /// To the neighbour with an odd last bit, unless exact.
    Odd,
}

impl Rounding {
    /// From the encoding of `frm` or `rm`; 5 to 7 are reserved here.
    pub(crate) const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::NearestEven,
            1 => Self::TowardsZero,
            2 => Self::Down,
            3 => Self::Up,
            4 => Self::NearestAway,
            _ => return None,
        })
    }
}

/// Inexact.
pub(crate) const NX: u8 = 1;
/// Underflow.
pub(crate) const UF: u8 = 2;
/// Overflow.
pub(crate) const OF: u8 = 4;
/// Division by zero.
pub(crate) const DZ: u8 = 8;
/// Invalid operation.
pub(crate) const NV: u8 = 16;

/// Rounding direction and accrued exceptions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Status {
    pub(crate) rounding: Rounding,
    pub(crate) flags: u8,
}

impl Status {
    pub(crate) const fn new(rounding: Rounding) -> Self {
        Self { rounding, flags: 0 }
    }
}

impl Format {
    /// Bits after the point.
    pub(crate) const fn fraction_bits(self) -> u32 {
        self.fraction_bits
    }

    /// What is added to an exponent before it is stored.
    pub(crate) const fn bias(self) -> i32 {
        (1 << (self.exponent_bits - 1)) - 1
    }

    /// Size in bits.
    pub(crate) const fn bits(self) -> u32 {
        1 + self.exponent_bits + self.fraction_bits
    }

    const fn sign_bit(self) -> u64 {
        1 << (self.bits() - 1)
    }

    /// Plus infinity.
    pub(crate) const fn infinity(self) -> u64 {
        ((1 << self.exponent_bits) - 1) << self.fraction_bits
    }

    /// The NaN that every operation with a NaN result gives.
    pub(crate) const fn canonical_nan(self) -> u64 {
        self.infinity() | 1 << (self.fraction_bits - 1)
    }

    /// The smallest positive normal number.
    pub(crate) const fn smallest_normal(self) -> u64 {
        1 << self.fraction_bits
    }

    const fn magnitude(self, bits: u64) -> u64 {
        bits & (self.sign_bit() - 1)
    }

    pub(crate) const fn is_nan(self, bits: u64) -> bool {
        self.magnitude(bits) > self.infinity()
    }

    pub(crate) const fn is_signaling(self, bits: u64) -> bool {
        self.is_nan(bits) && bits >> (self.fraction_bits - 1) & 1 == 0
    }

    const fn is_negative(self, bits: u64) -> bool {
        bits & self.sign_bit() != 0
    }

    const fn with_sign(self, magnitude: u64, negative: bool) -> u64 {
        if negative {
            magnitude | self.sign_bit()
        } else {
            magnitude
        }
    }
}

/// A finite value other than zero: `significand * 2^exponent`.
#[derive(Clone, Copy)]
struct Finite {
    negative: bool,
    exponent: i32,
    significand: u128,
}

enum Value {
    Zero(bool),
    Finite(Finite),
    Infinity(bool),
    Nan,
}

/// Where the leading bit of a normalised significand is.
const TOP: u32 = 124;

impl Finite {
    fn normalized(self) -> Self {
        let shift = self.significand.leading_zeros() as i32 - (127 - TOP as i32);
        let significand = if shift >= 0 {
            self.significand << shift
        } else {
            shift_right_jam(self.significand, shift.unsigned_abs())
        };
        Self {
            significand,
            exponent: self.exponent - shift,
            ..self
        }
    }
}

fn shift_right_jam(value: u128, shift: u32) -> u128 {
    match shift {
        0 => value,
        1..=127 => value >> shift | u128::from(value << (128 - shift) != 0),
        _ => u128::from(value != 0),
    }
}

fn unpack(format: Format, bits: u64) -> Value {
    let negative = format.is_negative(bits);
    let magnitude = format.magnitude(bits);
    if magnitude == 0 {
        return Value::Zero(negative);
    }
    if magnitude >= format.infinity() {
        return if magnitude == format.infinity() {
            Value::Infinity(negative)
        } else {
            Value::Nan
        };
    }
    let field = (magnitude >> format.fraction_bits) as i32;
    let fraction = magnitude & ((1 << format.fraction_bits) - 1);
    let significand = if field == 0 {
        fraction
    } else {
        fraction | 1 << format.fraction_bits
    };
    let exponent = field.max(1) - format.bias() - format.fraction_bits as i32;
    Value::Finite(Finite {
        negative,
        exponent,
        significand: u128::from(significand),
    })
}

/// Whether a discarded part makes the kept magnitude one larger.
fn rounds_up(rounding: Rounding, negative: bool, odd: bool, half: bool, below: bool) -> bool {
    match rounding {
        Rounding::NearestEven => half && (below || odd),
        Rounding::NearestAway => half,
        Rounding::TowardsZero => false,
        Rounding::Down => negative && (half || below),
        Rounding::Up => !negative && (half || below),
        Rounding::Odd => !odd && (half || below),
    }
}

/// `value >> shift` rounded, and whether that was inexact.
fn shift_right_rounded(
    value: u128,
    shift: u32,
    negative: bool,
    rounding: Rounding,
) -> (u128, bool) {
    if shift == 0 {
        return (value, false);
    }
    let kept = if shift < 128 { value >> shift } else { 0 };
    let half = shift <= 128 && value >> (shift - 1) & 1 == 1;
    let below_mask = if shift > 128 {
        u128::MAX
    } else {
        (1u128 << (shift - 1)) - 1
    };
    let below = value & below_mask != 0;
    let up = rounds_up(rounding, negative, kept & 1 == 1, half, below);
    (kept + u128::from(up), half || below)
}

/// The value of the format for `significand * 2^exponent`, which is not zero, with flags.
pub(crate) fn round(
    format: Format,
    negative: bool,
    exponent: i32,
    significand: u128,
    status: &mut Status,
) -> u64 {
    let value = Finite {
        negative,
        exponent,
        significand,
    };
    pack(format, value, status)
}

/// The nearest value of the format, with flags.
fn pack(format: Format, value: Finite, status: &mut Status) -> u64 {
    let Finite {
        negative,
        exponent,
        significand,
    } = value;
    let fraction_bits = format.fraction_bits as i32;
    let leading = exponent + 127 - significand.leading_zeros() as i32;
    let smallest = 1 - format.bias();
    let quantum_min = smallest - fraction_bits;
    let quantum = (leading - fraction_bits).max(quantum_min);
    let round_at = |quantum: i32| {
        let shift = quantum - exponent;
        if shift <= 0 {
            (significand << shift.unsigned_abs(), false)
        } else {
            shift_right_rounded(significand, shift.unsigned_abs(), negative, status.rounding)
        }
    };
    let (rounded, inexact) = round_at(quantum);
    if inexact {
        status.flags |= NX;
        // Tininess is detected after rounding, as if the exponent were unbounded.
        let tiny = leading < smallest
            && !(leading == smallest - 1
                && round_at(leading - fraction_bits).0 >> (fraction_bits + 1) != 0);
        if tiny {
            status.flags |= UF;
        }
    }
    let field = (quantum - quantum_min) as u64;
    let too_large = field >= 1 << format.exponent_bits;
    let bits = if too_large {
        format.infinity()
    } else {
        (field << format.fraction_bits) + rounded as u64
    };
    if bits < format.infinity() {
        return format.with_sign(bits, negative);
    }
    status.flags |= OF | NX;
    let to_infinity = match status.rounding {
        Rounding::NearestEven | Rounding::NearestAway => true,
        Rounding::TowardsZero | Rounding::Odd => false,
        Rounding::Down => negative,
        Rounding::Up => !negative,
    };
    let magnitude = if to_infinity {
        format.infinity()
    } else {
        format.infinity() - 1
    };
    format.with_sign(magnitude, negative)
}

fn invalid(format: Format, status: &mut Status) -> u64 {
    status.flags |= NV;
    format.canonical_nan()
}

/// The result of an operation with a NaN among its operands.
fn propagate(format: Format, operands: &[u64], status: &mut Status) -> u64 {
    if operands.iter().any(|&bits| format.is_signaling(bits)) {
        status.flags |= NV;
    }
    format.canonical_nan()
}

fn add_finite(format: Format, a: Finite, b: Finite, status: &mut Status) -> u64 {
    let (a, b) = (a.normalized(), b.normalized());
    let (high, low) = if a.exponent >= b.exponent {
        (a, b)
    } else {
        (b, a)
    };
    let shift = (high.exponent - low.exponent).unsigned_abs();
    let aligned = shift_right_jam(low.significand, shift);
    if high.negative == low.negative {
        let significand = high.significand + aligned;
        return pack(
            format,
            Finite {
                significand,
                ..high
            },
            status,
        );
    }
    if high.significand == aligned {
        return format.with_sign(0, status.rounding == Rounding::Down);
    }
    let (significand, negative) = if high.significand > aligned {
        (high.significand - aligned, high.negative)
    } else {
        (aligned - high.significand, low.negative)
    };
    pack(
        format,
        Finite {
            negative,
            significand,
            exponent: high.exponent,
        },
        status,
    )
}

fn add_zeros(format: Format, a: bool, b: bool, status: &Status) -> u64 {
    format.with_sign(
        0,
        if a == b {
            a
        } else {
            status.rounding == Rounding::Down
        },
    )
}

/// Sum.
pub(crate) fn add(format: Format, a: u64, b: u64, status: &mut Status) -> u64 {
    match (unpack(format, a), unpack(format, b)) {
        (Value::Nan, _) | (_, Value::Nan) => propagate(format, &[a, b], status),
        (Value::Infinity(x), Value::Infinity(y)) if x != y => invalid(format, status),
        (Value::Infinity(_), _) => a,
        (_, Value::Infinity(_)) => b,
        (Value::Zero(x), Value::Zero(y)) => add_zeros(format, x, y, status),
        (Value::Zero(_), Value::Finite(_)) => b,
        (Value::Finite(_), Value::Zero(_)) => a,
        (Value::Finite(x), Value::Finite(y)) => add_finite(format, x, y, status),
    }
}

/// Difference.
pub(crate) fn sub(format: Format, a: u64, b: u64, status: &mut Status) -> u64 {
    add(format, a, negate_unless_nan(format, b), status)
}

fn negate_unless_nan(format: Format, bits: u64) -> u64 {
    if format.is_nan(bits) {
        bits
    } else {
        bits ^ format.sign_bit()
    }
}

/// Product.
pub(crate) fn mul(format: Format, a: u64, b: u64, status: &mut Status) -> u64 {
    let negative = format.is_negative(a) != format.is_negative(b);
    match (unpack(format, a), unpack(format, b)) {
        (Value::Nan, _) | (_, Value::Nan) => propagate(format, &[a, b], status),
        (Value::Infinity(_), Value::Zero(_)) | (Value::Zero(_), Value::Infinity(_)) => {
            invalid(format, status)
        }
        (Value::Infinity(_), _) | (_, Value::Infinity(_)) => {
            format.with_sign(format.infinity(), negative)
        }
        (Value::Zero(_), _) | (_, Value::Zero(_)) => format.with_sign(0, negative),
        (Value::Finite(x), Value::Finite(y)) => pack(format, product(x, y), status),
    }
}

fn product(a: Finite, b: Finite) -> Finite {
    Finite {
        negative: a.negative != b.negative,
        exponent: a.exponent + b.exponent,
        significand: a.significand * b.significand,
    }
}

/// `a * b + c`, rounded once.
pub(crate) fn fma(format: Format, a: u64, b: u64, c: u64, status: &mut Status) -> u64 {
    let negative = format.is_negative(a) != format.is_negative(b);
    let (x, y, z) = (unpack(format, a), unpack(format, b), unpack(format, c));
    match (x, y, z) {
        (Value::Infinity(_), Value::Zero(_), _) | (Value::Zero(_), Value::Infinity(_), _) => {
            invalid(format, status)
        }
        (Value::Nan, _, _) | (_, Value::Nan, _) | (_, _, Value::Nan) => {
            propagate(format, &[a, b, c], status)
        }
        (Value::Infinity(_), _, z) | (_, Value::Infinity(_), z) => match z {
            Value::Infinity(other) if other != negative => invalid(format, status),
            Value::Infinity(_) | Value::Zero(_) | Value::Finite(_) | Value::Nan => {
                format.with_sign(format.infinity(), negative)
            }
        },
        (_, _, Value::Infinity(_)) => c,
        (Value::Zero(_), _, Value::Zero(z)) | (_, Value::Zero(_), Value::Zero(z)) => {
            add_zeros(format, negative, z, status)
        }
        (Value::Zero(_), _, Value::Finite(_)) | (_, Value::Zero(_), Value::Finite(_)) => c,
        (Value::Finite(x), Value::Finite(y), Value::Zero(_)) => pack(format, product(x, y), status),
        (Value::Finite(x), Value::Finite(y), Value::Finite(z)) => {
            add_finite(format, product(x, y), z, status)
        }
    }
}

/// Quotient.
pub(crate) fn div(format: Format, a: u64, b: u64, status: &mut Status) -> u64 {
    let negative = format.is_negative(a) != format.is_negative(b);
    match (unpack(format, a), unpack(format, b)) {
        (Value::Nan, _) | (_, Value::Nan) => propagate(format, &[a, b], status),
        (Value::Infinity(_), Value::Infinity(_)) | (Value::Zero(_), Value::Zero(_)) => {
            invalid(format, status)
        }
        (Value::Infinity(_), _) => format.with_sign(format.infinity(), negative),
        (_, Value::Infinity(_)) | (Value::Zero(_), _) => format.with_sign(0, negative),
        (Value::Finite(_), Value::Zero(_)) => {
            status.flags |= DZ;
            format.with_sign(format.infinity(), negative)
        }
        (Value::Finite(x), Value::Finite(y)) => {
            // The divisor has at most 53 bits, so the quotient has at least 71.
            let x = x.normalized();
            let quotient = x.significand / y.significand;
            let rest = x.significand % y.significand;
            let value = Finite {
                negative,
                exponent: x.exponent - y.exponent - 1,
                significand: quotient << 1 | u128::from(rest != 0),
            };
            pack(format, value, status)
        }
    }
}

/// Square root.
pub(crate) fn sqrt(format: Format, a: u64, status: &mut Status) -> u64 {
    match unpack(format, a) {
        Value::Nan => propagate(format, &[a], status),
        Value::Zero(_) | Value::Infinity(false) => a,
        Value::Infinity(true) => invalid(format, status),
        Value::Finite(x) if x.negative => invalid(format, status),
        Value::Finite(x) => {
            let x = x.normalized();
            let (significand, exponent) = if x.exponent & 1 == 0 {
                (x.significand, x.exponent)
            } else {
                (x.significand << 1, x.exponent - 1)
            };
            let root = significand.isqrt();
            let value = Finite {
                negative: false,
                exponent: exponent / 2 - 1,
                significand: root << 1 | u128::from(root * root != significand),
            };
            pack(format, value, status)
        }
    }
}

/// The value of one format in another.
pub(crate) fn convert(from: Format, to: Format, a: u64, status: &mut Status) -> u64 {
    match unpack(from, a) {
        Value::Nan => {
            if from.is_signaling(a) {
                status.flags |= NV;
            }
            to.canonical_nan()
        }
        Value::Infinity(negative) => to.with_sign(to.infinity(), negative),
        Value::Zero(negative) => to.with_sign(0, negative),
        Value::Finite(value) => pack(to, value, status),
    }
}

/// An integer as a float.
pub(crate) fn from_int(format: Format, negative: bool, magnitude: u64, status: &mut Status) -> u64 {
    if magnitude == 0 {
        return 0;
    }
    let value = Finite {
        negative,
        exponent: 0,
        significand: u128::from(magnitude),
    };
    pack(format, value, status)
}

/// A signed integer as a float.
pub(crate) fn from_signed(format: Format, value: i64, status: &mut Status) -> u64 {
    from_int(format, value < 0, value.unsigned_abs(), status)
}

/// The magnitude rounded to an integer, saturating at 2^127, and whether that was inexact.
fn integral(value: Finite, rounding: Rounding) -> (u128, bool) {
    if value.exponent >= 0 {
        let shift = value.exponent.unsigned_abs();
        if shift >= value.significand.leading_zeros() {
            return (1 << 127, false);
        }
        return (value.significand << shift, false);
    }
    let shift = value.exponent.unsigned_abs();
    shift_right_rounded(value.significand, shift, value.negative, rounding)
}

/// A float as an integer of `width` bits, sign- or zero-extended to 64. Out of range and
/// infinite values saturate, NaN gives the largest value; both raise NV.
pub(crate) fn to_int(format: Format, a: u64, width: u32, signed: bool, status: &mut Status) -> u64 {
    let max = if signed {
        (1u128 << (width - 1)) - 1
    } else {
        (1u128 << width) - 1
    };
    let min_magnitude = if signed { 1u128 << (width - 1) } else { 0 };
    let clamp = |negative: bool| {
        if negative {
            (min_magnitude as u64).wrapping_neg()
        } else {
            max as u64
        }
    };
    match unpack(format, a) {
        Value::Zero(_) => 0,
        Value::Nan => {
            status.flags |= NV;
            clamp(false)
        }
        Value::Infinity(negative) => {
            status.flags |= NV;
            clamp(negative)
        }
        Value::Finite(value) => {
            let (magnitude, inexact) = integral(value, status.rounding);
            let limit = if value.negative { min_magnitude } else { max };
            if magnitude > limit {
                status.flags |= NV;
                return clamp(value.negative);
            }
            if inexact {
                status.flags |= NX;
            }
            let magnitude = magnitude as u64;
            if value.negative {
                magnitude.wrapping_neg()
            } else {
                magnitude
            }
        }
    }
}

/// `fcvtmod.w.d`: truncated and reduced modulo 2^32; flags as for saturation.
pub(crate) fn to_int_modular(a: u64, status: &mut Status) -> u64 {
    let mut saturating = Status::new(Rounding::TowardsZero);
    to_int(F64, a, 32, true, &mut saturating);
    status.flags |= saturating.flags;
    let Value::Finite(value) = unpack(F64, a) else {
        return 0;
    };
    // Beyond 2^95 the low 32 bits of the integer are zero.
    let magnitude = match value.exponent {
        0..32 => (value.significand << value.exponent) as u32,
        32.. => 0,
        _ => integral(value, Rounding::TowardsZero).0 as u32,
    };
    let low = if value.negative {
        magnitude.wrapping_neg()
    } else {
        magnitude
    };
    low as i32 as u64
}

/// Rounded to an integral value. NX is raised only if `reports_inexact`.
pub(crate) fn round_to_integral(
    format: Format,
    a: u64,
    reports_inexact: bool,
    status: &mut Status,
) -> u64 {
    let Value::Finite(value) = unpack(format, a) else {
        return if format.is_nan(a) {
            propagate(format, &[a], status)
        } else {
            a
        };
    };
    if value.exponent >= 0 {
        return a;
    }
    let (magnitude, inexact) = integral(value, status.rounding);
    if inexact && reports_inexact {
        status.flags |= NX;
    }
    if magnitude == 0 {
        return format.with_sign(0, value.negative);
    }
    let rounded = Finite {
        significand: magnitude,
        exponent: 0,
        ..value
    };
    pack(format, rounded, &mut Status::new(Rounding::TowardsZero))
}

/// The order of two values that are not NaN; zeros are equal.
fn order(format: Format, a: u64, b: u64) -> std::cmp::Ordering {
    let key = |bits: u64| {
        let magnitude = format.magnitude(bits) as i64;
        if format.is_negative(bits) {
            -magnitude
        } else {
            magnitude
        }
    };
    key(a).cmp(&key(b))
}

/// Comparison for equality; quiet.
pub(crate) fn eq(format: Format, a: u64, b: u64, status: &mut Status) -> bool {
    if format.is_nan(a) || format.is_nan(b) {
        propagate(format, &[a, b], status);
        return false;
    }
    order(format, a, b).is_eq()
}

/// Less than; a NaN raises NV if `signaling`, a signalling NaN always.
pub(crate) fn lt(format: Format, a: u64, b: u64, signaling: bool, status: &mut Status) -> bool {
    !unordered(format, a, b, signaling, status) && order(format, a, b).is_lt()
}

/// Less than or equal; NaN as for [`lt`].
pub(crate) fn le(format: Format, a: u64, b: u64, signaling: bool, status: &mut Status) -> bool {
    !unordered(format, a, b, signaling, status) && order(format, a, b).is_le()
}

fn unordered(format: Format, a: u64, b: u64, signaling: bool, status: &mut Status) -> bool {
    let unordered = format.is_nan(a) || format.is_nan(b);
    if unordered {
        propagate(format, &[a, b], status);
        if signaling {
            status.flags |= NV;
        }
    }
    unordered
}

/// minimumNumber or maximumNumber: a NaN loses against a number, -0 is less than +0.
pub(crate) fn min_max(format: Format, a: u64, b: u64, max: bool, status: &mut Status) -> u64 {
    match (format.is_nan(a), format.is_nan(b)) {
        (true, true) => propagate(format, &[a, b], status),
        (true, false) => {
            propagate(format, &[a], status);
            b
        }
        (false, true) => {
            propagate(format, &[b], status);
            a
        }
        (false, false) => extreme(format, a, b, max),
    }
}

/// minimum or maximum: NaN if one operand is NaN.
pub(crate) fn min_max_nan(format: Format, a: u64, b: u64, max: bool, status: &mut Status) -> u64 {
    if format.is_nan(a) || format.is_nan(b) {
        return propagate(format, &[a, b], status);
    }
    extreme(format, a, b, max)
}

fn extreme(format: Format, a: u64, b: u64, max: bool) -> u64 {
    let a_is_less = order(format, a, b)
        .then(format.is_negative(b).cmp(&format.is_negative(a)))
        .is_lt();
    if a_is_less == max { b } else { a }
}

/// The mask of `fclass`.
pub(crate) fn classify(format: Format, a: u64) -> u64 {
    let negative = format.is_negative(a);
    let magnitude = format.magnitude(a);
    let pick =
        |if_negative: u32, if_positive: u32| 1 << if negative { if_negative } else { if_positive };
    if format.is_nan(a) {
        return if format.is_signaling(a) {
            1 << 8
        } else {
            1 << 9
        };
    }
    if magnitude == format.infinity() {
        pick(0, 7)
    } else if magnitude >> format.fraction_bits != 0 {
        pick(1, 6)
    } else if magnitude != 0 {
        pick(2, 5)
    } else {
        pick(3, 4)
    }
}
