//! The Rust a cell becomes, and the way back to the cell's own positions.
//!
//! Text of the cell is copied, never changed; a magic's text takes its place on the same lines. What the
//! magics mean is theirs to say.

use std::ops::Range;

use crate::magic::{Host, MagicError, Piece, Question, Replacement};
use crate::options::parse_leniently;
use crate::resolve::resolve;
use crate::scan::{Found, Scan, scan};
use crate::source_map::SourceMap;
use crate::table;

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

/// Turns the magics of a cell into Rust. A cell without magics comes back unchanged.
///
/// The code has the line breaks of the cell, so that every piece of it stays on its line. Only when
/// evcxr's own commands (`:dep`) come after a magic does that magic's text move below them, because
/// evcxr takes commands at the start of a cell alone.
///
/// # Errors
///
/// The first magic that can't be used as it stands. Nothing of the cell should run then.
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
            Replacement::Question(question) => vec![Piece::Generated(printing(&question, host))],
        });
    let (code, map) = weave(source, &scan, templates.collect(), &[]);
    Ok(Expansion::Rust {
        code,
        map,
        is_timing,
    })
}

/// Like [`expand`], for completion and inspection: never fails. Questions and magics that can't be used
/// yet become blanks, except that the Rust after a magic's options stays. So do evcxr's commands, which it
/// would obey: a `:dep` can take it to the network.
pub fn expand_for_analysis(source: &str) -> (String, SourceMap) {
    let scan = scan(source);
    let templates = scan.magics.iter().map(|found| match resolve(found) {
        Ok(Replacement::Rust { template, .. }) => template,
        Ok(Replacement::Question(_)) => vec![Piece::Generated(" ".to_owned())],
        Err(_) => only_expression(found),
    });
    weave(source, &scan, templates.collect(), &scan.commands)
}

/// The questions of a cell that holds nothing else.
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

/// Rust that prints the answer in its turn.
fn printing(question: &Question, host: &dyn Host) -> String {
    match question {
        Question::PoolStatus => "::corebook::__private::pool::print_status();".to_owned(),
        // `{:?}` of a string is a literal of Rust, without line breaks.
        _ => format!("::std::println!(\"{{}}\", {:?});", host.answer(question)),
    }
}

/// The Rust that a magic, malformed or half typed, is about.
fn only_expression(found: &Found<'_>) -> Vec<Piece> {
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

/// Puts `templates` in the place of the magics, and blanks in that of what is `left_out`.
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

/// Writes the code from start to end.
struct Weaver<'source> {
    source: &'source str,
    /// Ascending parts of the cell that become blanks.
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

    /// Copies up to `until` and puts what waited for it there; gives where copying goes on.
    fn catch_up(
        &mut self,
        at: usize,
        until: usize,
        waiting: &mut Vec<(&Found<'_>, Vec<Piece>)>,
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

    /// Writes a magic's text, each piece of the cell on its own line.
    fn replace(&mut self, found: &Found<'_>, template: &[Piece]) {
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

    /// As many line breaks as `text` has.
    fn break_lines(&mut self, text: &str) {
        let count = text.matches('\n').count();
        self.code.extend(std::iter::repeat_n('\n', count));
    }
}

/// What keeps evcxr from taking a template for a command, as it takes every line that begins with a colon.
/// A statement stays a statement.
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
