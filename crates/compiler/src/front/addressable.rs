//! Functions whose addresses a module takes: the table that all its kernels share.

use super::body;
use std::collections::HashMap;
use weft_ptx::ast::{
    Address, Directive, Function, Initializer, Instruction, Module, Operand, Statement, Variable,
};

/// Device functions whose address is taken in an initial value or by an instruction, in order of
/// definition. Entry *k* of the table of function addresses (`weft_isa::abi`) is the function *k*
/// of this list. Kernels are not in it.
#[derive(Clone, Debug, Default)]
pub struct AddressableFunctions<'a> {
    names: Vec<&'a str>,
    aliases: HashMap<&'a str, &'a str>,
}

impl<'a> AddressableFunctions<'a> {
    /// Those of a module.
    #[must_use]
    pub fn of(module: &Module<'a>) -> Self {
        let mut functions: HashMap<&str, Taken> = HashMap::new();
        let mut aliases = HashMap::new();
        for directive in &module.directives {
            match directive {
                Directive::Function(function) if !function.is_entry && function.body.is_some() => {
                    functions.entry(function.name).or_default();
                }
                Directive::Alias { name, aliasee, .. } => {
                    aliases.insert(*name, *aliasee);
                }
                Directive::Function(_) | Directive::Variable(_) | Directive::Pragma { .. } => {}
            }
        }
        if !functions.is_empty() {
            let mut take = |name: &str| {
                let name = aliases.get(name).copied().unwrap_or(name);
                if let Some(taken) = functions.get_mut(name) {
                    taken.0 = true;
                }
            };
            for directive in &module.directives {
                match directive {
                    Directive::Variable(variable) => in_variable(variable, &mut take),
                    Directive::Function(function) => in_function(function, &mut take),
                    Directive::Alias { .. } | Directive::Pragma { .. } => {}
                }
            }
        }
        let names = module
            .directives
            .iter()
            .filter_map(|directive| match directive {
                Directive::Function(function) if function.body.is_some() => {
                    let taken = functions.get(function.name)?;
                    taken.0.then_some(function.name)
                }
                _ => None,
            })
            .collect();
        Self { names, aliases }
    }

    /// The functions in order.
    #[must_use]
    pub fn names(&self) -> &[&'a str] {
        &self.names
    }

    /// Entry of a function, which may be named by an alias.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<usize> {
        let name = self.aliases.get(name).copied().unwrap_or(name);
        self.names.iter().position(|&each| each == name)
    }
}

/// Whether a function's address is taken.
#[derive(Clone, Copy, Debug, Default)]
struct Taken(bool);

fn in_variable(variable: &Variable<'_>, take: &mut impl FnMut(&str)) {
    if let Some(init) = &variable.init {
        in_initializer(init, take);
    }
}

fn in_initializer(init: &Initializer<'_>, take: &mut impl FnMut(&str)) {
    match init {
        Initializer::List(elements) => {
            for element in elements {
                in_initializer(element, take);
            }
        }
        Initializer::Symbol { name, .. } | Initializer::Mask { name, .. } => take(name),
        Initializer::Immediate(_) | Initializer::Property(..) => {}
    }
}

fn in_function(function: &Function<'_>, take: &mut impl FnMut(&str)) {
    in_statements(function.body.as_deref().unwrap_or_default(), take);
}

fn in_statements(statements: &[Statement<'_>], take: &mut impl FnMut(&str)) {
    for statement in statements {
        match statement {
            Statement::Variable(variable) => in_variable(variable, take),
            Statement::Block(inner) => in_statements(inner, take),
            Statement::Instruction(instruction) => {
                for operand in values(instruction) {
                    in_operand(operand, take);
                }
            }
            Statement::Label { .. }
            | Statement::BranchTargets { .. }
            | Statement::CallTargets { .. }
            | Statement::CallPrototype { .. }
            | Statement::Location { .. }
            | Statement::Pragma { .. } => {}
        }
    }
}

/// The operands of an instruction that are values: not the target of a branch or a call.
pub(super) fn values<'t, 'a>(instruction: &'t Instruction<'a>) -> Vec<&'t Operand<'a>> {
    match instruction.opcode {
        "bra" => Vec::new(),
        "call" => match body::call_operands(&instruction.operands) {
            Some(call) => call.results.iter().chain(call.arguments).collect(),
            None => Vec::new(),
        },
        _ => instruction.operands.iter().collect(),
    }
}

fn in_operand(operand: &Operand<'_>, take: &mut impl FnMut(&str)) {
    match operand {
        Operand::Name(name)
        | Operand::NameOffset(name, _)
        | Operand::Address(Address {
            base: Some(name), ..
        }) => take(name),
        Operand::Vector(operands) | Operand::List(operands) => {
            for operand in operands {
                in_operand(operand, take);
            }
        }
        Operand::Pair(first, second) => {
            in_operand(first, take);
            in_operand(second, take);
        }
        Operand::Not(inner) | Operand::Negated(inner) => in_operand(inner, take),
        Operand::Address(Address { base: None, .. })
        | Operand::Member(..)
        | Operand::Immediate(_)
        | Operand::Selector(..)
        | Operand::Element(..)
        | Operand::TextureAddress { .. }
        | Operand::Discard => {}
    }
}
