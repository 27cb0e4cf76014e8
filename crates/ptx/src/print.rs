//! A tree back to PTX text.
//!
//! Printing and parsing again gives an equal tree, spans apart. Comments, debug sections and
//! the spelling of numbers are not in the tree, so they are not in the text either.

use std::fmt::{self, Display, Formatter, Write};

use crate::ast::{
    Address, Directive, Function, Immediate, Initializer, Instruction, Linkage, Module, Operand,
    ScalarType, StateSpace, Statement, Variable,
};

impl Display for Module<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, ".version {}.{}", self.version.0, self.version.1)?;
        writeln!(f, ".target {}", self.target.join(", "))?;
        writeln!(f, ".address_size {}", self.address_size)?;
        for (index, name) in &self.files {
            writeln!(f, ".file {index} \"{name}\"")?;
        }
        for directive in &self.directives {
            writeln!(f)?;
            match directive {
                Directive::Variable(variable) => writeln!(f, "{variable};")?,
                Directive::Function(function) => writeln!(f, "{function}")?,
                Directive::Alias { name, aliasee, .. } => writeln!(f, ".alias {name}, {aliasee};")?,
                Directive::Pragma { text, .. } => writeln!(f, ".pragma \"{text}\";")?,
            }
        }
        Ok(())
    }
}

impl Linkage {
    /// The directive with its dot; empty for [`Linkage::Internal`].
    #[must_use]
    pub const fn directive(self) -> &'static str {
        match self {
            Self::Internal => "",
            Self::Visible => ".visible",
            Self::Extern => ".extern",
            Self::Weak => ".weak",
            Self::Common => ".common",
        }
    }
}

impl StateSpace {
    /// The directive without its dot, such as `global`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reg => "reg",
            Self::Const => "const",
            Self::Global => "global",
            Self::Local => "local",
            Self::Param => "param",
            Self::Shared => "shared",
            Self::Tex => "tex",
        }
    }
}

impl ScalarType {
    /// The type's word without its dot, such as `u32`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::B8 => "b8",
            Self::B16 => "b16",
            Self::B32 => "b32",
            Self::B64 => "b64",
            Self::B128 => "b128",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::S8 => "s8",
            Self::S16 => "s16",
            Self::S32 => "s32",
            Self::S64 => "s64",
            Self::F16 => "f16",
            Self::F16x2 => "f16x2",
            Self::Bf16 => "bf16",
            Self::Bf16x2 => "bf16x2",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Pred => "pred",
            Self::TexRef => "texref",
            Self::SamplerRef => "samplerref",
            Self::SurfRef => "surfref",
        }
    }
}

/// The declaration without the semicolon or comma behind it.
impl Display for Variable<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.linkage != Linkage::Internal {
            write!(f, "{} ", self.linkage.directive())?;
        }
        write!(f, ".{}", self.space.name())?;
        attributes(f, &self.attributes)?;
        if let Some(align) = self.align {
            write!(f, " .align {align}")?;
        }
        if self.vector > 1 {
            write!(f, " .v{}", self.vector)?;
        }
        write!(f, " .{}", self.ty.name())?;
        if let Some((space, align)) = self.pointer {
            f.write_str(" .ptr")?;
            if let Some(space) = space {
                write!(f, " .{}", space.name())?;
            }
            if let Some(align) = align {
                write!(f, " .align {align}")?;
            }
        }
        write!(f, " {}", self.name)?;
        if let Some(count) = self.count {
            write!(f, "<{count}>")?;
        }
        for size in &self.dims {
            match size {
                Some(size) => write!(f, "[{size}]")?,
                None => f.write_str("[]")?,
            }
        }
        match &self.init {
            Some(init) => write!(f, " = {init}"),
            None => Ok(()),
        }
    }
}

impl Display for Initializer<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Immediate(value) => write!(f, "{value}"),
            Self::List(values) => {
                f.write_char('{')?;
                separated(f, values)?;
                f.write_char('}')
            }
            Self::Symbol {
                name,
                offset,
                generic,
            } => symbol(f, name, *offset, *generic),
            Self::Mask {
                mask,
                name,
                offset,
                generic,
            } => {
                write!(f, "0x{mask:X}(")?;
                symbol(f, name, *offset, *generic)?;
                f.write_char(')')
            }
            Self::Property(name, value) => write!(f, "{name} = {value}"),
        }
    }
}

impl Display for Function<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.linkage != Linkage::Internal {
            write!(f, "{} ", self.linkage.directive())?;
        }
        f.write_str(if self.is_entry { ".entry" } else { ".func" })?;
        attributes(f, &self.attributes)?;
        if !self.returns.is_empty() {
            f.write_char(' ')?;
            parameters(f, &self.returns)?;
        }
        write!(f, " {}", self.name)?;
        parameters(f, &self.params)?;
        tuning(f, &self.tuning)?;
        for text in &self.pragmas {
            write!(f, "\n.pragma \"{text}\";")?;
        }
        match &self.body {
            Some(statements) => {
                f.write_str("\n{\n")?;
                body(f, statements, 1)?;
                f.write_char('}')
            }
            None => f.write_char(';'),
        }
    }
}

/// The instruction with its semicolon.
impl Display for Instruction<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(guard) = self.guard {
            write!(
                f,
                "@{}{} ",
                if guard.negated { "!" } else { "" },
                guard.predicate
            )?;
        }
        f.write_str(self.opcode)?;
        for word in &self.modifiers {
            write!(f, ".{word}")?;
        }
        if !self.operands.is_empty() {
            f.write_char(' ')?;
            separated(f, &self.operands)?;
        }
        f.write_char(';')
    }
}

/// Letters of the elements of a vector register.
const ELEMENTS: [char; 4] = ['x', 'y', 'z', 'w'];

impl Display for Operand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Member(name, index) => {
                write!(
                    f,
                    "{name}.{}",
                    ELEMENTS.get(usize::from(*index)).unwrap_or(&'?')
                )
            }
            Self::NameOffset(name, offset) => write!(f, "{name}+{offset}"),
            Self::Immediate(value) => write!(f, "{value}"),
            Self::Address(address) => write!(f, "[{address}]"),
            Self::Vector(elements) => {
                f.write_char('{')?;
                separated(f, elements)?;
                f.write_char('}')
            }
            Self::Pair(first, second) => write!(f, "{first}|{second}"),
            Self::Not(operand) => write!(f, "!{operand}"),
            Self::Negated(operand) => write!(f, "-{operand}"),
            Self::List(operands) => {
                f.write_char('(')?;
                separated(f, operands)?;
                f.write_char(')')
            }
            Self::Selector(name, selector) => write!(f, "{name}.{selector}"),
            Self::Element(name, index) => write!(f, "{name}[{index}]"),
            Self::TextureAddress {
                base,
                sampler,
                coordinates,
            } => {
                write!(f, "[{base}, ")?;
                if let Some(sampler) = sampler {
                    write!(f, "{sampler}, ")?;
                }
                write!(f, "{coordinates}]")
            }
            Self::Discard => f.write_char('_'),
        }
    }
}

/// The address without its brackets.
impl Display for Address<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.base {
            Some(base) => symbol(f, base, self.offset, false),
            None => write!(f, "{}", self.offset),
        }
    }
}

impl Display for Immediate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            // Without the cast, the largest literal reads as unsigned.
            Self::Integer(value, false) if value == 1 << 63 => {
                f.write_str("(.s64)0x8000000000000000")
            }
            Self::Integer(value, false) => write!(f, "{}", value.cast_signed()),
            Self::Integer(value, true) => write!(f, "{value}U"),
            Self::F32(bits) => write!(f, "0f{bits:08X}"),
            Self::F64(bits) => write!(f, "0d{bits:016X}"),
        }
    }
}

/// Statements, one per line, at a depth of blocks.
fn body(f: &mut Formatter<'_>, statements: &[Statement<'_>], depth: usize) -> fmt::Result {
    for statement in statements {
        // Labels stand out to the left.
        let depth = depth - usize::from(matches!(statement, Statement::Label { .. }));
        write!(f, "{:1$}", "", 4 * depth)?;
        match statement {
            Statement::Variable(variable) => writeln!(f, "{variable};")?,
            Statement::Label { name, .. } => writeln!(f, "{name}:")?,
            Statement::Instruction(instruction) => writeln!(f, "{instruction}")?,
            Statement::Block(block) => {
                f.write_str("{\n")?;
                body(f, block, depth + 1)?;
                writeln!(f, "{:1$}}}", "", 4 * depth)?;
            }
            Statement::BranchTargets { name, targets, .. } => {
                writeln!(f, "{name}: .branchtargets {};", targets.join(", "))?;
            }
            Statement::CallTargets { name, targets, .. } => {
                writeln!(f, "{name}: .calltargets {};", targets.join(", "))?;
            }
            Statement::CallPrototype {
                name,
                returns,
                params,
                tuning: directives,
                ..
            } => {
                write!(f, "{name}: .callprototype ")?;
                if !returns.is_empty() {
                    parameters(f, returns)?;
                    f.write_char(' ')?;
                }
                f.write_str("_ ")?;
                parameters(f, params)?;
                tuning(f, directives)?;
                writeln!(f, ";")?;
            }
            Statement::Location {
                file,
                line,
                column,
                inlined_at,
            } => {
                write!(f, ".loc {file} {line} {column}")?;
                if let Some((file, line, column)) = inlined_at {
                    write!(f, ", inlined_at {file} {line} {column}")?;
                }
                writeln!(f)?;
            }
            Statement::Pragma { text, .. } => writeln!(f, ".pragma \"{text}\";")?,
        }
    }
    Ok(())
}

fn separated<T: Display>(f: &mut Formatter<'_>, items: &[T]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

fn parameters(f: &mut Formatter<'_>, params: &[Variable<'_>]) -> fmt::Result {
    f.write_char('(')?;
    separated(f, params)?;
    f.write_char(')')
}

fn tuning(f: &mut Formatter<'_>, directives: &[(&str, Vec<u64>)]) -> fmt::Result {
    for (name, numbers) in directives {
        write!(f, "\n.{name} ")?;
        separated(f, numbers)?;
    }
    Ok(())
}

fn attributes(f: &mut Formatter<'_>, words: &[&str]) -> fmt::Result {
    if words.is_empty() {
        return Ok(());
    }
    write!(f, " .attribute(.{})", words.join(", ."))
}

fn symbol(f: &mut Formatter<'_>, name: &str, offset: i64, generic: bool) -> fmt::Result {
    if generic {
        write!(f, "generic({name})")?;
    } else {
        f.write_str(name)?;
    }
    if offset == 0 {
        Ok(())
    } else {
        write!(f, "+{offset}")
    }
}
