//! Finds the magics of a cell by its tokens.
//!
//! It finds magics, known or unknown, and the lines that are evcxr commands. It does not look up names and does
//! not read options.

use std::ops::Range;

use ra_ap_rustc_lexer::TokenKind;

use crate::magic::Call;
use crate::statement::Statement;
use crate::tokens::{Brackets, Step, tokens, without_trivia};

/// A magic found in a cell. All ranges are bytes of the cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundMagic<'source> {
    pub name: &'source str,
    /// `%name` or `%%name`, without question marks.
    pub head: Range<usize>,
    /// Whether it is `%name?` or `?%name`.
    pub is_question: bool,
    pub call: Call<'source>,
    /// What is wrong with its Rust, if anything.
    pub fault: Option<Fault>,
}

/// A bracket, string or comment that is not closed where its magic ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub span: Range<usize>,
    pub text: String,
}

/// The magics and evcxr commands of a cell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scan<'source> {
    /// In the order in which they stand in the cell.
    pub magics: Vec<FoundMagic<'source>>,
    /// Lines such as `:dep rand` and `!ls`, without their line breaks.
    pub commands: Vec<Range<usize>>,
    /// How many of the commands come before all Rust. evcxr runs only these.
    pub leading_commands: usize,
    /// Whether there is Rust outside magics.
    pub has_rust: bool,
    /// Lines of Rust that look like line magics: the range of `%name`, and whether it is inside brackets.
    pub lookalikes: Vec<(Range<usize>, bool)>,
    /// The Rust read so far.
    statement: Statement,
}

/// Finds the magics of a cell.
pub(crate) fn scan(source: &str) -> Scan<'_> {
    scan_part(source, 0..source.len())
}

/// Finds the magics of `source[part]`, which begins at the start of a line.
pub(crate) fn scan_part(source: &str, part: Range<usize>) -> Scan<'_> {
    let mut scan = Scan::default();
    let mut at = part.start;
    while let Some(next) = scan.run(source, at..part.end, part.start) {
        at = next;
    }
    let last = scan.magics.last_mut().filter(|last| {
        let after = last.call.span.end..part.end;
        without_trivia(source, after).is_empty()
    });
    if let Some(last) = last {
        last.call.is_last = true;
    }
    scan
}

impl<'source> Scan<'source> {
    /// Reads up to the next magic or command and returns its end. `None` if there is no further one.
    fn run(&mut self, source: &'source str, rest: Range<usize>, first: usize) -> Option<usize> {
        for token in tokens(source, rest.clone()) {
            let ahead = token.span.start..rest.end;
            if self.statement.could_start() {
                if let Some(end) = self.take_line(source, ahead, first) {
                    return Some(end);
                }
            } else if token.kind == TokenKind::Percent
                && blanks_before(source, first..ahead.start).is_some()
                && let Some(head) = Head::read(source, ahead)
            {
                let is_inside = self.statement.brackets().depth() > 0;
                self.lookalikes.push((head.span, is_inside));
            }
            self.has_rust |= !token.is_trivia();
            self.statement.step(&token, &source[token.span.clone()]);
        }
        None
    }

    /// Reads the magic or command at the start of `ahead`, where a statement could start. Returns its end.
    fn take_line(
        &mut self,
        source: &'source str,
        ahead: Range<usize>,
        first: usize,
    ) -> Option<usize> {
        let blanks = blanks_before(source, first..ahead.start)?;
        let is_first = source[first..ahead.start].trim().is_empty();
        if let Some(found) = magic_at(source, ahead.clone(), is_first) {
            let end = found.call.span.end;
            self.magics.push(found);
            return Some(end);
        }
        if is_command(&source[ahead.clone()], blanks, self.has_rust) {
            let end = line_end(source, ahead.clone());
            self.commands.push(ahead.start..end);
            self.leading_commands += usize::from(!self.has_rust);
            return Some(end);
        }
        None
    }
}

/// The blanks between the start of the line and the end of `before`. `None` if there is anything else.
fn blanks_before(source: &str, before: Range<usize>) -> Option<&str> {
    let line = source[before].rsplit('\n').next()?;
    line.trim().is_empty().then_some(line)
}

/// Whether evcxr reads the line as a command. `:name` is one wherever a statement could start, unless it begins
/// with two colons, as a path does. `!shell` is one only at the very start of a line and before all Rust,
/// where it can't be a negation.
fn is_command(text: &str, before: &str, has_rust: bool) -> bool {
    let is_colon = text.starts_with(':') && !text.starts_with("::");
    let is_shell = text.starts_with('!') && before.is_empty() && !has_rust;
    is_colon || is_shell
}

/// The start of a magic: `%name`, `%%name` or `?%name`.
struct Head<'source> {
    name: &'source str,
    /// From the first percent sign to the end of the name.
    span: Range<usize>,
    is_question: bool,
    is_cell: bool,
}

impl<'source> Head<'source> {
    /// Reads the head at the start of `source[rest]`.
    fn read(source: &'source str, rest: Range<usize>) -> Option<Self> {
        let text = &source[rest.clone()];
        let from_sigil = text.trim_start_matches('?');
        let from_name = from_sigil.trim_start_matches('%');
        let sigil_len = from_sigil.len() - from_name.len();
        if !(1..=2).contains(&sigil_len) || !from_name.starts_with(char::is_alphabetic) {
            return None;
        }
        let name_end = from_name.find(|c: char| !c.is_alphanumeric() && c != '_');
        let (name, after) = from_name.split_at(name_end.unwrap_or(from_name.len()));
        Some(Head {
            name,
            span: rest.end - from_sigil.len()..rest.end - after.len(),
            is_question: from_sigil.len() < text.len() || after.starts_with('?'),
            is_cell: sigil_len == 2,
        })
    }
}

/// The magic at the start of `rest`. A cell magic takes the rest of the cell if `is_first`: if it is on the
/// first line of the cell that is not blank.
fn magic_at(source: &str, rest: Range<usize>, is_first: bool) -> Option<FoundMagic<'_>> {
    let head = Head::read(source, rest.clone())?;
    let line = Line::read(source, head.span.end..rest.end);
    let body = (head.is_cell && !head.is_question).then(|| match is_first {
        true => body_after(source, line.end..rest.end),
        false => line.end..line.end,
    });
    let body_fault = body
        .as_ref()
        .and_then(|body| fault_in(source, body.clone()));
    let takes_rest = body.is_some() && is_first;
    let end = if takes_rest { rest.end } else { line.end };
    let call = Call {
        source,
        span: rest.start..end,
        arguments: line.significant,
        body,
        is_last: false,
    };
    Some(FoundMagic {
        name: head.name,
        head: head.span,
        is_question: head.is_question,
        call,
        fault: line.fault.or(body_fault),
    })
}

/// The body of a cell magic: the lines below the first, without blanks and comments at the end.
fn body_after(source: &str, rest: Range<usize>) -> Range<usize> {
    let Some(line_break) = source[rest.clone()].find('\n') else {
        return rest.end..rest.end;
    };
    let start = rest.start + line_break + 1;
    let significant = without_trivia(source, start..rest.end);
    start..significant.end
}

/// What follows a magic's name: the rest of its line and, while brackets are open, further lines.
struct Line {
    /// Before the line break.
    end: usize,
    /// Without blanks and comments at the ends.
    significant: Range<usize>,
    fault: Option<Fault>,
}

impl Line {
    fn read(source: &str, rest: Range<usize>) -> Line {
        let mut brackets = Brackets::default();
        let mut significant = rest.start..rest.start;
        let mut fault = None;
        let mut end = rest.end;
        for token in tokens(source, rest.clone()) {
            let span = token.span.clone();
            let text = &source[span.clone()];
            if token.kind == TokenKind::Whitespace && brackets.depth() == 0 && text.contains('\n') {
                end = line_end(source, span.start..rest.end);
                break;
            }
            let unterminated = token.unterminated();
            // An unclosed string would extend to the end of the cell. Let it end with its line.
            let span_end =
                unterminated.map_or(span.end, |_| line_end(source, span.start..rest.end));
            if !token.is_trivia() {
                let is_first = significant.is_empty();
                significant = if is_first {
                    span.start
                } else {
                    significant.start
                }..span_end;
            }
            if let Some(what) = unterminated {
                let text = format!("the {what} that begins here is not closed");
                fault.get_or_insert(Fault {
                    span: span.start..span_end,
                    text,
                });
                end = span_end;
                break;
            }
            if brackets.step(&token) == Step::Mismatched {
                fault.get_or_insert(mismatched(source, span));
            }
        }
        // The token of a line comment includes the carriage return before the line break.
        end -= usize::from(source[..end].ends_with('\r') && source[end..].starts_with('\n'));
        let open = brackets
            .innermost()
            .map(|open| not_closed(source, open.span.clone()));
        Line {
            end,
            significant,
            fault: fault.or(open),
        }
    }
}

/// The first fault in `source[range]`. After one, generated text could not follow the range.
fn fault_in(source: &str, range: Range<usize>) -> Option<Fault> {
    let mut brackets = Brackets::default();
    for token in tokens(source, range) {
        if brackets.step(&token) == Step::Mismatched {
            return Some(mismatched(source, token.span));
        }
        if let Some(what) = token.unterminated() {
            let text = format!("the {what} that begins here is not closed");
            let span = token.span.start..line_end(source, token.span);
            return Some(Fault { span, text });
        }
    }
    brackets
        .innermost()
        .map(|open| not_closed(source, open.span.clone()))
}

fn mismatched(source: &str, span: Range<usize>) -> Fault {
    let text = format!("{} closes nothing that is open", &source[span.clone()]);
    Fault { span, text }
}

fn not_closed(source: &str, span: Range<usize>) -> Fault {
    let text = format!("the {} is not closed", &source[span.clone()]);
    Fault { span, text }
}

/// The end of the first line of `source[rest]`, before its line break.
fn line_end(source: &str, rest: Range<usize>) -> usize {
    let text = &source[rest.clone()];
    let line = text.split('\n').next().unwrap_or(text);
    let is_broken = line.len() < text.len() || source[rest.end..].starts_with('\n');
    let line = if is_broken {
        line.strip_suffix('\r').unwrap_or(line)
    } else {
        line
    };
    rest.start + line.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only_call(source: &str) -> Call<'_> {
        let mut magics = scan(source).magics;
        assert_eq!(magics.len(), 1, "{source:?}");
        magics.remove(0).call
    }

    #[test]
    fn a_line_magic_ends_before_its_line_break() {
        for source in ["%pool 2\nf();", "%pool 2\r\nf();", "%pool 2"] {
            let call = only_call(source);
            assert_eq!((call.span, call.arguments), (0..7, 6..7), "{source:?}");
        }
        for source in ["%pool // c\nf();", "%pool // c\r\nf();"] {
            assert_eq!(only_call(source).span, 0..10, "{source:?}");
        }
    }

    #[test]
    fn the_body_of_a_cell_magic_starts_on_the_next_line() {
        assert_eq!(only_call("%%time\nf()\n// end").body, Some(7..10));
        assert_eq!(only_call("%%time\r\n\r\nf()").body, Some(8..13));
        assert_eq!(only_call("%%time").body, Some(6..6));
    }

    #[test]
    fn a_command_ends_before_its_line_break() {
        let command = |source: &str| scan(source).commands.pop();
        assert_eq!(command(":dep a\nf()"), Some(0..6));
        assert_eq!(command(":dep a\r\nf()"), Some(0..6));
        assert_eq!(command(":dep a"), Some(0..6));
        // A carriage return without a line feed is not a line break.
        assert_eq!(command(":dep a\r"), Some(0..7));
    }
}
