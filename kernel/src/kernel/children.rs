//! Waits at the end for the processes that the kernel has started.

use std::time::{Duration, Instant};

use corebook_processes::descendants::{Kill, kill_descendants};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

/// How long the supervisor has to end by itself before it is killed.
const SUPERVISOR_WAIT: Duration = Duration::from_millis(700);

/// Waits until the supervisor and the compilers have ended. In a container there may be no other process that reaps
/// them.
pub fn reap(deadline: Instant) {
    let kill_at = Instant::now() + SUPERVISOR_WAIT;
    let mut is_killed = false;
    while Instant::now() < deadline {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => std::thread::sleep(Duration::from_millis(2)),
            Ok(_) => {}
            Err(_) => return,
        }
        // A supervisor that has not connected yet does not receive the message to end.
        if !is_killed && Instant::now() > kill_at {
            is_killed = true;
            kill_descendants(Kill::All);
        }
    }
}
