//! The folder and the environment in which this program was started.
//!
//! JupyterLab starts a kernel in the notebook's folder as soon as the notebook is opened. The user has not agreed to
//! run anything then. So until a cell runs, no file in that folder may decide which program runs or with which
//! options. `docs/security.md` has the whole rule. Reads no file.

use std::path::{Path, PathBuf};

use corebook_build::cache::CACHE_VARIABLE;
use corebook_build::evcxr::SETTINGS_VARIABLE;
use corebook_build::search_path::{LISTS, neutral_folder, without_relative};
use corebook_processes::environment::set_variable;

use crate::history::place;

/// Variables that may hold a path relative to the folder in which the program was started.
const PATHS: [&str; 6] = [
    CACHE_VARIABLE,
    place::VARIABLE,
    "CARGO_HOME",
    "RUSTUP_HOME",
    SETTINGS_VARIABLE,
    "TMPDIR",
];

/// Removes relative folders from `PATH` and from the dynamic loader's lists, for this process and its children.
pub fn ignore_relative_folders() {
    for name in LISTS {
        if let Some(absolute) = std::env::var_os(name).and_then(|list| without_relative(&list)) {
            set_variable(name, absolute);
        }
    }
}

/// Changes to a folder that contains no file of a notebook. Returns the previous folder.
///
/// Makes relative paths in [`PATHS`] absolute first.
pub fn leave_start_folder() -> Option<PathBuf> {
    // The folder may have been removed.
    let folder = std::env::current_dir().ok();
    for name in PATHS {
        if let Some(path) = std::env::var_os(name)
            && let Some(folder) = &folder
            && let Some(absolute) = absolute(folder, Path::new(&path))
        {
            set_variable(name, absolute.into());
        }
    }
    if let Err(error) = std::env::set_current_dir(neutral_folder()) {
        tracing::warn!("can't leave the folder of the start: {error}");
    }
    folder
}

/// `path` made absolute below `folder`. None if it stays as it is.
fn absolute(folder: &Path, path: &Path) -> Option<PathBuf> {
    let is_no_path = path.as_os_str().is_empty() || path == Path::new(place::OFF);
    (!is_no_path && path.is_relative()).then(|| folder.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_are_below_the_start_folder() {
        let absolute_of = |path: &str| absolute(Path::new("/start"), Path::new(path));
        assert_eq!(absolute_of("cache"), Some("/start/cache".into()));
        for unchanged in ["", "off", "/cache"] {
            assert_eq!(absolute_of(unchanged), None, "{unchanged:?}");
        }
    }
}
