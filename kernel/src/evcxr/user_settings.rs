//! The settings that a user has made for evcxr: dependencies and code for every notebook.
//!
//! evcxr would look for `evcxr.toml` in the current folder first, which is the notebook's. It is kept from that, and
//! what makes sense in the user's own folder for settings is read here: the `[dependencies]` and the `prelude` of
//! `evcxr.toml`, else `init.evcxr` and `prelude.rs`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use corebook_build::evcxr::SETTINGS_VARIABLE;
use toml::Table;

/// Settings that a kernel cannot obey, and why.
const LEFT_OUT: [(&str, &str); 6] = [
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

/// What a user wants in every notebook.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct UserSettings {
    /// Where the dependencies come from, and the commands that add them.
    dependencies: Option<(PathBuf, String)>,
    /// Where the prelude comes from, and its code.
    prelude: Option<(PathBuf, String)>,
    /// The file with the settings that are left out, and their names.
    left_out: Option<(PathBuf, Vec<&'static str>)>,
}

/// The folder of the user's settings, whether it exists or not.
pub fn folder() -> Option<PathBuf> {
    let named = std::env::var_os(SETTINGS_VARIABLE)
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute());
    named.or_else(|| Some(dirs::config_dir()?.join("evcxr")))
}

impl UserSettings {
    /// The default if there is no file.
    ///
    /// # Errors
    ///
    /// When one can't be read, in words that name it.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let mut settings = Self::default();
        let file = folder.join("evcxr.toml");
        if let Some(text) = read(&file)? {
            let broken =
                |why: &str| format!("{} is broken ({why}): mend or remove it", file.display());
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
                .ok_or_else(|| format!("`{name}` is no table")),
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
            Some(_) => return Err("`prelude` is no text".to_owned()),
        }
        let names = LEFT_OUT.iter().map(|(name, _)| *name);
        let left_out: Vec<&str> = names.filter(|name| evcxr.contains_key(*name)).collect();
        self.left_out = (!left_out.is_empty()).then(|| (file.to_owned(), left_out));
        Ok(())
    }

    /// What is to be run before the first cell, with a name for each part.
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

    /// What there is, in a line.
    pub fn summary(&self) -> String {
        let parts = self.parts().map(|(what, _)| what);
        let left_out = self
            .left_out
            .iter()
            .map(|(file, names)| format!("{} of {} left out", names.join(", "), file.display()));
        parts.chain(left_out).collect::<Vec<_>>().join("; ")
    }

    /// A line for each setting that is not obeyed.
    pub fn left_out(&self) -> impl Iterator<Item = String> {
        let (file, names) = self
            .left_out
            .as_ref()
            .map_or((Path::new(""), &[][..]), |(file, names)| {
                (file.as_path(), names.as_slice())
            });
        let why = |name: &str| {
            LEFT_OUT
                .iter()
                .find(|(known, _)| *known == name)
                .map_or("", |(_, why)| why)
        };
        names
            .iter()
            .map(move |name| format!("{}: `{name}` is left out: {}", file.display(), why(name)))
    }
}

/// Nothing if there is no such file.
fn read(file: &Path) -> Result<Option<String>, String> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!(
            "{} can't be read ({error}): mend or remove it",
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
    fn what_contradicts_a_kernels_promises_is_left_out_in_words() {
        let toml = "[evcxr]\nopt_level = \"0\"\nsccache = \"/usr/bin/sccache\"\ntmpdir = \"x\"\n";
        let found = settings(&[("evcxr.toml", toml)]).unwrap();
        let lines: Vec<String> = found.left_out().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].ends_with(
            "evcxr.toml: `opt_level` is left out: cells are compiled as a release build is; `:opt` in a cell changes it"
        ), "{lines:?}");
        assert_eq!(code(&found), Vec::<&str>::new());
    }

    #[test]
    fn a_broken_file_is_named() {
        let error = |toml: &str| settings(&[("evcxr.toml", toml)]).unwrap_err();
        assert!(error("[evcxr").starts_with("DIR/evcxr.toml is broken ("));
        assert_eq!(
            error("dependencies = 1"),
            "DIR/evcxr.toml is broken (`dependencies` is no table): mend or remove it"
        );
        assert_eq!(
            error("[evcxr]\nprelude = 1"),
            "DIR/evcxr.toml is broken (`prelude` is no text): mend or remove it"
        );
    }
}
