//! The shim that evcxr runs in a session in place of cargo.
//!
//! Nearly always, only the cell's source has changed since the last build, and cargo needs 40 ms to find that out. So
//! the first build goes through cargo and is recorded, and later builds run the recorded rustc directly. If anything
//! else has changed (manifest, lock file, settings, environment, toolchain, a library), cargo runs again.
//!
//! This binary appears under three names in the session's `bin` folder: as `cargo`, as `rustc-recorder`, which cargo
//! runs around rustc, and as `cargo-metadata`, which evcxr's rust-analyzer runs. Where it can, it replaces itself by the compiler (`exec`)
//! instead of starting a child, so an interrupt that kills the shim kills the compiler. Children that it does start
//! are killed with it.
//!
//! * [`cell_files`]: the source of a cell, which comes from the kernel, and rustc's messages about it
//! * [`recording`]: how cargo ran rustc, and whether it would do the same now
//! * [`journal`]: when cells were compiled, and how often rustc ran
//! * [`metadata`]: the answer to rust-analyzer, which evcxr starts for each manifest

pub mod cell_files;
pub(crate) mod journal;
mod metadata;
mod recording;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use nix::sys::signal::Signal;

use self::cell_files::{CellFiles, Request};
pub use self::journal::Compile;
use self::journal::{Step, note};
use self::recording::{Call, Recording};
use crate::cache::TEMPORARY;
use crate::child_process::end_with_parent;
use crate::evcxr::{CELL_CRATE, RESULT_VARIABLE};
use crate::linker;

const CARGO: &str = "cargo";
const RECORDER: &str = "rustc-recorder";
/// The cargo of the rust-analyzer that evcxr contains.
pub(crate) const METADATA: &str = "cargo-metadata";
/// A link to the real cargo.
const REAL_CARGO: &str = "real-cargo";

/// A link to the program that links, unless cargo's settings name one.
const LINKER: &str = "linker";

/// Names the file in which the recorder writes how rustc is run.
const RECORD_VARIABLE: &str = "COREBOOK_RECORD";
/// Names a wrapper around rustc, such as sccache.
const WRAPPER_VARIABLE: &str = "RUSTC_WRAPPER";
/// Names that wrapper while the recorder is in its place. Crates are compiled by it, cells are not.
const INNER_WRAPPER_VARIABLE: &str = "COREBOOK_RUSTC_WRAPPER";
/// Names the folder for temporary files.
const TEMPORARY_VARIABLE: &str = "TMPDIR";
/// Below this length of the source, in bytes, rustc is faster without incremental compilation.
/// Every function of the notebook is in the source of every cell.
const INCREMENTAL_FROM: usize = 6 * 1024;

/// This process under one of its names in a session.
pub struct CargoShim {
    tools: PathBuf,
    role: Role,
}

enum Role {
    Cargo,
    Recorder,
    Metadata,
}

impl CargoShim {
    /// `None` if this process was not started under one of these names in a session.
    pub fn of_this_process() -> Option<Self> {
        let program = PathBuf::from(std::env::args_os().next()?);
        let role = match program.file_name()?.to_str()? {
            CARGO => Role::Cargo,
            RECORDER => Role::Recorder,
            METADATA => Role::Metadata,
            _ => return None,
        };
        let tools = program.parent()?.to_owned();
        tools
            .join(REAL_CARGO)
            .is_symlink()
            .then_some(Self { tools, role })
    }

    /// Puts the shim into a new folder.
    ///
    /// * `binary`: a program that calls [`CargoShim::of_this_process`] and [`CargoShim::run`] before anything else.
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
        symlink(binary, tools.join(METADATA))?;
        if let Some(linker) = linker {
            symlink(linker, tools.join(LINKER))?;
        }
        symlink(cargo, tools.join(REAL_CARGO))
    }

    /// Does what cargo, or the rustc that cargo wanted to run, would do.
    pub fn run(&self) -> ExitCode {
        let ended = match self.role {
            Role::Cargo => self.run_as_cargo(),
            Role::Recorder => self.record(),
            Role::Metadata => metadata::print(),
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
        let request = self.cell_files().read();
        let source = Path::new("src/lib.rs");
        let mut text = fs::read_to_string(source)?;
        if let Some(request) = &request {
            text = request.source_for(&text);
            fs::write(source, &text)?;
        }
        let call = Call::of_this_process().filter(|_| can_be_recorded(&manifest));
        let Some(call) = call else {
            return Err(self.noting_cargo()?.exec());
        };
        let file = self.recording_file(&subcommand);
        if let Some(recording) = Recording::read(&file).filter(|it| it.is_valid_for(&call)) {
            if let Some(result) = std::env::var_os(RESULT_VARIABLE) {
                fs::write(result, recording.library().as_os_str().as_encoded_bytes())?;
            }
            note(&self.tools, Step::Rustc)?;
            let is_incremental = text.len() >= INCREMENTAL_FROM;
            let mut rustc = recording.command(is_incremental);
            if let Some(request) = &request {
                self.redirect(&mut rustc, request)?;
            }
            return Err(rustc.exec());
        }
        self.run_recorded(&call, &file)
    }

    fn cell_files(&self) -> CellFiles {
        CellFiles::beside(&self.tools)
    }

    /// Has rustc link to the libraries of earlier cells, and write its messages, and the types of variables if they are
    /// wanted, to the files of the cell.
    ///
    /// evcxr then sees no message: it would compile again in other forms, but the kernel knows better what to do.
    fn redirect(&self, rustc: &mut Command, request: &Request) -> io::Result<()> {
        let files = self.cell_files();
        if request.wants_types {
            let mut emit = OsString::from("--emit=mir=");
            emit.push(files.types_file());
            rustc.arg(emit);
        }
        for library in &request.libraries {
            rustc.arg(format!("-Clink-arg={library}"));
        }
        rustc.stderr(fs::File::create(files.messages_file())?);
        Ok(())
    }

    /// Runs cargo, and records how it runs rustc for the cell.
    fn run_recorded(&self, call: &Call, file: &Path) -> io::Result<ExitCode> {
        // It is outdated, and must not be completed if cargo fails before it calls rustc.
        let _ = fs::remove_file(file);
        let mut cargo = self.noting_cargo()?;
        cargo.env(RECORD_VARIABLE, file);
        // If this process is killed, for example by an interrupt, so is cargo.
        end_with_parent(&mut cargo, Signal::SIGKILL);
        let status = cargo.status()?;
        Recording::complete(file, call)?;
        Ok(exit_code(status))
    }

    /// Runs cargo and restores the lock file, for a manifest that is not that of cells.
    ///
    /// evcxr checks a new `:dep` in a manifest that has no other dependency, and cargo then forgets the locked versions
    /// of all others. If one of the runtime's crates has a newer release, the runtime would be compiled again in the
    /// middle of a notebook, and pools in variables would belong to the old one.
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

    /// Runs cargo without a network, which is enough for a crate that was downloaded before. `None` if it fails; then
    /// it has printed nothing.
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
        if let Some(wrapper) = std::env::var_os(WRAPPER_VARIABLE) {
            command.env(INNER_WRAPPER_VARIABLE, wrapper);
        }
        command.env(WRAPPER_VARIABLE, self.tools.join(RECORDER));
        Ok(command)
    }

    /// The real cargo with this process's arguments.
    fn cargo(&self) -> io::Result<Command> {
        let mut command = self.real_cargo()?;
        command.args(std::env::args_os().skip(1));
        Ok(command)
    }

    /// Its temporary files and the compiler's are in the session, so they are removed with it if these programs are
    /// killed. Not so with a wrapper: a server that sccache starts outlives the session and still needs its folder.
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

    /// Becomes the compiler named by the first argument. If it compiles a cell, its call is recorded first.
    fn record(&self) -> io::Result<ExitCode> {
        let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
        let (program, rest) = arguments.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let is_cell = rest
            .windows(2)
            .any(|pair| pair[0] == "--crate-name" && pair[1] == CELL_CRATE);
        let wrapper = std::env::var_os(INNER_WRAPPER_VARIABLE).filter(|_| !is_cell);
        let mut command = match &wrapper {
            Some(wrapper) => {
                let mut command = Command::new(wrapper);
                command.arg(program).env(WRAPPER_VARIABLE, wrapper);
                command
            }
            None => {
                let mut command = Command::new(program);
                command.env_remove(WRAPPER_VARIABLE);
                command
            }
        };
        command
            .args(rest)
            .env_remove(INNER_WRAPPER_VARIABLE)
            .env_remove(RECORD_VARIABLE);
        if is_cell {
            note(&self.tools, Step::Rustc)?;
            if let Some(file) = std::env::var_os(RECORD_VARIABLE) {
                Recording::begin(Path::new(&file), &command)?;
            }
            if let Some(request) = self.cell_files().read() {
                self.redirect(&mut command, &request)?;
            }
        }
        Err(command.exec())
    }

    fn recording_file(&self, subcommand: &OsStr) -> PathBuf {
        self.tools
            .join(Path::new(subcommand).with_extension("json"))
    }
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Whether cells are built with this manifest: it names the runtime.
fn is_of_cells(manifest: &str) -> bool {
    manifest.lines().any(|line| line.starts_with("corebook = "))
}

/// Whether a recording covers everything that a build with this manifest depends on. A crate in a folder can change at
/// any time, and only cargo notices.
fn can_be_recorded(manifest: &str) -> bool {
    let dependencies = manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]");
    let is_folder = |line: &str| line.contains("path") && !line.starts_with("corebook = ");
    std::env::var_os(WRAPPER_VARIABLE).is_none() && !dependencies.into_iter().any(is_folder)
}

/// The target that this process compiles for.
fn target() -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--target");
    arguments.nth(1)
}
