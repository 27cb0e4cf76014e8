//! Places in source text: line and column of a byte, and an error shown with its line.

use std::fmt::Write as _;

use crate::{ast::Span, error::Error};

/// Columns shown of a source line: longer lines are cut around the error.
const LINE_WIDTH_MAX: usize = 120;

/// A line and a column, both from 1. The column counts characters, not bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// Starts of the lines of a text, to look many places up.
#[derive(Clone, Debug)]
pub struct LineIndex<'a> {
    source: &'a [u8],
    /// Offset of the first byte of each line.
    starts: Vec<usize>,
}

impl<'a> LineIndex<'a> {
    /// Finds the lines of `source`. Lines end at `\n`.
    #[must_use]
    pub fn new(source: &'a [u8]) -> Self {
        let mut starts = vec![0];
        starts.extend(
            source
                .iter()
                .enumerate()
                .filter(|&(_, &b)| b == b'\n')
                .map(|(i, _)| i + 1),
        );
        Self { source, starts }
    }

    /// Line and column of a byte. Offsets past the end give the end.
    #[must_use]
    pub fn position(&self, offset: u32) -> Position {
        let offset = to_usize(offset).min(self.source.len());
        let line = self.line_of(offset);
        let column = characters(&self.source[self.starts[line]..offset]);
        Position {
            line: to_u32(line + 1),
            column: to_u32(column + 1),
        }
    }

    /// Zero-based line that holds the byte at `offset`.
    fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|&start| start <= offset) - 1
    }

    /// The bytes of a zero-based line without its line end.
    fn line(&self, line: usize) -> &'a [u8] {
        let start = self.starts[line];
        let end = self
            .starts
            .get(line + 1)
            .map_or(self.source.len(), |&next| next - 1);
        self.source[start..end]
            .strip_suffix(b"\r")
            .unwrap_or(&self.source[start..end])
    }

    /// Shows a message with the source line it is about, as a compiler does:
    ///
    /// ```text
    /// error: expected `;`, found `}`
    ///   --> saxpy.ptx:12:5
    ///    |
    /// 12 |     }
    ///    |     ^
    /// ```
    #[must_use]
    pub fn render(&self, file_name: &str, span: Span, message: &str) -> String {
        let start = to_usize(span.start).min(self.source.len());
        let end = to_usize(span.end).clamp(start, self.source.len());
        let line = self.line_of(start);
        let Position {
            line: number,
            column,
        } = self.position(span.start);
        let bytes = self.line(line);
        let begin = (start - self.starts[line]).min(bytes.len());
        let stop = (end - self.starts[line]).clamp(begin, bytes.len());

        // The window keeps the error's first byte in sight however long the line is.
        let from = if bytes.len() <= LINE_WIDTH_MAX {
            0
        } else {
            begin.saturating_sub(LINE_WIDTH_MAX / 2)
        };
        let to = bytes.len().min(from + LINE_WIDTH_MAX);
        let before = printable(&bytes[from..begin.min(to)]);
        let marked = printable(&bytes[begin.min(to)..stop.min(to)]);
        let after = printable(&bytes[stop.min(to)..to]);

        let gutter = number.to_string().len();
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "error: {message}");
        let _ = writeln!(out, "{:gutter$}--> {file_name}:{number}:{column}", "");
        let _ = writeln!(out, "{:gutter$} |", "");
        let text = format!("{number} | {before}{marked}{after}");
        let _ = writeln!(out, "{}", text.trim_end());
        let indent = before.chars().count();
        let width = marked.chars().count().max(1);
        let _ = writeln!(out, "{:gutter$} | {:indent$}{:^<width$}", "", "", "");
        out
    }
}

/// Shows one error with its source line. For many errors of one text, [`LineIndex::render`]
/// finds the lines only once.
#[must_use]
pub fn render(file_name: &str, source: &[u8], error: &Error) -> String {
    LineIndex::new(source).render(file_name, error.span, &error.cause.to_string())
}

/// Shows all errors, an empty line after each.
#[must_use]
pub fn render_all(file_name: &str, source: &[u8], errors: &[Error]) -> String {
    let index = LineIndex::new(source);
    errors
        .iter()
        .map(|error| index.render(file_name, error.span, &error.cause.to_string()) + "\n")
        .collect()
}

/// Text fit for a terminal: tabs as one space, what is not UTF-8 or is a control as `\u{fffd}`.
fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .map(|c| match c {
            '\t' => ' ',
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}

/// Characters in a piece of a line; each run of broken UTF-8 counts as the renderer shows it.
fn characters(bytes: &[u8]) -> usize {
    String::from_utf8_lossy(bytes).chars().count()
}

fn to_usize(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_end_at_newlines() {
        let index = LineIndex::new("a\r\n\u{e9}\u{e9}x\n".as_bytes());
        let at = |offset| index.position(offset);
        assert_eq!(at(0), Position { line: 1, column: 1 });
        assert_eq!(at(3), Position { line: 2, column: 1 });
        assert_eq!(at(7), Position { line: 2, column: 3 });
        assert_eq!(at(9), Position { line: 3, column: 1 });
        assert_eq!(at(u32::MAX), Position { line: 3, column: 1 });
    }

    #[test]
    fn spans_are_marked_on_their_first_line() {
        let index = LineIndex::new(b"one\r\n\ttwo three\nfour");
        let span = Span { start: 10, end: 18 };
        assert_eq!(
            index.render("f", span, "what"),
            "error: what\n --> f:2:6\n  |\n2 |  two three\n  |      ^^^^^\n"
        );
        let end = Span { start: 20, end: 20 };
        assert_eq!(
            index.render("f", end, "what"),
            "error: what\n --> f:3:5\n  |\n3 | four\n  |     ^\n"
        );
    }

    #[test]
    fn long_lines_are_cut_around_the_error_and_controls_are_not_printed() {
        let mut line = vec![b'a'; 10_000];
        line[5_000] = 0x1b;
        let span = Span {
            start: 5_000,
            end: 5_001,
        };
        let text = LineIndex::new(&line).render("f", span, "what");
        assert!(
            text.lines().all(|line| line.chars().count() < 140),
            "{text}"
        );
        assert!(text.contains("a\u{fffd}a"), "{text}");
    }
}
