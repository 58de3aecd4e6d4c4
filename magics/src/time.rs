//! The magics `%time` and `%%time`: time one run.
//!
//! It only wraps the code. The runtime measures and prints.

use ra_ap_rustc_lexer::TokenKind;

use crate::magic::{Arguments, Call, Magic, MagicError, Piece, Places, Replacement, documented};
use crate::measured::{Measured, generated, top_level};
use crate::options;
use crate::tokens::{Token, without_trivia};

documented! {
    /// Runs once, and prints wall time, CPU time and how many cores were busy. Compile time is not included.
    ///
    /// ```text
    /// %time pool.map(work, 0..24)
    /// CPU times: user 2.1 s, sys: 12 ms, total: 2.11 s
    /// Wall time: 1.06 s
    /// Cores busy: 1.99
    /// ```
    ///
    /// The value is the cell's result. It can also be kept: `%time let v = work();`. `%%time` on the first
    /// line times the whole cell, whose variables stay. `Cores busy` is CPU over wall time, shown above 1.1.
    HELP
}

/// The magic's row in the table.
pub static MAGIC: Magic = Magic {
    name: "time",
    summary: "one run: wall time, CPU time and cores busy",
    places: Places::LineAndCell,
    usage: "%time [--] EXPR",
    help: HELP,
    options: &[],
    arguments: Arguments::Expression,
    words: &[],
    expand,
};

fn expand(magic: &Magic, call: &Call<'_>) -> Result<Replacement, MagicError> {
    let parsed = options::parse(magic, call)?;
    let mut template = Vec::new();
    match &call.body {
        Some(body) => {
            if !parsed.rest.is_empty() {
                let text = "unexpected code on the first line: write it below";
                return Err(parsed.error(text, parsed.rest.clone()));
            }
            let body = without_trivia(call.source, body.clone());
            if body.is_empty() {
                let text = "there is no code below the first line";
                return Err(parsed.error(text, call.span.clone()));
            }
            // The temporary lives until the end of the block, as a variable would. But evcxr does not try to keep it
            // for later cells, because it has no name.
            let start = "let _ = &::corebook::__private::timing::CellStopwatch::start(); ";
            template.extend([generated(start), Piece::Source(body)]);
        }
        None => {
            let mut expression = parsed.rest.clone();
            let tokens = top_level(call.source, expression.clone());
            if let Some(value_start) = value_start(call.source, &tokens) {
                template.push(Piece::Source(expression.start..value_start));
                expression.start = value_start;
            }
            let is_statement =
                !template.is_empty() || call.source[expression.clone()].ends_with(';');
            let expression = without_trivia(call.source, expression);
            let measured = Measured::expression(call.source, expression, &parsed, magic.name)?;
            template.push(generated("::corebook::timing::Stopwatch::start().stop"));
            template.extend(measured.pieces(false));
            if is_statement || !call.is_last {
                template.push(generated(";"));
            }
        }
    }
    Ok(Replacement::Rust {
        template,
        is_timing: true,
    })
}

/// The start of the value in `let pattern = value`, given the top-level tokens of a statement. `None` if the
/// statement is not a `let` with a value.
fn value_start(source: &str, significant: &[Token]) -> Option<usize> {
    let first = significant.first()?;
    if &source[first.span.clone()] != "let" {
        return None;
    }
    let equals = significant
        .iter()
        .find(|token| token.kind == TokenKind::Eq)?;
    Some(equals.span.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(source: &str) -> Result<String, String> {
        crate::test_support::expand_magic(&MAGIC, source)
    }

    #[test]
    fn only_the_last_value_is_the_result() {
        let timed = "::corebook::timing::Stopwatch::start().stop(f(x)?)";
        assert_eq!(expanded("%time f(x)? // slow").as_deref(), Ok(timed));
        assert_eq!(expanded("%time f(x)?;"), Ok(format!("{timed};")));
        assert_eq!(expanded("%time f(x)?\ng()"), Ok(format!("{timed};")));
    }

    #[test]
    fn a_value_can_be_bound_to_a_variable() {
        assert_eq!(
            expanded("%time let v: Vec<_> = (0..3).map(|x| { let y = x; y }).collect();")
                .as_deref(),
            Ok("let v: Vec<_> =::corebook::timing::Stopwatch::start().stop\
                ((0..3).map(|x| { let y = x; y }).collect());")
        );
    }

    #[test]
    fn the_body_of_a_cell_is_unchanged() {
        assert_eq!(
            expanded("%%time\nlet x = f();\nx + 1\n").as_deref(),
            Ok(
                "let _ = &::corebook::__private::timing::CellStopwatch::start(); let x = f();\nx + 1"
            )
        );
    }

    #[test]
    fn errors_say_what_to_do() {
        for (call, text) in [
            ("%time", "%time: there is no expression"),
            (
                "%time f(); g()",
                "%time: this is more than one expression: put it in braces, or write it below %%time",
            ),
            (
                "%%time f()\ng()",
                "%%time: unexpected code on the first line: write it below",
            ),
            ("%%time\n", "%%time: there is no code below the first line"),
        ] {
            assert_eq!(
                expanded(call),
                Err(format!("{text}; usage: %time [--] EXPR")),
                "{call}"
            );
        }
    }
}
