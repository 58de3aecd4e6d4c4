//! The worker process as the supervisor holds it: its pipes, its checkpoint and its end.
//!
//! The pipes outlive the process: a checkpoint that takes over has the same ones. Never reads the worker's output; the
//! relay does.

use std::ffi::OsString;
use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use anyhow::Context;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::libc;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::stat::Mode;
use nix::unistd::Pid;

use crate::program;

use crate::BACKTRACE_VARIABLE;
use crate::COMMAND_FD_VARIABLE;
use crate::LIBRARY_DIRS_VARIABLE;
use crate::LOADER_PATH_VARIABLE;
use crate::NOTICE_FD_VARIABLE;
use crate::REPORT_SOCKET_VARIABLE;
use crate::ROLE_VARIABLE;
use crate::WORKER_ROLE;
use crate::ipc::Ending;

/// The running worker.
pub struct WorkerProcess {
    life: Life,
    protection: Protection,
    commands: File,
    /// A named pipe, so that stdin can be opened again after an end of file.
    stdin_path: PathBuf,
    /// The worker's stdin; `None` between a denied request for input and the next cell.
    stdin: Option<File>,
    pub stdout: File,
    pub stderr: File,
    /// The worker reports its checkpoints here.
    pub notices: File,
}

/// What happens to variables if the worker dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protection {
    /// They are lost.
    None,
    /// The worker was asked for a checkpoint. Either it has not reported the outcome, or it made none.
    Asked,
    /// This process takes over.
    Checkpoint(Pid),
}

/// A child of the supervisor, and a thread that waits for its end.
struct Life {
    pid: Pid,
    /// Becomes readable when the process has ended.
    ended: PipeReader,
    /// `None` after its result was taken.
    waiter: Option<JoinHandle<Option<ExitStatus>>>,
}

impl WorkerProcess {
    pub fn spawn() -> anyhow::Result<Self> {
        let (command_reader, command_writer) = std::io::pipe()?;
        set_inherited(&command_reader)?;
        let (notices, notice_writer) = std::io::pipe()?;
        set_inherited(&notice_writer)?;
        let stdin_path = make_stdin()?;
        // Opened without blocking, because no process writes yet. Reading has to block again.
        let stdin_reader = open_without_blocking(&stdin_path)?;
        fcntl(&stdin_reader, FcntlArg::F_SETFL(OFlag::empty()))?;
        let mut command = Command::new(program::path()?);
        command
            .args(std::env::args_os().skip(1))
            .env(ROLE_VARIABLE, WORKER_ROLE)
            .env(COMMAND_FD_VARIABLE, command_reader.as_raw_fd().to_string())
            .env(NOTICE_FD_VARIABLE, notice_writer.as_raw_fd().to_string())
            .env(LOADER_PATH_VARIABLE, loader_path()?)
            .env(
                "RUST_BACKTRACE",
                std::env::var_os(BACKTRACE_VARIABLE).unwrap_or_else(|| "0".into()),
            )
            .env_remove(BACKTRACE_VARIABLE)
            .stdin(stdin_reader)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own, so that what cells start can be killed with the worker.
            .process_group(0);
        let mut child = command.spawn().context("the worker can't be started")?;
        let stdout = File::from(OwnedFd::from(child.stdout.take().expect("stdout is piped")));
        let stderr = File::from(OwnedFd::from(child.stderr.take().expect("stderr is piped")));
        for pipe in [&stdout, &stderr] {
            fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        Ok(Self {
            life: Life::of(Pid::from_raw(i32::try_from(child.id())?))?,
            protection: Protection::None,
            commands: File::from(OwnedFd::from(command_writer)),
            stdin_path,
            stdin: None,
            stdout,
            stderr,
            notices: File::from(OwnedFd::from(notices)),
        })
    }

    pub fn pid(&self) -> Pid {
        self.life.pid
    }

    /// The worker and what its cells have started, as a group for `waitpid`.
    pub fn group(&self) -> Pid {
        Pid::from_raw(-self.life.pid.as_raw())
    }

    /// Becomes readable when the worker has ended.
    pub fn ended(&self) -> &PipeReader {
        &self.life.ended
    }

    pub fn command(&mut self, lines: &[u8]) {
        // Fails if the worker has just died; that is noticed in the next round.
        let _ = self.commands.write_all(lines);
    }

    /// Opens the worker's stdin for a cell, if it is not open.
    pub fn open_stdin(&mut self) -> std::io::Result<()> {
        if self.stdin.is_none() {
            // For reading and writing, because opening it only for writing would wait for a worker that has died.
            self.stdin = Some(
                File::options()
                    .read(true)
                    .write(true)
                    .open(&self.stdin_path)?,
            );
        }
        Ok(())
    }

    /// Writes a line for the code that reads its stdin.
    pub fn write_stdin(&mut self, line: &[u8]) {
        if let Some(stdin) = &mut self.stdin {
            // Fails if the worker has closed its stdin. Nothing but the line is lost.
            let _ = stdin.write_all(line).and_then(|()| stdin.write_all(b"\n"));
        }
    }

    /// Ends the file for the code that reads its stdin.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Asks running code to stop. Only the worker's own process has a handler.
    pub fn interrupt(&self) {
        let _ = kill(self.life.pid, Signal::SIGINT);
    }

    /// Kills the worker and what its cells have started, but not its checkpoint, which has a group of its own.
    pub fn kill(&self) {
        // Fails only if the whole group has ended.
        let _ = killpg(self.life.pid, Signal::SIGKILL);
    }

    /// Kills the checkpoint too.
    pub fn kill_for_good(&mut self) {
        if let Protection::Checkpoint(checkpoint) = self.protection {
            let _ = kill(checkpoint, Signal::SIGKILL);
        }
        self.protection = Protection::None;
        self.kill();
    }

    /// Asks the worker for a checkpoint for the next cell, if it was not asked yet.
    ///
    /// * `limit_bytes`: a worker with more memory of its own makes none; 0 for no checkpoint at all.
    pub fn protect(&mut self, limit_bytes: u64) {
        if limit_bytes > 0 && !self.is_protected() {
            self.command(crate::worker::protect_command(limit_bytes).as_bytes());
            self.protection = Protection::Asked;
        }
    }

    /// Asks the worker to end the checkpoint, because the cell has ended or will not start.
    pub fn release(&mut self) {
        if self.is_protected() {
            self.protection = Protection::None;
            self.command(crate::worker::RELEASE_COMMAND.as_bytes());
        }
    }

    /// Notes which process takes over if the worker dies. Ignored if the checkpoint is no longer needed; the notice can
    /// arrive late.
    pub fn set_checkpoint(&mut self, pid: u32) {
        if let Ok(pid) = i32::try_from(pid)
            && self.is_protected()
        {
            self.protection = Protection::Checkpoint(Pid::from_raw(pid));
        }
    }

    /// Waits until the worker has ended, and returns how.
    pub fn ending(&mut self) -> Ending {
        let waiter = self.life.waiter.take();
        waiter
            .and_then(|waiter| waiter.join().ok().flatten())
            .map_or(Ending::Exited { code: -1 }, ending_of)
    }

    fn is_protected(&self) -> bool {
        self.protection != Protection::None
    }

    /// Continues with the checkpoint that has taken over from the worker, which has ended.
    pub fn follow(&mut self, checkpoint: Pid) -> std::io::Result<()> {
        self.protection = Protection::None;
        self.life = Life::of(checkpoint)?;
        self.stdin = None;
        self.discard_input();
        self.command(crate::worker::RESUME_COMMAND.as_bytes());
        Ok(())
    }

    /// Drops input that a dead cell has not read, so that the next cell does not get it.
    fn discard_input(&self) {
        if let Ok(mut stdin) = open_without_blocking(&self.stdin_path) {
            let mut chunk = [0; 4096];
            while matches!(stdin.read(&mut chunk), Ok(1..)) {}
        }
    }
}

impl Life {
    /// * `pid`: a child of this process.
    fn of(pid: Pid) -> std::io::Result<Self> {
        let (ended, ended_writer) = std::io::pipe()?;
        let waiter = std::thread::Builder::new()
            .name("waiter".to_owned())
            .spawn(move || wait_for(pid, ended_writer))?;
        Ok(Self {
            pid,
            ended,
            waiter: Some(waiter),
        })
    }
}

/// Waits for the child `pid`, then drops `ended_writer`, which wakes the relay. `None` if it is no child.
fn wait_for(pid: Pid, ended_writer: PipeWriter) -> Option<ExitStatus> {
    let mut status = 0;
    let waited = loop {
        // SAFETY: `status` can be written to. The function of nix knows no signals without a name.
        let waited = unsafe { libc::waitpid(pid.as_raw(), &raw mut status, 0) };
        if waited >= 0 || Errno::last() != Errno::EINTR {
            break waited;
        }
    };
    drop(ended_writer);
    (waited == pid.as_raw()).then(|| ExitStatus::from_raw(status))
}

fn ending_of(status: ExitStatus) -> Ending {
    match status.signal() {
        Some(signal) => Ending::Signalled { signal },
        None => Ending::Exited {
            code: status.code().unwrap_or(-1),
        },
    }
}

/// A named pipe beside the report socket, in the kernel's private folder.
fn make_stdin() -> anyhow::Result<PathBuf> {
    let socket =
        std::env::var_os(REPORT_SOCKET_VARIABLE).context("the kernel names no report socket")?;
    let path = Path::new(&socket).with_file_name(format!("stdin-{}", std::process::id()));
    nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)?;
    Ok(path)
}

fn open_without_blocking(pipe: &Path) -> std::io::Result<File> {
    File::options()
        .read(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(pipe)
}

/// The folders that cells need, before those that the loader searches anyway.
fn loader_path() -> anyhow::Result<OsString> {
    let paths = [LIBRARY_DIRS_VARIABLE, LOADER_PATH_VARIABLE]
        .map(|name| std::env::var_os(name).unwrap_or_default());
    let dirs = paths
        .iter()
        .flat_map(std::env::split_paths)
        .filter(|dir| dir.is_absolute());
    Ok(std::env::join_paths(dirs)?)
}

/// Lets the next process that is started keep this end of a pipe.
fn set_inherited(fd: &impl AsFd) -> nix::Result<()> {
    fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty())).map(|_| ())
}
