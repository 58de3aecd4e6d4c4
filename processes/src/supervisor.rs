//! The supervisor process: a loop over the pipes between evcxr, the worker and the kernel.
//!
//! Owns the worker. Runs no user code and decides nothing about cells: it reports what happens, in the
//! order in which it happens.

mod cleanup;
pub mod splitter;
mod worker_process;

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use corebook::__private::event::{Event, SESSION_WORD_VARIABLE};
use corebook_build::evcxr::{COMPLETE, FAILED, PANICKED, WORK_DIR_VARIABLE};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::memory;

use self::cleanup::Orphans;
use self::splitter::{Piece, Protocol, Splitter};
use self::worker_process::WorkerProcess;
use super::REPORT_SOCKET_VARIABLE;
use super::RUNTIME_LIBRARY_VARIABLE;
use super::ipc::{
    Attempt, Checkpoint, FromSupervisor, FromWorker, ToSupervisor, read_message, write_message,
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

/// Of the free memory, a checkpoint may take one part in so many. The rest is left for the cell itself.
const FREE_SHARE: u64 = 2;

/// How long a checkpoint may take to take over. It has nothing to do but to wake up.
const TAKE_OVER_WAIT: Duration = Duration::from_secs(10);

/// What ends a cell for evcxr and nothing else.
///
/// evcxr 0.22 knows two ends of a cell that has run: done, even if by a panic, which keeps the cell's
/// functions and forgets variables that it named, and the end of the process, which forgets all of them. A
/// line that is not UTF-8 is an error to it that leaves its state as it was before the cell, as the variables
/// are. To be dropped when evcxr can be told of a cell that must count as never run.
const CELL_NEVER_RAN: &[u8] = b"\xff";

/// How long a kernel that is dying may take from the end of evcxr's pipes to that of its socket.
const KERNEL_END_WAIT: Duration = Duration::from_secs(1);

/// Runs the supervisor until evcxr closes its end or the worker dies.
pub fn run() -> anyhow::Result<()> {
    // SAFETY: SIG_IGN runs no code. Ctrl-C in a terminal reaches the whole group; interrupts come as orders.
    unsafe { signal(Signal::SIGINT, SigHandler::SigIgn) }?;
    become_reaper();
    let socket =
        std::env::var_os(REPORT_SOCKET_VARIABLE).context("the kernel names no report socket")?;
    let kernel = UnixStream::connect(socket).context("the kernel does not listen")?;
    let word = std::env::var(SESSION_WORD_VARIABLE).context("the kernel names no session word")?;
    let orphans = Orphans::of_parent();
    let mut relay = Relay::start(kernel, &word)?;
    let ended = relay.serve();
    relay.end_worker();
    // A kernel that lives has said so, but for one that starts another evcxr.
    let wait = match relay.is_told_to_end {
        true => Duration::ZERO,
        false => KERNEL_END_WAIT,
    };
    orphans.remove(&relay.kernel, wait);
    ended
}

struct Relay {
    kernel: UnixStream,
    worker: WorkerProcess,
    splitter: Splitter,
    /// A command line of evcxr whose end has not arrived.
    command_line: Vec<u8>,
    /// The runtime that the worker has loaded.
    runtime: Option<Stamp>,
    /// When the cell was asked for.
    cell_asked_at: Option<Instant>,
    /// How large the worker may be for a checkpoint of the cell that was asked for; 0 for none.
    checkpoint_limit_bytes: u64,
    /// The outcome of the checkpoint attempt, held until the cell starts. Never reported if the cell does not start.
    checkpoint: Option<Checkpoint>,
    is_running_cell: bool,
    is_told_to_end: bool,
    has_asked_input: bool,
    /// The checkpoint that has said that it is the worker now; the end of the old one is about to be seen.
    successor: Option<u32>,
}

/// Which ends have something to say.
struct Ready {
    evcxr: bool,
    kernel: bool,
    notices: bool,
    stdout: bool,
    stderr: bool,
    ended: bool,
}

impl Relay {
    fn start(mut kernel: UnixStream, word: &str) -> anyhow::Result<Self> {
        let worker = WorkerProcess::spawn()?;
        let worker_pid = worker.pid().as_raw().unsigned_abs();
        write_message(&mut kernel, &FromSupervisor::Started { worker_pid })?;
        Ok(Self {
            kernel,
            worker,
            splitter: Splitter::new(word),
            command_line: Vec::new(),
            runtime: runtime_stamp(),
            cell_asked_at: None,
            checkpoint_limit_bytes: 0,
            checkpoint: None,
            is_running_cell: false,
            is_told_to_end: false,
            has_asked_input: false,
            successor: None,
        })
    }

    fn serve(&mut self) -> anyhow::Result<()> {
        loop {
            let ready = self.wait()?;
            if ready.kernel {
                if !self.take_order()? {
                    return Ok(());
                }
                // All orders first: what the kernel said of a cell holds when its command comes.
                continue;
            }
            if ready.notices {
                self.take_notice()?;
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
            if ready.ended && !self.outlive_death()? {
                return Ok(());
            }
            self.look_for_a_question()?;
        }
    }

    /// Reports a cell that waits for a line, once.
    fn look_for_a_question(&mut self) -> anyhow::Result<()> {
        if !self.may_ask_input() || !super::worker::awaits_input(self.worker.pid()) {
            return Ok(());
        }
        // What it wrote just before it began to wait goes first; it may be a question of evcxr's own.
        self.forward_stdout()?;
        self.forward_stderr()?;
        if self.may_ask_input() {
            self.has_asked_input = true;
            self.report(&FromSupervisor::AwaitsInput)?;
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
            PollFd::new(worker.notices.as_fd(), readable),
            PollFd::new(worker.stdout.as_fd(), readable),
            PollFd::new(worker.stderr.as_fd(), readable),
            PollFd::new(worker.ended().as_fd(), readable),
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
        let [evcxr, kernel, notices, stdout, stderr, ended] =
            fds.map(|fd| fd.any().unwrap_or(true));
        Ok(Ready {
            evcxr,
            kernel,
            notices,
            stdout,
            stderr,
            ended,
        })
    }

    fn report(&mut self, report: &FromSupervisor) -> anyhow::Result<()> {
        write_message(&mut self.kernel, report).context("the kernel no longer listens")
    }

    /// Whether the kernel is still there.
    fn take_order(&mut self) -> anyhow::Result<bool> {
        match read_message(&mut self.kernel)? {
            None => return Ok(false),
            Some(ToSupervisor::CellBegins {
                checkpoint_limit_bytes,
            }) => {
                self.cell_asked_at = Some(Instant::now());
                // Now, while the cell is compiled: what a checkpoint costs then costs the cell nothing.
                self.checkpoint_limit_bytes = affordable_bytes(checkpoint_limit_bytes);
                self.worker.protect(self.checkpoint_limit_bytes);
            }
            Some(ToSupervisor::Barrier { number }) => {
                // The checkpoint of a cell that could not be compiled, or that had nothing to run.
                self.worker.release();
                self.checkpoint = None;
                self.report(&FromSupervisor::Barrier { number })?;
            }
            Some(ToSupervisor::Interrupt) => self.worker.interrupt(),
            // A cell that has just ended, or died, leaves a worker that is not meant.
            Some(ToSupervisor::Kill) if self.is_running_cell => self.worker.kill(),
            Some(ToSupervisor::Kill) => {}
            Some(ToSupervisor::End) => {
                self.is_told_to_end = true;
                return Ok(false);
            }
            Some(ToSupervisor::Input { line }) => {
                self.has_asked_input = false;
                self.worker.write_stdin(line.as_bytes());
            }
            Some(ToSupervisor::NoInput) => self.worker.close_stdin(),
        }
        Ok(true)
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
                self.report(&FromSupervisor::CellStarted)?;
                if let Some(checkpoint) = self.checkpoint.take() {
                    self.report(&FromSupervisor::Checkpoint(checkpoint))?;
                }
                self.worker.open_stdin()?;
                if runtime_stamp() != self.runtime {
                    // Two runtimes in one process would share names and not data.
                    let bytes = RUNTIME_CHANGED.to_vec();
                    self.report(&FromSupervisor::Stderr { bytes })?;
                    self.worker.kill_for_good();
                    let ending = self.worker.ending();
                    self.report(&FromSupervisor::Died { ending })?;
                    return Ok(false);
                }
                let compile_time = self
                    .cell_asked_at
                    .take()
                    .map(|asked| asked.elapsed())
                    .unwrap_or_default();
                // Again for a cell that evcxr runs twice, or whose checkpoint has taken over before it came.
                self.worker.protect(self.checkpoint_limit_bytes);
                let build = super::worker::build_command(compile_time, opt_level());
                self.worker.command(&[build.as_bytes(), &line].concat());
            } else if self.is_running_cell {
                // evcxr answers a request for input that the cell printed.
                self.has_asked_input = false;
                self.worker
                    .write_stdin(line.strip_suffix(b"\n").unwrap_or(&line));
            }
        }
        Ok(true)
    }

    fn forward_stderr(&mut self) -> anyhow::Result<()> {
        let bytes = read_available(&mut self.worker.stderr)?;
        if bytes.is_empty() {
            Ok(())
        } else {
            self.report(&FromSupervisor::Stderr { bytes })
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
                Piece::Text(bytes) => self.report(&FromSupervisor::Stdout { bytes })?,
                Piece::Content { mime, text } => {
                    self.report(&FromSupervisor::Content { mime, text })?
                }
                Piece::Event(event) if *event == Event::CellEnded => self.end_cell()?,
                Piece::Event(event) => self.report(&FromSupervisor::Event { event: *event })?,
                Piece::Protocol(Protocol::Panicked) => {
                    self.report(&FromSupervisor::Panicked)?;
                    tell_evcxr(PANICKED.as_bytes())?;
                }
                Piece::Protocol(Protocol::Failed) => {
                    self.report(&FromSupervisor::Failed)?;
                    tell_evcxr(FAILED.as_bytes())?;
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
        self.report(&FromSupervisor::CellEnded)?;
        tell_evcxr(COMPLETE.as_bytes())?;
        self.worker.release();
        Ok(())
    }

    /// Whether there was one: not when every process that could give notice has ended.
    fn take_notice(&mut self) -> anyhow::Result<bool> {
        match read_message(&mut self.worker.notices)? {
            Some(FromWorker::Checkpoint(checkpoint)) => {
                if let Attempt::Made { pid } = checkpoint.attempt {
                    self.worker.set_checkpoint(pid);
                }
                if self.is_running_cell {
                    self.report(&FromSupervisor::Checkpoint(checkpoint))?;
                } else {
                    self.checkpoint = Some(checkpoint);
                }
            }
            Some(FromWorker::TookOver { pid }) => self.successor = Some(pid),
            None => return Ok(false),
        }
        Ok(true)
    }

    /// Reports how the worker ended. Whether its checkpoint goes on in its place.
    fn outlive_death(&mut self) -> anyhow::Result<bool> {
        // What its cells have started ends with it, and with that the checkpoint's pipe.
        self.worker.kill();
        // Its last words are still in the pipes; children that outlive it may keep them open.
        self.forward_stdout()?;
        self.forward_stderr()?;
        let rest = self.splitter.flush();
        self.forward(rest)?;
        let ending = self.worker.ending();
        reap(self.worker.group());
        let Some(worker_pid) = self.await_take_over()? else {
            self.report(&FromSupervisor::Died { ending })?;
            return Ok(false);
        };
        self.worker
            .follow(Pid::from_raw(worker_pid.cast_signed()))?;
        self.report(&FromSupervisor::Replaced { ending, worker_pid })?;
        // While it still compiles the cell, evcxr need not know.
        if std::mem::take(&mut self.is_running_cell) {
            tell_evcxr(CELL_NEVER_RAN)?;
        }
        Ok(true)
    }

    /// Waits for the word of the checkpoint that it has taken over, and which process it is. The notices end
    /// without one when no checkpoint lives.
    fn await_take_over(&mut self) -> anyhow::Result<Option<u32>> {
        let deadline = Instant::now() + TAKE_OVER_WAIT;
        loop {
            if let Some(successor) = self.successor.take() {
                return Ok(Some(successor));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let mut fds = [PollFd::new(self.worker.notices.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::try_from(left)?) {
                Err(nix::errno::Errno::EINTR) => continue,
                other => other?,
            };
            if fds[0].any() != Some(true) || !self.take_notice()? {
                return Ok(None);
            }
        }
    }

    /// Ends the worker and all it has started, and leaves no zombie: in a container nobody else reaps.
    fn end_worker(&mut self) {
        self.worker.kill_for_good();
        self.worker.ending();
        reap(Pid::from_raw(-1));
    }
}

/// How large the worker may be for a checkpoint that can come to take as much memory again.
///
/// * `limit_bytes`: what the user allows; 0 for no checkpoint.
fn affordable_bytes(limit_bytes: u64) -> u64 {
    if limit_bytes == 0 {
        return 0;
    }
    let free_bytes = memory::free_bytes().unwrap_or(u64::MAX);
    limit_bytes.min(free_bytes / FREE_SHARE)
}

/// Waits for a moment until children are gone that were killed.
///
/// * `children`: as `waitpid` takes it: -1 for all, or a negative process group.
fn reap(children: Pid) {
    let deadline = Instant::now() + REAP_WAIT;
    while Instant::now() < deadline {
        match waitpid(children, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => std::thread::sleep(Duration::from_millis(1)),
            Ok(_) => {}
            Err(_) => return,
        }
    }
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
    let work_dir = std::env::var_os(WORK_DIR_VARIABLE)?;
    let manifest = std::fs::read_to_string(Path::new(&work_dir).join("Cargo.toml")).ok()?;
    let level = manifest
        .lines()
        .find_map(|line| line.strip_prefix("opt-level = "))?;
    level.trim_matches(['"', ' ']).bytes().next()
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

/// Children of a worker that died come to the supervisor, not to the kernel.
fn become_reaper() {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_child_subreaper(true);
}
