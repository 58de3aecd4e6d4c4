//! The environment of this process: what it starts inherits it, and evcxr and rust-analyzer can be told some things in
//! no other way.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// Variables that have other values for a while.
pub struct Lent(Vec<(String, Option<OsString>)>);

impl Lent {
    /// Sets these variables; they have their old values again when this is dropped.
    pub fn set<N: Into<String>>(values: impl IntoIterator<Item = (N, OsString)>) -> Self {
        let before = values.into_iter().map(|(name, value)| {
            let name = name.into();
            let before = std::env::var_os(&name);
            set_variable(&name, value);
            (name, before)
        });
        Self(before.collect())
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        for (name, value) in self.0.drain(..) {
            match value {
                Some(value) => set_variable(&name, value),
                None => remove_variable(&name),
            }
        }
    }
}

/// Does `work` as a kernel would that was started with these variables: `CARGO_HOME`, for one, decides what cargo builds.
pub fn within<T>(variables: &BTreeMap<String, String>, work: impl FnOnce() -> T) -> T {
    let _lent = Lent::set(variables.iter().map(|(name, value)| (name, value.into())));
    work()
}

/// Sets a variable of this process.
pub fn set_variable(name: &str, value: OsString) {
    // SAFETY: all code of ours and rust-analyzer's goes through std::env, which has a lock of its own. Of the C
    // code in this process libzmq reads no environment, and SQLite did in `history::initialise`, before the thread was
    // started that calls this in a kernel. Commands have no other thread.
    unsafe { std::env::set_var(name, value) }
}

/// Removes a variable of this process.
pub fn remove_variable(name: &str) {
    // SAFETY: as in `set_variable`.
    unsafe { std::env::remove_var(name) }
}
