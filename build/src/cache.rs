//! Where prebuilt files are kept, and the names of the folders there.
//!
//! ```text
//! <cache>/runtime/<hash>/               source of the runtime, unpacked from the binary
//! <cache>/templates/<key>/key.txt       what the template was built for
//! <cache>/templates/<key>/…/work/       a working directory of evcxr with the runtime built in it
//! <cache>/templates/building-<random>/  a template that is being built, or what a killed build left
//! <cache>/templates.lock                held while a template is built
//! <cache>/sessions/<id>/…/work/         one kernel's clone of a template
//! <cache>/sessions/<id>.lock            held while that kernel runs
//! ```
//!
//! Templates and sessions are at the same depth, because the compiler writes a relative path to the standard library
//! into every dynamic library.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;

/// Names another folder for the cache.
pub const CACHE_VARIABLE: &str = "COREBOOK_CACHE_DIR";

/// The folder for the compilers' temporary files. What a killed compiler leaves there is removed with the session.
pub(crate) const TEMPORARY: &str = "tmp";

/// The folder for everything that can be built again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The cache that [`CACHE_VARIABLE`] names, else `corebook` in the user's cache folder
    /// (`$XDG_CACHE_HOME` or `~/.cache` on Linux, `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on
    /// Windows). Nothing is created.
    ///
    /// # Errors
    ///
    /// [`Error::NoCacheFolder`] if there is no home folder.
    pub fn locate() -> Result<Self, Error> {
        match env::var_os(CACHE_VARIABLE).filter(|path| !path.is_empty()) {
            Some(path) => Self::at(Path::new(&path)),
            None => Self::at(
                &dirs::cache_dir()
                    .ok_or(Error::NoCacheFolder)?
                    .join("corebook"),
            ),
        }
    }

    /// The cache in this folder, made absolute.
    ///
    /// # Errors
    ///
    /// [`Error::PathNotUtf8`], because `evcxr` and manifests need UTF-8.
    pub fn at(root: &Path) -> Result<Self, Error> {
        let root = std::path::absolute(root).map_err(|error| Error::io("locate", root, error))?;
        match root.to_str() {
            Some(_) => Ok(Self { root }),
            None => Err(Error::PathNotUtf8 { path: root }),
        }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn runtime(&self, hash: &str) -> PathBuf {
        self.root.join("runtime").join(hash)
    }

    pub(crate) fn templates(&self) -> PathBuf {
        self.root.join("templates")
    }

    pub(crate) fn templates_lock(&self) -> PathBuf {
        self.root.join("templates.lock")
    }

    pub(crate) fn sessions(&self) -> PathBuf {
        self.root.join("sessions")
    }
}

/// Creates a folder and its parents. Templates hold nothing private: a class shares them.
pub(crate) fn create_dir(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|error| Error::io("create", path, error))
}

/// Creates a folder with the usual permissions, which is removed when the value is dropped.
pub(crate) fn create_temporary_dir(
    parent: &Path,
    prefix: &str,
) -> Result<tempfile::TempDir, Error> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The system applies the user's umask.
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    builder
        .tempdir_in(parent)
        .map_err(|error| Error::io("create a folder in", parent, error))
}

/// Creates a folder and its parents, readable by its owner only.
pub(crate) fn create_private_dir(path: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|error| Error::io("create", path, error))
}

pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<(), Error> {
    fs::write(path, content).map_err(|error| Error::io("write", path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_folder_becomes_absolute() {
        let cache = Cache::at(Path::new("some/where")).unwrap();
        assert!(cache.root().is_absolute());
        assert!(cache.root().ends_with("some/where"));
    }
}
