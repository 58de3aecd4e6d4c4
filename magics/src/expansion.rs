//! Turns a cell with magics into Rust, and records where each byte of the cell went.
//!
//! It copies the text of the cell without changing it, and writes a magic's replacement on the magic's own
//! lines. It does not know what any magic means.

use std::ops::Range;

use crate::magic::{Host, MagicError, Piece, Question, Replacement};
use crate::options::parse_leniently;
use crate::resolve::resolve;
use crate::scan::{FoundMagic, Scan, scan};
use crate::source_map::SourceMap;
use crate::table;

/// What to do with a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expansion {
    /// The cell holds only questions: answer them in order, compile nothing.
    Answers(Vec<Question>),
    /// Rust for the evaluator.
    Rust {
        code: String,
        map: SourceMap,
        /// Whether the cell uses a timing magic.
        is_timing: bool,
    },
}

/// Replaces the magics of a cell by Rust. A cell without magics is returned unchanged.
///
/// The code has the line breaks of the cell, so that every piece of the cell stays on its line. There is one
/// exception: if an evcxr command (`:dep`) follows a magic, the replacement moves below the command, because
/// evcxr accepts commands only at the start of a cell.
///
/// # Errors
///
/// The first magic that is used wrongly. The cell must not run then.
///
/// ```
/// use corebook_magics::expansion::{Expansion, expand};
/// use corebook_magics::magic::{Host, Question};
///
/// struct Nothing;
/// impl Host for Nothing {
///     fn answer(&self, _question: &Question) -> String {
///         String::new()
///     }
/// }
///
/// let Ok(Expansion::Rust { code, .. }) = expand("%pool 4\npool.map(f, 0..8)", &Nothing) else {
///     panic!("the cell is well formed");
/// };
/// assert!(code.ends_with("\npool.map(f, 0..8)"));
/// ```
pub fn expand(source: &str, host: &dyn Host) -> Result<Expansion, MagicError> {
    let scan = scan(source);
    let replacements: Vec<Replacement> =
        scan.magics.iter().map(resolve).collect::<Result<_, _>>()?;
    if let Some(questions) = only_questions(&scan, &replacements) {
        return Ok(Expansion::Answers(questions));
    }
    let mut is_timing = false;
    let templates = replacements
        .into_iter()
        .map(|replacement| match replacement {
            Replacement::Rust {
                template,
                is_timing: is_one,
            } => {
                is_timing |= is_one;
                template
            }
            Replacement::Question(question) => {
                vec![Piece::Generated(print_statement(&question, host))]
            }
        });
    let (code, map) = weave(source, &scan, templates.collect(), &[]);
    Ok(Expansion::Rust {
        code,
        map,
        is_timing,
    })
}

/// Like [`expand`], for completion and inspection. Never fails.
///
/// Questions become blanks. Of a malformed or half-typed magic, only the Rust after its options stays.
/// evcxr commands become blanks too, because evcxr would run them, and a `:dep` can use the network.
pub fn expand_for_analysis(source: &str) -> (String, SourceMap) {
    let scan = scan(source);
    let templates = scan.magics.iter().map(|found| match resolve(found) {
        Ok(Replacement::Rust { template, .. }) => template,
        Ok(Replacement::Question(_)) => vec![Piece::Generated(" ".to_owned())],
        Err(_) => only_expression(found),
    });
    weave(source, &scan, templates.collect(), &scan.commands)
}

/// The questions of a cell that holds only questions.
fn only_questions(scan: &Scan<'_>, replacements: &[Replacement]) -> Option<Vec<Question>> {
    if scan.magics.is_empty() || scan.has_rust || !scan.commands.is_empty() {
        return None;
    }
    let questions = replacements.iter().map(|replacement| match replacement {
        Replacement::Question(question) => Some(question.clone()),
        Replacement::Rust { .. } => None,
    });
    questions.collect()
}

/// Rust that prints the answer at its place among the other statements.
fn print_statement(question: &Question, host: &dyn Host) -> String {
    match question {
        Question::PoolStatus => "::corebook::__private::pool::print_status();".to_owned(),
        // `{:?}` of a string is a Rust literal without line breaks.
        _ => format!("::std::println!(\"{{}}\", {:?});", host.answer(question)),
    }
}

/// The Rust of a malformed or half-typed magic: its expression and its body.
fn only_expression(found: &FoundMagic<'_>) -> Vec<Piece> {
    let expression =
        table::find(found.name).map(|magic| parse_leniently(magic, &found.call).0.rest);
    let parts = expression.into_iter().chain(found.call.body.clone());
    let parts = parts.filter(|part| !part.is_empty());
    let pieces = parts.flat_map(|part| [Piece::Source(part), Piece::Generated(";".to_owned())]);
    let mut template: Vec<Piece> = pieces.collect();
    if template.is_empty() {
        template.push(Piece::Generated(" ".to_owned()));
    }
    template
}

/// Replaces the magics by `templates`, and the ranges in `left_out` by blanks.
fn weave(
    source: &str,
    scan: &Scan<'_>,
    templates: Vec<Vec<Piece>>,
    left_out: &[Range<usize>],
) -> (String, SourceMap) {
    let mut weaver = Weaver {
        source,
        left_out,
        code: String::new(),
        map: SourceMap::default(),
    };
    let last_command = scan.commands[..scan.leading_commands].last();
    let waits_until = last_command.map_or(0, |command| {
        source[command.end..]
            .find('\n')
            .map_or(source.len(), |line_break| command.end + line_break + 1)
    });
    let mut waiting = Vec::new();
    let mut at = 0;
    for (found, template) in scan.magics.iter().zip(templates) {
        let span = found.call.span.clone();
        if span.start < waits_until {
            weaver.copy(at..span.start);
            weaver.code.push(' ');
            weaver.break_lines(&source[span.clone()]);
            waiting.push((found, template));
        } else {
            at = weaver.catch_up(at, waits_until, &mut waiting);
            weaver.copy(at..span.start);
            weaver.replace(found, &template);
        }
        at = span.end;
    }
    at = weaver.catch_up(at, waits_until, &mut waiting);
    weaver.copy(at..source.len());
    (weaver.code, weaver.map)
}

/// Writes the code from start to end, and the source map with it.
struct Weaver<'source> {
    source: &'source str,
    /// The ranges of the cell that become blanks, in ascending order.
    left_out: &'source [Range<usize>],
    code: String,
    map: SourceMap,
}

impl Weaver<'_> {
    fn copy(&mut self, range: Range<usize>) {
        let mut at = range.start;
        for out in self.left_out {
            if (at..range.end).contains(&out.start) {
                self.copy_whole(at..out.start);
                self.code.push_str(&" ".repeat(out.len()));
                at = out.end;
            }
        }
        self.copy_whole(at..range.end);
    }

    fn copy_whole(&mut self, range: Range<usize>) {
        self.map.note_copy(self.code.len(), range.clone());
        self.code.push_str(&self.source[range]);
    }

    /// Copies up to `until`, then writes the replacements that waited. Returns where copying continues.
    /// Does nothing if none waits.
    fn catch_up(
        &mut self,
        at: usize,
        until: usize,
        waiting: &mut Vec<(&FoundMagic<'_>, Vec<Piece>)>,
    ) -> usize {
        if waiting.is_empty() {
            return at;
        }
        self.copy(at..until);
        if !self.code.ends_with('\n') {
            self.code.push('\n');
        }
        for (found, template) in waiting.drain(..) {
            self.replace(found, &template);
            self.code.push(' ');
        }
        until
    }

    /// Writes a magic's replacement, with each piece of the cell on the line where it was typed.
    fn replace(&mut self, found: &FoundMagic<'_>, template: &[Piece]) {
        let code_start = self.code.len();
        let span = found.call.span.clone();
        let (before, after) = around(template);
        self.code.push_str(before);
        let mut reached = span.start;
        for piece in template {
            match piece {
                Piece::Generated(text) => self.code.push_str(text),
                Piece::Source(range) => {
                    if let Some(between) = self.source.get(reached..range.start) {
                        self.break_lines(between);
                    }
                    if self.map.ends_at(self.code.len()) {
                        self.code.push(' ');
                    }
                    self.copy(range.clone());
                    reached = range.end;
                }
            }
        }
        self.code.push_str(after);
        self.break_lines(self.source.get(reached..span.end).unwrap_or_default());
        if self.map.ends_at(self.code.len()) {
            self.code.push(' ');
        }
        self.map
            .note_replaced(code_start..self.code.len(), found.head.clone());
    }

    /// Writes as many line breaks as `text` has.
    fn break_lines(&mut self, text: &str) {
        let count = text.matches('\n').count();
        self.code.extend(std::iter::repeat_n('\n', count));
    }
}

/// The braces around a template that begins with a path. Without them evcxr reads the line as a command,
/// as it does with every line that begins with a colon. A statement stays a statement.
fn around(template: &[Piece]) -> (&'static str, &'static str) {
    let mut written = template
        .iter()
        .filter(|piece| !matches!(piece, Piece::Generated(text) if text.is_empty()));
    let is_path = matches!(written.next(), Some(Piece::Generated(text)) if text.starts_with(':'));
    let is_statement =
        matches!(template.last(), Some(Piece::Generated(text)) if text.ends_with(';'));
    match (is_path, is_statement) {
        (false, _) => ("", ""),
        (true, false) => ("{ ", " }"),
        (true, true) => ("{ ", " };"),
    }
}

#[cfg(test)]
mod tests;
