//! The supervisor process: a loop over the pipes between evcxr, the worker and the kernel.
//!
//! Owns the worker. Runs no user code and decides nothing about cells: it reports what happens, in the
//! order in which it happens.
//!
//! * [`cell_state`]: the cell, as far as the supervisor knows
//! * [`streams`]: what the worker prints
//! * [`death`]: how the worker ends, and what goes on in its place
//! * [`splitter`]: from bytes to text, events and evcxr's lines
//! * [`worker_process`]: the worker and its checkpoint as processes
//! * [`cleanup`]: what is removed after a kernel that was killed

mod cell_state;
mod cleanup;
mod death;
pub mod splitter;
mod streams;
mod worker_process;

use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use corebook::__private::event::SESSION_WORD_VARIABLE;
use corebook_build::evcxr::WORK_DIR_VARIABLE;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigHandler, Signal, signal};

use super::memory;

use self::cell_state::CellState;
use self::cleanup::Orphans;
use self::splitter::Splitter;
use self::streams::READ_BYTES;
use self::worker_process::WorkerProcess;
use super::REPORT_SOCKET_VARIABLE;
use super::RUNTIME_LIBRARY_VARIABLE;
use super::ipc::{Attempt, FromSupervisor, FromWorker, ToSupervisor, read_message, write_message};

/// Code that prints line by line fills the pipe meanwhile. Without the pause each line would wake the
/// supervisor, which costs both processes more than the line.
const GATHER: Duration = Duration::from_millis(1);

/// How often, while a cell runs, the supervisor looks whether it waits for input, in milliseconds.
const INPUT_CHECK_MS: u16 = 50;

/// Of the free memory, a checkpoint may take one part in so many. The rest is left for the cell itself.
const FREE_SHARE: u64 = 2;

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
    cell: CellState,
    /// How large the worker may be for a checkpoint of the cell that was asked for; 0 for none.
    checkpoint_limit_bytes: u64,
    is_told_to_end: bool,
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
            cell: CellState::None,
            checkpoint_limit_bytes: 0,
            is_told_to_end: false,
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
                if self.cell.is_running() && !is_pipe_full {
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
        if !self.cell.may_ask_input() || !super::worker::awaits_input(self.worker.pid()) {
            return Ok(());
        }
        // What it wrote just before it began to wait goes first; it may be a question of evcxr's own.
        self.forward_stdout()?;
        self.forward_stderr()?;
        if self.cell.may_ask_input() {
            self.cell.set_asked_input(true);
            self.report(&FromSupervisor::AwaitsInput)?;
        }
        Ok(())
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
        let timeout = if self.cell.is_running() {
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
                self.cell = CellState::Compiling {
                    since: Instant::now(),
                    checkpoint: None,
                };
                // Now, while the cell is compiled: what a checkpoint costs then costs the cell nothing.
                self.checkpoint_limit_bytes = affordable_bytes(checkpoint_limit_bytes);
                self.worker.protect(self.checkpoint_limit_bytes);
            }
            Some(ToSupervisor::Barrier { number }) => {
                // The checkpoint of a cell that could not be compiled, or that had nothing to run.
                self.worker.release();
                if let CellState::Compiling { .. } = self.cell {
                    self.cell = CellState::None;
                }
                self.report(&FromSupervisor::Barrier { number })?;
            }
            Some(ToSupervisor::Interrupt) => self.worker.interrupt(),
            // A cell that has just ended, or died, leaves a worker that is not meant.
            Some(ToSupervisor::Kill) if self.cell.is_running() => self.worker.kill(),
            Some(ToSupervisor::Kill) => {}
            Some(ToSupervisor::End) => {
                self.is_told_to_end = true;
                return Ok(false);
            }
            Some(ToSupervisor::Input { line }) => {
                self.cell.set_asked_input(false);
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
                if !self.start_cell(&line)? {
                    return Ok(false);
                }
            } else if self.cell.is_running() {
                // evcxr answers a request for input that the cell printed.
                self.cell.set_asked_input(false);
                self.worker
                    .write_stdin(line.strip_suffix(b"\n").unwrap_or(&line));
            }
        }
        Ok(true)
    }

    /// Passes the command that runs a cell to the worker. Returns whether the worker may run it.
    fn start_cell(&mut self, command: &[u8]) -> anyhow::Result<bool> {
        let running = CellState::Running {
            has_asked_input: false,
        };
        let (compile_time, checkpoint) = match std::mem::replace(&mut self.cell, running) {
            CellState::Compiling { since, checkpoint } => (since.elapsed(), checkpoint),
            CellState::None | CellState::Running { .. } => (Duration::ZERO, None),
        };
        self.report(&FromSupervisor::CellStarted)?;
        if let Some(checkpoint) = checkpoint {
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
        // Again for a cell that evcxr runs twice, or whose checkpoint has taken over before it came.
        self.worker.protect(self.checkpoint_limit_bytes);
        let build = super::worker::build_command(compile_time, opt_level());
        self.worker.command(&[build.as_bytes(), command].concat());
        Ok(true)
    }

    /// Takes a notice of the worker or its checkpoint. Returns false when every process that could send one has ended.
    fn take_notice(&mut self) -> anyhow::Result<bool> {
        match read_message(&mut self.worker.notices)? {
            Some(FromWorker::Checkpoint(checkpoint)) => {
                if let Attempt::Made { pid } = checkpoint.attempt {
                    self.worker.set_checkpoint(pid);
                }
                match &mut self.cell {
                    CellState::Running { .. } => {
                        self.report(&FromSupervisor::Checkpoint(checkpoint))?;
                    }
                    CellState::Compiling {
                        checkpoint: held, ..
                    } => *held = Some(checkpoint),
                    // The notice came after the end of its cell.
                    CellState::None => {}
                }
            }
            Some(FromWorker::TookOver { pid }) => self.successor = Some(pid),
            None => return Ok(false),
        }
        Ok(true)
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

/// Children of a worker that died come to the supervisor, not to the kernel.
fn become_reaper() {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_child_subreaper(true);
}
