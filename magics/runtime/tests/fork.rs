//! A forked process, such as a checkpoint of a notebook, uses the pools that it has inherited.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use corebook::pool::Pool;

/// Runs `check` in a forked child. Returns whether it returned true there.
fn holds_in_child(check: impl FnOnce() -> bool) -> bool {
    // SAFETY: this file has only one test. The other threads are workers that sleep, so none holds a lock of the
    // allocator or of the library.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let holds = catch_unwind(AssertUnwindSafe(check)).unwrap_or(false);
        // SAFETY: ends the child without running the parent's destructors.
        unsafe { libc::_exit(if holds { 0 } else { 1 }) };
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut status = 0;
    loop {
        // SAFETY: `status` is writable, and the child belongs to this process.
        match unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) } {
            0 if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
            0 => {
                // SAFETY: the child belongs to this process and still exists.
                unsafe { libc::kill(child, libc::SIGKILL) };
                panic!("the child hangs");
            }
            _ => return libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0,
        }
    }
}

#[test]
fn a_forked_process_starts_its_own_workers() {
    let pool = corebook::__private::pool::open("pool", Some(2), false, false);
    let closed = Pool::new(1);
    closed.close();
    assert_eq!(pool.map(|x| x, 0..100).len(), 100);
    let task = pool.map_async(|x| x, 0..3);
    task.wait();
    // Workers go to sleep on their own, soon after their last task.
    std::thread::sleep(Duration::from_millis(50));
    assert!(holds_in_child(|| pool.map(|x| x * 2, 0..3) == [0, 2, 4]));
    assert!(holds_in_child(|| pool.workers() == 2 && pool.close()));
    assert!(holds_in_child(
        || catch_unwind(|| closed.map(|x| x, 0..3)).is_err()
    ));
    assert!(holds_in_child(|| task.get() == [0, 1, 2]));
    assert_eq!(
        pool.map(|x| x, 0..3),
        [0, 1, 2],
        "the parent's workers are untouched"
    );
}
