//! `%timeit`: measures, warns and shows the result. Cells call these functions.

use super::build::{self, Build};
use super::clock::{Clock, SystemClock};
use super::measure::{Plan, measure};
use super::result::{LineStyle, Timing};
use super::run::{Run, RunBody};
use super::warning::{Circumstances, warnings};
use super::{BoxError, format};
use crate::event::{self, Event};

/// The options of a `%timeit`. Start from [`Options::DEFAULT`].
///
/// # Examples
///
/// ```
/// use corebook::timing::Options;
///
/// let options = Options { repeat: 3, cpu: true, ..Options::DEFAULT };
/// assert_eq!(options.loops, 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Loops per run. With 0 they are chosen so that a run takes at least 50 ms.
    pub loops: u64,
    /// Runs. 0 means 7, or 3 if a loop takes 0.1 s or more, but not more than fit into 30 s.
    pub repeat: u64,
    /// Significant digits of printed times, from 1 to 17.
    pub digits: usize,
    /// Whether to measure the CPU time of the process instead of the wall time.
    pub cpu: bool,
    /// Whether the line shows median, worst, spread and compile time.
    pub details: bool,
    /// What is shown at the end.
    pub show: Show,
    /// Whether the measured code was compiled with debug assertions. Write `cfg!(debug_assertions)` there.
    pub checked: bool,
}

/// What a `%timeit` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// Nothing, not even warnings.
    Nothing,
    /// Warnings and the line.
    Line,
    /// Warnings and the result object.
    Object,
}

impl Options {
    /// The options of a `%timeit` without options.
    pub const DEFAULT: Options = Options {
        loops: 0,
        repeat: 0,
        digits: format::DEFAULT_DIGITS,
        cpu: false,
        details: false,
        show: Show::Line,
        checked: false,
    };

    fn plan(&self) -> Plan {
        Plan {
            loops: (self.loops > 0).then_some(self.loops),
            runs: (self.repeat > 0).then_some(usize::try_from(self.repeat).unwrap_or(usize::MAX)),
            has_cpu: self.cpu,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Measures `body`, prints warnings and the line, and returns the result.
///
/// Wrap the value of `body` in [`black_box`](std::hint::black_box). Otherwise the optimiser may remove the computation.
///
/// # Panics
///
/// When `body` panics, and when an interrupt is requested.
///
/// # Examples
///
/// ```
/// use corebook::timing::{Options, timeit};
/// use std::hint::black_box;
///
/// let numbers: Vec<u64> = (0..1000).collect();
/// let options = Options { repeat: 1, ..Options::DEFAULT };
/// let timing = timeit(&options, &mut || _ = black_box(&numbers.iter().sum::<u64>()));
/// assert!(timing.best < 1e-3);
/// ```
pub fn timeit(options: &Options, body: &mut dyn FnMut()) -> Timing {
    timeit_with_setup(options, &mut |run| run.time(body))
}

/// Like [`timeit`], for a body that uses `?`.
///
/// # Errors
///
/// The first error of `body`, which ends the measurement.
///
/// # Panics
///
/// As [`timeit`].
///
/// # Examples
///
/// ```
/// use corebook::timing::{Options, try_timeit};
/// use std::hint::black_box;
///
/// let options = Options { loops: 1, repeat: 1, ..Options::DEFAULT };
/// let result = try_timeit(&options, &mut || {
///     black_box("seven".parse::<i32>()?);
///     Ok(())
/// });
/// assert!(result.is_err());
/// ```
pub fn try_timeit(
    options: &Options,
    body: &mut dyn FnMut() -> Result<(), BoxError>,
) -> Result<Timing, BoxError> {
    try_timeit_with_setup(options, &mut |run| run.try_time(body))
}

/// Like [`timeit`], with a setup: `body` is called once for each run, prepares, and then calls [`Run::time`].
///
/// # Panics
///
/// As [`timeit`], and when `body` returns without calling [`Run::time`].
///
/// # Examples
///
/// ```
/// use corebook::timing::{Options, timeit_with_setup};
///
/// let options = Options { loops: 10, repeat: 2, ..Options::DEFAULT };
/// let timing = timeit_with_setup(&options, &mut |run| {
///     let mut numbers = vec![3, 1, 2];
///     run.time(&mut || numbers.sort());
/// });
/// assert_eq!((timing.loops, timing.repeat), (10, 2));
/// ```
pub fn timeit_with_setup(options: &Options, body: &mut dyn FnMut(&mut Run<'_>)) -> Timing {
    let result = try_timeit_with_setup(options, &mut |run| {
        body(run);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"))
}

/// Like [`timeit_with_setup`], for setups and bodies that use `?`.
///
/// # Errors
///
/// The first error of `body`, which ends the measurement, or an error if it returned without calling [`Run::time`].
///
/// # Panics
///
/// As [`timeit`].
///
/// # Examples
///
/// ```
/// use corebook::timing::{Options, try_timeit_with_setup};
///
/// let options = Options { loops: 1, repeat: 1, ..Options::DEFAULT };
/// let result = try_timeit_with_setup(&options, &mut |run| {
///     let number: i32 = "seven".parse()?;
///     run.time(&mut || _ = number.pow(2));
///     Ok(())
/// });
/// assert!(result.is_err());
/// ```
pub fn try_timeit_with_setup(options: &Options, body: RunBody<'_>) -> Result<Timing, BoxError> {
    let finished = evaluate(&SystemClock, options, build::current(), body)?;
    if options.show != Show::Nothing {
        for warning in &finished.warnings {
            event::send(&Event::Stderr {
                text: format!("{warning}\n"),
            });
        }
        finished.timing.send(true, options.show == Show::Object);
    }
    Ok(finished.timing)
}

struct Finished {
    timing: Timing,
    warnings: Vec<String>,
}

fn evaluate(
    clock: &dyn Clock,
    options: &Options,
    build: Build,
    body: RunBody<'_>,
) -> Result<Finished, BoxError> {
    let is_checked = options.checked || build.opt_level == "0";
    let style = LineStyle {
        digits: options.digits,
        details: options.details,
        cpu: options.cpu,
    };
    let measurement = measure(clock, options.plan(), body)?;
    let timing = Timing::new(&measurement, style, build);
    let circumstances = Circumstances {
        grows: measurement.grows,
        is_checked,
    };
    let warnings = warnings(&timing, circumstances);
    Ok(Finished { timing, warnings })
}

#[cfg(test)]
mod tests;
