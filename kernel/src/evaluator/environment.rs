//! The environment of this process, through which alone evcxr and rust-analyzer can be told some things.

use std::ffi::OsString;

/// Sets an environment variable for evcxr and rust-analyzer, which can be told in no other way.
pub(super) fn set_variable(name: &str, value: OsString) {
    // SAFETY: all code of ours and rust-analyzer's goes through std::env, which has a lock of its own. Of the C
    // code in this process libzmq reads no environment, and SQLite did in `history::initialise`, before this
    // thread was started.
    unsafe { std::env::set_var(name, value) }
}
