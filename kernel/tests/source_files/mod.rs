//! Finds source files, for the tests that search in them. A folder with `mod.rs`, because cargo takes a file here for a
//! test.

use std::fs;
use std::path::{Path, PathBuf};

/// The Rust files in a folder and below it.
pub fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}
