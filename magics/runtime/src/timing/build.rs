//! How the running cell was compiled. The kernel knows, and the worker says it before the cell runs.

use std::sync::{Mutex, PoisonError};

/// How the running cell was compiled.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Build {
    /// Seconds; 0 when unknown.
    pub(crate) compile_time: f64,
    /// As in `-C opt-level`; empty when unknown.
    pub(crate) opt_level: String,
}

pub(super) static CURRENT: Mutex<Build> = Mutex::new(Build {
    compile_time: 0.0,
    opt_level: String::new(),
});

/// Says how the cell that runs next was compiled. For the worker, before each cell.
pub(crate) fn set_build(build: Build) {
    *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = build;
}

pub(super) fn current() -> Build {
    CURRENT
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}
