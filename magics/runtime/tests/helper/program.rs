//! What tests run in a process of its own: an interrupt and the session's word are the whole process's.
//!
//! The argument names the function to run. It fails by panicking.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod notebook;
mod timing;

use corebook::cpus;

fn main() {
    let name = std::env::args().nth(1).unwrap_or_default();
    match name.as_str() {
        "panics" => notebook::panics(),
        "is_interrupted" => notebook::is_interrupted(),
        "shows_progress" => notebook::shows_progress(),
        "opens_pools" => notebook::opens_pools(),
        "updates_a_display" => notebook::updates_a_display(),
        "panicking" => timing::panicking(),
        "interrupted" => timing::interrupted(),
        "says_what_is_usable" => {
            println!("usable={} {:?}", cpus::usable(), cpus::live().limits());
        }
        _ => panic!("unknown name {name:?}: this program is for tests"),
    }
}
