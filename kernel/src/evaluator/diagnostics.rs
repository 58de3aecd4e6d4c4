//! Renders compile errors: rustc's own messages, located in the cells as they were typed. Does no I/O.
//!
//! rustc reports places in the generated source. The map of the source leads to the code of a cell, and the source map
//! of the magics from there to the typed cell.

use std::collections::BTreeMap;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use corebook_cells::messages::{Message, Span};
use corebook_cells::source::Source;
use corebook_magics::magic::MagicError;
use corebook_magics::measured;
use evcxr::CompilationError;

use super::error::CellError;
use super::locate::{Cell, Cells};

/// One error for all errors of the compiler.
///
/// * `number`: the number of the cell.
/// * `hints`: other possible causes, for example a magic in a place where magics are not recognised.
pub fn compile_error(
    errors: &[Message],
    source: &Source,
    number: usize,
    cells: &Cells,
    hints: &[MagicError],
) -> CellError {
    let reports = errors
        .iter()
        .map(|error| Report::of_compiler(error, source, number, cells));
    to_error(reports.collect(), number, cells, hints)
}

/// The error of a command, such as `:dep`.
pub fn command_error(errors: &[CompilationError], number: usize, cells: &Cells) -> CellError {
    let cell = cells.get(number);
    let reports = errors
        .iter()
        .map(|error| Report::of_command(error, number, cell));
    to_error(reports.collect(), number, cells, &[])
}

fn to_error(
    mut reports: Vec<Report>,
    number: usize,
    cells: &Cells,
    hints: &[MagicError],
) -> CellError {
    // rustc reports errors in the order in which it finds them. Errors without a place come last, as with rustc.
    reports.sort_by_key(|report| {
        let place = report.place_in(number);
        (place.is_none(), place)
    });
    let mut traceback: Vec<String> = Vec::new();
    for report in &reports {
        let text = report.render(number, cells);
        // The compiler reports an error twice if the code is compiled in two places.
        if !traceback.contains(&text) {
            traceback.push(text);
        }
    }
    traceback.extend(hints.iter().map(|hint| format!("hint: {hint}")));
    let first = reports.first();
    CellError {
        name: "CompileError".to_owned(),
        value: first.map_or_else(|| "the cell does not compile".to_owned(), Report::summary),
        traceback,
    }
}

/// An error as it is shown.
struct Report {
    code: Option<String>,
    text: String,
    labels: Vec<Label>,
    asides: Vec<Aside>,
}

/// A place in a cell and the compiler's message about it.
struct Label {
    /// The number of the cell.
    cell: usize,
    /// The bytes of the cell as it was typed.
    range: Range<usize>,
    text: String,
    is_primary: bool,
}

/// A note or help without a place in a cell.
struct Aside {
    text: String,
    is_help: bool,
}

impl Report {
    fn of_compiler(error: &Message, source: &Source, number: usize, cells: &Cells) -> Self {
        let labels = error
            .spans
            .iter()
            .filter_map(|span| label(span, source, cells));
        let mut labels: Vec<Label> = labels.collect();
        // The place may be in generated code, and only a note's in the cell.
        if labels.is_empty() {
            let children = error.children.iter().flat_map(|child| &child.spans);
            labels.extend(children.filter_map(|span| label(span, source, cells)));
        }
        if !labels.is_empty() && !labels.iter().any(|label| label.is_primary) {
            labels[0].is_primary = true;
        }
        let mut asides: Vec<Aside> = error
            .children
            .iter()
            .filter_map(|child| aside(child, source))
            .collect();
        let code = error.code.as_deref();
        let is_timing = cells.get(number).is_some_and(|cell| cell.is_timing);
        let on_timing = code
            .filter(|_| is_timing)
            .and_then(|code| measured::advice(code, &error.text));
        let advice = on_timing.or_else(|| advice(code, &error.text).map(str::to_owned));
        asides.extend(advice.map(|text| Aside {
            text,
            is_help: true,
        }));
        Self {
            code: error.code.clone(),
            text: readable(&error.text),
            labels,
            asides,
        }
    }

    fn of_command(error: &CompilationError, number: usize, cell: Option<&Cell>) -> Self {
        let label = cell.and_then(|cell| {
            let span = error.primary_spanned_message()?.span?;
            let start = offset(&cell.code, span.start_line, span.start_column);
            let end = offset(&cell.code, span.end_line, span.end_column).max(start);
            Some(Label {
                cell: number,
                range: cell.typed(start..end),
                text: String::new(),
                is_primary: true,
            })
        });
        Self {
            code: error.code().map(str::to_owned),
            text: error.message(),
            labels: label.into_iter().collect(),
            asides: Vec::new(),
        }
    }

    /// The first byte of the error in a cell. None if it is not in the cell.
    fn place_in(&self, number: usize) -> Option<usize> {
        let primary = self.labels.iter().find(|label| label.is_primary)?;
        (primary.cell == number).then_some(primary.range.start)
    }

    /// The error in one line: `E0308: mismatched types`.
    fn summary(&self) -> String {
        match &self.code {
            Some(code) => format!("{code}: {}", self.text),
            None => self.text.clone(),
        }
    }

    /// * `number`: the number of the cell that failed. Its places are shown first.
    fn render(&self, number: usize, cells: &Cells) -> String {
        let mut title = Level::ERROR.primary_title(&self.text);
        if let Some(code) = &self.code {
            title = title.id(code);
        }
        let mut group = Group::with_title(title);
        let mut by_cell: BTreeMap<(bool, usize), Vec<&Label>> = BTreeMap::new();
        for label in &self.labels {
            let place = (label.cell != number, label.cell);
            by_cell.entry(place).or_default().push(label);
        }
        let snippets: Vec<(String, &Cell, Vec<&Label>)> = by_cell
            .into_iter()
            .filter_map(|((_, cell), labels)| {
                let cell = cells.get(cell)?;
                Some((format!("cell [{}]", cell.execution_count), cell, labels))
            })
            .collect();
        for (path, cell, labels) in &snippets {
            let snippet = Snippet::source(cell.source.as_str()).path(path);
            let annotations = labels.iter().map(|label| label.to_annotation());
            group = group.element(snippet.annotations(annotations));
        }
        for aside in &self.asides {
            let level = if aside.is_help {
                Level::HELP
            } else {
                Level::NOTE
            };
            group = group.element(level.message(&aside.text));
        }
        Renderer::styled().render(&[group])
    }
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

fn label(span: &Span, source: &Source, cells: &Cells) -> Option<Label> {
    let place = source.place(&span.range)?;
    let cell = cells.get(place.cell)?;
    Some(Label {
        cell: place.cell,
        range: cell.typed(place.range),
        text: readable(&span.label),
        is_primary: span.is_primary,
    })
}

/// None for a part that is about generated code.
fn aside(child: &Message, source: &Source) -> Option<Aside> {
    if !matches!(child.level.as_str(), "help" | "note") || is_internal(&child.text) {
        return None;
    }
    let suggestions = child.spans.iter().filter(|span| span.replacement.is_some());
    let mut replacements: Vec<&str> = Vec::new();
    for span in suggestions {
        source.place(&span.range)?;
        let replacement = span.replacement.as_deref().unwrap_or_default().trim();
        if !replacement.is_empty() && !replacement.contains('\n') {
            replacements.push(replacement);
        }
    }
    let text = match replacements.as_slice() {
        [] => child.text.clone(),
        replacements => format!("{}: `{}`", child.text, replacements.join("` and `")),
    };
    Some(Aside {
        text: readable(&text),
        is_help: child.level == "help",
    })
}

/// Help for learners that rustc does not give.
fn advice(code: Option<&str>, message: &str) -> Option<&'static str> {
    match code {
        Some("E0277") if message.contains("between threads safely") => {
            Some(advice_on_sharing(message))
        }
        Some("E0282" | "E0283") => Some("write the type out, for example `let v: Vec<i64> = …`"),
        Some("E0384" | "E0596") => {
            Some("make a variable of an earlier cell mutable with `let mut x = x;`")
        }
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
        "corebook_",
        "corebook::__private",
        "corebook::display::show_value",
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
