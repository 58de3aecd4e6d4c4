//! The path of this program's file.

use std::path::PathBuf;

/// The path of the running program. After an upgrade has replaced the file, this is still its path, and a process that
/// is started from it runs the new version.
pub fn path() -> std::io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    // Linux appends this to the name of a file that was removed or replaced.
    let replaced = path
        .to_str()
        .and_then(|path| path.strip_suffix(" (deleted)"));
    Ok(match replaced {
        Some(replaced) if !path.exists() => PathBuf::from(replaced),
        _ => path,
    })
}
