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

/// The start of the receiver of a method call or field access, given the position of the dot after it. `None`
/// if the receiver holds anything but names, literals, calls and brackets.
///
/// ```
/// use corebook_magics::context::receiver_start;
///
/// assert_eq!(receiver_start("1 + f(x)?[0].y.", 14), Some(4));
/// ```
pub fn receiver_start(source: &str, dot: usize) -> Option<usize> {
    let before: Vec<Token> = tokens(source, 0..dot)
        .filter(|token| !token.is_trivia())
        .collect();
    let kind = |at: usize| before.get(at).map(|token| token.kind);
    let is_word = |at: usize| match kind(at) {
        Some(TokenKind::Ident) => !BEFORE_VALUES.contains(&&source[before[at].span.clone()]),
        Some(TokenKind::RawIdent | TokenKind::Literal { .. }) => true,
        _ => false,
    };
    let mut start = before.len();
    loop {
        let mut at = start;
        while let Some(last) = at.checked_sub(1) {
            at = match kind(last)? {
                TokenKind::Question => last,
                TokenKind::CloseParen | TokenKind::CloseBracket => opening(&before, last)?,
                _ => break,
            };
        }
        let has_suffix = at < start;
        start = at;
        if at > 1 && kind(at - 1) == Some(TokenKind::Bang) && is_word(at - 2) {
            at -= 1;
        }
        if at > 0 && kind(at - 1) == Some(TokenKind::Gt) {
            at = opening_angle(&before, at - 1)?.checked_sub(2)?;
        }
        match at.checked_sub(1).filter(|&last| is_word(last)) {
            Some(word) => start = word,
            None if has_suffix => return before.get(start).map(|token| token.span.start),
            None => return None,
        }
        let leads_on = |count: usize| start.checked_sub(count).and_then(kind);
        if leads_on(1) == Some(TokenKind::Dot) {
            start -= 1;
        } else if leads_on(1) == Some(TokenKind::Colon) && leads_on(2) == Some(TokenKind::Colon) {
            start -= 2;
        } else {
            return before.get(start).map(|token| token.span.start);
        }
    }
}

/// Keywords that can stand before brackets without making them a call or an index.
const BEFORE_VALUES: &[&str] = &[
    "as", "break", "else", "if", "in", "let", "match", "move", "mut", "return", "while",
];

/// The opening angle bracket that belongs to the closing one at `close`.
fn opening_angle(tokens: &[Token], close: usize) -> Option<usize> {
    let mut depth = 0_usize;
    (0..=close).rev().find(|&at| {
        match tokens[at].kind {
            TokenKind::Gt => depth += 1,
            TokenKind::Lt => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    })
}

/// The opening bracket that belongs to the closing one at `close`.
fn opening(tokens: &[Token], close: usize) -> Option<usize> {
    let mut depth = 0_usize;
    (0..=close).rev().find(|&at| {
        match tokens[at].kind {
            TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace => depth += 1,
            TokenKind::OpenParen | TokenKind::OpenBracket | TokenKind::OpenBrace => {
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        depth == 0
    })
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

    #[test]
    fn a_receiver_starts_where_its_chain_starts() {
        let receiver = |before: &str| {
            receiver_start(before, before.len()).map(|start| before[start..].to_owned())
        };
        for whole in [
            "numbers.iter().map(|x| x * 2)",
            "vec![1, (2)].iter()",
            "Vec::<u64>::with_capacity(3)",
            "(0..3).map(f)?",
            "f(x)(y)[0].z",
            "\"a\".chars()",
            "a.collect::<Vec<_>>()",
        ] {
            for before in [
                "",
                "let y = ",
                "1 + ",
                "return ",
                "f(1, ",
                "for x in ",
                "é!(\"😀\", ",
            ] {
                let code = format!("{before}{whole}");
                assert_eq!(receiver(&code).as_deref(), Some(whole), "{code}");
            }
        }
        assert_eq!(receiver("").as_deref(), None);
        assert_eq!(receiver("1 +").as_deref(), None);
        assert_eq!(receiver("f)").as_deref(), None);
        assert_eq!(receiver("1 + .y").as_deref(), None);
        assert_eq!(receiver("!(x)").as_deref(), Some("(x)"));
        assert_eq!(receiver("P { a: b").as_deref(), Some("b"));
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
