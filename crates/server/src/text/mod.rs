//! From the text of the engine to what a client sees.
//!
//! Two stages, each fed piece by piece and independent of where the pieces are cut:
//! [`reasoning`] parts thinking from answer, [`tools`] parts calls from answer. What has been
//! given out is never taken back.

pub(crate) mod reasoning;
pub(crate) mod tools;

/// The length of the longest suffix of `text` that is a proper prefix of `pattern`: what must be
/// held back because the next piece may complete the pattern.
pub(crate) fn held_suffix(text: &str, pattern: &str) -> usize {
    let longest = pattern.len().saturating_sub(1).min(text.len());
    (1..=longest)
        .rev()
        .find(|&length| text.as_bytes().ends_with(&pattern.as_bytes()[..length]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::held_suffix;

    #[test]
    fn a_suffix_that_may_become_the_pattern_is_held() {
        assert_eq!(held_suffix("abc<", "</think>"), 1);
        assert_eq!(held_suffix("abc</thin", "</think>"), 6);
        assert_eq!(held_suffix("abc</think>", "</think>"), 0);
        assert_eq!(held_suffix("aaa", "aab"), 2);
        assert_eq!(held_suffix("", "x"), 0);
        assert_eq!(held_suffix("x", ""), 0);
        // Lengths are in bytes, and what is held always begins with a whole character.
        assert_eq!(held_suffix("é", "éa"), 2);
    }
}
