//! The magic `%pool`: opens, resizes, shows or closes a pool of worker threads.
//!
//! It only writes the calls. The pool itself is in the runtime.

use crate::magic::{
    Arguments, Call, Magic, MagicError, OptionSpec, OptionValue, Piece, Places, Question,
    Replacement, documented,
};
use crate::options::{self, Parsed};
use crate::suggest::nearest;

documented! {
    /// A pool of worker threads that stays alive from cell to cell, in the variable `pool`.
    ///
    /// ```text
    /// %pool                   one worker per physical core that is usable here
    /// %pool 4                 4 workers; resizes the pool if it is open
    /// %pool --logical         one worker per logical CPU
    /// %pool 4 --name small    a second pool, in the variable small
    /// %pool --pin             each worker stays on its own physical core
    /// %pool status            workers, items mapped, time busy, utilisation of the last map
    /// %pool close             joins the threads; the next %pool opens a new pool
    /// ```
    ///
    /// Then map functions and closures over ranges and collections on it:
    ///
    /// ```text
    /// pool.map(|i| i * i, 0..24)
    /// pool.sum(f, &data)
    /// pool.install(|| data.par_iter().max())
    /// ```
    HELP
}

/// The magic's row in the table.
pub static MAGIC: Magic = Magic {
    name: "pool",
    summary: "open, resize, show or close a pool of worker threads",
    places: Places::Line,
    usage: "%pool [N] [--logical] [--name NAME] [--pin] | %pool status | %pool close [--name NAME]",
    help: HELP,
    options: &[
        OptionSpec::new(
            "--logical",
            OptionValue::None,
            "one worker per logical CPU instead of per physical core",
        ),
        OptionSpec::new(
            "--name",
            OptionValue::Required("NAME"),
            "the variable that holds the pool, instead of pool",
        ),
        OptionSpec::new(
            "--pin",
            OptionValue::None,
            "keep each worker on its own physical core",
        ),
    ],
    arguments: Arguments::Words,
    words: &[
        (
            "status",
            "workers, items mapped, time busy, utilisation of the last map",
        ),
        ("close", "join the pool's threads"),
    ],
    expand,
};

fn expand(magic: &Magic, call: &Call<'_>) -> Result<Replacement, MagicError> {
    let parsed = options::parse(magic, call)?;
    match parsed.words.first().map(|word| word.text.as_str()) {
        Some("status") => status(&parsed),
        Some("close") => close(&parsed),
        _ => open(&parsed),
    }
}

fn open(parsed: &Parsed) -> Result<Replacement, MagicError> {
    parsed.expect_words_at_most(1)?;
    let workers = match parsed.words.first() {
        None => None,
        Some(word) if word.text.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            let meant = nearest(&word.text, MAGIC.words.iter().map(|(word, _)| *word));
            let text = match meant {
                Some(meant) => format!("unexpected {}: did you mean {meant}?", word.text),
                None => format!(
                    "unexpected {}: a number of workers, status or close stands here",
                    word.text
                ),
            };
            return Err(parsed.error(&text, word.span.clone()));
        }
        Some(word) => Some(parsed.count_of("the number of workers", word, MOST_WORKERS)?),
    };
    let is_logical = parsed.has("--logical");
    if let (Some(workers), Some(span)) = (workers, parsed.span("--logical")) {
        let text = format!("{workers} and --logical both say how many workers: give one of them");
        return Err(parsed.error(&text, span));
    }
    let name = parsed.variable("--name")?.unwrap_or(DEFAULT_NAME);
    let is_pinned = parsed.has("--pin");
    // The type is written out so that it need not be inferred. Inference is slow to start, and this is often the
    // first cell of a notebook.
    Ok(rust(format!(
        "let {name}: ::corebook::pool::Pool = ::corebook::__private::pool::open({name:?}, {workers:?}, {is_logical}, {is_pinned});"
    )))
}

fn status(parsed: &Parsed) -> Result<Replacement, MagicError> {
    parsed.expect_words_at_most(1)?;
    refuse(parsed, "status", &["--logical", "--name", "--pin"])?;
    Ok(Replacement::Question(Question::PoolStatus))
}

fn close(parsed: &Parsed) -> Result<Replacement, MagicError> {
    parsed.expect_words_at_most(1)?;
    refuse(parsed, "close", &["--logical", "--pin"])?;
    let name = parsed.variable("--name")?.unwrap_or(DEFAULT_NAME);
    Ok(rust(format!(
        "::corebook::__private::pool::close({name:?});"
    )))
}

/// The variable that holds the pool when no name is given.
const DEFAULT_NAME: &str = "pool";

/// A larger number is a typing mistake, and so many threads would take the machine down.
const MOST_WORKERS: u64 = 65_535;

/// Checks that none of the options `flags`, which don't go with `word`, was given.
fn refuse(parsed: &Parsed, word: &str, flags: &[&str]) -> Result<(), MagicError> {
    match flags
        .iter()
        .find_map(|flag| Some((flag, parsed.span(flag)?)))
    {
        None => Ok(()),
        Some((flag, span)) => {
            Err(parsed.error(&format!("option {flag} does not go with {word}"), span))
        }
    }
}

fn rust(code: String) -> Replacement {
    Replacement::Rust {
        template: vec![Piece::Generated(code)],
        is_timing: false,
    }
}
