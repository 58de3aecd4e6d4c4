//! Why a template or a session could not be built. Each message says what to do.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Why there is no template or no session.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "no folder for the prebuilt runtime, because there is no home folder: set COREBOOK_CACHE_DIR to one"
    )]
    NoCacheFolder,

    #[error(
        "cargo is neither on PATH nor in {}: install Rust with rustup, or add cargo's folder to PATH",
        looked_in.display()
    )]
    NoCargo { looked_in: PathBuf },

    #[error("cannot run {}: {source}", tool.display())]
    ToolNotRun { tool: PathBuf, source: io::Error },

    #[error("{} failed: {detail}", tool.display())]
    ToolFailed { tool: PathBuf, detail: String },

    #[error(
        "the Rust toolchain {wanted} cannot be used ({detail}): try `rustup toolchain install {wanted}`"
    )]
    NoToolchain { wanted: String, detail: String },

    #[error(
        "{} asks for the Rust toolchain {wanted}, which cannot be used ({detail}): run `rustup toolchain install {wanted}`",
        file.display()
    )]
    NoToolchainOfFile {
        file: PathBuf,
        wanted: String,
        detail: String,
    },

    #[error("{} asks for the Rust toolchain {wanted}: {cause}", file.display())]
    UnusableToolchainOfFile {
        file: PathBuf,
        wanted: String,
        cause: Box<Error>,
    },

    #[error("{} is not a toolchain file ({detail}): fix or remove it", path.display())]
    BadToolchainFile { path: PathBuf, detail: String },

    #[error(
        "rustc {found} is too old for notebooks, which need {needed} or newer: run `rustup update`"
    )]
    RustcTooOld { found: String, needed: String },

    #[error(
        "the standard library's source is not in {}, so types of variables cannot be inferred: run `{cure}`",
        sysroot.display()
    )]
    NoRustSrc { sysroot: PathBuf, cure: String },

    #[error("`{text}` is not a crate: write a name, or name@version, as in rand or rand@0.9")]
    BadCrate { text: String },

    #[error("no crate fits `{request}`: check its name and version ({detail})")]
    UnknownCrate { request: String, detail: String },

    #[error(
        "a first build downloads the crates the runtime needs, and the network did not answer ({detail}): \
         connect and try again; later starts need no network"
    )]
    NoNetwork { detail: String },

    #[error(
        "there is no linker ({detail}): install a C compiler, \
         for example with `apt install gcc`, `dnf install gcc` or `xcode-select --install`"
    )]
    NoLinker { detail: String },

    #[error(
        "a cell cannot be linked: install the C library's files for developers, for example with `apt install libc6-dev` ({output})"
    )]
    LinkFailed { output: String },

    #[error("the disk is full at {}: free some space, or set COREBOOK_CACHE_DIR to another disk", path.display())]
    DiskFull { path: PathBuf },

    #[error("{} can't be written ({source}): set COREBOOK_CACHE_DIR to a folder of your own", path.display())]
    NotWritable { path: PathBuf, source: io::Error },

    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },

    #[error("{} is not private to you: remove it, or set COREBOOK_CACHE_DIR to a folder of your own", path.display())]
    UnsafeFolder { path: PathBuf },

    #[error(
        "{} belongs to another user, and cargo would obey it: remove it, or set COREBOOK_CACHE_DIR to a folder \
         elsewhere",
        path.display()
    )]
    SettingsOfOthers { path: PathBuf },

    #[error("the path {} is not UTF-8, which evcxr needs: set COREBOOK_CACHE_DIR to another folder", path.display())]
    PathNotUtf8 { path: PathBuf },

    #[error("building the runtime failed: {output}")]
    BuildFailed { output: String },
}

impl Error {
    /// Classifies a failed file operation by what the user can do about it.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull { path },
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Self::NotWritable { path, source }
            }
            _ => Self::Io {
                action,
                path,
                source,
            },
        }
    }
}
