//! Runs cargo in a working directory exactly as `evcxr` 0.22 will.
//!
//! Cargo reuses a build only if flags, profile and environment are the same. So this module repeats `evcxr`'s
//! `Config::cargo_command` (`eval_context.rs`) and its manifest (`module.rs`). Compare both when `evcxr` is upgraded. A
//! difference shows as "Compiling corebook" when a kernel starts; the tests of this crate and the end-to-end tests then
//! fail.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::evcxr::CELL_CRATE;
use crate::linker::{self, Linker};
use crate::{Error, Toolchain};

/// Cells are compiled as `cargo build --release` would.
pub(crate) const OPT_LEVEL: &str = "3";

/// The other settings of a release build. `evcxr` writes the opposite into its manifest.
///
/// One codegen unit is optimised at least as well as the sixteen of a release build, and a cell is too small to split
/// into sixteen: `docs/how-cells-are-compiled.md` has the figures.
pub(crate) const BUILD_ENVS: [(&str, &str); 3] = [
    ("CARGO_PROFILE_DEV_OVERFLOW_CHECKS", "false"),
    ("CARGO_PROFILE_DEV_DEBUG_ASSERTIONS", "false"),
    ("CARGO_PROFILE_DEV_CODEGEN_UNITS", "1"),
];

/// About as much as a library and its metadata take.
const PROBE_BYTES: usize = 16 * 1024 * 1024;

/// The manifest `evcxr` writes.
pub(crate) fn manifest(dependencies: &[(String, String)]) -> String {
    let lines: String = dependencies
        .iter()
        .map(|(name, config)| format!("{name} = {config}\n"))
        .collect();
    format!(
        r#"
[package]
name = "{CELL_CRATE}"
version = "1.0.0"
edition = "2024"

[lib]
crate-type = ["cdylib"]
path = "src/lib.rs"

[profile.dev]
opt-level = {OPT_LEVEL}
debug = false
strip = "debuginfo"
rpath = true
lto = false
debug-assertions = true
codegen-units = 16
panic = 'unwind'
incremental = true
overflow-checks = true

[dependencies]
{lines}
"#
    )
}

/// `.cargo/config.toml` as `evcxr` writes it.
pub(crate) const CONFIG: &str = "\n[net]\noffline = false\n";

/// `.cargo/config.toml` in the folder above. Cargo reads it too, and `evcxr` does not change it.
///
/// It sets how all crates but the cell's own are compiled, so that `:opt 0` changes only the cells. Otherwise the
/// runtime would be compiled again, which loses every pool.
pub(crate) const OUTER_CONFIG: &str = r#"
[profile.dev.package."*"]
opt-level = 3
debug-assertions = false
overflow-checks = false
codegen-units = 16

[profile.dev.package.corebook]
codegen-units = 1
incremental = false
"#;

/// Where `evcxr` works in the folder of a template or session.
///
/// If a folder above belongs to a workspace, for example one that contains the cache, cargo takes the crate here for a
/// missing member of it and fails. `evcxr`'s manifest can't say that it is not a member. But `cargo package` builds in
/// folders of this name, so cargo does not look for a workspace above them.
pub(crate) const WORK_DIR: &str = "target/package/work";

/// Runs `cargo build` or `cargo check` and calls `progress` with a line for each crate it compiles.
pub(crate) fn run(
    toolchain: &Toolchain,
    linker: &Linker,
    subcommand: &str,
    work_dir: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<(), Error> {
    let mut command = linker.cargo(toolchain);
    command
        .arg(subcommand)
        .args(["--target", &toolchain.host, "--message-format=json"])
        .current_dir(work_dir)
        .env("CARGO_TARGET_DIR", "target")
        .env("CARGO_BUILD_BUILD_DIR", "target")
        .env("RUSTC", &toolchain.rustc)
        .env("RUSTFLAGS", linker.rustflags())
        .envs(BUILD_ENVS)
        .env("CARGO_TERM_COLOR", "never")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|source| Error::ToolNotRun {
        tool: toolchain.cargo.clone(),
        source,
    })?;
    let mut stdout = child.stdout.take().expect("stdout is piped");
    let stderr = child.stderr.take().expect("stderr is piped");
    // Compiler errors come on stdout. Both pipes are read at the same time, so that neither fills up.
    let messages = std::thread::spawn(move || {
        let mut text = Vec::new();
        stdout
            .read_to_end(&mut text)
            .map(|_| String::from_utf8_lossy(&text).into_owned())
    });
    let mut log = String::new();
    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if let Some(step) = step(&line) {
            progress(&step);
        }
        log.push_str(&line);
        log.push('\n');
    }
    let failed = |source| Error::io("wait for cargo in", work_dir, source);
    let messages = messages
        .join()
        .expect("reading a pipe does not panic")
        .map_err(failed)?;
    match child.wait().map_err(failed)?.success() {
        true => Ok(()),
        // The output may not say so: a linker that maps its file into memory ends with a bus error.
        false if is_full(work_dir) => Err(Error::DiskFull {
            path: work_dir.to_owned(),
        }),
        false => Err(explain(&log, &messages, work_dir)),
    }
}

/// Whether the disk lacks the space that one more step of a build needs.
fn is_full(dir: &Path) -> bool {
    let chunk = [0; 64 * 1024];
    let fill = || {
        let mut file = tempfile::tempfile_in(dir)?;
        (0..PROBE_BYTES / chunk.len()).try_for_each(|_| file.write_all(&chunk))
    };
    fill().is_err_and(|error| error.kind() == ErrorKind::StorageFull)
}

/// Whether cargo could build here without a network: the sources of all crates are on this machine.
pub(crate) fn is_downloaded(toolchain: &Toolchain, work_dir: &Path) -> bool {
    let asked = Command::new(&toolchain.cargo)
        .args(["metadata", "--format-version=1", "--offline", "--locked"])
        .args(["--filter-platform", &toolchain.host])
        .current_dir(work_dir)
        .env("RUSTC", &toolchain.rustc)
        .stdin(Stdio::null())
        .output();
    asked.is_ok_and(|output| output.status.success())
}

/// `compiling rayon v1.12.0` for cargo's `   Compiling rayon v1.12.0`; `None` for the cell's crate.
fn step(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let verb = words
        .next()
        .filter(|verb| ["Compiling", "Checking", "Downloaded"].contains(verb))?;
    let (name, version) = (words.next()?, words.next()?);
    (name != CELL_CRATE).then(|| format!("{} {name} {version}", verb.to_lowercase()))
}

/// Turns cargo's output into an error that says what the user can do.
fn explain(log: &str, messages: &str, work_dir: &Path) -> Error {
    let all = || log.lines().chain(messages.lines());
    let has = |signs: &[&str]| {
        let line = all().find(|line| signs.iter().any(|sign| line.contains(sign)));
        line.map(|line| rendered(line).trim().to_owned())
    };
    if has(&["No space left on device", "os error 28"]).is_some() {
        return Error::DiskFull {
            path: work_dir.to_owned(),
        };
    }
    let missing_linker = all().find_map(|line| linker::missing(&rendered(line)));
    if let Some(detail) = missing_linker {
        return Error::NoLinker { detail };
    }
    if let Some(detail) = has(&[
        "no matching package named",
        "failed to select a version for",
    ]) {
        return Error::UnknownCrate {
            request: quoted(&detail),
            detail,
        };
    }
    let network = [
        "failed to download",
        "Could not resolve host",
        "network failure",
        "failed to query replaced source",
    ];
    let network = has(&network)
        .or_else(|| has(&["spurious network error", "download of config.json failed"]));
    if let Some(detail) = network {
        return Error::NoNetwork { detail };
    }
    let errors: Vec<String> = messages
        .lines()
        .filter(|line| line.contains("\"level\":\"error\""))
        .map(rendered)
        .collect();
    let output = match errors.is_empty() {
        true => log.trim().to_owned(),
        false => errors.join("\n"),
    };
    Error::BuildFailed { output }
}

/// The text of a JSON message of the compiler; any other line unchanged.
fn rendered(line: &str) -> String {
    let message: Option<serde_json::Value> = serde_json::from_str(line).ok();
    let text = message
        .as_ref()
        .and_then(|message| message["message"]["rendered"].as_str());
    text.unwrap_or(line).to_owned()
}

/// The first name in backticks.
fn quoted(text: &str) -> String {
    text.split('`').nth(1).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(log: &str) -> Error {
        explain(log, "", Path::new("/cache"))
    }

    #[test]
    fn cargos_failures_become_cures() {
        let full =
            "error: failed to write `x`\n\nCaused by:\n  No space left on device (os error 28)";
        assert!(matches!(explained(full), Error::DiskFull { .. }));
        let no_host = "error: failed to get `rand`\nCaused by:\n  [6] Could not resolve hostname (Could not resolve host: x)";
        assert!(matches!(explained(no_host), Error::NoNetwork { .. }));
        let unknown = "error: no matching package named `rnd` found";
        let Error::UnknownCrate { request, .. } = explained(unknown) else {
            panic!("unknown crate")
        };
        assert_eq!(request, "rnd");
    }

    #[test]
    fn a_missing_linker_is_found_among_the_compilers_messages() {
        let message = r#"{"reason":"compiler-message","message":{"level":"error","rendered":"error: linker `cc` not found\n  |\n"}}"#;
        let error = explain(
            "error: could not compile `libc`",
            message,
            Path::new("/cache"),
        );
        assert!(
            error
                .to_string()
                .contains("linker `cc` not found): install"),
            "{error}"
        );
    }

    #[test]
    fn only_other_crates_are_steps() {
        assert_eq!(
            step("   Compiling rayon v1.12.0").as_deref(),
            Some("compiling rayon v1.12.0")
        );
        assert_eq!(step("   Compiling ctx v1.0.0 (/x)"), None);
        assert_eq!(step("    Finished `dev` profile in 1s"), None);
    }
}
