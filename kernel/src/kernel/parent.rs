//! Watches the process that started the kernel: when Jupyter is killed, nothing else ends its kernels.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::Sender;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Pid, getppid};

use crate::requests::control::Shutdown;

use super::threads::spawn_detached;

/// Set by Jupyter to its own pid if the kernel must not outlive it.
const VARIABLE: &str = "JPY_PARENT_PID";

/// Starts the thread that waits for the end of Jupyter, if the kernel shall not outlive it and the system tells.
pub fn spawn_thread(shutdowns: Sender<Shutdown>) -> std::io::Result<()> {
    let named = std::env::var(VARIABLE).unwrap_or_default();
    let Some(ended) = as_parent(&named).and_then(end_of) else {
        return Ok(());
    };
    spawn_detached("parent", move || {
        let mut fds = [PollFd::new(ended.as_fd(), PollFlags::POLLIN)];
        while poll(&mut fds, PollTimeout::NONE) == Err(Errno::EINTR) {}
        tracing::info!("the Jupyter that started this kernel has ended");
        // Nobody listens any more when the kernel ends already.
        let _ = shutdowns.send(Shutdown);
    })?;
    Ok(())
}

/// The process with this number, if it has started this one: by way of another program, or from another
/// container, the number says nothing.
fn as_parent(number: &str) -> Option<Pid> {
    let named = number.parse().ok().map(Pid::from_raw)?;
    (named == getppid()).then_some(named)
}

/// Becomes readable when the parent of this process has ended.
#[cfg(target_os = "linux")]
fn end_of(parent: Pid) -> Option<OwnedFd> {
    use std::os::fd::FromRawFd;

    use nix::libc;

    // SAFETY: takes a number and flags, of which there are none, and reads no memory of ours.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, parent.as_raw(), 0) };
    let fd = i32::try_from(fd).ok().filter(|fd| *fd >= 0)?;
    // SAFETY: the system has just opened this descriptor for us, and nobody else knows it.
    let ended = unsafe { OwnedFd::from_raw_fd(fd) };
    // Else it had ended before, and its number may be another process's.
    (getppid() == parent).then_some(ended)
}

#[cfg(not(target_os = "linux"))]
fn end_of(_parent: Pid) -> Option<OwnedFd> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_real_parent_is_watched() {
        let parent = getppid();
        assert_eq!(as_parent(&parent.to_string()), Some(parent));
        for other in [
            "",
            "nobody",
            "0",
            "-1",
            "1234567890123",
            &format!("{}", std::process::id()),
        ] {
            assert_eq!(as_parent(other), None, "{other:?}");
        }
    }
}
