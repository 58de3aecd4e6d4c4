//! Runs criterion on the function named on the command line. It writes its samples to `CRITERION_HOME`.

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;

fn main() {
    let name = std::env::args().nth(1).expect("the name of a function");
    let find = |(known, _): &&(&str, _)| *known == name;
    let (_, work) = timing_bench::FUNCTIONS
        .iter()
        .find(find)
        .expect("a known function");
    let folder = std::env::var_os("CRITERION_HOME").expect("the folder for samples");
    Criterion::default()
        .output_directory(folder.as_ref())
        .without_plots()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .bench_function(&name, |bencher| bencher.iter(work));
    black_box(());
}
