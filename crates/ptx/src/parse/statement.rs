//! Bodies of functions: instructions, labels, scopes and the directives among them (PTX ISA
//! sections 4.2 and 11.3).

use super::{Parsed, Parser};
use crate::{
    ast::{Guard, Instruction, Linkage, Statement},
    error::Cause,
    lexer::Kind,
};

impl<'a> Parser<'a> {
    /// Statements up to the `}` that closes them, which is taken; the current token is the `{`.
    pub(super) fn body(&mut self) -> Parsed<Vec<Statement<'a>>> {
        let opening = self.bump();
        let mut statements = Vec::new();
        loop {
            match self.token.kind {
                Kind::CloseBrace => {
                    self.bump();
                    return Ok(statements);
                }
                Kind::End => {
                    // Where the parse was stopped, the text has no end to speak of.
                    if !self.is_stopped() {
                        let _ = self.fail(opening.span, Cause::Unclosed('{'));
                    }
                    return Ok(statements);
                }
                Kind::OpenBrace => {
                    if let Ok(block) = self.nested(Self::body) {
                        statements.push(Statement::Block(block));
                    } else {
                        self.skip_block();
                    }
                }
                _ => {
                    self.open_braces = 0;
                    if self.statement(&mut statements).is_err() {
                        self.recover();
                    }
                }
            }
        }
    }

    /// A statement that is not a block.
    fn statement(&mut self, statements: &mut Vec<Statement<'a>>) -> Parsed<()> {
        match self.token.kind {
            Kind::Word | Kind::At => self.instruction_or_label(statements),
            Kind::Dotted => self.directive_statement(statements),
            _ => Err(self.expected("a statement")),
        }
    }

    fn instruction_or_label(&mut self, statements: &mut Vec<Statement<'a>>) -> Parsed<()> {
        let start = self.token.span.start;
        let guard = if self.eat(Kind::At) {
            let negated = self.eat(Kind::Bang);
            Some(Guard {
                predicate: self.name("a predicate")?,
                negated,
            })
        } else {
            None
        };
        let opcode = self.name("an instruction")?;
        if guard.is_none() && self.at(Kind::Colon) {
            let span = self.span_from(start);
            self.bump();
            let table = self.table(start, opcode)?;
            statements.push(table.unwrap_or(Statement::Label { span, name: opcode }));
            return Ok(());
        }
        let mut modifiers = Vec::new();
        while self.at(Kind::Dotted) {
            modifiers.push(self.directive());
            self.bump();
        }
        let operands = if self.at(Kind::Semicolon) {
            Vec::new()
        } else if opcode == "call" {
            self.comma_separated(Self::call_operand)?
        } else if self.at_operand() {
            self.comma_separated(Self::operand)?
        } else {
            return Err(self.expected("an operand or `;`"));
        };
        let span = self.span_from(start);
        self.expect(Kind::Semicolon, "`,` or `;`")?;
        statements.push(Statement::Instruction(Instruction {
            span,
            guard,
            opcode,
            modifiers,
            operands,
        }));
        Ok(())
    }

    /// What follows `name:` if it is a table that the name stands for.
    fn table(&mut self, start: u32, name: &'a str) -> Parsed<Option<Statement<'a>>> {
        let directive = self.directive();
        match directive {
            "branchtargets" | "calltargets" => {
                self.bump();
                let targets = self.comma_separated(|parser| parser.name("a name"))?;
                let span = self.span_from(start);
                self.expect(Kind::Semicolon, "`,` or `;`")?;
                Ok(Some(if directive == "calltargets" {
                    Statement::CallTargets {
                        span,
                        name,
                        targets,
                    }
                } else {
                    Statement::BranchTargets {
                        span,
                        name,
                        targets,
                    }
                }))
            }
            "callprototype" => {
                self.bump();
                let returns = if self.at(Kind::OpenParen) {
                    self.parameters()
                } else {
                    Vec::new()
                };
                self.name("`_`")?;
                let params = if self.at(Kind::OpenParen) {
                    self.parameters()
                } else {
                    Vec::new()
                };
                let mut tuning = Vec::new();
                while self.at(Kind::Dotted) {
                    tuning.push(self.tuning()?);
                }
                let span = self.span_from(start);
                self.expect(Kind::Semicolon, "`;`")?;
                Ok(Some(Statement::CallPrototype {
                    span,
                    name,
                    returns,
                    params,
                    tuning,
                }))
            }
            _ => Ok(None),
        }
    }

    fn directive_statement(&mut self, statements: &mut Vec<Statement<'a>>) -> Parsed<()> {
        let span = self.token.span;
        match self.directive() {
            "loc" => statements.push(self.location()?),
            "pragma" => {
                for text in self.pragma()? {
                    statements.push(Statement::Pragma {
                        span: self.span_from(span.start),
                        text,
                    });
                }
            }
            word if super::declaration::state_space(word).is_some() => {
                return self.variables(Linkage::Internal, |variable| {
                    statements.push(Statement::Variable(variable));
                });
            }
            word => match super::declaration::linkage(word) {
                Some(linkage) => {
                    self.bump();
                    return self.variables(linkage, |variable| {
                        statements.push(Statement::Variable(variable));
                    });
                }
                None => return Err(self.fail(span, Cause::UnknownDirective(format!(".{word}")))),
            },
        }
        Ok(())
    }

    /// `.pragma "text", "text";` The current token is the `.pragma`.
    pub(super) fn pragma(&mut self) -> Parsed<Vec<&'a str>> {
        self.bump();
        let texts = self.comma_separated(|parser| parser.string("a string"))?;
        self.expect(Kind::Semicolon, "`,` or `;`")?;
        Ok(texts)
    }

    /// `.loc 1 2 3{, function_name label{+n}, inlined_at 1 2 3}`, which no semicolon ends. The
    /// name of the inlined function is a place in a debug section, which the tree leaves out.
    pub(super) fn location(&mut self) -> Parsed<Statement<'a>> {
        self.bump();
        let (file, line, column) = self.place()?;
        let mut inlined_at = None;
        while self.eat(Kind::Comma) {
            match self.bytes(self.token.span) {
                b"function_name" => {
                    self.bump();
                    self.name("a label")?;
                    self.offset()?;
                }
                b"inlined_at" => {
                    self.bump();
                    inlined_at = Some(self.place()?);
                }
                _ => return Err(self.expected("`function_name` or `inlined_at`")),
            }
        }
        Ok(Statement::Location {
            file,
            line,
            column,
            inlined_at,
        })
    }

    /// File, line and column.
    fn place(&mut self) -> Parsed<(u32, u32, u32)> {
        Ok((
            self.plain_u32("a file index")?,
            self.plain_u32("a line")?,
            self.plain_u32("a column")?,
        ))
    }
}
