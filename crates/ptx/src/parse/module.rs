//! The module scope: version and target, functions, variables, debug data (PTX ISA chapter 11).

use super::{Parsed, Parser, declaration};
use crate::{
    ast::{Directive, Function, Linkage, Module},
    error::{Cause, Error},
    lexer::Kind,
};

/// Directives between a function's parameters and its body (PTX ISA sections 11.3 and 11.4).
const TUNING: [&str; 12] = [
    "abi_preserve",
    "abi_preserve_control",
    "blocksareclusters",
    "explicitcluster",
    "maxclusterrank",
    "maxnctapersm",
    "maxnreg",
    "maxntid",
    "minnctapersm",
    "noreturn",
    "reqnctapercluster",
    "reqntid",
];

/// True for words that begin a directive of the module scope and stand nowhere else; all of them
/// are taken by what parses them, or recovery would not get past them.
fn begins_directive(word: &str) -> bool {
    declaration::linkage(word).is_some()
        || matches!(
            word,
            "version" | "target" | "address_size" | "file" | "section" | "alias" | "entry" | "func"
        )
}

impl<'a> Parser<'a> {
    /// The whole text.
    pub(super) fn module(&mut self) -> Module<'a> {
        let mut module = Module {
            address_size: 64,
            ..Module::default()
        };
        let mut checked = 0;
        while !self.at(Kind::End) {
            self.check_head(&mut checked);
            self.open_braces = 0;
            self.registers = 0;
            if self.module_directive(&mut module).is_err() {
                self.recover_module();
            }
        }
        if !self.is_stopped() {
            self.check_head(&mut checked);
        }
        module
    }

    /// The `.version` and the words of the `.target` behind it.
    pub(super) fn head(&mut self) -> Parsed<Vec<&'a str>> {
        if self.directive() == "version" {
            self.bump();
            self.version()?;
        }
        if self.directive() == "target" {
            self.target()
        } else {
            Ok(Vec::new())
        }
    }

    /// `.target word {, word}`; the current token is the `.target`.
    fn target(&mut self) -> Parsed<Vec<&'a str>> {
        self.bump();
        self.comma_separated(|parser| parser.name("a target such as `sm_80`"))
    }

    /// Reports once that `.version` is not the first or `.target` not the second directive.
    fn check_head(&mut self, checked: &mut u8) {
        let missing = match *checked {
            0 if self.directive() != "version" => ".version",
            1 if self.directive() != "target" => ".target",
            _ => {
                *checked = checked.saturating_add(1);
                return;
            }
        };
        // Without its head the text is hardly PTX: one report is enough.
        *checked = 2;
        self.report(Error::new(
            self.token.span,
            Cause::MissingDirective(missing),
        ));
    }

    fn module_directive(&mut self, module: &mut Module<'a>) -> Parsed<()> {
        let start = self.token.span.start;
        match self.directive() {
            "version" => {
                self.bump();
                module.version = self.version()?;
            }
            "target" => module.target.extend(self.target()?),
            "address_size" => {
                self.bump();
                let token = self.token;
                module.address_size = match self.plain_integer("an address size", 64)? {
                    32 => 32,
                    64 => 64,
                    _ => return Err(self.fail(token.span, Cause::BadAddressSize)),
                };
            }
            "file" => {
                self.bump();
                let index = self.plain_u32("a file index")?;
                let name = self.string("a file name")?;
                // Time stamp and size.
                while self.eat(Kind::Comma) {
                    self.plain_integer("a time stamp or size", u64::MAX)?;
                }
                module.files.push((index, name));
            }
            // A line of code outside any function says nothing.
            "loc" => {
                self.location()?;
            }
            "section" => {
                self.bump();
                self.expect(Kind::Dotted, "a section name such as `.debug_info`")?;
                if !self.at(Kind::OpenBrace) {
                    return Err(self.expected("`{`"));
                }
                self.skip_block();
            }
            "pragma" => {
                for text in self.pragma()? {
                    module.directives.push(Directive::Pragma {
                        span: self.span_from(start),
                        text,
                    });
                }
            }
            "alias" => {
                self.bump();
                let name = self.name("a name")?;
                self.expect(Kind::Comma, "`,`")?;
                let aliasee = self.name("a name")?;
                let span = self.span_from(start);
                self.expect(Kind::Semicolon, "`;`")?;
                module.directives.push(Directive::Alias {
                    span,
                    name,
                    aliasee,
                });
            }
            word => {
                let linkage = declaration::linkage(word).unwrap_or_default();
                if linkage != Linkage::Internal {
                    self.bump();
                }
                return self.declaration(start, linkage, module);
            }
        }
        Ok(())
    }

    /// A function or variables, behind their linkage.
    fn declaration(&mut self, start: u32, linkage: Linkage, module: &mut Module<'a>) -> Parsed<()> {
        match self.directive() {
            word @ ("entry" | "func") => {
                let function = self.function(start, linkage, word == "entry")?;
                module.directives.push(Directive::Function(function));
                Ok(())
            }
            word if declaration::state_space(word).is_some() => self
                .variables(linkage, |variable| {
                    module.directives.push(Directive::Variable(variable))
                }),
            word if self.at(Kind::Dotted) => {
                Err(self.fail(self.token.span, Cause::UnknownDirective(format!(".{word}"))))
            }
            _ => Err(self.expected("a directive")),
        }
    }

    /// `9.5`
    fn version(&mut self) -> Parsed<(u8, u8)> {
        let token = self.expect(Kind::Number, "a version such as `8.0`")?;
        let parts = self.text(token.span).split_once('.');
        let version =
            parts.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        version.ok_or_else(|| self.fail(token.span, Cause::BadVersion))
    }

    /// `.entry` or `.func`, which is the current token.
    fn function(&mut self, start: u32, linkage: Linkage, is_entry: bool) -> Parsed<Function<'a>> {
        self.bump();
        let mut attributes = Vec::new();
        while self.directive() == "attribute" {
            self.attributes(&mut attributes)?;
        }
        let returns = if !is_entry && self.at(Kind::OpenParen) {
            self.parameters()
        } else {
            Vec::new()
        };
        let name = self.name("a function name")?;
        let params = if self.at(Kind::OpenParen) {
            self.parameters()
        } else {
            Vec::new()
        };
        let span = self.span_from(start);
        let mut tuning = Vec::new();
        let mut pragmas = Vec::new();
        while self.at(Kind::Dotted) {
            match self.directive() {
                "pragma" => pragmas.extend(self.pragma()?),
                "attribute" => self.attributes(&mut attributes)?,
                word if begins_directive(word) => break,
                _ => tuning.push(self.tuning()?),
            }
        }
        let body = match self.token.kind {
            Kind::OpenBrace => Some(self.nested(Self::body)?),
            Kind::Semicolon => {
                self.bump();
                None
            }
            _ => return Err(self.expected("`{` or `;`")),
        };
        Ok(Function {
            span,
            linkage,
            is_entry,
            name,
            returns,
            params,
            attributes,
            pragmas,
            tuning,
            body,
        })
    }

    /// `.name {n {, n}}`: a directive that tunes a function; the current token is its name.
    pub(super) fn tuning(&mut self) -> Parsed<(&'a str, Vec<u64>)> {
        let word = self.directive();
        if TUNING.binary_search(&word).is_err() {
            return Err(self.fail(self.token.span, Cause::UnknownDirective(format!(".{word}"))));
        }
        self.bump();
        let numbers = if self.at(Kind::Number) {
            self.comma_separated(|parser| parser.plain_integer("a number", u64::from(u32::MAX)))?
        } else {
            Vec::new()
        };
        Ok((word, numbers))
    }

    /// After an error at module scope: goes behind the next `;` or block, or in front of the
    /// next directive.
    fn recover_module(&mut self) {
        loop {
            match self.token.kind {
                Kind::End => return,
                Kind::Dotted if begins_directive(self.directive()) => return,
                Kind::OpenBrace => {
                    self.skip_block();
                    return;
                }
                Kind::Semicolon | Kind::CloseBrace => {
                    self.bump();
                    return;
                }
                _ => {}
            }
            self.bump();
        }
    }
}
