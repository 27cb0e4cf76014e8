//! The bytes of every token as a trie, as grammars need them.

use toktrie::{TokRxInfo, TokTrie};
use weft_engine::Tokenizer;

use crate::token_bytes;

/// A trie over the bytes of the tokens of a byte-level vocabulary.
///
/// Special tokens, and ids that the tokenizer does not have, cannot be part of a text.
///
/// # Errors
///
/// If a token is not written in the byte-level alphabet, or nothing ends an answer.
pub(super) fn trie(
    tokenizer: &Tokenizer,
    vocabulary: usize,
    eos: &[u32],
) -> Result<TokTrie, String> {
    let &[first_eos, ..] = eos else {
        return Err("the model has no end-of-sequence token".to_owned());
    };
    let size = u32::try_from(vocabulary).map_err(|_| "the vocabulary is too large".to_owned())?;
    let added = tokenizer.inner().get_added_tokens_decoder();
    let mut words = Vec::with_capacity(vocabulary);
    for id in 0..size {
        let word = if let Some(token) = added.get(&id) {
            let mut word = Vec::new();
            if token.special {
                word.push(TokTrie::SPECIAL_TOKEN_MARKER);
            }
            word.extend_from_slice(token.content.as_bytes());
            word
        } else if let Some(text) = tokenizer.id_to_token(id) {
            token_bytes::from_byte_level(&text).ok_or_else(|| {
                format!("token {id} ({text:?}) is not written in the byte-level alphabet")
            })?
        } else {
            Vec::new()
        };
        words.push(word);
    }
    Ok(TokTrie::from(&TokRxInfo::new(size, first_eos), &words).with_eos_tokens(eos))
}
