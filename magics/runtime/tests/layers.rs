//! The modules of this library form layers: there is no cycle of modules that use each other.
//!
//! This is checked for the top-level modules of `src` and for the modules directly in `src/pool`. Paths in comments do
//! not count.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// For each module directly in a folder, the other modules there that it names.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Makes the graph of a folder.
///
/// * `prefix`: the path of the folder in code, for example `crate::`.
fn graph(folder: &str, prefix: &str) -> Graph {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() || path.extension().is_some_and(|end| end == "rs"))
        .filter(|path| !path.ends_with("lib.rs"))
        .collect();
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let modules: BTreeSet<String> = entries.iter().map(|path| name(path)).collect();
    let mut graph = Graph::new();
    for path in &entries {
        let module = name(path);
        let mut used = names_after(&code_of(path), prefix);
        used.retain(|other| *other != module && modules.contains(other));
        // `foo.rs` and the folder `foo` are one module.
        graph.entry(module).or_default().extend(used);
    }
    graph
}

/// Returns the code of a file or of all files in a folder, without comments.
fn code_of(path: &Path) -> String {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).unwrap();
        return entries
            .map(|entry| code_of(&entry.unwrap().path()))
            .collect();
    }
    if path.extension().is_none_or(|end| end != "rs") {
        return String::new();
    }
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Returns the names that follow `prefix`, also those in braces.
fn names_after(code: &str, prefix: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (start, _) in code.match_indices(prefix) {
        // A path in a macro belongs to the code that uses the macro.
        if code[..start].ends_with('$') {
            continue;
        }
        let rest = &code[start + prefix.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            names.insert(first_name(rest));
            continue;
        };
        let mut depth = 0;
        let end = list.find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth < 0
        });
        let mut depth = 0;
        let paths = list[..end.unwrap()].split(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == ',' && depth == 0
        });
        names.extend(paths.map(|path| first_name(path.trim())));
    }
    names
}

fn first_name(path: &str) -> String {
    let is_ident_char = |c: &char| c.is_alphanumeric() || *c == '_';
    path.chars().take_while(is_ident_char).collect()
}

/// Removes modules that use no other remaining module, until none is left to remove. What remains is in a cycle or
/// above one.
fn without_layers(mut graph: Graph) -> Graph {
    loop {
        let bottom: BTreeSet<String> = graph
            .iter()
            .filter(|(_, used)| used.is_empty())
            .map(|(module, _)| module.clone())
            .collect();
        if bottom.is_empty() {
            return graph;
        }
        graph.retain(|module, _| !bottom.contains(module));
        for used in graph.values_mut() {
            used.retain(|module| !bottom.contains(module));
        }
    }
}

#[test]
fn modules_of_the_library_form_layers() {
    let graph = graph("src", "crate::");
    assert!(graph["pool"].contains("event"), "{graph:?}");
    assert_eq!(without_layers(graph), Graph::new());
}

#[test]
fn folders_of_the_pool_form_layers() {
    let graph = graph("src/pool", "crate::pool::");
    assert!(graph["api"].contains("schedule"), "{graph:?}");
    assert!(graph["schedule"].contains("threads"), "{graph:?}");
    assert_eq!(without_layers(graph), Graph::new());
}
