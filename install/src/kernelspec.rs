//! The kernelspec: what Jupyter reads to find and start the kernel.
//!
//! Format and search path: <https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs>.
//! This module writes files; it never runs Jupyter. A kernelspec is written beside its final place and then renamed, so
//! that Jupyter sees the old one or the new one, never an incomplete one.

mod binary;
mod export;
mod location;
mod options;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

pub use binary::path_to_keep;
pub use location::Location;
pub use options::{EnvEntry, Options, WORKERS_VARIABLE};

/// The files beside `kernel.json`.
const LOGOS: [(&str, &[u8]); 3] = [
    ("logo-32x32.png", include_bytes!("../logos/logo-32x32.png")),
    ("logo-64x64.png", include_bytes!("../logos/logo-64x64.png")),
    ("logo-svg.svg", include_bytes!("../logos/logo-svg.svg")),
];

/// Names this program in the metadata of a kernelspec, so that `uninstall` never removes that of another
/// program.
const OWNER: &str = "corebook";

/// Why a kernelspec could not be written or removed.
#[derive(Debug, thiserror::Error)]
pub enum KernelspecError {
    #[error(
        "`{name}` cannot be a kernel's name: use letters, digits, `.`, `-` and `_`, as in rust-2024"
    )]
    BadName { name: String },

    #[error("the display name is empty, so JupyterLab would show a kernel without a name")]
    NoDisplayName,

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

    #[error("{} can't be changed: use --user, or --prefix DIR with a folder of your own", path.display())]
    NotWritable { path: PathBuf },

    #[error("no kernel `{name}` is installed in {}", dir.display())]
    NotInstalled { name: String, dir: PathBuf },

    #[error("{} contains another program's kernel: choose another --name, or remove that folder", dir.display())]
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
    /// The version of corebook that wrote it.
    pub version: String,
    /// What Jupyter sets in the kernel's environment.
    pub env: BTreeMap<String, String>,
}

/// Checks everything that can make [`install`] fail, before anything slow is done. Leaves no file.
///
/// # Errors
///
/// As [`install`].
pub fn check(binary: &Path, location: &Location, options: &Options) -> Result<(), KernelspecError> {
    kernel_json(binary, options)?;
    let (kernels, dir) = place(location, options)?;
    check_is_ours(&dir)?;
    // A folder can be read-only for other reasons than its permissions, so try to write.
    let existing = kernels.ancestors().find(|folder| folder.exists());
    tempdir_in(existing.unwrap_or(&kernels)).map(drop)
}

/// Writes a kernelspec that starts `binary`, replaces an older one of this name, and returns its folder.
///
/// # Errors
///
/// When the options are not valid or the folder cannot be written; then no file has changed.
pub fn install(
    binary: &Path,
    location: &Location,
    options: &Options,
) -> Result<PathBuf, KernelspecError> {
    let spec = kernel_json(binary, options)?;
    let (kernels, dir) = place(location, options)?;
    check_is_ours(&dir)?;
    fs::create_dir_all(&kernels).map_err(|error| failed("create", &kernels, error))?;
    export::install(&kernels)?;
    let text = serde_json::to_string_pretty(&spec).expect("a JSON value can be written") + "\n";
    let files = [("kernel.json", text.as_bytes())].into_iter().chain(LOGOS);
    write_folder(&dir, files)?;
    Ok(dir)
}

/// Removes the kernelspec of this name and returns the folder it was in.
///
/// # Errors
///
/// When no kernel of this name is installed, or it belongs to another program.
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
    let leaving = tempdir_in(&kernels)?;
    fs::rename(&dir, leaving.path().join("old")).map_err(|error| failed("remove", &dir, error))?;
    export::uninstall(&kernels)?;
    Ok(dir)
}

/// The folder of all kernels, and in it the folder of the kernel that `options` name.
fn place(location: &Location, options: &Options) -> Result<(PathBuf, PathBuf), KernelspecError> {
    let kernels = location.kernels_dir()?;
    let dir = kernels.join(options.name.to_lowercase());
    Ok((kernels, dir))
}

/// A folder that is removed when the value is dropped. Jupyter takes every folder with a `kernel.json` for a kernel, so
/// files are built or removed one level deeper.
fn tempdir_in(folder: &Path) -> Result<tempfile::TempDir, KernelspecError> {
    let created = tempfile::Builder::new()
        .prefix(".corebook-")
        .tempdir_in(folder);
    created.map_err(|error| failed("create a folder in", folder, error))
}

/// The kernelspecs of corebook in the folders that Jupyter searches and in the active Python environment.
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
    let ours = spec["metadata"].get(OWNER)?;
    let env = spec["env"].as_object().into_iter().flatten();
    Some(Installed {
        name,
        display_name: spec["display_name"].as_str()?.to_owned(),
        dir: dir.to_owned(),
        binary: PathBuf::from(spec["argv"][0].as_str()?),
        version: ours["version"].as_str().unwrap_or_default().to_owned(),
        env: env
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
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

/// Fails if the folder has files and is not a kernelspec of corebook.
fn check_is_ours(dir: &Path) -> Result<(), KernelspecError> {
    let is_free = || fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none());
    match !dir.exists() || read(dir).is_some() || is_free() {
        true => Ok(()),
        false => Err(KernelspecError::NotOurs {
            dir: dir.to_owned(),
        }),
    }
}

/// Replaces `dir` by a folder with these files. The folder above must exist. If it fails halfway, the old folder is
/// restored.
fn write_folder<'files>(
    dir: &Path,
    files: impl Iterator<Item = (&'files str, &'files [u8])>,
) -> Result<(), KernelspecError> {
    let building = tempdir_in(dir.parent().unwrap_or(dir))?;
    let new = building.path().join("new");
    fs::create_dir(&new).map_err(|error| failed("create", &new, error))?;
    for (name, content) in files {
        let path = new.join(name);
        fs::write(&path, content).map_err(|error| failed("write", &path, error))?;
    }
    let old = building.path().join("old");
    let has_old = dir.exists();
    if has_old {
        fs::rename(dir, &old).map_err(|error| failed("replace", dir, error))?;
    }
    if let Err(error) = fs::rename(&new, dir) {
        if has_old {
            fs::rename(&old, dir).map_err(|error| failed("restore", dir, error))?;
        }
        return Err(failed("create", dir, error));
    }
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
