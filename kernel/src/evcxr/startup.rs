//! Makes evcxr ready, and works around what evcxr 0.22 decides at its start.
//!
//! `build/src/evcxr/README.md` lists these and all other workarounds, with the test that breaks and what would let
//! each go.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::Context;
use corebook::__private::event::{SESSION_WORD_LEN, SESSION_WORD_VARIABLE};
use corebook_build::evcxr::{SETTINGS_VARIABLE, WORK_DIR_VARIABLE};
use corebook_build::toolchain::RUSTUP_VARIABLE;
use corebook_build::{Session, Template};
use corebook_processes::environment::{Lent, set_variable};
use corebook_processes::program;
use corebook_processes::{
    BACKTRACE_VARIABLE, LIBRARY_DIRS_VARIABLE, REPORT_SOCKET_VARIABLE, ROLE_VARIABLE,
    RUNTIME_LIBRARY_VARIABLE, SUPERVISOR_ROLE,
};
use evcxr::{CommandContext, EvalContext};

use super::interpreter::Interpreter;
use super::std_source::{self, StdSource};

/// What every cell imports. Macros with the names of std's are ambiguous through a glob, so they are named.
const IMPORTS: &str = "use corebook::prelude::*; use corebook::{dbg, eprint, eprintln};";

/// What evcxr is started in besides its session.
pub struct Surroundings<'kernel> {
    pub report_socket: &'kernel Path,
    /// The notebook's folder, in which cells run.
    pub folder: Option<&'kernel Path>,
}

/// Starts evcxr in `session` and links cells to the runtime. rust-analyzer knows no standard library then.
///
/// evcxr looks for `evcxr.toml` in the current folder, then in the user's folder for settings, and its settings name
/// programs. So its start happens in a folder without one, and this process stays there until a cell runs. To be
/// dropped when evcxr can be started with settings of the caller's.
pub fn start(
    template: &Template,
    session: &Session,
    surroundings: &Surroundings<'_>,
) -> anyhow::Result<Interpreter> {
    std::env::set_current_dir(session.dir()).context("the session's folder can't be entered")?;
    let supervisor = supervisor_command(template, session, surroundings)?;
    set_variable(WORK_DIR_VARIABLE, session.work_dir().into());
    // rust-analyzer prefers rustup's proxies, which would look for a toolchain file.
    set_variable(RUSTUP_VARIABLE, template.toolchain().sysroot.clone().into());
    let std_source = StdSource::new(template, session);
    let path = path_with(session, std::env::var_os("PATH").as_deref());
    let lent = Lent::set([("PATH", path), (SETTINGS_VARIABLE, session.dir().into())]);
    let (mut context, outputs) = EvalContext::with_subprocess_command(supervisor)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .context("evcxr did not start")?;
    drop(lent);
    set_variable("CARGO", template.toolchain().cargo.clone().into());
    log_stderr(outputs.stderr);
    session.restore_locked_versions()?;

    // evcxr writes opt-level 2, debug assertions and overflow checks into the manifest; timings want what
    // `cargo build --release` does. The environment wins over the manifest.
    let mut state = context.state();
    state
        .set_opt_level(&std_source::starting_opt_level(template))
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
        .eval_with_state(IMPORTS, state)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .context("the runtime can't be linked to cells")?;
    let context = CommandContext::with_eval_context(context);
    Ok(Interpreter::new(context, std_source, session.order_file()))
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
        .env(SESSION_WORD_VARIABLE, session_word())
        .env(
            BACKTRACE_VARIABLE,
            std::env::var_os("RUST_BACKTRACE").unwrap_or_else(|| "0".into()),
        );
    for (name, value) in variables_of_the_start() {
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

/// The variables by which evcxr and rust-analyzer are told things, as they were before: cells see them so.
fn variables_of_the_start() -> &'static [(&'static str, Option<OsString>)] {
    const TOLD: [&str; 6] = [
        "PATH",
        "CARGO",
        "RUSTC",
        RUSTUP_VARIABLE,
        SETTINGS_VARIABLE,
        std_source::SOURCE_VARIABLE,
    ];
    static BEFORE: OnceLock<[(&str, Option<OsString>); TOLD.len()]> = OnceLock::new();
    BEFORE.get_or_init(|| TOLD.map(|name| (name, std::env::var_os(name))))
}

/// Hexadecimal digits that no program prints by chance.
fn session_word() -> String {
    let mut word = uuid::Uuid::new_v4().simple().to_string();
    word.truncate(SESSION_WORD_LEN);
    word
}

fn path_with(session: &Session, path: Option<&std::ffi::OsStr>) -> OsString {
    let rest = path.map(std::env::split_paths).into_iter().flatten();
    std::env::join_paths(session.tool_dirs().into_iter().chain(rest)).unwrap_or_default()
}

/// What the supervisor says on its own stderr is for the log.
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
