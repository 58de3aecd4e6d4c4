//! Which bytes of the expanded code are which bytes of the cell.
//!
//! Offsets only: it holds no text.

use std::ops::Range;

/// The way between a cell and its code.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceMap {
    /// Ascending and disjoint in the code, with generated text between two that are not neighbours in
    /// the cell as well: (start in the code, start in the source, length).
    copied: Vec<(usize, usize, usize)>,
    /// What stands in the place of a magic: (bytes of the code, the magic's name in the source).
    replaced: Vec<(Range<usize>, Range<usize>)>,
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

    /// The part of the cell nearest to `code_range`, so that every error has a place in the cell: the
    /// range itself where it was copied, the magic's name where a magic generated it, else the end of the
    /// closest copied text before it.
    pub fn nearest_source(&self, code_range: Range<usize>) -> Range<usize> {
        if let Some(start) = self.to_source(code_range.start) {
            let end = self.copied.iter().find_map(|&(code, source, len)| {
                let is_in = (code..=code + len).contains(&code_range.start);
                is_in.then(|| source + code_range.end.min(code + len).saturating_sub(code))
            });
            return start..end.unwrap_or(start).max(start);
        }
        let magic = self
            .replaced
            .iter()
            .find(|(code, _)| code.contains(&code_range.start));
        if let Some((_, name)) = magic {
            return name.clone();
        }
        let before = self
            .copied
            .iter()
            .rev()
            .find(|(code, ..)| *code <= code_range.start);
        let end = before.map_or(0, |&(_, source, len)| source + len);
        end..end
    }

    /// Notes that the bytes `source` of the cell are written at `code`, the end of what was noted so far.
    pub(crate) fn note_copy(&mut self, code: usize, source: Range<usize>) {
        if !source.is_empty() {
            self.copied.push((code, source.start, source.len()));
        }
    }

    /// Notes that a magic named at `name` generated the bytes `code`, apart from what was copied there.
    pub(crate) fn note_replaced(&mut self, code: Range<usize>, name: Range<usize>) {
        self.replaced.push((code, name));
    }

    /// Whether the last copied text ends at `code`.
    pub(crate) fn ends_at(&self, code: usize) -> bool {
        self.copied
            .last()
            .is_some_and(|&(start, _, len)| start + len == code)
    }
}
