//! Describes how the worker ended, for the author of a cell. Does no I/O.

use nix::sys::signal::Signal;

use super::ipc::Ending;

/// The standard library prints this before it aborts for lack of memory.
const ALLOCATION_FAILED: &str = "memory allocation of ";

/// How the worker ended, in words.
///
/// * `stderr_end`: the end of what it wrote to stderr.
pub fn describe(ending: Ending, stderr_end: &str) -> String {
    if stderr_end.contains("has overflowed its stack") {
        return "stack overflow".to_owned();
    }
    match ending {
        Ending::Exited { code } => format!("the code called exit({code})"),
        Ending::Signalled { signal } => match Signal::try_from(signal) {
            Ok(Signal::SIGSEGV) => "segmentation fault".to_owned(),
            Ok(Signal::SIGABRT) if stderr_end.contains(ALLOCATION_FAILED) => {
                "out of memory".to_owned()
            }
            Ok(Signal::SIGABRT) => "aborted".to_owned(),
            Ok(Signal::SIGKILL) => "killed: out of memory?".to_owned(),
            Ok(Signal::SIGBUS) => "bus error".to_owned(),
            Ok(Signal::SIGILL) => "illegal instruction".to_owned(),
            Ok(Signal::SIGFPE) => "arithmetic exception".to_owned(),
            Ok(other) => format!("ended by {other}"),
            Err(_) => format!("ended by signal {signal}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_overflow_is_recognised_by_its_message() {
        let tail = "\nthread 'main' has overflowed its stack\nfatal runtime error: stack overflow, aborting\n";
        assert_eq!(
            describe(Ending::Signalled { signal: 6 }, tail),
            "stack overflow"
        );
    }
}
