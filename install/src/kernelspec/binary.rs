//! Which path of the program a kernelspec names, so that it stays valid after an upgrade.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use corebook_build::search_path;

/// The path by which the program was called, if it leads to the running program; else `running`.
///
/// The system reports the path of the file, with links resolved. Package managers install a program as a link into a
/// folder with the version in its name. An upgrade changes where the link leads, but the link stays.
///
/// * `called`: the first argument of the command line
/// * `running`: the path that the system reports
pub fn path_to_keep(called: &OsStr, running: PathBuf) -> PathBuf {
    let named = Path::new(called);
    let found = if named.components().count() > 1 {
        std::path::absolute(named).ok()
    } else {
        called.to_str().and_then(search_path::find)
    };
    let is_running = |path: &PathBuf| {
        let (one, other) = (fs::canonicalize(path), fs::canonicalize(&running));
        matches!((one, other), (Ok(one), Ok(other)) if one == other)
    };
    found.filter(is_running).unwrap_or(running)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_link_to_the_running_program_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let version = folder.path().join("1.0");
        fs::create_dir(&version).unwrap();
        let program = version.join("corebook");
        fs::write(&program, "").unwrap();
        let link = folder.path().join("corebook");
        std::os::unix::fs::symlink(&program, &link).unwrap();
        let kept = |called: &Path| path_to_keep(called.as_os_str(), program.clone());
        assert_eq!(kept(&link), link);
        assert_eq!(kept(&program), program);
        for other in ["/bin/sh", "sh", "no-such-program", "./corebook", ""] {
            assert_eq!(kept(Path::new(other)), program, "{other}");
        }
    }
}
