//! The magic `%magics`: lists all magics.
//!
//! The list itself is `table::TABLE`, and `help` formats it.

use crate::magic::{Arguments, Call, Magic, MagicError, Places, Question, Replacement, documented};
use crate::options;

documented! {
    /// Lists all magics, one line each. `%name?` shows the help of one.
    ///
    /// ```text
    /// %magics
    /// %pool?
    /// ```
    ///
    /// A line magic, `%name`, applies to the rest of its line. A cell magic, `%%name`, stands on the first line
    /// and applies to the whole cell. Lines with magics and lines of Rust mix freely in one cell.
    HELP
}

/// The magic's row in the table.
pub static MAGIC: Magic = Magic {
    name: "magics",
    summary: "list all magics; %name? shows the help of one",
    places: Places::Line,
    usage: "%magics",
    help: HELP,
    options: &[],
    arguments: Arguments::Words,
    words: &[],
    expand,
};

fn expand(magic: &Magic, call: &Call<'_>) -> Result<Replacement, MagicError> {
    options::parse(magic, call)?.expect_words_at_most(0)?;
    Ok(Replacement::Question(Question::List))
}
