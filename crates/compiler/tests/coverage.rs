//! `docs/ptx-coverage.md`: which forms of PTX instructions the compiler translates.
//!
//! The table is made from what the compiler says to one kernel per form. The test fails when
//! the file is stale; `cargo xtask bless weft-compiler` writes it.
#![allow(
    clippy::unwrap_used,
    reason = "a malformed list of forms is a failed test"
)]

use std::fmt::Write as _;
use std::path::Path;
use weft_compiler::{Options, lower};

const HEAD: &str = "\
# PTX coverage

Generated from what the compiler translates (`crates/compiler/tests/coverage.rs`); not edited by
hand. A form is listed under *yes* when every variant of it becomes IR. What is not listed here
is refused with the instruction's name, line and section of the PTX ISA manual, and only by the
kernels that contain it. That translated code computes the right values is the business of
`crates/compiler/tests/filetests`.
";

#[test]
fn the_coverage_table_is_current() {
    let table = table(include_str!("coverage.txt"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ptx-coverage.md");
    if std::env::var_os("WEFT_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &table).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == table,
        "docs/ptx-coverage.md is stale: run with WEFT_BLESS=1 and look at the change"
    );
}

fn table(forms: &str) -> String {
    let mut text = HEAD.to_owned();
    for line in forms.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            write!(
                text,
                "\n## {heading}\n\n| form | yes | no |\n|---|---|---|\n"
            )
            .unwrap();
        } else if !line.is_empty() && !line.starts_with('#') {
            let (form, types) = line.split_once(';').unwrap();
            let (mut yes, mut no) = (Vec::new(), Vec::new());
            for ty in types.split_whitespace() {
                let all = variants(form.trim())
                    .iter()
                    .all(|variant| is_lowered(variant, ty));
                if all { yes.push(ty) } else { no.push(ty) }
            }
            let words = form.split_whitespace().next().unwrap().replace('|', "\\|");
            let list = |types: &[&str]| match types {
                ["-"] => "x".to_owned(),
                types => types.join(" "),
            };
            writeln!(text, "| `{words}` | {} | {} |", list(&yes), list(&no)).unwrap();
        }
    }
    text
}

/// The form with every choice of its alternatives.
fn variants(form: &str) -> Vec<String> {
    // Vectors of operands are in braces too, but contain no bar.
    let choice = form.match_indices('{').find_map(|(open, _)| {
        let close = open + form[open..].find('}')?;
        let inside = &form[open + 1..close];
        (inside.contains('|') && !inside.contains(',')).then_some((open, close))
    });
    let Some((open, close)) = choice else {
        return vec![form.to_owned()];
    };
    let words = form[open + 1..close].split('|');
    words
        .flat_map(|word| variants(&format!("{}{word}{}", &form[..open], &form[close + 1..])))
        .collect()
}

fn is_lowered(form: &str, ty: &str) -> bool {
    let bits: u32 = match ty {
        "pred" => 1,
        "f16x2" | "bf16x2" | "u16x2" | "s16x2" => 32,
        _ => ty
            .trim_start_matches(|c: char| c.is_ascii_alphabetic())
            .parse()
            .unwrap_or(32),
    };
    let register = match bits {
        1 => "%p",
        8 | 16 => "%h",
        32 => "%r",
        64 => "%d",
        _ => "%x",
    };
    let instruction = form.replace("$T", ty).replace('@', register);
    let wide = if instruction.contains("%x") {
        ".reg .b128 %x;"
    } else {
        ""
    };
    let source = format!(
        ".version 8.6\n.target sm_89\n.address_size 64\n.visible .entry k()\n{{\n\
         .reg .pred %p, %q; .reg .b16 %h; .reg .b32 %r; .reg .b64 %d; {wide}\n\
         {instruction};\nend: ret;\n}}\n"
    );
    match weft_ptx::parse(source.as_bytes()) {
        Ok(module) => lower(&module, source.as_bytes(), "k", &Options::default()).is_ok(),
        Err(_) => false,
    }
}
