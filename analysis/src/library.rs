//! The standard library, as a project for rust-analyzer. Reads no source.
//!
//! rust-analyzer can ask cargo for the library's packages, but that takes a second, needs the packages on which the
//! library depends, and may use the network. The crates of the library and their dependencies rarely change, so they
//! are listed here. What the library takes from other packages, such as `hashbrown`, is in private fields.

use std::path::Path;

use anyhow::Context;
use ra_ap_paths::AbsPath;
use ra_ap_project_model::{ProjectJson, ProjectJsonData, RustSourceWorkspaceConfig, Sysroot};
use serde_json::json;

/// Where the crates are, below `library`, and on which of them each depends. A crate can be in one of several folders.
const CRATES: [(&str, &[&str], &[&str]); 8] = [
    ("core", &["core"], &[]),
    ("alloc", &["alloc"], &["core"]),
    ("unwind", &["unwind"], &["core"]),
    (
        "panic_unwind",
        &["panic_unwind"],
        &["core", "alloc", "unwind"],
    ),
    (
        "std_detect",
        &["std_detect", "stdarch/crates/std_detect"],
        &["core", "alloc"],
    ),
    (
        "std",
        &["std"],
        &["core", "alloc", "panic_unwind", "unwind", "std_detect"],
    ),
    ("proc_macro", &["proc_macro"], &["core", "alloc", "std"]),
    ("test", &["test"], &["core", "alloc", "std"]),
];

/// Folders of the source that are not read. Tests and benchmarks are never compiled into the library.
pub const LEFT_OUT: [&str; 4] = ["tests", "benches", "examples", "portable-simd"];

/// The folder of `std::arch`, the vector instructions of all processors: half of the source and, once read, a fifth of
/// rust-analyzer's memory. Few notebooks use it.
pub const ARCH: &str = "stdarch";

/// The library in the folder `source`. Empty if it is not installed.
pub fn library(source: &AbsPath) -> anyhow::Result<Sysroot> {
    let Some(data) = description(source.as_ref()) else {
        return Ok(Sysroot::empty());
    };
    let data: ProjectJsonData =
        serde_json::from_value(data).context("rust-analyzer describes projects in another way")?;
    let project = ProjectJson::new(None, source, data);
    // Without the toolchain's folder: with it rust-analyzer would ask rustup where cargo is.
    let mut library = Sysroot::new(None, Some(source.to_path_buf()));
    let config = RustSourceWorkspaceConfig::Json(project);
    if let Some(loaded) = library.load_workspace(&config, false, &|_| {}) {
        library.set_workspace(loaded);
    }
    Ok(library)
}

/// The folders of the library's crates that exist in `source`.
pub fn folders(source: &Path) -> impl Iterator<Item = std::path::PathBuf> {
    CRATES.iter().filter_map(move |(_, folders, _)| {
        let mut folders = folders.iter().map(|folder| source.join(folder));
        folders.find(|folder| folder.join("src/lib.rs").exists())
    })
}

/// The content of a `rust-project.json`: <https://rust-analyzer.github.io/book/non_cargo_based_projects.html>.
fn description(source: &Path) -> Option<serde_json::Value> {
    let root = |folders: &[&str]| {
        let mut roots = folders
            .iter()
            .map(|folder| source.join(folder).join("src/lib.rs"));
        roots.find(|root| root.exists())
    };
    let found: Vec<_> = CRATES
        .iter()
        .filter_map(|(name, folders, needed)| Some((*name, root(folders)?, *needed)))
        .collect();
    if !found.iter().any(|(name, ..)| *name == "core") {
        return None;
    }
    let number = |wanted: &str| found.iter().position(|(name, ..)| *name == wanted);
    let crates = found.iter().map(|(name, root, needed)| {
        let needed = needed
            .iter()
            .filter_map(|name| Some(json!({ "crate": number(name)?, "name": name })));
        json!({
            "display_name": name,
            "root_module": root,
            "edition": "2024",
            "deps": needed.collect::<Vec<_>>(),
            "is_workspace_member": false,
        })
    });
    Some(json!({ "crates": crates.collect::<Vec<_>>() }))
}
