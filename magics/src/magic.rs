//! What a magic is: a name, its help, and Rust text in its place.

use std::ops::Range;

/// One magic. Its help is written once, here: `%name?`, `%magics` and completion all read it.
pub struct Magic {
    /// The word after `%`.
    pub name: &'static str,
    /// One line, for `%magics`.
    pub summary: &'static str,
    /// Where it may stand.
    pub places: Places,
    /// The usage line of error messages, for example `%timeit [-n N] [-r R] EXPR`.
    pub usage: &'static str,
    /// What `%name?` shows: Markdown with examples.
    pub help: &'static str,
    /// The options it takes, for parsing and completion.
    pub options: &'static [OptionSpec],
    /// What follows its options.
    pub arguments: Arguments,
    /// The words with a meaning of their own that may follow its name, such as `status`, each with one
    /// line for completion.
    pub words: &'static [(&'static str, &'static str)],
    /// What stands in the magic's place; called with the magic itself.
    pub expand: fn(&Magic, &Call<'_>) -> Result<Replacement, MagicError>,
}

/// Where a magic may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Places {
    /// `%name` on a line.
    Line,
    /// `%%name` on the first line.
    Cell,
    /// Both.
    LineAndCell,
}

/// What follows a magic's options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arguments {
    /// Rust: the options end at the first word that is none, and completion is the evaluator's there.
    Expression,
    /// Shell-like words, between which options may stand.
    Words,
}

/// One option of a magic's command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionSpec {
    /// As typed, with its dashes: `-n`, `--name`.
    pub flag: &'static str,
    pub value: OptionValue,
    /// One line, for completion.
    pub summary: &'static str,
}

impl OptionSpec {
    /// A row of a magic's options.
    pub const fn new(flag: &'static str, value: OptionValue, summary: &'static str) -> Self {
        Self {
            flag,
            value,
            summary,
        }
    }
}

/// Whether an option takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionValue {
    None,
    /// The placeholder that the usage line shows, for example `N`.
    Required(&'static str),
    Optional(&'static str),
}

impl OptionValue {
    /// Whether the option is incomplete without a value.
    pub fn is_required(self) -> bool {
        matches!(self, OptionValue::Required(_))
    }
}

/// One use of a magic in a cell. All ranges are bytes of the cell's source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call<'source> {
    /// The whole cell.
    pub source: &'source str,
    /// From `%` to the end of the magic, its body included.
    pub span: Range<usize>,
    /// What follows the name, on its line or, while brackets are open, on further lines. Blanks and
    /// comments at its ends are left out, so that text of ours can follow it on the same line.
    pub arguments: Range<usize>,
    /// For `%%name`: the lines below the first, without blanks and comments at the end.
    pub body: Option<Range<usize>>,
    /// Whether nothing but blanks and comments follows, so that its value is the cell's result.
    pub is_last: bool,
}

/// What stands in the place of a magic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replacement {
    /// Rust, made of generated text and pieces of the cell.
    ///
    /// A template that begins with a path (`::corebook::…`) is one statement or expression: it is put in
    /// braces, because evcxr takes a line that begins with a colon for a command of its own.
    ///
    /// Pieces of the cell stand in their order and appear once. The expansion adds the line breaks that
    /// keep every piece on the line where it was typed.
    Rust {
        template: Vec<Piece>,
        is_timing: bool,
    },
    /// Something the kernel answers. A cell of nothing but questions is not compiled.
    Question(Question),
}

/// A piece of a replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text of ours. It holds no line break, so that the cell's lines keep their numbers.
    Generated(String),
    /// Text of the cell, kept where compile errors and completion find it again.
    Source(Range<usize>),
}

/// What a magic asks of the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// `%cpus`
    Cpus { verbose: bool, json: bool },
    /// `%pool status`
    PoolStatus,
    /// `%checkpoint`
    Checkpoint(CheckpointCommand),
    /// `%name?`: the magic's name.
    Help(&'static str),
    /// `%magics`
    List,
}

/// What `%checkpoint` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckpointCommand {
    Status,
    On,
    Off,
    Limit { bytes: u64 },
}

/// What the kernel knows and a magic asks for.
pub trait Host {
    /// The text that answers `question`, without a line break at its end.
    fn answer(&self, question: &Question) -> String;
}

/// A magic that can't be used as it stands. Nothing of its cell runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct MagicError {
    /// Names the magic, the option and the value, and ends with what to do.
    pub message: String,
    /// The bytes of the cell's source that are at fault.
    pub span: Range<usize>,
}

/// Declares the text of the doc comment in it as a constant, for the help that `%name?` shows.
macro_rules! documented {
    ($(#[doc = $line:literal])* $name:ident) => {
        const $name: &str = concat!($($line, "\n"),*);
    };
}
pub(crate) use documented;
