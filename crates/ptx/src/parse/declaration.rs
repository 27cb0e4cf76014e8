//! Variables, registers, parameters and their initial values (PTX ISA section 5.4).

use super::{Parsed, Parser, REGISTERS_MAX};
use crate::{
    ast::{Immediate, Initializer, Linkage, ScalarType, StateSpace, Variable},
    error::Cause,
    lexer::Kind,
};

/// Dimensions of an array.
const DIMENSIONS_MAX: usize = 16;

/// What a declaration says before its names.
struct Specifiers<'a> {
    linkage: Linkage,
    space: StateSpace,
    align: Option<u32>,
    vector: u8,
    ty: ScalarType,
    pointer: Option<(Option<StateSpace>, Option<u32>)>,
    attributes: Vec<&'a str>,
}

/// The state space a directive names.
pub(super) fn state_space(word: &str) -> Option<StateSpace> {
    Some(match word {
        "reg" => StateSpace::Reg,
        "const" => StateSpace::Const,
        "global" => StateSpace::Global,
        "local" => StateSpace::Local,
        "param" => StateSpace::Param,
        "shared" => StateSpace::Shared,
        "tex" => StateSpace::Tex,
        _ => return None,
    })
}

/// The linkage a directive names.
pub(super) fn linkage(word: &str) -> Option<Linkage> {
    Some(match word {
        "visible" => Linkage::Visible,
        "extern" => Linkage::Extern,
        "weak" => Linkage::Weak,
        "common" => Linkage::Common,
        _ => return None,
    })
}

fn scalar_type(word: &str) -> Option<ScalarType> {
    Some(match word {
        "b8" => ScalarType::B8,
        "b16" => ScalarType::B16,
        "b32" => ScalarType::B32,
        "b64" => ScalarType::B64,
        "b128" => ScalarType::B128,
        "u8" => ScalarType::U8,
        "u16" => ScalarType::U16,
        "u32" => ScalarType::U32,
        "u64" => ScalarType::U64,
        "s8" => ScalarType::S8,
        "s16" => ScalarType::S16,
        "s32" => ScalarType::S32,
        "s64" => ScalarType::S64,
        "f16" => ScalarType::F16,
        "f16x2" => ScalarType::F16x2,
        "bf16" => ScalarType::Bf16,
        "bf16x2" => ScalarType::Bf16x2,
        "f32" => ScalarType::F32,
        "f64" => ScalarType::F64,
        "pred" => ScalarType::Pred,
        "texref" => ScalarType::TexRef,
        "samplerref" => ScalarType::SamplerRef,
        "surfref" => ScalarType::SurfRef,
        _ => return None,
    })
}

impl<'a> Parser<'a> {
    /// `.space ... name {, name};` The current token names the state space.
    pub(super) fn variables(
        &mut self,
        linkage: Linkage,
        mut declare: impl FnMut(Variable<'a>),
    ) -> Parsed<()> {
        let specifiers = self.specifiers(linkage)?;
        loop {
            declare(self.declarator(&specifiers)?);
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        self.expect(Kind::Semicolon, "`,` or `;`")?;
        Ok(())
    }

    /// `(param, param)`; the current token is the `(`. Errors in it are recovered from at the
    /// `)`, so that the body behind it is still parsed.
    pub(super) fn parameters(&mut self) -> Vec<Variable<'a>> {
        let opening = self.bump();
        let mut params = Vec::new();
        if self.eat(Kind::CloseParen) {
            return params;
        }
        let result = self.parameter_list(&mut params);
        if result.is_err() {
            let mut open = 0_u32;
            loop {
                match self.token.kind {
                    Kind::OpenParen => open += 1,
                    Kind::CloseParen if open == 0 => {
                        self.bump();
                        break;
                    }
                    Kind::CloseParen => open -= 1,
                    Kind::OpenBrace | Kind::CloseBrace | Kind::Semicolon => break,
                    Kind::End => {
                        let _ = self.fail(opening.span, Cause::Unclosed('('));
                        break;
                    }
                    _ => {}
                }
                self.bump();
            }
        }
        params
    }

    fn parameter_list(&mut self, params: &mut Vec<Variable<'a>>) -> Parsed<()> {
        loop {
            if state_space(self.directive()).is_none() {
                return Err(self.expected("`.param` or `.reg`"));
            }
            let specifiers = self.specifiers(Linkage::Internal)?;
            params.push(self.declarator(&specifiers)?);
            if !self.eat(Kind::Comma) {
                self.expect(Kind::CloseParen, "`,` or `)`")?;
                return Ok(());
            }
        }
    }

    /// Everything in front of the names. The current token names the state space.
    fn specifiers(&mut self, linkage: Linkage) -> Parsed<Specifiers<'a>> {
        let Some(space) = state_space(self.directive()) else {
            return Err(self.expected("a state space such as `.global`"));
        };
        self.bump();
        let mut align = None;
        let mut vector = 1;
        let mut ty = None;
        let mut pointer = None;
        let mut attributes = Vec::new();
        while self.at(Kind::Dotted) {
            let word = self.directive();
            match word {
                "align" => {
                    self.bump();
                    align = Some(self.alignment()?);
                }
                "v2" | "v4" | "v8" => {
                    vector = word.as_bytes()[1] - b'0';
                    self.bump();
                }
                "ptr" => {
                    self.bump();
                    pointer = Some(self.pointer()?);
                }
                "attribute" => self.attributes(&mut attributes)?,
                _ => match scalar_type(word) {
                    Some(scalar) if ty.is_none() => {
                        ty = Some(scalar);
                        self.bump();
                    }
                    Some(_) => return Err(self.expected("a name")),
                    None => return Err(self.expected("a type or `.align`")),
                },
            }
        }
        let Some(ty) = ty else {
            return Err(self.expected("a type such as `.u32`"));
        };
        Ok(Specifiers {
            linkage,
            space,
            align,
            vector,
            ty,
            pointer,
            attributes,
        })
    }

    /// The number of `.align`: a power of two.
    fn alignment(&mut self) -> Parsed<u32> {
        let span = self.token.span;
        let align = self.plain_u32("an alignment")?;
        if align.is_power_of_two() {
            Ok(align)
        } else {
            Err(self.fail(span, Cause::BadAlignment(align)))
        }
    }

    /// What follows `.ptr`: a state space and `.align n`, both optional.
    fn pointer(&mut self) -> Parsed<(Option<StateSpace>, Option<u32>)> {
        let space = state_space(self.directive());
        if space.is_some() {
            self.bump();
        }
        if self.directive() != "align" {
            return Ok((space, None));
        }
        self.bump();
        Ok((space, Some(self.alignment()?)))
    }

    /// `.attribute(.word, .word(1, 2))`; the current token is the `.attribute`.
    pub(super) fn attributes(&mut self, attributes: &mut Vec<&'a str>) -> Parsed<()> {
        self.bump();
        self.expect(Kind::OpenParen, "`(`")?;
        let words = self.comma_separated(|parser| {
            let word = parser.expect(Kind::Dotted, "an attribute such as `.managed`")?;
            if parser.eat(Kind::OpenParen) {
                parser.comma_separated(|parser| {
                    parser.plain_integer("an attribute's number", u64::MAX)
                })?;
                parser.expect(Kind::CloseParen, "`)`")?;
            }
            Ok(parser.text(parser.span_from(word.span.start + 1)))
        })?;
        self.expect(Kind::CloseParen, "`,` or `)`")?;
        attributes.extend(words);
        Ok(())
    }

    /// A name with its count, dimensions and initial value.
    fn declarator(&mut self, specifiers: &Specifiers<'a>) -> Parsed<Variable<'a>> {
        let start = self.token.span.start;
        let name = self.name("a name")?;
        let count = if self.eat(Kind::Less) {
            let count = self.plain_u32("a register count")?;
            self.expect(Kind::Greater, "`>`")?;
            Some(count)
        } else {
            None
        };
        let dims = self.dimensions()?;
        let init = if self.eat(Kind::Assign) {
            Some(self.initializer()?)
        } else {
            None
        };
        let span = self.span_from(start);
        if specifiers.space == StateSpace::Reg {
            self.registers = self.registers.saturating_add(count.map_or(1, u64::from));
            if self.registers > REGISTERS_MAX {
                let cause = Cause::TooManyRegisters {
                    count: self.registers,
                    max: REGISTERS_MAX,
                };
                // What follows is judged without this declaration.
                self.registers -= count.map_or(1, u64::from);
                return Err(self.fail(span, cause));
            }
        } else if count.is_some() {
            return Err(self.fail(span, Cause::CountOutsideRegisters));
        }
        let elements = dims
            .iter()
            .flatten()
            .try_fold(1_u64, |product, &n| product.checked_mul(n));
        let element_bytes = u64::from(specifiers.vector) * u64::from(specifiers.ty.bytes());
        let bytes = elements.and_then(|n| n.checked_mul(element_bytes));
        if bytes.is_none_or(|bytes| i64::try_from(bytes).is_err()) {
            return Err(self.fail(span, Cause::ArrayTooLarge));
        }
        Ok(Variable {
            span,
            linkage: specifiers.linkage,
            space: specifiers.space,
            align: specifiers.align,
            vector: specifiers.vector,
            ty: specifiers.ty,
            name,
            count,
            dims,
            init,
            pointer: specifiers.pointer,
            attributes: specifiers.attributes.clone(),
        })
    }

    /// `[2][]...`
    fn dimensions(&mut self) -> Parsed<Vec<Option<u64>>> {
        let mut dims = Vec::new();
        while self.at(Kind::OpenBracket) {
            if dims.len() == DIMENSIONS_MAX {
                return Err(self.fail(self.token.span, Cause::ArrayTooLarge));
            }
            self.bump();
            let size = if self.at(Kind::CloseBracket) {
                None
            } else {
                Some(self.plain_integer("an array size", i64::MAX.unsigned_abs())?)
            };
            self.expect(Kind::CloseBracket, "`]`")?;
            dims.push(size);
        }
        Ok(dims)
    }

    /// What follows the `=`.
    fn initializer(&mut self) -> Parsed<Initializer<'a>> {
        if self.at(Kind::OpenBrace) {
            return self.nested(Self::initializer_list);
        }
        if self.at(Kind::Number) {
            let token = self.bump();
            let value = self.number(token)?;
            return match value {
                Immediate::Integer(mask, _) if self.at(Kind::OpenParen) => {
                    self.bump();
                    let (name, offset, generic) = self.symbol()?;
                    self.expect(Kind::CloseParen, "`)`")?;
                    Ok(Initializer::Mask {
                        mask,
                        name,
                        offset,
                        generic,
                    })
                }
                first => Ok(Initializer::Immediate(self.constant_from(first)?)),
            };
        }
        if self.at_constant() {
            return Ok(Initializer::Immediate(self.constant()?));
        }
        if !self.at(Kind::Word) {
            return Err(self.expected("an initial value"));
        }
        let (name, offset, generic) = self.symbol()?;
        if !self.eat(Kind::Assign) {
            return Ok(Initializer::Symbol {
                name,
                offset,
                generic,
            });
        }
        let value = match self.token.kind {
            Kind::Word | Kind::Number => self.bump(),
            _ => return Err(self.expected("a property's value")),
        };
        Ok(Initializer::Property(name, self.text(value.span)))
    }

    fn initializer_list(&mut self) -> Parsed<Initializer<'a>> {
        self.bump();
        self.open_braces += 1;
        let values = if self.at(Kind::CloseBrace) {
            Vec::new()
        } else {
            self.comma_separated(Self::initializer)?
        };
        self.expect(Kind::CloseBrace, "`,` or `}`")?;
        self.open_braces -= 1;
        Ok(Initializer::List(values))
    }

    /// `name`, `name+4`, `generic(name)`, `generic(name)+4`: name, offset, whether generic.
    fn symbol(&mut self) -> Parsed<(&'a str, i64, bool)> {
        let word = self.name("a name")?;
        let generic = word == "generic" && self.at(Kind::OpenParen);
        let name = if generic {
            self.bump();
            let name = self.name("a name")?;
            self.expect(Kind::CloseParen, "`)`")?;
            name
        } else {
            word
        };
        Ok((name, self.offset()?, generic))
    }
}
