//! The source of the library that cells link to, embedded in the binary.
//!
//! `build.rs` made the embedded manifest independent of the workspace. This module writes the source
//! into the cache; it never compiles it.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::Error;
use crate::cache::{self, Cache};

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// A library crate named `corebook`, with the versions of its dependencies.
#[derive(Debug, Clone)]
pub struct RuntimeSource {
    /// Paths relative to the crate's folder, with `/`, and the files' contents.
    pub files: Vec<(String, Vec<u8>)>,
    /// A `Cargo.lock` with (at least) the crates it depends on.
    pub lock: String,
}

impl RuntimeSource {
    /// The runtime that this binary was built with.
    pub fn embedded() -> Self {
        let manifest = ("Cargo.toml".to_owned(), MANIFEST.as_bytes().to_vec());
        let sources = FILES
            .iter()
            .map(|(path, content)| ((*path).to_owned(), content.to_vec()));
        Self {
            files: [manifest].into_iter().chain(sources).collect(),
            lock: LOCK.to_owned(),
        }
    }

    /// 16 hexadecimal digits that change with any byte of the source or the versions.
    pub fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        let parts = self
            .files
            .iter()
            .flat_map(|(path, content)| [path.as_bytes(), content.as_slice()]);
        for part in parts.chain([self.lock.as_bytes()]) {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hex::encode(&hasher.finalize()[..8])
    }

    /// The folder for [`RuntimeSource::unpack`].
    pub(crate) fn dir(&self, cache: &Cache) -> PathBuf {
        cache.runtime(&self.hash())
    }

    /// Writes the source into the cache, unless it is there, and returns its folder.
    ///
    /// A half-written source never has the final name. All files get the same old date: Cargo compares dates, and a
    /// source that is unpacked again must not make templates look outdated.
    pub(crate) fn unpack(&self, cache: &Cache) -> Result<PathBuf, Error> {
        let dir = self.dir(cache);
        if dir.is_dir() {
            return Ok(dir);
        }
        let parent = dir.parent().expect("a folder in the cache has a parent");
        cache::create_dir(parent)?;
        let building = cache::create_temporary_dir(parent, "unpacking-")?;
        for (path, content) in &self.files {
            write_old(&building.path().join(path), content)?;
        }
        match fs::rename(building.path(), &dir) {
            Ok(()) => {}
            // Another process was faster with the same content.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists
                ) => {}
            Err(error) => return Err(Error::io("create", &dir, error)),
        }
        Ok(dir)
    }
}

fn write_old(path: &Path, content: &[u8]) -> Result<(), Error> {
    let parent = path.parent().expect("a file in a folder has a parent");
    cache::create_dir(parent)?;
    cache::write(path, content)?;
    // 2001-09-09, long before any build.
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let file = File::options().write(true).open(path);
    file.and_then(|file| file.set_modified(date))
        .map_err(|error| Error::io("date", path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_manifest_stands_alone() {
        let source = RuntimeSource::embedded();
        let text = String::from_utf8(source.files[0].1.clone()).unwrap();
        assert!(text.contains("name = \"corebook\""), "{text}");
        assert!(text.contains("dylib"), "{text}");
        assert!(!text.contains("workspace = true"), "{text}");
        let manifest: toml::Table = text.parse().unwrap();
        assert!(manifest.contains_key("workspace"), "{text}");
        let targets = manifest["target"].as_table().unwrap().values();
        for sections in targets.filter_map(toml::Value::as_table).chain([&manifest]) {
            let tests = sections
                .get("dev-dependencies")
                .and_then(toml::Value::as_table);
            assert!(tests.is_none_or(toml::Table::is_empty), "{text}");
        }
    }

    #[test]
    fn the_embedded_source_is_the_runtime_with_its_locked_versions() {
        let source = RuntimeSource::embedded();
        assert!(source.files.iter().any(|(path, _)| path == "src/lib.rs"));
        assert!(
            source.lock.contains("name = \"rayon-core\""),
            "{}",
            source.lock
        );
        assert!(!source.lock.contains("name = \"evcxr\""));
    }

    #[test]
    fn any_change_changes_the_hash() {
        let source = RuntimeSource::embedded();
        let mut changed = source.clone();
        changed.files[0].1.push(b' ');
        let mut locked = source.clone();
        locked.lock.push(' ');
        assert_ne!(source.hash(), changed.hash());
        assert_ne!(source.hash(), locked.hash());
        assert_eq!(source.hash().len(), 16);
    }

    #[test]
    fn unpacking_twice_keeps_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path()).unwrap();
        let source = RuntimeSource::embedded();
        let dir = source.unpack(&cache).unwrap();
        assert_eq!(source.unpack(&cache).unwrap(), dir);
        assert!(dir.join("src/lib.rs").is_file());
        assert_eq!(
            fs::read_dir(dir.parent().unwrap()).unwrap().count(),
            1,
            "no unfinished folder is left"
        );
    }
}
