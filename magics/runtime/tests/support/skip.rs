//! For tests that need something that not every machine has.

use std::io::Write;

/// Says that a test can't run on this machine. The test returns after this call.
///
/// With `COREBOOK_TEST_MAY_SKIP=1` the test passes: a line with its name and the reason goes to stderr and, if
/// `COREBOOK_TEST_SKIPS` is set, to the end of the file that it names.
///
/// # Panics
///
/// Without that variable, so that a test that did not run is not taken for one that passed.
#[track_caller]
pub fn skip_or_fail(test: &str, reason: &str) {
    let line = format!("{test}: {reason}\n");
    assert!(
        std::env::var_os("COREBOOK_TEST_MAY_SKIP").is_some_and(|value| value == "1"),
        "{line}COREBOOK_TEST_MAY_SKIP=1 lets this test pass without being run"
    );
    // Straight to stderr: the test harness hides what the macro prints in a test that passes.
    std::io::stderr()
        .write_all(format!("skipped {line}").as_bytes())
        .expect("stderr takes a line");
    if let Some(path) = std::env::var_os("COREBOOK_TEST_SKIPS") {
        // One write, because tests run at the same time.
        std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(line.as_bytes()))
            .unwrap_or_else(|error| panic!("cannot write to {}: {error}", path.display()));
    }
}
