//! The code that a timing magic measures: one expression, or a body of statements.
//!
//! It decides from tokens what may be measured, and how it is wrapped. It never reads options.

use std::ops::Range;

use ra_ap_rustc_lexer::TokenKind;

use crate::magic::{MagicError, Piece};
use crate::options::Parsed;
use crate::tokens::{Brackets, Token, tokens, without_trivia};

mod literals;

/// The return type of a closure that uses `?`.
pub(crate) const FALLIBLE: &str = "-> ::core::result::Result<(), ::corebook::timing::BoxError> ";

/// Rust to measure. All ranges are bytes of the cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Measured<'source> {
    source: &'source str,
    span: Range<usize>,
    /// Whether it is a body of statements. The last one may be an expression.
    is_body: bool,
}

impl<'source> Measured<'source> {
    /// The one expression in `source[span]`, without a semicolon after it. Error messages mention the cell
    /// magic called `magic`.
    ///
    /// # Errors
    ///
    /// There is no expression, or more than one, or a `let`.
    pub fn expression(
        source: &'source str,
        span: Range<usize>,
        parsed: &Parsed,
        magic: &str,
    ) -> Result<Self, MagicError> {
        let significant = top_level(source, span.clone());
        let mut end = significant.last().map_or(span.start, |last| last.span.end);
        for (at, token) in significant.iter().enumerate() {
            if token.kind == TokenKind::Semi && significant[at..].iter().all(is_semicolon) {
                end = token.span.start;
                break;
            }
            if token.kind == TokenKind::Semi {
                return Err(parsed.error(
                    &format!(
                        "this is more than one expression: put it in braces, or write it below %%{magic}"
                    ),
                    significant[at + 1].span.start..span.end,
                ));
            }
        }
        let measured = Measured {
            source,
            span: without_trivia(source, span.start..end),
            is_body: false,
        };
        let Some(first) = significant.first().filter(|_| !measured.span.is_empty()) else {
            return Err(parsed.error("there is no expression", span));
        };
        match &source[first.span.clone()] {
            "let" => Err(parsed.error(
                &format!("a let is not an expression: write it below %%{magic}"),
                first.span.clone(),
            )),
            _ => Ok(measured),
        }
    }

    /// The statements in `source[span]`.
    ///
    /// # Errors
    ///
    /// There is no statement.
    pub fn body(
        source: &'source str,
        span: Range<usize>,
        parsed: &Parsed,
    ) -> Result<Self, MagicError> {
        let span = without_trivia(source, span);
        match span.is_empty() {
            true => Err(parsed.error("there is no code below the first line", span)),
            false => Ok(Measured {
                source,
                span,
                is_body: true,
            }),
        }
    }

    /// The text as typed.
    pub fn text(&self) -> &'source str {
        &self.source[self.span.clone()]
    }

    /// Whether the code uses `?`, so that it can return an error.
    pub fn uses_question_mark(&self) -> bool {
        uses_question_mark(self.source, self.span.clone())
    }

    /// The code as one Rust expression, in parentheses or braces. With `hides_inputs` its literals are
    /// wrapped in `black_box`.
    pub fn pieces(&self, hides_inputs: bool) -> Vec<Piece> {
        let (open, close) = if self.is_body {
            ("{ ", " }")
        } else {
            ("(", ")")
        };
        let mut pieces = vec![generated(open)];
        match hides_inputs {
            true => pieces.extend(literals::hidden(self.source, self.span.clone())),
            false => pieces.push(Piece::Source(self.span.clone())),
        }
        pieces.push(generated(close));
        pieces
    }
}

/// Whether `source[span]` has a `?`.
pub(crate) fn uses_question_mark(source: &str, span: Range<usize>) -> bool {
    tokens(source, span).any(|token| token.kind == TokenKind::Question)
}

/// Advice on a compile error in measured code. `None` if rustc's own message is enough.
///
/// * `code`: rustc's error code, such as `E0507`
/// * `message`: the first line of rustc's message
pub fn advice(code: &str, message: &str) -> Option<String> {
    let is_move = code == "E0507" && message.contains("`FnMut` closure");
    let name = message.split('`').nth(1).filter(|_| is_move)?;
    Some(format!(
        "the code runs many times, so it can't use up `{name}`: clone it ({name}.clone()), \
         or make a new one for each run: %%timeit -n 1 let {name} = {name}.clone();"
    ))
}

/// The tokens of `source[span]` outside all brackets, without blanks and comments.
pub(crate) fn top_level(source: &str, span: Range<usize>) -> Vec<Token> {
    let mut brackets = Brackets::default();
    let mut outside: Vec<Token> = tokens(source, span)
        .filter(|token| !token.is_trivia())
        .collect();
    outside.retain(|token| {
        let was_outside = brackets.depth() == 0;
        brackets.step(token);
        was_outside || brackets.depth() == 0
    });
    outside
}

pub(crate) fn generated(text: impl Into<String>) -> Piece {
    Piece::Generated(text.into())
}

fn is_semicolon(token: &Token) -> bool {
    token.kind == TokenKind::Semi
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_variable_gets_advice() {
        let message = "cannot move out of `v`, a captured variable in an `FnMut` closure";
        assert_eq!(
            advice("E0507", message).as_deref(),
            Some(
                "the code runs many times, so it can't use up `v`: clone it (v.clone()), \
                 or make a new one for each run: %%timeit -n 1 let v = v.clone();"
            )
        );
        assert_eq!(
            advice("E0507", "cannot move out of index of `Vec<String>`"),
            None
        );
        assert_eq!(advice("E0308", "mismatched types"), None);
    }
}
