//! The kernelspec: what Jupyter reads to find and start the kernel.
//!
//! Format and search path: <https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs>.
//! This module writes files; it never runs Jupyter. A kernelspec is written beside its place and then
//! renamed into it, so that Jupyter sees the old one or the new one, never half of one.

mod location;
mod options;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

pub use location::Location;
pub use options::{EnvEntry, Options, WORKERS_VARIABLE, crates_from_environment};

/// The files beside `kernel.json`.
const LOGOS: [(&str, &[u8]); 3] = [
    ("logo-32x32.png", include_bytes!("../logos/logo-32x32.png")),
    ("logo-64x64.png", include_bytes!("../logos/logo-64x64.png")),
    ("logo-svg.svg", include_bytes!("../logos/logo-svg.svg")),
];

/// Names this program in the metadata of a kernelspec, so that `uninstall` never removes another's.
const OWNER: &str = "corebook";

/// Why a kernelspec could not be written or removed.
#[derive(Debug, thiserror::Error)]
pub enum KernelspecError {
    #[error(
        "`{name}` cannot be a kernel's name: use letters, digits, `.`, `-` and `_`, as in rust-2024"
    )]
    BadName { name: String },

    #[error("`{text}` is not NAME=VALUE, as in RAYON_NUM_THREADS=2")]
    BadEnv { text: String },

    #[error("{workers} workers cannot map anything: give a number of at least 1")]
    NoWorkers { workers: usize },

    #[error("there is no home folder to install into: use --prefix DIR")]
    NoHome,

    #[error(
        "no Python environment is active and `{python}` does not run ({detail}): \
         activate an environment, or use --user or --prefix DIR"
    )]
    NoPython { python: String, detail: String },

    #[error(
        "the binary's path {} is not UTF-8, which kernel.json needs: move it to another folder",
        path.display()
    )]
    PathNotUtf8 { path: PathBuf },

    #[error("{} may not be written: use --user, or --prefix DIR with a folder of your own", path.display())]
    NotWritable { path: PathBuf },

    #[error("no kernel `{name}` is installed in {}", dir.display())]
    NotInstalled { name: String, dir: PathBuf },

    #[error("the kernel in {} is not one of corebook's: remove it with `jupyter kernelspec uninstall`", dir.display())]
    NotOurs { dir: PathBuf },

    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

/// An installed kernelspec of corebook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    pub name: String,
    pub display_name: String,
    /// The folder that holds `kernel.json`.
    pub dir: PathBuf,
    /// What Jupyter starts.
    pub binary: PathBuf,
}

/// Writes a kernelspec that starts `binary`, over an older one of this name, and returns its folder.
///
/// # Errors
///
/// When the options are not valid or the folder cannot be written; then nothing has changed.
pub fn install(
    binary: &Path,
    location: &Location,
    options: &Options,
) -> Result<PathBuf, KernelspecError> {
    let spec = kernel_json(binary, options)?;
    let kernels = location.kernels_dir()?;
    let dir = kernels.join(options.name.to_lowercase());
    if dir.exists() {
        check_is_ours(&dir)?;
    }
    fs::create_dir_all(&kernels).map_err(|error| failed("create", &kernels, error))?;
    // Beside the place it will have, where Jupyter ignores names that start with a dot.
    let building = tempfile::Builder::new()
        .prefix(".corebook-")
        .tempdir_in(&kernels);
    let building = building.map_err(|error| failed("create a folder in", &kernels, error))?;
    let text = serde_json::to_string_pretty(&spec).expect("a JSON value can be written") + "\n";
    let files = [("kernel.json", text.as_bytes())].into_iter().chain(LOGOS);
    for (name, content) in files {
        let path = building.path().join(name);
        fs::write(&path, content).map_err(|error| failed("write", &path, error))?;
    }
    make_readable(building.path())?;
    replace(building, &dir)?;
    Ok(dir)
}

/// Removes the kernelspec of this name and returns the folder it was in.
///
/// # Errors
///
/// When there is none, or it starts another program.
pub fn uninstall(location: &Location, name: &str) -> Result<PathBuf, KernelspecError> {
    let kernels = location.kernels_dir()?;
    let dir = kernels.join(options::checked_name(name)?.to_lowercase());
    if !dir.join("kernel.json").exists() {
        return Err(KernelspecError::NotInstalled {
            name: name.to_owned(),
            dir: kernels,
        });
    }
    check_is_ours(&dir)?;
    fs::remove_dir_all(&dir).map_err(|error| failed("remove", &dir, error))?;
    Ok(dir)
}

/// The kernelspecs of corebook in the folders Jupyter searches and in the running Python environment.
pub fn installed() -> Vec<Installed> {
    location::search_path()
        .iter()
        .flat_map(|kernels| installed_in(kernels))
        .collect()
}

/// The kernelspecs of corebook in one `kernels` folder, by name.
pub fn installed_in(kernels: &Path) -> Vec<Installed> {
    let entries = fs::read_dir(kernels).into_iter().flatten().flatten();
    let mut found: Vec<Installed> = entries.filter_map(|entry| read(&entry.path())).collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

fn read(dir: &Path) -> Option<Installed> {
    let name = dir
        .file_name()?
        .to_str()
        .filter(|name| !name.starts_with('.'))?
        .to_owned();
    let spec: Value = serde_json::from_slice(&fs::read(dir.join("kernel.json")).ok()?).ok()?;
    spec["metadata"].get(OWNER)?;
    let display_name = spec["display_name"].as_str()?.to_owned();
    let binary = PathBuf::from(spec["argv"][0].as_str()?);
    Some(Installed {
        name,
        display_name,
        dir: dir.to_owned(),
        binary,
    })
}

fn kernel_json(binary: &Path, options: &Options) -> Result<Value, KernelspecError> {
    options.check()?;
    let path = binary
        .to_str()
        .ok_or_else(|| KernelspecError::PathNotUtf8 {
            path: binary.to_owned(),
        })?;
    let env: Map<String, Value> = options
        .environment()
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect();
    Ok(json!({
        "argv": [path, "kernel", "{connection_file}"],
        "display_name": options.display_name,
        "language": "rust",
        "interrupt_mode": "message",
        "env": env,
        "metadata": { OWNER: { "version": env!("CARGO_PKG_VERSION") }, "debugger": false },
    }))
}

fn check_is_ours(dir: &Path) -> Result<(), KernelspecError> {
    match read(dir) {
        Some(_) => Ok(()),
        None => Err(KernelspecError::NotOurs {
            dir: dir.to_owned(),
        }),
    }
}

/// Puts the new folder in the place of the old one. If that fails half way, the old one is put back.
fn replace(building: tempfile::TempDir, dir: &Path) -> Result<(), KernelspecError> {
    let old = building.path().with_extension("old");
    let has_old = dir.exists();
    if has_old {
        fs::rename(dir, &old).map_err(|error| failed("replace", dir, error))?;
    }
    if let Err(error) = fs::rename(building.path(), dir) {
        if has_old {
            fs::rename(&old, dir).map_err(|error| failed("restore", dir, error))?;
        }
        return Err(failed("create", dir, error));
    }
    if has_old {
        fs::remove_dir_all(&old).map_err(|error| failed("remove", &old, error))?;
    }
    Ok(())
}

/// Temporary folders are private; a kernel in a shared prefix is for everybody who can read the prefix.
fn make_readable(dir: &Path) -> Result<(), KernelspecError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(dir, mode).map_err(|error| failed("make readable", dir, error))?;
    }
    let _ = dir;
    Ok(())
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> KernelspecError {
    let path = path.to_owned();
    match source.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            KernelspecError::NotWritable { path }
        }
        _ => KernelspecError::Io {
            action,
            path,
            source,
        },
    }
}
