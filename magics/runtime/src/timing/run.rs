//! One run: a number of loops between two readings of the clock, and the cost of the harness.
//!
//! This module never decides how many loops a run has and never judges a time.

use std::hint::black_box;

use super::BoxError;
use super::clock::Clock;
use crate::cancel;
use crate::event::{self, Event};

/// The most loops of the empty body, which measure the cost of the harness. They take about a millisecond; more would
/// not make the result more exact.
const MAX_FLOOR_LOOPS: u64 = 1_000_000;

/// The loops of a turn. A long run measures body and empty body in turns, so that a disturbance of the machine slows
/// both. In shorter turns, reading the clock would distort the result.
const LOOPS_OF_A_TURN: u64 = 10_000;
const MAX_TURNS: u64 = 16;

/// How often a batch checks for an interrupt. A batch with fewer loops checks after each loop.
const INTERRUPT_CHECKS: u64 = 1024;

/// The result of one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    pub loops: u64,
    pub wall_ns: u64,
    /// 0 when it was not requested.
    pub cpu_ns: u64,
    /// The time of a loop with an empty body, on the clock that is measured with.
    pub floor_ns: f64,
}

/// One run of a measurement. The setup of `%%timeit` gets it and calls [`Run::time`].
pub struct Run<'clock> {
    clock: &'clock dyn Clock,
    request: Request,
    sample: Option<Sample>,
}

/// What to measure in a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub loops: u64,
    /// Whether to read the CPU clock too.
    pub has_cpu: bool,
    /// Which of several bodies runs.
    pub side: usize,
}

/// A body with its setup. It is called once for each run and calls [`Run::time`] once.
pub(super) type RunBody<'body> = &'body mut dyn FnMut(&mut Run<'_>) -> Result<(), BoxError>;

impl<'clock> Run<'clock> {
    /// Calls `body` once, as run number `number` of the magic `magic`.
    ///
    /// # Errors
    ///
    /// The first error of `body`, or an error if it returned without timing anything.
    ///
    /// # Panics
    ///
    /// When `body` panics, and when an interrupt is requested.
    pub(super) fn sample(
        clock: &'clock dyn Clock,
        request: Request,
        body: RunBody<'_>,
        (magic, number): (&str, usize),
    ) -> Result<Sample, BoxError> {
        cancel::check(&format!("{magic} before run {number}"));
        let mut run = Run {
            clock,
            request,
            sample: None,
        };
        body(&mut run)?;
        // An interrupted run ends early, so its time is meaningless.
        cancel::check(&format!("{magic} in run {number}"));
        run.sample
            .ok_or_else(|| "the setup returned before the timed code ran: remove its return".into())
    }

    /// Returns which side of a comparison runs, counted from 0.
    ///
    /// # Examples
    ///
    /// See [`compare`](super::compare()).
    pub fn side(&self) -> usize {
        self.request.side
    }

    /// Calls `body` once for each loop of the run, and measures the time.
    ///
    /// # Panics
    ///
    /// When `body` panics. The number of the loop is reported on stderr.
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
    /// assert_eq!(timing.repeat, 2);
    /// ```
    pub fn time(&mut self, body: &mut dyn FnMut()) {
        // Hides the pointer from the optimiser, in case program and harness are compiled as one unit.
        let body = black_box(body);
        let mut nothing = || _ = black_box(&());
        let empty: &mut dyn FnMut() = black_box(&mut nothing);
        let once = |body: &mut dyn FnMut()| {
            body();
            Ok(())
        };
        self.take_turns(|| once(body), || once(empty))
            .expect("a body without a result can't fail");
    }

    /// Like [`Run::time`], for a body that uses `?`.
    ///
    /// # Errors
    ///
    /// The first error of `body`, which ends the run.
    ///
    /// # Panics
    ///
    /// As [`Run::time`].
    ///
    /// # Examples
    ///
    /// ```
    /// use corebook::timing::{Options, try_timeit_with_setup};
    ///
    /// let options = Options { loops: 1, repeat: 1, ..Options::DEFAULT };
    /// let result = try_timeit_with_setup(&options, &mut |run| {
    ///     let text = String::from("seven");
    ///     run.try_time(&mut || {
    ///         text.parse::<i32>()?;
    ///         Ok(())
    ///     })
    /// });
    /// assert!(result.is_err());
    /// ```
    pub fn try_time(
        &mut self,
        body: &mut dyn FnMut() -> Result<(), BoxError>,
    ) -> Result<(), BoxError> {
        let body = black_box(body);
        let mut nothing = || {
            black_box(&());
            Ok(())
        };
        let empty: &mut dyn FnMut() -> Result<(), BoxError> = black_box(&mut nothing);
        self.take_turns(body, empty)
    }

    /// Like [`Run::time`], for a run of one loop whose `body` consumes a value of the setup. In further loops it does
    /// nothing.
    ///
    /// # Panics
    ///
    /// As [`Run::time`].
    ///
    /// # Examples
    ///
    /// ```
    /// use corebook::timing::{Options, timeit_with_setup};
    ///
    /// let options = Options { loops: 1, repeat: 2, ..Options::DEFAULT };
    /// let timing = timeit_with_setup(&options, &mut |run| {
    ///     let numbers = vec![1, 2, 3];
    ///     run.time_once(|| drop(numbers));
    /// });
    /// assert_eq!((timing.loops, timing.repeat), (1, 2));
    /// ```
    pub fn time_once(&mut self, body: impl FnOnce()) {
        let mut body = Some(body);
        self.time(&mut || body.take().map_or((), |body| body()));
    }

    /// Like [`Run::time_once`], for a body that uses `?`.
    ///
    /// # Errors
    ///
    /// The error of `body`.
    ///
    /// # Panics
    ///
    /// As [`Run::time`].
    pub fn try_time_once(
        &mut self,
        body: impl FnOnce() -> Result<(), BoxError>,
    ) -> Result<(), BoxError> {
        let mut body = Some(body);
        self.try_time(&mut || body.take().map_or(Ok(()), |body| body()))
    }

    /// Runs all loops of the run, in turns with those of the empty body.
    fn take_turns(
        &mut self,
        mut body: impl FnMut() -> Result<(), BoxError>,
        mut empty: impl FnMut() -> Result<(), BoxError>,
    ) -> Result<(), BoxError> {
        let loops = self.request.loops;
        let turns = (loops / LOOPS_OF_A_TURN).clamp(1, MAX_TURNS);
        let (mut measured, mut floor) = (Batch::default(), Batch::default());
        for turn in 0..turns {
            let share = loops / turns + u64::from(turn < loops % turns);
            measured.add(self.batch(measured.loops, share, &mut body)?);
            floor.add(self.batch(floor.loops, share.min(MAX_FLOOR_LOOPS / turns), &mut empty)?);
        }
        self.note(measured, floor);
        Ok(())
    }

    /// Runs `loops` loops.
    ///
    /// * `before`: loops of earlier batches.
    fn batch(
        &self,
        before: u64,
        loops: u64,
        mut call: impl FnMut() -> Result<(), BoxError>,
    ) -> Result<Batch, BoxError> {
        let loops_between_checks = (loops / INTERRUPT_CHECKS).max(1);
        let mut counter = LoopCounter {
            before,
            done: 0,
            all: self.request.loops,
        };
        let wall_start = self.clock.wall_ns();
        let cpu_start = self.cpu_ns();
        while counter.done < loops && !cancel::is_requested() {
            let pause = loops.min(counter.done + loops_between_checks);
            // Four calls per iteration, because the branch of the loop takes as long as a small body.
            while counter.done + 4 <= pause {
                counter.count(&mut call)?;
                counter.count(&mut call)?;
                counter.count(&mut call)?;
                counter.count(&mut call)?;
            }
            while counter.done < pause {
                counter.count(&mut call)?;
            }
        }
        let cpu_ns = self.cpu_ns() - cpu_start;
        let wall_ns = self.clock.wall_ns() - wall_start;
        Ok(Batch {
            loops,
            wall_ns,
            cpu_ns,
        })
    }

    fn cpu_ns(&self) -> u64 {
        if self.request.has_cpu {
            self.clock.cpu_ns()
        } else {
            0
        }
    }

    fn note(&mut self, measured: Batch, floor: Batch) {
        let floor_ns = if self.request.has_cpu {
            floor.cpu_ns
        } else {
            floor.wall_ns
        };
        self.sample = Some(Sample {
            loops: measured.loops,
            wall_ns: measured.wall_ns,
            cpu_ns: measured.cpu_ns,
            floor_ns: floor_ns as f64 / floor.loops as f64,
        });
    }
}

#[derive(Default)]
struct Batch {
    loops: u64,
    wall_ns: u64,
    cpu_ns: u64,
}

impl Batch {
    fn add(&mut self, other: Batch) {
        self.loops += other.loops;
        self.wall_ns += other.wall_ns;
        self.cpu_ns += other.cpu_ns;
    }
}

/// Counts loops. If a panic drops it, it reports the loop that was running.
struct LoopCounter {
    /// Loops of earlier batches of the run.
    before: u64,
    done: u64,
    /// Loops of the whole run.
    all: u64,
}

impl LoopCounter {
    #[inline(always)]
    fn count(&mut self, mut call: impl FnMut() -> Result<(), BoxError>) -> Result<(), BoxError> {
        call()?;
        self.done += 1;
        Ok(())
    }
}

impl Drop for LoopCounter {
    fn drop(&mut self) {
        // An interrupt unwinds too, but is reported elsewhere.
        if std::thread::panicking() && !cancel::is_requested() {
            report_panic(self.before + self.done + 1, self.all);
        }
    }
}

#[cold]
fn report_panic(current_loop: u64, loops: u64) {
    let text = format!("timing abandoned: panicked in loop {current_loop} (of {loops})\n");
    event::send(&Event::Stderr { text });
}
