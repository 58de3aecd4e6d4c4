//! The shim that evcxr runs in a session in place of cargo.
//!
//! Nearly always nothing but the cell's source has changed since the last build. Cargo needs 40 ms to find
//! that out, so the first build goes through cargo and is recorded, and later ones run the same rustc at
//! once. Whatever else differs (manifest, lock file, settings, environment, toolchain, a library) goes
//! through cargo again.
//!
//! This binary appears under two names in the session's `bin` folder: as `cargo`, and as `rustc-recorder`,
//! which cargo runs around rustc while a build is recorded. Neither starts a process where it can become
//! one, so an interrupt that kills it kills the compiler. What it does start is killed with it.
//!
//! * [`recording`]: how rustc was run, and whether it would be run so again
//! * [`journal`]: when cells were compiled, and how often rustc ran
//! * [`source`]: what is changed in the source that evcxr generates
//! * [`order`]: the order in which it is compiled
//! * [`line_map`]: where its lines were before
//! * [`messages`]: what rustc says, led back to where the lines were
//! * [`child`]: a compiler that is run, not become

mod child;
pub(crate) mod journal;
mod line_map;
mod messages;
pub mod order;
mod recording;
mod source;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use self::child::{become_or_run, exit_code, run_leading_back};
pub use self::journal::Compile;
use self::journal::{Step, note};
use self::line_map::LineMap;
use self::order::OrderFile;
use self::recording::{Call, Recording};
use crate::cache::TEMPORARY;
use crate::evcxr::{CELL_CRATE, RESULT_VARIABLE};
use crate::linker;

const CARGO: &str = "cargo";
const RECORDER: &str = "rustc-recorder";
/// A link to the real cargo.
const REAL_CARGO: &str = "real-cargo";

/// A link to the program that links, unless cargo's settings name one.
const LINKER: &str = "linker";

/// Tells the recorder where to write how rustc is run.
const RECORD_VARIABLE: &str = "COREBOOK_RECORD";
/// Whoever wraps rustc, sccache for one, must be asked each time.
const WRAPPER_VARIABLE: &str = "RUSTC_WRAPPER";
/// Where programs put what they need for a moment.
const TEMPORARY_VARIABLE: &str = "TMPDIR";
/// Below this length of the source, in bytes, rustc is faster without looking at what it did before.
/// Every function of the notebook is in the source of every cell.
const INCREMENTAL_FROM: usize = 6 * 1024;

/// This process under one of its names in a session.
pub struct CargoShim {
    tools: PathBuf,
    is_recorder: bool,
}

impl CargoShim {
    /// What the process was started as; nothing if it is none of these.
    pub fn of_this_process() -> Option<Self> {
        let program = PathBuf::from(std::env::args_os().next()?);
        let is_recorder = match program.file_name()?.to_str()? {
            CARGO => false,
            RECORDER => true,
            _ => return None,
        };
        let tools = program.parent()?.to_owned();
        tools
            .join(REAL_CARGO)
            .is_symlink()
            .then_some(Self { tools, is_recorder })
    }

    /// Puts a compiler into a new folder.
    ///
    /// * `binary`: calls [`CargoShim::of_this_process`] and [`CargoShim::run`] first of all.
    /// * `linker`: the program that links, unless cargo's settings name one.
    pub(crate) fn install(
        tools: &Path,
        binary: &Path,
        cargo: &Path,
        linker: Option<&Path>,
    ) -> io::Result<()> {
        use std::os::unix::fs::symlink;
        symlink(binary, tools.join(CARGO))?;
        symlink(binary, tools.join(RECORDER))?;
        if let Some(linker) = linker {
            symlink(linker, tools.join(LINKER))?;
        }
        symlink(cargo, tools.join(REAL_CARGO))
    }

    /// Does what cargo, or the compiler it wanted to run, would do.
    pub fn run(&self) -> ExitCode {
        let ended = match self.is_recorder {
            true => self.record(),
            false => self.run_as_cargo(),
        };
        ended.unwrap_or_else(|error| {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        })
    }

    fn run_as_cargo(&self) -> io::Result<ExitCode> {
        let manifest = fs::read_to_string("Cargo.toml").unwrap_or_default();
        if !is_of_cells(&manifest) {
            return self.run_keeping_versions();
        }
        let subcommand = std::env::args_os().find(|arg| arg == "build" || arg == "check");
        let Some(subcommand) = subcommand else {
            return Err(self.cargo()?.exec());
        };
        note(&self.tools, Step::Called)?;
        let order = OrderFile::beside(&self.tools).read();
        let source = source::prepare(Path::new("src/lib.rs"), order.as_ref())?;
        let moved = source.moved.as_ref();
        let call = Call::of_this_process().filter(|_| can_be_recorded(&manifest));
        let Some(call) = call else {
            return become_or_run(self.noting_cargo()?, moved);
        };
        let file = self.recording_file(&subcommand);
        if let Some(recording) = Recording::read(&file).filter(|it| it.is_of(&call)) {
            if let Some(result) = std::env::var_os(RESULT_VARIABLE) {
                fs::write(result, recording.library().as_os_str().as_encoded_bytes())?;
            }
            note(&self.tools, Step::Rustc)?;
            let is_incremental = source.len >= INCREMENTAL_FROM;
            return become_or_run(recording.command(is_incremental), moved);
        }
        self.run_recorded(&call, &file, moved)
    }

    /// Runs cargo, and writes down how it runs rustc for the cell.
    fn run_recorded(
        &self,
        call: &Call,
        file: &Path,
        moved: Option<&LineMap>,
    ) -> io::Result<ExitCode> {
        // The recording of another state must not outlive it.
        let _ = fs::remove_file(file);
        let mut cargo = self.noting_cargo()?;
        cargo.env(RECORD_VARIABLE, file);
        let status = match moved {
            Some(map) => run_leading_back(cargo, map)?,
            None => cargo.status()?,
        };
        Recording::complete(file, call)?;
        Ok(exit_code(status))
    }

    /// Runs cargo and puts the lock file back. For a manifest that is not the cells': evcxr checks a new
    /// `:dep` in a manifest of its own that has no other dependency, and cargo then forgets the locked
    /// versions of all others. As soon as one of the runtime's crates has a newer release, the runtime would
    /// be compiled anew in the middle of a notebook, and pools in variables would belong to the old one.
    fn run_keeping_versions(&self) -> io::Result<ExitCode> {
        const LOCK: &str = "Cargo.lock";
        let Ok(lock) = fs::read(LOCK) else {
            return Err(self.cargo()?.exec());
        };
        let date = fs::metadata(LOCK)?.modified()?;
        let status = match self.run_offline()? {
            Some(status) => status,
            None => self.cargo()?.status()?,
        };
        fs::write(LOCK, lock)?;
        fs::File::options()
            .append(true)
            .open(LOCK)?
            .set_modified(date)?;
        Ok(exit_code(status))
    }

    /// Runs cargo without a network, which is enough for a crate that was downloaded before. Nothing when
    /// it is not enough; then nothing was said either.
    fn run_offline(&self) -> io::Result<Option<ExitStatus>> {
        let mut command = self.real_cargo()?;
        command.arg("--offline").args(std::env::args_os().skip(1));
        let output = command.stdout(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Ok(None);
        }
        io::stderr().write_all(&output.stderr)?;
        Ok(Some(output.status))
    }

    /// The real cargo, which runs rustc through the recorder.
    fn noting_cargo(&self) -> io::Result<Command> {
        let mut command = self.cargo()?;
        if std::env::var_os(WRAPPER_VARIABLE).is_none() {
            command.env(WRAPPER_VARIABLE, self.tools.join(RECORDER));
        }
        Ok(command)
    }

    /// The real cargo with this process's arguments.
    fn cargo(&self) -> io::Result<Command> {
        let mut command = self.real_cargo()?;
        command.args(std::env::args_os().skip(1));
        Ok(command)
    }

    /// What it and the compiler write for a moment goes with the session when they are killed. Not with a
    /// wrapper: the server that sccache may start outlives the session, and needs the folder it began with.
    fn real_cargo(&self) -> io::Result<Command> {
        let mut command = Command::new(fs::read_link(self.tools.join(REAL_CARGO))?);
        if std::env::var_os(WRAPPER_VARIABLE).is_none() {
            command.env(TEMPORARY_VARIABLE, self.tools.with_file_name(TEMPORARY));
        }
        if let (Some(target), Ok(linker)) = (target(), fs::read_link(self.tools.join(LINKER))) {
            command.env(linker::variable(&target), linker);
        }
        Ok(command)
    }

    /// Becomes the compiler named by the first argument, after writing down how it is run for a cell.
    fn record(&self) -> io::Result<ExitCode> {
        let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
        let (program, rest) = arguments.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command
            .args(rest)
            .env_remove(WRAPPER_VARIABLE)
            .env_remove(RECORD_VARIABLE);
        let is_cell = rest
            .windows(2)
            .any(|pair| pair[0] == "--crate-name" && pair[1] == CELL_CRATE);
        if is_cell {
            note(&self.tools, Step::Rustc)?;
            if let Some(file) = std::env::var_os(RECORD_VARIABLE) {
                Recording::begin(Path::new(&file), &command)?;
            }
        }
        Err(command.exec())
    }

    fn recording_file(&self, subcommand: &OsStr) -> PathBuf {
        self.tools
            .join(Path::new(subcommand).with_extension("json"))
    }
}

/// Whether cells are built with this manifest: it names the runtime.
fn is_of_cells(manifest: &str) -> bool {
    manifest.lines().any(|line| line.starts_with("corebook = "))
}

/// Whether a build with this manifest depends on nothing but what a recording looks at. A crate in a folder
/// can change at any time, and only cargo sees it.
fn can_be_recorded(manifest: &str) -> bool {
    let dependencies = manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]");
    let is_folder = |line: &str| line.contains("path") && !line.starts_with("corebook = ");
    std::env::var_os(WRAPPER_VARIABLE).is_none() && !dependencies.into_iter().any(is_folder)
}

/// What this process was told to compile for.
fn target() -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--target");
    arguments.nth(1)
}
