//! The names that code mentions, in macros and in format strings too. Does no I/O.

use std::collections::HashSet;
use std::ops::Range;

use ra_ap_syntax::{SyntaxKind, SyntaxNode};

use crate::statements::Statement;

/// Adds the names that a statement mentions. More than it means: a field counts, and so does a word in the braces of
/// any string.
///
/// * `except`: the bytes of names that are only defined there.
pub fn add(node: &SyntaxNode, except: &[Range<usize>], words: &mut HashSet<String>) {
    let tokens = node
        .descendants_with_tokens()
        .filter_map(|it| it.into_token());
    for token in tokens {
        match token.kind() {
            SyntaxKind::IDENT if !except.contains(&Statement::to_code(token.text_range())) => {
                words.insert(token.text().trim_start_matches("r#").to_owned());
            }
            SyntaxKind::STRING => add_formatted(token.text(), words),
            _ => {}
        }
    }
}

/// Adds the words that follow an opening brace or a `$`, a form such as `{width$}` included.
fn add_formatted(text: &str, words: &mut HashSet<String>) {
    for (at, _) in text.match_indices(['{', ':', '.']) {
        let rest = &text[at + 1..];
        // `{value:>width$.precision$}`
        let rest = rest.trim_start_matches(|it: char| !(it.is_alphanumeric() || it == '_'));
        let end = rest
            .find(|it: char| !(it.is_alphanumeric() || it == '_'))
            .unwrap_or(rest.len());
        if end > 0 {
            words.insert(rest[..end].to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statements::split;

    fn words(code: &str) -> HashSet<String> {
        let mut words = HashSet::new();
        for statement in split(code).unwrap() {
            add(&statement.node, &[], &mut words);
        }
        words
    }

    #[test]
    fn names_are_found_everywhere() {
        let found = words(
            "println!(\"{a} {b:?} {:>width$.places$} {{no}}\", c.d); m!(e => [f]); r#type + 1; let g = |h| h;",
        );
        for name in ["a", "b", "width", "places", "c", "e", "f", "type", "g", "h"] {
            assert!(found.contains(name), "{name}: {found:?}");
        }
        assert!(!found.contains("missing"));
    }

    #[test]
    fn a_name_that_is_only_defined_is_left_out() {
        let mut words = HashSet::new();
        let statement = &split("let x = y;").unwrap()[0];
        let defined = 4..5;
        add(&statement.node, std::slice::from_ref(&defined), &mut words);
        assert_eq!(words, HashSet::from(["y".to_owned()]));
    }
}
