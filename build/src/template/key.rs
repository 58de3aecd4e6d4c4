//! What a template was built for. This is written into it, so that one that does not fit is recognised and described.

use std::fs;
use std::path::Path;

use super::{KEY_FILE, Prebuild};
use crate::cargo::{self, BUILD_ENVS, OPT_LEVEL};

impl Prebuild {
    /// Everything that a template depends on. Two templates with the same text are interchangeable.
    pub fn key(&self) -> String {
        let envs = BUILD_ENVS
            .map(|(name, value)| format!("{name}={value}"))
            .join(" ");
        let crates: Vec<String> = self
            .extra_crates
            .iter()
            .map(|it| format!("{} {}", it.name(), it.dependency_config()))
            .collect();
        format!(
            "corebook {}\nruntime {}\ncargo-home {}\nopt-level {OPT_LEVEL}\nenvironment {envs}\nrustflags {}\nlinker {}\ncrates {}\n{}{}",
            env!("CARGO_PKG_VERSION"),
            self.runtime.dir(&self.cache).display(),
            self.cargo_home.display(),
            self.linker.rustflags(),
            self.linker.program().unwrap_or(Path::new("")).display(),
            crates.join(", "),
            self.toolchain.verbose_version,
            cargo::OUTER_CONFIG,
        )
    }

    /// What the newest template was built for, if there are templates and none of them fits.
    pub fn stale(&self) -> Option<String> {
        let entries = fs::read_dir(self.cache.templates()).into_iter().flatten();
        let keys = entries.flatten().filter_map(|entry| {
            let path = entry.path().join(KEY_FILE);
            let date = fs::metadata(&path).and_then(|file| file.modified()).ok()?;
            Some((date, fs::read_to_string(path).ok()?))
        });
        let (_, newest) = keys.max()?;
        (self.existing().is_none()).then(|| differences(&newest, &self.key()))
    }
}

/// Describes in which respects one template's key differs from another's.
fn differences(theirs: &str, ours: &str) -> String {
    let value = |key: &str, name: &str| {
        let line = key.lines().find_map(|line| line.strip_prefix(name));
        line.map(str::trim).unwrap_or_default().to_owned()
    };
    let differs = |name: &&str| value(theirs, name) != value(ours, name);
    let mut parts = Vec::new();
    if differs(&"release:") {
        parts.push(format!("rustc {}", value(theirs, "release:")));
    }
    if ["corebook ", "runtime "].iter().any(differs) {
        parts.push("another version of corebook".to_owned());
    }
    if differs(&"cargo-home ") {
        parts.push(format!("crates in {}", value(theirs, "cargo-home ")));
    }
    if differs(&"crates ") {
        parts.push(match value(theirs, "crates ").as_str() {
            "" => "no further crates".to_owned(),
            crates => format!("the crates {}", crates.replace(" \"*\"", "")),
        });
    }
    match parts.is_empty() {
        true => "other settings".to_owned(),
        false => parts.join(", "),
    }
}
