//! The environment of this process, through which alone evcxr and rust-analyzer can be told some things.

use std::ffi::OsString;

/// Variables that have other values for a while.
pub(super) struct Lent(Vec<(&'static str, Option<OsString>)>);

impl Lent {
    /// Sets these variables; they have their old values again when this is dropped.
    pub(super) fn set<const N: usize>(values: [(&'static str, OsString); N]) -> Self {
        let before = values.into_iter().map(|(name, value)| {
            let before = std::env::var_os(name);
            set_variable(name, value);
            (name, before)
        });
        Self(before.collect())
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        for (name, value) in self.0.drain(..) {
            match value {
                Some(value) => set_variable(name, value),
                None => remove_variable(name),
            }
        }
    }
}

/// Sets an environment variable for evcxr and rust-analyzer, which can be told in no other way.
pub(super) fn set_variable(name: &str, value: OsString) {
    // SAFETY: all code of ours and rust-analyzer's goes through std::env, which has a lock of its own. Of the C
    // code in this process libzmq reads no environment, and SQLite did in `history::initialise`, before this
    // thread was started.
    unsafe { std::env::set_var(name, value) }
}

/// Removes a variable, for the same readers.
pub(super) fn remove_variable(name: &str) {
    // SAFETY: as in `set_variable`.
    unsafe { std::env::remove_var(name) }
}
