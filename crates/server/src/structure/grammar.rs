//! Structures as restrictions on the next token, through `llguidance`.

use std::fmt;
use std::sync::{Arc, OnceLock};

use llguidance::api::TopLevelGrammar;
use llguidance::{Matcher, ParserFactory};
use serde_json::{Value, json};
use toktrie::{ApproximateTokEnv, TokEnv};
use weft_engine::{ConstraintError, ConstraintStep, TokenConstraint, TokenSet, Tokenizer};

use super::{Structure, Thinking, vocabulary};
use crate::openai::error::ApiError;

/// Makes constraints for the vocabulary of one model.
pub(crate) struct Grammars {
    tokenizer: Tokenizer,
    vocabulary: usize,
    eos: Vec<u32>,
    /// Made when the first structure is asked for: it takes a second for a large vocabulary.
    factory: OnceLock<Result<ParserFactory, String>>,
}

impl Grammars {
    /// Grammars over the tokens of a model with `vocabulary` logits that ends with any of `eos`.
    pub(crate) fn new(tokenizer: &Tokenizer, vocabulary: usize, eos: &[u32]) -> Self {
        Self {
            tokenizer: tokenizer.clone(),
            vocabulary,
            eos: eos.to_vec(),
            factory: OnceLock::new(),
        }
    }

    /// A constraint to this structure.
    pub(crate) fn constraint(
        &self,
        structure: &Structure,
        thinking: Thinking,
    ) -> Result<Box<dyn TokenConstraint>, ApiError> {
        let factory = self
            .factory
            .get_or_init(|| self.make_factory())
            .as_ref()
            .map_err(|reason| {
                ApiError::invalid(format!(
                    "this model cannot answer with a structure: {reason}"
                ))
            })?;
        let refused =
            |reason: String| ApiError::invalid(format!("the structure is refused: {reason}"));
        let grammar = grammar_of(structure).map_err(refused)?;
        let parser = factory
            .create_parser(grammar)
            .map_err(|error| refused(error.to_string()))?;
        let mut matcher = Matcher::new(Ok(parser));
        if let Some(error) = matcher.get_error() {
            return Err(refused(error));
        }
        let warnings = matcher.grammar_warnings();
        if let Some(warning) = warnings.first() {
            return Err(refused(warning.clone()));
        }
        Ok(Box::new(GrammarConstraint {
            matcher,
            phase: Phase::of(thinking),
        }))
    }

    fn make_factory(&self) -> Result<ParserFactory, String> {
        let trie = vocabulary::trie(&self.tokenizer, self.vocabulary, &self.eos)?;
        let environment: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
        let mut factory =
            ParserFactory::new_simple(&environment).map_err(|error| error.to_string())?;
        factory.quiet();
        factory.limits_mut().verbose_errors = false;
        Ok(factory)
    }
}

impl fmt::Debug for Grammars {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Grammars")
            .field("vocabulary", &self.vocabulary)
            .field("eos", &self.eos)
            .finish_non_exhaustive()
    }
}

fn grammar_of(structure: &Structure) -> Result<TopLevelGrammar, String> {
    Ok(match structure {
        Structure::JsonSchema(schema) => TopLevelGrammar::from_json_schema(with_layout(schema)),
        Structure::Regex(regex) => TopLevelGrammar::from_regex(regex),
        Structure::Lark(text) => TopLevelGrammar::from_lark(text.clone()),
        Structure::Choice(texts) => {
            let texts: Vec<String> = texts.iter().map(|text| json!(text).to_string()).collect();
            TopLevelGrammar::from_lark(format!("start: {}", texts.join(" | ")))
        }
        Structure::ToolCalls { functions, several } => {
            TopLevelGrammar::from_lark(tool_call_grammar(functions, *several))
        }
    })
}

/// One call a rule, in Hermes notation.
fn tool_call_grammar(functions: &[(String, Value)], several: bool) -> String {
    let more = if several { " (\"\\n\" call)*" } else { "" };
    let names: Vec<String> = (0..functions.len()).map(|i| format!("call_{i}")).collect();
    let mut grammar = format!(
        "start: call{more}\ncall: \"<tool_call>\\n\" ({}) \"\\n</tool_call>\"\n",
        names.join(" | ")
    );
    for (name, (function, schema)) in names.iter().zip(functions) {
        let schema = with_layout(&json!({
            "type": "object",
            "properties": {"name": {"const": function}, "arguments": schema},
            "required": ["name", "arguments"],
            "additionalProperties": false,
        }));
        grammar.push_str(&format!("{name}: %json {schema}\n"));
    }
    grammar
}

/// JSON is written on one line as Python writes it, unless the schema says how: where white space
/// is free, a small model may write nothing else until its tokens are used up.
fn with_layout(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(object) = schema.as_object_mut()
        && !object.contains_key("x-guidance")
    {
        let layout = json!({
            "whitespace_flexible": false, "item_separator": ", ", "key_separator": ": "});
        object.insert("x-guidance".to_owned(), layout);
    }
    schema
}

/// What the next token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The first of all: the opening tag of the thinking, or the first of the structure.
    First { open: u32, close: u32 },
    /// Thinking, until the closing tag.
    Thinking { close: u32 },
    /// Part of the structure.
    Structure,
}

impl Phase {
    fn of(thinking: Thinking) -> Self {
        match thinking {
            Thinking::Absent => Self::Structure,
            Thinking::Possible { open, close } => Self::First { open, close },
            Thinking::Begun { close } => Self::Thinking { close },
        }
    }
}

struct GrammarConstraint {
    matcher: Matcher,
    phase: Phase,
}

impl TokenConstraint for GrammarConstraint {
    fn allowed(&mut self, allowed: &mut TokenSet) -> Result<ConstraintStep, ConstraintError> {
        if let Phase::Thinking { .. } = self.phase {
            return Ok(ConstraintStep::Free);
        }
        if self.matcher.is_stopped() {
            return match self.matcher.get_error() {
                None => Ok(ConstraintStep::Complete),
                Some(error) => Err(ConstraintError(error)),
            };
        }
        let mask = self.matcher.compute_mask().map_err(error_of)?;
        let words = allowed.words_mut();
        let length = words.len().min(mask.as_slice().len());
        words[..length].copy_from_slice(&mask.as_slice()[..length]);
        if let Phase::First { open, .. } = self.phase {
            allowed.insert(open);
        }
        Ok(ConstraintStep::Restricted)
    }

    fn accept(&mut self, token: u32) -> Result<(), ConstraintError> {
        match self.phase {
            Phase::First { open, close } if token == open => {
                self.phase = Phase::Thinking { close };
                Ok(())
            }
            Phase::Thinking { close } => {
                if token == close {
                    self.phase = Phase::Structure;
                }
                Ok(())
            }
            Phase::First { .. } | Phase::Structure => {
                self.phase = Phase::Structure;
                self.matcher.consume_token(token).map_err(error_of)
            }
        }
    }

    fn fork(&self) -> Box<dyn TokenConstraint> {
        Box::new(Self {
            matcher: self.matcher.deep_clone(),
            phase: self.phase,
        })
    }
}

fn error_of(error: impl ToString) -> ConstraintError {
    ConstraintError(error.to_string())
}

#[cfg(test)]
#[path = "grammar_tests.rs"]
mod tests;
