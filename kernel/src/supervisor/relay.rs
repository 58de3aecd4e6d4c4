//! The supervisor process: a loop over the pipes between evcxr, the worker and the kernel.
//!
//! Owns the worker. Runs no user code and decides nothing about cells: it reports what happens, in the
//! order in which it happens.

use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use corebook::event::{Event, SESSION_WORD_VARIABLE};
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigHandler, Signal, killpg, signal};
use nix::sys::stat::Mode;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::program;

use super::report::{Ending, Order, Report, read_message, write_message};
use super::splitter::{Piece, Protocol, Splitter};
use super::{
    BACKTRACE_VARIABLE, COMMAND_FD_VARIABLE, LIBRARY_DIRS_VARIABLE, LOADER_PATH_VARIABLE,
    REPORT_SOCKET_VARIABLE, ROLE_VARIABLE, RUNTIME_LIBRARY_VARIABLE, WORKER_ROLE,
};

/// Linux' pipe capacity: one read empties a full pipe.
const READ_BYTES: usize = 64 * 1024;

/// Code that prints line by line fills the pipe meanwhile. Without the pause each line would wake the
/// supervisor, which costs both processes more than the line.
const GATHER: Duration = Duration::from_millis(1);

/// How often, while a cell runs, the supervisor looks whether it waits for input, in milliseconds.
const INPUT_CHECK_MS: u16 = 50;

/// How long children of the worker may take to end after they were killed.
const REAP_WAIT: Duration = Duration::from_millis(500);

/// Runs the supervisor until evcxr closes its end or the worker dies.
pub fn run() -> anyhow::Result<()> {
    // SAFETY: SIG_IGN runs no code. Ctrl-C in a terminal reaches the whole group; interrupts come as orders.
    unsafe { signal(Signal::SIGINT, SigHandler::SigIgn) }?;
    become_reaper();
    let socket =
        std::env::var_os(REPORT_SOCKET_VARIABLE).context("the kernel names no report socket")?;
    let kernel = UnixStream::connect(socket).context("the kernel does not listen")?;
    let word = std::env::var(SESSION_WORD_VARIABLE).context("the kernel names no session word")?;
    let mut relay = Relay::start(kernel, &word)?;
    let ended = relay.serve();
    relay.end_worker();
    ended
}

struct Relay {
    kernel: UnixStream,
    worker: Worker,
    splitter: Splitter,
    /// A command line of evcxr whose end has not arrived.
    command_line: Vec<u8>,
    /// The runtime that the worker has loaded.
    runtime: Option<Stamp>,
    /// When the cell was asked for.
    cell_asked_at: Option<Instant>,
    is_running_cell: bool,
    has_asked_input: bool,
}

struct Worker {
    pid: Pid,
    commands: File,
    /// A named pipe, so that stdin can be opened again after an end of file.
    stdin_path: PathBuf,
    /// The worker's stdin; none between a refused question and the next cell.
    stdin: Option<File>,
    stdout: File,
    stderr: File,
    /// Becomes readable when the worker has ended.
    ended: std::io::PipeReader,
    waiter: std::thread::JoinHandle<std::io::Result<ExitStatus>>,
}

/// Which ends have something to say.
struct Ready {
    evcxr: bool,
    kernel: bool,
    stdout: bool,
    stderr: bool,
    ended: bool,
}

impl Relay {
    fn start(mut kernel: UnixStream, word: &str) -> anyhow::Result<Self> {
        let worker = Worker::spawn()?;
        let worker_pid = worker.pid.as_raw().unsigned_abs();
        write_message(&mut kernel, &Report::Started { worker_pid })?;
        Ok(Self {
            kernel,
            worker,
            splitter: Splitter::new(word),
            command_line: Vec::new(),
            runtime: runtime_stamp(),
            cell_asked_at: None,
            is_running_cell: false,
            has_asked_input: false,
        })
    }

    fn serve(&mut self) -> anyhow::Result<()> {
        loop {
            let ready = self.wait()?;
            if ready.kernel && !self.take_order()? {
                return Ok(());
            }
            // Each stream in turn, one pipe's worth at a time, so neither starves the other.
            if ready.stdout {
                let is_pipe_full = self.forward_stdout()? == READ_BYTES;
                if self.is_running_cell && !is_pipe_full {
                    std::thread::sleep(GATHER);
                }
            }
            if ready.stderr {
                self.forward_stderr()?;
            }
            if ready.evcxr && !self.take_commands()? {
                return Ok(());
            }
            if ready.ended {
                return self.report_death();
            }
            self.look_for_a_question()?;
        }
    }

    /// Reports a cell that waits for a line, once.
    fn look_for_a_question(&mut self) -> anyhow::Result<()> {
        if !self.may_ask_input() || !super::worker::awaits_input(self.worker.pid) {
            return Ok(());
        }
        // What it wrote just before it began to wait goes first; it may be a question of evcxr's own.
        self.forward_stdout()?;
        self.forward_stderr()?;
        if self.may_ask_input() {
            self.has_asked_input = true;
            self.report(&Report::AwaitsInput)?;
        }
        Ok(())
    }

    fn may_ask_input(&self) -> bool {
        self.is_running_cell && !self.has_asked_input
    }

    fn wait(&self) -> anyhow::Result<Ready> {
        let stdin = std::io::stdin();
        let worker = &self.worker;
        let readable = PollFlags::POLLIN;
        let mut fds = [
            PollFd::new(stdin.as_fd(), readable),
            PollFd::new(self.kernel.as_fd(), readable),
            PollFd::new(worker.stdout.as_fd(), readable),
            PollFd::new(worker.stderr.as_fd(), readable),
            PollFd::new(worker.ended.as_fd(), readable),
        ];
        let timeout = if self.is_running_cell {
            PollTimeout::from(INPUT_CHECK_MS)
        } else {
            PollTimeout::NONE
        };
        loop {
            match poll(&mut fds, timeout) {
                Ok(_) => break,
                Err(nix::errno::Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let [evcxr, kernel, stdout, stderr, ended] = fds.map(|fd| fd.any().unwrap_or(true));
        Ok(Ready {
            evcxr,
            kernel,
            stdout,
            stderr,
            ended,
        })
    }

    fn report(&mut self, report: &Report) -> anyhow::Result<()> {
        write_message(&mut self.kernel, report).context("the kernel no longer listens")
    }

    /// Whether the kernel is still there.
    fn take_order(&mut self) -> anyhow::Result<bool> {
        match read_message(&mut self.kernel)? {
            None => return Ok(false),
            Some(Order::CellBegins) => self.cell_asked_at = Some(Instant::now()),
            Some(Order::Fence { number }) => self.report(&Report::Fence { number })?,
            Some(Order::Interrupt) => {
                // The runtime's handler sets a flag; only the worker's own process has one.
                let _ = nix::sys::signal::kill(self.worker.pid, Signal::SIGINT);
            }
            Some(Order::Kill) => self.worker.kill(),
            Some(Order::Input { line }) => {
                self.has_asked_input = false;
                self.write_stdin(line.as_bytes());
            }
            Some(Order::NoInput) => self.worker.stdin = None,
        }
        Ok(true)
    }

    fn write_stdin(&mut self, line: &[u8]) {
        if let Some(stdin) = &mut self.worker.stdin {
            // A worker that closed its stdin gets no input; nothing else is lost.
            let _ = stdin.write_all(line).and_then(|()| stdin.write_all(b"\n"));
        }
    }

    /// Whether evcxr is still there.
    fn take_commands(&mut self) -> anyhow::Result<bool> {
        let mut chunk = [0; 4096];
        let read = nix::unistd::read(std::io::stdin().as_fd(), &mut chunk)?;
        if read == 0 {
            return Ok(false);
        }
        self.command_line.extend_from_slice(&chunk[..read]);
        while let Some(end) = self.command_line.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.command_line.drain(..=end).collect();
            if line.starts_with(super::worker::RUN_COMMAND.as_bytes()) {
                self.is_running_cell = true;
                self.has_asked_input = false;
                self.report(&Report::CellStarted)?;
                self.worker.open_stdin()?;
                if runtime_stamp() != self.runtime {
                    // Two runtimes in one process would share names and not data.
                    let bytes = RUNTIME_CHANGED.to_vec();
                    self.report(&Report::Stderr { bytes })?;
                    self.worker.kill();
                    continue;
                }
                let compile_time = self
                    .cell_asked_at
                    .take()
                    .map(|asked| asked.elapsed())
                    .unwrap_or_default();
                let build = super::worker::build_command(compile_time, opt_level());
                // If the worker just died, its death is reported in the next round.
                let _ = self
                    .worker
                    .commands
                    .write_all(&[build.as_bytes(), &line].concat());
            } else {
                // evcxr answers a request for input that the cell printed.
                self.has_asked_input = false;
                self.write_stdin(line.strip_suffix(b"\n").unwrap_or(&line));
            }
        }
        Ok(true)
    }

    fn forward_stderr(&mut self) -> anyhow::Result<()> {
        let bytes = read_available(&mut self.worker.stderr)?;
        if bytes.is_empty() {
            Ok(())
        } else {
            self.report(&Report::Stderr { bytes })
        }
    }

    /// Returns how many bytes there were.
    fn forward_stdout(&mut self) -> anyhow::Result<usize> {
        let bytes = read_available(&mut self.worker.stdout)?;
        let pieces = self.splitter.push(&bytes);
        self.forward(pieces)?;
        Ok(bytes.len())
    }

    fn forward(&mut self, pieces: Vec<Piece>) -> anyhow::Result<()> {
        for piece in pieces {
            match piece {
                Piece::Text(bytes) => self.report(&Report::Stdout { bytes })?,
                Piece::Content { mime, text } => self.report(&Report::Content { mime, text })?,
                Piece::Event(event) if *event == Event::CellEnded => self.end_cell()?,
                Piece::Event(event) => self.report(&Report::Event { event: *event })?,
                Piece::Protocol(Protocol::Panicked) => {
                    self.report(&Report::Panicked)?;
                    tell_evcxr(b"EVCXR_PANIC_NOTIFICATION")?;
                }
                Piece::Protocol(Protocol::Failed) => {
                    self.report(&Report::Failed)?;
                    tell_evcxr(b"EVCXR_ERROR_OCCURRED")?;
                }
                Piece::Protocol(Protocol::Other(line)) => {
                    // A question of evcxr's own; the wait for its answer is no further one.
                    self.has_asked_input = true;
                    tell_evcxr(&line)?;
                }
            }
        }
        Ok(())
    }

    /// Everything the cell wrote goes first, then the word that it is done.
    fn end_cell(&mut self) -> anyhow::Result<()> {
        self.forward_stderr()?;
        self.is_running_cell = false;
        self.report(&Report::CellEnded)?;
        tell_evcxr(b"EVCXR_EXECUTION_COMPLETE")
    }

    fn report_death(&mut self) -> anyhow::Result<()> {
        // Its last words are still in the pipes; children that outlive it may keep them open.
        self.forward_stdout()?;
        self.forward_stderr()?;
        let rest = self.splitter.flush();
        self.forward(rest)?;
        let ending = self.worker.ending();
        self.report(&Report::Died { ending })
    }

    /// Ends the worker and all it has started, and leaves no zombie: in a container nobody else reaps.
    fn end_worker(&mut self) {
        self.worker.kill();
        self.worker.ending();
        let deadline = Instant::now() + REAP_WAIT;
        while Instant::now() < deadline {
            match waitpid(Pid::from_raw(-1), Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => std::thread::sleep(Duration::from_millis(1)),
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }
}

impl Worker {
    fn spawn() -> anyhow::Result<Self> {
        let (command_reader, command_writer) = std::io::pipe()?;
        set_inherited(&command_reader)?;
        let (ended, ended_writer) = std::io::pipe()?;
        let stdin_path = make_stdin()?;
        // Without blocking: nobody writes yet. Reading shall wait again.
        let stdin_reader = File::options()
            .read(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(&stdin_path)?;
        fcntl(&stdin_reader, FcntlArg::F_SETFL(OFlag::empty()))?;
        let mut command = Command::new(program::path()?);
        command
            .args(std::env::args_os().skip(1))
            .env(ROLE_VARIABLE, WORKER_ROLE)
            .env(COMMAND_FD_VARIABLE, command_reader.as_raw_fd().to_string())
            .env(LOADER_PATH_VARIABLE, loader_path()?)
            .env(
                "RUST_BACKTRACE",
                std::env::var_os(BACKTRACE_VARIABLE).unwrap_or_else(|| "0".into()),
            )
            .env_remove(BACKTRACE_VARIABLE)
            .stdin(stdin_reader)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own: what cells start ends with the worker.
            .process_group(0);
        let mut child = command.spawn().context("the worker can't be started")?;
        drop(command_reader);
        let pid = Pid::from_raw(i32::try_from(child.id())?);
        let stdout = File::from(OwnedFd::from(child.stdout.take().expect("stdout is piped")));
        let stderr = File::from(OwnedFd::from(child.stderr.take().expect("stderr is piped")));
        for pipe in [&stdout, &stderr] {
            fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        let waiter = std::thread::spawn(move || wait_for(child, ended_writer));
        let commands = File::from(OwnedFd::from(command_writer));
        Ok(Self {
            pid,
            commands,
            stdin_path,
            stdin: None,
            stdout,
            stderr,
            ended,
            waiter,
        })
    }

    /// Opens the worker's stdin for a cell, if it is not open.
    fn open_stdin(&mut self) -> std::io::Result<()> {
        if self.stdin.is_none() {
            // Read and write, because opening for writing alone would wait for a worker that has died.
            self.stdin = Some(
                File::options()
                    .read(true)
                    .write(true)
                    .open(&self.stdin_path)?,
            );
        }
        Ok(())
    }

    fn kill(&self) {
        // Fails only when the whole group has ended already.
        let _ = killpg(self.pid, Signal::SIGKILL);
    }

    /// How it ended. Waits until it has.
    fn ending(&mut self) -> Ending {
        let waiter = std::mem::replace(
            &mut self.waiter,
            std::thread::spawn(|| Ok(ExitStatus::default())),
        );
        match waiter.join() {
            Ok(Ok(status)) => match status.signal() {
                Some(signal) => Ending::Signalled { signal },
                None => Ending::Exited {
                    code: status.code().unwrap_or(-1),
                },
            },
            _ => Ending::Exited { code: -1 },
        }
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

/// Tells one file of the runtime from another.
type Stamp = (u64, std::time::SystemTime);

/// A `:dep` that asks a crate of the runtime for other features makes cargo compile it anew.
const RUNTIME_CHANGED: &[u8] =
    b"the :dep changed a crate that corebook itself is built with, so code starts afresh: run your cells again\n";

fn runtime_stamp() -> Option<Stamp> {
    let file = std::fs::metadata(std::env::var_os(RUNTIME_LIBRARY_VARIABLE)?).ok()?;
    Some((file.ino(), file.modified().ok()?))
}

/// The optimisation level in the manifest that evcxr has just written; it tells nobody else.
fn opt_level() -> Option<u8> {
    let work_dir = std::env::var_os("EVCXR_TMPDIR")?;
    let manifest = std::fs::read_to_string(Path::new(&work_dir).join("Cargo.toml")).ok()?;
    let level = manifest
        .lines()
        .find_map(|line| line.strip_prefix("opt-level = "))?;
    level.trim_matches(['"', ' ']).bytes().next()
}

/// The folders that cells need, before those that the loader looks in anyway.
fn loader_path() -> anyhow::Result<OsString> {
    let paths = [LIBRARY_DIRS_VARIABLE, LOADER_PATH_VARIABLE]
        .map(|name| std::env::var_os(name).unwrap_or_default());
    let dirs = paths
        .iter()
        .flat_map(std::env::split_paths)
        .filter(|dir| !dir.as_os_str().is_empty());
    Ok(std::env::join_paths(dirs)?)
}

/// Waits for the worker; dropping `ended_writer` then wakes the relay.
fn wait_for(mut child: Child, ended_writer: std::io::PipeWriter) -> std::io::Result<ExitStatus> {
    let status = child.wait();
    drop(ended_writer);
    status
}

fn tell_evcxr(line: &[u8]) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(line)?;
    stdout.write_all(b"\n")?;
    stdout.flush()?;
    Ok(())
}

/// What is in a non-blocking pipe now, at most one pipe's worth.
fn read_available(pipe: &mut File) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; READ_BYTES];
    match pipe.read(&mut bytes) {
        Ok(read) => {
            bytes.truncate(read);
            Ok(bytes)
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

/// Lets the next process that is started keep this end of a pipe.
fn set_inherited(fd: &impl AsFd) -> nix::Result<()> {
    fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty())).map(|_| ())
}

/// Children of a worker that died come to the supervisor, not to the kernel.
fn become_reaper() {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_child_subreaper(true);
}
