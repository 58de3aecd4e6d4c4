//! The template with which `jupyter nbconvert --to script --template corebook` turns a notebook into a program.
//!
//! It is installed where nbconvert looks for templates, beside the `kernels` folder, as long as that folder holds a
//! kernel of corebook. nbconvert finds it by the name of its folder.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{KernelspecError, OWNER, failed, installed_in, write_folder};

const FILES: [(&str, &str); 2] = [
    ("conf.json", include_str!("../../nbconvert/conf.json")),
    ("script.j2", include_str!("../../nbconvert/script.j2")),
];

/// Writes the template for the kernels in `kernels`, and replaces an older one.
pub(super) fn install(kernels: &Path) -> Result<(), KernelspecError> {
    let templates = templates_dir(kernels);
    fs::create_dir_all(&templates).map_err(|error| failed("create", &templates, error))?;
    let files = FILES.map(|(name, content)| (name, content.as_bytes()));
    write_folder(&templates.join(OWNER), files.into_iter())
}

/// Removes the template if no kernel of corebook is left in `kernels`.
pub(super) fn uninstall(kernels: &Path) -> Result<(), KernelspecError> {
    if !installed_in(kernels).is_empty() {
        return Ok(());
    }
    let dir = templates_dir(kernels).join(OWNER);
    match fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed("remove", &dir, error)),
        _ => Ok(()),
    }
}

fn templates_dir(kernels: &Path) -> PathBuf {
    kernels.with_file_name("nbconvert").join("templates")
}
