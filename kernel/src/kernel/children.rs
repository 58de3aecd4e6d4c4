//! Waiting, at the end, for the processes that the kernel has started.

use std::time::{Duration, Instant};

use corebook_processes::descendants::{Kill, kill_descendants};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

/// How long the supervisor may take to end by itself.
const SUPERVISOR_WAIT: Duration = Duration::from_millis(700);

/// Waits until the supervisor and the compilers are gone: a container may have no other process that reaps them.
pub fn reap(deadline: Instant) {
    let patience = Instant::now() + SUPERVISOR_WAIT;
    let mut is_killed = false;
    while Instant::now() < deadline {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => std::thread::sleep(Duration::from_millis(2)),
            Ok(_) => {}
            Err(_) => return,
        }
        // A supervisor that has not connected yet gets no orders.
        if !is_killed && Instant::now() > patience {
            is_killed = true;
            kill_descendants(Kill::All);
        }
    }
}
