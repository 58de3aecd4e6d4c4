//! `%time`: real time and CPU time of one run of an expression or a cell.
//!
//! This module prints to stdout and never repeats a measurement.

use std::fmt;
use std::hint::black_box;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::clock::{Clock, CpuTime, SystemClock};
use super::format::{DEFAULT_DIGITS, time};

/// Several cores were busy if CPU time is more than this many times the real time. Less can come from a little work of
/// other threads.
const SEVERAL_CORES: f64 = 1.1;

/// A running measurement of some code: wall time, CPU time of all threads, and how many cores were busy.
#[derive(Debug)]
pub struct Stopwatch {
    cpu: CpuTime,
    wall_ns: u64,
}

impl Stopwatch {
    /// Starts the measurement.
    #[inline(never)]
    pub fn start() -> Self {
        Stopwatch {
            cpu: CpuTime::now(),
            wall_ns: SystemClock.wall_ns(),
        }
    }

    /// Ends the measurement, prints the times, and returns `value`.
    ///
    /// * `value`: the value of the measured code. It is computed before the times are taken.
    ///
    /// # Examples
    ///
    /// ```
    /// use corebook::timing::Stopwatch;
    ///
    /// assert_eq!(Stopwatch::start().stop(1 + 1), 2);
    /// ```
    #[inline(always)]
    pub fn stop<T>(self, value: T) -> T {
        // The clocks must not be read before the value is computed.
        black_box(&value);
        self.print();
        value
    }

    #[inline(never)]
    fn print(self) {
        println!("{}", self.times());
    }

    fn times(&self) -> Times {
        let wall_ns = SystemClock.wall_ns() - self.wall_ns;
        let cpu = CpuTime::now();
        Times {
            user: cpu.user - self.cpu.user,
            system: cpu.system - self.cpu.system,
            wall: wall_ns as f64 / 1e9,
        }
    }
}

/// The measurement of a cell with `%%time`. Prints the times when it is dropped, unless the cell panics.
#[derive(Debug)]
#[must_use = "the cell ends where this is dropped"]
pub struct CellStopwatch(());

pub(super) static CELL: Mutex<Option<Cell>> = Mutex::new(None);

pub(super) enum Cell {
    Running(Stopwatch),
    Finished(Times),
}

impl CellStopwatch {
    /// Starts the measurement of a cell.
    pub fn start() -> Self {
        *cell() = Some(Cell::Running(Stopwatch::start()));
        CellStopwatch(())
    }
}

impl Drop for CellStopwatch {
    fn drop(&mut self) {
        let times = match cell().take() {
            Some(Cell::Running(watch)) => watch.times(),
            Some(Cell::Finished(times)) => times,
            None => return,
        };
        if !std::thread::panicking() {
            println!("{times}");
        }
    }
}

/// Ends the measurement of a cell with `%%time`: its value is computed, and showing it does not count.
pub(crate) fn cell_value_is_ready() {
    let mut cell = cell();
    if let Some(Cell::Running(watch)) = &*cell {
        *cell = Some(Cell::Finished(watch.times()));
    }
}

fn cell() -> MutexGuard<'static, Option<Cell>> {
    CELL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The times of a stopwatch, in seconds.
pub(super) struct Times {
    user: f64,
    system: f64,
    wall: f64,
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let write_time = |seconds| time(seconds, DEFAULT_DIGITS);
        let Times { user, system, wall } = *self;
        let total = user + system;
        let [user, system, total_text] = [user, system, total].map(write_time);
        writeln!(
            f,
            "CPU times: user {user}, sys: {system}, total: {total_text}"
        )?;
        write!(f, "Wall time: {}", write_time(wall))?;
        let cores = total / wall;
        if cores > SEVERAL_CORES {
            write!(f, "\nCores busy: {cores:.2}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_documented() {
        let parallel = Times {
            user: 2.1,
            system: 0.012,
            wall: 1.06,
        };
        assert_eq!(
            parallel.to_string(),
            "CPU times: user 2.1 s, sys: 12 ms, total: 2.11 s\n\
             Wall time: 1.06 s\n\
             Cores busy: 1.99"
        );
        let asleep = Times {
            user: 1e-6,
            system: 0.0,
            wall: 0.1,
        };
        assert_eq!(
            asleep.to_string(),
            "CPU times: user 1 µs, sys: 0 ns, total: 1 µs\nWall time: 100 ms"
        );
        let names_cores = |user| {
            let (system, wall) = (0.0, 1.0);
            Times { user, system, wall }.to_string().contains("Cores")
        };
        assert!(!names_cores(SEVERAL_CORES) && names_cores(1.2));
    }

    #[test]
    fn stopwatch_sees_what_ran_meanwhile() {
        let started = SystemClock.wall_ns();
        let cpu_longer = SystemClock.cpu_ns();
        let watch = Stopwatch::start();
        let cpu_before = SystemClock.cpu_ns();
        while SystemClock.cpu_ns() - cpu_before < 100_000_000 {}
        let times = watch.times();
        let wall_ns = SystemClock.wall_ns() - started;
        assert!(times.wall > 0.0 && times.wall <= wall_ns as f64 / 1e9);
        // The system adds the time of running threads a little later.
        let tolerance = 0.05;
        let cpu = times.user + times.system;
        let longer = (SystemClock.cpu_ns() - cpu_longer) as f64 / 1e9;
        assert!(
            (0.1 - tolerance..=longer + tolerance).contains(&cpu),
            "{times}"
        );
    }

    #[test]
    fn showing_the_value_does_not_count() {
        let finished_wall = || match &*cell() {
            Some(Cell::Finished(times)) => Some(times.wall),
            _ => None,
        };
        let _watch = CellStopwatch::start();
        assert_eq!(finished_wall(), None);
        cell_value_is_ready();
        let first = finished_wall();
        assert!(first.is_some());
        cell_value_is_ready();
        assert_eq!(finished_wall(), first);
    }
}
