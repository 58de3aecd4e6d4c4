//! A host with a small project of its own and the real standard library.

use std::fs;
use std::path::Path;
use std::process::Command;

use ra_ap_paths::AbsPathBuf;

use super::*;
use crate::protocol::Kind;

/// The dependency that the project has from the start.
const NEIGHBOUR: &str = "/// A pair.\npub struct Pair { pub left: u8, right: u8 }\n\
    impl Pair { pub fn new() -> Self { Pair { left: 1, right: 2 } } fn hidden(&self) {} #[doc(hidden)] pub fn internal(&self) {} }\n";

struct Example {
    host: Host,
    folder: tempfile::TempDir,
}

fn package(folder: &Path, name: &str, source: &str, dependencies: &str) {
    fs::create_dir_all(folder.join("src")).unwrap();
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}"
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("src/lib.rs"), source).unwrap();
}

fn absolute(path: &Path) -> AbsPathBuf {
    AbsPathBuf::try_from(path.to_str().unwrap()).unwrap()
}

impl Example {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        package(&folder.path().join("neighbour"), "neighbour", NEIGHBOUR, "");
        let project = folder.path().join("project");
        package(
            &project,
            "ctx",
            "compile_error!(\"never read\");",
            "neighbour = { path = \"../neighbour\" }\n",
        );
        let sysroot = Command::new("rustc")
            .args(["--print", "sysroot"])
            .output()
            .unwrap();
        let sysroot = String::from_utf8(sysroot.stdout).unwrap();
        let library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library");
        let host = Host::new(Folders {
            project: absolute(&project),
            library: Some(absolute(&library)),
        });
        Self { host, folder }
    }

    /// The completions at the mark.
    fn completions(&mut self, marked: &str) -> Completions {
        let offset = marked.find('│').unwrap();
        let source = marked.replace('│', "");
        self.host.completions(&Place { source, offset }).unwrap()
    }

    fn names(&mut self, marked: &str) -> Vec<String> {
        let found = self.completions(marked);
        found.items.into_iter().map(|item| item.name).collect()
    }

    fn hover(&mut self, marked: &str) -> Option<String> {
        let offset = marked.find('│').unwrap();
        let source = marked.replace('│', "");
        self.host.hover(&Place { source, offset }).unwrap()
    }
}

#[test]
fn members_are_those_that_the_source_may_use() {
    let mut example = Example::new();
    let names = example.names("fn f(pair: neighbour::Pair) { pair.│ }");
    assert!(names.contains(&"left".to_owned()), "{names:?}");
    for private in ["right", "hidden", "internal"] {
        assert!(!names.iter().any(|name| name == private), "{names:?}");
    }
    let found = example.completions("struct Own { a: u8 } fn f(own: Own, v: Vec<u8>) { own.a│ }");
    assert_eq!(found.items[0].kind, Kind::Field);
    let names = example.names("fn f(v: Vec<u8>) { v.iter().│ }");
    assert!(names.contains(&"map".to_owned()) && !names.contains(&"ptr".to_owned()));
}

#[test]
fn completions_have_a_range_a_kind_and_arguments() {
    let mut example = Example::new();
    let marked = "fn scale(value: f64, factor: f64) -> f64 { value } fn f() { let x: f64 = sc│ }";
    let found = example.completions(marked);
    assert_eq!(&marked[found.start..found.end], "sc");
    let scale = found
        .items
        .iter()
        .find(|item| item.name == "scale")
        .unwrap();
    assert_eq!(scale.kind, Kind::Function);
    assert_eq!(scale.signature.as_deref(), Some("(value, factor)"));
    let found = example.completions("fn f(text: String) { let n: usize = text.│; }");
    let is_expected = |name: &str| {
        let mut items = found.items.iter();
        items.find(|item| item.name == name).unwrap().is_expected
    };
    assert!(is_expected("len") && !is_expected("is_empty"));
}

#[test]
fn a_hover_is_markdown() {
    let mut example = Example::new();
    let found = example.hover("fn f() { neighbour::Pa│ir::new() }").unwrap();
    assert!(found.contains("```rust\nneighbour\n```"), "{found}");
    assert!(found.contains("A pair."), "{found}");
    assert_eq!(example.hover("fn f() { no_such_│thing }"), None);
}

#[test]
fn the_project_is_loaded_again_when_its_manifest_changes_and_never_written() {
    let mut example = Example::new();
    let marked = "fn f() { other::│ }";
    assert!(example.names(marked).is_empty());
    let folder = example.folder.path();
    package(
        &folder.join("other"),
        "other",
        "pub fn answer() -> u8 { 42 }",
        "",
    );
    let project = folder.join("project");
    let manifest = fs::read_to_string(project.join("Cargo.toml")).unwrap();
    fs::write(project.join("Cargo.toml"), "not a manifest").unwrap();
    // The old project stays until there is a better one.
    assert!(example.names(marked).is_empty());
    fs::write(
        project.join("Cargo.toml"),
        manifest + "other = { path = \"../other\" }\n",
    )
    .unwrap();
    assert_eq!(example.names(marked), ["answer"]);
    assert!(
        !example
            .names("fn f(pair: neighbour::Pair) { pair.│ }")
            .is_empty()
    );
    let source = fs::read_to_string(project.join("src/lib.rs")).unwrap();
    assert_eq!(source, "compile_error!(\"never read\");");
    assert!(!project.join("Cargo.lock").exists());
}

#[test]
fn a_source_that_names_arch_gets_it() {
    assert!(has_arch("use std::arch::x86_64::*;"));
    assert!(!has_arch("let search = architecture;"));
}

#[test]
fn a_project_that_cannot_be_loaded_is_an_error() {
    let mut example = Example::new();
    fs::remove_file(example.folder.path().join("project/Cargo.toml")).unwrap();
    assert!(example.host.load().is_err());
    let place = Place {
        source: "é".to_owned(),
        offset: 1,
    };
    assert!(example.host.hover(&place).is_err(), "inside a character");
}
