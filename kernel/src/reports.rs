//! The kernel's end of the supervisor's socket: reports come in, orders go out.

use std::fs::Permissions;
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;

use crate::outputs::Input;
use crate::supervisor::report::{Order, read_message, write_message};

/// Gives orders to the supervisor that runs now, if one does.
#[derive(Clone, Default)]
pub struct Orders {
    supervisor: Arc<Mutex<Option<UnixStream>>>,
}

impl Orders {
    /// Sends `order`; without a supervisor there is nobody to obey and nothing to do.
    pub fn give(&self, order: &Order) {
        self.try_give(order);
    }

    /// Sends `order`. Whether there is a supervisor that took it.
    pub fn try_give(&self, order: &Order) -> bool {
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

/// Where a [`Listener`] is: a folder that only its owner can enter, removed when the value is dropped.
pub struct ReportAddress {
    folder: TempDir,
}

impl ReportAddress {
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("reports")
    }
}

impl Listener {
    pub fn bind() -> std::io::Result<(Self, ReportAddress)> {
        // The address of a socket is short; where the folder for temporary files has a long path, /tmp serves.
        Self::bind_in(&std::env::temp_dir()).or_else(|_| Self::bind_in(Path::new("/tmp")))
    }

    fn bind_in(dir: &Path) -> std::io::Result<(Self, ReportAddress)> {
        let private = Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new()
            .prefix("corebook-")
            .permissions(private)
            .tempdir_in(dir)?;
        let address = ReportAddress { folder };
        let socket = UnixListener::bind(address.path())?;
        Ok((Self { socket }, address))
    }

    /// Passes on the reports of one supervisor after the other. A new one starts only after the old one
    /// has ended.
    pub fn serve(&self, orders: &Orders, outputs: &SyncSender<Input>) {
        for stream in self.socket.incoming() {
            let taken = stream.and_then(|stream| {
                *orders.lock() = Some(stream.try_clone()?);
                read_all(&stream, outputs)
            });
            *orders.lock() = None;
            // Nobody listens any more when the kernel ends.
            let _ = outputs.send(Input::SupervisorGone);
            if let Err(error) = taken {
                tracing::error!("the supervisor's reports ended early: {error}");
            }
        }
    }
}

fn read_all(stream: &UnixStream, outputs: &SyncSender<Input>) -> std::io::Result<()> {
    let mut stream = BufReader::with_capacity(128 * 1024, stream);
    while let Some(report) = read_message(&mut stream)? {
        if outputs.send(Input::Report(report)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}
