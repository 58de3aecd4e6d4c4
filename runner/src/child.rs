//! The process of the kernel: starts it, reads its stderr, and ends it. Never leaves it running.

use std::io::{ErrorKind, Read as _};
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{ChildStderr, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::KernelProgram;

/// How long the kernel may take to end, with its own children, after it was asked to.
const END_WAIT: Duration = Duration::from_secs(3);

/// How often to check whether a kernel that was asked to end has ended.
const END_POLL: Duration = Duration::from_millis(5);

const READ_BYTES: usize = 8192;

/// A running kernel. Dropping it ends the process.
pub struct Child {
    process: std::process::Child,
    /// `None` after it was closed.
    stderr: Option<ChildStderr>,
    /// A line of stderr whose end has not arrived.
    unfinished: Vec<u8>,
}

impl Child {
    /// Starts a kernel on `connection_file`.
    pub fn start(program: &KernelProgram, connection_file: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(&program.path);
        command
            .arg("kernel")
            .envs(program.variables.iter().copied())
            .arg(connection_file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Ctrl-C at the terminal is for the runner, which interrupts the cell.
            .process_group(0);
        // If the runner is killed with SIGKILL, the kernel still ends in good order.
        (program.end_with_parent)(&mut command, Signal::SIGTERM);
        let mut process = command.spawn().context("can't start the kernel")?;
        let stderr = process.stderr.take();
        Ok(Self {
            process,
            stderr,
            unfinished: Vec::new(),
        })
    }

    /// Readable when the kernel has written to its stderr or closed it. `None` after that was noticed.
    pub fn stderr_fd(&self) -> Option<RawFd> {
        self.stderr.as_ref().map(|stderr| stderr.as_raw_fd())
    }

    /// The lines that have arrived on stderr. Blocks unless [`Child::stderr_fd`] is readable.
    pub fn read_stderr(&mut self) -> Vec<String> {
        let Some(stderr) = &mut self.stderr else {
            return Vec::new();
        };
        let mut bytes = [0; READ_BYTES];
        match stderr.read(&mut bytes) {
            Ok(read @ 1..) => self.unfinished.extend(&bytes[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => {
                self.stderr = None;
                if !self.unfinished.is_empty() {
                    self.unfinished.push(b'\n');
                }
            }
        }
        let Some(end) = self.unfinished.iter().rposition(|byte| *byte == b'\n') else {
            return Vec::new();
        };
        let rest = self.unfinished.split_off(end + 1);
        let lines = std::mem::replace(&mut self.unfinished, rest);
        String::from_utf8_lossy(&lines)
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// How the process ended, in words, if it has.
    pub fn ending(&mut self) -> std::io::Result<Option<String>> {
        Ok(self.process.try_wait()?.map(describe))
    }

    /// Waits for the process to end by itself. Returns whether it did within [`END_WAIT`].
    pub fn wait(&mut self) -> bool {
        let deadline = Instant::now() + END_WAIT;
        loop {
            match self.process.try_wait() {
                Ok(None) if Instant::now() < deadline => std::thread::sleep(END_POLL),
                Ok(None) => return false,
                Ok(Some(_)) | Err(_) => return true,
            }
        }
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.process.id()).ok().map(Pid::from_raw)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Closed, so that the kernel does not wait for a full pipe instead of ending.
        self.stderr = None;
        let Some(pid) = self.pid() else { return };
        if matches!(self.process.try_wait(), Ok(None)) {
            // The kernel ends its children and removes its files.
            let _ = kill(pid, Signal::SIGTERM);
            if !self.wait() {
                // Before it is waited for, because afterwards another group may have its number.
                let _ = killpg(pid, Signal::SIGKILL);
                let _ = self.process.wait();
            }
        }
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => {
            let name = Signal::try_from(signal).map_or("unknown", Signal::as_str);
            format!("was killed by signal {signal} ({name})")
        }
        (None, Some(code)) => format!("ended with exit code {code}"),
        (None, None) => "ended".to_owned(),
    }
}

#[cfg(test)]
impl Child {
    /// A child that runs `script` instead of a kernel.
    pub fn shell(script: &str) -> Self {
        let mut command = Command::new("sh");
        command
            .args(["-c", script])
            .stderr(Stdio::piped())
            .process_group(0);
        let mut process = command.spawn().expect("there is a shell");
        let stderr = process.stderr.take();
        Self {
            process,
            stderr,
            unfinished: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_status_is_described_in_words() {
        assert_eq!(
            describe(ExitStatus::from_raw(9)),
            "was killed by signal 9 (SIGKILL)"
        );
        assert_eq!(
            describe(ExitStatus::from_raw(2 << 8)),
            "ended with exit code 2"
        );
    }

    #[test]
    fn stderr_is_read_in_lines_and_the_last_needs_no_newline() {
        let mut child = Child::shell("printf 'one\\ntwo\\nthr' >&2; printf ee >&2");
        let mut lines = Vec::new();
        while child.stderr_fd().is_some() {
            lines.extend(child.read_stderr());
        }
        assert_eq!(lines, ["one", "two", "three"]);
    }

    #[test]
    fn dropping_kills_a_process_that_ignores_sigterm_and_its_group() {
        let mut child = Child::shell("trap '' TERM; sleep 1000 & echo $! >&2; wait");
        let mut lines = Vec::new();
        while lines.is_empty() {
            lines.extend(child.read_stderr());
        }
        let grandchild = Pid::from_raw(lines[0].parse().unwrap());
        drop(child);
        let deadline = Instant::now() + Duration::from_secs(10);
        while is_running(grandchild) {
            assert!(Instant::now() < deadline, "the child's child still runs");
            std::thread::yield_now();
        }
    }

    #[test]
    fn dropping_lets_a_process_end_in_good_order() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ended");
        let path = file.display();
        let mut child = Child::shell(&format!(
            "trap 'sleep 0.2; echo done > {path}; exit' TERM; echo ready >&2; while :; do sleep 0.01; done"
        ));
        while child.read_stderr().is_empty() {}
        drop(child);
        assert!(file.exists());
    }

    #[test]
    fn dropping_a_process_that_has_ended_does_not_wait() {
        let mut child = Child::shell("exit 3");
        assert!(child.wait());
        assert_eq!(
            child.ending().unwrap(),
            Some("ended with exit code 3".to_owned())
        );
        drop(child);
    }

    /// A zombie does not run.
    fn is_running(pid: Pid) -> bool {
        let output = Command::new("ps")
            .args(["-o", "stat=", "-p", &pid.to_string()])
            .output()
            .unwrap();
        let state = String::from_utf8(output.stdout).unwrap();
        !state.trim().is_empty() && !state.trim().starts_with('Z')
    }
}
