//! `%compare A ;; A`, fifty times: how far from 1 the ratio is, and how often the interval contains 1.
//!
//! Ends with an error if fewer than 90 % of the ratios are within 4 %, or fewer than 93 % of the intervals contain 1.

use std::process::ExitCode;

use corebook::timing::{CompareOptions, compare};
use timing_bench::FUNCTIONS;

const COMPARISONS: usize = 50;

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let mut is_good = true;
    for (name, work) in FUNCTIONS {
        if names.iter().any(|wanted| wanted == name) {
            is_good &= compare_with_itself(name, work);
        }
    }
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn compare_with_itself(name: &str, work: fn() -> u64) -> bool {
    let options = CompareOptions {
        quiet: true,
        ..CompareOptions::DEFAULT
    };
    let (mut near, mut holding) = (0, 0);
    let mut farthest = 0.0_f64;
    for _ in 0..COMPARISONS {
        let (mut one, mut other) = (None, None);
        let comparison = compare(&options, &["one", "other"], &mut |run| match run.side() {
            0 => run.time_side(&mut one, work),
            _ => run.time_side(&mut other, work),
        });
        let speed_up = &comparison.speed_ups[0];
        let distance = (speed_up.ratio - 1.0).abs();
        near += usize::from(distance <= 0.04);
        holding += usize::from(!speed_up.is_resolved());
        farthest = farthest.max(distance);
    }
    println!(
        "{name}: {near} of {COMPARISONS} ratios within 4 % (farthest {:.1} %), \
         {holding} of {COMPARISONS} intervals hold 1",
        farthest * 100.0
    );
    near * 100 >= COMPARISONS * 90 && holding * 100 >= COMPARISONS * 93
}
