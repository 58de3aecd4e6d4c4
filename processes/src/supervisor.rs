//! The supervisor process: a loop over the pipes between evcxr, the worker and the kernel.
//!
//! Owns the worker. Never runs user code and decides nothing about cells: it reports what happens, in order.
//!
//! * [`cell_state`]: what the supervisor knows about the cell
//! * [`streams`]: what the worker prints
//! * [`death`]: the end of the worker, and the checkpoint that replaces it
//! * [`splitter`]: splits bytes into text, events and lines of evcxr's protocol
//! * [`worker_process`]: the worker and its checkpoint as processes
//! * [`cleanup`]: removes what a killed kernel leaves

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
use corebook::__private::event::NONCE_VARIABLE;
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

/// How long to wait for more output. Code that prints line by line fills the pipe meanwhile. Without the pause each
/// line would wake the supervisor, which costs both processes more time than the line itself.
const GATHER: Duration = Duration::from_millis(1);

/// How often the supervisor checks whether a running cell waits for input, in milliseconds.
const INPUT_CHECK_MS: u16 = 50;

/// A checkpoint may use the free memory divided by this. The rest is left for the cell itself.
const FREE_SHARE: u64 = 2;

/// How long a dying kernel may take from closing evcxr's pipes to closing its socket.
const KERNEL_END_WAIT: Duration = Duration::from_secs(1);

/// Runs the supervisor until evcxr closes its end or the worker dies.
pub fn run() -> anyhow::Result<()> {
    // SAFETY: SIG_IGN runs no code. Ctrl-C in a terminal reaches the whole group; interrupts come as orders.
    unsafe { signal(Signal::SIGINT, SigHandler::SigIgn) }?;
    become_reaper();
    let socket =
        std::env::var_os(REPORT_SOCKET_VARIABLE).context("the kernel names no report socket")?;
    let kernel = UnixStream::connect(socket).context("the kernel does not listen")?;
    let nonce = std::env::var(NONCE_VARIABLE).context("the kernel names no nonce")?;
    let orphans = Orphans::of_parent();
    let mut relay = Relay::start(kernel, &nonce)?;
    let ended = relay.serve();
    relay.end_worker();
    // A kernel that ends in good order has sent `End`. A kernel that only starts another evcxr has not.
    let wait = match relay.has_end_order {
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
    /// A command of evcxr whose end has not arrived.
    command_line: Vec<u8>,
    /// The runtime that the worker has loaded.
    runtime: Option<Stamp>,
    cell: CellState,
    /// How large the worker may be for a checkpoint of the requested cell; 0 for no checkpoint.
    checkpoint_limit_bytes: u64,
    has_end_order: bool,
    /// The checkpoint that has reported that it is the worker now. The end of the old worker will be noticed soon.
    successor: Option<u32>,
}

/// Which descriptors are readable.
struct Ready {
    evcxr: bool,
    kernel: bool,
    notices: bool,
    stdout: bool,
    stderr: bool,
    ended: bool,
}

impl Relay {
    fn start(mut kernel: UnixStream, nonce: &str) -> anyhow::Result<Self> {
        let worker = WorkerProcess::spawn()?;
        let worker_pid = worker.pid().as_raw().unsigned_abs();
        write_message(&mut kernel, &FromSupervisor::Started { worker_pid })?;
        Ok(Self {
            kernel,
            worker,
            splitter: Splitter::new(nonce),
            command_line: Vec::new(),
            runtime: runtime_stamp(),
            cell: CellState::None,
            checkpoint_limit_bytes: 0,
            has_end_order: false,
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
                // All orders first: the order for a cell must be obeyed before evcxr's command for it.
                continue;
            }
            if ready.notices {
                self.take_notice()?;
            }
            // At most one full pipe of each stream in turn, so that neither starves the other.
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
            self.check_for_input_request()?;
        }
    }

    /// Reports once that the cell waits for a line of input.
    fn check_for_input_request(&mut self) -> anyhow::Result<()> {
        if !self.cell.may_ask_input() || !super::worker::awaits_input(self.worker.pid()) {
            return Ok(());
        }
        // First what it wrote before it began to wait, which may be a request of evcxr's own for input.
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

    /// Obeys one order. Returns whether the kernel wants the supervisor to go on.
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
                // Now, while the cell is compiled, so that the checkpoint does not delay the cell.
                self.checkpoint_limit_bytes = affordable_bytes(checkpoint_limit_bytes);
                self.worker.protect(self.checkpoint_limit_bytes);
            }
            Some(ToSupervisor::Barrier { number }) => {
                // There still is a checkpoint if the cell could not be compiled or had nothing to run.
                self.worker.release();
                if let CellState::Compiling { .. } = self.cell {
                    self.cell = CellState::None;
                }
                self.report(&FromSupervisor::Barrier { number })?;
            }
            Some(ToSupervisor::Interrupt) => self.worker.interrupt(),
            // If the cell has just ended or died, the order does not concern the worker.
            Some(ToSupervisor::Kill) if self.cell.is_running() => self.worker.kill(),
            Some(ToSupervisor::Kill) => {}
            Some(ToSupervisor::End) => {
                self.has_end_order = true;
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

    /// Takes commands of evcxr. Returns false when evcxr has ended or the worker was killed.
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
                // The answer to evcxr's own request for input, which the cell printed.
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
            // Two runtimes in one process would share names but not data.
            let bytes = RUNTIME_CHANGED.to_vec();
            self.report(&FromSupervisor::Stderr { bytes })?;
            self.worker.kill_for_good();
            let ending = self.worker.ending();
            self.report(&FromSupervisor::Died { ending })?;
            return Ok(false);
        }
        // Needed again if evcxr runs the cell twice, or if the checkpoint has taken over before the cell started.
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

/// How large the worker may be for a checkpoint, which can grow to the same size.
///
/// * `limit_bytes`: what the user allows; 0 for no checkpoint.
fn affordable_bytes(limit_bytes: u64) -> u64 {
    if limit_bytes == 0 {
        return 0;
    }
    let free_bytes = memory::free_bytes().unwrap_or(u64::MAX);
    limit_bytes.min(free_bytes / FREE_SHARE)
}

/// Distinguishes files of the runtime.
type Stamp = (u64, std::time::SystemTime);

/// Shown when cargo has compiled the runtime again, because a `:dep` asks one of its crates for other features.
const RUNTIME_CHANGED: &[u8] =
    b"the :dep changed a crate that corebook itself is built with, so code starts afresh: run your cells again\n";

fn runtime_stamp() -> Option<Stamp> {
    let file = std::fs::metadata(std::env::var_os(RUNTIME_LIBRARY_VARIABLE)?).ok()?;
    Some((file.ino(), file.modified().ok()?))
}

/// The optimisation level in the manifest that evcxr has just written. evcxr passes it on in no other way.
fn opt_level() -> Option<u8> {
    let work_dir = std::env::var_os(WORK_DIR_VARIABLE)?;
    let manifest = std::fs::read_to_string(Path::new(&work_dir).join("Cargo.toml")).ok()?;
    let level = manifest
        .lines()
        .find_map(|line| line.strip_prefix("opt-level = "))?;
    level.trim_matches(['"', ' ']).bytes().next()
}

/// Makes this process the parent of children whose worker has died, instead of the kernel.
fn become_reaper() {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_child_subreaper(true);
}
