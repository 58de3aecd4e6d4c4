//! Changes the environment of this process. Processes that it starts inherit the changes, and some settings of evcxr
//! and rust-analyzer can be given in no other way.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// Sets variables until it is dropped.
pub struct Lent(Vec<(String, Option<OsString>)>);

impl Lent {
    /// Sets these variables. Dropping the result restores their old values.
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

/// Does `work` with these variables set, as in a kernel that was started with them. `CARGO_HOME`, for example, changes
/// what cargo builds.
pub fn within<T>(variables: &BTreeMap<String, String>, work: impl FnOnce() -> T) -> T {
    let _lent = Lent::set(variables.iter().map(|(name, value)| (name, value.into())));
    work()
}

/// Sets a variable of this process.
pub fn set_variable(name: &str, value: OsString) {
    // SAFETY: all Rust code of the process goes through std::env, which has a lock of its own. Of the C code in a
    // kernel, libzmq reads no environment, and SQLite has read it in `history::initialise`, before the thread starts
    // that calls this. A worker calls this before it has a second thread, and commands never have one.
    unsafe { std::env::set_var(name, value) }
}

/// Removes a variable of this process.
pub fn remove_variable(name: &str) {
    // SAFETY: as in `set_variable`.
    unsafe { std::env::remove_var(name) }
}
