//! Checks that a room of `src` imports only from rooms below it. `lib.rs` lists the rooms from top to bottom.

mod source_files;

use std::fs;
use std::path::Path;

use source_files::rust_files;

/// The rooms in the order in which `lib.rs` lists them.
fn rooms(src: &Path) -> Vec<String> {
    let text = fs::read_to_string(src.join("lib.rs")).expect("every crate has it");
    let lines = text.lines().filter_map(|line| line.strip_prefix("//! * "));
    lines
        .map(|line| {
            let name = line.split('`').nth(1).expect("a room in backticks");
            assert!(src.join(name).is_dir() || src.join(format!("{name}.rs")).is_file());
            name.to_owned()
        })
        .collect()
}

/// Every source file of a room, with its text.
fn files(src: &Path, room: &str) -> Vec<(String, String)> {
    let (file, folder) = (src.join(format!("{room}.rs")), src.join(room));
    let paths = rust_files(src).into_iter();
    let paths = paths.filter(|path| *path == file || path.starts_with(&folder));
    paths
        .map(|path| {
            let text = fs::read_to_string(&path).expect("it can be read");
            (path.display().to_string(), text)
        })
        .collect()
}

/// The rooms that a line names after `crate::`.
fn rooms_in(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        &rest[..end.unwrap_or(rest.len())]
    })
}

#[test]
fn no_room_imports_from_one_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rooms = rooms(&src);
    assert_eq!(rooms.len(), 9);
    let layer_of = |name: &str| rooms.iter().position(|room| room == name);
    let mut imports = 0;
    for (layer, room) in rooms.iter().enumerate() {
        for (path, text) in files(&src, room) {
            for name in text.lines().flat_map(rooms_in) {
                let imported =
                    layer_of(name).unwrap_or_else(|| panic!("{path} names no room: {name}"));
                assert!(
                    layer <= imported,
                    "{path} imports from {name}, which is above it"
                );
                imports += usize::from(layer < imported);
            }
        }
    }
    assert!(imports > 60, "only {imports} imports were found");
}

#[test]
fn all_rooms_in_a_line_are_found() {
    assert_eq!(
        rooms_in("use crate::jupyter::wire; crate::evaluator::run(crate::shared)")
            .collect::<Vec<_>>(),
        ["jupyter", "evaluator", "shared"]
    );
}
