//! Hides literals from the optimiser, for the option `-b`.
//!
//! It wraps a literal in `black_box` where any value may stand. Where Rust requires a literal (patterns,
//! types, array lengths, macros, constants) the literal stays. Captured variables need no wrapping: the
//! measured closure accesses them through a pointer that the optimiser can't see through.

use std::ops::Range;

use ra_ap_rustc_lexer::{LiteralKind, TokenKind};

use crate::magic::Piece;
use crate::tokens::{Token, tokens};

/// `source[span]` with its literals hidden.
pub(super) fn hidden(source: &str, span: Range<usize>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = span.start;
    for literal in value_literals(source, span.clone()) {
        if at < literal.start {
            pieces.push(Piece::Source(at..literal.start));
        }
        pieces.push(super::generated("::core::hint::black_box("));
        pieces.push(Piece::Source(literal.clone()));
        pieces.push(super::generated(")"));
        at = literal.end;
    }
    if at < span.end {
        pieces.push(Piece::Source(at..span.end));
    }
    pieces
}

/// What may stand inside an open bracket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Values: literals are hidden.
    Value,
    /// Patterns, constants, macro input: literals stay.
    Fixed,
    /// The arms of a `match`: a pattern up to `=>`, then a value up to `,` or a closing brace.
    Arms { in_pattern: bool },
}

fn value_literals(source: &str, span: Range<usize>) -> Vec<Range<usize>> {
    let significant: Vec<Token> = tokens(source, span)
        .filter(|token| !token.is_trivia())
        .collect();
    let text = |at: usize| {
        significant
            .get(at)
            .map_or("", |token| &source[token.span.clone()])
    };
    let mut places = vec![Place::Value];
    // After `let`, `for`, `const`, `static`, `type`: the depth, and the tokens that end the part where literals stay.
    let mut fixed_until: Option<(usize, &[&str])> = None;
    // For each `match` whose braces are not open yet: the depth at which they will open.
    let mut awaits_arms: Vec<usize> = Vec::new();
    let mut found = Vec::new();
    for (at, token) in significant.iter().enumerate() {
        let depth = places.len();
        let place = places[depth - 1];
        match text(at) {
            "let" | "for" => fixed_until = fixed_until.or(Some((depth, &["=", "in"]))),
            "const" | "static" | "type" => fixed_until = fixed_until.or(Some((depth, &[";"]))),
            "match" => awaits_arms.push(depth),
            word if fixed_until.is_some_and(|(d, ends)| d == depth && ends.contains(&word)) => {
                fixed_until = None;
            }
            _ => {}
        }
        match token.kind {
            TokenKind::OpenBrace if awaits_arms.last() == Some(&depth) => {
                awaits_arms.pop();
                places.push(Place::Arms { in_pattern: true });
            }
            TokenKind::OpenParen | TokenKind::OpenBracket | TokenKind::OpenBrace => {
                places.push(inside(place, opens_macro(&text, at)));
            }
            TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace => {
                places.truncate((depth - 1).max(1));
                end_arm(places.last_mut(), token.kind == TokenKind::CloseBrace);
            }
            TokenKind::Comma => end_arm(places.last_mut(), true),
            TokenKind::Gt if text(at.wrapping_sub(1)) == "=" => {
                if let Some(Place::Arms { in_pattern }) = places.last_mut() {
                    *in_pattern = false;
                }
            }
            TokenKind::Literal { kind, .. } if fixed_until.is_none() => {
                let is_value = matches!(place, Place::Value | Place::Arms { in_pattern: false });
                let before = text(at.wrapping_sub(1));
                // A tuple field (`pair.0`), an array length (`[x; 8]`), a const argument (`f::<3>`).
                let is_named = before == "." && text(at.wrapping_sub(2)) != "."
                    || before == ";" && is_in_brackets(&significant[..at])
                    || before == "<" && text(at.wrapping_sub(2)) == ":";
                if is_value && !is_named && is_plain(kind) {
                    found.push(token.span.clone());
                }
            }
            _ => {}
        }
    }
    found
}

/// What may stand inside a bracket that opens in `outer`.
fn inside(outer: Place, is_macro: bool) -> Place {
    match outer {
        _ if is_macro => Place::Fixed,
        Place::Fixed | Place::Arms { in_pattern: true } => Place::Fixed,
        Place::Value | Place::Arms { in_pattern: false } => Place::Value,
    }
}

/// Whether the bracket at `at` opens the input of a macro. `vec![..]` does not count: it takes values, as an array
/// does.
fn opens_macro<'a>(text: &impl Fn(usize) -> &'a str, at: usize) -> bool {
    let is_macro = text(at.wrapping_sub(1)) == "!" && {
        let name = text(at.wrapping_sub(2));
        name.starts_with(|c: char| c.is_alphabetic() || c == '_')
    };
    is_macro && text(at.wrapping_sub(2)) != "vec"
}

/// Notes that an arm of a `match` may end here, so that a pattern follows.
fn end_arm(place: Option<&mut Place>, ends: bool) {
    if let Some(Place::Arms { in_pattern }) = place {
        *in_pattern |= ends;
    }
}

/// Whether the innermost open bracket at the end of `tokens` is a square one.
fn is_in_brackets(tokens: &[Token]) -> bool {
    let mut brackets = crate::tokens::Brackets::default();
    for token in tokens {
        brackets.step(token);
    }
    brackets
        .innermost()
        .is_some_and(|open| open.kind == TokenKind::OpenBracket)
}

/// Whether a function call around the literal keeps its type.
fn is_plain(kind: LiteralKind) -> bool {
    !matches!(kind, LiteralKind::CStr { .. } | LiteralKind::RawCStr { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expression with `@…@` around each hidden literal.
    fn marked(source: &str) -> String {
        let pieces = hidden(source, 0..source.len());
        let text = |piece: &Piece| match piece {
            Piece::Generated(_) => "@".to_owned(),
            Piece::Source(span) => {
                assert!(!span.is_empty(), "{source}");
                source[span.clone()].to_owned()
            }
        };
        pieces.iter().map(text).collect()
    }

    #[test]
    fn values_are_hidden() {
        assert_eq!(
            marked("(0..24).map(poly).sum::<i64>()"),
            "(@0@..@24@).map(poly).sum::<i64>()"
        );
        assert_eq!(
            marked("f(-1.5, 'x', \"a b\")"),
            "f(-@1.5@, @'x'@, @\"a b\"@)"
        );
        assert_eq!(marked("vec![1.0; 10]"), "vec![@1.0@; 10]");
        assert_eq!(marked("{ let x = 3; x + 4 }"), "{ let x = @3@; x + @4@ }");
        assert_eq!(marked("{ f(); 4 }"), "{ f(); @4@ }");
        assert_eq!(marked("a < 3"), "a < @3@");
        assert_eq!(marked("3 + a"), "@3@ + a");
        assert_eq!(marked("S { a: -1 }"), "S { a: -@1@ }");
        assert_eq!(marked("a + (1)"), "a + (@1@)");
        assert_eq!(marked("b & !(3)"), "b & !(@3@)");
        assert_eq!(
            marked("match x { 0 => 1, _ => { 2 } 3 => 4 }"),
            "match x { 0 => @1@, _ => { @2@ } 3 => @4@ }"
        );
        assert_eq!(
            marked("for i in 0..3 { f(i) }"),
            "for i in @0@..@3@ { f(i) }"
        );
    }

    #[test]
    fn literals_that_name_something_stay() {
        for source in [
            "pair.0 + pair.1",
            "[x; 8]",
            "f::<3>(x)",
            "f(c\"a\")",
            "match x { P::<u8>(3) => a }",
            "matches!(x, 1..=3)",
            "println!(\"{}\", 1)",
            "match x { (0, Some(1)) => a, 2 | 3 => b }",
            "{ const N: usize = 8; N }",
            "{ let [a, 0] = x else { y }; a }",
        ] {
            assert_eq!(marked(source), source);
        }
    }
}
