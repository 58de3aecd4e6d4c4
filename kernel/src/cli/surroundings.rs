//! What this program was started in: a folder and an environment.
//!
//! JupyterLab starts a kernel when a notebook is opened, in the notebook's folder. Whoever opens a notebook has not
//! agreed to run anything, so until a cell runs no file there decides what is run or with which options.
//! `docs/security.md` has the whole rule. Nothing here reads a file.

use std::path::{Path, PathBuf};

use corebook_build::cache::CACHE_VARIABLE;
use corebook_build::evcxr::SETTINGS_VARIABLE;
use corebook_build::search_path::{LISTS, neutral_folder, without_relative};
use corebook_processes::environment::set_variable;

use crate::history::place;

/// Variables that may name a file or folder relative to the folder of the start.
const PATHS: [&str; 6] = [
    CACHE_VARIABLE,
    place::VARIABLE,
    "CARGO_HOME",
    "RUSTUP_HOME",
    SETTINGS_VARIABLE,
    "TMPDIR",
];

/// Leaves only absolute folders in `PATH` and the loader's lists, for this process and all it starts.
pub fn ignore_relative_folders() {
    for name in LISTS {
        if let Some(absolute) = std::env::var_os(name).and_then(|list| without_relative(&list)) {
            set_variable(name, absolute);
        }
    }
}

/// Goes to a folder that holds nothing of a notebook's. Gives back the one that was left.
///
/// What variables said relative to it they say absolutely from now on.
pub fn leave_start_folder() -> Option<PathBuf> {
    // The folder can be gone.
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

/// The path that a variable means, if that is not what it says.
fn absolute(folder: &Path, path: &Path) -> Option<PathBuf> {
    let is_word = path.as_os_str().is_empty() || path == Path::new(place::OFF);
    (!is_word && path.is_relative()).then(|| folder.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_means_a_path_below_the_folder_of_the_start() {
        let of = |path: &str| absolute(Path::new("/start"), Path::new(path));
        assert_eq!(of("cache"), Some("/start/cache".into()));
        for unchanged in ["", "off", "/cache"] {
            assert_eq!(of(unchanged), None, "{unchanged:?}");
        }
    }
}
