//! A working directory of `evcxr` in which the runtime is already built. One is made for each toolchain.
//!
//! Building takes 10 to 20 seconds; finding an existing template takes none. A template is complete or it does not
//! exist: it is built under another name, while a lock is held, and renamed at the end. A killed build leaves only a
//! folder, which the next build removes.

mod key;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::cache::{self, Cache};
use crate::cargo::{self, BUILD_ENVS, OPT_LEVEL};
use crate::evcxr::CELL_CRATE;
use crate::linker::Linker;
#[cfg(unix)]
use crate::ownership;
use crate::{CrateRequest, Error, RuntimeSource, Toolchain, toolchain};

/// The name of the library that cells link to, in manifests and in code.
const RUNTIME_NAME: &str = "corebook";

/// Code without dependencies, as in `evcxr`'s first evaluation.
const FIRST_CELL: &str = "pub fn first_cell() {}\n";

/// A template that no kernel used for this long is removed when another one is built.
const UNUSED_TEMPLATE_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

const BUILDING_PREFIX: &str = "building-";
const KEY_FILE: &str = "key.txt";

/// Returns the template for a toolchain and further crates, building it first if it does not exist.
///
/// `progress` is called with lines for the screen, such as `compiling rayon v1.12.0`. It is not called if the template
/// exists.
///
/// # Errors
///
/// When the very first build has no network, there is no linker, the disk is full, the cache may not be written, or the
/// crates do not build. Each message says what to do.
pub fn template(
    toolchain: &Toolchain,
    extra_crates: &[CrateRequest],
    progress: &mut dyn FnMut(&str),
) -> Result<Template, Error> {
    Prebuild::new(toolchain, extra_crates)?.ensure(progress)
}

/// What to build, with which toolchain, and where.
#[derive(Debug, Clone)]
pub struct Prebuild {
    pub cache: Cache,
    pub toolchain: Toolchain,
    pub runtime: RuntimeSource,
    pub extra_crates: Vec<CrateRequest>,
    /// Cargo treats a crate in another home as another crate.
    cargo_home: PathBuf,
    linker: Linker,
}

/// A complete template.
#[derive(Debug, Clone)]
pub struct Template {
    dir: PathBuf,
    cache: Cache,
    toolchain: Toolchain,
    linker: Linker,
    dependencies: Vec<(String, String)>,
}

impl Prebuild {
    /// The embedded runtime and these crates, in the user's cache.
    ///
    /// # Errors
    ///
    /// When there is no folder for a cache.
    pub fn new(toolchain: &Toolchain, extra_crates: &[CrateRequest]) -> Result<Self, Error> {
        Ok(Self::of(
            Cache::locate()?,
            toolchain,
            RuntimeSource::embedded(),
            extra_crates,
        ))
    }

    /// Any runtime in any cache.
    pub fn of(
        cache: Cache,
        toolchain: &Toolchain,
        runtime: RuntimeSource,
        extra_crates: &[CrateRequest],
    ) -> Self {
        let mut extra_crates = extra_crates.to_vec();
        extra_crates.sort();
        extra_crates.dedup();
        Self {
            cache,
            toolchain: toolchain.clone(),
            runtime,
            extra_crates,
            cargo_home: toolchain::cargo_home().unwrap_or_default(),
            linker: Linker::detect(toolchain),
        }
    }

    /// The template, if it was built before. Writes nothing.
    pub fn existing(&self) -> Option<Template> {
        let template = Template {
            dir: self.dir(),
            cache: self.cache.clone(),
            toolchain: self.toolchain.clone(),
            linker: self.linker.clone(),
            dependencies: self.dependencies(),
        };
        let is_keyed =
            fs::read_to_string(template.dir.join(KEY_FILE)).is_ok_and(|key| key == self.key());
        // A program that cleans up old files may have removed part of it.
        let is_complete = is_keyed
            && runtime_library(&template.work_dir(), &self.toolchain.host).is_ok()
            && self.runtime.dir(&self.cache).is_dir();
        is_complete.then_some(template)
    }

    /// The template; builds it first if it is missing. If several processes need it, one builds and the others wait.
    ///
    /// # Errors
    ///
    /// See [`template`].
    pub fn ensure(&self, progress: &mut dyn FnMut(&str)) -> Result<Template, Error> {
        self.find_or_build(progress).map_err(|error| match error {
            // The folder of the build is gone by now.
            Error::DiskFull { .. } => Error::DiskFull {
                path: self.cache.root().to_owned(),
            },
            error => error,
        })
    }

    fn find_or_build(&self, progress: &mut dyn FnMut(&str)) -> Result<Template, Error> {
        if let Some(template) = self.existing() {
            return Ok(template);
        }
        self.linker.check_is_there()?;
        cache::create_dir(&self.cache.templates())?;
        let _lock = lock(&self.cache.templates_lock(), progress)?;
        self.runtime.unpack(&self.cache)?;
        if let Some(template) = self.existing() {
            return Ok(template);
        }
        self.sweep();
        progress(&format!(
            "building the runtime for rustc {} (once; takes about 15 seconds)",
            self.toolchain.version
        ));
        self.build(progress)?;
        self.existing().ok_or_else(|| Error::BuildFailed {
            output: format!("{} is not complete", self.dir().display()),
        })
    }

    fn dir(&self) -> PathBuf {
        let digest = Sha256::digest(self.key());
        self.cache.templates().join(hex::encode(&digest[..8]))
    }

    /// Names and configurations as in a manifest, the runtime first.
    fn dependencies(&self) -> Vec<(String, String)> {
        let path = self.runtime.dir(&self.cache);
        let path = path
            .to_str()
            .expect("the cache's path is UTF-8, checked when it was located");
        // A string in JSON is also a basic string in TOML.
        let runtime = (
            RUNTIME_NAME.to_owned(),
            format!("{{ path = {} }}", serde_json::Value::from(path)),
        );
        let others = self
            .extra_crates
            .iter()
            .map(|it| (it.name().to_owned(), it.dependency_config()));
        [runtime].into_iter().chain(others).collect()
    }

    /// The caller holds the lock.
    fn build(&self, progress: &mut dyn FnMut(&str)) -> Result<(), Error> {
        let templates = self.cache.templates();
        #[cfg(unix)]
        ownership::check_settings_above(&templates)?;
        let building = cache::create_temporary_dir(&templates, BUILDING_PREFIX)?;
        let work = building.path().join(cargo::WORK_DIR);
        cache::create_dir(&work.join("src"))?;
        cache::create_dir(&work.join(".cargo"))?;
        cache::write(
            &work.join("Cargo.toml"),
            cargo::manifest(&self.dependencies()),
        )?;
        cache::write(&work.join(".cargo/config.toml"), cargo::CONFIG)?;
        write_outer_config(building.path())?;
        cache::write(&work.join("src/lib.rs"), FIRST_CELL)?;
        cache::write(&work.join("Cargo.lock"), &self.runtime.lock)?;
        // `evcxr` runs `cargo check` to explain an error, which should not take longer than for the cell alone.
        for subcommand in ["build", "check"] {
            cargo::run(&self.toolchain, &self.linker, subcommand, &work, progress)?;
        }
        self.remove_own_crate(&work)?;
        cache::write(&building.path().join(KEY_FILE), self.key())?;
        let dir = self.dir();
        // No complete template was found, so a folder of this name is damaged.
        if dir.exists() {
            fs::remove_dir_all(&dir).map_err(|error| Error::io("remove", &dir, error))?;
        }
        fs::rename(building.path(), &dir).map_err(|error| Error::io("create", &dir, error))
    }

    /// Removes the build of the crate that cells become, and files that only another build of the template would need.
    fn remove_own_crate(&self, work: &Path) -> Result<(), Error> {
        let debug = work.join("target").join(&self.toolchain.host).join("debug");
        let incremental = debug.join("incremental");
        if incremental.exists() {
            fs::remove_dir_all(&incremental)
                .map_err(|error| Error::io("remove", &incremental, error))?;
        }
        for folder in [
            debug.join("deps"),
            debug.join(".fingerprint"),
            debug.clone(),
        ] {
            let entries =
                fs::read_dir(&folder).map_err(|error| Error::io("read", &folder, error))?;
            for entry in entries {
                let path = entry
                    .map_err(|error| Error::io("read", &folder, error))?
                    .path();
                let name = path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                let is_own = is_of_cells(&name);
                if is_own {
                    let removed = if path.is_dir() {
                        fs::remove_dir_all(&path)
                    } else {
                        fs::remove_file(&path)
                    };
                    removed.map_err(|error| Error::io("remove", &path, error))?;
                }
            }
        }
        Ok(())
    }

    /// Removes leftovers of killed builds, and unused templates. The caller holds the lock, so no folder with the
    /// prefix is being built. What cannot be removed is left for the next time.
    fn sweep(&self) {
        let now = SystemTime::now();
        for entry in fs::read_dir(self.cache.templates())
            .into_iter()
            .flatten()
            .flatten()
        {
            let is_leftover = entry
                .file_name()
                .to_string_lossy()
                .starts_with(BUILDING_PREFIX);
            let last_use =
                fs::metadata(entry.path().join(KEY_FILE)).and_then(|file| file.modified());
            let age = last_use
                .ok()
                .and_then(|last_use| now.duration_since(last_use).ok());
            if is_leftover || age.is_some_and(|age| age > UNUSED_TEMPLATE_AGE) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

impl Template {
    /// What follows `corebook = ` in the manifest of a session.
    pub fn dependency_config(&self) -> &str {
        &self.dependencies[0].1
    }

    /// Names and configurations of everything that is built, the runtime first. Adding exactly these in a session
    /// compiles nothing.
    pub fn dependencies(&self) -> &[(String, String)] {
        &self.dependencies
    }

    /// The optimisation level to choose in `evcxr`, that of a release build.
    pub fn opt_level(&self) -> &'static str {
        OPT_LEVEL
    }

    /// The build environment to set in `evcxr`: the other settings of a release build.
    pub fn build_envs(&self) -> &'static [(&'static str, &'static str)] {
        &BUILD_ENVS
    }

    /// The toolchain that built it.
    pub fn toolchain(&self) -> &Toolchain {
        &self.toolchain
    }

    /// How everything in it was linked.
    pub(crate) fn linker(&self) -> &Linker {
        &self.linker
    }

    /// The folder to clone.
    pub fn work_dir(&self) -> PathBuf {
        self.dir.join(cargo::WORK_DIR)
    }

    /// Whether cargo lacks the source of a crate in it, so that a start would have to download it.
    pub fn needs_network(&self) -> bool {
        !cargo::is_downloaded(&self.toolchain, &self.work_dir())
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Marks the template as used, so that it is not swept. Has no effect in a read-only cache.
    pub(crate) fn touch(&self) {
        let key = File::options().write(true).open(self.dir.join(KEY_FILE));
        let _ = key.and_then(|key| key.set_modified(SystemTime::now()));
    }
}

/// Writes the settings that a template and its sessions share beside their working directory.
pub(crate) fn write_outer_config(dir: &Path) -> Result<(), Error> {
    cache::create_dir(&dir.join(".cargo"))?;
    cache::write(&dir.join(".cargo/config.toml"), cargo::OUTER_CONFIG)
}

/// The runtime in a working directory, as cells link to it.
pub(crate) fn runtime_library(work_dir: &Path, host: &str) -> Result<PathBuf, Error> {
    let deps = work_dir
        .join("target")
        .join(host)
        .join("debug")
        .join("deps");
    let prefix = format!("{}corebook", std::env::consts::DLL_PREFIX);
    let entries = fs::read_dir(&deps).map_err(|error| Error::io("read", &deps, error))?;
    let is_library = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&prefix) && name.ends_with(std::env::consts::DLL_SUFFIX)
    };
    let missing = || {
        Error::io(
            "find the runtime in",
            &deps,
            std::io::ErrorKind::NotFound.into(),
        )
    };
    entries
        .flatten()
        .map(|entry| entry.path())
        .find(is_library)
        .ok_or_else(missing)
}

/// Whether cargo gives this name to a file or folder of the crate that cells become.
fn is_of_cells(name: &str) -> bool {
    let name = name.strip_prefix("lib").unwrap_or(name);
    name.strip_prefix(CELL_CRATE)
        .is_some_and(|rest| rest.starts_with(['-', '.']))
}

/// Takes the lock. Reports it if another process has to be waited for.
fn lock(path: &Path, progress: &mut dyn FnMut(&str)) -> Result<File, Error> {
    let file = File::options().create(true).append(true).open(path);
    let file = file.map_err(|error| Error::io("open", path, error))?;
    if file.try_lock().is_err() {
        progress("waiting for another process that is building the runtime");
        file.lock()
            .map_err(|error| Error::io("lock", path, error))?;
    }
    Ok(file)
}
