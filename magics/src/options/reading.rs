//! Reads a command line from left to right, one word at a time.
//!
//! Goes on after what it can't understand, so that a half-typed line tells completion what it can.

use std::ops::Range;

use ra_ap_rustc_lexer::is_id_continue;

use super::{Given, Next, Parsed, Word, is_variable_name, shown};
use crate::magic::{Arguments, Call, Magic, MagicError, OptionSpec, OptionValue};
use crate::suggest::nearest;

/// A command line and how far it was read.
pub(super) struct Reading<'call> {
    magic: &'call Magic,
    source: &'call str,
    at: usize,
    end: usize,
    has_body: bool,
    pub parsed: Parsed,
    pub next: Next,
    /// The first thing that is wrong.
    pub complaint: Option<MagicError>,
}

impl<'call> Reading<'call> {
    /// The whole command line of `call`, read.
    pub fn of(magic: &'call Magic, call: &Call<'call>) -> Self {
        let sigil = if call.body.is_some() { "%%" } else { "%" };
        let arguments = &call.source[call.arguments.clone()];
        let end = match magic.arguments {
            Arguments::Expression => call.arguments.end,
            // A habit from Rust, harmless here.
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
            complaint: None,
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

    /// Whether an option begins `text`. A lone dash is none, nor is a negative number where no expression
    /// could hold it: what it is meant for can say more of it.
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
        while let Some(letter) = self.ahead().chars().next().filter(|c| !c.is_whitespace()) {
            let Some(spec) = self.spec(&format!("-{letter}")) else {
                self.at += self
                    .ahead()
                    .find(char::is_whitespace)
                    .unwrap_or(self.ahead().len());
                return self.unknown(start..self.at);
            };
            self.at += letter.len_utf8();
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

    /// Notes the option that starts at `start`, reading its value if it has one and none is glued to it.
    /// True when that ends the word it stands in.
    fn option(&mut self, spec: &'static OptionSpec, start: usize, glued: Option<Word>) -> bool {
        let flag = spec.flag;
        let value = match (spec.value, glued) {
            (OptionValue::None, Some(value)) => {
                let text = format!("option {flag} takes no value, not {}", shown(&value.text));
                self.complain(&text, start..self.at);
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
                    self.complain(
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
            self.complain(&format!("option {flag} is given twice"), span);
        } else {
            self.parsed.given.push(Given { flag, span, value });
        }
        ends_word
    }

    /// The word after an option that may go without a value, if it is one: see the module's rule.
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

    /// A word as a shell reads it: up to a blank that is not inside quotes.
    fn word(&mut self) -> Word {
        let start = self.at;
        let mut text = String::new();
        let mut quote = None;
        let mut letters = self.ahead().char_indices();
        let len = loop {
            match (letters.next(), quote) {
                (None, _) => break self.end - start,
                (Some((at, letter)), None) if letter.is_whitespace() => break at,
                (Some((_, letter @ ('"' | '\''))), None) => quote = Some(letter),
                (Some((_, letter)), Some(open)) if letter == open => quote = None,
                (Some((_, '\\')), Some('"')) => {
                    text.extend(letters.next().map(|(_, letter)| letter))
                }
                (Some((_, letter)), _) => text.push(letter),
            }
        };
        self.at = start + len;
        if let Some(open) = quote {
            self.complain(&format!("the quote {open} is not closed"), start..self.at);
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
        self.complain(&text, span);
    }

    fn complain(&mut self, text: &str, span: Range<usize>) {
        let complaint = self.parsed.error(text, span);
        self.complaint.get_or_insert(complaint);
    }

    fn skip_blanks(&mut self) {
        let ahead = self.ahead();
        self.at += ahead.len() - ahead.trim_start().len();
    }

    fn ahead(&self) -> &'call str {
        &self.source[self.at..self.end]
    }
}

/// Whether `text`, found after a word and a blank, begins an expression rather than continues one.
/// An operator that could do both continues when a blank follows it: `- b`, but `-b` begins.
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
