//! Cleans up after a kernel that was killed: compilers, its session, the folder of its sockets, rust-analyzer's files.
//!
//! The supervisor outlives the kernel for a moment and does this. If both are killed at once, the next kernel removes
//! folders of the same kinds. Never touches the files of a living kernel, which holds locks on them.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use corebook_build::evcxr::WORK_DIR_VARIABLE;
use corebook_build::session::sweep_beside;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, getpgid, getppid, setpgid};

use crate::link;

use crate::REPORT_SOCKET_VARIABLE;

/// How long a process may take to end after its sockets are closed.
const DEATH_WAIT: Duration = Duration::from_secs(10);

/// How often to check whether it has ended.
const DEATH_POLL: Duration = Duration::from_millis(1);

/// How long, and how often, to try to remove its files.
const SWEEP_WAIT: Duration = Duration::from_secs(10);
const SWEEP_POLL: Duration = Duration::from_millis(10);

/// What the kernel that started this process leaves if it is killed.
pub struct Orphans {
    kernel: Pid,
    /// Whether the kernel leads a process group. Jupyter makes one for each kernel, and its compilers are in it.
    /// Without a group they end by themselves when they are done.
    leads_group: bool,
}

impl Orphans {
    /// Reads what is needed while the kernel lives, and leaves its group. Jupyter kills the group as a whole, and this
    /// process must survive to clean up.
    pub fn of_parent() -> Self {
        let kernel = getppid();
        let orphans = Self {
            kernel,
            leads_group: getpgid(Some(kernel)) == Ok(kernel),
        };
        // Fails only for the leader of a session, and no kernel starts the supervisor as one.
        let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
        orphans
    }

    /// Removes everything that the kernel has left, if it is dead.
    ///
    /// * `socket`: the kernel holds its other end while it lives.
    /// * `wait`: how long the kernel may take to close it. The system closes a dying process's files one after the
    ///   other, and on a busy machine some time can pass between two.
    pub fn remove(&self, socket: &UnixStream, wait: Duration) {
        if !is_closed(socket, wait) || !self.await_death() {
            return;
        }
        if self.leads_group {
            // Fails if the group is empty.
            let _ = killpg(self.kernel, Signal::SIGKILL);
        }
        remove_all(rust_analyzer_folders(&std::env::temp_dir(), self.kernel));
        // A compiler that was just being started holds the locks until its exec.
        let deadline = Instant::now() + SWEEP_WAIT;
        while !sweep() && Instant::now() < deadline {
            std::thread::sleep(SWEEP_POLL);
        }
    }

    /// Waits until this process has another parent. Then the locks are free: the system closes files before that.
    /// Returns false if the kernel lives on.
    fn await_death(&self) -> bool {
        let deadline = Instant::now() + DEATH_WAIT;
        while getppid() == self.kernel {
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(DEATH_POLL);
        }
        true
    }
}

/// Removes the kernel's folders. Returns whether they are gone, or can't be removed at all; no process is left to
/// report that to.
fn sweep() -> bool {
    let is_gone = |variable, sweep: fn(&Path) -> bool| {
        std::env::var_os(variable).is_none_or(|path| sweep(Path::new(&path)))
    };
    let sockets = is_gone(REPORT_SOCKET_VARIABLE, link::sweep_beside);
    let session = is_gone(WORK_DIR_VARIABLE, |work_dir| {
        sweep_beside(work_dir).unwrap_or(true)
    });
    sockets && session
}

/// Whether the other end is closed. Waits for it for at most `wait`.
fn is_closed(socket: &UnixStream, wait: Duration) -> bool {
    let mut fds = [PollFd::new(socket.as_fd(), PollFlags::empty())];
    let wait = PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX);
    let polled = poll(&mut fds, wait);
    polled.is_ok() && fds[0].any() == Some(true)
}

/// The folders with copies of lock files that rust-analyzer makes while it runs cargo.
///
/// It names them after its process and puts them into the common folder for temporary files. This can go when
/// rust-analyzer offers another place.
fn rust_analyzer_folders(dir: &Path, process: Pid) -> impl Iterator<Item = PathBuf> {
    let prefix = format!("rust-analyzer{:x}-", process.as_raw());
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter(move |entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .map(|entry| entry.path())
}

/// Fails for folders of other users. Does not follow links.
fn remove_all(folders: impl Iterator<Item = PathBuf>) {
    for folder in folders {
        let _ = std::fs::remove_dir_all(folder);
    }
}
