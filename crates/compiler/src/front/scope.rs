//! Names in a function: nested scopes of registers, labels and variables.
//!
//! A body is flattened once: every `{ }` becomes a scope, every statement that does something
//! becomes an [`Item`] with the scope it is in. Declarations enter their scope before any
//! instruction is translated, so labels may be used before they appear.

use super::ssa::Variable;
use crate::ir::{Block, SymbolId};
use std::collections::HashMap;
use weft_ptx::ast::{self, ScalarType};

/// Index of a scope of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScopeId(u32);

/// What a name of a function's scope stands for.
#[derive(Clone, Debug)]
pub(super) enum Entity<'t, 'a> {
    /// Scalar or vector register; one variable per element.
    Register(Register),
    /// Label in code.
    Label(Block),
    /// Bytes of the frame: a `.local` variable, a parameter or return value of a device
    /// function, or a `.param` variable for a call that cannot be built in place.
    Frame(u32),
    /// Bytes of the frame of the function called next.
    Outgoing(u32),
    /// Bytes of the kernel parameter block.
    KernelParam(u32),
    /// `.shared` variable of function scope: offset in shared memory.
    Shared(u32),
    /// `.global` or `.const` variable of function scope.
    Symbol(SymbolId),
    /// `.branchtargets`
    BranchTargets(&'t [&'a str]),
    /// `.calltargets`
    CallTargets(&'t [&'a str]),
    /// `.callprototype`: returns and parameters.
    Prototype(&'t [ast::Variable<'a>], &'t [ast::Variable<'a>]),
}

/// A register of PTX.
#[derive(Clone, Copy, Debug)]
pub(super) struct Register {
    /// Element type.
    pub(super) ty: ScalarType,
    /// Number of elements; 1 for a scalar.
    pub(super) elements: u8,
    /// SSA variable of element 0; the others follow.
    pub(super) first: Variable,
}

impl Register {
    /// The SSA variables of its elements, in order.
    pub(super) fn variables(self) -> impl Iterator<Item = Variable> {
        let Variable(first) = self.first;
        (0..u32::from(self.elements)).map(move |element| Variable(first + element))
    }
}

/// A `.reg .b32 %r<10>` declaration: names made of a stem and a number.
#[derive(Clone, Copy, Debug)]
struct Family {
    count: u32,
    /// Register 0; register `n` has its first variable at `n * elements` beyond.
    zero: Register,
}

#[derive(Debug, Default)]
struct Scope<'t, 'a> {
    parent: Option<ScopeId>,
    names: HashMap<&'a str, Entity<'t, 'a>>,
    families: HashMap<&'a str, Family>,
}

/// All scopes of a function.
#[derive(Debug, Default)]
pub(super) struct Scopes<'t, 'a> {
    scopes: Vec<Scope<'t, 'a>>,
}

impl<'t, 'a> Scopes<'t, 'a> {
    /// Opens a scope inside another.
    pub(super) fn open(&mut self, parent: Option<ScopeId>) -> ScopeId {
        self.scopes.push(Scope {
            parent,
            ..Scope::default()
        });
        ScopeId(u32::try_from(self.scopes.len() - 1).unwrap_or(u32::MAX))
    }

    /// Declares a name; false if the scope has it already.
    pub(super) fn declare(
        &mut self,
        scope: ScopeId,
        name: &'a str,
        entity: Entity<'t, 'a>,
    ) -> bool {
        self.scopes[scope.0 as usize]
            .names
            .insert(name, entity)
            .is_none()
    }

    /// Declares `stem0 .. stem(count-1)`; false if the scope has the stem already.
    pub(super) fn declare_family(
        &mut self,
        scope: ScopeId,
        stem: &'a str,
        count: u32,
        zero: Register,
    ) -> bool {
        let families = &mut self.scopes[scope.0 as usize].families;
        families.insert(stem, Family { count, zero }).is_none()
    }

    /// Finds a name from a scope outwards.
    pub(super) fn find(&self, scope: ScopeId, name: &str) -> Option<Entity<'t, 'a>> {
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = &name[stem.len()..];
        let mut at = Some(scope);
        while let Some(id) = at {
            let scope = &self.scopes[id.0 as usize];
            if let Some(entity) = scope.names.get(name) {
                return Some(entity.clone());
            }
            if let Some(register) = scope.find_in_family(stem, digits) {
                return Some(Entity::Register(register));
            }
            at = scope.parent;
        }
        None
    }
}

impl Scope<'_, '_> {
    fn find_in_family(&self, stem: &str, digits: &str) -> Option<Register> {
        if self.families.is_empty() || digits.is_empty() {
            return None;
        }
        // The stem may itself end in digits (`.reg .b32 r1_2<4>`): try every split.
        for split in 0..digits.len() {
            let number = &digits[split..];
            if number.len() > 1 && number.starts_with('0') {
                continue;
            }
            let wanted: Option<&Family> = if split == 0 {
                self.families.get(stem)
            } else {
                let longer = stem.len() + split;
                self.families
                    .iter()
                    .find(|(name, _)| {
                        name.len() == longer
                            && name.starts_with(stem)
                            && name[stem.len()..] == digits[..split]
                    })
                    .map(|(_, family)| family)
            };
            if let (Some(family), Ok(index)) = (wanted, number.parse::<u32>())
                && index < family.count
            {
                let Variable(first) = family.zero.first;
                let elements = u32::from(family.zero.elements);
                return Some(Register {
                    first: Variable(first + index * elements),
                    ..family.zero
                });
            }
        }
        None
    }
}

/// A statement that does something, with the scope it is in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item<'t, 'a> {
    /// An instruction.
    Instruction(&'t ast::Instruction<'a>, ScopeId),
    /// A label.
    Label(Block),
    /// `.loc`: file and line.
    Location(u32, u32),
}
