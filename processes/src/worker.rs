//! The process that runs the code of a notebook: for each cell it loads a library and calls its function.
//!
//! It is evcxr's own loop with four differences: commands come on a separate pipe, so cells can read stdin; the hooks
//! of the runtime are called around each cell; the end of a cell is an event, which no cell can print by accident; and
//! a checkpoint of the process is made while the next cell is compiled. Never talks to the kernel itself.

mod checkpoint;
pub mod oom;

use std::ffi::c_void;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::time::Duration;

use anyhow::{Context, bail};
use corebook::__private::event::{self, Event, NONCE_VARIABLE};
use corebook_build::evcxr::IS_RUNTIME_VARIABLE;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::unistd::Pid;

use self::checkpoint::{Checkpoints, Fork, Side};
use super::COMMAND_FD_VARIABLE;
use super::LIBRARY_DIRS_VARIABLE;
use super::LOADER_PATH_VARIABLE;
use super::NOTICE_FD_VARIABLE;
use super::REPORT_SOCKET_VARIABLE;
use super::ROLE_VARIABLE;
use super::RUNTIME_LIBRARY_VARIABLE;
use super::environment::{remove_variable, set_variable};

/// The one command of evcxr's protocol: `LOAD_AND_RUN <library> <function>`.
pub const RUN_COMMAND: &str = "LOAD_AND_RUN ";

/// The supervisor's command before it: how the cell was compiled.
const BUILD_COMMAND: &str = "BUILD ";

/// The supervisor's command while a cell is compiled: make a checkpoint, unless the worker has more than this number of
/// bytes.
const PROTECT_COMMAND: &str = "PROTECT ";

/// The supervisor's command when that cell has ended, or will not start.
pub const RELEASE_COMMAND: &str = "RELEASE\n";

/// The supervisor's command to a checkpoint that has taken over. Commands before it in the pipe were meant for the
/// worker that has died.
pub const RESUME_COMMAND: &str = "RESUME\n";

/// The line that says how the next cell was compiled.
pub fn build_command(compile_time: Duration, opt_level: Option<u8>) -> String {
    format!(
        "{BUILD_COMMAND}{} {}\n",
        compile_time.as_secs_f64(),
        opt_level.unwrap_or(0)
    )
}

/// The line that asks for a checkpoint, if the worker has at most `limit_bytes` of memory.
pub fn protect_command(limit_bytes: u64) -> String {
    format!("{PROTECT_COMMAND}{limit_bytes}\n")
}

/// The function of a cell: takes evcxr's variable store and returns it.
type CellFunction = unsafe extern "C" fn(*mut c_void) -> *mut c_void;

/// The hooks of the runtime, from its modules `cell` and `fork`.
#[derive(Clone, Copy)]
struct Hooks {
    build: unsafe extern "C" fn(f64, u8),
    begin: unsafe extern "C" fn(),
    end: unsafe extern "C" fn(),
    fork: Fork,
    resume: unsafe extern "C" fn(*mut c_void),
}

/// Runs cells until the supervisor closes its end.
pub fn run() -> anyhow::Result<()> {
    let mut commands = inherited(COMMAND_FD_VARIABLE)?;
    let notices = inherited(NOTICE_FD_VARIABLE)?;
    let nonce = std::env::var(NONCE_VARIABLE).context("the kernel names no nonce")?;
    let hooks = load_hooks()?;
    hide_own_variables();
    let cell_ended = event::encode(&Event::CellEnded, &nonce);
    let mut cells = Cells {
        variables: std::ptr::null_mut(),
        hooks,
        build: (0.0, 0),
    };
    let mut checkpoints = Checkpoints::new(hooks.fork, notices);
    while let Some(line) = read_line(&mut commands)? {
        if let Some(build) = line.strip_prefix(BUILD_COMMAND) {
            cells.build =
                parse_build(build).with_context(|| format!("unknown command {line:?}"))?;
            continue;
        }
        if let Some(limit) = line.strip_prefix(PROTECT_COMMAND) {
            let limit_bytes = limit
                .parse()
                .with_context(|| format!("unknown command {line:?}"))?;
            if checkpoints.protect(limit_bytes) == Side::Successor {
                cells.resume();
                checkpoints.report_take_over();
                skip_past(RESUME_COMMAND, &mut commands)?;
            }
            continue;
        }
        if line == RELEASE_COMMAND.trim_end() {
            checkpoints.release();
            continue;
        }
        let command = line
            .strip_prefix(RUN_COMMAND)
            .and_then(|rest| rest.rsplit_once(' '));
        let Some((library, function)) = command else {
            bail!("unknown command {line:?}")
        };
        end_with_supervisor();
        checkpoints.begin_cell();
        cells.run(library, function)?;
        // Do this before announcing the end: from then on the cell's effects must not be rolled back.
        checkpoints.end_cell();
        std::io::stdout().lock().write_all(&cell_ended)?;
        std::io::stdout().flush()?;
    }
    checkpoints.release();
    Ok(())
}

/// Asks the system to kill this process if the supervisor is killed while a cell runs. Between cells it ends by itself,
/// because its commands end.
///
/// To be called when a cell starts, not earlier: a checkpoint that takes over notices the death of the worker before it
/// becomes a child of the supervisor, and would be killed for that death.
fn end_with_supervisor() {
    #[cfg(target_os = "linux")]
    // If the system refuses, the process ends after the cell.
    let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
}

/// Restores the environment for programs that cells start: they are not workers, and find their libraries as usual.
fn hide_own_variables() {
    let added = std::env::var_os(LIBRARY_DIRS_VARIABLE).unwrap_or_default();
    let added: Vec<_> = std::env::split_paths(&added).collect();
    let all = std::env::var_os(LOADER_PATH_VARIABLE).unwrap_or_default();
    let inherited =
        std::env::join_paths(std::env::split_paths(&all).filter(|dir| !added.contains(dir)));
    let own = [
        ROLE_VARIABLE,
        COMMAND_FD_VARIABLE,
        NOTICE_FD_VARIABLE,
        REPORT_SOCKET_VARIABLE,
        LIBRARY_DIRS_VARIABLE,
        RUNTIME_LIBRARY_VARIABLE,
        LOADER_PATH_VARIABLE,
        IS_RUNTIME_VARIABLE,
    ];
    for variable in own {
        remove_variable(variable);
    }
    if let Ok(inherited) = inherited
        && !inherited.is_empty()
    {
        set_variable(LOADER_PATH_VARIABLE, inherited);
    }
}

struct Cells {
    /// evcxr's variable store. Only the code of cells creates and reads it.
    variables: *mut c_void,
    hooks: Hooks,
    /// Compile time in seconds and optimisation level of the next cell.
    build: (f64, u8),
}

impl Cells {
    fn run(&mut self, path: &str, function: &str) -> anyhow::Result<()> {
        // SAFETY: the library was compiled by evcxr for this process; its initialisers are Rust's own.
        let library = unsafe { libloading::Library::new(path) }?;
        // A library is never unloaded: variables and threads keep pointing into it.
        let library = Box::leak(Box::new(library));
        // SAFETY: evcxr generates the function with this signature, and `variables` is what the last cell
        // returned, or null before the first. Panics end inside the function.
        unsafe {
            let run = library.get::<CellFunction>(function.as_bytes())?;
            (self.hooks.build)(self.build.0, self.build.1);
            (self.hooks.begin)();
            self.variables = run(self.variables);
            (self.hooks.end)();
        }
        Ok(())
    }

    /// Restores what a fork does not copy.
    fn resume(&mut self) {
        // SAFETY: `variables` is what the last cell returned, or null.
        unsafe { (self.hooks.resume)(self.variables) }
    }
}

/// Loads the runtime before any cell. The linker leaves it out of a cell that does not use it, but such a cell can
/// panic and print too.
fn load_hooks() -> anyhow::Result<Hooks> {
    let path = std::env::var_os(RUNTIME_LIBRARY_VARIABLE).context("the kernel names no runtime")?;
    // SAFETY: the runtime was built by us; its initialisers are Rust's own. It exports these names with
    // these signatures.
    unsafe {
        let runtime = Box::leak(Box::new(libloading::Library::new(path)?));
        Ok(Hooks {
            build: *runtime.get(b"corebook_cell_build")?,
            begin: *runtime.get(b"corebook_cell_begin")?,
            end: *runtime.get(b"corebook_cell_end")?,
            fork: *runtime.get(b"corebook_cell_fork")?,
            resume: *runtime.get(b"corebook_cell_resume")?,
        })
    }
}

fn parse_build(text: &str) -> Option<(f64, u8)> {
    let (compile_time_s, opt_level) = text.split_once(' ')?;
    Some((compile_time_s.parse().ok()?, opt_level.parse().ok()?))
}

/// A pipe that the supervisor opened for this process. Programs that cells start do not inherit it.
fn inherited(variable: &str) -> anyhow::Result<File> {
    let fd: i32 = std::env::var(variable)
        .ok()
        .and_then(|number| number.parse().ok())
        .with_context(|| format!("the supervisor sets no {variable}"))?;
    // SAFETY: the supervisor opened this descriptor for us, and nothing else in this process knows it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    fcntl(&fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok(File::from(fd))
}

/// Reads one line, byte by byte: a checkpoint of this process shares the pipe and needs the next line complete.
fn read_line(pipe: &mut File) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        match pipe.read(&mut byte) {
            Ok(0) => return Ok(None),
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) => line.push(byte[0]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    String::from_utf8(line)
        .map(Some)
        .map_err(std::io::Error::other)
}

/// Skips lines until after the next `command`, or to the end.
fn skip_past(command: &str, pipe: &mut File) -> std::io::Result<()> {
    while let Some(line) = read_line(pipe)? {
        if line == command.trim_end() {
            break;
        }
    }
    Ok(())
}

/// Whether the thread that runs cells is blocked reading its stdin.
///
/// Linux shows which system call a child process is in. Other systems do not, and cells can ask for input only through
/// `evcxr_input`.
pub fn awaits_input(worker: Pid) -> bool {
    #[cfg(target_os = "linux")]
    {
        let reads_stdin = format!("{} 0x0 ", nix::libc::SYS_read);
        std::fs::read_to_string(format!("/proc/{worker}/syscall"))
            .is_ok_and(|call| call.starts_with(&reads_stdin))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = worker;
        false
    }
}
