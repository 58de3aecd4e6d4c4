//! The result of a completion. Data only.

use std::ops::Range;

/// Texts that could replace the bytes `replace` of a cell, best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offers {
    pub replace: Range<usize>,
    pub items: Vec<Offer>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub text: String,
    /// The type that clients show: `function`, `instance`, `magic`.
    pub kind: &'static str,
    /// The arguments of a function: `(f, items)`.
    pub signature: Option<String>,
}

impl Offers {
    pub fn none(cursor: usize) -> Self {
        let (replace, items) = (cursor..cursor, Vec::new());
        Self { replace, items }
    }
}

impl Offer {
    pub fn new(text: String, kind: &'static str) -> Self {
        let signature = None;
        Self {
            text,
            kind,
            signature,
        }
    }
}
