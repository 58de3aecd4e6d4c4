//! Cleans up after a kernel that was killed: compilers, its session, the folder of its sockets, rust-analyzer's files.
//!
//! The supervisor outlives it by a moment and removes them. When both are killed at once, the next kernel
//! sweeps its own kinds of folders. Never touches what belongs to a kernel that lives: locks tell.

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

/// How often it is looked at meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// How long, and how often, what it has left is swept.
const SWEEP_WAIT: Duration = Duration::from_secs(10);
const SWEEP_AGAIN: Duration = Duration::from_millis(10);

/// What the kernel that has started this process may leave.
pub struct Orphans {
    kernel: Pid,
    /// Whether it leads a process group, as Jupyter makes one for each: its compilers are in it. Without one
    /// they end by themselves when they are done.
    leads_group: bool,
}

impl Orphans {
    /// Looks at the kernel while it lives, and leaves its group: who kills that as a whole, as Jupyter does,
    /// spares the one process that can clean up.
    pub fn of_parent() -> Self {
        let kernel = getppid();
        let orphans = Self {
            kernel,
            leads_group: getpgid(Some(kernel)) == Ok(kernel),
        };
        // Fails only for a leader of a session, which no kernel starts.
        let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
        orphans
    }

    /// Removes all that the kernel has left, if it is dead.
    ///
    /// * `socket`: whose other end the kernel holds as long as it lives.
    /// * `wait`: how long the kernel may take to close it. The system closes a dying process's files one after the
    ///   other, and on a busy machine some time can pass between two.
    pub fn remove(&self, socket: &UnixStream, wait: Duration) {
        if !is_closed(socket, wait) || !self.awaits_death() {
            return;
        }
        if self.leads_group {
            // Fails when nothing is left in it.
            let _ = killpg(self.kernel, Signal::SIGKILL);
        }
        remove_all(rust_analyzer_folders(&std::env::temp_dir(), self.kernel));
        // A compiler that was just being started holds the locks until it has become another program.
        let deadline = Instant::now() + SWEEP_WAIT;
        while !is_swept() && Instant::now() < deadline {
            std::thread::sleep(SWEEP_AGAIN);
        }
    }

    /// Locks are free when the parent of this process is another one: the system closes files first.
    fn awaits_death(&self) -> bool {
        let deadline = Instant::now() + DEATH_WAIT;
        while getppid() == self.kernel {
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        true
    }
}

/// Whether nothing of the kernel's own is left, or nothing can be done about it: nobody is there to be told.
fn is_swept() -> bool {
    let is_gone = |variable, sweep: fn(&Path) -> bool| {
        std::env::var_os(variable).is_none_or(|path| sweep(Path::new(&path)))
    };
    let sockets = is_gone(REPORT_SOCKET_VARIABLE, link::sweep_beside);
    let session = is_gone(WORK_DIR_VARIABLE, |work_dir| {
        sweep_beside(work_dir).unwrap_or(true)
    });
    sockets && session
}

/// Whether the other end is closed, now or after at most `wait`.
fn is_closed(socket: &UnixStream, wait: Duration) -> bool {
    let mut fds = [PollFd::new(socket.as_fd(), PollFlags::empty())];
    let wait = PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX);
    let polled = poll(&mut fds, wait);
    polled.is_ok() && fds[0].any() == Some(true)
}

/// What rust-analyzer's copies of lock files lie in while it runs cargo.
///
/// It names them after its process and offers no other place than the one for everybody's temporary files. To be
/// dropped when it does.
fn rust_analyzer_folders(dir: &Path, process: Pid) -> impl Iterator<Item = PathBuf> {
    let prefix = format!("rust-analyzer{:x}-", process.as_raw());
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter(move |entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .map(|entry| entry.path())
}

/// Another user's can't be removed, and a link is not followed.
fn remove_all(folders: impl Iterator<Item = PathBuf>) {
    for folder in folders {
        let _ = std::fs::remove_dir_all(folder);
    }
}
