//! Becomes a compiler, or runs it as a child if places in its messages have to be mapped back.

use std::io::{self, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use nix::sys::signal::Signal;

use super::line_map::LineMap;
use super::messages;
use crate::child_process::end_with_parent;

/// Becomes a compiler, or, if lines were moved, runs it as a child.
pub(super) fn become_or_run(
    mut compiler: Command,
    moved: Option<&LineMap>,
) -> io::Result<ExitCode> {
    match moved {
        Some(map) => run_mapping_back(compiler, map).map(exit_code),
        None => Err(compiler.exec()),
    }
}

/// Runs a compiler, and maps the places in its messages back to the source that evcxr wrote. rustc writes messages to
/// stderr, cargo to stdout.
pub(super) fn run_mapping_back(mut compiler: Command, map: &LineMap) -> io::Result<ExitStatus> {
    compiler.stdout(Stdio::piped()).stderr(Stdio::piped());
    // If this process is killed, for example by an interrupt, so is the compiler.
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
