//! One kernel's own copy of a template, for as long as the kernel runs.
//!
//! Libraries with a hash in their names are hard links, because no program changes them. All other files are copied,
//! above all cargo's lock files and records: with hard links, a lock or a change in one session would affect all
//! sessions. Modification times are kept, because cargo compares them.

mod sweep;

use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::cache::{self, TEMPORARY};
use crate::cargo;
#[cfg(unix)]
use crate::ownership;
use crate::template::{runtime_library, write_outer_config};
use crate::{Error, Template, Toolchain};

pub use self::sweep::sweep_beside;

/// A folder that only this process uses. It is removed when the value is dropped or, if the process dies before, when
/// the next session is created.
#[derive(Debug)]
pub struct Session {
    dir: PathBuf,
    lock_path: PathBuf,
    template: Template,
    /// Whether the folder was removed for good. Locked while the folder is filled or removed.
    is_removed: Mutex<bool>,
    /// Held while the session is in use. The system releases it when the process ends.
    _lock: File,
}

impl Session {
    /// Clones a template into a new folder that only its owner can read.
    ///
    /// * `compiler`: as for [`Session::fill`].
    ///
    /// # Errors
    ///
    /// When the folder cannot be created or filled.
    pub fn create(template: &Template, compiler: &Path) -> Result<Self, Error> {
        let session = Self::reserve(template)?;
        session.fill(compiler)?;
        Ok(session)
    }

    /// Creates an empty folder and its lock. From then on, both can be removed.
    ///
    /// The folder is in the cache, or among the user's temporary files if the cache may not be written, for example a
    /// cache that was prepared for a class.
    ///
    /// # Errors
    ///
    /// When the folder cannot be created.
    pub fn reserve(template: &Template) -> Result<Self, Error> {
        let in_cache = template.cache().sessions();
        match Self::reserve_in(template, &in_cache) {
            Err(Error::NotWritable { .. }) => {
                Self::reserve_in(template, &temporary_sessions_dir()?)
            }
            result => result,
        }
    }

    fn reserve_in(template: &Template, sessions: &Path) -> Result<Self, Error> {
        cache::create_private_dir(sessions)?;
        #[cfg(unix)]
        ownership::check_settings_above(sessions)?;
        let (id, lock) = sweep::sweep_and_reserve(sessions)?;
        let dir = sessions.join(&id);
        let session = Self {
            lock_path: sessions.join(format!("{id}.lock")),
            template: template.clone(),
            dir,
            is_removed: Mutex::new(false),
            _lock: lock,
        };
        cache::create_private_dir(&session.dir)?;
        Ok(session)
    }

    /// Fills the reserved folder. A session that was removed stays empty.
    ///
    /// * `compiler`: a program that can be a [`CargoShim`](crate::cargo_shim::CargoShim); the kernel itself.
    ///
    /// # Errors
    ///
    /// When the folder cannot be filled.
    pub fn fill(&self, compiler: &Path) -> Result<(), Error> {
        let is_removed = self
            .is_removed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if *is_removed {
            return Ok(());
        }
        write_outer_config(&self.dir)?;
        clone_session(&self.template, &self.work_dir())?;
        #[cfg(unix)]
        {
            cache::create_private_dir(&self.temporary_dir())?;
            self.write_tools(compiler)?;
        }
        self.template.touch();
        Ok(())
    }

    /// The session's folder, which holds all of its files.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The toolchain that compiles the session's cells.
    pub fn toolchain(&self) -> &Toolchain {
        self.template.toolchain()
    }

    /// The folder that evcxr works in: the value of [`WORK_DIR_VARIABLE`](crate::evcxr::WORK_DIR_VARIABLE).
    pub fn work_dir(&self) -> PathBuf {
        self.dir.join(cargo::WORK_DIR)
    }

    /// A folder for temporary files, which is removed with the session.
    pub fn temporary_dir(&self) -> PathBuf {
        self.dir.join(TEMPORARY)
    }

    /// Where the compiled runtime of this session is.
    ///
    /// # Errors
    ///
    /// When it is missing, which means that the session is damaged.
    pub fn runtime_library(&self) -> Result<PathBuf, Error> {
        runtime_library(&self.work_dir(), &self.template.toolchain().host)
    }

    /// Whether the runtime is still the one that was cloned.
    ///
    /// It is not if a `:dep` needed a newer version, or another feature, of a crate that the runtime depends on. Cells
    /// then link to a library that the worker has not loaded: the worker must be restarted.
    ///
    /// # Errors
    ///
    /// When one of the two cannot be found.
    pub fn is_runtime_original(&self) -> Result<bool, Error> {
        let host = &self.template.toolchain().host;
        let built = runtime_library(&self.template.work_dir(), host)?;
        let used = self.runtime_library()?;
        let date = |path: &Path| fs::metadata(path).and_then(|file| file.modified());
        let dates = date(&built).and_then(|built| Ok((built, date(&used)?)));
        let (built, used) = dates.map_err(|error| Error::io("read the date of", &used, error))?;
        Ok(built == used)
    }

    /// Restores the locked versions of the runtime's crates.
    ///
    /// Must be called after `EvalContext::new`: its first build has no dependencies, so cargo forgets the locked
    /// versions.
    ///
    /// # Errors
    ///
    /// When the file cannot be copied.
    pub fn restore_locked_versions(&self) -> Result<(), Error> {
        let from = self.template.work_dir().join("Cargo.lock");
        copy_file(&from, &self.work_dir().join("Cargo.lock"))
    }

    /// Folders to put at the front of `PATH` while `EvalContext::new` runs; it looks for its tools only then.
    ///
    /// They hold a [`cargo_shim`](crate::cargo_shim) in place of `cargo`, the real `rustc`, and a `rustup` that fails,
    /// because `evcxr` would ask it first.
    pub fn tool_dirs(&self) -> Vec<PathBuf> {
        let rustc_dir = self.template.toolchain().rustc.parent().map(Path::to_owned);
        let own = cfg!(unix).then(|| self.bin_dir());
        own.into_iter().chain(rustc_dir).collect()
    }

    /// The compiles of cells since the last call.
    #[cfg(unix)]
    pub fn take_compiles(&self) -> Vec<crate::cargo_shim::Compile> {
        crate::cargo_shim::journal::take(&self.bin_dir())
    }

    /// The files through which the kernel and the shim exchange a cell.
    #[cfg(unix)]
    pub fn cell_files(&self) -> crate::cargo_shim::cell_files::CellFiles {
        crate::cargo_shim::cell_files::CellFiles::beside(&self.bin_dir())
    }

    /// The cargo for the rust-analyzer that evcxr contains.
    #[cfg(unix)]
    pub fn metadata_cargo(&self) -> PathBuf {
        self.bin_dir().join(crate::cargo_shim::METADATA)
    }

    fn bin_dir(&self) -> PathBuf {
        self.dir.join("bin")
    }

    /// Creates the programs in [`Session::tool_dirs`]. `compiler` is the one that evcxr runs as cargo.
    #[cfg(unix)]
    fn write_tools(&self, compiler: &Path) -> Result<(), Error> {
        use std::os::unix::fs::PermissionsExt;

        let tools = self.bin_dir();
        cache::create_private_dir(&tools)?;
        let cargo = &self.template.toolchain().cargo;
        let linker = self.template.linker().program();
        crate::cargo_shim::CargoShim::install(&tools, compiler, cargo, linker)
            .map_err(|error| Error::io("create links in", &tools, error))?;
        let rustup = tools.join("rustup");
        cache::write(
            &rustup,
            "#!/bin/sh\n# Fails, so that evcxr uses the cargo beside this file.\nexit 1\n",
        )?;
        fs::set_permissions(&rustup, fs::Permissions::from_mode(0o700))
            .map_err(|error| Error::io("make executable", &rustup, error))
    }

    /// Removes the folder now. For a process that ends while other threads still hold the session.
    pub fn remove(&self) {
        let mut is_removed = self
            .is_removed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *is_removed = true;
        // If it can't be removed, it and its lock stay until the next session is created.
        if sweep::remove_folder(&self.dir) {
            let _ = fs::remove_file(&self.lock_path);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Fills `dir` with a working directory in which `cargo build` compiles nothing but the cell's own crate,
/// provided that the folder above holds what [`Session::create`] writes there.
///
/// # Errors
///
/// When a file cannot be read or written.
pub fn clone_session(template: &Template, dir: &Path) -> Result<(), Error> {
    clone_folder(&template.work_dir(), dir)
}

fn clone_folder(from: &Path, to: &Path) -> Result<(), Error> {
    cache::create_private_dir(to)?;
    let entries = fs::read_dir(from).map_err(|error| Error::io("read", from, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| Error::io("read", from, error))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry
            .file_type()
            .map_err(|error| Error::io("read", &source, error))?;
        if kind.is_dir() {
            clone_folder(&source, &target)?;
        } else if !is_never_rewritten(&source) || fs::hard_link(&source, &target).is_err() {
            // A link fails across file systems, and for files of another owner.
            copy_file(&source, &target)?;
        }
    }
    Ok(())
}

/// Whether a file has a hash of its inputs in its name. Tools write such a file once, under another name, and rename
/// it. The runtime's own library has no such hash: when it is compiled again it is overwritten, which must not affect
/// other sessions.
fn is_never_rewritten(path: &Path) -> bool {
    const LIBRARIES: [&str; 8] = ["rlib", "rmeta", "so", "dylib", "dll", "a", "lib", "exe"];
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    match name.rsplit_once('.') {
        Some((stem, extension)) => stem.contains('-') && LIBRARIES.contains(&extension),
        None => name.starts_with("build_script_") || name.starts_with("build-script-"),
    }
}

fn copy_file(from: &Path, to: &Path) -> Result<(), Error> {
    fs::copy(from, to).map_err(|error| Error::io("write", to, error))?;
    let date = fs::metadata(from).and_then(|file| file.modified());
    let file = File::options().append(true).open(to);
    date.and_then(|date| file?.set_times(FileTimes::new().set_modified(date)))
        .map_err(|error| Error::io("date", to, error))
}

/// A private folder for sessions, used if the cache is read-only.
fn temporary_sessions_dir() -> Result<PathBuf, Error> {
    let runtime_dir = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute() && dir.is_dir());
    if let Some(dir) = runtime_dir {
        return Ok(dir.join("corebook").join("sessions"));
    }
    let dir = std::env::temp_dir().join(format!("corebook-{}", ownership::own_name()?));
    cache::create_private_dir(&dir)?;
    ownership::check_is_private(&dir)?;
    Ok(dir.join("sessions"))
}
