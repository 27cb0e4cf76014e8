//! PTX text to its tree: recursive descent, one file per chapter of the grammar.
//!
//! After an error the parser goes on behind the next `;`, or in front of the `}` that closes
//! the block, so that one wrong statement hides no other. It says nothing about meaning: names
//! are not resolved, types are not checked, and any word is an opcode.
//!
//! Resources are bounded whatever the text: nesting ([`DEPTH_MAX`]), registers of a function
//! ([`REGISTERS_MAX`]) and errors kept. Time and memory are linear in the length of the text.

mod constant;
mod declaration;
mod module;
mod operand;
mod statement;

use crate::{
    ast::{Module, Span},
    error::{Cause, Error},
    lexer::{ERRORS_MAX, Kind, Lexer, Token},
};

/// Nesting allowed of blocks, initialisers, vectors and expressions together.
pub const DEPTH_MAX: u32 = 128;

/// Registers one function may declare.
pub const REGISTERS_MAX: u64 = 1 << 20;

/// Where the head of a module ends at the latest, comments included.
const HEAD_SIZE_MAX: usize = 64 << 10;

/// Bytes of a token shown in a message.
const FOUND_LENGTH_MAX: usize = 40;

/// Parses a PTX module. Trailing NULs are not part of the text.
///
/// # Errors
/// Every error found, in the order of the text; [`parse_with_errors`] gives the tree as well.
pub fn parse(source: &[u8]) -> Result<Module<'_>, Vec<Error>> {
    let (module, errors) = parse_with_errors(source);
    if errors.is_empty() {
        Ok(module)
    } else {
        Err(errors)
    }
}

/// Parses what can be parsed: the tree of the sound statements, and the errors of the others
/// in the order of the text. After a hundred errors it stops and says so.
#[must_use]
pub fn parse_with_errors(source: &[u8]) -> (Module<'_>, Vec<Error>) {
    if u32::try_from(source.len()).is_err() {
        let error = Error::new(Span::default(), Cause::SourceTooLarge(source.len()));
        return (Module::default(), vec![error]);
    }
    let mut parser = Parser::new(source);
    let module = parser.module();
    let mut errors = parser.errors;
    // What is never closed is known at the end only.
    errors.sort_by_key(|error| error.span.start);
    (module, errors)
}

/// True if a text begins with a PTX directive, blanks and comments aside.
pub(crate) fn begins_module(source: &[u8]) -> bool {
    let parser = Parser::new(&source[..source.len().min(HEAD_SIZE_MAX)]);
    parser.errors.is_empty() && parser.directive() == "version"
}

/// The words of the `.target` directive at the head of a text, without parsing the rest; none
/// if the head is wrong.
pub(crate) fn target(source: &[u8]) -> Vec<&str> {
    let mut parser = Parser::new(&source[..source.len().min(HEAD_SIZE_MAX)]);
    parser.head().unwrap_or_default()
}

/// The error is in [`Parser::errors`]; the caller gives up on its construct.
struct Failed;

/// Result of parsing a construct.
type Parsed<T> = Result<T, Failed>;

/// The text, the current token, and what went wrong so far.
struct Parser<'a> {
    source: &'a [u8],
    lexer: Lexer<'a>,
    /// The token that is looked at.
    token: Token,
    /// End of the token before it.
    previous_end: u32,
    errors: Vec<Error>,
    /// Levels of nesting around the current token.
    depth: u32,
    /// Braces opened by the current statement and not yet closed: recovery must not take their
    /// counterparts for the end of the block.
    open_braces: u32,
    /// Registers declared in the current function.
    registers: u64,
}

impl<'a> Parser<'a> {
    fn new(source: &'a [u8]) -> Self {
        let end = Token {
            kind: Kind::End,
            span: Span::default(),
        };
        let mut parser = Self {
            source,
            lexer: Lexer::new(source),
            token: end,
            previous_end: 0,
            errors: Vec::new(),
            depth: 0,
            open_braces: 0,
            registers: 0,
        };
        parser.bump();
        parser
    }

    /// Goes to the next token and returns the one left.
    fn bump(&mut self) -> Token {
        let left = self.token;
        self.previous_end = left.span.end;
        self.token = self.lexer.next();
        if self.lexer.has_errors() {
            for error in self.lexer.take_errors() {
                self.report(error);
            }
        }
        left
    }

    /// True if the current token is of this kind.
    fn at(&self, kind: Kind) -> bool {
        self.token.kind == kind
    }

    /// Takes the current token if it is of this kind.
    fn eat(&mut self, kind: Kind) -> bool {
        let found = self.at(kind);
        if found {
            self.bump();
        }
        found
    }

    /// Takes a token of this kind or fails, saying what was expected.
    fn expect(&mut self, kind: Kind, expected: &'static str) -> Parsed<Token> {
        if self.at(kind) {
            Ok(self.bump())
        } else {
            Err(self.expected(expected))
        }
    }

    /// Takes a name.
    fn name(&mut self, expected: &'static str) -> Parsed<&'a str> {
        let token = self.expect(Kind::Word, expected)?;
        Ok(self.text(token.span))
    }

    /// The current token's text if it is a `.word`, without the dot; empty otherwise.
    fn directive(&self) -> &'a str {
        if self.at(Kind::Dotted) {
            self.dotted(self.token)
        } else {
            ""
        }
    }

    /// The text of a `.word` without the dot.
    fn dotted(&self, token: Token) -> &'a str {
        let Span { start, end } = token.span;
        self.text(Span {
            start: start + 1,
            end,
        })
    }

    /// The text of a word, which is ASCII by the lexer's rules; empty for other text that is
    /// not UTF-8.
    fn text(&self, span: Span) -> &'a str {
        std::str::from_utf8(self.bytes(span)).unwrap_or_default()
    }

    fn bytes(&self, span: Span) -> &'a [u8] {
        &self.source[span.start as usize..span.end as usize]
    }

    /// From `start` to the end of the token before the current one.
    const fn span_from(&self, start: u32) -> Span {
        Span {
            start,
            end: self.previous_end,
        }
    }

    /// The text between the quotation marks.
    fn string(&mut self, expected: &'static str) -> Parsed<&'a str> {
        let token = self.expect(Kind::Text, expected)?;
        let quoted = self.bytes(token.span);
        let Some(inner) = quoted
            .get(1..quoted.len().max(2) - 1)
            .filter(|_| quoted.ends_with(b"\""))
        else {
            return Err(Failed); // unclosed: the lexer has reported it
        };
        match std::str::from_utf8(inner) {
            Ok(text) => Ok(text),
            Err(_) => Err(self.fail(token.span, Cause::NotUtf8)),
        }
    }

    /// Records an error and stops the parse when there are too many.
    fn report(&mut self, error: Error) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(error);
            if self.errors.len() == ERRORS_MAX {
                let cause = Cause::TooManyErrors(ERRORS_MAX);
                self.errors.push(Error::new(self.token.span, cause));
                self.lexer.stop();
                self.token.kind = Kind::End;
            }
        }
    }

    /// Records an error at `span`.
    #[must_use]
    fn fail(&mut self, span: Span, cause: Cause) -> Failed {
        self.report(Error::new(span, cause));
        Failed
    }

    /// Records that something else belongs in place of the current token.
    #[must_use]
    fn expected(&mut self, expected: &'static str) -> Failed {
        let found = self.found();
        self.fail(self.token.span, Cause::Expected { expected, found })
    }

    /// True after too many errors.
    const fn is_stopped(&self) -> bool {
        self.errors.len() > ERRORS_MAX
    }

    /// The current token for a message.
    fn found(&self) -> String {
        if self.at(Kind::End) {
            return "end of text".to_owned();
        }
        let text = String::from_utf8_lossy(self.bytes(self.token.span));
        match text.char_indices().nth(FOUND_LENGTH_MAX) {
            Some((cut, _)) => format!("`{}...`", &text[..cut]),
            None => format!("`{text}`"),
        }
    }

    /// Runs `parse` one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == DEPTH_MAX {
            return Err(self.fail(self.token.span, Cause::TooDeep(DEPTH_MAX)));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// After an error in a statement: goes behind its `;`, or in front of the `}` that closes
    /// the block around it.
    fn recover(&mut self) {
        let mut open = std::mem::take(&mut self.open_braces);
        loop {
            match self.token.kind {
                Kind::End => return,
                Kind::Semicolon => {
                    self.bump();
                    return;
                }
                Kind::OpenBrace => open += 1,
                Kind::CloseBrace if open == 0 => return,
                Kind::CloseBrace => open -= 1,
                _ => {}
            }
            self.bump();
        }
    }

    /// Skips a `{ ... }` whose contents are not parsed; the current token is the `{`.
    fn skip_block(&mut self) {
        let opening = self.token.span;
        let mut open = 0_u32;
        loop {
            match self.token.kind {
                Kind::OpenBrace => open += 1,
                Kind::CloseBrace => open -= 1,
                Kind::End => {
                    self.report(Error::new(opening, Cause::Unclosed('{')));
                    return;
                }
                _ => {}
            }
            self.bump();
            if open == 0 {
                return;
            }
        }
    }

    /// Parses `item`s separated by commas.
    fn comma_separated<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        // Most lists are the operands of an instruction, of which few have more than four.
        let mut items = Vec::with_capacity(4);
        items.push(item(self)?);
        while self.eat(Kind::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }
}
