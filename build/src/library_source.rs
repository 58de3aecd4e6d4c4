//! The standard library's source for rust-analyzer: all of it except `std::arch`.
//!
//! The vector instructions of all processors are half of the source and, once read, a fifth of rust-analyzer's memory.
//! Few notebooks use them.

use std::fs;
use std::path::Path;

use crate::{Error, Toolchain, cache};

const LEFT_OUT: &str = "stdarch";

/// Fills `dir` with links to the toolchain's source. Does nothing if that is not installed.
pub(crate) fn link(toolchain: &Toolchain, dir: &Path) -> Result<(), Error> {
    let Ok(entries) = fs::read_dir(toolchain.sysroot.join("lib/rustlib/src/rust/library")) else {
        return Ok(());
    };
    cache::create_private_dir(dir)?;
    for entry in entries.flatten() {
        if entry.file_name() != LEFT_OUT {
            let link = dir.join(entry.file_name());
            std::os::unix::fs::symlink(entry.path(), &link)
                .map_err(|error| Error::io("link", &link, error))?;
        }
    }
    Ok(())
}
