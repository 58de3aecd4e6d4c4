//! The kernel's end of the socket to the supervisor: receives reports, sends orders. Decides nothing about cells.

use std::fs::{self, File, Permissions};
use std::io::BufReader;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::ipc::{FromSupervisor, ToSupervisor, read_message, write_message};

/// The names of folders with sockets begin with this.
const FOLDER_PREFIX: &str = "corebook-";

/// The file in such a folder that its kernel keeps locked while it lives.
const LOCK: &str = "lock";

/// Sends orders to the current supervisor, if there is one. Cheap to clone.
#[derive(Clone, Default)]
pub struct SupervisorLink {
    supervisor: Arc<Mutex<Option<UnixStream>>>,
}

impl SupervisorLink {
    /// Sends `order`. Does nothing without a supervisor: it has no worker either.
    pub fn send(&self, order: &ToSupervisor) {
        self.try_send(order);
    }

    /// Sends `order`. Returns whether there is a supervisor that received it.
    pub fn try_send(&self, order: &ToSupervisor) -> bool {
        let mut supervisor = self.lock();
        let Some(stream) = supervisor.as_mut() else {
            return false;
        };
        let given = write_message(stream, order);
        if let Err(error) = &given {
            tracing::debug!("{order:?} did not reach the supervisor: {error}");
            *supervisor = None;
        }
        given.is_ok()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<UnixStream>> {
        self.supervisor
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The socket that supervisors connect to.
pub struct Listener {
    socket: UnixListener,
}

/// The address of a [`Listener`]: a folder that only its owner can enter. Dropping the value removes it.
///
/// The folder of a kernel that was killed is removed by the next kernel.
pub struct ReportAddress {
    folder: TempDir,
    /// The system releases the lock when the process ends.
    _lock: File,
}

impl ReportAddress {
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("reports")
    }
}

/// What the kernel receives from a supervisor.
pub enum News {
    Report(FromSupervisor),
    /// The supervisor has ended, and its worker with it.
    SupervisorGone,
}

impl Listener {
    pub fn bind() -> std::io::Result<(Self, ReportAddress)> {
        // The address of a socket must be short. If the folder for temporary files has a long path, /tmp is used.
        Self::bind_in(&std::env::temp_dir()).or_else(|_| Self::bind_in(Path::new("/tmp")))
    }

    fn bind_in(dir: &Path) -> std::io::Result<(Self, ReportAddress)> {
        let private = Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new()
            .prefix(FOLDER_PREFIX)
            .permissions(private)
            .tempdir_in(dir)?;
        sweep(dir, folder.path().metadata()?.uid());
        let lock = lock_in(folder.path())?;
        let address = ReportAddress {
            folder,
            _lock: lock,
        };
        let socket = UnixListener::bind(address.path())?;
        Ok((Self { socket }, address))
    }

    /// Passes on the reports of one supervisor after the other. A new supervisor starts only after the old one has
    /// ended.
    ///
    /// * `take`: called with all news in order. Returns false when the kernel ends and needs no more.
    pub fn serve(&self, orders: &SupervisorLink, mut take: impl FnMut(News) -> bool) {
        for stream in self.socket.incoming() {
            let taken = stream.and_then(|stream| {
                *orders.lock() = Some(stream.try_clone()?);
                let mut worker = None;
                let read = read_all(&stream, &mut take, &mut worker);
                // A supervisor that was killed has not killed its worker, nor what cells have started.
                if let Some(worker) = worker {
                    let _ = killpg(worker, Signal::SIGKILL);
                }
                read
            });
            *orders.lock() = None;
            take(News::SupervisorGone);
            if let Err(error) = taken {
                tracing::error!("the supervisor's reports ended early: {error}");
            }
        }
    }
}

/// Passes on reports until the supervisor ends.
///
/// * `worker`: set to the process that runs cells, whenever it changes.
fn read_all(
    stream: &UnixStream,
    take: &mut impl FnMut(News) -> bool,
    worker: &mut Option<Pid>,
) -> std::io::Result<()> {
    let mut stream = BufReader::with_capacity(128 * 1024, stream);
    while let Some(report) = read_message(&mut stream)? {
        if let FromSupervisor::Started { worker_pid }
        | FromSupervisor::Replaced { worker_pid, .. } = report
        {
            *worker = i32::try_from(worker_pid).ok().map(Pid::from_raw);
        }
        if !take(News::Report(report)) {
            return Ok(());
        }
    }
    Ok(())
}

/// Locks a new folder. The lock's file gets its name only after it is locked, so no other kernel sweeps the folder in
/// between.
fn lock_in(folder: &Path) -> std::io::Result<File> {
    let hidden = folder.join("unlocked");
    let lock = File::create_new(&hidden)?;
    lock.lock()?;
    fs::rename(&hidden, folder.join(LOCK))?;
    Ok(lock)
}

/// Removes the folders of dead kernels beside the folder of `socket`, and that folder itself if its kernel is dead.
/// Returns whether it is gone.
pub fn sweep_beside(socket: &Path) -> bool {
    let Some(folder) = socket.parent() else {
        return true;
    };
    if let (Some(dir), Ok(found)) = (folder.parent(), folder.metadata()) {
        sweep(dir, found.uid());
    }
    !folder.exists()
}

/// Removes the folders of kernels of this user that were killed. What can't be removed is left for the next kernel.
fn sweep(dir: &Path, owner: u32) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let has_prefix = entry
            .file_name()
            .to_string_lossy()
            .starts_with(FOLDER_PREFIX);
        // Not through a link, and no other user's: others may put anything into a common folder.
        let is_own = || {
            entry
                .metadata()
                .is_ok_and(|found| found.is_dir() && found.uid() == owner)
        };
        let is_stale =
            || File::open(entry.path().join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if has_prefix && is_own() && is_stale() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_kernel_sweeps_the_folder_of_a_killed_one() {
        let dir = tempfile::tempdir().unwrap();
        let (_first, alive) = Listener::bind_in(dir.path()).unwrap();
        let (_killed, killed) = Listener::bind_in(dir.path()).unwrap();
        // As after a kill: the folder is left and the lock is released.
        let left = killed.folder.keep();
        drop(killed._lock);
        let stranger = dir.path().join("corebook-stranger");
        fs::create_dir(&stranger).unwrap();
        let (_next, _address) = Listener::bind_in(dir.path()).unwrap();
        assert!(!left.exists());
        assert!(alive.path().exists() && stranger.exists());
    }
}
