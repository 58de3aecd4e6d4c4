//! Maps the lines that rustc reads to the lines that evcxr wrote.
//!
//! evcxr knows to which cell each line of its source belongs, but not that lines were moved before rustc read them. So
//! places in rustc's messages are mapped back before evcxr reads them. Does no I/O, and does not know what is moved or
//! why.

use std::ops::Range;

/// The same lines in another order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LineMap {
    /// Lines that stayed together, in the order of the compiled source; there is at least one block.
    blocks: Vec<Block>,
}

/// Neighbouring lines that are neighbours in both sources. Lines and bytes count from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    compiled: Range<usize>,
    written: Range<usize>,
    compiled_bytes: Range<usize>,
    written_bytes: Range<usize>,
}

impl LineMap {
    /// Joins ranges of `written` in this order. Returns the compiled source and its map.
    ///
    /// * `ranges`: whole lines; every line of `written` is in one of them.
    pub(super) fn join(written: &str, ranges: &[Range<usize>]) -> (String, Self) {
        let mut compiled = String::with_capacity(written.len());
        let mut blocks: Vec<Block> = Vec::with_capacity(ranges.len());
        let mut line = 0;
        let starts = line_starts(written);
        for range in ranges.iter().filter(|range| !range.is_empty()) {
            let text = &written[range.clone()];
            let lines = text.split_inclusive('\n').count();
            let written_line = starts.partition_point(|start| *start < range.start);
            let compiled_bytes = compiled.len()..compiled.len() + text.len();
            blocks.push(Block {
                compiled: line..line + lines,
                written: written_line..written_line + lines,
                compiled_bytes,
                written_bytes: range.clone(),
            });
            compiled.push_str(text);
            line += lines;
        }
        (compiled, Self { blocks })
    }

    /// The line that evcxr wrote for a line that rustc reads. Both count from 1. A line outside of the source is
    /// returned unchanged.
    pub(super) fn written_line(&self, line: usize) -> usize {
        match self.block_of_line(line) {
            Some(block) => line - block.compiled.start + block.written.start,
            None => line,
        }
    }

    /// The same for a range of lines, first and last. If the range was split, the lines that stayed with the first.
    pub(super) fn written_lines(&self, first: usize, last: usize) -> (usize, usize) {
        let last = match self.block_of_line(first) {
            Some(block) => last.min(block.compiled.end),
            None => last,
        };
        (self.written_line(first), self.written_line(last))
    }

    /// The same for a range of bytes.
    pub(super) fn written_bytes(&self, bytes: Range<usize>) -> Range<usize> {
        let at = self
            .blocks
            .partition_point(|block| block.compiled_bytes.end <= bytes.start);
        let Some(block) = self.blocks.get(at) else {
            return bytes;
        };
        let shifted = |byte: usize| {
            byte.min(block.compiled_bytes.end) - block.compiled_bytes.start
                + block.written_bytes.start
        };
        shifted(bytes.start)..shifted(bytes.end.max(bytes.start))
    }

    fn block_of_line(&self, line: usize) -> Option<&Block> {
        let at = self
            .blocks
            .partition_point(|block| block.compiled.end < line);
        self.blocks.get(at).filter(|_| line > 0)
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(breaks).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_and_bytes_are_mapped_back() {
        let written = "a\nbb\nccc\ndddd\n";
        let (compiled, map) = LineMap::join(written, &[5..14, 0..5]);
        assert_eq!(compiled, "ccc\ndddd\na\nbb\n");
        let written_lines: Vec<usize> = (0..=6).map(|line| map.written_line(line)).collect();
        assert_eq!(written_lines, [0, 3, 4, 1, 2, 5, 6]);
        assert_eq!(map.written_lines(1, 2), (3, 4));
        assert_eq!(map.written_bytes(4..8), 9..13);
        assert_eq!(&compiled[4..8], &written[9..13]);
    }

    #[test]
    fn a_split_range_is_mapped_to_its_first_part() {
        let (_, map) = LineMap::join("a\nb\nc\nd\n", &[4..8, 0..4]);
        assert_eq!(map.written_lines(2, 3), (4, 4));
        assert_eq!(map.written_bytes(2..6), 6..8);
    }

    #[test]
    fn a_last_line_without_a_line_break_counts() {
        let (compiled, map) = LineMap::join("a\nb", &[0..2, 2..3]);
        assert_eq!(compiled, "a\nb");
        assert_eq!(map.written_line(2), 2);
    }

    proptest! {
        #[test]
        fn every_line_is_mapped_back_to_itself(
            blocks in prop::collection::vec(("([a-zé]{0,4}\n){1,4}", any::<u32>()), 1..8)
        ) {
            let written: String = blocks.iter().map(|(text, _)| text.as_str()).collect();
            let mut end = 0;
            let mut ranges: Vec<(u32, Range<usize>)> = Vec::new();
            for (text, key) in &blocks {
                ranges.push((*key, end..end + text.len()));
                end += text.len();
            }
            ranges.sort_by_key(|(key, _)| *key);
            let ranges: Vec<Range<usize>> = ranges.into_iter().map(|(_, range)| range).collect();
            let (compiled, map) = LineMap::join(&written, &ranges);

            let written_lines: Vec<&str> = written.lines().collect();
            let compiled_lines: Vec<&str> = compiled.lines().collect();
            let mut met: Vec<usize> = (1..=compiled_lines.len()).map(|line| map.written_line(line)).collect();
            for (line, at) in compiled_lines.iter().zip(&met) {
                prop_assert_eq!(*line, written_lines[at - 1]);
            }
            met.sort_unstable();
            prop_assert_eq!(met, (1..=written_lines.len()).collect::<Vec<_>>());
            let mut start = 0;
            for line in compiled.split_inclusive('\n') {
                let range = map.written_bytes(start..start + line.len());
                prop_assert_eq!(line, &written[range]);
                start += line.len();
            }
        }
    }
}
