//! The type [`Magic`]: a name, its help, its options, and the function that replaces it by Rust.
//!
//! It defines types only. The magics themselves have a file each; `table` lists them.

use std::ops::Range;

/// One magic. Its help is written once: `%name?`, `%magics` and completion all read it from here.
pub struct Magic {
    /// The name after `%`.
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
    /// The keywords that may follow its name, such as `status`, each with one line for completion.
    pub words: &'static [(&'static str, &'static str)],
    /// Makes the replacement of one use of the magic. The first argument is the magic itself.
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
    /// Rust. The options end at the first word that is no option; after that, the evaluator completes.
    Expression,
    /// Words as in a shell. Options may stand between them.
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
    /// From `%` to the end of the magic, including its body.
    pub span: Range<usize>,
    /// What follows the name, on its line or, while brackets are open, on further lines. Blanks and
    /// comments at both ends are left out, so that generated text can follow on the same line.
    pub arguments: Range<usize>,
    /// For `%%name`: the lines below the first, without blanks and comments at the end.
    pub body: Option<Range<usize>>,
    /// Whether only blanks and comments follow, so that its value is the result of the cell.
    pub is_last: bool,
}

/// What replaces a magic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replacement {
    /// Rust, made of generated text and pieces of the cell.
    ///
    /// A template that begins with a path (`::corebook::…`) must be one statement or expression. The
    /// expansion puts it in braces, because evcxr reads a line that begins with a colon as a command.
    ///
    /// Each piece of the cell appears once, and they keep their order. The expansion adds the line breaks
    /// that keep every piece on the line where it was typed.
    Rust {
        template: Vec<Piece>,
        is_timing: bool,
    },
    /// A question that the kernel answers. A cell that holds only questions is not compiled.
    Question(Question),
}

/// A piece of a replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Generated text. It has no line break, so that the lines of the cell keep their numbers.
    Generated(String),
    /// Text of the cell. The source map records it, for compile errors and completion.
    Source(Range<usize>),
}

/// What a magic asks the kernel.
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

/// Answers the questions of magics. The kernel implements it.
pub trait Host {
    /// The answer to `question`, without a line break at its end.
    fn answer(&self, question: &Question) -> String;
}

/// A magic that is used wrongly. Its cell does not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct MagicError {
    /// Names the magic, the option and the value, and ends with what to do.
    pub message: String,
    /// The bytes of the cell that are wrong.
    pub span: Range<usize>,
}

/// Turns a doc comment into a constant of type `&str`: the help that `%name?` shows.
macro_rules! documented {
    ($(#[doc = $line:literal])* $name:ident) => {
        const $name: &str = concat!($($line, "\n"),*);
    };
}
pub(crate) use documented;
