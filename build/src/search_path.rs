//! Finds programs by name, as a shell does, but never in the current folder.
//!
//! An empty entry of `PATH` means the current folder, and a relative one a folder below it. A kernel starts in the
//! folder of its notebook, which may hold any program under any name, so such entries are ignored. The loader's list of
//! folders for libraries has the same rule and the same danger.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Lists of folders in which the system looks for programs and libraries.
pub const LISTS: [&str; 3] = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

/// The absolute entries of a list such as `PATH`; `None` if all of them are absolute.
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
    // Entries that come from a split can be joined again.
    (absolute.len() < all.len()).then(|| env::join_paths(absolute).unwrap_or_default())
}

/// The first file of this name in an absolute folder of `PATH`.
///
/// * `program`: its name without a folder.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .filter(|entry| entry.is_absolute())
        .map(|folder| folder.join(exe(program)))
        .find(|file| file.is_file())
}

/// A folder in which, on Unix, only the system's administrator can create files. Programs that look for files in the
/// current folder are run there.
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
