//! The invocations of the suite's test macros.

use anyhow::{Context as _, Result, bail, ensure};

use super::literals::Array;

/// One test of the suite.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TestCase {
    /// Name of the PTX file and of the kernel in it.
    pub(super) name: String,
    /// What the first parameter points to; `None` when the only parameter is the output.
    pub(super) input: Option<Array>,
    /// What the output must be; `None` when the suite only compiles the kernel.
    pub(super) expected: Option<Array>,
    /// Threads of the one block.
    pub(super) threads: u32,
}

/// Threads of a warp test: the width of a wave on the suite's own target.
const WARP_TEST_THREADS: u32 = 64;

/// Finds every `test_ptx!`, `test_ptx_with_32!` and `test_ptx_warp!` in the text of `mod.rs`, in order.
///
/// # Errors
/// When an invocation is not of the form that the macros take, or there is none.
pub(super) fn parse(text: &str) -> Result<Vec<TestCase>> {
    let text = without_comments(text);
    let mut cases = Vec::new();
    let mut rest = text.as_str();
    // An invocation begins a line; uses inside the macros' own definitions are indented.
    while let Some(start) = find_invocation(rest) {
        let invocation = &rest[start..];
        let open = invocation
            .find('(')
            .context("an invocation without arguments")?;
        let close = invocation
            .find(");")
            .context("an invocation without an end")?;
        let mode = &invocation[..open];
        let arguments = &invocation[open + 1..close];
        cases
            .push(parse_case(mode, arguments).with_context(|| {
                format!("in {}", invocation.lines().next().unwrap_or_default())
            })?);
        rest = &invocation[close..];
    }
    ensure!(!cases.is_empty(), "no test of the suite was found");
    Ok(cases)
}

fn find_invocation(text: &str) -> Option<usize> {
    if text.starts_with("test_ptx") {
        return Some(0);
    }
    text.find("\ntest_ptx").map(|newline| newline + 1)
}

fn parse_case(mode: &str, arguments: &str) -> Result<TestCase> {
    let (name, arrays) = match arguments.split_once(',') {
        None => (arguments, Vec::new()),
        Some((name, arrays)) => (name, bracketed(arrays)?),
    };
    let arrays = arrays
        .into_iter()
        .map(Array::parse)
        .collect::<Result<Vec<_>>>()?;
    let is_warp_test = mode == "test_ptx_warp!";
    let mut arrays = arrays.into_iter();
    let (input, expected) = match (is_warp_test, arrays.len()) {
        (_, 0) => (None, None),
        (true, 1) => (None, arrays.next()),
        (false, 2) => (arrays.next(), arrays.next()),
        (_, count) => bail!("{mode} with {count} arrays"),
    };
    Ok(TestCase {
        name: name.trim().to_owned(),
        input,
        expected,
        threads: if is_warp_test { WARP_TEST_THREADS } else { 1 },
    })
}

/// The texts between the brackets of `[...], [...]`.
fn bracketed(text: &str) -> Result<Vec<&str>> {
    let mut arrays = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let close = rest.find(']').context("an array without an end")?;
        ensure!(open < close, "an array that ends before it begins");
        arrays.push(&rest[open + 1..close]);
        rest = &rest[close + 1..];
    }
    Ok(arrays)
}

fn without_comments(text: &str) -> String {
    text.lines()
        .flat_map(|line| [line.split("//").next().unwrap_or_default(), "\n"])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
macro_rules! test_ptx {
    ($fn_name:ident) => {
        test_ptx_llvm!($fn_name);
    };
}
test_ptx!(mov, [1u64], [2u64]);
// test_ptx!(add_ftz, [0], [0]);
test_ptx_with_32!(
    add,
    // a comment [ in between
    [half::f16::from_f32(1.5), half::f16::NAN],
    [5u32, 6],
);
test_ptx!(trap);
test_ptx_warp!(tid, [0u8, 1u8]);
";

    #[test]
    fn every_form_of_invocation_is_read() {
        let cases = parse(TEXT).expect("the text is a suite");
        let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["mov", "add", "trap", "tid"]);
        assert_eq!(cases[0].input, Array::parse("1u64").ok());
        assert_eq!(cases[1].expected, Array::parse("5u32, 6u32").ok());
        assert_eq!((&cases[2].input, &cases[2].expected), (&None, &None));
        assert_eq!((&cases[3].input, cases[3].threads), (&None, 64));
        assert_eq!(cases[3].expected, Array::parse("0u8, 1u8").ok());
    }

    #[test]
    fn a_file_without_tests_is_an_error() {
        assert!(parse("fn main() {}").is_err());
    }
}
