//! Restrictions on the next token, for structured output.

/// A set of tokens: those that may come next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSet {
    words: Vec<u32>,
    len: usize,
}

impl TokenSet {
    /// The set of no token of a vocabulary of `len`.
    #[must_use]
    pub fn none(len: usize) -> Self {
        Self {
            words: vec![0; len.div_ceil(32)],
            len,
        }
    }

    /// Size of the vocabulary.
    #[must_use]
    pub const fn vocabulary(&self) -> usize {
        self.len
    }

    /// Adds a token; one outside the vocabulary is ignored.
    pub fn insert(&mut self, token: u32) {
        let index = token as usize;
        if index < self.len {
            self.words[index / 32] |= 1 << (index % 32);
        }
    }

    /// Whether the token is in the set.
    #[must_use]
    pub fn contains(&self, token: u32) -> bool {
        let index = token as usize;
        index < self.len && self.words[index / 32] >> (index % 32) & 1 == 1
    }

    /// Whether no token is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// The set as bits, token `i` is bit `i % 32` of word `i / 32`: the form that grammar
    /// libraries write. Bits past the vocabulary must stay 0.
    pub fn words_mut(&mut self) -> &mut [u32] {
        &mut self.words
    }
}

/// What a constraint says before a token is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstraintStep {
    /// Every token may come: nothing was written to the set.
    Free,
    /// Exactly the tokens of the set may come.
    Restricted,
    /// The structure is complete, and nothing may come: the answer ends.
    Complete,
}

/// A state machine over tokens that restricts what comes next. It is called on the engine's
/// thread, once per generated token.
pub trait TokenConstraint: Send {
    /// Writes the tokens that may come next into `allowed`, which is empty at the call.
    ///
    /// # Errors
    ///
    /// If the structure cannot be continued; the request fails.
    fn allowed(&mut self, allowed: &mut TokenSet) -> Result<ConstraintStep, ConstraintError>;

    /// Takes the token that was chosen. Stop tokens are not shown to it.
    ///
    /// # Errors
    ///
    /// If the token may not come here; the request fails.
    fn accept(&mut self, token: u32) -> Result<(), ConstraintError>;

    /// A copy in the same state, for another answer.
    fn fork(&self) -> Box<dyn TokenConstraint>;
}

/// A constraint cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the output cannot follow the structure asked for: {0}")]
pub struct ConstraintError(pub String);
