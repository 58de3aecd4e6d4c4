//! Compares the pool with rayon on the same workers, and with Python's `multiprocessing.Pool`.
//!
//! `cargo bench -p corebook --bench pool` first prints ratios of runs that take turns: on a shared machine, times
//! that are measured one after the other differ by more than the allowed ratios. Then it prints the table of divan,
//! unless `COREBOOK_BENCH=ratios` is set.

use std::hint::black_box;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use corebook::pool::Pool;
use divan::{Bencher, Divan};
use rayon::prelude::*;

static POOL: LazyLock<Pool> = LazyLock::new(Pool::default);

const TRIVIAL: usize = 1_000_000;
const UNEVEN: usize = 1_000;
const OUTER: usize = 8;
const INNER: usize = 100_000;

fn main() {
    print_ratios();
    print_rounds();
    print_python();
    if std::env::var_os("COREBOOK_BENCH").is_none() {
        Divan::from_args().main();
    }
}

fn print_ratios() {
    println!(
        "pool against rayon, {} workers: best runs, their ratio, median ratio of runs that took turns",
        POOL.workers()
    );
    ratio(
        "10^6 trivial items, 1.10x allowed",
        200,
        trivial_pool,
        trivial_rayon,
    );
    ratio(
        "10^6 trivial items by reference",
        100,
        by_reference_pool,
        by_reference_rayon,
    );
    ratio(
        "10^3 items of 100 us, 1.02x allowed",
        15,
        fixed_pool,
        fixed_rayon,
    );
    ratio(
        "nested 8 x 10^5, 1.15x allowed",
        200,
        nested_pool,
        nested_rayon,
    );
    ratio("sum of 10^6", 200, sum_pool, sum_rayon);
    let rounds = 10_000;
    let started = Instant::now();
    (0..rounds).for_each(|_| drop(black_box(empty_pool())));
    println!(
        "{:42} {:>10.3?} each, 1 us allowed",
        "map of no items",
        started.elapsed() / rounds
    );
}

/// Prints the best run of each side and their ratio, and the median ratio of neighbouring runs. The sides take turns,
/// and also take turns in going first.
fn ratio<A, B>(name: &str, rounds: usize, pool: fn() -> A, rayon: fn() -> B) {
    let (mut best_pool, mut best_rayon) = (Duration::MAX, Duration::MAX);
    let mut ratios: Vec<f64> = (0..rounds)
        .map(|round| {
            let (pool, rayon) = if round % 2 == 0 {
                let pool = time(pool);
                (pool, time(rayon))
            } else {
                let rayon = time(rayon);
                (time(pool), rayon)
            };
            best_pool = best_pool.min(pool);
            best_rayon = best_rayon.min(rayon);
            pool.as_secs_f64() / rayon.as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    let ratio = best_pool.as_secs_f64() / best_rayon.as_secs_f64();
    let median = ratios[rounds / 2];
    println!("{name:42} {best_pool:>10.3?} {best_rayon:>10.3?} {ratio:.3}x, median {median:.3}x");
}

fn time<R>(f: fn() -> R) -> Duration {
    let started = Instant::now();
    let result = black_box(f());
    let elapsed = started.elapsed();
    drop(result);
    elapsed
}

/// Prints how long 24 sleeps of 0.1 s take, as in the tutorial. Threads that sleep need no cores.
fn print_rounds() {
    println!("24 sleeps of 0.1 s, 2% allowed");
    for workers in 1..=8 {
        let pool = Pool::new(workers);
        let started = Instant::now();
        pool.for_each(|_| std::thread::sleep(Duration::from_millis(100)), 0..24);
        let (elapsed, ideal) = (
            started.elapsed(),
            Duration::from_millis(100) * 24u32.div_ceil(workers as u32),
        );
        let over = elapsed.as_secs_f64() / ideal.as_secs_f64() - 1.0;
        println!(
            "{workers} workers {elapsed:>10.3?} of {ideal:?}, {:+.2}%",
            over * 100.0
        );
        pool.close();
    }
}

const PYTHON: &str = "
import multiprocessing, os, sys, time
if __name__ == '__main__':
    with multiprocessing.Pool(int(sys.argv[1])) as pool:
        pool.map(abs, range(100))
        best = 1e9
        for _ in range(5):
            started = time.perf_counter()
            pool.map(abs, range(10**6))
            best = min(best, time.perf_counter() - started)
        print(best)
";

fn print_python() {
    let output = Command::new("python3")
        .args(["-c", PYTHON, &POOL.workers().to_string()])
        .output();
    let seconds = output.ok().and_then(|output| {
        String::from_utf8(output.stdout)
            .ok()?
            .trim()
            .parse::<f64>()
            .ok()
    });
    let Some(seconds) = seconds else {
        return println!("no python3 here to compare with");
    };
    let pool_seconds = (0..20)
        .map(|_| time(trivial_pool))
        .min()
        .unwrap_or_default()
        .as_secs_f64();
    println!(
        "multiprocessing.Pool.map, 10^6 items: {:.0} ms; pool.map: {:.2} ms, {:.0} times faster",
        seconds * 1e3,
        pool_seconds * 1e3,
        seconds / pool_seconds
    );
}

fn trivial_pool() -> Vec<usize> {
    POOL.map(|x| x * 2, 0..black_box(TRIVIAL))
}

fn trivial_rayon() -> Vec<usize> {
    POOL.install(|| {
        (0..black_box(TRIVIAL))
            .into_par_iter()
            .with_min_len(4096)
            .map(|x| x * 2)
            .collect()
    })
}

static NUMBERS: LazyLock<Vec<f64>> = LazyLock::new(|| (0..TRIVIAL).map(|x| x as f64).collect());

fn by_reference_pool() -> Vec<f64> {
    POOL.map(|x| x.sqrt(), &*NUMBERS)
}

fn by_reference_rayon() -> Vec<f64> {
    POOL.install(|| {
        NUMBERS
            .par_iter()
            .with_min_len(4096)
            .map(|x| x.sqrt())
            .collect()
    })
}

/// Busy for 100 µs by the clock.
fn spin(item: usize) -> usize {
    let started = Instant::now();
    while started.elapsed() < Duration::from_micros(100) {
        std::hint::spin_loop();
    }
    item
}

fn fixed_pool() -> Vec<usize> {
    POOL.map(spin, 0..UNEVEN)
}

fn fixed_rayon() -> Vec<usize> {
    POOL.install(|| {
        (0..UNEVEN)
            .into_par_iter()
            .with_min_len(1)
            .map(spin)
            .collect()
    })
}

fn nested_pool() -> Vec<Vec<usize>> {
    POOL.map(
        |outer| POOL.map(move |inner| inner + outer, 0..black_box(INNER)),
        0..OUTER,
    )
}

fn nested_rayon() -> Vec<Vec<usize>> {
    let inner = |outer| {
        (0..black_box(INNER))
            .into_par_iter()
            .with_min_len(4096)
            .map(|inner| inner + outer)
            .collect()
    };
    POOL.install(|| (0..OUTER).into_par_iter().map(inner).collect())
}

fn sum_pool() -> usize {
    POOL.sum(|x| x ^ 7, 0..black_box(TRIVIAL))
}

fn sum_rayon() -> usize {
    POOL.install(|| {
        (0..black_box(TRIVIAL))
            .into_par_iter()
            .with_min_len(4096)
            .map(|x| x ^ 7)
            .sum()
    })
}

fn empty_pool() -> Vec<usize> {
    POOL.map(|x| x, 0..black_box(0))
}

macro_rules! benches {
    ($($group:ident { $($name:ident: $function:ident)* })*) => { $(
        mod $group {
            use super::*;
            $(
                #[divan::bench]
                fn $name(bencher: Bencher) {
                    bencher.bench(super::$function);
                }
            )*
        }
    )* };
}

benches! {
    trivial { pool: trivial_pool rayon: trivial_rayon }
    by_reference { pool: by_reference_pool rayon: by_reference_rayon }
    fixed { pool: fixed_pool rayon: fixed_rayon }
    nested { pool: nested_pool rayon: nested_rayon }
    sum { pool: sum_pool rayon: sum_rayon }
    empty { pool: empty_pool }
}
