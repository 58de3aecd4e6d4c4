//! Order, budget and text of comparisons, on a clock that only the sides move.

use std::cell::{Cell, RefCell};

use super::super::clock::TestClock;
use super::*;

const MS: u64 = 1_000_000;

/// Compares sides whose loops take `loop_ns(side, call)`. Also returns the order in which the sides ran.
fn compared(
    options: &CompareOptions,
    labels: &[&str],
    loop_ns: impl Fn(usize, u64) -> u64,
) -> (Comparison, Vec<usize>) {
    let clock = TestClock::default();
    let order = RefCell::new(Vec::new());
    let calls = Cell::new(0);
    let comparison = evaluate(&clock, options, labels, &mut |run| {
        let side = run.side();
        order.borrow_mut().push(side);
        run.time(&mut || {
            calls.set(calls.get() + 1);
            clock.pass(loop_ns(side, calls.get()), 0);
        });
        Ok(())
    });
    (
        comparison.expect("the sides do not fail"),
        order.into_inner(),
    )
}

fn serial_and_pool(serial_ns: u64, pool_ns: u64) -> Comparison {
    let loop_ns = |side, _| if side == 0 { serial_ns } else { pool_ns };
    compared(&CompareOptions::DEFAULT, &["serial", "pool"], loop_ns).0
}

#[test]
fn sides_run_in_turns_and_every_other_round_in_reverse() {
    let options = CompareOptions {
        loops: 1,
        repeat: 4,
        ..CompareOptions::DEFAULT
    };
    let (_, order) = compared(&options, &["a", "b"], |_, _| MS);
    assert_eq!(order, [0, 1, 0, 1, 1, 0, 0, 1, 1, 0]);
    let (_, order) = compared(&options, &["a", "b", "c"], |_, _| MS);
    assert_eq!(order[3..9], [0, 1, 2, 2, 1, 0]);
}

#[test]
fn loops_are_the_same_and_fit_the_fastest() {
    let comparison = serial_and_pool(2 * MS, MS);
    assert!(comparison.sides.iter().all(|side| side.timing.loops == 10));
    assert!(comparison.sides.iter().all(|side| side.timing.repeat == 50));
}

#[test]
fn loops_stay_few_enough_for_the_slowest() {
    let comparison = serial_and_pool(300 * MS, 1000);
    let timing = &comparison.sides[0].timing;
    assert_eq!((timing.loops, timing.repeat), (2, 9));
}

#[test]
fn rounds_are_cut_to_the_budget_but_three_stay() {
    let comparison = serial_and_pool(2_400 * MS, 302 * MS);
    assert_eq!(comparison.sides[0].timing.repeat, 3);
    let comparison = serial_and_pool(20_000 * MS, 10_000 * MS);
    assert_eq!(comparison.sides[0].timing.repeat, 3);
    let comparison = serial_and_pool(1_000 * MS, 400 * MS);
    assert_eq!(comparison.sides[0].timing.repeat, 7);
}

#[test]
fn rounds_asked_for_are_made() {
    let options = CompareOptions {
        repeat: 12,
        ..CompareOptions::DEFAULT
    };
    let (comparison, _) = compared(&options, &["a", "b"], |_, _| 2_400 * MS);
    assert_eq!(comparison.speed_ups[0].pairs, 12);
}

#[test]
fn text_reads_as_documented() {
    let options = CompareOptions {
        repeat: 9,
        ..CompareOptions::DEFAULT
    };
    let loop_ns = |side, call| {
        if side == 0 {
            2_400 * MS + call
        } else {
            302 * MS
        }
    };
    let (mut comparison, _) = compared(&options, &["serial", "pool"], loop_ns);
    comparison.speed_ups[0].workers = 8;
    assert_eq!(
        comparison.show(&[Results::Equal]).to_string(),
        "serial  1 loop, best of 9: 2.4 s per loop\n\
         pool    1 loop, best of 9: 302 ms per loop\n\
         speed-up 7.95x on 8 workers, efficiency 99% \
         (95% interval 7.95x to 7.95x, 9 interleaved pairs)\n\
         results equal"
    );
}

#[test]
fn an_interval_that_contains_1_is_not_resolved() {
    // Every fifth run is slow, alternately on both sides.
    let noisy = |_, call: u64| {
        if call.is_multiple_of(5) {
            63 * MS
        } else {
            60 * MS
        }
    };
    let (comparison, _) = compared(&CompareOptions::DEFAULT, &["a", "b"], noisy);
    let text = comparison.to_string();
    assert!(
        text.contains("\nspeed-up not resolved: 1.00x (95% interval "),
        "{text}"
    );
}

#[test]
fn an_interval_that_is_printed_as_1_is_not_resolved() {
    let steady = |other_us: u64| {
        let loop_ns = |side, _| if side == 0 { 60 * MS } else { other_us * 1000 };
        let (comparison, _) = compared(&CompareOptions::DEFAULT, &["a", "b"], loop_ns);
        comparison.to_string()
    };
    let within = steady(60_180);
    assert!(
        within.contains("\nspeed-up not resolved: 1.00x (95% interval 1.00x to 1.00x)"),
        "{within}"
    );
    let beyond = steady(60_600);
    assert!(
        beyond.contains("\nspeed-up 0.99x (95% interval 0.99x to 0.99x, "),
        "{beyond}"
    );
}

#[test]
fn few_rounds_have_no_interval() {
    let text = serial_and_pool(2_400 * MS, 1_200 * MS).to_string();
    assert!(
        text.contains("\nspeed-up 2.00x (no interval, 3 interleaved pairs)\n"),
        "{text}"
    );
}

#[test]
fn each_further_side_is_compared_with_the_first() {
    let loop_ns = |side, _| [600, 300, 200][side] * MS;
    let (comparison, _) = compared(&CompareOptions::DEFAULT, &["one", "two", "three"], loop_ns);
    let text = comparison
        .show(&[Results::Equal, Results::NotCompared])
        .to_string();
    assert!(text.contains("\ntwo: speed-up 2.00x ("), "{text}");
    assert!(text.contains("\nthree: speed-up 3.00x ("), "{text}");
    assert!(text.ends_with("\nresults not compared"), "{text}");
}

#[test]
fn one_side_that_differs_is_enough_to_warn() {
    let comparison = serial_and_pool(MS, MS).show(&[Results::Differ]);
    assert_eq!(comparison.results, "differ");
    assert!(comparison.to_string().ends_with("\nresults differ"));
}

#[test]
fn error_of_a_side_is_returned() {
    let error = try_compare(&CompareOptions::DEFAULT, &["a", "b"], &mut |run| {
        let mut kept = None;
        run.try_time_side(&mut kept, || Ok("x".parse::<i32>()?))
    });
    assert_eq!(
        error.expect_err("x is no number").to_string(),
        "invalid digit found in string"
    );
}

#[test]
fn first_value_is_kept_and_others_are_dropped() {
    let mut kept = None;
    let mut value = 0;
    let options = CompareOptions {
        loops: 2,
        repeat: 3,
        quiet: true,
        ..CompareOptions::DEFAULT
    };
    let comparison = compare(&options, &["a", "b"], &mut |run| match run.side() {
        0 => run.time_side(&mut kept, || {
            value += 1;
            value
        }),
        _ => run.time(&mut || {}),
    });
    assert_eq!(comparison.sides[0].timing.repeat, 3);
    assert_eq!(value, 8, "a round to warm up, and three more");
    assert!(kept.is_some());
}

#[test]
fn json_is_whole_even_when_nothing_takes_time() {
    let json = |repeat| {
        let options = CompareOptions {
            loops: 1,
            repeat,
            ..CompareOptions::DEFAULT
        };
        let (comparison, _) = compared(&options, &["a", "b"], |side, _| side as u64 * MS);
        let json = nanoserde::SerJson::serialize_json(&comparison);
        serde_json::from_str::<serde_json::Value>(&json).expect("the text is JSON")
    };
    assert!(json(3)["speed_ups"][0]["low"].is_null());
    assert_eq!(json(6)["speed_ups"][0]["low"], 1e-9);
    assert_eq!(json(3)["sides"][1]["timing"]["best"], 0.001);
}
