//! Reads a command line from left to right, one word at a time.
//!
//! It continues after an error, so that completion gets the rest of a half-typed line.

use std::ops::Range;

use ra_ap_rustc_lexer::is_id_continue;

use super::{Given, Next, Parsed, Word, is_variable_name, quote_if_needed};
use crate::magic::{Arguments, Call, Magic, MagicError, OptionSpec, OptionValue};
use crate::suggest::nearest;

/// A command line, and the state of reading it.
pub(super) struct Reading<'call> {
    magic: &'call Magic,
    source: &'call str,
    at: usize,
    end: usize,
    has_body: bool,
    pub parsed: Parsed,
    pub next: Next,
    /// The first error.
    pub error: Option<MagicError>,
}

impl<'call> Reading<'call> {
    /// The whole command line of `call`, read.
    pub fn of(magic: &'call Magic, call: &Call<'call>) -> Self {
        let sigil = if call.body.is_some() { "%%" } else { "%" };
        let arguments = &call.source[call.arguments.clone()];
        let end = match magic.arguments {
            Arguments::Expression => call.arguments.end,
            // Rust programmers end a line with a semicolon out of habit; allow it.
            Arguments::Words => {
                call.arguments.start + arguments.trim_end_matches(';').trim_end().len()
            }
        };
        let parsed = Parsed {
            label: format!("{sigil}{}", magic.name),
            usage: magic.usage,
            given: Vec::new(),
            words: Vec::new(),
            rest: end..end,
        };
        let has_body = call.body.as_ref().is_some_and(|body| !body.is_empty());
        let at = call.arguments.start;
        let mut reading = Reading {
            magic,
            source: call.source,
            at,
            end,
            has_body,
            parsed,
            next: Next::Anything,
            error: None,
        };
        reading.read();
        reading
    }

    fn read(&mut self) {
        let mut options_end = false;
        loop {
            self.skip_blanks();
            let text = self.ahead();
            let is_option = !options_end && self.is_option(text);
            if text.is_empty() {
                return;
            } else if is_option && text.split_whitespace().next() == Some("--") {
                self.at += 2;
                options_end = true;
                self.next = Next::NoOption;
            } else if is_option && text.starts_with("--") {
                self.long_option();
            } else if is_option {
                self.short_options();
            } else if self.magic.arguments == Arguments::Words {
                let word = self.word();
                self.parsed.words.push(word);
            } else {
                self.parsed.rest = self.at..self.end;
                self.next = Next::NoOption;
                return;
            }
        }
    }

    /// Whether `text` begins with an option. A lone dash is not an option. Where words follow, a negative number is
    /// not one either: the magic itself has the better error message for it.
    fn is_option(&self, text: &str) -> bool {
        let is_words = self.magic.arguments == Arguments::Words;
        let after_dash = text.strip_prefix('-').and_then(|text| text.chars().next());
        after_dash.is_some_and(|c| !c.is_whitespace() && (!is_words || !c.is_ascii_digit()))
    }

    /// `--name`, `--name VALUE` or `--name=VALUE`.
    fn long_option(&mut self) {
        let start = self.at;
        let len = self.ahead().find(|c: char| c == '=' || c.is_whitespace());
        let flag = start..len.map_or(self.end, |len| start + len);
        self.at = flag.end;
        let glued = self.ahead().starts_with('=').then(|| {
            self.at += 1;
            self.word()
        });
        match self.spec(&self.source[flag.clone()]) {
            Some(spec) => {
                self.option(spec, start, glued);
            }
            None => self.unknown(flag),
        }
    }

    /// `-n`, `-n VALUE`, `-nVALUE`, `-n=VALUE`, or several without values: `-qd`.
    fn short_options(&mut self) {
        let start = self.at;
        self.at += 1;
        while let Some(c) = self.ahead().chars().next().filter(|c| !c.is_whitespace()) {
            let Some(spec) = self.spec(&format!("-{c}")) else {
                self.at += self
                    .ahead()
                    .find(char::is_whitespace)
                    .unwrap_or(self.ahead().len());
                return self.unknown(start..self.at);
            };
            self.at += c.len_utf8();
            let is_followed =
                !self.ahead().is_empty() && !self.ahead().starts_with(char::is_whitespace);
            let has_equals = self.ahead().starts_with('=');
            let is_glued = has_equals || spec.value.is_required() && is_followed;
            let glued = is_glued.then(|| {
                self.at += usize::from(has_equals);
                self.word()
            });
            if self.option(spec, start, glued) {
                return;
            }
        }
    }

    /// Records the option that starts at `start`. Reads its value unless the value is `glued` to it.
    /// Returns true if the value ends the word, so that no further short option can follow.
    fn option(&mut self, spec: &'static OptionSpec, start: usize, glued: Option<Word>) -> bool {
        let flag = spec.flag;
        let value = match (spec.value, glued) {
            (OptionValue::None, Some(value)) => {
                let typed = quote_if_needed(&value.text);
                let text = format!("option {flag} takes no value, not {typed}");
                self.fail(&text, start..self.at);
                return true;
            }
            (_, Some(value)) => Some(value),
            (OptionValue::None, None) => None,
            (OptionValue::Optional(_), None) => self.optional_value(),
            (OptionValue::Required(placeholder), None) => {
                let flag_end = self.at;
                self.skip_blanks();
                if self.ahead().is_empty() {
                    self.next = Next::Value;
                    self.fail(
                        &format!("option {flag} needs a value {placeholder}"),
                        start..flag_end,
                    );
                    return true;
                }
                Some(self.word())
            }
        };
        let ends_word = value.is_some();
        let span = start..self.at;
        if self.parsed.has(flag) {
            self.fail(&format!("option {flag} is given twice"), span);
        } else {
            self.parsed.given.push(Given { flag, span, value });
        }
        ends_word
    }

    /// The value of an option with an optional value, if the next word is one. The header of `options` has the rule.
    fn optional_value(&mut self) -> Option<Word> {
        let ahead = self.ahead();
        let text = ahead.trim_start();
        let len = text
            .find(|c: char| !is_id_continue(c))
            .unwrap_or(text.len());
        let (name, after) = text.split_at(len);
        let is_name = is_variable_name(name) && !name.starts_with(char::is_uppercase);
        let is_value = match after.trim_start() {
            "" => self.has_body,
            next => after.starts_with(char::is_whitespace) && begins_expression(next),
        };
        if text.len() == ahead.len() || !is_name || !is_value {
            return None;
        }
        self.skip_blanks();
        Some(self.word())
    }

    /// Reads a word as a shell does: up to a blank outside quotes.
    fn word(&mut self) -> Word {
        let start = self.at;
        let mut text = String::new();
        let mut quote = None;
        let mut chars = self.ahead().char_indices();
        let len = loop {
            match (chars.next(), quote) {
                (None, _) => break self.end - start,
                (Some((at, c)), None) if c.is_whitespace() => break at,
                (Some((_, c @ ('"' | '\''))), None) => quote = Some(c),
                (Some((_, c)), Some(open)) if c == open => quote = None,
                (Some((_, '\\')), Some('"')) => text.extend(chars.next().map(|(_, c)| c)),
                (Some((_, c)), _) => text.push(c),
            }
        };
        self.at = start + len;
        if let Some(open) = quote {
            self.fail(&format!("the quote {open} is not closed"), start..self.at);
        }
        Word {
            text,
            span: start..self.at,
        }
    }

    fn spec(&self, flag: &str) -> Option<&'static OptionSpec> {
        self.magic.options.iter().find(|spec| spec.flag == flag)
    }

    fn unknown(&mut self, span: Range<usize>) {
        let flag = &self.source[span.clone()];
        let long_flags = self.magic.options.iter().map(|spec| spec.flag);
        let near = nearest(flag, long_flags.filter(|_| flag.starts_with("--")));
        let text = match (near, self.magic.arguments) {
            (Some(near), _) => format!("unknown option {flag}: did you mean {near}?"),
            (None, Arguments::Words) => format!("unknown option {flag}"),
            (None, Arguments::Expression) => {
                format!("unknown option {flag}; write -- before an expression that begins with -")
            }
        };
        self.fail(&text, span);
    }

    /// Records an error, unless there was one before.
    fn fail(&mut self, text: &str, span: Range<usize>) {
        let error = self.parsed.error(text, span);
        self.error.get_or_insert(error);
    }

    fn skip_blanks(&mut self) {
        let ahead = self.ahead();
        self.at += ahead.len() - ahead.trim_start().len();
    }

    fn ahead(&self) -> &'call str {
        &self.source[self.at..self.end]
    }
}

/// Whether `text`, which follows a word and a blank, begins a new expression. Otherwise it continues the one that
/// the word began. An operator that could do either continues it if a blank follows: `-b` begins, `- b` continues.
fn begins_expression(text: &str) -> bool {
    let word = &text[..text
        .find(|c: char| !is_id_continue(c))
        .unwrap_or(text.len())];
    if !word.is_empty() {
        return word != "as";
    }
    let after_operator = text.trim_start_matches(['-', '&', '*', '!', '|', '<', '=']);
    let operator = &text[..text.len() - after_operator.len()];
    let is_unary = !operator.contains('=')
        && !after_operator.trim_start().is_empty()
        && !after_operator.starts_with(char::is_whitespace);
    let ends_options = operator == "--";
    match operator {
        "" => text.starts_with(['"', '\'', '(', '[', '{']) || text.starts_with("::"),
        _ => is_unary || ends_options,
    }
}
