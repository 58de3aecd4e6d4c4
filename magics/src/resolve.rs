//! Resolves a magic found in a cell to its replacement: looks up its name, checks its place, and expands it.
//!
//! All error messages about a magic's name and place are written here.

use crate::magic::{Magic, MagicError, Places, Question, Replacement};
use crate::options::asks_for_help;
use crate::scan::{FoundMagic, scan, scan_part};
use crate::suggest::nearest;
use crate::table;

/// The replacement of `found`.
///
/// # Errors
///
/// There is no magic of that name, it may not stand there, or its command line is malformed.
pub(crate) fn resolve(found: &FoundMagic<'_>) -> Result<Replacement, MagicError> {
    let magic = table::find(found.name).ok_or_else(|| unknown(found))?;
    if found.is_question || asks_for_help(&found.call) {
        return Ok(Replacement::Question(Question::Help(magic.name)));
    }
    check_place(magic, found)?;
    if let Some(fault) = &found.fault {
        let message = format!("{}: {}", label(found), fault.text);
        return Err(MagicError {
            message,
            span: fault.span.clone(),
        });
    }
    check_body(magic, found)?;
    (magic.expand)(magic, &found.call)
}

/// Hints for a cell that does not compile: the lines of Rust that look like an existing magic, and why they are
/// not one. Such a line can be correct Rust, a remainder by a variable of that name. So show hints only if the
/// cell does not compile.
///
/// ```
/// let hints = corebook_magics::hints("f(x)\n%timeit g(x)");
/// assert!(hints[0].message.contains("end it with a semicolon"));
/// ```
pub fn hints(source: &str) -> Vec<MagicError> {
    let lookalikes = scan(source).lookalikes.into_iter();
    let known = lookalikes
        .filter(|(head, _)| table::find(source[head.clone()].trim_start_matches('%')).is_some());
    let hints = known.map(|(span, is_inside)| {
        let name = &source[span.clone()];
        let message = match is_inside {
            true => format!(
                "{name} is inside brackets: a magic stands on a line of its own outside them"
            ),
            false => format!("{name} continues the expression above it: end it with a semicolon"),
        };
        MagicError { message, span }
    });
    hints.collect()
}

/// Checks that `magic` may stand where it was found.
fn check_place(magic: &Magic, found: &FoundMagic<'_>) -> Result<(), MagicError> {
    let name = magic.name;
    let message = match (magic.places, &found.call.body) {
        (Places::Line, Some(_)) => {
            format!("%%{name} is no cell magic: write %{name} on a line of its own")
        }
        (Places::Cell, None) => {
            format!("%{name} is no line magic: write %%{name} on the cell's first line")
        }
        (places, Some(_)) if !is_first_line(found) => {
            let mut message = format!("%%{name} is not on the cell's first line: move it there");
            if places == Places::LineAndCell {
                message += &format!(", or write %{name} EXPR for one expression");
            }
            message
        }
        _ => return Ok(()),
    };
    Err(MagicError {
        message,
        span: found.head.clone(),
    })
}

fn unknown(found: &FoundMagic<'_>) -> MagicError {
    let is_cell = found.call.body.is_some();
    let known = table::TABLE.iter().map(|magic| magic.name);
    let near = nearest(found.name, known)
        .and_then(table::find)
        .map(|magic| {
            let sigil = match magic.places {
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
            format!(" did you mean {sigil}{}?", magic.name)
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

/// The name of the magic as typed, with its percent signs.
fn label<'source>(found: &FoundMagic<'source>) -> &'source str {
    found.call.source[found.head.clone()].trim_start_matches('?')
}

/// Whether the magic is on the first line of the cell that is not blank.
fn is_first_line(found: &FoundMagic<'_>) -> bool {
    found.call.source[..found.call.span.start].trim().is_empty()
}

/// Checks that the body of a cell magic holds no further magics.
fn check_body(magic: &Magic, found: &FoundMagic<'_>) -> Result<(), MagicError> {
    let Some(body) = found.call.body.clone() else {
        return Ok(());
    };
    match scan_part(found.call.source, body).magics.first() {
        None => Ok(()),
        Some(inner) => {
            let (inner_name, outer) = (label(inner), magic.name);
            let message =
                format!("{inner_name} stands inside %%{outer}: run it in a cell of its own");
            Err(MagicError {
                message,
                span: inner.head.clone(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::magic::Arguments;

    #[test]
    fn a_cell_magic_is_no_line_magic() {
        let magic = Magic {
            name: "sample",
            summary: "stands on the first line only",
            places: Places::Cell,
            usage: "%%sample",
            help: "",
            options: &[],
            arguments: Arguments::Words,
            words: &[],
            expand: |_, _| unreachable!("this test only checks the place"),
        };
        let checked = |source: &str| {
            let found = scan(source).magics.remove(0);
            check_place(&magic, &found).map_err(|error| error.message)
        };
        let move_there = "%%sample is not on the cell's first line: move it there";
        assert_eq!(checked("%%sample\nx"), Ok(()));
        assert_eq!(
            checked("%sample").expect_err("it has no body"),
            "%sample is no line magic: write %%sample on the cell's first line"
        );
        assert_eq!(checked("x;\n%%sample"), Err(move_there.to_owned()));
    }

    fn hinted(source: &str) -> String {
        let hints = hints(source).into_iter();
        hints
            .map(|hint| format!("{hint} @ {}", hint.span.start))
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn a_line_that_only_looks_like_a_magic_gets_a_hint() {
        insta::assert_snapshot!(hinted("f(x)\n%timeit g(x)"), @"%timeit continues the expression above it: end it with a semicolon @ 5");
        insta::assert_snapshot!(hinted("for i in 0..3 {\n    %timeit g(i)\n    %pool\n}"), @r"
        %timeit is inside brackets: a magic stands on a line of its own outside them @ 20
        %pool is inside brackets: a magic stands on a line of its own outside them @ 37
        ");
        assert_eq!(hinted("let r = a\n    % b;"), "");
        assert_eq!(hinted("let r = a\n    %b;"), "");
        assert_eq!(hinted("let r = a %pool;"), "", "not at the start of a line");
        assert_eq!(hinted("f(x);\n%timeit g(x)"), "");
        assert_eq!(hinted("let s = \"\n%pool\n\";"), "");
    }
}
