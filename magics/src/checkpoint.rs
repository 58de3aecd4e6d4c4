//! The magic `%checkpoint`: whether variables survive a cell that crashes.
//!
//! It only parses the command. The kernel carries it out.

use crate::magic::{
    Arguments, Call, CheckpointCommand, Magic, MagicError, Places, Question, Replacement,
    documented,
};
use crate::options::{self, Parsed, Word};
use crate::suggest::nearest;

documented! {
    /// Before each cell the process that holds the variables makes a copy of itself, a checkpoint. If the cell
    /// dies (by a segmentation fault, `abort`, `exit`, a stack overflow, lack of memory, or because an interrupt
    /// had to kill it), the checkpoint continues with all variables as they were before the cell.
    ///
    /// ```text
    /// %checkpoint status        memory, cost of the last checkpoint, what is protected
    /// %checkpoint off           from this cell on, a cell that dies takes all variables with it
    /// %checkpoint on
    /// %checkpoint limit 1GiB    protect up to 1 GiB; the default is 256 MiB
    /// ```
    ///
    /// A checkpoint is cheap unless the cell writes to much memory: each page is copied when it is first written
    /// to. For this reason a cell with a timing magic has no checkpoint. A process that is larger than the limit,
    /// or than half of the free memory, has none either. Files, connections, threads and programs that a cell
    /// started are not restored.
    HELP
}

/// The magic's row in the table.
pub static MAGIC: Magic = Magic {
    name: "checkpoint",
    summary: "keep variables when a cell dies: on, off, status, limit",
    places: Places::Line,
    usage: "%checkpoint [status] | %checkpoint on | %checkpoint off | %checkpoint limit SIZE",
    help: HELP,
    options: &[],
    arguments: Arguments::Words,
    words: &[
        (
            "status",
            "memory, cost of the last checkpoint, what is protected",
        ),
        ("on", "keep variables when a cell dies"),
        (
            "off",
            "make no checkpoints: a cell that dies takes all variables with it",
        ),
        ("limit", "protect up to this size, for example 1GiB"),
    ],
    expand,
};

fn expand(magic: &Magic, call: &Call<'_>) -> Result<Replacement, MagicError> {
    let parsed = options::parse(magic, call)?;
    let first = parsed.words.first();
    let command = match first.map(|word| word.text.as_str()) {
        None | Some("status") => CheckpointCommand::Status,
        Some("on") => CheckpointCommand::On,
        Some("off") => CheckpointCommand::Off,
        Some("limit") => {
            parsed.expect_words_at_most(2)?;
            let bytes = size(&parsed)?;
            return Ok(question(CheckpointCommand::Limit { bytes }));
        }
        Some(other) => {
            let known = magic.words.iter().map(|(word, _)| *word);
            let text = match nearest(other, known) {
                Some(meant) => format!("unexpected {other}: did you mean {meant}?"),
                None => format!("unexpected {other}: on, off, status or limit stands here"),
            };
            let span = first.map_or(call.arguments.clone(), |word| word.span.clone());
            return Err(parsed.error(&text, span));
        }
    };
    parsed.expect_words_at_most(1)?;
    Ok(question(command))
}

fn question(command: CheckpointCommand) -> Replacement {
    Replacement::Question(Question::Checkpoint(command))
}

/// The size after `limit`, in bytes.
fn size(parsed: &Parsed) -> Result<u64, MagicError> {
    let Some(word) = parsed.words.get(1) else {
        let end = parsed.words.first().map_or(0..0, |word| word.span.clone());
        return Err(parsed.error("limit needs a size, for example 1GiB", end));
    };
    read_size(word).ok_or_else(|| {
        let text = format!(
            "limit must be a size of at least 1 byte such as 512MiB or 1GiB, not {}",
            word.text
        );
        parsed.error(&text, word.span.clone())
    })
}

fn read_size(word: &Word) -> Option<u64> {
    let text = word.text.replace('_', "");
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().ok()?;
    let (_, bytes) = UNITS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()))?;
    let size = number * bytes;
    // The conversion drops the fraction of a byte. A size that does not fit into a `u64` is not accepted.
    (size >= 1.0 && size < u64::MAX as f64).then_some(size as u64)
}

/// The units of sizes, and their number of bytes.
const UNITS: [(&str, f64); 12] = [
    ("", 1.0),
    ("B", 1.0),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("M", 1_048_576.0),
    ("G", 1_073_741_824.0),
];

#[cfg(test)]
mod tests {
    use crate::expansion::{Expansion, expand};
    use crate::magic::{CheckpointCommand, Host, Question};

    struct Nothing;

    impl Host for Nothing {
        fn answer(&self, _question: &Question) -> String {
            String::new()
        }
    }

    fn read(source: &str) -> Result<CheckpointCommand, String> {
        match expand(source, &Nothing).map_err(|error| error.message)? {
            Expansion::Answers(questions) => match questions.as_slice() {
                [Question::Checkpoint(command)] => Ok(*command),
                other => panic!("not one command: {other:?}"),
            },
            other => panic!("expected an answer, got {other:?}"),
        }
    }

    #[test]
    fn words_are_commands() {
        assert_eq!(read("%checkpoint"), Ok(CheckpointCommand::Status));
        assert_eq!(read("%checkpoint status"), Ok(CheckpointCommand::Status));
        assert_eq!(read("%checkpoint on"), Ok(CheckpointCommand::On));
        assert_eq!(read("%checkpoint off"), Ok(CheckpointCommand::Off));
    }

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("1GiB", 1 << 30),
            ("1gib", 1 << 30),
            ("0.5GiB", 1 << 29),
            ("2G", 2 << 30),
            ("512MiB", 512 << 20),
            ("100MB", 100_000_000),
            ("1_000", 1000),
        ] {
            assert_eq!(
                read(&format!("%checkpoint limit {text}")),
                Ok(CheckpointCommand::Limit { bytes })
            );
        }
    }

    #[test]
    fn bad_input_is_named() {
        let usage = "usage: %checkpoint [status] | %checkpoint on | %checkpoint off | %checkpoint limit SIZE";
        for (source, complaint) in [
            ("%checkpoint offf", "unexpected offf: did you mean off? "),
            (
                "%checkpoint 3",
                "unexpected 3: on, off, status or limit stands here; ",
            ),
            ("%checkpoint on now", "unexpected now; "),
            (
                "%checkpoint limit",
                "limit needs a size, for example 1GiB; ",
            ),
            (
                "%checkpoint limit 0",
                "limit must be a size of at least 1 byte such as 512MiB or 1GiB, not 0; ",
            ),
            (
                "%checkpoint limit 1PiB",
                "limit must be a size of at least 1 byte such as 512MiB or 1GiB, not 1PiB; ",
            ),
            (
                // 2 to the power of 64.
                "%checkpoint limit 16777216TiB",
                "limit must be a size of at least 1 byte such as 512MiB or 1GiB, not 16777216TiB; ",
            ),
            (
                "%checkpoint limit much",
                "limit must be a size of at least 1 byte such as 512MiB or 1GiB, not much; ",
            ),
            ("%checkpoint limit 1 GiB", "unexpected GiB; "),
        ] {
            assert_eq!(
                read(source),
                Err(format!("%checkpoint: {complaint}{usage}")),
                "{source}"
            );
        }
    }
}
