//! Helpers of this crate's tests.

use crate::magic::{Magic, Piece, Replacement};
use crate::scan::scan;

/// The Rust that replaces the first magic in `source`, or the message of its error. The magic must be the timing
/// magic `magic`.
pub(crate) fn expand_magic(magic: &Magic, source: &str) -> Result<String, String> {
    let found = scan(source).magics.remove(0);
    let template = match (magic.expand)(magic, &found.call).map_err(|error| error.message)? {
        Replacement::Rust {
            template,
            is_timing: true,
        } => template,
        other => panic!("{other:?}"),
    };
    let text = template.into_iter().map(|piece| match piece {
        Piece::Generated(text) => {
            assert!(!text.contains('\n'), "{text:?}");
            text
        }
        Piece::Source(span) => source[span].to_owned(),
    });
    Ok(text.collect())
}
