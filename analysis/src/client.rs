//! The kernel's end of the analysis process: starts it, asks it within a time limit, and ends it.
//!
//! Sends a question only when the one before is answered, so that the process never falls behind. Starts no thread.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use corebook_build::child_process::end_with_parent;
use corebook_build::toolchain::RUSTUP_VARIABLE;
use corebook_processes::{ROLE_VARIABLE, program};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::ANALYSIS_ROLE;
use crate::project::Manifest;
use crate::protocol::{Answer, Question, Reply, Request};
use crate::server::{LIBRARY_VARIABLE, PROJECT_VARIABLE};

/// The first word of the process's command line, by which `ps` shows it.
pub const PROCESS_NAME: &str = "corebook-analysis";
/// How long a question waits for a process that is still loading. A user who types does not wait longer.
const LOADING_WAIT: Duration = Duration::from_millis(400);
/// How long an answer of a loaded process may take.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// After this time without a question the process is ended, which returns its memory.
const GIVE_BACK_AFTER: Duration = Duration::from_secs(10 * 60);
/// How soon a process that could not load is started again. It would most likely fail again.
const START_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// What the process is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// The folder with `Cargo.toml`.
    pub project: PathBuf,
    /// The source of the standard library, if it is installed.
    pub library: Option<PathBuf>,
    pub cargo: PathBuf,
    pub rustc: PathBuf,
    pub sysroot: PathBuf,
    /// For temporary files: rust-analyzer leaves some if it is killed.
    pub temporary: PathBuf,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// The process is loading the project.
    Loading,
    /// It takes longer than a user would wait.
    Late,
    /// The process has ended or can't be started.
    Gone,
    /// rust-analyzer failed, for this reason.
    Failed(String),
}

/// Asks the process. Used by one thread.
pub struct Client {
    ending: Arc<Ending>,
    process: Option<Process>,
    last_question: Instant,
    /// Until when no process is started, because one has failed.
    no_start_until: Option<Instant>,
    has_warned: bool,
}

/// Ends the process, from any thread.
#[derive(Debug, Default)]
pub struct Ending(Mutex<Running>);

#[derive(Debug, Default)]
struct Running {
    pid: Option<Pid>,
    /// No further process may be started.
    is_over: bool,
}

impl Ending {
    /// Kills the process, and lets no other one start. It owns nothing that could be lost.
    pub fn end(&self) {
        let mut running = self.lock();
        running.is_over = true;
        if let Some(pid) = running.pid {
            // Fails if it has ended already.
            let _ = kill(pid, Signal::SIGKILL);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    pub fn new(ending: Arc<Ending>) -> Self {
        Self {
            ending,
            process: None,
            last_question: Instant::now(),
            no_start_until: None,
            has_warned: false,
        }
    }

    /// Starts the process if it does not run, and lets it load the project. Does not wait for it.
    ///
    /// # Errors
    ///
    /// When it can't be started.
    pub fn start(&mut self, setup: &Setup) -> Result<(), NoAnswer> {
        self.last_question = Instant::now();
        if self.process.as_ref().is_some_and(|it| it.setup != *setup) {
            self.process = None;
        }
        if self.process.is_none() {
            let is_too_soon = |until| Instant::now() < until;
            if self.no_start_until.is_some_and(is_too_soon) {
                return Err(NoAnswer::Gone);
            }
            let spawned = Process::spawn(setup, &self.ending).map_err(|error| {
                self.warn(&format!("code can't be analysed: {error}"));
                NoAnswer::Gone
            })?;
            self.process = Some(spawned);
        }
        let Some(process) = &mut self.process else {
            return Ok(());
        };
        // After a new dependency, the process must read the project again.
        let manifest = Manifest::read(&setup.project);
        if process.manifest.as_ref() != Some(&manifest) {
            process.is_loaded = false;
        }
        if process.is_loaded || process.pending.is_some() {
            return Ok(());
        }
        process.manifest = Some(manifest);
        let sent = process.send(Question::Load);
        self.noticing_death(sent)
    }

    /// Asks the process, which is started if it does not run.
    ///
    /// # Errors
    ///
    /// When there is no answer in time.
    pub fn ask(&mut self, setup: &Setup, question: Question) -> Result<Answer, NoAnswer> {
        // A process that has died since the last question is noticed only when it is used.
        let was_running = self.process.is_some();
        match self.try_ask(setup, question.clone()) {
            Err(NoAnswer::Gone) if was_running => self.try_ask(setup, question),
            result => result,
        }
    }

    fn try_ask(&mut self, setup: &Setup, question: Question) -> Result<Answer, NoAnswer> {
        self.start(setup)?;
        let Some(process) = &mut self.process else {
            return Err(NoAnswer::Gone);
        };
        let result = process.ask(question);
        self.noticing_death(result)
    }

    /// When [`Client::give_back`] has something to do. None if no process runs.
    pub fn next_give_back(&self) -> Option<Instant> {
        self.process
            .is_some()
            .then(|| self.last_question + GIVE_BACK_AFTER)
    }

    /// Ends the process if nothing has been asked for a long time.
    pub fn give_back(&mut self) {
        if self.next_give_back().is_some_and(|at| Instant::now() >= at) {
            tracing::debug!("the analysis process ends, because nothing was asked for a while");
            self.process = None;
        }
    }

    /// Forgets the process if `result` says that it is gone.
    fn noticing_death<T>(&mut self, result: Result<T, NoAnswer>) -> Result<T, NoAnswer> {
        if matches!(result, Err(NoAnswer::Gone))
            && let Some(mut process) = self.process.take()
        {
            let status = process.reap();
            if !process.is_loaded {
                self.no_start_until = Some(Instant::now() + START_AGAIN_AFTER);
            }
            self.warn(&format!(
                "the process that completes code has ended ({status}); the next question starts it again"
            ));
        }
        result
    }

    /// Warns once: a user can do nothing about a process that dies again and again.
    fn warn(&mut self, text: &str) {
        if self.has_warned || self.ending.lock().is_over {
            tracing::debug!("{text}");
        } else {
            tracing::warn!("{text}");
        }
        self.has_warned = true;
    }
}

/// A running process. Killed when it is dropped.
struct Process {
    setup: Setup,
    child: Child,
    requests: ChildStdin,
    replies: ChildStdout,
    /// What has been read of the next reply.
    buffer: Vec<u8>,
    next_id: u64,
    /// The question that is not answered yet.
    pending: Option<u64>,
    is_loaded: bool,
    /// The manifest of the project that it loads or has loaded.
    manifest: Option<Manifest>,
    ending: Arc<Ending>,
}

impl Process {
    fn spawn(setup: &Setup, ending: &Arc<Ending>) -> std::io::Result<Self> {
        let mut command = Command::new(program::path()?);
        command
            .arg0(PROCESS_NAME)
            .env(ROLE_VARIABLE, ANALYSIS_ROLE)
            .env(PROJECT_VARIABLE, &setup.project)
            .env("CARGO", &setup.cargo)
            .env("RUSTC", &setup.rustc)
            .env(RUSTUP_VARIABLE, &setup.sysroot)
            .env("TMPDIR", &setup.temporary)
            .current_dir(&setup.project)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // An interrupt in a terminal goes to the group of the kernel.
            .process_group(0);
        match &setup.library {
            Some(library) => command.env(LIBRARY_VARIABLE, library),
            None => command.env_remove(LIBRARY_VARIABLE),
        };
        end_with_parent(&mut command, Signal::SIGKILL);
        let mut running = ending.lock();
        if running.is_over {
            return Err(std::io::Error::other("the kernel is ending"));
        }
        let mut child = command.spawn()?;
        running.pid = i32::try_from(child.id()).ok().map(Pid::from_raw);
        let (Some(requests), Some(replies)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(std::io::Error::other("the process has no pipes"));
        };
        Ok(Self {
            setup: setup.clone(),
            child,
            requests,
            replies,
            buffer: Vec::new(),
            next_id: 0,
            pending: None,
            is_loaded: false,
            manifest: None,
            ending: Arc::clone(ending),
        })
    }

    fn ask(&mut self, question: Question) -> Result<Answer, NoAnswer> {
        let (wait, none) = if self.is_loaded {
            (ANSWER_WAIT, NoAnswer::Late)
        } else {
            (LOADING_WAIT, NoAnswer::Loading)
        };
        let deadline = Instant::now() + wait;
        while self.pending.is_some() {
            match self.next_answer(deadline)? {
                Some(Answer::Failed(reason)) if !self.is_loaded => {
                    return Err(NoAnswer::Failed(reason));
                }
                Some(_) => {}
                None => return Err(none),
            }
        }
        self.send(question)?;
        match self.next_answer(Instant::now() + ANSWER_WAIT)? {
            Some(Answer::Failed(reason)) => Err(NoAnswer::Failed(reason)),
            Some(answer) => Ok(answer),
            None => Err(NoAnswer::Late),
        }
    }

    fn send(&mut self, question: Question) -> Result<(), NoAnswer> {
        self.next_id += 1;
        let id = self.next_id;
        let mut line = serde_json::to_vec(&Request { id, question })
            .map_err(|error| NoAnswer::Failed(error.to_string()))?;
        line.push(b'\n');
        self.requests.write_all(&line).map_err(|_| NoAnswer::Gone)?;
        self.pending = Some(id);
        Ok(())
    }

    /// The answer to the pending question. None if it does not come in time.
    fn next_answer(&mut self, deadline: Instant) -> Result<Option<Answer>, NoAnswer> {
        loop {
            while let Some(reply) = self.take_reply()? {
                if self.pending == Some(reply.id) {
                    self.pending = None;
                    self.is_loaded |= reply.answer == Answer::Loaded;
                    return Ok(Some(reply.answer));
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let mut sources = [PollFd::new(self.replies.as_fd(), PollFlags::POLLIN)];
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            match poll(&mut sources, timeout) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(nix::errno::Errno::EINTR) => continue,
                Err(_) => return Err(NoAnswer::Gone),
            }
            let mut bytes = [0; 1 << 16];
            match self.replies.read(&mut bytes) {
                Ok(0) | Err(_) => return Err(NoAnswer::Gone),
                Ok(length) => self.buffer.extend_from_slice(&bytes[..length]),
            }
        }
    }

    /// The first whole reply that has been read.
    fn take_reply(&mut self) -> Result<Option<Reply>, NoAnswer> {
        let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') else {
            return Ok(None);
        };
        let line: Vec<u8> = self.buffer.drain(..=end).collect();
        // Something that is not a reply means that the other end is not what it should be.
        serde_json::from_slice(&line).map(Some).map_err(|error| {
            tracing::debug!("not a reply: {error}");
            NoAnswer::Gone
        })
    }

    /// Ends the process, and describes how it ended.
    fn reap(&mut self) -> String {
        let mut running = self.ending.lock();
        running.pid = None;
        let _ = self.child.kill();
        match self.child.wait() {
            Ok(status) => status.to_string(),
            // At the kernel's end another thread may have waited for it.
            Err(error) => error.to_string(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.reap();
    }
}
