//! Stop strings in a text that comes in pieces.

/// Finds the first stop string in a stream of text, and holds back what may become one.
#[derive(Clone, Debug, Default)]
pub(crate) struct StopStrings {
    strings: Vec<String>,
    held: String,
}

/// What can be given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// This text; no stop string so far.
    Text(String),
    /// The text before a stop string, and that.
    Stop { before: String, stop: String },
}

impl StopStrings {
    pub(crate) fn new(strings: Vec<String>) -> Self {
        Self {
            strings,
            held: String::new(),
        }
    }

    /// Takes the next piece. The earliest stop string counts; of two at one place, the one that
    /// was asked for first.
    pub(crate) fn push(&mut self, piece: &str) -> Release {
        self.held.push_str(piece);
        let found = self
            .strings
            .iter()
            .filter_map(|stop| self.held.find(stop.as_str()).map(|at| (at, stop)))
            .min_by_key(|&(at, _)| at);
        if let Some((at, stop)) = found {
            let stop = stop.clone();
            self.held.truncate(at);
            let before = std::mem::take(&mut self.held);
            return Release::Stop { before, stop };
        }
        let keep = self.longest_beginning();
        Release::Text(self.held.drain(..self.held.len() - keep).collect())
    }

    /// What was held back, when nothing follows.
    pub(crate) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Bytes at the end of the held text that a stop string begins with.
    fn longest_beginning(&self) -> usize {
        let longest = self.strings.iter().map(String::len).max().unwrap_or(0);
        let first = self.held.len().saturating_sub(longest.saturating_sub(1));
        (first..self.held.len())
            .find(|&at| {
                self.held
                    .get(at..)
                    .is_some_and(|end| self.strings.iter().any(|stop| stop.starts_with(end)))
            })
            .map_or(0, |at| self.held.len() - at)
    }
}

#[cfg(test)]
mod tests {
    use super::{Release, StopStrings};

    /// Text given out and the stop string, for pieces in order.
    fn run(stops: &[&str], pieces: &[&str]) -> (String, Option<String>) {
        let mut matcher = StopStrings::new(stops.iter().map(|&s| s.to_owned()).collect());
        let mut text = String::new();
        for piece in pieces {
            match matcher.push(piece) {
                Release::Text(more) => text.push_str(&more),
                Release::Stop { before, stop } => return (text + &before, Some(stop)),
            }
        }
        (text + &matcher.finish(), None)
    }

    #[test]
    fn a_stop_string_may_straddle_pieces() {
        let (text, stop) = run(&["END"], &["one E", "N", "D two"]);
        assert_eq!((text.as_str(), stop.as_deref()), ("one ", Some("END")));
    }

    #[test]
    fn what_only_looked_like_one_is_given_out() {
        let (text, stop) = run(&["END"], &["a E", "N", "E EN"]);
        assert_eq!((text.as_str(), stop), ("a ENE EN", None));
    }

    #[test]
    fn the_earliest_one_counts() {
        let (text, stop) = run(&["c", "b"], &["abc"]);
        assert_eq!((text.as_str(), stop.as_deref()), ("a", Some("b")));
    }

    #[test]
    fn characters_of_several_bytes_are_not_cut() {
        let (text, stop) = run(&["\u{e9}\u{e8}"], &["\u{e9}", "\u{ea}\u{e9}"]);
        assert_eq!((text.as_str(), stop), ("\u{e9}\u{ea}\u{e9}", None));
    }

    #[test]
    fn nothing_is_held_without_stop_strings() {
        let mut matcher = StopStrings::default();
        assert_eq!(matcher.push("abc"), Release::Text("abc".to_owned()));
    }
}
