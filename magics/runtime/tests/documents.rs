//! The migration table of the documents, and the example program.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

#[test]
fn every_row_of_the_migration_table_is_run() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/multiprocessing.md");
    let text = std::fs::read_to_string(path).unwrap();
    // Every second text between ``` fences is code.
    let blocks: String = text.split("```").skip(1).step_by(2).collect();
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    assert!(rows.len() > 30, "{} rows", rows.len());
    for row in rows {
        // A bar in a cell is escaped.
        let row = row.replace("\\|", "\0");
        let rust = row
            .trim_matches('|')
            .rsplit('|')
            .next()
            .unwrap()
            .trim()
            .replace('\0', "|");
        let rust = rust.trim_matches('`');
        assert!(blocks.contains(rust), "`{rust}` stands in no code block");
    }
}

#[test]
fn the_example_maps_times_and_compares() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let mut command = Command::new(env!("CARGO"));
    command.args([
        "run",
        "--quiet",
        "--offline",
        "--package",
        "corebook",
        "--example",
        "primes",
        "--manifest-path",
    ]);
    let output = command.arg(manifest).args(["--", "2000"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains("physical core"), "{text}");
    assert!(text.contains("303 primes below 2000"), "{text}");
    assert!(text.contains(" per loop"), "{text}");
    assert!(text.contains("speed-up"), "{text}");
    assert!(text.contains("results equal"), "{text}");
}
