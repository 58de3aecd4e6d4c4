//! A magic's command line: options as in a shell, then words or a Rust expression.
//!
//! One parser for every magic, driven by its [`crate::magic::OptionSpec`]s. It owns the wording of every complaint
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

use ra_ap_rustc_lexer::is_ident;

use crate::magic::{Call, Magic, MagicError};

mod reading;

use reading::Reading;

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
    /// For [`crate::magic::Arguments::Words`]: what is neither an option nor its value.
    pub words: Vec<Word>,
    /// For [`crate::magic::Arguments::Expression`]: the bytes of the cell after the options, blanks at
    /// its ends left out; empty, at the end of the arguments, when there are none.
    pub rest: Range<usize>,
}

/// Takes apart the command line of `call`, a use of `magic`.
///
/// # Errors
///
/// An unknown option, one given twice, a value that is missing or not wanted, an open quote.
pub fn parse(magic: &Magic, call: &Call<'_>) -> Result<Parsed, MagicError> {
    let reading = Reading::of(magic, call);
    match reading.complaint {
        Some(complaint) => Err(complaint),
        None => Ok(reading.parsed),
    }
}

/// Like [`parse`], for a command line that may be half typed: what can't be understood is skipped.
pub(crate) fn parse_leniently(magic: &Magic, call: &Call<'_>) -> (Parsed, Next) {
    let reading = Reading::of(magic, call);
    (reading.parsed, reading.next)
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

#[cfg(test)]
mod tests;
