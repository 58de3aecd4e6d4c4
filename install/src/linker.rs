//! The linker: which one cells get, and whether it links at all.

use std::process::{Command, Stdio};

use crate::toolchain::find_on_path;
use crate::{Error, Toolchain};

/// The linker that `evcxr` chooses by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linker {
    System,
    Lld,
    Mold,
}

impl Linker {
    /// What `evcxr` will find: mold before lld, neither on macOS, and lld only if it links.
    pub fn detect() -> Self {
        if cfg!(target_os = "macos") {
            return Self::System;
        }
        if find_on_path("mold").is_some() {
            return Self::Mold;
        }
        let links = || {
            let probe = Command::new("cc")
                .args(["-fuse-ld=lld", "-Wl,--version"])
                .output();
            probe.is_ok_and(|output| output.status.success())
        };
        match find_on_path("lld").is_some() && links() {
            true => Self::Lld,
            false => Self::System,
        }
    }

    pub fn rustflags(self) -> &'static str {
        match self {
            Self::Lld => "-Cprefer-dynamic -Clink-arg=-fuse-ld=lld",
            Self::System | Self::Mold => "-Cprefer-dynamic",
        }
    }
}

/// Links an empty library as a cell is linked, and says by what.
///
/// A compiler alone is not enough: without the C library's own files it links nothing.
///
/// # Errors
///
/// [`Error::NoLinker`], or [`Error::LinkFailed`] with the linker's own words.
pub fn check(toolchain: &Toolchain) -> Result<String, Error> {
    let failed = |source| Error::io("create a file in", &std::env::temp_dir(), source);
    let folder = tempfile::tempdir().map_err(failed)?;
    let output = Command::new(&toolchain.rustc)
        .args(Linker::detect().rustflags().split_whitespace())
        .args([
            "--edition=2024",
            "--crate-type=cdylib",
            "--crate-name=probe",
        ])
        .args(["--target", &toolchain.host, "--out-dir"])
        .arg(folder.path())
        .arg("-")
        .stdin(Stdio::null())
        .output()
        .map_err(|source| Error::ToolNotRun {
            tool: toolchain.rustc.clone(),
            source,
        })?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    match (output.status.success(), missing(&stderr)) {
        (true, _) => Ok(name()),
        (false, Some(detail)) => Err(Error::NoLinker { detail }),
        (false, None) => Err(Error::LinkFailed {
            output: stderr.trim().to_owned(),
        }),
    }
}

/// What the compiler says when it finds no linker: ``linker `cc` not found``.
pub(crate) fn missing(text: &str) -> Option<String> {
    let speaks_of_it = |line: &&str| line.contains("linker `") || line.contains("exec the linker");
    let line = text
        .lines()
        .find(|line| speaks_of_it(line) && line.contains("not found"))?;
    Some(line.trim_start_matches("error:").trim().to_owned())
}

/// rustc links by the system's C compiler.
fn name() -> String {
    let output = Command::new("cc").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let first = text.unwrap_or_default();
    first.lines().next().unwrap_or("cc").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_linker_is_known_by_rustcs_words() {
        let said =
            "error: linker `cc` not found\n  |\n  = note: No such file or directory (os error 2)\n";
        assert_eq!(missing(said), Some("linker `cc` not found".to_owned()));
        assert_eq!(
            missing("error: linking with `cc` failed: exit status: 1\n"),
            None
        );
    }

    #[test]
    fn the_linker_of_this_machine_links() {
        let toolchain = Toolchain::discover().unwrap();
        assert!(!check(&toolchain).unwrap().is_empty());
    }
}
