//! Decides from tokens what is at a cursor: an evcxr command, a string, a comment, or other Rust.
//!
//! It knows nothing about the names and options of magics; those are for `completion`.

use std::ops::Range;

use ra_ap_rustc_lexer::TokenKind;

use crate::scan::scan;
use crate::tokens::{Brackets, Token, tokens};

/// What is at a cursor. All ranges are bytes of the cell and end at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Context {
    /// An evcxr command such as `:dep rand`, from its colon on.
    Command(Range<usize>),
    /// The contents of a string, from after its opening quote.
    Text(Range<usize>),
    Comment,
    Rust,
}

/// What is at byte `cursor` of `source`. A cursor inside a character or after the end is moved back to the nearest
/// character boundary.
///
/// ```
/// use corebook_magics::context::{Context, context};
///
/// assert_eq!(context("read(\"data/", 11), Context::Text(6..11));
/// ```
pub fn context(source: &str, cursor: usize) -> Context {
    let cursor = source.floor_char_boundary(cursor);
    let commands = scan(source).commands;
    let command = commands
        .iter()
        .find(|command| (command.start + 1..=command.end).contains(&cursor));
    if let Some(command) = command {
        return Context::Command(command.start..cursor);
    }
    let Some(last) = tokens(source, 0..cursor).last() else {
        return Context::Rust;
    };
    match last.kind {
        TokenKind::LineComment { .. }
        | TokenKind::BlockComment {
            terminated: false, ..
        } => Context::Comment,
        _ if last.unterminated().is_some() => {
            // The quote of `r#` is not typed yet.
            match source[last.span.clone()].find('"') {
                Some(quote) => Context::Text(last.span.start + quote + 1..cursor),
                None => Context::Rust,
            }
        }
        _ => Context::Rust,
    }
}

/// The end of the name to inspect at byte `cursor`: the identifier at the cursor, or else the function whose
/// arguments the cursor is in. `None` in a string or a comment.
///
/// ```
/// use corebook_magics::context::name_end;
///
/// assert_eq!(name_end("pool.map(f", 6), Some(8));
/// assert_eq!(name_end("pool.map(|x| x, ", 16), Some(8));
/// ```
pub fn name_end(source: &str, cursor: usize) -> Option<usize> {
    let cursor = source.floor_char_boundary(cursor);
    let is_name = |token: &Token| matches!(token.kind, TokenKind::Ident | TokenKind::RawIdent);
    let mut all = tokens(source, 0..source.len());
    if let Some(word) =
        all.find(|token| is_name(token) && (token.span.start..=token.span.end).contains(&cursor))
    {
        return Some(word.span.end);
    }
    if context(source, cursor) != Context::Rust {
        return None;
    }
    let mut brackets = Brackets::default();
    // For each open bracket: the end of the function name before it, if it is a call.
    let mut callers: Vec<Option<usize>> = Vec::new();
    let mut before: Option<Token> = None;
    for token in tokens(source, 0..cursor) {
        brackets.step(&token);
        callers.truncate(brackets.depth());
        if brackets.depth() > callers.len() {
            let caller = before.as_ref().filter(|before| is_name(before));
            let is_call = token.kind == TokenKind::OpenParen;
            callers.push(caller.map(|name| name.span.end).filter(|_| is_call));
        }
        if !token.is_trivia() {
            before = Some(token);
        }
    }
    callers.pop().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_bar(marked: &str) -> (String, usize) {
        let cursor = marked.find('|').expect("a bar marks the cursor");
        (marked.replacen('|', "", 1), cursor)
    }

    fn described(marked: &str) -> String {
        let (source, cursor) = at_bar(marked);
        match context(&source, cursor) {
            Context::Command(range) => format!("command {:?}", &source[range]),
            Context::Text(range) => format!("text {:?}", &source[range]),
            Context::Comment => "comment".to_owned(),
            Context::Rust => "Rust".to_owned(),
        }
    }

    #[test]
    fn commands_strings_and_comments_are_recognised() {
        assert_eq!(described(":dep ra|nd"), "command \":dep ra\"");
        assert_eq!(described(":de|"), "command \":de\"");
        assert_eq!(described("|:dep"), "Rust");
        assert_eq!(described("!ls d|"), "command \"!ls d\"");
        assert_eq!(described("let é = \"é/|"), "text \"é/\"");
        assert_eq!(described("f(\"a\", \"b|\")"), "text \"b\"");
        assert_eq!(described("r#\"a\"b|"), "text \"a\\\"b\"");
        assert_eq!(described("r#|"), "Rust");
        assert_eq!(described("%timeit read(\"da|\")"), "text \"da\"");
        assert_eq!(described("\"a\"|"), "Rust");
        assert_eq!(described("// a|"), "comment");
        assert_eq!(described("/* a|"), "comment");
        assert_eq!(described("/* a */ |"), "Rust");
        assert_eq!(described("|"), "Rust");
        assert_eq!(described("%pool\nlet x = 1|"), "Rust");
    }

    fn asked(marked: &str) -> Option<String> {
        let (source, cursor) = at_bar(marked);
        name_end(&source, cursor).map(|end| source[..end].to_owned())
    }

    #[test]
    fn the_name_at_the_cursor_wins_over_the_enclosing_call() {
        assert_eq!(asked("po|ol.map(f)").as_deref(), Some("pool"));
        assert_eq!(asked("pool.map|(f)").as_deref(), Some("pool.map"));
        assert_eq!(asked("pool.map(f, |").as_deref(), Some("pool.map"));
        assert_eq!(asked("g(pool.map((1, |").as_deref(), None);
        assert_eq!(asked("g(1, h(2), |").as_deref(), Some("g"));
        assert_eq!(asked("let x = [1, |").as_deref(), None);
        assert_eq!(asked("g(\"a |").as_deref(), None);
        assert_eq!(asked("/* 😀 */ é|(").as_deref(), Some("/* 😀 */ é"));
        assert_eq!(asked("|").as_deref(), None);
    }
}
