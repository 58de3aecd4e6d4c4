//! What a magic found in a cell stands for: looks its name up, checks its place, and asks it.

use crate::magic::{Magic, MagicError, Places, Question, Replacement};
use crate::options::asks_for_help;
use crate::scan::{Found, scan_part};
use crate::suggest::nearest;
use crate::table;

/// What stands in the place of `found`.
///
/// # Errors
///
/// It has no such magic, stands where that may not, or does not understand its command line.
pub(crate) fn resolve(found: &Found<'_>) -> Result<Replacement, MagicError> {
    let magic = table::find(found.name).ok_or_else(|| unknown(found))?;
    if found.is_question || asks_for_help(&found.call) {
        return Ok(Replacement::Question(Question::Help(magic.name())));
    }
    let error = |message| {
        Err(MagicError {
            message,
            span: found.head.clone(),
        })
    };
    let name = magic.name();
    match (magic.places(), &found.call.body) {
        (Places::Line, Some(_)) => {
            return error(format!(
                "%%{name} is no cell magic: write %{name} on a line of its own"
            ));
        }
        (Places::Cell, None) => {
            return error(format!(
                "%{name} is no line magic: write %%{name} on the cell's first line"
            ));
        }
        (_, Some(_)) if !is_first_line(found) => {
            let mut message = format!("%%{name} is not on the cell's first line: move it there");
            if magic.places() == Places::LineAndCell {
                message += &format!(", or write %{name} EXPR for one expression");
            }
            return error(message);
        }
        _ => {}
    }
    if let Some(fault) = &found.fault {
        let message = format!("{}: {}", label(found), fault.text);
        return Err(MagicError {
            message,
            span: fault.span.clone(),
        });
    }
    no_magic_inside(magic, found)?;
    magic.expand(&found.call)
}

fn unknown(found: &Found<'_>) -> MagicError {
    let is_cell = found.call.body.is_some();
    let known = table::TABLE.iter().map(|magic| magic.name());
    let near = nearest(found.name, known)
        .and_then(table::find)
        .map(|magic| {
            let sigil = match magic.places() {
                Places::Line => "%",
                Places::Cell => "%%",
                Places::LineAndCell => {
                    if is_cell {
                        "%%"
                    } else {
                        "%"
                    }
                }
            };
            format!(" did you mean {sigil}{}?", magic.name())
        });
    let label = label(found);
    let message = format!(
        "unknown magic {label}:{} %magics lists them all",
        near.unwrap_or_default()
    );
    MagicError {
        message,
        span: found.head.clone(),
    }
}

/// The magic as it was typed.
fn label<'source>(found: &Found<'source>) -> &'source str {
    found.call.source[found.head.clone()].trim_start_matches('?')
}

/// A cell magic elsewhere takes no lines below it.
fn is_first_line(found: &Found<'_>) -> bool {
    found.call.source[..found.call.span.start].trim().is_empty()
}

/// The body of a cell magic is Rust alone.
fn no_magic_inside(magic: &dyn Magic, found: &Found<'_>) -> Result<(), MagicError> {
    let Some(body) = found.call.body.clone() else {
        return Ok(());
    };
    match scan_part(found.call.source, body).magics.first() {
        None => Ok(()),
        Some(inner) => {
            let (inner_name, outer) = (label(inner), magic.name());
            let message =
                format!("{inner_name} stands inside %%{outer}: run it in a cell of its own");
            Err(MagicError {
                message,
                span: inner.head.clone(),
            })
        }
    }
}
