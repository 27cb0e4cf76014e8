//! Numbers and constant expressions (PTX ISA section 4.5).

use super::{Failed, Parsed, Parser};
use crate::{
    ast::{Immediate, Span},
    error::Cause,
    lexer::{Kind, Token},
};

/// `WARP_SZ`: threads of a warp.
const WARP_SIZE: u64 = 32;

/// Binding strength of the weakest binary operator, for [`Parser::constant_from`].
const WEAKEST: u8 = 1;
/// Binding strength of `*`, `/` and `%`.
pub(super) const MULTIPLICATIVE: u8 = 10;

/// How strongly a binary operator binds; `None` for other tokens.
const fn strength(kind: Kind) -> Option<u8> {
    Some(match kind {
        Kind::OrOr => WEAKEST,
        Kind::AndAnd => 2,
        Kind::Or => 3,
        Kind::Xor => 4,
        Kind::And => 5,
        Kind::Equal | Kind::NotEqual => 6,
        Kind::Less | Kind::LessEqual | Kind::Greater | Kind::GreaterEqual => 7,
        Kind::ShiftLeft | Kind::ShiftRight => 8,
        Kind::Plus | Kind::Minus => 9,
        Kind::Star | Kind::Slash | Kind::Percent => MULTIPLICATIVE,
        _ => return None,
    })
}

impl Parser<'_> {
    /// True if the current token can begin a constant expression.
    pub(super) fn at_constant(&self) -> bool {
        match self.token.kind {
            Kind::Number
            | Kind::Plus
            | Kind::Minus
            | Kind::Tilde
            | Kind::Bang
            | Kind::OpenParen => true,
            Kind::Word => self.at_warp_size(),
            // `.5`
            Kind::Dotted => self
                .dotted(self.token)
                .starts_with(|c: char| c.is_ascii_digit()),
            _ => false,
        }
    }

    /// True at `WARP_SZ`.
    pub(super) fn at_warp_size(&self) -> bool {
        self.at(Kind::Word) && self.bytes(self.token.span) == b"WARP_SZ"
    }

    /// A whole constant expression.
    pub(super) fn constant(&mut self) -> Parsed<Immediate> {
        // Nearly all constants are one number.
        let first = self.unary()?;
        self.constant_from(first)
    }

    /// The rest of a constant expression whose first term is known.
    pub(super) fn constant_from(&mut self, first: Immediate) -> Parsed<Immediate> {
        let condition = self.binary_from(first, WEAKEST)?;
        if !self.at(Kind::Question) {
            return Ok(condition);
        }
        let question = self.bump();
        let condition = self.integer_of(condition, question.span)?;
        self.nested(|parser| {
            let yes = parser.constant()?;
            parser.expect(Kind::Colon, "`:`")?;
            let no = parser.constant()?;
            Ok(if condition != 0 { yes } else { no })
        })
    }

    /// Terms joined by operators that bind at least as strongly as `weakest`.
    pub(super) fn binary_from(&mut self, first: Immediate, weakest: u8) -> Parsed<Immediate> {
        let mut left = first;
        while let Some(own) = strength(self.token.kind).filter(|&own| own >= weakest) {
            let operator = self.bump();
            let right = self.nested(|parser| {
                let term = parser.unary()?;
                parser.binary_from(term, own + 1)
            })?;
            left = self.apply(operator, left, right)?;
        }
        Ok(left)
    }

    /// A term with its signs and casts.
    pub(super) fn unary(&mut self) -> Parsed<Immediate> {
        match self.token.kind {
            Kind::Number => {
                let token = self.bump();
                self.number(token)
            }
            Kind::Plus | Kind::Minus | Kind::Tilde | Kind::Bang => {
                let operator = self.bump();
                let operand = self.nested(Self::unary)?;
                self.apply_unary(operator, operand)
            }
            Kind::OpenParen => self.nested(Self::parenthesised),
            Kind::Word if self.at_warp_size() => {
                self.bump();
                Ok(Immediate::Integer(WARP_SIZE, false))
            }
            Kind::Dotted if self.at_constant() => {
                let token = self.bump();
                self.decimal(token)
            }
            _ => Err(self.expected("a constant")),
        }
    }

    /// `(expression)`, `(.s64) term` or `(.u64) term`; the current token is the `(`.
    fn parenthesised(&mut self) -> Parsed<Immediate> {
        let opening = self.bump();
        let unsigned = match self.directive() {
            "s64" => false,
            "u64" => true,
            _ => {
                let value = self.constant()?;
                self.expect(Kind::CloseParen, "`)`")?;
                return Ok(value);
            }
        };
        self.bump();
        self.expect(Kind::CloseParen, "`)`")?;
        let operand = self.nested(Self::unary)?;
        Ok(Immediate::Integer(
            self.integer_of(operand, opening.span)?,
            unsigned,
        ))
    }

    /// The value of a number token.
    pub(super) fn number(&mut self, token: Token) -> Parsed<Immediate> {
        let text = self.text(token.span);
        let bytes = text.as_bytes();
        // Both are set by the lexer: a number is never empty.
        let (first, second) = (bytes.first(), bytes.get(1).map(u8::to_ascii_lowercase));
        let value = match (first, second) {
            (Some(b'0'), Some(b'f')) => hexadecimal(&bytes[2..], 8)
                .and_then(|bits| u32::try_from(bits).ok())
                .map(Immediate::F32),
            (Some(b'0'), Some(b'd')) => hexadecimal(&bytes[2..], 16).map(Immediate::F64),
            (Some(b'0'), Some(b'x')) => return self.integer(token, &bytes[2..], 16),
            (Some(b'0'), Some(b'b')) => return self.integer(token, &bytes[2..], 2),
            _ if bytes.iter().any(|b| matches!(b, b'.' | b'e' | b'E')) => {
                return self.decimal(token);
            }
            (Some(b'0'), Some(_)) => return self.integer(token, &bytes[1..], 8),
            _ => return self.integer(token, bytes, 10),
        };
        value.ok_or_else(|| self.malformed(token))
    }

    /// An integer without operators, at most `max`: counts, sizes, indices.
    pub(super) fn plain_integer(&mut self, what: &'static str, max: u64) -> Parsed<u64> {
        let token = self.expect(Kind::Number, "an integer")?;
        match self.number(token)? {
            Immediate::Integer(value, _) if value <= max => Ok(value),
            Immediate::Integer(..) => {
                Err(self.fail(token.span, Cause::NumberTooLarge { what, max }))
            }
            Immediate::F32(_) | Immediate::F64(_) => Err(self.malformed(token)),
        }
    }

    /// As [`Self::plain_integer`], for numbers kept in 32 bits.
    pub(super) fn plain_u32(&mut self, what: &'static str) -> Parsed<u32> {
        let value = self.plain_integer(what, u64::from(u32::MAX))?;
        Ok(u32::try_from(value).unwrap_or(u32::MAX))
    }

    /// Digits in `radix` with an optional `U`.
    fn integer(&mut self, token: Token, digits: &[u8], radix: u32) -> Parsed<Immediate> {
        let (digits, suffix) = match digits {
            [digits @ .., b'U'] => (digits, true),
            _ => (digits, false),
        };
        // A lone `0U` is an octal number without digits after its zero.
        if digits.is_empty() && radix != 8 {
            return Err(self.malformed(token));
        }
        let mut value = 0_u64;
        for &digit in digits {
            let Some(digit) = char::from(digit).to_digit(radix) else {
                return Err(self.malformed(token));
            };
            let next = value
                .checked_mul(u64::from(radix))
                .and_then(|v| v.checked_add(u64::from(digit)));
            let Some(next) = next else {
                let cause = Cause::NumberTooLarge {
                    what: "an integer",
                    max: u64::MAX,
                };
                return Err(self.fail(token.span, cause));
            };
            value = next;
        }
        Ok(Immediate::Integer(
            value,
            suffix || i64::try_from(value).is_err(),
        ))
    }

    /// A decimal floating-point number.
    fn decimal(&mut self, token: Token) -> Parsed<Immediate> {
        match self.text(token.span).parse::<f64>() {
            Ok(value) => Ok(Immediate::F64(value.to_bits())),
            Err(_) => Err(self.malformed(token)),
        }
    }

    fn malformed(&mut self, token: Token) -> Failed {
        let text = self.text(token.span).chars().take(40).collect();
        self.fail(token.span, Cause::MalformedNumber(text))
    }

    /// The bits of an integer; fails on floating-point numbers.
    fn integer_of(&mut self, value: Immediate, operator: Span) -> Parsed<u64> {
        match value {
            Immediate::Integer(bits, _) => Ok(bits),
            Immediate::F32(_) | Immediate::F64(_) => {
                Err(self.fail(operator, Cause::FloatInExpression))
            }
        }
    }

    /// Applies a sign, `~` or `!`.
    pub(super) fn apply_unary(&mut self, operator: Token, operand: Immediate) -> Parsed<Immediate> {
        Ok(match (operator.kind, operand) {
            (Kind::Plus, value) => value,
            (Kind::Minus, Immediate::Integer(bits, unsigned)) => {
                Immediate::Integer(bits.wrapping_neg(), unsigned)
            }
            (Kind::Minus, Immediate::F32(bits)) => Immediate::F32(bits ^ (1 << 31)),
            (Kind::Minus, Immediate::F64(bits)) => Immediate::F64(bits ^ (1 << 63)),
            (Kind::Tilde, Immediate::Integer(bits, unsigned)) => {
                Immediate::Integer(!bits, unsigned)
            }
            (Kind::Bang, Immediate::Integer(bits, _)) => {
                Immediate::Integer(u64::from(bits == 0), false)
            }
            _ => return Err(self.fail(operator.span, Cause::FloatInExpression)),
        })
    }

    fn apply(&mut self, operator: Token, left: Immediate, right: Immediate) -> Parsed<Immediate> {
        if let (Immediate::F64(left), Immediate::F64(right)) = (left, right) {
            let (left, right) = (f64::from_bits(left), f64::from_bits(right));
            let value = match operator.kind {
                Kind::Plus => left + right,
                Kind::Minus => left - right,
                Kind::Star => left * right,
                Kind::Slash => left / right,
                _ => return Err(self.fail(operator.span, Cause::FloatInExpression)),
            };
            return Ok(Immediate::F64(value.to_bits()));
        }
        let (Immediate::Integer(left, left_unsigned), Immediate::Integer(right, right_unsigned)) =
            (left, right)
        else {
            return Err(self.fail(operator.span, Cause::FloatInExpression));
        };
        match integer_operation(
            operator.kind,
            (left, left_unsigned),
            (right, right_unsigned),
        ) {
            Some(value) => Ok(value),
            None => Err(self.fail(operator.span, Cause::DivisionByZero)),
        }
    }
}

/// Applies a binary operator to 64-bit integers, each with its signedness. Operands of mixed
/// signedness are unsigned, as in C; a shift takes its signedness from the left. `None` is a
/// division by zero.
#[expect(
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "constants are reinterpreted, as in C"
)]
fn integer_operation(operator: Kind, left: (u64, bool), right: (u64, bool)) -> Option<Immediate> {
    let unsigned = left.1 || right.1;
    let (a, b) = (left.0, right.0);
    let (signed_a, signed_b) = (a as i64, b as i64);
    let shift = u32::try_from(b).unwrap_or(u32::MAX);
    let truth = |value: bool| Some(Immediate::Integer(u64::from(value), false));
    let bits = match operator {
        Kind::Plus => a.wrapping_add(b),
        Kind::Minus => a.wrapping_sub(b),
        Kind::Star => a.wrapping_mul(b),
        Kind::Slash | Kind::Percent if b == 0 => return None,
        Kind::Slash if unsigned => a / b,
        Kind::Slash => signed_a.wrapping_div(signed_b) as u64,
        Kind::Percent if unsigned => a % b,
        Kind::Percent => signed_a.wrapping_rem(signed_b) as u64,
        Kind::And => a & b,
        Kind::Or => a | b,
        Kind::Xor => a ^ b,
        Kind::ShiftLeft => {
            return Some(Immediate::Integer(
                a.checked_shl(shift).unwrap_or(0),
                left.1,
            ));
        }
        Kind::ShiftRight => {
            let value = if left.1 {
                a.checked_shr(shift).unwrap_or(0)
            } else {
                (signed_a >> shift.min(63)) as u64
            };
            return Some(Immediate::Integer(value, left.1));
        }
        Kind::Equal => return truth(a == b),
        Kind::NotEqual => return truth(a != b),
        Kind::AndAnd => return truth(a != 0 && b != 0),
        Kind::OrOr => return truth(a != 0 || b != 0),
        Kind::Less => return truth(if unsigned { a < b } else { signed_a < signed_b }),
        Kind::LessEqual => {
            return truth(if unsigned {
                a <= b
            } else {
                signed_a <= signed_b
            });
        }
        Kind::Greater => return truth(if unsigned { a > b } else { signed_a > signed_b }),
        Kind::GreaterEqual => {
            return truth(if unsigned {
                a >= b
            } else {
                signed_a >= signed_b
            });
        }
        _ => unreachable!("only binary operators have a strength"),
    };
    Some(Immediate::Integer(bits, unsigned))
}

/// Exactly `count` hexadecimal digits.
fn hexadecimal(digits: &[u8], count: usize) -> Option<u64> {
    if digits.len() != count {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, &digit| {
        Some(value << 4 | u64::from(char::from(digit).to_digit(16)?))
    })
}
