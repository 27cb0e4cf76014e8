//! One of the answers to a request: from events of the engine to pieces that clients read.

use weft_engine::{FinishReason, TokenLogprob, TokenLogprobs, Tokenizer, Usage};

use crate::openai::chat::{
    Delta, FunctionCall, FunctionDelta, StopReason, ToolCall, ToolCallDelta,
};
use crate::openai::logprobs::{ChatTokenLogprob, TopLogprob};
use crate::text::reasoning::{ReasoningSplitter, Split};
use crate::text::tools::{ToolEvent, ToolParser};
use crate::token_bytes;

/// Parts the text of one answer as it comes.
#[derive(Debug)]
pub(crate) struct Answer {
    splitter: ReasoningSplitter,
    tools: ToolParser,
    /// Prefix of the ids of calls.
    call_prefix: String,
    calls: usize,
    reasoning_tokens: usize,
}

/// A whole message, put together from deltas.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) content: String,
    pub(crate) reasoning: String,
    pub(crate) tool_calls: Vec<ToolCall>,
}

impl Answer {
    /// An answer whose text goes through these two.
    pub(crate) fn new(splitter: ReasoningSplitter, tools: ToolParser, call_prefix: String) -> Self {
        Self {
            splitter,
            tools,
            call_prefix,
            calls: 0,
            reasoning_tokens: 0,
        }
    }

    /// What a token with this text adds.
    pub(crate) fn push(&mut self, text: &str) -> Vec<Delta> {
        let split = self.splitter.push(text);
        if self.splitter.is_thinking() {
            self.reasoning_tokens += 1;
        }
        let mut events = Vec::new();
        self.tools.push(&split.content, &mut events);
        self.deltas(split.reasoning, events)
    }

    /// What the end of the answer adds: its last text, and what was held back.
    pub(crate) fn finish(&mut self, text: &str) -> Vec<Delta> {
        let Split {
            mut reasoning,
            content,
        } = self.splitter.push(text);
        let rest = self.splitter.finish();
        reasoning.push_str(&rest.reasoning);
        let mut events = Vec::new();
        self.tools.push(&content, &mut events);
        self.tools.push(&rest.content, &mut events);
        self.tools.finish(&mut events);
        self.deltas(reasoning, events)
    }

    /// Tokens of the answer before the end of its thinking.
    pub(crate) fn reasoning_tokens(&self) -> usize {
        self.reasoning_tokens
    }

    /// `finish_reason` and `stop_reason`.
    pub(crate) fn finish_reason(
        &self,
        reason: &FinishReason,
        eos: &[u32],
    ) -> (&'static str, Option<StopReason>) {
        let stop = |reason| {
            let word = if self.calls > 0 { "tool_calls" } else { "stop" };
            (word, reason)
        };
        match reason {
            FinishReason::StopToken(token) if eos.contains(token) => stop(None),
            FinishReason::StopToken(token) => stop(Some(StopReason::Token(*token))),
            FinishReason::StopString(text) => stop(Some(StopReason::Text(text.clone()))),
            FinishReason::Constraint => stop(None),
            FinishReason::Length => ("length", None),
            _ => ("abort", None),
        }
    }

    fn deltas(&mut self, reasoning: String, events: Vec<ToolEvent>) -> Vec<Delta> {
        let mut deltas = Vec::new();
        if !reasoning.is_empty() {
            deltas.push(Delta {
                reasoning: Some(reasoning.clone()),
                reasoning_content: Some(reasoning),
                ..Delta::default()
            });
        }
        for event in events {
            deltas.push(match event {
                ToolEvent::Content(text) => Delta {
                    content: Some(text),
                    ..Delta::default()
                },
                ToolEvent::Begin(name) => {
                    let index = self.calls;
                    self.calls += 1;
                    call_delta(ToolCallDelta {
                        index,
                        id: Some(format!("{}{index}", self.call_prefix)),
                        r#type: Some("function"),
                        function: FunctionDelta {
                            name: Some(name),
                            arguments: Some(String::new()),
                        },
                    })
                }
                ToolEvent::Arguments(text) => call_delta(ToolCallDelta {
                    index: self.calls.saturating_sub(1),
                    id: None,
                    r#type: None,
                    function: FunctionDelta {
                        name: None,
                        arguments: Some(text),
                    },
                }),
            });
        }
        deltas
    }
}

fn call_delta(call: ToolCallDelta) -> Delta {
    Delta {
        tool_calls: vec![call],
        ..Delta::default()
    }
}

impl Collected {
    /// Adds a delta, as a client does.
    pub(crate) fn add(&mut self, delta: Delta) {
        self.content.push_str(&delta.content.unwrap_or_default());
        self.reasoning
            .push_str(&delta.reasoning.unwrap_or_default());
        for call in delta.tool_calls {
            if let Some(id) = call.id {
                self.tool_calls.push(ToolCall {
                    id,
                    r#type: "function".to_owned(),
                    function: FunctionCall {
                        name: call.function.name.unwrap_or_default(),
                        arguments: String::new(),
                    },
                });
            }
            if let Some(last) = self.tool_calls.last_mut() {
                last.function
                    .arguments
                    .push_str(&call.function.arguments.unwrap_or_default());
            }
        }
    }
}

/// A token's log-probabilities as chat completions have them.
pub(crate) fn chat_logprob(tokenizer: &Tokenizer, logprobs: &TokenLogprobs) -> ChatTokenLogprob {
    let top = |each: &TokenLogprob| {
        let bytes = token_bytes::of(tokenizer, each.token);
        TopLogprob {
            token: String::from_utf8_lossy(&bytes).into_owned(),
            logprob: each.logprob,
            bytes,
        }
    };
    let chosen = top(&logprobs.chosen);
    ChatTokenLogprob {
        token: chosen.token,
        logprob: chosen.logprob,
        bytes: chosen.bytes,
        top_logprobs: logprobs.top.iter().map(top).collect(),
    }
}

/// Token counts over all answers to one prompt.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) prompt: usize,
    pub(crate) cached: usize,
    pub(crate) generated: usize,
    pub(crate) reasoning: usize,
}

impl Counts {
    /// Adds one answer.
    pub(crate) fn add(&mut self, usage: &Usage, reasoning: usize) {
        self.prompt = usage.prompt_tokens as usize;
        self.cached = self.cached.max(usage.cached_tokens as usize);
        self.generated += usage.generated_tokens as usize;
        self.reasoning += reasoning;
    }
}

impl From<Counts> for crate::openai::usage::Usage {
    fn from(counts: Counts) -> Self {
        Self::new(
            counts.prompt,
            counts.cached,
            counts.generated,
            counts.reasoning,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deltas_put_together_are_the_message() {
        let mut answer = Answer::new(
            ReasoningSplitter::after_prompt(""),
            ToolParser::new(Default::default()),
            "call_x_".to_owned(),
        );
        let mut collected = Collected::default();
        let text = "<think>\nHm.\n</think>\n\nSee.\n<tool_call>{\"name\": \"f\", \"arguments\": \
            {\"a\": 1}}</tool_call>";
        for character in text.chars() {
            for delta in answer.push(&character.to_string()) {
                collected.add(delta);
            }
        }
        for delta in answer.finish("") {
            collected.add(delta);
        }
        assert_eq!(collected.reasoning, "Hm.");
        assert_eq!(collected.content, "See.");
        assert_eq!(collected.tool_calls.len(), 1);
        assert_eq!(collected.tool_calls[0].id, "call_x_0");
        assert_eq!(collected.tool_calls[0].function.arguments, "{\"a\": 1}");
        let (reason, stop) = answer.finish_reason(&FinishReason::StopToken(2), &[2]);
        assert_eq!((reason, stop), ("tool_calls", None));
        // `<think>` and what follows, without `</think>` and after.
        assert_eq!(
            answer.reasoning_tokens(),
            "<think>\nHm.\n</think>".len() - "<think".len() - 1
        );
    }
}
