//! Twelve functions that take from 1 ns to 300 ms, for all harnesses alike.
//!
//! Each takes its input through `black_box`, and none is inlined into the harness, so that all three harnesses time the
//! same machine code.

use std::collections::HashMap;
use std::hint::black_box;

/// Calls a function once, with its input hidden, and returns a number from its result.
pub type Work = fn() -> u64;

/// (name, function), the shortest first.
pub const FUNCTIONS: [(&str, Work); 12] = [
    ("mix", || mix(black_box(0x1234_5678))),
    ("divide", || divide(black_box(0x1234_5678_9abc_def1))),
    ("text", || text(black_box(1_234_567)).len() as u64),
    ("sum", || sum(black_box(&NUMBERS))),
    ("collatz", || collatz(black_box(97))),
    ("fibonacci", || fibonacci(black_box(20))),
    ("sort", || sort(black_box(&NUMBERS))[0]),
    ("count_words", || count_words(black_box(2_000)).len() as u64),
    ("matrix", || matrix(black_box(64)) as u64),
    ("sieve", || sieve(black_box(1_000_000))),
    ("logistic", || logistic(black_box(10_000_000)) as u64),
    ("mandelbrot", || mandelbrot(black_box(1_700))),
];

static NUMBERS: [u64; 1000] = {
    let mut numbers = [0; 1000];
    let mut index = 0;
    while index < 1000 {
        numbers[index] = (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        index += 1;
    }
    numbers
};

/// Mixes 64 bits three times.
#[inline(never)]
pub fn mix(x: u64) -> u64 {
    let mut mixed = x;
    for _ in 0..3 {
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    }
    mixed
}

/// Divisions, each of which needs the result of the previous one.
#[inline(never)]
pub fn divide(x: u64) -> u64 {
    let mut rest = x;
    for divisor in [3, 7, 11, 13, 17] {
        rest = rest / black_box(divisor) + x;
    }
    rest
}

/// A number as text: an allocation and a format.
#[inline(never)]
pub fn text(number: u64) -> String {
    format!("number {number}")
}

#[inline(never)]
pub fn sum(numbers: &[u64]) -> u64 {
    numbers.iter().sum()
}

/// Steps of the Collatz sequence: branches that depend on data.
#[inline(never)]
pub fn collatz(start: u64) -> u64 {
    let mut steps = 0;
    let mut number = start;
    while number != 1 {
        number = if number.is_multiple_of(2) {
            number / 2
        } else {
            3 * number + 1
        };
        steps += 1;
    }
    steps
}

#[inline(never)]
pub fn fibonacci(n: u64) -> u64 {
    if n < 2 {
        n
    } else {
        fibonacci(n - 1) + fibonacci(n - 2)
    }
}

#[inline(never)]
pub fn sort(numbers: &[u64]) -> Vec<u64> {
    let mut sorted: Vec<u64> = numbers.iter().map(|number| number % 1009).collect();
    sorted.sort();
    sorted
}

/// A map with a fixed hash, because a random one makes every process a little different.
#[inline(never)]
pub fn count_words(words: u64) -> HashMap<u64, u64, std::hash::BuildHasherDefault<Hasher>> {
    let mut counts = HashMap::default();
    for word in 0..words {
        *counts.entry(mix(word) % 500).or_insert(0) += 1;
    }
    counts
}

/// See [`count_words`].
#[derive(Default)]
pub struct Hasher(u64);

impl std::hash::Hasher for Hasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = mix(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = mix(number);
    }
}

/// The trace of a product of square matrices.
#[inline(never)]
pub fn matrix(size: usize) -> f64 {
    let left: Vec<f64> = (0..size * size).map(|cell| cell as f64).collect();
    let right: Vec<f64> = left.iter().rev().copied().collect();
    let mut product = vec![0.0; size * size];
    for row in 0..size {
        for column in 0..size {
            product[row * size + column] = (0..size)
                .map(|at| left[row * size + at] * right[at * size + column])
                .sum();
        }
    }
    (0..size).map(|at| product[at * size + at]).sum()
}

/// The number of primes below `limit`. With one bit for each of a million numbers the allocator keeps the memory. If it
/// returned the memory to the system, this would measure page faults.
#[inline(never)]
pub fn sieve(limit: usize) -> u64 {
    let mut is_composite = vec![0_u64; limit.div_ceil(64)];
    let mut primes = 0;
    for number in 2..limit {
        if is_composite[number / 64] >> (number % 64) & 1 == 0 {
            primes += 1;
            for multiple in (number * number..limit).step_by(number) {
                is_composite[multiple / 64] |= 1 << (multiple % 64);
            }
        }
    }
    primes
}

/// Floating point steps, each of which needs the result of the previous one.
#[inline(never)]
pub fn logistic(steps: u64) -> f64 {
    (0..steps).fold(0.3, |x: f64, _| 3.9 * x * (1.0 - x))
}

/// Points of a square that have not left the circle after 200 steps.
#[inline(never)]
pub fn mandelbrot(size: u64) -> u64 {
    let coordinate = |at: u64| at as f64 / size as f64 * 3.0 - 2.0;
    let stays = |re: f64, im: f64| {
        let (mut x, mut y) = (0.0, 0.0);
        (0..200).all(|_| {
            (x, y) = (x * x - y * y + re, 2.0 * x * y + im);
            x * x + y * y <= 4.0
        })
    };
    let row = |im: f64| (0..size).filter(|&at| stays(coordinate(at), im)).count() as u64;
    (0..size).map(|at| row(coordinate(at) + 0.5)).sum()
}
