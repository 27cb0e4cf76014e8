//! Parts Qwen3's thinking from its answer.
//!
//! The model thinks between `<think>` and `</think>`. A template may already have written the
//! opening tag, or an empty pair where thinking is off. A `<tool_call>` ends thinking even
//! without the closing tag, and a second closing tag is dropped, as vLLM does.

use super::held_suffix;

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";
const CALL: &str = "<tool_call>";

/// Where in the answer the text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing but white space so far: an opening tag may come.
    Start,
    /// Between the tags, line breaks after the opening tag to be dropped.
    ThinkingBegins,
    /// Between the tags.
    Thinking,
    /// After the closing tag, white space to be dropped.
    AnswerBegins,
    /// In the answer.
    Answer,
}

/// Text of both kinds, in the order thinking, answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Split {
    /// What the model thought.
    pub(crate) reasoning: String,
    /// What it answers.
    pub(crate) content: String,
}

/// Parts thinking from answer in text that comes in pieces.
#[derive(Clone, Debug)]
pub(crate) struct ReasoningSplitter {
    state: State,
    held: String,
}

impl ReasoningSplitter {
    /// A splitter for what follows `prompt`, the text the template made.
    pub(crate) fn after_prompt(prompt: &str) -> Self {
        let state = match prompt.trim_end() {
            open if open.ends_with(OPEN) => State::ThinkingBegins,
            closed if closed.ends_with(CLOSE) => State::Answer,
            _ => State::Start,
        };
        Self {
            state,
            held: String::new(),
        }
    }

    /// A splitter for a model that does not think: all is answer.
    pub(crate) fn none() -> Self {
        Self {
            state: State::Answer,
            held: String::new(),
        }
    }

    /// Whether the text so far ends inside, or before, the thinking.
    pub(crate) fn is_thinking(&self) -> bool {
        match self.state {
            State::ThinkingBegins | State::Thinking => true,
            State::Start | State::AnswerBegins | State::Answer => false,
        }
    }

    /// Takes a piece of text.
    pub(crate) fn push(&mut self, piece: &str) -> Split {
        self.held.push_str(piece);
        let mut split = Split::default();
        while self.step(&mut split) {}
        split
    }

    /// The text that was held back, once it is clear that no more comes.
    pub(crate) fn finish(&mut self) -> Split {
        let held = std::mem::take(&mut self.held);
        match self.state {
            State::ThinkingBegins | State::Thinking => Split {
                reasoning: held.trim_end_matches('\n').to_owned(),
                content: String::new(),
            },
            State::Start | State::AnswerBegins | State::Answer => Split {
                reasoning: String::new(),
                content: held,
            },
        }
    }

    /// Moves on in the held text; whether there may be more to do.
    fn step(&mut self, split: &mut Split) -> bool {
        match self.state {
            State::Start => {
                let text = self.held.trim_start();
                if text.is_empty() || OPEN.starts_with(text) && text.len() < OPEN.len() {
                    return false;
                }
                if let Some(rest) = text.strip_prefix(OPEN) {
                    self.held = rest.to_owned();
                    self.state = State::ThinkingBegins;
                } else {
                    self.state = State::Answer;
                }
                true
            }
            State::ThinkingBegins => {
                self.held = self.held.trim_start_matches('\n').to_owned();
                if self.held.is_empty() {
                    return false;
                }
                self.state = State::Thinking;
                true
            }
            State::Thinking => self.step_thinking(split),
            State::AnswerBegins => {
                let text = self.held.trim_start();
                let (closed_again, rest) = match text.strip_prefix(CLOSE) {
                    Some(rest) => (true, rest),
                    None => (false, text),
                };
                if !closed_again && !CLOSE.starts_with(rest) {
                    self.state = State::Answer;
                }
                self.held = rest.to_owned();
                closed_again || self.state == State::Answer
            }
            State::Answer => {
                split.content.push_str(&self.held);
                self.held.clear();
                false
            }
        }
    }

    fn step_thinking(&mut self, split: &mut Split) -> bool {
        let end = [(CLOSE, CLOSE.len()), (CALL, 0)]
            .into_iter()
            .filter_map(|(tag, drop)| self.held.find(tag).map(|at| (at, drop)))
            .min_by_key(|(at, _)| *at);
        if let Some((at, drop)) = end {
            split
                .reasoning
                .push_str(self.held[..at].trim_end_matches('\n'));
            self.held.drain(..at + drop);
            self.state = State::AnswerBegins;
            return true;
        }
        let tag = [CLOSE, CALL].map(|tag| held_suffix(&self.held, tag));
        let keep = tag[0].max(tag[1]);
        let shown = &self.held[..self.held.len() - keep];
        // Line breaks before the closing tag are not part of the thinking.
        let shown = shown.trim_end_matches('\n').len();
        split.reasoning.push_str(&self.held[..shown]);
        self.held.drain(..shown);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(prompt: &str, pieces: impl IntoIterator<Item = String>) -> (String, String) {
        let mut splitter = ReasoningSplitter::after_prompt(prompt);
        let (mut reasoning, mut content) = (String::new(), String::new());
        for piece in pieces {
            let out = splitter.push(&piece);
            reasoning.push_str(&out.reasoning);
            content.push_str(&out.content);
        }
        let out = splitter.finish();
        (reasoning + &out.reasoning, content + &out.content)
    }

    fn check(prompt: &str, text: &str, reasoning: &str, content: &str) {
        let expected = (reasoning.to_owned(), content.to_owned());
        for (at, _) in text.char_indices() {
            let pieces = [text[..at].to_owned(), text[at..].to_owned()];
            assert_eq!(split(prompt, pieces), expected, "{text:?} cut at {at}");
        }
        let characters = text.chars().map(String::from);
        assert_eq!(
            split(prompt, characters),
            expected,
            "{text:?} by characters"
        );
    }

    #[test]
    fn thinking_and_answer_are_parted_wherever_text_is_cut() {
        check(
            "x",
            "<think>\nHm.\n\nYes.\n</think>\n\nIt is 4.",
            "Hm.\n\nYes.",
            "It is 4.",
        );
        check("x", "It is <think> 4.", "", "It is <think> 4.");
        check("x<think>\n", "Hm.</think>4", "Hm.", "4");
        check("x<think>\n\n</think>\n\n", "4 </think", "", "4 </think");
    }

    #[test]
    fn a_call_ends_thinking_and_a_second_closing_tag_is_dropped() {
        check(
            "x",
            "<think>\nCall it.\n<tool_call>\n{}",
            "Call it.",
            "<tool_call>\n{}",
        );
        check("x", "<think>a</think>\n</think>\nb", "a", "b");
    }

    #[test]
    fn thinking_that_never_ends_is_no_answer() {
        check("x", "<think>\nAnd so on <", "And so on <", "");
        check("x", "", "", "");
    }
}
