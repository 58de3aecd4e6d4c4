//! Puts the runtime's source into this library, so that an installed binary needs no checkout.
//!
//! The runtime is a member of this workspace and inherits its versions from it. The copy that cells link to is built
//! on its own, so its manifest is resolved here. The locked versions of its dependencies go along: what people run
//! is what was tested.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_toml::{Dependency, DependencyDetail, DepsSet, Manifest};
use serde::{Deserialize, Serialize};

/// Features that other crates commonly enable in crates the runtime is built from. Cargo builds a crate once, with
/// every feature that anything asks for. If these were off, a `:dep` in a notebook could enable them and have the
/// runtime compiled again, which loses every pool. `:dep itertools` did.
const SETTLED_FEATURES: [(&str, &[&str]); 2] = [
    ("either", &["std", "use_std"]),
    (
        "libc",
        &["align", "const-extern-fn", "extra_traits", "std", "use_std"],
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let workspace = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?)
        .join("..")
        .canonicalize()?;
    let runtime = workspace.join("magics").join("runtime");
    let manifest_path = runtime.join("Cargo.toml");
    let root_path = workspace.join("Cargo.toml");
    let lock_path = workspace.join("Cargo.lock");
    for path in [&manifest_path, &root_path, &lock_path, &runtime.join("src")] {
        println!("cargo::rerun-if-changed={}", path.display());
    }

    let mut manifest = Manifest::from_path(&manifest_path)?;
    isolate(&mut manifest)?;
    let lock: Lock = toml::from_str(&fs::read_to_string(&lock_path)?)?;
    let lock = lock.cut_down_to(&manifest);
    settle_features(&mut manifest.dependencies, &lock)?;

    let mut files = Vec::new();
    collect_files(&runtime.join("src"), &mut files)?;
    files.sort();

    let mut code = String::new();
    let (manifest, lock) = (toml::to_string(&manifest)?, toml::to_string(&lock)?);
    writeln!(code, "const MANIFEST: &str = {manifest:?};")?;
    writeln!(code, "const LOCK: &str = {lock:?};")?;
    writeln!(code, "const FILES: &[(&str, &[u8])] = &[")?;
    for file in &files {
        let name = file
            .strip_prefix(&runtime)?
            .components()
            .map(|part| part.as_os_str().to_string_lossy())
            .collect::<Vec<_>>()
            .join("/");
        writeln!(code, "    ({name:?}, include_bytes!({file:?})),")?;
    }
    writeln!(code, "];")?;
    fs::write(
        PathBuf::from(std::env::var("OUT_DIR")?).join("embedded.rs"),
        code,
    )?;
    Ok(())
}

/// Removes what means nothing outside the workspace.
fn isolate(manifest: &mut Manifest) -> Result<(), Box<dyn Error>> {
    manifest.lints = Default::default();
    manifest.dev_dependencies.clear();
    for target in manifest.target.values_mut() {
        target.dev_dependencies.clear();
    }
    for products in [
        &mut manifest.bench,
        &mut manifest.bin,
        &mut manifest.test,
        &mut manifest.example,
    ] {
        products.clear();
    }
    if let Some(library) = &mut manifest.lib {
        // `cargo_toml` fills it in, and Cargo warns about it.
        library.edition = None;
    }
    // Cargo looks in all parent folders for a workspace, and a home folder may hold one.
    manifest.workspace = Manifest::from_str("[workspace]")?.workspace;
    let has_path = |dependency: &Dependency| dependency.detail().is_some_and(|d| d.path.is_some());
    match dependencies(manifest).find(|(_, dependency)| has_path(dependency)) {
        None => Ok(()),
        Some((name, _)) => {
            Err(format!("the runtime must not depend on {name}, a member of the workspace").into())
        }
    }
}

/// What the runtime itself is built with, on any target.
fn dependencies(manifest: &Manifest) -> impl Iterator<Item = (&String, &Dependency)> {
    let targets = manifest.target.values();
    targets
        .flat_map(|target| [&target.dependencies, &target.build_dependencies])
        .chain([&manifest.dependencies, &manifest.build_dependencies])
        .flatten()
}

/// A `Cargo.lock`.
#[derive(Deserialize, Serialize)]
struct Lock {
    version: u32,
    #[serde(rename = "package")]
    packages: Vec<LockedPackage>,
}

#[derive(Clone, Deserialize, Serialize)]
struct LockedPackage {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<String>,
}

impl Lock {
    /// Only what a crate with this manifest needs.
    fn cut_down_to(self, manifest: &Manifest) -> Self {
        let mut pending: Vec<&str> = dependencies(manifest)
            .map(|(name, _)| name.as_str())
            .collect();
        let mut needed = BTreeSet::new();
        while let Some(wanted) = pending.pop() {
            for (index, package) in self.packages.iter().enumerate() {
                if package.is_meant_by(wanted) && needed.insert(index) {
                    pending.extend(package.dependencies.iter().map(String::as_str));
                }
            }
        }
        let packages = needed.iter().map(|&index| self.packages[index].clone());
        Self {
            version: self.version,
            packages: packages.collect(),
        }
    }
}

impl LockedPackage {
    /// * `wanted`: a name, or "name version" where several versions are locked.
    fn is_meant_by(&self, wanted: &str) -> bool {
        let mut words = wanted.split(' ');
        words.next() == Some(self.name.as_str())
            && words.next().is_none_or(|version| version == self.version)
    }
}

/// Makes the runtime itself ask for [`SETTLED_FEATURES`] of the crates it is built from.
fn settle_features(dependencies: &mut DepsSet, lock: &Lock) -> Result<(), Box<dyn Error>> {
    for (name, features) in SETTLED_FEATURES {
        for package in lock.packages.iter().filter(|locked| locked.name == name) {
            let detail = DependencyDetail {
                version: Some(package.version.parse()?),
                features: features.iter().map(ToString::to_string).collect(),
                ..DependencyDetail::default()
            };
            dependencies.insert(name.to_owned(), Dependency::Detailed(Box::new(detail)));
        }
    }
    Ok(())
}

fn collect_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => collect_files(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}
