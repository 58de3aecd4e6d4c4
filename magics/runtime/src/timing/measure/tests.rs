//! The logic of a measurement, on a clock that only the measured body moves.

use std::cell::{Cell, RefCell};

use super::super::clock::TestClock;
use super::*;

/// Measures a body whose loops take `loop_ns(call)`; calls count from 1. Also returns the number of calls.
fn measured(plan: Plan, loop_ns: impl Fn(u64) -> u64) -> (Measurement, u64) {
    let clock = TestClock::default();
    let calls = Cell::new(0);
    let measurement = measure(&clock, plan, &mut |run| {
        run.time(&mut || {
            calls.set(calls.get() + 1);
            clock.pass(loop_ns(calls.get()), 0);
        });
        Ok(())
    });
    (measurement.expect("the body does not fail"), calls.get())
}

fn loops_and_runs(plan: Plan, loop_ns: u64) -> (u64, usize) {
    let (measurement, _) = measured(plan, |_| loop_ns);
    (measurement.loops, measurement.samples.len())
}

#[test]
fn series_is_1_2_5() {
    let mut loops = 1;
    let series: Vec<u64> = std::iter::repeat_with(|| {
        let this = loops;
        loops = next_in_series(loops);
        this
    })
    .take(8)
    .collect();
    assert_eq!(series, [1, 2, 5, 10, 20, 50, 100, 200]);
}

#[test]
fn steps_that_cannot_be_enough_are_skipped() {
    let after = |loops, wall_ns| {
        let sample = Sample {
            loops,
            wall_ns,
            cpu_ns: 0,
            floor_ns: 0.0,
        };
        step_after(&sample, 50 * MS)
    };
    assert_eq!(after(1, MS - 1), 2);
    assert_eq!(after(1, MS), 50);
    // Ten loops take half of what is enough.
    assert_eq!(after(1, 2_500_000), 10);
    assert_eq!(after(5, 40 * MS), 10);
}

#[test]
fn loops_fill_50_ms_and_runs_follow_the_length_of_a_loop() {
    for (loop_ns, expected) in [
        (10_000, (5_000, 7)),
        (12_000, (5_000, 7)),
        (9_999, (10_000, 7)),
        (MS, (50, 7)),
        (24_990_000, (5, 7)),
        (49 * MS, (2, 7)),
        (50 * MS, (1, 7)),
        (99 * MS, (1, 7)),
        (100 * MS, (1, 3)),
        (302 * MS, (1, 3)),
        (2_400 * MS, (1, 3)),
    ] {
        assert_eq!(
            loops_and_runs(Plan::default(), loop_ns),
            expected,
            "{loop_ns} ns a loop"
        );
    }
}

#[test]
fn everything_together_ends_in_time() {
    for (loop_ns, limit_ms) in [
        (1_000, 1000),
        (24_990_000, 1000),
        (49_900_000, 1000),
        (50 * MS, 1000),
        (2_400 * MS, 7_300),
    ] {
        let (_, calls) = measured(Plan::default(), |_| loop_ns);
        assert!(
            calls * loop_ns <= limit_ms * MS,
            "{calls} loops of {loop_ns} ns"
        );
    }
}

#[test]
fn first_call_of_half_a_second_is_the_first_run() {
    let (measurement, calls) = measured(Plan::default(), |_| 500 * MS);
    assert_eq!((measurement.samples.len(), calls), (3, 3));
    let (measurement, calls) = measured(Plan::default(), |_| 499 * MS);
    assert_eq!((measurement.samples.len(), calls), (3, 4));
}

#[test]
fn slow_first_call_does_not_settle_the_number_of_loops() {
    let first_slow = |call| if call == 1 { 800 * MS } else { MS };
    let (measurement, _) = measured(Plan::default(), first_slow);
    assert_eq!(measurement.loops, 50);
    assert_eq!(measurement.samples[0].loops, 1);
    assert_eq!(measurement.samples.len(), 7);
}

#[test]
fn one_disturbed_run_does_not_settle_the_number_of_loops() {
    let disturbed = |call| if call == 4 { 60 * MS } else { MS };
    let (measurement, _) = measured(Plan::default(), disturbed);
    assert_eq!(measurement.loops, 50);
}

#[test]
fn runs_are_cut_to_the_budget_but_one_stays() {
    assert_eq!(loops_and_runs(Plan::default(), 12_000 * MS), (1, 2));
    assert_eq!(loops_and_runs(Plan::default(), 10_000 * MS), (1, 3));
    assert_eq!(loops_and_runs(Plan::default(), 31_000 * MS), (1, 1));
    let (_, calls) = measured(Plan::default(), |_| 31_000 * MS);
    assert_eq!(calls, 1);
}

#[test]
fn requested_runs_are_made_however_long_they_take() {
    let plan = Plan {
        runs: Some(10),
        ..Plan::default()
    };
    assert_eq!(loops_and_runs(plan, 12_000 * MS), (1, 10));
    let once = Plan {
        runs: Some(1),
        ..Plan::default()
    };
    assert_eq!(loops_and_runs(once, 2_400 * MS), (1, 1));
    assert_eq!(measured(once, |_| 2_400 * MS).1, 1);
    assert_eq!(loops_and_runs(once, MS), (50, 1));
}

#[test]
fn requested_loops_are_made_in_every_run() {
    let plan = Plan {
        loops: Some(100),
        runs: Some(4),
        has_cpu: false,
    };
    let (measurement, calls) = measured(plan, |_| 7);
    assert_eq!(calls, 400);
    assert!(
        measurement
            .samples
            .iter()
            .all(|run| run.wall_ns == 700 && run.loops == 100)
    );
}

/// Measured and empty loops take turns, whose lengths differ by one.
#[test]
fn loops_of_all_turns_are_those_of_the_run() {
    for loops in [1, 9_999, 30_000, 30_001, 30_002, 1_000_003] {
        let plan = Plan {
            loops: Some(loops),
            runs: Some(1),
            has_cpu: false,
        };
        let (measurement, calls) = measured(plan, |_| 3);
        assert_eq!(calls, loops);
        let run = &measurement.samples[0];
        assert_eq!((run.loops, run.wall_ns), (loops, 3 * loops));
    }
}

#[test]
fn cpu_time_is_taken_but_loops_go_by_the_wall() {
    let clock = TestClock::default();
    let plan = Plan {
        has_cpu: true,
        ..Plan::default()
    };
    let measurement = measure(&clock, plan, &mut |run| {
        run.time(&mut || clock.pass(10 * MS, 3));
        Ok(())
    })
    .expect("the body does not fail");
    assert_eq!(measurement.loops, 5);
    assert!(measurement.samples.iter().all(|run| run.cpu_ns == 15));
}

#[test]
fn setup_runs_once_a_run_and_outside_the_time() {
    let clock = TestClock::default();
    let setups = Cell::new(0);
    let plan = Plan {
        loops: Some(10),
        runs: Some(3),
        has_cpu: false,
    };
    let measurement = measure(&clock, plan, &mut |run| {
        setups.set(setups.get() + 1);
        clock.pass(1_000 * MS, 0);
        run.time(&mut || clock.pass(MS, 0));
        Ok(())
    })
    .expect("the body does not fail");
    assert_eq!(setups.get(), 3);
    assert!(measurement.samples.iter().all(|run| run.wall_ns == 10 * MS));
}

/// Measures a body that computes once per run and remembers the result.
fn measured_with_memory(plan: Plan) -> Measurement {
    let clock = TestClock::default();
    measure(&clock, plan, &mut |run| {
        let is_known = Cell::new(false);
        run.time(&mut || {
            let is_first = !is_known.replace(true);
            clock.pass(if is_first { 30 * MS } else { 1_000 }, 0);
        });
        Ok(())
    })
    .expect("the body does not fail")
}

#[test]
fn time_that_stands_still_is_noticed() {
    assert!(!measured_with_memory(Plan::default()).grows);
    assert!(measured(Plan::default(), |_| MS).0.grows);
    assert!(measured(Plan::default(), |_| 700 * MS).0.grows);
}

/// Twice the loops should take at least 1.5 times as long.
#[test]
fn half_of_the_promised_growth_is_enough() {
    let sample = |loops, wall_ns| Sample {
        loops,
        wall_ns,
        cpu_ns: 0,
        floor_ns: 0.0,
    };
    // The loops of a repeated run take `again_ns`. Returns the number of repeated runs too.
    let grows = |after_ns, again_ns| {
        let clock = TestClock::default();
        let mut body = |run: &mut Run<'_>| {
            run.time(&mut || clock.pass(again_ns, 0));
            Ok(())
        };
        let mut sampler = Sampler {
            clock: &clock,
            plan: Plan::default(),
            body: &mut body,
            start_ns: 0,
            runs: 0,
        };
        let grows = sampler.grows(sample(5, 50), &[sample(10, after_ns), sample(10, 200)]);
        (grows.expect("the body does not fail"), sampler.runs)
    };
    assert_eq!(grows(75, 10), (true, 0));
    assert_eq!(grows(74, 10), (false, 2));
    // The first run was disturbed: it takes 45 ns.
    assert_eq!(grows(74, 9), (true, 2));
}

#[test]
fn one_slow_call_is_not_taken_for_a_standstill() {
    let first_slow = |call| if call == 1 { 45 * MS } else { MS };
    assert!(measured(Plan::default(), first_slow).0.grows);
}

#[test]
fn error_ends_the_measurement() {
    let clock = TestClock::default();
    let calls = RefCell::new(0);
    let error = measure(&clock, Plan::default(), &mut |run| {
        run.try_time(&mut || {
            *calls.borrow_mut() += 1;
            clock.pass(MS, 0);
            if *calls.borrow() == 5 {
                Err("no such file".into())
            } else {
                Ok(())
            }
        })
    });
    assert_eq!(
        error.expect_err("the body fails").to_string(),
        "no such file"
    );
    assert_eq!(*calls.borrow(), 5);
}

#[test]
fn setup_that_times_nothing_is_an_error() {
    let error = measure(&TestClock::default(), Plan::default(), &mut |_| Ok(()));
    let message = error.expect_err("nothing was timed").to_string();
    assert_eq!(
        message,
        "the setup returned before the timed code ran: remove its return"
    );
}
