//! How a measurement ends early: an interrupt, a panic.
//!
//! An interrupt is a flag of the whole process, so what sets it runs in a process of its own.

use std::process::Command;

/// What the helper writes to stderr when it runs `name`.
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
