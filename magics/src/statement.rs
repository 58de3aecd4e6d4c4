//! Decides from tokens whether a Rust statement could start at some point of a cell.
//!
//! It knows what ends a statement at the top level of a cell: a semicolon, or the closing brace of an item, a
//! block or a braced macro call. So `%` after the end of a statement is a magic, and `%` anywhere else is the
//! remainder operator. It builds no syntax tree.

use ra_ap_rustc_lexer::TokenKind;

use crate::tokens::{Brackets, Step, Token};

/// The state of the statement that is being read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Statement {
    brackets: Brackets,
    head: Head,
}

/// The kind of the statement, as far as its first tokens show it. The kind determines what ends it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Head {
    /// No token was read yet.
    #[default]
    Start,
    /// `#`, `#!`
    Attribute { is_inner: bool },
    /// `#[…]`, `pub`, `pub(…)`: the token that decides comes later.
    Prefix,
    /// `const`: an item, a function or a block.
    Const,
    /// A path, perhaps of a macro: `a::b`, `a::b!`.
    Path { is_macro: bool },
    /// Ends with its closing brace.
    Braced,
    /// Ends with a semicolon.
    Open,
}

impl Statement {
    /// Whether the next token starts a statement at the top level.
    pub fn could_start(&self) -> bool {
        self.brackets.depth() == 0 && self.head == Head::Start
    }

    /// Whether only attributes and `pub` were read.
    pub fn awaits_item(&self) -> bool {
        self.brackets.depth() == 0 && self.head == Head::Prefix
    }

    pub fn brackets(&self) -> &Brackets {
        &self.brackets
    }

    /// Reads the next token. `text` is the text of the token.
    pub fn step(&mut self, token: &Token, text: &str) -> Step {
        if token.is_trivia() {
            return Step::None;
        }
        let is_top = self.brackets.depth() == 0;
        let step = self.brackets.step(token);
        if is_top {
            self.head = self.head.after(token.kind, text);
        } else if self.brackets.depth() == 0 {
            self.head = self.head.after_group(token.kind);
        }
        step
    }
}

impl Head {
    /// The kind after a token at the top level. An opening bracket counts as one, its contents do not.
    fn after(self, kind: TokenKind, text: &str) -> Head {
        use TokenKind::{Bang, Colon, Ident, OpenBrace, OpenParen, RawIdent, Semi};
        match (self, kind) {
            (_, Semi) => Head::Start,
            (Head::Attribute { .. }, Bang) => Head::Attribute { is_inner: true },
            (Head::Attribute { .. } | Head::Braced | Head::Open, _) => self,
            (Head::Prefix, OpenParen) => Head::Prefix,
            (Head::Start | Head::Prefix, _) => Head::first(kind, text),
            (Head::Const, OpenBrace) => Head::Braced,
            (Head::Const, Ident) if matches!(text, "fn" | "unsafe" | "async" | "extern") => {
                Head::Braced
            }
            (Head::Const, _) => Head::Open,
            (Head::Path { .. }, Ident | RawIdent | Colon) => self,
            (Head::Path { .. }, Bang) => Head::Path { is_macro: true },
            (Head::Path { is_macro: true }, OpenBrace) => Head::Braced,
            (Head::Path { .. }, _) => Head::Open,
        }
    }

    /// The kind after the closing bracket that leads back to the top level.
    fn after_group(self, kind: TokenKind) -> Head {
        match (self, kind) {
            (Head::Braced, TokenKind::CloseBrace) => Head::Start,
            (Head::Attribute { is_inner: true }, _) => Head::Start,
            (Head::Attribute { is_inner: false }, _) => Head::Prefix,
            _ => self,
        }
    }

    /// The kind after the first token of a statement.
    fn first(kind: TokenKind, text: &str) -> Head {
        match kind {
            TokenKind::Pound => Head::Attribute { is_inner: false },
            TokenKind::OpenBrace | TokenKind::Lifetime { .. } => Head::Braced,
            TokenKind::Colon | TokenKind::RawIdent => Head::Path { is_macro: false },
            TokenKind::Ident => {
                match text {
                    "pub" => Head::Prefix,
                    "const" => Head::Const,
                    "async" | "else" | "enum" | "extern" | "fn" | "for" | "if" | "impl"
                    | "loop" | "match" | "mod" | "struct" | "trait" | "union" | "unsafe"
                    | "while" => Head::Braced,
                    "break" | "continue" | "let" | "move" | "return" | "static" | "type"
                    | "use" => Head::Open,
                    _ => Head::Path { is_macro: false },
                }
            }
            _ => Head::Open,
        }
    }
}
