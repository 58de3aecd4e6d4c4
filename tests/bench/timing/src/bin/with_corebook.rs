//! Prints the nanoseconds that a call of the function named on the command line takes, measured by `%timeit`.

use std::hint::black_box;

use corebook::timing::{Options, Show, timeit};

fn main() {
    let name = std::env::args().nth(1).expect("the name of a function");
    let find = |(known, _): &&(&str, _)| *known == name;
    let (_, work) = *timing_bench::FUNCTIONS
        .iter()
        .find(find)
        .expect("a known function");
    let options = Options {
        show: Show::Nothing,
        ..Options::DEFAULT
    };
    let timing = timeit(&options, &mut move || _ = black_box(work()));
    println!("{}", timing.best * 1e9);
}
