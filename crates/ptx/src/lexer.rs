//! PTX text to tokens (PTX ISA section 4.3 and 4.4).
//!
//! Tokens are kinds and byte ranges, made one at a time: nothing is allocated, and numbers are
//! read by the parser, which knows what they are for. Errors are collected beside the tokens
//! and lexing goes on behind them.
#![expect(
    clippy::cast_possible_truncation,
    reason = "the parser admits sources below 4 GiB only"
)]

use crate::{
    ast::Span,
    error::{Cause, Error},
};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or an opcode: `add`, `%r1`, `$L__BB0_2`, `_`.
    Word,
    /// `.word`, with any `::word` that follows: `.u32`, `.shared::cta`, `.2d`.
    Dotted,
    /// Anything that begins with a digit: `0x1F`, `0f3F800000`, `9.5`, `42U`.
    Number,
    /// `"text"`, quotation marks included.
    Text,
    /// `{`
    OpenBrace,
    /// `}`
    CloseBrace,
    /// `(`
    OpenParen,
    /// `)`
    CloseParen,
    /// `[`
    OpenBracket,
    /// `]`
    CloseBracket,
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// `:`
    Colon,
    /// `?`
    Question,
    /// `@`
    At,
    /// `=`
    Assign,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Star,
    /// `/`
    Slash,
    /// `%` that begins no name
    Percent,
    /// `&`
    And,
    /// `&&`
    AndAnd,
    /// `|`
    Or,
    /// `||`
    OrOr,
    /// `^`
    Xor,
    /// `~`
    Tilde,
    /// `!`
    Bang,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `<<`
    ShiftLeft,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `>>`
    ShiftRight,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// The end of the text; returned again and again.
    End,
}

/// A token and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

/// Errors kept of one text. Past that the text is something else than PTX.
pub(crate) const ERRORS_MAX: usize = 100;

/// Makes tokens from left to right.
#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    source: &'a [u8],
    at: usize,
    errors: Vec<Error>,
}

/// May continue a name: letters, digits, `_` and `$`.
const FOLLOW: u8 = 1;
/// Is blank.
const BLANK: u8 = 2;

/// Class of each byte.
const CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut byte = 0;
    while byte < 128_u8 {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' {
            class[byte as usize] = FOLLOW;
        } else if byte == b' ' || (byte >= b'\t' && byte <= b'\r') {
            class[byte as usize] = BLANK;
        }
        byte += 1;
    }
    class
};

const fn is_follow(byte: u8) -> bool {
    CLASS[byte as usize] == FOLLOW
}

impl<'a> Lexer<'a> {
    pub(crate) const fn new(source: &'a [u8]) -> Self {
        Self {
            source,
            at: 0,
            errors: Vec::new(),
        }
    }

    /// Errors since the last call, in order.
    pub(crate) fn take_errors(&mut self) -> Vec<Error> {
        std::mem::take(&mut self.errors)
    }

    /// True if [`Self::take_errors`] has something to give.
    pub(crate) const fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Goes to the end: all further tokens are [`Kind::End`].
    pub(crate) const fn stop(&mut self) {
        self.at = self.source.len();
    }

    /// The next token.
    pub(crate) fn next(&mut self) -> Token {
        loop {
            self.skip_blanks();
            let start = self.at;
            let Some(&byte) = self.source.get(start) else {
                return self.token(Kind::End, start);
            };
            let kind = match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(start + 1),
                b'%' | b'$' if self.byte(1).is_some_and(is_follow) => self.word(start + 1),
                b'.' if self.byte(1).is_some_and(is_follow) => self.dotted(),
                b'0'..=b'9' => self.number(),
                b'"' => self.text(),
                // A driver is handed NUL-terminated text; some callers count the NUL in.
                0 => {
                    let rest = &self.source[start..];
                    let run = rest.iter().position(|&b| b != 0).unwrap_or(rest.len());
                    self.at += run;
                    if run < rest.len() {
                        self.error(start, start + run, Cause::UnexpectedByte(0));
                    }
                    continue;
                }
                _ => {
                    if let Some((kind, length)) = punctuation(byte, self.byte(1)) {
                        self.at += length;
                        kind
                    } else {
                        self.at += 1;
                        self.unexpected(start);
                        continue;
                    }
                }
            };
            return self.token(kind, start);
        }
    }

    /// The byte `ahead` of the current one.
    fn byte(&self, ahead: usize) -> Option<u8> {
        self.source.get(self.at + ahead).copied()
    }

    const fn token(&self, kind: Kind, start: usize) -> Token {
        Token {
            kind,
            span: Span {
                start: start as u32,
                end: self.at as u32,
            },
        }
    }

    fn error(&mut self, start: usize, end: usize, cause: Cause) {
        if self.errors.len() == ERRORS_MAX {
            self.stop();
            return;
        }
        self.errors.push(Error::new(
            Span {
                start: start as u32,
                end: end as u32,
            },
            cause,
        ));
    }

    /// Reports a byte that starts no token; further bytes of the same run of non-ASCII are
    /// part of it.
    fn unexpected(&mut self, start: usize) {
        let byte = self.source[start];
        if !byte.is_ascii() {
            while self.byte(0).is_some_and(|b| !b.is_ascii()) {
                self.at += 1;
            }
        }
        let cause = if std::str::from_utf8(&self.source[start..self.at]).is_ok() {
            Cause::UnexpectedByte(byte)
        } else {
            Cause::NotUtf8
        };
        self.error(start, self.at, cause);
    }

    /// Skips blanks, comments and preprocessor line markers.
    fn skip_blanks(&mut self) {
        loop {
            match self.byte(0) {
                Some(b) if CLASS[b as usize] == BLANK => self.at += 1,
                Some(b'/') if self.byte(1) == Some(b'/') => self.skip_line(),
                Some(b'/') if self.byte(1) == Some(b'*') => self.skip_comment(),
                // `# 12 "file.h"`, as the C preprocessor leaves it.
                Some(b'#') if self.byte(1) == Some(b' ') && self.is_first_on_line() => {
                    self.skip_line()
                }
                // `@@DWARF ...`: debug data of PTX 1.x, one line each.
                Some(b'@') if self.byte(1) == Some(b'@') => self.skip_line(),
                _ => return,
            }
        }
    }

    /// True if only blanks precede on the line.
    fn is_first_on_line(&self) -> bool {
        let before = &self.source[..self.at];
        before
            .iter()
            .rev()
            .find(|&&b| b != b' ' && b != b'\t')
            .is_none_or(|&b| b == b'\n')
    }

    fn skip_line(&mut self) {
        let rest = &self.source[self.at..];
        self.at += rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
    }

    fn skip_comment(&mut self) {
        let start = self.at;
        let body = &self.source[start + 2..];
        if let Some(length) = body.windows(2).position(|pair| pair == b"*/") {
            self.at = start + 2 + length + 2;
        } else {
            self.stop();
            self.error(start, start + 2, Cause::UnclosedComment);
        }
    }

    fn skip_follow(&mut self) {
        while self.byte(0).is_some_and(is_follow) {
            self.at += 1;
        }
    }

    fn word(&mut self, from: usize) -> Kind {
        self.at = from;
        self.skip_follow();
        Kind::Word
    }

    fn dotted(&mut self) -> Kind {
        self.at += 1;
        self.skip_follow();
        while self.byte(0) == Some(b':')
            && self.byte(1) == Some(b':')
            && self.byte(2).is_some_and(is_follow)
        {
            self.at += 2;
            self.skip_follow();
        }
        Kind::Dotted
    }

    /// Takes everything that looks like one number, well-formed or not.
    fn number(&mut self) -> Kind {
        let prefixed = self.byte(0) == Some(b'0')
            && self.byte(1).is_some_and(|b| {
                matches!(b, b'x' | b'X' | b'b' | b'B' | b'f' | b'F' | b'd' | b'D')
            });
        if !prefixed {
            self.skip_digits();
            if self.byte(0) == Some(b'.') {
                self.at += 1;
                self.skip_digits();
            }
            if matches!(self.byte(0), Some(b'e' | b'E')) {
                let sign = usize::from(matches!(self.byte(1), Some(b'+' | b'-')));
                if self.byte(1 + sign).is_some_and(|b| b.is_ascii_digit()) {
                    self.at += 1 + sign;
                }
            }
        }
        self.skip_follow();
        Kind::Number
    }

    fn skip_digits(&mut self) {
        while self.byte(0).is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn text(&mut self) -> Kind {
        let start = self.at;
        self.at += 1;
        loop {
            match self.byte(0) {
                Some(b'"') => {
                    self.at += 1;
                    return Kind::Text;
                }
                Some(b'\\') if self.byte(1).is_some_and(|b| b != b'\n') => self.at += 2,
                Some(b'\n') | None => {
                    self.error(start, self.at, Cause::UnclosedString);
                    return Kind::Text;
                }
                Some(_) => self.at += 1,
            }
        }
    }
}

/// The punctuation that starts with `byte`, and its length.
const fn punctuation(byte: u8, next: Option<u8>) -> Option<(Kind, usize)> {
    let one = match byte {
        b'{' => Kind::OpenBrace,
        b'}' => Kind::CloseBrace,
        b'(' => Kind::OpenParen,
        b')' => Kind::CloseParen,
        b'[' => Kind::OpenBracket,
        b']' => Kind::CloseBracket,
        b',' => Kind::Comma,
        b';' => Kind::Semicolon,
        b':' => Kind::Colon,
        b'?' => Kind::Question,
        b'@' => Kind::At,
        b'+' => Kind::Plus,
        b'-' => Kind::Minus,
        b'*' => Kind::Star,
        b'/' => Kind::Slash,
        b'%' => Kind::Percent,
        b'^' => Kind::Xor,
        b'~' => Kind::Tilde,
        b'=' => Kind::Assign,
        b'&' => Kind::And,
        b'|' => Kind::Or,
        b'!' => Kind::Bang,
        b'<' => Kind::Less,
        b'>' => Kind::Greater,
        _ => return None,
    };
    let two = match (byte, next) {
        (b'=', Some(b'=')) => Kind::Equal,
        (b'!', Some(b'=')) => Kind::NotEqual,
        (b'&', Some(b'&')) => Kind::AndAnd,
        (b'|', Some(b'|')) => Kind::OrOr,
        (b'<', Some(b'=')) => Kind::LessEqual,
        (b'<', Some(b'<')) => Kind::ShiftLeft,
        (b'>', Some(b'=')) => Kind::GreaterEqual,
        (b'>', Some(b'>')) => Kind::ShiftRight,
        _ => return Some((one, 1)),
    };
    Some((two, 2))
}
