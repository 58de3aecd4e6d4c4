//! A finished measurement and the line that shows it. Nothing is measured here.

use std::fmt;

use nanoserde::SerJson;

use super::build::Build;
use super::format;
use super::measure::Measurement;
use super::run::Sample;
use crate::event::{self, Event};

/// The result of a `%timeit`. Its text is the printed line.
///
/// # Examples
///
/// ```
/// use corebook::timing::{Options, timeit};
///
/// let options = Options { loops: 100, repeat: 5, ..Options::DEFAULT };
/// let timing = timeit(&options, &mut || _ = std::hint::black_box("7".parse::<i32>()));
/// assert!(timing.to_string().starts_with("100 loops, best of 5: "));
/// assert!(timing.best <= timing.median && timing.median <= timing.worst);
/// ```
#[derive(Debug, Clone, PartialEq, SerJson)]
pub struct Timing {
    /// Loops per run.
    pub loops: u64,
    /// The number of runs.
    pub repeat: u64,
    /// Time per loop in the fastest run, in seconds.
    pub best: f64,
    /// Time per loop in the slowest run, in seconds.
    pub worst: f64,
    /// Median of the runs, in seconds per loop.
    pub median: f64,
    /// Average of the runs, in seconds per loop.
    pub average: f64,
    /// Standard deviation of the runs, in seconds per loop.
    pub stdev: f64,
    /// Time of each run, in seconds, as measured.
    pub all_runs: Vec<f64>,
    /// Time per loop of each run, in seconds, without the cost of the harness.
    pub timings: Vec<f64>,
    /// Time that it took to compile the cell, in seconds; 0 when unknown.
    pub compile_time: f64,
    /// The cost of the harness, in seconds per loop. It is already subtracted from the times per loop.
    pub floor: f64,
    /// Whether this is CPU time.
    pub cpu: bool,
    /// The optimisation level of the cell; empty when unknown.
    pub opt_level: String,
    digits: u64,
    details: bool,
    /// Whether a loop took hardly longer than an empty one.
    #[nserde(skip)]
    pub(super) is_at_the_floor: bool,
}

/// A loop does nothing if it takes less than this share of the time of an empty loop in addition to it.
const AT_THE_FLOOR: f64 = 0.5;

/// How a [`Timing`] writes its line.
#[derive(Debug, Clone, Copy)]
pub(super) struct LineStyle {
    pub digits: usize,
    pub details: bool,
    pub cpu: bool,
}

impl Timing {
    pub(super) fn new(measurement: &Measurement, style: LineStyle, build: Build) -> Self {
        let samples = &measurement.samples;
        let clock_ns = |run: &Sample| if style.cpu { run.cpu_ns } else { run.wall_ns };
        let floor_ns = samples
            .iter()
            .map(|run| run.floor_ns)
            .fold(f64::INFINITY, f64::min);
        let whole_loop_ns = |run: &Sample| clock_ns(run) as f64 / run.loops as f64;
        let loop_ns = |run: &Sample| (whole_loop_ns(run) - floor_ns).max(0.0);
        // Each run is compared with its own empty loops, because a busy machine slows both. Most runs have to agree,
        // because a disturbance of the few empty loops makes them look slow.
        let does_nothing = |run: &&Sample| whole_loop_ns(run) < (1.0 + AT_THE_FLOOR) * run.floor_ns;
        let idle_runs = samples.iter().filter(does_nothing).count();
        let timings: Vec<f64> = samples.iter().map(|run| loop_ns(run) / 1e9).collect();
        let mut sorted = timings.clone();
        sorted.sort_by(f64::total_cmp);
        let runs = timings.len() as f64;
        let average = timings.iter().sum::<f64>() / runs;
        let variance = timings
            .iter()
            .map(|time| (time - average).powi(2))
            .sum::<f64>()
            / runs;
        Timing {
            loops: measurement.loops,
            repeat: timings.len() as u64,
            best: sorted[0],
            worst: sorted[sorted.len() - 1],
            median: (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0,
            average,
            stdev: variance.sqrt(),
            all_runs: samples
                .iter()
                .map(|run| clock_ns(run) as f64 / 1e9)
                .collect(),
            timings,
            compile_time: build.compile_time,
            floor: floor_ns / 1e9,
            cpu: style.cpu,
            opt_level: build.opt_level,
            digits: style.digits as u64,
            details: style.details,
            is_at_the_floor: idle_runs * 2 > samples.len(),
        }
    }

    /// Shows the result of a cell that ends with a `Timing`: the line, and in a notebook also a strip plot and the
    /// JSON.
    #[doc(hidden)]
    pub fn evcxr_display(&self) {
        self.send(false, true);
    }

    pub(super) fn send(&self, show: bool, plot: bool) {
        let (line, json) = (self.to_string(), self.serialize_json());
        event::send(&Event::Timing {
            line,
            json,
            show,
            plot,
        });
    }

    fn write_details(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |seconds| format::time(seconds, self.digits as usize);
        write!(
            f,
            "  median {}, worst {}",
            time(self.median),
            time(self.worst)
        )?;
        if self.best > 0.0 {
            let spread_percent = self.stdev / self.average * 100.0;
            write!(
                f,
                " ({:.2}x), spread {spread_percent:.1}%",
                self.worst / self.best
            )?;
        }
        if self.compile_time > 0.0 {
            write!(f, ", compiled in {:.2} s", self.compile_time)?;
        }
        if !self.opt_level.is_empty() {
            write!(f, " (opt-level {})", self.opt_level)?;
        }
        Ok(())
    }
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let loops = format::count(self.loops, "loop");
        let best = format::time(self.best, self.digits as usize);
        let cpu = if self.cpu { " CPU" } else { "" };
        write!(f, "{loops}, best of {}: {best}{cpu} per loop", self.repeat)?;
        if self.details {
            self.write_details(f)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
