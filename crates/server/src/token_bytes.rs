//! The bytes that a token stands for.

use weft_engine::Tokenizer;

/// The bytes of a token: those of its place in the text, or those of its name if it is an added
/// token. Empty if the id does not exist.
pub(crate) fn of(tokenizer: &Tokenizer, id: u32) -> Vec<u8> {
    let text = tokenizer.id_to_token(id).unwrap_or_default();
    from_byte_level(&text).unwrap_or_else(|| text.into_bytes())
}

/// The bytes of a token of a byte-level vocabulary; `None` if it is not written in its alphabet.
pub(crate) fn from_byte_level(token: &str) -> Option<Vec<u8>> {
    token.chars().map(byte_of).collect()
}

/// The byte that a character of GPT-2's alphabet stands for: printable Latin-1 characters stand
/// for themselves, the other 68 bytes are written from U+0100 on, in order.
fn byte_of(character: char) -> Option<u8> {
    let code = u32::from(character);
    if let Ok(byte) = u8::try_from(code) {
        return is_printable(byte).then_some(byte);
    }
    let index = usize::try_from(code.checked_sub(0x100)?).ok()?;
    (0..=u8::MAX).filter(|&byte| !is_printable(byte)).nth(index)
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_is_gpt2s() {
        // Pairs from `bytes_to_unicode` of GPT-2's encoder.py.
        assert_eq!(from_byte_level("ĠHiĊ"), Some(b" Hi\n".to_vec()));
        assert_eq!(from_byte_level("ä½łå¥½"), Some("你好".as_bytes().to_vec()));
        assert_eq!(byte_of('Ā'), Some(0));
        assert_eq!(byte_of('Ń'), Some(0xad));
        assert_eq!(byte_of(' '), None);
        assert_eq!(byte_of('▁'), None);
    }
}
