//! The magic `%cpus`: how many cores there are. The kernel answers it; this crate counts nothing.

use crate::magic::{
    Arguments, Call, Magic, MagicError, OptionSpec, OptionValue, Places, Question, Replacement,
    documented,
};
use crate::options;

documented! {
    /// How many physical cores the machine has, and how many of them this notebook may use.
    ///
    /// ```text
    /// %cpus             cores, logical CPUs, and the cores a pool should have
    /// %cpus -v          also model, frequency, caches, memory, limits and the load of each core
    /// %cpus --json      one JSON object: physical, logical, usable, limits
    /// ```
    ///
    /// A hardware thread is not a core: two threads of one core share its arithmetic units, so a pool gets
    /// one worker per physical core. `usable` counts the physical cores that the CPU affinity and a cgroup
    /// quota leave to this process. In Rust: `cpus::physical()`, `cpus::logical()`, `cpus::usable()`.
    HELP
}

/// The magic's row in the table.
pub static MAGIC: Magic = Magic {
    name: "cpus",
    summary: "how many cores there are, and how many are usable here",
    places: Places::Line,
    usage: "%cpus [-v] [--json]",
    help: HELP,
    options: &[
        OptionSpec::new(
            "-v",
            OptionValue::None,
            "also model, caches, memory, limits and load",
        ),
        OptionSpec::new("--json", OptionValue::None, "print one JSON object"),
    ],
    arguments: Arguments::Words,
    words: &[],
    expand,
};

fn expand(magic: &Magic, call: &Call<'_>) -> Result<Replacement, MagicError> {
    let parsed = options::parse(magic, call)?;
    parsed.expect_words_at_most(0)?;
    let question = Question::Cpus {
        verbose: parsed.has("-v"),
        json: parsed.has("--json"),
    };
    Ok(Replacement::Question(question))
}
