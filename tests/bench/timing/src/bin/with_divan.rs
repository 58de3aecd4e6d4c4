//! Runs divan on the function that its command line names.

use timing_bench::FUNCTIONS;

fn main() {
    divan::main();
}

#[divan::bench(args = FUNCTIONS.map(|(name, _)| name))]
fn work(bencher: divan::Bencher, name: &str) {
    let (_, work) = FUNCTIONS
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a known function");
    bencher.bench_local(work);
}
