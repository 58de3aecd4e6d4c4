//! Which path to the program a kernelspec names, so that it outlives an upgrade.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use corebook_build::search_path;

/// The path by which the program was called, if that is it; else `running`.
///
/// The system tells where the file is, with links resolved. Package managers install a program as a link
/// into a folder that bears the version, and lead the link elsewhere at an upgrade: the link stays.
///
/// * `called`: the first word of the command line
/// * `running`: what the system says
pub fn path_to_keep(called: &OsStr, running: PathBuf) -> PathBuf {
    let named = Path::new(called);
    let found = if named.components().count() > 1 {
        std::path::absolute(named).ok()
    } else {
        called.to_str().and_then(search_path::find)
    };
    let is_it = |path: &PathBuf| {
        let (one, other) = (fs::canonicalize(path), fs::canonicalize(&running));
        matches!((one, other), (Ok(one), Ok(other)) if one == other)
    };
    found.filter(is_it).unwrap_or(running)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_link_is_kept_and_what_is_another_program_is_not() {
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
