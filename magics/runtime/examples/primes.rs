//! The library in a program: counts cores, maps, measures, and compares a serial with a parallel run.
//!
//! `cargo run --release -p corebook --example primes -- 200000`

use std::hint::black_box;

use corebook::cpus;
use corebook::pool::Pool;
use corebook::timing::{CompareOptions, Options, Results, compare, timeit};

fn main() {
    let limit: u32 = std::env::args()
        .nth(1)
        .and_then(|limit| limit.parse().ok())
        .unwrap_or(200_000);
    println!("{}", cpus::summary(&cpus::live()));

    let pool = Pool::new(cpus::usable());
    let serial = || {
        (0..black_box(limit))
            .filter(|number| is_prime(*number))
            .collect::<Vec<_>>()
    };
    let parallel = || {
        pool.filter_map(
            |number| is_prime(number).then_some(number),
            0..black_box(limit),
        )
    };
    println!("{} primes below {limit}", parallel().len());

    timeit(
        &Options {
            repeat: 3,
            ..Options::DEFAULT
        },
        &mut || drop(black_box(parallel())),
    );

    let (mut one, mut other) = (None, None);
    let options = CompareOptions {
        repeat: 6,
        ..CompareOptions::DEFAULT
    };
    let comparison = compare(&options, &["serial", "pool"], &mut |run| match run.side() {
        0 => run.time_side(&mut one, serial),
        _ => run.time_side(&mut other, parallel),
    });
    comparison.show(&[Results::from(one == other)]);
}

/// Trial division, which takes longer for larger numbers, so chunks of the same size take different times.
fn is_prime(number: u32) -> bool {
    number > 1
        && (2..)
            .take_while(|divisor| divisor * divisor <= number)
            .all(|divisor| !number.is_multiple_of(divisor))
}
