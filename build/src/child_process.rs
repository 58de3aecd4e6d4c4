//! A child process that does not outlive this one.

use std::process::Command;

use nix::sys::signal::Signal;

/// Makes the system send the child a signal when the thread that starts it ends, at the latest with this process. Does
/// nothing on systems without this service.
#[cfg(target_os = "linux")]
pub fn end_with_parent(command: &mut Command, signal: Signal) {
    use std::os::unix::process::CommandExt;

    use nix::errno::Errno;
    use nix::unistd::{Pid, getppid};

    let parent = Pid::this();
    let arm = move || {
        nix::sys::prctl::set_pdeathsig(signal)?;
        // This process may have been killed before the call above.
        if getppid() == parent {
            return Ok(());
        }
        Err(Errno::ESRCH.into())
    };
    // SAFETY: these are system calls; between fork and exec nothing else runs, allocates or locks.
    unsafe { command.pre_exec(arm) };
}

#[cfg(not(target_os = "linux"))]
pub fn end_with_parent(_: &mut Command, _: Signal) {}
