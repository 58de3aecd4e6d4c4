//! Where this program's own file is.

use std::path::PathBuf;

/// The path of the running program, also after an upgrade has put another file in its place: what is
/// started from there then is the new version.
pub fn path() -> std::io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    // Linux says so behind the name of a file that was removed or replaced.
    let replaced = path
        .to_str()
        .and_then(|path| path.strip_suffix(" (deleted)"));
    Ok(match replaced {
        Some(replaced) if !path.exists() => PathBuf::from(replaced),
        _ => path,
    })
}
