//! Reads from rustup's settings which toolchain the user has chosen, and asks rustup where it is.
//!
//! rustup itself would look for a toolchain file in the current folder and above, and such a file can name any program.
//! So it is always run in a folder without such a file, and asked for a toolchain by name if a name is known.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::{RUSTUP_VARIABLE, output_of};
use crate::Error;

/// What `rustup default` and `rustup override set` have stored.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    default: Option<String>,
    /// Toolchains by the folders they were chosen for.
    overrides: BTreeMap<PathBuf, String>,
}

impl Settings {
    /// Without any choice if the file can't be read.
    pub(super) fn read() -> Self {
        let file = home().map(|home| home.join("settings.toml"));
        let text = file.and_then(|file| fs::read_to_string(file).ok());
        text.map(|text| Self::parse(&text)).unwrap_or_default()
    }

    fn parse(text: &str) -> Self {
        let table: toml::Table = text.parse().unwrap_or_default();
        let text = |value: &toml::Value| value.as_str().map(str::to_owned);
        let overrides = table.get("overrides").and_then(toml::Value::as_table);
        let overrides = overrides.into_iter().flatten();
        Self {
            default: table.get("default_toolchain").and_then(text),
            overrides: overrides
                .filter_map(|(folder, name)| Some((PathBuf::from(folder), text(name)?)))
                .collect(),
        }
    }

    /// What the user has chosen for work in `folder`: for it, for the nearest folder above, or for all.
    pub(super) fn chosen_for(&self, folder: Option<&Path>) -> Option<&str> {
        let mut folders = folder.into_iter().flat_map(Path::ancestors);
        let chosen = folders.find_map(|folder| self.overrides.get(folder));
        chosen.or(self.default.as_ref()).map(String::as_str)
    }

    /// Whether the user has chosen a toolchain for this very folder.
    pub(super) fn has_override(&self, folder: &Path) -> bool {
        self.overrides.contains_key(folder)
    }
}

fn home() -> Option<PathBuf> {
    let named = env::var_os("RUSTUP_HOME")
        .filter(|home| !home.is_empty())
        .map(PathBuf::from);
    named.or_else(|| dirs::home_dir().map(|home| home.join(".rustup")))
}

/// The path of a toolchain's cargo.
///
/// * `name`: as rustup knows it; without one rustup decides, by [`RUSTUP_VARIABLE`] for example.
///
/// # Errors
///
/// When it is not installed. Nothing is downloaded.
pub(super) fn which_cargo(rustup: &Path, name: Option<&str>) -> Result<PathBuf, Error> {
    let mut args = vec!["which"];
    args.extend(name.into_iter().flat_map(|name| ["--toolchain", name]));
    args.push("cargo");
    match output_of(rustup, &args) {
        Ok(path) => Ok(PathBuf::from(path.trim())),
        Err(Error::ToolFailed { detail, .. }) => {
            let wanted = name
                .map(str::to_owned)
                .or_else(|| env::var(RUSTUP_VARIABLE).ok())
                .unwrap_or_else(|| "stable".to_owned());
            Err(Error::NoToolchain { wanted, detail })
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_override_wins_over_the_default() {
        let settings = Settings::parse(
            "version = \"12\"\ndefault_toolchain = \"stable\"\n\
             [overrides]\n\"/a\" = \"beta\"\n\"/a/b\" = \"nightly\"\n",
        );
        let chosen = |folder: &str| settings.chosen_for(Some(Path::new(folder)));
        assert_eq!(chosen("/a/b/c"), Some("nightly"));
        assert_eq!(chosen("/a/bc"), Some("beta"));
        assert_eq!(chosen("/"), Some("stable"));
        assert_eq!(settings.chosen_for(None), Some("stable"));
        assert!(settings.has_override(Path::new("/a")));
        assert!(!settings.has_override(Path::new("/a/b/c")));
    }

    #[test]
    fn settings_that_cannot_be_read_choose_nothing() {
        for text in ["", "default_toolchain = 5", "[overrides", "overrides = 1"] {
            assert_eq!(Settings::parse(text), Settings::default(), "{text}");
        }
    }
}
