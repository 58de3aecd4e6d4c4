//! Parses the command line of a magic: options as in a shell, then words or a Rust expression.
//!
//! One parser serves all magics; a magic's [`crate::magic::OptionSpec`]s drive it. It owns the error messages about
//! the spelling of options and values. It never reads the Rust that follows.
//!
//! * `-n100`, `-n 100`, `--name small` and `--name=small` give a value. Quotes keep the blanks in it.
//! * `-qd` means `-q -d`. An option with an optional value takes none in such a group: `-oq` means `-o -q`.
//! * `--` ends the options, for an expression that begins with `-`.
//! * An option with an optional value, such as `-o`, takes the next word as its value under two conditions: the
//!   word could name a variable and begins in lower case, and an expression begins after it. So `t` is the
//!   value in `-o t f(x)`, and part of the expression in `-o t + 1`, `-o t(x)` and `-o t`. `-o=t` and
//!   `-o -- t` make it explicit. On the first line of a cell magic a single word is the value, because the
//!   body follows.

use std::ops::Range;

use ra_ap_rustc_lexer::is_ident;

use crate::magic::{Call, Magic, MagicError};

mod reading;

use reading::Reading;

/// A word of the command line, without its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    /// Its bytes in the cell, including quotes.
    pub span: Range<usize>,
}

/// An option as the user typed it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Given {
    flag: &'static str,
    /// From its dash to the end of its value.
    span: Range<usize>,
    value: Option<Word>,
}

/// A parsed command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    label: String,
    usage: &'static str,
    given: Vec<Given>,
    /// For [`crate::magic::Arguments::Words`]: the words that are neither an option nor its value.
    pub words: Vec<Word>,
    /// For [`crate::magic::Arguments::Expression`]: the bytes of the cell after the options, without blanks at
    /// the ends. Without an expression it is empty and at the end of the arguments.
    pub rest: Range<usize>,
}

/// Parses the command line of `call`, a use of `magic`.
///
/// # Errors
///
/// An unknown option, an option given twice, a missing or unexpected value, an unclosed quote.
pub fn parse(magic: &Magic, call: &Call<'_>) -> Result<Parsed, MagicError> {
    let reading = Reading::of(magic, call);
    match reading.error {
        Some(error) => Err(error),
        None => Ok(reading.parsed),
    }
}

/// Like [`parse`], for a command line that may be half typed. Skips what it can't parse.
pub(crate) fn parse_leniently(magic: &Magic, call: &Call<'_>) -> (Parsed, Next) {
    let reading = Reading::of(magic, call);
    (reading.parsed, reading.next)
}

/// What may follow at the end of a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// An option, a word or the expression.
    Anything,
    /// The value of the last option.
    Value,
    /// Anything but an option: `--` or the expression came before.
    NoOption,
}

/// Whether the first word is `--help`.
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

    /// The option's value as typed. `None` if the option or its value is absent.
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
    /// The value is something else.
    pub fn count(&self, flag: &str) -> Result<Option<u64>, MagicError> {
        let Some(value) = self.value(flag) else {
            return Ok(None);
        };
        self.count_of(&format!("option {flag}"), value, u64::MAX)
            .map(Some)
    }

    /// `word` as a whole number from 1 to `most`. The error message begins with `what`, for example `option -n`.
    ///
    /// # Errors
    ///
    /// The word is something else.
    pub fn count_of(&self, what: &str, word: &Word, most: u64) -> Result<u64, MagicError> {
        let digits = word.text.replace('_', "");
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let wanted = match digits.parse::<u64>() {
            Ok(number) if is_number && (1..=most).contains(&number) => return Ok(number),
            _ if is_number && digits.bytes().any(|byte| byte != b'0') => format!("at most {most}"),
            _ => "a whole number of at least 1".to_owned(),
        };
        let text = format!(
            "{what} must be {wanted}, not {}",
            quote_if_needed(&word.text)
        );
        Err(self.error(&text, word.span.clone()))
    }

    /// The option's value as a number of at least 0, such as `1e-9`.
    ///
    /// # Errors
    ///
    /// The value is something else, or infinite.
    pub fn number(&self, flag: &str) -> Result<Option<f64>, MagicError> {
        let Some(value) = self.value(flag) else {
            return Ok(None);
        };
        match value.text.replace('_', "").parse::<f64>() {
            Ok(number) if number.is_finite() && number >= 0.0 => Ok(Some(number)),
            _ => {
                let typed = quote_if_needed(&value.text);
                let text = format!("option {flag} must be a number of at least 0, not {typed}");
                Err(self.error(&text, value.span.clone()))
            }
        }
    }

    /// The option's value as the name of a variable.
    ///
    /// # Errors
    ///
    /// The value is a keyword, or not a Rust identifier.
    pub fn variable(&self, flag: &str) -> Result<Option<&str>, MagicError> {
        let Some(value) = self.value(flag) else {
            return Ok(None);
        };
        if is_variable_name(&value.text) {
            return Ok(Some(&value.text));
        }
        let instead = match KEYWORDS.contains(&value.text.as_str()) {
            true => format!("the keyword {}", value.text),
            false => quote_if_needed(&value.text),
        };
        let text = format!("option {flag} must be a Rust variable name, not {instead}");
        Err(self.error(&text, value.span.clone()))
    }

    /// Checks that there are at most `allowed` words besides the options.
    ///
    /// # Errors
    ///
    /// There are more.
    pub fn expect_words_at_most(&self, allowed: usize) -> Result<(), MagicError> {
        match self.words.get(allowed) {
            None => Ok(()),
            Some(word) => Err(self.unexpected(word)),
        }
    }

    /// The error for a word that has no meaning here.
    pub fn unexpected(&self, word: &Word) -> MagicError {
        self.error(
            &format!("unexpected {}", quote_if_needed(&word.text)),
            word.span.clone(),
        )
    }

    /// An error about `span` of the cell. Puts the magic's name before `text` and the usage line after it.
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

/// The user's text for an error message: quoted if it is empty or has blanks, so that its ends are visible.
fn quote_if_needed(text: &str) -> String {
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
