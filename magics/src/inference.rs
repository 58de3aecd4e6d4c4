//! Decides from tokens whether the types of a cell's variables must be inferred.
//!
//! A variable that outlives its cell needs a known type. If the cell states the type, inference, which is
//! slow to start, can be skipped. Nothing is inferred here.

use ra_ap_rustc_lexer::TokenKind;

use crate::tokens::{Brackets, Token, tokens};

/// Whether `code` has a `let` at its top level that does not state the type of its variable.
///
/// In doubt the answer is yes: a pattern that is not a single name counts, and so does a `let` in a condition.
///
/// ```
/// use corebook_magics::inference::has_untyped_let;
///
/// assert!(has_untyped_let("let x = 5;"));
/// assert!(has_untyped_let("let v: Vec<_> = (0..5).collect();"));
/// assert!(!has_untyped_let("let x: i64 = 5;"));
/// assert!(!has_untyped_let("fn five() -> i64 { let x = 5; x }"));
/// ```
pub fn has_untyped_let(code: &str) -> bool {
    let mut significant = tokens(code, 0..code.len())
        .filter(|token| !token.is_trivia())
        .peekable();
    let mut brackets = Brackets::default();
    while let Some(token) = significant.next() {
        brackets.step(&token);
        if brackets.depth() > 0 || !is_word(code, &token, "let") {
            continue;
        }
        significant.next_if(|token| is_word(code, token, "mut"));
        let has_name = significant
            .next()
            .is_some_and(|token| token.kind == TokenKind::Ident);
        let has_colon = significant
            .next_if(|token| token.kind == TokenKind::Colon)
            .is_some();
        if !has_name || !has_colon {
            return true;
        }
        // The type ends at the `=`. An `=` inside angle brackets, as in `Iterator<Item = u8>`, belongs to the type.
        let mut angles = 0;
        for token in significant.by_ref() {
            brackets.step(&token);
            match token.kind {
                TokenKind::Lt => angles += 1,
                TokenKind::Gt => angles -= 1,
                TokenKind::Eq if angles <= 0 && brackets.depth() == 0 => break,
                TokenKind::Semi if brackets.depth() == 0 => break,
                _ if is_word(code, &token, "_") => return true,
                _ => {}
            }
        }
    }
    false
}

/// Whether `code` contains the identifier `name`, outside strings and comments.
pub fn has_word(code: &str, name: &str) -> bool {
    tokens(code, 0..code.len()).any(|token| is_word(code, &token, name))
}

fn is_word(code: &str, token: &Token, word: &str) -> bool {
    token.kind == TokenKind::Ident && code[token.span.clone()] == *word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lets_of_the_cell_itself_count() {
        for inner in [
            "x + 1",
            "fn f() { let x = 1; }",
            "for i in 0..3 { let x = i; }",
            "{ let x = 1; }",
            "vec![{ let x = 1; x }]",
            "// let x = 1;",
            "\"let x = 1;\"",
            "outlet = 1;",
            "",
        ] {
            assert!(!has_untyped_let(inner), "{inner}");
        }
    }

    #[test]
    fn a_whole_type_needs_no_inference() {
        for typed in [
            "let x: i64 = 5;",
            "let mut x : Vec<(i64, String)> = Vec::new();",
            "let x: [u8; 3] = [1; 3]; x",
            "let x: &'static str = \"a\"; let f: fn(i64) -> i64 = abs;",
            "let x: ::corebook::pool::Pool = open();",
            "let x: i64;",
            "let x: Vec<u8> = y.map(|_| 1);",
            "let x: i64; f(|_| 1);",
        ] {
            assert!(!has_untyped_let(typed), "{typed}");
        }
    }

    #[test]
    fn anything_else_does() {
        for untyped in [
            "let x = 5;",
            "let mut x = 5;",
            "let x: Vec<_> = y;",
            "let x: _ = y;",
            "let x: [u8; _] = y;",
            "let (x, y): (i64, i64) = z;",
            "let Some(x) = y else { panic!() };",
            "let a: i64 = 1; let b = 2;",
            "if let Some(x) = y {}",
            "let x: Box<dyn Iterator<Item = _>> = y;",
            "let",
            "let x",
        ] {
            assert!(has_untyped_let(untyped), "{untyped}");
        }
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("use std::arch::x86_64::*;", "arch"));
        assert!(!has_word("search(archive) // arch", "arch"));
    }
}
