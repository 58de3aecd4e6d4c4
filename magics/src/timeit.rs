//! The magics `%timeit` and `%%timeit`: the best of many runs.
//!
//! It only wraps the code in closures. The runtime chooses the number of loops, measures and prints.

use std::ops::Range;

use crate::magic::{
    Arguments, Call, Magic, MagicError, OptionSpec, OptionValue, Piece, Places, Replacement,
    documented,
};
use crate::measured::{FALLIBLE, Measured, generated, uses_question_mark};
use crate::options::{self, Parsed};
use crate::timing_options::{
    DIGITS, HIDE_LITERALS, QUIET, binding, count_fields, loops, object, runs,
};
use crate::tokens::without_trivia;

documented! {
    /// Best of N: runs an expression many times and prints the best time of one.
    ///
    /// ```text
    /// %timeit (0..24).map(sleeping).collect::<Vec<_>>()
    /// 1 loop, best of 3: 2.4 s per loop
    /// ```
    ///
    /// `%%timeit [options] SETUP` times the lines below it. The setup runs once per run and is not timed. Its
    /// variables are in scope below:
    ///
    /// ```text
    /// %%timeit let mut numbers = unsorted.clone();
    /// numbers.sort();
    /// numbers[0]
    /// ```
    ///
    /// The expression is compiled once, optimised. Compile time is never in the figure, and the harness's own
    /// cost is subtracted. Variables are borrowed, not moved: if `f` takes its argument by value, time
    /// `f(v.clone())`, or let a setup make a new one for each run: `%%timeit -n 1 let v = v.clone();`.
    HELP
}

const OPTIONS: &[OptionSpec] = &[
    loops("loops per run; chosen so that a run takes 50 ms"),
    runs("runs; 7, or 3 when one loop takes 0.1 s or more"),
    DIGITS,
    OptionSpec::new(
        "-c",
        OptionValue::None,
        "CPU time of the whole process instead of wall time",
    ),
    QUIET,
    OptionSpec::new(
        "-d",
        OptionValue::None,
        "median, worst, spread and compile time too",
    ),
    object("show the result object, or bind it to NAME"),
    HIDE_LITERALS,
];

/// The magic's row in the table.
pub static MAGIC: Magic = Magic {
    name: "timeit",
    summary: "best of N: how long an expression, or a cell, takes",
    places: Places::LineAndCell,
    usage: "%timeit [-n N] [-r R] [-p P] [-c] [-q] [-d] [-o [NAME]] [-b] [--] EXPR",
    help: HELP,
    options: OPTIONS,
    arguments: Arguments::Expression,
    words: &[],
    expand,
};

fn expand(magic: &Magic, call: &Call<'_>) -> Result<Replacement, MagicError> {
    let parsed = options::parse(magic, call)?;
    let settings = settings(&parsed)?;
    let mut template = vec![generated(binding(&parsed, "Timing")?)];
    let hides_inputs = parsed.has("-b");
    match &call.body {
        None => {
            let measured =
                Measured::expression(call.source, parsed.rest.clone(), &parsed, magic.name)?;
            template.extend(without_setup(&settings, &measured, hides_inputs));
        }
        Some(body) => {
            let measured = Measured::body(call.source, body.clone(), &parsed)?;
            let setup = without_trivia(call.source, parsed.rest.clone());
            if setup.is_empty() {
                template.extend(without_setup(&settings, &measured, hides_inputs));
            } else {
                let runs_once = parsed.count("-n")? == Some(1);
                let setup = Setup {
                    source: call.source,
                    span: setup,
                    runs_once,
                };
                template.extend(setup.around(&settings, &measured, hides_inputs));
            }
        }
    }
    Ok(Replacement::Rust {
        template,
        is_timing: true,
    })
}

/// The options as a Rust value.
fn settings(parsed: &Parsed) -> Result<String, MagicError> {
    let mut fields = count_fields(parsed)?;
    for (flag, field) in [("-c", "cpu"), ("-d", "details")] {
        if parsed.has(flag) {
            fields += &format!("{field}: true, ");
        }
    }
    let shows_object = parsed.has("-o") && parsed.value("-o").is_none();
    let show = match (shows_object, parsed.has("-q")) {
        (true, _) => "Object",
        (false, true) => "Nothing",
        (false, false) => "Line",
    };
    Ok(format!(
        "&::corebook::timing::Options {{ {fields}show: ::corebook::timing::Show::{show}, \
         checked: cfg!(debug_assertions), ..::corebook::timing::Options::DEFAULT }}"
    ))
}

/// A statement that measures one expression.
///
/// `black_box` gets a reference to the value instead of the value, because the value may borrow from what the
/// closure captured. The value is dropped at the end of the statement, so its drop is timed.
fn without_setup(settings: &str, measured: &Measured<'_>, hides_inputs: bool) -> Vec<Piece> {
    let (function, signature, result, end) = match measured.uses_question_mark() {
        true => (
            "try_timeit",
            FALLIBLE,
            " ::core::result::Result::Ok(())",
            "?;",
        ),
        false => ("timeit", "", "", ";"),
    };
    let mut pieces = vec![generated(format!(
        "::corebook::timing::{function}({settings}, &mut || {signature}{{ ::core::hint::black_box(&"
    ))];
    pieces.extend(measured.pieces(hides_inputs));
    pieces.push(generated(format!(");{result} }}){end}")));
    pieces
}

/// The setup on the first line of a `%%timeit`.
struct Setup<'source> {
    source: &'source str,
    span: Range<usize>,
    /// Whether a run has one loop, so that the body may move the variables of the setup.
    runs_once: bool,
}

impl Setup<'_> {
    /// A statement that runs the setup once a run and measures the body.
    fn around(&self, settings: &str, body: &Measured<'_>, hides_inputs: bool) -> Vec<Piece> {
        let is_fallible =
            body.uses_question_mark() || uses_question_mark(self.source, self.span.clone());
        let (function, signature, result, end) = match is_fallible {
            true => (
                "try_timeit_with_setup",
                FALLIBLE,
                " ::core::result::Result::Ok(())",
                "?;",
            ),
            false => ("timeit_with_setup", "", "", ";"),
        };
        let time = match (is_fallible, self.runs_once) {
            (false, false) => "time(&mut ||",
            (false, true) => "time_once(||",
            (true, false) => "try_time(&mut ||",
            (true, true) => "try_time_once(||",
        };
        let separator = if self.source[self.span.clone()].ends_with(';') {
            " "
        } else {
            "; "
        };
        let mut pieces = vec![
            generated(format!(
                "::corebook::timing::{function}({settings}, &mut |corebook_run| {signature}{{ "
            )),
            Piece::Source(self.span.clone()),
            generated(format!(
                "{separator}corebook_run.{time} {signature}{{ ::core::hint::black_box(&"
            )),
        ];
        pieces.extend(body.pieces(hides_inputs));
        // A fallible closure returns the result of the inner call.
        let inner_end = if is_fallible { "" } else { ";" };
        pieces.push(generated(format!(");{result} }}){inner_end} }}){end}")));
        pieces
    }
}

#[cfg(test)]
mod tests;
