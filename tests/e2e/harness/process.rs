//! The kernel's process: it is started, read from, watched from outside, and never left behind.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::PATIENCE;
use crate::binary;
use crate::connection::Connection;

/// How many kernels run at once. Each compiles, so it needs a core and half a gigabyte.
const MOST_AT_ONCE: usize = 2;

/// How often to look at something outside our control.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// A running kernel. Dropping it ends the process and all processes that it has started.
pub struct Process {
    child: Child,
    stdout: Collected,
    stderr: Collected,
    folder: TempDir,
    _slot: Slot,
}

/// The output of a process, read by a thread.
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

/// Another process, as `ps` reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descendant {
    pub pid: i32,
    pub parent: i32,
    is_zombie: bool,
    pub name: String,
}

impl Process {
    /// Starts a kernel on `connection`. Its temporary files go to its own folder.
    ///
    /// * `variables`: added to its environment.
    pub fn start(connection: &Connection, variables: &[(&str, &str)]) -> Self {
        binary::prebuild();
        let mut command = binary::command();
        command.envs(variables.iter().copied());
        Self::spawn(connection, command)
    }

    /// Starts the kernel with `command`, in its own folder unless the command names one.
    pub fn spawn(connection: &Connection, mut command: Command) -> Self {
        let slot = Slot::take();
        let folder = tempfile::Builder::new()
            .prefix("corebook-test-")
            .tempdir()
            .expect("a temporary folder");
        std::fs::create_dir(folder.path().join("tmp")).expect("the folder is ours");
        let file = folder.path().join("connection.json");
        std::fs::write(&file, connection.to_json().to_string()).expect("the folder is ours");
        let chosen = command
            .get_envs()
            .find(|(name, _)| *name == "COREBOOK_HISTORY");
        let chosen = chosen.and_then(|(_, value)| value.map(OsStr::to_owned));
        let history = chosen.unwrap_or_else(|| folder.path().join("history.sqlite").into());
        if command.get_current_dir().is_none() {
            command.current_dir(folder.path());
        }
        command
            .arg("kernel")
            .arg(&file)
            .env("TMPDIR", folder.path().join("tmp"))
            // Never the history of the person who runs the tests.
            .env("COREBOOK_HISTORY", history)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = command.spawn().expect("the kernel starts");
        let stdout = Collected::from(child.stdout.take().expect("it is piped"));
        let stderr = Collected::from(child.stderr.take().expect("it is piped"));
        Self {
            child,
            stdout,
            stderr,
            folder,
            _slot: slot,
        }
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("process ids are small"))
    }

    /// The folder it was started in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn send_signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("the kernel runs");
    }

    /// How it has ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is our child")
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    ///
    /// If it has not after `patience`.
    pub fn wait(&mut self, patience: Duration) -> ExitStatus {
        let deadline = Instant::now() + patience;
        loop {
            match self.ended() {
                Some(status) => return status,
                None if Instant::now() > deadline => {
                    panic!(
                        "the kernel still runs {patience:?} after it was asked to end\n{}",
                        self.stderr()
                    )
                }
                None => std::thread::sleep(LOOK_AGAIN),
            }
        }
    }

    /// What it has written to stdout: everything, if it has ended.
    pub fn stdout(&mut self) -> String {
        self.stdout.text()
    }

    /// What it has written to stderr until now.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits until it has written `text` to stderr `times` times.
    ///
    /// # Panics
    ///
    /// If it has not after [`PATIENCE`].
    pub fn wait_for_stderr(&self, text: &str, times: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.stderr().matches(text).count() < times {
            assert!(
                Instant::now() < deadline,
                "no {text:?} in:\n{}",
                self.stderr()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its children, their children, and so on.
    pub fn descendants(&self) -> Vec<Descendant> {
        let all = all_processes();
        let mut found: Vec<Descendant> = Vec::new();
        let mut parents = vec![self.pid().as_raw()];
        while let Some(parent) = parents.pop() {
            for process in all.iter().filter(|process| process.parent == parent) {
                parents.push(process.pid);
                found.push(process.clone());
            }
        }
        found
    }

    /// The children of `parent` that run the same program. The worker's fork is its checkpoint.
    pub fn forks_of(&self, parent: Pid) -> Vec<Pid> {
        let all = self.descendants();
        let own = all.iter().find(|process| process.pid == parent.as_raw());
        let is_fork = |process: &&Descendant| {
            process.parent == parent.as_raw() && own.is_some_and(|own| own.name == process.name)
        };
        let forks = all.iter().filter(is_fork);
        forks.map(|fork| Pid::from_raw(fork.pid)).collect()
    }

    /// The process in which rust-analyzer runs, if there is one.
    pub fn analysis(&self) -> Option<Pid> {
        let is_analysis = |process: &Descendant| {
            let command = std::fs::read(format!("/proc/{}/cmdline", process.pid));
            command.is_ok_and(|command| command.starts_with(b"corebook-analysis\0"))
        };
        let found = self.descendants().into_iter().find(is_analysis);
        found.map(|process| Pid::from_raw(process.pid))
    }

    /// Waits until every process that has ended was waited for by its parent.
    ///
    /// # Panics
    ///
    /// If there is still a zombie after [`PATIENCE`].
    pub fn expect_no_zombies(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.descendants().iter().any(Descendant::is_zombie) {
            assert!(
                Instant::now() < deadline,
                "zombies: {:?}",
                self.descendants()
            );
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Files that it left in its folder for temporary files.
    pub fn temporary_files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path().join("tmp"))
            .expect("the kernel leaves the folder itself");
        entries
            .map(|entry| entry.expect("the folder is ours").path())
            .collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let descendants = self.descendants();
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = killpg(self.pid(), Signal::SIGKILL);
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        for descendant in descendants {
            let _ = kill(Pid::from_raw(descendant.pid), Signal::SIGKILL);
        }
        if std::thread::panicking() {
            eprintln!("--- the kernel's log\n{}---", self.stderr());
        }
    }
}

impl Collected {
    fn from(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let gathered = Arc::clone(&bytes);
        let reader = std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = pipe.read(&mut chunk) {
                gathered
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend_from_slice(&chunk[..read]);
            }
        });
        Self {
            bytes,
            reader: Some(reader),
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
            .into_owned()
    }
}

impl Drop for Collected {
    fn drop(&mut self) {
        // A child that outlives the kernel may hold the pipe. Then the thread ends with the child, and is not waited for.
        drop(self.reader.take());
    }
}

/// Waits until something in another process has happened.
///
/// # Panics
///
/// If it has not after [`PATIENCE`].
pub fn wait_until(what: &str, has_happened: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !has_happened() {
        assert!(Instant::now() < deadline, "not after {PATIENCE:?}: {what}");
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// The processes among `processes` that still exist, including zombies.
pub fn still_there(processes: &[Descendant]) -> Vec<Descendant> {
    let all = all_processes();
    all.into_iter()
        .filter(|process| processes.iter().any(|other| other.pid == process.pid))
        .collect()
}

/// Waits until none of `processes` exists.
///
/// # Panics
///
/// If one still does after `patience`.
pub fn wait_until_gone(processes: &[Descendant], patience: Duration) {
    let deadline = Instant::now() + patience;
    loop {
        let left = still_there(processes);
        if left.is_empty() {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "processes that the kernel left behind: {left:?}"
        );
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Waits until none of `processes` runs. Zombies are allowed: a slow init process may not have waited for orphans yet.
///
/// # Panics
///
/// If one still runs after `patience`.
pub fn wait_until_ended(processes: &[Descendant], patience: Duration) {
    let deadline = Instant::now() + patience;
    loop {
        let mut left = still_there(processes);
        left.retain(|process| !process.is_zombie);
        if left.is_empty() {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "processes that a kill left behind: {left:?}"
        );
        std::thread::sleep(LOOK_AGAIN);
    }
}

fn all_processes() -> Vec<Descendant> {
    let output = Command::new("ps")
        .args(["-A", "-o", "pid=,ppid=,stat=,comm="])
        .output()
        .expect("there is ps");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter_map(read_process).collect()
}

fn read_process(line: &str) -> Option<Descendant> {
    let mut words = line.split_whitespace();
    let pid = words.next()?.parse().ok()?;
    let parent = words.next()?.parse().ok()?;
    let is_zombie = words.next()?.starts_with('Z');
    Some(Descendant {
        pid,
        parent,
        is_zombie,
        name: words.collect::<Vec<_>>().join(" "),
    })
}

/// How often the threads of a process have gone to sleep.
///
/// Only Linux lets other processes read that count.
#[cfg(target_os = "linux")]
pub fn sleeps(pid: i32) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs");
    threads
        .flatten()
        // A thread may end before its file is read.
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("status")).ok())
        .filter_map(|status| {
            let count = status
                .lines()
                .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
            count.trim().parse::<u64>().ok()
        })
        .sum()
}

impl Descendant {
    /// It has ended, and its parent has not waited for it.
    pub fn is_zombie(&self) -> bool {
        self.is_zombie
    }
}

/// The right to run a kernel.
struct Slot;

static TAKEN: Mutex<usize> = Mutex::new(0);
static GIVEN_BACK: Condvar = Condvar::new();

impl Slot {
    fn take() -> Self {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken >= MOST_AT_ONCE {
            taken = GIVEN_BACK
                .wait(taken)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *taken += 1;
        Self
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        GIVEN_BACK.notify_one();
    }
}
