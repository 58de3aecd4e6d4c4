//! Times all functions with all three harnesses in turns, and prints a report in Markdown.
//!
//! Every harness runs in its own process and reports its fastest sample. The fastest of several rounds counts. If a
//! difference is above its limit, this program ends with an error.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, ExitCode};

use nanoserde::DeJson;
use timing_bench::FUNCTIONS;

const ROUNDS: usize = 5;
const MEDIAN_LIMIT_PERCENT: f64 = 5.0;
const WORST_LIMIT_PERCENT: f64 = 15.0;

/// Returns the nanoseconds of a call. The last argument is an estimate, 0 the first time.
type Harness = fn(&Path, &str, f64) -> f64;

const HARNESSES: [(&str, Harness); 3] = [
    ("corebook", with_corebook),
    ("divan", with_divan),
    ("criterion", with_criterion),
];

fn main() -> ExitCode {
    let program = std::env::current_exe().expect("this program has a path");
    let folder = program.parent().expect("a program stands in a folder");
    let mut best: HashMap<(&str, &str), f64> = HashMap::new();
    let load_before = load();
    for round in 0..ROUNDS {
        for (function, _) in FUNCTIONS {
            for turn in 0..HARNESSES.len() {
                let (name, harness) = HARNESSES[(round + turn) % HARNESSES.len()];
                let about_ns = best.get(&(function, "corebook")).copied().unwrap_or(0.0);
                let time_ns = harness(folder, function, about_ns);
                let known_ns = best.entry((function, name)).or_insert(f64::INFINITY);
                *known_ns = known_ns.min(time_ns);
            }
        }
    }
    println!(
        "Load average {load_before} before and {} after, {ROUNDS} rounds.\n",
        load()
    );
    println!("| function | corebook | divan | criterion | to divan | to criterion |");
    println!("|---|---|---|---|---|---|");
    let mut differences = HashMap::from([("divan", Vec::new()), ("criterion", Vec::new())]);
    for (function, _) in FUNCTIONS {
        let time = |name| best[&(function, name)];
        let difference = |name| (time("corebook") / time(name) - 1.0) * 100.0;
        let shown = |name| corebook::timing::format::time(time(name) / 1e9, 4);
        println!(
            "| {function} | {} | {} | {} | {:+.1} % | {:+.1} % |",
            shown("corebook"),
            shown("divan"),
            shown("criterion"),
            difference("divan"),
            difference("criterion")
        );
        for (name, all) in &mut differences {
            all.push(difference(name).abs());
        }
    }
    println!();
    let mut is_within = true;
    for name in ["divan", "criterion"] {
        let mut sorted = differences[name].clone();
        sorted.sort_by(f64::total_cmp);
        let median = (sorted[5] + sorted[6]) / 2.0;
        let worst = sorted[11];
        println!("Difference to {name}: median {median:.1} %, worst {worst:.1} %.");
        is_within &= median <= MEDIAN_LIMIT_PERCENT && worst <= WORST_LIMIT_PERCENT;
    }
    if is_within {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn with_corebook(folder: &Path, function: &str, _about_ns: f64) -> f64 {
    output(Command::new(folder.join("with_corebook")).arg(function))
        .trim()
        .parse()
        .expect("a number of nanoseconds")
}

/// Reads the column `fastest` of divan's table: `╰─ mix   2.117 ns  │ …`.
///
/// By default divan takes a single call of 40 ns as a sample, with a clock that steps by 20 ns, and it takes a hundred
/// samples of the longest function, which is half a minute.
fn with_divan(folder: &Path, function: &str, about_ns: f64) -> f64 {
    let calls = (1e6 / about_ns.max(1.0)).max(1.0) as u64;
    let samples = if about_ns > 1e6 { 10 } else { 100 };
    let table = output(
        Command::new(folder.join("with_divan"))
            .args(["--bench", "--sample-count", &samples.to_string()])
            .args(["--sample-size", &calls.to_string(), function]),
    );
    let row = table
        .lines()
        .find(|line| line.contains(&format!("─ {function} ")))
        .expect("a row");
    let mut words = row
        .split_whitespace()
        .skip_while(|word| *word != function)
        .skip(1);
    let value: f64 = words
        .next()
        .expect("a value")
        .parse()
        .expect("a plain number");
    let unit_ns = match words.next().expect("a unit") {
        "ns" => 1.0,
        "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        unit => panic!("divan writes a time in {unit}"),
    };
    value * unit_ns
}

#[derive(DeJson)]
struct Samples {
    iters: Vec<f64>,
    times: Vec<f64>,
}

/// Reads the samples that criterion writes.
fn with_criterion(folder: &Path, function: &str, _about_ns: f64) -> f64 {
    let home = folder.join("criterion");
    output(
        Command::new(folder.join("with_criterion"))
            .arg(function)
            .env("CRITERION_HOME", &home),
    );
    let file = home.join(function).join("new/sample.json");
    let text = std::fs::read_to_string(file).expect("criterion writes its samples");
    let samples = Samples::deserialize_json(&text).expect("samples in JSON");
    let per_call = samples
        .times
        .iter()
        .zip(&samples.iters)
        .map(|(time, calls)| time / calls);
    per_call.fold(f64::INFINITY, f64::min)
}

fn output(command: &mut Command) -> String {
    let done = command.output().expect("the harness starts");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).expect("text")
}

fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}
