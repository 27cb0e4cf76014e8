//! The modifier words of an instruction, taken one by one.
//!
//! A lowering takes the words it understands; whatever is left over at the end makes the
//! instruction unsupported. So a new modifier can never be ignored by accident.

use super::types;
use crate::ir::Rounding;
use weft_ptx::ast::ScalarType;

/// The modifiers of one instruction and which of them have been taken.
#[derive(Clone, Debug)]
pub(super) struct Modifiers<'t, 'a> {
    words: &'t [&'a str],
    taken: u64,
}

impl<'t, 'a> Modifiers<'t, 'a> {
    pub(super) fn new(words: &'t [&'a str]) -> Self {
        Self { words, taken: 0 }
    }

    /// The words not taken yet, with their indices.
    fn remaining(&self) -> impl Iterator<Item = (usize, &'a str)> + use<'t, 'a> {
        let taken = self.taken;
        let words = self.words;
        words
            .iter()
            .enumerate()
            .filter(move |&(index, _)| index >= 64 || taken >> index & 1 == 0)
            .map(|(index, &word)| (index, word))
    }

    fn mark(&mut self, index: usize) {
        if index < 64 {
            self.taken |= 1 << index;
        }
    }

    /// Takes a word if it is there.
    pub(super) fn take(&mut self, word: &str) -> bool {
        let found = self.remaining().find(|&(_, found)| found == word);
        if let Some((index, _)) = found {
            self.mark(index);
        }
        found.is_some()
    }

    /// Takes the first remaining word for which the function gives a value.
    pub(super) fn take_map<T>(&mut self, map: impl Fn(&'a str) -> Option<T>) -> Option<T> {
        let (index, value) = self
            .remaining()
            .find_map(|(index, word)| Some((index, map(word)?)))?;
        self.mark(index);
        Some(value)
    }

    /// Takes all remaining words for which the function is true.
    pub(super) fn take_all(&mut self, matches: impl Fn(&str) -> bool) {
        for (index, word) in self.remaining() {
            if matches(word) {
                self.mark(index);
            }
        }
    }

    /// Takes the first remaining type word.
    pub(super) fn take_type(&mut self) -> Option<ScalarType> {
        self.take_map(types::parse)
    }

    /// Takes a rounding of floating-point arithmetic.
    pub(super) fn take_rounding(&mut self) -> Option<Rounding> {
        self.take_map(|word| match word {
            "rn" => Some(Rounding::Nearest),
            "rz" => Some(Rounding::Zero),
            "rm" => Some(Rounding::Down),
            "rp" => Some(Rounding::Up),
            _ => None,
        })
    }

    /// The last type word, taken or not: what most opcodes are named by.
    pub(super) fn last_type(&self) -> Option<ScalarType> {
        self.words.iter().rev().find_map(|word| types::parse(word))
    }

    /// Whether every word has been taken.
    pub(super) fn is_empty(&self) -> bool {
        self.remaining().next().is_none()
    }
}
