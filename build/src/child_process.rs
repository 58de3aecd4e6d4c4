//! A child process that does not outlive this one.

use std::process::Command;

use nix::sys::signal::Signal;

/// Has the system send the child a signal when the thread that starts it ends, with this process or before it. Does
/// nothing where the system has no such service.
#[cfg(target_os = "linux")]
pub fn end_with_parent(command: &mut Command, signal: Signal) {
    use std::os::unix::process::CommandExt;

    use nix::errno::Errno;
    use nix::unistd::{Pid, getppid};

    let parent = Pid::this();
    let arm = move || {
        nix::sys::prctl::set_pdeathsig(signal)?;
        // This process may have been killed before.
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
