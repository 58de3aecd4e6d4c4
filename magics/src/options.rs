//! A magic's command line: options as in a shell, then words or a Rust expression.
//!
//! One parser for every magic, driven by its [`OptionSpec`]s. It owns the wording of every complaint
//! about an option, and never looks at the Rust that follows.
//!
//! * `-n100`, `-n 100`, `--name small` and `--name=small` give a value; quotes keep blanks in it.
//! * `-qd` is `-q -d`. An option whose value is optional takes none when glued: `-oq` is `-o -q`.
//! * `--` ends the options, for an expression that begins with `-`.
//! * `-o t f(x)`: the value of an option that may go without one is the word after it if that is a
//!   name a variable could have (lower case) and an expression begins after it; in `-o t + 1`, `-o t(x)`
//!   and `-o t` the word is the expression. `-o=t` and `-o -- t` say which is meant. On the first line of
//!   a cell magic a lone word is the value, because the body follows.

use std::ops::Range;

use ra_ap_rustc_lexer::{is_id_continue, is_ident};

use crate::magic::{Arguments, Call, Magic, MagicError, OptionSpec, OptionValue};
use crate::suggest::nearest;

/// A word of the command line, without its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    /// The bytes of the cell that it stands on, quotes included.
    pub span: Range<usize>,
}

/// An option as the user gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Given {
    flag: &'static str,
    /// From its dash to the end of its value.
    span: Range<usize>,
    value: Option<Word>,
}

/// A command line, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    label: String,
    usage: &'static str,
    given: Vec<Given>,
    /// For [`Arguments::Words`]: what is neither an option nor its value.
    pub words: Vec<Word>,
    /// For [`Arguments::Expression`]: the bytes of the cell after the options, blanks at its ends left
    /// out; empty, at the end of the arguments, when there are none.
    pub rest: Range<usize>,
}

/// Takes apart the command line of `call`, a use of `magic`.
///
/// # Errors
///
/// An unknown option, one given twice, a value that is missing or not wanted, an open quote.
pub fn parse(magic: &dyn Magic, call: &Call<'_>) -> Result<Parsed, MagicError> {
    let mut reader = Reader::new(magic, call);
    reader.read();
    match reader.complaint {
        Some(complaint) => Err(complaint),
        None => Ok(reader.parsed),
    }
}

/// Like [`parse`], for a command line that may be half typed: what can't be understood is skipped.
pub(crate) fn parse_leniently(magic: &dyn Magic, call: &Call<'_>) -> (Parsed, Next) {
    let mut reader = Reader::new(magic, call);
    reader.read();
    (reader.parsed, reader.next)
}

/// What would be read if a command line went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// An option, a word or the expression.
    Anything,
    /// The value of the last option.
    Value,
    /// No option: `--` or the expression came before.
    NoOption,
}

/// Whether the first word asks for help instead.
pub(crate) fn asks_for_help(call: &Call<'_>) -> bool {
    call.source[call.arguments.clone()]
        .split_whitespace()
        .next()
        == Some("--help")
}

impl Parsed {
    /// Whether the option was given, with or without a value.
    pub fn has(&self, flag: &str) -> bool {
        self.given.iter().any(|given| given.flag == flag)
    }

    /// The option's value as typed; nothing when the option or its value is absent.
    pub fn value(&self, flag: &str) -> Option<&Word> {
        self.given
            .iter()
            .find(|given| given.flag == flag)?
            .value
            .as_ref()
    }

    /// The bytes of the option and its value.
    pub fn span(&self, flag: &str) -> Option<Range<usize>> {
        let given = self.given.iter().find(|given| given.flag == flag)?;
        Some(given.span.clone())
    }

    /// The option's value as a whole number of at least 1.
    ///
    /// # Errors
    ///
    /// The value is anything else.
    pub fn count(&self, flag: &str) -> Result<Option<u64>, MagicError> {
        let Some(value) = self.value(flag) else {
            return Ok(None);
        };
        self.count_of(&format!("option {flag}"), value, u64::MAX)
            .map(Some)
    }

    /// `word` as a whole number from 1 to `most`; `what` it is opens the complaint: `option -n`.
    ///
    /// # Errors
    ///
    /// The word is anything else.
    pub fn count_of(&self, what: &str, word: &Word, most: u64) -> Result<u64, MagicError> {
        let digits = word.text.replace('_', "");
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let wanted = match digits.parse::<u64>() {
            Ok(number) if is_number && (1..=most).contains(&number) => return Ok(number),
            _ if is_number && digits.bytes().any(|byte| byte != b'0') => format!("at most {most}"),
            _ => "a whole number of at least 1".to_owned(),
        };
        let text = format!("{what} must be {wanted}, not {}", shown(&word.text));
        Err(self.error(&text, word.span.clone()))
    }

    /// The option's value as a number of at least 0, such as `1e-9`.
    ///
    /// # Errors
    ///
    /// The value is anything else; infinity is not a number here.
    pub fn number(&self, flag: &str) -> Result<Option<f64>, MagicError> {
        let Some(value) = self.value(flag) else {
            return Ok(None);
        };
        match value.text.replace('_', "").parse::<f64>() {
            Ok(number) if number.is_finite() && number >= 0.0 => Ok(Some(number)),
            _ => {
                let value_shown = shown(&value.text);
                let text =
                    format!("option {flag} must be a number of at least 0, not {value_shown}");
                Err(self.error(&text, value.span.clone()))
            }
        }
    }

    /// The option's value as the name of a variable.
    ///
    /// # Errors
    ///
    /// The value is a keyword or no Rust identifier.
    pub fn variable(&self, flag: &str) -> Result<Option<&str>, MagicError> {
        let Some(value) = self.value(flag) else {
            return Ok(None);
        };
        if is_variable_name(&value.text) {
            return Ok(Some(&value.text));
        }
        let instead = match KEYWORDS.contains(&value.text.as_str()) {
            true => format!("the keyword {}", value.text),
            false => shown(&value.text),
        };
        let text = format!("option {flag} must be a Rust variable name, not {instead}");
        Err(self.error(&text, value.span.clone()))
    }

    /// The first word that no option has taken is one too many.
    ///
    /// # Errors
    ///
    /// There is such a word after the first `allowed`.
    pub fn at_most(&self, allowed: usize) -> Result<(), MagicError> {
        match self.words.get(allowed) {
            None => Ok(()),
            Some(word) => Err(self.unexpected(word)),
        }
    }

    /// The complaint about a word that means nothing here.
    pub fn unexpected(&self, word: &Word) -> MagicError {
        self.error(
            &format!("unexpected {}", shown(&word.text)),
            word.span.clone(),
        )
    }

    /// A complaint about `span` of the cell: names the magic before `text` and adds the usage line.
    pub fn error(&self, text: &str, span: Range<usize>) -> MagicError {
        let joint = if text.ends_with('?') { "" } else { ";" };
        let message = format!("{}: {text}{joint} usage: {}", self.label, self.usage);
        MagicError { message, span }
    }
}

/// Whether `text` can name a variable: an identifier that is neither a keyword nor `_`.
pub fn is_variable_name(text: &str) -> bool {
    text != "_" && is_ident(text) && !KEYWORDS.contains(&text)
}

/// Text of the user's in a complaint: as typed, or quoted where its ends would not be seen.
fn shown(text: &str) -> String {
    match text.is_empty() || text.contains(char::is_whitespace) {
        true => format!("{text:?}"),
        false => text.to_owned(),
    }
}

/// Strict and reserved keywords of edition 2024: <https://doc.rust-lang.org/reference/keywords.html>
const KEYWORDS: &[&str] = &[
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern",
    "false", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub",
    "ref", "return", "self", "Self", "static", "struct", "super", "trait", "true", "type",
    "unsafe", "use", "where", "while", "abstract", "become", "box", "do", "final", "gen", "macro",
    "override", "priv", "try", "typeof", "unsized", "virtual", "yield",
];

/// Reads a command line from left to right.
struct Reader<'call> {
    magic: &'call dyn Magic,
    source: &'call str,
    at: usize,
    end: usize,
    has_body: bool,
    parsed: Parsed,
    next: Next,
    /// The first thing that is wrong.
    complaint: Option<MagicError>,
}

impl<'call> Reader<'call> {
    fn new(magic: &'call dyn Magic, call: &Call<'call>) -> Self {
        let sigil = if call.body.is_some() { "%%" } else { "%" };
        let arguments = &call.source[call.arguments.clone()];
        let end = match magic.arguments() {
            Arguments::Expression => call.arguments.end,
            // A habit from Rust, harmless here.
            Arguments::Words => {
                call.arguments.start + arguments.trim_end_matches(';').trim_end().len()
            }
        };
        let parsed = Parsed {
            label: format!("{sigil}{}", magic.name()),
            usage: magic.usage(),
            given: Vec::new(),
            words: Vec::new(),
            rest: end..end,
        };
        let has_body = call.body.as_ref().is_some_and(|body| !body.is_empty());
        let at = call.arguments.start;
        Reader {
            magic,
            source: call.source,
            at,
            end,
            has_body,
            parsed,
            next: Next::Anything,
            complaint: None,
        }
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
            } else if self.magic.arguments() == Arguments::Words {
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
        let is_words = self.magic.arguments() == Arguments::Words;
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
        self.magic.options().iter().find(|spec| spec.flag == flag)
    }

    fn unknown(&mut self, span: Range<usize>) {
        let flag = &self.source[span.clone()];
        let long_flags = self.magic.options().iter().map(|spec| spec.flag);
        let near = nearest(flag, long_flags.filter(|_| flag.starts_with("--")));
        let text = match (near, self.magic.arguments()) {
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

#[cfg(test)]
mod tests;
