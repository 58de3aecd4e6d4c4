//! Expressions that mislead timing tools, the harness's own cost, and how long a `%timeit` takes in total.
//!
//! Prints what it finds, and ends with an error if a limit is exceeded.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use corebook::timing::{CompareOptions, Options, Show, Timing, compare, timeit};
use timing_bench::fibonacci;

const QUIET: Options = Options {
    show: Show::Nothing,
    ..Options::DEFAULT
};

fn main() -> ExitCode {
    let numbers: Vec<u64> = (0..1000).collect();
    let bound = numbers.len() as u64;
    let stirred = |number: u64| number ^ (number >> 3);
    let checks = [
        is_near("fib(20)", || fibonacci(20), || fibonacci(black_box(20))),
        is_near(
            "(0..bound).map(stirred).sum()",
            || (0..bound).map(stirred).sum::<u64>(),
            || (0..black_box(bound)).map(stirred).sum::<u64>(),
        ),
        is_near(
            "numbers.iter().sum()",
            || numbers.iter().sum::<u64>(),
            || black_box(&numbers).iter().sum::<u64>(),
        ),
        is_at_floor(),
        cost_is_low(),
        ends_in_time("1 ns", Duration::from_secs(1), &mut || {
            _ = black_box(&timing_bench::mix(3))
        }),
        ends_in_time("24.9 ms", Duration::from_secs(1), &mut || {
            spin(Duration::from_micros(24_900))
        }),
        ends_in_time("49.9 ms", Duration::from_secs(1), &mut || {
            spin(Duration::from_micros(49_900))
        }),
        ends_in_time("2.4 s", Duration::from_millis(7_300), &mut || {
            std::thread::sleep(Duration::from_millis(2_400));
        }),
    ];
    if checks.contains(&false) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Whether an expression takes as long as one with hidden input, within 10 %. They are measured in turns.
fn is_near(name: &str, plain: impl Fn() -> u64, hidden: impl Fn() -> u64) -> bool {
    let options = CompareOptions {
        quiet: true,
        ..CompareOptions::DEFAULT
    };
    let (mut plain_value, mut hidden_value) = (None, None);
    let comparison = compare(
        &options,
        &["plain", "hidden"],
        &mut |run| match run.side() {
            0 => run.time_side(&mut plain_value, &plain),
            _ => run.time_side(&mut hidden_value, &hidden),
        },
    );
    let percent = (comparison.speed_ups[0].ratio - 1.0) * 100.0;
    let [plain, hidden] = [0, 1].map(|side: usize| comparison.sides[side].timing.best * 1e9);
    verdict(
        percent.abs() <= 10.0,
        &format!("{name}: {plain:.1} ns, {hidden:.1} ns with its input hidden ({percent:+.1} %)"),
    )
}

/// `(0..24).map(poly).sum()` with literal bounds is computed in advance, and a warning is due.
fn is_at_floor() -> bool {
    let poly = |x: i64| 3 * x * x - 2 * x + 7;
    let timing = timeit(&QUIET, &mut || {
        _ = black_box(&(0..24).map(poly).sum::<i64>())
    });
    let Timing { best, floor, .. } = timing;
    let text = format!(
        "literal bounds: {:.2} ns over a floor of {:.2} ns",
        best * 1e9,
        floor * 1e9
    );
    verdict(best < floor / 2.0, &text)
}

/// An empty loop costs at most 1 ns after correction.
fn cost_is_low() -> bool {
    let best_ns = timeit(&QUIET, &mut || {}).best * 1e9;
    verdict(
        best_ns <= 1.0,
        &format!("an empty loop: {best_ns:.3} ns after correction"),
    )
}

fn ends_in_time(name: &str, limit: Duration, body: &mut dyn FnMut()) -> bool {
    let start = Instant::now();
    let timing = timeit(&QUIET, body);
    let elapsed = start.elapsed();
    let text = format!("total for an operation of {name}: {elapsed:.3?} ({timing})");
    verdict(elapsed <= limit, &text)
}

/// Keeps a core busy.
fn spin(length: Duration) {
    let start = Instant::now();
    while start.elapsed() < length {
        std::hint::spin_loop();
    }
}

fn verdict(is_good: bool, text: &str) -> bool {
    println!("{} {text}", if is_good { "ok  " } else { "FAIL" });
    is_good
}
