//! The format strings of device `printf`.
//!
//! `%[flags][width][.precision][size]type` with flags `# 0 - + space`, `*` for width and precision,
//! sizes `h hh l ll j z t`, and types `% c d i u o x X e E f F g G a A s p` (CUDA C++ Programming
//! Guide, "Format Specifiers"). Text is the same as that of C's `printf` in the C locale. What is
//! no specifier is shown as it is.

/// Arguments of a print, in order.
pub(super) trait Arguments {
    /// Why an argument cannot be had.
    type Error;

    /// The next argument: 4 or 8 bytes in the low part of the word.
    fn word(&mut self, bytes: u32) -> Result<u64, Self::Error>;

    /// The text at an address that was an argument.
    fn text(&mut self, address: u64) -> Result<Vec<u8>, Self::Error>;
}

/// Widest field, which a damaged program could otherwise make as large as memory.
const FIELD_MAX: i64 = 1 << 16;

#[derive(Clone, Copy, Debug, Default)]
struct Spec {
    alternate: bool,
    zero: bool,
    left: bool,
    plus: bool,
    space: bool,
    width: usize,
    precision: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    Byte,
    Short,
    Int,
    Long,
}

/// Expands a format; gives the text and the number of arguments.
pub(super) fn expand<A: Arguments>(
    format: &[u8],
    arguments: &mut A,
) -> Result<(Vec<u8>, usize), A::Error> {
    let mut counted = Counted {
        arguments,
        count: 0,
    };
    let mut out = Vec::with_capacity(format.len() + 16);
    let mut at = 0;
    while let Some(&byte) = format.get(at) {
        if byte != b'%' {
            out.push(byte);
            at += 1;
            continue;
        }
        let Some(parsed) = Parsed::new(&format[at + 1..]) else {
            out.push(byte);
            at += 1;
            continue;
        };
        at += 1 + parsed.length;
        parsed.expand(&mut counted, &mut out)?;
    }
    Ok((out, counted.count))
}

struct Counted<'a, A> {
    arguments: &'a mut A,
    count: usize,
}

impl<A: Arguments> Counted<'_, A> {
    fn word(&mut self, bytes: u32) -> Result<u64, A::Error> {
        self.count += 1;
        self.arguments.word(bytes)
    }

    #[expect(clippy::cast_possible_truncation, reason = "an int is the low 32 bits")]
    fn int(&mut self) -> Result<i64, A::Error> {
        Ok(i64::from((self.word(4)? as u32).cast_signed()))
    }
}

/// A number in a specifier.
#[derive(Clone, Copy, Debug)]
enum Number {
    Given(i64),
    Argument,
}

/// A specifier without its percent sign.
struct Parsed {
    length: usize,
    spec: Spec,
    width: Option<Number>,
    precision: Option<Number>,
    size: Size,
    kind: u8,
}

impl Parsed {
    fn new(text: &[u8]) -> Option<Self> {
        let mut spec = Spec::default();
        let mut at = 0;
        loop {
            match text.get(at)? {
                b'#' => spec.alternate = true,
                b'0' => spec.zero = true,
                b'-' => spec.left = true,
                b'+' => spec.plus = true,
                b' ' => spec.space = true,
                _ => break,
            }
            at += 1;
        }
        let width = number(text, &mut at);
        let mut precision = None;
        if text.get(at)? == &b'.' {
            at += 1;
            precision = Some(number(text, &mut at).unwrap_or(Number::Given(0)));
        }
        let rest = text.get(at..)?;
        let (size, length) = match rest {
            [b'h', b'h', ..] => (Size::Byte, 2),
            [b'h', ..] => (Size::Short, 1),
            [b'l', b'l', ..] => (Size::Long, 2),
            [b'l' | b'j' | b'z' | b't', ..] => (Size::Long, 1),
            _ => (Size::Int, 0),
        };
        at += length;
        let kind = *text.get(at)?;
        b"%cdiuoxXeEfFgGaAsp".contains(&kind).then_some(Self {
            length: at + 1,
            spec,
            width,
            precision,
            size,
            kind,
        })
    }

    fn expand<A: Arguments>(
        &self,
        arguments: &mut Counted<'_, A>,
        out: &mut Vec<u8>,
    ) -> Result<(), A::Error> {
        let mut spec = self.spec;
        let mut value = |number| match number {
            Number::Given(value) => Ok(value),
            Number::Argument => arguments.int(),
        };
        if let Some(width) = self.width {
            let width = value(width)?;
            spec.left |= width < 0;
            spec.width = clamp(width.saturating_abs());
        }
        if let Some(precision) = self.precision {
            let precision = value(precision)?;
            spec.precision = (precision >= 0).then(|| clamp(precision));
        }
        let bytes = if self.size == Size::Long { 8 } else { 4 };
        match self.kind {
            b'%' => out.push(b'%'),
            b'c' => {
                let [byte, ..] = arguments.word(4)?.to_le_bytes();
                pad(out, &spec, b"", &[byte], false);
            }
            b's' => {
                let address = arguments.word(8)?;
                let text = if address == 0 {
                    b"(null)".to_vec()
                } else {
                    arguments.arguments.text(address)?
                };
                let shown = spec.precision.unwrap_or(text.len()).min(text.len());
                pad(out, &spec, b"", &text[..shown], false);
            }
            b'p' => {
                let address = arguments.word(8)?;
                if address == 0 {
                    pad(out, &spec, b"", b"(nil)", false);
                } else {
                    let sign = sign(false, &spec);
                    let prefix = [sign, b"0x"].concat();
                    let digits = format!("{address:x}");
                    integer(out, &spec, &prefix, &digits);
                }
            }
            b'd' | b'i' => {
                let value = signed(arguments.word(bytes)?, self.size);
                let digits = value.unsigned_abs().to_string();
                integer(out, &spec, sign(value < 0, &spec), &digits);
            }
            b'u' | b'o' | b'x' | b'X' => {
                let value = unsigned(arguments.word(bytes)?, self.size);
                self.unsigned(out, &spec, value);
            }
            _ => {
                let value = f64::from_bits(arguments.word(8)?);
                float(out, &spec, self.kind, value);
            }
        }
        Ok(())
    }

    fn unsigned(&self, out: &mut Vec<u8>, spec: &Spec, value: u64) {
        let (prefix, digits): (&[u8], _) = match self.kind {
            b'o' => (b"", format!("{value:o}")),
            b'x' => (b"0x", format!("{value:x}")),
            b'X' => (b"0X", format!("{value:X}")),
            _ => (b"", value.to_string()),
        };
        let mut digits = with_precision(spec, &digits);
        if self.kind == b'o' && spec.alternate && !digits.starts_with('0') {
            digits.insert(0, '0');
        }
        let prefix = if spec.alternate && value != 0 {
            prefix
        } else {
            b""
        };
        pad(
            out,
            spec,
            prefix,
            digits.as_bytes(),
            spec.zero && spec.precision.is_none(),
        );
    }
}

fn clamp(number: i64) -> usize {
    usize::try_from(number.clamp(0, FIELD_MAX)).unwrap_or(0)
}

fn number(text: &[u8], at: &mut usize) -> Option<Number> {
    if text.get(*at) == Some(&b'*') {
        *at += 1;
        return Some(Number::Argument);
    }
    let begin = *at;
    let mut value = 0_i64;
    while let Some(digit) = text.get(*at).filter(|byte| byte.is_ascii_digit()) {
        value = (value * 10 + i64::from(digit - b'0')).min(FIELD_MAX);
        *at += 1;
    }
    (*at > begin).then_some(Number::Given(value))
}

#[expect(clippy::cast_possible_truncation, reason = "C converts to the size")]
fn signed(word: u64, size: Size) -> i64 {
    match size {
        Size::Byte => i64::from((word as u8).cast_signed()),
        Size::Short => i64::from((word as u16).cast_signed()),
        Size::Int => i64::from((word as u32).cast_signed()),
        Size::Long => word.cast_signed(),
    }
}

fn unsigned(word: u64, size: Size) -> u64 {
    match size {
        Size::Byte => word & 0xff,
        Size::Short => word & 0xffff,
        Size::Int => word & 0xffff_ffff,
        Size::Long => word,
    }
}

const fn sign(negative: bool, spec: &Spec) -> &'static [u8] {
    match (negative, spec.plus, spec.space) {
        (true, ..) => b"-",
        (false, true, _) => b"+",
        (false, false, true) => b" ",
        _ => b"",
    }
}

/// At least as many digits as the precision says; none for zero if it says 0.
fn with_precision(spec: &Spec, digits: &str) -> String {
    match spec.precision {
        Some(0) if digits == "0" => String::new(),
        Some(least) => format!("{digits:0>least$}"),
        None => digits.to_owned(),
    }
}

/// An integer with its sign or prefix; a precision turns off the flag `0`.
fn integer(out: &mut Vec<u8>, spec: &Spec, prefix: &[u8], digits: &str) {
    let digits = with_precision(spec, digits);
    let zeros = spec.zero && spec.precision.is_none();
    pad(out, spec, prefix, digits.as_bytes(), zeros);
}

/// Puts a field together: prefix and body, filled up to the width.
fn pad(out: &mut Vec<u8>, spec: &Spec, prefix: &[u8], body: &[u8], zeros: bool) {
    let fill = spec.width.saturating_sub(prefix.len() + body.len());
    if !spec.left && !zeros {
        out.resize(out.len() + fill, b' ');
    }
    out.extend_from_slice(prefix);
    if !spec.left && zeros {
        out.resize(out.len() + fill, b'0');
    }
    out.extend_from_slice(body);
    if spec.left {
        out.resize(out.len() + fill, b' ');
    }
}

fn float(out: &mut Vec<u8>, spec: &Spec, kind: u8, value: f64) {
    let sign = sign(value.is_sign_negative(), spec);
    let magnitude = value.abs();
    let upper = kind.is_ascii_uppercase();
    if !value.is_finite() {
        let body = match (value.is_nan(), upper) {
            (true, false) => "nan",
            (true, true) => "NAN",
            (false, false) => "inf",
            (false, true) => "INF",
        };
        pad(out, spec, sign, body.as_bytes(), false);
        return;
    }
    let precision = spec.precision.unwrap_or(6);
    let (prefix, mut body) = match kind.to_ascii_lowercase() {
        b'f' => ("", fixed(magnitude, precision, spec.alternate)),
        b'e' => ("", scientific(magnitude, precision, spec.alternate)),
        b'g' => ("", general(magnitude, precision.max(1), spec.alternate)),
        _ => ("0x", hexadecimal(magnitude, spec.precision, spec.alternate)),
    };
    let mut prefix = prefix.to_owned();
    if upper {
        body.make_ascii_uppercase();
        prefix.make_ascii_uppercase();
    }
    let prefix = [sign, prefix.as_bytes()].concat();
    pad(out, spec, &prefix, body.as_bytes(), spec.zero);
}

fn fixed(magnitude: f64, precision: usize, alternate: bool) -> String {
    let mut text = format!("{magnitude:.precision$}");
    if precision == 0 && alternate {
        text.push('.');
    }
    text
}

/// Digits with a point after the first, and the decimal exponent.
fn digits_and_exponent(magnitude: f64, precision: usize) -> (String, i32) {
    let text = format!("{magnitude:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (digits.to_owned(), exponent.parse().unwrap_or(0))
}

fn with_exponent(digits: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

fn scientific(magnitude: f64, precision: usize, alternate: bool) -> String {
    let (mut digits, exponent) = digits_and_exponent(magnitude, precision);
    if precision == 0 && alternate {
        digits.push('.');
    }
    with_exponent(&digits, exponent)
}

fn general(magnitude: f64, precision: usize, alternate: bool) -> String {
    let (digits, exponent) = digits_and_exponent(magnitude, precision - 1);
    let strip = |text: String| {
        if alternate || !text.contains('.') {
            return text;
        }
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let limit = i32::try_from(precision).unwrap_or(i32::MAX);
    if exponent >= -4 && exponent < limit {
        let places = usize::try_from(limit - 1 - exponent).unwrap_or(0);
        return strip(fixed(magnitude, places, alternate));
    }
    let point = alternate && precision == 1;
    let digits = if point { format!("{digits}.") } else { digits };
    with_exponent(&strip(digits), exponent)
}

/// Without the `0x`: one digit, the others, and the binary exponent.
fn hexadecimal(magnitude: f64, precision: Option<usize>, alternate: bool) -> String {
    const FRACTION_BITS: u32 = 52;
    const DIGITS: usize = 13;
    let bits = magnitude.to_bits();
    let biased = i64::try_from(bits >> FRACTION_BITS & 0x7ff).unwrap_or(0);
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    let exponent = match (biased, fraction) {
        (0, 0) => 0,
        (0, _) => -1022,
        _ => biased - 1023,
    };
    let mut mantissa = fraction | u64::from(biased != 0) << FRACTION_BITS;
    if let Some(kept) = precision.filter(|&kept| kept < DIGITS) {
        let dropped = u32::try_from(4 * (DIGITS - kept)).unwrap_or(0);
        let (unit, half) = (1_u64 << dropped, 1_u64 << (dropped - 1));
        let rest = mantissa & (unit - 1);
        mantissa -= rest;
        let is_odd = mantissa & unit != 0;
        if rest > half || (rest == half && is_odd) {
            mantissa += unit;
        }
    }
    let mut digits = format!("{:013x}", mantissa & ((1 << FRACTION_BITS) - 1));
    match precision {
        Some(wanted) if wanted <= DIGITS => digits.truncate(wanted),
        Some(wanted) => digits.extend(std::iter::repeat_n('0', wanted - DIGITS)),
        None => digits.truncate(digits.trim_end_matches('0').len()),
    }
    let point = if digits.is_empty() && !alternate {
        ""
    } else {
        "."
    };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!(
        "{:x}{point}{digits}p{sign}{}",
        mantissa >> FRACTION_BITS,
        exponent.unsigned_abs()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;

    /// Arguments given as words; texts by address.
    struct Words<'a>(&'a [u64], &'a [u8]);

    impl Arguments for Words<'_> {
        type Error = ();

        fn word(&mut self, _: u32) -> Result<u64, ()> {
            let (&first, rest) = self.0.split_first().ok_or(())?;
            self.0 = rest;
            Ok(first)
        }

        fn text(&mut self, _: u64) -> Result<Vec<u8>, ()> {
            Ok(self.1.to_vec())
        }
    }

    fn ours(format: &str, words: &[u64], text: &[u8]) -> String {
        let (bytes, count) = expand(format.as_bytes(), &mut Words(words, text)).unwrap();
        assert_eq!(count, words.len(), "{format}");
        String::from_utf8(bytes).unwrap()
    }

    enum Value {
        Int(i32),
        Long(i64),
        Double(f64),
    }

    /// What the C library prints.
    fn theirs(format: &str, value: &Value) -> String {
        let format = CString::new(format).unwrap();
        let mut buffer = vec![0_u8; 4096];
        let (to, bytes, format) = (buffer.as_mut_ptr().cast(), buffer.len(), format.as_ptr());
        let length = match *value {
            // SAFETY: the format has one specifier, of this argument's type.
            Value::Int(value) => unsafe { libc::snprintf(to, bytes, format, value) },
            // SAFETY: as above.
            Value::Long(value) => unsafe { libc::snprintf(to, bytes, format, value) },
            // SAFETY: as above.
            Value::Double(value) => unsafe { libc::snprintf(to, bytes, format, value) },
        };
        buffer.truncate(usize::try_from(length).unwrap());
        String::from_utf8(buffer).unwrap()
    }

    #[test]
    fn text_is_that_of_the_c_library() {
        let flags = [
            "", "-", "0", "+", " ", "#", "-#", "+0", " 0", "#0", "-0", "+#0", "- #",
        ];
        let widths = ["", "1", "7", "24"];
        let precisions = ["", ".", ".0", ".1", ".3", ".12", ".17"];
        let ints = [0, 1, -1, 8, 255, -32768, i32::MAX, i32::MIN];
        let doubles = [
            0.0,
            -0.0,
            1.0,
            -1.5,
            0.5,
            2.5,
            0.25,
            1e-5,
            123_456.789,
            9.995,
            999_999.5,
            1e22,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            0.1,
            1.0 / 3.0,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
        ];
        for flag in flags {
            for width in widths {
                for precision in precisions {
                    let head = format!("<%{flag}{width}{precision}");
                    for value in ints {
                        for kind in ["d", "i", "u", "o", "x", "X", "hd", "hhu", "hx"] {
                            let format = format!("{head}{kind}>");
                            let word = u64::from(value.cast_unsigned());
                            let expected = theirs(&format, &Value::Int(value));
                            assert_eq!(ours(&format, &[word], b""), expected, "{format} {value}");
                        }
                        for kind in ["ld", "llu", "lx", "zo", "jX", "td"] {
                            let format = format!("{head}{kind}>");
                            let value = i64::from(value).wrapping_mul(0x1_0000_0001);
                            let expected = theirs(&format, &Value::Long(value));
                            let word = value.cast_unsigned();
                            assert_eq!(ours(&format, &[word], b""), expected, "{format} {value}");
                        }
                    }
                    for value in doubles {
                        for kind in ["f", "F", "e", "E", "g", "G", "a", "A"] {
                            // glibc loses the zeros that `#` keeps when rounding carries into a new
                            // digit; C says that they stay.
                            if kind.eq_ignore_ascii_case("g") && flag.contains('#') {
                                continue;
                            }
                            let format = format!("{head}{kind}>");
                            let expected = theirs(&format, &Value::Double(value));
                            let word = value.to_bits();
                            assert_eq!(ours(&format, &[word], b""), expected, "{format} {value}");
                        }
                    }
                }
            }
        }
        for (format, value, expected) in [
            ("%#g", 1.0_f64, "1.00000"),
            ("%#.3g", 999.5, "1.00e+03"),
            ("%#.0g", 20.0, "2.e+01"),
            ("%#G", 1e-7, "1.00000E-07"),
        ] {
            assert_eq!(
                ours(format, &[value.to_bits()], b""),
                expected,
                "{format} {value}"
            );
        }
        for format in ["<%p>", "<%20p>", "<%-20p>"] {
            let expected = theirs(format, &Value::Long(0x7f00_1234));
            assert_eq!(ours(format, &[0x7f00_1234], b""), expected, "{format}");
        }
        for format in ["<%c>", "<%5c>", "<%-5c>"] {
            let expected = theirs(format, &Value::Int(65));
            assert_eq!(ours(format, &[65], b""), expected, "{format}");
        }
    }

    #[test]
    fn arguments_are_taken_in_order() {
        let five = u64::from(5_u32);
        let minus_six = u64::from((-6_i32).cast_unsigned());
        assert_eq!(ours("[%*d]", &[five, 42], b""), "[   42]");
        assert_eq!(ours("[%*d]", &[minus_six, 42], b""), "[42    ]");
        assert_eq!(ours("[%.*f]", &[2, 1.005_f64.to_bits()], b""), "[1.00]");
        assert_eq!(
            ours("%s, %.3s, %8s.", &[1, 1, 1], b"hello"),
            "hello, hel,    hello."
        );
        assert_eq!(ours("%s", &[0], b"hello"), "(null)");
        assert_eq!(ours("100%% of %d", &[7], b""), "100% of 7");
    }

    #[test]
    fn what_is_no_specifier_stays() {
        assert_eq!(ours("50%! and %q and %", &[], b""), "50%! and %q and %");
    }
}
