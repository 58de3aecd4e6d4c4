//! From the lines that rustc reads to the lines that evcxr wrote.
//!
//! evcxr knows which line of its source is whose, and nothing of what is moved on the way to rustc. So
//! what rustc says of a place is led back before evcxr reads it. Pure; knows nothing of what is moved, or why.

use std::ops::Range;

/// The same lines in another order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LineMap {
    /// Lines that stayed together, in the order of the compiled source; there is at least one.
    runs: Vec<Run>,
}

/// Neighbouring lines that are neighbours in both sources. Lines and bytes count from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    compiled: Range<usize>,
    written: Range<usize>,
    compiled_bytes: Range<usize>,
    written_bytes: Range<usize>,
}

impl LineMap {
    /// Puts pieces of `written` one behind the other: the compiled source, and its map.
    ///
    /// * `pieces`: whole lines; every line of `written` is in one of them.
    pub(super) fn join(written: &str, pieces: &[Range<usize>]) -> (String, Self) {
        let mut compiled = String::with_capacity(written.len());
        let mut runs: Vec<Run> = Vec::with_capacity(pieces.len());
        let mut line = 0;
        let starts = line_starts(written);
        for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
            let text = &written[piece.clone()];
            let lines = text.split_inclusive('\n').count();
            let written_line = starts.partition_point(|start| *start < piece.start);
            let compiled_bytes = compiled.len()..compiled.len() + text.len();
            runs.push(Run {
                compiled: line..line + lines,
                written: written_line..written_line + lines,
                compiled_bytes,
                written_bytes: piece.clone(),
            });
            compiled.push_str(text);
            line += lines;
        }
        (compiled, Self { runs })
    }

    /// The written line of a compiled one; both count from 1. A line that is not there stays as it is.
    pub(super) fn written_line(&self, line: usize) -> usize {
        match self.run_of_line(line) {
            Some(run) => line - run.compiled.start + run.written.start,
            None => line,
        }
    }

    /// The written lines of a range of compiled ones, first and last; both count from 1. Of a range that was
    /// taken apart, those that stayed with the first.
    pub(super) fn written_lines(&self, first: usize, last: usize) -> (usize, usize) {
        let last = match self.run_of_line(first) {
            Some(run) => last.min(run.compiled.end),
            None => last,
        };
        (self.written_line(first), self.written_line(last))
    }

    /// The written bytes of a range of compiled ones, as for [`LineMap::written_lines`].
    pub(super) fn written_bytes(&self, bytes: Range<usize>) -> Range<usize> {
        let at = self
            .runs
            .partition_point(|run| run.compiled_bytes.end <= bytes.start);
        let Some(run) = self.runs.get(at) else {
            return bytes;
        };
        let shifted = |byte: usize| {
            byte.min(run.compiled_bytes.end) - run.compiled_bytes.start + run.written_bytes.start
        };
        shifted(bytes.start)..shifted(bytes.end.max(bytes.start))
    }

    fn run_of_line(&self, line: usize) -> Option<&Run> {
        let at = self.runs.partition_point(|run| run.compiled.end < line);
        self.runs.get(at).filter(|_| line > 0)
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
    fn lines_and_bytes_are_led_back() {
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
    fn of_a_range_that_was_taken_apart_the_first_part_is_meant() {
        let (_, map) = LineMap::join("a\nb\nc\nd\n", &[4..8, 0..4]);
        assert_eq!(map.written_lines(2, 3), (4, 4));
        assert_eq!(map.written_bytes(2..6), 6..8);
    }

    #[test]
    fn a_last_line_without_an_end_is_a_line() {
        let (compiled, map) = LineMap::join("a\nb", &[0..2, 2..3]);
        assert_eq!(compiled, "a\nb");
        assert_eq!(map.written_line(2), 2);
    }

    proptest! {
        #[test]
        fn every_line_is_led_back_to_itself(
            pieces in prop::collection::vec(("([a-zé]{0,4}\n){1,4}", any::<u32>()), 1..8)
        ) {
            let written: String = pieces.iter().map(|(text, _)| text.as_str()).collect();
            let mut end = 0;
            let mut ranges: Vec<(u32, Range<usize>)> = Vec::new();
            for (text, key) in &pieces {
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
