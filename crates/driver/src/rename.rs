//! Other names for identifiers of a PTX text.

use std::collections::BTreeMap;

/// The text with each identifier in the table replaced. Comments, strings, directives and
/// modifiers (words behind a dot) are left alone. Line breaks stay where they are.
pub(crate) fn rename(text: &[u8], table: &BTreeMap<&str, String>) -> Vec<u8> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'%');
    let mut renamed = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let length = match rest {
            [b'/', b'/', ..] => rest.iter().position(|&byte| byte == b'\n'),
            [b'/', b'*', ..] => end_of(rest, b"*/"),
            [b'"', ..] => rest[1..].iter().position(|&b| b == b'"').map(|at| at + 2),
            // A directive or modifier with its dot.
            [b'.', ..] => Some(1 + rest[1..].iter().take_while(|&&b| is_word(b)).count()),
            [first, ..] if is_word(*first) => {
                let length = rest.iter().take_while(|&&byte| is_word(byte)).count();
                let word = std::str::from_utf8(&rest[..length]).unwrap_or_default();
                if let Some(other) = table.get(word) {
                    renamed.extend_from_slice(other.as_bytes());
                    at += length;
                    continue;
                }
                Some(length)
            }
            _ => Some(1),
        };
        let length = length.unwrap_or(rest.len());
        renamed.extend_from_slice(&rest[..length]);
        at += length;
    }
    renamed
}

/// Where the first occurrence of `what` ends.
fn end_of(text: &[u8], what: &[u8]) -> Option<usize> {
    let begin = text.windows(what.len()).position(|part| part == what)?;
    Some(begin + what.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_replaced_in_code_alone() {
        let table = BTreeMap::from([("table", "table$1".to_owned())]);
        let text =
            "ld.table [table+4], table2; // table\n/* table */ .file 1 \"table\" %table; table";
        let expected =
            "ld.table [table$1+4], table2; // table\n/* table */ .file 1 \"table\" %table; table$1";
        let renamed = rename(text.as_bytes(), &table);
        assert_eq!(String::from_utf8(renamed).unwrap(), expected);
    }
}
