//! Decides how many loops a run has and how many runs there are.
//!
//! This module never formats, prints or warns. It takes times only from the [`Clock`] that it gets.

use super::BoxError;
use super::clock::Clock;
use super::run::{Request, Run, RunBody, Sample};

pub(super) const MS: u64 = 1_000_000;

/// A run of this length is long enough to hide the cost of reading the clock and short disturbances.
const ENOUGH_NS: u64 = 50 * MS;
/// The time of a run of this length is exact enough to skip steps of the series.
const TELLING_NS: u64 = MS;
/// A first call that takes this long is kept as a run, because repeating it would cost too much time.
pub(super) const FIRST_CALL_KEPT_NS: u64 = 500 * MS;
/// A loop from this length on is long: fewer runs are enough.
const LONG_LOOP_NS: f64 = 1e8;
const RUNS: usize = 7;
const RUNS_OF_LONG_LOOPS: usize = 3;
const BUDGET_NS: u64 = 30_000 * MS;
pub(super) const MAX_LOOPS: u64 = 1_000_000_000;

/// The requested number of loops and runs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Plan {
    /// Loops per run; chosen automatically without it.
    pub loops: Option<u64>,
    /// Runs; chosen automatically, within the time budget, without it.
    pub runs: Option<usize>,
    /// Whether CPU time is measured. The number of loops still depends on the wall clock: a body that sleeps would
    /// never use enough CPU time.
    pub has_cpu: bool,
}

/// A finished measurement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measurement {
    /// Loops of every run, except for a slow first call that was kept.
    pub loops: u64,
    /// At least one, in the order in which they ran.
    pub samples: Vec<Sample>,
    /// Whether more loops took more time.
    pub grows: bool,
}

/// Measures `body` as planned.
///
/// # Errors
///
/// The first error of `body`, or an error if it returned without timing anything.
///
/// # Panics
///
/// When `body` panics, and when an interrupt is requested.
pub(super) fn measure(
    clock: &dyn Clock,
    plan: Plan,
    body: RunBody<'_>,
) -> Result<Measurement, BoxError> {
    let start_ns = clock.wall_ns();
    let mut sampler = Sampler {
        clock,
        plan,
        body,
        start_ns,
        runs: 0,
    };
    let choice = match plan.loops {
        Some(loops) => Choice {
            loops,
            kept: vec![sampler.sample(loops)?],
            step_before: None,
        },
        None => sampler.choose_loops()?,
    };
    let Choice {
        loops,
        kept,
        step_before,
    } = choice;
    let samples = sampler.collect(loops, kept)?;
    let grows = match step_before {
        Some(before) => sampler.grows(before, &samples)?,
        None => true,
    };
    Ok(Measurement {
        loops,
        samples,
        grows,
    })
}

/// The chosen number of loops.
struct Choice {
    loops: u64,
    /// Runs that can be used as results.
    kept: Vec<Sample>,
    /// The last run with fewer loops.
    step_before: Option<Sample>,
}

struct Sampler<'a> {
    clock: &'a dyn Clock,
    plan: Plan,
    body: RunBody<'a>,
    start_ns: u64,
    runs: usize,
}

impl Sampler<'_> {
    fn sample(&mut self, loops: u64) -> Result<Sample, BoxError> {
        self.runs += 1;
        let request = Request {
            loops,
            has_cpu: self.plan.has_cpu,
            side: 0,
        };
        Run::sample(self.clock, request, self.body, ("%timeit", self.runs))
    }

    /// Tries the numbers of the 1-2-5 series until a run is long enough. A second run confirms it.
    fn choose_loops(&mut self) -> Result<Choice, BoxError> {
        let mut loops = 1;
        let mut kept = Vec::new();
        let mut step_before = None;
        loop {
            let is_first_call = self.runs == 0;
            let sample = self.sample(loops)?;
            let mut last = sample;
            if is_first_call && sample.wall_ns >= FIRST_CALL_KEPT_NS {
                kept.push(sample);
                if self.plan.runs == Some(1) || !self.fits(sample.wall_ns) {
                    return Ok(Choice {
                        loops,
                        kept,
                        step_before,
                    });
                }
            }
            if sample.wall_ns >= ENOUGH_NS || loops >= MAX_LOOPS {
                last = self.sample(loops)?;
                if last.wall_ns >= ENOUGH_NS || loops >= MAX_LOOPS {
                    if !is_first_call {
                        kept.push(sample);
                    }
                    kept.push(last);
                    return Ok(Choice {
                        loops,
                        kept,
                        step_before,
                    });
                }
            }
            step_before = Some(last);
            loops = step_after(&last, ENOUGH_NS);
        }
    }

    /// Makes the planned number of runs, including those that were kept.
    fn collect(&mut self, loops: u64, kept: Vec<Sample>) -> Result<Vec<Sample>, BoxError> {
        let mut samples = kept;
        let per_loop_ns = samples
            .iter()
            .map(wall_per_loop_ns)
            .fold(f64::INFINITY, f64::min);
        let by_length = if per_loop_ns < LONG_LOOP_NS {
            RUNS
        } else {
            RUNS_OF_LONG_LOOPS
        };
        let runs = self.plan.runs.unwrap_or(by_length);
        samples.drain(..samples.len().saturating_sub(runs));
        while samples.len() < runs {
            let expected_ns = (per_loop_ns * loops as f64) as u64;
            if self.plan.runs.is_none() && !self.fits(expected_ns) {
                break;
            }
            samples.push(self.sample(loops)?);
        }
        Ok(samples)
    }

    /// Returns whether another run of `expected_ns` ends within the budget.
    fn fits(&self, expected_ns: u64) -> bool {
        self.clock.wall_ns() - self.start_ns + expected_ns <= BUDGET_NS
    }

    /// Returns whether `samples` took longer than the run `before`, which had fewer loops. They should take longer by
    /// at least half of what the additional loops promise. If they do not, the run with fewer loops is repeated.
    fn grows(&mut self, before: Sample, samples: &[Sample]) -> Result<bool, BoxError> {
        let last = samples.last().expect("there is at least one run");
        let has_grown = |before_ns: u64, after_ns: u64| {
            let promised = last.loops as f64 / before.loops as f64 - 1.0;
            after_ns as f64 >= before_ns as f64 * (1.0 + promised / 2.0)
        };
        let after_ns = samples.iter().filter(|sample| sample.loops == last.loops);
        let after_ns = after_ns
            .map(|sample| sample.wall_ns)
            .min()
            .expect("the last is among them");
        if has_grown(before.wall_ns, after_ns) {
            return Ok(true);
        }
        let again_ns = self
            .sample(before.loops)?
            .wall_ns
            .min(self.sample(before.loops)?.wall_ns);
        Ok(has_grown(again_ns.min(before.wall_ns), after_ns))
    }
}

pub(super) fn wall_per_loop_ns(sample: &Sample) -> f64 {
    sample.wall_ns as f64 / sample.loops as f64
}

/// The next number of loops to try: the next in the 1-2-5 series or, if `sample` was long enough to predict it, the
/// first whose run should take at least half of `enough_ns`.
pub(super) fn step_after(sample: &Sample, enough_ns: u64) -> u64 {
    let expected = match sample.wall_ns >= TELLING_NS {
        true => enough_ns as f64 / 2.0 / wall_per_loop_ns(sample),
        false => 0.0,
    };
    let mut loops = next_in_series(sample.loops);
    while (loops as f64) < expected {
        loops = next_in_series(loops);
    }
    loops
}

/// The number after `loops` in 1, 2, 5, 10, 20, 50, …
fn next_in_series(loops: u64) -> u64 {
    let power = 10_u64.pow(loops.ilog10());
    match loops / power {
        1 => 2 * power,
        2 => 5 * power,
        _ => 10 * power,
    }
}

#[cfg(test)]
mod tests;
