//! A finished comparison and its text. Nothing is measured here.

use nanoserde::SerJson;

use super::super::build::Build;
use super::super::measure::Measurement;
use super::super::result::{LineStyle, Timing};
use super::super::warning::{Circumstances, warnings};
use super::CompareOptions;
use super::equality::Results;
use super::interval::sign_test_interval;
use super::rounds::Rounds;
use crate::event::{self, Event};

/// Shorter times count as this one, in seconds, so that ratios stay finite. Clocks can't resolve them anyway.
const SHORTEST: f64 = 1e-12;

/// The result of a `%compare`. Its text is the printed lines.
#[derive(Debug, Clone, PartialEq, SerJson)]
pub struct Comparison {
    /// The sides, in the order in which they were written.
    pub sides: Vec<Side>,
    /// How much faster each further side is than the first.
    pub speed_ups: Vec<SpeedUp>,
    /// `equal`, `differ` or `not compared`.
    pub results: String,
    quiet: bool,
    warnings: Vec<String>,
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, SerJson)]
pub struct Side {
    /// The name of the side.
    pub label: String,
    /// How long it took.
    pub timing: Timing,
    /// The workers of the pool that the side used; 0 without a pool.
    pub workers: u64,
}

/// How much faster a side is than the first.
#[derive(Debug, Clone, PartialEq, SerJson)]
pub struct SpeedUp {
    /// The side's name.
    pub label: String,
    /// The best time of the first side, divided by the best time of this one.
    pub ratio: f64,
    /// The lower end of the 95% interval; `None` for fewer than six pairs.
    pub low: Option<f64>,
    /// The upper end of the 95% interval; `None` for fewer than six pairs.
    pub high: Option<f64>,
    /// The number of interleaved pairs of runs.
    pub pairs: u64,
    /// The workers of the pool that the side used; 0 without a pool.
    pub workers: u64,
}

impl Comparison {
    pub(super) fn new(
        rounds: &Rounds,
        labels: &[&str],
        workers: &[u64],
        options: &CompareOptions,
        build: Build,
    ) -> Self {
        let is_checked = options.checked || build.opt_level == "0";
        let style = LineStyle {
            digits: options.digits,
            details: false,
            cpu: false,
        };
        let side = |index: usize| {
            let samples = rounds.sides[index].clone();
            let measurement = Measurement {
                loops: rounds.loops,
                samples,
                grows: true,
            };
            Side {
                label: labels[index].to_owned(),
                timing: Timing::new(&measurement, style, build.clone()),
                workers: workers[index],
            }
        };
        let sides: Vec<Side> = (0..labels.len()).map(side).collect();
        let circumstances = |is_checked| Circumstances {
            grows: true,
            is_checked,
        };
        // All sides were compiled in the same way: one line is enough.
        let warned = sides.iter().enumerate().flat_map(|(index, side)| {
            let lines = warnings(&side.timing, circumstances(is_checked && index == 0));
            lines
                .into_iter()
                .map(|line| format!("{}: {line}", side.label))
        });
        Comparison {
            warnings: warned.collect(),
            speed_ups: sides[1..]
                .iter()
                .map(|side| SpeedUp::new(&sides[0], side))
                .collect(),
            sides,
            results: Results::NotCompared.name().to_owned(),
            quiet: options.quiet,
        }
    }

    /// Prints warnings and the lines, in a notebook also a bar chart. Prints nothing with [`CompareOptions::quiet`].
    ///
    /// * `results`: for each side but the first, whether it computes the same as the first.
    ///
    /// Returns the comparison with the results set.
    ///
    /// # Examples
    ///
    /// See [`compare`](super::super::compare()).
    pub fn show(mut self, results: &[Results]) -> Self {
        let is_any = |wanted| results.contains(&wanted);
        let verdict = match (is_any(Results::Differ), is_any(Results::NotCompared)) {
            (true, _) => Results::Differ,
            (false, true) => Results::NotCompared,
            (false, false) => Results::Equal,
        };
        self.results = verdict.name().to_owned();
        if self.quiet {
            return self;
        }
        for warning in &self.warnings {
            event::send(&Event::Stderr {
                text: format!("{warning}\n"),
            });
        }
        if verdict == Results::Differ {
            event::send(&Event::Stderr {
                text: self.difference(results),
            });
        }
        self.evcxr_display();
        self
    }

    /// Shows the result of a cell that ends with a `Comparison`.
    #[doc(hidden)]
    pub fn evcxr_display(&self) {
        event::send(&Event::Comparison {
            text: self.to_string(),
            json: self.serialize_json(),
        });
    }

    /// The warning about results that differ.
    fn difference(&self, results: &[Results]) -> String {
        let differing = self.sides[1..].iter().zip(results);
        let labels: Vec<&str> = differing
            .filter(|(_, results)| **results == Results::Differ)
            .map(|(side, _)| side.label.as_str())
            .collect();
        format!(
            "WARNING: results differ: {} and {} do not compute the same. \
             If only rounding differs, say by how much it may: --tol 1e-9\n",
            self.sides[0].label,
            labels.join(", ")
        )
    }

    fn side_lines(&self) -> impl Iterator<Item = String> {
        let width = self
            .sides
            .iter()
            .map(|side| side.label.chars().count())
            .max()
            .unwrap_or(0);
        self.sides
            .iter()
            .map(move |side| format!("{:width$}  {}", side.label, side.timing))
    }
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for line in self.side_lines() {
            writeln!(f, "{line}")?;
        }
        for speed_up in &self.speed_ups {
            if self.speed_ups.len() > 1 {
                write!(f, "{}: ", speed_up.label)?;
            }
            writeln!(f, "{}", speed_up.line())?;
        }
        match self.results.as_str() {
            "not compared" => f.write_str("results not compared"),
            results => write!(f, "results {results}"),
        }
    }
}

impl Results {
    fn name(self) -> &'static str {
        match self {
            Results::Equal => "equal",
            Results::Differ => "differ",
            Results::NotCompared => "not compared",
        }
    }
}

impl SpeedUp {
    fn new(first: &Side, side: &Side) -> Self {
        let pairs = first.timing.timings.iter().zip(&side.timing.timings);
        let ratios: Vec<f64> = pairs.map(|(first, side)| ratio(*first, *side)).collect();
        let interval = sign_test_interval(&ratios);
        SpeedUp {
            label: side.label.clone(),
            ratio: ratio(first.timing.best, side.timing.best),
            low: interval.map(|(low, _)| low),
            high: interval.map(|(_, high)| high),
            pairs: ratios.len() as u64,
            workers: side.workers,
        }
    }

    /// Returns whether the interval shows that one of the two sides is faster. True without an interval.
    ///
    /// The ends of the interval are rounded as they are printed: an interval from 1.001 to 1.004 is printed as `1.00x
    /// to 1.00x` and does not show a difference. Such a small difference can come from the addresses of the two
    /// sides.
    pub fn is_resolved(&self) -> bool {
        let as_printed = |ratio: f64| (ratio * 100.0).round();
        !matches!(
            (self.low.map(as_printed), self.high.map(as_printed)),
            (Some(low), Some(high)) if low <= 100.0 && 100.0 <= high
        )
    }

    fn line(&self) -> String {
        let ratio = self.ratio;
        let interval = match (self.low, self.high) {
            (Some(low), Some(high)) => format!("95% interval {low:.2}x to {high:.2}x"),
            _ => "no interval".to_owned(),
        };
        if !self.is_resolved() {
            return format!("speed-up not resolved: {ratio:.2}x ({interval})");
        }
        let workers = match self.workers {
            0 => String::new(),
            workers => {
                let efficiency_percent = ratio / workers as f64 * 100.0;
                let count = super::super::format::count(workers, "worker");
                format!(" on {count}, efficiency {efficiency_percent:.0}%")
            }
        };
        let pairs = super::super::format::count(self.pairs, "interleaved pair");
        format!("speed-up {ratio:.2}x{workers} ({interval}, {pairs})")
    }
}

/// How many times as long `first` took.
fn ratio(first: f64, side: f64) -> f64 {
    first.max(SHORTEST) / side.max(SHORTEST)
}
