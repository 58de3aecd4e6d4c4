//! Which linker cells get, and whether it works.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::search_path::{self, neutral_folder};
use crate::toolchain::cargo_home;
use crate::{Error, Toolchain};

/// How cells are linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linker {
    kind: Kind,
    program: Program,
}

/// The C compiler that rustc uses to link.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Program {
    /// Looked up once, and called by its full path.
    Found(PathBuf),
    /// Cargo's settings name the program.
    NamedElsewhere,
    /// There is no C compiler on `PATH`.
    Missing,
}

/// The linker that `evcxr` chooses by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    System,
    Lld,
    /// The path of mold.
    Mold(PathBuf),
}

impl Linker {
    /// The linker that `evcxr` will choose: mold, else lld if it works, else the system's. On macOS, the system's.
    pub fn detect(toolchain: &Toolchain) -> Self {
        let kind = if cfg!(target_os = "macos") {
            Kind::System
        } else if let Some(mold) = search_path::find("mold") {
            Kind::Mold(mold)
        } else if search_path::find("lld").is_some() && links_with_lld() {
            Kind::Lld
        } else {
            Kind::System
        };
        let program = if !cfg!(unix) || is_named_elsewhere(&toolchain.host) {
            Program::NamedElsewhere
        } else {
            search_path::find("cc").map_or(Program::Missing, Program::Found)
        };
        Self { kind, program }
    }

    /// Fails early if nothing can be linked.
    pub(crate) fn check_is_there(&self) -> Result<(), Error> {
        match self.program {
            Program::Missing => Err(Error::NoLinker {
                detail: "linker `cc` not found".to_owned(),
            }),
            Program::Found(_) | Program::NamedElsewhere => Ok(()),
        }
    }

    pub fn rustflags(&self) -> &'static str {
        match self.kind {
            Kind::Lld => "-Cprefer-dynamic -Clink-arg=-fuse-ld=lld",
            Kind::System | Kind::Mold(_) => "-Cprefer-dynamic",
        }
    }

    /// The C compiler that rustc uses to link; `None` if it is missing or cargo's settings name another.
    pub fn program(&self) -> Option<&Path> {
        match &self.program {
            Program::Found(program) => Some(program),
            Program::NamedElsewhere | Program::Missing => None,
        }
    }

    /// A command that runs `cargo` as `evcxr` does with this linker.
    pub(crate) fn cargo(&self, toolchain: &Toolchain) -> Command {
        let mut command = match &self.kind {
            Kind::Mold(mold) => {
                let mut command = Command::new(mold);
                command.arg("-run").arg(&toolchain.cargo);
                command
            }
            Kind::System | Kind::Lld => Command::new(&toolchain.cargo),
        };
        if let Some(program) = self.program() {
            command.env(variable(&toolchain.host), program);
        }
        command
    }
}

/// The variable from which cargo reads the linker for a target.
pub(crate) fn variable(target: &str) -> String {
    let target = target.to_uppercase().replace(['-', '.'], "_");
    format!("CARGO_TARGET_{target}_LINKER")
}

/// Whether the user has named a linker for cargo.
fn is_named_elsewhere(host: &str) -> bool {
    if std::env::var_os(variable(host)).is_some() {
        return true;
    }
    let settings = cargo_home().into_iter().flat_map(|home| {
        let texts = ["config.toml", "config"].map(|name| fs::read_to_string(home.join(name)));
        texts.into_iter().flatten()
    });
    settings.into_iter().any(|text| names_linker(&text))
}

/// Whether cargo's settings name a linker for any target.
fn names_linker(settings: &str) -> bool {
    let table: toml::Table = settings.parse().unwrap_or_default();
    let targets = table.get("target").and_then(toml::Value::as_table);
    let mut targets = targets.into_iter().flatten();
    targets.any(|(_, target)| target.get("linker").is_some())
}

fn links_with_lld() -> bool {
    let probe = cc().map(|mut cc| {
        cc.args(["-fuse-ld=lld", "-Wl,--version"]);
        cc.output().is_ok_and(|output| output.status.success())
    });
    probe.unwrap_or(false)
}

/// The system's C compiler.
fn cc() -> Option<Command> {
    let mut command = Command::new(search_path::find("cc")?);
    command.current_dir(neutral_folder());
    Some(command)
}

/// Links an empty library as a cell is linked, and returns the linker's name and version.
///
/// A C compiler alone is not enough: without the C library's development files it links nothing.
///
/// # Errors
///
/// [`Error::NoLinker`], or [`Error::LinkFailed`] with the linker's output.
pub fn check(toolchain: &Toolchain) -> Result<String, Error> {
    let failed = |source| Error::io("create a file in", &std::env::temp_dir(), source);
    let folder = tempfile::tempdir().map_err(failed)?;
    let linker = Linker::detect(toolchain);
    let named = linker.program().map(|program| {
        let mut argument = std::ffi::OsString::from("-Clinker=");
        argument.push(program);
        argument
    });
    let output = Command::new(&toolchain.rustc)
        .args(linker.rustflags().split_whitespace())
        .args(named)
        .args([
            "--edition=2024",
            "--crate-type=cdylib",
            "--crate-name=probe",
        ])
        .args(["--target", &toolchain.host, "--out-dir"])
        .arg(folder.path())
        .arg("-")
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .map_err(|source| Error::ToolNotRun {
            tool: toolchain.rustc.clone(),
            source,
        })?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    match (output.status.success(), missing(&stderr)) {
        (true, _) => Ok(version()),
        (false, Some(detail)) => Err(Error::NoLinker { detail }),
        (false, None) => Err(Error::LinkFailed {
            output: stderr.trim().to_owned(),
        }),
    }
}

/// The compiler's message that it found no linker: ``linker `cc` not found``.
pub(crate) fn missing(text: &str) -> Option<String> {
    let is_about_linker =
        |line: &&str| line.contains("linker `") || line.contains("exec the linker");
    let line = text
        .lines()
        .find(|line| is_about_linker(line) && line.contains("not found"))?;
    Some(line.trim_start_matches("error:").trim().to_owned())
}

/// The first line of `cc --version`: rustc links with the system's C compiler.
fn version() -> String {
    let output = cc().and_then(|mut cc| cc.arg("--version").output().ok());
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let first = text.unwrap_or_default();
    first.lines().next().unwrap_or("cc").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_linker_is_recognised() {
        let said =
            "error: linker `cc` not found\n  |\n  = note: No such file or directory (os error 2)\n";
        assert_eq!(missing(said), Some("linker `cc` not found".to_owned()));
        assert_eq!(
            missing("error: linking with `cc` failed: exit status: 1\n"),
            None
        );
    }

    #[test]
    fn a_linker_in_cargos_settings_is_found() {
        assert!(names_linker(
            "[target.x86_64-unknown-linux-gnu]\nlinker = \"clang\"\n"
        ));
        assert!(names_linker("[target.'cfg(unix)']\nlinker = \"clang\"\n"));
        for text in [
            "",
            "[build]\njobs = 2",
            "[target.x]\nrunner = \"r\"",
            "no toml [",
        ] {
            assert!(!names_linker(text), "{text}");
        }
        assert_eq!(
            variable("x86_64-unknown-linux-gnu"),
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER"
        );
    }

    #[test]
    fn the_linker_of_this_machine_links() {
        let toolchain = Toolchain::of_user(None).unwrap();
        assert!(!check(&toolchain).unwrap().is_empty());
    }
}
