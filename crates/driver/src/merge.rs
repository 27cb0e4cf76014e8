//! Several PTX texts into one, as a linker does: declarations of one text are satisfied by the
//! definitions of another.
//!
//! Visible names are shared, so two definitions of one are an error, of weak ones the first is
//! taken unless a strong one exists, and declarations that a definition satisfies are dropped.
//! Names without a linking directive belong to their text: whoever merges gives them different
//! ones first. A declaration that nothing satisfies stays, because only the kernels that use it
//! need it.

use crate::error::Error;
use std::collections::BTreeMap;
use weft_ptx::ast::{Directive, Function, Linkage, Module, StateSpace, Statement, Variable};

/// A parsed input of a link.
#[derive(Debug)]
pub(crate) struct Input<'a> {
    /// Name for messages.
    pub(crate) name: &'a str,
    /// Its tree.
    pub(crate) tree: Module<'a>,
}

/// What a directive is to the linker, in order of strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    /// Says that something exists.
    Declaration,
    /// Defines it unless something else does.
    Weak,
    /// Defines it.
    Strong,
}

/// A directive in the inputs: input and position.
type Place = (usize, usize);

/// Merges the inputs, in order, into one tree.
///
/// # Errors
///
/// [`Error::InvalidPtx`] for names defined twice or declared differently from their definition;
/// [`Error::NotSupported`] for inputs of different address sizes.
pub(crate) fn merge<'a>(mut inputs: Vec<Input<'a>>) -> Result<Module<'a>, Error> {
    let chosen = choose(&inputs)?;
    let mut merged = Module {
        version: inputs
            .iter()
            .map(|i| i.tree.version)
            .max()
            .unwrap_or_default(),
        target: newest_target(&inputs),
        address_size: inputs.first().map_or(64, |input| input.tree.address_size),
        ..Module::default()
    };
    if let Some(other) = inputs
        .iter()
        .find(|input| input.tree.address_size != merged.address_size)
    {
        return Err(Error::NotSupported(format!(
            "linking `{}`, which has another address size",
            other.name
        )));
    }
    let alignments = dynamic_shared_alignments(&inputs);
    for (number, input) in inputs.iter_mut().enumerate() {
        renumber_files(&mut input.tree, &mut merged.files);
        let directives = std::mem::take(&mut input.tree.directives);
        for (position, mut directive) in directives.into_iter().enumerate() {
            if let Some((name, Some(_))) = shared_name(&directive)
                && chosen.get(name) != Some(&(number, position))
                && !is_forward(&directive, chosen.get(name), number)
            {
                continue;
            }
            if let Directive::Variable(variable) = &mut directive
                && let Some(&align) = alignments.get(variable.name)
            {
                variable.align = Some(align);
            }
            merged.directives.push(directive);
        }
    }
    Ok(merged)
}

/// The directive that stands for each shared name.
fn choose<'a>(inputs: &[Input<'a>]) -> Result<BTreeMap<&'a str, Place>, Error> {
    let mut chosen: BTreeMap<&'a str, (Strength, Place)> = BTreeMap::new();
    for (number, input) in inputs.iter().enumerate() {
        for (position, directive) in input.tree.directives.iter().enumerate() {
            let Some((name, strength)) = shared_name(directive) else {
                continue;
            };
            let Some(strength) = strength else {
                continue;
            };
            let place = (number, position);
            match chosen.get(name) {
                Some(&(Strength::Strong, other)) if strength == Strength::Strong => {
                    return Err(Error::InvalidPtx(format!(
                        "`{name}` is defined in `{}` and in `{}`\n",
                        inputs[other.0].name, input.name
                    )));
                }
                Some(&(stronger, _)) if stronger >= strength => {}
                _ => {
                    chosen.insert(name, (strength, place));
                }
            }
        }
    }
    let chosen: BTreeMap<&str, Place> = chosen
        .into_iter()
        .map(|(name, (_, place))| (name, place))
        .collect();
    check_declarations(inputs, &chosen)?;
    Ok(chosen)
}

/// The names of a text's module scope, and whether each is shared with other texts.
pub(crate) fn names<'a>(tree: &Module<'a>) -> BTreeMap<&'a str, bool> {
    let mut names = BTreeMap::new();
    for (name, strength) in tree.directives.iter().filter_map(shared_name) {
        *names.entry(name).or_insert(false) |= strength.is_some();
    }
    names
}

/// Checks that declarations agree with what satisfies them.
fn check_declarations(inputs: &[Input<'_>], chosen: &BTreeMap<&str, Place>) -> Result<(), Error> {
    for input in inputs {
        for directive in &input.tree.directives {
            let Some((name, Some(_))) = shared_name(directive) else {
                continue;
            };
            let Some(&(number, position)) = chosen.get(name) else {
                continue;
            };
            if !agree(directive, &inputs[number].tree.directives[position]) {
                return Err(Error::InvalidPtx(format!(
                    "`{name}` is declared differently in `{}` and in `{}`\n",
                    input.name, inputs[number].name
                )));
            }
        }
    }
    Ok(())
}

fn agree(one: &Directive<'_>, other: &Directive<'_>) -> bool {
    let shapes = |list: &[Variable<'_>]| -> Vec<_> {
        list.iter()
            .map(|v| (v.ty.bytes(), v.vector, v.dims.clone()))
            .collect()
    };
    match (one, other) {
        (Directive::Function(one), Directive::Function(other)) => {
            one.is_entry == other.is_entry
                && shapes(&one.params) == shapes(&other.params)
                && shapes(&one.returns) == shapes(&other.returns)
        }
        (Directive::Variable(one), Directive::Variable(other)) => {
            // An extern array may leave its size open.
            let sized = |v: &Variable<'_>| !v.dims.contains(&None);
            one.space == other.space
                && one.ty.bytes() == other.ty.bytes()
                && one.vector == other.vector
                && (!sized(one) || !sized(other) || one.dims == other.dims)
        }
        (Directive::Function(_), Directive::Alias { .. })
        | (Directive::Alias { .. }, Directive::Function(_) | Directive::Alias { .. }) => true,
        _ => false,
    }
}

/// Name of a directive, and its strength if the name is shared between inputs.
fn shared_name<'a>(directive: &Directive<'a>) -> Option<(&'a str, Option<Strength>)> {
    let (name, linkage, defines) = match directive {
        Directive::Function(Function {
            name,
            linkage,
            body,
            is_entry,
            ..
        }) => {
            // Kernels are visible to the host whatever they say.
            let linkage = if *is_entry && *linkage == Linkage::Internal {
                Linkage::Visible
            } else {
                *linkage
            };
            (*name, linkage, body.is_some())
        }
        Directive::Variable(variable) => (variable.name, variable.linkage, true),
        Directive::Alias { name, .. } => (*name, Linkage::Visible, true),
        Directive::Pragma { .. } => return None,
    };
    let strength = match linkage {
        Linkage::Internal => None,
        Linkage::Extern => Some(Strength::Declaration),
        _ if !defines => Some(Strength::Declaration),
        Linkage::Weak | Linkage::Common => Some(Strength::Weak),
        Linkage::Visible => Some(Strength::Strong),
    };
    Some((name, strength))
}

/// Whether it is a declaration without `.extern` in front of the definition in its own text,
/// which PTX requires where a function is used before it is defined.
fn is_forward(directive: &Directive<'_>, chosen: Option<&Place>, number: usize) -> bool {
    let Directive::Function(function) = directive else {
        return false;
    };
    function.body.is_none()
        && function.linkage != Linkage::Extern
        && chosen.is_some_and(|place| place.0 == number)
}

/// The target of the newest architecture.
fn newest_target<'a>(inputs: &[Input<'a>]) -> Vec<&'a str> {
    let architecture = |input: &&Input<'a>| -> u32 {
        let digits = |word: &&str| {
            let word = word.strip_prefix("sm_")?;
            word.trim_end_matches(|c: char| c.is_ascii_alphabetic())
                .parse()
                .ok()
        };
        input.tree.target.iter().find_map(digits).unwrap_or(0)
    };
    inputs
        .iter()
        .max_by_key(architecture)
        .map(|input| input.tree.target.clone())
        .unwrap_or_default()
}

/// The strictest alignment of each dynamic shared array that several inputs declare.
fn dynamic_shared_alignments<'a>(inputs: &[Input<'a>]) -> BTreeMap<&'a str, u32> {
    let mut alignments = BTreeMap::new();
    for directive in inputs.iter().flat_map(|input| &input.tree.directives) {
        if let Directive::Variable(variable) = directive
            && variable.space == StateSpace::Shared
            && variable.linkage == Linkage::Extern
            && let Some(align) = variable.align
        {
            let strictest: &mut u32 = alignments.entry(variable.name).or_default();
            *strictest = align.max(*strictest);
        }
    }
    alignments
}

/// Gives the source files of a tree numbers that `files` does not have yet.
fn renumber_files<'a>(tree: &mut Module<'a>, files: &mut Vec<(u32, &'a str)>) {
    let offset = files.iter().map(|file| file.0).max().unwrap_or(0);
    if offset == 0 {
        files.append(&mut tree.files);
        return;
    }
    files.extend(
        tree.files
            .drain(..)
            .map(|(index, name)| (index.saturating_add(offset), name)),
    );
    for directive in &mut tree.directives {
        if let Directive::Function(function) = directive {
            renumber_locations(function.body.as_deref_mut().unwrap_or_default(), offset);
        }
    }
}

fn renumber_locations(statements: &mut [Statement<'_>], offset: u32) {
    for statement in statements {
        match statement {
            Statement::Location {
                file, inlined_at, ..
            } => {
                *file = file.saturating_add(offset);
                if let Some((file, _, _)) = inlined_at {
                    *file = file.saturating_add(offset);
                }
            }
            Statement::Block(inner) => renumber_locations(inner, offset),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(texts: &[&str]) -> Result<String, Error> {
        let texts: Vec<String> = texts
            .iter()
            .map(|text| format!(".version 8.0\n.target sm_80\n.address_size 64\n{text}"))
            .collect();
        let names: Vec<String> = (0..texts.len()).map(|n| format!("input{n}")).collect();
        let inputs = names
            .iter()
            .zip(&texts)
            .map(|(name, text)| Input {
                name,
                tree: weft_ptx::parse(text.as_bytes()).unwrap(),
            })
            .collect();
        merge(inputs).map(|module| module.to_string())
    }

    const USE: &str = "
        .extern .func (.param .b32 r) twice (.param .b32 x);
        .extern .global .b32 scale;
        .visible .entry kernel(.param .u64 p) { .reg .b32 %r<2>; .loc 1 7 1\n ret; }";

    #[test]
    fn declarations_are_satisfied_in_either_order() {
        let definitions = "
            .visible .global .b32 scale = 3;
            .visible .func (.param .b32 r) twice (.param .b32 x) { ret; }";
        for texts in [[USE, definitions], [definitions, USE]] {
            let text = link(&texts).unwrap();
            assert!(!text.contains(".extern"), "{text}");
            assert_eq!(text.matches("twice").count(), 1, "{text}");
            assert_eq!(text.matches("scale").count(), 1, "{text}");
            let again = weft_ptx::parse(text.as_bytes()).unwrap();
            assert_eq!(weft_compiler::kernels(&again), ["kernel"]);
        }
    }

    #[test]
    fn what_nothing_defines_stays_declared_once() {
        let text = link(&[USE, ".extern .global .b32 scale;"]).unwrap();
        assert_eq!(text.matches("scale").count(), 1, "{text}");
        assert!(text.contains(".extern .global"), "{text}");
    }

    #[test]
    fn two_definitions_are_an_error_and_strong_beats_weak() {
        let strong = ".visible .global .b32 scale = 3;";
        let weak = ".weak .global .b32 scale = 4;";
        let error = link(&[strong, strong]).unwrap_err();
        assert!(
            matches!(&error, Error::InvalidPtx(log) if log.contains("input0")),
            "{error}"
        );
        for texts in [[weak, strong], [strong, weak]] {
            let text = link(&texts).unwrap();
            assert!(text.contains("= 3") && !text.contains("= 4"), "{text}");
        }
        let text = link(&[weak, ".weak .global .b32 scale = 5;"]).unwrap();
        assert!(text.contains("= 4") && !text.contains("= 5"), "{text}");
    }

    #[test]
    fn declarations_must_agree_with_definitions() {
        for definition in [
            ".visible .func (.param .b32 r) twice (.param .b64 x) { ret; }",
            ".visible .func twice (.param .b32 x) { ret; }",
            ".visible .global .b32 twice;",
            ".visible .global .b64 scale;",
        ] {
            assert!(
                matches!(link(&[USE, definition]), Err(Error::InvalidPtx(_))),
                "{definition}"
            );
        }
    }

    #[test]
    fn source_files_keep_apart() {
        let one = ".file 1 \"one.cu\"\n.visible .entry a() { .loc 1 5 1\n ret; }";
        let two = ".file 1 \"two.cu\"\n.visible .entry b() { { .loc 1 6 1\n } ret; }";
        let text = link(&[one, two]).unwrap();
        let merged = weft_ptx::parse(text.as_bytes()).unwrap();
        assert_eq!(merged.files, [(1, "one.cu"), (2, "two.cu")]);
        assert!(
            text.contains(".loc 1 5 1") && text.contains(".loc 2 6 1"),
            "{text}"
        );
    }
}
