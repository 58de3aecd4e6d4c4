//! Tests that cannot run on every machine. They fail there, unless the caller allows them to be skipped.
//!
//! `magics/runtime/tests` and `tests/clients/conftest.py` follow the same rule with the same two variables.

use std::fs::OpenOptions;
use std::io::Write as _;

/// Set to `1`, it lets a test that cannot run here be skipped.
const MAY_SKIP: &str = "COREBOOK_TEST_MAY_SKIP";

/// Names a file that gets a line for each test that was skipped.
const SKIPS: &str = "COREBOOK_TEST_SKIPS";

/// Reports that the test `name` cannot run here because of `reason`. The caller returns after it.
///
/// # Panics
///
/// Unless `COREBOOK_TEST_MAY_SKIP` is `1`.
pub fn skip_or_fail(name: &str, reason: &str) {
    let may_skip = std::env::var(MAY_SKIP).is_ok_and(|value| value == "1");
    assert!(
        may_skip,
        "not tested: {reason}; set {MAY_SKIP}=1 to let such tests be skipped"
    );
    eprintln!("not tested: {name}: {reason}");
    if let Some(file) = std::env::var_os(SKIPS) {
        let line = format!("{name}: {reason}\n");
        // Test programs append to this file one after the other, their threads at once: one write for each line.
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&file)
            .and_then(|mut file| file.write_all(line.as_bytes()))
            .unwrap_or_else(|error| panic!("{SKIPS} names {}: {error}", file.display()));
    }
}
