//! A compiler: become, or run as a child where there is something to do for what it says.

use std::io::{self, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use nix::sys::signal::Signal;

use super::line_map::LineMap;
use super::messages;
use crate::child_process::end_with_parent;

/// Becomes a compiler, unless lines were moved: then there is something to do for what it says.
pub(super) fn become_or_run(
    mut compiler: Command,
    moved: Option<&LineMap>,
) -> io::Result<ExitCode> {
    match moved {
        Some(map) => run_leading_back(compiler, map).map(exit_code),
        None => Err(compiler.exec()),
    }
}

/// Runs a compiler, and leads the places that it tells of back to where the lines were: rustc tells on stderr,
/// cargo on stdout.
pub(super) fn run_leading_back(mut compiler: Command, map: &LineMap) -> io::Result<ExitStatus> {
    compiler.stdout(Stdio::piped()).stderr(Stdio::piped());
    // Killed, as by an interrupt, this process takes the compiler along.
    end_with_parent(&mut compiler, Signal::SIGKILL);
    let mut child = compiler.spawn()?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        let passes_out = out.map(|out| {
            scope.spawn(|| messages::pass_on(BufReader::new(out), &mut io::stdout(), map))
        });
        let passed = err.map_or(Ok(()), |err| {
            messages::pass_on(BufReader::new(err), &mut io::stderr(), map)
        });
        let passed_out = passes_out.and_then(|thread| thread.join().ok());
        passed.and(passed_out.unwrap_or(Ok(())))
    })?;
    child.wait()
}

pub(super) fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}
