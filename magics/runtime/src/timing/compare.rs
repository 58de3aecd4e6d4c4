//! `%compare`: the same work done in several ways, measured in turns.
//!
//! Runs of the sides are interleaved and never made at once, because a shared machine that is busy for a
//! while then slows all of them alike.
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

/// What is asked of a `%compare`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompareOptions {
    /// Loops of a run, the same for every side. 0 has them chosen, so that a run of the fastest takes at least
    /// 10 ms.
    pub loops: u64,
    /// Runs of each side. 0 has them chosen: from 9 to 61, as many as take 1.5 s, and at least 3 of long ones.
    pub repeat: u64,
    /// Significant digits of printed times.
    pub digits: usize,
    /// Whether to print nothing.
    pub quiet: bool,
    /// As [`Options::checked`](super::Options::checked).
    pub checked: bool,
}

impl CompareOptions {
    /// What `%compare A ;; B` uses.
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

/// Compares sides by time. `body` runs the side that [`Run::side`] names.
///
/// Nothing is printed before [`Comparison::show`] knows whether the results are equal.
///
/// # Panics
///
/// When `body` does, when it returns without timing, when there are fewer than two labels, and when an
/// interrupt is requested.
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
/// The first error of `body`, which ends the measurement.
///
/// # Panics
///
/// As [`compare`].
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
    /// Times one side of a comparison, and keeps its first value for the question whether the results
    /// are equal.
    ///
    /// # Panics
    ///
    /// When `side` does.
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
    /// When `side` does.
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
