//! The error of a failed cell, and how it shows a place in the cell. Does no I/O.

use corebook_magics::magic::MagicError;

/// Why a cell failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellError {
    pub name: String,
    pub value: String,
    pub traceback: Vec<String>,
}

impl CellError {
    /// An error whose traceback is one line, name and value. [`Self::with_line`] adds more.
    pub fn new(name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        let first = format!("{RED}{name}{RESET}: {value}");
        Self {
            name: name.to_owned(),
            value,
            traceback: vec![first],
        }
    }

    /// Adds a line to the traceback.
    pub fn with_line(mut self, line: String) -> Self {
        self.traceback.push(line);
        self
    }

    /// The error of a cell that can't run because evcxr did not start.
    pub fn not_started(reason: &str) -> Self {
        Self::new("StartError", reason)
            .with_line("The kernel could not start. Fix this, then restart the kernel.".to_owned())
    }

    /// The error of a cell that was not run because a file with settings for its compilation can't be used.
    pub fn not_prepared(reason: &str) -> Self {
        Self::new("StartError", reason)
            .with_line("No code of the cell has run. Fix this, then run the cell again.".to_owned())
    }

    /// The error of a malformed magic.
    pub fn magic(execution_count: usize, source: &str, error: &MagicError) -> Self {
        let start = source.floor_char_boundary(error.span.start.min(source.len()));
        let line = source[..start].matches('\n').count() + 1;
        let column = source[..start]
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        let source_line = source.lines().nth(line - 1).unwrap_or_default();
        Self::new("MagicError", &error.message).with_line(place_lines(
            &format!("cell [{execution_count}]:{line}:{column}"),
            line,
            source_line,
            column,
        ))
    }
}

const RED: &str = "\u{1b}[1;31m";
pub const BLUE: &str = "\u{1b}[1;34m";
pub const RESET: &str = "\u{1b}[0m";

/// Shows a place with its source line in rustc's format.
pub fn place_lines(place: &str, line: usize, source_line: &str, column: usize) -> String {
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let indent = " ".repeat(column.saturating_sub(1));
    format!(
        "{margin}{BLUE}-->{RESET} {place}\n{margin} {BLUE}|{RESET}\n{BLUE}{number} |{RESET} {source_line}\n{margin} {BLUE}|{RESET} {indent}{RED}^{RESET}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_magic_error_points_at_the_magic() {
        let source = "let x = 1;\n%timit x";
        let error = MagicError {
            message: "unknown magic %timit".into(),
            span: 11..17,
        };
        let error = CellError::magic(3, source, &error);
        assert_eq!(error.value, "unknown magic %timit");
        assert!(
            error.traceback[1].contains("cell [3]:2:1"),
            "{:?}",
            error.traceback
        );
        assert!(error.traceback[1].contains("%timit x"));
    }
}
