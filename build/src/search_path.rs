//! Programs by their names, as a shell finds them, but never in the folder that a process happens to be in.
//!
//! An empty or relative entry of `PATH` means the current folder. A kernel is started in the folder of the notebook
//! that somebody opened, which may hold any program under any name, so such entries do not count. The loader's list of
//! folders for libraries has the same rule and the same danger.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Lists of folders in which the system looks for what a process runs or loads.
pub const LISTS: [&str; 3] = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

/// The absolute entries of a list such as `PATH`; nothing if all of them are.
///
/// ```
/// use corebook_build::search_path::without_relative;
/// # #[cfg(unix)] {
/// assert_eq!(without_relative("/bin::.:tools:/usr/bin".as_ref()), Some("/bin:/usr/bin".into()));
/// assert_eq!(without_relative("/bin:/usr/bin".as_ref()), None);
/// # }
/// ```
pub fn without_relative(list: &OsStr) -> Option<OsString> {
    let all: Vec<PathBuf> = env::split_paths(list).collect();
    let absolute: Vec<&PathBuf> = all.iter().filter(|entry| entry.is_absolute()).collect();
    // What was split can be joined again.
    (absolute.len() < all.len()).then(|| env::join_paths(absolute).unwrap_or_default())
}

/// Where `PATH` leads for a program.
///
/// * `program`: its name without a folder.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .filter(|entry| entry.is_absolute())
        .map(|folder| folder.join(exe(program)))
        .find(|file| file.is_file())
}

/// A folder in which nobody but the system's administrator can put files: where programs are run that look around
/// in the folder they are run in.
pub fn neutral_folder() -> PathBuf {
    match cfg!(unix) {
        true => Path::new("/").to_owned(),
        false => env::temp_dir(),
    }
}

/// The name of a program's file.
pub(crate) fn exe(program: &str) -> String {
    format!("{program}{}", env::consts::EXE_SUFFIX)
}
