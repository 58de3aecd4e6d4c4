//! Finds the `cargo` and `rustc` that compile cells.
//!
//! Finds the real tools, not rustup's proxies: a proxy costs 20 ms a call and decides each time which toolchain to run.
//! Never installs or downloads anything, and never runs a program in the current folder, which can be that of any
//! notebook.
//!
//! * [`rustup`]: what the user has chosen
//! * [`file`]: what the toolchain file of a folder asks for

mod file;
mod rustup;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use semver::{Version, VersionReq};

use crate::Error;
use crate::search_path::{self, exe};

use self::file::{Named, ToolchainFile};
use self::rustup::Settings;

/// The oldest rustc that compiles the runtime; the workspace's `rust-version`.
const OLDEST_RUSTC: &str = env!("CARGO_PKG_RUST_VERSION");

/// Names the toolchain to use, as rustup knows it; the kernelspec sets it for `--toolchain`.
pub const TOOLCHAIN_VARIABLE: &str = "COREBOOK_TOOLCHAIN";

/// Chooses a toolchain, by its name or folder, for everything that rustup runs; rustup then looks for no file.
pub const RUSTUP_VARIABLE: &str = "RUSTUP_TOOLCHAIN";

/// One Rust toolchain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    pub cargo: PathBuf,
    pub rustc: PathBuf,
    /// The target triple that this machine's programs are compiled for.
    pub host: String,
    /// The compiler's version, such as `1.95.0`.
    pub version: String,
    /// What `rustc -Vv` prints; any change of the compiler changes it.
    pub verbose_version: String,
    /// The folder that holds the toolchain's libraries.
    pub sysroot: PathBuf,
}

/// What the files of a folder say about the toolchain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderChoice {
    /// Nothing, or the user's own choice wins.
    Nothing,
    /// One that is installed.
    Toolchain(Toolchain),
    /// Something that no folder may choose, with a message for the user.
    Refused(String),
}

impl Toolchain {
    /// The toolchain that the user has chosen: by [`TOOLCHAIN_VARIABLE`] or `RUSTUP_TOOLCHAIN`, by `rustup override
    /// set` for `folder` or one above, or by `rustup default`; without rustup, the cargo on `PATH`.
    ///
    /// Files of `folder` are not read: they count from the first cell on, by [`Toolchain::of_folder`].
    ///
    /// Works without `cargo` on `PATH` if rustup put it in its usual place, because programs started from a desktop
    /// often lack that part of `PATH`.
    ///
    /// # Errors
    ///
    /// When there is no cargo, rustup has no such toolchain, the tools do not run, or the compiler is too old.
    pub fn of_user(folder: Option<&Path>) -> Result<Self, Error> {
        if let Some(name) = variable(TOOLCHAIN_VARIABLE) {
            return Self::named(&name);
        }
        let cargo = find_cargo()?;
        let rustup = cargo.with_file_name(exe("rustup"));
        let cargo = if !rustup.is_file() {
            cargo
        } else if variable(RUSTUP_VARIABLE).is_some() {
            rustup::which_cargo(&rustup, None)?
        } else {
            rustup::which_cargo(&rustup, Settings::read().chosen_for(folder))?
        };
        let rustc = file_in_variable("RUSTC").unwrap_or_else(|| rustc_beside(&cargo));
        Self::describe(cargo, rustc)
    }

    /// [`Toolchain::of_user`] in the current folder.
    ///
    /// # Errors
    ///
    /// As for [`Toolchain::of_user`].
    pub fn here() -> Result<Self, Error> {
        Self::of_user(env::current_dir().ok().as_deref())
    }

    /// Whether a variable chooses the toolchain, so that no folder does.
    pub fn is_chosen_by_variable() -> bool {
        [TOOLCHAIN_VARIABLE, RUSTUP_VARIABLE]
            .iter()
            .any(|name| variable(name).is_some())
    }

    /// What the toolchain file of `folder`, or of the nearest folder above that has one, chooses.
    ///
    /// A choice by a variable takes precedence. The caller checks that, before it sets [`RUSTUP_VARIABLE`] itself.
    ///
    /// # Errors
    ///
    /// When the file is broken, or names a toolchain that is not installed or too old. Each message names the file.
    pub fn of_folder(folder: &Path) -> Result<FolderChoice, Error> {
        let settings = Settings::read();
        let found = ToolchainFile::find(folder, |folder| settings.has_override(folder))?;
        let Some(ToolchainFile { path, names }) = found else {
            return Ok(FolderChoice::Nothing);
        };
        match names {
            // As cargo itself does without rustup.
            Named::Channel(_) if find_tool("rustup").is_none() => Ok(FolderChoice::Nothing),
            Named::Channel(name) => match Self::named(&name) {
                Ok(toolchain) => Ok(FolderChoice::Toolchain(toolchain)),
                Err(Error::NoToolchain { wanted, detail }) => Err(Error::NoToolchainOfFile {
                    file: path,
                    wanted,
                    detail,
                }),
                Err(error) => Err(Error::UnusableToolchainOfFile {
                    file: path,
                    wanted: name,
                    cause: Box::new(error),
                }),
            },
            Named::Path(named) => Ok(FolderChoice::Refused(format!(
                "{} asks for the toolchain in `{}`, and a folder may not choose programs: cells are compiled by your \
                 own toolchain; COREBOOK_TOOLCHAIN names another",
                path.display(),
                named.escape_debug()
            ))),
        }
    }

    /// The toolchain with this rustup name.
    fn named(name: &str) -> Result<Self, Error> {
        let rustup = find_tool("rustup").ok_or_else(|| Error::NoToolchain {
            wanted: name.to_owned(),
            detail: "there is no rustup".to_owned(),
        })?;
        let cargo = rustup::which_cargo(&rustup, Some(name))?;
        let rustc = rustc_beside(&cargo);
        Self::describe(cargo, rustc)
    }

    /// Whether both are the same compiler, even if their folders differ.
    pub fn is_same_compiler(&self, other: &Self) -> bool {
        self.verbose_version == other.verbose_version
    }

    fn describe(cargo: PathBuf, rustc: PathBuf) -> Result<Self, Error> {
        let verbose_version = output_of(&rustc, &["-Vv"])?;
        let field = |name: &str| {
            let value = verbose_version
                .lines()
                .find_map(|line| line.strip_prefix(name));
            value.map(str::to_owned).ok_or_else(|| Error::ToolFailed {
                tool: rustc.clone(),
                detail: format!("`-Vv` printed no line `{name}`"),
            })
        };
        let (host, version) = (field("host: ")?, field("release: ")?);
        if is_older(&version, OLDEST_RUSTC) {
            return Err(Error::RustcTooOld {
                found: version,
                needed: OLDEST_RUSTC.to_owned(),
            });
        }
        let sysroot = sysroot(&rustc, &host)?;
        Ok(Self {
            cargo,
            rustc,
            host,
            version,
            verbose_version,
            sysroot,
        })
    }

    /// The source of the standard library. None if it is not installed.
    pub fn library_source(&self) -> Option<PathBuf> {
        let source = self.sysroot.join("lib/rustlib/src/rust/library");
        source.join("core/src/lib.rs").exists().then_some(source)
    }

    /// Whether rust-analyzer can infer the types of variables.
    ///
    /// # Errors
    ///
    /// [`Error::NoRustSrc`], whose message says which command adds the source.
    pub fn check_rust_src(&self) -> Result<(), Error> {
        if self.library_source().is_some() {
            return Ok(());
        }
        // The folder of a toolchain that rustup installed has the toolchain's name.
        let name = self
            .sysroot
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let is_rustups = self
            .sysroot
            .parent()
            .is_some_and(|parent| parent.ends_with("toolchains"));
        let cure = match is_rustups {
            true => format!("rustup component add rust-src --toolchain {name}"),
            false => "rustup component add rust-src".to_owned(),
        };
        Err(Error::NoRustSrc {
            sysroot: self.sysroot.clone(),
            cure,
        })
    }

    /// The folder of the standard library's dynamic library, which cells need at run time.
    pub fn library_dir(&self) -> PathBuf {
        self.sysroot
            .join("lib/rustlib")
            .join(&self.host)
            .join("lib")
    }
}

/// The cargo that the environment names, as under `cargo run`, or the one that a shell would find.
fn find_cargo() -> Result<PathBuf, Error> {
    file_in_variable("CARGO")
        .or_else(|| find_tool("cargo"))
        .ok_or_else(|| Error::NoCargo {
            looked_in: cargo_home().unwrap_or_default().join("bin"),
        })
}

/// A program on `PATH`, else where rustup puts it.
fn find_tool(program: &str) -> Option<PathBuf> {
    let usual = || Some(cargo_home()?.join("bin").join(exe(program)));
    search_path::find(program)
        .or_else(usual)
        .filter(|path| path.is_file())
}

/// The folder for cargo's downloads and settings.
pub fn cargo_home() -> Option<PathBuf> {
    let named = env::var_os("CARGO_HOME")
        .filter(|home| !home.is_empty())
        .map(PathBuf::from);
    named.or_else(|| dirs::home_dir().map(|home| home.join(".cargo")))
}

/// The compiler that belongs to a cargo.
fn rustc_beside(cargo: &Path) -> PathBuf {
    let beside = Some(cargo.with_file_name(exe("rustc"))).filter(|path| path.is_file());
    beside
        .or_else(|| search_path::find("rustc"))
        .unwrap_or_else(|| PathBuf::from("rustc"))
}

/// The program that a variable names by its full path. A relative path would mean another program in each folder.
fn file_in_variable(name: &str) -> Option<PathBuf> {
    let path = env::var_os(name).map(PathBuf::from)?;
    (path.is_absolute() && path.is_file()).then_some(path)
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn output_of(tool: &Path, args: &[&str]) -> Result<String, Error> {
    let output = Command::new(tool)
        .args(args)
        // rustup's programs look for a toolchain file in the current folder and above.
        .current_dir(search_path::neutral_folder())
        // A question must not start a download.
        .env("RUSTUP_AUTO_INSTALL", "0")
        .output()
        .map_err(|source| Error::ToolNotRun {
            tool: tool.to_owned(),
            source,
        })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let detail = stderr
        .lines()
        .find(|line| line.starts_with("error"))
        .unwrap_or(stderr.trim());
    let detail = detail.trim_start_matches("error:").trim().to_owned();
    Err(Error::ToolFailed {
        tool: tool.to_owned(),
        detail,
    })
}

/// The folder two above the compiler, if libraries are there; asking the compiler takes 10 ms.
fn sysroot(rustc: &Path, host: &str) -> Result<PathBuf, Error> {
    let above = rustc
        .ancestors()
        .nth(2)
        .filter(|dir| dir.join("lib/rustlib").join(host).is_dir());
    match above {
        Some(dir) => Ok(dir.to_owned()),
        None => Ok(PathBuf::from(
            output_of(rustc, &["--print", "sysroot"])?.trim(),
        )),
    }
}

/// Whether a compiler's version is below the oldest that is supported. A nightly counts as the release that it becomes.
fn is_older(version: &str, oldest: &str) -> bool {
    let supported = VersionReq::parse(&format!(">={oldest}")).expect("`oldest` is a version");
    !Version::parse(version)
        .is_ok_and(|found| supported.matches(&Version::new(found.major, found.minor, found.patch)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(is_older("1.9.0", "1.95"));
        assert!(is_older("1.94.1", "1.95"));
        assert!(!is_older("1.95.0", "1.95"));
        assert!(!is_older("1.100.0-nightly", "1.95"));
        assert!(!is_older("1.95.0-nightly", "1.95"));
        assert!(!is_older("2.0.0", "1.95"));
        assert!(is_older("no version", "1.95"));
    }

    #[test]
    fn real_tools_are_found_not_proxies() {
        let toolchain = Toolchain::of_user(None).expect("a toolchain builds this test");
        assert!(
            toolchain.rustc.starts_with(&toolchain.sysroot),
            "{toolchain:?}"
        );
        assert!(toolchain.library_dir().is_dir(), "{toolchain:?}");
    }

    #[test]
    fn a_missing_toolchain_names_the_command_that_installs_it() {
        let error = Toolchain::named("no-such-toolchain")
            .unwrap_err()
            .to_string();
        assert!(error.contains("no-such-toolchain"), "{error}");
    }
}
