//! Maps bytes of the expanded code to bytes of the cell, and back.
//!
//! It holds offsets only, no text.

use std::ops::Range;

/// The map between a cell and its expanded code.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceMap {
    /// The copied ranges, ascending and disjoint in the code: (start in the code, start in the source, length).
    /// Two of them touch in the code only if they touch in the cell; otherwise generated text is between them.
    copied: Vec<(usize, usize, usize)>,
    /// The replacements of magics: (bytes of the code, bytes of the magic's name in the source).
    replaced: Vec<(Range<usize>, Range<usize>)>,
}

impl SourceMap {
    /// The position in the cell of byte `code_offset` of the expanded code. `None` for generated text.
    pub fn to_source(&self, code_offset: usize) -> Option<usize> {
        self.copied.iter().find_map(|&(code, source, len)| {
            (code..=code + len)
                .contains(&code_offset)
                .then(|| source + code_offset - code)
        })
    }

    /// The position in the expanded code of byte `source_offset` of the cell. `None` inside the name and the
    /// options of a magic.
    pub fn to_code(&self, source_offset: usize) -> Option<usize> {
        self.copied.iter().find_map(|&(code, source, len)| {
            (source..=source + len)
                .contains(&source_offset)
                .then(|| code + source_offset - source)
        })
    }

    /// The range of the cell nearest to `code_range`, so that every error has a place in the cell. This is the range
    /// itself if it was copied, the magic's name if a magic generated it, and otherwise the end of the copied
    /// text before it.
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

    /// Records that the bytes `source` of the cell were copied to `code`. Call it in ascending order of `code`.
    pub(crate) fn note_copy(&mut self, code: usize, source: Range<usize>) {
        if !source.is_empty() {
            self.copied.push((code, source.start, source.len()));
        }
    }

    /// Records that the bytes `code` replace the magic whose name is at `name`. They may include copied ranges.
    pub(crate) fn note_replaced(&mut self, code: Range<usize>, name: Range<usize>) {
        self.replaced.push((code, name));
    }

    /// Whether the last copied range ends at `code`.
    pub(crate) fn ends_at(&self, code: usize) -> bool {
        self.copied
            .last()
            .is_some_and(|&(start, _, len)| start + len == code)
    }
}
