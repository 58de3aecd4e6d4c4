//! Puts the runtime's source into this library, so that an installed binary needs no checkout.
//!
//! The runtime is a member of this workspace and inherits its versions from it. The copy that cells
//! link to is built on its own, so its manifest is resolved here, and the locked versions of its
//! dependencies go along: what people run is what was tested.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// Parts of the runtime's manifest that mean nothing outside the workspace.
const DROPPED_SECTIONS: [&str; 6] = [
    "lints",
    "dev-dependencies",
    "bench",
    "bin",
    "test",
    "example",
];

/// Features that other crates commonly switch on in crates the runtime is built from. Cargo builds a crate
/// once with all features anybody wants, so if these were off, a `:dep` in a notebook could switch them on
/// and have the runtime compiled anew, which loses every pool. `:dep itertools` did.
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

    let root = read_toml(&root_path)?;
    let mut manifest = read_toml(&manifest_path)?;
    resolve(&mut manifest, &root)?;
    let lock = locked_versions(&manifest, &read_toml(&lock_path)?)?;
    settle_features(&mut manifest, &lock)?;
    let lock = toml::to_string(&lock)?;

    let mut files = Vec::new();
    collect_files(&runtime.join("src"), &mut files)?;
    files.sort();

    let mut code = String::new();
    writeln!(
        code,
        "const MANIFEST: &str = {:?};",
        toml::to_string(&manifest)?
    )?;
    writeln!(code, "const LOCK: &str = {lock:?};")?;
    writeln!(code, "const FILES: &[(&str, &[u8])] = &[")?;
    for file in &files {
        let name = file
            .strip_prefix(&runtime)?
            .components()
            .map(|part| part.as_os_str());
        let name = name
            .map(|part| part.to_string_lossy())
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

fn read_toml(path: &Path) -> Result<Table, Box<dyn Error>> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text
        .parse::<Table>()
        .map_err(|error| format!("{}: {error}", path.display()))?)
}

/// Replaces what the manifest inherits by what the workspace says, and makes it stand alone.
fn resolve(manifest: &mut Table, root: &Table) -> Result<(), Box<dyn Error>> {
    let workspace = table(root, "workspace")?;
    for section in DROPPED_SECTIONS {
        manifest.remove(section);
    }
    let inherited = table(workspace, "package")?;
    let package = manifest.get_mut("package").and_then(Value::as_table_mut);
    for (key, value) in package
        .ok_or("the runtime's manifest has no [package]")?
        .iter_mut()
    {
        if is_inherited(value) {
            *value = inherited
                .get(key)
                .ok_or_else(|| format!("no workspace.package.{key}"))?
                .clone();
        }
    }
    let versions = table(workspace, "dependencies")?;
    let targets = manifest.get_mut("target").and_then(Value::as_table_mut);
    for target in targets.into_iter().flat_map(|targets| targets.iter_mut()) {
        if let Some(sections) = target.1.as_table_mut() {
            sections.remove("dev-dependencies");
            resolve_dependencies(sections, versions)?;
        }
    }
    resolve_dependencies(manifest, versions)?;
    // Cargo looks in all parent folders for a workspace, and a home folder may hold one.
    manifest.insert("workspace".to_owned(), Value::Table(Table::new()));
    Ok(())
}

fn resolve_dependencies(sections: &mut Table, versions: &Table) -> Result<(), Box<dyn Error>> {
    for section in ["dependencies", "build-dependencies"] {
        let dependencies = sections.get_mut(section).and_then(Value::as_table_mut);
        for (name, own) in dependencies.into_iter().flat_map(|all| all.iter_mut()) {
            if !is_inherited(own) {
                continue;
            }
            let inherited = versions
                .get(name)
                .ok_or_else(|| format!("no workspace version of {name}"))?;
            *own = merge(own, inherited);
            if own.get("path").is_some() {
                return Err(format!(
                    "the runtime must not depend on {name}, a member of the workspace"
                )
                .into());
            }
        }
    }
    Ok(())
}

fn is_inherited(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

/// A dependency as Cargo sees it: the workspace's version with the member's additions.
fn merge(own: &Value, inherited: &Value) -> Value {
    let mut merged = match inherited {
        Value::Table(table) => table.clone(),
        version => Table::from_iter([("version".to_owned(), version.clone())]),
    };
    for (key, value) in own.as_table().into_iter().flatten() {
        match (key.as_str(), merged.get_mut(key), value) {
            ("workspace", ..) => {}
            ("features", Some(Value::Array(features)), Value::Array(more)) => {
                features.extend(more.iter().cloned())
            }
            _ => {
                merged.insert(key.clone(), value.clone());
            }
        }
    }
    Value::Table(merged)
}

/// The workspace's lock file, cut down to what the runtime needs.
fn locked_versions(manifest: &Table, lock: &Table) -> Result<Table, Box<dyn Error>> {
    let packages = lock
        .get("package")
        .and_then(Value::as_array)
        .ok_or("Cargo.lock lists no packages")?;
    let mut wanted: Vec<String> = Vec::new();
    let targets = manifest.get("target").and_then(Value::as_table);
    let target_sections = targets
        .into_iter()
        .flat_map(Table::values)
        .filter_map(Value::as_table);
    for sections in target_sections.chain([manifest]) {
        for section in ["dependencies", "build-dependencies"] {
            let names = sections
                .get(section)
                .and_then(Value::as_table)
                .into_iter()
                .flat_map(Table::keys);
            wanted.extend(names.cloned());
        }
    }
    let mut kept = BTreeSet::new();
    while let Some(wish) = wanted.pop() {
        // "name", or "name version" where several versions of it are locked.
        let mut words = wish.split(' ');
        let (name, version) = (words.next(), words.next());
        let matches = |package: &Value| {
            let is = |key, wish: Option<&str>| package.get(key).and_then(Value::as_str) == wish;
            is("name", name) && (version.is_none() || is("version", version))
        };
        for (index, package) in packages
            .iter()
            .enumerate()
            .filter(|(_, package)| matches(package))
        {
            if kept.insert(index) {
                let needs = package
                    .get("dependencies")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten();
                wanted.extend(needs.filter_map(Value::as_str).map(str::to_owned));
            }
        }
    }
    let kept = kept
        .into_iter()
        .map(|index| packages[index].clone())
        .collect();
    let mut subset = Table::new();
    subset.insert(
        "version".to_owned(),
        lock.get("version")
            .ok_or("Cargo.lock has no version")?
            .clone(),
    );
    subset.insert("package".to_owned(), Value::Array(kept));
    Ok(subset)
}

/// Makes the runtime itself ask for [`SETTLED_FEATURES`] of the crates it is built from.
fn settle_features(manifest: &mut Table, lock: &Table) -> Result<(), Box<dyn Error>> {
    let packages = lock
        .get("package")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let settled: Vec<(String, Value)> = packages
        .filter_map(|package| {
            let name = package.get("name")?.as_str()?;
            let (_, features) = SETTLED_FEATURES
                .iter()
                .find(|(settled, _)| *settled == name)?;
            let features = features
                .iter()
                .map(|feature| Value::from(*feature))
                .collect();
            let entries = [
                ("version", package.get("version")?.clone()),
                ("features", Value::Array(features)),
            ];
            Some((
                name.to_owned(),
                Value::Table(
                    entries
                        .map(|(key, value)| (key.to_owned(), value))
                        .into_iter()
                        .collect(),
                ),
            ))
        })
        .collect();
    let dependencies = manifest
        .get_mut("dependencies")
        .and_then(Value::as_table_mut);
    dependencies
        .ok_or("the runtime's manifest has no [dependencies]")?
        .extend(settled);
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

fn table<'a>(parent: &'a Table, key: &str) -> Result<&'a Table, Box<dyn Error>> {
    Ok(parent
        .get(key)
        .and_then(Value::as_table)
        .ok_or_else(|| format!("no [{key}] in the root manifest"))?)
}
