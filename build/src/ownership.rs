//! Refuses files that another user could have put in our way.

use std::fs;
use std::path::Path;

use crate::Error;

/// A name that no other user has. On Unix it is the user's number, because containers often do not set `USER`.
pub(crate) fn own_name() -> Result<String, Error> {
    #[cfg(unix)]
    return own_uid().map(|uid| uid.to_string());
    #[cfg(not(unix))]
    Ok(std::env::var("USERNAME").unwrap_or_default())
}

/// The owner of the files that this process creates.
#[cfg(unix)]
fn own_uid() -> Result<u32, Error> {
    use std::os::unix::fs::MetadataExt;
    let file = tempfile::tempfile().and_then(|file| file.metadata());
    let file = file.map_err(|error| Error::io("create a file in", &std::env::temp_dir(), error))?;
    Ok(file.uid())
}

/// Refuses a folder that others can use. Anyone can create folders among the temporary files, so one with our name may
/// be a trap.
pub(crate) fn check_is_private(dir: &Path) -> Result<(), Error> {
    let metadata = fs::symlink_metadata(dir).map_err(|error| Error::io("read", dir, error))?;
    #[cfg(unix)]
    let is_private = {
        use std::os::unix::fs::MetadataExt;
        metadata.is_dir() && metadata.mode() & 0o077 == 0 && metadata.uid() == own_uid()?
    };
    #[cfg(not(unix))]
    let is_private = metadata.is_dir();
    match is_private {
        true => Ok(()),
        false => Err(Error::UnsafeFolder {
            path: dir.to_owned(),
        }),
    }
}

/// Refuses settings of another user in any folder above. Cargo reads them, and settings can name programs. In the
/// shared folder for temporary files, for example, anyone could create some.
#[cfg(unix)]
pub(crate) fn check_settings_above(dir: &Path) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt;
    let files = dir
        .ancestors()
        .flat_map(|folder| ["config.toml", "config"].map(|name| folder.join(".cargo").join(name)));
    for file in files {
        let Ok(found) = fs::metadata(&file) else {
            continue;
        };
        if found.uid() != 0 && found.uid() != own_uid()? {
            return Err(Error::SettingsOfOthers { path: file });
        }
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::cache;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path)
            .expect("the file is there")
            .permissions()
            .mode()
            & 0o777
    }

    #[test]
    fn settings_above_a_session_must_be_ours_or_roots() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = folder.path().join("a/sessions");
        let settings = folder.path().join(".cargo/config.toml");
        fs::create_dir_all(&sessions).unwrap();
        fs::create_dir(folder.path().join(".cargo")).unwrap();
        check_settings_above(&sessions).unwrap();
        fs::write(&settings, "").unwrap();
        check_settings_above(&sessions).unwrap();
        // Only root can change a file's owner.
        match std::os::unix::fs::chown(&settings, Some(4242), None) {
            Ok(()) => {
                let error = check_settings_above(&sessions).unwrap_err().to_string();
                assert!(error.starts_with(settings.to_str().unwrap()), "{error}");
            }
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied),
        }
    }

    #[test]
    fn a_temporary_folder_must_be_private_and_not_a_link() {
        let temporary = tempfile::tempdir().unwrap();
        let own = temporary.path().join("own");
        cache::create_private_dir(&own).unwrap();
        assert_eq!(mode(&own), 0o700);
        check_is_private(&own).unwrap();

        let link = temporary.path().join("link");
        symlink(&own, &link).unwrap();
        let open = temporary.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o770)).unwrap();
        let file = temporary.path().join("file");
        fs::write(&file, "").unwrap();
        for trap in [link, open, file] {
            let error = check_is_private(&trap).unwrap_err();
            assert!(matches!(error, Error::UnsafeFolder { .. }), "{error}");
        }
    }
}
