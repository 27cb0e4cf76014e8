//! Looking things up by name, and suggesting what was meant.

use std::fmt;

/// A name that is in no list, with the names nearest to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// What kind of thing was looked for: `chip`, `model`, `policy`...
    pub kind: &'static str,
    /// The name as given.
    pub name: String,
    /// Up to three known names, nearest first; all names where the list is short.
    pub near: Vec<String>,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "unknown {} `{}`", self.kind, self.name)?;
        match self.near.split_first() {
            None => Ok(()),
            Some((first, rest)) => {
                write!(formatter, "; near it: {first}")?;
                rest.iter()
                    .try_for_each(|name| write!(formatter, ", {name}"))
            }
        }
    }
}

impl std::error::Error for UnknownName {}

/// Most names that are suggested.
const SUGGESTIONS_MAX: usize = 3;

impl UnknownName {
    /// An error that suggests the names of `known` nearest to `name`.
    pub fn new<'a>(
        kind: &'static str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let wanted = key(name);
        let mut scored: Vec<(f64, &str)> = known
            .into_iter()
            .map(|candidate| (distance(&wanted, &key(candidate)), candidate))
            .collect();
        scored.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(right.1)));
        Self {
            kind,
            name: name.to_owned(),
            near: scored
                .into_iter()
                .take(SUGGESTIONS_MAX)
                .map(|(_, candidate)| candidate.to_owned())
                .collect(),
        }
    }
}

/// `name` without case and punctuation, so that `A100 80GB SXM` is `a100-80gb-sxm`.
#[must_use]
pub fn key(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}

/// Distance in 0..=1, and less where one name begins with the other.
fn distance(wanted: &str, candidate: &str) -> f64 {
    let apart = 1.0 - strsim::jaro_winkler(wanted, candidate);
    let contained = !wanted.is_empty() && candidate.contains(wanted);
    if contained { apart * 0.5 } else { apart }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_are_near_and_ordered() {
        let error = UnknownName::new("chip", "h10", ["l4", "h100-sxm", "h200-sxm", "b200-sxm"]);
        assert_eq!(error.near[0], "h100-sxm");
        assert_eq!(
            error.to_string(),
            "unknown chip `h10`; near it: h100-sxm, h200-sxm, b200-sxm"
        );
    }

    #[test]
    fn punctuation_and_case_do_not_matter() {
        assert_eq!(key("A100 80GB SXM"), key("a100-80gb-sxm"));
    }
}
