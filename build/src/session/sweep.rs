//! Names and locks of sessions, and the removal of sessions whose kernel has ended.
//!
//! A folder belongs to a running kernel as long as a process holds the lock file beside it. The lock is taken before
//! the folder is created, and the lock file is removed after the folder.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use crate::Error;
use crate::cargo::WORK_DIR;

/// Held while locks are created and checked: a lock file that was created but is not locked yet is not stale.
const SWEEP_LOCK: &str = "sweep.lock";

/// How often the removal of a folder is tried, and the pause between: a dying compiler may still write into it.
const REMOVALS: usize = 20;
const REMOVAL_PAUSE: Duration = Duration::from_millis(10);

/// Removes the sessions of dead kernels and takes a lock for a new one. Returns its name and the lock.
pub(super) fn sweep_and_reserve(sessions: &Path) -> Result<(String, File), Error> {
    let _guard = lock_file(&sessions.join(SWEEP_LOCK))?;
    sweep(sessions);
    new_lock(sessions)
}

/// Removes the sessions of dead kernels beside a session, and the session itself if its kernel is dead. Returns whether
/// it is gone.
///
/// * `work_dir`: the session's [`work_dir`](super::Session::work_dir), which may be gone.
///
/// # Errors
///
/// When the lock cannot be taken. What can't be removed is left for the next time.
pub fn sweep_beside(work_dir: &Path) -> Result<bool, Error> {
    let depth = Path::new(WORK_DIR).components().count();
    let Some((session, sessions)) = work_dir
        .ancestors()
        .nth(depth)
        .zip(work_dir.ancestors().nth(depth + 1))
    else {
        return Ok(true);
    };
    let _guard = lock_file(&sessions.join(SWEEP_LOCK))?;
    sweep(sessions);
    Ok(!session.exists())
}

/// Removes a folder and everything in it. Returns whether it is gone.
pub(super) fn remove_folder(dir: &Path) -> bool {
    for _ in 0..REMOVALS {
        match fs::remove_dir_all(dir) {
            Ok(()) => return true,
            Err(_) if !dir.exists() => return true,
            // Something was written or removed there meanwhile.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::DirectoryNotEmpty | ErrorKind::NotFound
                ) => {}
            Err(_) => return false,
        }
        std::thread::sleep(REMOVAL_PAUSE);
    }
    false
}

/// Removes sessions whose process has ended, and folders without a lock: a compiler that outlived its kernel may have
/// created its folder again. What cannot be removed is left for the next time.
fn sweep(sessions: &Path) {
    for entry in fs::read_dir(sessions).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension() != Some(OsStr::new("lock")) {
            if !path.with_extension("lock").exists() {
                remove_folder(&path);
            }
            continue;
        }
        let is_stale = || File::open(&path).is_ok_and(|file| file.try_lock().is_ok());
        if entry.file_name() != SWEEP_LOCK && is_stale() && remove_folder(&path.with_extension(""))
        {
            let _ = fs::remove_file(&path);
        }
    }
}

/// An unused name, and its lock.
fn new_lock(sessions: &Path) -> Result<(String, File), Error> {
    let failed = |error| Error::io("create a file in", sessions, error);
    let named = tempfile::Builder::new()
        .suffix(".lock")
        .prefix("")
        .tempfile_in(sessions)
        .map_err(failed)?;
    named.as_file().lock().map_err(failed)?;
    let (file, path) = named.keep().map_err(|error| failed(error.error))?;
    let id = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    Ok((id, file))
}

fn lock_file(path: &Path) -> Result<File, Error> {
    let file = File::options().create(true).append(true).open(path);
    let file = file.and_then(|file| file.lock().map(|()| file));
    file.map_err(|error| Error::io("lock", path, error))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_sessions_lock_is_a_new_private_file() {
        let sessions = tempfile::tempdir().unwrap();
        let (first, _first_lock) = new_lock(sessions.path()).unwrap();
        let (second, _second_lock) = new_lock(sessions.path()).unwrap();
        assert_ne!(first, second);
        let path = sessions.path().join(format!("{first}.lock"));
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn sweeping_removes_dead_sessions_and_no_live_one() {
        let sessions = tempfile::tempdir().unwrap();
        let dir = |id: &str| sessions.path().join(id);
        let (alive, _lock) = new_lock(sessions.path()).unwrap();
        let (dead, lock) = new_lock(sessions.path()).unwrap();
        drop(lock);
        for id in [alive.as_str(), dead.as_str(), "without-lock"] {
            fs::create_dir_all(dir(id).join(WORK_DIR)).unwrap();
        }
        assert!(!sweep_beside(&dir(&alive).join(WORK_DIR)).unwrap());
        assert!(sweep_beside(&dir(&dead).join(WORK_DIR)).unwrap());
        let mut left: Vec<String> = fs::read_dir(sessions.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let mut expected = [
            alive.clone(),
            format!("{alive}.lock"),
            SWEEP_LOCK.to_owned(),
        ];
        expected.sort();
        assert_eq!(left, expected);
    }
}
