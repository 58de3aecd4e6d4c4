//! What a completion offers.

use std::ops::Range;

/// What could stand in the place of the bytes `replace` of a cell, best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offers {
    pub replace: Range<usize>,
    pub items: Vec<Offer>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub text: String,
    /// As Jupyter's clients show it: `function`, `instance`, `magic`.
    pub kind: &'static str,
    /// What a function takes: `(f, items)`.
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
