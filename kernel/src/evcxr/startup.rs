//! Starts evcxr, and works around what evcxr 0.22 decides at its start. Runs no cell.
//!
//! `build/src/evcxr/README.md` lists these and all other workarounds: which test notices a change in evcxr, and what
//! would make the workaround unnecessary.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::Context;
use corebook::__private::event::{NONCE_LEN, NONCE_VARIABLE};
use corebook_build::evcxr::{SETTINGS_VARIABLE, WORK_DIR_VARIABLE};
use corebook_build::toolchain::RUSTUP_VARIABLE;
use corebook_build::{Session, Template};
use corebook_processes::environment::{Lent, remove_variable, set_variable};
use corebook_processes::program;
use corebook_processes::{
    BACKTRACE_VARIABLE, LIBRARY_DIRS_VARIABLE, REPORT_SOCKET_VARIABLE, ROLE_VARIABLE,
    RUNTIME_LIBRARY_VARIABLE, SUPERVISOR_ROLE,
};
use evcxr::{CommandContext, EvalContext};

use super::interpreter::Interpreter;

/// What evcxr is given in place of each cell.
pub(super) const STATEMENT: &str = "();";

/// The variable that names the path of the standard library's source for rust-analyzer.
const SOURCE_VARIABLE: &str = "RUST_SRC_PATH";

/// What the start of evcxr needs besides template and session.
pub struct Surroundings<'kernel> {
    pub report_socket: &'kernel Path,
    /// The notebook's folder, in which cells run.
    pub folder: Option<&'kernel Path>,
}

/// Starts evcxr in `session` and links cells to the runtime.
///
/// evcxr contains rust-analyzer, which would read the standard library and all dependencies. So `RUSTC` names a file
/// that does not exist, and `CARGO` a program that reports no dependencies. evcxr itself passes the real ones to cargo.
///
/// evcxr looks for `evcxr.toml` in the current folder, then in the user's folder for settings, and its settings can
/// name programs. So evcxr is started in a folder without this file, and the process stays there until a cell runs. To
/// be dropped when the caller can pass settings to evcxr.
pub fn start(
    template: &Template,
    session: &Session,
    surroundings: &Surroundings<'_>,
) -> anyhow::Result<Interpreter> {
    std::env::set_current_dir(session.dir()).context("the session's folder can't be entered")?;
    let supervisor = supervisor_command(template, session, surroundings)?;
    set_variable(WORK_DIR_VARIABLE, session.work_dir().into());
    // By default rust-analyzer prefers rustup's proxies, which look for a toolchain file.
    set_variable(RUSTUP_VARIABLE, template.toolchain().sysroot.clone().into());
    set_variable("RUSTC", "no-library".into());
    set_variable("CARGO", session.metadata_cargo().into());
    remove_variable(SOURCE_VARIABLE);
    let path = path_with(session, std::env::var_os("PATH").as_deref());
    let lent = Lent::set([("PATH", path), (SETTINGS_VARIABLE, session.dir().into())]);
    let (mut context, outputs) = EvalContext::with_subprocess_command(supervisor)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .context("evcxr did not start")?;
    drop(lent);
    log_stderr(outputs.stderr);
    session.restore_locked_versions()?;

    // evcxr writes opt-level 2, debug assertions and overflow checks into the manifest, but timings need the settings
    // of `cargo build --release`. Environment variables override the manifest.
    let mut state = context.state();
    state
        .set_opt_level(template.opt_level())
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    for (name, value) in template.build_envs() {
        state.set_build_env(name, value);
    }
    for (name, config) in template.dependencies() {
        state
            .add_dep(name, config)
            .map_err(|error| anyhow::anyhow!("{error}"))?;
    }
    context
        .eval_with_state(STATEMENT, state)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .context("the runtime can't be linked to cells")?;
    let context = CommandContext::with_eval_context(context);
    Ok(Interpreter::new(context, session.cell_files()))
}

/// The supervisor is this same binary; see `main`.
fn supervisor_command(
    template: &Template,
    session: &Session,
    surroundings: &Surroundings<'_>,
) -> anyhow::Result<Command> {
    let runtime = session.runtime_library()?;
    let runtime_dir = runtime.parent().context("the runtime is in no folder")?;
    let library_dirs = std::env::join_paths([&template.toolchain().library_dir(), runtime_dir])?;
    let mut command = Command::new(program::path()?);
    command
        .env(ROLE_VARIABLE, SUPERVISOR_ROLE)
        .env(REPORT_SOCKET_VARIABLE, surroundings.report_socket)
        .env(LIBRARY_DIRS_VARIABLE, library_dirs)
        .env(RUNTIME_LIBRARY_VARIABLE, &runtime)
        .env(NONCE_VARIABLE, nonce())
        .env(
            BACKTRACE_VARIABLE,
            std::env::var_os("RUST_BACKTRACE").unwrap_or_else(|| "0".into()),
        );
    for (name, value) in original_variables() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if let Some(folder) = surroundings.folder.filter(|folder| folder.is_dir()) {
        command.current_dir(folder);
    }
    Ok(command)
}

/// The variables that are changed for evcxr and rust-analyzer, with their original values, which cells must see.
fn original_variables() -> &'static [(&'static str, Option<OsString>)] {
    const CHANGED: [&str; 6] = [
        "PATH",
        "CARGO",
        "RUSTC",
        RUSTUP_VARIABLE,
        SETTINGS_VARIABLE,
        SOURCE_VARIABLE,
    ];
    static ORIGINAL: OnceLock<[(&str, Option<OsString>); CHANGED.len()]> = OnceLock::new();
    ORIGINAL.get_or_init(|| CHANGED.map(|name| (name, std::env::var_os(name))))
}

/// Hexadecimal digits that mark the runtime's events in the output, and that no program prints by chance.
fn nonce() -> String {
    let mut nonce = uuid::Uuid::new_v4().simple().to_string();
    nonce.truncate(NONCE_LEN);
    nonce
}

fn path_with(session: &Session, path: Option<&std::ffi::OsStr>) -> OsString {
    let rest = path.map(std::env::split_paths).into_iter().flatten();
    std::env::join_paths(session.tool_dirs().into_iter().chain(rest)).unwrap_or_default()
}

/// Starts the thread that logs what the supervisor writes to its stderr.
fn log_stderr(lines: impl IntoIterator<Item = String> + Send + 'static) {
    let spawned = std::thread::Builder::new()
        .name("supervisor-log".to_owned())
        .spawn(move || {
            for line in lines {
                tracing::warn!("supervisor: {line}");
            }
        });
    if let Err(error) = spawned {
        tracing::warn!("the supervisor's messages are not logged: {error}");
    }
}
