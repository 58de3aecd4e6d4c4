//! `%compare`: several ways to do the same work, measured in turns.
//!
//! Runs of the sides are interleaved, so that a machine that is busy for a while slows all sides alike. They never run
//! at the same time.
//!
//! * [`rounds`]: how many loops and rounds, in which order
//! * [`interval`]: how sure a ratio is
//! * [`equality`]: whether the sides compute the same
//! * [`report`]: the finished comparison and its text

pub(crate) mod equality;
mod interval;
mod report;
mod rounds;

use self::rounds::{Rounds, measure_rounds};
use super::clock::{Clock, SystemClock};
use super::format::DEFAULT_DIGITS;
use super::run::{Run, RunBody};
use super::{BoxError, build};
use crate::workers_used;

pub use equality::Results;
pub use report::{Comparison, Side, SpeedUp};

/// The options of a `%compare`. Start from [`CompareOptions::DEFAULT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompareOptions {
    /// Loops per run, the same for all sides. With 0 they are chosen so that a run of the fastest side takes at least
    /// 10 ms.
    pub loops: u64,
    /// Runs of each side. With 0 they are chosen: 9 to 61, as many as take 1.5 s, and at least 3 if they are long.
    pub repeat: u64,
    /// Significant digits of printed times, from 1 to 17.
    pub digits: usize,
    /// Whether to print nothing.
    pub quiet: bool,
    /// As [`Options::checked`](super::Options::checked).
    pub checked: bool,
}

impl CompareOptions {
    /// The options of a `%compare` without options.
    pub const DEFAULT: CompareOptions = CompareOptions {
        loops: 0,
        repeat: 0,
        digits: DEFAULT_DIGITS,
        quiet: false,
        checked: false,
    };
}

impl Default for CompareOptions {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Compares the times of several sides. Nothing is printed: call [`Comparison::show`] with what is known about the
/// results.
///
/// * `labels`: the names of the sides.
/// * `body`: runs and times the side that [`Run::side`] returns.
///
/// # Panics
///
/// When `body` panics or returns without timing, when there are fewer than two labels, and when an interrupt is
/// requested.
///
/// # Examples
///
/// ```
/// use corebook::timing::{CompareOptions, Results, compare};
///
/// let options = CompareOptions { repeat: 3, quiet: true, ..CompareOptions::DEFAULT };
/// let (mut one, mut other) = (None, None);
/// let comparison = compare(&options, &["one", "other"], &mut |run| match run.side() {
///     0 => run.time_side(&mut one, || std::hint::black_box(1000_u64).pow(2)),
///     _ => run.time_side(&mut other, || std::hint::black_box(1000_u64) * 1000),
/// });
/// let comparison = comparison.show(&[Results::from(one == other)]);
/// assert_eq!(comparison.results, "equal");
/// assert_eq!(comparison.sides[1].label, "other");
/// ```
pub fn compare(
    options: &CompareOptions,
    labels: &[&str],
    body: &mut dyn FnMut(&mut Run<'_>),
) -> Comparison {
    let result = try_compare(options, labels, &mut |run| {
        body(run);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"))
}

/// Like [`compare`], for sides that use `?`.
///
/// # Errors
///
/// The first error of `body`, which ends the measurement, or an error if it returned without timing.
///
/// # Panics
///
/// When `body` panics, when there are fewer than two labels, and when an interrupt is requested.
///
/// # Examples
///
/// ```
/// use corebook::timing::{CompareOptions, try_compare};
///
/// let result = try_compare(&CompareOptions::DEFAULT, &["one", "other"], &mut |run| {
///     run.try_time_side(&mut None, || Ok("seven".parse::<i32>()?))
/// });
/// assert!(result.is_err());
/// ```
pub fn try_compare(
    options: &CompareOptions,
    labels: &[&str],
    body: RunBody<'_>,
) -> Result<Comparison, BoxError> {
    evaluate(&SystemClock, options, labels, body)
}

fn evaluate(
    clock: &dyn Clock,
    options: &CompareOptions,
    labels: &[&str],
    body: RunBody<'_>,
) -> Result<Comparison, BoxError> {
    assert!(labels.len() >= 2, "a comparison has at least two sides");
    let mut workers = vec![0; labels.len()];
    let rounds: Rounds = measure_rounds(clock, options, labels.len(), &mut |run| {
        let (result, used) = workers_used::during(|| body(run));
        workers[run.side()] = used.max(workers[run.side()]);
        result
    })?;
    Ok(Comparison::new(
        &rounds,
        labels,
        &workers,
        options,
        build::current(),
    ))
}

impl Run<'_> {
    /// Times one side of a comparison.
    ///
    /// * `kept`: gets the first value of the side, unless it has one, to compare the results later.
    /// * `side`: the measured code.
    ///
    /// # Panics
    ///
    /// When `side` panics.
    ///
    /// # Examples
    ///
    /// See [`compare`].
    pub fn time_side<T>(&mut self, kept: &mut Option<T>, mut side: impl FnMut() -> T) {
        let is_first = kept.is_none();
        self.time(&mut || {
            let value = side();
            std::hint::black_box(&value);
            if is_first {
                *kept = Some(value);
            }
        });
    }

    /// Like [`Run::time_side`], for a side that uses `?`.
    ///
    /// # Errors
    ///
    /// The first error of `side`.
    ///
    /// # Panics
    ///
    /// When `side` panics.
    ///
    /// # Examples
    ///
    /// See [`try_compare`].
    pub fn try_time_side<T>(
        &mut self,
        kept: &mut Option<T>,
        mut side: impl FnMut() -> Result<T, BoxError>,
    ) -> Result<(), BoxError> {
        let is_first = kept.is_none();
        self.try_time(&mut || {
            let value = side()?;
            std::hint::black_box(&value);
            if is_first {
                *kept = Some(value);
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
