//! Grammars over the vocabulary of weft-tiny, walked by a seeded choice of allowed tokens.

use std::path::Path;

use super::*;
use serde_json::Map;

const EOS: u32 = 2;

fn grammars() -> Grammars {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../models/weft-tiny/tokenizer.json"
    );
    let tokenizer = Tokenizer::from_file(Path::new(path)).unwrap();
    let vocabulary = tokenizer.vocabulary();
    Grammars::new(&tokenizer, vocabulary, &[EOS])
}

/// A text that the constraint lets through, by tokens drawn with this seed; `None` if it had not
/// ended after 400 tokens.
fn walk(grammars: &Grammars, structure: &Structure, seed: u64) -> Option<String> {
    let mut constraint = grammars.constraint(structure, Thinking::Absent).unwrap();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut tokens = Vec::new();
    for _ in 0..400 {
        let mut allowed = TokenSet::none(grammars.vocabulary);
        if constraint.allowed(&mut allowed).unwrap() == ConstraintStep::Complete {
            return Some(grammars.tokenizer.decode(&tokens, false).unwrap());
        }
        let size = u32::try_from(grammars.vocabulary).unwrap();
        let choices: Vec<u32> = (0..size).filter(|&token| allowed.contains(token)).collect();
        assert!(!choices.is_empty(), "nothing may come after {tokens:?}");
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // The shortest way out every other time, or a string would seldom end.
        let token = if state & 1 == 0 {
            choices[usize::try_from(state >> 8).unwrap() % choices.len()]
        } else {
            let length = |token: &&u32| grammars.tokenizer.id_to_token(**token).unwrap().len();
            *choices.iter().min_by_key(length).unwrap()
        };
        if token == EOS {
            return Some(grammars.tokenizer.decode(&tokens, false).unwrap());
        }
        tokens.push(token);
        constraint.accept(token).unwrap();
    }
    None
}

fn walks(structure: &Structure) -> Vec<String> {
    let grammars = grammars();
    let texts: Vec<String> = (0..40)
        .filter_map(|seed| walk(&grammars, structure, seed))
        .collect();
    assert!(texts.len() >= 10, "only {} of 40 walks ended", texts.len());
    texts
}

#[test]
fn what_ends_is_json_of_the_schema() {
    let schema = json!({
        "type": "object",
        "properties": {
            "count": {"type": "integer", "minimum": 1, "maximum": 99},
            "colour": {"enum": ["red", "blå"]},
            "tags": {"type": "array", "items": {"type": "boolean"}, "maxItems": 2},
        },
        "required": ["count", "colour", "tags"],
        "additionalProperties": false,
    });
    for text in walks(&Structure::JsonSchema(schema)) {
        let value: Map<String, Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(
            value.keys().collect::<Vec<_>>(),
            ["count", "colour", "tags"],
            "{text}"
        );
        assert!(
            (1..=99).contains(&value["count"].as_i64().unwrap()),
            "{text}"
        );
        assert!(
            ["red", "blå"].contains(&value["colour"].as_str().unwrap()),
            "{text}"
        );
        let tags = value["tags"].as_array().unwrap();
        assert!(
            tags.len() <= 2 && tags.iter().all(Value::is_boolean),
            "{text}"
        );
    }
}

#[test]
fn choices_and_regular_expressions_are_kept() {
    let choices = ["yes".to_owned(), "no \"really\"".to_owned()];
    for text in walks(&Structure::Choice(choices.to_vec())) {
        assert!(choices.contains(&text), "{text}");
    }
    for text in walks(&Structure::Regex("[a-c]{2}-[0-9]{3}".to_owned())) {
        let (letters, digits) = text.split_once('-').unwrap();
        assert!(letters.len() == 2 && letters.bytes().all(|byte| (b'a'..=b'c').contains(&byte)));
        assert!(digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()));
    }
}

#[test]
fn a_required_call_is_a_call() {
    let functions = vec![
        (
            "now".to_owned(),
            json!({"type": "object", "properties": {}, "additionalProperties": false}),
        ),
        (
            "add".to_owned(),
            json!({"type": "object", "properties": {"a": {"type": "boolean"}},
            "required": ["a"], "additionalProperties": false}),
        ),
    ];
    let structure = Structure::ToolCalls {
        functions,
        several: false,
    };
    for text in walks(&structure) {
        let call = text.strip_prefix("<tool_call>\n").unwrap();
        let call = call.strip_suffix("\n</tool_call>").unwrap();
        let call: Value = serde_json::from_str(call).unwrap();
        match call["name"].as_str().unwrap() {
            "now" => assert_eq!(call["arguments"], json!({})),
            "add" => assert!(call["arguments"]["a"].is_boolean()),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn thinking_is_free_and_the_structure_comes_after() {
    let grammars = grammars();
    let (open, close) = (100, 101);
    let thinking = Thinking::Possible { open, close };
    let structure = Structure::Choice(vec!["yes".to_owned()]);
    let mut constraint = grammars.constraint(&structure, thinking).unwrap();
    let mut allowed = TokenSet::none(grammars.vocabulary);
    assert_eq!(
        constraint.allowed(&mut allowed),
        Ok(ConstraintStep::Restricted)
    );
    assert!(allowed.contains(open) && !allowed.contains(close));
    constraint.accept(open).unwrap();
    assert_eq!(constraint.allowed(&mut allowed), Ok(ConstraintStep::Free));
    constraint.accept(500).unwrap();
    let mut fork = constraint.fork();
    for each in [&mut constraint, &mut fork] {
        each.accept(close).unwrap();
        let mut allowed = TokenSet::none(grammars.vocabulary);
        assert_eq!(each.allowed(&mut allowed), Ok(ConstraintStep::Restricted));
        assert!(!allowed.contains(open));
    }
}

#[test]
fn structures_that_make_no_sense_are_refused() {
    let grammars = grammars();
    for structure in [
        Structure::JsonSchema(json!({"type": "colour"})),
        Structure::JsonSchema(json!({"not": {"type": "string"}})),
        Structure::Regex("(".to_owned()),
        Structure::Lark("start: ???".to_owned()),
    ] {
        let result = grammars.constraint(&structure, Thinking::Absent);
        assert!(result.is_err(), "{structure:?} is accepted");
    }
}
