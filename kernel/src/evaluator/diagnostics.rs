//! Renders compile errors: rustc's own messages, located in the cell as it was typed. Does no I/O.
//!
//! evcxr reports where an error is in the generated code. The source map of the magics maps that to the typed cell.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use corebook_magics::magic::MagicError;
use corebook_magics::measured;
use evcxr::CompilationError;

use super::error::CellError;
use super::locate::Cell;

/// One error for all errors of the compiler.
///
/// * `hints`: other possible causes, for example a magic in a place where magics are not recognised.
pub fn compile_error(errors: &[CompilationError], cell: &Cell, hints: &[MagicError]) -> CellError {
    let is_error = |error: &&CompilationError| error.level() == "error";
    let mut shown: Vec<&CompilationError> = errors.iter().filter(is_error).collect();
    if shown.is_empty() {
        // If an error is located in generated code, evcxr reports one of its notes instead.
        shown = errors.iter().collect();
    }
    // rustc reports errors in the order in which it finds them. Errors without a place come last, as with rustc.
    shown.sort_by_key(|error| {
        let place = place(error);
        (place.is_none(), place)
    });
    let mut reports: Vec<String> = Vec::new();
    for error in &shown {
        let report = render(error, cell);
        // The compiler reports an error twice if the code is compiled in two places.
        if !reports.contains(&report) {
            reports.push(report);
        }
    }
    reports.extend(hints.iter().map(|hint| format!("hint: {hint}")));
    let value = shown.first().map_or_else(
        || "the cell does not compile".to_owned(),
        |first| summary(first),
    );
    CellError {
        name: "CompileError".to_owned(),
        value,
        traceback: reports,
    }
}

/// Line and column of an error in the cell. None if it is not in the cell.
fn place(error: &CompilationError) -> Option<(usize, usize)> {
    let span = error.primary_spanned_message()?.span?;
    Some((span.start_line, span.start_column))
}

/// The error in one line: `E0308: mismatched types`.
fn summary(error: &CompilationError) -> String {
    match error.code() {
        Some(code) => format!("{code}: {}", readable(&error.message())),
        None => readable(&error.message()),
    }
}

fn render(error: &CompilationError, cell: &Cell) -> String {
    let path = format!("cell [{}]", cell.execution_count);
    let message = readable(&error.message());
    let mut title = Level::ERROR.primary_title(&message);
    if let Some(code) = error.code() {
        title = title.id(code);
    }
    let labels = labels(error, cell);
    let mut group = Group::with_title(title);
    if !labels.is_empty() {
        let snippet = Snippet::source(cell.source.as_str()).path(&path);
        group = group.element(snippet.annotations(labels.iter().map(Label::to_annotation)));
    }
    let asides = asides(error, cell);
    for aside in &asides {
        let level = if aside.is_help {
            Level::HELP
        } else {
            Level::NOTE
        };
        group = group.element(level.message(&aside.text));
    }
    Renderer::styled().render(&[group])
}

/// A place in the cell and the compiler's message about it.
struct Label {
    range: Range<usize>,
    text: String,
    is_primary: bool,
}

impl Label {
    fn to_annotation(&self) -> Annotation<'_> {
        let kind = if self.is_primary {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        let annotation = kind.span(self.range.clone());
        if self.text.is_empty() {
            annotation
        } else {
            annotation.label(&self.text)
        }
    }
}

fn labels(error: &CompilationError, cell: &Cell) -> Vec<Label> {
    let repeats = format!("error: {}", error.message());
    let mut labels: Vec<Label> = Vec::new();
    for message in error.spanned_messages() {
        let Some(span) = message.span else { continue };
        let start = offset(&cell.code, span.start_line, span.start_column);
        let end = offset(&cell.code, span.end_line, span.end_column).max(start);
        let range = clamp(cell.map.nearest_source(start..end), &cell.source);
        // If rustc has no label, evcxr repeats the message.
        let text = if message.label == repeats {
            String::new()
        } else {
            readable(&message.label)
        };
        labels.push(Label {
            range,
            text,
            is_primary: message.is_primary,
        });
    }
    if !labels.is_empty() && !labels.iter().any(|label| label.is_primary) {
        labels[0].is_primary = true;
    }
    labels
}

/// A note or help without a place in the cell.
struct Aside {
    text: String,
    is_help: bool,
}

fn asides(error: &CompilationError, cell: &Cell) -> Vec<Aside> {
    let mut asides = Vec::new();
    for child in error.json["children"].as_array().into_iter().flatten() {
        let (Some(level), Some(text)) = (child["level"].as_str(), child["message"].as_str()) else {
            continue;
        };
        if !matches!(level, "help" | "note") || is_internal(text) {
            continue;
        }
        let replacements: Vec<&str> = child["spans"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|span| span["suggested_replacement"].as_str())
            .map(str::trim)
            .filter(|replacement| !replacement.is_empty() && !replacement.contains('\n'))
            .collect();
        let text = match replacements.as_slice() {
            [] => text.to_owned(),
            replacements => format!("{text}: `{}`", replacements.join("` and `")),
        };
        asides.push(Aside {
            text: readable(&text),
            is_help: level == "help",
        });
    }
    let message = error.message();
    let on_timing = error
        .code()
        .filter(|_| cell.is_timing)
        .and_then(|code| measured::advice(code, &message));
    let advice = on_timing.or_else(|| advice(error).map(str::to_owned));
    asides.extend(advice.map(|text| Aside {
        text,
        is_help: true,
    }));
    asides
}

/// Help for learners that rustc does not give.
fn advice(error: &CompilationError) -> Option<&'static str> {
    let message = error.message();
    match error.code() {
        Some("E0277") if message.contains("between threads safely") => {
            Some(advice_on_sharing(&message))
        }
        Some("E0282" | "E0283") => Some("write the type out, for example `let v: Vec<i64> = …`"),
        Some("E0384" | "E0596") => {
            Some("make a variable of an earlier cell mutable with `let mut x = x;`")
        }
        Some("E0597") => Some(
            "a variable that later cells use can't hold a reference; wrap the code in braces `{ … }` to use it in this cell alone",
        ),
        _ => None,
    }
}

/// Names the thread-safe alternative to a type that is not.
fn advice_on_sharing(message: &str) -> &'static str {
    if message.contains("Rc<") {
        "`Rc` counts without locks, so threads can't share it: use `std::sync::Arc`"
    } else if message.contains("RefCell<") {
        "`RefCell` checks borrows without locks, so threads can't share it: use `std::sync::Mutex`"
    } else if message.contains("Cell<") {
        "`Cell` changes without locks, so threads can't share it: use an atomic such as `std::sync::atomic::AtomicU64`"
    } else {
        "the workers of a pool share what a closure captures: use `Arc`, `Mutex` or an atomic"
    }
}

/// Removes places in generated code from rustc's messages.
fn readable(text: &str) -> String {
    let mut readable = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{closure@src/lib.rs:") {
        let Some(len) = rest[start..].find('}') else {
            break;
        };
        readable.push_str(&rest[..start]);
        readable.push_str("{closure}");
        rest = &rest[start + len + 1..];
    }
    readable.push_str(rest);
    readable
}

/// Whether a note is about generated code.
fn is_internal(text: &str) -> bool {
    [
        "evcxr",
        "full name for the type has been written",
        "src/lib.rs",
        "::<impl corebook::",
    ]
    .iter()
    .any(|word| text.contains(word))
}

/// The byte at a line and a column, which both start at 1. Columns count characters.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let line = text[start..].split('\n').next().unwrap_or_default();
    start
        + line
            .chars()
            .take(column.saturating_sub(1))
            .map(char::len_utf8)
            .sum::<usize>()
}

/// `range` limited to `text` and extended to character boundaries.
fn clamp(range: Range<usize>, text: &str) -> Range<usize> {
    let start = text.floor_char_boundary(range.start);
    start..text.ceil_char_boundary(range.end).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_generated_code_are_left_out() {
        assert_eq!(
            readable("within this `{closure@src/lib.rs:127:10: 127:13}`"),
            "within this `{closure}`"
        );
        assert_eq!(readable("no closure {x}"), "no closure {x}");
    }

    #[test]
    fn offsets_count_characters_within_a_line() {
        let text = "let é = 1;\nfoo(é)\n";
        assert_eq!(&text[offset(text, 2, 5)..], "é)\n");
        assert_eq!(offset(text, 1, 1), 0);
        assert_eq!(offset(text, 9, 9), text.len());
    }
}
