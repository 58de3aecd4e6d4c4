//! Decides from tokens whether a cell is ready to run. A console asks this when the user presses Enter.
//!
//! It looks for open brackets, strings and comments. It does not parse Rust, so a complete cell may still
//! fail to compile.

use ra_ap_rustc_lexer::{LiteralKind, TokenKind};

use crate::scan::{Scan, scan};
use crate::statement::Statement;
use crate::tokens::{Step, Token, tokens};

/// Whether a cell is ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completeness {
    Complete,
    /// More input must follow.
    Incomplete {
        /// The indentation of the next line.
        indent: String,
    },
    /// No further input can make it correct.
    Invalid,
    /// It may be complete, or may continue.
    Unknown,
}

/// Whether `source` is ready to run.
///
/// A cell magic is complete after a blank line. A cell that ends with an operator is [`Completeness::Unknown`].
///
/// ```
/// use corebook_magics::completeness::{Completeness, is_complete};
///
/// let indent = "    ".to_owned();
/// assert_eq!(is_complete("fn f() {"), Completeness::Incomplete { indent });
/// assert_eq!(is_complete("fn f() {}"), Completeness::Complete);
/// ```
pub fn is_complete(source: &str) -> Completeness {
    let scan = scan(source);
    let (end, last) = match state_at_end(source, &scan) {
        Ok(state) => state,
        Err(verdict) => return verdict,
    };
    if let Some(open) = end.brackets().innermost() {
        let indent = indent_after(source, open);
        return Completeness::Incomplete { indent };
    }
    let is_cell_magic = scan.magics.first().is_some_and(|found| {
        found.call.body.is_some() && source[..found.call.span.start].trim().is_empty()
    });
    let ends_blank = source
        .split_inclusive('\n')
        .next_back()
        .is_none_or(|line| line.trim().is_empty());
    if is_cell_magic && !ends_blank || end.awaits_item() {
        return Completeness::Incomplete {
            indent: String::new(),
        };
    }
    match last {
        Some(last) if !is_cell_magic && is_binary_operator(last.kind) => Completeness::Unknown,
        _ => Completeness::Complete,
    }
}

/// The statement in which the cell ends, and the last token that is not trivia. The Rust in magics counts.
///
/// # Errors
///
/// The answer, if it is clear before the end of the cell.
fn state_at_end(source: &str, scan: &Scan<'_>) -> Result<(Statement, Option<Token>), Completeness> {
    let mut statement = Statement::default();
    let mut last: Option<Token> = None;
    let mut at = 0;
    let names = scan.magics.iter().map(|found| found.head.clone());
    let mut skipped: Vec<_> = names.chain(scan.commands.iter().cloned()).collect();
    skipped.push(source.len()..source.len());
    skipped.sort_by_key(|range| range.start);
    for gap in skipped {
        for token in tokens(source, at..gap.start) {
            if token.unterminated().is_some() {
                return Err(Completeness::Incomplete {
                    indent: String::new(),
                });
            }
            let is_broken = matches!(
                token.kind,
                TokenKind::Literal {
                    kind: LiteralKind::Char { terminated: false },
                    ..
                } | TokenKind::Literal {
                    kind: LiteralKind::Byte { terminated: false },
                    ..
                }
            );
            if is_broken || statement.step(&token, &source[token.span.clone()]) == Step::Mismatched
            {
                return Err(Completeness::Invalid);
            }
            if !token.is_trivia() {
                last = Some(token);
            }
        }
        at = gap.end;
    }
    Ok((statement, last))
}

/// The indentation of the line with the innermost open bracket, and four blanks more.
fn indent_after(source: &str, open: &Token) -> String {
    let line_start = source[..open.span.start].rfind('\n').map_or(0, |at| at + 1);
    let line = &source[line_start..];
    let blanks = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
    format!("{blanks}    ")
}

/// Whether the token is an operator that needs an operand on its right. `..` and `>` do not count, because they
/// can end `0..` and `Vec<T>`.
fn is_binary_operator(kind: TokenKind) -> bool {
    use TokenKind::{And, Caret, Comma, Eq, Lt, Minus, Or, Percent, Plus, Slash, Star};
    matches!(
        kind,
        And | Caret | Comma | Eq | Lt | Minus | Or | Percent | Plus | Slash | Star
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incomplete(indent: &str) -> Completeness {
        Completeness::Incomplete {
            indent: indent.to_owned(),
        }
    }

    #[test]
    fn open_brackets_strings_and_comments_are_incomplete() {
        assert_eq!(is_complete("fn f() {"), incomplete("    "));
        assert_eq!(
            is_complete("fn f() {\n    if x {\n"),
            incomplete("        ")
        );
        assert_eq!(
            is_complete("fn f() {\n    if x {\n    }"),
            incomplete("    ")
        );
        assert_eq!(is_complete("pool.map(|i| {"), incomplete("    "));
        assert_eq!(is_complete("f(a,"), incomplete("    "));
        assert_eq!(is_complete("let s = \"a {"), incomplete(""));
        assert_eq!(is_complete("let s = r#\"a\""), incomplete(""));
        assert_eq!(is_complete("/* a /* b */"), incomplete(""));
        assert_eq!(is_complete("#[derive(Debug)]"), incomplete(""));
    }

    #[test]
    fn closed_cells_are_complete() {
        for source in [
            "",
            "\n",
            "1 + 1",
            "let x = 1;",
            "fn f() {}\r\n",
            "'a'",
            "// {",
            "\"{\"",
            "0..",
            "x?",
        ] {
            assert_eq!(is_complete(source), Completeness::Complete, "{source:?}");
        }
        assert_eq!(
            is_complete(":dep rand = { version = \"1\""),
            Completeness::Complete
        );
    }

    #[test]
    fn a_stray_closing_bracket_is_invalid() {
        assert_eq!(is_complete("f())"), Completeness::Invalid);
        assert_eq!(is_complete("(1]"), Completeness::Invalid);
        assert_eq!(
            is_complete("let c = 'ab\n"),
            Completeness::Complete,
            "a lifetime, to the lexer"
        );
        assert_eq!(is_complete("let c = '\\n"), Completeness::Invalid);
    }

    #[test]
    fn a_trailing_operator_is_unknown() {
        assert_eq!(is_complete("1 +"), Completeness::Unknown);
        assert_eq!(is_complete("let x ="), Completeness::Unknown);
    }

    #[test]
    fn cell_magics_are_complete_after_a_blank_line() {
        assert_eq!(is_complete("%pool 4"), Completeness::Complete);
        assert_eq!(is_complete("%timit f("), incomplete("    "));
        assert_eq!(is_complete("%timit f)"), Completeness::Invalid);
        assert_eq!(is_complete("%%timeit"), incomplete(""));
        assert_eq!(is_complete("%%timeit\nf(x)"), incomplete(""));
        assert_eq!(is_complete("%%timeit\nf(x)\n"), incomplete(""));
        assert_eq!(is_complete("%%timeit\nf(x)\n\n"), Completeness::Complete);
        assert_eq!(is_complete("%%timeit\nf(x)\n  "), Completeness::Complete);
        assert_eq!(
            is_complete("%%timeit\nfor i in x {\n\n"),
            incomplete("    ")
        );
        assert_eq!(is_complete("%%timeit?"), Completeness::Complete);
        assert_eq!(
            is_complete("f();\n%%timeit f()"),
            Completeness::Complete,
            "an error: report it at once"
        );
    }
}
