//! Decides where the history is kept. Creates no file.

use std::ffi::OsString;
use std::path::PathBuf;

/// The variable that names the file, or turns it off.
pub const VARIABLE: &str = "COREBOOK_HISTORY";

/// The value of [`VARIABLE`] that turns the file off.
pub const OFF: &str = "off";

/// Where cells are remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    File(PathBuf),
    /// Until the kernel ends.
    Memory,
    /// [`VARIABLE`] is not set, and there is no home folder.
    Unknown,
}

impl Place {
    /// The file that [`VARIABLE`] names, else `corebook/history.sqlite` in the user's data folder
    /// (`$XDG_DATA_HOME` or `~/.local/share` on Linux).
    pub fn locate() -> Self {
        Self::of(std::env::var_os(VARIABLE), dirs::data_dir())
    }

    fn of(asked: Option<OsString>, data_dir: Option<PathBuf>) -> Self {
        match asked.filter(|asked| !asked.is_empty()) {
            Some(asked) if asked == OFF => Self::Memory,
            Some(path) => Self::File(PathBuf::from(path)),
            None => data_dir.map_or(Self::Unknown, |dir| {
                Self::File(dir.join("corebook").join("history.sqlite"))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_wins_over_the_data_folder() {
        let data_dir = || Some(PathBuf::from("/data"));
        let of = |asked: Option<&str>, dir| Place::of(asked.map(OsString::from), dir);
        let default = Place::File(PathBuf::from("/data/corebook/history.sqlite"));
        assert_eq!(of(None, data_dir()), default);
        assert_eq!(of(Some(""), data_dir()), default);
        assert_eq!(
            of(Some("/h.sqlite"), data_dir()),
            Place::File(PathBuf::from("/h.sqlite"))
        );
        assert_eq!(of(Some("off"), data_dir()), Place::Memory);
        assert_eq!(of(None, None), Place::Unknown);
    }
}
