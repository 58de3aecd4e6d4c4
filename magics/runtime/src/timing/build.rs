//! How the running cell was compiled. The worker sets it before the cell runs; nothing is measured here.

use std::sync::{Mutex, PoisonError};

/// How the running cell was compiled.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Build {
    /// In seconds; 0 when unknown.
    pub(crate) compile_time: f64,
    /// The value of `-C opt-level`; empty when unknown.
    pub(crate) opt_level: String,
}

pub(super) static CURRENT: Mutex<Build> = Mutex::new(Build {
    compile_time: 0.0,
    opt_level: String::new(),
});

/// Records how the next cell was compiled.
pub(crate) fn set_build(build: Build) {
    *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = build;
}

pub(super) fn current() -> Build {
    CURRENT
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}
