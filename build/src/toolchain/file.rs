//! The toolchain that a project asks for in a file: `rust-toolchain.toml`, or `rust-toolchain` without an ending.
//!
//! Such a file comes with a notebook's folder, so it may only choose among the toolchains that the user has installed.
//! Nothing is installed for it, and a `path` is refused, because it can lead to any program.
//! The format is rustup's: <https://rust-lang.github.io/rustup/overrides.html#the-toolchain-file>.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;

/// rustup's names; the first one takes precedence.
const NAMES: [&str; 2] = ["rust-toolchain", "rust-toolchain.toml"];

/// A toolchain file that was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ToolchainFile {
    pub(super) path: PathBuf,
    pub(super) names: Named,
}

/// What a toolchain file asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A toolchain as rustup knows it.
    Channel(String),
    /// A folder with a toolchain.
    Path(String),
}

impl ToolchainFile {
    /// The file that applies to `folder`: in it, or in the nearest folder above that has one.
    ///
    /// * `ends_at`: whether the search ends before the files of a folder.
    ///
    /// # Errors
    ///
    /// [`Error::BadToolchainFile`] when it can't be read or names no toolchain.
    pub(super) fn find(
        folder: &Path,
        ends_at: impl Fn(&Path) -> bool,
    ) -> Result<Option<Self>, Error> {
        let folders = folder.ancestors().take_while(|folder| !ends_at(folder));
        let mut files = folders.flat_map(|folder| NAMES.map(|name| folder.join(name)));
        let Some(path) = files.find(|file| file.is_file()) else {
            return Ok(None);
        };
        let named = fs::read_to_string(&path)
            .map_err(|error| error.to_string())
            .and_then(|text| read(&text));
        match named {
            Ok(names) => Ok(Some(Self { path, names })),
            Err(detail) => Err(Error::BadToolchainFile { path, detail }),
        }
    }
}

/// The old form is the name alone, on a single line.
fn read(text: &str) -> Result<Named, String> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let (first, second) = (lines.next(), lines.next());
    if let (Some(name), None) = (first, second)
        && !name.starts_with('[')
        && !name.contains('=')
    {
        return channel(name);
    }
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| error.message().to_owned())?;
    let toolchain = table.get("toolchain");
    let field = |name: &str| toolchain?.get(name)?.as_str();
    match (field("path"), field("channel")) {
        (Some(path), _) => Ok(Named::Path(path.to_owned())),
        (None, Some(name)) => channel(name),
        (None, None) => Err("no `channel` in a table `[toolchain]`".to_owned()),
    }
}

/// Accepts only names that rustup can give to a toolchain, so that the name is neither an option nor a path.
fn channel(name: &str) -> Result<Named, String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(is_allowed) {
        true => Ok(Named::Channel(name.to_owned())),
        false => Err(format!("`{}` is not a channel", name.escape_debug())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let channel = |name: &str| Ok(Named::Channel(name.to_owned()));
        assert_eq!(read("nightly-2026-01-02\n"), channel("nightly-2026-01-02"));
        assert_eq!(
            read("# why\n[toolchain]\nchannel = \"1.95.0\"\ncomponents = [\"rust-src\"]\n"),
            channel("1.95.0")
        );
        assert_eq!(read("[toolchain]\nchannel = 'stable'"), channel("stable"));
        assert_eq!(
            read("[toolchain]\nchannel = \"stable\"\npath = \"tools\""),
            Ok(Named::Path("tools".to_owned()))
        );
    }

    #[test]
    fn bad_channels_are_refused() {
        for text in [
            "",
            "/tmp/tools",
            "../tools",
            "-v",
            "+nightly",
            "a b",
            "ni\u{1b}ghtly",
            "[toolchain]",
            "[toolchain]\nchannel = 5",
            "[toolchain]\nchannel = \"--help\"",
            "[toolchain\nchannel = \"stable\"",
            "toolchain = 1",
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_nearest_file_counts_unless_the_search_ends_before() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        fs::write(folder.path().join("rust-toolchain.toml"), "beta").unwrap();
        let found = |ends_at: &Path| {
            let found = ToolchainFile::find(&inner, |folder| folder == ends_at).unwrap();
            found.map(|file| file.names)
        };
        let nowhere = Path::new("/no/such/folder");
        let channel = |name: &str| Some(Named::Channel(name.to_owned()));
        assert_eq!(found(nowhere), channel("beta"));
        assert_eq!(found(&folder.path().join("a")), None);
        fs::write(inner.join("rust-toolchain.toml"), "stable").unwrap();
        fs::write(inner.join("rust-toolchain"), "nightly").unwrap();
        assert_eq!(found(nowhere), channel("nightly"));
        assert_eq!(found(&inner), None);
    }
}
