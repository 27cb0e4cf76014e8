//! Text to token ids and back.

use crate::directory::{ModelDirectory, TokenizerSource};
use crate::error::Error;
use std::path::Path;

/// The tokenizer of a checkpoint.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
}

impl Tokenizer {
    /// The tokenizer of a model directory; `None` if it has none.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] if it cannot be read.
    pub fn of(directory: &ModelDirectory) -> Result<Option<Self>, Error> {
        match directory.tokenizer() {
            None => Ok(None),
            Some(TokenizerSource::File(path)) => Self::from_file(path).map(Some),
            Some(TokenizerSource::Json(text)) => tokenizers::Tokenizer::from_bytes(text)
                .map(|inner| Some(Self { inner }))
                .map_err(|error| Error::Tokenizer(error.to_string())),
        }
    }

    /// Reads a tokenizer.json.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] if it cannot be read.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|error| Error::file(path, &error))?;
        let wrong = |reason: String| Error::Tokenizer(format!("{}: {reason}", path.display()));
        // What reads it below panics on some texts that are no JSON.
        serde_json::from_slice::<serde::de::IgnoredAny>(&bytes)
            .map_err(|error| wrong(error.to_string()))?;
        tokenizers::Tokenizer::from_bytes(bytes)
            .map(|inner| Self { inner })
            .map_err(|error| wrong(error.to_string()))
    }

    /// Token ids of a text. Special tokens written in the text become their ids; none is put
    /// before or after it.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] if the model cannot express the text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        let encoding = self
            .inner
            .encode_fast(text, false)
            .map_err(|error| Error::Tokenizer(error.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Text of token ids. Bytes that are no UTF-8 become U+FFFD.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] if an id does not exist.
    pub fn decode(&self, ids: &[u32], skip_special_tokens: bool) -> Result<String, Error> {
        self.inner
            .decode(ids, skip_special_tokens)
            .map_err(|error| Error::Tokenizer(error.to_string()))
    }

    /// Id of a token by its exact text.
    #[must_use]
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// Text of a token as the vocabulary writes it (byte-level BPE writes a space as `Ġ`).
    #[must_use]
    pub fn id_to_token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// Number of tokens, with the added ones.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The library's own type, for what needs the vocabulary in detail.
    #[must_use]
    pub const fn inner(&self) -> &tokenizers::Tokenizer {
        &self.inner
    }
}

/// Tokens to text, piece by piece: a piece ends where a character ends.
///
/// A tail of tokens is decoded anew with every token, because a byte-level token can be part of a
/// character and because decoders treat the first token differently.
#[derive(Clone, Debug, Default)]
pub struct TextStream {
    /// Tokens whose text may still change: the last ones that made text, and those after.
    tail: Vec<u32>,
    /// Tokens at the start of `tail` whose text was given out.
    given: usize,
}

impl TextStream {
    /// Takes a token, gives the text that is now certain.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] if the id does not exist.
    pub fn push(&mut self, tokenizer: &Tokenizer, token: u32) -> Result<String, Error> {
        self.tail.push(token);
        let before = tokenizer.decode(&self.tail[..self.given], true)?;
        let now = tokenizer.decode(&self.tail, true)?;
        // An incomplete character decodes to U+FFFD at the end. A model can really say U+FFFD,
        // but no character has more than four bytes, so no more than four tokens wait.
        let complete = !now.ends_with('\u{fffd}') || self.tail.len() - self.given > 4;
        if !complete || now.len() <= before.len() {
            return Ok(String::new());
        }
        let piece = now.get(before.len()..).unwrap_or_default().to_owned();
        self.tail.drain(..self.given);
        self.given = self.tail.len();
        Ok(piece)
    }

    /// The text of what still waits: an incomplete character, as U+FFFD.
    ///
    /// # Errors
    ///
    /// As [`Self::push`].
    pub fn finish(&mut self, tokenizer: &Tokenizer) -> Result<String, Error> {
        let before = tokenizer.decode(&self.tail[..self.given], true)?;
        let now = tokenizer.decode(&self.tail, true)?;
        self.tail.clear();
        self.given = 0;
        Ok(now.get(before.len()..).unwrap_or_default().to_owned())
    }
}
