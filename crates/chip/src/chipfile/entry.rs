//! An entry of a chip file: a value with its unit, where it comes from, and how sure it is.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// How sure a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// Stated by a data sheet, standard or paper.
    Published,
    /// Computed from published values.
    Derived,
    /// Chosen by the author of the file.
    Assumed,
}

impl Mark {
    /// The word in chip files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Derived => "derived",
            Self::Assumed => "assumed",
        }
    }
}

/// A value of a chip file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry<T> {
    /// The value, in [`Entry::unit`].
    pub value: T,
    /// The unit: exactly the one that the key is defined in.
    pub unit: String,
    /// How sure it is.
    pub mark: Mark,
    /// Where it comes from.
    pub source: String,
}

/// One entry, with its key, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// `section.key`.
    pub key: String,
    /// The value as text.
    pub value: String,
    /// Its unit.
    pub unit: String,
    /// How sure it is.
    pub mark: Mark,
    /// Where it comes from.
    pub source: String,
    /// What the key means.
    pub meaning: &'static str,
}

/// What is wrong with a chip file: the key and the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct Problem {
    /// `section.key`.
    pub key: String,
    /// Why its value is refused.
    pub reason: String,
}

impl Problem {
    pub(super) fn new(key: &str, reason: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            reason: reason.into(),
        }
    }
}

/// A type that entries hold. Not for other types: its methods serve the checks of this module.
pub trait Value {
    /// What is wrong with it, if its range does not hold it.
    fn outside(&self, range: &RangeInclusive<f64>) -> Option<String>;
    /// As text.
    fn text(&self) -> String;
}

impl Value for u32 {
    fn outside(&self, range: &RangeInclusive<f64>) -> Option<String> {
        f64::from(*self).outside(range)
    }
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Value for f64 {
    fn outside(&self, range: &RangeInclusive<f64>) -> Option<String> {
        (!range.contains(self))
            .then(|| format!("{self} is not in {} to {}", range.start(), range.end()))
    }
    fn text(&self) -> String {
        self.to_string()
    }
}

impl<T: Value> Entry<T> {
    pub(super) fn check(
        &self,
        key: &str,
        unit: &str,
        range: &RangeInclusive<f64>,
        problems: &mut Vec<Problem>,
    ) {
        if self.unit != unit {
            let reason = format!("the unit is `{unit}`, not `{}`", self.unit);
            problems.push(Problem::new(key, reason));
        }
        if self.source.trim().is_empty() {
            problems.push(Problem::new(key, "no source is given"));
        }
        if let Some(reason) = self.value.outside(range) {
            problems.push(Problem::new(key, reason));
        }
    }

    pub(super) fn listed(&self, key: String, meaning: &'static str) -> Listed {
        Listed {
            key,
            value: self.value.text(),
            unit: self.unit.clone(),
            mark: self.mark,
            source: self.source.clone(),
            meaning: meaning.trim(),
        }
    }
}

/// Defines a section of a chip file: a struct of entries, each with type, unit and range.
macro_rules! section {
    (
        $(#[doc = $about:literal])*
        $name:ident = $section:literal {
            $($(#[doc = $doc:literal])+ $field:ident: $type:ty = $unit:literal in $range:expr;)*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[doc = $doc])+ #[doc = concat!("\n\nUnit: ", $unit, ".")]
            pub $field: Entry<$type>,)*
        }

        impl $name {
            /// Adds what is wrong with single entries.
            pub(super) fn check(&self, problems: &mut Vec<Problem>) {
                $(self.$field.check(
                    concat!($section, ".", stringify!($field)),
                    $unit,
                    &$range,
                    problems,
                );)*
            }

            /// Adds every entry.
            pub(super) fn list(&self, entries: &mut Vec<Listed>) {
                $(entries.push(self.$field.listed(
                    concat!($section, ".", stringify!($field)).to_owned(),
                    concat!($($doc),+),
                ));)*
            }
        }
    };
}
pub(super) use section;
