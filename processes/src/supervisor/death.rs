//! The end of the worker: forwards its last output, and continues with the checkpoint that takes over.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use corebook_build::evcxr::CELL_NEVER_RAN;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::Relay;
use super::cell_state::CellState;
use super::streams::write_to_evcxr;
use crate::ipc::FromSupervisor;

/// How long to wait for children of the worker to end after they were killed.
const REAP_WAIT: Duration = Duration::from_millis(500);

/// How long a checkpoint may take to take over. It only has to wake up.
const TAKE_OVER_WAIT: Duration = Duration::from_secs(10);

impl Relay {
    /// Reports how the worker ended. Returns whether its checkpoint takes over.
    pub(super) fn outlive_death(&mut self) -> anyhow::Result<bool> {
        // Kills what its cells have started too: they may hold the checkpoint's pipe open.
        self.worker.kill();
        // Its last output is still in the pipes. They may have no end, because surviving children keep them open.
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
        // If evcxr still compiles the cell, it needs no line.
        if self.cell.is_running() {
            self.cell = CellState::None;
            write_to_evcxr(CELL_NEVER_RAN)?;
        }
        Ok(true)
    }

    /// Waits until the checkpoint reports that it has taken over. Returns its process id, or `None` if no checkpoint
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

    /// Kills the worker and everything that it has started. Leaves no zombie: in a container there may be no other
    /// process that reaps.
    pub(super) fn end_worker(&mut self) {
        self.worker.kill_for_good();
        self.worker.ending();
        reap(Pid::from_raw(-1));
    }
}

/// Waits until children that were killed have ended, for at most [`REAP_WAIT`].
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
