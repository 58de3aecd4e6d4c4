//! `%magics`: all of them.

use crate::magic::{
    Arguments, Call, Magic, MagicError, OptionSpec, Places, Question, Replacement, documented,
};
use crate::options;

documented! {
    /// Lists all magics, one line each. `%name?` shows the help of one.
    ///
    /// ```text
    /// %magics
    /// %pool?
    /// ```
    ///
    /// A line magic, `%name`, takes the rest of its line. A cell magic, `%%name`, stands on the cell's first
    /// line and takes the whole cell. Lines of magics and lines of Rust mix freely in one cell.
    pub struct Magics;
}

impl Magic for Magics {
    fn name(&self) -> &'static str {
        "magics"
    }

    fn summary(&self) -> &'static str {
        "list all magics; %name? shows the help of one"
    }

    fn places(&self) -> Places {
        Places::Line
    }

    fn usage(&self) -> &'static str {
        "%magics"
    }

    fn help(&self) -> &'static str {
        Self::HELP
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[]
    }

    fn arguments(&self) -> Arguments {
        Arguments::Words
    }

    fn expand(&self, call: &Call<'_>) -> Result<Replacement, MagicError> {
        options::parse(self, call)?.at_most(0)?;
        Ok(Replacement::Question(Question::List))
    }
}
