//! The source that is compiled for a cell, and the map from it to the cells. Does no I/O.

use std::ops::Range;

/// The source of a cell's library.
#[derive(Debug, Clone, Default)]
pub struct Source {
    pub text: String,
    /// Ascending.
    copied: Vec<Copied>,
    /// Ascending.
    marks: Vec<(Range<usize>, Mark)>,
    /// Whether all code after the copied text is at its end, as after text that can't be parsed.
    ends_with_copy: bool,
}

/// A range of the source that is text of a cell.
#[derive(Debug, Clone)]
struct Copied {
    range: Range<usize>,
    cell: usize,
    /// In the code of the cell. `None` if the text is a part of it in another form.
    start: Option<usize>,
}

/// What generated code does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Takes this variable out of the store.
    Load(String),
    /// Puts this variable, which the cell defines, into the store.
    Keep(String),
    /// Puts this variable, which the cell has loaded, back into the store.
    Return(String),
    /// Declares the statics of the item with this number, which another library defines.
    Away(usize),
    /// Is the `use` with this number among the items, of an earlier cell.
    Import(usize),
    /// Shows the value of the cell.
    Value,
}

/// A range in the code of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub cell: usize,
    pub range: Range<usize>,
}

impl Source {
    /// Declares that an error in the rest of the source is one at the end of what was copied last.
    pub(crate) fn end_with_copy(&mut self) {
        self.ends_with_copy = true;
    }

    pub(crate) fn generate(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds generated code and a mark for it.
    pub(crate) fn generate_marked(&mut self, text: &str, mark: Mark) {
        let start = self.text.len();
        self.text.push_str(text);
        self.marks.push((start..self.text.len(), mark));
    }

    /// Adds text of a cell, and a line break if it has none at its end.
    ///
    /// * `start`: where it begins in the code of the cell.
    pub(crate) fn copy(&mut self, text: &str, cell: usize, start: Option<usize>) {
        self.copy_part(text, cell, start);
        if !text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// As [`Self::copy`], with a mark for the text.
    pub(crate) fn copy_marked(
        &mut self,
        text: &str,
        cell: usize,
        start: Option<usize>,
        mark: Mark,
    ) {
        let from = self.text.len();
        self.copy(text, cell, start);
        self.marks.push((from..self.text.len(), mark));
    }

    /// As [`Self::copy`], without the line break.
    pub(crate) fn copy_part(&mut self, text: &str, cell: usize, start: Option<usize>) {
        let at = self.text.len();
        self.text.push_str(text);
        self.copied.push(Copied {
            range: at..self.text.len(),
            cell,
            start,
        });
    }

    /// The place in a cell of a range of the source; `None` if its start is generated.
    pub fn place(&self, range: &Range<usize>) -> Option<Place> {
        // rustc points at the whole argument of generated code: the value is in it.
        if self.mark(range) == Some(&Mark::Value) {
            let inside = self
                .copied
                .iter()
                .find(|it| range.contains(&it.range.start))?;
            let start = inside.start?;
            let len = self.text[inside.range.clone()].trim_end().len();
            return Some(Place {
                cell: inside.cell,
                range: start..start + len,
            });
        }
        // A place between two pieces is the end of the first one.
        let is_in = |it: &&Copied| it.range.contains(&range.start) || it.range.end == range.start;
        let mut found = self.copied.iter().filter(is_in);
        let copied = found.clone().find(|it| it.range.contains(&range.start));
        let last = self
            .copied
            .last()
            .filter(|last| self.ends_with_copy && range.start > last.range.end);
        let copied = copied.or_else(|| found.next()).or(last)?;
        let start = copied.start?;
        let to_code = |at: usize| start + at.min(copied.range.end) - copied.range.start;
        Some(Place {
            cell: copied.cell,
            range: to_code(range.start)..to_code(range.end.max(range.start)),
        })
    }

    /// Whether a range is in the code after all that was copied.
    pub fn is_after_copy(&self, range: &Range<usize>) -> bool {
        let end = self.copied.last().map_or(0, |last| last.range.end);
        range.start > end
    }

    /// What the code at a range does; `None` if it has no mark.
    pub fn mark(&self, range: &Range<usize>) -> Option<&Mark> {
        let mut marks = self.marks.iter();
        let found = marks.find(|(marked, _)| marked.contains(&range.start));
        found.map(|(_, mark)| mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copied_text_is_mapped_to_its_cell() {
        let mut source = Source::default();
        source.generate("fn f() {");
        source.copy("let x = 1;\n", 3, Some(20));
        source.copy("x", 3, Some(31));
        source.generate_marked("keep(x);\n", Mark::Keep("x".to_owned()));
        source.copy("use a;", 1, None);
        assert_eq!(source.text, "fn f() {let x = 1;\nx\nkeep(x);\nuse a;\n");
        let place = |range: Range<usize>| source.place(&range).map(|it| (it.cell, it.range));
        assert_eq!(place(12..13), Some((3, 24..25)));
        assert_eq!(
            place(19..20),
            Some((3, 31..32)),
            "not the end of the piece before"
        );
        assert_eq!(place(20..20), Some((3, 32..32)));
        assert_eq!(
            place(8..99),
            Some((3, 20..31)),
            "cut at the end of the piece"
        );
        assert_eq!(place(2..4), None);
        assert_eq!(place(31..33), None, "in another form than in the cell");
        assert_eq!(source.mark(&(25..26)), Some(&Mark::Keep("x".to_owned())));
        assert_eq!(source.mark(&(12..13)), None);
    }
}
