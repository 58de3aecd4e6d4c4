//! Warnings, on a clock that only the measured body moves.

use std::cell::Cell;

use super::super::clock::TestClock;
use super::*;

const MS: u64 = 1_000_000;

/// The warnings about a body whose loops take `loop_ns(call)`; calls count from 1.
fn warnings_about(options: &Options, build: Build, loop_ns: impl Fn(u64) -> u64) -> Vec<String> {
    let clock = TestClock::default();
    let calls = Cell::new(0);
    let finished = evaluate(&clock, options, build, &mut |run| {
        run.time(&mut || {
            calls.set(calls.get() + 1);
            clock.pass(loop_ns(calls.get()), 0);
        });
        Ok(())
    });
    finished.expect("the body does not fail").warnings
}

#[test]
fn even_runs_get_no_warning() {
    let warnings = warnings_about(&Options::DEFAULT, Build::default(), |_| MS);
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn slow_later_run_means_a_busy_machine() {
    let options = Options {
        loops: 1,
        repeat: 5,
        ..Options::DEFAULT
    };
    let third_slow = |call| if call == 3 { 5_120_000 } else { MS };
    assert_eq!(
        warnings_about(&options, Build::default(), third_slow),
        ["The slowest run took 5.12 times longer than the fastest. The machine may be busy."]
    );
    let not_that_slow = |call| if call == 3 { 4 * MS } else { MS };
    assert!(warnings_about(&options, Build::default(), not_that_slow).is_empty());
}

#[test]
fn slow_first_run_means_warming_up() {
    let options = Options {
        loops: 1,
        repeat: 5,
        ..Options::DEFAULT
    };
    let first_slow = |call| if call == 1 { 5_120_000 } else { MS };
    assert_eq!(
        warnings_about(&options, Build::default(), first_slow),
        [
            "The first run took 5.12 times longer than the fastest: a cache or the pool was warming up."
        ]
    );
}

#[test]
fn figure_at_the_floor_is_doubted() {
    // A clock that advances by 160 ns at each reading: 100 loops take 1.6 ns each, whatever their body.
    struct SteppingClock(Cell<u64>);
    impl Clock for SteppingClock {
        fn wall_ns(&self) -> u64 {
            self.0.set(self.0.get() + 160);
            self.0.get()
        }
        fn cpu_ns(&self) -> u64 {
            0
        }
    }
    let options = Options {
        loops: 100,
        ..Options::DEFAULT
    };
    let clock = SteppingClock(Cell::new(0));
    let finished = evaluate(&clock, &options, Build::default(), &mut |run| {
        run.time(&mut || {});
        Ok(())
    });
    assert_eq!(
        finished.expect("the body does not fail").warnings,
        [
            "At the measurement floor (1.6 ns): the compiler probably computed this in advance. \
          Wrap inputs in black_box(..) or use -b."
        ]
    );
}

#[test]
fn time_that_does_not_grow_is_doubted() {
    let clock = TestClock::default();
    let finished = evaluate(&clock, &Options::DEFAULT, Build::default(), &mut |run| {
        let is_known = Cell::new(false);
        run.time(&mut || {
            let is_first = !is_known.replace(true);
            clock.pass(if is_first { 30 * MS } else { 1_000 }, 0);
        });
        Ok(())
    });
    assert_eq!(
        finished.expect("the body does not fail").warnings,
        ["Time does not grow with the number of loops, so this figure is not reliable."]
    );
}

#[test]
fn checks_in_the_cell_are_mentioned() {
    let text =
        "Timed with overflow checks on (:opt 0): an optimised build can be several times faster.";
    let checked = Options {
        checked: true,
        ..Options::DEFAULT
    };
    assert_eq!(warnings_about(&checked, Build::default(), |_| MS), [text]);
    let unoptimised = Build {
        opt_level: "0".into(),
        ..Build::default()
    };
    assert_eq!(
        warnings_about(&Options::DEFAULT, unoptimised, |_| MS),
        [text]
    );
}

#[test]
fn error_of_the_body_is_returned() {
    let error = try_timeit(&Options::DEFAULT, &mut || {
        "x".parse::<i32>()?;
        Ok(())
    });
    assert_eq!(
        error.expect_err("x is no number").to_string(),
        "invalid digit found in string"
    );
}

#[test]
fn body_may_borrow_and_change_what_it_captures() {
    let mut calls = 0;
    let options = Options {
        loops: 3,
        repeat: 2,
        show: Show::Nothing,
        ..Options::DEFAULT
    };
    let timing = timeit(&options, &mut || calls += 1);
    assert_eq!((timing.loops, timing.repeat, calls), (3, 2, 6));
}
