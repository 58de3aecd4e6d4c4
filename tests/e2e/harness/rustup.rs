//! A rustup with the toolchains and settings of one test, made of links to the real ones.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::skip::skip_or_fail;
use crate::toolchain::sysroot;

/// The user's default toolchain: the one that compiled these tests.
pub const DEFAULT: &str = "chosen-by-the-user";

/// rustup's own folder.
pub struct Rustup {
    home: TempDir,
}

impl Rustup {
    /// `None` on a machine without rustup: the test `name` is skipped there, or fails.
    pub fn find_or_skip(name: &str) -> Option<Self> {
        let rustup = Self::find();
        if rustup.is_none() {
            skip_or_fail(name, "there is no rustup");
        }
        rustup
    }

    /// `None` on a machine without rustup.
    pub fn find() -> Option<Self> {
        let found = Command::new("rustup").arg("--version").output();
        if !found.is_ok_and(|output| output.status.success()) {
            return None;
        }
        let home = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(home.path().join("toolchains")).expect("the folder is ours");
        let rustup = Self { home };
        rustup.add(DEFAULT, &sysroot());
        rustup.set_override(None);
        Some(rustup)
    }

    /// The value for `RUSTUP_HOME`.
    pub fn home(&self) -> &str {
        self.home.path().to_str().expect("its path is text")
    }

    /// Installs a toolchain.
    pub fn add(&self, name: &str, root: &Path) {
        symlink(root, self.home.path().join("toolchains").join(name)).expect("the folder is ours");
    }

    /// Writes the settings: the default, and a toolchain for a folder.
    pub fn set_override(&self, chosen: Option<(&Path, &str)>) {
        let chosen =
            chosen.map(|(folder, name)| format!("\"{}\" = \"{name}\"\n", folder.display()));
        let settings = format!(
            "version = \"12\"\ndefault_toolchain = \"{DEFAULT}\"\nprofile = \"default\"\n\n[overrides]\n{}",
            chosen.unwrap_or_default()
        );
        fs::write(self.home.path().join("settings.toml"), settings).expect("the folder is ours");
    }

    /// Makes a program use this rustup and no other choice of a toolchain.
    pub fn apply(&self, command: &mut Command) {
        command
            .env("RUSTUP_HOME", self.home())
            .env_remove("RUSTUP_TOOLCHAIN")
            .env_remove("COREBOOK_TOOLCHAIN");
    }
}
