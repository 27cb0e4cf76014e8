//! Operands of instructions (PTX ISA chapter 6).

use super::{Parsed, Parser};
use crate::{
    ast::{Address, Immediate, Operand},
    error::Cause,
    lexer::Kind,
};

/// Special registers that are vectors, with the words of their elements (PTX ISA chapter 10).
const SPECIAL_VECTORS: [(&str, [&str; 4]); 8] = {
    macro_rules! elements {
        ($($name:literal),*) => {
            [$(($name, [
                concat!($name, ".x"),
                concat!($name, ".y"),
                concat!($name, ".z"),
                concat!($name, ".w"),
            ])),*]
        };
    }
    elements!(
        "%tid",
        "%ntid",
        "%ctaid",
        "%nctaid",
        "%clusterid",
        "%nclusterid",
        "%cluster_ctaid",
        "%cluster_nctaid"
    )
};

impl<'a> Parser<'a> {
    /// True if the current token can begin an operand.
    pub(super) fn at_operand(&self) -> bool {
        matches!(
            self.token.kind,
            Kind::Word | Kind::OpenBracket | Kind::OpenBrace
        ) || self.at_constant()
    }

    /// One operand of any instruction but a call.
    pub(super) fn operand(&mut self) -> Parsed<Operand<'a>> {
        match self.token.kind {
            Kind::Word if !self.at_warp_size() => self.named(),
            Kind::OpenBracket => self.address(),
            Kind::OpenBrace => self.nested(Self::vector),
            Kind::Bang => {
                let bang = self.bump();
                if self.at(Kind::Word) && !self.at_warp_size() {
                    return Ok(Operand::Not(Box::new(self.member()?)));
                }
                let value = self.unary()?;
                let value = self.apply_unary(bang, value)?;
                Ok(Operand::Immediate(self.constant_from(value)?))
            }
            Kind::Minus => {
                let minus = self.bump();
                if self.at(Kind::Word) && !self.at_warp_size() {
                    return Ok(Operand::Negated(Box::new(self.member()?)));
                }
                let value = self.unary()?;
                let value = self.apply_unary(minus, value)?;
                Ok(Operand::Immediate(self.constant_from(value)?))
            }
            _ if self.at_constant() => Ok(Operand::Immediate(self.constant()?)),
            _ => Err(self.expected("an operand")),
        }
    }

    /// One operand of a call: as elsewhere, or a list in parentheses.
    pub(super) fn call_operand(&mut self) -> Parsed<Operand<'a>> {
        if !self.eat(Kind::OpenParen) {
            return self.operand();
        }
        if self.eat(Kind::CloseParen) {
            return Ok(Operand::List(Vec::new()));
        }
        let operands = self.comma_separated(Self::operand)?;
        self.expect(Kind::CloseParen, "`,` or `)`")?;
        Ok(Operand::List(operands))
    }

    /// Bytes added to a name: the sum of what follows its `+` and `-`; 0 if there is none.
    pub(super) fn offset(&mut self) -> Parsed<i64> {
        let mut sum = 0_i64;
        while matches!(self.token.kind, Kind::Plus | Kind::Minus) {
            let sign = self.bump();
            let first = self.unary()?;
            let Immediate::Integer(bits, _) =
                self.binary_from(first, super::constant::MULTIPLICATIVE)?
            else {
                return Err(self.fail(sign.span, Cause::FloatInExpression));
            };
            let term = bits.cast_signed();
            sum = if sign.kind == Kind::Plus {
                sum.wrapping_add(term)
            } else {
                sum.wrapping_sub(term)
            };
        }
        Ok(sum)
    }

    /// An operand that begins with a name.
    fn named(&mut self) -> Parsed<Operand<'a>> {
        let operand = self.member()?;
        match (self.token.kind, &operand) {
            (Kind::Or, Operand::Name(_) | Operand::Discard) => {
                self.bump();
                let second = match self.token.kind {
                    Kind::Word => self.member()?,
                    _ => return Err(self.expected("a name")),
                };
                Ok(Operand::Pair(Box::new(operand), Box::new(second)))
            }
            (Kind::Plus | Kind::Minus, &Operand::Name(name)) => {
                Ok(Operand::NameOffset(name, self.offset()?))
            }
            (Kind::OpenBracket, &Operand::Name(name)) => {
                self.bump();
                let index = self.base_and_offset()?;
                self.expect(Kind::CloseBracket, "`]`")?;
                Ok(Operand::Element(name, index))
            }
            _ => Ok(operand),
        }
    }

    /// A name with the member selected of it, if any; or `_`.
    fn member(&mut self) -> Parsed<Operand<'a>> {
        let name = self.name("a name")?;
        if !self.at(Kind::Dotted) {
            return Ok(if name == "_" {
                Operand::Discard
            } else {
                Operand::Name(name)
            });
        }
        let selector = self.directive();
        let index = match selector {
            "x" | "r" => 0,
            "y" | "g" => 1,
            "z" | "b" => 2,
            "w" | "a" => 3,
            _ if is_video_selector(selector) => {
                self.bump();
                return Ok(Operand::Selector(name, selector));
            }
            _ => {
                let cause = Cause::UnknownMember(format!(".{selector}"));
                return Err(self.fail(self.token.span, cause));
            }
        };
        self.bump();
        let special = SPECIAL_VECTORS.iter().find(|(vector, _)| *vector == name);
        Ok(
            special.map_or(Operand::Member(name, index), |(_, elements)| {
                Operand::Name(elements[usize::from(index)])
            }),
        )
    }

    /// `[...]`; the current token is the `[`.
    fn address(&mut self) -> Parsed<Operand<'a>> {
        self.bump();
        let address = self.base_and_offset()?;
        if let (Some(base), 0) = (address.base, address.offset)
            && self.eat(Kind::Comma)
        {
            return self.nested(|parser| parser.texture_address(base));
        }
        self.expect(Kind::CloseBracket, "`]`")?;
        Ok(Operand::Address(address))
    }

    /// `name`, `name+4`, `4`.
    fn base_and_offset(&mut self) -> Parsed<Address<'a>> {
        if self.at(Kind::Word) && !self.at_warp_size() {
            let base = Some(self.name("a name")?);
            return Ok(Address {
                base,
                offset: self.offset()?,
            });
        }
        if !self.at_constant() {
            return Err(self.expected("an address"));
        }
        let start = self.token.span.start;
        match self.constant()? {
            Immediate::Integer(bits, _) => Ok(Address {
                base: None,
                offset: bits.cast_signed(),
            }),
            Immediate::F32(_) | Immediate::F64(_) => {
                Err(self.fail(self.span_from(start), Cause::FloatInExpression))
            }
        }
    }

    /// What follows `[name,`.
    fn texture_address(&mut self, base: &'a str) -> Parsed<Operand<'a>> {
        let mut sampler = None;
        let mut coordinates = self.operand()?;
        if let Operand::Name(name) = coordinates
            && self.eat(Kind::Comma)
        {
            sampler = Some(name);
            coordinates = self.operand()?;
        }
        self.expect(Kind::CloseBracket, "`]`")?;
        Ok(Operand::TextureAddress {
            base,
            sampler,
            coordinates: Box::new(coordinates),
        })
    }

    /// `{a, b}`; the current token is the `{`.
    fn vector(&mut self) -> Parsed<Operand<'a>> {
        self.bump();
        self.open_braces += 1;
        let elements = self.comma_separated(Self::operand)?;
        self.expect(Kind::CloseBrace, "`,` or `}`")?;
        self.open_braces -= 1;
        Ok(Operand::Vector(elements))
    }
}

/// `b0`, `b3210`, `h1`, `h32`: bytes or half-words of one register or of a pair.
fn is_video_selector(word: &str) -> bool {
    let (digits, length_max, digit_max) = match word.as_bytes() {
        [b'b', digits @ ..] => (digits, 4, b'7'),
        [b'h', digits @ ..] => (digits, 2, b'3'),
        _ => return false,
    };
    (1..=length_max).contains(&digits.len())
        && digits.iter().all(|d| (b'0'..=digit_max).contains(d))
}
