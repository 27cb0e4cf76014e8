//! Wrong texts and the messages they give, in `errors/table.txt`; and the wrong texts that
//! cannot be written there, because they are too large, too deep or no text.
//!
//! A case of the table is `=== title`, the text, `---`, and the messages. With `WEFT_BLESS=1` in
//! the environment, the messages are written anew: read the difference before keeping it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fmt::Write as _, fs, path::Path};

use weft_ptx::{
    Cause,
    ast::{Directive, Span},
    parse::{self, parse, parse_with_errors},
    source::render_all,
};

#[test]
fn messages_are_those_of_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors/table.txt");
    let table = fs::read_to_string(&path).unwrap();
    let mut actual = String::new();
    for case in table.split("=== ").skip(1) {
        let (title, rest) = case.split_once('\n').unwrap();
        let (text, _) = rest.split_once("\n---\n").unwrap();
        let (_, errors) = parse_with_errors(text.as_bytes());
        assert!(!errors.is_empty(), "{title}: no error");
        let messages = render_all("a.ptx", text.as_bytes(), &errors);
        write!(actual, "=== {title}\n{text}\n---\n{messages}").unwrap();
    }
    if std::env::var_os("WEFT_BLESS").is_some() {
        fs::write(&path, actual).unwrap();
    } else {
        assert_eq!(
            table, actual,
            "messages have changed; WEFT_BLESS=1 accepts them"
        );
    }
}

/// The head of a module, to put in front of what is tested.
const HEAD: &str = ".version 8.0\n.target sm_80\n";

/// The causes of the errors of a text behind [`HEAD`].
fn causes(text: impl AsRef<[u8]>) -> Vec<Cause> {
    let source = [HEAD.as_bytes(), text.as_ref()].concat();
    let (_, errors) = parse_with_errors(&source);
    errors.into_iter().map(|error| error.cause).collect()
}

#[test]
fn bytes_that_are_no_text() {
    assert_eq!(causes(b".func f() { \xff\xfe ret; }"), [Cause::NotUtf8]);
    assert_eq!(
        causes(".func f() { \u{e9} ret; }"),
        [Cause::UnexpectedByte(0xc3)]
    );
    assert_eq!(
        causes(b".func f() { \0\0 ret; }"),
        [Cause::UnexpectedByte(0)]
    );
    assert_eq!(causes(b".file 1 \"\xff\""), [Cause::NotUtf8]);
    // In a comment, anything goes.
    assert_eq!(causes(b".func f() { // \xff\n ret; /* \xff */ }\0"), []);
}

#[test]
fn nesting_is_limited() {
    let deep = |open: &str, close: &str| {
        let text = format!(
            ".func f() {{ {}{} }}",
            open.repeat(100_000),
            close.repeat(100_000)
        );
        let causes = causes(text);
        assert!(
            causes.contains(&Cause::TooDeep(parse::DEPTH_MAX)),
            "{open}: {causes:?}"
        );
    };
    deep("{", "}");
    for piece in ["-", "~", "(", "{", "1+(", "1?", "!", "(.s64)"] {
        let causes = causes(format!(
            ".func f() {{ mov.b32 a, {}1; }}",
            piece.repeat(100_000)
        ));
        assert!(
            causes.contains(&Cause::TooDeep(parse::DEPTH_MAX)),
            "{piece}: {causes:?}"
        );
    }
    let causes = causes(format!(".global .u32 x[] = {};", "{".repeat(100_000)));
    assert!(
        causes.contains(&Cause::TooDeep(parse::DEPTH_MAX)),
        "{causes:?}"
    );
}

#[test]
fn nesting_within_the_limit_is_no_error() {
    let depth = 100;
    let blocks = format!(
        ".func f() {{ {} {} }}",
        "{".repeat(depth),
        "}".repeat(depth)
    );
    assert_eq!(causes(blocks), []);
    let expression = format!(
        ".func f() {{ mov.b32 a, {}1{}; }}",
        "(".repeat(depth),
        ")".repeat(depth)
    );
    assert_eq!(causes(expression), []);
    // Long is not deep.
    assert_eq!(
        causes(format!(
            ".func f() {{ mov.b32 a, 1{}; }}",
            "+1".repeat(100_000)
        )),
        []
    );
}

#[test]
fn register_counts_are_limited() {
    let max = parse::REGISTERS_MAX;
    assert_eq!(
        causes(".func f() { .reg .b32 %r<4000000000>; }"),
        [Cause::TooManyRegisters {
            count: 4_000_000_000,
            max
        }]
    );
    // In one function together; the next one starts anew.
    assert_eq!(
        causes(".func f() { .reg .b32 %r<1000000>; } .func g() { .reg .b32 %r<1000000>; }"),
        []
    );
    assert_eq!(
        causes(".func f() { .reg .b32 %r<1000000>; { .reg .b64 %rd<1000000>; } }"),
        [Cause::TooManyRegisters {
            count: 2_000_000,
            max
        }]
    );
}

#[test]
fn errors_are_limited() {
    let (module, errors) = parse_with_errors(&[b'\x01'; 10_000_000]);
    assert_eq!(errors.len(), 101);
    assert_eq!(errors[100].cause, Cause::TooManyErrors(100));
    assert!(module.directives.is_empty());
    let causes = causes(".func f() {".to_owned() + &"1;".repeat(1000));
    assert_eq!(causes.len(), 101);
}

#[test]
fn sound_statements_around_an_error_are_kept() {
    let source = format!(
        "{HEAD}.func f() {{ add; mov {{a, ^}}, b; sub; .reg .q x; ret; }} .bad; .func g();"
    );
    let (module, errors) = parse_with_errors(source.as_bytes());
    assert_eq!(errors.len(), 3, "{errors:?}");
    let [Directive::Function(f), Directive::Function(g)] = &module.directives[..] else {
        panic!("{module:#?}")
    };
    assert_eq!(f.body.as_ref().map(Vec::len), Some(3));
    assert_eq!(g.name, "g");
}

#[test]
fn an_error_knows_its_bytes() {
    let source = b".version 8.0\n.target sm_80\n.bogus 1;";
    let errors = parse(source).unwrap_err();
    assert_eq!(errors[0].span, Span { start: 27, end: 33 });
    assert_eq!(
        errors[0].to_string(),
        "unknown directive `.bogus` (at byte 27)"
    );
}
