//! What tests run in another process, because the interrupt flag and the session's nonce belong to a process.
//!
//! The argument names the function to run, which fails by panicking.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cells;
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
        "is_interrupted_in_loops" => notebook::is_interrupted_in_loops(),
        "panics_unobserved" => notebook::panics_unobserved(),
        "panics_in_a_program" => notebook::panics_in_a_program(),
        "runs_a_cell" => cells::runs_a_cell(),
        "prints_half_a_line" => cells::prints_half_a_line(),
        "forks" => cells::forks(),
        "asks_for_a_changed_variable" => cells::asks_for_a_changed_variable(),
        "shows_outputs" => cells::shows_outputs(),
        "writes_to_stderr" => cells::writes_to_stderr(),
        "shows_times" => cells::shows_times(),
        "shows_stopwatches" => cells::shows_stopwatches(),
        "times_sleep" => cells::times_sleep(),
        "panicking" => timing::panicking(),
        "interrupted" => timing::interrupted(),
        "says_what_is_usable" => {
            println!("usable={} {:?}", cpus::usable(), cpus::live().limits());
        }
        "describes_the_machine" => println!("{}", cpus::details(&cpus::live())),
        _ => panic!("unknown name {name:?}: this program is for tests"),
    }
}
