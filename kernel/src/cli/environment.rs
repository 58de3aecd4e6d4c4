//! Doing something as a kernel would that has other environment variables than this process.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// Does `work` with these variables, which have their old values afterwards.
///
/// What a kernel is started with decides what cargo builds, and where: `CARGO_HOME` for one.
pub fn within<T>(variables: &BTreeMap<String, String>, work: impl FnOnce() -> T) -> T {
    let names = variables.keys();
    let before: Vec<(&String, Option<OsString>)> =
        names.map(|name| (name, std::env::var_os(name))).collect();
    for (name, value) in variables {
        set(name, Some(value.into()));
    }
    let done = work();
    for (name, value) in before {
        set(name, value);
    }
    done
}

fn set(name: &str, value: Option<OsString>) {
    // SAFETY: commands run in the only thread of this process, so nobody reads the environment meanwhile.
    unsafe {
        match value {
            Some(value) => std::env::set_var(name, value),
            None => std::env::remove_var(name),
        }
    }
}
