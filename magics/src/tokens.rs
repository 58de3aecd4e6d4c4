//! Rust tokens with their positions, and the brackets that they open and close.
//!
//! It knows the lexical rules of Rust, through rustc's own lexer, and nothing about magics or statements.

use std::ops::Range;

use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};

/// A token of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub kind: TokenKind,
    /// Bytes of the cell.
    pub span: Range<usize>,
}

impl Token {
    /// Whether the compiler ignores it. A block comment that is never closed is an error, so it is not trivia.
    pub fn is_trivia(&self) -> bool {
        matches!(
            self.kind,
            TokenKind::Whitespace
                | TokenKind::LineComment { .. }
                | TokenKind::BlockComment {
                    terminated: true,
                    ..
                }
        )
    }

    /// "string" or "comment" if the cell ends inside this token.
    pub fn unterminated(&self) -> Option<&'static str> {
        match self.kind {
            TokenKind::BlockComment {
                terminated: false, ..
            } => Some("comment"),
            TokenKind::Literal {
                kind:
                    LiteralKind::Str { terminated: false }
                    | LiteralKind::ByteStr { terminated: false }
                    | LiteralKind::CStr { terminated: false }
                    | LiteralKind::RawStr { n_hashes: None }
                    | LiteralKind::RawByteStr { n_hashes: None }
                    | LiteralKind::RawCStr { n_hashes: None },
                ..
            } => Some("string"),
            _ => None,
        }
    }
}

/// The tokens of `source[range]`.
pub(crate) fn tokens(source: &str, range: Range<usize>) -> impl Iterator<Item = Token> {
    let mut end = range.start;
    tokenize(&source[range], FrontmatterAllowed::No).map(move |token| {
        let start = end;
        end += token.len as usize;
        Token {
            kind: token.kind,
            span: start..end,
        }
    })
}

/// `range` without blanks and comments at its ends. Empty, and at its start, if it holds nothing else.
pub(crate) fn without_trivia(source: &str, range: Range<usize>) -> Range<usize> {
    let start = range.start;
    let mut significant = tokens(source, range).filter(|token| !token.is_trivia());
    match significant.next() {
        None => start..start,
        Some(first) => {
            let end = significant
                .last()
                .map_or(first.span.end, |last| last.span.end);
            first.span.start..end
        }
    }
}

/// The brackets that are open at some point of a cell, outermost first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Brackets {
    open: Vec<Token>,
}

/// What a token does to the brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Opens,
    Closes,
    /// A closing bracket whose opening one is missing, or is not the innermost.
    Mismatched,
    None,
}

impl Brackets {
    pub fn depth(&self) -> usize {
        self.open.len()
    }

    pub fn innermost(&self) -> Option<&Token> {
        self.open.last()
    }

    /// Reads the next token. A mismatched closing bracket also closes the brackets inside its opening one.
    pub fn step(&mut self, token: &Token) -> Step {
        let opening = match token.kind {
            TokenKind::OpenParen | TokenKind::OpenBracket | TokenKind::OpenBrace => {
                self.open.push(token.clone());
                return Step::Opens;
            }
            TokenKind::CloseParen => TokenKind::OpenParen,
            TokenKind::CloseBracket => TokenKind::OpenBracket,
            TokenKind::CloseBrace => TokenKind::OpenBrace,
            _ => return Step::None,
        };
        match self.open.iter().rposition(|open| open.kind == opening) {
            None => Step::Mismatched,
            Some(at) => {
                let is_innermost = at + 1 == self.open.len();
                self.open.truncate(at);
                if is_innermost {
                    Step::Closes
                } else {
                    Step::Mismatched
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trivia_at_the_ends_is_left_out() {
        let kept = |source: &'static str| &source[without_trivia(source, 0..source.len())];
        assert_eq!(kept("  f(x) // slow"), "f(x)");
        assert_eq!(kept("/* a */ f(/* b */) /* c /* d */ */ "), "f(/* b */)");
        assert_eq!(kept("\"// no comment\""), "\"// no comment\"");
        assert_eq!(kept("x /* open"), "x /* open");
        assert_eq!(kept(" // nothing"), "");
    }

    #[test]
    fn a_mismatch_closes_the_brackets_inside() {
        let mut brackets = Brackets::default();
        let source = "{ ( }";
        let steps: Vec<Step> = tokens(source, 0..source.len())
            .map(|token| brackets.step(&token))
            .collect();
        assert_eq!(
            steps,
            [
                Step::Opens,
                Step::None,
                Step::Opens,
                Step::None,
                Step::Mismatched
            ]
        );
        assert_eq!(brackets.depth(), 0);
    }
}
