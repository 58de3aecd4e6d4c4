//! The magics `%compare` and `%%compare`: time the same work done in several ways.
//!
//! It only splits the sides and wraps them in closures. The runtime runs them in turns, compares and prints.

use std::ops::Range;

use ra_ap_rustc_lexer::TokenKind;

use crate::magic::{
    Arguments, Call, Magic, MagicError, OptionSpec, OptionValue, Piece, Places, Replacement,
    documented,
};
use crate::measured::{Measured, generated, top_level};
use crate::options::{self, Parsed};
use crate::timing_options::{
    DIGITS, HIDE_LITERALS, QUIET, binding, count_fields, loops, object, runs,
};
use crate::tokens::without_trivia;

documented! {
    /// Times the same work done in several ways, in turns, and prints the speed-up.
    ///
    /// ```text
    /// %compare (0..24).map(sleeping).collect::<Vec<_>>() ;; pool.map(sleeping, 0..24)
    /// ```
    ///
    /// With names, and with several lines a side, separated by `---`:
    ///
    /// ```text
    /// %%compare
    /// serial: (0..24).map(sleeping).collect::<Vec<_>>()
    /// ---
    /// pool: pool.map(sleeping, 0..24)
    ///
    /// serial  1 loop, best of 9: 2.4 s per loop
    /// pool    1 loop, best of 9: 302 ms per loop
    /// speed-up 7.95x on 8 workers, efficiency 99% (95% interval 7.90x to 7.97x, 9 interleaved pairs)
    /// results equal
    /// ```
    ///
    /// Sides run in turns (A B, B A, …), so that other load on the machine slows all of them alike. The
    /// speed-up is best over best; the interval comes from the pairs and needs six of them. If the interval
    /// contains 1, there is no measurable difference. Further sides are compared with the first.
    HELP
}

const OPTIONS: &[OptionSpec] = &[
    loops("loops per run, the same for every side"),
    runs("runs of each side; 9, more of short ones, cut to fit 10 s"),
    DIGITS,
    OptionSpec::new(
        "--tol",
        OptionValue::Required("T"),
        "floats may differ by T times the larger one",
    ),
    QUIET,
    object("bind the result object to NAME"),
    HIDE_LITERALS,
];

/// The code that labels a side without a name is cut to this number of characters.
const MAX_LABEL_CHARS: usize = 40;

/// The magic's row in the table.
pub static MAGIC: Magic = Magic {
    name: "compare",
    summary: "serial against parallel: time sides in turns, with speed-up and interval",
    places: Places::LineAndCell,
    usage: "%compare [-n N] [-r R] [-p P] [--tol T] [-q] [-o [NAME]] [-b] [--] A ;; B",
    help: HELP,
    options: OPTIONS,
    arguments: Arguments::Expression,
    words: &[],
    expand,
};

fn expand(magic: &Magic, call: &Call<'_>) -> Result<Replacement, MagicError> {
    let parsed = options::parse(magic, call)?;
    let sides = match &call.body {
        None => sides_of_line(call, &parsed)?,
        Some(body) => sides_of_body(call, body.clone(), &parsed)?,
    };
    if sides.len() < 2 {
        let text = match &call.body {
            None => "there is nothing to compare with: write ;; between two expressions",
            Some(_) => "there is nothing to compare with: write --- on a line between two sides",
        };
        return Err(parsed.error(text, parsed.rest.clone()));
    }
    let template = template(&parsed, &sides)?;
    Ok(Replacement::Rust {
        template,
        is_timing: true,
    })
}

/// One way to do the work.
struct Side<'source> {
    label: String,
    code: Measured<'source>,
}

/// The expressions separated by `;;`.
fn sides_of_line<'source>(
    call: &Call<'source>,
    parsed: &Parsed,
) -> Result<Vec<Side<'source>>, MagicError> {
    let significant = top_level(call.source, parsed.rest.clone());
    let mut spans = Vec::new();
    let mut start = parsed.rest.start;
    for pair in significant.windows(2) {
        let [one, other] = [&pair[0], &pair[1]];
        let is_separator = one.kind == TokenKind::Semi
            && other.kind == TokenKind::Semi
            && one.span.end == other.span.start
            && start <= one.span.start;
        if is_separator {
            spans.push(start..one.span.start);
            start = other.span.end;
        }
    }
    spans.push(start..parsed.rest.end);
    // Allow a separator after the last side: Rust programmers end a line with a semicolon out of habit.
    if spans.len() > 2 && without_trivia(call.source, start..parsed.rest.end).is_empty() {
        spans.pop();
    }
    let side = |span: Range<usize>| {
        let span = without_trivia(call.source, span);
        let code = Measured::expression(call.source, span, parsed, "compare")?;
        Ok(Side {
            label: label_of(code.text()),
            code,
        })
    };
    spans.into_iter().map(side).collect()
}

/// The parts of a body separated by lines of `---`. Each may begin with a name and a colon.
fn sides_of_body<'source>(
    call: &Call<'source>,
    body: Range<usize>,
    parsed: &Parsed,
) -> Result<Vec<Side<'source>>, MagicError> {
    if !parsed.rest.is_empty() {
        let text = "unexpected code on the first line: write it below";
        return Err(parsed.error(text, parsed.rest.clone()));
    }
    let mut sides = Vec::new();
    let mut start = body.start;
    let mut at = body.start;
    for line in call.source[body.clone()].split_inclusive('\n') {
        if line.trim() == "---" {
            sides.push(side_of_part(call.source, start..at, parsed)?);
            start = at + line.len();
        }
        at += line.len();
    }
    sides.push(side_of_part(call.source, start..body.end, parsed)?);
    Ok(sides)
}

fn side_of_part<'source>(
    source: &'source str,
    part: Range<usize>,
    parsed: &Parsed,
) -> Result<Side<'source>, MagicError> {
    let part = without_trivia(source, part);
    let (label, code) = match split_name(&source[part.clone()]) {
        Some((label, code_start)) => (Some(label), part.start + code_start..part.end),
        None => (None, part),
    };
    let code = Measured::body(source, code, parsed)?;
    let label = label.map_or_else(|| label_of(code.text()), str::to_owned);
    Ok(Side { label, code })
}

/// Splits a name off the start of `text`: returns the name before the first colon, and the start of the code after
/// it. A name consists of words and numbers with blanks or hyphens between them; `a::b` has none.
fn split_name(text: &str) -> Option<(&str, usize)> {
    let (label, after) = text.split_once(':')?;
    let is_word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_');
    let is_name = label.trim_end().split([' ', '-']).all(is_word);
    (is_name && !after.starts_with(':')).then_some((label.trim_end(), label.len() + 1))
}

/// A label made of the code itself: on one line, and cut if it is long.
fn label_of(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_LABEL_CHARS) {
        None => line,
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
    }
}

fn template(parsed: &Parsed, sides: &[Side<'_>]) -> Result<Vec<Piece>, MagicError> {
    let tolerance = parsed.number("--tol")?;
    let is_fallible = sides.iter().any(|side| side.code.uses_question_mark());
    let (function, time, signature, end) = match is_fallible {
        true => (
            "try_compare",
            "try_time_side",
            "-> ::core::result::Result<_, ::corebook::timing::BoxError> ",
            "?",
        ),
        false => ("compare", "time_side", "", ""),
    };
    let binding = binding(parsed, "Comparison")?;
    let traits = if tolerance.is_some() {
        "WithinTolerance as _, "
    } else {
        ""
    };
    let kept = (0..sides.len())
        .map(|side| format!("let mut corebook_kept_{side} = ::core::option::Option::None; "));
    let labels = sides
        .iter()
        .map(|side| format!("{:?}", side.label))
        .collect::<Vec<_>>();
    let mut template = vec![generated(format!(
        "{binding}{{ use ::corebook::__private::timing::{{{traits}ByEquality as _, NotComparable as _}}; {}\
         ::corebook::timing::{function}({}, &[{}], &mut |corebook_run| match corebook_run.side() {{ ",
        kept.collect::<String>(),
        settings(parsed)?,
        labels.join(", ")
    ))];
    for (index, side) in sides.iter().enumerate() {
        let pattern = if index + 1 < sides.len() {
            index.to_string()
        } else {
            "_".to_owned()
        };
        let (open, close) = if is_fallible {
            ("::core::result::Result::Ok(", ")")
        } else {
            ("", "")
        };
        template.push(generated(format!(
            "{pattern} => corebook_run.{time}(&mut corebook_kept_{index}, || {signature}{{ {open}"
        )));
        template.extend(side.code.pieces(parsed.has("-b")));
        template.push(generated(format!("{close} }}), ")));
    }
    let references = if tolerance.is_some() { "&&&" } else { "&&" };
    let results = (1..sides.len()).map(|side| {
        format!(
            "({references}::corebook::__private::timing::Pair(&corebook_kept_0, &corebook_kept_{side}))\
             .results({:?})",
            tolerance.unwrap_or(0.0)
        )
    });
    let results = results.collect::<Vec<_>>().join(", ");
    let semicolon = if binding.is_empty() { "; }" } else { " };" };
    template.push(generated(format!("}}){end}.show(&[{results}]){semicolon}")));
    Ok(template)
}

/// The options as a Rust value.
fn settings(parsed: &Parsed) -> Result<String, MagicError> {
    let fields = count_fields(parsed)?;
    Ok(format!(
        "&::corebook::timing::CompareOptions {{ {fields}quiet: {}, checked: cfg!(debug_assertions), \
         ..::corebook::timing::CompareOptions::DEFAULT }}",
        parsed.has("-q")
    ))
}

#[cfg(test)]
mod tests;
