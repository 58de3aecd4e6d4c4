//! The kernelspecs on this machine, and which of them Jupyter sees.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use corebook_build::search_path;
use corebook_install::kernelspec::Installed;
use serde_json::Value;

type Found = Result<String, String>;

/// A line for each installed kernel, or one that says that there is none.
pub fn kernelspecs(installed: &[Installed]) -> Vec<Found> {
    match installed {
        [] => vec![Err(
            "Jupyter does not know the kernel: run `corebook install`".to_owned(),
        )],
        installed => installed.iter().map(starts).collect(),
    }
}

fn starts(kernel: &Installed) -> Found {
    let (dir, binary) = (kernel.dir.display(), kernel.binary.display());
    if !kernel.binary.is_file() {
        return Err(format!(
            "{dir} starts {binary}, which is gone: run `corebook install` again"
        ));
    }
    let own = std::env::current_exe().ok();
    let is_this = own.is_some_and(|own| is_same(&own, &kernel.binary));
    let other = if is_this {
        ""
    } else {
        ", another corebook than this one"
    };
    Ok(format!("{dir} starts {binary}{other}"))
}

/// What the `jupyter` on `PATH` lists.
pub fn view(installed: &[Installed]) -> Found {
    let missing = || {
        "there is no `jupyter` on PATH: run `install/lab`, or `pip install jupyterlab`; `corebook run` needs none"
            .to_owned()
    };
    let jupyter = search_path::find("jupyter").ok_or_else(missing)?;
    let output = Command::new(jupyter)
        .args(["kernelspec", "list", "--json"])
        // Jupyter and Python read settings and modules of the current folder.
        .current_dir(search_path::neutral_folder())
        .output()
        .map_err(|_| missing())?;
    let listed = listed(&output.stdout).ok_or_else(|| {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().last().unwrap_or_default();
        format!("`jupyter kernelspec list --json` failed ({last}): reinstall Jupyter")
    })?;
    let seen: Vec<&str> = installed
        .iter()
        .filter(|kernel| listed.iter().any(|dir| is_same(dir, &kernel.dir)))
        .map(|kernel| kernel.name.as_str())
        .collect();
    match seen.as_slice() {
        [] => Err(
            "`jupyter kernelspec list` does not name a kernel of corebook's: run `corebook install --user`, \
             or `corebook install --sys-prefix` in Jupyter's environment"
                .to_owned(),
        ),
        seen => Ok(format!("`jupyter kernelspec list` names {}", seen.join(", "))),
    }
}

/// The folders of all kernels that Jupyter lists.
fn listed(json: &[u8]) -> Option<Vec<PathBuf>> {
    let json: Value = serde_json::from_slice(json).ok()?;
    let kernels = json["kernelspecs"].as_object()?.values();
    let dirs = kernels.filter_map(|kernel| kernel["resource_dir"].as_str());
    Some(dirs.map(PathBuf::from).collect())
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jupyters_list_is_read() {
        let json = br#"{"kernelspecs": {"python3": {"resource_dir": "/a"}, "rust": {"resource_dir": "/b"}}}"#;
        assert_eq!(listed(json), Some(vec!["/a".into(), "/b".into()]));
        assert_eq!(listed(b"no json"), None);
    }
}
