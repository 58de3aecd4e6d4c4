//! Measurements that end early, by an interrupt or a panic.
//!
//! The interrupt flag belongs to the process, so code that sets it runs in another process.

use std::process::Command;

/// Runs the helper, and returns what it writes to stderr.
fn stderr_of(name: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_runtime-test-helper"))
        .arg(name)
        .output()
        .expect("the helper starts");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    stderr
}

#[test]
fn panic_says_in_which_loop_it_was() {
    let stderr = stderr_of("panicking");
    assert!(
        stderr.contains("timing abandoned: panicked in loop 3 (of 10)\n"),
        "{stderr}"
    );
}

#[test]
fn interrupt_stops_between_loops_and_says_what_it_stopped() {
    let stderr = stderr_of("interrupted");
    assert!(
        stderr.contains("interrupted: %timeit in run 1\n"),
        "{stderr}"
    );
    assert!(
        stderr.contains("interrupted: %compare in run 2\n"),
        "{stderr}"
    );
    assert!(!stderr.contains("timing abandoned"), "{stderr}");
}
