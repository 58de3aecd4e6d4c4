//! The end of the worker: what it leaves, and the checkpoint that takes over.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::Relay;
use super::cell_state::CellState;
use super::streams::tell_evcxr;
use crate::ipc::FromSupervisor;

/// How long children of the worker may take to end after they were killed.
const REAP_WAIT: Duration = Duration::from_millis(500);

/// How long a checkpoint may take to take over. It has nothing to do but to wake up.
const TAKE_OVER_WAIT: Duration = Duration::from_secs(10);

/// What ends a cell for evcxr and nothing else.
///
/// evcxr 0.22 knows two ends of a cell that has run: done, even if by a panic, which keeps the cell's
/// functions and forgets variables that it named, and the end of the process, which forgets all of them. A
/// line that is not UTF-8 is an error to it that leaves its state as it was before the cell, as the variables
/// are. To be dropped when evcxr can be told of a cell that must count as never run.
const CELL_NEVER_RAN: &[u8] = b"\xff";

impl Relay {
    /// Reports how the worker ended. Whether its checkpoint goes on in its place.
    pub(super) fn outlive_death(&mut self) -> anyhow::Result<bool> {
        // What its cells have started ends with it, and with that the checkpoint's pipe.
        self.worker.kill();
        // Its last words are still in the pipes; children that outlive it may keep them open.
        self.forward_stdout()?;
        self.forward_stderr()?;
        let rest = self.splitter.flush();
        self.forward(rest)?;
        let ending = self.worker.ending();
        reap(self.worker.group());
        let Some(worker_pid) = self.await_take_over()? else {
            self.report(&FromSupervisor::Died { ending })?;
            return Ok(false);
        };
        self.worker
            .follow(Pid::from_raw(worker_pid.cast_signed()))?;
        self.report(&FromSupervisor::Replaced { ending, worker_pid })?;
        // While it still compiles the cell, evcxr need not know.
        if self.cell.is_running() {
            self.cell = CellState::None;
            tell_evcxr(CELL_NEVER_RAN)?;
        }
        Ok(true)
    }

    /// Waits until the checkpoint reports that it has taken over. Returns its process id, or nothing if no checkpoint
    /// lives: then the notices end without such a report.
    fn await_take_over(&mut self) -> anyhow::Result<Option<u32>> {
        let deadline = Instant::now() + TAKE_OVER_WAIT;
        loop {
            if let Some(successor) = self.successor.take() {
                return Ok(Some(successor));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let mut fds = [PollFd::new(self.worker.notices.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::try_from(left)?) {
                Err(nix::errno::Errno::EINTR) => continue,
                other => other?,
            };
            if fds[0].any() != Some(true) || !self.take_notice()? {
                return Ok(None);
            }
        }
    }

    /// Ends the worker and all it has started. Leaves no zombie: a container may have no other process that reaps.
    pub(super) fn end_worker(&mut self) {
        self.worker.kill_for_good();
        self.worker.ending();
        reap(Pid::from_raw(-1));
    }
}

/// Waits for a moment until children are gone that were killed.
///
/// * `children`: as `waitpid` takes it: -1 for all, or a negative process group.
fn reap(children: Pid) {
    let deadline = Instant::now() + REAP_WAIT;
    while Instant::now() < deadline {
        match waitpid(children, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => std::thread::sleep(Duration::from_millis(1)),
            Ok(_) => {}
            Err(_) => return,
        }
    }
}
