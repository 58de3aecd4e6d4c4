//! Checkpoints: a fork of the worker, made while a cell is compiled, that takes over with every variable if the
//! worker dies.
//!
//! This is the worker's side. The fork sleeps on a pipe whose other end only the worker holds. The end of the pipe
//! means that the worker has died. If a byte came before, the cell had ended, and the fork ends too. Otherwise the fork
//! becomes the worker, in the state from before the cell, and reports that to the supervisor, whose child it is then,
//! on the pipe for [`FromWorker`].
//!
//! Never decides which cells are protected: the kernel does, with a limit of memory.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::time::Instant;

use corebook::__private::FORK_BUSY;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, setpgid};

use super::oom::OomScore;
use crate::ipc::{Attempt, Checkpoint, FromWorker, write_message};

/// Forks the process. The runtime does it, because it knows which locks must be held meanwhile.
pub type Fork = unsafe extern "C" fn() -> i32;

/// Makes checkpoints and reports them to the supervisor.
pub struct Checkpoints {
    fork: Fork,
    notices: File,
    /// The current checkpoint.
    guard: Option<Guard>,
}

/// Which of the two processes this is after [`Checkpoints::protect`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The worker.
    Worker,
    /// The checkpoint, after the worker has died.
    Successor,
}

/// The checkpoint as the worker holds it.
struct Guard {
    pid: Pid,
    dismissal: std::io::PipeWriter,
    /// From the start of the cell to the end of the checkpoint.
    oom_score: Option<OomScore>,
}

impl Checkpoints {
    /// * `notices`: the pipe on which the supervisor listens.
    pub fn new(fork: Fork, notices: File) -> Self {
        Self {
            fork,
            notices,
            guard: None,
        }
    }

    /// Makes a checkpoint, if this process is not too large. In the checkpoint it returns only after the worker has
    /// died.
    ///
    /// * `limit_bytes`: a process with more memory of its own gets no checkpoint.
    pub fn protect(&mut self, limit_bytes: u64) -> Side {
        self.release();
        let started = Instant::now();
        let own_bytes = own_bytes();
        let made = match own_bytes <= limit_bytes {
            true => self.fork(),
            false => Err(Attempt::TooLarge { limit_bytes }),
        };
        let attempt = match made {
            Ok(None) => return Side::Successor,
            Ok(Some(guard)) => {
                let pid = guard.pid.as_raw().unsigned_abs();
                self.guard = Some(guard);
                Attempt::Made { pid }
            }
            Err(attempt) => attempt,
        };
        self.report(&FromWorker::Checkpoint(Checkpoint {
            attempt,
            own_bytes,
            cost_ns: u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX),
        }));
        Side::Worker
    }

    /// To be called before the code of the cell runs. From here on this process can be replaced, so the system is to
    /// kill it first when memory runs out.
    pub fn begin_cell(&mut self) {
        if let Some(guard) = &mut self.guard {
            guard.oom_score = Some(OomScore::raise());
        }
    }

    /// To be called when the code of the cell has ended: from here on nothing takes over. The checkpoint still sleeps,
    /// because ending it now would delay the reply to the cell.
    pub fn end_cell(&mut self) {
        if let Some(guard) = &mut self.guard {
            // Fails if the checkpoint was killed; nothing takes over then either.
            let _ = guard.dismissal.write_all(&[1]);
        }
    }

    /// Ends the checkpoint, whether its cell has run or not, and leaves no zombie. To be called when no client waits
    /// for the cell any more.
    pub fn release(&mut self) {
        let Some(guard) = self.guard.take() else {
            return;
        };
        // Not by closing the pipe: a process that a cell has forked may hold it open.
        let _ = kill(guard.pid, Signal::SIGKILL);
        while waitpid(guard.pid, None) == Err(Errno::EINTR) {}
        if let Some(oom_score) = guard.oom_score {
            oom_score.restore();
        }
    }

    /// Reports to the supervisor that this process is the worker from now on.
    pub fn report_take_over(&mut self) {
        let pid = std::process::id();
        self.report(&FromWorker::TookOver { pid });
    }

    /// Returns the guard in the worker, and `None` in the checkpoint, which has taken over by then.
    fn fork(&mut self) -> Result<Option<Guard>, Attempt> {
        let failed = |reason: String| Attempt::Failed { reason };
        // Programs that cells start inherit neither end.
        let (ended, dismissal) = std::io::pipe().map_err(|error| failed(error.to_string()))?;
        // SAFETY: the runtime forks while it holds its own locks and those of its output; the C library does
        // the same for its allocator. This thread, which the fork keeps, holds none.
        match unsafe { (self.fork)() } {
            0 => {
                drop(dismissal);
                await_death(ended);
                Ok(None)
            }
            FORK_BUSY => Err(failed("a thread does not let go of the output".to_owned())),
            pid if pid < 0 => Err(failed(Errno::last().desc().to_owned())),
            pid => {
                let pid = Pid::from_raw(pid);
                // Here too, because the checkpoint must not be in the worker's group when that is killed.
                let _ = setpgid(pid, pid);
                Ok(Some(Guard {
                    pid,
                    dismissal,
                    oom_score: None,
                }))
            }
        }
    }

    fn report(&mut self, notice: &FromWorker) {
        // Fails without a supervisor. Then the pipe for commands ends too, and so does this process.
        let _ = write_message(&mut self.notices, notice);
    }
}

/// Waits in the checkpoint until the worker has died. Most checkpoints are killed before that.
fn await_death(mut ended: std::io::PipeReader) {
    // A group of its own, because the worker's group is killed when the worker dies. Can't fail for a new process.
    let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
    // No event is requested, so only the end of the pipe wakes this process.
    let mut fds = [PollFd::new(ended.as_fd(), PollFlags::empty())];
    while poll(&mut fds, PollTimeout::NONE) == Err(Errno::EINTR) {}
    // If there is a byte, the effects of the cell must not be undone.
    if !matches!(ended.read(&mut [0]), Ok(0)) {
        // SAFETY: ends this process without running destructors, which could remove what the worker still needs.
        unsafe { nix::libc::_exit(0) }
    }
}

/// The memory of this process that is not backed by a file, in bytes. A checkpoint can double it.
fn own_bytes() -> u64 {
    // Size, resident, shared: in pages. See `man 5 proc_pid_statm`.
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let mut pages = statm.split(' ').map(|field| field.parse().unwrap_or(0));
    let (resident, shared): (u64, u64) = (pages.nth(1).unwrap_or(0), pages.next().unwrap_or(0));
    // SAFETY: asks for a constant of the system.
    let page_bytes = unsafe { nix::libc::sysconf(nix::libc::_SC_PAGESIZE) };
    resident.saturating_sub(shared) * u64::try_from(page_bytes).unwrap_or(0)
}
