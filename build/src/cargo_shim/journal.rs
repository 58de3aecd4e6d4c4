//! Records when cells were compiled: one line for each step, until the kernel reads them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const FILE: &str = "journal";

/// One compile of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compile {
    /// evcxr called cargo.
    pub called: SystemTime,
    /// rustc began; `None` if cargo did not get that far.
    pub rustc: Option<SystemTime>,
}

/// A step of a compile.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Called,
    Rustc,
}

/// Notes that a step begins now.
pub(super) fn note(tools: &Path, step: Step) -> io::Result<()> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(tools.join(FILE))?;
    file.write_all(format!("{step:?} {}\n", now.as_nanos()).as_bytes())
}

/// The compiles since the last call.
pub(crate) fn take(tools: &Path) -> Vec<Compile> {
    let file = tools.join(FILE);
    let text = fs::read_to_string(&file).unwrap_or_default();
    // There is no journal if no cell was compiled.
    let _ = fs::remove_file(file);
    compiles(&text)
}

fn compiles(journal: &str) -> Vec<Compile> {
    let mut compiles: Vec<Compile> = Vec::new();
    for (step, nanos) in journal.lines().filter_map(|line| line.split_once(' ')) {
        let time = UNIX_EPOCH + Duration::from_nanos(nanos.parse().unwrap_or_default());
        match (step, compiles.last_mut()) {
            ("Rustc", Some(last)) => last.rustc = Some(time),
            _ => compiles.push(Compile {
                called: time,
                rustc: None,
            }),
        }
    }
    compiles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_become_compiles() {
        let at = |nanos| UNIX_EPOCH + Duration::from_nanos(nanos);
        let compile = |called, rustc: Option<u64>| Compile {
            called: at(called),
            rustc: rustc.map(at),
        };
        let journal = "Called 10\nRustc 20\nCalled 30\nCalled 50\nRustc 60\n";
        assert_eq!(
            compiles(journal),
            [
                compile(10, Some(20)),
                compile(30, None),
                compile(50, Some(60))
            ]
        );
        assert!(compiles("").is_empty());
    }
}
