//! Watches the process that started the kernel. If Jupyter is killed, nothing else ends its kernels.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::Sender;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Pid, getppid};

use crate::shared::shutdown::Shutdown;

use super::threads::spawn_detached;

/// Set by Jupyter to its own pid if the kernel must not outlive it.
const VARIABLE: &str = "JPY_PARENT_PID";

/// Starts the thread that ends the kernel when Jupyter ends. Starts none if [`VARIABLE`] does not name the parent
/// process, or if the system can't watch a process.
pub fn spawn_thread(shutdowns: Sender<Shutdown>) -> std::io::Result<()> {
    let named = std::env::var(VARIABLE).unwrap_or_default();
    let Some(ended) = as_parent(&named).and_then(end_of) else {
        return Ok(());
    };
    spawn_detached("parent", move || {
        let mut fds = [PollFd::new(ended.as_fd(), PollFlags::POLLIN)];
        while poll(&mut fds, PollTimeout::NONE) == Err(Errno::EINTR) {}
        tracing::info!("the Jupyter that started this kernel has ended");
        // Fails if the kernel is already ending.
        let _ = shutdowns.send(Shutdown);
    })?;
    Ok(())
}

/// The process with this number, if it is the parent of this process. The number means nothing if another program is
/// in between or if Jupyter runs in another container.
fn as_parent(number: &str) -> Option<Pid> {
    let named = number.parse().ok().map(Pid::from_raw)?;
    (named == getppid()).then_some(named)
}

/// Becomes readable when the parent of this process has ended.
#[cfg(target_os = "linux")]
fn end_of(parent: Pid) -> Option<OwnedFd> {
    use std::os::fd::FromRawFd;

    use nix::libc;

    // SAFETY: the call takes two numbers, a pid and flags (0), and accesses no memory of this process.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, parent.as_raw(), 0) };
    let fd = i32::try_from(fd).ok().filter(|fd| *fd >= 0)?;
    // SAFETY: the system has just opened this descriptor, and nothing else owns it.
    let ended = unsafe { OwnedFd::from_raw_fd(fd) };
    // If the parent has changed, it had ended before the call, and another process may have its number.
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
