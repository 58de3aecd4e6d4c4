//! The Rust a cell becomes, and the way back to the cell's own positions.

use std::ops::Range;

use crate::magic::Question;

/// What to do with a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expansion {
    /// Nothing but questions: answer each in turn, compile nothing.
    Answers(Vec<Question>),
    /// Rust for the evaluator.
    Rust {
        code: String,
        map: SourceMap,
        /// Whether a timing magic is in it.
        is_timing: bool,
    },
}

/// Which bytes of the expanded code are which bytes of the cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceMap {
    /// Ascending and disjoint on both sides: (start in the code, start in the source, length).
    copied: Vec<(usize, usize, usize)>,
}

impl SourceMap {
    /// Where the byte `code_offset` of the expanded code stands in the cell; nothing for generated text.
    pub fn to_source(&self, code_offset: usize) -> Option<usize> {
        self.copied.iter().find_map(|&(code, source, len)| {
            (code..=code + len)
                .contains(&code_offset)
                .then(|| source + code_offset - code)
        })
    }

    /// Where the byte `source_offset` of the cell stands in the expanded code; nothing inside a magic's
    /// name and options.
    pub fn to_code(&self, source_offset: usize) -> Option<usize> {
        self.copied.iter().find_map(|&(code, source, len)| {
            (source..=source + len)
                .contains(&source_offset)
                .then(|| code + source_offset - source)
        })
    }

    /// The part of the cell nearest to `code_range`: the range itself where it was copied, else the
    /// closest copied text before it, so that every error has a place in the cell.
    pub fn nearest_source(&self, code_range: Range<usize>) -> Range<usize> {
        let start = self.to_source(code_range.start).unwrap_or_else(|| {
            let before = self
                .copied
                .iter()
                .rev()
                .find(|(code, ..)| *code <= code_range.start);
            before.map_or(0, |&(_, source, len)| source + len)
        });
        let end = self.to_source(code_range.end).unwrap_or(start).max(start);
        start..end
    }
}
