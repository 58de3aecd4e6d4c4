//! Checkpoints: a fork of the worker, made while a cell is compiled, that takes over with every variable if the
//! worker dies.
//!
//! This is the worker's side. The fork sleeps until a pipe is closed whose other end only the worker holds: the
//! worker has died. A byte in it says that the cell had ended before: the fork ends too. Otherwise it goes on as the
//! worker, with all as it was before the cell, and tells the supervisor, whose child it then is, on the pipe for
//! [`FromWorker`]s.
//!
//! Never decides which cells are protected: the kernel does, and says so with a limit of memory.

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

/// Forks the process. The runtime does it, because it knows which locks must not be held meanwhile.
pub type Fork = unsafe extern "C" fn() -> i32;

/// Makes checkpoints and tells the supervisor of them.
pub struct Checkpoints {
    fork: Fork,
    notices: File,
    /// The one that waits.
    guard: Option<Guard>,
}

/// Which of both processes this is after [`Checkpoints::protect`].
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
    /// While the cell runs, and until the checkpoint has ended.
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

    /// Makes a checkpoint of a process that is not too large; in it, returns only when the worker has died.
    ///
    /// * `limit_bytes`: a process that has more memory of its own is not protected.
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
        self.tell(&FromWorker::Checkpoint(Checkpoint {
            attempt,
            own_bytes,
            cost_ns: u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX),
        }));
        Side::Worker
    }

    /// To be called before the cell's code runs: from here on this process can be replaced, and is the first that
    /// the system kills when memory runs out.
    pub fn begin_cell(&mut self) {
        if let Some(guard) = &mut self.guard {
            guard.oom_score = Some(OomScore::raise());
        }
    }

    /// To be called when the cell's code has ended: nothing brings the variables back any more. The checkpoint
    /// sleeps on, because its end would take time from those who wait for the cell.
    pub fn end_cell(&mut self) {
        if let Some(guard) = &mut self.guard {
            // Of a checkpoint that was killed the pipe is broken; nothing else takes over either.
            let _ = guard.dismissal.write_all(&[1]);
        }
    }

    /// Ends the checkpoint, whether its cell has run or not, and leaves no zombie. To be called when nobody waits
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

    /// Tells the supervisor that this process is the worker from now on.
    pub fn tell_take_over(&mut self) {
        let pid = std::process::id();
        self.tell(&FromWorker::TookOver { pid });
    }

    /// The worker's guard; nothing in the checkpoint, which has taken over when this returns.
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

    fn tell(&mut self, notice: &FromWorker) {
        // Without a supervisor the pipe for commands ends too, and so does this process.
        let _ = write_message(&mut self.notices, notice);
    }
}

/// What the checkpoint does: nothing, until the worker has died. In most cases it is killed first.
fn await_death(mut ended: std::io::PipeReader) {
    // A group of its own, because the worker's is killed when it dies. Can't fail for a process so young.
    let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
    // No event is asked for: only the pipe's end wakes this process.
    let mut fds = [PollFd::new(ended.as_fd(), PollFlags::empty())];
    while poll(&mut fds, PollTimeout::NONE) == Err(Errno::EINTR) {}
    // With a byte in it, what the cell did must not be undone.
    if !matches!(ended.read(&mut [0]), Ok(0)) {
        // SAFETY: ends this process and runs nothing that the worker still needs, such as destructors.
        unsafe { nix::libc::_exit(0) }
    }
}

/// What this process has in memory that no file has: what the checkpoint may come to double, in bytes.
fn own_bytes() -> u64 {
    // Size, resident, shared: in pages. See `man 5 proc_pid_statm`.
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let mut pages = statm.split(' ').map(|field| field.parse().unwrap_or(0));
    let (resident, shared): (u64, u64) = (pages.nth(1).unwrap_or(0), pages.next().unwrap_or(0));
    // SAFETY: asks for a constant of the system.
    let page_bytes = unsafe { nix::libc::sysconf(nix::libc::_SC_PAGESIZE) };
    resident.saturating_sub(shared) * u64::try_from(page_bytes).unwrap_or(0)
}
