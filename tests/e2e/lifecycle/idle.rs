//! What a kernel costs while no cell runs.

#![cfg(target_os = "linux")]

use std::time::{Duration, Instant};

use corebook_tests::FIRST_CELL_PATIENCE;
use corebook_tests::notebook::Notebook;
use corebook_tests::process::sleeps;

/// How long the processes are watched.
const WATCH: Duration = Duration::from_secs(3);

/// A thread that polls ten times a second would sleep thirty times.
const MOST_SLEEPS: u64 = 10;

#[test]
fn an_idle_kernel_sleeps() {
    let notebook = Notebook::start();
    notebook
        .run("%pool 2")
        .shows(&["stdout: pool: 2 workers\n"]);
    let count = || -> u64 {
        let children = notebook.process.descendants();
        let pids = children.iter().map(|child| child.pid);
        pids.chain([notebook.process.pid().as_raw()])
            .map(sleeps)
            .sum()
    };
    // After the cell there is work in the background, for as long as the machine takes.
    let deadline = Instant::now() + FIRST_CELL_PATIENCE;
    loop {
        let before = count();
        std::thread::sleep(WATCH);
        let sleeps = count() - before;
        if sleeps <= MOST_SLEEPS {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{sleeps} sleeps in {WATCH:?}, long after the last cell"
        );
    }
}
