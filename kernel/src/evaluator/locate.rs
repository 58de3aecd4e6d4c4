//! Maps a line of generated code back to the cell from which it came. Reads the generated file, writes nothing.
//!
//! evcxr compiles each cell, with every item of earlier cells, as one file. A panic names a line of that file. The file
//! contains user code line by line as it was typed, so the cell's line is the one with the same text and the most equal
//! neighbours.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use corebook_magics::source_map::SourceMap;

/// The cells that were run, and the file that evcxr compiles.
#[derive(Debug, Default)]
pub struct Cells {
    source_file: PathBuf,
    /// Oldest first.
    cells: Vec<Cell>,
}

/// A cell as it was typed, and its Rust after the expansion of magics. Both have the same lines.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    pub execution_count: usize,
    pub source: String,
    pub code: String,
    pub map: SourceMap,
    /// Whether the cell contains a timing magic.
    pub is_timing: bool,
}

/// A place in a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub cell: usize,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    pub source_line: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cell [{}]:{}:{}", self.cell, self.line, self.column)
    }
}

impl Cells {
    /// Sets the path of the file to which evcxr writes the code that it compiles.
    pub fn set_source_file(&mut self, path: PathBuf) {
        self.source_file = path;
    }

    /// Notes a cell that is about to run. Returns its number among all cells.
    pub fn push(&mut self, cell: Cell) -> usize {
        self.cells.push(cell);
        self.cells.len() - 1
    }

    /// The cell with this number.
    pub fn get(&self, number: usize) -> Option<&Cell> {
        self.cells.get(number)
    }

    /// The place in a cell that corresponds to a place in `file`. None if no cell contains that code.
    pub fn locate(&self, file: &str, line: u32, column: u32) -> Option<Place> {
        if !file.ends_with("src/lib.rs") || file.starts_with('/') {
            return None;
        }
        let generated = std::fs::read_to_string(&self.source_file).ok()?;
        self.locate_in(&generated, line, column)
    }

    fn locate_in(&self, generated: &str, line: u32, column: u32) -> Option<Place> {
        let generated: Vec<&str> = generated.lines().collect();
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        let wanted = *generated.get(index)?;
        let mut best: Option<(usize, Place)> = None;
        for cell in self.cells.iter().rev() {
            let lines: Vec<&str> = cell.code.lines().collect();
            for (at, code_line) in lines.iter().enumerate() {
                let Some(shift) = shift_between(wanted, code_line) else {
                    continue;
                };
                let score = equal_neighbours(&generated, index, &lines, at);
                if best
                    .as_ref()
                    .is_none_or(|(best_score, _)| score > *best_score)
                {
                    let column = usize::try_from(i64::from(column) - shift)
                        .unwrap_or(1)
                        .max(1);
                    best = Some((score, cell.place(at, column)));
                }
            }
        }
        best.map(|(_, place)| place)
    }
}

impl Cell {
    /// The place in the typed cell of a range of its code.
    pub fn typed(&self, code: Range<usize>) -> Range<usize> {
        let range = self.map.nearest_source(code);
        let start = self.source.floor_char_boundary(range.start);
        start..self.source.ceil_char_boundary(range.end).max(start)
    }

    /// Line and column of a byte of its code as typed: `cell [3]:1:5`.
    pub fn place_of(&self, code_offset: usize) -> String {
        let offset = self.typed(code_offset..code_offset).start;
        let before = &self.source[..offset];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|it| *it != '\n').count() + 1;
        format!("cell [{}]:{line}:{column}", self.execution_count)
    }

    /// The place in the typed cell that corresponds to a place in its code. `line` starts at 0; `column` starts at 1
    /// and counts characters.
    fn place(&self, line: usize, column: usize) -> Place {
        let line_start: usize = self
            .code
            .split_inclusive('\n')
            .take(line)
            .map(str::len)
            .sum();
        let code_line = self.code[line_start..].lines().next().unwrap_or_default();
        let in_line: usize = code_line.chars().take(column - 1).map(char::len_utf8).sum();
        let at = line_start + in_line;
        let offset = self.map.nearest_source(at..at).start;
        let source_line = self.source.lines().nth(line).unwrap_or_default();
        let source_start: usize = self
            .source
            .split_inclusive('\n')
            .take(line)
            .map(str::len)
            .sum();
        let before = offset
            .checked_sub(source_start)
            .and_then(|len| source_line.get(..len))
            .unwrap_or_default();
        let one_based = |count: usize| u32::try_from(count + 1).unwrap_or(u32::MAX);
        Place {
            cell: self.execution_count,
            line: one_based(line),
            column: one_based(before.chars().count()),
            source_line: source_line.to_owned(),
        }
    }
}

/// How many columns further right the text is in the generated line than in the cell's line. None if neither line
/// contains the other. The generated line may be only one statement of the cell's line, because evcxr splits lines.
fn shift_between(generated: &str, source: &str) -> Option<i64> {
    let (wanted, text) = (generated.trim(), source.trim());
    if text.is_empty() || wanted.len() < SHORTEST_STATEMENT.min(text.len()) {
        return None;
    }
    let chars_before =
        |line: &str, byte: usize| i64::try_from(line[..byte].chars().count()).unwrap_or(0);
    let indent = |line: &str| line.len() - line.trim_start().len();
    if let Some(at) = source.find(wanted) {
        return Some(chars_before(generated, indent(generated)) - chars_before(source, at));
    }
    let at = generated.find(text)?;
    // If there is other code on both sides of the text, it is another line.
    let is_alone =
        generated[at + text.len()..].trim().is_empty() || generated[..at].trim().is_empty();
    is_alone.then(|| chars_before(generated, at) - chars_before(source, indent(source)))
}

/// A shorter part of a line, such as `}`, could match anywhere.
const SHORTEST_STATEMENT: usize = 4;

fn equal_neighbours(generated: &[&str], index: usize, lines: &[&str], at: usize) -> usize {
    let is_same = |a: Option<&&str>, b: Option<&&str>| match (a, b) {
        (Some(a), Some(b)) => a.trim() == b.trim(),
        _ => false,
    };
    let below = (1..)
        .take_while(|step| is_same(generated.get(index + step), lines.get(at + step)))
        .count();
    let above = (1..)
        .take_while(|&step| {
            let up = |at: usize| at.checked_sub(step);
            is_same(
                up(index).and_then(|at| generated.get(at)),
                up(at).and_then(|at| lines.get(at)),
            )
        })
        .count();
    let is_whole = usize::from(generated[index].trim() == lines[at].trim());
    2 * (below + above) + is_whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(sources: &[&str]) -> Cells {
        let mut cells = Cells::default();
        for (index, source) in sources.iter().enumerate() {
            let source = (*source).to_owned();
            let (_, map) = corebook_magics::expansion::expand_for_analysis(&source);
            cells.push(Cell {
                execution_count: index + 1,
                code: source.clone(),
                source,
                map,
                is_timing: false,
            });
        }
        cells
    }

    #[test]
    fn a_line_is_found_in_the_cell_that_holds_it() {
        let cells = cells(&[
            "fn divide(a: i32) -> i32 {\n    1 / a\n}",
            "let zero = 0;\ndivide(zero)",
        ]);
        let generated = "mod x {}\nfn divide(a: i32) -> i32 {\n    1 / a\n}\nfn run() {\nlet zero = 0;\n(divide(zero)\n)";
        let place = cells.locate_in(generated, 3, 5).unwrap();
        assert_eq!(
            (place.to_string().as_str(), place.source_line.as_str()),
            ("cell [1]:2:5", "    1 / a")
        );
        assert_eq!(
            cells.locate_in(generated, 7, 2).unwrap().to_string(),
            "cell [2]:2:1"
        );
    }

    #[test]
    fn equal_neighbours_decide_between_equal_lines_else_the_newest() {
        let cells = cells(&["a();\npanic!();", "b();\npanic!();", "panic!();"]);
        assert_eq!(
            cells
                .locate_in("b();\npanic!();\n", 2, 1)
                .unwrap()
                .to_string(),
            "cell [2]:2:1"
        );
        assert_eq!(
            cells.locate_in("x\npanic!();\n", 2, 1).unwrap().to_string(),
            "cell [3]:1:1"
        );
    }

    #[test]
    fn a_statement_in_the_middle_of_a_line_is_found() {
        let cells = cells(&["let a = 1; go(|| panic!()); after();"]);
        let place = cells
            .locate_in("let a = 1;\ngo(|| panic!());\nafter();", 2, 7)
            .unwrap();
        assert_eq!(place.to_string(), "cell [1]:1:18");
    }

    #[test]
    fn generated_code_is_in_no_cell() {
        let cells = cells(&["1 + 1"]);
        assert_eq!(cells.locate_in("fn run() {", 1, 1), None);
        assert_eq!(cells.locate("/rust/library/core/src/num.rs", 1, 1), None);
    }
}
