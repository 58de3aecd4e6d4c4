//! Reads the user's settings for evcxr: dependencies and code for every notebook. Runs none of it.
//!
//! evcxr itself would first look for `evcxr.toml` in the current folder, which is the notebook's. It is prevented from
//! that. Instead this module reads the usable settings in the user's folder for settings: the `[dependencies]` and the
//! `prelude` of `evcxr.toml`, or else `init.evcxr` and `prelude.rs`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use corebook_build::evcxr::SETTINGS_VARIABLE;
use toml::Table;

/// Settings that a kernel ignores, and why.
const IGNORED: [(&str, &str); 6] = [
    (
        "opt_level",
        "cells are compiled as a release build is; `:opt` in a cell changes it",
    ),
    (
        "tmpdir",
        "each kernel has a private folder; COREBOOK_CACHE_DIR says where",
    ),
    (
        "sccache",
        "a program from a file would run around each compiler; `:sccache 1` in a cell asks for it",
    ),
    ("offline_mode", "`:offline 1` in a cell does it"),
    (
        "allow_static_linking",
        "pools and other shared state need dynamic linking",
    ),
    ("preserve_vars_on_panic", "variables outlive a panic anyway"),
];

/// The dependencies and the code that a user wants in every notebook.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct UserSettings {
    /// The file with the dependencies, and the commands that add them.
    dependencies: Option<(PathBuf, String)>,
    /// The file with the prelude, and its code.
    prelude: Option<(PathBuf, String)>,
    /// The file with ignored settings, and their names.
    ignored: Option<(PathBuf, Vec<&'static str>)>,
}

/// The folder of the user's settings, whether it exists or not.
pub fn folder() -> Option<PathBuf> {
    let named = std::env::var_os(SETTINGS_VARIABLE)
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute());
    named.or_else(|| Some(dirs::config_dir()?.join("evcxr")))
}

impl UserSettings {
    /// Reads the settings. The default if no file exists.
    ///
    /// # Errors
    ///
    /// A message with the file's name, if a file can't be read or parsed.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let mut settings = Self::default();
        let file = folder.join("evcxr.toml");
        if let Some(text) = read(&file)? {
            let broken =
                |why: &str| format!("{} is broken ({why}): fix or remove it", file.display());
            let table: Table = text
                .parse()
                .map_err(|error: toml::de::Error| broken(error.message()))?;
            settings.take(&table, &file).map_err(|why| broken(&why))?;
        }
        let fill = |part: &mut Option<(PathBuf, String)>, name: &str| {
            if part.is_none() {
                let file = folder.join(name);
                *part = read(&file)?.map(|text| (file, text));
            }
            Ok::<(), String>(())
        };
        fill(&mut settings.dependencies, "init.evcxr")?;
        fill(&mut settings.prelude, "prelude.rs")?;
        Ok(settings)
    }

    fn take(&mut self, table: &Table, file: &Path) -> Result<(), String> {
        let part = |name: &str| match table.get(name) {
            None => Ok(None),
            Some(value) => value
                .as_table()
                .map(Some)
                .ok_or_else(|| format!("`{name}` is not a table")),
        };
        if let Some(dependencies) = part("dependencies")?.filter(|table| !table.is_empty()) {
            let lines = dependencies
                .iter()
                .map(|(name, value)| format!(":dep {name} = {value}\n"));
            self.dependencies = Some((file.to_owned(), lines.collect()));
        }
        let Some(evcxr) = part("evcxr")? else {
            return Ok(());
        };
        match evcxr.get("prelude") {
            None => {}
            Some(toml::Value::String(code)) => self.prelude = Some((file.to_owned(), code.clone())),
            Some(_) => return Err("`prelude` is not a string".to_owned()),
        }
        let names = IGNORED.iter().map(|(name, _)| *name);
        let ignored: Vec<&str> = names.filter(|name| evcxr.contains_key(*name)).collect();
        self.ignored = (!ignored.is_empty()).then(|| (file.to_owned(), ignored));
        Ok(())
    }

    /// The code to run before the first cell, with a description of each part.
    pub fn parts(&self) -> impl Iterator<Item = (String, &str)> {
        let named = |what: &'static str| {
            move |(file, _): &(PathBuf, String)| format!("{what} of {}", file.display())
        };
        let dependencies = self
            .dependencies
            .as_ref()
            .map(|part| (named("the dependencies")(part), part.1.as_str()));
        let prelude = self
            .prelude
            .as_ref()
            .map(|part| (named("the prelude")(part), part.1.as_str()));
        dependencies.into_iter().chain(prelude)
    }

    /// The settings in one line.
    pub fn summary(&self) -> String {
        let parts = self.parts().map(|(what, _)| what);
        let ignored = self
            .ignored
            .iter()
            .map(|(file, names)| format!("{} of {} ignored", names.join(", "), file.display()));
        parts.chain(ignored).collect::<Vec<_>>().join("; ")
    }

    /// A line for each ignored setting.
    pub fn ignored(&self) -> impl Iterator<Item = String> {
        let (file, names) = self
            .ignored
            .as_ref()
            .map_or((Path::new(""), &[][..]), |(file, names)| {
                (file.as_path(), names.as_slice())
            });
        let why = |name: &str| {
            IGNORED
                .iter()
                .find(|(known, _)| *known == name)
                .map_or("", |(_, why)| why)
        };
        names
            .iter()
            .map(move |name| format!("{}: `{name}` is ignored: {}", file.display(), why(name)))
    }
}

/// The text of a file. None if the file does not exist.
fn read(file: &Path) -> Result<Option<String>, String> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!(
            "{} can't be read ({error}): fix or remove it",
            file.display()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(files: &[(&str, &str)]) -> Result<UserSettings, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let path = folder.path().display().to_string();
        UserSettings::read(folder.path()).map_err(|error| error.replace(&path, "DIR"))
    }

    fn code(settings: &UserSettings) -> Vec<&str> {
        settings.parts().map(|(_, code)| code).collect()
    }

    #[test]
    fn dependencies_and_prelude_are_read_from_one_file_or_from_two() {
        let toml = "[evcxr]\nprelude = \"use std::fmt;\"\n\
                    [dependencies]\nrand = \"0.9\"\ntokio = { version = \"1\", features = [\"rt\"] }\n";
        let found = settings(&[("evcxr.toml", toml), ("prelude.rs", "unused")]).unwrap();
        assert_eq!(
            code(&found),
            [
                ":dep rand = \"0.9\"\n:dep tokio = { features = [\"rt\"], version = \"1\" }\n",
                "use std::fmt;"
            ]
        );
        let found =
            settings(&[("init.evcxr", ":dep rand\n"), ("prelude.rs", "fn f() {}")]).unwrap();
        assert_eq!(code(&found), [":dep rand\n", "fn f() {}"]);
        assert_eq!(settings(&[]).unwrap(), UserSettings::default());
        assert_eq!(
            settings(&[("evcxr.toml", "")]).unwrap(),
            UserSettings::default()
        );
    }

    #[test]
    fn an_ignored_setting_is_reported_with_its_reason() {
        let toml = "[evcxr]\nopt_level = \"0\"\nsccache = \"/usr/bin/sccache\"\ntmpdir = \"x\"\n";
        let found = settings(&[("evcxr.toml", toml)]).unwrap();
        let lines: Vec<String> = found.ignored().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].ends_with(
            "evcxr.toml: `opt_level` is ignored: cells are compiled as a release build is; `:opt` in a cell changes it"
        ), "{lines:?}");
        assert_eq!(code(&found), Vec::<&str>::new());
    }

    #[test]
    fn a_broken_file_is_named() {
        let error = |toml: &str| settings(&[("evcxr.toml", toml)]).unwrap_err();
        assert!(error("[evcxr").starts_with("DIR/evcxr.toml is broken ("));
        assert_eq!(
            error("dependencies = 1"),
            "DIR/evcxr.toml is broken (`dependencies` is not a table): fix or remove it"
        );
        assert_eq!(
            error("[evcxr]\nprelude = 1"),
            "DIR/evcxr.toml is broken (`prelude` is not a string): fix or remove it"
        );
    }
}
