//! Forks the process that runs cells, so that the fork can replace it later.
//!
//! A fork has all memory of the process but only one thread: the one that forked. A lock that another thread held at
//! that moment would stay locked for ever. So the forking thread first takes all locks of this library and of its
//! output. The C library does the same for its allocator. Locks of the user's own code are not covered.
//!
//! This module starts no pool: the registry starts the threads of a pool again when it is next used.

use std::any::Any;
use std::io::Write;
use std::time::{Duration, Instant};

use crate::store::VariableStore;
use crate::{cell, panic_report, pool, timing};

/// How long to wait for locks that other threads hold.
const LOCK_WAIT: Duration = Duration::from_millis(50);

/// What [`corebook_cell_fork`] returns when a lock stayed taken.
pub const BUSY: i32 = -2;

/// Called by the worker between two cells: forks. Returns what `fork` returns, or [`BUSY`] when another thread does
/// not release a lock in time.
#[unsafe(no_mangle)]
pub extern "C" fn corebook_cell_fork() -> i32 {
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        // A thread that prints holds one of these and may wait for another lock of this library. So nothing else is
        // waited for while they are held.
        let mut stdout = std::io::stdout().lock();
        let _stderr = std::io::stderr().lock();
        if let Some(_held) = hold_all() {
            // Otherwise both processes would print what is left in the buffer.
            let _ = stdout.flush();
            // SAFETY: the C library keeps its own state consistent when a process with several threads forks. The
            // calling thread, the only one in the fork, holds every lock of this library and of the output, and
            // releases them in both processes.
            return unsafe { libc::fork() };
        }
        if Instant::now() > deadline {
            return BUSY;
        }
        drop(stdout);
        std::thread::yield_now();
    }
}

/// Takes all locks of this library, or none of them if another thread has one.
fn hold_all() -> Option<Vec<Box<dyn Any>>> {
    let locks = [
        &pool::LOCKS[..],
        &timing::LOCKS[..],
        &panic_report::LOCKS[..],
        &cell::LOCKS[..],
    ];
    locks.concat().iter().map(|lock| lock.try_hold()).collect()
}

/// Called by the worker in a fork that replaces it.
///
/// # Safety
///
/// `variables` is the pointer that the last cell returned, or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corebook_cell_resume(variables: *mut VariableStore) {
    cell::resume();
    pool::resume();
    // SAFETY: cells keep their variables in this library's store, and the caller promises that this is it.
    if let Some(variables) = unsafe { variables.as_mut() } {
        variables.forget_async_runtime();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All locks, as soon as no other test has one.
    fn held() -> Vec<Box<dyn Any>> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(held) = hold_all() {
                return held;
            }
            assert!(Instant::now() < deadline, "a lock stays taken");
            std::thread::yield_now();
        }
    }

    #[test]
    fn all_locks_are_held_or_none() {
        let lists = [
            &pool::LOCKS[..],
            &timing::LOCKS[..],
            &panic_report::LOCKS[..],
            &cell::LOCKS[..],
        ];
        let locks = lists.concat();
        let all = held();
        assert_eq!(all.len(), locks.len());
        assert!(locks.iter().all(|lock| lock.try_hold().is_none()));
        drop(all);
        let one = loop {
            if let Some(one) = cell::LOCKS[0].try_hold() {
                break one;
            }
        };
        assert!(hold_all().is_none());
        assert_eq!(corebook_cell_fork(), BUSY);
        drop(one);
        drop(held());
    }
}
