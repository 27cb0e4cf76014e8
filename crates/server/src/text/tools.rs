//! Parts tool calls from the answer.
//!
//! Two notations, told apart by the first character of the call: Hermes JSON of Qwen2.5 and Qwen3
//! (`<tool_call>{"name": ..., "arguments": {...}}</tool_call>`), whose arguments are given out
//! while they come, and the XML of Qwen3-Coder (`<function=NAME><parameter=KEY>...`), given out
//! when the call is complete because its values get their types from the schema. What begins like
//! a call and is none is text.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::held_suffix;

const OPEN: &str = "<tool_call>";
const CLOSE: &str = "</tool_call>";

/// What a piece of the answer came to, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToolEvent {
    /// Text of the answer.
    Content(String),
    /// A call begins; its number is that of the calls before it.
    Begin(String),
    /// Text of the arguments of the call that began last.
    Arguments(String),
}

/// The JSON schema of each function's parameters.
pub(crate) type Schemas = BTreeMap<String, Value>;

/// Parts calls from text that comes in pieces.
#[derive(Debug)]
pub(crate) struct ToolParser {
    /// Absent where no tool may be called: all is text.
    schemas: Option<Schemas>,
    held: String,
    call: Option<JsonCall>,
}

impl ToolParser {
    /// A parser for calls of these functions.
    pub(crate) fn new(schemas: Schemas) -> Self {
        Self {
            schemas: Some(schemas),
            held: String::new(),
            call: None,
        }
    }

    /// A parser that sees no calls.
    pub(crate) fn none() -> Self {
        Self {
            schemas: None,
            held: String::new(),
            call: None,
        }
    }

    /// Takes a piece of text.
    pub(crate) fn push(&mut self, piece: &str, events: &mut Vec<ToolEvent>) {
        if self.schemas.is_none() {
            push_content(events, piece);
            return;
        }
        self.held.push_str(piece);
        while self.step(events) {}
    }

    /// What was held back, once it is clear that no more comes.
    pub(crate) fn finish(&mut self, events: &mut Vec<ToolEvent>) {
        let held = std::mem::take(&mut self.held);
        match self.call.take() {
            Some(mut call) => {
                call.scan(&held, events);
                if !call.begun && !self.finish_xml(&held, events) {
                    push_content(events, &held);
                } else if call.begun {
                    call.close(events);
                }
            }
            None => push_content(events, &held),
        }
    }

    /// Moves on in the held text; whether there may be more to do.
    fn step(&mut self, events: &mut Vec<ToolEvent>) -> bool {
        let Some(call) = &mut self.call else {
            return self.step_text(events);
        };
        let body = &self.held[OPEN.len()..];
        match body.trim_start().chars().next() {
            None => false,
            Some('<') => {
                let Some(at) = body.find(CLOSE) else {
                    return false;
                };
                let end = OPEN.len() + at + CLOSE.len();
                let text: String = self.held.drain(..end).collect();
                self.call = None;
                if !self.finish_xml(&text, events) {
                    push_content(events, &text);
                }
                true
            }
            Some(_) => {
                call.scan(&self.held, events);
                let Some(end) = call.closed_at(&self.held) else {
                    return false;
                };
                let text: String = self.held.drain(..end).collect();
                if call.begun {
                    call.close(events);
                } else {
                    push_content(events, &text);
                }
                self.call = None;
                true
            }
        }
    }

    fn step_text(&mut self, events: &mut Vec<ToolEvent>) -> bool {
        if let Some(at) = self.held.find(OPEN) {
            // White space around calls is layout, not answer.
            let text: String = self.held.drain(..at).collect();
            push_content(events, text.trim_end());
            self.call = Some(JsonCall::default());
            return true;
        }
        let keep = held_suffix(&self.held, OPEN);
        let shown = self.held[..self.held.len() - keep].trim_end().len();
        let text: String = self.held.drain(..shown).collect();
        push_content(events, &text);
        false
    }

    /// Gives out a complete call in XML notation; whether it was one.
    fn finish_xml(&self, text: &str, events: &mut Vec<ToolEvent>) -> bool {
        let Some((name, arguments)) = self.schemas.as_ref().and_then(|s| parse_xml(text, s)) else {
            return false;
        };
        events.push(ToolEvent::Begin(name));
        events.push(ToolEvent::Arguments(Value::Object(arguments).to_string()));
        true
    }
}

fn push_content(events: &mut Vec<ToolEvent>, text: &str) {
    if !text.is_empty() {
        events.push(ToolEvent::Content(text.to_owned()));
    }
}

/// A call in JSON notation, as far as it has been read. Positions are in the held text.
#[derive(Debug)]
struct JsonCall {
    at: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
    string_begin: usize,
    /// The last string at the level of the call that was not a value.
    key: Option<String>,
    /// Whether what comes at the level of the call is a value.
    in_value: bool,
    name: Option<String>,
    arguments_begin: Option<usize>,
    arguments_end: Option<usize>,
    /// Where the next argument text begins that has not been given out.
    given: usize,
    /// After the object's closing brace.
    end: Option<usize>,
    /// Whether the call was given out, and whether any argument text was.
    begun: bool,
    arguments_given: bool,
}

impl Default for JsonCall {
    fn default() -> Self {
        Self {
            at: OPEN.len(),
            depth: 0,
            in_string: false,
            escaped: false,
            string_begin: 0,
            key: None,
            in_value: false,
            name: None,
            arguments_begin: None,
            arguments_end: None,
            given: 0,
            end: None,
            begun: false,
            arguments_given: false,
        }
    }
}

impl JsonCall {
    /// Reads on to the end of the text and gives out what is new.
    fn scan(&mut self, text: &str, events: &mut Vec<ToolEvent>) {
        while self.end.is_none() && self.at < text.len() {
            let byte = text.as_bytes()[self.at];
            if !self.in_string && text[self.at..].starts_with('<') {
                return;
            }
            self.scan_byte(byte, text);
            self.at += 1;
        }
        self.give(text, events);
    }

    fn scan_byte(&mut self, byte: u8, text: &str) {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => {
                    self.in_string = false;
                    if self.depth == 1 {
                        self.string_ends(text);
                    }
                }
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.string_begin = self.at;
            }
            b'{' | b'[' => {
                if self.depth == 1 && self.is_arguments() {
                    self.arguments_begin = Some(self.at);
                    self.given = self.at;
                }
                self.depth += 1;
            }
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 1 && self.arguments_begin.is_some() && self.arguments_end.is_none()
                {
                    self.arguments_end = Some(self.at + 1);
                }
                if self.depth == 0 {
                    self.end = Some(self.at + 1);
                }
            }
            b':' if self.depth == 1 => self.in_value = true,
            b',' if self.depth == 1 => self.in_value = false,
            _ => {}
        }
    }

    fn is_arguments(&self) -> bool {
        self.in_value && self.arguments_begin.is_none() && self.key.as_deref() == Some("arguments")
    }

    /// A string at the level of the call is complete: a key, the name, or arguments as a string.
    fn string_ends(&mut self, text: &str) {
        let literal = &text[self.string_begin..=self.at];
        let Ok(string) = serde_json::from_str::<String>(literal) else {
            return;
        };
        if !self.in_value {
            self.key = Some(string);
        } else if self.key.as_deref() == Some("name") {
            self.name = Some(string);
        } else if self.is_arguments() {
            self.arguments_begin = Some(self.string_begin);
            self.given = self.string_begin;
            self.arguments_end = Some(self.at + 1);
        }
    }

    fn give(&mut self, text: &str, events: &mut Vec<ToolEvent>) {
        if !self.begun {
            let Some(name) = &self.name else {
                return;
            };
            events.push(ToolEvent::Begin(name.clone()));
            self.begun = true;
        }
        let Some(begin) = self.arguments_begin else {
            return;
        };
        let end = self.arguments_end.unwrap_or(self.at);
        if self.given >= end {
            return;
        }
        let new = &text[self.given..end];
        self.given = end;
        self.arguments_given = true;
        // Arguments as a string are JSON inside JSON.
        let new = match serde_json::from_str::<String>(&text[begin..end]) {
            Ok(inner) => inner,
            Err(_) => new.to_owned(),
        };
        events.push(ToolEvent::Arguments(new));
    }

    /// Where the text after the call begins, once its closing tag is there.
    fn closed_at(&self, text: &str) -> Option<usize> {
        if self.in_string {
            return None;
        }
        let from = self.end.unwrap_or(self.at);
        text[from..].find(CLOSE).map(|at| from + at + CLOSE.len())
    }

    /// Ends a call that was begun: without arguments it has none.
    fn close(&self, events: &mut Vec<ToolEvent>) {
        if !self.arguments_given {
            events.push(ToolEvent::Arguments("{}".to_owned()));
        }
    }
}

/// Name and arguments of a call in XML notation.
fn parse_xml(text: &str, schemas: &Schemas) -> Option<(String, Map<String, Value>)> {
    let rest = text.split_once("<function=")?.1;
    let (name, rest) = rest.split_once('>')?;
    let body = rest.split_once("</function>")?.0;
    let name = name.trim();
    let properties = schemas
        .get(name)
        .and_then(|schema| schema.get("properties"));
    let mut arguments = Map::new();
    let mut rest = body;
    while let Some((_, parameter)) = rest.split_once("<parameter=") {
        let (key, parameter) = parameter.split_once('>')?;
        let (value, after) = parameter.split_once("</parameter>")?;
        let value = value.strip_prefix('\n').unwrap_or(value);
        let value = value.strip_suffix('\n').unwrap_or(value);
        let schema = properties.and_then(|properties| properties.get(key.trim()));
        arguments.insert(key.trim().to_owned(), typed(value, schema));
        rest = after;
    }
    Some((name.to_owned(), arguments))
}

/// A value as its schema types it: text, unless the schema names another type that it is.
fn typed(text: &str, schema: Option<&Value>) -> Value {
    let wants_text = match schema.and_then(|schema| schema.get("type")) {
        None => true,
        Some(Value::String(name)) => name == "string",
        Some(_) => false,
    };
    if wants_text {
        return Value::String(text.to_owned());
    }
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Content and calls, with the pieces put together.
    #[derive(Debug, Default, PartialEq, Eq)]
    struct Parsed {
        content: String,
        calls: Vec<(String, String)>,
    }

    fn schemas() -> Schemas {
        let weather = json!({"type": "object", "properties": {
            "city": {"type": "string"}, "days": {"type": "integer"}}});
        Schemas::from([("weather".to_owned(), weather)])
    }

    fn parse<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Parsed {
        let mut parser = ToolParser::new(schemas());
        let mut events = Vec::new();
        for piece in pieces {
            parser.push(piece, &mut events);
        }
        parser.finish(&mut events);
        let mut parsed = Parsed::default();
        for event in events {
            match event {
                ToolEvent::Content(text) => parsed.content.push_str(&text),
                ToolEvent::Begin(name) => parsed.calls.push((name, String::new())),
                ToolEvent::Arguments(text) => {
                    parsed.calls.last_mut().unwrap().1.push_str(&text);
                }
            }
        }
        parsed
    }

    fn check(text: &str, content: &str, calls: &[(&str, &str)]) {
        let expected = Parsed {
            content: content.to_owned(),
            calls: calls
                .iter()
                .map(|&(name, arguments)| (name.to_owned(), arguments.to_owned()))
                .collect(),
        };
        assert_eq!(parse([text]), expected);
        for (at, _) in text.char_indices() {
            let (a, b) = text.split_at(at);
            assert_eq!(parse([a, b]), expected, "{text:?} cut at {at}");
        }
        let mut cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        cuts.push(text.len());
        let characters = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]);
        assert_eq!(parse(characters), expected, "{text:?} by characters");
    }

    #[test]
    fn hermes_calls_are_parted_wherever_text_is_cut() {
        check(
            "Let me see.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Köln }\\\" \
             </tool_call>\", \"days\": [1, {\"a\": 2}]}}\n</tool_call>\n<tool_call>\n\
             {\"arguments\": {}, \"name\": \"now\"}\n</tool_call>",
            "Let me see.",
            &[
                (
                    "weather",
                    "{\"city\": \"Köln }\\\" </tool_call>\", \"days\": [1, {\"a\": 2}]}",
                ),
                ("now", "{}"),
            ],
        );
        check(
            "<tool_call>{\"name\": \"now\"}</tool_call>",
            "",
            &[("now", "{}")],
        );
        check(
            "<tool_call>{\"name\": \"now\", \"arguments\": \"{\\\"a\\\": 1}\"}</tool_call>",
            "",
            &[("now", "{\"a\": 1}")],
        );
    }

    #[test]
    fn xml_calls_get_their_types_from_the_schema() {
        check(
            "<tool_call>\n<function=weather>\n<parameter=city>\n12\n</parameter>\n\
             <parameter=days>\n3\n</parameter>\n</function>\n</tool_call>",
            "",
            &[("weather", "{\"city\":\"12\",\"days\":3}")],
        );
    }

    #[test]
    fn what_is_no_call_is_text() {
        check("a < b, <tool", "a < b, <tool", &[]);
        check(
            "<tool_call>nonsense</tool_call> b",
            "<tool_call>nonsense</tool_call> b",
            &[],
        );
        check("<tool_call>{\"nam", "<tool_call>{\"nam", &[]);
    }

    #[test]
    fn a_call_that_is_cut_off_keeps_what_there_was() {
        check(
            "<tool_call>{\"name\": \"weather\", \"arguments\": {\"city\": \"Ro",
            "",
            &[("weather", "{\"city\": \"Ro")],
        );
    }

    #[test]
    fn arguments_are_given_out_while_they_come() {
        let mut parser = ToolParser::new(schemas());
        let mut events = Vec::new();
        parser.push("<tool_call>{\"name\": \"weather\", ", &mut events);
        assert_eq!(events, [ToolEvent::Begin("weather".to_owned())]);
        events.clear();
        parser.push("\"arguments\": {\"ci", &mut events);
        assert_eq!(events, [ToolEvent::Arguments("{\"ci".to_owned())]);
    }
}
